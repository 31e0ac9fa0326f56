//! Writing pcapng files (draft-ietf-opsawg-pcapng): one section, times in nanoseconds.

use std::io::Write;
use std::path::PathBuf;

use rheos_core::{Frame, Timestamp};

use crate::error::Error;
use crate::info::{InterfaceInfo, SectionInfo};
use crate::pcapng::{BYTE_ORDER_MAGIC, block};
use crate::write::{WRITE_BYTES, Written};

/// How a pcapng file is written.
#[derive(Clone, Debug)]
pub struct PcapngOptions {
    /// Bytes of a frame that are kept at most.
    pub snap_len: u32,
    /// What the file says of itself, and its byte order.
    pub section: SectionInfo,
    /// Comments on the file.
    pub comments: Vec<String>,
}

impl Default for PcapngOptions {
    fn default() -> Self {
        Self { snap_len: 262_144, section: SectionInfo::default(), comments: Vec::new() }
    }
}

/// Writes a pcapng file to `W`, in large writes.
pub struct PcapngWriter<W: Write> {
    out: W,
    buffer: Vec<u8>,
    order: crate::info::ByteOrder,
    snap_len: u32,
    interfaces: usize,
    statistics: Vec<(u16, InterfaceInfo)>,
    latest: Timestamp,
    written: Written,
}

impl<W: Write> PcapngWriter<W> {
    /// Begins a file; `name` is for messages.
    pub fn new(out: W, name: impl Into<PathBuf>, options: &PcapngOptions) -> Self {
        let mut writer = Self {
            out,
            buffer: Vec::with_capacity(WRITE_BYTES + (WRITE_BYTES >> 2)),
            order: options.section.byte_order,
            snap_len: options.snap_len,
            interfaces: 0,
            statistics: Vec::new(),
            latest: Timestamp::ZERO,
            written: Written { path: name.into(), ..Written::default() },
        };
        let start = writer.begin(block::SECTION);
        writer.u32(BYTE_ORDER_MAGIC);
        writer.u16(1);
        writer.u16(0);
        // The length of the section is not known: all ones.
        writer.u32(u32::MAX);
        writer.u32(u32::MAX);
        for comment in &options.comments {
            writer.option(1, comment.as_bytes());
        }
        let SectionInfo { hardware, os, application, .. } = &options.section;
        writer.texts([(2, hardware), (3, os), (4, application)]);
        writer.end(start);
        writer
    }

    /// How many interfaces were added.
    pub fn interfaces(&self) -> usize {
        self.interfaces
    }

    /// Describes an interface and tells its number; its times are in nanoseconds whatever
    /// `interface` says.
    ///
    /// # Errors
    /// If there are too many, or the system fails.
    pub fn add_interface(&mut self, interface: &InterfaceInfo) -> Result<u16, Error> {
        let Ok(number) = u16::try_from(self.interfaces) else {
            return Err(Error::TooManyInterfaces { limit: usize::from(u16::MAX) + 1 });
        };
        let start = self.begin(block::INTERFACE);
        self.u16(interface.link.0);
        self.u16(0);
        self.u32(match interface.snap_len {
            0 => self.snap_len,
            len => len.min(self.snap_len),
        });
        let InterfaceInfo { name, description, os, hardware, .. } = interface;
        self.texts([(2, name), (3, description)]);
        if let Some(speed) = interface.speed {
            self.option(8, &self.order.put_u64(speed));
        }
        self.option(9, &[9]);
        if let Some(filter) = &interface.filter {
            let mut value = vec![0];
            value.extend(filter.as_bytes());
            self.option(11, &value);
        }
        self.texts([(12, os)]);
        if let Some(len) = interface.fcs_len {
            self.option(13, &[len]);
        }
        self.texts([(15, hardware)]);
        self.end(start);
        self.interfaces += 1;
        self.drain_if_full()?;
        Ok(number)
    }

