//! Our SSH columns beside tshark's fields, Zeek's `ssh.log`, and the expected values of JA4's own tests.

use std::collections::BTreeMap;

use crate::corpus;
use crate::listed;
use crate::rows::Cells;
use crate::spoken::{self, Key, Outcome, Packet};

const TSHARK_DIFFERENCES: &str = "tshark-ssh-differences.tsv";
const ZEEK_DIFFERENCES: &str = "zeek-ssh-differences.tsv";
/// The share of fields that must agree with tshark, which knows SSH by its port, and with Zeek, in percent.
const TSHARK_AGREE_MIN: f64 = 95.0;
const ZEEK_AGREE_MIN: f64 = 98.0;
/// How many HASSH the corpus has at least.
const HASSH_MIN: u64 = 20;

type Fields = Vec<(&'static str, String, String)>;

/// What tshark says of a connection, client first.
#[derive(Debug, Default)]
struct Told {
    identifications: [String; 2],
    hassh: [String; 2],
    kex_packets: u64,
    host_key: String,
}

#[test]
fn ssh_agrees_with_tshark() {
    let Some(captures) = spoken::captures() else { return };
    let mut outcome = Outcome::default();
    let mut hashes = 0;
    for capture in captures {
        let told = told(&capture.packets);
        for (key, rows) in &capture.rows {
            // Two, where tunnels or VLANs of one connection differ by direction.
            let ours: Vec<&Cells> =
                rows.iter().filter(|row| row["ssh_detected"] == "true").collect();
            let fields = match (&ours[..], told.get(key)) {
                ([], None) => continue,
                ([], Some(_)) => spoken::presence("ssh", false),
                (_, None) => spoken::presence("ssh", true),
                (ours, Some(theirs)) => fields(ours, theirs),
            };
            outcome.note(&capture.case, key, fields);
        }
        hashes +=
            told.values().flat_map(|told| &told.hassh).filter(|it| !it.is_empty()).count() as u64;
    }
    outcome.agreement.print("SSH beside tshark");
    let Outcome { exact, flows, .. } = outcome;
    println!("{exact} of {flows} connections agree in every field, among them {hashes} HASSH");
    listed::judge(TSHARK_DIFFERENCES, "tshark", &outcome.differences);
    assert!(hashes >= HASSH_MIN, "only {hashes} HASSH in the corpus");
    let fields = outcome.agreement.percent();
    println!("{fields:.2} % of all fields agree");
    assert!(fields >= TSHARK_AGREE_MIN, "only {fields:.2} % of the fields");
}

/// Connections in which tshark sees an identification; others it only believes to be SSH for their port.
fn told(packets: &[Packet]) -> BTreeMap<Key, Told> {
    let mut all: BTreeMap<Key, Told> = BTreeMap::new();
    let begins =
        |packet: &Packet| packet.one("ssh.protocol").is_some_and(|it| it.starts_with("SSH-"));
    for packet in packets.iter().filter(|packet| packet.protocol == "ssh") {
        if begins(packet) {
            all.entry(packet.key).or_default();
        }
        let Some(told) = all.get_mut(&packet.key) else { continue };
        let server = usize::from(packet.numbers("ssh.direction").first() == Some(&1));
        let keep = |place: &mut String, field: &str| {
            if let (true, Some(value)) = (place.is_empty(), packet.one(field)) {
                value.clone_into(place);
            }
        };
        keep(&mut told.identifications[server], "ssh.protocol");
        keep(&mut told.hassh[0], "ssh.kex.hassh");
        keep(&mut told.hassh[1], "ssh.kex.hasshserver");
        keep(&mut told.host_key, "ssh.host_key.type");
        let codes = packet.numbers("ssh.message_code");
        told.kex_packets += codes.iter().filter(|code| (20..50).contains(*code)).count() as u64;
    }
    all
}

/// The first text that is not empty.
fn first(mut values: impl Iterator<Item = String>) -> String {
    values.find(|it| !it.is_empty()).unwrap_or_default()
}

fn fields(ours: &[&Cells], theirs: &Told) -> Fields {
    let of = |name: &str| first(ours.iter().map(|row| row[name].clone()));
    let line = |side: &str| first(ours.iter().map(|row| identification(row, side)));
    let mut fields = vec![
        ("client", line("client"), theirs.identifications[0].clone()),
        ("server", line("server"), theirs.identifications[1].clone()),
    ];
    // tshark reads no packets of a server whose client it has not seen, and none of version 1.
    if theirs.kex_packets > 0 {
        let packets = ours.iter().map(|row| row["ssh_kex_packets"].parse().unwrap_or(0));
        let packets = packets.sum::<u64>().to_string();
        fields.extend([
            ("hassh", of("ssh_hassh"), theirs.hassh[0].clone()),
            ("hassh_server", of("ssh_hassh_server"), theirs.hassh[1].clone()),
            ("host_key_type", of("ssh_host_key_type"), theirs.host_key.clone()),
            ("kex_packets", packets, theirs.kex_packets.to_string()),
        ]);
    }
    fields
}

/// The whole line, put together from its parts.
fn identification(row: &Cells, side: &str) -> String {
    let of = |what: &str| &*row[&format!("ssh_{side}_{what}")];
    if of("version").is_empty() {
        return String::new();
    }
    let comments = of("comments");
    let space = if comments.is_empty() { "" } else { " " };
    format!("SSH-{}-{}{space}{comments}", of("version"), of("software"))
}

/// Zeek's name of a column, and the columns of ours that say the same to the server and to the client.
const ALGORITHMS: [(&str, [&str; 2]); 5] = [
    ("cipher_alg", ["ssh_cipher_to_server", "ssh_cipher_to_client"]),
    ("mac_alg", ["ssh_mac_to_server", "ssh_mac_to_client"]),
    ("compression_alg", ["ssh_compression_to_server", "ssh_compression_to_client"]),
    ("kex_alg", ["ssh_kex_algorithm", "ssh_kex_algorithm"]),
    ("host_key_alg", ["ssh_host_key_algorithm", "ssh_host_key_algorithm"]),
];

#[test]
fn ssh_agrees_with_zeek() {
    let Some(cases) = spoken::zeek_cases("ssh.log") else { return };
    let mut outcome = Outcome::default();
    for case in &cases {
        let rows = case.rows();
        let mut lines = case.lines();
        for (key, rows) in &rows {
            let ours = rows.iter().filter(|row| row["ssh_detected"] == "true");
            let theirs = lines.remove(key).unwrap_or_default();
            let mut theirs = theirs.iter();
            for ours in ours {
                let fields = theirs
                    .next()
                    .map_or_else(|| spoken::presence("ssh", true), |line| zeek_fields(ours, line));
                outcome.note(&case.test, key, fields);
            }
            for _ in theirs {
                outcome.note(&case.test, key, spoken::presence("ssh", false));
            }
        }
        for key in lines.keys() {
            outcome.note(&case.test, key, spoken::presence("ssh", false));
        }
    }
    outcome.agreement.print("SSH beside Zeek");
    let Outcome { exact, flows, .. } = outcome;
    println!("{exact} of {flows} connections agree in every field");
    listed::judge(ZEEK_DIFFERENCES, "zeek", &outcome.differences);
    assert!(flows >= 60, "only {flows} connections");
    let fields = outcome.agreement.percent();
    println!("{fields:.2} % of all fields agree");
    assert!(fields >= ZEEK_AGREE_MIN, "only {fields:.2} % of the fields");
}

fn zeek_fields(ours: &Cells, theirs: &crate::zeek_log::Line<'_>) -> Fields {
    let told = |name: &str| {
        theirs.get(name).copied().filter(|it| *it != "-").unwrap_or_default().to_owned()
    };
    let mut fields = vec![
        ("version", ours["ssh_negotiated_version"].clone(), told("version")),
        ("client", identification(ours, "client"), told("client")),
        ("server", identification(ours, "server"), told("server")),
    ];
    for (name, [to_server, to_client]) in ALGORITHMS {
        let (to_server, to_client) = (&ours[to_server], &ours[to_client]);
        let both = if to_server == to_client {
            to_server.clone()
        } else {
            format!("To server: {to_server}, to client: {to_client}")
        };
        fields.push((name, both, told(name)));
    }
    // Zeek looks for the host key when it has seen both sides; its log has the first 32 of 43 letters.
    if !told("version").is_empty() {
        let fingerprint = ours["ssh_host_key_fingerprint"].chars().take(7 + 32).collect();
        fields.push(("host_key", fingerprint, told("host_key_fingerprint")));
    }
    fields
}

/// The expected values of JA4's tests. Those of this corpus name no HASSH, so that each row only says that its
/// connection is another protocol; should they come to name some, ours must be equal.
#[test]
fn hassh_is_as_ja4s_tests_expect() {
    let Some(root) = corpus::root() else { return };
    let text = std::fs::read_to_string(root.join("ja4/expected.tsv")).expect("the corpus has it");
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let names = lines.next().expect("a header");
    let place = |name: &str| names.iter().position(|it| *it == name).expect("a column");
    let mut by_capture: BTreeMap<String, BTreeMap<Key, Vec<Cells>>> = BTreeMap::new();
    let (mut rows, mut hashes) = (0, 0);
    for line in lines {
        let of = |name: &str| line.get(place(name)).copied().unwrap_or_default();
        let capture = by_capture.entry(of("capture").to_owned()).or_insert_with(|| {
            spoken::rows_by_key(&root.join("ja4").join(of("capture")), &["--checksums", "ignore"])
        });
        let end =
            |ip, port| (of(ip).parse().expect("an address"), of(port).parse().expect("a port"));
        let protocol = if of("transport") == "tcp" { 6 } else { 17 };
        let key = Key::new([end("src", "src_port"), end("dst", "dst_port")], protocol);
        let ours = &capture.get(&key).unwrap_or_else(|| panic!("no flow {}", key.shown()))[0];
        assert_eq!(ours["ssh_hassh"], of("hassh"), "{}", key.shown());
        assert_eq!(ours["ssh_hassh_server"], of("hassh_server"), "{}", key.shown());
        rows += 1;
        hashes += u32::from(!of("hassh").is_empty());
    }
    println!("{rows} rows agree, {hashes} of them with a HASSH");
    assert!(rows > 50, "only {rows} rows");
}
