//! A batch's columns as typed slices, and their values as text. What is looked up once per batch here is
//! not looked up per value in the row loops of CSV and JSON Lines.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowDictionaryKeyType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, BinaryArray, BooleanArray, FixedSizeBinaryArray, LargeBinaryArray, LargeStringArray,
    StringArray,
};
use arrow_buffer::{ArrowNativeType as _, NullBuffer};
use arrow_schema::{DataType, TimeUnit};

use crate::{csv, json, moment};

/// A column of a batch.
pub(crate) struct Column<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
    Null,
    Bool(&'a BooleanArray),
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
    F32(&'a [f32]),
    F64(&'a [f64]),
    Text(&'a StringArray),
    LargeText(&'a LargeStringArray),
    Bytes(&'a BinaryArray),
    LargeBytes(&'a LargeBinaryArray),
    FixedBytes(&'a FixedSizeBinaryArray),
    Timestamp {
        values: &'a [i64],
        unit: TimeUnit,
        utc: bool,
    },
    List {
        offsets: &'a [i32],
        items: Box<Column<'a>>,
    },
    LargeList {
        offsets: &'a [i64],
        items: Box<Column<'a>>,
    },
    /// The place of each row's value, decoded once per batch; rows that are null have none.
    Dictionary {
        places: Vec<usize>,
        values: Box<Column<'a>>,
    },
}

/// How a value is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As a field of a CSV line.
    Csv,
    /// As a JSON value.
    Json,
}

/// Whether CSV and JSON Lines can show columns of this type.
pub(crate) fn has_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::FixedSizeBinary(_) => true,
        // Another zone would need its rules; nothing in a capture is in local time.
        DataType::Timestamp(_, zone) => {
            zone.as_deref().is_none_or(|zone| matches!(zone, "UTC" | "+00:00" | "Z"))
        }
        DataType::List(item) | DataType::LargeList(item) => has_text(item.data_type()),
        DataType::Dictionary(_, value) => {
            has_text(value) && !matches!(**value, DataType::Dictionary(..))
        }
        _ => false,
    }
}

impl<'a> Column<'a> {
    /// `None` for types without text, see [`has_text`].
    pub(crate) fn new(array: &'a dyn Array) -> Option<Self> {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        let values = match array.data_type() {
            DataType::Null => Values::Null,
            DataType::Boolean => Values::Bool(array.as_boolean()),
            DataType::Int8 => Values::I8(array.as_primitive::<Int8Type>().values()),
            DataType::Int16 => Values::I16(array.as_primitive::<Int16Type>().values()),
            DataType::Int32 => Values::I32(array.as_primitive::<Int32Type>().values()),
            DataType::Int64 => Values::I64(array.as_primitive::<Int64Type>().values()),
            DataType::UInt8 => Values::U8(array.as_primitive::<UInt8Type>().values()),
            DataType::UInt16 => Values::U16(array.as_primitive::<UInt16Type>().values()),
            DataType::UInt32 => Values::U32(array.as_primitive::<UInt32Type>().values()),
            DataType::UInt64 => Values::U64(array.as_primitive::<UInt64Type>().values()),
            DataType::Float32 => Values::F32(array.as_primitive::<Float32Type>().values()),
            DataType::Float64 => Values::F64(array.as_primitive::<Float64Type>().values()),
            DataType::Utf8 => Values::Text(array.as_string::<i32>()),
            DataType::LargeUtf8 => Values::LargeText(array.as_string::<i64>()),
            DataType::Binary => Values::Bytes(array.as_binary::<i32>()),
            DataType::LargeBinary => Values::LargeBytes(array.as_binary::<i64>()),
            DataType::FixedSizeBinary(_) => Values::FixedBytes(array.as_fixed_size_binary()),
            DataType::Timestamp(unit, zone) => Values::Timestamp {
                values: timestamps(array, *unit),
                unit: *unit,
                utc: zone.is_some(),
            },
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                let items = Box::new(Self::new(list.values().as_ref())?);
                Values::List { offsets: list.value_offsets(), items }
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                let items = Box::new(Self::new(list.values().as_ref())?);
                Values::LargeList { offsets: list.value_offsets(), items }
            }
            DataType::Dictionary(key, _) => dictionary(array, key)?,
            _ => return None,
        };
        Some(Self { nulls, values })
    }

    /// Whether the row has no value that text can show: null, or a float that is not finite.
    #[inline]
    pub(crate) fn is_absent(&self, row: usize) -> bool {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return true;
        }
        match &self.values {
            Values::Null => true,
            Values::F32(values) => !values[row].is_finite(),
            Values::F64(values) => !values[row].is_finite(),
            Values::Dictionary { places, values } => values.is_absent(places[row]),
            _ => false,
        }
    }

    /// Appends the row's value, which must not be [absent](Self::is_absent).
    #[inline]
    pub(crate) fn push(&self, row: usize, style: Style, out: &mut Vec<u8>) {
        match &self.values {
            Values::U8(values) => integer(out, values[row]),
            Values::U16(values) => integer(out, values[row]),
            Values::U32(values) => integer(out, values[row]),
            Values::U64(values) => integer(out, values[row]),
            Values::F64(values) => float(out, values[row]),
            Values::Bool(values) => {
                out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
            }
            Values::Text(values) => text(out, values.value(row), style),
            Values::I8(values) => integer(out, values[row]),
            Values::I16(values) => integer(out, values[row]),
            Values::I32(values) => integer(out, values[row]),
            Values::I64(values) => integer(out, values[row]),
            Values::F32(values) => float(out, values[row]),
            _ => self.push_rare(row, style, out),
        }
    }

    /// The types that are rare, or long anyway, kept out of the row loop.
    fn push_rare(&self, row: usize, style: Style, out: &mut Vec<u8>) {
        match &self.values {
            Values::LargeText(values) => text(out, values.value(row), style),
            Values::Bytes(values) => hex(out, values.value(row), style),
            Values::LargeBytes(values) => hex(out, values.value(row), style),
            Values::FixedBytes(values) => hex(out, values.value(row), style),
            Values::Timestamp { values, unit, utc } => {
                let quote = style == Style::Json;
                out.extend(quote.then_some(b'"'));
                moment::push(out, values[row], *unit, *utc);
                out.extend(quote.then_some(b'"'));
            }
            Values::List { offsets, items } => {
                list(out, items, offsets[row].as_usize()..offsets[row + 1].as_usize(), style);
            }
            Values::LargeList { offsets, items } => {
                list(out, items, offsets[row].as_usize()..offsets[row + 1].as_usize(), style);
            }
            Values::Dictionary { places, values } => values.push(places[row], style, out),
            _ => {}
        }
    }
}

fn timestamps(array: &dyn Array, unit: TimeUnit) -> &[i64] {
    match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
    }
}

