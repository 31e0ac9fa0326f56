//! Reading captures: files, folders, standard input and memory as one stream of frame batches.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rheos_core::{FrameBatch, FrameMeta, Timestamp};

use crate::block::{Feed, Pool};
use crate::digest::FileDigest;
use crate::error::{Damage, DamageKind, Error};
use crate::info::{CaptureInfo, FileInfo, FileState, Format, InterfaceInfo};
use crate::input::{self, Input, Opened, Origin};
use crate::pcap::{HeaderError, Pcap};
use crate::pcapng::{FrameComment, Pcapng};

/// A source of frames, in batches.
pub trait Source {
    /// Puts the next frames into `batch`, whose memory is used again; `false` is the end.
    ///
    /// # Errors
    /// If an input cannot be read at all. The next call goes on with the input after it.
    fn read_batch(&mut self, batch: &mut FrameBatch) -> Result<bool, Error>;

    /// The next frames in a batch of their own; `None` is the end.
    ///
    /// # Errors
    /// As [`Source::read_batch`].
    fn next_batch(&mut self) -> Result<Option<FrameBatch>, Error> {
        let mut batch = FrameBatch::default();
        Ok(self.read_batch(&mut batch)?.then_some(batch))
    }

    /// The interfaces that the frames of the last batch name by number.
    fn batch_interfaces(&self) -> &[InterfaceInfo];

    /// The comments on frames of the last batch, in the order of the frames.
    fn batch_comments(&self) -> &[FrameComment];

    /// Tells whose numbers [`Self::batch_interfaces`] has: batches with the same answer share them.
    fn batch_source(&self) -> usize;
}

/// In which order files are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FileOrder {
    /// As given; within a folder by name, numbers in names by value.
    #[default]
    Given,
    /// By the time of their first packet; files without packets last, equal ones as given.
    FirstPacket,
}

/// How captures are read, and the limits.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// Frames after which a batch is full.
    pub batch_frames: usize,
    /// Captured bytes after which a batch is full.
    pub batch_bytes: usize,
    /// Bytes read from a file at a time.
    pub block_bytes: usize,
    /// The longest frame, and the longest pcapng block; anything longer is damage.
    pub max_record: usize,
    /// Comments that are kept per file; the others are counted.
    pub max_comments: usize,
    /// Bytes of names and comments that are kept per file.
    pub max_text: usize,
    /// Whether the folders in a folder are entered.
    pub recursive: bool,
    /// In which order files are read.
    pub order: FileOrder,
    /// Whether files are hashed while they are read, see [`FileInfo::sha256`].
    pub sha256: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            batch_frames: 4096,
            batch_bytes: 512 << 10,
            block_bytes: 1 << 20,
            max_record: 16 << 20,
            max_comments: 1000,
            max_text: 1 << 20,
            recursive: false,
            order: FileOrder::Given,
            sha256: false,
        }
    }
}

/// How far reading is, in bytes as they lie on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes of all inputs, if known.
    pub bytes_total: Option<u64>,
}

/// The frames of the batch in the making.
///
/// A batch is full after a number of frames or of captured bytes, whichever is first. Both are
/// properties of the frames alone: the same capture gives the same batches in every format,
/// compression and way of arriving. The end of a file ends its batch.
#[derive(Debug)]
pub(crate) struct Building {
    pub(crate) frames: Vec<FrameMeta>,
    bytes: usize,
    batch_frames: usize,
    batch_bytes: usize,
}

impl Building {
    /// `frames` is empty; its memory is used.
    pub(crate) fn new(frames: Vec<FrameMeta>, batch_frames: usize, batch_bytes: usize) -> Self {
        Self { frames, bytes: 0, batch_frames, batch_bytes }
    }

    /// Adds a frame; tells whether the batch is full now.
    #[inline]
    pub(crate) fn push(&mut self, frame: FrameMeta) -> bool {
        self.bytes += frame.cap_len as usize;
        self.frames.push(frame);
        self.frames.len() >= self.batch_frames || self.bytes >= self.batch_bytes
    }
}

/// Why a parser stopped.
#[derive(Debug)]
pub(crate) enum Step {
    /// The batch is full.
    Full,
    /// So many bytes must be in sight from the current position on.
    Need(usize),
    /// Nothing more can be read.
    Damaged(DamageKind),
}

enum Parser {
    Pcap(Pcap),
    Pcapng(Box<Pcapng>),
}

impl Parser {
    fn scan(&mut self, feed: &mut Feed, batch: &mut Building, info: &mut FileInfo) -> Step {
        let mut pos = feed.pos;
        let step = match self {
            Self::Pcap(pcap) => pcap.scan(feed.bytes(), &mut pos, batch),
            Self::Pcapng(pcapng) => pcapng.scan(feed.bytes(), &mut pos, batch, info),
        };
        feed.pos = pos;
        step
    }

    fn take_frame_comments(&mut self) -> Vec<FrameComment> {
        match self {
            Self::Pcap(_) => Vec::new(),
            Self::Pcapng(pcapng) => pcapng.take_frame_comments(),
        }
    }

