//! LDAP over TCP and UDP, up to where it is encrypted: by TLS (RFC 4511 §4.14) or by SASL (RFC 4513 §5.2).

use rheos_wire::App;
use rheos_wire::detect::ber::{self, Header};
use rheos_wire::service::ldap::{Authentication, HEAD_BYTES, Message, SASL_IN_PROGRESS};

use super::codes::Codes;
use super::starttls::{Next, handshake};
use super::{Chunk, Datagram, Detect, Dissector, Start, Taken, Wants};

/// What the messages of a flow say.
#[derive(Debug, Default)]
pub struct Ldap {
    /// Operations.
    pub operations: Codes,
    /// Messages.
    pub messages: u32,
    /// Responses that tell of an error.
    pub errors: u32,
    /// Version and way of the first bind.
    pub bind: Option<(u8, Authentication)>,
}

impl Ldap {
    fn take(&mut self, message: &Message) {
        self.operations.insert(message.operation);
        self.messages = self.messages.saturating_add(1);
        self.bind = self.bind.or(message.bind);
        if message.result.is_some_and(|code| !matches!(code, 0 | SASL_IN_PROGRESS)) {
            self.errors = self.errors.saturating_add(1);
        }
    }
}

impl Detect for Ldap {
    const APPS: &'static [App] = &[App::Ldap];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for Ldap {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        if chunk.gap {
            return Taken::enough();
        }
        let mut at = 0;
        // Each turn but the last takes two bytes at least.
        while let Some(rest) = chunk.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match handshake(rest) {
                Next::Handshake => return Taken::then(at, Wants::Become(App::Tls)),
                Next::Short => break,
                _ => {}
            }
            let len = match ber::header(rest) {
                Header::Is(message) if message.tag == ber::SEQUENCE => message.total_len(),
                Header::Short => break,
                _ => return Taken::enough(),
            };
            let Some(head) = rest.get(..len.min(HEAD_BYTES)) else { break };
            let Some(message) = Message::parse(head) else { return Taken::enough() };
            self.take(&message);
            if len > rest.len() {
                return Taken::skip(at, len as u64);
            }
            at += len;
        }
        Taken::first(at)
    }

    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        let bytes = datagram.bytes;
        if let Some(message) = Message::parse(bytes.get(..HEAD_BYTES).unwrap_or(bytes)) {
            self.take(&message);
        }
        Wants::More
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use rheos_core::{Direction, Timestamp};

    use super::*;

    #[test]
    fn messages_up_to_the_handshake() {
        let hello = [0x16, 3, 1, 0, 80, 1, 0, 0, 76];
        let extended = [0x30, 12, 2, 1, 1, 0x77, 7, 0x80, 5, b'1', b'.', b'3', b'.', b'6'];
        let bytes = [&extended[..], &hello].concat();
        let mut ldap = Ldap::default();
        let (direction, ts) = (Direction::Forward, Timestamp::from_nanos(0));
        let mut say = |bytes| ldap.on_stream(Chunk { direction, ts, bytes, gap: false });
        assert_eq!(say(&bytes[..10]), Taken::first(0));
        assert_eq!(say(&bytes), Taken::then(14, Wants::Become(App::Tls)));
        // A long entry is stepped over once its beginning was read.
        let mut entry = vec![0x30, 0x82, 0x10, 0, 2, 1, 2, 0x64, 0x82, 0x0f, 0xf5];
        entry.resize(HEAD_BYTES, 4);
        assert_eq!(say(&entry), Taken::skip(0, 4 + 4096));
        assert_eq!(say(&[0, 0, 1, 0, 5]), Taken::enough(), "sealed");
        assert_eq!((ldap.messages, ldap.operations.as_slice()), (2, &[23, 4][..]));
    }
}
