//! IKE: which version, which exchanges.

use rheos_wire::App;
use rheos_wire::service::ike::Header;

use super::codes::Codes;
use super::{Datagram, Detect, Dissector, Start, Wants};

/// What the messages of a flow say.
#[derive(Debug, Default)]
pub struct Ike {
    /// Major version of the first message.
    pub version: Option<u8>,
    /// Types of exchanges.
    pub exchanges: Codes,
    /// Messages have the mark of NAT traversal: what has none is ESP.
    marked: bool,
}

impl Detect for Ike {
    const APPS: &'static [App] = &[App::Ike];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for Ike {
    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        // ESP goes between the same ports as messages with the mark do (RFC 3948 §2).
        let marked = datagram.bytes.starts_with(&[0; 4]);
        let Some(header) = Header::parse(datagram.bytes) else { return Wants::More };
        if marked || !self.marked {
            self.version.get_or_insert(header.version);
            self.exchanges.insert(header.exchange);
        }
        self.marked |= marked;
        Wants::More
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}
