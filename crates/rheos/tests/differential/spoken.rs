//! What tshark reads of SSH and DNS in every capture of the corpus, beside our rows of the same captures.
//!
//! tshark is asked once per capture for both protocols. It never ends a conversation, so ours get no timeouts. A
//! message is of the innermost IP packet around it; what an ICMP error quotes and what other protocols carry (DNS over
//! HTTPS) is left out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::corpus;
use crate::dissected;
use crate::listed::{Agreement, Difference};
use crate::rows::{self, Cells};
use crate::zeek_log::{self, Ends};

/// The folders with captures, and how many of them must be there at least.
const FOLDERS: [&str; 4] = ["zeek", "ja4", "suricata", "tcpdump"];
const CAPTURES_MIN: usize = 700;

/// What is asked of tshark for each packet.
pub(crate) const FIELDS: &[&str] = &[
    "frame.protocols",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "udp.srcport",
    "udp.dstport",
    "dns.id",
    "dns.flags.response",
    "dns.flags.rcode",
    "dns.flags.truncated",
    "dns.flags.authoritative",
    "dns.count.queries",
    "dns.count.answers",
    "dns.qry.name",
    "dns.qry.type",
    "ssh.protocol",
    "ssh.direction",
    "ssh.message_code",
    "ssh.kex.hassh",
    "ssh.kex.hasshserver",
    "ssh.host_key.type",
];
/// Stands between the values of one field.
const BETWEEN: &str = "\u{1f}";
/// tshark's names of the protocols.
const SPOKEN: &[&str] = &["dns", "mdns", "llmnr", "ssh"];

/// The columns of ours that are compared.
const COLUMNS: &[&str] = &[
    "src_ip",
    "dst_ip",
    "src_port",
    "dst_port",
    "protocol",
    "start_time",
    "ssh_detected",
    "ssh_client_version",
    "ssh_client_software",
    "ssh_client_comments",
    "ssh_server_version",
    "ssh_server_software",
    "ssh_server_comments",
    "ssh_negotiated_version",
    "ssh_hassh",
    "ssh_hassh_server",
    "ssh_host_key_type",
    "ssh_host_key_fingerprint",
    "ssh_kex_packets",
    "ssh_kex_algorithm",
    "ssh_host_key_algorithm",
    "ssh_cipher_to_server",
    "ssh_cipher_to_client",
    "ssh_mac_to_server",
    "ssh_mac_to_client",
    "ssh_compression_to_server",
    "ssh_compression_to_client",
    "dns_detected",
    "dns_query_name",
    "dns_query_type",
    "dns_query_class",
    "dns_transaction_id",
    "dns_recursion_desired",
    "dns_recursion_available",
    "dns_queries",
    "dns_responses",
    "dns_answers",
    "dns_authoritative",
    "dns_truncated_responses",
    "dns_rcode_noerror",
    "dns_rcode_formerr",
    "dns_rcode_servfail",
    "dns_rcode_nxdomain",
    "dns_rcode_notimp",
    "dns_rcode_refused",
    "dns_rcode_other",
    "dns_ttl_min",
    "dns_ttl_max",
    "dns_response_time_min",
];

/// The two ends in order, and the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    low: (IpAddr, u16),
    high: (IpAddr, u16),
    protocol: u8,
}

impl Key {
    pub(crate) fn new(ends: [(IpAddr, u16); 2], protocol: u8) -> Self {
        let [a, b] = ends;
        Self { low: a.min(b), high: a.max(b), protocol }
    }

    pub(crate) fn of_zeek(ends: &Ends) -> Self {
        Self::new([ends.orig, ends.resp], ends.protocol)
    }

    fn of_row(row: &Cells) -> Option<Self> {
        let number = |name: &str| row[name].parse().ok();
        let end = |ip: &str, port: &str| Some((row[ip].parse().ok()?, number(port)?));
        let ends = [end("src_ip", "src_port")?, end("dst_ip", "dst_port")?];
        Some(Self::new(ends, row["protocol"].parse().ok()?))
    }

