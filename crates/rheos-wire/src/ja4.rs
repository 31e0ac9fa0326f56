//! JA4, the fingerprint of a TLS client that survives shuffled extensions.
//!
//! `t13d1516h2_8daaf6152771_e5627efa2ab1`: carrier, version, whether a name is asked for, how many cipher suites and
//! extensions, first and last character of the first ALPN; the SHA-256 of the sorted cipher suites; the SHA-256 of
//! the sorted extensions without server name and ALPN, and of the signature algorithms as sent. GREASE counts nowhere.
//! By FoxIO's specification as of 2026 (`technical_details/JA4.md`, BSD 3-Clause).
//!
//! The other methods of that family are under a non-commercial licence, so they are not here.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::text::push_hex;
use crate::tls::extension::{self, is_grease, kinds};
use crate::tls::{Carrier, ClientHello, versions};

/// Length of the readable first part.
const PREFIX_LEN: usize = 10;
/// Counts have two digits.
const COUNT_MAX: usize = 99;

/// A fingerprint; its text is `prefix_ciphers_extensions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ja4 {
    /// The readable first part, ASCII.
    prefix: [u8; PREFIX_LEN],
    /// First bytes of the hash of the cipher suites; zeros where there are none.
    ciphers: [u8; 6],
    /// First bytes of the hash of extensions and signature algorithms; zeros where there are none.
    extensions: [u8; 6],
}

impl Ja4 {
    /// The fingerprint of a client.
    pub fn new(hello: &ClientHello<'_>, carrier: Carrier) -> Self {
        let signatures = hello.extensions().find(kinds::SIGNATURE_ALGORITHMS);
        let lists = Ja4Lists::new(
            hello.cipher_suites.iter(),
            hello.extensions().map(|extension| extension.kind),
            signatures.map(extension::u16_list).unwrap_or_default().iter(),
        );
        let sorted = lists.sorted();
        let hash = |text: String| match &*text {
            "" => [0; 6],
            text => {
                let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
                digest.first_chunk().copied().unwrap_or_default()
            }
        };
        let mut ciphers = String::with_capacity(5 * sorted.ciphers.len());
        join(&mut ciphers, &sorted.ciphers);
        Self {
            prefix: prefix(hello, carrier, &lists),
            ciphers: hash(ciphers),
            extensions: hash(sorted.extensions_and_signatures()),
        }
    }

    /// The readable first part.
    pub fn prefix(&self) -> &str {
        std::str::from_utf8(&self.prefix).unwrap_or_default()
    }

    /// The lists instead of their hashes: `JA4_r` of sorted lists, `JA4_ro` of lists as sent.
    pub fn raw(&self, lists: &Ja4Lists) -> String {
        let mut text = format!("{}_", self.prefix());
        join(&mut text, &lists.ciphers);
        text.push('_');
        text.push_str(&lists.extensions_and_signatures());
        text
    }
}

impl fmt::Display for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.prefix().to_owned();
        for part in [&self.ciphers, &self.extensions] {
            text.push('_');
            push_hex(&mut text, part);
        }
        f.write_str(&text)
    }
}

/// The lists that the fingerprint is made of, without GREASE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ja4Lists {
    ciphers: Vec<u16>,
    extensions: Vec<u16>,
    signatures: Vec<u16>,
}

impl Ja4Lists {
    /// Lists in the order they were sent.
    pub fn new(
        ciphers: impl Iterator<Item = u16>,
        extensions: impl Iterator<Item = u16>,
        signatures: impl Iterator<Item = u16>,
    ) -> Self {
        let sound = |value: &u16| !is_grease(*value);
        Self {
            ciphers: ciphers.filter(sound).collect(),
            extensions: extensions.filter(sound).collect(),
            signatures: signatures.filter(sound).collect(),
        }
    }

    /// As they are hashed: sorted, without server name and ALPN, signature algorithms as sent.
    #[must_use]
    pub fn sorted(&self) -> Self {
        let mut sorted = self.clone();
        sorted.ciphers.sort_unstable();
        sorted.extensions.retain(|kind| !matches!(*kind, kinds::SERVER_NAME | kinds::ALPN));
        sorted.extensions.sort_unstable();
        sorted
    }

    fn extensions_and_signatures(&self) -> String {
        let mut text = String::with_capacity(5 * (self.extensions.len() + self.signatures.len()));
        join(&mut text, &self.extensions);
        if !self.signatures.is_empty() {
            text.push('_');
            join(&mut text, &self.signatures);
        }
        text
    }
}

fn join(text: &mut String, numbers: &[u16]) {
    for (place, number) in numbers.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        push_hex(text, &number.to_be_bytes());
    }
}

fn prefix(hello: &ClientHello<'_>, carrier: Carrier, lists: &Ja4Lists) -> [u8; PREFIX_LEN] {
    let letter = match carrier {
        Carrier::Tls => b't',
        Carrier::Dtls => b'd',
        Carrier::Quic => b'q',
    };
    let offered = hello.offered_versions().iter().filter(|version| !is_grease(*version)).max();
    let [v1, v2] = version(offered.unwrap_or(hello.version));
    let named = hello.extensions().find(kinds::SERVER_NAME).is_some();
    let [c1, c2] = count(lists.ciphers.len());
    let [e1, e2] = count(lists.extensions.len());
    let mut names = hello.extensions().find(kinds::ALPN).into_iter().flat_map(extension::alpn);
    let [a1, a2] = alpn(names.find(|name| !is_grease_name(name)).unwrap_or_default());
    [letter, v1, v2, if named { b'd' } else { b'i' }, c1, c2, e1, e2, a1, a2]
}

