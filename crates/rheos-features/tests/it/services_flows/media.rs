//! Media, computed by hand.

use rheos_core::Direction;

use super::super::frames::FrameCase;
use super::super::rows::{B, F, NULL, n, t};
use super::super::talks::datagrams;

pub(super) fn cases() -> Vec<FrameCase> {
    vec![call(), film()]
}

/// A packet of RTP with 20 bytes of sound.
fn rtp(payload_type: u8, sequence: u16, timestamp: u32, source: u8) -> Vec<u8> {
    let mut bytes = vec![0x80, payload_type];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(timestamp.to_be_bytes());
    bytes.extend([0xaa, 0xbb, 0xcc, source]);
    bytes.resize(32, 0x55);
    bytes
}

/// Datagrams at these times, in ms.
fn timed(says: &[(u64, Direction, Vec<u8>)]) -> Vec<super::super::frames::Timed> {
    let plain: Vec<(Direction, &[u8])> =
        says.iter().map(|(_, from, it)| (*from, &it[..])).collect();
    let frames = datagrams(&plain).into_iter();
    frames.zip(says).map(|((_, frame), (ms, ..))| (*ms, frame)).collect()
}

fn call() -> FrameCase {
    let mut report = vec![0x80, 201, 0, 1, 0xaa, 0xbb, 0xcc, 1];
    report.resize(12, 0);
    let frames = timed(&[
        // Tells nothing yet, and is not counted.
        (0, F, rtp(0, 10, 0, 1)),
        (20, F, rtp(0, 11, 160, 1)),
        (30, B, rtp(8, 65_535, 0, 2)),
        // 4 ms late: (4 - 0) / 16 = 0.25 ms.
        (44, F, rtp(0, 12, 320, 1)),
        // 2 ms late: 2 / 16 = 0.125 ms.
        (52, B, rtp(8, 0, 160, 2)),
        // RTCP is no RTP.
        (60, F, report),
        // One is lost, and this is 4 ms early: 0.25 + (4 - 0.25) / 16 = 0.484375 ms.
        (80, F, rtp(0, 14, 640, 1)),
        // A key is pressed: a payload type whose clock is not known.
        (100, F, rtp(101, 15, 640, 1)),
    ]);
    let want = vec![
        ("app", t("rtp")),
        ("rtp_payload_types", t("PCMU,PCMA,101")),
        ("rtp_ssrc_count", n(2.0)),
        ("rtp_packets", n(6.0)),
        // 11 to 15, and 65535 to 0.
        ("rtp_packets_expected", n(7.0)),
        ("rtp_packets_lost", n(1.0)),
        ("rtp_jitter_fwd", n(0.000_484_375)),
        ("rtp_jitter_bwd", n(0.000_125)),
    ];
    FrameCase { name: "a call's sound", frames, want }
}

/// Payload types of no fixed meaning; one packet comes twice.
fn film() -> FrameCase {
    let second = rtp(96, 2, 3000, 1);
    let frames = timed(&[
        (0, F, rtp(96, 1, 0, 1)),
        (40, F, second.clone()),
        (41, F, second),
        (80, F, rtp(96, 3, 6000, 1)),
    ]);
    let want = vec![
        ("rtp_payload_types", t("96")),
        ("rtp_ssrc_count", n(1.0)),
        ("rtp_packets", n(3.0)),
        ("rtp_packets_expected", n(2.0)),
        ("rtp_packets_lost", n(-1.0)),
        ("rtp_jitter_fwd", NULL),
        ("rtp_jitter_bwd", NULL),
    ];
    FrameCase { name: "a film", frames, want }
}
