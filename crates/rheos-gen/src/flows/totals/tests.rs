use rheos_core::units::BitRate;

use super::*;
use crate::flows::{
    Arrivals, Attack, AttackKind, Distribution, FlowGenerator, FlowRate, Pattern, Rate, Realism,
    Service as Described,
};

fn made(config: &FlowConfig, streams: u32, count: usize) -> (FlowTotals, Vec<WideRecord>) {
    let totals = FlowTotals::new(config, streams).expect("a plan");
    let mut flows = vec![WideRecord::default(); count];
    let filled = totals.fill(0, &mut flows, 1);
    flows.truncate(filled);
    (totals, flows)
}

fn only(pattern: Pattern) -> FlowConfig {
    FlowConfig { patterns: vec![(pattern, 100.0)], ..FlowConfig::default() }
}

#[test]
fn spreads_have_the_mean_that_they_say() {
    let sizes = |min, max| Sizes { min, max, average: None };
    for (length, sizes) in [
        (0, sizes(0, 10)),
        (1, sizes(1, 1)),
        (64, sizes(64, 1500)),
        (70, sizes(64, 1500)),
        (800, sizes(64, 1500)),
        (1400, sizes(64, 1500)),
        (1500, sizes(1500, 1500)),
        (9000, sizes(64, 9000)),
    ] {
        let spread = Spread::of(length, sizes);
        let all: Vec<u64> = (0..spread.span)
            .map(|i| spread.length(((i << 32).div_ceil(spread.span)) as u32))
            .collect();
        let mean = all.iter().sum::<u64>() as f64 / all.len() as f64;
        assert!((mean - spread.mean()).abs() < 1e-6, "{length}: {mean} {}", spread.mean());
        assert!(all.iter().all(|l| (sizes.min.into()..=sizes.max.into()).contains(l)));
    }
}

#[test]
fn packets_gaps_and_lengths_are_those_of_the_service() {
    for (pattern, (least, most), (fastest, slowest)) in [
        (Pattern::Web, (10, 50), (10 * MS, 100 * MS)),
        (Pattern::Ssh, (100, 500), (MS, 50 * MS)),
        (Pattern::Database, (5, 100), (MS, 20 * MS)),
        (Pattern::Smtp, (10, 50), (5 * MS, 50 * MS)),
        (Pattern::Ftp, (5, 100), (5 * MS, 50 * MS)),
        (Pattern::Dns, (2, 2), (MS, 50 * MS)),
    ] {
        let config = FlowConfig { reversed_share: 0.5, ..only(pattern) };
        let (_, flows) = made(&config, 1, 20_000);
        let packets: Vec<u64> = flows.iter().map(|f| f.packets).collect();
        assert_eq!(packets.iter().min(), Some(&least), "{pattern}");
        assert_eq!(packets.iter().max(), Some(&most), "{pattern}");
        for flow in &flows {
            let gap = (flow.last - flow.first) / (flow.packets - 1).max(1);
            assert!((fastest..=slowest).contains(&gap), "{pattern}: {flow:?}");
            assert_eq!((flow.last - flow.first) % (flow.packets - 1).max(1), 0);
            assert!((flow.packets * 64..=flow.packets * 1500).contains(&flow.bytes));
        }
    }
    // One packet takes no time; UDP has 1 to 20.
    let (_, flows) = made(&only(Pattern::Random), 1, 50_000);
    let udp: Vec<_> = flows.iter().filter(|f| f.protocol == UDP).collect();
    assert!(udp.iter().all(|f| (1..=20).contains(&f.packets)));
    let single = udp.iter().filter(|f| f.packets == 1).collect::<Vec<_>>();
    assert!(!single.is_empty() && single.iter().all(|f| f.first == f.last));
}

