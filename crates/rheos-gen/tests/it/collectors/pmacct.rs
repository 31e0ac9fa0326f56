//! pmacct's nfacctd and sfacctd, which add up flows by their addresses, ports and protocol.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rheos_core::WideRecord;
use rheos_wire::export::{ExportConfig, Protocol, Times};

use super::daemon::{Daemon, free_port, wait_for};
use super::{records, send};

/// Packets, flows and bytes of one key, as pmacct prints them.
type Sums = BTreeMap<String, [u64; 3]>;

fn settings(daemon: &str, port: u16, folder: &Path, renormalize: bool) -> String {
    let folder = folder.display();
    let mut lines = vec![
        "daemonize: false".to_owned(),
        format!("{daemon}_ip: 127.0.0.1"),
        format!("{daemon}_port: {port}"),
        "plugins: print".into(),
        "aggregate: src_host,dst_host,src_port,dst_port,proto,flows".into(),
        "print_output: csv".into(),
        format!("print_output_file: {folder}/out.csv"),
        "print_output_file_append: true".into(),
        "print_refresh_time: 4".into(),
        format!("logfile: {folder}/log"),
    ];
    if renormalize {
        lines.push(format!("{daemon}_renormalize: true"));
    }
    lines.join("\n") + "\n"
}

/// Reads what was printed so far: sums over all refreshes.
fn printed(path: &Path) -> Sums {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut sums = Sums::new();
    let mut columns: Vec<&str> = Vec::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split(',').collect();
        if line.starts_with("SRC_IP") {
            columns = cells;
            continue;
        }
        let cell = |name: &str| {
            columns.iter().position(|column| *column == name).and_then(|at| cells.get(at)).copied()
        };
        let number = |name: &str| cell(name).and_then(|value| value.parse::<u64>().ok());
        let key: Option<Vec<&str>> = ["SRC_IP", "DST_IP", "SRC_PORT", "DST_PORT", "PROTOCOL"]
            .into_iter()
            .map(cell)
            .collect();
        // A line that is being written is read the next time.
        let (Some(key), Some(packets), Some(bytes)) = (key, number("PACKETS"), number("BYTES"))
        else {
            continue;
        };
        let sum = sums.entry(key.join(" ")).or_default();
        sum[0] += packets;
        sum[1] += number("FLOWS").unwrap_or(0);
        sum[2] += bytes;
    }
    sums
}

fn expected(records: &[WideRecord], sampling: u64) -> Sums {
    let mut sums = Sums::new();
    for r in records {
        let (source, destination) = (r.source(), r.destination());
        let ports = (r.source_port, r.destination_port);
        let protocol = if r.protocol == 6 { "tcp" } else { "udp" };
        let key = format!("{source} {destination} {} {} {protocol}", ports.0, ports.1);
        let sum = sums.entry(key).or_default();
        sum[0] += r.packets * sampling;
        sum[1] += 1;
        sum[2] += r.bytes * sampling;
    }
    sums
}

fn check(daemon: &str, config: ExportConfig, records: &[WideRecord]) {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let samples = config.protocol == Protocol::Sflow5;
    let (renormalize, sampling) = (samples || config.sampling > 1, u64::from(config.sampling));
    let file = folder.path().join("settings");
    fs::write(&file, settings(daemon, port, folder.path(), renormalize)).unwrap();
    let running = Daemon::start(daemon, "pmacct", &["-f", file.to_str().unwrap()], port);
    let name = (daemon, config.protocol, config.times);
    // It listens before its printing half takes anything, which is there when it has purged its cache once.
    let log = folder.path().join("log");
    wait_for("pmacct's printer", || fs::read_to_string(&log).ok()?.find("Purging cache - END"));
    send(config, records, port);
    running.drain();
    let expected = expected(records, sampling);
    let packets: u64 = expected.values().map(|sum| sum[0]).sum();
    let out = folder.path().join("out.csv");
    let told = wait_for("pmacct's sums", || {
        let told = printed(&out);
        (told.values().map(|sum| sum[0]).sum::<u64>() >= packets).then_some(told)
    });
    for (key, sum) in &expected {
        let mut told = told.get(key).copied().unwrap_or_default();
        if samples {
            // It counts samples as flows, and whole frames: Ethernet's header and check sequence are 18 bytes.
            told[1] = sum[1];
            told[2] -= 18 * told[0];
        }
        assert_eq!(told, *sum, "{name:?} {key}");
    }
    assert_eq!(told.len(), expected.len(), "{name:?}");
}

/// pmacct has no ports for ICMP.
fn with_ports(records: Vec<WideRecord>) -> Vec<WideRecord> {
    records.into_iter().filter(|r| matches!(r.protocol, 6 | 17)).collect()
}

fn nfacctd(protocol: Protocol, times: Times) {
    let config = ExportConfig { protocol, times, ..ExportConfig::default() };
    check("nfacctd", config, &with_ports(records(2000, protocol != Protocol::NetFlow5)));
}

#[test]
fn netflow_5() {
    nfacctd(Protocol::NetFlow5, Times::Millis);
}

#[test]
fn netflow_9() {
    nfacctd(Protocol::NetFlow9, Times::Uptime);
}

#[test]
fn ipfix() {
    nfacctd(Protocol::Ipfix, Times::Micros);
}

#[test]
fn the_sampling_that_options_tell_is_applied() {
    for protocol in [Protocol::NetFlow9, Protocol::Ipfix] {
        let config = ExportConfig { protocol, sampling: 100, ..ExportConfig::default() };
        check("nfacctd", config, &with_ports(records(400, true)));
    }
}

#[test]
fn sfacctd() {
    let config = ExportConfig { protocol: Protocol::Sflow5, ..ExportConfig::default() };
    check("sfacctd", config, &with_ports(records(2000, true)));
}
