//! Lengths of packets and of their payload.

use rheos_flow::{DirectionTotals, FlowHead};

use super::{Ended, Group, Seen};
use crate::FeaturePlan;
use crate::column::Kind::{F64, ListI64, U32, U64};
use crate::column::{Column, GroupInfo, Needs};
use crate::log::{PacketLog, Quantiles};
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

/// Payload of one direction; counts and sums are in the [`FlowHead`].
#[derive(Debug)]
struct Payloads {
    /// Sum of squares; stops at 2^64 - 1, which no flow of packets below 64 KiB reaches within 2^32 packets.
    sum_sq: u64,
    /// Packets that have payload; stops at 2^32 - 1.
    packets: u32,
    /// Over packets that have payload.
    min: u32,
    max: u32,
}

impl Default for Payloads {
    fn default() -> Self {
        Self { sum_sq: 0, packets: 0, min: u32::MAX, max: 0 }
    }
}

impl Payloads {
    #[inline]
    fn push(&mut self, len: u32) {
        self.sum_sq = self.sum_sq.saturating_add(u64::from(len) * u64::from(len));
        self.max = self.max.max(len);
        self.packets = self.packets.saturating_add(u32::from(len > 0));
        // 0 wraps to the greatest value: never the least.
        self.min = self.min.min(len.wrapping_sub(1).wrapping_add(u32::from(len > 0)));
    }

    fn moments(&self, totals: &DirectionTotals) -> Moments {
        let min = match totals.packets {
            0 => u64::MAX,
            packets if packets > u64::from(self.packets) => 0,
            _ => u64::from(self.min),
        };
        Moments {
            sum_sq: Wide::from(self.sum_sq),
            sum: totals.payload_bytes,
            n: totals.packets,
            min,
            max: u64::from(self.max),
        }
    }
}

/// IP lengths of one direction; counts and sums are in the [`FlowHead`].
#[derive(Clone, Copy, Debug)]
struct Lengths {
    /// Sum of squares; stops at 2^64 - 1.
    sum_sq: u64,
    min: u32,
    max: u32,
}

impl Default for Lengths {
    fn default() -> Self {
        Self { sum_sq: 0, min: u32::MAX, max: 0 }
    }
}

impl Lengths {
    #[inline]
    fn push(&mut self, len: u32) {
        self.sum_sq = self.sum_sq.saturating_add(u64::from(len) * u64::from(len));
        self.min = self.min.min(len);
        self.max = self.max.max(len);
    }

    fn moments(&self, totals: &DirectionTotals) -> Moments {
        Moments {
            sum_sq: Wide::from(self.sum_sq),
            sum: totals.ip_bytes,
            n: totals.packets,
            min: if totals.packets == 0 { u64::MAX } else { u64::from(self.min) },
            max: u64::from(self.max),
        }
    }
}

/// Of the initiator first.
type Sides = [Lengths; 2];

fn lengths_of(log: &PacketLog) -> Sides {
    let mut sides = Sides::default();
    log.packets().for_each(|packet| sides[packet.direction.index()].push(packet.len));
    sides
}

/// Sums over lengths, of the initiator first.
#[derive(Debug, Default)]
pub struct State {
    payloads: [Payloads; 2],
    /// Only of a flow that has outgrown its log: of all others they are made at the end.
    lengths: Option<Box<Sides>>,
}

impl Group for Size {
    type State = State;
    const INFO: GroupInfo =
        GroupInfo { name: "size", meaning: "lengths of packets and payload", columns: COLUMNS };

    fn new(_: &FeaturePlan) -> State {
        State::default()
    }

    #[inline]
    fn on_packet(state: &mut State, seen: &Seen<'_>) {
        let side = seen.arrival.direction.index();
        state.payloads[side].push(seen.packet.payload_len);
        if let Some(lengths) = &mut state.lengths {
            lengths[side].push(seen.packet.ip_len);
        }
    }

    fn outgrow(state: &mut State, _: &FeaturePlan, log: &PacketLog) {
        state.lengths = Some(Box::new(lengths_of(log)));
    }

