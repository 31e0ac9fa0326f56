//! Counts by key up to a limit, and distinct values beyond it.

use std::collections::HashMap;
use std::hash::Hash;

use datasketches::hll::{HllSketch, HllType};

use super::SKETCH_LG_K;

/// Counts by key; a key that finds no room is not counted.
#[derive(Debug)]
pub(super) struct Tally<K> {
    counts: HashMap<K, u64>,
    max: usize,
}

impl<K: Hash + Eq> Tally<K> {
    pub(super) fn new(max: usize) -> Self {
        Self { counts: HashMap::new(), max }
    }

    /// Counts one; how many there are now, or nothing if there is no room for the key.
    pub(super) fn add(&mut self, key: K) -> Option<u64> {
        if let Some(count) = self.counts.get_mut(&key) {
            *count += 1;
            return Some(*count);
        }
        let room = !self.is_full();
        room.then(|| *self.counts.entry(key).or_insert(1))
    }

    pub(super) fn get(&self, key: &K) -> Option<u64> {
        self.counts.get(key).copied()
    }

    pub(super) fn is_full(&self) -> bool {
        self.counts.len() >= self.max
    }

    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        self.counts.retain(|key, _| keep(key));
    }
}

/// How many distinct values there are: those that a [`Tally`] knows, and an estimate of the others.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    known: u64,
    beyond: Option<Box<HllSketch>>,
}

impl Distinct {
    /// Adds a value: one that is new in the tally, or one that found no room there.
    pub(super) fn add(&mut self, beyond: bool, value: &impl Hash) {
        if !beyond {
            self.known += 1;
            return;
        }
        if self.beyond.is_none() {
            self.beyond = HllSketch::new(SKETCH_LG_K, HllType::Hll4).ok().map(Box::new);
        }
        if let Some(sketch) = &mut self.beyond {
            sketch.update(value);
        }
    }

    pub(super) fn count(&self) -> u64 {
        let beyond = self.beyond.as_ref().map_or(0.0, |sketch| sketch.estimate().round());
        self.known + beyond as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_values_beyond_are_estimated_within_a_few_per_cent() {
        for wanted in [1_u64, 10, 1_000, 100_000] {
            let mut distinct = Distinct::default();
            distinct.add(false, &0);
            for value in 0..wanted {
                distinct.add(true, &value);
                distinct.add(true, &value);
            }
            let error = (distinct.count() as f64 - 1.0 - wanted as f64).abs() / wanted as f64;
            assert!(error < 0.08, "{} instead of {wanted}", distinct.count() - 1);
        }
    }
}
