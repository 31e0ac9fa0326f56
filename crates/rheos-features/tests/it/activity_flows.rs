//! Active periods, rests, subflows and bulk transfers, computed by hand.

use super::frames::{FrameCase, Timed, udp_frame};
use super::rows::{NULL, n};

pub(crate) fn cases() -> Vec<FrameCase> {
    vec![periods(), bulks(), lone()]
}

#[test]
fn when_flows_were_active() {
    cases().iter().for_each(FrameCase::check);
}

fn there(ms: u64, payload: usize) -> Timed {
    (ms, udp_frame(1, 2, (1000, 53), &vec![0; payload]))
}

fn back(ms: u64, payload: usize) -> Timed {
    (ms, udp_frame(2, 1, (53, 1000), &vec![0; payload]))
}

/// Gaps in ms: 400 5000 | 5001 1500 | 9000. Five seconds are no rest yet.
pub(crate) fn periods() -> FrameCase {
    let times = [0, 400, 5400, 10_401, 11_901, 20_901];
    let frames = times.into_iter().map(|ms| there(ms, 10)).collect();
    let want = vec![
        // 5.4, 1.5 and 0 s
        ("active_count", n(3.0)),
        ("active_mean", n(2.3)),
        // squares 29.16 + 2.25 = 31.41; 3 * 31.41 - 6.9^2 = 46.62
        ("active_std", n(46.62_f64.sqrt() / 3.0)),
        ("active_max", n(5.4)),
        ("active_min", n(0.0)),
        ("rest_count", n(2.0)),
        ("rest_mean", n(7.0005)),
        // half the difference of 5.001 and 9
        ("rest_std", n(1.9995)),
        ("rest_max", n(9.0)),
        ("rest_min", n(5.001)),
        // gaps of 5, 5.001, 1.5 and 9 s
        ("subflow_count", n(5.0)),
        ("bulk_count_fwd", n(0.0)),
    ];
    FrameCase { name: "three active periods", frames, want }
}

/// Four packets of the initiator and five of the responder, then three of the initiator.
pub(crate) fn bulks() -> FrameCase {
    let fwd = [(0, 10), (10, 20), (20, 30), (50, 40)].map(|(ms, len)| there(ms, len));
    let bwd = [(60, 1), (160, 2), (260, 3), (1260, 4), (1360, 5)].map(|(ms, len)| back(ms, len));
    let few = [(1400, 50), (1410, 50), (1420, 50)].map(|(ms, len)| there(ms, len));
    let want = vec![
        ("bulk_count_fwd", n(1.0)),
        ("bulk_packets_fwd", n(4.0)),
        ("bulk_bytes_fwd", n(100.0)),
        ("bulk_duration_fwd", n(0.05)),
        ("bulk_count_bwd", n(1.0)),
        ("bulk_packets_bwd", n(5.0)),
        ("bulk_bytes_bwd", n(15.0)),
        ("bulk_duration_bwd", n(1.3)),
        ("active_count", n(1.0)),
        ("active_mean", n(1.42)),
        ("active_std", n(0.0)),
        ("subflow_count", n(1.0)),
    ];
    FrameCase { name: "bulk transfers", frames: [&fwd[..], &bwd, &few].concat(), want }
}

fn lone() -> FrameCase {
    let want = vec![
        ("active_count", n(1.0)),
        ("active_max", n(0.0)),
        ("rest_count", n(0.0)),
        ("rest_mean", NULL),
        ("rest_std", NULL),
        ("rest_max", NULL),
        ("rest_min", NULL),
        ("subflow_count", n(1.0)),
    ];
    FrameCase { name: "a lone packet", frames: vec![there(0, 10)], want }
}
