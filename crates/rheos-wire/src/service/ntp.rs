//! NTP headers (RFC 5905 §7.3).

use crate::text::push_printable;

/// Modes (RFC 5905 §7.3): of a control message (RFC 9327), and of one for private use, as ntpd has it.
pub const CONTROL: u8 = 6;
/// See [`CONTROL`].
pub const PRIVATE: u8 = 7;

/// The first fields of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Version of the protocol.
    pub version: u8,
    /// 1 and 2 symmetric, 3 client, 4 server, 5 broadcast, [`CONTROL`], [`PRIVATE`].
    pub mode: u8,
    /// Of messages that tell time: steps to a reference clock, 0 for none, and what that or the kiss code is.
    pub clock: Option<(u8, [u8; 4])>,
}

impl Header {
    /// Reads a datagram; `None` if it has no byte, or fewer than a message that tells time has.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let &first = bytes.first()?;
        let (version, mode) = (first >> 3 & 7, first & 7);
        let clock = match mode {
            CONTROL | PRIVATE => None,
            _ => {
                let head = bytes.first_chunk::<48>()?;
                Some((head[1], [head[12], head[13], head[14], head[15]]))
            }
        };
        Some(Self { version, mode, clock })
    }
}

/// Appends what a reference is called: letters for a clock (stratum 1) or a kiss code (stratum 0); false for a
/// server's address or its hash, which say something only together with the network.
pub fn push_reference(out: &mut String, stratum: u8, reference: [u8; 4]) -> bool {
    let end = reference.iter().position(|&byte| byte == 0).unwrap_or(4);
    if stratum > 1 || end == 0 {
        return false;
    }
    push_printable(out, reference.get(..end).unwrap_or_default());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_references() {
        let mut bytes = vec![0x24, 1, 3, 0xe9, 0, 0, 0, 0, 0, 0, 0, 0, b'G', b'P', b'S', 0];
        assert_eq!(Header::parse(&bytes), None, "too short");
        bytes.resize(48, 0);
        let header = Header::parse(&bytes).unwrap();
        assert_eq!(header, Header { version: 4, mode: 4, clock: Some((1, *b"GPS\0")) });
        let control = Header::parse(&[0x16, 2, 0, 1]).unwrap();
        assert_eq!(control, Header { version: 2, mode: CONTROL, clock: None });
        let mut out = String::new();
        assert!(push_reference(&mut out, 1, *b"GPS\0") && out == "GPS");
        assert!(!push_reference(&mut out, 2, [10, 0, 0, 1]));
        assert!(!push_reference(&mut out, 0, [0; 4]));
    }
}