    pub(crate) fn shown(&self) -> String {
        let Self { low, high, protocol } = self;
        format!("{} {} - {} {} proto {protocol}", low.0, low.1, high.0, high.1)
    }
}

/// A packet of tshark's: every value of every field, and where it belongs.
pub(crate) struct Packet {
    pub(crate) key: Key,
    /// The protocol that carries SSH or DNS, and that itself.
    pub(crate) protocol: String,
    fields: Vec<Vec<String>>,
}

impl Packet {
    /// The values of a field.
    pub(crate) fn all(&self, field: &str) -> &[String] {
        let place = FIELDS.iter().position(|f| *f == field).expect("a field that was asked for");
        &self.fields[place]
    }

    /// The value of a field that occurs once.
    pub(crate) fn one(&self, field: &str) -> Option<&str> {
        self.all(field).first().map(String::as_str)
    }

    /// A field's values as numbers; tshark prints truth as 1 or True.
    pub(crate) fn numbers(&self, field: &str) -> Vec<u64> {
        let number = |text: &String| match text.as_str() {
            "True" => 1,
            "False" => 0,
            hex if hex.starts_with("0x") => u64::from_str_radix(&hex[2..], 16).expect("hex"),
            text => text.parse().expect("a number"),
        };
        self.all(field).iter().map(number).collect()
    }
}

/// One capture as both tools see it.
pub(crate) struct Capture {
    pub(crate) case: String,
    pub(crate) rows: BTreeMap<Key, Vec<Cells>>,
    pub(crate) packets: Vec<Packet>,
}

/// All captures; `None` where corpus or tshark are missing.
pub(crate) fn captures() -> Option<&'static [Capture]> {
    static CAPTURES: OnceLock<Option<Vec<Capture>>> = OnceLock::new();
    CAPTURES
        .get_or_init(|| {
            let root = corpus::root()?;
            if !corpus::has_tool("tshark", "tshark") {
                return None;
            }
            let files: Vec<PathBuf> =
                FOLDERS.iter().flat_map(|folder| corpus::captures(&root, folder)).collect();
            assert!(files.len() >= CAPTURES_MIN, "only {} captures", files.len());
            Some(corpus::on_all_cores(&files, |file| read(file)))
        })
        .as_deref()
}

fn read(file: &Path) -> Capture {
    Capture { case: corpus::name(file), rows: rows_by_key(file, rows::WHOLE), packets: ask(file) }
}

/// Our rows, by their ends, in order of time.
pub(crate) fn rows_by_key(file: &Path, flags: &[&str]) -> BTreeMap<Key, Vec<Cells>> {
    let mut by_key: BTreeMap<Key, Vec<Cells>> = BTreeMap::new();
    for row in rows::cells(file, &COLUMNS.join(","), flags, &[]) {
        if let Some(key) = Key::of_row(&row) {
            by_key.entry(key).or_default().push(row);
        }
    }
    for rows in by_key.values_mut() {
        rows.sort_by(|a, b| a["start_time"].cmp(&b["start_time"]));
    }
    by_key
}

fn ask(file: &Path) -> Vec<Packet> {
    let lines = dissected::lines(file, FIELDS, BETWEEN, |value| dissected::has(value, SPOKEN));
    lines.iter().filter_map(|line| packet(line)).collect()
}

