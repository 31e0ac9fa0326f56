use rheos_core::Nanos;

use super::*;
use crate::flows::config::Diurnal;

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3600 * SECOND;

fn step(at: u64, rate: f64, ramp: bool) -> Step {
    Step { at: Nanos(at), rate, ramp }
}

fn warp(schedule: &[Step], diurnal: Option<Diurnal>, start: u64) -> Warp {
    let timing = Timing { schedule: schedule.to_vec(), diurnal, ..Timing::default() };
    Warp::new(&timing, start).expect("a rate that changes")
}

fn office(weekend: f64) -> Diurnal {
    Diurnal { peak_hour: 14.0, multiplier: 4.0, weekend, utc_offset_secs: 3600 }
}

#[test]
fn steps_and_ramps_have_their_inverses() {
    // 10 s at 1, 10 s at 3, a ramp of 10 s from 3 to 1, then 0.5.
    let steps =
        [step(10, 3.0, false), step(20, 3.0, false), step(30, 1.0, true), step(30, 0.5, false)];
    let steps: Vec<Step> =
        steps.iter().map(|s| Step { at: Nanos(s.at.0 * SECOND), ..*s }).collect();
    let warp = warp(&steps, None, 5);
    assert_eq!((warp.once.end, warp.once.total), (30 * SECOND, 60 * SECOND));
    for (even, expected) in [(0, 0), (10, 10), (13, 11), (40, 20), (60, 30), (61, 32), (160, 230)] {
        assert_eq!(warp.at(even * SECOND), expected * SECOND, "{even}");
    }
    // Halfway down the ramp 12.5 of its 20 seconds are done.
    assert!(warp.at(52_500_000_000).abs_diff(25 * SECOND) <= 1);
}

#[test]
fn nothing_comes_while_the_rate_is_zero() {
    let outage = warp(&[step(100, 0.0, false), step(200, 1.0, false)], None, 0);
    assert_eq!([99, 100, 101].map(|even| outage.at(even)), [99, 200, 201]);
    let end = warp(&[step(100, 0.0, true)], None, 0);
    assert_eq!((end.at(49), end.at(50), end.at(u64::MAX)), (85, u64::MAX, u64::MAX));
}

#[test]
fn a_cycle_takes_as_long_as_without() {
    for weekend in [1.0, 0.3] {
        let start = 1_704_067_200_000_000_000;
        let warp = warp(&[], Some(office(weekend)), start);
        let period = if weekend < 1.0 { 7 * 24 * HOUR } else { 24 * HOUR };
        for cycles in 0..5 {
            let off = warp.at(cycles * period).abs_diff(cycles * period);
            assert!(off <= 1, "{weekend} {cycles}: {off}");
        }
    }
}

/// The traffic of each hour, by walking along its moments, against the integral of the rate.
#[test]
fn the_inverse_is_that_of_the_integral() {
    let steps =
        [step(6 * HOUR, 1.0, false), step(9 * HOUR, 5.0, true), step(10 * HOUR, 2.0, false)];
    let start = 1_704_067_200_000_000_000;
    let warp = warp(&steps, Some(office(0.5)), start);
    let cycle = diurnal::cycle(office(0.5));
    let schedule = |at: u64| match at {
        at if at < 6 * HOUR => 1.0,
        at if at < 9 * HOUR => 1.0 + 4.0 * (at - 6 * HOUR) as f64 / (3 * HOUR) as f64,
        at if at < 10 * HOUR => 5.0,
        _ => 2.0,
    };
    let mut even = 0_u64;
    for hour in 0..200 {
        let mut volume = 0.0;
        for second in 0..3600 {
            let at = hour * HOUR + second * SECOND + SECOND / 2;
            volume += schedule(at) * cycle.line(start + at).rate(start + at);
        }
        even += (volume * 1e9) as u64;
        let expected = (hour + 1) * HOUR;
        let got = warp.at(even);
        assert!(got.abs_diff(expected) < SECOND / 2, "{hour}: {got} {expected}");
    }
}

/// A ramp that goes beyond the end of time is not cut into pieces of a nanosecond.
#[test]
fn schedules_may_go_beyond_the_end_of_time() {
    let steps = [step(5 * HOUR, 3.0, true), step(300 * 24 * HOUR, 1.0, true)];
    for left in [0, 1, 6 * HOUR, 100 * 24 * HOUR] {
        let warp = warp(&steps, Some(office(0.5)), u64::MAX - left);
        assert!(warp.once.pieces.len() < 1 << 20);
        let _ = warp.at(u64::MAX);
    }
}

#[test]
fn time_never_runs_back() {
    let wild = [
        step(3, 7.0, true),
        step(50, 0.1, true),
        step(51, 900.0, false),
        step(99, 0.0, true),
        step(200, 0.0, false),
        step(230, 3.0, true),
    ];
    for scale in [1, 977, SECOND, 100_000 * SECOND] {
        let steps: Vec<Step> =
            wild.iter().map(|s| Step { at: Nanos(s.at.0 * scale), ..*s }).collect();
        for diurnal in [None, Some(office(1.0)), Some(office(0.1))] {
            let warp = warp(&steps, diurnal, 77 * HOUR);
            let mut before = 0;
            // Neighbours, at places all over.
            for place in 0..2000_u64 {
                let around = place * (50 * scale).max(1);
                for even in around..around + 40 {
                    let at = warp.at(even);
                    assert!(at >= before, "{scale} {even}: {at} < {before}");
                    before = at;
                }
            }
            for even in (0..64).map(|bits| u64::MAX >> (63 - bits)) {
                let _ = warp.at(even);
            }
        }
    }
}
