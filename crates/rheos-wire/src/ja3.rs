//! JA3 and JA3S: what a TLS client offers and a server chooses, as the MD5 of a text of decimal numbers.
//!
//! JA3 is `version,ciphers,extensions,groups,formats` of the ClientHello, JA3S `version,cipher,extensions` of the
//! ServerHello; numbers of a list are joined by `-` in the order they were sent, GREASE is left out, and the version is
//! the message's own field, not that of an extension.

use std::fmt::Write as _;

use md5::{Digest, Md5};

use crate::tls::extension::{self, is_grease, kinds};
use crate::tls::{ClientHello, ServerHello};

/// Room for the text of a usual client.
const TEXT_LEN: usize = 320;

/// The text that JA3 hashes.
pub fn client_text(hello: &ClientHello<'_>) -> String {
    let extensions = hello.extensions();
    let groups = extensions.find(kinds::SUPPORTED_GROUPS).map(extension::u16_list);
    let formats = extensions.find(kinds::EC_POINT_FORMATS).map(extension::point_formats);
    client_text_of(
        hello.version,
        hello.cipher_suites.iter(),
        extensions.map(|extension| extension.kind),
        groups.unwrap_or_default().iter(),
        formats.unwrap_or_default().iter().copied().map(u16::from),
    )
}

/// The text that JA3 hashes, of lists that were kept. GREASE is left out here.
pub fn client_text_of(
    version: u16,
    ciphers: impl Iterator<Item = u16>,
    extensions: impl Iterator<Item = u16>,
    groups: impl Iterator<Item = u16>,
    formats: impl Iterator<Item = u16>,
) -> String {
    let mut text = String::with_capacity(TEXT_LEN);
    let _ = write!(text, "{version},");
    join(&mut text, ciphers);
    text.push(',');
    join(&mut text, extensions);
    text.push(',');
    join(&mut text, groups);
    text.push(',');
    join(&mut text, formats);
    text
}

/// The text that JA3S hashes.
pub fn server_text(hello: &ServerHello<'_>) -> String {
    let kinds = hello.extensions().map(|extension| extension.kind);
    server_text_of(hello.version, hello.cipher_suite, kinds)
}

/// The text that JA3S hashes, of a list that was kept.
pub fn server_text_of(version: u16, cipher: u16, extensions: impl Iterator<Item = u16>) -> String {
    let mut text = format!("{version},{cipher},");
    join(&mut text, extensions);
    text
}

/// The fingerprint of a text.
pub fn hash(text: &str) -> [u8; 16] {
    Md5::digest(text.as_bytes()).into()
}

fn join(text: &mut String, numbers: impl Iterator<Item = u16>) {
    for (place, number) in numbers.filter(|number| !is_grease(*number)).enumerate() {
        let dash = if place == 0 { "" } else { "-" };
        let _ = write!(text, "{dash}{number}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    #[test]
    fn the_examples_of_the_method() {
        // From the description of JA3: a client with and one without extensions.
        let whole = "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0";
        assert_eq!(hex(&hash(whole)), "ada70206e40642a3e4461f35503241d5");
        assert_eq!(
            hex(&hash("769,4-5-10-9-100-98-3-6-19-18-99,,,")),
            "de350869b8c85de67a350c8d186f11e6"
        );
    }

    #[test]
    fn grease_and_empty_lists() {
        let text = client_text_of(
            771,
            [0x1a1a, 4865, 0x1a2a].into_iter(),
            [0x0a0a, 10, 0xfafa, 11].into_iter(),
            [0x2a2a, 29].into_iter(),
            std::iter::empty(),
        );
        assert_eq!(text, "771,4865-6698,10-11,29,");
        assert_eq!(
            client_text_of(768, [4].into_iter(), [].into_iter(), [].into_iter(), [].into_iter()),
            "768,4,,,"
        );
        assert_eq!(
            server_text_of(771, 49199, [65281, 0x3a3a, 16].into_iter()),
            "771,49199,65281-16"
        );
        assert_eq!(server_text_of(771, 5, [].into_iter()), "771,5,");
    }
}
