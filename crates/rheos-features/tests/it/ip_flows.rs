//! What IP and ICMP headers say, computed by hand.

use rheos_wire::tcp_flags::{ACK, SYN};

use super::frames::{FrameCase, TCP, Timed, UDP, ethernet, ipv4, ipv6, rows, tcp, udp};
use super::rows::{NULL, b, n, t};

const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

pub(crate) fn cases() -> Vec<FrameCase> {
    vec![
        headers(),
        no_answer(),
        only_answer(),
        version_6(),
        plain_version_6(),
        extensions(),
        pings(),
        pings_version_6(),
        too_big(),
        unreachable(),
        neighbours(),
        mask_of_no_flow(),
    ]
}

/// What is set in an IPv4 header beside addresses.
#[derive(Clone, Copy)]
struct Fields {
    ttl: u8,
    tos: u8,
    id: u16,
    flags: u16,
}

/// A UDP packet of 10.0.0.1 to 10.0.0.2 or back, with four bytes of options where `options` is set.
fn packet(back: bool, fields: Fields, options: bool) -> Vec<u8> {
    let (src, dst, ports) = if back { (2, 1, (53, 1000)) } else { (1, 2, (1000, 53)) };
    let mut ip = ipv4(src, dst, UDP, fields.flags << 13, &udp(ports.0, ports.1, &[0; 8]));
    ip[1] = fields.tos;
    ip[4..6].copy_from_slice(&fields.id.to_be_bytes());
    ip[8] = fields.ttl;
    if options {
        // Three no-operations and the end of the list.
        ip.splice(20..20, [1, 1, 1, 0]);
        ip[0] = 0x46;
        ip[3] += 4;
    }
    ethernet(&[], 0x0800, &ip)
}

/// An answered flow: the initiator counts its identifications, the responder's are wild.
fn headers() -> FrameCase {
    let there = |ttl, tos, id| Fields { ttl, tos, id, flags: 2 };
    let back = |ttl, id| Fields { ttl, tos: 2, id, flags: 0 };
    let frames = [
        packet(false, there(60, 0xb8, 65_535), false),
        packet(true, back(250, 500), false),
        packet(false, there(61, 0xb8, 0), true),
        packet(true, back(250, 500), false),
        packet(false, there(60, 0x03, 3), false),
        packet(true, back(250, 400), false),
    ];
    let want = vec![
        ("ip_ttl_fwd_min", n(60.0)),
        ("ip_ttl_fwd_max", n(61.0)),
        ("ip_ttl_fwd_mean", n(181.0 / 3.0)),
        ("ip_ttl_fwd_changes", n(2.0)),
        ("ip_ttl_bwd_min", n(250.0)),
        ("ip_ttl_bwd_max", n(250.0)),
        ("ip_ttl_bwd_mean", n(250.0)),
        ("ip_ttl_bwd_changes", n(0.0)),
        ("ip_ttl_fwd_initial_est", n(64.0)),
        ("ip_ttl_fwd_hops_est", n(4.0)),
        ("ip_tos_value", n(184.0)),
        // 0xb8, 2, 3
        ("ip_tos_unique_count", n(3.0)),
        ("ip_dscp", n(46.0)),
        ("ip_ecn", n(0.0)),
        ("ip_flags", n(2.0)),
        ("ip_df_count", n(3.0)),
        ("ip_df_ratio", n(0.5)),
        ("ip_version", n(4.0)),
        // 65535 > 0 is a step of 1, 0 > 3 a gap; 500 > 500 none, 500 > 400 a gap
        ("ip_id_gaps", n(2.0)),
        ("ip_ttl_bwd_initial_est", n(255.0)),
        ("ip_ttl_bwd_hops_est", n(5.0)),
        ("ip_ttl_fwd_unique_count", n(2.0)),
        ("ip_ttl_bwd_unique_count", n(1.0)),
        ("ip_id_gaps_fwd", n(1.0)),
        ("ip_id_gaps_bwd", n(1.0)),
        ("ip_id_behaviour_fwd", t("counter")),
        ("ip_id_behaviour_bwd", t("irregular")),
        ("ip_ect_packets", n(3.0)),
        ("ip_ce_packets", n(1.0)),
        ("ip_options_packets", n(1.0)),
        ("ip_header_len_max", n(24.0)),
        ("ip_fragments", n(0.0)),
        ("ipv6_packet_count", n(0.0)),
        ("ipv4_packet_count", n(6.0)),
        ("ipv6_ratio", n(0.0)),
        ("is_ipv6_only", b(false)),
        ("ipv6_flow_label", NULL),
        ("ipv6_flow_label_unique_count", NULL),
        ("ipv6_flow_label_changes", NULL),
        ("ipv6_traffic_class", NULL),
        ("ipv6_traffic_class_unique_count", NULL),
        ("ipv6_dscp", NULL),
        ("ipv6_ecn", NULL),
        ("ipv6_flow_label_fwd", NULL),
        ("ipv6_ext_packets", NULL),
        ("ipv6_ext_headers_max", NULL),
        ("ipv6_ext_bytes", NULL),
        ("ipv6_hop_by_hop_count", NULL),
        ("ipv6_routing_count", NULL),
        ("ipv6_destination_count", NULL),
        ("ipv6_atomic_fragment_count", NULL),
        ("ipv6_ah_count", NULL),
        ("ipv6_router_alert_count", NULL),
        ("ipv6_jumbo_count", NULL),
    ];
    FrameCase { name: "IPv4 headers", frames: (0..).zip(frames).collect(), want }
}

