//! Every tunnel, the policy of which layer keys, and falling back to the packet around.

use rheos_core::LinkType;
use rheos_wire::{DecodeConfig, Layer, Packet, Tunnel, TunnelKind, TunnelPolicy, TunnelPorts};

use crate::it::build::{
    assert_small, cat, decode_as, decode_eth, decode_with, eth, ipv4, ipv6, packet, small, small6,
    tag, tcp, udp,
};

/// The small packet in a tunnel of this kind, directly under raw IP.
#[track_caller]
fn assert_tunnel(bytes: &[u8], kind: TunnelKind, id: u32) -> Packet {
    let packet = assert_small(bytes, decode_as(LinkType::RAW, bytes));
    let tunnel = packet.tunnel.expect("a tunnel");
    assert_eq!((tunnel.kind, tunnel.depth, tunnel.id), (kind, 1, id));
    packet
}

/// The packet around is the result, with this payload length.
#[track_caller]
fn assert_outer(bytes: &[u8], protocol: u8, payload_len: u32) -> Packet {
    let packet = packet(decode_as(LinkType::RAW, bytes));
    assert_eq!(packet.tunnel, None);
    assert_eq!((packet.tuple.protocol, packet.payload_len), (protocol, payload_len));
    packet
}

fn vxlan(vni: u32, frame: &[u8]) -> Vec<u8> {
    cat(&[&[8, 0, 0, 0], &(vni << 8).to_be_bytes(), frame])
}

#[test]
fn ip_in_ip_in_all_four_mixes() {
    for (bytes, layers) in [
        (ipv4(4, &small()), [Layer::Ipv4, Layer::Ipv4]),
        (ipv4(41, &small6()), [Layer::Ipv4, Layer::Ipv6]),
        (ipv6(4, &small()), [Layer::Ipv6, Layer::Ipv4]),
        (ipv6(41, &small6()), [Layer::Ipv6, Layer::Ipv6]),
    ] {
        let packet = assert_tunnel(&bytes, TunnelKind::IpInIp, 0);
        assert_eq!(packet.layers.as_slice(), [layers[0], layers[1], Layer::Udp]);
    }
    assert_outer(&ipv4(4, &small6()), 4, 50);
}

#[test]
fn gre_with_every_optional_field() {
    let fields = [(0x8000, 4), (0x2000, 4), (0x1000, 4), (0xb000, 12), (0, 0)];
    for (bits, len) in fields {
        let id = if bits & 0x2000 == 0 { 0 } else { 0x0505_0505 };
        let head = cat(&[&u16::to_be_bytes(bits), &[8, 0], &vec![5; len]]);
        let packet = assert_tunnel(&ipv4(47, &cat(&[&head, &small()])), TunnelKind::Gre, id);
        assert_eq!(packet.layers.as_slice()[1], Layer::Gre);
    }
    let routed =
        cat(&[&[0x40, 0, 0x86, 0xdd, 0, 0, 0, 0], &[8, 0, 0, 2, 1, 2], &[0; 4], &small6()]);
    assert_tunnel(&ipv4(47, &routed), TunnelKind::Gre, 0);
}

#[test]
fn gre_over_udp() {
    let inside = cat(&[&[0x20, 0, 8, 0, 0, 0, 0, 3], &small()]);
    let packet = assert_tunnel(&ipv4(17, &udp(50_000, 4754, &inside)), TunnelKind::Gre, 3);
    let layers = [Layer::Ipv4, Layer::Udp, Layer::Gre, Layer::Ipv4, Layer::Udp];
    assert_eq!(packet.layers.as_slice(), layers);
    let nothing = cat(&[&[0, 0, 8, 0], &[0x45; 10]]);
    let around = assert_outer(&ipv4(17, &udp(50_000, 4754, &nothing)), 17, 14);
    assert_eq!(around.layers.as_slice(), [Layer::Ipv4, Layer::Udp]);
}

