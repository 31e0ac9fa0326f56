//! STUN and TURN: what a host asks of a server to learn or get an address that others can reach.

use rheos_wire::App;
use rheos_wire::service::stun::Message;

use super::codes::Codes;
use super::{Chunk, Datagram, Detect, Dissector, Start, Taken, Wants};

/// Longest name of software that is kept, in bytes.
pub const SOFTWARE_MAX: usize = 255;
/// Bytes of a message in a stream that are waited for, at most: what is longer relays data.
pub const HEAD_MAX: usize = 1024;

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

impl Stun {
    fn take(&mut self, bytes: &[u8]) {
        let Some(message) = Message::parse(bytes) else { return };
        self.kinds.insert(message.kind);
        self.maps |= message.maps;
        if self.software.is_none() {
            let kept = message.software.map(|it| it.get(..SOFTWARE_MAX).unwrap_or(it));
            self.software = kept.map(Box::from);
        }
    }
}

impl Detect for Stun {
    const APPS: &'static [App] = &[App::Stun];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for Stun {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        if chunk.gap {
            return Taken::enough();
        }
        let mut at = 0;
        // Each turn but the last takes four bytes at least.
        while let Some(rest) = chunk.bytes.get(at..) {
            let Some(&[first, _, high, low]) = rest.first_chunk::<4>() else { break };
            let told = usize::from(u16::from_be_bytes([high, low]));
            let len = match first >> 6 {
                0 => 20 + told,
                // Data of a channel, padded in streams (RFC 8656 §12.5).
                1 => 4 + told.next_multiple_of(4),
                _ => return Taken::enough(),
            };
            if first >> 6 == 0 {
                let Some(message) = rest.get(..len.min(HEAD_MAX)) else { break };
                self.take(message);
            }
            if len > rest.len() {
                return Taken::skip(at, len as u64);
            }
            at += len;
        }
        Taken::first(at)
    }

    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        // Media go between the same ports (RFC 7983).
        self.take(datagram.bytes);
        Wants::More
    }

    fn heap_bytes(&self) -> usize {
        self.software.as_ref().map_or(0, |software| software.len())
    }
}

#[cfg(test)]
mod tests {
    use rheos_core::{Direction, Timestamp};

    use super::*;

    #[test]
    fn messages_and_channels_in_a_stream() {
        let mut request = vec![0, 3, 0, 8, 0x21, 0x12, 0xa4, 0x42];
        request.resize(20, 7);
        request.extend([0x80, 0x22, 0, 3, b'a', b'b', b'c', 0]);
        let mut stun = Stun::default();
        let (direction, ts) = (Direction::Forward, Timestamp::from_nanos(0));
        let mut say = |bytes| stun.on_stream(Chunk { direction, ts, bytes, gap: false });
        assert_eq!(say(&request[..27]), Taken::first(0));
        // Five bytes of a channel take eight, and the next begins after them.
        let channel = [0x40, 1, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0];
        let bytes = [&request[..], &channel, &request, &channel[..3]].concat();
        assert_eq!(say(&bytes), Taken::first(28 + 12 + 28));
        assert_eq!(say(&channel[..6]), Taken::skip(0, 12));
        // A long message is stepped over once its beginning was read.
        let mut long = vec![0, 0x16, 0x10, 0, 0x21, 0x12, 0xa4, 0x42];
        long.resize(HEAD_MAX, 0);
        assert_eq!(say(&long[..100]), Taken::first(0));
        assert_eq!(say(&long), Taken::skip(0, 20 + 0x1000));
        assert_eq!(say(&[0x80, 0, 0, 0]), Taken::enough(), "no message begins so");
        // Allocate request, and send indication.
        assert_eq!(stun.kinds.as_slice(), &[3 << 2, 6 << 2 | 1]);
        assert_eq!(stun.software.as_deref(), Some(&b"abc"[..]));
    }
}
