//! The flow table.

use std::fmt;

use hashbrown::HashTable;
use rheos_core::{Direction, FlowKey, Nanos, Timestamp};
use rheos_wire::Packet;

use crate::lifetime::{Lifetime, TCP, initiator_of, is_request};
use crate::recency::{Class, Recency};
use crate::slab::Slab;
use crate::tracker::Tracker;
use crate::{
    Arrival, ConnState, DirectionTotals, EndReason, Flow, FlowHead, FlowState, History,
    InitiatorEvidence, Keyed,
};

/// Under the idle timeout.
const OPEN: Class = 0;
/// Under the linger of closed connections.
const CLOSED: Class = 1;

/// How packets become flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowConfig {
    /// A flow without a packet for longer than this has ended.
    pub idle_timeout: Nanos,
    /// A flow that lasts this long is cut; zero: never.
    pub active_timeout: Nanos,
    /// How long a closed TCP flow waits for its tail packets.
    pub tcp_linger: Nanos,
    /// How much later than its timeout a flow is ended by the time of *other* flows' packets: as long as the
    /// capture is out of order by no more than this, no flow's content depends on other flows.
    pub reorder_slack: Nanos,
    /// Most flows held at once, between 1 and 2^32 - 1; at the limit the least recently seen one is ended.
    pub flows_max: usize,
    /// VLAN ids are part of the key.
    pub key_vlan: bool,
    /// The tunnel id is part of the key.
    pub key_tunnel: bool,
    /// Seed of the table's hash; live tables take a random one.
    pub hash_seed: u64,
}

impl Default for FlowConfig {
    fn default() -> Self {
        Self {
            idle_timeout: Nanos::from_secs(60),
            active_timeout: Nanos::from_secs(1800),
            tcp_linger: Nanos::from_secs(5),
            reorder_slack: Nanos::from_secs(1),
            flows_max: 1_000_000,
            key_vlan: true,
            key_tunnel: true,
            hash_seed: 0,
        }
    }
}

/// What happened in the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableCounters {
    /// Packets taken in.
    pub packets: u64,
    /// Packets whose time lies before that of a packet seen earlier.
    pub reordered: u64,
    /// Flows begun.
    pub created: u64,
    /// Flows ended, by [`crate::EndReason`] as index.
    pub ended: [u64; 8],
    /// Most flows held at once.
    pub live_max: u64,
}

impl TableCounters {
    /// Flows ended for `reason`.
    pub fn ended_by(&self, reason: EndReason) -> u64 {
        self.ended[reason as usize]
    }

    /// Adds another table's counts; `live_max` becomes the sum, an upper bound.
    pub fn merge(&mut self, other: &Self) {
        self.packets += other.packets;
        self.reordered += other.reordered;
        self.created += other.created;
        self.live_max += other.live_max;
        for (mine, theirs) in self.ended.iter_mut().zip(other.ended) {
            *mine += theirs;
        }
    }
}

/// One flow and what only the table needs to know of it.
struct Slot<S> {
    flow: Flow<S>,
    /// The time of the packet that came last, per direction; means nothing before the direction's first.
    previous: [Timestamp; 2],
    /// The direction that spoke last.
    last_direction: Direction,
    /// The initiator is the key's upper endpoint.
    upper_initiates: bool,
    life: Lifetime,
    tracker: Tracker,
}

/// Bidirectional flows by key.
///
/// Time is packet time. A flow is split where the gap since its own latest packet exceeds the timeout, so what
/// a flow holds depends on its own packets only; when it is handed to `ended` depends on the table's clock,
/// the latest packet time seen. The clock never runs back.
///
/// Several tables that share a stream by [`Keyed::shard`] hold the same flows as one table would, if each gets
/// the clock of the whole stream: [`Self::advance_to`] the latest time up to and including a packet, before the
/// packet. (Only `flows_max` counts per table.)
pub struct FlowTable<S: FlowState> {
    /// What happened so far.
    pub counters: TableCounters,
    config: FlowConfig,
    state_config: S::Config,
    index: HashTable<u32>,
    slots: Slab<Slot<S>>,
    free: Vec<u32>,
    recency: Recency,
    clock: Timestamp,
}

