use super::*;
use crate::flows::{FlowConfig, Format, Variables};

fn parse(patterns: &str) -> Result<FlowConfig, FlowError> {
    let text = format!(
        "generation: {{max_flows: 10, rate: {{bandwidth_gbps: 1}}}}\ntraffic_patterns:\n{patterns}"
    );
    FlowConfig::parse(&text, Format::Yaml, &Variables::NONE)
}

const MQTT: &str = "  - {type: web_traffic, percentage: 60}
  - type: service
    percentage: 40
    name: mqtt
    protocol: tcp
    ports: [1883, 8883-8884]
    packets: {lognormal: {median: 6, sigma: 1.1}}
    bytes_per_packet: {uniform: [60, 300]}
    gap_ms: {mixture: [{weight: 3, exponential: 20}, {constant: 1000}]}
    reply: {packets: 4}
    dscp: 10
";

#[test]
fn a_service_is_read() {
    let config = parse(MQTT).expect("a configuration");
    let packets = Distribution::LogNormal { median: 6.0, sigma: 1.1 };
    let bytes = Distribution::Uniform { from: 60.0, to: 300.0 };
    let gap_ms = Distribution::Mixture(vec![
        (3.0, Distribution::Exponential { mean: 20.0 }),
        (1.0, Distribution::Constant(1000.0)),
    ]);
    let service = Service {
        name: "mqtt".to_owned(),
        protocol: 6,
        ports: vec![(1883, 1883), (8883, 8884)],
        packets,
        bytes_per_packet: bytes.clone(),
        gap_ms,
        reply: Some(Reply { packets: Distribution::Constant(4.0), bytes_per_packet: bytes }),
        dscp: 10,
    };
    assert_eq!(config.services, [(service, 40.0)]);
    assert_eq!(config.patterns.len(), 1);
    let plan = config.plan().expect("a plan");
    assert!(!plan.is_narrow());
    assert_eq!(plan.services().len(), 1);
}

#[test]
fn every_distribution_is_read() {
    for (text, expected) in [
        ("7.5", Distribution::Constant(7.5)),
        ("{constant: 7.5}", Distribution::Constant(7.5)),
        ("{exponential: 3}", Distribution::Exponential { mean: 3.0 }),
        ("{pareto: {least: 4, alpha: 1.2}}", Distribution::Pareto { least: 4.0, alpha: 1.2 }),
        ("{weibull: {scale: 9, shape: 0.5}}", Distribution::Weibull { scale: 9.0, shape: 0.5 }),
        ("{normal: {mean: 9, deviation: 2}}", Distribution::Normal { mean: 9.0, deviation: 2.0 }),
        ("{quantiles: [1, 2, 50]}", Distribution::Quantiles(vec![1.0, 2.0, 50.0])),
    ] {
        let text = MQTT.replace("{lognormal: {median: 6, sigma: 1.1}}", text);
        assert_eq!(parse(&text).expect("a configuration").services[0].0.packets, expected);
    }
}

#[test]
fn mistakes_are_told_with_key_line_and_remedy() {
    for (from, to, key, line, part) in [
        ("protocol: tcp", "protocol: tpc", "protocol", 7, "a protocol's name or number"),
        ("    protocol: tcp\n", "", "", 4, "protocol"),
        ("[1883, 8883-8884]", "[8884-8883]", "ports", 8, "8000-8100"),
        ("[1883, 8883-8884]", "[70000]", "ports", 8, "8000-8100"),
        ("    ports: [1883, 8883-8884]\n", "", "ports", 4, "cannot be empty"),
        ("sigma: 1.1", "sigma: 11", "packets", 9, "between 0 and 10"),
        ("sigma: 1.1", "sgima: 1.1", "packets.lognormal.sgima", 9, "unknown key"),
        (", sigma: 1.1", "", "packets.lognormal", 9, "sigma"),
        ("[60, 300]", "[60, 300, 900]", "bytes_per_packet.uniform", 10, "two numbers"),
        ("{uniform: [60, 300]}", "{}", "bytes_per_packet", 10, "lognormal"),
        (
            "{uniform: [60, 300]}",
            "{constant: 1, exponential: 2}",
            "bytes_per_packet.exponential",
            10,
            "mixture",
        ),
        ("exponential: 20", "mixture: []", "gap_ms.mixture.mixture", 11, "unknown key"),
        ("dscp: 10", "dscp: 64", "dscp", 13, "whole number"),
        ("percentage: 40", "percentage: 41", "", 2, "must sum to 100"),
    ] {
        assert!(MQTT.contains(from), "{from}");
        let error = parse(&MQTT.replace(from, to)).expect_err(to);
        let full = if key.is_empty() {
            "traffic_patterns".to_owned()
        } else {
            format!("traffic_patterns.{key}")
        };
        let text = error.to_string();
        assert_eq!(error.key, full, "{text}");
        assert_eq!(error.place.as_ref().map(|p| p.line), Some(line), "{text}");
        assert!(text.contains(part), "{text}");
    }
}

const SESSIONS: &str = "generation: {max_flows: 10, rate: {bandwidth_gbps: 1}}
traffic_patterns: [{type: web_traffic, percentage: 100}]
realism:
  sizes: services
  conversations:
    answered: 0.9
    round_trip: {constant: 12}
    dns_before: 0
  service_affinity: true
  active_timeout: 5m
  inactive_timeout: 15
";

#[test]
fn conversations_are_read() {
    let read = |text: &str| FlowConfig::parse(text, Format::Yaml, &Variables::NONE);
    let sessions = read(SESSIONS).expect("a configuration").sessions;
    let talk = Conversations {
        answered: 0.9,
        round_trip: Distribution::Constant(12.0),
        dns_before: 0.0,
        ..Conversations::default()
    };
    let expected = Sessions {
        conversations: Some(talk),
        service_affinity: true,
        active_timeout: Some(rheos_core::Nanos::from_secs(300)),
        inactive_timeout: Some(rheos_core::Nanos::from_secs(15)),
    };
    assert_eq!(sessions, expected);
    let (head, _) = SESSIONS.split_once("  conversations").expect("the key");
    let sessions = read(&format!("{head}  conversations: true\n")).expect("a configuration");
    assert_eq!(sessions.sessions.conversations, Some(Conversations::default()));
    let sessions = read(&format!("{head}  conversations: false\n")).expect("a configuration");
    assert_eq!(sessions.sessions, Sessions::default());
    for (from, to, key, line) in [
        ("answered: 0.9", "answered: 1.9", "conversations.answered", 6),
        ("answered", "answerd", "conversations.answerd", 6),
        ("{constant: 12}", "{constant: -12}", "conversations.round_trip", 7),
        ("active_timeout: 5m", "active_timeout: 5ms", "active_timeout", 10),
        ("service_affinity: true", "service_affinity: perhaps", "service_affinity", 9),
    ] {
        let error = read(&SESSIONS.replacen(from, to, 1)).expect_err(to);
        assert_eq!(error.key, format!("realism.{key}"), "{error}");
        assert_eq!(error.place.as_ref().map(|p| p.line), Some(line), "{error}");
    }
}
