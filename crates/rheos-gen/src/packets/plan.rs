//! What will be made: the configuration, checked and worked out.

use rheos_core::Addr;
use rheos_core::seed::{Chance, Seed};

use super::arrivals::{Schedule, Spacing};
use super::config::{Link, Mix, Scenario, ScenarioKind, SynthesisConfig, TunnelChoice};
use super::faults::FaultPlan;
use super::label::{Label, LabelId};
use super::pool::{Pool, Pools};
use crate::Error;

/// A kind of background conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    Http,
    Tls,
    Ssh,
    Dns,
    Ntp,
    Rtp,
    UdpLarge,
    Mqtt,
    Coap,
    Ping,
    UdpClosed,
}

impl Pattern {
    const ALL: [(Self, &'static str); 11] = [
        (Self::Http, "http"),
        (Self::Tls, "tls"),
        (Self::Ssh, "ssh"),
        (Self::Dns, "dns"),
        (Self::Ntp, "ntp"),
        (Self::Rtp, "rtp"),
        (Self::UdpLarge, "udp_large"),
        (Self::Mqtt, "mqtt"),
        (Self::Coap, "coap"),
        (Self::Ping, "ping"),
        (Self::UdpClosed, "udp_closed"),
    ];

    pub(crate) const fn label(self) -> LabelId {
        LabelId(self as u16)
    }

    const fn weight(self, mix: &Mix) -> u32 {
        match self {
            Self::Http => mix.http,
            Self::Tls => mix.tls,
            Self::Ssh => mix.ssh,
            Self::Dns => mix.dns,
            Self::Ntp => mix.ntp,
            Self::Rtp => mix.rtp,
            Self::UdpLarge => mix.udp_large,
            Self::Mqtt => mix.mqtt,
            Self::Coap => mix.coap,
            Self::Ping => mix.ping,
            Self::UdpClosed => mix.udp_closed,
        }
    }
}

/// A scenario, checked.
#[derive(Clone, Debug)]
pub(crate) struct ScenarioPlan {
    pub(crate) kind: ScenarioKind,
    pub(crate) label: LabelId,
    pub(crate) attackers: Pool,
    pub(crate) target: Addr,
    pub(crate) v6: bool,
    pub(crate) bytes: u32,
    count: u64,
    interval: f64,
    start: u64,
}

/// A checked configuration: everything a [`super::Synthesizer`] needs.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) seed: Seed,
    pub(crate) clients: Pools,
    pub(crate) servers: Pools,
    pub(crate) resolvers: Pools,
    pub(crate) ipv6: Chance,
    pub(crate) refused: Chance,
    pub(crate) unanswered: Chance,
    pub(crate) reset: Chance,
    pub(crate) message_bytes_max: u32,
    pub(crate) link: Link,
    pub(crate) vlan: Chance,
    pub(crate) tunnel: Chance,
    pub(crate) tunnel_v6: Chance,
    pub(crate) tunnel_kinds: Vec<TunnelChoice>,
    pub(crate) faults: FaultPlan,
    pub(crate) scenarios: Vec<ScenarioPlan>,
    pub(crate) live_max: usize,
    patterns: Vec<(u64, Pattern)>,
    labels: Vec<Label>,
    start: u64,
    count: u64,
    interval: f64,
}

/// The largest number of scenarios: what a label's number leaves free.
const SCENARIOS_MAX: usize = 60_000;
/// The largest count: what a conversation's number has place for.
const COUNT_MAX: f64 = 1e12;

