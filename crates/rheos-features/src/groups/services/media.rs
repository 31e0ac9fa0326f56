//! Media: RTP.

use rheos_core::Direction;
use rheos_wire::service::rtp::payload_name;

use super::column;
use crate::column::{Column, Kind};
use crate::dissect::Dissection;
use crate::dissect::rtp::Rtp;
use crate::row::RowBuffer;

use Kind::{F64, I64, Str, U32, U64};

const NOT_RTP: &str = "no RTP was found";
const NO_JITTER: &str = "no RTP was found, or no two packets of one source followed each other with payload types of the same fixed clock rate (RFC 3551 §6)";

pub(super) const COLUMNS: &[Column] = &[
    column("rtp_payload_types", Str, "", "distinct payload types in order of their first appearance, joined by `,`: by name where RFC 3551 §6 gives one, such as `PCMU`, else as number").null(NOT_RTP),
    column("rtp_ssrc_count", U32, "count", "distinct sources (SSRC); one that sends in both directions counts twice; 16 at most").null(NOT_RTP),
    column("rtp_packets", U32, "count", "packets, from the datagram on that told that it is RTP by following another").null(NOT_RTP),
    column("rtp_packets_expected", U64, "count", "packets that the sequence numbers tell of, all sources together (RFC 3550 appendix A.3)").null(NOT_RTP),
    column("rtp_packets_lost", I64, "count", "expected packets less those that came (RFC 3550 appendix A.3): negative where some came twice").null(NOT_RTP),
    column("rtp_jitter_fwd", F64, "s", "interarrival jitter (RFC 3550 appendix A.8) at the end, of the first source for which it is known").fwd().null(NO_JITTER),
    column("rtp_jitter_bwd", F64, "s", "interarrival jitter (RFC 3550 appendix A.8) at the end, of the first source for which it is known").bwd().null(NO_JITTER),
];

pub(super) fn write(read: Option<&Dissection>, row: &mut RowBuffer) {
    let rtp = read.and_then(Dissection::rtp);
    row.text("rtp_payload_types", |out| {
        rtp.is_some_and(|rtp| rtp.payload_types.push_names(out, payload_name))
    });
    row.u32("rtp_ssrc_count", rtp.map(Rtp::sources));
    row.u32("rtp_packets", rtp.map(|rtp| rtp.packets));
    row.u64("rtp_packets_expected", rtp.map(Rtp::expected));
    row.i64("rtp_packets_lost", rtp.map(Rtp::lost));
    row.f64("rtp_jitter_fwd", rtp.and_then(|rtp| rtp.jitter_s(Direction::Forward)));
    row.f64("rtp_jitter_bwd", rtp.and_then(|rtp| rtp.jitter_s(Direction::Backward)));
}
