//! One side's byte stream.
//!
//! Positions count payload bytes from where the side began. The buffer holds what lies from `base`, the first
//! position not done with, up to the end of the last island; what lies in holes between is there but means nothing.

use rheos_core::Direction;

use super::budget::{Limit, StreamBudget};
use super::{AHEAD_MAX, ISLANDS_MAX, Piece, Read, StreamTotals};

/// An empty buffer no larger than this is kept for the next bytes that have to wait.
const KEPT_BYTES: usize = 2048;

/// By how many entries the list of islands grows.
const ISLANDS_GROWTH: usize = 8;

/// Positions stop here: nobody sends so much.
const POSITION_MAX: i64 = i64::MAX / 4;

/// Bytes that one entry of the list of islands takes.
const ISLAND_BYTES: usize = size_of::<(i64, i64)>();

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// No sequence number was seen.
    #[default]
    New,
    Open,
    /// Nothing more is wanted.
    Closed,
}

/// What a stream needs to know of what is around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pub(super) direction: Direction,
    pub(super) budget: &'a StreamBudget,
    pub(super) other: &'a Stream,
}

/// The bytes of one side.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    pub(super) totals: StreamTotals,
    /// The first position not done with.
    base: i64,
    /// One past the highest position seen, and its sequence number.
    high: i64,
    high_seq: u32,
    /// Sequence number of the last segment that was too far ahead to be believed.
    far: Option<u32>,
    state: State,
    /// What lies at `base` comes after a hole.
    gap: bool,
    /// Where in `buffer` the position `base` is.
    start: usize,
    /// So many bytes from `base` on are there.
    ready: usize,
    buffer: Vec<u8>,
    /// Stretches that are there beyond the first hole: ascending, apart, not empty.
    islands: Vec<(i64, i64)>,
}

/// What came of offering bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Offered {
    /// Positions done with, perhaps beyond the bytes that were offered.
    done: i64,
    consumed: u64,
    stopped: bool,
}

impl Stream {
    /// The stream begins with this sequence number, unless one was seen before.
    pub(super) fn anchor(&mut self, seq: u32) {
        if self.state == State::New {
            self.high_seq = seq;
            self.state = State::Open;
        }
    }

    /// As [`Self::anchor`], but of a SYN: it may come late, or again with another number, as long as no byte came.
    pub(super) fn anchor_at_syn(&mut self, seq: u32) {
        if self.state == State::Open && self.high == 0 {
            self.high_seq = seq;
        }
        self.anchor(seq);
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.buffer.capacity() + self.islands.capacity() * ISLAND_BYTES
    }

    /// What is there and not read.
    pub(super) fn waiting(&self) -> &[u8] {
        self.buffer.get(self.start..self.start + self.ready).unwrap_or_default()
    }

    /// One past the bytes that are there without a hole.
    fn there(&self) -> i64 {
        self.base + self.ready.cast_signed() as i64
    }

    /// The position that a sequence number means: the one nearest to the highest seen.
    fn position(&self, seq: u32) -> (i64, i32) {
        let ahead = seq.wrapping_sub(self.high_seq).cast_signed();
        (self.high.saturating_add(i64::from(ahead)), ahead)
    }

    fn raise(&mut self, position: i64, seq: u32) {
        if position > self.high {
            self.high = position;
            self.high_seq = seq;
        }
    }

