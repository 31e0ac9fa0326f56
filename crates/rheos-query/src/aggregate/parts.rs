//! Groups that are too many for the cache: rows are dealt out by the hashes of their keys, and grouped later, part
//! by part, each in a table that fits into the cache (radix partitioning).
//!
//! What is dealt out are partial groups, a key with its numbers; a row is a group of one flow. When too many
//! wait, each part is grouped, and what comes of it waits again: so the memory is that of the groups, and of so
//! many rows.

use std::thread;

use super::index::{Full, PackedKey, find_in_part, hash_of};
use super::table::{Kept, Slot};
use crate::FlowBlock;

/// So many parts that one of some ten million groups fits into the second-level cache.
const PARTS_LOG2: u32 = 10;
/// Partial groups that are kept in one piece of memory.
const CHUNK: usize = 256;
/// Memory of partial groups that wait before they are grouped, unless the groups themselves need more.
const WAITING_BYTES_MAX: usize = 512 << 20;

/// Partial groups, dealt out.
#[derive(Clone, Debug)]
pub(super) struct Parts<K> {
    all: Vec<Part<K>>,
    /// Partial groups in all parts.
    len: usize,
    /// How many may wait.
    len_max: usize,
    /// Reused from block to block.
    places: Vec<u16>,
}

#[derive(Clone, Debug)]
struct Part<K> {
    full: Vec<Chunk<K>>,
    open: Chunk<K>,
}

/// Keys, and as many numbers of each as are kept.
#[derive(Clone, Debug)]
pub(super) struct Chunk<K> {
    pub(super) keys: Vec<K>,
    pub(super) slots: Vec<u64>,
}

impl<K> Default for Chunk<K> {
    fn default() -> Self {
        Self { keys: Vec::new(), slots: Vec::new() }
    }
}

impl<K: PackedKey> Part<K> {
    #[inline]
    fn push(&mut self, key: K, slots: &[u64]) {
        if self.open.keys.len() == self.open.keys.capacity() {
            self.turn(slots.len());
        }
        self.open.keys.push(key);
        self.open.slots.extend_from_slice(slots);
    }

    /// A new chunk in place of the full one.
    #[cold]
    fn turn(&mut self, stride: usize) {
        let open =
            Chunk { keys: Vec::with_capacity(CHUNK), slots: Vec::with_capacity(CHUNK * stride) };
        let full = std::mem::replace(&mut self.open, open);
        if !full.keys.is_empty() {
            self.full.push(full);
        }
    }

    fn take(&mut self) -> Vec<Chunk<K>> {
        let mut chunks = std::mem::take(&mut self.full);
        chunks.push(std::mem::take(&mut self.open));
        chunks
    }
}

impl<K: PackedKey> Parts<K> {
    pub(super) fn new(kept: &Kept) -> Self {
        let part = || Part { full: Vec::new(), open: Chunk::default() };
        let bytes = size_of::<K>() + kept.slots.len() * size_of::<u64>();
        Self {
            all: (0..1 << PARTS_LOG2).map(|_| part()).collect(),
            len: 0,
            len_max: WAITING_BYTES_MAX / bytes,
            places: Vec::new(),
        }
    }

    /// Deals out groups with their numbers.
    pub(super) fn push_all(&mut self, kept: &Kept, keys: &[K], slots: &[u64]) {
        for (&key, slots) in keys.iter().zip(slots.chunks_exact(kept.slots.len())) {
            self.all[place(key)].push(key, slots);
        }
        self.len += keys.len();
    }

    /// Deals out the rows of a block from `start` on, of which these are the keys.
    pub(super) fn add(
        &mut self,
        kept: &Kept,
        block: &FlowBlock,
        start: usize,
        keys: &[K],
        groups_max: usize,
    ) -> Result<(), Full> {
        self.places.clear();
        self.places.extend(keys.iter().map(|&key| place(key) as u16));
        let values = |column| block.u64s(column).and_then(|values| values.get(start..));
        let rows = self.places.iter().zip(keys);
        if let [Slot::Flows, Slot::Sum(a), Slot::Sum(b)] = *kept.slots.as_slice()
            && let (Some(a), Some(b)) = (values(a), values(b))
        {
            for ((&place, &key), (&a, &b)) in rows.zip(a.iter().zip(b)) {
                self.all[usize::from(place)].push(key, &[1, a, b]);
            }
        } else {
            let columns: Vec<Option<&[u64]>> =
                kept.slots.iter().map(|slot| slot.column().and_then(values)).collect();
            let mut slots = vec![0; kept.slots.len()];
            for (row, (&place, &key)) in rows.enumerate() {
                for ((slot, kind), column) in slots.iter_mut().zip(&kept.slots).zip(&columns) {
                    let value = column.and_then(|values| values.get(row));
                    *slot = value.copied().unwrap_or_else(|| kind.of_one());
                }
                self.all[usize::from(place)].push(key, &slots);
            }
        }
        self.len += keys.len();
        if self.len > self.len_max { self.compact(kept, groups_max) } else { Ok(()) }
    }

    /// Takes over what another one has.
    pub(super) fn join(
        &mut self,
        mut other: Self,
        kept: &Kept,
        groups_max: usize,
    ) -> Result<(), Full> {
        for (ours, theirs) in self.all.iter_mut().zip(&mut other.all) {
            ours.full.append(&mut theirs.take());
        }
        self.len += other.len;
        self.len_max += other.len_max;
        if self.len > self.len_max { self.compact(kept, groups_max) } else { Ok(()) }
    }

