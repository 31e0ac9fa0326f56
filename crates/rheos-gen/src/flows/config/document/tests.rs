use super::*;
use crate::flows::{Pattern, Rate};

const YAML: &str = "\
generation:
  max_flows: 1_000
  start_timestamp: 1704067200.123456789
  rate:
    bandwidth_gbps: 2.5
traffic_patterns:
  - type: Web_Traffic
    percentage: 60.5
    config: {}
  - percentage: 39.5
network:
  source_subnets: [10.0.0.0/8]
";

const JSON: &str = r#"{
  "generation": {
    "max_flows": 1000,
    "start_timestamp": 1704067200.123456789,
    "rate": {"bandwidth_gbps": 2.5}
  },
  "traffic_patterns": [
    {"type": "web_traffic", "percentage": 60.5, "config": {"any": [1, null, true]}},
    {"type": "random", "percentage": 39.5}
  ],
  "network": {"source_subnets": ["10.0.0.0/8"]}
}"#;

const TOML: &str = r#"
[generation]
max_flows = 1_000
start_timestamp = 1704067200.123456789
rate.bandwidth_gbps = 2.5
[[traffic_patterns]]
type = "https_traffic"
percentage = 60.5
[[traffic_patterns]]
percentage = 39.5
[network]
source_subnets = ["10.0.0.0/8"]
"#;

fn parse(text: &str, format: Format) -> Result<FlowConfig, FlowError> {
    FlowConfig::parse(text, format, &Variables::NONE)
}

#[test]
fn all_formats_mean_the_same() {
    let yaml = parse(YAML, Format::Yaml).expect("YAML");
    assert_eq!(parse(JSON, Format::Json).expect("JSON"), yaml);
    assert_eq!(parse(TOML, Format::Toml).expect("TOML"), yaml);
    assert_eq!(yaml.patterns, [(Pattern::Web, 60.5), (Pattern::Random, 39.5)]);
    assert_eq!(yaml.rate, Rate::Bandwidth("2.5Gbps".parse().expect("a rate")));
    assert_eq!(yaml.max_flows, Some(1000));
}

/// Seconds as floating point lost everything below 100 ns.
#[test]
fn defect_7_the_start_is_exact_to_the_nanosecond() {
    for (text, format) in [(YAML, Format::Yaml), (JSON, Format::Json), (TOML, Format::Toml)] {
        let config = parse(text, format).expect("a configuration");
        assert_eq!(config.start.as_nanos(), 1_704_067_200_123_456_789, "{}", format.name());
    }
}

/// What is put in place of a line of `YAML`, and what the error must tell: key, line, words.
const BROKEN: [(&str, &str, &str, u32, &str); 20] = [
    ("  max_flows: 1_000", "", "generation", 1, "max_flows, duration_seconds"),
    ("1_000", "0", "generation.max_flows", 2, "above 0"),
    ("1_000", "many", "generation.max_flows", 2, "`many`"),
    ("1_000", "-5", "generation.max_flows", 2, "`-5`"),
    ("1_000", "[1]", "generation.max_flows", 2, "single value"),
    ("max_flows", "max_flow", "generation.max_flow", 2, "unknown key"),
    ("1704067200.123456789", "noon", "generation.start_timestamp", 3, "noon"),
    ("    bandwidth_gbps: 2.5", "    {}", "generation.rate", 4, "bandwidth_gbps, flows_per_second"),
    ("bandwidth_gbps: 2.5", "bandwidth_gbps: 0", "generation.rate.bandwidth_gbps", 5, "greater"),
    ("bandwidth_gbps: 2.5", "bandwith: 2.5Gbps", "generation.rate.bandwith", 5, "unknown key"),
    ("Web_Traffic", "web", "traffic_patterns.type", 7, "unknown pattern type: `web`"),
    ("60.5", "60", "traffic_patterns", 6, "must sum to 100, got 99.5"),
    ("60.5", "nan", "traffic_patterns.percentage", 8, "a number"),
    ("    config: {}", "    confg: {}", "traffic_patterns.confg", 9, "unknown key"),
    ("[10.0.0.0/8]", "[]", "network.source_subnets", 12, "cannot be empty"),
    ("[10.0.0.0/8]", "10.0.0.0/8", "network.source_subnets", 12, "a list"),
    ("[10.0.0.0/8]", "[10.0.0.0/40]", "network.source_subnets", 12, "longer"),
    ("network:", "netwrok:", "netwrok", 11, "unknown key"),
    (
        "  source_subnets: [10.0.0.0/8]",
        "  source_weights: [1]",
        "network.source_weights",
        12,
        "sum",
    ),
    (
        "network:\n  source_subnets: [10.0.0.0/8]",
        "packets: {min_size: 9000}",
        "packets.max_size",
        11,
        ">=",
    ),
];

