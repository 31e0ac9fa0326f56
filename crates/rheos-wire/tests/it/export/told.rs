//! Datagrams of others, and what a collector remembers of their senders.

use std::net::{IpAddr, Ipv4Addr};

use rheos_core::WideRecord;
use rheos_wire::export::{
    Collector, CollectorConfig, ExportConfig, Exporter, Malformed, Protocol, Scaling,
    ipfix_message_len,
};

use super::made::{FROM, NOW, config, datagrams, web, web6};

/// The message of RFC 7011 appendix A: a template, an options template, and data of both.
#[rustfmt::skip]
const RFC_7011: [u8; 152] = [
    0, 10, 0, 152, 0x65, 0x92, 0xa9, 0x40, 0, 0, 0, 0, 0, 0, 0, 1,
    // Template 256: source and destination address, next hop, packets, octets.
    0, 2, 0, 28, 1, 0, 0, 5, 0, 8, 0, 4, 0, 12, 0, 4, 0, 15, 0, 4, 0, 2, 0, 4, 0, 1, 0, 4,
    // Options template 258: line card, messages, flow records.
    0, 3, 0, 24, 1, 2, 0, 3, 0, 1, 0, 141, 0, 4, 0, 41, 0, 2, 0, 42, 0, 2, 0, 0,
    // Three flows.
    1, 0, 0, 64,
    192, 0, 2, 12, 192, 0, 2, 254, 192, 0, 2, 1, 0, 0, 0x13, 0x91, 0, 0x51, 0x8c, 0x81,
    192, 0, 2, 27, 192, 0, 2, 23, 192, 0, 2, 2, 0, 0, 0x02, 0xec, 0, 0x05, 0x98, 0x8a,
    192, 0, 2, 56, 192, 0, 2, 65, 192, 0, 2, 3, 0, 0, 0, 5, 0, 0, 0x19, 0x8f,
    // Two line cards.
    1, 2, 0, 20, 0, 0, 0, 1, 0x01, 0x59, 0x28, 0x10, 0, 0, 0, 2, 0x01, 0x42, 0x2d, 0xa3,
];

fn collector() -> Collector {
    Collector::new(CollectorConfig::default())
}

#[test]
fn the_message_of_rfc_7011_appendix_a() {
    let mut out = Vec::new();
    let mut collector = collector();
    let read = collector.read(FROM, NOW, &RFC_7011, &mut out).unwrap();
    assert_eq!((read.protocol, read.records, collector.templates()), (Protocol::Ipfix, 3, 2));
    let told: Vec<_> = out
        .iter()
        .map(|r| (r.source().to_string(), r.destination().to_string(), r.packets, r.bytes))
        .collect();
    let expected = [
        ("192.0.2.12", "192.0.2.254", 5009, 5_344_385),
        ("192.0.2.27", "192.0.2.23", 748, 366_730),
        ("192.0.2.56", "192.0.2.65", 5, 6_543),
    ];
    for (told, expected) in told.iter().zip(expected) {
        assert_eq!((told.0.as_str(), told.1.as_str(), told.2, told.3), expected);
    }
    // Flows that tell no time are taken to be at their export.
    assert!(out.iter().all(|r| r.first == 1_704_110_400_000_000_000 && r.stream_id == 1));
    assert_eq!(ipfix_message_len(&RFC_7011), Ok(152));
}

#[test]
fn unknown_and_variable_fields_are_stepped_over() {
    #[rustfmt::skip]
    let message = [
        0, 10, 0, 88, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 1,
        // A name, an element of an enterprise, packets, ICMP type and code, a long name.
        0, 2, 0, 32, 1, 0, 0, 5, 0, 82, 0xff, 0xff, 0x80, 2, 0, 4, 0, 0, 0, 9,
        0, 2, 0, 1, 0, 32, 0, 2, 0, 83, 0xff, 0xff,
        1, 0, 0, 40,
        2, b'e', b't', 9, 9, 9, 9, 7, 3, 1, 0xff, 0, 3, 1, 2, 3,
        0, 0, 0, 0, 0, 4, 8, 0, 0, // an empty name, and no long name
        0xff, 0, 0, 1, 2, 3, 4, 5, 6, 7, 0, // an empty name, told the long way
    ];
    let mut out = Vec::new();
    let read = collector().read(FROM, NOW, &message, &mut out).unwrap();
    assert_eq!(read.records, 3);
    let told: Vec<_> = out.iter().map(|r| (r.packets, r.destination_port)).collect();
    assert_eq!(told, [(7, 0x0301), (4, 0x0800), (5, 0x0607)]);
}

