//! MQTT: who connects, and which packets are exchanged.

use rheos_wire::App;
use rheos_wire::service::mqtt::{Beginning, CONNACK, CONNECT, CONNECT_MAX, Connect, Header};

use super::codes::Codes;
use super::{Chunk, Detect, Dissector, Start, Taken};

/// Longest name of a client that is kept, in bytes.
pub const CLIENT_ID_MAX: usize = 255;

/// What the packets of a flow say.
#[derive(Debug, Default)]
pub struct Mqtt {
    /// Types of packets.
    pub kinds: Codes,
    /// Control packets.
    pub packets: u32,
    /// The first CONNECT.
    pub connect: Option<Connected>,
    /// Code of the first CONNACK.
    pub code: Option<u8>,
}

/// What a client connects with.
#[derive(Debug)]
pub struct Connected {
    /// Protocol level.
    pub level: u8,
    /// A user's name was sent.
    pub with_user: bool,
    /// In seconds.
    pub keep_alive_s: u16,
    /// The client's name.
    pub client_id: Box<[u8]>,
}

impl Mqtt {
    fn take(&mut self, kind: u8, body: &[u8]) {
        self.kinds.insert(kind);
        self.packets = self.packets.saturating_add(1);
        match kind {
            CONNECT if self.connect.is_none() => {
                self.connect = Connect::parse(body).map(|it| Connected {
                    level: it.level,
                    with_user: it.with_user,
                    keep_alive_s: it.keep_alive_s,
                    client_id: it.client_id.get(..CLIENT_ID_MAX).unwrap_or(it.client_id).into(),
                });
            }
            CONNACK => self.code = self.code.or(body.get(1).copied()),
            _ => {}
        }
    }
}

impl Detect for Mqtt {
    const APPS: &'static [App] = &[App::Mqtt];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for Mqtt {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        if chunk.gap {
            return Taken::enough();
        }
        let mut at = 0;
        // Each turn but the last takes two bytes at least.
        while let Some(rest) = chunk.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let header = match Header::parse(rest) {
                Beginning::Is(header) => header,
                Beginning::Short => break,
                Beginning::Not => return Taken::enough(),
            };
            let wanted = match header.kind {
                CONNECT => header.body_len.min(CONNECT_MAX),
                CONNACK => header.body_len.min(2),
                _ => 0,
            };
            let ends = header.header_len + wanted;
            let Some(body) = rest.get(header.header_len..ends) else { break };
            self.take(header.kind, body);
            let len = header.header_len + header.body_len;
            if len > rest.len() {
                return Taken::skip(at, len as u64);
            }
            at += len;
        }
        Taken::first(at)
    }

    fn heap_bytes(&self) -> usize {
        self.connect.as_ref().map_or(0, |connect| connect.client_id.len())
    }
}
