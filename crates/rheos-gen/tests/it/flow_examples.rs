//! The configurations under `examples/flows`: read, checked and run.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::PathBuf;

use rheos_core::units::BitRate;
use rheos_core::{FlowRecord, WideRecord};
use rheos_gen::flows::{FlowConfig, FlowGenerator, Pattern, Rate, Variables};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/flows")
}

fn load(name: &str, variables: &Variables) -> FlowConfig {
    FlowConfig::load(&folder().join(name), variables).expect(name)
}

#[test]
fn every_example_is_read_and_run() {
    let mut names: Vec<_> = std::fs::read_dir(folder())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name != "mix.json")
        .collect();
    names.sort_unstable();
    let expected = [
        "attacks.yaml",
        "bidirectional_config.yaml",
        "border.yaml",
        "campus.yaml",
        "dual_stack.toml",
        "example_config.yaml",
        "high_bandwidth.yaml",
        "office.yaml",
        "site.yaml",
    ];
    assert_eq!(names, expected);
    for name in names {
        let plan = load(&name, &Variables::NONE).plan().expect("a plan");
        let count = plan.count().expect("a limit");
        let mut made = FlowGenerator::new(plan);
        let mut out = vec![WideRecord::default(); 10_000];
        let mut total = 0;
        while total < 100_000 {
            let some = made.fill_wide(&mut out);
            total += some as u64;
            if some == 0 {
                break;
            }
        }
        assert!(total == count || total >= 100_000, "{name}: {total} of {count}");
    }
}

/// Whatever the length of the batches, and on either way.
#[test]
fn a_border_router_tells_prefixes_systems_and_interfaces() {
    let plan = load("border.yaml", &Variables::NONE).plan().expect("a plan");
    let mut made = FlowGenerator::new(plan);
    assert!(!made.is_narrow());
    let mut records = vec![WideRecord::default(); 20_000];
    assert_eq!(made.fill_wide(&mut records), records.len());
    made.seek(700);
    let mut again = vec![WideRecord::default(); 5000];
    made.fill_wide(&mut again);
    assert_eq!(again, records[700..5700]);

    let told = |address: IpAddr| match address {
        IpAddr::V4(v4) => match v4.octets() {
            [192, 0, 2, 128..=255] => (64_497, 25, 2),
            [192, 0, 2, _] => (64_496, 24, 1),
            [198, 51, 100, _] => (65_536, 24, 11),
            [203, 0, 113, _] => (65_537, 24, 12),
            _ => (64_500, 0, 13),
        },
        IpAddr::V6(v6) if v6.segments()[..3] == [0x2001, 0xdb8, 1] => (64_496, 48, 1),
        IpAddr::V6(_) => (64_501, 0, 13),
    };
    let mut seen = BTreeSet::new();
    for record in records {
        let (source, destination) = (told(record.source()), told(record.destination()));
        assert_eq!((record.source_as, record.source_prefix), (source.0, source.1));
        assert_eq!((record.input_interface, record.output_interface), (source.2, destination.2));
        seen.insert(source);
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
}

/// The older generator's three, as it described them.
#[test]
fn the_older_examples_mean_what_they_meant() {
    let example = load("example_config.yaml", &Variables::NONE);
    assert_eq!((example.max_flows, example.reversed_share), (Some(100_000), 0.0));
    assert_eq!(example.start.as_nanos(), 1_704_067_200_000_000_000);
    let mix = [
        (Pattern::Web, 40.0),
        (Pattern::Dns, 20.0),
        (Pattern::Database, 15.0),
        (Pattern::Ssh, 10.0),
        (Pattern::Random, 15.0),
    ];
    assert_eq!(example.patterns, mix);
    assert_eq!(example.sources.weights, [70.0, 30.0]);
    // 10 Gbit/s of 800 bytes: 640 ns, as there.
    let plan = example.plan().expect("a plan");
    let gap = plan.moment(1_000_000).since(plan.start()).0 as f64 / 1e6;
    assert!((gap - 640.0).abs() < 0.05, "{gap}");

    let both = load("bidirectional_config.yaml", &Variables::NONE);
    assert!((both.reversed_share - 0.5).abs() < 1e-12);
    let high = load("high_bandwidth.yaml", &Variables::NONE);
    assert_eq!(
        (high.rate, high.max_flows),
        (Rate::Bandwidth(BitRate(40_000_000_000)), Some(10_000_000))
    );
    assert_eq!(high.patterns.len(), 6);
}

#[test]
fn shares_of_an_example_are_the_configured_ones() {
    let plan = load("example_config.yaml", &Variables::NONE).plan().expect("a plan");
    let mut out = vec![FlowRecord::default(); 100_000];
    assert_eq!(FlowGenerator::new(plan).fill(&mut out), 100_000);
    let mut by_pattern = HashMap::<u8, u32>::new();
    let mut first_net = 0_u32;
    for record in &out {
        *by_pattern.entry(record.pattern).or_default() += 1;
        first_net += u32::from(record.source_ip >> 8 == 0x00c0_a801);
    }
    for (pattern, expected) in [(0, 40_000), (1, 20_000), (2, 15_000), (3, 10_000), (4, 15_000)] {
        let found = by_pattern.get(&pattern).copied().unwrap_or(0);
        assert!(found.abs_diff(expected) < 700, "{pattern}: {found}");
    }
    assert!(first_net.abs_diff(70_000) < 700, "{first_net}");
}

#[test]
fn a_site_is_chosen_by_variables() {
    let given = [("SITE", "17"), ("GBPS", "2.5")].into_iter().collect();
    let site = load("site.yaml", &given);
    assert_eq!(site.stream_id, 17);
    assert_eq!(site.sources.subnets[0].to_string(), "10.17.0.0/16");
    assert_eq!(site.destinations.subnets[0].to_string(), "172.16.0.0/12");
    assert_eq!(site.rate, Rate::Bandwidth(BitRate(2_500_000_000)));
    assert_eq!(site.start.as_nanos(), 1_704_067_200_000_000_001);
    let wrong = [("SITE", "300")].into_iter().collect();
    let error = FlowConfig::load(&folder().join("site.yaml"), &wrong).expect_err("no such net");
    assert!(error.to_string().contains("`10.300.0.0/16` is no subnet"), "{error}");
    assert!(error.to_string().ends_with("site.yaml:10)"), "{error}");
}
