//! What each side sent, computed by hand.

use rheos_wire::tcp_flags::{ACK, CWR, ECE, FIN, PSH, RST, SYN, URG};

use super::frames::{FrameCase, TCP, ethernet, ipv4, tcp, udp_frame};
use super::rows::{NULL, Value, n};

pub(crate) fn cases() -> Vec<FrameCase> {
    vec![both_sides(), lone(), answers()]
}

#[test]
fn what_each_side_sent() {
    cases().iter().for_each(FrameCase::check);
}

/// A frame of 54 bytes of headers and the payload; `back` from the responder.
fn segment(back: bool, seq: u32, flags: u16, payload: &[u8]) -> Vec<u8> {
    let (ports, src, dst) = if back { ((80, 40_000), 2, 1) } else { ((40_000, 80), 1, 2) };
    ethernet(&[], 0x0800, &ipv4(src, dst, TCP, 0, &tcp(ports, seq, 1, flags, payload)))
}

/// The same with a 12-byte option list.
fn with_options(back: bool, seq: u32, flags: u16) -> Vec<u8> {
    let (ports, src, dst) = if back { ((80, 40_000), 2, 1) } else { ((40_000, 80), 1, 2) };
    let mut segment = tcp(ports, seq, 1, flags, &[]);
    segment[12] = 0x80;
    segment.extend([1; 12]);
    ethernet(&[], 0x0800, &ipv4(src, dst, TCP, 0, &segment))
}

/// | ms | way | frame | TCP header | payload |
/// |---|---|---|---|---|
/// | 0 | > SYN ECE CWR | 66 | 32 | |
/// | 10 | < SYN ACK ECE | 66 | 32 | |
/// | 30 | > ACK PSH URG | 154 | 20 | 100 |
/// | 70 | < ACK PSH | 254 | 20 | 200 |
/// | 80 | > ACK CWR | 60, padded | 20 | |
/// | 130 | > FIN ACK | 54 | 20 | |
/// | 170 | < RST | 54 | 20 | |
pub(crate) fn both_sides() -> FrameCase {
    let mut padded = segment(false, 101, ACK | CWR, &[]);
    padded.resize(60, 0);
    let frames = vec![
        (0, with_options(false, 0, SYN | ECE | CWR)),
        (10, with_options(true, 0, SYN | ACK | ECE)),
        (30, segment(false, 1, ACK | PSH | URG, &[7; 100])),
        (70, segment(true, 1, ACK | PSH, &[8; 200])),
        (80, padded),
        (130, segment(false, 101, FIN | ACK, &[])),
        (170, segment(true, 201, RST, &[])),
    ];
    let mut want = lengths();
    want.extend(times());
    want.extend(flags("fwd", [1, 1, 0, 1, 3, 1, 1, 2]));
    want.extend(flags("bwd", [0, 1, 1, 1, 2, 0, 1, 0]));
    FrameCase { name: "both sides", frames, want }
}

fn lengths() -> Vec<(&'static str, Value)> {
    // 66 154 60 54, squares 4356 + 23716 + 3600 + 2916 = 34588; 66 254 54, squares 71788.
    let (fwd, bwd) = (334.0_f64, 374.0_f64);
    let std = |squares: f64, sum: f64, n: f64| (squares / n - (sum / n).powi(2)).sqrt();
    vec![
        ("frame_bytes_total", n(708.0)),
        ("frame_bytes_fwd", n(fwd)),
        ("frame_bytes_bwd", n(bwd)),
        ("frame_len_min", n(54.0)),
        ("frame_len_max", n(254.0)),
        ("frame_len_mean", n(708.0 / 7.0)),
        ("frame_len_std", n((7.0 * 106_376.0 - 708.0_f64.powi(2)).sqrt() / 7.0)),
        ("frame_len_fwd_min", n(54.0)),
        ("frame_len_fwd_max", n(154.0)),
        ("frame_len_fwd_mean", n(83.5)),
        // 34588 / 4 - 83.5^2 = 1674.75
        ("frame_len_fwd_std", n(1674.75_f64.sqrt())),
        ("frame_len_bwd_min", n(54.0)),
        ("frame_len_bwd_max", n(254.0)),
        ("frame_len_bwd_mean", n(374.0 / 3.0)),
        ("frame_len_bwd_std", n(std(71_788.0, bwd, 3.0))),
        ("payload_len_fwd_min", n(0.0)),
        ("payload_len_fwd_max", n(100.0)),
        ("payload_len_bwd_min", n(0.0)),
        ("payload_len_bwd_max", n(200.0)),
        ("transport_header_bytes_fwd", n(92.0)),
        ("transport_header_bytes_bwd", n(72.0)),
        ("transport_header_fwd_min", n(20.0)),
        ("transport_header_bwd_min", n(20.0)),
    ]
}

