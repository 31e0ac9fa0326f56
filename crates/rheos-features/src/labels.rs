//! Labels from elsewhere, joined to rows: each label row tells by any part of the five-tuple, and by a span of time,
//! which flows it is for.
//!
//! The label that fixes the most bits of the five-tuple wins (an address has 32 or 128, a prefix as many as it is long,
//! a port 16, the protocol 8); among equals one with a span of time, then the first one. A span matches flows that
//! overlap it. Unless labels are directed, source and destination of a flow may be the other way round.
//!
//! Lookup is by tuple-space search: label rows with the same columns and prefix lengths share a hash table, and a flow
//! is looked up once per table, so that millions of exact labels cost no more than one.

use std::collections::HashMap;
use std::net::IpAddr;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{TimestampNanosecondType, UInt8Type, UInt16Type};
use arrow_array::{Array as _, ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, TimeUnit};
use arrow_select::take::take;
use rheos_core::filter::{Network, protocol_name};

use crate::error::Error;
use crate::value::Value;

/// The columns of label rows that tell which flows they are for; every other column is joined.
pub const MATCH_COLUMNS: &[&str] =
    &["src_ip", "dst_ip", "src_port", "dst_port", "protocol", "start", "end"];

/// The columns that rows must have, so that labels can be joined to them.
pub const NEEDED_COLUMNS: &[&str] =
    &["src_ip", "dst_ip", "src_port", "dst_port", "protocol", "start_time", "end_time"];

/// Combinations of columns and prefix lengths at most: as many lookups has a flow.
pub const SHAPES_MAX: usize = 1024;

/// Labels that are ready to be looked up.
#[derive(Debug)]
pub struct Labels {
    /// By specificity, the greatest first.
    shapes: Vec<(Shape, HashMap<Pattern, Vec<Rule>>)>,
    fields: Vec<Field>,
    columns: Vec<ArrayRef>,
    rows: usize,
    directed: bool,
}

/// What happened to labels and rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelUse {
    /// Rows that got a label.
    pub labelled: u64,
    /// Rows for which there was none.
    pub unlabelled: u64,
    used: Vec<bool>,
}

impl LabelUse {
    /// Label rows that were given to a row at least once.
    pub fn labels_used(&self) -> u64 {
        self.used.iter().filter(|&&used| used).count() as u64
    }

    /// Label rows that no row got.
    pub fn labels_unused(&self) -> u64 {
        self.used.len() as u64 - self.labels_used()
    }

    /// Adds what another run with the same labels counted.
    pub fn merge(&mut self, other: &Self) {
        self.labelled += other.labelled;
        self.unlabelled += other.unlabelled;
        if self.used.len() < other.used.len() {
            self.used.resize(other.used.len(), false);
        }
        for (mine, theirs) in self.used.iter_mut().zip(&other.used) {
            *mine |= theirs;
        }
    }
}

/// Which parts of a five-tuple are fixed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Shape {
    src_bits: Option<u8>,
    dst_bits: Option<u8>,
    src_port: bool,
    dst_port: bool,
    protocol: bool,
}

impl Shape {
    fn bits(self) -> u32 {
        let address = |bits: Option<u8>| u32::from(bits.unwrap_or(0));
        let port = |fixed| if fixed { 16 } else { 0 };
        let ports = port(self.src_port) + port(self.dst_port);
        address(self.src_bits) + address(self.dst_bits) + ports + u32::from(self.protocol) * 8
    }

    /// The fixed parts of `flow`; nothing if it lacks one.
    fn of(self, flow: &Endpoints) -> Option<Pattern> {
        let network = |bits: Option<u8>, address: Option<IpAddr>| match (bits, address) {
            (None, _) => Some(None),
            (Some(bits), Some(address)) => Network::new(address, bits).map(Some),
            (Some(_), None) => None,
        };
        let port = |fixed: bool, port: Option<u16>| match (fixed, port) {
            (false, _) => Some(None),
            (true, port) => port.map(Some),
        };
        Some(Pattern {
            src: network(self.src_bits, flow.src)?,
            dst: network(self.dst_bits, flow.dst)?,
            src_port: port(self.src_port, flow.src_port)?,
            dst_port: port(self.dst_port, flow.dst_port)?,
            protocol: if self.protocol { Some(flow.protocol?) } else { None },
        })
    }
}