/// The clock goes by the flows' bytes: also for sizes that are cut at the limits, and with random arrivals.
#[test]
fn bytes_come_to_the_promised_bandwidth() {
    const COUNT: usize = 100_000;
    let mixed = FlowConfig::default();
    for pattern in Pattern::ALL.map(Some).into_iter().chain([None]) {
        for (min, max, average) in [(64, 1500, None), (900, 1100, None), (64, 9000, Some(800))] {
            for arrivals in [Arrivals::Even, Arrivals::Poisson] {
                let base = pattern.map_or(mixed.clone(), only);
                let config = FlowConfig {
                    sizes: Sizes { min, max, average },
                    rate: Rate::Bandwidth(BitRate(40_000_000_000)),
                    realism: Realism { arrivals, ..Realism::default() },
                    ..base
                };
                let (totals, flows) = made(&config, 3, COUNT);
                let bytes: u64 = flows.iter().map(|f| f.bytes).sum();
                let plan = totals.plan();
                let span = plan.moment(COUNT as u64).since(plan.start()).as_secs_f64();
                let off = bytes as f64 * 8.0 / span / 40e9 - 1.0;
                // Flows differ by their own size: 100 000 of them come within some thousandths.
                assert!(off.abs() < 0.01, "{pattern:?} {min}-{max} {arrivals:?}: {off}");
            }
        }
    }
}

#[test]
fn any_part_on_any_threads_is_the_same() {
    let config = FlowConfig { max_flows: Some(30_001), ..FlowConfig::default() };
    let (totals, whole) = made(&config, 7, 40_000);
    assert_eq!(whole.len(), 30_001);
    for threads in [2, 3, 16] {
        let mut flows = vec![WideRecord::default(); 40_000];
        let count = totals.fill(0, &mut flows, threads);
        assert!(flows[..count] == whole, "{threads} threads");
    }
    for index in [0, 1, 6, 7, 12_345, 30_000] {
        let mut one = [WideRecord::default()];
        assert_eq!(totals.fill(index, &mut one, 1), 1);
        assert_eq!(one[0], whole[index as usize]);
    }
    assert_eq!(totals.fill(30_001, &mut [WideRecord::default()], 1), 0);
    assert!(FlowTotals::new(&config, 0).is_err());
}

#[test]
fn subnets_of_ipv6_and_models_are_taken_as_they_are() {
    let net = |text: &str| vec![text.parse().expect("a net")];
    let mut config = only(Pattern::Web);
    config.sources.subnets = net("2001:db8::/64");
    config.destinations.subnets = net("2001:db8:1::/64");
    let (_, flows) = made(&config, 1, 100);
    assert!(flows.iter().all(|f| f.is_ipv6() && f.packets >= 10));
    let realism = Realism { sizes: SizeModel::Agh2015, ..Realism::default() };
    let config = FlowConfig { realism, ..FlowConfig::default() };
    let (totals, flows) = made(&config, 1, 1000);
    let mut generator = FlowGenerator::new(config.plan().expect("a plan"));
    let mut plain = vec![WideRecord::default(); 1000];
    generator.fill_wide(&mut plain);
    assert!(flows == plain && totals.plan().moment(9) == generator.plan().moment(9));
}

#[test]
fn attacks_and_services_keep_what_they_are() {
    let between = |from, to| Distribution::Uniform { from, to };
    let service = Described {
        name: "time".to_owned(),
        protocol: UDP,
        ports: vec![(123, 123)],
        packets: between(1.0, 4.0),
        bytes_per_packet: between(80.0, 90.0),
        gap_ms: between(1.0, 2.0),
        reply: None,
        dscp: 0,
    };
    let config = FlowConfig {
        patterns: vec![(Pattern::Web, 50.0)],
        services: vec![(service, 50.0)],
        attacks: vec![Attack::new(AttackKind::PortScan)],
        max_flows: Some(20_000),
        rate: Rate::Flows(FlowRate { micros: 100_000_000 }),
        ..FlowConfig::default()
    };
    let (_, flows) = made(&config, 3, 20_000);
    let mut plain = vec![WideRecord::default(); 20_000];
    let mut generator = FlowGenerator::new(config.plan().expect("a plan"));
    assert_eq!(generator.fill_wide(&mut plain), flows.len());
    let (mut kept, mut grown, mut attacks) = (0, 0, 0);
    for (flow, plain) in flows.iter().zip(&plain) {
        let web = flow.label == 0 && flow.pattern == 0;
        attacks += u32::from(flow.label != 0);
        grown += u32::from(web && flow.packets >= 10);
        let same = (flow.packets, flow.bytes) == (plain.packets, plain.bytes);
        kept += u32::from(!web && same);
        assert!(web || same, "{flow:?} {plain:?}");
    }
    assert!(attacks > 100 && grown > 5_000 && kept > 5_000, "{attacks} {grown} {kept}");
}
