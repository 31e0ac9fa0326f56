//! SIP over UDP and TCP: what is asked for, by which software, in how many calls.

use std::hash::{DefaultHasher, Hash, Hasher};

use rheos_wire::App;
use rheos_wire::service::sip::{HEAD_MAX, Message, Start as Line, head_len};

use super::{Chunk, Datagram, Detect, Dissector, Start, Taken, Wants};

/// Calls that are told from each other at most.
pub const CALLS_MAX: usize = 64;
/// Longest name of software that is kept, in bytes.
pub const SOFTWARE_MAX: usize = 255;

/// What the messages of a flow say.
#[derive(Debug, Default)]
pub struct Sip {
    /// Method of the first request.
    pub method: Option<Box<[u8]>>,
    /// First final status.
    pub status: Option<u16>,
    /// Who sends requests, as the first says that says it.
    pub user_agent: Option<Box<[u8]>>,
    /// Who answers, likewise.
    pub server: Option<Box<[u8]>>,
    /// Requests.
    pub requests: u32,
    /// Responses.
    pub responses: u32,
    /// Media were described.
    pub media: bool,
    /// Hashes of what calls are called.
    calls: Vec<u64>,
}

impl Sip {
    /// Distinct calls; [`CALLS_MAX`] stands for more.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    fn take(&mut self, message: &Message<'_>) {
        let software = message.software.map(|it| it.get(..SOFTWARE_MAX).unwrap_or(it));
        let place = match message.start {
            Line::Request(method) => {
                self.requests = self.requests.saturating_add(1);
                self.method.get_or_insert_with(|| method.into());
                &mut self.user_agent
            }
            Line::Response(status) => {
                self.responses = self.responses.saturating_add(1);
                if status >= 200 {
                    self.status.get_or_insert(status);
                }
                &mut self.server
            }
        };
        if place.is_none() {
            *place = software.map(Box::from);
        }
        self.media |= message.media;
        let Some(call) = message.call_id else { return };
        let mut hasher = DefaultHasher::new();
        call.hash(&mut hasher);
        let hash = hasher.finish();
        if self.calls.len() < CALLS_MAX && !self.calls.contains(&hash) {
            self.calls.push(hash);
        }
    }
}

impl Detect for Sip {
    const APPS: &'static [App] = &[App::Sip];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for Sip {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        if chunk.gap {
            return Taken::enough();
        }
        let mut at = 0;
        // Each turn but the last takes two bytes at least.
        while let Some(rest) = chunk.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            // Line ends between messages keep a connection alive (RFC 5626 §3.5.1).
            if rest.starts_with(b"\r\n") {
                at += 2;
                continue;
            }
            let Some(len) = head_len(rest).filter(|&len| len <= HEAD_MAX) else {
                if rest.len() > HEAD_MAX {
                    return Taken::enough();
                }
                break;
            };
            let head = rest.get(..len).unwrap_or(rest);
            let Some(message) = Message::parse(head) else { return Taken::enough() };
            self.take(&message);
            at += len;
            if let Some(body) = message.body_len.filter(|&len| len > 0) {
                return Taken::skip(at, body.into());
            }
        }
        Taken::first(at)
    }

    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        if let Some(message) = Message::parse(datagram.bytes) {
            self.take(&message);
        }
        Wants::More
    }

    fn heap_bytes(&self) -> usize {
        let texts = [&self.method, &self.user_agent, &self.server];
        let texts: usize = texts.into_iter().flatten().map(|text| text.len()).sum();
        texts + self.calls.capacity() * size_of::<u64>()
    }
}
