//! Frames may take the straight way or be walked header by header: the packet must be the same.
//!
//! The straight way begins at Ethernet frames of captures. The same frame behind a header of per-packet
//! information (link type PPI) can only be walked, and all its offsets are that header's length larger.

use proptest::prelude::*;
use rheos_core::{Addr, DropReason, FiveTuple, Frame, IpVersion, LinkType, Timestamp};
use rheos_wire::{
    ChecksumPolicy, ChecksumState, DecodeConfig, Decoded, Layer, Layers, Packet, TcpHeader, Tunnel,
    TunnelKind, decode,
};

use crate::it::build::{A6, B6, cat, eth, ipv4, ipv4_fragment, ipv6, tag, tcp, udp};
use crate::it::captures::{corpus, files, frames};
use crate::it::never_panics::{configs, seeds};

const PPI: LinkType = LinkType(192);
/// Eight bytes long, of which Ethernet follows.
const PPI_HEADER: [u8; 8] = [0, 0, 8, 0, 1, 0, 0, 0];

/// A packet none of whose fields has its default value: what another frame might have left behind.
fn remains() -> Packet {
    let tuple = FiveTuple {
        src: Addr(A6),
        dst: Addr(B6),
        src_port: 1,
        dst_port: 2,
        protocol: 3,
        version: IpVersion::V6,
    };
    let mut layers = Layers::default();
    (0..15).for_each(|_| layers.push(Layer::Ayiya));
    Packet {
        ts: Timestamp::from_secs(9),
        index: 9,
        tuple,
        wire_len: 9,
        ip_len: 9,
        payload_len: 9,
        l2_offset: 9,
        l3_offset: 9,
        l4_offset: 9,
        payload_offset: 9,
        payload_cap_len: 9,
        tcp: TcpHeader { seq: 9, ack: 9, window: 9, urgent: 9, flags: 9, header_len: 9 },
        ip_id: 9,
        icmp_type: 9,
        icmp_code: 9,
        ttl: 9,
        tos: 9,
        ip_flags: 7,
        fragments: 9,
        reassembled: true,
        offload_len: true,
        vlan: [9; 2],
        vlan_count: 9,
        tunnel: Some(Tunnel { kind: TunnelKind::Ayiya, depth: 9, id: 9, outer: tuple }),
        layers,
        checksum: ChecksumState { wrong: Some(DropReason::ChecksumIcmp), offloaded: true },
        subframes_unread: 9,
    }
}

/// What walking makes of a frame, with the offsets of the frame itself.
fn walked(data: &[u8], wire_len: u32, config: &DecodeConfig) -> (Decoded, Packet) {
    let behind = cat(&[&PPI_HEADER, data]);
    let shift = PPI_HEADER.len() as u32;
    let (ts, wire_len) = (Timestamp::from_secs(1), wire_len.saturating_add(shift));
    let mut out = Packet::default();
    let frame = Frame { ts, wire_len, link: PPI, data: &behind };
    let mut decoded = decode(frame, 7, config, &mut out);
    if let Decoded::Fragment(fragment) = &mut decoded {
        fragment.l3_offset -= shift;
        fragment.data_offset -= shift;
    }
    out.wire_len -= shift;
    for offset in
        [&mut out.l2_offset, &mut out.l3_offset, &mut out.l4_offset, &mut out.payload_offset]
    {
        *offset = offset.saturating_sub(shift);
    }
    (decoded, out)
}

/// Compares both ways; of what is dropped only the reason counts.
#[track_caller]
fn check(data: &[u8], wire_len: u32, config: &DecodeConfig) -> Decoded {
    let mut out = remains();
    let frame = Frame { ts: Timestamp::from_secs(1), wire_len, link: LinkType::ETHERNET, data };
    let decoded = decode(frame, 7, config, &mut out);
    let (expected, expected_out) = walked(data, wire_len, config);
    assert_eq!(decoded, expected, "{data:02x?}");
    if decoded == Decoded::Packet {
        assert_eq!(out, expected_out, "{data:02x?}");
    }
    decoded
}

