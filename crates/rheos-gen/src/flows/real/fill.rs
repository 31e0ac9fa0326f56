//! Records of a block: one for each flow.

#![expect(clippy::inline_always, reason = "loops over a chunk become vectors only as a whole")]

use fearless_simd::{Level, dispatch};
use rheos_core::{RecordFlags, WideRecord};

use super::chunk::{Chunk, Column, LANES, spans};
use super::{
    ACTIVE_TIMEOUT, ACTIVE_TIMEOUT_NS, COMPLETE, END_OF_FLOW, IDLE_TIMEOUT, REFUSED, RealPlan, TCP,
    UNANSWERED,
};
use crate::flows::plan::FlowPlan;
use crate::flows::row::{BLOCK, Moments};

/// Fills `out` with the records of a block from its record `from` on.
pub(super) fn fill(
    level: Level,
    (plan, real): (&FlowPlan, &RealPlan),
    block: u64,
    moments: &Moments,
    from: usize,
    out: &mut [WideRecord],
) {
    dispatch!(level, _simd => parts((plan, real), block, moments, from, out));
}

#[inline(always)]
fn parts(
    (plan, real): (&FlowPlan, &RealPlan),
    block: u64,
    moments: &Moments,
    from: usize,
    out: &mut [WideRecord],
) {
    let mut chunk = Chunk::EMPTY;
    let first = block.wrapping_mul(BLOCK as u64).wrapping_add(from as u64);
    let moments = moments.get(from..).unwrap_or_default().chunks(LANES);
    for ((part, moments), out) in (0_u64..).zip(moments).zip(out.chunks_mut(LANES)) {
        chunk.draw(plan, real, first.wrapping_add(part * LANES as u64));
        rows(plan, real, &chunk, moments, out);
    }
}

/// Lays the flows of a chunk down as records.
#[inline(always)]
fn rows(plan: &FlowPlan, real: &RealPlan, chunk: &Chunk, moments: &[u64], out: &mut [WideRecord]) {
    let mut span: Column<u64> = [0; LANES];
    if real.shapes.any() {
        spans(&chunk.gap, &chunk.packets, &chunk.shape, &mut span);
    }
    for (k, (record, &first)) in out.iter_mut().zip(moments).enumerate().take(LANES) {
        let shape = chunk.shape[k];
        let (packets, span) = (chunk.packets[k], span[k].min(ACTIVE_TIMEOUT_NS));
        let (tcp, sized) = (shape.protocol == TCP, !shape.plain);
        let flags = match packets {
            1 => UNANSWERED,
            2 => REFUSED,
            _ => COMPLETE,
        };
        let natural = if tcp { END_OF_FLOW } else { IDLE_TIMEOUT };
        let reason = if span == ACTIVE_TIMEOUT_NS { ACTIVE_TIMEOUT } else { natural };
        let back = chunk.back[k];
        let [client, server] =
            [chunk.client.each_ref(), chunk.server.each_ref()].map(|a| a.map(|c| c[k]));
        let other = [(client[0] ^ server[0]) & back, (client[1] ^ server[1]) & back];
        let (client_port, server_port) = (chunk.ephemeral[k] as u16, chunk.port[k] as u16);
        let ports = (client_port ^ server_port) & back as u16;
        *record = WideRecord {
            first,
            last: first.saturating_add(span),
            bytes: chunk.bytes[k],
            packets,
            flow_id: 0,
            source_ip: octets([client[0] ^ other[0], client[1] ^ other[1]]),
            destination_ip: octets([server[0] ^ other[0], server[1] ^ other[1]]),
            stream_id: plan.stream_id,
            input_interface: 0,
            output_interface: 0,
            source_port: client_port ^ ports,
            destination_port: server_port ^ ports,
            protocol: shape.protocol,
            tcp_flags: if tcp & sized { flags } else { 0 },
            tos: shape.tos,
            flags: (back as u8 & RecordFlags::REVERSED) | (chunk.ipv6[k] as u8 * RecordFlags::IPV6),
            pattern: shape.pattern,
            label: 0,
            end_reason: if sized { reason } else { 0 },
            source_prefix: 0,
            source_as: 0,
        };
    }
}

/// An address in network order.
#[inline(always)]
pub(super) fn octets([high, low]: [u64; 2]) -> [u8; 16] {
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}
