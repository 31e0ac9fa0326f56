//! Round trips, as a tap between the two sides can time them.
//!
//! From a segment to its ACK is the way to the receiver and back: of segments that the initiator sent, the part of the
//! path beyond the tap towards the responder, and the other way round. The whole path is the sum of both parts, each
//! as it was last seen. The receiver's delay of its ACKs (RFC 5681 §4.2) is in it.
//!
//! Segments: by Karn's rule (RFC 6298 §3) nothing is timed that was sent more than once; and as an ACK also waits for
//! what was lost before, nothing that was under way when a segment came again or late. Timestamps (RFC 7323 §4.2):
//! the first segment that carries a value to the first ACK that echoes it and acknowledges something new.

use std::collections::VecDeque;

use rheos_wire::tcp_flags::{ACK, RST, SYN};

use super::options::Stamps;
use super::sequence::{Event, Told};
use super::{Segment, after};
use crate::moments::Moments;

/// Segments, and timestamps, that wait for their ACK, per direction; further ones are not timed.
pub(crate) const WAITING_MAX: usize = 32;
/// A late segment is out of order up to so long after the newest one while no handshake was timed.
const REORDERING_NS: u64 = 3_000_000;

/// Times, and how much one differs from the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    pub(crate) times: Moments,
    pub(crate) jitter_sum: u64,
    last: Option<u64>,
}

impl Series {
    fn push(&mut self, ns: u64) {
        self.times.push(ns);
        if let Some(last) = self.last.replace(ns) {
            self.jitter_sum = self.jitter_sum.saturating_add(ns.abs_diff(last));
        }
    }

    /// Mean absolute difference of successive times, in nanoseconds.
    pub(crate) fn jitter(&self) -> Option<f64> {
        (self.times.n > 1).then(|| self.jitter_sum as f64 / (self.times.n - 1) as f64)
    }
}

/// The two parts of the path and their sum.
#[derive(Clone, Debug, Default)]
pub(crate) struct Path {
    /// By who sent what was timed.
    pub(crate) parts: [Moments; 2],
    last: [Option<u64>; 2],
    pub(crate) whole: Series,
}

impl Path {
    fn push(&mut self, side: usize, ns: u64) {
        self.parts[side].push(ns);
        self.last[side] = Some(ns);
        if let [Some(a), Some(b)] = self.last {
            self.whole.push(a.saturating_add(b));
        }
    }
}

/// Something sent that waits for its ACK: the number after it, or its timestamp; and when.
type Waiting = VecDeque<(u32, u64)>;

/// How far the handshake is.
#[derive(Clone, Copy, Debug, Default)]
enum Handshake {
    #[default]
    Nothing,
    Syn {
        side: usize,
        seq: u32,
        /// After its payload, which the answer may acknowledge or not (RFC 7413 §3).
        end: u32,
        ns: u64,
        again: bool,
    },
    SynAck {
        side: usize,
        seq: u32,
        end: u32,
        ns: u64,
        again: bool,
    },
    Done,
}

/// The round trips of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rtt {
    /// By acknowledged segments.
    pub(crate) segments: Path,
    /// By echoed timestamps.
    pub(crate) stamps: Path,
    handshake: Handshake,
    /// By who sent the SYN or SYN-ACK that was timed.
    pub(crate) handshake_ns: [Option<u64>; 2],
    sent: [Waiting; 2],
    stamped: [Waiting; 2],
    /// Segments that were not timed for want of room.
    pub(crate) untimed: u64,
}

impl Rtt {
    /// The whole handshake, from SYN to ACK.
    pub(crate) fn handshake(&self) -> Option<u64> {
        let [Some(a), Some(b)] = self.handshake_ns else { return None };
        Some(a.saturating_add(b))
    }

    /// How late a segment may come and still be out of order, and not sent again: one round trip.
    #[inline]
    pub(super) fn reordering_ns(&self) -> u64 {
        self.handshake().unwrap_or(REORDERING_NS)
    }

