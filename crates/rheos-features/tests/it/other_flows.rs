//! Flows of other protocols, and of few, equal or disordered times, with columns computed by hand.

use rheos_core::{Addr, DropReason, FiveTuple, IpVersion, Nanos};
use rheos_flow::FlowConfig;
use rheos_wire::{ChecksumState, Layer, Packet, Tunnel, TunnelKind};

use super::rows::{
    B, Case, F, NULL, START_NS, all_columns, b, l, layered, n, packet, rows_with, t, tuple, udp,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![one_packet(), two_at_once(), out_of_order(), tunnelled_echo(), unknown_protocol(), empty()]
}

/// Null in other protocols.
const NO_TCP: &[&str] = &[
    "tcp_syn_count",
    "tcp_synack_count",
    "tcp_fin_count",
    "tcp_rst_count",
    "tcp_ack_count",
    "tcp_psh_count",
    "tcp_urg_count",
    "tcp_ece_count",
    "tcp_cwr_count",
    "tcp_complete_handshake",
    "tcp_graceful_close",
    "tcp_reset_close",
    "tcp_syn_ratio",
    "tcp_fin_ratio",
    "tcp_rst_ratio",
    "tcp_psh_ratio",
    "tcp_data_packets",
    "tcp_ack_only_packets",
    "tcp_flags_anomaly",
    "tcp_initiator_syn",
    "tcp_responder_synack",
    "tcp_fstat",
    "tcp_flags_agg",
    "tcp_flags_fwd",
    "tcp_flags_bwd",
];

/// One UDP packet: nothing that needs a second packet or another side has a value.
fn one_packet() -> Case {
    let mut want = vec![
        ("protocol", n(17.0)),
        ("total_packets", n(1.0)),
        ("total_bytes", n(68.0)),
        ("payload_bytes_total", n(40.0)),
        ("avg_packet_size", n(68.0)),
        ("start_time", n(0.0)),
        ("end_time", n(0.0)),
        ("flow_stat", n(0.0)),
        ("hdr_desc", t("ETH-IP-UDP")),
        ("conn_state", t("S0")),
        ("iat_min", NULL),
        ("iat_max", NULL),
        ("iat_mean", NULL),
        ("iat_std", NULL),
        ("iat_median", NULL),
        ("iat_sum", NULL),
        ("iat_p25", NULL),
        ("iat_p75", NULL),
        ("iat_p90", NULL),
        ("iat_p99", NULL),
        ("iat_bwd_min", NULL),
        ("iat_bwd_max", NULL),
        ("iat_bwd_mean", NULL),
        ("iat_bwd_std", NULL),
        ("iat_bwd_median", NULL),
        ("burstiness_index", NULL),
        ("burstiness_index_bwd", NULL),
        ("burst_count", n(1.0)),
        ("avg_burst_packets", n(1.0)),
        ("avg_burst_duration", n(0.0)),
        ("max_burst_packets", n(1.0)),
        ("idle_count", n(0.0)),
        ("avg_idle_duration", NULL),
        ("max_idle_duration", NULL),
        ("first_response_time", NULL),
        ("iat_sequence", l(&[])),
        ("timestamp_sequence", l(&[0.0])),
        ("splt", t("68:0:+")),
        ("pkt_len_std", n(0.0)),
        ("pkt_len_median", n(68.0)),
        ("pkt_len_p90", n(68.0)),
        ("pkt_len_variance", n(0.0)),
        ("pkt_len_bwd_min", NULL),
        ("pkt_len_bwd_max", NULL),
        ("pkt_len_bwd_mean", NULL),
        ("pkt_len_bwd_std", NULL),
        ("pkt_len_bwd_median", NULL),
        ("payload_len_min", n(40.0)),
        ("payload_len_bwd_mean", NULL),
        ("payload_len_bwd_std", NULL),
        ("l7_pkt_min_bwd", NULL),
        ("l7_pkt_max_bwd", NULL),
        ("header_only_ratio", n(0.0)),
        ("dominant_pkt_size", n(68.0)),
        ("dominant_pkt_ratio", n(1.0)),
        ("pkt_asymmetry", n(1.0)),
        ("tcp_is_tcp", b(false)),
    ];
    want.extend(NO_TCP.iter().map(|&name| (name, NULL)));
    Case { name: "one packet", packets: vec![udp(0, F, 40)], want }
}

