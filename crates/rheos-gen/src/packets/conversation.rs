//! One conversation: two ends, the way between them, and a machine that knows the next packet.

use rheos_core::seed::{Rng, Seed};
use rheos_core::{Addr, FiveTuple, IpVersion, Timestamp};

use super::app::session::App;
use super::config::ScenarioKind;
use super::headers::{GATEWAY_MAC, ICMP, ICMP6, Layout, Path, TCP, UDP};
use super::host::{Host, halves};
use super::icmp::{Closed, Ping};
use super::label::LabelId;
use super::message::Content;
use super::plan::{Pattern, Plan, ScenarioPlan};
use super::probe::{Answer, Probe};
use super::tcp::Connection;
use super::truth::{ConversationId, FlowTruth, Sums};
use super::tunnel::TunnelPath;
use super::udp::{Exchange, Talk};

/// First and number of the ephemeral ports (Linux's default range).
const EPHEMERAL: u64 = 32_768;
const EPHEMERAL_COUNT: u64 = 28_232;
/// Shares no factor with the number of ports: conversations whose numbers are near never share a port.
const PORT_STRIDE: u64 = 12_347;

/// What a machine may use to emit a packet.
pub(crate) struct Cx<'a> {
    pub(crate) content: &'a Content,
    pub(crate) scratch: &'a mut Vec<u8>,
    pub(crate) out: &'a mut Vec<u8>,
    /// Nanoseconds since the epoch at the capture.
    pub(crate) now: u64,
    /// The path loses this packet and its sender will notice.
    pub(crate) lost: bool,
}

/// Which part of a datagram a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    /// A fragment with others to come; the first holds the transport header.
    Fragment {
        first: bool,
    },
    /// The last fragment. Its lengths are those of the whole datagram.
    Last,
}

/// A packet that was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) layout: Layout,
    /// 0 from the client, 1 from the server.
    pub(crate) from: usize,
    pub(crate) ip_len: u64,
    pub(crate) payload_len: u64,
    /// Where the transport checksum lies in the transport header.
    pub(crate) checksum_at: Option<usize>,
    pub(crate) part: Part,
    /// It is an ICMP error about the conversation: a flow of its own.
    pub(crate) about: bool,
}

/// A packet and the time of the next one, if there is one.
pub(crate) type Step = (Sent, Option<u64>);

#[derive(Clone, Debug)]
enum Machine {
    Tcp(Box<Connection>),
    Probe(Probe),
    Udp(Exchange),
    Ping(Ping),
    Closed(Closed),
}

#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) id: ConversationId,
    pub(crate) label: LabelId,
    pub(crate) key: Seed,
    /// Number of the next frame in the conversation.
    pub(crate) number: u32,
    /// A fragment of the datagram that is being sent did not come sound.
    pub(crate) broken: bool,
    pub(crate) main: Sums,
    pub(crate) about: Sums,
    path: Path,
    rng: Rng,
    machine: Machine,
}

impl Conversation {
    /// The `number`-th conversation of `source`: the same whenever and wherever it is made.
    pub(crate) fn new(plan: &Plan, source: usize, number: u64) -> Self {
        let key = plan.seed.named("conversations").child(source as u64).child(number);
        let mut rng = key.rng();
        let scenario = source.checked_sub(1).and_then(|n| plan.scenarios.get(n));
        let (label, (path, machine)) = if let Some(scenario) = scenario {
            (scenario.label, of_scenario(plan, scenario, source, number, &mut rng))
        } else {
            let pattern = plan.pattern(rng.bits());
            (pattern.label(), of_pattern(plan, pattern, number, &mut rng))
        };
        Self {
            id: ConversationId::new(source, number),
            label,
            key,
            number: 0,
            broken: false,
            main: Sums::default(),
            about: Sums::default(),
            path,
            rng,
            machine,
        }
    }

