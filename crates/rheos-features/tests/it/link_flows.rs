//! Flows with hardware addresses, computed by hand.

use rheos_core::LinkType;
use rheos_flow::FlowConfig;

use super::frames::{FrameCase, Timed, UDP, batches, config, ethernet, extract, ipv4, rows, udp};
use super::rows::{NULL, Row, b, n, t};

const A: [u8; 6] = [0x00, 0x1b, 0x21, 0x0a, 0x0b, 0x0c];
const B: [u8; 6] = [0x52, 0x54, 0x00, 0xff, 0x00, 0x01];
const C: [u8; 6] = [0x00, 0x0c, 0x41, 0x01, 0x02, 0x03];
const D: [u8; 6] = [0x00, 0x02, 0xb3, 0x04, 0x05, 0x06];
const EVERYONE: [u8; 6] = [0xff; 6];
const GROUP: [u8; 6] = [0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb];

/// 10.0.0.1:1000 > 10.0.0.2:53, or back.
fn datagram(back: bool) -> Vec<u8> {
    let (src, dst, ports) = if back { (2, 1, (53, 1000)) } else { (1, 2, (1000, 53)) };
    ipv4(src, dst, UDP, 0, &udp(ports.0, ports.1, &[0; 10]))
}

fn frame(src: [u8; 6], dst: [u8; 6], vlans: &[u16], back: bool) -> Vec<u8> {
    let mut frame = ethernet(vlans, 0x0800, &datagram(back));
    frame[..6].copy_from_slice(&dst);
    frame[6..12].copy_from_slice(&src);
    frame
}

pub(crate) fn cases() -> Vec<FrameCase> {
    vec![answered(), one_way(), in_ip(), no_maker()]
}

/// The initiator speaks over two gateways, once to everyone and once to a group.
fn answered() -> FrameCase {
    let frames = [
        frame(A, B, &[], false),
        frame(B, A, &[], true),
        frame(A, C, &[], false),
        frame(A, EVERYONE, &[], false),
        frame(A, GROUP, &[], false),
        frame(A, B, &[], false),
    ];
    let want = vec![
        ("mac_src", t("00:1b:21:0a:0b:0c")),
        ("mac_dst", t("52:54:00:ff:00:01")),
        ("mac_eth_type", n(2048.0)),
        ("mac_vlan_id", NULL),
        ("mac_vlan_count", n(0.0)),
        // A B | B C everyone group A
        ("mac_unique_src_count", n(2.0)),
        ("mac_unique_dst_count", n(5.0)),
        ("mac_unique_src_count_fwd", n(1.0)),
        ("mac_unique_src_count_bwd", n(1.0)),
        ("mac_unique_dst_count_fwd", n(4.0)),
        ("mac_unique_dst_count_bwd", n(1.0)),
        // src, dst, several destinations of the initiator; B and A as sources are two directions
        ("mac_stat", n(11.0)),
        ("mac_broadcast_count", n(1.0)),
        ("mac_multicast_count", n(1.0)),
        ("mac_src_oui", t("00:1b:21")),
        ("mac_dst_oui", NULL),
        ("mac_src_is_local", b(false)),
        ("mac_dst_is_local", b(true)),
    ];
    FrameCase { name: "an answered flow", frames: (0..).zip(frames).collect(), want }
}

/// Two tagged packets of the initiator from two sources.
fn one_way() -> FrameCase {
    let frames = vec![(0, frame(A, D, &[7, 9], false)), (1, frame(C, D, &[7, 9], false))];
    let want = vec![
        ("mac_src", t("00:1b:21:0a:0b:0c")),
        ("mac_eth_type", n(33024.0)),
        ("mac_vlan_id", n(7.0)),
        ("mac_vlan_count", n(1.0)),
        ("mac_dst_oui", t("00:02:b3")),
        ("mac_unique_src_count", n(2.0)),
        ("mac_unique_dst_count", n(1.0)),
        ("mac_unique_src_count_fwd", n(2.0)),
        ("mac_unique_src_count_bwd", NULL),
        ("mac_unique_dst_count_bwd", NULL),
        // src, dst, several sources of the initiator, tagged
        ("mac_stat", n(23.0)),
        ("mac_broadcast_count", n(0.0)),
        ("mac_multicast_count", n(0.0)),
    ];
    FrameCase { name: "one way, tagged", frames, want }
}

