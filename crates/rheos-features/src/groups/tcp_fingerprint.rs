//! What SYN and SYN-ACK tell of the systems that made them, and how their clocks tick.

use super::{Ended, Group};
use crate::column::Kind::{F64, Str, U8, U16};
use crate::column::experimental as column;
use crate::column::{Column, GroupInfo, Kind, Privacy};
use crate::row::RowBuffer;
use crate::tcp::TcpAnalysis;
use crate::tcp::fingerprint::SynPrint;
use crate::tcp::options::{Clock, Order};

const NO_SYN: &str = "not TCP, or no SYN of the initiator was captured";
const NO_SYN_ACK: &str = "not TCP, or no SYN-ACK of the responder was captured";
const NO_OPTION: &str = "not TCP, or no such option in the first SYN of that side";
const NO_CLOCK: &str = "not TCP, or that side's timestamps do not tell a clock";
const FORMAT: &str = "our own signature without a hash; not JA4T, which the older one was not, either; null, not empty, without";
const SYSTEM: &str =
    "by order of options and initial TTL, not by windows of long ago; null, not `unknown`";
const UPTIME: &str =
    "the clock's frequency is measured, not taken for 100 Hz; null, not 0, without";
const ZERO: &str = "null, not 0, without";
const SIGNATURE: &str = "of the initiator's first SYN, eight fields joined by `:` (IP version; initial TTL; bytes of IP options; MSS; window, as mss*n where it is a multiple, and window scale; option kinds in order; oddities; 0 without payload, + with), as `4:64:0:1460:mss*44,7:mss,sok,ts,nop,ws:df,id+:0`; * stands for a missing option";
const GUESS: &str = "family of systems whose SYNs have this initial TTL and order of options: linux (Android, too), windows, apple, freebsd, openbsd; a guess that middleboxes can spoil";
const SINCE: &str = "first TSval of the initiator / tcp_ts_hz_fwd: time since its clock began at 0, which is the start of the system only where the clock does not begin at random, as Linux does for each pair of hosts";
const TICKS: &str = "ticks per second of the initiator's timestamps, over at least 0.2 s and 10 ticks; the usual frequency (1, 2, 10, 20, 50, 64, 100, 200, 250, 500, 1000 Hz, 1 MHz) within a tenth of what was measured, else what was measured";

