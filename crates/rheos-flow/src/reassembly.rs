//! TCP byte streams: the payload of both sides of a connection in order, as far as a reader wants it.
//!
//! Bytes that arrive in order and are read at once are passed through without a copy. Kept are bytes that wait for
//! a hole before them to be filled, and bytes that the reader left for later; both count against a limit per flow
//! and one for all flows of a table ([`StreamBudget`]).
//!
//! * **Overlap**: the bytes that came first hold, in whatever order segments arrive. What a later segment says of
//!   a position that is there already is compared and, where it differs, counted; it is not used.
//! * **Holes** are given up, and what follows is marked with [`Piece::gap`], when a packet of the peer acknowledges
//!   past the hole while bytes beyond it wait, when the flow's or the table's limit is reached, and at the flow's
//!   end. What a cut capture left out of a segment is a hole that is known at once to stay.
//! * **Sequence numbers** become positions that do not wrap. Segments more than [`AHEAD_MAX`] beyond the highest
//!   position seen are not believed, unless the peer acknowledges such a one.
//! * A stream without a SYN begins with the first sequence number that its side uses.
//! * The text of a reset is not part of a stream. Segments with a wrong checksum are: many captures were made
//!   anonymous without mending it. Who doubts them has decoding drop them.

mod budget;
mod stream;

pub use budget::{StreamBudget, StreamCounters};
use rheos_core::Direction;
use rheos_wire::{Packet, tcp_flags};
use stream::{Around, Stream};

/// A segment this far beyond the highest position seen is not believed.
pub const AHEAD_MAX: i32 = 1 << 24;

/// Stretches of bytes beyond the first hole that one stream holds at most.
pub const ISLANDS_MAX: usize = 64;

/// Bytes of one side, in order, as they are offered to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Who sent them.
    pub direction: Direction,
    /// All that is there and was not read yet; never empty.
    pub bytes: &'a [u8],
    /// Bytes between these and what was read before them are lost.
    pub gap: bool,
    /// What the other side said that waits to be read.
    pub other: &'a [u8],
}

/// What a reader did with a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// So many bytes of it are done with.
    pub consumed: usize,
    /// So many bytes after those are of no interest, whether or not they have arrived.
    pub skip: u64,
    /// Nothing more of this side is wanted.
    pub stop: bool,
}

impl Read {
    /// Wants nothing more of this side.
    pub const STOP: Self = Self { consumed: 0, skip: 0, stop: true };
    /// Leaves all for later.
    pub const LATER: Self = Self { consumed: 0, skip: 0, stop: false };
}

/// What became of the bytes of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamTotals {
    /// Bytes that were read, in order.
    pub bytes: u64,
    /// Holes that were given up.
    pub gaps: u32,
    /// Bytes in them.
    pub gap_bytes: u64,
    /// Segments with other bytes than those that hold at their place, as far as these were still held.
    pub conflicts: u32,
    /// Times that a limit gave up a hole or ended the stream.
    pub limited: u32,
}

/// Both sides of a connection.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    ends: [Stream; 2],
}

impl Streams {
    /// Sets where a side's bytes begin, unless some of them were seen already.
    pub fn anchor(&mut self, direction: Direction, seq: u32) {
        self.ends[direction.index()].anchor(seq);
    }

    /// Takes in a packet of the connection, decoded from `bytes`, and offers what it makes ready to `read`: first
    /// of the peer, for whom its acknowledgement gives up holes, then of its sender.
    pub fn on_packet(
        &mut self,
        direction: Direction,
        packet: &Packet,
        bytes: &[u8],
        budget: &StreamBudget,
        read: &mut impl FnMut(Piece<'_>) -> Read,
    ) {
        let tcp = &packet.tcp;
        if tcp.flags & tcp_flags::RST != 0 {
            return;
        }
        let (own, peer) = self.sides(direction);
        if tcp.flags & tcp_flags::ACK != 0 {
            let around = Around { direction: direction.reversed(), budget, other: own };
            if tcp.flags & tcp_flags::SYN != 0 {
                peer.anchor(tcp.ack);
            }
            peer.on_ack(tcp.ack, around, read);
        }
        let seq = if tcp.flags & tcp_flags::SYN != 0 {
            let first = tcp.seq.wrapping_add(1);
            own.anchor_at_syn(first);
            first
        } else {
            tcp.seq
        };
        let around = Around { direction, budget, other: peer };
        own.on_segment(seq, packet.payload(bytes), packet.payload_len, around, read);
    }

    /// Offers what waits of one side again.
    pub fn offer(
        &mut self,
        direction: Direction,
        budget: &StreamBudget,
        read: &mut impl FnMut(Piece<'_>) -> Read,
    ) {
        let (own, peer) = self.sides(direction);
        own.offer_held(Around { direction, budget, other: peer }, read);
    }

    /// Nothing more will come: gives up all holes, and offers what lay behind them.
    pub fn finish(&mut self, budget: &StreamBudget, read: &mut impl FnMut(Piece<'_>) -> Read) {
        for direction in [Direction::Forward, Direction::Backward] {
            let (own, peer) = self.sides(direction);
            own.give_up_all(Around { direction, budget, other: peer }, read);
        }
    }

    /// What one side said that waits to be read.
    pub fn waiting(&self, direction: Direction) -> &[u8] {
        self.ends[direction.index()].waiting()
    }

    /// Wants nothing more of either side: gives all memory back.
    pub fn close(&mut self, budget: &StreamBudget) {
        self.ends.iter_mut().for_each(|end| end.close(budget));
    }

    /// What became of one side's bytes.
    pub fn totals(&self, direction: Direction) -> &StreamTotals {
        &self.ends[direction.index()].totals
    }

    /// Memory held beside the value itself.
    pub fn held_bytes(&self) -> usize {
        self.ends.iter().map(Stream::held_bytes).sum()
    }

    fn sides(&mut self, direction: Direction) -> (&mut Stream, &mut Stream) {
        let [forward, backward] = &mut self.ends;
        match direction {
            Direction::Forward => (forward, backward),
            Direction::Backward => (backward, forward),
        }
    }
}
