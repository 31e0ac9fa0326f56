//! When a flow was active and when it rested, its subflows, and its bulk transfers.
//!
//! The terms and thresholds are those of CICFlowMeter and of the older features behind it (A. Moore, D. Zuev,
//! M. Crogan: Discriminators for use in flow-based classification, 2005); the definitions are those which its
//! documentation means, not what its program does.

use rheos_core::{Direction, Nanos};

use super::{Ended, Group, Seen};
use crate::FeaturePlan;
use crate::column::Kind::{F64, U64};
use crate::column::{Column, GroupInfo, Kind, Profile};
use crate::moments::Moments;
use crate::row::RowBuffer;

/// A longer gap ends an active period.
pub const ACTIVITY_TIMEOUT: Nanos = Nanos::from_secs(5);
/// A longer gap begins a new subflow, and ends a bulk transfer.
pub const SUBFLOW_GAP: Nanos = Nanos::from_secs(1);
/// So many packets with payload in succession are a bulk transfer.
pub const BULK_PACKETS_MIN: u32 = 4;

const NO_IDLE: &str = "no gap is longer than 5 s";

const fn column(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    Column::new(name, kind, unit, meaning).profile(Profile::Extended).option()
}

const fn idle(name: &'static str, meaning: &'static str) -> Column {
    column(name, F64, "s", meaning).null(NO_IDLE)
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    column("active_count", U64, "periods", "active periods: maximal runs of packets of both directions of which no gap is longer than 5 s"),
    column("active_mean", F64, "s", "arithmetic mean of the active periods' durations; a lone packet lasts 0"),
    column("active_std", F64, "s", "population standard deviation (ddof 0) of the active periods' durations; 0 for one"),
    column("active_max", F64, "s", "longest active period"),
    column("active_min", F64, "s", "shortest active period"),
    column("rest_count", U64, "gaps", "gaps longer than 5 s between successive packets: active_count - 1 (idle_count has another threshold)"),
    idle("rest_mean", "arithmetic mean of these gaps"),
    idle("rest_std", "population standard deviation (ddof 0) of these gaps; 0 for one"),
    idle("rest_max", "longest of these gaps"),
    idle("rest_min", "shortest of these gaps"),
    column("subflow_count", U64, "subflows", "subflows: maximal runs of packets of both directions of which no gap is longer than 1 s"),
    column("bulk_count_fwd", U64, "bulks", "bulk transfers of the initiator: at least 4 packets with payload in succession, none with payload from the responder between them, each at most 1 s after the one before").fwd(),
    column("bulk_packets_fwd", U64, "packets", "packets of the initiator's bulk transfers").fwd(),
    column("bulk_bytes_fwd", U64, "bytes", "payload of the initiator's bulk transfers").fwd(),
    column("bulk_duration_fwd", F64, "s", "durations of the initiator's bulk transfers together, each from its first to its last packet").fwd(),
    column("bulk_count_bwd", U64, "bulks", "bulk transfers of the responder, by the same rule").bwd(),
    column("bulk_packets_bwd", U64, "packets", "packets of the responder's bulk transfers").bwd(),
    column("bulk_bytes_bwd", U64, "bytes", "payload of the responder's bulk transfers").bwd(),
    column("bulk_duration_bwd", F64, "s", "durations of the responder's bulk transfers together, each from its first to its last packet").bwd(),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Activity;

/// Bulk transfers of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bulks {
    count: u64,
    packets: u64,
    bytes: u64,
    /// Nanoseconds.
    duration: u64,
}

/// Packets with payload in succession from one side: a bulk transfer, once they are enough.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    packets: u32,
    bytes: u64,
    duration: u64,
}

#[derive(Clone, Copy, Debug)]
struct Sums {
    active: Moments,
    rests: Moments,
    subflows: u64,
    /// Nanoseconds of the active period that goes on.
    period: u64,
    bulks: [Bulks; 2],
    run: Run,
    run_side: Direction,
    /// Nanoseconds since the last packet with payload.
    since_payload: u64,
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            active: Moments::default(),
            rests: Moments::default(),
            subflows: 1,
            period: 0,
            bulks: [Bulks::default(); 2],
            run: Run::default(),
            run_side: Direction::Forward,
            since_payload: 0,
        }
    }
}

impl Sums {
    /// A packet of `payload` bytes, `gap` nanoseconds after the one before.
    #[inline]
    fn push(&mut self, gap: u64, side: Direction, payload: u32) {
        if gap > ACTIVITY_TIMEOUT.0 {
            self.active.push(std::mem::take(&mut self.period));
            self.rests.push(gap);
        } else {
            self.period = self.period.saturating_add(gap);
        }
        self.subflows += u64::from(gap > SUBFLOW_GAP.0);
        self.since_payload = self.since_payload.saturating_add(gap);
        if payload > 0 {
            self.push_payload(side, payload);
        }
    }

