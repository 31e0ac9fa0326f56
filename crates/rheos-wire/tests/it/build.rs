//! Frames written layer by layer, inside out, and the shortest way to decode one.

use rheos_core::{Frame, LinkType, Timestamp};
use rheos_wire::{DecodeConfig, Decoded, Packet, decode};

/// The address that most packets of the tests come from.
pub(crate) const A: [u8; 4] = [10, 0, 0, 1];
/// The address that they go to.
pub(crate) const B: [u8; 4] = [10, 0, 0, 2];
/// `A`'s IPv6 address, `2001:db8::1`.
pub(crate) const A6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
/// `B`'s, `2001:db8::2`.
pub(crate) const B6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

/// All parts one after the other.
pub(crate) fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// An Ethernet II frame.
pub(crate) fn eth(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let addresses = [0x02, 0, 0, 0, 0, 0x0b, 0x02, 0, 0, 0, 0, 0x0a];
    cat(&[&addresses, &ethertype.to_be_bytes(), payload])
}

/// A VLAN tag's four bytes behind its protocol number: id and what follows.
pub(crate) fn tag(id: u16, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    cat(&[&id.to_be_bytes(), &ethertype.to_be_bytes(), payload])
}

/// RFC 1071, word by word: the complement that makes a header sum up.
pub(crate) fn complement(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u32;
    for part in parts {
        for pair in part.chunks(2) {
            let low = pair.get(1).copied().unwrap_or(0);
            sum += u32::from(u16::from_be_bytes([pair[0], low]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// An IPv4 packet from `A` to `B` with a right checksum; `fragment` is the field of flags and offset.
pub(crate) fn ipv4_fragment(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let total = (20 + payload.len()) as u16;
    let mut header = cat(&[&[0x45, 0], &total.to_be_bytes(), &[0x12, 0x34]]);
    header.extend(fragment.to_be_bytes());
    header.extend([64, protocol, 0, 0]);
    header.extend(A);
    header.extend(B);
    let sum = complement(&[&header]);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    cat(&[&header, payload])
}

/// A whole IPv4 packet from `A` to `B`.
pub(crate) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_fragment(protocol, 0x4000, payload)
}

/// An IPv6 packet from `A6` to `B6`.
pub(crate) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u16).to_be_bytes();
    cat(&[&[0x60, 0, 0, 0], &len, &[next, 64], &A6, &B6, payload])
}

/// A UDP datagram without checksum.
pub(crate) fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let len = (8 + payload.len()) as u16;
    cat(&[&src.to_be_bytes(), &dst.to_be_bytes(), &len.to_be_bytes(), &[0, 0], payload])
}

/// A TCP segment of port 1234 to port 80 without options, its checksum 0.
pub(crate) fn tcp(flags: u8, payload: &[u8]) -> Vec<u8> {
    let header = [
        0x04, 0xd2, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 0x20, 0, 0, 0, 0, 0, //
    ];
    cat(&[&header, payload])
}

/// The packet that most tests put into what they are about: UDP from port 1000 to 53 with `payload` "hi".
pub(crate) fn small() -> Vec<u8> {
    ipv4(17, &udp(1000, 53, b"hi"))
}

/// The same over IPv6.
pub(crate) fn small6() -> Vec<u8> {
    ipv6(17, &udp(1000, 53, b"hi"))
}

/// Decodes a frame that was captured whole.
pub(crate) fn decode_as(link: LinkType, bytes: &[u8]) -> (Decoded, Packet) {
    decode_with(&DecodeConfig::default(), link, bytes, bytes.len() as u32)
}

/// Decodes an Ethernet frame that was captured whole.
pub(crate) fn decode_eth(bytes: &[u8]) -> (Decoded, Packet) {
    decode_as(LinkType::ETHERNET, bytes)
}

/// Decodes a frame with everything said.
pub(crate) fn decode_with(
    config: &DecodeConfig,
    link: LinkType,
    data: &[u8],
    wire_len: u32,
) -> (Decoded, Packet) {
    let mut out = Packet::default();
    let frame = Frame { ts: Timestamp::from_secs(1), wire_len, link, data };
    let decoded = decode(frame, 7, config, &mut out);
    (decoded, out)
}

/// The frame makes a packet: that.
#[track_caller]
pub(crate) fn packet((decoded, packet): (Decoded, Packet)) -> Packet {
    assert_eq!(decoded, Decoded::Packet);
    packet
}

/// The frame is [`small`] in some wrapping: its ports, lengths and payload.
#[track_caller]
pub(crate) fn assert_small(bytes: &[u8], decoded: (Decoded, Packet)) -> Packet {
    let packet = packet(decoded);
    let tuple = packet.tuple;
    assert_eq!((tuple.protocol, tuple.src_port, tuple.dst_port), (17, 1000, 53));
    let header = if tuple.src_ip().is_ipv4() { 20 } else { 40 };
    assert_eq!((packet.ip_len, packet.payload_len), (header + 10, 2));
    assert_eq!(packet.payload(bytes), b"hi");
    assert_eq!(packet.l4_offset, packet.l3_offset + header);
    packet
}
