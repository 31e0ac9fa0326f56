//! When the records of the background are.

use super::{BLOCK, Moments};
use crate::flows::draw;
use crate::flows::plan::FlowPlan;
use crate::flows::real::{Arrivals, Quantiles};

/// Words of arrivals have a key that differs in this bit.
const ARRIVAL_WORDS: u64 = 1 << 61;

/// How the even clock's time becomes the records'.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flows) struct Timeline {
    /// Gaps of mean 1, where arrivals are random.
    gaps: Option<Quantiles>,
}

impl Timeline {
    pub(super) fn new(arrivals: Arrivals) -> Self {
        let exponential = Quantiles::exponential;
        Self { gaps: (arrivals == Arrivals::Poisson).then(exponential) }
    }

    /// When block `block` begins, at most the last moment that 64 bits can tell.
    pub(in crate::flows) fn begin(plan: &FlowPlan, block: u64) -> u64 {
        plan.clock.at(block.saturating_mul(BLOCK as u64)).nanos
    }

    /// The moments of a block's records.
    pub(in crate::flows) fn moments(&self, plan: &FlowPlan, block: u64) -> Moments {
        let window = (Self::begin(plan, block), Self::begin(plan, block.saturating_add(1)));
        match &self.gaps {
            Some(gaps) => arrivals(gaps, plan.key, block, window),
            None => even(plan, block, window.1),
        }
    }
}

/// At equal distances; `end` is where the next block begins.
fn even(plan: &FlowPlan, block: u64, end: u64) -> Moments {
    let first = block.saturating_mul(BLOCK as u64);
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
fn arrivals(gaps: &Quantiles, key: u64, block: u64, (begin, end): (u64, u64)) -> Moments {
    let first = block.saturating_mul(BLOCK as u64);
    let counter = draw::counter(key ^ ARRIVAL_WORDS, first);
    let place = |of: u64, which: usize| {
        let state = draw::state_of(counter.wrapping_add(of.wrapping_mul(draw::STEP)));
        let (high, low) = draw::word(state, which);
        u64::from(high) << 32 | u64::from(low)
    };
    let mut sums = [0.0; BLOCK];
    for (of, gap) in (0..).zip(&mut sums) {
        *gap = gaps.at(place(of, 0));
    }
    let mut sum = 0.0;
    for gap in &mut sums {
        sum += *gap;
        *gap = sum;
    }
    // The last gap is of a word that no record has: the second of the first.
    let scale =
        end.saturating_sub(begin) as f64 / (sum + gaps.at(place(0, 1))).max(f64::MIN_POSITIVE);
    sums.map(|arrival| begin.saturating_add((arrival * scale) as u64))
}
