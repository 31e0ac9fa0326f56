//! Windows: what each side offered, in units as sent and in bytes, and how the other side used it.

use super::{Ended, Group};
use crate::column::Kind::{Bool, F64, U8, U16, U32, U64};
use crate::column::{Column, GroupInfo, Kind, Profile};
use crate::row::RowBuffer;
use crate::tcp::sequence::Event;
use crate::tcp::window::{self, Window};

const OTHER: &str = "not TCP";
const NO_FWD: &str = "not TCP, or no such packet from the initiator";
const NO_BWD: &str = "not TCP, or no such packet from the responder";
const RAW: &str = "windows of SYNs, which are never scaled, and of RSTs, which mean nothing, are left out; null, not 0, where there is none";
const ZERO: &str = "null, not 0, where there is none";
const ZEROS: &str = "RST, SYN and FIN are not asked; null, not 0, in other protocols";
const CHANGES: &str = "windows of SYNs and RSTs are not compared; null, not 0, in other protocols";
const SCALED: &str = "the SYN's window is not scaled, others only when both sides sent the option; null without the handshake, as the scale is not known";
const UNSCALED_FWD: &str = "not TCP, no such packet from the initiator, or the scale is not known";
const UNSCALED_BWD: &str = "not TCP, no such packet from the responder, or the scale is not known";

const fn column(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    Column::new(name, kind, unit, meaning).null(OTHER).profile(Profile::Extended)
}

const fn count(name: &'static str, meaning: &'static str) -> Column {
    column(name, U64, "packets", meaning)
}

