//! Round trips: of the handshake, of segments and of timestamps, on each side of the tap and in all.

use super::{Ended, Group};
use crate::column::Kind::{F64, U64};
use crate::column::{Column, GroupInfo, Kind, Profile};
use crate::moments::Moments;
use crate::row::RowBuffer;
use crate::tcp::rtt::{Path, Rtt, Series};

const NO_STAMPS: &str =
    "not TCP, or not on both sides of the tap was a timestamp echoed that could be timed";
const NO_SEGMENTS: &str =
    "not TCP, or not on both sides of the tap was a segment acknowledged that could be timed";
const FEW: &str = "not TCP, or fewer than two such round trips";
const NO_PART: &str = "not TCP, or no such round trip";
const HANDSHAKE: &str = "null, not twice the time to the SYN-ACK, where the last ACK is missing, and where a SYN or SYN-ACK was sent again before its answer (Karn)";
const STAMPS: &str = "the whole path, as the sum of both sides of the tap, not a mixture of them; only ACKs of something new (RFC 7323 section 4.2), from the first packet with the value, so that idle time does not count; null, not 0, without";
const SEGMENTS: &str = "the whole path, as the sum of both sides of the tap, not a mixture of them; Karn's rule; null, not 0, without";

const fn column(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    Column::new(name, kind, unit, meaning).null(NO_PART).profile(Profile::Extended)
}

const fn seconds(name: &'static str, meaning: &'static str) -> Column {
    column(name, F64, "s", meaning)
}

const fn stamps(name: &'static str, meaning: &'static str) -> Column {
    seconds(name, meaning).null(NO_STAMPS).changed(STAMPS)
}

const fn segments(name: &'static str, meaning: &'static str) -> Column {
    seconds(name, meaning).null(NO_SEGMENTS).changed(SEGMENTS)
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    seconds("tcp_rtt_handshake", "from SYN to the ACK of the SYN-ACK: tcp_rtt_handshake_fwd + tcp_rtt_handshake_bwd").null("not TCP, the handshake was not seen as a whole, or a SYN or SYN-ACK was sent again before its answer").changed(HANDSHAKE),
    stamps("tcp_rtt_min", "least round trip by timestamps (RFC 7323 section 4): whenever one side's was timed, the sum of the latest of either side"),
    stamps("tcp_rtt_max", "greatest of these round trips"),
    stamps("tcp_rtt_mean", "arithmetic mean of these round trips"),
    column("tcp_rtt_samples", U64, "round trips", "how many of these round trips").null("not TCP").changed(STAMPS),
    stamps("tcp_rtt_std", "population standard deviation (ddof 0) of these round trips; 0 for one"),
    stamps("tcp_rtt_jitter_avg", "mean absolute difference of successive ones of these round trips").null(FEW),
    segments("tcp_rtt_ack_min", "least round trip by segments: from a segment to the ACK of just its end, nothing that was under way when something was sent again or came late (Karn's rule, RFC 6298 section 3); whenever one side's was timed, the sum of the latest of either side"),
    segments("tcp_rtt_ack_max", "greatest of these round trips"),
    segments("tcp_rtt_ack_mean", "arithmetic mean of these round trips"),
    column("tcp_rtt_ack_samples", U64, "round trips", "how many of these round trips").null("not TCP"),
    seconds("tcp_rtt_ack_std", "population standard deviation (ddof 0) of these round trips; 0 for one").null(NO_SEGMENTS),
    seconds("tcp_rtt_ack_jitter_avg", "mean absolute difference of successive ones of these round trips").null(FEW),
    seconds("tcp_rtt_handshake_fwd", "from SYN to SYN-ACK: the responder's side of the tap").fwd().null("not TCP, no SYN of the initiator with its answer, or it was sent again before"),
    seconds("tcp_rtt_handshake_bwd", "from SYN-ACK to its ACK: the initiator's side of the tap").bwd().null("not TCP, no SYN-ACK of the responder between SYN and ACK, or it was sent again before"),
    seconds("tcp_rtt_ack_fwd_min", "least time from a segment of the initiator to its ACK: the responder's side of the tap, by the rule of tcp_rtt_ack_min").fwd(),
    seconds("tcp_rtt_ack_fwd_max", "greatest of these times").fwd(),
    seconds("tcp_rtt_ack_fwd_mean", "arithmetic mean of these times").fwd(),
    column("tcp_rtt_ack_fwd_samples", U64, "round trips", "how many of these times").fwd().null("not TCP"),
    seconds("tcp_rtt_ack_bwd_min", "least time from a segment of the responder to its ACK: the initiator's side of the tap, by the rule of tcp_rtt_ack_min").bwd(),
    seconds("tcp_rtt_ack_bwd_max", "greatest of these times").bwd(),
    seconds("tcp_rtt_ack_bwd_mean", "arithmetic mean of these times").bwd(),
    column("tcp_rtt_ack_bwd_samples", U64, "round trips", "how many of these times").bwd().null("not TCP"),
    seconds("tcp_rtt_ts_fwd_min", "least time from a timestamp of the initiator to its echo: the responder's side of the tap, by the rule of tcp_rtt_min").fwd(),
    seconds("tcp_rtt_ts_fwd_max", "greatest of these times").fwd(),
    seconds("tcp_rtt_ts_fwd_mean", "arithmetic mean of these times").fwd(),
    column("tcp_rtt_ts_fwd_samples", U64, "round trips", "how many of these times").fwd().null("not TCP"),
    seconds("tcp_rtt_ts_bwd_min", "least time from a timestamp of the responder to its echo: the initiator's side of the tap, by the rule of tcp_rtt_min").bwd(),
    seconds("tcp_rtt_ts_bwd_max", "greatest of these times").bwd(),
    seconds("tcp_rtt_ts_bwd_mean", "arithmetic mean of these times").bwd(),
    column("tcp_rtt_ts_bwd_samples", U64, "round trips", "how many of these times").bwd().null("not TCP"),
    column("tcp_rtt_untimed", U64, "packets", "packets that were not timed, as 32 of their side waited for an ACK").null("not TCP"),
];

