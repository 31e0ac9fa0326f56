//! The records of an attack's events.

use rheos_core::{RecordFlags, Seed, WideRecord};

use super::hosts::{HostRow, Scatter};
use super::model::{COMPLETE, DATA, ICMP, ICMP_V6, Leg, Model, SYN, SYN_ACK, SYN_RST, UDP};
use super::pace::Pace;
use super::settled::{Settled, Upload};
use super::{AttackKind, Event};
use crate::flows::draw;

/// Words of the second state of an event have a key that differs in this bit.
const MORE_WORDS: u64 = 1 << 62;
/// Flow ids of attacks have this bit, the label and the session's number; those of the background do not.
pub(in crate::flows) const FLOW_ID: u64 = 1 << 63;
/// The pattern of records that none has made.
const NO_PATTERN: u8 = u8::MAX;

/// IANA element 136, flowEndReason.
const IDLE_TIMEOUT: u8 = 1;
const ACTIVE_TIMEOUT_REASON: u8 = 2;
const END_OF_FLOW: u8 = 3;

/// DNS.
const DNS_PORT: u16 = 53;
/// Answers take 1 to 40 ms: our choice.
const ROUND_TRIP_US: (u32, u32) = (1_000, 40_000);

/// An attack with its tables.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flows) struct AttackPlan {
    label: u8,
    kind: AttackKind,
    pace: Pace,
    key: u64,
    sources: HostRow,
    targets: HostRow,
    /// First ports of ranges, with the number of ports before each.
    ports: Vec<(u64, u16)>,
    port_count: u64,
    /// Of scans: the order of ports, or of hosts.
    order: Scatter,
    model: Model,
    has_sizes: bool,
    upload: Option<Upload>,
}

/// Both ends of an event.
#[derive(Clone, Copy, Debug)]
struct Ends {
    source: u128,
    target: u128,
    source_port: u16,
    target_port: u16,
}

impl AttackPlan {
    /// `label` is its place in the list, from 1; `key` the plan's.
    pub(in crate::flows) fn new(settled: &Settled, label: u8, key: u64) -> Self {
        let key = Seed(key).named("attacks").child(label.into()).0;
        let Settled { model, upload, kind, .. } = *settled;
        let targets = HostRow::new(&settled.targets);
        let mut port_count = 0;
        let range = |&(from, to): &(u16, u16)| {
            let before = port_count;
            port_count += u64::from(to - from) + 1;
            (before, from)
        };
        let ports = settled.ports.iter().map(range).collect();
        let ordered = if kind == AttackKind::PortScan { port_count } else { targets.count };
        let pace = Pace::new(
            (settled.start, settled.gap),
            settled.events,
            model.answered,
            model.jitter,
            key,
        );
        Self {
            label,
            kind,
            pace,
            key,
            sources: HostRow::new(&settled.sources),
            targets,
            ports,
            port_count: port_count.max(1),
            order: Scatter::new(ordered, key),
            model,
            has_sizes: settled.has_sizes,
            upload,
        }
    }

    /// How many records there are.
    pub(in crate::flows) fn records(&self) -> u64 {
        self.pace.records()
    }

    /// How many of them come before a moment.
    pub(in crate::flows) fn records_before(&self, moment: u64) -> u64 {
        self.pace.records_before(moment)
    }

    pub(in crate::flows) fn event_of(&self, record: u64) -> Event {
        self.pace.event_of(record)
    }

    pub(in crate::flows) fn next(&self, event: Event) -> Event {
        self.pace.next(event)
    }

    /// When an event is.
    pub(in crate::flows) fn moment(&self, event: Event) -> u64 {
        self.pace.at(event.number)
    }

    fn port(&self, number: u64) -> u16 {
        let range = self.ports.partition_point(|&(before, _)| before <= number);
        let Some(&(before, first)) = self.ports.get(range.wrapping_sub(1)) else { return 0 };
        first.wrapping_add((number - before) as u16)
    }

