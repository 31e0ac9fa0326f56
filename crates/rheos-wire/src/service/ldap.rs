//! LDAP messages (RFC 4511 §4).

use crate::detect::ber::{self, Ber, Header};

/// Bytes of a message's beginning that [`Message::parse`] needs, or all of a shorter one.
pub const HEAD_BYTES: usize = 512;

/// Result code: a further step of SASL is to follow (RFC 4511 appendix A).
pub const SASL_IN_PROGRESS: u32 = 14;

/// How a client says who it is (RFC 4511 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// With no name or no password (RFC 4513 §5.1.1, §5.1.2).
    Anonymous,
    /// With a password in clear.
    Simple,
    /// By a mechanism of SASL.
    Sasl,
    /// By NTLM as Active Directory has it ([MS-ADTS] 5.1.1.1.3).
    Sicily,
}

impl Authentication {
    /// In lower case, as columns tell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Simple => "simple",
            Self::Sasl => "sasl",
            Self::Sicily => "sicily",
        }
    }
}

/// The beginning of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Number of the operation's tag; see [`operation_name`].
    pub operation: u8,
    /// Of a bind request: version, and how.
    pub bind: Option<(u8, Authentication)>,
    /// Of a response: its result code.
    pub result: Option<u32>,
}

impl Message {
    /// Reads the message that begins at `bytes`, of which [`HEAD_BYTES`] are there or all.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let message = Ber::tagged(bytes, ber::SEQUENCE)?;
        let id = Ber::tagged(message.value, ber::INTEGER)?;
        let Header::Is(operation) = ber::header(message.value.get(id.total_len()..)?) else {
            return None;
        };
        // Application class, with or without parts.
        if operation.tag >> 6 != 1 {
            return None;
        }
        let number = operation.tag & 0x1f;
        operation_name(number)?;
        let result = match number {
            1 | 5 | 7 | 9 | 11 | 13 | 15 | 24 => {
                Ber::tagged(operation.value, 0x0a).and_then(|it| it.number())
            }
            _ => None,
        };
        let bind = if number == 0 { bind(operation.value) } else { None };
        Some(Self { operation: number, bind, result })
    }
}

fn bind(value: &[u8]) -> Option<(u8, Authentication)> {
    let version = Ber::tagged(value, ber::INTEGER)?;
    let rest = value.get(version.total_len()..)?;
    let name = Ber::tagged(rest, ber::OCTETS)?;
    let Header::Is(choice) = ber::header(rest.get(name.total_len()..)?) else { return None };
    let how = match choice.tag {
        0x80 if choice.len == 0 || name.len == 0 => Authentication::Anonymous,
        0x80 => Authentication::Simple,
        0xa3 => Authentication::Sasl,
        0x89..=0x8b => Authentication::Sicily,
        _ => return None,
    };
    Some((u8::try_from(version.number()?).ok()?, how))
}

/// What an operation with this application tag is called (RFC 4511 appendix B).
pub const fn operation_name(operation: u8) -> Option<&'static str> {
    Some(match operation {
        0 => "bind",
        1 => "bind-response",
        2 => "unbind",
        3 => "search",
        4 => "search-entry",
        5 => "search-done",
        6 => "modify",
        7 => "modify-response",
        8 => "add",
        9 => "add-response",
        10 => "delete",
        11 => "delete-response",
        12 => "modify-dn",
        13 => "modify-dn-response",
        14 => "compare",
        15 => "compare-response",
        16 => "abandon",
        19 => "search-reference",
        23 => "extended",
        24 => "extended-response",
        25 => "intermediate",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_and_results() {
        let anonymous = [0x30, 12, 2, 1, 1, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0];
        let message = Message::parse(&anonymous).unwrap();
        assert_eq!(message.bind, Some((3, Authentication::Anonymous)));
        let simple = [0x30, 14, 2, 1, 1, 0x60, 9, 2, 1, 3, 4, 1, b'x', 0x80, 1, b'y'];
        assert_eq!(Message::parse(&simple).unwrap().bind, Some((3, Authentication::Simple)));
        let refused = [0x30, 12, 2, 1, 1, 0x61, 7, 0x0a, 1, 49, 4, 0, 4, 0];
        let message = Message::parse(&refused).unwrap();
        assert_eq!((message.operation, message.result, message.bind), (1, Some(49), None));
        assert_eq!(operation_name(message.operation), Some("bind-response"));
        assert_eq!(Message::parse(&[0x30, 5, 2, 1, 1, 0x30, 0]), None, "no operation");
        assert_eq!(Message::parse(&[0x30, 5, 2, 1, 1, 0x51, 0]), None, "no such operation");
    }
}
