//! `rheos gen fit`: what is learned makes more of the same.

use serde_json::Value;

use crate::run::{Sandbox, assert_run, stdout};

/// The distances of two flow files, by field.
fn distances(sandbox: &Sandbox, first: &str, second: &str) -> Vec<(String, f64)> {
    let told = stdout(sandbox, &format!("flows compare {first} {second} --format json"));
    let rows: Value = serde_json::from_str(&told).expect("JSON");
    let row = |row: &Value| {
        let distance = row["ks"].as_f64().or(row["divergence"].as_f64()).expect("a distance");
        (row["field"].as_str().expect("a field").to_owned(), distance)
    };
    rows.as_array().expect("rows").iter().map(row).collect()
}

/// A configuration with conversations of three services, few servers and bursts.
const OFFICE: &str = "
generation: {seed: 3, max_flows: 60000, rate: {flows_per_second: 2000}}
traffic_patterns:
  - {type: service, name: https, percentage: 60, protocol: tcp, ports: [443],
     packets: {lognormal: {median: 12, sigma: 1.1}}, bytes_per_packet: {uniform: [60, 900]},
     gap_ms: {exponential: 20}}
  - {type: service, name: dns, percentage: 30, protocol: udp, ports: [53],
     packets: {constant: 1}, bytes_per_packet: {uniform: [60, 90]}, gap_ms: {constant: 0}}
  - {type: service, name: mqtt, percentage: 10, protocol: tcp, ports: [1883],
     packets: {uniform: [4, 40]}, bytes_per_packet: {constant: 80}, gap_ms: {constant: 1000}}
network:
  source_subnets: [10.1.2.0/24, 10.1.3.0/24]
  source_weights: [75, 25]
  destination_subnets: [198.51.100.0/24, \"2001:db8:7::/64\"]
  destination_weights: [100, 0]
realism: {sizes: services, host_exponent: 0.9, arrivals: poisson, conversations: {answered: 0.9, refused: 0, dns_before: 0}}
";

#[test]
fn what_is_learned_makes_more_of_the_same() {
    let sandbox = Sandbox::new().with("office.yaml", OFFICE);
    stdout(&sandbox, "gen flows --plan office.yaml -o office.parquet");
    stdout(&sandbox, "gen fit office.parquet -o like.yaml");
    stdout(&sandbox, "gen flows --plan like.yaml -o like.parquet");
    let fields = distances(&sandbox, "office.parquet", "like.parquet");
    let of = |name: &str| {
        let found = fields.iter().find(|(field, _)| field == name);
        found.unwrap_or_else(|| panic!("no {name} in {fields:?}")).1
    };
    for (field, most) in [
        ("bytes", 0.05),
        ("packets", 0.05),
        ("duration", 0.08),
        ("protocol", 0.01),
        ("dst_port", 0.3),
    ] {
        assert!(of(field) < most, "{field}: {fields:?}");
    }
    // A second model of what the first one made is the same in its shape.
    stdout(&sandbox, "gen fit like.parquet -o again.yaml");
    let names = |file: &str| {
        let text = sandbox.text(file);
        let names = text.lines().filter(|line| line.trim_start().starts_with("name: "));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names("like.yaml"), names("again.yaml"));
    assert_eq!(names("like.yaml"), ["    name: https", "    name: domain-udp", "    name: mqtt"]);
}

/// Few servers have most flows of their port: as hosts by popularity, they would be more unequal than any client.
#[test]
fn servers_that_own_their_ports_are_learned() {
    let affine = OFFICE.replace("host_exponent: 0.9", "host_exponent: 0.9, service_affinity: true");
    let sandbox = Sandbox::new().with("office.yaml", OFFICE).with("affine.yaml", &affine);
    for (plan, is_owned) in [("office", false), ("affine", true)] {
        stdout(&sandbox, &format!("gen flows --plan {plan}.yaml -o {plan}.parquet"));
        let learned = stdout(&sandbox, &format!("gen fit {plan}.parquet"));
        assert_eq!(learned.contains("  service_affinity: true"), is_owned, "{plan}: {learned}");
        let exponent = learned.lines().find_map(|line| line.trim().strip_prefix("host_exponent: "));
        let exponent: f64 = exponent.expect("an exponent").parse().expect("a number");
        assert!((exponent - 0.9).abs() < 0.15, "{plan}: {exponent}");
    }
}

#[test]
fn captures_and_the_older_schema_are_learned_from_too() {
    let sandbox = Sandbox::new();
    stdout(&sandbox, "gen packets --preset web --conversations 200 --seed 5 -o web.pcap");
    let yaml = stdout(&sandbox, "gen fit web.pcap");
    assert!(yaml.contains("name: https") || yaml.contains("name: http"), "{yaml}");
    assert!(yaml.contains("conversations:\n    answered: "), "{yaml}");
    stdout(&sandbox, "gen flows -n 20k -o simple.csv");
    let yaml = stdout(&sandbox, "gen fit simple.csv");
    assert!(yaml.contains("name: https") && yaml.contains("packets: {constant: 1}"), "{yaml}");
}

#[test]
fn the_run_tells_what_was_learned_and_how_alike_it_is() {
    let sandbox = Sandbox::new();
    stdout(&sandbox, "gen flows -n 5k -o simple.csv");
    assert_run("gen_fit", &sandbox.run("gen fit simple.csv -o like.yaml"));
    assert_run("gen_fit_exists", &sandbox.run("gen fit simple.csv -o like.yaml"));
    assert_run("gen_fit_none", &sandbox.run("gen fit simple.csv --filter 'port 1'"));
}
