//! What a segment is among those before it: retransmitted, out of order, beyond a gap, a probe, a duplicate ACK.
//!
//! Ranges of sequence numbers decide, not equal numbers: a retransmission may be cut anew, joined, or carry new bytes
//! behind old ones. What was jumped over is remembered, so that a late segment is told from a repeated one.

use rheos_wire::tcp_flags::{FIN, RST, SYN};

use super::holes::Holes;
use super::{Segment, after, between, earlier};

/// Duplicate ACKs after which the sender retransmits without waiting for its timer (RFC 5681 §3.2).
const FAST_RETRANSMIT_AFTER: u32 = 3;

/// What can be told of a segment, as place in the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Event {
    /// Bytes, SYN or FIN that were sent before.
    Retransmission,
    /// Of these: the first of the oldest unacknowledged byte after three duplicate ACKs.
    Fast,
    /// Of these: all of it had been acknowledged.
    Spurious,
    /// Of these: with SYN.
    Syn,
    /// Bytes that were jumped over and come soon after.
    OutOfOrder,
    /// It begins beyond what was captured.
    Gap,
    KeepAlive,
    KeepAliveAck,
    /// A byte, or nothing, that asks a closed window.
    WindowProbe,
    /// By all conditions of RFC 5681 §2.
    DuplicateAck,
    /// It acknowledges bytes that were not captured.
    AckUnseen,
    // What follows is told, and not counted.
    /// It moved the greatest acknowledgement number forward.
    AckAdvanced,
    /// Its ACK repeats the greatest acknowledgement number.
    AckRepeats,
    /// It moved the end of what was sent forward.
    Advanced,
    /// It begins just where what was sent ends.
    InOrder,
    /// A SYN with another number: its sender begins anew.
    Restart,
}

/// How many kinds of events are counted.
pub(crate) const EVENTS: usize = Event::AckUnseen as usize + 1;

/// What was told of one segment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    events: u16,
    /// The greatest acknowledgement number that the other side sent.
    pub(crate) acked: Option<u32>,
    /// Bytes between that and the end of what this side sent.
    pub(crate) in_flight: Option<u32>,
}

impl Told {
    pub(crate) const fn is(&self, event: Event) -> bool {
        self.events & (1 << event as u8) != 0
    }

    fn add(&mut self, event: Event) {
        self.events |= 1 << event as u8;
    }

    fn add_if(&mut self, event: Event, it_is: bool) {
        self.events |= u16::from(it_is) << event as u8;
    }
}

/// What other topics say of the moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// The segment offers the same window as the one before it from the same side.
    pub(crate) window_repeats: bool,
    /// The other side's last window was 0.
    pub(crate) peer_window_closed: bool,
    /// Up to so long after the newest segment a late one counts as out of order.
    pub(crate) reordering_ns: u64,
}

/// What one side sent.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own")]
pub(crate) struct Sequence {
    /// Of the first SYN.
    pub(crate) isn: Option<u32>,
    /// Of the last SYN: another number begins another connection.
    syn: u32,
    /// The first number that was captured.
    base: u32,
    /// The number after the highest that was captured, and when that came.
    next: u32,
    next_ns: u64,
    started: bool,
    /// A byte beyond `next` was sent into a closed window; the receiver may or may not keep it.
    probing: bool,
    /// The last segment was a keep-alive.
    kept_alive: bool,
    holes: Holes,
    /// The greatest acknowledgement number it sent.
    acked: Option<u32>,
    /// Duplicates of that.
    duplicates: u32,
    /// The other side's segment there was retransmitted since.
    fast_done: bool,
    /// Bytes of payload that were captured, each once.
    pub(crate) bytes: u64,
    /// Bytes of payload that came again.
    pub(crate) bytes_again: u64,
    /// Numbers that were jumped over and did not come later.
    pub(crate) missing: u64,
    /// Segments with the ACK flag.
    pub(crate) acks: u64,
    counts: [u32; EVENTS],
}

impl Sequence {
    /// How many segments of this side were this.
    pub(crate) fn count(&self, event: Event) -> u64 {
        u64::from(self.counts[event as usize])
    }

    /// Gaps that were forgotten for want of room.
    pub(crate) fn gaps_folded(&self) -> u64 {
        u64::from(self.holes.folded)
    }

    /// Memory in bytes beyond the struct itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.holes.heap_bytes()
    }

    fn restart(&mut self, seq: u32) {
        self.syn = seq;
        self.started = false;
        self.probing = false;
        self.kept_alive = false;
        self.holes.clear();
    }

    /// Up to where everything was captured.
    fn unbroken(&self) -> u32 {
        self.holes.first().unwrap_or(self.next)
    }
}

