//! The hours of a day and the days of a week.
//!
//! Between the quietest hour and the peak, twelve hours later, the rate follows the smooth step `3 d^2 - 2 d^3`, which
//! is near to a cosine: our choice of a shape, like Akvorado's demo exporter has one, told by peak hour and multiplier.
//! Straight lines join its values at each quarter of an hour, and their mean over the cycle is 1.

use super::warp::Curve;
use crate::flows::config::Diurnal;

const HOUR: u64 = 3_600_000_000_000;
const DAY: u64 = 24 * HOUR;
/// Length of a straight piece.
const QUARTER: u64 = HOUR / 4;
/// 1970-01-01 was a Thursday; weeks begin on Monday.
const EPOCH_IN_WEEK: i64 = (3 * DAY).cast_signed();

/// A day, or a week where weekends differ.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cycle {
    pub(super) curve: Curve,
    /// From the Unix epoch back to the cycle's begin, in nanoseconds.
    pub(super) offset: i64,
    /// Rates at begin and end of each quarter of an hour.
    rates: Vec<(f64, f64)>,
}

/// A straight piece of a cycle's rate around a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    at: u64,
    /// Where it ends, in nanoseconds since the Unix epoch.
    pub(super) end: u64,
    rate: f64,
    slope: f64,
}

impl Line {
    /// The rate at a moment of the piece.
    pub(super) fn rate(&self, moment: u64) -> f64 {
        self.rate + self.slope * moment.saturating_sub(self.at) as f64
    }
}

/// The rate at an hour, in multiples of the least.
fn shape(diurnal: &Diurnal, hour: f64) -> f64 {
    let away = (hour - diurnal.peak_hour).abs();
    let near = 1.0 - away.min(24.0 - away) / 12.0;
    let step = near * near * (3.0 - 2.0 * near);
    1.0 + (diurnal.multiplier - 1.0) * step
}

/// The curve of a day or week.
pub(super) fn cycle(diurnal: Diurnal) -> Cycle {
    let has_weekends = diurnal.weekend.to_bits() != 1.0_f64.to_bits();
    let days: u64 = if has_weekends { 7 } else { 1 };
    let per_day = DAY / QUARTER;
    let quarter = |number: u64| {
        let factor = if has_weekends && number / per_day >= 5 { diurnal.weekend } else { 1.0 };
        let at = |number: u64| factor * shape(&diurnal, (number % per_day) as f64 / 4.0);
        // The shape is the same at hour 0 and 24, the factor is that of the piece's own day.
        (at(number), at(number + 1))
    };
    let rates: Vec<(f64, f64)> = (0..days * per_day).map(quarter).collect();
    let mean =
        rates.iter().map(|&(from, to)| f64::midpoint(from, to)).sum::<f64>() / rates.len() as f64;
    let rates: Vec<(f64, f64)> =
        rates.into_iter().map(|(from, to)| (from / mean, to / mean)).collect();
    let pieces: Vec<_> =
        (0..).zip(&rates).map(|(i, &(from, to))| (i * QUARTER, from, to)).collect();
    let period = days * DAY;
    Cycle {
        curve: Curve::new(&pieces, period, Some(period)),
        offset: EPOCH_IN_WEEK + i64::from(diurnal.utc_offset_secs) * 1_000_000_000,
        rates,
    }
}

/// How far into a cycle a moment is, in nanoseconds.
pub(super) fn phase(moment: u64, offset: i64, period: u64) -> u64 {
    let local = i128::from(moment) + i128::from(offset);
    // Of a 64-bit period, so it fits.
    local.rem_euclid(i128::from(period.max(1))) as u64
}

impl Cycle {
    /// The straight piece that a moment is in.
    pub(super) fn line(&self, moment: u64) -> Line {
        let phase = phase(moment, self.offset, self.curve.end);
        let (from, to) = self.rates.get((phase / QUARTER) as usize).copied().unwrap_or((1.0, 1.0));
        let slope = (to - from) / QUARTER as f64;
        let into = phase % QUARTER;
        let end = moment.saturating_add(QUARTER - into);
        Line { at: moment, end, rate: from + slope * into as f64, slope }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFICE: Diurnal =
        Diurnal { peak_hour: 14.0, multiplier: 4.0, weekend: 1.0, utc_offset_secs: 0 };

    #[test]
    fn the_peak_is_the_multiple_of_the_least() {
        let cycle = cycle(OFFICE);
        let at = |hour: u64| cycle.line(hour * HOUR).rate(hour * HOUR);
        assert!((at(14) / at(2) - 4.0).abs() < 1e-9, "{} {}", at(14), at(2));
        assert!((at(8) / at(2) - 2.5).abs() < 1e-9, "half of the way in between");
        assert!((at(20) - at(8)).abs() < 1e-9, "both sides are alike");
        let mean = (0..24 * 60).map(|m| cycle.line(m * HOUR / 60).rate(m * HOUR / 60)).sum::<f64>();
        assert!((mean / 1440.0 - 1.0).abs() < 1e-6, "{mean}");
    }

    #[test]
    fn weekends_and_time_zones_count() {
        let cycle = cycle(Diurnal { weekend: 0.5, utc_offset_secs: -5 * 3600, ..OFFICE });
        // 2024-01-05 was a Friday; 19:00 UTC is 14:00 five hours west.
        let friday = 1_704_412_800_000_000_000 + 19 * HOUR;
        let rate = |moment: u64| cycle.line(moment).rate(moment);
        assert!((rate(friday + DAY) / rate(friday) - 0.5).abs() < 1e-9);
        assert!((rate(friday + 2 * DAY) / rate(friday) - 0.5).abs() < 1e-9);
        assert!((rate(friday + 3 * DAY) / rate(friday) - 1.0).abs() < 1e-9);
        assert!(rate(friday) > rate(friday + HOUR) && rate(friday) > rate(friday - HOUR));
        assert_eq!((cycle.curve.end, cycle.curve.total), (7 * DAY, 7 * DAY));
    }
}
