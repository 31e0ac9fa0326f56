//! Rows on their way to Arrow: words for numbers, vectors for texts and lists, filled in table order.

use std::sync::Arc;

use arrow_array::types::{Float64Type, Int8Type, Int64Type, UInt32Type};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use rheos_core::Timestamp;
use rheos_flow::FlowEdge;

use crate::cells::{Cells, List, Strs};
use crate::column::{Column, Kind};
use crate::table;
use crate::words::Words;

/// Marks a column that is not selected.
const NOT_SELECTED: u16 = u16::MAX;

/// Which columns a row has, and where each is stored.
#[derive(Debug)]
pub struct Layout {
    /// For every column of the table, its place among the selected ones that fit a word, or of its kind.
    slots: Vec<u16>,
    /// In output order, with their places.
    selected: Vec<(&'static Column, u16)>,
    /// The kinds of those that fit a word, by place.
    words: Vec<Kind>,
    schema: SchemaRef,
}

impl Layout {
    /// The layout of rows with these columns of the table, in this order.
    pub fn new(columns: impl Iterator<Item = &'static Column>) -> Self {
        let mut used = [0_u16; Kind::ListF64 as usize + 1];
        let mut selected = Vec::new();
        let mut words = Vec::new();
        let mut slots = vec![NOT_SELECTED; table::len()];
        for column in columns {
            let number = table::columns().position(|c| c.name == column.name);
            let Some(slot) = number.and_then(|number| slots.get_mut(number)) else { continue };
            if column.kind.fits_word() {
                *slot = words.len() as u16;
                words.push(column.kind);
            } else {
                let next = &mut used[column.kind as usize];
                *slot = *next;
                *next += 1;
            }
            selected.push((column, *slot));
        }
        let schema = Arc::new(table::arrow_schema(selected.iter().map(|&(column, _)| column)));
        Self { slots, selected, words, schema }
    }

    /// The selected columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> + '_ {
        self.selected.iter().map(|&(column, _)| column)
    }

    /// The Arrow schema of the rows.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn count(&self, kind: Kind) -> usize {
        self.columns().filter(|c| c.kind == kind).count()
    }
}

macro_rules! lanes {
    ($($kind:ident $lane:ident: $cells:ty,)+) => {
        /// Rows that are being written.
        ///
        /// A row is begun with [`RowBuffer::begin`]; then every column of every group with a selected column is
        /// given its value in table order. Values of columns that are not selected are dropped; what is not given is
        /// null.
        #[derive(Debug)]
        pub struct RowBuffer {
            layout: Arc<Layout>,
            /// The next column, as number in the table.
            cursor: usize,
            /// The column after the group that is being written.
            group_end: usize,
            rows: usize,
            /// The flow of each row as hosts see it; none if nobody wants to know.
            edges: Vec<FlowEdge>,
            words: Words,
            $($lane: Vec<$cells>,)+
        }

        impl RowBuffer {
            /// No rows yet.
            pub fn new(layout: Arc<Layout>) -> Self {
                Self {
                    cursor: 0,
                    group_end: 0,
                    rows: 0,
                    edges: Vec::new(),
                    words: Words::new(layout.words.len()),
                    $($lane: (0..layout.count(Kind::$kind)).map(|_| <$cells>::default()).collect(),)+
                    layout,
                }
            }

            /// Adds rows of other buffers with the same layout: (number of the buffer, its row) in the wanted order.
            pub fn gather(&mut self, parts: &[&Self], order: &[(u32, u32)]) {
                for &(part, row) in order {
                    self.words.copy(&parts[part as usize].words, row as usize);
                }
                $(for (i, cells) in self.$lane.iter_mut().enumerate() {
                    let columns: Vec<&$cells> = parts.iter().map(|part| &part.$lane[i]).collect();
                    cells.gather(self.rows, &columns, order);
                })+
                let edge = |&(part, row): &(u32, u32)| {
                    parts[part as usize].edges.get(row as usize).copied()
                };
                self.edges.extend(order.iter().filter_map(edge));
                self.rows += order.len();
            }

            /// Forgets all rows, keeping their memory.
            pub fn clear(&mut self) {
                self.words.clear();
                $(self.$lane.iter_mut().for_each(Cells::clear);)+
                self.edges.clear();
                self.rows = 0;
            }

            /// The rows as Arrow arrays; the buffer is empty after it.
            pub fn take_batch(&mut self) -> RecordBatch {
                let layout = Arc::clone(&self.layout);
                let rows = std::mem::take(&mut self.rows);
                let words = self.words.take_arrays(rows, &layout.words);
                let arrays = layout.selected.iter().map(|&(column, slot)| match column.kind {
                    $(Kind::$kind => self.$lane[usize::from(slot)].take_array(rows),)+
                    _ => Arc::clone(&words[usize::from(slot)]),
                });
                let arrays: Vec<ArrayRef> = arrays.collect();
                let options = RecordBatchOptions::new().with_row_count(Some(rows));
                RecordBatch::try_new_with_options(self.layout.schema.clone(), arrays, &options)
                    .expect("every row gave every selected column one value of its type")
            }
        }
    };
}

lanes! {
    Str strs: Strs,
    ListU32 list_u32s: List<UInt32Type>,
    ListI64 list_i64s: List<Int64Type>,
    ListI8 list_i8s: List<Int8Type>,
    ListF64 list_f64s: List<Float64Type>,
}

impl RowBuffer {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Keeps the flow of the row that is being written as hosts see it.
    pub(crate) fn edge(&mut self, edge: FlowEdge) {
        self.edges.push(edge);
    }

