//! Certificates (RFC 5280), as far as they tell something of the two ends: names, validity, key.
//!
//! A walk over the DER that is there; no signature is checked, and what is malformed is not told.

mod der;
mod name;

use der::{Element, Elements, tag};
pub use name::{NAME_TEXT_MAX, Name};
use sha2::{Digest, Sha256};

use crate::text::push_hex;

/// Longest serial number that is kept, in bytes; RFC 5280 allows 20.
const SERIAL_MAX: usize = 32;

/// A certificate.
#[derive(Clone, Copy, Debug)]
pub struct Certificate<'a> {
    /// Version as people count: 1 to 3.
    pub version: u8,
    /// Serial number, big-endian as sent.
    pub serial: &'a [u8],
    /// Who signed it.
    pub issuer: Name<'a>,
    /// Whose it is.
    pub subject: Name<'a>,
    /// Seconds since the Unix epoch from which it is valid; `None` if the time cannot be read.
    pub not_before: Option<i64>,
    /// Seconds since the Unix epoch until which it is valid; `None` if the time cannot be read.
    pub not_after: Option<i64>,
    /// The kind of its key.
    pub key: KeyKind,
    /// Length of its key in bits: of the modulus, the prime or the curve's field.
    pub key_bits: Option<u32>,
    signature: &'a [u8],
    /// Content of the subjectAltName extension.
    alternative_names: Option<&'a [u8]>,
    /// What the basicConstraints extension says.
    authority: Option<bool>,
}

/// Kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA, or RSA for PSS signatures only.
    Rsa,
    /// A point on a named elliptic curve, for ECDSA or ECDH.
    Ec,
    /// DSA.
    Dsa,
    /// Ed25519.
    Ed25519,
    /// Ed448.
    Ed448,
    /// ML-DSA.
    MlDsa,
    /// Another one.
    Other,
}

impl KeyKind {
    /// `rsa`, `ec`, `dsa`, `ed25519`, `ed448`, `ml-dsa`, `other`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ec => "ec",
            Self::Dsa => "dsa",
            Self::Ed25519 => "ed25519",
            Self::Ed448 => "ed448",
            Self::MlDsa => "ml-dsa",
            Self::Other => "other",
        }
    }
}

impl<'a> Certificate<'a> {
    /// Reads a certificate. `None` if it is none, or cut before its extensions.
    pub fn parse(der: &'a [u8]) -> Option<Self> {
        let mut whole = Elements::new(Elements::new(der).expect(tag::SEQUENCE)?);
        let mut body = Elements::new(whole.expect(tag::SEQUENCE)?);
        let version = body.optional(tag::context(0)).and_then(version).unwrap_or(1);
        let serial = body.expect(tag::INTEGER)?;
        let signature = Elements::new(body.expect(tag::SEQUENCE)?).expect(tag::OID)?;
        let issuer = Name(body.expect(tag::SEQUENCE)?);
        let mut validity = Elements::new(body.expect(tag::SEQUENCE)?);
        let (not_before, not_after) = (validity.take()?, validity.take()?);
        let subject = Name(body.expect(tag::SEQUENCE)?);
        let (key, key_bits) = public_key(body.expect(tag::SEQUENCE)?)?;
        let mut certificate = Self {
            version,
            serial,
            issuer,
            subject,
            not_before: der::time(not_before),
            not_after: der::time(not_after),
            key,
            key_bits,
            signature,
            alternative_names: None,
            authority: None,
        };
        // Unique identifiers of issuer and subject, which nobody uses, may stand before the extensions.
        let extensions = body.each().find(|element| element.tag == tag::context(3));
        let list = extensions.and_then(|list| Elements::new(list.content).expect(tag::SEQUENCE));
        for extension in Elements::new(list.unwrap_or_default()).each() {
            certificate.note(extension);
        }
        Some(certificate)
    }

    fn note(&mut self, extension: Element<'a>) -> Option<()> {
        const ALTERNATIVE_NAMES: &[u8] = &[0x55, 29, 17];
        const BASIC_CONSTRAINTS: &[u8] = &[0x55, 29, 19];
        let mut parts = Elements::new(extension.of(tag::SEQUENCE)?);
        let kind = parts.expect(tag::OID)?;
        let _critical = parts.optional(tag::BOOLEAN);
        let content = Elements::new(parts.expect(tag::OCTET_STRING)?).expect(tag::SEQUENCE)?;
        match kind {
            ALTERNATIVE_NAMES if self.alternative_names.is_none() => {
                self.alternative_names = Some(content);
            }
            BASIC_CONSTRAINTS => {
                let authority = Elements::new(content).optional(tag::BOOLEAN);
                self.authority = Some(authority.is_some_and(|value| value != [0]));
            }
            _ => {}
        }
        Some(())
    }

