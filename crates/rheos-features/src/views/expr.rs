//! What a view's column is made of: small expressions that give a value or null for any row.

use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float64Type, Int64Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, Float64Array, RecordBatch, StringArray, UInt16Array, UInt64Array,
};

use crate::column::Kind;
use crate::table;

/// An expression over our columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expr {
    /// The column as it is.
    Same(&'static str),
    /// The number times a factor.
    Times(&'static str, f64),
    /// The sum of unsigned 64-bit integers.
    Sum(&'static [&'static str]),
    /// The first number over the second.
    Ratio(&'static str, &'static str),
    /// The standard deviation of a sample (ddof 1) by that of the population, times a factor; of as many values as
    /// `count` tells, less `less` (gaps are one fewer than packets).
    SampleStd {
        /// The population standard deviation.
        std: &'static str,
        /// Counts the values.
        count: &'static str,
        /// By so many too high.
        less: u64,
        /// Of the unit.
        factor: f64,
    },
    /// The variance of a sample (ddof 1) by the standard deviation of the population, of `count` values.
    SampleVariance {
        /// The population standard deviation.
        std: &'static str,
        /// Counts the values.
        count: &'static str,
    },
    /// The first of these texts or 16-bit integers that is not null.
    First(&'static [&'static str]),
    /// The moment in milliseconds since the Unix epoch, as a floating point number.
    Millis(&'static str),
}

impl Expr {
    /// The names of our columns in it.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        let (one, many): ([Option<&'static str>; 2], &'static [&'static str]) = match *self {
            Self::Same(a) | Self::Times(a, _) | Self::Millis(a) => ([Some(a), None], &[]),
            Self::Ratio(a, b) => ([Some(a), Some(b)], &[]),
            Self::SampleStd { std, count, .. } | Self::SampleVariance { std, count } => {
                ([Some(std), Some(count)], &[])
            }
            Self::Sum(names) | Self::First(names) => ([None; 2], names),
        };
        one.into_iter().flatten().chain(many.iter().copied())
    }

    /// The type of its values.
    pub fn kind(&self) -> Kind {
        let first = || self.names().next().and_then(|name| table::find(name).ok());
        match self {
            Self::Same(_) | Self::First(_) => first().map_or(Kind::Str, |column| column.kind),
            Self::Sum(_) => Kind::U64,
            _ => Kind::F64,
        }
    }

    /// What it works out, in a word or two.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::SampleStd { .. } => "sample standard deviation",
            Self::SampleVariance { .. } => "sample variance",
            _ => "value",
        }
    }

    /// Its values for the rows, which have all columns that it names.
    ///
    /// A column that is not there, or not of a type that the expression takes, gives nulls.
    pub fn values(&self, rows: &RecordBatch) -> ArrayRef {
        let array = |name: &str| rows.column_by_name(name);
        let nulls = || vec![None; rows.num_rows()];
        let number = |name: &str| array(name).map_or_else(nulls, numbers);
        let floats = |values: Vec<Option<f64>>| {
            debug_assert_eq!(values.len(), rows.num_rows());
            Arc::new(Float64Array::from(values)) as ArrayRef
        };
        match *self {
            Self::Same(name) => array(name).cloned().unwrap_or_else(|| floats(nulls())),
            Self::Times(name, factor) => floats(each(&number(name), |value| value * factor)),
            Self::Millis(name) => floats(array(name).map_or_else(nulls, millis)),
            Self::Ratio(over, under) => {
                floats(both(&number(over), &number(under), |a, b| (b != 0.0).then(|| a / b)))
            }
            Self::SampleStd { std, count, less, factor } => {
                let less = less as f64;
                floats(both(&number(std), &number(count), |std, count| {
                    correction(count - less).map(|squared| std * squared.sqrt() * factor)
                }))
            }
            Self::SampleVariance { std, count } => {
                floats(both(&number(std), &number(count), |std, count| {
                    correction(count).map(|squared| std * std * squared)
                }))
            }
            Self::Sum(names) => sum(rows, names),
            Self::First(names) => first(rows, names),
        }
    }

    /// Whether its columns have types that it takes.
    #[cfg(test)]
    pub(super) fn check(&self) -> Result<(), String> {
        let kinds: Vec<Kind> = self.names().map(|name| table::find(name).unwrap().kind).collect();
        let numeric = |kind: &Kind| {
            matches!(kind, Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64 | Kind::I64 | Kind::F64)
        };
        let sound = match self {
            Self::Same(_) => true,
            Self::Times(..) | Self::Ratio(..) => kinds.iter().all(numeric),
            Self::SampleStd { .. } | Self::SampleVariance { .. } => kinds == [Kind::F64, Kind::U64],
            Self::Sum(_) => kinds.iter().all(|kind| *kind == Kind::U64),
            Self::First(_) => {
                kinds.iter().all(|kind| *kind == kinds[0])
                    && matches!(kinds[0], Kind::Str | Kind::U16)
            }
            Self::Millis(_) => kinds == [Kind::Timestamp],
        };
        if sound { Ok(()) } else { Err(format!("{kinds:?} in {self:?}")) }
    }
}