/// One packet: nothing of the responder, nothing to compare with.
fn no_answer() -> FrameCase {
    let frame = packet(false, Fields { ttl: 128, tos: 0, id: 0, flags: 0 }, false);
    let want = vec![
        ("ip_ttl_bwd_min", NULL),
        ("ip_ttl_bwd_max", NULL),
        ("ip_ttl_bwd_mean", NULL),
        ("ip_ttl_bwd_changes", NULL),
        ("ip_ttl_bwd_initial_est", NULL),
        ("ip_ttl_bwd_hops_est", NULL),
        ("ip_ttl_bwd_unique_count", NULL),
        ("ip_ttl_fwd_initial_est", n(128.0)),
        ("ip_ttl_fwd_hops_est", n(0.0)),
        ("ip_tos_value", n(0.0)),
        ("ip_df_count", n(0.0)),
        ("ip_id_gaps", NULL),
        ("ip_id_gaps_fwd", NULL),
        ("ip_id_gaps_bwd", NULL),
        ("ip_id_behaviour_fwd", NULL),
        ("ip_id_behaviour_bwd", NULL),
    ];
    FrameCase { name: "one IPv4 packet", frames: vec![(0, frame)], want }
}

/// A SYN-ACK alone: nothing of the initiator.
fn only_answer() -> FrameCase {
    let segment = tcp((80, 1000), 1, 1, SYN | ACK, &[]);
    let want = vec![
        ("ip_ttl_fwd_min", NULL),
        ("ip_ttl_fwd_max", NULL),
        ("ip_ttl_fwd_mean", NULL),
        ("ip_ttl_fwd_changes", NULL),
        ("ip_ttl_fwd_initial_est", NULL),
        ("ip_ttl_fwd_hops_est", NULL),
        ("ip_ttl_fwd_unique_count", NULL),
        ("ip_ttl_bwd_min", n(64.0)),
    ];
    let frames = vec![(0, ethernet(&[], 0x0800, &ipv4(2, 1, TCP, 0, &segment)))];
    FrameCase { name: "an answer alone", frames, want }
}

