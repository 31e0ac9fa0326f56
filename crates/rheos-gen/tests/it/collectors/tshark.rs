//! tshark dissects every datagram without a complaint, and tells the values we have written.

use std::fs;
use std::path::Path;

use rheos_core::WideRecord;
use rheos_gen::flows::{FlowConfig, FlowGenerator, Variables};
use rheos_wire::checksum::internet_sum;
use rheos_wire::export::{ExportConfig, Exporter, Protocol, Times};

use super::daemon::output;
use super::{NOW, records, totals};

/// A capture (raw IP, link type 101) of the datagrams of these records.
fn capture(config: ExportConfig, mut records: &[WideRecord], path: &Path) {
    let port = config.protocol.port();
    let mut exporter = Exporter::new(config).unwrap();
    let mut datagram = vec![0; exporter.datagram_len_max()];
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 101] {
        file.extend(word.to_le_bytes());
    }
    while !records.is_empty() {
        let filled = exporter.encode(NOW, records, &mut datagram).unwrap();
        records = &records[filled.taken..];
        let len = (filled.len + 28) as u16;
        let mut ip = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
        ip[2..4].copy_from_slice(&len.to_be_bytes());
        let sum = !internet_sum(&ip);
        ip[10..12].copy_from_slice(&sum.to_be_bytes());
        for word in [50_000, port, len - 20, 0] {
            ip.extend(word.to_be_bytes());
        }
        ip.extend(&datagram[..filled.len]);
        let seconds = (NOW.as_nanos() / 1_000_000_000) as u32;
        for word in [seconds, 0, ip.len() as u32, ip.len() as u32] {
            file.extend(word.to_le_bytes());
        }
        file.extend(ip);
    }
    fs::write(path, file).unwrap();
}

/// All values of these fields, over all packets, each in its order.
fn fields(path: &Path, names: &[&str]) -> Vec<Vec<String>> {
    let mut args = vec!["-n", "-r", path.to_str().unwrap(), "-T", "fields", "-E", "separator=;"];
    args.extend(["-E", "occurrence=a", "-E", "aggregator=,"]);
    args.extend(names.iter().flat_map(|name| ["-e", name]));
    let text = output("tshark", "tshark", &args);
    let mut columns = vec![Vec::new(); names.len()];
    for line in text.lines() {
        for (column, cell) in columns.iter_mut().zip(line.split(';')) {
            column.extend(cell.split(',').filter(|v| !v.is_empty()).map(str::to_owned));
        }
    }
    columns
}

/// What tshark finds wrong in an export, sequence numbers included: all of severity "warning" or worse.
const WRONG: &str = "_ws.malformed || _ws.expert.severity >= \"warning\"";
/// The packets in samples of sFlow begin and end a connection at once, which would be worth a warning.
const MALFORMED: &str = "_ws.malformed";

fn complaints(path: &Path, filter: &str) -> String {
    let args = ["-n", "-r", path.to_str().unwrap(), "-Y", filter, "-T", "fields"];
    let args = [&args[..], &["-e", "frame.number", "-e", "_ws.expert.message"]].concat();
    output("tshark", "tshark", &args)
}

fn told<T: ToString>(records: &[WideRecord], value: impl Fn(&WideRecord) -> T) -> Vec<String> {
    records.iter().map(|r| value(r).to_string()).collect()
}

