//! A checked configuration, flattened: one weighted choice over the leaves of all patterns, one over the sources, one
//! over the destinations, and a clock.

use std::net::IpAddr;

use rheos_core::units::BitRate;
use rheos_core::{Seed, Timestamp, WideRecord};

use super::alias::{self, Alias};
use super::attack::{AttackPlan, Settled};
use super::clock::{Clock, Gap};
use super::config::{FlowConfig, Rate, Sizes, Subnets, Timing};
use super::draw;
use super::error::{FlowError, FlowProblem};
use super::lanes::Lanes;
use super::pattern::Pattern;
use super::real::{RealPlan, Realism, Service, Sessions};
use super::routes::Routes;
use super::row::Row;
use super::subnet::{Hosts, Subnet};

/// Slots of the leaves' table: at least as many as two vector registers hold.
pub(super) const LEAF_BITS: u32 = 5;
/// Slots of the subnets' tables: at least as many as one vector register holds.
pub(super) const SUBNET_BITS: u32 = 4;

/// What is going to be made. The same plan makes the same records everywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowPlan {
    patterns: Vec<(Pattern, f64)>,
    services: Vec<(Service, f64)>,
    pub(super) key: u64,
    pub(super) stream_id: u32,
    pub(super) reversed: Reversed,
    pub(super) leaf_choice: Alias,
    pub(super) leaves: Vec<Leaf>,
    pub(super) sources: Side,
    pub(super) destinations: Side,
    pub(super) clock: Clock,
    /// The tables as vector registers hold them, if they fit.
    pub(super) lanes: Option<Box<Lanes>>,
    /// Models of a real network, if any are wanted.
    pub(super) real: Option<Box<RealPlan>>,
    /// Moments and places of records, where they are not the clock's alone.
    pub(super) row: Option<Box<Row>>,
    /// What routers know of addresses, if it is told.
    pub(super) routes: Option<Box<Routes>>,
    /// Attacks, in order of their labels.
    attacks: Vec<Settled>,
    gap: Gap,
    /// Twice the mean length, in units of 2^-32 bytes.
    mean_twice: u128,
    streams: u32,
    count_all: Option<u64>,
    count: u64,
    hash: u64,
}

/// One protocol, range of ports and range of sizes of one pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) port: u16,
    pub(super) protocol: u8,
    pub(super) pattern: u8,
    pub(super) port_count: u32,
    pub(super) size: u32,
    pub(super) size_count: u32,
}

/// A record runs against its pattern's direction if there may be such and its half word is at most this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reversed {
    pub(super) possible: bool,
    pub(super) at_most: u32,
}

/// Where one end of the records lies.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Side {
    pub(super) choice: Alias,
    /// Of IPv4 subnets, else zeros; one for each slot of the choice.
    pub(super) hosts: Vec<Hosts>,
    pub(super) subnets: Vec<Subnet>,
    /// Of both versions, one for each subnet.
    pub(super) ends: Vec<End>,
    /// The same, as blocks of records take them.
    pub(super) nets: Vec<Net>,
    /// The choice among the subnets of IPv6 only, and of IPv4 only, for the end that must match the other.
    pub(super) of_version: [Option<Alias>; 2],
    /// The share of IPv6.
    pub(super) ipv6: f64,
}

/// The hosts of a subnet of either version, as wide records have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) ipv6: bool,
    /// The first host of IPv4, mapped to IPv6; the subnet of IPv6.
    pub(super) base: u128,
    /// Number of hosts of IPv4.
    pub(super) count: u32,
    /// Host bits of IPv6.
    pub(super) mask: u128,
}

impl End {
    fn new(subnet: Subnet) -> Self {
        let shift = u32::from(subnet.prefix_length());
        match (subnet.address(), subnet.hosts_v4()) {
            (IpAddr::V6(base), _) => Self {
                ipv6: true,
                base: base.to_bits(),
                count: 0,
                mask: u128::MAX.checked_shr(shift).unwrap_or(0),
            },
            (IpAddr::V4(_), hosts) => {
                let Hosts { first, count } = hosts.unwrap_or_default();
                let base = u128::from_be_bytes(WideRecord::mapped(first));
                Self { ipv6: false, base, count, mask: 0 }
            }
        }
    }
}