/// An IPv6 packet with this word of class and label, hop limit 57.
fn labelled(back: bool, word: u32, next: u8, payload: &[u8]) -> Vec<u8> {
    let mut ip = ipv6(next, payload);
    ip[..4].copy_from_slice(&(6 << 28 | word).to_be_bytes());
    ip[7] = 57;
    if back {
        ip[23] = 2;
        ip[39] = 1;
    }
    ethernet(&[], 0x86dd, &ip)
}

/// Both sides label; the responder changes its label, and is marked.
fn version_6() -> FrameCase {
    let there = udp(1000, 53, &[0; 8]);
    let back = udp(53, 1000, &[0; 8]);
    let frames = [
        labelled(false, 0xb8 << 20 | 0xabcde, UDP, &there),
        labelled(true, 0x03 << 20 | 0x11111, UDP, &back),
        labelled(false, 0xb8 << 20 | 0xabcde, UDP, &there),
        labelled(true, 0x03 << 20 | 0x22222, UDP, &back),
    ];
    let want = vec![
        ("ip_ttl_fwd_min", n(57.0)),
        ("ip_tos_value", NULL),
        ("ip_tos_unique_count", NULL),
        ("ip_dscp", NULL),
        ("ip_ecn", NULL),
        ("ip_flags", NULL),
        ("ip_df_count", NULL),
        ("ip_df_ratio", NULL),
        ("ip_version", n(6.0)),
        ("ip_id_gaps", NULL),
        ("ip_ce_packets", n(2.0)),
        ("ip_options_packets", NULL),
        ("ip_header_len_max", NULL),
        ("ipv6_packet_count", n(4.0)),
        ("ipv4_packet_count", n(0.0)),
        ("ipv6_flow_label", n(0xabcde as f64)),
        ("ipv6_flow_label_unique_count", n(3.0)),
        ("ipv6_flow_label_changes", n(1.0)),
        ("ipv6_traffic_class", n(184.0)),
        ("ipv6_traffic_class_unique_count", n(2.0)),
        ("ipv6_dscp", n(46.0)),
        ("ipv6_ecn", n(0.0)),
        ("ipv6_ratio", n(1.0)),
        ("is_ipv6_only", b(true)),
        ("ipv6_flow_label_fwd", n(0xabcde as f64)),
        ("ipv6_flow_label_bwd", n(0x11111 as f64)),
        ("ipv6_ext_packets", n(0.0)),
        ("ipv6_ext_headers_max", n(0.0)),
        ("ipv6_ext_desc", NULL),
        ("ipv6_routing_type", NULL),
    ];
    FrameCase { name: "IPv6 labels", frames: (0..).zip(frames).collect(), want }
}

/// A packet that nobody answered.
fn plain_version_6() -> FrameCase {
    let frame = labelled(true, 0, UDP, &udp(53, 1000, &[0; 8]));
    let want = vec![
        ("ip_ttl_fwd_min", n(57.0)),
        ("ipv6_flow_label", n(0.0)),
        ("ipv6_flow_label_fwd", n(0.0)),
        ("ipv6_flow_label_bwd", NULL),
    ];
    FrameCase { name: "one IPv6 packet", frames: vec![(0, frame)], want }
}

