//! From every link type down to the same small packet.

use rheos_core::{DropReason, LinkType};
use rheos_wire::{Decoded, Layer};

use crate::it::build::{
    assert_small, cat, decode_as, decode_eth, eth, ipv4, packet, small, small6, tag, udp,
};

fn dropped(link: LinkType, bytes: &[u8]) -> DropReason {
    match decode_as(link, bytes).0 {
        Decoded::Dropped(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn ethernet_with_ipv4_and_ipv6() {
    let frame = eth(0x0800, &small());
    let packet = assert_small(&frame, decode_eth(&frame));
    assert_eq!(packet.tuple.to_string(), "10.0.0.1:1000 > 10.0.0.2:53 proto 17");
    assert_eq!(packet.layers.as_slice(), [Layer::Ethernet, Layer::Ipv4, Layer::Udp]);
    assert_eq!((packet.l2_offset, packet.l3_offset), (0, 14));
    assert_eq!((packet.ts.as_nanos(), packet.index, packet.wire_len), (1_000_000_000, 7, 44));
    assert_eq!((packet.ttl, packet.tos, packet.ip_id, packet.ip_flags), (64, 0, 0x1234, 2));
    let frame = eth(0x86dd, &small6());
    let packet = assert_small(&frame, decode_eth(&frame));
    assert_eq!(packet.tuple.to_string(), "[2001:db8::1]:1000 > [2001:db8::2]:53 proto 17");
    assert_eq!(packet.layers.as_slice(), [Layer::Ethernet, Layer::Ipv6, Layer::Udp]);
}

#[test]
fn ieee_802_3_with_snap_and_with_the_ip_access_point() {
    let snap = cat(&[&[0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0], &small()]);
    let frame = eth(snap.len() as u16, &snap);
    assert_small(&frame, decode_eth(&frame));
    let direct = cat(&[&[6, 6, 3], &small()]);
    let frame = eth(direct.len() as u16, &direct);
    assert_small(&frame, decode_eth(&frame));
    let spanning_tree = eth(38, &[0x42, 0x42, 3, 0, 0, 0, 0, 0]);
    assert_eq!(dropped(LinkType::ETHERNET, &spanning_tree), DropReason::NonIp);
}

#[test]
fn vlan_tag_is_told() {
    let frame = eth(0x8100, &tag(0x6064, 0x0800, &small()));
    let packet = assert_small(&frame, decode_eth(&frame));
    assert_eq!((packet.vlan, packet.vlan_count), ([100, 0], 1));
    assert_eq!(packet.layers.as_slice(), [Layer::Ethernet, Layer::Vlan, Layer::Ipv4, Layer::Udp]);
}

#[test]
fn qinq_tells_both_tags_outermost_first() {
    for outer in [0x88a8, 0x8100, 0x9100, 0x9200] {
        let frame = eth(outer, &tag(7, 0x8100, &tag(8, 0x86dd, &small6())));
        let packet = assert_small(&frame, decode_eth(&frame));
        assert_eq!((packet.vlan, packet.vlan_count), ([7, 8], 2));
    }
}

#[test]
fn any_number_of_vlan_tags_is_walked() {
    let mut inner = tag(500, 0x0800, &small());
    for id in (1..500).rev() {
        inner = tag(id, 0x8100, &inner);
    }
    let frame = eth(0x8100, &inner);
    let packet = assert_small(&frame, decode_eth(&frame));
    assert_eq!((packet.vlan, packet.vlan_count), ([1, 2], 255));
}

#[test]
fn vlan_tag_before_802_3_length() {
    let snap = cat(&[&[0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0], &small()]);
    let frame = eth(0x8100, &tag(9, snap.len() as u16, &snap));
    assert_eq!(assert_small(&frame, decode_eth(&frame)).vlan[0], 9);
}

#[test]
fn backbone_bridge_802_1ah_with_tags_on_both_sides() {
    let customer = eth(0x8100, &tag(30, 0x0800, &small()));
    let frame = eth(0x88a8, &tag(20, 0x88e7, &cat(&[&[0, 0x12, 0x34, 0x56], &customer])));
    let packet = assert_small(&frame, decode_eth(&frame));
    assert_eq!(packet.vlan, [20, 30]);
    assert_eq!(packet.l2_offset, 22);
    assert!(packet.layers.as_slice().contains(&Layer::Pbb));
}

#[test]
fn virtual_interface_tag() {
    let frame = eth(0x8926, &tag(0x1234, 0x5678, &cat(&[&[0x08, 0], &small()])));
    assert_small(&frame, decode_eth(&frame));
}

#[test]
fn bridge_port_tag_and_network_service_header() {
    let frame = eth(0x893f, &cat(&[&[0xe0, 0, 0, 1, 0, 0, 0x08, 0], &small()]));
    assert_small(&frame, decode_eth(&frame));
    let inner = eth(0x0800, &small());
    for (next, payload) in [(1, small()), (2, small6()), (3, inner)] {
        let header = [0x0f, 0xc6, 1, next, 0, 0, 1, 255];
        let frame = eth(0x894f, &cat(&[&header, &[0; 16], &payload]));
        assert_small(&frame, decode_eth(&frame));
    }
    let short = eth(0x894f, &[0, 1, 1, 1, 0, 0, 0, 0]);
    assert_eq!(dropped(LinkType::ETHERNET, &short), DropReason::LinkMalformed);
}

#[test]
fn mpls_stack_with_ip_under_it() {
    let stack = [0x00, 0x01, 0x00, 0xff, 0x00, 0x02, 0x01, 0xff];
    for ethertype in [0x8847, 0x8848] {
        let frame = eth(ethertype, &cat(&[&stack, &small()]));
        let packet = assert_small(&frame, decode_eth(&frame));
        let layers = [Layer::Ethernet, Layer::Mpls, Layer::Mpls, Layer::Ipv4, Layer::Udp];
        assert_eq!(packet.layers.as_slice(), layers);
        let frame = eth(ethertype, &cat(&[&stack, &small6()]));
        assert_small(&frame, decode_eth(&frame));
    }
}

#[test]
fn mpls_pseudo_wire_with_and_without_control_word() {
    let bottom = [0x00, 0x01, 0x01, 0xff];
    let inner = eth(0x0800, &small());
    let with = eth(0x8847, &cat(&[&bottom, &[0; 4], &inner]));
    assert_eq!(assert_small(&with, decode_eth(&with)).l2_offset, 22);
    // The hardware address begins with a zero nibble, like a control word.
    let without = eth(0x8847, &cat(&[&bottom, &inner]));
    assert_eq!(assert_small(&without, decode_eth(&without)).l2_offset, 18);
    // It begins with a 4, like IPv4, or a 6, or neither.
    for first in [0x4a, 0x6a, 0xca] {
        let mut odd = inner.clone();
        odd[0] = first;
        let frame = eth(0x8847, &cat(&[&bottom, &odd]));
        assert_eq!(assert_small(&frame, decode_eth(&frame)).l2_offset, 18, "{first:x}");
    }
    let associated_channel = eth(0x8847, &cat(&[&bottom, &[0x10, 0, 0, 0x21, 0, 0, 0, 0]]));
    assert_eq!(dropped(LinkType::ETHERNET, &associated_channel), DropReason::NonIp);
}

#[test]
fn pppoe_session_and_discovery() {
    let ppp = cat(&[&[0, 0x21], &small()]);
    let len = (ppp.len() as u16).to_be_bytes();
    let session = cat(&[&[0x11, 0, 0, 1], &len, &ppp]);
    let frame = eth(0x8864, &session);
    let packet = assert_small(&frame, decode_eth(&frame));
    assert_eq!(packet.layers.as_slice()[1..3], [Layer::Pppoe, Layer::Ppp]);
    assert_small(&session, decode_as(LinkType::PPP_ETHER, &session));
    let discovery = eth(0x8863, &[0x11, 9, 0, 0, 0, 0]);
    assert_eq!(dropped(LinkType::ETHERNET, &discovery), DropReason::NonIp);
    let wrong = eth(0x8864, &[0x21, 0, 0, 1, 0, 2, 0, 0x21]);
    assert_eq!(dropped(LinkType::ETHERNET, &wrong), DropReason::LinkMalformed);
}

#[test]
fn ppp_with_and_without_framing_and_compressed_protocol() {
    for link in [LinkType::PPP, LinkType::PPP_HDLC] {
        for head in [&[0xff, 3, 0, 0x21][..], &[0, 0x21], &[0x21], &[0xff, 3, 0x21]] {
            let frame = cat(&[head, &small()]);
            assert_small(&frame, decode_as(link, &frame));
        }
        let frame = cat(&[&[0xff, 3, 0, 0x57], &small6()]);
        assert_small(&frame, decode_as(link, &frame));
        assert_eq!(dropped(link, &[0xff, 3, 0xc0, 0x21, 1, 1, 0, 4]), DropReason::NonIp);
    }
}

#[test]
fn cisco_hdlc() {
    for address in [0x0f, 0x8f] {
        let frame = cat(&[&[address, 0, 0x08, 0], &small()]);
        let packet = assert_small(&frame, decode_as(LinkType::C_HDLC, &frame));
        assert_eq!(packet.layers.as_slice()[0], Layer::Chdlc);
        assert_small(&frame, decode_as(LinkType::PPP_HDLC, &frame));
    }
    let keepalive = [0x8f, 0, 0x80, 0x35, 0, 0, 0, 2];
    assert_eq!(dropped(LinkType::C_HDLC, &keepalive), DropReason::NonIp);
}

#[test]
fn loopback_families_in_both_byte_orders() {
    for link in [LinkType::NULL, LinkType::LOOP] {
        for order in [u32::to_be_bytes, u32::to_le_bytes] {
            let frame = cat(&[&order(2), &small()]);
            assert_small(&frame, decode_as(link, &frame));
            for family in [10, 24, 28, 30] {
                let frame = cat(&[&order(family), &small6()]);
                assert_small(&frame, decode_as(link, &frame));
            }
            assert_eq!(dropped(link, &order(16)), DropReason::NonIp);
        }
    }
}

#[test]
fn raw_ip_by_nibble_and_by_link_type() {
    for link in [LinkType::RAW, LinkType::RAW_BSD, LinkType::RAW_OPENBSD] {
        assert_small(&small(), decode_as(link, &small()));
        assert_small(&small6(), decode_as(link, &small6()));
        assert_eq!(dropped(link, &[0x50; 40]), DropReason::IpVersion);
        assert_eq!(dropped(link, &[]), DropReason::LinkTruncated);
    }
    assert_small(&small(), decode_as(LinkType::IPV4, &small()));
    assert_small(&small6(), decode_as(LinkType::IPV6, &small6()));
    assert_eq!(dropped(LinkType::IPV4, &small6()), DropReason::IpVersion);
    assert_eq!(dropped(LinkType::IPV6, &[0x45; 60]), DropReason::IpVersion);
}

#[test]
fn linux_cooked_capture_of_both_versions() {
    let head = [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0];
    let frame = cat(&[&head, &[0x08, 0], &small()]);
    let packet = assert_small(&frame, decode_as(LinkType::LINUX_SLL, &frame));
    assert_eq!(packet.layers.as_slice()[0], Layer::Cooked);
    let tagged = cat(&[&head, &[0x81, 0], &tag(5, 0x0800, &small())]);
    assert_eq!(assert_small(&tagged, decode_as(LinkType::LINUX_SLL, &tagged)).vlan[0], 5);
    let llc = cat(&[&head, &[0, 4, 0x42, 0x42, 3]]);
    assert_eq!(dropped(LinkType::LINUX_SLL, &llc), DropReason::NonIp);
    let v2 = [0x86, 0xdd, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0];
    let frame = cat(&[&v2, &small6()]);
    assert_small(&frame, decode_as(LinkType::LINUX_SLL2, &frame));
}

#[test]
fn link_types_of_a_few_lines() {
    let in_ethernet = eth(0x0800, &small());
    let pktap = |link: u32| cat(&[&12_u32.to_le_bytes(), &[0; 4], &link.to_le_bytes()]);
    let nflog = cat(&[&[2, 0, 0, 0], &[8, 0, 1, 0, 0, 0, 1, 0], &[34, 0, 9, 0], &small()]);
    for (link, frame) in [
        (8, cat(&[&[0; 16], &small()])),
        (100, cat(&[&[0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0], &small()])),
        (107, cat(&[&[0x18, 0x41, 3, 0xcc], &small()])),
        (107, cat(&[&[0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 0x08, 0], &small()])),
        (107, cat(&[&[0x18, 0x41, 0x08, 0], &small()])),
        (109, cat(&[&[0; 12], &small6()])),
        (166, cat(&[&[1, 3, 0, 0x21], &small()])),
        (192, cat(&[&[0, 0, 8, 0, 1, 0, 0, 0], &in_ethernet])),
        (219, cat(&[&[0, 1, 1, 64], &small()])),
        (226, cat(&[&[0; 24], &small()])),
        (239, nflog),
        (258, cat(&[&pktap(1), &in_ethernet])),
        (149, cat(&[&pktap(12), &small()])),
    ] {
        assert_small(&frame, decode_as(LinkType(link), &frame));
    }
}

#[test]
fn what_carries_no_ip_is_told_apart() {
    for ethertype in [0x0806, 0x8035] {
        assert_eq!(dropped(LinkType::ETHERNET, &eth(ethertype, &[0; 28])), DropReason::Arp);
    }
    assert_eq!(dropped(LinkType::ETHERNET, &eth(0x88cc, &[0; 28])), DropReason::NonIp);
    for link in [LinkType::IEEE802_15_4_WITHFCS, LinkType::IEEE802_15_4_NOFCS, LinkType(231)] {
        assert_eq!(dropped(link, &small()), DropReason::LinkUnsupported);
    }
    assert_eq!(dropped(LinkType::ETHERNET, &eth(0x0800, &small6())), DropReason::IpVersion);
}

#[test]
fn every_cut_of_a_link_header_is_a_truncated_link() {
    let tagged = eth(0x8100, &tag(1, 0x8847, &cat(&[&[0, 1, 1, 64], &small()])));
    for len in 0..22 {
        let reason = dropped(LinkType::ETHERNET, &tagged[..len]);
        assert_eq!(reason, DropReason::LinkTruncated, "{len} bytes");
    }
}

#[test]
fn an_endless_chain_of_link_types_ends() {
    let step = [8_u32.to_le_bytes(), 192_u32.to_le_bytes()].concat();
    let ppi = cat(&[&[0, 0, 8, 0], &192_u32.to_le_bytes()]).repeat(1000);
    assert_eq!(dropped(LinkType(192), &ppi), DropReason::LinkMalformed);
    assert_eq!(dropped(LinkType(258), &step.repeat(1000)), DropReason::LinkMalformed);
}

#[test]
fn ethernet_in_llc_in_ethernet_keeps_the_inner_link_offset() {
    let bridged = cat(&[&[0xaa, 0xaa, 3, 0, 0x80, 0xc2, 0, 7], &eth(0x0800, &small())]);
    let frame = eth(bridged.len() as u16, &bridged);
    assert_eq!(assert_small(&frame, decode_eth(&frame)).l2_offset, 22);
    let plain = eth(0x6558, &eth(0x0800, &ipv4(17, &udp(1, 2, b""))));
    assert_eq!(packet(decode_eth(&plain)).l2_offset, 14);
}
