//! When record `i` is: start + floor(i * gap), with the gap an exact fraction of nanoseconds.

use rheos_core::{Nanos, Timestamp};

/// Largest denominator: remainders stay below it, and the sum of two fits 64 bits.
const DENOMINATOR_MAX: u128 = 1 << 62;

/// The gap between records as a fraction of nanoseconds, in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    numerator: u128,
    denominator: u64,
}

/// Timestamps by index. `stride` and `offset` let several streams share one row of moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    start: u64,
    /// The gap: whole nanoseconds and `step_rest / denominator` of one.
    pub(super) step: u64,
    pub(super) step_rest: u64,
    pub(super) denominator: u64,
    first: u64,
    first_rest: u64,
}

/// A moment with its fraction `rest / denominator` of a nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) nanos: u64,
    pub(super) rest: u64,
}

impl Gap {
    /// A fraction of nanoseconds; the denominator is not 0. Fractions beyond 62 bits are rounded there.
    pub(super) fn new(numerator: u128, denominator: u128) -> Self {
        let divisor = gcd(numerator, denominator).max(1);
        let (mut numerator, mut denominator) = (numerator / divisor, denominator / divisor);
        let excess = 128 - (denominator / DENOMINATOR_MAX).leading_zeros();
        if excess > 0 {
            let half = 1_u128 << (excess - 1);
            numerator = numerator.saturating_add(half) >> excess;
            denominator = (denominator.saturating_add(half) >> excess).min(DENOMINATOR_MAX);
        }
        Self { numerator, denominator: u64::try_from(denominator).unwrap_or(u64::MAX).max(1) }
    }

    /// So many gaps, in whole nanoseconds.
    pub(super) fn times(self, count: u64) -> u128 {
        let (whole, rest) = (
            self.numerator / u128::from(self.denominator),
            self.numerator % u128::from(self.denominator),
        );
        let rest = rest * u128::from(count) / u128::from(self.denominator);
        whole.saturating_mul(u128::from(count)).saturating_add(rest)
    }

    /// How many records, the first at once, there are in a span of time.
    pub(super) fn count_in(self, span: Nanos) -> u64 {
        Clock::new(Timestamp::ZERO, self, 0, 1).count_before(Timestamp::from_nanos(span.0))
    }

