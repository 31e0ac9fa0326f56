//! What a flow's packets do to its [`History`] and [`ConnState`].
//!
//! For TCP both endpoints walk through Zeek's states, each by what it sends: `conn_state` is read off the pair.

use rheos_core::Direction;
use rheos_wire::{Packet, TcpHeader, tcp_flags};

use crate::lifetime::{TCP, UDP};
use crate::{ConnState, FlowHead, History, InitiatorEvidence};

/// Sequence numbers of SYN and RST this far from the last one are not believed.
const JUMP_MAX: u32 = 1 << 20;
/// Captured stretches of data that can wait beyond a hole.
const ISLANDS_MAX: usize = 2;

/// What one endpoint has done, by the segments it sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Sent nothing that tells.
    #[default]
    Inactive,
    /// Sent a SYN.
    SynSent,
    /// Sent a SYN-ACK that answers nothing.
    SynAckSent,
    /// Sent segments without a handshake.
    Partial,
    Established,
    /// Sent a FIN.
    Closed,
    Reset,
}

impl State {
    fn is_inactive(self) -> bool {
        matches!(self, Self::Inactive | Self::Partial)
    }
}

/// Letters that come once, or again only when their sequence number changes.
mod once {
    pub(super) const SYN: u8 = 1;
    pub(super) const FIN: u8 = 2;
    pub(super) const RST: u8 = 4;
    pub(super) const ACK: u8 = 8;
    pub(super) const DATA: u8 = 16;
    pub(super) const FIN_RST: u8 = 32;
    pub(super) const MULTI: u8 = 64;
    pub(super) const SPOKE: u8 = 128;
}

/// One side of a connection. Sequence numbers are absolute and compared modulo 2^32.
#[derive(Clone, Copy, Debug, Default)]
struct Endpoint {
    /// Sequence number of the SYN, or one before the first byte seen.
    start: u32,
    /// One past the highest sequence number sent.
    last: u32,
    /// Highest acknowledgement the peer sent.
    acked: u32,
    /// One past the FIN.
    fin_end: u32,
    /// Captured or given up without holes up to here.
    contiguous: u32,
    /// Captured stretches beyond the first hole, ascending, apart; unused ones are empty.
    islands: [(u32, u32); ISLANDS_MAX],
    last_syn: u32,
    last_fin: u32,
    last_rst: u32,
    retransmitted: u32,
    zero_windows: u32,
    wrong_checksums: u32,
    gaps: u32,
    state: State,
    before: State,
    seen: u8,
    sent_fin: bool,
}

/// The endpoints of a flow, [`Direction::Forward`] first.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tracker {
    ends: [Endpoint; 2],
}

/// Whether sequence number `a` comes after `b`.
fn after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}

/// Whether event number `count` earns a letter: the 1st, 10th, 100th, ...
fn is_power_of_ten(mut count: u32) -> bool {
    while count >= 10 && count.is_multiple_of(10) {
        count /= 10;
    }
    count == 1
}

impl Tracker {
    /// The flow's first packet is about to come.
    pub(crate) fn begin(&mut self, head: &mut FlowHead) {
        *self = Self::default();
        if head.tuple.protocol == TCP && head.initiator == InitiatorEvidence::Answer {
            head.history.push(b'^');
        }
    }

    /// Takes in one packet of the flow.
    #[inline]
    pub(crate) fn on_packet(&mut self, head: &mut FlowHead, direction: Direction, packet: &Packet) {
        let tcp = packet.tuple.protocol == TCP;
        if !tcp && packet.tuple.protocol != UDP {
            return;
        }
        let mut note = Note { history: &mut head.history, direction };
        let end = &mut self.ends[direction.index()];
        if packet.checksum.wrong.is_some() {
            // The receiver will have thrown it away: it changes nothing but the count.
            end.wrong_checksums = end.wrong_checksums.wrapping_add(1);
            note.scaled(b'C', end.wrong_checksums);
        } else if tcp {
            self.on_segment(&mut note, packet);
        } else {
            note.once(&mut end.seen, once::DATA, b'D');
        }
        self.ends[direction.index()].seen |= once::SPOKE;
        head.conn = if tcp { self.tcp_state(&head.history) } else { self.udp_state() };
    }

    fn udp_state(&self) -> ConnState {
        match self.ends.map(|end| end.seen & once::SPOKE != 0) {
            [true, true] => ConnState::Sf,
            [true, false] => ConnState::S0,
            [false, true] => ConnState::Shr,
            [false, false] => ConnState::Oth,
        }
    }

