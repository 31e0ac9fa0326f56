//! What is known of hosts from flows that have ended: one pass, bounded memory.
//!
//! [`Hosts`] takes in one [`FlowEdge`] after the other and tells after each what it knows of both ends. Everything is
//! exact while it fits [`HostLimits`]:
//! * Hosts: beyond the limit the host whose last flow was added least recently is forgotten; should it come back, it
//!   is counted from nothing. [`HostCounters::hosts_evicted`] counts those.
//! * Pairs of hosts, pairs with a port, and hosts with a port: beyond the limit of each, a new one has no count of its
//!   own (its flows are told as unknown), and what it adds to a host's distinct peers or ports is estimated by a
//!   HyperLogLog sketch of 2^[`SKETCH_LG_K`] registers (relative standard error 2.6 %, of the part beyond the limit
//!   only). [`HostCounters::pairs_beyond`] counts such flows.

mod starts;
mod tally;

use std::collections::HashMap;

use rheos_core::{Addr, IpVersion, Timestamp};

use crate::flow::FlowHead;
use crate::recency::Recency;

use starts::Starts;
use tally::{Distinct, Tally};

/// Base-2 logarithm of the number of registers of a sketch of what lies beyond the limit.
pub const SKETCH_LG_K: u8 = 10;

/// Whether a protocol has ports: TCP, UDP, SCTP, UDP-Lite.
const fn has_ports(protocol: u8) -> bool {
    matches!(protocol, 6 | 17 | 132 | 136)
}

/// One ended flow as hosts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowEdge {
    /// Address of the initiator.
    pub initiator: Addr,
    /// Address of the responder.
    pub responder: Addr,
    /// Version of both.
    pub version: IpVersion,
    /// Ports of initiator and responder; nothing in protocols without ports.
    pub ports: Option<[u16; 2]>,
    /// Packets of both directions.
    pub packets: u64,
    /// Bytes of both directions, from the IP header on.
    pub bytes: u64,
    /// Time of the earliest packet.
    pub first: Timestamp,
    /// Time of the latest packet.
    pub last: Timestamp,
}

impl From<&FlowHead> for FlowEdge {
    fn from(head: &FlowHead) -> Self {
        let tuple = &head.tuple;
        Self {
            initiator: tuple.src,
            responder: tuple.dst,
            version: tuple.version,
            ports: has_ports(tuple.protocol).then_some([tuple.src_port, tuple.dst_port]),
            packets: head.packets(),
            bytes: head.totals[0].ip_bytes + head.totals[1].ip_bytes,
            first: head.first,
            last: head.last,
        }
    }
}

/// How much is kept of hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostLimits {
    /// Hosts at most, at least 2.
    pub hosts_max: usize,
    /// Pairs of hosts at most; as many pairs with a responder's port, and initiators with a responder's port.
    pub pairs_max: usize,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self { hosts_max: 1_000_000, pairs_max: 2_000_000 }
    }
}

/// What happened at the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostCounters {
    /// Flows that were added.
    pub flows: u64,
    /// Hosts that were forgotten to make room for others.
    pub hosts_evicted: u64,
    /// Flows whose pair of hosts, pair with port, or initiator with port found no room: one count for each.
    pub pairs_beyond: u64,
}

/// What is known of a host in one role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoleFacts {
    /// Its flows.
    pub flows: u64,
    /// Packets of these, both directions.
    pub packets: u64,
    /// Bytes of these, both directions.
    pub bytes: u64,
    /// Distinct hosts at the other end.
    pub peers: u64,
}

/// What is known of a host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostFacts {
    /// As initiator.
    pub initiated: RoleFacts,
    /// As responder.
    pub received: RoleFacts,
    /// Distinct responder ports of the flows that it initiated.
    pub ports: u64,
    /// Time of the earliest packet of its flows.
    pub first: Timestamp,
    /// Time of the latest packet of its flows.
    pub last: Timestamp,
    /// Population standard deviation of the start times of its flows in seconds, in whatever role; nothing with one
    /// flow.
    pub start_spread: Option<f64>,
    /// Most flows in a row that start at most one second after the one before, in whatever role.
    pub longest_run: u64,
}

