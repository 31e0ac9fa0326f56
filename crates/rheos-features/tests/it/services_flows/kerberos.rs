//! Tickets, computed by hand.

use super::super::frames::FrameCase;
use super::super::rows::{B, F, NULL, n, t};
use super::super::talks::{Talk, datagrams};

pub(super) fn cases() -> Vec<FrameCase> {
    vec![asked(), streamed(), sealed()]
}

/// A value with this tag and a short length.
fn of(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let len = u8::try_from(value.len()).unwrap();
    let head = if len < 128 { vec![tag, len] } else { vec![tag, 0x81, len] };
    [head, value].concat()
}

fn text(text: &str) -> Vec<u8> {
    of(0x1b, &[text.as_bytes()])
}

fn name(parts: &[&str]) -> Vec<u8> {
    let parts: Vec<u8> = parts.iter().flat_map(|part| text(part)).collect();
    of(0x30, &[&of(0xa0, &[&[2, 1, 1]]), &of(0xa1, &[&of(0x30, &[&parts])])])
}

/// A message: version and type in fields from `first` on, then these.
fn message(kind: u8, first: u8, fields: &[&[u8]]) -> Vec<u8> {
    let begin = [first, 3, 2, 1, 5, first + 1, 3, 2, 1, kind];
    of(0x60 | kind, &[&of(0x30, &[&begin, &fields.concat()])])
}

/// A request for a ticket to this service, by this client if it says who it is.
fn request(kind: u8, client: Option<&str>, service: &[&str]) -> Vec<u8> {
    let client = client.map_or(Vec::new(), |client| of(0xa1, &[&name(&[client])]));
    let body = of(
        0x30,
        &[
            &of(0xa0, &[&[3, 5, 0, 0x40, 0x81, 0, 0x10]]),
            &client,
            &of(0xa2, &[&text("EXAMPLE.ORG")]),
            &of(0xa3, &[&name(service)]),
            &of(0xa7, &[&[2, 1, 9]]),
        ],
    );
    message(kind, 0xa1, &[&of(0xa4, &[&body])])
}

fn error(code: u8) -> Vec<u8> {
    let fields = [of(0xa5, &[&[2, 1, 0]]), of(0xa6, &[&[2, 1, code]]), of(0xa9, &[&text("ELSE")])];
    message(30, 0xa0, &[&fields.concat()])
}

/// A reply with a ticket that is encrypted with this kind of key.
fn reply(kind: u8, key: u8) -> Vec<u8> {
    let sealed = of(0x30, &[&of(0xa0, &[&[2, 1, key]]), &of(0xa2, &[&[4, 2, 0xab, 0xcd]])]);
    let ticket = of(
        0x61,
        &[&of(
            0x30,
            &[
                &of(0xa0, &[&[2, 1, 5]]),
                &of(0xa1, &[&text("EXAMPLE.ORG")]),
                &of(0xa2, &[&name(&["cifs", "files"])]),
                &of(0xa3, &[&sealed]),
            ],
        )],
    );
    let fields =
        [of(0xa3, &[&text("EXAMPLE.ORG")]), of(0xa4, &[&name(&["joe"])]), of(0xa5, &[&ticket])];
    message(kind, 0xa0, &[&fields.concat()])
}

fn asked() -> FrameCase {
    let ask = request(10, Some("joe"), &["krbtgt", "EXAMPLE.ORG"]);
    let frames =
        datagrams(&[(F, &ask), (B, &error(25)), (F, &ask), (B, &error(24)), (F, b"not this")]);
    let want = vec![
        ("app", t("kerberos")),
        ("kerberos_message_types", t("as-req,error")),
        ("kerberos_realm", t("EXAMPLE.ORG")),
        ("kerberos_client", t("joe")),
        ("kerberos_service", t("krbtgt/EXAMPLE.ORG")),
        ("kerberos_error_codes", t("25,24")),
        ("kerberos_ticket_key", NULL),
        ("ldap_messages", NULL),
    ];
    FrameCase { name: "a wrong password for a ticket", frames, want }
}

/// Over TCP, in small segments: the client says who it is only in its ticket.
fn streamed() -> FrameCase {
    let with_len =
        |message: Vec<u8>| [&(message.len() as u32).to_be_bytes()[..], &message].concat();
    let frames = Talk::new()
        .say_in(F, &with_len(request(12, None, &["cifs", "files"])), 11)
        .say_in(B, &with_len(reply(13, 23)), 13)
        .close();
    let want = vec![
        ("app", t("kerberos")),
        ("kerberos_message_types", t("tgs-req,tgs-rep")),
        ("kerberos_realm", t("EXAMPLE.ORG")),
        ("kerberos_client", t("joe")),
        ("kerberos_service", t("cifs/files")),
        ("kerberos_error_codes", NULL),
        ("kerberos_ticket_key", n(23.0)),
    ];
    FrameCase { name: "a ticket to a share", frames, want }
}

/// A message that says nothing of all this in clear.
fn sealed() -> FrameCase {
    let private = message(21, 0xa0, &[&of(0xa3, &[&of(0x30, &[&of(0xa0, &[&[2, 1, 18]])])])]);
    let want = vec![
        ("kerberos_message_types", t("priv")),
        ("kerberos_realm", NULL),
        ("kerberos_client", NULL),
        ("kerberos_service", NULL),
        ("kerberos_error_codes", NULL),
        ("kerberos_ticket_key", NULL),
    ];
    FrameCase { name: "encrypted by a ticket", frames: datagrams(&[(F, &private)]), want }
}
