//! Whether a datagram is QUIC, told by its bytes alone: never by ports, and never by a short header, which shows nothing
//! but one bit.

use super::header::{LongPacket, LongType, Negotiation, has_fixed_bit, is_long};
use super::keys::{InitialSecret, Sender};
use super::packets::{Packet, Packets};
use super::version::{Family, Version};

/// What a datagram was told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Detected {
    /// Its Initial packet opens with the client's key, which follows from the packet itself: no other protocol does that.
    Opened,
    /// Its packets are of a known version and fill it to the last byte; or a server's list of versions; or a client's
    /// packet of a reserved version, which asks for that list.
    WellFormed,
    /// The same as far as it was captured.
    Cut,
}

/// Both sides fill datagrams with Initial packets up to this length (RFC 9000 §14.1).
const INITIAL_DATAGRAM_MIN: usize = 1200;
/// The client chooses at least this many bytes for the first destination connection id (RFC 9000 §7.2).
const FIRST_DCID_MIN: usize = 8;
/// Packet number and payload are long enough for the sample of header protection (RFC 9001 §5.4.2).
const PROTECTED_MIN: usize = 20;
/// More packets than this in one datagram are not looked at.
const PACKETS_MAX: usize = 8;
/// Longer lists of versions than this are none.
const VERSIONS_MAX: usize = 64;

/// Whether a datagram, of which `sent` bytes were sent, is QUIC. Other protocols fail at the first five bytes; only what
/// has the form of an Initial packet costs cryptography, once.
#[inline]
pub fn detect(datagram: &[u8], sent: usize) -> Option<Detected> {
    let (&[first, version @ ..], _) = datagram.split_first_chunk::<5>()?;
    if !is_long(first) {
        return None;
    }
    let version = Version(u32::from_be_bytes(version));
    match version.family() {
        Family::Other => None,
        Family::Negotiation => negotiation(datagram, sent),
        Family::Reserved => reserved(datagram, sent),
        _ if has_fixed_bit(first) => packets(datagram, sent),
        _ => None,
    }
}

fn packets(datagram: &[u8], sent: usize) -> Option<Detected> {
    let mut packets = Packets::new(datagram, sent);
    let mut initial: Option<LongPacket<'_>> = None;
    let mut rest = sent;
    for packet in packets.by_ref().take(PACKETS_MAX) {
        match packet {
            Packet::Long(packet) => {
                let protected = packet.len - packet.number_offset.min(packet.len);
                if protected < PROTECTED_MIN || !packet.has_fixed_bit() {
                    return None;
                }
                rest -= packet.len.min(rest);
                if packet.kind == LongType::Initial {
                    initial.get_or_insert(packet);
                }
            }
            Packet::Short(_) if rest > PROTECTED_MIN => {}
            _ => return None,
        }
    }
    if packets.is_malformed() {
        return None;
    }
    if initial.is_some_and(|packet| opens(&packet)) {
        return Some(Detected::Opened);
    }
    if initial.is_some() && sent < INITIAL_DATAGRAM_MIN {
        return None;
    }
    if datagram.len() >= sent { Some(Detected::WellFormed) } else { initial.map(|_| Detected::Cut) }
}

/// Whether it is the Initial packet of a client that sends to a connection id of its own choice.
fn opens(packet: &LongPacket<'_>) -> bool {
    packet.dcid.len() >= FIRST_DCID_MIN
        && InitialSecret::new(packet.version, packet.dcid)
            .and_then(|secret| secret.key(Sender::Client))
            .is_some_and(|key| key.open(packet, None).is_some())
}

fn negotiation(datagram: &[u8], sent: usize) -> Option<Detected> {
    let Packet::Negotiation(list) = Packets::new(datagram, sent).next()? else { return None };
    let genuine = ids_fit(list.scid, list.dcid)
        && datagram.len() >= sent
        && list.is_whole()
        && list.versions().len() <= VERSIONS_MAX
        && list.versions().all(is_in_use)
        && has_read(&list);
    genuine.then_some(Detected::WellFormed)
}

fn has_read(list: &Negotiation<'_>) -> bool {
    list.versions().any(Version::is_read)
}

