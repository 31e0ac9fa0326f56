//! What is told of a group, and what must be kept of its flows for it.

use std::fmt;
use std::str::FromStr;

use rheos_core::Timestamp;
use rheos_core::suggest::nearest;

use super::keys::column_of;
use crate::{Error, FlowBlock, FlowColumn, FlowColumns, Rate};

/// A number of each flow, of which a group has a least, a mean and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// A column.
    Column(FlowColumn),
    /// What follows from several columns.
    Rate(Rate),
}

impl Measure {
    const WORDS: [(&'static str, Self); 6] = [
        ("bytes", Self::Column(FlowColumn::Bytes)),
        ("packets", Self::Column(FlowColumn::Packets)),
        ("duration", Self::Rate(Rate::Duration)),
        ("pps", Self::Rate(Rate::Pps)),
        ("bps", Self::Rate(Rate::Bps)),
        ("bpp", Self::Rate(Rate::Bpp)),
    ];

    fn columns(self) -> FlowColumns {
        match self {
            Self::Column(column) => FlowColumns::of(&[column]),
            Self::Rate(rate) => rate.columns(),
        }
    }

    /// Its value in a row.
    pub fn at(self, block: &FlowBlock, row: usize) -> u64 {
        match self {
            Self::Column(column) => block.value(column, row) as u64,
            Self::Rate(rate) => rate.at(block, row),
        }
    }
}

/// Of the values of a measure in a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The arithmetic mean.
    Mean,
    /// The standard deviation of the sample (n - 1).
    Deviation,
    /// The value that this share of all, in percent, does not exceed; within 1 % of the true one.
    Quantile(f64),
}

/// What is told of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Number of flows.
    Flows,
    /// Sum of packets.
    Packets,
    /// Sum of bytes.
    Bytes,
    /// When its first flow began.
    First,
    /// When its last flow ended.
    Last,
    /// Of the sums, over the time from `First` to `Last`.
    Rate(Rate),
    /// Of one number of its flows.
    Moment(Moment, Measure),
    /// How many values a column has: exactly.
    Distinct(FlowColumn),
    /// About how many values a column has, in at most 4 KiB per group: up to 1024 exactly, more with a standard
    /// error of 1.6 %.
    ApproxDistinct(FlowColumn),
}

const WORDS: [(&str, Value); 9] = [
    ("flows", Value::Flows),
    ("packets", Value::Packets),
    ("bytes", Value::Bytes),
    ("pps", Value::Rate(Rate::Pps)),
    ("bps", Value::Rate(Rate::Bps)),
    ("bpp", Value::Rate(Rate::Bpp)),
    ("first", Value::First),
    ("last", Value::Last),
    ("duration", Value::Rate(Rate::Duration)),
];

/// `bytes`, `mean:bytes`, `p95:duration`, `distinct:dstip`.
impl FromStr for Value {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let word = text.trim().to_ascii_lowercase();
        let unknown =
            |hint: String| Error::UnknownWord { what: "value", word: text.to_owned(), hint };
        let Some((kind, of)) = word.split_once(':') else {
            let known = WORDS.iter().find(|(name, _)| *name == word);
            return known.map(|&(_, value)| value).ok_or_else(|| {
                let near = nearest(&word, WORDS.iter().map(|&(name, _)| name));
                unknown(near.map_or_else(
                    || "values are `flows`, `bytes`, `mean:bytes`, `p95:duration`, `distinct:dstip`, ...".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                ))
            });
        };
        if matches!(kind, "distinct" | "approx_distinct") {
            let value = if kind == "distinct" { Self::Distinct } else { Self::ApproxDistinct };
            let column = column_of(of).map(value);
            return column.ok_or_else(|| unknown(format!("name a column such as `{kind}:dstip`")));
        }
        let moment = match kind {
            "min" => Moment::Min,
            "max" => Moment::Max,
            "mean" | "avg" => Moment::Mean,
            "stddev" => Moment::Deviation,
            "median" => Moment::Quantile(50.0),
            _ => {
                let percent = kind.strip_prefix('p').and_then(|p| p.parse::<f64>().ok());
                let percent = percent.filter(|p| (0.0..=100.0).contains(p)).ok_or_else(|| {
                    unknown(
                        "before `:` stands `min`, `max`, `mean`, `stddev`, `p95`, `distinct` or `approx_distinct`"
                            .to_owned(),
                    )
                })?;
                Moment::Quantile(percent)
            }
        };
        let measure = Measure::WORDS.iter().find(|(name, _)| *name == of);
        measure.map(|&(_, measure)| Self::Moment(moment, measure)).ok_or_else(|| {
            let list: Vec<String> =
                Measure::WORDS.iter().map(|(name, _)| format!("`{name}`")).collect();
            unknown(format!("after `:` stands one of {}", list.join(", ")))
        })
    }
}

