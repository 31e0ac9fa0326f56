//! `rheos flows collect`: the older statistics tool's flags, layouts and summary, and what was wrong with it.

use serde_json::Value;

use crate::run::{Sandbox, assert_run, stdout};

/// The rows of CSV without header, as numbers where they are.
fn rows(csv: &str) -> Vec<Vec<String>> {
    csv.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn column(rows: &[Vec<String>], place: usize) -> Vec<u64> {
    rows.iter().map(|row| row[place].parse().expect("a number")).collect()
}

/// What a row is sorted by; the function reads an address.
type Key = fn(&[String], &dyn Fn(&str) -> u64) -> u64;

const CSV_HEADER: &str = "stream_id,first_timestamp,last_timestamp,src_ip,dst_ip,src_port,dst_port,protocol,\
    packet_count,byte_count";

#[test]
fn text_csv_and_json_are_laid_out_as_by_the_older_tool() {
    let sandbox = Sandbox::new();
    let csv = stdout(&sandbox, "flows collect -n 3 -t 5 -o csv");
    assert_eq!(csv.lines().next(), Some(CSV_HEADER));
    let flows = rows(csv.split_once('\n').expect("a header").1);
    assert_eq!(column(&flows, 0), [1, 2, 3, 1, 2]);

    let text = stdout(&sandbox, "flows collect -n 3 -t 5");
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let mut at = 0;
    for (name, width) in [
        ("STREAM", 10),
        ("FIRST_TIMESTAMP", 22),
        ("LAST_TIMESTAMP", 22),
        ("SRC_IP", 18),
        ("SRC_PORT", 10),
        ("DST_IP", 18),
        ("DST_PORT", 10),
        ("PROTO", 7),
        ("PACKETS", 10),
        ("BYTES", 12),
    ] {
        assert_eq!(header.get(at..at + width).map(str::trim_end), Some(name));
        at += width;
    }
    assert_eq!(header.len(), at);
    for (line, flow) in lines.zip(&flows) {
        let time = |nanos: &str| format!("{:>12}.{}", &nanos[..10], &nanos[10..]);
        let expected = format!(
            "0x{:08x}  {}  {}  {:<18}{:<10}{:<18}{:<10}{:<7}{:<10}{:<12}",
            flow[0].parse::<u32>().expect("a number"),
            time(&flow[1]),
            time(&flow[2]),
            flow[3],
            flow[5],
            flow[4],
            flow[6],
            flow[7],
            flow[8],
            flow[9]
        );
        assert_eq!(line, expected);
    }
    let object = |flow: &Vec<String>| {
        format!(
            "{{\"stream_id\":{},\"first_timestamp\":{},\"last_timestamp\":{},\"src_ip\":\"{}\",\"dst_ip\":\"{}\",\
             \"src_port\":{},\"dst_port\":{},\"protocol\":{},\"packet_count\":{},\"byte_count\":{}}}",
            flow[0],
            flow[1],
            flow[2],
            flow[3],
            flow[4],
            flow[5],
            flow[6],
            flow[7],
            flow[8],
            flow[9]
        )
    };
    let objects: Vec<String> = flows.iter().map(object).collect();
    let json = stdout(&sandbox, "flows collect -n 3 -t 5 -o json");
    assert_eq!(json, format!("[{}]", objects.join(",")));
    let pretty = stdout(&sandbox, "flows flows -n 3 -t 5 -o pretty");
    assert!(
        pretty.starts_with("[\n  {\n    \"stream_id\": 1,\n    \"first_timestamp\": "),
        "{pretty}"
    );
    assert!(pretty.ends_with("\n  }\n]\n"));
    let told: [Value; 2] = [&json, &pretty].map(|t| serde_json::from_str(t).expect("JSON"));
    assert_eq!(told[0], told[1]);
    assert_run("flows_collect", &sandbox.run("flows collect -n 2 -f 2"));
}

/// Every stream had the whole bandwidth, and its own flows.
#[test]
fn defect_9_flows_and_bandwidth_are_those_of_one_for_any_number_of_streams() {
    let sandbox = Sandbox::new();
    let made = |n: u32| {
        rows(&stdout(&sandbox, &format!("flows collect -n {n} -t 20k -o csv --no-header --seed 7")))
    };
    let one = made(1);
    for streams in [2, 7, 100] {
        let all = made(streams);
        assert!(one.iter().zip(&all).all(|(a, b)| a[1..] == b[1..]), "{streams} streams");
        let numbers = (0..20_000).map(|index| index % u64::from(streams) + 1);
        assert_eq!(column(&all, 0), numbers.collect::<Vec<_>>());
    }
    let bits = 8.0 * column(&one, 9).iter().sum::<u64>() as f64;
    let times = column(&one, 1);
    let seconds = (times[19_999] - times[0]) as f64 / 1e9;
    let off = bits / seconds / 10e9 - 1.0;
    // Single flows differ by some 120 % of their mean: 20 000 of them come this near.
    assert!(off.abs() < 0.03, "{off}");
    assert!(made(1) != rows(&stdout(&sandbox, "flows collect -n 1 -t 20k -o csv --no-header")));
}

/// `-t 10003 -n 7` made 7 times 1429.
#[test]
fn defect_15_no_flow_of_the_total_is_lost() {
    let sandbox = Sandbox::new();
    for (flags, count) in [("-t 10003 -n 7", 10_003), ("-t 3 -n 10", 3), ("-f 11 -n 3", 33)] {
        let csv = stdout(&sandbox, &format!("flows collect {flags} -o csv --no-header"));
        assert_eq!(csv.lines().count(), count, "{flags}");
    }
    let csv = stdout(&sandbox, "flows collect -t 5 -f 100 -n 2 -o csv --no-header");
    assert_eq!(csv.lines().count(), 5, "the total counts");
}

/// A comma came behind the last object now and then.
#[test]
fn defect_16_json_has_no_comma_at_its_end() {
    let sandbox = Sandbox::new();
    // Around the numbers of flows that are made and written at once.
    for count in [1, 2, 16_384, 32_768, 32_769] {
        for order in ["", "-s bytes", "-s bytes -w 10"] {
            for format in ["json", "json-pretty"] {
                let line = format!("flows collect -t {count} -n 4 -o {format} {order}");
                let told: Value = serde_json::from_str(&stdout(&sandbox, &line)).expect("JSON");
                assert_eq!(told.as_array().map(Vec::len), Some(count), "{line}");
            }
        }
    }
}

/// Moments lost their last digits where JSON was read as 53-bit numbers: they are whole in ours.
#[test]
fn defect_17_moments_in_json_are_exact() {
    let sandbox = Sandbox::new();
    let flags = "-t 1000 -n 1 --start-timestamp 1704067200123456789";
    let csv = rows(&stdout(&sandbox, &format!("flows collect {flags} -o csv --no-header")));
    let json = stdout(&sandbox, &format!("flows collect {flags} -o json"));
    let told: Value = serde_json::from_str(&json).expect("JSON");
    let first = |place: usize| told[place]["first_timestamp"].as_u64();
    let times = column(&csv, 1);
    assert_eq!(times[0], 1_704_067_200_123_456_789);
    assert!((0..1000).all(|place| first(place) == Some(times[place])));
}

#[test]
fn the_whole_result_or_each_window_is_sorted() {
    let sandbox = Sandbox::new();
    let csv = |flags: &str| {
        rows(&stdout(&sandbox, &format!("flows collect -t 40k -n 3 -o csv --no-header {flags}")))
    };
    let natural = csv("");
    assert_eq!(natural, csv("-s timestamp"));
    let number =
        |ip: &str| ip.split('.').fold(0, |n, part| n << 8 | part.parse::<u64>().expect("a number"));
    let falling: Key = |row, _| u64::MAX - row[9].parse::<u64>().expect("a number");
    let keys: [(&str, Key); 5] = [
        ("stream_id", |row, _| row[0].parse().expect("a number")),
        ("src_ip", |row, number| number(&row[3])),
        ("dst_ip", |row, number| number(&row[4])),
        ("bytes", falling),
        ("packets", |row, _| u64::MAX - row[8].parse::<u64>().expect("a number")),
    ];
    for (name, key) in keys {
        let mut expected = natural.clone();
        expected.sort_by_key(|row| key(row, &number));
        assert!(csv(&format!("-s {name}")) == expected, "{name}");
    }
    let start: u64 = natural[0][1].parse().expect("a number");
    let window =
        |row: &Vec<String>| (row[1].parse::<u64>().expect("a number") - start) / 20_000_000;
    let mut expected = natural.clone();
    expected.sort_by_key(|row| (window(row), falling(row, &number)));
    assert!(window(&natural[39_999]) > 3);
    assert!(csv("-s bytes -w 20") == expected);
    assert!(csv("-s bytes -w 20ms") == expected);
}

#[test]
fn times_configurations_and_files_are_taken() {
    let config = "\
generation:
  max_flows: 50
  rate: {bandwidth_gbps: 1}
  start_timestamp: 1700000000
traffic_patterns:
  - {type: dns_traffic, percentage: 100}
";
    let v6 = format!(
        "{config}network: {{source_subnets: ['2001:db8::/64'], destination_subnets: ['2001:db8:1::/64']}}\n"
    );
    let sandbox = Sandbox::new().with("dns.yaml", config).with("v6.yaml", v6);
    let flows = rows(&stdout(&sandbox, "flows collect -c dns.yaml -o csv --no-header"));
    assert_eq!(flows.len(), 50);
    assert!(flows.iter().all(|row| row[6] == "53" && row[8] == "2"));
    assert_eq!(column(&flows, 1)[0], 1_700_000_000_000_000_000);
    assert_eq!(
        stdout(&sandbox, "flows collect -c dns.yaml -t 7 -o csv --no-header").lines().count(),
        7
    );
    let v6 = stdout(&sandbox, "flows collect -c v6.yaml -s src_ip --no-header");
    assert_eq!(v6.matches("2001:db8:1:").count(), 50, "{v6}");
    // Long addresses do not run into the ports.
    assert!(v6.lines().all(|line| line.split_whitespace().count() == 10), "{v6}");
    // Flows up to an end, however many were asked for.
    let end =
        "--start-timestamp 2024-01-01T00:00:00Z --end-timestamp 1704067200010000000 -f 3 -n 2";
    let flows = rows(&stdout(&sandbox, &format!("flows collect {end} -o csv --no-header")));
    assert!(flows.len() > 100 && column(&flows, 1).iter().all(|t| *t < 1_704_067_200_010_000_000));
    let auto = stdout(&sandbox, "flows collect --end-timestamp 0 -f 3 -n 2 -o csv --no-header");
    assert_eq!(auto.lines().count(), 6);
    for name in ["a.csv", "a.json", "a.parquet", "a.txt"] {
        stdout(&sandbox, &format!("flows collect -t 10 --output {name}"));
    }
    assert_eq!(sandbox.text("a.csv"), stdout(&sandbox, "flows collect -t 10 -o csv"));
    assert_eq!(sandbox.text("a.txt"), stdout(&sandbox, "flows collect -t 10"));
    assert_eq!(stdout(&sandbox, "flows filter a.parquet"), sandbox.text("a.csv"));
}

/// In the older tool the ranked ports were printed in their own order all the same.
#[test]
fn ports_are_told_in_the_order_that_was_asked_for() {
    let sandbox = Sandbox::new();
    stdout(&sandbox, "flows collect -t 5000 --output all.csv");
    for sort in [
        "port",
        "flows",
        "tx_bytes",
        "rx_bytes",
        "total_bytes",
        "bytes",
        "tx_packets",
        "rx_packets",
        "packets",
    ] {
        let ours = stdout(&sandbox, &format!("flows collect port -t 5000 -o csv -s {sort}"));
        let files = stdout(&sandbox, &format!("flows port all.csv --format csv --sort {sort}"));
        assert_eq!(ours, files, "{sort}");
    }
    let csv = rows(&stdout(&sandbox, "flows collect port -t 5000 -o csv --no-header"));
    let bytes = column(&csv, 4);
    assert!(bytes.windows(2).all(|pair| pair[0] >= pair[1]) && csv[0][0] != "1", "{:?}", csv[0]);
    assert_run("flows_collect_port", &sandbox.run("flows collect port -t 5000 --top 3"));
    let json = stdout(&sandbox, "flows collect port -t 5000 --top 2 -o json");
    let told: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(told[1]["port"].to_string(), csv[1][0]);
}

/// One variable was for two flags.
#[test]
fn no_header_and_no_progress_are_two_flags() {
    let sandbox = Sandbox::new();
    let with = stdout(&sandbox, "flows collect -t 2 --no-progress");
    assert_eq!((with.lines().count(), &with[..6]), (3, "STREAM"));
    let run = |flags: &str| {
        let output =
            sandbox.command(&format!("flows collect -t 2 {flags}")).output().expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (text(output.stdout), text(output.stderr))
    };
    let (out, error) = run("--no-header --progress-style simple");
    assert_eq!(out.lines().count(), 2);
    assert!(error.contains("Progress: 100.0% - 2 flows - ETA: 0s\n"), "{error}");
    let (_, error) = run("--progress-style bar");
    assert!(error.contains(&format!(
        "\r[{}] 100.0% | Time: 2024-01-01 00:00:00 | ETA: 0s | ",
        "=".repeat(40)
    )));
    let (_, error) = run("--progress-style spinner");
    assert!(error.contains(" 100.0% - 2 flows - "), "{error}");
    // Nothing of it where nobody looks.
    assert!(!run("").1.contains('%') && !run("--no-progress").1.contains('%'));
    assert!(
        !run("--progress-style none").1.contains('%')
            && run("-q --progress-style bar").1.is_empty()
    );
}

#[test]
fn mistakes_are_told_with_the_next_step() {
    let sandbox = Sandbox::new().with("there.csv", "precious");
    for (name, line) in [
        ("collect_end", "flows collect --end-timestamp 5"),
        ("collect_none", "flows collect -t 0"),
        ("collect_threads", "flows collect -n 101"),
        ("collect_window", "flows collect -s bytes -w 0"),
        ("collect_window_alone", "flows collect -w 5"),
        ("collect_no_config", "flows collect -c nowhere.yaml"),
        ("collect_exists", "flows collect --output there.csv"),
        ("collect_order", "flows collect -n 2 port"),
        ("collect_no_format", "flows collect --output flows"),
    ] {
        assert_run(name, &sandbox.run(line));
    }
    assert_eq!(sandbox.text("there.csv"), "precious");
}
