//! Every capture of the corpus, in every encoding, on one thread and on two: no panic, every packet
//! accounted for, and always the same rows.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::corpus;
use crate::encodings::{self, Pcap};
use crate::rows;

const FOLDERS: &[&str] = &["zeek", "ja4", "suricata", "tcpdump"];

/// One run of the binary over one input.
struct Run {
    code: Option<i32>,
    rows: Vec<u8>,
    told: String,
    accounts: Option<Value>,
}

/// What one capture came to.
#[derive(Default)]
struct Outcome {
    complaints: Vec<String>,
    /// Inputs, among them those that were cut on purpose, that ended with exit code 1.
    damaged: u64,
    frames: u64,
    packets: u64,
    drops: u64,
    runs: u64,
}

#[test]
fn every_capture_is_accounted_for_and_gives_the_same_rows_in_every_way() {
    let Some(root) = corpus::root() else { return };
    let captures: Vec<PathBuf> =
        FOLDERS.iter().flat_map(|folder| corpus::captures(&root, folder)).collect();
    let outcomes = corpus::on_all_cores(&captures, |capture| check(capture));
    let mut all = Outcome::default();
    for outcome in outcomes {
        all.complaints.extend(outcome.complaints);
        all.damaged += outcome.damaged;
        all.frames += outcome.frames;
        all.packets += outcome.packets;
        all.drops += outcome.drops;
        all.runs += outcome.runs;
    }
    let Outcome { complaints, damaged, frames, packets, drops, runs } = all;
    println!(
        "{} captures and their first two thirds ({damaged} damaged) in {runs} runs: {frames} frames, {packets} packets, {drops} dropped",
        captures.len()
    );
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn the_benchmarks_capture_gives_the_same_rows_in_every_way() {
    let Some(root) = corpus::root() else { return };
    let packed = std::fs::read(root.join("bench.pcap.zst")).expect("the corpus has it");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bench.pcap");
    std::fs::write(&path, zstd::decode_all(&packed[..]).expect("it is whole"))
        .expect("room for it");
    let outcome = check(&path);
    assert!(outcome.complaints.is_empty(), "{}", outcome.complaints.join("\n"));
    assert!(outcome.frames > 39_000 && outcome.damaged == 1);
}

/// Checks a capture, and the first two thirds of it as a capture that was cut.
fn check(capture: &Path) -> Outcome {
    let name = corpus::name(capture);
    let bytes = std::fs::read(capture).expect("the corpus can be read");
    let folder = tempfile::tempdir().expect("a folder");
    let mut outcome = Outcome::default();
    ways(&name, capture, &bytes, folder.path(), &mut outcome);
    let cut = &bytes[..bytes.len() * 2 / 3];
    if !is_packed(capture) && Pcap::read(cut).is_some() {
        let path = folder.path().join("cut");
        std::fs::write(&path, cut).expect("room for a capture");
        ways(&format!("{name}, cut"), &path, cut, folder.path(), &mut outcome);
    }
    outcome
}

fn is_packed(capture: &Path) -> bool {
    capture.extension().is_some_and(|e| e == "gz")
}

/// One capture in every way: its accounts once, and the same rows always.
fn ways(name: &str, capture: &Path, bytes: &[u8], folder: &Path, outcome: &mut Outcome) {
    let plain = run(capture, "1", folder, None);
    outcome.runs += 1;
    if !matches!(plain.code, Some(0 | 1)) {
        outcome.complaints.push(format!("{name}: exit code {:?}: {}", plain.code, plain.told));
        return;
    }
    outcome.damaged += u64::from(plain.code == Some(1));
    account(name, bytes, &plain, outcome);

    let mut ways: Vec<(&str, PathBuf, Option<&[u8]>)> = vec![
        ("two threads", capture.to_path_buf(), None),
        ("standard input", PathBuf::from("-"), Some(bytes)),
    ];
    let mut write = |way: &'static str, file: &str, bytes: Vec<u8>| {
        let path = folder.join(file);
        std::fs::write(&path, bytes).expect("room for a capture");
        ways.push((way, path, None));
    };
    if !is_packed(capture) {
        write("gzip", "a.gz", encodings::gzip(bytes));
        write("zstd", "a.zst", encodings::zstd(bytes));
        write("lz4", "a.lz4", encodings::lz4(bytes));
    }
    // The damage itself has no place in the pcapng copy.
    if let Some(pcap) = Pcap::read(bytes).filter(|_| plain.code == Some(0)) {
        write("pcapng", "a.pcapng", pcap.to_pcapng());
    }
    for (way, path, input) in ways {
        let threads = if way == "two threads" { "2" } else { "1" };
        let other = run(&path, threads, folder, input);
        outcome.runs += 1;
        let complaint = if other.code != plain.code {
            format!("{name}: {way}: exit code {:?}: {}", other.code, other.told)
        } else if other.rows != plain.rows {
            format!("{name}: {way}: {}", first_difference(&plain.rows, &other.rows))
        } else {
            continue;
        };
        outcome.complaints.push(complaint);
    }
}

