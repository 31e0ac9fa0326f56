//! TLS columns beside what others say of the same handshakes: tshark of every capture, Zeek's `ssl.log`, and the
//! published JA4 fingerprints of the corpus.
//!
//! tshark decrypts where a capture holds the keys, and joins handshakes over segments as we do; compared is what is in
//! the clear. QUIC, which carries TLS, has its own comparison.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crate::corpus;
use crate::dissected;
use crate::listed::{self, Agreement, Difference};
use crate::spoken::{self, ZeekCase};
use crate::{rows, zeek_log};

const TSHARK_DIFFERENCES: &str = "tls-tshark-differences.tsv";
const ZEEK_DIFFERENCES: &str = "tls-zeek-differences.tsv";
/// The share of Zeek's rows that must agree in every field, in percent.
const ZEEK_AGREE_MIN: f64 = 98.0;
/// How many handshakes the comparison with tshark must cover.
const HELLOS_MIN: u64 = 100;

const COLUMNS: &str = "src_ip,dst_ip,src_port,dst_port,app_stack,tls_is_dtls,tls_version,tls_version_str,\
    tls_cipher_suite,tls_cipher_name,tls_cipher_count,tls_sni,tls_alpn,tls_alpn_chosen,ja3_hash,ja3,ja3s_hash,\
    tls_session_id_len,tls_session_resumed,tls_key_exchange_group,tls_key_exchange_group_name,tls_client_version,\
    tls_cert_fingerprint,tls_cert_matches_sni,ja4";

/// The ends of a packet.
pub(crate) const ENDS: &[&str] = &[
    "ip.src",
    "ipv6.src",
    "ip.dst",
    "ipv6.dst",
    "tcp.srcport",
    "udp.srcport",
    "tcp.dstport",
    "udp.dstport",
];
/// What is asked of tshark for each packet with a hello: of TLS, and then as much of DTLS.
pub(crate) const FIELDS: &[&str] = &[
    "tls.handshake.type",
    "tls.handshake.ja3",
    "tls.handshake.ja3s",
    "tls.handshake.version",
    "tls.handshake.extensions_server_name",
    "tls.handshake.extensions_alpn_str",
    "tls.handshake.ciphersuite",
    "tls.handshake.extensions.supported_version",
    "tls.handshake.extensions_key_share_group",
    "tls.handshake.session_id_length",
    "tls.handshake.random",
    "dtls.handshake.type",
    "dtls.handshake.ja3",
    "dtls.handshake.ja3s",
    "dtls.handshake.version",
    "dtls.handshake.extensions_server_name",
    "dtls.handshake.extensions_alpn_str",
    "dtls.handshake.ciphersuite",
    "dtls.handshake.extensions.supported_version",
    "dtls.handshake.extensions_key_share_group",
    "dtls.handshake.session_id_length",
    "dtls.handshake.random",
];

/// One flow's columns by name; empty texts are null.
type Row = rows::Cells;

/// Ends of a connection as the client sends: addresses and ports.
type Ends = [String; 4];

fn value<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).unwrap_or_else(|| panic!("no column `{column}`"))
}

fn extract(capture: &Path) -> Vec<Row> {
    rows::cells(capture, COLUMNS, rows::WHOLE, &[])
}

/// Our row of a connection, whoever of the two is its initiator; the first with TLS where there are several.
fn find<'a>(rows: &'a [Row], ends: &Ends) -> Option<&'a Row> {
    let of = |row: &Row| {
        ["src_ip", "src_port", "dst_ip", "dst_port"].map(|name| value(row, name).to_owned())
    };
    let same = |row: &&Row| {
        let [a, b, c, d] = of(row);
        [&a, &b, &c, &d] == ends.each_ref() || [&c, &d, &a, &b] == ends.each_ref()
    };
    let has_tls = |row: &&Row| !value(row, "tls_is_dtls").is_empty();
    rows.iter().filter(same).find(has_tls).or_else(|| rows.iter().find(same))
}