/// One packet with a chain of extension headers, one with routing alone, one without.
fn extensions() -> FrameCase {
    let datagram = udp(1000, 53, &[0; 8]);
    // Router alert and padding; routing type 2 with no segment left; authentication; destination options of
    // padding alone; an atomic fragment.
    let chain: [&[u8]; 6] = [
        &[43, 0, 5, 2, 0, 0, 1, 0],
        &[51, 0, 2, 0, 0, 0, 0, 0],
        &[60, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2],
        &[44, 0, 1, 4, 0, 0, 0, 0],
        &[17, 0, 0, 0, 0, 0, 0, 9],
        &datagram,
    ];
    let routed: [&[u8]; 2] = [&[17, 0, 4, 0, 0, 0, 0, 0], &datagram];
    let frames = [
        labelled(false, 1, 0, &chain.concat()),
        labelled(false, 1, 43, &routed.concat()),
        labelled(false, 1, UDP, &datagram),
    ];
    let want = vec![
        ("protocol", n(17.0)),
        ("ipv6_ext_packets", n(2.0)),
        ("ipv6_ext_headers_max", n(5.0)),
        // 8 + 8 + 12 + 8 + 8, and 8
        ("ipv6_ext_bytes", n(52.0)),
        ("ipv6_ext_desc", t("HOP-RTG-AH-DST-FRAG")),
        ("ipv6_hop_by_hop_count", n(1.0)),
        ("ipv6_routing_count", n(2.0)),
        ("ipv6_routing_type", n(2.0)),
        ("ipv6_destination_count", n(1.0)),
        ("ipv6_atomic_fragment_count", n(1.0)),
        ("ipv6_ah_count", n(1.0)),
        ("ipv6_router_alert_count", n(1.0)),
        ("ipv6_jumbo_count", n(0.0)),
    ];
    FrameCase { name: "extension headers", frames: (0..).zip(frames).collect(), want }
}

fn message(back: bool, message: &[u8]) -> Vec<u8> {
    let (src, dst) = if back { (2, 1) } else { (1, 2) };
    ethernet(&[], 0x0800, &ipv4(src, dst, ICMP, 0, message))
}

fn echo(back: bool, sequence: u16) -> Vec<u8> {
    let [high, low] = sequence.to_be_bytes();
    message(back, &[if back { 0 } else { 8 }, 0, 0, 0, 0, 7, high, low, 1, 2, 3, 4])
}

/// Four requests, of which 1 and 2 are answered in 10 and 30 ms, 2 once more, and 5 never.
fn pings() -> FrameCase {
    let frames = vec![
        (0, echo(false, 1)),
        (10, echo(true, 1)),
        (1000, echo(false, 2)),
        (1030, echo(true, 2)),
        (1031, echo(true, 2)),
        (2000, echo(false, 5)),
        (3000, echo(false, 6)),
    ];
    let want = vec![
        ("icmp_packet_count", n(7.0)),
        ("icmp_echo_request_count", n(4.0)),
        ("icmp_echo_reply_count", n(3.0)),
        ("icmp_dest_unreachable_count", n(0.0)),
        ("icmp_time_exceeded_count", n(0.0)),
        ("icmp_unique_type_codes", n(2.0)),
        ("icmp_dominant_type", n(8.0)),
        ("icmp_dominant_type_count", n(4.0)),
        ("icmp_echo_success_ratio", n(0.5)),
        ("icmp_unique_ids", n(1.0)),
        ("icmp_seq_min", n(1.0)),
        ("icmp_seq_max", n(6.0)),
        ("icmp_seq_gaps", n(1.0)),
        ("icmp_stat", n(3.0)),
        ("icmp_ratio", n(1.0)),
        ("is_icmp_only", b(true)),
        ("icmp_echo_answered_count", n(2.0)),
        ("icmp_echo_unanswered_count", n(2.0)),
        ("icmp_echo_unasked_count", n(1.0)),
        ("icmp_rtt_min", n(0.01)),
        ("icmp_rtt_max", n(0.03)),
        ("icmp_rtt_mean", n(0.02)),
        ("icmp_rtt_std", n(0.01)),
        ("icmp_nd_count", n(0.0)),
        ("icmp_nd_target_ip", NULL),
        ("icmp_quoted_protocol", NULL),
        ("icmp_quoted_src_ip", NULL),
        ("icmp_quoted_dst_ip", NULL),
        ("icmp_quoted_src_port", NULL),
        ("icmp_quoted_dst_port", NULL),
        ("icmp_next_hop_mtu", NULL),
    ];
    FrameCase { name: "pings", frames, want }
}

