//! `cargo xtask bench`: every measurement in a process of its own, ours and the peers', in one run.

mod collected;
mod flowgen;
mod peer;
mod queries;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::steps;

#[derive(Args)]
pub(crate) struct Options {
    /// How many times the benchmark's capture is repeated, each time with other times and addresses
    #[arg(long, default_value_t = 26)]
    repeat: u32,
    /// How long each measurement takes at least, in seconds
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Leave out NFStream, which is installed from the Python package index, and our own Python package
    #[arg(long)]
    no_peer: bool,
    /// Measure only this
    #[arg(long)]
    only: Option<Part>,
    /// Flows that are queried
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Flows that nfdump and ours read from a file of nfcapd; 0 leaves nfdump out
    #[arg(long, default_value_t = 2_000_000)]
    nfdump_rows: u64,
}

/// A part of the benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Captures into flows and features, beside NFStream
    Packets,
    /// Flow records made in Rust, C++ and Python, and written in each format
    Flowgen,
    /// Queries over flow files, beside DuckDB, Polars and nfdump
    Queries,
}

/// One line of the table.
struct Line {
    name: String,
    threads: u32,
    result: Value,
    instructions: Option<f64>,
}

const MODES: &[(&str, &str)] = &[
    ("decode", "decode, checksums verified"),
    ("decode-unverified", "decode, checksums ignored"),
    ("tuples", "five-tuple aggregation"),
    ("features", "four groups into Parquet"),
    ("features-all", "all groups into Parquet"),
];

/// Measures and prints.
pub(crate) fn bench(root: &Path, options: &Options) -> Result<()> {
    println!("building with the release profile ...");
    let rheos =
        steps::built(root, &["--release", "--package", "rheos", "--bin", "rheos"], "rheos")?;
    let runs = |part: Part| options.only.is_none_or(|only| only == part);
    if runs(Part::Packets) {
        packets(root, options, &rheos)?;
    }
    if runs(Part::Flowgen) {
        let table = flowgen::measure(root, &rheos)?;
        println!("\n{}\n\n{table}", machine());
    }
    if runs(Part::Queries) {
        let folder = folder(root)?;
        let tables = queries::compare(root, &folder, &rheos, options.rows, options.nfdump_rows)?;
        println!("\n{}\n\n{tables}", machine());
    }
    Ok(())
}

/// Captures into flows and features.
fn packets(root: &Path, options: &Options, rheos: &Path) -> Result<()> {
    let road = steps::built(root, &["--release", "--package", "rheos", "--bench", "road"], "road")?;
    let mut lines = Vec::new();
    for (mode, name) in MODES {
        for threads in [1, 2] {
            let bench =
                Road { program: &road, mode, threads, repeat: options.repeat, order: "shifted" };
            let once = bench.run(1)?;
            let rounds =
                (options.seconds / number(&once, "seconds")).ceil().clamp(1.0, 1000.0) as u32;
            let result = bench.run(rounds)?;
            let instructions = if threads == 1 { bench.instructions()? } else { None };
            println!("measured {name}, threads {threads}, rounds {rounds}");
            lines.push(Line { name: (*name).to_owned(), threads, result, instructions });
        }
    }
    let memory = memory(&road, options.repeat)?;
    println!("\n{}", machine());
    println!("\n{}", table(&lines));
    println!("\n{memory}");
    if !options.no_peer {
        println!("\n{}", peer::compare(root, &road, rheos, options.repeat)?);
    }
    Ok(())
}

/// One kind of measurement.
struct Road<'a> {
    program: &'a Path,
    mode: &'a str,
    threads: u32,
    repeat: u32,
    order: &'a str,
}

