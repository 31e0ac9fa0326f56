//! TCP connections with sequence numbers, windows, options and round trips computed by hand.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rheos_features::table;
use rheos_wire::tcp_flags::{ACK, FIN, PSH, RST, SYN};

use super::frames::{FrameCase, TCP, Timed, ethernet, ipv4, rows, udp_frame};
use super::rows::{NULL, Value, b, l, n, t};

/// The groups that are computed here.
pub(crate) const GROUPS: [&str; 6] =
    ["tcp_sequence", "tcp_window", "tcp_options", "tcp_mptcp", "tcp_rtt", "tcp_fingerprint"];

/// A segment that is being made; of the client unless said otherwise.
#[derive(Clone)]
pub(crate) struct Seg {
    ms: u64,
    server: bool,
    seq: u32,
    ack: u32,
    flags: u16,
    window: u16,
    ttl: u8,
    options: Vec<u8>,
    payload: usize,
}

/// A segment of the client, 10.0.0.1:40000.
pub(crate) fn c(ms: u64, seq: u32, ack: u32, flags: u16) -> Seg {
    let (server, window, ttl, options, payload) = (false, 500, 64, vec![], 0);
    Seg { ms, server, seq, ack, flags, window, ttl, options, payload }
}

/// A segment of the server, 10.0.0.2:80.
pub(crate) fn s(ms: u64, seq: u32, ack: u32, flags: u16) -> Seg {
    Seg { server: true, window: 1000, ..c(ms, seq, ack, flags) }
}

impl Seg {
    pub(crate) fn win(self, window: u16) -> Self {
        Self { window, ..self }
    }

    pub(crate) fn ttl(self, ttl: u8) -> Self {
        Self { ttl, ..self }
    }

    /// Options, which are padded with no-operations.
    pub(crate) fn opt(mut self, options: &[&[u8]]) -> Self {
        self.options.extend(options.concat());
        while !self.options.len().is_multiple_of(4) {
            self.options.push(1);
        }
        self
    }

    /// No-operation, no-operation, timestamps.
    pub(crate) fn ts(self, value: u32, echo: u32) -> Self {
        self.opt(&[&[1, 1], &stamps(value, echo)])
    }

    pub(crate) fn data(self, payload: usize) -> Self {
        Self { payload, ..self }
    }

    fn frame(&self) -> Timed {
        let (src, dst) = if self.server { (2, 1) } else { (1, 2) };
        let (from, to): (u16, u16) = if self.server { (80, 40_000) } else { (40_000, 80) };
        let mut tcp = Vec::new();
        tcp.extend(from.to_be_bytes());
        tcp.extend(to.to_be_bytes());
        tcp.extend(self.seq.to_be_bytes());
        tcp.extend(self.ack.to_be_bytes());
        let words = 5 + self.options.len() as u16 / 4;
        tcp.extend((words << 12 | self.flags).to_be_bytes());
        tcp.extend(self.window.to_be_bytes());
        tcp.extend([0; 4]);
        tcp.extend(&self.options);
        tcp.resize(tcp.len() + self.payload, b'x');
        // Do not fragment.
        let mut ip = ipv4(src, dst, TCP, 0x4000, &tcp);
        ip[8] = self.ttl;
        (self.ms, ethernet(&[], 0x0800, &ip))
    }
}

pub(crate) fn frames(segments: &[Seg]) -> Vec<Timed> {
    segments.iter().map(Seg::frame).collect()
}

pub(crate) fn mss(size: u16) -> Vec<u8> {
    [&[2, 4], &size.to_be_bytes()[..]].concat()
}

pub(crate) fn stamps(value: u32, echo: u32) -> Vec<u8> {
    [&[8, 10], &value.to_be_bytes()[..], &echo.to_be_bytes()].concat()
}

pub(crate) fn sack(edges: &[u32]) -> Vec<u8> {
    let mut option = vec![1, 1, 5, 2 + 4 * edges.len() as u8];
    option.extend(edges.iter().flat_map(|edge| edge.to_be_bytes()));
    option
}

/// MSS, SACK permitted, timestamps, no-operation, window scale: as Linux.
fn linux(size: u16, value: u32, echo: u32, shift: u8) -> Vec<u8> {
    [&mss(size)[..], &[4, 2], &stamps(value, echo), &[1, 3, 3, shift]].concat()
}

/// MSS, no-operation, window scale, twice no-operation, SACK permitted: as Windows.
pub(crate) fn windows(size: u16, shift: u8) -> Vec<u8> {
    [&mss(size)[..], &[1, 3, 3, shift, 1, 1, 4, 2]].concat()
}