#[test]
fn netflow_and_ipfix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.pcap");
    for (protocol, times) in [
        (Protocol::NetFlow5, Times::Millis),
        (Protocol::NetFlow9, Times::Uptime),
        (Protocol::NetFlow9, Times::Millis),
        (Protocol::Ipfix, Times::Millis),
        (Protocol::Ipfix, Times::Micros),
        (Protocol::Ipfix, Times::Nanos),
    ] {
        let config = ExportConfig {
            protocol,
            times,
            name: "edge-1".into(),
            refresh_datagrams: 7,
            ..ExportConfig::default()
        };
        let records = records(500, protocol != Protocol::NetFlow5);
        capture(config, &records, &path);
        assert_eq!(complaints(&path, WRONG), "", "{protocol:?} {times:?}");
        let names = ["cflow.srcport", "cflow.dstport", "cflow.protocol", "cflow.tos"];
        let columns = fields(&path, &names);
        assert_eq!(columns[0], told(&records, |r| r.source_port), "{protocol:?} {times:?}");
        assert_eq!(columns[1], told(&records, |r| r.destination_port));
        assert_eq!(columns[2], told(&records, |r| r.protocol));
        assert_eq!(columns[3], told(&records, |r| format!("0x{:02x}", r.tos)));
        let names = ["cflow.packets", "cflow.octets", "cflow.srcas", "cflow.srcmask"];
        let columns = fields(&path, &names);
        assert_eq!(columns[0], told(&records, |r| r.packets));
        assert_eq!(columns[1], told(&records, |r| r.bytes));
        assert_eq!(columns[2], told(&records, |r| r.source_as));
        if protocol == Protocol::NetFlow5 {
            assert_eq!(columns[3], told(&records, |r| r.source_prefix));
        }
        let columns = fields(&path, &["cflow.srcaddr", "cflow.dstaddr", "cflow.srcaddrv6"]);
        let of = |v6: bool| -> Vec<WideRecord> {
            records.iter().filter(|r| r.is_ipv6() == v6).copied().collect()
        };
        assert_eq!(columns[0], told(&of(false), WideRecord::source));
        assert_eq!(columns[1], told(&of(false), WideRecord::destination));
        assert_eq!(columns[2], told(&of(true), WideRecord::source));
    }
}

#[test]
fn biflows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("biflow.pcap");
    let mut both = Vec::new();
    for record in records(200, true) {
        both.push(record);
        both.push(WideRecord {
            source_ip: record.destination_ip,
            destination_ip: record.source_ip,
            source_port: record.destination_port,
            destination_port: record.source_port,
            input_interface: record.output_interface,
            output_interface: record.input_interface,
            packets: record.packets * 2,
            ..record
        });
    }
    let config = ExportConfig { biflows: true, ..ExportConfig::default() };
    capture(config, &both, &path);
    assert_eq!(complaints(&path, WRONG), "");
    // It tells the reverse counters under the same name, and ports once for both directions.
    let forward: Vec<WideRecord> = both.iter().step_by(2).copied().collect();
    let columns = fields(&path, &["cflow.packets", "cflow.srcport"]);
    assert_eq!(columns[0], told(&both, |r| r.packets));
    assert_eq!(columns[1], told(&forward, |r| r.source_port));
}

/// Request and reply of a conversation stand side by side, so the exporter makes one record of them.
#[test]
fn conversations_are_biflows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("office.pcap");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/flows/office.yaml");
    let config = FlowConfig::load(&example, &Variables::NONE).unwrap();
    let mut records = vec![WideRecord::default(); 5_000];
    FlowGenerator::new(config.plan().unwrap()).fill_wide(&mut records);
    let config = ExportConfig { biflows: true, ..ExportConfig::default() };
    capture(config, &records, &path);
    assert_eq!(complaints(&path, WRONG), "");
    let columns = fields(&path, &["cflow.packets", "cflow.srcport"]);
    assert_eq!(columns[0], told(&records, |r| r.packets));
    // Ports are told once for both directions, of three quarters of all records.
    let alone = 2 * columns[1].len() - records.len();
    assert!(alone * 4 < records.len(), "{alone} of {}", records.len());
}

#[test]
fn sflow() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sflow.pcap");
    let records = records(500, true);
    let config = ExportConfig { protocol: Protocol::Sflow5, ..ExportConfig::default() };
    capture(config, &records, &path);
    assert_eq!(complaints(&path, MALFORMED), "");
    let columns =
        fields(&path, &["sflow.flow_sample.sampling_rate", "sflow_245.header.frame_length"]);
    let number = |text: &String| text.parse::<u64>().unwrap();
    let (mut packets, mut bytes) = (0, 0);
    for (rate, len) in columns[0].iter().map(number).zip(columns[1].iter().map(number)) {
        packets += rate;
        // Without Ethernet's header and frame check sequence.
        bytes += rate * (len - 18);
    }
    assert_eq!((packets, bytes), totals(&records));
}