/// Takes in a segment of either side.
pub(crate) fn on_segment(sides: &mut [Sequence; 2], segment: &Segment, now: &Now) -> Told {
    let [first, second] = sides;
    let (me, peer) = if segment.side == 0 { (first, second) } else { (second, first) };
    let mut told = Told { acked: peer.acked, ..Told::default() };
    me.acks += u64::from(segment.ack.is_some());
    if segment.is(RST) {
        // What a reset carries is no part of the stream, and its numbers need not be (RFC 9293 §3.5.3).
        if let Some(ack) = segment.ack {
            told.add_if(Event::AckAdvanced, me.acked.is_none_or(|acked| after(ack, acked)));
        }
        return told;
    }
    if segment.is(SYN) {
        if me.isn.is_none() {
            me.isn = Some(segment.seq);
            me.syn = segment.seq;
        } else if segment.seq != me.syn {
            me.restart(segment.seq);
            told.add(Event::Restart);
            peer.acked = None;
            told.acked = None;
        }
    }
    if me.started {
        place(me, peer, segment, now, &mut told);
    } else {
        told.add_if(Event::Advanced, segment.span() > 0);
        me.bytes += u64::from(segment.len);
        (me.started, me.base, me.next, me.next_ns) = (true, segment.seq, segment.end(), segment.ns);
    }
    if let Some(ack) = segment.ack {
        acknowledge(me, peer, segment, ack, now, &mut told);
    }
    me.kept_alive = told.is(Event::KeepAlive);
    told.in_flight = told.acked.map(|acked| between(acked, me.next));
    let mut events = told.events & ((1 << EVENTS) - 1);
    while events != 0 {
        let count = &mut me.counts[events.trailing_zeros() as usize];
        *count = count.saturating_add(1);
        events &= events - 1;
    }
    told
}

/// Where the segment lies in what its sender sent before.
fn place(me: &mut Sequence, peer: &mut Sequence, segment: &Segment, now: &Now, told: &mut Told) {
    let (seq, end, next) = (segment.seq, segment.end(), me.next);
    let plain = !segment.is(SYN | FIN);
    told.add_if(Event::InOrder, seq == next);
    let all_acked = peer.acked.is_none_or(|acked| !after(next, acked));
    if plain && segment.len <= 1 && all_acked && seq == next.wrapping_sub(1) {
        // One before the next: a closed window is probed like this (Linux), and an idle peer (RFC 9293 §3.8.4).
        told.add(if now.peer_window_closed { Event::WindowProbe } else { Event::KeepAlive });
        return;
    }
    if plain && segment.len == 1 && seq == next && now.peer_window_closed {
        // RFC 9293 §3.8.6.1. It counts as sent once the receiver says so.
        told.add(Event::WindowProbe);
        me.probing = true;
        return;
    }
    if after(seq, next) {
        told.add(Event::Gap);
        me.missing += u64::from(between(next, seq));
        // What the receiver has is no hole to it: it only was not captured.
        let from = peer.acked.map_or(next, |acked| super::later(acked, next));
        me.holes.append(from, seq);
    }
    let mut seen = 0;
    if segment.span() > 0 && after(next, seq) {
        seen = again(me, peer, segment, now, told);
    }
    me.bytes += u64::from(segment.len.saturating_sub(seen));
    if after(end, next) {
        told.add_if(Event::Advanced, segment.span() > 0);
        me.probing = false;
        (me.next, me.next_ns) = (end, segment.ns);
    }
}

/// The segment begins before the end of what was captured. Tells how much of it had been seen.
#[cold]
fn again(
    me: &mut Sequence,
    peer: &mut Sequence,
    segment: &Segment,
    now: &Now,
    told: &mut Told,
) -> u32 {
    let (seq, end) = (segment.seq, segment.end());
    let old_end = earlier(end, me.next);
    let mut unseen = me.holes.fill(seq, old_end);
    me.missing = me.missing.saturating_sub(u64::from(unseen));
    if after(me.base, seq) {
        // From before the capture's first segment.
        let known = earlier(old_end, me.base);
        unseen = unseen.wrapping_add(between(seq, known));
        me.holes.prepend(known, me.base);
        me.missing += u64::from(between(known, me.base));
        me.base = seq;
    }
    let old = between(seq, old_end);
    let seen = old.saturating_sub(unseen);
    me.bytes_again += u64::from(seen.min(segment.len));
    let acked = peer.acked.is_some_and(|acked| !after(end, acked));
    let fast = !acked
        && peer.duplicates >= FAST_RETRANSMIT_AFTER
        && !peer.fast_done
        && peer.acked == Some(seq);
    let late = seen == 0 && segment.ns.saturating_sub(me.next_ns) < now.reordering_ns;
    if late && !fast {
        told.add(Event::OutOfOrder);
        return seen;
    }
    told.add(Event::Retransmission);
    if segment.is(SYN) {
        told.add(Event::Syn);
    }
    if fast {
        told.add(Event::Fast);
        peer.fast_done = true;
    } else if acked {
        told.add(Event::Spurious);
    }
    seen
}

/// What the segment's acknowledgement says.
fn acknowledge(
    me: &mut Sequence,
    peer: &mut Sequence,
    segment: &Segment,
    ack: u32,
    now: &Now,
    told: &mut Told,
) {
    if peer.probing && ack == peer.next.wrapping_add(1) {
        // The receiver kept the byte of the probe.
        peer.next = ack;
        peer.bytes += 1;
        peer.probing = false;
    }
    if me.acked.is_none_or(|acked| after(ack, acked)) {
        told.add(Event::AckAdvanced);
        if peer.started && after(ack, peer.unbroken()) {
            told.add(Event::AckUnseen);
        }
        peer.holes.drop_before(ack);
        (me.acked, me.duplicates, me.fast_done) = (Some(ack), 0, false);
        return;
    }
    if me.acked != Some(ack) {
        return;
    }
    told.add(Event::AckRepeats);
    let repeats = segment.is_pure_ack() && now.window_repeats;
    if !repeats || told.is(Event::KeepAlive) || told.is(Event::WindowProbe) {
        return;
    }
    if peer.kept_alive {
        told.add(Event::KeepAliveAck);
    } else if peer.started && after(peer.next, ack) {
        told.add(Event::DuplicateAck);
        me.duplicates = me.duplicates.saturating_add(1);
    }
}
