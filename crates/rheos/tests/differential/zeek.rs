//! Our flows beside the connections that Zeek's own test suite expects of the same captures.
//!
//! Settings follow Zeek's defaults: five minutes without a packet end a TCP connection, one minute any
//! other; nothing is cut for lasting long; packets with wrong checksums are dropped unless the test says
//! `-C`. Zeek logs the connections around a tunnel beside those within, so connections that are not in
//! the innermost packets are looked for in the packets around them. Zeek keys ICMP by its types and not
//! by echo identifier, so our ICMP flows of one pair of hosts and types are taken together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::corpus;
use crate::listed::{self, Agreement, Difference};
use crate::rows::{self, Row};
use crate::zeek_log::{self, Connection, Ends};

const DIFFERENCES: &str = "zeek-differences.tsv";
const EXCLUDED: &str = "zeek-excluded.tsv";
/// The share of connections that must agree in every field, in percent.
const AGREE_MIN: f64 = 95.0;
/// Durations may differ by this: Zeek counts in doubles and prints microseconds.
const DURATION_TOLERANCE_US: u64 = 1;
/// How many packets may follow the second FIN that ends Zeek's duration of a closed connection.
const TAIL_PACKETS_MAX: usize = 6;

/// One line of the corpus' index.
struct Case {
    test: String,
    capture: PathBuf,
    log: PathBuf,
    command: String,
}

/// What came of one case.
struct Outcome {
    test: String,
    connections: u64,
    exact: u64,
    agreement: Agreement,
    differences: Vec<Difference>,
}

#[test]
fn connections_agree_with_zeek() {
    let Some(root) = corpus::root() else { return };
    let outcomes = corpus::on_all_cores(&cases(&root), compare);
    let mut all = Agreement::default();
    let mut differences = Vec::new();
    let (mut connections, mut exact) = (0, 0);
    for outcome in outcomes {
        let Outcome { test, connections: n, exact: same, agreement, differences: found } = outcome;
        println!("{same:>5} of {n:<5} {test}");
        (connections, exact) = (connections + n, exact + same);
        all.merge(&agreement);
        differences.extend(found);
    }
    all.print("agreement with Zeek");
    let percent = listed::percent(exact, connections);
    println!("{exact} of {connections} connections agree in every field: {percent:.2} %");
    listed::judge(DIFFERENCES, "zeek", &differences);
    assert!(percent >= AGREE_MIN, "only {percent:.2} % of the connections agree exactly");
}

/// The index' lines with a `conn.log`, without those that the table of exclusions names.
fn cases(root: &Path) -> Vec<Case> {
    let folder = root.join("zeek");
    let index = std::fs::read_to_string(folder.join("index.tsv")).expect("the corpus has an index");
    let excluded = listed::table(EXCLUDED);
    for row in &excluded {
        let reasoned = row.get(1).is_some_and(|reason| !reason.is_empty());
        assert!(reasoned, "{EXCLUDED}: no reason for {row:?}");
        assert!(index.contains(&row[0]), "{EXCLUDED}: the index has no test `{}`", row[0]);
    }
    let mut cases = Vec::new();
    for line in index.lines().skip(1) {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or_default().to_owned();
        let (test, capture, logs, command) = (next(), next(), next(), next());
        let wanted = logs.split(',').any(|log| log == "conn.log");
        if wanted && excluded.iter().all(|row| row[0] != test) {
            let log = folder.join("expected").join(&test).join("conn.log");
            cases.push(Case { test, capture: folder.join(capture), log, command });
        }
    }
    cases
}

fn compare(case: &Case) -> Outcome {
    let text = std::fs::read_to_string(&case.log).expect("the index' logs are there");
    let connections = taken_together(zeek_log::parse(&text));
    let mut layers = vec![flows(case, &["--tunnels", "inner"], &[])];
    // Each further run looks one tunnel less deep.
    for depth in ["3", "2", "1"] {
        layers.push(flows(case, &[], &[("RHEOS_DECODE_TUNNEL_DEPTH_MAX", depth)]));
    }
    layers.push(flows(case, &["--tunnels", "outer"], &[]));
    let mut outcome = Outcome {
        test: case.test.clone(),
        connections: connections.len() as u64,
        exact: 0,
        agreement: Agreement::default(),
        differences: Vec::new(),
    };
    for connection in &connections {
        let empty = connection.packets == [Some(0); 2];
        match take_best(connection, &mut layers) {
            Some(flow) => note(connection, &flow, &mut outcome),
            None if empty => outcome.exact += 1,
            None => outcome.tell(&shown(connection), "flow", "missing", "present"),
        }
    }
    for flow in &layers[0] {
        outcome.tell(&ends_shown(flow.ends, flow.protocol), "flow", "present", "missing");
    }
    outcome
}

