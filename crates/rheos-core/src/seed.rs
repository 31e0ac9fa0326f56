//! Seeds and the random numbers that follow from them.
//!
//! Same seed, same numbers: on every machine, in every order of asking, on any number of threads. So a [`Seed`]
//! is *split* by name or number instead of being drawn from in turn, and nothing here calls the platform's
//! mathematics library, whose last bits differ from system to system.
//!
//! The generator is `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014): eight bytes of state, so that each of a
//! million live conversations can own one. It is no source of secrets.

/// The golden ratio in 64 bits: `SplitMix64`'s step.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Scrambles 64 bits so that neighbours share nothing (`SplitMix64`'s output function).
#[inline]
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A place in the tree of seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed of the `n`-th part; independent of every other part and of how many there are.
    #[inline]
    #[must_use]
    pub const fn child(self, n: u64) -> Self {
        Self(mix(self.0 ^ mix(n.wrapping_add(GOLDEN))).wrapping_add(GOLDEN))
    }

    /// The seed of the part with this name.
    #[must_use]
    pub const fn named(self, name: &str) -> Self {
        let bytes = name.as_bytes();
        let mut seed = self.child(bytes.len() as u64);
        let mut i = 0;
        while i < bytes.len() {
            seed = seed.child(bytes[i] as u64);
            i += 1;
        }
        seed
    }

    /// 64 random bits that depend on this seed and `n` only: a decision without state.
    #[inline]
    pub const fn bits(self, n: u64) -> u64 {
        mix(self.child(n).0)
    }

    /// A generator that starts here.
    #[inline]
    pub const fn rng(self) -> Rng {
        Rng(self.0)
    }
}

/// A `SplitMix64` generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rng(u64);

impl Rng {
    /// The next 64 random bits.
    #[inline]
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A seed drawn from this generator.
    #[inline]
    pub const fn seed(&mut self) -> Seed {
        Seed(self.bits())
    }

    /// A number in `0..n`; 0 when `n` is 0. The bias is below `n / 2^64`.
    #[inline]
    pub const fn below(&mut self, n: u64) -> u64 {
        ((self.bits() as u128 * n as u128) >> 64) as u64
    }

    /// A number in `low..=high`; `low` when they are the wrong way round.
    #[inline]
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// A number in `[0, 1)` with 53 random bits.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Whether an event of this chance happens.
    #[inline]
    pub const fn hits(&mut self, chance: Chance) -> bool {
        chance.hit_by(self.bits())
    }

    /// One of `items`.
    ///
    /// # Panics
    /// If `items` is empty.
    #[inline]
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }

    /// Exponentially distributed with this mean: the gaps of a Poisson process.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * ln(1.0 - self.unit())
    }

    /// Normally distributed with mean 0 and deviation 1 (Marsaglia's polar method).
    pub fn normal(&mut self) -> f64 {
        loop {
            let (u, v) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                return u * (-2.0 * ln(s) / s).sqrt();
            }
        }
    }

    /// Log-normally distributed: half of the numbers are below `median`, `sigma` is the deviation of the logarithm.
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.normal())
    }

    /// Pareto distributed from `least` on, cut at `most`: the heavy tail of transfer sizes. The smaller
    /// `alpha`, the heavier the tail.
    pub fn pareto(&mut self, least: f64, alpha: f64, most: f64) -> f64 {
        (least * exp(-ln(1.0 - self.unit()) / alpha)).min(most)
    }

    /// Fills `out` with random bytes.
    pub fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.bits().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// How likely something is, as a threshold that 64 random bits are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u64);

impl Chance {
    /// It never happens.
    pub const NEVER: Self = Self(0);
    /// It always happens.
    pub const ALWAYS: Self = Self(u64::MAX);

    /// From a share between 0 and 1; below 0 (or not a number) is never, above 1 always.
    pub fn from_share(share: f64) -> Self {
        // `as` saturates: 2^64 becomes `u64::MAX`, which is ALWAYS.
        Self((share * 18_446_744_073_709_551_616.0) as u64)
    }

    /// From a percentage between 0 and 100.
    pub fn from_percent(percent: f64) -> Self {
        Self::from_share(percent / 100.0)
    }

