//! From settings to the plan of a run: everything is checked before the first packet is read.

use anyhow::Result;
use rheos_core::seed::Chance;
use rheos_features::pipeline::RunError;
use rheos_features::{ConnectionMode, ExtractConfig, FeatureConfig, Selection};
use rheos_flow::fragments::{FragmentConfig, OverlapPolicy};
use rheos_flow::{FlowConfig, HostLimits, IngestConfig, SamplingConfig};
use rheos_wire::filter::PacketFilter;
use rheos_wire::tunnel::TunnelPorts;
use rheos_wire::{ChecksumPolicy, DecodeConfig, TunnelKind, TunnelPolicy};

use crate::config::Settings;
use crate::config::keys::Key;
use crate::failure::Misuse;
use crate::filter;
use crate::threads::threads;

/// The plan for these settings and columns.
pub(crate) fn of_settings(settings: &Settings, selection: Selection) -> Result<ExtractConfig> {
    let count = |key| usize::try_from(settings.number(key)).unwrap_or(usize::MAX);
    Ok(ExtractConfig {
        ingest: ingest(settings)?,
        flow: flow(settings),
        features: FeatureConfig {
            selection,
            burst_threshold: settings.duration(Key::FeaturesBurstThreshold),
            sequence_packets: count(Key::FeaturesSequencePackets),
            exact_packets: count(Key::FeaturesExactPackets),
            entropy_sample_bytes: count(Key::FeaturesEntropySampleBytes),
            flow_id_salt: settings.text(Key::FeaturesFlowIdSalt).as_bytes().to_vec(),
            reassembly_flow_bytes: count(Key::FeaturesReassemblyFlowBytes),
            reassembly_total_bytes: count(Key::FeaturesReassemblyTotalBytes),
            hosts: HostLimits {
                hosts_max: count(Key::FeaturesHostsMax),
                pairs_max: count(Key::FeaturesHostPairsMax),
            },
            connection: match settings.text(Key::FeaturesConnection) {
                "exact" => ConnectionMode::Exact,
                _ => ConnectionMode::Streaming,
            },
            exact_rows_max: count(Key::FeaturesExactRowsMax),
            tls_message_max: count(Key::FeaturesTlsMessageMax),
        },
        threads: threads(settings.number(Key::FlowThreads) as usize),
    })
}

/// How frames become packets.
pub(crate) fn ingest(settings: &Settings) -> Result<IngestConfig> {
    let filter = filter::parse(settings.text(Key::DecodeFilter))?;
    let filter = PacketFilter::new(&filter)?;
    Ok(IngestConfig {
        decode: DecodeConfig {
            tunnels: match settings.text(Key::DecodeTunnels) {
                "outer" => TunnelPolicy::Outer,
                _ => TunnelPolicy::Inner,
            },
            tunnel_depth_max: settings.number(Key::DecodeTunnelDepthMax) as u8,
            checksums: match settings.text(Key::DecodeChecksums) {
                "ignore" => ChecksumPolicy::Ignore,
                "drop" => ChecksumPolicy::Drop,
                _ => ChecksumPolicy::Count,
            },
            tunnel_ports: tunnel_ports(settings)?,
        },
        fragments: fragments(settings),
        filter: (!filter.matches_all()).then_some(filter),
        sampling: SamplingConfig {
            packets: Chance::from_share(settings.share(Key::SamplingPackets)),
            flows: Chance::from_share(settings.share(Key::SamplingFlows)),
            seed: settings.number(Key::FlowSeed),
        },
    })
}

/// The kinds of tunnel that UDP ports can carry.
const PORT_TUNNELS: &[TunnelKind] = &[
    TunnelKind::Gre,
    TunnelKind::Vxlan,
    TunnelKind::Geneve,
    TunnelKind::GtpU,
    TunnelKind::Teredo,
    TunnelKind::L2tp,
    TunnelKind::Ayiya,
    TunnelKind::Mpls,
];

