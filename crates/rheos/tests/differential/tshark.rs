//! Our flows beside what tshark says of the same captures: its conversations, and the sum of what it
//! says of each packet.
//!
//! tshark never ends a conversation, so ours get no timeouts, and flows of one pair of ends are taken
//! together. What keys a flow is the innermost IP packet; tshark's conversations are of every layer, so
//! those around tunnels are compared with our rows of the outermost packets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::corpus;
use crate::dissected;
use crate::listed::{self, Agreement, Difference};
use crate::rows::{self, Row};

const DIFFERENCES: &str = "tshark-differences.tsv";
/// The share of conversations that must agree in every field, in percent.
const AGREE_MIN: f64 = 95.0;
/// How many captures the comparison must cover.
const CAPTURES_MIN: usize = 100;
/// tshark prints durations of conversations with four decimals.
const DURATION_TOLERANCE_NS: u64 = 100_000;

/// What is asked of tshark for each packet; the order is that of [`Columns`].
pub(crate) const FIELDS: &[&str] = &[
    "frame.protocols",
    "ip.src",
    "ip.dst",
    "ip.len",
    "ip.hdr_len",
    "ip.reassembled.length",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.plen",
    "ipv6.reassembled.length",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.flags",
    "udp.srcport",
    "udp.dstport",
    "communityid",
];

/// The two ends in order, and the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    low: (IpAddr, u16),
    high: (IpAddr, u16),
    protocol: u8,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { low, high, protocol } = self;
        write!(f, "{} {} - {} {} proto {protocol}", low.0, low.1, high.0, high.1)
    }
}

/// What both tools can say of a pair of ends; `[0]` is from the lower end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Conversation {
    packets: [u64; 2],
    ip_bytes: [u64; 2],
    /// SYN without ACK, SYN with ACK, FIN, RST, ACK, PSH.
    flags: [u64; 6],
    community: BTreeSet<String>,
}

/// A line of `-z conv`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Listed {
    packets: [u64; 2],
    /// `None` when several lines are of the same ends.
    duration: Option<u64>,
}

type Conversations = BTreeMap<Key, Conversation>;

struct Outcome {
    agreement: Agreement,
    differences: Vec<Difference>,
    conversations: u64,
    exact: u64,
}

#[test]
fn conversations_agree_with_tshark() {
    let Some(root) = corpus::root() else { return };
    if !corpus::has_tool("tshark", "tshark") {
        return;
    }
    let captures: Vec<PathBuf> =
        ["zeek", "ja4"].iter().flat_map(|folder| corpus::captures(&root, folder)).collect();
    assert!(captures.len() >= CAPTURES_MIN, "only {} captures", captures.len());
    let outcomes = corpus::on_all_cores(&captures, |capture| compare(capture));
    let mut all = Agreement::default();
    let mut differences = Vec::new();
    let (mut conversations, mut exact) = (0, 0);
    for outcome in outcomes {
        all.merge(&outcome.agreement);
        differences.extend(outcome.differences);
        conversations += outcome.conversations;
        exact += outcome.exact;
    }
    all.print(&format!("agreement with tshark on {} captures", captures.len()));
    let percent = listed::percent(exact, conversations);
    println!("{exact} of {conversations} conversations agree in every field: {percent:.2} %");
    listed::judge(DIFFERENCES, "tshark", &differences);
    assert!(percent >= AGREE_MIN, "only {percent:.2} % of the conversations agree exactly");
}

