//! NTP: who asks whom for the time, and how near to a clock that one is.

use rheos_wire::App;
use rheos_wire::service::ntp::{CONTROL, Header, PRIVATE};

use super::{Datagram, Detect, Dissector, Start, Wants};

/// What the messages of a flow say.
#[derive(Debug, Default)]
pub struct Ntp {
    /// The first message.
    pub first: Option<Header>,
    /// Stratum and reference of the first message of who tells time: not of a client's.
    pub clock: Option<(u8, [u8; 4])>,
    /// Messages that ask for or tell other things than time.
    pub controls: u32,
}

impl Detect for Ntp {
    const APPS: &'static [App] = &[App::Ntp];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for Ntp {
    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        const CLIENT: u8 = 3;
        let Some(header) = Header::parse(datagram.bytes) else { return Wants::More };
        self.first.get_or_insert(header);
        match header.mode {
            CONTROL | PRIVATE => self.controls = self.controls.saturating_add(1),
            CLIENT => {}
            _ => self.clock = self.clock.or(header.clock),
        }
        Wants::More
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}
