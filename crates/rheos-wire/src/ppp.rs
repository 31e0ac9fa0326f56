//! PPP (RFC 1661), its framing (RFC 1662), PPP over Ethernet (RFC 2516) and Cisco HDLC.

use rheos_core::DropReason;

use crate::link::{ethertype, ethertypes};
use crate::walk::{Step, Walk, be16};
use crate::{Layer, Packet};

const TRUNCATED: Step = Step::Fail(DropReason::LinkTruncated);

/// PPP with or without address and control bytes, the protocol number in two bytes or compressed to one.
pub(crate) fn ppp(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    out.layers.push(Layer::Ppp);
    // pppd puts the direction, 0 or 1, in the place of the address.
    if let Some([0xff | 0x00 | 0x01, 0x03]) = walk.header::<2>() {
        walk.pos += 2;
    }
    let Some([first]) = walk.header::<1>() else { return TRUNCATED };
    // Only the last byte of a protocol number is odd (RFC 1661 §2).
    let protocol = if first & 1 == 1 {
        walk.pos += 1;
        u16::from(*first)
    } else {
        let Some(number) = walk.header::<2>() else { return TRUNCATED };
        walk.pos += 2;
        be16(number, 0)
    };
    match protocol {
        0x0021 => Step::Ipv4,
        0x0057 => Step::Ipv6,
        0x0281 | 0x0283 => Step::Mpls,
        _ => Step::Fail(DropReason::NonIp),
    }
}

/// Cisco HDLC when the address byte is one of its two, else PPP.
pub(crate) fn hdlc_or_ppp(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    match walk.header::<4>() {
        Some([0x0f | 0x8f, _, high, low]) => {
            out.layers.push(Layer::Chdlc);
            walk.pos += 4;
            match u16::from_be_bytes([*high, *low]) {
                // Here 0x8035 is Cisco's serial line protocol and not RARP.
                ethertypes::RARP | 0..ethertypes::LENGTH_BELOW => Step::Fail(DropReason::NonIp),
                number => ethertype(walk, out, number),
            }
        }
        Some(_) => Step::Ppp,
        None => TRUNCATED,
    }
}

/// The session stage of PPPoE; its length bounds what follows unless the frame is shorter.
pub(crate) fn pppoe(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    const VERSION_TYPE: u8 = 0x11;
    let Some(header) = walk.header::<6>() else { return TRUNCATED };
    if header[0] != VERSION_TYPE {
        return Step::Fail(DropReason::LinkMalformed);
    }
    // Discovery has a code; data has not.
    if header[1] != 0 {
        return Step::Fail(DropReason::NonIp);
    }
    out.layers.push(Layer::Pppoe);
    walk.pos += 6;
    let len = usize::from(be16(header, 4));
    if len > 0 && len <= walk.remaining() {
        walk.set_end(walk.pos + len);
    }
    Step::Ppp
}
