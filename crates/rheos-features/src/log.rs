//! What several groups want of a flow's packets, kept once per flow: their times, lengths and directions, and beyond
//! them counts.
//!
//! Up to a limit every packet is logged, twelve bytes each. Of a flow that stays below it (most do) the groups keep no
//! sums: what they tell, they work out from the log when the flow has ended, quantiles and the mode too. A flow that
//! outgrows the limit hands its log on to the groups' sums (see `Group::outgrow`), to counts per length (still exact)
//! and to sketches of gaps; what stays in the log are the packets that the columns about the first ones want.

use rheos_core::{Direction, Timestamp};
use rheos_flow::Arrival;
use rheos_wire::Packet;

use crate::gaps::GapSketch;
use crate::lengths::LengthCounts;
use crate::quantile::Sorted;

/// The least and the most entries by which a log grows, by half in between: doubling would leave a quarter of all
/// logs' memory unused.
const GROWTH_MIN: usize = 4;
const GROWTH_MAX: usize = 16;

/// A log keeps this much memory for the next flow; what a longer flow needed is given back.
const KEPT_ENTRIES: usize = 32;

const BACKWARD: u32 = 1 << 31;
/// Lengths share their word with the direction; no IP length comes near.
const LEN_MAX: u32 = BACKWARD - 1;

/// One packet: nanoseconds since the flow's first packet in two halves, length and direction.
#[derive(Clone, Copy, Debug)]
struct Entry {
    offset: [u32; 2],
    len_dir: u32,
}

impl Entry {
    fn new(offset: i64, len: u32, direction: Direction) -> Self {
        let side = if direction == Direction::Backward { BACKWARD } else { 0 };
        Self { offset: [offset as u32, (offset >> 32) as u32], len_dir: len.min(LEN_MAX) | side }
    }

    fn offset(self) -> i64 {
        i64::from(self.offset[1].cast_signed()) << 32 | i64::from(self.offset[0])
    }

    fn len(self) -> u32 {
        self.len_dir & LEN_MAX
    }

    fn direction(self) -> Direction {
        if self.len_dir & BACKWARD == 0 { Direction::Forward } else { Direction::Backward }
    }
}

/// A logged packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Nanoseconds since the flow's first packet; negative when the capture runs backwards.
    pub offset: i64,
    /// Nanoseconds since the packet before it in arrival order, 0 for backward steps; none for the first.
    pub gap: Option<u64>,
    /// Nanoseconds since the packet before it in the same direction.
    pub gap_same: Option<u64>,
    /// IP length in bytes.
    pub len: u32,
    /// From the initiator, or to it.
    pub direction: Direction,
}

/// What a long flow has instead of a log.
#[derive(Clone, Debug, Default)]
struct Counted {
    lengths: LengthCounts,
    gaps: GapSketch,
    gaps_same: [GapSketch; 2],
}

/// The packets of one flow, as far as their order is remembered.
#[derive(Clone, Debug, Default)]
pub struct PacketLog {
    base: Timestamp,
    entries: Vec<Entry>,
    /// The flow has more packets than were logged.
    outgrown: bool,
    counted: Option<Box<Counted>>,
}

/// What is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLimits {
    /// Packets logged at most; 0 turns the log off.
    pub packets: usize,
    /// Packets of a flow that outgrew the log which stay logged.
    pub kept: usize,
    /// Whether flows that outgrow the log are counted on, for quantiles.
    pub beyond: bool,
}

/// A most frequent value and how often it occurs.
pub type Mode = (u32, u64);

/// Room to sort in, used again for every flow.
#[derive(Debug, Default)]
pub struct Scratch {
    all: Vec<u64>,
    sides: [Vec<u64>; 2],
}

impl Scratch {
    fn clear(&mut self) {
        self.all.clear();
        self.sides.iter_mut().for_each(Vec::clear);
    }

    fn sorted(&self) -> Quantiles<'_> {
        let [fwd, bwd] = &self.sides;
        Quantiles {
            all: Sorted::Values(&self.all),
            sides: [Sorted::Values(fwd), Sorted::Values(bwd)],
        }
    }
}

/// Values of all packets in order, and of each direction's alone, [`Direction::Forward`] first.
#[derive(Clone, Copy, Debug)]
pub struct Quantiles<'a> {
    /// Of all packets.
    pub all: Sorted<'a>,
    /// Of the packets of one direction.
    pub sides: [Sorted<'a>; 2],
}

