//! Lengths of packets and of their payload.

use rheos_flow::{DirectionTotals, FlowHead};

use super::{Ended, Group, Seen};
use crate::column::Kind::{F64, ListI64, U32, U64};
use crate::column::{Column, GroupInfo, Needs};
use crate::log::Quantiles;
use crate::moments::{Moments, Wide};
use crate::row::RowBuffer;

const NO_FWD: &str = "no packet came from the initiator";
const NO_BWD: &str = "no packet came from the responder";
const ZERO: &str = "null, not 0, without packets";
const PADDING: &str = "Ethernet padding is not payload";
const FOLDED: &str =
    "beyond 2048 distinct lengths in one flow, further ones count as the nearest lower one";

const fn len(name: &'static str, meaning: &'static str) -> Column {
    Column::new(name, F64, "bytes", meaning)
}

const fn len_quantile(name: &'static str, meaning: &'static str) -> Column {
    len(name, meaning).changed(FOLDED).needs(Needs::Quantiles)
}

const fn len_fwd(name: &'static str, meaning: &'static str) -> Column {
    len(name, meaning).fwd().null(NO_FWD).changed(ZERO)
}

const fn len_bwd(name: &'static str, meaning: &'static str) -> Column {
    len(name, meaning).bwd().null(NO_BWD).changed(ZERO)
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    len("pkt_len_min", "least IP length of a packet"),
    len("pkt_len_max", "greatest IP length of a packet"),
    len("pkt_len_mean", "arithmetic mean of the packets' IP lengths"),
    len("pkt_len_std", "population standard deviation (ddof 0) of the packets' IP lengths; 0 for one packet"),
    len_quantile("pkt_len_median", "median of the packets' IP lengths, by linear interpolation"),
    len_quantile("pkt_len_p25", "25th percentile of the packets' IP lengths, by linear interpolation at rank (n - 1) * 0.25"),
    len_quantile("pkt_len_p75", "75th percentile of the packets' IP lengths, by the same rule"),
    len_quantile("pkt_len_p90", "90th percentile of the packets' IP lengths, by the same rule"),
    len_fwd("pkt_len_fwd_min", "least IP length of a packet from the initiator"),
    len_fwd("pkt_len_fwd_max", "greatest IP length of a packet from the initiator"),
    len_fwd("pkt_len_fwd_mean", "arithmetic mean of the IP lengths of packets from the initiator"),
    len_fwd("pkt_len_fwd_std", "population standard deviation (ddof 0) of the IP lengths of packets from the initiator"),
    len_fwd("pkt_len_fwd_median", "median of the IP lengths of packets from the initiator, by linear interpolation").needs(Needs::Quantiles),
    len_bwd("pkt_len_bwd_min", "least IP length of a packet from the responder"),
    len_bwd("pkt_len_bwd_max", "greatest IP length of a packet from the responder"),
    len_bwd("pkt_len_bwd_mean", "arithmetic mean of the IP lengths of packets from the responder"),
    len_bwd("pkt_len_bwd_std", "population standard deviation (ddof 0) of the IP lengths of packets from the responder"),
    len_bwd("pkt_len_bwd_median", "median of the IP lengths of packets from the responder, by linear interpolation").needs(Needs::Quantiles),
    len("payload_len_min", "least transport payload of a packet, by the IP length; packets without payload count as 0").changed(PADDING),
    len("payload_len_max", "greatest transport payload of a packet").changed(PADDING),
    len("payload_len_mean", "arithmetic mean of the packets' transport payload, packets without payload included").changed(PADDING),
    len("payload_len_std", "population standard deviation (ddof 0) of the packets' transport payload").changed(PADDING),
    len_fwd("payload_len_fwd_mean", "arithmetic mean of the transport payload of packets from the initiator"),
    len_fwd("payload_len_fwd_std", "population standard deviation (ddof 0) of the transport payload of packets from the initiator"),
    len_bwd("payload_len_bwd_mean", "arithmetic mean of the transport payload of packets from the responder"),
    len_bwd("payload_len_bwd_std", "population standard deviation (ddof 0) of the transport payload of packets from the responder"),
    Column::new("packets_with_payload", U64, "packets", "packets whose transport payload is not empty").changed(PADDING),
    Column::new("packets_with_payload_fwd", U64, "packets", "packets from the initiator whose transport payload is not empty").fwd().changed(PADDING),
    Column::new("packets_with_payload_bwd", U64, "packets", "packets from the responder whose transport payload is not empty").bwd().changed(PADDING),
    Column::new("header_only_ratio", F64, "", "share of packets without payload: (total_packets - packets_with_payload) / total_packets").changed(PADDING),
    Column::new("pkt_len_variance", F64, "bytes^2", "population variance (ddof 0) of the packets' IP lengths: pkt_len_std squared")
        .alias("pkt_len_std")
        .changed("its unit is bytes squared"),
    Column::new("dominant_pkt_size", U32, "bytes", "most frequent IP length; of equally frequent ones, the one seen first")
        .changed(FOLDED)
        .needs(Needs::Quantiles),
    Column::new("dominant_pkt_ratio", F64, "", "share of packets with that length").changed(FOLDED).needs(Needs::Quantiles),
    Column::new("l7_bytes_fwd", U64, "bytes", "payload_bytes_fwd").fwd().alias("payload_bytes_fwd"),
    Column::new("l7_bytes_bwd", U64, "bytes", "payload_bytes_bwd").bwd().alias("payload_bytes_bwd"),
    Column::new("l7_bytes_total", U64, "bytes", "payload_bytes_total").alias("payload_bytes_total"),
    Column::new("l7_pkt_min_fwd", U32, "bytes", "least payload of the packets from the initiator that have one")
        .fwd()
        .null("no packet from the initiator has payload")
        .changed("null, not 0, without payload"),
    Column::new("l7_pkt_max_fwd", U32, "bytes", "greatest payload of the packets from the initiator that have one")
        .fwd()
        .null("no packet from the initiator has payload")
        .changed("null, not 0, without payload"),
    Column::new("l7_pkt_min_bwd", U32, "bytes", "least payload of the packets from the responder that have one")
        .bwd()
        .null("no packet from the responder has payload")
        .changed("null, not 0, without payload"),
    Column::new("l7_pkt_max_bwd", U32, "bytes", "greatest payload of the packets from the responder that have one")
        .bwd()
        .null("no packet from the responder has payload")
        .changed("null, not 0, without payload"),
    Column::new("pkt_asymmetry", F64, "", "(packets_fwd - packets_bwd) / total_packets: 1 only the initiator sends, -1 only the responder"),
    Column::new("byte_asymmetry", F64, "", "(bytes_fwd - bytes_bwd) / total_bytes")
        .null("total_bytes is 0")
        .changed("null, not 0, without bytes"),
    Column::new("pkt_len_sequence", ListI64, "bytes", "IP lengths of the first N packets (default 20), negative from the responder")
        .option()
        .needs(Needs::Sequence)
        .changed("not padded; N is 20, not 50; the direction is the flow's, so flows of a host with itself have both signs"),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Size;

/// Of one direction; counts and sums are in the [`FlowHead`].
#[derive(Debug)]
struct Side {
    len_sq: Wide,
    payload_sq: Wide,
    with_payload: u64,
    len_min: u32,
    len_max: u32,
    /// Over packets that have payload.
    payload_min: u32,
    payload_max: u32,
}

impl Default for Side {
    fn default() -> Self {
        Self {
            len_sq: Wide::default(),
            payload_sq: Wide::default(),
            with_payload: 0,
            len_min: u32::MAX,
            len_max: 0,
            payload_min: u32::MAX,
            payload_max: 0,
        }
    }
}

impl Side {
    fn lengths(&self, totals: &DirectionTotals) -> Moments {
        Moments {
            sum_sq: self.len_sq,
            sum: totals.ip_bytes,
            n: totals.packets,
            min: if totals.packets == 0 { u64::MAX } else { u64::from(self.len_min) },
            max: u64::from(self.len_max),
        }
    }

    fn payloads(&self, totals: &DirectionTotals) -> Moments {
        let min = match totals.packets {
            0 => u64::MAX,
            packets if packets > self.with_payload => 0,
            _ => u64::from(self.payload_min),
        };
        Moments {
            sum_sq: self.payload_sq,
            sum: totals.payload_bytes,
            n: totals.packets,
            min,
            max: u64::from(self.payload_max),
        }
    }
}

/// Sums over lengths, of the initiator first.
#[derive(Debug, Default)]
pub struct State {
    sides: [Side; 2],
}

impl Group for Size {
    type State = State;
    const INFO: GroupInfo =
        GroupInfo { name: "size", meaning: "lengths of packets and payload", columns: COLUMNS };

    fn new(_: &crate::FeaturePlan) -> State {
        State::default()
    }

    #[inline]
    fn on_packet(state: &mut State, seen: &Seen<'_>) {
        let side = &mut state.sides[seen.arrival.direction.index()];
        let (len, payload) = (seen.packet.ip_len, seen.packet.payload_len);
        side.len_sq.add_square(u64::from(len));
        side.payload_sq.add_square(u64::from(payload));
        side.len_min = side.len_min.min(len);
        side.len_max = side.len_max.max(len);
        side.payload_max = side.payload_max.max(payload);
        side.with_payload += u64::from(payload > 0);
        // 0 wraps to the greatest value: never the least.
        side.payload_min =
            side.payload_min.min(payload.wrapping_sub(1).wrapping_add(u32::from(payload > 0)));
    }

    fn finish(state: &State, ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let (sorted, mode) = ended.log.lengths(ended.scratch);
        write_lengths(state, ended.head, sorted, row);
        write_payloads(state, ended.head, row);
        let lengths = state.lengths(ended.head);
        row.f64("pkt_len_variance", lengths.variance());
        row.u32("dominant_pkt_size", mode.map(|(len, _)| len));
        row.f64("dominant_pkt_ratio", mode.map(|(_, count)| count as f64 / lengths.n as f64));
        write_applications(state, ended.head, row);
        write_asymmetry(ended.head, row);
        let first = ended.log.first(ended.plan.config.sequence_packets);
        let signed = |p: crate::log::Logged| i64::from(p.len) * (1 - 2 * p.direction as i64);
        row.list_i64("pkt_len_sequence", first.map(signed));
    }
}

impl State {
    fn lengths(&self, head: &FlowHead) -> Moments {
        let [fwd, bwd] = &self.sides;
        fwd.lengths(&head.totals[0]).plus(bwd.lengths(&head.totals[1]))
    }
}

fn write_lengths(state: &State, head: &FlowHead, sorted: Quantiles<'_>, row: &mut RowBuffer) {
    let Quantiles { all: sorted, sides: [sorted_fwd, sorted_bwd] } = sorted;
    let all = state.lengths(head);
    row.f64("pkt_len_min", all.min());
    row.f64("pkt_len_max", all.max());
    row.f64("pkt_len_mean", all.mean());
    row.f64("pkt_len_std", all.std());
    row.f64("pkt_len_median", sorted.median());
    row.f64("pkt_len_p25", sorted.percentile(25));
    row.f64("pkt_len_p75", sorted.percentile(75));
    row.f64("pkt_len_p90", sorted.percentile(90));
    let fwd = state.sides[0].lengths(&head.totals[0]);
    row.f64("pkt_len_fwd_min", fwd.min());
    row.f64("pkt_len_fwd_max", fwd.max());
    row.f64("pkt_len_fwd_mean", fwd.mean());
    row.f64("pkt_len_fwd_std", fwd.std());
    row.f64("pkt_len_fwd_median", sorted_fwd.median());
    let bwd = state.sides[1].lengths(&head.totals[1]);
    row.f64("pkt_len_bwd_min", bwd.min());
    row.f64("pkt_len_bwd_max", bwd.max());
    row.f64("pkt_len_bwd_mean", bwd.mean());
    row.f64("pkt_len_bwd_std", bwd.std());
    row.f64("pkt_len_bwd_median", sorted_bwd.median());
}

fn write_payloads(state: &State, head: &FlowHead, row: &mut RowBuffer) {
    let fwd = state.sides[0].payloads(&head.totals[0]);
    let bwd = state.sides[1].payloads(&head.totals[1]);
    let all = fwd.plus(bwd);
    row.f64("payload_len_min", all.min());
    row.f64("payload_len_max", all.max());
    row.f64("payload_len_mean", all.mean());
    row.f64("payload_len_std", all.std());
    row.f64("payload_len_fwd_mean", fwd.mean());
    row.f64("payload_len_fwd_std", fwd.std());
    row.f64("payload_len_bwd_mean", bwd.mean());
    row.f64("payload_len_bwd_std", bwd.std());
    let with = [state.sides[0].with_payload, state.sides[1].with_payload];
    let with_any = with[0] + with[1];
    row.u64("packets_with_payload", with_any);
    row.u64("packets_with_payload_fwd", with[0]);
    row.u64("packets_with_payload_bwd", with[1]);
    let without = all.n.saturating_sub(with_any);
    row.f64("header_only_ratio", (all.n > 0).then(|| without as f64 / all.n as f64));
}

fn write_applications(state: &State, head: &FlowHead, row: &mut RowBuffer) {
    let [fwd, bwd] = &state.sides;
    let bytes = [head.totals[0].payload_bytes, head.totals[1].payload_bytes];
    row.u64("l7_bytes_fwd", bytes[0]);
    row.u64("l7_bytes_bwd", bytes[1]);
    row.u64("l7_bytes_total", bytes[0] + bytes[1]);
    let of = |side: &Side, value: u32| (side.with_payload > 0).then_some(value);
    row.u32("l7_pkt_min_fwd", of(fwd, fwd.payload_min));
    row.u32("l7_pkt_max_fwd", of(fwd, fwd.payload_max));
    row.u32("l7_pkt_min_bwd", of(bwd, bwd.payload_min));
    row.u32("l7_pkt_max_bwd", of(bwd, bwd.payload_max));
}

fn write_asymmetry(head: &FlowHead, row: &mut RowBuffer) {
    let asymmetry = |a: u64, b: u64| (a + b > 0).then(|| (a as f64 - b as f64) / (a + b) as f64);
    let [fwd, bwd] = &head.totals;
    row.f64("pkt_asymmetry", asymmetry(fwd.packets, bwd.packets));
    row.f64("byte_asymmetry", asymmetry(fwd.ip_bytes, bwd.ip_bytes));
}
