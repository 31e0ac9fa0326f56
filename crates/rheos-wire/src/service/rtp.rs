//! RTP headers (RFC 3550 §5.1) and the payload types with a fixed meaning (RFC 3551 §6).

use crate::walk::{be16, be32};

/// The fixed header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// 0 to 127; see [`payload_name`] and [`clock_rate`].
    pub payload_type: u8,
    /// Number of the packet, which wraps.
    pub sequence: u16,
    /// Time of the first sample, in ticks of the payload's clock; wraps.
    pub timestamp: u32,
    /// Who sends: synchronisation source (SSRC).
    pub source: u32,
}

impl Header {
    /// Reads a datagram; `None` for other versions and where RTCP between the same ports has its types (RFC 5761 §4).
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let head = bytes.first_chunk::<12>()?;
        let payload_type = head[1] & 0x7f;
        if head[0] >> 6 != 2 || matches!(payload_type, 64..=95) {
            return None;
        }
        let (sequence, timestamp, source) = (be16(head, 2), be32(head, 4), be32(head, 8));
        Some(Self { payload_type, sequence, timestamp, source })
    }
}

/// Ticks per second of a payload type with a fixed meaning.
pub const fn clock_rate(payload_type: u8) -> Option<u32> {
    Some(match payload_type {
        0 | 3..=5 | 7..=9 | 12 | 13 | 15 | 18 => 8_000,
        6 => 16_000,
        10 | 11 => 44_100,
        16 => 11_025,
        17 => 22_050,
        14 | 25 | 26 | 28 | 31..=34 => 90_000,
        _ => return None,
    })
}

/// What a payload type with a fixed meaning is called.
pub const fn payload_name(payload_type: u8) -> Option<&'static str> {
    Some(match payload_type {
        0 => "PCMU",
        3 => "GSM",
        4 => "G723",
        5 | 6 | 16 | 17 => "DVI4",
        7 => "LPC",
        8 => "PCMA",
        9 => "G722",
        10 | 11 => "L16",
        12 => "QCELP",
        13 => "CN",
        14 => "MPA",
        15 => "G728",
        18 => "G729",
        25 => "CelB",
        26 => "JPEG",
        28 => "nv",
        31 => "H261",
        32 => "MPV",
        33 => "MP2T",
        34 => "H263",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let bytes = [0x80, 0x88, 0xff, 0xfe, 0, 0, 1, 0x40, 1, 2, 3, 4];
        let want =
            Header { payload_type: 8, sequence: 0xfffe, timestamp: 320, source: 0x0102_0304 };
        assert_eq!(Header::parse(&bytes), Some(want));
        assert_eq!(Header::parse(&bytes[..11]), None);
        let mut report = bytes;
        report[1] = 200;
        assert_eq!(Header::parse(&report), None, "RTCP");
        report[..2].copy_from_slice(&[0x40, 8]);
        assert_eq!(Header::parse(&report), None, "another version");
    }

    #[test]
    fn what_has_a_clock_has_a_name() {
        for payload_type in 0..=127 {
            assert_eq!(clock_rate(payload_type).is_some(), payload_name(payload_type).is_some());
        }
        assert_eq!(
            (clock_rate(8), clock_rate(31), clock_rate(96)),
            (Some(8_000), Some(90_000), None)
        );
    }
}
