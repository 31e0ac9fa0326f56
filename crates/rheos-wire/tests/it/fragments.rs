//! Fragments: what is told of them, and going on with the whole datagram.

use rheos_core::{DropReason, IpVersion, LinkType};
use rheos_wire::{DecodeConfig, Decoded, Fragment, Layer, TunnelKind, decode_datagram};

use crate::it::build::{
    A, A6, cat, decode_as, decode_eth, decode_with, eth, ipv4, ipv4_fragment, ipv6, packet, small,
    tag, udp,
};

fn fragment(decoded: (Decoded, rheos_wire::Packet)) -> (Fragment, rheos_wire::Packet) {
    match decoded {
        (Decoded::Fragment(fragment), packet) => (fragment, packet),
        (other, _) => panic!("{other:?}"),
    }
}

#[test]
fn first_and_later_ipv4_fragments_are_told() {
    let first = eth(0x0800, &ipv4_fragment(17, 0x2000, &udp(1000, 53, &[1; 16])));
    let (told, _) = fragment(decode_eth(&first));
    assert_eq!(told.src, rheos_core::Addr::v4(A));
    assert_eq!((told.version, told.protocol, told.id), (IpVersion::V4, 17, 0x1234));
    assert_eq!((told.offset, told.more), (0, true));
    assert_eq!((told.l3_offset, told.header_len, told.data_offset), (14, 20, 34));
    assert_eq!((told.data_len, told.data_cap_len), (24, 24));
    let last = eth(0x0800, &ipv4_fragment(17, 3, &[2; 5]));
    let (told, _) = fragment(decode_eth(&cat(&[&last, &[0; 20]])));
    assert_eq!((told.offset, told.more, told.data_len), (24, false, 5));
}

#[test]
fn fragment_cut_by_the_capture_is_told() {
    let bytes = eth(0x0800, &ipv4_fragment(17, 0x2000, &[1; 24]));
    let config = DecodeConfig::default();
    let (told, _) = fragment(decode_with(&config, LinkType::ETHERNET, &bytes[..40], 58));
    assert_eq!((told.data_len, told.data_cap_len), (24, 6));
}

#[test]
fn ipv6_fragment_keeps_what_lies_before_it() {
    let head = [0, 0, 1, 4, 0, 0, 0, 0];
    let hop_by_hop = cat(&[&[44], &head[1..], &[17, 0, 0, 9, 0, 0, 0xab, 0xcd], &[1; 16]]);
    let (told, packet) = fragment(decode_eth(&eth(0x86dd, &ipv6(0, &hop_by_hop))));
    assert_eq!(told.src.0, A6);
    assert_eq!((told.protocol, told.id, told.offset, told.more), (17, 0xabcd, 8, true));
    assert_eq!((told.l3_offset, told.header_len, told.data_offset), (14, 48, 70));
    assert_eq!(told.data_len, 16);
    assert_eq!(packet.layers.as_slice(), [Layer::Ethernet]);
}

#[test]
fn atomic_fragment_is_a_whole_packet() {
    let atomic = cat(&[&[17, 0, 0, 0, 0, 0, 0xab, 0xcd], &udp(1000, 53, b"hi")]);
    let packet = packet(decode_as(LinkType::RAW, &ipv6(44, &atomic)));
    assert_eq!((packet.ip_id, packet.tuple.dst_port, packet.payload_len), (0xabcd, 53, 2));
}

#[test]
fn fragments_that_cannot_be_are_malformed() {
    for (field, len) in [(0x2000, 0), (0x2000, 7), (0x3fff, 8), (0x1fff, 100), (0x0001, 0)] {
        let bytes = ipv4_fragment(17, field, &vec![0; len]);
        let (decoded, _) = decode_as(LinkType::RAW, &bytes);
        assert_eq!(decoded, Decoded::Dropped(DropReason::FragmentMalformed), "{field:x} {len}");
    }
    let (decoded, _) = decode_as(LinkType::RAW, &ipv6(44, &[17, 0, 0xff, 0xf8, 0, 0, 0, 1]));
    assert_eq!(decoded, Decoded::Dropped(DropReason::FragmentMalformed));
}

#[test]
fn datagram_keeps_vlan_and_layers_around_its_fragments() {
    let piece = ipv4_fragment(17, 0x2000, &udp(1000, 53, &[1; 8]));
    let frame = eth(0x8100, &tag(9, 0x0800, &piece));
    let (_, mut out) = fragment(decode_eth(&frame));
    let datagram = small();
    let decoded = decode_datagram(&datagram, &DecodeConfig::default(), &mut out);
    assert_eq!(decoded, Decoded::Packet);
    let layers = [Layer::Ethernet, Layer::Vlan, Layer::Ipv4, Layer::Udp];
    assert_eq!(out.layers.as_slice(), layers);
    assert_eq!((out.vlan, out.vlan_count, out.reassembled), ([9, 0], 1, true));
    assert_eq!((out.l3_offset, out.index), (0, 7));
    assert_eq!(out.payload(&datagram), b"hi");
}

#[test]
fn fragment_in_a_tunnel_and_tunnel_in_fragments() {
    let inner = ipv4_fragment(17, 0x2000, &udp(1000, 53, &[1; 8]));
    let (told, mut out) = fragment(decode_as(LinkType::RAW, &ipv4(4, &inner)));
    assert_eq!(told.l3_offset, 20);
    let config = DecodeConfig::default();
    assert_eq!(decode_datagram(&small(), &config, &mut out), Decoded::Packet);
    let tunnel = out.tunnel.unwrap();
    assert_eq!((tunnel.kind, tunnel.depth, tunnel.outer.protocol), (TunnelKind::IpInIp, 1, 4));
    assert_eq!(out.layers.as_slice(), [Layer::Ipv4, Layer::Ipv4, Layer::Udp]);

    let (_, mut out) = fragment(decode_as(LinkType::RAW, &ipv4_fragment(4, 0x2000, &[0; 8])));
    assert_eq!(decode_datagram(&ipv4(4, &small()), &config, &mut out), Decoded::Packet);
    assert_eq!((out.tunnel.unwrap().depth, out.tuple.dst_port), (1, 53));
}

#[test]
fn depth_goes_on_counting_in_a_datagram() {
    let config = DecodeConfig { tunnel_depth_max: 1, ..DecodeConfig::default() };
    let inner = ipv4_fragment(4, 0x2000, &[0; 8]);
    let raw = ipv4(4, &inner);
    let (_, mut out) = fragment(decode_with(&config, LinkType::RAW, &raw, raw.len() as u32));
    assert_eq!(decode_datagram(&ipv4(4, &small()), &config, &mut out), Decoded::Packet);
    assert_eq!((out.tunnel.unwrap().depth, out.tuple.protocol), (1, 4));
}