impl PacketLog {
    /// Whether another packet can be logged; once false, it stays so.
    #[inline]
    pub fn has_room(&self, limits: LogLimits) -> bool {
        self.entries.len() < limits.packets && !self.outgrown
    }

    /// Logs one packet; there must be room for it.
    #[inline]
    pub fn push(&mut self, limits: LogLimits, arrival: &Arrival, packet: &Packet) {
        if self.entries.is_empty() {
            self.base = packet.ts;
        }
        if self.entries.len() == self.entries.capacity() {
            self.grow(limits);
        }
        let offset = self.offset(packet.ts);
        self.entries.push(Entry::new(offset, packet.ip_len, arrival.direction));
    }

    fn grow(&mut self, limits: LogLimits) {
        let len = self.entries.len();
        let more = (len / 2).clamp(GROWTH_MIN, GROWTH_MAX).min(limits.packets.saturating_sub(len));
        self.entries.reserve_exact(more);
    }

    /// Whether the flow has more packets than were logged.
    #[inline]
    pub fn is_outgrown(&self) -> bool {
        self.outgrown
    }

    /// No further packet will be logged: counts what was, where quantiles are wanted, and forgets what need not stay.
    #[cold]
    pub fn outgrow(&mut self, limits: LogLimits) {
        self.outgrown = true;
        if limits.beyond {
            self.counted = Some(self.counted_from_log());
        }
        self.entries.truncate(limits.kept);
        self.entries.shrink_to_fit();
    }

    /// Takes in one packet beyond the log.
    #[inline]
    pub fn count(&mut self, arrival: &Arrival, packet: &Packet) {
        let Some(counted) = &mut self.counted else { return };
        counted.lengths.add(packet.ip_len, arrival.direction);
        if let Some(gap) = arrival.gap {
            counted.gaps.add(gap.0);
        }
        if let Some(gap) = arrival.gap_same_direction {
            counted.gaps_same[arrival.direction.index()].add(gap.0);
        }
    }

    /// Nanoseconds since the flow's first packet.
    #[inline]
    pub fn offset(&self, ts: Timestamp) -> i64 {
        signed_offset(self.base, ts)
    }

    #[cold]
    fn counted_from_log(&self) -> Box<Counted> {
        let mut counted = Box::<Counted>::default();
        for packet in self.packets() {
            counted.lengths.add(packet.len, packet.direction);
            if let Some(gap) = packet.gap {
                counted.gaps.add(gap);
            }
            if let Some(gap) = packet.gap_same {
                counted.gaps_same[packet.direction.index()].add(gap);
            }
        }
        counted
    }

    /// Forgets the flow.
    pub fn reset(&mut self) {
        self.counted = None;
        self.outgrown = false;
        if self.entries.capacity() > KEPT_ENTRIES {
            self.entries = Vec::new();
        }
        self.entries.clear();
    }

