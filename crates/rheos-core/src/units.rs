//! Quantities as people write them, in flags and configuration files, and as people read them.
//!
//! | type | accepted | means |
//! |---|---|---|
//! | [`Count`] | `4M`, `10k`, `1.5G`, `1_000_000` | powers of 1000 |
//! | [`Bytes`] | `1500`, `64kB`, `1.5GB`, `1MiB`, `2GiB` | powers of 1000, with `i` powers of 1024 |
//! | [`BitRate`] | `100M`, `40Gbps`, `2.5Gbit/s` | bits per second, powers of 1000 |
//! | [`Nanos`] | `250ms`, `1s500ms`, `1.5h`, `30m`, `1d`, `0` | a span of time; every number has a unit |
//! | [`Percent`] | `0.5%`, `100%`, `0` | a share between 0 and 100 % |
//! | [`Timestamp`](crate::Timestamp) | `2026-11-20T10:00:00Z`, `1700000000.25`, `1700000000250000000ns` | RFC 3339, seconds, nanoseconds |
//!
//! Fractions must come out whole in the smallest unit, so that nothing is rounded in silence. What
//! [`Display`](fmt::Display) prints parses back to the same value; [`human`] is for reading only.

pub mod human;
mod moment;
mod number;

use std::fmt;
use std::str::FromStr;

use crate::Nanos;
use number::{Decimal, Unit};

/// A quantity that is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` is not {what}: {problem}, write it like {example}")]
pub struct UnitError {
    /// What was to be read: `a number of bytes`.
    pub what: &'static str,
    /// What was written, cut if it is long.
    pub input: String,
    /// What is wrong with it.
    pub problem: UnitProblem,
    /// What would be accepted.
    pub example: &'static str,
}

/// What is wrong with a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnitProblem {
    /// Nothing was written.
    #[error("it is empty")]
    Empty,
    /// It does not begin with a number.
    #[error("there is no number at `{at}`")]
    NoNumber {
        /// Where a number is missing.
        at: String,
    },
    /// The number has no unit and could mean several things.
    #[error("it has no unit")]
    NoUnit,
    /// A unit that is not known here.
    #[error("unknown unit `{unit}`")]
    UnknownUnit {
        /// As written.
        unit: String,
    },
    /// A fraction of the smallest unit.
    #[error("it is not a whole number of {smallest}")]
    NotWhole {
        /// The smallest unit.
        smallest: &'static str,
    },
    /// More than fits.
    #[error("it is more than {max}")]
    TooLarge {
        /// The largest value.
        max: &'static str,
    },
    /// Units that must come in falling order, each once.
    #[error("`{unit}` comes after a smaller or equal unit")]
    Order {
        /// The unit that comes too late.
        unit: String,
    },
    /// Not a time that exists, or none after 1970.
    #[error("there is no such time from 1970 to 2554")]
    NoSuchTime,
}

/// How much of a wrong input an error repeats.
const INPUT_SHOWN: usize = 40;

/// A kind of quantity: what errors say of it, and its units.
struct Kind {
    what: &'static str,
    smallest: &'static str,
    max: &'static str,
    example: &'static str,
}

impl Kind {
    #[cold]
    fn error(&self, input: &str, problem: UnitProblem) -> UnitError {
        let mut shown: String = input.chars().take(INPUT_SHOWN).collect();
        if shown.len() < input.len() {
            shown.push_str("...");
        }
        UnitError { what: self.what, input: shown, problem, example: self.example }
    }

    /// One number with a unit out of `units` (in any case if none differs only by case).
    fn parse(&self, text: &str, units: &[Unit]) -> Result<u64, UnitError> {
        let (number, rest) = self.number(text, text.trim())?;
        let unit = rest.trim_start();
        let known = units.iter().find(|u| u.names.contains(&unit));
        let unit = known
            .ok_or_else(|| self.error(text, UnitProblem::UnknownUnit { unit: unit.to_owned() }))?;
        self.scaled(text, &number, unit.scale)
    }

    fn number<'a>(&self, input: &str, at: &'a str) -> Result<(Decimal, &'a str), UnitError> {
        if at.is_empty() {
            return Err(self.error(input, UnitProblem::Empty));
        }
        Decimal::take(at).ok_or_else(|| {
            let at = at.chars().take(INPUT_SHOWN).collect();
            self.error(input, UnitProblem::NoNumber { at })
        })
    }

    fn scaled(&self, input: &str, number: &Decimal, scale: u64) -> Result<u64, UnitError> {
        number.times(scale).map_err(|problem| {
            self.error(
                input,
                match problem {
                    number::Inexact::Fraction => UnitProblem::NotWhole { smallest: self.smallest },
                    number::Inexact::Overflow => UnitProblem::TooLarge { max: self.max },
                },
            )
        })
    }
}

