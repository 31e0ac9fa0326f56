//! The peer: NFStream on the same capture file, beside our own binary and our Python package on it.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::bench::{folder, number};
use crate::{python, steps};

/// Runs a program, NFStream or our Python package over a file and prints one line of JSON.
pub(super) const SCRIPT: &str = include_str!("peer.py");
/// The version that was measured last; a fixed one, so that figures can be compared.
const NFSTREAM: &str = "nfstream==6.6.0";

/// What is measured of ours: words of the table, the groups as the command line takes them, `all` for every column.
const SELECTIONS: [(&str, &str); 2] =
    [("four groups", "flow_meta,timing,size,tcp"), ("all groups", "all")];

/// One row of the comparison.
struct Row {
    name: String,
    cpu: f64,
    wall: f64,
    rows: f64,
    columns: f64,
    peak: f64,
}

/// Runs of each tool, of which the best counts.
const RUNS: usize = 3;

/// A table of both on the same file.
pub(super) fn compare(root: &Path, road: &Path, rheos: &Path, repeat: u32) -> Result<String> {
    let folder = folder(root)?;
    let capture = folder.join("capture.pcap");
    let mut write = Command::new(road);
    steps::output(write.args(["write"]).arg(&capture).args(["--repeat", &repeat.to_string()]))?;
    let packets = packets(rheos, &capture)?;
    let python = environment(root, &folder, NFSTREAM)?;
    let script = folder.join("measure.py");
    std::fs::write(&script, SCRIPT)?;
    let summary = folder.join("summary.json");
    let mut rows = Vec::new();
    for (name, groups) in SELECTIONS {
        let mut run = Command::new(&python);
        run.arg(&script).arg("run").arg(rheos).args(["features", "extract"]).arg(&capture);
        run.args(["--threads", "1", "--force", "--quiet", "-o"]).arg(folder.join("rows.parquet"));
        // The others do not hash the capture either.
        run.arg("--no-provenance").arg("--summary").arg(&summary);
        run.args([if groups == "all" { "--profile" } else { "--groups" }, groups]);
        let mut row = row(&format!("rheos, {name}, into Parquet"), &mut run, &capture)?;
        let accounts: Value = serde_json::from_str(&std::fs::read_to_string(&summary)?)?;
        row.rows = number(&accounts, "rows");
        rows.push(row);
    }
    for (name, groups) in SELECTIONS {
        let mut run = Command::new(&python);
        run.arg(&script).arg("rheos").arg(&capture).arg(groups);
        rows.push(row(&format!("rheos from Python, {name}, as Arrow"), &mut run, &capture)?);
    }
    for (name, dissections) in
        [("NFStream, statistics", "0"), ("NFStream, statistics and nDPI", "20")]
    {
        let mut run = Command::new(&python);
        run.arg(&script).arg("nfstream").arg(&capture).arg(dissections);
        rows.push(row(name, &mut run, &capture)?);
    }
    std::fs::remove_file(&capture)?;
    Ok(table(&rows, packets))
}

/// The best of [`RUNS`], each after the capture was read: the first to open a file would pay for all.
fn row(name: &str, run: &mut Command, capture: &Path) -> Result<Row> {
    let mut best: Option<Row> = None;
    for _ in 0..RUNS {
        std::io::copy(&mut File::open(capture)?, &mut std::io::sink())?;
        let line = steps::output(run)?;
        let last = line.lines().last().unwrap_or_default();
        let result: Value =
            serde_json::from_str(last).with_context(|| format!("{name} said: {line}"))?;
        let [cpu, wall, rows, columns, peak] =
            ["cpu_seconds", "seconds", "rows", "columns", "peak_bytes"]
                .map(|key| number(&result, key));
        if best.as_ref().is_none_or(|best| cpu < best.cpu) {
            best = Some(Row { name: name.to_owned(), cpu, wall, rows, columns, peak });
        }
    }
    println!("measured {name}");
    best.with_context(|| format!("{name} was not measured"))
}

/// Frames of the capture, as `pcap info` counts them.
fn packets(rheos: &Path, capture: &Path) -> Result<f64> {
    let mut info = Command::new(rheos);
    let told = steps::output(info.args(["pcap", "info", "--format", "json"]).arg(capture))?;
    let value: Value = serde_json::from_str(&told)?;
    value[0]["frames"].as_f64().context("`rheos pcap info` tells no frames")
}

/// A virtual environment with this package and our own, as `pip install` builds it: with the release profile.
pub(super) fn environment(root: &Path, folder: &Path, package: &str) -> Result<std::path::PathBuf> {
    let python = python::environment(&folder.join("venv"))?;
    steps::run(Command::new(&python).args(["-m", "pip", "install", "--quiet", package]))?;
    let mut ours = Command::new(&python);
    ours.args(["-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps"]);
    if let Some(target) = folder.parent() {
        ours.env("CARGO_TARGET_DIR", target);
    }
    steps::run(ours.arg(root.join("bindings/python")))?;
    Ok(python)
}

fn table(rows: &[Row], packets: f64) -> String {
    let mut text = format!(
        "the same capture file of {packets:.0} packets, the best of {RUNS} runs each:\n\n\
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
    if let [four, all, python_four, python_all, statistics, dissected] = rows {
        let times = |ours: &Row, theirs: &Row| theirs.cpu / ours.cpu;
        text += &format!(
            "\npackets per CPU-second: {:.1} times NFStream's with statistics by four groups; {:.1} times NFStream's with \
             statistics and nDPI by all groups, {:.1} times from Python. From Python {:.0} % of the binary's by four groups, \
             {:.0} % by all.\n",
            times(four, statistics),
            times(all, dissected),
            times(python_all, dissected),
            100.0 * times(python_four, four),
            100.0 * times(python_all, all),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_how_many_times_as_fast() {
        let cpu = [1.0, 2.0, 1.25, 2.5, 10.0, 20.0];
        let rows: Vec<Row> = cpu
            .into_iter()
            .map(|cpu| Row {
                name: format!("tool of {cpu} s"),
                cpu,
                wall: cpu,
                rows: 7.0,
                columns: 3.0,
                peak: f64::from(1 << 20),
            })
            .collect();
        let text = table(&rows, 100.0);
        assert!(text.contains("| tool of 2.5 s | 2.50 | 2.50 | 40 | 1 | 7 x 3 |"), "{text}");
        assert!(text.contains("10.0 times NFStream's with statistics by four groups"), "{text}");
        assert!(text.contains("and nDPI by all groups, 8.0 times from Python"), "{text}");
        assert!(text.contains("80 % of the binary's by four groups, 80 % by all"), "{text}");
    }
}