/// A subnet of either version in halves of 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Net {
    pub(super) high: u64,
    pub(super) low: u64,
    /// Host bits of IPv6, high and low; of IPv4 none.
    pub(super) mask: [u64; 2],
    /// Number of hosts of IPv4, and how far the first is from the network's address.
    pub(super) count: u32,
    pub(super) first: u32,
    /// Whether the first address is that of routers (IPv6).
    pub(super) has_router: bool,
    pub(super) ipv6: bool,
}

impl Net {
    fn new(subnet: Subnet) -> Self {
        let End { ipv6, base, count, mask } = End::new(subnet);
        let first = u32::from(!ipv6 && subnet.prefix_length() < 31);
        let halves = |bits: u128| [(bits >> 64) as u64, bits as u64];
        let [high, low] = halves(base - u128::from(first));
        Self { high, low, mask: halves(mask), count, first, has_router: mask > 1, ipv6 }
    }
}

impl Side {
    fn new(side: &Subnets) -> Self {
        let weights = side.weights();
        let choice = Alias::new(&alias::shares(&weights), SUBNET_BITS);
        let mut hosts: Vec<Hosts> =
            side.subnets.iter().map(|s| s.hosts_v4().unwrap_or_default()).collect();
        hosts.resize(choice.slots().len(), Hosts::default());
        let only = |ipv6: bool| {
            let pick = |(s, &w): (&Subnet, &f64)| if s.is_ipv6() == ipv6 { w } else { 0.0 };
            let weights: Vec<f64> = side.subnets.iter().zip(&weights).map(pick).collect();
            let any = weights.iter().any(|&w| w > 0.0);
            any.then(|| Alias::new(&alias::shares(&weights), SUBNET_BITS))
        };
        Self {
            choice,
            hosts,
            ends: side.subnets.iter().map(|&subnet| End::new(subnet)).collect(),
            nets: side.subnets.iter().map(|&subnet| Net::new(subnet)).collect(),
            subnets: side.subnets.clone(),
            of_version: [only(false), only(true)],
            ipv6: weights
                .iter()
                .zip(&side.subnets)
                .filter(|(_, s)| s.is_ipv6())
                .map(|p| p.0)
                .sum::<f64>()
                / weights.iter().sum::<f64>().max(f64::MIN_POSITIVE),
        }
    }

    fn has_ipv6(&self) -> bool {
        self.of_version[1].is_some()
    }
}

impl FlowPlan {
    /// From a configuration that has been checked.
    pub(super) fn new(config: &FlowConfig) -> Self {
        Self::with_means(config, |_| None)
    }

    /// The same, with the mean bytes of a leaf's flows where they are more than one packet: the clock goes by them.
    pub(super) fn with_means(config: &FlowConfig, bytes_of: impl Fn(&Leaf) -> Option<f64>) -> Self {
        let (leaves, shares) = flatten(config);
        let leaf_choice = Alias::new(&shares, LEAF_BITS);
        let leaves = padded(leaves, &leaf_choice);
        let real = RealPlan::new(config, &leaves).map(Box::new);
        let both = |[client, server]: [f64; 2]| client + config.reversed_share * (server - client);
        let modelled = |index: usize, leaf: &Leaf| {
            let mean = real.as_ref().and_then(|real| real.mean_bytes(index));
            mean.map(both).or_else(|| bytes_of(leaf))
        };
        let sources = Side::new(&config.sources);
        let real_ref = real.as_ref();
        let of_record =
            real_ref.and_then(|r| r.mean_record_bytes(config, (&leaves, &shares), sources.ipv6));
        let mean_twice = match of_record {
            Some(mean) => (2.0 * mean * 4_294_967_296.0) as u128,
            None => modelled_mean_twice(modelled, &leaves, &shares),
        };
        let gap = gap(config.rate, mean_twice);
        let clock = Clock::new(config.start, gap, 0, 1);
        let last = (config.reversed_share * 4_294_967_296.0) as u64;
        let key = draw::key(config.seed, config.stream_id);
        let attacks = settled(config);
        let labelled = |(label, attack): (u8, &Settled)| AttackPlan::new(attack, label, key);
        let row = Row::new(config, gap, key, (1..).zip(&attacks).map(labelled).collect());
        let mut plan = Self {
            patterns: config.patterns.clone(),
            services: config.services.clone(),
            key,
            stream_id: config.stream_id,
            reversed: Reversed {
                possible: last > 0,
                at_most: u32::try_from(last.saturating_sub(1)).unwrap_or(u32::MAX),
            },
            leaves,
            leaf_choice,
            sources,
            destinations: Side::new(&config.destinations),
            clock,
            lanes: None,
            real,
            row: row.map(Box::new),
            routes: Routes::new(&config.routes).map(Box::new),
            attacks,
            gap,
            mean_twice,
            streams: 1,
            count_all: None,
            count: 0,
            hash: 0,
        };
        plan.limit(config);
        plan.lanes = Lanes::new(&plan).map(Box::new);
        plan.hash = plan.fingerprint(config);
        plan
    }