    /// The flows of the rows, in order; none are left.
    pub(crate) fn take_edges(&mut self) -> Vec<FlowEdge> {
        std::mem::take(&mut self.edges)
    }

    /// The layout of the rows.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Begins the next row.
    pub fn begin(&mut self) {
        self.cursor = 0;
        self.rows += 1;
        self.words.begin();
    }

    /// Goes on at the column with this number in the table.
    pub fn seek(&mut self, cursor: usize) {
        self.cursor = cursor;
    }

    /// A group's columns follow, up to that with the number `end`.
    pub(crate) fn enter_group(&mut self, end: usize) {
        self.group_end = end;
    }

    /// The group's further columns are null, its lists empty.
    #[inline]
    pub(crate) fn rest_is_null(&mut self) {
        self.cursor = self.group_end;
    }

    /// The number in the table of the column that comes next.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Whether any of the next `count` columns is selected.
    pub fn wants(&self, count: usize) -> bool {
        self.layout.slots[self.cursor..].iter().take(count).any(|&slot| slot != NOT_SELECTED)
    }

    /// Steps over the next `count` columns, none of which may be selected.
    pub fn skip(&mut self, count: usize) {
        debug_assert!(!self.wants(count), "a selected column was stepped over");
        self.cursor += count;
    }

    /// Where the next column's value goes; in debug builds, checks that the caller means that column.
    #[inline]
    fn next(&mut self, name: &str, kind: Kind) -> Option<usize> {
        debug_assert_eq!(
            table::at(self.cursor).map(|c| (c.name, c.kind)),
            Some((name, kind)),
            "columns must be written in table order and with their type"
        );
        let slot = self.layout.slots[self.cursor];
        self.cursor += 1;
        (slot != NOT_SELECTED).then_some(usize::from(slot))
    }

    /// Writes a value that fits a word.
    #[inline]
    fn word(&mut self, name: &str, kind: Kind, word: Option<u64>) {
        let slot = self.next(name, kind);
        if let (Some(slot), Some(word)) = (slot, word) {
            self.words.set(slot, word);
        }
    }

    /// Writes an 8-bit integer.
    #[inline]
    pub fn u8(&mut self, name: &str, value: impl Into<Option<u8>>) {
        self.word(name, Kind::U8, value.into().map(u64::from));
    }

    /// Writes a 16-bit integer.
    #[inline]
    pub fn u16(&mut self, name: &str, value: impl Into<Option<u16>>) {
        self.word(name, Kind::U16, value.into().map(u64::from));
    }

    /// Writes a 32-bit integer.
    #[inline]
    pub fn u32(&mut self, name: &str, value: impl Into<Option<u32>>) {
        self.word(name, Kind::U32, value.into().map(u64::from));
    }

    /// Writes a 64-bit integer.
    #[inline]
    pub fn u64(&mut self, name: &str, value: impl Into<Option<u64>>) {
        self.word(name, Kind::U64, value.into());
    }

    /// Writes a signed 64-bit integer.
    #[inline]
    pub fn i64(&mut self, name: &str, value: impl Into<Option<i64>>) {
        self.word(name, Kind::I64, value.into().map(i64::cast_unsigned));
    }

    /// Writes a floating point number.
    #[inline]
    pub fn f64(&mut self, name: &str, value: impl Into<Option<f64>>) {
        self.word(name, Kind::F64, value.into().map(f64::to_bits));
    }

    /// Writes a truth value.
    #[inline]
    pub fn bool(&mut self, name: &str, value: impl Into<Option<bool>>) {
        self.word(name, Kind::Bool, value.into().map(u64::from));
    }

    /// Writes a moment; one after the year 2262, which Arrow cannot tell, is null.
    #[inline]
    pub fn timestamp(&mut self, name: &str, value: impl Into<Option<Timestamp>>) {
        let nanos = value.into().and_then(|value| i64::try_from(value.as_nanos()).ok());
        self.word(name, Kind::Timestamp, nanos.map(i64::cast_unsigned));
    }

    /// Writes a text.
    #[inline]
    pub fn str(&mut self, name: &str, value: Option<&str>) {
        if let Some(slot) = self.next(name, Kind::Str) {
            self.strs[slot].push(self.rows - 1, value);
        }
    }

    /// Writes the text that `write` appends, which is not called for a column that is not selected;
    /// null if it returns false.
    #[inline]
    pub fn text(&mut self, name: &str, write: impl FnOnce(&mut String) -> bool) {
        if let Some(slot) = self.next(name, Kind::Str) {
            self.strs[slot].push_with(self.rows - 1, write);
        }
    }

    /// Writes a list of 32-bit integers.
    pub fn list_u32(&mut self, name: &str, values: impl Iterator<Item = u32>) {
        if let Some(slot) = self.next(name, Kind::ListU32) {
            self.list_u32s[slot].push(self.rows - 1, values);
        }
    }

    /// Writes a list of signed 64-bit integers.
    pub fn list_i64(&mut self, name: &str, values: impl Iterator<Item = i64>) {
        if let Some(slot) = self.next(name, Kind::ListI64) {
            self.list_i64s[slot].push(self.rows - 1, values);
        }
    }

    /// Writes a list of signed 8-bit integers.
    pub fn list_i8(&mut self, name: &str, values: impl Iterator<Item = i8>) {
        if let Some(slot) = self.next(name, Kind::ListI8) {
            self.list_i8s[slot].push(self.rows - 1, values);
        }
    }

    /// Writes a list of floating point numbers.
    pub fn list_f64(&mut self, name: &str, values: impl Iterator<Item = f64>) {
        if let Some(slot) = self.next(name, Kind::ListF64) {
            self.list_f64s[slot].push(self.rows - 1, values);
        }
    }
}
