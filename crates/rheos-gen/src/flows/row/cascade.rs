//! Bursts at many scales of time: a binary cascade, the b-model.
//!
//! M. Wang, T. Madhyastha, N. H. Chan, S. Papadimitriou, C. Faloutsos: "Data Mining Meets Performance Evaluation: Fast
//! Algorithms for Modeling Bursty Traffic", ICDE 2002. An epoch of traffic is cut in halves, again and again; of its
//! time one half gets the share `bias`, the other one the rest, and the seed says which. So here the traffic is
//! halved and the time is not: the inverse measure of the paper's, which cuts the other way round, with nearly the
//! same exponents (R. H. Riedi, B. B. Mandelbrot: "Inversion formula for continuous multifractals", 1997), and
//! with one step of the way for each halving whatever record is asked for.
//!
//! Every epoch takes exactly as long as it would without bursts: so the rate stays exact.

use rheos_core::seed::mix;

use super::BLOCK;
use crate::flows::clock::Gap;
use crate::flows::draw::STEP;

/// How often an epoch is halved; the parts are blocks then. Our choice: bursts from one block to a thousand of them.
pub(in crate::flows) const LEVELS: u32 = 10;

/// One of `time -> time`, which never falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cascade {
    /// Nanoseconds of an epoch, not 0.
    epoch: u64,
    key: u64,
    /// The larger share, in units of 2^-32.
    bias: u64,
}

impl Cascade {
    /// `bias` lies between 0.5 and 1; `gap` is the mean one between records.
    pub(super) fn new(bias: f64, gap: Gap, key: u64) -> Self {
        let epoch = gap.times(BLOCK as u64).min(1 << 62) << LEVELS;
        let epoch = u64::try_from(epoch).unwrap_or(u64::MAX).clamp(1, 1 << 62);
        Self { epoch, key, bias: (bias.clamp(0.5, 1.0) * 4_294_967_296.0) as u64 }
    }

    /// When traffic comes that would come `even` nanoseconds after the start.
    pub(super) fn at(&self, even: u64) -> u64 {
        let number = even / self.epoch;
        // Where it stands in its epoch, in units of 2^-64: the halves' numbers, highest bit first.
        let mut place = ((u128::from(even % self.epoch) << 64) / u128::from(self.epoch)) as u64;
        let key = mix(self.key.wrapping_add(number.wrapping_mul(STEP)));
        let (mut from, mut length) = (0, self.epoch);
        let mut node = 1_u64;
        for _ in 0..LEVELS {
            let larger = ((u128::from(length) * u128::from(self.bias)) >> 32) as u64;
            let larger_first = mix(key.wrapping_add(node.wrapping_mul(STEP))) & 1 == 0;
            let first = if larger_first { larger } else { length - larger };
            let second_half = place >> 63;
            if second_half == 1 {
                (from, length) = (from + first, length - first);
            } else {
                length = first;
            }
            node = node << 1 | second_half;
            place <<= 1;
        }
        let within = ((u128::from(length) * u128::from(place)) >> 64) as u64;
        (even - even % self.epoch).saturating_add(from + within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cascade(bias: f64) -> Cascade {
        // 1000 ns between records.
        Cascade::new(bias, Gap::new(1000, 1), 7)
    }

    #[test]
    fn without_bias_nothing_changes() {
        let cascade = cascade(0.5);
        for even in [0, 1, 255_999, 256_000, 262_143_999, 262_144_000, 987_654_321_012] {
            assert!(cascade.at(even).abs_diff(even) <= 1, "{even}");
        }
    }

    #[test]
    fn epochs_keep_their_time_and_time_never_runs_back() {
        for bias in [0.5, 0.6, 0.7, 0.95, 1.0] {
            let cascade = cascade(bias);
            assert_eq!(cascade.epoch, 262_144_000);
            for number in 0..50 {
                assert_eq!(cascade.at(number * cascade.epoch), number * cascade.epoch);
            }
            let mut before = 0;
            for even in (0..3 * cascade.epoch).step_by(1237) {
                let at = cascade.at(even);
                assert!(at >= before && at.abs_diff(even) <= cascade.epoch, "{bias} {even}");
                before = at;
            }
        }
    }

    /// The blocks of an epoch have shares of its time that are products of the two shares: as many of each as
    /// Pascal's triangle says.
    #[test]
    fn blocks_have_binomial_shares_of_time() {
        let cascade = cascade(0.7);
        let block = cascade.epoch >> LEVELS;
        let mut counts = [0_u32; LEVELS as usize + 1];
        for number in 0..1 << LEVELS {
            let share = (cascade.at((number + 1) * block) - cascade.at(number * block)) as f64
                / cascade.epoch as f64;
            let expected = |larger: usize| {
                let smaller = LEVELS as usize - larger;
                (0..larger).fold(1.0, |p, _| p * 0.7) * (0..smaller).fold(1.0, |p, _| p * 0.3)
            };
            let near = |&larger: &usize| (share / expected(larger) - 1.0).abs() < 0.01;
            let found = (0..=LEVELS as usize).find(near);
            counts[found.unwrap_or_else(|| panic!("{number}: {share}"))] += 1;
        }
        assert_eq!(counts, [1, 10, 45, 120, 210, 252, 210, 120, 45, 10, 1]);
    }

    #[test]
    fn nothing_overflows_at_the_end_of_time() {
        for (numerator, denominator) in [(0, 1), (1, 1 << 61), (10_u128.pow(24), 1), (u128::MAX, 1)]
        {
            let cascade = Cascade::new(0.9, Gap::new(numerator, denominator), 1);
            for even in [0, 1, 1 << 40, u64::MAX - 1, u64::MAX] {
                let _ = cascade.at(even);
            }
        }
    }
}
