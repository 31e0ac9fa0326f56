//! QUIC: the packets of a connection by type, what its Initial packets say once they are opened, and what short headers
//! still show.
//!
//! Keys follow from the client's first destination connection id. They are derived anew after a Retry packet, for a
//! server that answers in another version, and when a client begins again after a list of versions.

mod crypto;
mod hellos;
mod opener;
mod path;

use std::borrow::Cow;

use rheos_core::{Direction, Nanos, Timestamp};
use rheos_wire::App;
use rheos_wire::quic::{
    ConnectionId, Detected, LongPacket, LongType, Negotiation, Packet, Packets, Version, detect,
    retry_is_genuine,
};
use rheos_wire::tls::{ClientFacts, ServerFacts};

pub use hellos::Parameters;
pub use opener::Closed;
pub use path::LongStart;

use super::{Datagram, Detect, Dissector, Opening, Start, Verdict, Wants};
use opener::{Opener, Outcome};
use path::Path;

/// Packets of one datagram that are read at most.
const PACKETS_MAX: usize = 16;
/// Versions of a server's list that are kept.
const VERSIONS_MAX: usize = 32;

/// What a packet is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketKind {
    /// Long header, Initial.
    Initial,
    /// Long header, 0-RTT.
    ZeroRtt,
    /// Long header, Handshake.
    Handshake,
    /// Long header, Retry, with a tag that is right or cannot be checked.
    Retry,
    /// A list of versions.
    Negotiation,
    /// Long header of a version that is not read.
    Unread,
    /// Short header.
    OneRtt,
}

/// A QUIC flow.
#[derive(Debug, Default)]
pub struct Quic {
    opener: Opener,
    paths: [Path; 2],
    /// Packets per kind and side.
    packets: [[u32; PacketKind::OneRtt as usize + 1]; 2],
    /// The client as its packets told it before any was opened.
    client: Option<Direction>,
    coalesced: u32,
    malformed: u32,
    sealed_initials: u32,
    retry: Option<Retry>,
    token_len: Option<u32>,
    negotiated: Option<Box<[Version]>>,
    /// When each side's first Initial packet came, and its first packet with a short header.
    first_initial: [Option<Timestamp>; 2],
    first_short: [Option<Timestamp>; 2],
}

/// The first Retry packet.
#[derive(Clone, Copy, Debug)]
struct Retry {
    scid: ConnectionId,
    genuine: Option<bool>,
}

impl Quic {
    /// Packets of a kind per direction.
    pub fn packets(&self, kind: PacketKind) -> [u32; 2] {
        self.packets.map(|side| side[kind as usize])
    }

    /// Who is the client: proved by keys, told by packets that only one side sends, or else the flow's initiator.
    pub fn client(&self) -> Direction {
        self.opener.client().or(self.client).unwrap_or(Direction::Forward)
    }

    fn server(&self) -> Direction {
        self.client().reversed()
    }

    /// The client's first long header, or the server's if there is none of the client.
    pub fn first(&self) -> Option<&LongStart> {
        let first = |direction: Direction| self.paths[direction.index()].first.as_ref();
        first(self.client()).or_else(|| first(self.server()))
    }

    /// The client's first long header.
    pub fn first_of_client(&self) -> Option<&LongStart> {
        self.paths[self.client().index()].first.as_ref()
    }

    /// The server's first long header, in the version that it chose.
    pub fn first_of_server(&self) -> Option<&LongStart> {
        self.paths[self.server().index()].first.as_ref()
    }

    /// Datagrams of more than one packet.
    pub fn coalesced(&self) -> u32 {
        self.coalesced
    }

    /// Datagrams that are no sequence of packets to their end.
    pub fn malformed(&self) -> u32 {
        self.malformed
    }

    /// Whole Initial packets that no key opened.
    pub fn sealed_initials(&self) -> u32 {
        self.sealed_initials
    }

    /// Whether an Initial packet was opened.
    pub fn is_opened(&self) -> bool {
        self.opener.client().is_some()
    }

    /// Bytes of the first opened packet's number, header protection removed.
    pub fn number_len(&self) -> Option<u8> {
        self.opener.number_len()
    }

    /// How often the client began before the server's hello: more than once after a list of versions.
    pub fn attempts(&self) -> u32 {
        self.opener.attempts()
    }

    /// Bytes of CRYPTO frames in opened packets per direction, repeated ones included.
    pub fn crypto_bytes(&self) -> [u64; 2] {
        self.opener.crypto_bytes()
    }

    /// CRYPTO frames that were refused because a stream had too many bytes or gaps.
    pub fn refused_frames(&self) -> u32 {
        self.opener.refused()
    }

    /// Opened packets of the client up to the one that made its hello whole.
    pub fn hello_packets(&self) -> Option<u32> {
        self.opener.hello_packets()
    }

