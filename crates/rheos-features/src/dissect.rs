//! What is said inside a flow: a detector decides by the first bytes which protocol it is, and that protocol's
//! dissector reads on until it has what the columns tell.
//!
//! A dissector sees bytes, never packets: TCP in order and without overlap, UDP datagram by datagram. What it does not
//! consume is kept for it, up to a limit, and offered again with what follows; what it keeps itself is bounded by its
//! own limits and counted by [`Dissector::heap_bytes`].

use rheos_core::{Direction, Timestamp};

/// Bytes of one side of a TCP connection: in order, all that has arrived and was not consumed yet.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Who sent them.
    pub direction: Direction,
    /// Time of the packet that completed them.
    pub ts: Timestamp,
    /// The bytes, never empty.
    pub bytes: &'a [u8],
    /// Bytes before these were lost: not captured, never sent, or beyond a limit.
    pub gap: bool,
}

/// A datagram.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Who sent it.
    pub direction: Direction,
    /// Time of its packet.
    pub ts: Timestamp,
    /// Its captured bytes, never empty.
    pub bytes: &'a [u8],
    /// Its length as sent; more than `bytes` where the capture was cut.
    pub sent_len: u32,
}

/// What a dissector still wants of the side that it was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// More of this side.
    More,
    /// Nothing more of this side.
    Nothing,
    /// Nothing more of either side: the flow is let go on unread.
    Enough,
}

/// What a dissector made of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// So many bytes from the chunk's beginning are done with.
    pub consumed: usize,
    /// So many bytes after the consumed ones are of no interest, whether or not they have arrived: a body, an
    /// application data record. They are not kept.
    pub skip: u64,
    /// What it still wants.
    pub wants: Wants,
}

impl Taken {
    /// All of it, and more of it.
    pub const fn all(chunk: &Chunk<'_>) -> Self {
        Self { consumed: chunk.bytes.len(), skip: 0, wants: Wants::More }
    }

    /// The first `consumed` bytes; the rest will be looked at again with what follows.
    pub const fn first(consumed: usize) -> Self {
        Self { consumed, skip: 0, wants: Wants::More }
    }

    /// Nothing more is wanted of either side.
    pub const fn enough() -> Self {
        Self { consumed: 0, skip: 0, wants: Wants::Enough }
    }
}

/// Reads one protocol within one flow.
pub trait Dissector: std::fmt::Debug {
    /// Takes in bytes of a TCP connection.
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        let _ = chunk;
        Taken::enough()
    }

    /// Takes in a datagram.
    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        let _ = datagram;
        Wants::Enough
    }

    /// Memory held beside the value itself, in bytes.
    fn heap_bytes(&self) -> usize;
}
