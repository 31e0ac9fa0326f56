//! What is written, byte for byte and datagram for datagram.

use rheos_core::{FlowRecord, Nanos, Timestamp, WideRecord};
use rheos_wire::export::{ConfigError, ExportConfig, Exporter, Protocol, Refused, Times};

use super::made::{NOW, config, datagrams, web, web6};

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn a_netflow_5_datagram_byte_by_byte() {
    let boot = Some(Timestamp::from_nanos(NOW.as_nanos() - 10_000_000_000));
    let config = ExportConfig { boot, sampling: 100, ..config(Protocol::NetFlow5) };
    let mut exporter = Exporter::new(config).unwrap();
    let made = datagrams(&mut exporter, &[web(), web()]);
    #[rustfmt::skip]
    let header = [
        0, 5, 0, 2,
        0, 0, 0x27, 0x10, // 10 s after boot
        0x65, 0x92, 0xa9, 0x40, 0x0e, 0xe6, 0xb2, 0x80,
        0, 0, 0, 0, // no flow before
        0, 5, 0x40, 100,
    ];
    #[rustfmt::skip]
    let record = [
        192, 0, 2, 1, 198, 51, 100, 2, 0, 0, 0, 0, 0, 3, 0, 4,
        0, 0, 0, 9, 0, 0, 0x15, 0x18,
        0, 0, 0x13, 0x0d, 0, 0, 0x26, 0xf9, // 4877 ms and 9977 ms
        0x01, 0xbb, 0xc7, 0x38, 0, 0x1b, 6, 8, 0xfb, 0xf4, 0, 0, 24, 0, 0, 0,
    ];
    assert_eq!(made, [[&header[..], &record, &record].concat()]);
    let next = datagrams(&mut exporter, &[web()]);
    assert_eq!(u32_at(&next[0], 16), 2, "the sequence counts flows");
}

#[test]
fn netflow_5_splits_what_its_counters_cannot_hold() {
    let large = WideRecord { bytes: 10_000_000_000_000, packets: 7_000_000_000, ..web() };
    let mut exporter = Exporter::new(config(Protocol::NetFlow5)).unwrap();
    let made = datagrams(&mut exporter, &[web(), large, web()]);
    let (mut bytes, mut packets, mut records) = (0, 0, 0);
    for datagram in &made {
        assert_eq!(u32_at(datagram, 16), records);
        records += u32::from(u16_at(datagram, 2));
        for slot in datagram[24..].chunks_exact(48) {
            packets += u64::from(u32_at(slot, 16));
            bytes += u64::from(u32_at(slot, 20));
        }
    }
    assert_eq!(bytes, 10_000_000_000_000 + 2 * 5_400);
    assert_eq!(packets, 7_000_000_000 + 2 * 9);
    assert_eq!(records, 2329 + 2, "10^13 / (2^32 - 1), rounded up");
    let counters = exporter.counters();
    assert_eq!((counters.records, counters.split, counters.written), (3, 1, 2331));
}

#[test]
fn what_a_protocol_cannot_tell_is_refused_and_counted() {
    let mut exporter = Exporter::new(config(Protocol::NetFlow5)).unwrap();
    let endless = WideRecord { bytes: u64::MAX, ..web() };
    assert_eq!(datagrams(&mut exporter, &[web6(), endless]), Vec::<Vec<u8>>::new());
    assert_eq!(exporter.counters().refused(Refused::Ipv6), 1);
    assert_eq!(exporter.counters().refused(Refused::TooLarge), 1);
    assert_eq!((exporter.counters().records, exporter.counters().datagrams), (2, 0));

    let mut exporter = Exporter::new(config(Protocol::Sflow5)).unwrap();
    let none = WideRecord { packets: 0, ..web() };
    let short = WideRecord { packets: 100, bytes: 3_999, ..web() };
    let long = WideRecord { packets: 1, bytes: 65_536, ..web() };
    assert_eq!(datagrams(&mut exporter, &[none, short, long]), Vec::<Vec<u8>>::new());
    assert_eq!(exporter.counters().refused(Refused::TooSmall), 2);
    assert_eq!(exporter.counters().refused(Refused::TooLarge), 1);
}

#[test]
fn every_datagram_keeps_its_limit_and_is_filled() {
    let records: Vec<_> = (0..2000).map(|i| if i % 200 < 100 { web() } else { web6() }).collect();
    for protocol in Protocol::ALL {
        for len in [1000, 1452, 9000] {
            let config = ExportConfig { datagram_len_max: len, ..config(protocol) };
            let made = datagrams(&mut Exporter::new(config).unwrap(), &records);
            assert!(made.iter().all(|datagram| datagram.len() <= len));
            let most = made.iter().map(Vec::len).max().unwrap();
            let full = if protocol == Protocol::NetFlow5 { len.min(1464) } else { len };
            assert!(most + 220 > full, "{protocol:?} {len}: {most}");
        }
    }
}

