//! What our rows say of TCP segments beside tshark's `tcp.analysis` of the same captures.
//!
//! tshark marks packets; its marks are counted per pair of ends and direction. Where our definition is another one on
//! purpose, the rule is applied to tshark's packets before they are counted, see [`Ends::apply`]: what is left over is
//! listed with its reason. tshark tells streams of one pair of ends apart, we tell flows: both are taken together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::corpus;
use crate::dissected;
use crate::listed::{self, Agreement, Difference};
use crate::rows;

const DIFFERENCES: &str = "tcp-analysis-differences.tsv";
/// The share of connections that must agree in every field, in percent.
const AGREE_MIN: f64 = 95.0;
/// How many captures with TCP the comparison must cover.
const CAPTURES_MIN: usize = 100;

const SYN: u64 = 2;
const FIN: u64 = 1;
const RST: u64 = 4;
const ACK: u64 = 16;

/// What is asked of tshark for each packet.
pub(crate) const FIELDS: &[&str] = &[
    "frame.protocols",
    "frame.time_epoch",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.len",
    "tcp.flags",
    "tcp.stream",
    "tcp.analysis.ack_rtt",
    "tcp.analysis.retransmission",
    "tcp.analysis.spurious_retransmission",
    "tcp.analysis.out_of_order",
    "tcp.analysis.duplicate_ack",
    "tcp.analysis.lost_segment",
    "tcp.analysis.ack_lost_segment",
    "tcp.analysis.keep_alive",
    "tcp.analysis.keep_alive_ack",
    "tcp.analysis.zero_window",
    "tcp.analysis.zero_window_probe",
    "tcp.analysis.window_update",
    "tcp.analysis.window_full",
    "tcp.analysis.fast_retransmission",
];

/// Our columns, `#` for the direction, and the name of what they count.
const COLUMNS: [(&str, &str); COUNTS] = [
    ("tcp_seq_#_retrans", "retransmission"),
    ("tcp_seq_#_spurious_retrans", "spurious_retransmission"),
    ("tcp_seq_#_ooo", "out_of_order"),
    ("tcp_ack_#_dup", "duplicate_ack"),
    ("tcp_seq_#_gaps", "lost_segment"),
    ("tcp_ack_#_unseen", "ack_lost_segment"),
    ("tcp_seq_#_keep_alive", "keep_alive"),
    ("tcp_ack_#_keep_alive", "keep_alive_ack"),
    ("tcp_win_#_zero_count", "zero_window"),
    ("tcp_win_#_probe_count", "zero_window_probe"),
    ("tcp_win_#_update_count", "window_update"),
    ("tcp_win_#_full_count", "window_full"),
    ("tcp_seq_#_fast_retrans", "fast_retransmission"),
];
const COUNTS: usize = 13;

/// The two ends in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    low: (IpAddr, u16),
    high: (IpAddr, u16),
}

/// What one side did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Side {
    counts: [u64; COUNTS],
    /// Round trips of its segments: how many, the least and the greatest in nanoseconds.
    round_trips: u64,
    least: Option<u64>,
    greatest: Option<u64>,
}

type Connections = BTreeMap<Key, [Side; 2]>;

#[derive(Default)]
struct Outcome {
    agreement: Agreement,
    differences: Vec<Difference>,
    connections: u64,
    exact: u64,
}

#[test]
fn segments_are_what_tshark_says() {
    let Some(root) = corpus::root() else { return };
    if !corpus::has_tool("tshark", "tshark") {
        return;
    }
    let captures: Vec<PathBuf> = ["zeek", "ja4", "suricata"]
        .iter()
        .flat_map(|folder| corpus::captures(&root, folder))
        .collect();
    let outcomes = corpus::on_all_cores(&captures, |capture| compare(capture));
    let (mut all, mut with_tcp) = (Outcome::default(), 0);
    for outcome in outcomes {
        with_tcp += usize::from(outcome.connections > 0);
        all.agreement.merge(&outcome.agreement);
        all.differences.extend(outcome.differences);
        all.connections += outcome.connections;
        all.exact += outcome.exact;
    }
    all.agreement.print(&format!("agreement with tshark's analysis on {with_tcp} captures"));
    let percent = listed::percent(all.exact, all.connections);
    println!(
        "{} of {} connections agree in every field: {percent:.2} %",
        all.exact, all.connections
    );
    listed::judge(DIFFERENCES, "tshark", &all.differences);
    assert!(with_tcp >= CAPTURES_MIN, "only {with_tcp} captures with TCP");
    assert!(percent >= AGREE_MIN, "only {percent:.2} % of the connections agree exactly");
}

