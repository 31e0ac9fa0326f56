//! The Internet checksum (RFC 1071) and what a wrong one means.
//!
//! A sender whose network card computes checksums captures its own packets before the card filled them in.
//! The transport checksum then holds the sum of the pseudo-header alone (Linux, with the length; some
//! segmentation offloads leave the length out), and the IPv4 header checksum may be 0. Both are recognised and are not wrong.

use rheos_core::DropReason;

use crate::decode::ChecksumPolicy;
use crate::walk::Walk;
use crate::{ChecksumState, Packet};

/// What verification said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Right, or not verified.
    Fine,
    /// Left to the network card.
    Offloaded,
    /// Wrong.
    Wrong(DropReason),
}

impl Verdict {
    /// Writes the verdict down; a reason when policy wants the packet dropped.
    #[inline]
    pub(crate) fn note(
        self,
        policy: ChecksumPolicy,
        state: &mut ChecksumState,
    ) -> Option<DropReason> {
        match self {
            Self::Fine => {}
            Self::Offloaded => state.offloaded = true,
            Self::Wrong(reason) if policy == ChecksumPolicy::Drop => return Some(reason),
            Self::Wrong(reason) => state.wrong = state.wrong.or(Some(reason)),
        }
        None
    }
}

/// Adds with the carry brought round, as ones' complement arithmetic does.
#[inline]
pub(crate) const fn add(a: u64, b: u64) -> u64 {
    let (sum, carry) = a.overflowing_add(b);
    sum + carry as u64
}

/// Adds up 16-bit words in the machine's own byte order; the last odd byte counts as if a zero followed.
///
/// Neither the byte order of the additions nor their width changes a ones' complement sum (RFC 1071 §2), so
/// words of 64 bits are added as they lie in memory, with the carry of one addition in the next. Four such chains
/// at a time keep the processor from waiting for carries.
#[inline]
fn sum_native(bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<128>();
    let mut sums = [0_u64; 4];
    for block in blocks {
        for (sum, part) in sums.iter_mut().zip(block.as_chunks::<32>().0) {
            *sum = add_chain(*sum, part);
        }
    }
    let mut sum = add(add(sums[0], sums[1]), add(sums[2], sums[3]));
    let (blocks, rest) = rest.as_chunks::<32>();
    for block in blocks {
        sum = add_chain(sum, block);
    }
    let (words, tail) = rest.as_chunks::<8>();
    for word in words {
        sum = add(sum, u64::from_ne_bytes(*word));
    }
    add(sum, last_word(bytes, tail.len()))
}

#[inline]
fn add_chain(mut sum: u64, bytes: &[u8; 32]) -> u64 {
    let mut carry = false;
    for word in bytes.as_chunks::<8>().0 {
        (sum, carry) = sum.carrying_add(u64::from_ne_bytes(*word), carry);
    }
    add(sum, u64::from(carry))
}