    /// Who and whom in session `number`, with random halves of it.
    fn ends(&self, number: u64, state: u64) -> Ends {
        let below = |half: u32, count: u64| ((u128::from(half) * u128::from(count)) >> 32) as u64;
        let (_, source_half) = draw::word(state, 0);
        let (target_half, port_half) = draw::word(state, 1);
        let (own_port_half, _) = draw::word(state, 2);
        let mut source = below(source_half, self.sources.count);
        let mut target = below(target_half, self.targets.count);
        let mut port = below(port_half, self.port_count);
        let ephemeral = 49_152 + (own_port_half >> 18) as u16;
        let mut source_port = ephemeral;
        match self.kind {
            // Host by host, ports all over; and hosts all over, port by port. All from one port, as scanners do.
            AttackKind::PortScan => {
                target = number / self.port_count % self.targets.count;
                port = self.order.at(number);
                source_port = 49_152 + (self.key >> 50) as u16;
            }
            AttackKind::HostScan => {
                target = self.order.at(number);
                port = number / self.targets.count % self.port_count;
                source_port = 49_152 + (self.key >> 50) as u16;
            }
            // In turn, each at its own times.
            AttackKind::Beacon => source = number % self.sources.count,
            AttackKind::SynFlood => {
                source_port = 1024 + below(own_port_half, 64_512) as u16;
            }
            _ => {}
        }
        let mut target_port = self.port(port);
        if self.kind == AttackKind::DnsAmplification {
            (source_port, target_port) = (DNS_PORT, target_port);
        }
        if self.kind == AttackKind::IcmpFlood {
            (source_port, target_port) = (0, 0);
        }
        let (source, target) = (self.sources.at(source), self.targets.at(target));
        Ends { source, target, source_port, target_port }
    }

    /// The record of an event, which is at `moment`.
    pub(in crate::flows) fn record(&self, event: Event, moment: u64, stream_id: u32) -> WideRecord {
        let parts = self.upload.map_or(1, |upload| upload.parts);
        let (session, part) = (event.number / parts, event.number % parts);
        let state = draw::state(self.key, session);
        let ends = self.ends(session, state);
        let ipv6 = self.sources.ipv6;
        let mut record = WideRecord {
            first: moment,
            last: moment,
            flow_id: FLOW_ID | u64::from(self.label) << 48 | session,
            source_ip: ends.source.to_be_bytes(),
            destination_ip: ends.target.to_be_bytes(),
            source_port: ends.source_port,
            destination_port: ends.target_port,
            stream_id,
            protocol: self.model.protocol,
            flags: u8::from(ipv6) * RecordFlags::IPV6,
            pattern: NO_PATTERN,
            label: self.label,
            ..WideRecord::default()
        };
        let more = draw::state(self.key ^ MORE_WORDS, event.number);
        match self.upload {
            Some(upload) => upload_part(&mut record, &upload, part, event.is_answer),
            None => self.measure(&mut record, event, more),
        }
        if event.is_answer {
            turn(&mut record);
        }
        if self.model.protocol == ICMP || (record.protocol == UDP && event.is_answer) {
            self.say_icmp(&mut record, event.is_answer);
        }
        if ipv6 {
            // The header is 20 bytes longer.
            record.bytes = record.bytes.saturating_add(20 * record.packets);
        }
        record
    }

    /// Sizes, flags and times of one direction of an event.
    fn measure(&self, record: &mut WideRecord, event: Event, more: u64) {
        let (round_trip, span) = draw::word(more, 0);
        let half = draw::word(more, if event.is_answer { 2 } else { 1 }).0;
        let open = draw::word(more, 3).0;
        let [request, reply] = self.legs(record.destination_port);
        let leg = if event.is_answer { reply } else { request };
        (record.packets, record.bytes) = leg.sizes(half);
        record.tcp_flags = leg.flags;
        let round_trip = u64::from(between(ROUND_TRIP_US, round_trip)) * 1_000;
        let mut span = u64::from(between(self.model.span_ms, span)) * 1_000_000;
        let answered = event.is_answer || self.pace.is_answered(event.number);
        if self.kind.is_scan() && answered && self.is_open(open) {
            if event.is_answer {
                record.bytes = record.bytes.max(44);
                record.tcp_flags = SYN_ACK;
            } else {
                // The answer is reset.
                record.packets += 1;
                record.bytes += 40;
                record.tcp_flags = SYN_RST;
                span = round_trip;
            }
        }
        if record.packets == 1 && leg.flags != COMPLETE {
            span = 0;
        }
        if event.is_answer {
            let wait = if span > 0 { round_trip.min(span) } else { round_trip };
            record.first = record.first.saturating_add(wait);
            span = span.saturating_sub(wait);
        }
        record.last = record.first.saturating_add(span);
        record.end_reason = match record.tcp_flags {
            0 | SYN | SYN_ACK => IDLE_TIMEOUT,
            _ => END_OF_FLOW,
        };
    }

