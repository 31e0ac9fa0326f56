//! TCP, UDP, UDP-Lite, SCTP, DCCP, ICMP and protocols that are only numbers.

use rheos_core::{DropReason, FlowKey, LinkType};
use rheos_wire::{DecodeConfig, Decoded, Layer, Packet, TcpOption, TcpOptions, tcp_flags};

use crate::it::build::{A, B, cat, decode_as, decode_with, ipv4, ipv6, packet, tcp, udp};

fn raw(bytes: &[u8]) -> Packet {
    packet(decode_as(LinkType::RAW, bytes))
}

fn dropped(bytes: &[u8]) -> DropReason {
    match decode_as(LinkType::RAW, bytes).0 {
        Decoded::Dropped(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn tcp_fields_flags_and_options() {
    let mut segment = tcp(0xc2, &[]);
    segment[12] = 0x71;
    segment[18..20].copy_from_slice(&[0, 5]);
    segment.extend([2, 4, 5, 0xb4, 1, 3, 3, 7]);
    segment.extend(b"data");
    let bytes = ipv4(6, &segment);
    let packet = raw(&bytes);
    assert_eq!((packet.tuple.src_port, packet.tuple.dst_port), (1234, 80));
    let header = packet.tcp;
    assert_eq!((header.seq, header.ack, header.window, header.urgent), (1, 2, 0x2000, 5));
    assert_eq!(header.flags, tcp_flags::AE | tcp_flags::CWR | tcp_flags::ECE | tcp_flags::SYN);
    assert_eq!((header.header_len, packet.payload_len), (28, 4));
    assert_eq!(packet.payload(&bytes), b"data");
    let options: Vec<_> = TcpOptions::new(packet.tcp_options(&bytes)).collect();
    assert_eq!(options, [TcpOption::MaxSegmentSize(1460), TcpOption::WindowScale(7)]);
}

#[test]
fn tcp_headers_that_cannot_be_are_told_apart() {
    for (offset, reason) in [(0x40, DropReason::TcpOffset), (0x60, DropReason::TcpOffset)] {
        let mut segment = tcp(2, &[]);
        segment[12] = offset;
        assert_eq!(dropped(&ipv4(6, &segment)), reason);
    }
    assert_eq!(dropped(&ipv4(6, &tcp(2, &[])[..19])), DropReason::TcpTruncated);
    let mut segment = tcp(2, &[0; 20]);
    segment[12] = 0xa0;
    let bytes = ipv4(6, &segment);
    let config = DecodeConfig::default();
    let (cut, _) = decode_with(&config, LinkType::RAW, &bytes[..39], bytes.len() as u32);
    assert_eq!(cut, Decoded::Dropped(DropReason::TcpTruncated));
    // Cut within its options: all that the fixed part says is known.
    let (cut, packet) = decode_with(&config, LinkType::RAW, &bytes[..50], bytes.len() as u32);
    assert_eq!(cut, Decoded::Packet);
    assert_eq!((packet.tcp.header_len, packet.payload_cap_len), (40, 0));
    assert!(packet.tcp_options(&bytes[..50]).is_empty());
}

#[test]
fn udp_length_rules_the_payload() {
    let mut short = udp(1000, 53, b"hi and more");
    short[5] = 10;
    let bytes = ipv4(17, &short);
    let packet = raw(&bytes);
    assert_eq!((packet.ip_len, packet.payload_len), (39, 2));
    assert_eq!(packet.payload(&bytes), b"hi");
    for len in [0, 7, 20] {
        short[5] = len;
        assert_eq!(dropped(&ipv4(17, &short)), DropReason::UdpLength, "length {len}");
    }
    assert_eq!(dropped(&ipv4(17, &short[..7])), DropReason::UdpTruncated);
}

#[test]
fn udp_length_does_not_matter_when_segmentation_was_left_to_the_card() {
    let mut bytes = ipv4(17, &udp(1000, 53, &[1; 100]));
    bytes[2..4].fill(0);
    bytes[24..26].fill(0);
    let packet = raw(&bytes);
    assert!(packet.offload_len);
    assert_eq!(packet.payload_len, 100);
}

#[test]
fn udp_lite_takes_its_length_from_ip() {
    for coverage in [0, 8, 20] {
        let mut datagram = udp(1000, 53, &[1; 30]);
        datagram[5] = coverage;
        let packet = raw(&ipv4(136, &datagram));
        assert_eq!((packet.tuple.dst_port, packet.payload_len), (53, 30));
        assert_eq!(packet.layers.as_slice(), [Layer::Ipv4, Layer::UdpLite]);
    }
    for coverage in [7, 39] {
        let mut datagram = udp(1000, 53, &[1; 30]);
        datagram[5] = coverage;
        assert_eq!(dropped(&ipv4(136, &datagram)), DropReason::UdpLength);
    }
}

#[test]
fn sctp_ports_and_chunks() {
    let header = [0, 7, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0];
    let packet = raw(&ipv4(132, &cat(&[&header, &[1; 20]])));
    assert_eq!((packet.tuple.src_port, packet.tuple.dst_port), (7, 9));
    assert_eq!((packet.payload_offset, packet.payload_len), (32, 20));
    assert_eq!(dropped(&ipv4(132, &header[..11])), DropReason::SctpTruncated);
}

#[test]
fn dccp_ports_and_header_length() {
    let header = [0, 7, 0, 9, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let packet = raw(&ipv4(33, &cat(&[&header, &[1; 20]])));
    assert_eq!((packet.tuple.src_port, packet.tuple.dst_port), (7, 9));
    assert_eq!((packet.tuple.protocol, packet.payload_len), (33, 20));
    assert_eq!(raw(&ipv4(33, &header[..4])).payload_len, 4);
}

#[test]
fn other_protocols_are_flows_of_their_number() {
    for (protocol, layer) in
        [(2, Layer::Igmp), (50, Layer::Esp), (89, Layer::Other), (255, Layer::Other)]
    {
        let packet = raw(&ipv4(protocol, &[9; 16]));
        assert_eq!(packet.tuple.protocol, protocol);
        assert_eq!((packet.tuple.src_port, packet.tuple.dst_port), (0, 0));
        assert_eq!((packet.payload_len, packet.l4_offset, packet.payload_offset), (16, 20, 20));
        assert_eq!(packet.layers.as_slice(), [Layer::Ipv4, layer]);
    }
}

/// An echo message with identifier 0x0102 and four bytes of data.
fn echo(kind: u8) -> [u8; 12] {
    [kind, 0, 0, 0, 1, 2, 0, 1, 9, 9, 9, 9]
}

/// The same packet from the other end.
fn swapped(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes[0] >> 4 == 4 {
        bytes[12..16].copy_from_slice(&B);
        bytes[16..20].copy_from_slice(&A);
    } else {
        let (src, dst) = bytes[8..40].split_at_mut(16);
        src.swap_with_slice(dst);
    }
    bytes
}

#[test]
fn echo_and_its_reply_share_the_key_and_other_echoes_do_not() {
    let key = |bytes: &[u8]| FlowKey::new(raw(bytes).tuple, 0, 0).0;
    let request = ipv4(1, &echo(8));
    let packet = raw(&request);
    assert_eq!((packet.icmp_type, packet.icmp_code, packet.payload_len), (8, 0, 4));
    assert_eq!((packet.tuple.src_port, packet.tuple.dst_port), (0x0102, 0x0800));
    assert_eq!(key(&request), key(&swapped(ipv4(1, &echo(0)))));
    let mut other = request.clone();
    other[24] = 7;
    assert_ne!(key(&request), key(&other));
    assert_ne!(key(&request), key(&ipv4(1, &echo(13))), "a timestamp is no echo");

    let request = ipv6(58, &echo(128));
    assert_eq!(key(&request), key(&swapped(ipv6(58, &echo(129)))));
    let solicitation = ipv6(58, &echo(135));
    assert_eq!(key(&solicitation), key(&swapped(ipv6(58, &echo(136)))));
}

#[test]
fn one_way_icmp_is_keyed_by_type_and_code_and_by_its_sender() {
    let key = |bytes: &[u8]| FlowKey::new(raw(bytes).tuple, 0, 0).0;
    let unreachable = ipv4(1, &[3, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(raw(&unreachable).tuple.dst_port, 0x0301);
    assert_ne!(key(&unreachable), key(&swapped(unreachable.clone())));
    assert_eq!(dropped(&ipv4(1, &[8, 0, 0, 0, 0, 1, 0])), DropReason::IcmpTruncated);
    assert_eq!(dropped(&ipv6(58, &[128, 0, 0, 0])), DropReason::IcmpTruncated);
}

#[test]
fn icmp_of_the_other_version_is_only_a_number() {
    assert_eq!(raw(&ipv6(1, &echo(8))).layers.as_slice(), [Layer::Ipv6, Layer::Other]);
    assert_eq!(raw(&ipv4(58, &echo(128))).layers.as_slice(), [Layer::Ipv4, Layer::Other]);
}
