//! `rheos gen flows` into captures: packets of records, and datagrams of exporters.

use serde_json::Value;

use crate::run::{Sandbox, assert_run, stdout};

/// Moment and bytes on the wire of every frame of a pcap file with nanoseconds.
fn frames(pcap: &[u8]) -> Vec<(u64, u64)> {
    let word = |bytes: &[u8], at: usize| {
        u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")))
    };
    assert_eq!(word(pcap, 0), 0xa1b2_3c4d);
    let (mut rest, mut frames) = (&pcap[24..], Vec::new());
    while !rest.is_empty() {
        frames.push((word(rest, 0) * 1_000_000_000 + word(rest, 4), word(rest, 12)));
        rest = &rest[16 + word(rest, 8) as usize..];
    }
    frames
}

fn sums(sandbox: &Sandbox, file: &str) -> (u64, u64, u64) {
    let line = format!("flows aggregate {file} --by proto --format json");
    let told: Value = serde_json::from_str(&stdout(sandbox, &line)).expect("JSON");
    let sum = |key: &str| told["total"][key].as_u64().unwrap_or_default();
    (sum("flows"), sum("packets"), sum("bytes"))
}

/// Flows of many packets: a model of a real network.
const REAL: &str = "\
generation: {max_flows: 2000, rate: {flows_per_second: 1000}}
traffic_patterns: [{type: web_traffic, percentage: 60}, {type: dns_traffic, percentage: 40}]
realism: {sizes: agh_2015}
";

#[test]
fn packets_add_up_to_the_records() {
    let sandbox = Sandbox::new().with("real.yaml", REAL);
    stdout(&sandbox, "gen flows -n 2000 -o one.pcap");
    let one = frames(&std::fs::read(sandbox.path("one.pcap")).expect("a file"));
    let rows = stdout(&sandbox, "gen flows -n 2000 --no-header");
    let expected: Vec<(u64, u64)> = rows
        .lines()
        .map(|row| {
            let mut fields = row.split(',').map(str::parse::<u64>);
            let time = fields.next().expect("a time").expect("a number");
            (time, fields.next_back().expect("a length").expect("a number") + 14)
        })
        .collect();
    assert_eq!(one, expected);

    stdout(&sandbox, "gen flows --plan real.yaml --packets-per-flow 1M -o all.pcap");
    stdout(&sandbox, "gen flows --plan real.yaml -o all.csv");
    let all = frames(&std::fs::read(sandbox.path("all.pcap")).expect("a file"));
    let (flows, packets, bytes) = sums(&sandbox, "all.csv");
    assert_eq!(flows, 2000);
    let on_wire: u64 = all.iter().map(|frame| frame.1 - 14).sum();
    assert_eq!((all.len() as u64, on_wire), (packets, bytes));
    assert!(all.is_sorted_by_key(|frame| frame.0));
    // What is cut is told, and what cannot be.
    let cut = sandbox.run("gen flows --plan real.yaml --packets-per-flow 5 -o cut.pcapng");
    assert!(
        cut.starts_with("exit 0") && cut.contains(" packets beyond `--packets-per-flow`"),
        "{cut}"
    );
    assert_run("gen_packets_small", &sandbox.run("gen flows -n 100 --sizes 10-30 -o small.pcap"));
}

#[test]
fn datagrams_of_every_protocol_tell_the_records() {
    let sandbox = Sandbox::new().with("real.yaml", REAL);
    stdout(&sandbox, "gen flows -n 5000 --sizes 100-1500 -o all.csv");
    let expected = sums(&sandbox, "all.csv");
    for protocol in ["netflow5", "netflow9", "ipfix", "sflow"] {
        for (name, flags) in [
            ("a.pcap", ""),
            ("a.pcapng.gz", "--exporters 3"),
            ("a.cap", "--datagram-size 9000 --exporters 2"),
            ("a.pcap.lz4", "--domain 7"),
        ] {
            let file = format!("{protocol}-{name}");
            let line = format!(
                "gen flows -n 5000 --sizes 100-1500 --protocol {protocol} {flags} -o {file}"
            );
            stdout(&sandbox, &line);
            assert_eq!(sums(&sandbox, &file), expected, "{line}");
        }
        let plain = std::fs::read(sandbox.path(&format!("{protocol}-a.pcap"))).expect("a file");
        assert!(frames(&plain).is_sorted_by_key(|frame| frame.0), "{protocol}");
    }
    stdout(&sandbox, "gen flows --plan real.yaml -o real.csv");
    stdout(&sandbox, "gen flows --plan real.yaml --biflow --protocol ipfix -o real.pcap");
    stdout(&sandbox, "gen flows --plan real.yaml --biflow -o real.ipfix");
    let expected = sums(&sandbox, "real.csv");
    assert_eq!((sums(&sandbox, "real.pcap"), sums(&sandbox, "real.ipfix")), (expected, expected));
    assert_run("gen_exports", &sandbox.run("gen flows -n 100 --protocol netflow5 -o shown.pcap"));
}

