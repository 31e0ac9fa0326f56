//! The rate over time: the hours of a day, schedules, bursts, and that the mean stays what was configured.

use rheos_core::units::BitRate;
use rheos_core::{Nanos, Timestamp, WideRecord};
use rheos_gen::flows::{
    Arrivals, Diurnal, FlowConfig, FlowGenerator, FlowRate, Rate, Realism, Step, Timing,
};

const HOUR: u64 = 3_600_000_000_000;
const DAY: u64 = 24 * HOUR;
/// A Monday.
const START: Timestamp = Timestamp::from_secs(1_704_067_200);

fn per_second(flows: u64) -> Rate {
    Rate::Flows(FlowRate { micros: flows * 1_000_000 })
}

fn config(arrivals: Arrivals, timing: Timing, flows: u64) -> FlowConfig {
    FlowConfig {
        seed: 11,
        start: START,
        rate: per_second(flows),
        realism: Realism { arrivals, ..Realism::default() },
        timing,
        ..FlowConfig::default()
    }
}

/// Moments of all records before the limits, after the start.
fn moments(config: &FlowConfig) -> Vec<u64> {
    let mut made = FlowGenerator::new(config.plan().expect("a plan"));
    let mut out = vec![WideRecord::default(); 4096];
    let mut all = Vec::new();
    loop {
        let count = made.fill_wide(&mut out);
        if count == 0 {
            break;
        }
        all.extend(out[..count].iter().map(|r| r.first - START.as_nanos()));
    }
    assert_eq!(all.len() as u64, config.plan().expect("a plan").bound());
    assert!(all.is_sorted());
    all
}

fn counts(moments: &[u64], bin: u64, bins: usize) -> Vec<u64> {
    let mut counts = vec![0; bins];
    for moment in moments {
        counts[(moment / bin) as usize] += 1;
    }
    counts
}

const OFFICE: Diurnal =
    Diurnal { peak_hour: 14.0, multiplier: 5.0, weekend: 0.4, utc_offset_secs: 7200 };

/// The mean of the documented curve over an hour that begins at `hour` UTC, not yet scaled to a mean of 1.
fn curve(diurnal: &Diurnal, hour: u64) -> f64 {
    let steps = 64;
    let at = |step: u64| {
        let utc = hour as f64 + (step as f64 + 0.5) / f64::from(64);
        let local = utc + f64::from(diurnal.utc_offset_secs) / 3600.0;
        let away = (local.rem_euclid(24.0) - diurnal.peak_hour).abs();
        let d = 1.0 - away.min(24.0 - away) / 12.0;
        let is_weekend = (local / 24.0) as u64 % 7 >= 5;
        let factor = if is_weekend { diurnal.weekend } else { 1.0 };
        factor * (1.0 + (diurnal.multiplier - 1.0) * d * d * (3.0 - 2.0 * d))
    };
    (0..steps).map(at).sum::<f64>() / steps as f64
}

#[test]
fn the_hours_of_a_week_have_the_curves_rates() {
    let timing = Timing { diurnal: Some(OFFICE), ..Timing::default() };
    for arrivals in [Arrivals::Even, Arrivals::Poisson] {
        let mut config = config(arrivals, timing.clone(), 2);
        config.duration = Some(Nanos(7 * DAY));
        let moments = moments(&config);
        let counts = counts(&moments, HOUR, 168);
        let shape: Vec<f64> = (0..168).map(|hour| curve(&OFFICE, hour)).collect();
        let total: f64 = shape.iter().sum();
        let mut chi_square = 0.0;
        for (hour, (&got, share)) in counts.iter().zip(&shape).enumerate() {
            let expected = 1_209_600.0 * share / total;
            let off = got as f64 - expected;
            assert!(
                off.abs() < 0.01 * expected + 5.0 * expected.sqrt(),
                "{hour}: {got} {expected}"
            );
            chi_square += off * off / expected;
        }
        // 167 degrees of freedom: mean 167, deviation 18. Blocks make it less than that of a Poisson process, the
        // straight pieces of the curve a little more.
        assert!(chi_square < 167.0 + 4.0 * 18.3, "{chi_square}");
        // Two each second, over the whole week exactly.
        assert!(moments.len().abs_diff(1_209_600) <= 1, "{}", moments.len());
    }
}