    /// How many alternative names it has, of all kinds.
    pub fn alternative_name_count(&self) -> usize {
        Elements::new(self.alternative_names.unwrap_or_default()).each().count()
    }

    /// Its alternative names that are DNS names.
    pub fn dns_names(&self) -> impl Iterator<Item = &'a [u8]> {
        const DNS_NAME: u8 = 0x82;
        let names = Elements::new(self.alternative_names.unwrap_or_default()).each();
        names.filter_map(|name| name.of(DNS_NAME))
    }

    /// Whether it is for this host: by an alternative name or, where it has no DNS name among them, by the common
    /// name. A star stands for the whole first label (RFC 9525 §6.3).
    pub fn names_host(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').as_bytes();
        let mut names = self.dns_names().peekable();
        if names.peek().is_none() {
            let name = self.subject.common_name();
            return name.is_some_and(|name| matches_host(name.as_bytes(), host));
        }
        names.any(|name| matches_host(name, host))
    }

    /// Whether issuer and subject are the same name, as in certificates that sign themselves.
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether it may sign others; `None` where it does not say.
    pub const fn is_authority(&self) -> Option<bool> {
        self.authority
    }

    /// Usual name of the signature's algorithm; `None` for one without a name here.
    pub fn signature_name(&self) -> Option<&'static str> {
        signature_name(self.signature)
    }
}

/// Version number as sent, plus one.
fn version(element: &[u8]) -> Option<u8> {
    match Elements::new(element).expect(tag::INTEGER)? {
        [number @ 0..=2] => Some(number + 1),
        _ => None,
    }
}

/// Length of an unsigned number in bits, without leading zeros.
fn bits(number: &[u8]) -> u32 {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let number = number.get(zeros..).unwrap_or_default();
    number.first().map_or(0, |first| 8 * number.len() as u32 - first.leading_zeros())
}

fn public_key(info: &[u8]) -> Option<(KeyKind, Option<u32>)> {
    let mut info = Elements::new(info);
    let mut algorithm = Elements::new(info.expect(tag::SEQUENCE)?);
    let kind = algorithm.expect(tag::OID)?;
    // The first byte tells how many bits of the last byte are unused: always none.
    let key = info.expect(tag::BIT_STRING)?.get(1..).unwrap_or_default();
    Some(match kind {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1 | 10] => {
            let numbers = Elements::new(key).expect(tag::SEQUENCE);
            let modulus = numbers.and_then(|numbers| Elements::new(numbers).expect(tag::INTEGER));
            (KeyKind::Rsa, modulus.map(bits))
        }
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] => {
            let curve = algorithm.optional(tag::OID);
            (KeyKind::Ec, curve.and_then(curve_bits).or_else(|| point_bits(key)))
        }
        [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1] => {
            let numbers = algorithm.optional(tag::SEQUENCE);
            let prime = numbers.and_then(|numbers| Elements::new(numbers).expect(tag::INTEGER));
            (KeyKind::Dsa, prime.map(bits))
        }
        [0x2b, 0x65, 0x70] => (KeyKind::Ed25519, Some(256)),
        [0x2b, 0x65, 0x71] => (KeyKind::Ed448, Some(456)),
        // ML-DSA-44, 65 and 87 have no length but that of the whole key.
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17..=19] => {
            (KeyKind::MlDsa, Some(8 * key.len() as u32))
        }
        _ => (KeyKind::Other, None),
    })
}

/// Length of the field of a named curve in bits.
fn curve_bits(oid: &[u8]) -> Option<u32> {
    Some(match oid {
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1] => 192,
        [0x2b, 0x81, 4, 0, 33] => 224,
        // secp256r1, secp256k1, brainpoolP256r1, SM2
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]
        | [0x2b, 0x81, 4, 0, 10]
        | [0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7]
        | [0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d] => 256,
        [0x2b, 0x81, 4, 0, 34] | [0x2b, 0x24, 3, 3, 2, 8, 1, 1, 11] => 384,
        [0x2b, 0x24, 3, 3, 2, 8, 1, 1, 13] => 512,
        [0x2b, 0x81, 4, 0, 35] => 521,
        _ => return None,
    })
}