/// Two packets with one time: a gap of 0 is a value, a rate over no time is none.
fn two_at_once() -> Case {
    let want = vec![
        ("duration", n(0.0)),
        ("packets_per_second", NULL),
        ("bytes_per_second", NULL),
        ("packets_ratio", n(1.0)),
        ("iat_min", n(0.0)),
        ("iat_max", n(0.0)),
        ("iat_std", n(0.0)),
        ("iat_median", n(0.0)),
        ("iat_p99", n(0.0)),
        ("iat_fwd_mean", NULL),
        ("iat_bwd_mean", NULL),
        ("burstiness_index", NULL),
        ("burst_count", n(1.0)),
        ("max_burst_packets", n(2.0)),
        ("avg_burst_duration", n(0.0)),
        ("first_response_time", n(0.0)),
        ("pkt_len_median", n(88.0)),
        // lengths 68 and 108: ranks 0.25, 0.75, 0.9
        ("pkt_len_p25", n(78.0)),
        ("pkt_len_p75", n(98.0)),
        ("pkt_len_p90", n(104.0)),
        ("pkt_len_std", n(20.0)),
        // equally frequent: the first
        ("dominant_pkt_size", n(68.0)),
        ("dominant_pkt_ratio", n(0.5)),
        ("conn_state", t("SF")),
    ];
    Case { name: "two packets at once", packets: vec![udp(0, F, 40), udp(0, B, 80)], want }
}

/// Times 10, 30, 20, 100 ms in order of arrival: gaps 20, 0 (a step back), 80.
fn out_of_order() -> Case {
    let packets = vec![udp(10, F, 10), udp(30, F, 20), udp(20, B, 30), udp(100, F, 20)];
    let want = vec![
        ("start_time", n(10e6)),
        ("end_time", n(100e6)),
        ("duration", n(0.09)),
        ("iat_min", n(0.0)),
        ("iat_max", n(0.08)),
        ("iat_sum", n(0.1)),
        ("iat_median", n(0.02)),
        ("iat_fwd_max", n(0.07)),
        ("first_response_time", n(0.01)),
        ("idle_count", n(1.0)),
        ("max_idle_duration", n(0.08)),
        ("avg_idle_duration", n(0.08)),
        ("burst_count", n(2.0)),
        ("max_burst_packets", n(3.0)),
        ("timestamp_sequence", l(&[0.0, 0.02, 0.01, 0.09])),
        ("iat_sequence", l(&[0.02, 0.0, 0.08])),
        ("splt_times", l(&[0.0, 0.02, 0.0, 0.08])),
    ];
    Case { name: "out of order", packets, want }
}

/// ICMP echo in VXLAN with two VLAN tags; one packet came in fragments, one has a wrong checksum.
fn tunnelled_echo() -> Case {
    // Type 8, code 0 as destination port, the identifier as source port.
    let echo = FiveTuple { src_port: 77, dst_port: 8 << 8, ..tuple(1) };
    let outer = FiveTuple {
        src: Addr::v4([192, 0, 2, 1]),
        dst: Addr::v4([192, 0, 2, 2]),
        src_port: 50_000,
        dst_port: 4789,
        ..tuple(17)
    };
    let dress = |packet: Packet| {
        let tunnel = Tunnel { kind: TunnelKind::Vxlan, depth: 1, id: 4242, outer };
        let dressed = Packet {
            vlan: [100, 200],
            vlan_count: 2,
            tunnel: Some(tunnel),
            icmp_type: if packet.tuple.src_port == 77 { 8 } else { 0 },
            ..packet
        };
        let layers = [Layer::Ethernet, Layer::Vlan, Layer::Vlan, Layer::Ipv4, Layer::Udp];
        let inner = [Layer::Vxlan, Layer::Ethernet, Layer::Ipv4, Layer::Icmp];
        layered(dressed, &[&layers[..], &inner[..]].concat())
    };
    let wrong = ChecksumState { wrong: Some(DropReason::ChecksumIcmp), offloaded: false };
    let packets = vec![
        Packet { fragments: 2, ..dress(packet(echo, 0, F, 28, 2000)) },
        Packet { checksum: wrong, ..dress(packet(echo, 5_000_000, B, 28, 2000)) },
    ];
    let want = vec![
        ("src_port", NULL),
        ("dst_port", NULL),
        ("dst_port_class", NULL),
        ("dst_port_class_num", NULL),
        ("protocol", n(1.0)),
        ("num_hdrs", n(9.0)),
        ("hdr_desc", t("ETH-VLAN-VLAN-IP-UDP-VXLAN-ETH-IP-ICMP")),
        ("initiator_confidence", n(1.0)),
        ("history", NULL),
        ("conn_state", t("OTH")),
        ("vlan_id", n(100.0)),
        ("vlan_inner_id", n(200.0)),
        ("tunnel_type", t("vxlan")),
        ("tunnel_depth", n(1.0)),
        ("tunnel_id", n(4242.0)),
        ("tunnel_src_ip", t("192.0.2.1")),
        ("tunnel_dst_ip", t("192.0.2.2")),
        ("tunnel_src_port", n(50_000.0)),
        ("tunnel_dst_port", n(4789.0)),
        ("icmp_type", n(8.0)),
        ("icmp_code", n(0.0)),
        ("fragmented_packets", n(1.0)),
        ("checksum_errors", n(1.0)),
        ("first_response_time", n(0.005)),
    ];
    Case { name: "an echo in a tunnel", packets, want }
}

