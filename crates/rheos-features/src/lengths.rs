//! Packet lengths of a long flow, counted: exact up to a limit of distinct lengths.

use rheos_core::Direction;

/// How many distinct lengths are told apart; the rest count as the nearest lower one that is.
pub const DISTINCT_MAX: usize = 2048;

/// How often one length occurred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LengthCount {
    len: u32,
    /// How many distinct lengths had been seen before it.
    order: u32,
    counts: [u32; 2],
}

/// Counts per length and direction, in order of length.
#[derive(Clone, Debug, Default)]
pub struct LengthCounts {
    entries: Vec<LengthCount>,
    /// Where the last length was found: most packets repeat one.
    last: usize,
    folded: u64,
}

impl LengthCounts {
    /// Counts one packet.
    pub fn add(&mut self, len: u32, direction: Direction) {
        let place = self.place(len);
        if let Some(entry) = self.entries.get_mut(place) {
            let count = &mut entry.counts[direction.index()];
            *count = count.saturating_add(1);
        }
        self.last = place;
    }

    /// Where `len` is counted; makes the place if there is room.
    fn place(&mut self, len: u32) -> usize {
        if self.entries.get(self.last).is_some_and(|e| e.len == len) {
            return self.last;
        }
        match self.entries.binary_search_by_key(&len, |e| e.len) {
            Ok(found) => found,
            Err(at) if self.entries.len() < DISTINCT_MAX => {
                let order = self.entries.len() as u32;
                self.entries.insert(at, LengthCount { len, order, counts: [0; 2] });
                at
            }
            Err(at) => {
                self.folded += 1;
                at.saturating_sub(1)
            }
        }
    }

    /// Packets that were counted under another length because there were too many.
    pub fn folded(&self) -> u64 {
        self.folded
    }

    /// Packets, of both directions or one.
    pub fn total(&self, side: Option<Direction>) -> u64 {
        self.entries.iter().map(|e| e.count(side)).sum()
    }

    /// The length of the given rank, counted from 0.
    pub fn at(&self, side: Option<Direction>, rank: u64) -> u32 {
        let mut value = [0.0];
        self.walk(side, &[rank], &mut value);
        value[0] as u32
    }

    /// As [`Self::at`] for ranks in ascending order, in one pass over the lengths.
    pub(crate) fn walk(&self, side: Option<Direction>, ranks: &[u64], values: &mut [f64]) {
        let mut entries = self.entries.iter();
        let (mut passed, mut here) = (0, 0);
        for (&rank, value) in ranks.iter().zip(values) {
            while passed <= rank {
                let Some(entry) = entries.next() else { break };
                passed += entry.count(side);
                here = entry.len;
            }
            *value = f64::from(here);
        }
    }

    /// The most frequent length with its count; of equals, the one seen first.
    pub fn mode(&self) -> Option<(u32, u64)> {
        self.entries
            .iter()
            .max_by_key(|e| (e.count(None), std::cmp::Reverse(e.order)))
            .map(|e| (e.len, e.count(None)))
    }

    /// Every length with how many packets of both directions have it, in order of length.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.entries.iter().map(|e| (e.len, e.count(None)))
    }

    /// Memory in bytes beyond the struct itself.
    pub fn heap_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<LengthCount>()
    }
}

impl LengthCount {
    fn count(&self, side: Option<Direction>) -> u64 {
        match side {
            Some(direction) => u64::from(self.counts[direction.index()]),
            None => u64::from(self.counts[0]) + u64::from(self.counts[1]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const F: Direction = Direction::Forward;
    const B: Direction = Direction::Backward;

    #[test]
    fn ranks_and_mode_per_direction() {
        let mut counts = LengthCounts::default();
        for (len, direction) in [(1500, B), (40, F), (1500, B), (40, F), (60, F)] {
            counts.add(len, direction);
        }
        let all: Vec<_> = (0..5).map(|rank| counts.at(None, rank)).collect();
        assert_eq!(all, [40, 40, 60, 1500, 1500]);
        assert_eq!((counts.total(Some(F)), counts.total(Some(B))), (3, 2));
        assert_eq!(counts.at(Some(F), 2), 60);
        assert_eq!(counts.mode(), Some((1500, 2)), "1500 came before 40");
        assert_eq!(counts.iter().collect::<Vec<_>>(), [(40, 2), (60, 1), (1500, 2)]);
        assert_eq!(LengthCounts::default().mode(), None);
    }

    #[test]
    fn too_many_lengths_fold_downwards_and_are_counted() {
        let mut counts = LengthCounts::default();
        for len in 0..DISTINCT_MAX as u32 {
            counts.add(100 + 2 * len, F);
        }
        assert_eq!(counts.folded(), 0);
        counts.add(103, F);
        counts.add(5, F);
        assert_eq!(counts.folded(), 2);
        assert_eq!(counts.at(None, 0), 100, "below all: the lowest");
        assert_eq!(counts.at(None, 1), 100);
        assert_eq!((counts.at(None, 2), counts.at(None, 3)), (102, 102));
        assert_eq!(counts.total(None), DISTINCT_MAX as u64 + 2);
    }
}
