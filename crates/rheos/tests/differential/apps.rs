//! What our detector calls each flow, beside what tshark calls it.
//!
//! tshark decides mostly by ports and heuristics of each dissector, ours by bytes: the table of both is printed and
//! compared with the committed one in `docs/detector.md`. Where both name a protocol and not the same, the flow is
//! listed with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::corpus;
use crate::listed::{self, Difference};
use crate::page;
use crate::rows;
use crate::tshark::{self, Columns, Key};

const DIFFERENCES: &str = "apps-differences.tsv";
/// The page with the table.
const PAGE: &str = "docs/detector.md";
/// How many flows the comparison must cover.
const FLOWS_MIN: usize = 1000;
/// How many of the flows that tshark names must have the same name from us, in percent.
const SAME_MIN: f64 = 90.0;

/// tshark's names and ours, where they differ. What is above one of these is part of it.
const NAMES: &[(&str, &str)] = &[
    ("bt-dht", "bittorrent"),
    ("bt-utp", "bittorrent"),
    ("cldap", "ldap"),
    ("classicstun", "stun"),
    ("gquic", "quic"),
    ("isakmp", "ike"),
    ("mbtcp", "modbus"),
    ("memcache", "memcached"),
    ("mongo", "mongodb"),
    ("nbss", "smb"),
    ("pgsql", "postgres"),
    ("pop", "pop3"),
    ("portmap", "rpc"),
    ("resp", "redis"),
    ("tpkt", "rdp"),
    ("cotp", "rdp"),
    ("udpencap", "esp"),
    ("wg", "wireguard"),
];

/// What tshark says of what it does not know, and of bytes that other packets complete.
const NOTHING: &[&str] = &["data", "malformed", "segments", "unreassembled", "short"];

/// The protocols of a flow in order of appearance, by each tool.
#[derive(Clone, Debug, Default)]
struct Called {
    ours: BTreeSet<String>,
    stacks: BTreeSet<String>,
    theirs: Vec<String>,
}

type Flows = BTreeMap<Key, Called>;

const COLUMNS: &str = "src_ip,dst_ip,src_port,dst_port,protocol,app,app_stack";

/// What both tools call the flows of a capture in which we saw payload.
fn compare(capture: &Path) -> Flows {
    let mut flows = Flows::new();
    for row in rows::cells(capture, COLUMNS, rows::WHOLE, &[]) {
        let end = |ip: &str, port: &str| -> Option<(IpAddr, u16)> {
            Some((row.get(ip)?.parse().ok()?, row.get(port)?.parse().ok()?))
        };
        let (Some(src), Some(dst)) = (end("src_ip", "src_port"), end("dst_ip", "dst_port")) else {
            continue;
        };
        let protocol: u8 = row["protocol"].parse().expect("a number");
        if !matches!(protocol, 6 | 17) || row["app"].is_empty() {
            continue;
        }
        let (key, _) = tshark::key([src, dst], protocol);
        let called = flows.entry(key).or_default();
        called.ours.insert(row["app"].clone());
        let stack = if row["app_stack"].is_empty() { &row["app"] } else { &row["app_stack"] };
        called.stacks.insert(stack.clone());
    }
    for line in &tshark::ask(capture) {
        let Some(columns) = Columns::of(line) else { continue };
        let Some(packet) = tshark::innermost(&columns) else { continue };
        let (key, _) = tshark::key(packet.ends, packet.protocol);
        let Some(called) = flows.get_mut(&key) else { continue };
        let protocols = columns.text("frame.protocols", 0).unwrap_or_default();
        if let Some(name) = name(protocols)
            && !called.theirs.contains(&name)
        {
            called.theirs.push(name);
        }
    }
    flows
}

/// tshark's name of what the innermost transport carries, in our words.
fn name(protocols: &str) -> Option<String> {
    let layers: Vec<&str> = protocols.split(':').collect();
    let transport = layers.iter().rposition(|layer| matches!(*layer, "tcp" | "udp"))?;
    let nothing = |layer: &&str| layer.starts_with("_ws") || NOTHING.contains(layer);
    let above = *layers.get(transport + 1..)?.iter().find(|layer| !nothing(layer))?;
    // HTTP/2 in clear text lies in tshark's HTTP where it was upgraded.
    let renamed = NAMES.iter().find(|(theirs, _)| *theirs == above);
    Some(renamed.map_or(above, |(_, ours)| ours).to_owned())
}

