//! Puts the rows of all lanes in order and hands them out.

use std::sync::Arc;

use arrow_array::RecordBatch;

use super::BATCH_ROWS_MAX;
use super::lane::{Part, RowKey};
use crate::row::{Layout, RowBuffer};

/// Hands rows to their taker, until it fails.
#[derive(Debug)]
pub(super) struct Collector<O, E> {
    layout: Arc<Layout>,
    out: O,
    pub(super) rows: u64,
    pub(super) failed: Option<E>,
}

impl<E, O: FnMut(RecordBatch) -> Result<(), E>> Collector<O, E> {
    pub(super) fn new(layout: &Arc<Layout>, out: O) -> Self {
        Self { layout: Arc::clone(layout), out, rows: 0, failed: None }
    }

    /// Hands out rows that are in order.
    pub(super) fn hand_out(&mut self, mut rows: RowBuffer) {
        if rows.is_empty() || self.failed.is_some() {
            return;
        }
        let batch = rows.take_batch();
        let mut start = 0;
        while start < batch.num_rows() && self.failed.is_none() {
            let count = BATCH_ROWS_MAX.min(batch.num_rows() - start);
            self.rows += count as u64;
            self.failed = (self.out)(batch.slice(start, count)).err();
            start += count;
        }
    }

    /// Hands out the rows of an epoch.
    pub(super) fn merge(&mut self, mut parts: Vec<Part>) {
        parts.retain(|part| !part.keys.is_empty());
        if let [part] = &parts[..]
            && part.keys.is_sorted()
        {
            return parts.pop().into_iter().for_each(|part| self.hand_out(part.rows));
        }
        let mut order: Vec<(RowKey, u32, u32)> = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let rows = part.keys.iter().zip(0..);
            order.extend(rows.map(|(&key, row)| (key, number as u32, row)));
        }
        // Rows with one key are of one part: its row number keeps their order.
        order.sort_unstable();
        let rows: Vec<RowBuffer> = parts.into_iter().map(|part| part.rows).collect();
        for order in order.chunks(BATCH_ROWS_MAX) {
            let order: Vec<(u32, u32)> = order.iter().map(|&(_, part, row)| (part, row)).collect();
            let mut merged = RowBuffer::new(Arc::clone(&self.layout));
            merged.gather(&rows, &order);
            self.hand_out(merged);
        }
    }
}
