//! What a handshake tells, message by message, whatever carries it.

use std::borrow::Cow;

use rheos_core::{Direction, Timestamp};
use rheos_wire::tls::handshake::{Certificates, ServerKeyExchange, kinds};
use rheos_wire::tls::{
    Alert, Carrier, ClientFacts, ClientHello, ServerFacts, ServerHello, ciphers, versions,
};
use rheos_wire::x509::{self, Certificate, CertificateFacts};

/// Certificates that are looked at in one message.
const CERTIFICATES_MAX: usize = 64;

/// Everything that was told of one handshake.
#[derive(Debug)]
pub struct Handshake {
    /// What carried it.
    carrier: Carrier,
    client: Option<Box<ClientFacts>>,
    server: Option<Box<ServerFacts>>,
    /// Who sent the ClientHello; told by a ServerHello, too.
    client_side: Option<Direction>,
    chain: Option<Box<CertificateChain>>,
    client_certificates: Option<u32>,
    key_exchange: Option<ServerKeyExchange>,
    retry: Option<Retry>,
    first_alert: Option<FirstAlert>,
    alerts: u32,
    /// ClientHellos in all.
    client_hellos: u32,
    /// Packets that made a handshake message whole.
    packets: u32,
    /// The packet at hand is among them.
    packet_counted: bool,
    /// Bits of [`seen`].
    seen: u8,
    malformed: u32,
    gaps: u32,
    record_version: Option<u16>,
    client_at: Option<Timestamp>,
    server_at: Option<Timestamp>,
    protected_at: [Option<Timestamp>; 2],
}

/// What else was seen of a handshake of TLS 1.2 or older.
mod seen {
    /// A message that only a full handshake has.
    pub(super) const FULL: u8 = 1;
    /// The server's ChangeCipherSpec without such a message before it.
    pub(super) const SHORT: u8 = 2;
    /// CertificateRequest.
    pub(super) const CERTIFICATE_REQUEST: u8 = 4;
    /// NewSessionTicket.
    pub(super) const NEW_TICKET: u8 = 8;
    /// CertificateStatus.
    pub(super) const CERTIFICATE_STATUS: u8 = 16;
    /// HelloVerifyRequest of DTLS.
    pub(super) const VERIFY_REQUEST: u8 = 32;
}

/// A HelloRetryRequest.
#[derive(Clone, Copy, Debug)]
struct Retry {
    group: Option<u16>,
}

/// The first alert that is not encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstAlert {
    /// What it says.
    pub alert: Alert,
    /// Who sent it.
    pub from: Direction,
}

/// The server's Certificate message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateChain {
    /// Certificates in it.
    pub count: u32,
    /// Sum of their lengths in bytes.
    pub total_len: u32,
    /// Length of the first one in bytes.
    pub first_len: u32,
    /// SHA-256 of the first one.
    pub fingerprint: [u8; 32],
    /// What the first one says; `None` if it cannot be read.
    pub leaf: Option<CertificateFacts>,
    /// Whether the first one is for the name that the client asked for; `None` if it asked for none.
    pub names_server: Option<bool>,
}

