//! TLS and DTLS: the handshake as far as it is in the clear.
//!
//! A side is read until what follows is encrypted: up to its first ChangeCipherSpec or encrypted record after the
//! ServerHello, in TLS 1.3 so up to the ServerHello. Handshake messages may be cut over records, and records over
//! segments, in every way: nothing is consumed before a message is there as a whole, so that what waits counts against
//! the limits of reassembly. Encrypted records are stepped over unread.
//!
//! | limit | default |
//! |---|---|
//! | length of a handshake message that is read; longer ones are stepped over | [`MESSAGE_MAX`], 64 KiB |
//! | records that one message is cut into | [`RECORDS_MAX`], 128 |
//! | encrypted records that are stepped over while no ServerHello was seen | [`SKIPPED_MAX`], 16 |
//! | of DTLS, see `tls/datagrams.rs` | 16 KiB held, 512 datagrams |

mod datagrams;
mod handshake;
mod message;

use std::borrow::Cow;

use datagrams::Datagrams;
pub use handshake::{CertificateChain, FirstAlert, Handshake};
use message::{Gathered, gather};
use rheos_core::{Direction, Timestamp};
use rheos_wire::App;
use rheos_wire::tls::dtls::{Records, begins_dtls};
use rheos_wire::tls::handshake::kinds;
use rheos_wire::tls::record::{HEADER_LEN, RecordHeader, begins_tls, content};
use rheos_wire::tls::versions::{TLS10, TLS12};
use rheos_wire::tls::{Alert, Carrier};

use super::{Chunk, Datagram, Detect, Dissector, Opening, Sides, Start, Taken, Verdict, Wants};

/// Longest handshake message that is read, in bytes. ClientHellos with post-quantum key shares have less than 4 KiB,
/// chains of certificates seldom more than 16 KiB.
pub const MESSAGE_MAX: usize = 64 << 10;
/// Records that one handshake message may be cut into.
pub const RECORDS_MAX: usize = 128;
/// Encrypted records that are stepped over on a side while no ServerHello was seen: early data, or a capture that
/// begins later than the connection.
pub const SKIPPED_MAX: u8 = 16;
/// Alerts and ChangeCipherSpecs in the clear are shorter than this.
const SHORT_MAX: u16 = 8;

/// Reads TLS over a stream, or DTLS.
#[derive(Debug)]
pub struct Tls {
    handshake: Handshake,
    sides: [Side; 2],
    /// Made with the first datagram.
    datagrams: Option<Box<Datagrams>>,
    message_max: usize,
}

/// Where one side of a stream is: at the header of a record, or within a handshake record at the beginning of a
/// message.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    /// Bytes of the handshake record at hand that are still to come; 0 at the header of a record.
    left: u16,
    /// Bytes of a handshake message that is too long to be read, still to come.
    unread: u32,
    /// Encrypted records that were stepped over without a ServerHello.
    skipped: u8,
    /// A ChangeCipherSpec was seen.
    changed: bool,
    /// Bytes were lost, and no record was found since.
    lost: bool,
}

/// What to do after a record or message.
enum Step {
    /// Go on so many bytes later, which may lie beyond the chunk.
    On(usize),
    /// More bytes are needed.
    Wait,
    /// Nothing more can be read of this side.
    Stop,
    /// This is no record.
    Mistake,
}

impl Tls {
    /// Before the first byte. Handshake messages of up to `message_max` bytes are read.
    pub fn new(carrier: Carrier, message_max: usize) -> Self {
        Self {
            handshake: Handshake::new(carrier),
            sides: [Side::default(); 2],
            datagrams: None,
            message_max,
        }
    }

    /// What was read.
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// What is wanted of a side after a step.
    fn wants(&self, direction: Direction) -> Wants {
        let over = |direction: Direction| self.handshake.protected_at(direction).is_some();
        match (over(direction), over(direction.reversed())) {
            (true, true) => Wants::Enough,
            (true, false) => Wants::Nothing,
            _ => Wants::More,
        }
    }

