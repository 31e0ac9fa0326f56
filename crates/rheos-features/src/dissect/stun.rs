//! STUN and TURN: what a host asks of a server to learn or get an address that others can reach.

use rheos_wire::App;
use rheos_wire::service::stun::Message;

use super::codes::Codes;
use super::{Datagram, Detect, Dissector, Start, Wants};

/// Longest name of software that is kept, in bytes.
pub const SOFTWARE_MAX: usize = 255;

/// What the messages of a flow say.
#[derive(Debug, Default)]
pub struct Stun {
    /// Kinds of messages.
    pub kinds: Codes,
    /// The first name of software.
    pub software: Option<Box<[u8]>>,
    /// A host was told its address as others see it.
    pub maps: bool,
}

impl Detect for Stun {
    const APPS: &'static [App] = &[App::Stun];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for Stun {
    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        // Media go between the same ports (RFC 7983).
        if let Some(message) = Message::parse(datagram.bytes) {
            self.kinds.insert(message.kind);
            self.maps |= message.maps;
            if self.software.is_none() {
                let kept = message.software.map(|it| it.get(..SOFTWARE_MAX).unwrap_or(it));
                self.software = kept.map(Box::from);
            }
        }
        Wants::More
    }

    fn heap_bytes(&self) -> usize {
        self.software.as_ref().map_or(0, |software| software.len())
    }
}
