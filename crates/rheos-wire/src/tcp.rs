//! TCP (RFC 9293) and its options.

use rheos_core::DropReason;

use crate::checksum::{self, Covered};
use crate::walk::{Step, Walk, be16, be32};
use crate::{Layer, Packet, TcpHeader};

const HEADER_MIN: usize = 20;

pub(crate) mod field {
    pub(crate) const SRC_PORT: usize = 0;
    pub(crate) const DST_PORT: usize = 2;
    pub(crate) const SEQ: usize = 4;
    pub(crate) const ACK: usize = 8;
    pub(crate) const OFFSET_FLAGS: usize = 12;
    pub(crate) const WINDOW: usize = 14;
    pub(crate) const CHECKSUM: usize = 16;
    pub(crate) const URGENT: usize = 18;
}

/// Reads the header at the walk's position. Its 20 fixed bytes are enough: captures with a short snap length cut
/// SYNs within their options, and the connection is told all the same ([`Packet::tcp_options`] is empty then).
#[inline]
pub(crate) fn tcp(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    let Some(header) = walk.header::<HEADER_MIN>() else {
        return Step::Fail(DropReason::TcpTruncated);
    };
    let offset_flags = be16(header, field::OFFSET_FLAGS);
    let header_len = usize::from(offset_flags >> 12) * 4;
    let remaining = walk.remaining();
    if header_len < HEADER_MIN || header_len > remaining {
        return Step::Fail(DropReason::TcpOffset);
    }
    out.layers.push(Layer::Tcp);
    out.tuple.src_port = be16(header, field::SRC_PORT);
    out.tuple.dst_port = be16(header, field::DST_PORT);
    out.tcp = TcpHeader {
        seq: be32(header, field::SEQ),
        ack: be32(header, field::ACK),
        window: be16(header, field::WINDOW),
        urgent: be16(header, field::URGENT),
        flags: offset_flags & 0x1ff,
        header_len: header_len as u8,
    };
    walk.set_payload(out, walk.pos + header_len);
    let covered = Covered {
        len: remaining,
        pseudo_len: remaining,
        stored: be16(header, field::CHECKSUM),
        reason: DropReason::ChecksumTcp,
    };
    checksum::with_pseudo(walk, out, &covered)
        .note(walk.checksums, &mut out.checksum)
        .map_or(Step::Done, Step::Reject)
}