pub(crate) fn cases() -> Vec<FrameCase> {
    vec![
        whole(),
        FrameCase { name: "a lossy connection", frames: frames(&lossy()), want: lossy_wants() },
        midstream(),
        answer_only(),
        multipath(),
        joined(),
        fast_open(),
        FrameCase {
            name: "no TCP",
            frames: vec![(0, udp_frame(1, 2, (1, 2), &[0; 9]))],
            want: all_null(),
        },
    ]
}

/// Every column of the groups is null in other protocols, lists are empty.
fn all_null() -> Vec<(&'static str, Value)> {
    let columns = GROUPS.iter().flat_map(|name| table::group(name).unwrap().columns);
    columns.map(|c| (c.name, if c.nulls == "never" { l(&[]) } else { NULL })).collect()
}

/// Handshake, request, answer, close, all with timestamps of 1000 Hz.
fn whole() -> FrameCase {
    let segments = [
        c(0, 100, 0, SYN).win(64_240).opt(&[&linux(1460, 1000, 0, 7)]),
        s(10, 500, 101, SYN | ACK).win(65_160).ttl(57).opt(&[&linux(1400, 5000, 1000, 8)]),
        c(30, 101, 501, ACK).win(502).ts(1030, 5000),
        c(40, 101, 501, PSH | ACK).win(502).ts(1040, 5000).data(100),
        s(60, 501, 201, ACK).win(500).ts(5050, 1040),
        s(70, 501, 201, PSH | ACK).win(500).ts(5060, 1040).data(1000),
        c(100, 201, 1501, ACK).win(600).ts(1100, 5060),
        c(400, 201, 1501, FIN | ACK).win(600).ts(1400, 5060),
        s(420, 1501, 202, FIN | ACK).win(500).ts(5410, 1400),
        c(440, 202, 1502, ACK).win(600).ts(1440, 5410),
    ];
    let mut want = whole_numbers();
    want.extend(whole_options());
    want.extend(whole_times());
    FrameCase { name: "a whole connection with timestamps", frames: frames(&segments), want }
}

fn whole_numbers() -> Vec<(&'static str, Value)> {
    vec![
        ("tcp_isn_fwd", n(100.0)),
        ("tcp_isn_bwd", n(500.0)),
        ("tcp_seq_fwd_bytes_sent", n(100.0)),
        ("tcp_seq_bwd_bytes_sent", n(1000.0)),
        ("tcp_seq_fwd_retrans", n(0.0)),
        ("tcp_seq_fwd_gaps", n(0.0)),
        ("tcp_seq_fwd_ooo", n(0.0)),
        ("tcp_seq_bwd_retrans", n(0.0)),
        ("tcp_seq_bwd_gaps", n(0.0)),
        ("tcp_seq_bwd_ooo", n(0.0)),
        // all but the SYN
        ("tcp_ack_fwd_count", n(5.0)),
        ("tcp_ack_bwd_count", n(4.0)),
        ("tcp_ack_fwd_dup", n(0.0)),
        ("tcp_ack_bwd_dup", n(0.0)),
        ("tcp_retrans_ratio", n(0.0)),
        ("tcp_init_win_fwd", n(64_240.0)),
        ("tcp_init_win_bwd", n(65_160.0)),
        ("tcp_win_scale_fwd", n(7.0)),
        ("tcp_win_scale_bwd", n(8.0)),
        // 502 502 600 600 600, without the SYN
        ("tcp_win_fwd_min", n(502.0)),
        ("tcp_win_fwd_max", n(600.0)),
        ("tcp_win_fwd_mean", n(560.8)),
        ("tcp_win_bwd_min", n(500.0)),
        ("tcp_win_bwd_mean", n(500.0)),
        ("tcp_win_fwd_up_count", n(1.0)),
        ("tcp_win_fwd_down_count", n(0.0)),
        ("tcp_win_fwd_change_count", n(1.0)),
        ("tcp_win_bwd_change_count", n(0.0)),
        ("tcp_win_scaling", b(true)),
        // 600 << 7 is more than the SYN's 64240
        ("tcp_scaled_win_fwd_max", n(76_800.0)),
        ("tcp_scaled_win_fwd_min", n(64_256.0)),
        ("tcp_scaled_win_fwd_mean", n(71_782.4)),
        ("tcp_scaled_win_bwd_max", n(128_000.0)),
        ("tcp_in_flight_fwd_max", n(100.0)),
        ("tcp_in_flight_bwd_max", n(1000.0)),
    ]
}

