//! Handshake messages: their header, and those that are no hello (RFC 5246 §7.4, RFC 8446 §4).

use super::read::Reader;

/// Handshake message types (IANA "TLS HandshakeType").
pub mod kinds {
    /// HelloRequest.
    pub const HELLO_REQUEST: u8 = 0;
    /// ClientHello.
    pub const CLIENT_HELLO: u8 = 1;
    /// ServerHello.
    pub const SERVER_HELLO: u8 = 2;
    /// HelloVerifyRequest of DTLS.
    pub const HELLO_VERIFY_REQUEST: u8 = 3;
    /// NewSessionTicket.
    pub const NEW_SESSION_TICKET: u8 = 4;
    /// HelloRetryRequest of drafts of TLS 1.3 before 22.
    pub const HELLO_RETRY_REQUEST: u8 = 6;
    /// Certificate.
    pub const CERTIFICATE: u8 = 11;
    /// ServerKeyExchange.
    pub const SERVER_KEY_EXCHANGE: u8 = 12;
    /// CertificateRequest.
    pub const CERTIFICATE_REQUEST: u8 = 13;
    /// ServerHelloDone.
    pub const SERVER_HELLO_DONE: u8 = 14;
    /// CertificateVerify.
    pub const CERTIFICATE_VERIFY: u8 = 15;
    /// ClientKeyExchange.
    pub const CLIENT_KEY_EXCHANGE: u8 = 16;
    /// Finished.
    pub const FINISHED: u8 = 20;
    /// CertificateStatus.
    pub const CERTIFICATE_STATUS: u8 = 22;
}

/// Length of a message's header: type and length.
pub const HEADER_LEN: usize = 4;

/// Type and length of a handshake message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandshakeHeader {
    /// Its type, see [`kinds`].
    pub kind: u8,
    /// Length of its body in bytes, as told.
    pub len: u32,
}

impl HandshakeHeader {
    /// Reads a header.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        Some(Self { kind: reader.u8()?, len: reader.u24()? })
    }
}

/// The certificates of a Certificate message of TLS 1.2 and older (RFC 5246 §7.4.2), the sender's own first, each as
/// DER. Ends at the first that runs past the message; [`Self::is_malformed`] then tells.
#[derive(Clone, Debug)]
pub struct Certificates<'a> {
    list: Reader<'a>,
    malformed: bool,
}

impl<'a> Certificates<'a> {
    /// Reads the body of a Certificate message.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let list = Reader::new(body).vec24()?;
        Some(Self { list: Reader::new(list), malformed: false })
    }

    /// Whether iteration stopped at a certificate that runs past the message.
    pub const fn is_malformed(&self) -> bool {
        self.malformed
    }
}

impl<'a> Iterator for Certificates<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.list.is_empty() {
            return None;
        }
        let certificate = self.list.vec24();
        if certificate.is_none() {
            self.malformed = true;
            self.list = Reader::new(&[]);
        }
        certificate
    }
}

/// What a ServerKeyExchange tells of the key exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerKeyExchange {
    /// A named group (RFC 8422 §5.4) and the length of the server's point in bytes.
    Named {
        /// The group (IANA "TLS Supported Groups").
        group: u16,
        /// Length of the public value in bytes.
        len: u8,
    },
    /// Diffie-Hellman over a prime of so many bits (RFC 5246 §7.4.3).
    Prime {
        /// Length of the prime in bits, leading zeros left out.
        bits: u32,
    },
}

/// How the cipher suite lets the server send its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyExchange {
    /// ECDHE.
    EllipticCurve,
    /// DHE.
    FiniteField,
    /// Something without either, or unknown.
    Other,
}

impl ServerKeyExchange {
    /// Reads the body of a ServerKeyExchange; `with_hint` where the suite uses a pre-shared key, whose hint comes
    /// first (RFC 4279 §3).
    pub fn parse(body: &[u8], exchange: KeyExchange, with_hint: bool) -> Option<Self> {
        const NAMED_CURVE: u8 = 3;
        let mut reader = Reader::new(body);
        if with_hint {
            reader.vec16()?;
        }
        match exchange {
            KeyExchange::EllipticCurve => {
                if reader.u8()? != NAMED_CURVE {
                    return None;
                }
                let group = reader.u16()?;
                Some(Self::Named { group, len: reader.vec8()?.len() as u8 })
            }
            KeyExchange::FiniteField => {
                let prime = reader.vec16()?;
                let zeros = prime.iter().take_while(|byte| **byte == 0).count();
                let prime = prime.get(zeros..)?;
                let first = *prime.first()?;
                Some(Self::Prime { bits: 8 * prime.len() as u32 - first.leading_zeros() })
            }
            KeyExchange::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header() {
        let header = HandshakeHeader::parse(&[1, 0, 2, 3, 9]);
        assert_eq!(header, Some(HandshakeHeader { kind: kinds::CLIENT_HELLO, len: 515 }));
        assert_eq!(HandshakeHeader::parse(&[1, 0, 2]), None);
    }

    #[test]
    fn certificates() {
        let body = [0, 0, 9, 0, 0, 2, 1, 2, 0, 0, 1, 3];
        let mut list = Certificates::parse(&body).unwrap();
        assert_eq!(list.by_ref().collect::<Vec<_>>(), [&[1, 2][..], &[3]]);
        assert!(!list.is_malformed());
        let mut list = Certificates::parse(&[0, 0, 5, 0, 0, 9, 1, 2]).unwrap();
        assert_eq!(list.next(), None);
        assert!(list.is_malformed());
        assert_eq!(list.next(), None);
        assert!(Certificates::parse(&[0, 0, 9, 1]).is_none());
        assert_eq!(Certificates::parse(&[0, 0, 0]).unwrap().count(), 0);
    }

    #[test]
    fn key_exchanges() {
        let curve = [3, 0, 29, 2, 7, 7, 4, 3];
        let parse = ServerKeyExchange::parse;
        let named = Some(ServerKeyExchange::Named { group: 29, len: 2 });
        assert_eq!(parse(&curve, KeyExchange::EllipticCurve, false), named);
        let hinted = [0, 1, b'x', 3, 0, 29, 2, 7, 7];
        assert_eq!(parse(&hinted, KeyExchange::EllipticCurve, true), named);
        assert_eq!(parse(&[1, 0, 29], KeyExchange::EllipticCurve, false), None);
        let prime = [0, 3, 0, 0x7f, 0xff, 0, 1, 2, 0, 1, 5];
        let bits = Some(ServerKeyExchange::Prime { bits: 15 });
        assert_eq!(parse(&prime, KeyExchange::FiniteField, false), bits);
        assert_eq!(parse(&[0, 1, 0], KeyExchange::FiniteField, false), None);
        assert_eq!(parse(&curve, KeyExchange::Other, false), None);
    }
}
