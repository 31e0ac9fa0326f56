//! When the records of the background are.
//!
//! The even clock tells when traffic would come at the mean rate; bursts and a changing rate move that.

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
    pub(in crate::flows) fn moments(&self, plan: &FlowPlan, block: u64) -> Moments {
        let first = block.saturating_mul(BLOCK as u64);
        let end = self.burst(plan, first.saturating_add(BLOCK as u64));
        let mut moments = match &self.gaps {
            Some(gaps) => arrivals(gaps, plan.key, first, (self.burst(plan, first), end)),
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
        let within = self.moments(plan, block).partition_point(|&moment| moment < end) as u64;
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

/// A Poisson process under the condition that exactly `BLOCK` arrivals fall into the time that they take on average:
/// the sums of exponential gaps, scaled by the sum of one more (Devroye 1986, V.2.1).
fn arrivals(gaps: &Quantiles, key: u64, first: u64, (begin, end): (u64, u64)) -> Moments {
    let counter = draw::counter(key ^ ARRIVAL_WORDS, first);
    let place = |of: u64, which: usize| {
        let state = draw::state_of(counter.wrapping_add(of.wrapping_mul(draw::STEP)));
        draw::word(state, which).0
    };
    let mut sums = [0.0; BLOCK];
    for (of, gap) in (0..).zip(&mut sums) {
        *gap = f64::from(gaps.at(place(of, 0)));
    }
    let mut sum = 0.0;
    for gap in &mut sums {
        sum += *gap;
        *gap = sum;
    }
    // The last gap is of a word that no record has: the second of the first.
    let scale = end.saturating_sub(begin) as f64
        / (sum + f64::from(gaps.at(place(0, 1)))).max(f64::MIN_POSITIVE);
    sums.map(|arrival| begin.saturating_add((arrival * scale) as u64))
}
