//! Version numbers of SSL, TLS and DTLS, and their names.

/// SSL 2.0.
pub const SSL2: u16 = 0x0002;
/// SSL 3.0 (RFC 6101).
pub const SSL3: u16 = 0x0300;
/// TLS 1.0 (RFC 2246).
pub const TLS10: u16 = 0x0301;
/// TLS 1.1 (RFC 4346).
pub const TLS11: u16 = 0x0302;
/// TLS 1.2 (RFC 5246).
pub const TLS12: u16 = 0x0303;
/// TLS 1.3 (RFC 8446).
pub const TLS13: u16 = 0x0304;
/// DTLS 1.0 (RFC 4347).
pub const DTLS10: u16 = 0xfeff;
/// DTLS 1.2 (RFC 6347).
pub const DTLS12: u16 = 0xfefd;
/// DTLS 1.3 (RFC 9147).
pub const DTLS13: u16 = 0xfefc;

/// Drafts of TLS 1.3 that were in use: 14 to 28.
const DRAFTS: std::ops::RangeInclusive<u16> = 0x7f0e..=0x7f1c;
/// Drafts 23 and 26 as one large site ran them.
const DRAFTS_OF_ONE_SITE: [u16; 2] = [0xfb17, 0xfb1a];

/// Whether the version is TLS 1.3, DTLS 1.3 or a draft of TLS 1.3: what follows its ServerHello is encrypted.
pub fn is_13(version: u16) -> bool {
    matches!(version, TLS13 | DTLS13)
        || DRAFTS.contains(&version)
        || DRAFTS_OF_ONE_SITE.contains(&version)
}

/// Drafts of TLS 1.3 before 22, whose ServerHello is shorter.
pub(crate) fn is_draft_without_session_id(version: u16) -> bool {
    (*DRAFTS.start()..=0x7f15).contains(&version)
}

/// The version's usual name. `None` for numbers that are no version.
pub fn name(version: u16) -> Option<&'static str> {
    Some(match version {
        SSL2 => "SSL 2.0",
        SSL3 => "SSL 3.0",
        TLS10 => "TLS 1.0",
        TLS11 => "TLS 1.1",
        TLS12 => "TLS 1.2",
        TLS13 => "TLS 1.3",
        DTLS10 => "DTLS 1.0",
        DTLS12 => "DTLS 1.2",
        DTLS13 => "DTLS 1.3",
        _ if is_13(version) => "TLS 1.3 (draft)",
        _ => return None,
    })
}

/// How new a version is, to compare versions of TLS and of DTLS, whose numbers fall. 0 for GREASE and what is no
/// version; drafts of TLS 1.3 rank below it.
pub fn rank(version: u16) -> u8 {
    match version {
        SSL2 => 1,
        SSL3 => 2,
        TLS10 => 3,
        TLS11 | DTLS10 => 4,
        TLS12 | DTLS12 => 5,
        TLS13 | DTLS13 => 7,
        _ if is_13(version) => 6,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ranks() {
        assert_eq!(name(0x0304), Some("TLS 1.3"));
        assert_eq!(name(0xfefd), Some("DTLS 1.2"));
        assert_eq!(name(0x7f17), Some("TLS 1.3 (draft)"));
        assert_eq!(name(0x0a0a), None);
        let oldest_first = [0x0a0a, SSL2, SSL3, TLS10, TLS11, TLS12, 0x7f1c, TLS13];
        assert!(oldest_first.is_sorted_by_key(|version| rank(*version)));
        assert!(rank(DTLS13) > rank(DTLS12) && rank(DTLS12) > rank(DTLS10));
    }

    #[test]
    fn drafts_are_13() {
        for version in [TLS13, DTLS13, 0x7f0e, 0x7f12, 0x7f1c, 0xfb1a] {
            assert!(is_13(version), "{version:#x}");
        }
        for version in [TLS12, DTLS12, 0x7f1d, 0x0a0a, 0] {
            assert!(!is_13(version), "{version:#x}");
        }
    }
}
