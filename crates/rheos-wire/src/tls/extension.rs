//! Extensions of hellos (RFC 8446 §4.2) and what is in those that tell something.

use super::read::{Reader, U16s};

/// Extension types (IANA "TLS ExtensionType Values") that are read or asked for.
pub mod kinds {
    /// Server name (RFC 6066 §3).
    pub const SERVER_NAME: u16 = 0;
    /// Certificate status, OCSP stapling (RFC 6066 §8).
    pub const STATUS_REQUEST: u16 = 5;
    /// Supported groups, once elliptic curves (RFC 8446 §4.2.7).
    pub const SUPPORTED_GROUPS: u16 = 10;
    /// Formats of points on curves (RFC 8422 §5.1.2).
    pub const EC_POINT_FORMATS: u16 = 11;
    /// Signature algorithms (RFC 8446 §4.2.3).
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    /// Application-layer protocol negotiation (RFC 7301).
    pub const ALPN: u16 = 16;
    /// Signed certificate timestamps (RFC 6962).
    pub const SIGNED_CERTIFICATE_TIMESTAMP: u16 = 18;
    /// Padding (RFC 7685).
    pub const PADDING: u16 = 21;
    /// Extended master secret (RFC 7627).
    pub const EXTENDED_MASTER_SECRET: u16 = 23;
    /// Compression of certificates (RFC 8879).
    pub const COMPRESS_CERTIFICATE: u16 = 27;
    /// Delegated credentials (RFC 9345).
    pub const DELEGATED_CREDENTIALS: u16 = 34;
    /// Session ticket (RFC 5077).
    pub const SESSION_TICKET: u16 = 35;
    /// Pre-shared key (RFC 8446 §4.2.11).
    pub const PRE_SHARED_KEY: u16 = 41;
    /// Early data (RFC 8446 §4.2.10).
    pub const EARLY_DATA: u16 = 42;
    /// Supported versions (RFC 8446 §4.2.1).
    pub const SUPPORTED_VERSIONS: u16 = 43;
    /// Key share of TLS 1.3 drafts before 23.
    pub const KEY_SHARE_DRAFT: u16 = 40;
    /// Key share (RFC 8446 §4.2.8).
    pub const KEY_SHARE: u16 = 51;
    /// QUIC transport parameters (RFC 9001 §8.2).
    pub const QUIC_TRANSPORT_PARAMETERS: u16 = 57;
    /// QUIC transport parameters of drafts.
    pub const QUIC_TRANSPORT_PARAMETERS_DRAFT: u16 = 0xffa5;
    /// Next protocol negotiation, ALPN's forerunner.
    pub const NEXT_PROTOCOL: u16 = 0x3374;
    /// Application settings, first code point.
    pub const APPLICATION_SETTINGS: u16 = 0x4469;
    /// Application settings, second code point.
    pub const APPLICATION_SETTINGS_NEW: u16 = 0x44cd;
    /// Encrypted ClientHello (RFC 9849).
    pub const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
    /// Encrypted server name indication, the forerunner of encrypted ClientHello.
    pub const ENCRYPTED_SERVER_NAME: u16 = 0xffce;
    /// Secure renegotiation (RFC 5746).
    pub const RENEGOTIATION_INFO: u16 = 0xff01;
}

/// Whether a value is one of those that clients send so that servers learn to ignore the unknown
/// (RFC 8701): `0x0a0a`, `0x1a1a`, up to `0xfafa`.
pub const fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// An extension as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Its type, see [`kinds`].
    pub kind: u16,
    /// Its content.
    pub data: &'a [u8],
}

/// The extensions of a message in the order they were sent. Ends at the first one that runs past the message;
/// [`Self::is_malformed`] then tells.
#[derive(Clone, Debug)]
pub struct Extensions<'a> {
    rest: Reader<'a>,
    malformed: bool,
}

impl<'a> Extensions<'a> {
    /// The extensions in these bytes, without the length that stands before them.
    pub(crate) const fn new(bytes: &'a [u8], malformed: bool) -> Self {
        Self { rest: Reader::new(bytes), malformed }
    }

    /// What follows the fixed part of a hello: nothing, or the length and the extensions. Those that lie within the
    /// message are told even where the length does not fit it.
    pub(crate) fn after(rest: Reader<'a>) -> Self {
        let mut list = rest;
        if let Some(list) = list.vec16() {
            return Self::new(list, false);
        }
        let after_length = rest.rest().get(2..).unwrap_or_default();
        Self::new(after_length, !rest.is_empty())
    }

    /// Whether the list does not fit its message, as far as it was read.
    pub const fn is_malformed(&self) -> bool {
        self.malformed
    }

    /// The content of the first extension of this type.
    pub fn find(&self, kind: u16) -> Option<&'a [u8]> {
        self.clone().find_map(|extension| (extension.kind == kind).then_some(extension.data))
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    #[inline]
    fn next(&mut self) -> Option<Extension<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let mut reader = self.rest;
        let (Some(kind), Some(data)) = (reader.u16(), reader.vec16()) else {
            self.malformed = true;
            self.rest = Reader::new(&[]);
            return None;
        };
        self.rest = reader;
        Some(Extension { kind, data })
    }
}

/// The first host name of a server name list (RFC 6066 §3).
pub fn server_name(data: &[u8]) -> Option<&[u8]> {
    const HOST_NAME: u8 = 0;
    let mut list = Reader::new(Reader::new(data).vec16()?);
    while let (Some(kind), Some(name)) = (list.u8(), list.vec16()) {
        if kind == HOST_NAME {
            return Some(name);
        }
    }
    None
}

