//! The whole road on the caller's thread.

use std::sync::Arc;

use arrow_array::RecordBatch;
use rheos_core::FrameBatch;
use rheos_flow::Ingest;
use rheos_wire::Packet;

use super::collect::Collector;
use super::lane::{Chunk, Lane};
use super::{BATCH_ROWS_MAX, Boundary, Course, ExtractConfig, RunError, Summary};
use crate::plan::FeaturePlan;

struct Road<O, E> {
    course: Course,
    lane: Lane,
    collector: Collector<O, E>,
}

impl<E, O: FnMut(RecordBatch) -> Result<(), E>> Road<O, E> {
    #[inline]
    fn packet(&mut self, packet: &Packet, bytes: &[u8]) {
        if let Some(boundary) = self.course.step(packet) {
            self.end_epoch(boundary);
        }
        let collector = &mut self.collector;
        let mut emit = |mut chunk: Chunk| collector.hand_out(&mut chunk.rows);
        self.lane.packet(packet, bytes, self.course.latest, &mut emit);
    }

    /// The rows of one lane are in order as they are made, so those of several epochs can wait together.
    fn end_epoch(&mut self, boundary: Boundary) {
        let collector = &mut self.collector;
        self.lane.end_epoch(boundary, &mut |mut chunk| collector.hand_out(&mut chunk.rows));
        collector.hand_out_epoch(self.lane.keep_rows());
    }

    fn finish(&mut self) {
        self.end_epoch(self.course.boundary());
        let collector = &mut self.collector;
        self.lane.finish(BATCH_ROWS_MAX, &mut |part| collector.hand_out(&mut part.rows));
    }
}

pub(super) fn run<E>(
    config: &ExtractConfig,
    mut source: impl FnMut() -> Result<Option<FrameBatch>, E>,
    out: impl FnMut(RecordBatch) -> Result<(), E>,
) -> Result<Summary, RunError<E>> {
    let plan = Arc::new(FeaturePlan::new(config.features.clone()));
    let mut road = Road {
        course: Course::default(),
        lane: Lane::new(config, &plan, 0, 1),
        collector: Collector::new(&plan, out),
    };
    let mut ingest = Ingest::new(config.ingest.clone());
    let mut failed = None;
    while road.collector.failed.is_none() {
        match source() {
            Ok(Some(batch)) => {
                ingest.batch(&batch, |packet, bytes| road.packet(packet, bytes));
            }
            Ok(None) => break,
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    ingest.finish();
    if road.collector.failed.is_none() {
        road.finish();
    }
    road.collector.finish();
    if let Some(error) = road.collector.failed {
        return Err(error);
    }
    let totals = road.lane.totals();
    let summary = Summary {
        ingest: ingest.counters,
        table: totals.table,
        streams: totals.streams,
        hosts: road.collector.company.map(|company| company.counters()).unwrap_or_default(),
        rows: road.collector.rows,
        first: road.course.first,
        last: road.course.last(),
        state_bytes: totals.state_bytes,
        lengths_folded: totals.lengths_folded,
    };
    match failed {
        Some(error) => Err(RunError::Source { error, summary: Box::new(summary) }),
        None => Ok(summary),
    }
}
