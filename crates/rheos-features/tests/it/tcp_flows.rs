//! TCP flows with every column computed by hand.

use rheos_core::Direction;
use rheos_wire::Packet;
use rheos_wire::tcp_flags::{ACK, AE, CWR, ECE, FIN, PSH, RST, SYN, URG};

use super::rows::{B, Case, F, NULL, Value, b, l, n, segment, t, tcp};

/// A whole connection: handshake, request, answer, close by both sides.
///
/// | ms | way | IP length | payload |
/// |---|---|---|---|
/// | 0 | > SYN | 60 | |
/// | 10 | < SYN ACK | 60 | |
/// | 20 | > ACK | 52 | |
/// | 30 | > PSH ACK | 152 | 100 |
/// | 50 | < ACK | 52 | |
/// | 150 | < PSH ACK | 1052 | 1000 |
/// | 160 | > ACK | 52 | |
/// | 400 | > FIN ACK | 52 | |
/// | 410 | < FIN ACK | 52 | |
/// | 420 | > ACK | 52 | |
pub(crate) fn connection() -> Vec<Packet> {
    // A SYN's options make its header 60 bytes long.
    let syn = |packet: Packet| Packet { ip_len: 60, ..packet };
    vec![
        segment(syn(tcp(0, F, SYN, 0)), 100, 0),
        segment(syn(tcp(10, B, SYN | ACK, 0)), 500, 101),
        segment(tcp(20, F, ACK, 0), 101, 501),
        segment(tcp(30, F, PSH | ACK, 100), 101, 501),
        segment(tcp(50, B, ACK, 0), 501, 201),
        segment(tcp(150, B, PSH | ACK, 1000), 501, 201),
        segment(tcp(160, F, ACK, 0), 201, 1501),
        segment(tcp(400, F, FIN | ACK, 0), 201, 1501),
        segment(tcp(410, B, FIN | ACK, 0), 1501, 202),
        segment(tcp(420, F, ACK, 0), 202, 1502),
    ]
}

pub(crate) fn cases() -> Vec<Case> {
    let mut connection_wants = meta_wants();
    connection_wants.extend(life_wants());
    connection_wants.extend(timing_wants());
    connection_wants.extend(size_wants());
    connection_wants.extend(tcp_wants());
    vec![
        Case { name: "a whole connection", packets: connection(), want: connection_wants },
        lone_syn(),
        odd_segments(),
        answer_without_request(),
    ]
}

fn meta_wants() -> Vec<(&'static str, Value)> {
    vec![
        // SHA-256 computed with Python's hashlib
        ("flow_id", t("27bff558433c6d553051d34d7109c2e1")),
        ("src_ip", t("10.0.0.1")),
        ("dst_ip", t("10.0.0.2")),
        ("src_port", n(40_000.0)),
        ("dst_port", n(80.0)),
        ("dst_port_class", t("http")),
        ("dst_port_class_num", n(1.0)),
        ("protocol", n(6.0)),
        ("start_time", n(0.0)),
        ("end_time", n(420e6)),
        ("duration", n(0.42)),
        ("total_packets", n(10.0)),
        ("packets_fwd", n(6.0)),
        ("packets_bwd", n(4.0)),
        // forward 60 + 52 + 152 + 52 + 52 + 52, backward 60 + 52 + 1052 + 52
        ("total_bytes", n(1636.0)),
        ("bytes_fwd", n(420.0)),
        ("bytes_bwd", n(1216.0)),
        ("payload_bytes_fwd", n(100.0)),
        ("payload_bytes_bwd", n(1000.0)),
        ("payload_bytes_total", n(1100.0)),
        ("packets_ratio", n(1.5)),
        ("bytes_ratio", n(420.0 / 1216.0)),
        ("packets_per_second", n(10.0 / 0.42)),
        ("bytes_per_second", n(1636.0 / 0.42)),
        ("avg_packet_size", n(163.6)),
        ("time_first", n(1_700_000_000.0)),
        ("time_last", n(1_700_000_000.42)),
        // SYN, SYN-ACK, FIN both ways, whole
        ("flow_stat", n(f64::from(0x01 | 0x02 | 0x04 | 0x08 | 0x40))),
        ("num_hdrs", n(3.0)),
        ("hdr_desc", t("ETH-IP-TCP")),
    ]
}

