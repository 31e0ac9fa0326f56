//! Bringing a capture into the processor's caches before it is parsed.
//!
//! Where a record begins only the one before it tells, so that a parser which goes from header to header waits for
//! memory once per record. Reading one byte of each cache line a little ahead, all of them and in order, has the
//! processor fetch many lines at a time: that more than doubles the speed of a capture in memory.

use std::hint::black_box;

/// Bytes of a cache line on all processors of interest.
const LINE: usize = 64;
/// How far ahead of the parser lines are asked for, and how many bytes' lines at a time.
const AHEAD: usize = 1024;

/// How far lines have been asked for.
#[derive(Debug)]
pub(crate) struct Ahead(usize);

impl Ahead {
    /// Begins at `pos`.
    pub(crate) fn new(pos: usize) -> Self {
        Self(pos)
    }

    /// Asks for all lines of `bytes` up to at least [`AHEAD`] bytes beyond `pos`.
    #[inline]
    pub(crate) fn ask(&mut self, bytes: &[u8], pos: usize) {
        while self.0 < pos.saturating_add(AHEAD) {
            let Some(lines) = bytes.get(self.0..).and_then(<[u8]>::first_chunk::<AHEAD>) else {
                return;
            };
            let (lines, _) = lines.as_chunks::<LINE>();
            // Or the compiler would leave out what nobody looks at.
            black_box(lines.iter().fold(0, |sum, line| sum ^ line[0]));
            self.0 += AHEAD;
        }
    }
}
