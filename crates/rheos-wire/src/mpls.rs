//! MPLS label stacks (RFC 3032) and what lies under them: IP told by its first nibble, or an Ethernet
//! pseudo-wire with or without control word (RFC 4385, RFC 4448). Nothing in the stack says which, so the
//! bytes have to be asked.

use rheos_core::DropReason;

use crate::link::ethertypes;
use crate::walk::{Step, Walk, be16};
use crate::{Layer, Packet};

const TRUNCATED: Step = Step::Fail(DropReason::LinkTruncated);

/// Walks the stack to its bottom and guesses what follows.
pub(crate) fn mpls(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    loop {
        let Some(entry) = walk.header::<4>() else { return TRUNCATED };
        out.layers.push(Layer::Mpls);
        walk.pos += 4;
        if entry[2] & 1 == 1 {
            return payload(walk);
        }
    }
}

fn payload(walk: &mut Walk<'_>) -> Step {
    let rest = walk.rest();
    match rest.first().map(|first| first >> 4) {
        None => TRUNCATED,
        Some(4) if !looks_like_ipv4(rest, walk.remaining()) && looks_like_ethernet(rest) => {
            Step::Ethernet
        }
        Some(4) => Step::Ipv4,
        Some(6) if !looks_like_ipv6(rest, walk.remaining()) && looks_like_ethernet(rest) => {
            Step::Ethernet
        }
        Some(6) => Step::Ipv6,
        // A control word begins with a zero nibble, but so do many hardware addresses.
        Some(0) => {
            let after_word = rest.get(4..).unwrap_or(&[]);
            if looks_like_ethernet(after_word) || !looks_like_ethernet(rest) {
                walk.pos += 4;
            }
            Step::Ethernet
        }
        Some(_) if looks_like_ethernet(rest) => Step::Ethernet,
        Some(_) => Step::Fail(DropReason::NonIp),
    }
}

fn looks_like_ipv4(bytes: &[u8], remaining: usize) -> bool {
    bytes.len() < 20 || {
        let header_len = usize::from(bytes[0] & 0xf) * 4;
        let total_len = usize::from(be16(bytes, 2));
        header_len >= 20 && (header_len..=remaining).contains(&total_len)
    }
}

fn looks_like_ipv6(bytes: &[u8], remaining: usize) -> bool {
    bytes.len() < 40 || usize::from(be16(bytes, 4)) + 40 <= remaining
}

/// Whether an Ethernet header with a protocol that is read, or with a length, seems to begin here.
fn looks_like_ethernet(bytes: &[u8]) -> bool {
    let length = bytes.get(..14).map(|header| usize::from(be16(header, 12)));
    names_known_protocol(bytes)
        || length.is_some_and(|length| {
            length < usize::from(ethertypes::LENGTH_BELOW) && length + 14 <= bytes.len()
        })
}

/// Whether an Ethernet header with a protocol that is read begins here.
pub(crate) fn names_known_protocol(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk::<15>() else { return false };
    match be16(header, 12) {
        ethertypes::IPV4 => header[14] >> 4 == 4,
        ethertypes::IPV6 => header[14] >> 4 == 6,
        ethertypes::ARP
        | ethertypes::RARP
        | ethertypes::VLAN
        | ethertypes::PROVIDER_BRIDGE
        | ethertypes::QINQ_9100
        | ethertypes::MPLS
        | ethertypes::PPPOE_SESSION
        | ethertypes::BACKBONE_BRIDGE => true,
        _ => false,
    }
}
