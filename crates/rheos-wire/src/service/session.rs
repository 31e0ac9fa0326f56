//! Lines of SMTP (RFC 5321), POP3 (RFC 1939), IMAP (RFC 9051) and the control connection of FTP (RFC 959).

use crate::App;

const SMTP: &[&str] = &[
    "HELO", "EHLO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "VRFY", "EXPN",
    "HELP", "AUTH", "STARTTLS", "ETRN", "TURN", "XCLIENT",
];
const POP3: &[&str] = &[
    "USER", "PASS", "APOP", "AUTH", "CAPA", "STLS", "STAT", "LIST", "RETR", "DELE", "NOOP", "RSET",
    "QUIT", "TOP", "UIDL", "UTF8", "LANG",
];
const IMAP: &[&str] = &[
    "CAPABILITY",
    "NOOP",
    "LOGOUT",
    "STARTTLS",
    "AUTHENTICATE",
    "LOGIN",
    "ENABLE",
    "SELECT",
    "EXAMINE",
    "CREATE",
    "DELETE",
    "RENAME",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "LIST",
    "LSUB",
    "NAMESPACE",
    "STATUS",
    "APPEND",
    "IDLE",
    "CHECK",
    "CLOSE",
    "UNSELECT",
    "EXPUNGE",
    "SEARCH",
    "FETCH",
    "STORE",
    "COPY",
    "MOVE",
    "UID",
    "ID",
    "SORT",
    "THREAD",
    "GETQUOTA",
    "GETQUOTAROOT",
    "COMPRESS",
];
const FTP: &[&str] = &[
    "USER", "PASS", "ACCT", "CWD", "CDUP", "SMNT", "QUIT", "REIN", "PORT", "PASV", "TYPE", "STRU",
    "MODE", "RETR", "STOR", "STOU", "APPE", "ALLO", "REST", "RNFR", "RNTO", "ABOR", "DELE", "RMD",
    "MKD", "PWD", "LIST", "NLST", "SITE", "SYST", "STAT", "HELP", "NOOP", "AUTH", "ADAT", "PBSZ",
    "PROT", "CCC", "FEAT", "OPTS", "LANG", "EPRT", "EPSV", "SIZE", "MDTM", "MLST", "MLSD", "HOST",
    "CLNT", "XPWD", "XCWD", "XMKD", "XRMD",
];

/// The commands of a protocol, in upper case.
pub const fn commands(app: App) -> &'static [&'static str] {
    match app {
        App::Smtp => SMTP,
        App::Pop3 => POP3,
        App::Imap => IMAP,
        App::Ftp => FTP,
        _ => &[],
    }
}

/// A command and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command<'a> {
    /// Its place in [`commands`].
    pub number: u8,
    /// Its name in upper case.
    pub name: &'static str,
    /// The rest of the line.
    pub argument: &'a [u8],
}

/// The command that a line without its end is; `None` if it is none.
pub fn command(app: App, line: &[u8]) -> Option<Command<'_>> {
    let line = if app == App::Imap {
        // A tag of the client's choice goes before the command.
        let end =
            line.iter().position(|&byte| byte == b' ').filter(|end| (1..=64).contains(end))?;
        line.get(end + 1..)?
    } else {
        line
    };
    let end = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
    let (word, argument) = line.split_at_checked(end)?;
    let names = commands(app);
    let number = names.iter().position(|name| word.eq_ignore_ascii_case(name.as_bytes()))?;
    let name = names.get(number)?;
    Some(Command { number: u8::try_from(number).ok()?, name, argument: argument.trim_ascii() })
}

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// Code of SMTP and FTP; of the others 200 for yes and 500 for no.
    pub code: u16,
    /// More lines of the same reply follow (SMTP, FTP); or it is no answer to a command (IMAP, untagged).
    pub more: bool,
    /// What follows the code.
    pub text: &'a [u8],
}

impl Reply<'_> {
    /// Whether it says no.
    pub const fn is_error(&self) -> bool {
        matches!(self.code, 400..=599)
    }
}

