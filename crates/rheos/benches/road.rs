//! One measurement of the road in a process of its own: `cargo xtask bench` starts one per line of its table.
//!
//! `road MODE --repeat N --rounds N [--threads N] [--order shifted|overlapping]`, with MODE `decode`,
//! `decode-unverified` (checksums ignored), `tuples`, `features` (four groups of columns), `features-all` (every column),
//! `flows` (the four groups, whose rows are dropped: what flows take without output), or `write FILE` for the same packets as a capture file. The capture is built in memory before the clock starts. The result is one line of JSON.

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark talks")]

#[path = "road/made.rs"]
mod made;
#[path = "road/process.rs"]
mod process;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rheos_capture::{CaptureReader, ReadOptions, Source};
use rheos_features::{ExtractConfig, FeatureConfig, Selection, pipeline, table};
use rheos_flow::{Groups, Ingest, IngestConfig, IngestCounters, KeyFields};
use rheos_sink::{Format, Sink, SinkOptions};
use rheos_wire::{ChecksumPolicy, DecodeConfig};
use serde_json::json;

use made::Order;

/// The groups of columns that are measured.
const GROUPS: &[&str] = &["flow_meta", "timing", "size", "tcp"];

struct Options {
    mode: String,
    file: Option<PathBuf>,
    repeat: u32,
    rounds: u32,
    threads: usize,
    order: Order,
}

/// What one run over the capture gave.
#[derive(Default)]
struct Run {
    ingest: IngestCounters,
    /// Rows or groups.
    results: u64,
    flows_live_max: u64,
    state_bytes_mean: f64,
    written_bytes: u64,
}

fn main() -> Result<()> {
    let options = options()?;
    if let Some(file) = &options.file {
        let bytes = made::capture(&corpus(), 0..options.repeat, options.order)?;
        return std::fs::write(file, bytes).with_context(|| file.display().to_string());
    }
    // Each thread of `decode` and `tuples` has a part of its own; the pipeline shares one among its threads.
    let parts = if matches!(options.mode.as_str(), "features" | "features-all" | "flows") {
        1
    } else {
        options.threads as u32
    };
    let cut = |part: u32| options.repeat * part / parts;
    let captures: Vec<Arc<Vec<u8>>> = (0..parts)
        .map(|part| {
            Ok(Arc::new(made::capture(&corpus(), cut(part)..cut(part + 1), options.order)?))
        })
        .collect::<Result<_>>()?;
    process::forget_peak()?;
    let baseline = process::memory()?.peak_bytes;
    let start = process::now()?;
    let mut packets = 0;
    let mut captured = 0;
    let mut last = Run::default();
    for _ in 0..options.rounds {
        last = match options.mode.as_str() {
            "decode" => in_parts(&captures, |capture| decode(capture, ChecksumPolicy::Count))?,
            "decode-unverified" => {
                in_parts(&captures, |capture| decode(capture, ChecksumPolicy::Ignore))?
            }
            "tuples" => in_parts(&captures, tuples)?,
            "features" => features(&captures[0], options.threads, Selection::new(GROUPS, &[])?)?,
            "features-all" => features(&captures[0], options.threads, Selection::all())?,
            "flows" => flows(&captures[0], options.threads)?,
            mode => bail!("unknown measurement `{mode}`"),
        };
        packets += last.ingest.frames;
        captured += last.ingest.captured_bytes;
    }
    let spent = start.spent()?;
    let peak = process::memory()?.peak_bytes;
    println!(
        "{}",
        json!({
            "packets": packets,
            "bytes": captured,
            "seconds": spent.wall,
            "cpu_seconds": spent.cpu,
            "peak_bytes": peak.saturating_sub(baseline),
            "results": last.results,
            "flows_live_max": last.flows_live_max,
            "state_bytes_mean": last.state_bytes_mean,
            "written_bytes": last.written_bytes,
        })
    );
    Ok(())
}

fn options() -> Result<Options> {
    let mut options = Options {
        mode: String::new(),
        file: None,
        repeat: 26,
        rounds: 1,
        threads: 1,
        order: Order::Shifted,
    };
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("`{arg}` needs a value"));
        match arg.as_str() {
            "--repeat" => options.repeat = value()?.parse()?,
            "--rounds" => options.rounds = value()?.parse()?,
            "--threads" => options.threads = value()?.parse()?,
            "--order" => options.order = value()?.parse()?,
            "write" => options.file = Some(value()?.into()),
            mode => mode.clone_into(&mut options.mode),
        }
    }
    Ok(options)
}