#[test]
fn templates_come_first_and_again() {
    for protocol in [Protocol::NetFlow9, Protocol::Ipfix] {
        let config = ExportConfig {
            refresh_datagrams: 3,
            refresh_time: Nanos::from_secs(60),
            ..config(protocol)
        };
        let mut exporter = Exporter::new(config).unwrap();
        let mut buffer = vec![0; exporter.datagram_len_max()];
        let header = if protocol == Protocol::Ipfix { 16 } else { 20 };
        let mut with_templates = |seconds| {
            let now = NOW + Nanos::from_secs(seconds);
            exporter.encode(now, &[web()], &mut buffer).unwrap();
            u16_at(&buffer, header) < 256
        };
        let seen = [0, 0, 0, 1, 1, 61, 61].map(&mut with_templates);
        assert_eq!(seen, [true, false, false, true, false, true, false]);
        assert_eq!(exporter.counters().refreshes, 3);
    }
}

#[test]
fn sequence_numbers_count_what_each_protocol_counts() {
    let records = vec![web(); 100];
    let sequences = |protocol, at| -> Vec<u32> {
        let mut exporter = Exporter::new(config(protocol)).unwrap();
        datagrams(&mut exporter, &records).iter().map(|d| u32_at(d, at)).collect()
    };
    assert_eq!(sequences(Protocol::NetFlow5, 16), [0, 29, 58, 87]);
    assert_eq!(sequences(Protocol::NetFlow9, 12)[..3], [0, 1, 2]);
    // The first message has templates, two data records of options and 16 flows; the others 20 flows.
    assert_eq!(sequences(Protocol::Ipfix, 8)[..3], [0, 18, 38]);
    assert_eq!(sequences(Protocol::Sflow5, 16)[..3], [1, 2, 3]);
}

#[test]
fn netflow_9_counts_templates_and_pads_sets() {
    let mut exporter = Exporter::new(config(Protocol::NetFlow9)).unwrap();
    let made = datagrams(&mut exporter, &[web(), web6(), web()]);
    // Two templates, two of options, two data records of options, three flows.
    assert_eq!(u16_at(&made[0], 2), 9);
    let mut at = 20;
    while at < made[0].len() {
        assert_eq!(at % 4, 0);
        at += usize::from(u16_at(&made[0], at + 2));
    }
    assert_eq!(at, made[0].len());
}

#[test]
fn a_flow_record_is_exported_as_a_flow_of_one_packet() {
    let record = FlowRecord {
        timestamp: NOW.as_nanos(),
        source_ip: 1,
        packet_length: 60,
        ..FlowRecord::default()
    };
    for protocol in Protocol::ALL {
        let mut one = Exporter::new(config(protocol)).unwrap();
        let mut other = one.clone();
        let (mut a, mut b) = (vec![0; 1452], vec![0; 1452]);
        let filled = one.encode(NOW, &[record], &mut a).unwrap();
        assert_eq!(other.encode(NOW, &[WideRecord::from(&record)], &mut b).unwrap(), filled);
        assert_eq!((filled.taken, filled.written), (1, 1));
        assert_eq!(a, b);
    }
}

#[test]
fn what_cannot_be_is_told_with_the_number() {
    let make = |config| Exporter::new(config).map(drop).unwrap_err().to_string();
    let short = ExportConfig { datagram_len_max: 500, ..ExportConfig::default() };
    assert_eq!(make(short), "a datagram has 1000 to 65535 bytes: 500");
    let sampling = ExportConfig { sampling: 16_384, ..config(Protocol::NetFlow5) };
    assert_eq!(make(sampling), "sampling is one packet in 1 to 16383: 16384");
    let biflows = ExportConfig { biflows: true, ..config(Protocol::NetFlow9) };
    assert_eq!(make(biflows), "only IPFIX has biflows, not netflow9");
    let name = ExportConfig { name: "x".repeat(255), ..ExportConfig::default() };
    assert_eq!(make(name), "an exporter's name has at most 254 bytes: 255");
    let uptime = ExportConfig { times: Times::Uptime, ..ExportConfig::default() };
    assert_eq!(Exporter::new(uptime).map(drop), Err(ConfigError::Uptime));
    let mut exporter = Exporter::new(ExportConfig::default()).unwrap();
    let small = exporter.encode(NOW, &[web()], &mut [0; 100]).unwrap_err();
    assert_eq!(small.to_string(), "the buffer for a datagram needs 1452 bytes");
}

#[test]
fn all_templates_options_and_a_record_fit_the_shortest_datagram() {
    let config = ExportConfig {
        datagram_len_max: 1000,
        biflows: true,
        name: "n".repeat(254),
        ..config(Protocol::Ipfix)
    };
    let mut exporter = Exporter::new(config).unwrap();
    let mut buffer = vec![0; 1000];
    let filled = exporter.encode(NOW, &[web6()], &mut buffer).unwrap();
    assert_eq!((filled.taken, u16_at(&buffer, 2) as usize), (1, filled.len));
}
