//! What the older tool got wrong of TCP (its defects 17 to 20), right in the rows.

use rheos_wire::tcp_flags::{ACK, PSH, SYN};

use super::frames::rows;
use super::rows::{NULL, Row, b, n, t};
use super::tcp_analysis_flows::{Seg, c, frames, mss, s, sack, stamps, windows};

fn row(segments: &[Seg]) -> Row {
    let mut rows = rows(&frames(segments));
    assert_eq!(rows.len(), 1, "one flow");
    rows.remove(0)
}

#[test]
fn defect_17_pure_acks_do_not_put_data_out_of_order() {
    // A clean connection of six packets, of which three had been out of order.
    let row = row(&[
        c(0, 100, 0, SYN),
        s(10, 500, 101, SYN | ACK),
        c(20, 101, 501, ACK),
        c(30, 101, 501, PSH | ACK).data(50),
        s(40, 501, 151, PSH | ACK).data(70),
        c(50, 151, 571, ACK),
    ]);
    for name in ["tcp_total_ooo", "tcp_total_retrans", "tcp_seq_fwd_gaps", "tcp_seq_bwd_gaps"] {
        assert_eq!(row.get(name), n(0.0), "{name}");
    }
    assert_eq!(row.get("tcp_seq_fwd_bytes_sent"), n(50.0));
}

#[test]
fn defect_17_retransmissions_are_told_by_ranges() {
    let row = row(&[
        c(0, 100, 1, ACK).data(100),
        c(5, 200, 1, ACK).data(100),
        // Cut anew, both at once, and with fifty new bytes.
        c(400, 150, 1, ACK).data(10),
        c(500, 100, 1, ACK).data(200),
        c(600, 250, 1, ACK).data(100),
        // A keep-alive has the number of the last byte, and is none.
        s(610, 1, 350, ACK),
        c(900, 349, 1, ACK).data(1),
    ]);
    assert_eq!(row.get("tcp_seq_fwd_retrans"), n(3.0));
    assert_eq!(row.get("tcp_seq_fwd_retrans_bytes"), n(10.0 + 200.0 + 50.0));
    assert_eq!(row.get("tcp_seq_fwd_bytes_sent"), n(250.0));
    assert_eq!(row.get("tcp_seq_fwd_keep_alive"), n(1.0));
}

#[test]
fn defect_17_a_last_byte_that_waits_for_its_ack_is_no_keep_alive() {
    let row = row(&[
        c(0, 99, 1, PSH | ACK).data(1),
        s(0, 1, 100, ACK),
        c(1, 100, 1, PSH | ACK).data(1),
        c(300, 100, 1, PSH | ACK).data(1),
        s(310, 1, 101, ACK),
    ]);
    assert_eq!(row.get("tcp_seq_fwd_keep_alive"), n(0.0));
    assert_eq!(row.get("tcp_seq_fwd_retrans"), n(1.0));
    // Karn: the second byte is not timed.
    assert_eq!(row.get("tcp_rtt_ack_fwd_samples"), n(1.0));
}

#[test]
fn defect_17_duplicate_acks_meet_all_conditions() {
    let start = [c(0, 100, 1, ACK).data(100), s(1, 1, 200, ACK)];
    let of = |more: &[Seg]| {
        let row = row(&[&start[..], more].concat());
        (row.get("tcp_ack_bwd_dup"), row.get("tcp_ack_bwd_count"))
    };
    let outstanding = c(2, 200, 1, ACK).data(100);
    let again = s(3, 1, 200, ACK);
    assert_eq!(of(&[outstanding.clone(), again.clone()]), (n(1.0), n(2.0)));
    assert_eq!(of(std::slice::from_ref(&again)), (n(0.0), n(2.0)), "nothing outstanding");
    let other = [
        ("payload", s(3, 1, 200, ACK).data(10)),
        ("another window", s(3, 1, 200, ACK).win(2000)),
        ("an older ACK", s(3, 1, 150, ACK)),
        ("no ACK flag", s(3, 1, 200, PSH)),
    ];
    for (what, segment) in other {
        assert_eq!(of(&[outstanding.clone(), segment]).0, n(0.0), "{what}");
    }
    assert_eq!(of(&[s(3, 1, 200, PSH)]).1, n(1.0), "without the flag it is no ACK");
}

#[test]
fn defect_18_windows_of_syns_are_not_scaled_nor_mixed_with_others() {
    let syn = c(0, 100, 0, SYN).win(60_000).opt(&[&windows(1460, 7)]);
    let ack = c(20, 101, 501, ACK).win(300);
    let both = row(&[
        syn.clone(),
        s(10, 500, 101, SYN | ACK).win(50_000).opt(&[&windows(1460, 2)]),
        ack.clone(),
    ]);
    assert_eq!(both.get("tcp_scaled_win_fwd_max"), n(60_000.0));
    assert_eq!(both.get("tcp_scaled_win_fwd_min"), n(f64::from(300 << 7)));
    assert_eq!((both.get("tcp_win_fwd_min"), both.get("tcp_win_fwd_max")), (n(300.0), n(300.0)));
    assert_eq!(both.get("tcp_win_fwd_down_count"), n(0.0));
    // The other side does not take part: nothing is scaled.
    let one = row(&[syn.clone(), s(10, 500, 101, SYN | ACK).opt(&[&mss(1460)]), ack.clone()]);
    assert_eq!(one.get("tcp_scaled_win_fwd_min"), n(300.0));
    assert_eq!(one.get("tcp_win_scaling"), b(false));
    // The answer was not captured: it is not known.
    let unknown = row(&[syn, ack]);
    assert_eq!(unknown.get("tcp_scaled_win_fwd_min"), NULL);
    assert_eq!(unknown.get("tcp_win_scale_fwd"), n(7.0));
}

