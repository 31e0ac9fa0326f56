//! Files of nfdump 1.7 ("layout version 2"): the bytes of their headers, blocks and records.
//!
//! A file has a header of 40 bytes, blocks of records, and an appendix: a block with the name of the source and the
//! totals of all flows. All numbers are in the byte order of the machine that wrote it; only little endian is read.
//! A flow is a record of type 11 that consists of elements, each with its number and length, so that what is not
//! known is stepped over. Facts are from nfdump's headers `nffileV2.h` and `nfxV3.h`.
//!
//! Reading and unpacking files is the business of `rheos-capture`.

use rheos_core::{RecordFlags, WideRecord};

/// Bytes of a file's header.
pub const FILE_HEADER_LEN: usize = 40;
/// Bytes of a block's header.
pub const BLOCK_HEADER_LEN: usize = 12;

const MAGIC: u16 = 0xa50c;
const LAYOUT: u16 = 2;
/// Types of records.
const FLOW: u16 = 11;
const IDENT: u16 = 0x8001;
const STATISTICS: u16 = 0x8002;
/// Bytes of a flow's header before its elements.
const FLOW_HEADER_LEN: usize = 12;
/// Elements of a flow.
const GENERIC: u16 = 1;
const IPV4: u16 = 2;
const IPV6: u16 = 3;
const MISCELLANEOUS: u16 = 4;
const AS_ROUTING: u16 = 7;

/// How the blocks of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// LZO1X-1.
    Lzo,
    /// bzip2.
    Bzip2,
    /// LZ4, blocks without frame.
    Lz4,
    /// Zstandard.
    Zstd,
    /// Another number.
    Unknown(u8),
}

impl Compression {
    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lzo => "LZO",
            Self::Bzip2 => "bzip2",
            Self::Lz4 => "LZ4",
            Self::Zstd => "zstd",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Why a file's header is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderFault {
    /// The first two bytes are others.
    Magic,
    /// Written on a machine of the other byte order.
    ByteOrder,
    /// Another layout: 1 is nfdump 1.6 and older.
    Layout(u16),
    /// Encrypted.
    Encrypted,
}

/// The header of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// When it was made: seconds since 1970.
    pub created: u64,
    /// How its blocks are packed.
    pub compression: Compression,
    /// Blocks of the appendix.
    pub appendix_blocks: u16,
    /// Where the appendix begins; 0 if there is none.
    pub appendix_offset: u64,
    /// The longest block when unpacked; 0 where it is not told.
    pub block_len_max: u32,
    /// Blocks of records.
    pub blocks: u32,
}

impl FileHeader {
    /// Whether a file that begins so is one of nfdump's, of any layout and byte order.
    pub fn is_nfdump(first: &[u8]) -> bool {
        matches!(first, [0x0c, 0xa5, ..] | [0xa5, 0x0c, 0, ..])
    }

    /// Reads the header.
    pub fn parse(bytes: &[u8; FILE_HEADER_LEN]) -> Result<Self, HeaderFault> {
        if u16_at(bytes, 0) == MAGIC.swap_bytes() {
            return Err(HeaderFault::ByteOrder);
        }
        if u16_at(bytes, 0) != MAGIC {
            return Err(HeaderFault::Magic);
        }
        let layout = u16_at(bytes, 2);
        if layout != LAYOUT {
            return Err(HeaderFault::Layout(layout));
        }
        if bytes[17] != 0 {
            return Err(HeaderFault::Encrypted);
        }
        let compression = match bytes[16] {
            0 => Compression::None,
            1 => Compression::Lzo,
            2 => Compression::Bzip2,
            3 => Compression::Lz4,
            4 => Compression::Zstd,
            other => Compression::Unknown(other),
        };
        Ok(Self {
            created: u64_at(bytes, 8),
            compression,
            appendix_blocks: u16_at(bytes, 18),
            appendix_offset: u64_at(bytes, 24),
            block_len_max: u32_at(bytes, 32),
            blocks: u32_at(bytes, 36),
        })
    }
}

/// The header of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    /// Records in it, of all types.
    pub records: u32,
    /// Bytes behind the header, as they lie in the file.
    pub len: u32,
    /// Type: 3 is records with headers of their own.
    pub kind: u16,
    /// Whether it is packed as the file's header says.
    pub packed: bool,
}

impl BlockHeader {
    /// Reads the header.
    pub const fn parse(bytes: &[u8; BLOCK_HEADER_LEN]) -> Self {
        Self {
            records: u32_at(bytes, 0),
            len: u32_at(bytes, 4),
            kind: u16_at(bytes, 8),
            packed: u16_at(bytes, 10) & 1 == 0,
        }
    }

    /// Whether it holds records that can be told apart.
    pub const fn has_records(&self) -> bool {
        self.kind == 3
    }
}

/// Totals of a file or of one protocol in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Flows.
    pub flows: u64,
    /// Bytes.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
}

