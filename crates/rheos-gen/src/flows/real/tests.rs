use super::*;
use crate::flows::row::BLOCK;
use crate::flows::{FlowConfig, FlowGenerator, Rate, Subnets};

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