impl<S: FlowState> FlowTable<S> {
    /// An empty table.
    pub fn new(config: FlowConfig, state_config: S::Config) -> Self {
        let late = |timeout: Nanos| Nanos(timeout.0.saturating_add(config.reorder_slack.0));
        Self {
            counters: TableCounters::default(),
            recency: Recency::new([late(config.idle_timeout), late(config.tcp_linger)]),
            index: HashTable::new(),
            slots: Slab::new(),
            free: Vec::new(),
            clock: Timestamp::ZERO,
            config,
            state_config,
        }
    }

    /// How packets become flows here.
    pub fn config(&self) -> &FlowConfig {
        &self.config
    }

    /// What all flows' states share here.
    pub fn state_config(&self) -> &S::Config {
        &self.state_config
    }

    /// The latest time seen.
    pub fn clock(&self) -> Timestamp {
        self.clock
    }

    /// Takes in one packet; flows that its time or content ends go to `ended`, oldest first.
    #[inline]
    pub fn on_packet(&mut self, packet: &Packet, bytes: &[u8], ended: &mut impl FnMut(&Flow<S>)) {
        let keyed = Keyed::of(packet, &self.config);
        self.on_packet_hashed(packet, bytes, &keyed, ended);
    }

    /// As [`Self::on_packet`], for callers that know the packet's place already, under this table's config.
    pub fn on_packet_hashed(
        &mut self,
        packet: &Packet,
        bytes: &[u8],
        keyed: &Keyed,
        ended: &mut impl FnMut(&Flow<S>),
    ) {
        self.counters.packets += 1;
        self.counters.reordered += u64::from(packet.ts < self.clock);
        self.advance_to(packet.ts, ended);
        let found = self.index.find(keyed.hash, |&slot| {
            self.recency.link(slot).hash == keyed.hash && self.slots[slot].has_key(&keyed.key)
        });
        let index = match found {
            Some(&index) => {
                self.cut_if_over(index, packet, keyed.direction, ended);
                index
            }
            None => self.open(packet, keyed, ended),
        };
        let slot = &mut self.slots[index];
        slot.take_in(&self.state_config, packet, bytes, keyed.direction);
        let class = match slot.life.closed() {
            EndReason::None => OPEN,
            _ => CLOSED,
        };
        self.recency.touch(index, class, self.clock);
    }

    /// Sets the clock to `now`, unless it is later already, and ends what has timed out by then.
    #[inline]
    pub fn advance_to(&mut self, now: Timestamp, ended: &mut impl FnMut(&Flow<S>)) {
        if now > self.clock {
            self.clock = now;
            if self.recency.may_be_overdue(now) {
                self.expire(ended);
            }
        }
    }

    /// Ends all flows, by first packet.
    pub fn finish(&mut self, ended: &mut impl FnMut(&Flow<S>)) {
        for (_, place) in self.by_first_packet() {
            self.end_of_input(place, ended);
        }
        self.clear();
    }

    /// The flows held now in order of their first packet, as (number of its frame, place of the flow): for callers
    /// who end the flows of several tables in one order by [`Self::end_of_input`].
    pub fn by_first_packet(&self) -> Vec<(u64, u32)> {
        let live = self.recency.iter();
        let mut live: Vec<_> =
            live.map(|place| (self.slots[place].flow.head.first_index, place)).collect();
        live.sort_unstable();
        live
    }

    /// Ends the flow in this place because there is no more input. Afterwards the table can only be asked for its
    /// other flows, ended by this, and [cleared](Self::clear).
    ///
    /// # Panics
    /// If the place is none that [`Self::by_first_packet`] told.
    pub fn end_of_input(&mut self, place: u32, ended: &mut impl FnMut(&Flow<S>)) {
        let slot = &self.slots[place];
        let quiet = self.clock.since(slot.flow.head.last);
        let reason = match slot.life.closed() {
            EndReason::None if quiet > self.config.idle_timeout => EndReason::Idle,
            EndReason::None => EndReason::EndOfInput,
            closed => closed,
        };
        self.end(place, reason, ended);
    }

    /// Forgets all flows.
    pub fn clear(&mut self) {
        self.index.clear();
        self.recency.clear();
        self.slots.clear();
        self.free.clear();
    }