/// What nfdump has counted while it wrote the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// All flows.
    pub all: Totals,
    /// TCP.
    pub tcp: Totals,
    /// UDP.
    pub udp: Totals,
    /// ICMP of both versions.
    pub icmp: Totals,
    /// All other protocols.
    pub other: Totals,
    /// First packet: milliseconds since 1970.
    pub first_ms: u64,
    /// Last packet: milliseconds since 1970.
    pub last_ms: u64,
    /// Gaps in the exporters' sequence numbers.
    pub sequence_failures: u64,
}

impl Statistics {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (words, _) = bytes.as_chunks::<8>();
        let words = words.first_chunk::<18>()?.map(u64::from_le_bytes);
        let of =
            |i: usize| Totals { flows: words[3 + i], bytes: words[7 + i], packets: words[11 + i] };
        Some(Self {
            all: Totals { flows: words[0], bytes: words[1], packets: words[2] },
            tcp: of(0),
            udp: of(1),
            icmp: of(2),
            other: of(3),
            first_ms: words[15],
            last_ms: words[16],
            sequence_failures: words[17],
        })
    }
}

/// One record of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// A flow.
    Flow(Flow<'a>),
    /// The name of the source.
    Ident(&'a str),
    /// The totals of the file.
    Statistics(Statistics),
    /// Another type: exporters, samplers, names of interfaces.
    Other(u16),
}

/// A record whose length is impossible: the rest of its block cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenRecord {
    /// Where it begins in the block.
    pub offset: usize,
}

/// The records of an unpacked block, one after the other. Nothing follows a broken one.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    block: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    /// Of the bytes behind the block's header.
    pub const fn new(block: &'a [u8]) -> Self {
        Self { block, at: 0 }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, BrokenRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.block.get(self.at..).filter(|rest| !rest.is_empty())?;
        let offset = self.at;
        self.at = self.block.len();
        let Some(head) = rest.first_chunk::<4>() else { return Some(Err(BrokenRecord { offset })) };
        let (kind, len) = (u16_at(head, 0), usize::from(u16_at(head, 2)));
        let record = match rest.get(..len) {
            Some(record) if len >= 4 => record,
            _ => return Some(Err(BrokenRecord { offset })),
        };
        self.at = offset + len;
        Some(Ok(match kind {
            FLOW => Record::Flow(Flow { record }),
            IDENT => {
                let name = record[4..].split(|byte| *byte == 0).next().unwrap_or_default();
                Record::Ident(str::from_utf8(name).unwrap_or_default())
            }
            STATISTICS => {
                Statistics::parse(&record[4..]).map_or(Record::Other(kind), Record::Statistics)
            }
            _ => Record::Other(kind),
        }))
    }
}

/// A flow whose elements are read when they are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow<'a> {
    record: &'a [u8],
}

impl<'a> Flow<'a> {
    /// Numbers and contents of its elements; ends at one that does not fit.
    pub fn elements(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut rest = self.record.get(FLOW_HEADER_LEN..).unwrap_or_default();
        std::iter::from_fn(move || {
            let head = rest.first_chunk::<4>()?;
            let len = usize::from(u16_at(head, 2));
            let element = rest.get(4..len)?;
            let kind = u16_at(head, 0);
            rest = rest.get(len..)?;
            Some((kind, element))
        })
    }

    /// The flow as a record. What is sampled was multiplied by nfcapd. `stream_id` is nfdump's number of the exporter.
    pub fn wide(&self) -> WideRecord {
        let id = self.record.get(8..).and_then(<[u8]>::first_chunk);
        let stream_id = id.map_or(0, |id| u32::from(u16::from_le_bytes(*id)));
        let mut wide = WideRecord { stream_id, ..WideRecord::default() };
        for (kind, bytes) in self.elements() {
            match kind {
                GENERIC => generic(&mut wide, bytes),
                IPV4 => {
                    if let Some(b) = bytes.first_chunk::<8>() {
                        wide.source_ip = WideRecord::mapped(u32_at(b, 0));
                        wide.destination_ip = WideRecord::mapped(u32_at(b, 4));
                    }
                }
                IPV6 => {
                    if let Some(b) = bytes.first_chunk::<32>() {
                        wide.source_ip = address(u64_at(b, 0), u64_at(b, 8));
                        wide.destination_ip = address(u64_at(b, 16), u64_at(b, 24));
                        wide.flags |= RecordFlags::IPV6;
                    }
                }
                MISCELLANEOUS => {
                    if let Some(b) = bytes.first_chunk::<9>() {
                        wide.input_interface = interface(u32_at(b, 0));
                        wide.output_interface = interface(u32_at(b, 4));
                        wide.source_prefix = b[8];
                        wide.end_reason = bytes.get(13).copied().unwrap_or(0);
                    }
                }
                AS_ROUTING => {
                    if let Some(b) = bytes.first_chunk::<4>() {
                        wide.source_as = u32_at(b, 0);
                    }
                }
                _ => {}
            }
        }
        wide
    }
}