/// Numbers that servers list, those of versions that are not read among them.
fn is_in_use(version: Version) -> bool {
    match version.0.to_be_bytes() {
        [0xff, 0, 0, _] | [0xfa, 0xce, 0xb0, _] | [b'P', b'C', b'Q', _] => true,
        [b'Q' | b'T', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => !matches!(version.family(), Family::Other | Family::Negotiation),
    }
}

fn reserved(datagram: &[u8], sent: usize) -> Option<Detected> {
    let Packet::Unread { dcid, scid, .. } = Packets::new(datagram, sent).next()? else {
        return None;
    };
    let genuine = sent >= INITIAL_DATAGRAM_MIN && ids_fit(dcid, scid);
    genuine.then_some(if datagram.len() < sent { Detected::Cut } else { Detected::WellFormed })
}

/// Whether these may be the ids that a client chose for the server and for itself.
fn ids_fit(server: &[u8], client: &[u8]) -> bool {
    const MAX: usize = super::header::CID_LEN_MAX;
    (FIRST_DCID_MIN..=MAX).contains(&server.len()) && client.len() <= MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An Initial packet of `len` bytes that nothing opens.
    fn sealed(len: usize) -> Vec<u8> {
        let mut packet = vec![0xc0, 0, 0, 0, 1, 8];
        packet.extend([5; 8]);
        packet.extend([0, 0]);
        packet.extend((0x4000 | (len - 18) as u16).to_be_bytes());
        packet.resize(len, 0x99);
        packet
    }

    #[test]
    fn lengths_that_add_up_without_a_key() {
        let packet = sealed(1200);
        assert_eq!(detect(&packet, 1200), Some(Detected::WellFormed));
        assert_eq!(detect(&packet[..100], 1200), Some(Detected::Cut));
        assert_eq!(detect(&sealed(1199), 1199), None, "shorter than Initial packets may be");
        let mut longer = packet.clone();
        longer.extend([0; 50]);
        assert_eq!(detect(&longer, 1250), Some(Detected::WellFormed), "padded");
        longer[1200] = 0x40;
        assert_eq!(detect(&longer, 1250), Some(Detected::WellFormed), "with a short header");
        longer[1200] = 1;
        assert_eq!(detect(&longer, 1250), None);
        let mut unfixed = packet.clone();
        unfixed[0] = 0x80;
        assert_eq!(detect(&unfixed, 1200), None, "RTP has its version there");
        let mut other = packet;
        other[4] = 2;
        assert_eq!(detect(&other, 1200), None, "no such version");
    }

    #[test]
    fn handshake_packets_are_told_by_their_lengths() {
        let mut packet = vec![0xe3, 0, 0, 0, 1, 0, 0, 20];
        packet.extend([7; 20]);
        assert_eq!(detect(&packet, 28), Some(Detected::WellFormed));
        assert_eq!(detect(&packet, 29), None, "cut, and no Initial packet");
        packet.push(7);
        assert_eq!(detect(&packet, 29), None);
        packet[0] = 0xf3;
        assert_eq!(detect(&packet, 29), None, "a Retry packet shows too little");
    }

    #[test]
    fn lists_of_versions() {
        let list = |scid: &[u8], versions: &[u32]| {
            let mut packet = vec![0x9c, 0, 0, 0, 0, 0, scid.len() as u8];
            packet.extend(scid);
            packet.extend(versions.iter().flat_map(|version| version.to_be_bytes()));
            detect(&packet, packet.len())
        };
        let found = Some(Detected::WellFormed);
        assert_eq!(list(&[1; 8], &[0x1a2a_3a4a, 0x6b33_43cf, 1]), found);
        assert_eq!(list(&[1; 8], &[0xff00_0010, 0x5130_3433, 1]), found);
        assert_eq!(list(&[1; 8], &[0xff00_0010]), None, "none that is read");
        assert_eq!(list(&[1; 8], &[1, 0x1234_5678]), None);
        assert_eq!(list(&[1; 7], &[1]), None, "no client chose that");
        assert_eq!(list(&[1; 8], &[]), None);
    }

    #[test]
    fn a_reserved_version_asks_for_the_list() {
        let mut packet = sealed(1200);
        packet[1..5].copy_from_slice(&[0xfa, 0xba, 0xca, 0xda]);
        assert_eq!(detect(&packet, 1200), Some(Detected::WellFormed));
        assert_eq!(detect(&packet[..60], 1200), Some(Detected::Cut));
        assert_eq!(detect(&packet[..60], 60), None);
        packet[5] = 7;
        assert_eq!(detect(&packet, 1200), None);
    }

    /// The older tool took every DNS message for QUIC whose identifier begins with the right bits.
    #[test]
    fn defect_4_dns_messages_are_not_quic() {
        let question = b"\x07example\x03com\0\0\x01\0\x01";
        for id in 0..=u16::MAX {
            for flags in [[1, 0], [0x81, 0x80], [0, 0], [0x84, 0]] {
                for additional in [0, 1] {
                    let mut message = id.to_be_bytes().to_vec();
                    message.extend(flags);
                    message.extend([0, 1, 0, 0, 0, 0, 0, additional]);
                    message.extend(question);
                    assert_eq!(detect(&message, message.len()), None, "{id:04x} {flags:?}");
                }
            }
        }
    }

    #[test]
    fn short_headers_are_never_told() {
        for first in 0..=u8::MAX {
            assert_eq!(detect(&[first; 1200], 1200), None, "{first:02x}");
        }
        assert_eq!(detect(&[0xc0, 0, 0], 3), None);
        assert_eq!(detect(&[], 0), None);
    }
}
