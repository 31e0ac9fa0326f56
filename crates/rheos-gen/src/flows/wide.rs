//! Records of both IP versions, in the wide layout.

use std::hint::select_unpredictable;

use rheos_core::{RecordFlags, WideRecord};

use super::clock::Moment;
use super::kernel::Kernel;
use super::plan::{End, FlowPlan, Side};
use super::row::{BLOCK, Moments};
use super::{draw, record};

/// Counters of the words that only IPv6 hosts need lie this far from all records'.
const HOST_WORDS: u64 = 1 << 63;

/// Records that routes are told at once.
const ROUTED: usize = 4 * BLOCK;

/// Fills `out` with the records from `index` on; `moment` is that of `index`. Returns the moment after the last.
pub(super) fn fill(
    kernel: Kernel,
    plan: &FlowPlan,
    index: u64,
    moment: Moment,
    out: &mut [WideRecord],
) -> Moment {
    let Some(routes) = &plan.routes else { return fill_unrouted(kernel, plan, index, moment, out) };
    let (mut index, mut moment, mut out) = (index, moment, out);
    // While they are still in the cache, and by whole blocks.
    while !out.is_empty() {
        let count = out.len().min(ROUTED - (index % ROUTED as u64) as usize);
        let (part, rest) = out.split_at_mut(count);
        moment = fill_unrouted(kernel, plan, index, moment, part);
        routes.tell(part);
        (index, out) = (index + count as u64, rest);
    }
    moment
}

fn fill_unrouted(
    kernel: Kernel,
    plan: &FlowPlan,
    index: u64,
    mut moment: Moment,
    out: &mut [WideRecord],
) -> Moment {
    if let Some(row) = &plan.row {
        row.fill(kernel, plan, index, out);
        return plan.clock.at(index.saturating_add(out.len() as u64));
    }
    let ipv6 = plan.has_ipv6();
    for (slot, i) in out.iter_mut().zip(index..) {
        *slot = if ipv6 {
            of_either_version(plan, i, moment.nanos)
        } else {
            WideRecord::from(&record::record(plan, i, moment.nanos))
        };
        moment = plan.clock.advance(moment);
    }
    moment
}

/// Fills `out` with the records of a block of the background from its record `from` on; `moments` are those of all
/// its records.
pub(super) fn fill_block(
    kernel: Kernel,
    plan: &FlowPlan,
    block: u64,
    moments: &Moments,
    from: usize,
    out: &mut [WideRecord],
) {
    if let Some(real) = &plan.real {
        return real.fill(kernel.level(), plan, block, moments, from, out);
    }
    let first = block.saturating_mul(BLOCK as u64).saturating_add(from as u64);
    let moments = moments.get(from..).unwrap_or_default();
    for ((slot, &moment), index) in out.iter_mut().zip(moments).zip(first..) {
        *slot = of_either_version(plan, index, moment);
    }
}

/// Record `index` of a plan with IPv6 subnets: the source's subnet decides about the version.
#[inline]
fn of_either_version(plan: &FlowPlan, index: u64, timestamp: u64) -> WideRecord {
    let state = draw::state(plan.key, index);
    let drawn = record::draw(plan, state);
    let (source_half, destination_half) = draw::word(state, 3);
    let (client_half, server_half) = draw::word(state, 1);
    let host_state = draw::state(plan.key ^ HOST_WORDS, index);
    let source = plan.sources.choice.pick(source_half);
    let ipv6 = plan.sources.ends[source as usize].ipv6;
    let matching = plan.destinations.of_version.get(usize::from(ipv6)).and_then(Option::as_ref);
    let destination = matching.map_or(0, |choice| choice.pick(destination_half));
    let client = host(&plan.sources, source, client_half, (host_state, 0));
    let server = host(&plan.destinations, destination, server_half, (host_state, 2));
    let (client_port, server_port) = (drawn.ephemeral as u16, drawn.port as u16);
    let back = drawn.reversed;
    // One literal, so that every field is stored once and none is read back.
    WideRecord {
        first: timestamp,
        last: timestamp,
        bytes: drawn.size.into(),
        packets: 1,
        flow_id: 0,
        source_ip: select_unpredictable(back, server, client).to_be_bytes(),
        destination_ip: select_unpredictable(back, client, server).to_be_bytes(),
        stream_id: plan.stream_id,
        input_interface: 0,
        output_interface: 0,
        source_port: select_unpredictable(back, server_port, client_port),
        destination_port: select_unpredictable(back, client_port, server_port),
        protocol: drawn.leaf.protocol,
        tcp_flags: 0,
        tos: 0,
        flags: u8::from(back) * RecordFlags::REVERSED + u8::from(ipv6) * RecordFlags::IPV6,
        pattern: drawn.leaf.pattern,
        label: 0,
        end_reason: 0,
        source_prefix: 0,
        source_as: 0,
    }
}

/// A host of the subnet that a choice has made. IPv6: all host bits random (from two words of a
/// state), but never the subnet-router anycast address (RFC 4291 §2.6.1), which is the one of all zeros, unless the
/// subnet is a single address or a /127 (RFC 6164).
#[inline]
fn host(side: &Side, choice: u32, half: u32, (state, which): (u64, usize)) -> u128 {
    // A choice is the index of a subnet.
    let End { ipv6, base, count, mask } = side.ends[choice as usize];
    let number = if ipv6 {
        let [a, b] = [draw::word(state, which), draw::word(state, which + 1)];
        let words = [a.0, a.1, b.0, b.1];
        let random = words.iter().fold(0, |all: u128, &word| all << 32 | u128::from(word));
        let bits = random & mask;
        if bits == 0 && mask > 1 { 1 } else { bits }
    } else {
        draw::below(half, count).into()
    };
    // IPv4: the last host is 255.255.255.254 at most. IPv6: the host bits of the subnet are zeros.
    base + number
}

#[cfg(test)]
mod tests;