    /// The logged packets in order of arrival: all of the flow's, unless it has outgrown its log.
    #[inline]
    pub fn packets(&self) -> impl Iterator<Item = Logged> + '_ {
        let mut before = None;
        let mut before_same = [None; 2];
        self.entries.iter().map(move |entry| {
            let (offset, direction) = (entry.offset(), entry.direction());
            let gap = |before: Option<i64>| before.map(|before| gap_between(before, offset));
            Logged {
                offset,
                gap: gap(before.replace(offset)),
                gap_same: gap(before_same[direction.index()].replace(offset)),
                len: entry.len(),
                direction,
            }
        })
    }

    /// The first `limit` packets, as far as they were logged.
    pub fn first(&self, limit: usize) -> impl Iterator<Item = Logged> + '_ {
        self.packets().take(limit)
    }

    /// The gaps in nanoseconds, in order; `scratch` holds them where they are exact.
    pub fn gaps<'a>(&'a self, scratch: &'a mut Scratch) -> Quantiles<'a> {
        if let Some(counted) = &self.counted {
            let [fwd, bwd] = &counted.gaps_same;
            return Quantiles {
                all: Sorted::Gaps(&counted.gaps),
                sides: [Sorted::Gaps(fwd), Sorted::Gaps(bwd)],
            };
        }
        scratch.clear();
        for packet in self.packets() {
            scratch.all.extend(packet.gap);
            scratch.sides[packet.direction.index()].extend(packet.gap_same);
        }
        scratch.all.sort_unstable();
        scratch.sides.iter_mut().for_each(|side| side.sort_unstable());
        scratch.sorted()
    }

    /// The packet lengths in bytes, in order, and their mode; `scratch` holds them where they are logged.
    pub fn lengths<'a>(&'a self, scratch: &'a mut Scratch) -> (Quantiles<'a>, Option<Mode>) {
        if let Some(Counted { lengths, .. }) = self.counted.as_deref() {
            let of = |side| Sorted::Lengths(lengths, Some(side));
            let all = Sorted::Lengths(lengths, None);
            let sides = [of(Direction::Forward), of(Direction::Backward)];
            return (Quantiles { all, sides }, lengths.mode());
        }
        scratch.clear();
        // Sorted once, with the direction in the lowest bit.
        let tagged = |e: &Entry| u64::from(e.len()) << 1 | e.direction() as u64;
        scratch.all.extend(self.entries.iter().map(tagged));
        scratch.all.sort_unstable();
        for value in &mut scratch.all {
            let side = *value & 1;
            *value >>= 1;
            scratch.sides[side as usize].push(*value);
        }
        let mode = self.mode(&scratch.all);
        (scratch.sorted(), mode)
    }

    /// Tells every packet length with how many packets have it, in order of length; `scratch` is room to sort in.
    pub fn each_length(&self, scratch: &mut Scratch, mut tell: impl FnMut(u32, u64)) {
        if let Some(counted) = &self.counted {
            counted.lengths.iter().for_each(|(len, count)| tell(len, count));
            return;
        }
        scratch.clear();
        scratch.all.extend(self.entries.iter().map(|e| u64::from(e.len())));
        scratch.all.sort_unstable();
        for run in scratch.all.chunk_by(|a, b| a == b) {
            tell(run[0] as u32, run.len() as u64);
        }
    }

    /// The mode of the logged lengths, which are given in order.
    fn mode(&self, sorted: &[u64]) -> Option<Mode> {
        let runs = || sorted.chunk_by(|a, b| a == b);
        let count = runs().map(<[u64]>::len).max()?;
        let is_mode = |len: u32| {
            let start = sorted.partition_point(|&value| value < u64::from(len));
            sorted.get(start + count - 1) == Some(&u64::from(len))
        };
        let first = self.entries.iter().map(|e| e.len()).find(|&len| is_mode(len))?;
        Some((first, count as u64))
    }

    /// Packets whose length was counted as a lower one, see [`LengthCounts::folded`].
    pub fn folded(&self) -> u64 {
        self.counted.as_ref().map_or(0, |counted| counted.lengths.folded())
    }

    /// Memory in bytes beyond the struct itself.
    pub fn heap_bytes(&self) -> usize {
        let counted = self.counted.as_ref().map_or(0, |counted| {
            let sketches = [&counted.gaps, &counted.gaps_same[0], &counted.gaps_same[1]];
            size_of::<Counted>()
                + counted.lengths.heap_bytes()
                + sketches.iter().map(|s| s.heap_bytes()).sum::<usize>()
        });
        self.entries.capacity() * size_of::<Entry>() + counted
    }
}

/// `ts − base`, at the ends of the range where it does not fit.
fn signed_offset(base: Timestamp, ts: Timestamp) -> i64 {
    let ahead = i64::try_from(ts.since(base).0).unwrap_or(i64::MAX);
    let behind = i64::try_from(base.since(ts).0).unwrap_or(i64::MAX);
    ahead - behind
}

fn gap_between(before: i64, offset: i64) -> u64 {
    offset.saturating_sub(before).max(0) as u64
}

#[cfg(test)]
mod tests {
    use rheos_core::Nanos;

    use super::*;

    const F: Direction = Direction::Forward;
    const B: Direction = Direction::Backward;
    const LIMITS: LogLimits = LogLimits { packets: 4, kept: 3, beyond: true };

    /// A log of packets given as (nanoseconds, length, direction).
    fn log_of(limits: LogLimits, packets: &[(u64, u32, Direction)]) -> PacketLog {
        let mut log = PacketLog::default();
        let mut last: Option<u64> = None;
        let mut last_same = [None; 2];
        for &(ts, ip_len, direction) in packets {
            let since = |before: Option<u64>| before.map(|b| Nanos(ts.saturating_sub(b)));
            let arrival = Arrival {
                direction,
                gap: since(last),
                gap_same_direction: since(last_same[direction.index()]),
            };
            let packet = Packet { ts: Timestamp::from_nanos(ts), ip_len, ..Packet::default() };
            if log.has_room(limits) {
                log.push(limits, &arrival, &packet);
            } else {
                if !log.is_outgrown() {
                    log.outgrow(limits);
                }
                log.count(&arrival, &packet);
            }
            last = Some(ts);
            last_same[direction.index()] = Some(ts);
        }
        log
    }

