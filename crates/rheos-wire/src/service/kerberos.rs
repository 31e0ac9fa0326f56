//! Kerberos messages (RFC 4120 §5): what is not encrypted of them.

use crate::detect::ber::{self, Ber, Header};
use crate::text::push_printable;

/// Bytes of a message's beginning that [`Message::parse`] looks at: tickets lie before what is asked for.
pub const HEAD_BYTES: usize = 8192;
/// Fields of a sequence that are looked at, at most; no message has more.
const FIELDS_MAX: usize = 16;
/// Parts of a principal's name that are told, at most.
const PARTS_MAX: usize = 8;

/// GeneralString.
const STRING: u8 = 0x1b;

/// AP-REQ (RFC 4120 §5.5.1).
const AP_REQ: u8 = 14;
/// KRB-ERROR (RFC 4120 §5.9.1).
const ERROR: u8 = 30;

/// A message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Message<'a> {
    /// Number of the application tag; see [`kind_name`].
    pub kind: u8,
    /// Realm of the server that is asked for, or, in replies, of the client.
    pub realm: Option<&'a [u8]>,
    /// Parts of the client's name; see [`push_principal`].
    pub client: Option<&'a [u8]>,
    /// Parts of the name of the service that is asked for.
    pub service: Option<&'a [u8]>,
    /// Of an error: its code (RFC 4120 §7.5.9).
    pub error: Option<u8>,
    /// With which kind of key a ticket is encrypted (RFC 3961 §8).
    pub ticket_key: Option<u8>,
}

impl<'a> Message<'a> {
    /// Reads the message that begins at `bytes`, of which [`HEAD_BYTES`] are there or all.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let Header::Is(outer) = ber::header(bytes) else { return None };
        let kind = outer.tag & 0x1f;
        // Application class, built of others.
        if outer.tag >> 5 != 3 || kind_name(kind).is_none() {
            return None;
        }
        let fields = Ber::tagged(outer.value, ber::SEQUENCE)?.value;
        let mut message = Self { kind, ..Self::default() };
        match kind {
            // Requests of tickets: [4] is the body.
            10 | 12 => {
                let body = field(fields, 4).and_then(sequence).unwrap_or_default();
                message.client = field(body, 1).and_then(principal);
                message.realm = field(body, 2).and_then(string);
                message.service = field(body, 3).and_then(principal);
            }
            // Replies with tickets.
            11 | 13 => {
                message.take_ticket(field(fields, 5));
                message.realm = field(fields, 3).and_then(string);
                message.client = field(fields, 4).and_then(principal);
            }
            AP_REQ => message.take_ticket(field(fields, 3)),
            ERROR => {
                message.error = field(fields, 6).and_then(number);
                message.client = field(fields, 8).and_then(principal);
                message.realm = field(fields, 9).and_then(string);
                message.service = field(fields, 10).and_then(principal);
            }
            _ => {}
        }
        Some(message)
    }

    /// What a ticket says in clear (RFC 4120 §5.3).
    fn take_ticket(&mut self, value: Option<&'a [u8]>) {
        const TICKET: u8 = 0x61;
        let ticket = value.and_then(|value| Ber::tagged(value, TICKET));
        let Some(fields) = ticket.and_then(|ticket| sequence(ticket.value)) else { return };
        self.realm = field(fields, 1).and_then(string);
        self.service = field(fields, 2).and_then(principal);
        let encrypted = field(fields, 3).and_then(sequence).unwrap_or_default();
        self.ticket_key = field(encrypted, 0).and_then(number);
    }
}

/// The value of the field with this number.
fn field(fields: &[u8], wanted: u8) -> Option<&[u8]> {
    let mut rest = fields;
    for _ in 0..FIELDS_MAX {
        let Header::Is(field) = ber::header(rest) else { return None };
        if field.tag == 0xa0 | wanted {
            return Some(field.value);
        }
        rest = rest.get(field.total_len()..)?;
    }
    None
}

fn sequence(value: &[u8]) -> Option<&[u8]> {
    Ber::tagged(value, ber::SEQUENCE).map(|it| it.value)
}

fn string(value: &[u8]) -> Option<&[u8]> {
    Ber::tagged(value, STRING).map(|it| it.value)
}

/// A number below 256.
fn number(value: &[u8]) -> Option<u8> {
    u8::try_from(Ber::tagged(value, ber::INTEGER)?.number()?).ok()
}