/// The fixed parts of five-tuples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Pattern {
    src: Option<Network>,
    dst: Option<Network>,
    src_port: Option<u16>,
    dst_port: Option<u16>,
    protocol: Option<u8>,
}

impl Pattern {
    fn shape(&self) -> Shape {
        Shape {
            src_bits: self.src.map(|network| network.prefix()),
            dst_bits: self.dst.map(|network| network.prefix()),
            src_port: self.src_port.is_some(),
            dst_port: self.dst_port.is_some(),
            protocol: self.protocol.is_some(),
        }
    }
}

/// A label row among those with the same pattern.
#[derive(Clone, Copy, Debug)]
struct Rule {
    row: usize,
    span: Option<(i128, i128)>,
}

/// The ends of a row's flow.
#[derive(Clone, Copy, Debug, Default)]
struct Endpoints {
    src: Option<IpAddr>,
    dst: Option<IpAddr>,
    src_port: Option<u16>,
    dst_port: Option<u16>,
    protocol: Option<u8>,
    first: Option<i128>,
    last: Option<i128>,
}

impl Endpoints {
    fn reversed(self) -> Self {
        Self {
            src: self.dst,
            dst: self.src,
            src_port: self.dst_port,
            dst_port: self.src_port,
            ..self
        }
    }

    fn is_within(&self, span: Option<(i128, i128)>) -> bool {
        let Some((start, end)) = span else { return true };
        self.first.is_some_and(|first| first <= end) && self.last.is_some_and(|last| last >= start)
    }
}

impl Labels {
    /// Makes labels of rows with any of [`MATCH_COLUMNS`]. An empty value, null or `*` matches everything.
    ///
    /// # Errors
    /// If no column tells flows, none is left to be joined, or a value is not understood.
    pub fn new(rows: &RecordBatch, directed: bool) -> Result<Self, Error> {
        let schema = rows.schema();
        let matching: Vec<(&str, &ArrayRef)> = MATCH_COLUMNS
            .iter()
            .filter_map(|&name| Some((name, rows.column_by_name(name)?)))
            .collect();
        if matching.is_empty() {
            return Err(Error::LabelsMatchNothing { known: MATCH_COLUMNS.to_vec() });
        }
        let mut tables: HashMap<Shape, HashMap<Pattern, Vec<Rule>>> = HashMap::new();
        for row in 0..rows.num_rows() {
            let (pattern, span) = rule(&matching, row)?;
            let table = tables.entry(pattern.shape()).or_default();
            table.entry(pattern).or_default().push(Rule { row, span });
            if tables.len() > SHAPES_MAX {
                return Err(Error::LabelShapes { limit: SHAPES_MAX });
            }
        }
        for rules in tables.values_mut().flat_map(HashMap::values_mut) {
            // Stable: those with a span first, each kind as in the file.
            rules.sort_by_key(|rule| rule.span.is_none());
        }
        let mut shapes: Vec<_> = tables.into_iter().collect();
        shapes.sort_by_key(|(shape, _)| std::cmp::Reverse(shape.bits()));
        let joined = schema.fields().iter().zip(rows.columns());
        let joined = joined.filter(|(field, _)| !MATCH_COLUMNS.contains(&field.name().as_str()));
        let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = joined
            .map(|(field, array)| (described(field.name(), array.data_type()), array.clone()))
            .unzip();
        if fields.is_empty() {
            return Err(Error::LabelsSayNothing);
        }
        Ok(Self { shapes, fields, columns, rows: rows.num_rows(), directed })
    }

    /// The columns that are joined.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Counts of nothing yet.
    pub fn unused(&self) -> LabelUse {
        LabelUse { used: vec![false; self.rows], ..LabelUse::default() }
    }

