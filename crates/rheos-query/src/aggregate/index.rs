//! Keys to group numbers: a direct table for keys of up to 16 bits, else a hash table.
//!
//! The hash table holds, in 64 bits each, the upper half of a key's hash and its group's number; the keys stand
//! apart, in order of appearance. A slot's place is the uppermost bits of the hash, so that a table that grows
//! is read and written in order. Keys are looked up in batches: first the hashes of all, then their slots, which
//! do not depend on each other and so are fetched at once, then the comparisons.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// A key of fixed width; its order is that of its parts, the first part first.
pub(crate) trait PackedKey: Copy + Eq + Ord + Default + Send + Sync + 'static {
    /// Bits that it holds.
    const BITS: u32;

    /// Appends a part of this many bits; `value` has no more.
    fn push(&mut self, bits: u32, value: u128);

    /// Removes the part that was appended last.
    fn pop(&mut self, bits: u32) -> u128;

    /// 64 well-mixed bits.
    fn hash(self, seed: u64) -> u64;
}

/// Odd numbers without a pattern: digits of pi.
const MIX: [u64; 3] = [0x9e37_79b9_7f4a_7c15, 0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345];

#[inline]
const fn folded(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

impl PackedKey for u64 {
    const BITS: u32 = 64;

    #[inline]
    fn push(&mut self, bits: u32, value: u128) {
        *self = self.checked_shl(bits).unwrap_or(0) | value as Self;
    }

    fn pop(&mut self, bits: u32) -> u128 {
        let value = *self & Self::MAX.checked_shr(64 - bits).unwrap_or(0);
        *self = self.checked_shr(bits).unwrap_or(0);
        value.into()
    }

    #[inline]
    fn hash(self, seed: u64) -> u64 {
        folded(folded(self ^ seed, MIX[0]) ^ MIX[1], MIX[2])
    }
}

impl PackedKey for u128 {
    const BITS: u32 = 128;

    #[inline]
    fn push(&mut self, bits: u32, value: u128) {
        *self = self.checked_shl(bits).unwrap_or(0) | value;
    }

    fn pop(&mut self, bits: u32) -> u128 {
        let value = *self & Self::MAX.checked_shr(128 - bits).unwrap_or(0);
        *self = self.checked_shr(bits).unwrap_or(0);
        value
    }

    #[inline]
    fn hash(self, seed: u64) -> u64 {
        let low = folded(self as u64 ^ seed, MIX[0]);
        folded(low ^ (self >> 64) as u64, MIX[1]) ^ low
    }
}

/// Most significant word first.
impl<const N: usize> PackedKey for [u64; N]
where
    Self: Default,
{
    const BITS: u32 = 64 * N as u32;

    fn push(&mut self, bits: u32, value: u128) {
        let (words, rest) = ((bits / 64) as usize, bits % 64);
        for place in 0..N {
            let word = |at: usize| self.get(at).copied().unwrap_or(0);
            let low = word(place + words + 1).checked_shr(64 - rest).unwrap_or(0);
            self[place] = word(place + words) << rest | low;
        }
        let halves = [(value >> 64) as u64, value as u64];
        for (word, half) in self.iter_mut().rev().zip(halves.iter().rev()) {
            *word |= half;
        }
    }

    fn pop(&mut self, bits: u32) -> u128 {
        let word = |at: Option<usize>| at.and_then(|i| self.get(i)).copied().unwrap_or(0);
        let all = u128::from(word(N.checked_sub(2))) << 64 | u128::from(word(N.checked_sub(1)));
        let value = all & u128::MAX.checked_shr(128 - bits).unwrap_or(0);
        let (words, rest) = ((bits / 64) as usize, bits % 64);
        for place in (0..N).rev() {
            let word = |back: usize| place.checked_sub(back).map_or(0, |at| self[at]);
            let high = word(words + 1).checked_shl(64 - rest).unwrap_or(0);
            self[place] = word(words) >> rest | high;
        }
        value
    }

    #[inline]
    fn hash(self, seed: u64) -> u64 {
        self.iter().fold(seed, |hash, &word| folded(hash ^ word ^ MIX[1], MIX[0]) ^ hash)
    }
}

/// Whoever makes the traffic cannot choose what collides. One for the whole process, so that the tables of all
/// threads deal out keys alike.
static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));

/// The hash by which keys are dealt out, and found among those of their part.
#[inline]
pub(super) fn hash_of<K: PackedKey>(key: K) -> u64 {
    key.hash(*SEED)
}

/// Keys that are looked up together.
const BATCH: usize = 128;
const SLOTS_MIN_LOG2: u32 = 10;