/// The parts of a name (RFC 4120 §5.2.2), one after the other as they are encoded.
fn principal(value: &[u8]) -> Option<&[u8]> {
    field(sequence(value)?, 1).and_then(sequence)
}

/// Appends the parts of a name, joined by `/` (RFC 1964 §2.1.1).
pub fn push_principal(out: &mut String, parts: &[u8]) {
    let mut rest = parts;
    for place in 0..PARTS_MAX {
        let Some(part) = Ber::tagged(rest, STRING) else { return };
        if place > 0 {
            out.push('/');
        }
        push_printable(out, part.value);
        rest = rest.get(part.total_len()..).unwrap_or_default();
    }
}

/// What a message is called (RFC 4120 §5.10).
pub const fn kind_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        10 => "as-req",
        11 => "as-rep",
        12 => "tgs-req",
        13 => "tgs-rep",
        14 => "ap-req",
        15 => "ap-rep",
        20 => "safe",
        21 => "priv",
        22 => "cred",
        30 => "error",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value with this tag.
    fn of(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let value = parts.concat();
        [&[tag, value.len() as u8][..], &value].concat()
    }

    fn name(parts: &[&[u8]]) -> Vec<u8> {
        let parts: Vec<u8> = parts.iter().flat_map(|part| of(STRING, &[part])).collect();
        of(0x30, &[&[0xa0, 3, 2, 1, 1], &of(0xa1, &[&of(0x30, &[&parts])])])
    }

    fn principal_text(parts: Option<&[u8]>) -> String {
        let mut out = String::new();
        push_principal(&mut out, parts.unwrap_or_default());
        out
    }

    #[test]
    fn requests_and_errors() {
        let body = of(
            0x30,
            &[
                &[0xa0, 7, 3, 5, 0, 0x40, 0, 0, 0],
                &of(0xa1, &[&name(&[b"joe"])]),
                &of(0xa2, &[&of(STRING, &[b"EXAMPLE.ORG"])]),
                &of(0xa3, &[&name(&[b"krbtgt", b"EXAMPLE.ORG"])]),
            ],
        );
        let fields = of(0x30, &[&[0xa1, 3, 2, 1, 5, 0xa2, 3, 2, 1, 10], &of(0xa4, &[&body])]);
        let request = of(0x6a, &[&fields]);
        let message = Message::parse(&request).unwrap();
        assert_eq!((message.kind, message.realm), (10, Some(&b"EXAMPLE.ORG"[..])));
        assert_eq!(principal_text(message.client), "joe");
        assert_eq!(principal_text(message.service), "krbtgt/EXAMPLE.ORG");
        assert_eq!((message.error, message.ticket_key), (None, None));
        for len in 0..request.len() {
            // However it is cut, what is told is a beginning of it.
            let cut = Message::parse(&request[..len]).and_then(|message| message.realm);
            assert!(cut.is_none_or(|realm| b"EXAMPLE.ORG".starts_with(realm)));
        }
        let fields = of(0x30, &[&[0xa0, 3, 2, 1, 5, 0xa1, 3, 2, 1, 30, 0xa6, 3, 2, 1, 25]]);
        let message = Message { kind: 30, error: Some(25), ..Message::default() };
        assert_eq!(Message::parse(&of(0x7e, &[&fields])), Some(message));
        assert_eq!(Message::parse(&of(0x70, &[&fields])), None, "no such message");
        assert_eq!(Message::parse(&of(0x2a, &[&fields])), None, "no application tag");
    }

    #[test]
    fn tickets() {
        let ticket = of(
            0x61,
            &[&of(
                0x30,
                &[
                    &[0xa0, 3, 2, 1, 5],
                    &of(0xa1, &[&of(STRING, &[b"R"])]),
                    &of(0xa2, &[&name(&[b"cifs", b"host"])]),
                    &of(0xa3, &[&of(0x30, &[&[0xa0, 3, 2, 1, 23, 0xa2, 3, 4, 1, 0]])]),
                ],
            )],
        );
        let fields = of(0x30, &[&[0xa0, 3, 2, 1, 5, 0xa1, 3, 2, 1, 14], &of(0xa3, &[&ticket])]);
        let whole = of(0x6e, &[&fields]);
        let message = Message::parse(&whole).unwrap();
        assert_eq!((message.ticket_key, message.realm), (Some(23), Some(&b"R"[..])));
        assert_eq!(principal_text(message.service), "cifs/host");
    }
}