#[test]
fn data_before_their_template_are_counted_and_left() {
    for protocol in [Protocol::NetFlow9, Protocol::Ipfix] {
        let mut exporter = Exporter::new(config(protocol)).unwrap();
        let made = datagrams(&mut exporter, &[web(); 60]);
        let mut collector = collector();
        let mut out = Vec::new();
        let read = collector.read(FROM, NOW, &made[1], &mut out).unwrap();
        assert_eq!((read.records, read.sets_unknown, out.len()), (0, 1, 0));
        collector.read(FROM, NOW, &made[0], &mut out).unwrap();
        let before = out.len();
        let read = collector.read(FROM, NOW, &made[2], &mut out).unwrap();
        assert!(read.records > 0 && out.len() == before + read.records);
        assert_eq!(collector.counters().sets_unknown, 1);
        // Templates are those of their exporter: another one has none.
        let other = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9));
        let read = collector.read(other, NOW, &made[2], &mut out).unwrap();
        assert_eq!((read.records, read.sets_unknown), (0, 1));
    }
}

#[test]
fn what_was_lost_is_told_by_the_sequence() {
    for (protocol, lost) in [
        (Protocol::NetFlow5, 29),
        (Protocol::NetFlow9, 1),
        (Protocol::Ipfix, 20),
        (Protocol::Sflow5, 1),
    ] {
        let mut exporter = Exporter::new(config(protocol)).unwrap();
        let made = datagrams(&mut exporter, &[web(); 120]);
        let mut collector = collector();
        let mut out = Vec::new();
        for datagram in [&made[0], &made[2]] {
            collector.read(FROM, NOW, datagram, &mut out).unwrap();
        }
        assert_eq!(collector.counters().lost, lost, "{protocol:?}");
        // One that comes late, or an exporter that starts anew, is no loss.
        let read = collector.read(FROM, NOW, &made[1], &mut out).unwrap();
        assert_eq!(read.lost, 0);
    }
}

#[test]
fn sampled_counters_are_multiplied_on_request() {
    for protocol in [Protocol::NetFlow5, Protocol::NetFlow9, Protocol::Ipfix] {
        let config = ExportConfig { sampling: 1000, ..config(protocol) };
        let made = datagrams(&mut Exporter::new(config).unwrap(), &[web()]);
        for (scaling, factor) in [(Scaling::AsTold, 1), (Scaling::Multiplied, 1000)] {
            let mut collector = Collector::new(CollectorConfig { scaling, ..Default::default() });
            let mut out = Vec::new();
            collector.read(FROM, NOW, &made[0], &mut out).unwrap();
            assert_eq!((out[0].packets, out[0].bytes), (9 * factor, 5_400 * factor));
        }
    }
}

#[test]
fn a_withdrawn_template_is_gone() {
    let mut collector = collector();
    let mut out = Vec::new();
    collector.read(FROM, NOW, &RFC_7011, &mut out).unwrap();
    let withdraw = |set: u8, id: [u8; 2]| {
        [&[0, 10, 0, 24, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1, 0, set, 0, 8][..], &id, &[0, 0]]
            .concat()
    };
    collector.read(FROM, NOW, &withdraw(2, [1, 0]), &mut out).unwrap();
    assert_eq!(collector.templates(), 1);
    collector.read(FROM, NOW, &withdraw(3, [0, 3]), &mut out).unwrap();
    assert_eq!(collector.templates(), 0);
}

#[test]
fn templates_beyond_the_limit_are_refused() {
    let mut collector =
        Collector::new(CollectorConfig { templates_max: 1, ..CollectorConfig::default() });
    let made = datagrams(&mut Exporter::new(config(Protocol::Ipfix)).unwrap(), &[web(), web6()]);
    let mut out = Vec::new();
    let read = collector.read(FROM, NOW, &made[0], &mut out).unwrap();
    assert_eq!((collector.templates(), collector.counters().templates_refused), (1, 3));
    assert_eq!((read.records, read.sets_unknown), (1, 3));
}

#[test]
fn a_malformed_datagram_adds_nothing_and_is_counted() {
    let mut collector = collector();
    let mut out = vec![WideRecord::default()];
    let v5 = datagrams(&mut Exporter::new(config(Protocol::NetFlow5)).unwrap(), &[web(); 3]);
    let zero_set = [0, 10, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 3];
    let low_id =
        [0, 10, 0, 28, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 12, 0, 9, 0, 1, 0, 1, 0, 4];
    let no_len =
        [0, 10, 0, 28, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 12, 1, 0, 0, 1, 0, 1, 0, 0];
    for (bytes, reason) in [
        (&b""[..], Malformed::Version),
        (b"\x00\x07", Malformed::Version),
        (&v5[0][..20], Malformed::HeaderTruncated),
        (&v5[0][..100], Malformed::RecordTruncated),
        (&RFC_7011[..151], Malformed::MessageLength),
        (&zero_set, Malformed::SetLength),
        (&low_id, Malformed::TemplateId),
        (&no_len, Malformed::TemplateFields),
    ] {
        assert_eq!(collector.read(FROM, NOW, bytes, &mut out), Err(reason));
    }
    assert_eq!(out.len(), 1);
    let counters = collector.counters();
    assert_eq!(counters.malformed(Malformed::Version), 2);
    let all: u64 = Malformed::ALL.iter().map(|reason| counters.malformed(*reason)).sum();
    assert_eq!((all, counters.datagrams, counters.records), (8, 8, 0));
}