fn compare(capture: &Path) -> Outcome {
    let run = |flags: &[&str], depth: &str| {
        let depth = [("RHEOS_DECODE_TUNNEL_DEPTH_MAX", depth)];
        rows::extract(capture, &[rows::WHOLE, flags].concat(), &depth)
    };
    let inner = run(&[], "4");
    let told = ask(capture);
    let mut outcome = Outcome {
        agreement: Agreement::default(),
        differences: Vec::new(),
        conversations: 0,
        exact: 0,
    };
    let case = corpus::name(capture);
    let mut wrong = BTreeSet::new();
    let ours = taken_together(&inner);
    let theirs = packets(&told);
    let keys: BTreeSet<Key> = ours.keys().chain(theirs.keys()).copied().collect();
    for key in &keys {
        for (field, ours, theirs) in fields(ours.get(key), theirs.get(key)) {
            outcome.note(&case, *key, field, ours, theirs, &mut wrong);
        }
    }
    // A conversation may lie around tunnels, within them, or both: the layer that has most of it tells.
    let layers =
        [inner, run(&[], "3"), run(&[], "2"), run(&[], "1"), run(&["--tunnels", "outer"], "4")];
    for (key, listed) in conversations(&dissected::tables(capture)) {
        let same = |row: &&Row| self::key(row.ends, row.protocol).0 == key;
        let rows = layers.iter().map(|layer| layer.iter().filter(same).cloned().collect());
        let packets = |rows: &Vec<Row>| rows.iter().flat_map(|row| row.packets).sum::<u64>();
        let rows = rows.max_by_key(packets).unwrap_or_default();
        let counted = taken_together(&rows).get(&key).map(|c| c.packets);
        let both = (shown(counted), shown(Some(listed.packets)));
        outcome.note(&case, key, "conv_packets", both.0, both.1, &mut wrong);
        if let (Some(theirs), Some(ours)) = (listed.duration, duration(&rows)) {
            let ours = if ours.abs_diff(theirs) <= DURATION_TOLERANCE_NS { theirs } else { ours };
            outcome.note(
                &case,
                key,
                "conv_duration_ns",
                ours.to_string(),
                theirs.to_string(),
                &mut wrong,
            );
        }
    }
    outcome.conversations = keys.len() as u64;
    outcome.exact = outcome.conversations - wrong.intersection(&keys).count() as u64;
    outcome
}

impl Outcome {
    fn note(
        &mut self,
        case: &str,
        key: Key,
        field: &'static str,
        ours: String,
        theirs: String,
        wrong: &mut BTreeSet<Key>,
    ) {
        self.agreement.note(field, ours == theirs);
        if ours != theirs {
            wrong.insert(key);
            let connection = key.to_string();
            self.differences.push(Difference {
                case: case.to_owned(),
                connection,
                field,
                ours,
                theirs,
            });
        }
    }
}

fn shown(pair: Option<[u64; 2]>) -> String {
    pair.map_or_else(|| "missing".into(), |[a, b]| format!("{a}/{b}"))
}

/// The fields of two conversations, as text.
fn fields(
    ours: Option<&Conversation>,
    theirs: Option<&Conversation>,
) -> Vec<(&'static str, String, String)> {
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        let packets = |c: Option<&Conversation>| shown(c.map(|c| c.packets));
        return vec![("packets", packets(ours), packets(theirs))];
    };
    let joined = |ids: &BTreeSet<String>| ids.iter().cloned().collect::<Vec<_>>().join(" ");
    let mut fields = vec![
        ("packets", shown(Some(ours.packets)), shown(Some(theirs.packets))),
        ("ip_bytes", shown(Some(ours.ip_bytes)), shown(Some(theirs.ip_bytes))),
        ("community_id", joined(&ours.community), joined(&theirs.community)),
    ];
    let names = ["syn", "synack", "fin", "rst", "ack", "psh"];
    if ours.flags != [0; 6] || theirs.flags != [0; 6] {
        let flags = names.into_iter().zip(ours.flags.into_iter().zip(theirs.flags));
        fields.extend(
            flags.map(|(name, (ours, theirs))| (name, ours.to_string(), theirs.to_string())),
        );
    }
    fields
}

pub(crate) fn key(ends: [(IpAddr, u16); 2], protocol: u8) -> (Key, usize) {
    let [a, b] = ends;
    let direction = usize::from(a > b);
    (Key { low: a.min(b), high: a.max(b), protocol }, direction)
}

