//! `rheos gen flows`: same bytes everywhere, every format, files one after the other, mistakes.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;

use rheos_core::{FlowRecord, Timestamp};
use rheos_gen::flows::{FlowConfig, FlowGenerator, read_raw};
use rheos_wire::export::{Collector, CollectorConfig, ExportConfig, Exporter, Protocol};

use crate::run::{Sandbox, assert_run, stdout};

/// The default records, made here.
fn records(count: usize) -> Vec<FlowRecord> {
    let mut made = FlowGenerator::new(FlowConfig::default().plan().expect("a plan"));
    let mut records = vec![FlowRecord::default(); count];
    assert_eq!(made.fill(&mut records), count);
    records
}

#[test]
fn the_rows_are_those_of_the_library_on_any_number_of_threads() {
    let sandbox = Sandbox::new();
    for threads in [1, 2, 7] {
        stdout(&sandbox, &format!("gen flows -n 100k --threads {threads} -o {threads}.raw"));
        let file = std::fs::read(sandbox.path(&format!("{threads}.raw"))).expect("a file");
        let (header, made) = read_raw::<FlowRecord>(&file).expect("records");
        assert_eq!((header.count, header.seed), (Some(100_000), 1));
        assert!(made == records(100_000), "{threads} threads");
    }
    // What comes after the first records is what `--skip` begins with.
    let all = stdout(&sandbox, "gen flows -n 1000 --no-header");
    let rest = stdout(&sandbox, "gen flows -n 1000 --no-header --skip 990");
    assert_eq!(rest.lines().collect::<Vec<_>>(), all.lines().skip(990).collect::<Vec<_>>());
    assert_run("gen_flows", &sandbox.run("gen flows -n 3"));
}

#[test]
fn every_format_tells_the_same_flows() {
    let sandbox = Sandbox::new();
    let lengths: u64 = records(5000).iter().map(|r| u64::from(r.packet_length)).sum();
    let names = ["a.csv", "a.csv.gz", "a.jsonl.zst", "a.json", "a.parquet", "a.arrow", "a.arrows"];
    for name in names.into_iter().chain(["a.raw", "a.ipfix", "a.raw.zst", "a.ipfix.gz"]) {
        stdout(&sandbox, &format!("gen flows -n 5k -o {name}"));
        let line = format!("flows aggregate {name} --by proto --format json");
        let told: serde_json::Value = serde_json::from_str(&stdout(&sandbox, &line)).expect("JSON");
        let text = told.to_string();
        let sum = |key: &str| sums(&told, key);
        assert_eq!((sum("flows"), sum("bytes")), (5000, lengths), "{name}: {text}");
    }
}

/// The sum of a key over all rows, wherever they lie in the document.
fn sums(told: &serde_json::Value, key: &str) -> u64 {
    match told {
        serde_json::Value::Array(rows) => rows.iter().map(|row| sums(row, key)).sum(),
        serde_json::Value::Object(row) => match row.get(key) {
            Some(number) => number.as_u64().unwrap_or_default(),
            None => row.values().map(|value| sums(value, key)).max().unwrap_or_default(),
        },
        _ => 0,
    }
}

#[test]
fn files_begin_anew_by_rows_time_and_size() {
    let sandbox = Sandbox::new();
    let all = stdout(&sandbox, "gen flows -n 10k --no-header");
    let joined = |sandbox: &Sandbox| -> String {
        sandbox.files().iter().map(|name| sandbox.text(name)).collect()
    };
    stdout(&sandbox, "gen flows -n 10k --no-header -o rows.csv --rotate-rows 3000");
    assert_eq!(
        sandbox.files(),
        ["rows-00000.csv", "rows-00001.csv", "rows-00002.csv", "rows-00003.csv"]
    );
    assert_eq!(sandbox.text("rows-00003.csv").lines().count(), 1000);
    assert_eq!(joined(&sandbox), all);

    let sandbox = Sandbox::new();
    stdout(&sandbox, "gen flows -n 10k --no-header -o time.csv --rotate-time 1ms");
    assert_eq!(joined(&sandbox), all);
    for (number, name) in (0..).zip(sandbox.files()) {
        let first = 1_704_067_200_000_000_000_u64 + number * 1_000_000;
        for line in sandbox.text(&name).lines() {
            let time: u64 = line.split(',').next().and_then(|t| t.parse().ok()).expect("a time");
            assert!((first..first + 1_000_000).contains(&time), "{name}: {line}");
        }
    }

    let sandbox = Sandbox::new();
    stdout(&sandbox, "gen flows -n 100k --no-header -o size.csv --rotate-size 1MB");
    assert!(sandbox.files().len() >= 3, "{:?}", sandbox.files());
    assert_eq!(joined(&sandbox), stdout(&sandbox, "gen flows -n 100k --no-header"));
}

