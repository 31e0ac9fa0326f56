//! Writing pcap files (draft-ietf-opsawg-pcap, version 2.4).

use std::io::Write;
use std::path::PathBuf;

use rheos_core::{Frame, LinkType};

use crate::error::Error;
use crate::info::ByteOrder;
use crate::write::{WRITE_BYTES, Written};

/// How a pcap file is written.
#[derive(Clone, Debug)]
pub struct PcapOptions {
    /// Link type; if none, that of the first frame, Ethernet if there is no frame.
    pub link: Option<LinkType>,
    /// Microseconds instead of nanoseconds.
    pub micros: bool,
    /// Bytes of a frame that are kept at most.
    pub snap_len: u32,
    /// Byte order of all numbers.
    pub byte_order: ByteOrder,
}

impl Default for PcapOptions {
    fn default() -> Self {
        Self { link: None, micros: false, snap_len: 262_144, byte_order: ByteOrder::Little }
    }
}

/// Writes a pcap file to `W`, in large writes.
pub struct PcapWriter<W: Write> {
    out: W,
    buffer: Vec<u8>,
    link: Option<LinkType>,
    started: bool,
    options: PcapOptions,
    written: Written,
}

impl<W: Write> PcapWriter<W> {
    /// Begins a file; `name` is for messages.
    pub fn new(out: W, name: impl Into<PathBuf>, options: PcapOptions) -> Self {
        let written = Written { path: name.into(), ..Written::default() };
        let buffer = Vec::with_capacity(WRITE_BYTES + (WRITE_BYTES >> 2));
        Self { out, buffer, link: options.link, started: false, options, written }
    }

    fn start(&mut self, link: LinkType) {
        let order = self.options.byte_order;
        let magic = if self.options.micros { 0xa1b2_c3d4 } else { 0xa1b2_3c4d };
        self.buffer.extend(order.put_u32(magic));
        self.buffer.extend(order.put_u16(2));
        self.buffer.extend(order.put_u16(4));
        for field in [0, 0, self.options.snap_len, u32::from(link.0)] {
            self.buffer.extend(order.put_u32(field));
        }
        self.link = Some(link);
        self.started = true;
    }

    /// Writes a frame.
    ///
    /// # Errors
    /// If its link type is not that of the file, its time is after 2106, or the system fails.
    pub fn write(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        let link = *self.link.get_or_insert(frame.link);
        if link != frame.link {
            return Err(Error::LinkTypes { held: link, found: frame.link });
        }
        if !self.started {
            self.start(link);
        }
        let nanos = frame.ts.as_nanos();
        let seconds = nanos / 1_000_000_000;
        let Ok(seconds32) = u32::try_from(seconds) else {
            return Err(Error::TimeRange { seconds });
        };
        let fraction = (nanos % 1_000_000_000) as u32;
        let fraction = if self.options.micros { fraction / 1000 } else { fraction };
        let kept = frame.data.len().min(self.options.snap_len as usize);
        let order = self.options.byte_order;
        let mut header = [0; 16];
        for (field, value) in header.as_chunks_mut::<4>().0.iter_mut().zip([
            seconds32,
            fraction,
            kept as u32,
            frame.wire_len,
        ]) {
            *field = order.put_u32(value);
        }
        self.buffer.extend_from_slice(&header);
        self.buffer.extend_from_slice(&frame.data[..kept]);
        self.written.frames += 1;
        self.written.captured_bytes += kept as u64;
        if self.buffer.len() >= WRITE_BYTES { self.drain() } else { Ok(()) }
    }

    fn drain(&mut self) -> Result<(), Error> {
        self.written.file_bytes += self.buffer.len() as u64;
        let result = self.out.write_all(&self.buffer);
        self.buffer.clear();
        result.map_err(|e| Error::writing(&self.written.path, e))
    }

    /// Writes what is left; gives back where it was written to.
    ///
    /// # Errors
    /// If the system fails.
    pub fn finish(mut self) -> Result<(W, Written), Error> {
        if !self.started {
            self.start(self.link.unwrap_or(LinkType::ETHERNET));
        }
        self.drain()?;
        self.out.flush().map_err(|e| Error::writing(&self.written.path, e))?;
        Ok((self.out, self.written))
    }
}