    /// The values of the joined columns for these rows, which have [`NEEDED_COLUMNS`]; null without a label.
    pub fn join(&self, rows: &RecordBatch, uses: &mut LabelUse) -> Vec<ArrayRef> {
        let ends = Ends::of(rows);
        let places: UInt64Array = (0..rows.num_rows())
            .map(|row| {
                let place = self.find(&ends.row(row));
                match place {
                    Some(_) => uses.labelled += 1,
                    None => uses.unlabelled += 1,
                }
                if let Some(used) = place.and_then(|place| uses.used.get_mut(place)) {
                    *used = true;
                }
                place.map(|place| place as u64)
            })
            .collect();
        let taken = |column: &ArrayRef| {
            take(column, &places, None)
                .expect("places lie within the labels, and every type is taken")
        };
        self.columns.iter().map(taken).collect()
    }

    /// The label row for a flow.
    fn find(&self, flow: &Endpoints) -> Option<usize> {
        let mut best: Option<(u32, bool, usize)> = None;
        for (shape, table) in &self.shapes {
            if best.is_some_and(|(bits, ..)| bits > shape.bits()) {
                break;
            }
            let ways = [Some(*flow), (!self.directed).then(|| flow.reversed())];
            for way in ways.into_iter().flatten() {
                let Some(rules) = shape.of(&way).and_then(|pattern| table.get(&pattern)) else {
                    continue;
                };
                let Some(rule) = rules.iter().find(|rule| flow.is_within(rule.span)) else {
                    continue;
                };
                let found = (shape.bits(), rule.span.is_none(), rule.row);
                best = Some(best.map_or(found, |best| best.min(found)));
            }
        }
        best.map(|(.., row)| row)
    }
}

fn described(name: &str, kind: &DataType) -> Field {
    let facts = [
        ("description", "from the labels, by five-tuple and time"),
        ("group", "labels"),
        ("null", "no label is for the flow"),
    ];
    let facts = facts.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Field::new(name, kind.clone(), true).with_metadata(HashMap::from(facts))
}

/// IANA protocol numbers without ports: what other tools write there (type, code, identifier) is not looked at.
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// Which flows a label row is for.
fn rule(
    matching: &[(&str, &ArrayRef)],
    row: usize,
) -> Result<(Pattern, Option<(i128, i128)>), Error> {
    let mut pattern = Pattern::default();
    let (mut start, mut end) = (None, None);
    for &(name, array) in matching {
        let value = Value::of(array, row);
        let text = value.to_string();
        let text = text.trim();
        if matches!(text, "" | "*") {
            continue;
        }
        let wrong = |what| Error::LabelValue { row: row + 1, text: text.to_owned(), what };
        match name {
            "src_ip" => {
                pattern.src = Some(network(text).ok_or_else(|| wrong("address or prefix"))?);
            }
            "dst_ip" => {
                pattern.dst = Some(network(text).ok_or_else(|| wrong("address or prefix"))?);
            }
            "src_port" => pattern.src_port = Some(whole(value).ok_or_else(|| wrong("port"))?),
            "dst_port" => pattern.dst_port = Some(whole(value).ok_or_else(|| wrong("port"))?),
            "protocol" => {
                pattern.protocol = Some(protocol(value, text).ok_or_else(|| wrong("protocol"))?);
            }
            "start" => start = Some(moment(value).ok_or_else(|| wrong("time"))?),
            _ => end = Some(moment(value).ok_or_else(|| wrong("time"))?),
        }
    }
    if matches!(pattern.protocol, Some(ICMP | ICMPV6)) {
        (pattern.src_port, pattern.dst_port) = (None, None);
    }
    let spanned = start.is_some() || end.is_some();
    let span = spanned.then_some((start.unwrap_or(i128::MIN), end.unwrap_or(i128::MAX)));
    Ok((pattern, span))
}