fn whole_options() -> Vec<(&'static str, Value)> {
    vec![
        ("tcp_mss_fwd", n(1460.0)),
        ("tcp_mss_bwd", n(1400.0)),
        ("tcp_ws_fwd", n(7.0)),
        ("tcp_ws_bwd", n(8.0)),
        ("tcp_sack_permitted_fwd", b(true)),
        ("tcp_sack_permitted_bwd", b(true)),
        ("tcp_sack_blocks_total", n(0.0)),
        ("tcp_ts_fwd_present", b(true)),
        ("tcp_ts_fwd_first", n(1000.0)),
        ("tcp_ts_fwd_last", n(1440.0)),
        ("tcp_ts_fwd_diff", n(440.0)),
        // not the SYN's 0
        ("tcp_ts_ecr_fwd_first", n(5000.0)),
        ("tcp_ts_bwd_present", b(true)),
        ("tcp_ts_bwd_first", n(5000.0)),
        ("tcp_ts_bwd_last", n(5410.0)),
        ("tcp_ts_bwd_diff", n(410.0)),
        ("tcp_ts_ecr_bwd_first", n(1000.0)),
        // MSS, window scale, SACK permitted, timestamps, no-operation
        ("tcp_options_bitmap", n(f64::from(0x040f))),
        ("tcp_options_pkt_count", n(10.0)),
        ("tcp_options_order_fwd", t("2 4 8 1 3")),
        ("tcp_options_order_bwd", t("2 4 8 1 3")),
        ("tcp_options_malformed", n(0.0)),
        ("tcp_syn_payload_fwd", n(0.0)),
        ("tcp_syn_payload_bwd", n(0.0)),
        ("tcp_fast_open_fwd", NULL),
        ("mptcp_detected", b(false)),
        ("mptcp_capable_fwd", b(false)),
        ("mptcp_option_count", n(0.0)),
        ("mptcp_stat", n(0.0)),
        ("is_mptcp", b(false)),
        ("mptcp_version_fwd", NULL),
        ("mptcp_subtypes", n(0.0)),
        // 64240 = 44 * 1460; 65160 is no multiple of 1400
        ("tcp_fp_fwd", t("4:64:0:1460:mss*44,7:mss,sok,ts,nop,ws:df,id+:0")),
        ("tcp_fp_bwd", t("4:64:0:1400:65160,8:mss,sok,ts,nop,ws:df,id+:0")),
        ("tcp_os_hint_fwd", t("linux")),
        ("tcp_os_hint_bwd", t("linux")),
        // 440 ticks in 440 ms, 410 in 410 ms
        ("tcp_ts_hz_fwd", n(1000.0)),
        ("tcp_ts_hz_bwd", n(1000.0)),
        ("tcp_uptime_fwd", n(1.0 / 3600.0)),
        ("tcp_uptime_bwd", n(5.0 / 3600.0)),
        ("tcp_fp_fwd_window", n(64_240.0)),
        ("tcp_fp_fwd_ttl", n(64.0)),
        ("tcp_fp_fwd_mss", n(1460.0)),
        ("tcp_fp_fwd_ws", n(7.0)),
        ("tcp_fp_bwd_window", n(65_160.0)),
        ("tcp_fp_bwd_ttl", n(57.0)),
        ("tcp_fp_bwd_mss", n(1400.0)),
        ("tcp_fp_bwd_ws", n(8.0)),
        ("tcp_fp_fwd_hops", n(0.0)),
        ("tcp_fp_bwd_hops", n(7.0)),
    ]
}