    fn finish(state: &State, ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let sides = state.lengths.as_deref().copied().unwrap_or_else(|| lengths_of(ended.log));
        let totals = &ended.head.totals;
        let [fwd, bwd] = [sides[0].moments(&totals[0]), sides[1].moments(&totals[1])];
        let all = fwd.plus(bwd);
        let (sorted, mode) = ended.log.lengths(ended.scratch);
        write_lengths(&all, [&fwd, &bwd], sorted, row);
        write_payloads(state, ended.head, row);
        row.f64("pkt_len_variance", all.variance());
        row.u32("dominant_pkt_size", mode.map(|(len, _)| len));
        row.f64("dominant_pkt_ratio", mode.map(|(_, count)| count as f64 / all.n as f64));
        write_applications(state, ended.head, row);
        write_asymmetry(ended.head, row);
        let first = ended.log.first(ended.plan.config.sequence_packets);
        let signed = |p: crate::log::Logged| i64::from(p.len) * (1 - 2 * p.direction as i64);
        row.list_i64("pkt_len_sequence", first.map(signed));
    }

    fn heap_bytes(state: &State) -> usize {
        if state.lengths.is_some() { size_of::<Sides>() } else { 0 }
    }
}

fn write_lengths(
    all: &Moments,
    [fwd, bwd]: [&Moments; 2],
    sorted: Quantiles<'_>,
    row: &mut RowBuffer,
) {
    let Quantiles { all: sorted, sides: [sorted_fwd, sorted_bwd] } = sorted;
    let [p25, median, p75, p90] = sorted.percentiles([25, 50, 75, 90]);
    row.f64("pkt_len_min", all.min());
    row.f64("pkt_len_max", all.max());
    row.f64("pkt_len_mean", all.mean());
    row.f64("pkt_len_std", all.std());
    row.f64("pkt_len_median", median);
    row.f64("pkt_len_p25", p25);
    row.f64("pkt_len_p75", p75);
    row.f64("pkt_len_p90", p90);
    row.f64("pkt_len_fwd_min", fwd.min());
    row.f64("pkt_len_fwd_max", fwd.max());
    row.f64("pkt_len_fwd_mean", fwd.mean());
    row.f64("pkt_len_fwd_std", fwd.std());
    row.f64("pkt_len_fwd_median", sorted_fwd.median());
    row.f64("pkt_len_bwd_min", bwd.min());
    row.f64("pkt_len_bwd_max", bwd.max());
    row.f64("pkt_len_bwd_mean", bwd.mean());
    row.f64("pkt_len_bwd_std", bwd.std());
    row.f64("pkt_len_bwd_median", sorted_bwd.median());
}

fn write_payloads(state: &State, head: &FlowHead, row: &mut RowBuffer) {
    let fwd = state.payloads[0].moments(&head.totals[0]);
    let bwd = state.payloads[1].moments(&head.totals[1]);
    let all = fwd.plus(bwd);
    row.f64("payload_len_min", all.min());
    row.f64("payload_len_max", all.max());
    row.f64("payload_len_mean", all.mean());
    row.f64("payload_len_std", all.std());
    row.f64("payload_len_fwd_mean", fwd.mean());
    row.f64("payload_len_fwd_std", fwd.std());
    row.f64("payload_len_bwd_mean", bwd.mean());
    row.f64("payload_len_bwd_std", bwd.std());
    let with = [0, 1].map(|side| u64::from(state.payloads[side].packets));
    let with_any = with[0] + with[1];
    row.u64("packets_with_payload", with_any);
    row.u64("packets_with_payload_fwd", with[0]);
    row.u64("packets_with_payload_bwd", with[1]);
    let without = all.n.saturating_sub(with_any);
    row.f64("header_only_ratio", (all.n > 0).then(|| without as f64 / all.n as f64));
}

fn write_applications(state: &State, head: &FlowHead, row: &mut RowBuffer) {
    let [fwd, bwd] = &state.payloads;
    let bytes = [head.totals[0].payload_bytes, head.totals[1].payload_bytes];
    row.u64("l7_bytes_fwd", bytes[0]);
    row.u64("l7_bytes_bwd", bytes[1]);
    row.u64("l7_bytes_total", bytes[0] + bytes[1]);
    let of = |side: &Payloads, value: u32| (side.packets > 0).then_some(value);
    row.u32("l7_pkt_min_fwd", of(fwd, fwd.min));
    row.u32("l7_pkt_max_fwd", of(fwd, fwd.max));
    row.u32("l7_pkt_min_bwd", of(bwd, bwd.min));
    row.u32("l7_pkt_max_bwd", of(bwd, bwd.max));
}

fn write_asymmetry(head: &FlowHead, row: &mut RowBuffer) {
    let asymmetry = |a: u64, b: u64| (a + b > 0).then(|| (a as f64 - b as f64) / (a + b) as f64);
    let [fwd, bwd] = &head.totals;
    row.f64("pkt_asymmetry", asymmetry(fwd.packets, bwd.packets));
    row.f64("byte_asymmetry", asymmetry(fwd.ip_bytes, bwd.ip_bytes));
}