fn compare(capture: &Path) -> Outcome {
    let (ours, theirs) = (ours(capture), theirs(&ask(capture)));
    let case = corpus::name(capture);
    let mut outcome = Outcome::default();
    let keys: BTreeSet<Key> = ours.keys().chain(theirs.keys()).copied().collect();
    for key in keys {
        let known = outcome.differences.len();
        let connection = format!("{} {} - {} {}", key.low.0, key.low.1, key.high.0, key.high.1);
        let both = [ours.get(&key), theirs.get(&key)].map(|sides| sides.map(fields));
        let [Some(ours), Some(theirs)] = both else { continue };
        outcome.connections += 1;
        for ((field, ours), (_, theirs)) in ours.into_iter().zip(theirs) {
            outcome.agreement.note(field, ours == theirs);
            if ours != theirs {
                let (case, connection) = (case.clone(), connection.clone());
                outcome.differences.push(Difference { case, connection, field, ours, theirs });
            }
        }
        outcome.exact += u64::from(outcome.differences.len() == known);
    }
    outcome
}

/// Both directions of each field, from the lower end first.
fn fields(sides: &[Side; 2]) -> Vec<(&'static str, String)> {
    let [a, b] = sides;
    let mut fields: Vec<_> = COLUMNS
        .iter()
        .enumerate()
        .map(|(i, (_, name))| (*name, format!("{}/{}", a.counts[i], b.counts[i])))
        .collect();
    let shown = |time: Option<u64>| time.map_or("-".to_owned(), |ns| ns.to_string());
    let both = |of: fn(&Side) -> Option<u64>| format!("{}/{}", shown(of(a)), shown(of(b)));
    fields.push(("ack_rtt", format!("{}/{}", a.round_trips, b.round_trips)));
    fields.push(("ack_rtt_min_ns", both(|side| side.least)));
    fields.push(("ack_rtt_max_ns", both(|side| side.greatest)));
    fields
}

fn key(ends: [(IpAddr, u16); 2]) -> (Key, usize) {
    let [a, b] = ends;
    (Key { low: a.min(b), high: a.max(b) }, usize::from(a > b))
}

impl Side {
    fn time(&mut self, times: u64, least: Option<u64>, greatest: Option<u64>) {
        self.round_trips += times;
        self.least = [self.least, least].into_iter().flatten().min();
        self.greatest = self.greatest.max(greatest);
    }
}

/// Our TCP rows, those of the same ends taken together.
fn ours(capture: &Path) -> Connections {
    let directions = ["fwd", "bwd"];
    let mut names = vec!["src_ip", "dst_ip", "src_port", "dst_port", "tcp_is_tcp"]
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    for direction in directions {
        names.extend(COLUMNS.iter().map(|(column, _)| column.replace('#', direction)));
        names.extend(["samples", "min", "max"].map(|of| format!("tcp_rtt_ack_{direction}_{of}")));
    }
    let flags = [rows::WHOLE, &["--key-vlan=false", "--key-tunnel=false"]].concat();
    let mut all = Connections::new();
    for row in rows::cells(capture, &names.join(","), &flags, &[]) {
        if row["tcp_is_tcp"] != "true" {
            continue;
        }
        let end = |side: &str| {
            let port = row[&format!("{side}_port")].parse().expect("TCP has ports");
            (row[&format!("{side}_ip")].parse().expect("an address"), port)
        };
        let (key, from) = key([end("src"), end("dst")]);
        let sides = all.entry(key).or_default();
        for (direction, name) in directions.iter().enumerate() {
            let side = &mut sides[direction ^ from];
            for (count, (column, _)) in side.counts.iter_mut().zip(COLUMNS) {
                *count += row[&column.replace('#', name)].parse::<u64>().expect("a count");
            }
            let nanos = |of: &str| {
                let seconds: Option<f64> = row[&format!("tcp_rtt_ack_{name}_{of}")].parse().ok();
                seconds.map(|seconds| (seconds * 1e9).round() as u64)
            };
            let samples = row[&format!("tcp_rtt_ack_{name}_samples")].parse().expect("a count");
            side.time(samples, nanos("min"), nanos("max"));
        }
    }
    all
}

/// One line per packet.
fn ask(capture: &Path) -> Vec<String> {
    dissected::lines(capture, FIELDS, ",", |value| {
        dissected::has(value, &["tcp"]) && !dissected::has(value, &["icmp", "icmpv6"])
    })
}

/// What tshark says of a segment.
#[derive(Clone, Debug)]
struct Segment {
    ends: [(IpAddr, u16); 2],
    ns: u64,
    seq: u32,
    ack: u32,
    len: u32,
    flags: u64,
    stream: u64,
    /// From the segment that this one acknowledges.
    ack_rtt: Option<u64>,
    /// In the order of [`COLUMNS`].
    marks: [bool; COUNTS],
}

