//! Where captures are written to: the flags that `slice`, `merge` and `gen packets` share.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use rheos_capture::info::{Compression, Format, SectionInfo};
use rheos_capture::{CaptureWriter, WriteOptions, Written};
use rheos_core::units::{Bytes, human};

use crate::failure::Misuse;
use crate::interrupt::Unfinished;
use crate::output::{Output, Tone};
use crate::summary;

/// Flags of a capture to write.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct CaptureOutArgs {
    /// Capture file to write; `-` is standard output. Its name tells format and compression:
    /// `.pcap`, `.pcapng`, and after it `.gz`, `.zst` or `.lz4`.
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    /// Format, if the name does not tell.
    #[arg(long, value_name = "FORMAT")]
    format: Option<FormatChoice>,
    /// Compression, if the name does not tell.
    #[arg(long, value_name = "KIND", hide_short_help = true)]
    compression: Option<CompressionChoice>,
    /// Keep at most this many bytes of each packet.
    #[arg(long, value_name = "BYTES", default_value = "262144", hide_short_help = true)]
    snap_len: Bytes,
    /// Write pcap times in microseconds, for readers that do not know nanoseconds.
    #[arg(long, hide_short_help = true)]
    micros: bool,
    /// Overwrite the file if it exists.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatChoice {
    Pcap,
    Pcapng,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CompressionChoice {
    Gzip,
    Zstd,
    Lz4,
}

impl CaptureOutArgs {
    /// Begins the file. `otherwise` is the format if neither flag nor name tells one. The guard is to be held while
    /// the writer lives.
    ///
    /// # Errors
    /// If packets would go to a terminal, or the file cannot be made.
    pub(crate) fn create(&self, otherwise: Format) -> Result<(CaptureWriter, Unfinished)> {
        if self.output == Path::new("-") && io::stdout().is_terminal() {
            return Err(Misuse::new(
                "packets are not written to a terminal",
                "name a file with `-o`, or pipe the output into another program",
            )
            .into());
        }
        let unfinished = Unfinished::new(&self.output);
        Ok((CaptureWriter::create(&self.output, &self.options(otherwise))?, unfinished))
    }

    fn options(&self, otherwise: Format) -> WriteOptions {
        let told = self.format.map(|format| match format {
            FormatChoice::Pcap => Format::Pcap,
            FormatChoice::Pcapng => Format::Pcapng,
        });
        WriteOptions {
            format: told.or_else(|| Format::of_name(&self.output)).or(Some(otherwise)),
            compression: self.compression.map(|kind| match kind {
                CompressionChoice::Gzip => Compression::Gzip,
                CompressionChoice::Zstd => Compression::Zstd,
                CompressionChoice::Lz4 => Compression::Lz4,
            }),
            force: self.force,
            snap_len: u32::try_from(self.snap_len.0).unwrap_or(u32::MAX).max(1),
            micros: self.micros,
            section: SectionInfo {
                application: Some(format!("rheos {}", env!("CARGO_PKG_VERSION"))),
                ..SectionInfo::default()
            },
            ..WriteOptions::default()
        }
    }
}

/// The summary's line of what was written, with the size on disk where there is one.
pub(crate) fn talk_of(written: &Written, output: &Output) {
    let on_disk = std::fs::metadata(&written.path).ok().filter(std::fs::Metadata::is_file);
    let size = on_disk.map_or(written.file_bytes, |file| file.len());
    let text = format!(
        "{}  {}  {}",
        summary::shown_output(&written.path),
        summary::plural(written.frames, "packet"),
        human::bytes(size)
    );
    summary::line(output, "wrote", Tone::Strong, &text);
}