    fn push_payload(&mut self, side: Direction, payload: u32) {
        let since = std::mem::take(&mut self.since_payload);
        let goes_on = self.run.packets > 0 && self.run_side == side && since <= SUBFLOW_GAP.0;
        if !goes_on {
            self.run = Run::default();
            self.run_side = side;
        }
        let run = &mut self.run;
        run.packets = run.packets.saturating_add(1);
        run.bytes = run.bytes.saturating_add(u64::from(payload));
        run.duration = run.duration.saturating_add(if goes_on { since } else { 0 });
        let bulks = &mut self.bulks[side.index()];
        if run.packets == BULK_PACKETS_MIN {
            bulks.count += 1;
            bulks.packets += u64::from(run.packets);
            bulks.bytes = bulks.bytes.saturating_add(run.bytes);
            bulks.duration = bulks.duration.saturating_add(run.duration);
        } else if run.packets > BULK_PACKETS_MIN {
            bulks.packets += 1;
            bulks.bytes = bulks.bytes.saturating_add(u64::from(payload));
            bulks.duration = bulks.duration.saturating_add(since);
        }
    }
}

/// Made by the flow's first packet.
#[derive(Debug, Default)]
pub struct State(Option<Box<Sums>>);

impl Group for Activity {
    type State = State;
    const INFO: GroupInfo = GroupInfo {
        name: "activity",
        meaning: "active periods and rests, subflows, bulk transfers",
        columns: COLUMNS,
    };

    fn new(_: &FeaturePlan) -> State {
        State::default()
    }

    #[inline]
    fn on_packet(state: &mut State, seen: &Seen<'_>) {
        let gap = seen.arrival.gap.map_or(0, |gap| gap.0);
        let sums = state.0.get_or_insert_default();
        sums.push(gap, seen.arrival.direction, seen.packet.payload_len);
    }

    fn finish(state: &State, _: &mut Ended<'_>, row: &mut RowBuffer) {
        let sums = state.0.as_deref().copied().unwrap_or_default();
        let mut active = sums.active;
        active.push(sums.period);
        let seconds = |nanos: Option<f64>| nanos.map(|nanos| nanos / 1e9);
        row.u64("active_count", active.n);
        row.f64("active_mean", seconds(active.mean()));
        row.f64("active_std", seconds(active.std()));
        row.f64("active_max", seconds(active.max()));
        row.f64("active_min", seconds(active.min()));
        row.u64("rest_count", sums.rests.n);
        row.f64("rest_mean", seconds(sums.rests.mean()));
        row.f64("rest_std", seconds(sums.rests.std()));
        row.f64("rest_max", seconds(sums.rests.max()));
        row.f64("rest_min", seconds(sums.rests.min()));
        row.u64("subflow_count", sums.subflows);
        let [fwd, bwd] = sums.bulks;
        row.u64("bulk_count_fwd", fwd.count);
        row.u64("bulk_packets_fwd", fwd.packets);
        row.u64("bulk_bytes_fwd", fwd.bytes);
        row.f64("bulk_duration_fwd", fwd.duration as f64 / 1e9);
        row.u64("bulk_count_bwd", bwd.count);
        row.u64("bulk_packets_bwd", bwd.packets);
        row.u64("bulk_bytes_bwd", bwd.bytes);
        row.f64("bulk_duration_bwd", bwd.duration as f64 / 1e9);
    }

    fn heap_bytes(state: &State) -> usize {
        if state.0.is_some() { size_of::<Sums>() } else { 0 }
    }

    fn reset(state: &mut State, _: &FeaturePlan) {
        if let Some(sums) = &mut state.0 {
            **sums = Sums::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const F: Direction = Direction::Forward;
    const B: Direction = Direction::Backward;
    const SECOND: u64 = 1_000_000_000;

    fn of(packets: &[(u64, Direction, u32)]) -> Sums {
        let mut sums = Sums::default();
        for &(gap, side, payload) in packets {
            sums.push(gap, side, payload);
        }
        sums
    }

    #[test]
    fn three_packets_are_no_bulk_and_four_are() {
        let three = of(&[(0, F, 10), (5, F, 10), (5, F, 10)]);
        assert_eq!(three.bulks, [Bulks::default(); 2]);
        // An ACK without payload between does not end it.
        let four = of(&[(0, F, 10), (5, F, 20), (1, B, 0), (5, F, 30), (5, F, 40), (7, F, 50)]);
        let bulk = Bulks { count: 1, packets: 5, bytes: 150, duration: 23 };
        assert_eq!(four.bulks, [bulk, Bulks::default()]);
    }

    #[test]
    fn payload_from_the_other_side_and_long_gaps_end_a_bulk() {
        let answered = of(&[(0, F, 1), (1, F, 1), (1, F, 1), (1, B, 1), (1, F, 1)]);
        assert_eq!(answered.bulks, [Bulks::default(); 2]);
        let paused = of(&[(0, F, 1), (1, F, 1), (1, F, 1), (SECOND + 1, F, 1)]);
        assert_eq!(paused.bulks[0].count, 0);
        let in_time = of(&[(0, F, 1), (1, F, 1), (1, F, 1), (SECOND, F, 1)]);
        assert_eq!(in_time.bulks[0].duration, SECOND + 2);
        // The gap counts between packets with payload, also over one without.
        let over = of(&[(0, F, 1), (1, F, 1), (1, F, 1), (SECOND, B, 0), (1, F, 1)]);
        assert_eq!(over.bulks[0].count, 0);
    }

    #[test]
    fn both_sides_have_bulks_of_their_own() {
        let side = |side| [(1, side, 3), (1, side, 3), (1, side, 3), (1, side, 3)];
        let sums = of(&[side(F), side(B), side(F)].concat());
        assert_eq!((sums.bulks[0].count, sums.bulks[0].packets), (2, 8));
        assert_eq!(sums.bulks[1], Bulks { count: 1, packets: 4, bytes: 12, duration: 3 });
    }
}
