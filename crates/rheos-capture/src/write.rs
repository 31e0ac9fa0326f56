//! Writing captures: to a file that appears only when it is whole, or to standard output.

mod output;
mod pcap;
mod pcapng;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rheos_core::{Frame, FrameBatch, LinkType};

use crate::error::Error;
use crate::info::{Compression, Format, InterfaceInfo, SectionInfo};
use crate::interfaces::InterfaceTable;
use crate::reader::Source;
pub use output::Output;
pub use pcap::{PcapOptions, PcapWriter};
pub use pcapng::{PcapngOptions, PcapngWriter};

/// Bytes that are gathered before they are written.
const WRITE_BYTES: usize = 256 << 10;

/// How a capture is written.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// The format; if none, as the name ends ([`Format::of_name`]), else pcap.
    pub format: Option<Format>,
    /// The compression; if none, as the name ends ([`Compression::of_name`]), else none.
    pub compression: Option<Compression>,
    /// Compression level of gzip (0 to 9) and zstd (1 to 22); if none, theirs. LZ4 has one only.
    pub level: Option<i32>,
    /// Whether a file that exists is replaced.
    pub force: bool,
    /// Bytes of a frame that are kept at most.
    pub snap_len: u32,
    /// Microseconds instead of nanoseconds in pcap files, for readers that know no others.
    pub micros: bool,
    /// Link type of a pcap file; if none, that of the first frame, Ethernet if there is no frame.
    pub link: Option<LinkType>,
    /// What a pcapng file says of its section.
    pub section: SectionInfo,
    /// Comments on the section of a pcapng file.
    pub comments: Vec<String>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            format: None,
            compression: None,
            level: None,
            force: false,
            snap_len: 262_144,
            micros: false,
            link: None,
            section: SectionInfo::default(),
            comments: Vec::new(),
        }
    }
}

impl Compression {
    /// The compression that a file name stands for: `.gz`, `.zst`, `.lz4`.
    pub fn of_name(path: &Path) -> Option<Self> {
        match lower_extension(path)?.as_str() {
            "gz" | "gzip" => Some(Self::Gzip),
            "zst" | "zstd" => Some(Self::Zstd),
            "lz4" => Some(Self::Lz4),
            _ => None,
        }
    }
}

impl Format {
    /// The format that a file name stands for, before the ending of a compression: `.pcapng` and
    /// `.ntar`, or `.pcap`, `.cap` and `.dmp`.
    pub fn of_name(path: &Path) -> Option<Self> {
        let stem = match Compression::of_name(path) {
            Some(_) => Path::new(path.file_stem()?),
            None => path,
        };
        match lower_extension(stem)?.as_str() {
            "pcapng" | "ntar" => Some(Self::Pcapng),
            "pcap" | "cap" | "dmp" => Some(Self::Pcap),
            _ => None,
        }
    }
}

fn lower_extension(path: &Path) -> Option<String> {
    path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase)
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Where; `-` is standard output.
    pub path: PathBuf,
    /// Frames.
    pub frames: u64,
    /// Their captured bytes, after the snap length.
    pub captured_bytes: u64,
    /// Bytes of the file before compression.
    pub file_bytes: u64,
}

enum Inner {
    Pcap(PcapWriter<Output>),
    Pcapng(PcapngWriter<Output>),
}

/// Writes a capture file of either format, compressed or not.
///
/// The file appears under its name when [`Self::finish`] has written it whole; a writer that is
/// dropped before leaves nothing behind.
pub struct CaptureWriter {
    inner: Inner,
    interfaces: InterfaceTable,
}

impl CaptureWriter {
    /// Begins a capture file; `-` is standard output.
    ///
    /// # Errors
    /// If the file exists and is not to be replaced, or cannot be made.
    pub fn create(path: impl AsRef<Path>, options: &WriteOptions) -> Result<Self, Error> {
        let path = path.as_ref();
        let output = Output::create(path, options)?;
        let format = options.format.or_else(|| Format::of_name(path)).unwrap_or(Format::Pcap);
        let inner = match format {
            Format::Pcap => {
                let pcap = PcapOptions {
                    link: options.link,
                    micros: options.micros,
                    snap_len: options.snap_len,
                    ..PcapOptions::default()
                };
                Inner::Pcap(PcapWriter::new(output, path, pcap))
            }
            Format::Pcapng => {
                let pcapng = PcapngOptions {
                    snap_len: options.snap_len,
                    section: options.section.clone(),
                    comments: options.comments.clone(),
                };
                Inner::Pcapng(PcapngWriter::new(output, path, &pcapng))
            }
        };
        Ok(Self { inner, interfaces: InterfaceTable::default() })
    }

