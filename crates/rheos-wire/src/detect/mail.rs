//! SMTP (RFC 5321), POP3 (RFC 1939), IMAP (RFC 9051): the server greets, the client commands.

use super::{Look, Said, Word, begins, first_line, is_text, may_begin, mentions};

/// The client's first command; many others follow it.
const SMTP_FIRST: &[&str] = &["EHLO", "HELO", "LHLO"];
const SMTP_OTHER: &[&str] =
    &["MAIL", "RCPT", "DATA", "RSET", "VRFY", "STARTTLS", "AUTH", "BDAT", "XCLIENT"];
const POP3_FIRST: &[&str] = &["USER", "APOP", "CAPA", "AUTH", "STLS", "STAT", "LIST"];

/// SMTP: a greeting with 220, and the client names itself.
pub fn smtp(said: &Said<'_>) -> Look {
    let greets =
        begins(said.server, b"220") && matches!(said.server.get(3), Some(b' ' | b'-' | b'\r'));
    if !said.server.is_empty() && !may_begin(said.server, b"220") && !begins(said.server, b"554") {
        return Look::No;
    }
    match Word::of(said.client, SMTP_FIRST) {
        Word::Is => return Look::sure("smtp.helo"),
        Word::May => {}
        Word::Not if greets && Word::of(said.client, SMTP_OTHER) == Word::Is => {
            // FTP has none of these commands but AUTH, where FTP's greeting says so.
            let ftp = mentions(said.server, b"ftp");
            return Look::likely("smtp.command").when(!ftp);
        }
        Word::Not => return Look::No,
    }
    let line = first_line(said.server).unwrap_or_default();
    if greets && mentions(line, b"smtp") {
        return Look::likely("smtp.greeting");
    }
    let open = said.server.len() < 4 || greets || begins(said.server, b"554");
    if open && is_text(said.server) { Look::More } else { Look::No }
}

/// POP3: `+OK`, and a command of POP3 or a greeting that names it.
pub fn pop3(said: &Said<'_>) -> Look {
    if !said.server.is_empty() && !may_begin(said.server, b"+OK") {
        return Look::No;
    }
    let command = Word::of(said.client, POP3_FIRST);
    if command == Word::Not {
        return Look::No;
    }
    if !begins(said.server, b"+OK") {
        return Look::More;
    }
    if command == Word::Is {
        return Look::sure("pop3.command");
    }
    let Some(line) = first_line(said.server) else {
        return if is_text(said.server) { Look::More } else { Look::No };
    };
    // A timestamp in angle brackets is for APOP.
    let stamp = line.contains(&b'<') && line.ends_with(b">") && line.contains(&b'@');
    if mentions(line, b"pop") || stamp { Look::likely("pop3.greeting") } else { Look::More }
}

/// IMAP: an untagged greeting.
pub fn imap(said: &Said<'_>) -> Look {
    const GREETINGS: [&[u8]; 3] = [b"* OK", b"* PREAUTH", b"* BYE"];
    if said.server.is_empty() {
        // A tag, a blank and a command: short words of text.
        let open = said.client.len() < 64
            && said.client.iter().all(|b| matches!(b, b'\r' | b'\n' | b' '..=b'~'));
        return if open { Look::More } else { Look::No };
    }
    for greeting in GREETINGS {
        if begins(said.server, greeting) {
            return Look::sure("imap.greeting");
        }
    }
    if GREETINGS
        .iter()
        .any(|greeting| said.server.len() < greeting.len() && may_begin(said.server, greeting))
    {
        return Look::More;
    }
    Look::No
}

#[cfg(test)]
mod tests {
    use super::super::testing::{rule, said};
    use super::*;

    #[test]
    fn mail_sessions() {
        let hello = said(b"EHLO mail.example.org\r\n", b"220 mx.example.net ESMTP Postfix\r\n");
        assert_eq!(rule(smtp(&hello)), "smtp.helo");
        assert_eq!(rule(smtp(&said(b"", b"220 mx.example.net ESMTP\r\n"))), "smtp.greeting");
        assert_eq!(rule(smtp(&said(b"", b"220 mx.example.net ready\r\n"))), "more");
        assert_eq!(rule(smtp(&said(b"MAIL FROM:<a@b>\r\n", b"220 x\r\n"))), "smtp.command");
        assert_eq!(rule(smtp(&said(b"USER joe\r\n", b"220 x\r\n"))), "no");
        assert_eq!(rule(smtp(&said(b"", b"HTTP/1.1 200"))), "no");
        assert_eq!(rule(pop3(&said(b"USER joe\r\n", b"+OK ready\r\n"))), "pop3.command");
        assert_eq!(rule(pop3(&said(b"", b"+OK <1896.697@dbc.example>\r\n"))), "pop3.greeting");
        assert_eq!(rule(pop3(&said(b"", b"+OK hello\r\n"))), "more");
        assert_eq!(rule(pop3(&said(b"GET x\r\n", b"+OK\r\n"))), "no");
        assert_eq!(
            rule(imap(&said(b"", b"* OK [CAPABILITY IMAP4rev1] ready\r\n"))),
            "imap.greeting"
        );
        assert_eq!(rule(imap(&said(b"a1 LOGIN x y\r\n", b"* P"))), "more");
        assert_eq!(rule(imap(&said(b"", b"* NOTHING"))), "no");
        assert_eq!(rule(imap(&said(&[0x16, 3, 1], b""))), "no");
    }
}
