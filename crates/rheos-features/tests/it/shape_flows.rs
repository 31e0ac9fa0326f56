//! Shapes of traffic and randomness of payload, computed by hand.

use rheos_wire::tcp_flags::{ACK, PSH};

use super::frames::{
    FrameCase, TCP, Timed, batches, config, ethernet, extract, ipv4, rows, tcp, udp_frame,
};
use super::rows::{NULL, Row, Value, b, n};

pub(crate) fn cases() -> Vec<FrameCase> {
    vec![sizes(), lone(), constant(), cells(), texts(), random(), silent()]
}

fn there(payload: &[u8]) -> Vec<u8> {
    udp_frame(1, 2, (1000, 53), payload)
}

fn back(payload: &[u8]) -> Vec<u8> {
    udp_frame(2, 1, (53, 1000), payload)
}

fn segment(seq: u32, payload: &[u8]) -> Vec<u8> {
    let segment = tcp((40_000, 443), seq, 1, PSH | ACK, payload);
    ethernet(&[], 0x0800, &ipv4(1, 2, TCP, 0, &segment))
}

/// A TLS application data record of `len` bytes, or its first ones.
fn record(len: u16) -> Vec<u8> {
    let [high, low] = len.to_be_bytes();
    let mut record = vec![0x17, 3, 3, high, low];
    record.resize(200, 0xa5);
    record
}

/// IP lengths 38, 48, 38, 128 at 0, 10, 20 and 120 ms: bursts of three packets and of one.
fn sizes() -> FrameCase {
    let mut padded = there(&[0; 10]);
    padded.resize(60, 0);
    let frames =
        vec![(0, padded), (10, back(&[0; 20])), (20, there(&[0; 10])), (120, back(&[0; 100]))];
    // Mean 63, squares 1444 + 2304 + 1444 + 16384 = 21576, 21576/4 - 3969 = 1425.
    let variance = 1425.0_f64;
    // Gaps 10 10 100 ms: mean 40, squares 10200/3 - 1600 = 1800 ms^2.
    let gap_variance = 1800e-6_f64;
    let want = vec![
        ("pkt_size_variance", n(variance)),
        ("pkt_size_cv", n(variance.sqrt() / 63.0)),
        ("is_constant_size", b(false)),
        ("dominant_size_mode", n(38.0)),
        ("dominant_size_ratio", n(0.5)),
        ("unique_size_count", n(3.0)),
        // Shares 1/2 1/4 1/4: 1.5 bits of log2(3).
        ("size_entropy", n(1.5 / 3_f64.log2())),
        ("size_entropy_bits", n(1.5)),
        ("iat_variance", n(gap_variance)),
        ("iat_cv", n(gap_variance.sqrt() / 0.04)),
        ("is_constant_rate", b(false)),
        ("tor_cell_count", NULL),
        ("tor_cell_ratio", NULL),
        ("is_tor_like", NULL),
        // 252 bytes with 140 of payload
        ("burst_overhead_bytes", n(112.0)),
        ("burst_padding_ratio", n(112.0 / 252.0)),
        ("avg_burst_payload_efficiency", n(f64::midpoint(40.0 / 124.0, 100.0 / 128.0))),
        ("padding_score", n(0.0)),
        // 60 - 14 - 38
        ("link_padding_bytes", n(8.0)),
    ];
    FrameCase { name: "some sizes", frames, want }
}

/// A lone packet has no pattern.
fn lone() -> FrameCase {
    let want = vec![
        ("pkt_size_variance", n(0.0)),
        ("pkt_size_cv", n(0.0)),
        ("is_constant_size", NULL),
        ("dominant_size_mode", n(38.0)),
        ("dominant_size_ratio", n(1.0)),
        ("unique_size_count", n(1.0)),
        ("size_entropy", NULL),
        ("size_entropy_bits", n(0.0)),
        ("iat_variance", NULL),
        ("iat_cv", NULL),
        ("is_constant_rate", NULL),
        ("burst_overhead_bytes", n(28.0)),
        ("avg_burst_payload_efficiency", n(10.0 / 38.0)),
        ("padding_score", NULL),
        ("link_padding_bytes", n(0.0)),
    ];
    FrameCase { name: "a lone packet", frames: vec![(0, there(&[0; 10]))], want }
}

