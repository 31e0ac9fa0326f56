//! Whether records are distributed as the patterns say: chi-square for what is counted, Kolmogorov-Smirnov for sizes.
//! Seeds are fixed, so a test that passes always passes.

use std::collections::BTreeMap;

use rheos_core::FlowRecord;
use rheos_gen::flows::{FlowConfig, FlowGenerator, Pattern, Subnets};

const RECORDS: usize = 1_000_000;

fn records(config: &FlowConfig) -> Vec<FlowRecord> {
    let mut out = vec![FlowRecord::default(); RECORDS];
    FlowGenerator::new(config.plan().expect("a plan")).fill(&mut out);
    out
}

fn of(pattern: Pattern) -> Vec<FlowRecord> {
    let config = FlowConfig { patterns: vec![(pattern, 100.0)], seed: 11, ..FlowConfig::default() };
    records(&config)
}

/// Chi-square of counts against shares, as deviations from its mean (Wilson and Hilferty 1931).
fn chi_square(counts: &[(u64, f64)]) -> f64 {
    let total: u64 = counts.iter().map(|c| c.0).sum();
    let shares: f64 = counts.iter().map(|c| c.1).sum();
    let part = |&(count, share): &(u64, f64)| {
        let expected = total as f64 * share / shares;
        (count as f64 - expected).powi(2) / expected
    };
    let chi: f64 = counts.iter().map(part).sum();
    let degrees = (counts.len() - 1) as f64;
    let spread = 2.0 / (9.0 * degrees);
    ((chi / degrees).cbrt() - (1.0 - spread)) / spread.sqrt()
}

#[track_caller]
fn fits(name: &str, counts: &[(u64, f64)]) {
    let off = chi_square(counts);
    // 1 in 30 000; far below is suspicious, too.
    assert!(off < 4.0 && off > -4.5, "{name}: {off} deviations, {counts:?}");
}

/// Kolmogorov and Smirnov: the largest distance of the shares up to a size, times the root of the number.
fn smirnov(sizes: &[u32], share_up_to: impl Fn(u32) -> f64) -> f64 {
    let mut counts = BTreeMap::<u32, u64>::new();
    for &size in sizes {
        *counts.entry(size).or_default() += 1;
    }
    let (mut seen, mut farthest) = (0, 0.0_f64);
    for (size, count) in counts {
        seen += count;
        farthest = farthest.max((seen as f64 / sizes.len() as f64 - share_up_to(size)).abs());
    }
    farthest * (sizes.len() as f64).sqrt()
}

/// The share of sizes up to `size` of a mixture of even ranges.
fn mixture(parts: &[(f64, u32, u32)], size: u32) -> f64 {
    let even =
        |low: u32, high: u32| (f64::from(size) - f64::from(low) + 1.0) / f64::from(high - low + 1);
    parts.iter().map(|&(share, low, high)| share * even(low, high).clamp(0.0, 1.0)).sum()
}

/// Protocol and port of every kind of record, with its share.
fn services(pattern: Pattern) -> Vec<((u8, u16), f64)> {
    match pattern {
        Pattern::Web => vec![((6, 443), 0.7), ((6, 80), 0.3)],
        Pattern::Dns => vec![((17, 53), 1.0)],
        Pattern::Ssh => vec![((6, 22), 1.0)],
        Pattern::Database => [3306, 5432, 27017, 6379].map(|port| ((6, port), 0.25)).to_vec(),
        Pattern::Smtp => [25, 587, 465].map(|port| ((6, port), 1.0 / 3.0)).to_vec(),
        Pattern::Ftp => vec![((6, 20), 0.5), ((6, 21), 0.5)],
        Pattern::Random => vec![],
    }
}

/// Shares and ranges of sizes, by the port.
fn sizes(pattern: Pattern, port: u16) -> Vec<(f64, u32, u32)> {
    match (pattern, port) {
        (Pattern::Web, _) => vec![(0.4, 64, 200), (0.6, 500, 1500)],
        (Pattern::Dns, _) => vec![(1.0, 64, 512)],
        (Pattern::Ssh, _) => vec![(1.0, 100, 400)],
        (Pattern::Database, _) => vec![(0.3, 64, 300), (0.7, 500, 1500)],
        (Pattern::Smtp, _) => vec![(1.0, 200, 1500)],
        (Pattern::Ftp, 20) => vec![(1.0, 1000, 1500)],
        (Pattern::Ftp, _) => vec![(1.0, 64, 500)],
        (Pattern::Random, _) => vec![(1.0, 64, 1500)],
    }
}

#[test]
fn ports_and_protocols_have_their_shares() {
    for pattern in Pattern::ALL {
        let mut counts = BTreeMap::<(u8, u16), u64>::new();
        for record in of(pattern) {
            *counts.entry((record.protocol, record.destination_port)).or_default() += 1;
        }
        let expected = services(pattern);
        if expected.len() > 1 {
            let counted: Vec<_> = expected
                .iter()
                .map(|(service, share)| (counts.remove(service).unwrap_or(0), *share))
                .collect();
            fits(pattern.name(), &counted);
            assert!(counts.is_empty(), "{pattern}: {counts:?}");
        } else if let Some((service, _)) = expected.first() {
            assert_eq!(counts.keys().collect::<Vec<_>>(), [service]);
        }
    }
}

