//! Random bytes and damaged real frames: always an outcome that keeps its promises.

use std::sync::OnceLock;

use proptest::prelude::*;
use rheos_core::LinkType;
use rheos_wire::{
    ChecksumPolicy, DecodeConfig, Decoded, Packet, TcpOptions, TunnelPolicy, decode_datagram,
};

use crate::it::build::{cat, eth, ipv4, ipv6, small, small6, tag, tcp, udp};
use crate::it::captures::{Captured, corpus, files, frames};
use crate::it::corpus::{check, check_fragment};

/// Every link type that is read, and two that are not.
const LINKS: [u16; 27] = [
    0, 1, 8, 9, 12, 14, 50, 51, 100, 101, 104, 105, 107, 108, 109, 113, 127, 149, 166, 192, 195,
    219, 226, 228, 229, 239, 276,
];

pub(crate) fn configs() -> impl Strategy<Value = DecodeConfig> {
    let checksums = prop_oneof![
        Just(ChecksumPolicy::Ignore),
        Just(ChecksumPolicy::Count),
        Just(ChecksumPolicy::Drop)
    ];
    let tunnels = prop_oneof![Just(TunnelPolicy::Inner), Just(TunnelPolicy::Outer)];
    (checksums, tunnels, 0..=6_u8).prop_map(|(checksums, tunnels, tunnel_depth_max)| DecodeConfig {
        checksums,
        tunnels,
        tunnel_depth_max,
        ..DecodeConfig::default()
    })
}

/// One frame for each header that is read, to be damaged.
pub(crate) fn seeds() -> &'static [Captured] {
    static SEEDS: OnceLock<Vec<Captured>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let inner = eth(0x0800, &ipv4(6, &tcp(2, b"data")));
        let udp_tunnels = [
            (4789, cat(&[&[8, 0, 0, 0, 0, 0, 1, 0], &inner])),
            (6081, cat(&[&[1, 0, 0x65, 0x58, 0, 0, 1, 0, 0, 0, 0, 0], &inner])),
            (2152, cat(&[&[0x34, 0xff, 0, 38, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0], &small()])),
            (3544, cat(&[&[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &small6()])),
            (1701, cat(&[&[0, 2, 0, 1, 0, 2, 0xff, 3, 0, 0x21], &small()])),
            (6635, cat(&[&[0, 0, 0, 64, 0, 0, 1, 64], &small()])),
            (5072, cat(&[&[0x44, 0x52, 0x11, 41, 0, 0, 0, 0], &[1; 36], &small6()])),
        ];
        let mut packets: Vec<_> =
            udp_tunnels.iter().map(|(port, payload)| ipv4(17, &udp(9, *port, payload))).collect();
        packets.push(ipv4(
            47,
            &cat(&[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 1, 0, 0, 0, 0], &inner]),
        ));
        packets.push(ipv4(97, &cat(&[&[0x30, 0], &inner])));
        packets.push(ipv4(137, &cat(&[&[0, 0, 1, 64], &small()])));
        packets.push(ipv4(115, &cat(&[&[0, 0, 0, 1], &inner])));
        packets.push(ipv4(4, &ipv6_with_extensions()));
        packets.push(ipv4(51, &cat(&[&[17, 1, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1], &udp(1, 2, b"")])));
        let mut frames: Vec<_> = packets.iter().map(|packet| eth(0x0800, packet)).collect();
        frames.push(eth(0x8100, &tag(1, 0x8847, &cat(&[&[0, 1, 1, 64, 0, 0, 0, 0], &inner]))));
        frames.push(eth(0x8864, &cat(&[&[0x11, 0, 0, 1, 0, 32, 0, 0x21], &small()])));
        let ethernet = |data: Vec<u8>| Captured {
            link: LinkType::ETHERNET,
            wire_len: data.len() as u32,
            data,
        };
        let mut seeds: Vec<_> = frames.into_iter().map(ethernet).collect();
        if let Some(root) = corpus() {
            for path in files(&root, &["zeek", "tcpdump", "suricata"]) {
                seeds.extend(frames_of(&path));
            }
        }
        seeds
    })
}

fn frames_of(path: &std::path::Path) -> impl Iterator<Item = Captured> {
    frames(path).into_iter().take(6)
}

fn ipv6_with_extensions() -> Vec<u8> {
    let chain = cat(&[
        &[60, 0, 1, 4, 0, 0, 0, 0],
        &[43, 0, 1, 4, 0, 0, 0, 0],
        &[44, 2, 0, 1, 0, 0, 0, 0],
        &[9; 16],
        &[17, 0, 0, 0, 0, 0, 0, 1],
        &udp(1, 2, b"hello"),
    ]);
    let mut bytes = ipv6(0, &chain);
    bytes[41] = 0;
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_of_every_link_type(
        data in prop::collection::vec(any::<u8>(), 0..300),
        more_on_wire in prop_oneof![Just(0_u32), 0..2000_u32],
        config in configs(),
    ) {
        let mut out = Packet::default();
        for link in LINKS {
            let wire_len = data.len() as u32 + more_on_wire;
            let frame = Captured { link: LinkType(link), wire_len, data: data.clone() };
            check(&frame, &config, &mut out);
        }
    }

    #[test]
    fn random_datagrams(
        mut data in prop::collection::vec(any::<u8>(), 1..300),
        version in prop_oneof![Just(0x45_u8), Just(0x60)],
        config in configs(),
    ) {
        data[0] = version;
        let mut out = Packet::default();
        if let Decoded::Fragment(fragment) = decode_datagram(&data, &config, &mut out) {
            check_fragment(&fragment, &data);
        }
    }

    #[test]
    fn damaged_real_frames(
        pick in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        keep in 0..=100_usize,
        config in configs(),
    ) {
        let seed = pick.get(seeds());
        let mut data = seed.data.clone();
        for (place, value) in damage {
            // Headers are where damage matters.
            let reach = data.len().min(120);
            if reach > 0 {
                data[place.index(reach)] = value;
            }
        }
        if keep < 50 {
            data.truncate(data.len() * keep / 50);
        }
        let wire_len = seed.wire_len;
        let mut out = Packet::default();
        check(&Captured { link: seed.link, wire_len, data }, &config, &mut out);
    }

    #[test]
    fn tcp_options_end(data in prop::collection::vec(any::<u8>(), 0..60)) {
        prop_assert!(TcpOptions::new(&data).count() <= data.len());
    }
}
