//! Memory stays the same however long a stream is.

use std::io::Write;
use std::process::{Command, Stdio};

use super::run::Sandbox;

/// Lengths of a pcap file's header, and of a record's.
const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
/// A repetition comes so much later that every flow of the one before has ended.
const STEP_S: u32 = 600;

/// One column of every group whose flows or streams keep much: all of a flow's state is kept, little of it is written.
const COLUMNS: &str = "flow_id,iat_median,pkt_len_median,tcp_flags_fwd,padding_score,entropy_payload,mac_src,\
    tcp_seq_fwd_retrans,tcp_win_fwd_max,tcp_rtt_handshake,app,tls_sni,quic_sni,ssh_hassh,dns_names,http_method,\
    conn_src_unique_dsts";

/// Reads the capture so many times from standard input, later each time, and gives the most memory in KiB that the
/// program had by then.
fn peak_kib(capture: &[u8], times: u32) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rheos"))
        .args(["features", "extract", "-", "--columns", COLUMNS, "--format", "arrows"])
        .args(["--threads", "1", "--progress", "none"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let mut input = child.stdin.take().expect("its standard input");
    let (header, records) = capture.split_at(FILE_HEADER);
    input.write_all(header).expect("it reads");
    let mut records = records.to_vec();
    for _ in 0..times {
        input.write_all(&records).expect("it reads");
        later(&mut records);
    }
    // All but what fits the pipe has been read.
    let status = format!("/proc/{}/status", child.id());
    let status = std::fs::read_to_string(status).expect("it runs");
    drop(input);
    assert!(child.wait().expect("it ends").success());
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells it");
    peak.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

/// Moves the times of all records.
fn later(mut records: &mut [u8]) {
    while let Some((header, rest)) = records.split_at_mut_checked(RECORD_HEADER) {
        let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("4 bytes"));
        let (seconds, len) = (word(0), word(8));
        header[..4].copy_from_slice(&(seconds + STEP_S).to_le_bytes());
        records = &mut rest[len as usize..];
    }
}

#[test]
fn a_stream_fifty_times_longer_takes_no_more_memory() {
    let sandbox = Sandbox::new();
    let made = "gen packets --mix dns=40,http=1,tls=1 --seed 7 --conversations 100 --duration 30s -o m.pcap";
    sandbox.command(made).assert().success();
    let capture = std::fs::read(sandbox.path("m.pcap")).expect("the capture");
    assert_eq!(capture[1..4], [0x3c, 0xb2, 0xa1], "little-endian");
    // Long enough for every buffer to have been full once.
    let short = peak_kib(&capture, 160);
    let long = peak_kib(&capture, 50 * 160);
    assert!(long <= short + short / 4, "{short} KiB became {long} KiB");
}
