//! Distributions as configurations name them, and their values by share.

use rheos_core::seed::{exp, ln};

use crate::flows::error::FlowProblem;

/// How a number of a flow varies. Values are not negative; what a distribution has below 0 counts as 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Constant(f64),
    /// All values of a range are equal.
    Uniform {
        /// The least value.
        from: f64,
        /// The most.
        to: f64,
    },
    /// Like the gaps of a Poisson process.
    Exponential {
        /// Its mean.
        mean: f64,
    },
    /// The logarithm is normally distributed.
    LogNormal {
        /// Half of the values are below.
        median: f64,
        /// The deviation of the natural logarithm.
        sigma: f64,
    },
    /// A heavy tail: the share above `x` is `(least / x) ^ alpha`.
    Pareto {
        /// The least value.
        least: f64,
        /// The smaller, the heavier the tail; at 1 and below there is no mean.
        alpha: f64,
    },
    /// The share above `x` is `exp(-(x / scale) ^ shape)`.
    Weibull {
        /// 63 % of the values are below.
        scale: f64,
        /// Below 1 the tail is heavier than that of an exponential distribution.
        shape: f64,
    },
    /// The bell curve.
    Normal {
        /// Its mean.
        mean: f64,
        /// Its standard deviation.
        deviation: f64,
    },
    /// Measured values: 2 to 1025 of them, never falling, at evenly spaced shares from the least to the most; even
    /// in between.
    Quantiles(Vec<f64>),
    /// Several distributions with their weights; no mixtures themselves.
    Mixture(Vec<(f64, Self)>),
}

/// Most values of [`Distribution::Quantiles`].
const QUANTILES_MAX: usize = 1025;
/// Most parts of a mixture.
const PARTS_MAX: usize = 64;
/// Largest number in a distribution.
const VALUE_MAX: f64 = 1e15;
/// Widest logarithm: beyond it nearly all values are 0 or beyond all limits.
const SIGMA_MAX: f64 = 10.0;
/// Exponents of tails.
const ALPHAS: (f64, f64) = (0.1, 100.0);

/// The grid on which a mixture is computed: logarithms of base 2, this many to an octave, from 2^-20 to 2^50.
const GRID: i32 = 64;
const GRID_FROM: i32 = -20 * GRID;
const GRID_TO: i32 = 50 * GRID;

impl Distribution {
    /// What is wrong with it, if anything.
    pub fn check(&self) -> Result<(), FlowProblem> {
        let within = |got: f64, (min, max): (f64, f64)| {
            if (min..=max).contains(&got) {
                Ok(())
            } else {
                Err(FlowProblem::Range { got, min, max })
            }
        };
        let value = |got| within(got, (0.0, VALUE_MAX));
        match self {
            Self::Constant(x) => value(*x),
            Self::Uniform { from, to } => {
                value(*from).and_then(|()| within(*to, (*from, VALUE_MAX)))
            }
            Self::Exponential { mean } => value(*mean),
            Self::LogNormal { median, sigma } => {
                value(*median).and_then(|()| within(*sigma, (0.0, SIGMA_MAX)))
            }
            Self::Pareto { least, alpha } => value(*least).and_then(|()| within(*alpha, ALPHAS)),
            Self::Weibull { scale, shape } => value(*scale).and_then(|()| within(*shape, ALPHAS)),
            Self::Normal { mean, deviation } => value(*mean).and_then(|()| value(*deviation)),
            Self::Quantiles(values) => {
                if !(2..=QUANTILES_MAX).contains(&values.len()) {
                    let (got, max) = (values.len(), QUANTILES_MAX);
                    return Err(if got < 2 {
                        FlowProblem::Empty
                    } else {
                        FlowProblem::TooMany { got, max }
                    });
                }
                let mut least = 0.0;
                for &got in values {
                    within(got, (least, VALUE_MAX))?;
                    least = got;
                }
                Ok(())
            }
            Self::Mixture(parts) => {
                match parts.len() {
                    0 => return Err(FlowProblem::Empty),
                    got if got > PARTS_MAX => {
                        return Err(FlowProblem::TooMany { got, max: PARTS_MAX });
                    }
                    _ => {}
                }
                for (weight, part) in parts {
                    within(*weight, (0.0, VALUE_MAX))?;
                    if matches!(part, Self::Mixture(_)) {
                        return Err(FlowProblem::Shape { expected: "a distribution, no mixture" });
                    }
                    part.check()?;
                }
                let total: f64 = parts.iter().map(|part| part.0).sum();
                if total > 0.0 { Ok(()) } else { Err(FlowProblem::Empty) }
            }
        }
    }