/// A tunnel that carries IP: the addresses around it are the tunnel's, not the flow's.
fn in_ip() -> FrameCase {
    let tunnelled = ipv4(101, 102, 4, 0, &datagram(false));
    let want = vec![
        ("mac_src", NULL),
        ("mac_dst", NULL),
        ("mac_eth_type", NULL),
        ("mac_unique_src_count", NULL),
        ("mac_unique_dst_count", NULL),
        ("mac_unique_src_count_fwd", NULL),
        ("mac_unique_dst_count_fwd", NULL),
        ("mac_stat", n(0.0)),
        ("mac_broadcast_count", NULL),
        ("mac_multicast_count", NULL),
        ("mac_src_oui", NULL),
        ("mac_src_is_local", NULL),
        ("mac_dst_is_local", NULL),
        ("link_padding_bytes", NULL),
    ];
    FrameCase { name: "IP in IP", frames: vec![(0, ethernet(&[], 0x0800, &tunnelled))], want }
}

/// The first packet of the flow goes to a group of stations.
fn no_maker() -> FrameCase {
    let frames = vec![(0, frame(C, GROUP, &[], false))];
    let want = vec![
        ("mac_dst", t("01:00:5e:00:00:fb")),
        ("mac_src_oui", t("00:0c:41")),
        ("mac_dst_oui", NULL),
        ("mac_dst_is_local", b(false)),
        ("mac_multicast_count", n(1.0)),
    ];
    FrameCase { name: "to a group", frames, want }
}

#[test]
fn hand_computed_hardware_addresses() {
    cases().iter().for_each(FrameCase::check);
}

#[test]
fn defect_two_sources_of_an_answered_flow_are_one_per_direction() {
    let frames = [(0, frame(A, C, &[], false)), (1, frame(C, A, &[], true))];
    let row = &rows(&frames)[0];
    assert_eq!(row.get("mac_unique_src_count"), n(2.0));
    assert_eq!(row.get("mac_stat"), n(3.0), "neither 0x04 nor 0x08");
    assert_eq!(row.get("mac_dst_oui"), t("00:0c:41"));
}

#[test]
fn defect_stacked_tags_are_read() {
    let rows = rows(&[(0, frame(A, B, &[20, 30], false)), (1, frame(A, B, &[10], false))]);
    let ids: Vec<_> = rows.iter().map(|row| row.get("mac_vlan_id")).collect();
    assert_eq!(ids, [n(20.0), n(10.0)], "VLANs are flows of their own");
    for row in &rows {
        assert_eq!(row.get("mac_vlan_id"), row.get("vlan_id"));
    }
}

#[test]
fn vlans_that_are_merged_are_counted() {
    let mut config = config(1);
    config.flow = FlowConfig { key_vlan: false, ..FlowConfig::default() };
    let frames: Vec<Timed> =
        (0..20).map(|i| (i, frame(A, B, &[100 - i as u16 % 18], false))).collect();
    let (out, _) = extract(&config, &batches(&frames, 7));
    let rows: Vec<Row> = out.iter().flat_map(Row::all).collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get("mac_vlan_count"), n(16.0), "eighteen, of which two are forgotten");
    assert_eq!(rows[0].get("mac_vlan_id"), n(85.0));
}

#[test]
fn an_answer_that_came_first_names_the_initiators_side_too() {
    // A SYN-ACK: its sender is the responder.
    let segment = super::frames::tcp((80, 1000), 1, 1, 0x12, &[]);
    let mut answer = ethernet(&[], 0x0800, &ipv4(2, 1, super::frames::TCP, 0, &segment));
    answer[..6].copy_from_slice(&A);
    answer[6..12].copy_from_slice(&B);
    let row = &rows(&[(0, answer)])[0];
    assert_eq!(row.get("src_ip"), t("10.0.0.1"));
    assert_eq!(row.get("mac_src"), t("00:1b:21:0a:0b:0c"));
    assert_eq!(row.get("mac_dst"), t("52:54:00:ff:00:01"));
    assert_eq!(row.get("mac_unique_src_count_fwd"), NULL);
}

#[test]
fn other_links_and_reassembled_datagrams_have_no_addresses() {
    let mut raw = batches(&[(0, datagram(false))], 1);
    raw[0].frames[0].link = LinkType::RAW;
    let (out, _) = extract(&config(1), &raw);
    assert_eq!(Row::all(&out[0])[0].get("mac_src"), NULL);
    let whole = udp(1000, 53, &[7; 100]);
    let fragments = [
        (0, ethernet(&[], 0x0800, &ipv4(1, 2, UDP, 0x2000, &whole[..56]))),
        (1, ethernet(&[], 0x0800, &ipv4(1, 2, UDP, 56 / 8, &whole[56..]))),
    ];
    let row = &rows(&fragments)[0];
    assert_eq!(row.get("total_packets"), n(1.0));
    assert_eq!(row.get("mac_src"), NULL);
}
