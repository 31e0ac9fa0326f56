//! How the columns of a Parquet file are best encoded, as the first batch tells.
//!
//! A dictionary costs a hash per value and pays where values repeat. Where they do not, integers are smaller
//! and faster as packed differences, and floats are left to the compression: statistics of small samples have
//! short mantissas that repeat, which writing their bytes apart would hide.

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
const SAMPLE: usize = 8192;

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
    let mut distinct = Distinct::default();
    let mut seen = 0;
    for value in bits.take(SAMPLE) {
        distinct.add(value);
        seen += 1;
    }
    if distinct.count() * 4 <= seen { Layout::Dictionary } else { Layout::Plain }
}

/// Distinct values, counted by the bits that their hashes set: of a whole sample, about one in sixteen is missed.
struct Distinct(Vec<u64>);

impl Default for Distinct {
    fn default() -> Self {
        Self(vec![0; 8 * SAMPLE / 64])
    }
}

impl Distinct {
    fn add(&mut self, value: u64) {
        // An odd multiplier spreads what the halves of the value differ in over the highest bits.
        let hash = (value ^ value >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bit = (hash >> 48) as usize;
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_values_are_counted_well_enough() {
        for distinct in [1_u64, 10, 1000, 8192] {
            let mut counted = Distinct::default();
            (0..8192).for_each(|i| counted.add((((i % distinct) as f64) / 7.0).to_bits()));
            let (least, most) = (distinct as usize * 9 / 10, distinct as usize);
            assert!((least..=most).contains(&counted.count()), "{distinct}: {}", counted.count());
        }
    }

    #[test]
    fn repeated_floats_get_a_dictionary() {
        let layout = |distinct: u64| float_layout((0..4096).map(|i| i % distinct));
        assert_eq!([layout(900), layout(1200)], [Layout::Dictionary, Layout::Plain]);
        assert_eq!(float_layout(std::iter::empty()), Layout::Dictionary, "nothing but nulls");
    }
}