fn generic(wide: &mut WideRecord, bytes: &[u8]) {
    let Some(b) = bytes.first_chunk::<48>() else { return };
    wide.first = u64_at(b, 0).saturating_mul(1_000_000);
    wide.last = u64_at(b, 8).saturating_mul(1_000_000).max(wide.first);
    wide.packets = u64_at(b, 24);
    wide.bytes = u64_at(b, 32);
    wide.source_port = u16_at(b, 40);
    wide.destination_port = u16_at(b, 42);
    [wide.protocol, wide.tcp_flags, _, wide.tos] = [b[44], b[45], b[46], b[47]];
}

fn address(high: u64, low: u64) -> [u8; 16] {
    ((u128::from(high) << 64) | u128::from(low)).to_be_bytes()
}

/// SNMP indices of more than 16 bits have no place in a record: the highest number stands for them.
fn interface(index: u32) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

const fn u16_at<const N: usize>(b: &[u8; N], at: usize) -> u16 {
    u16::from_le_bytes([b[at], b[at + 1]])
}

const fn u32_at<const N: usize>(b: &[u8; N], at: usize) -> u32 {
    u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

const fn u64_at<const N: usize>(b: &[u8; N], at: usize) -> u64 {
    (u32_at(b, at) as u64) | ((u32_at(b, at + 4) as u64) << 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A flow as nfcapd 1.7.1 has written it: from 10.0.0.0:50000 to 10.0.1.0:443.
    #[rustfmt::skip]
    const FLOW_RECORD: [u8; 104] = [
        0x0b, 0, 0x68, 0, 4, 0, 0, 0, 1, 0, 0, 5,
        1, 0, 0x34, 0, 0xf0, 0xfa, 0xe4, 0xc4, 0x8c, 1, 0, 0, 0x18, 0x1e, 0xe5, 0xc4, 0x8c, 1, 0, 0,
        0x7d, 0x0a, 0x88, 0xff, 0xa1, 1, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0xf4, 1, 0, 0, 0, 0, 0, 0,
        0x50, 0xc3, 0xbb, 1, 6, 0x1b, 0, 0,
        2, 0, 12, 0, 0, 0, 0, 10, 0, 1, 0, 10,
        4, 0, 20, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        12, 0, 8, 0, 1, 0, 0, 127,
    ];

    #[test]
    fn a_flow_of_nfcapd() {
        let records: Vec<_> = Records::new(&FLOW_RECORD).collect();
        let [Ok(Record::Flow(flow))] = records[..] else { panic!("{records:?}") };
        let wide = WideRecord {
            first: 1_704_110_390_000_000_000,
            last: 1_704_110_399_000_000_000,
            packets: 5,
            bytes: 500,
            source_ip: WideRecord::mapped(0x0a00_0000),
            destination_ip: WideRecord::mapped(0x0a00_0100),
            source_port: 50_000,
            destination_port: 443,
            protocol: 6,
            tcp_flags: 0x1b,
            input_interface: 1,
            output_interface: 2,
            stream_id: 1,
            ..WideRecord::default()
        };
        assert_eq!(flow.wide(), wide);
        assert_eq!(flow.elements().map(|(kind, _)| kind).collect::<Vec<_>>(), [1, 2, 4, 12]);
    }

    #[test]
    fn headers_that_are_not_read_say_why() {
        let mut header = [0; FILE_HEADER_LEN];
        assert_eq!(FileHeader::parse(&header), Err(HeaderFault::Magic));
        header[..4].copy_from_slice(&[0xa5, 0x0c, 0, 2]);
        assert_eq!(FileHeader::parse(&header), Err(HeaderFault::ByteOrder));
        header[..4].copy_from_slice(&[0x0c, 0xa5, 1, 0]);
        assert_eq!(FileHeader::parse(&header), Err(HeaderFault::Layout(1)));
        header[2] = 2;
        header[17] = 1;
        assert_eq!(FileHeader::parse(&header), Err(HeaderFault::Encrypted));
        header[17] = 0;
        header[16] = 3;
        header[36] = 7;
        let read = FileHeader::parse(&header);
        assert_eq!(read.map(|h| (h.compression, h.blocks)), Ok((Compression::Lz4, 7)));
        assert!(FileHeader::is_nfdump(&header) && !FileHeader::is_nfdump(b"\xa5"));
    }

    #[test]
    fn nothing_follows_a_broken_record() {
        let block = [&FLOW_RECORD[..], &[9, 0, 3, 0], &FLOW_RECORD].concat();
        let records: Vec<_> = Records::new(&block).collect();
        assert_eq!(records.len(), 2);
        assert_eq!(records[1], Err(BrokenRecord { offset: 104 }));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_block_ends(
            mut block in prop::collection::vec(any::<u8>(), 0..300),
            sound in any::<bool>(),
        ) {
            if sound {
                block = [&FLOW_RECORD[..24], &block].concat();
            }
            let mut len = 0;
            for record in Records::new(&block) {
                len += 1;
                if let Ok(Record::Flow(flow)) = record {
                    let wide = flow.wide();
                    prop_assert!(wide.first <= wide.last);
                }
            }
            prop_assert!(len <= block.len() / 4 + 1);
        }
    }
}
