//! ICMP and ICMPv6: kinds of messages, echoes and their answers, what errors quote.
//!
//! The flow's key holds the identifier of an exchange, or the type and code of a one-way message, so one
//! flow is one exchange of two hosts, or errors of one kind from one host to another.

use rheos_core::{Addr, Direction, FiveTuple, IpVersion};
use rheos_wire::icmp_body;

use super::flow_meta::write_addr;
use super::{Ended, Group, Seen};
use crate::column::Kind::{Bool, F64, Str, U8, U16, U32, U64};
use crate::column::experimental as column;
use crate::column::{Column, GroupInfo, Identity, Kind, Privacy};
use crate::distinct::Distinct;
use crate::moments::Moments;
use crate::ports::has_ports;
use crate::row::RowBuffer;

const NOT_ICMP: &str = "neither ICMP over IPv4 nor ICMPv6 over IPv6";
const SIX: &str = "ICMPv6 too; null, not 0, in other protocols";
const NO_REQUEST: &str = "no echo request";
const NO_ANSWER: &str = "no echo request was answered";
const NO_NUMBER: &str =
    "no message with identifier and sequence number (echo, timestamp, information, mask)";
const NO_ERROR: &str = "no error that quotes an IP header";

/// How many pairs of type and code, or identifiers, are told apart.
const DISTINCT_MAX: usize = 16;
/// How many types are counted one by one; a flow holds a request's and its reply's, or one.
const TYPES_MAX: usize = 4;
/// How many requests wait for their answer at most; the oldest is given up for a new one.
pub const OUTSTANDING_MAX: usize = 64;

