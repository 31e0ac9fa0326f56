//! GRE (RFC 2784, RFC 2890; source routes of RFC 1701), version 1 of PPTP (RFC 2637), ERSPAN types I to III
//! (draft-foschiano-erspan-03) and WCCP's redirect header.

use crate::link::ethertypes;
use crate::tunnel::{Entry, enter, may_enter};
use crate::walk::{Step, Walk, be16, be32};
use crate::{Layer, Packet, TunnelKind};

/// Bits of the first two bytes.
mod flags {
    pub(super) const CHECKSUM: u16 = 0x8000;
    pub(super) const ROUTING: u16 = 0x4000;
    pub(super) const KEY: u16 = 0x2000;
    pub(super) const SEQUENCE: u16 = 0x1000;
    pub(super) const ACKNOWLEDGEMENT: u16 = 0x0080;
    pub(super) const VERSION: u16 = 0x0007;
}

/// Protocol types that are not Ethernet protocol numbers in common use.
mod types {
    pub(super) const ERSPAN_III: u16 = 0x22eb;
    pub(super) const WCCP: u16 = 0x883e;
    pub(super) const ERSPAN: u16 = 0x88be;
}

/// Source route entries walked at most.
const ROUTES_MAX: usize = 32;

/// Looks into GRE, at whose header the walk stands; the GRE packet itself when nothing readable is inside.
pub(crate) fn gre(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    if !may_enter(walk) {
        return Step::Done;
    }
    header(walk).map_or(Step::Done, |entry| enter(walk, out, entry))
}

/// What a GRE header at the walk's position leads to.
pub(crate) fn header(walk: &Walk<'_>) -> Option<Entry> {
    let fixed = walk.header::<4>()?;
    let bits = be16(fixed, 0);
    let protocol = be16(fixed, 2);
    match bits & flags::VERSION {
        0 => version_0(walk, bits, protocol),
        1 => version_1(walk, bits, protocol),
        _ => None,
    }
}

fn version_0(walk: &Walk<'_>, bits: u16, protocol: u16) -> Option<Entry> {
    let mut len = 4;
    let mut id = 0;
    if bits & (flags::CHECKSUM | flags::ROUTING) != 0 {
        len += 4;
    }
    if bits & flags::KEY != 0 {
        id = be32(walk.header_at::<4>(len)?, 0);
        len += 4;
    }
    if bits & flags::SEQUENCE != 0 {
        len += 4;
    }
    if bits & flags::ROUTING != 0 {
        len = after_routes(walk, len)?;
    }
    let plain = Entry { kind: TunnelKind::Gre, layer: None, id, len, next: Step::Ip };
    match protocol {
        types::ERSPAN if bits & flags::SEQUENCE == 0 => Some(erspan(0, len)),
        types::ERSPAN => erspan_ii(walk, len),
        types::ERSPAN_III => erspan_iii(walk, len),
        types::WCCP => {
            // Version 2 puts four bytes before the packet, version 1 does not.
            let [first] = walk.header_at::<1>(len)?;
            Some(Entry { len: if first >> 4 == 4 { len } else { len + 4 }, ..plain })
        }
        ethertypes::TRANSPARENT_ETHERNET => Some(Entry { next: Step::Ethernet, ..plain }),
        0..ethertypes::LENGTH_BELOW => None,
        _ => Some(Entry { next: Step::Ethertype(protocol), ..plain }),
    }
}

/// Goes over source route entries: family, offset, length, until one of family and length 0.
fn after_routes(walk: &Walk<'_>, mut len: usize) -> Option<usize> {
    for _ in 0..ROUTES_MAX {
        let route = walk.header_at::<4>(len)?;
        len += 4 + usize::from(route[3]);
        if be16(route, 0) == 0 && route[3] == 0 {
            return Some(len);
        }
    }
    None
}

/// PPTP's version: the key is payload length and call id; acknowledgements alone carry no payload.
fn version_1(walk: &Walk<'_>, bits: u16, protocol: u16) -> Option<Entry> {
    if protocol != ethertypes::PPP || bits & flags::KEY == 0 {
        return None;
    }
    let key = walk.header_at::<4>(4)?;
    let mut len = 8;
    for bit in [flags::SEQUENCE, flags::ACKNOWLEDGEMENT] {
        len += if bits & bit == 0 { 0 } else { 4 };
    }
    let id = u32::from(be16(key, 2));
    let payload = be16(key, 0) > 0;
    payload.then_some(Entry { kind: TunnelKind::Gre, layer: None, id, len, next: Step::Ppp })
}

fn erspan(session: u16, len: usize) -> Entry {
    Entry {
        kind: TunnelKind::Erspan,
        layer: Some(Layer::Erspan),
        id: u32::from(session & 0x3ff),
        len,
        next: Step::Ethernet,
    }
}

fn erspan_ii(walk: &Walk<'_>, gre_len: usize) -> Option<Entry> {
    let header = walk.header_at::<8>(gre_len)?;
    (header[0] >> 4 == 1).then(|| erspan(be16(header, 2), gre_len + 8))
}

/// The last bit of the header tells of eight more bytes that depend on the platform.
fn erspan_iii(walk: &Walk<'_>, gre_len: usize) -> Option<Entry> {
    let header = walk.header_at::<12>(gre_len)?;
    let len = if header[11] & 1 == 0 { 12 } else { 20 };
    (header[0] >> 4 == 2).then(|| erspan(be16(header, 2), gre_len + len))
}