    /// The share of values above `x`, which is more than 0 and whose natural logarithm is `log`.
    fn above(&self, x: f64, log: f64) -> f64 {
        let step = |is_above: bool| f64::from(u8::from(is_above));
        match *self {
            Self::Constant(c) => step(c > x),
            Self::Uniform { from, to } if to > from => ((to - x) / (to - from)).clamp(0.0, 1.0),
            Self::Uniform { from, .. } => step(from > x),
            Self::Exponential { mean } => tail(x / mean),
            Self::LogNormal { median, sigma } if sigma > 0.0 && median > 0.0 => {
                0.5 * erfc((log - ln(median)) / sigma * std::f64::consts::FRAC_1_SQRT_2)
            }
            Self::LogNormal { median, .. } => step(median > x),
            Self::Pareto { least, .. } if least >= x => 1.0,
            Self::Pareto { least, alpha } => exp(-alpha * (log - ln(least))),
            Self::Weibull { scale, shape } if scale > 0.0 => tail(exp(shape * (log - ln(scale)))),
            Self::Weibull { .. } => 0.0,
            Self::Normal { mean, deviation } if deviation > 0.0 => {
                0.5 * erfc((x - mean) / deviation * std::f64::consts::FRAC_1_SQRT_2)
            }
            Self::Normal { mean, .. } => step(mean > x),
            Self::Quantiles(ref values) => {
                let places = (values.len().max(2) - 1) as f64;
                let below = values.partition_point(|&v| v <= x);
                match (below.checked_sub(1).and_then(|i| values.get(i)), values.get(below)) {
                    (None, _) => 1.0,
                    (_, None) => 0.0,
                    (Some(from), Some(to)) => {
                        1.0 - ((below - 1) as f64 + (x - from) / (to - from)) / places
                    }
                }
            }
            Self::Mixture(ref parts) => {
                let total: f64 = parts.iter().map(|part| part.0).sum();
                parts.iter().map(|(weight, part)| weight * part.above(x, log)).sum::<f64>() / total
            }
        }
    }

    /// The value with this share (between 0 and 1, not 0) above it; `None` for mixtures.
    fn value(&self, above: f64) -> Option<f64> {
        let value = match *self {
            Self::Constant(c) => c,
            Self::Uniform { from, to } => to - above * (to - from),
            Self::Exponential { mean } => -mean * ln(above),
            Self::LogNormal { median, sigma } => median * exp(sigma * normal(above)),
            Self::Pareto { least, alpha } => least * exp(-ln(above) / alpha),
            // The logarithm of 1 may come out a little above 0.
            Self::Weibull { scale, shape } => scale * exp(ln((-ln(above)).max(0.0)) / shape),
            Self::Normal { mean, deviation } => mean + deviation * normal(above),
            Self::Quantiles(ref values) => {
                let place = (1.0 - above).clamp(0.0, 1.0) * (values.len().max(2) - 1) as f64;
                let at = place.floor();
                let from = *values.get(at as usize)?;
                let to = values.get(at as usize + 1).copied().unwrap_or(from);
                from + (place - at) * (to - from)
            }
            Self::Mixture(_) => return None,
        };
        Some(value)
    }
}

/// `exp(-x)`, also of what is infinite or no number.
fn tail(x: f64) -> f64 {
    if x >= 0.0 { exp(-x) } else { 0.0 }
}

/// The values of a distribution by share; of a mixture, a grid of shares.
#[derive(Debug)]
pub(super) struct Shares<'a> {
    of: &'a Distribution,
    /// The share above each step of the grid.
    grid: Vec<f64>,
}

impl<'a> Shares<'a> {
    pub(super) fn new(of: &'a Distribution) -> Self {
        let grid = match of {
            Distribution::Mixture(_) => {
                (GRID_FROM..=GRID_TO).map(|s| of.above(exp(log(s)), log(s))).collect()
            }
            _ => Vec::new(),
        };
        Self { of, grid }
    }

    /// The values with these shares above them; shares must fall. None is negative or beyond all limits.
    pub(super) fn values(&self, above: impl Iterator<Item = f64>) -> Vec<f64> {
        // Wanted shares fall, so one pass over the grid finds all.
        let mut steps = (GRID_FROM..).zip(self.grid.windows(2)).peekable();
        let mut value = |wanted: f64| {
            if let Some(value) = self.of.value(wanted) {
                return value;
            }
            while steps.next_if(|(_, pair)| pair[1] > wanted).is_some() {}
            match steps.peek() {
                Some(&(step, &[here, next])) => self.between(step, (here, next), wanted),
                _ => exp(log(GRID_TO)),
            }
        };
        let mut least = 0.0_f64;
        let never_falling = |wanted: f64| {
            let found = value(wanted);
            least = least.max(if found.is_nan() { 0.0 } else { found.min(VALUE_MAX) });
            least
        };
        above.map(never_falling).collect()
    }

