//! IPv6 (RFC 8200) and its extension headers.
//!
//! The tuple holds the addresses of the conversation, as transport checksums do: the final destination of
//! a routing header that is still under way, and the home address of a mobile node (RFC 6275 §6.3).
//! A [`Fragment`] keeps those of the header itself, as reassembly asks for them.

use rheos_core::{Addr, DropReason, FiveTuple, IpVersion};

use crate::ipv4::is_possible;
use crate::transport::protocols;
use crate::walk::{Step, Walk, be16, be32};
use crate::{Fragment, Layer, Packet};

const HEADER: usize = 40;
/// Extension headers walked at most in one packet; a longer chain is an attack or noise.
pub(crate) const EXTENSIONS_MAX: usize = 16;

pub(crate) mod field {
    pub(crate) const VERSION_CLASS: usize = 0;
    pub(crate) const PAYLOAD_LEN: usize = 4;
    pub(crate) const NEXT_HEADER: usize = 6;
    pub(crate) const HOP_LIMIT: usize = 7;
    pub(crate) const SRC: usize = 8;
    pub(crate) const DST: usize = 24;
}

/// What walking the extension headers led to.
enum Chain {
    /// The upper-layer protocol; the walk stands at its header.
    Upper(u8),
    /// A real fragment header; the walk stands behind it.
    Fragment(Fragment),
    /// The chain is broken.
    Broken(DropReason),
}

/// Reads the header at the walk's position and all extension headers.
#[inline]
pub(crate) fn ipv6(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    let Some(header) = walk.header::<HEADER>() else {
        return Step::Fail(DropReason::Ipv6Truncated);
    };
    if header[field::VERSION_CLASS] >> 4 != 6 {
        return Step::Fail(DropReason::IpVersion);
    }
    let start = walk.pos;
    let next = header[field::NEXT_HEADER];
    let payload_len = usize::from(be16(header, field::PAYLOAD_LEN));
    if let Some(reason) = set_length(walk, out, payload_len, next) {
        return Step::Fail(reason);
    }
    walk.header_rebuilt = false;

    out.layers.push(Layer::Ipv6);
    out.l3_offset = start as u32;
    out.tos = (be16(header, field::VERSION_CLASS) >> 4) as u8;
    out.ttl = header[field::HOP_LIMIT];
    out.ip_id = 0;
    out.ip_flags = 0;
    out.tuple = FiveTuple {
        src: address(header, field::SRC),
        dst: address(header, field::DST),
        src_port: 0,
        dst_port: 0,
        protocol: next,
        version: IpVersion::V6,
    };
    walk.pos = start + HEADER;
    if !is_extension(next) {
        return Step::Transport(next);
    }
    let layers = out.layers;
    match extensions(walk, out, next) {
        Chain::Upper(protocol) => Step::Transport(protocol),
        Chain::Broken(reason) => Step::Fail(reason),
        Chain::Fragment(mut fragment) => {
            fragment.src = address(header, field::SRC);
            fragment.dst = address(header, field::DST);
            fragment.l3_offset = start as u32;
            // The layers up to this header are undone, as the reassembled datagram brings it again.
            out.layers = layers;
            out.layers.pop();
            if !is_possible(&fragment) {
                return Step::Fail(DropReason::FragmentMalformed);
            }
            walk.fragment = Some(fragment);
            Step::Fragment
        }
    }
}

/// Sets where the packet ends, or tells why its length cannot be.
///
/// Zero means a jumbogram (RFC 2675), a packet that ends with its header, or segmentation left to the
/// network card, where the frame's length counts.
#[inline]
fn set_length(
    walk: &mut Walk<'_>,
    out: &mut Packet,
    payload_len: usize,
    next: u8,
) -> Option<DropReason> {
    if payload_len == 0 && next != protocols::NO_NEXT && walk.remaining() > HEADER {
        return set_long_length(walk, out, next);
    }
    let len = HEADER + payload_len;
    if walk.depth > 0 && len > walk.remaining() {
        return Some(DropReason::Ipv6Truncated);
    }
    out.offload_len = false;
    out.ip_len = len as u32;
    walk.set_end(walk.pos + len);
    None
}

/// A jumbogram must be longer than any other packet (RFC 2675 §2), and as its length may be anything, it
/// must fit into the frame.
#[cold]
fn set_long_length(walk: &mut Walk<'_>, out: &mut Packet, next: u8) -> Option<DropReason> {
    let remaining = walk.remaining();
    if let Some(jumbo_len) = jumbo_payload(walk, next) {
        let len = HEADER.saturating_add(jumbo_len);
        if u16::try_from(jumbo_len).is_ok() || len > remaining {
            return Some(DropReason::Ipv6Extension);
        }
        out.offload_len = false;
        out.ip_len = len as u32;
        walk.set_end(walk.pos + len);
        return None;
    }
    if walk.depth > 0 && !out.offload_len {
        return Some(DropReason::Ipv6Truncated);
    }
    out.offload_len = true;
    out.ip_len = remaining as u32;
    None
}

/// The jumbo payload option of a hop-by-hop header directly behind the IPv6 header (RFC 2675 §2).
#[cold]
fn jumbo_payload(walk: &Walk<'_>, next: u8) -> Option<usize> {
    const JUMBO: u8 = 0xc2;
    if next != protocols::HOP_BY_HOP {
        return None;
    }
    let options = walk.rest().get(HEADER..)?;
    let len = (usize::from(*options.get(1)?) + 1) * 8;
    let value = option_value(options.get(2..len)?, JUMBO)?;
    Some(be32(value.first_chunk::<4>()?, 0) as usize)
}

