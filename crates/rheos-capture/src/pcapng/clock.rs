//! What the ticks of an interface mean.

use rheos_core::Timestamp;

use crate::info::Resolution;

/// How ticks become nanoseconds.
#[derive(Clone, Copy, Debug)]
enum Scale {
    Times(u64),
    /// More than nine decimals: the rest is cut off. 0 stands for a divisor beyond 64 bits.
    Divided(u64),
    Shifted(u32),
}

/// The clock of an interface (`if_tsresol`, `if_tsoffset`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    scale: Scale,
    offset_secs: i64,
}

impl Clock {
    pub(super) fn new(resolution: Resolution, offset_secs: i64) -> Self {
        let scale = match resolution {
            Resolution::Decimal(n @ 0..=9) => Scale::Times(10u64.pow(9 - u32::from(n))),
            Resolution::Decimal(n) => {
                Scale::Divided(10u64.checked_pow(u32::from(n) - 9).unwrap_or(0))
            }
            Resolution::Binary(n) => Scale::Shifted(u32::from(n)),
        };
        Self { scale, offset_secs }
    }

    /// The time of a tick count; what lies outside 1970 to 2554 becomes the nearest end.
    #[inline]
    pub(super) fn time(self, ticks: u64) -> Timestamp {
        let nanos = match self.scale {
            Scale::Times(factor) => ticks.saturating_mul(factor),
            Scale::Divided(divisor) => ticks.checked_div(divisor).unwrap_or(0),
            Scale::Shifted(bits) => {
                let nanos = (u128::from(ticks) * 1_000_000_000) >> bits.min(127);
                u64::try_from(nanos).unwrap_or(u64::MAX)
            }
        };
        if self.offset_secs == 0 {
            return Timestamp::from_nanos(nanos);
        }
        let moved = i128::from(nanos) + i128::from(self.offset_secs) * 1_000_000_000;
        Timestamp::from_nanos(u64::try_from(moved.max(0)).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(resolution: Resolution, offset: i64, ticks: u64) -> u64 {
        Clock::new(resolution, offset).time(ticks).as_nanos()
    }

    #[test]
    fn every_resolution_counts_in_nanoseconds() {
        use Resolution::{Binary, Decimal};
        assert_eq!(nanos(Decimal(0), 0, 7), 7_000_000_000);
        assert_eq!(nanos(Decimal(3), 0, 1_234), 1_234_000_000);
        assert_eq!(nanos(Decimal(6), 0, 1_700_000_000_000_001), 1_700_000_000_000_001_000);
        assert_eq!(nanos(Decimal(9), 0, 42), 42);
        assert_eq!(nanos(Decimal(12), 0, 1_999), 1);
        assert_eq!(nanos(Decimal(127), 0, u64::MAX), 0);
        assert_eq!(nanos(Binary(0), 0, 3), 3_000_000_000);
        assert_eq!(nanos(Binary(10), 0, 1_536), 1_500_000_000);
        assert_eq!(nanos(Binary(32), 0, (5 << 32) | (1 << 31)), 5_500_000_000);
        assert_eq!(nanos(Binary(127), 0, u64::MAX), 0);
    }

    #[test]
    fn offsets_move_both_ways_and_saturate() {
        use Resolution::Decimal;
        assert_eq!(nanos(Decimal(6), 10, 1_000_000), 11_000_000_000);
        assert_eq!(nanos(Decimal(6), -10, 11_000_000), 1_000_000_000);
        assert_eq!(nanos(Decimal(6), -10, 1), 0);
        assert_eq!(nanos(Decimal(0), 0, u64::MAX), u64::MAX);
        assert_eq!(nanos(Decimal(9), i64::MAX, u64::MAX), u64::MAX);
        assert_eq!(nanos(Decimal(9), i64::MIN, u64::MAX), 0);
    }
}
