//! What is talked: services by protocol and port, with sizes and gaps of either direction.

use std::collections::HashMap;

use rheos_core::filter::service_name;

use super::sample::{Conversation, Part};

/// Services that are told apart; the rest of a protocol is one service of many ports.
pub const SERVICES_MAX: usize = 24;

/// A service with fewer conversations than this is one of the rest: its quantiles would be noise.
const CONVERSATIONS_MIN: usize = 50;

/// Ports from here on are given to clients (Linux's default, `ip_local_port_range`).
const EPHEMERAL_FROM: u16 = 32_768;

/// IANA protocol numbers.
const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

/// A service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// A name, a port or `other`, with the protocol: `https`, `tcp-8443`, `udp-other`.
    pub name: String,
    /// IANA protocol number.
    pub protocol: u8,
    /// The least and the greatest port of the server; 0 to 0 where the protocol has none.
    pub ports: (u16, u16),
    /// Its share of all conversations.
    pub share: f64,
    /// What the client sends.
    pub request: Direction,
    /// What the server sends, where enough conversations were answered.
    pub reply: Option<Direction>,
}

/// Sizes of one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Direction {
    /// Packets of a flow.
    pub packets: Quantiles,
    /// Mean length of a flow's packets in bytes.
    pub bytes_per_packet: Quantiles,
    /// Mean time between a flow's packets in milliseconds; all 0 where no flow has two.
    pub gap_ms: Quantiles,
}

/// Quantiles in three pieces, each finer towards the largest values: of all below the largest 1/16, of those
/// below the largest 1/256, and of the rest. In each they are evenly spaced, from its least to its greatest value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quantiles {
    /// The pieces: their share of all, and values in rising order. Shares sum to 1; at least one piece has values.
    pub pieces: Vec<(f64, Vec<f64>)>,
}

/// Steps of a piece.
const STEPS: usize = 32;

impl Quantiles {
    /// Of values in any order; no pieces where there are none.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.retain(|value| value.is_finite());
        values.sort_unstable_by(f64::total_cmp);
        let n = values.len();
        let mut pieces = Vec::new();
        if let (Some(&least), Some(&most)) = (values.first(), values.last())
            && least >= most
        {
            return Self { pieces: vec![(1.0, vec![least])] };
        }
        let mut from = 0;
        for upto in [n - n / 16, n - n / 256, n] {
            if let Some(piece) = values.get(from..upto).filter(|piece| !piece.is_empty()) {
                pieces.push((piece.len() as f64 / n as f64, thinned(piece)));
                from = upto;
            }
        }
        Self { pieces }
    }

    /// The mean that a generator makes of them: even between neighbouring values.
    pub fn mean(&self) -> f64 {
        let piece = |(share, values): &(f64, Vec<f64>)| {
            let middles = values.windows(2).map(|pair| f64::midpoint(pair[0], pair[1]));
            let steps = values.len().saturating_sub(1).max(1) as f64;
            let only = if values.len() == 1 { values[0] } else { 0.0 };
            share * (only + middles.sum::<f64>() / steps)
        };
        self.pieces.iter().map(piece).sum()
    }
}

/// At most `STEPS + 1` values of a rising list, evenly spaced, with the first and the last.
fn thinned(rising: &[f64]) -> Vec<f64> {
    let last = rising.len() - 1;
    let steps = STEPS.min(last).max(1);
    let mut values: Vec<f64> =
        (0..=steps).filter_map(|step| rising.get(step * last / steps)).copied().collect();
    // Whoever has one value for all needs no list of it.
    if values.first() == values.last() {
        values.truncate(1);
    }
    values
}

/// Whether a protocol's ports tell services.
fn has_ports(protocol: u8) -> bool {
    [TCP, UDP, SCTP].contains(&protocol)
}

/// The protocol and port that a conversation's service goes by; port 0 where ports tell nothing.
pub(super) fn service_of(one: &Conversation) -> (u8, u16) {
    (one.protocol, if has_ports(one.protocol) { one.port } else { 0 })
}

