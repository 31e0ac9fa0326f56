//! How much the streams of one flow table may hold, and what happened at the limits.

use std::cell::Cell;

/// What happened to the streams of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamCounters {
    /// Holes given up.
    pub gaps: u64,
    /// Bytes in them.
    pub gap_bytes: u64,
    /// Segments whose bytes differ from those that hold at their place.
    pub conflicts: u64,
    /// Segments too far ahead to be believed.
    pub wild: u64,
    /// Times that a flow's limit gave up a hole or ended a stream.
    pub flow_limited: u64,
    /// Times that the table's limit did.
    pub total_limited: u64,
    /// Most bytes held at once.
    pub held_max: u64,
}

impl StreamCounters {
    /// Adds another table's counts; `held_max` becomes the sum, an upper bound.
    pub fn merge(&mut self, other: &Self) {
        self.gaps += other.gaps;
        self.gap_bytes += other.gap_bytes;
        self.conflicts += other.conflicts;
        self.wild += other.wild;
        self.flow_limited += other.flow_limited;
        self.total_limited += other.total_limited;
        self.held_max += other.held_max;
    }
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Flow,
    Total,
}

/// Bytes that streams may hold: per flow, and all flows of one table together.
///
/// Several tables that share a stream of packets have a budget each, so that what one flow may hold depends on the
/// packets of its own table only.
#[derive(Debug)]
pub struct StreamBudget {
    flow_bytes: usize,
    total_bytes: usize,
    held: Cell<usize>,
    counters: Cell<StreamCounters>,
}

impl StreamBudget {
    /// At most `flow_bytes` per flow and `total_bytes` in all.
    pub fn new(flow_bytes: usize, total_bytes: usize) -> Self {
        Self {
            flow_bytes,
            total_bytes,
            held: Cell::new(0),
            counters: Cell::new(StreamCounters::default()),
        }
    }

    /// Bytes held now.
    pub fn held_bytes(&self) -> usize {
        self.held.get()
    }

    /// What happened so far.
    pub fn counters(&self) -> StreamCounters {
        self.counters.get()
    }

    /// What a flow holds beside its streams, parts of messages in datagrams, is now `now` and was `before`. False, and
    /// counted, if there is no room: then it is to be dropped, and `before` given back.
    pub fn hold(&self, before: usize, now: usize) -> bool {
        if now <= before {
            self.give_back(before - now);
            return true;
        }
        let fits = now <= self.flow_bytes;
        if fits && self.take(now - before) {
            return true;
        }
        self.count(|counters| {
            let limit = if fits { &mut counters.total_limited } else { &mut counters.flow_limited };
            *limit += 1;
        });
        false
    }

    pub(super) fn flow_bytes(&self) -> usize {
        self.flow_bytes
    }

    /// Takes `bytes` more, if there are as many left.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let held = self.held.get().saturating_add(bytes);
        if held > self.total_bytes {
            return false;
        }
        self.held.set(held);
        if held as u64 > self.counters.get().held_max {
            self.count(|counters| counters.held_max = held as u64);
        }
        true
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.held.set(self.held.get().saturating_sub(bytes));
    }

    #[cold]
    pub(super) fn count(&self, event: impl FnOnce(&mut StreamCounters)) {
        let mut counters = self.counters.get();
        event(&mut counters);
        self.counters.set(counters);
    }
}
