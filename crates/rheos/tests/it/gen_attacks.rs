//! `rheos gen flows` with attacks: labels in the files are those of the ground truth.

use std::collections::{BTreeSet, HashMap};

use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::run::{Sandbox, stdout};

/// The example, beside the files that are made from it.
fn example(sandbox: &Sandbox) {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/flows/attacks.yaml");
    std::fs::copy(file, sandbox.path("attacks.yaml")).expect("the example");
}

/// Flows, packets and bytes by label, as `rheos flows aggregate` finds them.
fn by_label(sandbox: &Sandbox, file: &str) -> HashMap<u64, [u64; 3]> {
    let line = format!("flows aggregate {file} --by label --top 100 --format json");
    let told: serde_json::Value = serde_json::from_str(&stdout(sandbox, &line)).expect("JSON");
    let mut found = HashMap::new();
    collect(&told, &mut found);
    found
}

/// The rows, wherever they lie in the document.
fn collect(told: &serde_json::Value, found: &mut HashMap<u64, [u64; 3]>) {
    match told {
        serde_json::Value::Array(rows) => rows.iter().for_each(|row| collect(row, found)),
        serde_json::Value::Object(row) => {
            let number = |key: &str| row.get(key).and_then(serde_json::Value::as_u64);
            match number("label") {
                Some(label) => {
                    let sums = ["flows", "packets", "bytes"].map(|key| number(key).unwrap_or(0));
                    found.insert(label, sums);
                }
                None => row.values().for_each(|value| collect(value, found)),
            }
        }
        _ => {}
    }
}

#[test]
fn labels_in_every_format_are_those_of_the_truth() {
    let sandbox = Sandbox::new();
    example(&sandbox);
    for name in ["a.parquet", "a.arrow", "a.raw", "a.csv"] {
        let line = format!("gen flows --plan attacks.yaml -o {name} --truth truth.csv --force");
        stdout(&sandbox, &line);
        let found = by_label(&sandbox, name);
        let truth = sandbox.text("truth.csv");
        let mut lines = truth.lines();
        assert_eq!(
            lines.next(),
            Some("label,name,type,technique,start_ns,end_ns,records,packets,bytes,sources,targets")
        );
        let mut labels = 0;
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            let number = |at: usize| cells[at].parse::<u64>().expect("a number");
            let sums = [number(6), number(7), number(8)];
            assert!(sums[0] > 0, "{line}");
            assert_eq!(found.get(&number(0)), Some(&sums), "{name}: {line}");
            labels += 1;
        }
        assert_eq!((labels, found.len()), (10, 11), "{name}: and the background");
    }
}

#[test]
fn the_truth_is_of_the_records_that_were_made() {
    let sandbox = Sandbox::new();
    example(&sandbox);
    let line = "gen flows --plan attacks.yaml --skip 60k -n 90k -o a.parquet --truth truth.jsonl";
    stdout(&sandbox, line);
    let found = by_label(&sandbox, "a.parquet");
    let total: u64 = found.values().map(|sums| sums[0]).sum();
    assert_eq!(total, 30_000);
    for line in sandbox.text("truth.jsonl").lines() {
        let told: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let label = told["label"].as_u64().expect("a label");
        let records = found.get(&label).map_or(0, |sums| sums[0]);
        assert_eq!(told["records"].as_u64(), Some(records), "{line}");
    }
}

#[test]
fn columns_have_the_names_of_labels() {
    let sandbox = Sandbox::new();
    example(&sandbox);
    stdout(&sandbox, "gen flows --plan attacks.yaml -n 100k -o a.parquet");
    let file = std::fs::File::open(sandbox.path("a.parquet")).expect("a file");
    let reader = SerializedFileReader::new(file).expect("Parquet");
    let mut found = BTreeSet::new();
    for row in reader.get_row_iter(None).expect("rows") {
        let row = row.expect("a row");
        let cell = |name: &str| {
            let found = row.get_column_iter().find(|(of, _)| *of == name);
            found.expect(name).1.to_string().trim_matches('"').to_owned()
        };
        found.insert((cell("label"), cell("label_name")));
    }
    let pair = |label: &str, name: &str| (label.to_owned(), name.to_owned());
    assert!(found.contains(&pair("0", "background")), "{found:?}");
    assert!(found.contains(&pair("1", "scan-of-the-server")), "{found:?}");
    assert!(found.contains(&pair("2", "host_scan-2")), "{found:?}");
}

#[test]
fn a_truth_that_exists_is_kept() {
    let sandbox = Sandbox::new();
    example(&sandbox);
    std::fs::write(sandbox.path("truth.csv"), "mine").expect("written");
    let output = sandbox
        .command("gen flows --plan attacks.yaml -o a.raw --truth truth.csv")
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(sandbox.text("truth.csv"), "mine");
    assert!(String::from_utf8_lossy(&output.stderr).contains("--force"));
}
