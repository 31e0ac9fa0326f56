//! One record after the other for small plans: like `record`, with tables that need no bounds checks and ends that
//! change places by a rotation.

#![expect(clippy::inline_always, reason = "a record is made of ten calls of a few instructions")]

use std::hint::select_unpredictable;

use rheos_core::{FlowRecord, RecordFlags};

use super::clock::Moment;
use super::draw;
use super::lanes::{LEAVES, Lanes, SUBNETS, SideLanes};
use super::plan::{FlowPlan, LEAF_BITS, Reversed, SUBNET_BITS};
use super::record::EPHEMERAL;

#[inline(always)]
fn address(side: &SideLanes, choice: u32, host: u32) -> u32 {
    let slot = (choice >> (32 - SUBNET_BITS)) as usize;
    let own = choice << SUBNET_BITS < side.threshold[slot];
    let subnet = select_unpredictable(own, slot, side.alias[slot] as usize) % SUBNETS;
    side.first[subnet].wrapping_add(draw::below(host, side.count[subnet]))
}

#[inline(always)]
fn record(lanes: &Lanes, reversed: Reversed, state: u64, timestamp: u64) -> FlowRecord {
    let (choice, over) = draw::word(state, 0);
    let slot = (choice >> (32 - LEAF_BITS)) as usize;
    let own = choice << LEAF_BITS < lanes.threshold[slot];
    let leaf = select_unpredictable(own, slot, lanes.alias[slot] as usize) % LEAVES;

    let (client_host, server_host) = draw::word(state, 1);
    let (client_net, server_net) = draw::word(state, 3);
    let client = address(&lanes.sources, client_net, client_host);
    let server = address(&lanes.destinations, server_net, server_host);

    let (direction, port) = draw::word(state, 2);
    let (range, ephemeral) = (lanes.ports[leaf], EPHEMERAL + (port >> 18));
    let port = range.wrapping_add(draw::below(port << 14, range >> 16));
    let back = u32::from(direction <= reversed.at_most) & u32::from(reversed.possible);
    let ends = (u64::from(server) << 32 | u64::from(client)).rotate_left(back * 32);
    // The number of ports, above the first, is shifted out.
    let ports = (port << 16 | ephemeral).rotate_left(back * 16);
    let meta = lanes.meta[leaf];
    FlowRecord {
        timestamp,
        source_ip: ends as u32,
        destination_ip: (ends >> 32) as u32,
        source_port: ports as u16,
        destination_port: (ports >> 16) as u16,
        packet_length: lanes.size[leaf].wrapping_add(draw::below(over, lanes.size_count[leaf])),
        protocol: meta as u8,
        flags: back as u8 * RecordFlags::REVERSED,
        pattern: (meta >> 16) as u8,
        tcp_flags: 0,
        stream_id: 0,
    }
}

/// Fills `out` with the records from `index` on; `moment` is that of `index`. Returns the moment after the last.
pub(super) fn fill(
    plan: &FlowPlan,
    lanes: &Lanes,
    index: u64,
    mut moment: Moment,
    out: &mut [FlowRecord],
) -> Moment {
    let (clock, reversed, stream_id) = (plan.clock, plan.reversed, plan.stream_id);
    let mut counter = draw::counter(plan.key, index);
    for slot in out {
        let made = record(lanes, reversed, draw::state_of(counter), moment.nanos);
        *slot = FlowRecord { stream_id, ..made };
        counter = counter.wrapping_add(draw::STEP);
        moment = clock.advance(moment);
    }
    moment
}