fn dictionary<'a>(array: &'a dyn Array, key: &DataType) -> Option<Values<'a>> {
    fn typed<K: ArrowDictionaryKeyType>(array: &dyn Array) -> Option<Values<'_>> {
        let array = array.as_dictionary::<K>();
        let values = Box::new(Column::new(array.values().as_ref())?);
        // The key of a null row may be anything.
        let last = array.values().len().saturating_sub(1);
        let places = array.keys().values().iter().map(|k| k.as_usize().min(last)).collect();
        Some(Values::Dictionary { places, values })
    }
    match key {
        DataType::Int8 => typed::<Int8Type>(array),
        DataType::Int16 => typed::<Int16Type>(array),
        DataType::Int32 => typed::<Int32Type>(array),
        DataType::Int64 => typed::<Int64Type>(array),
        DataType::UInt8 => typed::<UInt8Type>(array),
        DataType::UInt16 => typed::<UInt16Type>(array),
        DataType::UInt32 => typed::<UInt32Type>(array),
        DataType::UInt64 => typed::<UInt64Type>(array),
        _ => None,
    }
}

#[inline]
fn integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// The shortest text that reads back to the same number.
#[inline]
fn float(out: &mut Vec<u8>, value: impl zmij::Float) {
    out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
}

#[inline]
fn text(out: &mut Vec<u8>, value: &str, style: Style) {
    match style {
        Style::Csv => csv::field(out, value),
        Style::Json => json::string(out, value),
    }
}

fn hex(out: &mut Vec<u8>, bytes: &[u8], style: Style) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // An empty value is no null: in CSV it shows as the empty string does.
    let quote = style == Style::Json || bytes.is_empty();
    out.extend(quote.then_some(b'"'));
    for byte in bytes {
        let pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        out.extend_from_slice(&pair);
    }
    out.extend(quote.then_some(b'"'));
}

/// A JSON array; in CSV as a quoted field.
fn list(out: &mut Vec<u8>, items: &Column<'_>, range: std::ops::Range<usize>, style: Style) {
    let csv = style == Style::Csv;
    out.extend(csv.then_some(b'"'));
    let start = out.len();
    out.push(b'[');
    for (i, item) in range.enumerate() {
        out.extend((i > 0).then_some(b','));
        if items.is_absent(item) {
            out.extend_from_slice(b"null");
        } else {
            items.push(item, Style::Json, out);
        }
    }
    out.push(b']');
    if csv {
        csv::double_quotes(out, start);
        out.push(b'"');
    }
}