/// One TCP option (IANA "TCP Option Kind Numbers"), end of list and no-operation left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpOption<'a> {
    /// Maximum segment size in bytes (RFC 9293 §3.7.1).
    MaxSegmentSize(u16),
    /// Window scale as shift count, as sent (RFC 7323 §2).
    WindowScale(u8),
    /// The sender takes selective acknowledgements (RFC 2018 §2).
    SackPermitted,
    /// Selectively acknowledged blocks (RFC 2018 §3).
    Sack(SackBlocks<'a>),
    /// Timestamps (RFC 7323 §3).
    Timestamps {
        /// The sender's clock.
        value: u32,
        /// The clock value it echoes.
        echo: u32,
    },
    /// TCP MD5 signature (RFC 2385): the digest.
    Md5(&'a [u8]),
    /// TCP authentication (RFC 5925): key ids and code.
    Authentication(&'a [u8]),
    /// Multipath TCP (RFC 8684): the subtype is the high nibble of the first byte.
    Multipath(&'a [u8]),
    /// TCP fast open (RFC 7413): the cookie; empty when it is asked for.
    FastOpen(&'a [u8]),
    /// Any other kind, with its data.
    Other {
        /// Kind number.
        kind: u8,
        /// What follows kind and length.
        data: &'a [u8],
    },
}

impl TcpOption<'_> {
    /// The option's kind number.
    pub const fn kind(&self) -> u8 {
        match self {
            Self::MaxSegmentSize(_) => kinds::MSS,
            Self::WindowScale(_) => kinds::WINDOW_SCALE,
            Self::SackPermitted => kinds::SACK_PERMITTED,
            Self::Sack(_) => kinds::SACK,
            Self::Timestamps { .. } => kinds::TIMESTAMPS,
            Self::Md5(_) => kinds::MD5,
            Self::Authentication(_) => kinds::AUTHENTICATION,
            Self::Multipath(_) => kinds::MULTIPATH,
            Self::FastOpen(_) => kinds::FAST_OPEN,
            Self::Other { kind, .. } => *kind,
        }
    }
}

/// TCP option kind numbers.
pub mod kinds {
    /// The list ends here.
    pub const END: u8 = 0;
    /// A byte of padding.
    pub const NO_OPERATION: u8 = 1;
    /// Maximum segment size.
    pub const MSS: u8 = 2;
    /// Window scale.
    pub const WINDOW_SCALE: u8 = 3;
    /// Selective acknowledgements permitted.
    pub const SACK_PERMITTED: u8 = 4;
    /// Selective acknowledgement.
    pub const SACK: u8 = 5;
    /// Timestamps.
    pub const TIMESTAMPS: u8 = 8;
    /// MD5 signature.
    pub const MD5: u8 = 19;
    /// Authentication.
    pub const AUTHENTICATION: u8 = 29;
    /// Multipath TCP.
    pub const MULTIPATH: u8 = 30;
    /// Fast open.
    pub const FAST_OPEN: u8 = 34;
}

/// Selectively acknowledged blocks: (left edge, right edge).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SackBlocks<'a>(&'a [u8]);

impl<'a> SackBlocks<'a> {
    /// The blocks in the order they were sent.
    #[inline]
    pub fn edges(self) -> impl ExactSizeIterator<Item = (u32, u32)> + 'a {
        let (blocks, _) = self.0.as_chunks::<8>();
        blocks.iter().map(|block| (be32(block, 0), be32(block, 4)))
    }
}

/// The options of a TCP header, see [`Packet::tcp_options`]. Ends at the end-of-list kind and at the first
/// option whose length cannot be; [`Self::is_malformed`] then tells.
#[derive(Clone, Debug)]
pub struct TcpOptions<'a> {
    rest: &'a [u8],
    malformed: bool,
}

impl<'a> TcpOptions<'a> {
    /// The options in these bytes: what lies between the fixed header and the payload.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, malformed: false }
    }

    /// Whether iteration stopped at an option that runs past the header or is shorter than itself.
    pub const fn is_malformed(&self) -> bool {
        self.malformed
    }

    #[cold]
    fn stop(&mut self) -> Option<TcpOption<'a>> {
        self.malformed = true;
        self.rest = &[];
        None
    }
}

impl<'a> Iterator for TcpOptions<'a> {
    type Item = TcpOption<'a>;

    #[inline]
    fn next(&mut self) -> Option<TcpOption<'a>> {
        loop {
            match *self.rest {
                [] => return None,
                [kinds::END, ..] => {
                    self.rest = &[];
                    return None;
                }
                [kinds::NO_OPERATION, ref rest @ ..] => self.rest = rest,
                [kind, len, ref rest @ ..] if len >= 2 => {
                    let Some((data, rest)) = rest.split_at_checked(usize::from(len) - 2) else {
                        return self.stop();
                    };
                    self.rest = rest;
                    return Some(option(kind, data));
                }
                _ => return self.stop(),
            }
        }
    }
}

/// The kinds of a TCP header's options in wire order, no-operations and the end of the list too.
///
/// Stops after the end of the list, and before the first option whose length cannot be; what then is left is told by
/// [`Self::rest`].
#[derive(Clone, Debug)]
pub struct OptionKinds<'a> {
    rest: &'a [u8],
    ended: bool,
}

impl<'a> OptionKinds<'a> {
    /// The kinds in these bytes, see [`Packet::tcp_options`].
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, ended: false }
    }

    /// What was not read: after the last kind, padding or what is malformed.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl Iterator for OptionKinds<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.ended {
            return None;
        }
        let (&kind, after) = self.rest.split_first()?;
        let len = match kind {
            kinds::END | kinds::NO_OPERATION => 1,
            _ => after.first().copied().map_or(0, usize::from),
        };
        let option = self.rest.get(len..).filter(|_| len > usize::from(kind > kinds::NO_OPERATION));
        self.ended = kind == kinds::END || option.is_none();
        self.rest = option?;
        Some(kind)
    }
}

