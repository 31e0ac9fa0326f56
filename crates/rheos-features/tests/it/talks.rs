//! Whole conversations by hand: what each side says, cut into segments or datagrams.

use rheos_core::Direction;
use rheos_wire::tcp_flags::{ACK, FIN, PSH, SYN};

use super::frames::{TCP, Timed, UDP, ethernet, ipv4, tcp, udp};
use super::rows::{B, F};

/// Ports of the client (10.0.0.1) and the server (10.0.0.2) of the conversations, of no known service.
pub(crate) const PORTS: (u16, u16) = (40_000, 4_000);

/// Sequence number of each side's SYN, near the wrap.
const ISN: [u32; 2] = [u32::MAX - 20, 7_000];

/// A TCP connection that is written packet by packet, one millisecond apart.
pub(crate) struct Talk {
    pub(crate) frames: Vec<Timed>,
    ports: (u16, u16),
    next: [u32; 2],
}

impl Talk {
    /// A connection after its handshake.
    pub(crate) fn new() -> Self {
        let mut talk = Self::midway();
        talk.next = ISN;
        talk.segment(F, 0, SYN, &[]);
        talk.next[0] = talk.next[0].wrapping_add(1);
        talk.segment(B, 0, SYN | ACK, &[]);
        talk.next[1] = talk.next[1].wrapping_add(1);
        talk.segment(F, 0, ACK, &[]);
        talk
    }

    /// A connection whose handshake was not captured.
    pub(crate) fn midway() -> Self {
        let next = ISN.map(|isn| isn.wrapping_add(1));
        Self { frames: Vec::new(), ports: PORTS, next }
    }

    /// One side says something, in one segment.
    pub(crate) fn say(mut self, from: Direction, bytes: &[u8]) -> Self {
        self.segment(from, 0, PSH | ACK, bytes);
        self.advance(from, bytes.len());
        self
    }

    /// One side says something in segments of `size` bytes.
    pub(crate) fn say_in(mut self, from: Direction, bytes: &[u8], size: usize) -> Self {
        for part in bytes.chunks(size) {
            self = self.say(from, part);
        }
        self
    }

    /// A segment that lies so many bytes ahead of what its sender said so far; it moves nothing.
    pub(crate) fn ahead(mut self, from: Direction, by: u32, bytes: &[u8]) -> Self {
        self.segment(from, by, PSH | ACK, bytes);
        self
    }

    /// One side said so many bytes that were not captured.
    pub(crate) fn lose(mut self, from: Direction, bytes: usize) -> Self {
        self.advance(from, bytes);
        self
    }

    /// One side acknowledges all that the other said.
    pub(crate) fn ack(mut self, from: Direction) -> Self {
        self.segment(from, 0, ACK, &[]);
        self
    }

    /// Both sides close.
    pub(crate) fn close(mut self) -> Vec<Timed> {
        for from in [F, B] {
            self.segment(from, 0, FIN | ACK, &[]);
            self.advance(from, 1);
        }
        self.ack(F).frames
    }

    fn advance(&mut self, from: Direction, bytes: usize) {
        let next = &mut self.next[from.index()];
        *next = next.wrapping_add(bytes as u32);
    }

    fn segment(&mut self, from: Direction, ahead: u32, flags: u16, bytes: &[u8]) {
        let (src, dst, ports) = match from {
            F => (1, 2, self.ports),
            B => (2, 1, (self.ports.1, self.ports.0)),
        };
        let seq = self.next[from.index()].wrapping_add(ahead);
        let ack = if flags & ACK == 0 { 0 } else { self.next[from.reversed().index()] };
        let packet = ipv4(src, dst, TCP, 0, &tcp(ports, seq, ack, flags, bytes));
        self.frames.push((self.frames.len() as u64, ethernet(&[], 0x0800, &packet)));
    }
}

/// Datagrams between the same hosts and ports, one millisecond apart.
pub(crate) fn datagrams(says: &[(Direction, &[u8])]) -> Vec<Timed> {
    let frame = |&(from, bytes): &(Direction, &[u8])| {
        let (src, dst, ports) = match from {
            F => (1, 2, PORTS),
            B => (2, 1, (PORTS.1, PORTS.0)),
        };
        ethernet(&[], 0x0800, &ipv4(src, dst, UDP, 0, &udp(ports.0, ports.1, bytes)))
    };
    (0..).zip(says.iter().map(frame)).collect()
}
