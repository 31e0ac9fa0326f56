//! The accounts of the first stage.

use std::sync::Arc;

use rheos_core::filter::Filter;
use rheos_core::seed::Chance;
use rheos_core::{DropReason, FrameBatch, FrameMeta, LinkType, Timestamp};
use rheos_flow::{Ingest, IngestConfig, SamplingConfig, UnsupportedLinks};
use rheos_wire::filter::PacketFilter;

use super::packets::START;

/// A raw IPv4 frame with UDP from port 5 to `port`, whose UDP checksum is `checksum`.
fn raw_udp(port: u16, checksum: u16) -> Vec<u8> {
    let mut bytes =
        vec![0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0x66, 0xca, 10, 0, 0, 1, 10, 0, 0, 2, 0, 5];
    bytes.extend(port.to_be_bytes());
    bytes.extend([0, 12]);
    bytes.extend(checksum.to_be_bytes());
    bytes.extend(*b"abcd");
    bytes
}

/// A batch of frames with their link types; each was longer on the wire by what the number says.
fn batch(frames: &[(&[u8], LinkType, u32)]) -> FrameBatch {
    let mut bytes = Vec::new();
    let mut metas = Vec::new();
    for (data, link, cut) in frames {
        metas.push(FrameMeta {
            ts: Timestamp::from_nanos(START + metas.len() as u64),
            offset: bytes.len(),
            cap_len: data.len() as u32,
            wire_len: data.len() as u32 + cut,
            link: *link,
            interface: 0,
        });
        bytes.extend_from_slice(data);
    }
    FrameBatch { bytes: Arc::new(bytes), frames: metas, first_index: 100 }
}

#[test]
fn every_frame_is_counted_once() {
    let config = IngestConfig {
        filter: Some(PacketFilter::new(&Filter::parse("port 53").unwrap()).unwrap()),
        ..IngestConfig::default()
    };
    let (dns, other, wrong) = (raw_udp(53, 0), raw_udp(80, 0), raw_udp(53, 1));
    let usb = LinkType(189);
    let frames: &[(&[u8], LinkType, u32)] = &[
        (&dns, LinkType::RAW, 0),
        (&other, LinkType::RAW, 0),
        (&wrong, LinkType::RAW, 0),
        (&[1, 2, 3], usb, 7),
        (&[1, 2, 3], usb, 0),
        (&dns[..10], LinkType::RAW, 22),
        (&[], LinkType::ETHERNET, 0),
    ];
    let mut ingest = Ingest::new(config);
    let mut seen = Vec::new();
    ingest.batch(&batch(frames), |packet, bytes| {
        seen.push((packet.index, packet.payload(bytes).to_vec()));
    });
    ingest.finish();
    assert_eq!(seen, [(100, b"abcd".to_vec()), (102, b"abcd".to_vec())]);
    let counters = &ingest.counters;
    assert_eq!((counters.frames, counters.packets, counters.absorbed), (7, 2, 0));
    assert_eq!(
        counters.drops.iter().collect::<Vec<_>>(),
        [
            (DropReason::LinkUnsupported, 2),
            (DropReason::LinkTruncated, 1),
            (DropReason::Ipv4Truncated, 1),
            (DropReason::Filter, 1),
        ]
    );
    assert_eq!(counters.checksums_wrong.iter().collect::<Vec<_>>(), [(DropReason::ChecksumUdp, 1)]);
    assert_eq!(counters.unsupported_links.by_number, [(usb, 2)]);
    assert_eq!(counters.cut, 2);
    assert_eq!(counters.captured_bytes + 29, counters.wire_bytes);
}