fn corpus() -> PathBuf {
    std::env::var_os("RHEOS_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    )
}

/// One thread per part; the sum of what they counted.
fn in_parts(captures: &[Arc<Vec<u8>>], work: fn(&Arc<Vec<u8>>) -> Result<Run>) -> Result<Run> {
    if let [only] = captures {
        return work(only);
    }
    let runs: Vec<Result<Run>> = std::thread::scope(|scope| {
        let threads: Vec<_> = captures.iter().map(|part| scope.spawn(|| work(part))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no measurement panics")).collect()
    });
    runs.into_iter().try_fold(Run::default(), |mut sum, run| {
        let run = run?;
        sum.ingest.merge(&run.ingest);
        sum.results += run.results;
        Ok(sum)
    })
}

fn reader(capture: &Arc<Vec<u8>>) -> Result<CaptureReader> {
    Ok(CaptureReader::from_memory(Arc::clone(capture), ReadOptions::default())?)
}

/// Capture records to packets: link, network, tunnel and transport headers, checksums, fragments.
fn decode(capture: &Arc<Vec<u8>>, checksums: ChecksumPolicy) -> Result<Run> {
    let mut reader = reader(capture)?;
    let decode = DecodeConfig { checksums, ..DecodeConfig::default() };
    let mut ingest = Ingest::new(IngestConfig { decode, ..IngestConfig::default() });
    while let Some(batch) = reader.next_batch()? {
        ingest.batch(&batch, |packet, _| {
            black_box(packet);
        });
    }
    ingest.finish();
    Ok(Run { results: ingest.counters.packets, ingest: ingest.counters, ..Run::default() })
}

/// The same, and packets and bytes summed by five-tuple.
fn tuples(capture: &Arc<Vec<u8>>) -> Result<Run> {
    let mut reader = reader(capture)?;
    let mut ingest = Ingest::new(IngestConfig::default());
    let mut groups = Groups::new(KeyFields::ALL, Groups::GROUPS_MAX);
    while let Some(batch) = reader.next_batch()? {
        ingest.batch(&batch, |packet, _| groups.add(packet));
    }
    ingest.finish();
    Ok(Run { results: groups.len() as u64, ingest: ingest.counters, ..Run::default() })
}

/// The four groups, and no output.
fn flows(capture: &Arc<Vec<u8>>, threads: usize) -> Result<Run> {
    let mut reader = reader(capture)?;
    let selection = Selection::new(GROUPS, &[])?;
    let features = FeatureConfig { selection, ..FeatureConfig::default() };
    let config = ExtractConfig { features, threads, ..ExtractConfig::default() };
    let summary = pipeline::run(
        &config,
        || reader.next_batch().map_err(anyhow::Error::from),
        |rows| {
            black_box(rows);
            Ok(())
        },
    );
    let summary = summary.map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(Run {
        results: summary.rows,
        flows_live_max: summary.table.live_max,
        state_bytes_mean: summary.state_bytes_mean().unwrap_or_default(),
        ingest: summary.ingest,
        ..Run::default()
    })
}

/// The whole road: flows and these columns, into a Parquet file.
fn features(capture: &Arc<Vec<u8>>, threads: usize, selection: Selection) -> Result<Run> {
    let mut reader = reader(capture)?;
    let schema = Arc::new(table::arrow_schema(selection.columns()));
    let features = FeatureConfig { selection, ..FeatureConfig::default() };
    let config = ExtractConfig { features, threads, ..ExtractConfig::default() };
    let file = tempfile::tempfile()?;
    let mut sink = Sink::to_writer(file, schema, SinkOptions::new(Format::Parquet))?;
    let summary = pipeline::run(
        &config,
        || reader.next_batch().map_err(anyhow::Error::from),
        |rows| sink.write(&rows).map_err(anyhow::Error::from),
    );
    let summary = summary.map_err(|error| anyhow::anyhow!("{error}"))?;
    let written = sink.finish()?;
    Ok(Run {
        results: summary.rows,
        flows_live_max: summary.table.live_max,
        state_bytes_mean: summary.state_bytes_mean().unwrap_or_default(),
        written_bytes: written.bytes,
        ingest: summary.ingest,
    })
}