/// The number of each key's group, in order of appearance.
#[derive(Clone, Debug)]
pub(crate) struct Index<K> {
    keys: Vec<K>,
    finder: Finder,
    groups_max: usize,
}

#[derive(Clone, Debug)]
enum Finder {
    /// By the key itself: the number plus 1, or 0.
    Direct(Vec<u32>),
    Hash {
        /// Upper half of the hash, then the number plus 1; 0 is empty.
        slots: Vec<u64>,
        log2: u32,
    },
}

/// More groups than the index may hold.
#[derive(Debug)]
pub(crate) struct Full;

impl<K: PackedKey> Index<K> {
    /// For keys of this many bits.
    pub(crate) fn new(bits: u32, groups_max: usize) -> Self {
        let finder = if bits <= 16 {
            Finder::Direct(vec![0; 1 << bits])
        } else {
            Finder::Hash { slots: vec![0; 1 << SLOTS_MIN_LOG2], log2: SLOTS_MIN_LOG2 }
        };
        Self { keys: Vec::new(), finder, groups_max: groups_max.min(u32::MAX as usize - 1) }
    }

    /// Of keys that were told apart elsewhere; nothing can be found in it any more.
    pub(crate) fn of_keys(keys: Vec<K>) -> Self {
        Self { keys, finder: Finder::Direct(Vec::new()), groups_max: 0 }
    }

    /// How many groups there may be.
    pub(crate) const fn groups_max(&self) -> usize {
        self.groups_max
    }

    /// How many groups there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The key of each group.
    pub(crate) fn keys(&self) -> &[K] {
        &self.keys
    }

    /// Puts the group of every key into `groups`.
    pub(crate) fn find(&mut self, keys: &[K], groups: &mut Vec<u32>) -> Result<(), Full> {
        groups.clear();
        for batch in keys.chunks(BATCH) {
            self.reserve(batch.len());
            match &mut self.finder {
                Finder::Direct(numbers) => {
                    for key in batch {
                        let place = { *key }.pop(16) as usize;
                        let number = &mut numbers[place];
                        if *number == 0 {
                            self.keys.push(*key);
                            *number = self.keys.len() as u32;
                        }
                        groups.push(*number - 1);
                    }
                }
                Finder::Hash { slots, log2 } => {
                    hashed(&mut self.keys, slots, *log2, 0, batch, groups);
                }
            }
            if self.keys.len() > self.groups_max {
                return Err(Full);
            }
        }
        Ok(())
    }

    /// Sees to it that, with this many more, at most half of the slots are taken.
    fn reserve(&mut self, more: usize) {
        let Finder::Hash { slots, log2, .. } = &mut self.finder else { return };
        while (self.keys.len() + more) * 2 > slots.len() && *log2 < 32 {
            *log2 += 1;
            let mut larger = vec![0; slots.len() * 2];
            // A run of full slots may go around the end: from the first empty one on, all are in order.
            let first = slots.iter().position(|&slot| slot == 0).unwrap_or(0);
            let (tail, head) = slots.split_at(first);
            for &slot in head.iter().chain(tail).filter(|&&slot| slot != 0) {
                let mask = larger.len() - 1;
                let mut at = place((slot >> 32) as u32, *log2);
                while larger[at] != 0 {
                    at = (at + 1) & mask;
                }
                larger[at] = slot;
            }
            *slots = larger;
        }
    }
}

#[inline]
const fn place(upper: u32, log2: u32) -> usize {
    // 64 bits, so that a shift by 32 is one.
    ((upper as u64) >> (32 - log2)) as usize
}

/// The groups of keys whose hashes begin with the same `turn` bits, in a table that has room for them.
pub(super) fn find_in_part<K: PackedKey>(
    known: &mut Vec<K>,
    slots: &mut [u64],
    log2: u32,
    turn: u32,
    keys: &[K],
    groups: &mut Vec<u32>,
) {
    for batch in keys.chunks(BATCH) {
        hashed(known, slots, log2, turn, batch, groups);
    }
}

