//! Expressions into tests: lists of ports, addresses and numbers become one test each.

use std::net::IpAddr;

use rheos_core::IpVersion;
use rheos_core::filter::{
    Comparison, Expr, FlowField, FlowTest, Network, PortProtocol, Primitive, Side,
};

use super::Node;
use super::test::{Ranges, Test};
use crate::block::MAPPED;
use crate::{FlowColumn, Rate};

const ICMP: [u8; 2] = [1, 58];

/// Ends inclusive.
type NumberRanges = Vec<(u64, u64)>;

/// The tests of an expression.
pub(super) fn node(expr: &Expr) -> Node {
    match expr {
        Expr::Primitive(primitive) => one(primitive),
        Expr::Not(inner) => Node::Not(Box::new(node(inner))),
        Expr::And(list) => all(list),
        Expr::Or(list) => any(list),
    }
}

/// All at once, the cheapest first. `port 443` is one of TCP, UDP and SCTP: with `proto tcp` beside it that is
/// known, and not tested for.
fn all(list: &[Expr]) -> Node {
    let mut nodes = Vec::new();
    for inner in list.iter().map(node) {
        match inner {
            Node::All => {}
            Node::And(inner) => nodes.extend(inner),
            other => nodes.push(other),
        }
    }
    if let Some(protocol) = nodes.iter().find_map(only_protocol) {
        let is_known = |node: &Node| match node {
            Node::Or(any) => any.iter().any(|node| only_protocol(node) == Some(protocol)),
            _ => false,
        };
        nodes.retain(|node| !is_known(node));
    }
    nodes.sort_by_key(Node::cost);
    match nodes.len() {
        0 => Node::All,
        1 => nodes.remove(0),
        _ => Node::And(nodes),
    }
}

/// The protocol, if the node tests for one and nothing else.
fn only_protocol(node: &Node) -> Option<u64> {
    match node {
        Node::Test(Test::Number { column: FlowColumn::Protocol, ranges }) => match ranges[..] {
            [(low, high)] if low == high => Some(low),
            _ => None,
        },
        _ => None,
    }
}

fn never() -> Node {
    Node::Test(Test::Number { column: FlowColumn::Protocol, ranges: Vec::new() })
}

/// Alternatives of one kind are one test.
fn any(list: &[Expr]) -> Node {
    let mut nodes = Vec::new();
    let mut ports: Vec<(Option<PortProtocol>, Side, NumberRanges)> = Vec::new();
    let mut addresses: Vec<(Side, Ranges)> = Vec::new();
    let mut numbers: Vec<(FlowField, NumberRanges)> = Vec::new();
    for expr in list {
        match expr {
            Expr::Primitive(Primitive::Port { protocol, side, first, last })
                if *side != Side::Both =>
            {
                let range = (u64::from(*first), u64::from(*last));
                match ports.iter_mut().find(|(p, s, _)| (p, s) == (protocol, side)) {
                    Some((.., ranges)) => ranges.push(range),
                    None => ports.push((*protocol, *side, vec![range])),
                }
            }
            Expr::Primitive(Primitive::Net { side, net }) if *side != Side::Both => {
                add_addresses(&mut addresses, *side, network(*net));
            }
            Expr::Primitive(Primitive::Flow(FlowTest::Range { side, first, last }))
                if *side != Side::Both =>
            {
                add_addresses(&mut addresses, *side, span(*first, *last));
            }
            Expr::Primitive(Primitive::Flow(FlowTest::Number {
                field,
                comparison: Comparison::Equal,
                value,
            })) => match numbers.iter_mut().find(|(known, _)| known == field) {
                Some((_, ranges)) => ranges.push((*value, *value)),
                None => numbers.push((*field, vec![(*value, *value)])),
            },
            other => nodes.push(node(other)),
        }
    }
    nodes.extend(ports.into_iter().map(|(p, side, ranges)| port(p, side, ranges)));
    nodes.extend(addresses.into_iter().map(|(side, ranges)| address(side, ranges)));
    nodes.extend(numbers.into_iter().map(|(field, ranges)| number(field, ranges)));
    Node::Or(nodes)
}

