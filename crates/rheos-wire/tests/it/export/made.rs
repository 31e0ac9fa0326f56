//! Records and datagrams that the tests share.

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use rheos_core::{RecordFlags, Timestamp, WideRecord};
use rheos_wire::export::{Collector, CollectorConfig, ExportConfig, Exporter, Protocol};

/// Time of export in all tests: 2024-01-01T12:00:00.25Z.
pub(crate) const NOW: Timestamp = Timestamp::from_nanos(1_704_110_400_250_000_000);
pub(crate) const FROM: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A record of a web server's answer.
pub(crate) fn web() -> WideRecord {
    WideRecord {
        first: NOW.as_nanos() - 5_123_000_000,
        last: NOW.as_nanos() - 23_000_000,
        bytes: 5_400,
        packets: 9,
        flow_id: 77,
        source_ip: WideRecord::mapped(0xc000_0201),
        destination_ip: WideRecord::mapped(0xc633_6402),
        stream_id: 5,
        input_interface: 3,
        output_interface: 4,
        source_port: 443,
        destination_port: 51_000,
        protocol: 6,
        tcp_flags: 0x1b,
        tos: 8,
        end_reason: 3,
        source_prefix: 24,
        source_as: 64_500,
        ..WideRecord::default()
    }
}

/// A record of IPv6.
pub(crate) fn web6() -> WideRecord {
    let mut source_ip = [0; 16];
    source_ip[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    source_ip[15] = 1;
    let mut destination_ip = source_ip;
    destination_ip[15] = 2;
    WideRecord { source_ip, destination_ip, flags: RecordFlags::IPV6, ..web() }
}

/// All datagrams of these records.
pub(crate) fn datagrams(exporter: &mut Exporter, mut records: &[WideRecord]) -> Vec<Vec<u8>> {
    let mut buffer = vec![0xaa; exporter.datagram_len_max()];
    let mut all = Vec::new();
    while !records.is_empty() {
        let filled = exporter.encode(NOW, records, &mut buffer).unwrap();
        assert!(filled.len > 0 || filled.taken > 0, "an exporter that stands still");
        if filled.len > 0 {
            all.push(buffer[..filled.len].to_vec());
        }
        records = &records[filled.taken..];
    }
    all
}

/// Encodes and reads again.
pub(crate) fn round_trip(config: ExportConfig, records: &[WideRecord]) -> Vec<WideRecord> {
    let mut exporter = Exporter::new(config).unwrap();
    let mut collector = Collector::new(CollectorConfig::default());
    let mut out = Vec::new();
    for datagram in datagrams(&mut exporter, records) {
        let read = collector.read(FROM, NOW, &datagram, &mut out).unwrap();
        assert_eq!((read.lost, read.sets_unknown), (0, 0));
    }
    assert_eq!(collector.counters().records, out.len() as u64);
    assert_eq!(collector.counters().datagrams, exporter.counters().datagrams);
    assert_eq!(collector.counters().bytes, exporter.counters().bytes);
    out
}

/// What a protocol is told in most tests.
pub(crate) fn config(protocol: Protocol) -> ExportConfig {
    ExportConfig { protocol, domain: 5, ..ExportConfig::default() }
}

/// Any record whose times lie within the day before [`NOW`].
pub(crate) fn any_record() -> impl Strategy<Value = WideRecord> {
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u16>(), any::<u16>());
    let addresses = (any::<bool>(), any::<[u8; 16]>(), any::<[u8; 16]>());
    let small = any::<[u8; 6]>();
    let ports = (any::<u16>(), any::<u16>(), any::<u32>());
    let times = (0..80_000_000_000_000_u64, 0..3_000_000_000_000_u64);
    (numbers, addresses, small, ports, times).prop_map(
        |(numbers, (v6, source, destination), small, ports, (ago, lasts))| {
            let (bytes, packets, flow_id, input_interface, output_interface) = numbers;
            let address = |octets: [u8; 16]| {
                if v6 {
                    octets
                } else {
                    WideRecord::mapped(u32::from_be_bytes([
                        octets[0], octets[1], octets[2], octets[3],
                    ]))
                }
            };
            let first = NOW.as_nanos() - ago;
            WideRecord {
                first,
                last: (first + lasts).min(NOW.as_nanos()),
                // Counters of every size.
                bytes: bytes >> (small[5] % 64),
                packets: packets >> (small[4] % 64),
                flow_id,
                source_ip: address(source),
                destination_ip: address(destination),
                stream_id: 5,
                input_interface,
                output_interface,
                source_port: ports.0,
                destination_port: ports.1,
                protocol: small[0],
                tcp_flags: small[1],
                tos: small[2],
                flags: if v6 { RecordFlags::IPV6 } else { 0 },
                end_reason: small[3],
                source_prefix: small[4],
                source_as: ports.2,
                ..WideRecord::default()
            }
        },
    )
}
