//! IPv4 (RFC 791).

use rheos_core::{Addr, DropReason, FiveTuple, IpVersion};

use crate::checksum;
use crate::walk::{Step, Walk, be16};
use crate::{Fragment, Layer, Packet};

/// Bytes of a header without options.
const HEADER_MIN: usize = 20;
/// The largest datagram that its total length can tell.
const DATAGRAM_MAX: u32 = 65_535;

pub(crate) mod field {
    pub(crate) const VERSION_IHL: usize = 0;
    pub(crate) const TOS: usize = 1;
    pub(crate) const TOTAL_LEN: usize = 2;
    pub(crate) const ID: usize = 4;
    pub(crate) const FLAGS_OFFSET: usize = 6;
    pub(crate) const TTL: usize = 8;
    pub(crate) const PROTOCOL: usize = 9;
    pub(crate) const CHECKSUM: usize = 10;
    pub(crate) const SRC: usize = 12;
    pub(crate) const DST: usize = 16;
}

/// Reads the header at the walk's position.
#[inline]
pub(crate) fn ipv4(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    let Some(header) = walk.header::<HEADER_MIN>() else {
        return Step::Fail(DropReason::Ipv4Truncated);
    };
    if header[field::VERSION_IHL] >> 4 != 4 {
        return Step::Fail(DropReason::IpVersion);
    }
    let start = walk.pos;
    let header_len = usize::from(header[field::VERSION_IHL] & 0xf) * 4;
    if header_len < HEADER_MIN || header_len > walk.remaining() {
        return Step::Fail(DropReason::Ipv4HeaderLen);
    }
    let Some(whole) = walk.bytes.get(start..start + header_len) else {
        return Step::Fail(DropReason::Ipv4Truncated);
    };
    let total_len = usize::from(be16(header, field::TOTAL_LEN));
    if let Some(reason) = set_length(walk, out, total_len, header_len) {
        return Step::Fail(reason);
    }

    out.layers.push(Layer::Ipv4);
    out.l3_offset = start as u32;
    out.tos = header[field::TOS];
    out.ttl = header[field::TTL];
    out.ip_id = u32::from(be16(header, field::ID));
    let flags_offset = be16(header, field::FLAGS_OFFSET);
    out.ip_flags = (flags_offset >> 13) as u8;
    let protocol = header[field::PROTOCOL];
    out.tuple = FiveTuple {
        src: address(header, field::SRC),
        dst: address(header, field::DST),
        src_port: 0,
        dst_port: 0,
        protocol,
        version: IpVersion::V4,
    };

    if !std::mem::take(&mut walk.header_rebuilt) {
        let stored = be16(header, field::CHECKSUM);
        let verdict = checksum::ipv4_header(walk.checksums, whole, stored);
        if let Some(reason) = verdict.note(walk.checksums, &mut out.checksum) {
            return Step::Reject(reason);
        }
    }
    walk.pos = start + header_len;
    if flags_offset & 0x3fff != 0 {
        return fragment(walk, out, header_len, flags_offset);
    }
    Step::Transport(protocol)
}

#[inline]
pub(crate) fn address(header: &[u8; HEADER_MIN], at: usize) -> Addr {
    header[at..].first_chunk().map_or_else(Addr::default, |octets| Addr::v4(*octets))
}

/// Sets where the datagram ends. Zero is what a sender that leaves segmentation to its network card
/// captures: the frame's length counts. Inside a tunnel a length beyond the packet around it means that
/// there is no IP; outside it is believed, as captures with a wrong wire length exist.
#[inline]
fn set_length(
    walk: &mut Walk<'_>,
    out: &mut Packet,
    total_len: usize,
    header_len: usize,
) -> Option<DropReason> {
    if total_len == 0 {
        if walk.depth > 0 && !out.offload_len {
            return Some(DropReason::Ipv4TotalLen);
        }
        out.offload_len = true;
        out.ip_len = walk.remaining() as u32;
        return None;
    }
    if total_len < header_len || walk.depth > 0 && total_len > walk.remaining() {
        return Some(DropReason::Ipv4TotalLen);
    }
    out.offload_len = false;
    out.ip_len = total_len as u32;
    walk.set_end(walk.pos + total_len);
    None
}

/// A fragment: the layers up to this header are undone, as the reassembled datagram brings it again.
#[cold]
fn fragment(walk: &mut Walk<'_>, out: &mut Packet, header_len: usize, flags_offset: u16) -> Step {
    let fragment = Fragment {
        src: out.tuple.src,
        dst: out.tuple.dst,
        version: IpVersion::V4,
        protocol: out.tuple.protocol,
        id: out.ip_id,
        offset: u32::from(flags_offset & 0x1fff) * 8,
        more: flags_offset & 0x2000 != 0,
        l3_offset: out.l3_offset,
        header_len: header_len as u32,
        data_offset: walk.pos as u32,
        data_len: walk.remaining() as u32,
        data_cap_len: walk.rest().len() as u32,
    };
    out.layers.pop();
    if !is_possible(&fragment) {
        return Step::Fail(DropReason::FragmentMalformed);
    }
    walk.fragment = Some(fragment);
    Step::Fragment
}

/// Whether a fragment can be part of a datagram: it has data, all but the last are a multiple of eight
/// bytes long, and none reaches beyond the longest datagram.
pub(crate) fn is_possible(fragment: &Fragment) -> bool {
    let header = if fragment.version == IpVersion::V4 { fragment.header_len } else { 0 };
    fragment.data_len > 0
        && (!fragment.more || fragment.data_len.is_multiple_of(8))
        && fragment.offset.saturating_add(fragment.data_len).saturating_add(header) <= DATAGRAM_MAX
}
