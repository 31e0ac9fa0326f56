//! Flow records and flow files.

use serde_json::Value;

use crate::run::{Sandbox, assert_run, stdout};

/// The older program's enhanced schema, with both versions of IP.
const FLOWS: &str = "\
stream_id,first_timestamp,last_timestamp,src_ip,dst_ip,src_port,dst_port,protocol,packet_count,byte_count
1,1704067200000000000,1704067201000000000,192.168.1.1,10.0.0.1,50000,443,6,10,12000
1,1704067200500000000,1704067200500000000,192.168.1.2,10.0.0.2,50001,53,17,2,300
1,1704067260000000000,1704067262000000000,10.0.0.1,192.168.1.1,443,50000,6,20,150000
2,1704067261000000000,1704067261500000000,2001:db8::1,2001:db8::2,50002,443,6,5,4000
2,1704067262000000000,1704067262000000000,192.168.1.1,10.0.0.1,8,8,1,1,84
";

/// The older program's simple schema.
const SIMPLE: &str = "\
timestamp,src_ip,dst_ip,src_port,dst_port,protocol,length
1704067200000000001,192.168.1.1,10.0.0.1,50000,443,6,800
1704067200000000002,192.168.1.1,10.0.0.1,50000,80,6,x
1704067200000000003,192.168.1.9,10.0.0.1,50000,53,17,64
";

fn sandbox() -> Sandbox {
    Sandbox::new().with("flows.csv", FLOWS).with("simple.csv", SIMPLE)
}

#[test]
fn flows_that_match_are_written_as_they_were() {
    let sandbox = sandbox();
    assert_eq!(stdout(&sandbox, "flows filter flows.csv"), FLOWS);
    assert_run("flows_filter", &sandbox.run("flows filter flows.csv -f 'tcp and bytes > 10k'"));
    let list =
        |flags: &str| stdout(&sandbox, &format!("flows filter flows.csv {flags}")).lines().count();
    assert_eq!(list("--protocol tcp --no-header"), 3);
    assert_eq!(list("--port 443 --src-subnet 192.168.0.0/16 --no-header"), 1);
    assert_eq!(list("--time-range 1704067200-1704067260 --no-header"), 2);
    assert_eq!(list("-n 4"), 5);
    assert_eq!(list("-f 'port 1'"), 1, "the header");
}

#[test]
fn what_does_not_match_goes_to_a_file_of_its_own() {
    let sandbox = sandbox();
    let told =
        sandbox.run("flows filter flows.csv -f 'proto tcp' --pass tcp.csv --fail rest.jsonl");
    assert!(told.contains("3 of 5 match (60%)") || told.contains("3 of 5 match"), "{told}");
    let lines = |keep: fn(&str) -> bool| -> String {
        let rows = FLOWS.lines().skip(1).filter(|line| keep(line));
        FLOWS.lines().take(1).chain(rows).flat_map(|line| [line, "\n"]).collect()
    };
    let is_tcp = |line: &str| line.split(',').nth(7) == Some("6");
    assert_eq!(stdout(&sandbox, "flows filter tcp.csv"), lines(is_tcp));
    let rest = stdout(&sandbox, "flows filter rest.jsonl --format csv");
    assert_eq!(rest, lines(|line| line.split(',').nth(7) != Some("6")));
    let refused = sandbox.run("flows filter flows.csv --pass a.csv --fail a.csv");
    assert!(refused.contains("name the same file"), "{refused}");
}

#[test]
fn folders_and_patterns_are_all_their_files() {
    let sandbox = sandbox().with("notes.txt", "what these are\n");
    let by_protocol = "--by proto --values flows --top 0 --format csv";
    let expected = "protocol,flows,percent\n6,5,62.5\n17,2,25.0\n1,1,12.5\n";
    assert_eq!(stdout(&sandbox, &format!("flows aggregate . {by_protocol}")), expected);
    assert_eq!(stdout(&sandbox, &format!("flows aggregate '*.csv' {by_protocol}")), expected);
    let told = sandbox.run("flows aggregate . --by proto");
    assert!(
        told.contains("2 files of .") && told.contains("1 file left out: `./notes.txt`"),
        "{told}"
    );
}

#[test]
fn every_format_reads_back() {
    let sandbox = sandbox();
    let formats = ["a.parquet", "a.arrow", "a.jsonl", "a.json", "a.csv.gz", "a.csv.zst"];
    for name in formats {
        stdout(&sandbox, &format!("flows filter flows.csv --addresses wide -o {name}"));
        assert_eq!(stdout(&sandbox, &format!("flows filter {name} --format csv")), FLOWS, "{name}");
    }
    let pretty = stdout(&sandbox, "flows filter flows.csv --format json-pretty");
    let rows: Value = serde_json::from_str(&pretty).expect("JSON");
    assert_eq!(rows[3]["src_ip"], "2001:db8::1");
    let compact = stdout(&sandbox, "flows filter flows.csv --format json");
    assert_eq!(serde_json::from_str::<Value>(&compact).expect("JSON"), rows);
    assert!(!compact.contains('\n') && pretty.starts_with("[\n  {\n    \"stream_id\": 1,\n"));
    assert_eq!(stdout(&sandbox, "flows filter flows.csv -f 'port 1' --format json"), "[]");
    let refused = sandbox.run("flows filter simple.csv flows.csv -o b.parquet");
    assert!(refused.contains("--addresses wide"), "{refused}");
    assert!(!sandbox.files().iter().any(|name| name.contains("b.parquet")));
}

