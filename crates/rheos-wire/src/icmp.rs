//! ICMP (RFC 792), ICMPv6 (RFC 4443), and the ports that key their exchanges.
//!
//! ICMP has no ports, so the tuple carries what tells one exchange from another:
//!
//! | message | source port | destination port |
//! |---|---|---|
//! | request (echo, timestamp, information, mask) | identifier | request's type << 8 |
//! | its reply | request's type << 8 | identifier |
//! | request without identifier (router and neighbour solicitation, listener query, ...) | 0 | request's type << 8 |
//! | its reply (advertisement, report, ...) | request's type << 8 | 0 |
//! | one-way (unreachable, time exceeded, redirect, ...) | 0 | type << 8 + code |
//!
//! A request's tuple is its reply's tuple reversed, so both share a [`FlowKey`](rheos_core::FlowKey), and
//! other identifiers give other keys. One-way messages of two hosts to each other are two flows.
//! The destination port of the initiator's tuple is always type and code, as NetFlow and IPFIX write it.

use rheos_core::{DropReason, IpVersion};

use crate::checksum::{self, Covered, Verdict};
use crate::walk::{Step, Walk, be16};
use crate::{Layer, Packet};

const HEADER: usize = 8;

/// Which part of an exchange a type plays, by the pairs that Zeek and Community ID know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Asks; the answer has this type.
    Request { reply: u8 },
    /// Answers a message of this type.
    Reply { request: u8 },
    /// Neither.
    OneWay,
}

const fn role(kind: u8, version: IpVersion) -> Role {
    match version {
        IpVersion::V4 => match kind {
            8 => Role::Request { reply: 0 },
            0 => Role::Reply { request: 8 },
            10 => Role::Request { reply: 9 },
            9 => Role::Reply { request: 10 },
            13 => Role::Request { reply: 14 },
            14 => Role::Reply { request: 13 },
            15 => Role::Request { reply: 16 },
            16 => Role::Reply { request: 15 },
            17 => Role::Request { reply: 18 },
            18 => Role::Reply { request: 17 },
            _ => Role::OneWay,
        },
        IpVersion::V6 => match kind {
            128 => Role::Request { reply: 129 },
            129 => Role::Reply { request: 128 },
            130 => Role::Request { reply: 131 },
            131 => Role::Reply { request: 130 },
            133 => Role::Request { reply: 134 },
            134 => Role::Reply { request: 133 },
            135 => Role::Request { reply: 136 },
            136 => Role::Reply { request: 135 },
            139 => Role::Request { reply: 140 },
            140 => Role::Reply { request: 139 },
            144 => Role::Request { reply: 145 },
            145 => Role::Reply { request: 144 },
            _ => Role::OneWay,
        },
    }
}

/// Whether messages of this type ask for an answer of another type.
pub const fn is_request(icmp_type: u8, version: IpVersion) -> bool {
    matches!(role(icmp_type, version), Role::Request { .. })
}

/// Whether messages of this type answer one of another type.
pub const fn is_reply(icmp_type: u8, version: IpVersion) -> bool {
    matches!(role(icmp_type, version), Role::Reply { .. })
}

/// The type that answers this one, or that this one answers; `None` for one-way types.
pub const fn counterpart(icmp_type: u8, version: IpVersion) -> Option<u8> {
    match role(icmp_type, version) {
        Role::Request { reply } => Some(reply),
        Role::Reply { request } => Some(request),
        Role::OneWay => None,
    }
}

/// Whether messages of this type hold an identifier in bytes 4 and 5.
const fn has_identifier(icmp_type: u8, version: IpVersion) -> bool {
    match version {
        IpVersion::V4 => matches!(icmp_type, 0 | 8 | 13..=18),
        IpVersion::V6 => matches!(icmp_type, 128 | 129),
    }
}

/// The ports that key a message, see the table above; `identifier` is what bytes 4 and 5 hold.
pub const fn ports(icmp_type: u8, code: u8, identifier: u16, version: IpVersion) -> (u16, u16) {
    let identifier = if has_identifier(icmp_type, version) { identifier } else { 0 };
    match role(icmp_type, version) {
        Role::Request { .. } => (identifier, (icmp_type as u16) << 8),
        Role::Reply { request } => ((request as u16) << 8, identifier),
        Role::OneWay => (0, (icmp_type as u16) << 8 | code as u16),
    }
}

/// Reads an ICMP message behind IPv4.
pub(crate) fn icmp(walk: &Walk<'_>, out: &mut Packet) -> Step {
    if !read(walk, out, Layer::Icmp) {
        return Step::Fail(DropReason::IcmpTruncated);
    }
    let verdict = checksum::without_pseudo(walk, out, DropReason::ChecksumIcmp);
    finish(walk, out, verdict)
}

/// Reads an ICMPv6 message behind IPv6; its checksum covers a pseudo-header.
pub(crate) fn icmpv6(walk: &Walk<'_>, out: &mut Packet) -> Step {
    if !read(walk, out, Layer::Icmpv6) {
        return Step::Fail(DropReason::IcmpTruncated);
    }
    let covered = Covered {
        len: walk.remaining(),
        pseudo_len: walk.remaining(),
        stored: walk.header_at::<2>(2).map_or(0, |stored| be16(stored, 0)),
        reason: DropReason::ChecksumIcmp,
    };
    let verdict = checksum::with_pseudo(walk, out, &covered);
    finish(walk, out, verdict)
}

fn read(walk: &Walk<'_>, out: &mut Packet, layer: Layer) -> bool {
    let Some(header) = walk.header::<HEADER>() else { return false };
    out.layers.push(layer);
    out.icmp_type = header[0];
    out.icmp_code = header[1];
    let version = out.tuple.version;
    (out.tuple.src_port, out.tuple.dst_port) =
        ports(header[0], header[1], be16(header, 4), version);
    walk.set_payload(out, walk.pos + HEADER);
    true
}

fn finish(walk: &Walk<'_>, out: &mut Packet, verdict: Verdict) -> Step {
    verdict.note(walk.checksums, &mut out.checksum).map_or(Step::Done, Step::Reject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reply_has_its_requests_ports_reversed() {
        for version in [IpVersion::V4, IpVersion::V6] {
            for kind in 0..=255_u8 {
                let Some(other) = counterpart(kind, version) else {
                    assert!(!is_request(kind, version) && !is_reply(kind, version));
                    continue;
                };
                assert_eq!(counterpart(other, version), Some(kind));
                assert_ne!(is_request(kind, version), is_request(other, version));
                let (a, b) = ports(kind, 0, 7, version);
                assert_eq!(ports(other, 0, 7, version), (b, a), "type {kind}");
            }
        }
    }

    #[test]
    fn one_way_types_are_keyed_by_type_and_code() {
        assert_eq!(ports(3, 13, 99, IpVersion::V4), (0, 0x030d));
        assert_eq!(ports(1, 4, 99, IpVersion::V6), (0, 0x0104));
    }

    #[test]
    fn identifiers_tell_echoes_apart() {
        assert_eq!(ports(8, 0, 1, IpVersion::V4), (1, 0x0800));
        assert_eq!(ports(0, 0, 1, IpVersion::V4), (0x0800, 1));
        assert_ne!(ports(8, 0, 1, IpVersion::V4), ports(8, 0, 2, IpVersion::V4));
    }
}
