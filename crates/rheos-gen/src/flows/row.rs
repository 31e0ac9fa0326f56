//! Which record stands where in the row of wide records, and when: the background in blocks of 256 records.
//!
//! Block `b` begins at a moment that follows from the plan and `b` only, and so do the moments of its records. What
//! fills a block then is a function of the plan, the block's number and these moments (`wide::fill_block`). So any
//! place of the row is reached at once.

mod cascade;
mod diurnal;
mod timeline;
mod warp;

use rheos_core::{Timestamp, WideRecord};

use super::clock::Gap;
use super::config::{FlowConfig, Timing};
use super::kernel::Kernel;
use super::plan::FlowPlan;
use super::real::Realism;
use super::wide;

pub(super) use timeline::Timeline;

/// Records of a block: their moments are made together.
pub(super) const BLOCK: usize = 256;

/// The moments of a block's records, nanoseconds since the Unix epoch; they never fall.
pub(super) type Moments = [u64; BLOCK];

/// Where records stand that are more than the clock's even ones.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) timeline: Timeline,
}

impl Row {
    /// `None` where records are those of the even clock and follow no model.
    pub(super) fn new(config: &FlowConfig, gap: Gap, key: u64) -> Option<Self> {
        let is_plain = config.realism == Realism::default()
            && config.timing == Timing::default()
            && config.services.is_empty();
        (!is_plain).then(|| Self { timeline: Timeline::new(config, gap, key) })
    }

    /// Fills `out` with the records from `index` on.
    pub(super) fn fill(
        &self,
        kernel: Kernel,
        plan: &FlowPlan,
        index: u64,
        mut out: &mut [WideRecord],
    ) {
        let mut block = index / BLOCK as u64;
        let mut from = (index % BLOCK as u64) as usize;
        while !out.is_empty() {
            let count = out.len().min(BLOCK - from);
            let (part, rest) = out.split_at_mut(count);
            let moments = self.timeline.moments(plan, block);
            wide::fill_block(kernel, plan, block, &moments, from, part);
            (block, from, out) = (block + 1, 0, rest);
        }
    }

    /// How many records come before `end`. Where only the gaps are random, so many as at even ones: the rate is exact.
    pub(super) fn count_before(&self, plan: &FlowPlan, end: Timestamp) -> u64 {
        if self.timeline.is_changing() {
            self.timeline.count_before(plan, end.as_nanos())
        } else {
            plan.clock.count_before(end)
        }
    }

    /// The moment of record `index`.
    pub(super) fn moment(&self, plan: &FlowPlan, index: u64) -> u64 {
        let moments = self.timeline.moments(plan, index / BLOCK as u64);
        moments[(index % BLOCK as u64) as usize]
    }
}
