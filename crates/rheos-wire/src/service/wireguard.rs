//! WireGuard messages (J. Donenfeld, WireGuard: Next Generation Kernel Network Tunnel, §5.4).

/// A kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// First message of a handshake (§5.4.2).
    Initiation,
    /// Second message of a handshake (§5.4.3).
    Response,
    /// Answer of a host under load: the handshake is to be tried again with a cookie (§5.4.7).
    Cookie,
    /// Encrypted packet (§5.4.6).
    Data,
    /// Encrypted nothing: keeps the session and the ways through NAT open (§6.5).
    KeepAlive,
}

impl Kind {
    /// Reads a datagram that was sent with `sent_len` bytes; `None` for other than exact lengths.
    pub const fn parse(bytes: &[u8], sent_len: usize) -> Option<Self> {
        let [kind, 0, 0, 0, ..] = bytes else { return None };
        // Data: 16 bytes of header, packets padded to 16 bytes, an authentication tag of 16 bytes.
        match (*kind, sent_len) {
            (1, 148) => Some(Self::Initiation),
            (2, 92) => Some(Self::Response),
            (3, 64) => Some(Self::Cookie),
            (4, 32) => Some(Self::KeepAlive),
            (4, 48..) if sent_len.is_multiple_of(16) => Some(Self::Data),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_lengths() {
        let kind = |first, len| Kind::parse(&[first, 0, 0, 0, 9], len);
        assert_eq!(kind(1, 148), Some(Kind::Initiation));
        assert_eq!(kind(2, 92), Some(Kind::Response));
        assert_eq!(kind(3, 64), Some(Kind::Cookie));
        assert_eq!(kind(4, 32), Some(Kind::KeepAlive));
        assert_eq!(kind(4, 96), Some(Kind::Data));
        assert_eq!((kind(4, 33), kind(4, 16), kind(1, 92), kind(5, 64)), (None, None, None, None));
        assert_eq!(Kind::parse(&[1, 0, 0], 148), None);
        assert_eq!(Kind::parse(&[1, 0, 0, 1], 148), None);
    }
}
