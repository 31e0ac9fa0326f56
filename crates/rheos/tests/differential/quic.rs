//! Our QUIC rows beside what tshark, Zeek and the authors of JA4 say of the same captures.
//!
//! A connection is named by its two ends, as tshark's and Zeek's lines tell them. Where tshark
//! decrypted a hello, ours must say the same; it knows QUIC by its port and by heuristics that are off by default.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::corpus;
use crate::dissected;
use crate::listed::{self, Agreement, Difference};
use crate::{rows, spoken, zeek_log};

const TSHARK_DIFFERENCES: &str = "quic-tshark-differences.tsv";
const ZEEK_DIFFERENCES: &str = "quic-zeek-differences.tsv";
/// The share of Zeek's rows that must agree in every field, in percent.
const ZEEK_AGREE_MIN: f64 = 98.0;
/// How many connections of each oracle the captures have at least.
const TSHARK_CONNECTIONS_MIN: usize = 44;
const ZEEK_ROWS_MIN: u64 = 8;
const JA4_ROWS_MIN: usize = 29;

const COLUMNS: &str = "src_ip,dst_ip,src_port,dst_port,protocol,start_time,quic_detected,quic_version,quic_sni,\
    quic_alpn_offered,quic_ja3,quic_ja4,quic_client_dcid,quic_client_scid,quic_server_scid,quic_cipher_suite";

/// Addresses and ports, the lower end first.
type Ends = [(IpAddr, u16); 2];

fn in_order(a: (IpAddr, u16), b: (IpAddr, u16)) -> Ends {
    [a.min(b), a.max(b)]
}

fn shown(ends: &Ends) -> String {
    let [a, b] = ends;
    format!("{} {} - {} {}", a.0, a.1, b.0, b.1)
}

/// What is known of a connection, by the names of [`FIELDS`] and, in Zeek's, of its own.
type Facts = BTreeMap<&'static str, String>;

/// Our rows of a capture.
struct Ours {
    /// Those that are QUIC, in order of time; empty values are left out.
    quic: Vec<(Ends, Facts)>,
    /// Whether there is any UDP that could be QUIC.
    udp: bool,
}

fn ours(capture: &Path) -> Ours {
    let mut rows = rows::cells(capture, COLUMNS, rows::WHOLE, &[]);
    let udp = rows.iter().any(|row| row["protocol"] == "17");
    rows.retain(|row| row["quic_detected"] == "true");
    rows.sort_by(|a, b| a["start_time"].cmp(&b["start_time"]));
    Ours { quic: rows.iter().map(row).collect(), udp }
}

fn row(row: &rows::Cells) -> (Ends, Facts) {
    let end = |ip: &str, port: &str| {
        (row[ip].parse().expect("an address"), row[port].parse().expect("a port"))
    };
    let ends = in_order(end("src_ip", "src_port"), end("dst_ip", "dst_port"));
    let mut facts = Facts::new();
    for (name, column) in [
        ("version", "quic_version"),
        ("sni", "quic_sni"),
        ("alpn", "quic_alpn_offered"),
        ("ja3", "quic_ja3"),
        ("ja4", "quic_ja4"),
        ("cipher", "quic_cipher_suite"),
        ("dcid", "quic_client_dcid"),
        ("scid", "quic_client_scid"),
        ("server_scid", "quic_server_scid"),
    ] {
        if !row[column].is_empty() {
            facts.insert(name, row[column].clone());
        }
    }
    (ends, facts)
}

/// What is asked of tshark for each packet.
pub(crate) const ASKED: &[&str] = &[
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "udp.srcport",
    "udp.dstport",
    "quic.version",
    "quic.dcid",
    "tls.handshake.type",
    "tls.handshake.extensions_server_name",
    "tls.handshake.extensions_alpn_str",
    "tls.handshake.ja3",
    "tls.handshake.ciphersuite",
];

/// What tshark says of a capture's QUIC connections: of each the first value of every field.
fn theirs(capture: &Path) -> BTreeMap<Ends, Facts> {
    let mut all: BTreeMap<Ends, Facts> = BTreeMap::new();
    for line in dissected::lines(capture, ASKED, ",", |value| dissected::has(value, &["quic"])) {
        let values: Vec<&str> = line.split('\t').collect();
        if let Some(ends) = ends_of(&values) {
            packet(all.entry(ends).or_default(), &values);
        }
    }
    all
}