#[test]
fn groups_are_told_with_the_others_and_the_whole() {
    let sandbox = sandbox();
    assert_run(
        "flows_aggregate",
        &sandbox.run("flows aggregate flows.csv --by srcip --by proto --top 2"),
    );
    assert_run(
        "flows_aggregate_window",
        &sandbox.run("flows aggregate flows.csv --by proto --window 1m --values flows,mean:bytes,p95:duration,distinct:srcip"),
    );
    let csv = stdout(&sandbox, "flows aggregate flows.csv --by biflow --top 0 --format csv");
    assert_eq!(
        csv.lines().nth(1),
        Some("10.0.0.1,192.168.1.1,443,50000,6,2,30,162000,97.3651312626214"),
        "{csv}"
    );
    for threads in [1, 2, 7] {
        let again = format!(
            "flows aggregate flows.csv --by biflow --top 0 --format csv --threads {threads}"
        );
        assert_eq!(stdout(&sandbox, &again), csv);
    }
    let json =
        stdout(&sandbox, "flows aggregate flows.csv --by srcip/24 --format json --values bytes");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["groups"], 3);
    assert_eq!(json["rows"][0]["src_ip"], "10.0.0.0/24");
    assert_eq!(json["total"]["bytes"], 166_384);
    stdout(&sandbox, "flows aggregate flows.csv --by dstport --top 0 -o ports.parquet");
    let many = sandbox.run("flows aggregate flows.csv --by srcip --groups-max 2");
    assert!(many.contains("more than 2 groups") && many.contains("--groups-max"), "{many}");
}

#[test]
fn rows_that_are_not_understood_are_counted_or_refused() {
    let sandbox = sandbox();
    assert_run("flows_bad_row", &sandbox.run("flows aggregate simple.csv --by dstport"));
    assert_run("flows_strict", &sandbox.run("flows aggregate simple.csv --by dstport --strict"));
    assert_run("flows_missing_column", &sandbox.run("flows aggregate simple.csv --by tos"));
    assert_run("flows_wrong_filter", &sandbox.run("flows filter simple.csv -f 'dst prot 80'"));
    assert_run("flows_wrong_key", &sandbox.run("flows aggregate simple.csv --by scrip"));
}

#[test]
fn standard_input_is_a_file() {
    let sandbox = sandbox();
    let mut command = sandbox.command("flows filter - -f 'port 53' --no-header");
    let output = command.write_stdin(SIMPLE).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(text, "1704067200000000003,192.168.1.9,10.0.0.1,50000,53,17,64\n");
}

#[test]
fn ports_are_told_as_the_older_program_counted_them() {
    let sandbox = sandbox();
    let csv = stdout(&sandbox, "flows port flows.csv --format csv");
    assert_eq!(
        csv,
        "port,flows,tx_bytes,rx_bytes,total_bytes,tx_packets,rx_packets,total_packets\n\
         443,3,150000,16000,166000,20,15,35\n\
         50000,2,12000,150000,162000,10,20,30\n\
         50002,1,4000,0,4000,5,0,5\n\
         53,1,0,300,300,0,2,2\n\
         50001,1,300,0,300,2,0,2\n\
         8,1,84,84,168,1,1,2\n"
    );
    // In the older program the ranked list came out in the order of ports all the same.
    let first = |sort: &str| {
        let csv = stdout(
            &sandbox,
            &format!("flows port flows.csv --no-header --format csv --sort {sort}"),
        );
        csv.split(',').next().map(str::to_owned)
    };
    assert_eq!(first("port").as_deref(), Some("8"));
    assert_eq!(first("rx_bytes").as_deref(), Some("50000"));
    assert_eq!(first("packets").as_deref(), Some("443"));
    assert_run("flows_port", &sandbox.run("flows port flows.csv --top 2"));
    let json = stdout(&sandbox, "flows port flows.csv --format json --top 1");
    assert!(json.starts_with("[{") && json.contains("\"total_bytes\":166000"), "{json}");
}

#[test]
fn the_overview_is_told_as_tables_json_and_page() {
    let sandbox = sandbox();
    assert_run("flows_analyze", &sandbox.run("flows analyze flows.csv --top 2 --bin 1m"));
    let json = stdout(
        &sandbox,
        "flows analyze flows.csv --format json --report page.html --load-scheme proportional",
    );
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["flows"], 5);
    assert_eq!(json["tables"]["protocols"]["rows"][0]["protocol"], 6);
    assert_eq!(json["distributions"]["bytes"]["max"], 150_000);
    let steps = json["over_time"]["steps"].as_array().expect("a list");
    let bytes: u64 = steps.iter().filter_map(|step| step["bytes"].as_u64()).sum();
    assert_eq!(bytes, 166_384);
    let page = sandbox.text("page.html");
    assert!(page.contains("<svg") && page.contains("destination networks"));
    let again = stdout(
        &sandbox,
        "flows analyze flows.csv --format json --threads 3 --load-scheme proportional",
    );
    assert_eq!(serde_json::from_str::<Value>(&again).expect("JSON"), json);
}

#[test]
fn sets_are_compared_by_distribution_and_by_row() {
    let other = FLOWS.replace(",84\n", ",85\n") + "2,1,1,1.2.3.4,1.2.3.4,1,1,6,1,1\n";
    let sandbox = sandbox().with("other.csv", other);
    assert_run("flows_compare", &sandbox.run("flows compare flows.csv other.csv"));
    assert_run("flows_compare_rows", &sandbox.run("flows compare flows.csv other.csv --rows"));
    stdout(&sandbox, "flows filter flows.csv -o same.parquet --addresses wide");
    let equal = sandbox.run("flows compare flows.csv same.parquet --rows");
    assert!(
        equal.starts_with("exit 0\n") && equal.contains("equal  5 rows in 10 columns"),
        "{equal}"
    );
}
