//! RDP up to where its security begins.

use rheos_wire::App;
use rheos_wire::service::rdp::{Connection, TPKT};

use super::starttls::{Next, go_on, handshake};
use super::{Chunk, Detect, Dissector, Start, Taken, Wants};

/// Longest name in a cookie that is kept, in bytes.
pub const USER_MAX: usize = 255;

/// How the connection begins.
#[derive(Debug, Default)]
pub struct Rdp {
    /// The name in the request's cookie.
    pub user: Option<Box<[u8]>>,
    /// What the client can do, as bits; `Some` of a request, which without negotiation asks for none.
    pub requested: Option<u32>,
    /// What the server chose.
    pub selected: Option<u32>,
    /// Why the server refused.
    pub failure: Option<u32>,
    read: [u64; 2],
}

impl Rdp {
    fn take(&mut self, connection: &Connection<'_>) {
        if connection.request {
            let user = connection.user().map(|it| it.get(..USER_MAX).unwrap_or(it));
            self.user = self.user.take().or_else(|| user.map(Box::from));
            self.requested = self.requested.or(Some(connection.protocols.unwrap_or(0)));
        } else {
            self.failure = self.failure.or(connection.failure);
            if connection.failure.is_none() {
                self.selected = self.selected.or(Some(connection.protocols.unwrap_or(0)));
            }
        }
    }
}

impl Detect for Rdp {
    const APPS: &'static [App] = &[App::Rdp];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for Rdp {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        let mut at = 0;
        // Each turn but the last takes four bytes at least.
        while let Some(rest) = chunk.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match handshake(rest) {
                Next::Handshake => return Taken::then(at, Wants::Become(App::Tls)),
                Next::Short => break,
                _ => {}
            }
            let Some(&[version, _, high, low]) = rest.first_chunk::<TPKT>() else { break };
            if version != 3 {
                return Taken::enough();
            }
            let len = usize::from(u16::from_be_bytes([high, low])).max(TPKT);
            let Some(message) = rest.get(..len) else { break };
            if let Some(connection) = Connection::parse(message) {
                self.take(&connection);
            }
            at += len;
        }
        go_on(&mut self.read, &chunk, at)
    }

    fn heap_bytes(&self) -> usize {
        self.user.as_ref().map_or(0, |user| user.len())
    }
}
