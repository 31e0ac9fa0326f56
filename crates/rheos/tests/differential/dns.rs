//! Our DNS columns beside tshark's fields and Zeek's `dns.log`.

use std::collections::{BTreeMap, BTreeSet};

use crate::listed;
use crate::rows::Cells;
use crate::spoken::{self, Key, Outcome, Packet};
use crate::zeek_log::Line;

const TSHARK_DIFFERENCES: &str = "tshark-dns-differences.tsv";
const ZEEK_DIFFERENCES: &str = "zeek-dns-differences.tsv";
/// The share of flows that must agree with tshark, and with Zeek, in every field, in percent.
const TSHARK_AGREE_MIN: f64 = 95.0;
const ZEEK_AGREE_MIN: f64 = 98.0;
/// How many flows tshark calls DNS at least.
const FLOWS_MIN: u64 = 300;
/// Zeek prints microseconds.
const TIME_TOLERANCE: f64 = 1.5e-6;

type Fields = Vec<(&'static str, String, String)>;

/// What tshark says of a flow.
#[derive(Debug, Default)]
struct Told {
    queries: u64,
    responses: u64,
    answers: u64,
    truncated: u64,
    authoritative: u64,
    /// Responses by code: 0 to 5, then all others.
    rcodes: [u64; 7],
    /// Name and type of the first question.
    question: Option<(String, String)>,
}

#[test]
fn dns_agrees_with_tshark() {
    let Some(captures) = spoken::captures() else { return };
    let mut outcome = Outcome::default();
    for capture in captures {
        let told = told(&capture.packets);
        let keys: BTreeSet<&Key> = capture.rows.keys().chain(told.keys()).collect();
        for key in keys {
            let rows = capture.rows.get(key).map_or(&[][..], Vec::as_slice);
            let ours: Vec<&Cells> =
                rows.iter().filter(|row| row["dns_detected"] == "true").collect();
            let fields = match (&ours[..], told.get(key)) {
                ([], None) => continue,
                ([], Some(_)) => spoken::presence("dns", false),
                (_, None) => spoken::presence("dns", true),
                (ours, Some(theirs)) => fields(ours, theirs),
            };
            outcome.note(&capture.case, key, fields);
        }
    }
    outcome.agreement.print("DNS beside tshark");
    let percent = listed::percent(outcome.exact, outcome.flows);
    println!("{} of {} flows agree in every field: {percent:.2} %", outcome.exact, outcome.flows);
    listed::judge(TSHARK_DIFFERENCES, "tshark", &outcome.differences);
    assert!(outcome.flows >= FLOWS_MIN, "only {} flows", outcome.flows);
    assert!(percent >= TSHARK_AGREE_MIN, "only {percent:.2} %");
}

fn told(packets: &[Packet]) -> BTreeMap<Key, Told> {
    let mut all: BTreeMap<Key, Told> = BTreeMap::new();
    for packet in packets.iter().filter(|packet| packet.protocol != "ssh") {
        let responses = packet.numbers("dns.flags.response");
        if responses.is_empty() {
            continue;
        }
        let told = all.entry(packet.key).or_default();
        let answered = responses.iter().sum::<u64>();
        told.responses += answered;
        told.queries += responses.len() as u64 - answered;
        if told.question.is_none() {
            let (name, kind) = (packet.one("dns.qry.name"), packet.one("dns.qry.type"));
            told.question = name.zip(kind).map(|(name, kind)| (name.to_owned(), kind.to_owned()));
        }
        for rcode in packet.numbers("dns.flags.rcode") {
            told.rcodes[(rcode as usize).min(6)] += 1;
        }
        // What queries say of these is not counted.
        let of_responses = |field: &str| {
            let values = packet.numbers(field);
            let pairs = values.iter().zip(&responses);
            pairs.filter(|(_, response)| **response == 1).map(|(value, _)| value).sum::<u64>()
        };
        told.answers += of_responses("dns.count.answers");
        told.truncated += of_responses("dns.flags.truncated");
        // tshark gives this field for responses only.
        told.authoritative += packet.numbers("dns.flags.authoritative").iter().sum::<u64>();
    }
    all
}

const RCODES: [&str; 7] = [
    "dns_rcode_noerror",
    "dns_rcode_formerr",
    "dns_rcode_servfail",
    "dns_rcode_nxdomain",
    "dns_rcode_notimp",
    "dns_rcode_refused",
    "dns_rcode_other",
];

/// A number that a column has; nothing is 0.
fn number(row: &Cells, name: &str) -> u64 {
    let text = &row[name];
    if text.is_empty() { 0 } else { text.parse().expect(name) }
}

fn fields(ours: &[&Cells], theirs: &Told) -> Fields {
    let sum = |name: &str| ours.iter().map(|row| number(row, name)).sum::<u64>();
    let rcodes = RCODES.map(sum);
    let [name, kind] = ["dns_query_name", "dns_query_type"].map(|name| {
        ours.iter().map(|row| &*row[name]).find(|it| !it.is_empty()).unwrap_or_default()
    });
    let (their_name, their_kind) = theirs.question.clone().unwrap_or_default();
    vec![
        ("queries", sum("dns_queries").to_string(), theirs.queries.to_string()),
        ("responses", sum("dns_responses").to_string(), theirs.responses.to_string()),
        ("answers", sum("dns_answers").to_string(), theirs.answers.to_string()),
        ("truncated", sum("dns_truncated_responses").to_string(), theirs.truncated.to_string()),
        ("authoritative", sum("dns_authoritative").to_string(), theirs.authoritative.to_string()),
        ("rcodes", format!("{rcodes:?}"), format!("{:?}", theirs.rcodes)),
        ("query_name", name.to_owned(), escaped(&their_name)),
        ("query_type", kind.to_owned(), their_kind),
    ]
}

/// tshark's text of a name as ours: it has a word for the root and does not escape spaces.
fn escaped(name: &str) -> String {
    if name == "<Root>" { ".".into() } else { name.replace(' ', "\\032") }
}

#[test]
fn dns_agrees_with_zeek() {
    let Some(cases) = spoken::zeek_cases("dns.log") else { return };
    let mut outcome = Outcome::default();
    let mut exchanges = 0;
    for case in &cases {
        let rows = case.rows();
        for (key, theirs) in case.lines() {
            exchanges += theirs.len();
            let rows = rows.get(&key).map_or(&[][..], Vec::as_slice);
            let ours: Vec<&Cells> =
                rows.iter().filter(|row| row["dns_detected"] == "true").collect();
            let fields = if ours.is_empty() {
                spoken::presence("dns", false)
            } else {
                zeek_fields(&ours, &theirs)
            };
            outcome.note(&case.test, &key, fields);
        }
    }
    outcome.agreement.print("DNS beside Zeek");
    let Outcome { exact, flows, .. } = outcome;
    println!("{exact} of {flows} flows with {exchanges} exchanges agree in every field");
    listed::judge(ZEEK_DIFFERENCES, "zeek", &outcome.differences);
    assert!(flows >= 15, "only {flows} flows");
    let fields = outcome.agreement.percent();
    println!("{fields:.2} % of all fields agree");
    assert!(fields >= ZEEK_AGREE_MIN, "only {fields:.2} % of the fields");
}

/// Lines of one flow.
struct Lines<'a>(&'a [Line<'a>]);

impl<'a> Lines<'a> {
    /// The values of all lines that have one.
    fn all(&self, name: &str) -> Vec<&'a str> {
        let values = self.0.iter().filter_map(|line| line.get(name).copied());
        values.filter(|value| *value != "-").collect()
    }

    /// All items of all lists, as numbers.
    fn numbers(&self, name: &str) -> Vec<f64> {
        let lists = self.all(name);
        lists.iter().flat_map(|list| list.split(',')).map(|it| it.parse().expect(name)).collect()
    }

    /// The line of the exchange with this id.
    fn with_id(&self, id: &str) -> Lines<'a> {
        let place = self.0.iter().position(|line| line.get("trans_id").copied() == Some(id));
        Lines(place.map_or(&[], |place| &self.0[place..=place]))
    }
}

