//! Files of nfcapd, read as nfdump reads them. A tool that is missing fails the test with the command that installs it.

#![allow(clippy::unwrap_used, reason = "tests stop at what they do not expect")]

#[path = "../../../rheos-gen/tests/it/collectors/daemon.rs"]
mod daemon;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::run::Sandbox;
use daemon::{Daemon, free_port, output};

/// Made records that a nfcapd of its own has written.
fn collected(sandbox: &Sandbox, protocol: &str, compression: &str) -> PathBuf {
    let folder = sandbox.path(protocol);
    fs::create_dir(&folder).unwrap();
    let port = free_port();
    let number = port.to_string();
    let mut args = vec!["-b", "127.0.0.1", "-p", &number, "-t", "3600", "-w"];
    args.push(folder.to_str().unwrap());
    args.extend(compression.split_whitespace());
    let nfcapd = Daemon::start("nfcapd", "nfdump", &args, port);
    let line = format!(
        "gen flows -n 3000 --reversed 30% --sizes 60-1500 --to 127.0.0.1:{port} --protocol {protocol} --pace 20k"
    );
    let sent = sandbox.command(&line).output().unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    nfcapd.drain();
    nfcapd.terminate();
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files = files.filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("nfcapd.") && name != "nfcapd.current"
    });
    files.next().unwrap()
}

/// What nfdump says of the whole file: name and number.
fn told(file: &Path) -> BTreeMap<String, u64> {
    output("nfdump", "nfdump", &["-I", "-r", file.to_str().unwrap()])
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter_map(|(name, value)| Some((name.to_owned(), value.trim().parse().ok()?)))
        .collect()
}

fn json(sandbox: &Sandbox, line: &str) -> Value {
    let run = sandbox.command(line).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&run.stdout).unwrap()
}

/// Plain files, and those of nfcapd's compressions.
#[test]
fn aggregates_are_those_of_nfdump() {
    let sandbox = Sandbox::new();
    for (protocol, compression) in [("netflow5", ""), ("netflow9", "-z"), ("ipfix", "-y")] {
        let file = collected(&sandbox, protocol, compression);
        let name = file.to_str().unwrap();
        let expected = told(&file);
        let groups = json(&sandbox, &format!("flows aggregate {name} --by proto --format json"));
        for (number, label) in [(6, "tcp"), (17, "udp")] {
            let rows = groups["rows"].as_array().unwrap();
            let row = rows.iter().find(|row| row["proto"] == number || row["protocol"] == number);
            let row = row.unwrap_or_else(|| panic!("{label}: {groups}"));
            for (ours, theirs) in [("flows", "Flows"), ("packets", "Packets"), ("bytes", "Bytes")] {
                let theirs = expected[&format!("{theirs}_{label}")];
                assert_eq!(row[ours].as_u64(), Some(theirs), "{protocol} {label} {ours}");
            }
        }
        assert_eq!(groups["total"]["flows"], 3000);
        // The busiest servers, which nfdump ranks by bytes, too.
        let top =
            json(&sandbox, &format!("flows aggregate {name} --by dstip --top 5 --format json"));
        let lines = output(
            "nfdump",
            "nfdump",
            &["-r", name, "-q", "-N", "-n", "5", "-s", "dstip/bytes", "-o", "csv"],
        );
        let mut theirs = lines.lines().filter(|line| line.split(',').count() > 10).skip(1);
        for row in top["rows"].as_array().unwrap() {
            let line = theirs.next().unwrap();
            let fields: Vec<&str> = line.split(',').collect();
            let bytes = row["bytes"].as_u64().unwrap().to_string();
            assert!(fields.contains(&bytes.as_str()), "{line} {row}");
        }
    }
}
