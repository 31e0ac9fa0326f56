//! What ICMP and ICMPv6 messages hold behind their first four bytes: sequence numbers, the packet that an error
//! quotes, the address that neighbour discovery asks for.

use rheos_core::{Addr, FiveTuple, IpVersion};

use crate::Packet;
use crate::ipv6::{EXTENSIONS_MAX, is_extension};
use crate::transport::protocols;
use crate::walk::{be16, be32};

/// Bytes before what an error quotes.
const HEADER: usize = 8;

/// The message of an ICMP or ICMPv6 packet: all that was captured of it from its type on.
#[inline]
fn message<'a>(packet: &Packet, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let end = packet.payload_offset as usize + packet.payload_cap_len as usize;
    let message = bytes.get(packet.l4_offset as usize..end.min(bytes.len()))?;
    is_icmp(packet).then_some(message)
}

/// Whether `packet` is ICMP over IPv4 or ICMPv6 over IPv6.
#[inline]
pub const fn is_icmp(packet: &Packet) -> bool {
    match packet.tuple.version {
        IpVersion::V4 => packet.tuple.protocol == protocols::ICMP,
        IpVersion::V6 => packet.tuple.protocol == protocols::ICMPV6,
    }
}

/// Identifier and sequence number of an echo (RFC 792, RFC 4443 §4.1), timestamp, information or mask message.
#[inline]
pub fn echo(packet: &Packet, bytes: &[u8]) -> Option<(u16, u16)> {
    let with = match packet.tuple.version {
        IpVersion::V4 => matches!(packet.icmp_type, 0 | 8 | 13..=18),
        IpVersion::V6 => matches!(packet.icmp_type, 128 | 129),
    };
    let head = message(packet, bytes)?.first_chunk::<HEADER>()?;
    with.then_some((be16(head, 4), be16(head, 6)))
}

/// Whether `packet` is an error that quotes the packet it is about.
#[inline]
pub const fn is_error(packet: &Packet) -> bool {
    match packet.tuple.version {
        IpVersion::V4 => matches!(packet.icmp_type, 3 | 4 | 5 | 11 | 12),
        IpVersion::V6 => packet.icmp_type < 128 && packet.icmp_type > 0,
    }
}

/// The tuple of the packet that an error quotes, as that packet was sent: its source is who got the error.
/// Ports are 0 where the protocol has none or too little is quoted.
pub fn quoted(packet: &Packet, bytes: &[u8]) -> Option<FiveTuple> {
    if !is_error(packet) {
        return None;
    }
    let quoted = message(packet, bytes)?.get(HEADER..)?;
    match packet.tuple.version {
        IpVersion::V4 => quoted_ipv4(quoted),
        IpVersion::V6 => quoted_ipv6(quoted),
    }
}