/// As in `--values`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moment(moment, measure) => {
                match moment {
                    Moment::Min => f.write_str("min:")?,
                    Moment::Max => f.write_str("max:")?,
                    Moment::Mean => f.write_str("mean:")?,
                    Moment::Deviation => f.write_str("stddev:")?,
                    Moment::Quantile(percent) => write!(f, "p{percent}:")?,
                }
                let word = Measure::WORDS.iter().find(|(_, m)| m == measure);
                f.write_str(word.map_or("", |(word, _)| word))
            }
            Self::Distinct(column) => write!(f, "distinct:{column}"),
            Self::ApproxDistinct(column) => write!(f, "approx_distinct:{column}"),
            plain => {
                let word = WORDS.iter().find(|(_, value)| value == plain);
                f.write_str(word.map_or("", |(word, _)| word))
            }
        }
    }
}

impl Value {
    /// The columns that it needs.
    pub fn columns(self) -> FlowColumns {
        match self {
            Self::Flows => FlowColumns::NONE,
            Self::Packets => FlowColumns::of(&[FlowColumn::Packets]),
            Self::Bytes => FlowColumns::of(&[FlowColumn::Bytes]),
            Self::First => FlowColumns::of(&[FlowColumn::First]),
            Self::Last => FlowColumns::of(&[FlowColumn::Last]),
            Self::Rate(rate) => rate.columns(),
            Self::Moment(_, measure) => measure.columns(),
            Self::Distinct(column) | Self::ApproxDistinct(column) => FlowColumns::of(&[column]),
        }
    }

    /// Whether the values of groups add up to that of all.
    pub const fn is_additive(self) -> bool {
        matches!(self, Self::Flows | Self::Packets | Self::Bytes)
    }
}

/// A value of a group, told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// A whole number: bytes, nanoseconds, bits per second, ...
    Count(u64),
    /// A mean or deviation.
    Real(f64),
    /// A moment.
    Time(Timestamp),
    /// Nothing can be told.
    None,
}

impl Cell {
    /// For ranking: nothing is least.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Count(count) => count as f64,
            Self::Real(real) => real,
            Self::Time(time) => time.as_nanos() as f64,
            Self::None => -1.0,
        }
    }

    /// Total order by value; whole numbers exactly.
    pub fn rank(self, other: Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Count(a), Self::Count(b)) => a.cmp(&b),
            (Self::Time(a), Self::Time(b)) => a.cmp(&b),
            (a, b) => a.as_f64().total_cmp(&b.as_f64()),
        }
    }
}

/// Sums of one measure in one group; whole numbers, so that the order of adding does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    min: u64,
    max: u64,
    count: u64,
    sum: u128,
    squares: u128,
}

impl Default for Sums {
    fn default() -> Self {
        Self { min: u64::MAX, max: 0, count: 0, sum: 0, squares: 0 }
    }
}

impl Sums {
    pub(crate) fn add(&mut self, value: u64) {
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.count += 1;
        self.sum += u128::from(value);
        self.squares = self.squares.saturating_add(u128::from(value) * u128::from(value));
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.count += other.count;
        self.sum += other.sum;
        self.squares = self.squares.saturating_add(other.squares);
    }

    /// The nearest number between the least and the greatest value.
    pub(crate) fn within(&self, value: u64) -> u64 {
        value.clamp(self.min.min(self.max), self.max)
    }

    pub(crate) fn tell(&self, moment: Moment) -> Cell {
        if self.count == 0 {
            return Cell::None;
        }
        let n = self.count as f64;
        match moment {
            Moment::Min => Cell::Count(self.min),
            Moment::Max => Cell::Count(self.max),
            Moment::Mean => Cell::Real(self.sum as f64 / n),
            Moment::Deviation if self.count == 1 => Cell::None,
            Moment::Deviation => {
                // n * squares - sum * sum without rounding, where that fits.
                let exact = u128::from(self.count)
                    .checked_mul(self.squares)
                    .zip(self.sum.checked_mul(self.sum))
                    .map(|(a, b)| a.saturating_sub(b) as f64);
                let spread = exact.unwrap_or_else(|| {
                    let mean = self.sum as f64 / n;
                    ((self.squares as f64 / n - mean * mean) * n * n).max(0.0)
                });
                Cell::Real((spread / (n * (n - 1.0))).sqrt())
            }
            Moment::Quantile(_) => Cell::None,
        }
    }
}

