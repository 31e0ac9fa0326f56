//! Records of a block: one for each flow.

#![expect(clippy::inline_always, reason = "loops over a chunk become vectors only as a whole")]

use fearless_simd::{Level, dispatch};
use rheos_core::{RecordFlags, WideRecord};

use super::chunk::{Chunk, Column, LANES, spans};
use super::layout::{self, Words};
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
    let (mut chunk, mut ends) = (Chunk::EMPTY, Ends::EMPTY);
    let first = block.wrapping_mul(BLOCK as u64).wrapping_add(from as u64);
    let moments = moments.get(from..).unwrap_or_default().chunks(LANES);
    let rows = bytemuck::cast_slice_mut::<WideRecord, Words>(out).chunks_mut(LANES);
    for ((part, moments), rows) in (0_u64..).zip(moments).zip(rows) {
        chunk.draw(plan, real, first.wrapping_add(part * LANES as u64));
        if plan.reversed.possible {
            turn(&mut chunk);
        }
        ends.of(real, &chunk);
        let stream = u64::from(plan.stream_id) << layout::STREAM_ID;
        write(&chunk, &ends, stream, moments, rows);
    }
}

/// What the records of a chunk have beyond the columns of flows.
#[derive(Clone, Debug)]
struct Ends {
    span: Column<u64>,
    /// The last two words.
    ports: Column<u64>,
    rest: Column<u64>,
}

/// The ends of flows that run from server to client change places.
#[inline(always)]
fn turn(chunk: &mut Chunk) {
    for k in 0..LANES {
        let back = chunk.back[k];
        for half in 0..2 {
            let other = (chunk.client[half][k] ^ chunk.server[half][k]) & back;
            chunk.client[half][k] ^= other;
            chunk.server[half][k] ^= other;
        }
        let other = (chunk.ephemeral[k] ^ chunk.port[k]) & back as u32;
        chunk.ephemeral[k] ^= other;
        chunk.port[k] ^= other;
    }
}

impl Ends {
    const EMPTY: Self = Self { span: [0; LANES], ports: [0; LANES], rest: [0; LANES] };

    #[inline(always)]
    fn of(&mut self, real: &RealPlan, chunk: &Chunk) {
        if real.shapes.any() {
            spans(&chunk.gap, &chunk.counts.packets, &chunk.traits, &mut self.span);
        }
        for k in 0..LANES {
            let traits = chunk.traits[k];
            let tcp = traits.protocol() == TCP;
            let flags = match chunk.counts.packets[k] {
                1 => UNANSWERED,
                2 => REFUSED,
                _ => COMPLETE,
            };
            let natural = if tcp { END_OF_FLOW } else { IDLE_TIMEOUT };
            let is_cut = self.span[k] >= ACTIVE_TIMEOUT_NS;
            self.span[k] = if is_cut { ACTIVE_TIMEOUT_NS } else { self.span[k] };
            let reason = if is_cut { ACTIVE_TIMEOUT } else { natural };
            // Where no model tells sizes, none tells these.
            let flags = if tcp & !traits.plain() { flags } else { 0 };
            let reason = if traits.plain() { 0 } else { reason };
            let reversed = chunk.back[k] as u8 & RecordFlags::REVERSED;
            let record_flags = reversed | (chunk.ipv6[k] as u8 * RecordFlags::IPV6);
            self.ports[k] = traits.protocol_and_tos()
                | u64::from(chunk.ephemeral[k]) << layout::SOURCE_PORT
                | u64::from(chunk.port[k]) << layout::DESTINATION_PORT
                | u64::from(flags) << layout::TCP_FLAGS
                | u64::from(record_flags) << layout::FLAGS;
            self.rest[k] = u64::from(traits.pattern()) << layout::PATTERN
                | u64::from(reason) << layout::END_REASON;
        }
    }
}

/// Lays the flows of a chunk down as records. A function of its own, as scatters of vectors would be slower.
#[inline(never)]
fn write(chunk: &Chunk, ends: &Ends, stream: u64, moments: &[u64], rows: &mut [Words]) {
    for (k, (row, &first)) in rows.iter_mut().zip(moments).enumerate().take(LANES) {
        *row = [
            first,
            first.saturating_add(ends.span[k]),
            chunk.counts.bytes[k],
            chunk.counts.packets[k],
            0,
            chunk.client[0][k].to_be(),
            chunk.client[1][k].to_be(),
            chunk.server[0][k].to_be(),
            chunk.server[1][k].to_be(),
            stream,
            ends.ports[k],
            ends.rest[k],
        ];
    }
}

/// An address in network order.
#[inline(always)]
pub(super) fn octets([high, low]: [u64; 2]) -> [u8; 16] {
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}