    fn part(&self, have: usize) -> &'static str {
        match self {
            Self::Pcap(pcap) => pcap.part(have),
            Self::Pcapng(_) => "a block",
        }
    }
}

/// A file that is being read.
struct Reading {
    file: usize,
    feed: Feed,
    parser: Parser,
}

/// What became of a file when a batch was filled.
enum Filled {
    Batch,
    End,
    Damaged(DamageKind),
}

/// Reads captures as one stream of batches.
pub struct CaptureReader {
    options: ReadOptions,
    pool: Pool,
    waiting: VecDeque<Origin>,
    reading: Option<Reading>,
    next_file: usize,
    batch_file: usize,
    batch_comments: Vec<FrameComment>,
    next_index: u64,
    info: CaptureInfo,
    raw_bytes: Arc<AtomicU64>,
    /// Of the file that is being read.
    digest: Option<FileDigest>,
    done_bytes: u64,
    total_bytes: Option<u64>,
    empty: Arc<Vec<u8>>,
}

impl CaptureReader {
    /// Looks at all inputs and gets ready to read them.
    ///
    /// Files are told by content. A folder stands for the captures in it, in natural order of their
    /// names; other files in it are skipped and listed in [`CaptureInfo::skipped`].
    ///
    /// # Errors
    /// If an input does not exist, is not permitted, empty, or no capture; if a folder has none.
    /// What comes through a pipe is looked at when its turn comes, by [`Source::read_batch`].
    pub fn open(
        inputs: impl IntoIterator<Item = Input>,
        options: ReadOptions,
    ) -> Result<Self, Error> {
        for (option, value, least) in [
            ("batch_frames", options.batch_frames, 1),
            ("batch_bytes", options.batch_bytes, 1),
            ("block_bytes", options.block_bytes, 4096),
        ] {
            if value < least {
                return Err(Error::Option { option, least });
            }
        }
        let mut info = CaptureInfo::default();
        let mut waiting = input::expand(inputs, &options, &mut info)?;
        if options.order == FileOrder::FirstPacket {
            waiting = input::order_by_first_packet(waiting, &options)?;
        }
        info.files = waiting.iter().map(Origin::file_info).collect();
        let total_bytes = info.files.iter().map(|f| f.size).sum();
        Ok(Self {
            pool: Pool::new(options.block_bytes),
            options,
            waiting: waiting.into(),
            reading: None,
            next_file: 0,
            batch_file: 0,
            batch_comments: Vec::new(),
            next_index: 0,
            info,
            raw_bytes: Arc::default(),
            digest: None,
            done_bytes: 0,
            total_bytes,
            empty: Arc::default(),
        })
    }

    /// Reads one capture that is wholly in memory; if it is not compressed, without copying it.
    ///
    /// # Errors
    /// If it is empty or no capture.
    pub fn from_memory(bytes: Arc<Vec<u8>>, options: ReadOptions) -> Result<Self, Error> {
        Self::open([Input::memory("memory", bytes)], options)
    }

    /// What is known of the files so far.
    pub fn info(&self) -> &CaptureInfo {
        &self.info
    }

    /// Where files were damaged so far.
    pub fn damage(&self) -> &[Damage] {
        &self.info.damage
    }

    /// The file of the last batch, as a place in [`CaptureInfo::files`]: a batch never spans files.
    pub fn batch_file(&self) -> usize {
        self.batch_file
    }

    /// How far reading is.
    pub fn progress(&self) -> Progress {
        let bytes_read = self.done_bytes
            + match &self.reading {
                Some(r) if r.feed.is_whole() => r.feed.offset(),
                Some(_) => self.raw_bytes.load(Ordering::Relaxed),
                None => 0,
            };
        Progress { bytes_read, bytes_total: self.total_bytes }
    }

    /// Opens the next file; `false` if there is none.
    fn open_next(&mut self) -> Result<bool, Error> {
        let Some(origin) = self.waiting.pop_front() else { return Ok(false) };
        let file = self.next_file;
        self.next_file += 1;
        self.raw_bytes.store(0, Ordering::Relaxed);
        let path = self.info.files[file].path.clone();
        match self.begin(file, origin, &path) {
            Ok(()) => {}
            Err(error) => {
                self.info.files[file].state = FileState::Failed;
                self.done_bytes += self.info.files[file].size.unwrap_or(0);
                return Err(error);
            }
        }
        Ok(true)
    }

