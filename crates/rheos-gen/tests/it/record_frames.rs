//! Frames made of flow records: other decoders accept them, and our flow table finds the records again.

#![allow(clippy::unwrap_used, reason = "tests stop at what they do not expect")]

use std::collections::BTreeMap;
use std::net::IpAddr;

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use proptest::prelude::*;
use rheos_core::{Frame, LinkType, Nanos, RecordFlags, Timestamp, WideRecord};
use rheos_flow::{FlowConfig, FlowTable};
use rheos_gen::packets::{FramesConfig, NoFrames, RecordFrames};
use rheos_wire::{DecodeConfig, Decoded, Packet, decode};

const START: u64 = 1_704_110_400_000_000_000;

/// Records whose ports and addresses tell them apart; TCP, UDP, ICMP echo requests.
fn any_record() -> impl Strategy<Value = WideRecord> {
    let numbers = (1..60_u64, 0..1400_u64, 0..1000_u64);
    let times = (0..10_000_000_000_u64, 0..5_000_000_000_u64);
    let what = (0..3_u8, any::<bool>(), any::<bool>(), any::<u8>(), any::<u8>());
    (numbers, times, what, any::<[u8; 14]>()).prop_map(|(numbers, times, what, address)| {
        let (packets, mean, more) = numbers;
        let (kind, v6, reversed, tcp_flags, tos) = what;
        let protocol = [6, 17, if v6 { 58 } else { 1 }][usize::from(kind)];
        let mut source_ip = WideRecord::mapped(0x0a00_0000 | u32::from(address[0]));
        let mut destination_ip = WideRecord::mapped(0xc000_0200 | u32::from(address[1]));
        if v6 {
            source_ip[..12].copy_from_slice(&[0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8]);
            destination_ip[..12].copy_from_slice(&[0x20, 1, 0xd, 0xb8, 9, 2, 3, 4, 5, 6, 7, 8]);
        }
        WideRecord {
            first: START + times.0,
            last: START + times.0 + times.1,
            packets,
            bytes: packets * (60 + mean) + more % packets,
            source_ip,
            destination_ip,
            protocol,
            tcp_flags: if protocol == 6 { tcp_flags } else { 0 },
            tos,
            flags: if v6 { RecordFlags::IPV6 } else { 0 }
                | if reversed { RecordFlags::REVERSED } else { 0 },
            label: address[2],
            ..WideRecord::default()
        }
    })
}

/// Numbers the records: each gets ports (or an address) of its own.
fn told_apart(mut records: Vec<WideRecord>) -> Vec<WideRecord> {
    records.sort_by_key(|record| record.first);
    for (i, record) in (0_u16..).zip(&mut records) {
        record.flow_id = u64::from(i);
        if matches!(record.protocol, 1 | 58) {
            record.destination_port = if record.protocol == 1 { 0x0800 } else { 0x8000 };
            record.source_ip[13..].copy_from_slice(&[77, (i >> 8) as u8, i as u8]);
        } else {
            record.source_port = 20_000 + i;
            record.destination_port = 443;
        }
    }
    records
}

/// All frames of records in order of time, added as their time comes.
fn frames(config: FramesConfig, records: &[WideRecord]) -> Vec<(Timestamp, u64, Vec<u8>)> {
    let mut maker = RecordFrames::new(config);
    let mut all = Vec::new();
    let mut frame = Vec::new();
    for record in records {
        while let Some(info) = maker.next_before(Timestamp::from_nanos(record.first), &mut frame) {
            all.push((info.ts, info.record, frame.clone()));
        }
        maker.add(record);
    }
    while let Some(info) = maker.next_before(Timestamp::MAX, &mut frame) {
        assert_eq!(info.label, records[info.record as usize].label);
        all.push((info.ts, info.record, frame.clone()));
    }
    let bytes: u64 = all.iter().map(|(.., frame)| frame.len() as u64 - 14).sum();
    assert_eq!((maker.counters().frames, maker.counters().ip_bytes), (all.len() as u64, bytes));
    all
}

type Ends = (IpAddr, IpAddr, u16, u16, u8);

