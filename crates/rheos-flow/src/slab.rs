//! Slots that never move: chunks of them, so that growing copies nothing and wastes at most one chunk.

use std::ops::{Index, IndexMut};

/// Slots per chunk, a power of two.
const CHUNK: usize = 64;

/// A growing list of slots, counted from 0.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    chunks: Vec<Vec<T>>,
}

impl<T> Slab<T> {
    /// No slots.
    pub(crate) fn new() -> Self {
        Self { chunks: Vec::new() }
    }

    /// Adds a slot; returns its number.
    pub(crate) fn push(&mut self, slot: T) -> u32 {
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let chunk = self.chunks.len() - 1;
        self.chunks[chunk].push(slot);
        (chunk * CHUNK + self.chunks[chunk].len() - 1) as u32
    }

    /// Forgets all slots.
    pub(crate) fn clear(&mut self) {
        self.chunks.clear();
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    #[inline]
    fn index(&self, number: u32) -> &T {
        &self.chunks[number as usize / CHUNK][number as usize % CHUNK]
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, number: u32) -> &mut T {
        &mut self.chunks[number as usize / CHUNK][number as usize % CHUNK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_keep_their_numbers_and_places() {
        let mut slab = Slab::new();
        let first: *const u32 = {
            slab.push(0);
            &raw const slab[0]
        };
        for n in 1..1000 {
            assert_eq!(slab.push(n), n);
        }
        assert!((0..1000).all(|n| slab[n] == n));
        slab[999] += 1;
        assert_eq!(slab[999], 1000);
        assert_eq!(first, &raw const slab[0], "growing moves nothing");
        slab.clear();
        assert_eq!(slab.push(7), 0);
    }
}
