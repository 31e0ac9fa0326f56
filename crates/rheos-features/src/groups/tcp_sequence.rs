//! Sequence and acknowledgement numbers: what was sent, sent again, late, lost, and acknowledged twice.

use super::{Ended, Group};
use crate::column::Kind::{F64, U32, U64};
use crate::column::{Column, GroupInfo, Kind, Privacy, Profile};
use crate::row::RowBuffer;
use crate::tcp::TcpAnalysis;
use crate::tcp::sequence::{Event, Sequence};

const OTHER: &str = "not TCP";
const RETRANS: &str = "ranges of sequence numbers decide, so that partial, joined and newly cut retransmissions count, and keep-alives and window probes do not; SYN and FIN count; null, not 0, in other protocols";
const GAPS: &str = "pure ACKs and SYNs are where they are expected, so that ordinary data behind them is no gap; null, not 0, in other protocols";
const OOO: &str = "ordinary data behind pure ACKs is in order, and what was sent twice is a retransmission; null, not 0, in other protocols";
const DUP: &str = "by all five conditions of RFC 5681: no data, no window update, no SYN or FIN, and something is outstanding; null, not 0, in other protocols";
const ISN: &str = "null, not the number of the first packet seen, where no SYN was captured";
const BYTES: &str = "by ranges of sequence numbers, so that a partial retransmission adds its new bytes only; null, not 0, in other protocols";
const ACKS: &str = "the flag is asked for; null, not 0, in other protocols";
const ZERO: &str = "null, not 0, in other protocols";

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

