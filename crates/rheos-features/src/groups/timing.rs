//! Times between packets, bursts and idle times.

use rheos_core::{Direction, Nanos};

use super::{Ended, Group, Seen};
use crate::FeaturePlan;
use crate::column::Kind::{F64, ListF64, ListI8, ListU32, Str, U64};
use crate::column::{Column, GroupInfo, Needs};
use crate::log::{Logged, PacketLog, Quantiles};
use crate::moments::Moments;
use crate::quantile::Sorted;
use crate::row::RowBuffer;

const FEW: &str = "fewer than 2 packets";
const FEW_FWD: &str = "fewer than 2 packets from the initiator";
const FEW_BWD: &str = "fewer than 2 packets from the responder";
const ZERO: &str = "null, not 0, without gaps";
const EXACT: &str = "null, not 0, without gaps; in flows of more packets than are logged (default 64), within 1/64 of the exact value";
const BURST: &str =
    "a flow of one packet is one burst of one packet, as a lone packet between gaps always was";
const NO_IDLE: &str = "no gap reaches the threshold";

const fn gap(name: &'static str, meaning: &'static str) -> Column {
    Column::new(name, F64, "s", meaning).null(FEW).changed(ZERO)
}

const fn gap_quantile(name: &'static str, meaning: &'static str) -> Column {
    gap(name, meaning).changed(EXACT).needs(Needs::Quantiles)
}

const fn gap_fwd(name: &'static str, meaning: &'static str) -> Column {
    gap(name, meaning).null(FEW_FWD).fwd()
}

const fn gap_bwd(name: &'static str, meaning: &'static str) -> Column {
    gap(name, meaning).null(FEW_BWD).bwd()
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    gap("iat_min", "least gap between successive packets, in order of arrival; a step back in time counts as 0"),
    gap("iat_max", "greatest gap between successive packets"),
    gap("iat_mean", "arithmetic mean of the gaps between successive packets"),
    gap("iat_std", "population standard deviation (ddof 0) of the gaps between successive packets; 0 for one gap"),
    gap_quantile("iat_median", "median of the gaps between successive packets, by linear interpolation"),
    gap("iat_sum", "sum of the gaps between successive packets: the duration, unless the capture is out of order"),
    gap_quantile("iat_p25", "25th percentile of the gaps, by linear interpolation at rank (n - 1) * 0.25"),
    gap_quantile("iat_p75", "75th percentile of the gaps, by the same rule"),
    gap_quantile("iat_p90", "90th percentile of the gaps, by the same rule"),
    gap_quantile("iat_p99", "99th percentile of the gaps, by the same rule"),
    gap_fwd("iat_fwd_min", "least gap between successive packets from the initiator"),
    gap_fwd("iat_fwd_max", "greatest gap between successive packets from the initiator"),
    gap_fwd("iat_fwd_mean", "arithmetic mean of the gaps between successive packets from the initiator"),
    gap_fwd("iat_fwd_std", "population standard deviation (ddof 0) of the gaps between successive packets from the initiator"),
    gap_fwd("iat_fwd_median", "median of the gaps between successive packets from the initiator, by linear interpolation").changed(EXACT).needs(Needs::Quantiles),
    gap_bwd("iat_bwd_min", "least gap between successive packets from the responder"),
    gap_bwd("iat_bwd_max", "greatest gap between successive packets from the responder"),
    gap_bwd("iat_bwd_mean", "arithmetic mean of the gaps between successive packets from the responder"),
    gap_bwd("iat_bwd_std", "population standard deviation (ddof 0) of the gaps between successive packets from the responder"),
    gap_bwd("iat_bwd_median", "median of the gaps between successive packets from the responder, by linear interpolation").changed(EXACT).needs(Needs::Quantiles),
    Column::new("burstiness_index", F64, "", "coefficient of variation of the gaps: iat_std / iat_mean")
        .null("fewer than 2 packets, or all gaps are 0")
        .changed("null, not 0, where it is not defined"),
    Column::new("burstiness_index_fwd", F64, "", "coefficient of variation of the gaps between packets from the initiator: iat_fwd_std / iat_fwd_mean")
        .fwd()
        .null("fewer than 2 packets from the initiator, or all their gaps are 0")
        .changed("null, not 0, where it is not defined"),
    Column::new("burstiness_index_bwd", F64, "", "coefficient of variation of the gaps between packets from the responder: iat_bwd_std / iat_bwd_mean")
        .bwd()
        .null("fewer than 2 packets from the responder, or all their gaps are 0")
        .changed("null, not 0, where it is not defined"),
    Column::new("burst_count", U64, "bursts", "maximal runs of packets of both directions whose successive gaps are all below the burst threshold (default 50 ms)")
        .changed(BURST),
    Column::new("avg_burst_packets", F64, "packets", "total_packets / burst_count").changed(BURST),
    Column::new("avg_burst_duration", F64, "s", "sum of the gaps within bursts / burst_count; a lone packet lasts 0"),
    Column::new("max_burst_packets", U64, "packets", "packets in the largest burst").changed(BURST),
    Column::new("idle_count", U64, "gaps", "gaps between successive packets that reach the burst threshold: burst_count - 1"),
    Column::new("avg_idle_duration", F64, "s", "arithmetic mean of those gaps").null(NO_IDLE).changed("null, not 0, without such gaps"),
    Column::new("max_idle_duration", F64, "s", "greatest of those gaps").null(NO_IDLE).changed("null, not 0, without such gaps"),
    Column::new("first_response_time", F64, "s", "from the first packet of the initiator to the first packet of the responder that came after it")
        .null("no packet of the responder follows one of the initiator")
        .changed("null, not 0, without response; 0 means simultaneous"),
    Column::new("iat_sequence", ListF64, "s", "gaps between the first N packets (default 20): N - 1 values at most")
        .option()
        .needs(Needs::Sequence)
        .changed("not padded; N is 20, not 50"),
    Column::new("timestamp_sequence", ListF64, "s", "times of the first N packets since the first; negative where the capture is out of order")
        .option()
        .needs(Needs::Sequence)
        .changed("not padded; N is 20, not 50"),
    Column::new("splt", Str, "", "first N packets as length:gap:direction joined by spaces: IP length in bytes, ns since the packet before (0 for the first), + from the initiator or - from the responder")
        .option()
        .needs(Needs::Sequence)
        .changed("a text, not a list of tuples; gaps in whole ns; N is 20, not 50; the parts are in splt_lengths, splt_times, splt_directions"),
    Column::new("splt_lengths", ListU32, "bytes", "IP lengths of the first N packets")
        .option()
        .needs(Needs::Sequence)
        .changed("N is 20, not 50"),
    Column::new("splt_times", ListF64, "s", "gaps before the first N packets, 0 for the first")
        .option()
        .needs(Needs::Sequence)
        .changed("N is 20, not 50"),
    Column::new("splt_directions", ListI8, "", "directions of the first N packets: 1 from the initiator, -1 from the responder")
        .option()
        .needs(Needs::Sequence)
        .changed("N is 20, not 50"),
];

