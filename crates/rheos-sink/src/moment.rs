//! Timestamps as RFC 3339 text, without allocation.

use arrow_schema::TimeUnit;

/// Appends `2023-11-14T22:13:20.250000000Z`; the number of decimals is that of the unit, so that all rows of a
/// column have the same width, and the `Z` is there when the column is in UTC.
pub(crate) fn push(out: &mut Vec<u8>, value: i64, unit: TimeUnit, utc: bool) {
    let (per_sec, decimals) = match unit {
        TimeUnit::Second => (1, 0),
        TimeUnit::Millisecond => (1_000, 3),
        TimeUnit::Microsecond => (1_000_000, 6),
        TimeUnit::Nanosecond => (1_000_000_000, 9),
    };
    let (secs, fraction) = (value.div_euclid(per_sec), value.rem_euclid(per_sec));
    let (days, second) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    if (0..=9999).contains(&year) {
        digits(out, year.unsigned_abs(), 4);
    } else {
        // Beyond RFC 3339: the sign and six digits of ISO 8601.
        out.push(if year < 0 { b'-' } else { b'+' });
        digits(out, year.unsigned_abs(), 6);
    }
    let second = second.unsigned_abs();
    for (sign, value) in [
        (b'-', month),
        (b'-', day),
        (b'T', second / 3600),
        (b':', second / 60 % 60),
        (b':', second % 60),
    ] {
        out.push(sign);
        digits(out, value, 2);
    }
    if decimals > 0 {
        out.push(b'.');
        digits(out, fraction.unsigned_abs(), decimals);
    }
    if utc {
        out.push(b'Z');
    }
}

/// `value` with at least `width` digits.
fn digits(out: &mut Vec<u8>, value: u64, width: usize) {
    let mut text = [b'0'; 20];
    let mut at = text.len();
    let mut left = value;
    while left > 0 {
        at -= 1;
        text[at] = b'0' + (left % 10) as u8;
        left /= 10;
    }
    out.extend_from_slice(&text[at.min(text.len() - width)..]);
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of its year, in eras of 400 years
/// (146 097 days).
const fn civil(days: i64) -> (i64, u64, u64) {
    let shifted = days + 719_468; // from 0000-03-01
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + (month <= 2) as i64;
    (year, month.unsigned_abs(), day.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: i64, unit: TimeUnit) -> String {
        let mut out = Vec::new();
        push(&mut out, value, unit, true);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn known_moments() {
        for (value, unit, expected) in [
            (0, TimeUnit::Second, "1970-01-01T00:00:00Z"),
            (-1, TimeUnit::Nanosecond, "1969-12-31T23:59:59.999999999Z"),
            (951_782_400, TimeUnit::Second, "2000-02-29T00:00:00Z"),
            (1_700_000_000_250, TimeUnit::Millisecond, "2023-11-14T22:13:20.250Z"),
            (1_709_251_199_000_001, TimeUnit::Microsecond, "2024-02-29T23:59:59.000001Z"),
            (i64::MAX, TimeUnit::Nanosecond, "2262-04-11T23:47:16.854775807Z"),
            (i64::MIN, TimeUnit::Nanosecond, "1677-09-21T00:12:43.145224192Z"),
            (253_402_300_800, TimeUnit::Second, "+010000-01-01T00:00:00Z"),
            (-62_167_219_201, TimeUnit::Second, "-000001-12-31T23:59:59Z"),
        ] {
            assert_eq!(text(value, unit), expected);
        }
        let mut out = Vec::new();
        push(&mut out, 0, TimeUnit::Second, false);
        assert_eq!(out, b"1970-01-01T00:00:00");
    }

    #[test]
    fn every_day_of_eight_centuries_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1600, 1, 1);
        for days in -135_140..157_055 {
            assert_eq!(civil(days), (year, month, day), "day {days}");
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 => 28 + u64::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (year, month, day) = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                (_, d) if d == last => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
    }
}
