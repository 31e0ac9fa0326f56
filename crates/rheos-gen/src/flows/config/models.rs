//! Models of traffic as configurations write them: distributions and services.

use super::FlowError;
use super::document::{Node, Value};
use super::keys::{self, ConfigKeys};
use super::schema::{Section, number, scalar};
use crate::flows::error::FlowProblem;
use crate::flows::real::{Conversations, Distribution, Reply, Service, Sessions};

/// Names of protocols; others are told by their IANA number.
const PROTOCOLS: [(&str, u8); 9] = [
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("udp", 17),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmpv6", 58),
    ("sctp", 132),
];

/// A `type: service` entry of `traffic_patterns`.
pub(super) fn read_service(section: &Section<'_>) -> Result<Service, FlowError> {
    let protocol = |text: &str| {
        let named = PROTOCOLS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        named.map(|&(_, number)| number).or_else(|| text.parse().ok())
    };
    let protocol = section.parsed("protocol", protocol, "a protocol's name or number")?;
    let protocol = protocol.ok_or_else(|| section.missing("protocol"))?;
    let ports = match section.list("ports")? {
        Some(list) => list.iter().map(|node| port(node, section)).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let packets = needed(section, "packets")?;
    let bytes_per_packet = needed(section, "bytes_per_packet")?;
    let reply = section.section("reply", &keys::REPLY)?;
    let reply = reply.is_there().then(|| {
        let own = |key, other: &Distribution| {
            distribution(&reply, key).map(|found| found.unwrap_or_else(|| other.clone()))
        };
        Ok::<_, FlowError>(Reply {
            packets: own("packets", &packets)?,
            bytes_per_packet: own("bytes_per_packet", &bytes_per_packet)?,
        })
    });
    Ok(Service {
        name: section.text("name")?.unwrap_or("service").to_owned(),
        protocol,
        ports,
        gap_ms: distribution(section, "gap_ms")?.unwrap_or(Distribution::Constant(10.0)),
        packets,
        bytes_per_packet,
        reply: reply.transpose()?,
        dscp: section.whole("dscp", 63)?.unwrap_or(0) as u8,
    })
}

/// What `realism` says about conversations and timeouts.
pub(super) fn read_sessions(section: &Section<'_>) -> Result<Sessions, FlowError> {
    let conversations = match section.get("conversations").map(|node| &node.value) {
        None => None,
        Some(Value::Text(_)) => {
            section.switch("conversations")?.unwrap_or(false).then(Conversations::default)
        }
        Some(_) => {
            Some(read_conversations(&section.section("conversations", &keys::CONVERSATIONS)?)?)
        }
    };
    Ok(Sessions {
        conversations,
        service_affinity: section.switch("service_affinity")?.unwrap_or(false),
        active_timeout: section.span("active_timeout")?,
        inactive_timeout: section.span("inactive_timeout")?,
    })
}

fn read_conversations(section: &Section<'_>) -> Result<Conversations, FlowError> {
    let default = Conversations::default();
    let share = |key, default| Ok::<f64, FlowError>(section.float(key)?.unwrap_or(default));
    let answered = share("answered", default.answered)?;
    Ok(Conversations {
        answered,
        // As many as there is room for, if only the other is told.
        refused: share("refused", default.refused.min((1.0 - answered).max(0.0)))?,
        round_trip: distribution(section, "round_trip")?.unwrap_or(default.round_trip),
        think_time: distribution(section, "think_time")?.unwrap_or(default.think_time),
        correlation: share("correlation", default.correlation)?,
        downstream: share("downstream", default.downstream)?,
        dns_before: share("dns_before", default.dns_before)?,
    })
}

/// `443` or `8000-8100`.
fn port(node: &Node, section: &Section<'_>) -> Result<(u16, u16), FlowError> {
    let text = scalar(node, || section.path("ports"))?.trim();
    let range = match text.split_once('-') {
        Some((from, to)) => from.trim().parse().ok().zip(to.trim().parse().ok()),
        None => text.parse().ok().map(|port| (port, port)),
    };
    range.filter(|&(from, to): &(u16, u16)| from <= to).ok_or_else(|| {
        let got = text.chars().take(super::SHOWN).collect();
        let problem = FlowProblem::Value { got, expected: "a port like `443` or `8000-8100`" };
        FlowError::new(section.path("ports"), problem).at(node.place())
    })
}

fn needed(section: &Section<'_>, key: &'static str) -> Result<Distribution, FlowError> {
    distribution(section, key)?.ok_or_else(|| section.missing(key))
}

/// The distribution under a key, checked, so that errors know its line.
pub(super) fn distribution(
    section: &Section<'_>,
    key: &str,
) -> Result<Option<Distribution>, FlowError> {
    let Some(node) = section.get(key) else { return Ok(None) };
    let path = section.path(key);
    let found = match &node.value {
        // A number alone is a constant.
        Value::Text(_) => Distribution::Constant(number(node, || path.clone())?),
        _ => read(&Section::new(node, path.clone(), &keys::DISTRIBUTION)?, &keys::DISTRIBUTION)?,
    };
    found.check().map_err(|problem| FlowError::new(path, problem).at(node.place()))?;
    Ok(Some(found))
}

/// The one distribution of a section.
fn read(section: &Section<'_>, known: &ConfigKeys) -> Result<Distribution, FlowError> {
    let mut names = known.names().filter(|key| *key != "weight");
    let Some(name) = names.find(|key| section.get(key).is_some()) else {
        return Err(section.missing("lognormal, constant, uniform, exponential, mixture"));
    };
    if let Some(other) = names.find(|key| section.get(key).is_some()) {
        let expected = "a second distribution's place; `mixture` holds several";
        return Err(section.error(other, FlowProblem::Shape { expected }));
    }
    let two = |keys: &'static ConfigKeys| {
        let parts = section.section(name, keys)?;
        let part = |key| parts.float(key)?.ok_or_else(|| parts.missing(key));
        let [first, second] = keys.keys else { return Err(parts.missing("lognormal")) };
        Ok((part(first.name)?, part(second.name)?))
    };
    let one = || Ok::<_, FlowError>(section.float(name)?.unwrap_or_default());
    Ok(match name {
        "constant" => Distribution::Constant(one()?),
        "uniform" => {
            let &[from, to] = section.floats(name)?.as_slice() else {
                let problem = FlowProblem::Shape { expected: "a list of two numbers" };
                return Err(section.error(name, problem));
            };
            Distribution::Uniform { from, to }
        }
        "exponential" => Distribution::Exponential { mean: one()? },
        "lognormal" => {
            let (median, sigma) = two(&keys::LOGNORMAL)?;
            Distribution::LogNormal { median, sigma }
        }
        "pareto" => {
            let (least, alpha) = two(&keys::PARETO)?;
            Distribution::Pareto { least, alpha }
        }
        "weibull" => {
            let (scale, shape) = two(&keys::WEIBULL)?;
            Distribution::Weibull { scale, shape }
        }
        "normal" => {
            let (mean, deviation) = two(&keys::NORMAL)?;
            Distribution::Normal { mean, deviation }
        }
        "quantiles" => Distribution::Quantiles(section.floats(name)?),
        _ => {
            let part = |node: &Node| {
                let part = Section::new(node, section.path(name), &keys::PART)?;
                Ok((part.float("weight")?.unwrap_or(1.0), read(&part, &keys::PART)?))
            };
            let parts = section.list(name)?.unwrap_or_default();
            Distribution::Mixture(parts.iter().map(part).collect::<Result<_, FlowError>>()?)
        }
    })
}

#[cfg(test)]
mod tests;
