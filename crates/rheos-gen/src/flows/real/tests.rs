use super::*;
use crate::flows::row::BLOCK;
use crate::flows::{FlowConfig, FlowGenerator, Pattern, Rate, Reply, Subnets};

const COUNT: usize = 400_000;

fn config(realism: Realism) -> FlowConfig {
    FlowConfig { realism, seed: 3, ..FlowConfig::default() }
}

fn made(config: &FlowConfig) -> Vec<WideRecord> {
    let mut out = vec![WideRecord::default(); COUNT];
    let mut made = FlowGenerator::new(config.plan().expect("a plan"));
    assert!(!made.is_narrow());
    assert_eq!(made.fill_wide(&mut out), COUNT);
    out
}

fn everything() -> FlowConfig {
    let realism = Realism {
        sizes: SizeModel::Agh2015,
        arrivals: Arrivals::Poisson,
        host_exponent: Some(1.0),
    };
    FlowConfig { reversed_share: 0.5, ..config(realism) }
}

/// The sampled quantiles of the made records, with the published ones that lie far enough from the tail.
#[test]
fn made_records_have_the_published_sizes() {
    let records = made(&config(Realism { sizes: SizeModel::Agh2015, ..Realism::default() }));
    let places = [0.25, 0.5, 0.75, 0.9, 0.95];
    for (protocol, packets, bytes) in [
        (6, [1.0, 3.0, 10.0, 32.0, 88.0], [111.0, 333.0, 2099.0, 10_367.0, 37_060.0]),
        (17, [1.0, 1.0, 2.0, 3.0, 6.0], [110.0, 152.0, 317.0, 612.0, 1188.0]),
    ] {
        type Field = fn(&WideRecord) -> u64;
        let fields: [(Field, [f64; 5]); 2] = [(|r| r.packets, packets), (|r| r.bytes, bytes)];
        for (field, published) in fields {
            let mut found: Vec<u64> =
                records.iter().filter(|r| r.protocol == protocol).map(field).collect();
            found.sort_unstable();
            for (place, expected) in places.into_iter().zip(published) {
                let got = found[(place * found.len() as f64) as usize] as f64;
                let off = (got - expected).abs();
                assert!(off <= (0.03 * expected).max(1.0), "{protocol} {place}: {got} {expected}");
            }
        }
    }
    // Half of the flows have one packet.
    let single = records.iter().filter(|r| r.packets == 1).count() as f64 / COUNT as f64;
    assert!((0.35..0.6).contains(&single), "{single}");
}

#[test]
fn the_clock_goes_by_the_models_mean() {
    let config = config(Realism { sizes: SizeModel::Agh2015, ..Realism::default() });
    let plan = config.plan().expect("a plan");
    // 81 % TCP and 19 % UDP of the published means: the random pattern is 7 of 10 parts TCP.
    let tcp = 0.4 + 0.2 + 0.1 + 0.07;
    let expected = tcp * 112_500.0 + (1.0 - tcp) * 17_900.0;
    assert!((plan.mean_size() / expected - 1.0).abs() < 0.03, "{}", plan.mean_size());
    let Rate::Bandwidth(bits) = config.rate else { panic!("a bandwidth") };
    let per_second = bits.0 as f64 / 8.0 / plan.mean_size();
    assert!((plan.flows_per_second() / per_second - 1.0).abs() < 1e-6);
}

#[test]
fn arrivals_are_a_poisson_process_of_the_exact_rate() {
    let config = config(Realism { arrivals: Arrivals::Poisson, ..Realism::default() });
    let plan = config.plan().expect("a plan");
    let records = made(&config);
    let mut gaps: Vec<f64> = records
        .windows(2)
        .map(|w| w[1].first.checked_sub(w[0].first).expect("order") as f64)
        .collect();
    let mean = 1e9 / plan.flows_per_second();
    gaps.sort_unstable_by(f64::total_cmp);
    // Kolmogorov and Smirnov against the exponential distribution.
    let mut farthest = 0.0_f64;
    for (i, gap) in gaps.iter().enumerate() {
        let expected = 1.0 - rheos_core::seed::exp(-(gap + 0.5) / mean);
        farthest = farthest.max((expected - i as f64 / gaps.len() as f64).abs());
    }
    assert!(farthest < 0.004, "{farthest}");
    for block in (0..COUNT as u64).step_by(BLOCK) {
        let even = plan.moment(block).as_nanos();
        let first = records[block as usize].first;
        let last = records[(block as usize + BLOCK).min(COUNT) - 1].first;
        assert!(first >= even && last < plan.moment(block + BLOCK as u64).as_nanos());
    }
}

