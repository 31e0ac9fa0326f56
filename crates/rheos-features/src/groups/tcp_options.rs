//! TCP options: what the SYNs agree on, selective acknowledgements, timestamps.

use std::fmt::Write;

use super::{Ended, Group};
use crate::column::Kind::{Bool, ListU32, Str, U8, U16, U32, U64};
use crate::column::{Column, GroupInfo, Kind, Privacy, Profile};
use crate::row::RowBuffer;
use crate::tcp::TcpAnalysis;
use crate::tcp::options::{Options, bits};

const OTHER: &str = "not TCP";
const NONE_FWD: &str = "not TCP, or no packet from the initiator has the option";
const NONE_BWD: &str = "not TCP, or no packet from the responder has the option";
const FEW: &str = "not TCP, or fewer than 2 packets of that side have the option";
const MSS: &str = "of SYNs only, where it belongs; null, not 0, without the option";
const SEEN: &str =
    "a truth value, of SYNs only, where the option belongs; null, not 0, in other protocols";
const TRUTH: &str = "a truth value; null, not 0, in other protocols";
const ZERO: &str = "null, not 0, without the option";
const ECHO: &str =
    "packets without ACK, whose echo is no value, are left out; null, not 0, without the option";

const fn column(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    Column::new(name, kind, unit, meaning).null(OTHER).profile(Profile::Extended)
}