/// A protocol without known header, over IPv6.
fn unknown_protocol() -> Case {
    let tuple = FiveTuple {
        src: Addr("2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap().octets()),
        dst: Addr("2001:db8::2".parse::<std::net::Ipv6Addr>().unwrap().octets()),
        src_port: 0,
        dst_port: 0,
        protocol: 200,
        version: IpVersion::V6,
    };
    let one = layered(packet(tuple, 0, F, 40, 60), &[Layer::Ethernet, Layer::Ipv6, Layer::Other]);
    let want = vec![
        ("src_ip", t("2001:db8::1")),
        ("dst_ip", t("2001:db8::2")),
        ("src_port", NULL),
        ("hdr_desc", t("ETH-IP6-PROTO200")),
        ("payload_bytes_fwd", n(60.0)),
        ("vlan_inner_id", NULL),
    ];
    Case { name: "an unknown protocol", packets: vec![one], want }
}

/// A packet that claims no length at all.
fn empty() -> Case {
    let want = vec![
        ("byte_asymmetry", NULL),
        ("avg_packet_size", n(0.0)),
        ("pkt_len_min", n(0.0)),
        ("l7_pkt_min_fwd", NULL),
        ("l7_pkt_max_fwd", NULL),
        ("header_only_ratio", n(1.0)),
        ("pkt_size_cv", NULL),
        ("burst_padding_ratio", NULL),
        ("avg_burst_payload_efficiency", NULL),
    ];
    Case { name: "an empty packet", packets: vec![packet(tuple(17), 0, F, 0, 0)], want }
}

#[test]
fn hand_computed_flows_of_other_protocols() {
    cases().iter().for_each(Case::check);
}

#[test]
fn the_burst_threshold_is_a_gap_of_exactly_that_length() {
    let packets = [udp(0, F, 1), udp(50, F, 1)];
    for (threshold_ms, bursts) in [(50, 2.0), (51, 1.0)] {
        let mut config = all_columns();
        config.burst_threshold = Nanos::from_millis(threshold_ms);
        let rows = rows_with(&packets, FlowConfig::default(), config);
        assert_eq!(rows[0].get("burst_count"), n(bursts), "{threshold_ms} ms");
    }
}

#[test]
fn sequences_end_at_their_limit_and_are_not_padded() {
    let packets: Vec<Packet> = (0..100).map(|i| udp(i, F, i as u32)).collect();
    for limit in [0, 1, 20, 80] {
        let mut config = all_columns();
        config.sequence_packets = limit;
        let rows = rows_with(&packets, FlowConfig::default(), config);
        let lengths: Vec<f64> = (0..limit).map(|i| 28.0 + i as f64).collect();
        assert_eq!(rows[0].get("splt_lengths"), l(&lengths));
        assert_eq!(rows[0].get("pkt_len_sequence"), l(&lengths));
        let gaps = vec![0.001; limit.saturating_sub(1)];
        assert_eq!(rows[0].get("iat_sequence"), l(&gaps));
    }
}

#[test]
fn times_that_arrow_cannot_tell_are_null() {
    let mut late = udp(0, F, 1);
    late.ts = rheos_core::Timestamp::MAX;
    let row = super::rows::row_of(&[late]);
    assert_eq!(row.get("start_time"), NULL);
    assert!(row.number("time_first") > START_NS as f64 / 1e9);
}