    /// Writes the packet that is due and says when the next one is.
    pub(crate) fn step(&mut self, cx: &mut Cx<'_>) -> Step {
        let (path, rng) = (&mut self.path, &mut self.rng);
        match &mut self.machine {
            Machine::Tcp(tcp) => tcp.step(path, rng, cx),
            Machine::Probe(probe) => probe.step(path, cx),
            Machine::Udp(udp) => udp.step(path, rng, cx),
            Machine::Ping(ping) => ping.step(path, rng, cx),
            Machine::Closed(closed) => closed.step(path, rng, cx),
        }
    }

    /// The flows that put at least one frame on the wire.
    pub(crate) fn truth(&self) -> impl Iterator<Item = FlowTruth> + '_ {
        let main = FlowTruth {
            conversation: self.id,
            label: self.label,
            tuple: self.tuple(),
            tunnel: self.path.tunnel.map(|tunnel| (tunnel.kind, tunnel.id)),
            vlans: self.path.vlans,
            first: Timestamp::from_nanos(self.main.first),
            last: Timestamp::from_nanos(self.main.last),
            directions: self.main.directions,
        };
        let back = FiveTuple {
            protocol: if self.path.v6 { ICMP6 } else { ICMP },
            src_port: 0,
            dst_port: u16::from_be_bytes(Closed::error(self.path.v6)),
            ..main.tuple.reversed()
        };
        let about = FlowTruth {
            tuple: back,
            first: Timestamp::from_nanos(self.about.first),
            last: Timestamp::from_nanos(self.about.last),
            directions: [self.about.directions[1], self.about.directions[0]],
            ..main
        };
        let flows = [(main, self.main.is_empty()), (about, self.about.is_empty())];
        flows.into_iter().filter(|(_, empty)| !empty).map(|(flow, _)| flow)
    }

    fn tuple(&self) -> FiveTuple {
        FiveTuple {
            src: self.path.addrs[0],
            dst: self.path.addrs[1],
            src_port: self.path.ports[0],
            dst_port: self.path.ports[1],
            protocol: match (&self.machine, self.path.v6) {
                (Machine::Tcp(_) | Machine::Probe(_), _) => TCP,
                (Machine::Udp(_) | Machine::Closed(_), _) => UDP,
                (Machine::Ping(_), false) => ICMP,
                (Machine::Ping(_), true) => ICMP6,
            },
            version: if self.path.v6 { IpVersion::V6 } else { IpVersion::V4 },
        }
    }
}