fn life_wants() -> Vec<(&'static str, Value)> {
    vec![
        ("end_reason", t("fin")),
        ("initiator_confidence", n(1.0)),
        ("conn_state", t("SF")),
        ("history", t("ShADadFf")),
        ("vlan_id", NULL),
        ("vlan_inner_id", NULL),
        ("tunnel_type", NULL),
        ("tunnel_depth", n(0.0)),
        ("tunnel_id", NULL),
        ("tunnel_src_ip", NULL),
        ("tunnel_dst_ip", NULL),
        ("tunnel_src_port", NULL),
        ("tunnel_dst_port", NULL),
        ("icmp_type", NULL),
        ("icmp_code", NULL),
        ("fragmented_packets", n(0.0)),
        ("checksum_errors", n(0.0)),
        // SHA-1 computed with Python's hashlib
        ("community_id", t("1:3k1SoWXs/FltHw2aBCgUTgbDQF4=")),
    ]
}

/// Gaps in ms: 10 10 10 20 100 10 240 10 10, in order 10 10 10 10 10 10 20 100 240; sum 420, squares 68600.
/// Forward 20 10 130 240 20: sum 420, squares 75400. Backward 40 100 260: sum 400, squares 79200.
fn timing_wants() -> Vec<(&'static str, Value)> {
    let (std, std_fwd, std_bwd) =
        (441_000_f64.sqrt() / 9.0, 200_600_f64.sqrt() / 5.0, 77_600_f64.sqrt() / 3.0);
    vec![
        ("iat_min", n(0.01)),
        ("iat_max", n(0.24)),
        ("iat_mean", n(0.42 / 9.0)),
        // 9 * 68600 - 420^2 = 441000
        ("iat_std", n(std / 1e3)),
        ("iat_median", n(0.01)),
        ("iat_sum", n(0.42)),
        // ranks 2, 6, 7.2, 7.92
        ("iat_p25", n(0.01)),
        ("iat_p75", n(0.02)),
        ("iat_p90", n(0.1 + 0.2 * 0.14)),
        ("iat_p99", n(0.1 + 0.92 * 0.14)),
        ("iat_fwd_min", n(0.01)),
        ("iat_fwd_max", n(0.24)),
        ("iat_fwd_mean", n(0.084)),
        // 5 * 75400 - 420^2 = 200600
        ("iat_fwd_std", n(std_fwd / 1e3)),
        ("iat_fwd_median", n(0.02)),
        ("iat_bwd_min", n(0.04)),
        ("iat_bwd_max", n(0.26)),
        ("iat_bwd_mean", n(0.4 / 3.0)),
        // 3 * 79200 - 400^2 = 77600
        ("iat_bwd_std", n(std_bwd / 1e3)),
        ("iat_bwd_median", n(0.1)),
        ("burstiness_index", n(std / (420.0 / 9.0))),
        ("burstiness_index_fwd", n(std_fwd / 84.0)),
        ("burstiness_index_bwd", n(std_bwd / (400.0 / 3.0))),
        // gaps of 50 ms and more: 100 and 240; bursts of 5, 2 and 3 packets
        ("burst_count", n(3.0)),
        ("avg_burst_packets", n(10.0 / 3.0)),
        // (420 - 340) / 3 ms
        ("avg_burst_duration", n(0.08 / 3.0)),
        ("max_burst_packets", n(5.0)),
        ("idle_count", n(2.0)),
        ("avg_idle_duration", n(0.17)),
        ("max_idle_duration", n(0.24)),
        ("first_response_time", n(0.01)),
        ("iat_sequence", l(&[0.01, 0.01, 0.01, 0.02, 0.1, 0.01, 0.24, 0.01, 0.01])),
        ("timestamp_sequence", l(&[0.0, 0.01, 0.02, 0.03, 0.05, 0.15, 0.16, 0.4, 0.41, 0.42])),
        (
            "splt",
            t("60:0:+ 60:10000000:- 52:10000000:+ 152:10000000:+ 52:20000000:- 1052:100000000:- \
               52:10000000:+ 52:240000000:+ 52:10000000:- 52:10000000:+"),
        ),
        ("splt_lengths", l(&[60.0, 60.0, 52.0, 152.0, 52.0, 1052.0, 52.0, 52.0, 52.0, 52.0])),
        ("splt_times", l(&[0.0, 0.01, 0.01, 0.01, 0.02, 0.1, 0.01, 0.24, 0.01, 0.01])),
        ("splt_directions", l(&[1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, 1.0])),
    ]
}