#[test]
fn unsupported_link_types_are_named_up_to_a_limit() {
    let types = UnsupportedLinks::NAMED_MAX as u16 + 5;
    let frames: Vec<(&[u8], LinkType, u32)> =
        (0..types).map(|i| ([0_u8; 4].as_slice(), LinkType(40_000 + i), 0)).collect();
    let mut ingest = Ingest::default();
    ingest.batch(&batch(&frames), |_, _| panic!("no packets"));
    let links = &ingest.counters.unsupported_links;
    assert_eq!((links.by_number.len(), links.others), (UnsupportedLinks::NAMED_MAX, 5));
    let mut sum = ingest.counters.clone();
    sum.merge(&ingest.counters);
    assert_eq!(sum.unsupported_links.by_number[0].1, 2);
    assert_eq!((sum.unsupported_links.others, sum.frames), (10, 2 * u64::from(types)));
}

#[test]
fn subframes_of_aggregates_that_are_not_read_are_counted_beside_the_frames() {
    // 802.11 quality-of-service data with the aggregate bit, and two subframes: 8 + 32 bytes of UDP, of ARP.
    let subframe = |ethertype: [u8; 2]| {
        let head = [&[0; 13][..], &[40, 0xaa, 0xaa, 3, 0, 0, 0], &ethertype].concat();
        [head, raw_udp(53, 0)].concat()
    };
    let [ip, arp] = [subframe([8, 0]), subframe([8, 6])];
    let header = [&[0x88, 1][..], &[0; 22], &[0x80, 0]].concat();
    // Each subframe has 54 bytes, so two of padding stand between them.
    let aggregate = |first: &[u8]| [&header[..], first, &[0; 2], &ip, &[0; 2], &ip].concat();
    let (read, dropped) = (aggregate(&ip), aggregate(&arp));
    let plain = raw_udp(53, 0);
    let mut ingest = Ingest::default();
    let frames: &[(&[u8], LinkType, u32)] = &[
        (&read, LinkType::IEEE802_11, 0),
        (&plain, LinkType::RAW, 0),
        (&dropped, LinkType::IEEE802_11, 0),
    ];
    ingest.batch(&batch(frames), |packet, _| assert_eq!(packet.tuple.dst_port, 53));
    let mut sum = ingest.counters.clone();
    assert_eq!((sum.frames, sum.packets, sum.drops.get(DropReason::Arp)), (3, 2, 1));
    assert_eq!(sum.subframes_unread, 4);
    sum.merge(&ingest.counters);
    assert_eq!(sum.subframes_unread, 8);
}

#[test]
fn what_is_not_sampled_is_counted_and_flows_stay_whole() {
    let datagrams: Vec<Vec<u8>> = (0..600).map(|n| raw_udp(1 + n % 200, 0)).collect();
    let frames: Vec<(&[u8], LinkType, u32)> =
        datagrams.iter().map(|bytes| (bytes.as_slice(), LinkType::RAW, 0)).collect();
    let run = |sampling: SamplingConfig| {
        let mut ingest = Ingest::new(IngestConfig { sampling, ..IngestConfig::default() });
        let mut seen = Vec::new();
        ingest.batch(&batch(&frames), |packet, _| seen.push((packet.index - 100) % 200));
        ingest.finish();
        let drops = ingest.counters.drops.get(DropReason::Sampling);
        assert_eq!(ingest.counters.packets + drops, 600);
        assert_eq!(ingest.counters.packets, seen.len() as u64);
        seen
    };
    let half = Chance::from_share(0.5);
    let of_flows = run(SamplingConfig { flows: half, seed: 3, ..SamplingConfig::default() });
    assert!(of_flows.len().abs_diff(300) < 120, "{}", of_flows.len());
    let (first, rest) = of_flows.split_at(of_flows.len() / 3);
    assert_eq!([first, first].concat(), rest, "each of three packets of a flow, or none");
    let of_packets = run(SamplingConfig { packets: half, seed: 3, ..SamplingConfig::default() });
    assert!(of_packets.len().abs_diff(300) < 70, "{}", of_packets.len());
    let both = run(SamplingConfig { packets: half, flows: half, seed: 3 });
    assert!(both.len() < of_flows.len().min(of_packets.len()));
    assert_eq!(run(SamplingConfig::default()).len(), 600);
}