    /// The value between a step of the grid and the next.
    fn between(&self, step: i32, (here, next): (f64, f64), wanted: f64) -> f64 {
        if step == GRID_FROM && wanted >= here {
            return 0.0;
        }
        let (from, to) = (exp(log(step)), exp(log(step + 1)));
        // A constant is a jump, which is where it is.
        let Distribution::Mixture(parts) = self.of else { return from };
        for (_, part) in parts {
            let Distribution::Constant(c) = *part else { continue };
            if c > from && c <= to {
                let below = exp(ln(c) - 1e-9);
                let jump = (self.of.above(below, ln(below)), self.of.above(c, ln(c)));
                if jump.0 >= wanted && wanted >= jump.1 {
                    return c;
                }
            }
        }
        let within = if here > next { (here - wanted) / (here - next) } else { 0.0 };
        from + within.clamp(0.0, 1.0) * (to - from)
    }
}

/// The natural logarithm of a step.
fn log(step: i32) -> f64 {
    f64::from(step) / f64::from(GRID) * std::f64::consts::LN_2
}

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

/// The normal quantile with this share above it: a rational start (Abramowitz and Stegun 26.2.23, error below 4.5e-4),
/// then two steps of Newton.
fn normal(above: f64) -> f64 {
    let above = above.clamp(1e-300, 1.0);
    if above > 0.5 {
        // The share below is exact where above is near 1 only as far as 64 bits tell; the least values are cut there.
        return -normal((1.0 - above).max(1e-17));
    }
    let t = (-2.0 * ln(above)).max(0.0).sqrt();
    let over = (0.010_328 * t + 0.802_853) * t + 2.515_517;
    let under = ((0.001_308 * t + 0.189_269) * t + 1.432_788) * t + 1.0;
    let mut z = t - over / under;
    for _ in 0..2 {
        let density = exp(-0.5 * z * z) * 0.398_942_280_401_432_7;
        z += (0.5 * erfc(z * std::f64::consts::FRAC_1_SQRT_2) - above) / density;
    }
    z
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
    fn normal_quantiles_are_the_tabulated_ones() {
        for (above, z) in [
            (0.5, 0.0),
            (0.1, 1.281_552),
            (0.9, -1.281_552),
            (0.001, 3.090_232),
            (1e-6, 4.753_424),
            (1e-9, 5.997_807),
        ] {
            assert!((normal(above) - z).abs() < 2e-6, "{above}: {}", normal(above));
        }
    }

    /// Every distribution: its values have the shares above them that they were asked for.
    #[test]
    fn values_and_shares_agree() {
        let single = [
            Distribution::Uniform { from: 3.0, to: 7.0 },
            Distribution::Exponential { mean: 20.0 },
            Distribution::LogNormal { median: 300.0, sigma: 1.2 },
            Distribution::Pareto { least: 40.0, alpha: 1.3 },
            Distribution::Weibull { scale: 9.0, shape: 0.6 },
            Distribution::Normal { mean: 100.0, deviation: 10.0 },
            Distribution::Quantiles(vec![1.0, 5.0, 5.5, 90.0]),
        ];
        let mixture = |of: &Distribution| Distribution::Mixture(vec![(2.0, of.clone())]);
        for of in single.iter().chain(&single.clone().map(|of| mixture(&of))) {
            assert_eq!(of.check(), Ok(()));
            let wanted = [0.999, 0.9, 0.5, 0.2, 0.01, 0.0001];
            for (above, value) in wanted.iter().zip(Shares::new(of).values(wanted.into_iter())) {
                let near = |factor: f64| of.above(value * factor, ln(value * factor));
                assert!(near(1.011) <= *above && *above <= near(0.989), "{of:?} {above}: {value}");
            }
        }
    }

    #[test]
    fn constants_stay_what_they_are() {
        let parts = vec![
            (0.5, Distribution::Constant(1.0)),
            (0.25, Distribution::Constant(100.0)),
            (0.25, Distribution::Uniform { from: 5.0, to: 10.0 }),
        ];
        let of = Distribution::Mixture(parts);
        let values = Shares::new(&of).values([0.9, 0.6, 0.375, 0.2, 0.01].into_iter());
        assert!((values[0] - 1.0).abs() + (values[1] - 1.0).abs() < 1e-12, "{values:?}");
        assert!((values[2] - 7.5).abs() < 0.05, "{values:?}");
        assert!((values[3] - 100.0).abs() + (values[4] - 100.0).abs() < 1e-12, "{values:?}");
    }

    #[test]
    fn what_cannot_be_drawn_is_told() {
        let mixed = Distribution::Mixture(vec![(1.0, Distribution::Constant(1.0))]);
        for wrong in [
            Distribution::Constant(-1.0),
            Distribution::Constant(f64::NAN),
            Distribution::Uniform { from: 2.0, to: 1.0 },
            Distribution::LogNormal { median: 1.0, sigma: 11.0 },
            Distribution::Pareto { least: 1.0, alpha: 0.0 },
            Distribution::Quantiles(vec![1.0]),
            Distribution::Quantiles(vec![2.0, 1.0]),
            Distribution::Quantiles(vec![1.0; 1026]),
            Distribution::Mixture(Vec::new()),
            Distribution::Mixture(vec![(0.0, Distribution::Constant(1.0))]),
            Distribution::Mixture(vec![(1.0, mixed)]),
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