/// The names of an ALPN list (RFC 7301 §3.1), offered or chosen.
pub fn alpn(data: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let mut list = Reader::new(Reader::new(data).vec16().unwrap_or_default());
    std::iter::from_fn(move || list.vec8())
}

/// A list of 16-bit numbers after its length in two bytes: groups, signature algorithms.
pub fn u16_list(data: &[u8]) -> U16s<'_> {
    U16s::new(Reader::new(data).vec16().unwrap_or_default())
}

/// The versions that a client offers: their length stands in one byte.
pub fn offered_versions(data: &[u8]) -> U16s<'_> {
    U16s::new(Reader::new(data).vec8().unwrap_or_default())
}

/// The single 16-bit number of a server's answer: the chosen version, the chosen identity.
pub fn one_u16(data: &[u8]) -> Option<u16> {
    Reader::new(data).u16()
}

/// The formats of points that are understood.
pub fn point_formats(data: &[u8]) -> &[u8] {
    Reader::new(data).vec8().unwrap_or_default()
}

/// A key share: its group and the length of the key in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyShare {
    /// The group (IANA "TLS Supported Groups").
    pub group: u16,
    /// Length of the key exchange value in bytes; 0 where a server only asks for the group.
    pub len: u16,
}

fn key_share(reader: &mut Reader<'_>) -> Option<KeyShare> {
    let group = reader.u16()?;
    let key = reader.vec16()?;
    Some(KeyShare { group, len: key.len() as u16 })
}

/// The key shares that a client offers (RFC 8446 §4.2.8).
pub fn offered_key_shares(data: &[u8]) -> impl Iterator<Item = KeyShare> + Clone + '_ {
    let mut list = Reader::new(Reader::new(data).vec16().unwrap_or_default());
    std::iter::from_fn(move || key_share(&mut list))
}

/// The key share of a ServerHello, or the group that a HelloRetryRequest asks for.
pub fn chosen_key_share(data: &[u8]) -> Option<KeyShare> {
    let mut reader = Reader::new(data);
    if let &[a, b] = data {
        return Some(KeyShare { group: u16::from_be_bytes([a, b]), len: 0 });
    }
    key_share(&mut reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grease_is_two_equal_bytes_that_end_in_a() {
        let all: Vec<u16> = (0..=u16::MAX).filter(|value| is_grease(*value)).collect();
        assert_eq!(all.len(), 16);
        assert_eq!((all[0], all[15]), (0x0a0a, 0xfafa));
        // The mask of the older tool took this for one.
        assert!(!is_grease(0x1a2a));
    }

    #[test]
    fn extensions_up_to_the_first_that_does_not_fit() {
        let bytes = [0, 23, 0, 0, 0, 35, 0, 2, 7, 8];
        let list: Vec<_> = Extensions::new(&bytes, false).collect();
        let wanted = [Extension { kind: 23, data: &[] }, Extension { kind: 35, data: &[7, 8] }];
        assert_eq!(list, wanted);
        let mut cut = Extensions::new(&bytes[..9], false);
        assert_eq!(cut.next(), Some(wanted[0]));
        assert_eq!(cut.next(), None);
        assert!(cut.is_malformed());
        assert_eq!(cut.next(), None);
    }

    #[test]
    fn a_list_longer_than_its_message_is_told_as_far_as_it_goes() {
        let mut list = Extensions::after(Reader::new(&[0, 99, 0, 23, 0, 0]));
        assert!(list.is_malformed());
        assert_eq!(list.next(), Some(Extension { kind: 23, data: &[] }));
        assert!(!Extensions::after(Reader::new(&[])).is_malformed());
        assert!(Extensions::after(Reader::new(&[1])).is_malformed());
    }

    #[test]
    fn server_names() {
        let data = [0, 9, 1, 0, 1, b'x', 0, 0, 2, b'a', b'b'];
        assert_eq!(server_name(&data), Some(&b"ab"[..]));
        assert_eq!(server_name(&[0, 4, 1, 0, 1, b'x']), None);
        assert_eq!(server_name(&[]), None);
        assert_eq!(server_name(&[0, 9, 0, 0, 6, b'a']), None, "longer than the extension");
    }

    #[test]
    fn lists_in_extensions() {
        let names: Vec<_> = alpn(&[0, 6, 2, b'h', b'2', 2, b'h', b'3']).collect();
        assert_eq!(names, [b"h2", b"h3"]);
        assert_eq!(alpn(&[0, 4, 9, b'h', b'2', 2]).count(), 0);
        assert_eq!(u16_list(&[0, 4, 0, 29, 0, 23]).iter().collect::<Vec<_>>(), [29, 23]);
        assert_eq!(offered_versions(&[4, 3, 4, 3, 3]).iter().collect::<Vec<_>>(), [0x304, 0x303]);
        assert_eq!(point_formats(&[1, 0]), [0]);
        assert_eq!(one_u16(&[3, 4]), Some(0x304));
    }

    #[test]
    fn key_shares() {
        let shares: Vec<_> =
            offered_key_shares(&[0, 11, 0x0a, 0x0a, 0, 1, 0, 0, 29, 0, 2, 9, 9]).collect();
        let wanted = [KeyShare { group: 0x0a0a, len: 1 }, KeyShare { group: 29, len: 2 }];
        assert_eq!(shares, wanted);
        assert_eq!(chosen_key_share(&[0, 29, 0, 1, 5]), Some(KeyShare { group: 29, len: 1 }));
        assert_eq!(chosen_key_share(&[0, 24]), Some(KeyShare { group: 24, len: 0 }));
        assert_eq!(chosen_key_share(&[0]), None);
    }
}
