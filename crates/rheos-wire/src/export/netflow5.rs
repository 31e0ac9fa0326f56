//! NetFlow version 5: a header of 24 bytes and up to 30 records of 48, for IPv4.
//!
//! The format is Cisco's ("NetFlow Export Datagram Format", table B-3 and B-4). Counters have 32 bits, so a larger
//! flow is written in several records, as a router does that exports a flow before its counters wrap. Times
//! are milliseconds of uptime modulo 2^32.

use rheos_core::{Timestamp, WideRecord};

use super::collect::{Malformed, Read, Reader};
use super::exporter::{
    ExportConfig, ExportCounters, ExportRecord, Filled, Protocol, Refused, boot_of,
};
use super::slot::Slot;

const HEADER: usize = 24;
const RECORD: usize = 48;
/// Records in a datagram at most.
const RECORDS_MAX: usize = 30;
/// Records that one flow is split into at most.
const PARTS_MAX: u64 = 4096;
/// What stands for an AS number of more than 16 bits (RFC 6793 §2).
const AS_TRANS: u16 = 23_456;
/// Sampling mode 1, "packet interval", in the two bits above the interval.
const PACKET_INTERVAL: u16 = 1 << 14;

#[derive(Clone, Debug)]
pub(super) struct NetFlow5Exporter {
    boot: Option<Timestamp>,
    engine: u16,
    sampling: u16,
    /// Flow records before the next datagram.
    sequence: u32,
    /// Parts of the next record that are written already.
    parts_done: u64,
}

impl NetFlow5Exporter {
    pub(super) fn new(config: &ExportConfig) -> Self {
        let sampling =
            if config.sampling > 1 { PACKET_INTERVAL | config.sampling as u16 } else { 0 };
        Self {
            boot: config.boot,
            engine: config.domain as u16,
            sampling,
            sequence: 0,
            parts_done: 0,
        }
    }

    pub(super) fn encode<R: ExportRecord>(
        &mut self,
        now: Timestamp,
        records: &[R],
        out: &mut [u8],
        counters: &mut ExportCounters,
    ) -> Filled {
        let Some((header, body)) = out.split_first_chunk_mut::<HEADER>() else {
            return Filled::default();
        };
        let boot_ms = boot_of(&mut self.boot, now).as_nanos() / 1_000_000;
        let (slots, _) = body.as_chunks_mut::<RECORD>();
        let room = slots.len().min(RECORDS_MAX);
        let slots = &mut slots[..room];
        let mut written = 0;
        let mut taken = 0;
        for record in records {
            let Some(slot) = slots.get_mut(written) else { break };
            let record = record.wide();
            if record.is_ipv6() {
                counters.refuse(Refused::Ipv6);
            } else if u32::try_from(record.bytes.max(record.packets)).is_ok() {
                write(slot, &record, boot_ms);
                written += 1;
            } else if parts(&record) > PARTS_MAX {
                counters.refuse(Refused::TooLarge);
            } else {
                written += self.write_parts(&mut slots[written..], &record, boot_ms);
                if self.parts_done > 0 {
                    break;
                }
                counters.split += 1;
            }
            taken += 1;
        }
        if written == 0 {
            return Filled { len: 0, taken, written };
        }
        self.write_header(header, now, boot_ms, written as u16);
        self.sequence = self.sequence.wrapping_add(written as u32);
        Filled { len: HEADER + written * RECORD, taken, written }
    }

    /// Writes parts of a large record while there is room; `parts_done` is 0 again behind the last.
    fn write_parts(
        &mut self,
        slots: &mut [[u8; RECORD]],
        record: &WideRecord,
        boot_ms: u64,
    ) -> usize {
        let parts = parts(record);
        let mut written = 0;
        for slot in slots {
            let part = self.parts_done;
            let share = |total| share(total, part + 1, parts) - share(total, part, parts);
            let piece = WideRecord {
                packets: share(record.packets),
                bytes: share(record.bytes),
                ..*record
            };
            write(slot, &piece, boot_ms);
            written += 1;
            self.parts_done += 1;
            if self.parts_done == parts {
                self.parts_done = 0;
                break;
            }
        }
        written
    }

    fn write_header(&self, header: &mut [u8; HEADER], now: Timestamp, boot_ms: u64, count: u16) {
        let nanos = now.as_nanos();
        let mut slot = Slot::new(header);
        slot.put(5_u16.to_be_bytes());
        slot.put(count.to_be_bytes());
        slot.put(uptime(nanos, boot_ms).to_be_bytes());
        slot.put(((nanos / 1_000_000_000) as u32).to_be_bytes());
        slot.put(((nanos % 1_000_000_000) as u32).to_be_bytes());
        slot.put(self.sequence.to_be_bytes());
        slot.put(self.engine.to_be_bytes());
        slot.put(self.sampling.to_be_bytes());
        debug_assert!(slot.is_full());
    }
}