/// An address, or one with a prefix length.
fn network(text: &str) -> Option<Network> {
    match text.split_once('/') {
        Some((address, bits)) => Network::new(address.parse().ok()?, bits.parse().ok()?),
        None => Some(Network::host(text.parse().ok()?)),
    }
}

fn whole<T: TryFrom<i128>>(value: Value) -> Option<T> {
    match value.into_type(&DataType::Int64) {
        Value::Whole(number) => T::try_from(number).ok(),
        _ => None,
    }
}

/// A number of IANA's, or a name such as `tcp`.
fn protocol(value: Value, text: &str) -> Option<u8> {
    let name = text.to_ascii_lowercase();
    let named = || (0..=u8::MAX).find(|&number| protocol_name(number) == Some(&name));
    whole(value).or_else(named)
}

/// Seconds, or RFC 3339.
fn moment(value: Value) -> Option<i128> {
    match value.into_type(&DataType::Timestamp(TimeUnit::Nanosecond, None)) {
        Value::Moment(nanos, _) => Some(nanos),
        _ => None,
    }
}

/// The columns of rows that labels look at.
struct Ends<'a>(&'a RecordBatch);

impl<'a> Ends<'a> {
    const fn of(rows: &'a RecordBatch) -> Self {
        Self(rows)
    }