impl Road<'_> {
    fn arguments(&self, repeat: u32, rounds: u32) -> Vec<String> {
        let (threads, repeat, rounds) =
            (self.threads.to_string(), repeat.to_string(), rounds.to_string());
        let options = [
            "--repeat",
            &repeat,
            "--rounds",
            &rounds,
            "--threads",
            &threads,
            "--order",
            self.order,
        ];
        [&[self.mode][..], &options].concat().into_iter().map(str::to_owned).collect()
    }

    fn run(&self, rounds: u32) -> Result<Value> {
        let mut command = Command::new(self.program);
        let line = steps::output(command.args(self.arguments(self.repeat, rounds)))?;
        serde_json::from_str(&line).with_context(|| format!("`road` said: {line}"))
    }

    /// User-space instructions per packet: the difference between one round and more, so that building the
    /// capture does not count. By the processor's counters, else under valgrind on a smaller capture.
    fn instructions(&self) -> Result<Option<f64>> {
        let counted = if steps::on_path("perf") { self.perf()? } else { None };
        match counted {
            None if steps::on_path("valgrind") => self.valgrind(),
            counted => Ok(counted),
        }
    }

    fn perf(&self) -> Result<Option<f64>> {
        let count = |rounds: u32| -> Result<Option<(f64, f64)>> {
            let mut perf = Command::new("perf");
            perf.args(["stat", "-e", "instructions:u", "-x", ",", "--"]).arg(self.program);
            let out = perf.args(self.arguments(self.repeat, rounds)).output()?;
            let told = String::from_utf8_lossy(&out.stderr);
            let line = told.lines().find(|line| line.contains("instructions"));
            let count = line.and_then(|line| line.split(',').next()?.parse().ok());
            let count = count.filter(|_| out.status.success());
            let result: Value = serde_json::from_slice(&out.stdout).unwrap_or_default();
            Ok(count.map(|count| (count, number(&result, "packets"))))
        };
        Ok(difference(count(1)?, count(3)?))
    }

    fn valgrind(&self) -> Result<Option<f64>> {
        let count = |rounds: u32| -> Result<Option<(f64, f64)>> {
            let mut valgrind = Command::new("valgrind");
            valgrind.args([
                "--tool=cachegrind",
                "--cache-sim=no",
                "--cachegrind-out-file=/dev/null",
            ]);
            let out = valgrind.arg(self.program).args(self.arguments(1, rounds)).output()?;
            let told = String::from_utf8_lossy(&out.stderr);
            let count =
                told.lines().find_map(|line| line.split_once("refs:")).map(|(_, count)| count);
            let count = count.and_then(|count| count.trim().replace(',', "").parse().ok());
            let count = count.filter(|_| out.status.success());
            let result: Value = serde_json::from_slice(&out.stdout).unwrap_or_default();
            Ok(count.map(|count| (count, number(&result, "packets"))))
        };
        Ok(difference(count(1)?, count(2)?))
    }
}

/// Instructions and packets of two runs; how many more instructions per packet more.
fn difference(one: Option<(f64, f64)>, more: Option<(f64, f64)>) -> Option<f64> {
    let ((a, m), (b, n)) = (one?, more?);
    (n > m).then(|| (b - a) / (n - m))
}

fn number(result: &Value, key: &str) -> f64 {
    result[key].as_f64().unwrap_or(f64::NAN)
}

/// Peak memory with few and with many flows alive, and what one more live flow costs.
fn memory(road: &Path, repeat: u32) -> Result<String> {
    // Both with more live flows than rows wait in a batch, so that the difference is of flows.
    let run = |repeat| {
        let order = "overlapping";
        Road { program: road, mode: "flows", threads: 1, repeat, order }.run(1)
    };
    let (few, many) = (run(repeat)?, run(4 * repeat)?);
    let (flows, peaks) = (
        [number(&few, "flows_live_max"), number(&many, "flows_live_max")],
        [number(&few, "peak_bytes"), number(&many, "peak_bytes")],
    );
    let per_flow = (peaks[1] - peaks[0]) / (flows[1] - flows[0]);
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    Ok(format!(
        "memory of the four groups without output, beyond the capture: {:.1} MiB with at most {:.0} live flows, \
         {:.1} MiB with {:.0}: {per_flow:.0} bytes per live flow more; a flow's columns alone take {:.0} bytes",
        mib(peaks[0]),
        flows[0],
        mib(peaks[1]),
        flows[1],
        number(&many, "state_bytes_mean"),
    ))
}

fn table(lines: &[Line]) -> String {
    let mut text = String::from(
        "| measurement | threads | M packets/s | M packets per CPU-second | GB/s | ns/packet | instructions/packet | peak MiB |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for Line { name, threads, result, instructions } in lines {
        let [packets, bytes, wall, cpu, peak] =
            ["packets", "bytes", "seconds", "cpu_seconds", "peak_bytes"]
                .map(|key| number(result, key));
        let instructions = instructions.map_or_else(|| "-".to_owned(), |n| format!("{n:.0}"));
        text += &format!(
            "| {name} | {threads} | {:.2} | {:.2} | {:.2} | {:.1} | {instructions} | {:.1} |\n",
            packets / wall / 1e6,
            packets / cpu / 1e6,
            bytes / wall / 1e9,
            wall * 1e9 / packets,
            peak / f64::from(1 << 20),
        );
    }
    text
}

/// What this was measured on.
fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    let model = model.map_or("unknown processor", |(_, name)| name);
    format!("{model}, {cores} cores, load {load} after the measurements")
}

/// Where the benchmark keeps the peer and the capture as a file.
fn folder(root: &Path) -> Result<PathBuf> {
    let mut metadata = steps::cargo(root);
    metadata.args(["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&steps::output(&mut metadata)?)?;
    let target = metadata["target_directory"].as_str().context("cargo has no target folder")?;
    let folder = Path::new(target).join("bench-peer");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_those_between_two_runs() {
        assert_eq!(difference(Some((1000.0, 10.0)), Some((3000.0, 30.0))), Some(100.0));
        assert_eq!(difference(None, Some((1.0, 1.0))), None);
        assert_eq!(difference(Some((1.0, 1.0)), Some((1.0, 1.0))), None);
    }
}