/// Zeek has a line per exchange, we a row per flow: compared is what all of a flow's lines say together, and of the
/// line of the flow's first message what is only of that. Zeek tells AA and the time of a response with its answer
/// records alone, and type and class with the query.
fn zeek_fields(ours: &[&Cells], lines: &[Line<'_>]) -> Fields {
    let lines = Lines(lines);
    let first = lines.with_id(&ours[0]["dns_transaction_id"]);
    let sum = |name: &str| ours.iter().map(|row| number(row, name)).sum::<u64>();
    let codes = (0..6).filter(|code| sum(RCODES[*code]) > 0).map(|code| code.to_string());
    let our_codes: BTreeSet<String> = codes.collect();
    let their_codes: BTreeSet<String> =
        lines.all("rcode").iter().map(|&it| it.to_owned()).collect();
    let ttls = lines.numbers("TTLs");
    let truth = |text: &str| if text == "T" { "true" } else { "false" }.to_owned();
    let mut fields = vec![
        ("rcodes", format!("{our_codes:?}"), format!("{their_codes:?}")),
        ("answers", sum("dns_answers").to_string(), ttls.len().to_string()),
        (
            "TC",
            (sum("dns_truncated_responses") > 0).to_string(),
            lines.all("TC").contains(&"T").to_string(),
        ),
    ];
    let columns =
        [("qtype", "dns_query_type"), ("qclass", "dns_query_class"), ("query", "dns_query_name")];
    for (name, column) in columns {
        if let [told] = first.all(name)[..] {
            fields.push((name, ours[0][column].to_lowercase(), told.to_owned()));
        }
    }
    if let [told] = first.all("RD")[..] {
        fields.push(("RD", ours[0]["dns_recursion_desired"].clone(), truth(told)));
    }
    let extreme = |name: &str, choose: fn(f64, f64) -> f64| {
        ours.iter().filter_map(|row| row[name].parse().ok()).reduce(choose).unwrap_or_default()
    };
    if let Some((least, most)) =
        ttls.iter().map(|&it| (it, it)).reduce(|(a, b), (c, d)| (a.min(c), b.max(d)))
    {
        let authoritative = lines.all("AA").contains(&"T");
        fields.push(("AA", (sum("dns_authoritative") > 0).to_string(), authoritative.to_string()));
        fields.push(("ttl_min", extreme("dns_ttl_min", f64::min).to_string(), least.to_string()));
        fields.push(("ttl_max", extreme("dns_ttl_max", f64::max).to_string(), most.to_string()));
    }
    // Where a flow has one exchange that was answered, its response is that of the line.
    if let ([line], [row]) = (lines.0, ours) {
        if let (Some(told), [_]) = (line.get("RA"), &lines.all("rcode")[..]) {
            fields.push(("RA", row["dns_recursion_available"].clone(), truth(told)));
        }
        if let [told] = lines.numbers("rtt")[..] {
            let ours = extreme("dns_response_time_min", f64::min);
            let near = (ours - told).abs() <= TIME_TOLERANCE;
            fields.push(("rtt", if near { told } else { ours }.to_string(), told.to_string()));
        }
    }
    fields
}