    /// Groups what waits in each part. What is left waits on.
    #[cold]
    fn compact(&mut self, kept: &Kept, groups_max: usize) -> Result<(), Full> {
        let mut finder = Vec::new();
        self.len = 0;
        for part in &mut self.all {
            let mut whole = Chunk::default();
            group(part.take(), kept, &mut finder, &mut whole);
            self.len += whole.keys.len();
            part.full.push(whole);
            if self.len > groups_max {
                return Err(Full);
            }
        }
        // As many again as there are groups, so that the work stays in proportion to the rows.
        self.len_max = self.len_max.max(self.len * 2);
        Ok(())
    }

    /// The groups, found by this many threads.
    pub(super) fn settle(
        mut self,
        kept: &Kept,
        groups_max: usize,
        threads: usize,
    ) -> Result<Chunk<K>, Full> {
        let share = self.all.len().div_ceil(threads.max(1));
        let room = self.len / threads.max(1) + self.len / 64;
        let settle = |parts: &mut [Part<K>]| {
            let mut finder = Vec::new();
            let mut whole = Chunk {
                keys: Vec::with_capacity(room),
                slots: Vec::with_capacity(room * kept.slots.len()),
            };
            for part in parts {
                group(part.take(), kept, &mut finder, &mut whole);
                if whole.keys.len() > groups_max {
                    return Err(Full);
                }
            }
            Ok(whole)
        };
        let mut shares = self.all.chunks_mut(share);
        let first = shares.next().unwrap_or_default();
        thread::scope(|scope| {
            let others: Vec<_> = shares.map(|share| scope.spawn(move || settle(share))).collect();
            let mut all = settle(first)?;
            for other in others {
                let Ok(other) = other.join() else { return Err(Full) };
                let other = other?;
                all.keys.extend_from_slice(&other.keys);
                all.slots.extend_from_slice(&other.slots);
            }
            if all.keys.len() > groups_max { Err(Full) } else { Ok(all) }
        })
    }
}

#[inline]
fn place<K: PackedKey>(key: K) -> usize {
    (hash_of(key) >> (64 - PARTS_LOG2)) as usize
}

/// Appends the groups of one part to `out`.
fn group<K: PackedKey>(
    chunks: Vec<Chunk<K>>,
    kept: &Kept,
    finder: &mut Vec<u64>,
    out: &mut Chunk<K>,
) {
    let len: usize = chunks.iter().map(|chunk| chunk.keys.len()).sum();
    // At most half of the slots are taken.
    let log2 = (len * 2).next_power_of_two().ilog2().max(1);
    finder.clear();
    finder.resize(1 << log2, 0);
    let stride = kept.slots.len();
    let mut groups = Vec::with_capacity(CHUNK);
    for chunk in chunks {
        let rows = chunk.keys.chunks(CHUNK).zip(chunk.slots.chunks(CHUNK * stride));
        for (keys, slots) in rows {
            groups.clear();
            find_in_part(&mut out.keys, finder, log2, PARTS_LOG2, keys, &mut groups);
            for (&group, theirs) in groups.iter().zip(slots.chunks_exact(stride)) {
                let at = group as usize * stride;
                if let Some(ours) = out.slots.get_mut(at..at + stride) {
                    for ((ours, &theirs), slot) in ours.iter_mut().zip(theirs).zip(&kept.slots) {
                        *ours = slot.combine(*ours, theirs);
                    }
                } else {
                    out.slots.extend_from_slice(theirs);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::FlowColumn;

    proptest! {
        /// Keys that come again are one group, also when what waits is grouped early.
        #[test]
        fn partial_groups_become_whole(
            rows in proptest::collection::vec((0..900_u64, 1..100_u64), 1..3000),
            len_max in 1..2000_usize,
            threads in 1..4_usize,
        ) {
            let kept = Kept {
                slots: vec![Slot::Flows, Slot::Max(FlowColumn::Last)],
                ..Kept::default()
            };
            let mut map: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
            let (mut parts, mut other) = (Parts::<u64>::new(&kept), Parts::<u64>::new(&kept));
            (parts.len_max, other.len_max) = (len_max, len_max);
            for (n, rows) in rows.chunks(100).enumerate() {
                let keys: Vec<u64> = rows.iter().map(|row| row.0).collect();
                let last: Vec<u64> = rows.iter().map(|row| row.1).collect();
                let block = FlowBlock::new(rows.len())
                    .with(FlowColumn::Last, crate::Column::U64(last.into()));
                let into = if n % 3 == 0 { &mut other } else { &mut parts };
                prop_assert!(into.add(&kept, &block, 0, &keys, 900).is_ok());
                for &(key, last) in rows {
                    let group = map.entry(key).or_default();
                    *group = (group.0 + 1, group.1.max(last));
                }
            }
            prop_assert!(parts.join(other, &kept, 900).is_ok());
            let groups = parts.settle(&kept, 900, threads).map_err(|_| TestCaseError::fail("full"))?;
            let slots = groups.slots.chunks_exact(2).map(|slots| (slots[0], slots[1]));
            let found: BTreeMap<u64, (u64, u64)> = groups.keys.iter().copied().zip(slots).collect();
            prop_assert_eq!(groups.keys.len(), map.len());
            prop_assert_eq!(found, map);
        }
    }
}
