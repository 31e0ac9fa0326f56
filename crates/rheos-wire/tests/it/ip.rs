//! IPv4 and IPv6: lengths, options, extension headers.

use rheos_core::{DropReason, LinkType};
use rheos_wire::{DecodeConfig, Decoded, Layer};

use crate::it::build::{
    A6, assert_small, cat, decode_as, decode_eth, decode_with, eth, ipv4, ipv6, packet, small,
    small6, tcp, udp,
};

fn dropped(bytes: &[u8]) -> DropReason {
    match decode_as(LinkType::RAW, bytes).0 {
        Decoded::Dropped(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn ipv4_options_are_gone_over() {
    let mut bytes = small();
    bytes[0] = 0x47;
    bytes[3] += 8;
    let bytes = cat(&[&bytes[..20], &[0x94, 4, 0, 0, 1, 1, 1, 0], &bytes[20..]]);
    let packet = packet(decode_as(LinkType::RAW, &bytes));
    assert_eq!((packet.ip_len, packet.l4_offset, packet.payload_len), (38, 28, 2));
    assert_eq!(packet.payload(&bytes), b"hi");
}

#[test]
fn ipv4_headers_that_cannot_be_are_told_apart() {
    let with = |at: usize, value: u8| {
        let mut bytes = small();
        bytes[at] = value;
        dropped(&bytes)
    };
    assert_eq!(with(0, 0x44), DropReason::Ipv4HeaderLen);
    assert_eq!(with(0, 0x4f), DropReason::Ipv4HeaderLen);
    assert_eq!(with(3, 19), DropReason::Ipv4TotalLen);
    for len in 1..20 {
        assert_eq!(dropped(&small()[..len]), DropReason::Ipv4Truncated, "{len} bytes");
    }
    let mut options = small();
    options[0] = 0x4f;
    let config = DecodeConfig::default();
    let (cut, _) = decode_with(&config, LinkType::RAW, &options, 100);
    assert_eq!(cut, Decoded::Dropped(DropReason::Ipv4Truncated));
}

#[test]
fn total_length_0_takes_the_wire_length() {
    let mut bytes = eth(0x0800, &ipv4(6, &tcp(0x18, &[7; 3000])));
    bytes[16..18].fill(0);
    let (decoded, packet) =
        decode_with(&DecodeConfig::default(), LinkType::ETHERNET, &bytes[..200], 3054);
    assert_eq!(decoded, Decoded::Packet);
    assert!(packet.offload_len);
    assert_eq!((packet.ip_len, packet.payload_len, packet.payload_cap_len), (3040, 3000, 146));
}

#[test]
fn total_length_beyond_the_capture_is_believed() {
    let whole = eth(0x0800, &ipv4(6, &tcp(0x18, &[7; 1000])));
    let config = DecodeConfig::default();
    // The capture was cut at 100 bytes; then, a wire length that contradicts the header.
    for wire_len in [whole.len() as u32, 100] {
        let bytes = &whole[..100];
        let packet = packet(decode_with(&config, LinkType::ETHERNET, bytes, wire_len));
        assert_eq!((packet.ip_len, packet.payload_len, packet.payload_cap_len), (1040, 1000, 46));
        assert_eq!(packet.payload(bytes), [7; 46]);
    }
}

#[test]
fn ipv6_payload_length_0_takes_the_wire_length() {
    let mut bytes = ipv6(6, &tcp(0x18, &[7; 3000]));
    bytes[4..6].fill(0);
    let packet = packet(decode_as(LinkType::RAW, &bytes));
    assert!(packet.offload_len);
    assert_eq!((packet.ip_len, packet.payload_len), (3060, 3000));
}

#[test]
fn ipv6_without_next_header_is_a_flow_of_protocol_59() {
    for payload in [&[][..], &[1, 2, 3]] {
        let packet = packet(decode_as(LinkType::RAW, &ipv6(59, payload)));
        assert_eq!((packet.tuple.protocol, packet.payload_len), (59, payload.len() as u32));
        assert_eq!(packet.ip_len, 40 + payload.len() as u32);
        assert!(!packet.offload_len);
    }
}

/// An extension header of eight bytes.
fn extension(next: u8) -> [u8; 8] {
    [next, 0, 1, 4, 0, 0, 0, 0]
}

#[test]
fn ipv6_extension_headers_are_walked() {
    let inner = udp(1000, 53, b"hi");
    for kind in [0, 60, 135, 139, 140] {
        let bytes = ipv6(kind, &cat(&[&extension(17), &inner]));
        let packet = packet(decode_as(LinkType::RAW, &bytes));
        assert_eq!((packet.tuple.protocol, packet.tuple.dst_port), (17, 53), "header {kind}");
        assert_eq!((packet.ip_len, packet.payload_len, packet.l4_offset), (58, 2, 48));
        assert_eq!(packet.layers.as_slice(), [Layer::Ipv6, Layer::Udp]);
    }
    let authentication = [17, 1, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1];
    let bytes = ipv6(51, &cat(&[&authentication, &inner]));
    let packet = packet(decode_as(LinkType::RAW, &bytes));
    assert_eq!(packet.layers.as_slice(), [Layer::Ipv6, Layer::Ah, Layer::Udp]);
}

#[test]
fn mobility_signalling_is_a_flow_of_its_own_protocol() {
    let packet = packet(decode_as(LinkType::RAW, &ipv6(135, &extension(59))));
    assert_eq!((packet.tuple.protocol, packet.payload_len), (135, 8));
}

#[test]
fn ipv6_extension_chain_is_bounded_and_its_ends_are_told_apart() {
    let chain = |count: usize| {
        let mut payload = extension(60).repeat(count - 1);
        payload.extend(extension(17));
        payload.extend(udp(1000, 53, b"hi"));
        ipv6(60, &payload)
    };
    packet(decode_as(LinkType::RAW, &chain(16)));
    assert_eq!(dropped(&chain(17)), DropReason::Ipv6Extension);
    assert_eq!(dropped(&chain(5000)), DropReason::Ipv6Extension);
    // The header runs past the packet; it was there and the capture was cut.
    assert_eq!(dropped(&ipv6(60, &[17, 1, 1, 4, 0, 0, 0, 0])), DropReason::Ipv6Extension);
    let (cut, _) = decode_with(&DecodeConfig::default(), LinkType::RAW, &chain(2)[..50], 66);
    assert_eq!(cut, Decoded::Dropped(DropReason::Ipv6Truncated));
    assert_eq!(dropped(&small6()[..39]), DropReason::Ipv6Truncated);
}

#[test]
fn jumbogram_takes_its_length_from_the_option() {
    let data = vec![7; 70_000];
    let mut datagram = udp(1000, 53, &[]);
    datagram[4..6].fill(0);
    datagram.extend(&data);
    let len = (8 + datagram.len() as u32).to_be_bytes();
    let mut bytes = ipv6(0, &cat(&[&[17, 0, 0xc2, 4], &len, &datagram]));
    bytes[4..6].fill(0);
    bytes.extend([0; 9]);
    let packet = packet(decode_as(LinkType::RAW, &bytes));
    assert!(!packet.offload_len);
    assert_eq!((packet.ip_len, packet.payload_len), (70_056, 70_000));
    // Not longer than other packets, or longer than the frame.
    for len in [65_535_u32, 70_026, u32::MAX] {
        bytes[44..48].copy_from_slice(&len.to_be_bytes());
        assert_eq!(dropped(&bytes), DropReason::Ipv6Extension, "{len}");
    }
}

#[test]
fn routing_header_under_way_gives_the_final_destination() {
    let inner = udp(1000, 53, b"hi");
    let last = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    let routing = |kind: u8, left: u8, first: &[u8], second: &[u8]| {
        cat(&[&[17, 4, kind, left, 0, 0, 0, 0], first, second, &inner])
    };
    let source_route = packet(decode_as(LinkType::RAW, &ipv6(43, &routing(0, 1, &A6, &last))));
    assert_eq!(source_route.tuple.dst.0, last);
    // Segment lists are written backwards.
    let segments = packet(decode_as(LinkType::RAW, &ipv6(43, &routing(4, 1, &last, &A6))));
    assert_eq!(segments.tuple.dst.0, last);
    let arrived = packet(decode_as(LinkType::RAW, &ipv6(43, &routing(0, 0, &A6, &last))));
    assert_eq!(arrived.tuple.dst, rheos_core::Addr(crate::it::build::B6));
    let mobile = cat(&[&[17, 2, 2, 1, 0, 0, 0, 0], &last, &inner]);
    let mobile = packet(decode_as(LinkType::RAW, &ipv6(43, &mobile)));
    assert_eq!(mobile.tuple.dst.0, last);
}

#[test]
fn home_address_is_the_source() {
    let home = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8];
    let options = cat(&[&[17, 2, 1, 2, 0, 0, 0xc9, 16], &home, &udp(1, 2, b"")]);
    let packet = packet(decode_as(LinkType::RAW, &ipv6(60, &options)));
    assert_eq!(packet.tuple.src.0, home);
}

#[test]
fn authentication_header_is_gone_over_in_ipv4() {
    let authentication = [17, 1, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1];
    let bytes = ipv4(51, &cat(&[&authentication, &udp(1000, 53, b"hi")]));
    let packet = packet(decode_as(LinkType::RAW, &bytes));
    assert_eq!(packet.layers.as_slice(), [Layer::Ipv4, Layer::Ah, Layer::Udp]);
    assert_eq!((packet.tuple.protocol, packet.tuple.dst_port, packet.payload_len), (17, 53, 2));
}

#[test]
fn authentication_header_that_does_not_fit_is_a_flow_of_protocol_51() {
    let packet = packet(decode_as(LinkType::RAW, &ipv4(51, &[17, 9, 0, 0])));
    assert_eq!((packet.tuple.protocol, packet.payload_len), (51, 4));
}

#[test]
fn trailing_bytes_are_no_payload() {
    let frame = cat(&[&eth(0x86dd, &small6()), &[0xee; 30]]);
    assert_small(&frame, decode_eth(&frame));
}