/// Columns from `iat_sequence` on.
const SEQUENCE_COLUMNS: usize = 6;

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Timing;

/// Sums over gaps, only of a flow that has outgrown its log: of all others they are made at the end.
#[derive(Debug, Default)]
pub struct State(Option<Box<Sums>>);

#[derive(Clone, Debug)]
struct Sums {
    gaps: Moments,
    gaps_same: [Moments; 2],
    idle_sum: u64,
    idle_count: u64,
    /// Packets of the burst that goes on, and of the largest so far.
    burst: u64,
    burst_max: u64,
    /// Nanoseconds since the flow's first packet of the initiator's first; [`NEVER`] before it.
    first_fwd: i64,
    /// Nanoseconds from there to the answer; [`NO_RESPONSE`] before it.
    response: u64,
}

/// No time at all, in fields that an option would make twice as large.
const NEVER: i64 = i64::MIN;
const NO_RESPONSE: u64 = u64::MAX;

impl Default for Sums {
    fn default() -> Self {
        Self {
            gaps: Moments::default(),
            gaps_same: [Moments::default(); 2],
            idle_sum: 0,
            idle_count: 0,
            burst: 0,
            burst_max: 0,
            first_fwd: NEVER,
            response: NO_RESPONSE,
        }
    }
}

impl Sums {
    fn of(log: &PacketLog, plan: &FeaturePlan) -> Self {
        let mut sums = Self::default();
        let threshold = plan.config.burst_threshold;
        log.packets().for_each(|packet| sums.push(&packet, threshold));
        sums
    }

    #[inline]
    fn push(&mut self, packet: &Logged, threshold: Nanos) {
        if let Some(gap) = packet.gap {
            self.gaps.push(gap);
            let idle = gap >= threshold.0;
            self.idle_count += u64::from(idle);
            self.idle_sum = self.idle_sum.saturating_add(if idle { gap } else { 0 });
            self.burst = if idle { 0 } else { self.burst };
        }
        self.burst += 1;
        self.burst_max = self.burst_max.max(self.burst);
        if let Some(gap) = packet.gap_same {
            self.gaps_same[packet.direction.index()].push(gap);
        }
        match packet.direction {
            Direction::Forward if self.first_fwd == NEVER => self.first_fwd = packet.offset,
            Direction::Backward if self.response == NO_RESPONSE && self.first_fwd != NEVER => {
                self.response = packet.offset.saturating_sub(self.first_fwd).max(0) as u64;
            }
            _ => {}
        }
    }
}

impl Group for Timing {
    type State = State;
    const INFO: GroupInfo = GroupInfo {
        name: "timing",
        meaning: "gaps between packets, bursts, idle and response times",
        columns: COLUMNS,
    };

    fn new(_: &FeaturePlan) -> State {
        State::default()
    }

    #[inline]
    fn on_packet(state: &mut State, seen: &Seen<'_>) {
        if let Some(sums) = &mut state.0 {
            sums.push(&seen.logged(), seen.plan.config.burst_threshold);
        }
    }