    /// Works out how many records the limits allow.
    fn limit(&mut self, config: &FlowConfig) {
        let mut ends = vec![Timestamp::MAX];
        ends.extend(config.duration.map(|d| config.start + d));
        ends.extend(config.end);
        let end = ends.into_iter().min().unwrap_or(Timestamp::MAX);
        self.count = config.max_flows.unwrap_or(u64::MAX).min(self.index_at(end));
        let is_limited =
            config.max_flows.is_some() || config.duration.is_some() || config.end.is_some();
        self.count_all = is_limited.then_some(self.count);
    }

    /// Stream `stream` of `streams`: together they have the moments, the bandwidth and the number of records of this
    /// plan, each with its own randomness and with `stream` added to the stream id.
    pub fn stream(&self, stream: u32, streams: u32) -> Result<Self, FlowError> {
        if stream >= streams || self.streams != 1 {
            return Err(FlowError::new("", FlowProblem::Stream { stream, streams }));
        }
        let mut plan = self.clone();
        if streams == 1 {
            return Ok(plan);
        }
        plan.streams = streams;
        plan.stream_id = self.stream_id.wrapping_add(stream);
        plan.key = Seed(self.key).child(u64::from(stream)).0;
        plan.clock = Clock::new(self.start(), self.gap, stream, streams);
        // The first stream has the attacks.
        let attacked = self.row.as_ref().map_or(0, |row| row.attacked_within(self, self.count));
        let background = (self.count - attacked).checked_sub(u64::from(stream));
        plan.count = background.map_or(0, |rest| rest.div_ceil(u64::from(streams)));
        if stream == 0 {
            plan.count += attacked;
        } else if let Some(row) = &mut plan.row {
            row.forget_attacks();
        }
        plan.count_all = self.count_all.map(|_| plan.count);
        plan.hash = Seed(self.hash).child(u64::from(stream)).child(u64::from(streams)).0;
        Ok(plan)
    }

    /// How many records the limits allow; `None` without limits.
    pub const fn count(&self) -> Option<u64> {
        self.count_all
    }

    /// How many records there can be at all: the limits, or what 64-bit time has room for.
    pub const fn bound(&self) -> u64 {
        self.count
    }

    /// The moment of the first record.
    pub const fn start(&self) -> Timestamp {
        self.clock.start()
    }

    /// The moment of record `index`.
    pub fn moment(&self, index: u64) -> Timestamp {
        Timestamp::from_nanos(match &self.row {
            Some(row) => row.moment(self, index),
            None => self.clock.at(index).nanos,
        })
    }

    /// How many records come before a moment; where only the gaps are random, so many as at even ones.
    pub fn index_at(&self, moment: Timestamp) -> u64 {
        match &self.row {
            Some(row) => row.count_before(self, moment),
            None => self.clock.count_before(moment),
        }
    }

    /// The mean length in bytes that the records really have.
    pub fn mean_size(&self) -> f64 {
        self.mean_twice as f64 / 2.0 / 4_294_967_296.0
    }

    /// Records of the background per second of simulated time, of this stream: the mean, where the rate changes.
    pub fn flows_per_second(&self) -> f64 {
        1e9 / (self.gap.as_nanos_f64() * f64::from(self.streams))
    }

    /// The services in order of the records' `pattern`, which goes on where that of the patterns ends.
    pub fn services(&self) -> &[(Service, f64)] {
        &self.services
    }

    /// The patterns in order of the records' `pattern`, with their percentages as configured.
    pub fn patterns(&self) -> &[(Pattern, f64)] {
        &self.patterns
    }

