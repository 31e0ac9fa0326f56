//! IKE headers: versions 1 (RFC 2408 §3.1) and 2 (RFC 7296 §3.1).

/// The header of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Major version.
    pub version: u8,
    /// Type of the exchange; see [`exchange_name`].
    pub exchange: u8,
}

impl Header {
    /// Reads a datagram, also behind the four zero bytes of NAT traversal (RFC 3948 §2.2).
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.strip_prefix(&[0; 4]).unwrap_or(bytes);
        let head = bytes.first_chunk::<28>()?;
        let version = head[17] >> 4;
        matches!(version, 1 | 2).then_some(Self { version, exchange: head[18] })
    }
}

/// What an exchange is called (RFC 2408 §3.1, RFC 2409, RFC 7296 §3.1).
pub const fn exchange_name(exchange: u8) -> Option<&'static str> {
    Some(match exchange {
        1 => "base",
        2 => "main",
        3 => "authentication-only",
        4 => "aggressive",
        5 => "informational-1",
        32 => "quick",
        33 => "new-group",
        34 => "sa-init",
        35 => "auth",
        36 => "create-child-sa",
        37 => "informational",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let mut bytes = vec![7; 17];
        bytes.extend([0x20, 34, 8, 0, 0, 0, 0, 0, 0, 0, 28]);
        bytes[16] = 0x21;
        assert_eq!(Header::parse(&bytes), Some(Header { version: 2, exchange: 34 }));
        let behind = [&[0; 4][..], &bytes].concat();
        assert_eq!(Header::parse(&behind), Some(Header { version: 2, exchange: 34 }));
        assert_eq!(Header::parse(&bytes[1..]), None);
        assert_eq!(exchange_name(34), Some("sa-init"));
    }
}
