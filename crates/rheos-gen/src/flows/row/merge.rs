//! Attacks among the background, in order of time.
//!
//! Block `b` of the merged row holds block `b` of the background and the attacks' records from its begin to that of
//! the next block. It begins where 256 records for each block before it and the attacks' records before its begin
//! end. At equal moments the background comes first, then attacks as they are listed.

use fearless_simd::Level;
use rheos_core::WideRecord;

use super::{BLOCK, Moments, Row};
use crate::flows::attack::{ATTACKS_MAX, AttackPlan, Event};
use crate::flows::kernel::Kernel;
use crate::flows::plan::FlowPlan;
use crate::flows::wide;

/// How many records of each attack come before a moment.
type Counts = [u64; ATTACKS_MAX];

/// The next record of an attack.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    attack: usize,
    event: Event,
    moment: u64,
    /// Records that are left in the block, this one among them.
    left: u64,
}

/// Cursors of the attacks that go on in a block, in the order of the list.
#[derive(Clone, Copy, Debug)]
struct Cursors {
    list: [Cursor; ATTACKS_MAX],
    count: usize,
}

/// A block of the merged row, from some place in it on.
#[derive(Clone, Copy, Debug)]
struct Place {
    block: u64,
    moments: Moments,
    /// The next record of the background.
    next: usize,
    cursors: Cursors,
    /// How many records of each attack come before the next block.
    ends: Counts,
}

impl Cursors {
    /// From the records `from` to `to` of each attack.
    fn new(attacks: &[AttackPlan], from: &Counts, to: &Counts) -> Self {
        const NONE: Cursor =
            Cursor { attack: 0, event: Event { number: 0, is_answer: false }, moment: 0, left: 0 };
        let mut cursors = Self { list: [NONE; ATTACKS_MAX], count: 0 };
        for (number, (attack, (&from, &to))) in attacks.iter().zip(from.iter().zip(to)).enumerate()
        {
            if from < to {
                let event = attack.event_of(from);
                let moment = attack.moment(event);
                cursors.list[cursors.count] =
                    Cursor { attack: number, event, moment, left: to - from };
                cursors.count += 1;
            }
        }
        cursors
    }

    /// The place in the list of the one that is next.
    fn first(&self) -> Option<usize> {
        let list = &self.list[..self.count];
        // The first of equals is the one that is listed first.
        list.iter().enumerate().min_by_key(|(_, cursor)| cursor.moment).map(|(at, _)| at)
    }

    /// Takes a record from the one at a place of the list.
    fn take(&mut self, attacks: &[AttackPlan], at: usize) -> Cursor {
        let taken = self.list[at];
        let cursor = &mut self.list[at];
        cursor.left -= 1;
        if cursor.left == 0 {
            self.list.copy_within(at + 1..self.count, at);
            self.count -= 1;
        } else if let Some(attack) = attacks.get(cursor.attack) {
            let next = attack.next(cursor.event);
            if next.number != cursor.event.number {
                cursor.moment = attack.moment(next);
            }
            cursor.event = next;
        }
        taken
    }
}

impl Row {
    /// How many records of each attack come before a moment.
    fn counts(&self, moment: u64) -> Counts {
        let mut counts = [0; ATTACKS_MAX];
        for (count, attack) in counts.iter_mut().zip(&self.attacks) {
            *count = attack.records_before(moment);
        }
        counts
    }

    /// How many records of all attacks come before a moment.
    pub(super) fn attacked(&self, moment: u64) -> u64 {
        self.attacks.iter().map(|attack| attack.records_before(moment)).sum()
    }

    /// Where a block begins in the merged row.
    fn position(&self, plan: &FlowPlan, block: u64) -> u64 {
        let background = block.saturating_mul(BLOCK as u64);
        background.saturating_add(self.attacked(self.timeline.begin(plan, block)))
    }

    /// The block that holds record `position`: the last one that does not begin after it.
    fn block_of(&self, plan: &FlowPlan, position: u64) -> u64 {
        let attacked: u64 = self.attacks.iter().map(AttackPlan::records).sum();
        let mut low = position.saturating_sub(attacked) / BLOCK as u64;
        let mut high = position / BLOCK as u64 + 1;
        while high - low > 1 {
            let middle = low.midpoint(high);
            if self.position(plan, middle) <= position { low = middle } else { high = middle }
        }
        low
    }