#[test]
fn gre_carries_ethernet_mpls_and_redirects() {
    let bridged = cat(&[&[0x20, 0, 0x65, 0x58, 0, 0, 1, 2], &eth(0x0800, &small())]);
    assert_eq!(assert_tunnel(&ipv4(47, &bridged), TunnelKind::Gre, 0x102).l2_offset, 28);
    let labelled = cat(&[&[0, 0, 0x88, 0x47], &[0, 1, 1, 64], &small()]);
    assert_tunnel(&ipv4(47, &labelled), TunnelKind::Gre, 0);
    for redirect in [&[][..], &[0, 0, 0, 1]] {
        let bytes = ipv4(47, &cat(&[&[0, 0, 0x88, 0x3e], redirect, &small()]));
        assert_tunnel(&bytes, TunnelKind::Gre, 0);
    }
}

#[test]
fn gre_version_1_of_pptp_carries_ppp() {
    let ppp = cat(&[&[0xff, 3, 0, 0x21], &small()]);
    let data = cat(&[&[0x30, 0x81, 0x88, 0x0b, 0, 34, 0, 9], &[0; 8], &ppp]);
    let packet = assert_tunnel(&ipv4(47, &data), TunnelKind::Gre, 9);
    assert_eq!(packet.layers.as_slice()[1..3], [Layer::Gre, Layer::Ppp]);
    let acknowledgement = [0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 9, 0, 0, 0, 1];
    assert_outer(&ipv4(47, &acknowledgement), 47, 12);
}

#[test]
fn erspan_types_1_2_and_3() {
    let frame = eth(0x8100, &tag(11, 0x0800, &small()));
    let type_1 = cat(&[&[0, 0, 0x88, 0xbe], &frame]);
    assert_eq!(assert_tunnel(&ipv4(47, &type_1), TunnelKind::Erspan, 0).vlan[0], 11);
    let sequence = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1];
    let type_2 = cat(&[&sequence, &[0x10, 5, 0x01, 0x23, 0, 0, 0, 0], &frame]);
    let packet = assert_tunnel(&ipv4(47, &type_2), TunnelKind::Erspan, 0x123);
    assert_eq!(packet.layers.as_slice()[1..4], [Layer::Gre, Layer::Erspan, Layer::Ethernet]);
    let sequence = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1];
    for (last, extra) in [(0, &[][..]), (1, &[0; 8])] {
        let head = [0x20, 5, 0x01, 0x23, 0, 0, 0, 0, 0, 0, 0, last];
        let type_3 = cat(&[&sequence, &head, extra, &frame]);
        assert_tunnel(&ipv4(47, &type_3), TunnelKind::Erspan, 0x123);
    }
}

#[test]
fn vxlan_on_both_its_ports_and_its_generic_extension() {
    for port in [4789, 8472] {
        let bytes = ipv4(17, &udp(50_000, port, &vxlan(0x12_3456, &eth(0x0800, &small()))));
        let packet = assert_tunnel(&bytes, TunnelKind::Vxlan, 0x12_3456);
        let outer = packet.tunnel.unwrap().outer;
        assert_eq!((outer.src_port, outer.dst_port, outer.protocol), (50_000, port, 17));
        assert_eq!(packet.l2_offset, 36);
    }
    let generic = cat(&[&[0x0c, 0, 0, 2, 0, 0, 7, 0], &small6()]);
    assert_tunnel(&ipv4(17, &udp(50_000, 4790, &generic)), TunnelKind::Vxlan, 7);
}

#[test]
fn geneve_with_options() {
    let head = [0x02, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 3, 1, 0, 0, 0, 0];
    let bytes = ipv6(17, &udp(50_000, 6081, &cat(&[&head, &eth(0x0800, &small())])));
    assert_tunnel(&bytes, TunnelKind::Geneve, 9);
    let plain = cat(&[&[0, 0, 0x86, 0xdd, 0, 0, 9, 0], &small6()]);
    assert_tunnel(&ipv4(17, &udp(50_000, 6081, &plain)), TunnelKind::Geneve, 9);
}