/// Lengths in order: 52 six times, 60 60 152 1052; squares 1153232. Forward 52 52 52 52 60 152: squares 37520.
/// Backward 52 52 60 1052: squares 1115712. Payload 100 forward, 1000 backward.
fn size_wants() -> Vec<(&'static str, Value)> {
    vec![
        ("pkt_len_min", n(52.0)),
        ("pkt_len_max", n(1052.0)),
        ("pkt_len_mean", n(163.6)),
        // 10 * 1153232 - 1636^2 = 8855824
        ("pkt_len_std", n(8_855_824_f64.sqrt() / 10.0)),
        ("pkt_len_median", n(52.0)),
        // ranks 2.25, 6.75, 8.1
        ("pkt_len_p25", n(52.0)),
        ("pkt_len_p75", n(60.0)),
        ("pkt_len_p90", n(152.0 + 0.1 * 900.0)),
        ("pkt_len_fwd_min", n(52.0)),
        ("pkt_len_fwd_max", n(152.0)),
        ("pkt_len_fwd_mean", n(70.0)),
        // 6 * 37520 - 420^2 = 48720
        ("pkt_len_fwd_std", n(48_720_f64.sqrt() / 6.0)),
        ("pkt_len_fwd_median", n(52.0)),
        ("pkt_len_bwd_min", n(52.0)),
        ("pkt_len_bwd_max", n(1052.0)),
        ("pkt_len_bwd_mean", n(304.0)),
        // 4 * 1115712 - 1216^2 = 2984192
        ("pkt_len_bwd_std", n(2_984_192_f64.sqrt() / 4.0)),
        ("pkt_len_bwd_median", n(56.0)),
        ("payload_len_min", n(0.0)),
        ("payload_len_max", n(1000.0)),
        ("payload_len_mean", n(110.0)),
        // 10 * 1010000 - 1100^2 = 8890000
        ("payload_len_std", n(8_890_000_f64.sqrt() / 10.0)),
        ("payload_len_fwd_mean", n(100.0 / 6.0)),
        // 6 * 10000 - 100^2 = 50000
        ("payload_len_fwd_std", n(50_000_f64.sqrt() / 6.0)),
        ("payload_len_bwd_mean", n(250.0)),
        // 4 * 1000000 - 1000^2 = 3000000
        ("payload_len_bwd_std", n(3_000_000_f64.sqrt() / 4.0)),
        ("packets_with_payload", n(2.0)),
        ("packets_with_payload_fwd", n(1.0)),
        ("packets_with_payload_bwd", n(1.0)),
        ("header_only_ratio", n(0.8)),
        // 115323.2 - 163.6^2
        ("pkt_len_variance", n(88_558.24)),
        ("dominant_pkt_size", n(52.0)),
        ("dominant_pkt_ratio", n(0.6)),
        ("l7_bytes_fwd", n(100.0)),
        ("l7_bytes_bwd", n(1000.0)),
        ("l7_bytes_total", n(1100.0)),
        ("l7_pkt_min_fwd", n(100.0)),
        ("l7_pkt_max_fwd", n(100.0)),
        ("l7_pkt_min_bwd", n(1000.0)),
        ("l7_pkt_max_bwd", n(1000.0)),
        ("pkt_asymmetry", n(0.2)),
        ("byte_asymmetry", n((420.0 - 1216.0) / 1636.0)),
        (
            "pkt_len_sequence",
            l(&[60.0, -60.0, 52.0, 152.0, -52.0, -1052.0, 52.0, 52.0, -52.0, 52.0]),
        ),
    ]
}