fn policies() -> impl Iterator<Item = DecodeConfig> {
    let policies = [ChecksumPolicy::Ignore, ChecksumPolicy::Count, ChecksumPolicy::Drop];
    policies.into_iter().map(|checksums| DecodeConfig { checksums, ..DecodeConfig::default() })
}

/// Frames that take the straight way, and their nearest neighbours that must not.
fn neighbours() -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    for payload in [&b""[..], b"x", b"some payload"] {
        for transport in [tcp(0x12, payload), udp(1000, 53, payload), udp(1000, 4789, payload)] {
            let protocol = if transport[0] == 4 { 6 } else { 17 };
            packets.push((0x0800, ipv4(protocol, &transport)));
            packets.push((0x0800, ipv4_fragment(protocol, 0x2000, &transport)));
            packets.push((0x0800, ipv4_fragment(protocol, 0x8000, &transport)));
            packets.push((0x0800, ipv4(132, &transport)));
            packets.push((0x86dd, ipv6(protocol, &transport)));
            packets.push((0x86dd, ipv6(0, &cat(&[&[protocol, 0, 1, 4, 0, 0, 0, 0], &transport]))));
        }
    }
    let mut frames = Vec::new();
    for (ethertype, packet) in &packets {
        frames.push(eth(*ethertype, packet));
        frames.push(eth(0x8100, &tag(0xe123, *ethertype, packet)));
        frames.push(eth(0x8100, &tag(5, 0x8100, &tag(6, *ethertype, packet))));
        frames.push(eth(0x88a8, &tag(5, *ethertype, packet)));
        // Ethernet padding lies beyond the packet.
        frames.push(cat(&[&eth(*ethertype, packet), &[0xee; 18]]));
    }
    frames
}

#[test]
fn neighbours_of_plain_frames_cut_and_with_every_bit_flipped() {
    for config in policies() {
        for frame in neighbours() {
            let len = frame.len() as u32;
            for keep in 0..=frame.len() {
                check(&frame[..keep], len, &config);
            }
            let headers = frame.len().min(100);
            for bit in 0..headers * 8 {
                let mut flipped = frame.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                check(&flipped, len, &config);
            }
        }
    }
}

#[test]
fn every_ethernet_frame_of_the_corpus() {
    let Some(root) = corpus() else { return };
    let mut packets = 0;
    for path in files(&root, &["zeek", "ja4", "suricata", "tcpdump"]) {
        for frame in frames(&path).into_iter().filter(|frame| frame.link == LinkType::ETHERNET) {
            for config in policies() {
                let decoded = check(&frame.data, frame.wire_len, &config);
                packets += u64::from(decoded == Decoded::Packet);
            }
        }
    }
    assert!(packets > 100_000, "{packets} packets: the corpus was not read whole");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_behind_likely_protocol_numbers(
        mut data in prop::collection::vec(any::<u8>(), 0..120),
        ethertype in prop::sample::select(vec![0x0800_u16, 0x86dd, 0x8100]),
        first in prop::sample::select(vec![0x45_u8, 0x46, 0x60]),
        protocol in prop::sample::select(vec![6_u8, 17]),
        more_on_wire in 0..100_u32,
        config in configs(),
    ) {
        for (at, byte) in [(12, (ethertype >> 8) as u8), (13, ethertype as u8), (14, first), (16, 0), (20, 0x40)] {
            if let Some(place) = data.get_mut(at) {
                *place = byte;
            }
        }
        // Where IPv4 and IPv6 have the number of what follows.
        for at in [20, 23] {
            if let Some(place) = data.get_mut(at).filter(|_| first == 0x60 || at == 23) {
                *place = protocol;
            }
        }
        let wire_len = data.len() as u32 + more_on_wire;
        check(&data, wire_len, &config);
    }

    #[test]
    fn damaged_ethernet_frames(
        pick in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        keep in 0..=100_usize,
        config in configs(),
    ) {
        let seed = pick.get(seeds());
        let mut data = seed.data.clone();
        for (place, value) in damage {
            let reach = data.len().min(80);
            if reach > 0 {
                data[place.index(reach)] = value;
            }
        }
        if keep < 50 {
            data.truncate(data.len() * keep / 50);
        }
        check(&data, seed.wire_len, &config);
    }
}
