//! Rows beside expected rows.

use crate::fixture;
use crate::run::{Sandbox, assert_run};

const COLUMNS: &str = "src_ip,dst_ip,src_port,dst_port,protocol,start_time,total_packets,duration";

fn sandbox() -> Sandbox {
    Sandbox::new().with("web.pcap", fixture::capture())
}

#[test]
fn what_was_extracted_is_equal_in_every_format() {
    let sandbox = sandbox();
    for name in ["rows.csv", "rows.csv.gz", "rows.jsonl", "rows.parquet"] {
        let made = sandbox.run(&format!("features extract web.pcap --profile all -o {name}"));
        assert!(made.starts_with("exit 0"), "{name}: {made}");
        let line = format!("features validate web.pcap --expected {name} --tolerance 0");
        let shown = sandbox.run(&line);
        assert!(shown.starts_with("exit 0"), "{name}: {shown}");
        assert!(shown.contains(" equal  3 rows, "), "{name}: {shown}");
        assert!(!shown.contains("not compared"), "{name}: {shown}");
    }
}

/// The TCP flow has a packet more, the DNS flow is missing, a flow from elsewhere is extra.
const DIFFERENT: &str = "\
src_ip,dst_ip,src_port,dst_port,protocol,start_time,total_packets,duration,verdict
10.0.0.1,10.0.0.2,40000,80,6,1700000000,9,0.0700001,good
10.0.0.1,10.0.0.2,,,1,2023-11-14T22:13:20.110Z,1,0,bad
10.0.0.7,10.0.0.2,1,2,17,1700000000.5,1,,bad
";

#[test]
fn differences_are_listed_and_fail() {
    let sandbox = sandbox().with("expected.csv", DIFFERENT);
    let line = "features validate web.pcap --expected expected.csv";
    assert_run("validate_different", &sandbox.run(line));
    assert_run("validate_json", &sandbox.run(&format!("{line} --format json --show 1 -q")));
    let lenient = sandbox.run(&format!("{line} --tolerance 1e-3 --columns duration -q"));
    assert!(!lenient.contains("0.0700001"), "{lenient}");
    let shown = sandbox.run(&format!("{line} -f 'tcp' --columns protocol"));
    assert!(shown.contains("3 expected, 1 found: 0 differ, 2 missing, 0 extra"), "{shown}");
}

#[test]
fn rows_without_addresses_are_matched_by_order() {
    let lines = "{\"total_packets\": 8}\n{\"total_packets\": 2}\n{\"total_packets\": 1}\n";
    let sandbox = sandbox().with("expected.jsonl", lines);
    let shown = sandbox.run("features validate web.pcap --expected expected.jsonl");
    assert!(shown.starts_with("exit 0"), "{shown}");
    assert!(shown.contains("1 column of rows matched by order"), "{shown}");
}

#[test]
fn pseudonyms_are_compared_with_pseudonyms() {
    let sandbox = sandbox().with("one.key", "the first secret phrase\n");
    let flags = "--anonymize --key-file one.key";
    let line = format!("features extract web.pcap --columns {COLUMNS} {flags} -o rows.csv");
    assert!(sandbox.run(&line).starts_with("exit 0"));
    let line = "features validate web.pcap --expected rows.csv";
    assert!(sandbox.run(&format!("{line} {flags}")).starts_with("exit 0"));
    assert!(sandbox.run(line).starts_with("exit 1"));
}

#[test]
fn mistakes_are_told() {
    let sandbox = sandbox()
        .with("other.csv", "name,verdict\na,b\n")
        .with("torn.csv", "src_ip,dst_ip\n10.0.0.1\n");
    for (name, line) in [
        ("error_validate_columns", "features validate web.pcap --expected other.csv"),
        ("error_validate_rows", "features validate web.pcap --expected torn.csv"),
        ("error_validate_missing", "features validate web.pcap --expected none.csv"),
        (
            "error_validate_tolerance",
            "features validate web.pcap --expected torn.csv --tolerance=-1",
        ),
    ] {
        let shown = sandbox.run(line);
        assert!(shown.starts_with("exit 2\n--- stderr\nerror: "), "{line}: {shown}");
        assert_run(name, &shown);
    }
}
