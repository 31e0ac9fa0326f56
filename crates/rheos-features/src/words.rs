//! The cells of fixed size of rows that are being written: one word each, row after row.
//!
//! Hundreds of columns are as many places in memory. A row written straight into them would touch three cache lines
//! per cell; here it is one run of words, which becomes columns a batch at a time, in tiles that fit the cache.

use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Float64Type, Int64Type, UInt8Type};
use arrow_array::types::{TimestampNanosecondType, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{ArrayRef, BooleanArray, PrimitiveArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};

use crate::column::Kind;

/// Rows that are turned into columns at once: as many as a word has bits.
const TILE_ROWS: usize = 64;

/// Rows of words, and which of them have a value. The others are null.
#[derive(Debug)]
pub(crate) struct Words {
    /// Words of a row.
    width: usize,
    /// Words of a row's marks.
    marks_width: usize,
    cells: Vec<u64>,
    /// A bit for each cell that has a value.
    marks: Vec<u64>,
    /// Where the last row begins, in `cells` and `marks`.
    row: (usize, usize),
}

impl Words {
    /// No rows yet, of so many cells.
    pub(crate) fn new(width: usize) -> Self {
        let marks_width = width.div_ceil(u64::BITS as usize);
        Self { width, marks_width, cells: Vec::new(), marks: Vec::new(), row: (0, 0) }
    }

    /// Begins the next row; nothing has a value in it.
    #[inline]
    pub(crate) fn begin(&mut self) {
        self.row = (self.cells.len(), self.marks.len());
        self.cells.resize(self.row.0 + self.width, 0);
        self.marks.resize(self.row.1 + self.marks_width, 0);
    }

    /// Gives a cell of the last row its value.
    #[inline]
    pub(crate) fn set(&mut self, slot: usize, word: u64) {
        self.cells[self.row.0 + slot] = word;
        self.marks[self.row.1 + slot / 64] |= 1 << (slot % 64);
    }

    /// Adds a row of another one of the same width.
    pub(crate) fn copy(&mut self, other: &Self, row: usize) {
        debug_assert_eq!(self.width, other.width, "rows of one layout");
        let (cells, marks) = (row * self.width, row * self.marks_width);
        self.cells.extend_from_slice(&other.cells[cells..cells + self.width]);
        self.marks.extend_from_slice(&other.marks[marks..marks + self.marks_width]);
    }

    /// Forgets all rows, keeping their memory.
    pub(crate) fn clear(&mut self) {
        self.cells.clear();
        self.marks.clear();
    }

    /// The columns of the given kinds, one per cell of a row, of so many rows; no row is left.
    pub(crate) fn take_arrays(&mut self, rows: usize, kinds: &[Kind]) -> Vec<ArrayRef> {
        let mut columns: Vec<Values> = kinds.iter().map(|&kind| Values::new(kind, rows)).collect();
        let tiles = rows.div_ceil(TILE_ROWS);
        let mut valid: Vec<Vec<u64>> = kinds.iter().map(|_| Vec::with_capacity(tiles)).collect();
        // Without a cell per row there is no tile; `max` as `chunks` takes no 0.
        for tile in self.cells.chunks((TILE_ROWS * self.width).max(1)) {
            for (slot, column) in columns.iter_mut().enumerate() {
                column.extend(tile.chunks_exact(self.width).map(|row| row[slot]));
            }
        }
        for tile in self.marks.chunks((TILE_ROWS * self.marks_width).max(1)) {
            for (n, columns) in valid.chunks_mut(TILE_ROWS).enumerate() {
                let mut bits = [0; TILE_ROWS];
                let rows = tile.chunks_exact(self.marks_width);
                bits.iter_mut().zip(rows).for_each(|(bits, row)| *bits = row[n]);
                transpose(&mut bits);
                columns.iter_mut().zip(bits).for_each(|(column, bits)| column.push(bits.to_le()));
            }
        }
        self.clear();
        let arrays = columns.into_iter().zip(valid);
        arrays.map(|(values, valid)| values.into_array(rows, nulls(valid, rows))).collect()
    }
}

fn nulls(valid: Vec<u64>, rows: usize) -> Option<NullBuffer> {
    let nulls = NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(valid), 0, rows));
    (nulls.null_count() > 0).then_some(nulls)
}

/// A column's values.
enum Values {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    F64(Vec<f64>),
    /// Bits.
    Bool(Vec<u64>),
    Timestamp(Vec<i64>),
}

impl Values {
    fn new(kind: Kind, rows: usize) -> Self {
        match kind {
            Kind::U8 => Self::U8(Vec::with_capacity(rows)),
            Kind::U16 => Self::U16(Vec::with_capacity(rows)),
            Kind::U32 => Self::U32(Vec::with_capacity(rows)),
            Kind::I64 => Self::I64(Vec::with_capacity(rows)),
            Kind::F64 => Self::F64(Vec::with_capacity(rows)),
            Kind::Bool => Self::Bool(Vec::with_capacity(rows.div_ceil(64))),
            Kind::Timestamp => Self::Timestamp(Vec::with_capacity(rows)),
            Kind::U64
            | Kind::Str
            | Kind::ListU32
            | Kind::ListI64
            | Kind::ListI8
            | Kind::ListF64 => Self::U64(Vec::with_capacity(rows)),
        }
    }

