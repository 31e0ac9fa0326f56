//! A distribution as a table of its quantiles: one random word gives one value.
//!
//! A level of the table has 1024 equal parts, in which values are even. What lies above all but one in 64 is told by
//! the next level, which looks at that share alone: so the parts stay narrow far into a heavy tail, and the level that
//! nearly all draws use is small (4 KiB).

#![expect(clippy::inline_always, reason = "loops over a block become vectors only as a whole")]

use super::distribution::{Distribution, Shares};

/// Parts of a level, and how many bits choose one.
const PARTS: usize = 1 << BITS;
const BITS: u32 = 10;
/// A level is for the upper share of 2^-6 of the one before; the last part of the last one is one in 2^40.
const NEXT_BITS: u32 = 6;
const LEVELS: usize = 6;

/// Entries of a table: the ends of all parts.
pub(super) const ENTRIES: usize = LEVELS * (PARTS + 1);

/// Values at the ends of all parts, level by level.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flows) struct Quantiles(Vec<f32>);

/// A place of a distribution as a table has it: the entry below, and how far on to the next (0 to below 1).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spot {
    pub(super) entry: u32,
    pub(super) within: f64,
}

/// Where 64 random bits lie: 0 is the least value, `u64::MAX` the most.
#[inline(always)]
pub(super) fn spot(place: u64) -> Spot {
    let ones = (!place).leading_zeros();
    // A sixth, for numbers up to 64.
    let level = ((ones * 43) >> 8).min(LEVELS as u32 - 1);
    let rest = place << (level * NEXT_BITS);
    let entry = level * (PARTS as u32 + 1) + (rest >> (64 - BITS)) as u32;
    // 52 bits as the fraction of a number from 1 to 2.
    let within = f64::from_bits(0x3ff0_0000_0000_0000 | rest << BITS >> 12) - 1.0;
    Spot { entry, within }
}

/// A value that is not negative and below 2^52, rounded to the nearest whole number (halves to the even one), as such
/// and as a float: by an addition that leaves no bits for a fraction.
#[inline(always)]
pub(super) fn whole(value: f64) -> (u64, f64) {
    const SHIFT: f64 = 4_503_599_627_370_496.0;
    let shifted = value + SHIFT;
    (shifted.to_bits() & 0x000f_ffff_ffff_ffff, shifted - SHIFT)
}

impl Quantiles {
    /// The table of a distribution, its values put through `map`, which must never fall.
    pub(super) fn new(shares: &Shares<'_>, map: impl Fn(f64) -> f64) -> Self {
        let mut ends = Vec::with_capacity(ENTRIES);
        for level in 0..LEVELS as u32 {
            let unit = 1.0 / (1_u64 << (NEXT_BITS * level + BITS)) as f64;
            // The last end may be infinite: it is taken to be half a part before. Wanted shares fall.
            let above = (0..=PARTS).map(|part| (PARTS - part) as f64).map(|p| p.max(0.5) * unit);
            ends.extend(shares.values(above).into_iter().map(|value| map(value) as f32));
        }
        Self(ends)
    }

    /// Of the exponential distribution with mean 1.
    pub(in crate::flows) fn exponential() -> Self {
        Self::new(&Shares::new(&Distribution::Exponential { mean: 1.0 }), |value| value)
    }

    /// From the entries of a table.
    pub(super) fn from_entries(entries: &[f32]) -> Self {
        Self(entries.to_vec())
    }

    /// The entries, for tables of many distributions.
    pub(super) fn entries(&self) -> &[f32] {
        &self.0
    }

    /// The value at a place.
    #[inline(always)]
    pub(in crate::flows) fn at(&self, place: u64) -> f64 {
        let Spot { entry, within } = spot(place);
        let entry = entry as usize;
        match self.0.get(entry..entry + 2) {
            Some(&[from, to]) => f64::from(from) + within * (f64::from(to) - f64::from(from)),
            _ => 0.0,
        }
    }

