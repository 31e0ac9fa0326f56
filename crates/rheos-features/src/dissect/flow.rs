//! The dissection of one flow: detection, reassembly, and the dissectors one after the other.

use std::borrow::Cow;

use rheos_core::{Direction, Timestamp};
use rheos_flow::{FlowHead, Piece, Read, StreamTotals, Streams};
use rheos_wire::{App, Packet, tcp_flags};

use super::detect::{
    DETECT_BYTES_MAX, DETECT_DATAGRAMS_MAX, Detecting, Head, Jury, Match, Opening, Sides, Start,
    Verdict,
};
use super::{Chunk, Datagram, Protocol, Wants, signatures};
use crate::groups::Seen;
use crate::plan::ShardPlan;

/// Protocols that follow each other in one flow at most (PROXY, HTTP CONNECT, STARTTLS, TLS).
pub const LAYERS_MAX: usize = 4;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// A protocol that was found in a flow.
#[derive(Debug)]
pub struct Layer {
    /// What was found, and how.
    pub found: Match,
    pub(super) protocol: Option<Protocol>,
}

impl Layer {
    /// How sure it is: what detection said, or 1 when the dissector has seen what no other protocol says.
    pub fn confidence(&self) -> f64 {
        let certain = self.protocol.as_ref().is_some_and(|it| it.dissector().is_certain());
        if certain { 1.0 } else { self.found.confidence }
    }
}

/// What is said inside one flow.
#[derive(Debug)]
pub struct Dissection {
    streams: Streams,
    reader: Reader,
    /// What the reader holds of datagrams, as the budget knows it.
    held: usize,
    /// There was no room for it.
    limited: bool,
}

#[derive(Debug)]
enum Phase {
    Detecting(Detecting),
    /// The last layer's dissector reads.
    Reading,
    Over,
}

/// What takes in the bytes that are in order.
#[derive(Debug)]
struct Reader {
    phase: Phase,
    layers: Vec<Layer>,
    /// Who reads has changed: what waits is to be offered once more.
    again: bool,
    /// The detector was mistaken at least once.
    mistaken: bool,
    /// Time of the packet at hand.
    ts: Timestamp,
    ports: [u16; 2],
    tls_message_max: usize,
    datagram_bytes: [u64; 2],
    /// What the flow was before the active timeout cut it.
    known: Vec<Match>,
}

/// The rule of a protocol that is known from a flow's part before this one.
const CONTINUED: &str = "continued";

/// What of a flow's dissection there is.
#[derive(Debug)]
pub(crate) enum Spoken {
    /// No payload yet: the sequence numbers with which the sides begin, where a SYN told them.
    Nothing { first_seq: [u32; 2], told: [bool; 2] },
    /// No payload since the active timeout cut the flow, and what it was before.
    Cut(Box<Known>),
    /// A box of its own.
    Something(Box<Dissection>),
}

/// The protocols of a flow before it was cut.
#[derive(Debug)]
pub(crate) struct Known(Vec<Match>);

impl Default for Spoken {
    fn default() -> Self {
        Self::Nothing { first_seq: [0; 2], told: [false; 2] }
    }
}

impl Spoken {
    pub(crate) fn get(&self) -> Option<&Dissection> {
        match self {
            Self::Nothing { .. } | Self::Cut(_) => None,
            Self::Something(dissection) => Some(dissection),
        }
    }

    /// Takes in a packet of the flow.
    pub(crate) fn on_packet(&mut self, plan: &ShardPlan, seen: &Seen<'_>) {
        let packet = seen.packet;
        if !matches!(packet.tuple.protocol, TCP | UDP) {
            return;
        }
        if !matches!(self, Self::Something(_)) {
            if packet.payload(seen.bytes).is_empty() {
                return self.note_syn(seen.arrival.direction, packet);
            }
            self.begin(seen.head, plan);
        }
        if let Self::Something(dissection) = self {
            dissection.on_packet(plan, seen.arrival.direction, packet, seen.bytes);
        }
    }

    /// There is payload.
    fn begin(&mut self, head: &FlowHead, plan: &ShardPlan) {
        let mut dissection = Box::new(Dissection::new(head, plan));
        match std::mem::take(self) {
            Self::Nothing { first_seq, told } => {
                for direction in [Direction::Forward, Direction::Backward] {
                    if told[direction.index()] {
                        dissection.streams.anchor(direction, first_seq[direction.index()]);
                    }
                }
            }
            Self::Cut(known) => dissection.reader.known = known.0,
            Self::Something(_) => {}
        }
        *self = Self::Something(dissection);
    }

    /// The flow has ended.
    pub(crate) fn on_end(&mut self, plan: &ShardPlan) {
        if let Self::Something(dissection) = self {
            dissection.on_end(plan);
        }
    }

