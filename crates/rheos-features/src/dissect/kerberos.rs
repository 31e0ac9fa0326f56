//! Kerberos in datagrams and over TCP (RFC 4120 §7.2): who asks for tickets to what.

use rheos_wire::App;
use rheos_wire::service::kerberos::{HEAD_BYTES, Message};

use super::codes::Codes;
use super::{Chunk, Datagram, Detect, Dissector, Start, Taken, Wants};

/// Longest realm or name that is kept, in bytes as they are encoded.
pub const NAME_MAX: usize = 255;

/// What the messages of a flow say.
#[derive(Debug, Default)]
pub struct Kerberos {
    /// Kinds of messages.
    pub kinds: Codes,
    /// Codes of errors.
    pub errors: Codes,
    /// The first realm.
    pub realm: Option<Box<[u8]>>,
    /// Parts of the first name of a client.
    pub client: Option<Box<[u8]>>,
    /// Parts of the first name of a service.
    pub service: Option<Box<[u8]>>,
    /// Kind of key of the first ticket.
    pub ticket_key: Option<u8>,
}

/// Keeps the first.
fn keep(place: &mut Option<Box<[u8]>>, said: Option<&[u8]>) {
    if place.is_none() {
        *place = said.map(|said| Box::from(said.get(..NAME_MAX).unwrap_or(said)));
    }
}

impl Kerberos {
    fn take(&mut self, bytes: &[u8]) -> bool {
        let Some(message) = Message::parse(bytes) else { return false };
        self.kinds.insert(message.kind);
        if let Some(code) = message.error {
            self.errors.insert(code);
        }
        keep(&mut self.realm, message.realm);
        keep(&mut self.client, message.client);
        keep(&mut self.service, message.service);
        self.ticket_key = self.ticket_key.or(message.ticket_key);
        true
    }
}

impl Detect for Kerberos {
    const APPS: &'static [App] = &[App::Kerberos];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for Kerberos {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        if chunk.gap {
            return Taken::enough();
        }
        let mut at = 0;
        // Each turn but the last takes four bytes at least.
        while let Some((len, rest)) =
            chunk.bytes.get(at..).and_then(|it| it.split_first_chunk::<4>())
        {
            // The highest bit is for extensions (RFC 5021), which nobody speaks.
            let len = u32::from_be_bytes(*len) as usize;
            let Some(head) = rest.get(..len.min(HEAD_BYTES)) else { break };
            if !self.take(head) {
                return Taken::enough();
            }
            if len > rest.len() {
                return Taken::skip(at, 4 + len as u64);
            }
            at += 4 + len;
        }
        Taken::first(at)
    }

    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        self.take(datagram.bytes);
        Wants::More
    }

    fn heap_bytes(&self) -> usize {
        let names = [&self.realm, &self.client, &self.service];
        names.into_iter().flatten().map(|name| name.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use rheos_core::{Direction, Timestamp};

    use super::*;

    #[test]
    fn messages_behind_their_lengths() {
        let error = [0x7e, 17, 0x30, 15, 0xa0, 3, 2, 1, 5, 0xa1, 3, 2, 1, 30, 0xa6, 3, 2, 1, 24];
        let bytes = [&[0, 0, 0, 19][..], &error, &[0, 0, 0]].concat();
        let mut kerberos = Kerberos::default();
        let (direction, ts) = (Direction::Forward, Timestamp::from_nanos(0));
        let mut say = |bytes| kerberos.on_stream(Chunk { direction, ts, bytes, gap: false });
        assert_eq!(say(&bytes[..20]), Taken::first(0));
        assert_eq!(say(&bytes), Taken::first(23));
        // A long one is stepped over once its beginning was read.
        let mut long = vec![0, 0, 0x40, 4, 0x6d, 0x82, 0x40, 0, 0x30, 0x82, 0x3f, 0xfc];
        long.resize(4 + HEAD_BYTES, 0);
        assert_eq!(say(&long[..HEAD_BYTES]), Taken::first(0));
        assert_eq!(say(&long), Taken::skip(0, 4 + 0x4004));
        assert_eq!(say(&[0, 0, 0, 0, 1]), Taken::enough(), "no message is empty");
        assert_eq!(
            (kerberos.kinds.as_slice(), kerberos.errors.as_slice()),
            (&[30, 13][..], &[24][..])
        );
    }
}