impl Plan {
    pub(crate) fn new(config: &SynthesisConfig) -> Result<Self, Error> {
        check_numbers(config)?;
        let seed = Seed(config.seed).named("packets");
        let pools = |list: &[String], field| {
            Pools::parse(list, config.addresses.hosts_max, seed.named(field), field)
        };
        let addresses = &config.addresses;
        let clients = pools(&addresses.clients, "addresses.clients")?;
        let servers = pools(&addresses.servers, "addresses.servers")?;
        let resolvers = pools(&addresses.resolvers, "addresses.resolvers")?;
        let (count, interval) = pace(config);
        let patterns = weigh(&config.mix);
        if count > 0 {
            if patterns.is_empty() {
                return Err(Error::EmptyMix);
            }
            check_versions(config, &clients, "addresses.clients")?;
            check_versions(config, &servers, "addresses.servers")?;
            if config.mix.dns > 0 {
                check_versions(config, &resolvers, "addresses.resolvers")?;
            }
        }
        let start = config.start_secs * 1_000_000_000;
        let mut labels: Vec<Label> = Pattern::ALL
            .iter()
            .map(|(_, name)| Label { name: (*name).to_owned(), anomaly: false })
            .collect();
        let scenarios = plan_scenarios(config, start, seed, &mut labels)?;
        Ok(Self {
            seed,
            clients,
            servers,
            resolvers,
            ipv6: Chance::from_percent(addresses.ipv6_percent),
            refused: Chance::from_percent(config.tcp.refused_percent),
            // Drawn after, and only for, the connections that are not refused.
            unanswered: Chance::from_share(
                config.tcp.unanswered_percent / (100.0 - config.tcp.refused_percent).max(1e-9),
            ),
            reset: Chance::from_percent(config.tcp.reset_percent),
            message_bytes_max: config.tcp.message_bytes_max,
            link: config.link.clone(),
            vlan: Chance::from_percent(config.link.vlan_percent),
            tunnel: Chance::from_percent(config.tunnel.percent),
            tunnel_v6: Chance::from_percent(config.tunnel.ipv6_percent),
            tunnel_kinds: config.tunnel.kinds.clone(),
            faults: FaultPlan::new(&config.faults),
            scenarios,
            live_max: config.live_max as usize,
            patterns,
            labels,
            start,
            count,
            interval,
        })
    }

    /// The names that [`LabelId`]s stand for.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// The name of one label.
    pub fn label(&self, id: LabelId) -> &str {
        self.labels.get(usize::from(id.0)).map_or("", |label| label.name.as_str())
    }

    /// How many conversations there will be, scenarios included.
    pub fn conversations(&self) -> u64 {
        self.scenarios.iter().map(|scenario| scenario.count).sum::<u64>() + self.count
    }

    /// The schedules of all sources: the background, then the scenarios; of each, every `shards`-th conversation.
    pub(crate) fn schedules(&self, shard: u64, shards: u64) -> Vec<Schedule> {
        let every = (shard, shards);
        let seed = self.seed.named("arrivals");
        let background = Schedule::new(
            seed.child(0),
            self.start,
            self.interval,
            Spacing::Random,
            self.count,
            every,
        );
        let mut all = vec![background];
        for (n, scenario) in self.scenarios.iter().enumerate() {
            let spacing = match scenario.kind {
                ScenarioKind::PortScan | ScenarioKind::SynFlood | ScenarioKind::UdpFlood => {
                    Spacing::Steady(1.0)
                }
                ScenarioKind::Beacon => Spacing::Steady(0.1),
                _ => Spacing::Steady(0.5),
            };
            all.push(Schedule::new(
                seed.child(n as u64 + 1),
                scenario.start,
                scenario.interval,
                spacing,
                scenario.count,
                every,
            ));
        }
        all
    }

    /// The kind of conversation that these random bits choose.
    pub(crate) fn pattern(&self, bits: u64) -> Pattern {
        let total = self.patterns.last().map_or(0, |(sum, _)| *sum);
        let place = ((u128::from(bits) * u128::from(total)) >> 64) as u64;
        let n = self.patterns.partition_point(|(sum, _)| *sum <= place);
        self.patterns.get(n).map_or(Pattern::Dns, |(_, pattern)| *pattern)
    }
}

/// Count and mean interval in nanoseconds of the background.
fn pace(config: &SynthesisConfig) -> (u64, f64) {
    let duration = config.duration_ms as f64 * 1e6;
    match (config.conversations, config.conversations_per_sec) {
        (Some(count), None) => (count, duration / count.max(1) as f64),
        (Some(count), Some(rate)) => (count, 1e9 / rate),
        (None, Some(rate)) => ((rate * duration / 1e9) as u64, 1e9 / rate),
        (None, None) => (1_000, duration / 1e3),
    }
}

/// Patterns with the running sums of their weights.
fn weigh(mix: &Mix) -> Vec<(u64, Pattern)> {
    let mut sum = 0;
    Pattern::ALL
        .iter()
        .filter(|(pattern, _)| pattern.weight(mix) > 0)
        .map(|(pattern, _)| {
            sum += u64::from(pattern.weight(mix));
            (sum, *pattern)
        })
        .collect()
}