/// The client's segments come back after 10 (SYN), 20 and 20 ms (FIN), the server's after 20, 30 and 20; in order of
/// their ACKs: > 10, < 20, > 20, < 30, > 20, < 20, so the sums are 30 40 50 50 40. Timestamps tell the same.
fn whole_times() -> Vec<(&'static str, Value)> {
    // 900 + 1600 + 2500 + 2500 + 1600 = 9100; 9100 / 5 - 42^2 = 56
    let std = n(56_f64.sqrt() / 1e3);
    vec![
        ("tcp_rtt_handshake", n(0.03)),
        ("tcp_rtt_handshake_fwd", n(0.01)),
        ("tcp_rtt_handshake_bwd", n(0.02)),
        ("tcp_rtt_min", n(0.03)),
        ("tcp_rtt_max", n(0.05)),
        ("tcp_rtt_mean", n(0.042)),
        ("tcp_rtt_samples", n(5.0)),
        ("tcp_rtt_std", std.clone()),
        // 10 10 0 10
        ("tcp_rtt_jitter_avg", n(0.0075)),
        ("tcp_rtt_ack_min", n(0.03)),
        ("tcp_rtt_ack_max", n(0.05)),
        ("tcp_rtt_ack_mean", n(0.042)),
        ("tcp_rtt_ack_samples", n(5.0)),
        ("tcp_rtt_ack_std", std),
        ("tcp_rtt_ack_jitter_avg", n(0.0075)),
        ("tcp_rtt_ack_fwd_min", n(0.01)),
        ("tcp_rtt_ack_fwd_max", n(0.02)),
        ("tcp_rtt_ack_fwd_mean", n(0.05 / 3.0)),
        ("tcp_rtt_ack_fwd_samples", n(3.0)),
        ("tcp_rtt_ack_bwd_min", n(0.02)),
        ("tcp_rtt_ack_bwd_max", n(0.03)),
        ("tcp_rtt_ack_bwd_mean", n(0.07 / 3.0)),
        ("tcp_rtt_ack_bwd_samples", n(3.0)),
        ("tcp_rtt_ts_fwd_min", n(0.01)),
        ("tcp_rtt_ts_fwd_max", n(0.02)),
        ("tcp_rtt_ts_fwd_mean", n(0.05 / 3.0)),
        ("tcp_rtt_ts_fwd_samples", n(3.0)),
        ("tcp_rtt_ts_bwd_min", n(0.02)),
        ("tcp_rtt_ts_bwd_max", n(0.03)),
        ("tcp_rtt_ts_bwd_mean", n(0.07 / 3.0)),
        ("tcp_rtt_ts_bwd_samples", n(3.0)),
        ("tcp_rtt_untimed", n(0.0)),
    ]
}

/// Everything that can go wrong with sequence numbers and windows. The handshake takes 20 ms; windows of the client are
/// shifted by 2, those of the server by 1.
pub(crate) fn lossy() -> Vec<Seg> {
    vec![
        c(0, 1000, 0, SYN).win(8192).ttl(120).opt(&[&windows(1460, 2)]),
        s(10, 5000, 1001, SYN | ACK).win(8192).ttl(128).opt(&[&windows(1460, 1)]),
        c(20, 1001, 5001, ACK),
        c(30, 1001, 5001, ACK).data(100),
        // 1101 to 1201 is lost before the tap.
        c(31, 1201, 5001, ACK).data(100),
        s(32, 5001, 1101, ACK),
        // Three duplicate ACKs.
        s(33, 5001, 1101, ACK).opt(&[&sack(&[1201, 1301])]),
        c(34, 1301, 5001, ACK).data(100),
        s(35, 5001, 1101, ACK).opt(&[&sack(&[1201, 1401])]),
        c(36, 1401, 5001, ACK).data(100),
        s(37, 5001, 1101, ACK).opt(&[&sack(&[1401, 1501, 1201, 1401])]),
        // The fast retransmission, and one that nobody needs.
        c(60, 1101, 5001, ACK).data(100),
        s(70, 5001, 1501, ACK),
        c(80, 1201, 5001, ACK).data(100),
        s(90, 5001, 1501, ACK).opt(&[&sack(&[1201, 1301])]),
        // Two segments the other way round, within 20 ms.
        c(100, 1601, 5001, ACK).data(50),
        c(105, 1501, 5001, ACK).data(100),
        // The window closes and opens.
        s(110, 5001, 1651, ACK).win(0),
        s(120, 5001, 1651, ACK),
        // 1000 << 1 bytes fill it.
        c(130, 1651, 5001, ACK).data(2000),
        s(140, 5001, 3651, ACK).win(0),
        // Probes: of one new byte, and as Linux sends them.
        c(200, 3651, 5001, ACK).data(1),
        s(210, 5001, 3651, ACK).win(0),
        c(300, 3650, 5001, ACK),
        s(310, 5001, 3651, ACK),
        // A keep-alive and its answer.
        c(1000, 3650, 5001, ACK),
        s(1010, 5001, 3651, ACK),
        // A segment that is sent again, and ten bytes that were not captured.
        s(1100, 5001, 3651, PSH | ACK).data(10),
        s(1500, 5001, 3651, PSH | ACK).data(10),
        c(1520, 3651, 5021, ACK),
        c(1600, 3651, 5021, RST | ACK).win(0),
    ]
}

fn lossy_wants() -> Vec<(&'static str, Value)> {
    let mut want = lossy_numbers();
    want.extend(lossy_windows());
    want.extend(lossy_times());
    want
}