const fn isn(name: &'static str, meaning: &'static str) -> Column {
    column(name, U32, "", meaning)
        .null("not TCP, or no SYN of that side was captured")
        .privacy(Privacy::Sensitive)
        .changed(ISN)
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    isn("tcp_isn_fwd", "initial sequence number: that of the initiator's first SYN").fwd(),
    isn("tcp_isn_bwd", "initial sequence number: that of the responder's first SYN-ACK").bwd(),
    column("tcp_seq_fwd_bytes_sent", U64, "bytes", "payload bytes from the initiator, each position of the stream once").fwd().changed(BYTES),
    count("tcp_seq_fwd_retrans", "packets from the initiator with payload, SYN or FIN of which some byte was captured before, or all of it was lost before the capture and comes later than the reordering time: the handshake's round trip, 3 ms where that is not known").fwd().changed(RETRANS),
    count("tcp_seq_fwd_gaps", "packets from the initiator that begin beyond the end of all before them: an earlier segment was not captured, or comes later").fwd().changed(GAPS),
    count("tcp_seq_fwd_ooo", "packets from the initiator that lie within a gap, none of whose bytes was captured before, and that come within the reordering time after the newest segment: the handshake's round trip, 3 ms where that is not known; the first retransmission after three duplicate ACKs is none of them").fwd().changed(OOO),
    column("tcp_seq_bwd_bytes_sent", U64, "bytes", "payload bytes from the responder, each position of the stream once").bwd().changed(BYTES),
    count("tcp_seq_bwd_retrans", "the same as tcp_seq_fwd_retrans from the responder").bwd().changed(RETRANS),
    count("tcp_seq_bwd_gaps", "packets from the responder that begin beyond the end of all before them").bwd().changed(GAPS),
    count("tcp_seq_bwd_ooo", "the same as tcp_seq_fwd_ooo from the responder").bwd().changed(OOO),
    count("tcp_ack_fwd_count", "packets from the initiator with the ACK flag").fwd().changed(ACKS),
    count("tcp_ack_fwd_dup", "duplicate ACKs from the initiator (RFC 5681 section 2): ACK equal to the greatest before, no payload, SYN, FIN or RST, the same window as before, and bytes of the responder outstanding; answers to keep-alives are none").fwd().changed(DUP),
    count("tcp_ack_bwd_count", "packets from the responder with the ACK flag").bwd().changed(ACKS),
    count("tcp_ack_bwd_dup", "duplicate ACKs from the responder, by the same rule").bwd().changed(DUP),
    count("tcp_total_retrans", "tcp_seq_fwd_retrans + tcp_seq_bwd_retrans").changed(RETRANS),
    count("tcp_total_ooo", "tcp_seq_fwd_ooo + tcp_seq_bwd_ooo").changed(OOO),
    count("tcp_total_dup_acks", "tcp_ack_fwd_dup + tcp_ack_bwd_dup").changed(DUP),
    column("tcp_retrans_ratio", F64, "", "tcp_total_retrans / total_packets").changed(ZERO),
    count("tcp_seq_fwd_fast_retrans", "of tcp_seq_fwd_retrans, those of the oldest unacknowledged byte, the first after three or more duplicate ACKs for it (RFC 5681 section 3.2)").fwd(),
    count("tcp_seq_fwd_spurious_retrans", "of tcp_seq_fwd_retrans, those all of whose bytes the responder had acknowledged").fwd(),
    count("tcp_seq_fwd_syn_retrans", "of tcp_seq_fwd_retrans, those with SYN").fwd(),
    column("tcp_seq_fwd_retrans_bytes", U64, "bytes", "payload bytes from the initiator that had been captured before").fwd(),
    column("tcp_seq_fwd_missing_bytes", U64, "bytes", "sequence numbers within gaps of the initiator that did not come later; those that were acknowledged meanwhile stay missing").fwd(),
    count("tcp_seq_fwd_keep_alive", "keep-alives from the initiator (RFC 9293 section 3.8.4): no payload or one byte, one before the next sequence number, while everything is acknowledged and the responder's window is open").fwd(),
    count("tcp_ack_fwd_keep_alive", "answers of the initiator to keep-alives: pure ACKs that repeat ACK and window right after one").fwd(),
    count("tcp_ack_fwd_unseen", "packets from the initiator that acknowledge bytes of the responder that were not captured").fwd(),
    column("tcp_seq_fwd_gaps_folded", U64, "gaps", "gaps of the initiator that were forgotten, as more than 16 were open at once: what fills them counts as retransmission").fwd(),
    count("tcp_seq_bwd_fast_retrans", "fast retransmissions from the responder, by the same rule as tcp_seq_fwd_fast_retrans").bwd(),
    count("tcp_seq_bwd_spurious_retrans", "of tcp_seq_bwd_retrans, those all of whose bytes the initiator had acknowledged").bwd(),
    count("tcp_seq_bwd_syn_retrans", "of tcp_seq_bwd_retrans, those with SYN").bwd(),
    column("tcp_seq_bwd_retrans_bytes", U64, "bytes", "payload bytes from the responder that had been captured before").bwd(),
    column("tcp_seq_bwd_missing_bytes", U64, "bytes", "sequence numbers within gaps of the responder that did not come later").bwd(),
    count("tcp_seq_bwd_keep_alive", "keep-alives from the responder, by the same rule as tcp_seq_fwd_keep_alive").bwd(),
    count("tcp_ack_bwd_keep_alive", "answers of the responder to keep-alives").bwd(),
    count("tcp_ack_bwd_unseen", "packets from the responder that acknowledge bytes of the initiator that were not captured").bwd(),
    column("tcp_seq_bwd_gaps_folded", U64, "gaps", "gaps of the responder that were forgotten, as more than 16 were open at once").bwd(),
];

/// The group; what it tells is kept in the TCP analysis.
#[derive(Clone, Copy, Debug)]
pub struct TcpSequence;

impl Group for TcpSequence {
    type State = ();
    const INFO: GroupInfo = GroupInfo {
        name: "tcp_sequence",
        meaning: "TCP sequence and acknowledgement numbers: retransmissions, reordering, gaps, duplicate ACKs",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) {}