fn shown(ends: &Ends) -> String {
    let [src, src_port, dst, dst_port] = ends;
    format!("{src} {src_port} > {dst} {dst_port}")
}

/// What was found in one capture.
#[derive(Default)]
struct Outcome {
    agreement: Agreement,
    differences: Vec<Difference>,
    hellos: u64,
    /// Those that agree in every field.
    same: u64,
}

impl Outcome {
    fn compare(&mut self, case: &str, ends: &Ends, field: &'static str, ours: &str, theirs: &str) {
        self.agreement.note(field, ours == theirs);
        if ours != theirs {
            self.differences.push(Difference {
                case: case.to_owned(),
                connection: shown(ends),
                field,
                ours: ours.to_owned(),
                theirs: theirs.to_owned(),
            });
        }
    }
}

/// Prints what was compared and fails on differences that are not listed; tells how many hellos there were.
fn judge(table: &str, theirs: &str, title: &str, outcomes: Vec<Outcome>) -> u64 {
    let mut all = Agreement::default();
    let mut differences = Vec::new();
    let mut hellos = 0;
    for outcome in outcomes {
        all.merge(&outcome.agreement);
        differences.extend(outcome.differences);
        hellos += outcome.hellos;
    }
    all.print(title);
    listed::judge(table, theirs, &differences);
    hellos
}

/// A hello as tshark tells it, by our columns' names.
type Hello = BTreeMap<&'static str, String>;

/// What tshark says of a capture: of each connection the first ClientHello and the last ServerHello that is no
/// HelloRetryRequest.
fn ask(capture: &Path) -> BTreeMap<Ends, Hello> {
    let hello = |value: &dyn Fn(&str) -> String| {
        let kinds = ["tls", "dtls"].map(|of| value(&format!("{of}.handshake.type")));
        let hello =
            kinds.iter().flat_map(|kinds| kinds.split(';')).any(|kind| ["1", "2"].contains(&kind));
        hello && !dissected::has(value, &["quic"])
    };
    let mut told = BTreeMap::new();
    for line in dissected::lines(capture, &[ENDS, FIELDS].concat(), ";", hello) {
        note(&line, &mut told);
    }
    told
}

/// Takes in a line of tshark: [`ENDS`] and [`FIELDS`].
fn note(line: &str, told: &mut BTreeMap<Ends, Hello>) {
    let fields: Vec<&str> = line.split('\t').collect();
    let field = |place: usize| fields.get(place).copied().unwrap_or_default();
    // The innermost address of the two versions, and the port of the protocol that is there.
    let last = |place: usize| field(place).rsplit(';').next().unwrap_or_default();
    let either = |a: usize, b: usize| if last(a).is_empty() { last(b) } else { last(a) }.to_owned();
    let [src, dst, src_port, dst_port] =
        [(0, 1), (2, 3), (4, 5), (6, 7)].map(|(a, b)| either(a, b));
    let carrier = if field(ENDS.len()).is_empty() { "dtls" } else { "tls" };
    let of = |name: &str| {
        let name = format!("{carrier}.handshake.{name}");
        let place = FIELDS.iter().position(|field| *field == name).expect("it is asked for");
        field(ENDS.len() + place)
    };
    let kinds: Vec<&str> = of("type").split(';').collect();
    if kinds.contains(&"1") {
        note_client(of, told.entry([src, src_port, dst, dst_port]).or_default());
    } else if kinds.contains(&"2") {
        note_server(of, told.entry([dst, dst_port, src, src_port]).or_default());
    }
}

fn first(list: &str) -> &str {
    list.split(';').next().unwrap_or_default()
}

/// A number as our columns write it.
fn decimal(text: &str) -> String {
    match text.strip_prefix("0x").map(|hex| u32::from_str_radix(hex, 16)) {
        Some(Ok(number)) => number.to_string(),
        _ => text.to_owned(),
    }
}

