//! IEEE 802.11 data frames, alone or behind a radiotap header.
//!
//! Of an aggregate (A-MSDU) only the first subframe is read, as one frame gives one packet; the others are counted.

use rheos_core::DropReason;

use crate::walk::{Step, Walk, be16};
use crate::{Layer, Packet};

const TRUNCATED: Step = Step::Fail(DropReason::LinkTruncated);

/// Bytes of the frame check sequence.
const FCS: usize = 4;
/// Bytes before each part of an aggregate.
const SUBFRAME_HEADER: usize = 14;

/// Bits of the frame control field (IEEE 802.11-2020 §9.2.4.1), first byte.
mod control {
    pub(super) const TYPE: u8 = 0b1100;
    pub(super) const TYPE_DATA: u8 = 0b1000;
    pub(super) const NO_DATA: u8 = 0x40;
    pub(super) const QOS: u8 = 0x80;
}

/// Bits of the frame control field, second byte.
mod flags {
    pub(super) const DISTRIBUTION: u8 = 0x03;
    pub(super) const MORE_FRAGMENTS: u8 = 0x04;
    pub(super) const PROTECTED: u8 = 0x40;
    pub(super) const ORDER: u8 = 0x80;
}

/// The header of `radiotap.org`: little endian, its own length in bytes 2 and 3.
pub(crate) fn radiotap(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    let Some(header) = walk.header::<8>() else { return TRUNCATED };
    let len = usize::from(u16::from_le_bytes([header[2], header[3]]));
    if header[0] != 0 || len < 8 {
        return Step::Fail(DropReason::LinkMalformed);
    }
    let Some(whole) = walk.rest().get(..len) else { return TRUNCATED };
    let flags = radiotap_flags(whole);
    walk.pos += len;
    if flags & 0x10 != 0 && walk.remaining() >= FCS {
        walk.set_end(walk.end - FCS);
    }
    frame(walk, out, flags & 0x20 != 0)
}

/// The flags field: present by bit 1 of the first word, after the optional 8-byte aligned clock of bit 0.
fn radiotap_flags(header: &[u8]) -> u8 {
    const EXTENDED: u32 = 1 << 31;
    let (words, _) = header[4..].as_chunks::<4>();
    let Some(extra) = words.iter().position(|word| u32::from_le_bytes(*word) & EXTENDED == 0)
    else {
        return 0;
    };
    let present = u32::from_le_bytes(words[0]);
    let mut at = 4 + 4 * (extra + 1);
    if present & 1 != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    if present & 2 == 0 {
        return 0;
    }
    header.get(at).copied().unwrap_or(0)
}

/// A frame without radio header; whether it ends in a check sequence nothing tells, and IP lengths do
/// not need to know.
pub(crate) fn wifi(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    frame(walk, out, false)
}

/// Bytes behind a subframe's two addresses and length.
fn subframe_len(header: &[u8; SUBFRAME_HEADER]) -> usize {
    usize::from(be16(header, 12))
}

/// How many subframes begin in `rest`, which lies behind one of `len` bytes. All but the last one are padded to four
/// bytes with their headers (IEEE 802.11-2020 §9.3.2.2.2). What is too short for a header is a check sequence.
fn further_subframes(mut rest: &[u8], mut len: usize) -> u8 {
    let mut count = 0_u8;
    loop {
        let whole = SUBFRAME_HEADER + len;
        let padding = whole.next_multiple_of(4) - whole;
        let Some(header) = rest.get(padding..).and_then(<[u8]>::first_chunk) else { return count };
        count = count.saturating_add(1);
        len = subframe_len(header);
        rest = rest.get(padding + SUBFRAME_HEADER + len..).unwrap_or_default();
    }
}

/// The 802.11 header; `padded` when the radio aligned what follows it to four bytes.
fn frame(walk: &mut Walk<'_>, out: &mut Packet, padded: bool) -> Step {
    let Some([first, second]) = walk.header::<2>() else { return TRUNCATED };
    if first & control::TYPE != control::TYPE_DATA || first & control::NO_DATA != 0 {
        return Step::Fail(DropReason::WifiNoData);
    }
    let Some(header) = walk.header::<24>() else { return TRUNCATED };
    let fragment_number = header[22] & 0xf;
    if second & (flags::PROTECTED | flags::MORE_FRAGMENTS) != 0 || fragment_number != 0 {
        return Step::Fail(DropReason::WifiProtected);
    }
    // A fourth address between two access points.
    let mut len = if second & flags::DISTRIBUTION == flags::DISTRIBUTION { 30 } else { 24 };
    let mut aggregate = false;
    if first & control::QOS != 0 {
        let Some([qos]) = walk.header_at::<1>(len) else { return TRUNCATED };
        aggregate = qos & 0x80 != 0;
        len += if second & flags::ORDER == 0 { 2 } else { 6 };
    }
    if padded {
        len = len.next_multiple_of(4);
    }
    if walk.rest().len() < len {
        return TRUNCATED;
    }
    out.layers.push(Layer::Wifi);
    out.l2_offset = walk.pos as u32;
    walk.pos += len;
    if aggregate {
        let Some(subframe) = walk.header::<SUBFRAME_HEADER>() else { return TRUNCATED };
        walk.pos += SUBFRAME_HEADER;
        let len = subframe_len(subframe);
        out.subframes_unread = further_subframes(walk.rest().get(len..).unwrap_or_default(), len);
        if len <= walk.remaining() {
            walk.set_end(walk.pos + len);
        }
    }
    Step::Llc
}
