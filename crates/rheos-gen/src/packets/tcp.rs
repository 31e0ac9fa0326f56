//! A TCP connection as the capture sees it: handshake, turns of data in flights with delayed acknowledgements,
//! recovery of what the path lost, and the end.
//!
//! Times are those of the capture, which lies between the ends: what one side sends in answer to a packet seen
//! at `t` is seen at `t` plus twice the delay between the capture and that side. A sender sends a flight of
//! segments, the receiver acknowledges every second one (RFC 9293 §3.8.6.3), and when all of it is
//! acknowledged the next, larger flight goes out.

mod flight;
pub(crate) mod segment;

use rheos_core::seed::Rng;

use super::app::session::{App, Session, Turn};
use super::conversation::{Cx, Sent, Step};
use super::headers::Path;
use super::host::{Host, Stack};
use super::plan::Plan;
use flight::{Flight, Upcoming};
use segment::{ACK, FIN, Options, PSH, RST, SYN, Segment};

const CLIENT: usize = 0;
const SERVER: usize = 1;
const MS: u64 = 1_000_000;
/// How long a lone segment waits for its acknowledgement.
const ACK_DELAY: u64 = 40 * MS;
/// The least retransmission timeout, as Linux has it.
const RTO_MIN: u64 = 200 * MS;
/// A flight grows to this many segments.
const FLIGHT_MAX: u8 = 64;
/// After this many repetitions in vain a side gives up.
const TRIES_MAX: u8 = 6;

/// What the server does with the SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Welcome {
    Accept,
    Refuse,
    Silence,
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The FIN's acknowledgement carries the peer's FIN.
    ThreeWay,
    /// The peer acknowledges first and closes later.
    FourWay,
    Reset,
}

/// The packet that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Syn,
    Refusal,
    SynAck,
    HandshakeAck,
    Flight,
    Repeat,
    RepeatAck,
    DelayedAck,
    Fin,
    FinAck,
    PeerFin,
    LastAck,
}

/// One side's part of the connection.
#[derive(Clone, Copy, Debug)]
struct Side {
    stack: Stack,
    shift: u8,
    /// Window of its SYN, not shifted.
    syn_window: u16,
    window: u16,
    /// Its timestamp clock at the epoch, in milliseconds.
    clock: u32,
    /// The next sequence number it sends.
    seq: u32,
    /// The next sequence number it expects.
    expects: u32,
    /// The peer's timestamp that it echoes.
    echo: u32,
    /// Segments in its next flight.
    flight: u8,
}

#[derive(Clone, Debug)]
pub(crate) struct Connection {
    due: Due,
    welcome: Welcome,
    end: End,
    closer: usize,
    tries: u8,
    stamps: bool,
    mss: u16,
    sides: [Side; 2],
    session: Session,
    turn: Option<Turn>,
    /// How much of the turn's message is acknowledged.
    done: u32,
    flight: Flight,
    /// What comes after a delayed acknowledgement, and when.
    then: (Due, u64),
    /// Time between two segments of a flight.
    gap: u64,
}

impl Connection {
    pub(crate) fn new(plan: &Plan, app: App, name: u8, path: &Path, rng: &mut Rng) -> Self {
        let hosts = plan.seed.named("hosts");
        let ends = [Host::of(hosts, path.addrs[0], false), Host::of(hosts, path.addrs[1], true)];
        let stamps = ends.iter().all(Host::timestamps);
        let side = |host: &Host, rng: &mut Rng| Side {
            stack: host.stack,
            shift: host.window_shift(),
            syn_window: host.syn_window(),
            // 256 to 768 KiB: more than any flight fills.
            window: (1_u16 << (18 - host.window_shift())) + (host.clock % 2_048) as u16,
            clock: host.clock,
            seq: rng.bits() as u32,
            expects: 0,
            echo: 0,
            flight: 10,
        };
        let sides = [side(&ends[0], rng), side(&ends[1], rng)];
        let fate = rng.bits();
        let welcome = if plan.refused.hit_by(fate) {
            Welcome::Refuse
        } else if plan.unanswered.hit_by(rng.bits()) {
            Welcome::Silence
        } else {
            Welcome::Accept
        };
        let end = if rng.hits(plan.reset) {
            End::Reset
        } else if rng.below(3) == 0 {
            End::FourWay
        } else {
            End::ThreeWay
        };
        let header = path.ip_header_len() as u16 + 20 + if stamps { 12 } else { 0 };
        // 20 to 500 Mbit/s.
        let gap = (12_000_000.0 / rng.log_normal(100.0, 0.8).clamp(20.0, 500.0)) as u64;
        Self {
            due: Due::Syn,
            welcome,
            end,
            closer: if rng.below(3) == 0 { SERVER } else { CLIENT },
            tries: 0,
            stamps,
            mss: path.mtu - header,
            sides,
            session: Session::new(app, name, plan.message_bytes_max, rng),
            turn: None,
            done: 0,
            flight: Flight::default(),
            then: (Due::Fin, 0),
            gap,
        }
    }