fn note_client<'a>(of: impl Fn(&str) -> &'a str, hello: &mut Hello) {
    if hello.contains_key("ja3_hash") {
        return;
    }
    let ciphers = of("ciphersuite").split(';').filter(|cipher| !cipher.is_empty()).count();
    hello.insert("ja3_hash", first(of("ja3")).to_owned());
    hello.insert("tls_client_version", decimal(first(of("version"))));
    hello.insert("tls_sni", first(of("extensions_server_name")).to_owned());
    hello.insert("tls_alpn", first(of("extensions_alpn_str")).to_owned());
    hello.insert("tls_session_id_len", first(of("session_id_length")).to_owned());
    hello.insert("tls_cipher_count", ciphers.to_string());
}

fn note_server<'a>(of: impl Fn(&str) -> &'a str, hello: &mut Hello) {
    // SHA-256 of `HelloRetryRequest`.
    const RETRY: &str = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";
    if first(of("random")).replace(':', "").starts_with(RETRY) {
        return;
    }
    let chosen = first(of("extensions.supported_version"));
    hello.insert("ja3s_hash", first(of("ja3s")).to_owned());
    hello.insert("tls_cipher_suite", decimal(first(of("ciphersuite"))));
    hello.insert(
        "tls_version",
        decimal(if chosen.is_empty() { first(of("version")) } else { chosen }),
    );
    let group = first(of("extensions_key_share_group"));
    if chosen.is_empty() {
        hello.insert("tls_alpn_chosen", first(of("extensions_alpn_str")).to_owned());
    } else if !group.is_empty() {
        hello.insert("tls_key_exchange_group", group.to_owned());
    }
}

fn beside_tshark(capture: &Path) -> Outcome {
    let mut outcome = Outcome::default();
    let case = corpus::name(capture);
    let told = ask(capture);
    if told.is_empty() {
        return outcome;
    }
    let rows = extract(capture);
    for (ends, hello) in told {
        outcome.hellos += 1;
        let Some(row) = find(&rows, &ends) else {
            outcome.compare(&case, &ends, "flow", "missing", "present");
            continue;
        };
        if value(row, "tls_is_dtls").is_empty() {
            outcome.compare(&case, &ends, "tls", "missing", "present");
            continue;
        }
        for (field, theirs) in hello {
            outcome.compare(&case, &ends, field, value(row, field), &theirs);
        }
    }
    outcome
}

#[test]
fn handshakes_agree_with_tshark() {
    let Some(root) = corpus::root() else { return };
    if !corpus::has_tool("tshark", "tshark") {
        return;
    }
    let captures: Vec<PathBuf> = ["ja4", "zeek", "suricata", "tcpdump"]
        .into_iter()
        .flat_map(|folder| corpus::captures(&root, folder))
        .collect();
    let outcomes = corpus::on_all_cores(&captures, |capture| beside_tshark(capture));
    let hellos = judge(TSHARK_DIFFERENCES, "tshark", "TLS beside tshark", outcomes);
    assert!(hellos >= HELLOS_MIN, "only {hellos} handshakes were compared");
}

#[test]
fn ja4_is_as_published() {
    let Some(root) = corpus::root() else { return };
    let folder = root.join("ja4");
    let text = std::fs::read_to_string(folder.join("expected.tsv")).expect("the corpus has it");
    let (mut rows, mut wrong, mut compared) = (HashMap::<String, Vec<Row>>::new(), Vec::new(), 0);
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [capture, _, src, src_port, dst, dst_port, ja4, sni, ..] = fields[..] else {
            panic!("columns of {line:?}");
        };
        // Those of QUIC are compared beside QUIC.
        if ja4.is_empty() || ja4.starts_with('q') {
            continue;
        }
        compared += 1;
        let rows = rows.entry(capture.to_owned()).or_insert_with(|| extract(&folder.join(capture)));
        let ends = [src, src_port, dst, dst_port].map(str::to_owned);
        let row = find(rows, &ends);
        let ours = row.map_or("missing", |row| value(row, "ja4"));
        let named = row.is_none_or(|row| sni.is_empty() || value(row, "tls_sni") == sni);
        if ours != ja4 || !named {
            wrong.push(format!("{capture} {}: {ours}, not {ja4} {sni}", shown(&ends)));
        }
    }
    println!("JA4 of TLS clients as published: {} of {compared}", compared - wrong.len());
    assert!(compared >= 80, "only {compared} fingerprints");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Our value in Zeek's words.
