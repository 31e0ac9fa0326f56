//! The packets of a datagram: several with long headers may share it, and one with a short header ends it
//! (RFC 9000 §12.2).

use super::header::{Long, LongPacket, Negotiation, ShortPacket, has_fixed_bit, is_long, long};
use super::version::Version;

/// A packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// With a long header of a version that is read.
    Long(LongPacket<'a>),
    /// With a long header of another version: RFC 8999 tells the ids, nothing tells its end.
    Unread {
        /// Its version.
        version: Version,
        /// Destination connection id.
        dcid: &'a [u8],
        /// Source connection id.
        scid: &'a [u8],
    },
    /// The list of a server's versions.
    Negotiation(Negotiation<'a>),
    /// With a short header.
    Short(ShortPacket<'a>),
}

/// The packets of one datagram, in order. Ends at the first that does not fit; [`Self::is_malformed`] then tells.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: &'a [u8],
    /// Bytes that were sent, from `rest` on.
    sent: usize,
    first: bool,
    malformed: bool,
}

impl<'a> Packets<'a> {
    /// The packets in a datagram of which `sent` bytes were sent and `datagram` was captured.
    pub fn new(datagram: &'a [u8], sent: usize) -> Self {
        Self { rest: datagram, sent: sent.max(datagram.len()), first: true, malformed: false }
    }

    /// Whether what is left of the datagram is no packet. Zeros after a packet are padding of the datagram.
    pub const fn is_malformed(&self) -> bool {
        self.malformed
    }

    fn end(&mut self) -> &'a [u8] {
        self.sent = 0;
        std::mem::take(&mut self.rest)
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    #[inline]
    fn next(&mut self) -> Option<Packet<'a>> {
        let &first = self.rest.first()?;
        let begins = std::mem::take(&mut self.first);
        if !is_long(first) {
            let bytes = self.end();
            if begins || has_fixed_bit(first) {
                return Some(Packet::Short(ShortPacket { bytes }));
            }
            self.malformed = bytes.iter().any(|&byte| byte != 0);
            return None;
        }
        let Some(packet) = long(self.rest, self.sent) else {
            self.malformed = true;
            self.end();
            return None;
        };
        match packet {
            Long::Read(packet) => {
                self.rest = self.rest.get(packet.len..).unwrap_or_default();
                self.sent -= packet.len.min(self.sent);
                Some(Packet::Long(packet))
            }
            Long::Negotiation(list) => {
                self.end();
                Some(Packet::Negotiation(list))
            }
            Long::Unread(version, dcid, scid) => {
                self.end();
                Some(Packet::Unread { version, dcid, scid })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::header::LongType;
    use super::*;

    fn handshake(payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0xe0, 0, 0, 0, 1, 1, 5, 1, 6, payload.len() as u8];
        packet.extend(payload);
        packet
    }

    fn kinds(datagram: &[u8], sent: usize) -> (Vec<&'static str>, bool) {
        let mut packets = Packets::new(datagram, sent);
        let names = packets.by_ref().map(|packet| match packet {
            Packet::Long(packet) if packet.is_cut() => "cut",
            Packet::Long(LongPacket { kind: LongType::Handshake, .. }) => "handshake",
            Packet::Long(_) => "long",
            Packet::Unread { .. } => "unread",
            Packet::Negotiation(_) => "negotiation",
            Packet::Short(_) => "short",
        });
        let names = names.collect();
        (names, packets.is_malformed())
    }

    #[test]
    fn packets_share_a_datagram() {
        let mut datagram = handshake(&[1; 20]);
        datagram.extend(handshake(&[2; 9]));
        datagram.extend([0x41, 5, 9, 9]);
        assert_eq!(kinds(&datagram, 53), (vec!["handshake", "handshake", "short"], false));
        // Cut within the second packet.
        assert_eq!(kinds(&datagram[..45], 53), (vec!["handshake", "cut"], false));
        assert_eq!(kinds(&datagram[..30], 53), (vec!["handshake"], false));
    }

    #[test]
    fn what_follows_a_packet_is_padding_or_malformed() {
        let mut datagram = handshake(&[1; 20]);
        datagram.extend([0; 7]);
        assert_eq!(kinds(&datagram, 37), (vec!["handshake"], false));
        datagram[33] = 1;
        assert_eq!(kinds(&datagram, 37), (vec!["handshake"], true));
        (datagram[30], datagram[33]) = (0xc0, 0);
        assert_eq!(kinds(&datagram, 37), (vec!["handshake", "negotiation"], false));
        datagram[36] = 99;
        assert_eq!(kinds(&datagram, 37), (vec!["handshake"], true));
    }

    #[test]
    fn a_lone_packet_may_lack_the_fixed_bit() {
        assert_eq!(kinds(&[0x20, 1, 2, 3], 4), (vec!["short"], false));
        assert_eq!(kinds(&[0xc0, 0, 0, 0, 77, 0, 0, 1, 2], 9), (vec!["unread"], false));
        assert_eq!(kinds(&[], 0), (vec![], false));
        assert_eq!(kinds(&[0xc0, 0, 0], 3), (vec![], true));
    }
}