const fn fwd(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Column {
    column(name, kind, unit, meaning).null(NO_FWD).fwd()
}

const fn bwd(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Column {
    column(name, kind, unit, meaning).null(NO_BWD).bwd()
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    fwd("tcp_init_win_fwd", U16, "bytes", "window field of the initiator's first packet; in bytes if that is its SYN").changed(ZERO),
    bwd("tcp_init_win_bwd", U16, "bytes", "window field of the responder's first packet; in bytes if that is its SYN-ACK").changed(ZERO),
    fwd("tcp_win_scale_fwd", U8, "bits", "window scale option of the initiator's last SYN, whether or not it is in use").changed("null, not 0, without the option"),
    bwd("tcp_win_scale_bwd", U8, "bits", "window scale option of the responder's last SYN-ACK, whether or not it is in use").changed("null, not 0, without the option"),
    fwd("tcp_win_fwd_min", U16, "", "least window field of packets from the initiator without SYN and RST, in units of its scale").changed(RAW),
    fwd("tcp_win_fwd_max", U16, "", "greatest window field of packets from the initiator without SYN and RST, in units of its scale").changed(RAW),
    fwd("tcp_win_fwd_mean", F64, "", "arithmetic mean of these window fields").changed(RAW),
    count("tcp_win_fwd_zero_count", "packets from the initiator with window 0 and without SYN, FIN and RST").fwd().changed(ZEROS),
    bwd("tcp_win_bwd_min", U16, "", "least window field of packets from the responder without SYN and RST, in units of its scale").changed(RAW),
    bwd("tcp_win_bwd_max", U16, "", "greatest window field of packets from the responder without SYN and RST, in units of its scale").changed(RAW),
    bwd("tcp_win_bwd_mean", F64, "", "arithmetic mean of these window fields").changed(RAW),
    count("tcp_win_bwd_zero_count", "packets from the responder with window 0 and without SYN, FIN and RST").bwd().changed(ZEROS),
    count("tcp_win_fwd_up_count", "packets from the initiator whose window field is greater than that of the one before").fwd().changed(CHANGES),
    count("tcp_win_fwd_down_count", "packets from the initiator whose window field is less than that of the one before").fwd().changed(CHANGES),
    count("tcp_win_fwd_change_count", "tcp_win_fwd_up_count + tcp_win_fwd_down_count").fwd().changed(CHANGES),
    count("tcp_win_bwd_up_count", "packets from the responder whose window field is greater than that of the one before").bwd().changed(CHANGES),
    count("tcp_win_bwd_down_count", "packets from the responder whose window field is less than that of the one before").bwd().changed(CHANGES),
    count("tcp_win_bwd_change_count", "tcp_win_bwd_up_count + tcp_win_bwd_down_count").bwd().changed(CHANGES),
    fwd("tcp_scaled_win_fwd_max", U32, "bytes", "greatest window of the initiator in bytes: SYN windows as they are, others shifted by its scale (RFC 7323 section 2)").null(UNSCALED_FWD).changed(SCALED),
    bwd("tcp_scaled_win_bwd_max", U32, "bytes", "greatest window of the responder in bytes, by the same rule").null(UNSCALED_BWD).changed(SCALED),
    column("tcp_zero_win_ratio", F64, "", "(tcp_win_fwd_zero_count + tcp_win_bwd_zero_count) / total_packets").changed(ZEROS),
    column("tcp_win_scaling", Bool, "", "whether windows are scaled: both sides sent the option").null("not TCP, or the handshake does not tell"),
    fwd("tcp_scaled_win_fwd_min", U32, "bytes", "least window of the initiator in bytes, without SYN and RST").null(UNSCALED_FWD),
    fwd("tcp_scaled_win_fwd_mean", F64, "bytes", "arithmetic mean of the initiator's windows in bytes, without SYN and RST").null(UNSCALED_FWD),
    count("tcp_win_fwd_update_count", "window updates from the initiator: pure ACKs where they are expected, with the greatest ACK so far and another window that is not 0").fwd(),
    count("tcp_win_fwd_full_count", "packets from the initiator whose payload ends just at the edge of the responder's window").fwd(),
    count("tcp_win_fwd_probe_count", "probes of the responder's closed window from the initiator (RFC 9293 section 3.8.6.1): one byte at the next sequence number, or no payload or one byte one before it").fwd(),
    fwd("tcp_in_flight_fwd_max", U32, "bytes", "most sequence numbers of the initiator between the responder's greatest ACK and the end of what was sent").null("not TCP, or nothing of the initiator was acknowledged before a packet without SYN and RST"),
    bwd("tcp_scaled_win_bwd_min", U32, "bytes", "least window of the responder in bytes, without SYN and RST").null(UNSCALED_BWD),
    bwd("tcp_scaled_win_bwd_mean", F64, "bytes", "arithmetic mean of the responder's windows in bytes, without SYN and RST").null(UNSCALED_BWD),
    count("tcp_win_bwd_update_count", "window updates from the responder, by the same rule as tcp_win_fwd_update_count").bwd(),
    count("tcp_win_bwd_full_count", "packets from the responder whose payload ends just at the edge of the initiator's window").bwd(),
    count("tcp_win_bwd_probe_count", "probes of the initiator's closed window from the responder, by the same rule as tcp_win_fwd_probe_count").bwd(),
    bwd("tcp_in_flight_bwd_max", U32, "bytes", "most sequence numbers of the responder between the initiator's greatest ACK and the end of what was sent").null("not TCP, or nothing of the responder was acknowledged before a packet without SYN and RST"),
];

/// The group; what it tells is kept in the TCP analysis.
#[derive(Clone, Copy, Debug)]
pub struct TcpWindow;

impl Group for TcpWindow {
    type State = ();
    const INFO: GroupInfo = GroupInfo {
        name: "tcp_window",
        meaning: "TCP windows as sent and in bytes, zero windows, probes and updates",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) {}

    fn finish((): &(), ended: &mut Ended<'_>, row: &mut RowBuffer) {
        if ended.tcp.is_none() {
            return row.rest_is_null();
        }
        let tcp = ended.tcp;
        let [fwd, bwd] = [0, 1].map(|side| tcp.map(|tcp| &tcp.windows[side]));
        let scales = tcp.map_or([None; 2], |tcp| window::scales(&tcp.windows));
        row.u16("tcp_init_win_fwd", fwd.and_then(|side| side.first));
        row.u16("tcp_init_win_bwd", bwd.and_then(|side| side.first));
        row.u8("tcp_win_scale_fwd", fwd.and_then(Window::shift));
        row.u8("tcp_win_scale_bwd", bwd.and_then(Window::shift));
        write_raw(fwd, &RAW_FWD, row);
        write_raw(bwd, &RAW_BWD, row);
        write_changes(fwd, &CHANGES_FWD, row);
        write_changes(bwd, &CHANGES_BWD, row);
        row.u32("tcp_scaled_win_fwd_max", fwd.and_then(|side| side.bytes_max(scales[0])));
        row.u32("tcp_scaled_win_bwd_max", bwd.and_then(|side| side.bytes_max(scales[1])));
        let zeros = tcp.map(|tcp| tcp.windows.iter().map(|side| f64::from(side.zeros)).sum());
        let packets = ended.head.packets() as f64;
        row.f64("tcp_zero_win_ratio", zeros.map(|zeros: f64| zeros / packets));
        row.bool("tcp_win_scaling", tcp.and_then(|tcp| window::scaling(&tcp.windows)));
        let probes = |side: usize| tcp.map(|tcp| tcp.sequence[side].count(Event::WindowProbe));
        write_use(fwd, scales[0], probes(0), &USE_FWD, row);
        write_use(bwd, scales[1], probes(1), &USE_BWD, row);
    }
}

const RAW_FWD: [&str; 4] =
    ["tcp_win_fwd_min", "tcp_win_fwd_max", "tcp_win_fwd_mean", "tcp_win_fwd_zero_count"];
const RAW_BWD: [&str; 4] =
    ["tcp_win_bwd_min", "tcp_win_bwd_max", "tcp_win_bwd_mean", "tcp_win_bwd_zero_count"];
const CHANGES_FWD: [&str; 3] =
    ["tcp_win_fwd_up_count", "tcp_win_fwd_down_count", "tcp_win_fwd_change_count"];
const CHANGES_BWD: [&str; 3] =
    ["tcp_win_bwd_up_count", "tcp_win_bwd_down_count", "tcp_win_bwd_change_count"];
const USE_FWD: [&str; 6] = [
    "tcp_scaled_win_fwd_min",
    "tcp_scaled_win_fwd_mean",
    "tcp_win_fwd_update_count",
    "tcp_win_fwd_full_count",
    "tcp_win_fwd_probe_count",
    "tcp_in_flight_fwd_max",
];
const USE_BWD: [&str; 6] = [
    "tcp_scaled_win_bwd_min",
    "tcp_scaled_win_bwd_mean",
    "tcp_win_bwd_update_count",
    "tcp_win_bwd_full_count",
    "tcp_win_bwd_probe_count",
    "tcp_in_flight_bwd_max",
];

fn write_raw(side: Option<&Window>, names: &[&str; 4], row: &mut RowBuffer) {
    let raw = side.and_then(Window::raw);
    row.u16(names[0], raw.map(|(min, _, _)| min));
    row.u16(names[1], raw.map(|(_, max, _)| max));
    row.f64(names[2], raw.map(|(_, _, mean)| mean));
    row.u64(names[3], side.map(|side| u64::from(side.zeros)));
}

fn write_changes(side: Option<&Window>, names: &[&str; 3], row: &mut RowBuffer) {
    let (ups, downs) = (side.map(|s| u64::from(s.ups)), side.map(|s| u64::from(s.downs)));
    row.u64(names[0], ups);
    row.u64(names[1], downs);
    row.u64(names[2], ups.zip(downs).map(|(ups, downs)| ups + downs));
}

fn write_use(
    side: Option<&Window>,
    scale: Option<u8>,
    probes: Option<u64>,
    names: &[&str; 6],
    row: &mut RowBuffer,
) {
    let bytes = side.and_then(|side| side.bytes(scale));
    row.u32(names[0], bytes.map(|(min, _)| min));
    row.f64(names[1], bytes.map(|(_, mean)| mean));
    row.u64(names[2], side.map(|side| u64::from(side.updates)));
    row.u64(names[3], side.map(|side| u64::from(side.fulls)));
    row.u64(names[4], probes);
    row.u32(names[5], side.and_then(|side| side.in_flight_max));
}
