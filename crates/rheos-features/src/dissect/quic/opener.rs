//! Opening Initial packets: whose keys fit, which packets they open, and the streams inside.

use rheos_core::Direction;
use rheos_wire::quic::{
    ConnectionId, Frame, Frames, InitialKey, InitialSecret, LongPacket, Opened, Sender, Version,
};

use super::crypto::CryptoStream;
use super::hellos::{Hellos, Progress};

/// Initial packets of a flow that are opened at most: more than a handshake needs under heavy loss.
const OPENED_MAX: u32 = 64;
/// Keys that are derived in vain at most.
const FAILURES_MAX: u32 = 8;
/// Frames of one packet that are read at most; clients that shuffle their hello send about thirty.
const FRAMES_MAX: usize = 128;

/// The keys of a connection attempt.
#[derive(Debug)]
struct Keys {
    version: Version,
    /// The connection id that they follow from.
    origin: ConnectionId,
    /// The client's, and the server's.
    sides: [InitialKey; 2],
    /// Who is the client.
    client: Direction,
}

impl Keys {
    fn new(version: Version, origin: ConnectionId, client: Direction) -> Option<Self> {
        let secret = InitialSecret::new(version, origin.as_slice())?;
        let sides = [secret.key(Sender::Client)?, secret.key(Sender::Server)?];
        Some(Self { version, origin, sides, client })
    }

    fn of(&self, from: Direction) -> &InitialKey {
        &self.sides[usize::from(from != self.client)]
    }
}

/// A client's Initial packet that the capture cut: it cannot be opened, but its connection id makes the server's key.
#[derive(Clone, Copy, Debug)]
struct Glimpse {
    origin: ConnectionId,
    client: Direction,
}

/// The end of a connection that an Initial packet told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Who ended it.
    pub by: Direction,
    /// Error code (RFC 9000 §20.1); 0x0100 to 0x01ff are TLS alerts.
    pub error: u64,
}

/// What became of an Initial packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was opened.
    Opened,
    /// Nothing opens it.
    Sealed,
    /// It was cut, or came when nothing more is read.
    Unread,
}

/// Reads the Initial packets of both sides.
#[derive(Debug, Default)]
pub(super) struct Opener {
    keys: Option<Box<Keys>>,
    glimpse: Option<Glimpse>,
    client: Option<Direction>,
    over: bool,
    opened: u32,
    failures: u32,
    attempts: u32,
    number_len: Option<u8>,
    /// The greatest packet number per side.
    largest: [Option<u64>; 2],
    streams: [Option<Box<CryptoStream>>; 2],
    progress: [Progress; 2],
    crypto_bytes: [u64; 2],
    refused: u32,
    /// Opened packets of the client up to the one that made its hello whole.
    hello_packets: u32,
    hellos: Hellos,
    closed: Option<Closed>,
}

impl Opener {
    /// Who is the client, as the keys proved it.
    pub(super) fn client(&self) -> Option<Direction> {
        self.client
    }

    pub(super) fn hellos(&self) -> &Hellos {
        &self.hellos
    }

    /// How often the client began, before a server's hello was read.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Bytes of the first opened packet's number.
    pub(super) fn number_len(&self) -> Option<u8> {
        self.number_len
    }

    pub(super) fn crypto_bytes(&self) -> [u64; 2] {
        self.crypto_bytes
    }

    /// CRYPTO frames that were refused at a limit.
    pub(super) fn refused(&self) -> u32 {
        self.refused
    }

    /// Packets that the client's hello took; `None` while it is not whole.
    pub(super) fn hello_packets(&self) -> Option<u32> {
        (self.progress_of(Sender::Client) == Progress::Read).then_some(self.hello_packets)
    }

    /// Whether some of the client's hello has come and the rest has not.
    pub(super) fn has_hello_gap(&self) -> bool {
        let client = self.client.unwrap_or(Direction::Forward);
        self.progress_of(Sender::Client) == Progress::Waits && self.crypto_bytes[client.index()] > 0
    }

    pub(super) fn closed(&self) -> Option<Closed> {
        self.closed
    }

    fn progress_of(&self, sender: Sender) -> Progress {
        let client = self.client.unwrap_or(Direction::Forward);
        let direction = if sender == Sender::Client { client } else { client.reversed() };
        self.progress[direction.index()]
    }

    /// Nothing more is read: keys and unfinished streams are let go.
    pub(super) fn end(&mut self) {
        self.over = true;
        self.keys = None;
        self.streams = [None, None];
    }

    /// Takes in an Initial packet. `retried` is the connection id that a Retry packet told the client to use.
    pub(super) fn on_packet(
        &mut self,
        packet: &LongPacket<'_>,
        from: Direction,
        retried: Option<&ConnectionId>,
    ) -> Outcome {
        if self.over {
            return Outcome::Unread;
        }
        if packet.is_cut() {
            self.on_cut(packet, from, retried);
            return Outcome::Unread;
        }
        let Some(opened) = self.open(packet, from, retried) else {
            if self.failures >= FAILURES_MAX && self.opened == 0 {
                self.end();
            }
            return Outcome::Sealed;
        };
        self.opened += 1;
        self.number_len.get_or_insert(opened.number_len);
        let largest = &mut self.largest[from.index()];
        *largest = (*largest).max(Some(opened.number));
        if Some(from) == self.client && self.progress_of(Sender::Client) == Progress::Waits {
            self.hello_packets += 1;
        }
        self.read(opened.payload(), packet.version, from);
        if self.opened >= OPENED_MAX {
            self.end();
        }
        Outcome::Opened
    }

