//! What made the rows, beside them.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::fixture;
use crate::run::Sandbox;

fn sandbox() -> Sandbox {
    Sandbox::new()
        .with("web.pcap", fixture::capture())
        .with("labels.csv", "protocol,label\n6,tcp\n")
        .with("one.key", "the first secret phrase\n")
}

fn provenance(sandbox: &Sandbox, flags: &str) -> Value {
    let line = format!("features extract web.pcap --force -o rows.csv {flags}");
    let shown = sandbox.run(&line);
    assert!(shown.starts_with("exit "), "{shown}");
    serde_json::from_str(&sandbox.text("rows.csv.provenance.json")).expect("JSON")
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[test]
fn version_settings_captures_columns_and_counts_are_told() {
    let sandbox = sandbox();
    let told = provenance(&sandbox, "--columns src_ip,total_packets --labels labels.csv --seed 7");
    assert_eq!(told["tool"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(told["schema_version"], 1);
    assert_eq!(told["config_hash"].as_str().expect("text").len(), 64);
    assert_eq!(told["config"]["flow.idle_timeout"], "1m");
    assert_eq!(told["seed"], 7);
    let capture = &told["captures"][0];
    assert_eq!(capture["name"], "web.pcap");
    assert_eq!(capture["size"], fixture::capture().len());
    assert_eq!(capture["sha256"], sha256(&fixture::capture()));
    assert_eq!((&capture["format"], &capture["frames"]), (&"pcap".into(), &12.into()));
    assert_eq!(told["labels"]["sha256"], sha256(b"protocol,label\n6,tcp\n"));
    let columns = told["output"]["columns"].as_array().expect("a list");
    let names: Vec<&Value> = columns.iter().map(|column| &column["name"]).collect();
    assert_eq!(names, ["src_ip", "total_packets", "label"]);
    assert_eq!(told["output"]["bytes"], sandbox.text("rows.csv").len());
    assert_eq!(
        (&told["summary"]["rows"], &told["summary"]["drops"]["arp"]),
        (&3.into(), &1.into())
    );
    assert_eq!(told["summary"]["labels"]["rows_labelled"], 1);
}

#[test]
fn the_same_run_writes_the_same_bytes_in_every_compression() {
    let sandbox = sandbox();
    provenance(&sandbox, "");
    let first = sandbox.text("rows.csv.provenance.json");
    provenance(&sandbox, "--threads 3");
    assert_eq!(first, sandbox.text("rows.csv.provenance.json"));
    let packed = zstd::encode_all(&fixture::capture()[..], 1).expect("packed");
    let sandbox = sandbox.with("web.pcap", &packed);
    let told = provenance(&sandbox, "");
    assert_eq!(told["captures"][0]["sha256"], sha256(&packed), "as it lies on disk");
    assert_eq!(told["captures"][0]["compression"][0], "zstd");
}

#[test]
fn what_was_not_read_to_its_end_has_no_hash() {
    let sandbox = sandbox();
    assert_eq!(provenance(&sandbox, "-n 3")["summary"]["frames"], 3);
    let many = Sandbox::new().with("web.pcap", fixture::many_flows(20_000));
    assert_eq!(provenance(&many, "-n 3")["captures"][0]["sha256"], Value::Null);
    let cut = Sandbox::new().with("web.pcap", fixture::cut_capture());
    let told = provenance(&cut, "");
    assert_eq!(told["captures"][0]["frames"], 11, "the rows before the damage are told of too");
}

#[test]
fn neither_key_nor_identity_is_told() {
    let sandbox = sandbox().with("10.0.0.1.pcap", fixture::capture());
    let line = "features extract 10.0.0.1.pcap -f 'host 10.0.0.1' --anonymize --key-file one.key \
                -o rows.parquet";
    assert!(sandbox.run(line).starts_with("exit 0"));
    let text = sandbox.text("rows.parquet.provenance.json");
    for hidden in ["10.0.0.1", "secret phrase", "one.key"] {
        assert!(!text.contains(hidden), "`{hidden}` in {text}");
    }
    assert!(text.contains(&sha256(&fixture::capture())));
}

#[test]
fn it_can_be_left_out_and_pipes_have_none() {
    let sandbox = sandbox();
    let files = |line: &str| {
        assert!(sandbox.run(line).starts_with("exit 0"), "{line}");
        sandbox.files()
    };
    let before = sandbox.files().len();
    assert_eq!(files("features extract web.pcap").len(), before);
    assert_eq!(files("features extract web.pcap -o /dev/null").len(), before);
    assert_eq!(files("features extract web.pcap -o a.csv --no-provenance").len(), before + 1);
    assert_eq!(files("features extract web.pcap -o b.csv").len(), before + 3);
}