fn check_versions(
    config: &SynthesisConfig,
    pools: &Pools,
    field: &'static str,
) -> Result<(), Error> {
    let share = config.addresses.ipv6_percent;
    if share < 100.0 && !pools.has(false) {
        return Err(Error::NoAddress { field, version: 4 });
    }
    if share > 0.0 && !pools.has(true) {
        return Err(Error::NoAddress { field, version: 6 });
    }
    Ok(())
}

fn check_numbers(config: &SynthesisConfig) -> Result<(), Error> {
    check_percents(config)?;
    let (link, tunnel) = (&config.link, &config.tunnel);
    // The timestamps of long conversations must not run over the end of time (the year 2554).
    range("start_secs", config.start_secs as f64, 0.0, 1.8e10)?;
    range("duration_ms", config.duration_ms as f64, 1.0, 3.2e11)?;
    range("live_max", f64::from(config.live_max), 1.0, f64::from(u32::MAX))?;
    // IPv6 wants 1280 bytes of every link, and IPv4's length field holds no more than 65 535 with all tunnels.
    range("link.mtu", f64::from(link.mtu), 1_280.0, 9_216.0)?;
    range("tcp.message_bytes_max", f64::from(config.tcp.message_bytes_max), 4_096.0, 1e9)?;
    range("addresses.hosts_max", f64::from(config.addresses.hosts_max), 1.0, f64::from(u32::MAX))?;
    range("faults.reorder_ms_max", f64::from(config.faults.reorder_ms_max), 1.0, 10_000.0)?;
    if let Some(rate) = config.conversations_per_sec {
        range("conversations_per_sec", rate, 1e-6, 1e8)?;
    }
    if let Some(count) = config.conversations {
        range("conversations", count as f64, 0.0, COUNT_MAX)?;
    }
    for id in &link.vlan_ids {
        range("link.vlan_ids", f64::from(*id), 1.0, 4_094.0)?;
    }
    if let Some(id) = link.qinq_outer {
        range("link.qinq_outer", f64::from(id), 1.0, 4_094.0)?;
    }
    if link.vlan_percent > 0.0 && link.vlan_ids.is_empty() {
        return Err(Error::Empty { field: "link.vlan_ids", because: "link.vlan_percent" });
    }
    if tunnel.percent > 0.0 && tunnel.kinds.is_empty() {
        return Err(Error::Empty { field: "tunnel.kinds", because: "tunnel.percent" });
    }
    if config.scenarios.len() > SCENARIOS_MAX {
        return Err(Error::Scenarios { got: config.scenarios.len(), max: SCENARIOS_MAX });
    }
    for scenario in &config.scenarios {
        if let Some(rate) = scenario.rate_per_sec {
            range("scenarios.rate_per_sec", rate, 1e-6, 1e8)?;
        }
        let bytes = scenario.bytes.unwrap_or(1);
        range("scenarios.bytes", f64::from(bytes), 1.0, 1e9)?;
        range("scenarios.count", scenario.count.unwrap_or(0) as f64, 0.0, COUNT_MAX)?;
        range("scenarios.start_ms", scenario.start_ms as f64, 0.0, 3.2e11)?;
    }
    Ok(())
}

fn range(field: &'static str, got: f64, min: f64, max: f64) -> Result<(), Error> {
    if (min..=max).contains(&got) { Ok(()) } else { Err(Error::Range { field, got, min, max }) }
}

