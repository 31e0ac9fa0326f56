use super::*;

#[test]
fn the_default_works() {
    assert_eq!(FlowConfig::default().check(), Ok(()));
}

/// A change that breaks a rule, and the key that the error must name.
type Broken = (&'static str, &'static str, fn(&mut FlowConfig));

const BROKEN: [Broken; 22] = [
    ("realism.host_exponent", "between 0.5 and 2", |c| c.realism.host_exponent = Some(0.1)),
    ("packets.average_size", "left out", |c| {
        c.realism.sizes = SizeModel::Agh2015;
        c.sizes.average = Some(800);
    }),
    ("generation.max_flows", "above 0", |c| c.max_flows = Some(0)),
    ("generation.duration_seconds", "above 0", |c| c.duration = Some(Nanos::ZERO)),
    ("generation.rate.bandwidth_gbps", "greater than 0", |c| {
        c.rate = Rate::Bandwidth(BitRate(0));
    }),
    ("generation.rate.flows_per_second", "greater than 0", |c| {
        c.rate = Rate::Flows(FlowRate { micros: 0 });
    }),
    ("generation.bidirectional_probability", "between 0 and 1", |c| c.reversed_share = 1.5),
    ("generation.bidirectional_probability", "between 0 and 1", |c| c.reversed_share = f64::NAN),
    ("traffic_patterns", "cannot be empty", |c| c.patterns.clear()),
    ("traffic_patterns", "must sum to 100, got 90", |c| c.patterns[0].1 = 30.0),
    ("traffic_patterns", "must sum to 100, got 100.011", |c| c.patterns[0].1 = 40.011),
    ("traffic_patterns", "between 0 and 100", |c| c.patterns[0].1 = -1.0),
    ("traffic_patterns", "at most 256", |c| c.patterns = vec![(Pattern::Web, 0.1); 1000]),
    ("network.source_subnets", "cannot be empty", |c| c.sources.subnets.clear()),
    ("network.source_weights", "2 weights for 1 subnets", |c| c.sources.weights = vec![50.0; 2]),
    ("network.source_weights", "must sum to 100, got 99", |c| c.sources.weights = vec![99.0]),
    ("network.destination_weights", "must sum to 100", |c| c.destinations.weights = vec![1.0]),
    ("network.source_subnets", "has IPv6", |c| {
        c.sources.subnets.push("2001:db8::/64".parse().expect("a net"));
    }),
    ("network.routes", "stands once", |c| {
        let network = "10.0.0.0/8".parse().expect("a net");
        c.routes = vec![Route { network, as_number: 1, interface: 1 }; 2];
    }),
    ("packets.max_size", "(63) must be >= `packets.min_size` (64)", |c| c.sizes.max = 63),
    ("packets.average_size", "between 64 and 1500", |c| c.sizes.average = Some(2000)),
    ("packets.max_size", "between 1 and 2147483647", |c| c.sizes.max = u32::MAX),
];

#[test]
fn every_rule_names_its_key_and_a_remedy() {
    for (key, part, change) in BROKEN {
        let mut config = FlowConfig::default();
        change(&mut config);
        let error = config.plan().expect_err(key);
        assert_eq!(error.key, key);
        let text = error.to_string();
        assert!(text.starts_with("invalid configuration: ") && text.contains(part), "{text}");
        let told = matches!(error.problem, FlowProblem::Value { .. } | FlowProblem::TooMany { .. });
        assert!(told || error.hint().is_some(), "{text}");
    }
}

#[test]
fn sums_may_be_a_hundredth_off() {
    for off in [-0.01, 0.0, 0.01] {
        let mut config = FlowConfig::default();
        config.patterns[0].1 = 40.0 + off;
        assert_eq!(config.check(), Ok(()), "{off}");
    }
}

fn older() -> GeneratorConfig {
    GeneratorConfig {
        source_subnets: vec!["192.168.1.0/24".to_owned()],
        destination_subnets: vec!["10.0.0.0/8".to_owned()],
        traffic_patterns: vec![TrafficPattern {
            kind: "https_traffic".to_owned(),
            percentage: 100.0,
        }],
        ..GeneratorConfig::default()
    }
}

#[test]
fn the_older_structure_means_the_same() {
    let config = FlowConfig::try_from(&older()).expect("a configuration");
    assert_eq!(config.patterns, [(Pattern::Web, 100.0)]);
    assert_eq!(config.rate, Rate::Bandwidth(BitRate(10_000_000_000)));
    assert_eq!(config.sizes, Sizes { min: 64, max: 1500, average: Some(800) });
    assert_eq!((config.max_flows, config.duration, config.reversed_share), (None, None, 0.0));
    let both = GeneratorConfig {
        bandwidth_gbps: 0.0,
        flows_per_second: 2.5,
        max_flows: 7,
        duration_seconds: 0.1,
        start_timestamp_ns: 1_704_067_200_000_000_001,
        bidirectional_mode: "random".to_owned(),
        ..older()
    };
    let config = FlowConfig::try_from(&both).expect("a configuration");
    assert_eq!(config.rate, Rate::Flows(FlowRate { micros: 2_500_000 }));
    assert_eq!((config.max_flows, config.duration), (Some(7), Some(Nanos::from_millis(100))));
    assert_eq!(config.start.as_nanos(), 1_704_067_200_000_000_001);
    assert!((config.reversed_share - 0.5).abs() < 1e-12);
}

#[test]
fn mistakes_in_the_older_structure_are_told() {
    type Change = fn(&mut GeneratorConfig);
    let broken: [(&str, Change); 7] = [
        ("generation.rate.bandwidth_gbps", |c| c.bandwidth_gbps = 0.0),
        ("generation.rate.bandwidth_gbps", |c| c.bandwidth_gbps = f64::NAN),
        ("generation.rate.flows_per_second", |c| {
            (c.bandwidth_gbps, c.flows_per_second) = (0.0, -1.0);
        }),
        ("generation.duration_seconds", |c| c.duration_seconds = -1.0),
        ("generation.bidirectional_mode", |c| c.bidirectional_mode = "sometimes".to_owned()),
        ("network.source_subnets", |c| c.source_subnets[0] = "10.0.0.0/33".to_owned()),
        ("traffic_patterns", |c| c.traffic_patterns[0].kind = "web".to_owned()),
    ];
    for (key, change) in broken {
        let mut config = older();
        change(&mut config);
        assert_eq!(FlowConfig::try_from(&config).expect_err(key).key, key);
    }
}
