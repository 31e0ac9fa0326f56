//! Quantiles by one rule, whatever holds the values.

use crate::gaps::GapSketch;
use crate::lengths::LengthCounts;

/// Values in order, exact or counted.
#[derive(Clone, Copy, Debug)]
pub enum Sorted<'a> {
    /// All values, ascending.
    Values(&'a [u64]),
    /// Packet lengths with their counts, of both directions or one.
    Lengths(&'a LengthCounts, Option<rheos_core::Direction>),
    /// Gaps in buckets.
    Gaps(&'a GapSketch),
}

impl Sorted<'_> {
    /// How many values there are.
    pub fn count(&self) -> u64 {
        match self {
            Self::Values(values) => values.len() as u64,
            Self::Lengths(counts, side) => counts.total(*side),
            Self::Gaps(sketch) => sketch.count(),
        }
    }

    /// The value of the given rank, counted from 0.
    fn at(&self, rank: u64) -> f64 {
        match self {
            Self::Values(values) => values.get(rank as usize).map_or(0.0, |&v| v as f64),
            Self::Lengths(counts, side) => f64::from(counts.at(*side, rank)),
            Self::Gaps(sketch) => sketch.at(rank),
        }
    }

    /// The given percentile by linear interpolation at rank (n − 1) · percent / 100;
    /// nothing without values.
    pub fn percentile(&self, percent: u32) -> Option<f64> {
        let steps = self.count().checked_sub(1)? * u64::from(percent);
        let (rank, rest) = (steps / 100, steps % 100);
        let low = self.at(rank);
        if rest == 0 {
            return Some(low);
        }
        Some(low + (self.at(rank + 1) - low) * (rest as f64 / 100.0))
    }

    /// The 50th percentile.
    pub fn median(&self) -> Option<f64> {
        self.percentile(50)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate() {
        let values = Sorted::Values(&[10, 20, 30, 50]);
        // ranks: 3·0.25 = 0.75, 3·0.5 = 1.5, 3·0.9 = 2.7
        assert_eq!(values.percentile(25), Some(17.5));
        assert_eq!(values.median(), Some(25.0));
        assert_eq!(values.percentile(90), Some(30.0 + 20.0 * 0.7));
        assert_eq!(values.percentile(100), Some(50.0));
        assert_eq!(Sorted::Values(&[7]).percentile(99), Some(7.0));
        assert_eq!(Sorted::Values(&[]).median(), None);
    }
}