fn add_addresses(all: &mut Vec<(Side, Ranges)>, side: Side, more: Ranges) {
    match all.iter_mut().find(|(known, _)| *known == side) {
        Some((_, ranges)) => {
            ranges.v4.extend(more.v4);
            ranges.v6.extend(more.v6);
        }
        None => all.push((side, more)),
    }
}

fn one(primitive: &Primitive) -> Node {
    match *primitive {
        Primitive::Version(version) => Node::Test(Test::Version { v4: version == IpVersion::V4 }),
        Primitive::Protocol { version, number } => {
            let protocol = equal(FlowColumn::Protocol, number.into());
            match version {
                None => protocol,
                Some(v) => {
                    Node::And(vec![protocol, Node::Test(Test::Version { v4: v == IpVersion::V4 })])
                }
            }
        }
        Primitive::Net { side, net } => address(side, network(net)),
        Primitive::Port { protocol, side, first, last } => {
            port(protocol, side, vec![(first.into(), last.into())])
        }
        Primitive::Flow(FlowTest::Range { side, first, last }) => address(side, span(first, last)),
        Primitive::Flow(FlowTest::Flags { mask, any }) => Node::Test(Test::Flags { mask, any }),
        Primitive::Flow(FlowTest::Number { field, comparison, value }) => {
            let ranges = match comparison {
                Comparison::Equal => vec![(value, value)],
                Comparison::NotEqual => {
                    return Node::Not(Box::new(number(field, vec![(value, value)])));
                }
                Comparison::Less => value.checked_sub(1).map(|top| (0, top)).into_iter().collect(),
                Comparison::LessOrEqual => vec![(0, value)],
                Comparison::Greater => {
                    value.checked_add(1).map(|low| (low, u64::MAX)).into_iter().collect()
                }
                Comparison::GreaterOrEqual => vec![(value, u64::MAX)],
            };
            number(field, ranges)
        }
        // A record of a flow does not tell these.
        Primitive::Vlan(_)
        | Primitive::Mpls
        | Primitive::Pppoe
        | Primitive::Tunnel { .. }
        | Primitive::Length { .. } => never(),
    }
}

fn equal(column: FlowColumn, value: u64) -> Node {
    Node::Test(Test::Number { column, ranges: vec![(value, value)] })
}

fn on_side(side: Side, src: Node, dst: Node) -> Node {
    match side {
        Side::Src => src,
        Side::Dst => dst,
        Side::Either => Node::Or(vec![src, dst]),
        Side::Both => Node::And(vec![src, dst]),
    }
}

/// Ports of TCP, UDP and SCTP, or of one of them.
fn port(protocol: Option<PortProtocol>, side: Side, ranges: Vec<(u64, u64)>) -> Node {
    let ranges = joined(ranges);
    let test = |column| {
        Node::Test(if ranges.len() > 1 {
            let mut bits = Box::new([0_u64; 1024]);
            for &(first, last) in &ranges {
                for port in first..=last.min(u16::MAX.into()) {
                    bits[(port >> 6) as usize] |= 1 << (port & 63);
                }
            }
            Test::Set { column, bits }
        } else {
            Test::Number { column, ranges: ranges.clone() }
        })
    };
    let ends = on_side(side, test(FlowColumn::SrcPort), test(FlowColumn::DstPort));
    let mut numbers: Vec<(u64, u64)> = PortProtocol::ALL
        .iter()
        .filter(|p| protocol.is_none_or(|wanted| wanted == **p))
        .map(|p| (p.number().into(), p.number().into()))
        .collect();
    numbers.sort_unstable();
    // One comparison per protocol is faster than a search in their list.
    let protocols = numbers.into_iter().map(|(n, _)| equal(FlowColumn::Protocol, n)).collect();
    Node::And(vec![ends, Node::Or(protocols)])
}

fn address(side: Side, ranges: Ranges) -> Node {
    let ranges = Ranges { v4: joined(ranges.v4), v6: joined(ranges.v6) };
    let test = |column| Node::Test(Test::Address { column, ranges: ranges.clone() });
    on_side(side, test(FlowColumn::SrcIp), test(FlowColumn::DstIp))
}