fn packet(line: &str) -> Option<Packet> {
    let values = |column: &str| match column {
        "" => Vec::new(),
        _ => column.split(BETWEEN).map(str::to_owned).collect(),
    };
    let fields: Vec<Vec<String>> = line.split('\t').map(values).collect();
    assert_eq!(fields.len(), FIELDS.len(), "{line}");
    let mut packet = Packet {
        key: Key::new([(IpAddr::from([0; 4]), 0); 2], 0),
        protocol: String::new(),
        fields,
    };
    let names: Vec<String> = packet.one("frame.protocols")?.split(':').map(str::to_owned).collect();
    let spoken = names.iter().position(|it| SPOKEN.contains(&&**it))?;
    if names[..spoken].iter().any(|it| it.starts_with("icmp")) {
        return None;
    }
    let carrier = names[..spoken].last()?;
    let protocol = match carrier.as_str() {
        "tcp" => 6,
        "udp" => 17,
        _ => return None,
    };
    let around = names[..spoken].iter().rev().find(|it| ["ip", "ipv6"].contains(&&***it))?;
    let last = |field: &str| packet.all(field).last().cloned();
    let end = |ip: &str, port: &str| {
        let port = last(&format!("{carrier}.{port}"))?.parse().ok()?;
        Some((last(&format!("{around}.{ip}"))?.parse().ok()?, port))
    };
    packet.key = Key::new([end("src", "srcport")?, end("dst", "dstport")?], protocol);
    packet.protocol.clone_from(&names[spoken]);
    Some(packet)
}

/// What came of comparing.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) agreement: Agreement,
    pub(crate) differences: Vec<Difference>,
    /// Flows that were compared, and those that agree in every field.
    pub(crate) flows: u64,
    pub(crate) exact: u64,
}

impl Outcome {
    /// Notes a flow with its fields: name, ours, theirs.
    pub(crate) fn note(
        &mut self,
        case: &str,
        key: &Key,
        fields: Vec<(&'static str, String, String)>,
    ) {
        self.flows += 1;
        self.exact += u64::from(fields.iter().all(|(_, ours, theirs)| ours == theirs));
        for (field, ours, theirs) in fields {
            self.agreement.note(field, ours == theirs);
            if ours != theirs {
                let (case, connection) = (case.to_owned(), key.shown());
                self.differences.push(Difference { case, connection, field, ours, theirs });
            }
        }
    }
}

/// The only field of a flow in which one of both sees the protocol `name`.
pub(crate) fn presence(name: &'static str, ours: bool) -> Vec<(&'static str, String, String)> {
    let word = |is: bool| if is { "present" } else { "missing" }.to_owned();
    vec![(name, word(ours), word(!ours))]
}

/// A test of Zeek's suite with the lines of one of its logs.
pub(crate) struct ZeekCase {
    pub(crate) test: String,
    pub(crate) capture: PathBuf,
    pub(crate) log: String,
    /// Wrong checksums are ignored.
    pub(crate) ignores_checksums: bool,
}

/// The tests that have this log; `None` without corpus.
pub(crate) fn zeek_cases(log: &str) -> Option<Vec<ZeekCase>> {
    let folder = corpus::root()?.join("zeek");
    let index = std::fs::read_to_string(folder.join("index.tsv")).expect("the corpus has an index");
    let case = |line: &str| {
        let [test, capture, logs, command] = line.split('\t').collect::<Vec<_>>()[..] else {
            return None;
        };
        logs.split(',').any(|it| it == log).then(|| ZeekCase {
            test: test.to_owned(),
            capture: folder.join(capture),
            log: std::fs::read_to_string(folder.join("expected").join(test).join(log))
                .expect("the index' logs are there"),
            ignores_checksums: command.split(' ').any(|word| word == "-C"),
        })
    };
    Some(index.lines().skip(1).filter_map(case).collect())
}

impl ZeekCase {
    /// Our rows, with Zeek's timeouts.
    pub(crate) fn rows(&self) -> BTreeMap<Key, Vec<Cells>> {
        let checksums = if self.ignores_checksums { "ignore" } else { "drop" };
        // Zeek keeps what goes and comes on different VLANs together.
        let flags = ["--checksums", checksums, "--active-timeout", "0", "--key-vlan=false"];
        rows_by_key(&self.capture, &flags)
    }

    /// The log's lines, by their ends.
    pub(crate) fn lines(&self) -> BTreeMap<Key, Vec<zeek_log::Line<'_>>> {
        let mut by_key: BTreeMap<Key, Vec<_>> = BTreeMap::new();
        for line in zeek_log::lines(&self.log) {
            let ends = zeek_log::ends(&line).expect("a line names its ends");
            by_key.entry(Key::of_zeek(&ends)).or_default().push(line);
        }
        by_key
    }
}