/// The option of this kind; one whose data has not the length its kind wants is [`TcpOption::Other`].
#[inline]
fn option(kind: u8, data: &[u8]) -> TcpOption<'_> {
    match (kind, data) {
        (kinds::MSS, [a, b]) => TcpOption::MaxSegmentSize(u16::from_be_bytes([*a, *b])),
        (kinds::WINDOW_SCALE, [shift]) => TcpOption::WindowScale(*shift),
        (kinds::SACK_PERMITTED, []) => TcpOption::SackPermitted,
        (kinds::SACK, blocks) if blocks.len().is_multiple_of(8) => {
            TcpOption::Sack(SackBlocks(blocks))
        }
        (kinds::TIMESTAMPS, data) if data.len() == 8 => {
            TcpOption::Timestamps { value: be32(data, 0), echo: be32(data, 4) }
        }
        (kinds::MD5, data) => TcpOption::Md5(data),
        (kinds::AUTHENTICATION, data) => TcpOption::Authentication(data),
        (kinds::MULTIPATH, data) => TcpOption::Multipath(data),
        (kinds::FAST_OPEN, data) => TcpOption::FastOpen(data),
        (kind, data) => TcpOption::Other { kind, data },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_a_linux_syn() {
        let bytes = [
            2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7, //
        ];
        let options: Vec<_> = TcpOptions::new(&bytes).collect();
        assert_eq!(
            options,
            [
                TcpOption::MaxSegmentSize(1460),
                TcpOption::SackPermitted,
                TcpOption::Timestamps { value: 1, echo: 2 },
                TcpOption::WindowScale(7),
            ]
        );
        assert_eq!(options.iter().map(TcpOption::kind).collect::<Vec<_>>(), [2, 4, 8, 3]);
    }

    #[test]
    fn every_sack_block_is_told() {
        let mut bytes = vec![1, 1, 5, 26];
        for edge in 1..=6_u32 {
            bytes.extend(edge.to_be_bytes());
        }
        let Some(TcpOption::Sack(blocks)) = TcpOptions::new(&bytes).next() else {
            panic!("no SACK option");
        };
        assert_eq!(blocks.edges().collect::<Vec<_>>(), [(1, 2), (3, 4), (5, 6)]);
    }

    #[test]
    fn multipath_fast_open_and_signatures_keep_their_data() {
        let bytes = [30, 4, 0x00, 0x81, 34, 2, 29, 4, 1, 2, 19, 3, 9, 254, 3, 7, 2, 3, 1];
        let options: Vec<_> = TcpOptions::new(&bytes).collect();
        assert_eq!(
            options,
            [
                TcpOption::Multipath(&[0x00, 0x81]),
                TcpOption::FastOpen(&[]),
                TcpOption::Authentication(&[1, 2]),
                TcpOption::Md5(&[9]),
                TcpOption::Other { kind: 254, data: &[7] },
                TcpOption::Other { kind: kinds::MSS, data: &[1] },
            ]
        );
    }

    #[test]
    fn kinds_are_told_in_order_with_padding() {
        let mut kinds = OptionKinds::new(&[2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 0, 0, 0]);
        assert_eq!(kinds.by_ref().collect::<Vec<_>>(), [2, 1, 3, 4, 0]);
        assert_eq!(kinds.rest(), [0, 0]);
        for cut in [&[1, 2, 40, 1][..], &[1, 2], &[1, 2, 1], &[1, 2, 0]] {
            let mut kinds = OptionKinds::new(cut);
            assert_eq!(kinds.by_ref().collect::<Vec<_>>(), [1], "{cut:?}");
            assert_eq!(kinds.rest(), &cut[1..]);
        }
    }

    #[test]
    fn iteration_stops_at_the_end_and_at_the_first_malformed_option() {
        let mut ended = TcpOptions::new(&[1, 0, 2, 4, 1, 1]);
        assert_eq!(ended.next(), None);
        assert!(!ended.is_malformed());
        for bytes in [&[3, 3, 7, 2, 1][..], &[3, 3, 7, 2, 40, 1], &[3, 3, 7, 8], &[3, 3, 7, 8, 0]] {
            let mut options = TcpOptions::new(bytes);
            assert_eq!(options.next(), Some(TcpOption::WindowScale(7)));
            assert_eq!(options.next(), None);
            assert_eq!(options.next(), None);
            assert!(options.is_malformed(), "{bytes:?}");
        }
    }
}
