//! The pcap file format (draft-ietf-opsawg-pcap): a header of 24 bytes, then records.
//!
//! Its variants differ in byte order, in what the fraction of a second counts, in the length of the
//! record header, and, in files of the early nineties, in the order of the two lengths.

use rheos_core::{FrameMeta, LinkType, Timestamp};

use crate::ahead::Ahead;
use crate::error::DamageKind;
use crate::info::{ByteOrder, FileInfo, Format, InterfaceInfo, Resolution, words};
use crate::reader::{Building, Step};

/// Bytes of the file header.
pub(crate) const HEADER_LEN: usize = 24;

/// What the magic number tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Variant {
    order: ByteOrder,
    nanos_per_fraction: u64,
    file_header: usize,
    record_header: usize,
}

impl Variant {
    /// Reads the magic number.
    pub(crate) fn of(magic: [u8; 4]) -> Option<Self> {
        Self::in_order(u32::from_le_bytes(magic), ByteOrder::Little)
            .or_else(|| Self::in_order(u32::from_be_bytes(magic), ByteOrder::Big))
    }

    fn in_order(magic: u32, order: ByteOrder) -> Option<Self> {
        let (nanos_per_fraction, file_header, record_header) = match magic {
            // libpcap
            0xa1b2_c3d4 => (1000, HEADER_LEN, 16),
            // libpcap with nanoseconds
            0xa1b2_3c4d => (1, HEADER_LEN, 16),
            // libpcap as patched by Alexey Kuznetsov: records also tell interface and protocol
            0xa1b2_cd34 => (1000, HEADER_LEN, 24),
            // Ixia hardware and software captures: the file header also tells the bytes of all records
            0x1c00_01ac => (1, HEADER_LEN + 4, 16),
            0x1c00_01ab => (1000, HEADER_LEN + 4, 16),
            _ => return None,
        };
        Some(Self { order, nanos_per_fraction, file_header, record_header })
    }
}

/// Which of the two lengths in a record header comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    /// Captured, then wire.
    Captured,
    /// Wire, then captured: versions before 2.3.
    Wire,
    /// Version 2.3 was written both ways: the smaller one is the captured length.
    Either,
}

/// Reader of a pcap file.
#[derive(Debug)]
pub(crate) struct Pcap {
    variant: Variant,
    lengths: Lengths,
    link: LinkType,
    max_record: usize,
}

/// A file header that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// This many bytes are needed.
    Short(usize),
    /// No version that libpcap wrote.
    Version(u16, u16),
}

impl Pcap {
    /// Reads the file header at the start of `bytes`; returns its length, too.
    pub(crate) fn open(
        bytes: &[u8],
        info: &mut FileInfo,
        max_record: usize,
    ) -> Result<(Self, usize), HeaderError> {
        let magic = bytes.first_chunk().ok_or(HeaderError::Short(HEADER_LEN))?;
        let variant = Variant::of(*magic).ok_or(HeaderError::Short(HEADER_LEN))?;
        let order = variant.order;
        let Some(header) = bytes.get(..variant.file_header) else {
            return Err(HeaderError::Short(variant.file_header));
        };
        let Some([_, version, _, _, snap_len, network]) = words::<6>(header) else {
            return Err(HeaderError::Short(variant.file_header));
        };
        let [a, b, c, d] = version;
        let version = (order.u16([a, b]), order.u16([c, d]));
        let lengths = match version {
            (2, 0..=2) | (543, 0) => Lengths::Wire,
            (2, 3) => Lengths::Either,
            (2, 4) => Lengths::Captured,
            (major, minor) => return Err(HeaderError::Version(major, minor)),
        };
        let network = order.u32(network);
        let link = LinkType(network as u16);
        // Bit 26 says that the four bits on top tell the frame check sequence in 16-bit words.
        let fcs_len = (network & 0x0400_0000 != 0).then_some((network >> 28) as u8 * 2);
        info.format = Format::Pcap;
        info.version = version;
        info.byte_order = order;
        info.interfaces = vec![InterfaceInfo {
            link,
            snap_len: order.u32(snap_len),
            resolution: Resolution::Decimal(if variant.nanos_per_fraction == 1 { 9 } else { 6 }),
            fcs_len,
            ..InterfaceInfo::default()
        }];
        Ok((Self { variant, lengths, link, max_record }, variant.file_header))
    }

    /// Reads records from `bytes[*pos..]` until the batch is full or bytes are missing.
    pub(crate) fn scan(&self, bytes: &[u8], pos: &mut usize, batch: &mut Building) -> Step {
        match self.variant.order {
            ByteOrder::Little => self.records(u32::from_le_bytes, bytes, pos, batch),
            ByteOrder::Big => self.records(u32::from_be_bytes, bytes, pos, batch),
        }
    }

    /// [`Self::scan`] with numbers in the order of `number`, which the compiler knows in each of its two copies.
    #[inline]
    fn records(
        &self,
        number: impl Fn([u8; 4]) -> u32,
        bytes: &[u8],
        pos: &mut usize,
        batch: &mut Building,
    ) -> Step {
        let Variant { nanos_per_fraction, record_header, .. } = self.variant;
        let mut at = *pos;
        let mut rest = bytes.get(at..).unwrap_or_default();
        let mut ahead = Ahead::new(at);
        let step = loop {
            ahead.ask(bytes, at);
            let Some(header) = rest.first_chunk::<16>() else { break Step::Need(record_header) };
            let field =
                |at: usize| number([header[at], header[at + 1], header[at + 2], header[at + 3]]);
            let (seconds, fraction) = (field(0), field(4));
            let (mut cap_len, mut wire_len) = (field(8), field(12));
            if self.lengths != Lengths::Captured
                && (self.lengths == Lengths::Wire || cap_len > wire_len)
            {
                std::mem::swap(&mut cap_len, &mut wire_len);
            }
            if cap_len as usize > self.max_record {
                break Step::Damaged(DamageKind::TooLong {
                    part: "a packet",
                    len: u64::from(cap_len),
                    limit: self.max_record as u64,
                });
            }
            let len = record_header + cap_len as usize;
            let Some(after) = rest.get(len..) else { break Step::Need(len) };
            // Both are under 2^32: their sum in nanoseconds is under 2^63.
            let nanos =
                u64::from(seconds) * 1_000_000_000 + u64::from(fraction) * nanos_per_fraction;
            let full = batch.push(FrameMeta {
                ts: Timestamp::from_nanos(nanos),
                offset: at + record_header,
                cap_len,
                wire_len,
                link: self.link,
                interface: 0,
            });
            at += len;
            rest = after;
            if full {
                break Step::Full;
            }
        };
        *pos = at;
        step
    }

    /// What the file ends in when `have` bytes of a record are there.
    pub(crate) fn part(&self, have: usize) -> &'static str {
        if have < self.variant.record_header { "a record header" } else { "a packet" }
    }
}
