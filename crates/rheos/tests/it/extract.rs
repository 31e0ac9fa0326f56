//! The main road, from a capture to rows.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::{Duration, Instant};

use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::fixture;
use crate::run::{Sandbox, assert_run, shown};

const COLUMNS: &str = "--columns src_ip,dst_ip,src_port,dst_port,protocol,duration,total_packets,\
                       total_bytes,payload_bytes_total,end_reason,history,tcp_fin_count";

fn sandbox() -> Sandbox {
    Sandbox::new().with("web.pcap", fixture::capture())
}

#[test]
fn rows_and_summary_of_a_capture_that_can_be_counted_by_hand() {
    assert_run("extract_csv", &sandbox().run(&format!("features extract web.pcap {COLUMNS}")));
}

#[test]
fn rows_as_json_lines() {
    let line = "features extract web.pcap --format jsonl --columns src_ip,protocol,vlan_id -q";
    assert_run("extract_jsonl", &sandbox().run(line));
}

#[test]
fn a_damaged_capture_gives_the_rows_before_the_damage() {
    let sandbox = sandbox().with("cut.pcap", fixture::cut_capture());
    let shown = sandbox.run("features extract cut.pcap --columns src_ip,total_packets");
    assert_run("extract_damaged", &shown);
    let shown = sandbox.run("features extract cut.pcap web.pcap -o rows.csv --columns src_ip");
    assert!(shown.starts_with("exit 1\n"), "{shown}");
    assert!(sandbox.text("rows.csv").lines().count() > 3, "the next file goes on");
}

#[test]
fn a_capture_without_packets_gives_a_header() {
    let sandbox = Sandbox::new().with("none.pcap", fixture::no_packets());
    assert_run("extract_no_packets", &sandbox.run("features extract none.pcap --columns src_ip"));
}

#[test]
fn a_folder_stands_for_its_captures() {
    let sandbox = Sandbox::new()
        .with("day/2.pcap", fixture::capture())
        .with("day/10.pcap", fixture::later_capture())
        .with("day/notes.txt", "none");
    assert_run("extract_folder", &sandbox.run("features extract day --columns src_ip,protocol"));
}

#[test]
fn filter_and_count_choose_packets() {
    let sandbox = sandbox();
    let rows = |line: &str| {
        let output = sandbox.command(line).output().expect("it runs");
        assert!(output.status.success(), "{line}");
        String::from_utf8(output.stdout).expect("text").lines().count() - 1
    };
    assert_eq!(rows("features extract web.pcap"), 3);
    assert_eq!(rows("features extract -r web.pcap -f 'udp port 53'"), 1);
    assert_eq!(rows("features extract web.pcap -f 'not tcp'"), 2);
    assert_eq!(rows("features extract web.pcap -n 3"), 1);
    assert_eq!(rows("features extract web.pcap --tcp-linger 0 --idle-timeout 5ms"), 12 - 1);
}

#[test]
fn standard_input_and_threads_change_nothing() {
    let sandbox = sandbox();
    let rows = |line: &str, stdin: &[u8]| {
        let output = sandbox.command(line).write_stdin(stdin).output().expect("it runs");
        assert!(output.status.success(), "{line}");
        output.stdout
    };
    let from_file = rows("features extract web.pcap --profile all --threads 1", b"");
    assert_eq!(from_file, rows("features extract - --profile all", &fixture::capture()));
    assert_eq!(from_file, rows("features extract web.pcap --profile all --threads 2", b""));
    assert_eq!(from_file, rows("features extract web.pcap --profile all --threads 7", b""));
}

#[test]
fn files_are_written_whole_and_overwritten_by_force_only() {
    let sandbox = sandbox();
    assert_run("extract_file", &sandbox.run("features extract web.pcap -o rows.csv"));
    assert!(sandbox.run("features extract web.pcap -o rows.csv").starts_with("exit 2"));
    assert!(sandbox.run("features extract web.pcap -o rows.csv --force").starts_with("exit 0"));
    for name in ["a.parquet", "a.arrow", "a.arrows", "a.jsonl", "a.csv.gz", "a.jsonl.zst"] {
        let shown = sandbox.run(&format!("features extract web.pcap -o {name}"));
        assert!(shown.starts_with("exit 0"), "{name}: {shown}");
        assert!(std::fs::metadata(sandbox.path(name)).expect("a file").len() > 100, "{name}");
    }
}