fn as_zeek(row: &Row, column: &str) -> String {
    let text = value(row, column);
    match column {
        "tls_version_str" => {
            let (name, version) = text.split_once(' ').unwrap_or((text, ""));
            format!("{name}v{}", version.replace('.', ""))
        }
        "tls_session_resumed" | "tls_cert_matches_sni" => match text {
            "true" => "T",
            "false" => "F",
            other => other,
        }
        .to_owned(),
        _ => text.to_owned(),
    }
}

fn beside_zeek(case: &ZeekCase) -> Outcome {
    const COMPARED: [(&str, &str); 7] = [
        ("version", "tls_version_str"),
        ("cipher", "tls_cipher_name"),
        ("curve", "tls_key_exchange_group_name"),
        ("server_name", "tls_sni"),
        ("resumed", "tls_session_resumed"),
        ("next_protocol", "tls_alpn_chosen"),
        ("cert_chain_fps", "tls_cert_fingerprint"),
    ];
    let test = &case.test;
    let mut outcome = Outcome::default();
    let rows = extract(&case.capture);
    for theirs in zeek_log::lines(&case.log) {
        let field = |name: &str| theirs.get(name).copied().unwrap_or_default();
        let mut ends =
            ["id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"].map(|n| field(n).to_owned());
        if ends[1].is_empty() {
            // A log cut to some columns: the only flow to this port.
            let to =
                |row: &&Row| value(row, "dst_port") == ends[3] && value(row, "dst_ip") == ends[2];
            let port = rows.iter().find(to).map(|row| value(row, "src_port").to_owned());
            ends[1] = port.unwrap_or_default();
        }
        let row = find(&rows, &ends);
        if row.is_some_and(|row| value(row, "app_stack").starts_with("quic")) {
            continue;
        }
        outcome.hellos += 1;
        let found = row.filter(|row| !value(row, "tls_is_dtls").is_empty());
        let Some(row) = found else {
            outcome.compare(test, &ends, "tls", "missing", "present");
            continue;
        };
        outcome.agreement.note("tls", true);
        let before = outcome.differences.len();
        for (name, column) in COMPARED {
            let first = field(name).split(',').next().unwrap_or_default();
            // Without a ServerHello Zeek's `resumed` is its default, not what was seen.
            let unset =
                first.is_empty() || first == "-" || name == "resumed" && field("version") == "-";
            if !unset {
                outcome.compare(test, &ends, name, &as_zeek(row, column), first);
            }
        }
        outcome.same += u64::from(outcome.differences.len() == before);
    }
    outcome
}

#[test]
fn handshakes_agree_with_zeek() {
    let Some(cases) = spoken::zeek_cases("ssl.log") else { return };
    let outcomes = corpus::on_all_cores(&cases, beside_zeek);
    let rows: u64 = outcomes.iter().map(|outcome| outcome.hellos).sum();
    let same: u64 = outcomes.iter().map(|outcome| outcome.same).sum();
    judge(ZEEK_DIFFERENCES, "zeek", "TLS beside Zeek's ssl.log", outcomes);
    let share = listed::percent(same, rows);
    println!("  {same} of {rows} rows agree in every field: {share:.2} %");
    assert!(rows > 0 && share >= ZEEK_AGREE_MIN, "{share:.2} % of the rows agree");
}
