//! Capture files in and out: pcap and pcapng, compressed or not, folders and standard input.
//!
//! | module | what |
//! |---|---|
//! | [`reader`] | [`CaptureReader`]: any number of captures as one stream of [`rheos_core::FrameBatch`] |
//! | [`input`] | [`Input`]: files, folders, standard input, memory |
//! | [`info`] | [`CaptureInfo`]: what the files say of themselves, and counts |
//! | [`error`] | [`Error`], [`Damage`] |
//! | [`merge`] | [`MergedReader`]: several captures as one, by time |
//! | [`write`](mod@write) | [`CaptureWriter`], [`PcapWriter`], [`PcapngWriter`] |
//! | [`sniff`] | [`Content`]: telling a file by its first bytes |

mod block;
pub mod error;
pub mod info;
pub mod input;
mod interfaces;
pub mod merge;
mod pcap;
mod pcapng;
pub mod reader;
pub mod sniff;
mod unpack;
pub mod write;

pub use error::{Damage, DamageKind, Error};
pub use info::{CaptureInfo, FileInfo, InterfaceInfo};
pub use input::Input;
pub use merge::MergedReader;
pub use pcapng::FrameComment;
pub use reader::{CaptureReader, FileOrder, Progress, ReadOptions, Source};
pub use sniff::Content;
pub use write::{CaptureWriter, PcapWriter, PcapngWriter, WriteOptions, Written};
