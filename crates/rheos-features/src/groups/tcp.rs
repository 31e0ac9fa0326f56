//! TCP flags and what they say of opening and closing.

use rheos_core::Direction;
use rheos_wire::tcp_flags::{ACK, FIN, PSH, RST, SYN, URG};

use super::{Ended, Group, Seen};
use crate::column::Kind::{Bool, F64, U8, U16, U64};
use crate::column::{Column, GroupInfo, Kind};
use crate::row::RowBuffer;

const TCP: u8 = 6;
const OTHER: &str = "not TCP";
const NOT_ZERO: &str = "null, not 0, in other protocols";

const fn column(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    Column::new(name, kind, unit, meaning).null(OTHER).changed(NOT_ZERO)
}

const fn count(name: &'static str, meaning: &'static str) -> Column {
    column(name, U64, "packets", meaning)
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    Column::new("tcp_is_tcp", Bool, "", "whether protocol is 6"),
    count("tcp_syn_count", "packets with SYN and without ACK"),
    count("tcp_synack_count", "packets with SYN and ACK"),
    count("tcp_fin_count", "packets with FIN"),
    count("tcp_rst_count", "packets with RST"),
    count("tcp_ack_count", "packets with ACK, SYN-ACKs included"),
    count("tcp_psh_count", "packets with PSH"),
    count("tcp_urg_count", "packets with URG"),
    count("tcp_ece_count", "packets with ECE"),
    count("tcp_cwr_count", "packets with CWR"),
    column("tcp_complete_handshake", Bool, "", "SYN from the initiator and SYN-ACK from the responder were seen; the final ACK is not asked for"),
    column("tcp_graceful_close", Bool, "", "FIN was seen from both sides")
        .changed("true after a normal close, since a flow goes on after its first FIN; null, not false, in other protocols"),
    column("tcp_reset_close", Bool, "", "RST was seen"),
    column("tcp_syn_ratio", F64, "", "share of packets with SYN: (tcp_syn_count + tcp_synack_count) / total_packets"),
    column("tcp_fin_ratio", F64, "", "tcp_fin_count / total_packets"),
    column("tcp_rst_ratio", F64, "", "tcp_rst_count / total_packets"),
    column("tcp_psh_ratio", F64, "", "tcp_psh_count / total_packets"),
    count("tcp_data_packets", "packets with payload, by the IP length")
        .changed("Ethernet padding is not payload; null, not 0, in other protocols"),
    count("tcp_ack_only_packets", "packets with ACK and without payload, SYN, FIN and RST")
        .changed("padded ACKs count; null, not 0, in other protocols"),
    column("tcp_flags_anomaly", Bool, "", "some packet had no flag at all; FIN, PSH and URG together; FIN without ACK and SYN; SYN with FIN; or SYN with RST"),
    column("tcp_initiator_syn", Bool, "", "SYN without ACK was seen from the initiator").fwd(),
    column("tcp_responder_synack", Bool, "", "SYN with ACK was seen from the responder").bwd(),
    column("tcp_fstat", U8, "bits", "0x01 initiator SYN, 0x02 responder SYN-ACK, 0x04 tcp_ack_count > tcp_synack_count, 0x08 FIN from the initiator, 0x10 FIN from the responder, 0x20 RST, 0x40 payload, 0x80 tcp_flags_anomaly"),
    column("tcp_flags_agg", U16, "bits", "all flags of all packets together: FIN 0x001, SYN 0x002, RST 0x004, PSH 0x008, ACK 0x010, URG 0x020, ECE 0x040, CWR 0x080, AE (once NS) 0x100")
        .changed("always nine flags; null, not 0, in other protocols"),
    column("tcp_flags_fwd", U16, "bits", "all flags of all packets from the initiator together").fwd(),
    column("tcp_flags_bwd", U16, "bits", "all flags of all packets from the responder together").bwd(),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Tcp;

/// Events of one direction that the union of its flags does not tell.
const SYN_ALONE: u8 = 1;
const SYN_ACK: u8 = 2;

/// Counts of flags; they stop at 2^32 - 1 packets.
#[derive(Debug, Default)]
pub struct State {
    /// Packets per flag, in order of bits, AE left out.
    flags: [u32; 8],
    syn_acks: u32,
    data: u32,
    ack_only: u32,
    /// Union of flags per direction.
    union: [u16; 2],
    events: [u8; 2],
    anomaly: bool,
}

impl Group for Tcp {
    type State = State;
    const INFO: GroupInfo =
        GroupInfo { name: "tcp", meaning: "TCP flags, opening and closing", columns: COLUMNS };

    fn new(_: &crate::FeaturePlan) -> State {
        State::default()
    }

    #[inline]
    fn on_packet(state: &mut State, seen: &Seen<'_>) {
        if seen.packet.tuple.protocol != TCP {
            return;
        }
        let flags = seen.packet.tcp.flags;
        let data = seen.packet.payload_len > 0;
        let direction = seen.arrival.direction.index();
        for (bit, count) in state.flags.iter_mut().enumerate() {
            *count = count.saturating_add(u32::from(flags >> bit & 1));
        }
        let syn_ack = flags & (SYN | ACK) == SYN | ACK;
        let syn_alone = flags & (SYN | ACK) == SYN;
        let ack_only = !data && flags & (ACK | SYN | FIN | RST) == ACK;
        state.syn_acks = state.syn_acks.saturating_add(u32::from(syn_ack));
        state.data = state.data.saturating_add(u32::from(data));
        state.ack_only = state.ack_only.saturating_add(u32::from(ack_only));
        state.union[direction] |= flags;
        state.events[direction] |=
            (u8::from(syn_alone) * SYN_ALONE) | (u8::from(syn_ack) * SYN_ACK);
        state.anomaly |= is_anomalous(flags);
    }

    fn finish(state: &State, ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let tcp = ended.head.tuple.protocol == TCP;
        row.bool("tcp_is_tcp", tcp);
        let of = |value: u64| tcp.then_some(value);
        let told = |value: bool| tcp.then_some(value);
        let [fin, syn, rst, psh, ack, urg, ece, cwr] = state.flags.map(u64::from);
        let syn_acks = u64::from(state.syn_acks);
        row.u64("tcp_syn_count", of(syn.saturating_sub(syn_acks)));
        row.u64("tcp_synack_count", of(syn_acks));
        row.u64("tcp_fin_count", of(fin));
        row.u64("tcp_rst_count", of(rst));
        row.u64("tcp_ack_count", of(ack));
        row.u64("tcp_psh_count", of(psh));
        row.u64("tcp_urg_count", of(urg));
        row.u64("tcp_ece_count", of(ece));
        row.u64("tcp_cwr_count", of(cwr));
        let opened = state.events[Direction::Forward.index()] & SYN_ALONE != 0;
        let answered = state.events[Direction::Backward.index()] & SYN_ACK != 0;
        row.bool("tcp_complete_handshake", told(opened && answered));
        row.bool("tcp_graceful_close", told(state.union[0] & state.union[1] & FIN != 0));
        row.bool("tcp_reset_close", told(rst > 0));
        let packets = ended.head.packets() as f64;
        let share = |count: u64| tcp.then(|| count as f64 / packets);
        row.f64("tcp_syn_ratio", share(syn));
        row.f64("tcp_fin_ratio", share(fin));
        row.f64("tcp_rst_ratio", share(rst));
        row.f64("tcp_psh_ratio", share(psh));
        row.u64("tcp_data_packets", of(u64::from(state.data)));
        row.u64("tcp_ack_only_packets", of(u64::from(state.ack_only)));
        row.bool("tcp_flags_anomaly", told(state.anomaly));
        row.bool("tcp_initiator_syn", told(opened));
        row.bool("tcp_responder_synack", told(answered));
        row.u8("tcp_fstat", tcp.then(|| state.fstat(opened, answered)));
        row.u16("tcp_flags_agg", tcp.then_some(state.union[0] | state.union[1]));
        row.u16("tcp_flags_fwd", tcp.then_some(state.union[0]));
        row.u16("tcp_flags_bwd", tcp.then_some(state.union[1]));
    }
}

impl State {
    fn fstat(&self, opened: bool, answered: bool) -> u8 {
        let acked = self.flags[ACK.trailing_zeros() as usize] > self.syn_acks;
        let fin = self.union.map(|flags| flags & FIN != 0);
        let reset = (self.union[0] | self.union[1]) & RST != 0;
        let bits = [opened, answered, acked, fin[0], fin[1], reset, self.data > 0, self.anomaly];
        bits.into_iter().enumerate().fold(0, |all, (bit, on)| all | u8::from(on) << bit)
    }
}

/// Combinations that no sound sender makes.
#[inline]
fn is_anomalous(flags: u16) -> bool {
    let all = |bits: u16| flags & bits == bits;
    flags == 0
        || all(FIN | PSH | URG)
        || all(SYN | FIN)
        || all(SYN | RST)
        || flags & (FIN | ACK | SYN) == FIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anomalies() {
        for odd in [0, FIN | PSH | URG, FIN, FIN | PSH, SYN | FIN, SYN | FIN | ACK, SYN | RST] {
            assert!(is_anomalous(odd), "{odd:#x}");
        }
        for sound in [SYN, SYN | ACK, ACK, FIN | ACK, RST, RST | ACK, PSH | ACK, URG | PSH | ACK] {
            assert!(!is_anomalous(sound), "{sound:#x}");
        }
    }
}
