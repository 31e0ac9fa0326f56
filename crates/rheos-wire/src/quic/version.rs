//! Version numbers, and what differs between versions: types of long headers, salts, labels.

use std::fmt;

use super::header::LongType;

/// A version number (IANA "QUIC Versions").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32);

/// What a version number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// 0: the packet lists the versions that its sender knows (RFC 8999 §6).
    Negotiation,
    /// Version 1 (RFC 9000).
    V1,
    /// Version 2 (RFC 9369).
    V2,
    /// Version 2 in its drafts.
    V2Draft,
    /// A draft of version 1, by its number.
    Draft(u8),
    /// mvfst, by the last byte.
    Mvfst(u8),
    /// Google's QUIC with its own handshake (`Q050`), in packets like those of the drafts.
    Google,
    /// Google's QUIC with TLS (`T050`, `T051`).
    GoogleTls,
    /// Reserved so that peers learn to negotiate: `0x?a?a?a?a` (RFC 9000 §15).
    Reserved,
    /// Anything else.
    Other,
}

/// The first draft whose long header has the form of RFC 8999, and the last.
const DRAFTS: std::ops::RangeInclusive<u8> = 22..=34;
/// The mvfst numbers that were in use, by the last byte.
const MVFST: [u8; 7] = [0x01, 0x02, 0x03, 0x0e, 0x10, 0x11, 0x13];
/// mvfst's number for version 1.
const MVFST_V1: u8 = 0x03;
/// mvfst with the salt of draft 22.
const MVFST_DRAFT_22: u8 = 0x01;

type Salt = [u8; 20];

const SALT_V1: Salt =
    *b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a";
const SALT_V2: Salt =
    *b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9";
const SALT_V2_DRAFT: Salt =
    *b"\xa7\x07\xc2\x03\xa5\x9b\x47\x18\x4a\x1d\x62\xca\x57\x04\x06\xea\x7a\xe3\xe5\xd3";
const SALT_29: Salt =
    *b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99";
const SALT_23: Salt =
    *b"\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02";
const SALT_22: Salt =
    *b"\x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x19\x3a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x4a";
const SALT_Q050: Salt =
    *b"\x50\x45\x74\xef\xd0\x66\xfe\x2f\x9d\x94\x5c\xfc\xdb\xd3\xa7\xf0\xd3\xb5\x6b\x45";
const SALT_T050: Salt =
    *b"\x7f\xf5\x79\xe5\xac\xd0\x72\x91\x55\x80\x30\x4c\x43\xa2\x36\x7c\x60\x48\x83\x10";
const SALT_T051: Salt =
    *b"\x7a\x4e\xde\xf4\xe7\xcc\xee\x5f\xa4\x50\x6c\x19\x12\x4f\xc8\xcc\xda\x6e\x03\x3d";