/// Writes `value` with the largest unit that divides it; units in falling order, the last with scale 1.
fn fmt_exact(f: &mut fmt::Formatter<'_>, value: u64, units: &[(u64, &str)]) -> fmt::Result {
    let exact = units.iter().find(|&&(scale, _)| value.is_multiple_of(scale));
    match (value, exact) {
        (1.., Some(&(scale, name))) => write!(f, "{}{name}", value / scale),
        _ => write!(f, "{value}"),
    }
}

/// How many of something: packets, events, rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Count(pub u64);

const COUNT: Kind = Kind {
    what: "a count",
    smallest: "units",
    max: "18446744073709551615",
    example: "`10k`, `4M` or `1_000_000`",
};

impl FromStr for Count {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        const UNITS: [Unit; 5] = [
            Unit::new(&[""], 1),
            Unit::new(&["k", "K"], 1_000),
            Unit::new(&["m", "M"], 1_000_000),
            Unit::new(&["g", "G"], 1_000_000_000),
            Unit::new(&["t", "T"], 1_000_000_000_000),
        ];
        COUNT.parse(text, &UNITS).map(Self)
    }
}

/// Exact, with a suffix if it divides: `4M`, `1500k`, `1873201`.
impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] =
            [(1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
        fmt_exact(f, self.0, &UNITS)
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

const BYTES: Kind = Kind {
    what: "a number of bytes",
    smallest: "bytes",
    max: "18446744073709551615 bytes",
    example: "`1500`, `64kB` or `2GiB`",
};

impl FromStr for Bytes {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        const UNITS: [Unit; 9] = [
            Unit::new(&["", "b", "B"], 1),
            Unit::new(&["k", "K", "kb", "kB", "KB"], 1_000),
            Unit::new(&["m", "M", "mb", "MB"], 1_000_000),
            Unit::new(&["g", "G", "gb", "GB"], 1_000_000_000),
            Unit::new(&["t", "T", "tb", "TB"], 1_000_000_000_000),
            Unit::new(&["ki", "Ki", "kib", "kiB", "KiB"], 1 << 10),
            Unit::new(&["mi", "Mi", "mib", "MiB"], 1 << 20),
            Unit::new(&["gi", "Gi", "gib", "GiB"], 1 << 30),
            Unit::new(&["ti", "Ti", "tib", "TiB"], 1 << 40),
        ];
        BYTES.parse(text, &UNITS).map(Self)
    }
}

/// Exact, with the largest unit that divides it: `2GiB`, `64kB`, `1500B`.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 9] = [
            (1 << 40, "TiB"),
            (1_000_000_000_000, "TB"),
            (1 << 30, "GiB"),
            (1_000_000_000, "GB"),
            (1 << 20, "MiB"),
            (1_000_000, "MB"),
            (1 << 10, "KiB"),
            (1_000, "kB"),
            (1, "B"),
        ];
        fmt_exact(f, self.0, &UNITS)
    }
}

/// Bits per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitRate(pub u64);

const BIT_RATE: Kind = Kind {
    what: "a bit rate",
    smallest: "bits per second",
    max: "18446744073709551615 bits per second",
    example: "`100M`, `40Gbps` or `2.5Gbit/s`",
};

impl FromStr for BitRate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        const UNITS: [Unit; 5] = [
            Unit::new(&["", "bps", "bit/s", "b/s"], 1),
            Unit::new(&["k", "K", "kbps", "Kbps", "kbit/s", "kb/s"], 1_000),
            Unit::new(&["m", "M", "mbps", "Mbps", "Mbit/s", "Mb/s"], 1_000_000),
            Unit::new(&["g", "G", "gbps", "Gbps", "Gbit/s", "Gb/s"], 1_000_000_000),
            Unit::new(&["t", "T", "tbps", "Tbps", "Tbit/s", "Tb/s"], 1_000_000_000_000),
        ];
        BIT_RATE.parse(text, &UNITS).map(Self)
    }
}

