//! Large blocks that files are read into, shared with the batches that point into them.
//!
//! A block is filled by one read into its free tail. Frames stay where the read put them; only a
//! record that straddles the end of a block is moved, together with the frames that wait with it for
//! their batch to be full. A block goes back to work when the last batch that shares it is gone, so
//! that a steady reader allocates nothing.

use std::io::{self, Read};
use std::sync::Arc;

use rheos_core::FrameMeta;

use crate::unpack::RawRead;

/// Blocks that were given out and may come back.
pub(crate) struct Pool {
    blocks: Vec<Arc<Vec<u8>>>,
    block_bytes: usize,
}

impl Pool {
    /// How many blocks are kept for reuse; more may exist, they are then freed by their last user.
    const LIMIT: usize = 64;

    pub(crate) fn new(block_bytes: usize) -> Self {
        Self { blocks: Vec::new(), block_bytes }
    }

    /// A block of at least `least` bytes that nobody else holds.
    pub(crate) fn take(&mut self, least: usize) -> Arc<Vec<u8>> {
        let free = self.blocks.iter_mut().position(|b| Arc::get_mut(b).is_some());
        let mut block = match free {
            Some(at) => self.blocks.swap_remove(at),
            None => Arc::new(Vec::new()),
        };
        let len = least.max(self.block_bytes);
        let bytes = Arc::get_mut(&mut block).expect("nobody shares a block that is free");
        // An oversized block is kept only while records are that large.
        if bytes.len() < len || bytes.len() > len.saturating_mul(8) {
            *bytes = vec![0; len];
        }
        block
    }

    /// Takes back a block, to be used again as soon as no batch shares it.
    pub(crate) fn give(&mut self, block: Arc<Vec<u8>>) {
        if self.blocks.len() < Self::LIMIT {
            self.blocks.push(block);
        } else if let Some(busy) = self.blocks.iter_mut().find(|b| Arc::strong_count(b) > 1) {
            *busy = block;
        }
    }
}

/// The bytes of one capture as far as they are in sight.
pub(crate) struct Feed {
    block: Arc<Vec<u8>>,
    /// End of the bytes read into `block`.
    end: usize,
    /// The first byte that is not parsed yet, in `block`.
    pub(crate) pos: usize,
    /// Offset in the capture of the first byte of `block`.
    base: u64,
    /// Where more comes from; nothing if all is in sight.
    source: Option<RawRead>,
    /// Whether `block` came from the pool.
    pooled: bool,
}

impl Feed {
    /// A capture that is wholly in memory, without a copy.
    pub(crate) fn whole(bytes: Arc<Vec<u8>>) -> Self {
        let end = bytes.len();
        Self { block: bytes, end, pos: 0, base: 0, source: None, pooled: false }
    }

    /// A capture of which the first bytes were read already.
    pub(crate) fn stream(first: &[u8], source: RawRead, pool: &mut Pool) -> Self {
        let mut block = pool.take(first.len());
        let bytes = Arc::get_mut(&mut block).expect("the pool gives blocks that are not shared");
        bytes[..first.len()].copy_from_slice(first);
        Self { block, end: first.len(), pos: 0, base: 0, source: Some(source), pooled: true }
    }

    /// Everything in sight, parsed or not.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.block[..self.end]
    }

    /// Whether the capture is memory of someone else, so that its offsets are those of the input.
    pub(crate) fn is_whole(&self) -> bool {
        !self.pooled
    }

    /// The block, for a batch that points into it.
    pub(crate) fn share(&self) -> Arc<Vec<u8>> {
        Arc::clone(&self.block)
    }

    /// Offset in the capture of the first byte that is not parsed.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.pos as u64
    }

    /// How many bytes are in sight that are not parsed.
    pub(crate) fn left(&self) -> usize {
        self.end - self.pos
    }

    /// Brings at least `need` unparsed bytes into sight, or says that there are not as many.
    ///
    /// `frames` are those of the batch that is being made: they move along.
    pub(crate) fn need(
        &mut self,
        need: usize,
        frames: &mut [FrameMeta],
        pool: &mut Pool,
    ) -> io::Result<bool> {
        while self.left() < need {
            if self.source.is_none() {
                return Ok(false);
            }
            let room = self.block.len() - self.pos >= need && self.end < self.block.len();
            if !room || Arc::get_mut(&mut self.block).is_none() {
                self.relocate(need, frames, pool);
            }
            let bytes = Arc::get_mut(&mut self.block).expect("a fresh block is not shared");
            let Some(source) = &mut self.source else { return Ok(false) };
            match source.read(&mut bytes[self.end..]) {
                Ok(0) => self.source = None,
                Ok(n) => self.end += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.source = None;
                    return Err(e);
                }
            }
        }
        Ok(true)
    }

    /// Goes on in another block: the waiting frames, close together, then the unparsed bytes.
    fn relocate(&mut self, need: usize, frames: &mut [FrameMeta], pool: &mut Pool) {
        let waiting: usize = frames.iter().map(|f| f.cap_len as usize).sum();
        let mut block = pool.take(waiting + need + pool.block_bytes / 2);
        let to = Arc::get_mut(&mut block).expect("the pool gives blocks that are not shared");
        let mut at = 0;
        for frame in frames {
            let len = frame.cap_len as usize;
            to[at..at + len].copy_from_slice(&self.block[frame.offset..frame.offset + len]);
            frame.offset = at;
            at += len;
        }
        let left = self.left();
        to[at..at + left].copy_from_slice(&self.block[self.pos..self.end]);
        // Frames never need more room close together than they did between their headers.
        self.base += (self.pos - at) as u64;
        self.pos = at;
        self.end = at + left;
        pool.give(std::mem::replace(&mut self.block, block));
    }

    /// Gives the block back.
    pub(crate) fn close(self, pool: &mut Pool) {
        if self.pooled {
            pool.give(self.block);
        }
    }
}