#[test]
fn parquet_tells_what_made_it() {
    let sandbox = sandbox();
    let hash = |line: &str| {
        assert!(sandbox.run(line).starts_with("exit 0"), "{line}");
        let file = std::fs::File::open(sandbox.path("a.parquet")).expect("a file");
        let reader = SerializedFileReader::new(file).expect("Parquet");
        let metadata = reader.metadata().file_metadata();
        assert_eq!(metadata.num_rows(), 3);
        let pairs = metadata.key_value_metadata().expect("metadata");
        let of = |key: &str| {
            let pair = pairs.iter().find(|pair| pair.key == key).expect(key);
            pair.value.clone().expect(key)
        };
        assert_eq!(of("rheos.version"), env!("CARGO_PKG_VERSION"));
        assert_eq!(of("rheos.inputs"), "web.pcap");
        assert_eq!(of("rheos.seed"), "0");
        of("rheos.config_hash")
    };
    let plain = hash("features extract web.pcap -o a.parquet");
    assert_eq!(plain.len(), 64);
    assert_eq!(plain, hash("features extract web.pcap -o a.parquet --force --threads 2"));
    assert_ne!(plain, hash("features extract web.pcap -o a.parquet --force --idle-timeout 59s"));
}

#[test]
fn settings_reach_the_run() {
    let sandbox = sandbox().with("five.yaml", "flow: {idle_timeout: 5ms, tcp_linger: 0s}\n");
    let rows = |command: &mut assert_cmd::Command| {
        let output = command.output().expect("it runs");
        String::from_utf8(output.stdout).expect("text").lines().count() - 1
    };
    let line = "features extract web.pcap --columns src_ip";
    assert_eq!(rows(&mut sandbox.command(line)), 3);
    assert_eq!(rows(&mut sandbox.command(&format!("{line} -c five.yaml"))), 11);
    let mut command = sandbox.command(&format!("{line} -c five.yaml"));
    assert_eq!(rows(command.env("RHEOS_FLOW_IDLE_TIMEOUT", "1m")), 3);
    let mut command = sandbox.command(&format!("{line} -c five.yaml --idle-timeout 5ms"));
    assert_eq!(rows(command.env("RHEOS_FLOW_IDLE_TIMEOUT", "1m")), 11);
}

#[test]
fn a_reader_that_had_enough_is_no_failure() {
    // More rows than a pipe holds, so that the writer must notice.
    let sandbox = Sandbox::new().with("many.pcap", fixture::many_flows(3000));
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("rheos"))
        .args(["features", "extract", "many.pcap"])
        .current_dir(sandbox.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut first = String::new();
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    lines.read_line(&mut first).expect("a line");
    drop(lines);
    assert!(first.starts_with("src_ip,"), "{first}");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn an_interrupt_removes_what_is_not_whole() {
    let sandbox = Sandbox::new();
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("rheos"))
        .args(["features", "extract", "-", "-o", "rows.parquet"])
        .current_dir(sandbox.path(""))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let started = Instant::now();
    while sandbox.files().is_empty() {
        assert!(started.elapsed() < Duration::from_mins(1), "no file was begun");
        std::thread::yield_now();
    }
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("a signal");
    assert!(killed.success());
    // Waiting closes standard input, whose end would race with the signal.
    let stdin = child.stdin.take();
    let status = child.wait().expect("it ends");
    drop(stdin);
    assert_eq!(status.code(), Some(130));
    assert_eq!(sandbox.files(), Vec::<String>::new());
    let mut told = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut told).expect("text");
    assert_eq!(told.trim(), "interrupted");
}

#[test]
fn quiet_says_nothing_and_verbose_says_more() {
    let sandbox = sandbox();
    let quiet = shown(&mut sandbox.command("features extract web.pcap -q --columns src_ip"));
    assert!(!quiet.contains("--- stderr"), "{quiet}");
    let verbose = shown(&mut sandbox.command("features extract web.pcap -v --columns src_ip"));
    assert!(verbose.contains("settings hash"), "{verbose}");
}