/// What is known of a flow's ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Of the initiator.
    pub initiator: HostFacts,
    /// Of the responder.
    pub responder: HostFacts,
    /// Flows with the same initiator and responder; nothing if the pair lies beyond the limit.
    pub pair_flows: Option<u64>,
    /// Those with the same responder's port too; nothing if the flow has no ports, or beyond the limit.
    pub port_flows: Option<u64>,
}

/// A host's slot, and which of its successive owners is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct HostId {
    slot: u32,
    turn: u32,
}

#[derive(Debug, Default)]
struct Role {
    flows: u64,
    packets: u64,
    bytes: u64,
    peers: Distinct,
}

impl Role {
    fn add(&mut self, flow: &FlowEdge) {
        self.flows += 1;
        self.packets += flow.packets;
        self.bytes += flow.bytes;
    }

    fn facts(&self) -> RoleFacts {
        let Self { flows, packets, bytes, ref peers } = *self;
        RoleFacts { flows, packets, bytes, peers: peers.count() }
    }
}

#[derive(Debug)]
struct Host {
    name: (Addr, IpVersion),
    turn: u32,
    initiated: Role,
    received: Role,
    ports: Distinct,
    first: Timestamp,
    last: Timestamp,
    starts: Starts,
}

impl Host {
    fn new(name: (Addr, IpVersion), turn: u32) -> Self {
        Self {
            name,
            turn,
            initiated: Role::default(),
            received: Role::default(),
            ports: Distinct::default(),
            first: Timestamp::MAX,
            last: Timestamp::ZERO,
            starts: Starts::default(),
        }
    }

    fn take_part(&mut self, flow: &FlowEdge) {
        self.first = self.first.min(flow.first);
        self.last = self.last.max(flow.last);
        self.starts.add(flow.first);
    }

    fn facts(&self) -> HostFacts {
        HostFacts {
            initiated: self.initiated.facts(),
            received: self.received.facts(),
            ports: self.ports.count(),
            first: self.first,
            last: self.last,
            start_spread: self.starts.spread(),
            longest_run: self.starts.longest_run(),
        }
    }
}

/// The hosts of all flows that were added.
#[derive(Debug)]
pub struct Hosts {
    limits: HostLimits,
    slots: Vec<Host>,
    by_name: HashMap<(Addr, IpVersion), u32>,
    recency: Recency,
    pairs: Tally<(HostId, HostId)>,
    port_pairs: Tally<(HostId, HostId, u16)>,
    ports: Tally<(HostId, u16)>,
    /// Hosts that were forgotten since what is kept of their pairs was thrown away.
    stale: usize,
    counters: HostCounters,
}

impl Hosts {
    /// No hosts.
    pub fn new(limits: HostLimits) -> Self {
        let hosts_max = limits.hosts_max.clamp(2, u32::MAX as usize - 1);
        let limits = HostLimits { hosts_max, ..limits };
        Self {
            limits,
            slots: Vec::new(),
            by_name: HashMap::new(),
            recency: Recency::new(Default::default()),
            pairs: Tally::new(limits.pairs_max),
            port_pairs: Tally::new(limits.pairs_max),
            ports: Tally::new(limits.pairs_max),
            stale: 0,
            counters: HostCounters::default(),
        }
    }

    /// What happened at the limits.
    pub fn counters(&self) -> HostCounters {
        self.counters
    }

    /// How many hosts are known.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether no flow was added.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Entries of all tables: what memory is proportional to.
    pub fn entries(&self) -> usize {
        self.len() + self.pairs.len() + self.port_pairs.len() + self.ports.len()
    }

