//! The records that a model is learned from.

use rheos_core::seed::mix;
use rheos_core::{Nanos, Timestamp};

use super::service::is_server_port;
use crate::{FlowBlock, FlowColumn, FlowColumns};

/// Records that a sample keeps.
pub const SAMPLE_DEFAULT: usize = 1 << 20;

/// The same ends after this time of silence are another conversation: a minute.
const IDLE_NS: u64 = 60_000_000_000;

/// One direction of one flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) packets: u64,
    pub(super) bytes: u64,
}

impl Part {
    /// Both as one.
    fn joined(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            packets: self.packets.saturating_add(other.packets),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// Ends, ports and protocol, the client first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    client: u128,
    server: u128,
    client_port: u16,
    server_port: u16,
    protocol: u8,
}

impl Key {
    /// What decides whether a flow is kept: the same whichever end is the client.
    fn hash(&self) -> u64 {
        let end = |address: u128, port: u16| {
            mix(address as u64 ^ mix((address >> 64) as u64 ^ u64::from(port) << 48))
        };
        let client = end(self.client, self.client_port);
        mix(client.wrapping_add(end(self.server, self.server_port)) ^ u64::from(self.protocol))
    }
}

#[derive(Clone, Copy, Debug)]
struct Row {
    key: Key,
    is_reply: bool,
    part: Part,
}

/// A request and what answered it, parts of either joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Conversation {
    pub(super) client: u128,
    pub(super) server: u128,
    pub(super) port: u16,
    pub(super) protocol: u8,
    /// What the client sent; the reply's shape if only that was seen.
    pub(super) request: Part,
    pub(super) reply: Option<Part>,
}

/// A sample of flows, kept by the hash of their two ends: so both directions and all parts of a flow are in it, or none.
#[derive(Clone, Debug)]
pub struct FlowSample {
    max: usize,
    /// Rows are kept whose hash is below.
    below: u64,
    rows: Vec<Row>,
    records: u64,
    bytes: u64,
    packets: u64,
    first: u64,
    last: u64,
}

impl FlowSample {
    /// The columns that are looked at.
    pub fn columns() -> FlowColumns {
        use FlowColumn::{Bytes, DstIp, DstPort, First, Packets, Protocol, SrcIp, SrcPort};
        FlowColumns::of(&[First, SrcIp, DstIp, SrcPort, DstPort, Protocol, Packets, Bytes])
    }

    /// An empty sample that keeps at most `max` records.
    pub fn new(max: usize) -> Self {
        Self {
            max: max.max(1),
            below: u64::MAX,
            rows: Vec::new(),
            records: 0,
            bytes: 0,
            packets: 0,
            first: u64::MAX,
            last: 0,
        }
    }

    /// Looks at the rows of a block.
    pub fn add(&mut self, block: &FlowBlock) {
        for row in 0..block.len() {
            let number = |column| block.column(column).map_or(0, |c| c.value(row));
            let first = number(FlowColumn::First) as u64;
            let last = block.column(FlowColumn::Last).map_or(first, |c| c.value(row) as u64);
            let part = Part {
                first,
                last: last.max(first),
                packets: block.column(FlowColumn::Packets).map_or(1, |c| c.value(row) as u64),
                bytes: number(FlowColumn::Bytes) as u64,
            };
            self.count(part);
            let source = (number(FlowColumn::SrcIp), number(FlowColumn::SrcPort) as u16);
            let destination = (number(FlowColumn::DstIp), number(FlowColumn::DstPort) as u16);
            self.keep(source, destination, number(FlowColumn::Protocol) as u8, part);
        }
    }

    fn count(&mut self, part: Part) {
        self.records += 1;
        self.bytes = self.bytes.saturating_add(part.bytes);
        self.packets = self.packets.saturating_add(part.packets);
        self.first = self.first.min(part.first);
        self.last = self.last.max(part.first);
    }

    fn keep(&mut self, source: (u128, u16), destination: (u128, u16), protocol: u8, part: Part) {
        let is_reply = is_server_port(source.1, destination.1, protocol);
        let (client, server) = if is_reply { (destination, source) } else { (source, destination) };
        let key = Key {
            client: client.0,
            server: server.0,
            client_port: client.1,
            server_port: server.1,
            protocol,
        };
        if key.hash() <= self.below {
            self.rows.push(Row { key, is_reply, part });
            self.thin();
        }
    }

    /// Halves what is kept until it is few enough.
    fn thin(&mut self) {
        while self.rows.len() > self.max && self.below > 0 {
            self.below /= 2;
            let below = self.below;
            self.rows.retain(|row| row.key.hash() <= below);
        }
    }

    /// Adds what another sample has seen.
    pub fn merge(&mut self, other: Self) {
        let Self { below, rows, records, bytes, packets, first, last, .. } = other;
        self.below = self.below.min(below);
        let below = self.below;
        self.rows.extend(rows);
        self.rows.retain(|row| row.key.hash() <= below);
        self.thin();
        self.records += records;
        self.bytes = self.bytes.saturating_add(bytes);
        self.packets = self.packets.saturating_add(packets);
        (self.first, self.last) = (self.first.min(first), self.last.max(last));
    }

    /// Records that are kept.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Records that were looked at.
    pub const fn records(&self) -> u64 {
        self.records
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) const fn packets(&self) -> u64 {
        self.packets
    }

    /// The share of flows that is kept.
    pub(super) fn kept(&self) -> f64 {
        (self.below as f64 + 1.0) / 18_446_744_073_709_551_616.0
    }