#[test]
fn random_traffic_uses_all_ports_and_two_protocols() {
    let records = of(Pattern::Random);
    let mut ports = vec![(0_u64, 1.0); 65_535];
    let mut protocols = [(0_u64, 0.7), (0, 0.3)];
    for record in &records {
        ports[usize::from(record.destination_port) - 1].0 += 1;
        protocols[usize::from(record.protocol == 17)].0 += 1;
        assert!(matches!(record.protocol, 6 | 17));
    }
    fits("ports", &ports);
    fits("protocols", &protocols);
}

#[test]
fn sizes_have_their_distributions() {
    for pattern in Pattern::ALL {
        let mut by_port = BTreeMap::<u16, Vec<u32>>::new();
        for record in of(pattern) {
            let port = if pattern == Pattern::Random { 0 } else { record.destination_port };
            by_port.entry(port).or_default().push(record.packet_length);
        }
        for (port, found) in by_port {
            let parts = sizes(pattern, port);
            let off = smirnov(&found, |size| mixture(&parts, size));
            // 1 in 7000 for 2.1, less for sizes that are whole numbers.
            assert!(off < 2.1, "{pattern} port {port}: {off}");
        }
    }
}

#[test]
fn clients_use_the_dynamic_ports_evenly() {
    let mut counts = vec![(0_u64, 1.0); 16_384];
    for record in of(Pattern::Web) {
        counts[usize::from(record.source_port) - 49_152].0 += 1;
    }
    fits("client ports", &counts);
}

#[test]
fn patterns_subnets_and_hosts_have_their_shares() {
    let nets = |texts: &[&str]| texts.iter().map(|t| t.parse().expect("a net")).collect();
    let config = FlowConfig {
        sources: Subnets {
            subnets: nets(&["192.168.1.0/24", "192.168.2.0/24", "10.9.9.8/31"]),
            weights: vec![70.0, 29.5, 0.5],
        },
        destinations: Subnets::even(nets(&["10.0.0.0/8", "172.16.0.0/12"])),
        seed: 5,
        ..FlowConfig::default()
    };
    let records = records(&config);
    let count =
        |test: &dyn Fn(&FlowRecord) -> bool| records.iter().filter(|r| test(r)).count() as u64;
    let patterns: Vec<_> = (0..5_u8)
        .zip([40.0, 20.0, 20.0, 10.0, 10.0])
        .map(|(pattern, share)| (count(&|r| r.pattern == pattern), share))
        .collect();
    fits("patterns", &patterns);
    let sources = [(0x00c0_a801, 70.0), (0x00c0_a802, 29.5), (0x000a_0909, 0.5)]
        .map(|(net, share)| (count(&|r| r.source_ip >> 8 == net), share));
    fits("sources", &sources);
    let destinations = [(true, 0.5), (false, 0.5)]
        .map(|(first, share)| (count(&|r| (r.destination_ip >> 24 == 10) == first), share));
    fits("destinations", &destinations);
    let hosts: Vec<_> =
        (0..256_u32).map(|host| (count(&|r| r.source_ip == 0xc0a8_0100 | host), 1.0)).collect();
    assert_eq!((hosts[0].0, hosts[255].0), (0, 0), "network and broadcast");
    fits("hosts", &hosts[1..255]);
    // Pattern, direction and size know nothing of each other: a table of two fields.
    let joint: Vec<_> = [0x00c0_a801_u32, 0x00c0_a802]
        .into_iter()
        .zip([70.0, 29.5])
        .flat_map(|(net, weight)| [(10_u32, weight), (172, weight)].map(|(to, w)| (net, to, w)))
        .map(|(net, to, weight)| {
            let both =
                count(&|r| r.source_ip >> 8 == net && (r.destination_ip >> 24 == 10) == (to == 10));
            (both, weight)
        })
        .collect();
    fits("sources and destinations", &joint);
}

#[test]
fn directions_fall_as_configured() {
    for (share, seed) in [(0.5, 1), (0.25, 2), (0.001, 3)] {
        let config = FlowConfig { reversed_share: share, seed, ..FlowConfig::default() };
        let reversed = records(&config).iter().filter(|r| r.is_reversed()).count() as u64;
        fits("directions", &[(reversed, share), (RECORDS as u64 - reversed, 1.0 - share)]);
    }
    for (share, expected) in [(0.0, 0), (1.0, RECORDS)] {
        let config = FlowConfig { reversed_share: share, ..FlowConfig::default() };
        let found = records(&config).iter().filter(|r| r.is_reversed()).count();
        assert_eq!(found, expected);
    }
}
