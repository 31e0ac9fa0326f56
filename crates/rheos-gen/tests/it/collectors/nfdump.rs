//! nfcapd takes the datagrams, nfdump tells what it has read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rheos_capture::NfcapdReader;
use rheos_core::{RecordFlags, WideRecord};
use rheos_gen::flows::{FlowConfig, FlowGenerator, Variables};
use rheos_wire::export::{ExportConfig, ExportCounters, Protocol, Times};

use super::daemon::{Daemon, free_port, output};
use super::{records, send, totals};

/// Sends records to a nfcapd of its own; returns its file and what was sent.
fn collected(
    config: ExportConfig,
    records: &[WideRecord],
    folder: &Path,
    more: &[&str],
) -> (PathBuf, ExportCounters) {
    let port = free_port();
    let number = port.to_string();
    let mut args = vec!["-b", "127.0.0.1", "-p", &number, "-t", "3600", "-I", "edge"];
    args.extend(["-w", folder.to_str().unwrap()]);
    args.extend(more);
    let nfcapd = Daemon::start("nfcapd", "nfdump", &args, port);
    let made = send(config, records, port);
    nfcapd.drain();
    nfcapd.terminate();
    let files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().is_some_and(|name| name != "nfcapd.current"))
        .filter(|path| path.to_string_lossy().contains("nfcapd."))
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    (files[0].clone(), made)
}

/// What nfdump says of the whole file: name and number.
fn summary(file: &Path) -> BTreeMap<String, u64> {
    let text = output("nfdump", "nfdump", &["-I", "-r", file.to_str().unwrap()]);
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .filter_map(|(name, value)| Some((name.to_owned(), value.trim().parse().ok()?)))
        .collect()
}

/// One line for each flow, in order.
fn listed(file: &Path) -> Vec<String> {
    // Addresses, ports, protocol, flags, ToS, packets, bytes, interfaces, AS, mask.
    let format = "fmt:%sa|%da|%sp|%pr|%flg|%tos|%pkt|%byt|%in|%out|%sas|%smk";
    let args = ["-r", file.to_str().unwrap(), "-q", "-N", "-6", "-o", format];
    let mut lines: Vec<String> = output("nfdump", "nfdump", &args)
        .lines()
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>().join("|"))
        .filter(|line| line.contains('|'))
        .collect();
    lines.sort();
    lines
}

/// nfcapd 1.7.1 does not keep the masks of NetFlow 5.
fn expected(records: &[WideRecord], protocol: Protocol) -> Vec<String> {
    let mut lines: Vec<String> = records
        .iter()
        .map(|r| {
            let flags = if r.tcp_flags == 0x1b { "...AP.SF" } else { "........" };
            format!(
                "{}|{}|{}|{}|{flags}|{}|{}|{}|{}|{}|{}|{}",
                r.source(),
                r.destination(),
                r.source_port,
                r.protocol,
                r.tos,
                r.packets,
                r.bytes,
                r.input_interface,
                r.output_interface,
                r.source_as,
                if protocol == Protocol::NetFlow5 { 0 } else { r.source_prefix }
            )
        })
        .collect();
    lines.sort();
    lines
}

fn check(config: &ExportConfig, records: &[WideRecord]) {
    let folder = tempfile::tempdir().unwrap();
    let name = (config.protocol, config.times);
    let (file, made) = collected(config.clone(), records, folder.path(), &[]);
    let told = summary(&file);
    let (packets, bytes) = totals(records);
    assert_eq!(told["Flows"], records.len() as u64, "{name:?}");
    assert_eq!((told["Packets"], told["Bytes"]), (packets, bytes), "{name:?}");
    // RFC 7011 §3.1 counts all data records, nfcapd 1.7.1 leaves out those of options: each time they are sent
    // it expects a lower number. tshark counts as we do.
    let failures = if config.protocol == Protocol::Ipfix { made.refreshes } else { 0 };
    assert_eq!(told["Sequence failures"], failures, "{name:?}");
    let first = records.iter().map(|r| r.first).min().unwrap() / 1_000_000;
    let last = records.iter().map(|r| r.last).max().unwrap() / 1_000_000;
    assert_eq!(
        (told["First"] * 1000 + told["msec_first"], told["Last"] * 1000 + told["msec_last"]),
        (first, last)
    );
    for (told, expected) in listed(&file).iter().zip(expected(records, name.0)) {
        assert_eq!(*told, expected, "{name:?}");
    }
}

#[test]
fn netflow_5() {
    check(
        &ExportConfig { protocol: Protocol::NetFlow5, ..ExportConfig::default() },
        &records(3000, false),
    );
}

#[test]
fn netflow_9() {
    for times in [Times::Uptime, Times::Millis] {
        let config =
            ExportConfig { protocol: Protocol::NetFlow9, times, ..ExportConfig::default() };
        check(&config, &records(3000, true));
    }
}

#[test]
fn ipfix() {
    let config =
        ExportConfig { name: "edge-1".into(), refresh_datagrams: 20, ..ExportConfig::default() };
    check(&config, &records(3000, true));
}