const fn fwd(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Column {
    column(name, kind, unit, meaning).null(NONE_FWD).fwd()
}

const fn bwd(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Column {
    column(name, kind, unit, meaning).null(NONE_BWD).bwd()
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    fwd("tcp_mss_fwd", U16, "bytes", "maximum segment size of the initiator's first SYN that has one").changed(MSS),
    bwd("tcp_mss_bwd", U16, "bytes", "maximum segment size of the responder's first SYN-ACK that has one").changed(MSS),
    fwd("tcp_ws_fwd", U8, "bits", "window scale option of the initiator's last SYN").alias("tcp_win_scale_fwd").changed(ZERO),
    bwd("tcp_ws_bwd", U8, "bits", "window scale option of the responder's last SYN-ACK").alias("tcp_win_scale_bwd").changed(ZERO),
    column("tcp_sack_permitted_fwd", Bool, "", "a SYN of the initiator permits selective acknowledgements").fwd().changed(SEEN),
    column("tcp_sack_permitted_bwd", Bool, "", "a SYN-ACK of the responder permits selective acknowledgements").bwd().changed(SEEN),
    column("tcp_sack_blocks_total", U64, "blocks", "blocks of all SACK options (RFC 2018 section 3), up to four in each").changed("all blocks of a packet count; null, not 0, in other protocols"),
    column("tcp_ts_fwd_present", Bool, "", "some packet of the initiator has a timestamps option (RFC 7323)").fwd().changed(TRUTH),
    fwd("tcp_ts_fwd_first", U32, "ticks", "first TSval of the initiator").privacy(Privacy::Sensitive).changed(ZERO),
    fwd("tcp_ts_fwd_last", U32, "ticks", "last TSval of the initiator").privacy(Privacy::Sensitive).changed(ZERO),
    fwd("tcp_ts_fwd_diff", U32, "ticks", "tcp_ts_fwd_last - tcp_ts_fwd_first, modulo 2^32").null(FEW).changed("null, not 0, with fewer than two"),
    fwd("tcp_ts_ecr_fwd_first", U32, "ticks", "first TSecr of the initiator in a packet with ACK").privacy(Privacy::Sensitive).changed(ECHO),
    column("tcp_ts_bwd_present", Bool, "", "some packet of the responder has a timestamps option").bwd().changed(TRUTH),
    bwd("tcp_ts_bwd_first", U32, "ticks", "first TSval of the responder").privacy(Privacy::Sensitive).changed(ZERO),
    bwd("tcp_ts_bwd_last", U32, "ticks", "last TSval of the responder").privacy(Privacy::Sensitive).changed(ZERO),
    bwd("tcp_ts_bwd_diff", U32, "ticks", "tcp_ts_bwd_last - tcp_ts_bwd_first, modulo 2^32").null(FEW).changed("null, not 0, with fewer than two"),
    bwd("tcp_ts_ecr_bwd_first", U32, "ticks", "first TSecr of the responder in a packet with ACK").privacy(Privacy::Sensitive).changed(ECHO),
    column("tcp_options_bitmap", U16, "bits", "options of either side: 0x0001 MSS, 0x0002 window scale, 0x0004 SACK permitted (these three in SYNs), 0x0008 timestamps, 0x0010 SACK, 0x0020 MPTCP, 0x0040 fast open, 0x0080 MD5, 0x0100 authentication, 0x0200 user timeout, 0x0400 no-operation and 0x0800 end of list in SYNs, 0x1000 any other").changed("further options have bits; null, not 0, in other protocols"),
    column("tcp_options_pkt_count", U64, "packets", "packets with an option other than no-operation and end of list").changed("every option counts, in every packet; null, not 0, in other protocols"),
    column("tcp_sack_blocks_fwd", U64, "blocks", "blocks of the initiator's SACK options").fwd(),
    column("tcp_sack_blocks_bwd", U64, "blocks", "blocks of the responder's SACK options").bwd(),
    column("tcp_sack_pkt_fwd", U64, "packets", "packets from the initiator with a SACK option").fwd(),
    column("tcp_sack_pkt_bwd", U64, "packets", "packets from the responder with a SACK option").bwd(),
    column("tcp_dsack_fwd", U64, "packets", "packets from the initiator whose first SACK block tells of bytes that came twice (RFC 2883 section 4): below the ACK, or within the second block").fwd(),
    column("tcp_dsack_bwd", U64, "packets", "packets from the responder whose first SACK block tells of bytes that came twice").bwd(),
    fwd("tcp_options_order_fwd", Str, "", "option kinds of the initiator's first SYN in order, joined by blanks; 1 is no-operation, 0 the end of the list; empty without options").null("not TCP, or no SYN of the initiator was captured"),
    bwd("tcp_options_order_bwd", Str, "", "option kinds of the responder's first SYN-ACK in order, joined by blanks").null("not TCP, or no SYN-ACK of the responder was captured"),
    fwd("tcp_fast_open_fwd", U8, "bytes", "length of the last fast open cookie of the initiator (RFC 7413); 0 asks for one"),
    bwd("tcp_fast_open_bwd", U8, "bytes", "length of the last fast open cookie of the responder"),
    column("tcp_syn_payload_fwd", U32, "bytes", "payload bytes of the initiator's SYNs").fwd(),
    column("tcp_syn_payload_bwd", U32, "bytes", "payload bytes of the responder's SYN-ACKs").bwd(),
    column("tcp_options_other_fwd", ListU32, "", "kinds of the initiator's options that have no bit of their own, in order of appearance, at most 8; those with a wrong length, too; empty in other protocols").null("never").fwd(),
    column("tcp_options_other_bwd", ListU32, "", "kinds of the responder's options that have no bit of their own, in order of appearance, at most 8; empty in other protocols").null("never").bwd(),
    column("tcp_options_malformed", U64, "packets", "packets with an option that runs past the header or is shorter than itself"),
];

/// The group; what it tells is kept in the TCP analysis.
#[derive(Clone, Copy, Debug)]
pub struct TcpOptions;

impl Group for TcpOptions {
    type State = ();
    const INFO: GroupInfo = GroupInfo {
        name: "tcp_options",
        meaning: "TCP options: MSS, window scale, SACK, timestamps, fast open and others",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) {}

    fn finish((): &(), ended: &mut Ended<'_>, row: &mut RowBuffer) {
        if ended.tcp.is_none() {
            return row.rest_is_null();
        }
        let tcp = ended.tcp;
        let [fwd, bwd] = [0, 1].map(|side| tcp.map(|tcp| &tcp.options[side]));
        let both = |value: fn(&Options) -> u64| Some(fwd.map(value)? + bwd.map(value)?);
        row.u16("tcp_mss_fwd", fwd.and_then(|side| side.mss));
        row.u16("tcp_mss_bwd", bwd.and_then(|side| side.mss));
        let scale = |side: usize| tcp.and_then(|tcp: &TcpAnalysis| tcp.windows[side].shift());
        row.u8("tcp_ws_fwd", scale(0));
        row.u8("tcp_ws_bwd", scale(1));
        row.bool("tcp_sack_permitted_fwd", fwd.map(|side| side.has(bits::SACK_PERMITTED)));
        row.bool("tcp_sack_permitted_bwd", bwd.map(|side| side.has(bits::SACK_PERMITTED)));
        row.u64("tcp_sack_blocks_total", both(|side| side.sack_blocks));
        write_stamps(fwd, &STAMPS_FWD, row);
        write_stamps(bwd, &STAMPS_BWD, row);
        row.u16("tcp_options_bitmap", fwd.zip(bwd).map(|(a, b)| a.bits | b.bits));
        row.u64("tcp_options_pkt_count", both(|side| side.packets));
        row.u64("tcp_sack_blocks_fwd", fwd.map(|side| side.sack_blocks));
        row.u64("tcp_sack_blocks_bwd", bwd.map(|side| side.sack_blocks));
        row.u64("tcp_sack_pkt_fwd", fwd.map(|side| side.sack_packets));
        row.u64("tcp_sack_pkt_bwd", bwd.map(|side| side.sack_packets));
        row.u64("tcp_dsack_fwd", fwd.map(|side| side.duplicate_sacks));
        row.u64("tcp_dsack_bwd", bwd.map(|side| side.duplicate_sacks));
        row.text("tcp_options_order_fwd", |out| write_order(fwd, out));
        row.text("tcp_options_order_bwd", |out| write_order(bwd, out));
        row.u8("tcp_fast_open_fwd", fwd.and_then(|side| side.fast_open_cookie));
        row.u8("tcp_fast_open_bwd", bwd.and_then(|side| side.fast_open_cookie));
        row.u32("tcp_syn_payload_fwd", fwd.map(|side| side.syn_payload));
        row.u32("tcp_syn_payload_bwd", bwd.map(|side| side.syn_payload));
        let others = |side: Option<&Options>| {
            let others = side.map(|side| side.others().to_vec()).unwrap_or_default();
            others.into_iter().map(u32::from)
        };
        row.list_u32("tcp_options_other_fwd", others(fwd));
        row.list_u32("tcp_options_other_bwd", others(bwd));
        row.u64("tcp_options_malformed", both(|side| side.malformed));
    }
}

const STAMPS_FWD: [&str; 5] = [
    "tcp_ts_fwd_present",
    "tcp_ts_fwd_first",
    "tcp_ts_fwd_last",
    "tcp_ts_fwd_diff",
    "tcp_ts_ecr_fwd_first",
];
const STAMPS_BWD: [&str; 5] = [
    "tcp_ts_bwd_present",
    "tcp_ts_bwd_first",
    "tcp_ts_bwd_last",
    "tcp_ts_bwd_diff",
    "tcp_ts_ecr_bwd_first",
];

fn write_stamps(side: Option<&Options>, names: &[&str; 5], row: &mut RowBuffer) {
    let clock = side.and_then(|side| side.clock);
    row.bool(names[0], side.map(|side| side.clock.is_some()));
    row.u32(names[1], clock.map(|clock| clock.first));
    row.u32(names[2], clock.map(|clock| clock.last));
    row.u32(names[3], clock.and_then(|clock| clock.ticks()));
    row.u32(names[4], side.and_then(|side| side.echo_first));
}

fn write_order(side: Option<&Options>, out: &mut String) -> bool {
    let Some(order) = side.and_then(|side| side.order.as_ref()) else { return false };
    order.kinds().iter().enumerate().all(|(i, kind)| {
        let blank = if i == 0 { "" } else { " " };
        write!(out, "{blank}{kind}").is_ok()
    })
}