/// The last `len` bytes, less than eight, and zeros behind them.
#[inline]
fn last_word(bytes: &[u8], len: usize) -> u64 {
    let word = match bytes.last_chunk() {
        // In two steps, as a shift by all of a word's bits is none. No branch on the length: it differs too often.
        Some(last) => (u64::from_le_bytes(*last) >> 8) >> (56 - 8 * len),
        None => bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    word.to_le()
}

/// Folds a sum in native order to 16 bits: the upper half of a word and its own rotation by half is the sum of
/// both halves, with the carry brought round. 0xffff in any byte order is what a right checksum sums up to.
#[inline]
const fn fold(sum: u64) -> u16 {
    let half = (sum.wrapping_add(sum.rotate_right(32)) >> 32) as u32;
    (half.wrapping_add(half.rotate_right(16)) >> 16) as u16
}

const RIGHT: u16 = 0xffff;

/// The ones' complement sum of `bytes` as 16-bit words in network order, not complemented.
pub fn internet_sum(bytes: &[u8]) -> u16 {
    u16::from_be(fold(sum_native(bytes)))
}

/// What of a pseudo-header does not change within a protocol (RFC 9293 §3.1, RFC 8200 §8.1), in native order:
/// all but its length. IPv4 addresses lie among zeros, so one way serves both versions.
#[inline]
pub(crate) fn bare_pseudo(src: &[u8], dst: &[u8], protocol: u8) -> u64 {
    add(add(sum_native(src), sum_native(dst)), u64::from(u16::from(protocol).to_be()))
}

/// Verifies an IPv4 header.
#[inline]
pub(crate) fn ipv4_header(policy: ChecksumPolicy, header: &[u8], stored: u16) -> Verdict {
    if policy == ChecksumPolicy::Ignore {
        return Verdict::Fine;
    }
    // Nearly all headers have no options, and a known length needs no loop.
    let sum = match header.as_array::<20>() {
        Some(plain) => sum_native(plain),
        None => sum_native(header),
    };
    if fold(sum) == RIGHT {
        Verdict::Fine
    } else if stored == 0 {
        Verdict::Offloaded
    } else {
        Verdict::Wrong(DropReason::ChecksumIpv4)
    }
}

/// What is verified of a transport header.
pub(crate) struct Covered {
    /// Bytes from the transport header on.
    pub(crate) len: usize,
    /// Length that the pseudo-header tells.
    pub(crate) pseudo_len: usize,
    /// The checksum as sent.
    pub(crate) stored: u16,
    /// Why a packet with a wrong one is dropped.
    pub(crate) reason: DropReason,
}

impl Covered {
    /// Verifies `bytes`, all that is covered, with a pseudo-header that [`bare_pseudo`] began.
    #[inline]
    pub(crate) fn verify(&self, bytes: &[u8], bare: u64) -> Verdict {
        let pseudo = add(bare, u64::from((self.pseudo_len as u32).to_be()));
        if fold(add(pseudo, sum_native(bytes))) == RIGHT {
            return Verdict::Fine;
        }
        let stored = self.stored.to_be();
        if stored == fold(pseudo) || stored == fold(bare) {
            Verdict::Offloaded
        } else {
            Verdict::Wrong(self.reason)
        }
    }
}

/// Verifies a checksum that covers a pseudo-header and `covered.len` bytes from the walk's position on.
#[inline]
pub(crate) fn with_pseudo(walk: &Walk<'_>, out: &Packet, covered: &Covered) -> Verdict {
    if walk.checksums == ChecksumPolicy::Ignore || out.offload_len {
        return Verdict::Fine;
    }
    let Some(bytes) = walk.bytes.get(walk.pos..walk.pos + covered.len) else {
        return Verdict::Fine;
    };
    let tuple = &out.tuple;
    covered.verify(bytes, bare_pseudo(&tuple.src.0, &tuple.dst.0, tuple.protocol))
}

/// Verifies a checksum without pseudo-header that covers everything from the walk's position to the end.
#[inline]
pub(crate) fn without_pseudo(walk: &Walk<'_>, out: &Packet, reason: DropReason) -> Verdict {
    let whole = walk.rest().len() == walk.remaining() && !out.offload_len;
    if walk.checksums == ChecksumPolicy::Ignore || !whole || internet_sum(walk.rest()) == RIGHT {
        Verdict::Fine
    } else {
        Verdict::Wrong(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Word by word, as RFC 1071 §1 puts it.
    fn slow(bytes: &[u8]) -> u16 {
        let mut sum = 0_u32;
        for pair in bytes.chunks(2) {
            let low = pair.get(1).copied().unwrap_or(0);
            sum += u32::from(u16::from_be_bytes([pair[0], low]));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    #[test]
    fn sum_of_the_rfc_1071_example() {
        assert_eq!(internet_sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), 0xddf2);
    }

    #[test]
    fn sum_equals_the_slow_sum_at_every_length() {
        let bytes: Vec<u8> =
            (0..300_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for len in 0..bytes.len() {
            assert_eq!(internet_sum(&bytes[..len]), slow(&bytes[..len]), "length {len}");
        }
        let ones = vec![0xff; 70_001];
        assert_eq!(internet_sum(&ones), slow(&ones));
    }
}