/// The value of the first option of this kind among type-length-value options (RFC 8200 §4.2).
fn option_value(mut options: &[u8], wanted: u8) -> Option<&[u8]> {
    const PAD1: u8 = 0;
    loop {
        match options {
            [PAD1, rest @ ..] => options = rest,
            [kind, len, rest @ ..] => {
                let value = rest.get(..usize::from(*len))?;
                if *kind == wanted {
                    return Some(value);
                }
                options = &rest[value.len()..];
            }
            _ => return None,
        }
    }
}

#[inline]
pub(crate) fn address(bytes: &[u8], at: usize) -> Addr {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or_else(Addr::default, |octets| Addr(*octets))
}

/// Whether this next-header number is an extension header that is walked over. The authentication header
/// is one too; the payload security header is an end.
#[inline]
pub(crate) const fn is_extension(next: u8) -> bool {
    matches!(
        next,
        protocols::HOP_BY_HOP
            | protocols::ROUTING
            | protocols::FRAGMENT
            | protocols::AH
            | protocols::DESTINATION
            | protocols::MOBILITY
            | protocols::HIP
            | protocols::SHIM6
    )
}

fn extensions(walk: &mut Walk<'_>, out: &mut Packet, first: u8) -> Chain {
    let start = out.l3_offset as usize;
    let mut next = first;
    for _ in 0..EXTENSIONS_MAX {
        if !is_extension(next) {
            return Chain::Upper(next);
        }
        let Some(head) = walk.header::<8>() else { return broken(walk, 8) };
        if next == protocols::FRAGMENT {
            let unfragmentable = walk.pos - start;
            walk.pos += 8;
            match fragment(walk, out, *head, unfragmentable) {
                Some(fragment) => return Chain::Fragment(fragment),
                None => next = head[0],
            }
            continue;
        }
        let len = match next {
            protocols::AH => (usize::from(head[1]) + 2) * 4,
            _ => (usize::from(head[1]) + 1) * 8,
        };
        let Some(whole) = walk.bytes.get(walk.pos..walk.pos + len) else {
            return broken(walk, len);
        };
        match next {
            protocols::AH => out.layers.push(Layer::Ah),
            protocols::ROUTING => final_destination(whole, out),
            protocols::DESTINATION => home_address(whole, out),
            // Signalling that nothing follows is itself what the packet carries.
            protocols::MOBILITY | protocols::HIP | protocols::SHIM6
                if head[0] == protocols::NO_NEXT =>
            {
                return Chain::Upper(next);
            }
            _ => {}
        }
        walk.pos += len;
        next = head[0];
    }
    if is_extension(next) {
        return Chain::Broken(DropReason::Ipv6Extension);
    }
    Chain::Upper(next)
}

/// A header of `len` bytes does not fit: the capture was cut, or the packet itself is too short.
fn broken(walk: &Walk<'_>, len: usize) -> Chain {
    Chain::Broken(if len <= walk.remaining() {
        DropReason::Ipv6Truncated
    } else {
        DropReason::Ipv6Extension
    })
}

/// The fragment that this header tells of; `None` for an atomic one (RFC 6946), which is a whole packet.
fn fragment(
    walk: &Walk<'_>,
    out: &mut Packet,
    head: [u8; 8],
    unfragmentable: usize,
) -> Option<Fragment> {
    let offset_more = be16(&head, 2);
    out.ip_id = be32(&head, 4);
    if offset_more & 0xfff9 == 0 {
        return None;
    }
    Some(Fragment {
        src: out.tuple.src,
        dst: out.tuple.dst,
        version: IpVersion::V6,
        protocol: head[0],
        id: out.ip_id,
        offset: u32::from(offset_more & 0xfff8),
        more: offset_more & 1 == 1,
        l3_offset: out.l3_offset,
        header_len: unfragmentable as u32,
        data_offset: walk.pos as u32,
        data_len: walk.remaining() as u32,
        data_cap_len: walk.rest().len() as u32,
    })
}

/// Where the packet is to end up while segments are left: the last address of types 0 and 2
/// (RFC 2460 §4.4, RFC 6275 §6.4), the first of the segment list of type 4 (RFC 8754 §2).
fn final_destination(routing: &[u8], out: &mut Packet) {
    let [_, len, kind, segments_left, ..] = *routing else { return };
    if segments_left == 0 {
        return;
    }
    let last = match kind {
        0 if len >= 2 && segments_left <= len / 2 => usize::from(len / 2 - 1) * 16 + 8,
        2 if len == 2 => 8,
        4 if len >= 2 && segments_left < len / 2 => 8,
        _ => return,
    };
    if let Some(octets) = routing.get(last..).and_then(<[u8]>::first_chunk) {
        out.tuple.dst = Addr(*octets);
    }
}

/// The home address option of a mobile node (RFC 6275 §6.3).
fn home_address(options: &[u8], out: &mut Packet) {
    const HOME_ADDRESS: u8 = 0xc9;
    let value = options.get(2..).and_then(|options| option_value(options, HOME_ADDRESS));
    if let Some(octets) = value.and_then(<[u8]>::first_chunk) {
        out.tuple.src = Addr(*octets);
    }
}
