//! When the records of the background are.
//!
//! The even clock tells when traffic would come at the mean rate; bursts and a changing rate move that.

use fearless_simd::{Level, dispatch};

use super::cascade::Cascade;
use super::warp::Warp;
use super::{BLOCK, Moments};
use crate::flows::clock::Gap;
use crate::flows::config::FlowConfig;
use crate::flows::draw;
use crate::flows::plan::FlowPlan;
use crate::flows::real::{Arrivals, Quantiles};

/// Words of arrivals and of bursts have keys that differ in these bits.
const ARRIVAL_WORDS: u64 = 1 << 61;
const BURST_WORDS: u64 = 1 << 60;

/// The word of a block's last gap, which is that of no record.
const LAST_WORDS: u64 = ARRIVAL_WORDS | 1 << 58;

/// The fraction of an `f64`, and the least number whose fraction is whole.
const FRACTION: u64 = (1 << 52) - 1;
const WHOLE: f64 = 4_503_599_627_370_496.0;

/// Most blocks: all 64-bit numbers of records.
const BLOCKS_MAX: u64 = u64::MAX / BLOCK as u64 + 1;

/// How the even clock's time becomes the records'.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flows) struct Timeline {
    /// Gaps of mean 1, where arrivals are random.
    gaps: Option<Quantiles>,
    cascade: Option<Cascade>,
    warp: Option<Warp>,
    /// Nanoseconds since the Unix epoch.
    start: u64,
}

impl Timeline {
    /// `key` is the plan's, `gap` the mean one between records.
    pub(super) fn new(config: &FlowConfig, gap: Gap, key: u64) -> Self {
        let (arrivals, timing) = (config.realism.arrivals, &config.timing);
        let start = config.start.as_nanos();
        Self {
            gaps: (arrivals != Arrivals::Even).then(Quantiles::exponential),
            cascade: (arrivals == Arrivals::Bursty)
                .then(|| Cascade::new(timing.burst_bias, gap, key ^ BURST_WORDS)),
            warp: Warp::new(timing, start),
            start,
        }
    }

    /// Whether the mean rate changes with time.
    pub(super) const fn is_changing(&self) -> bool {
        self.cascade.is_some() || self.warp.is_some()
    }

    /// The even clock's time of record `index` with its bursts.
    fn burst(&self, plan: &FlowPlan, index: u64) -> u64 {
        let even = plan.clock.at(index).nanos;
        match &self.cascade {
            Some(cascade) if even < u64::MAX => {
                self.start.saturating_add(cascade.at(even - self.start))
            }
            _ => even,
        }
    }

    /// The moment for a time of the clock with bursts.
    fn warped(&self, burst: u64) -> u64 {
        match &self.warp {
            Some(warp) if burst < u64::MAX => {
                self.start.saturating_add(warp.at(burst - self.start))
            }
            _ => burst,
        }
    }

    /// When block `block` begins, at most the last moment that 64 bits can tell.
    pub(in crate::flows) fn begin(&self, plan: &FlowPlan, block: u64) -> u64 {
        self.warped(self.burst(plan, block.saturating_mul(BLOCK as u64)))
    }

    /// The moments of a block's records.
    pub(in crate::flows) fn moments(&self, level: Level, plan: &FlowPlan, block: u64) -> Moments {
        let first = block.saturating_mul(BLOCK as u64);
        let end = self.burst(plan, first.saturating_add(BLOCK as u64));
        let mut moments = match &self.gaps {
            Some(gaps) => {
                let ends = (self.burst(plan, first), end);
                dispatch!(level, _simd => arrivals(gaps, plan.key, block, ends))
            }
            None => even(plan, first, end),
        };
        if self.warp.is_some() {
            self.warp_all(&mut moments);
        }
        moments
    }

