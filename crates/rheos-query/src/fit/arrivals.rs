//! When flows begin: how bursty, and how busy by the hour.

/// Hours of a day.
pub const DAY_HOURS: usize = 24;

const HOUR_NS: u64 = 3_600_000_000_000;

/// Steps that are looked at for bursts: fewer tell nothing.
const STEPS_MIN: usize = 64;

/// Flows in a step on average from which on bursts can be told from chance.
const FLOWS_MIN: f64 = 4.0;

/// The share of flows at either end of time that tells nothing of the rate: a few that began long before or after.
const ENDS: f64 = 0.005;

/// How flows are spread over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrivals {
    /// Flows a second, where all but the first and last 0.5 % begin.
    pub per_second: f64,
    /// Variance of the counts of short steps by their mean: 1 of a Poisson process, 0 of even arrivals; `None` if
    /// there are too few flows or steps to tell.
    pub dispersion: Option<f64>,
    /// The bias of the b-model (Wang and others, "Data Mining Meets Performance Evaluation: Fast Algorithms for
    /// Modeling Bursty Traffic", ICDE 2002) by the slope of the entropy over scales: 0.5 has no bursts beyond
    /// chance, 0.7 to 0.8 is usual.
    pub bias: Option<f64>,
    /// Flows by the hour of the day (UTC) relative to the mean; `None` for less than a day.
    pub day: Option<[f64; DAY_HOURS]>,
}

impl Arrivals {
    /// From the width of steps in nanoseconds and the counts of those that have any, in order.
    pub(super) fn learn((width, bins): (u64, Vec<(u64, u64)>)) -> Self {
        let busy = busy(&bins);
        let counts = dense(busy);
        let seconds = match (busy.first(), busy.last()) {
            (Some(first), Some(last)) => ((last.0 - first.0 + 1) * width) as f64 / 1e9,
            _ => 1.0,
        };
        Self {
            per_second: busy.iter().map(|(_, count)| count).sum::<u64>() as f64 / seconds,
            dispersion: counts.as_deref().and_then(dispersion),
            bias: counts.as_deref().and_then(bias),
            day: day(width, &bins),
        }
    }
}

/// The steps without those of the first and last flows.
fn busy(bins: &[(u64, u64)]) -> &[(u64, u64)] {
    let total: u64 = bins.iter().map(|(_, count)| count).sum();
    let few = (total as f64 * ENDS) as u64;
    let cut = |counts: &mut dyn Iterator<Item = u64>| {
        let mut sum = 0;
        counts
            .take_while(|count| {
                sum += count;
                sum <= few
            })
            .count()
    };
    let from = cut(&mut bins.iter().map(|bin| bin.1));
    let upto = bins.len() - cut(&mut bins.iter().rev().map(|bin| bin.1));
    bins.get(from..upto).unwrap_or_default()
}

/// Counts of all steps from the first to the last, joined until there are enough flows in one.
fn dense(bins: &[(u64, u64)]) -> Option<Vec<u64>> {
    let (first, last) = (bins.first()?.0, bins.last()?.0);
    let total: u64 = bins.iter().map(|(_, count)| count).sum();
    let mut steps = last - first + 1;
    let mut join = 1;
    while total as f64 / (steps as f64) < FLOWS_MIN && steps as usize >= STEPS_MIN {
        (join, steps) = (join * 2, steps.div_ceil(2));
    }
    if (steps as usize) < STEPS_MIN || steps > 1 << 24 {
        return None;
    }
    let mut counts = vec![0; steps as usize];
    for (bin, count) in bins {
        if let Some(place) = counts.get_mut(((bin - first) / join) as usize) {
            *place += count;
        }
    }
    // The last step may not be whole.
    counts.pop();
    Some(counts)
}