/// Runs the binary with all columns.
fn run(input: &Path, threads: &str, folder: &Path, standard_input: Option<&[u8]>) -> Run {
    let summary = folder.join("summary.json");
    let _ = std::fs::remove_file(&summary);
    let mut command = rows::rheos();
    command.args([
        "features",
        "extract",
        "--format",
        "csv",
        "--profile",
        "all",
        "--threads",
        threads,
    ]);
    command.arg("--summary").arg(&summary).arg(input);
    command.stdin(if standard_input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let feed = child.stdin.take().zip(standard_input);
    let out = std::thread::scope(|scope| {
        // A reader that had enough closes the pipe; what it made of the input is judged by its output.
        scope.spawn(|| feed.map(|(mut pipe, bytes)| pipe.write_all(bytes)));
        child.wait_with_output().expect("the binary ends")
    });
    let accounts = std::fs::read_to_string(&summary).ok();
    Run {
        code: out.status.code(),
        rows: out.stdout,
        told: String::from_utf8_lossy(&out.stderr).into_owned(),
        accounts: accounts.and_then(|text| serde_json::from_str(&text).ok()),
    }
}

/// Frames in = packets in rows + absorbed fragments + drops by reason; and as many frames as the file has.
fn account(name: &str, bytes: &[u8], run: &Run, outcome: &mut Outcome) {
    let Some(accounts) = &run.accounts else {
        outcome.complaints.push(format!("{name}: no accounts"));
        return;
    };
    let count = |key: &str| accounts[key].as_u64().unwrap_or(u64::MAX / 8);
    let (frames, packets, absorbed) = (count("frames"), count("packets"), count("absorbed"));
    let drops = accounts["drops"]
        .as_object()
        .map_or(0, |drops| drops.values().filter_map(Value::as_u64).sum());
    if frames != packets + absorbed + drops {
        outcome.complaints.push(format!("{name}: {frames} frames are not {packets} packets, {absorbed} absorbed and {drops} drops"));
    }
    let in_rows = packets_in(&run.rows);
    if in_rows != packets {
        outcome.complaints.push(format!("{name}: rows hold {in_rows} of {packets} packets"));
    }
    if let Some(pcap) = Pcap::read(bytes)
        && pcap.records.len() as u64 != frames
    {
        let records = pcap.records.len();
        outcome
            .complaints
            .push(format!("{name}: the file has {records} records, {frames} frames were read"));
    }
    outcome.frames += frames;
    outcome.packets += packets;
    outcome.drops += drops;
}

/// The sum of the rows' packets.
fn packets_in(csv: &[u8]) -> u64 {
    let mut reader = csv::Reader::from_reader(csv);
    let header = reader.headers().expect("rows have a header").clone();
    let column =
        header.iter().position(|name| name == "total_packets").expect("a column of packets");
    reader
        .records()
        .map(|row| row.expect("rows are CSV")[column].parse::<u64>().expect("a count"))
        .sum()
}

fn first_difference(plain: &[u8], other: &[u8]) -> String {
    let (plain, other) = (String::from_utf8_lossy(plain), String::from_utf8_lossy(other));
    if plain.lines().count() != other.lines().count() {
        return format!("{} lines instead of {}", other.lines().count(), plain.lines().count());
    }
    let names: Vec<&str> = plain.lines().next().unwrap_or_default().split(',').collect();
    for (row, (a, b)) in plain.lines().zip(other.lines()).enumerate() {
        for (column, (a, b)) in a.split(',').zip(b.split(',')).enumerate() {
            if a != b {
                return format!(
                    "row {row}, `{}`: {b} instead of {a}",
                    names.get(column).unwrap_or(&"?")
                );
            }
        }
    }
    "the bytes differ".into()
}