    /// The record or message at the beginning of `bytes`.
    fn step(&mut self, direction: Direction, ts: Timestamp, bytes: &[u8]) -> Step {
        let side = self.sides[direction.index()];
        if side.left > 0 {
            return self.handshake_bytes(direction, ts, bytes, side.left);
        }
        let Some(header) = RecordHeader::parse(bytes) else {
            return Step::Wait;
        };
        if !header.is_plausible() {
            self.handshake.note_malformed();
            return Step::Mistake;
        }
        self.handshake.note_record(direction, header.version);
        let end = HEADER_LEN + usize::from(header.len);
        let body = bytes.get(HEADER_LEN..end);
        match header.content {
            content::HANDSHAKE if header.len == 0 => Step::On(HEADER_LEN),
            content::HANDSHAKE => match bytes.get(HEADER_LEN) {
                None => Step::Wait,
                Some(&first) if self.is_encrypted(direction, first) => {
                    self.encrypted(direction, ts, end)
                }
                Some(_) => self.handshake_bytes(direction, ts, bytes, 0),
            },
            content::ALERT | content::CHANGE_CIPHER_SPEC if header.len <= SHORT_MAX => {
                let Some(body) = body else {
                    return Step::Wait;
                };
                self.short_record(direction, ts, header.content, body);
                Step::On(end)
            }
            _ => self.encrypted(direction, ts, end),
        }
    }

    fn short_record(&mut self, direction: Direction, ts: Timestamp, content: u8, body: &[u8]) {
        if content == content::CHANGE_CIPHER_SPEC {
            self.sides[direction.index()].changed = true;
            self.handshake.on_change_cipher_spec(direction, ts);
        } else if let Some(alert) = Alert::parse(body) {
            self.handshake.on_alert(direction, alert);
        }
    }

    /// Steps over an encrypted record of so many bytes.
    fn encrypted(&mut self, direction: Direction, ts: Timestamp, len: usize) -> Step {
        self.handshake.on_encrypted(direction, ts);
        if self.handshake.server().is_none() {
            let skipped = &mut self.sides[direction.index()].skipped;
            *skipped += 1;
            if *skipped >= SKIPPED_MAX {
                return Step::Stop;
            }
        }
        Step::On(len)
    }

    /// Whether a handshake record that begins so is encrypted, as those after a ChangeCipherSpec are. Only hellos
    /// follow one in the clear, after a HelloRetryRequest: TLS 1.3 has such records for the sake of old middle boxes.
    fn is_encrypted(&self, direction: Direction, first: u8) -> bool {
        let hello = match first {
            kinds::CLIENT_HELLO => self.handshake.client_side() == Some(direction),
            kinds::SERVER_HELLO => self.handshake.client_side() != Some(direction),
            _ => false,
        };
        self.sides[direction.index()].changed && !hello
    }

    /// The handshake message at the beginning of `bytes`: of which the first `left` belong to the record at hand, or
    /// a record's header comes first where that is 0.
    fn handshake_bytes(
        &mut self,
        direction: Direction,
        ts: Timestamp,
        bytes: &[u8],
        left: u16,
    ) -> Step {
        let side = &mut self.sides[direction.index()];
        if side.unread > 0 {
            return side.skip_unread(bytes, left);
        }
        match gather(bytes, left, self.message_max) {
            Gathered::Whole { kind, body, consumed, left } => {
                side.left = left;
                self.handshake.on_message(direction, ts, kind, &body);
                Step::On(consumed)
            }
            Gathered::TooLong { kind, len, consumed, left } => {
                side.left = left;
                side.unread = len;
                self.handshake.on_unread(direction, kind);
                Step::On(consumed)
            }
            Gathered::More => Step::Wait,
            Gathered::Broken => {
                self.handshake.note_malformed();
                Step::Stop
            }
        }
    }

    /// After lost bytes: goes on only where the next ones look like a record's header.
    fn find_record(&mut self, chunk: &Chunk<'_>) -> Option<Taken> {
        let side = &mut self.sides[chunk.direction.index()];
        if chunk.gap {
            *side = Side { changed: side.changed, skipped: side.skipped, ..Side::default() };
            side.lost = true;
            self.handshake.note_gap();
        }
        if !side.lost {
            return None;
        }
        let Some(header) = RecordHeader::parse(chunk.bytes) else {
            return Some(Taken::first(0));
        };
        if header.is_plausible() && header.len > 0 {
            side.lost = false;
            return None;
        }
        Some(Taken::then(0, Wants::Nothing))
    }
}

impl Side {
    /// Steps over the part of a message too long to be read that lies in one record.
    fn skip_unread(&mut self, bytes: &[u8], left: u16) -> Step {
        let (header_len, in_record) = match left {
            0 => match RecordHeader::parse(bytes) {
                Some(header) => (HEADER_LEN, header.len),
                None => return Step::Wait,
            },
            left => (0, left),
        };
        let part = self.unread.min(u32::from(in_record));
        self.unread -= part;
        self.left = in_record - part as u16;
        Step::On(header_len + part as usize)
    }
}

