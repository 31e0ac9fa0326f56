//! What is written and read again is what it was, as far as the protocol can tell it.

use proptest::prelude::*;
use rheos_core::{Nanos, WideRecord};
use rheos_wire::export::{
    Collector, CollectorConfig, ExportConfig, Exporter, Protocol, Times, ipfix_message_len,
};

use super::made::{FROM, NOW, any_record, config, datagrams, round_trip, web, web6};

fn floor(nanos: u64, unit: u64) -> u64 {
    nanos / unit * unit
}

fn with_times(record: &WideRecord, unit: u64) -> WideRecord {
    WideRecord { first: floor(record.first, unit), last: floor(record.last, unit), ..*record }
}

/// The other direction of a flow, with its own counters.
fn reverse(record: &WideRecord, other: &WideRecord) -> WideRecord {
    WideRecord {
        flow_id: record.flow_id,
        source_ip: record.destination_ip,
        destination_ip: record.source_ip,
        source_port: record.destination_port,
        destination_port: record.source_port,
        input_interface: record.output_interface,
        output_interface: record.input_interface,
        protocol: record.protocol,
        flags: record.flags,
        packets: other.packets | 1,
        ..*other
    }
}

#[test]
fn both_versions_in_one_datagram_keep_their_order() {
    let records = [web(), web6(), web6(), web(), web6()];
    for protocol in [Protocol::NetFlow9, Protocol::Ipfix] {
        assert_eq!(round_trip(config(protocol), &records), records);
    }
}

#[test]
fn an_ipfix_file_is_messages_in_a_row() {
    // RFC 5655: templates once, messages as long as they may be.
    let config = ExportConfig {
        datagram_len_max: 65_535,
        refresh_datagrams: 0,
        refresh_time: Nanos::ZERO,
        ..config(Protocol::Ipfix)
    };
    let records: Vec<_> = (0..5000).map(|i| if i % 1000 < 500 { web() } else { web6() }).collect();
    let mut exporter = Exporter::new(config).unwrap();
    let file = datagrams(&mut exporter, &records).concat();
    assert_eq!(exporter.counters().refreshes, 1);
    let mut collector = Collector::new(CollectorConfig::default());
    let (mut rest, mut read) = (&file[..], Vec::new());
    while !rest.is_empty() {
        let (message, behind) = rest.split_at(ipfix_message_len(rest).unwrap());
        collector.read(FROM, NOW, message, &mut read).unwrap();
        rest = behind;
    }
    assert_eq!(read, records);
    assert_eq!(collector.counters().lost, 0);
}

#[test]
fn sflow_tells_the_totals_of_a_record_exactly() {
    // 5401 bytes in 9 packets: eight of 600 and one of 601.
    let record = WideRecord { bytes: 5_401, ..web() };
    let read = round_trip(config(Protocol::Sflow5), &[record, web6()]);
    let told = |packets, bytes, of: WideRecord| WideRecord {
        packets,
        bytes,
        first: NOW.as_nanos(),
        last: NOW.as_nanos(),
        flow_id: 0,
        end_reason: 0,
        ..of
    };
    let expected = [told(8, 4_800, record), told(1, 601, record), told(9, 5_400, web6())];
    assert_eq!(read, expected);
}

#[test]
fn sflow_samples_every_so_manieth_packet() {
    let records = vec![WideRecord { packets: 77, bytes: 77 * 500, ..web() }; 130];
    let config = ExportConfig { sampling: 10, ..config(Protocol::Sflow5) };
    let read = round_trip(config, &records);
    assert_eq!(read.len(), 77 * 130 / 10);
    assert!(read.iter().all(|record| (record.packets, record.bytes) == (10, 5_000)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn netflow_9_and_ipfix_in_every_format_of_time(
        records in prop::collection::vec(any_record(), 1..100),
        len in 1000..9000_usize,
    ) {
        for (protocol, times, unit) in [
            (Protocol::NetFlow9, Times::Uptime, 1_000_000),
            (Protocol::NetFlow9, Times::Millis, 1_000_000),
            (Protocol::Ipfix, Times::Millis, 1_000_000),
            (Protocol::Ipfix, Times::Micros, 1000),
            (Protocol::Ipfix, Times::Nanos, 1),
        ] {
            let config = ExportConfig { times, datagram_len_max: len, ..config(protocol) };
            let expected: Vec<_> = records.iter().map(|r| with_times(r, unit)).collect();
            prop_assert_eq!(round_trip(config, &records), expected);
        }
    }

    #[test]
    fn biflows_are_pairs_again(
        records in prop::collection::vec((any_record(), any_record(), any::<bool>()), 1..60),
    ) {
        let mut all = Vec::new();
        for (record, other, paired) in &records {
            all.push(*record);
            if *paired {
                all.push(reverse(record, other));
            }
        }
        let config =
            ExportConfig { biflows: true, times: Times::Nanos, ..config(Protocol::Ipfix) };
        // A pair at the end of one datagram's room is written in the next.
        prop_assert_eq!(round_trip(config, &all), all);
    }

    #[test]
    fn netflow_5_tells_ipv4_and_the_sum_of_split_flows(
        records in prop::collection::vec(any_record(), 1..100),
    ) {
        let small = |r: &&WideRecord| !r.is_ipv6() && r.bytes.max(r.packets) < 1 << 40;
        let records: Vec<_> = records.iter().filter(small).copied().collect();
        let read = round_trip(config(Protocol::NetFlow5), &records);
        let sum = |records: &[WideRecord]| records.iter().fold((0_u128, 0_u128), |(b, p), r| {
            (b + u128::from(r.bytes), p + u128::from(r.packets))
        });
        prop_assert_eq!(sum(&read), sum(&records));
        let whole = |r: &WideRecord| u32::try_from(r.bytes.max(r.packets)).is_ok();
        let expected = records.iter().filter(|r| whole(r)).map(|r| WideRecord {
            flow_id: 0,
            end_reason: 0,
            source_as: if r.source_as > 0xffff { 23_456 } else { r.source_as },
            ..with_times(r, 1_000_000)
        });
        if records.iter().all(whole) {
            prop_assert_eq!(read, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn sflow_totals_are_exact(records in prop::collection::vec(any_record(), 1..60)) {
        let sized: Vec<_> = records.iter().map(|r| {
            let packets = r.packets % 1_000_000 + 1;
            let mean = 60 + r.bytes % 60_000;
            WideRecord { packets, bytes: packets * mean + r.flow_id % packets, ..*r }
        }).filter(|r| matches!(r.protocol, 6 | 17) || r.protocol > 140 && r.protocol < 250).collect();
        let read = round_trip(config(Protocol::Sflow5), &sized);
        let sum = |records: &[WideRecord]| {
            records.iter().fold((0, 0), |(b, p), r| (b + r.bytes, p + r.packets))
        };
        prop_assert_eq!(sum(&read), sum(&sized));
    }
}