    /// Makes sure that the server accepts.
    pub(crate) const fn serve(&mut self) {
        self.welcome = Welcome::Accept;
    }

    pub(crate) fn step(&mut self, path: &mut Path, rng: &mut Rng, cx: &mut Cx<'_>) -> Step {
        match self.due {
            Due::Syn => self.syn(path, cx),
            Due::Refusal => self.refusal(path, cx),
            Due::SynAck => self.syn_ack(path, cx),
            Due::HandshakeAck => {
                let sent = self.control(CLIENT, ACK, path, cx);
                let next = self.next_turn(path, rng, cx, CLIENT);
                (sent, Some(next))
            }
            Due::Flight => self.flight_packet(path, rng, cx),
            Due::Repeat => self.repeat(path, cx),
            Due::RepeatAck => self.repeat_ack(path, rng, cx),
            Due::DelayedAck => {
                let receiver = 1 - self.flight.sender;
                let sent = self.control(receiver, ACK, path, cx);
                self.sides[1 - receiver].echo = self.stamp(receiver, cx.now, path);
                (sent, Some(self.after_delayed_ack(cx.now)))
            }
            Due::Fin => self.fin(path, cx),
            Due::FinAck => {
                let sent = self.control(1 - self.closer, ACK, path, cx);
                self.due = Due::PeerFin;
                (sent, Some(cx.now + 100_000 + (rng.exponential(8.0) * 1e6) as u64))
            }
            Due::PeerFin => self.peer_fin(path, cx),
            Due::LastAck => (self.control(self.closer, ACK, path, cx), None),
        }
    }

    // ---- handshake ----

    fn syn(&mut self, path: &mut Path, cx: &mut Cx<'_>) -> Step {
        let now = cx.now;
        let side = self.sides[CLIENT];
        let host_offers = side.stack != Stack::Windows;
        let stamps = host_offers.then(|| (self.stamp(CLIENT, now, path), 0));
        let options = Options::syn(side.stack, announced_mss(path), side.shift, stamps);
        let syn = Segment {
            seq: side.seq,
            flags: SYN,
            window: side.syn_window,
            options: options.as_slice(),
            ..Segment::new(CLIENT)
        };
        let sent = syn.send(path, cx);
        if cx.lost || self.welcome == Welcome::Silence {
            // After 1, 3 and, when only the path is at fault, more seconds.
            self.tries += 1;
            let tries = if self.welcome == Welcome::Silence { 3 } else { TRIES_MAX };
            return (sent, (self.tries < tries).then(|| now + ((1_000 * MS) << (self.tries - 1))));
        }
        self.tries = 0;
        self.sides[SERVER].echo = self.stamp(CLIENT, now, path);
        self.sides[CLIENT].seq = side.seq.wrapping_add(1);
        self.sides[SERVER].expects = side.seq.wrapping_add(1);
        self.due = if self.welcome == Welcome::Refuse { Due::Refusal } else { Due::SynAck };
        (sent, Some(now + 2 * path.delays[SERVER] + 50_000))
    }

    fn refusal(&self, path: &mut Path, cx: &mut Cx<'_>) -> Step {
        let ack = self.sides[SERVER].expects;
        let reset = Segment { ack, flags: RST | ACK, ..Segment::new(SERVER) };
        (reset.send(path, cx), None)
    }

