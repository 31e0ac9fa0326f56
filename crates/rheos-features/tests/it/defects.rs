//! What the older tool got wrong in links, IP and flows (its defects 8 to 16), right in the rows.

use rheos_wire::tcp_flags::{ACK, FIN, PSH, SYN};

use super::frames::{TCP, Timed, UDP, ethernet, ipv4, ipv6, rows, tcp, udp, udp_frame};
use super::rows::{NULL, b, n, t};

/// A connection of nine packets that both sides close.
fn connection() -> Vec<Timed> {
    let there = (40_000, 80);
    let back = (80, 40_000);
    let segments = [
        (1, tcp(there, 10, 0, SYN, &[])),
        (2, tcp(back, 50, 11, SYN | ACK, &[])),
        (1, tcp(there, 11, 51, ACK, &[])),
        (1, tcp(there, 11, 51, PSH | ACK, &[1; 5])),
        (2, tcp(back, 51, 16, PSH | ACK, &[2; 7])),
        (1, tcp(there, 16, 58, FIN | ACK, &[])),
        (2, tcp(back, 58, 17, ACK, &[])),
        (2, tcp(back, 58, 17, FIN | ACK, &[])),
        (1, tcp(there, 17, 59, ACK, &[])),
    ];
    let frame = |(from, segment): (u8, Vec<u8>)| {
        ethernet(&[], 0x0800, &ipv4(from, 3 - from, TCP, 0, &segment))
    };
    (0..).zip(segments.map(frame)).collect()
}

#[test]
fn defect_8_a_closed_connection_is_one_flow() {
    let rows = rows(&connection());
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get("total_packets"), n(9.0));
    assert_eq!(rows[0].get("tcp_graceful_close"), b(true));
    assert_eq!(rows[0].get("end_reason"), t("fin"));
    assert_eq!(rows[0].number("flow_stat") as u8 & 0x4c, 0x4c, "FIN both ways, whole");
}

#[test]
fn defect_9_an_idle_flow_ends_whatever_else_was_captured() {
    let frame = udp_frame(1, 2, (1000, 53), &[0; 10]);
    let rows = rows(&[(0, frame.clone()), (3_600_000, frame)]);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].get("end_reason"), t("idle"));
    assert_eq!(rows[0].number("flow_stat") as u8 & 0x20, 0x20, "timed out");
    assert_eq!(rows[0].get("duration"), n(0.0));
}

#[test]
fn defect_10_a_long_flow_is_cut_and_keeps_its_initiator() {
    let there = udp_frame(1, 2, (1000, 53), &[0; 10]);
    let back = udp_frame(2, 1, (53, 1000), &[0; 10]);
    // Every 10 s for 4000 s; the packet at 1800 s is an answer.
    let frames: Vec<Timed> = (0..=400)
        .map(|i| (i * 10_000, if i == 180 { back.clone() } else { there.clone() }))
        .collect();
    let rows = rows(&frames);
    let reasons: Vec<_> = rows.iter().map(|row| row.get("end_reason")).collect();
    assert_eq!(reasons, [t("active"), t("active"), t("end_of_input")]);
    let packets: Vec<_> = rows.iter().map(|row| row.number("total_packets") as u64).collect();
    assert_eq!(packets, [180, 180, 41]);
    assert!(rows.iter().all(|row| row.get("src_ip") == t("10.0.0.1")));
    assert_eq!(rows[1].get("packets_bwd"), n(1.0));
    assert_eq!(rows[1].get("start_time"), n(1800e9));
}

#[test]
fn defect_11_fragments_are_one_packet_of_their_flow() {
    let datagram = udp(1000, 53, &[7; 100]);
    let more = 0x2000;
    let frames = [
        ethernet(&[], 0x0800, &ipv4(1, 2, UDP, more, &datagram[..56])),
        ethernet(&[], 0x0800, &ipv4(1, 2, UDP, 56 / 8, &datagram[56..])),
    ];
    let rows = rows(&[(0, frames[0].clone()), (1, frames[1].clone())]);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get("dst_port"), n(53.0));
    assert_eq!(rows[0].get("total_packets"), n(1.0));
    assert_eq!(rows[0].get("fragmented_packets"), n(1.0));
    assert_eq!(rows[0].get("payload_bytes_fwd"), n(100.0));
}