#[test]
fn few_hosts_have_most_of_the_flows() {
    let mut config = config(Realism { host_exponent: Some(1.0), ..Realism::default() });
    config.sources = Subnets::even(["10.1.0.0/24".parse().expect("a net")]);
    let mut counts = std::collections::HashMap::<_, u32>::new();
    for record in made(&config) {
        *counts.entry(record.source().to_string()).or_default() += 1;
    }
    let mut counts: Vec<u32> = counts.into_values().collect();
    counts.sort_unstable_by_key(|&c| std::cmp::Reverse(c));
    // The sum of 1/r over 254 hosts is 6.118.
    assert_eq!(counts.len(), 254);
    for rank in [1, 2, 10, 100] {
        let expected = COUNT as f64 / 6.118 / f64::from(rank);
        let got = f64::from(counts[rank as usize - 1]);
        assert!((got / expected - 1.0).abs() < 0.1, "{rank}: {got} {expected}");
    }
}

#[test]
fn any_place_can_be_reached_and_left() {
    let config = everything();
    let all = made(&config);
    let mut made = FlowGenerator::new(config.plan().expect("a plan"));
    for (from, count) in [(0, 1), (1, 300), (255, 2), (256, 256), (100_001, 777), (399_999, 1)] {
        let mut out = vec![WideRecord::default(); count];
        made.seek(from as u64);
        let (first, second) = out.split_at_mut(count / 2);
        assert_eq!(made.fill_wide(first) + made.fill_wide(second), count);
        assert_eq!(out, all[from..from + count], "{from}");
    }
}

#[test]
fn flows_make_sense() {
    for record in made(&everything()) {
        let span = record.last - record.first;
        assert!(span <= 300_000_000_000 && (record.packets > 1 || span == 0), "{record:?}");
        assert!(record.bytes >= 20 * record.packets, "{record:?}");
        assert_eq!(record.tcp_flags == 0, record.protocol != TCP);
        assert!(matches!(record.end_reason, 1..=3));
    }
}

fn service(protocol: u8, packets: Distribution, bytes_per_packet: Distribution) -> Service {
    Service {
        name: "test".to_owned(),
        protocol,
        ports: vec![(8000, 8000)],
        packets,
        bytes_per_packet,
        gap_ms: Distribution::Exponential { mean: 20.0 },
        reply: None,
        dscp: 46,
    }
}

fn only(service: Service) -> FlowConfig {
    FlowConfig {
        patterns: Vec::new(),
        services: vec![(service, 100.0)],
        ..config(Realism::default())
    }
}

/// Kolmogorov and Smirnov: the largest distance of the shares of values from those of a distribution.
fn smirnov(mut values: Vec<f64>, up_to: impl Fn(f64) -> f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let count = values.len() as f64;
    let distance = |(i, x): (usize, &f64)| {
        let expected = up_to(*x);
        (expected - i as f64 / count).abs().max((expected - (i + 1) as f64 / count).abs())
    };
    values.iter().enumerate().map(distance).fold(0.0, f64::max) * count.sqrt()
}

/// The share of a distribution up to `x`, as its definition says it.
fn up_to(of: &Distribution, x: f64) -> f64 {
    let (exp, ln) = (rheos_core::seed::exp, rheos_core::seed::ln);
    match *of {
        Distribution::Uniform { from, to } => ((x - from) / (to - from)).clamp(0.0, 1.0),
        Distribution::Exponential { mean } => 1.0 - exp(-x / mean),
        Distribution::Pareto { least, alpha } if x > least => 1.0 - exp(alpha * ln(least / x)),
        Distribution::Weibull { scale, shape } => 1.0 - exp(-exp(shape * ln(x / scale))),
        Distribution::Mixture(ref parts) => {
            let total: f64 = parts.iter().map(|part| part.0).sum();
            parts.iter().map(|(weight, part)| weight * up_to(part, x)).sum::<f64>() / total
        }
        _ => 0.0,
    }
}