    fn tcp_state(&self, history: &History) -> ConnState {
        use State::{Closed, Established, Inactive, Reset, SynAckSent, SynSent};
        let [initiator, responder] = &self.ends;
        match (initiator.state, responder.state) {
            (SynSent | SynAckSent, Reset) => ConnState::Rej,
            (Reset, Reset) if initiator.size(responder) == 0 && responder.size(initiator) == 0 => {
                ConnState::Rej
            }
            (from, Reset) if from.is_inactive() => ConnState::Rstrh,
            (_, Reset) => ConnState::Rstr,
            (Reset, to) if !to.is_inactive() => ConnState::Rsto,
            (Reset, _) if reset_after_syn(history.as_bytes()) => ConnState::Rstos0,
            (Closed, Closed) => ConnState::Sf,
            (Closed, to) => {
                if to.is_inactive() {
                    ConnState::Sh
                } else {
                    ConnState::S2
                }
            }
            (from, Closed) => {
                if from.is_inactive() {
                    ConnState::Shr
                } else {
                    ConnState::S3
                }
            }
            (SynSent, Inactive) => ConnState::S0,
            (Established, Established) => ConnState::S1,
            _ => ConnState::Oth,
        }
    }

    fn on_segment(&mut self, note: &mut Note<'_>, packet: &Packet) {
        let tcp = &packet.tcp;
        let (own, other) = (note.direction.index(), note.direction.reversed().index());
        let flags = Flags::of(tcp);
        let payload = packet.payload_len;
        let span =
            if flags.rst() { 0 } else { payload } + u32::from(flags.syn()) + u32::from(flags.fin());
        let end_seq = tcp.seq.wrapping_add(span);
        let peer_state = self.ends[other].state;

        let end = &mut self.ends[own];
        end.anchor(flags, tcp.seq, end_seq);
        let before_start = after(end.start, tcp.seq);
        end.record(note, flags, tcp.seq, payload);
        if tcp.window == 0
            && !flags.rst()
            && peer_state != State::Closed
            && end.state != State::Reset
        {
            end.zero_windows = end.zero_windows.wrapping_add(1);
            note.scaled(b'W', end.zero_windows);
        }
        if flags.fin() {
            end.sent_fin = true;
            end.fin_end = end_seq;
        }
        if flags.ack() {
            self.ends[other].acknowledge(flags, tcp.ack);
        }
        self.ends[own].advance(note, flags, end_seq, payload);
        self.step(note.direction, flags, payload);
        if flags.ack() && !flags.rst() {
            let clean = self.ends.iter().all(Endpoint::is_clean);
            let peer = Note { history: &mut *note.history, direction: note.direction.reversed() };
            self.ends[other].find_gaps(peer, tcp.ack, clean);
        }
        if payload > 0 && !flags.rst() && !before_start && packet.payload_cap_len >= payload {
            let first = tcp.seq.wrapping_add(u32::from(flags.syn()));
            self.ends[own].captured(first, first.wrapping_add(payload));
        }
    }

    /// The state machine of the segment's sender.
    fn step(&mut self, direction: Direction, flags: Flags, payload: u32) {
        let own = direction.index();
        match self.ends[own].state {
            State::Inactive => self.step_inactive(direction, flags, payload),
            State::SynSent | State::SynAckSent => {
                let end = &mut self.ends[own];
                if flags.fin() {
                    end.enter(State::Closed);
                }
                if flags.rst() {
                    end.enter(State::Reset);
                }
            }
            State::Established | State::Partial => self.step_established(direction, flags),
            State::Closed => {
                if flags.rst() && self.ends[direction.reversed().index()].state != State::Closed {
                    self.ends[own].enter(State::Reset);
                }
            }
            State::Reset => {}
        }
    }

    fn step_inactive(&mut self, direction: Direction, flags: Flags, payload: u32) {
        let own = direction.index();
        let other = direction.reversed().index();
        let initiator = direction == Direction::Forward;
        let peer = self.ends[other].state;
        if flags.syn() {
            let answered = initiator && !flags.ack() && peer == State::Established;
            let state = match (initiator, flags.ack()) {
                (true, _) if answered => State::Established,
                (true, true) => State::SynAckSent,
                (true, false) => State::SynSent,
                (false, _) => State::Established,
            };
            if !initiator && peer == State::SynSent {
                self.ends[other].enter(State::Established);
            }
            self.ends[own].enter(state);
        }
        if flags.fin() {
            self.ends[own].enter(State::Closed);
        }
        if flags.rst() {
            self.ends[own].enter(State::Reset);
        }
        if self.ends[own].state == State::Inactive {
            // Some hosts acknowledge a SYN before they send their own.
            let early_ack = !initiator && payload == 0 && peer == State::SynSent;
            if !early_ack {
                let established = flags.ack() && peer == State::Established;
                let state = if established { State::Established } else { State::Partial };
                self.ends[own].enter(state);
            }
        }
    }