    /// The name of a record's `label`; `background` for 0.
    pub fn label_name(&self, label: u8) -> &str {
        let attack = usize::from(label).checked_sub(1).and_then(|at| self.attacks.get(at));
        attack.map_or("background", |attack| &attack.name)
    }

    /// The names of all labels, the background's first.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        std::iter::once("background").chain(self.attacks.iter().map(|a| a.name.as_str()))
    }

    pub(super) fn settled_attacks(&self) -> &[Settled] {
        &self.attacks
    }

    /// Whether records are those of one packet and IPv4 that [`FlowRecord`](rheos_core::FlowRecord) holds.
    pub fn is_narrow(&self) -> bool {
        !self.has_ipv6() && self.row.is_none() && self.routes.is_none()
    }

    /// Whether some records have IPv6 addresses, which only wide records hold.
    pub fn has_ipv6(&self) -> bool {
        self.sources.has_ipv6()
    }

    /// What all records depend on, in 64 bits; limits do not count. Checkpoints carry it.
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    fn fingerprint(&self, config: &FlowConfig) -> u64 {
        let mut hash = Seed(self.key).named("plan 1");
        let mut add = |value: u64| hash = hash.child(value);
        add(u64::from(self.stream_id));
        add(u64::from(self.reversed.possible) << 32 | u64::from(self.reversed.at_most));
        for slot in self.leaf_choice.slots() {
            add(u64::from(slot.threshold) << 32 | u64::from(slot.alias));
        }
        for leaf in &self.leaves {
            let kinds = [leaf.port.into(), u32::from(leaf.protocol) << 8 | u32::from(leaf.pattern)];
            for part in kinds.into_iter().chain([leaf.port_count, leaf.size, leaf.size_count]) {
                add(part.into());
            }
        }
        for side in [&self.sources, &self.destinations] {
            for slot in side.choice.slots() {
                add(u64::from(slot.threshold) << 32 | u64::from(slot.alias));
            }
            for subnet in &side.subnets {
                let (first, _) = subnet.bounds();
                add((first >> 64) as u64);
                add(first as u64);
                add(subnet.prefix_length().into());
            }
        }
        let realism = config.realism;
        if realism != Realism::default() {
            add(1 + realism.sizes as u64);
            add(1 + realism.arrivals as u64);
            add(realism.host_exponent.map_or(0, f64::to_bits));
        }
        if config.timing != Timing::default() {
            add(config.timing.fingerprint());
        }
        if !config.services.is_empty() {
            hash = hash.named(&format!("{:?}", config.services));
        }
        if config.sessions != Sessions::default() {
            hash = hash.named(&format!("{:?}", config.sessions));
        }
        if !config.routes.is_empty() {
            hash = hash.named(&format!("{:?}", config.routes));
        }
        let mut add = |value: u64| hash = hash.child(value);
        for attack in &self.attacks {
            add(attack.fingerprint());
        }
        add(config.start.as_nanos());
        for part in [self.clock.step, self.clock.step_rest, self.clock.denominator] {
            add(part);
        }
        hash.0
    }
}

/// The attacks with everything told, as far as they have been let through.
fn settled(config: &FlowConfig) -> Vec<Settled> {
    let attacks = (1..).zip(&config.attacks);
    attacks.filter_map(|(number, attack)| attack.settle(number, config).ok()).collect()
}

/// One leaf for each slot of the choice, so that an index of the choice is one of the leaves.
fn padded(mut leaves: Vec<Leaf>, choice: &Alias) -> Vec<Leaf> {
    leaves.resize(choice.slots().len(), Leaf::default());
    leaves
}

