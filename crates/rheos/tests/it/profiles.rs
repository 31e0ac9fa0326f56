//! Profiles: how many columns, and whose.

use serde_json::Value;

use crate::fixture;
use crate::run::{Sandbox, assert_run, stdout};

fn json(sandbox: &Sandbox, line: &str) -> Value {
    serde_json::from_str(&stdout(sandbox, line)).expect("JSON")
}

fn web() -> Sandbox {
    Sandbox::new().with("web.pcap", fixture::capture())
}

#[test]
fn profiles_are_listed_from_few_columns_to_many() {
    let list = json(&Sandbox::new(), "features profiles list --format json");
    let list = list.as_array().expect("a list");
    let columns = |name: &str| {
        let one = list.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{name}"));
        assert!(
            one["groups"].as_u64() > Some(0) && !one["meaning"].as_str().expect("text").is_empty()
        );
        one["columns"].as_u64().expect("a number")
    };
    assert!(columns("core") <= columns("extended") && columns("extended") < columns("all"));
    assert_eq!(columns("default"), columns("core"));
    assert_eq!((columns("cicflowmeter"), columns("nfstream")), (82, 80));
    let table = stdout(&Sandbox::new(), "features profiles list");
    assert!(table.starts_with("name"), "{table}");
    assert_eq!(table.lines().count(), list.len() + 1);
}

#[test]
fn a_profile_is_shown_with_what_it_is_made_of() {
    let sandbox = Sandbox::new();
    assert_run("profiles_show_nfstream", &stdout(&sandbox, "features profiles show nfstream"));
    let csv = stdout(&sandbox, "features profiles show cicflowmeter --format csv");
    assert_run("profiles_show_cicflowmeter_csv", &csv);
    let document = json(&sandbox, "features profiles show cicflowmeter --format json");
    assert_eq!(document["columns"].as_array().map(Vec::len), Some(82));
    assert_eq!(document["missing"][0]["name"], "Flow ID");
    let ours = json(&sandbox, "features profiles show core --format json");
    let core = json(&sandbox, "features schema --profile core");
    assert_eq!(ours["columns"], core);
}

#[test]
fn rows_have_the_columns_of_another_tool() {
    let line = "features extract web.pcap --profile nfstream --columns end_reason --format jsonl";
    assert_run("extract_nfstream", &stdout(&web(), line));
    let line = "features extract web.pcap --profile cicflowmeter --format csv";
    assert_run("extract_cicflowmeter", &stdout(&web(), line));
}

#[test]
fn identities_are_kept_out_of_other_tools_columns_too() {
    let sandbox = web().with("rheos.key", "0123456789abcdef0123456789abcdef");
    let hidden = "features extract web.pcap --profile nfstream --no-ips --no-names --no-ports";
    let hidden = stdout(&sandbox, hidden);
    let header = hidden.lines().next().expect("a header");
    assert!(!header.contains("src_ip") && !header.contains("src_mac"), "{header}");
    assert!(!header.contains("requested_server_name") && !header.contains("dst_port"), "{header}");
    let plain = stdout(&sandbox, "features extract web.pcap --profile nfstream");
    let veiled = "features extract web.pcap --profile nfstream --anonymize --key-file rheos.key";
    let veiled = stdout(&sandbox, veiled);
    let address = |rows: &str| {
        let row = rows.lines().nth(1).expect("a row");
        row.split(',').next().expect("an address").to_owned()
    };
    assert_ne!(address(&plain), address(&veiled));
    assert!(!veiled.contains(&address(&plain)));
}

#[test]
fn profile_mistakes_name_the_next_step() {
    let sandbox = web();
    for (name, line) in [
        ("error_profile", "features profiles show nfstreem"),
        ("error_profile_groups", "features extract web.pcap --profile nfstream --groups timing"),
        ("error_profile_column", "features extract web.pcap --profile nfstream --columns vlan_id"),
    ] {
        assert_run(name, &sandbox.run(line));
    }
}

/// Whether a value is of the types that its schema allows, within its limits.
fn holds(schema: &Value, value: &Value) -> bool {
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let within = |number: &serde_json::Number| {
        let number = number.as_f64().expect("a number");
        let at_least = schema["minimum"].as_f64().is_none_or(|min| number >= min);
        at_least && schema["maximum"].as_f64().is_none_or(|max| number <= max)
    };
    types.iter().any(|&name| match (name, value) {
        ("null", Value::Null) | ("boolean", Value::Bool(_)) => true,
        ("integer", Value::Number(number)) => !number.is_f64() && within(number),
        ("number", Value::Number(number)) => within(number),
        ("string", Value::String(text)) => {
            schema["format"] != "date-time" || (text.contains('T') && text.ends_with('Z'))
        }
        ("array", Value::Array(items)) => items.iter().all(|item| holds(&schema["items"], item)),
        _ => false,
    })
}

#[test]
fn the_json_schema_holds_for_rows_of_every_profile() {
    let sandbox = web();
    for choice in ["--profile all", "--profile nfstream", "--profile cicflowmeter", "--groups tcp"]
    {
        let schema = json(&sandbox, &format!("features schema {choice} --format json-schema"));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let required = schema["required"].as_array().expect("names");
        let rows = stdout(&sandbox, &format!("features extract web.pcap {choice} --format jsonl"));
        assert_eq!(rows.lines().count(), 3);
        for row in rows.lines() {
            let row: Value = serde_json::from_str(row).expect("JSON");
            let row = row.as_object().expect("an object");
            assert_eq!(row.len(), required.len(), "{choice}");
            for (name, value) in row {
                let of_name = &schema["properties"][name];
                assert!(required.iter().any(|it| it == name), "{name}");
                assert!(holds(of_name, value), "{choice}: {name}: {value} is not {of_name}");
            }
        }
    }
}

#[test]
fn the_schema_of_a_view_tells_what_it_is_made_of() {
    let sandbox = Sandbox::new();
    let list = json(&sandbox, "features schema --profile nfstream --exclude src_ip");
    assert_eq!(list.as_array().map(Vec::len), Some(79));
    assert_eq!(list[0]["name"], "src_mac");
    let csv = stdout(&sandbox, "features schema --profile nfstream --format csv");
    assert!(csv.starts_with("name,type,unit,direction,from,null,privacy,meaning,note\n"), "{csv}");
    let page = stdout(&sandbox, "features schema --profile cicflowmeter --format markdown");
    assert_eq!(page.lines().count(), 84);
    assert_eq!(page, stdout(&sandbox, "features list --profile cicflowmeter --format md"));
}