    /// Takes in a segment whose first byte has this sequence number; `len` is its length as sent, of which
    /// `payload` was captured.
    pub(super) fn on_segment(
        &mut self,
        seq: u32,
        payload: &[u8],
        len: u32,
        around: Around<'_>,
        read: &mut impl FnMut(Piece<'_>) -> Read,
    ) {
        if self.state == State::New {
            self.anchor(seq);
        }
        if len == 0 || self.state == State::Closed {
            return;
        }
        let (position, ahead) = self.position(seq);
        if ahead > AHEAD_MAX {
            self.far = Some(seq);
            around.budget.count(|counters| counters.wild += 1);
            return;
        }
        let end = position + i64::from(len);
        self.raise(end, seq.wrapping_add(len));
        if end <= self.base {
            return;
        }
        self.put_in(position, payload, around, read);
        let cut = payload.len() < len as usize && self.state == State::Open;
        if cut && self.islands.is_empty() && self.there() >= position {
            // What the capture left out will never come: do not wait for it.
            self.give_up_to(end, around.budget);
        }
    }

    /// The peer has all before this sequence number.
    pub(super) fn on_ack(
        &mut self,
        seq: u32,
        around: Around<'_>,
        read: &mut impl FnMut(Piece<'_>) -> Read,
    ) {
        if self.state != State::Open {
            return;
        }
        let (position, ahead) = self.position(seq);
        if ahead > AHEAD_MAX {
            // A segment so far ahead and the peer's word for it: so much was lost.
            if self.far.is_none_or(|far| seq.wrapping_sub(far).cast_signed().abs() > AHEAD_MAX) {
                return;
            }
            self.far = None;
            self.give_up_all(around, read);
            self.raise(position, seq);
            self.give_up_to(position, around.budget);
            return;
        }
        while let Some(&(start, _)) = self.islands.first()
            && start <= position
            && self.state == State::Open
        {
            self.give_up_to(start, around.budget);
            self.offer_held(around, read);
        }
    }

    /// Offers bytes that begin at `base`, with nothing else there, and keeps what is left.
    fn pass_through(
        &mut self,
        bytes: &[u8],
        around: Around<'_>,
        read: &mut impl FnMut(Piece<'_>) -> Read,
    ) {
        let offered = self.offer(bytes, around, read);
        if offered.stopped {
            return self.close(around.budget);
        }
        self.base = self.base.saturating_add(offered.done).min(POSITION_MAX);
        let left = usize::try_from(offered.done).ok().and_then(|done| bytes.get(done..));
        let Some(left) = left.filter(|left| !left.is_empty()) else { return };
        if let Err(limit) = self.store(self.base, left, around) {
            self.end_at(limit, around.budget);
        }
    }

    /// Offers the bytes of a segment and what they make ready, or keeps them. At a limit, holes before them are
    /// given up.
    fn put_in(
        &mut self,
        position: i64,
        payload: &[u8],
        around: Around<'_>,
        read: &mut impl FnMut(Piece<'_>) -> Read,
    ) {
        // Every turn but the last gives up a hole.
        for _ in 0..=ISLANDS_MAX + 1 {
            let old = (self.base - position).max(0) as usize;
            let Some(rest) = payload.get(old..).filter(|rest| !rest.is_empty()) else { return };
            let from = position.max(self.base);
            if from == self.base && self.ready == 0 && self.islands.is_empty() {
                return self.pass_through(rest, around, read);
            }
            let ready_before = self.ready;
            match self.store(from, rest, around) {
                Ok(()) => {
                    if self.ready > ready_before {
                        self.offer_held(around, read);
                    }
                    return;
                }
                Err(limit) if from > self.there() => {
                    self.limited(limit, around.budget);
                    let next = self.islands.first().map_or(from, |island| island.0.min(from));
                    self.give_up_to(next, around.budget);
                    self.offer_held(around, read);
                }
                Err(limit) => return self.end_at(limit, around.budget),
            }
            if self.state != State::Open {
                return;
            }
        }
    }

    /// Offers bytes that begin at `base` until the reader leaves them.
    fn offer(
        &mut self,
        bytes: &[u8],
        around: Around<'_>,
        read: &mut impl FnMut(Piece<'_>) -> Read,
    ) -> Offered {
        let mut gap = self.gap;
        let offered = offer(bytes, &mut gap, around, read);
        self.gap = gap;
        self.totals.bytes += offered.consumed;
        offered
    }

    /// Offers what waits.
    pub(super) fn offer_held(
        &mut self,
        around: Around<'_>,
        read: &mut impl FnMut(Piece<'_>) -> Read,
    ) {
        // A turn that reads nothing is the last; a skip may uncover an island.
        while self.ready > 0 && self.state == State::Open {
            let mut gap = self.gap;
            let offered = offer(self.waiting(), &mut gap, around, read);
            self.gap = gap;
            self.totals.bytes += offered.consumed;
            if offered.stopped {
                return self.close(around.budget);
            }
            if offered.done == 0 {
                return;
            }
            self.move_base(self.base.saturating_add(offered.done), around.budget);
        }
    }

    /// Gives up every hole, and offers what lay behind it.
    pub(super) fn give_up_all(
        &mut self,
        around: Around<'_>,
        read: &mut impl FnMut(Piece<'_>) -> Read,
    ) {
        while let Some(&(start, _)) = self.islands.first()
            && self.state == State::Open
        {
            self.give_up_to(start, around.budget);
            self.offer_held(around, read);
        }
    }

    /// What is missing before `position` will not come; bytes left waiting for it are of no use.
    fn give_up_to(&mut self, position: i64, budget: &StreamBudget) {
        let there = self.there();
        let missing = (position - there).max(0) as u64;
        if missing == 0 {
            return;
        }
        self.gap = true;
        self.totals.gaps = self.totals.gaps.saturating_add(1);
        self.totals.gap_bytes += missing;
        budget.count(|counters| {
            counters.gaps += 1;
            counters.gap_bytes += missing;
        });
        self.move_base(position, budget);
    }

    /// All before `position` is done with.
    fn move_base(&mut self, position: i64, budget: &StreamBudget) {
        let position = position.min(POSITION_MAX);
        let step = (position - self.base).max(0);
        self.base += step;
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        self.ready = self.ready.saturating_sub(step);
        self.start = self.start.saturating_add(step).min(self.buffer.len());
        let passed = self.islands.partition_point(|island| island.1 <= position);
        self.islands.drain(..passed);
        if let Some(&(from, to)) = self.islands.first()
            && from <= self.base
        {
            self.ready = (to - self.base) as usize;
            self.islands.remove(0);
        }
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
            if self.buffer.capacity() > KEPT_BYTES {
                budget.give_back(self.buffer.capacity());
                self.buffer = Vec::new();
            }
        }
    }

    /// Writes bytes that begin at `position`, not before `base`, where nothing is yet.
    fn store(&mut self, position: i64, bytes: &[u8], around: Around<'_>) -> Result<(), Limit> {
        let from = (position - self.base) as usize;
        self.make_room(from.saturating_add(bytes.len()), around)?;
        let there = self.there();
        let end = position + bytes.len().cast_signed() as i64;
        let first = self.islands.partition_point(|island| island.1 < position);
        let alone = self.islands.get(first).is_none_or(|island| island.0 > end);
        if position > there && alone {
            self.make_islands(around)?;
        }
        let needed = self.start + from + bytes.len();
        if self.buffer.len() < needed {
            self.buffer.resize(needed, 0);
        }
        let mut conflict = self.differs(position, end.min(there), position, bytes);
        let mut next = position.max(there);
        // The new stretch and every island that it touches become one.
        let mut joined = (next, end);
        let mut after = first;
        while let Some(&(start, stop)) = self.islands.get(after).filter(|island| island.0 <= end) {
            conflict |= self.differs(next.max(start), end.min(stop), position, bytes);
            self.write(next, start, position, bytes);
            next = next.max(stop);
            joined = (joined.0.min(start), joined.1.max(stop));
            after += 1;
        }
        self.write(next, end, position, bytes);
        if position <= there {
            self.ready = (joined.1.max(there) - self.base) as usize;
            self.islands.drain(first..after);
        } else {
            self.islands.splice(first..after, [joined]);
        }
        if conflict {
            self.totals.conflicts = self.totals.conflicts.saturating_add(1);
            around.budget.count(|counters| counters.conflicts += 1);
        }
        Ok(())
    }

    /// Writes the part of `bytes`, which begin at `position`, that lies in `from..to`.
    fn write(&mut self, from: i64, to: i64, position: i64, bytes: &[u8]) {
        if from < to {
            let (low, high) = ((from - position) as usize, (to - position) as usize);
            let place = self.start + (from - self.base) as usize;
            self.buffer[place..place + (high - low)].copy_from_slice(&bytes[low..high]);
        }
    }

    /// Whether `bytes` say something else of `from..to` than what is held there.
    fn differs(&self, from: i64, to: i64, position: i64, bytes: &[u8]) -> bool {
        if from >= to {
            return false;
        }
        let (low, high) = ((from - position) as usize, (to - position) as usize);
        let place = self.start + (from - self.base) as usize;
        self.buffer.get(place..place + (high - low)) != bytes.get(low..high)
    }

    /// Makes the buffer hold `needed` bytes from `base` on.
    fn make_room(&mut self, needed: usize, around: Around<'_>) -> Result<(), Limit> {
        let capacity = self.buffer.capacity();
        if self.start.saturating_add(needed) <= capacity {
            return Ok(());
        }
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
            if needed <= capacity {
                return Ok(());
            }
        }
        let beside = around.other.held_bytes() + self.islands.capacity() * ISLAND_BYTES;
        let allowed = around.budget.flow_bytes().saturating_sub(beside);
        if needed > allowed {
            return Err(Limit::Flow);
        }
        let ample = needed.max(capacity.saturating_mul(2)).min(allowed);
        let wanted = if around.budget.take(ample - capacity) {
            ample
        } else if around.budget.take(needed - capacity) {
            needed
        } else {
            return Err(Limit::Total);
        };
        self.buffer.reserve_exact(wanted - self.buffer.len());
        Ok(())
    }

    /// Makes room for one island more.
    fn make_islands(&mut self, around: Around<'_>) -> Result<(), Limit> {
        if self.islands.len() < self.islands.capacity() {
            return Ok(());
        }
        let more = ISLANDS_GROWTH * ISLAND_BYTES;
        let held = around.other.held_bytes() + self.held_bytes();
        if self.islands.len() >= ISLANDS_MAX || held + more > around.budget.flow_bytes() {
            return Err(Limit::Flow);
        }
        if !around.budget.take(more) {
            return Err(Limit::Total);
        }
        self.islands.reserve_exact(ISLANDS_GROWTH);
        Ok(())
    }

    fn limited(&mut self, limit: Limit, budget: &StreamBudget) {
        self.totals.limited = self.totals.limited.saturating_add(1);
        budget.count(|counters| match limit {
            Limit::Flow => counters.flow_limited += 1,
            Limit::Total => counters.total_limited += 1,
        });
    }

    /// The reader waits for more than a limit allows to keep: it gets nothing more.
    fn end_at(&mut self, limit: Limit, budget: &StreamBudget) {
        self.limited(limit, budget);
        self.close(budget);
    }

    /// Nothing more is wanted: gives all memory back.
    pub(super) fn close(&mut self, budget: &StreamBudget) {
        budget.give_back(self.held_bytes());
        let totals = self.totals;
        *self = Self { totals, state: State::Closed, ..Self::default() };
    }
}

/// Offers `bytes` and then what is left of them until the reader leaves them for later.
fn offer(
    bytes: &[u8],
    gap: &mut bool,
    around: Around<'_>,
    read: &mut impl FnMut(Piece<'_>) -> Read,
) -> Offered {
    let mut offered = Offered::default();
    let Around { direction, other, .. } = around;
    while let Some(rest) = usize::try_from(offered.done).ok().and_then(|done| bytes.get(done..))
        && !rest.is_empty()
    {
        let took = read(Piece { direction, bytes: rest, gap: *gap, other: other.waiting() });
        let consumed = took.consumed.min(rest.len()) as u64;
        let step = consumed.saturating_add(took.skip);
        offered.consumed += consumed;
        offered.done = offered.done.saturating_add_unsigned(step);
        if took.stop {
            offered.stopped = true;
            break;
        }
        if step == 0 {
            break;
        }
        *gap = false;
    }
    offered
}
