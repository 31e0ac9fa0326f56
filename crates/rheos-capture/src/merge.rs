//! Several captures as one, in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use rheos_core::{FrameBatch, FrameMeta, Timestamp};

use crate::block::Pool;
use crate::error::Error;
use crate::info::InterfaceInfo;
use crate::interfaces::InterfaceTable;
use crate::pcapng::FrameComment;
use crate::reader::{Building, CaptureReader, Progress, ReadOptions, Source};

/// One capture that is merged.
struct Lane {
    reader: CaptureReader,
    batch: FrameBatch,
    /// The next frame in `batch`.
    at: usize,
    /// The next comment of the reader's batch.
    comment: usize,
    last: Timestamp,
    backward: u64,
}

impl Lane {
    /// The frame that is next, reading on if need be.
    fn head(&mut self) -> Result<Option<Timestamp>, Error> {
        if self.at >= self.batch.frames.len() {
            self.at = 0;
            self.comment = 0;
            self.batch.frames.clear();
            if !self.reader.read_batch(&mut self.batch)? {
                return Ok(None);
            }
        }
        Ok(self.batch.frames.get(self.at).map(|f| f.ts))
    }

    /// Takes along the comments of the frame that is next.
    fn take_comments(&mut self, place: usize, to: &mut Vec<FrameComment>) {
        while let Some(comment) = self.reader.batch_comments().get(self.comment)
            && comment.frame <= self.at
        {
            to.push(FrameComment { frame: place, text: comment.text.clone() });
            self.comment += 1;
        }
    }
}

/// Merges captures by time. Frames of equal time keep the order of the captures; the frames of one
/// capture keep their order even where it runs backwards, which is counted.
///
/// Interfaces are numbered anew over all captures, see [`Source::batch_interfaces`].
pub struct MergedReader {
    lanes: Vec<Lane>,
    /// The next frame of every lane that has one.
    heads: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// Lanes to ask for their next frame before anything is merged.
    asking: Vec<usize>,
    interfaces: InterfaceTable,
    comments: Vec<FrameComment>,
    pool: Pool,
    empty: Arc<Vec<u8>>,
    batch_frames: usize,
    batch_bytes: usize,
    next_index: u64,
    /// An error that came when frames had been merged already: told by the next call.
    failed: Option<Error>,
}

impl MergedReader {
    /// Merges `readers`; the limits of batches are those of `options`.
    pub fn new(readers: Vec<CaptureReader>, options: &ReadOptions) -> Self {
        let asking = (0..readers.len()).rev().collect();
        let lanes = readers
            .into_iter()
            .map(|reader| Lane {
                reader,
                batch: FrameBatch::default(),
                at: 0,
                comment: 0,
                last: Timestamp::ZERO,
                backward: 0,
            })
            .collect();
        Self {
            lanes,
            heads: BinaryHeap::new(),
            asking,
            interfaces: InterfaceTable::default(),
            comments: Vec::new(),
            pool: Pool::new(options.batch_bytes.saturating_add(64 << 10)),
            empty: Arc::default(),
            batch_frames: options.batch_frames.max(1),
            batch_bytes: options.batch_bytes.max(1),
            next_index: 0,
            failed: None,
        }
    }

    /// The merged readers, for what is known of their files and where these were damaged.
    pub fn readers(&self) -> impl Iterator<Item = &CaptureReader> {
        self.lanes.iter().map(|lane| &lane.reader)
    }

    /// Per capture, how many of its frames are earlier than the one before them: these stand out of
    /// order in the merged stream, too.
    pub fn backward_frames(&self) -> impl Iterator<Item = u64> + '_ {
        self.lanes.iter().map(|lane| lane.backward)
    }

    /// How far reading is, over all captures.
    pub fn progress(&self) -> Progress {
        let mut all = Progress { bytes_read: 0, bytes_total: Some(0) };
        for reader in self.readers() {
            let one = reader.progress();
            all.bytes_read += one.bytes_read;
            all.bytes_total = all.bytes_total.zip(one.bytes_total).map(|(a, b)| a + b);
        }
        all
    }

    /// Asks the lanes that ran dry for their next frame.
    fn refill(&mut self) -> Result<(), Error> {
        while let Some(&lane) = self.asking.last() {
            // After an error the same lane is asked again: it goes on with its next input.
            if let Some(ts) = self.lanes[lane].head()? {
                self.heads.push(Reverse((ts, lane)));
            }
            self.asking.pop();
        }
        Ok(())
    }

    /// Fills a batch whose bytes go to `bytes`.
    fn merge(&mut self, bytes: &mut Vec<u8>, building: &mut Building) -> Result<(), Error> {
        let mut used = 0;
        loop {
            self.refill()?;
            let Some(Reverse((_, number))) = self.heads.pop() else { return Ok(()) };
            let other = self.heads.peek().map(|&Reverse(head)| head);
            let lanes = self.lanes.len();
            let lane = &mut self.lanes[number];
            loop {
                let Some(&meta) = lane.batch.frames.get(lane.at) else {
                    self.asking.push(number);
                    break;
                };
                if other.is_some_and(|other| (meta.ts, number) > other) {
                    self.heads.push(Reverse((meta.ts, number)));
                    break;
                }
                let source = lane.reader.batch_source() * lanes + number;
                let interface = self.interfaces.number(
                    (source, meta.interface),
                    &lane.reader.batch_interfaces()[usize::from(meta.interface)],
                )?;
                let place = building.frames.len();
                lane.take_comments(place, &mut self.comments);
                let offset = used;
                used += meta.cap_len as usize;
                if bytes.len() < used {
                    bytes.resize(used.next_power_of_two(), 0);
                }
                bytes[offset..used].copy_from_slice(lane.batch.frame(&meta).data);
                lane.backward += u64::from(meta.ts < lane.last);
                lane.last = meta.ts;
                lane.at += 1;
                if building.push(FrameMeta { offset, interface, ..meta }) {
                    self.asking.push(number);
                    return Ok(());
                }
            }
        }
    }
}

impl Source for MergedReader {
    fn read_batch(&mut self, batch: &mut FrameBatch) -> Result<bool, Error> {
        batch.bytes = Arc::clone(&self.empty);
        batch.frames.clear();
        self.comments.clear();
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut block = self.pool.take(0);
        let bytes = Arc::get_mut(&mut block).expect("the pool gives blocks that are not shared");
        let mut building =
            Building::new(std::mem::take(&mut batch.frames), self.batch_frames, self.batch_bytes);
        let result = self.merge(bytes, &mut building);
        batch.frames = building.frames;
        self.pool.give(Arc::clone(&block));
        match result {
            // What was merged so far is handed out first; the lane fails again, or goes on.
            Err(error) if batch.frames.is_empty() => return Err(error),
            Err(error) => self.failed = Some(error),
            Ok(()) => {}
        }
        if batch.frames.is_empty() {
            return Ok(false);
        }
        batch.bytes = block;
        batch.first_index = self.next_index;
        self.next_index += batch.frames.len() as u64;
        Ok(true)
    }

    fn batch_interfaces(&self) -> &[InterfaceInfo] {
        self.interfaces.interfaces()
    }

    fn batch_comments(&self) -> &[FrameComment] {
        &self.comments
    }

    fn batch_source(&self) -> usize {
        0
    }
}