fn check_percents(config: &SynthesisConfig) -> Result<(), Error> {
    let (tcp, faults) = (&config.tcp, &config.faults);
    let percents = [
        ("addresses.ipv6_percent", config.addresses.ipv6_percent),
        ("tcp.refused_percent", tcp.refused_percent),
        ("tcp.unanswered_percent", tcp.unanswered_percent),
        ("tcp.reset_percent", tcp.reset_percent),
        ("link.vlan_percent", config.link.vlan_percent),
        ("tunnel.percent", config.tunnel.percent),
        ("tunnel.ipv6_percent", config.tunnel.ipv6_percent),
        ("faults.loss_percent", faults.loss_percent),
        ("faults.reorder_percent", faults.reorder_percent),
        ("faults.duplicate_percent", faults.duplicate_percent),
        ("faults.truncate_percent", faults.truncate_percent),
        ("faults.bad_length_percent", faults.bad_length_percent),
        ("faults.bad_checksum_percent", faults.bad_checksum_percent),
    ];
    for (field, got) in percents {
        if !(0.0..=100.0).contains(&got) {
            return Err(Error::Percent { field, got });
        }
    }
    let refused = ("tcp.refused_percent", tcp.refused_percent);
    let unanswered = ("tcp.unanswered_percent", tcp.unanswered_percent);
    let length = ("faults.bad_length_percent", faults.bad_length_percent);
    let checksum = ("faults.bad_checksum_percent", faults.bad_checksum_percent);
    for (one, two) in [(refused, unanswered), (length, checksum)] {
        let got = one.1 + two.1;
        if got > 100.0 {
            return Err(Error::Sum { field: one.0, other: two.0, got, max: 100.0 });
        }
    }
    Ok(())
}

fn plan_scenarios(
    config: &SynthesisConfig,
    start: u64,
    seed: Seed,
    labels: &mut Vec<Label>,
) -> Result<Vec<ScenarioPlan>, Error> {
    let mut plans = Vec::with_capacity(config.scenarios.len());
    for (n, scenario) in config.scenarios.iter().enumerate() {
        let name = scenario.label.as_deref().unwrap_or(scenario.kind.name());
        let known = labels.iter().position(|label| label.anomaly && label.name == name);
        let label = known.unwrap_or(labels.len());
        if known.is_none() {
            labels.push(Label { name: name.to_owned(), anomaly: true });
        }
        plans.push(plan_scenario(scenario, n, name, LabelId(label as u16), start, seed)?);
    }
    Ok(plans)
}

fn plan_scenario(
    scenario: &Scenario,
    n: usize,
    name: &str,
    label: LabelId,
    start: u64,
    seed: Seed,
) -> Result<ScenarioPlan, Error> {
    let seed = seed.named("scenario").child(n as u64);
    let attacker = match &scenario.attacker {
        Some(text) => text.clone(),
        None => default_attacker(scenario.kind, n),
    };
    let target = match &scenario.target {
        Some(text) => text.clone(),
        None => default_target(scenario.kind, n),
    };
    let attackers = Pool::parse(&attacker, 1 << 24, seed, "scenarios.attacker")?;
    let targets = Pool::parse(&target, 1, seed, "scenarios.target")?;
    if attackers.version() != targets.version() {
        return Err(Error::ScenarioVersions { label: name.to_owned(), attacker, target });
    }
    let (count, rate) = scenario.kind.defaults();
    Ok(ScenarioPlan {
        kind: scenario.kind,
        label,
        v6: attackers.version() == rheos_core::IpVersion::V6,
        target: targets.host(0),
        attackers,
        bytes: scenario.bytes.unwrap_or(5_000_000),
        count: scenario.count.unwrap_or(count),
        interval: 1e9 / scenario.rate_per_sec.unwrap_or(rate),
        start: start.saturating_add(scenario.start_ms.saturating_mul(1_000_000)),
    })
}

/// Hosts that the background's default ranges do not hold.
fn default_attacker(kind: ScenarioKind, n: usize) -> String {
    let last = 10 + n % 200;
    match kind {
        // The range for benchmarks (RFC 2544): nobody's addresses.
        ScenarioKind::SynFlood => "198.18.0.0/15".to_owned(),
        ScenarioKind::UdpFlood => "198.18.64.0/26".to_owned(),
        ScenarioKind::PortScan | ScenarioKind::BruteForce => format!("172.31.66.{last}"),
        ScenarioKind::Beacon | ScenarioKind::DnsTunnel | ScenarioKind::Exfiltration => {
            format!("10.20.200.{last}")
        }
    }
}

fn default_target(kind: ScenarioKind, n: usize) -> String {
    let last = 10 + n % 200;
    match kind {
        ScenarioKind::DnsTunnel => "10.0.0.53".to_owned(),
        ScenarioKind::Beacon | ScenarioKind::Exfiltration => format!("203.0.113.{last}"),
        _ => format!("10.20.0.{last}"),
    }
}