fn lossy_numbers() -> Vec<(&'static str, Value)> {
    vec![
        // 100 * 6 + 50 + 2000; the byte of the probe was not taken
        ("tcp_seq_fwd_bytes_sent", n(2650.0)),
        ("tcp_seq_bwd_bytes_sent", n(10.0)),
        // at 60 and 80 ms; at 1500 ms
        ("tcp_seq_fwd_retrans", n(2.0)),
        ("tcp_seq_bwd_retrans", n(1.0)),
        ("tcp_seq_fwd_fast_retrans", n(1.0)),
        ("tcp_seq_bwd_fast_retrans", n(0.0)),
        ("tcp_seq_fwd_spurious_retrans", n(1.0)),
        ("tcp_seq_bwd_spurious_retrans", n(0.0)),
        ("tcp_seq_fwd_syn_retrans", n(0.0)),
        ("tcp_seq_bwd_syn_retrans", n(0.0)),
        // the one at 60 ms was not captured before
        ("tcp_seq_fwd_retrans_bytes", n(100.0)),
        ("tcp_seq_bwd_retrans_bytes", n(10.0)),
        // at 31 and 100 ms, both filled
        ("tcp_seq_fwd_gaps", n(2.0)),
        ("tcp_seq_bwd_gaps", n(0.0)),
        ("tcp_seq_fwd_missing_bytes", n(0.0)),
        ("tcp_seq_bwd_missing_bytes", n(0.0)),
        ("tcp_seq_fwd_gaps_folded", n(0.0)),
        ("tcp_seq_bwd_gaps_folded", n(0.0)),
        ("tcp_seq_fwd_ooo", n(1.0)),
        ("tcp_seq_bwd_ooo", n(0.0)),
        // all but the SYN
        ("tcp_ack_fwd_count", n(15.0)),
        ("tcp_ack_bwd_count", n(15.0)),
        ("tcp_ack_fwd_dup", n(0.0)),
        // not at 90, 120, 210, 310 and 1010 ms, where nothing is outstanding
        ("tcp_ack_bwd_dup", n(3.0)),
        ("tcp_seq_fwd_keep_alive", n(1.0)),
        ("tcp_seq_bwd_keep_alive", n(0.0)),
        ("tcp_ack_fwd_keep_alive", n(0.0)),
        ("tcp_ack_bwd_keep_alive", n(1.0)),
        ("tcp_ack_fwd_unseen", n(1.0)),
        ("tcp_ack_bwd_unseen", n(0.0)),
        ("tcp_total_retrans", n(3.0)),
        ("tcp_total_ooo", n(1.0)),
        ("tcp_total_dup_acks", n(3.0)),
        ("tcp_retrans_ratio", n(3.0 / 31.0)),
        ("tcp_sack_blocks_total", n(5.0)),
        ("tcp_sack_blocks_fwd", n(0.0)),
        ("tcp_sack_blocks_bwd", n(5.0)),
        ("tcp_sack_pkt_fwd", n(0.0)),
        ("tcp_sack_pkt_bwd", n(4.0)),
        // at 90 ms, below the ACK
        ("tcp_dsack_fwd", n(0.0)),
        ("tcp_dsack_bwd", n(1.0)),
        // MSS, window scale, SACK permitted, SACK, no-operation
        ("tcp_options_bitmap", n(f64::from(0x0417))),
        ("tcp_options_pkt_count", n(6.0)),
        ("tcp_ts_fwd_present", b(false)),
        ("tcp_ts_fwd_first", NULL),
        ("tcp_ts_hz_fwd", NULL),
        ("tcp_fp_fwd", t("4:128:0:1460:8192,2:mss,nop,ws,nop,nop,sok:df,id+:0")),
        ("tcp_os_hint_fwd", t("windows")),
        ("tcp_fp_fwd_hops", n(8.0)),
    ]
}