/// Our TCP and UDP rows, those of the same ends taken together.
fn taken_together(rows: &[Row]) -> Conversations {
    let mut all = Conversations::new();
    for row in rows.iter().filter(|row| matches!(row.protocol, 6 | 17)) {
        let (key, from) = key(row.ends, row.protocol);
        let known = all.entry(key).or_default();
        for direction in 0..2 {
            known.packets[direction ^ from] += row.packets[direction];
            known.ip_bytes[direction ^ from] += row.ip_bytes[direction];
        }
        for (sum, more) in known.flags.iter_mut().zip(row.flags) {
            *sum += more;
        }
        known.community.insert(row.community_id.clone());
    }
    all
}

/// From the first to the last packet of these rows.
fn duration(rows: &[Row]) -> Option<u64> {
    let (first, last) =
        rows.iter().fold((u64::MAX, 0), |(f, l), row| (f.min(row.first), l.max(row.last)));
    last.checked_sub(first)
}

/// A line per packet.
pub(crate) fn ask(capture: &Path) -> Vec<String> {
    dissected::lines(capture, FIELDS, ",", |_| true)
}

/// One packet's fields, each with every occurrence from the outermost layer inwards.
pub(crate) struct Columns<'a>(Vec<Vec<&'a str>>);

impl<'a> Columns<'a> {
    pub(crate) fn of(line: &'a str) -> Option<Self> {
        let columns: Vec<Vec<&str>> =
            line.split('\t').map(|column| column.split(',').collect()).collect();
        (columns.len() == FIELDS.len()).then_some(Self(columns))
    }

    pub(crate) fn text(&self, field: &str, place: usize) -> Option<&'a str> {
        let column = FIELDS.iter().position(|f| *f == field)?;
        self.0[column].get(place).copied().filter(|text| !text.is_empty())
    }

    fn number(&self, field: &str, place: usize) -> Option<u64> {
        let text = self.text(field, place)?;
        text.strip_prefix("0x")
            .map_or_else(|| text.parse().ok(), |hex| u64::from_str_radix(hex, 16).ok())
    }
}

/// The innermost packet of a line: its ends, protocol, IP length and TCP flags.
pub(crate) struct Innermost {
    pub(crate) ends: [(IpAddr, u16); 2],
    pub(crate) protocol: u8,
    ip_len: u64,
    flags: u64,
}

pub(crate) fn innermost(columns: &Columns<'_>) -> Option<Innermost> {
    let protocols = columns.text("frame.protocols", 0)?;
    // How many headers of a kind were passed; what an ICMP error quotes is no packet of its own.
    let (mut v4, mut v6, mut tcp, mut udp) = (0, 0, 0, 0);
    let mut innermost = "";
    let mut carries = "";
    for protocol in protocols.split(':').take_while(|p| !p.starts_with("icmp")) {
        match protocol {
            "ip" => (v4, innermost, carries) = (v4 + 1, "ip", ""),
            "ipv6" => (v6, innermost, carries) = (v6 + 1, "ipv6", ""),
            "tcp" => (tcp, carries) = (tcp + 1, "tcp"),
            "udp" => (udp, carries) = (udp + 1, "udp"),
            _ => {}
        }
    }
    if protocols.split(':').any(|p| p.starts_with("icmp")) {
        return None;
    }
    let (protocol, place) = match carries {
        "tcp" => (6, tcp - 1),
        "udp" => (17, udp - 1),
        _ => return None,
    };
    let port = |field: &str| columns.number(&format!("{carries}.{field}"), place).map(|p| p as u16);
    // In a tunnel, what was reassembled is the packet around it.
    let alone = v4 + v6 == 1;
    let (layer, ip_len) = if innermost == "ip" {
        let whole = columns.number("ip.reassembled.length", 0).filter(|_| alone);
        let len = whole.map_or_else(
            || columns.number("ip.len", v4 - 1),
            |data| Some(data + columns.number("ip.hdr_len", v4 - 1)?),
        );
        (v4 - 1, len?)
    } else {
        let whole = columns.number("ipv6.reassembled.length", 0).filter(|_| alone);
        (v6 - 1, 40 + whole.or_else(|| columns.number("ipv6.plen", v6 - 1))?)
    };
    let ip = |field: &str| columns.text(&format!("{innermost}.{field}"), layer)?.parse().ok();
    Some(Innermost {
        ends: [(ip("src")?, port("srcport")?), (ip("dst")?, port("dstport")?)],
        protocol,
        ip_len,
        flags: if protocol == 6 { columns.number("tcp.flags", place)? } else { 0 },
    })
}

