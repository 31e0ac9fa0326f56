//! Anomalies carry their labels and look like what they are.

use std::collections::{BTreeMap, BTreeSet};

use rheos_gen::{FlowTruth, Plan, Preset, Scenario, ScenarioKind, SynthesisConfig};

use super::tally::run;

fn labelled<'a>(truth: &'a [FlowTruth], plan: &Plan, name: &str) -> Vec<&'a FlowTruth> {
    truth.iter().filter(|flow| plan.label(flow.label) == name).collect()
}

#[test]
fn the_demo_holds_a_scan_and_a_flood() {
    let (tally, truth, made) = run(&Preset::Demo.config(), |_, _, _| {});
    let frames = made.counters().frames;
    assert!((50_000..70_000).contains(&frames), "{frames}");
    tally.assert_equals(&truth);

    let scan = labelled(&truth, made.plan(), "port_scan");
    let ports: BTreeSet<u16> = scan.iter().map(|flow| flow.tuple.dst_port).collect();
    let pairs: BTreeSet<_> = scan.iter().map(|flow| (flow.tuple.src, flow.tuple.dst)).collect();
    assert_eq!((scan.len(), ports.len(), pairs.len()), (1_000, 1_000, 1));
    assert!(scan.iter().all(|flow| flow.directions[0].payload_bytes == 0));

    let flood = labelled(&truth, made.plan(), "syn_flood");
    let sources: BTreeSet<_> = flood.iter().map(|flow| flow.tuple.src).collect();
    assert_eq!(flood.len(), 5_000);
    assert!(sources.len() > 4_700, "{}", sources.len());
    assert!(flood.iter().all(|flow| flow.directions[0].packets == 1));

    let anomalies: Vec<_> = made.plan().labels().iter().filter(|label| label.anomaly).collect();
    assert_eq!(anomalies.len(), 2);
}

#[test]
fn every_scenario_is_labelled_and_decodes() {
    let config = SynthesisConfig {
        conversations: Some(50),
        scenarios: ScenarioKind::ALL.iter().map(|kind| Scenario::new(*kind, 1_000)).collect(),
        ..SynthesisConfig::default()
    };
    let (tally, truth, made) = run(&config, |_, _, _| {});
    assert_eq!((tally.dropped, tally.wrong_checksums), (0, 0));
    tally.assert_equals(&truth);
    let plan = made.plan();
    let mut flows: BTreeMap<&str, usize> = BTreeMap::new();
    for flow in &truth {
        *flows.entry(plan.label(flow.label)).or_default() += 1;
    }
    for (kind, count) in [
        ("port_scan", 1_000),
        ("syn_flood", 5_000),
        ("udp_flood", 50),
        ("brute_force", 60),
        ("beacon", 20),
        ("dns_tunnel", 2),
        ("exfiltration", 1),
    ] {
        assert_eq!(flows.get(kind), Some(&count), "{kind}");
    }
    let sums = |name| {
        let flows = labelled(&truth, plan, name);
        [0, 1].map(|n| flows.iter().map(|flow| flow.directions[n].payload_bytes).sum::<u64>())
    };
    let [up, down] = sums("exfiltration");
    assert!(up >= 5_000_000 && down < 10_000, "{up} {down}");
    let [up, _] = sums("udp_flood");
    assert!(up > 50 * 100 * 512, "{up}");
    let tunnel = labelled(&truth, plan, "dns_tunnel");
    assert!(tunnel.iter().all(|flow| flow.directions[0].packets == 200));
}

#[test]
fn beacons_keep_their_interval() {
    let config = SynthesisConfig {
        conversations: Some(0),
        scenarios: vec![Scenario {
            label: Some("c2".into()),
            attacker: Some("2001:db8:20::7".into()),
            target: Some("2001:db8:80::1".into()),
            ..Scenario::new(ScenarioKind::Beacon, 0)
        }],
        ..SynthesisConfig::default()
    };
    let (_, mut truth, made) = run(&config, |_, _, _| {});
    truth.sort_by_key(|flow| flow.first);
    assert_eq!(labelled(&truth, made.plan(), "c2").len(), 20);
    for pair in truth.windows(2) {
        let gap = pair[1].first.since(pair[0].first).as_secs_f64();
        assert!((4.5..=5.5).contains(&gap), "{gap}");
    }
}