    fn syn_ack(&mut self, path: &mut Path, cx: &mut Cx<'_>) -> Step {
        let now = cx.now;
        let side = self.sides[SERVER];
        let stamps = self.stamps.then(|| (self.stamp(SERVER, now, path), side.echo));
        let options = Options::syn(side.stack, announced_mss(path), side.shift, stamps);
        let syn_ack = Segment {
            seq: side.seq,
            ack: side.expects,
            flags: SYN | ACK,
            window: side.syn_window,
            options: options.as_slice(),
            ..Segment::new(SERVER)
        };
        let sent = syn_ack.send(path, cx);
        if cx.lost {
            self.tries += 1;
            return (
                sent,
                (self.tries < TRIES_MAX).then(|| now + ((1_000 * MS) << (self.tries - 1))),
            );
        }
        self.tries = 0;
        self.sides[CLIENT].echo = self.stamp(SERVER, now, path);
        self.sides[SERVER].seq = side.seq.wrapping_add(1);
        self.sides[CLIENT].expects = side.seq.wrapping_add(1);
        self.due = Due::HandshakeAck;
        (sent, Some(now + 2 * path.delays[CLIENT] + 20_000))
    }

    // ---- data ----

    /// Takes the next turn after the handshake or after a message is acknowledged; `last` sent the last packet.
    fn next_turn(&mut self, path: &Path, rng: &mut Rng, cx: &mut Cx<'_>, last: usize) -> u64 {
        self.done = 0;
        self.turn = self.session.next(rng, cx.scratch);
        let now = cx.now;
        let Some(turn) = self.turn else {
            self.due = Due::Fin;
            let way = if self.closer == last { 0 } else { 2 * path.delays[self.closer] };
            return now + way + 20_000 + (rng.exponential(4.0) * 1e6) as u64;
        };
        let way = if turn.side == last { 0 } else { 2 * path.delays[turn.side] };
        self.begin_flight(now + way + 15_000 + turn.think)
    }

    /// Prepares the next flight of the turn's message, whose first segment is seen at `at`.
    fn begin_flight(&mut self, at: u64) -> u64 {
        let Some(turn) = &self.turn else { return at };
        let left = turn.message.len() - self.done;
        let size = &mut self.sides[turn.side].flight;
        let mss = u32::from(self.mss);
        let count = left.div_ceil(mss).min(u32::from(*size)) as u8;
        if count == *size {
            *size = (*size * 2).min(FLIGHT_MAX);
        }
        let len = left.min(u32::from(count) * mss);
        self.flight = Flight::new(turn.side, at, self.gap, count, len, len == left);
        self.due = Due::Flight;
        self.tries = 0;
        at
    }

    fn flight_packet(&mut self, path: &mut Path, rng: &mut Rng, cx: &mut Cx<'_>) -> Step {
        let sent = match self.flight.upcoming {
            Upcoming::Data => {
                let n = self.flight.sent;
                let sent = self.data(n, path, cx);
                self.flight.on_data(cx.lost);
                sent
            }
            Upcoming::Ack(n) => {
                let sent = self.flight_ack(n, path, cx);
                self.flight.on_ack(n);
                sent
            }
        };
        let receiver_way = 2 * path.delays[1 - self.flight.sender] + 8_000;
        let next = match self.flight.schedule(receiver_way) {
            Some(at) => at.max(cx.now + 1_000),
            None => self.flight_over(path, rng, cx),
        };
        (sent, Some(next))
    }

    /// Sends the `n`-th segment of the flight.
    fn data(&self, n: u8, path: &mut Path, cx: &mut Cx<'_>) -> Sent {
        let from = self.flight.sender;
        let side = &self.sides[from];
        let offset = u32::from(n) * u32::from(self.mss);
        let len = u32::from(self.mss).min(self.flight.len - offset);
        let last = self.flight.is_last && offset + len == self.flight.len;
        let stamps = self.stamps.then(|| (self.stamp(from, cx.now, path), side.echo));
        let options = Options::stamped(stamps);
        let data = self.turn.as_ref().map(|turn| (&turn.message, self.done + offset, len));
        let segment = Segment {
            seq: side.seq.wrapping_add(offset),
            ack: side.expects,
            flags: if last { ACK | PSH } else { ACK },
            window: side.window,
            options: options.as_slice(),
            data,
            from,
        };
        segment.send(path, cx)
    }