impl Segment {
    fn of(line: &str) -> Option<Self> {
        let columns: Vec<&str> = line.split('\t').collect();
        if columns.len() != FIELDS.len() {
            return None;
        }
        let all = |name: &str| {
            let place = FIELDS.iter().position(|field| *field == name);
            columns[place.expect("it is asked for")].split(',').filter(|text| !text.is_empty())
        };
        // In a tunnel the innermost packet is meant.
        let last = |name: &str| all(name).next_back();
        let number = |name: &str| last(name)?.parse::<u64>().ok();
        let protocols = columns[0].split(':').collect::<Vec<_>>();
        let network = protocols.iter().rev().find(|name| matches!(**name, "ip" | "ipv6"))?;
        let end = |side: &str| {
            let ip = last(&format!("{network}.{side}"))?.parse().ok()?;
            Some((ip, u16::try_from(number(&format!("tcp.{side}port"))?).ok()?))
        };
        let mut marks = [false; COUNTS];
        for (mark, (_, name)) in marks.iter_mut().zip(COLUMNS) {
            *mark = last(&format!("tcp.analysis.{name}")).is_some();
        }
        Some(Self {
            ends: [end("src")?, end("dst")?],
            ns: nanos(last("frame.time_epoch")?)?,
            seq: number("tcp.seq_raw")? as u32,
            ack: number("tcp.ack_raw")? as u32,
            len: number("tcp.len")? as u32,
            flags: u64::from_str_radix(last("tcp.flags")?.strip_prefix("0x")?, 16).ok()?,
            stream: number("tcp.stream")?,
            ack_rtt: last("tcp.analysis.ack_rtt").and_then(nanos),
            marks,
        })
    }

    fn is(&self, flags: u64) -> bool {
        self.flags & flags != 0
    }

    fn end(&self) -> u32 {
        let [syn, fin] = [SYN, FIN].map(|flag| u32::from(self.is(flag)));
        self.seq.wrapping_add(self.len).wrapping_add(syn).wrapping_add(fin)
    }
}

/// Seconds with nine decimals in nanoseconds.
fn nanos(text: &str) -> Option<u64> {
    let (seconds, decimals) = text.split_once('.')?;
    let decimals = format!("{decimals:0<9}");
    Some(seconds.parse::<u64>().ok()? * 1_000_000_000 + decimals.get(..9)?.parse::<u64>().ok()?)
}

/// Whether sequence number `a` comes after `b`.
fn after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}

/// Places in [`COLUMNS`].
const RETRANSMISSION: usize = 0;
const SPURIOUS: usize = 1;
const OUT_OF_ORDER: usize = 2;
const DUPLICATE_ACK: usize = 3;
const ACK_UNSEEN: usize = 5;
const KEEP_ALIVE: usize = 6;
const KEEP_ALIVE_ACK: usize = 7;
const FAST: usize = 12;

/// The bytes of a stream that were captured, as stretches relative to the first.
#[derive(Clone, Debug, Default)]
struct Captured {
    base: Option<u32>,
    stretches: BTreeMap<i64, i64>,
}

impl Captured {
    fn relative(&self, seq: u32) -> i64 {
        i64::from(seq.wrapping_sub(self.base.unwrap_or(seq)).cast_signed())
    }

    /// How many of these bytes were captured.
    fn count(&self, from: u32, to: u32) -> i64 {
        let (from, to) = (self.relative(from), self.relative(to));
        let overlap = |(&a, &b): (&i64, &i64)| (b.min(to) - a.max(from)).max(0);
        self.stretches.range(..to).map(overlap).sum()
    }

    fn add(&mut self, from: u32, to: u32) {
        self.base.get_or_insert(from);
        let (mut from, mut to) = (self.relative(from), self.relative(to));
        while let Some((&a, &b)) =
            self.stretches.range(..=to).next_back().filter(|(_, b)| **b >= from)
        {
            self.stretches.remove(&a);
            (from, to) = (from.min(a), to.max(b));
        }
        self.stretches.insert(from, to);
    }
}

/// What the rules need to know of one side.
#[derive(Clone, Debug, Default)]
struct End {
    captured: Captured,
    /// After the last byte that was captured.
    next: Option<u32>,
    acked: Option<u32>,
    /// Duplicates of that, by our rule.
    duplicates: u32,
    /// Segments up to here are not timed.
    untimed: Option<u32>,
    /// When the segments that end there were captured.
    sent: HashMap<u32, u64>,
    /// The last segment was a keep-alive, by our rule.
    kept_alive: bool,
}

/// What the rules need to know of a stream; `[0]` is the lower end.
#[derive(Clone, Debug, Default)]
struct Ends([End; 2]);

