//! `rheos flows query`: SQL, in every format.

use serde_json::Value;

use crate::run::{Sandbox, assert_run, stdout};

const FLOWS: &str = "\
stream_id,first_timestamp,last_timestamp,src_ip,dst_ip,src_port,dst_port,protocol,packet_count,byte_count
1,1704067200000000000,1704067201000000000,192.168.1.1,10.0.0.1,50000,443,6,10,12000
1,1704067200500000000,1704067200500000000,192.168.1.2,10.0.0.2,50001,53,17,2,300
1,1704067260000000000,1704067262000000000,10.0.0.1,192.168.1.1,443,50000,6,20,150000
2,1704067261000000000,1704067261500000000,2001:db8::1,2001:db8::2,50002,443,6,5,4000
";

fn sandbox() -> Sandbox {
    Sandbox::new().with("flows.csv", FLOWS)
}

const BY_PROTOCOL: &str = "SELECT protocol_name(protocol) AS protocol, count(*) AS flows, \
    sum(byte_count) AS bytes, min(first_timestamp) AS first, avg(packet_count) AS packets \
    FROM flows GROUP BY 1 ORDER BY bytes DESC";

#[test]
fn answers_are_tables_for_people() {
    let sandbox = sandbox();
    assert_run("flows_query", &sandbox.run(&format!("flows query '{BY_PROTOCOL}' flows.csv")));
    let described = stdout(&sandbox, "flows query 'DESCRIBE flows' flows.csv --format csv");
    assert!(described.contains("src_ip,Utf8View,NO\n"), "{described}");
}

#[test]
fn every_format_has_the_same_rows() {
    let sandbox = sandbox().with("by.sql", BY_PROTOCOL);
    let run = |rest: &str| stdout(&sandbox, &format!("flows query @by.sql flows.csv {rest}"));
    let csv = "protocol,flows,bytes,first,packets\n\
        tcp,3,166000,2024-01-01T00:00:00.000000000Z,11.666666666666666\n";
    assert!(run("--format csv").starts_with(csv), "{}", run("--format csv"));
    assert_eq!(run("--format csv --no-header").lines().count(), 2);
    let json: Value = serde_json::from_str(&run("--format json")).expect("JSON");
    assert_eq!((&json[0]["flows"], &json[1]["bytes"]), (&3.into(), &300.into()));
    let pretty: Value = serde_json::from_str(&run("--format json-pretty")).expect("JSON");
    assert_eq!(json, pretty);
    let line = run("--format jsonl").lines().next().map(str::to_owned).expect("a line");
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((&line["protocol"], &line["bytes"]), (&"tcp".into(), &166_000.into()));
    assert!(run("--format md").starts_with("| protocol |"));
    for name in ["out.parquet", "out.arrow", "out.csv", "out.md"] {
        assert_eq!(run(&format!("-o {name}")), "");
        assert!(sandbox.path(name).is_file(), "{name}");
    }
    // What was written is a file of flows again, if it has their columns.
    let again = "flows query 'SELECT * FROM flows WHERE protocol = 6' flows.csv -o tcp.parquet";
    stdout(&sandbox, again);
    let counted =
        stdout(&sandbox, "flows query 'SELECT count(*) AS n FROM flows' tcp.parquet --format csv");
    assert_eq!(counted, "n\n3\n");
}

#[test]
fn tables_have_names_and_filters_come_first() {
    let sandbox = sandbox();
    let one =
        |line: &str| stdout(&sandbox, &format!("flows query {line} --format csv --no-header"));
    assert_eq!(one("'SELECT count(*) FROM flows' flows.csv -f 'bytes > 1k'"), "3\n");
    assert_eq!(one("'SELECT count(*) FROM a, b' --table a=flows.csv --table b=flows.csv"), "16\n");
    assert_eq!(one("'SELECT count(*) FROM a' --table a=flows.csv --table a=flows.csv"), "8\n");
    let piped = sandbox
        .command("flows query 'SELECT sum(byte_count) FROM flows' - --format csv --no-header")
        .write_stdin(FLOWS)
        .output()
        .expect("it runs");
    assert_eq!(String::from_utf8_lossy(&piped.stdout), "166300\n");
    let twice = sandbox
        .command("flows query 'SELECT count(*) FROM flows a, flows b' -")
        .write_stdin(FLOWS)
        .output()
        .expect("it runs");
    assert_eq!(twice.status.code(), Some(2));
    let told = String::from_utf8_lossy(&twice.stderr);
    assert!(told.contains("only once") && told.contains("into a file"), "{told}");
}

#[test]
fn mistakes_are_told_with_the_next_step() {
    let sandbox = sandbox();
    for (name, line) in [
        ("flows_query_word", "'SELEC 1' flows.csv"),
        ("flows_query_column", "'SELECT nothing FROM flows' flows.csv"),
        ("flows_query_writes", "'DROP TABLE flows' flows.csv"),
        ("flows_query_table", "'SELECT 1' --table flows.csv"),
        ("flows_query_missing", "'SELECT 1 FROM flows' nowhere.csv"),
        ("flows_query_file", "@nowhere.sql flows.csv"),
    ] {
        assert_run(name, &sandbox.run(&format!("flows query {line}")));
    }
}
