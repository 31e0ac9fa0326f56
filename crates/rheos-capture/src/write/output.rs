//! Files that appear only when they are whole, compressed on the way.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use lz4_flex::frame::FrameEncoder;

use crate::error::Error;
use crate::info::Compression;
use crate::write::WriteOptions;

/// Names that are tried for the unfinished file.
const TRIES: u32 = 100;

enum Raw {
    File(File),
    Stdout(io::Stdout),
}

impl Write for Raw {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(buf),
            Self::Stdout(stdout) => stdout.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(stdout) => stdout.flush(),
        }
    }
}

enum Packer {
    Plain(Raw),
    Gzip(Box<GzEncoder<Raw>>),
    Zstd(zstd::stream::write::Encoder<'static, Raw>),
    Lz4(Box<FrameEncoder<Raw>>),
}

/// A file in the making: its unfinished name, and the one it is to have.
struct Target {
    partial: PathBuf,
    path: PathBuf,
    force: bool,
    done: bool,
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.done {
            // Nothing can be done if even this fails.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

/// Where a capture is written to: a file or standard output, compressed or not.
pub struct Output {
    packer: Packer,
    path: PathBuf,
    target: Option<Target>,
}

impl Output {
    /// Begins a file; `-` is standard output.
    ///
    /// # Errors
    /// If the file exists and is not to be replaced, or cannot be made.
    pub(super) fn create(path: &Path, options: &WriteOptions) -> Result<Self, Error> {
        let (raw, target) = open(path, options.force)?;
        let compression = options.compression.or_else(|| Compression::of_name(path));
        let packer = match compression {
            None => Packer::Plain(raw),
            Some(Compression::Gzip) => {
                let level = options.level.map_or_else(flate2::Compression::default, |level| {
                    flate2::Compression::new(level.clamp(0, 9).cast_unsigned())
                });
                Packer::Gzip(Box::new(GzEncoder::new(raw, level)))
            }
            Some(Compression::Zstd) => {
                let level = options.level.unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL).clamp(1, 22);
                let mut encoder = zstd::stream::write::Encoder::new(raw, level)
                    .map_err(|e| Error::writing(path, e))?;
                encoder.include_checksum(true).map_err(|e| Error::writing(path, e))?;
                Packer::Zstd(encoder)
            }
            Some(Compression::Lz4) => {
                let mut frame = lz4_flex::frame::FrameInfo::new();
                frame.content_checksum = true;
                Packer::Lz4(Box::new(FrameEncoder::with_frame_info(frame, raw)))
            }
        };
        Ok(Self { packer, path: path.into(), target })
    }

    /// Writes what is left in the compressor and gives the file its name.
    ///
    /// # Errors
    /// If the system fails, or another file took the name meanwhile.
    pub(super) fn finish(self) -> Result<(), Error> {
        let Self { packer, path, target } = self;
        let failed = |e| Error::writing(&path, e);
        let mut raw = match packer {
            Packer::Plain(raw) => raw,
            Packer::Gzip(encoder) => encoder.finish().map_err(failed)?,
            Packer::Zstd(encoder) => encoder.finish().map_err(failed)?,
            Packer::Lz4(encoder) => encoder.finish().map_err(|e| failed(io::Error::other(e)))?,
        };
        raw.flush().map_err(failed)?;
        drop(raw);
        let Some(mut target) = target else { return Ok(()) };
        if !target.force && fs::symlink_metadata(&target.path).is_ok() {
            return Err(Error::Exists { path: target.path.clone() });
        }
        fs::rename(&target.partial, &target.path).map_err(failed)?;
        target.done = true;
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.packer {
            Packer::Plain(raw) => raw.write(buf),
            Packer::Gzip(encoder) => encoder.write(buf),
            Packer::Zstd(encoder) => encoder.write(buf),
            Packer::Lz4(encoder) => encoder.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.packer {
            Packer::Plain(raw) => raw.flush(),
            Packer::Gzip(encoder) => encoder.flush(),
            Packer::Zstd(encoder) => encoder.flush(),
            Packer::Lz4(encoder) => encoder.flush(),
        }
    }
}

fn open(path: &Path, force: bool) -> Result<(Raw, Option<Target>), Error> {
    if path == Path::new("-") {
        return Ok((Raw::Stdout(io::stdout()), None));
    }
    let mut path = path.to_path_buf();
    match fs::metadata(&path) {
        Ok(meta) if meta.is_dir() => {
            return Err(Error::writing(&path, io::ErrorKind::IsADirectory.into()));
        }
        Ok(meta) if meta.is_file() => {
            if !force {
                return Err(Error::Exists { path });
            }
            // The file behind a link is replaced, not the link.
            path = fs::canonicalize(&path).map_err(|e| Error::writing(&path, e))?;
        }
        // Pipes and devices are written as they are.
        Ok(_) => {
            let file = OpenOptions::new().write(true).open(&path);
            return Ok((Raw::File(file.map_err(|e| Error::writing(&path, e))?), None));
        }
        Err(_) => {}
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for number in 0..TRIES {
        let partial = path.with_file_name(format!(".{name}.{}-{number}.part", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&partial) {
            Ok(file) => {
                let target = Target { partial, path, force, done: false };
                return Ok((Raw::File(file), Some(target)));
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(Error::writing(&path, e)),
        }
    }
    Err(Error::writing(&path, io::ErrorKind::AlreadyExists.into()))
}