fn network(net: Network) -> Ranges {
    match net.addr() {
        IpAddr::V4(first) => {
            let hosts = u32::MAX.checked_shr(net.prefix().into()).unwrap_or(0);
            Ranges { v4: vec![(first.to_bits(), first.to_bits() | hosts)], v6: Vec::new() }
        }
        IpAddr::V6(first) => {
            let hosts = u128::MAX.checked_shr(net.prefix().into()).unwrap_or(0);
            without_mapped(first.to_bits(), first.to_bits() | hosts)
        }
    }
}

fn span(first: IpAddr, last: IpAddr) -> Ranges {
    match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            Ranges { v4: vec![(first.to_bits(), last.to_bits())], v6: Vec::new() }
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => without_mapped(first.to_bits(), last.to_bits()),
        _ => Ranges::default(),
    }
}

/// A network of IPv6 addresses holds no IPv4 address, though those are kept among its numbers.
fn without_mapped(first: u128, last: u128) -> Ranges {
    let mapped_last = MAPPED | u128::from(u32::MAX);
    let below = (first, last.min(MAPPED - 1));
    let above = (first.max(mapped_last + 1), last);
    let v6 = [below, above].into_iter().filter(|(first, last)| first <= last).collect();
    Ranges { v4: Vec::new(), v6 }
}

/// Sorted, and those that overlap as one.
fn joined<T: Ord + Copy>(mut ranges: Vec<(T, T)>) -> Vec<(T, T)> {
    ranges.sort_unstable();
    let mut joined: Vec<(T, T)> = Vec::new();
    for (low, high) in ranges {
        match joined.last_mut() {
            Some((_, end)) if low <= *end => *end = high.max(*end),
            _ => joined.push((low, high)),
        }
    }
    joined
}

fn number(field: FlowField, ranges: Vec<(u64, u64)>) -> Node {
    let ranges = joined(ranges);
    let test = |column| Node::Test(Test::Number { column, ranges: ranges.clone() });
    let rate = |rate| {
        let one = |&(low, high): &(u64, u64)| Node::Test(Test::Rate { rate, low, high });
        Node::Or(ranges.iter().map(one).collect())
    };
    match field {
        FlowField::Bytes => test(FlowColumn::Bytes),
        FlowField::Packets => test(FlowColumn::Packets),
        FlowField::Flows => {
            if ranges.iter().any(|&(low, high)| low <= 1 && 1 <= high) {
                Node::All
            } else {
                never()
            }
        }
        FlowField::PacketsPerSecond => rate(Rate::Pps),
        FlowField::BitsPerSecond => rate(Rate::Bps),
        FlowField::BytesPerPacket => rate(Rate::Bpp),
        FlowField::Duration => rate(Rate::Duration),
        FlowField::First => test(FlowColumn::First),
        FlowField::Last => test(FlowColumn::Last),
        FlowField::TcpFlags => test(FlowColumn::TcpFlags),
        FlowField::Tos => test(FlowColumn::Tos),
        FlowField::Interface(side) => {
            on_side(side, test(FlowColumn::InputInterface), test(FlowColumn::OutputInterface))
        }
        FlowField::As(side) => on_side(side, test(FlowColumn::SrcAs), test(FlowColumn::DstAs)),
        FlowField::Mask(side) => {
            on_side(side, test(FlowColumn::SrcMask), test(FlowColumn::DstMask))
        }
        FlowField::IcmpType => icmp(ranges.iter().map(|&(a, b)| (a << 8, b.min(255) << 8 | 255))),
        FlowField::IcmpCode => icmp((0..256_u64).flat_map(|kind| {
            ranges.iter().map(move |&(a, b)| (kind << 8 | a, kind << 8 | b.min(255)))
        })),
        FlowField::Stream => test(FlowColumn::StreamId),
        FlowField::Pattern => test(FlowColumn::Pattern),
        FlowField::Label => test(FlowColumn::Label),
        FlowField::FlowId => test(FlowColumn::FlowId),
        FlowField::EndReason => test(FlowColumn::EndReason),
    }
}

/// Type * 256 + code stands in the destination port.
fn icmp(ranges: impl Iterator<Item = (u64, u64)>) -> Node {
    let ranges = joined(ranges.filter(|(a, b)| a <= b).collect());
    let protocols = ICMP.map(|number| equal(FlowColumn::Protocol, number.into())).to_vec();
    let ports = Node::Test(Test::Number { column: FlowColumn::DstPort, ranges });
    Node::And(vec![Node::Or(protocols), ports])
}
