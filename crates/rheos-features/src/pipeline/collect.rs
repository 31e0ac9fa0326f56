//! Puts the rows of all lanes in order and hands them out.

use std::sync::Arc;

use arrow_array::RecordBatch;

use super::company::Company;
use super::lane::{Part, RowKey};
use super::{BATCH_ROWS_MAX, BATCH_ROWS_MIN, RunError};
use crate::plan::FeaturePlan;
use crate::row::{Layout, RowBuffer};

/// Hands rows to their taker, until it fails.
#[derive(Debug)]
pub(super) struct Collector<O, E> {
    /// Rows of several lanes, in order.
    ready: RowBuffer,
    /// If columns are selected that other flows tell.
    pub(super) company: Option<Company>,
    out: O,
    pub(super) rows: u64,
    pub(super) failed: Option<RunError<E>>,
}

impl<E, O: FnMut(RecordBatch) -> Result<(), E>> Collector<O, E> {
    pub(super) fn new(plan: &FeaturePlan, out: O) -> Self {
        let ready = RowBuffer::new(Arc::clone(&plan.layout));
        Self { ready, company: Company::new(plan), out, rows: 0, failed: None }
    }

    /// The layout of the rows.
    pub(super) fn layout(&self) -> Arc<Layout> {
        Arc::clone(self.ready.layout())
    }

    /// Hands out rows that are in order, and empties the buffer.
    pub(super) fn hand_out(&mut self, rows: &mut RowBuffer) {
        if rows.is_empty() {
            return;
        }
        let edges = rows.take_edges();
        let batch = rows.take_batch();
        match &mut self.company {
            None => self.give(&batch),
            Some(company) => match company.join(batch, edges) {
                Ok(batch) => batch.iter().for_each(|batch| self.give(batch)),
                Err(error) => self.failed = Some(error.into()),
            },
        }
    }

    /// Hands out rows that waited for the end of the input.
    pub(super) fn finish(&mut self) {
        if self.failed.is_some() {
            return;
        }
        if let Some(mut company) = self.company.take() {
            company.release(|batch| self.give(&batch));
            self.company = Some(company);
        }
    }

    fn give(&mut self, batch: &RecordBatch) {
        let mut start = 0;
        while start < batch.num_rows() && self.failed.is_none() {
            let count = BATCH_ROWS_MAX.min(batch.num_rows() - start);
            self.rows += count as u64;
            self.failed = (self.out)(batch.slice(start, count)).err().map(RunError::Out);
            start += count;
        }
    }

    /// Hands out the rows of an epoch, if they are enough with those that wait.
    pub(super) fn hand_out_epoch(&mut self, rows: &mut RowBuffer) {
        if rows.len() >= BATCH_ROWS_MIN {
            self.hand_out(rows);
        }
    }

    /// Hands out what waits.
    pub(super) fn hand_out_ready(&mut self) {
        let empty = RowBuffer::new(self.layout());
        let mut ready = std::mem::replace(&mut self.ready, empty);
        self.hand_out(&mut ready);
        self.ready = ready;
    }

    /// Takes the rows of an epoch, of each lane one part.
    pub(super) fn merge(&mut self, parts: &[Part]) {
        let mut order: Vec<(RowKey, u32, u32)> = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let rows = part.keys.iter().zip(0..);
            order.extend(rows.map(|(&key, row)| (key, number as u32, row)));
        }
        // Rows with one key are of one part: its row number keeps their order.
        order.sort_unstable();
        let order: Vec<(u32, u32)> = order.iter().map(|&(_, part, row)| (part, row)).collect();
        let rows: Vec<&RowBuffer> = parts.iter().map(|part| &part.rows).collect();
        self.ready.gather(&rows, &order);
        if self.ready.len() >= BATCH_ROWS_MIN {
            self.hand_out_ready();
        }
    }

    /// Takes rows after the last epoch, which need no more than be put in the given order.
    pub(super) fn append(&mut self, parts: &[&RowBuffer], order: &[(u32, u32)]) {
        let mut rest = order;
        while !rest.is_empty() {
            let room = BATCH_ROWS_MAX.saturating_sub(self.ready.len()).clamp(1, rest.len());
            let (now, later) = rest.split_at(room);
            self.ready.gather(parts, now);
            if self.ready.len() >= BATCH_ROWS_MAX {
                self.hand_out_ready();
            }
            rest = later;
        }
    }
}
