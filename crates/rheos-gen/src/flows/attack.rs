//! Attacks within the traffic, with labels: scans, floods, guessed passwords, beacons, exfiltration, tunnels.
//!
//! | what | file |
//! |---|---|
//! | what an attack does by default, and where that comes from | `model` |
//! | what a configuration says about one, made whole | `settled` |
//! | when its events are and how many records come before a moment | `pace` |
//! | its hosts, one after the other or all over | `hosts` |
//! | the records of an event | `records` |
//! | what was made, attack by attack | [`AttackTally`] |
//!
//! An attack is a row of events, each of one record or two: a probe and what answers it. Everything about event `e`
//! follows from the plan's seed, the attack's place in the list and `e`; how many records come before a moment has a
//! closed form. So attacks have no part in what it costs to go anywhere in the row.

mod hosts;
mod model;
mod pace;
mod records;
mod settled;
mod tally;

use rheos_core::units::BitRate;
use rheos_core::{Nanos, suggest};

use super::config::FlowRate;
use super::subnet::Subnet;

pub(super) use pace::Event;
pub(super) use records::AttackPlan;
pub(super) use settled::Settled;
pub use tally::{AttackSums, AttackTally, TruthFormat};

/// Most attacks at once: for each of them a cursor lies on the stack while records are put in order.
pub(super) const ATTACKS_MAX: usize = 64;
/// Most subnets and ranges of ports of an attack.
pub(super) const LIST_MAX: usize = 64;
/// Longest name of an attack.
pub(super) const NAME_MAX: usize = 64;

/// A kind of attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttackKind {
    /// Many ports of few hosts, by TCP SYN.
    PortScan,
    /// One port of many hosts, by TCP SYN.
    HostScan,
    /// SYNs from addresses that are not the sender's.
    SynFlood,
    /// UDP datagrams from many addresses to any port.
    UdpFlood,
    /// Echo requests from many addresses.
    IcmpFlood,
    /// Large answers of DNS servers to questions that the victim has not asked.
    DnsAmplification,
    /// Short sessions of like size: one password after the other.
    BruteForce,
    /// Small sessions at regular times: a program asks its master for orders.
    Beacon,
    /// One long upload.
    Exfiltration,
    /// Many DNS questions with long names and large answers.
    DnsTunnel,
}

impl AttackKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::PortScan,
        Self::HostScan,
        Self::SynFlood,
        Self::UdpFlood,
        Self::IcmpFlood,
        Self::DnsAmplification,
        Self::BruteForce,
        Self::Beacon,
        Self::Exfiltration,
        Self::DnsTunnel,
    ];

    /// Its name in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PortScan => "port_scan",
            Self::HostScan => "host_scan",
            Self::SynFlood => "syn_flood",
            Self::UdpFlood => "udp_flood",
            Self::IcmpFlood => "icmp_flood",
            Self::DnsAmplification => "dns_amplification",
            Self::BruteForce => "brute_force",
            Self::Beacon => "beacon",
            Self::Exfiltration => "exfiltration",
            Self::DnsTunnel => "dns_tunnel",
        }
    }

    /// The technique of MITRE ATT&CK (Enterprise) that it is.
    pub const fn technique(self) -> &'static str {
        match self {
            // Network Service Discovery.
            Self::PortScan => "T1046",
            // Active Scanning: Scanning IP Blocks.
            Self::HostScan => "T1595.001",
            // Endpoint Denial of Service: OS Exhaustion Flood.
            Self::SynFlood => "T1499.001",
            // Network Denial of Service: Direct Network Flood.
            Self::UdpFlood | Self::IcmpFlood => "T1498.001",
            // Network Denial of Service: Reflection Amplification.
            Self::DnsAmplification => "T1498.002",
            // Brute Force: Password Guessing.
            Self::BruteForce => "T1110.001",
            // Application Layer Protocol: Web Protocols.
            Self::Beacon => "T1071.001",
            // Exfiltration Over Alternative Protocol.
            Self::Exfiltration => "T1048",
            // Application Layer Protocol: DNS.
            Self::DnsTunnel => "T1071.004",
        }
    }

    /// The kind of this name, in any case; else the nearest name.
    pub fn of_name(text: &str) -> Result<Self, Option<&'static str>> {
        let found = Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| suggest::nearest(text, Self::ALL.iter().map(|kind| kind.name())))
    }
}

/// An attack as it is wanted. What is not told has a default that fits the kind and the networks.
#[derive(Clone, Debug, PartialEq)]
pub struct Attack {
    /// What it is.
    pub kind: AttackKind,
    /// What it is called in the ground truth; `port_scan-1` for the first in the list, if it is empty.
    pub name: String,
    /// When it begins, after the start.
    pub start: Nanos,
    /// How long it goes on.
    pub duration: Option<Nanos>,
    /// Events per second.
    pub rate: Option<FlowRate>,
    /// How many events: probes, sessions, questions.
    pub count: Option<u64>,
    /// Who does it.
    pub sources: Vec<Subnet>,
    /// Whom it is done to.
    pub targets: Vec<Subnet>,
    /// Ranges of ports of the targets, both ends included.
    pub ports: Vec<(u16, u16)>,
    /// Packets of a request, from and to.
    pub packets: Option<(u32, u32)>,
    /// Bytes of a request, from and to.
    pub bytes: Option<(u64, u64)>,
    /// How many of the requests get an answer, 0 to 1.
    pub answered: Option<f64>,
    /// The time between two beacons of one host.
    pub period: Option<Nanos>,
    /// By how much of its period a beacon may be late, 0 to 1.
    pub jitter: Option<f64>,
    /// Of an upload.
    pub bandwidth: Option<BitRate>,
}

impl Attack {
    /// An attack of this kind with everything by default, from the start on.
    pub const fn new(kind: AttackKind) -> Self {
        Self {
            kind,
            name: String::new(),
            start: Nanos::ZERO,
            duration: None,
            rate: None,
            count: None,
            sources: Vec::new(),
            targets: Vec::new(),
            ports: Vec::new(),
            packets: None,
            bytes: None,
            answered: None,
            period: None,
            jitter: None,
            bandwidth: None,
        }
    }
}