    fn step_established(&mut self, direction: Direction, flags: Flags) {
        let (own, other) = (direction.index(), direction.reversed().index());
        let peer = self.ends[other];
        if flags.syn()
            && !flags.ack()
            && self.ends[own].state == State::Partial
            && peer.state == State::Inactive
        {
            self.ends[own].enter(State::SynSent);
        }
        if flags.fin() && !flags.rst() {
            self.ends[own].enter(State::Closed);
            if peer.state == State::Reset && peer.before == State::Closed {
                // The peer sent FIN, then RST: that was its way to close.
                self.ends[other].enter(State::Closed);
            }
        }
        if flags.rst() {
            self.ends[own].enter(State::Reset);
        }
    }
}

/// Whether the letters read: perhaps `^`, `S`, then `R` before any of `HAFGIQ`.
fn reset_after_syn(letters: &[u8]) -> bool {
    let letters = letters.strip_prefix(b"^").unwrap_or(letters);
    letters.strip_prefix(b"S").is_some_and(|rest| {
        let stop = rest.iter().find(|letter| b"RHAFGIQ".contains(letter));
        stop == Some(&b'R')
    })
}

/// The flags that move the state machine.
#[derive(Clone, Copy, Debug)]
struct Flags(u16);

impl Flags {
    fn of(tcp: &TcpHeader) -> Self {
        Self(tcp.flags)
    }

    fn syn(self) -> bool {
        self.0 & tcp_flags::SYN != 0
    }

    fn fin(self) -> bool {
        self.0 & tcp_flags::FIN != 0
    }

    fn rst(self) -> bool {
        self.0 & tcp_flags::RST != 0
    }

    fn ack(self) -> bool {
        self.0 & tcp_flags::ACK != 0
    }
}

/// Writes letters for one direction.
struct Note<'a> {
    history: &'a mut History,
    direction: Direction,
}

impl Note<'_> {
    fn add(&mut self, letter: u8) {
        let lower = self.direction == Direction::Backward;
        self.history.push(if lower { letter.to_ascii_lowercase() } else { letter });
    }

    /// Adds the letter the first time; afterwards says that it was there already.
    fn once(&mut self, seen: &mut u8, bit: u8, letter: u8) -> bool {
        if *seen & bit != 0 {
            return true;
        }
        *seen |= bit;
        self.add(letter);
        false
    }

    fn scaled(&mut self, letter: u8, count: u32) {
        if is_power_of_ten(count) {
            self.add(letter);
        }
    }
}

impl Endpoint {
    fn enter(&mut self, state: State) {
        if state != self.state {
            self.before = self.state;
            self.state = state;
        }
    }

    /// Payload bytes sent, by sequence numbers; 0 for an attempt that its sender aborted.
    fn size(&self, peer: &Self) -> u32 {
        if self.before == State::SynSent
            && self.state == State::Reset
            && peer.state == State::Inactive
            && self.acked != self.start
        {
            return 0;
        }
        let end = if after(self.last, self.acked) { self.last } else { self.acked };
        end.wrapping_sub(self.start).saturating_sub(1).saturating_sub(u32::from(self.sent_fin))
    }

    fn is_clean(&self) -> bool {
        self.state == State::Established
            || self.state == State::Closed && self.before == State::Established
    }

    fn start_at(&mut self, start: u32, last: u32) {
        self.start = start;
        self.acked = start;
        self.last = last;
        self.contiguous = start.wrapping_add(1);
        self.islands = [(0, 0); ISLANDS_MAX];
    }

    /// Sets where the sequence numbers start, by the first segment or by a SYN that starts anew.
    fn anchor(&mut self, flags: Flags, seq: u32, end_seq: u32) {
        let anew = match self.state {
            State::Inactive => true,
            State::SynSent | State::SynAckSent | State::Established | State::Partial => {
                flags.syn() && seq != self.start
            }
            State::Reset => flags.syn() && self.before == State::Inactive,
            State::Closed => false,
        };
        if !anew {
            return;
        }
        if flags.syn() {
            self.start_at(seq, end_seq);
        } else {
            // As though there had been a SYN; the first segment is no retransmission.
            self.start_at(seq.wrapping_sub(1), seq);
        }
    }