fn tcp_wants() -> Vec<(&'static str, Value)> {
    let both = f64::from(SYN | ACK | PSH | FIN);
    vec![
        ("tcp_is_tcp", b(true)),
        ("tcp_syn_count", n(1.0)),
        ("tcp_synack_count", n(1.0)),
        ("tcp_fin_count", n(2.0)),
        ("tcp_rst_count", n(0.0)),
        ("tcp_ack_count", n(9.0)),
        ("tcp_psh_count", n(2.0)),
        ("tcp_urg_count", n(0.0)),
        ("tcp_ece_count", n(0.0)),
        ("tcp_cwr_count", n(0.0)),
        ("tcp_complete_handshake", b(true)),
        ("tcp_graceful_close", b(true)),
        ("tcp_reset_close", b(false)),
        ("tcp_syn_ratio", n(0.2)),
        ("tcp_fin_ratio", n(0.2)),
        ("tcp_rst_ratio", n(0.0)),
        ("tcp_psh_ratio", n(0.2)),
        ("tcp_data_packets", n(2.0)),
        // at 20, 50, 160 and 420 ms
        ("tcp_ack_only_packets", n(4.0)),
        ("tcp_flags_anomaly", b(false)),
        ("tcp_initiator_syn", b(true)),
        ("tcp_responder_synack", b(true)),
        // all but RST and anomaly
        ("tcp_fstat", n(f64::from(0x5f))),
        ("tcp_flags_agg", n(both)),
        ("tcp_flags_fwd", n(both)),
        ("tcp_flags_bwd", n(both)),
    ]
}

/// One packet, one side.
fn lone_syn() -> Case {
    let want = vec![
        ("duration", n(0.0)),
        ("packets_bwd", n(0.0)),
        ("bytes_bwd", n(0.0)),
        ("packets_ratio", NULL),
        ("bytes_ratio", NULL),
        ("packets_per_second", NULL),
        ("bytes_per_second", NULL),
        ("flow_stat", n(f64::from(0x01))),
        ("end_reason", t("end_of_input")),
        ("conn_state", t("S0")),
        ("history", t("S")),
        ("tcp_complete_handshake", b(false)),
        ("tcp_graceful_close", b(false)),
        ("tcp_syn_ratio", n(1.0)),
        ("tcp_ack_only_packets", n(0.0)),
        ("tcp_responder_synack", b(false)),
        ("tcp_fstat", n(f64::from(0x01))),
        ("tcp_flags_bwd", n(0.0)),
    ];
    Case { name: "a SYN without answer", packets: vec![tcp(0, F, SYN, 0)], want }
}

/// Every flag, odd combinations, a reset; the initiator is the sender of the first packet.
fn odd_segments() -> Case {
    let packets = vec![
        tcp(0, F, PSH | ACK | URG, 10),
        tcp(10, B, ACK | ECE, 0),
        tcp(20, F, ACK | CWR | AE, 20),
        tcp(30, F, FIN | PSH | URG, 0),
        tcp(40, B, RST, 0),
    ];
    let want = vec![
        ("initiator_confidence", n(0.5)),
        ("end_reason", t("rst")),
        ("flow_stat", n(f64::from(0x04 | 0x10))),
        ("tcp_syn_count", n(0.0)),
        ("tcp_synack_count", n(0.0)),
        ("tcp_fin_count", n(1.0)),
        ("tcp_rst_count", n(1.0)),
        ("tcp_ack_count", n(3.0)),
        ("tcp_psh_count", n(2.0)),
        ("tcp_urg_count", n(2.0)),
        ("tcp_ece_count", n(1.0)),
        ("tcp_cwr_count", n(1.0)),
        ("tcp_graceful_close", b(false)),
        ("tcp_reset_close", b(true)),
        ("tcp_fin_ratio", n(0.2)),
        ("tcp_rst_ratio", n(0.2)),
        ("tcp_psh_ratio", n(0.4)),
        ("tcp_data_packets", n(2.0)),
        ("tcp_ack_only_packets", n(1.0)),
        ("tcp_flags_anomaly", b(true)),
        ("tcp_initiator_syn", b(false)),
        // ACK, FIN forward, RST, payload, anomaly
        ("tcp_fstat", n(f64::from(0x04 | 0x08 | 0x20 | 0x40 | 0x80))),
        ("tcp_flags_agg", n(f64::from(PSH | ACK | URG | ECE | CWR | AE | FIN | RST))),
        ("tcp_flags_fwd", n(f64::from(PSH | ACK | URG | CWR | AE | FIN))),
        ("tcp_flags_bwd", n(f64::from(ACK | ECE | RST))),
    ];
    Case { name: "odd segments and a reset", packets, want }
}

