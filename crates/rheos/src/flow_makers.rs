//! Where generated records are made: here, or by threads that are ahead of whoever takes them.
//!
//! Thread `t` of `n` makes every n-th batch of the row, and batches are taken in the row's order: so the number of
//! threads changes no byte.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use anyhow::{Context, Result, bail};
use rheos_core::{FlowRecord, WideRecord};
use rheos_gen::flows::FlowGenerator;

use crate::flow_file::Records;

/// Records of a batch: half a MiB of narrow ones, and of wide ones not much less, so that they are still in a cache
/// when they are taken.
const NARROW_BATCH: usize = 16 << 10;
const WIDE_BATCH: usize = 4 << 10;
/// Batches that a thread is ahead of those that were taken.
const AHEAD: usize = 2;
/// Most threads.
const THREADS_MAX: usize = 64;

/// A generator with its threads.
pub(crate) struct Makers {
    /// Stands after what was taken.
    made: FlowGenerator,
    /// What was taken last.
    batch: Batch,
    /// None if records are made here.
    threads: Vec<Maker>,
    /// Whose turn it is.
    turn: usize,
    is_done: bool,
}

/// A thread, as those see it who take its batches.
struct Maker {
    full: Receiver<Batch>,
    used: Sender<Batch>,
}

/// Records of either kind.
enum Batch {
    Narrow { records: Vec<FlowRecord>, len: usize },
    Wide { records: Vec<WideRecord>, len: usize },
}

impl Batch {
    /// Room for the records of a plan.
    fn new(made: &FlowGenerator) -> Self {
        if made.is_narrow() {
            Self::Narrow { records: vec![FlowRecord::default(); NARROW_BATCH], len: 0 }
        } else {
            Self::Wide { records: vec![WideRecord::default(); WIDE_BATCH], len: 0 }
        }
    }

    /// Makes as many records as there is room for, or are left.
    fn fill(&mut self, made: &mut FlowGenerator) {
        match self {
            Self::Narrow { records, len } => *len = made.fill(records),
            Self::Wide { records, len } => *len = made.fill_wide(records),
        }
    }

    fn room(&self) -> usize {
        match self {
            Self::Narrow { records, .. } => records.len(),
            Self::Wide { records, .. } => records.len(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Narrow { len, .. } | Self::Wide { len, .. } => *len,
        }
    }

    fn records(&self) -> Records<'_> {
        match self {
            Self::Narrow { records, len } => Records::Narrow(&records[..*len]),
            Self::Wide { records, len } => Records::Wide(&records[..*len]),
        }
    }
}

impl Makers {
    /// Records of a generator from where it stands; with 0 or 1 threads they are made here.
    pub(crate) fn new(made: FlowGenerator, threads: usize) -> Result<Self> {
        let batch = Batch::new(&made);
        let count = if threads > 1 { threads.min(THREADS_MAX) } else { 0 };
        let step = (count * batch.room()) as u64;
        let start = |number: usize| {
            let (full, taken) = sync_channel(AHEAD);
            let (used, empty) = channel();
            let at = made.index().saturating_add((number * batch.room()) as u64);
            let own = made.clone();
            thread::Builder::new()
                .name("maker".to_owned())
                .spawn(move || make(own, (at, step), &full, &empty))
                .context("cannot start a thread")?;
            Ok(Maker { full: taken, used })
        };
        let threads = (0..count).map(start).collect::<Result<_>>()?;
        Ok(Self { made, batch, threads, turn: 0, is_done: false })
    }

    /// The generator, as if it had made what was taken and no more.
    pub(crate) const fn generator(&self) -> &FlowGenerator {
        &self.made
    }

    /// The records that were taken last.
    pub(crate) fn batch(&self) -> Records<'_> {
        self.batch.records()
    }

    /// Takes the next records; `false` if there are none.
    pub(crate) fn advance(&mut self) -> Result<bool> {
        let Some(maker) = self.threads.get(self.turn) else {
            self.batch.fill(&mut self.made);
            return Ok(self.batch.len() > 0);
        };
        if self.is_done {
            return Ok(false);
        }
        let Ok(next) = maker.full.recv() else { bail!("a thread that makes records has failed") };
        let last = std::mem::replace(&mut self.batch, next);
        // A thread that has made its last batch wants no room for more.
        let _ = maker.used.send(last);
        self.turn = (self.turn + 1) % self.threads.len();
        self.is_done = self.batch.len() < self.batch.room();
        self.made.seek(self.made.index().saturating_add(self.batch.len() as u64));
        Ok(self.batch.len() > 0)
    }
}

/// Makes every batch that begins `step` after the one before, from `at` on, until nobody takes them or records end.
fn make(
    mut made: FlowGenerator,
    (mut at, step): (u64, u64),
    full: &SyncSender<Batch>,
    empty: &Receiver<Batch>,
) {
    loop {
        let mut batch = empty.try_recv().unwrap_or_else(|_| Batch::new(&made));
        made.seek(at);
        batch.fill(&mut made);
        let is_last = batch.len() < batch.room();
        if full.send(batch).is_err() || is_last {
            return;
        }
        at = at.saturating_add(step);
    }
}

#[cfg(test)]
mod tests {
    use rheos_gen::flows::{FlowConfig, SizeModel};

    use super::*;

    fn all(config: &FlowConfig, skip: u64, threads: usize) -> (Vec<WideRecord>, u64) {
        let mut made = FlowGenerator::new(config.plan().unwrap());
        made.seek(skip);
        let mut makers = Makers::new(made, threads).unwrap();
        let mut all = Vec::new();
        while makers.advance().unwrap() {
            match makers.batch() {
                Records::Narrow(records) => all.extend(records.iter().map(WideRecord::from)),
                Records::Wide(records) => all.extend_from_slice(records),
            }
        }
        (all, makers.generator().index())
    }

    #[test]
    fn any_number_of_threads_makes_the_same_records() {
        for wide in [false, true] {
            // Also a whole number of batches, and less than one.
            for count in [10, 4 * WIDE_BATCH as u64, NARROW_BATCH as u64 * 2, 100_000] {
                let mut config = FlowConfig { max_flows: Some(count), ..FlowConfig::default() };
                if wide {
                    config.realism.sizes = SizeModel::Agh2015;
                }
                let expected = all(&config, 3, 1);
                assert_eq!(expected.1, count);
                for threads in [0, 2, 3, 7] {
                    assert!(all(&config, 3, threads) == expected, "{count} on {threads}");
                }
            }
        }
    }
}