fn of_pattern(plan: &Plan, pattern: Pattern, number: u64, rng: &mut Rng) -> (Path, Machine) {
    let v6 = rng.hits(plan.ipv6);
    // A few hosts do most of the talking, a few servers most of the answering.
    let client = plan.clients.at(v6, rng.unit() * rng.unit());
    let popular = rng.unit() * rng.unit() * rng.unit();
    let near = pattern == Pattern::Dns;
    let server =
        if near { plan.resolvers.at(v6, rng.unit()) } else { plan.servers.at(v6, popular) };
    let port = match pattern {
        Pattern::Http => rng.pick(&[80, 80, 80, 8080]),
        Pattern::Tls => 443,
        Pattern::Ssh => 22,
        Pattern::Dns => 53,
        Pattern::Ntp => 123,
        // Even, as RTP wants it.
        Pattern::Rtp => 16_384 + 2 * rng.below(4_096) as u16,
        Pattern::UdpLarge => 2_049,
        Pattern::Mqtt => 1_883,
        Pattern::Coap => 5_683,
        Pattern::Ping => 0,
        Pattern::UdpClosed => 33_434 + rng.below(100) as u16,
    };
    let mut path =
        path(plan, v6, [client, server], [ephemeral(plan.seed, 0, number), port], near, rng);
    // A server has the same names for everyone.
    let name = halves(server)[1] as u8;
    let machine = match pattern {
        Pattern::Http => tcp(plan, App::Http, name, &path, rng),
        Pattern::Tls => tcp(plan, App::Tls, name, &path, rng),
        Pattern::Ssh => tcp(plan, App::Ssh, name, &path, rng),
        Pattern::Mqtt => tcp(plan, App::Mqtt, name, &path, rng),
        Pattern::Dns => {
            let lookups = if rng.below(3) == 0 { 2 } else { 1 };
            Machine::Udp(Exchange::new(Talk::Dns, lookups, rng))
        }
        Pattern::Ntp => Machine::Udp(Exchange::new(Talk::Ntp, 1 + rng.below(4) as u32, rng)),
        Pattern::Coap => Machine::Udp(Exchange::new(Talk::Coap, 1 + rng.below(6) as u32, rng)),
        Pattern::UdpLarge => {
            Machine::Udp(Exchange::new(Talk::Large, 1 + rng.below(12) as u32, rng))
        }
        Pattern::Rtp => {
            let talk = if rng.below(4) == 0 { Talk::RtpOneWay } else { Talk::Rtp };
            Machine::Udp(Exchange::new(talk, rng.between(50, 900) as u32, rng))
        }
        Pattern::Ping => {
            let ping = Ping::new(1 + rng.below(10) as u16, number);
            path.ports = ping.ports(v6);
            Machine::Ping(ping)
        }
        Pattern::UdpClosed => Machine::Closed(Closed::new(1 + rng.below(3) as u8, rng)),
    };
    (path, machine)
}

fn tcp(plan: &Plan, app: App, name: u8, path: &Path, rng: &mut Rng) -> Machine {
    Machine::Tcp(Box::new(Connection::new(plan, app, name, path, rng)))
}

fn of_scenario(
    plan: &Plan,
    scenario: &ScenarioPlan,
    source: usize,
    number: u64,
    rng: &mut Rng,
) -> (Path, Machine) {
    let attacker = match scenario.kind {
        ScenarioKind::SynFlood | ScenarioKind::UdpFlood => scenario.attackers.host(rng.bits()),
        _ => scenario.attackers.host(0),
    };
    let client_port = ephemeral(plan.seed, source, number);
    let port = match scenario.kind {
        ScenarioKind::PortScan => scanned_port(plan.seed.child(source as u64), number),
        ScenarioKind::SynFlood => 80,
        ScenarioKind::UdpFlood => 49_152 + rng.below(16_384) as u16,
        ScenarioKind::BruteForce => 22,
        ScenarioKind::Beacon | ScenarioKind::Exfiltration => 443,
        ScenarioKind::DnsTunnel => 53,
    };
    let ends = [attacker, scenario.target];
    let near = matches!(scenario.kind, ScenarioKind::PortScan | ScenarioKind::DnsTunnel);
    let path = path(plan, scenario.v6, ends, [client_port, port], near, rng);
    let name = halves(scenario.target)[1] as u8;
    let machine = match scenario.kind {
        ScenarioKind::PortScan => Machine::Probe(Probe::new(scan_answer(port, rng), rng)),
        // The backlog takes the first ones and then answers no more.
        ScenarioKind::SynFlood if number < 256 => {
            Machine::Probe(Probe::new(Answer::SynAckOnly, rng))
        }
        ScenarioKind::SynFlood => Machine::Probe(Probe::new(Answer::Nothing, rng)),
        ScenarioKind::UdpFlood => Machine::Udp(Exchange::new(Talk::Flood, 100, rng)),
        ScenarioKind::DnsTunnel => Machine::Udp(Exchange::new(Talk::DnsTunnel, 200, rng)),
        ScenarioKind::BruteForce => sure(plan, App::SshGuess, 1, &path, rng),
        ScenarioKind::Beacon => sure(plan, App::Beacon, name, &path, rng),
        ScenarioKind::Exfiltration => sure(plan, App::Upload(scenario.bytes), name, &path, rng),
    };
    (path, machine)
}