fn quoted_ipv4(quoted: &[u8]) -> Option<FiveTuple> {
    let head = quoted.first_chunk::<20>()?;
    let len = usize::from(head[0] & 0xf) * 4;
    if head[0] >> 4 != 4 || len < 20 {
        return None;
    }
    let address = |at: usize| Addr::v4([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let fragment_offset = be16(head, 6) & 0x1fff;
    let (src_port, dst_port) = ports(head[9], quoted.get(len..).filter(|_| fragment_offset == 0));
    Some(FiveTuple {
        src: address(12),
        dst: address(16),
        src_port,
        dst_port,
        protocol: head[9],
        version: IpVersion::V4,
    })
}

fn quoted_ipv6(quoted: &[u8]) -> Option<FiveTuple> {
    let (head, mut rest) = quoted.split_first_chunk::<40>()?;
    if head[0] >> 4 != 6 {
        return None;
    }
    let address = |at: usize| head.get(at..)?.first_chunk().map(|octets| Addr(*octets));
    let mut protocol = head[6];
    let mut first = true;
    for _ in 0..EXTENSIONS_MAX {
        let Some(extension) = rest.first_chunk::<8>().filter(|_| is_extension(protocol)) else {
            break;
        };
        let len = match protocol {
            protocols::FRAGMENT => {
                // The lowest three bits are flags.
                first = be16(extension, 2) < 8;
                8
            }
            protocols::AH => (usize::from(extension[1]) + 2) * 4,
            _ => (usize::from(extension[1]) + 1) * 8,
        };
        protocol = extension[0];
        rest = rest.get(len..).unwrap_or(&[]);
        if !first {
            break;
        }
    }
    let (src_port, dst_port) = ports(protocol, Some(rest).filter(|_| first));
    Some(FiveTuple {
        src: address(8)?,
        dst: address(24)?,
        src_port,
        dst_port,
        protocol,
        version: IpVersion::V6,
    })
}

/// Both ports at the start of a transport header, as far as there are any.
fn ports(protocol: u8, header: Option<&[u8]>) -> (u16, u16) {
    let with = matches!(
        protocol,
        protocols::TCP | protocols::UDP | protocols::DCCP | protocols::SCTP | protocols::UDP_LITE
    );
    match header.and_then(<[u8]>::first_chunk::<4>) {
        Some(head) if with => (be16(head, 0), be16(head, 2)),
        _ => (0, 0),
    }
}

/// The greatest packet that a router can pass on: of a fragmentation-needed error (RFC 1191 §4; 0 from routers
/// that do not tell) or a packet-too-big error (RFC 4443 §3.2).
pub fn next_hop_mtu(packet: &Packet, bytes: &[u8]) -> Option<u32> {
    let head = message(packet, bytes)?.first_chunk::<HEADER>()?;
    match (packet.tuple.version, packet.icmp_type, packet.icmp_code) {
        (IpVersion::V4, 3, 4) => Some(u32::from(be16(head, 6))),
        (IpVersion::V6, 2, _) => Some(be32(head, 4)),
        _ => None,
    }
}

/// Whether `packet` is one of the five messages of neighbour discovery (RFC 4861): router and neighbour
/// solicitation and advertisement, redirect.
#[inline]
pub const fn is_neighbour_discovery(packet: &Packet) -> bool {
    matches!(packet.tuple.version, IpVersion::V6) && matches!(packet.icmp_type, 133..=137)
}

/// The target of a neighbour solicitation, neighbour advertisement or redirect (RFC 4861 §4.3 to §4.5).
pub fn neighbour_target(packet: &Packet, bytes: &[u8]) -> Option<Addr> {
    let with = is_neighbour_discovery(packet) && packet.icmp_type >= 135;
    let octets = message(packet, bytes)?.get(HEADER..)?.first_chunk()?;
    with.then_some(Addr(*octets))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(version: IpVersion, icmp_type: u8, icmp_code: u8, len: usize) -> Packet {
        let mut packet = Packet {
            icmp_type,
            icmp_code,
            payload_offset: 8,
            payload_cap_len: len.saturating_sub(8) as u32,
            ..Packet::default()
        };
        packet.tuple.version = version;
        packet.tuple.protocol = if version == IpVersion::V4 { 1 } else { 58 };
        packet
    }

    const QUOTED: [u8; 28] = [
        0x45, 0, 0, 60, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x9c, 0x40, 0, 80, 0,
        0, 0, 9,
    ];

    #[test]
    fn an_error_quotes_who_sent_what() {
        let message = [&[3, 4, 0, 0, 0, 0, 0x05, 0x78][..], &QUOTED].concat();
        let error = packet(IpVersion::V4, 3, 4, message.len());
        let tuple = quoted(&error, &message).unwrap();
        assert_eq!(tuple.src, Addr::v4([10, 0, 0, 1]));
        assert_eq!((tuple.src_port, tuple.dst_port, tuple.protocol), (40_000, 80, 6));
        assert_eq!(next_hop_mtu(&error, &message), Some(1400));
        let mut later = message.clone();
        later[8 + 7] = 3;
        let tuple = quoted(&error, &later).unwrap();
        assert_eq!((tuple.src_port, tuple.dst_port), (0, 0), "no ports in a later fragment");
        assert_eq!(quoted(&packet(IpVersion::V4, 8, 0, message.len()), &message), None);
        assert_eq!(quoted(&error, &message[..20]), None);
    }

    #[test]
    fn an_icmpv6_error_quotes_behind_extension_headers() {
        let mut message = vec![2, 0, 0, 0, 0, 0, 5, 0, 0x60, 0, 0, 0, 0, 16, 0, 64];
        message.extend([0x20; 16]);
        message.extend([0x21; 16]);
        message.extend([17, 0, 1, 4, 0, 0, 0, 0, 0x13, 0x88, 0, 53]);
        let error = packet(IpVersion::V6, 2, 0, message.len());
        let tuple = quoted(&error, &message).unwrap();
        assert_eq!((tuple.src_port, tuple.dst_port, tuple.protocol), (5000, 53, 17));
        assert_eq!((tuple.src, tuple.dst), (Addr([0x20; 16]), Addr([0x21; 16])));
        assert_eq!(next_hop_mtu(&error, &message), Some(1280));
    }

    #[test]
    fn echoes_and_neighbours() {
        let message = [8, 0, 0, 0, 0, 7, 1, 2];
        assert_eq!(echo(&packet(IpVersion::V4, 8, 0, 8), &message), Some((7, 0x102)));
        assert_eq!(echo(&packet(IpVersion::V4, 3, 0, 8), &message), None);
        let mut asked = vec![135, 0, 0, 0, 0, 0, 0, 0];
        asked.extend([0xfe; 16]);
        let solicitation = packet(IpVersion::V6, 135, 0, asked.len());
        assert!(is_neighbour_discovery(&solicitation));
        assert_eq!(neighbour_target(&solicitation, &asked), Some(Addr([0xfe; 16])));
        assert_eq!(neighbour_target(&packet(IpVersion::V6, 133, 0, asked.len()), &asked), None);
    }

    proptest! {
        #[test]
        fn never_panics(
            bytes in prop::collection::vec(any::<u8>(), 0..160),
            six: bool,
            kind: u8,
            code in 0_u8..6,
        ) {
            let version = if six { IpVersion::V6 } else { IpVersion::V4 };
            let packet = packet(version, kind, code, bytes.len() + 4);
            let _ = (quoted(&packet, &bytes), echo(&packet, &bytes));
            let _ = (next_hop_mtu(&packet, &bytes), neighbour_target(&packet, &bytes));
        }
    }
}
