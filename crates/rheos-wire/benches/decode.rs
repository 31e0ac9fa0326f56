//! Decoding the benchmark capture from memory: packets per second of one core, by checksum policy.
//!
//! `cargo bench -p rheos-wire`, with the capture folder in `RHEOS_CORPUS` or beside the project.

#![allow(missing_docs, clippy::print_stdout, reason = "the macros of the framework; a bench talks")]

use std::fs;
use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rheos_core::{Frame, LinkType, Timestamp};
use rheos_wire::{ChecksumPolicy, DecodeConfig, Decoded, Packet, checksum, decode};

/// Capture length, wire length and place of each frame of a little-endian pcap file.
fn frames(bytes: &[u8]) -> Vec<Frame<'_>> {
    let word = |at: usize| {
        bytes.get(at..).and_then(<[u8]>::first_chunk).map(|word| u32::from_le_bytes(*word))
    };
    let mut frames = Vec::new();
    let mut at = 24;
    while let (Some(secs), Some(cap_len), Some(wire_len)) = (word(at), word(at + 8), word(at + 12))
    {
        let end = at + 16 + cap_len as usize;
        let Some(data) = bytes.get(at + 16..end) else { break };
        let ts = Timestamp::from_secs(u64::from(secs));
        frames.push(Frame { ts, wire_len, link: LinkType::ETHERNET, data });
        at = end;
    }
    frames
}

fn benches(criterion: &mut Criterion) {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let root = std::env::var("RHEOS_CORPUS").unwrap_or_else(|_| beside.into());
    let Ok(packed) = fs::read(Path::new(&root).join("bench.pcap.zst")) else {
        println!("skipped: no bench.pcap.zst in {root}; set RHEOS_CORPUS");
        return;
    };
    let bytes = zstd::decode_all(&packed[..]).expect("a sound zstd file");
    let frames = frames(&bytes);
    assert!(!frames.is_empty(), "bench.pcap.zst holds frames");

    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(frames.len() as u64));
    for checksums in [ChecksumPolicy::Ignore, ChecksumPolicy::Count] {
        let config = DecodeConfig { checksums, ..DecodeConfig::default() };
        let mut out = Packet::default();
        group.bench_function(BenchmarkId::new("bench.pcap", format!("{checksums:?}")), |bencher| {
            bencher.iter(|| {
                let mut packets = 0_u64;
                for (index, frame) in (0..).zip(&frames) {
                    let decoded = decode(*frame, index, &config, &mut out);
                    packets += u64::from(decoded == Decoded::Packet);
                    black_box(&out);
                }
                packets
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("checksum");
    for len in [20, 64, 1460] {
        let bytes = vec![0x5a; len];
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(BenchmarkId::new("internet_sum", len), |bencher| {
            bencher.iter(|| checksum::internet_sum(black_box(&bytes)));
        });
    }
    group.finish();
}

criterion_group! {
    name = decoding;
    config = Criterion::default().without_plots().sample_size(40);
    targets = benches
}
criterion_main!(decoding);
