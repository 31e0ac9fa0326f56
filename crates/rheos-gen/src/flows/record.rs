//! One record at a time: what a plan makes of an index. The vector kernels make the same bytes.

#![expect(clippy::inline_always, reason = "a record is made of ten calls of a few instructions")]

use rheos_core::{FlowRecord, RecordFlags};

use super::clock::Moment;
use super::draw;
use super::plan::{FlowPlan, Leaf, Side};

/// Ephemeral ports begin here (IANA's dynamic range): 14 random bits follow.
pub(super) const EPHEMERAL: u32 = 49_152;

/// What one record is made of, before it is laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    pub(super) leaf: Leaf,
    pub(super) size: u32,
    /// The client's port.
    pub(super) ephemeral: u32,
    /// The server's port.
    pub(super) port: u32,
    pub(super) reversed: bool,
}

/// Everything but the addresses. Words: 0 leaf and size, 2 direction and ports.
#[inline(always)]
pub(super) fn draw(plan: &FlowPlan, state: u64) -> Draw {
    let (leaf_half, size_half) = draw::word(state, 0);
    let (direction_half, port_half) = draw::word(state, 2);
    let leaf = plan.leaf_choice.pick(leaf_half) as usize;
    let leaf = plan.leaves.get(leaf).copied().unwrap_or_default();
    Draw {
        leaf,
        size: leaf.size.wrapping_add(draw::below(size_half, leaf.size_count)),
        ephemeral: EPHEMERAL + (port_half >> 18),
        // The 18 bits that the other port leaves.
        port: u32::from(leaf.port) + draw::below(port_half << 14, leaf.port_count),
        reversed: plan.reversed.possible && direction_half <= plan.reversed.at_most,
    }
}

#[inline(always)]
fn address(side: &Side, choice_half: u32, host_half: u32) -> u32 {
    let hosts = side.hosts.get(side.choice.pick(choice_half) as usize).copied().unwrap_or_default();
    hosts.first.wrapping_add(draw::below(host_half, hosts.count))
}

/// Record `index` of an IPv4 plan. Words: 1 hosts, 3 subnets.
#[inline(always)]
pub(super) fn record(plan: &FlowPlan, index: u64, timestamp: u64) -> FlowRecord {
    let state = draw::state(plan.key, index);
    let drawn = draw(plan, state);
    let (source_host, destination_host) = draw::word(state, 1);
    let (source_subnet, destination_subnet) = draw::word(state, 3);
    let client = address(&plan.sources, source_subnet, source_host);
    let server = address(&plan.destinations, destination_subnet, destination_host);
    // All ones where the ends change places: no branch on a coin's fall.
    let mask = 0_u32.wrapping_sub(drawn.reversed.into());
    let addresses = (client ^ server) & mask;
    let ports = (drawn.ephemeral ^ drawn.port) & mask;
    FlowRecord {
        timestamp,
        source_ip: client ^ addresses,
        destination_ip: server ^ addresses,
        source_port: (drawn.ephemeral ^ ports) as u16,
        destination_port: (drawn.port ^ ports) as u16,
        packet_length: drawn.size,
        protocol: drawn.leaf.protocol,
        flags: RecordFlags::REVERSED & mask as u8,
        pattern: drawn.leaf.pattern,
        tcp_flags: 0,
        stream_id: plan.stream_id,
    }
}

/// Fills `out` with the records from `index` on; `moment` is that of `index`. Returns the moment after the last.
pub(super) fn fill(
    plan: &FlowPlan,
    index: u64,
    mut moment: Moment,
    out: &mut [FlowRecord],
) -> Moment {
    for (slot, i) in out.iter_mut().zip(index..) {
        *slot = record(plan, i, moment.nanos);
        moment = plan.clock.advance(moment);
    }
    moment
}