    /// Parts with their shares of the whole: from, to, share. They sum to 1.
    pub(super) fn parts(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        (0..).zip(self.0.chunks_exact(PARTS + 1)).flat_map(|(level, ends)| {
            let share = 1.0 / (1_u64 << (NEXT_BITS * level + BITS)) as f64;
            // The upper parts are told by the next level, if there is one.
            let told = if level < LEVELS as u32 - 1 { PARTS >> NEXT_BITS } else { 0 };
            let pairs = ends.windows(2).take(PARTS - told);
            pairs.map(move |ends| (f64::from(ends[0]), f64::from(ends[1]), share))
        })
    }

    /// The mean of the values.
    pub(super) fn mean(&self) -> f64 {
        self.parts().map(|(from, to, share)| share * f64::midpoint(from, to)).sum()
    }

    /// The mean of the values as [`whole`] rounds them.
    pub(super) fn mean_whole(&self) -> f64 {
        // The sum of all whole numbers that are the nearest, over a distance from 0.
        let sum = |x: f64| {
            let n = (x + 0.5).floor();
            n * (n - 1.0) / 2.0 + n * (x + 0.5 - n)
        };
        let mean = |(from, to, share): (f64, f64, f64)| {
            // Where sums of squares lose their fractions, a part is as good as even.
            let middle = f64::midpoint(from, to);
            if to - from < 1e-9 || to > 1e6 {
                return share * if to - from < 1e-9 { whole(middle).1 } else { middle };
            }
            share * (sum(to) - sum(from)) / (to - from)
        };
        self.parts().map(mean).sum()
    }
}

#[cfg(test)]
mod tests {
    use rheos_core::seed::exp;

    use super::*;

    fn table(distribution: &Distribution) -> Quantiles {
        Quantiles::new(&Shares::new(distribution), |value| value)
    }

    fn log_normal(median: f64, sigma: f64) -> Distribution {
        Distribution::LogNormal { median, sigma }
    }

    #[test]
    fn one_log_normal_has_its_quantiles_and_mean() {
        let table = table(&log_normal(1000.0, 1.5));
        // Normal quantiles.
        for (share, z) in [
            (0.1, -1.281_552),
            (0.5, 0.0),
            (0.9, 1.281_552),
            (0.999, 3.090_232),
            (0.999_999, 4.753_424),
        ] {
            let got = table.at((share * 18_446_744_073_709_551_616.0) as u64);
            let expected = 1000.0 * exp(1.5 * z);
            assert!((got / expected - 1.0).abs() < 0.002, "{share}: {got} {expected}");
        }
        let mean = 1000.0 * exp(1.5 * 1.5 / 2.0);
        assert!((table.mean() / mean - 1.0).abs() < 0.001, "{}", table.mean());
        assert!((table.mean_whole() / mean - 1.0).abs() < 0.001, "{}", table.mean_whole());
    }

    #[test]
    fn values_never_fall() {
        let table = table(&Distribution::Mixture(vec![
            (0.6, Distribution::Uniform { from: 0.0, to: 3.0 }),
            (0.4, log_normal(50.0, 1.0)),
        ]));
        // Ever nearer to the end: all ones, then any part.
        let places = (0..50).flat_map(|ones| {
            let from = u64::MAX.checked_shl(64 - ones).unwrap_or(0);
            (0..1024_u64).map(move |part| from | part << 53 >> ones)
        });
        let mut before = 0.0;
        for place in places.chain([u64::MAX]) {
            let value = table.at(place);
            assert!(value >= before, "{place:x}: {value} < {before}");
            before = value;
        }
    }

    #[test]
    fn whole_numbers_are_the_nearest() {
        for (value, expected) in [(0.0, 0), (0.4, 0), (1.0, 1), (2.6, 3), (1e15, 10_u64.pow(15))] {
            assert_eq!(whole(value).0, expected);
            assert!((whole(value).1 - expected as f64).abs() < 1e-9);
        }
        let table = table(&Distribution::Uniform { from: 0.5, to: 10.5 });
        assert!((table.mean_whole() - 5.5).abs() < 1e-3, "{}", table.mean_whole());
        let sampled = (0..100_000_u64).map(|i| whole(table.at(i * (u64::MAX / 100_000))).1);
        assert!((sampled.sum::<f64>() / 1e5 - 5.5).abs() < 1e-2);
    }
}
