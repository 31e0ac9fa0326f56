//! What captures say of themselves, and what was counted while reading them.

use std::fmt;
use std::path::PathBuf;

use rheos_core::{FrameMeta, LinkType, Timestamp};

use crate::error::{Damage, Error};

/// A capture file format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// The format of libpcap (draft-ietf-opsawg-pcap), any of its known magic numbers.
    #[default]
    Pcap,
    /// Blocks with options (draft-ietf-opsawg-pcapng).
    Pcapng,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pcap => "pcap",
            Self::Pcapng => "pcapng",
        })
    }
}

/// A compression of a whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// gzip (RFC 1952), one or several members.
    Gzip,
    /// Zstandard (RFC 8878), one or several frames.
    Zstd,
    /// LZ4 frame format, one or several frames.
    Lz4,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        })
    }
}

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// The least significant one.
    #[default]
    Little,
    /// The most significant one.
    Big,
}

impl fmt::Display for ByteOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Little => "little endian",
            Self::Big => "big endian",
        })
    }
}

impl ByteOrder {
    #[inline]
    pub(crate) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(crate) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(crate) fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Self::Little => u64::from_le_bytes(bytes),
            Self::Big => u64::from_be_bytes(bytes),
        }
    }
}

/// The first `N` numbers of four bytes each.
#[inline]
pub(crate) fn words<const N: usize>(bytes: &[u8]) -> Option<[[u8; 4]; N]> {
    bytes.as_chunks().0.first_chunk().copied()
}

impl ByteOrder {
    #[inline]
    pub(crate) fn put_u16(self, n: u16) -> [u8; 2] {
        match self {
            Self::Little => n.to_le_bytes(),
            Self::Big => n.to_be_bytes(),
        }
    }

    #[inline]
    pub(crate) fn put_u32(self, n: u32) -> [u8; 4] {
        match self {
            Self::Little => n.to_le_bytes(),
            Self::Big => n.to_be_bytes(),
        }
    }

    pub(crate) fn put_u64(self, n: u64) -> [u8; 8] {
        match self {
            Self::Little => n.to_le_bytes(),
            Self::Big => n.to_be_bytes(),
        }
    }
}

/// What one count of a capture's time stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// 10 to the power of minus this, in seconds: 6 is microseconds.
    Decimal(u8),
    /// 2 to the power of minus this, in seconds.
    Binary(u8),
}

impl Default for Resolution {
    fn default() -> Self {
        Self::Decimal(6)
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decimal(0) | Self::Binary(0) => f.write_str("1 s"),
            Self::Decimal(3) => f.write_str("1 ms"),
            Self::Decimal(6) => f.write_str("1 us"),
            Self::Decimal(9) => f.write_str("1 ns"),
            Self::Decimal(n) => write!(f, "1e-{n} s"),
            Self::Binary(n) => write!(f, "2^-{n} s"),
        }
    }
}

/// All that is known of the inputs, growing while they are read.
#[derive(Clone, Debug, Default)]
pub struct CaptureInfo {
    /// The capture files in the order of reading.
    pub files: Vec<FileInfo>,
    /// Files of folders that are no captures; at most [`Self::SKIPPED_KEPT`] of them.
    pub skipped: Vec<Skipped>,
    /// How many files of folders were skipped altogether.
    pub skipped_total: u64,
    /// Where files were damaged.
    pub damage: Vec<Damage>,
}

impl CaptureInfo {
    /// How many skipped files are kept with their reason.
    pub const SKIPPED_KEPT: usize = 1000;

    /// Frames read so far, over all files.
    pub fn frames(&self) -> u64 {
        self.files.iter().map(|f| f.frames).sum()
    }
}

/// A file of a folder that was left out.
#[derive(Debug)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// Why it was left out.
    pub why: Error,
}

impl Clone for Skipped {
    fn clone(&self) -> Self {
        // An I/O error cannot be cloned: its text can.
        let why = match &self.why {
            Error::Empty { path } => Error::Empty { path: path.clone() },
            Error::NotACapture { path, content } => {
                Error::NotACapture { path: path.clone(), content: *content }
            }
            Error::PermissionDenied { path } => Error::PermissionDenied { path: path.clone() },
            other => Error::Read {
                path: self.path.clone(),
                source: std::io::Error::other(other.to_string()),
            },
        };
        Self { path: self.path.clone(), why }
    }
}

