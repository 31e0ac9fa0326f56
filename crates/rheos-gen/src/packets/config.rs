//! What is wanted, as written in a configuration file: every field optional, unknown fields are errors.

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use crate::Error;

/// Everything that determines the made frames. [`SynthesisConfig::plan`] checks it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SynthesisConfig {
    /// All randomness follows from it.
    pub seed: u64,
    /// When the first conversation may begin: seconds since the Unix epoch.
    pub start_secs: u64,
    /// The time over which conversations begin, in milliseconds. Each one then runs to its own end.
    pub duration_ms: u64,
    /// How many background conversations. Without it: as many as the rate gives in the duration.
    pub conversations: Option<u64>,
    /// How many background conversations begin per second. Without it: `conversations` over the duration.
    pub conversations_per_sec: Option<f64>,
    /// Which kinds of conversation, by weight.
    pub mix: Mix,
    /// Who talks.
    pub addresses: Addresses,
    /// How TCP connections behave.
    pub tcp: Tcp,
    /// The link the frames travel on.
    pub link: Link,
    /// Encapsulation of some conversations.
    pub tunnel: TunnelConfig,
    /// What goes wrong.
    pub faults: Faults,
    /// Labelled anomalies beside the background.
    pub scenarios: Vec<Scenario>,
    /// The most conversations alive at once; further ones begin late, and are counted.
    pub live_max: u32,
}

/// Weights of the kinds of conversation; 0 leaves a kind out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mix {
    /// HTTP/1.1 in clear, persistent connections.
    pub http: u32,
    /// TLS 1.3 with server name, requests and responses as application data.
    pub tls: u32,
    /// SSH: version, key exchange, then keystrokes and output.
    pub ssh: u32,
    /// DNS over UDP: A, AAAA, TXT, PTR and names that do not exist.
    pub dns: u32,
    /// NTP client and server.
    pub ntp: u32,
    /// RTP at a constant rate, one or both ways.
    pub rtp: u32,
    /// Requests answered by datagrams larger than the MTU, so in IP fragments.
    pub udp_large: u32,
    /// MQTT: connect, publish, keep alive.
    pub mqtt: u32,
    /// CoAP over UDP.
    pub coap: u32,
    /// ICMP and ICMPv6 echo.
    pub ping: u32,
    /// Datagrams to a closed port, answered by ICMP "port unreachable".
    pub udp_closed: u32,
}

/// Who talks to whom. The defaults are private and documentation ranges (RFC 1918, 5737, 3849).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Addresses {
    /// Prefixes or addresses that start conversations.
    pub clients: Vec<String>,
    /// Prefixes or addresses that answer.
    pub servers: Vec<String>,
    /// Name servers that clients ask.
    pub resolvers: Vec<String>,
    /// Share of conversations over IPv6.
    pub ipv6_percent: f64,
    /// The most hosts used of each prefix.
    pub hosts_max: u32,
}

/// How TCP connections behave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tcp {
    /// Share of connections answered by a reset.
    pub refused_percent: f64,
    /// Share of connections nobody answers; the SYN is repeated after 1 and 3 seconds.
    pub unanswered_percent: f64,
    /// Share of established connections that end by a reset instead of two FINs.
    pub reset_percent: f64,
    /// The largest message in bytes: cuts the heavy tail of sizes.
    pub message_bytes_max: u32,
}

/// The link the frames travel on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Link {
    /// Largest IP packet in bytes, tunnel headers included.
    pub mtu: u16,
    /// VLAN ids in use; a client keeps its VLAN.
    pub vlan_ids: Vec<u16>,
    /// Share of clients that are in a VLAN.
    pub vlan_percent: f64,
    /// Outer tag (IEEE 802.1ad) around every tagged frame.
    pub qinq_outer: Option<u16>,
    /// Pad frames to 60 bytes, as network cards deliver them.
    pub pad_short_frames: bool,
}

/// Encapsulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TunnelChoice {
    /// RFC 7348, port 4789.
    Vxlan,
    /// RFC 8926, port 6081.
    Geneve,
    /// RFC 2784 and 2890 with key, IP inside.
    Gre,
    /// IP in IP (RFC 2003, 2473, 4213).
    Ipip,
    /// GTPv1-U (3GPP TS 29.281), port 2152.
    Gtpu,
    /// ERSPAN type II: both directions mirrored to one collector.
    Erspan,
    /// L2TPv2 data with PPP (RFC 2661), port 1701.
    L2tp,
}

/// Which conversations travel in a tunnel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TunnelConfig {
    /// Encapsulations in use; each tunnelled conversation takes one of them.
    pub kinds: Vec<TunnelChoice>,
    /// Share of conversations in a tunnel.
    pub percent: f64,
    /// Share of those whose outer packets are IPv6.
    pub ipv6_percent: f64,
}

/// What goes wrong, in percent of the frames it can happen to. All zero by default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Frames that never come.
    pub loss_percent: f64,
    /// The path loses them: lost TCP data, SYN and FIN and lost questions are sent again. Otherwise only the
    /// capture misses them.
    pub retransmit: bool,
    /// Frames that come late, behind others.
    pub reorder_percent: f64,
    /// How late at most, in milliseconds.
    pub reorder_ms_max: u32,
    /// Frames that come twice.
    pub duplicate_percent: f64,
    /// Frames captured only in part.
    pub truncate_percent: f64,
    /// Frames with a wrong IP length, UDP length or TCP header length.
    pub bad_length_percent: f64,
    /// Frames with a wrong checksum.
    pub bad_checksum_percent: f64,
}

