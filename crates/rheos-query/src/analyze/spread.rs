//! Figures of how something is spread, from counts.

/// Shannon entropy in bits of a distribution with these counts; 0 where there is nothing.
pub fn entropy(counts: impl IntoIterator<Item = u64> + Clone) -> f64 {
    let total: u64 = counts.clone().into_iter().sum();
    if total == 0 {
        return 0.0;
    }
    let total = total as f64;
    let share = |count: u64| count as f64 / total;
    let terms = counts.into_iter().filter(|&count| count > 0).map(share).map(|p| p * p.log2());
    // Not -0 for one value.
    0.0 - terms.sum::<f64>()
}

/// Gini coefficient of counts in rising order: 0 if all are equal, near 1 if one has all.
pub fn gini(rising: &[u64]) -> Option<f64> {
    let total: u128 = rising.iter().map(|&count| u128::from(count)).sum();
    if total == 0 {
        return None;
    }
    let n = rising.len() as f64;
    let weighted: f64 =
        rising.iter().enumerate().map(|(i, &count)| (i as f64 + 1.0) * count as f64).sum();
    Some((2.0 * weighted / (n * total as f64) - (n + 1.0) / n).max(0.0))
}

/// The exponent s of count ~ rank^-s, by least squares on the logarithms of ranks and counts in falling order.
pub fn zipf_slope(falling: &[u64]) -> Option<f64> {
    let points: Vec<(f64, f64)> = falling
        .iter()
        .zip(1_u64..)
        .filter(|(count, _)| **count > 0)
        .map(|(&count, rank)| ((rank as f64).ln(), (count as f64).ln()))
        .collect();
    if points.len() < 3 {
        return None;
    }
    let n = points.len() as f64;
    let (mean_x, mean_y) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
    let (covariance, variance) = points.iter().fold((0.0, 0.0), |(c, v), p| {
        let (dx, dy) = (p.0 - mean_x, p.1 - mean_y);
        (c + dx * dy, v + dx * dx)
    });
    // Not -0 where all are equal.
    (variance > 0.0).then(|| 0.0 - covariance / variance)
}

/// Hill's estimate of the tail index of the largest `share` of values: small is a heavy tail. Values come with
/// counts, in rising order.
pub fn hill(rising: &[(u64, u64)], share: f64) -> Option<f64> {
    let total: u64 = rising.iter().map(|(_, count)| count).sum();
    let wanted = (total as f64 * share) as u64;
    if wanted < 10 {
        return None;
    }
    let (mut taken, mut logs, mut least) = (0_u64, 0.0, None);
    for &(value, count) in rising.iter().rev().filter(|(value, _)| *value > 0) {
        if taken >= wanted {
            least = Some(value as f64);
            break;
        }
        let count = count.min(wanted - taken);
        taken += count;
        logs += (value as f64).ln() * count as f64;
        least = Some(value as f64);
    }
    let mean = logs / taken as f64 - least?.ln();
    (mean > 0.0).then(|| 1.0 / mean)
}

/// Jensen-Shannon divergence in bits, 0 (equal) to 1 (nothing in common), of two distributions over the same
/// values, with counts.
pub fn jensen_shannon(pairs: impl Iterator<Item = (u64, u64)> + Clone) -> Option<f64> {
    let (a, b) = pairs.clone().fold((0_u64, 0_u64), |(a, b), (x, y)| (a + x, b + y));
    if a == 0 || b == 0 {
        return None;
    }
    let part = |share: f64, mean: f64| {
        if share > 0.0 { share * (share / mean).log2() } else { 0.0 }
    };
    let sum: f64 = pairs
        .map(|(x, y)| {
            let shares = (x as f64 / a as f64, y as f64 / b as f64);
            let mean = f64::midpoint(shares.0, shares.1);
            part(shares.0, mean) + part(shares.1, mean)
        })
        .sum();
    Some((sum / 2.0).clamp(0.0, 1.0))
}

/// The Kolmogorov-Smirnov distance (the greatest difference of the shares up to a value) and the earth mover's
/// distance (in the unit of the values), of two samples over the same values in rising order.
pub fn distances(rising: &[(u64, u64, u64)]) -> Option<(f64, f64)> {
    let (a, b) = rising.iter().fold((0_u64, 0_u64), |(a, b), (_, x, y)| (a + x, b + y));
    if a == 0 || b == 0 {
        return None;
    }
    let (mut below_a, mut below_b, mut greatest, mut moved) = (0_u64, 0_u64, 0.0_f64, 0.0);
    let next = rising.iter().skip(1).map(|(value, ..)| *value).chain([u64::MAX]);
    for (i, (&(value, x, y), next)) in rising.iter().zip(next).enumerate() {
        below_a += x;
        below_b += y;
        let difference = (below_a as f64 / a as f64 - below_b as f64 / b as f64).abs();
        greatest = greatest.max(difference);
        if i + 1 < rising.len() {
            moved += difference * (next - value) as f64;
        }
    }
    Some((greatest, moved))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, expected: f64) {
        let found = found.expect("a number");
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn entropy_and_gini_of_extremes() {
        assert_eq!(entropy([1, 1, 1, 1]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(entropy([9]).to_bits(), 0.0_f64.to_bits());
        assert_eq!(entropy([]).to_bits(), 0.0_f64.to_bits());
        near(gini(&[5, 5, 5, 5]), 0.0);
        near(gini(&[0, 0, 0, 9]), 0.75);
        assert_eq!(gini(&[]), None);
    }

    #[test]
    fn slopes_of_exact_laws_come_back() {
        let zipf: Vec<u64> = (1..=1000_u64).map(|rank| 1_000_000_000_000 / rank).collect();
        let slope = zipf_slope(&zipf).unwrap();
        assert!((slope - 1.0).abs() < 1e-6, "{slope}");
        assert_eq!(zipf_slope(&[1, 1]), None);
        // The quantiles of a Pareto distribution with index 1.5.
        let pareto: Vec<(u64, u64)> = (0..100_000)
            .map(|i| (1.0 - (f64::from(i) + 0.5) / 100_000.0_f64).powf(-1.0 / 1.5) * 1000.0)
            .map(|value| (value as u64, 1))
            .collect();
        let index = hill(&pareto, 0.05).unwrap();
        assert!((index - 1.5).abs() < 0.02, "{index}");
    }

    #[test]
    fn distances_by_hand() {
        near(jensen_shannon([(5, 10), (5, 10)].into_iter()), 0.0);
        near(jensen_shannon([(5, 0), (0, 7)].into_iter()), 1.0);
        assert_eq!(jensen_shannon([(5, 0)].into_iter()), None);
        let (ks, moved) = distances(&[(0, 1, 0), (10, 1, 2)]).unwrap();
        assert_eq!((ks.to_bits(), moved.to_bits()), (0.5_f64.to_bits(), 5.0_f64.to_bits()));
    }
}