    /// Flows held now.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether no flow is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The flows held now, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = &Flow<S>> {
        self.recency.iter().map(|slot| &self.slots[slot].flow)
    }

    #[cold]
    fn expire(&mut self, ended: &mut impl FnMut(&Flow<S>)) {
        while let Some(index) = self.recency.overdue(self.clock) {
            let reason = match self.slots[index].life.closed() {
                EndReason::None => EndReason::Idle,
                closed => closed,
            };
            self.end(index, reason, ended);
            self.release(index);
        }
    }

    /// Ends the flow in `index` if `packet` is not part of it, and begins the next one in its place.
    #[inline]
    fn cut_if_over(
        &mut self,
        index: u32,
        packet: &Packet,
        along_key: Direction,
        ended: &mut impl FnMut(&Flow<S>),
    ) {
        let slot = &self.slots[index];
        let reason = slot.over_at(&self.config, packet, along_key);
        if reason == EndReason::None {
            return;
        }
        let kept = (slot.flow.head.initiator, slot.upper_initiates, slot.life);
        self.end(index, reason, ended);
        self.counters.created += 1;
        let slot = &mut self.slots[index];
        let key = slot.flow.head.key();
        if reason == EndReason::Active {
            slot.flow.state.go_on(&self.state_config);
        } else {
            slot.flow.state.reset(&self.state_config);
        }
        slot.begin(packet, &Keyed { key, direction: along_key, hash: 0 });
        if reason == EndReason::Active {
            slot.go_on(kept);
        }
    }

    /// Begins a flow whose key is not in the table.
    fn open(&mut self, packet: &Packet, keyed: &Keyed, ended: &mut impl FnMut(&Flow<S>)) -> u32 {
        if self.len() >= self.config.flows_max.clamp(1, u32::MAX as usize)
            && let Some(oldest) = self.recency.oldest()
        {
            self.end(oldest, EndReason::Evicted, ended);
            self.release(oldest);
        }
        let index = if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index];
            slot.flow.state.reset(&self.state_config);
            index
        } else {
            self.slots.push(Slot::new(packet, keyed, S::new(&self.state_config)))
        };
        self.slots[index].begin(packet, keyed);
        self.recency.insert(index, keyed.hash, OPEN, self.clock);
        let recency = &self.recency;
        self.index.insert_unique(keyed.hash, index, |&slot| recency.link(slot).hash);
        self.counters.created += 1;
        self.counters.live_max = self.counters.live_max.max(self.len() as u64);
        index
    }

    fn end(&mut self, index: u32, reason: EndReason, ended: &mut impl FnMut(&Flow<S>)) {
        let slot = &mut self.slots[index];
        slot.flow.head.end = reason;
        self.counters.ended[reason as usize] += 1;
        let Flow { head, state } = &mut slot.flow;
        state.on_end(&self.state_config, head);
        ended(&slot.flow);
        // What the active timeout cuts goes on, and keeps what it likes.
        if reason != EndReason::Active {
            slot.flow.state.release(&self.state_config);
        }
    }

    /// Makes an ended flow's slot free for another key.
    fn release(&mut self, index: u32) {
        let hash = self.recency.link(index).hash;
        if let Ok(entry) = self.index.find_entry(hash, |&slot| slot == index) {
            entry.remove();
        }
        self.recency.remove(index);
        self.free.push(index);
    }
}

/// The head of a flow whose first packet is `packet`, which is not counted yet, as if its sender were the initiator.
fn head_of(packet: &Packet, key: &FlowKey) -> FlowHead {
    FlowHead {
        tuple: packet.tuple,
        initiator: InitiatorEvidence::FirstPacket,
        first: packet.ts,
        last: packet.ts,
        first_index: packet.index,
        last_index: packet.index,
        totals: [DirectionTotals::default(); 2],
        vlan: packet.vlan,
        vlan_count: packet.vlan_count,
        key_vlan: key.vlan,
        key_tunnel: key.tunnel,
        tunnel: packet.tunnel.map(Box::new),
        layers: packet.layers,
        history: History::default(),
        conn: ConnState::default(),
        end: EndReason::None,
    }
}

impl<S: FlowState> Slot<S> {
    fn new(packet: &Packet, keyed: &Keyed, state: S) -> Self {
        Self {
            flow: Flow { head: head_of(packet, &keyed.key), state },
            previous: [Timestamp::ZERO; 2],
            last_direction: Direction::Forward,
            upper_initiates: false,
            life: Lifetime::default(),
            tracker: Tracker::default(),
        }
    }

