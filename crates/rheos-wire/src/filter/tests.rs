//! Every primitive against packets made by hand, and the flat program against the expression's meaning.

use std::net::IpAddr;

use proptest::prelude::*;
use rheos_core::FiveTuple;

use super::*;
use crate::{Layers, Tunnel};

fn compile(text: &str) -> PacketFilter {
    match Filter::parse(text) {
        Ok(filter) => PacketFilter::new(&filter).unwrap(),
        Err(error) => panic!("{}", error.render(text)),
    }
}

fn packet(src: &str, dst: &str, protocol: u8, ports: (u16, u16)) -> Packet {
    let (src, dst): (IpAddr, IpAddr) = (src.parse().unwrap(), dst.parse().unwrap());
    let tuple = FiveTuple {
        src: src.into(),
        dst: dst.into(),
        src_port: ports.0,
        dst_port: ports.1,
        protocol,
        version: if src.is_ipv4() { IpVersion::V4 } else { IpVersion::V6 },
    };
    Packet { tuple, wire_len: 100, ..Packet::default() }
}

fn check(packet: &Packet, holds: &[&str], fails: &[&str]) {
    for text in holds {
        assert!(compile(text).matches(packet), "{text}");
        assert!(!compile(&format!("not ({text})")).matches(packet), "not ({text})");
    }
    for text in fails {
        assert!(!compile(text).matches(packet), "{text}");
        assert!(compile(&format!("not ({text})")).matches(packet), "not ({text})");
    }
}

#[test]
fn addresses_ports_and_protocols() {
    check(
        &packet("10.1.2.3", "192.168.0.9", 6, (40_000, 443)),
        &[
            "ip",
            "tcp",
            "proto 6",
            "ip proto 6",
            "host 10.1.2.3",
            "host 192.168.0.9",
            "src 10.1.2.3",
            "net 10/8",
            "src net 10.1.0.0/16",
            "dst net 192.168",
            "port 443",
            "dst port https",
            "src port 40000",
            "tcp port 443",
            "portrange 1-443",
            "len = 100",
            "less 100",
            "greater 100",
            "len != 99",
            "net 0.0.0.0/0",
            "tcp or udp and ip",
            "src net 10/8 and dst net 192.168/16",
        ],
        &[
            "ip6",
            "udp",
            "icmp",
            "ip6 proto 6",
            "host 10.1.2.4",
            "dst 10.1.2.3",
            "src and dst net 10/8",
            "src port 443",
            "udp port 443",
            "port 80",
            "portrange 444-500",
            "len < 100",
            "less 99",
            "greater 101",
            "vlan",
            "mpls",
            "pppoes",
            "tunnel",
            "gre",
            "ah",
            "net ::/0",
            "udp and ip or ip6",
        ],
    );
    check(
        &packet("2001:db8::1", "::ffff:10.1.2.3", 58, (0x8000, 7)),
        &["ip6", "icmp6", "net 2001:db8::/32", "host ::ffff:10.1.2.3", "net ::/0"],
        // Ports of ICMP hold type, code and id: no port test may find them.
        &["ip", "icmp", "port 7", "portrange 0-65535", "host 10.1.2.3", "net 0.0.0.0/0"],
    );
}

#[test]
fn only_tcp_udp_and_sctp_have_ports() {
    for protocol in 0..=u8::MAX {
        let packet = packet("10.0.0.1", "10.0.0.2", protocol, (53, 53));
        assert_eq!(compile("port 53").matches(&packet), [6, 17, 132].contains(&protocol));
    }
}

#[test]
fn vlans_labels_and_tunnels() {
    let mut p = packet("10.0.0.1", "10.0.0.2", 17, (1, 2));
    (p.vlan, p.vlan_count) = ([100, 0], 1);
    check(&p, &["vlan", "vlan 100", "udp and vlan 100"], &["vlan 0", "vlan 200"]);
    (p.vlan, p.vlan_count) = ([100, 200], 3);
    check(&p, &["vlan 100 and vlan 200"], &["vlan 0"]);

    p.layers = Layers::default();
    for layer in [Layer::Ethernet, Layer::Mpls, Layer::Pppoe, Layer::Gre, Layer::Vxlan, Layer::Ah] {
        p.layers.push(layer);
    }
    p.tunnel = Some(Tunnel { kind: TunnelKind::Vxlan, depth: 2, id: 42, outer: p.tuple });
    check(
        &p,
        &["mpls", "pppoes", "tunnel", "vxlan", "vxlan 42", "gre", "ah", "proto ah"],
        &["vxlan 41", "gre 42", "geneve", "gtpu", "ipip", "proto gre", "ip6 proto ah"],
    );
    p.tunnel = Some(Tunnel { kind: TunnelKind::IpInIp, depth: 1, id: 0, outer: p.tuple });
    check(&p, &["ipip"], &["teredo", "l2tp", "erspan", "ayiya"]);
    p.tunnel = Some(Tunnel { kind: TunnelKind::EtherIp, depth: 1, id: 0, outer: p.tuple });
    check(&p, &["etherip", "tunnel"], &["ipip", "etherip 1"]);
    check(&packet("10.0.0.1", "10.0.0.2", 47, (0, 0)), &["gre", "proto 47"], &["tunnel"]);
}

#[test]
fn an_empty_filter_needs_no_test() {
    assert!(compile("").matches_all() && compile("").matches(&Packet::default()));
    assert!(!compile("ip or ip6").matches_all());
}

/// What the expression means, by recursion.
fn meaning(expr: &Expr, packet: &Packet) -> bool {
    match expr {
        Expr::Primitive(primitive) => Test::new(primitive).holds(packet),
        Expr::Not(inner) => !meaning(inner, packet),
        Expr::And(all) => all.iter().all(|e| meaning(e, packet)),
        Expr::Or(any) => any.iter().any(|e| meaning(e, packet)),
    }
}

fn exprs() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        (0..6_u16).prop_map(|p| Primitive::Port {
            protocol: None,
            side: Side::Either,
            first: p,
            last: p
        }),
        prop::sample::select(vec![1_u8, 6, 17])
            .prop_map(|number| Primitive::Protocol { version: None, number }),
        (95..105_u32).prop_map(|bytes| Primitive::Length { comparison: Comparison::Less, bytes }),
    ];
    leaf.prop_map(Expr::Primitive).prop_recursive(8, 48, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(Expr::negated),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.and(b)),
            (inner.clone(), inner).prop_map(|(a, b)| a.or(b)),
        ]
    })
}

proptest! {
    #[test]
    fn the_program_means_what_the_expression_means(
        expr in exprs(),
        protocol in prop::sample::select(vec![1_u8, 6, 17]),
        ports in (0..6_u16, 0..6_u16),
        wire_len in 95..105_u32,
    ) {
        let mut packet = packet("10.0.0.1", "10.0.0.2", protocol, ports);
        packet.wire_len = wire_len;
        let filter = PacketFilter::new(&Filter::new(expr.clone())).unwrap();
        prop_assert_eq!(filter.matches(&packet), meaning(&expr, &packet), "{}", expr);
        for (at, instruction) in filter.program.iter().enumerate() {
            for to in [instruction.if_true, instruction.if_false] {
                prop_assert!(to >= REJECT || (to as usize) < at);
            }
        }
    }
}

#[test]
fn a_test_of_flow_records_is_refused() {
    let expr = rheos_core::filter::FlowFilter::parse("tcp and bytes > 1k").unwrap();
    let filter = Filter::new(expr.expr().unwrap().clone());
    let error = PacketFilter::new(&filter).unwrap_err();
    assert!(error.to_string().contains("needs a flow record"), "{error}");
}