/// One batch in the hash table, which has room for it; the first `turn` bits of hashes tell nothing.
#[inline]
fn hashed<K: PackedKey>(
    known: &mut Vec<K>,
    slots: &mut [u64],
    log2: u32,
    turn: u32,
    batch: &[K],
    groups: &mut Vec<u32>,
) {
    let mask = slots.len() - 1;
    let mut uppers = [0_u32; BATCH];
    let mut firsts = [0_u64; BATCH];
    for (upper, key) in uppers.iter_mut().zip(batch) {
        *upper = (hash_of(*key) << turn >> 32) as u32;
    }
    for (first, upper) in firsts.iter_mut().zip(&uppers[..batch.len()]) {
        *first = slots[place(*upper, log2) & mask];
    }
    // Most keys are known, and lie where their hash says: their groups' keys are fetched at once, too.
    let mut found = [false; BATCH];
    let rows = found.iter_mut().zip(batch).zip(uppers.iter().zip(&firsts));
    for ((found, key), (&upper, &first)) in rows {
        *found = (first >> 32) as u32 == upper
            && known.get((first as u32).wrapping_sub(1) as usize) == Some(key);
    }
    let rows = batch.iter().zip(&uppers).zip(firsts.iter().zip(&found));
    for ((key, &upper), (&first, &found)) in rows {
        if found {
            groups.push(first as u32 - 1);
            continue;
        }
        let is_same = |slot: u64, known: &[K]| {
            (slot >> 32) as u32 == upper
                && known.get((slot as u32).wrapping_sub(1) as usize) == Some(key)
        };
        let mut at = place(upper, log2) & mask;
        loop {
            let slot = slots[at];
            if slot == 0 {
                known.push(*key);
                slots[at] = u64::from(upper) << 32 | known.len() as u64;
                groups.push(known.len() as u32 - 1);
                break;
            }
            if is_same(slot, known) {
                groups.push(slot as u32 - 1);
                break;
            }
            at = (at + 1) & mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn parts_come_back<K: PackedKey>(parts: &[(u32, u128)]) {
        let mut key = K::default();
        let parts: Vec<(u32, u128)> = parts
            .iter()
            .map(|&(bits, value)| (bits, value & u128::MAX.checked_shr(128 - bits).unwrap_or(0)))
            .collect();
        for &(bits, value) in &parts {
            key.push(bits, value);
        }
        for &(bits, value) in parts.iter().rev() {
            assert_eq!(key.pop(bits), value, "{parts:?}");
        }
    }

    fn agrees_with_a_map<K: PackedKey + std::hash::Hash + std::fmt::Debug>(keys: &[K], bits: u32) {
        let mut index = Index::new(bits, usize::MAX);
        let mut groups = Vec::new();
        index.find(keys, &mut groups).unwrap();
        let mut map = HashMap::new();
        for (key, &group) in keys.iter().zip(&groups) {
            let next = map.len() as u32;
            assert_eq!(*map.entry(*key).or_insert(next), group);
            assert_eq!(index.keys()[group as usize], *key);
        }
        let before = groups.clone();
        index.find(keys, &mut groups).unwrap();
        assert_eq!(groups, before);
        assert_eq!(index.len(), map.len());
    }

    #[test]
    fn many_keys_keep_their_numbers_while_the_table_grows() {
        let keys: Vec<u64> = (0..100_000).map(|n| n * n % 77_777).collect();
        agrees_with_a_map(&keys, 64);
        let mut index = Index::<u64>::new(64, 10);
        assert!(index.find(&keys, &mut Vec::new()).is_err());
    }

    proptest! {
        #[test]
        fn packing_is_undone(widths in proptest::collection::vec((1..65_u32, any::<u128>()), 1..8)) {
            parts_come_back::<[u64; 8]>(&widths);
            let narrow: Vec<_> = widths.iter().map(|&(b, v)| (b % 16 + 1, v)).collect();
            parts_come_back::<u128>(&narrow);
            parts_come_back::<u64>(&narrow[..narrow.len().min(4)]);
            parts_come_back::<u128>(&[(128, widths[0].1)]);
            parts_come_back::<[u64; 8]>(&[(128, widths[0].1), (128, 7), (128, 9), (128, 1)]);
            parts_come_back::<[u64; 3]>(&[(32, 5), (128, widths[0].1)]);
        }

        #[test]
        fn the_index_agrees_with_a_map(keys in proptest::collection::vec(0..300_u64, 0..2000)) {
            agrees_with_a_map(&keys, 16);
            agrees_with_a_map(&keys, 64);
            let wide: Vec<u128> = keys.iter().map(|&k| u128::from(k) << 90 | 1).collect();
            agrees_with_a_map(&wide, 128);
            let wider: Vec<[u64; 8]> = keys.iter().map(|&k| [k, 0, 0, 0, 0, 0, 0, k]).collect();
            agrees_with_a_map(&wider, 512);
        }

        #[test]
        fn packed_keys_are_in_the_order_of_their_parts(a: [u16; 3], b: [u16; 3]) {
            fn pack<K: PackedKey>(parts: [u16; 3]) -> K {
                let mut key = K::default();
                for part in parts {
                    key.push(16, part.into());
                }
                key
            }
            prop_assert_eq!(pack::<u64>(a).cmp(&pack(b)), a.cmp(&b));
            prop_assert_eq!(pack::<[u64; 8]>(a).cmp(&pack(b)), a.cmp(&b));
        }
    }
}
