//! Sessions of text: FTP (RFC 959), Telnet (RFC 854), IRC (RFC 2812), XMPP (RFC 6120), NNTP (RFC 3977).

use super::{Look, Said, Word, begins, first_line, is_text, may_begin, mentions};

const FTP_FIRST: &[&str] = &[
    "USER", "AUTH", "FEAT", "SYST", "OPTS", "PASS", "HOST", "PBSZ", "CLNT", "PASV", "PORT", "EPSV",
    "RETR", "STOR", "CWD", "TYPE",
];

/// FTP: a greeting with 220 or a sign of service, and a command of FTP.
pub fn ftp(said: &Said<'_>) -> Look {
    if !said.server.is_empty() && !may_begin(said.server, b"220") && !may_begin(said.server, b"120")
    {
        return Look::No;
    }
    let greets = said.server.len() > 3 && matches!(said.server.get(3), Some(b' ' | b'-' | b'\r'));
    let command = Word::of(said.client, FTP_FIRST);
    match command {
        Word::Not => return Look::No,
        // Mail servers know AUTH, too.
        Word::Is if greets && !mentions(said.server, b"smtp") => return Look::sure("ftp.command"),
        _ => {}
    }
    let line = first_line(said.server).unwrap_or_default();
    if mentions(line, b"ftp") {
        return Look::likely("ftp.greeting");
    }
    if is_text(said.server) && said.server.len() < 512 { Look::More } else { Look::No }
}

/// How many bytes of whole Telnet commands there are at the beginning, and how many commands; `None` when it does
/// not begin with them.
fn telnet_commands(bytes: &[u8]) -> Option<usize> {
    const IAC: u8 = 255;
    const SB: u8 = 250;
    const OPTION_MAX: u8 = 49;
    let mut rest = bytes;
    let mut count = 0;
    // Each turn takes two bytes at least.
    while let [IAC, command, after @ ..] = rest {
        match (command, after) {
            (251..=254, [option, after @ ..]) if *option <= OPTION_MAX => {
                count += 1;
                rest = after;
            }
            (251..=254 | &SB, []) => break,
            (&SB, [option, after @ ..]) if *option <= OPTION_MAX => {
                count += 1;
                let end = after.windows(2).position(|pair| pair == [IAC, 240]);
                rest = end.and_then(|end| after.get(end + 2..)).unwrap_or_default();
            }
            (241..=249, _) => {
                count += 1;
                rest = after;
            }
            _ => return None,
        }
    }
    (count > 0).then_some(count)
}

/// Telnet: options are negotiated first. Plain text without them cannot be told from other text.
pub fn telnet(said: &Said<'_>) -> Look {
    let sides = [said.client, said.server];
    let counts = sides.map(|bytes| telnet_commands(bytes).unwrap_or(0));
    let begins = |bytes: &[u8]| bytes.first() == Some(&255);
    let quiet = |bytes: &[u8]| bytes.is_empty() || is_text(bytes);
    match counts {
        [client, server] if client > 0 && server > 0 => Look::sure("telnet.options"),
        [client, 0] if client > 1 && quiet(said.server) => Look::likely("telnet.options"),
        [0, server] if server > 1 && quiet(said.client) => Look::likely("telnet.options"),
        [1, 0] | [0, 1] => Look::More,
        _ if sides.iter().any(|bytes| begins(bytes) && bytes.len() < 3) => Look::More,
        _ => Look::No,
    }
}

/// IRC: a nick and a user, or a server's numbered reply.
pub fn irc(said: &Said<'_>) -> Look {
    let command = Word::of(said.client, &["NICK", "USER", "CAP", "PASS"]);
    if command == Word::Not && !said.client.is_empty() {
        return Look::No;
    }
    let line = first_line(said.server).unwrap_or_default();
    let notice = begins(line, b"NOTICE AUTH") || mentions(line, b" NOTICE ");
    let numbered = line.first() == Some(&b':') && (mentions(line, b" 001 ") || notice);
    let replies = numbered || begins(line, b"NOTICE AUTH");
    let nick = mentions(said.client, b"NICK ") && mentions(said.client, b"USER ");
    if replies && command == Word::Is {
        return Look::sure("irc.registration");
    }
    if replies || nick && begins(said.client, b"NICK ") {
        return Look::likely("irc.registration");
    }
    if !said.server.is_empty()
        && !may_begin(said.server, b":")
        && !may_begin(said.server, b"NOTICE")
    {
        return Look::No;
    }
    if is_text(said.client) && is_text(said.server) { Look::More } else { Look::No }
}