    /// Whether the event happens, given 64 random bits.
    #[inline]
    pub const fn hit_by(self, bits: u64) -> bool {
        bits < self.0 || self.0 == u64::MAX
    }

    /// Whether it can happen at all.
    #[inline]
    pub const fn is_possible(self) -> bool {
        self.0 != 0
    }
}

/// Natural logarithm by IEEE additions, multiplications and divisions only; the relative error is below 1e-12.
/// Positive normal numbers; 0 and less give a large negative number.
pub fn ln(x: f64) -> f64 {
    if x < f64::MIN_POSITIVE {
        return -745.0;
    }
    let bits = x.to_bits();
    let mut exponent = (bits >> 52).cast_signed() - 1023;
    let mut m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    if m > std::f64::consts::SQRT_2 {
        m *= 0.5;
        exponent += 1;
    }
    let f = (m - 1.0) / (m + 1.0);
    let square = f * f;
    let mut sum = 0.0;
    for odd in [17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
        sum = (sum + 1.0 / odd) * square;
    }
    exponent as f64 * std::f64::consts::LN_2 + 2.0 * f * (1.0 + sum)
}

/// The exponential function by IEEE operations only; the relative error is below 1e-12. Saturates outside ±700.
pub fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let power = (x * std::f64::consts::LOG2_E + if x < 0.0 { -0.5 } else { 0.5 }) as i64;
    let rest = x - power as f64 * std::f64::consts::LN_2;
    let mut sum = 1.0;
    for n in [14.0, 13.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0] {
        sum = 1.0 + sum * rest / n;
    }
    sum * f64::from_bits(((power + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        // First outputs of the reference implementation for state 1234567.
        let mut rng = Seed(1_234_567).rng();
        assert_eq!(rng.bits(), 6_457_827_717_110_365_317);
        assert_eq!(rng.bits(), 3_203_168_211_198_807_973);
        assert_eq!(rng.bits(), 9_817_491_932_198_370_423);
    }

    #[test]
    fn children_differ_and_do_not_depend_on_order() {
        let seed = Seed(7);
        let mut all: Vec<u64> = (0..1000).map(|n| seed.child(n).0).collect();
        assert_eq!(all[999], seed.child(999).0);
        all.extend((0..1000).map(|n| seed.child(1).child(n).0));
        all.push(seed.named("web").0);
        all.push(seed.named("bew").0);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 2002);
    }

    #[test]
    fn logarithm_and_exponential_agree_with_the_platform() {
        for x in [1e-300, 1e-9, 0.3, 0.999_999, 1.0, 1.5, 2.0, 10.0, 12_345.678, 1e18] {
            assert!((ln(x) - f64::ln(x)).abs() <= 1e-12 * f64::ln(x).abs().max(1.0), "ln {x}");
        }
        for x in [-600.0, -20.5, -1.0, -0.1, 0.0, 0.4, 1.0, 3.7, 50.0, 600.0] {
            assert!((exp(x) / f64::exp(x) - 1.0).abs() <= 1e-12, "exp {x}");
        }
    }

    #[test]
    fn ranges_and_chances_keep_their_ends() {
        let mut rng = Seed(3).rng();
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.between(5, 5), 5);
        assert!((0..1000).all(|_| (3..=6).contains(&rng.between(3, 6))));
        assert!((0..1000).all(|_| !rng.hits(Chance::NEVER)));
        assert!((0..1000).all(|_| rng.hits(Chance::from_percent(100.0))));
        let hits = (0..100_000).filter(|_| rng.hits(Chance::from_percent(2.0))).count();
        assert!((1_800..2_200).contains(&hits), "{hits}");
    }

    #[test]
    fn distributions_have_their_means() {
        let mut rng = Seed(11).rng();
        let n = 100_000;
        let mean = (0..n).map(|_| rng.exponential(4.0)).sum::<f64>() / f64::from(n);
        assert!((mean - 4.0).abs() < 0.1, "{mean}");
        let normal: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
        let mean = normal.iter().sum::<f64>() / f64::from(n);
        let variance = normal.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
        assert!((0..n).all(|_| (1.0..=9.0).contains(&rng.pareto(1.0, 1.1, 9.0))));
    }
}