/// Exact, with the largest unit that divides it: `40Gbps`, `1500kbps`, `0`.
impl fmt::Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 5] = [
            (1_000_000_000_000, "Tbps"),
            (1_000_000_000, "Gbps"),
            (1_000_000, "Mbps"),
            (1_000, "kbps"),
            (1, "bps"),
        ];
        fmt_exact(f, self.0, &UNITS)
    }
}

const SPAN: Kind = Kind {
    what: "a span of time",
    smallest: "nanoseconds",
    max: "584 years",
    example: "`250ms`, `1s500ms` or `30m`",
};

/// Units of time by falling size.
const SPANS: [Unit; 7] = [
    Unit::new(&["d", "day", "days"], 86_400_000_000_000),
    Unit::new(&["h", "hour", "hours"], 3_600_000_000_000),
    Unit::new(&["m", "min", "minute", "minutes"], 60_000_000_000),
    Unit::new(&["s", "sec", "second", "seconds"], 1_000_000_000),
    Unit::new(&["ms"], 1_000_000),
    Unit::new(&["us", "\u{b5}s", "\u{3bc}s"], 1_000),
    Unit::new(&["ns"], 1),
];

/// One or more numbers with units, the larger units first: `30m`, `1s500ms`, `1.5h`, and `0`.
impl FromStr for Nanos {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let mut rest = text.trim();
        if rest == "0" {
            return Ok(Self::ZERO);
        }
        let mut total = 0_u64;
        let mut smallest = u64::MAX;
        loop {
            let (number, tail) = SPAN.number(text, rest)?;
            let tail = tail.trim_start();
            let end = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
            let (name, tail) = tail.split_at(end);
            if name.is_empty() {
                return Err(SPAN.error(text, UnitProblem::NoUnit));
            }
            let unit = SPANS.iter().find(|u| u.names.contains(&name));
            let unit = unit.ok_or_else(|| {
                SPAN.error(text, UnitProblem::UnknownUnit { unit: name.to_owned() })
            })?;
            if unit.scale >= smallest {
                return Err(SPAN.error(text, UnitProblem::Order { unit: name.to_owned() }));
            }
            smallest = unit.scale;
            let part = SPAN.scaled(text, &number, unit.scale)?;
            total = total
                .checked_add(part)
                .ok_or_else(|| SPAN.error(text, UnitProblem::TooLarge { max: SPAN.max }))?;
            rest = tail.trim_start();
            if rest.is_empty() {
                return Ok(Self(total));
            }
        }
    }
}

/// Exact, in falling units: `1s500ms`, `30m`, `0s`.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for unit in &SPANS {
            if rest >= unit.scale {
                write!(f, "{}{}", rest / unit.scale, unit.names[0])?;
                rest %= unit.scale;
            }
        }
        Ok(())
    }
}

/// A share between 0 and 100 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Percent(f64);

const PERCENT: Kind = Kind {
    what: "a percentage",
    smallest: "billionths of a percent",
    max: "100%",
    example: "`0.5%` or `100%`",
};

impl Percent {
    /// Nothing.
    pub const ZERO: Self = Self(0.0);

    /// From a number of percent; `None` unless it is between 0 and 100.
    pub fn new(percent: f64) -> Option<Self> {
        (0.0..=100.0).contains(&percent).then_some(Self(percent))
    }

    /// Between 0 and 100.
    pub const fn percent(self) -> f64 {
        self.0
    }

    /// Between 0 and 1.
    pub const fn share(self) -> f64 {
        self.0 / 100.0
    }
}

impl FromStr for Percent {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let trimmed = text.trim();
        let (_, rest) = PERCENT.number(text, trimmed)?;
        let digits = trimmed[..trimmed.len() - rest.len()].replace('_', "");
        let percent: f64 = digits
            .parse()
            .map_err(|_| PERCENT.error(text, UnitProblem::NoNumber { at: digits.clone() }))?;
        match rest.trim_start() {
            "%" => {}
            "" if percent == 0.0 => {}
            "" => return Err(PERCENT.error(text, UnitProblem::NoUnit)),
            unit => {
                let unit = unit.to_owned();
                return Err(PERCENT.error(text, UnitProblem::UnknownUnit { unit }));
            }
        }
        Self::new(percent)
            .ok_or_else(|| PERCENT.error(text, UnitProblem::TooLarge { max: PERCENT.max }))
    }
}

/// `0.5%`
impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

#[cfg(test)]
mod tests;
