//! Protocols that are told by their first bytes, through the whole road.

use rheos_core::Direction;

use super::frames::{Timed, rows};
use super::rows::{B, F, t};
use super::talks::{Talk, datagrams};

/// What is said, and which protocol it is by which rule.
type Case = (Vec<Timed>, &'static str, &'static str);

fn streams() -> Vec<Case> {
    let talk = |says: &[(Direction, &[u8])]| {
        says.iter().fold(Talk::new(), |talk, (from, bytes)| talk.say(*from, bytes)).close()
    };
    let smb = [&[0, 0, 0, 84][..], b"\xfeSMB", &[0; 80]].concat();
    vec![
        (talk(&[(B, b"220 mx ESMTP\r\n"), (F, b"EHLO me\r\n")]), "smtp", "smtp.greeting"),
        (talk(&[(B, b"220 hello\r\n"), (F, b"HELO me\r\n")]), "smtp", "smtp.helo"),
        (talk(&[(B, b"220 hello\r\n"), (F, b"USER joe\r\n")]), "ftp", "ftp.command"),
        (talk(&[(B, b"+OK\r\n"), (F, b"CAPA\r\n")]), "pop3", "pop3.command"),
        (talk(&[(B, b"* OK ready\r\n")]), "imap", "imap.greeting"),
        (talk(&[(B, b"RFB 003.008\n"), (F, b"RFB 003.008\n")]), "vnc", "vnc.version"),
        (talk(&[(F, &[5, 1, 0]), (B, &[5, 0])]), "socks", "socks.version_5"),
        (talk(&[(F, &smb)]), "smb", "smb.version_2"),
        (talk(&[(F, b"*1\r\n$4\r\nPING\r\n"), (B, b"+PONG\r\n")]), "redis", "redis.command"),
        (talk(&[(F, b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04abcd")]), "mqtt", "mqtt.connect"),
        (
            talk(&[(F, &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]), (B, b"N")]),
            "postgres",
            "postgres.encryption_request",
        ),
    ]
}

fn of_datagrams() -> Vec<Case> {
    let rtp = |number: u8| [0x80, 0, 0, number, 0, 0, number, 0, 9, 9, 9, 9, 1, 2, 3, 4];
    let media: Vec<(Direction, [u8; 16])> = (1..4).map(|number| (F, rtp(number))).collect();
    let media: Vec<(Direction, &[u8])> =
        media.iter().map(|(from, bytes)| (*from, &bytes[..])).collect();
    let mut wireguard = vec![1, 0, 0, 0];
    wireguard.resize(148, 7);
    let binding = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[5; 12]].concat();
    let invite = b"INVITE sip:bob@example.org SIP/2.0\r\n\r\n";
    vec![
        (datagrams(&media), "rtp", "rtp.sequence"),
        (datagrams(&[(F, &wireguard)]), "wireguard", "wireguard.initiation"),
        (datagrams(&[(F, &binding)]), "stun", "stun.message"),
        (datagrams(&[(F, invite)]), "sip", "sip.request"),
        (datagrams(&[(F, b"\0\x01boot.img\0octet\0")]), "tftp", "tftp.request"),
        (datagrams(&[(F, b"<34>Oct 11 22:14:15 host su: failed")]), "syslog", "syslog.header"),
    ]
}

#[test]
fn protocols_without_columns_have_a_name_and_a_rule() {
    for (frames, app, rule) in streams().into_iter().chain(of_datagrams()) {
        let rows = rows(&frames);
        assert_eq!(rows.len(), 1, "{app}");
        assert_eq!(rows[0].get("app"), t(app), "{rule}");
        assert_eq!(rows[0].get("app_rule"), t(rule));
    }
}

#[test]
fn a_greeting_in_single_bytes_is_the_same() {
    let talk = Talk::new().say_in(B, b"220 hello\r\n", 1).say_in(F, b"USER joe\r\n", 1);
    assert_eq!(rows(&talk.close())[0].get("app"), t("ftp"));
}

#[test]
fn a_connection_of_which_only_the_server_began_is_told_too() {
    // No handshake: the first packet is the server's, who seems to be the initiator.
    let talk = Talk::midway().say(B, b"220 mx ESMTP\r\n").say(F, b"EHLO me\r\n");
    assert_eq!(rows(&talk.close())[0].get("app"), t("smtp"));
}

#[test]
fn a_connection_that_goes_over_to_tls_is_told_as_both() {
    let hello = [&[0x16, 3, 1, 0, 80, 1, 0, 0, 76, 3, 3][..], &[7; 74]].concat();
    let talk = Talk::new()
        .say(B, b"220 mx ESMTP\r\n")
        .say(F, b"EHLO me\r\n")
        .say(B, b"250 STARTTLS\r\n")
        .say(F, b"STARTTLS\r\n")
        .say(B, b"220 go ahead\r\n")
        .say_in(F, &hello, 4);
    let row = &rows(&talk.close())[0];
    assert_eq!(row.get("app_stack"), t("smtp>tls"));
    assert_eq!(row.get("app_rule"), t("handover"));
}
