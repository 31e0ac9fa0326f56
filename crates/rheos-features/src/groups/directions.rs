//! What each side sent, counted apart: frames, times, header bytes and TCP flags.
//!
//! Other tools tell these per direction; here they are apart from `size`, `timing` and `tcp`, which every flow pays for.

use rheos_core::Timestamp;
use rheos_wire::Packet;

use super::{Ended, Group, Seen};
use crate::FeaturePlan;
use crate::column::Kind::{F64, Timestamp as Moment, U32, U64};
use crate::column::{Column, GroupInfo, Kind, Privacy, Profile};
use crate::moments::Moments;
use crate::row::RowBuffer;

/// IP protocol number.
const TCP: u8 = 6;

const OTHER: &str = "not TCP";
const NO_FWD: &str = "no packet came from the initiator";
const NO_BWD: &str = "no packet came from the responder";
const FEW_FWD: &str = "fewer than 2 packets from the initiator";
const FEW_BWD: &str = "fewer than 2 packets from the responder";

const fn column(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    Column::new(name, kind, unit, meaning).profile(Profile::Extended).option()
}

const fn fwd(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Column {
    column(name, kind, unit, meaning).fwd().null(NO_FWD)
}

const fn bwd(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Column {
    column(name, kind, unit, meaning).bwd().null(NO_BWD)
}

const fn flag_fwd(name: &'static str, meaning: &'static str) -> Column {
    fwd(name, U64, "packets", meaning).null(OTHER)
}

const fn flag_bwd(name: &'static str, meaning: &'static str) -> Column {
    bwd(name, U64, "packets", meaning).null(OTHER)
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    column("frame_bytes_total", U64, "bytes", "sum of the frames' lengths on the wire in both directions: link header, padding and outer headers of tunnels included; of a datagram that came in fragments, the frame of the one that came last"),
    column("frame_bytes_fwd", U64, "bytes", "sum of the lengths on the wire of frames from the initiator").fwd(),
    column("frame_bytes_bwd", U64, "bytes", "sum of the lengths on the wire of frames from the responder").bwd(),
    column("frame_len_min", F64, "bytes", "least length of a frame on the wire"),
    column("frame_len_max", F64, "bytes", "greatest length of a frame on the wire"),
    column("frame_len_mean", F64, "bytes", "arithmetic mean of the frames' lengths on the wire"),
    column("frame_len_std", F64, "bytes", "population standard deviation (ddof 0) of the frames' lengths on the wire; 0 for one packet"),
    fwd("frame_len_fwd_min", F64, "bytes", "least length of a frame from the initiator"),
    fwd("frame_len_fwd_max", F64, "bytes", "greatest length of a frame from the initiator"),
    fwd("frame_len_fwd_mean", F64, "bytes", "arithmetic mean of the lengths of frames from the initiator"),
    fwd("frame_len_fwd_std", F64, "bytes", "population standard deviation (ddof 0) of the lengths of frames from the initiator"),
    bwd("frame_len_bwd_min", F64, "bytes", "least length of a frame from the responder"),
    bwd("frame_len_bwd_max", F64, "bytes", "greatest length of a frame from the responder"),
    bwd("frame_len_bwd_mean", F64, "bytes", "arithmetic mean of the lengths of frames from the responder"),
    bwd("frame_len_bwd_std", F64, "bytes", "population standard deviation (ddof 0) of the lengths of frames from the responder"),
    fwd("payload_len_fwd_min", F64, "bytes", "least transport payload of a packet from the initiator; packets without payload count as 0"),
    fwd("payload_len_fwd_max", F64, "bytes", "greatest transport payload of a packet from the initiator; packets without payload count as 0"),
    bwd("payload_len_bwd_min", F64, "bytes", "least transport payload of a packet from the responder; packets without payload count as 0"),
    bwd("payload_len_bwd_max", F64, "bytes", "greatest transport payload of a packet from the responder; packets without payload count as 0"),
    column("transport_header_bytes_fwd", U64, "bytes", "sum of the transport headers' lengths of packets from the initiator, TCP options included (RFC 9293 section 3.1); 0 for protocols without a known header").fwd(),
    column("transport_header_bytes_bwd", U64, "bytes", "sum of the transport headers' lengths of packets from the responder").bwd(),
    fwd("transport_header_fwd_min", U32, "bytes", "shortest transport header of a packet from the initiator"),
    bwd("transport_header_bwd_min", U32, "bytes", "shortest transport header of a packet from the responder"),
    fwd("start_time_fwd", Moment, "", "time of the earliest packet from the initiator").privacy(Privacy::Sensitive),
    fwd("end_time_fwd", Moment, "", "time of the latest packet from the initiator").privacy(Privacy::Sensitive),
    bwd("start_time_bwd", Moment, "", "time of the earliest packet from the responder").privacy(Privacy::Sensitive),
    bwd("end_time_bwd", Moment, "", "time of the latest packet from the responder").privacy(Privacy::Sensitive),
    fwd("duration_fwd", F64, "s", "end_time_fwd - start_time_fwd; 0 for one packet"),
    bwd("duration_bwd", F64, "s", "end_time_bwd - start_time_bwd; 0 for one packet"),
    fwd("iat_fwd_sum", F64, "s", "sum of the gaps between successive packets from the initiator: duration_fwd, unless the capture is out of order").null(FEW_FWD),
    bwd("iat_bwd_sum", F64, "s", "sum of the gaps between successive packets from the responder: duration_bwd, unless the capture is out of order").null(FEW_BWD),
    flag_fwd("tcp_fin_flags_fwd", "packets from the initiator with FIN"),
    flag_fwd("tcp_syn_flags_fwd", "packets from the initiator with SYN, those with ACK too"),
    flag_fwd("tcp_rst_flags_fwd", "packets from the initiator with RST"),
    flag_fwd("tcp_psh_flags_fwd", "packets from the initiator with PSH"),
    flag_fwd("tcp_ack_flags_fwd", "packets from the initiator with ACK, whatever else is set"),
    flag_fwd("tcp_urg_flags_fwd", "packets from the initiator with URG"),
    flag_fwd("tcp_ece_flags_fwd", "packets from the initiator with ECE"),
    flag_fwd("tcp_cwr_flags_fwd", "packets from the initiator with CWR"),
    flag_bwd("tcp_fin_flags_bwd", "packets from the responder with FIN"),
    flag_bwd("tcp_syn_flags_bwd", "packets from the responder with SYN, those with ACK too"),
    flag_bwd("tcp_rst_flags_bwd", "packets from the responder with RST"),
    flag_bwd("tcp_psh_flags_bwd", "packets from the responder with PSH"),
    flag_bwd("tcp_ack_flags_bwd", "packets from the responder with ACK, whatever else is set"),
    flag_bwd("tcp_urg_flags_bwd", "packets from the responder with URG"),
    flag_bwd("tcp_ece_flags_bwd", "packets from the responder with ECE"),
    flag_bwd("tcp_cwr_flags_bwd", "packets from the responder with CWR"),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Directions;

/// What one side sent.
#[derive(Clone, Copy, Debug)]
struct Side {
    frames: Moments,
    first: Timestamp,
    last: Timestamp,
    /// Nanoseconds.
    gaps: u64,
    gap_count: u32,
    payload_min: u32,
    payload_max: u32,
    header_min: u32,
    header_bytes: u64,
    /// Packets per flag, in order of bits, AE left out; they stop at 2^32 - 1.
    flags: [u32; 8],
}

impl Default for Side {
    fn default() -> Self {
        Self {
            frames: Moments::default(),
            first: Timestamp::from_nanos(u64::MAX),
            last: Timestamp::from_nanos(0),
            gaps: 0,
            gap_count: 0,
            payload_min: u32::MAX,
            payload_max: 0,
            header_min: u32::MAX,
            header_bytes: 0,
            flags: [0; 8],
        }
    }
}

impl Side {
    #[inline]
    fn push(&mut self, seen: &Seen<'_>) {
        let packet = seen.packet;
        self.frames.push(u64::from(packet.wire_len));
        self.first = self.first.min(packet.ts);
        self.last = self.last.max(packet.ts);
        if let Some(gap) = seen.arrival.gap_same_direction {
            self.gaps = self.gaps.saturating_add(gap.0);
            self.gap_count = self.gap_count.saturating_add(1);
        }
        self.payload_min = self.payload_min.min(packet.payload_len);
        self.payload_max = self.payload_max.max(packet.payload_len);
        let header = header_len(packet);
        self.header_min = self.header_min.min(header);
        self.header_bytes = self.header_bytes.saturating_add(u64::from(header));
        // Zero in packets of other protocols.
        for (bit, count) in self.flags.iter_mut().enumerate() {
            *count = count.saturating_add(u32::from(packet.tcp.flags >> bit & 1));
        }
    }

    /// A value, if this side sent a packet at all.
    fn told<T>(&self, value: T) -> Option<T> {
        (self.frames.n > 0).then_some(value)
    }
}

/// Length of the transport header in bytes.
#[inline]
fn header_len(packet: &Packet) -> u32 {
    if packet.tuple.protocol == TCP {
        u32::from(packet.tcp.header_len)
    } else {
        packet.payload_offset.saturating_sub(packet.l4_offset)
    }
}

/// Both sides, the initiator's first; made by the flow's first packet.
#[derive(Debug, Default)]
pub struct State(Option<Box<[Side; 2]>>);

impl Group for Directions {
    type State = State;
    const INFO: GroupInfo = GroupInfo {
        name: "directions",
        meaning: "what each side sent, counted apart: frames, times, headers, TCP flags",
        columns: COLUMNS,
    };

    fn new(_: &FeaturePlan) -> State {
        State::default()
    }

    #[inline]
    fn on_packet(state: &mut State, seen: &Seen<'_>) {
        let sides = state.0.get_or_insert_default();
        sides[seen.arrival.direction.index()].push(seen);
    }

    fn finish(state: &State, ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let none = [Side::default(); 2];
        let sides = state.0.as_deref().unwrap_or(&none);
        write_frames(sides, row);
        let [fwd, bwd] = sides;
        row.f64("payload_len_fwd_min", fwd.told(f64::from(fwd.payload_min)));
        row.f64("payload_len_fwd_max", fwd.told(f64::from(fwd.payload_max)));
        row.f64("payload_len_bwd_min", bwd.told(f64::from(bwd.payload_min)));
        row.f64("payload_len_bwd_max", bwd.told(f64::from(bwd.payload_max)));
        row.u64("transport_header_bytes_fwd", fwd.header_bytes);
        row.u64("transport_header_bytes_bwd", bwd.header_bytes);
        row.u32("transport_header_fwd_min", fwd.told(fwd.header_min));
        row.u32("transport_header_bwd_min", bwd.told(bwd.header_min));
        write_times(sides, row);
        let tcp = ended.head.tuple.protocol == TCP;
        for (side, names) in sides.iter().zip([FLAGS_FWD, FLAGS_BWD]) {
            for (name, count) in names.into_iter().zip(side.flags) {
                row.u64(name, tcp.then_some(u64::from(count)));
            }
        }
    }

    fn heap_bytes(state: &State) -> usize {
        if state.0.is_some() { size_of::<[Side; 2]>() } else { 0 }
    }

    fn reset(state: &mut State, _: &FeaturePlan) {
        if let Some(sides) = &mut state.0 {
            **sides = [Side::default(); 2];
        }
    }
}

const FLAGS_FWD: [&str; 8] = [
    "tcp_fin_flags_fwd",
    "tcp_syn_flags_fwd",
    "tcp_rst_flags_fwd",
    "tcp_psh_flags_fwd",
    "tcp_ack_flags_fwd",
    "tcp_urg_flags_fwd",
    "tcp_ece_flags_fwd",
    "tcp_cwr_flags_fwd",
];

const FLAGS_BWD: [&str; 8] = [
    "tcp_fin_flags_bwd",
    "tcp_syn_flags_bwd",
    "tcp_rst_flags_bwd",
    "tcp_psh_flags_bwd",
    "tcp_ack_flags_bwd",
    "tcp_urg_flags_bwd",
    "tcp_ece_flags_bwd",
    "tcp_cwr_flags_bwd",
];

fn write_frames([fwd, bwd]: &[Side; 2], row: &mut RowBuffer) {
    let (fwd, bwd) = (&fwd.frames, &bwd.frames);
    let all = fwd.plus(*bwd);
    row.u64("frame_bytes_total", all.sum);
    row.u64("frame_bytes_fwd", fwd.sum);
    row.u64("frame_bytes_bwd", bwd.sum);
    row.f64("frame_len_min", all.min());
    row.f64("frame_len_max", all.max());
    row.f64("frame_len_mean", all.mean());
    row.f64("frame_len_std", all.std());
    row.f64("frame_len_fwd_min", fwd.min());
    row.f64("frame_len_fwd_max", fwd.max());
    row.f64("frame_len_fwd_mean", fwd.mean());
    row.f64("frame_len_fwd_std", fwd.std());
    row.f64("frame_len_bwd_min", bwd.min());
    row.f64("frame_len_bwd_max", bwd.max());
    row.f64("frame_len_bwd_mean", bwd.mean());
    row.f64("frame_len_bwd_std", bwd.std());
}

fn write_times([fwd, bwd]: &[Side; 2], row: &mut RowBuffer) {
    row.timestamp("start_time_fwd", fwd.told(fwd.first));
    row.timestamp("end_time_fwd", fwd.told(fwd.last));
    row.timestamp("start_time_bwd", bwd.told(bwd.first));
    row.timestamp("end_time_bwd", bwd.told(bwd.last));
    row.f64("duration_fwd", fwd.told(fwd.last.since(fwd.first).as_secs_f64()));
    row.f64("duration_bwd", bwd.told(bwd.last.since(bwd.first).as_secs_f64()));
    let sum = |side: &Side| (side.gap_count > 0).then(|| side.gaps as f64 / 1e9);
    row.f64("iat_fwd_sum", sum(fwd));
    row.f64("iat_bwd_sum", sum(bwd));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_side_tells_nothing() {
        let side = Side::default();
        assert_eq!(side.told(side.payload_min), None);
        assert_eq!(side.frames.min(), None);
    }

    #[test]
    fn headers_without_a_length_of_their_own_lie_before_the_payload() {
        let mut packet = Packet { l4_offset: 34, payload_offset: 42, ..Packet::default() };
        packet.tuple.protocol = 17;
        assert_eq!(header_len(&packet), 8);
        packet.tuple.protocol = TCP;
        packet.tcp.header_len = 32;
        assert_eq!(header_len(&packet), 32);
        let odd = Packet { l4_offset: 34, payload_offset: 0, ..Packet::default() };
        assert_eq!(header_len(&odd), 0);
    }
}
