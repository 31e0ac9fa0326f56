//! One column's values as they are gathered: plain vectors that become Arrow arrays by moving.
//!
//! A value is pushed with the number of its row. Rows that got none are null, or empty lists: what most flows do not
//! have costs them nothing.

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
    /// Copies values of other columns into the rows from `row` on.
    fn gather(&mut self, row: usize, parts: &[&Self], order: &Order);

    /// The values of so many rows as an Arrow array. The cells are empty after it, with room for as many values as
    /// they had.
    fn take_array(&mut self, rows: usize) -> ArrayRef;

    /// Forgets all values, keeping their memory.
    fn clear(&mut self);
}

/// The values of a vector, which afterwards has room for as many, and some more: batches are of similar sizes, and to
/// grow means to copy.
fn take<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(values.len() + values.len() / 8);
    std::mem::replace(values, room)
}

/// Which rows have a value; costs nothing until the first has none. Bytes, packed into bits at the end: cheaper to
/// write one by one than bits.
#[derive(Debug, Default)]
struct Validity {
    /// Empty while every row has a value.
    flags: Vec<bool>,
    /// Up to the last row that has a value.
    len: usize,
}

impl Validity {
    /// This row has a value, and those between it and the last one have none.
    #[inline]
    fn push(&mut self, row: usize) {
        if row > self.len {
            self.fill(row);
        }
        if !self.flags.is_empty() {
            self.flags.push(true);
        }
        self.len = row + 1;
    }

    #[inline]
    fn get(&self, row: usize) -> bool {
        row < self.len && (self.flags.is_empty() || self.flags[row])
    }

    /// The rows up to this one that were not mentioned have no value.
    fn fill(&mut self, rows: usize) {
        if rows > self.len {
            if self.flags.is_empty() {
                self.flags.resize(self.len, true);
            }
            self.flags.resize(rows, false);
            self.len = rows;
        }
    }

    fn take_nulls(&mut self, rows: usize) -> Option<NullBuffer> {
        self.fill(rows);
        let nulls = (!self.flags.is_empty()).then(|| NullBuffer::from(self.flags.as_slice()));
        self.clear();
        nulls
    }

    fn clear(&mut self) {
        self.flags.clear();
        self.len = 0;
    }
}

/// Values of one type, and which rows have one.
#[derive(Debug)]
pub(crate) struct Values<T> {
    values: Vec<T>,
    valid: Validity,
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Self { values: Vec::new(), valid: Validity::default() }
    }
}

impl<T: Copy + Default> Values<T> {
    #[inline]
    pub(crate) fn push(&mut self, row: usize, value: Option<T>) {
        let Some(value) = value else { return };
        if row > self.values.len() {
            self.values.resize(row, T::default());
        }
        self.values.push(value);
        self.valid.push(row);
    }

    fn get(&self, row: usize) -> Option<T> {
        self.valid.get(row).then(|| self.values[row])
    }

    fn gather<'a>(&mut self, row: usize, parts: impl Iterator<Item = &'a Self>, order: &Order)
    where
        T: 'a,
    {
        let parts: Vec<&Self> = parts.collect();
        if parts.iter().all(|part| part.values.is_empty()) {
            return;
        }
        for (row, &(part, of)) in (row..).zip(order) {
            self.push(row, parts[part as usize].get(of as usize));
        }
    }

    fn take(&mut self, rows: usize) -> (Vec<T>, Option<NullBuffer>) {
        // Zeros of which nobody takes notice: not worth room that stays.
        let values = if self.values.is_empty() {
            vec![T::default(); rows]
        } else {
            self.values.resize(rows, T::default());
            take(&mut self.values)
        };
        (values, self.valid.take_nulls(rows))
    }

    fn clear(&mut self) {
        self.values.clear();
        self.valid.clear();
    }
}

/// Numbers.
#[derive(Debug)]
pub(crate) struct Prim<T: ArrowPrimitiveType>(Values<T::Native>);