#[test]
fn mistakes_name_key_and_line() {
    for (from, to, key, line, part) in BROKEN {
        let text = YAML.replacen(from, to, 1);
        let error = parse(&text, Format::Yaml).expect_err(to);
        assert_eq!(error.key, key, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(error.place.as_ref().map(|p| p.line), Some(line), "{error}");
    }
    let unknown = parse(&YAML.replace("max_flows", "max_flow"), Format::Yaml).expect_err("a key");
    assert_eq!(unknown.hint().as_deref(), Some("did you mean `max_flows`?"));
}

#[test]
fn syntax_errors_name_their_line() {
    for (text, format, line) in [
        ("generation:\n  max_flows: [1\n", Format::Yaml, 2),
        ("generation:\n  seed: 1\n  seed: 2\n", Format::Yaml, 3),
        ("[generation]\nmax_flows = = 1\n", Format::Toml, 2),
        ("{\n \"generation\": {,}}", Format::Json, 2),
        ("[1]", Format::Json, 1),
        ("- 1", Format::Yaml, 1),
    ] {
        let error = parse(text, format).expect_err(text);
        assert!(matches!(error.problem, FlowProblem::Syntax { .. }), "{error}");
        assert_eq!(error.place.as_ref().map(|p| p.line), Some(line), "{text}: {error}");
    }
    // An empty file has no rate and no limit.
    for format in [Format::Yaml, Format::Toml] {
        assert!(parse("# nothing\n", format).is_err());
    }
}

#[test]
fn variables_take_numbers_and_parts_of_texts() {
    let text = YAML.replace("1_000", "${N}").replace("10.0.0.0/8", "10.${NET:-3}.0.0/16");
    let text = text.replace("[10.${NET:-3}.0.0/16]", "[\"10.${NET:-3}.0.0/16\"]");
    let given = [("N", "77")].into_iter().collect();
    let config = FlowConfig::parse(&text, Format::Yaml, &given).expect("a configuration");
    assert_eq!(config.max_flows, Some(77));
    assert_eq!(config.sources.subnets[0].to_string(), "10.3.0.0/16");
    let error = parse(&text, Format::Yaml).expect_err("no value");
    assert_eq!(
        error.to_string(),
        "invalid configuration: variable `N`: it has no value and no default (line 2)"
    );
}

#[test]
fn models_are_chosen_by_name() {
    let text =
        format!("{YAML}realism: {{sizes: agh_2015, arrivals: poisson, host_exponent: 1.1}}\n");
    let realism = parse(&text, Format::Yaml).expect("a configuration").realism;
    let expected = crate::flows::Realism {
        sizes: crate::flows::SizeModel::Agh2015,
        arrivals: crate::flows::Arrivals::Poisson,
        host_exponent: Some(1.1),
    };
    assert_eq!(realism, expected);
    let error = parse(&text.replace("agh_2015", "agh"), Format::Yaml).expect_err("no model");
    assert!(
        error.to_string().contains("`patterns`, `agh_2015` or `services` (line 13)"),
        "{error}"
    );
}

#[test]
fn text_cannot_include_files() {
    let error = parse(&format!("include: x.yaml\n{YAML}"), Format::Yaml).expect_err("no folder");
    assert!(error.to_string().contains("no folder"), "{error}");
}

#[test]
fn endings_tell_formats() {
    for (name, format) in
        [("a.YML", Format::Yaml), ("b/c.json", Format::Json), ("d.toml", Format::Toml)]
    {
        assert_eq!(Format::of_path(Path::new(name)), Ok(format));
    }
    let error = Format::of_path(Path::new("flows.ini")).expect_err("no format");
    assert_eq!(error.to_string(), "invalid configuration: unsupported config format: `flows.ini`");
    assert!(error.hint().is_some());
    let missing = FlowConfig::load(Path::new("no/such.yaml"), &Variables::NONE).expect_err("none");
    assert!(matches!(missing.problem, FlowProblem::Read { .. }), "{missing}");
}

proptest::proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "[ -~\n\t{}\\[\\]\",:=$]{0,200}") {
        for format in [Format::Yaml, Format::Json, Format::Toml] {
            let _ = parse(&text, format);
        }
    }

    #[test]
    fn damaged_text_never_panics(at in 0..400_usize, with in ".{0,4}") {
        for (text, format) in [(YAML, Format::Yaml), (JSON, Format::Json), (TOML, Format::Toml)] {
            let at = (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
            let _ = parse(&format!("{}{with}{}", &text[..at], &text[at..]), format);
            let _ = parse(&text[..at], format);
        }
    }
}

#[test]
fn a_document_reads_back_from_json() {
    let text = "generation: {max_flows: 5, rate: {bandwidth: 1Gbps}, seed: ~}\n\
        traffic_patterns: [{type: web_traffic, percentage: 100, config: {note: \"a \\\"b\\\" \\\\ \\u0001\"}}]\n\
        network: {source_subnets: [\"2001:db8::/64\"], destination_subnets: ['2001:db8:1::/64']}\n\
        attacks: [{type: port_scan, name: scan-1}]\n";
    let document = Document::parse(text, Format::Yaml, &Variables::NONE).expect("a document");
    let json = document.to_json();
    assert!(
        json.contains(r#""note":"a \"b\" \\ \u0001""#) && json.contains(r#""seed":null"#),
        "{json}"
    );
    let again = Document::parse(&json, Format::Json, &Variables::NONE).expect("a document");
    assert_eq!(again.to_json(), json);
    assert_eq!(again.config(), document.config());
    assert!(document.config().is_ok(), "{:?}", document.config());
}
