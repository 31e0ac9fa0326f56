//! One column's values as they are gathered: plain vectors that become Arrow arrays by moving.

use std::sync::Arc;

use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{
    ArrayRef, BooleanArray, ListArray, PrimitiveArray, StringArray, TimestampNanosecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::Field;

/// Rows of several buffers in a wanted order: (number of the buffer, its row).
pub(crate) type Order = [(u32, u32)];

/// What all kinds of cells can do.
pub(crate) trait Cells: Default {
    /// Adds copies of other columns' values.
    fn gather(&mut self, parts: &[&Self], order: &Order);

    /// The values as an Arrow array. The cells are empty after it, with room for as many values as they had.
    fn take_array(&mut self) -> ArrayRef;

    /// Forgets all values, keeping their memory.
    fn clear(&mut self);
}

/// The values of a vector, which afterwards has room for as many.
fn take<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(values.len());
    std::mem::replace(values, room)
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

    fn gather<'a>(&mut self, parts: impl Iterator<Item = &'a Self> + Clone, order: &Order) {
        if self.flags.is_empty() && parts.clone().all(|part| part.flags.is_empty()) {
            self.len += order.len();
            return;
        }
        self.flags.resize(self.len, true);
        let parts: Vec<&Self> = parts.collect();
        let flags = order.iter().map(|&(part, row)| parts[part as usize].get(row as usize));
        self.flags.extend(flags);
        self.len += order.len();
    }

    fn take_nulls(&mut self) -> Option<NullBuffer> {
        let nulls = (!self.flags.is_empty()).then(|| NullBuffer::from(self.flags.as_slice()));
        self.clear();
        nulls
    }

    fn clear(&mut self) {
        self.flags.clear();
        self.len = 0;
    }
}

/// A column's parts' validities.
macro_rules! validities {
    ($parts:expr) => {
        $parts.iter().map(|part| &part.valid)
    };
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
    fn gather(&mut self, parts: &[&Self], order: &Order) {
        let values = order.iter().map(|&(part, row)| parts[part as usize].values[row as usize]);
        self.values.extend(values);
        self.valid.gather(validities!(parts), order);
    }

    fn take_array(&mut self) -> ArrayRef {
        let values = ScalarBuffer::from(take(&mut self.values));
        Arc::new(PrimitiveArray::<T>::new(values, self.valid.take_nulls()))
    }

    fn clear(&mut self) {
        self.values.clear();
        self.valid.clear();
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
    fn gather(&mut self, parts: &[&Self], order: &Order) {
        let parts: Vec<_> = parts.iter().map(|part| &part.0).collect();
        self.0.gather(&parts, order);
    }

    fn take_array(&mut self) -> ArrayRef {
        let values = ScalarBuffer::from(take(&mut self.0.values));
        let array = TimestampNanosecondArray::new(values, self.0.valid.take_nulls());
        Arc::new(array.with_timezone("UTC"))
    }

    fn clear(&mut self) {
        self.0.clear();
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
    fn gather(&mut self, parts: &[&Self], order: &Order) {
        let values = order.iter().map(|&(part, row)| parts[part as usize].values[row as usize]);
        self.values.extend(values);
        self.valid.gather(validities!(parts), order);
    }

    fn take_array(&mut self) -> ArrayRef {
        let values = BooleanBuffer::from(self.values.as_slice());
        self.values.clear();
        Arc::new(BooleanArray::new(values, self.valid.take_nulls()))
    }

    fn clear(&mut self) {
        self.values.clear();
        self.valid.clear();
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

    fn take_offsets(&mut self) -> OffsetBuffer<i32> {
        let ends = take(&mut self.0);
        self.0.push(0);
        OffsetBuffer::new(ScalarBuffer::from(ends))
    }

    fn clear(&mut self) {
        self.0.truncate(1);
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
    fn gather(&mut self, parts: &[&Self], order: &Order) {
        for &(part, row) in order {
            let (part, row) = (parts[part as usize], row as usize);
            self.data.push_str(&part.data[part.ends.range(row)]);
            self.ends.push(self.data.len());
        }
        self.valid.gather(validities!(parts), order);
    }

    fn take_array(&mut self) -> ArrayRef {
        let room = String::with_capacity(self.data.len());
        let data = std::mem::replace(&mut self.data, room);
        let data = Buffer::from_vec(data.into_bytes());
        Arc::new(StringArray::new(self.ends.take_offsets(), data, self.valid.take_nulls()))
    }

    fn clear(&mut self) {
        self.ends.clear();
        self.data.clear();
        self.valid.clear();
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
    fn gather(&mut self, parts: &[&Self], order: &Order) {
        for &(part, row) in order {
            let part = parts[part as usize];
            self.push(part.items[part.ends.range(row as usize)].iter().copied());
        }
    }

    fn take_array(&mut self) -> ArrayRef {
        let items = PrimitiveArray::<T>::new(ScalarBuffer::from(take(&mut self.items)), None);
        let field = Arc::new(Field::new_list_field(T::DATA_TYPE, true));
        Arc::new(ListArray::new(field, self.ends.take_offsets(), Arc::new(items), None))
    }

    fn clear(&mut self) {
        self.ends.clear();
        self.items.clear();
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
            // The later half first, from two parts.
            let order: Vec<(u32, u32)> =
                (130..260).map(|row| (1, row)).chain((0..130).map(|row| (0, row))).collect();
            let mut copied = Prim::<UInt64Type>::default();
            copied.gather(&[&cells, &cells], &order[130..]);
            copied.gather(&[&cells, &cells], &order[..130]);
            for mut cells in [cells, copied] {
                let array = cells.take_array();
                assert!(cells.values.is_empty() && cells.valid.flags.is_empty());
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
        back.gather(&[&texts], &[(0, 3), (0, 1), (0, 0)]);
        let array = back.take_array();
        assert_eq!(
            array.as_string::<i32>().iter().collect::<Vec<_>>(),
            [Some("bcd"), None, Some("a")]
        );

        let mut lists = List::<UInt32Type>::default();
        lists.push([1, 2].into_iter());
        lists.push(std::iter::empty());
        let mut back = List::<UInt32Type>::default();
        back.gather(&[&lists], &[(0, 1), (0, 0)]);
        let array = back.take_array();
        assert_eq!(array.as_list::<i32>().value_length(0), 0);
        assert_eq!(array.as_list::<i32>().value(1).as_primitive::<UInt32Type>().values(), &[1, 2]);
    }
}
