//! What is said inside a flow: a detector decides by the first bytes which protocol it is, and that protocol's
//! dissector reads on until it has what the columns tell.
//!
//! A dissector sees bytes, never packets: TCP in order and without overlap, UDP datagram by datagram. What it does not
//! consume is kept for it, up to a limit, and offered again with what follows; what it keeps itself is bounded by its
//! own limits and counted by [`Dissector::heap_bytes`].
//!
//! To add a protocol with columns: a type in `dissect/<name>.rs` that is a [`Dissector`] and says by [`Detect`] how it
//! is recognised, and one line in the list below; its group reads it through the accessor that the line makes
//! ([`Dissection`]). One that only wants a name: a line in `rheos_wire::detect`. Either way its name is a line in
//! `rheos_wire::app`.

use std::borrow::Cow;

pub mod codes;
pub mod detect;
mod flow;
#[macro_use]
mod protocols;
mod signatures;

pub use detect::{Detect, Match, Opening, Sides, Start, Verdict};
pub(crate) use flow::Spoken;
pub use flow::{Dissection, LAYERS_MAX, Layer};
use rheos_core::{Direction, Timestamp};
use rheos_wire::App;

protocols! {
    quic: Quic,
    proxy: Proxy,
    tls: Tls,
    ssh: Ssh,
    dns: Dns,
    http1: Http1,
    http2: Http2,
    session: Session,
    dhcp: Dhcp,
    ntp: Ntp,
    sip: Sip,
    ldap: Ldap,
    kerberos: Kerberos,
    mqtt: Mqtt,
    rdp: Rdp,
    smb: Smb,
    stun: Stun,
    snmp: Snmp,
    ike: Ike,
    wireguard: WireGuard,
    openvpn: OpenVpn,
    rtp: Rtp,
    bittorrent: BitTorrent,
    starttls: StartTls,
}

/// Bytes of one side of a TCP connection: in order, all that has arrived and was not consumed yet.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Who sent them.
    pub direction: Direction,
    /// Time of the packet that completed them.
    pub ts: Timestamp,
    /// The bytes, never empty.
    pub bytes: &'a [u8],
    /// Bytes before these were lost: not captured, never sent, or beyond a limit. Not set on the first bytes of a
    /// connection that the capture shows from its middle on.
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
    /// Another protocol, which is this one, begins after the consumed bytes and the first byte of the other side
    /// that was not consumed (with a datagram: begins with it). Not after either side was told [`Wants::Nothing`].
    Become(App),
    /// Some other protocol begins there: it is detected as at a flow's beginning.
    Detect,
    /// The detector was mistaken: these bytes are not of this protocol. The dissector is forgotten.
    Mistaken,
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

    /// The first `consumed` bytes and `skip` bytes after them, whether or not they have arrived.
    pub const fn skip(consumed: usize, skip: u64) -> Self {
        Self { consumed, skip, wants: Wants::More }
    }

    /// Nothing more is wanted of either side.
    pub const fn enough() -> Self {
        Self { consumed: 0, skip: 0, wants: Wants::Enough }
    }

    /// The first `consumed` bytes; then something else is wanted than more.
    pub const fn then(consumed: usize, wants: Wants) -> Self {
        Self { consumed, skip: 0, wants }
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

    /// Nothing more will come: the flow has ended, or another protocol begins.
    fn on_end(&mut self) {}

    /// Whether what was read since detection can only be of this protocol: then nobody doubts the detector.
    fn is_certain(&self) -> bool {
        false
    }

    /// The protocol inside this one as application-layer protocol negotiation (RFC 7301) tells it: what the server
    /// chose, or, where that cannot be seen, the only one that the client offered.
    fn alpn(&self) -> Option<Cow<'_, str>> {
        None
    }

    /// Memory held beside the value itself, in bytes.
    fn heap_bytes(&self) -> usize;

    /// The part of it that waits for more datagrams: bytes of messages that are not whole. It counts against the limits
    /// of reassembly.
    fn waiting_bytes(&self) -> usize {
        0
    }

    /// There is no room for what waits: it is to be dropped. Nothing more is read of the flow.
    fn drop_waiting(&mut self) {}
}
