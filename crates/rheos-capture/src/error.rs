//! What can go wrong with capture files, said with the file's name and the next step.
//!
//! Two kinds are kept apart: an [`Error`] means that a file cannot be read or written at all;
//! [`Damage`] means that a file breaks off or contradicts itself somewhere, after which every frame
//! before that place has been handed out and the next file goes on.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rheos_core::LinkType;
use rheos_wire::nfdump::{Compression, HeaderFault};

use crate::info::Format;
use crate::sniff::Content;

/// Why captures cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The list of inputs is empty.
    #[error("no capture to read")]
    NoInput,
    /// Standard input is named more than once.
    #[error("standard input is named more than once")]
    StdinTwice,
    /// Nothing has this name.
    #[error("no file named `{}`", path.display())]
    NotFound {
        /// The name as given.
        path: PathBuf,
        /// A file of the same folder with nearly this name.
        near: Option<PathBuf>,
    },
    /// The system forbids reading it.
    #[error("not permitted to read {}", shown(path))]
    PermissionDenied {
        /// The file or folder.
        path: PathBuf,
    },
    /// The system cannot read it for another reason.
    #[error("cannot read {}", shown(path))]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is not a single byte in it.
    #[error("{} is empty", shown(path))]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Its first bytes are those of something else.
    #[error("{} is not a capture: it seems to be {content}", shown(path))]
    NotACapture {
        /// The file.
        path: PathBuf,
        /// What its first bytes tell.
        content: Content,
    },
    /// A capture format in a version that is not defined.
    #[error("{} is {format} version {major}.{minor}, which is not known", shown(path))]
    UnknownVersion {
        /// The file.
        path: PathBuf,
        /// The format.
        format: Format,
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// The file is compressed, and so is what is in it, and so is what is in that.
    #[error("{} is compressed more than twice", shown(path))]
    CompressedTooOften {
        /// The file.
        path: PathBuf,
    },
    /// A folder in which no file is a capture.
    #[error("no capture in the folder `{}`", path.display())]
    NoCaptures {
        /// The folder.
        path: PathBuf,
        /// Files in it that were looked at.
        files: usize,
        /// Folders in it that were not entered.
        folders: usize,
    },
    /// What can be read only once cannot be put in order by its first packet.
    #[error("{} cannot be ordered by its first packet: it can be read only once", shown(path))]
    Order {
        /// The pipe; `-` is standard input.
        path: PathBuf,
    },
    /// An option has no sense.
    #[error("`{option}` must be at least {least}")]
    Option {
        /// Name of the option.
        option: &'static str,
        /// Its least value.
        least: usize,
    },
    /// The file to write is already there.
    #[error("`{}` exists", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The system cannot write it.
    #[error("cannot write {}", shown_out(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A pcap file holds one link type only.
    #[error("a pcap file holds one link type: it has {held}, this frame has {found}", held = held.0, found = found.0)]
    LinkTypes {
        /// The link type of the file.
        held: LinkType,
        /// The link type of the frame.
        found: LinkType,
    },
    /// A pcap file cannot tell this time.
    #[error("a pcap file cannot hold the time {seconds} s, only up to 4294967295 s")]
    TimeRange {
        /// Seconds since the epoch.
        seconds: u64,
    },
    /// A frame longer than its file format can hold.
    #[error("a frame of {len} bytes is longer than a capture file can hold")]
    FrameTooLong {
        /// Its captured bytes.
        len: usize,
    },
    /// More interfaces than a capture can number here.
    #[error("more than {limit} interfaces")]
    TooManyInterfaces {
        /// The limit.
        limit: usize,
    },
    /// A frame of an interface that was not announced.
    #[error("no interface number {interface} was added to this file: it has {known}")]
    UnknownInterface {
        /// The number asked for.
        interface: u16,
        /// How many there are.
        known: usize,
    },
    /// A file that is none of nfdump's, or one that is not read.
    #[error("{} is not read as a file of nfdump: {}", shown(path), told(*fault))]
    NotNfcapd {
        /// The file.
        path: PathBuf,
        /// What is wrong with its header.
        fault: HeaderFault,
    },
    /// A file of nfdump in a compression that is not read.
    #[error("{} is compressed with {}, which is not read", shown(path), compression.name())]
    NfcapdCompression {
        /// The file.
        path: PathBuf,
        /// How it is compressed.
        compression: Compression,
    },
    /// A file of nfdump with a broken block; those before it were read.
    #[error("{} is damaged in the block at byte {offset}", shown(path))]
    NfcapdDamaged {
        /// The file.
        path: PathBuf,
        /// Where the block begins.
        offset: u64,
    },
}

fn told(fault: HeaderFault) -> String {
    match fault {
        HeaderFault::Magic => "it begins with other bytes".into(),
        HeaderFault::ByteOrder => "it is from a machine of the other byte order".into(),
        HeaderFault::Layout(layout) => format!("it has layout version {layout}"),
        HeaderFault::Encrypted => "it is encrypted".into(),
    }
}