    /// The flow goes on after the active timeout has cut it: forgets all but what it is.
    pub(crate) fn go_on(&mut self, plan: &ShardPlan) {
        let known = match std::mem::take(self) {
            Self::Nothing { .. } => Vec::new(),
            Self::Cut(known) => known.0,
            Self::Something(mut dissection) => {
                dissection.let_go(plan);
                dissection.known()
            }
        };
        *self = Self::Cut(Box::new(Known(known)));
    }

    /// Forgets the flow.
    pub(crate) fn release(&mut self, plan: &ShardPlan) {
        if let Self::Something(dissection) = self {
            dissection.let_go(plan);
        }
        *self = Self::default();
    }

    /// Notes where the sides begin, as a packet with SYN tells it.
    fn note_syn(&mut self, direction: Direction, packet: &Packet) {
        let Self::Nothing { first_seq, told } = self else { return };
        let tcp = &packet.tcp;
        if packet.tuple.protocol != TCP
            || tcp.flags & (tcp_flags::SYN | tcp_flags::RST) != tcp_flags::SYN
        {
            return;
        }
        let (own, peer) = (direction.index(), direction.reversed().index());
        first_seq[own] = tcp.seq.wrapping_add(1);
        told[own] = true;
        if tcp.flags & tcp_flags::ACK != 0 && !told[peer] {
            first_seq[peer] = tcp.ack;
            told[peer] = true;
        }
    }
}

impl Dissection {
    fn new(head: &FlowHead, plan: &ShardPlan) -> Self {
        Self {
            streams: Streams::default(),
            held: 0,
            limited: false,
            reader: Reader {
                phase: Phase::Detecting(Detecting::default()),
                layers: Vec::new(),
                again: false,
                mistaken: false,
                ts: head.last,
                ports: [head.tuple.src_port, head.tuple.dst_port],
                tls_message_max: plan.config.tls_message_max,
                datagram_bytes: [0; 2],
                known: Vec::new(),
            },
        }
    }

    /// The protocols that were found, each inside or after the one before it.
    pub fn layers(&self) -> &[Layer] {
        &self.reader.layers
    }

    /// The protocol that was found last.
    pub fn app(&self) -> Option<App> {
        self.layers().last().map(|layer| layer.found.app)
    }

    /// What application-layer protocol negotiation tells of what is inside; see [`super::Dissector::alpn`].
    pub fn alpn(&self) -> Option<Cow<'_, str>> {
        let mut protocols = self.layers().iter().rev().filter_map(|layer| layer.protocol.as_ref());
        protocols.find_map(|protocol| protocol.dissector().alpn())
    }

    /// Whether a dissector found that the detector had been mistaken.
    pub fn was_mistaken(&self) -> bool {
        self.reader.mistaken
    }

    /// What became of one side's byte stream; all zero for datagrams.
    pub fn stream(&self, direction: Direction) -> &StreamTotals {
        self.streams.totals(direction)
    }

    /// Bytes of one side that were read, in order: nothing is read any more once all is known that columns tell.
    pub fn bytes_read(&self, direction: Direction) -> u64 {
        self.stream(direction).bytes + self.reader.datagram_bytes[direction.index()]
    }

    /// Whether a memory limit gave up a hole or ended the reading.
    pub fn was_limited(&self) -> bool {
        let sides = [Direction::Forward, Direction::Backward].map(|side| self.stream(side).limited);
        self.limited || sides.iter().any(|limited| *limited > 0)
    }

    /// Whether nothing more of the flow is read.
    pub fn is_over(&self) -> bool {
        matches!(self.reader.phase, Phase::Over)
    }

    /// Memory in bytes, the value itself included.
    pub fn memory_bytes(&self) -> usize {
        let protocols = self.layers().iter().filter_map(|layer| layer.protocol.as_ref());
        let read: usize = protocols.map(Protocol::memory_bytes).sum();
        let list = self.reader.layers.capacity() * size_of::<Layer>();
        size_of::<Self>() + self.streams.held_bytes() + list + read
    }

    #[inline]
    fn on_packet(&mut self, plan: &ShardPlan, from: Direction, packet: &Packet, bytes: &[u8]) {
        if self.is_over() {
            return;
        }
        self.reader.ts = packet.ts;
        if packet.tuple.protocol == UDP {
            self.reader.on_datagram(from, packet.payload(bytes), packet.payload_len);
            self.settle(plan);
        } else {
            let Self { streams, reader, .. } = self;
            let budget = &plan.streams;
            streams.on_packet(from, packet, bytes, budget, &mut |piece| reader.on_piece(piece));
            self.offer_again(plan, from);
        }
    }

    /// Settles with the budget what the reader holds of datagrams; what does not fit is dropped.
    #[inline]
    fn settle(&mut self, plan: &ShardPlan) {
        let now = self.reader.waiting_bytes();
        if now == self.held {
            return;
        }
        if plan.streams.hold(self.held, now) {
            self.held = now;
            return;
        }
        self.reader.drop_waiting();
        self.limited = true;
        self.let_go(plan);
    }

    /// Gives back what is held.
    fn let_go(&mut self, plan: &ShardPlan) {
        self.streams.close(&plan.streams);
        plan.streams.hold(std::mem::take(&mut self.held), 0);
    }

    /// Offers what waits to who reads now. What the other side said was said before.
    fn offer_again(&mut self, plan: &ShardPlan, from: Direction) {
        let Self { streams, reader, .. } = self;
        // Every turn but the last has found one more layer.
        for _ in 0..=2 * LAYERS_MAX {
            if !std::mem::take(&mut reader.again) {
                break;
            }
            for direction in [from.reversed(), from] {
                streams.offer(direction, &plan.streams, &mut |piece| reader.on_piece(piece));
            }
        }
        if matches!(reader.phase, Phase::Over) {
            streams.close(&plan.streams);
        }
    }

    /// What its next part is to know of it.
    fn known(&self) -> Vec<Match> {
        let known = |layer: &Layer| Match {
            rule: CONTINUED,
            confidence: layer.confidence(),
            ..layer.found
        };
        self.layers().iter().map(known).collect()
    }

    fn on_end(&mut self, plan: &ShardPlan) {
        if !self.is_over() {
            self.read_the_rest(plan);
        }
        self.reader.recall();
    }

    fn read_the_rest(&mut self, plan: &ShardPlan) {
        let Self { streams, reader, .. } = self;
        streams.finish(&plan.streams, &mut |piece| reader.on_piece(piece));
        let waiting = [Direction::Forward, Direction::Backward].map(|side| streams.waiting(side));
        reader.detect_at_last(waiting);
        self.offer_again(plan, Direction::Backward);
        self.reader.end();
        self.streams.close(&plan.streams);
    }
}

