//! What several groups need to know of a TCP connection, kept once per flow and made by its first packet.
//!
//! Each file is a topic; [`TcpAnalysis`] runs them in the order in which they need each other: the handshake's
//! options give the scale of windows, sequence numbers tell what a segment is, and that decides what may be timed.
//! Everything is O(1) per packet: lists have a limit, and what was not kept because of it is counted.

pub(crate) mod fingerprint;
pub(crate) mod holes;
pub(crate) mod mptcp;
pub(crate) mod options;
pub(crate) mod rtt;
pub(crate) mod sequence;
pub(crate) mod window;

use rheos_wire::tcp_flags::{ACK, FIN, RST, SYN};

use crate::groups::Seen;
use fingerprint::SynPrint;
use mptcp::Mptcp;
use options::Options;
use rtt::Rtt;
use sequence::Sequence;
use window::{Offered, Window};

/// Which topics have a selected column.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one per group")]
pub(crate) struct Topics {
    pub(crate) sequence: bool,
    pub(crate) window: bool,
    pub(crate) options: bool,
    pub(crate) mptcp: bool,
    pub(crate) rtt: bool,
    pub(crate) fingerprint: bool,
}

impl Topics {
    /// Whether there is any.
    pub(crate) const fn any(self) -> bool {
        let Self { sequence, window, options, mptcp, rtt, fingerprint } = self;
        sequence || window || options || mptcp || rtt || fingerprint
    }

    const fn need_sequence(self) -> bool {
        self.sequence || self.window || self.rtt
    }
}

/// `[0]` is of the initiator, `[1]` of the responder.
#[derive(Debug, Default)]
pub(crate) struct TcpAnalysis {
    pub(crate) sequence: [Sequence; 2],
    pub(crate) windows: [Window; 2],
    pub(crate) options: [Options; 2],
    pub(crate) rtt: Rtt,
    /// Made by the first Multipath TCP option.
    pub(crate) mptcp: Option<Box<Mptcp>>,
    /// Made by the first SYN of the side.
    pub(crate) prints: [Option<Box<SynPrint>>; 2],
}

impl TcpAnalysis {
    /// Takes in one TCP packet.
    pub(crate) fn on_packet(&mut self, topics: Topics, seen: &Seen<'_>) {
        let segment = Segment::of(seen);
        let options = seen.packet.tcp_options(seen.bytes);
        let [side, peer] = [segment.side, 1 - segment.side];
        let stamps = self.options[side].on_segment(&segment, options);
        if segment.is(SYN) {
            self.on_syn(topics, &segment, seen, options);
        }
        if topics.mptcp && self.options[side].multipath_now {
            self.mptcp.get_or_insert_default().on_segment(&segment, options);
        }
        if !topics.need_sequence() {
            return;
        }
        let scales = window::scales(&self.windows);
        let offered = Offered::of(&segment, scales[side]);
        let room = self.windows[peer].last(scales[peer]);
        let now = sequence::Now {
            window_repeats: self.windows[side].repeats(&offered),
            peer_window_closed: room == Some(0),
            reordering_ns: self.rtt.reordering_ns(),
        };
        let told = sequence::on_segment(&mut self.sequence, &segment, &now);
        self.windows[side].on_segment(&segment, &offered, &told, room);
        if topics.rtt {
            self.rtt.on_segment(&segment, &told, stamps);
        }
    }

    #[cold]
    fn on_syn(&mut self, topics: Topics, segment: &Segment, seen: &Seen<'_>, options: &[u8]) {
        // A capture that cut the options does not tell whether the window is scaled.
        let cut = options.is_empty() && seen.packet.tcp.header_len > 20;
        if !cut {
            let shift = self.options[segment.side].window_scale_now;
            self.windows[segment.side].on_syn(shift, segment.is(ACK));
        }
        if topics.fingerprint && self.prints[segment.side].is_none() {
            self.prints[segment.side] = Some(Box::new(SynPrint::of(segment, seen, options)));
        }
    }

    /// Memory in bytes, its own included.
    pub(crate) fn bytes(&self) -> usize {
        let prints = self.prints.iter().flatten().count() * size_of::<SynPrint>();
        let mptcp = self.mptcp.iter().count() * size_of::<Mptcp>();
        let holes: usize = self.sequence.iter().map(Sequence::heap_bytes).sum();
        size_of::<Self>() + prints + mptcp + holes + self.rtt.heap_bytes()
    }
}

/// A segment's numbers, as all topics look at them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    /// Who sent it.
    pub(crate) side: usize,
    /// Nanoseconds since the epoch.
    pub(crate) ns: u64,
    pub(crate) seq: u32,
    /// The acknowledgement number, where the flag says that it is meant.
    pub(crate) ack: Option<u32>,
    /// Bytes of payload by the IP length.
    pub(crate) len: u32,
    pub(crate) window: u16,
    pub(crate) flags: u16,
}

impl Segment {
    fn of(seen: &Seen<'_>) -> Self {
        let header = &seen.packet.tcp;
        Self {
            side: seen.arrival.direction.index(),
            ns: seen.packet.ts.as_nanos(),
            seq: header.seq,
            ack: (header.flags & ACK != 0).then_some(header.ack),
            len: seen.packet.payload_len,
            window: header.window,
            flags: header.flags,
        }
    }

    /// Whether any of `flags` is set.
    pub(crate) const fn is(&self, flags: u16) -> bool {
        self.flags & flags != 0
    }

    /// How much of the sequence space it takes: payload, SYN and FIN (RFC 9293 §3.4).
    pub(crate) const fn span(&self) -> u32 {
        self.len.wrapping_add(self.is(SYN) as u32).wrapping_add(self.is(FIN) as u32)
    }

    /// The sequence number after it.
    pub(crate) const fn end(&self) -> u32 {
        self.seq.wrapping_add(self.span())
    }

    /// Without payload, SYN, FIN and RST, and with ACK.
    pub(crate) const fn is_pure_ack(&self) -> bool {
        self.len == 0 && self.flags & (SYN | FIN | RST | ACK) == ACK
    }
}

/// Whether sequence number `a` comes after `b` (RFC 9293 §3.4: modulo 2^32).
pub(crate) const fn after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}

/// The later of two sequence numbers.
pub(crate) const fn later(a: u32, b: u32) -> u32 {
    if after(a, b) { a } else { b }
}

/// The earlier of two sequence numbers.
pub(crate) const fn earlier(a: u32, b: u32) -> u32 {
    if after(a, b) { b } else { a }
}

/// From `a` to `b`, which does not come before it.
pub(crate) const fn between(a: u32, b: u32) -> u32 {
    if after(b, a) { b.wrapping_sub(a) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_wrap() {
        assert!(after(5, u32::MAX - 5) && !after(u32::MAX - 5, 5) && !after(7, 7));
        assert_eq!((later(3, u32::MAX), earlier(3, u32::MAX)), (3, u32::MAX));
        assert_eq!((between(u32::MAX, 3), between(3, u32::MAX)), (4, 0));
    }

    #[test]
    fn the_state_of_a_connection_stays_small() {
        assert!(size_of::<TcpAnalysis>() <= 1312, "{} bytes", size_of::<TcpAnalysis>());
    }
}