/// The sum of tshark's packets, by the ends of the innermost IP packet.
fn packets(told: &[String]) -> Conversations {
    let mut all = Conversations::new();
    for columns in told.iter().filter_map(|line| Columns::of(line)) {
        let Some(packet) = innermost(&columns) else { continue };
        let (key, direction) = key(packet.ends, packet.protocol);
        let known = all.entry(key).or_default();
        known.packets[direction] += 1;
        known.ip_bytes[direction] += packet.ip_len;
        let has = |bits: u64| packet.flags & bits == bits;
        let set = [has(2) && !has(16), has(2 | 16), has(1), has(4), has(16), has(8)];
        for (sum, set) in known.flags.iter_mut().zip(set) {
            *sum += u64::from(set);
        }
        known.community.extend(columns.text("communityid", 0).map(str::to_owned));
    }
    all
}

/// The tables of conversations.
fn conversations(tables: &[String]) -> BTreeMap<Key, Listed> {
    let mut all: BTreeMap<Key, Listed> = BTreeMap::new();
    let mut protocol = 0;
    for line in tables {
        match line.as_str() {
            "TCP Conversations" => protocol = 6,
            "UDP Conversations" => protocol = 17,
            _ => {}
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let [a, "<->", b, back, _, _, forth, _, _, .., duration] = words[..] else { continue };
        let (Some(a), Some(b)) = (end(a), end(b)) else { continue };
        let (Ok(back), Ok(forth)) = (back.parse::<u64>(), forth.parse::<u64>()) else { continue };
        let (key, direction) = key([a, b], protocol);
        let more = all.contains_key(&key);
        let known = all.entry(key).or_default();
        known.packets[direction] += forth;
        known.packets[direction ^ 1] += back;
        let seconds: f64 = duration.parse().expect("tshark prints seconds");
        known.duration = (!more).then_some((seconds * 1e9).round() as u64);
    }
    all
}

fn end(text: &str) -> Option<(IpAddr, u16)> {
    let (ip, port) = text.rsplit_once(':')?;
    Some((ip.parse().ok()?, port.parse().ok()?))
}

#[test]
fn tables_of_conversations_are_read() {
    let told = "UDP Conversations\n\
        20.0.0.2:0     <-> 20.0.0.1:6081      1 10 bytes       3 444 bytes      4 454 bytes   0.000183000         2.0000\n\
        TCP Conversations\n2001:db8::1:5000 <-> 2001:db8::2:80  0 0 bytes 1 1 kB 1 1 kB 0.0 0.5000\n";
    let tables: Vec<String> = told.lines().map(str::to_owned).collect();
    let all = conversations(&tables);
    assert_eq!(all.len(), 2);
    let (key, listed) = all.iter().next().unwrap();
    assert_eq!((key.low.1, key.protocol), (6081, 17));
    assert_eq!((listed.packets, listed.duration), ([1, 3], Some(2_000_000_000)));
}

#[test]
fn the_innermost_packet_is_told_from_the_layers() {
    let line = "eth:ip:udp:vxlan:eth:ip:tcp\t1.1.1.1,10.0.0.1\t1.1.1.2,10.0.0.2\t100,50\t20,20\t\t\t\t\t\t4\t5\t0x0012\t6\t7\t1:x";
    let columns = Columns::of(line).unwrap();
    let packet = innermost(&columns).unwrap();
    assert_eq!((packet.ends[0].1, packet.protocol, packet.ip_len, packet.flags), (4, 6, 50, 0x12));
    assert_eq!(packet.ends[1].0, "10.0.0.2".parse::<IpAddr>().unwrap());
}
