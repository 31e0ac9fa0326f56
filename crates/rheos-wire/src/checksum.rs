//! The Internet checksum (RFC 1071) and what a wrong one means.
//!
//! A sender whose network card computes checksums captures its own packets before the card filled them in.
//! The transport checksum then holds the sum of the pseudo-header alone (Linux, with the length; some
//! segmentation offloads leave the length out), and the IPv4 header checksum may be 0. Both are recognised and are not wrong.

use rheos_core::DropReason;

use crate::Packet;
use crate::decode::ChecksumPolicy;
use crate::walk::Walk;

/// What verification said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Right, or not verified.
    Fine,
    /// Left to the network card.
    Offloaded,
    /// Wrong.
    Wrong(DropReason),
    /// Wrong, and policy wants the packet dropped.
    Reject(DropReason),
}

impl Verdict {
    /// Writes the verdict into the packet; wrong becomes [`Verdict::Reject`] where policy says so.
    #[inline]
    pub(crate) fn note(self, walk: &Walk<'_>, out: &mut Packet) -> Self {
        match self {
            Self::Fine | Self::Reject(_) => self,
            Self::Offloaded => {
                out.checksum.offloaded = true;
                self
            }
            Self::Wrong(reason) if walk.checksums == ChecksumPolicy::Drop => Self::Reject(reason),
            Self::Wrong(reason) => {
                out.checksum.wrong = out.checksum.wrong.or(Some(reason));
                self
            }
        }
    }
}

/// Adds up 16-bit words in the machine's own byte order; the last odd byte counts as if a zero followed.
///
/// The sum of ones' complement arithmetic does not depend on the byte order of the additions, so words are
/// added as they lie in memory. Halves of 64-bit words go to lanes of their own, which cannot overflow
/// below 16 GiB and which compilers turn into vector additions.
#[inline]
fn sum_native(bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<32>();
    let mut low = [0_u64; 4];
    let mut high = [0_u64; 4];
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        for (lane, word) in words.iter().enumerate() {
            let word = u64::from_ne_bytes(*word);
            low[lane] += word & 0xffff_ffff;
            high[lane] += word >> 32;
        }
    }
    let mut sum = low.iter().sum::<u64>() + high.iter().sum::<u64>();
    let (words, tail) = rest.as_chunks::<4>();
    for word in words {
        sum += u64::from(u32::from_ne_bytes(*word));
    }
    let last = match *tail {
        [a] => [a, 0, 0, 0],
        [a, b] => [a, b, 0, 0],
        [a, b, c] => [a, b, c, 0],
        _ => return sum,
    };
    sum + u64::from(u32::from_ne_bytes(last))
}

/// Folds a sum in native order to 16 bits and brings it into network order.
#[inline]
const fn fold(mut sum: u64) -> u16 {
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    u16::from_be(sum as u16)
}

/// The ones' complement sum of `bytes` as 16-bit words in network order, not complemented.
pub fn internet_sum(bytes: &[u8]) -> u16 {
    fold(sum_native(bytes))
}

/// The sum of a pseudo-header without its length (RFC 9293 §3.1, RFC 8200 §8.1), in native order.
/// IPv4 addresses lie among zeros, so one way serves both versions.
#[inline]
fn pseudo_native(out: &Packet, protocol: u8) -> u64 {
    sum_native(&out.tuple.src.0)
        + sum_native(&out.tuple.dst.0)
        + u64::from(u16::from(protocol).to_be())
}

/// Verifies an IPv4 header.
#[inline]
pub(crate) fn ipv4_header(walk: &Walk<'_>, header: &[u8], stored: u16) -> Verdict {
    if walk.checksums == ChecksumPolicy::Ignore {
        return Verdict::Fine;
    }
    // Nearly all headers have no options, and a known length needs no loop.
    let sum = match header.as_array::<20>() {
        Some(plain) => sum_native(plain),
        None => sum_native(header),
    };
    if fold(sum) == 0xffff {
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

/// Verifies a checksum that covers a pseudo-header and `covered.len` bytes from the walk's position on.
#[inline]
pub(crate) fn with_pseudo(walk: &Walk<'_>, out: &Packet, covered: &Covered) -> Verdict {
    if walk.checksums == ChecksumPolicy::Ignore || out.offload_len {
        return Verdict::Fine;
    }
    let Some(bytes) = walk.bytes.get(walk.pos..walk.pos + covered.len) else {
        return Verdict::Fine;
    };
    let bare = pseudo_native(out, out.tuple.protocol);
    let pseudo = bare + u64::from((covered.pseudo_len as u32).to_be());
    if fold(pseudo + sum_native(bytes)) == 0xffff {
        Verdict::Fine
    } else if covered.stored == fold(pseudo) || covered.stored == fold(bare) {
        Verdict::Offloaded
    } else {
        Verdict::Wrong(covered.reason)
    }
}

/// Verifies a checksum without pseudo-header that covers everything from the walk's position to the end.
#[inline]
pub(crate) fn without_pseudo(walk: &Walk<'_>, out: &Packet, reason: DropReason) -> Verdict {
    let whole = walk.rest().len() == walk.remaining() && !out.offload_len;
    if walk.checksums == ChecksumPolicy::Ignore || !whole || internet_sum(walk.rest()) == 0xffff {
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