impl Error {
    /// The next step for a person, without the word `hint:`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoInput => Some("name a capture file, a folder of them, or `-`".into()),
            Self::NotFound { near: Some(near), .. } => {
                Some(format!("did you mean `{}`?", near.display()))
            }
            Self::NotFound { path, near: None } => Some(match path.parent() {
                Some(folder) if folder.as_os_str().is_empty() => {
                    "look with `ls`, or give the whole path".into()
                }
                Some(folder) if !folder.exists() => {
                    format!("there is no folder `{}` either", folder.display())
                }
                _ => "look with `ls`, or give the whole path".into(),
            }),
            Self::PermissionDenied { path } => {
                Some(format!("`ls -l {}` shows who may read it", path.display()))
            }
            Self::Empty { .. } => Some(
                "a capture without packets still has a header: did its writer stop early?".into(),
            ),
            Self::NotACapture { path, content } => content.hint(path),
            Self::UnknownVersion { .. } => {
                Some("pcap is at version 2.4, pcapng at 1.0: the file may be damaged".into())
            }
            Self::CompressedTooOften { path } => {
                Some(format!("unpack `{}` once and read what comes out", path.display()))
            }
            Self::NoCaptures { folders: 1.., .. } => {
                Some("its folders were not entered: `--recursive` does".into())
            }
            Self::NoCaptures { files: 1.., .. } => {
                Some("its files are neither pcap nor pcapng, plain or compressed".into())
            }
            Self::Order { .. } => {
                Some("write it to a file first, or leave the order as given".into())
            }
            Self::Exists { .. } => {
                Some("`--force` overwrites it, or choose another name with `-o`".into())
            }
            Self::LinkTypes { .. } => Some("write pcapng, which holds several".into()),
            Self::NotNfcapd { path, fault: HeaderFault::Layout(_) | HeaderFault::ByteOrder } => {
                Some(format!("`nfdump -r {0} -w {0}.new` writes it anew", path.display()))
            }
            Self::NfcapdCompression { path, .. } => Some(format!(
                "`nfdump -y -r {0} -w {0}.lz4` writes it with LZ4, which is read",
                path.display()
            )),
            Self::TimeRange { .. } => Some("write pcapng, which holds later times".into()),
            _ => None,
        }
    }

    /// Sorts what the system said about `path` into the variants.
    #[cold]
    pub(crate) fn reading(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => {
                Self::NotFound { path: path.into(), near: crate::input::nearest_name(path) }
            }
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { path: path.into() },
            _ => Self::Read { path: path.into(), source },
        }
    }

    #[cold]
    pub(crate) fn writing(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.into(), source }
    }
}

/// A place where a capture breaks off or contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Its place in [`crate::CaptureInfo::files`].
    pub file: usize,
    /// Where the first record or block begins that could not be read, in bytes from the start of
    /// the capture (after decompression).
    pub offset: u64,
    /// Whether the file is compressed, so that `offset` is not one of the file on disk.
    pub compressed: bool,
    /// Frames of this file that were read before it.
    pub frames: u64,
    /// What is wrong there.
    pub kind: DamageKind,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = if self.compressed { " of the uncompressed capture" } else { "" };
        let frames = self.frames;
        let (s, were) = (plural(frames), if frames == 1 { "was" } else { "were" });
        write!(f, "{} is damaged at byte {}{of}: ", shown(&self.path), self.offset)?;
        write!(f, "{}; {frames} packet{s} before it {were} read", self.kind)
    }
}

/// What is wrong at a damaged place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DamageKind {
    /// The file ends before the record does.
    #[error("the file ends inside {part}, {missing} byte{} short", plural(*missing))]
    Truncated {
        /// What was being read.
        part: &'static str,
        /// Bytes between the end of the file and the end of that part (or of what is known of it).
        missing: u64,
    },
    /// A length beyond every sense.
    #[error("{part} of {len} bytes is longer than the limit of {limit}")]
    TooLong {
        /// What has this length.
        part: &'static str,
        /// The length.
        len: u64,
        /// The limit, see [`crate::ReadOptions`].
        limit: u64,
    },
    /// A length that cannot hold what it must hold.
    #[error("a block of type {block:#010x} has the impossible length {len}")]
    BlockLength {
        /// Block type.
        block: u32,
        /// Its total length.
        len: u32,
    },
    /// The length at the end of a block is not the one at its begin.
    #[error("a block of type {block:#010x} has length {first} at its begin and {last} at its end")]
    BlockLengths {
        /// Block type.
        block: u32,
        /// Length at the begin.
        first: u32,
        /// Length at the end.
        last: u32,
    },
    /// A packet that is longer than the block that holds it.
    #[error("a packet of {len} bytes in a block with room for {room}")]
    PacketRoom {
        /// Its captured length.
        len: u32,
        /// What fits.
        room: u32,
    },
    /// A section whose byte-order magic is none.
    #[error("a section header with byte-order magic {magic:#010x}")]
    ByteOrder {
        /// The four bytes, read as little endian.
        magic: u32,
    },
    /// A section in a version that is not defined.
    #[error("a section of version {major}.{minor}")]
    SectionVersion {
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// A packet of an interface that the section does not describe.
    #[error("a packet of interface {interface}, but the section describes {known}")]
    Interface {
        /// The number in the packet block.
        interface: u32,
        /// Interfaces that the section described so far.
        known: u32,
    },
    /// More interfaces than frames can name.
    #[error("more than {limit} interfaces")]
    Interfaces {
        /// The limit.
        limit: usize,
    },
    /// The compressed data is broken, or the system failed while reading.
    #[error("{what}")]
    Stream {
        /// What the decompressor or the system said.
        what: String,
    },
}

/// The ending of a counted noun.
fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// A path as messages show it: `-` is standard input.
pub(crate) fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { format!("`{}`", path.display()) }
}

/// A path as messages show it: `-` is standard output.
fn shown_out(path: &Path) -> String {
    if path == Path::new("-") { "standard output".into() } else { format!("`{}`", path.display()) }
}