    /// Makes the head that of a flow whose first packet is `packet`, which is not counted yet.
    fn begin(&mut self, packet: &Packet, keyed: &Keyed) {
        let (initiator, sent) = initiator_of(packet);
        self.upper_initiates = sent != keyed.direction;
        self.life = Lifetime::default();
        self.flow.head = FlowHead {
            tuple: if sent == Direction::Forward { packet.tuple } else { packet.tuple.reversed() },
            initiator,
            ..head_of(packet, &keyed.key)
        };
        self.tracker.begin(&mut self.flow.head);
    }

    /// A flow cut by the active timeout goes on with the same initiator, whoever sends next, and the same
    /// connection.
    fn go_on(&mut self, (initiator, upper, life): (InitiatorEvidence, bool, Lifetime)) {
        let key = self.flow.head.key().tuple;
        self.life = life;
        self.flow.head.initiator = initiator;
        self.upper_initiates = upper;
        self.flow.head.tuple = if upper { key.reversed() } else { key };
    }

    /// Why the flow is over when `packet` comes, `None` if it is part of it.
    #[inline]
    fn over_at(&self, config: &FlowConfig, packet: &Packet, along_key: Direction) -> EndReason {
        let head = &self.flow.head;
        let gap = packet.ts.since(head.last);
        let closed = self.life.closed();
        if closed != EndReason::None {
            if gap > config.tcp_linger {
                return closed;
            }
        } else if gap > config.idle_timeout {
            return EndReason::Idle;
        }
        if packet.tuple.protocol == TCP
            && self.life.is_taken_over_by(self.direction(along_key), &packet.tcp)
        {
            return if closed == EndReason::None { EndReason::Forced } else { closed };
        }
        if config.active_timeout != Nanos::ZERO
            && packet.ts.since(head.first) >= config.active_timeout
        {
            return EndReason::Active;
        }
        EndReason::None
    }

    /// Whether this is the flow of `key`.
    #[inline]
    fn has_key(&self, key: &FlowKey) -> bool {
        let head = &self.flow.head;
        let tuple = if self.upper_initiates { key.tuple.reversed() } else { key.tuple };
        head.tuple == tuple && head.key_vlan == key.vlan && head.key_tunnel == key.tunnel
    }

    #[inline]
    fn direction(&self, along_key: Direction) -> Direction {
        if self.upper_initiates { along_key.reversed() } else { along_key }
    }

    #[inline]
    fn take_in(&mut self, config: &S::Config, packet: &Packet, bytes: &[u8], along_key: Direction) {
        let direction = self.direction(along_key);
        let head = &mut self.flow.head;
        let since = |before: Direction| {
            let came = head.totals[before.index()].packets > 0;
            came.then(|| packet.ts.since(self.previous[before.index()]))
        };
        let arrival = Arrival {
            direction,
            gap: since(self.last_direction),
            gap_same_direction: since(direction),
        };
        self.previous[direction.index()] = packet.ts;
        self.last_direction = direction;
        head.first = head.first.min(packet.ts);
        head.last = head.last.max(packet.ts);
        head.last_index = packet.index;
        let totals = &mut head.totals[direction.index()];
        totals.packets += 1;
        totals.ip_bytes += u64::from(packet.ip_len);
        totals.payload_bytes += u64::from(packet.payload_len);
        if packet.tuple.protocol == TCP {
            self.life.on_segment(direction, &packet.tcp, packet.payload_len);
            if direction == Direction::Forward && is_request(packet) {
                head.initiator = InitiatorEvidence::Request;
            }
        }
        self.tracker.on_packet(head, direction, packet);
        self.flow.state.on_packet(config, head, &arrival, packet, bytes);
    }
}

impl<S: FlowState> fmt::Debug for FlowTable<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowTable")
            .field("live", &self.len())
            .field("clock", &self.clock)
            .field("counters", &self.counters)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recency::Link;

    #[test]
    fn a_flow_without_state_costs_less_than_half_a_kilobyte() {
        // The slot, its links, and its place in the index at the lowest load.
        let bytes = size_of::<Slot<()>>() + size_of::<Link>() + 2 * (size_of::<u32>() + 1);
        assert!(bytes <= 512, "{bytes} bytes");
    }
}
