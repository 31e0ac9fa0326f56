//! Exact sums of integers, and what follows from them.
//!
//! Nothing is divided or rounded while packets arrive, so the order of the values does not matter and two
//! directions add up to exactly what one pass over both would have given.

/// A 128-bit sum in two halves: aligned to 8 bytes, so that the states of flows hold no padding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wide([u64; 2]);

impl From<u64> for Wide {
    fn from(sum: u64) -> Self {
        Self([sum, 0])
    }
}

impl Wide {
    /// Adds `value`; saturates, far beyond any flow of packets.
    #[inline]
    pub fn add(&mut self, value: u128) {
        let sum = self.get().saturating_add(value);
        self.0 = [sum as u64, (sum >> 64) as u64];
    }

    /// Adds the square of `value`.
    #[inline]
    pub fn add_square(&mut self, value: u64) {
        self.add(u128::from(value) * u128::from(value));
    }

    /// The sum.
    #[inline]
    pub fn get(self) -> u128 {
        u128::from(self.0[1]) << 64 | u128::from(self.0[0])
    }
}

/// Count, sum, sum of squares, least and greatest of unsigned integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// Sum of squares.
    pub sum_sq: Wide,
    /// Sum.
    pub sum: u64,
    /// How many values.
    pub n: u64,
    /// The least value; [`u64::MAX`] before the first.
    pub min: u64,
    /// The greatest value.
    pub max: u64,
}

impl Default for Moments {
    fn default() -> Self {
        Self { sum_sq: Wide::default(), sum: 0, n: 0, min: u64::MAX, max: 0 }
    }
}

impl Moments {
    /// Takes in one value. Sums saturate, far beyond any flow of packets.
    #[inline]
    pub fn push(&mut self, value: u64) {
        self.sum_sq.add_square(value);
        self.sum = self.sum.saturating_add(value);
        self.n += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// The moments of both sets of values together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let mut sum_sq = self.sum_sq;
        sum_sq.add(other.sum_sq.get());
        Self {
            sum_sq,
            sum: self.sum.saturating_add(other.sum),
            n: self.n + other.n,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }

    /// The least value.
    pub fn min(&self) -> Option<f64> {
        (self.n > 0).then_some(self.min as f64)
    }

    /// The greatest value.
    pub fn max(&self) -> Option<f64> {
        (self.n > 0).then_some(self.max as f64)
    }

    /// The arithmetic mean.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum as f64 / self.n as f64)
    }

    /// The population variance (ddof = 0): (n·Σx² − (Σx)²) / n², the difference taken in integers.
    pub fn variance(&self) -> Option<f64> {
        if self.n == 0 {
            return None;
        }
        let square = u128::from(self.sum) * u128::from(self.sum);
        let n = self.n as f64;
        let spread = match u128::from(self.n).checked_mul(self.sum_sq.get()) {
            Some(scaled) => scaled.saturating_sub(square) as f64,
            None => (n * self.sum_sq.get() as f64 - square as f64).max(0.0),
        };
        Some(spread / (n * n))
    }

    /// The population standard deviation (ddof = 0): 0 for a single value.
    pub fn std(&self) -> Option<f64> {
        self.variance().map(f64::sqrt)
    }

    /// Standard deviation over mean; nothing when the mean is 0.
    pub fn variation(&self) -> Option<f64> {
        if self.sum == 0 {
            return None;
        }
        Some(self.std()? / self.mean()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u64]) -> Moments {
        let mut moments = Moments::default();
        for &value in values {
            moments.push(value);
        }
        moments
    }

    #[test]
    fn hand_computed() {
        let m = of(&[2, 4, 4, 4, 5, 5, 7, 9]);
        assert_eq!(
            (m.min(), m.max(), m.mean(), m.std()),
            (Some(2.0), Some(9.0), Some(5.0), Some(2.0))
        );
        assert_eq!(m.variation(), Some(0.4));
        assert_eq!(of(&[7]).std(), Some(0.0));
        assert_eq!(of(&[0, 0]).variation(), None);
        assert_eq!(of(&[]).mean(), None);
        assert_eq!(of(&[]).std(), None);
    }

    #[test]
    fn huge_values_with_a_tiny_spread_keep_it() {
        // In floating point the squares (about 2^80) would swallow a variance of 1.
        let m = of(&[1 << 40, (1 << 40) + 2]);
        assert_eq!(m.variance(), Some(1.0));
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let (a, b) = ([3, 9, 27], [1, 1000]);
        assert_eq!(of(&a).plus(of(&b)), of(&[3, 9, 27, 1, 1000]));
        assert_eq!(of(&a).plus(Moments::default()), of(&a));
    }

    #[test]
    fn the_greatest_values_do_not_overflow() {
        let m = of(&[u64::MAX, u64::MAX, 0]);
        assert!(m.std().is_some_and(f64::is_finite));
    }
}