#[test]
fn lengths_and_gaps_of_services_have_their_distributions() {
    for of in [
        Distribution::Uniform { from: 100.0, to: 1400.0 },
        Distribution::Weibull { scale: 9000.0, shape: 1.5 },
        Distribution::Pareto { least: 100.0, alpha: 2.0 },
        Distribution::Exponential { mean: 5000.0 },
        Distribution::Mixture(vec![
            (1.0, Distribution::Uniform { from: 100.0, to: 1400.0 }),
            (2.0, Distribution::Pareto { least: 300.0, alpha: 1.5 }),
        ]),
    ] {
        // A thousand packets, so that no rounding is left.
        let records = made(&only(service(17, Distribution::Constant(1000.0), of.clone())));
        assert!(records.iter().all(|r| r.packets == 1000 && r.tos == 46 << 2));
        let lengths: Vec<f64> = records
            .iter()
            .map(|r| r.bytes as f64 / 1000.0)
            .filter(|length| (29.0..65_000.0).contains(length))
            .collect();
        let least = up_to(&of, 29.0);
        let all = up_to(&of, 65_000.0) - least;
        let off = smirnov(lengths, |x| (up_to(&of, x) - least) / all);
        // 1 in 7000.
        assert!(off < 2.1, "{of:?}: {off}");
    }
    let records =
        made(&only(service(17, Distribution::Constant(2.0), Distribution::Constant(100.0))));
    let gaps = records.iter().map(|r| (r.last - r.first) as f64 / 1e6).collect();
    let off = smirnov(gaps, |x| up_to(&Distribution::Exponential { mean: 20.0 }, x));
    assert!(off < 2.1, "{off}");
    assert!(records.iter().all(|r| r.bytes == 200));
}

#[test]
fn packets_of_services_are_the_nearest_whole_numbers() {
    let packets = Distribution::Quantiles(vec![0.5, 10.5]);
    let records = made(&only(service(6, packets, Distribution::Constant(500.0))));
    let mut counts = [0_u32; 11];
    for record in &records {
        counts[record.packets as usize] += 1;
        assert_eq!(record.bytes, 500 * record.packets);
    }
    // Tenths; deviations are 190.
    assert!(counts[1..].iter().all(|count| count.abs_diff(40_000) < 800), "{counts:?}");
}

/// Models without endless tails: their bytes come to the promised bandwidth.
#[test]
fn bytes_of_services_come_to_the_bandwidth() {
    let mut one = service(
        6,
        Distribution::Uniform { from: 1.0, to: 40.0 },
        Distribution::LogNormal { median: 300.0, sigma: 0.4 },
    );
    let half = |part: f64| Distribution::Uniform { from: part, to: 3.0 * part };
    one.reply = Some(Reply { packets: half(20.0), bytes_per_packet: half(400.0) });
    for reversed_share in [0.0, 0.5, 1.0] {
        let dns = (Pattern::Dns, 50.0);
        let mut config = FlowConfig { patterns: vec![dns], ..only(one.clone()) };
        config.services[0].1 = 50.0;
        config.realism.sizes = SizeModel::Services;
        let config = FlowConfig { reversed_share, ..config };
        let mut records = vec![WideRecord::default(); 4 * COUNT];
        let mut made = FlowGenerator::new(config.plan().expect("a plan"));
        made.fill_wide(&mut records);
        let bytes: u64 = records.iter().map(|r| r.bytes).sum();
        let mean = bytes as f64 / records.len() as f64;
        let off = mean / made.plan().mean_size() - 1.0;
        assert!(off.abs() < 0.001 + 0.0006, "{reversed_share}: {off}");
    }
}

/// Each pattern's own model: what a service is known for.
#[test]
fn patterns_have_models_of_their_own() {
    let of = |pattern| {
        let mut config = config(Realism { sizes: SizeModel::Services, ..Realism::default() });
        (config.patterns, config.reversed_share) = (vec![(pattern, 100.0)], 0.5);
        made(&config)
    };
    assert!(of(Pattern::Dns).iter().all(|r| matches!(r.packets, 1 | 2) && r.bytes <= 3000));
    let median = |pattern, back: bool, field: fn(&WideRecord) -> u64| {
        let mut found: Vec<u64> = of(pattern)
            .iter()
            .filter(|r| (r.flags & rheos_core::RecordFlags::REVERSED != 0) == back)
            .map(field)
            .collect();
        found.sort_unstable();
        found[found.len() / 2]
    };
    assert!(median(Pattern::Ssh, false, |r| r.packets) > 100);
    assert!(median(Pattern::Web, true, |r| r.bytes) > 5 * median(Pattern::Web, false, |r| r.bytes));
    assert!(
        median(Pattern::Smtp, false, |r| r.bytes) > 3 * median(Pattern::Smtp, true, |r| r.bytes)
    );
}