impl<T: ArrowPrimitiveType> Default for Prim<T> {
    fn default() -> Self {
        Self(Values::default())
    }
}

impl<T: ArrowPrimitiveType> Prim<T> {
    #[inline]
    pub(crate) fn push(&mut self, row: usize, value: Option<T::Native>) {
        self.0.push(row, value);
    }
}

impl<T: ArrowPrimitiveType> Cells for Prim<T> {
    fn gather(&mut self, row: usize, parts: &[&Self], order: &Order) {
        self.0.gather(row, parts.iter().map(|part| &part.0), order);
    }

    fn take_array(&mut self, rows: usize) -> ArrayRef {
        let (values, nulls) = self.0.take(rows);
        Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls))
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

/// Moments, in nanoseconds since the epoch.
#[derive(Debug, Default)]
pub(crate) struct Times(Values<i64>);

impl Times {
    #[inline]
    pub(crate) fn push(&mut self, row: usize, value: Option<i64>) {
        self.0.push(row, value);
    }
}

impl Cells for Times {
    fn gather(&mut self, row: usize, parts: &[&Self], order: &Order) {
        self.0.gather(row, parts.iter().map(|part| &part.0), order);
    }

    fn take_array(&mut self, rows: usize) -> ArrayRef {
        let (values, nulls) = self.0.take(rows);
        let array = TimestampNanosecondArray::new(ScalarBuffer::from(values), nulls);
        Arc::new(array.with_timezone("UTC"))
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

/// Truth values.
#[derive(Debug, Default)]
pub(crate) struct Bools(Values<bool>);

impl Bools {
    #[inline]
    pub(crate) fn push(&mut self, row: usize, value: Option<bool>) {
        self.0.push(row, value);
    }
}

impl Cells for Bools {
    fn gather(&mut self, row: usize, parts: &[&Self], order: &Order) {
        self.0.gather(row, parts.iter().map(|part| &part.0), order);
    }

    fn take_array(&mut self, rows: usize) -> ArrayRef {
        let (values, nulls) = self.0.take(rows);
        Arc::new(BooleanArray::new(BooleanBuffer::from(values.as_slice()), nulls))
    }

    fn clear(&mut self) {
        self.0.clear();
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
    /// This row's value ends there; rows that were left out are empty.
    /// A batch holds far fewer than 2^31 items: its rows are bounded, and so is each row.
    fn push(&mut self, row: usize, end: usize) {
        self.fill(row);
        self.0.push(i32::try_from(end).unwrap_or(i32::MAX));
    }

    fn fill(&mut self, rows: usize) {
        if self.0.len() <= rows {
            let last = self.0.last().copied().unwrap_or_default();
            self.0.resize(rows + 1, last);
        }
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        match self.0.get(row..row + 2) {
            Some(&[start, end]) => start as usize..end as usize,
            _ => 0..0,
        }
    }

    fn take_offsets(&mut self, rows: usize) -> OffsetBuffer<i32> {
        self.fill(rows);
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
    pub(crate) fn push(&mut self, row: usize, value: Option<&str>) {
        if let Some(value) = value {
            self.data.push_str(value);
            self.end(row);
        }
    }

    #[inline]
    pub(crate) fn push_with(&mut self, row: usize, write: impl FnOnce(&mut String) -> bool) {
        let start = self.data.len();
        if write(&mut self.data) {
            self.end(row);
        } else {
            self.data.truncate(start);
        }
    }

    fn end(&mut self, row: usize) {
        self.ends.push(row, self.data.len());
        self.valid.push(row);
    }
}

impl Cells for Strs {
    fn gather(&mut self, row: usize, parts: &[&Self], order: &Order) {
        if parts.iter().all(|part| part.valid.len == 0) {
            return;
        }
        for (row, &(part, of)) in (row..).zip(order) {
            let (part, of) = (parts[part as usize], of as usize);
            if part.valid.get(of) {
                self.push(row, Some(&part.data[part.ends.range(of)]));
            }
        }
    }

    fn take_array(&mut self, rows: usize) -> ArrayRef {
        let room = String::with_capacity(self.data.len() + self.data.len() / 8);
        let data = std::mem::replace(&mut self.data, room);
        let data = Buffer::from_vec(data.into_bytes());
        let (ends, nulls) = (self.ends.take_offsets(rows), self.valid.take_nulls(rows));
        Arc::new(StringArray::new(ends, data, nulls))
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
    pub(crate) fn push(&mut self, row: usize, values: impl Iterator<Item = T::Native>) {
        let start = self.items.len();
        self.items.extend(values);
        if self.items.len() > start {
            self.ends.push(row, self.items.len());
        }
    }
}

impl<T: ArrowPrimitiveType> Cells for List<T> {
    fn gather(&mut self, row: usize, parts: &[&Self], order: &Order) {
        if parts.iter().all(|part| part.items.is_empty()) {
            return;
        }
        for (row, &(part, of)) in (row..).zip(order) {
            let part = parts[part as usize];
            self.push(row, part.items[part.ends.range(of as usize)].iter().copied());
        }
    }

    fn take_array(&mut self, rows: usize) -> ArrayRef {
        let items = PrimitiveArray::<T>::new(ScalarBuffer::from(take(&mut self.items)), None);
        let field = Arc::new(Field::new_list_field(T::DATA_TYPE, true));
        Arc::new(ListArray::new(field, self.ends.take_offsets(rows), Arc::new(items), None))
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
            for (row, &value) in wanted.iter().enumerate() {
                cells.push(row, value);
            }
            // The later half first, from two parts.
            let order: Vec<(u32, u32)> =
                (130..260).map(|row| (1, row)).chain((0..130).map(|row| (0, row))).collect();
            let mut copied = Prim::<UInt64Type>::default();
            copied.gather(0, &[&cells, &cells], &order[130..]);
            copied.gather(130, &[&cells, &cells], &order[..130]);
            for mut cells in [cells, copied] {
                let array = cells.take_array(260);
                assert!(cells.0.values.is_empty() && cells.0.valid.flags.is_empty());
                let got: Vec<_> = array.as_primitive::<UInt64Type>().iter().collect();
                assert_eq!(got, wanted, "first null near {first_null}");
            }
        }
    }

    #[test]
    fn texts_and_lists_copy_by_row() {
        let mut texts = Strs::default();
        texts.push(0, Some("a"));
        texts.push(1, None);
        texts.push_with(2, |out| {
            out.push_str("dropped");
            false
        });
        texts.push(3, Some("bcd"));
        let mut back = Strs::default();
        back.gather(0, &[&texts], &[(0, 3), (0, 1), (0, 0), (0, 4)]);
        let array = back.take_array(5);
        assert_eq!(
            array.as_string::<i32>().iter().collect::<Vec<_>>(),
            [Some("bcd"), None, Some("a"), None, None]
        );

        let mut lists = List::<UInt32Type>::default();
        lists.push(0, [1, 2].into_iter());
        lists.push(1, std::iter::empty());
        let mut back = List::<UInt32Type>::default();
        back.gather(0, &[&lists], &[(0, 1), (0, 0), (0, 7)]);
        let array = back.take_array(4);
        assert_eq!(array.len(), 4);
        assert_eq!(array.as_list::<i32>().value_length(3), 0);
        assert_eq!(array.as_list::<i32>().value_length(0), 0);
        assert_eq!(array.as_list::<i32>().value(1).as_primitive::<UInt32Type>().values(), &[1, 2]);
    }

    #[test]
    fn a_column_that_nobody_filled_is_null_in_every_row() {
        let mut numbers = Prim::<UInt64Type>::default();
        let array = numbers.take_array(70);
        assert_eq!((array.len(), array.null_count()), (70, 70));
        let mut truths = Bools::default();
        truths.push(2, Some(true));
        let array = truths.take_array(4);
        let got: Vec<_> = array.as_boolean().iter().collect();
        assert_eq!(got, [None, None, Some(true), None]);
    }
}
