//! Real collectors read what we export, and tell the same flows, packets and bytes.
//!
//! A tool that is missing fails the test with the command that installs it. Collectors listen on loopback, on a port
//! that was free, for a bounded time, and are ended by their process.

#![allow(clippy::unwrap_used, reason = "tests stop at what they do not expect")]

#[path = "collectors/daemon.rs"]
mod daemon;
#[path = "collectors/nfdump.rs"]
mod nfdump;
#[path = "collectors/pmacct.rs"]
mod pmacct;
#[path = "collectors/tshark.rs"]
mod tshark;

use rheos_core::{RecordFlags, Seed, Timestamp, WideRecord};
use rheos_gen::send::{FlowSender, Pace, Reach, SystemClock, UdpWire};
use rheos_wire::export::{ExportConfig, ExportCounters, Exporter};

/// Records of the last minute before this time, in whole milliseconds.
const NOW: Timestamp = Timestamp::from_secs(1_704_110_400);

/// `count` flows of the protocols and versions that collectors meet; distinct ports tell them apart.
fn records(count: u16, v6: bool) -> Vec<WideRecord> {
    let mut rng = Seed(4).rng();
    (0..count)
        .map(|i| {
            let protocol = [6, 17, 6, if v6 && i % 2 == 1 { 58 } else { 1 }][usize::from(i % 4)];
            let is_v6 = v6 && i % 2 == 1;
            let address = |low: u64| {
                if is_v6 {
                    (0x2001_0db8_u128 << 96 | u128::from(low)).to_be_bytes()
                } else {
                    WideRecord::mapped(0x0a00_0000 | low as u32)
                }
            };
            let packets = 1 + rng.below(5000);
            let first = NOW.as_nanos() - (1 + rng.below(50_000)) * 1_000_000;
            WideRecord {
                first,
                last: (first + rng.below(20_000) * 1_000_000).min(NOW.as_nanos()),
                bytes: packets * (64 + rng.below(1300)) + rng.below(packets),
                packets,
                flow_id: u64::from(i) + 1,
                source_ip: address(rng.below(0xff_ffff)),
                destination_ip: address(rng.below(0xff_ffff)),
                input_interface: 1 + (i % 7),
                output_interface: 8 + (i % 5),
                // No port that a dissector has taken; an echo request.
                source_port: if matches!(protocol, 1 | 58) { 0 } else { 50_000 + i % 10_000 },
                destination_port: [443, 0x0800, 0x8000]
                    [usize::from(protocol == 1) + 2 * usize::from(protocol == 58)],
                protocol,
                tcp_flags: if protocol == 6 { 0x1b } else { 0 },
                tos: (i % 2) as u8 * 8,
                flags: if is_v6 { RecordFlags::IPV6 } else { 0 },
                end_reason: 3,
                source_prefix: 24,
                source_as: 64_500 + u32::from(i % 10),
                ..WideRecord::default()
            }
        })
        .collect()
}

/// Exports to a port of this machine, slowly enough for any collector. Nothing may be dropped.
fn send(config: ExportConfig, records: &[WideRecord], port: u16) -> ExportCounters {
    let exporter = Exporter::new(config).unwrap();
    let wire = UdpWire::connect(([127, 0, 0, 1], port).into(), Reach::Loopback).unwrap();
    let pace = Pace::DatagramsPerSec(2000);
    let mut sender = FlowSender::new(exporter, pace, wire, SystemClock::start()).unwrap();
    sender.send(NOW, records).unwrap();
    sender.flush().unwrap();
    let (sent, made) = (*sender.counters(), *sender.exporter().counters());
    assert_eq!((sent.dropped, sent.datagrams, sent.records), (0, made.datagrams, made.written));
    made
}

/// Sum of packets and of bytes.
fn totals(records: &[WideRecord]) -> (u64, u64) {
    records.iter().fold((0, 0), |(packets, bytes), r| (packets + r.packets, bytes + r.bytes))
}
