//! SNMP messages: versions 1 (RFC 1157) and 2c (RFC 1901), version 3 (RFC 3412 §6).

use crate::detect::ber::{self, Ber, Header};

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// 0 for version 1, 1 for 2c, 3.
    pub version: u8,
    /// Length of the community, which is a password: versions 1 and 2c.
    pub community_len: Option<usize>,
    /// Number of the PDU's tag, where it is not encrypted.
    pub pdu: Option<u8>,
}

impl Message {
    /// Reads a datagram.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let message = Ber::tagged(bytes, ber::SEQUENCE)?;
        let version = Ber::tagged(message.value, ber::INTEGER)?;
        let number = u8::try_from(version.number()?).ok()?;
        let rest = message.value.get(version.total_len()..)?;
        if number == 3 {
            return Some(Self { version: 3, community_len: None, pdu: pdu_3(rest) });
        }
        let community = Ber::tagged(rest, ber::OCTETS)?;
        let pdu = pdu(rest.get(community.total_len()..)?);
        Some(Self { version: number, community_len: Some(community.len), pdu })
    }
}

/// The number of the PDU that begins here.
fn pdu(bytes: &[u8]) -> Option<u8> {
    match ber::header(bytes) {
        // Context class, built of others.
        Header::Is(pdu) if pdu.tag & 0xe0 == 0xa0 => Some(pdu.tag & 0x1f),
        _ => None,
    }
}

/// The number of the PDU behind header and security parameters; nothing if it is encrypted.
fn pdu_3(rest: &[u8]) -> Option<u8> {
    let header = Ber::tagged(rest, ber::SEQUENCE)?;
    let rest = rest.get(header.total_len()..)?;
    let security = Ber::tagged(rest, ber::OCTETS)?;
    let scoped = Ber::tagged(rest.get(security.total_len()..)?, ber::SEQUENCE)?;
    let engine = Ber::tagged(scoped.value, ber::OCTETS)?;
    let rest = scoped.value.get(engine.total_len()..)?;
    let context = Ber::tagged(rest, ber::OCTETS)?;
    pdu(rest.get(context.total_len()..)?)
}

/// What a PDU is called (RFC 3416 §3, RFC 1157).
pub const fn pdu_name(pdu: u8) -> Option<&'static str> {
    Some(match pdu {
        0 => "get",
        1 => "get-next",
        2 => "response",
        3 => "set",
        4 => "trap",
        5 => "get-bulk",
        6 => "inform",
        7 => "trap-2",
        8 => "report",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let two = [0x30, 13, 2, 1, 1, 4, 6, b'p', b'u', b'b', b'l', b'i', b'c', 0xa1, 0];
        let want = Message { version: 1, community_len: Some(6), pdu: Some(1) };
        assert_eq!(Message::parse(&two), Some(want));
        let three = [0x30, 15, 2, 1, 3, 0x30, 0, 4, 0, 0x30, 6, 4, 0, 4, 0, 0xa8, 0];
        let want = Message { version: 3, community_len: None, pdu: Some(8) };
        assert_eq!(Message::parse(&three), Some(want));
        let sealed = [0x30, 9, 2, 1, 3, 0x30, 0, 4, 0, 4, 0];
        assert_eq!(Message::parse(&sealed).unwrap().pdu, None);
        assert_eq!(Message::parse(&two[..1]), None);
    }
}