impl Reader {
    fn on_piece(&mut self, piece: Piece<'_>) -> Read {
        match &mut self.phase {
            Phase::Over => Read::STOP,
            Phase::Reading => self.read(piece),
            Phase::Detecting(state) => {
                let side = piece.direction.index();
                if piece.gap || state.blind[side] {
                    // Not the first bytes: they tell nothing.
                    state.blind[side] = true;
                    if state.blind == [true; 2] {
                        self.phase = Phase::Over;
                    }
                    return Read { consumed: piece.bytes.len(), skip: 0, stop: false };
                }
                self.detect(piece)
            }
        }
    }

    /// Looks at the first bytes; once the protocol is known, its dissector gets them.
    fn detect(&mut self, piece: Piece<'_>) -> Read {
        let last = piece.bytes.len() >= DETECT_BYTES_MAX;
        let bytes = match piece.direction {
            Direction::Forward => [piece.bytes, piece.other],
            Direction::Backward => [piece.other, piece.bytes],
        };
        match judge_stream(&Sides { bytes, ports: self.ports, last }) {
            Verdict::More => Read::LATER,
            Verdict::No => {
                self.phase = Phase::Over;
                Read::STOP
            }
            Verdict::Yes(found) => {
                self.begin(found, false);
                if piece.other.is_empty() {
                    return self.on_piece(piece);
                }
                self.again = true;
                Read::LATER
            }
        }
    }

    /// The flow has ended with these bytes unread: if they were not told yet, that has to be enough.
    fn detect_at_last(&mut self, bytes: [&[u8]; 2]) {
        let detecting = matches!(self.phase, Phase::Detecting(_));
        if !detecting || bytes.iter().all(|bytes| bytes.is_empty()) {
            return;
        }
        if let Verdict::Yes(found) = judge_stream(&Sides { bytes, ports: self.ports, last: true }) {
            self.begin(found, false);
            self.again = true;
        }
    }

    /// A protocol was found: its dissector reads from here on.
    fn begin(&mut self, found: Match, datagrams: bool) {
        self.layers.last_mut().and_then(|layer| layer.protocol.as_mut()).map(Protocol::on_end);
        if self.layers.len() >= LAYERS_MAX {
            self.phase = Phase::Over;
            return;
        }
        let Self { ports, tls_message_max, .. } = *self;
        let protocol =
            Protocol::begin(&Start { app: found.app, datagrams, ports, tls_message_max });
        self.phase = if protocol.is_some() { Phase::Reading } else { Phase::Over };
        self.layers.reserve_exact(1);
        self.layers.push(Layer { found, protocol });
    }

