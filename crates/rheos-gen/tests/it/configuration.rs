//! Configurations are checked before anything is made, and errors say what to write.

use rheos_gen::{
    Addresses, Error, Faults, Link, Mix, Preset, Scenario, ScenarioKind, SynthesisConfig,
    Synthesizer, Tcp, TunnelConfig,
};

fn base() -> SynthesisConfig {
    SynthesisConfig::default()
}

fn wrong(config: &SynthesisConfig) -> Error {
    config.plan().expect_err("must be refused")
}

#[test]
fn errors_name_the_field_and_a_remedy() {
    let faults = Faults { loss_percent: 101.0, ..Faults::default() };
    let nan = Faults { truncate_percent: f64::NAN, ..Faults::default() };
    let sum = Tcp { refused_percent: 60.0, unanswered_percent: 60.0, ..Tcp::default() };
    let no_v6 = Addresses { servers: vec!["10.0.0.0/8".into()], ..Addresses::default() };
    let vlan = Link { vlan_percent: 5.0, ..Link::default() };
    let tunnel = TunnelConfig { percent: 5.0, ..TunnelConfig::default() };
    let versions =
        Scenario { target: Some("2001:db8::1".into()), ..Scenario::new(ScenarioKind::PortScan, 0) };
    let cases = [
        (SynthesisConfig { faults, ..base() }, "faults.loss_percent"),
        (SynthesisConfig { faults: nan, ..base() }, "faults.truncate_percent"),
        (SynthesisConfig { tcp: sum, ..base() }, "tcp.unanswered_percent"),
        (SynthesisConfig { addresses: no_v6, ..base() }, "addresses.servers"),
        (SynthesisConfig { link: vlan, ..base() }, "link.vlan_ids"),
        (SynthesisConfig { link: Link { mtu: 500, ..Link::default() }, ..base() }, "link.mtu"),
        (SynthesisConfig { tunnel, ..base() }, "tunnel.kinds"),
        (SynthesisConfig { mix: Mix::default(), ..base() }, "mix"),
        (SynthesisConfig { live_max: 0, ..base() }, "live_max"),
        (SynthesisConfig { conversations_per_sec: Some(0.0), ..base() }, "conversations_per_sec"),
        (SynthesisConfig { scenarios: vec![versions], ..base() }, "port_scan"),
    ];
    for (config, field) in cases {
        let error = wrong(&config);
        let text = error.to_string();
        assert!(text.contains(field), "{text}");
        assert!(error.hint().len() > 10, "{text}");
    }
}

#[test]
fn toml_reads_with_defaults_and_refuses_unknown_fields() {
    let text = "
        seed = 7
        conversations = 10
        [mix]
        dns = 1
        [tunnel]
        kinds = ['vxlan', 'gre']
        percent = 10
        [[scenarios]]
        kind = 'syn_flood'
        start_ms = 500
    ";
    let config: SynthesisConfig = toml::from_str(text).expect("reads");
    assert_eq!((config.seed, config.mix.http, config.link.mtu), (7, 0, 1_500));
    assert_eq!(config.plan().expect("sound").conversations(), 5_010);
    let error = toml::from_str::<SynthesisConfig>("sed = 7").expect_err("unknown");
    assert!(error.to_string().contains("sed"), "{error}");
    for preset in Preset::ALL {
        let value = toml::Value::try_from(preset.config()).expect("writes");
        let again: SynthesisConfig = value.try_into().expect("reads");
        assert_eq!(again, preset.config());
        assert_eq!(Preset::named(preset.name()), Some(*preset));
        assert!(!preset.summary().is_empty());
    }
}

#[test]
fn a_rate_and_a_duration_give_a_count() {
    let config = SynthesisConfig {
        conversations: None,
        conversations_per_sec: Some(40.0),
        duration_ms: 5_000,
        ..base()
    };
    assert_eq!(config.plan().expect("sound").conversations(), 200);
}

#[test]
fn the_limit_of_live_conversations_holds_and_is_counted() {
    let config =
        SynthesisConfig { conversations: Some(300), duration_ms: 1_000, live_max: 5, ..base() };
    let mut made = Synthesizer::new(config.plan().expect("sound"));
    let (mut frame, mut last) = (Vec::new(), None);
    while let Some(info) = made.next_into(&mut frame) {
        assert!(last <= Some(info.ts));
        last = Some(info.ts);
    }
    let counters = made.counters();
    assert_eq!((counters.conversations, counters.live_peak), (300, 5));
    assert!(counters.begun_late > 100, "{}", counters.begun_late);
}

#[test]
fn short_frames_are_padded_only_on_request() {
    let shortest = |pad| {
        let link = Link { pad_short_frames: pad, ..Link::default() };
        let config = SynthesisConfig { conversations: Some(200), link, ..base() };
        let mut made = Synthesizer::new(config.plan().expect("sound"));
        let mut frame = Vec::new();
        let lengths = std::iter::from_fn(|| made.next_into(&mut frame).map(|_| frame.len()));
        lengths.min()
    };
    assert_eq!(shortest(true), Some(60));
    assert!(shortest(false) < Some(60));
}
