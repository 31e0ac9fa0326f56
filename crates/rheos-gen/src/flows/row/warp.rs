//! A rate that changes with time: from traffic at an even rate to the moments at which it comes.
//!
//! The rate is a curve of straight pieces. The traffic up to a moment is its integral, in pieces of parabolas, whose
//! inverse has a closed form. Only operations that IEEE 754 rounds correctly are used, each of them in an order in
//! which rounding cannot make time run back: so moments are the same everywhere, and never fall.

use super::diurnal::{self, Cycle};
use crate::flows::config::{Step, Timing};

/// A straight piece of the rate, in multiples of the mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    /// When it begins, in nanoseconds.
    pub(super) at: u64,
    /// The traffic before it, in nanoseconds at the mean rate.
    pub(super) done: u64,
    pub(super) from: f64,
    pub(super) to: f64,
}

/// Pieces in a row. What follows the last one's end is not told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Curve {
    pieces: Vec<Piece>,
    /// The end: nanoseconds of time, and of traffic.
    pub(super) end: u64,
    pub(super) total: u64,
}

impl Curve {
    /// From rates at the ends of pieces: (nanoseconds, rate there, rate at the next). The traffic of all is `total`,
    /// or else what the rates come to.
    pub(super) fn new(pieces: &[(u64, f64, f64)], end: u64, total: Option<u64>) -> Self {
        let ends = pieces.iter().skip(1).map(|p| p.0).chain([end]);
        let volumes = pieces
            .iter()
            .zip(ends)
            .map(|(&(at, from, to), end)| end.saturating_sub(at) as f64 * f64::midpoint(from, to));
        let sums: Vec<f64> = volumes
            .scan(0.0, |sum, volume| {
                *sum += volume;
                Some(*sum)
            })
            .collect();
        let all = sums.last().copied().unwrap_or(0.0);
        let scale = total.map_or(1.0, |total| if all > 0.0 { total as f64 / all } else { 0.0 });
        let total = total.unwrap_or((all * scale).round() as u64);
        let before = [0.0].into_iter().chain(sums);
        let pieces = pieces.iter().zip(before).map(|(&(at, from, to), sum)| Piece {
            at,
            done: ((sum * scale).round() as u64).min(total),
            from,
            to,
        });
        Self { pieces: pieces.collect(), end, total }
    }

    /// When the traffic `done` comes; the end for the total and more.
    pub(super) fn at(&self, done: u64) -> u64 {
        if done >= self.total {
            return self.end;
        }
        let next = self.pieces.partition_point(|piece| piece.done <= done);
        let Some(piece) = self.pieces.get(next.wrapping_sub(1)) else { return 0 };
        let (end, after) =
            self.pieces.get(next).map_or((self.end, self.total), |next| (next.at, next.done));
        piece.at + within(piece, done - piece.done, after - piece.done, end - piece.at)
    }
}

/// How far into a piece of `length` nanoseconds the part `of` of its traffic `all` comes; `of` is less than `all`.
fn within(piece: &Piece, of: u64, all: u64, length: u64) -> u64 {
    if of == 0 {
        return 0;
    }
    let Piece { from, to, .. } = *piece;
    // The share of the piece's time, from the end with the higher rate on: the numerator of the fraction does not
    // fall and its denominator does not rise, however they are rounded.
    let share = |high: f64, low: f64, part: u64| {
        let volume = f64::midpoint(high, low) * (part as f64 / all as f64);
        let speed = (high * high - 2.0 * (high - low) * volume).max(0.0).sqrt();
        (2.0 * volume / (high + speed)).clamp(0.0, 1.0)
    };
    let time = |share: f64| ((share * length as f64) as u64).min(length);
    if from >= to { time(share(from, to, of)) } else { length - time(share(to, from, all - of)) }
}

/// A rate for all of time: a curve that is run through once, then one that repeats.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Warp {
    once: Curve,
    /// The rate after that in units of 2^-32, on top of the cycle's.
    after: u64,
    cycle: Option<Repeat>,
}

/// A cycle, and where in it `once` ends.
#[derive(Clone, Debug, PartialEq)]
struct Repeat {
    curve: Curve,
    phase: u64,
    /// The traffic of the cycle before the phase.
    phase_done: u64,
}

