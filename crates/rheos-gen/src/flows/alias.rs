//! A weighted choice in constant time from one random half word: the alias method (Walker 1977, Vose 1991).
//!
//! Weights are whole shares of 2^32 that sum to it exactly, so no rounding leaves a gap for which some choice has
//! to stand in, and a choice of weight 0 is never made.

#![expect(clippy::inline_always, reason = "a record is made of ten calls of a few instructions")]

use std::hint::select_unpredictable;

/// A place of the table: below the threshold itself, else its alias.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) threshold: u32,
    pub(super) alias: u32,
}

/// The table; its length is a power of two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alias {
    slots: Vec<Slot>,
    /// The same, threshold above alias.
    packed: Vec<u64>,
    bits: u32,
}

/// All of the probability.
const WHOLE: u64 = 1 << 32;

/// Most choices: 12 bits choose the slot, 20 decide in it.
pub(super) const CHOICES_MAX: usize = 1 << 12;

/// Shares of 2^32 in proportion to `weights` (finite, not negative), summing to 2^32: the largest remainders get what
/// rounding down leaves. All zero weights give all to the first.
pub(super) fn shares(weights: &[f64]) -> Vec<u64> {
    let total: f64 = weights.iter().sum();
    let exact: Vec<f64> =
        weights.iter().map(|&w| if total > 0.0 { w / total * WHOLE as f64 } else { 0.0 }).collect();
    let mut shares: Vec<u64> = exact.iter().map(|e| e.floor() as u64).collect();
    let mut order: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0.0).collect();
    order.sort_by(|&a, &b| (exact[b] - exact[b].floor()).total_cmp(&(exact[a] - exact[a].floor())));
    if order.is_empty() && !shares.is_empty() {
        order.push(0);
    }
    let mut missing = WHOLE.saturating_sub(shares.iter().sum());
    // Floating point leaves less than one unit for each; all zero weights leave everything.
    while missing > 0 && !order.is_empty() {
        let part = missing.div_ceil(order.len() as u64);
        for &i in &order {
            let part = part.min(missing);
            shares[i] += part;
            missing -= part;
        }
    }
    shares
}

impl Alias {
    /// From shares that sum to 2^32, with at least `2^bits_min` slots.
    pub(super) fn new(shares: &[u64], bits_min: u32) -> Self {
        let bits = bits_min.max(shares.len().next_power_of_two().trailing_zeros()).max(1);
        let length = 1_usize << bits;
        let capacity = WHOLE >> bits;
        let mut rest: Vec<u64> = shares.to_vec();
        rest.resize(length, 0);
        let mut slots = vec![Slot::default(); length];
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..length).partition(|&i| rest[i] < capacity);
        while let Some(low) = small.pop() {
            // The shares sum to the capacity of all slots, so there is one with more as long as one has less.
            let Some(&high) = large.last() else { break };
            slots[low] = Slot { threshold: (rest[low] << bits) as u32, alias: high as u32 };
            rest[high] -= capacity - rest[low];
            if rest[high] < capacity {
                large.pop();
                small.push(high);
            }
        }
        for full in large {
            slots[full] = Slot { threshold: u32::MAX, alias: full as u32 };
        }
        let pack = |slot: &Slot| u64::from(slot.threshold) << 32 | u64::from(slot.alias);
        let packed = slots.iter().map(pack).collect();
        Self { slots, packed, bits }
    }

    /// The choice that a random half word makes.
    #[inline(always)]
    pub(super) fn pick(&self, half: u32) -> u32 {
        let index = half >> (32 - self.bits);
        let slot = self.packed.get(index as usize).copied().unwrap_or_default();
        // One load for both parts: a second one would wait for a branch on a coin's fall.
        select_unpredictable(half << self.bits < (slot >> 32) as u32, index, slot as u32)
    }

    /// The choices that random half words make: one after the other, as gathers into vectors are slower.
    #[inline(never)]
    pub(super) fn pick_all(&self, halves: &[u32], out: &mut [u32]) {
        for (out, &half) in out.iter_mut().zip(halves) {
            *out = self.pick(half);
        }
    }

    /// The slots, a power of two of them.
    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What share of all half words each choice really gets, by adding up the slots.
    fn told(alias: &Alias, choices: usize) -> Vec<u64> {
        let capacity = WHOLE >> alias.bits;
        let mut told = vec![0; choices];
        for (index, slot) in alias.slots.iter().enumerate() {
            let own = if slot.alias as usize == index {
                capacity
            } else {
                u64::from(slot.threshold) >> alias.bits
            };
            if own > 0 {
                told[index] += own;
            }
            if own < capacity {
                told[slot.alias as usize] += capacity - own;
            }
        }
        told
    }

    #[test]
    fn shares_sum_to_the_whole() {
        for weights in [
            vec![1.0],
            vec![1.0, 1.0, 1.0],
            vec![40.0, 20.0, 15.0, 10.0, 15.0],
            vec![33.33, 33.33, 33.33],
            vec![0.0, 1e-12, 1.0],
            vec![0.0, 0.0],
            vec![1e-300, 1e-300],
        ] {
            let shares = shares(&weights);
            assert_eq!(shares.iter().sum::<u64>(), WHOLE, "{weights:?}");
            let told = told(&Alias::new(&shares, 5), weights.len());
            assert_eq!(told, shares, "{weights:?}");
        }
        assert_eq!(shares(&[0.0, 3.0, 0.0]), [0, WHOLE, 0]);
    }

    #[test]
    fn many_choices_keep_their_shares() {
        let weights: Vec<f64> = (0..CHOICES_MAX).map(|i| (i * i % 97) as f64).collect();
        let shares = shares(&weights);
        assert_eq!(told(&Alias::new(&shares, 5), weights.len()), shares);
    }

    /// A pick by `r <= cumulative sum` gives a choice of weight 0 the words that hit the sum exactly.
    #[test]
    fn defect_14_a_weight_of_zero_is_never_picked() {
        let alias = Alias::new(&shares(&[0.0, 60.0, 0.0, 40.0, 0.0]), 4);
        for half in (0..=u32::MAX).step_by(65_537).chain([0, u32::MAX, 1 << 31, (1 << 31) - 1]) {
            assert!(matches!(alias.pick(half), 1 | 3), "{half}");
        }
    }
}
