//! HTTP/1 against what Zeek says of public captures.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::frames::{config, extract};
use super::road::{batches_of, corpus};
use super::rows::{Row, Value};

/// What is said of a connection: requests, method, host and status of the first ones.
#[derive(Clone, Debug, Default, PartialEq)]
struct Said {
    requests: u64,
    method: String,
    host: String,
    status: String,
}

/// Tests whose log says something else, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("core.tunnels.teredo_bubble_with_payload", "Teredo beside its port is not looked into"),
    (
        "scripts.base.protocols.http.http-methods",
        "most request lines are broken on purpose, without a sound version",
    ),
    ("scripts.policy.protocols.ssl.decryption", "nothing is decrypted"),
    ("spicy.protocol-analyzer-data-in", "the test's own analyzer makes the messages up"),
    (
        "spicy.protocol-analyzer-data-in-from-tcp-to-udp",
        "the test's own analyzer makes the messages up",
    ),
    (
        "scripts.base.protocols.http.http-bad-request-with-version",
        "bytes before the request: no method begins it",
    ),
    (
        "scripts.base.protocols.http.no-uri",
        "a request line without a target is none (RFC 9112, section 3)",
    ),
];

/// By `address:port>address:port`.
type Connections = HashMap<String, Said>;

fn zeek(log: &Path) -> Connections {
    let text = fs::read_to_string(log).unwrap_or_default();
    let mut names: Vec<&str> = Vec::new();
    let mut said = Connections::new();
    for line in text.lines() {
        if let Some(fields) = line.strip_prefix("#fields\t") {
            names = fields.split('\t').collect();
        }
        if line.starts_with('#') {
            continue;
        }
        let fields: HashMap<_, _> = names.iter().copied().zip(line.split('\t')).collect();
        let get = |name| fields.get(name).map_or("", |value| value.trim_matches('-')).to_owned();
        let raw = |name| fields.get(name).copied();
        let ends = ["id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"].map(raw);
        // Some tests write a log of their own.
        let [Some(src), Some(src_port), Some(dst), Some(dst_port)] = ends else { continue };
        let key = format!("{src}:{src_port}>{dst}:{dst_port}");
        let said = said.entry(key).or_default();
        // Answers without a request and lines that are none have no method.
        if get("method").is_empty() || get("version").is_empty() {
            continue;
        }
        if said.requests == 0 {
            *said = Said {
                requests: 0,
                method: get("method"),
                host: get("host"),
                status: get("status_code"),
            };
        }
        said.requests += 1;
    }
    said
}

fn ours(capture: &Path) -> Connections {
    let (out, _) = extract(&config(1), &batches_of(capture));
    let rows = out.iter().flat_map(Row::all).filter(|row| row.get("http_requests") != Value::Null);
    let text = |row: &Row, name| match row.get(name) {
        Value::Text(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let said = |row: Row| {
        let end = |host, port| format!("{}:{}", text(&row, host), text(&row, port));
        let key = format!("{}>{}", end("src_ip", "src_port"), end("dst_ip", "dst_port"));
        let said = Said {
            requests: row.number("http_requests") as u64,
            method: text(&row, "http_method"),
            host: text(&row, "http_host"),
            status: text(&row, "http_status"),
        };
        (key, said)
    };
    rows.map(said).collect()
}

#[test]
fn requests_and_answers_agree_with_zeek() {
    let root = corpus().join("zeek");
    let Ok(index) = fs::read_to_string(root.join("index.tsv")) else {
        return println!("skipped: no captures in {}", root.display());
    };
    let (mut same, mut different) = (0, Vec::new());
    for line in index.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [test, capture, logs, ..] = fields[..] else { continue };
        if !logs.contains("http.log") || DIFFERENT.iter().any(|(name, _)| *name == test) {
            continue;
        }
        let want = zeek(&root.join("expected").join(test).join("http.log"));
        let got = ours(&root.join(capture));
        for (key, want) in want.iter().filter(|(_, said)| said.requests > 0) {
            match got.get(key) {
                Some(got) if got == want => same += 1,
                got => different
                    .push(format!("{test} {capture} {key}\n  zeek {want:?}\n  ours {got:?}")),
            }
        }
    }
    println!("{same} connections agree");
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
    assert!(same >= 16, "{same}");
}