#[test]
fn gtp_u_with_sequence_and_extension_headers() {
    let len = |extra: usize| ((small().len() + extra) as u16).to_be_bytes();
    let plain = cat(&[&[0x30, 0xff], &len(0), &[0, 0, 0, 5], &small()]);
    let sequence = cat(&[&[0x32, 0xff], &len(4), &[0, 0, 0, 5, 0, 1, 0, 0], &small()]);
    let head = [0, 0, 0, 5, 0, 0, 0, 0x85];
    let extended = cat(&[&[0x34, 0xff], &len(8), &head, &[1, 0, 0, 0], &small()]);
    for message in [plain, sequence, extended] {
        for (src, dst) in [(2152, 2152), (2152, 40_000), (40_000, 2152)] {
            assert_tunnel(&ipv4(17, &udp(src, dst, &message)), TunnelKind::GtpU, 5);
        }
    }
    let echo = [0x32, 1, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0];
    assert_outer(&ipv4(17, &udp(2152, 2152, &echo)), 17, 12);
}

#[test]
fn teredo_with_authentication_and_origin() {
    let authentication = cat(&[&[0, 1, 2, 3], &[7; 5], &[8; 9]]);
    let origin = [0, 0, 1, 2, 3, 4, 5, 6];
    for head in [vec![], authentication.clone(), origin.to_vec(), cat(&[&authentication, &origin])]
    {
        let bytes = ipv4(17, &udp(50_000, 3544, &cat(&[&head, &small6()])));
        let packet = assert_tunnel(&bytes, TunnelKind::Teredo, 0);
        assert!(packet.layers.as_slice().contains(&Layer::Teredo));
    }
}

#[test]
fn l2tp_version_2_with_every_optional_field() {
    let ppp = cat(&[&[0xff, 3, 0, 0x21], &small()]);
    for (bits, fields) in [
        (0x0002_u16, cat(&[&[0, 1, 0, 2]])),
        (0x4002, cat(&[&[0, 42, 0, 1, 0, 2]])),
        (0x0802, cat(&[&[0, 1, 0, 2, 0, 0, 0, 0]])),
        (0x0202, cat(&[&[0, 1, 0, 2, 0, 3, 9, 9, 9]])),
    ] {
        let message = cat(&[&bits.to_be_bytes(), &fields, &ppp]);
        assert_tunnel(&ipv4(17, &udp(1701, 1701, &message)), TunnelKind::L2tp, 0x1_0002);
    }
    let control = cat(&[&[0xc8, 2, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0]]);
    assert_outer(&ipv4(17, &udp(1701, 1701, &control)), 17, 12);
}

#[test]
fn l2tp_version_3_over_ip_and_udp_with_cookies() {
    let frame = eth(0x0800, &small());
    for cookie in [0, 4, 8] {
        let over_ip = cat(&[&[0, 0, 0, 9], &vec![0xc0; cookie], &frame]);
        assert_tunnel(&ipv4(115, &over_ip), TunnelKind::L2tp, 9);
        let over_udp = cat(&[&[0, 3, 0, 0, 0, 0, 0, 9], &vec![0xc0; cookie], &frame]);
        assert_tunnel(&ipv4(17, &udp(1701, 1701, &over_udp)), TunnelKind::L2tp, 9);
    }
    assert_outer(&ipv4(115, &[0, 0, 0, 0, 0xc8, 3, 0, 12]), 115, 8);
}

#[test]
fn ayiya_forwards_ip() {
    let head = cat(&[&[0x44, 0x52, 0x11, 41, 0, 0, 0, 0], &[1; 16], &[2; 20]]);
    let bytes = ipv4(17, &udp(50_000, 5072, &cat(&[&head, &small6()])));
    assert_tunnel(&bytes, TunnelKind::Ayiya, 0);
}

