//! Packets per second through the table without state, and through five-tuple aggregation.
//!
//! The packets are those of `bench.pcap.zst` where the corpus is there, else synthetic: decoded before the clock
//! starts.

#![allow(missing_docs)]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rheos_capture::{CaptureReader, Input, ReadOptions, Source};
use rheos_core::{Addr, FiveTuple, FrameBatch, IpVersion, Nanos, Timestamp};
use rheos_flow::{FlowConfig, FlowTable, Groups, Ingest, IngestConfig, KeyFields, TrafficSummary};
use rheos_wire::Packet;

/// Rounds over the capture, each with other addresses and later times.
const ROUNDS: u64 = 8;

fn batches() -> Vec<FrameBatch> {
    let corpus = std::env::var_os("RHEOS_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let input = Input::from_arg(corpus.join("bench.pcap.zst"));
    let Ok(mut reader) = CaptureReader::open([input], ReadOptions::default()) else {
        return Vec::new();
    };
    std::iter::from_fn(|| reader.next_batch().ok().flatten()).collect()
}

fn packets(batches: &[FrameBatch]) -> Vec<Packet> {
    let mut once = Vec::new();
    let mut ingest = Ingest::new(IngestConfig::default());
    for batch in batches {
        ingest.batch(batch, |packet, _| once.push(*packet));
    }
    if once.is_empty() {
        once.extend((0..40_000).map(synthetic));
    }
    let (first, last) = (once[0].ts, once[once.len() - 1].ts);
    let span = Nanos(last.since(first).0 + 1_000_000);
    let shift = |round: u64, packet: &Packet| {
        let mut packet = *packet;
        packet.ts = packet.ts + Nanos(span.0 * round);
        packet.tuple.src.0[13] ^= round as u8;
        packet.tuple.dst.0[13] ^= round as u8;
        packet
    };
    (0..ROUNDS).flat_map(|round| once.iter().map(move |p| shift(round, p))).collect()
}

fn synthetic(number: u32) -> Packet {
    let flow = number.wrapping_mul(0x9e37_79b9) >> 20;
    let tuple = FiveTuple {
        src: Addr::v4((0x0a00_0000 + flow).to_be_bytes()),
        dst: Addr::v4([192, 0, 2, 1]),
        src_port: 1024 + flow as u16,
        dst_port: 443,
        protocol: 17,
        version: IpVersion::V4,
    };
    Packet {
        ts: Timestamp::from_nanos(u64::from(number) * 100_000),
        tuple: if number.is_multiple_of(2) { tuple } else { tuple.reversed() },
        ip_len: 500,
        wire_len: 514,
        payload_len: 472,
        ..Packet::default()
    }
}

fn benches(c: &mut Criterion) {
    let batches = batches();
    let packets = packets(&batches);
    let mut group = c.benchmark_group("packets");
    group.sample_size(20).throughput(Throughput::Elements(packets.len() as u64));
    group.bench_function("flow table without state", |b| {
        b.iter(|| {
            let mut table = FlowTable::<()>::new(FlowConfig::default(), ());
            let mut ended = 0_u64;
            for packet in &packets {
                table.on_packet(packet, &[], &mut |_| ended += 1);
            }
            table.finish(&mut |_| ended += 1);
            black_box(ended)
        });
    });
    group.bench_function("groups by five-tuple", |b| {
        b.iter(|| {
            let mut groups = Groups::new(KeyFields::ALL, Groups::GROUPS_MAX);
            for packet in &packets {
                groups.add(packet);
            }
            black_box(groups.len())
        });
    });
    group.bench_function("traffic summary", |b| {
        b.iter(|| {
            let mut summary = TrafficSummary::default();
            for packet in &packets {
                summary.add(packet);
            }
            black_box(summary.totals.packets)
        });
    });
    let frames: u64 = batches.iter().map(|batch| batch.frames.len() as u64).sum();
    if frames > 0 {
        group.throughput(Throughput::Elements(frames));
        group.bench_function("decode and groups by five-tuple", |b| {
            b.iter(|| {
                let mut ingest = Ingest::new(IngestConfig::default());
                let mut groups = Groups::new(KeyFields::ALL, Groups::GROUPS_MAX);
                for batch in &batches {
                    ingest.batch(batch, |packet, _| groups.add(packet));
                }
                black_box(groups.len())
            });
        });
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