/// An answered ping over IPv6.
fn pings_version_6() -> FrameCase {
    let frames = vec![
        (0, labelled(false, 0, ICMPV6, &[128, 0, 0, 0, 0, 7, 0, 9])),
        (5, labelled(true, 0, ICMPV6, &[129, 0, 0, 0, 0, 7, 0, 9])),
    ];
    let want = vec![
        ("icmp_packet_count", n(2.0)),
        ("icmp_echo_request_count", n(1.0)),
        ("icmp_echo_reply_count", n(1.0)),
        ("icmp_dominant_type", n(128.0)),
        ("icmp_echo_success_ratio", n(1.0)),
        ("icmp_seq_max", n(9.0)),
        ("icmp_seq_gaps", n(0.0)),
        ("icmp_stat", n(3.0)),
        ("icmp_rtt_mean", n(0.005)),
        ("icmp_rtt_std", n(0.0)),
    ];
    FrameCase { name: "pings over IPv6", frames, want }
}

/// What an error quotes: 10.0.0.2:40000 > 10.0.0.9:443, TCP.
fn quoted() -> Vec<u8> {
    ipv4(2, 9, 6, 0x4000, &[0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1])
}

/// A router's complaint about a packet that must not be fragmented.
fn too_big() -> FrameCase {
    let error = [&[3, 4, 0, 0, 0, 0, 0x05, 0x78][..], &quoted()].concat();
    let want = vec![
        ("icmp_dest_unreachable_count", n(1.0)),
        ("icmp_stat", n(4.0)),
        ("icmp_quoted_protocol", n(6.0)),
        ("icmp_quoted_src_ip", t("10.0.0.2")),
        ("icmp_quoted_dst_ip", t("10.0.0.9")),
        ("icmp_quoted_src_port", n(40_000.0)),
        ("icmp_quoted_dst_port", n(443.0)),
        ("icmp_next_hop_mtu", n(1400.0)),
        ("icmp_echo_success_ratio", NULL),
        ("icmp_unique_ids", n(0.0)),
        ("icmp_seq_min", NULL),
        ("icmp_seq_max", NULL),
        ("icmp_seq_gaps", NULL),
        ("icmp_echo_answered_count", NULL),
        ("icmp_echo_unanswered_count", NULL),
        ("icmp_echo_unasked_count", n(0.0)),
        ("icmp_rtt_min", NULL),
        ("icmp_rtt_max", NULL),
        ("icmp_rtt_mean", NULL),
        ("icmp_rtt_std", NULL),
    ];
    FrameCase { name: "a packet too big", frames: vec![(0, message(false, &error))], want }
}

/// Time exceeded, quoting a protocol without ports.
fn unreachable() -> FrameCase {
    let mut error = vec![11, 0, 0, 0, 0, 0, 0, 0];
    error.extend(ipv4(2, 9, 1, 0, &[8, 0, 0, 0, 0, 7, 0, 1]));
    let frames = vec![(0, message(false, &error)), (1, message(false, &error))];
    let want = vec![
        ("icmp_time_exceeded_count", n(2.0)),
        ("icmp_stat", n(8.0)),
        ("icmp_dominant_type", n(11.0)),
        ("icmp_dominant_type_count", n(2.0)),
        ("icmp_quoted_protocol", n(1.0)),
        ("icmp_quoted_src_port", NULL),
    ];
    FrameCase { name: "time exceeded", frames, want }
}

/// A neighbour is asked for.
fn neighbours() -> FrameCase {
    let mut asked = vec![135, 0, 0, 0, 0, 0, 0, 0];
    asked.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
    let want = vec![
        ("icmp_nd_count", n(1.0)),
        ("icmp_nd_target_ip", t("fe80::9")),
        ("icmp_stat", n(32.0)),
        ("icmp_dominant_type", n(135.0)),
    ];
    let frames = vec![(0, labelled(false, 0, ICMPV6, &asked))];
    FrameCase { name: "a neighbour solicitation", frames, want }
}

