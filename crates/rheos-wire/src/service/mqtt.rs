//! MQTT control packets (MQTT 3.1.1 §2, MQTT 5 §2).

/// Longest CONNECT of which the beginning is looked at, in bytes.
pub const CONNECT_MAX: usize = 1024;

/// CONNECT.
pub const CONNECT: u8 = 1;
/// CONNACK.
pub const CONNACK: u8 = 2;

/// The fixed header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type of the packet: 1 CONNECT to 15 AUTH.
    pub kind: u8,
    /// Bytes of the header.
    pub header_len: usize,
    /// Bytes after the header.
    pub body_len: usize,
}

/// What can be told of a packet's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// A header.
    Is(Header),
    /// Too few bytes.
    Short,
    /// No packet begins so.
    Not,
}

/// A number of one to four bytes with seven bits each (MQTT 5 §1.5.5), and its length.
fn varying(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (place, &byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value, place + 1));
        }
    }
    None
}

impl Header {
    /// Reads the header at the beginning of `bytes`.
    pub fn parse(bytes: &[u8]) -> Beginning {
        let Some((&first, rest)) = bytes.split_first() else { return Beginning::Short };
        if first >> 4 == 0 {
            return Beginning::Not;
        }
        match varying(rest) {
            Some((body_len, len)) => {
                Beginning::Is(Self { kind: first >> 4, header_len: 1 + len, body_len })
            }
            None if rest.len() < 4 => Beginning::Short,
            None => Beginning::Not,
        }
    }
}

/// What a client connects with (MQTT 5 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// Protocol level: 3 (MQTT 3.1), 4 (3.1.1) or 5.
    pub level: u8,
    /// A user's name is sent.
    pub with_user: bool,
    /// In seconds.
    pub keep_alive_s: u16,
    /// The client's name; empty if the server is to give one.
    pub client_id: &'a [u8],
}

impl<'a> Connect<'a> {
    /// Reads what follows the fixed header.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let (_, rest) = text(body)?;
        let (&[level, flags, high, low], rest) = rest.split_first_chunk::<4>()?;
        // A bridge sets the highest bit.
        let level = level & 0x7f;
        let rest = if level == 5 {
            let (len, bytes) = varying(rest)?;
            rest.get(bytes + len..)?
        } else {
            rest
        };
        let (client_id, _) = text(rest)?;
        let keep_alive_s = u16::from_be_bytes([high, low]);
        Some(Self { level, with_user: flags & 0x80 != 0, keep_alive_s, client_id })
    }
}

/// A text with its length in two bytes before it, and what follows.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(len)))
}

/// What a packet of this type is called.
pub const fn kind_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "connect",
        2 => "connack",
        3 => "publish",
        4 => "puback",
        5 => "pubrec",
        6 => "pubrel",
        7 => "pubcomp",
        8 => "subscribe",
        9 => "suback",
        10 => "unsubscribe",
        11 => "unsuback",
        12 => "pingreq",
        13 => "pingresp",
        14 => "disconnect",
        15 => "auth",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connects() {
        let body = b"\0\x04MQTT\x04\x82\0\x3c\0\x04abcd\0\x01u";
        let connect = Connect::parse(body).unwrap();
        assert_eq!((connect.level, connect.with_user, connect.keep_alive_s), (4, true, 60));
        assert_eq!(connect.client_id, b"abcd");
        let five = b"\0\x04MQTT\x05\x02\0\x0a\x03\x21\0\x14\0\x02id";
        let connect = Connect::parse(five).unwrap();
        assert_eq!((connect.level, connect.with_user, connect.client_id), (5, false, &b"id"[..]));
        assert_eq!(Connect::parse(&five[..12]), None);
    }

    #[test]
    fn headers() {
        let is = |kind, header_len, body_len| Beginning::Is(Header { kind, header_len, body_len });
        assert_eq!(Header::parse(&[0x10, 0x10]), is(CONNECT, 2, 16));
        assert_eq!(Header::parse(&[0x32, 0x80, 0x01]), is(3, 3, 128));
        assert_eq!(Header::parse(&[0x32, 0x80]), Beginning::Short);
        assert_eq!(Header::parse(&[0x32, 0x80, 0x80, 0x80, 0x80]), Beginning::Not);
        assert_eq!(Header::parse(&[0]), Beginning::Not);
    }
}
