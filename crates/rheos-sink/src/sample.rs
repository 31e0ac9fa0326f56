//! How the columns of a Parquet file are best encoded, as the first batch tells.
//!
//! A dictionary costs a hash per value and pays where values repeat. Where they do not, integers are smaller
//! and faster as packed differences, and floats are left to the compression: statistics of small samples have
//! short mantissas that repeat, which writing their bytes apart would hide.

use std::collections::HashSet;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema};

/// How the values of one leaf column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Each distinct value once, then references.
    Dictionary,
    /// As they are.
    Plain,
    /// Packed differences of integers.
    Delta,
}

/// Values that are looked at; the first batch of a stream is like the others.
const SAMPLE: usize = 1024;

/// One layout per leaf column, in the order of the schema; each supported type has one leaf.
pub(crate) fn layouts(schema: &Schema, first: &RecordBatch) -> Vec<Layout> {
    let columns = schema.fields().iter().zip(first.columns());
    columns.map(|(field, array)| layout(field.data_type(), array.as_ref())).collect()
}

fn layout(data_type: &DataType, sample: &dyn Array) -> Layout {
    match data_type {
        DataType::List(item) => layout(item.data_type(), sample.as_list::<i32>().values()),
        DataType::LargeList(item) => layout(item.data_type(), sample.as_list::<i64>().values()),
        DataType::Float32 => float_layout(
            sample.as_primitive::<Float32Type>().iter().flatten().map(|v| u64::from(v.to_bits())),
        ),
        DataType::Float64 => {
            float_layout(sample.as_primitive::<Float64Type>().iter().flatten().map(f64::to_bits))
        }
        DataType::Boolean => Layout::Plain,
        integer if integer.is_integer() || matches!(integer, DataType::Timestamp(..)) => {
            Layout::Delta
        }
        // Strings: the writer gives a dictionary up by itself when it grows too large.
        _ => Layout::Dictionary,
    }
}

fn float_layout(bits: impl Iterator<Item = u64>) -> Layout {
    let mut distinct = HashSet::new();
    let mut seen = 0;
    for value in bits.take(SAMPLE) {
        distinct.insert(value);
        seen += 1;
    }
    if distinct.len() * 4 <= seen { Layout::Dictionary } else { Layout::Plain }
}