#[test]
fn a_collector_gets_every_record() {
    let sandbox = Sandbox::new();
    for protocol in ["netflow5", "netflow9", "ipfix", "sflow"] {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        let to = socket.local_addr().expect("an address");
        // Few enough that the socket's buffer holds them all.
        let line =
            format!("gen flows -n 500 --sizes 100-1500 --to {to} --protocol {protocol} --pace 20k");
        stdout(&sandbox, &line);
        let mut collector = Collector::new(CollectorConfig::default());
        let mut got = Vec::new();
        let mut datagram = vec![0; 65_536];
        while got.len() < 500 {
            let (len, from) = socket.recv_from(&mut datagram).expect("a datagram");
            let now = Timestamp::from_secs(1_704_067_201);
            collector.read(from.ip(), now, &datagram[..len], &mut got).expect("it is understood");
        }
        let bytes: u64 = got.iter().map(|record| record.bytes).sum();
        let made = stdout(&sandbox, "gen flows -n 500 --sizes 100-1500 --no-header");
        let lengths = made.lines().filter_map(|row| row.rsplit(',').next()?.parse::<u64>().ok());
        assert_eq!(bytes, lengths.sum::<u64>(), "{protocol}");
    }
}

/// A capture of the default records as NetFlow 9, in packets without a link layer.
fn capture_of_exports(count: usize) -> Vec<u8> {
    let config = ExportConfig { protocol: Protocol::NetFlow9, ..ExportConfig::default() };
    let mut exporter = Exporter::new(config).expect("a configuration");
    let mut datagram = vec![0; exporter.datagram_len_max()];
    let mut capture = Vec::new();
    for field in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 101] {
        capture.extend(field.to_le_bytes());
    }
    let made = records(count);
    let mut rest = &made[..];
    while !rest.is_empty() {
        let now = Timestamp::from_secs(1_704_067_201);
        let filled = exporter.encode(now, rest, &mut datagram).expect("room");
        rest = &rest[filled.taken..];
        let udp = 8 + filled.len as u16;
        for field in [1_704_067_201, 0, u32::from(udp) + 20, u32::from(udp) + 20] {
            capture.extend(field.to_le_bytes());
        }
        capture.extend([0x45, 0]);
        capture.extend((udp + 20).to_be_bytes());
        capture.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        for field in [4000, 2055, udp, 0] {
            capture.extend(field.to_be_bytes());
        }
        capture.extend(&datagram[..filled.len]);
    }
    capture
}

#[test]
fn records_are_read_out_of_captures_and_damage_is_told() {
    let sandbox = Sandbox::new().with("exports.pcap", capture_of_exports(1000));
    let rows = stdout(&sandbox, "flows filter exports.pcap --no-header");
    let lengths: u64 = records(1000).iter().map(|r| u64::from(r.packet_length)).sum();
    let bytes = rows.lines().filter_map(|row| row.split(',').nth(9)?.parse::<u64>().ok());
    assert_eq!((rows.lines().count(), bytes.sum::<u64>()), (1000, lengths));

    stdout(&sandbox, "gen flows -n 100 -o whole.raw");
    let whole = std::fs::read(sandbox.path("whole.raw")).expect("a file");
    let sandbox = sandbox.with("cut.raw", &whole[..whole.len() - 7]);
    let sandbox = sandbox.with("short.raw", &whole[..whole.len() - 32]);
    assert_run("flows_raw_cut", &sandbox.run("flows filter cut.raw -f 'port 1'"));
    assert_run("flows_raw_short", &sandbox.run("flows filter short.raw -f 'port 1'"));
}

/// A plan whose clients are in `network`.
fn plan(network: &str) -> String {
    format!(
        "generation: {{seed: 7, max_flows: 500M, rate: {{flows_per_second: 1000000}}}}\n\
         traffic_patterns: [{{type: web_traffic, percentage: 100}}]\n\
         network: {{source_subnets: [{network}], destination_subnets: [{}]}}\n",
        if network.contains(':') { "\"2001:db8:9::/48\"" } else { "192.0.2.0/24" }
    )
}