/// What the first record says of one side of a stream.
fn look(bytes: &[u8]) -> Verdict {
    if bytes.is_empty() {
        return Verdict::More;
    }
    match (begins_tls(bytes), bytes.first()) {
        (Some(true), Some(&content::ALERT)) => Verdict::yes(App::Tls, "tls.alert", 0.7),
        (Some(true), _) => Verdict::yes(App::Tls, "tls.hello", 0.95),
        (None, _) => Verdict::More,
        (Some(false), _) => look_midway(bytes),
    }
}

/// A stream that the capture shows from its middle on, if that happens to be a record's beginning.
fn look_midway(bytes: &[u8]) -> Verdict {
    let mut rest = bytes;
    let mut whole = 0;
    while !rest.is_empty() {
        let Some(header) = RecordHeader::parse(rest) else {
            return Verdict::More;
        };
        let sound = header.is_plausible() && (TLS10..=TLS12).contains(&header.version);
        if !sound || header.len == 0 {
            return Verdict::No;
        }
        match rest.get(HEADER_LEN + usize::from(header.len)..) {
            Some(after) => rest = after,
            None => break,
        }
        whole += 1;
    }
    Verdict::yes(App::Tls, "tls.records", if whole > 1 { 0.9 } else { 0.6 })
}

impl Detect for Tls {
    const APPS: &'static [App] = &[App::Tls, App::Dtls];

    fn begin(start: &Start) -> Self {
        let carrier = if start.datagrams { Carrier::Dtls } else { Carrier::Tls };
        Self::new(carrier, start.tls_message_max)
    }

    fn detect_stream(sides: &Sides<'_>) -> Verdict {
        match sides.bytes.map(look) {
            [yes @ Verdict::Yes(_), _] | [Verdict::More, yes @ Verdict::Yes(_)] => yes,
            [Verdict::More, Verdict::More] => Verdict::More,
            _ => Verdict::No,
        }
    }

    fn detect_datagram(opening: &Opening<'_>) -> Verdict {
        if begins_dtls(opening.bytes) {
            return Verdict::yes(App::Dtls, "dtls.hello", 0.95);
        }
        let mut records = Records::new(opening.bytes);
        let all = records.by_ref().all(|record| record.epoch > 0 && !record.data.is_empty());
        let headers = opening.bytes.first().is_some_and(|first| first >> 5 == 0);
        if headers && all && !records.is_malformed() {
            return Verdict::yes(App::Dtls, "dtls.records", 0.8);
        }
        Verdict::No
    }
}

impl Dissector for Tls {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        if let Some(taken) = self.find_record(&chunk) {
            return taken;
        }
        let direction = chunk.direction;
        self.handshake.next_packet();
        let mut consumed = 0;
        // Every step goes on by at least one byte.
        while let Some(rest) = chunk.bytes.get(consumed..).filter(|rest| !rest.is_empty()) {
            match self.step(direction, chunk.ts, rest) {
                Step::On(len) => consumed += len,
                Step::Wait => break,
                Step::Stop => return Taken::then(consumed, Wants::Nothing),
                Step::Mistake if self.is_certain() => return Taken::then(consumed, Wants::Nothing),
                Step::Mistake => return Taken::then(consumed, Wants::Mistaken),
            }
            let wants = self.wants(direction);
            if wants != Wants::More {
                return Taken::then(consumed.min(chunk.bytes.len()), wants);
            }
        }
        let there = consumed.min(chunk.bytes.len());
        Taken::skip(there, (consumed - there) as u64)
    }

    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        self.handshake.next_packet();
        let datagrams = self.datagrams.get_or_insert_default();
        if !datagrams.read(&datagram, &mut self.handshake) {
            self.datagrams = None;
            return Wants::Enough;
        }
        // Both sides share one flow of datagrams: none is turned away alone.
        match self.wants(datagram.direction) {
            Wants::Enough => {
                self.datagrams = None;
                Wants::Enough
            }
            _ => Wants::More,
        }
    }

    fn alpn(&self) -> Option<Cow<'_, str>> {
        self.handshake.alpn()
    }

    fn is_certain(&self) -> bool {
        self.handshake.client().is_some() || self.handshake.server().is_some()
    }

    fn heap_bytes(&self) -> usize {
        let datagrams = self.datagrams.as_ref().map_or(0, |it| size_of::<Datagrams>() + it.held());
        self.handshake.heap_bytes() + datagrams
    }

    fn waiting_bytes(&self) -> usize {
        self.datagrams.as_ref().map_or(0, |it| it.held())
    }

    fn drop_waiting(&mut self) {
        if let Some(datagrams) = &mut self.datagrams {
            datagrams.drop_held();
        }
    }
}

#[cfg(test)]
mod tests;
