//! The two headers: long ones, of which RFC 8999 fixes the beginning for all versions, and short ones.

use std::fmt;

use super::read::Reader;
use super::retry::TAG_LEN;
use super::version::{Family, Version};

/// The longest connection id of versions 1 and 2 (RFC 9000 §17.2); RFC 8999 allows 255 bytes.
pub const CID_LEN_MAX: usize = 20;

const LONG_FORM: u8 = 0x80;
/// Set in every packet but those that negotiate versions, unless both sides agreed otherwise (RFC 9287).
const FIXED_BIT: u8 = 0x40;
const SPIN_BIT: u8 = 0x20;

/// Whether a datagram that begins with this byte begins with a long header.
pub(super) const fn is_long(first: u8) -> bool {
    first & LONG_FORM != 0
}

/// Whether the fixed bit is set.
pub(super) const fn has_fixed_bit(first: u8) -> bool {
    first & FIXED_BIT != 0
}

/// A connection id of its own, at most [`CID_LEN_MAX`] bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    len: u8,
    bytes: [u8; CID_LEN_MAX],
}

impl ConnectionId {
    /// `None` if it is longer than [`CID_LEN_MAX`].
    pub fn new(id: &[u8]) -> Option<Self> {
        let mut bytes = [0; CID_LEN_MAX];
        bytes.get_mut(..id.len())?.copy_from_slice(id);
        Some(Self { len: id.len() as u8, bytes })
    }

    /// Its bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Its length in bytes.
    pub const fn len(&self) -> u8 {
        self.len
    }

    /// Whether it has no bytes.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// In hexadecimal.
impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionId({self})")
    }
}

/// The type of a packet with a long header (RFC 9000 §17.2, RFC 9369 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LongType {
    /// Carries the first CRYPTO frames of both sides.
    Initial,
    /// Early data of the client.
    ZeroRtt,
    /// The rest of the handshake.
    Handshake,
    /// The server asks for the same again with a token.
    Retry,
}

/// A packet with a long header of a version that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongPacket<'a> {
    /// Its type.
    pub kind: LongType,
    /// Its version.
    pub version: Version,
    /// Destination connection id.
    pub dcid: &'a [u8],
    /// Source connection id.
    pub scid: &'a [u8],
    /// The token of an Initial packet, which is empty in most, or of a Retry packet.
    pub token: &'a [u8],
    /// The packet from its first byte on, as far as it was captured.
    pub bytes: &'a [u8],
    /// Its length by its header, in bytes; more than `bytes` where the capture was cut.
    pub len: usize,
    /// Where the packet number begins; in a Retry packet, which has none, where the packet ends.
    pub number_offset: usize,
}

impl<'a> LongPacket<'a> {
    /// Whether the capture ends within the packet.
    pub const fn is_cut(&self) -> bool {
        self.bytes.len() < self.len
    }

    /// Whether the bit is set that tells QUIC from what may share its port (RFC 9000 §17.2).
    pub fn has_fixed_bit(&self) -> bool {
        self.bytes.first().is_some_and(|&first| has_fixed_bit(first))
    }

    /// Reads the packet at the beginning of `bytes`, of which `sent` were sent. `None` if it does not fit them.
    fn read(start: &Start<'a>, bytes: &'a [u8], sent: usize) -> Option<Self> {
        let kind = start.version.long_type(start.first);
        let mut rest = start.rest;
        let at = |rest: Reader<'_>| bytes.len() - rest.rest().len();
        let packet = Self {
            kind,
            version: start.version,
            dcid: start.dcid,
            scid: start.scid,
            token: &[],
            bytes,
            len: sent,
            number_offset: sent,
        };
        if start.dcid.len() > CID_LEN_MAX || start.scid.len() > CID_LEN_MAX {
            return None;
        }
        if kind == LongType::Retry {
            let tag = if has_retry_tag(start.version) { TAG_LEN } else { 0 };
            let token_len = sent.checked_sub(at(rest))?.checked_sub(tag)?;
            let token = rest.rest().get(..token_len).unwrap_or(rest.rest());
            return Some(Self { token, ..packet });
        }
        let token = if kind == LongType::Initial { rest.counted()? } else { &[] };
        let payload = usize::try_from(rest.varint()?).ok()?;
        let number_offset = at(rest);
        let len = number_offset.checked_add(payload).filter(|len| *len <= sent)?;
        let bytes = bytes.get(..len).unwrap_or(bytes);
        Some(Self { token, bytes, len, number_offset, ..packet })
    }
}

