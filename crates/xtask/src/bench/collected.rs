//! nfdump and ours on a file of nfcapd, to which our exporter sends.

use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::queries::{Bench, FILTER, Measured, QUERIES, cell, check, measured};
use crate::steps;

/// Records per second that are sent: nfcapd takes them from loopback without loss.
const PACE: u64 = 150_000;
/// How long nfcapd may take to start, to read what waits, and to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that may wait in nfcapd's socket.
const SOCKET_BYTES: u32 = 64 << 20;
const RUNS: usize = 3;

/// A table of both on the same file.
pub(super) fn compare(bench: &Bench, rows: u64) -> Result<String> {
    let folder = bench.folder.join("nfcapd");
    // What a run before left there would be taken for ours.
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let file = collected(bench, &folder, rows)?;
    let mut text = format!(
        "\n{rows} flows in a file of nfcapd, each a process of its own on one thread, the best of {RUNS} runs:\n\n\
         | query | rheos | nfdump |\n|---|--:|--:|\n"
    );
    for (query, (name, _)) in QUERIES.into_iter().enumerate() {
        let ours = bench.rheos(query, &file, 1, RUNS)?;
        let theirs = nfdump(bench, query, &file)?;
        let cells = format!("{} | {}", cell(&ours, rows), cell(&theirs, rows));
        check(name, &[("rheos", ours), ("nfdump", theirs)])?;
        text += &format!("| {name} | {cells} |\n");
    }
    println!("measured nfdump");
    fs::remove_dir_all(&folder)?;
    Ok(text)
}

/// A collector that ends with us.
struct Collector(Child);

impl Drop for Collector {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends the flows to a nfcapd of our own; its file, if nothing was lost.
fn collected(bench: &Bench, folder: &Path, rows: u64) -> Result<PathBuf> {
    let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut nfcapd = Command::new("nfcapd");
    nfcapd.args(["-b", "127.0.0.1", "-t", "86400", "-p", &port.to_string()]);
    nfcapd.args(["-B", &SOCKET_BYTES.to_string(), "-w"]).arg(folder);
    nfcapd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let nfcapd = nfcapd.spawn();
    let mut nfcapd = Collector(nfcapd.context("cannot start `nfcapd`: install Debian's `nfdump`")?);
    wait("nfcapd to listen", || waiting(port).is_some())?;
    let mut send = Command::new(&bench.rheos);
    send.args(["gen", "flows", "--quiet", "--count", &rows.to_string(), "--plan"]);
    send.arg(bench.plan()?).args(["--protocol", "netflow9", "--pace", &PACE.to_string()]);
    steps::run(send.args(["--to", &format!("127.0.0.1:{port}")]))?;
    wait("nfcapd to read all", || waiting(port) == Some(0))?;
    steps::run(Command::new("kill").args(["-TERM", &nfcapd.0.id().to_string()]))?;
    let child = &mut nfcapd.0;
    wait("nfcapd to end", || matches!(child.try_wait(), Ok(Some(_))))?;
    let files: Vec<PathBuf> = fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    let [file] = &files[..] else { bail!("nfcapd wrote not one file but {}", files.len()) };
    let told = steps::output(Command::new("nfdump").args(["-I", "-r"]).arg(file))?;
    let flows = told.lines().find_map(|line| line.strip_prefix("Flows:")?.trim().parse().ok());
    if flows != Some(rows) {
        bail!("nfcapd has {flows:?} of {rows} flows");
    }
    Ok(file.clone())
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() > end {
            bail!("waited in vain for {what}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Bytes that wait in the socket on this port; nothing if there is none.
fn waiting(port: u16) -> Option<u64> {
    let table = fs::read_to_string("/proc/net/udp").ok()?;
    let suffix = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let local = words.next()?;
        let (_, receive) = words.nth(2)?.split_once(':')?;
        local.ends_with(&suffix).then(|| u64::from_str_radix(receive, 16).ok())?
    })
}

/// The same question in nfdump's words.
fn nfdump(bench: &Bench, query: usize, file: &Path) -> Result<Measured> {
    let mut run = Command::new("nfdump");
    run.arg("-r").arg(file).args(["-q", "-N"]);
    match QUERIES[query].0 {
        "filter" => run.args(["-s", "proto/flows", "-n", "1", "-o", "csv", FILTER]),
        "srcip" => run.args(["-s", "srcip/bytes", "-n", "10", "-o", "csv"]),
        "dstport" => run.args(["-s", "dstport/bytes", "-n", "10", "-o", "csv"]),
        "srcip_dstport" => run.args(["-A", "srcip,dstport", "-O", "bytes", "-n", "10"]),
        _ => run.args(["-s", "record/bytes", "-n", "10"]),
    };
    let is_list = run.get_args().all(|word| word != "csv");
    if is_list {
        run.args(["-o", "fmt:%fl,%pkt,%byt"]);
    }
    let mut told = bench.program(&run, RUNS)?;
    let rows = told["answer"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rows: Vec<Value> = rows.iter().filter_map(|row| numbers(row, is_list)).collect();
    told["answer"] = Value::Array(rows);
    let mut one = measured(&told)?;
    if QUERIES[query].0 == "filter" {
        one.answer.iter_mut().for_each(|row| row.truncate(1));
    }
    Ok(one)
}

/// Flows, packets and bytes of a line: of three columns, or of nfdump's CSV of statistics, which has them beside
/// their percentages behind five others. Titles and empty lines have no numbers.
fn numbers(row: &Value, is_list: bool) -> Option<Value> {
    let places = if is_list { [0, 1, 2] } else { [5, 7, 9] };
    let cells = places.map(|place| row.get(place).filter(|cell| is_number(cell)).cloned());
    cells.into_iter().collect::<Option<Vec<Value>>>().map(Value::Array)
}

fn is_number(cell: &Value) -> bool {
    cell.as_str().is_some_and(|text| text.trim().parse::<u64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_nfdump_are_read() {
        let row = |line: &str| Value::from(line.split(',').collect::<Vec<_>>());
        let line = "2024-01-01 00:00:00,2024-01-01 00:06:03,363.9,TCP,6,1048,100.0,3813148,100.0,379,100.0,1,2,3";
        assert_eq!(numbers(&row(line), false), Some(row("1048,3813148,379")));
        assert_eq!(numbers(&row("ts,te,td,pr,val,fl,flP,ipkt,ipktP,ibyt,ibytP"), false), None);
        assert_eq!(
            numbers(&row("   2, 637799,696255732"), true),
            Some(row("   2, 637799,696255732"))
        );
        assert_eq!(numbers(&row(""), true), None);
    }
}