    fn row(&self, row: usize) -> Endpoints {
        let valid = |name: &str| self.0.column_by_name(name).filter(|array| array.is_valid(row));
        let address = |name| valid(name)?.as_string_opt::<i32>()?.value(row).parse().ok();
        let port = |name| Some(valid(name)?.as_primitive_opt::<UInt16Type>()?.value(row));
        let time = |name| {
            let array = valid(name)?.as_primitive_opt::<TimestampNanosecondType>()?;
            Some(i128::from(array.value(row)))
        };
        Endpoints {
            src: address("src_ip"),
            dst: address("dst_ip"),
            src_port: port("src_port"),
            dst_port: port("dst_port"),
            protocol: valid("protocol")
                .and_then(|array| Some(array.as_primitive_opt::<UInt8Type>()?.value(row))),
            first: time("start_time"),
            last: time("end_time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{StringArray, TimestampNanosecondArray, UInt8Array, UInt16Array};

    use proptest::prelude::*;

    use super::*;

    fn batch_of(csv: &str) -> RecordBatch {
        let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let names = lines.next().unwrap();
        let rows: Vec<Vec<&str>> = lines.collect();
        let column = |place: usize| -> ArrayRef {
            let texts = rows.iter().map(|row| Some(row[place]).filter(|text| !text.is_empty()));
            Arc::new(texts.collect::<StringArray>())
        };
        let columns = names.iter().enumerate().map(|(place, name)| (*name, column(place), true));
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    fn labels(csv: &str, directed: bool) -> Result<Labels, Error> {
        Labels::new(&batch_of(csv), directed)
    }

    /// 10.0.0.1:1000 to 10.0.0.2:443 from second 10 to 20; the second row the other way round; then a ping over IPv6.
    fn rows() -> RecordBatch {
        let times = |seconds: [i64; 3]| -> ArrayRef {
            Arc::new(TimestampNanosecondArray::from(seconds.map(|s| s * 1_000_000_000).to_vec()))
        };
        RecordBatch::try_from_iter([
            (
                "src_ip",
                Arc::new(StringArray::from(vec!["10.0.0.1", "10.0.0.2", "2001:db8::1"]))
                    as ArrayRef,
            ),
            ("dst_ip", Arc::new(StringArray::from(vec!["10.0.0.2", "10.0.0.1", "2001:db8::2"]))),
            ("src_port", Arc::new(UInt16Array::from(vec![Some(1000), Some(443), None]))),
            ("dst_port", Arc::new(UInt16Array::from(vec![Some(443), Some(1000), None]))),
            ("protocol", Arc::new(UInt8Array::from(vec![6, 6, 58]))),
            ("start_time", times([10, 30, 10])),
            ("end_time", times([20, 40, 20])),
        ])
        .unwrap()
    }

    fn joined(csv: &str, directed: bool) -> Vec<String> {
        let labels = labels(csv, directed).unwrap();
        let mut uses = labels.unused();
        let columns = labels.join(&rows(), &mut uses);
        let texts = columns[0].as_string::<i32>();
        assert_eq!(uses.labelled, texts.iter().flatten().count() as u64);
        texts.iter().map(|text| text.unwrap_or("-").to_owned()).collect()
    }

    #[test]
    fn either_direction_unless_directed() {
        let csv = "src_ip,dst_ip,dst_port,label\n10.0.0.1,10.0.0.2,443,web\n";
        assert_eq!(joined(csv, false), ["web", "web", "-"]);
        assert_eq!(joined(csv, true), ["web", "-", "-"]);
    }

    #[test]
    fn the_most_specific_label_wins_then_the_first() {
        let csv = "src_ip,dst_port,protocol,label\n,,,any\n10.0.0.0/8,,,ten\n10.0.0.0/24,,,near\n\
                   ,443,tcp,https\n10.0.0.1,443,6,exact\n10.0.0.1,443,6,later\n";
        // 24 bits are as many as port and protocol fix: the earlier one.
        assert_eq!(joined(csv, false), ["exact", "exact", "any"]);
        assert_eq!(joined(csv, true), ["exact", "near", "any"]);
        let csv = "src_ip,dst_port,protocol,label\n,443,6,https\n10.0.0.0/24,,,near\n";
        assert_eq!(joined(csv, true), ["https", "near", "-"]);
    }

    #[test]
    fn spans_match_flows_that_overlap_them() {
        let csv = "protocol,start,end,label\n6,,,tcp\n6,20,25,attack\n6,40.000000001,,late\n";
        assert_eq!(joined(csv, false), ["attack", "tcp", "-"]);
        let csv = "start,end,label\n1970-01-01T00:00:35Z,1970-01-01T00:00:36Z,then\n";
        assert_eq!(joined(csv, false), ["-", "then", "-"]);
        let csv = "start,label\n21,since\n";
        assert_eq!(joined(csv, false), ["-", "since", "-"]);
    }

    #[test]
    fn ipv6_prefixes_and_rows_without_ports() {
        let csv =
            "dst_ip,src_port,label\n2001:db8::/32,,six\n2001:db8::/64,1,port\n0.0.0.0/0,,four\n";
        assert_eq!(joined(csv, false), ["four", "four", "six"]);
    }

    #[test]
    fn ports_of_labels_for_icmp_are_not_looked_at() {
        let csv = "src_ip,src_port,dst_port,protocol,label\n2001:db8::1,128,0,icmp6,ping\n2001:db8::1,128,0,,no\n";
        assert_eq!(joined(csv, false), ["-", "-", "ping"]);
    }

    #[test]
    fn what_was_not_used_is_counted() {
        let labels = labels("protocol,label,more\n6,a,b\n17,c,d\n6,e,f\n", false).unwrap();
        let names: Vec<&str> = labels.fields().iter().map(|f| f.name().as_str()).collect();
        assert_eq!(names, ["label", "more"]);
        let mut uses = labels.unused();
        labels.join(&rows(), &mut uses);
        assert_eq!((uses.labelled, uses.unlabelled), (2, 1));
        assert_eq!((uses.labels_used(), uses.labels_unused()), (1, 2));
        let mut both = LabelUse::default();
        both.merge(&uses);
        both.merge(&uses);
        assert_eq!((both.labelled, both.labels_unused()), (4, 2));
    }

    #[test]
    fn mistakes_are_told_with_their_row() {
        for (csv, expected) in [
            (
                "src_ip,label\n10.0.0.1,a\nhost,b\n",
                "row 2 of the labels: `host` is no address or prefix",
            ),
            ("src_ip,label\n10.0.0.1/33,a\n", "`10.0.0.1/33` is no address or prefix"),
            ("dst_port,label\n65536,a\n", "`65536` is no port"),
            ("protocol,label\ntpc,a\n", "`tpc` is no protocol"),
            ("start,label\nyesterday,a\n", "`yesterday` is no time"),
            ("label\na\n", "none of the columns"),
            ("src_ip\n10.0.0.1\n", "no column beside"),
        ] {
            let error = labels(csv, false).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn tables_are_as_many_as_shapes_not_as_labels() {
        let mut csv = "src_ip,dst_port,label\n".to_owned();
        for n in 0..2000 {
            csv.push_str(&format!("10.0.{}.{},{},x\n", n / 256, n % 256, n + 1));
        }
        assert_eq!(labels(&csv, false).unwrap().shapes.len(), 1);
    }

    /// The label that the rules of the guide give, looked for one by one.
    fn by_hand(rules: &[(Pattern, Option<(i128, i128)>)], flow: &Endpoints) -> Option<usize> {
        let fits = |pattern: &Pattern, way: &Endpoints| {
            let network = |of: Option<Network>, address: Option<IpAddr>| {
                of.is_none_or(|of| address.is_some_and(|address| of.contains(address)))
            };
            let port = |of: Option<u16>, port| of.is_none() || of == port;
            network(pattern.src, way.src)
                && network(pattern.dst, way.dst)
                && port(pattern.src_port, way.src_port)
                && port(pattern.dst_port, way.dst_port)
                && (pattern.protocol.is_none() || pattern.protocol == way.protocol)
        };
        let either = |pattern| fits(pattern, flow) || fits(pattern, &flow.reversed());
        let candidates = rules.iter().enumerate();
        let candidates =
            candidates.filter(|(_, (pattern, span))| either(pattern) && flow.is_within(*span));
        let best = candidates.min_by_key(|(row, (p, span))| {
            (std::cmp::Reverse(p.shape().bits()), span.is_none(), *row)
        });
        best.map(|(row, _)| row)
    }

    proptest! {
        #[test]
        fn lookup_finds_what_looking_at_each_label_finds(
            labels in proptest::collection::vec(
                (0..3_u8, 0..3_u8, 0..3_u8, 0..3_u8, 0..3_u8, proptest::option::of(0..50_i64)), 1..40,
            ),
            flows in proptest::collection::vec((0..4_u8, 0..4_u8, 0..3_u16, 0..3_u16, 0..2_u8), 1..20),
        ) {
            let address = |n: u8| ["", "10.0.0.0/30", "10.0.0.1"][usize::from(n)];
            let number = |n: u8| if n == 0 { String::new() } else { n.to_string() };
            let mut csv = "src_ip,dst_ip,src_port,dst_port,protocol,start,label\n".to_owned();
            for (row, (src, dst, sport, dport, protocol, start)) in labels.iter().enumerate() {
                let protocol = if *protocol == 0 { "" } else { ["", "6", "17"][usize::from(*protocol)] };
                let start = start.map_or_else(String::new, |start| start.to_string());
                csv.push_str(&format!(
                    "{},{},{},{},{protocol},{start},{row}\n",
                    address(*src), address(*dst), number(*sport), number(*dport),
                ));
            }
            let batch = batch_of(&csv);
            let matching: Vec<(&str, &ArrayRef)> = MATCH_COLUMNS
                .iter()
                .filter_map(|&name| Some((name, batch.column_by_name(name)?)))
                .collect();
            let rules: Vec<_> =
                (0..batch.num_rows()).map(|row| rule(&matching, row).unwrap()).collect();
            let labels = Labels::new(&batch, false).unwrap();
            for (src, dst, src_port, dst_port, protocol) in flows {
                let flow = Endpoints {
                    src: Some(IpAddr::from([10, 0, 0, src])),
                    dst: Some(IpAddr::from([10, 0, 0, dst])),
                    src_port: Some(src_port),
                    dst_port: Some(dst_port),
                    protocol: Some([6, 17][usize::from(protocol)]),
                    first: Some(10_000_000_000),
                    last: Some(20_000_000_000),
                };
                prop_assert_eq!(labels.find(&flow), by_hand(&rules, &flow));
            }
        }
    }
}