/// Retry packets of drafts before 25 have no integrity tag, but the original connection id before their token.
fn has_retry_tag(version: Version) -> bool {
    !matches!(version.family(), Family::Draft(..25))
}

/// The list of versions that a server knows (RFC 8999 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Negotiation<'a> {
    /// Destination connection id: the client's source connection id.
    pub dcid: &'a [u8],
    /// Source connection id: the client's destination connection id.
    pub scid: &'a [u8],
    versions: &'a [u8],
}

impl<'a> Negotiation<'a> {
    /// The versions.
    pub fn versions(&self) -> impl ExactSizeIterator<Item = Version> + Clone + 'a {
        let (numbers, _) = self.versions.as_chunks::<4>();
        numbers.iter().map(|number| Version(u32::from_be_bytes(*number)))
    }

    /// Whether the list is made of whole numbers, and there is one.
    pub const fn is_whole(&self) -> bool {
        !self.versions.is_empty() && self.versions.len().is_multiple_of(4)
    }
}

/// A packet with a short header, whose connection id's length is known to its receiver only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortPacket<'a> {
    /// The packet, as far as it was captured.
    pub bytes: &'a [u8],
}

impl<'a> ShortPacket<'a> {
    fn first(&self) -> u8 {
        self.bytes.first().copied().unwrap_or_default()
    }

    /// The latency spin bit (RFC 9000 §17.4): the server sends the client's back, the client sends its inverse.
    pub fn spin(&self) -> bool {
        self.first() & SPIN_BIT != 0
    }

    /// Whether the fixed bit is set.
    pub fn has_fixed_bit(&self) -> bool {
        has_fixed_bit(self.first())
    }

    /// The destination connection id, if it has `len` bytes.
    pub fn dcid(&self, len: usize) -> Option<&'a [u8]> {
        self.bytes.get(1..=len)
    }
}

/// What every long header begins with (RFC 8999 §5.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Start<'a> {
    first: u8,
    version: Version,
    dcid: &'a [u8],
    scid: &'a [u8],
    rest: Reader<'a>,
}

/// A packet with a long header.
pub(super) enum Long<'a> {
    Read(LongPacket<'a>),
    Negotiation(Negotiation<'a>),
    /// Of a version that is not read.
    Unread(Version, &'a [u8], &'a [u8]),
}

impl<'a> Start<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = Reader::new(bytes);
        let first = rest.u8()?;
        let version = Version(rest.u32()?);
        let dcid = rest.vec8()?;
        let scid = rest.vec8()?;
        Some(Self { first, version, dcid, scid, rest })
    }
}