/// The ends of the innermost packet.
fn ends_of(values: &[&str]) -> Option<Ends> {
    let last = |place: usize| values.get(place)?.rsplit(',').next().filter(|v| !v.is_empty());
    let ip = |v4: usize, v6: usize| last(v4).or_else(|| last(v6))?.parse().ok();
    let port = |place: usize| last(place)?.parse().ok();
    Some(in_order((ip(0, 2)?, port(4)?), (ip(1, 3)?, port(5)?)))
}

fn packet(facts: &mut Facts, values: &[&str]) {
    let get = |field: &str| {
        let place = ASKED.iter().position(|asked| *asked == field).expect("a field that is asked");
        values.get(place).copied().unwrap_or_default()
    };
    let mut note = |name: &'static str, value: &str| {
        if !value.is_empty() {
            facts.entry(name).or_insert_with(|| value.to_owned());
        }
    };
    let first = |field: &str| get(field).split(',').next().unwrap_or_default().to_owned();
    let version = first("quic.version");
    let version = version.strip_prefix("0x").map(|hex| u32::from_str_radix(hex, 16).expect("hex"));
    note("version", &version.map(|version| version.to_string()).unwrap_or_default());
    note("dcid", &first("quic.dcid"));
    let server_hello = get("tls.handshake.type").split(',').next() == Some("2");
    if server_hello {
        let suite = first("tls.handshake.ciphersuite");
        let suite = suite.strip_prefix("0x").map(|hex| u16::from_str_radix(hex, 16).expect("hex"));
        note("cipher", &suite.map(|suite| suite.to_string()).unwrap_or_default());
    } else {
        note("sni", get("tls.handshake.extensions_server_name"));
        note("alpn", get("tls.handshake.extensions_alpn_str"));
        note("ja3", get("tls.handshake.ja3"));
    }
}

/// What both are asked for; the others only where tshark decrypted something.
const FIELDS: [&str; 6] = ["version", "dcid", "sni", "alpn", "ja3", "cipher"];

struct Outcome {
    agreement: Agreement,
    differences: Vec<Difference>,
    connections: usize,
}

#[test]
fn versions_names_and_fingerprints_agree_with_tshark() {
    let Some(root) = corpus::root() else { return };
    if !corpus::has_tool("tshark", "tshark") {
        return;
    }
    let folders = ["zeek", "ja4", "suricata", "tcpdump"];
    let captures: Vec<PathBuf> =
        folders.iter().flat_map(|folder| corpus::captures(&root, folder)).collect();
    let outcomes = corpus::on_all_cores(&captures, |capture| compare_with_tshark(capture));
    let mut all = Agreement::default();
    let mut differences = Vec::new();
    let mut connections = 0;
    for outcome in outcomes {
        all.merge(&outcome.agreement);
        differences.extend(outcome.differences);
        connections += outcome.connections;
    }
    all.print(&format!(
        "QUIC beside tshark: {connections} connections of {} captures",
        captures.len()
    ));
    listed::judge(TSHARK_DIFFERENCES, "tshark", &differences);
    assert!(connections >= TSHARK_CONNECTIONS_MIN, "only {connections} connections");
}

fn compare_with_tshark(capture: &Path) -> Outcome {
    let mut rows: BTreeMap<Ends, Facts> = BTreeMap::new();
    let ours = ours(capture);
    for (ends, facts) in ours.quic {
        rows.entry(ends).or_insert(facts);
    }
    let told = if ours.udp { theirs(capture) } else { BTreeMap::new() };
    let case = corpus::name(capture);
    let keys: BTreeSet<Ends> = rows.keys().chain(told.keys()).copied().collect();
    let mut outcome = Outcome {
        agreement: Agreement::default(),
        differences: Vec::new(),
        connections: keys.len(),
    };
    for ends in keys {
        let (ours, theirs) = (rows.get(&ends), told.get(&ends));
        let word = |known: bool| if known { "quic" } else { "other" }.to_owned();
        let mut pairs = vec![("protocol", word(ours.is_some()), word(theirs.is_some()))];
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            pairs.extend(FIELDS.iter().filter_map(|field| {
                let wanted = theirs.get(field)?.clone();
                Some((*field, ours.get(field).cloned().unwrap_or_default(), wanted))
            }));
        }
        for (field, ours, theirs) in pairs {
            outcome.agreement.note(field, ours == theirs);
            if ours != theirs {
                let (case, connection) = (case.clone(), shown(&ends));
                outcome.differences.push(Difference { case, connection, field, ours, theirs });
            }
        }
    }
    outcome
}