/// The leaves of all patterns, sizes within the limits and of the wanted mean, and their shares of 2^32.
fn flatten(config: &FlowConfig) -> (Vec<Leaf>, Vec<u64>) {
    let Sizes { min, max, average } = config.sizes;
    let mut leaves = Vec::new();
    let mut weights = Vec::new();
    for (pattern, &(kind, percentage)) in config.patterns.iter().enumerate() {
        for branch in kind.branches() {
            let (least, most) = (branch.sizes.0.clamp(min, max), branch.sizes.1.clamp(min, max));
            leaves.push(Leaf {
                port: branch.ports.0,
                protocol: branch.protocol,
                // At most 256 patterns have been let through.
                pattern: pattern as u8,
                port_count: u32::from(branch.ports.1 - branch.ports.0) + 1,
                size: least,
                size_count: most - least + 1,
            });
            weights.push(percentage * branch.share);
        }
    }
    let services = (config.patterns.len()..).zip(&config.services);
    for (pattern, (service, percentage)) in services {
        let ports = service.leaves();
        for &(from, to) in &ports {
            leaves.push(Leaf {
                port: from,
                protocol: service.protocol,
                // At most 256 patterns and services have been let through.
                pattern: pattern as u8,
                port_count: u32::from(to - from) + 1,
                size: 0,
                size_count: 0,
            });
            weights.push(percentage / ports.len() as f64);
        }
    }
    let shares = alias::shares(&weights);
    if let Some(average) = average {
        meet_average(&mut leaves, &shares, config.sizes, average);
    }
    (leaves, shares)
}

/// Twice the mean length in units of 2^-32 bytes: exact.
fn mean_twice(leaves: &[Leaf], shares: &[u64]) -> u128 {
    let twice = |l: &Leaf| 2 * u128::from(l.size) + u128::from(l.size_count) - 1;
    leaves.iter().zip(shares).map(|(leaf, &share)| twice(leaf) * u128::from(share)).sum()
}

/// The same where a model says how many bytes flows have.
fn modelled_mean_twice(
    bytes_of: impl Fn(usize, &Leaf) -> Option<f64>,
    leaves: &[Leaf],
    shares: &[u64],
) -> u128 {
    const FRACTION: f64 = 1_048_576.0;
    let sum = |(index, (leaf, &share)): (usize, (&Leaf, &u64))| {
        // Exact: twice a length of 31 bits, with 20 bits behind the point.
        let own = || f64::from(leaf.size) + f64::from(leaf.size_count.max(1) - 1) / 2.0;
        let mean = bytes_of(index, leaf).unwrap_or_else(own);
        (2.0 * mean * FRACTION) as u128 * u128::from(share)
    };
    leaves.iter().zip(shares).enumerate().map(sum).sum::<u128>() >> 20
}

/// Moves both ends of every leaf's sizes by the same part of their way to `min` or `max`, so that the mean of all is
/// `average`. What rounding to bytes leaves is then made up byte by byte where it fits best.
fn meet_average(leaves: &mut [Leaf], shares: &[u64], sizes: Sizes, average: u32) {
    let wanted = u128::from(average) << 33;
    let natural = mean_twice(leaves, shares);
    let limit = if wanted > natural { sizes.max } else { sizes.min };
    let way = (u128::from(limit) << 33) as f64 - natural as f64;
    if way == 0.0 {
        return;
    }
    let part = ((wanted as f64 - natural as f64) / way).clamp(0.0, 1.0);
    for leaf in leaves.iter_mut() {
        let moved = |size: u32| {
            let size = f64::from(size);
            (size + part * (f64::from(limit) - size)).round() as u32
        };
        let (least, most) = (moved(leaf.size), moved(leaf.size + leaf.size_count - 1));
        leaf.size = least;
        leaf.size_count = most - least + 1;
    }
    let mut order: Vec<usize> = (0..leaves.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(shares[i]));
    for i in order {
        let off = wanted as f64 - mean_twice(leaves, shares) as f64;
        if shares[i] == 0 {
            break;
        }
        // One byte more at the upper end makes twice the mean larger by the share.
        let bytes = (off / shares[i] as f64).round();
        let leaf = &mut leaves[i];
        let most = f64::from(leaf.size + leaf.size_count - 1);
        let most = (most + bytes).clamp(f64::from(leaf.size), f64::from(sizes.max));
        leaf.size_count = most as u32 - leaf.size + 1;
    }
}

/// The gap between records that the rate asks for.
fn gap(rate: Rate, mean_twice: u128) -> Gap {
    match rate {
        // Nanoseconds for the bits of a mean record: (twice / 2^33) * 8e9 / (bits per second).
        Rate::Bandwidth(BitRate(bits)) => {
            Gap::new(mean_twice * 8_000_000_000, (1 << 33) * u128::from(bits.max(1)))
        }
        Rate::Flows(flows) => Gap::new(1_000_000_000_000_000, u128::from(flows.micros.max(1))),
    }
}

#[cfg(test)]
mod tests;