/// A connection that is answered.
fn sure(plan: &Plan, app: App, name: u8, path: &Path, rng: &mut Rng) -> Machine {
    let mut connection = Connection::new(plan, app, name, path, rng);
    connection.serve();
    Machine::Tcp(Box::new(connection))
}

/// Scanners probe the well-known ports in an order of their own: a walk through all 65 535 in steps that share no
/// factor with their number, the first 1024 first.
fn scanned_port(seed: Seed, number: u64) -> u16 {
    let shift = seed.bits(7);
    if number < 1_024 {
        (number * 617 + shift % 1_024) as u16 % 1_024 + 1
    } else {
        ((number - 1_024) % 64_511) as u16 + 1_025
    }
}

fn scan_answer(port: u16, rng: &mut Rng) -> Answer {
    match port {
        22 | 80 | 443 => Answer::Open,
        _ if rng.below(100) < 12 => Answer::Nothing,
        _ => Answer::Reset,
    }
}

/// Conversations of a source get different ports as long as their numbers differ by less than the number of ports.
fn ephemeral(seed: Seed, source: usize, number: u64) -> u16 {
    let shift = seed.named("ports").bits(source as u64) % EPHEMERAL_COUNT;
    let place = (number % EPHEMERAL_COUNT) * PORT_STRIDE + shift;
    (EPHEMERAL + place % EPHEMERAL_COUNT) as u16
}

/// Everything about the way between two hosts.
fn path(
    plan: &Plan,
    v6: bool,
    addrs: [Addr; 2],
    ports: [u16; 2],
    near: bool,
    rng: &mut Rng,
) -> Path {
    let hosts = plan.seed.named("hosts");
    let client = Host::of(hosts, addrs[0], false);
    let server = Host::of(hosts, addrs[1], true);
    let tunnel = rng.hits(plan.tunnel).then(|| tunnel(plan, rng));
    let far = if near { 2 * server.near_delay() } else { server.far_delay() };
    let hops = if near { 1 } else { server.hops };
    let bits = rng.bits();
    Path {
        v6,
        addrs,
        ports,
        macs: [client.mac, GATEWAY_MAC],
        ttls: [client.ttl(), server.ttl() - hops],
        ip_ids: [bits as u16, (bits >> 16) as u16],
        delays: [client.near_delay(), far + rng.below(far / 20 + 1)],
        vlans: vlans(plan, &client),
        mtu: plan.link.mtu - tunnel.map_or(0, |tunnel| tunnel.overhead()),
        tunnel,
    }
}

fn vlans(plan: &Plan, client: &Host) -> [u16; 2] {
    let bits = client.vlan_bits();
    if !plan.vlan.hit_by(bits) || plan.link.vlan_ids.is_empty() {
        return [0, 0];
    }
    let id = plan.link.vlan_ids[(bits % plan.link.vlan_ids.len() as u64) as usize];
    match plan.link.qinq_outer {
        Some(outer) => [outer, id],
        None => [id, 0],
    }
}

/// One of a few tunnels between two of a few endpoints.
fn tunnel(plan: &Plan, rng: &mut Rng) -> TunnelPath {
    let kind = rng.pick(&plan.tunnel_kinds);
    let v6 = rng.hits(plan.tunnel_v6);
    let number = rng.below(8) as u8;
    let end = |side: u8| {
        let last = 1 + 2 * number + side;
        if v6 {
            let mut addr = [0x20, 1, 0x0d, 0xb8, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            addr[15] = last;
            Addr(addr)
        } else {
            Addr::v4([172, 16, 0, last])
        }
    };
    TunnelPath {
        kind,
        v6,
        ends: [end(0), end(1)],
        id: 0x0001_0001 + u32::from(number),
        entropy: 49_152 + rng.below(16_384) as u16,
        sequence: rng.bits() as u32,
    }
}
