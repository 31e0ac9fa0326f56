//! When an attack's events are, and which of them are answered: how many records come before a moment.

use rheos_core::Timestamp;
use rheos_core::seed::mix;

use crate::flows::clock::{Clock, Gap};
use crate::flows::draw;

/// Events among which a fixed number is answered; which ones differs from cycle to cycle.
const CYCLE: u64 = 64;

/// Most events of an attack.
pub(super) const EVENTS_MAX: u64 = 1 << 40;

/// The events of an attack in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    clock: Clock,
    /// How late an event can be, in units of 2^-32 of the way to the next.
    jitter: u64,
    key: u64,
    pub(super) events: u64,
    /// No event is later.
    end: u64,
    /// Bits of the events of a cycle that are answered, before they are turned.
    answered: u64,
}

/// An event and which of its records: the request or its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flows) struct Event {
    pub(in crate::flows) number: u64,
    pub(in crate::flows) is_answer: bool,
}

impl Pace {
    /// `answered` of each 64 events are; `jitter` is 0 to 1.
    pub(super) fn new(
        (start, gap): (Timestamp, Gap),
        events: u64,
        answered: u32,
        jitter: f64,
        key: u64,
    ) -> Self {
        // The bits in an order that follows from the key: sorted by what each is scrambled to.
        let mut order: Vec<u32> = (0..64).collect();
        order.sort_by_key(|&bit| mix(key ^ u64::from(bit)));
        let bits = order.iter().take(answered as usize).fold(0_u64, |bits, bit| bits | 1 << bit);
        let (clock, events) = (Clock::new(start, gap, 0, 1), events.min(EVENTS_MAX));
        Self {
            clock,
            jitter: (jitter.clamp(0.0, 1.0) * 4_294_967_296.0) as u64,
            key,
            events,
            // An event is no later than the next would be without jitter.
            end: clock.at(events).nanos,
            answered: bits,
        }
    }

    /// When event `number` is.
    pub(super) fn at(&self, number: u64) -> u64 {
        let even = self.clock.at(number).nanos;
        if self.jitter == 0 {
            return even;
        }
        let next = self.clock.at(number + 1).nanos;
        let half = draw::word(draw::state(self.key, number), 0).0;
        let most = (u128::from(next - even) * u128::from(self.jitter)) >> 32;
        even + ((most * u128::from(half)) >> 32) as u64
    }

    /// How many events come before a moment.
    fn events_before(&self, moment: u64) -> u64 {
        if moment > self.end {
            return self.events;
        }
        let even = self.clock.count_before(Timestamp::from_nanos(moment)).min(self.events);
        // Only the last of them can be late enough.
        match even.checked_sub(1) {
            Some(last) if self.at(last) >= moment => last,
            _ => even,
        }
    }

    /// Which events of a cycle are answered.
    fn turned(&self, cycle: u64) -> u64 {
        self.answered.rotate_left(mix(self.key.wrapping_add(cycle)) as u32 % 64)
    }

    pub(super) fn is_answered(&self, number: u64) -> bool {
        self.turned(number / CYCLE) >> (number % CYCLE) & 1 == 1
    }

    /// How many records the first events have.
    fn records_of(&self, events: u64) -> u64 {
        let (cycle, rest) = (events / CYCLE, events % CYCLE);
        let before = self.turned(cycle) & ((1 << rest) - 1);
        let per_cycle = u64::from(self.answered.count_ones());
        events + cycle * per_cycle + u64::from(before.count_ones())
    }

    /// How many records there are.
    pub(super) fn records(&self) -> u64 {
        self.records_of(self.events)
    }

    /// How many records come before a moment.
    pub(super) fn records_before(&self, moment: u64) -> u64 {
        self.records_of(self.events_before(moment))
    }

    /// The event of record `record`.
    pub(super) fn event_of(&self, record: u64) -> Event {
        let per_cycle = CYCLE + u64::from(self.answered.count_ones());
        let (cycle, rest) = (record / per_cycle, record % per_cycle);
        let turned = self.turned(cycle);
        // The last event of the cycle that does not begin after the record, by halving.
        let begin = |event: u64| event + u64::from((turned & ((1 << event) - 1)).count_ones());
        let (mut low, mut high) = (0, CYCLE);
        while high - low > 1 {
            let middle = low.midpoint(high);
            if begin(middle) <= rest { low = middle } else { high = middle }
        }
        Event { number: cycle * CYCLE + low, is_answer: rest > begin(low) }
    }

    /// The record after that of an event.
    pub(super) fn next(&self, Event { number, is_answer }: Event) -> Event {
        if !is_answer && self.is_answered(number) {
            Event { number, is_answer: true }
        } else {
            Event { number: number + 1, is_answer: false }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(gap: (u128, u128), events: u64, answered: u32, jitter: f64) -> Pace {
        let start = Timestamp::from_nanos(1000);
        Pace::new((start, Gap::new(gap.0, gap.1)), events, answered, jitter, 77)
    }

    /// Every record of an attack by walking, against the closed forms.
    #[test]
    fn closed_forms_count_what_walking_finds() {
        for answered in [0, 1, 6, 32, 63, 64] {
            for (gap, jitter) in [((1000, 1), 1.0), ((7, 3), 0.5), ((1, 10), 1.0), ((999, 1), 0.0)]
            {
                let pace = pace(gap, 300, answered, jitter);
                let mut walked = Vec::new();
                let mut event = Event { number: 0, is_answer: false };
                while event.number < pace.events {
                    assert_eq!(pace.event_of(walked.len() as u64), event);
                    walked.push(pace.at(event.number));
                    event = pace.next(event);
                }
                assert_eq!(walked.len() as u64, pace.records(), "{answered}");
                assert!(walked.is_sorted());
                for &moment in &walked {
                    for moment in moment.saturating_sub(1)..=moment + 1 {
                        let expected = walked.iter().filter(|&&m| m < moment).count();
                        assert_eq!(pace.records_before(moment), expected as u64);
                    }
                }
            }
        }
    }

    #[test]
    fn so_many_of_each_cycle_are_answered() {
        for answered in [0, 6, 58, 64] {
            let pace = pace((1000, 1), 6400, answered, 1.0);
            for cycle in 0..100 {
                let found = (cycle * 64..(cycle + 1) * 64).filter(|&e| pace.is_answered(e)).count();
                assert_eq!(found as u32, answered);
            }
        }
        let pace = pace((1000, 1), 6400, 20, 1.0);
        let patterns: std::collections::HashSet<_> = (0..100).map(|c| pace.turned(c)).collect();
        assert!(patterns.len() > 40, "cycles differ");
    }

    #[test]
    fn nothing_overflows_at_the_end_of_time() {
        for gap in [(0, 1), (1, 1 << 60), (u128::MAX, 1), (1_000_000, 1)] {
            let pace = pace(gap, u64::MAX, 64, 1.0);
            assert_eq!(pace.events, EVENTS_MAX);
            for moment in [0, 1000, 1001, 1 << 40, u64::MAX - 1, u64::MAX] {
                let before = pace.records_before(moment);
                assert!(before <= pace.records());
                let _ = pace.at(pace.event_of(before).number);
            }
        }
    }
}