    /// Acknowledges up to the `n`-th segment of the flight, or up to the hole before it.
    fn flight_ack(&mut self, n: u8, path: &mut Path, cx: &mut Cx<'_>) -> Sent {
        let sender = self.flight.sender;
        let receiver = 1 - sender;
        let mss = u32::from(self.mss);
        let base = self.sides[sender].seq;
        let end = |count: u8| (u32::from(count) * mss).min(self.flight.len);
        let whole = self.flight.whole_before(n + 1);
        self.sides[receiver].expects = base.wrapping_add(end(whole));
        // The timestamp of the first segment not yet acknowledged (RFC 7323 §4.3).
        let first = self.flight.group_first.min(whole.saturating_sub(1));
        self.sides[receiver].echo = self.stamp(sender, self.flight.segment_at(first), path);
        let side = &self.sides[receiver];
        let mut options =
            Options::stamped(self.stamps.then(|| (self.stamp(receiver, cx.now, path), side.echo)));
        if whole <= n {
            let left = self.flight.run_start(n);
            options.sack(base.wrapping_add(end(left)), base.wrapping_add(end(n + 1)));
        }
        let ack = Segment {
            seq: side.seq,
            ack: side.expects,
            flags: ACK,
            window: side.window,
            options: options.as_slice(),
            data: None,
            from: receiver,
        };
        let sent = ack.send(path, cx);
        self.sides[sender].echo = self.stamp(receiver, cx.now, path);
        sent
    }

    /// All of the flight was sent and what could be acknowledged is.
    fn flight_over(&mut self, path: &Path, rng: &mut Rng, cx: &mut Cx<'_>) -> u64 {
        let sender = self.flight.sender;
        if self.flight.lost != 0 {
            self.due = Due::Repeat;
            let fast = self.flight.duplicates >= 3;
            let quick = cx.now + 2 * path.delays[sender] + 10_000;
            let slow = (self.flight.start + rto(path)).max(quick);
            return if fast { quick } else { slow };
        }
        self.sides[sender].seq = self.sides[sender].seq.wrapping_add(self.flight.len);
        self.sides[1 - sender].expects = self.sides[sender].seq;
        self.done += self.flight.len;
        if !self.flight.is_last {
            return self.begin_flight(cx.now + 2 * path.delays[sender] + 10_000);
        }
        self.message_over(path, rng, cx)
    }

    /// The message came whole; its last segment may still wait for an acknowledgement.
    fn message_over(&mut self, path: &Path, rng: &mut Rng, cx: &mut Cx<'_>) -> u64 {
        let sender = self.flight.sender;
        let receiver = 1 - sender;
        let waiting = self.flight.waiting > 0;
        if waiting {
            self.sides[receiver].echo =
                self.stamp(sender, self.flight.segment_at(self.flight.group_first), path);
        }
        let came = self.flight.last_at.max(self.flight.start);
        let ack_at = (came + 2 * path.delays[receiver] + ACK_DELAY).max(cx.now + 1_000);
        self.done = 0;
        self.turn = self.session.next(rng, cx.scratch);
        let (due, from, think) = match &self.turn {
            Some(turn) => (Due::Flight, turn.side, turn.think),
            None => (Due::Fin, self.closer, (rng.exponential(3.0) * 1e6) as u64 % (30 * MS)),
        };
        // The receiver answers the data; the sender goes on when it knows that all came, or closes at once.
        let at = if from == receiver {
            (came + 2 * path.delays[receiver] + 15_000 + think).max(cx.now + 1_000)
        } else if due == Due::Fin && waiting {
            came + 10_000 + think.min(ACK_DELAY / 2)
        } else {
            cx.now.max(if waiting { ack_at } else { 0 }) + 2 * path.delays[sender] + 10_000 + think
        };
        self.then = (due, at);
        if waiting && ack_at < at {
            self.due = Due::DelayedAck;
            return ack_at;
        }
        self.after_delayed_ack(cx.now)
    }

    fn after_delayed_ack(&mut self, now: u64) -> u64 {
        let (due, at) = self.then;
        self.due = due;
        let at = at.max(now + 1_000);
        if due == Due::Flight { self.begin_flight(at) } else { at }
    }

    // ---- recovery ----