/// What the flow table makes of frames: packets, bytes, first and last of each pair of ends.
fn flows(frames: &[(Timestamp, u64, Vec<u8>)]) -> BTreeMap<Ends, (u64, u64, u64, u64)> {
    let config = FlowConfig {
        idle_timeout: Nanos::from_secs(3600),
        active_timeout: Nanos::ZERO,
        tcp_linger: Nanos::from_secs(3600),
        ..FlowConfig::default()
    };
    let mut table: FlowTable<()> = FlowTable::new(config, ());
    let mut found = BTreeMap::new();
    let mut ended = |flow: &rheos_flow::Flow<()>| {
        let head = &flow.head;
        let icmp = matches!(head.tuple.protocol, 1 | 58);
        // A connection may be told by its answer; only one side has sent.
        let from = usize::from(head.totals[0].packets == 0);
        assert_eq!(head.totals[1 - from].packets, 0);
        let tuple = if from == 0 { head.tuple } else { head.tuple.reversed() };
        let ports = if icmp { (0, 0) } else { (tuple.src_port, tuple.dst_port) };
        let ends = (tuple.src_ip(), tuple.dst_ip(), ports.0, ports.1, tuple.protocol);
        let totals = head.totals[from];
        let times = (head.first.as_nanos(), head.last.as_nanos());
        let known = found.insert(ends, (totals.packets, totals.ip_bytes, times.0, times.1));
        assert_eq!(known, None, "two flows of {ends:?}");
    };
    let decoding = DecodeConfig::default();
    let mut packet = Packet::default();
    for (index, (ts, _, data)) in (0..).zip(frames) {
        let wire_len = data.len() as u32;
        let frame = Frame { ts: *ts, wire_len, link: LinkType::ETHERNET, data };
        assert_eq!(decode(frame, index, &decoding, &mut packet), Decoded::Packet);
        assert_eq!(packet.checksum.wrong, None);
        table.on_packet(&packet, data, &mut ended);
    }
    table.finish(&mut ended);
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_flow_table_finds_the_records(records in prop::collection::vec(any_record(), 1..40)) {
        let records = told_apart(records);
        let frames = frames(FramesConfig::default(), &records);
        prop_assert!(frames.is_sorted_by_key(|(ts, ..)| *ts));
        let expected: BTreeMap<Ends, _> = records.iter().map(|r| {
            let icmp = matches!(r.protocol, 1 | 58);
            let ports = if icmp { (0, 0) } else { (r.source_port, r.destination_port) };
            let last = if r.packets == 1 { r.first } else { r.last };
            (
                (r.source(), r.destination(), ports.0, ports.1, r.protocol),
                (r.packets, r.bytes, r.first, last),
            )
        }).collect();
        prop_assert_eq!(flows(&frames), expected);
    }

    #[test]
    fn another_decoder_accepts_them(records in prop::collection::vec(any_record(), 1..20)) {
        let records = told_apart(records);
        let mut flags = vec![0_u8; records.len()];
        for (_, record, frame) in frames(FramesConfig::default(), &records) {
            let sliced = SlicedPacket::from_ethernet(&frame).unwrap();
            let record_of = &records[record as usize];
            let tos = match sliced.net.as_ref().unwrap() {
                NetSlice::Ipv4(ip) => {
                    let header = ip.header().to_header();
                    prop_assert_eq!(header.calc_header_checksum(), header.header_checksum);
                    prop_assert_eq!(usize::from(header.total_len), frame.len() - 14);
                    frame[15]
                }
                NetSlice::Ipv6(ip) => ip.header().traffic_class(),
                NetSlice::Arp(_) => unreachable!("no ARP was made"),
            };
            prop_assert_eq!(tos, record_of.tos);
            if let Some(TransportSlice::Tcp(tcp)) = &sliced.transport {
                flags[record as usize] |= tcp.slice()[13];
                prop_assert!(tcp.source_port() == record_of.source_port);
            }
        }
        for (flags, record) in flags.iter().zip(&records) {
            prop_assert_eq!(*flags, record.tcp_flags);
        }
    }

    #[test]
    fn any_record_is_taken_or_refused(
        numbers in (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>(), 0..64_u32),
        small in any::<[u8; 5]>(),
        v6 in any::<bool>(),
    ) {
        let (first, last, packets, bytes, shift) = numbers;
        let record = WideRecord {
            first,
            last,
            packets: packets >> shift,
            bytes: bytes >> (shift / 2),
            protocol: small[0],
            tcp_flags: small[1],
            destination_port: small[2].into(),
            flags: if v6 { RecordFlags::IPV6 } else { 0 },
            ..WideRecord::default()
        };
        let config = FramesConfig { packets_max: 50, ..FramesConfig::default() };
        let mut maker = RecordFrames::new(config);
        let refused = maker.add(&record);
        let mut frame = Vec::new();
        while maker.next_before(Timestamp::MAX, &mut frame).is_some() {
            prop_assert!(frame.len() <= 14 + 65_535);
        }
        let counters = maker.counters();
        if refused.is_none() {
            prop_assert_eq!(counters.frames + counters.cut_packets, record.packets);
            prop_assert_eq!(counters.ip_bytes + counters.cut_bytes, record.bytes);
        } else {
            let all: u64 = NoFrames::ALL.iter().map(|reason| counters.refused(*reason)).sum();
            prop_assert_eq!((counters.frames, all), (0, 1));
        }
    }
}