    fn outgrow(state: &mut State, plan: &FeaturePlan, log: &PacketLog) {
        state.0 = Some(Box::new(Sums::of(log, plan)));
    }

    fn finish(state: &State, ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let replayed;
        let sums = if let Some(sums) = &state.0 {
            &**sums
        } else {
            replayed = Sums::of(ended.log, ended.plan);
            &replayed
        };
        let Quantiles { all, sides: [fwd, bwd] } = ended.log.gaps(ended.scratch);
        write_gaps(&sums.gaps, all, row);
        write_gaps_of(&sums.gaps_same[0], fwd, row, Direction::Forward);
        write_gaps_of(&sums.gaps_same[1], bwd, row, Direction::Backward);
        row.f64("burstiness_index", sums.gaps.variation());
        row.f64("burstiness_index_fwd", sums.gaps_same[0].variation());
        row.f64("burstiness_index_bwd", sums.gaps_same[1].variation());
        write_bursts(sums, ended.head.packets(), row);
        if row.wants(SEQUENCE_COLUMNS) {
            write_sequences(ended, row);
        } else {
            row.skip(SEQUENCE_COLUMNS);
        }
    }

    fn heap_bytes(state: &State) -> usize {
        if state.0.is_some() { size_of::<Sums>() } else { 0 }
    }
}

fn seconds(nanos: f64) -> f64 {
    nanos / 1e9
}

fn write_gaps(gaps: &Moments, sorted: Sorted<'_>, row: &mut RowBuffer) {
    let [p25, median, p75, p90, p99] =
        sorted.percentiles([25, 50, 75, 90, 99]).map(|gap| gap.map(seconds));
    row.f64("iat_min", gaps.min().map(seconds));
    row.f64("iat_max", gaps.max().map(seconds));
    row.f64("iat_mean", gaps.mean().map(seconds));
    row.f64("iat_std", gaps.std().map(seconds));
    row.f64("iat_median", median);
    row.f64("iat_sum", (gaps.n > 0).then(|| seconds(gaps.sum as f64)));
    row.f64("iat_p25", p25);
    row.f64("iat_p75", p75);
    row.f64("iat_p90", p90);
    row.f64("iat_p99", p99);
}

fn write_gaps_of(gaps: &Moments, sorted: Sorted<'_>, row: &mut RowBuffer, side: Direction) {
    let names = match side {
        Direction::Forward => {
            ["iat_fwd_min", "iat_fwd_max", "iat_fwd_mean", "iat_fwd_std", "iat_fwd_median"]
        }
        Direction::Backward => {
            ["iat_bwd_min", "iat_bwd_max", "iat_bwd_mean", "iat_bwd_std", "iat_bwd_median"]
        }
    };
    row.f64(names[0], gaps.min().map(seconds));
    row.f64(names[1], gaps.max().map(seconds));
    row.f64(names[2], gaps.mean().map(seconds));
    row.f64(names[3], gaps.std().map(seconds));
    row.f64(names[4], sorted.median().map(seconds));
}

fn write_bursts(state: &Sums, packets: u64, row: &mut RowBuffer) {
    let bursts = state.idle_count + 1;
    let within = state.gaps.sum.saturating_sub(state.idle_sum);
    let idle = state.idle_count > 0;
    row.u64("burst_count", bursts);
    row.f64("avg_burst_packets", packets as f64 / bursts as f64);
    row.f64("avg_burst_duration", seconds(within as f64 / bursts as f64));
    row.u64("max_burst_packets", state.burst_max);
    row.u64("idle_count", state.idle_count);
    let mean = || seconds(state.idle_sum as f64 / state.idle_count as f64);
    row.f64("avg_idle_duration", idle.then(mean));
    // Where any gap is idle, the greatest is.
    row.f64("max_idle_duration", idle.then(|| seconds(state.gaps.max as f64)));
    let response = (state.response != NO_RESPONSE).then_some(state.response);
    row.f64("first_response_time", response.map(|nanos| seconds(nanos as f64)));
}

fn write_sequences(ended: &Ended<'_>, row: &mut RowBuffer) {
    let packets = || ended.log.first(ended.plan.config.sequence_packets);
    let gap = |p: &Logged| p.gap.unwrap_or_default();
    let gap_seconds = |p: Logged| seconds(gap(&p) as f64);
    row.list_f64("iat_sequence", packets().skip(1).map(gap_seconds));
    row.list_f64("timestamp_sequence", packets().map(|p| seconds(p.offset as f64)));
    row.text("splt", |out| {
        let mut digits = itoa::Buffer::new();
        for (place, packet) in packets().enumerate() {
            if place > 0 {
                out.push(' ');
            }
            out.push_str(digits.format(packet.len));
            out.push(':');
            out.push_str(digits.format(gap(&packet)));
            out.push_str(if packet.direction == Direction::Forward { ":+" } else { ":-" });
        }
        true
    });
    row.list_u32("splt_lengths", packets().map(|p| p.len));
    row.list_f64("splt_times", packets().map(gap_seconds));
    row.list_i8("splt_directions", packets().map(|p| 1 - 2 * p.direction as i8));
}
