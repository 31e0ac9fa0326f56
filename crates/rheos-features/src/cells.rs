//! One column's values as they are gathered: plain vectors that become Arrow arrays by moving.

use std::sync::Arc;

use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{
    ArrayRef, BooleanArray, ListArray, PrimitiveArray, StringArray, TimestampNanosecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::Field;

/// What all kinds of cells can do.
pub(crate) trait Cells: Default {
    /// Adds a copy of another column's value.
    fn push_from(&mut self, other: &Self, row: usize);

    /// The values as an Arrow array.
    fn into_array(self) -> ArrayRef;
}

/// Which values are there; costs nothing until the first is not. Bytes, packed into bits at the end: cheaper to
/// write one by one than bits.
#[derive(Debug, Default)]
struct Validity {
    /// Empty while nothing is null.
    flags: Vec<bool>,
    len: usize,
}

impl Validity {
    #[inline]
    fn push(&mut self, valid: bool) {
        if !self.flags.is_empty() {
            self.flags.push(valid);
        } else if !valid {
            self.first_null();
        }
        self.len += 1;
    }

    #[cold]
    fn first_null(&mut self) {
        self.flags.resize(self.len, true);
        self.flags.push(false);
    }

    #[inline]
    fn get(&self, row: usize) -> bool {
        self.flags.is_empty() || self.flags[row]
    }

    fn into_nulls(self) -> Option<NullBuffer> {
        (!self.flags.is_empty()).then(|| NullBuffer::from(self.flags))
    }
}

/// Numbers.
#[derive(Debug)]
pub(crate) struct Prim<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    valid: Validity,
}

impl<T: ArrowPrimitiveType> Default for Prim<T> {
    fn default() -> Self {
        Self { values: Vec::new(), valid: Validity::default() }
    }
}

impl<T: ArrowPrimitiveType> Prim<T> {
    #[inline]
    pub(crate) fn push(&mut self, value: Option<T::Native>) {
        self.values.push(value.unwrap_or_default());
        self.valid.push(value.is_some());
    }
}

impl<T: ArrowPrimitiveType> Cells for Prim<T> {
    #[inline]
    fn push_from(&mut self, other: &Self, row: usize) {
        self.values.push(other.values[row]);
        self.valid.push(other.valid.get(row));
    }

    fn into_array(self) -> ArrayRef {
        let values = ScalarBuffer::from(self.values);
        Arc::new(PrimitiveArray::<T>::new(values, self.valid.into_nulls()))
    }
}

/// Moments, in nanoseconds since the epoch.
#[derive(Debug, Default)]
pub(crate) struct Times(Prim<arrow_array::types::Int64Type>);

impl Times {
    #[inline]
    pub(crate) fn push(&mut self, value: Option<i64>) {
        self.0.push(value);
    }
}

impl Cells for Times {
    fn push_from(&mut self, other: &Self, row: usize) {
        self.0.push_from(&other.0, row);
    }

    fn into_array(self) -> ArrayRef {
        let values = ScalarBuffer::from(self.0.values);
        let array = TimestampNanosecondArray::new(values, self.0.valid.into_nulls());
        Arc::new(array.with_timezone("UTC"))
    }
}

/// Truth values.
#[derive(Debug, Default)]
pub(crate) struct Bools {
    values: Vec<bool>,
    valid: Validity,
}

impl Bools {
    #[inline]
    pub(crate) fn push(&mut self, value: Option<bool>) {
        self.values.push(value.unwrap_or_default());
        self.valid.push(value.is_some());
    }
}

impl Cells for Bools {
    fn push_from(&mut self, other: &Self, row: usize) {
        self.values.push(other.values[row]);
        self.valid.push(other.valid.get(row));
    }

    fn into_array(self) -> ArrayRef {
        let values = BooleanBuffer::from(self.values.as_slice());
        Arc::new(BooleanArray::new(values, self.valid.into_nulls()))
    }
}

/// Where each value of a list or text column ends.
#[derive(Debug)]
struct Ends(Vec<i32>);

impl Default for Ends {
    fn default() -> Self {
        Self(vec![0])
    }
}

impl Ends {
    /// A batch holds far fewer than 2^31 items: its rows are bounded, and so is each row.
    fn push(&mut self, end: usize) {
        self.0.push(i32::try_from(end).unwrap_or(i32::MAX));
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.0[row] as usize..self.0[row + 1] as usize
    }

