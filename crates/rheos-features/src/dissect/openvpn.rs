//! OpenVPN in datagrams and over TCP: what its packets are for.

use rheos_wire::App;
use rheos_wire::service::openvpn::Header;

use super::codes::Codes;
use super::{Chunk, Datagram, Detect, Dissector, Start, Taken, Wants};

/// What the first bytes of a flow's packets say.
#[derive(Debug, Default)]
pub struct OpenVpn {
    /// Opcodes.
    pub opcodes: Codes,
    /// The highest version of a packet that begins a session.
    pub reset_version: Option<u8>,
    /// Packets that keep the session.
    pub controls: u32,
    /// Packets of the tunnel.
    pub data: u32,
    /// A bit for each number of keys.
    key_ids: u8,
}

impl OpenVpn {
    /// How many numbers of keys there were.
    pub const fn key_ids(&self) -> u32 {
        self.key_ids.count_ones()
    }

    fn take(&mut self, bytes: &[u8]) -> bool {
        let Some(header) = Header::parse(bytes) else { return false };
        self.opcodes.insert(header.opcode);
        self.reset_version = self.reset_version.max(header.reset_version());
        self.key_ids |= 1 << header.key_id;
        let count = if header.is_data() { &mut self.data } else { &mut self.controls };
        *count = count.saturating_add(1);
        true
    }
}

impl Detect for OpenVpn {
    const APPS: &'static [App] = &[App::OpenVpn];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for OpenVpn {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        if chunk.gap {
            return Taken::enough();
        }
        let mut at = 0;
        // Each turn but the last takes three bytes at least.
        while let Some((len, rest)) =
            chunk.bytes.get(at..).and_then(|it| it.split_first_chunk::<2>())
        {
            if rest.is_empty() {
                break;
            }
            let len = usize::from(u16::from_be_bytes(*len));
            if len == 0 || !self.take(rest) {
                return Taken::enough();
            }
            if len > rest.len() {
                return Taken::skip(at, 2 + len as u64);
            }
            at += 2 + len;
        }
        Taken::first(at)
    }

    fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
        self.take(datagram.bytes);
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
    fn packets_one_after_the_other() {
        let mut openvpn = OpenVpn::default();
        let (direction, ts) = (Direction::Forward, Timestamp::from_nanos(0));
        let mut say = |bytes| openvpn.on_stream(Chunk { direction, ts, bytes, gap: false });
        assert_eq!(say(&[0, 2]), Taken::first(0));
        assert_eq!(say(&[0, 2, 0x50, 1, 0, 1]), Taken::first(4));
        // A long packet is stepped over.
        assert_eq!(say(&[0, 1, 0x28, 1, 0, 0x49]), Taken::skip(3, 258));
        assert_eq!(say(&[0, 0, 1]), Taken::enough(), "no packet is empty");
        assert_eq!(say(&[0, 3, 1, 2, 3]), Taken::enough(), "no such opcode");
        assert_eq!(openvpn.opcodes.as_slice(), &[10, 5, 9]);
        assert_eq!((openvpn.reset_version, openvpn.controls, openvpn.data), (Some(3), 2, 1));
        assert_eq!(openvpn.key_ids(), 2);
    }
}