fn lossy_windows() -> Vec<(&'static str, Value)> {
    vec![
        ("tcp_win_fwd_min", n(500.0)),
        ("tcp_win_fwd_max", n(500.0)),
        ("tcp_win_fwd_mean", n(500.0)),
        // the reset's window means nothing
        ("tcp_win_fwd_zero_count", n(0.0)),
        // 14 packets, of which three closed
        ("tcp_win_bwd_min", n(0.0)),
        ("tcp_win_bwd_max", n(1000.0)),
        ("tcp_win_bwd_mean", n(11_000.0 / 14.0)),
        ("tcp_win_bwd_zero_count", n(3.0)),
        ("tcp_zero_win_ratio", n(3.0 / 31.0)),
        ("tcp_win_bwd_up_count", n(2.0)),
        ("tcp_win_bwd_down_count", n(2.0)),
        ("tcp_win_bwd_change_count", n(4.0)),
        // the SYNs' 8192 bytes are not shifted
        ("tcp_scaled_win_fwd_max", n(8192.0)),
        ("tcp_scaled_win_fwd_min", n(2000.0)),
        ("tcp_scaled_win_bwd_max", n(8192.0)),
        ("tcp_scaled_win_bwd_min", n(0.0)),
        ("tcp_scaled_win_bwd_mean", n(22_000.0 / 14.0)),
        // at 120 and 310 ms
        ("tcp_win_fwd_update_count", n(0.0)),
        ("tcp_win_bwd_update_count", n(2.0)),
        ("tcp_win_fwd_full_count", n(1.0)),
        ("tcp_win_bwd_full_count", n(0.0)),
        ("tcp_win_fwd_probe_count", n(2.0)),
        ("tcp_win_bwd_probe_count", n(0.0)),
        ("tcp_in_flight_fwd_max", n(2000.0)),
        ("tcp_in_flight_bwd_max", n(10.0)),
    ]
}

/// Timed are the client's SYN (10 ms), its first segment (2) and the one that fills the window (10), and the server's
/// SYN-ACK (10): sums 20 12 20. What was under way at 60, 80, 105 and 1500 ms is not.
fn lossy_times() -> Vec<(&'static str, Value)> {
    vec![
        ("tcp_rtt_handshake", n(0.02)),
        ("tcp_rtt_ack_fwd_min", n(0.002)),
        ("tcp_rtt_ack_fwd_max", n(0.01)),
        ("tcp_rtt_ack_fwd_mean", n(0.022 / 3.0)),
        ("tcp_rtt_ack_fwd_samples", n(3.0)),
        ("tcp_rtt_ack_bwd_min", n(0.01)),
        ("tcp_rtt_ack_bwd_samples", n(1.0)),
        ("tcp_rtt_ack_min", n(0.012)),
        ("tcp_rtt_ack_max", n(0.02)),
        ("tcp_rtt_ack_mean", n(0.052 / 3.0)),
        ("tcp_rtt_ack_jitter_avg", n(0.008)),
        ("tcp_rtt_min", NULL),
        ("tcp_rtt_samples", n(0.0)),
        ("tcp_rtt_ts_fwd_min", NULL),
        ("tcp_rtt_ts_bwd_samples", n(0.0)),
    ]
}

/// No handshake: nothing is known of scales, initial numbers and systems.
fn midstream() -> FrameCase {
    let segments = [c(0, 7000, 900, ACK).data(10), s(5, 900, 7010, ACK)];
    let want = vec![
        ("tcp_isn_fwd", NULL),
        ("tcp_isn_bwd", NULL),
        ("tcp_win_scale_fwd", NULL),
        ("tcp_win_scaling", NULL),
        ("tcp_scaled_win_fwd_max", NULL),
        ("tcp_scaled_win_fwd_min", NULL),
        ("tcp_scaled_win_fwd_mean", NULL),
        ("tcp_init_win_fwd", n(500.0)),
        ("tcp_win_fwd_min", n(500.0)),
        ("tcp_in_flight_fwd_max", NULL),
        ("tcp_mss_fwd", NULL),
        ("tcp_options_order_fwd", NULL),
        ("tcp_options_bitmap", n(0.0)),
        ("tcp_fp_fwd", NULL),
        ("tcp_rtt_handshake", NULL),
        ("tcp_rtt_handshake_fwd", NULL),
        ("tcp_rtt_ack_fwd_min", n(0.005)),
        // the server sent nothing that could be timed
        ("tcp_rtt_ack_bwd_min", NULL),
        ("tcp_rtt_ack_min", NULL),
        ("tcp_rtt_ack_samples", n(0.0)),
    ];
    FrameCase { name: "no handshake", frames: frames(&segments), want }
}

/// Only the responder was captured: its SYN-ACK has the option because the SYN had it.
fn answer_only() -> FrameCase {
    let segments = [
        s(0, 500, 101, SYN | ACK).win(4000).opt(&[&mss(1400), &[3, 3, 4]]),
        s(10, 501, 101, ACK).data(5),
    ];
    let want = vec![
        ("tcp_isn_fwd", NULL),
        ("tcp_isn_bwd", n(500.0)),
        ("tcp_init_win_fwd", NULL),
        ("tcp_win_scaling", b(true)),
        ("tcp_scaled_win_bwd_max", n(16_000.0)),
        ("tcp_scaled_win_bwd_mean", n(16_000.0)),
        ("tcp_scaled_win_fwd_max", NULL),
        ("tcp_in_flight_bwd_max", NULL),
        ("tcp_rtt_handshake_bwd", NULL),
        ("tcp_os_hint_bwd", NULL),
        ("tcp_fp_bwd", t("4:64:0:1400:4000,4:mss,ws,nop:df,id+:0")),
    ];
    FrameCase { name: "only an answer", frames: frames(&segments), want }
}