    fn open(
        &mut self,
        packet: &LongPacket<'_>,
        from: Direction,
        retried: Option<&ConnectionId>,
    ) -> Option<Opened> {
        let largest = self.largest[from.index()];
        if let Some(keys) = self.keys.as_deref().filter(|keys| keys.version == packet.version)
            && let Some(opened) = keys.of(from).open(packet, largest)
        {
            return Some(opened);
        }
        if self.failures >= FAILURES_MAX {
            return None;
        }
        self.open_in_other_version(packet, from)
            .or_else(|| self.open_after_cut(packet, from))
            .or_else(|| self.open_as_first(packet, from, retried))
            .or_else(|| {
                self.failures += 1;
                None
            })
    }

    /// A server that answers in another version than the client's keeps the connection id that the keys follow from
    /// (RFC 9368 §2.3).
    fn open_in_other_version(
        &mut self,
        packet: &LongPacket<'_>,
        from: Direction,
    ) -> Option<Opened> {
        let known = self.keys.as_deref().filter(|keys| keys.version != packet.version)?;
        let keys = Keys::new(packet.version, known.origin, known.client)?;
        let opened = keys.of(from).open(packet, self.largest[from.index()])?;
        self.keys = Some(Box::new(keys));
        Some(opened)
    }

    /// Notes the connection id of the first cut packet, or of the one that follows a Retry packet.
    fn on_cut(&mut self, packet: &LongPacket<'_>, from: Direction, retried: Option<&ConnectionId>) {
        let Some(origin) = ConnectionId::new(packet.dcid).filter(|id| !id.is_empty()) else {
            return;
        };
        if self.glimpse.is_none() || retried == Some(&origin) {
            self.glimpse = Some(Glimpse { origin, client: from });
        }
    }

    /// A server's whole packet after the client's cut one.
    fn open_after_cut(&mut self, packet: &LongPacket<'_>, from: Direction) -> Option<Opened> {
        let nothing_known = self.keys.is_none();
        let glimpse = self.glimpse.filter(|it| nothing_known && it.client != from)?;
        let keys = Keys::new(packet.version, glimpse.origin, glimpse.client)?;
        let opened = keys.of(from).open(packet, None)?;
        self.attempts += 1;
        self.client = Some(glimpse.client);
        self.keys = Some(Box::new(keys));
        Some(opened)
    }

    /// A client's first packet, or its first one after a Retry packet: its own destination connection id makes the key.
    fn open_as_first(
        &mut self,
        packet: &LongPacket<'_>,
        from: Direction,
        retried: Option<&ConnectionId>,
    ) -> Option<Opened> {
        let origin = ConnectionId::new(packet.dcid)?;
        let retried = retried.copied();
        if self.hellos.server().is_some() || self.may_be_late(&origin, retried) {
            return None;
        }
        let secret = InitialSecret::new(packet.version, packet.dcid)?;
        let opened = secret.key(Sender::Client)?.open(packet, None)?;
        if self.keys.is_none() || retried != Some(origin) {
            self.attempts += 1;
            self.begin_again();
        }
        self.client = Some(from);
        self.keys = Keys::new(packet.version, origin, from).map(Box::new);
        Some(opened)
    }

    /// Whether a packet to `origin` adds nothing: its keys were tried, or the client was told to use another id since.
    fn may_be_late(&self, origin: &ConnectionId, retried: Option<ConnectionId>) -> bool {
        let Some(keys) = self.keys.as_deref() else { return false };
        keys.origin == *origin || retried == Some(keys.origin)
    }

    /// The client begins anew, in another version or because nobody answered.
    fn begin_again(&mut self) {
        self.largest = [None; 2];
        self.streams = [None, None];
        self.progress = [Progress::default(); 2];
        self.hello_packets = 0;
        self.hellos = Hellos::default();
    }

    fn read(&mut self, payload: &[u8], version: Version, from: Direction) {
        let side = from.index();
        let mut grew = false;
        for frame in Frames::new(payload, version).take(FRAMES_MAX) {
            match frame {
                Frame::Crypto { offset, data } => {
                    self.crypto_bytes[side] += data.len() as u64;
                    if self.progress[side] == Progress::Waits {
                        let taken = self.streams[side].get_or_insert_default().insert(offset, data);
                        self.refused = self.refused.saturating_add(u32::from(!taken));
                        grew = true;
                    }
                }
                Frame::Close(close) => {
                    self.closed.get_or_insert(Closed { by: from, error: close.error });
                }
                Frame::Padding(_) | Frame::Ping | Frame::Ack(_) => {}
            }
        }
        let Some(stream) = self.streams[side].as_deref_mut().filter(|_| grew) else { return };
        self.progress[side] = if Some(from) == self.client {
            self.hellos.read_client(stream, version)
        } else {
            self.hellos.read_server(stream, version)
        };
        if self.progress[side] != Progress::Waits {
            self.streams[side] = None;
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let keys = self.keys.as_ref().map_or(0, |_| size_of::<Keys>());
        keys + self.waiting_bytes() + self.hellos.heap_bytes()
    }

    /// What CRYPTO frames wait in.
    pub(super) fn waiting_bytes(&self) -> usize {
        let streams = self.streams.iter().flatten();
        streams.map(|stream| size_of::<CryptoStream>() + stream.heap_bytes()).sum()
    }

    pub(super) fn drop_waiting(&mut self) {
        self.streams = [None, None];
    }
}
