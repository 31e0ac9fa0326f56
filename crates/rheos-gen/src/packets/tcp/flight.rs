//! One flight of segments and the acknowledgements that come back for it: two streams of packets, merged by time.

/// The packet of the flight that is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Upcoming {
    /// The next segment.
    #[default]
    Data,
    /// The acknowledgement that the arrival of this segment causes.
    Ack(u8),
}

/// At most 64 segments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flight {
    pub(crate) sender: usize,
    /// When the first segment is seen.
    pub(crate) start: u64,
    gap: u64,
    pub(crate) count: u8,
    /// Bytes in all segments.
    pub(crate) len: u32,
    /// It ends the message.
    pub(crate) is_last: bool,
    pub(crate) upcoming: Upcoming,
    /// Segments sent.
    pub(crate) sent: u8,
    /// Segments whose arrival has been looked at.
    seen: u8,
    /// Arrived segments that no acknowledgement covers yet.
    pub(crate) waiting: u8,
    /// The first of them, or of those the last acknowledgement covered.
    pub(crate) group_first: u8,
    /// Acknowledgements that repeated the one before.
    pub(crate) duplicates: u8,
    /// One bit for each lost segment.
    pub(crate) lost: u64,
    /// When the last segment was seen.
    pub(crate) last_at: u64,
}

impl Flight {
    pub(crate) fn new(
        sender: usize,
        start: u64,
        gap: u64,
        count: u8,
        len: u32,
        is_last: bool,
    ) -> Self {
        Self { sender, start, gap, count, len, is_last, ..Self::default() }
    }

    /// When the `n`-th segment is seen: in line, with a little jitter that never overtakes.
    pub(crate) const fn segment_at(&self, n: u8) -> u64 {
        let jitter = (self.start ^ (n as u64)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let spread = if n == 0 { 0 } else { jitter % (self.gap / 4 + 1) };
        self.start + self.gap * n as u64 + spread
    }

    pub(crate) const fn on_data(&mut self, lost: bool) {
        if lost {
            self.lost |= 1 << self.sent;
        }
        self.last_at = self.segment_at(self.sent);
        self.sent += 1;
    }

    pub(crate) const fn on_ack(&mut self, n: u8) {
        self.seen = n + 1;
        self.waiting = 0;
    }

    /// Finds the packet that is due and its time; `way` is from the capture to the receiver and back. None when
    /// all is sent and nothing more is acknowledged by itself.
    pub(crate) fn schedule(&mut self, way: u64) -> Option<u64> {
        let data = (self.sent < self.count).then(|| self.segment_at(self.sent));
        let ack = self.next_ack().map(|n| (n, self.segment_at(n) + way));
        match (data, ack) {
            (Some(data), Some((n, at))) if at < data => {
                self.upcoming = Upcoming::Ack(n);
                Some(at)
            }
            (Some(data), _) => {
                self.upcoming = Upcoming::Data;
                Some(data)
            }
            (None, Some((n, at))) => {
                self.upcoming = Upcoming::Ack(n);
                Some(at)
            }
            (None, None) => None,
        }
    }

    /// The next sent segment whose arrival causes an acknowledgement: the second in line, any behind a hole,
    /// and the last of a flight that others follow.
    fn next_ack(&mut self) -> Option<u8> {
        while self.seen < self.sent {
            let n = self.seen;
            if self.lost & (1 << n) != 0 {
                self.seen += 1;
                continue;
            }
            if self.lost & ((1 << n) - 1) != 0 {
                self.duplicates = self.duplicates.saturating_add(1);
                self.group_first = n;
                return Some(n);
            }
            if self.waiting == 0 {
                self.group_first = n;
            }
            let last_of_many = n + 1 == self.count && !self.is_last;
            if self.waiting >= 1 || last_of_many {
                return Some(n);
            }
            self.waiting += 1;
            self.seen += 1;
        }
        None
    }

    /// How many of the first `n` segments came without a hole.
    pub(crate) const fn whole_before(&self, n: u8) -> u8 {
        let hole = self.lost.trailing_zeros() as u8;
        if hole < n { hole } else { n }
    }

    /// The first segment of the unbroken run that ends with the `n`-th.
    pub(crate) const fn run_start(&self, n: u8) -> u8 {
        let below = self.lost & ((1 << n) - 1);
        (64 - below.leading_zeros()) as u8
    }

    pub(crate) const fn first_lost(&self) -> u8 {
        self.lost.trailing_zeros() as u8
    }

    /// The `n`-th segment came after all, at `at`.
    pub(crate) const fn repaired(&mut self, n: u8, at: u64) {
        self.lost &= !(1 << n);
        self.group_first = n;
        self.last_at = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a flight; `lost` segments do not come. Returns what was sent, in order.
    fn run(count: u8, is_last: bool, lost: &[u8], way: u64) -> Vec<Upcoming> {
        let mut flight = Flight::new(0, 1_000_000, 100, count, 0, is_last);
        let mut events = Vec::new();
        let mut now = 0;
        while let Some(at) = flight.schedule(way) {
            assert!(at >= now, "{events:?}");
            now = at;
            events.push(flight.upcoming);
            match flight.upcoming {
                Upcoming::Data => flight.on_data(lost.contains(&flight.sent)),
                Upcoming::Ack(n) => flight.on_ack(n),
            }
        }
        events
    }

    #[test]
    fn every_second_segment_is_acknowledged() {
        use Upcoming::{Ack, Data};
        assert_eq!(run(4, false, &[], 1_000), [Data, Data, Data, Data, Ack(1), Ack(3)]);
        // The last odd segment of a message waits for company.
        assert_eq!(run(3, true, &[], 1_000), [Data, Data, Data, Ack(1)]);
        assert_eq!(run(3, false, &[], 1_000), [Data, Data, Data, Ack(1), Ack(2)]);
        // A near receiver answers between the segments.
        assert_eq!(run(4, true, &[], 150)[..3], [Data, Data, Data]);
        assert_eq!(run(4, true, &[], 10)[2], Ack(1));
    }

    #[test]
    fn segments_behind_a_hole_are_acknowledged_at_once() {
        use Upcoming::Ack;
        let events = run(6, true, &[2], 10_000);
        let acks: Vec<_> = events.into_iter().filter(|e| matches!(e, Ack(_))).collect();
        assert_eq!(acks, [Ack(1), Ack(3), Ack(4), Ack(5)]);
    }

    #[test]
    fn holes_are_found() {
        let flight = Flight { lost: 0b0100_0100, count: 8, ..Flight::default() };
        assert_eq!((flight.whole_before(2), flight.whole_before(8)), (2, 2));
        assert_eq!((flight.run_start(5), flight.run_start(7), flight.run_start(1)), (3, 7, 0));
    }
}
