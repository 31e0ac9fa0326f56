//! How fast frames come out of a capture in memory.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rheos_capture::{CaptureReader, Input, ReadOptions, Source};
use rheos_core::FrameBatch;

/// A pcap file of `frames` frames of 64 to 1 500 bytes.
fn capture(frames: u32) -> Vec<u8> {
    let mut file = Vec::new();
    for n in [0xa1b2_3c4du32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend(n.to_le_bytes());
    }
    for i in 0..frames {
        let len = if i % 3 == 0 { 1500 } else { 64 + i % 7 };
        for n in [i / 1000, i % 1000, len, len] {
            file.extend(n.to_le_bytes());
        }
        file.resize(file.len() + len as usize, 0x5a);
    }
    file
}

fn read(input: Input) -> u64 {
    let mut reader = CaptureReader::open([input], ReadOptions::default()).expect("a capture");
    let mut batch = FrameBatch::default();
    let mut frames = 0;
    while reader.read_batch(&mut batch).expect("a sound capture") {
        frames += batch.frames.len() as u64;
    }
    frames
}

fn bench(c: &mut Criterion) {
    let frames = 100_000;
    let file = Arc::new(capture(frames));
    let mut group = c.benchmark_group("read");
    group.throughput(Throughput::Elements(u64::from(frames)));
    group.bench_function("pcap from memory", |b| {
        b.iter(|| black_box(read(Input::memory("memory", Arc::clone(&file)))));
    });
    group.bench_function("pcap through blocks", |b| {
        b.iter(|| {
            let bytes = std::io::Cursor::new(file.to_vec());
            black_box(read(Input::reader("reader", bytes)))
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