    /// In nanoseconds.
    pub(super) fn as_nanos_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Clock {
    /// The clock of stream `stream` of `streams`: it has the moments `stream`, `stream + streams`, ... of all.
    pub(super) fn new(start: Timestamp, gap: Gap, stream: u32, streams: u32) -> Self {
        let den = u128::from(gap.denominator);
        let split = |times: u32| {
            let (whole, rest) = (gap.numerator / den, gap.numerator % den);
            let rest = rest * u128::from(times);
            let whole = whole.saturating_mul(u128::from(times)).saturating_add(rest / den);
            (u64::try_from(whole).unwrap_or(u64::MAX), (rest % den) as u64)
        };
        let (step, step_rest) = split(streams.max(1));
        let (first, first_rest) = split(stream);
        Self {
            start: start.as_nanos(),
            step,
            step_rest,
            denominator: gap.denominator,
            first,
            first_rest,
        }
    }

    /// Nanoseconds from the start to record `index`, and the rest.
    fn after_start(&self, index: u64) -> (u128, u64) {
        let den = u128::from(self.denominator);
        let index = u128::from(index);
        let rest = u128::from(self.first_rest) + index * u128::from(self.step_rest);
        // Only gaps of centuries come near to 128 bits.
        let whole =
            (index * u128::from(self.step)).saturating_add(u128::from(self.first) + rest / den);
        (whole, (rest % den) as u64)
    }

    /// The moment of record `index`, at most the last that 64 bits can tell.
    pub(super) fn at(&self, index: u64) -> Moment {
        let (whole, rest) = self.after_start(index);
        let nanos = u64::try_from(whole).unwrap_or(u64::MAX);
        Moment { nanos: self.start.saturating_add(nanos), rest }
    }

    /// The next moment.
    #[inline]
    pub(super) const fn advance(&self, moment: Moment) -> Moment {
        let rest = moment.rest + self.step_rest;
        let carry = rest >= self.denominator;
        Moment {
            nanos: moment.nanos.wrapping_add(self.step).wrapping_add(carry as u64),
            rest: if carry { rest - self.denominator } else { rest },
        }
    }

    /// How many records come before `end`.
    pub(super) fn count_before(&self, end: Timestamp) -> u64 {
        let Some(span) = end.as_nanos().checked_sub(self.start) else { return 0 };
        // Moments are floors of `first + index * step`, and the end is whole: so it is enough to divide.
        let den = u128::from(self.denominator);
        let step = u128::from(self.step) * den + u128::from(self.step_rest);
        let first = u128::from(self.first) * den + u128::from(self.first_rest);
        let Some(rest) = (u128::from(span) * den).checked_sub(first) else { return 0 };
        match rest.checked_div(step) {
            None if rest == 0 => 0,
            None => u64::MAX,
            Some(_) => u64::try_from(rest.div_ceil(step)).unwrap_or(u64::MAX),
        }
    }

    /// When the first record of all streams is.
    pub(super) const fn start(&self) -> Timestamp {
        Timestamp::from_nanos(self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(numerator: u128, denominator: u128) -> Clock {
        Clock::new(Timestamp::from_secs(1), Gap::new(numerator, denominator), 0, 1)
    }

    #[test]
    fn moments_are_the_floor_of_the_exact_product() {
        for (numerator, denominator) in
            [(160, 1), (128, 25), (1, 3), (0, 1), (10_u128.pow(24), 7), (1, 1 << 62), (5, 1 << 61)]
        {
            let clock = clock(numerator, denominator);
            let mut moment = clock.at(0);
            for index in 0..1000_u64 {
                let exact = u128::from(index) * numerator / denominator;
                let expected = u64::try_from(1_000_000_000 + exact).unwrap_or(u64::MAX);
                if expected < u64::MAX {
                    assert_eq!(clock.at(index).nanos, expected, "{numerator}/{denominator}");
                    assert_eq!(moment, clock.at(index));
                }
                moment = clock.advance(moment);
            }
        }
        // Far out, too: 10^15 records of 5.12 ns.
        assert_eq!(clock(128, 25).at(10_u64.pow(15)).nanos, 5_120_000_000_000_000 + 1_000_000_000);
    }

    #[test]
    fn counts_before_an_end() {
        let end = |nanos: u64| Timestamp::from_nanos(1_000_000_000 + nanos);
        assert_eq!(clock(160, 1).count_before(end(1600)), 10);
        assert_eq!(clock(160, 1).count_before(end(1601)), 11);
        assert_eq!(clock(128, 25).count_before(end(512)), 100);
        assert_eq!(clock(128, 25).count_before(end(0)), 0);
        assert_eq!(clock(128, 25).count_before(Timestamp::ZERO), 0);
        assert_eq!(clock(0, 1).count_before(end(1)), u64::MAX);
    }

    #[test]
    fn streams_share_the_moments_of_one() {
        let gap = Gap::new(1001, 7);
        let one = Clock::new(Timestamp::ZERO, gap, 0, 1);
        for streams in [1, 2, 7, 1000] {
            for stream in 0..streams.min(9) {
                let part = Clock::new(Timestamp::ZERO, gap, stream, streams);
                for index in 0..50 {
                    let of_all = index * u64::from(streams) + u64::from(stream);
                    assert_eq!(part.at(index), one.at(of_all));
                }
            }
        }
    }

    #[test]
    fn large_fractions_are_rounded_far_below_notice() {
        let gap = Gap::new(u128::MAX - 1, u128::MAX / 3);
        assert!((gap.as_nanos_f64() - 3.0).abs() < 1e-15);
        assert_eq!(Gap::new(6, 4), Gap { numerator: 3, denominator: 2 });
    }
}