#[test]
fn defect_18_round_trips_tell_the_sides_of_the_tap_and_follow_karn() {
    // The tap is 1 ms from the client and 40 ms from the server.
    let row = row(&[
        c(0, 100, 0, SYN),
        s(40, 500, 101, SYN | ACK),
        c(41, 101, 501, ACK),
        c(50, 101, 501, ACK).data(10),
        s(90, 501, 111, ACK).data(10),
        c(91, 111, 511, ACK),
        // Idle for a while; then a segment that is sent twice.
        c(60_000, 111, 511, ACK).data(10),
        c(60_300, 111, 511, ACK).data(10),
        s(60_340, 511, 121, ACK),
    ]);
    assert_eq!(row.get("tcp_rtt_ack_fwd_min"), n(0.04));
    assert_eq!(row.get("tcp_rtt_ack_fwd_max"), n(0.04));
    assert_eq!(row.get("tcp_rtt_ack_bwd_max"), n(0.001));
    assert_eq!(row.get("tcp_rtt_ack_min"), n(0.041));
    assert_eq!(row.get("tcp_rtt_ack_max"), n(0.041));
    assert_eq!(row.get("tcp_rtt_handshake"), n(0.041));
}

#[test]
fn defect_18_idle_time_is_no_round_trip_of_timestamps() {
    let row = row(&[
        c(0, 100, 1, ACK).ts(10, 900).data(10),
        s(40, 1, 110, ACK).ts(1000, 10),
        // The echo of an old value, after an idle minute, acknowledges nothing new.
        s(60_000, 1, 110, ACK).ts(7000, 10).data(10),
        c(60_001, 110, 11, ACK).ts(6010, 7000),
    ]);
    assert_eq!(row.get("tcp_rtt_ts_fwd_samples"), n(1.0));
    assert_eq!(row.get("tcp_rtt_ts_fwd_max"), n(0.04));
    assert_eq!(row.get("tcp_rtt_ts_bwd_max"), n(0.001));
    assert_eq!(row.get("tcp_rtt_max"), n(0.041));
}

#[test]
fn defect_19_multipath_is_detected_by_its_option() {
    let row = row(&[c(0, 10, 0, SYN).opt(&[&[30, 4, 0x01, 0x81]])]);
    assert_eq!((row.get("mptcp_detected"), row.get("mptcp_capable_fwd")), (b(true), b(true)));
    assert_eq!(row.get("is_mptcp"), b(false), "nobody agreed");
}

#[test]
fn defect_19_every_sack_block_counts() {
    let row = row(&[s(0, 1, 10, ACK).opt(&[&sack(&[20, 30, 40, 50, 60, 70])])]);
    assert_eq!(row.get("tcp_sack_blocks_total"), n(3.0));
}

#[test]
fn defect_20_signatures_are_readable_and_systems_of_today_are_told() {
    let syn = |size: u16, window: u16, ttl: u8, options: &[&[u8]]| {
        row(&[c(0, 10, 0, SYN).win(window).ttl(ttl).opt(&[&[&mss(size)[..]], options].concat())])
    };
    // Windows 10 and Linux 5 send the same window.
    let today = syn(1460, 64_240, 128, &[&[1, 3, 3, 8, 1, 1, 4, 2]]);
    assert_eq!(today.get("tcp_os_hint_fwd"), t("windows"));
    let linux = syn(1460, 64_240, 64, &[&[4, 2], &stamps(1, 0), &[1, 3, 3, 7]]);
    assert_eq!(linux.get("tcp_os_hint_fwd"), t("linux"));
    let apple = syn(1460, 65_535, 64, &[&[1, 3, 3, 6, 1, 1], &stamps(1, 0), &[4, 2, 0, 0]]);
    assert_eq!(apple.get("tcp_os_hint_fwd"), t("apple"));
    assert_eq!(
        apple.get("tcp_fp_fwd"),
        t("4:64:0:1460:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0")
    );
    let freebsd = syn(1460, 65_535, 64, &[&[1, 3, 3, 6, 4, 2], &stamps(1, 0)]);
    assert_eq!(freebsd.get("tcp_os_hint_fwd"), t("freebsd"));
    let openbsd = [&[1, 1, 4, 2, 1, 3, 3, 6, 1, 1][..], &stamps(1, 0)];
    assert_eq!(syn(1460, 16_384, 64, &openbsd).get("tcp_os_hint_fwd"), t("openbsd"));
    assert_eq!(syn(1460, 1024, 255, &[]).get("tcp_os_hint_fwd"), NULL);
}

#[test]
fn defect_20_clocks_are_measured() {
    // 250 ticks a second since 10 hours.
    let start = 36_000 * 250;
    let row = row(&[
        c(0, 100, 1, ACK).ts(start, 1).data(1),
        c(2000, 101, 1, ACK).ts(start + 500, 1).data(1),
    ]);
    assert_eq!(row.get("tcp_ts_hz_fwd"), n(250.0));
    assert_eq!(row.get("tcp_uptime_fwd"), n(10.0));
    assert_eq!(row.get("tcp_uptime_bwd"), NULL);
}