/// Only the responder was captured: its packets are backward, and no forward column has a value.
fn answer_without_request() -> Case {
    let packets = vec![tcp(0, B, SYN | ACK, 0), tcp(60, B, ACK, 30)];
    let want = vec![
        ("src_ip", t("10.0.0.1")),
        ("dst_port", n(80.0)),
        ("initiator_confidence", n(0.9)),
        ("packets_fwd", n(0.0)),
        ("packets_bwd", n(2.0)),
        ("packets_ratio", n(0.0)),
        ("bytes_ratio", n(0.0)),
        ("iat_mean", n(0.06)),
        ("iat_std", n(0.0)),
        ("burstiness_index", n(0.0)),
        ("iat_fwd_min", NULL),
        ("iat_fwd_max", NULL),
        ("iat_fwd_mean", NULL),
        ("iat_fwd_std", NULL),
        ("iat_fwd_median", NULL),
        ("iat_bwd_median", n(0.06)),
        ("burstiness_index_fwd", NULL),
        ("burstiness_index_bwd", n(0.0)),
        ("burst_count", n(2.0)),
        ("avg_burst_packets", n(1.0)),
        ("max_burst_packets", n(1.0)),
        ("avg_burst_duration", n(0.0)),
        ("avg_idle_duration", n(0.06)),
        ("first_response_time", NULL),
        ("pkt_len_min", n(52.0)),
        ("pkt_len_fwd_min", NULL),
        ("pkt_len_fwd_max", NULL),
        ("pkt_len_fwd_mean", NULL),
        ("pkt_len_fwd_std", NULL),
        ("pkt_len_fwd_median", NULL),
        ("pkt_len_bwd_median", n(67.0)),
        ("payload_len_fwd_mean", NULL),
        ("payload_len_fwd_std", NULL),
        ("payload_len_bwd_std", n(15.0)),
        ("l7_pkt_min_fwd", NULL),
        ("l7_pkt_max_fwd", NULL),
        ("l7_pkt_min_bwd", n(30.0)),
        ("pkt_asymmetry", n(-1.0)),
        ("byte_asymmetry", n(-1.0)),
        ("pkt_len_sequence", l(&[-52.0, -82.0])),
        ("splt_directions", l(&[-1.0, -1.0])),
        ("tcp_responder_synack", b(true)),
        ("tcp_complete_handshake", b(false)),
    ];
    Case { name: "an answer without request", packets, want }
}

#[test]
fn hand_computed_tcp_flows() {
    cases().iter().for_each(Case::check);
}

#[test]
fn a_salt_makes_other_flow_ids() {
    use rheos_flow::FlowConfig;

    use super::rows::{all_columns, rows_with};
    let mut config = all_columns();
    config.flow_id_salt = b"salt".to_vec();
    let rows = rows_with(&connection(), FlowConfig::default(), config);
    // SHA-256 computed with Python's hashlib
    assert_eq!(rows[0].get("flow_id"), t("a7f8b9f3973d6770fa0743aebffeb82c"));
    let later: Vec<Packet> =
        [0, 500_000].into_iter().map(|ms| tcp(ms, Direction::Forward, SYN, 0)).collect();
    let rows = rows_with(&later, FlowConfig::default(), all_columns());
    assert_ne!(rows[0].get("flow_id"), rows[1].get("flow_id"), "same tuple, another time");
}