/// A column of `quic.log`, and our name for it.
const OF_ZEEK: [(&str, &str); 6] = [
    ("version", "version"),
    ("client_initial_dcid", "dcid"),
    ("client_scid", "scid"),
    ("server_scid", "server_scid"),
    ("server_name", "sni"),
    ("client_protocol", "alpn"),
];

/// Zeek's words in ours: versions are numbers, of the ALPN list it tells the first name, `-` and `(empty)` are nothing.
fn in_our_words(field: &str, value: &str) -> String {
    match (field, value) {
        ("version", "quicv2") => 0x6b33_43cf_u32.to_string(),
        (_, "-" | "(empty)") => String::new(),
        _ => value.to_owned(),
    }
}

/// Zeek begins a new line at a Retry packet, ours is one connection: it must say what one of the lines says.
#[test]
fn rows_of_quic_logs_agree_with_zeek() {
    let Some(cases) = spoken::zeek_cases("quic.log") else { return };
    let mut agreement = Agreement::default();
    let mut differences = Vec::new();
    let (mut all, mut exact) = (0_u64, 0_u64);
    for case in &cases {
        let rows = ours(&case.capture).quic;
        let mut connections: BTreeMap<Ends, Vec<zeek_log::Line<'_>>> = BTreeMap::new();
        for line in zeek_log::lines(&case.log) {
            let end = |ip: &str, port: &str| {
                (line[ip].parse().expect("an address"), line[port].parse().expect("a port"))
            };
            let ends = in_order(end("id.orig_h", "id.orig_p"), end("id.resp_h", "id.resp_p"));
            connections.entry(ends).or_default().push(line);
        }
        for (ends, lines) in connections {
            all += 1;
            let facts = rows.iter().find(|(ours, _)| *ours == ends).map(|(_, facts)| facts);
            let mut same = true;
            for (column, field) in OF_ZEEK {
                let value = facts.and_then(|facts| facts.get(field));
                let mut ours = value.cloned().unwrap_or_default();
                if field == "alpn" {
                    ours = ours.split(',').next().unwrap_or_default().to_owned();
                }
                let theirs: Vec<String> =
                    lines.iter().map(|line| in_our_words(field, line[column])).collect();
                let agrees = theirs.contains(&ours);
                agreement.note(field, agrees);
                if !agrees {
                    same = false;
                    let (case, connection) = (case.test.clone(), shown(&ends));
                    let theirs = theirs.join(" ");
                    differences.push(Difference { case, connection, field, ours, theirs });
                }
            }
            exact += u64::from(same);
        }
    }
    agreement.print("QUIC beside Zeek");
    let percent = listed::percent(exact, all);
    println!("{exact} of {all} connections agree in every field: {percent:.2} %");
    listed::judge(ZEEK_DIFFERENCES, "zeek", &differences);
    assert!(all >= ZEEK_ROWS_MIN, "only {all} connections");
    assert!(percent >= ZEEK_AGREE_MIN, "only {percent:.2} % of the connections agree");
}

/// Every row of a QUIC client, without exception.
#[test]
fn ja4_of_quic_clients_is_the_published_one() {
    let Some(root) = corpus::root() else { return };
    let folder = root.join("ja4");
    let table = std::fs::read_to_string(folder.join("expected.tsv")).expect("the expected values");
    let mut wanted: BTreeMap<&str, Vec<(Ends, &str, &str)>> = BTreeMap::new();
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [capture, "udp", src, src_port, dst, dst_port, ja4, sni, ..] = columns[..] else {
            continue;
        };
        if ja4.starts_with('q') {
            let end = |ip: &str, port: &str| {
                (ip.parse().expect("an address"), port.parse().expect("a port"))
            };
            let ends = in_order(end(src, src_port), end(dst, dst_port));
            wanted.entry(capture).or_default().push((ends, ja4, sni));
        }
    }
    let mut count = 0;
    for (capture, clients) in wanted {
        let rows = ours(&folder.join(capture)).quic;
        for (ends, ja4, sni) in clients {
            let of = |name: &str| {
                let mut facts = rows.iter().filter(|(ours, _)| *ours == ends);
                facts.find_map(|(_, facts)| facts.get(name)).map(String::as_str)
            };
            assert_eq!(of("ja4"), Some(ja4), "{capture}: {}", shown(&ends));
            assert!(sni.is_empty() || of("sni") == Some(sni), "{capture}: {}", shown(&ends));
            count += 1;
        }
    }
    println!("{count} QUIC clients have the published JA4");
    assert!(count >= JA4_ROWS_MIN, "only {count} clients");
}