    /// Adds a flow; tells what is known of its ends with it.
    pub fn add(&mut self, flow: &FlowEdge) -> Standing {
        self.counters.flows += 1;
        let from = self.host((flow.initiator, flow.version));
        let to = self.host((flow.responder, flow.version));
        self.forget_stale_pairs();
        let pair_flows = self.count_pair(flow, from, to);
        let port_flows = flow.ports.and_then(|[_, port]| self.count_port(from, to, port));
        let host = &mut self.slots[from.slot as usize];
        host.initiated.add(flow);
        host.take_part(flow);
        let host = &mut self.slots[to.slot as usize];
        host.received.add(flow);
        if from != to {
            host.take_part(flow);
        }
        self.standing(from, to, pair_flows, port_flows)
    }

    /// What is known of the ends of a flow that was added; nothing if one of them was forgotten.
    pub fn of(&self, flow: &FlowEdge) -> Option<Standing> {
        let id = |addr| {
            let slot = *self.by_name.get(&(addr, flow.version))?;
            Some(HostId { slot, turn: self.slots[slot as usize].turn })
        };
        let (from, to) = (id(flow.initiator)?, id(flow.responder)?);
        let pair_flows = self.pairs.get(&(from, to));
        let port_flows = flow.ports.and_then(|[_, port]| self.port_pairs.get(&(from, to, port)));
        Some(self.standing(from, to, pair_flows, port_flows))
    }

    fn standing(
        &self,
        from: HostId,
        to: HostId,
        pair_flows: Option<u64>,
        port_flows: Option<u64>,
    ) -> Standing {
        let initiator = self.slots[from.slot as usize].facts();
        let responder = if from == to { initiator } else { self.slots[to.slot as usize].facts() };
        Standing { initiator, responder, pair_flows, port_flows }
    }

    fn count_pair(&mut self, flow: &FlowEdge, from: HostId, to: HostId) -> Option<u64> {
        let flows = self.pairs.add((from, to));
        let (Some(0..=1) | None) = flows else { return flows };
        let beyond = flows.is_none();
        self.counters.pairs_beyond += u64::from(beyond);
        self.slots[from.slot as usize].initiated.peers.add(beyond, &flow.responder.0);
        self.slots[to.slot as usize].received.peers.add(beyond, &flow.initiator.0);
        flows
    }

    fn count_port(&mut self, from: HostId, to: HostId, port: u16) -> Option<u64> {
        let with_port = self.ports.add((from, port));
        if with_port.is_none_or(|flows| flows == 1) {
            let beyond = with_port.is_none();
            self.counters.pairs_beyond += u64::from(beyond);
            self.slots[from.slot as usize].ports.add(beyond, &port);
        }
        let flows = self.port_pairs.add((from, to, port));
        self.counters.pairs_beyond += u64::from(flows.is_none());
        flows
    }

    /// The host of this name, now the one seen last; a new one if it is not known.
    fn host(&mut self, name: (Addr, IpVersion)) -> HostId {
        if let Some(&slot) = self.by_name.get(&name) {
            self.recency.touch(slot, 0, Timestamp::ZERO);
            return HostId { slot, turn: self.slots[slot as usize].turn };
        }
        let (slot, turn) = match self.recency.oldest() {
            Some(slot) if self.by_name.len() >= self.limits.hosts_max => (slot, self.evict(slot)),
            _ => (self.slots.len() as u32, 0),
        };
        let host = Host::new(name, turn);
        match self.slots.get_mut(slot as usize) {
            Some(place) => *place = host,
            None => self.slots.push(host),
        }
        self.by_name.insert(name, slot);
        self.recency.insert(slot, 0, 0, Timestamp::ZERO);
        HostId { slot, turn }
    }