/// Length of the field by the length of a point, which is right to the byte.
fn point_bits(point: &[u8]) -> Option<u32> {
    let coordinates = match point.first()? {
        2 | 3 => 1,
        4 => 2,
        _ => return None,
    };
    Some(8 * (point.len() as u32 - 1) / coordinates)
}

fn signature_name(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, number] => match number {
            2 => "md2WithRSAEncryption",
            4 => "md5WithRSAEncryption",
            5 => "sha1WithRSAEncryption",
            10 => "rsassaPss",
            11 => "sha256WithRSAEncryption",
            12 => "sha384WithRSAEncryption",
            13 => "sha512WithRSAEncryption",
            14 => "sha224WithRSAEncryption",
            _ => return None,
        },
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1] => "ecdsa-with-SHA1",
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, number] => match number {
            1 => "ecdsa-with-SHA224",
            2 => "ecdsa-with-SHA256",
            3 => "ecdsa-with-SHA384",
            4 => "ecdsa-with-SHA512",
            _ => return None,
        },
        [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3] => "dsa-with-sha1",
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 2] => "dsa-with-sha256",
        [0x2b, 0x65, 0x70] => "ed25519",
        [0x2b, 0x65, 0x71] => "ed448",
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17] => "ml-dsa-44",
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 18] => "ml-dsa-65",
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 19] => "ml-dsa-87",
        [0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x75] => "SM2-with-SM3",
        _ => return None,
    })
}

/// Whether a name of a certificate, perhaps with a star as first label, is that of a host.
fn matches_host(name: &[u8], host: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"*") else {
        return name.eq_ignore_ascii_case(host);
    };
    let first_label = host.iter().position(|byte| *byte == b'.');
    let after = first_label.and_then(|dot| host.get(dot..)).unwrap_or_default();
    rest.len() > 1 && first_label != Some(0) && after.eq_ignore_ascii_case(rest)
}

/// What is kept of a certificate when its bytes are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Serial number in hexadecimal, without leading zeros, at most 64 digits.
    pub serial: Box<str>,
    /// The issuer's name as text, see [`Name::text`].
    pub issuer: Box<str>,
    /// The subject's name as text, see [`Name::text`].
    pub subject: Box<str>,
    /// Seconds since the Unix epoch from which it is valid.
    pub not_before: Option<i64>,
    /// Seconds since the Unix epoch until which it is valid.
    pub not_after: Option<i64>,
    /// The kind of its key.
    pub key: KeyKind,
    /// Length of its key in bits.
    pub key_bits: Option<u32>,
    /// Usual name of the signature's algorithm.
    pub signature: Option<&'static str>,
    /// Alternative names, of all kinds.
    pub alternative_name_count: u32,
    /// Issuer and subject are the same name.
    pub self_issued: bool,
    /// Whether it may sign others; `None` where it does not say.
    pub authority: Option<bool>,
}

impl CertificateFacts {
    /// Everything that is told of a certificate.
    pub fn new(certificate: &Certificate<'_>) -> Self {
        Self {
            serial: serial_text(certificate.serial).into(),
            issuer: certificate.issuer.text().into(),
            subject: certificate.subject.text().into(),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            key: certificate.key,
            key_bits: certificate.key_bits,
            signature: certificate.signature_name(),
            alternative_name_count: certificate.alternative_name_count() as u32,
            self_issued: certificate.is_self_issued(),
            authority: certificate.is_authority(),
        }
    }

    /// Memory held beside the value itself, in bytes.
    pub fn heap_bytes(&self) -> usize {
        self.serial.len() + self.issuer.len() + self.subject.len()
    }
}

/// The fingerprint by which certificates are known: the SHA-256 of the whole.
pub fn fingerprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

fn serial_text(serial: &[u8]) -> String {
    let zeros = serial.iter().take_while(|byte| **byte == 0).count();
    let number = serial.get(zeros.min(serial.len().saturating_sub(1))..).unwrap_or_default();
    let mut text = String::new();
    push_hex(&mut text, number.get(..SERIAL_MAX).unwrap_or(number));
    text
}

#[cfg(test)]
mod tests;