/// The group; what it tells is kept in the TCP analysis.
#[derive(Clone, Copy, Debug)]
pub struct TcpRtt;

impl Group for TcpRtt {
    type State = ();
    const INFO: GroupInfo = GroupInfo {
        name: "tcp_rtt",
        meaning: "TCP round trips on each side of the tap and of the whole path",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) {}

    fn finish((): &(), ended: &mut Ended<'_>, row: &mut RowBuffer) {
        if ended.tcp.is_none() {
            return row.rest_is_null();
        }
        let rtt = ended.tcp.map(|tcp| &tcp.rtt);
        row.f64("tcp_rtt_handshake", rtt.and_then(Rtt::handshake).map(|ns| ns as f64 / 1e9));
        write_stamps(rtt.map(|rtt| &rtt.stamps.whole), row);
        write_segments(rtt.map(|rtt| &rtt.segments.whole), row);
        let handshake = |side: usize| Some(rtt?.handshake_ns[side]? as f64 / 1e9);
        row.f64("tcp_rtt_handshake_fwd", handshake(0));
        row.f64("tcp_rtt_handshake_bwd", handshake(1));
        let part = |path: fn(&Rtt) -> &Path, side: usize| rtt.map(|rtt| &path(rtt).parts[side]);
        write_part(part(|rtt| &rtt.segments, 0), &ACK_FWD, row);
        write_part(part(|rtt| &rtt.segments, 1), &ACK_BWD, row);
        write_part(part(|rtt| &rtt.stamps, 0), &TS_FWD, row);
        write_part(part(|rtt| &rtt.stamps, 1), &TS_BWD, row);
        row.u64("tcp_rtt_untimed", rtt.map(|rtt| rtt.untimed));
    }
}

const ACK_FWD: [&str; 4] = [
    "tcp_rtt_ack_fwd_min",
    "tcp_rtt_ack_fwd_max",
    "tcp_rtt_ack_fwd_mean",
    "tcp_rtt_ack_fwd_samples",
];
const ACK_BWD: [&str; 4] = [
    "tcp_rtt_ack_bwd_min",
    "tcp_rtt_ack_bwd_max",
    "tcp_rtt_ack_bwd_mean",
    "tcp_rtt_ack_bwd_samples",
];
const TS_FWD: [&str; 4] =
    ["tcp_rtt_ts_fwd_min", "tcp_rtt_ts_fwd_max", "tcp_rtt_ts_fwd_mean", "tcp_rtt_ts_fwd_samples"];
const TS_BWD: [&str; 4] =
    ["tcp_rtt_ts_bwd_min", "tcp_rtt_ts_bwd_max", "tcp_rtt_ts_bwd_mean", "tcp_rtt_ts_bwd_samples"];

fn in_seconds(nanos: f64) -> f64 {
    nanos / 1e9
}

fn write_stamps(series: Option<&Series>, row: &mut RowBuffer) {
    let times = series.map(|series| &series.times);
    row.f64("tcp_rtt_min", times.and_then(Moments::min).map(in_seconds));
    row.f64("tcp_rtt_max", times.and_then(Moments::max).map(in_seconds));
    row.f64("tcp_rtt_mean", times.and_then(Moments::mean).map(in_seconds));
    row.u64("tcp_rtt_samples", times.map(|times| times.n));
    row.f64("tcp_rtt_std", times.and_then(Moments::std).map(in_seconds));
    row.f64("tcp_rtt_jitter_avg", series.and_then(Series::jitter).map(in_seconds));
}

fn write_segments(series: Option<&Series>, row: &mut RowBuffer) {
    let times = series.map(|series| &series.times);
    row.f64("tcp_rtt_ack_min", times.and_then(Moments::min).map(in_seconds));
    row.f64("tcp_rtt_ack_max", times.and_then(Moments::max).map(in_seconds));
    row.f64("tcp_rtt_ack_mean", times.and_then(Moments::mean).map(in_seconds));
    row.u64("tcp_rtt_ack_samples", times.map(|times| times.n));
    row.f64("tcp_rtt_ack_std", times.and_then(Moments::std).map(in_seconds));
    row.f64("tcp_rtt_ack_jitter_avg", series.and_then(Series::jitter).map(in_seconds));
}

fn write_part(times: Option<&Moments>, names: &[&str; 4], row: &mut RowBuffer) {
    row.f64(names[0], times.and_then(Moments::min).map(in_seconds));
    row.f64(names[1], times.and_then(Moments::max).map(in_seconds));
    row.f64(names[2], times.and_then(Moments::mean).map(in_seconds));
    row.u64(names[3], times.map(|times| times.n));
}
