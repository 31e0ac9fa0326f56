//! When a TCP connection has closed, and when a packet of its tuple belongs to the next one.

use rheos_core::Direction;
use rheos_wire::{Packet, TcpHeader, icmp, tcp_flags};

use crate::{EndReason, InitiatorEvidence};

/// IP protocol number of TCP.
pub(crate) const TCP: u8 = 6;
/// IP protocol number of UDP.
pub(crate) const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// What the sequence numbers of both sides say of the connection's life, [`Direction::Forward`] first.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lifetime {
    /// Initial sequence number: of the SYN, else one before the first sequence number seen.
    isn: [u32; 2],
    /// Acknowledging this number acknowledges the FIN.
    fin_end: [u32; 2],
    spoke: [bool; 2],
    fin: [bool; 2],
    /// Who sent the FIN that came last.
    last_fin: Direction,
    /// `None` while open, else `Fin` or `Rst`: whichever came first.
    closed: EndReason,
}

impl Lifetime {
    /// `Fin` or `Rst` once the connection has closed, `None` before.
    #[inline]
    pub(crate) fn closed(&self) -> EndReason {
        self.closed
    }

    /// Takes in a segment of the connection.
    pub(crate) fn on_segment(&mut self, direction: Direction, tcp: &TcpHeader, payload_len: u32) {
        let (own, peer) = (direction.index(), direction.reversed().index());
        let syn = tcp.flags & tcp_flags::SYN != 0;
        if !self.spoke[own] || syn && self.closed == EndReason::None {
            self.isn[own] = if syn { tcp.seq } else { tcp.seq.wrapping_sub(1) };
            self.spoke[own] = true;
        }
        if tcp.flags & (tcp_flags::FIN | tcp_flags::RST) == tcp_flags::FIN {
            self.fin_end[own] = tcp.seq.wrapping_add(payload_len).wrapping_add(1 + u32::from(syn));
            if !self.fin[own] {
                self.fin[own] = true;
                self.last_fin = direction;
            }
        }
        if self.closed != EndReason::None {
            return;
        }
        if tcp.flags & tcp_flags::RST != 0 {
            self.closed = EndReason::Rst;
        } else if self.fin == [true; 2]
            && self.last_fin.index() == peer
            && tcp.flags & tcp_flags::ACK != 0
            && not_before(tcp.ack, self.fin_end[peer])
        {
            self.closed = EndReason::Fin;
        }
    }

    /// Whether a segment opens the tuple's next connection: a SYN without ACK that is not a copy of the SYN
    /// that opened this one, once this connection has closed, or while it is open but both sides had spoken.
    ///
    /// The second case is a port taken again without a close having been captured (a host restarted, packets
    /// lost). A live peer answers such a SYN with a bare ACK (RFC 9293 §3.10.7.4) and the connection would go
    /// on, but no sound host sends it there. While only one side has spoken, another SYN is another attempt
    /// of the same connection, as Zeek counts it.
    #[inline]
    pub(crate) fn is_taken_over_by(&self, direction: Direction, tcp: &TcpHeader) -> bool {
        let kind = tcp.flags & (tcp_flags::SYN | tcp_flags::ACK | tcp_flags::RST);
        if kind != tcp_flags::SYN {
            return false;
        }
        let own = direction.index();
        let copy = self.spoke[own] && self.isn[own] == tcp.seq;
        // The SYN that comes after the SYN-ACK it caused.
        let late = !self.spoke[own] && self.closed == EndReason::None;
        !copy && !late && (self.closed != EndReason::None || self.spoke == [true; 2])
    }
}

/// Whether sequence number `a` is `b` or after it.
#[inline]
fn not_before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) < 1 << 31
}

/// Whether a TCP segment asks for a connection: SYN without ACK.
#[inline]
pub(crate) fn is_request(packet: &Packet) -> bool {
    packet.tcp.flags & (tcp_flags::SYN | tcp_flags::ACK) == tcp_flags::SYN
}

/// How a flow's first packet tells its initiator, and whether that is the packet's sender.
pub(crate) fn initiator_of(packet: &Packet) -> (InitiatorEvidence, Direction) {
    let request = (InitiatorEvidence::Request, Direction::Forward);
    let answer = (InitiatorEvidence::Answer, Direction::Backward);
    let unknown = (InitiatorEvidence::FirstPacket, Direction::Forward);
    match packet.tuple.protocol {
        TCP if is_request(packet) => request,
        TCP if packet.has_tcp_flags(tcp_flags::SYN | tcp_flags::ACK) => answer,
        ICMP | ICMPV6 => {
            let (kind, version) = (packet.icmp_type, packet.tuple.version);
            if icmp::is_request(kind, version) {
                request
            } else if icmp::is_reply(kind, version) && !packet.tuple.dst.is_multicast(version) {
                // An advertisement or report to a group comes unasked: no group ever asked.
                answer
            } else {
                unknown
            }
        }
        _ => unknown,
    }
}

#[cfg(test)]
mod tests {
    use rheos_wire::tcp_flags::{ACK, FIN, RST, SYN};

    use super::*;

    fn segment(seq: u32, ack: u32, flags: u16) -> TcpHeader {
        TcpHeader { seq, ack, flags, header_len: 20, ..TcpHeader::default() }
    }

    #[test]
    fn closed_when_the_last_fin_is_acknowledged_even_over_the_wrap() {
        use Direction::{Backward, Forward};
        let mut life = Lifetime::default();
        let top = u32::MAX;
        life.on_segment(Forward, &segment(top - 4, 0, SYN), 0);
        life.on_segment(Backward, &segment(100, top - 3, SYN | ACK), 0);
        life.on_segment(Forward, &segment(top - 3, 101, FIN | ACK), 10);
        life.on_segment(Backward, &segment(101, 7, FIN | ACK), 0);
        assert_eq!(life.closed(), EndReason::None, "the last FIN is not acknowledged");
        life.on_segment(Forward, &segment(7, 101, ACK), 0);
        assert_eq!(life.closed(), EndReason::None, "an acknowledgement short of the FIN");
        life.on_segment(Forward, &segment(7, 102, ACK), 0);
        assert_eq!(life.closed(), EndReason::Fin);
        life.on_segment(Forward, &segment(7, 102, RST), 0);
        assert_eq!(life.closed(), EndReason::Fin, "a reset after the close changes nothing");
    }

    #[test]
    fn an_answer_to_a_group_has_its_sender_as_initiator() {
        let mut packet = Packet::default();
        packet.tuple.protocol = ICMPV6;
        packet.tuple.version = rheos_core::IpVersion::V6;
        packet.icmp_type = 134;
        packet.tuple.dst.0[0] = 0xfe;
        assert_eq!(initiator_of(&packet), (InitiatorEvidence::Answer, Direction::Backward));
        packet.tuple.dst.0[0] = 0xff;
        assert_eq!(initiator_of(&packet), (InitiatorEvidence::FirstPacket, Direction::Forward));
    }

    #[test]
    fn one_fin_does_not_close() {
        let mut life = Lifetime::default();
        life.on_segment(Direction::Forward, &segment(1, 1, FIN | ACK), 0);
        life.on_segment(Direction::Backward, &segment(1, 2, ACK), 5);
        assert_eq!(life.closed(), EndReason::None);
    }
}