    /// Takes in a segment of either side.
    pub(crate) fn on_segment(&mut self, segment: &Segment, told: &Told, stamps: Option<Stamps>) {
        let (side, peer) = (segment.side, 1 - segment.side);
        if !matches!(self.handshake, Handshake::Done) {
            self.on_handshake(segment);
        }
        if told.is(Event::Restart) {
            self.sent[side].clear();
            self.stamped[side].clear();
        }
        if told.is(Event::Retransmission) || told.is(Event::OutOfOrder) {
            self.sent[side].clear();
        } else if told.is(Event::Advanced) {
            self.untimed += wait(&mut self.sent[side], (segment.end(), segment.ns));
        }
        if told.is(Event::Advanced)
            && let Some(Stamps { value, .. }) = stamps
        {
            let newer = |&(last, _): &(u32, u64)| after(value, last);
            if self.stamped[side].back().is_none_or(newer) {
                wait(&mut self.stamped[side], (value, segment.ns));
            }
        }
        let Some(ack) = segment.ack.filter(|_| told.is(Event::AckAdvanced)) else { return };
        if let Some(ns) = answered(&mut self.sent[peer], ack, segment.ns) {
            self.segments.push(peer, ns);
        }
        if let Some(Stamps { echo, .. }) = stamps
            && let Some(ns) = answered(&mut self.stamped[peer], echo, segment.ns)
        {
            self.stamps.push(peer, ns);
        }
    }

    #[cold]
    fn on_handshake(&mut self, segment: &Segment) {
        let (flags, now) = (segment.flags & (SYN | ACK | RST), segment.ns);
        let acks =
            |seq: u32, end: u32| segment.ack.is_some_and(|ack| after(ack, seq) && !after(ack, end));
        let (side, seq, end) = (segment.side, segment.seq, segment.end());
        self.handshake = match self.handshake {
            Handshake::Nothing if flags == SYN => {
                Handshake::Syn { side, seq, end, ns: now, again: false }
            }
            // The answer to either cannot be told apart; another number is another attempt.
            Handshake::Syn { side: of, seq: last, ns, .. } if of == side && flags == SYN => {
                let again = last == seq;
                Handshake::Syn { side, seq, end, ns: if again { ns } else { now }, again }
            }
            Handshake::Syn { side: of, seq: syn, end: syn_end, ns, again }
                if of != side && flags == SYN | ACK && acks(syn, syn_end) =>
            {
                self.handshake_ns[of] = now.checked_sub(ns).filter(|_| !again);
                Handshake::SynAck { side, seq, end, ns: now, again: false }
            }
            Handshake::SynAck { side: of, seq, end, ns, .. }
                if of == side && flags == SYN | ACK =>
            {
                Handshake::SynAck { side, seq, end, ns, again: true }
            }
            Handshake::SynAck { side: of, seq, end, ns, again }
                if of != side && flags == ACK && acks(seq, end) =>
            {
                self.handshake_ns[of] = now.checked_sub(ns).filter(|_| !again);
                Handshake::Done
            }
            other => other,
        };
    }

    /// Memory in bytes beyond the struct itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        let lists = self.sent.iter().chain(&self.stamped);
        lists.map(VecDeque::capacity).sum::<usize>() * size_of::<(u32, u64)>()
    }
}

/// Lets something wait for its ACK; tells how many were turned away.
fn wait(waiting: &mut Waiting, one: (u32, u64)) -> u64 {
    if waiting.len() >= WAITING_MAX {
        return 1;
    }
    waiting.push_back(one);
    0
}

/// Takes all up to `mark` out; the time since the one that is exactly it.
fn answered(waiting: &mut Waiting, mark: u32, now: u64) -> Option<u64> {
    let mut exact = None;
    while let Some(&(end, ns)) = waiting.front().filter(|(end, _)| !after(*end, mark)) {
        exact = (end == mark).then_some(ns);
        waiting.pop_front();
    }
    now.checked_sub(exact?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_end_is_timed_and_all_before_it_is_forgotten() {
        let mut waiting: Waiting = [(10, 100), (20, 200), (30, 300)].into();
        assert_eq!(answered(&mut waiting, 25, 900), None);
        assert_eq!(waiting, [(30, 300)]);
        assert_eq!(answered(&mut waiting, 30, 900), Some(600));
        assert_eq!(answered(&mut waiting, 30, 900), None);
        waiting.push_back((40, 1000));
        assert_eq!(answered(&mut waiting, 40, 900), None, "the capture runs backwards");
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let mut waiting = Waiting::new();
        let turned_away: u64 = (0..40).map(|i| wait(&mut waiting, (i, 0))).sum();
        assert_eq!((waiting.len(), turned_away), (WAITING_MAX, 8));
    }

    #[test]
    fn a_series_tells_its_jitter() {
        let mut series = Series::default();
        assert_eq!(series.jitter(), None);
        for ns in [5, 9, 6] {
            series.push(ns);
        }
        assert_eq!(series.jitter(), Some(3.5));
    }
}