    /// The same as [`warped`](Self::warped) of each; where the rate hardly changes, along a straight line.
    fn warp_all(&self, moments: &mut Moments) {
        let (first, last) = (moments[0], moments[BLOCK - 1]);
        let (begin, end) = (self.warped(first), self.warped(last));
        let (span, warped) = (last - first, end.saturating_sub(begin));
        let middle = self.warped(first + span / 2).saturating_sub(begin);
        let is_straight = middle.abs_diff(warped / 2) <= (warped >> STRAIGHT_BITS).max(1);
        if is_straight && end < u64::MAX && warped < 1 << 53 {
            let scale = warped as f64 / (span as f64).max(1.0);
            for moment in moments.iter_mut() {
                *moment = begin + ((*moment - first) as f64 * scale) as u64;
            }
        } else {
            for moment in moments.iter_mut() {
                *moment = self.warped(*moment);
            }
        }
    }

    /// How many records come before `end`.
    pub(super) fn count_before(&self, plan: &FlowPlan, end: u64) -> u64 {
        // The first block that does not begin before the end, by halving: moments never fall.
        let (mut low, mut high) = (0, BLOCKS_MAX);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.begin(plan, middle) < end { low = middle + 1 } else { high = middle }
        }
        let Some(block) = low.checked_sub(1) else { return 0 };
        let within = self
            .moments(Level::baseline(), plan, block)
            .partition_point(|&moment| moment < end) as u64;
        block.saturating_mul(BLOCK as u64).saturating_add(within)
    }
}

/// How much the middle of a block may be off a straight line: one part in 2^14 of the block's time.
const STRAIGHT_BITS: u32 = 14;

/// At equal distances; `end` is where the next block begins.
fn even(plan: &FlowPlan, first: u64, end: u64) -> Moments {
    let mut moments = [0; BLOCK];
    if end == u64::MAX {
        // The end of time comes within the block.
        for (index, place) in (0..).zip(&mut moments) {
            *place = plan.clock.at(first.saturating_add(index)).nanos;
        }
        return moments;
    }
    let mut moment = plan.clock.at(first);
    for place in &mut moments {
        *place = moment.nanos;
        moment = plan.clock.advance(moment);
    }
    moments
}

/// Parts of the mean gap that gaps are counted in, and the number that has them as its last bits.
const GAP_UNIT_BITS: u32 = 24;
const GAP_SHIFT: f64 = (1_u64 << (52 - GAP_UNIT_BITS)) as f64;

/// A Poisson process under the condition that exactly `BLOCK` arrivals fall into the time that they take on average:
/// the sums of exponential gaps, scaled by the sum of one more (Devroye 1986, V.2.1).
#[inline(always)]
fn arrivals(gaps: &Quantiles, key: u64, block: u64, (begin, end): (u64, u64)) -> Moments {
    // Eight halves of each state.
    const STATES: usize = BLOCK / 8;
    let counter = draw::counter(key ^ ARRIVAL_WORDS, block.wrapping_mul(STATES as u64));
    let mut places = [0; BLOCK];
    for (which, places) in places.as_chunks_mut::<{ 2 * STATES }>().0.iter_mut().enumerate() {
        let (low, high) = places.split_at_mut(STATES);
        for (of, (high, low)) in (0_u64..).zip(high.iter_mut().zip(low)) {
            let state = draw::state_of(counter.wrapping_add(of.wrapping_mul(draw::STEP)));
            (*high, *low) = draw::word(state, which);
        }
    }
    let units = |gap: f32| (f64::from(gap) + GAP_SHIFT).to_bits() & FRACTION;
    let mut sums = gaps.values(&places).map(units);
    let mut sum = 0;
    for gap in &mut sums {
        sum += *gap;
        *gap = sum;
    }
    let last = draw::word(draw::state(key ^ LAST_WORDS, block), 0).0;
    let all = sum + units(gaps.at(last));
    let span = end.saturating_sub(begin);
    let scale = span as f64 / all.max(1) as f64;
    if span > FRACTION {
        return sums.map(|sum| begin.saturating_add((sum as f64 * scale) as u64));
    }
    sums.map(|sum| {
        // The same without conversions: sums and spans are below 2^52, the last bits of a number that large.
        let exact = (f64::from_bits(WHOLE.to_bits() | sum) - WHOLE) * scale;
        let nearest = exact + WHOLE;
        let is_above = nearest - WHOLE > exact;
        begin.wrapping_add((nearest.to_bits() & FRACTION) - u64::from(is_above))
    })
}
