//! ClientHello and ServerHello (RFC 8446 §4.1, RFC 5246 §7.4.1, RFC 9147 §5.3), from the bytes of a whole message.

use super::extension::{self, Extensions, kinds};
use super::read::{Reader, U16s};
use super::versions::{self, is_draft_without_session_id};

/// What carries the handshake: hellos of DTLS have a cookie, and fingerprints begin with the carrier's letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// TLS over a byte stream.
    Tls,
    /// DTLS.
    Dtls,
    /// The CRYPTO stream of QUIC.
    Quic,
}

/// A ClientHello.
#[derive(Clone, Debug)]
pub struct ClientHello<'a> {
    /// `legacy_version`: 0x0303 for TLS 1.2 and 1.3.
    pub version: u16,
    /// Random bytes.
    pub random: &'a [u8; 32],
    /// Session id, at most 32 bytes by the standard and up to 255 by the wire.
    pub session_id: &'a [u8],
    /// DTLS: the cookie of the server's HelloVerifyRequest; empty otherwise.
    pub cookie: &'a [u8],
    /// Cipher suites in order of preference, GREASE included.
    pub cipher_suites: U16s<'a>,
    /// Compression methods.
    pub compressions: &'a [u8],
    /// Length of the message in bytes with a header of TLS: four bytes more than its body.
    pub message_len: u32,
    extensions: Extensions<'a>,
}

impl<'a> ClientHello<'a> {
    /// Reads the body of a ClientHello, without the header of the handshake message. `None` if it ends before its
    /// extensions begin.
    pub fn parse(body: &'a [u8], carrier: Carrier) -> Option<Self> {
        let mut reader = Reader::new(body);
        let version = reader.u16()?;
        let random = reader.array::<32>()?;
        let session_id = reader.vec8()?;
        let cookie = if carrier == Carrier::Dtls { reader.vec8()? } else { &[] };
        let cipher_suites = U16s::new(reader.vec16()?);
        let compressions = reader.vec8()?;
        let extensions = Extensions::after(reader);
        Some(Self {
            version,
            random,
            session_id,
            cookie,
            cipher_suites,
            compressions,
            message_len: message_len(body),
            extensions,
        })
    }

    /// The extensions.
    pub fn extensions(&self) -> Extensions<'a> {
        self.extensions.clone()
    }

    /// The versions offered by the extension; none where the client does not send it.
    pub fn offered_versions(&self) -> U16s<'a> {
        self.extensions
            .find(kinds::SUPPORTED_VERSIONS)
            .map(extension::offered_versions)
            .unwrap_or_default()
    }
}

/// A ServerHello, or a HelloRetryRequest, which has its form.
#[derive(Clone, Debug)]
pub struct ServerHello<'a> {
    /// `legacy_version`: 0x0303 for TLS 1.2 and 1.3.
    pub version: u16,
    /// Random bytes.
    pub random: &'a [u8; 32],
    /// Session id: of a new or resumed session, or in TLS 1.3 an echo.
    pub session_id: &'a [u8],
    /// The chosen cipher suite.
    pub cipher_suite: u16,
    /// The chosen compression.
    pub compression: u8,
    /// Length of the message in bytes with a header of TLS: four bytes more than its body.
    pub message_len: u32,
    extensions: Extensions<'a>,
}

/// The random bytes of a HelloRetryRequest: the SHA-256 of its name (RFC 8446 §4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

impl<'a> ServerHello<'a> {
    /// Reads the body of a ServerHello, without the header of the handshake message. Drafts of TLS 1.3 before 22 have
    /// neither session id nor compression.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let version = reader.u16()?;
        let random = reader.array::<32>()?;
        let draft = is_draft_without_session_id(version);
        let session_id = if draft { &[] } else { reader.vec8()? };
        let cipher_suite = reader.u16()?;
        let compression = if draft { 0 } else { reader.u8()? };
        let extensions = Extensions::after(reader);
        Some(Self {
            version,
            random,
            session_id,
            cipher_suite,
            compression,
            message_len: message_len(body),
            extensions,
        })
    }

    /// The extensions.
    pub fn extensions(&self) -> Extensions<'a> {
        self.extensions.clone()
    }

    /// Whether the server asks for another ClientHello.
    pub fn is_retry(&self) -> bool {
        *self.random == RETRY_RANDOM
    }

    /// The version that the server chose: that of the supported_versions extension, else the version field.
    pub fn chosen_version(&self) -> u16 {
        self.extensions
            .find(kinds::SUPPORTED_VERSIONS)
            .and_then(extension::one_u16)
            .unwrap_or(self.version)
    }

    /// Whether the chosen version is TLS or DTLS 1.3, or a draft of it.
    pub fn is_13(&self) -> bool {
        versions::is_13(self.chosen_version())
    }
}