/// UDP: nothing of ICMP.
fn mask_of_no_flow() -> FrameCase {
    let frame = packet(false, Fields { ttl: 64, tos: 0, id: 1, flags: 0 }, false);
    let nulls = [
        "icmp_echo_request_count",
        "icmp_echo_reply_count",
        "icmp_dest_unreachable_count",
        "icmp_time_exceeded_count",
        "icmp_unique_type_codes",
        "icmp_dominant_type",
        "icmp_dominant_type_count",
        "icmp_unique_ids",
        "icmp_stat",
        "icmp_echo_unasked_count",
        "icmp_nd_count",
    ];
    let mut want = vec![
        ("icmp_packet_count", n(0.0)),
        ("icmp_ratio", n(0.0)),
        ("is_icmp_only", b(false)),
        ("icmp_seq_min", NULL),
    ];
    want.extend(nulls.map(|name| (name, NULL)));
    FrameCase { name: "no ICMP", frames: vec![(0, frame)], want }
}

#[test]
fn hand_computed_ip_and_icmp_headers() {
    cases().iter().for_each(FrameCase::check);
}

#[test]
fn defect_identifications_of_two_hosts_are_not_mixed() {
    // Two counters far apart, in turns: no gap in either.
    let of = |i: u16| {
        let back = i % 2 == 1;
        let id = if back { 40_000 } else { 100 } + i / 2;
        (u64::from(i), packet(back, Fields { ttl: 64, tos: 0, id, flags: 0 }, false))
    };
    let row = &rows(&(0..20).map(of).collect::<Vec<Timed>>())[0];
    assert_eq!(row.get("ip_id_gaps"), n(0.0));
    assert_eq!(row.get("ip_id_behaviour_fwd"), t("counter"));
    assert_eq!(row.get("ip_id_behaviour_bwd"), t("counter"));
}

#[test]
fn defect_a_time_to_live_that_swings_changes_each_time() {
    let of = |i: u8| {
        let fields = Fields { ttl: 60 + i % 2, tos: 0, id: 0, flags: 0 };
        (u64::from(i), packet(false, fields, false))
    };
    let row = &rows(&(0..10).map(of).collect::<Vec<Timed>>())[0];
    assert_eq!(row.get("ip_ttl_fwd_changes"), n(9.0));
    assert_eq!(row.get("ip_ttl_fwd_unique_count"), n(2.0));
    assert_eq!(row.get("ip_id_behaviour_fwd"), t("zero"));
}

#[test]
fn defect_the_first_type_of_service_is_not_the_least() {
    let of = |i: u8| {
        let fields = Fields { ttl: 64, tos: 0xb8 - i * 4, id: 0, flags: 0 };
        (u64::from(i), packet(false, fields, false))
    };
    let row = &rows(&(0..3).map(of).collect::<Vec<Timed>>())[0];
    assert_eq!(row.get("ip_tos_value"), n(184.0));
    assert_eq!(row.get("ip_dscp"), n(46.0));
}

#[test]
fn fragments_are_counted_with_their_packets() {
    let whole = udp(1000, 53, &[7; 100]);
    let fragments = [
        (0, ethernet(&[], 0x0800, &ipv4(1, 2, UDP, 0x2000, &whole[..56]))),
        (1, ethernet(&[], 0x0800, &ipv4(1, 2, UDP, 56 / 8, &whole[56..]))),
    ];
    let row = &rows(&fragments)[0];
    assert_eq!(row.get("ip_fragments"), n(2.0));
    assert_eq!(row.get("ip_flags"), n(0.0), "no MF in the whole datagram");
}

#[test]
fn defect_echoes_of_two_identifiers_are_two_flows() {
    let mut other = echo(false, 1);
    // The identifier's low byte, behind Ethernet, IP and four bytes.
    other[14 + 20 + 5] = 9;
    let rows = rows(&[(0, echo(false, 1)), (1, other)]);
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.get("icmp_unique_ids") == n(1.0)));
}
