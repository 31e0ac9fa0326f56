//! What IP headers say beside addresses and lengths: time to live, type of service, flags, identification.
//!
//! Identifications and times to live are compared within one direction: each sender has its own.

use rheos_core::{Direction, IpVersion};

use super::{Ended, Group, Seen};
use crate::column::Kind::{F64, Str, U8, U16, U64};
use crate::column::extended as column;
use crate::column::{Column, GroupInfo, Kind};
use crate::distinct::BytesSeen;
use crate::row::RowBuffer;

const NO_FWD: &str = "no packet came from the initiator";
const NO_BWD: &str = "no packet came from the responder";
const NOT_V4: &str = "not IPv4";
const ZERO: &str = "null, not 0, without packets";
const V6: &str = "null, not 0, for IPv6";
const BEHAVIOUR: &str = "zero: always 0; constant: always the same; counter: every step between 1 and 1024 (mod 65536), a counter of the sender's own or one it shares with other flows; else irregular";
const NO_ID_FWD: &str = "not IPv4, or fewer than two packets from the initiator";
const NO_ID_BWD: &str = "not IPv4, or fewer than two packets from the responder";

/// A counter that a busy host shares between flows still moves by less than this from one packet to the next.
const COUNTER_STEP_MAX: u16 = 1024;