/// Equal packets at equal gaps.
fn constant() -> FrameCase {
    let frames = (0..5).map(|i| (i * 10, there(&[0; 10]))).collect();
    let want = vec![
        ("is_constant_size", b(true)),
        ("dominant_size_ratio", n(1.0)),
        ("iat_variance", n(0.0)),
        ("iat_cv", n(0.0)),
        ("is_constant_rate", b(true)),
        // 0.3 + 0.2 + 0.2
        ("padding_score", n(0.3 + 0.2 + 0.2)),
    ];
    FrameCase { name: "constant packets", frames, want }
}

/// Three records of whole cells under TLS 1.3, TLS 1.2 and of two cells, one of another length.
fn cells() -> FrameCase {
    let lengths = [514 + 17, 514 + 24, 2 * 514 + 17, 600];
    let frame = |(i, len): (u32, u16)| (u64::from(i) * 7, segment(i * 200, &record(len)));
    let frames = (0..).zip(lengths).map(frame).collect();
    let want = vec![
        ("tor_cell_count", n(3.0)),
        ("tor_cell_ratio", n(0.75)),
        ("is_tor_like", b(true)),
        ("padding_score", n(0.3 + 0.2 + 0.2 + 0.3)),
    ];
    FrameCase { name: "cells", frames, want }
}

/// Four bytes of the initiator, eight of the responder.
fn texts() -> FrameCase {
    let frames = vec![(0, there(b"aabb")), (1, back(&[0, 0, 0, 0, 0xff, 0xff, b'a', b'\n']))];
    // Both: a 3, b 2, 0 4, 0xff 2, newline 1 of 12.
    let shares = [3.0, 2.0, 4.0, 2.0, 1.0].map(|count: f64| count / 12.0);
    let entropy: f64 = -shares.iter().map(|p| p * p.log2()).sum::<f64>();
    let ln2 = std::f64::consts::LN_2;
    let want = vec![
        ("entropy_payload", n(entropy)),
        ("entropy_initiator", n(1.0)),
        // 1/2 1/4 1/8 1/8
        ("entropy_responder", n(1.75)),
        ("entropy_ratio", n(1.0 / 1.75)),
        ("byte_distribution_uniformity", NULL),
        // a a b b a newline
        ("printable_ratio", n(0.5)),
        ("null_ratio", n(4.0 / 12.0)),
        ("high_byte_ratio", n(2.0 / 12.0)),
        ("payload_bytes_sampled", n(12.0)),
        ("entropy_payload_corrected", n(entropy + 4.0 / (24.0 * ln2))),
        ("entropy_initiator_corrected", n(1.0 + 1.0 / (8.0 * ln2))),
        ("entropy_responder_corrected", n(1.75 + 3.0 / (16.0 * ln2))),
        ("byte_chi_square", NULL),
    ];
    FrameCase { name: "texts", frames, want }
}

/// Every byte value once, in three packets; what follows is not sampled.
fn random() -> FrameCase {
    let bytes: Vec<u8> = (0..=255).collect();
    let frames = vec![
        (0, there(&bytes[..100])),
        (1, there(&bytes[100..200])),
        (2, there(&[&bytes[200..], &[7; 100]].concat())),
        (3, there(&[7; 100])),
    ];
    let want = vec![
        ("entropy_payload", n(8.0)),
        ("entropy_initiator", n(8.0)),
        ("entropy_payload_corrected", n(8.0)),
        ("byte_distribution_uniformity", n(1.0)),
        ("byte_chi_square", n(0.0)),
        ("payload_bytes_sampled", n(256.0)),
        ("entropy_responder", NULL),
        ("entropy_responder_corrected", NULL),
        ("entropy_ratio", NULL),
    ];
    FrameCase { name: "random bytes", frames, want }
}

/// Empty datagrams.
fn silent() -> FrameCase {
    let want = vec![
        ("entropy_payload", NULL),
        ("entropy_initiator", NULL),
        ("entropy_ratio", NULL),
        ("printable_ratio", NULL),
        ("null_ratio", NULL),
        ("high_byte_ratio", NULL),
        ("payload_bytes_sampled", n(0.0)),
        ("entropy_payload_corrected", NULL),
        ("entropy_initiator_corrected", NULL),
    ];
    FrameCase { name: "no payload", frames: vec![(0, there(&[])), (1, back(&[]))], want }
}