    fn into_offsets(self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(ScalarBuffer::from(self.0))
    }
}

/// Texts.
#[derive(Debug, Default)]
pub(crate) struct Strs {
    ends: Ends,
    data: String,
    valid: Validity,
}

impl Strs {
    #[inline]
    pub(crate) fn push(&mut self, value: Option<&str>) {
        self.data.push_str(value.unwrap_or_default());
        self.ends.push(self.data.len());
        self.valid.push(value.is_some());
    }

    #[inline]
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut String) -> bool) {
        let start = self.data.len();
        let valid = write(&mut self.data);
        if !valid {
            self.data.truncate(start);
        }
        self.ends.push(self.data.len());
        self.valid.push(valid);
    }
}

impl Cells for Strs {
    fn push_from(&mut self, other: &Self, row: usize) {
        let value = &other.data[other.ends.range(row)];
        self.push(other.valid.get(row).then_some(value));
    }

    fn into_array(self) -> ArrayRef {
        let data = Buffer::from_vec(self.data.into_bytes());
        let array = StringArray::new(self.ends.into_offsets(), data, self.valid.into_nulls());
        Arc::new(array)
    }
}

/// Lists of numbers.
#[derive(Debug)]
pub(crate) struct List<T: ArrowPrimitiveType> {
    ends: Ends,
    items: Vec<T::Native>,
}

impl<T: ArrowPrimitiveType> Default for List<T> {
    fn default() -> Self {
        Self { ends: Ends::default(), items: Vec::new() }
    }
}

impl<T: ArrowPrimitiveType> List<T> {
    pub(crate) fn push(&mut self, values: impl Iterator<Item = T::Native>) {
        self.items.extend(values);
        self.ends.push(self.items.len());
    }
}

impl<T: ArrowPrimitiveType> Cells for List<T> {
    fn push_from(&mut self, other: &Self, row: usize) {
        self.push(other.items[other.ends.range(row)].iter().copied());
    }

    fn into_array(self) -> ArrayRef {
        let items = PrimitiveArray::<T>::new(ScalarBuffer::from(self.items), None);
        let field = Arc::new(Field::new_list_field(T::DATA_TYPE, true));
        Arc::new(ListArray::new(field, self.ends.into_offsets(), Arc::new(items), None))
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{UInt32Type, UInt64Type};

    use super::*;

    #[test]
    fn nulls_are_kept_wherever_they_begin() {
        for first_null in [0, 1, 63, 64, 65, 200] {
            let mut cells = Prim::<UInt64Type>::default();
            let wanted: Vec<Option<u64>> =
                (0..260).map(|i| (i < first_null || i % 3 == 1).then_some(i)).collect();
            for &value in &wanted {
                cells.push(value);
            }
            let mut copied = Prim::<UInt64Type>::default();
            for row in 0..260 {
                copied.push_from(&cells, row);
            }
            for cells in [cells, copied] {
                let array = cells.into_array();
                let got: Vec<_> = array.as_primitive::<UInt64Type>().iter().collect();
                assert_eq!(got, wanted, "first null near {first_null}");
            }
        }
    }

    #[test]
    fn texts_and_lists_copy_by_row() {
        let mut texts = Strs::default();
        texts.push(Some("a"));
        texts.push(None);
        texts.push_with(|out| {
            out.push_str("dropped");
            false
        });
        texts.push(Some("bcd"));
        let mut back = Strs::default();
        for row in [3, 1, 0] {
            back.push_from(&texts, row);
        }
        let array = back.into_array();
        assert_eq!(
            array.as_string::<i32>().iter().collect::<Vec<_>>(),
            [Some("bcd"), None, Some("a")]
        );

        let mut lists = List::<UInt32Type>::default();
        lists.push([1, 2].into_iter());
        lists.push(std::iter::empty());
        let mut back = List::<UInt32Type>::default();
        for row in [1, 0] {
            back.push_from(&lists, row);
        }
        let array = back.into_array();
        assert_eq!(array.as_list::<i32>().value_length(0), 0);
        assert_eq!(array.as_list::<i32>().value(1).as_primitive::<UInt32Type>().values(), &[1, 2]);
    }
}