const fn fwd(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Column {
    column(name, kind, unit, meaning).fwd().null(NO_FWD)
}

const fn bwd(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Column {
    column(name, kind, unit, meaning).bwd().null(NO_BWD)
}

const fn v4(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Column {
    column(name, kind, unit, meaning).null(NOT_V4)
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    fwd("ip_ttl_fwd_min", U8, "hops", "least time to live (IPv6: hop limit) of packets from the initiator").changed(ZERO),
    fwd("ip_ttl_fwd_max", U8, "hops", "greatest time to live of packets from the initiator").changed(ZERO),
    fwd("ip_ttl_fwd_mean", F64, "hops", "arithmetic mean of the time to live of packets from the initiator").changed(ZERO),
    fwd("ip_ttl_fwd_changes", U64, "changes", "packets from the initiator whose time to live differs from that of the packet before it in this direction")
        .changed("counts changes, not distinct values less 1 (ip_ttl_fwd_unique_count)"),
    bwd("ip_ttl_bwd_min", U8, "hops", "least time to live (IPv6: hop limit) of packets from the responder").changed(ZERO),
    bwd("ip_ttl_bwd_max", U8, "hops", "greatest time to live of packets from the responder").changed(ZERO),
    bwd("ip_ttl_bwd_mean", F64, "hops", "arithmetic mean of the time to live of packets from the responder").changed(ZERO),
    bwd("ip_ttl_bwd_changes", U64, "changes", "packets from the responder whose time to live differs from that of the packet before it in this direction")
        .changed("counts changes, not distinct values less 1 (ip_ttl_bwd_unique_count)"),
    fwd("ip_ttl_fwd_initial_est", U8, "hops", "time to live with which the initiator's host probably sends: the least of 64, 128 and 255 that is not below that of its first packet").changed(ZERO),
    fwd("ip_ttl_fwd_hops_est", U8, "hops", "routers between the initiator and the place of capture, probably: ip_ttl_fwd_initial_est less the time to live of its first packet").changed(ZERO),
    v4("ip_tos_value", U8, "", "type of service byte (RFC 2474) of the first packet").changed("of the first packet, not the least value; null, not 0, for IPv6 (ipv6_traffic_class)"),
    v4("ip_tos_unique_count", U16, "values", "different type of service bytes, of both directions").changed(V6),
    v4("ip_dscp", U8, "", "differentiated services code point of the first packet: ip_tos_value >> 2").changed("see ip_tos_value"),
    v4("ip_ecn", U8, "", "explicit congestion notification field of the first packet (RFC 3168): ip_tos_value & 3").changed("see ip_tos_value"),
    v4("ip_flags", U8, "bits", "the three IPv4 flag bits of all packets together: MF 1, DF 2, reserved 4; a datagram put together from fragments has no MF (fragmented_packets)").changed(V6),
    v4("ip_df_count", U64, "packets", "packets with the flag DF (do not fragment)").changed(V6),
    v4("ip_df_ratio", F64, "", "share of packets with the flag DF: ip_df_count / total_packets").changed(V6),
    column("ip_version", U8, "", "version of the IP header that keys the flow: 4 or 6").changed("of the keyed header, not of the outermost"),
    column("ip_id_gaps", U64, "packets", "packets whose IPv4 identification differs from that of the packet before it in the same direction by more than 1 (mod 65536): ip_id_gaps_fwd + ip_id_gaps_bwd, as far as there are such")
        .null("not IPv4, or no direction has two packets")
        .changed("each sender is compared with itself: over both directions nearly every change of direction was a gap; null, not 0, for IPv6"),
    bwd("ip_ttl_bwd_initial_est", U8, "hops", "time to live with which the responder's host probably sends, by the same rule as ip_ttl_fwd_initial_est"),
    bwd("ip_ttl_bwd_hops_est", U8, "hops", "routers between the responder and the place of capture, probably"),
    fwd("ip_ttl_fwd_unique_count", U16, "values", "different times to live of packets from the initiator"),
    bwd("ip_ttl_bwd_unique_count", U16, "values", "different times to live of packets from the responder"),
    column("ip_id_gaps_fwd", U64, "packets", "packets from the initiator whose IPv4 identification differs from that of its packet before by more than 1 (mod 65536)").fwd().null(NO_ID_FWD),
    column("ip_id_gaps_bwd", U64, "packets", "packets from the responder whose IPv4 identification differs from that of its packet before by more than 1 (mod 65536)").bwd().null(NO_ID_BWD),
    column("ip_id_behaviour_fwd", Str, "", BEHAVIOUR).fwd().null(NO_ID_FWD),
    column("ip_id_behaviour_bwd", Str, "", BEHAVIOUR).bwd().null(NO_ID_BWD),
    column("ip_ect_packets", U64, "packets", "packets of a transport that understands congestion marks: ECN field 1 or 2 (RFC 3168), also IPv6"),
    column("ip_ce_packets", U64, "packets", "packets that a router marked for congestion: ECN field 3, also IPv6"),
    v4("ip_options_packets", U64, "packets", "packets whose IPv4 header holds options: it is longer than 20 bytes"),
    v4("ip_header_len_max", U8, "bytes", "length of the longest IPv4 header, options included: 20 to 60"),
    column("ip_fragments", U64, "fragments", "fragments that were put together to the packets of the flow (fragmented_packets)"),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct IpExtended;

/// What an identification was so far, as bits that stay.
mod id {
    pub(super) const NOT_ZERO: u8 = 1;
    pub(super) const NOT_CONSTANT: u8 = 2;
    pub(super) const NOT_COUNTER: u8 = 4;
}

/// Of one direction; how many packets there are is in the [`rheos_flow::FlowHead`].
#[derive(Debug, Default)]
struct Side {
    ttl_sum: u64,
    ttls: BytesSeen,
    ttl_changes: u32,
    id_gaps: u32,
    ttl_first: u8,
    ttl_last: u8,
    ttl_min: u8,
    ttl_max: u8,
    id_last: u16,
    id_bits: u8,
    any: bool,
}

/// Sums over headers.
#[derive(Debug, Default)]
pub struct State {
    sides: [Side; 2],
    tos: BytesSeen,
    tos_first: u8,
    flags: u8,
    header_len_max: u8,
    df: u32,
    ect: u32,
    ce: u32,
    options: u32,
    fragments: u32,
}

impl Group for IpExtended {
    type State = State;
    const INFO: GroupInfo = GroupInfo {
        name: "ip_extended",
        meaning: "time to live, type of service, flags and identification",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) -> State {
        State::default()
    }

    #[inline]
    fn on_packet(state: &mut State, seen: &Seen<'_>) {
        let packet = seen.packet;
        if seen.arrival.gap.is_none() {
            state.tos_first = packet.tos;
        }
        state.tos.add(packet.tos);
        let ecn = packet.tos & 3;
        state.ect = state.ect.saturating_add(u32::from(ecn == 1 || ecn == 2));
        state.ce = state.ce.saturating_add(u32::from(ecn == 3));
        state.fragments = state.fragments.saturating_add(u32::from(packet.fragments));
        let side = &mut state.sides[seen.arrival.direction.index()];
        let v4 = packet.tuple.version == IpVersion::V4;
        if v4 {
            side.add_id(packet.ip_id as u16);
            state.flags |= packet.ip_flags;
            state.df = state.df.saturating_add(u32::from(packet.ip_flags >> 1 & 1));
            let first = seen.bytes.get(packet.l3_offset as usize).copied().unwrap_or_default();
            let len = (first & 0xf) * 4;
            state.header_len_max = state.header_len_max.max(len);
            state.options = state.options.saturating_add(u32::from(len > 20));
        }
        side.add_ttl(packet.ttl);
    }

    fn finish(state: &State, ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let head = ended.head;
        let v4 = head.tuple.version == IpVersion::V4;
        let of_v4 = |value: u32| v4.then_some(u64::from(value));
        let [fwd, bwd] = &state.sides;
        write_ttls(state, head.totals.map(|totals| totals.packets), row);
        row.u8("ip_tos_value", v4.then_some(state.tos_first));
        row.u16("ip_tos_unique_count", v4.then_some(state.tos.count()));
        row.u8("ip_dscp", v4.then_some(state.tos_first >> 2));
        row.u8("ip_ecn", v4.then_some(state.tos_first & 3));
        row.u8("ip_flags", v4.then_some(state.flags));
        row.u64("ip_df_count", of_v4(state.df));
        row.f64("ip_df_ratio", v4.then(|| f64::from(state.df) / head.packets() as f64));
        row.u8("ip_version", if v4 { 4 } else { 6 });
        let compared = |direction: Direction| v4 && head.totals[direction.index()].packets > 1;
        let gaps_fwd = compared(Direction::Forward).then_some(u64::from(fwd.id_gaps));
        let gaps_bwd = compared(Direction::Backward).then_some(u64::from(bwd.id_gaps));
        let gaps = gaps_fwd.map_or(gaps_bwd, |fwd| Some(fwd + gaps_bwd.unwrap_or(0)));
        row.u64("ip_id_gaps", gaps);
        row.u8("ip_ttl_bwd_initial_est", bwd.of(initial_ttl(bwd.ttl_first)));
        row.u8("ip_ttl_bwd_hops_est", bwd.of(initial_ttl(bwd.ttl_first) - bwd.ttl_first));
        row.u16("ip_ttl_fwd_unique_count", fwd.of(fwd.ttls.count()));
        row.u16("ip_ttl_bwd_unique_count", bwd.of(bwd.ttls.count()));
        row.u64("ip_id_gaps_fwd", gaps_fwd);
        row.u64("ip_id_gaps_bwd", gaps_bwd);
        row.str("ip_id_behaviour_fwd", gaps_fwd.map(|_| fwd.id_behaviour()));
        row.str("ip_id_behaviour_bwd", gaps_bwd.map(|_| bwd.id_behaviour()));
        row.u64("ip_ect_packets", u64::from(state.ect));
        row.u64("ip_ce_packets", u64::from(state.ce));
        row.u64("ip_options_packets", of_v4(state.options));
        row.u8("ip_header_len_max", v4.then_some(state.header_len_max));
        row.u64("ip_fragments", u64::from(state.fragments));
    }
}

fn write_ttls(state: &State, packets: [u64; 2], row: &mut RowBuffer) {
    let [fwd, bwd] = &state.sides;
    let mean = |side: &Side, packets: u64| side.of(side.ttl_sum as f64 / packets as f64);
    row.u8("ip_ttl_fwd_min", fwd.of(fwd.ttl_min));
    row.u8("ip_ttl_fwd_max", fwd.of(fwd.ttl_max));
    row.f64("ip_ttl_fwd_mean", mean(fwd, packets[0]));
    row.u64("ip_ttl_fwd_changes", fwd.of(u64::from(fwd.ttl_changes)));
    row.u8("ip_ttl_bwd_min", bwd.of(bwd.ttl_min));
    row.u8("ip_ttl_bwd_max", bwd.of(bwd.ttl_max));
    row.f64("ip_ttl_bwd_mean", mean(bwd, packets[1]));
    row.u64("ip_ttl_bwd_changes", bwd.of(u64::from(bwd.ttl_changes)));
    row.u8("ip_ttl_fwd_initial_est", fwd.of(initial_ttl(fwd.ttl_first)));
    row.u8("ip_ttl_fwd_hops_est", fwd.of(initial_ttl(fwd.ttl_first) - fwd.ttl_first));
}

/// The usual start of a time to live that was `seen` on its way.
const fn initial_ttl(seen: u8) -> u8 {
    match seen {
        0..=64 => 64,
        65..=128 => 128,
        _ => 255,
    }
}

impl Side {
    fn of<T>(&self, value: T) -> Option<T> {
        self.any.then_some(value)
    }

    #[inline]
    fn add_ttl(&mut self, ttl: u8) {
        if self.any {
            self.ttl_changes = self.ttl_changes.saturating_add(u32::from(ttl != self.ttl_last));
            self.ttl_min = self.ttl_min.min(ttl);
        } else {
            self.any = true;
            self.ttl_first = ttl;
            self.ttl_min = ttl;
        }
        self.ttl_last = ttl;
        self.ttl_max = self.ttl_max.max(ttl);
        self.ttl_sum += u64::from(ttl);
        self.ttls.add(ttl);
    }

    /// Takes in an identification, before [`Side::add_ttl`] takes in the same packet.
    #[inline]
    fn add_id(&mut self, id: u16) {
        if self.any {
            let step = id.wrapping_sub(self.id_last);
            self.id_gaps = self.id_gaps.saturating_add(u32::from(step > 1));
            let counts = (1..=COUNTER_STEP_MAX).contains(&step);
            self.id_bits |=
                (u8::from(step != 0) * id::NOT_CONSTANT) | (u8::from(!counts) * id::NOT_COUNTER);
        }
        self.id_bits |= u8::from(id != 0) * id::NOT_ZERO;
        self.id_last = id;
    }

    const fn id_behaviour(&self) -> &'static str {
        if self.id_bits & id::NOT_ZERO == 0 {
            "zero"
        } else if self.id_bits & id::NOT_CONSTANT == 0 {
            "constant"
        } else if self.id_bits & id::NOT_COUNTER == 0 {
            "counter"
        } else {
            "irregular"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_starts_of_a_time_to_live() {
        let starts = [0, 1, 64, 65, 128, 129, 255].map(initial_ttl);
        assert_eq!(starts, [64, 64, 64, 128, 128, 255, 255]);
    }

    #[test]
    fn identifications_are_told_by_their_steps() {
        let of = |ids: &[u16]| {
            let mut side = Side::default();
            for &id in ids {
                side.add_id(id);
                side.add_ttl(64);
            }
            (side.id_behaviour(), side.id_gaps)
        };
        assert_eq!(of(&[0, 0, 0]), ("zero", 0));
        assert_eq!(of(&[7, 7]), ("constant", 0));
        assert_eq!(of(&[65_534, 65_535, 0, 9]), ("counter", 1));
        assert_eq!(of(&[5, 4]), ("irregular", 1));
        assert_eq!(of(&[1, 1026]), ("irregular", 1));
        assert_eq!(of(&[1, 2, 2]), ("irregular", 0), "neither constant nor a counter");
    }
}
