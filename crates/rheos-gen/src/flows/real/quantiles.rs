//! A distribution as a table of its quantiles: one random word gives one value.
//!
//! A place is told by the share above it, a floating-point number: its exponent and the first bits of its fraction
//! are the entry, the rest tells how far on to the next. So each halving of the share above has 256 parts, in which
//! values are even: parts stay narrow far into a heavy tail, and nearly all draws use the parts of the first halvings
//! (2 KiB each).

#![expect(clippy::inline_always, reason = "loops over a block become vectors only as a whole")]

use super::distribution::{Distribution, Shares};

/// Parts of a halving, and how many bits choose one.
const PARTS: usize = 1 << BITS;
const BITS: u32 = 8;
/// Halvings: a share above is an odd multiple of 2^-31.
const HALVINGS: u32 = 31;
/// Bits of the fraction of an `f32`, and of its exponent for 1.
const FRACTION_BITS: u32 = 23;
const ONE: u32 = 127;

/// How many bits choose an entry of a table.
pub(super) const ENTRY_BITS: u32 = 13;
/// Entries of a table: the ends of all parts, and some that nothing reaches.
pub(super) const ENTRIES: usize = 1 << ENTRY_BITS;
/// The entry of the least value.
const LEAST: usize = PARTS * HALVINGS as usize;

/// One end of a part, and how much more the value is at the other one, which has more above it: not more than 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Entry {
    pub(super) value: f32,
    pub(super) step: f32,
}

/// A table: the share above rises from entry to entry.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flows) struct Quantiles(Vec<Entry>);

/// A place of a distribution as a table has it: the entry above, and how far on to the next (0 to below 1).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spot {
    pub(super) entry: u32,
    pub(super) within: f32,
}

/// Where 32 random bits lie: 0 is the least value, `u32::MAX` the most.
#[inline(always)]
pub(super) fn spot(place: u32) -> Spot {
    // The middle of each two shares, so that none is 0.
    let above = (!place >> 1 | 1).cast_signed() as f32;
    let bits = above.to_bits();
    let entry = (bits >> (FRACTION_BITS - BITS)) - (ONE << BITS);
    let rest = bits << BITS & ((1 << FRACTION_BITS) - 1);
    Spot { entry, within: f32::from_bits(ONE << FRACTION_BITS | rest) - 1.0 }
}

impl Entry {
    pub(super) const NONE: Self = Self { value: 0.0, step: 0.0 };

    /// The value so far on to the next entry.
    #[inline(always)]
    pub(super) fn value(self, within: f32) -> f32 {
        self.value + within * self.step
    }
}

/// A value that is not negative and below 2^52, rounded to the nearest whole number (halves to the even one), as such
/// and as a float: by an addition that leaves no bits for a fraction.
#[inline(always)]
pub(super) fn whole(value: f64) -> (u64, f64) {
    const SHIFT: f64 = 4_503_599_627_370_496.0;
    let shifted = value + SHIFT;
    (shifted.to_bits() & 0x000f_ffff_ffff_ffff, shifted - SHIFT)
}

/// Entries of tables. A function of its own: within loops that become vectors it would be gathers, which are slower.
#[inline(never)]
pub(super) fn look_up(entries: &[Entry], at: &[u32], out: &mut [Entry]) {
    for (at, out) in at.iter().zip(out) {
        *out = entries.get(*at as usize).copied().unwrap_or_default();
    }
}

impl Quantiles {
    /// The table of a distribution, its values put through `map`, which must never fall.
    pub(super) fn new(shares: &Shares<'_>, map: impl Fn(f64) -> f64) -> Self {
        // Wanted shares fall, so values rise: from the last entry to the first.
        let above = (0..=LEAST).rev().map(|entry| {
            let share = (PARTS + entry % PARTS) as f64 / PARTS as f64;
            share * (1_u64 << (entry / PARTS)) as f64 / (1_u64 << HALVINGS) as f64
        });
        let mut entries = vec![Entry::default(); ENTRIES];
        let mut next = None;
        for (entry, value) in entries[..=LEAST].iter_mut().rev().zip(shares.values(above)) {
            let value = map(value) as f32;
            *entry = Entry { value, step: next.unwrap_or(value) - value };
            next = Some(value);
        }
        Self(entries)
    }

    /// Of the exponential distribution with mean 1.
    pub(in crate::flows) fn exponential() -> Self {
        Self::new(&Shares::new(&Distribution::Exponential { mean: 1.0 }), |value| value)
    }

    /// From the entries of a table.
    pub(super) fn from_entries(entries: &[Entry]) -> Self {
        Self(entries.to_vec())
    }

    /// The entries, for tables of many distributions.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The value at a place.
    #[inline(always)]
    pub(in crate::flows) fn at(&self, place: u32) -> f32 {
        let Spot { entry, within } = spot(place);
        self.0.get(entry as usize).copied().unwrap_or_default().value(within)
    }

    /// The values at many places.
    #[inline(always)]
    pub(in crate::flows) fn values<const N: usize>(&self, places: &[u32; N]) -> [f32; N] {
        let (mut at, mut within) = ([0; N], [0.0; N]);
        for k in 0..N {
            Spot { entry: at[k], within: within[k] } = spot(places[k]);
        }
        let mut entries = [Entry::NONE; N];
        look_up(&self.0, &at, &mut entries);
        let mut values = [0.0; N];
        for k in 0..N {
            values[k] = entries[k].value(within[k]);
        }
        values
    }

    /// Parts with their shares of the whole, from the least values to the most: from, to, share. They sum to 1.
    pub(super) fn parts(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        let unit = 1.0 / (1_u64 << HALVINGS) as f64;
        let part = move |(entry, of): (usize, &Entry)| {
            let share = (1_u64 << (entry / PARTS)) as f64 / PARTS as f64 * unit;
            (f64::from(of.value(1.0)), f64::from(of.value), share)
        };
        // The share above the last end is told by the end.
        let most = self.0.first().map(|of| (f64::from(of.value), f64::from(of.value), unit));
        self.0.iter().take(LEAST).enumerate().rev().map(part).chain(most)
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
            let got = f64::from(table.at((share * 4_294_967_296.0) as u32));
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
        let places = (0..32).flat_map(|ones| {
            let from = u32::MAX.checked_shl(32 - ones).unwrap_or(0);
            (0..1024_u32).map(move |part| from | part << 21 >> ones)
        });
        let mut before = 0.0;
        for place in places.chain([u32::MAX]) {
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
        let sampled = (0..100_000_u32).map(|i| whole(table.at(i * (u32::MAX / 100_000)).into()).1);
        assert!((sampled.sum::<f64>() / 1e5 - 5.5).abs() < 1e-2);
    }
}
