//! Moments as people write them.

use std::str::FromStr;

use super::{Kind, UnitError, UnitProblem};
use crate::Timestamp;

const MOMENT: Kind = Kind {
    what: "a time",
    smallest: "nanoseconds",
    max: "the year 2554",
    example: "`2026-11-20T10:00:00Z`, `1700000000.25` (seconds) or `1700000000250000000ns`",
};

/// RFC 3339 with an offset, seconds since the epoch, or nanoseconds with `ns`.
///
/// ```
/// use rheos_core::Timestamp;
/// let a: Timestamp = "2023-11-14T22:13:20.25Z".parse().unwrap();
/// let b: Timestamp = "1700000000.25".parse().unwrap();
/// let c: Timestamp = "1700000000250000000ns".parse().unwrap();
/// assert_eq!((a, b), (b, c));
/// ```
impl FromStr for Timestamp {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let trimmed = text.trim();
        let (number, rest) = MOMENT.number(text, trimmed)?;
        match rest {
            "" | "s" => MOMENT.scaled(text, &number, 1_000_000_000).map(Self::from_nanos),
            "ns" => MOMENT.scaled(text, &number, 1).map(Self::from_nanos),
            _ if rest.starts_with('-') => {
                rfc3339(trimmed).ok_or_else(|| MOMENT.error(text, UnitProblem::NoSuchTime))
            }
            unit => Err(MOMENT.error(text, UnitProblem::UnknownUnit { unit: unit.to_owned() })),
        }
    }
}

fn rfc3339(text: &str) -> Option<Timestamp> {
    // A date without time or offset is read by jiff neither: local time has no place here.
    let time: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(time.as_nanosecond()).ok().map(Timestamp::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_in_every_form() {
        for (text, nanos) in [
            ("0", 0),
            ("0ns", 0),
            ("1700000000", 1_700_000_000_000_000_000),
            ("1700000000.000000001", 1_700_000_000_000_000_001),
            ("1700000000.5s", 1_700_000_000_500_000_000),
            (" 7ns ", 7),
            ("1970-01-01T00:00:01Z", 1_000_000_000),
            ("1970-01-01T02:00:01+02:00", 1_000_000_000),
            ("1970-01-01 00:00:00.000000001Z", 1),
        ] {
            assert_eq!(text.parse(), Ok(Timestamp::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn other_moments_are_told_apart() {
        for (text, part) in [
            ("", "empty"),
            ("yesterday", "no number"),
            ("1969-12-31T23:59:59Z", "no such time"),
            ("2026-02-30T00:00:00Z", "no such time"),
            ("2026-02-20", "no such time"),
            ("9999-01-01T00:00:00Z", "no such time"),
            ("1700000000.0000000001", "whole number of nanoseconds"),
            ("18446744074", "more than the year 2554"),
            ("5min", "unknown unit `min`"),
        ] {
            let error = text.parse::<Timestamp>().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
