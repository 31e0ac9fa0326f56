//! Flow records per second: from Rust by criterion, from C++ and Python by a program each, and into files.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{folder, number, peer};
use crate::steps;

/// Prints one line of JSON.
const SCRIPT: &str = include_str!("flowgen.py");
/// Records that C++ and Python make in one run, and that go into a file.
const RECORDS: u64 = 40_000_000;
const FILE_RECORDS: u64 = 10_000_000;
/// Runs of which the best counts.
const RUNS: usize = 3;

/// A benchmark's group with its function, and what it is called in the table.
type Function = (&'static str, &'static str);

/// Criterion's benchmarks: the package, the benchmark, and its functions.
const BENCHES: [(&str, &str, &[Function]); 2] = [
    (
        "rheos-gen",
        "flows",
        &[
            ("flows/fill_scalar", "Rust, 1024 records, scalar"),
            ("flows/fill_avx512", "Rust, 1024 records, AVX-512"),
            ("flows/next", "Rust, one by one"),
            ("flows/columns", "Rust, into columns"),
            ("flows/wide", "Rust, wide records"),
            ("flows/campus_scalar", "Rust, a campus, scalar"),
            ("flows/campus_avx2", "Rust, a campus, AVX2"),
            ("flows/campus_avx512", "Rust, a campus, AVX-512"),
            ("flows/office_scalar", "Rust, conversations, scalar"),
            ("flows/office_avx2", "Rust, conversations, AVX2"),
            ("flows/office_avx512", "Rust, conversations, AVX-512"),
            ("text/csv", "formatting CSV"),
            ("text/json_lines", "formatting JSON Lines"),
        ],
    ),
    (
        "rheos-wire",
        "export",
        &[
            ("export/encode/netflow5", "encoding NetFlow 5"),
            ("export/encode/netflow9", "encoding NetFlow 9"),
            ("export/encode/ipfix", "encoding IPFIX"),
            ("export/encode/sflow5", "encoding sFlow 5"),
        ],
    ),
];

/// Files, written by the command line on one thread.
const FILES: [&str; 5] = ["flows.csv", "flows.jsonl", "flows.arrow", "flows.parquet", "flows.raw"];

/// A table of all.
pub(super) fn measure(root: &Path, rheos: &Path) -> Result<String> {
    let mut lines: Vec<(String, f64)> = Vec::new();
    for (package, bench, functions) in BENCHES {
        let mut run = steps::cargo(root);
        run.args(["bench", "--quiet", "-p", package, "--bench", bench, "--"]);
        run.args(["--warm-up-time", "0.5", "--measurement-time", "1.5"]);
        steps::output(&mut run)?;
        for (function, name) in functions {
            // A processor without AVX-512 has no figure of it.
            lines.extend(criterion(root, function)?.map(|rate| ((*name).to_owned(), rate)));
        }
        println!("measured {package}");
    }
    lines.extend(cpp(root)?);
    println!("measured C++");
    lines.extend(python(root)?);
    println!("measured Python");
    for file in FILES {
        lines.push((format!("`rheos gen flows`, {file}"), into_file(root, rheos, file)?));
    }
    let mut text = String::from("| flow records on one thread | M records/s |\n|---|--:|\n");
    for (name, rate) in lines {
        text += &format!("| {name} | {:.1} |\n", rate / 1e6);
    }
    Ok(text)
}

/// The median that criterion left of a benchmark, as elements per second.
fn criterion(root: &Path, function: &str) -> Result<Option<f64>> {
    let folder = folder(root)?.with_file_name("criterion").join(function).join("new");
    if !folder.is_dir() {
        return Ok(None);
    }
    let read = |name: &str| -> Result<Value> {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        Ok(serde_json::from_str(&text)?)
    };
    let median = number(&read("estimates.json")?["median"], "point_estimate");
    let elements = number(&read("benchmark.json")?["throughput"], "Elements");
    Ok(Some(elements / median * 1e9))
}

/// The example that measures, with the release library.
fn cpp(root: &Path) -> Result<Vec<(String, f64)>> {
    let mut build = steps::cargo(root);
    steps::run(build.args(["build", "--quiet", "--release", "-p", "rheos-c"]))?;
    let folder = folder(root)?;
    let library = folder.with_file_name("release");
    let program = folder.join("measure");
    let mut compile = Command::new("g++");
    compile
        .args(["-O2", "-std=c++17"])
        .arg(format!("-I{}", root.join("bindings/c/include").display()));
    compile.arg(root.join("bindings/c/examples/measure.cpp")).arg("-o").arg(&program);
    // The library has the name with its version, too, as the loader asks for it.
    let link = library.join("librheos.so.0");
    if !link.exists() {
        std::os::unix::fs::symlink("librheos.so", &link)?;
    }
    compile.arg(format!("-L{}", library.display())).args(["-lrheos", "-lpthread"]);
    steps::run(&mut compile)?;
    let mut run = Command::new(&program);
    let told = steps::output(run.env("LD_LIBRARY_PATH", &library).arg(RECORDS.to_string()))?;
    Ok(told.lines().filter_map(rate_of).collect())
}

/// `fill of 1024                582 M records/s`.
fn rate_of(line: &str) -> Option<(String, f64)> {
    let (name, rate) = line.strip_suffix("M records/s")?.trim_end().rsplit_once(' ')?;
    Some((format!("C++, {}", name.trim_end()), rate.parse::<f64>().ok()? * 1e6))
}

fn python(root: &Path) -> Result<Vec<(String, f64)>> {
    let folder = folder(root)?;
    let python = peer::environment(root, &folder, "numpy")?;
    let script: PathBuf = folder.join("flowgen.py");
    std::fs::write(&script, SCRIPT)?;
    let mut run = Command::new(&python);
    let told = steps::output(run.current_dir(root).arg(&script).arg(RECORDS.to_string()))?;
    let rates: serde_json::Map<String, Value> = serde_json::from_str(&told)?;
    let line = |(name, rate): (String, Value)| {
        (format!("Python, {name}"), rate.as_f64().unwrap_or(f64::NAN))
    };
    Ok(rates.into_iter().map(line).collect())
}

/// Records per CPU-second into a new file of this name: replacing one makes the system bring it to the disk at once.
fn into_file(root: &Path, rheos: &Path, name: &str) -> Result<f64> {
    let folder = folder(root)?;
    let script = folder.join("measure.py");
    std::fs::write(&script, peer::SCRIPT)?;
    let file = folder.join(name);
    let mut best = 0.0_f64;
    for _ in 0..RUNS {
        let mut run = Command::new("python3");
        run.arg(&script).arg("run").arg(rheos).args(["gen", "flows", "--quiet", "--force"]);
        run.args(["-n", &FILE_RECORDS.to_string(), "--threads", "1", "-o"]).arg(&file);
        let told: Value = serde_json::from_str(&steps::output(&mut run)?)?;
        best = best.max(FILE_RECORDS as f64 / number(&told, "cpu_seconds"));
        std::fs::remove_file(&file)?;
    }
    println!("measured {name}");
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_lines_are_read() {
        let line = "fill of 1024                582 M records/s";
        assert_eq!(rate_of(line), Some(("C++, fill of 1024".to_owned(), 582e6)));
        assert_eq!(rate_of("checksum 5"), None);
    }
}
