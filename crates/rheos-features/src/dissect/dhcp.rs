//! DHCP: what a client is and wants, and what a server gives it.

use rheos_wire::App;
use rheos_wire::service::dhcp::Message;

use super::codes::Codes;
use super::{Datagram, Detect, Dissector, Start, Wants};

/// What the messages of a flow say; of each field the first that came.
#[derive(Debug, Default)]
pub struct Dhcp {
    /// Types of messages.
    pub kinds: Codes,
    /// Ethernet address of the client.
    pub client_mac: Option<[u8; 6]>,
    /// The client's name for itself.
    pub host_name: Option<Box<[u8]>>,
    /// Options that the client wants, in its order.
    pub parameters: Option<Box<[u8]>>,
    /// What kind of client it says to be.
    pub vendor_class: Option<Box<[u8]>>,
    /// The address that the client asks for.
    pub requested_address: Option<[u8; 4]>,
    /// How long a server lends an address, in seconds.
    pub lease_s: Option<u32>,
}

impl Detect for Dhcp {
    const APPS: &'static [App] = &[App::Dhcp];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for Dhcp {
    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        let Some(message) = Message::parse(datagram.bytes) else { return Wants::More };
        if let Some(kind) = message.kind {
            self.kinds.insert(kind);
        }
        self.client_mac = self.client_mac.or(message.client_mac);
        if message.from_client {
            let keep = |place: &mut Option<Box<[u8]>>, value: Option<&[u8]>| {
                if place.is_none() {
                    *place = value.map(Box::from);
                }
            };
            keep(&mut self.host_name, message.host_name);
            keep(&mut self.parameters, message.parameters);
            keep(&mut self.vendor_class, message.vendor_class);
            self.requested_address = self.requested_address.or(message.requested_address);
        } else {
            self.lease_s = self.lease_s.or(message.lease_s);
        }
        Wants::More
    }

    fn heap_bytes(&self) -> usize {
        let texts = [&self.host_name, &self.parameters, &self.vendor_class];
        texts.into_iter().flatten().map(|text| text.len()).sum()
    }
}