    /// Where the bytes say nothing, since they are from amid a connection, what was known before still holds.
    fn recall(&mut self) {
        if self.layers.is_empty() {
            let known = std::mem::take(&mut self.known).into_iter();
            self.layers = known.map(|found| Layer { found, protocol: None }).collect();
        }
    }

    fn protocol(&mut self) -> Option<&mut Protocol> {
        self.layers.last_mut()?.protocol.as_mut()
    }

    fn read(&mut self, piece: Piece<'_>) -> Read {
        let ts = self.ts;
        let Some(protocol) = self.protocol() else { return Read::STOP };
        let Piece { direction, bytes, gap, .. } = piece;
        let taken = protocol.on_stream(Chunk { direction, ts, bytes, gap });
        let stop = self.follow(taken.wants, false);
        Read { consumed: taken.consumed, skip: taken.skip, stop }
    }

    /// Does what a dissector wants; true if nothing more of the side is to be offered.
    fn follow(&mut self, wants: Wants, datagrams: bool) -> bool {
        match wants {
            Wants::More => false,
            Wants::Nothing => true,
            Wants::Enough => {
                self.phase = Phase::Over;
                true
            }
            Wants::Mistaken => {
                self.layers.pop();
                self.mistaken = true;
                self.phase = Phase::Over;
                true
            }
            Wants::Become(app) => {
                let confidence = self.layers.last().map_or(0.5, Layer::confidence);
                self.begin(Match { app, rule: "handover", confidence }, datagrams);
                self.again = true;
                matches!(self.phase, Phase::Over)
            }
            Wants::Detect => {
                self.protocol().map(Protocol::on_end);
                let full = self.layers.len() >= LAYERS_MAX;
                self.phase =
                    if full { Phase::Over } else { Phase::Detecting(Detecting::default()) };
                self.again = true;
                full
            }
        }
    }

    fn on_datagram(&mut self, direction: Direction, bytes: &[u8], sent_len: u32) {
        if bytes.is_empty() {
            return;
        }
        self.datagram_bytes[direction.index()] += bytes.len() as u64;
        let datagram = Datagram { direction, ts: self.ts, bytes, sent_len };
        // Every turn but the last has found one more layer, or knows that there is none.
        for _ in 0..=2 * LAYERS_MAX {
            match &mut self.phase {
                Phase::Over => return,
                Phase::Detecting(state) => match judge_datagram(state, &datagram, self.ports) {
                    Verdict::More => return,
                    Verdict::No => self.phase = Phase::Over,
                    Verdict::Yes(found) => self.begin(found, true),
                },
                Phase::Reading => {
                    let Some(protocol) = self.protocol() else { return };
                    let wants = protocol.on_datagram(datagram);
                    self.follow(wants, true);
                    if !std::mem::take(&mut self.again) {
                        return;
                    }
                }
            }
        }
    }

    fn waiting_bytes(&self) -> usize {
        let last = self.layers.last().and_then(|layer| layer.protocol.as_ref());
        last.map_or(0, |protocol| protocol.dissector().waiting_bytes())
    }

    fn drop_waiting(&mut self) {
        if let Some(protocol) = self.protocol() {
            protocol.on_end();
            protocol.drop_waiting();
        }
        self.phase = Phase::Over;
    }

    fn end(&mut self) {
        if matches!(self.phase, Phase::Reading) {
            self.protocol().map(Protocol::on_end);
        }
        self.phase = Phase::Over;
    }
}

/// What all detectors and signatures say of a connection's first bytes.
fn judge_stream(sides: &Sides<'_>) -> Verdict {
    let mut jury = Jury::default();
    Protocol::judge_stream(sides, |verdict| jury.hear(verdict));
    signatures::judge_stream(sides, |verdict| jury.hear(verdict));
    jury.verdict(sides.last)
}

/// What all detectors and signatures say of one of a flow's first datagrams.
fn judge_datagram(state: &mut Detecting, datagram: &Datagram<'_>, ports: [u16; 2]) -> Verdict {
    let number = state.datagrams;
    state.datagrams += 1;
    let last = state.datagrams >= DETECT_DATAGRAMS_MAX;
    let &Datagram { direction, bytes, sent_len, .. } = datagram;
    let before = std::mem::replace(&mut state.before[direction.index()], Head::of(bytes));
    let opening = Opening { direction, bytes, sent_len, before: before.get(), ports, number };
    let mut jury = Jury::default();
    Protocol::judge_datagram(&opening, |verdict| jury.hear(verdict));
    signatures::judge_datagram(&opening, |verdict| jury.hear(verdict));
    jury.verdict(last)
}