/// How far a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileState {
    /// Not begun.
    #[default]
    Waiting,
    /// Begun.
    Reading,
    /// Read to its end.
    Done,
    /// Read up to a damaged place.
    Damaged,
    /// Not readable at all.
    Failed,
}

/// One capture file.
#[derive(Clone, Debug, Default)]
pub struct FileInfo {
    /// Where it is; `-` is standard input.
    pub path: PathBuf,
    /// How far reading is.
    pub state: FileState,
    /// Bytes on disk, if it is a regular file.
    pub size: Option<u64>,
    /// Bytes of the capture after decompression that were read.
    pub uncompressed_bytes: u64,
    /// Compressions around the capture, the outermost first.
    pub compression: Vec<Compression>,
    /// The format.
    pub format: Format,
    /// Version of the format: of the file header or of the first section.
    pub version: (u16, u16),
    /// Byte order of the file header or of the first section.
    pub byte_order: ByteOrder,
    /// Sections of a pcapng file; at most [`Self::SECTIONS_KEPT`] of them are kept.
    pub sections: Vec<SectionInfo>,
    /// How many sections there were.
    pub sections_total: u64,
    /// The interfaces over all sections, in the order of [`FrameMeta::interface`]. A pcap file has
    /// exactly one.
    pub interfaces: Vec<InterfaceInfo>,
    /// Comments; at most [`crate::ReadOptions::max_comments`] of them.
    pub comments: Vec<Comment>,
    /// How many comments there were.
    pub comments_total: u64,
    /// Blocks of pcapng that hold no packets, counted.
    pub blocks: BlockCounts,
    /// Frames.
    pub frames: u64,
    /// Their captured bytes.
    pub captured_bytes: u64,
    /// Their bytes on the wire.
    pub wire_bytes: u64,
    /// Earliest time of a frame.
    pub earliest: Option<Timestamp>,
    /// Latest time of a frame.
    pub latest: Option<Timestamp>,
    /// Frames of which not all bytes were captured.
    pub truncated_frames: u64,
    /// Frames that are earlier than the frame before them.
    pub backward_frames: u64,
    /// Captured bytes of the longest frame.
    pub longest_frame: u32,
    /// Frames without a time of their own (pcapng simple packet blocks): they have the time of the
    /// frame before them.
    pub timeless_frames: u64,
    /// Packets lost between the frames, as packet blocks tell (`epb_dropcount`, `drops`).
    pub dropped_between: u64,
    /// Names and comments that were cut or left out because of the limits on text.
    pub text_cut: u64,
    /// SHA-256 of the file as it lies on disk, if [`crate::ReadOptions::sha256`] asks for it and it was read to its
    /// end; none for captures in memory.
    pub sha256: Option<[u8; 32]>,
    /// Time of the last frame.
    pub(crate) last_ts: Timestamp,
}

impl FileInfo {
    /// How many sections are kept.
    pub const SECTIONS_KEPT: usize = 1000;

    /// The largest snap length of the interfaces; 0 means none was stated.
    pub fn snap_len(&self) -> u32 {
        self.interfaces.iter().map(|i| i.snap_len).max().unwrap_or(0)
    }

    /// Packets that the capturing system says it lost at its interfaces (`isb_ifdrop`).
    pub fn interface_drops(&self) -> u64 {
        self.interfaces.iter().filter_map(|i| i.dropped_by_interface).sum()
    }

    /// Packets that the capturing system says its kernel lost (`isb_osdrop`).
    pub fn system_drops(&self) -> u64 {
        self.interfaces.iter().filter_map(|i| i.dropped_by_system).sum()
    }

