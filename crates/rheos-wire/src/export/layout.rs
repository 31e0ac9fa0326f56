//! Records of flows as our templates lay them out: every field at a place that is known when compiled.

use rheos_core::WideRecord;

use super::exporter::{ExportRecord, Times};
use super::netflow5::{low4, uptime};
use super::ntp;
use super::slot::Slot;

/// Bytes of a record that do not depend on the version of its addresses and the format of its times.
const FIXED: usize = 8 + 2 + 13 + 24;
/// What a biflow has more, without its times.
const REVERSE: usize = 5 + 16 + 3;

const UPTIME: u8 = 0;
const MILLIS: u8 = 1;
const MICROS: u8 = 2;
const NANOS: u8 = 3;

const fn times_len(times: Times) -> usize {
    match times {
        Times::Uptime => 8,
        Times::Millis | Times::Micros | Times::Nanos => 16,
    }
}

/// Length of a flow's record.
pub(super) const fn flow_len(v6: bool, times: Times) -> usize {
    FIXED + times_len(times) + if v6 { 32 } else { 8 }
}

/// Length of a biflow's record.
pub(super) const fn biflow_len(v6: bool, times: Times) -> usize {
    flow_len(v6, times) + REVERSE + times_len(times)
}

/// Writes one record after the other; `out` has room for all of them, and all have addresses of this version.
pub(super) fn write_flows<R: ExportRecord>(
    out: &mut [u8],
    records: &[R],
    v6: bool,
    times: Times,
    boot_ms: u64,
) {
    const V4: usize = FIXED + 8;
    const V6: usize = FIXED + 32;
    match (v6, times) {
        (false, Times::Uptime) => fill::<{ V4 + 8 }, false, UPTIME, R>(out, records, boot_ms),
        (false, Times::Millis) => fill::<{ V4 + 16 }, false, MILLIS, R>(out, records, boot_ms),
        (false, Times::Micros) => fill::<{ V4 + 16 }, false, MICROS, R>(out, records, boot_ms),
        (false, Times::Nanos) => fill::<{ V4 + 16 }, false, NANOS, R>(out, records, boot_ms),
        (true, Times::Uptime) => fill::<{ V6 + 8 }, true, UPTIME, R>(out, records, boot_ms),
        (true, Times::Millis) => fill::<{ V6 + 16 }, true, MILLIS, R>(out, records, boot_ms),
        (true, Times::Micros) => fill::<{ V6 + 16 }, true, MICROS, R>(out, records, boot_ms),
        (true, Times::Nanos) => fill::<{ V6 + 16 }, true, NANOS, R>(out, records, boot_ms),
    }
}

fn fill<const N: usize, const V6: bool, const TIME: u8, R: ExportRecord>(
    out: &mut [u8],
    records: &[R],
    boot_ms: u64,
) {
    let (slots, _) = out.as_chunks_mut::<N>();
    for (slot, record) in slots.iter_mut().zip(records) {
        let mut slot = Slot::new(slot);
        put_flow::<N, V6, TIME>(&mut slot, &record.wide(), boot_ms);
        debug_assert!(slot.is_full());
    }
}

/// Writes the biflow of a record and the one of the other direction.
pub(super) fn write_biflow(
    out: &mut [u8],
    pair: [&WideRecord; 2],
    v6: bool,
    times: Times,
    boot_ms: u64,
) {
    const V4: usize = FIXED + 8 + REVERSE + 32;
    const V6: usize = FIXED + 32 + REVERSE + 32;
    match (v6, times) {
        (_, Times::Uptime) => {} // IPFIX has no uptime, see `Exporter::new`
        (false, Times::Millis) => put_pair::<V4, false, MILLIS>(out, pair, boot_ms),
        (false, Times::Micros) => put_pair::<V4, false, MICROS>(out, pair, boot_ms),
        (false, Times::Nanos) => put_pair::<V4, false, NANOS>(out, pair, boot_ms),
        (true, Times::Millis) => put_pair::<V6, true, MILLIS>(out, pair, boot_ms),
        (true, Times::Micros) => put_pair::<V6, true, MICROS>(out, pair, boot_ms),
        (true, Times::Nanos) => put_pair::<V6, true, NANOS>(out, pair, boot_ms),
    }
}

fn put_pair<const N: usize, const V6: bool, const TIME: u8>(
    out: &mut [u8],
    [forward, back]: [&WideRecord; 2],
    boot_ms: u64,
) {
    let Some(slot) = out.first_chunk_mut::<N>() else { return };
    let mut slot = Slot::new(slot);
    put_flow::<N, V6, TIME>(&mut slot, forward, boot_ms);
    slot.put(back.source_as.to_be_bytes());
    slot.put([back.source_prefix]);
    slot.put(back.bytes.to_be_bytes());
    slot.put(back.packets.to_be_bytes());
    put_times::<N, TIME>(&mut slot, back, boot_ms);
    slot.put([back.tcp_flags, back.tos, back.end_reason]);
    debug_assert!(slot.is_full());
}

#[inline]
fn put_flow<const N: usize, const V6: bool, const TIME: u8>(
    slot: &mut Slot<'_, N>,
    r: &WideRecord,
    boot_ms: u64,
) {
    if V6 {
        slot.put(r.source_ip);
        slot.put(r.destination_ip);
    } else {
        slot.put(low4(&r.source_ip));
        slot.put(low4(&r.destination_ip));
    }
    slot.put(r.source_port.to_be_bytes());
    slot.put(r.destination_port.to_be_bytes());
    slot.put([r.protocol, r.tcp_flags, r.tos, r.end_reason]);
    // Type and code also stand where NetFlow has them, in the destination's port: collectors look here or there.
    let icmp = if r.protocol == if V6 { 58 } else { 1 } { r.destination_port } else { 0 };
    slot.put(icmp.to_be_bytes());
    slot.put(u32::from(r.input_interface).to_be_bytes());
    slot.put(u32::from(r.output_interface).to_be_bytes());
    slot.put(r.source_as.to_be_bytes());
    slot.put([r.source_prefix]);
    slot.put(r.bytes.to_be_bytes());
    slot.put(r.packets.to_be_bytes());
    slot.put(r.flow_id.to_be_bytes());
    put_times::<N, TIME>(slot, r, boot_ms);
}

#[inline]
fn put_times<const N: usize, const TIME: u8>(slot: &mut Slot<'_, N>, r: &WideRecord, boot_ms: u64) {
    match TIME {
        UPTIME => {
            slot.put(uptime(r.first, boot_ms).to_be_bytes());
            slot.put(uptime(r.last, boot_ms).to_be_bytes());
        }
        MILLIS => {
            slot.put((r.first / 1_000_000).to_be_bytes());
            slot.put((r.last / 1_000_000).to_be_bytes());
        }
        MICROS => {
            slot.put(ntp::of_micros(r.first).to_be_bytes());
            slot.put(ntp::of_micros(r.last).to_be_bytes());
        }
        _ => {
            slot.put(ntp::of_nanos(r.first).to_be_bytes());
            slot.put(ntp::of_nanos(r.last).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::template::flow_fields;
    use super::*;

    #[test]
    fn templates_tell_the_lengths_of_the_records() {
        for times in [Times::Uptime, Times::Millis, Times::Micros, Times::Nanos] {
            for v6 in [false, true] {
                let len = |biflow| -> usize {
                    flow_fields(v6, times, biflow).iter().map(|f| usize::from(f.len)).sum()
                };
                assert_eq!(len(false), flow_len(v6, times));
                assert_eq!(len(true), biflow_len(v6, times));
            }
        }
    }
}