    #[test]
    fn entries_are_twelve_bytes_and_hold_what_was_put_in() {
        assert_eq!(size_of::<Entry>(), 12);
        for offset in [0, 1, -1, 1 << 33, -(1 << 40), i64::MAX, i64::MIN + 1] {
            for direction in [F, B] {
                let entry = Entry::new(offset, 1500, direction);
                let back = (entry.offset(), entry.len(), entry.direction());
                assert_eq!(back, (offset, 1500, direction));
            }
        }
    }

    #[test]
    fn backward_steps_are_gaps_of_zero() {
        let log = log_of(LIMITS, &[(10, 1, F), (20, 2, B), (15, 3, F)]);
        let all: Vec<_> = log.first(9).map(|p| (p.offset, p.gap)).collect();
        assert_eq!(all, [(0, None), (10, Some(10)), (5, Some(0))]);
        let log = log_of(LIMITS, &[(10, 1, F), (4, 2, F)]);
        assert_eq!(log.first(9).map(|p| (p.offset, p.gap)).last(), Some((-6, Some(0))));
    }

    #[test]
    fn a_flow_that_outgrows_its_log_keeps_exact_lengths() {
        let packets = [(0, 40, F), (5, 60, B), (9, 40, F), (9, 52, F), (20, 1500, B), (64, 60, B)];
        let log = log_of(LIMITS, &packets);
        let mut scratch = Scratch::default();
        let (lengths, mode) = log.lengths(&mut scratch);
        assert!(matches!(lengths.all, Sorted::Lengths(..)));
        assert_eq!(lengths.all.median(), Some(56.0));
        assert_eq!(lengths.sides[B.index()].median(), Some(60.0));
        assert_eq!(mode, Some((40, 2)), "40 was seen before 60");
        let mut each = Vec::new();
        log.each_length(&mut scratch, |len, count| each.push((len, count)));
        assert_eq!(each, [(40, 2), (52, 1), (60, 2), (1500, 1)]);
        let gaps = log.gaps(&mut scratch);
        // gaps 5 4 0 11 44, all below 64 ns and so exact
        assert_eq!(gaps.all.median(), Some(5.0));
        // backward gaps 15 44
        assert_eq!(gaps.sides[B.index()].median(), Some(29.5));
        assert_eq!(log.first(20).count(), 3);
    }

    #[test]
    fn logged_lengths_have_the_mode_seen_first() {
        let limits = LogLimits { packets: 64, kept: 0, beyond: true };
        let lens: Vec<_> = [9, 3, 3, 9, 3].into_iter().map(|len| (0, len, F)).collect();
        let mut each = Vec::new();
        let tell = |len, count| each.push((len, count));
        log_of(limits, &lens).each_length(&mut Scratch::default(), tell);
        assert_eq!(each, [(3, 3), (9, 2)]);
        let mode = |lens: &[u32]| {
            let packets: Vec<_> = lens.iter().map(|&len| (0, len, F)).collect();
            log_of(limits, &packets).lengths(&mut Scratch::default()).1
        };
        assert_eq!(mode(&[9, 3, 3, 9, 5]), Some((9, 2)));
        assert_eq!(mode(&[9, 3, 9, 3, 3]), Some((3, 3)));
        assert_eq!(mode(&[7]), Some((7, 1)));
        assert_eq!(mode(&[5, 1, 9]), Some((5, 1)));
    }

    #[test]
    fn without_beyond_the_log_just_ends() {
        let limits = LogLimits { packets: 2, kept: 2, beyond: false };
        let mut log = log_of(limits, &[(0, 1, F), (1, 2, F), (2, 3, F)]);
        assert_eq!(log.heap_bytes(), log.entries.capacity() * 12);
        assert_eq!(log.first(9).count(), 2);
        log.reset();
        assert_eq!(log.first(9).count(), 0);
        assert_eq!(log.lengths(&mut Scratch::default()).1, None);
    }
}