fn tunnel_ports(settings: &Settings) -> Result<TunnelPorts> {
    let mut ports = TunnelPorts::none();
    for entry in settings.list(Key::DecodeTunnelPorts) {
        let told = entry.split_once(':').and_then(|(name, port)| {
            let kind = PORT_TUNNELS.iter().find(|kind| kind.name() == name)?;
            Some((port.parse::<u16>().ok()?, *kind))
        });
        let Some((port, kind)) = told else {
            let names: Vec<&str> = PORT_TUNNELS.iter().map(|kind| kind.name()).collect();
            let message =
                format!("wrong value of `decode.tunnel_ports`: `{entry}` is no `kind:port`");
            let hint = format!("kinds are {}; for example `vxlan:4789`", names.join(", "));
            return Err(Misuse::new(message, hint).into());
        };
        if !ports.add(port, kind) {
            let message =
                format!("`decode.tunnel_ports` names too many ports, `{entry}` is one too many");
            return Err(Misuse::new(message, "name fewer ports").into());
        }
    }
    Ok(ports)
}

fn fragments(settings: &Settings) -> FragmentConfig {
    let overlap = |key| match settings.text(key) {
        "last" => OverlapPolicy::Last,
        "drop" => OverlapPolicy::Drop,
        _ => OverlapPolicy::First,
    };
    FragmentConfig {
        bytes_max: settings.number(Key::DecodeFragmentMemory) as usize,
        datagrams_max: settings.number(Key::DecodeFragmentDatagramsMax) as usize,
        timeout_v4: settings.duration(Key::DecodeFragmentTimeoutV4),
        timeout_v6: settings.duration(Key::DecodeFragmentTimeoutV6),
        overlap_v4: overlap(Key::DecodeFragmentOverlapV4),
        overlap_v6: overlap(Key::DecodeFragmentOverlapV6),
    }
}

/// How packets become flows.
pub(crate) fn flow(settings: &Settings) -> FlowConfig {
    FlowConfig {
        idle_timeout: settings.duration(Key::FlowIdleTimeout),
        active_timeout: settings.duration(Key::FlowActiveTimeout),
        tcp_linger: settings.duration(Key::FlowTcpLinger),
        reorder_slack: settings.duration(Key::FlowReorderSlack),
        flows_max: usize::try_from(settings.number(Key::FlowFlowsMax)).unwrap_or(usize::MAX),
        key_vlan: settings.switch(Key::FlowKeyVlan),
        key_tunnel: settings.switch(Key::FlowKeyTunnel),
        hash_seed: settings.number(Key::FlowSeed),
    }
}

/// A failed run's cause.
pub(crate) fn run_error<E: Into<anyhow::Error>>(error: RunError<E>) -> anyhow::Error {
    match error {
        RunError::Source { error, .. } | RunError::Out(error) => error.into(),
        RunError::Features(error) => error.into(),
        _ => anyhow::anyhow!("the run failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tunnel_ports_are_checked() {
        let plan = |text: &str| {
            let flags = [(Key::DecodeTunnelPorts, text.to_owned())];
            ingest(&Settings::load(None, [], &flags).expect("settings"))
        };
        let ports = plan("vxlan:99").expect("a plan").decode.tunnel_ports;
        assert_eq!(ports.get(99), Some(TunnelKind::Vxlan));
        assert_eq!(ports.get(4789), None);
        for wrong in ["vxlan", "vxlan:0x9", "ipip:99", "vxlan:70000"] {
            assert!(plan(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn default_settings_are_the_defaults_of_the_crates() {
        let settings = Settings::defaults();
        assert_eq!(flow(&settings), FlowConfig::default());
        let ingest = ingest(&settings).expect("a plan");
        assert_eq!(ingest.decode, DecodeConfig::default());
        assert_eq!(ingest.fragments, FragmentConfig::default());
        assert!(ingest.filter.is_none());
        assert_eq!(ingest.sampling, SamplingConfig::default());
        let plan = of_settings(&settings, Selection::default()).expect("a plan");
        assert_eq!(plan.features, FeatureConfig::default());
        assert!(plan.threads >= 1);
    }
}
