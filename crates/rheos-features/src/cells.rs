//! The texts and lists of one column as they are gathered: plain vectors that become Arrow arrays by moving.
//!
//! A value is pushed with the number of its row. Rows that got none are null, or empty lists: what most flows do not
//! have costs them nothing.

use std::sync::Arc;

use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{ArrayRef, ListArray, PrimitiveArray, StringArray};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
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
    use arrow_array::types::UInt32Type;

    use super::*;

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
}