#[test]
fn defect_12_extension_headers_are_walked() {
    let mut hop_by_hop = vec![TCP, 0, 1, 4, 0, 0, 0, 0];
    hop_by_hop.extend(tcp((40_000, 80), 1, 0, SYN, &[]));
    let rows = rows(&[(0, ethernet(&[], 0x86dd, &ipv6(0, &hop_by_hop)))]);
    assert_eq!(rows[0].get("protocol"), n(6.0));
    assert_eq!(rows[0].get("tcp_syn_count"), n(1.0));
    assert_eq!(rows[0].get("src_ip"), t("2001:db8::1"));
}

#[test]
fn defect_12_icmpv6_is_parsed() {
    let echo = [128, 0, 0, 0, 0, 7, 0, 1];
    let rows = rows(&[(0, ethernet(&[], 0x86dd, &ipv6(58, &echo)))]);
    assert_eq!(rows[0].get("icmp_type"), n(128.0));
    assert_eq!(rows[0].get("initiator_confidence"), n(1.0));
}

#[test]
fn defect_13_addresses_ports_and_protocol_are_of_one_layer() {
    let inner = ethernet(&[], 0x0800, &ipv4(1, 2, TCP, 0, &tcp((40_000, 80), 1, 0, SYN, &[])));
    let vxlan = [&[8, 0, 0, 0, 0, 0x10, 0x92, 0][..], &inner].concat();
    let outer = ipv4(101, 102, UDP, 0, &udp(50_000, 4789, &vxlan));
    let rows = rows(&[(0, ethernet(&[], 0x0800, &outer))]);
    assert_eq!(rows[0].get("src_ip"), t("10.0.0.1"));
    assert_eq!(rows[0].get("dst_port"), n(80.0));
    assert_eq!(rows[0].get("protocol"), n(6.0));
    assert_eq!(rows[0].get("total_bytes"), n(40.0));
    assert_eq!(rows[0].get("tunnel_type"), t("vxlan"));
    assert_eq!(rows[0].get("tunnel_id"), n(4242.0));
    assert_eq!(rows[0].get("tunnel_src_ip"), t("10.0.0.101"));
    assert_eq!(rows[0].get("tunnel_dst_port"), n(4789.0));
    assert_eq!(rows[0].get("hdr_desc"), t("ETH-IP-UDP-VXLAN-ETH-IP-TCP"));
}

#[test]
fn defect_14_vlans_are_flows_of_their_own() {
    let packet = ipv4(1, 2, UDP, 0, &udp(1000, 53, &[0; 10]));
    let frames = [&[][..], &[10], &[20], &[20, 30]].map(|vlans| ethernet(vlans, 0x0800, &packet));
    let rows = rows(&(0..).zip(frames).collect::<Vec<_>>());
    let ids: Vec<_> =
        rows.iter().map(|row| (row.get("vlan_id"), row.get("vlan_inner_id"))).collect();
    let wanted = [(NULL, NULL), (n(10.0), NULL), (n(20.0), NULL), (n(20.0), n(30.0))];
    assert_eq!(ids, wanted);
}

#[test]
fn defect_15_padding_is_not_payload() {
    let mut ack = ethernet(&[], 0x0800, &ipv4(1, 2, TCP, 0, &tcp((40_000, 80), 1, 1, ACK, &[])));
    ack.resize(60, 0);
    let rows = rows(&[(0, ack)]);
    assert_eq!(rows[0].get("payload_bytes_total"), n(0.0));
    assert_eq!(rows[0].get("packets_with_payload"), n(0.0));
    assert_eq!(rows[0].get("tcp_ack_only_packets"), n(1.0));
    assert_eq!(rows[0].get("total_bytes"), n(40.0));
}

#[test]
fn defect_16_a_total_length_of_0_counts_the_frame() {
    let mut packet = ipv4(1, 2, TCP, 0, &tcp((40_000, 80), 1, 1, PSH | ACK, &[0; 3000]));
    packet[2..4].fill(0);
    let rows = rows(&[(0, ethernet(&[], 0x0800, &packet))]);
    assert_eq!(rows[0].get("total_bytes"), n(3040.0));
    assert_eq!(rows[0].get("payload_bytes_fwd"), n(3000.0));
}
