//! A mixture of distributions as a table of its quantiles: one random word gives one value.
//!
//! A level of the table has 4096 equal parts, in which values are even. What lies above all but one in 256 is told by
//! the next level, which looks at that share alone: so the parts stay narrow far into a heavy tail.

use rheos_core::seed::{exp, ln};

/// A part of a mixture.
#[derive(Clone, Copy, Debug)]
pub(in crate::flows) enum Part {
    /// From 0 to `below`.
    Even { weight: f64, below: f64 },
    /// With this mean, the gaps of a Poisson process.
    Exponential { weight: f64, mean: f64 },
    /// With this deviation of the logarithm.
    LogNormal { weight: f64, sigma: f64, median: f64 },
}

/// Parts of a level, and how many bits choose one.
const PARTS: usize = 1 << BITS;
const BITS: u32 = 12;
/// A level is for the upper share of 2^-8 of the one before; the last part of the last one is one in 2^36.
const NEXT_BITS: u32 = 8;
const LEVELS: usize = 4;

/// The grid on which the distribution is computed: logarithms of base 2, this many to an octave, from 2^-10 to 2^46.
const GRID: i32 = 256;
const GRID_FROM: i32 = -10 * GRID;
const GRID_TO: i32 = 46 * GRID;

/// Values at the ends of all parts, level by level.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flows) struct Quantiles(Vec<f64>);

/// The complementary error function; the relative error is below 1.2e-7 everywhere (Press, Teukolsky, Vetterling and
/// Flannery, Numerical Recipes, 2nd edition, §6.2).
fn erfc(x: f64) -> f64 {
    const TERMS: [f64; 10] = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_87,
        -1.135_203_98,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_68,
        -1.265_512_23,
    ];
    let z = x.abs();
    let t = 1.0 / (1.0 + 0.5 * z);
    let sum = TERMS.iter().fold(0.0, |sum, term| sum * t + term);
    let tail = t * exp(sum - z * z);
    if x < 0.0 { 2.0 - tail } else { tail }
}

impl Part {
    fn weight(self) -> f64 {
        match self {
            Self::Even { weight, .. }
            | Self::Exponential { weight, .. }
            | Self::LogNormal { weight, .. } => weight,
        }
    }

    /// The weight of what lies above `x`, whose natural logarithm is `log`.
    fn above(self, x: f64, log: f64) -> f64 {
        match self {
            Self::Even { weight, below } => weight * (1.0 - x / below).max(0.0),
            Self::Exponential { weight, mean } => weight * exp(-x / mean),
            Self::LogNormal { weight, sigma, median } => {
                weight * 0.5 * erfc((log - ln(median)) / sigma * std::f64::consts::FRAC_1_SQRT_2)
            }
        }
    }
}

impl Quantiles {
    pub(in crate::flows) fn new(mixture: &[Part]) -> Self {
        let total: f64 = mixture.iter().map(|part| part.weight()).sum();
        let log = |step: i32| f64::from(step) / f64::from(GRID) * std::f64::consts::LN_2;
        let above = |step: i32| {
            let x = exp(log(step));
            mixture.iter().map(|part| part.above(x, log(step))).sum::<f64>() / total
        };
        let grid: Vec<f64> = (GRID_FROM..=GRID_TO).map(above).collect();
        let mut ends = Vec::with_capacity(LEVELS * (PARTS + 1));
        for level in 0..LEVELS as u32 {
            let unit = 1.0 / (1_u64 << (NEXT_BITS * level + BITS)) as f64;
            // Wanted shares fall, so one pass over the grid finds all of a level.
            let mut steps = (GRID_FROM..).zip(grid.windows(2)).peekable();
            for part in 0..=PARTS {
                // The last end is infinite: it is taken to be the one before.
                let wanted = (PARTS - part).max(1) as f64 * unit;
                while steps.next_if(|(_, pair)| pair[1] > wanted).is_some() {}
                let (step, within) = match steps.peek() {
                    Some((step, [here, next])) if here > next => {
                        (*step, (here - wanted) / (here - next))
                    }
                    // Below the least value, or above the most.
                    Some((step, _)) => (*step, 0.0),
                    None => (GRID_TO, 0.0),
                };
                ends.push(exp(log(step) + within.clamp(0.0, 1.0) * log(1)));
            }
        }
        Self(ends)
    }

    /// The value at a place of the distribution: 0 is the least, `u64::MAX` the most.
    pub(in crate::flows) fn at(&self, place: u64) -> f64 {
        let mut rest = place;
        let mut level = 0;
        while rest >> (64 - NEXT_BITS) == (1 << NEXT_BITS) - 1 && level < LEVELS - 1 {
            rest <<= NEXT_BITS;
            level += 1;
        }
        let part = level * (PARTS + 1) + (rest >> (64 - BITS)) as usize;
        let within = (rest << BITS >> 11) as f64 / 9_007_199_254_740_992.0;
        match self.0.get(part..part + 2) {
            Some(&[from, to]) => from + within * (to - from),
            _ => 0.0,
        }
    }

    /// The mean of the values, exact for what `at` gives.
    pub(in crate::flows) fn mean(&self) -> f64 {
        let mut sum = 0.0;
        for (level, ends) in (0..).zip(self.0.chunks_exact(PARTS + 1)) {
            let weight = 1.0 / (1_u64 << (NEXT_BITS * level + BITS)) as f64;
            // The upper parts are told by the next level, if there is one.
            let told = if level < LEVELS as u32 - 1 { PARTS >> NEXT_BITS } else { 0 };
            let parts = PARTS - told;
            let middles = ends.windows(2).take(parts).map(|ends| f64::midpoint(ends[0], ends[1]));
            sum += weight * middles.sum::<f64>();
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_is_the_tabulated_one() {
        // Abramowitz and Stegun, tables 7.1 and 7.3.
        for (x, expected) in [
            (0.0, 1.0),
            (0.5, 0.479_500_122),
            (1.0, 0.157_299_207),
            (2.0, 0.004_677_734_98),
            (4.0, 1.541_725_79e-8),
            (-1.0, 1.842_700_793),
        ] {
            let got = erfc(x);
            assert!((got / expected - 1.0).abs() < 2e-7, "{x}: {got}");
        }
    }

    #[test]
    fn one_log_normal_has_its_quantiles_and_mean() {
        let table = Quantiles::new(&[Part::LogNormal { weight: 0.5, sigma: 1.5, median: 1000.0 }]);
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
            assert!((got / expected - 1.0).abs() < 0.001, "{share}: {got} {expected}");
        }
        let mean = 1000.0 * exp(1.5 * 1.5 / 2.0);
        assert!((table.mean() / mean - 1.0).abs() < 0.001, "{}", table.mean());
    }

    #[test]
    fn values_never_fall() {
        let table = Quantiles::new(&[
            Part::Even { weight: 0.6, below: 3.0 },
            Part::LogNormal { weight: 0.4, sigma: 1.0, median: 50.0 },
        ]);
        // Ever nearer to the end: all ones, then any part.
        let places = (0..40).flat_map(|ones| {
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
}
