//! The road from frames to rows: the same on any number of threads, bounded, and stopped when asked.

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt16Type;
use proptest::prelude::*;
use rheos_capture::{CaptureReader, Input, ReadOptions, Source};
use rheos_core::FrameBatch;
use rheos_features::pipeline::{BATCH_ROWS_MAX, EPOCH_FRAMES};
use rheos_features::{ExtractConfig, FeatureConfig, RunError, pipeline};
use rheos_wire::tcp_flags::{ACK, FIN, RST, SYN};

use super::frames::{
    TCP, Timed, UDP, batches, config, ethernet, extract, ipv4, tcp, udp, udp_frame,
};
use super::rows::{Row, t};

/// Asserts that rows, their order and their batches are the same on several threads.
fn assert_same_on_threads(config: &ExtractConfig, batches: &[FrameBatch], what: &str) -> u64 {
    let (alone, summary) = extract(config, batches);
    for threads in [2, 7] {
        let config = ExtractConfig { threads, ..config.clone() };
        let (together, other) = extract(&config, batches);
        assert!(alone == together, "{what}: rows differ on {threads} threads");
        assert_eq!(summary.rows, other.rows);
        assert_eq!(summary.table, other.table);
        assert_eq!(summary.ingest.drops, other.ingest.drops);
        assert_eq!(summary.state_bytes, other.state_bytes);
        assert_eq!((summary.first, summary.last), (other.first, other.last));
    }
    summary.rows
}

/// Frames of a few hosts that speak UDP and TCP, in fragments too, with pauses and steps back in time.
fn traffic() -> impl Strategy<Value = Vec<Timed>> {
    let frame = (1_u8..6, 1_u8..6, 0_u16..4, 0_u8..9, 0_usize..200).prop_map(
        |(src, dst, port, kind, len)| {
            let ports = (1000 + port, 80);
            let payload = vec![kind; len];
            let ip = match kind {
                0..3 => ipv4(src, dst, UDP, 0, &udp(ports.0, ports.1, &payload)),
                3 => ipv4(src, dst, UDP, 0x2000, &udp(ports.0, ports.1, &[kind; 64])),
                4 => ipv4(src, dst, UDP, 72 / 8, &payload),
                5 => ipv4(src, dst, TCP, 0, &tcp(ports, 1, 0, SYN, &[])),
                6 => ipv4(src, dst, TCP, 0, &tcp(ports, 2, 9, FIN | ACK, &payload)),
                7 => ipv4(src, dst, TCP, 0, &tcp(ports, 3, 9, RST, &[])),
                _ => ipv4(src, dst, TCP, 0, &tcp(ports, 2, 9, ACK, &payload)),
            };
            ethernet(&[], 0x0800, &ip)
        },
    );
    let step = prop_oneof![8 => 0_i64..200, 1 => 0_i64..90_000, 1 => -500_i64..0];
    prop::collection::vec((step, frame), 1..300).prop_map(|steps| {
        let mut now = 10_000_i64;
        let timed = steps.into_iter().map(|(step, frame)| {
            now = (now + step).max(0);
            (now.unsigned_abs(), frame)
        });
        timed.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_traffic_gives_the_same_rows_on_any_number_of_threads(
        frames in traffic(), size in 1_usize..60, flows_max in 1_usize..200,
    ) {
        let mut config = config(1);
        config.flow.flows_max = flows_max;
        let (alone, _) = extract(&config, &batches(&frames, size));
        let (rebatched, _) = extract(&config, &batches(&frames, 1000));
        prop_assert!(alone == rebatched, "rows depend on the batches of frames");
        assert_same_on_threads(&config, &batches(&frames, size), "random traffic");
    }
}

pub(crate) fn corpus() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    std::env::var_os("RHEOS_CORPUS").map_or_else(default, PathBuf::from)
}

fn captures(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            captures(&path, found);
        } else if path.extension().is_some_and(|e| e == "pcap" || e == "pcapng" || e == "trace") {
            found.push(path);
        }
    }
}

/// All that can be read of a capture.
pub(crate) fn batches_of(path: &Path) -> Vec<FrameBatch> {
    let reader = CaptureReader::open([Input::from_arg(path)], ReadOptions::default());
    let mut reader = reader.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    std::iter::from_fn(|| reader.next_batch().ok().flatten()).collect()
}

#[test]
fn the_corpus_gives_the_same_rows_on_any_number_of_threads() {
    let mut paths = Vec::new();
    captures(&corpus(), &mut paths);
    if paths.is_empty() {
        return println!("skipped: no captures in {}", corpus().display());
    }
    let mut rows = 0;
    for path in &paths {
        let Ok(mut reader) = CaptureReader::open([Input::from_arg(path)], ReadOptions::default())
        else {
            continue;
        };
        let batches: Vec<_> = std::iter::from_fn(|| reader.next_batch().ok().flatten()).collect();
        rows += assert_same_on_threads(&config(1), &batches, &path.display().to_string());
    }
    assert!(rows > 1000, "{rows} rows of {} captures", paths.len());
}

