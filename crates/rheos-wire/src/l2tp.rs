//! L2TP: version 2 (RFC 2661), and version 3 (RFC 3931) over UDP and over IP.
//!
//! Version 3 negotiates how long its cookie is, whether a sublayer header follows and what the payload is;
//! no packet tells. Ethernet and PPP with address bytes are found by trying the lengths there are.

use crate::mpls::names_known_protocol;
use crate::tunnel::Entry;
use crate::walk::{Step, Walk, be16, be32};
use crate::{Layer, TunnelKind};

mod flags {
    pub(super) const CONTROL: u16 = 0x8000;
    pub(super) const LENGTH: u16 = 0x4000;
    pub(super) const SEQUENCE: u16 = 0x0800;
    pub(super) const OFFSET: u16 = 0x0200;
    pub(super) const VERSION: u16 = 0x000f;
}

fn entry(id: u32, layer: Option<Layer>, len: usize, next: Step) -> Entry {
    Entry { kind: TunnelKind::L2tp, layer, id, len, next }
}

/// A data message over UDP.
pub(crate) fn over_udp(walk: &Walk<'_>) -> Option<Entry> {
    let bits = be16(walk.header::<2>()?, 0);
    if bits & flags::CONTROL != 0 {
        return None;
    }
    match bits & flags::VERSION {
        2 => version_2(walk, bits),
        3 => {
            let session = be32(walk.header_at::<4>(4)?, 0);
            version_3(walk, 8).map(|(len, next)| entry(session, Some(Layer::L2tp), len, next))
        }
        _ => None,
    }
}

/// A data message over IP, which begins with its session; session 0 is control.
pub(crate) fn over_ip(walk: &Walk<'_>) -> Option<Entry> {
    let session = be32(walk.header::<4>()?, 0);
    if session == 0 {
        return None;
    }
    version_3(walk, 4).map(|(len, next)| entry(session, None, len, next))
}

/// Version 2: the id is tunnel id in the high and session id in the low half; the payload is PPP.
fn version_2(walk: &Walk<'_>, bits: u16) -> Option<Entry> {
    let mut len = 2;
    if bits & flags::LENGTH != 0 {
        if usize::from(be16(walk.header_at::<2>(len)?, 0)) > walk.remaining() {
            return None;
        }
        len += 2;
    }
    let id = be32(walk.header_at::<4>(len)?, 0);
    len += 4;
    if bits & flags::SEQUENCE != 0 {
        len += 4;
    }
    if bits & flags::OFFSET != 0 {
        len += 2 + usize::from(be16(walk.header_at::<2>(len)?, 0));
    }
    Some(entry(id, Some(Layer::L2tp), len, Step::Ppp))
}

/// Version 3: where the payload begins and what it is, behind `fixed` bytes of header.
fn version_3(walk: &Walk<'_>, fixed: usize) -> Option<(usize, Step)> {
    // Cookies have 0, 4 or 8 bytes, the sublayer header 0 or 4.
    [0, 4, 8, 12].into_iter().map(|extra| fixed + extra).find_map(|len| {
        let payload = walk.rest().get(len..)?;
        match payload {
            [0xff, 0x03, 0x00, 0x21 | 0x57, ..] => Some((len, Step::Ppp)),
            _ if names_known_protocol(payload) => Some((len, Step::Ethernet)),
            _ => None,
        }
    })
}