    /// Writes a frame of an interface, with comments on it.
    ///
    /// # Errors
    /// If the interface was not added, the frame is too long, or the system fails.
    pub fn write<'a>(
        &mut self,
        frame: &Frame<'_>,
        interface: u16,
        comments: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Error> {
        if usize::from(interface) >= self.interfaces {
            return Err(Error::UnknownInterface { interface, known: self.interfaces });
        }
        let kept = frame.data.len().min(self.snap_len as usize);
        if kept > 1 << 31 {
            return Err(Error::FrameTooLong { len: kept });
        }
        let nanos = frame.ts.as_nanos();
        let start = self.begin(block::ENHANCED_PACKET);
        self.u32(u32::from(interface));
        self.u32((nanos >> 32) as u32);
        self.u32(nanos as u32);
        self.u32(kept as u32);
        self.u32(frame.wire_len);
        self.buffer.extend_from_slice(&frame.data[..kept]);
        self.pad();
        for comment in comments {
            self.option(1, comment.as_bytes());
        }
        self.end_packet(start, 28 + kept.next_multiple_of(4));
        self.latest = self.latest.max(frame.ts);
        self.written.frames += 1;
        self.written.captured_bytes += kept as u64;
        self.drain_if_full()
    }

    /// Tells what an interface counted; written at the end of the file.
    pub fn add_statistics(&mut self, interface: u16, counts: &InterfaceInfo) {
        self.statistics.push((interface, counts.clone()));
    }

    fn write_statistics(&mut self) {
        let nanos = self.latest.as_nanos();
        for (interface, counts) in std::mem::take(&mut self.statistics) {
            let start = self.begin(block::STATISTICS);
            self.u32(u32::from(interface));
            self.u32((nanos >> 32) as u32);
            self.u32(nanos as u32);
            for (code, count) in [
                (4, counts.received),
                (5, counts.dropped_by_interface),
                (6, counts.accepted),
                (7, counts.dropped_by_system),
                (8, counts.delivered),
            ] {
                if let Some(count) = count {
                    self.option(code, &self.order.put_u64(count));
                }
            }
            self.end(start);
        }
    }

    /// Writes what is left; gives back where it was written to.
    ///
    /// # Errors
    /// If the system fails.
    pub fn finish(mut self) -> Result<(W, Written), Error> {
        self.write_statistics();
        self.drain()?;
        self.out.flush().map_err(|e| Error::writing(&self.written.path, e))?;
        Ok((self.out, self.written))
    }

    fn u16(&mut self, n: u16) {
        self.buffer.extend_from_slice(&self.order.put_u16(n));
    }

    fn u32(&mut self, n: u32) {
        self.buffer.extend_from_slice(&self.order.put_u32(n));
    }

    /// Begins a block; its length is filled in by [`Self::end`].
    fn begin(&mut self, kind: u32) -> usize {
        let start = self.buffer.len();
        self.u32(kind);
        self.u32(0);
        start
    }

    /// Ends a block that has options.
    fn end(&mut self, start: usize) {
        self.u32(0);
        self.end_bare(start);
    }

    /// Ends a block that has options only if it is longer than its fixed part.
    fn end_packet(&mut self, start: usize, fixed: usize) {
        if self.buffer.len() - start > fixed { self.end(start) } else { self.end_bare(start) }
    }

    fn end_bare(&mut self, start: usize) {
        let len = self.order.put_u32((self.buffer.len() + 4 - start) as u32);
        self.buffer[start + 4..start + 8].copy_from_slice(&len);
        self.buffer.extend_from_slice(&len);
    }

    /// All blocks start at multiples of four in the buffer, because it is drained between them.
    fn pad(&mut self) {
        self.buffer.resize(self.buffer.len().next_multiple_of(4), 0);
    }

    fn texts<const N: usize>(&mut self, options: [(u16, &Option<String>); N]) {
        for (code, text) in options {
            if let Some(text) = text {
                self.option(code, text.as_bytes());
            }
        }
    }

    /// Adds an option, cut to what its length can tell, not inside a character of UTF-8.
    fn option(&mut self, code: u16, value: &[u8]) {
        let mut len = value.len().min(usize::from(u16::MAX));
        while len < value.len() && len > 0 && value[len] & 0xc0 == 0x80 {
            len -= 1;
        }
        self.u16(code);
        self.u16(len as u16);
        self.buffer.extend_from_slice(&value[..len]);
        self.pad();
    }

    fn drain_if_full(&mut self) -> Result<(), Error> {
        if self.buffer.len() >= WRITE_BYTES { self.drain() } else { Ok(()) }
    }

    fn drain(&mut self) -> Result<(), Error> {
        self.written.file_bytes += self.buffer.len() as u64;
        let result = self.out.write_all(&self.buffer);
        self.buffer.clear();
        result.map_err(|e| Error::writing(&self.written.path, e))
    }
}
