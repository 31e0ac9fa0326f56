//! SNMP: which version, which operations.

use rheos_wire::App;
use rheos_wire::service::snmp::Message;

use super::codes::Codes;
use super::{Datagram, Detect, Dissector, Start, Wants};

/// What the messages of a flow say.
#[derive(Debug, Default)]
pub struct Snmp {
    /// The first message.
    pub first: Option<Message>,
    /// Kinds of PDUs.
    pub pdus: Codes,
}

impl Detect for Snmp {
    const APPS: &'static [App] = &[App::Snmp];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for Snmp {
    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        let Some(message) = Message::parse(datagram.bytes) else { return Wants::More };
        self.first.get_or_insert(message);
        if let Some(pdu) = message.pdu {
            self.pdus.insert(pdu);
        }
        Wants::More
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}
