//! Packets per second from frames in memory to record batches that nobody keeps: decode, flows, all default
//! columns. The frames are those of `bench.pcap.zst`, over and over with later times.
//!
//! `cargo bench -p rheos-features --bench extract [-- rounds] [part of a line's name]`

#![allow(missing_docs, clippy::print_stdout)]

use std::convert::Infallible;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rheos_capture::{CaptureReader, Input, ReadOptions, Source};
use rheos_core::{FrameBatch, Nanos};
use rheos_features::{ExtractConfig, FeatureConfig, Selection, pipeline};

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

/// The same frames in another round: later than every timeout, so that flows begin anew.
fn shifted(batch: &FrameBatch, round: u64, frames: u64) -> FrameBatch {
    const ROUND: Nanos = Nanos::from_secs(100_000);
    let mut batch = batch.clone();
    batch.first_index += round * frames;
    for frame in &mut batch.frames {
        frame.ts = frame.ts + Nanos(ROUND.0 * round);
    }
    batch
}

fn measure(name: &str, batches: &[FrameBatch], rounds: u64, config: &ExtractConfig) {
    let frames: u64 = batches.iter().map(|b| b.frames.len() as u64).sum();
    let mut next = 0;
    let source = || {
        let (round, number) = (next / batches.len() as u64, next as usize % batches.len());
        next += 1;
        let more = round < rounds;
        Ok::<_, Infallible>(more.then(|| shifted(&batches[number], round, frames)))
    };
    let (start, cpu_start) = (Instant::now(), cpu_seconds());
    let summary = pipeline::run(config, source, |batch| {
        black_box(batch);
        Ok(())
    });
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu_start);
    let Ok(summary) = summary else { return println!("{name}: failed") };
    let packets = summary.ingest.packets as f64;
    println!(
        "{name:<24} {:>6.2} M packets/s {:>6.2} M packets/CPU-s {:>6.0} CPU-ns/packet {:>7.0} k rows/CPU-s {:>4.1} packets/flow {:>5.0} B/flow",
        packets / seconds / 1e6,
        packets / cpu / 1e6,
        cpu * 1e9 / packets,
        summary.rows as f64 / cpu / 1e3,
        packets / summary.rows as f64,
        summary.state_bytes_mean().unwrap_or_default(),
    );
}

/// Processor time of the process, in steps of 10 ms: on a busy machine, what the work costs. Linux only, else 0.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |field: usize| -> f64 {
        after_name.split_whitespace().nth(field).and_then(|t| t.parse().ok()).unwrap_or_default()
    };
    (ticks(11) + ticks(12)) / 100.0
}

fn main() {
    let mut rounds = 26;
    let mut part = String::new();
    for arg in std::env::args().skip(1).filter(|arg| !arg.starts_with('-')) {
        match arg.parse() {
            Ok(number) => rounds = number,
            Err(_) => part = arg,
        }
    }
    let measure = |name: &str, batches: &[FrameBatch], rounds, config: &ExtractConfig| {
        if name.contains(&part) {
            measure(name, batches, rounds, config);
        }
    };
    let batches = batches();
    if batches.is_empty() {
        return println!("skipped: no bench.pcap.zst in the corpus (RHEOS_CORPUS)");
    }
    let with = |names: &[&str], threads| {
        let selection = Selection::new(names, &[]).unwrap_or_default();
        let features = FeatureConfig { selection, ..FeatureConfig::default() };
        ExtractConfig { features, threads, ..ExtractConfig::default() }
    };
    measure("one column", &batches, rounds, &with(&["total_packets"], 1));
    for group in ["flow_meta", "flow_state", "timing", "size", "tcp"] {
        measure(group, &batches, rounds, &with(&[group], 1));
    }
    measure("default columns", &batches, rounds, &with(&["default"], 1));
    measure("all columns", &batches, rounds, &with(&["all"], 1));
    measure("default on 2+2 threads", &batches, rounds, &with(&["default"], 2));
}