/// Reads the long header at the beginning of `bytes`, of which `sent` were sent.
pub(super) fn long(bytes: &[u8], sent: usize) -> Option<Long<'_>> {
    let start = Start::read(bytes)?;
    let Start { version, dcid, scid, .. } = start;
    if version == Version::NEGOTIATION {
        let versions = start.rest.rest();
        return Some(Long::Negotiation(Negotiation { dcid, scid, versions }));
    }
    if !version.is_read() {
        return Some(Long::Unread(version, dcid, scid));
    }
    LongPacket::read(&start, bytes, sent).map(Long::Read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], sent: usize) -> Option<LongPacket<'_>> {
        match long(bytes, sent)? {
            Long::Read(packet) => Some(packet),
            _ => None,
        }
    }

    #[test]
    fn an_initial_packet_has_token_and_length() {
        let bytes = [0xc1, 0, 0, 0, 1, 2, 5, 6, 1, 7, 3, b't', b'o', b'k', 0x40, 4, 1, 2, 3, 4, 99];
        let packet = read(&bytes, 21).unwrap();
        assert_eq!(packet.kind, LongType::Initial);
        assert_eq!((packet.dcid, packet.scid), (&[5, 6][..], &[7][..]));
        assert_eq!((packet.token, packet.number_offset, packet.len), (&b"tok"[..], 16, 20));
        assert_eq!(packet.bytes.len(), 20, "what follows is not part of it");
        assert!(!packet.is_cut() && packet.has_fixed_bit());
        assert_eq!(read(&bytes, 19), None, "longer than what was sent");
        let cut = read(&bytes[..18], 20).unwrap();
        assert!(cut.is_cut() && cut.bytes.len() == 18 && cut.len == 20);
        assert_eq!(read(&bytes[..14], 20), None, "cut within the header");
    }

    #[test]
    fn a_handshake_packet_has_no_token() {
        let packet = read(&[0xe0, 0, 0, 0, 1, 0, 0, 2, 1, 2], 10).unwrap();
        assert_eq!((packet.kind, packet.number_offset, packet.len), (LongType::Handshake, 8, 10));
    }

    #[test]
    fn a_retry_packet_is_all_token_but_for_its_tag() {
        let mut bytes = vec![0xf0, 0, 0, 0, 1, 0, 1, 9, b'a', b'b'];
        bytes.extend([0xee; 16]);
        let packet = read(&bytes, bytes.len()).unwrap();
        assert_eq!((packet.kind, packet.token), (LongType::Retry, &b"ab"[..]));
        assert_eq!(packet.len, 26);
        assert_eq!(read(&bytes[..9], 26).unwrap().token, b"a", "cut");
        assert_eq!(read(&bytes[..20], 20), None, "no room for the tag");
        // Draft 24 has none.
        bytes[1..5].copy_from_slice(&[0xff, 0, 0, 24]);
        assert_eq!(read(&bytes, bytes.len()).unwrap().token.len(), 18);
    }

    #[test]
    fn ids_are_at_most_20_bytes_where_the_version_is_read() {
        let mut bytes = vec![0xe0, 0, 0, 0, 1, 21];
        bytes.extend([0; 21]);
        bytes.extend([0, 1, 1]);
        assert_eq!(read(&bytes, bytes.len()), None);
        bytes[4] = 99;
        let Some(Long::Unread(version, dcid, _)) = long(&bytes, bytes.len()) else {
            panic!("unread")
        };
        assert_eq!((version, dcid.len()), (Version(99), 21));
    }

    #[test]
    fn versions_of_a_server() {
        let bytes = [0x80, 0, 0, 0, 0, 1, 1, 1, 2, 0, 0, 0, 1, 0x6b, 0x33, 0x43, 0xcf, 9];
        let Some(Long::Negotiation(list)) = long(&bytes, bytes.len()) else { panic!("a list") };
        assert_eq!(list.versions().collect::<Vec<_>>(), [Version::V1, Version::V2]);
        assert!(!list.is_whole());
    }

    #[test]
    fn a_short_header_shows_spin_bit_and_id() {
        let packet = ShortPacket { bytes: &[0x60, 1, 2, 3] };
        assert!(packet.spin() && packet.has_fixed_bit());
        assert_eq!(packet.dcid(3), Some(&[1, 2, 3][..]));
        assert_eq!((packet.dcid(4), packet.dcid(0)), (None, Some(&[][..])));
        assert!(!ShortPacket { bytes: &[0x40] }.spin());
    }

    #[test]
    fn ids_of_their_own() {
        let id = ConnectionId::new(&[0xab, 1]).unwrap();
        assert_eq!((id.as_slice(), id.len(), id.to_string()), (&[0xab, 1][..], 2, "ab01".into()));
        assert!(ConnectionId::new(&[0; 21]).is_none() && ConnectionId::default().is_empty());
    }
}