    /// Whether the client's hello began and never was whole.
    pub fn has_hello_gap(&self) -> bool {
        self.opener.has_hello_gap()
    }

    /// Whether the integrity tag of the first Retry packet fits it; `None` without one, or where that cannot be told.
    pub fn retry_genuine(&self) -> Option<bool> {
        self.retry.and_then(|retry| retry.genuine)
    }

    /// Length of the longest token in the client's Initial packets.
    pub fn token_len(&self) -> Option<u32> {
        self.token_len
    }

    /// The versions of the first list that a server sent.
    pub fn negotiated(&self) -> Option<&[Version]> {
        self.negotiated.as_deref()
    }

    /// What the client's hello says; `None` before it is whole, and for `Q050`.
    pub fn client_hello(&self) -> Option<&ClientFacts> {
        self.opener.hellos().client()
    }

    /// What the server's hello says.
    pub fn server_hello(&self) -> Option<&ServerFacts> {
        self.opener.hellos().server()
    }

    /// The client's transport parameters.
    pub fn parameters(&self) -> Option<&Parameters> {
        self.opener.hellos().parameters()
    }

    /// Whether the server asked for another ClientHello.
    pub fn asks_again(&self) -> bool {
        self.opener.hellos().asks_again()
    }

    /// The name of the server that the client asks for.
    pub fn server_name(&self) -> Option<&str> {
        self.opener.hellos().server_name()
    }

    /// What the client calls itself, which only Google's does.
    pub fn user_agent(&self) -> Option<&str> {
        self.opener.hellos().user_agent()
    }

    /// Whether the client offers HTTP/3 by ALPN: `h3`, or a draft's `h3-29`. The server's choice is encrypted.
    pub fn offers_http3(&self) -> Option<bool> {
        let hello = self.client_hello()?;
        Some(hello.alpn().any(|name| name == "h3" || name.starts_with("h3-")))
    }

    /// The first CONNECTION_CLOSE frame of an opened packet.
    pub fn closed(&self) -> Option<Closed> {
        self.opener.closed()
    }

    /// How often the spin bit changed from one packet with a short header to the next, per direction.
    pub fn spin_flips(&self) -> [Option<u32>; 2] {
        [0, 1].map(|side: usize| self.paths[side].spin().flips())
    }

    /// Mean time between changes of the spin bit per direction.
    pub fn spin_period(&self) -> [Option<Nanos>; 2] {
        [0, 1].map(|side: usize| self.paths[side].spin().mean_period())
    }

    /// How often a side began to send to another connection id after the handshake.
    pub fn id_changes(&self) -> [Option<u32>; 2] {
        [0, 1].map(|side: usize| self.paths[side].id_changes())
    }

    /// Whether Handshake packets of both sides came, and packets with short headers after them.
    pub fn is_established(&self) -> bool {
        let both = |kind| self.packets(kind).iter().all(|count| *count > 0);
        both(PacketKind::Handshake) && both(PacketKind::OneRtt)
    }

    /// From the client's first Initial packet to the server's.
    pub fn response_time(&self) -> Option<Nanos> {
        let [client, server] = [self.client(), self.server()].map(Direction::index);
        Some(self.first_initial[server]?.since(self.first_initial[client]?))
    }

    /// From the client's first Initial packet to its first packet with a short header.
    pub fn handshake_time(&self) -> Option<Nanos> {
        let client = self.client().index();
        Some(self.first_short[client]?.since(self.first_initial[client]?))
    }

    fn count(&mut self, kind: PacketKind, from: Direction) {
        let count = &mut self.packets[from.index()][kind as usize];
        *count = count.saturating_add(1);
    }

    fn on_long(&mut self, packet: &LongPacket<'_>, from: Direction, ts: Timestamp) {
        let (Some(dcid), Some(scid)) =
            (ConnectionId::new(packet.dcid), ConnectionId::new(packet.scid))
        else {
            return;
        };
        if packet.kind == LongType::Retry {
            return self.on_retry(packet, from, scid);
        }
        let path = &mut self.paths[from.index()];
        path.own_id = Some(scid);
        path.first.get_or_insert(LongStart { version: packet.version, dcid, scid });
        match packet.kind {
            LongType::Initial => self.on_initial(packet, from, ts),
            LongType::ZeroRtt => {
                self.client.get_or_insert(from);
                self.count(PacketKind::ZeroRtt, from);
            }
            LongType::Handshake | LongType::Retry => self.count(PacketKind::Handshake, from),
        }
    }