const fn fwd(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Column {
    column(name, kind, unit, meaning).null(NO_SYN).fwd()
}

const fn bwd(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Column {
    column(name, kind, unit, meaning).null(NO_SYN_ACK).bwd()
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    fwd("tcp_fp_fwd", Str, "", SIGNATURE).privacy(Privacy::Sensitive).changed(FORMAT),
    bwd("tcp_fp_bwd", Str, "", "signature of the responder's first SYN-ACK, as that of tcp_fp_fwd").privacy(Privacy::Sensitive).changed(FORMAT),
    fwd("tcp_os_hint_fwd", Str, "", GUESS).null("not TCP, no SYN of the initiator was captured, or none or several families make such SYNs").privacy(Privacy::Sensitive).changed(SYSTEM),
    bwd("tcp_os_hint_bwd", Str, "", "the same of the responder's first SYN-ACK, which only has options that the SYN had").null("not TCP, no SYN-ACK of the responder was captured, or none or several families make such SYN-ACKs").privacy(Privacy::Sensitive).changed(SYSTEM),
    fwd("tcp_uptime_fwd", F64, "h", SINCE).null(NO_CLOCK).privacy(Privacy::Sensitive).changed(UPTIME),
    bwd("tcp_uptime_bwd", F64, "h", "first TSval of the responder / tcp_ts_hz_bwd, with the same doubt").null(NO_CLOCK).privacy(Privacy::Sensitive).changed(UPTIME),
    fwd("tcp_fp_fwd_window", U16, "bytes", "window of the initiator's first SYN").changed(ZERO),
    fwd("tcp_fp_fwd_ttl", U8, "hops", "TTL or hop limit of the initiator's first SYN").changed(ZERO),
    fwd("tcp_fp_fwd_mss", U16, "bytes", "MSS of the initiator's first SYN").null(NO_OPTION).changed(ZERO),
    fwd("tcp_fp_fwd_ws", U8, "bits", "window scale of the initiator's first SYN").null(NO_OPTION).changed(ZERO),
    bwd("tcp_fp_bwd_window", U16, "bytes", "window of the responder's first SYN-ACK").changed(ZERO),
    bwd("tcp_fp_bwd_ttl", U8, "hops", "TTL or hop limit of the responder's first SYN-ACK").changed(ZERO),
    bwd("tcp_fp_bwd_mss", U16, "bytes", "MSS of the responder's first SYN-ACK").null(NO_OPTION).changed(ZERO),
    bwd("tcp_fp_bwd_ws", U8, "bits", "window scale of the responder's first SYN-ACK").null(NO_OPTION).changed(ZERO),
    fwd("tcp_fp_fwd_hops", U8, "hops", "routers between the initiator and the tap: the initial TTL (the least of 32, 64, 128, 255 not below) less tcp_fp_fwd_ttl"),
    bwd("tcp_fp_bwd_hops", U8, "hops", "routers between the responder and the tap, by the same rule"),
    fwd("tcp_ts_hz_fwd", F64, "Hz", TICKS).null(NO_CLOCK),
    bwd("tcp_ts_hz_bwd", F64, "Hz", "ticks per second of the responder's timestamps, by the same rule").null(NO_CLOCK),
];

/// The group; what it tells is kept in the TCP analysis.
#[derive(Clone, Copy, Debug)]
pub struct TcpFingerprint;

impl Group for TcpFingerprint {
    type State = ();
    const INFO: GroupInfo = GroupInfo {
        name: "tcp_fingerprint",
        meaning: "what SYN and SYN-ACK tell of the systems that made them",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) {}

    fn finish((): &(), ended: &mut Ended<'_>, row: &mut RowBuffer) {
        if ended.tcp.is_none() {
            return row.rest_is_null();
        }
        let tcp = ended.tcp;
        let [fwd, bwd] = [0, 1].map(|side| print(tcp, side));
        let write = |print: Print<'_>, out: &mut String| {
            print.is_some_and(|(print, order)| print.write(order, out).is_ok())
        };
        row.text("tcp_fp_fwd", |out| write(fwd, out));
        row.text("tcp_fp_bwd", |out| write(bwd, out));
        let system = |print: Print<'_>| print.and_then(|(print, order)| print.system(order));
        row.str("tcp_os_hint_fwd", system(fwd));
        row.str("tcp_os_hint_bwd", system(bwd));
        let clock = |side: usize| tcp.and_then(|tcp| tcp.options[side].clock);
        let hours = |clock: Clock| clock.uptime().map(|seconds| seconds / 3600.0);
        row.f64("tcp_uptime_fwd", clock(0).and_then(hours));
        row.f64("tcp_uptime_bwd", clock(1).and_then(hours));
        write_parts(fwd, &FWD, row);
        write_parts(bwd, &BWD, row);
        row.u8("tcp_fp_fwd_hops", fwd.map(|(print, _)| print.hops()));
        row.u8("tcp_fp_bwd_hops", bwd.map(|(print, _)| print.hops()));
        row.f64("tcp_ts_hz_fwd", clock(0).and_then(|clock| clock.hz()));
        row.f64("tcp_ts_hz_bwd", clock(1).and_then(|clock| clock.hz()));
    }
}

const FWD: [&str; 4] = ["tcp_fp_fwd_window", "tcp_fp_fwd_ttl", "tcp_fp_fwd_mss", "tcp_fp_fwd_ws"];
const BWD: [&str; 4] = ["tcp_fp_bwd_window", "tcp_fp_bwd_ttl", "tcp_fp_bwd_mss", "tcp_fp_bwd_ws"];

/// A side's SYN, and the order of its options.
type Print<'a> = Option<(&'a SynPrint, &'a Order)>;

fn print(tcp: Option<&TcpAnalysis>, side: usize) -> Print<'_> {
    let tcp = tcp?;
    tcp.prints[side].as_deref().zip(tcp.options[side].order.as_deref())
}

fn write_parts(print: Print<'_>, names: &[&str; 4], row: &mut RowBuffer) {
    let print = print.map(|(print, _)| print);
    row.u16(names[0], print.map(|print| print.window));
    row.u8(names[1], print.map(|print| print.ttl));
    row.u16(names[2], print.and_then(|print| print.mss));
    row.u8(names[3], print.and_then(|print| print.scale));
}