/// The reply that a line without its end is; `None` if it is none.
pub fn reply(app: App, line: &[u8]) -> Option<Reply<'_>> {
    match app {
        App::Smtp | App::Ftp => {
            let (code, rest) = line.split_first_chunk::<3>()?;
            if !code.iter().all(u8::is_ascii_digit) || !matches!(code[0], b'1'..=b'5') {
                return None;
            }
            let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
            let more = match rest.first() {
                None | Some(b' ') => false,
                Some(b'-') => true,
                _ => return None,
            };
            Some(Reply { code, more, text: rest.get(1..).unwrap_or_default() })
        }
        App::Pop3 => answers(line, &[("+OK", 200), ("-ERR", 500)]),
        App::Imap => {
            if let Some(text) = line.strip_prefix(b"* ") {
                let words =
                    [("OK", 200), ("PREAUTH", 200), ("BYE", 200), ("NO", 200), ("BAD", 200)];
                return answers(text, &words).map(|reply| Reply { more: true, ..reply });
            }
            let end =
                line.iter().position(|&byte| byte == b' ').filter(|end| (1..=64).contains(end))?;
            answers(line.get(end + 1..)?, &[("OK", 200), ("NO", 500), ("BAD", 500)])
        }
        _ => None,
    }
}

fn answers<'a>(line: &'a [u8], words: &[(&str, u16)]) -> Option<Reply<'a>> {
    let end = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
    let (word, text) = line.split_at_checked(end)?;
    let &(_, code) = words.iter().find(|(it, _)| word.eq_ignore_ascii_case(it.as_bytes()))?;
    Some(Reply { code, more: false, text: text.get(1..).unwrap_or_default() })
}

/// How many bytes that are no lines follow a line of IMAP: a literal, announced as `{count}` or `{count+}` at its
/// end (RFC 9051 §4.3).
pub fn literal(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"}")?;
    let line = line.strip_suffix(b"+").unwrap_or(line);
    let start = line.iter().rposition(|&byte| byte == b'{')?;
    count(line.get(start + 1..)?)
}

/// A decimal number of at most ten digits.
pub fn count(text: &[u8]) -> Option<u64> {
    let sound = (1..=10).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    sound.then(|| text.iter().fold(0, |count, digit| count * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_replies() {
        let mail = command(App::Smtp, b"mail FROM:<a@b> ").unwrap();
        assert_eq!((mail.name, mail.argument), ("MAIL", &b"FROM:<a@b>"[..]));
        assert_eq!(command(App::Smtp, b"Dear Bob,"), None);
        let login = command(App::Imap, b"a1 login joe x").unwrap();
        assert_eq!((login.name, login.argument), ("LOGIN", &b"joe x"[..]));
        assert_eq!(command(App::Imap, b"login"), None, "no tag");
        let told = |app, line| reply(app, line).map(|it| (it.code, it.more, it.is_error()));
        assert_eq!(told(App::Ftp, b"220-Hello"), Some((220, true, false)));
        assert_eq!(told(App::Smtp, b"550 5.1.1 No"), Some((550, false, true)));
        assert_eq!(told(App::Smtp, b"250"), Some((250, false, false)));
        assert_eq!(told(App::Smtp, b"2500 x"), None);
        assert_eq!(told(App::Pop3, b"-ERR no"), Some((500, false, true)));
        assert_eq!(told(App::Imap, b"* OK ready"), Some((200, true, false)));
        assert_eq!(told(App::Imap, b"a1 NO sorry"), Some((500, false, true)));
        assert_eq!(told(App::Imap, b"* 3 EXISTS"), None);
    }

    #[test]
    fn literals() {
        assert_eq!(literal(b"a1 LOGIN {3}"), Some(3));
        assert_eq!(literal(b"* 1 FETCH (BODY[] {1234+}"), Some(1234));
        assert_eq!(literal(b"{x}"), None);
        assert_eq!(literal(b"a1 NOOP"), None);
    }
}