/// How many records this flow needs.
const fn parts(record: &WideRecord) -> u64 {
    let most = if record.bytes > record.packets { record.bytes } else { record.packets };
    most.div_ceil(u32::MAX as u64)
}

/// The first `part` of `parts` equal shares of `total`.
const fn share(total: u64, part: u64, parts: u64) -> u64 {
    (total as u128 * part as u128 / parts as u128) as u64
}

/// Milliseconds between boot and then, modulo 2^32.
#[inline]
pub(super) const fn uptime(nanos: u64, boot_ms: u64) -> u32 {
    (nanos / 1_000_000).wrapping_sub(boot_ms) as u32
}

#[inline]
fn write(slot: &mut [u8; RECORD], r: &WideRecord, boot_ms: u64) {
    let mut slot = Slot::new(slot);
    slot.put(low4(&r.source_ip));
    slot.put(low4(&r.destination_ip));
    slot.put([0; 4]); // next hop
    slot.put(r.input_interface.to_be_bytes());
    slot.put(r.output_interface.to_be_bytes());
    slot.put((r.packets as u32).to_be_bytes());
    slot.put((r.bytes as u32).to_be_bytes());
    slot.put(uptime(r.first, boot_ms).to_be_bytes());
    slot.put(uptime(r.last, boot_ms).to_be_bytes());
    slot.put(r.source_port.to_be_bytes());
    slot.put(r.destination_port.to_be_bytes());
    slot.put([0, r.tcp_flags, r.protocol, r.tos]);
    slot.put(u16::try_from(r.source_as).unwrap_or(AS_TRANS).to_be_bytes());
    slot.put([0; 2]); // AS of the destination
    slot.put([r.source_prefix, 0, 0, 0]);
    debug_assert!(slot.is_full());
}

/// The IPv4 address of a mapped one.
#[inline]
pub(super) const fn low4(address: &[u8; 16]) -> [u8; 4] {
    [address[12], address[13], address[14], address[15]]
}

/// Reads a datagram whose version is known to be 5.
pub(super) fn read(
    reader: &mut Reader<'_>,
    bytes: &[u8],
    out: &mut Vec<WideRecord>,
) -> Result<Read, Malformed> {
    let (header, body) = bytes.split_first_chunk::<HEADER>().ok_or(Malformed::HeaderTruncated)?;
    let u16_at = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let u32_at = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let count = usize::from(u16_at(2));
    let (slots, _) = body.as_chunks::<RECORD>();
    let slots = slots.get(..count).ok_or(Malformed::RecordTruncated)?;
    let clock = Uptime {
        uptime_ms: u32_at(4),
        export_ms: u64::from(u32_at(8)) * 1000 + u64::from(u32_at(12)) / 1_000_000,
    };
    let domain = u32::from(u16_at(20));
    let lost = reader.sequence(Protocol::NetFlow5, domain, u32_at(16), count as u32);
    let sampling = u32::from(u16_at(22) & 0x3fff).max(1);
    let scale = reader.scale(sampling);
    out.extend(slots.iter().map(|slot| record(slot, &clock, domain, scale)));
    Ok(Read { protocol: Protocol::NetFlow5, records: count, lost, ..Read::new(Protocol::NetFlow5) })
}

/// The exporter's uptime at a known moment: what its milliseconds mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uptime {
    pub(super) uptime_ms: u32,
    pub(super) export_ms: u64,
}

impl Uptime {
    /// Nanoseconds since 1970 of an uptime up to 24.8 days around that moment, so that its wrap does no harm.
    pub(super) fn nanos(&self, uptime_ms: u32) -> u64 {
        let ahead = uptime_ms.wrapping_sub(self.uptime_ms).cast_signed();
        self.export_ms.saturating_add_signed(i64::from(ahead)).saturating_mul(1_000_000)
    }
}

fn record(slot: &[u8; RECORD], clock: &Uptime, domain: u32, scale: u64) -> WideRecord {
    let u16_at = |at: usize| u16::from_be_bytes([slot[at], slot[at + 1]]);
    let u32_at =
        |at: usize| u32::from_be_bytes([slot[at], slot[at + 1], slot[at + 2], slot[at + 3]]);
    let first = clock.nanos(u32_at(24));
    WideRecord {
        first,
        last: clock.nanos(u32_at(28)).max(first),
        bytes: u64::from(u32_at(20)) * scale,
        packets: u64::from(u32_at(16)) * scale,
        source_ip: WideRecord::mapped(u32_at(0)),
        destination_ip: WideRecord::mapped(u32_at(4)),
        stream_id: domain,
        input_interface: u16_at(12),
        output_interface: u16_at(14),
        source_port: u16_at(32),
        destination_port: u16_at(34),
        protocol: slot[38],
        tcp_flags: slot[37],
        tos: slot[39],
        source_prefix: slot[44],
        source_as: u32::from(u16_at(40)),
        ..WideRecord::default()
    }
}