/// nfcapd 1.7.1 applies what NetFlow 5 tells in its header, but not what NetFlow 9 and IPFIX tell in options:
/// there pmacct judges.
#[test]
fn the_sampling_of_netflow_5_is_applied() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(200, false);
    let protocol = Protocol::NetFlow5;
    let config = ExportConfig { protocol, sampling: 100, ..ExportConfig::default() };
    let (file, _) = collected(config, &records, folder.path(), &[]);
    let told = summary(&file);
    let (packets, bytes) = totals(&records);
    assert_eq!((told["Packets"], told["Bytes"]), (packets * 100, bytes * 100));
}

/// What nfcapd keeps of a record, and how: milliseconds, no number of the flow.
fn kept(record: &WideRecord, protocol: Protocol) -> WideRecord {
    let told = protocol != Protocol::NetFlow5;
    // nfcapd 1.7.1 takes no type and code of ICMPv6 from NetFlow 9.
    let lost = protocol == Protocol::NetFlow9 && record.protocol == 58;
    WideRecord {
        destination_port: if lost { 0 } else { record.destination_port },
        flow_id: 0,
        stream_id: 1,
        end_reason: if protocol == Protocol::Ipfix { record.end_reason } else { 0 },
        source_prefix: if told { record.source_prefix } else { 0 },
        ..*record
    }
}

#[test]
fn files_of_nfcapd_are_read_as_they_were_sent() {
    for (protocol, more) in
        [(Protocol::NetFlow5, &[][..]), (Protocol::NetFlow9, &["-y"]), (Protocol::Ipfix, &["-y"])]
    {
        let folder = tempfile::tempdir().unwrap();
        let records = records(20_000, protocol != Protocol::NetFlow5);
        let config = ExportConfig { protocol, ..ExportConfig::default() };
        let (file, _) = collected(config, &records, folder.path(), more);
        let mut reader = NfcapdReader::open(&file).unwrap();
        let mut read = Vec::new();
        while reader.read_block(&mut read).unwrap() {}
        assert_eq!(reader.ident(), "edge");
        let told = reader.statistics().unwrap();
        let (packets, bytes) = totals(&records);
        assert_eq!((told.all.flows, told.all.packets, told.all.bytes), (20_000, packets, bytes));
        assert_eq!(read.len(), records.len());
        for (read, record) in read.iter().zip(&records) {
            let exporter = WideRecord { stream_id: 1, ..*read };
            assert_eq!(exporter, kept(record, protocol), "{protocol:?}");
        }
    }
}

#[test]
fn the_remedy_for_other_compressions_works() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(2000, true);
    let (file, _) = collected(ExportConfig::default(), &records, folder.path(), &["-j"]);
    let error = NfcapdReader::open(&file).unwrap_err();
    let hint = error.hint().unwrap();
    let command = hint.split('`').nth(1).unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    output(words[0], "nfdump", &words[1..]);
    let mut reader = NfcapdReader::open(Path::new(words[words.len() - 1])).unwrap();
    let mut read = Vec::new();
    while reader.read_block(&mut read).unwrap() {}
    assert_eq!(totals(&read), totals(&records), "{error}");
}

/// Both directions, long flows in parts: put together again by addresses, ports and protocol they are the same flows.
#[test]
fn conversations_in_parts_come_together_again() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/flows/office.yaml");
    let config = FlowConfig::load(&example, &Variables::NONE).unwrap();
    let mut records = vec![WideRecord::default(); 20_000];
    FlowGenerator::new(config.plan().unwrap()).fill_wide(&mut records);
    let continued = records.iter().filter(|r| r.flags & RecordFlags::CONTINUED != 0).count();
    assert!(continued > 500, "{continued}");
    let folder = tempfile::tempdir().unwrap();
    let (file, made) = collected(ExportConfig::default(), &records, folder.path(), &[]);
    let told = summary(&file);
    assert_eq!((told["Flows"], made.written), (20_000, 20_000));
    assert_eq!((told["Packets"], told["Bytes"]), totals(&records));
    let mut flows = BTreeMap::<_, (u64, u64)>::new();
    for r in &records {
        let ends = (r.source(), r.destination(), r.source_port, r.destination_port, r.protocol);
        let flow = flows.entry(ends).or_default();
        *flow = (flow.0 + r.packets, flow.1 + r.bytes);
    }
    assert!(flows.len() + continued <= records.len(), "{} flows", flows.len());
    let mut expected: Vec<String> = flows
        .into_iter()
        .map(|((from, to, port, _, protocol), (packets, bytes))| {
            format!("{from}|{to}|{port}|{protocol}|{packets}|{bytes}")
        })
        .collect();
    expected.sort();
    let format = "fmt:%sa|%da|%sp|%pr|%pkt|%byt";
    let args = ["-r", file.to_str().unwrap(), "-q", "-N", "-6", "-a", "-o", format];
    let mut lines: Vec<String> = output("nfdump", "nfdump", &args)
        .lines()
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>().join("|"))
        .filter(|line| line.contains('|'))
        .collect();
    lines.sort();
    assert_eq!(lines.len(), expected.len());
    for (line, expected) in lines.iter().zip(&expected) {
        assert_eq!(line, expected);
    }
}
