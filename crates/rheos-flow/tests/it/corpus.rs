//! Every capture of the corpus: each frame is accounted for, and each packet is in one flow.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rheos_capture::{CaptureReader, Input, ReadOptions, Source};
use rheos_flow::{FlowConfig, FlowTable, Ingest, IngestConfig, IngestCounters};

fn corpus() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    std::env::var_os("RHEOS_CORPUS").map_or_else(default, PathBuf::from)
}

/// Every file below `folder` that may be a capture, in the order of their names.
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

/// What one run over a capture gives.
struct Run {
    counters: IngestCounters,
    flows: u64,
    packets_in_flows: u64,
    /// One line per flow, sorted.
    lines: Vec<String>,
}

fn run(path: &Path, hash_seed: u64) -> Option<Run> {
    let mut reader = CaptureReader::open([Input::from_arg(path)], ReadOptions::default()).ok()?;
    let mut ingest = Ingest::new(IngestConfig::default());
    let mut table = FlowTable::<()>::new(FlowConfig { hash_seed, ..FlowConfig::default() }, ());
    let mut run = Run {
        counters: IngestCounters::default(),
        flows: 0,
        packets_in_flows: 0,
        lines: Vec::new(),
    };
    let mut ended = |flow: &rheos_flow::Flow<()>| {
        let head = &flow.head;
        assert!(head.first <= head.last);
        run.flows += 1;
        run.packets_in_flows += head.packets();
        run.lines.push(format!(
            "{} {} {} {:?} {} {}",
            head.first_index,
            head.tuple,
            head.end.label(),
            head.totals,
            head.history,
            head.conn.label()
        ));
    };
    while let Ok(Some(batch)) = reader.next_batch() {
        ingest.batch(&batch, |packet, bytes| table.on_packet(packet, bytes, &mut ended));
    }
    ingest.finish();
    table.finish(&mut ended);
    run.lines.sort_unstable();
    run.counters = ingest.counters;
    Some(run)
}

#[test]
fn every_frame_is_accounted_for_and_every_packet_is_in_one_flow() {
    let mut paths = Vec::new();
    captures(&corpus(), &mut paths);
    if paths.is_empty() {
        println!("skipped: no captures in {}", corpus().display());
        return;
    }
    let mut drops: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut read, mut frames, mut flows) = (0, 0, 0);
    for path in &paths {
        let Some(first) = run(path, 1) else { continue };
        let counters = &first.counters;
        let name = path.display();
        let dropped = counters.drops.total();
        assert_eq!(counters.frames, counters.packets + counters.absorbed + dropped, "{name}");
        assert_eq!(counters.packets, first.packets_in_flows, "{name}");
        let again = run(path, 2).expect("read before");
        assert_eq!(first.lines, again.lines, "{name}: the hash's seed changes no flow");
        for (reason, count) in counters.drops.iter() {
            *drops.entry(reason.label()).or_default() += count;
        }
        read += 1;
        frames += counters.frames;
        flows += first.flows;
    }
    println!("{read} of {} captures, {frames} frames, {flows} flows, drops {drops:?}", paths.len());
    assert!(read * 10 > paths.len() * 9, "nearly all captures of the corpus can be read");
}