    fn repeat(&mut self, path: &mut Path, cx: &mut Cx<'_>) -> Step {
        let n = self.flight.first_lost();
        let sent = self.data(n, path, cx);
        if cx.lost {
            self.tries += 1;
            let wait = rto(path) << self.tries.min(6);
            return (sent, (self.tries < TRIES_MAX).then_some(cx.now + wait));
        }
        self.tries = 0;
        self.flight.repaired(n, cx.now);
        self.due = Due::RepeatAck;
        let receiver = 1 - self.flight.sender;
        (sent, Some(cx.now + 2 * path.delays[receiver] + 10_000))
    }

    fn repeat_ack(&mut self, path: &mut Path, rng: &mut Rng, cx: &mut Cx<'_>) -> Step {
        let sender = self.flight.sender;
        let sent = self.flight_ack(self.flight.count - 1, path, cx);
        self.flight.waiting = 0;
        if self.flight.lost != 0 {
            self.due = Due::Repeat;
            return (sent, Some(cx.now + 2 * path.delays[sender] + 10_000));
        }
        // Half the flight after a loss, as after a fast recovery (RFC 5681 §3.2); even, so that no segment waits.
        self.sides[sender].flight = (self.sides[sender].flight / 2).max(4) & !1;
        let next = self.flight_over(path, rng, cx);
        (sent, Some(next))
    }

    // ---- the end ----

    fn fin(&mut self, path: &mut Path, cx: &mut Cx<'_>) -> Step {
        let closer = self.closer;
        let now = cx.now;
        if self.end == End::Reset {
            return (self.control(closer, RST | ACK, path, cx), None);
        }
        let sent = self.control(closer, FIN | ACK, path, cx);
        if cx.lost {
            self.tries += 1;
            let wait = rto(path) << self.tries.min(6);
            return (sent, (self.tries < TRIES_MAX).then_some(now + wait));
        }
        self.tries = 0;
        let peer = 1 - closer;
        self.sides[closer].seq = self.sides[closer].seq.wrapping_add(1);
        self.sides[peer].expects = self.sides[closer].seq;
        self.sides[peer].echo = self.stamp(closer, now, path);
        self.due = if self.end == End::FourWay { Due::FinAck } else { Due::PeerFin };
        (sent, Some(now + 2 * path.delays[peer] + 30_000))
    }

    fn peer_fin(&mut self, path: &mut Path, cx: &mut Cx<'_>) -> Step {
        let peer = 1 - self.closer;
        let sent = self.control(peer, FIN | ACK, path, cx);
        if cx.lost {
            self.tries += 1;
            let wait = rto(path) << self.tries.min(6);
            return (sent, (self.tries < TRIES_MAX).then_some(cx.now + wait));
        }
        self.sides[peer].seq = self.sides[peer].seq.wrapping_add(1);
        self.sides[self.closer].expects = self.sides[peer].seq;
        self.sides[self.closer].echo = self.stamp(peer, cx.now, path);
        self.due = Due::LastAck;
        (sent, Some(cx.now + 2 * path.delays[self.closer] + 20_000))
    }

    /// A segment without data.
    fn control(&self, from: usize, flags: u8, path: &mut Path, cx: &mut Cx<'_>) -> Sent {
        let side = &self.sides[from];
        let stamps = self.stamps.then(|| (self.stamp(from, cx.now, path), side.echo));
        let options = Options::stamped(stamps);
        let options = if flags & RST != 0 { &[] } else { options.as_slice() };
        let segment = Segment {
            seq: side.seq,
            ack: side.expects,
            flags,
            window: if flags & RST != 0 { 0 } else { side.window },
            options,
            data: None,
            from,
        };
        segment.send(path, cx)
    }

    /// A side's timestamp clock, in milliseconds, when it sent what the capture sees at `at`.
    fn stamp(&self, side: usize, at: u64, path: &Path) -> u32 {
        let sent = at.saturating_sub(path.delays[side]);
        self.sides[side].clock.wrapping_add((sent / MS) as u32)
    }
}

const fn announced_mss(path: &Path) -> u16 {
    path.mtu - path.ip_header_len() as u16 - 20
}

const fn rto(path: &Path) -> u64 {
    let rto = 2 * path.rtt();
    if rto < RTO_MIN { RTO_MIN } else { rto }
}
