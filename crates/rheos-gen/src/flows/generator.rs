//! Records in order, from any place on.

use std::sync::Arc;

use rheos_core::{FlowRecord, Nanos, Timestamp, WideRecord};

use super::checkpoint::Checkpoint;
use super::clock::Moment;
use super::columns::FlowColumns;
use super::error::{FlowError, FlowProblem};
use super::kernel::Kernel;
use super::plan::FlowPlan;
use super::{columns, wide};

/// Records that [`FlowGenerator::next`] makes at once.
const AHEAD: usize = 256;
/// Records that a thread takes at once: 1 MiB of them.
const PART: usize = 1 << 15;
/// Most threads of [`FlowGenerator::fill_parallel`].
const THREADS_MAX: usize = 1024;

/// Makes the records of a plan.
///
/// Record `i` depends on the plan and `i` only. So position, copies, parts and threads are free, and nothing is
/// lost by going back.
///
/// ```
/// use rheos_core::FlowRecord;
/// use rheos_gen::flows::{FlowConfig, FlowGenerator};
///
/// let mut made = FlowGenerator::new(FlowConfig::default().plan()?);
/// let mut records = [FlowRecord::default(); 1000];
/// assert_eq!(made.fill(&mut records), 1000);
/// made.seek(999);
/// assert_eq!(made.next(), Some(records[999]));
/// # Ok::<(), rheos_gen::flows::FlowError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FlowGenerator {
    plan: Arc<FlowPlan>,
    kernel: Kernel,
    position: u64,
    /// One past the last record, by the plan's limits or those of a part.
    end: u64,
    /// The moment of `position`.
    moment: Moment,
    /// Records that are made but not yet given by `next`: those from `taken` on lie before `position`.
    ahead: Vec<FlowRecord>,
    taken: usize,
}

/// What has been made so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlowStats {
    /// Records up to the position.
    pub flows: u64,
    /// Simulated time from the start to the next record.
    pub elapsed: Nanos,
    /// Records per second of simulated time; 0 before any has passed.
    pub flows_per_second: f64,
    /// The moment of the next record.
    pub current: Timestamp,
}

impl FlowGenerator {
    /// From the first record on, with the fastest kernel of this processor.
    pub fn new(plan: FlowPlan) -> Self {
        Self::with_kernel(plan, Kernel::best())
    }

    /// With a kernel of choice; all make the same bytes.
    pub fn with_kernel(plan: FlowPlan, kernel: Kernel) -> Self {
        let (end, moment) = (plan.bound(), plan.clock.at(0));
        let kernel = kernel.suited(&plan);
        let plan = Arc::new(plan);
        Self { plan, kernel, position: 0, end, moment, ahead: Vec::new(), taken: 0 }
    }

    /// What is made.
    pub fn plan(&self) -> &FlowPlan {
        &self.plan
    }

    /// The kernel in use.
    pub const fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// The index of the next record.
    pub fn index(&self) -> u64 {
        self.position - (self.ahead.len() - self.taken) as u64
    }

    /// Goes to record `index`, or to the end if that is earlier.
    pub fn seek(&mut self, index: u64) {
        self.ahead.clear();
        self.taken = 0;
        self.position = index.min(self.end);
        self.moment = self.plan.clock.at(self.position);
    }

    /// Back to the first record: the same records again.
    pub fn reset(&mut self) {
        self.seek(0);
    }

    /// How many records are left before the limits.
    pub fn remaining(&self) -> u64 {
        self.end - self.index()
    }

    /// Whether the limits are reached.
    pub fn is_done(&self) -> bool {
        self.remaining() == 0
    }

    /// Whether this plan's records fit [`FlowRecord`]: those with IPv6 addresses or of models are for
    /// [`fill_wide`](Self::fill_wide) only.
    pub fn is_narrow(&self) -> bool {
        self.plan.is_narrow()
    }

    /// What has been made so far.
    pub fn stats(&self) -> FlowStats {
        let flows = self.index();
        let current = self.plan.moment(flows);
        let elapsed = current.since(self.plan.start());
        let seconds = elapsed.as_secs_f64();
        let flows_per_second = if seconds > 0.0 { flows as f64 / seconds } else { 0.0 };
        FlowStats { flows, elapsed, flows_per_second, current }
    }