    /// Counts the frames of one batch.
    pub(crate) fn count(&mut self, frames: &[FrameMeta]) {
        let [first, ..] = frames else { return };
        let mut earliest = self.earliest.unwrap_or(first.ts).min(first.ts);
        let mut latest = self.latest.unwrap_or(first.ts);
        let mut last = if self.frames == 0 { first.ts } else { self.last_ts };
        let (mut captured, mut wire, mut truncated, mut backward) = (0u64, 0u64, 0u64, 0u64);
        let mut longest = self.longest_frame;
        for frame in frames {
            captured += u64::from(frame.cap_len);
            wire += u64::from(frame.wire_len);
            truncated += u64::from(frame.cap_len < frame.wire_len);
            longest = longest.max(frame.cap_len);
            // Times rise but for a few steps back: only there is a time the latest, or a new earliest one.
            if frame.ts < last {
                backward += 1;
                latest = latest.max(last);
                earliest = earliest.min(frame.ts);
            }
            last = frame.ts;
        }
        latest = latest.max(last);
        self.frames += frames.len() as u64;
        self.captured_bytes += captured;
        self.wire_bytes += wire;
        self.truncated_frames += truncated;
        self.backward_frames += backward;
        self.longest_frame = longest;
        self.earliest = Some(earliest);
        self.latest = Some(latest);
        self.last_ts = last;
        if let [only] = self.interfaces.as_mut_slice() {
            only.frames += frames.len() as u64;
        } else {
            for frame in frames {
                if let Some(interface) = self.interfaces.get_mut(usize::from(frame.interface)) {
                    interface.frames += 1;
                }
            }
        }
    }
}

/// One section of a pcapng file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SectionInfo {
    /// Its byte order.
    pub byte_order: ByteOrder,
    /// The machine that captured (`shb_hardware`).
    pub hardware: Option<String>,
    /// Its operating system (`shb_os`).
    pub os: Option<String>,
    /// The program that wrote the section (`shb_userappl`).
    pub application: Option<String>,
    /// Its first interface in [`FileInfo::interfaces`].
    pub first_interface: usize,
}

/// One interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceInfo {
    /// Number of its section.
    pub section: u64,
    /// Link type of its frames.
    pub link: LinkType,
    /// Longest captured length; 0 means no limit.
    pub snap_len: u32,
    /// What one count of its time stands for.
    pub resolution: Resolution,
    /// Seconds to add to its times (`if_tsoffset`).
    pub offset_secs: i64,
    /// Bytes of frame check sequence at the end of its frames, if stated.
    pub fcs_len: Option<u8>,
    /// Name (`if_name`).
    pub name: Option<String>,
    /// Description (`if_description`).
    pub description: Option<String>,
    /// Capture filter (`if_filter`), if it is text.
    pub filter: Option<String>,
    /// Operating system of the machine with this interface (`if_os`).
    pub os: Option<String>,
    /// Hardware of the interface (`if_hardware`).
    pub hardware: Option<String>,
    /// Bits per second (`if_speed`).
    pub speed: Option<u64>,
    /// Frames read from it.
    pub frames: u64,
    /// Packets received, by the last statistics block (`isb_ifrecv`).
    pub received: Option<u64>,
    /// Packets lost at the interface, by the last statistics block (`isb_ifdrop`).
    pub dropped_by_interface: Option<u64>,
    /// Packets that the filter let through (`isb_filteraccept`).
    pub accepted: Option<u64>,
    /// Packets lost in the system, by the last statistics block (`isb_osdrop`).
    pub dropped_by_system: Option<u64>,
    /// Packets delivered to the user (`isb_usrdeliv`).
    pub delivered: Option<u64>,
}

/// A comment and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// What it is about.
    pub about: About,
    /// Its text; bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// What a comment is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A section, by its number in the file.
    Section(u64),
    /// An interface, by its number in [`FileInfo::interfaces`].
    Interface(u16),
    /// The statistics of an interface, by its number in [`FileInfo::interfaces`].
    Statistics(u16),
    /// A frame, by its number in this file, counted from 0.
    Frame(u64),
    /// Another block.
    Block,
}

/// Blocks of a pcapng file that hold no packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockCounts {
    /// Name resolution blocks.
    pub name_resolution: u64,
    /// Interface statistics blocks.
    pub statistics: u64,
    /// Decryption secrets blocks; the secrets are not kept.
    pub secrets: u64,
    /// Custom blocks.
    pub custom: u64,
    /// Blocks of any other type.
    pub other: u64,
}