    /// The format that is being written.
    pub fn format(&self) -> Format {
        match self.inner {
            Inner::Pcap(_) => Format::Pcap,
            Inner::Pcapng(_) => Format::Pcapng,
        }
    }

    /// Writes a frame; pcapng gets one interface per link type.
    ///
    /// # Errors
    /// If the file cannot hold the frame (a second link type or a time after 2106 in pcap), or the
    /// system fails.
    pub fn write(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        self.write_commented(frame, [])
    }

    /// As [`Self::write`], with comments on the frame, which pcap has no place for.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_commented<'a>(
        &mut self,
        frame: &Frame<'_>,
        comments: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Error> {
        let interface = InterfaceInfo { link: frame.link, ..InterfaceInfo::default() };
        self.write_from(frame, (usize::MAX, frame.link.0), &interface, comments)
    }

    /// Writes a frame with its interface, known by the source it is from and its number there, and
    /// comments on the frame.
    ///
    /// Interfaces of several sources that are described alike become one. pcap keeps neither
    /// interfaces nor comments.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_from<'a>(
        &mut self,
        frame: &Frame<'_>,
        from: (usize, u16),
        interface: &InterfaceInfo,
        comments: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Error> {
        match &mut self.inner {
            Inner::Pcap(pcap) => pcap.write(frame),
            Inner::Pcapng(pcapng) => {
                let number = self.interfaces.number(from, interface)?;
                if usize::from(number) >= pcapng.interfaces() {
                    pcapng.add_interface(interface)?;
                }
                pcapng.write(frame, number, comments)
            }
        }
    }

    /// Writes those frames of a source's last batch that `keep` says yes to, by their place in it,
    /// with their interfaces and comments.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_batch(
        &mut self,
        batch: &FrameBatch,
        source: &(impl Source + ?Sized),
        mut keep: impl FnMut(usize, &Frame<'_>) -> bool,
    ) -> Result<(), Error> {
        let mut comments = source.batch_comments();
        for (place, (frame, meta)) in batch.iter().zip(&batch.frames).enumerate() {
            let of_frame = comments.iter().take_while(|c| c.frame == place).count();
            let (mine, rest) = comments.split_at(of_frame);
            comments = rest;
            if !keep(place, &frame) {
                continue;
            }
            let texts = mine.iter().map(|c| c.text.as_str());
            match source.batch_interfaces().get(usize::from(meta.interface)) {
                Some(interface) => {
                    let from = (source.batch_source(), meta.interface);
                    self.write_from(&frame, from, interface, texts)?;
                }
                None => self.write_commented(&frame, texts)?,
            }
        }
        Ok(())
    }

    /// Tells what an interface counted, for the end of a pcapng file; pcap has no place for it.
    ///
    /// `from` is as in [`Self::write_from`]; nothing is told of an interface without frames.
    pub fn statistics(&mut self, from: (usize, u16), interface: &InterfaceInfo) {
        if let (Inner::Pcapng(pcapng), Some(number)) =
            (&mut self.inner, self.interfaces.known(from))
        {
            pcapng.add_statistics(number, interface);
        }
    }

    /// Writes what is left and gives the file its name.
    ///
    /// # Errors
    /// If the system fails, or another file took the name meanwhile.
    pub fn finish(self) -> Result<Written, Error> {
        let (output, written) = match self.inner {
            Inner::Pcap(pcap) => pcap.finish()?,
            Inner::Pcapng(pcapng) => pcapng.finish()?,
        };
        output.finish()?;
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_format_and_compression() {
        for (name, format, compression) in [
            ("a.pcap", Some(Format::Pcap), None),
            ("a.CAP.GZ", Some(Format::Pcap), Some(Compression::Gzip)),
            ("b/a.pcapng.zst", Some(Format::Pcapng), Some(Compression::Zstd)),
            ("a.pcapng.lz4", Some(Format::Pcapng), Some(Compression::Lz4)),
            ("a.gz", None, Some(Compression::Gzip)),
            ("pcap", None, None),
            ("-", None, None),
        ] {
            let path = Path::new(name);
            assert_eq!((Format::of_name(path), Compression::of_name(path)), (format, compression));
        }
    }
}