    /// The letters of a segment's flags.
    fn record(&mut self, note: &mut Note<'_>, flags: Flags, seq: u32, payload: u32) {
        let relative = seq.wrapping_sub(self.start);
        match (flags.syn(), flags.fin(), flags.rst()) {
            (_, true, true) => {
                note.once(&mut self.seen, once::FIN_RST, b'I');
            }
            (true, true, _) | (true, _, true) => {
                note.once(&mut self.seen, once::MULTI, b'Q');
            }
            (true, ..) => {
                let letter = if flags.ack() { b'H' } else { b'S' };
                if note.once(&mut self.seen, once::SYN, letter) && relative != self.last_syn {
                    note.add(letter);
                }
                self.last_syn = relative;
            }
            (_, true, _) => {
                // A FIN's place is after the data it comes with.
                let place = relative.wrapping_add(payload);
                if note.once(&mut self.seen, once::FIN, b'F') && place != self.last_fin {
                    note.add(b'F');
                }
                self.last_fin = place;
            }
            (_, _, true) => {
                if note.once(&mut self.seen, once::RST, b'R') && relative != self.last_rst {
                    note.add(b'R');
                }
                self.last_rst = relative;
            }
            _ if payload > 0 => {
                note.once(&mut self.seen, once::DATA, b'D');
            }
            _ if flags.ack() => {
                note.once(&mut self.seen, once::ACK, b'A');
            }
            _ => {}
        }
    }

    /// The peer acknowledges `ack`.
    fn acknowledge(&mut self, flags: Flags, ack: u32) {
        if self.state == State::Inactive {
            let start = ack.wrapping_sub(1);
            self.start_at(start, start);
        } else if !flags.rst() && after(ack, self.acked) {
            // 0 far ahead is a broken field rather than a long connection's wrap.
            let broken = ack == 0 && ack.wrapping_sub(self.acked) > JUMP_MAX;
            if !broken {
                self.acked = ack;
            }
        }
    }

    /// Moves the highest sequence number sent, or finds that the payload was sent before.
    fn advance(&mut self, note: &mut Note<'_>, flags: Flags, end_seq: u32, payload: u32) {
        let ahead = end_seq.wrapping_sub(self.last).cast_signed();
        if (flags.syn() || flags.rst()) && ahead.unsigned_abs() > JUMP_MAX {
            return;
        }
        if flags.fin() && self.last == self.start.wrapping_add(1) {
            // Also when it seems to lie behind: only SYN and FIN were seen of more than 2 GiB.
            self.last = end_seq;
        } else if self.state == State::Reset {
        } else if ahead > 0 {
            self.last = end_seq;
        } else if payload > 0 {
            self.retransmitted = self.retransmitted.wrapping_add(1);
            note.scaled(b'T', self.retransmitted);
        }
    }

    /// Data `from..to` was captured.
    fn captured(&mut self, from: u32, to: u32) {
        if !after(to, self.contiguous) {
            return;
        }
        if after(from, self.contiguous) {
            self.add_island(from, to);
            return;
        }
        self.contiguous = to;
        self.join_islands();
    }

    /// Takes over the islands that begin within what is contiguous.
    fn join_islands(&mut self) {
        for island in &mut self.islands {
            if island.0 != island.1 && !after(island.0, self.contiguous) {
                if after(island.1, self.contiguous) {
                    self.contiguous = island.1;
                }
                *island = (0, 0);
            }
        }
        if self.islands[0] == (0, 0) {
            self.islands.swap(0, 1);
        }
    }

    fn add_island(&mut self, from: u32, to: u32) {
        for island in &mut self.islands {
            if island.0 == island.1 {
                *island = (from, to);
                break;
            }
            if !after(from, island.1) && !after(island.0, to) {
                // Touches it: one island.
                island.0 = if after(island.0, from) { from } else { island.0 };
                island.1 = if after(to, island.1) { to } else { island.1 };
                return;
            }
        }
        let [first, second] = self.islands;
        if second.0 != second.1 && after(first.0, second.0) {
            self.islands = [second, first];
        }
    }

    /// The peer has acknowledged up to `ack`: what was not captured below never will be.
    fn find_gaps(&mut self, mut note: Note<'_>, ack: u32, clean: bool) {
        let ack = if self.sent_fin && !after(self.fin_end, ack) {
            self.fin_end.wrapping_sub(1)
        } else {
            ack
        };
        while after(ack, self.contiguous) {
            if clean {
                self.gaps = self.gaps.wrapping_add(1);
                note.scaled(b'G', self.gaps);
            }
            let island = self.islands[0];
            self.contiguous =
                if island.0 != island.1 && after(ack, island.0) { island.0 } else { ack };
            self.join_islands();
        }
    }
}
