//! Captures made in memory, and frames in a form that can be compared.

use std::io::{self, Cursor, Read, Write};
use std::sync::Arc;

use rheos_capture::info::{ByteOrder, Compression, Format, InterfaceInfo, SectionInfo};
use rheos_capture::write::{PcapOptions, PcapngOptions};
use rheos_capture::{CaptureReader, Input, PcapWriter, PcapngWriter, ReadOptions, Source};
use rheos_core::{Frame, FrameBatch, LinkType, Timestamp};

/// A frame with bytes of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) nanos: u64,
    pub(super) wire_len: u32,
    pub(super) link: u16,
    pub(super) data: Vec<u8>,
}

impl Owned {
    pub(super) fn new(nanos: u64, data: &[u8]) -> Self {
        Self { nanos, wire_len: data.len() as u32, link: 1, data: data.to_vec() }
    }

    pub(super) fn frame(&self) -> Frame<'_> {
        Frame {
            ts: Timestamp::from_nanos(self.nanos),
            wire_len: self.wire_len,
            link: LinkType(self.link),
            data: &self.data,
        }
    }
}

impl From<Frame<'_>> for Owned {
    fn from(frame: Frame<'_>) -> Self {
        Self {
            nanos: frame.ts.as_nanos(),
            wire_len: frame.wire_len,
            link: frame.link.0,
            data: frame.data.to_vec(),
        }
    }
}

/// Frames of many sizes, in the order of time.
pub(super) fn frames(count: usize) -> Vec<Owned> {
    (0..count)
        .map(|i| {
            let len = if i % 97 == 0 { 9000 } else { i * 7919 % 1500 };
            let data: Vec<u8> = (0..len).map(|b| (b * 31 + i) as u8).collect();
            Owned::new(1_700_000_000_000_000_000 + i as u64 * 1_001, &data)
        })
        .collect()
}

pub(super) fn pcap(frames: &[Owned], byte_order: ByteOrder) -> Vec<u8> {
    let options = PcapOptions { byte_order, ..PcapOptions::default() };
    let mut writer = PcapWriter::new(Vec::new(), "made", options);
    for frame in frames {
        writer.write(&frame.frame()).unwrap();
    }
    writer.finish().unwrap().0
}

pub(super) fn pcapng(frames: &[Owned], byte_order: ByteOrder) -> Vec<u8> {
    let section = SectionInfo { byte_order, ..SectionInfo::default() };
    let options = PcapngOptions { section, ..PcapngOptions::default() };
    let mut writer = PcapngWriter::new(Vec::new(), "made", &options);
    let mut links: Vec<u16> = Vec::new();
    for frame in frames {
        let number = links.iter().position(|&l| l == frame.link).unwrap_or_else(|| {
            links.push(frame.link);
            let link = LinkType(frame.link);
            writer.add_interface(&InterfaceInfo { link, ..InterfaceInfo::default() }).unwrap();
            links.len() - 1
        });
        writer.write(&frame.frame(), number as u16, []).unwrap();
    }
    writer.finish().unwrap().0
}

pub(super) fn made(format: Format, frames: &[Owned], byte_order: ByteOrder) -> Vec<u8> {
    match format {
        Format::Pcap => pcap(frames, byte_order),
        Format::Pcapng => pcapng(frames, byte_order),
    }
}

pub(super) fn packed(kind: Compression, file: &[u8]) -> Vec<u8> {
    match kind {
        Compression::Gzip => {
            let level = flate2::Compression::fast();
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(file).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Zstd => zstd::encode_all(file, 1).unwrap(),
        Compression::Lz4 => {
            // The `lz4` program writes this checksum, too.
            let mut info = lz4_flex::frame::FrameInfo::new();
            info.content_checksum = true;
            let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
            encoder.write_all(file).unwrap();
            encoder.finish().unwrap()
        }
    }
}

/// Compresses two halves each on their own.
pub(super) fn packed_twice(kind: Compression, file: &[u8]) -> Vec<u8> {
    let (a, b) = file.split_at(file.len() / 2);
    [packed(kind, a), packed(kind, b)].concat()
}

/// Gives at most `step` bytes at a time, and an interruption now and then.
pub(super) struct Trickle {
    pub(super) bytes: Cursor<Vec<u8>>,
    pub(super) step: usize,
    pub(super) turn: usize,
}

impl Trickle {
    pub(super) fn new(bytes: Vec<u8>, step: usize) -> Self {
        Self { bytes: Cursor::new(bytes), step, turn: 0 }
    }
}

impl Read for Trickle {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.turn += 1;
        if self.turn.is_multiple_of(7) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let len = buf.len().min(1 + self.turn * 13 % self.step);
        self.bytes.read(&mut buf[..len])
    }
}

/// What was read, batch by batch.
pub(super) struct AllRead {
    pub(super) batches: Vec<Vec<Owned>>,
    pub(super) reader: CaptureReader,
}

impl AllRead {
    pub(super) fn frames(&self) -> Vec<Owned> {
        self.batches.concat()
    }

    pub(super) fn sizes(&self) -> Vec<usize> {
        self.batches.iter().map(Vec::len).collect()
    }
}

/// Reads everything, holding each batch until the next one is read.
pub(super) fn read_all(inputs: impl IntoIterator<Item = Input>, options: ReadOptions) -> AllRead {
    let mut reader = CaptureReader::open(inputs, options).unwrap();
    let mut batches = Vec::new();
    let mut held: Option<(FrameBatch, usize)> = None;
    let mut index = 0;
    while let Some(batch) = reader.next_batch().unwrap() {
        assert_eq!(batch.first_index, index);
        assert!(!batch.frames.is_empty());
        index += batch.frames.len() as u64;
        if let Some((old, place)) = held.take() {
            // Reading on must not touch a batch that someone still holds.
            let again: Vec<Owned> = old.iter().map(Owned::from).collect();
            assert!(batches[place] == again);
        }
        batches.push(batch.iter().map(Owned::from).collect());
        held = Some((batch, batches.len() - 1));
    }
    assert_eq!(reader.info().frames(), index);
    AllRead { batches, reader }
}

/// A reader can be given to another thread, and its errors, too.
const _: fn() = || {
    fn sent<T: Send>() {}
    sent::<CaptureReader>();
    sent::<rheos_capture::MergedReader>();
    sent::<rheos_capture::CaptureWriter>();
    sent::<rheos_capture::Error>();
};

pub(super) fn read_bytes(file: Vec<u8>) -> AllRead {
    read_all([Input::memory("made", Arc::new(file))], ReadOptions::default())
}