    /// Forgets a host; the turn of the next in its slot.
    #[cold]
    fn evict(&mut self, slot: u32) -> u32 {
        let host = &self.slots[slot as usize];
        self.by_name.remove(&host.name);
        self.recency.remove(slot);
        self.counters.hosts_evicted += 1;
        self.stale += 1;
        host.turn.wrapping_add(1)
    }

    /// Throws away what is kept of the pairs of forgotten hosts, where room is wanted and enough were forgotten that
    /// it costs little per host.
    fn forget_stale_pairs(&mut self) {
        let full = self.pairs.is_full() || self.port_pairs.is_full() || self.ports.is_full();
        if !full || self.stale <= self.limits.hosts_max / 8 {
            return;
        }
        self.stale = 0;
        let slots = &self.slots;
        let live = |id: &HostId| slots[id.slot as usize].turn == id.turn;
        self.pairs.retain(|(from, to)| live(from) && live(to));
        self.port_pairs.retain(|(from, to, _)| live(from) && live(to));
        self.ports.retain(|(from, _)| live(from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flow from 10.0.0.`from` to 10.0.0.`to`, `ms` after the start.
    fn flow(from: u8, to: u8, port: u16, ms: u64) -> FlowEdge {
        let at = Timestamp::from_nanos(1_000_000_000_000 + ms * 1_000_000);
        FlowEdge {
            initiator: Addr::v4([10, 0, 0, from]),
            responder: Addr::v4([10, 0, 0, to]),
            version: IpVersion::V4,
            ports: Some([40_000, port]),
            packets: 3,
            bytes: 100,
            first: at,
            last: at,
        }
    }

    #[test]
    fn a_flow_is_told_what_ended_before_it_and_nothing_of_what_comes() {
        let mut hosts = Hosts::new(HostLimits::default());
        let one = hosts.add(&flow(1, 2, 80, 0));
        assert_eq!(
            one.initiator.initiated,
            RoleFacts { flows: 1, packets: 3, bytes: 100, peers: 1 }
        );
        assert_eq!(one.initiator.received, RoleFacts::default());
        assert_eq!((one.pair_flows, one.port_flows, one.initiator.ports), (Some(1), Some(1), 1));
        hosts.add(&flow(1, 3, 80, 10));
        hosts.add(&flow(1, 2, 443, 20));
        let four = hosts.add(&flow(1, 2, 80, 30));
        assert_eq!(
            four.initiator.initiated,
            RoleFacts { flows: 4, packets: 12, bytes: 400, peers: 2 }
        );
        assert_eq!(
            four.responder.received,
            RoleFacts { flows: 3, packets: 9, bytes: 300, peers: 1 }
        );
        assert_eq!((four.pair_flows, four.port_flows, four.initiator.ports), (Some(3), Some(2), 2));
        let back = hosts.add(&flow(2, 1, 80, 40));
        assert_eq!(back.initiator.initiated.peers, 1);
        assert_eq!(
            back.responder.received,
            RoleFacts { flows: 1, packets: 3, bytes: 100, peers: 1 }
        );
        assert_eq!(back.pair_flows, Some(1), "the other way is another pair");
        assert_eq!(hosts.of(&flow(1, 2, 80, 0)).unwrap().pair_flows, Some(3));
        assert_eq!(hosts.of(&flow(1, 9, 80, 0)), None);
    }

    #[test]
    fn a_host_that_speaks_to_itself_takes_part_once() {
        let mut hosts = Hosts::new(HostLimits::default());
        hosts.add(&flow(1, 1, 80, 0));
        let own = hosts.add(&flow(1, 1, 80, 500));
        assert_eq!(own.initiator, own.responder);
        assert_eq!((own.initiator.initiated.peers, own.initiator.received.peers), (1, 1));
        assert_eq!(own.initiator.longest_run, 2);
        assert_eq!(own.initiator.start_spread, Some(0.25));
    }

    #[test]
    fn protocols_without_ports_have_no_port() {
        let mut hosts = Hosts::new(HostLimits::default());
        let ping = hosts.add(&FlowEdge { ports: None, ..flow(1, 2, 0, 0) });
        assert_eq!((ping.pair_flows, ping.port_flows, ping.initiator.ports), (Some(1), None, 0));
    }

    #[test]
    fn the_same_bytes_in_another_version_are_another_host() {
        let mut hosts = Hosts::new(HostLimits::default());
        hosts.add(&flow(1, 2, 80, 0));
        let v6 = hosts.add(&FlowEdge { version: IpVersion::V6, ..flow(1, 2, 80, 0) });
        assert_eq!(v6.initiator.initiated.flows, 1);
        assert_eq!(hosts.len(), 4);
    }

    #[test]
    fn a_full_table_forgets_the_host_seen_least_recently() {
        let mut hosts = Hosts::new(HostLimits { hosts_max: 3, pairs_max: 100 });
        hosts.add(&flow(1, 2, 80, 0));
        hosts.add(&flow(1, 3, 80, 0));
        // Host 2 goes: 1 spoke after it.
        hosts.add(&flow(1, 4, 80, 0));
        assert_eq!((hosts.len(), hosts.counters().hosts_evicted), (3, 1));
        assert_eq!(hosts.of(&flow(1, 2, 80, 0)), None);
        let back = hosts.add(&flow(1, 2, 80, 0));
        assert_eq!(back.responder.received.flows, 1, "counted from nothing");
        assert_eq!(back.pair_flows, Some(1));
        assert_eq!(back.initiator.initiated.flows, 4);
    }

    #[test]
    fn beyond_the_limit_pairs_are_unknown_and_distinct_peers_estimated() {
        let mut hosts = Hosts::new(HostLimits { hosts_max: 1_000, pairs_max: 50 });
        let mut last = None;
        for to in 1..=250 {
            last = Some(hosts.add(&flow(0, to, u16::from(to), 0)));
            hosts.add(&flow(0, to, u16::from(to), 0));
        }
        let last = last.unwrap();
        assert_eq!((last.pair_flows, last.port_flows), (None, None));
        assert_eq!(hosts.of(&flow(0, 50, 50, 0)).unwrap().pair_flows, Some(2), "came in time");
        let peers = last.initiator.initiated.peers as f64;
        assert!((peers - 250.0).abs() < 0.05 * 250.0, "{peers} of 250 peers");
        let ports = last.initiator.ports as f64;
        assert!((ports - 250.0).abs() < 0.05 * 250.0, "{ports} of 250 ports");
        assert_eq!(hosts.counters().pairs_beyond, 3 * 2 * 200);
        assert_eq!(last.initiator.initiated.flows, 499, "totals stay exact");
    }

    #[test]
    fn memory_stays_flat_over_many_hosts() {
        let mut hosts = Hosts::new(HostLimits { hosts_max: 100, pairs_max: 200 });
        let mut entries = 0;
        for number in 0..50_000_u32 {
            let [_, _, high, low] = number.to_be_bytes();
            let mut scan = flow(1, 0, low.into(), u64::from(number) * 2000);
            scan.responder = Addr::v4([172, 16, high, low]);
            let standing = hosts.add(&scan);
            assert!(standing.initiator.initiated.peers > 0);
            entries = entries.max(hosts.entries());
        }
        assert!(entries <= 100 + 3 * 200, "{entries} entries");
        assert_eq!(hosts.slots.len(), 100);
        // Room is made again and again: the last pair is known.
        let mut last = flow(1, 0, 7, 0);
        last.responder = Addr::v4([172, 31, 0, 1]);
        let before = hosts.counters().pairs_beyond;
        let known = (0..400_u16).filter(|&i| {
            last.responder = Addr::v4([172, 31, (i >> 8) as u8, i as u8]);
            hosts.add(&last).pair_flows.is_some()
        });
        assert!(known.count() > 300, "{} beyond", hosts.counters().pairs_beyond - before);
    }
}
