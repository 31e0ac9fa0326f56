//! Bytes into a file or standard output, compressed as a whole.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use flate2::write::GzEncoder;

use crate::output::{Output, Progress};
use crate::{Compression, Error, Target};

/// Bytes on their way through a compressor.
pub(crate) enum Stream {
    Plain(Output),
    Gzip(Box<GzEncoder<Output>>),
    Zstd(Box<zstd::Encoder<'static, Output>>),
}

impl Stream {
    pub(crate) fn new(
        output: Output,
        compression: Compression,
        level: Option<i32>,
    ) -> io::Result<Self> {
        Ok(match compression {
            Compression::Gzip => {
                let level = level.map_or(6, i32::unsigned_abs);
                Self::Gzip(Box::new(GzEncoder::new(output, flate2::Compression::new(level))))
            }
            Compression::Zstd => {
                let level = level.unwrap_or(3);
                Self::Zstd(Box::new(zstd::Encoder::new(output, level)?))
            }
            Compression::None | Compression::Snappy => Self::Plain(output),
        })
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(output) => output.write_all(bytes),
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
        }
    }

    pub(crate) fn finish(self) -> io::Result<Output> {
        match self {
            Self::Plain(output) => Ok(output),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

/// Takes bytes that are formatted already; like a [`Sink`](crate::Sink), it leaves no file without
/// [`finish`](Self::finish).
pub struct ByteSink {
    stream: Stream,
    target: String,
    progress: Arc<Progress>,
}

impl ByteSink {
    /// Opens the target. `force` overwrites a file that is there already; `compression` is none, gzip or zstd.
    pub fn create(target: &Target, compression: Compression, force: bool) -> Result<Self, Error> {
        let output = Output::open(target, force)?;
        let (progress, target) = (output.progress(), target.describe());
        let stream = Stream::new(output, compression, None);
        let stream = stream.map_err(|error| progress.error(&target, &error))?;
        Ok(Self { stream, target, progress })
    }

    /// Writes bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.stream.write_all(bytes);
        written.map_err(|error| self.progress.error(&self.target, &error))
    }

    /// Bytes that went to the target so far, after compression.
    pub fn written(&self) -> u64 {
        self.progress.bytes()
    }

    /// Writes the end and gives the file its name; returns its length.
    pub fn finish(self) -> Result<u64, Error> {
        let output = self.stream.finish();
        let output = output.map_err(|error| self.progress.error(&self.target, &error))?;
        output.commit(&self.target)?;
        Ok(self.progress.bytes())
    }
}

impl fmt::Debug for ByteSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteSink").field("target", &self.target).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn bytes_come_back_and_an_unfinished_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bytes.gz");
        let target = Target::File(path.clone());
        let mut sink = ByteSink::create(&target, Compression::Gzip, false).unwrap();
        sink.write(b"some ").unwrap();
        assert!(!path.exists());
        sink.write(b"bytes").unwrap();
        let length = sink.finish().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), length);
        let mut back = String::new();
        let file = std::fs::File::open(&path).unwrap();
        flate2::read::GzDecoder::new(file).read_to_string(&mut back).unwrap();
        assert_eq!(back, "some bytes");

        let again = ByteSink::create(&target, Compression::None, false);
        assert!(matches!(again, Err(Error::Exists { .. })));
        drop(ByteSink::create(&Target::File(folder.path().join("left")), Compression::Zstd, false));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
