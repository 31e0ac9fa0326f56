//! How many different values there were: exact up to a limit, estimated beyond it, in memory of that limit.
//!
//! Kept are the smallest hashes ("k minimum values": Bar-Yossef and others, 2002; Beyer and others, SIGMOD 2007).
//! While there are fewer than `K`, all are there. After that, hashes lie evenly between 0 and 2^64, so the `K`th
//! smallest, `h`, tells how dense they are: (K - 1) * 2^64 / h. The standard error is 1 / sqrt(K - 2). The order of
//! values does not matter.

/// The `K` smallest different hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Smallest<const K: usize> {
    /// In order.
    hashes: Vec<u64>,
}

impl<const K: usize> Smallest<K> {
    /// Takes in the hash of a value, which must be evenly spread.
    pub fn add(&mut self, hash: u64) {
        let full = self.hashes.len() >= K;
        if full && self.hashes.last().is_none_or(|&last| hash >= last) {
            return;
        }
        if let Err(place) = self.hashes.binary_search(&hash) {
            if full {
                self.hashes.pop();
            }
            self.hashes.insert(place, hash);
        }
    }

    /// How many different values there were: exact below `K`.
    pub fn count(&self) -> u64 {
        let kept = self.hashes.len();
        match self.hashes.last() {
            Some(&last) if kept >= K && last > 0 => {
                ((kept - 1) as f64 * 2_f64.powi(64) / last as f64).round().max(kept as f64) as u64
            }
            _ => kept as u64,
        }
    }

    /// Memory in bytes beyond the struct itself.
    pub fn heap_bytes(&self) -> usize {
        self.hashes.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SplitMix64: a bijection, so that different numbers have different hashes.
    fn hash(number: u64) -> u64 {
        let z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    #[test]
    fn exact_below_the_limit() {
        let mut few = Smallest::<8>::default();
        assert_eq!(few.count(), 0);
        for number in [3, 1, 3, 2, 1, 3] {
            few.add(hash(number));
        }
        assert_eq!(few.count(), 3);
        for number in 0..7 {
            few.add(hash(number));
        }
        assert_eq!(few.count(), 7);
    }

    #[test]
    fn near_beyond_it_whatever_the_order() {
        let mut there = Smallest::<512>::default();
        let mut back = Smallest::<512>::default();
        for number in 1..=100_000 {
            there.add(hash(number));
            back.add(hash(100_001 - number));
        }
        assert_eq!(there, back);
        // three standard errors of 4.4 %
        let count = there.count() as f64;
        assert!((count - 100_000.0).abs() < 13_300.0, "{count}");
        assert!(there.heap_bytes() <= 1024 * 8);
    }
}