/// A labelled anomaly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What happens.
    pub kind: ScenarioKind,
    /// When it begins, in milliseconds after the start.
    #[serde(default)]
    pub start_ms: u64,
    /// How many conversations (probes, logins, bursts, ...); a default for each kind.
    #[serde(default)]
    pub count: Option<u64>,
    /// How many of them begin per second; a default for each kind.
    #[serde(default)]
    pub rate_per_sec: Option<f64>,
    /// The acting host; for floods with spoofed sources the prefix they come from.
    #[serde(default)]
    pub attacker: Option<String>,
    /// The other host.
    #[serde(default)]
    pub target: Option<String>,
    /// Bytes to carry away (`exfiltration`).
    #[serde(default)]
    pub bytes: Option<u32>,
    /// The label of its frames; the kind's name by default.
    #[serde(default)]
    pub label: Option<String>,
}

/// What a scenario does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScenarioKind {
    /// SYN probes over the ports of one host: mostly resets, some silence, few open.
    PortScan,
    /// SYNs from spoofed sources to one port; the backlog soon answers no more.
    SynFlood,
    /// Bursts of large datagrams from many sources to random ports.
    UdpFlood,
    /// SSH logins, one after the other.
    BruteForce,
    /// Short TLS connections to one server at steady intervals.
    Beacon,
    /// Data hidden in the names and TXT answers of DNS.
    DnsTunnel,
    /// One large upload.
    Exfiltration,
}

impl ScenarioKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::PortScan,
        Self::SynFlood,
        Self::UdpFlood,
        Self::BruteForce,
        Self::Beacon,
        Self::DnsTunnel,
        Self::Exfiltration,
    ];

    /// Its name in configurations and labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PortScan => "port_scan",
            Self::SynFlood => "syn_flood",
            Self::UdpFlood => "udp_flood",
            Self::BruteForce => "brute_force",
            Self::Beacon => "beacon",
            Self::DnsTunnel => "dns_tunnel",
            Self::Exfiltration => "exfiltration",
        }
    }

    /// Conversations and conversations per second when a scenario says nothing of them.
    pub(crate) const fn defaults(self) -> (u64, f64) {
        match self {
            Self::PortScan => (1_000, 200.0),
            Self::SynFlood => (5_000, 2_000.0),
            Self::UdpFlood => (50, 20.0),
            Self::BruteForce => (60, 2.0),
            Self::Beacon => (20, 0.2),
            Self::DnsTunnel => (2, 0.2),
            Self::Exfiltration => (1, 1.0),
        }
    }
}

impl SynthesisConfig {
    /// Checks everything and works out what follows from it.
    pub fn plan(&self) -> Result<Plan, Error> {
        Plan::new(self)
    }
}

impl Scenario {
    /// This kind with its defaults, beginning `start_ms` milliseconds after the start.
    pub const fn new(kind: ScenarioKind, start_ms: u64) -> Self {
        Self {
            kind,
            start_ms,
            count: None,
            rate_per_sec: None,
            attacker: None,
            target: None,
            bytes: None,
            label: None,
        }
    }
}

impl Default for SynthesisConfig {
    /// The preset `mixed`: 1000 conversations in a minute.
    fn default() -> Self {
        Self {
            seed: 1,
            start_secs: 1_736_154_000,
            duration_ms: 60_000,
            conversations: None,
            conversations_per_sec: None,
            mix: Mix::mixed(),
            addresses: Addresses::default(),
            tcp: Tcp::default(),
            link: Link::default(),
            tunnel: TunnelConfig::default(),
            faults: Faults::default(),
            scenarios: Vec::new(),
            live_max: 1 << 20,
        }
    }
}

impl Default for Addresses {
    fn default() -> Self {
        let list = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
        Self {
            clients: list(&["10.20.0.0/22", "2001:db8:20::/64"]),
            servers: list(&[
                "192.0.2.0/24",
                "198.51.100.0/24",
                "203.0.113.0/24",
                "2001:db8:80::/64",
            ]),
            resolvers: list(&["10.0.0.53", "10.0.1.53", "2001:db8:53::53"]),
            ipv6_percent: 20.0,
            hosts_max: 1024,
        }
    }
}

impl Default for Tcp {
    fn default() -> Self {
        Self {
            refused_percent: 1.0,
            unanswered_percent: 1.0,
            reset_percent: 8.0,
            message_bytes_max: 4 << 20,
        }
    }
}

impl Default for Link {
    fn default() -> Self {
        Self {
            mtu: 1500,
            vlan_ids: Vec::new(),
            vlan_percent: 0.0,
            qinq_outer: None,
            pad_short_frames: true,
        }
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            loss_percent: 0.0,
            retransmit: true,
            reorder_percent: 0.0,
            reorder_ms_max: 5,
            duplicate_percent: 0.0,
            truncate_percent: 0.0,
            bad_length_percent: 0.0,
            bad_checksum_percent: 0.0,
        }
    }
}

impl Mix {
    /// A bit of everything, as an office network shows it.
    pub const fn mixed() -> Self {
        Self {
            http: 16,
            tls: 38,
            ssh: 2,
            dns: 28,
            ntp: 3,
            rtp: 1,
            udp_large: 1,
            mqtt: 2,
            coap: 2,
            ping: 4,
            udp_closed: 1,
        }
    }
}
