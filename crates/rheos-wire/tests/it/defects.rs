//! Link- and network-layer defects of the older tool, each of which must never come back. The numbers are
//! those of the list of its defects.

use rheos_core::{DropReason, FlowKey, LinkType};
use rheos_wire::{Decoded, TunnelKind, decode_datagram};

use crate::it::build::{
    B, cat, decode_as, decode_eth, eth, ipv4, ipv4_fragment, ipv6, packet, small, tag, tcp, udp,
};

#[test]
fn defect_11_no_fragment_becomes_a_packet_of_its_own() {
    let whole = udp(1000, 53, &[3; 32]);
    let first = eth(0x0800, &ipv4_fragment(17, 0x2000, &whole[..24]));
    let second = eth(0x0800, &ipv4_fragment(17, 3, &whole[24..]));
    let (Decoded::Fragment(_), _) = decode_eth(&first) else { panic!("first fragment") };
    let (Decoded::Fragment(_), mut out) = decode_eth(&second) else { panic!("second fragment") };
    let decoded =
        decode_datagram(&ipv4(17, &whole), &rheos_wire::DecodeConfig::default(), &mut out);
    assert_eq!(decoded, Decoded::Packet);
    assert_eq!((out.tuple.dst_port, out.payload_len), (53, 32));
}

#[test]
fn defect_12_tcp_behind_a_hop_by_hop_header_is_tcp_and_icmpv6_is_read() {
    let hop_by_hop = cat(&[&[6, 0, 1, 4, 0, 0, 0, 0], &tcp(0x02, b"x")]);
    let packet = packet(decode_as(LinkType::RAW, &ipv6(0, &hop_by_hop)));
    assert_eq!((packet.tuple.protocol, packet.tcp.flags, packet.payload_len), (6, 2, 1));
    let echo =
        crate::it::build::packet(decode_as(LinkType::RAW, &ipv6(58, &[128, 0, 0, 0, 0, 9, 0, 0])));
    assert_eq!((echo.tuple.protocol, echo.icmp_type), (58, 128));
}

#[test]
fn defect_13_addresses_protocol_and_ports_are_of_one_layer() {
    let inner = ipv4(6, &tcp(2, b""));
    let vxlan = cat(&[&[8, 0, 0, 0, 0, 0, 1, 0], &eth(0x0800, &inner)]);
    let gre = cat(&[&[0, 0, 8, 0], &inner]);
    for (bytes, kind) in [
        (ipv6(17, &udp(50_000, 4789, &vxlan)), TunnelKind::Vxlan),
        (ipv6(47, &gre), TunnelKind::Gre),
        (ipv6(4, &inner), TunnelKind::IpInIp),
    ] {
        let packet = packet(decode_as(LinkType::RAW, &bytes));
        assert_eq!(packet.tuple.to_string(), "10.0.0.1:1234 > 10.0.0.2:80 proto 6");
        let tunnel = packet.tunnel.unwrap();
        assert_eq!(tunnel.kind, kind);
        assert!(tunnel.outer.src_ip().is_ipv6());
        assert_eq!(tunnel.outer.protocol, bytes[6]);
    }
    let mpls = eth(0x8847, &cat(&[&[0, 1, 1, 64], &small()]));
    let pppoe = eth(0x8864, &cat(&[&[0x11, 0, 0, 1, 0, 32, 0, 0x21], &small()]));
    for frame in [mpls, pppoe] {
        assert_eq!(packet(decode_eth(&frame)).tuple.dst_port, 53);
    }
}

#[test]
fn defect_14_vlans_are_told_apart_and_qinq_and_link_types_are_read() {
    let on = |id: u16| packet(decode_eth(&eth(0x8100, &tag(id, 0x0800, &small()))));
    assert_eq!((on(1).vlan[0], on(2).vlan[0]), (1, 2));
    assert_eq!(on(1).tuple, on(2).tuple);
    let qinq = eth(0x88a8, &tag(1, 0x8100, &tag(2, 0x0800, &small())));
    assert_eq!(packet(decode_eth(&qinq)).vlan, [1, 2]);
    // Raw IP whose bytes would pass for Ethernet is read as what its link type says.
    let mut raw = small();
    raw[12..16].copy_from_slice(&[0x08, 0x00, 0x45, 0x00]);
    assert_eq!(packet(decode_as(LinkType::RAW, &raw)).tuple.dst.v4_bytes(), B);
}

#[test]
fn defect_15_ethernet_padding_is_no_payload() {
    let frame = cat(&[&eth(0x0800, &ipv4(6, &tcp(0x10, b""))), &[0; 6]]);
    assert_eq!(frame.len(), 60);
    let packet = packet(decode_eth(&frame));
    assert_eq!((packet.wire_len, packet.ip_len, packet.payload_len), (60, 40, 0));
    assert_eq!((packet.payload_cap_len, packet.payload(&frame).len()), (0, 0));
}

#[test]
fn defect_16_total_length_0_is_segmentation_offload() {
    let mut frame = eth(0x0800, &ipv4(6, &tcp(0x18, &[1; 5000])));
    frame[16..18].fill(0);
    let packet = packet(decode_eth(&frame));
    assert!(packet.offload_len);
    assert_eq!((packet.ip_len, packet.payload_len), (5040, 5000));
}

#[test]
fn echoes_of_different_processes_are_different_flows() {
    let echo = |id: u8| {
        let packet = packet(decode_as(LinkType::RAW, &ipv4(1, &[8, 0, 0, 0, 0, id, 0, 0])));
        FlowKey::new(packet.tuple, 0, 0).0
    };
    assert_ne!(echo(1), echo(2));
}

#[test]
fn malformed_frames_are_counted_and_not_errors() {
    let (decoded, _) = decode_eth(&eth(0x0800, &[0x45; 8]));
    assert_eq!(decoded, Decoded::Dropped(DropReason::Ipv4Truncated));
}