/// XMPP: an XML stream in Jabber's name spaces.
pub fn xmpp(said: &Said<'_>) -> Look {
    let opens = |bytes: &[u8]| {
        mentions(bytes, b"<stream:stream") || mentions(bytes, b"http://etherx.jabber.org/streams")
    };
    let may = |bytes: &[u8]| {
        bytes.is_empty() || may_begin(bytes, b"<?xml ") || may_begin(bytes, b"<stream:stream")
    };
    if !may(said.client) || !may(said.server) {
        return Look::No;
    }
    if opens(said.client) || opens(said.server) {
        return Look::sure("xmpp.stream");
    }
    if said.client.len() < 256 { Look::More } else { Look::No }
}

/// NNTP: a greeting with 200 or 201 that names it, or one and a command of NNTP.
pub fn nntp(said: &Said<'_>) -> Look {
    let may = may_begin(said.server, b"200 ") || may_begin(said.server, b"201 ");
    if !said.server.is_empty() && !may {
        return Look::No;
    }
    let words =
        ["MODE", "CAPABILITIES", "GROUP", "AUTHINFO", "LIST", "ARTICLE", "NEWGROUPS", "XOVER"];
    match Word::of(said.client, &words) {
        Word::Not => return Look::No,
        Word::Is if said.server.len() > 3 => return Look::likely("nntp.command"),
        _ => {}
    }
    let line = first_line(said.server).unwrap_or_default();
    if mentions(line, b"nntp") || mentions(line, b"newsserver") {
        return Look::likely("nntp.greeting");
    }
    if is_text(said.server) && said.server.len() < 512 { Look::More } else { Look::No }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{rule, said};
    use super::*;

    #[test]
    fn transfer_of_files() {
        let login = said(b"USER anonymous\r\n", b"220 (vsFTPd 3.0.3)\r\n");
        assert_eq!(rule(ftp(&login)), "ftp.command");
        assert_eq!(rule(ftp(&said(b"", b"220 ProFTPD Server ready\r\n"))), "ftp.greeting");
        assert_eq!(rule(ftp(&said(b"", b"220 hello\r\n"))), "more");
        assert_eq!(rule(ftp(&said(b"EHLO x\r\n", b"220 hello\r\n"))), "no");
        assert_eq!(rule(ftp(&said(b"AUTH PLAIN\r\n", b"220 ESMTP\r\n"))), "more");
    }

    #[test]
    fn options_of_telnet() {
        let client = [255, 251, 24, 255, 253, 1];
        let server = [255, 253, 24, 255, 250, 24, 1, 255, 240, b'l', b'o', b'g'];
        assert_eq!(rule(telnet(&said(&client, &server))), "telnet.options");
        assert_eq!(rule(telnet(&said(&client, b""))), "telnet.options");
        assert_eq!(rule(telnet(&said(&client[..3], b""))), "more");
        assert_eq!(rule(telnet(&said(&[255, 251, 200], b""))), "no");
        assert_eq!(rule(telnet(&said(b"hello", b""))), "no");
        assert_eq!(rule(telnet(&said(&[255], b""))), "more");
    }

    #[test]
    fn chats_and_news() {
        let client = b"NICK joe\r\nUSER joe 0 * :Joe\r\n";
        assert_eq!(rule(irc(&said(client, b""))), "irc.registration");
        let welcome = b":irc.example.org 001 joe :Welcome\r\n";
        assert_eq!(rule(irc(&said(client, welcome))), "irc.registration");
        assert_eq!(rule(irc(&said(b"NICK joe\r\n", b""))), "more");
        assert_eq!(rule(irc(&said(b"GET / HTTP/1.1\r\n", b""))), "no");
        let stream = b"<?xml version='1.0'?><stream:stream to='example.org'>";
        assert_eq!(rule(xmpp(&said(stream, b""))), "xmpp.stream");
        assert_eq!(rule(xmpp(&said(b"<?xml version='1.0'?>", b""))), "more");
        assert_eq!(rule(xmpp(&said(b"<html>", b""))), "no");
        let greeting = b"200 news.example.org InterNetNews NNRP server ready\r\n";
        assert_eq!(rule(nntp(&said(b"MODE READER\r\n", greeting))), "nntp.command");
        assert_eq!(rule(nntp(&said(b"GET / HTTP/1.0\r\n", b""))), "no");
    }
}
