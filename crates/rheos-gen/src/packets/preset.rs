//! Ready-made configurations.

use super::config::{Mix, Scenario, ScenarioKind, SynthesisConfig};

/// A ready-made configuration, to be used as it is or changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// Browsing: names, TLS, some clear HTTP.
    Web,
    /// A bit of everything.
    #[default]
    Mixed,
    /// Name resolution only.
    Dns,
    /// Sensors: MQTT, CoAP, time and names; small and steady.
    Iot,
    /// `mixed` with a labelled port scan and a labelled flood, about 60 000 frames in a minute.
    Demo,
}

impl Preset {
    /// Every preset.
    pub const ALL: &'static [Self] = &[Self::Web, Self::Mixed, Self::Dns, Self::Iot, Self::Demo];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Mixed => "mixed",
            Self::Dns => "dns",
            Self::Iot => "iot",
            Self::Demo => "demo",
        }
    }

    /// What it holds, in one line.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Web => "browsing: names, TLS and some clear HTTP",
            Self::Mixed => "a bit of everything, as an office network shows it",
            Self::Dns => "name resolution only",
            Self::Iot => "sensors: MQTT, CoAP, time and names",
            Self::Demo => "mixed, with a labelled port scan and a labelled flood",
        }
    }

    /// The preset of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|preset| preset.name() == name)
    }

    /// The configuration.
    pub fn config(self) -> SynthesisConfig {
        let base = SynthesisConfig { conversations: Some(1_000), ..SynthesisConfig::default() };
        match self {
            Self::Mixed => base,
            Self::Web => SynthesisConfig {
                mix: Mix { http: 15, tls: 50, dns: 35, ..Mix::default() },
                ..base
            },
            Self::Dns => SynthesisConfig { mix: Mix { dns: 1, ..Mix::default() }, ..base },
            Self::Iot => SynthesisConfig {
                mix: Mix { mqtt: 45, coap: 30, dns: 15, ntp: 8, ping: 2, ..Mix::default() },
                ..base
            },
            Self::Demo => SynthesisConfig {
                scenarios: vec![
                    Scenario::new(ScenarioKind::PortScan, 15_000),
                    Scenario::new(ScenarioKind::SynFlood, 35_000),
                ],
                ..base
            },
        }
    }
}