/// The highest version by number, as published: DTLS 1.3 beside DTLS 1.2 reads `d2`, drafts of TLS 1.3 read `00`.
fn version(version: u16) -> [u8; 2] {
    *match version {
        versions::TLS13 => b"13",
        versions::TLS12 => b"12",
        versions::TLS11 => b"11",
        versions::TLS10 => b"10",
        versions::SSL3 => b"s3",
        versions::SSL2 => b"s2",
        versions::DTLS10 => b"d1",
        versions::DTLS12 => b"d2",
        versions::DTLS13 => b"d3",
        _ => b"00",
    }
}

fn count(of: usize) -> [u8; 2] {
    let of = of.min(COUNT_MAX) as u8;
    [b'0' + of / 10, b'0' + of % 10]
}

/// First and last character of a name; of its hexadecimal digits where one of them is neither letter nor digit.
fn alpn(name: &[u8]) -> [u8; 2] {
    let (Some(&first), Some(&last)) = (name.first(), name.last()) else {
        return *b"00";
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [first, last];
    }
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    [digit(first >> 4), digit(last & 0x0f)]
}

/// GREASE among names is two equal bytes, too (RFC 8701 §2).
fn is_grease_name(name: &[u8]) -> bool {
    matches!(name, &[a, b] if is_grease(u16::from_be_bytes([a, b])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpn_characters_of_the_specification() {
        assert_eq!(&alpn(b"h2"), b"h2");
        assert_eq!(&alpn(b"http/1.1"), b"h1");
        assert_eq!(&alpn(b""), b"00");
        assert_eq!(&alpn(b"x"), b"xx");
        assert_eq!(&alpn(&[0xab]), b"ab");
        assert_eq!(&alpn(&[0xab, 0xcd]), b"ad");
        assert_eq!(&alpn(&[0x30, 0xab]), b"3b");
        assert_eq!(&alpn(&[0x30, 0x31, 0xab, 0xcd]), b"3d");
        assert_eq!(&alpn(&[0x30, 0xab, 0xcd, 0x31]), b"01");
    }

    #[test]
    fn counts_stop_at_99() {
        assert_eq!(&count(0), b"00");
        assert_eq!(&count(7), b"07");
        assert_eq!(&count(99), b"99");
        assert_eq!(&count(1000), b"99");
    }

    /// The example of the specification, GREASE added.
    fn example() -> Ja4Lists {
        let ciphers = [
            0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
            0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
        ];
        let extensions = [
            0x1a1a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023,
            0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015,
        ];
        let signatures = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
        Ja4Lists::new(ciphers.into_iter(), extensions.into_iter(), signatures.into_iter())
    }

    fn hello(lists: &Ja4Lists) -> Vec<u8> {
        let bytes = |numbers: &[u16]| -> Vec<u8> {
            numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
        };
        let with_length = |bytes: &[u8]| {
            let mut all = (bytes.len() as u16).to_be_bytes().to_vec();
            all.extend(bytes);
            all
        };
        let mut extensions = Vec::new();
        for kind in &lists.extensions {
            let data = match *kind {
                kinds::ALPN => vec![0, 3, 2, b'h', b'2'],
                kinds::SUPPORTED_VERSIONS => vec![6, 0xfa, 0xfa, 3, 4, 3, 3],
                kinds::SIGNATURE_ALGORITHMS => with_length(&bytes(&lists.signatures)),
                _ => Vec::new(),
            };
            extensions.extend(kind.to_be_bytes());
            extensions.extend(with_length(&data));
        }
        let mut body = vec![3, 3];
        body.extend([0; 33]);
        body.extend(with_length(&bytes(&lists.ciphers)));
        body.extend([1, 0]);
        body.extend(with_length(&extensions));
        body
    }

    #[test]
    fn the_example_of_the_specification() {
        let body = hello(&example());
        let ja4 = Ja4::new(&ClientHello::parse(&body, Carrier::Tls).unwrap(), Carrier::Tls);
        assert_eq!(ja4.to_string(), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        let sorted = "t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_\
                      0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_\
                      0403,0804,0401,0503,0805,0501,0806,0601";
        assert_eq!(ja4.raw(&example().sorted()), sorted);
        let original = "t13d1516h2_1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035_\
                        001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015_\
                        0403,0804,0401,0503,0805,0501,0806,0601";
        assert_eq!(ja4.raw(&example()), original);
    }

    #[test]
    fn without_signature_algorithms_the_text_has_no_second_underscore() {
        let lists = Ja4Lists { signatures: Vec::new(), ..example() };
        let body = hello(&lists);
        let quic = Ja4::new(&ClientHello::parse(&body, Carrier::Quic).unwrap(), Carrier::Quic);
        assert_eq!(quic.to_string(), "q13d1516h2_8daaf6152771_6d807ffa2a79");
    }

    #[test]
    fn empty_lists_are_zeros() {
        let lists = Ja4Lists { ciphers: vec![], extensions: vec![0, 16], signatures: vec![] };
        let body = hello(&lists);
        let ja4 = Ja4::new(&ClientHello::parse(&body, Carrier::Tls).unwrap(), Carrier::Tls);
        assert_eq!(ja4.to_string(), "t12d0002h2_000000000000_000000000000");
    }

    #[test]
    fn versions_of_the_specification() {
        let known = [
            (0x0304, b"13"),
            (0x0303, b"12"),
            (0x0302, b"11"),
            (0x0301, b"10"),
            (0x0300, b"s3"),
            (0x0002, b"s2"),
            (0xfeff, b"d1"),
            (0xfefd, b"d2"),
            (0xfefc, b"d3"),
            (0x7f1c, b"00"),
        ];
        for (number, text) in known {
            assert_eq!(&version(number), text);
        }
    }
}
