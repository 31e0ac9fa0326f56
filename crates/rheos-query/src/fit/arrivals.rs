//! When flows begin: how bursty, and how busy by the hour.

/// Hours of a day.
pub const DAY_HOURS: usize = 24;

const HOUR_NS: u64 = 3_600_000_000_000;

/// Steps that are looked at for bursts: fewer tell nothing, and more tell no more.
const STEPS_MIN: usize = 64;
const STEPS_MAX: usize = 1 << 16;

/// Flows in a step on average: few, to tell chance from even arrivals; and so many as the generator makes in one of
/// its blocks, to tell bursts, since it has none within a block.
const FEW: usize = 4;
const MANY: usize = 256;

/// The share of flows at either end of time that tells nothing of the rate: a few that began long before or after.
const ENDS: f64 = 0.005;

/// How flows are spread over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrivals {
    /// Conversations a second, where all but the first and last 0.5 % begin.
    pub per_second: f64,
    /// Variance of the counts of short steps by their mean: 1 of a Poisson process, 0 of even arrivals; `None` if
    /// there are too few flows to tell.
    pub dispersion: Option<f64>,
    /// The bias of the b-model (Wang and others, "Data Mining Meets Performance Evaluation: Fast Algorithms for
    /// Modeling Bursty Traffic", ICDE 2002) by the slope of the entropy over scales: 0.5 has no bursts beyond
    /// chance, 0.7 to 0.8 is usual.
    pub bias: Option<f64>,
    /// Flows by the hour of the day (UTC) relative to the mean; `None` for less than a day.
    pub day: Option<[f64; DAY_HOURS]>,
}

impl Arrivals {
    /// From the moments in nanoseconds when conversations begin, in any order, of which this share was kept.
    pub(super) fn learn(mut starts: Vec<u64>, kept: f64) -> Self {
        starts.sort_unstable();
        let few = (starts.len() as f64 * ENDS) as usize;
        let busy = starts.get(few..starts.len() - few).unwrap_or_default();
        let (first, span) = match busy {
            [first, .., last] => (*first, (last - first).max(1)),
            _ => (0, 1_000_000_000),
        };
        // The last one has a gap behind it, too.
        let gaps = busy.len().saturating_sub(1).max(1) as f64;
        let short = counts(busy, first, span, FEW);
        let long = counts(busy, first, span, MANY);
        Self {
            per_second: gaps / (span as f64 / 1e9) / kept,
            // Leaving flows out makes chance of what is more than chance.
            dispersion: short.as_deref().map(|counts| 1.0 + (dispersion(counts) - 1.0) / kept),
            bias: long.as_deref().and_then(bias),
            day: day(&starts),
        }
    }
}

/// Flows by steps of one width, so many in one on average.
fn counts(starts: &[u64], first: u64, span: u64, flows: usize) -> Option<Vec<u64>> {
    let steps = (starts.len() / flows).min(STEPS_MAX);
    if steps < STEPS_MIN {
        return None;
    }
    let mut counts = vec![0; steps];
    for start in starts {
        let step = u128::from(start - first) * steps as u128 / u128::from(span);
        if let Some(count) = counts.get_mut((step as usize).min(steps - 1)) {
            *count += 1;
        }
    }
    Some(counts)
}

fn dispersion(counts: &[u64]) -> f64 {
    let n = counts.len() as f64;
    let mean = counts.iter().sum::<u64>() as f64 / n;
    let variance = counts.iter().map(|&count| (count as f64 - mean).powi(2)).sum::<f64>() / n;
    if mean > 0.0 { variance / mean } else { 0.0 }
}

/// The slope of the entropy in bits over the logarithm of the number of steps is that of one split, H(b).
fn bias(counts: &[u64]) -> Option<f64> {
    let levels = counts.len().ilog2();
    let steps = 1_usize << levels;
    let mut level: Vec<f64> = counts.get(..steps)?.iter().map(|&count| count as f64).collect();
    let total: f64 = level.iter().sum();
    if levels < 6 || total <= 0.0 {
        return None;
    }
    let mut points = Vec::new();
    for scale in (0..=levels).rev() {
        // What chance alone takes from the entropy of few flows in many steps (Miller and Madow 1955), in bits.
        let chance = (level.len() as f64 - 1.0) / (2.0 * total) * std::f64::consts::LOG2_E;
        let shares = level.iter().map(|count| count / total).filter(|share| *share > 0.0);
        points.push((f64::from(scale), shares.map(|p| -p * p.log2()).sum::<f64>() + chance));
        level = level.chunks(2).map(|pair| pair.iter().sum()).collect();
    }
    let n = points.len() as f64;
    let mean = |pick: fn(&(f64, f64)) -> f64| points.iter().map(pick).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let covariance: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    let variance: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let slope = (covariance / variance).clamp(0.0, 1.0);
    // H(b) falls from 1 at 0.5 to 0 at 1.
    let entropy = |b: f64| -b * b.log2() - (1.0 - b) * (1.0 - b).log2();
    let (mut low, mut high) = (0.5, 0.999);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if entropy(middle) > slope { low = middle } else { high = middle }
    }
    Some(low)
}

