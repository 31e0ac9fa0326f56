//! WireGuard: how often keys are agreed, and how many packets go through the tunnel.

use rheos_wire::App;
use rheos_wire::service::wireguard::Kind;

use super::{Datagram, Detect, Dissector, Start, Wants};

/// How many messages of each kind a flow has.
#[derive(Debug, Default)]
pub struct WireGuard {
    /// Handshakes that were begun.
    pub initiations: u32,
    /// Handshakes that were answered.
    pub responses: u32,
    /// Answers under load.
    pub cookies: u32,
    /// Packets of the tunnel, those that keep it alive among them.
    pub data: u32,
    /// Packets of the tunnel without content.
    pub keep_alives: u32,
}

impl Detect for WireGuard {
    const APPS: &'static [App] = &[App::WireGuard];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for WireGuard {
    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        let Some(kind) = Kind::parse(datagram.bytes, datagram.sent_len as usize) else {
            return Wants::More;
        };
        let count = match kind {
            Kind::Initiation => &mut self.initiations,
            Kind::Response => &mut self.responses,
            Kind::Cookie => &mut self.cookies,
            Kind::Data => &mut self.data,
            Kind::KeepAlive => {
                self.keep_alives = self.keep_alives.saturating_add(1);
                &mut self.data
            }
        };
        *count = count.saturating_add(1);
        Wants::More
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}