    /// Fills `out` from its start; returns how many records there were, fewer than asked for only at the end. A plan
    /// whose records do not fit ([`is_narrow`](Self::is_narrow)) gives none.
    pub fn fill(&mut self, out: &mut [FlowRecord]) -> usize {
        if !self.is_narrow() {
            return 0;
        }
        let out = self.claim(out);
        self.moment = self.kernel.fill(&self.plan, self.position, self.moment, out);
        self.position += out.len() as u64;
        out.len()
    }

    /// Like [`fill`](Self::fill), for all plans.
    pub fn fill_wide(&mut self, out: &mut [WideRecord]) -> usize {
        let out = self.claim(out);
        self.moment = wide::fill(self.kernel, &self.plan, self.position, self.moment, out);
        self.position += out.len() as u64;
        out.len()
    }

    /// Like [`fill`](Self::fill), one slice for each field that is wanted; as many records as the shortest has room.
    pub fn fill_columns(&mut self, out: &mut FlowColumns<'_>) -> usize {
        if !self.is_narrow() {
            return 0;
        }
        let count = out.room().min(usize::try_from(self.remaining()).unwrap_or(usize::MAX));
        columns::fill(self, out, count)
    }

    /// Like [`fill`](Self::fill), on up to `threads` threads: the same records in the same places.
    pub fn fill_parallel(&mut self, out: &mut [FlowRecord], threads: usize) -> usize {
        let threads = threads.clamp(1, THREADS_MAX).min(out.len().div_ceil(PART));
        if threads <= 1 || !self.is_narrow() {
            return self.fill(out);
        }
        let out = self.claim(out);
        let (plan, kernel, position) = (&*self.plan, self.kernel, self.position);
        let part = out.len().div_ceil(threads).next_multiple_of(16);
        std::thread::scope(|scope| {
            for (number, part_out) in (0_u64..).zip(out.chunks_mut(part)) {
                scope.spawn(move || {
                    let index = position + number * part as u64;
                    kernel.fill(plan, index, plan.clock.at(index), part_out);
                });
            }
        });
        let made = out.len();
        self.seek(position + made as u64);
        made
    }

    /// `parts` generators for the rest of the records, one run after the other, about equally long.
    pub fn split(&self, parts: u32) -> Vec<Self> {
        let (from, total) = (self.index(), u128::from(self.remaining()));
        let parts = u128::from(parts.max(1));
        let bound = |part: u128| from + (total * part / parts) as u64;
        (0..parts)
            .map(|part| {
                let mut own = self.clone();
                own.end = bound(part + 1);
                own.seek(bound(part));
                own
            })
            .collect()
    }

    /// Where it stands: enough for [`restore`](Self::restore) to go on, here or elsewhere.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { plan: self.plan.hash(), position: self.index() }
    }

    /// Goes on from a checkpoint of the same plan; limits may differ.
    pub fn restore(&mut self, checkpoint: Checkpoint) -> Result<(), FlowError> {
        if checkpoint.plan != self.plan.hash() {
            let problem = FlowProblem::Checkpoint("it is of another configuration or seed");
            return Err(FlowError::new("", problem));
        }
        self.seek(checkpoint.position);
        Ok(())
    }

    /// The part of `out` that there are records for, after giving up what `next` has made ahead.
    fn claim<'a, T>(&mut self, out: &'a mut [T]) -> &'a mut [T] {
        if !self.ahead.is_empty() {
            self.seek(self.index());
        }
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let count = out.len().min(left);
        &mut out[..count]
    }

    #[cold]
    fn refill(&mut self) -> Option<FlowRecord> {
        let mut ahead = std::mem::take(&mut self.ahead);
        ahead.resize(AHEAD, FlowRecord::default());
        let made = self.fill(&mut ahead);
        ahead.truncate(made);
        self.ahead = ahead;
        self.taken = usize::from(made > 0);
        self.ahead.first().copied()
    }
}

impl Iterator for FlowGenerator {
    type Item = FlowRecord;

    /// The next record; made a few hundred at a time.
    #[inline]
    fn next(&mut self) -> Option<FlowRecord> {
        match self.ahead.get(self.taken) {
            Some(&record) => {
                self.taken += 1;
                Some(record)
            }
            None => self.refill(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.remaining());
        if self.is_narrow() { (left.unwrap_or(usize::MAX), left.ok()) } else { (0, Some(0)) }
    }
}

#[cfg(test)]
mod tests;