fn times() -> Vec<(&'static str, Value)> {
    vec![
        ("start_time_fwd", n(0.0)),
        ("end_time_fwd", n(130e6)),
        ("start_time_bwd", n(10e6)),
        ("end_time_bwd", n(170e6)),
        ("duration_fwd", n(0.13)),
        ("duration_bwd", n(0.16)),
        // 30 + 50 + 50, 60 + 100
        ("iat_fwd_sum", n(0.13)),
        ("iat_bwd_sum", n(0.16)),
    ]
}

/// FIN SYN RST PSH ACK URG ECE CWR.
fn flags(side: &str, counts: [u32; 8]) -> Vec<(&'static str, Value)> {
    let names = rheos_features::table::group("directions").unwrap().columns;
    let of_side = names.iter().filter(|c| c.name.contains("_flags_") && c.name.ends_with(side));
    let order = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];
    let wants: Vec<_> =
        of_side.zip(counts).map(|(c, count)| (c.name, n(f64::from(count)))).collect();
    for ((name, _), flag) in wants.iter().zip(order) {
        assert!(name.contains(flag), "{name}");
    }
    wants
}

/// One UDP packet of 10 bytes: what needs the other side, a second packet or TCP is null.
fn lone() -> FrameCase {
    let mut want = vec![
        ("frame_bytes_total", n(52.0)),
        ("frame_bytes_bwd", n(0.0)),
        ("frame_len_std", n(0.0)),
        ("frame_len_fwd_std", n(0.0)),
        ("frame_len_bwd_min", NULL),
        ("frame_len_bwd_max", NULL),
        ("frame_len_bwd_mean", NULL),
        ("frame_len_bwd_std", NULL),
        ("payload_len_fwd_min", n(10.0)),
        ("payload_len_bwd_min", NULL),
        ("payload_len_bwd_max", NULL),
        ("transport_header_bytes_fwd", n(8.0)),
        ("transport_header_bytes_bwd", n(0.0)),
        ("transport_header_fwd_min", n(8.0)),
        ("transport_header_bwd_min", NULL),
        ("start_time_bwd", NULL),
        ("end_time_bwd", NULL),
        ("duration_fwd", n(0.0)),
        ("duration_bwd", NULL),
        ("iat_fwd_sum", NULL),
        ("iat_bwd_sum", NULL),
    ];
    let columns = rheos_features::table::group("directions").unwrap().columns;
    let flags = columns.iter().filter(|c| c.name.contains("_flags_"));
    want.extend(flags.map(|c| (c.name, NULL)));
    FrameCase {
        name: "one UDP packet",
        frames: vec![(0, udp_frame(1, 2, (1000, 53), &[0; 10]))],
        want,
    }
}

/// Only the answers of a connection: its SYN-ACK tells that the initiator is the silent side.
fn answers() -> FrameCase {
    let frames = vec![(0, segment(true, 0, SYN | ACK, &[])), (25, segment(true, 1, ACK, &[1; 6]))];
    let want = vec![
        ("frame_bytes_fwd", n(0.0)),
        ("frame_len_fwd_min", NULL),
        ("frame_len_fwd_max", NULL),
        ("frame_len_fwd_mean", NULL),
        ("frame_len_fwd_std", NULL),
        ("payload_len_fwd_min", NULL),
        ("payload_len_fwd_max", NULL),
        ("transport_header_fwd_min", NULL),
        ("start_time_fwd", NULL),
        ("end_time_fwd", NULL),
        ("duration_fwd", NULL),
        ("duration_bwd", n(0.025)),
        ("iat_bwd_sum", n(0.025)),
        ("tcp_ack_flags_fwd", n(0.0)),
        ("tcp_ack_flags_bwd", n(2.0)),
    ];
    FrameCase { name: "answers only", frames, want }
}