    /// Adds the words of a tile's rows, at most 64.
    #[inline]
    fn extend(&mut self, words: impl ExactSizeIterator<Item = u64>) {
        match self {
            Self::U8(values) => values.extend(words.map(|word| word as u8)),
            Self::U16(values) => values.extend(words.map(|word| word as u16)),
            Self::U32(values) => values.extend(words.map(|word| word as u32)),
            Self::U64(values) => values.extend(words),
            Self::I64(values) | Self::Timestamp(values) => {
                values.extend(words.map(u64::cast_signed));
            }
            Self::F64(values) => values.extend(words.map(f64::from_bits)),
            Self::Bool(values) => {
                let bits = words.zip(0..).fold(0_u64, |bits, (word, row)| bits | (word << row));
                values.push(bits.to_le());
            }
        }
    }

    fn into_array(self, rows: usize, nulls: Option<NullBuffer>) -> ArrayRef {
        match self {
            Self::U8(values) => numbers::<UInt8Type>(values, nulls),
            Self::U16(values) => numbers::<UInt16Type>(values, nulls),
            Self::U32(values) => numbers::<UInt32Type>(values, nulls),
            Self::U64(values) => numbers::<UInt64Type>(values, nulls),
            Self::I64(values) => numbers::<Int64Type>(values, nulls),
            Self::F64(values) => numbers::<Float64Type>(values, nulls),
            Self::Bool(bits) => {
                let bits = BooleanBuffer::new(Buffer::from_vec(bits), 0, rows);
                Arc::new(BooleanArray::new(bits, nulls))
            }
            Self::Timestamp(values) => {
                let values = ScalarBuffer::from(values);
                let array = PrimitiveArray::<TimestampNanosecondType>::new(values, nulls);
                Arc::new(array.with_timezone("UTC"))
            }
        }
    }
}

fn numbers<T: ArrowPrimitiveType>(values: Vec<T::Native>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls))
}

/// Turns 64 rows of 64 bits into 64 columns: swaps halves, then quarters, down to single bits (Warren, Hacker's
/// Delight, §7-3).
fn transpose(bits: &mut [u64; 64]) {
    let (mut step, mut mask) = (32, 0x0000_0000_ffff_ffff_u64);
    while step != 0 {
        let mut k = 0;
        while k < 64 {
            let moved = ((bits[k] >> step) ^ bits[k + step]) & mask;
            bits[k] ^= moved << step;
            bits[k + step] ^= moved;
            k = (k + step + 1) & !step;
        }
        step >>= 1;
        mask ^= mask << step;
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;

    use super::*;

    #[test]
    fn a_transposed_bit_changes_places() {
        for (row, column) in [(0, 0), (0, 63), (63, 0), (17, 42), (40, 5)] {
            let mut bits = [0; 64];
            bits[row] = 1 << column;
            transpose(&mut bits);
            let mut wanted = [0; 64];
            wanted[column] = 1 << row;
            assert_eq!(bits, wanted, "{row} {column}");
        }
    }

    #[test]
    fn rows_become_columns_with_their_nulls() {
        const KINDS: [Kind; 8] = [
            Kind::U8,
            Kind::U16,
            Kind::U32,
            Kind::U64,
            Kind::I64,
            Kind::F64,
            Kind::Bool,
            Kind::Timestamp,
        ];
        // More cells than a word has bits, and rows around the size of tiles.
        let kinds: Vec<Kind> = KINDS.into_iter().cycle().take(70).collect();
        for rows in [1_u64, 63, 64, 65, 200] {
            let mut words = Words::new(kinds.len());
            for row in 0..rows {
                words.begin();
                for slot in (0..70).filter(|slot| (row + slot) % 3 != 0) {
                    words.set(slot as usize, (row + slot) % 2);
                }
            }
            // Every row once more, the last first.
            let mut turned = Words::new(kinds.len());
            (0..rows as usize).rev().for_each(|row| turned.copy(&words, row));
            for (words, reversed) in [(&mut words, false), (&mut turned, true)] {
                let arrays = words.take_arrays(rows as usize, &kinds);
                for (array, slot) in arrays.iter().zip(0_u64..) {
                    for at in 0..rows {
                        let row = if reversed { rows - 1 - at } else { at };
                        let value = ((row + slot) % 3 != 0).then_some((row + slot) % 2);
                        assert_eq!(cell(array, at as usize), value, "{row} {slot}");
                    }
                }
                assert!(words.cells.is_empty() && words.marks.is_empty());
            }
        }
    }

    /// A cell of any kind whose value is 0 or 1.
    fn cell(array: &ArrayRef, row: usize) -> Option<u64> {
        use arrow_schema::DataType;
        array.is_valid(row).then(|| match array.data_type() {
            DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into(),
            DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).into(),
            DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
            DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row),
            DataType::Int64 => array.as_primitive::<Int64Type>().value(row) as u64,
            DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_bits(),
            DataType::Boolean => array.as_boolean().value(row).into(),
            _ => array.as_primitive::<TimestampNanosecondType>().value(row) as u64,
        })
    }

    #[test]
    fn rows_without_cells_of_fixed_size_have_no_columns() {
        let mut words = Words::new(0);
        words.begin();
        assert!(words.take_arrays(1, &[]).is_empty());
    }
}
