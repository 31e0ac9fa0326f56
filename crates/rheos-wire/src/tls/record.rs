//! Records (RFC 8446 §5.1, RFC 5246 §6.2.1) and alerts (RFC 8446 §6).

use super::read::Reader;
use super::versions;

/// Content types of records (IANA "TLS ContentType").
pub mod content {
    /// ChangeCipherSpec.
    pub const CHANGE_CIPHER_SPEC: u8 = 20;
    /// Alert.
    pub const ALERT: u8 = 21;
    /// Handshake.
    pub const HANDSHAKE: u8 = 22;
    /// Application data; in TLS 1.3 whatever is encrypted.
    pub const APPLICATION_DATA: u8 = 23;
    /// Heartbeat (RFC 6520).
    pub const HEARTBEAT: u8 = 24;
    /// DTLS record with a connection id (RFC 9146).
    pub const TLS12_CID: u8 = 25;
    /// DTLS 1.3 acknowledgement.
    pub const ACK: u8 = 26;
}

/// Length of a record's header.
pub const HEADER_LEN: usize = 5;
/// Longest content that any version allows: 2^14 bytes and 2048 for compression and protection (RFC 5246 §6.2.3).
pub const CONTENT_MAX: u16 = (1 << 14) + 2048;

/// The header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// Content type, see [`content`].
    pub content: u8,
    /// Version field, 0x0303 in TLS 1.3.
    pub version: u16,
    /// Length of the content in bytes.
    pub len: u16,
}

impl RecordHeader {
    /// Reads a header, whatever it says.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        Some(Self { content: reader.u8()?, version: reader.u16()?, len: reader.u16()? })
    }

    /// Whether it can be the header of a record of SSL 3.0 or TLS: a known content type, a version with the major
    /// number 3, and a length that is allowed.
    pub const fn is_plausible(&self) -> bool {
        matches!(self.content, content::CHANGE_CIPHER_SPEC..=content::HEARTBEAT)
            && self.version >> 8 == 3
            && self.len <= CONTENT_MAX
    }
}

/// Whether the bytes begin a conversation of SSL 3.0 or TLS: a handshake record with the beginning of a ClientHello
/// or ServerHello, or an alert. At least six bytes are needed; `None` is not enough.
pub fn begins_tls(bytes: &[u8]) -> Option<bool> {
    let Some((header, rest)) = bytes.split_at_checked(HEADER_LEN) else {
        // The first bytes tell already what it is not.
        let expected = |(place, byte): (usize, &u8)| match place {
            0 => matches!(*byte, content::HANDSHAKE | content::ALERT),
            1 => *byte == 3,
            2 => *byte <= 4,
            _ => true,
        };
        return if bytes.iter().enumerate().all(expected) { None } else { Some(false) };
    };
    let header = RecordHeader::parse(header)?;
    if !header.is_plausible() || header.version > versions::TLS13 || header.len == 0 {
        return Some(false);
    }
    match (header.content, rest) {
        (content::HANDSHAKE, &[kind, ..]) => Some(matches!(
            kind,
            super::handshake::kinds::CLIENT_HELLO | super::handshake::kinds::SERVER_HELLO
        )),
        (content::HANDSHAKE | content::ALERT, []) => None,
        (content::ALERT, &[level, ..]) => Some(header.len == 2 && matches!(level, 1 | 2)),
        _ => Some(false),
    }
}

/// An alert that is not encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// 1 warning, 2 fatal.
    pub level: u8,
    /// What it says (IANA "TLS Alerts").
    pub description: u8,
}

impl Alert {
    /// Reads the content of an alert record; `None` for one that is encrypted, which is longer, or has no such level.
    pub const fn parse(content: &[u8]) -> Option<Self> {
        match *content {
            [level @ (1 | 2), description] => Some(Self { level, description }),
            _ => None,
        }
    }

    /// `warning` or `fatal`.
    pub const fn level_name(self) -> &'static str {
        if self.level == 1 { "warning" } else { "fatal" }
    }

    /// The description's name as registered; `None` where there is none.
    pub const fn name(self) -> Option<&'static str> {
        alert_name(self.description)
    }
}

/// Names of alerts (IANA "TLS Alerts").
pub const fn alert_name(description: u8) -> Option<&'static str> {
    Some(match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        52 => "too_many_cids_requested",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        117 => "general_error",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_header() {
        let header = RecordHeader::parse(&[22, 3, 1, 2, 0, 1]).unwrap();
        assert_eq!(header, RecordHeader { content: 22, version: 0x301, len: 512 });
        assert!(header.is_plausible());
        assert_eq!(RecordHeader::parse(&[22, 3, 1, 2]), None);
        let odd = [(19, 0x301, 5), (22, 0x201, 5), (22, 0x301, CONTENT_MAX + 1)];
        for (content, version, len) in odd {
            assert!(!RecordHeader { content, version, len }.is_plausible());
        }
    }

    #[test]
    fn how_tls_begins() {
        assert_eq!(begins_tls(&[22, 3, 1, 2, 0, 1]), Some(true));
        assert_eq!(begins_tls(&[22, 3, 3, 0, 80, 2]), Some(true));
        assert_eq!(begins_tls(&[21, 3, 0, 0, 2, 2, 40]), Some(true));
        for enough in 0..6 {
            assert_eq!(begins_tls(&[22, 3, 1, 2, 0, 1][..enough]), None);
        }
        for other in [
            &b"GET / "[..],
            &[22, 2],
            &[22, 3, 9],
            &[22, 3, 1, 0, 0, 1],
            &[23, 3, 3, 0, 9, 1],
            &[22, 3, 1, 0, 80, 9],
            &[21, 3, 3, 0, 30, 1],
        ] {
            assert_eq!(begins_tls(other), Some(false), "{other:?}");
        }
    }

    #[test]
    fn alerts() {
        let alert = Alert::parse(&[2, 40]).unwrap();
        assert_eq!((alert.level_name(), alert.name()), ("fatal", Some("handshake_failure")));
        assert_eq!(Alert::parse(&[1, 0]).unwrap().name(), Some("close_notify"));
        for encrypted in [&[2_u8, 40, 1][..], &[7, 40], &[2], &[]] {
            assert_eq!(Alert::parse(encrypted), None);
        }
        assert_eq!(alert_name(255), None);
    }
}