/// One packet of each of `flows` flows, a millisecond apart.
fn scan(flows: u64) -> Vec<Timed> {
    let frame = |i: u64| udp_frame(1 + (i / 60_000) as u8, 250, (i as u16 % 60_000, 53), &[0; 4]);
    (0..flows).map(|i| (i / 1000, frame(i))).collect()
}

#[test]
fn rows_come_in_order_of_what_ended_them_then_of_their_first_packet() {
    // Flows 0..300 end by idleness when flow 300 begins, 61 s later and more; the last ones with the input.
    let mut frames = scan(300);
    frames.extend(scan(600).into_iter().skip(300).map(|(ms, frame)| (ms + 100_000, frame)));
    let (out, summary) = extract(&config(3), &batches(&frames, 50));
    let rows: Vec<Row> = out.iter().flat_map(Row::all).collect();
    assert_eq!(summary.rows, 600);
    let (idle, end) = rows.split_at(300);
    assert!(idle.iter().all(|row| row.get("end_reason") == t("idle")));
    assert!(end.iter().all(|row| row.get("end_reason") == t("end_of_input")));
    let ports: Vec<f64> = end.iter().map(|row| row.number("src_port")).collect();
    assert!(ports.is_sorted(), "by first packet");
}

#[test]
fn the_end_of_the_input_ends_any_number_of_flows_by_first_packet() {
    // More than every shard may let wait in an epoch, all within the idle timeout.
    let flows = 40_000;
    let selected = rheos_features::Selection::new(&["src_port", "end_reason"], &[]).unwrap();
    let features = FeatureConfig { selection: selected, ..FeatureConfig::default() };
    let config = ExtractConfig { features, ..ExtractConfig::default() };
    let batches = batches(&scan(flows), 1000);
    for threads in [1, 2, 5] {
        let (out, _) = extract(&ExtractConfig { threads, ..config.clone() }, &batches);
        let rows: Vec<usize> = out.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(rows, [BATCH_ROWS_MAX, BATCH_ROWS_MAX, BATCH_ROWS_MAX, BATCH_ROWS_MAX, 7232]);
        let ports = out.iter().flat_map(|batch| {
            batch.column(0).as_primitive::<UInt16Type>().values().iter().copied()
        });
        assert!(ports.map(u64::from).eq(0..flows), "on {threads} threads");
    }
}

#[test]
fn a_mass_of_flows_that_end_at_once_is_handed_out_in_bounded_batches() {
    let mut frames = scan(3 * EPOCH_FRAMES + 17);
    frames.push((1_000_000, udp_frame(9, 9, (9, 9), &[])));
    let selected = rheos_features::Selection::new(&["src_port", "end_reason"], &[]).unwrap();
    let features = FeatureConfig { selection: selected, ..FeatureConfig::default() };
    let config = ExtractConfig { features, ..ExtractConfig::default() };
    let batches = batches(&frames, 4096);
    let (out, summary) = extract(&config, &batches);
    assert_eq!(summary.rows, frames.len() as u64);
    assert!(out.iter().all(|batch| batch.num_rows() <= BATCH_ROWS_MAX));
    assert_same_on_threads(&config, &batches, "a mass of flows");
}

#[test]
fn a_failing_source_loses_no_row_and_its_error_is_told() {
    for threads in [1, 3] {
        let frames = scan(1000);
        let batches = batches(&frames, 100);
        let mut input = batches.iter();
        let mut rows = 0;
        let result = pipeline::run(
            &config(threads),
            || input.next().cloned().map(Some).ok_or("damaged"),
            |batch| {
                rows += batch.num_rows();
                Ok(())
            },
        );
        let Err(RunError::Source { error, summary }) = result else { panic!("no error") };
        assert_eq!((error, summary.rows, rows), ("damaged", 1000, 1000));
    }
}

#[test]
fn a_failing_taker_stops_an_endless_source() {
    for threads in [1, 3] {
        let frames = scan(EPOCH_FRAMES);
        let batch = batches(&frames, frames.len()).remove(0);
        let mut round = 0;
        let endless = || {
            let mut batch = batch.clone();
            batch.first_index = round * EPOCH_FRAMES;
            for frame in &mut batch.frames {
                frame.ts = frame.ts + rheos_core::Nanos::from_secs(100 * round);
            }
            round += 1;
            Ok(Some(batch))
        };
        let mut taken = 0;
        let result = pipeline::run(&config(threads), endless, |_| {
            taken += 1;
            if taken < 3 { Ok(()) } else { Err("broken pipe") }
        });
        assert!(matches!(result, Err(RunError::Out("broken pipe"))));
        assert_eq!(taken, 3, "nothing after the error");
    }
}

#[test]
fn a_panicking_source_is_an_error_of_the_run_on_threads() {
    let result = pipeline::run(
        &config(2),
        || -> Result<Option<FrameBatch>, &str> { panic!("a defect") },
        |_| Ok(()),
    );
    let Err(RunError::Features(error)) = result else { panic!("no error") };
    assert_eq!(error.to_string(), "a worker thread stopped: a defect");
}

#[test]
fn an_empty_source_gives_no_rows() {
    for threads in [1, 2] {
        let (out, summary) = extract(&config(threads), &[]);
        assert!(out.is_empty());
        assert_eq!((summary.rows, summary.first), (0, None));
    }
}