#[test]
fn etherip_carries_ethernet_over_both_versions() {
    let payload = cat(&[&[0x30, 0], &eth(0x8100, &tag(7, 0x0800, &small()))]);
    for bytes in [ipv4(97, &payload), ipv6(97, &payload)] {
        let packet = assert_tunnel(&bytes, TunnelKind::EtherIp, 0);
        assert_eq!(packet.vlan, [7, 0]);
        let inside = [Layer::EtherIp, Layer::Ethernet, Layer::Vlan, Layer::Ipv4, Layer::Udp];
        assert_eq!(packet.layers.as_slice()[1..], inside);
        let outer = packet.tunnel.unwrap().outer;
        assert_eq!((outer.protocol, outer.src_port), (97, 0));
    }
    // Another version, and bits that are reserved.
    for head in [[0x20, 0], [0x30, 1]] {
        let bytes = ipv4(97, &cat(&[&head, &payload[2..]]));
        let packet = assert_outer(&bytes, 97, payload.len() as u32);
        assert_eq!(packet.layers.as_slice(), [Layer::Ipv4, Layer::EtherIp]);
    }
}

#[test]
fn mpls_over_ip_and_over_udp() {
    // Label 0x12345, traffic class 0, time to live 64; the last one has the bottom bit set.
    let (entry, bottom) = ([0x12, 0x34, 0x50, 64], [0x54, 0x32, 0x11, 64]);
    let word_and_frame = cat(&[&[0; 4], &eth(0x0800, &small())]);
    for (stack, labels) in [(cat(&[&entry, &bottom]), 2), (bottom.to_vec(), 1)] {
        let top = if labels == 2 { 0x12345 } else { 0x54321 };
        for inside in [small(), small6(), eth(0x0800, &small()), word_and_frame.clone()] {
            let payload = cat(&[&stack, &inside]);
            for (bytes, around) in [
                (ipv4(137, &payload), &[Layer::Ipv4][..]),
                (ipv6(137, &payload), &[Layer::Ipv6]),
                (ipv4(17, &udp(50_000, 6635, &payload)), &[Layer::Ipv4, Layer::Udp]),
                (ipv6(17, &udp(50_000, 6635, &payload)), &[Layer::Ipv6, Layer::Udp]),
            ] {
                let packet = assert_tunnel(&bytes, TunnelKind::Mpls, top);
                let layers = packet.layers.as_slice();
                assert_eq!(layers[..around.len()], *around);
                let found = layers.iter().filter(|layer| **layer == Layer::Mpls).count();
                assert_eq!((found, layers.contains(&Layer::Other)), (labels, false));
            }
        }
    }
    // A stack without bottom, and one over what is no packet.
    for payload in [cat(&[&entry, &entry]), cat(&[&bottom, b"neither IP nor Ethernet"])] {
        let packet = assert_outer(&ipv4(137, &payload), 137, payload.len() as u32);
        assert_eq!(packet.layers.as_slice(), [Layer::Ipv4, Layer::Other]);
        let packet =
            assert_outer(&ipv4(17, &udp(50_000, 6635, &payload)), 17, payload.len() as u32);
        assert_eq!(packet.layers.as_slice(), [Layer::Ipv4, Layer::Udp]);
    }
    assert_outer(&ipv4(137, &[1, 2, 3]), 137, 3);
}

#[test]
fn policy_outer_keys_by_the_outermost_packet() {
    let config = DecodeConfig { tunnels: TunnelPolicy::Outer, ..DecodeConfig::default() };
    for bytes in [
        ipv4(4, &small()),
        ipv4(47, &cat(&[&[0, 0, 8, 0], &small()])),
        ipv4(97, &cat(&[&[0x30, 0], &eth(0x0800, &small())])),
        ipv4(137, &cat(&[&[0, 0, 1, 64], &small()])),
        ipv4(17, &udp(50_000, 4789, &vxlan(1, &eth(0x0800, &small())))),
    ] {
        let packet = packet(decode_with(&config, LinkType::RAW, &bytes, bytes.len() as u32));
        assert_eq!((packet.tunnel, packet.ip_len), (None, bytes.len() as u32));
        assert_eq!(packet.tuple.protocol, bytes[9]);
    }
}