/// The labels of key, initialisation vector and header protection key.
pub(super) type Labels = [&'static str; 3];

impl Version {
    /// The number of packets that negotiate versions.
    pub const NEGOTIATION: Self = Self(0);
    /// RFC 9000.
    pub const V1: Self = Self(1);
    /// RFC 9369.
    pub const V2: Self = Self(0x6b33_43cf);
    const V2_DRAFT: Self = Self(0x709a_50c4);
    const Q050: Self = Self(u32::from_be_bytes(*b"Q050"));
    const T050: Self = Self(u32::from_be_bytes(*b"T050"));
    const T051: Self = Self(u32::from_be_bytes(*b"T051"));

    /// What the number stands for.
    pub fn family(self) -> Family {
        match self {
            Self::NEGOTIATION => Family::Negotiation,
            Self::V1 => Family::V1,
            Self::V2 => Family::V2,
            Self::V2_DRAFT => Family::V2Draft,
            Self::Q050 => Family::Google,
            Self::T050 | Self::T051 => Family::GoogleTls,
            Self(number) => match number.to_be_bytes() {
                [0xff, 0, 0, draft] if DRAFTS.contains(&draft) => Family::Draft(draft),
                [0xfa, 0xce, 0xb0, last] if MVFST.contains(&last) => Family::Mvfst(last),
                _ if number & 0x0f0f_0f0f == 0x0a0a_0a0a => Family::Reserved,
                _ => Family::Other,
            },
        }
    }

    /// Whether packets of this version can be read beyond RFC 8999.
    pub fn is_read(self) -> bool {
        self.salt().is_some()
    }

    /// Whether the handshake is TLS 1.3.
    pub fn has_tls(self) -> bool {
        self.is_read() && self.family() != Family::Google
    }

    /// Whether frames have the types of Google's QUIC.
    pub(super) fn has_google_frames(self) -> bool {
        matches!(self.family(), Family::Google | Family::GoogleTls)
    }

    /// The type of a long header by its first byte.
    pub(super) fn long_type(self, first: u8) -> LongType {
        use LongType::{Handshake, Initial, Retry, ZeroRtt};
        let types = match self.family() {
            Family::V2 | Family::V2Draft => [Retry, Initial, ZeroRtt, Handshake],
            _ => [Initial, ZeroRtt, Handshake, Retry],
        };
        types[usize::from(first >> 4 & 3)]
    }

    /// The salt of Initial secrets.
    pub(super) fn salt(self) -> Option<&'static Salt> {
        Some(match self.family() {
            Family::V1 | Family::Draft(33..) | Family::Mvfst(MVFST_V1) => &SALT_V1,
            Family::V2 => &SALT_V2,
            Family::V2Draft => &SALT_V2_DRAFT,
            Family::Draft(29..) => &SALT_29,
            Family::Draft(22) | Family::Mvfst(MVFST_DRAFT_22) => &SALT_22,
            Family::Draft(_) | Family::Mvfst(_) => &SALT_23,
            Family::Google => &SALT_Q050,
            Family::GoogleTls if self == Self::T050 => &SALT_T050,
            Family::GoogleTls => &SALT_T051,
            Family::Negotiation | Family::Reserved | Family::Other => return None,
        })
    }

    pub(super) fn labels(self) -> Labels {
        match self.family() {
            Family::V2 | Family::V2Draft => ["quicv2 key", "quicv2 iv", "quicv2 hp"],
            _ => ["quic key", "quic iv", "quic hp"],
        }
    }
}

/// `v1`, `v2`, `draft-29`, `v2-draft`, `Q050`, `mvfst-02`, or the number in hexadecimal.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.family() {
            Family::V1 => f.write_str("v1"),
            Family::V2 => f.write_str("v2"),
            Family::V2Draft => f.write_str("v2-draft"),
            Family::Draft(number) => write!(f, "draft-{number}"),
            Family::Mvfst(number) => write!(f, "mvfst-{number:02x}"),
            Family::Google => f.write_str("Q050"),
            Family::GoogleTls if *self == Self::T050 => f.write_str("T050"),
            Family::GoogleTls => f.write_str("T051"),
            Family::Negotiation | Family::Reserved | Family::Other => {
                write!(f, "0x{:08x}", self.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names() {
        for (number, name, read) in [
            (1, "v1", true),
            (0x6b33_43cf, "v2", true),
            (0x709a_50c4, "v2-draft", true),
            (0xff00_001d, "draft-29", true),
            (0xff00_0016, "draft-22", true),
            (0xff00_0015, "0xff000015", false),
            (0xff00_0023, "0xff000023", false),
            (0xface_b002, "mvfst-02", true),
            (0xface_b0ff, "0xfaceb0ff", false),
            (0x5130_3530, "Q050", true),
            (0x5430_3531, "T051", true),
            (0x1a2a_3a4a, "0x1a2a3a4a", false),
            (0, "0x00000000", false),
            (2, "0x00000002", false),
        ] {
            assert_eq!(Version(number).to_string(), name);
            assert_eq!(Version(number).is_read(), read, "{name}");
        }
        assert_eq!(Version(0x1a2a_3a4a).family(), Family::Reserved);
        assert!(!Version::Q050.has_tls() && Version::T051.has_tls() && Version::V1.has_tls());
    }

    #[test]
    fn version_2_turns_the_types_by_one() {
        let types = |version: Version| [0xc0, 0xd0, 0xe0, 0xf0].map(|byte| version.long_type(byte));
        let [initial, zero_rtt, handshake, retry] = types(Version::V1);
        assert_eq!(types(Version::V2), [retry, initial, zero_rtt, handshake]);
        assert_eq!((initial, retry), (LongType::Initial, LongType::Retry));
    }

    #[test]
    fn drafts_share_salts() {
        let salt = |draft: u32| Version(0xff00_0000 | draft).salt();
        assert!(salt(23) == salt(28) && salt(28) != salt(29) && salt(29) == salt(32));
        assert!(salt(22) != salt(23) && salt(33) == salt(34) && salt(34) == Version::V1.salt());
        assert_eq!(Version(0xface_b003).salt(), Version::V1.salt());
        assert_eq!(Version(0xface_b00e).salt(), salt(27));
    }
}
