//! The groups of one key width: an index, and what is kept of each group.

use super::index::{Full, Index, PackedKey};
use super::keys::Keys;
use super::parts::Parts;
use super::sketch::Sketch;
use super::values::{Measure, Moment, Sums, Value, bucket};
use crate::{FlowBlock, FlowColumn};

/// Rows whose groups are looked up before they are counted: what they touch stays in the cache.
const ROWS: usize = 1024;
/// Groups from which on the table is larger than caches, and rows may better be dealt out first.
pub(super) const PARTS_FROM: usize = 128 << 10;

/// What is kept of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Kept {
    /// Numbers of 64 bits; the first counts flows.
    pub(super) slots: Vec<Slot>,
    /// Measures of which there are moments.
    pub(super) measures: Vec<Measure>,
    /// Measures of which there are quantiles.
    pub(super) quantiles: Vec<Measure>,
    /// Columns whose distinct values are counted.
    pub(super) distinct: Vec<FlowColumn>,
    /// Columns whose distinct values are counted about.
    pub(super) sketches: Vec<FlowColumn>,
}

/// A number of 64 bits that is kept of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Flows,
    Sum(FlowColumn),
    Min(FlowColumn),
    Max(FlowColumn),
}

impl Slot {
    const fn start(self) -> u64 {
        match self {
            Self::Min(_) => u64::MAX,
            _ => 0,
        }
    }

    /// The column that it is taken from.
    pub(super) const fn column(self) -> Option<FlowColumn> {
        match self {
            Self::Flows => None,
            Self::Sum(column) | Self::Min(column) | Self::Max(column) => Some(column),
        }
    }

    /// What one row has of a column that is not there.
    pub(super) const fn of_one(self) -> u64 {
        match self {
            Self::Flows => 1,
            other => other.start(),
        }
    }

    #[inline]
    pub(super) fn combine(self, a: u64, b: u64) -> u64 {
        match self {
            Self::Flows | Self::Sum(_) => a.saturating_add(b),
            Self::Min(_) => a.min(b),
            Self::Max(_) => a.max(b),
        }
    }
}

impl Kept {
    /// What these values need.
    pub(super) fn of(values: &[Value]) -> Self {
        let mut kept = Self { slots: vec![Slot::Flows], ..Self::default() };
        for &value in values {
            match value {
                Value::Moment(Moment::Quantile(_), measure) => {
                    add_once(&mut kept.quantiles, measure);
                }
                Value::Moment(_, measure) => add_once(&mut kept.measures, measure),
                Value::Distinct(column) => add_once(&mut kept.distinct, column),
                Value::ApproxDistinct(column) => add_once(&mut kept.sketches, column),
                plain => plain.columns().iter().for_each(|column| {
                    add_once(&mut kept.slots, slot_of(column));
                }),
            }
        }
        kept
    }

    /// Whether nothing but slots is kept.
    const fn is_slots(&self) -> bool {
        self.measures.is_empty()
            && self.quantiles.is_empty()
            && self.distinct.is_empty()
            && self.sketches.is_empty()
    }

    pub(super) fn slot(&self, slot: Slot) -> Option<usize> {
        self.slots.iter().position(|known| *known == slot)
    }
}

/// How a column is kept for plain values and rates.
pub(super) const fn slot_of(column: FlowColumn) -> Slot {
    match column {
        FlowColumn::First => Slot::Min(column),
        FlowColumn::Last => Slot::Max(column),
        other => Slot::Sum(other),
    }
}

fn add_once<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// Counts below groups: of values of a column, or of buckets of a measure.
#[derive(Clone, Debug)]
pub(super) struct Nested<K> {
    index: Index<K>,
    counts: Vec<u64>,
    // Reused from block to block.
    keys: Vec<K>,
    places: Vec<u32>,
}

impl<K: PackedKey> Nested<K> {
    fn new(groups_max: usize) -> Self {
        let index = Index::new(K::BITS, groups_max);
        Self { index, counts: Vec::new(), keys: Vec::new(), places: Vec::new() }
    }

    /// Counts keys, each so many times.
    fn add(&mut self, counted: impl Iterator<Item = (K, u64)> + Clone) -> Result<(), Full> {
        self.keys.clear();
        self.keys.extend(counted.clone().map(|(key, _)| key));
        self.index.find(&self.keys, &mut self.places)?;
        self.counts.resize(self.index.len(), 0);
        for (&place, (_, count)) in self.places.iter().zip(counted) {
            self.counts[place as usize] += count;
        }
        Ok(())
    }

    /// Every key with its count.
    pub(super) fn iter(&self) -> impl Iterator<Item = (K, u64)> + Clone {
        self.index.keys().iter().copied().zip(self.counts.iter().copied())
    }
}

/// Number of a group and a bucket.
pub(super) type BucketKey = u64;
/// Number of a group and a value.
pub(super) type ValueKey = [u64; 3];

