//! Services: protocol, ports, and how many packets of which length their flows have, each way.

use super::distribution::Distribution;
use super::{SCTP, TCP, UDP};
use crate::flows::error::{FlowError, FlowProblem};
use crate::flows::pattern::Pattern;

/// A kind of traffic that no [`Pattern`] knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// What people call it.
    pub name: String,
    /// IANA protocol number.
    pub protocol: u8,
    /// The server's ports as ranges, both ends included; each entry is equally likely. Of ICMP: type * 256 + code.
    /// Protocols without ports have none.
    pub ports: Vec<(u16, u16)>,
    /// Packets of the client.
    pub packets: Distribution,
    /// Mean length of a flow's packets, in bytes of IP packets.
    pub bytes_per_packet: Distribution,
    /// Mean time between two packets of a flow, in milliseconds.
    pub gap_ms: Distribution,
    /// What the server sends; without it, the same as the client.
    pub reply: Option<Reply>,
    /// Differentiated services code point (RFC 2474), 0 to 63.
    pub dscp: u8,
}

/// What a server sends.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Number of packets.
    pub packets: Distribution,
    /// Mean length of a flow's packets, in bytes of IP packets.
    pub bytes_per_packet: Distribution,
}

/// Most entries of [`Service::ports`]: with 256 patterns as many leaves as can be told apart.
const PORTS_MAX: usize = 16;
/// Longest name of a service.
const NAME_MAX: usize = 64;
/// Most code points.
const DSCP_MAX: u8 = 63;

impl Service {
    /// Every rule, the first broken one as the error; `key` is where the service is written.
    pub(in crate::flows) fn check(&self, key: &str) -> Result<(), FlowError> {
        let wrong = |part: &str, problem| Err(FlowError::new(format!("{key}.{part}"), problem));
        let (got, max) = (self.name.len(), NAME_MAX);
        if got > max {
            return wrong("name", FlowProblem::TooMany { got, max });
        }
        let (got, max) = (self.ports.len(), PORTS_MAX);
        if got > max {
            return wrong("ports", FlowProblem::TooMany { got, max });
        }
        if got == 0 && has_ports(self.protocol) {
            return wrong("ports", FlowProblem::Empty);
        }
        if self.ports.iter().any(|&(from, to)| from > to) {
            return wrong("ports", FlowProblem::Shape { expected: "a list of ports and ranges" });
        }
        if self.dscp > DSCP_MAX {
            let (got, max) = (self.dscp.into(), DSCP_MAX.into());
            return wrong("dscp", FlowProblem::Range { got, min: 0.0, max });
        }
        let mut parts = vec![
            ("packets", &self.packets),
            ("bytes_per_packet", &self.bytes_per_packet),
            ("gap_ms", &self.gap_ms),
        ];
        if let Some(reply) = &self.reply {
            parts.push(("reply.packets", &reply.packets));
            parts.push(("reply.bytes_per_packet", &reply.bytes_per_packet));
        }
        for (part, distribution) in parts {
            distribution
                .check()
                .map_err(|problem| FlowError::new(format!("{key}.{part}"), problem))?;
        }
        Ok(())
    }

    /// Its ports; those of a protocol without them are one, 0.
    pub(in crate::flows) fn leaves(&self) -> Vec<(u16, u16)> {
        if self.ports.is_empty() { vec![(0, 0)] } else { self.ports.clone() }
    }
}

/// Whether a protocol has ports of both ends.
pub(super) const fn has_ports(protocol: u8) -> bool {
    matches!(protocol, TCP | UDP | SCTP)
}

/// Sizes and gaps of a kind of flow, each way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kind {
    pub(super) packets: Distribution,
    pub(super) bytes_per_packet: Distribution,
    pub(super) gap_ms: Distribution,
    pub(super) reply: Reply,
}

impl From<&Service> for Kind {
    fn from(service: &Service) -> Self {
        let same = || Reply {
            packets: service.packets.clone(),
            bytes_per_packet: service.bytes_per_packet.clone(),
        };
        Self {
            packets: service.packets.clone(),
            bytes_per_packet: service.bytes_per_packet.clone(),
            gap_ms: service.gap_ms.clone(),
            reply: service.reply.clone().unwrap_or_else(same),
        }
    }
}

const fn log_normal(median: f64, sigma: f64) -> Distribution {
    Distribution::LogNormal { median, sigma }
}

/// 95 % of the values lie in this range.
fn mostly(from: f64, to: f64) -> Distribution {
    let ln = rheos_core::seed::ln;
    Distribution::LogNormal { median: (from * to).sqrt(), sigma: ln(to / from) / (2.0 * 1.96) }
}

/// The log-normal parts of the TCP lengths of `agh_2015` (see `agh`): connections that carried data, from short to
/// long.
fn connections(parts: std::ops::Range<usize>) -> Distribution {
    let all = [
        (0.20654, log_normal(7.954, 0.5122)),
        (0.12190, log_normal(21.74, 0.7508)),
        (0.05251, log_normal(115.97, 1.1085)),
        (0.01646, log_normal(845.9, 1.9932)),
    ];
    Distribution::Mixture(all.get(parts).unwrap_or(&all).to_vec())
}

/// What the flows of a pattern are like. `None` for random traffic, which is like all of a campus.
///
/// Packets of TCP are parts of the mixture that Jurkiewicz, Rzym and Borylo (2021) fitted, the parts chosen by what
/// the service does: web all of them, databases and mail the short two and three, interactive and bulk sessions the
/// long two. Gaps are log-normal with 95 % inside the range that the older generator's statistics have for the
/// service. Bytes per packet are a choice: the side that asks sends acknowledgements of 52 bytes (IP, TCP and time
/// stamps, RFC 7323) and short requests, the side that answers packets of up to 1500.
pub(super) fn of_pattern(pattern: Pattern) -> Option<Kind> {
    let kind = |packets: Distribution, gap_ms, asking, answering| Kind {
        reply: Reply { packets: packets.clone(), bytes_per_packet: answering },
        packets,
        bytes_per_packet: asking,
        gap_ms,
    };
    Some(match pattern {
        Pattern::Web => kind(
            connections(0..4),
            mostly(10.0, 100.0),
            log_normal(120.0, 0.5),
            Distribution::Normal { mean: 1000.0, deviation: 200.0 },
        ),
        // A question, often asked for IPv4 and IPv6 from one port (RFC 3596), and as many answers; questions of
        // 28 bytes of headers and a name, answers below the 1232 bytes of the DNS flag day 2020.
        Pattern::Dns => kind(
            Distribution::Mixture(vec![
                (0.7, Distribution::Constant(1.0)),
                (0.3, Distribution::Constant(2.0)),
            ]),
            mostly(1.0, 50.0),
            mostly(56.0, 100.0),
            mostly(80.0, 500.0),
        ),
        // Keys and echoes, each way alike.
        Pattern::Ssh => {
            kind(connections(2..4), mostly(1.0, 50.0), mostly(70.0, 140.0), mostly(80.0, 240.0))
        }
        Pattern::Database => {
            kind(connections(0..2), mostly(1.0, 20.0), mostly(80.0, 400.0), mostly(150.0, 1300.0))
        }
        // Mail goes to the server.
        Pattern::Smtp => {
            kind(connections(0..3), mostly(5.0, 50.0), mostly(200.0, 1400.0), mostly(56.0, 120.0))
        }
        Pattern::Ftp => {
            kind(connections(1..4), mostly(5.0, 50.0), mostly(52.0, 100.0), mostly(300.0, 1450.0))
        }
        Pattern::Random => return None,
    })
}