#[test]
fn hand_computed_shapes_and_entropies() {
    cases().iter().for_each(FrameCase::check);
}

#[test]
fn defect_two_packets_have_no_constant_rate() {
    let row = &rows(&[(0, there(&[0; 10])), (10, there(&[0; 10]))])[0];
    assert_eq!(row.get("is_constant_rate"), NULL);
    assert_eq!(row.get("padding_score"), NULL);
    let row = &rows(&[(0, there(&[])), (0, there(&[])), (0, there(&[]))])[0];
    assert_eq!(row.get("is_constant_rate"), NULL, "all gaps are 0");
}

#[test]
fn defect_packets_of_580_to_600_bytes_are_not_cells() {
    let frames: Vec<Timed> = (0..8).map(|i| (i, segment(i as u32 * 550, &[0x55; 550]))).collect();
    let row = &rows(&frames)[0];
    assert_eq!(row.get("pkt_len_mean"), n(590.0));
    assert_eq!(row.get("tor_cell_count"), NULL);
    assert_eq!(row.get("is_tor_like"), NULL);
}

#[test]
fn defect_an_entropy_ratio_is_never_infinite() {
    let row = &rows(&[(0, there(b"abcd")), (1, back(b"aaaa"))])[0];
    assert_eq!(row.get("entropy_initiator"), n(2.0));
    assert_eq!(row.get("entropy_responder"), n(0.0));
    assert_eq!(row.get("entropy_ratio"), NULL);
}

#[test]
fn defect_ethernet_padding_is_no_payload_for_entropy() {
    let mut frame = there(&[]);
    frame.resize(60, 0);
    let row = &rows(&[(0, frame)])[0];
    assert_eq!(row.get("entropy_payload"), NULL);
    assert_eq!(row.get("link_padding_bytes"), n(18.0));
}

#[test]
fn the_configured_burst_threshold_and_sample_hold() {
    let frames = vec![(0, there(&[1; 72])), (60, there(&[1, 2, 3, 4]))];
    let mut config = config(1);
    config.features.burst_threshold = rheos_core::Nanos::from_millis(100);
    config.features.entropy_sample_bytes = 74;
    let (out, _) = extract(&config, &batches(&frames, 7));
    let row = &Row::all(&out[0])[0];
    // One burst: 76 bytes of 132.
    assert!(row.get("avg_burst_payload_efficiency").agrees(&n(76.0 / 132.0)));
    assert_eq!(row.get("payload_bytes_sampled"), n(74.0));
}

#[test]
fn tunnels_and_reassembled_datagrams_have_no_link_padding() {
    let tunnelled = ipv4(101, 102, 4, 0, &ipv4(1, 2, TCP, 0, &tcp((1, 2), 0, 0, ACK, &[])));
    let row = &rows(&[(0, ethernet(&[], 0x0800, &tunnelled))])[0];
    assert_eq!(row.get("link_padding_bytes"), NULL);
}

/// Aliases within one row equal what they stand for.
pub(crate) fn assert_aliases(row: &Row) {
    let same = [
        ("pkt_size_variance", "pkt_len_variance"),
        ("dominant_size_mode", "dominant_pkt_size"),
        ("dominant_size_ratio", "dominant_pkt_ratio"),
        ("iat_cv", "burstiness_index"),
    ];
    for (alias, of) in same {
        assert_eq!(row.get(alias), row.get(of), "{alias}");
    }
    let square = match row.get("iat_std") {
        Value::Number(std) => n(std * std),
        other => other,
    };
    assert!(row.get("iat_variance").agrees(&square), "{}", row.get("iat_variance"));
    assert!(row.number("burst_overhead_bytes") <= row.number("total_bytes"));
}

#[test]
fn duplicates_equal_their_originals_in_every_case() {
    for case in cases() {
        assert_aliases(&rows(&case.frames)[0]);
    }
    for case in super::tcp_flows::cases().into_iter().chain(super::other_flows::cases()) {
        assert_aliases(&super::rows::row_of(&case.packets));
    }
}