#[test]
fn records_with_packets_and_bytes_are_text_too() {
    let sandbox = Sandbox::new().with("real.yaml", REAL);
    let v6 = "--sources 2001:db8::/64 --destinations 2001:db8:1::/64";
    for plan in [v6, "--plan real.yaml"] {
        stdout(&sandbox, &format!("gen flows -n 300 {plan} -o a.parquet --force"));
        let expected = sums(&sandbox, "a.parquet");
        assert_eq!(expected.0, 300);
        for name in ["a.csv", "a.csv.gz", "a.jsonl", "a.jsonl.zst", "a.json", "a.json.gz", "a.raw"]
        {
            stdout(&sandbox, &format!("gen flows -n 300 {plan} -o {name} --force"));
            assert_eq!(sums(&sandbox, name), expected, "{plan} {name}");
        }
    }
    let csv = stdout(&sandbox, &format!("gen flows -n 2 {v6}"));
    let header = "stream_id,first_timestamp,last_timestamp,src_ip,dst_ip,src_port,dst_port,protocol,\
        packet_count,byte_count,tcp_flags,flow_id,pattern,label";
    assert_eq!(csv.lines().next(), Some(header));
    let bare = stdout(&sandbox, &format!("gen flows -n 2 --no-header {v6}"));
    assert_eq!(csv, format!("{header}\n{bare}"));
    // The files of a rotation are whole, each with its header.
    stdout(&sandbox, &format!("gen flows -n 100 {v6} --rotate-rows 40 -o part.csv"));
    let lines = |n: u8| sandbox.text(&format!("part-0000{n}.csv")).lines().count();
    assert_eq!([lines(0), lines(1), lines(2)], [41, 41, 21]);
}

#[test]
fn flags_that_fit_no_format_are_told() {
    let sandbox = Sandbox::new();
    for (name, line) in [
        ("gen_exports_csv", "gen flows --protocol netflow9 -o a.csv"),
        ("gen_exports_ipfix", "gen flows --protocol netflow9 -o a.ipfix"),
        ("gen_exports_none", "gen flows --exporters 3 -o a.pcap"),
        ("gen_exports_biflow", "gen flows --biflow --protocol netflow9 -o a.pcap"),
        ("gen_exports_long", "gen flows --protocol netflow9 --datagram-size 65530 -o a.pcap"),
        ("gen_exports_many", "gen flows --protocol netflow9 --exporters 251 -o a.pcap"),
    ] {
        assert_run(name, &sandbox.run(line));
    }
    assert!(sandbox.files().is_empty());
}

/// What a router that samples tells, multiplied by its interval, is what there was.
#[test]
fn sampled_exports_are_scaled_to_the_whole() {
    let sandbox = Sandbox::new();
    stdout(&sandbox, "gen flows -n 50k --sizes 100-1500 -o all.csv");
    let (_, packets, bytes) = sums(&sandbox, "all.csv");
    let scaled = |file: &str| {
        let line = format!("flows aggregate {file} --by proto --format json --scaled");
        let told: Value = serde_json::from_str(&stdout(&sandbox, &line)).expect("JSON");
        let sum = |key: &str| told["total"][key].as_u64().unwrap_or_default();
        (sum("packets"), sum("bytes"))
    };
    for (protocol, file) in [
        ("netflow5", "a5.pcap"),
        ("netflow9", "a9.pcap"),
        ("ipfix", "ai.pcap"),
        ("ipfix", "a.ipfix"),
    ] {
        stdout(
            &sandbox,
            &format!(
                "gen flows -n 50k --sizes 100-1500 --protocol {protocol} --sampling 10 -o {file}"
            ),
        );
        let (told, told_packets, told_bytes) = sums(&sandbox, file);
        assert_eq!((told, told_packets), (5000, 5000), "{protocol}");
        assert_eq!(scaled(file), (packets, told_bytes * 10), "{protocol}");
        // 5000 lengths, whose mean has a deviation of about 10 of 730.
        let off = (told_bytes * 10) as f64 / bytes as f64 - 1.0;
        assert!(off.abs() < 0.04, "{protocol}: {off}");
    }
    assert_run(
        "gen_exports_sampled",
        &sandbox.run("gen flows -n 1005 --protocol ipfix --sampling 100 -o s.pcap"),
    );
    assert_run(
        "gen_exports_unsampled",
        &sandbox.run("gen flows --protocol ipfix --sampling 0 -o s0.pcap"),
    );
}

/// Packets of attacks say which, where the format has a place for it.
#[test]
fn packets_of_attacks_are_labelled() {
    let plan = "\
generation: {max_flows: 500, rate: {flows_per_second: 1000}}
traffic_patterns: [{type: dns_traffic, percentage: 100}]
attacks: [{type: port_scan, name: noisy-scan, rate: 500}]
";
    let sandbox = Sandbox::new().with("attack.yaml", plan);
    stdout(&sandbox, "gen flows --plan attack.yaml -o labelled.pcapng");
    let csv = stdout(&sandbox, "gen flows --plan attack.yaml --no-header");
    let packets = csv.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let labelled = packets.filter(|row| row[13] == "1").map(|row| row[8].parse::<usize>());
    let expected: usize = labelled.map(|count| count.expect("a number")).sum();
    let capture = std::fs::read(sandbox.path("labelled.pcapng")).expect("a file");
    let comments = capture.windows(10).filter(|bytes| bytes == b"noisy-scan").count();
    assert!(expected > 50);
    assert_eq!(comments, expected);
}