/// Zeek's connections, those that it ended for want of an answer to a SYN together with what follows them.
fn taken_together(connections: Vec<Connection>) -> Vec<Connection> {
    let mut all: Vec<Connection> = Vec::with_capacity(connections.len());
    for connection in connections {
        let tcp = connection.ends.is_some_and(|ends| ends.protocol == 6);
        let before = all
            .iter_mut()
            .find(|c| tcp && c.ends == connection.ends && c.state.as_deref() == Some("S0"));
        match before {
            Some(before) => {
                let sum = |[a, b]: [Option<u64>; 2], [c, d]: [Option<u64>; 2]| {
                    [a.zip(c).map(|(a, c)| a + c), b.zip(d).map(|(b, d)| b + d)]
                };
                before.packets = sum(before.packets, connection.packets);
                before.ip_bytes = sum(before.ip_bytes, connection.ip_bytes);
                (before.duration, before.history, before.state) = (None, None, None);
            }
            None => all.push(connection),
        }
    }
    all
}

/// Takes the flow that agrees best out of the innermost layer that has it, and out of the layers around it.
fn take_best(connection: &Connection, layers: &mut [Vec<Row>]) -> Option<Row> {
    let mut best: Option<(usize, Row)> = None;
    for layer in layers.iter() {
        for flow in layer.iter().filter(|flow| may_be(connection, flow)) {
            let wrong = disagreements(connection, flow).len();
            if best.as_ref().is_none_or(|(least, _)| wrong < *least) {
                best = Some((wrong, flow.clone()));
            }
        }
    }
    let (_, taken) = best?;
    for layer in layers {
        // What was innermost in some packets of a tunnel's connection is part of it.
        let part = |flow: &Row| {
            flow.ends == taken.ends
                && flow.protocol == taken.protocol
                && flow.first >= taken.first
                && flow.last <= taken.last
        };
        layer.retain(|flow| !part(flow));
    }
    Some(taken)
}

impl Outcome {
    fn tell(&mut self, connection: &str, field: &'static str, ours: &str, theirs: &str) {
        self.agreement.note(field, false);
        self.differences.push(Difference {
            case: self.test.clone(),
            connection: connection.to_owned(),
            field,
            ours: ours.to_owned(),
            theirs: theirs.to_owned(),
        });
    }
}

/// Our flows of a case, by Zeek's timeouts.
fn flows(case: &Case, flags: &[&str], settings: &[(&str, &str)]) -> Vec<Row> {
    let ignores = case.command.split(' ').any(|w| matches!(w, "-C" | "-Cr"));
    let checksums = if ignores { "ignore" } else { "drop" };
    let mut flags = flags.to_vec();
    flags.extend(["--checksums", checksums, "--active-timeout", "0"]);
    // Zeek's connections have no VLAN and no tunnel in their key.
    flags.extend(["--key-vlan=false", "--key-tunnel=false"]);
    if let Some((_, rest)) = case.command.split_once("-f '") {
        flags.extend(["--filter", rest.split('\'').next().unwrap_or_default()]);
    }
    let run = |idle: &str| {
        rows::extract(&case.capture, &[&flags[..], &["--idle-timeout", idle]].concat(), settings)
    };
    let mut flows: Vec<Row> = run("5m").into_iter().filter(|row| row.protocol == 6).collect();
    let others = run("1m").into_iter().filter(|row| row.protocol != 6);
    let mut portless: BTreeMap<([(IpAddr, u16); 2], u8), Row> = BTreeMap::new();
    for mut row in others {
        match row.protocol {
            1 | 58 => row.ends = icmp_ends(&row),
            132 => row.ends = row.ends.map(|(ip, _)| (ip, 0)),
            _ => {
                flows.push(row);
                continue;
            }
        }
        match portless.entry((row.ends, row.protocol)) {
            Entry::Vacant(place) => {
                place.insert(row);
            }
            Entry::Occupied(mut known) => together(known.get_mut(), &row),
        }
    }
    flows.extend(portless.into_values());
    flows
}

/// An ICMP flow's ends as Zeek has them: the sender of the first packet with the message's type, and the
/// receiver with the type of its answer or question, or else with the code.
fn icmp_ends(row: &Row) -> [(IpAddr, u16); 2] {
    let [mut from, mut to] = row.ends;
    let (kind, code) = row.icmp.expect("ICMP has a type");
    let other = match (row.protocol, kind) {
        (1, 8) => 0,
        (1, 0) => 8,
        (1, 13 | 15 | 17) | (58, 128 | 130 | 133 | 135 | 139 | 144 | 146) => kind + 1,
        (1, 14 | 16 | 18) | (58, 129 | 131 | 134 | 136 | 140 | 145 | 147) => kind - 1,
        (1, 9) => 10,
        (1, 10) => 9,
        _ => code,
    };
    (from.1, to.1) =
        if row.answer_first { (other.into(), kind.into()) } else { (kind.into(), other.into()) };
    [from, to]
}

/// Takes two flows of the same ends together.
fn together(known: &mut Row, more: &Row) {
    for direction in 0..2 {
        known.packets[direction] += more.packets[direction];
        known.ip_bytes[direction] += more.ip_bytes[direction];
    }
    known.last = known.last.max(more.last);
    known.first = known.first.min(more.first);
}