/// Version 1, with data sequence signals, addresses and the end of all paths.
fn multipath() -> FrameCase {
    let segments = [
        c(0, 10, 0, SYN).opt(&[&[30, 4, 0x01, 0x81]]),
        s(1, 90, 11, SYN | ACK).opt(&[&[30, 12, 0x01, 0x81, 1, 2, 3, 4, 5, 6, 7, 8]]),
        c(2, 11, 91, ACK).opt(&[&[30, 4, 0x20, 0x01], &[30, 8, 0x34, 2, 10, 0, 0, 9]]),
        s(3, 91, 11, ACK).opt(&[&[30, 4, 0x20, 0x01]]),
        c(4, 11, 91, ACK).opt(&[&[30, 4, 0x40, 2], &[30, 4, 0x51, 2]]),
        c(5, 11, 91, ACK).opt(&[&[30, 4, 0x60, 0], &[30, 4, 0x70, 0], &[30, 4, 0x80, 1]]),
    ];
    let want = vec![
        ("mptcp_detected", b(true)),
        ("mptcp_capable_fwd", b(true)),
        ("mptcp_capable_bwd", b(true)),
        ("mptcp_option_count", n(6.0)),
        ("mptcp_stat", n(15.0)),
        ("is_mptcp", b(true)),
        ("mptcp_version_fwd", n(1.0)),
        ("mptcp_version_bwd", n(1.0)),
        ("mptcp_join_fwd", b(false)),
        ("mptcp_token", NULL),
        // all but MP_JOIN
        ("mptcp_subtypes", n(f64::from(0x1fd))),
        ("mptcp_dss_count", n(2.0)),
        ("mptcp_add_addr_count", n(1.0)),
        ("mptcp_remove_addr_count", n(1.0)),
        ("mptcp_prio_count", n(1.0)),
        ("mptcp_fail_count", n(1.0)),
        ("mptcp_fastclose_count", n(1.0)),
        ("mptcp_reset_count", n(1.0)),
        ("tcp_options_bitmap", n(f64::from(0x20))),
        ("tcp_fp_fwd", t("4:64:0:*:500,*:mptcp:df,id+:0")),
        ("tcp_os_hint_fwd", NULL),
        ("tcp_fp_fwd_mss", NULL),
        ("tcp_fp_fwd_ws", NULL),
        // both SYNs came without the option: nothing is shifted
        ("tcp_win_scaling", b(false)),
        ("tcp_scaled_win_fwd_max", n(500.0)),
    ];
    FrameCase { name: "Multipath TCP", frames: frames(&segments), want }
}

/// One more path of a connection.
fn joined() -> FrameCase {
    let segments = [
        c(0, 10, 0, SYN).opt(&[&[30, 12, 0x10, 3, 0, 0, 1, 0, 9, 9, 9, 9]]),
        s(1, 90, 11, SYN | ACK).opt(&[&[30, 16, 0x10, 4], &[7; 12]]),
    ];
    let want = vec![
        ("mptcp_capable_fwd", b(false)),
        ("mptcp_stat", n(1.0)),
        ("is_mptcp", b(true)),
        ("mptcp_join_fwd", b(true)),
        ("mptcp_join_bwd", b(true)),
        ("mptcp_token", n(256.0)),
    ];
    FrameCase { name: "a joined path", frames: frames(&segments), want }
}