    fn begin(&mut self, file: usize, origin: Origin, path: &Path) -> Result<(), Error> {
        self.digest = self.options.sha256.then(FileDigest::default);
        let Opened { mut feed, format, compression } =
            input::begin(origin, path, &self.raw_bytes, self.digest.as_ref(), &mut self.pool)?;
        let info = &mut self.info.files[file];
        info.state = FileState::Reading;
        info.compression = compression;
        info.format = format;
        let max_record = self.options.max_record;
        let parser = match format {
            Format::Pcapng => Parser::Pcapng(Box::new(Pcapng::new(&self.options))),
            Format::Pcap => loop {
                match Pcap::open(&feed.bytes()[feed.pos..], info, max_record) {
                    Ok((pcap, len)) => {
                        feed.pos += len;
                        break Parser::Pcap(pcap);
                    }
                    Err(HeaderError::Version(major, minor)) => {
                        let path = path.into();
                        return Err(Error::UnknownVersion { path, format, major, minor });
                    }
                    Err(HeaderError::Short(need)) => {
                        let left = feed.left();
                        let kind = match feed.need(need, &mut [], &mut self.pool) {
                            Ok(true) => continue,
                            Ok(false) => DamageKind::Truncated {
                                part: "the file header",
                                missing: (need - left.min(need)) as u64,
                            },
                            Err(e) => DamageKind::Stream { what: e.to_string() },
                        };
                        self.close(file, feed, Some(kind));
                        return Ok(());
                    }
                }
            },
        };
        self.reading = Some(Reading { file, feed, parser });
        Ok(())
    }

    /// Ends a file.
    fn close(&mut self, file: usize, feed: Feed, damage: Option<DamageKind>) {
        let info = &mut self.info.files[file];
        let offset = feed.offset();
        info.uncompressed_bytes = offset;
        info.sha256 = self.digest.take().and_then(|digest| digest.whole());
        info.state = if damage.is_some() { FileState::Damaged } else { FileState::Done };
        if let Some(kind) = damage {
            self.info.damage.push(Damage {
                path: info.path.clone(),
                file,
                offset,
                compressed: !info.compression.is_empty(),
                frames: info.frames,
                kind,
            });
        }
        self.done_bytes += match info.size {
            Some(size) => size,
            None => self.raw_bytes.load(Ordering::Relaxed),
        };
        feed.close(&mut self.pool);
    }
}

impl Source for CaptureReader {
    fn read_batch(&mut self, batch: &mut FrameBatch) -> Result<bool, Error> {
        // The block goes back before the next one is asked for.
        batch.bytes = Arc::clone(&self.empty);
        batch.frames.clear();
        self.batch_comments.clear();
        let mut building = Building::new(
            std::mem::take(&mut batch.frames),
            self.options.batch_frames,
            self.options.batch_bytes,
        );
        loop {
            let Some(mut reading) = self.reading.take() else {
                if self.open_next()? {
                    continue;
                }
                return Ok(false);
            };
            let file = reading.file;
            let info = &mut self.info.files[file];
            let filled = fill(&mut reading, &mut building, info, &mut self.pool);
            info.count(&building.frames);
            self.batch_comments = reading.parser.take_frame_comments();
            if !building.frames.is_empty() {
                batch.bytes = reading.feed.share();
            }
            match filled {
                Filled::Batch => self.reading = Some(reading),
                Filled::End => self.close(file, reading.feed, None),
                Filled::Damaged(kind) => self.close(file, reading.feed, Some(kind)),
            }
            if !building.frames.is_empty() {
                batch.first_index = self.next_index;
                self.next_index += building.frames.len() as u64;
                batch.frames = building.frames;
                self.batch_file = file;
                return Ok(true);
            }
        }
    }

    fn batch_interfaces(&self) -> &[InterfaceInfo] {
        self.info.files.get(self.batch_file).map_or(&[], |file| &file.interfaces)
    }

    fn batch_comments(&self) -> &[FrameComment] {
        &self.batch_comments
    }

    fn batch_source(&self) -> usize {
        self.batch_file
    }
}

/// Reads frames until the batch is full or the file is at its end.
fn fill(
    reading: &mut Reading,
    batch: &mut Building,
    info: &mut FileInfo,
    pool: &mut Pool,
) -> Filled {
    let Reading { feed, parser, .. } = reading;
    loop {
        let need = match parser.scan(feed, batch, info) {
            Step::Full => return Filled::Batch,
            Step::Damaged(kind) => return Filled::Damaged(kind),
            Step::Need(need) => need,
        };
        match feed.need(need, &mut batch.frames, pool) {
            Ok(true) => {}
            Ok(false) if feed.left() == 0 => return Filled::End,
            Ok(false) => {
                let have = feed.left();
                return Filled::Damaged(DamageKind::Truncated {
                    part: parser.part(have),
                    missing: (need - have) as u64,
                });
            }
            Err(e) => return Filled::Damaged(DamageKind::Stream { what: e.to_string() }),
        }
    }
}

/// The time of a capture's first packet, if it has one.
pub(crate) fn first_packet(
    input: Input,
    options: &ReadOptions,
) -> Result<Option<Timestamp>, Error> {
    let options = ReadOptions {
        batch_frames: 1,
        block_bytes: 64 << 10,
        order: FileOrder::Given,
        ..options.clone()
    };
    let batch = CaptureReader::open([input], options)?.next_batch()?;
    Ok(batch.and_then(|b| b.frames.first().map(|f| f.ts)))
}
