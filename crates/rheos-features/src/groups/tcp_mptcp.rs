//! Multipath TCP (RFC 8684): what its options say.

use super::{Ended, Group};
use crate::column::Kind::{Bool, U8, U16, U32, U64};
use crate::column::{Column, GroupInfo, Kind, Privacy, Profile};
use crate::row::RowBuffer;
use crate::tcp::mptcp::{Mptcp, subtype};

const OTHER: &str = "not TCP";
const TRUTH: &str = "a truth value, read from the option itself; null, not 0, in other protocols";
const CAPABLE: &str = "a truth value; the subtype is read, so that a join is no MP_CAPABLE; null, not 0, in other protocols";
const READ: &str =
    "read from the option itself, so that it is ever seen; null, not 0, in other protocols";

const fn column(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    Column::new(name, kind, unit, meaning).null(OTHER).profile(Profile::Experimental)
}

const fn count(name: &'static str, meaning: &'static str) -> Column {
    column(name, U64, "options", meaning)
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    column("mptcp_detected", Bool, "", "some packet has a Multipath TCP option (kind 30)")
        .changed(TRUTH),
    column("mptcp_capable_fwd", Bool, "", "a SYN of the initiator has MP_CAPABLE")
        .fwd()
        .changed(CAPABLE),
    column("mptcp_capable_bwd", Bool, "", "a SYN-ACK of the responder has MP_CAPABLE")
        .bwd()
        .changed(CAPABLE),
    column("mptcp_option_count", U64, "packets", "packets with a Multipath TCP option")
        .changed(READ),
    column(
        "mptcp_stat",
        U8,
        "bits",
        "0x01 mptcp_detected, 0x02 mptcp_capable_fwd, 0x04 mptcp_capable_bwd, 0x08 both of these",
    )
    .changed(READ),
    column(
        "is_mptcp",
        Bool,
        "",
        "both sides agreed: both SYNs have MP_CAPABLE, or both have MP_JOIN",
    )
    .changed(
        "further paths of a connection count, too; a truth value; null, not 0, in other protocols",
    ),
    column(
        "mptcp_version_fwd",
        U8,
        "",
        "version in the initiator's MP_CAPABLE: 1, or 0 for RFC 6824",
    )
    .null("not TCP, or no MP_CAPABLE in a SYN of the initiator")
    .fwd(),
    column("mptcp_version_bwd", U8, "", "version in the responder's MP_CAPABLE")
        .null("not TCP, or no MP_CAPABLE in a SYN-ACK of the responder")
        .bwd(),
    column(
        "mptcp_join_fwd",
        Bool,
        "",
        "a SYN of the initiator has MP_JOIN: one more path of a connection",
    )
    .fwd(),
    column("mptcp_join_bwd", Bool, "", "a SYN-ACK of the responder has MP_JOIN").bwd(),
    column("mptcp_token", U32, "", "token of the connection that the first SYN with MP_JOIN joins")
        .null("not TCP, or no SYN without ACK has MP_JOIN")
        .privacy(Privacy::Sensitive),
    column(
        "mptcp_subtypes",
        U16,
        "bits",
        "options that were seen: bit n is subtype n of RFC 8684 section 8.2, 0x0001 MP_CAPABLE to 0x0100 MP_TCPRST",
    ),
    count("mptcp_dss_count", "data sequence signals (DSS)"),
    count("mptcp_add_addr_count", "addresses that were announced (ADD_ADDR), echoes included"),
    count("mptcp_remove_addr_count", "addresses that were taken back (REMOVE_ADDR)"),
    count("mptcp_prio_count", "changes of priority (MP_PRIO)"),
    count("mptcp_fail_count", "fallbacks to plain TCP (MP_FAIL)"),
    count("mptcp_fastclose_count", "abrupt closes of the whole connection (MP_FASTCLOSE)"),
    count("mptcp_reset_count", "reasons for the reset of one path (MP_TCPRST)"),
];

/// The group; what it tells is kept in the TCP analysis.
#[derive(Clone, Copy, Debug)]
pub struct TcpMptcp;

impl Group for TcpMptcp {
    type State = ();
    const INFO: GroupInfo =
        GroupInfo { name: "tcp_mptcp", meaning: "Multipath TCP (RFC 8684)", columns: COLUMNS };

    fn new(_: &crate::FeaturePlan) {}

    fn finish((): &(), ended: &mut Ended<'_>, row: &mut RowBuffer) {
        if ended.tcp.is_none() {
            return row.rest_is_null();
        }
        let is_tcp = ended.tcp.is_some();
        let mptcp = ended.tcp.and_then(|tcp| tcp.mptcp.as_deref());
        let told = |value: fn(&Mptcp) -> bool| is_tcp.then(|| mptcp.is_some_and(value));
        let of = |value: &dyn Fn(&Mptcp) -> u64| is_tcp.then(|| mptcp.map_or(0, value));
        let capable = [0, 1].map(|side| mptcp.is_some_and(|mptcp| mptcp.version[side].is_some()));
        row.bool("mptcp_detected", told(|_| true));
        row.bool("mptcp_capable_fwd", is_tcp.then_some(capable[0]));
        row.bool("mptcp_capable_bwd", is_tcp.then_some(capable[1]));
        row.u64("mptcp_option_count", of(&|mptcp| mptcp.packets));
        let bits = [mptcp.is_some(), capable[0], capable[1], capable == [true; 2]];
        let stat = bits.iter().rev().fold(0, |bits, &on| bits << 1 | u8::from(on));
        row.u8("mptcp_stat", is_tcp.then_some(stat));
        row.bool("is_mptcp", told(Mptcp::agreed));
        row.u8("mptcp_version_fwd", mptcp.and_then(|mptcp| mptcp.version[0]));
        row.u8("mptcp_version_bwd", mptcp.and_then(|mptcp| mptcp.version[1]));
        row.bool("mptcp_join_fwd", told(|mptcp| mptcp.join[0]));
        row.bool("mptcp_join_bwd", told(|mptcp| mptcp.join[1]));
        row.u32("mptcp_token", mptcp.and_then(|mptcp| mptcp.token));
        row.u16("mptcp_subtypes", is_tcp.then(|| mptcp.map_or(0, Mptcp::seen)));
        let count = |kind: u8| of(&|mptcp| mptcp.count(kind));
        row.u64("mptcp_dss_count", count(subtype::DSS));
        row.u64("mptcp_add_addr_count", count(subtype::ADD_ADDR));
        row.u64("mptcp_remove_addr_count", count(subtype::REMOVE_ADDR));
        row.u64("mptcp_prio_count", count(subtype::PRIO));
        row.u64("mptcp_fail_count", count(subtype::FAIL));
        row.u64("mptcp_fastclose_count", count(subtype::FASTCLOSE));
        row.u64("mptcp_reset_count", count(subtype::RESET));
    }
}