/// Groups and what is kept of them.
#[derive(Clone, Debug)]
pub(super) struct Table<K> {
    pub(super) index: Index<K>,
    /// `kept.slots.len()` numbers per group.
    pub(super) slots: Vec<u64>,
    /// `kept.measures.len()` per group.
    pub(super) sums: Vec<Sums>,
    pub(super) quantiles: Vec<Nested<BucketKey>>,
    pub(super) distinct: Vec<Nested<ValueKey>>,
    /// Of each column one per group.
    pub(super) sketches: Vec<Vec<Sketch>>,
    /// In place of index and slots, once there are many groups.
    parts: Option<Box<Parts<K>>>,
    parts_from: usize,
    // Reused from block to block.
    keys: Vec<K>,
    groups: Vec<u32>,
}

impl<K: PackedKey> Table<K> {
    /// For keys of this many bits; from `parts_from` groups on, rows may be dealt out.
    pub(super) fn new(bits: u32, kept: &Kept, groups_max: usize, parts_from: usize) -> Self {
        Self {
            index: Index::new(bits, groups_max),
            slots: Vec::new(),
            sums: Vec::new(),
            quantiles: kept.quantiles.iter().map(|_| Nested::new(groups_max)).collect(),
            distinct: kept.distinct.iter().map(|_| Nested::new(groups_max)).collect(),
            sketches: kept.sketches.iter().map(|_| Vec::new()).collect(),
            parts: None,
            parts_from: if kept.is_slots() { parts_from } else { usize::MAX },
            keys: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// Whether nothing was counted.
    pub(super) fn is_empty(&self) -> bool {
        self.index.len() == 0 && self.parts.is_none()
    }

    /// Counts the rows of a block.
    pub(super) fn add(
        &mut self,
        by: &Keys,
        kept: &Kept,
        block: &FlowBlock,
        is_wide: bool,
    ) -> Result<(), Full> {
        let (mut keys, mut groups) =
            (std::mem::take(&mut self.keys), std::mem::take(&mut self.groups));
        let before = self.index.len();
        for start in (0..block.len()).step_by(ROWS) {
            by.pack(block, is_wide, start..block.len().min(start + ROWS), &mut keys);
            if let Some(parts) = &mut self.parts {
                parts.add(kept, block, start, &keys, self.index.groups_max())?;
                continue;
            }
            self.index.find(&keys, &mut groups)?;
            self.grow(kept);
            self.count(kept, block, start, &groups);
            self.count_nested(kept, block, start, &groups)?;
        }
        (self.keys, self.groups) = (keys, groups);
        // Where most rows belong to groups that are known, those are likely to be in the cache.
        let new = self.index.len().saturating_sub(before);
        if self.index.len() >= self.parts_from && new >= block.len() / 4 {
            self.deal_out(kept);
        }
        Ok(())
    }

    /// Goes over to parts.
    fn deal_out(&mut self, kept: &Kept) {
        if self.parts.is_none() {
            let mut parts = Parts::new(kept);
            parts.push_all(kept, self.index.keys(), &self.slots);
            self.slots = Vec::new();
            self.index = Index::new(K::BITS, self.index.groups_max());
            self.parts = Some(Box::new(parts));
        }
    }

    /// Groups what was dealt out; after that, groups can be told, but none be added.
    pub(super) fn settle(&mut self, kept: &Kept, threads: usize) -> Result<(), Full> {
        if let Some(parts) = self.parts.take() {
            let groups = parts.settle(kept, self.index.groups_max(), threads)?;
            self.index = Index::of_keys(groups.keys);
            self.slots = groups.slots;
        }
        Ok(())
    }

    /// Takes over what another table for the same keys has counted.
    pub(super) fn join(&mut self, kept: &Kept, mut other: Self) -> Result<(), Full> {
        if self.parts.is_none() && other.parts.is_none() {
            return self.absorb(kept, &other, |key| key);
        }
        self.deal_out(kept);
        other.deal_out(kept);
        let max = self.index.groups_max();
        match (&mut self.parts, other.parts) {
            (Some(ours), Some(theirs)) => ours.join(*theirs, kept, max),
            _ => Ok(()),
        }
    }

    /// Room for the groups that are new.
    fn grow(&mut self, kept: &Kept) {
        let stride = kept.slots.len();
        let new = self.index.len() - self.slots.len() / stride;
        if let [Slot::Flows, rest @ ..] = kept.slots.as_slice()
            && rest.iter().all(|slot| slot.start() == 0)
        {
            self.slots.resize(self.index.len() * stride, 0);
        } else {
            for _ in 0..new {
                self.slots.extend(kept.slots.iter().map(|slot| slot.start()));
            }
        }
        self.sums.resize(self.index.len() * kept.measures.len(), Sums::default());
        let groups = self.index.len();
        self.sketches.iter_mut().for_each(|all| all.resize_with(groups, Sketch::default));
    }

    fn count(&mut self, kept: &Kept, block: &FlowBlock, start: usize, groups: &[u32]) {
        let stride = kept.slots.len();
        let slots = &mut self.slots;
        let values = |column| block.u64s(column).and_then(|values| values.get(start..));
        // What is asked for most: one visit to each group in place of three.
        if let [Slot::Flows, Slot::Sum(a), Slot::Sum(b)] = *kept.slots.as_slice()
            && let (Some(a), Some(b)) = (values(a), values(b))
        {
            for ((&group, &a), &b) in groups.iter().zip(a).zip(b) {
                let at = group as usize * 3;
                if let Some([flows, sum_a, sum_b]) = slots.get_mut(at..at + 3) {
                    *flows += 1;
                    *sum_a = sum_a.saturating_add(a);
                    *sum_b = sum_b.saturating_add(b);
                }
            }
            return self.count_measures(kept, block, start, groups);
        }
        for (place, slot) in kept.slots.iter().enumerate() {
            let at = |group: u32| group as usize * stride + place;
            match *slot {
                Slot::Flows => groups.iter().for_each(|&group| slots[at(group)] += 1),
                Slot::Sum(column) => {
                    let Some(values) = values(column) else { continue };
                    for (&group, &value) in groups.iter().zip(values) {
                        let sum = &mut slots[at(group)];
                        *sum = sum.saturating_add(value);
                    }
                }
                Slot::Min(column) => {
                    let Some(values) = values(column) else { continue };
                    for (&group, &value) in groups.iter().zip(values) {
                        let min = &mut slots[at(group)];
                        *min = value.min(*min);
                    }
                }
                Slot::Max(column) => {
                    let Some(values) = values(column) else { continue };
                    for (&group, &value) in groups.iter().zip(values) {
                        let max = &mut slots[at(group)];
                        *max = value.max(*max);
                    }
                }
            }
        }
        self.count_measures(kept, block, start, groups);
    }

    fn count_measures(&mut self, kept: &Kept, block: &FlowBlock, start: usize, groups: &[u32]) {
        for (place, measure) in kept.measures.iter().enumerate() {
            for (row, &group) in groups.iter().enumerate() {
                let at = group as usize * kept.measures.len() + place;
                self.sums[at].add(measure.at(block, start + row));
            }
        }
    }

    fn count_nested(
        &mut self,
        kept: &Kept,
        block: &FlowBlock,
        start: usize,
        groups: &[u32],
    ) -> Result<(), Full> {
        let rows = groups.iter().enumerate();
        for (sketches, &column) in self.sketches.iter_mut().zip(&kept.sketches) {
            for (row, &group) in rows.clone() {
                sketches[group as usize].add(block.value(column, start + row));
            }
        }
        for (nested, measure) in self.quantiles.iter_mut().zip(&kept.quantiles) {
            let bucket = |row| bucket(measure.at(block, start + row));
            nested.add(rows.clone().map(|(row, &group)| (bucket_key(group, bucket(row)), 1)))?;
        }
        for (nested, &column) in self.distinct.iter_mut().zip(&kept.distinct) {
            let value = |row| block.value(column, start + row);
            nested.add(rows.clone().map(|(row, &group)| (value_key(group, value(row)), 1)))?;
        }
        Ok(())
    }

    /// Takes over the groups of another table, whose keys become ours by `rekey`.
    pub(super) fn absorb<L: PackedKey>(
        &mut self,
        kept: &Kept,
        other: &Table<L>,
        rekey: impl Fn(L) -> K,
    ) -> Result<(), Full> {
        let keys: Vec<K> = other.index.keys().iter().map(|&key| rekey(key)).collect();
        if let Some(parts) = &mut self.parts {
            parts.push_all(kept, &keys, &other.slots);
            return Ok(());
        }
        let mut groups = Vec::with_capacity(keys.len());
        self.index.find(&keys, &mut groups)?;
        self.grow(kept);
        let (stride, measures) = (kept.slots.len(), kept.measures.len());
        for (theirs, &ours) in groups.iter().enumerate() {
            for (place, slot) in kept.slots.iter().enumerate() {
                let at = ours as usize * stride + place;
                self.slots[at] = slot.combine(self.slots[at], other.slots[theirs * stride + place]);
            }
            for place in 0..measures {
                let at = ours as usize * measures + place;
                self.sums[at].merge(&other.sums[theirs * measures + place]);
            }
        }
        for (ours, theirs) in self.sketches.iter_mut().zip(&other.sketches) {
            for (&group, theirs) in groups.iter().zip(theirs) {
                ours[group as usize].merge(theirs);
            }
        }
        let ours = |theirs: u32| groups.get(theirs as usize).copied().unwrap_or(0);
        for (nested, other) in self.quantiles.iter_mut().zip(&other.quantiles) {
            let key = |key: u64| bucket_key(ours((key >> 16) as u32), key as u16);
            nested.add(other.iter().map(|(theirs, count)| (key(theirs), count)))?;
        }
        for (nested, other) in self.distinct.iter_mut().zip(&other.distinct) {
            let key = |mut key: ValueKey| {
                let value = key.pop(128);
                value_key(ours(key.pop(32) as u32), value)
            };
            nested.add(other.iter().map(|(theirs, count)| (key(theirs), count)))?;
        }
        Ok(())
    }
}

const fn bucket_key(group: u32, bucket: u16) -> BucketKey {
    (group as u64) << 16 | bucket as u64
}

const fn value_key(group: u32, value: u128) -> ValueKey {
    [group as u64, (value >> 64) as u64, value as u64]
}