    fn finish((): &(), ended: &mut Ended<'_>, row: &mut RowBuffer) {
        if ended.tcp.is_none() {
            return row.rest_is_null();
        }
        let sides = ended.tcp.map(|tcp: &TcpAnalysis| &tcp.sequence);
        let [fwd, bwd] = [0, 1].map(|side| sides.map(|sides| &sides[side]));
        row.u32("tcp_isn_fwd", fwd.and_then(|side| side.isn));
        row.u32("tcp_isn_bwd", bwd.and_then(|side| side.isn));
        let names = [
            [
                "tcp_seq_fwd_bytes_sent",
                "tcp_seq_fwd_retrans",
                "tcp_seq_fwd_gaps",
                "tcp_seq_fwd_ooo",
            ],
            [
                "tcp_seq_bwd_bytes_sent",
                "tcp_seq_bwd_retrans",
                "tcp_seq_bwd_gaps",
                "tcp_seq_bwd_ooo",
            ],
        ];
        for (side, names) in [fwd, bwd].into_iter().zip(names) {
            row.u64(names[0], side.map(|side| side.bytes));
            row.u64(names[1], count_of(side, Event::Retransmission));
            row.u64(names[2], count_of(side, Event::Gap));
            row.u64(names[3], count_of(side, Event::OutOfOrder));
        }
        row.u64("tcp_ack_fwd_count", fwd.map(|side| side.acks));
        row.u64("tcp_ack_fwd_dup", count_of(fwd, Event::DuplicateAck));
        row.u64("tcp_ack_bwd_count", bwd.map(|side| side.acks));
        row.u64("tcp_ack_bwd_dup", count_of(bwd, Event::DuplicateAck));
        let both = |event| Some(count_of(fwd, event)? + count_of(bwd, event)?);
        let retransmissions = both(Event::Retransmission);
        row.u64("tcp_total_retrans", retransmissions);
        row.u64("tcp_total_ooo", both(Event::OutOfOrder));
        row.u64("tcp_total_dup_acks", both(Event::DuplicateAck));
        let packets = ended.head.packets() as f64;
        row.f64("tcp_retrans_ratio", retransmissions.map(|count| count as f64 / packets));
        write_side(fwd, &FWD, row);
        write_side(bwd, &BWD, row);
    }
}

const FWD: [&str; 9] = [
    "tcp_seq_fwd_fast_retrans",
    "tcp_seq_fwd_spurious_retrans",
    "tcp_seq_fwd_syn_retrans",
    "tcp_seq_fwd_retrans_bytes",
    "tcp_seq_fwd_missing_bytes",
    "tcp_seq_fwd_keep_alive",
    "tcp_ack_fwd_keep_alive",
    "tcp_ack_fwd_unseen",
    "tcp_seq_fwd_gaps_folded",
];
const BWD: [&str; 9] = [
    "tcp_seq_bwd_fast_retrans",
    "tcp_seq_bwd_spurious_retrans",
    "tcp_seq_bwd_syn_retrans",
    "tcp_seq_bwd_retrans_bytes",
    "tcp_seq_bwd_missing_bytes",
    "tcp_seq_bwd_keep_alive",
    "tcp_ack_bwd_keep_alive",
    "tcp_ack_bwd_unseen",
    "tcp_seq_bwd_gaps_folded",
];

fn count_of(side: Option<&Sequence>, event: Event) -> Option<u64> {
    side.map(|side| side.count(event))
}

fn write_side(side: Option<&Sequence>, names: &[&str; 9], row: &mut RowBuffer) {
    row.u64(names[0], count_of(side, Event::Fast));
    row.u64(names[1], count_of(side, Event::Spurious));
    row.u64(names[2], count_of(side, Event::Syn));
    row.u64(names[3], side.map(|side| side.bytes_again));
    row.u64(names[4], side.map(|side| side.missing));
    row.u64(names[5], count_of(side, Event::KeepAlive));
    row.u64(names[6], count_of(side, Event::KeepAliveAck));
    row.u64(names[7], count_of(side, Event::AckUnseen));
    row.u64(names[8], side.map(Sequence::gaps_folded));
}
