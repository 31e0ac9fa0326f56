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

    /// The values of the given ranks, counted from 0 and in ascending order.
    fn walk(&self, ranks: &[u64], values: &mut [f64]) {
        match self {
            Self::Values(sorted) => {
                for (&rank, value) in ranks.iter().zip(values) {
                    *value = sorted.get(rank as usize).map_or(0.0, |&v| v as f64);
                }
            }
            Self::Lengths(counts, side) => counts.walk(*side, ranks, values),
            Self::Gaps(sketch) => sketch.walk(ranks, values),
        }
    }

    /// The percentiles of the given numbers, which ascend, by linear interpolation at rank (n - 1) * percent / 100;
    /// nothing without values.
    pub fn percentiles<const N: usize>(&self, percents: [u32; N]) -> [Option<f64>; N] {
        let Some(last) = self.count().checked_sub(1) else { return [None; N] };
        let steps = percents.map(|percent| last * u64::from(percent));
        let (mut low, mut high) = ([0.0; N], [0.0; N]);
        self.walk(&steps.map(|steps| steps / 100), &mut low);
        self.walk(&steps.map(|steps| steps.div_ceil(100)), &mut high);
        std::array::from_fn(|i| {
            let rest = steps[i] % 100;
            let between = || low[i] + (high[i] - low[i]) * (rest as f64 / 100.0);
            Some(if rest == 0 { low[i] } else { between() })
        })
    }

    /// As [`Self::percentiles`], of one.
    pub fn percentile(&self, percent: u32) -> Option<f64> {
        self.percentiles([percent])[0]
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
