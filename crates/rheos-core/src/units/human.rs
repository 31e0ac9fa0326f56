//! Numbers for people: three significant digits and a unit, or groups of three digits.
//!
//! For reading only: what is printed here is rounded and need not parse back.

use std::fmt;

use crate::{Nanos, Timestamp};

const SI: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];

/// All digits in groups of three: `1 873 201`.
pub fn grouped(n: u64) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        let digits = n.to_string();
        let mut out = String::with_capacity(digits.len() + digits.len() / 3);
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                out.push(' ');
            }
            out.push(digit);
        }
        f.pad(&out)
    })
}

/// `512 B`, `18.3 MB`, `1.24 GB`: powers of 1000.
pub fn bytes(n: u64) -> impl fmt::Display {
    fmt::from_fn(move |f| f.pad(&scaled(n as f64, "B")))
}

/// `52`, `307 k`, `4.00 M`: for counts and rates; not a number is `-`.
pub fn count(n: f64) -> impl fmt::Display {
    fmt::from_fn(move |f| f.pad(scaled(n, "").trim_end()))
}

/// `40.0 Gbps`
pub fn bit_rate(bits_per_sec: f64) -> impl fmt::Display {
    fmt::from_fn(move |f| f.pad(&scaled(bits_per_sec, "bps")))
}

/// `52.3%`; small shares keep their first digits, `0.012%`.
pub fn percent(share: f64) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        let percent = share * 100.0;
        let text = match percent {
            p if p.is_nan() => "-".to_owned(),
            p if p != 0.0 && p.abs() < 0.1 => format!("{p:.3}%"),
            p if p.abs() < 9.995 => format!("{p:.2}%"),
            p => format!("{p:.1}%"),
        };
        f.pad(&text)
    })
}

/// `250 ns`, `1.5 ms`, `6.1 s`, `15 min 42 s`, `2 h 5 min`, `3 d 4 h`.
pub fn duration(span: Nanos) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        let nanos = span.0;
        let secs = nanos.saturating_add(500_000_000) / 1_000_000_000;
        let text = match nanos {
            0 => "0 s".to_owned(),
            1..1_000 => format!("{nanos} ns"),
            1_000..999_500 => tenths(nanos, 1_000, "us"),
            999_500..999_500_000 => tenths(nanos, 1_000_000, "ms"),
            999_500_000..59_950_000_000 => tenths(nanos, 1_000_000_000, "s"),
            _ if secs < 3_600 => format!("{} min {} s", secs / 60, secs % 60),
            _ if secs < 86_400 => format!("{} h {} min", secs / 3_600, secs / 60 % 60),
            _ => format!("{} d {} h", secs / 86_400, secs / 3_600 % 24),
        };
        f.pad(&text)
    })
}

/// One decimal below a hundred; `nanos` is less than a minute.
fn tenths(nanos: u64, unit: u64, name: &str) -> String {
    let tenths = (nanos * 10 + unit / 2) / unit;
    if tenths < 1_000 {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", (nanos + unit / 2) / unit)
    }
}

/// `2023-11-14T22:13:20.25Z`; moments beyond the year 2554 do not exist in 64 bits.
pub fn rfc3339(moment: Timestamp) -> impl fmt::Display {
    fmt::from_fn(move |f| match jiff::Timestamp::from_nanosecond(i128::from(moment.as_nanos())) {
        Ok(time) => f.pad(&time.to_string()),
        Err(_) => f.pad(&moment.to_string()),
    })
}

/// Three significant digits with an SI prefix; whole numbers below 1000 as they are.
fn scaled(value: f64, unit: &str) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    let mut left = value;
    let mut prefix = 0;
    while left.abs() >= 999.5 && prefix + 1 < SI.len() {
        left /= 1000.0;
        prefix += 1;
    }
    let decimals = match left.abs() {
        _ if prefix == 0 && left.fract() == 0.0 => 0,
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{left:.decimals$} {}{unit}", SI[prefix])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_grouped() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (5_112, "5 112"),
            (1_873_201, "1 873 201"),
            (u64::MAX, "18 446 744 073 709 551 615"),
        ] {
            assert_eq!(grouped(n).to_string(), text);
        }
        assert_eq!(format!("{:>9}|", grouped(28_471)), "   28 471|");
    }

    #[test]
    fn three_digits_and_a_unit() {
        assert_eq!(bytes(512).to_string(), "512 B");
        assert_eq!(bytes(1_240_000_000).to_string(), "1.24 GB");
        assert_eq!(bytes(18_260_000).to_string(), "18.3 MB");
        assert_eq!(bytes(999_999).to_string(), "1.00 MB");
        assert_eq!(count(307_000.0).to_string(), "307 k");
        assert_eq!(count(4e6).to_string(), "4.00 M");
        assert_eq!(count(52.0).to_string(), "52");
        assert_eq!(count(0.25).to_string(), "0.25");
        assert_eq!(count(f64::NAN).to_string(), "-");
        assert_eq!(bit_rate(4e10).to_string(), "40.0 Gbps");
        assert_eq!(percent(0.523).to_string(), "52.3%");
        assert_eq!(percent(0.0001).to_string(), "0.010%");
        assert_eq!(percent(1.0).to_string(), "100.0%");
        assert_eq!(percent(0.0).to_string(), "0.00%");
    }

    #[test]
    fn durations_change_unit_without_a_gap() {
        for (nanos, text) in [
            (0, "0 s"),
            (250, "250 ns"),
            (1_500, "1.5 us"),
            (99_949, "99.9 us"),
            (99_950, "100 us"),
            (999_499, "999 us"),
            (999_500, "1.0 ms"),
            (250_000_000, "250 ms"),
            (6_100_000_000, "6.1 s"),
            (59_949_000_000, "59.9 s"),
            (59_950_000_000, "1 min 0 s"),
            (942_000_000_000, "15 min 42 s"),
            (7_500_000_000_000, "2 h 5 min"),
            (273_600_000_000_000, "3 d 4 h"),
        ] {
            assert_eq!(duration(Nanos(nanos)).to_string(), text);
        }
        assert_eq!(duration(Nanos(u64::MAX)).to_string(), "213503 d 23 h");
    }

    #[test]
    fn moments_read_as_rfc3339() {
        let t = Timestamp::from_nanos(1_700_000_000_250_000_000);
        assert_eq!(rfc3339(t).to_string(), "2023-11-14T22:13:20.25Z");
        assert_eq!(rfc3339(Timestamp::MAX).to_string().get(..4), Some("2554"));
    }
}