impl Warp {
    /// `None` where the rate does not change. `start` is in nanoseconds since the Unix epoch.
    pub(super) fn new(timing: &Timing, start: u64) -> Option<Self> {
        if timing.diurnal.is_none() && timing.schedule.is_empty() {
            return None;
        }
        let cycle = timing.diurnal.map(diurnal::cycle);
        let once = scheduled(&timing.schedule, cycle.as_ref(), start);
        let after = timing.schedule.last().map_or(1.0, |step| step.rate);
        let cycle = cycle.map(|cycle| Repeat::new(&cycle, start.saturating_add(once.end)));
        Some(Self { once, after: (after * 4_294_967_296.0).round() as u64, cycle })
    }

    /// When traffic comes that would come `even` nanoseconds after the start; nanoseconds after the start.
    pub(super) fn at(&self, even: u64) -> u64 {
        let Some(rest) = even.checked_sub(self.once.total) else { return self.once.at(even) };
        if self.after == 0 {
            return u64::MAX;
        }
        let rest = (u128::from(rest) << 32) / u128::from(self.after);
        let rest = u64::try_from(rest).unwrap_or(u64::MAX);
        let rest = self.cycle.as_ref().map_or(rest, |cycle| cycle.at(rest));
        self.once.end.saturating_add(rest)
    }
}

impl Repeat {
    fn new(cycle: &Cycle, begin: u64) -> Self {
        let Cycle { curve, offset, .. } = cycle;
        let phase = diurnal::phase(begin, *offset, curve.end);
        // The least traffic that does not come before the phase, by halving: so both ways agree to the nanosecond.
        let (mut low, mut high) = (0, curve.total);
        while low < high {
            let middle = low + (high - low) / 2;
            if curve.at(middle) < phase { low = middle + 1 } else { high = middle }
        }
        Self { curve: curve.clone(), phase, phase_done: low }
    }

    /// Like [`Warp::at`], from the phase on. Over a cycle, time and traffic are equal.
    fn at(&self, even: u64) -> u64 {
        let Some(done) = even.checked_add(self.phase_done) else { return u64::MAX };
        let (number, done) = (done / self.curve.total, done % self.curve.total);
        let time = number.saturating_mul(self.curve.end).saturating_add(self.curve.at(done));
        time.saturating_sub(self.phase)
    }
}

/// Parts of a ramp under a cycle: the product of two straight lines is none, but in parts this short it nearly is.
const RAMP_PARTS: u64 = 16;

/// The schedule as a curve, multiplied with what the cycle has at these moments.
fn scheduled(steps: &[Step], cycle: Option<&Cycle>, start: u64) -> Curve {
    let Some(last) = steps.last() else { return Curve::default() };
    let mut pieces = Vec::new();
    let (mut at, mut rate) = (0, 1.0);
    for step in steps {
        let to = if step.ramp { step.rate } else { rate };
        if step.at.0 > at {
            ramp(&mut pieces, (at, rate), (step.at.0, to), cycle, start);
        }
        (at, rate) = (step.at.0, step.rate);
    }
    Curve::new(&pieces, last.at.0, None)
}

/// A straight line from one moment and rate to others.
fn ramp(
    pieces: &mut Vec<(u64, f64, f64)>,
    (begin, from): (u64, f64),
    (end, to): (u64, f64),
    cycle: Option<&Cycle>,
    start: u64,
) {
    let Some(cycle) = cycle else {
        pieces.push((begin, from, to));
        return;
    };
    let length = (end - begin) as f64;
    let is_level = from.to_bits() == to.to_bits();
    let line = |at: u64| from + (to - from) * ((at - begin) as f64 / length);
    let mut at = begin;
    while at < end {
        let own = cycle.line(start.saturating_add(at));
        if own.end == u64::MAX {
            // The end of time comes first.
            pieces.push((at, line(at), line(end)));
            return;
        }
        let next = (own.end - start).clamp(at + 1, end);
        let parts = if is_level { 1 } else { RAMP_PARTS };
        let part = (next - at).div_ceil(parts);
        while at < next {
            let part_end = (at + part).min(next);
            let rate = |at: u64| line(at) * own.rate(start.saturating_add(at));
            pieces.push((at, rate(at), rate(part_end)));
            at = part_end;
        }
    }
}

#[cfg(test)]
mod tests;