impl Handshake {
    /// Nothing was told yet.
    pub fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            client: None,
            server: None,
            client_side: None,
            chain: None,
            client_certificates: None,
            key_exchange: None,
            retry: None,
            first_alert: None,
            alerts: 0,
            client_hellos: 0,
            packets: 0,
            packet_counted: false,
            seen: 0,
            malformed: 0,
            gaps: 0,
            record_version: None,
            client_at: None,
            server_at: None,
            protected_at: [None; 2],
        }
    }

    /// What carried it.
    pub fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// What the client offers in its first ClientHello.
    pub fn client(&self) -> Option<&ClientFacts> {
        self.client.as_deref()
    }

    /// What the server chose; HelloRetryRequests are told by [`Self::is_retried`].
    pub fn server(&self) -> Option<&ServerFacts> {
        self.server.as_deref()
    }

    /// The protocol inside: what the server chose, or the only one that the client offered where the choice is
    /// encrypted or was not seen.
    pub fn alpn(&self) -> Option<Cow<'_, str>> {
        if let Some(server) = self.server()
            && (server.alpn.is_some() || !versions::is_13(server.chosen_version))
        {
            // Before TLS 1.3, to tell nothing is to choose nothing.
            return server.alpn.as_deref().map(Cow::Borrowed);
        }
        let mut offers = self.client()?.alpn();
        offers.next().filter(|_| offers.next().is_none())
    }

    /// Who is the client, if a hello told it.
    pub fn client_side(&self) -> Option<Direction> {
        self.client_side
    }

    /// ClientHellos of the client.
    pub fn client_hellos(&self) -> u32 {
        self.client_hellos
    }

    /// Packets with which a handshake message in the clear became whole.
    pub fn packets(&self) -> u32 {
        self.packets
    }

    /// Whether the server asked for another ClientHello by a HelloRetryRequest.
    pub fn is_retried(&self) -> bool {
        self.retry.is_some()
    }

    /// The group that a HelloRetryRequest asks for.
    pub fn retry_group(&self) -> Option<u16> {
        self.retry.and_then(|retry| retry.group)
    }

    /// Whether the server of DTLS asked for a cookie by a HelloVerifyRequest.
    pub fn is_verified(&self) -> bool {
        self.has(seen::VERIFY_REQUEST)
    }

    /// The server's certificates (TLS 1.2 and older; later they are encrypted).
    pub fn chain(&self) -> Option<&CertificateChain> {
        self.chain.as_deref()
    }

    /// How many certificates the client sent, in the clear.
    pub fn client_certificates(&self) -> Option<u32> {
        self.client_certificates
    }

    /// Whether the server asked for a certificate, in the clear.
    pub fn is_certificate_requested(&self) -> bool {
        self.has(seen::CERTIFICATE_REQUEST)
    }

    /// Whether the server sent a new session ticket, in the clear.
    pub fn has_new_ticket(&self) -> bool {
        self.has(seen::NEW_TICKET)
    }

    /// Whether the server sent the status of its certificate (OCSP stapling), in the clear.
    pub fn has_certificate_status(&self) -> bool {
        self.has(seen::CERTIFICATE_STATUS)
    }

    /// Alerts that are not encrypted.
    pub fn alerts(&self) -> u32 {
        self.alerts
    }

    /// The first of them.
    pub fn first_alert(&self) -> Option<FirstAlert> {
        self.first_alert
    }

    /// Messages and records that do not fit what they should be.
    pub fn malformed(&self) -> u32 {
        self.malformed
    }

    /// How often bytes were lost.
    pub fn gaps(&self) -> u32 {
        self.gaps
    }

    /// The version field of the client's first record.
    pub fn record_version(&self) -> Option<u16> {
        self.record_version
    }

    /// When the first ClientHello was there as a whole.
    pub fn client_at(&self) -> Option<Timestamp> {
        self.client_at
    }

    /// When the ServerHello was there as a whole.
    pub fn server_at(&self) -> Option<Timestamp> {
        self.server_at
    }

    /// When a side began to send encrypted: its first ChangeCipherSpec or encrypted record after the ServerHello.
    pub fn protected_at(&self, direction: Direction) -> Option<Timestamp> {
        self.protected_at[direction.index()]
    }

    /// When both sides had begun to send encrypted.
    pub fn completed_at(&self) -> Option<Timestamp> {
        let [forward, backward] = self.protected_at;
        Some(forward?.max(backward?))
    }

    /// The group of the key exchange and the length in bits of the server's share in it. Without a group where a
    /// prime was sent instead of a name; then the length is the prime's.
    pub fn key_exchange(&self) -> (Option<u16>, Option<u32>) {
        let share = self.server().and_then(|server| server.key_share);
        match (share, self.key_exchange) {
            (Some(share), _) => (Some(share.group), Some(8 * u32::from(share.len))),
            (None, Some(ServerKeyExchange::Named { group, len })) => {
                (Some(group), Some(8 * u32::from(len)))
            }
            (None, Some(ServerKeyExchange::Prime { bits })) => (None, Some(bits)),
            (None, None) => (None, None),
        }
    }

    /// Whether an earlier session goes on. In TLS 1.3: the server chose a pre-shared key. Before: the handshake is the
    /// short one; where its end was not seen, the server sent back the session id that the client had named. `None`
    /// where that was not seen either.
    pub fn is_resumed(&self) -> Option<bool> {
        let server = self.server()?;
        if server.is_13() {
            return Some(server.chosen_psk.is_some());
        }
        if self.has(seen::FULL) {
            return Some(false);
        }
        if self.has(seen::SHORT) {
            return Some(true);
        }
        let client = self.client()?;
        if !client.session_id.is_empty() && client.session_id == server.session_id {
            return Some(true);
        }
        let offers_none = client.session_id.is_empty() && client.ticket_len.unwrap_or(0) == 0;
        offers_none.then_some(false)
    }

    /// Memory held beside the value itself, in bytes.
    pub fn heap_bytes(&self) -> usize {
        let client = self.client().map_or(0, |it| size_of::<ClientFacts>() + it.heap_bytes());
        let server = self.server().map_or(0, |it| size_of::<ServerFacts>() + it.heap_bytes());
        let chain = self.chain().map_or(0, |it| {
            size_of::<CertificateChain>() + it.leaf.as_ref().map_or(0, CertificateFacts::heap_bytes)
        });
        client + server + chain
    }

    fn has(&self, bit: u8) -> bool {
        self.seen & bit != 0
    }

    fn is_server(&self, direction: Direction) -> bool {
        self.client_side == Some(direction.reversed())
    }

    pub(super) fn note_malformed(&mut self) {
        self.malformed = self.malformed.saturating_add(1);
    }

    pub(super) fn note_gap(&mut self) {
        self.gaps = self.gaps.saturating_add(1);
    }

    /// What follows comes with another packet.
    pub(super) fn next_packet(&mut self) {
        self.packet_counted = false;
    }

    /// The version field of a record; that of the first one may be the client's.
    pub(super) fn note_record(&mut self, from: Direction, version: u16) {
        if self.record_version.is_none() && !self.is_server(from) && self.server.is_none() {
            self.record_version = Some(version);
        }
    }

    /// A handshake message in the clear.
    pub(super) fn on_message(&mut self, from: Direction, ts: Timestamp, kind: u8, body: &[u8]) {
        if !self.packet_counted {
            self.packet_counted = true;
            self.packets = self.packets.saturating_add(1);
        }
        match kind {
            kinds::CLIENT_HELLO => self.on_client_hello(from, ts, body),
            kinds::SERVER_HELLO => self.on_server_hello(from, ts, body),
            kinds::HELLO_RETRY_REQUEST => {
                self.retry = self.retry.or(Some(Retry { group: None }));
            }
            kinds::HELLO_VERIFY_REQUEST => self.seen |= seen::VERIFY_REQUEST,
            kinds::CERTIFICATE => self.on_certificate(from, body),
            kinds::SERVER_KEY_EXCHANGE => self.on_server_key_exchange(body),
            kinds::NEW_SESSION_TICKET => self.seen |= seen::NEW_TICKET,
            kinds::CERTIFICATE_STATUS => self.seen |= seen::CERTIFICATE_STATUS,
            _ => self.note_full(kind),
        }
    }

    /// A handshake message that is too long to be read.
    pub(super) fn on_unread(&mut self, from: Direction, kind: u8) {
        if kind == kinds::CERTIFICATE && self.is_server(from) {
            self.seen |= seen::FULL;
        }
        self.note_full(kind);
    }

    fn note_full(&mut self, kind: u8) {
        match kind {
            kinds::CERTIFICATE_REQUEST => self.seen |= seen::FULL | seen::CERTIFICATE_REQUEST,
            kinds::SERVER_HELLO_DONE | kinds::CLIENT_KEY_EXCHANGE => self.seen |= seen::FULL,
            _ => {}
        }
    }

    fn on_client_hello(&mut self, from: Direction, ts: Timestamp, body: &[u8]) {
        let Some(hello) = ClientHello::parse(body, self.carrier) else {
            return self.note_malformed();
        };
        if self.is_server(from) {
            return self.note_malformed();
        }
        self.client_side = Some(from);
        self.client_hellos = self.client_hellos.saturating_add(1);
        if self.client.is_none() {
            self.client = Some(Box::new(ClientFacts::new(&hello, self.carrier)));
            self.client_at = Some(ts);
        }
    }

    fn on_server_hello(&mut self, from: Direction, ts: Timestamp, body: &[u8]) {
        let Some(hello) = ServerHello::parse(body) else {
            return self.note_malformed();
        };
        if self.client_side == Some(from) {
            return self.note_malformed();
        }
        self.client_side = Some(from.reversed());
        if hello.is_retry() {
            if self.retry.is_none() {
                let group = ServerFacts::new(&hello).key_share.map(|share| share.group);
                self.retry = Some(Retry { group });
            }
        } else if self.server.is_none() {
            self.server = Some(Box::new(ServerFacts::new(&hello)));
            self.server_at = Some(ts);
        }
    }

    fn on_certificate(&mut self, from: Direction, body: &[u8]) {
        let Some(list) = Certificates::parse(body) else {
            return self.note_malformed();
        };
        if !self.is_server(from) {
            let count = list.take(CERTIFICATES_MAX).count() as u32;
            self.client_certificates = self.client_certificates.or(Some(count));
            return;
        }
        self.seen |= seen::FULL;
        if self.chain.is_some() {
            return;
        }
        let mut chain = CertificateChain {
            count: 0,
            total_len: 0,
            first_len: 0,
            fingerprint: [0; 32],
            leaf: None,
            names_server: None,
        };
        for der in list.take(CERTIFICATES_MAX) {
            if chain.count == 0 {
                self.note_leaf(&mut chain, der);
            }
            chain.count += 1;
            chain.total_len = chain.total_len.saturating_add(der.len() as u32);
        }
        self.chain = Some(Box::new(chain));
    }

    fn note_leaf(&mut self, chain: &mut CertificateChain, der: &[u8]) {
        chain.first_len = der.len() as u32;
        chain.fingerprint = x509::fingerprint(der);
        let Some(leaf) = Certificate::parse(der) else {
            return self.note_malformed();
        };
        chain.leaf = Some(CertificateFacts::new(&leaf));
        let asked = self.client().and_then(|client| client.server_name.as_deref());
        chain.names_server = asked.map(|name| leaf.names_host(name));
    }

    fn on_server_key_exchange(&mut self, body: &[u8]) {
        self.seen |= seen::FULL;
        let Some(server) = self.server() else {
            return;
        };
        let (exchange, with_hint) = ciphers::key_exchange(server.cipher_suite);
        let told = ServerKeyExchange::parse(body, exchange, with_hint);
        self.key_exchange = self.key_exchange.or(told);
    }

    pub(super) fn on_alert(&mut self, from: Direction, alert: Alert) {
        self.alerts = self.alerts.saturating_add(1);
        self.first_alert = self.first_alert.or(Some(FirstAlert { alert, from }));
    }

    pub(super) fn on_change_cipher_spec(&mut self, from: Direction, ts: Timestamp) {
        let whole_so_far = self.gaps == 0 && !self.has(seen::FULL);
        if self.server.is_some() && self.is_server(from) && whole_so_far {
            self.seen |= seen::SHORT;
        }
        self.on_encrypted(from, ts);
    }

    /// A side sends encrypted from here on, if the ServerHello was seen; before it, that is early data.
    pub(super) fn on_encrypted(&mut self, from: Direction, ts: Timestamp) {
        let at = &mut self.protected_at[from.index()];
        if self.server.is_some() && at.is_none() {
            *at = Some(ts);
        }
    }
}