/// Data in the SYN with a cookie, odd options, and a SYN that is sent again.
fn fast_open() -> FrameCase {
    let odd = [&[34, 6, 1, 2, 3, 4][..], &[28, 4, 0x80, 5], &[200, 3, 7], &[0, 9, 0]];
    let segments = [
        c(0, 10, 0, SYN).opt(&odd).data(20),
        c(900, 10, 0, SYN).opt(&odd).data(20),
        s(950, 90, 31, SYN | ACK).opt(&[&[34, 2], &[199, 2, 200, 1]]),
        c(960, 31, 91, ACK),
    ];
    let want = vec![
        ("tcp_fast_open_fwd", n(4.0)),
        ("tcp_fast_open_bwd", n(0.0)),
        ("tcp_syn_payload_fwd", n(40.0)),
        ("tcp_options_other_fwd", l(&[200.0])),
        ("tcp_options_other_bwd", l(&[199.0])),
        // the server's last option is shorter than itself
        ("tcp_options_malformed", n(1.0)),
        // fast open, user timeout, end of list, other
        ("tcp_options_bitmap", n(f64::from(0x0040 | 0x0200 | 0x0800 | 0x1000))),
        ("tcp_options_order_fwd", t("34 28 200 0")),
        ("tcp_fp_fwd", t("4:64:0:*:500,*:tfo,?28,?200,eol+2:df,id+,opt+:+")),
        ("tcp_fp_bwd", t("4:64:0:*:1000,*:tfo,?199:df,id+,bad:0")),
        ("tcp_seq_fwd_bytes_sent", n(20.0)),
        ("tcp_seq_fwd_retrans", n(1.0)),
        ("tcp_seq_fwd_syn_retrans", n(1.0)),
        ("tcp_seq_fwd_retrans_bytes", n(20.0)),
        // the answer to which of both SYNs?
        ("tcp_rtt_handshake", NULL),
        ("tcp_rtt_handshake_fwd", NULL),
        ("tcp_rtt_handshake_bwd", n(0.01)),
        ("tcp_rtt_ack_fwd_min", NULL),
        ("tcp_rtt_ack_bwd_min", n(0.01)),
        ("tcp_rtt_ack_bwd_max", n(0.01)),
        ("tcp_rtt_ack_bwd_mean", n(0.01)),
    ];
    FrameCase { name: "fast open", frames: frames(&segments), want }
}

#[test]
fn hand_computed_connections() {
    cases().iter().for_each(FrameCase::check);
}

#[test]
fn a_new_attempt_in_the_same_flow_is_timed_anew() {
    let segments =
        [c(0, 1_000_000, 0, SYN), c(100, 5, 0, SYN), s(110, 90, 6, SYN | ACK), c(130, 6, 91, ACK)];
    let rows = rows(&frames(&segments));
    assert_eq!(rows.len(), 1, "one flow");
    assert_eq!(rows[0].get("tcp_isn_fwd"), n(1_000_000.0));
    assert_eq!(rows[0].get("tcp_rtt_handshake"), n(0.03));
    assert_eq!(rows[0].get("tcp_rtt_ack_fwd_min"), n(0.01));
    assert_eq!(rows[0].get("tcp_seq_fwd_retrans"), n(0.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bytes_are_counted_once_however_they_are_cut(
        start in any::<u32>(),
        cuts in prop::collection::vec((0_u32..1500, 2_usize..300), 1..40),
    ) {
        let cuts = [&[(700, 100)], &cuts[..]].concat();
        let segments: Vec<Seg> = (0..)
            .zip(&cuts)
            .map(|(i, &(at, len))| c(i * 50, start.wrapping_add(at), 1, ACK).data(len))
            .collect();
        let row = &rows(&frames(&segments))[0];
        prop_assume!(row.get("tcp_seq_fwd_gaps_folded") == n(0.0));
        let positions = cuts.iter().flat_map(|&(at, len)| at..at + len as u32);
        let distinct: BTreeSet<u32> = positions.clone().collect();
        let span = distinct.last().unwrap() - distinct.first().unwrap() + 1;
        let (all, once) = (positions.count() as f64, distinct.len() as f64);
        prop_assert_eq!(row.get("tcp_seq_fwd_bytes_sent"), n(once));
        prop_assert_eq!(row.get("tcp_seq_fwd_retrans_bytes"), n(all - once));
        prop_assert_eq!(row.get("tcp_seq_fwd_missing_bytes"), n(f64::from(span) - once));
    }

    #[test]
    fn any_options_make_a_row(
        packets in prop::collection::vec(
            (any::<bool>(), any::<[u32; 2]>(), 0_u16..512, prop::collection::vec(0_u8..40, 0..10)),
            1..20,
        ),
    ) {
        type Said = (bool, [u32; 2], u16, Vec<u8>);
        let segment = |(i, (server, [seq, ack], flags, words)): (u64, &Said)| {
            let option = words.iter().flat_map(|&kind| [kind, 2 + kind % 5, kind, 0]).collect::<Vec<_>>();
            let segment = if *server { s(i, *seq, *ack, *flags) } else { c(i, *seq, *ack, *flags) };
            segment.opt(&[&option])
        };
        let segments: Vec<Seg> = (0..).zip(&packets).map(segment).collect();
        prop_assert!(!rows(&frames(&segments)).is_empty());
    }
}