/// Flows by the hour relative to the mean, over whole days.
fn day(rising: &[u64]) -> Option<[f64; DAY_HOURS]> {
    const DAY_NS: u64 = HOUR_NS * DAY_HOURS as u64;
    let (first, last) = (*rising.first()?, *rising.last()?);
    let whole = (last - first) / DAY_NS * DAY_NS;
    let mut hours = [0.0; DAY_HOURS];
    for start in rising.iter().filter(|start| **start - first < whole) {
        if let Some(hour) = hours.get_mut((start / HOUR_NS % DAY_HOURS as u64) as usize) {
            *hour += 1.0;
        }
    }
    let mean = hours.iter().sum::<f64>() / DAY_HOURS as f64;
    (mean > 0.0).then(|| hours.map(|count| count / mean))
}

#[cfg(test)]
mod tests {
    use rheos_core::seed::mix;

    use super::*;

    /// The starts of a cascade of this bias in `1 << levels` steps.
    fn cascade(levels: u32, bias: f64, total: f64) -> Vec<u64> {
        let mut shares = vec![1.0];
        for level in 0..levels {
            let split = |(i, share): (usize, f64)| {
                let is_left = mix(i as u64 ^ u64::from(level) << 40) & 1 == 0;
                let left = if is_left { bias } else { 1.0 - bias };
                [share * left, share * (1.0 - left)]
            };
            shares = shares.into_iter().enumerate().flat_map(split).collect();
        }
        let steps = (0..).zip(shares).map(|(step, share)| (step, (share * total).round() as u64));
        let within = |(step, count): (u64, u64)| {
            (0..count).map(move |i| (step << 20) + mix(step << 32 ^ i) % (1 << 20))
        };
        steps.flat_map(within).collect()
    }

    #[test]
    fn the_bias_of_a_cascade_is_found() {
        for bias in [0.55, 0.7, 0.8] {
            let learned = Arrivals::learn(cascade(10, bias, 265_000.0), 1.0);
            let found = learned.bias.expect("a bias");
            assert!((found - bias).abs() < 0.04, "{bias}: {found}");
            assert!(learned.dispersion.is_some_and(|d| d > 1.2), "{bias}: {learned:?}");
        }
    }

    #[test]
    fn even_and_random_arrivals_have_no_bursts() {
        let even = Arrivals::learn((0..100_000).map(|i| i * 1_000_000).collect(), 1.0);
        assert!(even.dispersion.is_some_and(|d| d < 0.2), "{even:?}");
        assert!((even.per_second / 1000.0 - 1.0).abs() < 0.001, "{even:?}");
        assert!(even.bias.is_some_and(|bias| bias < 0.52) && even.day.is_none(), "{even:?}");
        let random = Arrivals::learn((0..100_000).map(|i| mix(i) >> 20).collect(), 1.0);
        assert!(random.dispersion.is_some_and(|d| (d - 1.0).abs() < 0.05), "{random:?}");
        let half = Arrivals::learn((0..100_000).map(|i| mix(i) >> 20).collect(), 0.5);
        assert!((half.per_second / random.per_second - 2.0).abs() < 1e-9);
        assert_eq!(Arrivals::learn(vec![5], 1.0).dispersion, None);
    }

    #[test]
    fn a_few_flows_hours_later_do_not_change_the_rate() {
        let mut starts: Vec<u64> = (0..10_000).map(|i| i * 1_000_000).collect();
        starts.extend((0..20).map(|late| 50_000_000_000_000 + late * 1_000_000_000_000));
        let late = Arrivals::learn(starts, 1.0);
        assert!((late.per_second / 1000.0 - 1.0).abs() < 0.01, "{late:?}");
        assert!(late.dispersion.is_some_and(|d| d < 0.2), "{late:?}");
    }

    #[test]
    fn the_day_is_told_by_hours() {
        let hour = |h: u64| {
            let flows = if h % 24 == 14 { 300 } else { 100 };
            (0..flows).map(move |i| h * HOUR_NS + i * HOUR_NS / flows)
        };
        let learned = Arrivals::learn((0..49).flat_map(hour).collect(), 1.0);
        let day = learned.day.expect("a day");
        assert!((day[14] / day[3] - 3.0).abs() < 1e-9, "{day:?}");
        assert!((day.iter().sum::<f64>() - 24.0).abs() < 1e-9);
    }
}
