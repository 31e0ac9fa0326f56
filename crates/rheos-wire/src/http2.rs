//! HTTP/2 in clear text (RFC 9113): the client's preface and the headers of frames.

/// What a client says first (RFC 9113 §3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Length of a frame's header (RFC 9113 §4.1).
pub const FRAME_HEADER_LEN: usize = 9;

/// Frame types (RFC 9113 §6).
pub mod frame_type {
    /// Content.
    pub const DATA: u8 = 0;
    /// Fields that open a stream.
    pub const HEADERS: u8 = 1;
    /// Priority, deprecated.
    pub const PRIORITY: u8 = 2;
    /// A stream is broken off.
    pub const RST_STREAM: u8 = 3;
    /// Parameters of the connection.
    pub const SETTINGS: u8 = 4;
    /// A response without a request is announced.
    pub const PUSH_PROMISE: u8 = 5;
    /// Round trip, or sign of life.
    pub const PING: u8 = 6;
    /// The connection ends.
    pub const GOAWAY: u8 = 7;
    /// Flow control.
    pub const WINDOW_UPDATE: u8 = 8;
    /// Fields go on.
    pub const CONTINUATION: u8 = 9;
}

/// The sender says nothing more in this stream: of [`frame_type::DATA`] and [`frame_type::HEADERS`].
pub const END_STREAM: u8 = 1;
/// The receiver took in the settings.
const ACK: u8 = 1;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Of what follows the header, in bytes; below 2^24.
    pub len: u32,
    /// See [`frame_type`].
    pub kind: u8,
    /// What they mean depends on the type.
    pub flags: u8,
    /// The stream; 0 is the connection.
    pub stream: u32,
}

impl FrameHeader {
    /// Reads the header at the beginning of `bytes`, once it is whole.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let &[a, b, c, kind, flags, ref stream @ ..] = bytes.first_chunk::<FRAME_HEADER_LEN>()?;
        let len = u32::from_be_bytes([0, a, b, c]);
        // The highest bit is reserved and ignored.
        let stream = u32::from_be_bytes(*stream) & 0x7fff_ffff;
        Some(Self { len, kind, flags, stream })
    }

    /// Whether an endpoint can begin with this frame: settings of its own, not an acknowledgement
    /// (RFC 9113 §3.4, §6.5).
    pub fn is_first(&self) -> bool {
        self.kind == frame_type::SETTINGS
            && self.flags & ACK == 0
            && self.stream == 0
            && self.len.is_multiple_of(6)
            && self.len <= SETTINGS_LEN_MAX
    }
}

/// First settings longer than this are not believed: some 30 parameters are registered, of six bytes each.
const SETTINGS_LEN_MAX: u32 = 64 * 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_headers() {
        let bytes = [0, 1, 2, 1, 5, 0x80, 0, 0, 3, 99];
        let header = FrameHeader { len: 258, kind: frame_type::HEADERS, flags: 5, stream: 3 };
        assert_eq!(FrameHeader::read(&bytes), Some(header));
        assert_eq!(FrameHeader::read(&bytes[..8]), None);
    }

    #[test]
    fn only_settings_come_first() {
        let first = |bytes: [u8; 9]| FrameHeader::read(&bytes).unwrap().is_first();
        assert!(first([0, 0, 18, 4, 0, 0, 0, 0, 0]));
        assert!(first([0, 0, 0, 4, 0, 0, 0, 0, 0]));
        for other in [
            [0, 0, 17, 4, 0, 0, 0, 0, 0],
            [0, 0, 0, 4, 1, 0, 0, 0, 0],
            [0, 0, 18, 4, 0, 0, 0, 0, 1],
            [0, 0, 18, 1, 0, 0, 0, 0, 0],
            [9, 0, 18, 4, 0, 0, 0, 0, 0],
        ] {
            assert!(!first(other), "{other:?}");
        }
    }
}
