//! Decompression of a file on its way in.
//!
//! Gzip and zstd are driven by hand rather than through their `Read` adapters, for one reason: when
//! broken data turns up, what was unpacked before it in the same call must not be lost.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{self as zstd_raw, Operation};

use crate::info::Compression;

/// Bytes handed to a decompressor at a time.
const INPUT_BYTES: usize = 128 << 10;

/// Where the bytes of a file come from; one dynamic call per block.
pub(crate) type RawRead = Box<dyn Read + Send>;

/// Counts the bytes that go through, for progress.
pub(crate) struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    pub(crate) fn new(inner: R, count: Arc<AtomicU64>) -> Self {
        Self { inner, count }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Puts a decompressor around `inner`.
pub(crate) fn unpack(kind: Compression, inner: RawRead) -> io::Result<RawRead> {
    let inner = BufReader::with_capacity(INPUT_BYTES, inner);
    Ok(match kind {
        Compression::Gzip => Box::new(Gzip::new(inner)),
        Compression::Zstd => Box::new(Zstd::new(inner)?),
        Compression::Lz4 => Box::new(Lz4::new(inner)),
    })
}

fn broken(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

/// One or several gzip members (RFC 1952, section 2.2). Zeros after the last one are padding.
struct Gzip<R> {
    inner: R,
    state: Decompress,
    between: bool,
    failed: Option<io::Error>,
}

impl<R: BufRead> Gzip<R> {
    fn new(inner: R) -> Self {
        Self { inner, state: Decompress::new_gzip(15), between: true, failed: None }
    }

    /// Whether another member begins.
    fn next_member(&mut self) -> io::Result<bool> {
        loop {
            let input = self.inner.fill_buf()?;
            let zeros = input.iter().take_while(|&&b| b == 0).count();
            match (zeros, input.len()) {
                (_, 0) => return Ok(false),
                (0, _) => break,
                _ => self.inner.consume(zeros),
            }
        }
        self.state = Decompress::new_gzip(15);
        self.between = false;
        Ok(true)
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        loop {
            if self.between && !self.next_member()? {
                return Ok(0);
            }
            let input = self.inner.fill_buf()?;
            if input.is_empty() {
                return Err(broken("the gzip data is cut off"));
            }
            let (in0, out0) = (self.state.total_in(), self.state.total_out());
            let result = self.state.decompress(input, buf, FlushDecompress::None);
            let used = (self.state.total_in() - in0) as usize;
            let made = (self.state.total_out() - out0) as usize;
            self.inner.consume(used);
            match result {
                Ok(Status::StreamEnd) => self.between = true,
                Ok(_) if used == 0 && made == 0 => return Err(broken("the gzip data is broken")),
                Ok(_) => {}
                Err(_) => self.failed = Some(broken("the gzip data is broken")),
            }
            if made > 0 || buf.is_empty() {
                return Ok(made);
            }
            if let Some(failed) = self.failed.take() {
                return Err(failed);
            }
        }
    }
}

/// One or several zstd frames (RFC 8878), with skippable frames among them.
struct Zstd<R> {
    inner: R,
    state: zstd_raw::Decoder<'static>,
    between: bool,
    failed: Option<io::Error>,
}

impl<R: BufRead> Zstd<R> {
    fn new(inner: R) -> io::Result<Self> {
        Ok(Self { inner, state: zstd_raw::Decoder::new()?, between: true, failed: None })
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        loop {
            let input = self.inner.fill_buf()?;
            let ended = input.is_empty();
            if ended && self.between {
                return Ok(0);
            }
            let mut input = zstd_raw::InBuffer::around(input);
            let mut output = zstd_raw::OutBuffer::around(buf);
            // At the end of the input there may still be unpacked bytes inside the decoder.
            let result = self.state.run(&mut input, &mut output);
            let (used, made) = (input.pos(), output.pos());
            self.inner.consume(used);
            match result {
                Ok(hint) => self.between = hint == 0,
                Err(e) => self.failed = Some(broken(format!("the zstd data is broken: {e}"))),
            }
            if made > 0 || buf.is_empty() {
                return Ok(made);
            }
            if let Some(failed) = self.failed.take() {
                return Err(failed);
            }
            if ended && !self.between {
                return Err(broken("the zstd data is cut off"));
            }
        }
    }
}

/// Notes whether the input under an LZ4 decoder ended while it was reading.
struct Watched<R> {
    inner: R,
    used: u64,
    ended: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.used += n as u64;
        self.ended |= n == 0 && !buf.is_empty();
        Ok(n)
    }
}

/// One or several LZ4 frames, with skippable frames among them.
///
/// The decoder underneath stops at the end of each frame, and also, without a word, at the end of
/// an input that breaks off between two blocks; both are told apart here.
struct Lz4<R: BufRead> {
    decoder: lz4_flex::frame::FrameDecoder<Watched<R>>,
    frame_start: u64,
    between: bool,
    legacy: bool,
}

impl<R: BufRead> Lz4<R> {
    fn new(inner: R) -> Self {
        let watched = Watched { inner, used: 0, ended: false };
        let decoder = lz4_flex::frame::FrameDecoder::new(watched);
        Self { decoder, frame_start: 0, between: true, legacy: false }
    }

    /// Skips the content of a skippable frame if that is what stopped the decoder.
    fn skip(&mut self, error: &io::Error) -> io::Result<bool> {
        let inner = error.get_ref().and_then(|e| e.downcast_ref::<lz4_flex::frame::Error>());
        let Some(lz4_flex::frame::Error::SkippableFrame(len)) = inner else { return Ok(false) };
        let len = u64::from(*len);
        let skipped = io::copy(&mut self.decoder.get_mut().take(len), &mut io::sink())?;
        if skipped < len {
            return Err(broken("the lz4 data is cut off"));
        }
        Ok(true)
    }
}

impl<R: BufRead> Read for Lz4<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.between {
                let watched = self.decoder.get_mut();
                let first = watched.inner.fill_buf()?;
                self.legacy = first.starts_with(&[0x02, 0x21, 0x4c, 0x18]);
                self.frame_start = watched.used;
            }
            match self.decoder.read(buf) {
                Ok(0) if buf.is_empty() => return Ok(0),
                Ok(0) => {
                    let watched = self.decoder.get_mut();
                    if !watched.ended {
                        self.between = true;
                    } else if self.legacy || (self.between && watched.used == self.frame_start) {
                        return Ok(0);
                    } else {
                        return Err(broken("the lz4 data is cut off"));
                    }
                }
                Ok(n) => {
                    self.between = false;
                    return Ok(n);
                }
                Err(e) if self.skip(&e)? => self.between = true,
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(broken("the lz4 data is cut off"));
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(broken(format!("the lz4 data is broken: {e}"))),
            }
        }
    }
}