#[test]
fn a_configuration_that_changes_is_taken_over_on_the_way() {
    let sandbox = Sandbox::new().with("plan.yaml", plan("10.1.0.0/16"));
    let mut run = Command::new(env!("CARGO_BIN_EXE_rheos"));
    run.args(["gen", "flows", "--plan", "plan.yaml", "--watch-config", "--no-header"]);
    run.current_dir(sandbox.path("")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = run.spawn().expect("it runs");
    let mut rows = BufReader::new(run.stdout.take().expect("its output"));
    let mut told = BufReader::new(run.stderr.take().expect("its words"));
    let (mut before, mut row) = (0_u64, String::new());
    // Rows until one has this source; moments never fall.
    let mut until = |source: &str| loop {
        row.clear();
        assert!(rows.read_line(&mut row).expect("a row") > 0, "all rows came before the change");
        let mut fields = row.split(',');
        let moment: u64 = fields.next().and_then(|f| f.parse().ok()).expect("a moment");
        assert!(moment >= before, "{moment} after {before}");
        before = moment;
        if fields.next().is_some_and(|address| address.starts_with(source)) {
            break;
        }
    };
    // Whole at once, as careful editors do.
    let change = |text: String| {
        std::fs::write(sandbox.path("next.yaml"), text).expect("a file");
        std::fs::rename(sandbox.path("next.yaml"), sandbox.path("plan.yaml")).expect("a name");
    };
    until("10.1.");
    change(plan("10.2.0.0/16"));
    until("10.2.");
    let mut line = || {
        let mut line = String::new();
        told.read_line(&mut line).expect("a line");
        line
    };
    assert!(line().contains("read again"));
    // What does not fit the rows that were written, and what is no plan, change nothing.
    for (text, part) in
        [(plan("\"2001:db8::/64\""), "other columns"), ("network: 7".into(), "generation")]
    {
        change(text);
        // Rows are taken while it looks.
        let complaint = std::thread::scope(|scope| {
            let complaint = scope.spawn(&mut line);
            while !complaint.is_finished() {
                until("10.2.");
            }
            complaint.join().expect("a line")
        });
        assert!(complaint.contains("warning:") && complaint.contains(part), "{complaint}");
        assert!(line().contains("going on with the configuration as it was"));
        until("10.2.");
    }
    run.kill().expect("it still runs");
    run.wait().expect("it ends");
}

#[test]
fn ipv6_subnets_make_columns() {
    let sandbox = Sandbox::new();
    let subnets = "--sources 2001:db8::/64 --destinations 2001:db8:1::/64";
    stdout(&sandbox, &format!("gen flows -n 100 {subnets} -o v6.parquet"));
    let rows = stdout(&sandbox, "flows filter v6.parquet --no-header");
    assert_eq!(rows.matches(",2001:db8:1:").count(), 100);
}

#[test]
fn a_configuration_is_filled_in_and_changed_by_flags() {
    let plan = "\
generation:
  max_flows: 100
  rate: {bandwidth_gbps: 1}
traffic_patterns:
  - {type: \"${KIND:-dns_traffic}\", percentage: 100}
";
    let sandbox = Sandbox::new()
        .with("plan.yaml", plan)
        .with("wrong.yaml", plan.replace("max_flows", "max_flow"));
    let rows = stdout(&sandbox, "gen flows --plan plan.yaml --no-header");
    assert_eq!(rows.lines().count(), 100);
    assert!(rows.lines().all(|row| row.split(',').nth(4) == Some("53")));
    let rows =
        stdout(&sandbox, "gen flows --plan plan.yaml --var KIND=ssh_traffic -n 7 --no-header");
    assert!(
        rows.lines().count() == 7 && rows.lines().all(|row| row.split(',').nth(4) == Some("22"))
    );
    assert_run("gen_flows_wrong_key", &sandbox.run("gen flows --plan wrong.yaml"));
}

#[test]
fn mistakes_are_told_with_the_next_step() {
    let sandbox = Sandbox::new().with("there.csv", "precious");
    for (name, line) in [
        ("gen_flows_pattern", "gen flows --patterns web_trafic=100"),
        ("gen_flows_sum", "gen flows --patterns web_traffic=70"),
        ("gen_flows_exists", "gen flows -o there.csv"),
        ("gen_flows_no_format", "gen flows -o rows"),
        ("gen_flows_remote", "gen flows --to 192.0.2.1:2055"),
        ("gen_flows_rotated_stdout", "gen flows --rotate-rows 10"),
    ] {
        assert_run(name, &sandbox.run(line));
    }
    assert_eq!(sandbox.text("there.csv"), "precious");
    assert_eq!(sandbox.files(), ["there.csv"]);
}