impl Ends {
    /// Puts tshark's marks of a segment right by our definitions, and counts them.
    fn apply(&mut self, from: usize, segment: &Segment, sides: &mut [Side; 2]) {
        let mut marks = segment.marks;
        let [low, high] = &mut self.0;
        let (me, peer) = if from == 0 { (low, high) } else { (high, low) };
        let ack = segment.is(ACK).then_some(segment.ack);
        let advances = ack.is_some_and(|ack| me.acked.is_none_or(|acked| after(ack, acked)));
        if segment.is(RST) {
            // What a reset carries is no part of the stream; its ACK counts.
            marks = [false; COUNTS];
        } else {
            acks(me, peer, ack, advances, &mut marks);
            sent_before(me, peer, segment, &mut marks);
        }
        // Karn: what is under way then is not timed. What acknowledges nothing new times nothing. tshark is silent
        // where no time has passed.
        let end = segment.end();
        if marks[RETRANSMISSION] || marks[OUT_OF_ORDER] {
            me.untimed = me.next.map(|next| if after(end, next) { end } else { next });
        }
        if let Some(ack) =
            ack.filter(|ack| advances && peer.untimed.is_none_or(|untimed| after(*ack, untimed)))
        {
            let at_once = peer.sent.get(&ack).filter(|ns| **ns == segment.ns).map(|_| 0);
            if let Some(time) = segment.ack_rtt.or(at_once) {
                sides[1 - from].time(1, Some(time), Some(time));
            }
        }
        for (count, mark) in sides[from].counts.iter_mut().zip(marks) {
            *count += u64::from(mark);
        }
        if segment.is(RST) {
            return;
        }
        me.kept_alive = marks[KEEP_ALIVE];
        if end != segment.seq {
            me.captured.add(segment.seq, end);
            me.sent.insert(end, segment.ns);
        }
        me.next = me.next.filter(|next| !after(end, *next)).or(Some(end));
        if advances {
            (me.acked, me.duplicates) = (ack, 0);
        }
        me.duplicates += u32::from(marks[DUPLICATE_ACK]);
    }
}

/// Marks of what a segment acknowledges.
fn acks(me: &End, peer: &End, ack: Option<u32>, advances: bool, marks: &mut [bool; COUNTS]) {
    // RFC 5681 section 2 (a): the receiver of the ACK has outstanding data.
    let outstanding = ack.is_some_and(|ack| peer.next.is_some_and(|next| after(next, ack)));
    marks[DUPLICATE_ACK] &= outstanding;
    // A keep-alive is sent while nothing is outstanding (RFC 9293 section 3.8.4); else it is an older ACK, or the
    // retransmission of the last byte.
    let all_acked = peer.acked.zip(me.next).is_none_or(|(acked, next)| !after(next, acked));
    marks[KEEP_ALIVE] &= all_acked;
    marks[KEEP_ALIVE_ACK] &= peer.kept_alive;
    // Every ACK that moves over bytes that were not captured; tshark tells the first in a row only, and takes what
    // was cut in another way for not captured.
    let base = peer.captured.base;
    marks[ACK_UNSEEN] = advances
        && ack.zip(base).is_some_and(|(ack, base)| {
            let start = me.acked.filter(|acked| after(*acked, base)).unwrap_or(base);
            after(ack, start)
                && peer.captured.count(start, ack) < i64::from(ack.wrapping_sub(start))
        });
}

/// Marks of what was sent before.
fn sent_before(me: &mut End, peer: &mut End, segment: &Segment, marks: &mut [bool; COUNTS]) {
    let end = segment.end();
    let seen = me.captured.count(segment.seq, end) > 0;
    let behind = me.next.is_some_and(|next| after(next, segment.seq));
    // What was captured before is no reordering, however it was cut; what begins at the end of all was not.
    if marks[OUT_OF_ORDER] && seen {
        (marks[OUT_OF_ORDER], marks[RETRANSMISSION]) = (false, true);
    }
    marks[RETRANSMISSION] &= behind;
    // tshark asks for payload.
    let acked = peer.acked.is_some_and(|acked| !after(end, acked));
    marks[SPURIOUS] = marks[RETRANSMISSION] && acked;
    // RFC 5681 section 3.2: after three duplicate ACKs, whatever the time, and no SACK by itself.
    marks[FAST] =
        marks[RETRANSMISSION] && !acked && peer.duplicates >= 3 && peer.acked == Some(segment.seq);
    if marks[FAST] {
        peer.duplicates = 0;
    }
}

/// tshark's packets, by their ends.
fn theirs(told: &[String]) -> Connections {
    let mut all = Connections::new();
    let mut streams: HashMap<u64, Ends> = HashMap::new();
    for segment in told.iter().filter_map(|line| Segment::of(line)) {
        let (key, from) = key(segment.ends);
        let ends = streams.entry(segment.stream).or_default();
        ends.apply(from, &segment, all.entry(key).or_default());
    }
    all
}