    fn on_initial(&mut self, packet: &LongPacket<'_>, from: Direction, ts: Timestamp) {
        self.count(PacketKind::Initial, from);
        self.first_initial[from.index()].get_or_insert(ts);
        let retried = self.retry.as_ref().map(|retry| &retry.scid);
        match self.opener.on_packet(packet, from, retried) {
            Outcome::Opened | Outcome::Unread => {}
            Outcome::Sealed => self.sealed_initials = self.sealed_initials.saturating_add(1),
        }
        if from == self.client() {
            self.token_len = self.token_len.max(u32::try_from(packet.token.len()).ok());
        }
    }

    /// Only servers send Retry packets, and only one is followed (RFC 9000 §17.2.5.2).
    fn on_retry(&mut self, packet: &LongPacket<'_>, from: Direction, scid: ConnectionId) {
        let peer = self.paths[from.reversed().index()].first;
        let genuine = peer.and_then(|first| retry_is_genuine(packet, first.dcid.as_slice()));
        if genuine == Some(false) {
            self.malformed = self.malformed.saturating_add(1);
            return;
        }
        self.count(PacketKind::Retry, from);
        self.client.get_or_insert(from.reversed());
        self.retry.get_or_insert(Retry { scid, genuine });
    }

    fn on_negotiation(&mut self, list: &Negotiation<'_>, from: Direction) {
        if !list.is_whole() {
            self.malformed = self.malformed.saturating_add(1);
            return;
        }
        self.count(PacketKind::Negotiation, from);
        self.client.get_or_insert(from.reversed());
        self.negotiated.get_or_insert_with(|| list.versions().take(VERSIONS_MAX).collect());
    }

    fn on_unread(&mut self, version: Version, ids: [&[u8]; 2], from: Direction) {
        self.count(PacketKind::Unread, from);
        let [Some(dcid), Some(scid)] = ids.map(ConnectionId::new) else { return };
        let path = &mut self.paths[from.index()];
        path.own_id = Some(scid);
        path.first.get_or_insert(LongStart { version, dcid, scid });
    }
}

impl Detect for Quic {
    const APPS: &'static [App] = &[App::Quic];

    fn begin(_: &Start) -> Self {
        Self::default()
    }

    fn detect_datagram(opening: &Opening<'_>) -> Verdict {
        let sent = opening.sent_len as usize;
        match detect(opening.bytes, sent) {
            Some(Detected::Opened) => Verdict::yes(App::Quic, "quic.initial_opened", 1.0),
            Some(Detected::WellFormed) => Verdict::yes(App::Quic, "quic.lengths", 0.9),
            Some(Detected::Cut) => Verdict::yes(App::Quic, "quic.header", 0.7),
            // A Retry packet, or one that was cut too short: the next will tell.
            None if opens_with_known_header(opening.bytes, sent) => Verdict::More,
            None => Verdict::No,
        }
    }
}

fn opens_with_known_header(bytes: &[u8], sent: usize) -> bool {
    match Packets::new(bytes, sent).next() {
        Some(Packet::Long(packet)) => packet.has_fixed_bit(),
        _ => false,
    }
}

impl Dissector for Quic {
    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        let Datagram { direction: from, ts, bytes, sent_len } = datagram;
        let mut packets = Packets::new(bytes, sent_len as usize);
        let mut read = 0_u32;
        for packet in packets.by_ref().take(PACKETS_MAX) {
            read += 1;
            match packet {
                Packet::Short(packet) => {
                    self.count(PacketKind::OneRtt, from);
                    self.first_short[from.index()].get_or_insert(ts);
                    let [own, peer] = match from {
                        Direction::Forward => self.paths.each_mut(),
                        Direction::Backward => {
                            let [forward, backward] = self.paths.each_mut();
                            [backward, forward]
                        }
                    };
                    own.on_short(&packet, peer.own_id.as_ref(), ts);
                }
                Packet::Long(packet) => self.on_long(&packet, from, ts),
                Packet::Negotiation(list) => self.on_negotiation(&list, from),
                Packet::Unread { version, dcid, scid } => {
                    self.on_unread(version, [dcid, scid], from);
                }
            }
        }
        self.coalesced = self.coalesced.saturating_add(u32::from(read > 1));
        self.malformed = self.malformed.saturating_add(u32::from(packets.is_malformed()));
        if self.is_established() {
            self.opener.end();
        }
        Wants::More
    }

    fn alpn(&self) -> Option<Cow<'_, str>> {
        let mut offers = self.client_hello()?.alpn();
        offers.next().filter(|_| offers.next().is_none())
    }

    fn is_certain(&self) -> bool {
        self.is_opened()
    }

    fn heap_bytes(&self) -> usize {
        let versions = self.negotiated.as_ref().map_or(0, |list| size_of_val(&**list));
        self.opener.heap_bytes() + versions
    }

    fn waiting_bytes(&self) -> usize {
        self.opener.waiting_bytes()
    }

    fn drop_waiting(&mut self) {
        self.opener.drop_waiting();
    }
}