const fn icmp(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Column {
    column(name, kind, unit, meaning).null(NOT_ICMP)
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    column("icmp_packet_count", U64, "packets", "ICMP packets over IPv4 and ICMPv6 packets over IPv6: total_packets or 0").changed("ICMPv6 too; flows are kept apart by identifier, or type and code"),
    icmp("icmp_echo_request_count", U64, "packets", "echo requests: type 8, ICMPv6 128").changed(SIX),
    icmp("icmp_echo_reply_count", U64, "packets", "echo replies: type 0, ICMPv6 129").changed(SIX),
    icmp("icmp_dest_unreachable_count", U64, "packets", "destination unreachable: type 3, ICMPv6 1").changed(SIX),
    icmp("icmp_time_exceeded_count", U64, "packets", "time exceeded: type 11, ICMPv6 3").changed(SIX),
    icmp("icmp_unique_type_codes", U8, "pairs", "different pairs of type and code, at most 16").changed(SIX),
    icmp("icmp_dominant_type", U8, "", "most frequent type; of equally frequent ones, the one seen first").changed("null, not -1, without; ICMPv6 too"),
    icmp("icmp_dominant_type_count", U64, "packets", "packets of that type").changed(SIX),
    column("icmp_echo_success_ratio", F64, "", "share of echo requests that were answered: icmp_echo_answered_count / icmp_echo_request_count")
        .null(NO_REQUEST)
        .changed("never above 1: a reply counts for the request with its identifier and sequence number; null, not 0, without request; ICMPv6 too"),
    icmp("icmp_unique_ids", U8, "", "different identifiers of echo, timestamp, information and mask messages, at most 16; 0 without any").changed("the identifier is part of the flow's key, so it is 0 or 1 but for collisions; ICMPv6 too; null in other protocols"),
    column("icmp_seq_min", U16, "", "least sequence number").null(NO_NUMBER).changed("null, not 0, without; ICMPv6 too"),
    column("icmp_seq_max", U16, "", "greatest sequence number").null(NO_NUMBER).changed("null, not 0, without; ICMPv6 too"),
    column("icmp_seq_gaps", U64, "requests", "requests whose sequence number is ahead of the greatest of its sender so far by more than 1 (serial arithmetic mod 65536)")
        .null("no request with identifier and sequence number")
        .changed("over requests in order of arrival, not over all numbers sorted; ICMPv6 too"),
    icmp("icmp_stat", U8, "bits", "0x01 echo request, 0x02 echo reply, 0x04 destination unreachable, 0x08 time exceeded, 0x10 redirect (type 5, ICMPv6 137), 0x20 other types").changed(SIX),
    column("icmp_ratio", F64, "", "icmp_packet_count / total_packets: 0 or 1, as the protocol is part of the flow's key").changed("ICMPv6 too"),
    column("is_icmp_only", Bool, "", "all packets are ICMP or ICMPv6").changed("ICMPv6 too"),
    column("icmp_echo_answered_count", U64, "requests", "echo requests whose reply came: same identifier and sequence number, the other way").null(NO_REQUEST),
    column("icmp_echo_unanswered_count", U64, "requests", "echo requests without reply: icmp_echo_request_count - icmp_echo_answered_count").null(NO_REQUEST),
    icmp("icmp_echo_unasked_count", U64, "packets", "echo replies to no request that waits: answered before, given up (more than 64 wait), or not captured"),
    column("icmp_rtt_min", F64, "s", "least time from an echo request to its reply; a request sent again with the same number is measured from the last").null(NO_ANSWER),
    column("icmp_rtt_max", F64, "s", "greatest time from an echo request to its reply").null(NO_ANSWER),
    column("icmp_rtt_mean", F64, "s", "arithmetic mean of the times from echo requests to their replies").null(NO_ANSWER),
    column("icmp_rtt_std", F64, "s", "population standard deviation (ddof 0) of those times; 0 for one").null(NO_ANSWER),
    icmp("icmp_nd_count", U64, "packets", "neighbour discovery messages (RFC 4861): ICMPv6 types 133 to 137"),
    column("icmp_nd_target_ip", Str, "", "target of the first neighbour solicitation, neighbour advertisement or redirect (RFC 4861)")
        .identity(Identity::Address)
        .null("no such message"),
    column("icmp_quoted_protocol", U8, "", "IP protocol number of the packet that the first error quotes").null(NO_ERROR),
    column("icmp_quoted_src_ip", Str, "", "source of the packet that the first error quotes: who gets the error").identity(Identity::Address).null(NO_ERROR),
    column("icmp_quoted_dst_ip", Str, "", "destination of the packet that the first error quotes").identity(Identity::Address).null(NO_ERROR),
    column("icmp_quoted_src_port", U16, "", "source port of the packet that the first error quotes").identity(Identity::Port).null("no error quotes a header with ports"),
    column("icmp_quoted_dst_port", U16, "", "destination port of the packet that the first error quotes").identity(Identity::Port).null("no error quotes a header with ports"),
    column("icmp_next_hop_mtu", U32, "bytes", "greatest packet that the first router which gave up can pass on (RFC 1191, RFC 4443 section 3.2); 0 from routers that do not tell")
        .privacy(Privacy::Safe)
        .null("no error about packets that are too big"),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Icmp;

/// Bits of `icmp_stat`.
mod stat {
    pub(super) const REQUEST: u8 = 0x01;
    pub(super) const REPLY: u8 = 0x02;
    pub(super) const UNREACHABLE: u8 = 0x04;
    pub(super) const EXCEEDED: u8 = 0x08;
    pub(super) const REDIRECT: u8 = 0x10;
    pub(super) const OTHER: u8 = 0x20;
}

/// Made with a flow's first ICMP packet.
pub type State = Option<Box<Messages>>;

/// A request that waits for its answer.
#[derive(Clone, Copy, Debug)]
struct Asked {
    direction: Direction,
    sequence: u16,
    at: u64,
}

/// Counts over messages.
#[derive(Debug, Default)]
pub struct Messages {
    requests: u32,
    replies: u32,
    unreachable: u32,
    exceeded: u32,
    neighbour: u32,
    unasked: u32,
    stat: u8,
    types: [(u8, u32); TYPES_MAX],
    type_codes: Distinct<(u8, u8), DISTINCT_MAX>,
    ids: Distinct<u16, DISTINCT_MAX>,
    /// Least and greatest sequence number.
    numbers: Option<(u16, u16)>,
    /// The greatest number that each side asked with.
    greatest: [Option<u16>; 2],
    gaps: u32,
    asked: Vec<Asked>,
    rtt: Moments,
    quoted: Option<FiveTuple>,
    mtu: Option<u32>,
    target: Option<Addr>,
}

impl Group for Icmp {
    type State = State;
    const INFO: GroupInfo = GroupInfo {
        name: "icmp",
        meaning: "ICMP and ICMPv6 messages, echoes, errors and what they quote",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) -> State {
        None
    }

    #[inline]
    fn on_packet(state: &mut State, seen: &Seen<'_>) {
        if icmp_body::is_icmp(seen.packet) {
            state.get_or_insert_default().add(seen);
        }
    }

    fn finish(state: &State, ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let packets = ended.head.packets();
        let messages = state.as_deref();
        let none = Messages::default();
        let m = messages.unwrap_or(&none);
        let of = |value: u32| messages.map(|_| u64::from(value));
        let asked = (m.requests > 0).then_some(m.requests);
        let answered = m.rtt.n;
        let (dominant, dominant_count) = m.dominant();
        row.u64("icmp_packet_count", if messages.is_some() { packets } else { 0 });
        row.u64("icmp_echo_request_count", of(m.requests));
        row.u64("icmp_echo_reply_count", of(m.replies));
        row.u64("icmp_dest_unreachable_count", of(m.unreachable));
        row.u64("icmp_time_exceeded_count", of(m.exceeded));
        row.u8("icmp_unique_type_codes", messages.map(|m| m.type_codes.count() as u8));
        row.u8("icmp_dominant_type", messages.map(|_| dominant));
        row.u64("icmp_dominant_type_count", of(dominant_count));
        row.f64("icmp_echo_success_ratio", asked.map(|asked| answered as f64 / f64::from(asked)));
        row.u8("icmp_unique_ids", messages.map(|m| m.ids.count() as u8));
        row.u16("icmp_seq_min", m.numbers.map(|(min, _)| min));
        row.u16("icmp_seq_max", m.numbers.map(|(_, max)| max));
        let counted = m.greatest.iter().any(Option::is_some);
        row.u64("icmp_seq_gaps", counted.then_some(u64::from(m.gaps)));
        row.u8("icmp_stat", messages.map(|m| m.stat));
        row.f64("icmp_ratio", if messages.is_some() { 1.0 } else { 0.0 });
        row.bool("is_icmp_only", messages.is_some());
        if messages.is_none() {
            return row.rest_is_null();
        }
        row.u64("icmp_echo_answered_count", asked.map(|_| answered));
        let unanswered = |asked: u32| u64::from(asked).saturating_sub(answered);
        row.u64("icmp_echo_unanswered_count", asked.map(unanswered));
        row.u64("icmp_echo_unasked_count", of(m.unasked));
        let seconds = |nanos: f64| nanos / 1e9;
        row.f64("icmp_rtt_min", m.rtt.min().map(seconds));
        row.f64("icmp_rtt_max", m.rtt.max().map(seconds));
        row.f64("icmp_rtt_mean", m.rtt.mean().map(seconds));
        row.f64("icmp_rtt_std", m.rtt.std().map(seconds));
        row.u64("icmp_nd_count", of(m.neighbour));
        write_quoted(m, row);
    }
}

fn write_quoted(m: &Messages, row: &mut RowBuffer) {
    let addr = |out: &mut String, addr: Option<Addr>, version: IpVersion| {
        addr.is_some_and(|addr| write_addr(out, addr, version))
    };
    row.text("icmp_nd_target_ip", |out| addr(out, m.target, IpVersion::V6));
    let version = m.quoted.map_or(IpVersion::V4, |tuple| tuple.version);
    row.u8("icmp_quoted_protocol", m.quoted.map(|tuple| tuple.protocol));
    row.text("icmp_quoted_src_ip", |out| addr(out, m.quoted.map(|tuple| tuple.src), version));
    row.text("icmp_quoted_dst_ip", |out| addr(out, m.quoted.map(|tuple| tuple.dst), version));
    let with_ports = m.quoted.filter(|t| has_ports(t.protocol) && t.src_port | t.dst_port != 0);
    row.u16("icmp_quoted_src_port", with_ports.map(|tuple| tuple.src_port));
    row.u16("icmp_quoted_dst_port", with_ports.map(|tuple| tuple.dst_port));
    row.u32("icmp_next_hop_mtu", m.mtu);
}

impl Messages {
    fn add(&mut self, seen: &Seen<'_>) {
        let packet = seen.packet;
        let kind = packet.icmp_type;
        let (bit, count) = match (packet.tuple.version, kind) {
            (IpVersion::V4, 8) | (IpVersion::V6, 128) => (stat::REQUEST, Some(&mut self.requests)),
            (IpVersion::V4, 0) | (IpVersion::V6, 129) => (stat::REPLY, Some(&mut self.replies)),
            (IpVersion::V4, 3) | (IpVersion::V6, 1) => {
                (stat::UNREACHABLE, Some(&mut self.unreachable))
            }
            (IpVersion::V4, 11) | (IpVersion::V6, 3) => (stat::EXCEEDED, Some(&mut self.exceeded)),
            (IpVersion::V4, 5) | (IpVersion::V6, 137) => (stat::REDIRECT, None),
            _ => (stat::OTHER, None),
        };
        if let Some(count) = count {
            *count = count.saturating_add(1);
        }
        self.stat |= bit;
        self.count_type(kind);
        self.type_codes.add((kind, packet.icmp_code));
        if icmp_body::is_neighbour_discovery(packet) {
            self.neighbour = self.neighbour.saturating_add(1);
            self.target = self.target.or_else(|| icmp_body::neighbour_target(packet, seen.bytes));
        }
        if let Some((identifier, sequence)) = icmp_body::echo(packet, seen.bytes) {
            self.ids.add(identifier);
            self.add_number(seen, bit, sequence);
        } else if icmp_body::is_error(packet) {
            self.quoted = self.quoted.or_else(|| icmp_body::quoted(packet, seen.bytes));
            self.mtu = self.mtu.or_else(|| icmp_body::next_hop_mtu(packet, seen.bytes));
        }
    }

    fn count_type(&mut self, kind: u8) {
        let place = self.types.iter().position(|&(known, count)| count == 0 || known == kind);
        if let Some((known, count)) = place.and_then(|place| self.types.get_mut(place)) {
            *known = kind;
            *count = count.saturating_add(1);
        }
    }

    /// The most frequent type and its count; of equals, the one seen first.
    fn dominant(&self) -> (u8, u32) {
        self.types.iter().rev().copied().max_by_key(|&(_, count)| count).unwrap_or_default()
    }

    fn add_number(&mut self, seen: &Seen<'_>, bit: u8, sequence: u16) {
        let (min, max) = self.numbers.unwrap_or((sequence, sequence));
        self.numbers = Some((min.min(sequence), max.max(sequence)));
        let direction = seen.arrival.direction;
        let now = seen.packet.ts.as_nanos();
        if rheos_wire::icmp::is_request(seen.packet.icmp_type, seen.packet.tuple.version) {
            let greatest = &mut self.greatest[direction.index()];
            let ahead = sequence.wrapping_sub(greatest.unwrap_or(sequence));
            if ahead < 1 << 15 {
                self.gaps = self.gaps.saturating_add(u32::from(ahead > 1));
                *greatest = Some(sequence);
            }
        }
        if bit == stat::REQUEST {
            self.ask(Asked { direction, sequence, at: now });
        } else if bit == stat::REPLY {
            self.answer(direction, sequence, now);
        }
    }

    fn ask(&mut self, asked: Asked) {
        let same = |a: &Asked| a.sequence == asked.sequence && a.direction == asked.direction;
        if let Some(before) = self.asked.iter_mut().find(|a| same(a)) {
            before.at = asked.at;
            return;
        }
        if self.asked.len() == OUTSTANDING_MAX {
            self.asked.remove(0);
        }
        self.asked.push(asked);
    }

    /// A reply that goes in `direction`: the request went the other way.
    fn answer(&mut self, direction: Direction, sequence: u16, now: u64) {
        let is_its = |a: &Asked| a.sequence == sequence && a.direction != direction;
        match self.asked.iter().position(is_its) {
            Some(place) => {
                let asked = self.asked.remove(place);
                self.rtt.push(now.saturating_sub(asked.at));
            }
            None => self.unasked = self.unasked.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_requests_wait_than_the_limit() {
        let mut messages = Messages::default();
        for sequence in 0..1000 {
            messages.ask(Asked { direction: Direction::Forward, sequence, at: 0 });
        }
        assert_eq!(messages.asked.len(), OUTSTANDING_MAX);
        messages.answer(Direction::Backward, 0, 5);
        assert_eq!((messages.rtt.n, messages.unasked), (0, 1), "given up");
        messages.answer(Direction::Backward, 999, 5);
        assert_eq!((messages.rtt.n, messages.unasked), (1, 1));
    }

    #[test]
    fn types_beyond_the_limit_are_not_counted_one_by_one() {
        let mut messages = Messages::default();
        for kind in [7, 9, 9, 1, 2, 3, 3, 3] {
            messages.count_type(kind);
        }
        assert_eq!(messages.dominant(), (9, 2));
        messages.count_type(7);
        assert_eq!(messages.dominant(), (7, 2), "seen first");
    }
}