/// Whether the end with port `a` rather than that with `b` is the server; ports of other protocols tell nothing.
pub(super) fn is_server_port(a: u16, b: u16, protocol: u8) -> bool {
    if !has_ports(protocol) {
        return false;
    }
    let rank = |port: u16| match port {
        0 => 4,
        port if port < 1024 && service_name(port).is_some() => 0,
        port if service_name(port).is_some() || port < 1024 => 1,
        port if port < EPHEMERAL_FROM => 2,
        _ => 3,
    };
    rank(a) < rank(b)
}

/// The services of these conversations, the most frequent first.
pub(super) fn learn(conversations: &[Conversation]) -> Vec<Service> {
    let mut counts: HashMap<(u8, u16), usize> = HashMap::new();
    for one in conversations {
        *counts.entry(service_of(one)).or_default() += 1;
    }
    let mut ranked: Vec<((u8, u16), usize)> = counts.into_iter().collect();
    ranked.sort_unstable_by_key(|&(key, count)| (usize::MAX - count, key));
    let told: Vec<(u8, u16)> = ranked
        .iter()
        .filter(|((_, port), count)| *count >= CONVERSATIONS_MIN && *port < EPHEMERAL_FROM)
        .map(|(key, _)| *key)
        .take(SERVICES_MAX)
        .collect();
    // The rest of each protocol is one more.
    let mut members: HashMap<(u8, Option<u16>), Vec<&Conversation>> = HashMap::new();
    for one in conversations {
        let (protocol, port) = service_of(one);
        let own = told.contains(&(protocol, port)).then_some(port);
        members.entry((protocol, own)).or_default().push(one);
    }
    let mut services: Vec<Service> = members
        .into_iter()
        .map(|((protocol, port), members)| service(protocol, port, &members, conversations.len()))
        .collect();
    services.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.name.cmp(&b.name)));
    services
}

/// Spearman's rank correlation of the packets of requests and answers: the mean of all services, by their answers.
pub(super) fn correlation(conversations: &[Conversation]) -> f64 {
    let mut services: HashMap<(u8, u16), Vec<(u64, u64)>> = HashMap::new();
    for one in conversations {
        if let Some(reply) = one.reply {
            let pairs = services.entry((one.protocol, one.port)).or_default();
            pairs.push((one.request.packets, reply.packets));
        }
    }
    let told = services.values().filter_map(|pairs| {
        let requests = ranks(pairs.iter().map(|pair| pair.0));
        let replies = ranks(pairs.iter().map(|pair| pair.1));
        Some((pearson(&requests, &replies)?, pairs.len() as f64))
    });
    let (sum, weight) = told.fold((0.0, 0.0), |(sum, weight), (r, n)| (sum + r * n, weight + n));
    if weight > 0.0 { (sum / weight).clamp(0.0, 1.0) } else { 0.0 }
}

/// Ranks from 0; equal values have the mean of theirs.
fn ranks(values: impl Iterator<Item = u64>) -> Vec<f64> {
    let mut sorted: Vec<(u64, usize)> = values.zip(0..).collect();
    sorted.sort_unstable();
    let mut ranks = vec![0.0; sorted.len()];
    let mut before = 0;
    for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
        let rank = before as f64 + (equal.len() as f64 - 1.0) / 2.0;
        for &(_, place) in equal {
            if let Some(slot) = ranks.get_mut(place) {
                *slot = rank;
            }
        }
        before += equal.len();
    }
    ranks
}

/// `None` where all of either are equal, so that nothing can be told.
fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let pairs = a.iter().zip(b).map(|(a, b)| (a - mean_a, b - mean_b));
    let (ab, aa, bb) =
        pairs.fold((0.0, 0.0, 0.0), |(ab, aa, bb), (a, b)| (ab + a * b, aa + a * a, bb + b * b));
    (aa > 0.0 && bb > 0.0).then(|| ab / (aa * bb).sqrt())
}

