//! One value of a row, whatever type its file gave it.

use std::fmt;
use std::net::IpAddr;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use rheos_core::Timestamp;
use rheos_core::units::human;

/// Whole numbers from here on are nanoseconds where a moment is expected, smaller ones seconds: as seconds it would be
/// the year 3 million, as nanoseconds it is the second day of 1970.
const NANOSECONDS_FROM: i128 = 100_000_000_000_000;

/// Seconds as floating point tell a moment of our days to half of this, in nanoseconds.
const FLOAT_MOMENT_NS: f64 = 500.0;

/// A value that can be compared with one of another type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Whole(i128),
    Float(f64),
    Text(String),
    /// Nanoseconds since the epoch, and whether it came as floating point.
    Moment(i128, bool),
    List(Vec<Value>),
    /// Of a type that no column of rows has.
    Other(String),
}

impl Value {
    /// The value in that row.
    pub(crate) fn of(array: &ArrayRef, row: usize) -> Self {
        fn at<T: ArrowPrimitiveType>(array: &ArrayRef, row: usize) -> T::Native {
            array.as_primitive::<T>().value(row)
        }
        if row >= array.len() || array.is_null(row) {
            return Self::Null;
        }
        let moment = |value: i64, scale: i128| Self::Moment(i128::from(value) * scale, false);
        match array.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Bool(array.as_boolean().value(row)),
            DataType::Int8 => Self::Whole(at::<Int8Type>(array, row).into()),
            DataType::Int16 => Self::Whole(at::<Int16Type>(array, row).into()),
            DataType::Int32 => Self::Whole(at::<Int32Type>(array, row).into()),
            DataType::Int64 => Self::Whole(at::<Int64Type>(array, row).into()),
            DataType::UInt8 => Self::Whole(at::<UInt8Type>(array, row).into()),
            DataType::UInt16 => Self::Whole(at::<UInt16Type>(array, row).into()),
            DataType::UInt32 => Self::Whole(at::<UInt32Type>(array, row).into()),
            DataType::UInt64 => Self::Whole(at::<UInt64Type>(array, row).into()),
            DataType::Float32 => float(at::<Float32Type>(array, row).into()),
            DataType::Float64 => float(at::<Float64Type>(array, row)),
            DataType::Utf8 => Self::Text(array.as_string::<i32>().value(row).to_owned()),
            DataType::LargeUtf8 => Self::Text(array.as_string::<i64>().value(row).to_owned()),
            DataType::Timestamp(unit, _) => match unit {
                TimeUnit::Second => moment(at::<TimestampSecondType>(array, row), 1_000_000_000),
                TimeUnit::Millisecond => {
                    moment(at::<TimestampMillisecondType>(array, row), 1_000_000)
                }
                TimeUnit::Microsecond => moment(at::<TimestampMicrosecondType>(array, row), 1_000),
                TimeUnit::Nanosecond => moment(at::<TimestampNanosecondType>(array, row), 1),
            },
            DataType::List(_) => Self::list(&array.as_list::<i32>().value(row)),
            DataType::LargeList(_) => Self::list(&array.as_list::<i64>().value(row)),
            other => Self::Other(format!("a value of type {other}")),
        }
    }

    fn list(items: &ArrayRef) -> Self {
        Self::List((0..items.len()).map(|item| Self::of(items, item)).collect())
    }

    /// The same value as a column of that type would have it; itself if it can be none.
    pub(crate) fn into_type(self, kind: &DataType) -> Self {
        match (self, kind) {
            (Self::Text(text), kind) => Self::read(text, kind),
            (Self::Whole(n), DataType::Float32 | DataType::Float64) => Self::Float(n as f64),
            (Self::Whole(n), DataType::Boolean) if n == 0 || n == 1 => Self::Bool(n == 1),
            (Self::Whole(n), DataType::Timestamp(..)) if n.abs() < NANOSECONDS_FROM => {
                Self::Moment(n * 1_000_000_000, false)
            }
            (Self::Whole(n), DataType::Timestamp(..)) => Self::Moment(n, false),
            (Self::Float(seconds), DataType::Timestamp(..)) => {
                Self::Moment(nanoseconds(seconds), true)
            }
            // Tools without nulls in whole numbers write these as 3.0.
            (Self::Float(value), kind) if kind.is_integer() && value.fract() == 0.0 => {
                Self::Whole(value as i128)
            }
            (value @ (Self::Whole(_) | Self::Bool(_) | Self::Float(_)), DataType::Utf8) => {
                Self::Text(value.to_string())
            }
            (Self::List(items), DataType::List(item) | DataType::LargeList(item)) => Self::List(
                items.into_iter().map(|value| value.into_type(item.data_type())).collect(),
            ),
            (value, _) => value,
        }
    }

    /// What the text says where a value of that type is expected; the text itself if it says no such value.
    fn read(text: String, kind: &DataType) -> Self {
        let trimmed = text.trim();
        let number = || match trimmed.parse::<i128>() {
            Ok(whole) => Some(Self::Whole(whole)),
            Err(_) => trimmed.parse().ok().map(float),
        };
        let read = match kind {
            DataType::Utf8 | DataType::LargeUtf8 => None,
            _ if trimmed.is_empty() => Some(Self::Null),
            DataType::Boolean => match trimmed {
                "true" | "True" | "TRUE" | "1" => Some(Self::Bool(true)),
                "false" | "False" | "FALSE" | "0" => Some(Self::Bool(false)),
                _ => None,
            },
            DataType::Timestamp(..) => match number() {
                Some(Self::Whole(n)) => Some(Self::Whole(n).into_type(kind)),
                // The decimals as they are written, not as floating point keeps them.
                _ => trimmed
                    .replacen(' ', "T", 1)
                    .parse()
                    .ok()
                    .map(|moment: Timestamp| Self::Moment(moment.as_nanos().into(), false)),
            },
            DataType::List(item) | DataType::LargeList(item) => {
                let items: Option<Vec<serde_json::Value>> = serde_json::from_str(trimmed).ok();
                let value = |json| of_json(json).into_type(item.data_type());
                items.map(|items| Self::List(items.into_iter().map(value).collect()))
            }
            _ => number().map(|value| value.into_type(kind)),
        };
        read.unwrap_or(Self::Text(text))
    }

    /// Whether it is `found`, within the tolerance where the type has one.
    pub(crate) fn equals(&self, found: &Self, tolerance: f64) -> bool {
        match (self, found) {
            (Self::Null, Self::Text(text)) | (Self::Text(text), Self::Null) => text.is_empty(),
            (Self::Float(a), Self::Float(b)) => {
                (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0)
            }
            (Self::Moment(a, float), Self::Moment(b, _)) => {
                let slack = if *float { FLOAT_MOMENT_NS } else { 0.0 };
                (a - b).abs() as f64 <= (tolerance * 1e9).max(slack)
            }
            (Self::Text(a), Self::Text(b)) => {
                a == b || a.parse::<IpAddr>().is_ok_and(|a| b.parse() == Ok(a))
            }
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b, tolerance))
            }
            (a, b) => a == b,
        }
    }

    /// Nanoseconds since the epoch: of a moment, or of seconds.
    pub(crate) fn moment(&self) -> Option<i128> {
        match self {
            Self::Moment(nanos, _) => Some(*nanos),
            Self::Float(seconds) => Some(nanoseconds(*seconds)),
            _ => None,
        }
    }
}