    /// The place of record `position`.
    fn find(&self, plan: &FlowPlan, position: u64) -> Place {
        let block = self.block_of(plan, position);
        let moments = self.timeline.moments(Level::baseline(), plan, block);
        let begin = self.timeline.begin(plan, block);
        let end = self.timeline.begin(plan, block + 1);
        let (starts, ends) = (self.counts(begin), self.counts(end));
        let before: u64 = starts.iter().sum();
        let wanted = position.saturating_sub(block.saturating_mul(BLOCK as u64) + before);
        // The last moment before which there are not more records than wanted, by halving.
        let records = |moment: u64| {
            let background = moments.partition_point(|&m| m < moment) as u64;
            background + (self.attacked(moment.min(end)) - before)
        };
        let (mut low, mut high) = (begin, end);
        if records(end) <= wanted {
            low = end;
        }
        while high - low > 1 {
            let middle = low.midpoint(high);
            if records(middle) <= wanted { low = middle } else { high = middle }
        }
        // Of those at this moment, the background's come first, then those of one attack after the other.
        let mut skipped = wanted.saturating_sub(records(low));
        let next = moments.partition_point(|&m| m < low);
        let at_once = moments.partition_point(|&m| m <= low) - next;
        let next = next + at_once.min(usize::try_from(skipped).unwrap_or(usize::MAX));
        skipped = skipped.saturating_sub(at_once as u64);
        let mut from = self.counts(low);
        let until = self.counts(low.saturating_add(1));
        for (from, (until, end)) in from.iter_mut().zip(until.iter().zip(&ends)) {
            let at_once = (*until).min(*end).saturating_sub(*from).min(skipped);
            *from += at_once;
            skipped -= at_once;
        }
        Place { block, moments, next, cursors: Cursors::new(&self.attacks, &from, &ends), ends }
    }

    /// The moment of record `position` of the merged row.
    pub(super) fn merged_moment(&self, plan: &FlowPlan, position: u64) -> u64 {
        let place = self.find(plan, position);
        let attack = place.cursors.first().map(|at| place.cursors.list[at].moment);
        let background = place.moments.get(place.next).copied();
        attack.into_iter().chain(background).min().unwrap_or(u64::MAX)
    }

    /// How many of the records before `position` are those of attacks.
    pub(super) fn merged_attacked(&self, plan: &FlowPlan, position: u64) -> u64 {
        let place = self.find(plan, position);
        let background = place.block.saturating_mul(BLOCK as u64) + place.next as u64;
        position.saturating_sub(background)
    }

    /// Fills `out` with the records of the merged row from `position` on.
    pub(super) fn fill_merged(
        &self,
        kernel: Kernel,
        plan: &FlowPlan,
        position: u64,
        mut out: &mut [WideRecord],
    ) {
        let mut place = self.find(plan, position);
        // For a whole call: a block of records is more than a stack should take.
        let mut scratch = vec![WideRecord::default(); BLOCK];
        loop {
            let rest = std::mem::take(&mut out);
            out = self.fill_place(kernel, plan, &mut place, &mut scratch, rest);
            if out.is_empty() {
                return;
            }
            place.block += 1;
            place.moments = self.timeline.moments(kernel.level(), plan, place.block);
            place.next = 0;
            let ends = self.counts(self.timeline.begin(plan, place.block + 1));
            place.cursors = Cursors::new(&self.attacks, &place.ends, &ends);
            place.ends = ends;
        }
    }

    /// Fills `out` with what is left of a block; returns what of it is left then.
    fn fill_place<'a>(
        &self,
        kernel: Kernel,
        plan: &FlowPlan,
        place: &mut Place,
        scratch: &mut [WideRecord],
        mut out: &'a mut [WideRecord],
    ) -> &'a mut [WideRecord] {
        let from = place.next;
        let Place { block, moments, .. } = place;
        if place.cursors.count == 0 {
            let (part, rest) = out.split_at_mut(out.len().min(BLOCK - from));
            wide::fill_block(kernel, plan, *block, moments, from, part);
            place.next = from + part.len();
            return rest;
        }
        // No more of the background than there is room for.
        let some = out.len().min(BLOCK - from);
        wide::fill_block(kernel, plan, *block, moments, from, &mut scratch[from..from + some]);
        while !out.is_empty() {
            let first = place.cursors.first();
            let until = first.map_or(u64::MAX, |at| place.cursors.list[at].moment);
            let run = place.moments[place.next..].iter().take_while(|&&m| m <= until).count();
            let run = run.min(out.len());
            let (part, rest) = out.split_at_mut(run);
            part.copy_from_slice(&scratch[place.next..place.next + run]);
            place.next += run;
            out = rest;
            if out.is_empty() {
                break;
            }
            let Some(at) = first else { break };
            let (record, rest) = out.split_at_mut(1);
            let taken = place.cursors.take(&self.attacks, at);
            if let Some(attack) = self.attacks.get(taken.attack) {
                record[0] = attack.record(taken.event, taken.moment, plan.stream_id);
            }
            out = rest;
        }
        out
    }
}