/// Numbers of one bucket differ from its middle by less than 1/128: those below 128 are exact, above there are 64
/// buckets to each doubling (the method of HdrHistogram).
pub(crate) const fn bucket(value: u64) -> u16 {
    if value < 128 {
        return value as u16;
    }
    let shift = value.ilog2() - 6;
    (shift * 64) as u16 + (value >> shift) as u16
}

/// The middle of a bucket.
pub(crate) const fn middle(bucket: u16) -> u64 {
    if bucket < 128 {
        return bucket as u64;
    }
    let shift = (bucket / 64 - 1) as u32;
    let low = (bucket % 64 + 64) as u64;
    (low << shift) + ((1_u64 << shift) >> 1)
}

/// The quantile of counted buckets, which come in order.
pub(crate) fn quantile(buckets: &[(u16, u64)], percent: f64) -> Cell {
    let total: u64 = buckets.iter().map(|(_, count)| count).sum();
    if total == 0 {
        return Cell::None;
    }
    let wanted = ((percent / 100.0 * total as f64).ceil() as u64).clamp(1, total);
    let mut seen = 0;
    for &(bucket, count) in buckets {
        seen += count;
        if seen >= wanted {
            return Cell::Count(middle(bucket));
        }
    }
    Cell::None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_written_and_read() {
        for text in [
            "flows",
            "bps",
            "duration",
            "mean:bytes",
            "p95:duration",
            "p99.9:bpp",
            "min:pps",
            "stddev:packets",
        ] {
            assert_eq!(text.parse::<Value>().unwrap().to_string(), text);
        }
        assert_eq!("distinct:dstip".parse::<Value>().unwrap(), Value::Distinct(FlowColumn::DstIp));
        let approx = Value::ApproxDistinct(FlowColumn::DstIp);
        assert_eq!("approx_distinct:dstip".parse::<Value>().unwrap(), approx);
        assert_eq!(approx.to_string(), "approx_distinct:dst_ip");
        let hint = |text: &str| text.parse::<Value>().unwrap_err().hint().unwrap();
        assert_eq!(hint("byte"), "did you mean `bytes`?");
        assert!(hint("p200:bytes").contains("stddev"));
        assert!(hint("mean:colour").contains("`duration`"));
    }

    #[test]
    fn moments_by_hand() {
        let mut sums = Sums::default();
        assert_eq!(sums.tell(Moment::Mean), Cell::None);
        for value in [2, 4, 4, 4, 5, 5, 7, 9] {
            sums.add(value);
        }
        assert_eq!(sums.tell(Moment::Mean), Cell::Real(5.0));
        assert_eq!(sums.tell(Moment::Deviation), Cell::Real((32.0_f64 / 7.0).sqrt()));
        assert_eq!(
            (sums.tell(Moment::Min), sums.tell(Moment::Max)),
            (Cell::Count(2), Cell::Count(9))
        );
        let mut large = Sums::default();
        large.add(u64::MAX);
        large.add(u64::MAX);
        assert!(matches!(large.tell(Moment::Deviation), Cell::Real(d) if d >= 0.0));
    }

    #[test]
    fn quantiles_by_hand() {
        let buckets: Vec<(u16, u64)> = (1..=100).map(|v| (bucket(v), 1)).collect();
        assert_eq!(quantile(&buckets, 50.0), Cell::Count(50));
        assert_eq!(quantile(&buckets, 0.0), Cell::Count(1));
        assert_eq!(quantile(&buckets, 100.0), Cell::Count(100));
        assert_eq!(quantile(&[], 50.0), Cell::None);
    }

    proptest! {
        #[test]
        fn buckets_are_in_order_and_near(a: u64, b: u64) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(bucket(low) <= bucket(high));
            let error = middle(bucket(a)).abs_diff(a);
            prop_assert!(error as f64 <= a as f64 / 128.0, "{a} {error}");
        }
    }
}