fn dispersion(counts: &[u64]) -> Option<f64> {
    let n = counts.len() as f64;
    let mean = counts.iter().sum::<u64>() as f64 / n;
    let variance = counts.iter().map(|&count| (count as f64 - mean).powi(2)).sum::<f64>() / n;
    (mean > 0.0).then(|| variance / mean)
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
fn day(width: u64, bins: &[(u64, u64)]) -> Option<[f64; DAY_HOURS]> {
    let day = HOUR_NS * DAY_HOURS as u64;
    let (first, last) = (bins.first()?.0 * width, (bins.last()?.0 + 1) * width);
    // A step wider than an hour tells no hours.
    if last - first < day || width > HOUR_NS {
        return None;
    }
    let whole = first + (last - first) / day * day;
    let mut hours = [0.0; DAY_HOURS];
    for &(bin, count) in bins.iter().filter(|(bin, _)| bin * width < whole) {
        if let Some(hour) = hours.get_mut((bin * width / HOUR_NS % DAY_HOURS as u64) as usize) {
            *hour += count as f64;
        }
    }
    let mean = hours.iter().sum::<f64>() / DAY_HOURS as f64;
    (mean > 0.0).then(|| hours.map(|count| count / mean))
}

#[cfg(test)]
mod tests {
    use rheos_core::seed::mix;

    use super::*;

    /// A cascade of this bias, its counts, `1 << levels` steps.
    fn cascade(levels: u32, bias: f64, total: f64) -> Vec<(u64, u64)> {
        let mut shares = vec![1.0];
        for level in 0..levels {
            let split = |(i, share): (usize, f64)| {
                let left =
                    if mix(i as u64 ^ u64::from(level) << 40) & 1 == 0 { bias } else { 1.0 - bias };
                [share * left, share * (1.0 - left)]
            };
            shares = shares.into_iter().enumerate().flat_map(split).collect();
        }
        (0..).zip(shares).map(|(bin, share)| (bin, (share * total).round() as u64)).collect()
    }

    #[test]
    fn the_bias_of_a_cascade_is_found() {
        for bias in [0.55, 0.7, 0.85] {
            let learned = Arrivals::learn((1_000_000, cascade(12, bias, 1e9)));
            let found = learned.bias.expect("a bias");
            assert!((found - bias).abs() < 0.02, "{bias}: {found}");
            assert!(learned.dispersion.is_some_and(|d| d > 10.0));
        }
    }

    #[test]
    fn even_arrivals_have_no_bursts() {
        let even: Vec<(u64, u64)> = (0..1000).map(|bin| (bin, 10)).collect();
        let learned = Arrivals::learn((1_000_000, even));
        assert_eq!(learned.dispersion, Some(0.0));
        assert!(learned.bias.is_some_and(|bias| bias < 0.51));
        assert_eq!(learned.day, None);
        assert_eq!(Arrivals::learn((1, vec![(5, 1)])).dispersion, None);
    }

    #[test]
    fn a_few_flows_hours_later_do_not_change_the_rate() {
        let mut bins: Vec<(u64, u64)> = (0..1000).map(|bin| (bin, 10)).collect();
        let even = Arrivals::learn((1_000_000, bins.clone()));
        assert!((even.per_second / 10_000.0 - 1.0).abs() < 1e-9, "{even:?}");
        bins.extend((0..20).map(|late| (1_000_000 + late * 50_000, 1)));
        let late = Arrivals::learn((1_000_000, bins));
        assert!((late.per_second / 10_000.0 - 1.0).abs() < 0.01, "{late:?}");
        assert!(late.dispersion.is_some_and(|d| d < 0.1), "{late:?}");
    }

    #[test]
    fn the_day_is_told_by_hours() {
        let hour = HOUR_NS / 1_000_000_000;
        let bins = (0..2 * 24).map(|h| (h * hour, if h % 24 == 14 { 300 } else { 100 }));
        let learned = Arrivals::learn((1_000_000_000, bins.chain([(48 * hour, 1)]).collect()));
        let day = learned.day.expect("a day");
        assert!((day[14] / day[3] - 3.0).abs() < 1e-9, "{day:?}");
        assert!((day.iter().sum::<f64>() - 24.0).abs() < 1e-9);
    }
}