    pub(super) fn start(&self) -> Timestamp {
        Timestamp::from_nanos(if self.records == 0 { 0 } else { self.first })
    }

    pub(super) const fn span(&self) -> Nanos {
        Nanos(self.last.saturating_sub(self.first))
    }

    /// Requests with their replies, in order of their ends: so the order of the input does not matter.
    pub(super) fn conversations(&self) -> Vec<Conversation> {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_unstable_by_key(|row| (row.key, row.part.first, row.is_reply, row.part.bytes));
        let mut told: Vec<Conversation> = Vec::new();
        for of_key in rows.chunk_by(|a, b| a.key == b.key) {
            let mut end = 0;
            let mut from = 0;
            for (at, row) in of_key.iter().enumerate() {
                if at > from && row.part.first > end {
                    told.extend(of_key.get(from..at).and_then(conversation));
                    from = at;
                }
                end = end.max(row.part.last.saturating_add(IDLE_NS));
            }
            told.extend(of_key.get(from..).and_then(conversation));
        }
        told
    }
}

/// All rows of one conversation as one.
fn conversation(rows: &[&Row]) -> Option<Conversation> {
    let Key { client, server, server_port: port, protocol, .. } = rows.first()?.key;
    let direction = |is_reply: bool| {
        let parts = rows.iter().filter(|row| row.is_reply == is_reply);
        parts.map(|row| row.part).reduce(Part::joined)
    };
    let (request, reply) = match (direction(false), direction(true)) {
        (Some(request), reply) => (request, reply),
        (None, reply) => (reply?, None),
    };
    Some(Conversation { client, server, port, protocol, request, reply })
}

#[cfg(test)]
mod tests {
    use rheos_core::WideRecord;

    use super::*;

    fn record(client: u32, port: u16, first: u64, packets: u64) -> WideRecord {
        WideRecord {
            first,
            last: first + 1000 * packets,
            packets,
            bytes: packets * 100,
            source_ip: WideRecord::mapped(0x0a00_0000 + client),
            destination_ip: WideRecord::mapped(0xc633_6401),
            source_port: port,
            destination_port: 443,
            protocol: 6,
            ..WideRecord::default()
        }
    }

    fn answer(to: &WideRecord) -> WideRecord {
        WideRecord {
            first: to.first + 10,
            packets: to.packets * 2,
            bytes: to.bytes * 20,
            source_ip: to.destination_ip,
            destination_ip: to.source_ip,
            source_port: to.destination_port,
            destination_port: to.source_port,
            ..*to
        }
    }

    fn sample(max: usize, records: &[WideRecord]) -> FlowSample {
        let mut sample = FlowSample::new(max);
        sample.add(&FlowBlock::from_wide(records));
        sample
    }

    #[test]
    fn a_conversation_is_both_directions_and_all_parts() {
        let first = record(1, 50_000, 1_000_000, 5);
        let later = WideRecord { first: first.last + 5, last: first.last + 500, ..first };
        let rows = [answer(&first), later, first];
        let told = sample(100, &rows).conversations();
        let [one] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((one.client, one.port), (u128::from_be_bytes(first.source_ip), 443));
        assert_eq!((one.request.packets, one.request.bytes), (10, 1000));
        assert_eq!((one.request.first, one.request.last), (first.first, later.last));
        assert_eq!(one.reply.map(|reply| reply.bytes), Some(10_000));
        // The same ports again after minutes of silence are another conversation.
        let again = WideRecord {
            first: first.first + 3 * IDLE_NS,
            last: first.last + 3 * IDLE_NS,
            ..first
        };
        assert_eq!(sample(100, &[first, again]).conversations().len(), 2);
    }

    #[test]
    fn an_answer_alone_is_a_request() {
        let only = answer(&record(1, 50_000, 0, 5));
        let told = sample(100, &[only]).conversations();
        assert!(told.len() == 1 && told[0].reply.is_none() && told[0].port == 443, "{told:?}");
    }

    #[test]
    fn a_sample_keeps_flows_whole_and_counts_all() {
        let requests: Vec<WideRecord> = (0..5000)
            .map(|i| record(i, 40_000 + (i % 9) as u16, u64::from(i) * 1_000_000, 3))
            .collect();
        let mut rows = requests.clone();
        rows.extend(requests.iter().map(answer));
        let small = sample(1000, &rows);
        assert!((400..=1000).contains(&small.len()), "{}", small.len());
        assert_eq!((small.records(), small.packets()), (10_000, 5000 * 9));
        assert!(small.conversations().iter().all(|one| one.reply.is_some()));
        assert!((small.kept() - small.len() as f64 / 10_000.0).abs() < 0.02, "{}", small.kept());
    }

    #[test]
    fn parts_make_the_same_sample_in_any_order() {
        let rows: Vec<WideRecord> =
            (0..4000).map(|i| record(i * 7, 45_000, u64::from(i) * 97_000_000_000, 2)).collect();
        let whole = sample(500, &rows);
        for at in [1, 1999, 3999] {
            let (a, b) = rows.split_at(at);
            for (one, two) in [(a, b), (b, a)] {
                let mut merged = sample(500, one);
                merged.merge(sample(500, two));
                assert_eq!(merged.conversations(), whole.conversations(), "{at}");
                assert_eq!(merged.records(), whole.records());
                assert_eq!((merged.start(), merged.span()), (whole.start(), whole.span()));
            }
        }
    }
}
