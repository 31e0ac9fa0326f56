//! The peer: NFStream on the same capture file, beside our own binary on it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::bench::{folder, number};
use crate::steps;

/// Runs NFStream over a file and prints one line of JSON; `argv`: file, `n_dissections`.
const SCRIPT: &str = include_str!("peer.py");
/// The version that was measured last; a fixed one, so that figures can be compared.
const NFSTREAM: &str = "nfstream==6.6.0";

/// One row of the comparison.
struct Row {
    name: &'static str,
    cpu: f64,
    wall: f64,
    rows: f64,
    columns: f64,
    peak: f64,
}

/// A table of both on the same file.
pub(super) fn compare(root: &Path, road: &Path, rheos: &Path, repeat: u32) -> Result<String> {
    let folder = folder(root)?;
    let capture = folder.join("capture.pcap");
    let mut write = Command::new(road);
    steps::output(write.args(["write"]).arg(&capture).args(["--repeat", &repeat.to_string()]))?;
    let packets = packets(rheos, &capture)?;
    let python = environment(&folder)?;
    let script = folder.join("measure.py");
    std::fs::write(&script, SCRIPT)?;
    let summary = folder.join("summary.json");
    let mut rows = Vec::new();
    for (name, groups) in
        [("rheos, four groups", "flow_meta,timing,size,tcp"), ("rheos, all groups", "")]
    {
        let mut run = Command::new(&python);
        run.arg(&script).arg("run").arg(rheos).args(["features", "extract"]).arg(&capture);
        run.args(["--threads", "1", "--force", "--quiet", "-o"]).arg(folder.join("rows.parquet"));
        run.arg("--summary").arg(&summary);
        if groups.is_empty() {
            run.args(["--profile", "all"])
        } else {
            run.args(["--groups", groups])
        };
        let mut row = row(name, &mut run)?;
        let accounts: Value = serde_json::from_str(&std::fs::read_to_string(&summary)?)?;
        row.rows = number(&accounts, "rows");
        rows.push(row);
    }
    for (name, dissections) in
        [("NFStream, statistics", "0"), ("NFStream, statistics and nDPI", "20")]
    {
        let mut run = Command::new(&python);
        rows.push(row(name, run.arg(&script).arg("nfstream").arg(&capture).arg(dissections))?);
    }
    std::fs::remove_file(&capture)?;
    Ok(table(&rows, packets))
}

fn row(name: &'static str, run: &mut Command) -> Result<Row> {
    let line = steps::output(run)?;
    let last = line.lines().last().unwrap_or_default();
    let result: Value =
        serde_json::from_str(last).with_context(|| format!("{name} said: {line}"))?;
    let [cpu, wall, rows, columns, peak] =
        ["cpu_seconds", "seconds", "rows", "columns", "peak_bytes"].map(|key| number(&result, key));
    println!("measured {name}");
    Ok(Row { name, cpu, wall, rows, columns, peak })
}

/// Frames of the capture, as `pcap info` counts them.
fn packets(rheos: &Path, capture: &Path) -> Result<f64> {
    let mut info = Command::new(rheos);
    let told = steps::output(info.args(["pcap", "info", "--format", "json"]).arg(capture))?;
    let value: Value = serde_json::from_str(&told)?;
    value[0]["frames"].as_f64().context("`rheos pcap info` tells no frames")
}

/// A virtual environment with NFStream.
fn environment(folder: &Path) -> Result<std::path::PathBuf> {
    let venv = folder.join("venv");
    let python = venv.join("bin/python");
    if !python.is_file() {
        steps::run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    }
    steps::run(Command::new(&python).args(["-m", "pip", "install", "--quiet", NFSTREAM]))?;
    Ok(python)
}

fn table(rows: &[Row], packets: f64) -> String {
    let mut text = format!(
        "the same capture file of {packets:.0} packets:\n\n\
         | tool | CPU s | wall s | packets per CPU-second | peak MiB | rows, and columns |\n|---|--:|--:|--:|--:|--:|\n"
    );
    for Row { name, cpu, wall, rows, columns, peak } in rows {
        let columns = if *columns > 0.0 { format!(" x {columns:.0}") } else { String::new() };
        text += &format!(
            "| {name} | {cpu:.2} | {wall:.2} | {:.0} | {:.0} | {rows:.0}{columns} |\n",
            packets / cpu,
            peak / f64::from(1 << 20),
        );
    }
    if let [ours, _, theirs, ..] = rows {
        text += &format!("\n{:.1} times NFStream's packets per CPU-second", theirs.cpu / ours.cpu);
    }
    text
}
