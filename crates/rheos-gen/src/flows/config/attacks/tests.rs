use rheos_core::Nanos;

use super::*;
use crate::flows::config::{Format, Variables};

fn read(attacks: &str) -> Result<FlowConfig, FlowError> {
    let text = format!(
        "generation: {{max_flows: 10, rate: {{flows_per_second: 1}}}}\n\
         traffic_patterns: [{{type: dns_traffic, percentage: 100}}]\n\
         network: {{source_subnets: [10.0.0.0/8], destination_subnets: [192.0.2.0/24]}}\n\
         attacks:\n{attacks}"
    );
    FlowConfig::parse(&text, Format::Yaml, &Variables::NONE)
}

#[test]
fn everything_about_attacks_is_read() {
    let config = read(
        "  - {type: port_scan, name: scan, start: 10s, duration: 1m, rate: 500, count: 1k,\n     \
         source: 203.0.113.9, target: [10.0.0.0/24, 10.0.1.7], ports: [\"22,80\", 1000-2000, 7],\n     \
         packets: 1-2, bytes: 40, answered: 0.5, jitter: 0.1}\n  \
         - {type: beacon, period: 90}\n  - {type: EXFILTRATION, bandwidth: 1Mbps}\n",
    );
    let net = |text: &str| text.parse().expect("a net");
    let scan = Attack {
        name: "scan".to_owned(),
        start: Nanos::from_secs(10),
        duration: Some(Nanos::from_secs(60)),
        rate: FlowRate::per_second(500.0),
        count: Some(1000),
        sources: vec![net("203.0.113.9")],
        targets: vec![net("10.0.0.0/24"), net("10.0.1.7")],
        ports: vec![(22, 22), (80, 80), (1000, 2000), (7, 7)],
        packets: Some((1, 2)),
        bytes: Some((40, 40)),
        answered: Some(0.5),
        jitter: Some(0.1),
        ..Attack::new(AttackKind::PortScan)
    };
    let beacon = Attack { period: Some(Nanos::from_secs(90)), ..Attack::new(AttackKind::Beacon) };
    let upload =
        Attack { bandwidth: Some(BitRate(1_000_000)), ..Attack::new(AttackKind::Exfiltration) };
    assert_eq!(config.map(|c| c.attacks), Ok(vec![scan, beacon, upload]));
}

#[test]
fn what_is_wrong_with_attacks_is_told_with_its_line() {
    let good = "  - {type: syn_flood}\n";
    for (attack, key, part) in [
        ("{type: port_scam}", "attacks.type", "unknown attack type: `port_scam`"),
        ("{name: x}", "attacks", "at least one of: type"),
        ("{type: beacon, perod: 3s}", "attacks.perod", "unknown key"),
        ("{type: beacon, name: \"a,b\"}", "attacks.name", "letters"),
        ("{type: beacon, name: syn_flood-1}", "attacks.name", "nothing else has"),
        ("{type: beacon, name: background}", "attacks.name", "nothing else has"),
        ("{type: beacon, duration: 0}", "attacks.duration", "above 0"),
        ("{type: beacon, count: 0}", "attacks.count", "above 0"),
        ("{type: beacon, count: -1}", "attacks.count", "whole number"),
        ("{type: beacon, rate: 0}", "attacks.rate", "above 0"),
        ("{type: syn_flood, rate: 2e9}", "attacks.rate", "1000000000"),
        ("{type: beacon, period: 0}", "attacks.period", "above 0"),
        ("{type: beacon, period: 1s, rate: 1}", "attacks.period", "without `rate`"),
        ("{type: syn_flood, period: 1s}", "attacks.period", "`beacon`"),
        ("{type: syn_flood, bandwidth: 1Gbps}", "attacks.bandwidth", "`exfiltration`"),
        ("{type: exfiltration, bandwidth: 0}", "attacks.bandwidth", "above 0"),
        ("{type: exfiltration, rate: 3}", "attacks.rate", "`bandwidth` and `duration`"),
        ("{type: exfiltration, bytes: 3}", "attacks.bytes", "`bandwidth` and `duration`"),
        ("{type: icmp_flood, ports: 3}", "attacks.ports", "has ports"),
        ("{type: syn_flood, ports: 9-3}", "attacks.ports", "like `22`"),
        ("{type: syn_flood, ports: 70000}", "attacks.ports", "like `22`"),
        ("{type: syn_flood, answered: 2}", "attacks.answered", "between 0 and 1"),
        ("{type: beacon, jitter: -0.1}", "attacks.jitter", "between 0 and 1"),
        ("{type: beacon, packets: 0}", "attacks.packets", "above 0"),
        ("{type: beacon, bytes: 9-3}", "attacks.bytes", "in order"),
        ("{type: beacon, source: nowhere}", "attacks.source", "is no subnet"),
        ("{type: beacon, source: 10.0.0.1, target: \"::1\"}", "attacks.target", "IP version"),
        ("{type: beacon, target: \"::1\"}", "attacks.source", "told where"),
    ] {
        let error = read(&format!("{good}  - {attack}\n")).expect_err(attack);
        let text = error.to_string();
        assert!(error.key == key && text.contains(part), "{attack}: {text}");
        assert_eq!(error.place.as_ref().map(|p| p.line), Some(6), "{attack}: {text}");
    }
    let error = read("  - {type: scan}\n").expect_err("no such attack");
    assert!(error.hint().is_some_and(|hint| hint.contains("host_scan")), "{:?}", error.hint());
}

#[test]
fn there_are_so_many_attacks_at_most() {
    let config = |count| FlowConfig {
        attacks: vec![Attack::new(AttackKind::Beacon); count],
        ..FlowConfig::default()
    };
    assert_eq!(config(ATTACKS_MAX).check(), Ok(()));
    let error = config(ATTACKS_MAX + 1).check().expect_err("one too many");
    assert!(error.to_string().contains("at most 64"), "{error}");
}
