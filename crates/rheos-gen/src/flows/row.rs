//! Which record stands where in the row of wide records, and when: the background in blocks of 256 records.
//!
//! Block `b` begins at a moment that follows from the plan and `b` only, and so do the moments of its records. What
//! fills a block then is a function of the plan, the block's number and these moments (`wide::fill_block`). So any
//! place of the row is reached at once.

mod cascade;
mod diurnal;
mod merge;
mod timeline;
mod warp;

use fearless_simd::Level;
use rheos_core::{Timestamp, WideRecord};

use super::attack::AttackPlan;
use super::clock::Gap;
use super::config::{FlowConfig, Timing};
use super::kernel::Kernel;
use super::plan::FlowPlan;
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
    attacks: Vec<AttackPlan>,
}

impl Row {
    /// `None` where records are those of the even clock and follow no model.
    pub(super) fn new(
        config: &FlowConfig,
        gap: Gap,
        key: u64,
        attacks: Vec<AttackPlan>,
    ) -> Option<Self> {
        let is_plain =
            !config.is_modelled() && config.timing == Timing::default() && attacks.is_empty();
        (!is_plain).then(|| Self { timeline: Timeline::new(config, gap, key), attacks })
    }

    /// Fills `out` with the records from `index` on.
    pub(super) fn fill(
        &self,
        kernel: Kernel,
        plan: &FlowPlan,
        index: u64,
        mut out: &mut [WideRecord],
    ) {
        if !self.attacks.is_empty() {
            return self.fill_merged(kernel, plan, index, out);
        }
        let mut block = index / BLOCK as u64;
        let mut from = (index % BLOCK as u64) as usize;
        while !out.is_empty() {
            let count = out.len().min(BLOCK - from);
            let (part, rest) = out.split_at_mut(count);
            let moments = self.timeline.moments(kernel.level(), plan, block);
            wide::fill_block(kernel, plan, block, &moments, from, part);
            (block, from, out) = (block + 1, 0, rest);
        }
    }

    /// How many records come before `end`. Where only the gaps are random, so many as at even ones: the rate is exact.
    pub(super) fn count_before(&self, plan: &FlowPlan, end: Timestamp) -> u64 {
        if self.timeline.is_changing() || !self.attacks.is_empty() {
            let end = end.as_nanos();
            self.timeline.count_before(plan, end).saturating_add(self.attacked(end))
        } else {
            plan.clock.count_before(end)
        }
    }

    /// How many of the first records are those of attacks.
    pub(super) fn attacked_within(&self, plan: &FlowPlan, records: u64) -> u64 {
        if self.attacks.is_empty() { 0 } else { self.merged_attacked(plan, records) }
    }

    /// Leaves the background.
    pub(super) fn forget_attacks(&mut self) {
        self.attacks.clear();
    }

    /// The moment of record `index`.
    pub(super) fn moment(&self, plan: &FlowPlan, index: u64) -> u64 {
        if !self.attacks.is_empty() {
            return self.merged_moment(plan, index);
        }
        let moments = self.timeline.moments(Level::baseline(), plan, index / BLOCK as u64);
        moments[(index % BLOCK as u64) as usize]
    }
}