#[test]
fn the_promised_bandwidth_holds_over_whole_days() {
    let diurnal = Some(Diurnal { weekend: 1.0, ..OFFICE });
    for arrivals in [Arrivals::Poisson, Arrivals::Bursty] {
        let mut config = config(arrivals, Timing { diurnal, ..Timing::default() }, 1);
        config.rate = Rate::Bandwidth(BitRate(100_000));
        config.duration = Some(Nanos(3 * DAY));
        let plan = config.plan().expect("a plan");
        let mut made = FlowGenerator::new(plan);
        let mut out = vec![WideRecord::default(); 4096];
        let mut bytes = 0;
        loop {
            let count = made.fill_wide(&mut out);
            if count == 0 {
                break;
            }
            bytes += out[..count].iter().map(|r| r.bytes).sum::<u64>();
        }
        let promised = 3.0 * 86_400.0 * 100_000.0 / 8.0;
        let off = bytes as f64 / promised - 1.0;
        // The last epoch of bursts is cut somewhere.
        let tolerance = if arrivals == Arrivals::Bursty { 0.05 } else { 0.001 };
        assert!(off.abs() < tolerance, "{arrivals:?}: {off}");
    }
}

#[test]
fn schedules_have_their_steps_ramps_and_spikes() {
    let step = |secs, rate, ramp| Step { at: Nanos::from_secs(secs), rate, ramp };
    let schedule = vec![
        step(60, 1.0, false),
        step(120, 3.0, true),
        // A spike of five seconds, a break of ten, then half.
        step(185, 20.0, false),
        step(190, 3.0, false),
        step(200, 0.0, false),
        step(210, 0.5, false),
    ];
    let mut config = config(Arrivals::Poisson, Timing { schedule, ..Timing::default() }, 10_000);
    config.duration = Some(Nanos::from_secs(300));
    let moments = moments(&config);
    let counts = counts(&moments, 1_000_000_000, 300);
    for (second, &got) in counts.iter().enumerate() {
        let rate = match second {
            0..60 => 1.0,
            60..120 => 1.0 + 2.0 * (second as f64 - 59.5) / 60.0,
            185..190 => 20.0,
            120..200 => 3.0,
            200..210 => 0.0,
            _ => 0.5,
        };
        let expected = 10_000.0 * rate;
        let off = got as f64 - expected;
        // A block's number is fixed, so the deviation is below the root.
        assert!(off.abs() <= 5.0 * expected.sqrt() + 1.0, "{second}: {got} {expected}");
    }
}

/// Where the rate changes within a block, arrivals follow it there, too: at 1 record per second a block takes four
/// minutes.
#[test]
fn slow_traffic_follows_the_schedule_within_its_blocks() {
    let step = |secs, rate| Step { at: Nanos::from_secs(secs), rate, ramp: false };
    let schedule = vec![step(20, 0.0), step(40, 2.0), step(50, 1.0)];
    let mut config = config(Arrivals::Poisson, Timing { schedule, ..Timing::default() }, 1);
    config.duration = Some(Nanos::from_secs(100));
    let moments = moments(&config);
    let between = |from: u64, to: u64| {
        let second = 1_000_000_000;
        moments.iter().filter(|&&m| (from * second..to * second).contains(&m)).count()
    };
    assert_eq!(between(20, 40), 0);
    assert!((8..34).contains(&between(0, 20)) && (8..34).contains(&between(40, 50)));
}