/// The whole seconds apart from the rest: their product with a billion would lose a quarter of a microsecond more.
fn nanoseconds(seconds: f64) -> i128 {
    seconds.trunc() as i128 * 1_000_000_000 + (seconds.fract() * 1e9).round() as i128
}

/// Not finite is null: rows have no such numbers.
fn float(value: f64) -> Value {
    if value.is_finite() { Value::Float(value) } else { Value::Null }
}

fn of_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Number(number) => match number.as_i128() {
            Some(whole) => Value::Whole(whole),
            None => number.as_f64().map_or(Value::Null, float),
        },
        other => Value::Other(other.to_string()),
    }
}

/// Null is the empty text; addresses have their canonical form, so that keys of equal rows are equal.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Whole(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(text) => match text.parse::<IpAddr>() {
                Ok(address) => write!(f, "{address}"),
                Err(_) => f.write_str(text),
            },
            Self::Moment(nanos, _) => match u64::try_from(*nanos) {
                Ok(nanos) => write!(f, "{}", human::rfc3339(Timestamp::from_nanos(nanos))),
                Err(_) => write!(f, "{nanos}"),
            },
            Self::List(items) => {
                f.write_str("[")?;
                for (number, item) in items.iter().enumerate() {
                    if number > 0 {
                        f.write_str(",")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
            Self::Other(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Kind;

    fn read(text: &str, kind: Kind) -> Value {
        Value::Text(text.to_owned()).into_type(&kind.data_type())
    }

    #[test]
    fn texts_are_read_as_the_column_has_them() {
        assert_eq!(read("7", Kind::U8), Value::Whole(7));
        assert_eq!(read("7.0", Kind::U64), Value::Whole(7));
        assert_eq!(read("7.5", Kind::U64), Value::Float(7.5));
        assert_eq!(read("7", Kind::F64), Value::Float(7.0));
        assert_eq!(read("nan", Kind::F64), Value::Null);
        assert_eq!(read("True", Kind::Bool), Value::Bool(true));
        assert_eq!(read("7", Kind::Str), Value::Text("7".to_owned()));
        assert_eq!(read("many", Kind::U8), Value::Text("many".to_owned()));
        assert_eq!(read("", Kind::U8), Value::Null);
        let list = Value::List(vec![Value::Whole(1), Value::Null]);
        assert_eq!(read("[1, null]", Kind::ListU32), list);
        assert_eq!(read("[1, 0.5]", Kind::ListF64).to_string(), "[1.0,0.5]");
    }

    #[test]
    fn moments_are_seconds_nanoseconds_or_rfc_3339() {
        let expected = Value::Moment(1_700_000_000_250_000_000, false);
        for text in [
            "1700000000.25",
            "1700000000250000000",
            "2023-11-14T22:13:20.25Z",
            "2023-11-14 22:13:20.250000000Z",
        ] {
            assert_eq!(read(text, Kind::Timestamp), expected, "{text}");
        }
        assert_eq!(read("1700000000", Kind::Timestamp).moment(), Some(1_700_000_000_000_000_000));
        let float = Value::Float(1_700_000_000.25).into_type(&Kind::Timestamp.data_type());
        assert!(float.equals(&Value::Moment(1_700_000_000_250_000_400, false), 0.0));
        assert!(!float.equals(&Value::Moment(1_700_000_000_250_000_600, false), 0.0));
        assert!(!expected.equals(&Value::Moment(1_700_000_000_250_000_001, false), 1e-10));
        assert!(expected.equals(&Value::Moment(1_700_000_000_250_000_001, false), 1e-9));
    }

    #[test]
    fn addresses_and_nulls_are_equal_however_they_are_written() {
        let text = |text: &str| Value::Text(text.to_owned());
        assert!(text("2001:DB8:0::1").equals(&text("2001:db8::1"), 0.0));
        assert_eq!(text("2001:DB8:0::1").to_string(), "2001:db8::1");
        assert!(text("").equals(&Value::Null, 0.0) && Value::Null.equals(&text(""), 0.0));
        assert!(!text("a").equals(&Value::Null, 0.0) && !text("a").equals(&text("A"), 0.0));
        let whole = Value::Whole(443).into_type(&Kind::Str.data_type());
        assert!(whole.equals(&text("443"), 0.0));
    }
}