    /// Whether an answered probe has found an open port: one of 50, or of scans of hosts every second one.
    fn is_open(&self, half: u32) -> bool {
        half <= if self.kind == AttackKind::PortScan { u32::MAX / 50 } else { u32::MAX / 2 }
    }

    /// Both directions; sessions of guessed passwords differ by service: our choice.
    fn legs(&self, port: u16) -> [Leg; 2] {
        let Model { request, reply, .. } = self.model;
        let of = |packets, bytes| Leg { packets, bytes, flags: COMPLETE };
        match (self.kind, port) {
            (AttackKind::BruteForce, 21) if !self.has_sizes => {
                [of((8, 10), (420, 520)), of((8, 10), (500, 650))]
            }
            (AttackKind::BruteForce, 3389) if !self.has_sizes => {
                [of((14, 18), (2_200, 2_800)), of((14, 18), (2_800, 3_400))]
            }
            _ => [request, reply],
        }
    }

    /// Echo requests and their replies; answers that a port is unreachable (RFC 792, RFC 4443): type * 256 + code
    /// stands for the port.
    fn say_icmp(&self, record: &mut WideRecord, is_answer: bool) {
        let ipv6 = self.sources.ipv6;
        let (is_echo, is_dns) = (self.model.protocol == ICMP, self.kind == AttackKind::DnsTunnel);
        let [v4, v6]: [u16; 2] = match (is_echo, is_answer) {
            (true, false) => [8 << 8, 128 << 8],
            (true, true) => [0, 129 << 8],
            // DNS servers answer by UDP.
            (false, _) if is_dns => return,
            (false, _) => [3 << 8 | 3, 1 << 8 | 4],
        };
        record.protocol = if ipv6 { ICMP_V6 } else { ICMP };
        record.source_port = 0;
        record.destination_port = if ipv6 { v6 } else { v4 };
    }
}

/// A number of a range, both ends included.
fn between((from, to): (u32, u32), half: u32) -> u32 {
    from + ((u64::from(to - from + 1) * u64::from(half)) >> 32) as u32
}

impl Leg {
    /// Packets and bytes that a random half word chooses: more packets have more bytes.
    fn sizes(&self, half: u32) -> (u64, u64) {
        let packets = u64::from(between(self.packets, half));
        let (least, most) = (u64::from(self.packets.0), u64::from(self.packets.1));
        let (from, to) = self.bytes;
        let is_even = u128::from(from) * u128::from(most) == u128::from(to) * u128::from(least);
        let bytes = if is_even {
            // All packets are of one length.
            from / least.max(1) * packets
        } else {
            from + ((u128::from(to - from) * u128::from(half)) >> 32) as u64
        };
        // A header is 20 bytes at least.
        (packets, bytes.max(20 * packets))
    }
}

/// Exchanges the ends.
fn turn(record: &mut WideRecord) {
    std::mem::swap(&mut record.source_ip, &mut record.destination_ip);
    std::mem::swap(&mut record.source_port, &mut record.destination_port);
    record.flags |= RecordFlags::REVERSED;
}

/// One part of a long upload.
fn upload_part(record: &mut WideRecord, upload: &Upload, part: u64, is_answer: bool) {
    let is_last = part + 1 == upload.parts;
    let (bytes, span) = if is_last {
        (upload.last_bytes, upload.last_span.0)
    } else {
        (upload.bytes, upload.span.0 - 1)
    };
    let packets = bytes.div_ceil(1_500);
    record.packets = if is_answer { packets.div_ceil(2) } else { packets };
    record.bytes = if is_answer { 52 * record.packets } else { bytes };
    record.last = record.first.saturating_add(span);
    let ends = [u8::from(part == 0) * SYN, u8::from(is_last)];
    record.tcp_flags = DATA | ends[0] | ends[1];
    record.end_reason = if is_last { END_OF_FLOW } else { ACTIVE_TIMEOUT_REASON };
    record.flags |= u8::from(part > 0) * RecordFlags::CONTINUED;
}