/// The correlation dimension of the cascade's measure: `b^-D + (1-b)^-D = 4`, by halving.
fn dimension(bias: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        let sum = bias.powf(-middle) + (1.0 - bias).powf(-middle);
        if sum < 4.0 { low = middle } else { high = middle }
    }
    low
}

/// The variance of counts against the length of the bins they are taken over: its logarithms lie on a line, whose
/// slope is twice the Hurst exponent.
fn hurst(moments: &[u64], shortest: u64, octaves: u32) -> (f64, Vec<f64>) {
    let mut points = Vec::new();
    let mut dispersions = Vec::new();
    let span = moments.last().copied().unwrap_or(0);
    for octave in 0..octaves {
        let bin = shortest << octave;
        let bins = (span / bin) as usize;
        let counts =
            counts(&moments[..moments.partition_point(|&m| m < bin * bins as u64)], bin, bins);
        let mean = counts.iter().sum::<u64>() as f64 / bins as f64;
        let square = counts.iter().map(|&c| (c * c) as f64).sum::<f64>() / bins as f64;
        points.push((f64::from(octave), square.log2()));
        dispersions.push((square - mean * mean) / mean);
    }
    let n = points.len() as f64;
    let (sx, sy) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0, y + p.1));
    let covariance: f64 = points.iter().map(|p| (p.0 - sx / n) * (p.1 - sy / n)).sum();
    let variance: f64 = points.iter().map(|p| (p.0 - sx / n) * (p.0 - sx / n)).sum();
    (covariance / variance / 2.0, dispersions)
}

#[test]
fn bursts_are_self_similar_as_the_bias_says() {
    for bias in [0.6, 0.7, 0.8] {
        let timing = Timing { burst_bias: bias, ..Timing::default() };
        let mut config = config(Arrivals::Bursty, timing, 1_000_000);
        // Six epochs.
        config.max_flows = Some(6 << 18);
        let moments = moments(&config);
        // From blocks of 256 us on.
        let (exponent, dispersions) = hurst(&moments, 256_000, 9);
        let expected = f64::midpoint(1.0, dimension(bias));
        assert!((exponent - expected).abs() < 0.03, "{bias}: {exponent} {expected}");
        // A Poisson process has 1 at every scale.
        assert!(dispersions[0] > 2.0 && dispersions.is_sorted(), "{bias}: {dispersions:?}");
    }
}

/// Within a block arrivals are even at random between its first and its last one: Kolmogorov and Smirnov.
#[test]
fn arrivals_within_blocks_are_a_poisson_process() {
    for arrivals in [Arrivals::Poisson, Arrivals::Bursty] {
        let mut config = config(arrivals, Timing::default(), 10_000);
        config.max_flows = Some(4000 << 8);
        let mut places = Vec::new();
        for block in moments(&config).chunks_exact(256) {
            let (first, span) = (block[0], block[255] - block[0]);
            places.extend(block[1..255].iter().map(|m| (m - first) as f64 / span as f64));
        }
        places.sort_unstable_by(f64::total_cmp);
        let count = places.len() as f64;
        let off = |(i, place): (usize, &f64)| (place - (i as f64 + 0.5) / count).abs();
        let farthest = places.iter().enumerate().map(off).fold(0.0, f64::max);
        // Beyond 1.95 once in a thousand tries.
        assert!(farthest * count.sqrt() < 1.95, "{arrivals:?}: {}", farthest * count.sqrt());
    }
}

#[test]
fn every_epoch_of_bursts_keeps_the_mean_rate() {
    let mut config = config(Arrivals::Bursty, Timing::default(), 1_000_000);
    config.max_flows = Some(5 << 18);
    let moments = moments(&config);
    for epoch in 0..5 {
        let first = moments[epoch << 18];
        let last = moments[((epoch + 1) << 18) - 1];
        let begin = (epoch as u64 * 1000) << 18;
        assert!(first >= begin && last < begin + (1000 << 18), "{epoch}: {first} {last}");
    }
}