fn message_len(body: &[u8]) -> u32 {
    u32::try_from(body.len() + super::handshake::HEADER_LEN).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(cookie: &[u8], extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([2, 5, 6]);
        body.extend(cookie);
        body.extend([0, 4, 0x13, 0x01, 0x0a, 0x0a, 1, 0]);
        body.extend(extensions);
        body
    }

    #[test]
    fn a_client_hello() {
        let body = client(&[], &[0, 9, 0, 43, 0, 5, 4, 3, 4, 3, 3]);
        let hello = ClientHello::parse(&body, Carrier::Tls).unwrap();
        assert_eq!((hello.version, hello.session_id, hello.cookie), (0x303, &[5, 6][..], &[][..]));
        assert_eq!(hello.random, &[7; 32]);
        assert_eq!(hello.cipher_suites.iter().collect::<Vec<_>>(), [0x1301, 0x0a0a]);
        assert_eq!(hello.compressions, [0]);
        assert_eq!(hello.offered_versions().iter().collect::<Vec<_>>(), [0x304, 0x303]);
        assert!(!hello.extensions().is_malformed());
    }

    #[test]
    fn a_client_hello_of_dtls_has_a_cookie() {
        let body = client(&[3, 1, 2, 3], &[]);
        let hello = ClientHello::parse(&body, Carrier::Dtls).unwrap();
        assert_eq!(hello.cookie, [1, 2, 3]);
        assert_eq!(hello.cipher_suites.len(), 2);
        assert_eq!(hello.extensions().count(), 0);
    }

    #[test]
    fn a_client_hello_that_ends_before_its_extensions_is_none() {
        let body = client(&[], &[]);
        for len in 0..body.len() {
            assert!(ClientHello::parse(&body[..len], Carrier::Tls).is_none(), "{len}");
        }
        assert!(ClientHello::parse(&body, Carrier::Quic).is_some());
    }

    fn server(version: u16, random: &[u8; 32], rest: &[u8]) -> Vec<u8> {
        let mut body = version.to_be_bytes().to_vec();
        body.extend(random);
        body.extend(rest);
        body
    }

    #[test]
    fn a_server_hello_of_13_says_12_in_its_version() {
        let rest = [1, 9, 0x13, 0x02, 0, 0, 6, 0, 43, 0, 2, 3, 4];
        let body = server(0x303, &[1; 32], &rest);
        let hello = ServerHello::parse(&body).unwrap();
        assert_eq!((hello.version, hello.chosen_version()), (0x303, 0x304));
        assert_eq!((hello.cipher_suite, hello.session_id), (0x1302, &[9][..]));
        assert!(hello.is_13() && !hello.is_retry());
        let body = server(0x303, &[1; 32], &rest[..5]);
        let hello = ServerHello::parse(&body).unwrap();
        assert_eq!(hello.chosen_version(), 0x303);
        assert!(!hello.is_13());
        assert!(ServerHello::parse(&body[..body.len() - 1]).is_none());
    }

    #[test]
    fn a_retry_request_is_told_by_its_random() {
        // SHA-256 of "HelloRetryRequest".
        use sha2::{Digest, Sha256};
        let random: [u8; 32] = Sha256::digest(b"HelloRetryRequest").into();
        let body = server(0x303, &random, &[0, 0x13, 0x01, 0]);
        assert!(ServerHello::parse(&body).unwrap().is_retry());
    }

    #[test]
    fn early_drafts_have_no_session_id() {
        let body = server(0x7f12, &[1; 32], &[0x13, 0x01, 0, 6, 0, 40, 0, 2, 0, 29]);
        let hello = ServerHello::parse(&body).unwrap();
        assert_eq!((hello.cipher_suite, hello.extensions().count()), (0x1301, 1));
        assert!(hello.is_13());
    }
}