/// One line of the table.
#[derive(Clone, Debug, Default)]
struct Line {
    same: usize,
    unknown: usize,
    others: BTreeMap<String, usize>,
}

impl Line {
    fn flows(&self) -> usize {
        self.same + self.unknown + self.others.values().sum::<usize>()
    }
}

/// Whether one of our protocols in the flow is what tshark names, and what else we call it.
fn judge(called: &Called, table: &mut BTreeMap<String, Line>) -> Option<(String, String)> {
    let theirs = called.theirs.first().cloned().unwrap_or_else(|| "(nothing)".to_owned());
    let line = table.entry(theirs.clone()).or_default();
    let stacked: BTreeSet<&str> = called.stacks.iter().flat_map(|stack| stack.split('>')).collect();
    if called.theirs.iter().any(|name| stacked.contains(&**name)) {
        line.same += 1;
        return None;
    }
    let named: Vec<&str> = stacked.iter().copied().filter(|name| *name != "unknown").collect();
    if named.is_empty() {
        if called.theirs.is_empty() {
            line.same += 1;
        } else {
            line.unknown += 1;
        }
        return None;
    }
    let ours = named.join(" ");
    *line.others.entry(ours.clone()).or_default() += 1;
    (!called.theirs.is_empty()).then(|| (ours, called.theirs.join(" ")))
}

fn markdown(table: &BTreeMap<String, Line>) -> String {
    let mut text = String::from(
        "| tshark | flows | same | unknown to us | we say otherwise |\n|---|---:|---:|---:|---|\n",
    );
    for (theirs, line) in table {
        let others: Vec<String> =
            line.others.iter().map(|(ours, count)| format!("{ours} ({count})")).collect();
        let _ = writeln!(
            text,
            "| {theirs} | {} | {} | {} | {} |",
            line.flows(),
            line.same,
            line.unknown,
            others.join(", ")
        );
    }
    text
}

#[test]
fn flows_are_called_what_tshark_calls_them() {
    let Some(root) = corpus::root() else { return };
    if !corpus::has_tool("tshark", "tshark") {
        return;
    }
    let folders = ["zeek", "ja4", "suricata"];
    let captures: Vec<PathBuf> =
        folders.iter().flat_map(|folder| corpus::captures(&root, folder)).collect();
    let compared = corpus::on_all_cores(&captures, |capture| compare(capture));
    let mut table = BTreeMap::new();
    let mut differences = Vec::new();
    let mut flows = 0;
    for (capture, called_by_key) in captures.iter().zip(&compared) {
        let case = corpus::name(capture);
        for (key, called) in called_by_key {
            flows += 1;
            let is = |name: &str| called.theirs.iter().any(|theirs| theirs == name);
            let we = |name: &str| called.ours.contains(name);
            assert!(!(is("dns") && we("quic")), "{case}: a DNS flow called QUIC: {key:?}");
            assert!(!(is("tls") && we("http2")), "{case}: a TLS flow called HTTP/2: {key:?}");
            if let Some((ours, theirs)) = judge(called, &mut table) {
                differences.push(Difference {
                    case: case.clone(),
                    connection: key.to_string(),
                    field: "app",
                    ours,
                    theirs,
                });
            }
        }
    }
    let text = markdown(&table);
    println!("{text}");
    let named: usize =
        table.iter().filter(|(name, _)| *name != "(nothing)").map(|(_, l)| l.flows()).sum();
    let same: usize =
        table.iter().filter(|(name, _)| *name != "(nothing)").map(|(_, l)| l.same).sum();
    let percent = listed::percent(same as u64, named as u64);
    println!("{same} of {named} flows that tshark names have that name from us: {percent:.2} %");
    assert!(flows >= FLOWS_MIN, "only {flows} flows");
    assert!(percent >= SAME_MIN, "only {percent:.2} % of the named flows have the same name");
    listed::judge(DIFFERENCES, "tshark", &differences);
    page::compare(PAGE, "confusion table", &text);
}

#[test]
fn names_are_those_above_the_innermost_transport() {
    assert_eq!(name("eth:ethertype:ip:tcp:nbss:smb2"), Some("smb".into()));
    assert_eq!(name("eth:ip:udp:vxlan:eth:ip:tcp:tls:tls"), Some("tls".into()));
    assert_eq!(name("eth:ip:tcp:_ws.short"), None);
    assert_eq!(name("eth:ip:udp:data"), None);
    assert_eq!(name("eth:ip:tcp"), None);
}