#[test]
fn depth_is_limited_and_the_packet_at_the_limit_keys() {
    let mut bytes = small();
    for _ in 0..6 {
        bytes = ipv4(4, &bytes);
    }
    for (limit, length) in [(4, 20 * 2 + 30), (1, 20 * 5 + 30), (6, 30), (255, 30)] {
        let config = DecodeConfig { tunnel_depth_max: limit, ..DecodeConfig::default() };
        let packet = packet(decode_with(&config, LinkType::RAW, &bytes, bytes.len() as u32));
        assert_eq!(packet.tunnel.unwrap().depth, limit.min(6));
        assert_eq!(packet.ip_len, length);
    }
}

#[test]
fn tunnels_in_tunnels_name_the_direct_one() {
    let inner = ipv4(47, &cat(&[&[0x20, 0, 8, 0, 0, 0, 0, 3], &small()]));
    let bytes = ipv4(17, &udp(50_000, 4789, &vxlan(1, &eth(0x0800, &inner))));
    let packet = assert_small(&bytes, decode_as(LinkType::RAW, &bytes));
    let Tunnel { kind, depth, id, outer } = packet.tunnel.unwrap();
    assert_eq!((kind, depth, id, outer.protocol), (TunnelKind::Gre, 2, 3, 47));
    assert_eq!(packet.l2_offset, 0, "no link header directly around the packet");
}

#[test]
fn inside_that_is_no_packet_leaves_the_packet_around() {
    let arp = vxlan(1, &eth(0x0806, &[0; 28]));
    let cut = vxlan(1, &eth(0x0800, &ipv4(6, &tcp(2, &[])[..10])));
    let longer = vxlan(1, &eth(0x0800, &small()[..25]));
    let no_vni = cat(&[&[0; 8], &eth(0x0800, &small())]);
    for payload in [arp, cut, longer, no_vni, b"not a tunnel at all".to_vec()] {
        let bytes = ipv4(17, &udp(50_000, 4789, &payload));
        let packet = assert_outer(&bytes, 17, payload.len() as u32);
        assert_eq!((packet.tuple.src_port, packet.tuple.dst_port), (50_000, 4789));
        assert_eq!(packet.layers.as_slice(), [Layer::Ipv4, Layer::Udp]);
        assert_eq!(packet.payload(&bytes), payload);
    }
    // The second tunnel is broken: the first one's packet is the result.
    let bytes = ipv4(4, &ipv4(47, &[0, 0, 8, 0, 1, 2, 3]));
    let packet = packet(decode_as(LinkType::RAW, &bytes));
    assert_eq!((packet.tuple.protocol, packet.tunnel.unwrap().depth), (47, 1));
}

#[test]
fn ports_of_tunnels_are_a_choice() {
    let bytes = ipv4(17, &udp(50_000, 9999, &vxlan(1, &eth(0x0800, &small()))));
    assert_outer(&bytes, 17, 52);
    let mut ports = TunnelPorts::none();
    assert!(ports.add(9999, TunnelKind::Vxlan));
    assert!(!ports.add(1, TunnelKind::IpInIp), "does not travel over UDP");
    let config = DecodeConfig { tunnel_ports: ports, ..DecodeConfig::default() };
    let packet = packet(decode_with(&config, LinkType::RAW, &bytes, bytes.len() as u32));
    assert_eq!(packet.tunnel.unwrap().kind, TunnelKind::Vxlan);
    let mut full = TunnelPorts::default();
    while full.add(1, TunnelKind::Geneve) {}
    assert_eq!(full.iter().count(), rheos_wire::tunnel::TUNNEL_PORTS_MAX);
}

#[test]
fn vlan_ids_are_those_of_the_frame_that_carries_the_packet() {
    let untagged = ipv4(17, &udp(1, 4789, &vxlan(1, &eth(0x0800, &small()))));
    let frame = eth(0x8100, &tag(5, 0x0800, &untagged));
    assert_eq!(assert_small(&frame, decode_eth(&frame)).vlan_count, 0);
    let in_ip = eth(0x8100, &tag(5, 0x0800, &ipv4(4, &small())));
    assert_eq!(assert_small(&in_ip, decode_eth(&in_ip)).vlan, [5, 0]);
}
