//! The smaller commands.

use serde_json::Value;

use crate::run::{self, Sandbox, assert_run};

fn stdout(line: &str) -> String {
    run::stdout(&Sandbox::new(), line)
}

#[test]
fn columns_are_listed_in_every_format() {
    assert_run("features_list", &stdout("features list --columns src_ip,iat_mean"));
    let csv = stdout("features list --format csv");
    let json: Value = serde_json::from_str(&stdout("features list --format json")).expect("JSON");
    let all = json.as_array().expect("a list").len();
    assert!(all > 130, "{all}");
    assert_eq!(stdout("features list --format md").lines().count(), all + 2);
    assert!(csv.starts_with("name,group,type,unit,direction,profile,emitted,meaning\n"));
    let core = stdout("features list --profile core --format csv").lines().count();
    assert!(core < csv.lines().count());
}

#[test]
fn a_column_and_a_group_are_explained() {
    assert_run("features_describe_column", &stdout("features describe iat_mean"));
    let theirs = stdout("features describe src2dst_packets");
    assert!(theirs.contains("profile    nfstream") && theirs.contains("made of    packets_fwd"));
    let group = stdout("features describe timing");
    assert!(group.starts_with("timing\n") && group.contains("iat_mean"), "{group}");
    let json = stdout("features describe iat_mean --format json");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["name"], "iat_mean");
    assert_eq!(json["unit"], "s");
}

#[test]
fn the_schema_is_that_of_the_rows() {
    let sandbox = Sandbox::new().with("web.pcap", crate::fixture::capture());
    let schema = stdout("features schema --groups size --format json-schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let rows = sandbox.command("features extract web.pcap --groups size --format jsonl").output();
    let rows = String::from_utf8(rows.expect("it runs").stdout).expect("text");
    assert_eq!(rows.lines().count(), 3);
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).expect("JSON");
        let row = row.as_object().expect("an object");
        let properties = schema["properties"].as_object().expect("properties");
        assert_eq!(properties.len(), row.len());
        for (name, value) in row {
            let types = properties[name]["type"].to_string();
            let kind = match value {
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::Number(n) if n.is_f64() => "number",
                Value::Number(_) => "integer",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
            };
            assert!(types.contains(kind), "{name}: {value} is not {types}");
        }
    }
    let csv = stdout("features schema --groups size --format csv");
    let header = sandbox.command("features extract web.pcap --groups size").output();
    let header = String::from_utf8(header.expect("it runs").stdout).expect("text");
    let names: Vec<&str> = header.lines().next().expect("a header").split(',').collect();
    let listed: Vec<&str> =
        csv.lines().skip(1).map(|line| line.split(',').next().expect("a name")).collect();
    assert_eq!(names, listed);
}

#[test]
fn doctor_looks_and_changes_nothing() {
    let sandbox = Sandbox::new();
    let output = sandbox.command("doctor --format json").output().expect("it runs");
    let list: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let checks: Vec<&str> =
        list.as_array().expect("a list").iter().filter_map(|c| c["check"].as_str()).collect();
    for check in ["threads", "memory", "open files", "output folder", "clock", "capabilities"] {
        assert!(checks.contains(&check), "{check} is not in {checks:?}");
    }
    assert_eq!(sandbox.files(), Vec::<String>::new());
    let missing = sandbox.run("doctor --output-dir nowhere");
    assert!(missing.starts_with("exit 1\n"), "{missing}");
    assert!(missing.contains("mkdir -p nowhere"), "{missing}");
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(&format!("completions {shell}"));
        for word in ["extract", "describe", "idle-timeout", "doctor"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        assert!(!script.contains("reference"), "{shell}: hidden commands stay hidden");
    }
}

#[test]
fn manual_pages_are_printed_or_written() {
    assert!(stdout("man").contains(".TH rheos 1"));
    let sandbox = Sandbox::new();
    assert!(sandbox.run("man pages").starts_with("exit 0"));
    let page = sandbox.text("pages/rheos-features-extract.1");
    assert!(page.contains("idle\\-timeout"), "{page}");
    assert!(!sandbox.path("pages/rheos-reference.1").exists());
}

#[test]
fn reference_pages_are_the_same_each_time() {
    let sandbox = Sandbox::new();
    for folder in ["one", "two"] {
        assert!(sandbox.run(&format!("reference {folder}")).starts_with("exit 0"));
    }
    for page in ["cli.md", "config.md", "drops.md", "features/README.md", "features/tcp.md"] {
        let text = sandbox.text(&format!("one/{page}"));
        assert_eq!(text, sandbox.text(&format!("two/{page}")));
        assert!(text.contains("# ") && text.lines().count() > 10, "{page}");
    }
    assert!(sandbox.text("one/cli.md").contains("## `rheos features extract`"));
    assert!(sandbox.text("one/config.md").contains("RHEOS_FLOW_IDLE_TIMEOUT"));
    assert!(sandbox.text("one/drops.md").contains("tcp.offset"));
}
