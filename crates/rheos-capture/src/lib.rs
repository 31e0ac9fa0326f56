//! Capture files in and out: pcap and pcapng, compressed or not, folders and standard input.
//!
//! ```
//! use std::sync::Arc;
//! use rheos_capture::{CaptureReader, PcapWriter, ReadOptions, Source, write::PcapOptions};
//! use rheos_core::{Frame, LinkType, Timestamp};
//!
//! let mut writer = PcapWriter::new(Vec::new(), "example", PcapOptions::default());
//! let (ts, link) = (Timestamp::from_secs(1), LinkType::ETHERNET);
//! writer.write(&Frame { ts, link, wire_len: 60, data: b"only the first bytes" })?;
//! let (file, _) = writer.finish()?;
//!
//! let mut reader = CaptureReader::from_memory(Arc::new(file), ReadOptions::default())?;
//! while let Some(batch) = reader.next_batch()? {
//!     for frame in batch.iter() {
//!         assert_eq!((frame.ts, frame.wire_len, frame.data.len()), (ts, 60, 20));
//!     }
//! }
//! assert!(reader.damage().is_empty());
//! assert_eq!(reader.info().files[0].truncated_frames, 1);
//! # Ok::<(), rheos_capture::Error>(())
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`reader`] | [`CaptureReader`]: any number of captures as one stream of [`rheos_core::FrameBatch`] |
//! | [`input`] | [`Input`]: files, folders, standard input, memory |
//! | [`info`] | [`CaptureInfo`]: what the files say of themselves, and counts |
//! | [`error`] | [`Error`], [`Damage`] |
//! | [`merge`] | [`MergedReader`]: several captures as one, by time |
//! | [`nfcapd`] | [`NfcapdReader`]: files of flows that nfcapd wrote |
//! | [`write`](mod@write) | [`CaptureWriter`], [`PcapWriter`], [`PcapngWriter`] |
//! | [`sniff`] | [`Content`]: telling a file by its first bytes |

mod ahead;
mod block;
mod digest;
pub mod error;
pub mod info;
pub mod input;
mod interfaces;
pub mod merge;
pub mod nfcapd;
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
pub use nfcapd::NfcapdReader;
pub use pcapng::FrameComment;
pub use reader::{CaptureReader, FileOrder, Progress, ReadOptions, Source};
pub use sniff::Content;
pub use write::{CaptureWriter, PcapWriter, PcapngWriter, WriteOptions, Written};