impl fmt::Display for Expr {
    /// As a formula over our columns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Same(name) => f.write_str(name),
            Self::Times(name, factor) => write!(f, "{name} * {factor}"),
            Self::Sum(names) => f.write_str(&names.join(" + ")),
            Self::Ratio(over, under) => write!(f, "{over} / {under}"),
            Self::SampleStd { std, count, less, factor } => {
                write!(f, "{std} * sqrt(n / (n - 1))")?;
                if factor.to_bits() != 1_f64.to_bits() {
                    write!(f, " * {factor}")?;
                }
                write!(f, ", n = {count}")?;
                if less > 0 { write!(f, " - {less}") } else { Ok(()) }
            }
            Self::SampleVariance { std, count } => {
                write!(f, "{std}^2 * n / (n - 1), n = {count}")
            }
            Self::First(names) => write!(f, "first of {} that is not null", names.join(", ")),
            Self::Millis(name) => write!(f, "{name} in ms since the Unix epoch"),
        }
    }
}

/// n / (n - 1): from the variance of a population of `n` to that of a sample.
fn correction(n: f64) -> Option<f64> {
    (n > 1.0).then(|| n / (n - 1.0))
}

fn each(values: &[Option<f64>], f: impl Fn(f64) -> f64) -> Vec<Option<f64>> {
    values.iter().map(|value| value.map(&f)).collect()
}

fn both(
    a: &[Option<f64>],
    b: &[Option<f64>],
    f: impl Fn(f64, f64) -> Option<f64>,
) -> Vec<Option<f64>> {
    a.iter().zip(b).map(|(&a, &b)| f(a?, b?)).collect()
}

/// A column of numbers as floating point numbers.
fn numbers(array: &ArrayRef) -> Vec<Option<f64>> {
    if let Some(array) = array.as_primitive_opt::<Float64Type>() {
        return array.iter().collect();
    }
    if let Some(array) = array.as_primitive_opt::<UInt64Type>() {
        return array.iter().map(|value| value.map(|value| value as f64)).collect();
    }
    if let Some(array) = array.as_primitive_opt::<Int64Type>() {
        return array.iter().map(|value| value.map(|value| value as f64)).collect();
    }
    if let Some(array) = array.as_primitive_opt::<UInt32Type>() {
        return array.iter().map(|value| value.map(f64::from)).collect();
    }
    if let Some(array) = array.as_primitive_opt::<UInt16Type>() {
        return array.iter().map(|value| value.map(f64::from)).collect();
    }
    if let Some(array) = array.as_primitive_opt::<UInt8Type>() {
        return array.iter().map(|value| value.map(f64::from)).collect();
    }
    vec![None; array.len()]
}

fn millis(array: &ArrayRef) -> Vec<Option<f64>> {
    match array.as_primitive_opt::<TimestampNanosecondType>() {
        Some(array) => array.iter().map(|nanos| nanos.map(to_millis)).collect(),
        None => vec![None; array.len()],
    }
}

/// Whole milliseconds and the fraction apart: all nanoseconds at once have more digits than a double.
fn to_millis(nanos: i64) -> f64 {
    nanos.div_euclid(1_000_000) as f64 + nanos.rem_euclid(1_000_000) as f64 / 1e6
}

fn sum(rows: &RecordBatch, names: &[&str]) -> ArrayRef {
    let mut sums: Vec<Option<u64>> = vec![Some(0); rows.num_rows()];
    for name in names {
        let array = rows.column_by_name(name).and_then(|a| a.as_primitive_opt::<UInt64Type>());
        for (row, sum) in sums.iter_mut().enumerate() {
            let value = array.filter(|a| a.is_valid(row)).map(|a| a.value(row));
            *sum = sum.zip(value).map(|(sum, value)| sum.saturating_add(value));
        }
    }
    Arc::new(UInt64Array::from(sums))
}