fn service(protocol: u8, port: Option<u16>, members: &[&Conversation], all: usize) -> Service {
    let ports = port.map_or_else(
        || {
            let ports = members.iter().map(|one| one.port);
            (ports.clone().min().unwrap_or(0), ports.max().unwrap_or(0))
        },
        |port| (port, port),
    );
    let name_of_protocol = rheos_core::filter::protocol_name(protocol)
        .map_or_else(|| format!("protocol-{protocol}"), str::to_owned);
    let name = match port {
        None => format!("{name_of_protocol}-other"),
        Some(0) => name_of_protocol,
        Some(port) => match service_name(port) {
            Some(service) if protocol == TCP => service.to_owned(),
            Some(service) => format!("{service}-{name_of_protocol}"),
            None => format!("{name_of_protocol}-{port}"),
        },
    };
    let replies: Vec<Part> = members.iter().filter_map(|one| one.reply).collect();
    Service {
        name,
        protocol,
        ports,
        share: members.len() as f64 / all as f64,
        request: direction(members.iter().map(|one| one.request)),
        reply: (!replies.is_empty()).then(|| direction(replies.into_iter())),
    }
}

fn direction(parts: impl Iterator<Item = Part> + Clone) -> Direction {
    let packets = |part: &Part| part.packets.max(1) as f64;
    let gaps = parts.clone().filter(|part| part.packets > 1).map(|part| {
        (part.last.saturating_sub(part.first)) as f64 / 1e6 / (part.packets - 1) as f64
    });
    let gap_ms = Quantiles::of(gaps.collect());
    let none = || Quantiles { pieces: vec![(1.0, vec![0.0])] };
    Direction {
        packets: Quantiles::of(parts.clone().map(|part| packets(&part)).collect()),
        bytes_per_packet: Quantiles::of(
            parts.map(|part| part.bytes as f64 / packets(&part)).collect(),
        ),
        gap_ms: if gap_ms.pieces.is_empty() { none() } else { gap_ms },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_keep_the_tail_and_the_mean() {
        // Pareto of index 1.2: half of the sum is in a few values.
        let values: Vec<f64> =
            (0..10_000).map(|i| ((f64::from(i) + 0.5) / 10_000.0).powf(-1.0 / 1.2)).collect();
        let mean = values.iter().sum::<f64>() / 10_000.0;
        let most = values[0];
        let quantiles = Quantiles::of(values);
        assert_eq!(quantiles.pieces.len(), 3);
        let shares: f64 = quantiles.pieces.iter().map(|(share, _)| share).sum();
        assert!((shares - 1.0).abs() < 1e-12);
        assert!((quantiles.mean() / mean - 1.0).abs() < 0.25, "{} {mean}", quantiles.mean());
        let last = quantiles.pieces.last().and_then(|(_, values)| values.last());
        assert_eq!(last, Some(&most));
        for (_, values) in &quantiles.pieces {
            assert!(values.is_sorted() && values.len() <= STEPS + 1);
        }
    }

    #[test]
    fn few_values_are_told_as_they_are() {
        assert!(Quantiles::of(Vec::new()).pieces.is_empty());
        assert_eq!(Quantiles::of(vec![7.0]).pieces, [(1.0, vec![7.0])]);
        assert!((Quantiles::of(vec![7.0; 100]).mean() - 7.0).abs() < 1e-12);
        assert_eq!(Quantiles::of(vec![3.0, 1.0, f64::NAN]).pieces, [(1.0, vec![1.0, 3.0])]);
        assert!((Quantiles::of(vec![1.0, 3.0]).mean() - 2.0).abs() < 1e-12);
    }

    #[test]
    fn ranks_are_shared_by_equal_values() {
        assert_eq!(ranks([30, 10, 20, 10].into_iter()), [3.0, 0.5, 2.0, 0.5]);
        let rising: Vec<f64> = (0..9).map(f64::from).collect();
        let falling: Vec<f64> = rising.iter().rev().copied().collect();
        assert!(pearson(&rising, &rising).is_some_and(|r| (r - 1.0).abs() < 1e-12));
        assert!(pearson(&rising, &falling).is_some_and(|r| (r + 1.0).abs() < 1e-12));
        assert_eq!(pearson(&rising, &[1.0; 9]), None);
    }

    #[test]
    fn the_server_has_the_more_usual_port() {
        assert!(is_server_port(443, 50_000, TCP));
        assert!(!is_server_port(50_000, 443, TCP));
        assert!(is_server_port(8000, 50_000, UDP));
        assert!(is_server_port(80, 8000, TCP));
        assert!(!is_server_port(50_000, 50_001, TCP), "who speaks first is the client");
        assert!(!is_server_port(1, 2048, 1), "ICMP has no ports");
    }
}
