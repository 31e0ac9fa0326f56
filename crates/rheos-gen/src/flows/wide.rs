//! Records of both IP versions, in the wide layout.

use std::net::IpAddr;

use rheos_core::{FlowRecord, RecordFlags, WideRecord};

use super::clock::Moment;
use super::plan::{FlowPlan, Side};
use super::real::{Popularity, RealPlan};
use super::subnet::Subnet;
use super::{draw, real, record};

/// Counters of the words that only IPv6 hosts need lie this far from all records'.
const HOST_WORDS: u64 = 1 << 63;

/// Fills `out` with the records from `index` on; `moment` is that of `index`. Returns the moment after the last.
pub(super) fn fill(
    plan: &FlowPlan,
    index: u64,
    mut moment: Moment,
    out: &mut [WideRecord],
) -> Moment {
    if let Some(real) = &plan.real {
        fill_real(plan, real, index, out);
        return plan.clock.at(index.saturating_add(out.len() as u64));
    }
    let ipv6 = plan.has_ipv6();
    for (i, slot) in (index..).zip(out) {
        *slot = if ipv6 {
            of_either_version(plan, i, moment.nanos)
        } else {
            WideRecord::from(&record::record(plan, i, moment.nanos))
        };
        moment = plan.clock.advance(moment);
    }
    moment
}

/// The same with models; moments come a block at a time.
fn fill_real(plan: &FlowPlan, real: &RealPlan, index: u64, out: &mut [WideRecord]) {
    let mut moments = real.moments(plan, index);
    for (i, slot) in (index..).zip(out) {
        let of_block = (i % real::BLOCK as u64) as usize;
        if of_block == 0 && i != index {
            moments = real.moments(plan, i);
        }
        let moment = moments.as_ref().map_or_else(|| plan.clock.at(i).nanos, |m| m[of_block]);
        *slot = of_either_version(plan, i, moment);
        real.grow(plan, i, slot);
    }
}

/// Record `index` of a plan with IPv6 subnets or models: the source's subnet decides about the version.
fn of_either_version(plan: &FlowPlan, index: u64, timestamp: u64) -> WideRecord {
    let state = draw::state(plan.key, index);
    let drawn = record::draw(plan, state);
    let (source_half, destination_half) = draw::word(state, 3);
    let hosts = draw::word(state, 1);
    let host_state = draw::state(plan.key ^ HOST_WORDS, index);
    let source_choice = plan.sources.choice.pick(source_half);
    let source = subnet(&plan.sources, source_choice);
    let version = usize::from(source.is_ipv6());
    let matching = plan.destinations.of_version.get(version).and_then(Option::as_ref);
    let destination_choice = matching.map_or(0, |choice| choice.pick(destination_half));
    let destination = subnet(&plan.destinations, destination_choice);
    let popular = |side: fn(&RealPlan) -> &Option<Popularity>, choice, half| {
        let popularity = plan.real.as_deref().and_then(|real| side(real).as_ref());
        popularity.map(|p| p.host(choice, half))
    };
    let client = match popular(|real| &real.sources, source_choice, hosts.0) {
        Some(number) => numbered_host(source, number),
        None => host(source, hosts.0, host_state, 0),
    };
    let server = match popular(|real| &real.destinations, destination_choice, hosts.1) {
        Some(number) => numbered_host(destination, number),
        None => host(destination, hosts.1, host_state, 2),
    };
    let (mut ends, mut ports) = ([client, server], [drawn.ephemeral, drawn.port]);
    if drawn.reversed {
        ends.reverse();
        ports.reverse();
    }
    let mut flags = 0;
    for (set, flag) in
        [(drawn.reversed, RecordFlags::REVERSED), (source.is_ipv6(), RecordFlags::IPV6)]
    {
        flags |= u8::from(set) * flag;
    }
    let narrow = FlowRecord {
        timestamp,
        source_port: ports[0] as u16,
        destination_port: ports[1] as u16,
        packet_length: drawn.size,
        protocol: drawn.leaf.protocol,
        flags,
        pattern: drawn.leaf.pattern,
        stream_id: plan.stream_id,
        ..FlowRecord::default()
    };
    WideRecord { source_ip: ends[0], destination_ip: ends[1], ..WideRecord::from(&narrow) }
}

fn subnet(side: &Side, choice: u32) -> Subnet {
    // A checked side has subnets, and a choice is the index of one.
    side.subnets[choice as usize]
}

/// The host of this number.
fn numbered_host(subnet: Subnet, number: u64) -> [u8; 16] {
    match subnet.address() {
        IpAddr::V4(_) => {
            let hosts = subnet.hosts_v4().unwrap_or_default();
            WideRecord::mapped(hosts.first.wrapping_add(number as u32))
        }
        IpAddr::V6(base) => (base.to_bits() | u128::from(number)).to_be_bytes(),
    }
}

/// A host of a subnet. IPv6: all host bits random, but never the subnet-router anycast address (RFC 4291 §2.6.1),
/// which is the one of all zeros, unless the subnet is a single address or a /127 (RFC 6164).
fn host(subnet: Subnet, half: u32, state: u64, which: usize) -> [u8; 16] {
    match subnet.address() {
        IpAddr::V4(_) => {
            let hosts = subnet.hosts_v4().unwrap_or_default();
            WideRecord::mapped(hosts.first.wrapping_add(draw::below(half, hosts.count)))
        }
        IpAddr::V6(base) => {
            let [a, b] = [draw::word(state, which), draw::word(state, which + 1)];
            let random = u128::from(a.0) << 96
                | u128::from(a.1) << 64
                | u128::from(b.0) << 32
                | u128::from(b.1);
            let mask = u128::MAX.checked_shr(u32::from(subnet.prefix_length())).unwrap_or(0);
            let bits = random & mask;
            let bits = if bits == 0 && mask > 1 { 1 } else { bits };
            (base.to_bits() | bits).to_be_bytes()
        }
    }
}

#[cfg(test)]
mod tests;