fn first(rows: &RecordBatch, names: &[&str]) -> ArrayRef {
    let arrays: Vec<&ArrayRef> =
        names.iter().filter_map(|name| rows.column_by_name(name)).collect();
    let all = 0..rows.num_rows();
    if arrays.iter().any(|array| array.as_primitive_opt::<UInt16Type>().is_some()) {
        let arrays: Vec<_> =
            arrays.iter().filter_map(|a| a.as_primitive_opt::<UInt16Type>()).collect();
        let value = |row| arrays.iter().find(|a| a.is_valid(row)).map(|a| a.value(row));
        return Arc::new(all.map(value).collect::<UInt16Array>());
    }
    let arrays: Vec<_> = arrays.iter().filter_map(|a| a.as_string_opt::<i32>()).collect();
    let value = |row| arrays.iter().find(|a| a.is_valid(row)).map(|a| a.value(row));
    Arc::new(all.map(value).collect::<StringArray>())
}

#[cfg(test)]
mod tests {
    use arrow_array::{TimestampNanosecondArray, UInt8Array, UInt32Array};

    use super::*;

    fn rows() -> RecordBatch {
        let times = TimestampNanosecondArray::from(vec![Some(1_500_000), None, Some(0)]);
        RecordBatch::try_from_iter_with_nullable([
            (
                "std",
                Arc::new(Float64Array::from(vec![Some(2.0), Some(0.0), None])) as ArrayRef,
                true,
            ),
            ("count", Arc::new(UInt64Array::from(vec![Some(5), Some(1), Some(9)])), true),
            ("zero", Arc::new(UInt64Array::from(vec![Some(0), Some(4), None])), true),
            ("few", Arc::new(UInt8Array::from(vec![Some(3), None, Some(1)])), true),
            ("time", Arc::new(times), true),
            ("a", Arc::new(StringArray::from(vec![None, Some("x"), None])), true),
            ("b", Arc::new(StringArray::from(vec![Some("y"), Some("z"), None])), true),
            ("port", Arc::new(UInt16Array::from(vec![None, Some(7), None])), true),
            ("wide", Arc::new(UInt32Array::from(vec![70_000, 1, 2])), true),
        ])
        .unwrap()
    }

    fn floats(expr: Expr) -> Vec<Option<f64>> {
        numbers(&expr.values(&rows()))
    }

    #[test]
    fn hand_computed() {
        assert_eq!(floats(Expr::Times("few", 1e3)), [Some(3000.0), None, Some(1000.0)]);
        assert_eq!(floats(Expr::Times("wide", 0.5)), [Some(35_000.0), Some(0.5), Some(1.0)]);
        assert_eq!(floats(Expr::Ratio("count", "few")), [Some(5.0 / 3.0), None, Some(9.0)]);
        assert_eq!(floats(Expr::Ratio("few", "zero")), [None, None, None], "over 0 and over null");
        assert_eq!(floats(Expr::Sum(&["count", "zero"])), [Some(5.0), Some(5.0), None]);
        assert_eq!(floats(Expr::Millis("time")), [Some(1.5), None, Some(0.0)]);
        assert_eq!(floats(Expr::Same("few")), [Some(3.0), None, Some(1.0)]);
        assert_eq!(floats(Expr::Ratio("few", "nowhere")), [None, None, None]);
        assert_eq!(floats(Expr::Same("nowhere")), [None, None, None]);
    }

    #[test]
    fn whole_milliseconds_stay_whole() {
        let same = |nanos, millis: f64| assert_eq!(to_millis(nanos).to_bits(), millis.to_bits());
        same(1_700_000_000_070_000_000, 1_700_000_000_070.0);
        same(1_700_000_000_070_500_000, 1_700_000_000_070.5);
        same(-500_000, -0.5);
    }

    #[test]
    fn a_sample_of_one_has_no_deviation() {
        let variance = floats(Expr::SampleVariance { std: "std", count: "count" });
        assert_eq!(variance, [Some(5.0), None, None]);
        let std = Expr::SampleStd { std: "std", count: "count", less: 1, factor: 1e3 };
        // Four values: sqrt(4 / 3).
        assert_eq!(floats(std), [Some(2.0 * (4.0_f64 / 3.0).sqrt() * 1e3), None, None]);
    }

    #[test]
    fn the_first_that_is_there() {
        let texts = Expr::First(&["a", "b"]).values(&rows());
        let texts: Vec<_> = texts.as_string::<i32>().iter().collect();
        assert_eq!(texts, [Some("y"), Some("x"), None]);
        assert_eq!(floats(Expr::First(&["port"])), [None, Some(7.0), None]);
    }

    #[test]
    fn formulas_are_written_out() {
        let std = Expr::SampleStd { std: "iat_std", count: "total_packets", less: 1, factor: 1e3 };
        assert_eq!(std.to_string(), "iat_std * sqrt(n / (n - 1)) * 1000, n = total_packets - 1");
        assert_eq!(Expr::Ratio("a", "b").to_string(), "a / b");
        assert_eq!(Expr::Sum(&["a", "b"]).to_string(), "a + b");
    }
}