fn may_be(connection: &Connection, flow: &Row) -> bool {
    connection.ends.is_none_or(|ends| {
        let [a, b] = flow.ends;
        let same = (ends.orig, ends.resp) == (a, b) || (ends.orig, ends.resp) == (b, a);
        same && ends.protocol == flow.protocol
    })
}

/// A field, our value and Zeek's, where Zeek's log has the field at all.
type Compared = (&'static str, String, String);

fn compared(connection: &Connection, flow: &Row) -> Vec<Compared> {
    let guessed = connection.history.as_ref().is_some_and(|history| history.contains('^'));
    // Without ends in the log, Zeek's own word is taken.
    let swapped = connection.ends.map_or_else(
        || connection.history.as_ref().is_some_and(|history| history.starts_with('^')),
        |ends| ends.orig != flow.ends[0],
    );
    let side = |direction: usize| if swapped { 1 - direction } else { direction };
    let mut fields: Vec<Compared> = Vec::new();
    if connection.ends.is_some() {
        let way = if swapped && !guessed { "swapped" } else { "same" };
        fields.push(("endpoints", way.into(), "same".into()));
    }
    let counts = [
        ("orig_pkts", flow.packets[side(0)], connection.packets[0]),
        ("resp_pkts", flow.packets[side(1)], connection.packets[1]),
        ("orig_ip_bytes", flow.ip_bytes[side(0)], connection.ip_bytes[0]),
        ("resp_ip_bytes", flow.ip_bytes[side(1)], connection.ip_bytes[1]),
    ];
    for (field, ours, theirs) in counts {
        fields.extend(theirs.map(|theirs| (field, ours.to_string(), theirs.to_string())));
    }
    if let Some((ours, theirs)) = duration(connection, flow) {
        fields.push(("duration_us", ours.to_string(), theirs.to_string()));
    }
    if let Some(theirs) = &connection.history {
        // X says that one of Zeek's analyzers gave up.
        let theirs = theirs.replace(['X', '^'], "");
        fields.push(("history", history(flow, swapped), theirs));
    }
    if let Some(theirs) = &connection.state {
        fields.push(("conn_state", state(flow, swapped && guessed).into(), theirs.clone()));
    }
    fields
}

/// Our history without the mark of a swap, upper case from Zeek's originator.
fn history(flow: &Row, swapped: bool) -> String {
    let letters = flow.history.chars().filter(|c| *c != '^');
    let swap =
        |c: char| if c.is_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
    letters.map(|c| if swapped { swap(c) } else { c }).collect()
}

/// Our state, seen from the other end if `swapped`: who alone spoke UDP is then the responder.
fn state(flow: &Row, swapped: bool) -> &str {
    match (&*flow.state, swapped && flow.protocol == 17) {
        ("S0", true) => "SHR",
        ("SHR", true) => "S0",
        (state, _) => state,
    }
}

/// Microseconds, ours and Zeek's. Ours is Zeek's if that is when the flow or, once it was closed, one of its last
/// packets came; nothing where that cannot be told, because the flow has more packets than a row has times.
fn duration(connection: &Connection, flow: &Row) -> Option<(u64, u64)> {
    let theirs = connection.duration?;
    let same = |nanos: u64| ((nanos + 500) / 1000).abs_diff(theirs) <= DURATION_TOLERANCE_US;
    let whole = flow.last - flow.first;
    let history = connection.history.as_deref().unwrap_or_default();
    let closed = history.contains('F') && history.contains('f') || history.contains(['R', 'r']);
    let told = flow.times.len() as u64 == flow.packets.iter().sum::<u64>();
    let mut tail = flow.times.iter().rev().take(if closed { 1 + TAIL_PACKETS_MAX } else { 0 });
    if same(whole) || tail.any(|time| same(time.unsigned_abs())) {
        return Some((theirs, theirs));
    }
    (told || !closed).then_some(((whole + 500) / 1000, theirs))
}

fn disagreements(connection: &Connection, flow: &Row) -> Vec<Compared> {
    compared(connection, flow).into_iter().filter(|(_, ours, theirs)| ours != theirs).collect()
}

fn note(connection: &Connection, flow: &Row, outcome: &mut Outcome) {
    let fields = compared(connection, flow);
    outcome.agreement.note("flow", true);
    let mut exact = true;
    for (field, ours, theirs) in fields {
        if ours == theirs {
            outcome.agreement.note(field, true);
        } else {
            exact = false;
            outcome.tell(&shown(connection), field, &ours, &theirs);
        }
    }
    outcome.exact += u64::from(exact);
}

fn shown(connection: &Connection) -> String {
    match connection.ends {
        Some(Ends { orig, resp, protocol }) => ends_shown([orig, resp], protocol),
        None => connection.uid.clone(),
    }
}

fn ends_shown([a, b]: [(IpAddr, u16); 2], protocol: u8) -> String {
    format!("{} {} > {} {} proto {protocol}", a.0, a.1, b.0, b.1)
}
