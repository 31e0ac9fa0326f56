//! Sessions in lines: SMTP, POP3, IMAP and the control connection of FTP, up to where TLS begins (RFC 3207, RFC 2595,
//! RFC 9051 §6.2.1, RFC 4217).
//!
//! What is no line (mail, literals) is stepped over, so that no word of a letter counts as a command.

use rheos_core::Direction;
use rheos_wire::App;
use rheos_wire::service::session::{command, count, literal, reply};

use super::codes::Codes;
use super::starttls::{Next, handshake};
use super::{Chunk, Detect, Dissector, Start, Taken, Wants};

/// Longest line that is read; the rest of a longer one is passed over (RFC 5321 §4.5.3.1.6 has 1000).
pub const LINE_MAX: usize = 1024;
/// Bytes of lines and mail of a side that are looked at, at most.
pub const SESSION_BYTES_MAX: u64 = 1 << 20;
/// Longest greeting and name that is kept, in bytes.
pub const TEXT_MAX: usize = 255;

/// What both sides say.
#[derive(Debug)]
pub struct Session {
    app: App,
    /// Which side answers; unknown until one speaks like it.
    server: Option<Direction>,
    sides: [Side; 2],
    /// The server's greeting, without its code.
    pub banner: Option<Box<[u8]>>,
    /// What an SMTP client calls itself.
    pub client_name: Option<Box<[u8]>>,
    /// Distinct commands, as places in [`rheos_wire::service::session::commands`].
    pub kinds: Codes,
    /// Commands.
    pub commands: u32,
    /// Replies that say no.
    pub errors: u32,
    /// Credentials were sent in clear.
    pub authenticates: bool,
    /// The client began a TLS handshake.
    pub upgraded: bool,
    /// Recipients that an SMTP client named.
    pub recipients: u32,
    /// Whole replies so far, and how many are due to what was said so far.
    replies: u32,
    due: u32,
    /// The reply that decides whether what follows DATA is mail.
    data_reply: u32,
    /// The last command's answer has many lines (POP3).
    many_lines: bool,
}

#[derive(Debug, Default)]
struct Side {
    read: u64,
    /// What comes up to the next line end is the rest of a line that is not read.
    rest_of_line: bool,
    /// Mail, or another text that a line with a point ends.
    text: bool,
    /// Code of a reply of which lines are to follow.
    open_reply: u16,
}

fn kept(text: &[u8]) -> Box<[u8]> {
    text.get(..TEXT_MAX).unwrap_or(text).into()
}

impl Session {
    /// Which protocol it is.
    pub fn app(&self) -> App {
        self.app
    }

    /// Takes in a line; returns how many bytes after it are no line.
    fn line(&mut self, direction: Direction, line: &[u8]) -> u64 {
        let server = self.server.or_else(|| {
            let told = command(self.app, line).map(|_| direction.reversed());
            reply(self.app, line).map(|_| direction).or(told)
        });
        self.server = server;
        let side = &mut self.sides[direction.index()];
        if side.text {
            side.text = line != b".";
            if !side.text && server == Some(direction.reversed()) {
                self.due = self.due.saturating_add(1);
            }
            return 0;
        }
        match server {
            Some(server) if server == direction => self.reply(direction, line),
            Some(_) => self.command(direction, line),
            None => 0,
        }
    }

    fn command(&mut self, direction: Direction, line: &[u8]) -> u64 {
        let announced = if self.app == App::Imap { literal(line).unwrap_or(0) } else { 0 };
        let Some(command) = command(self.app, line) else { return announced };
        self.commands = self.commands.saturating_add(1);
        self.due = self.due.saturating_add(1);
        self.kinds.insert(command.number);
        let argument = command.argument;
        self.many_lines = false;
        match (self.app, command.name) {
            (App::Smtp, "HELO" | "EHLO" | "LHLO") => {
                self.client_name.get_or_insert_with(|| kept(argument));
            }
            (App::Smtp, "RCPT") => self.recipients = self.recipients.saturating_add(1),
            (App::Smtp, "DATA") => {
                self.sides[direction.index()].text = true;
                self.data_reply = self.due;
            }
            (App::Smtp, "BDAT") => {
                let size = argument.split(|&byte| byte == b' ').next().unwrap_or_default();
                return count(size).unwrap_or(0);
            }
            // In FTP, AUTH is what asks for TLS.
            (App::Ftp, "AUTH") => {}
            (_, "AUTH" | "PASS" | "APOP" | "LOGIN" | "AUTHENTICATE") => self.authenticates = true,
            (App::Pop3, "RETR" | "TOP" | "CAPA") => self.many_lines = true,
            (App::Pop3, "LIST" | "UIDL") => self.many_lines = argument.is_empty(),
            _ => {}
        }
        announced
    }

    fn reply(&mut self, direction: Direction, line: &[u8]) -> u64 {
        let announced = if self.app == App::Imap { literal(line).unwrap_or(0) } else { 0 };
        let Some(reply) = reply(self.app, line) else { return announced };
        let numbered = matches!(self.app, App::Smtp | App::Ftp);
        let open = &mut self.sides[direction.index()].open_reply;
        if *open != 0 && reply.code != *open {
            // A line of the text of a longer reply.
            return announced;
        }
        *open = if numbered && reply.more { reply.code } else { 0 };
        let greets = !numbered || reply.code == 220;
        if greets && self.commands == 0 && self.replies == 0 && self.banner.is_none() {
            self.banner = Some(kept(reply.text));
            self.due = 1;
        }
        if reply.more {
            return announced;
        }
        self.errors = self.errors.saturating_add(u32::from(reply.is_error()));
        // Steps of a dialogue of SASL answer no command (RFC 4954 §4).
        if reply.code == 334 {
            return announced;
        }
        self.replies = self.replies.saturating_add(1);
        if self.app == App::Smtp && self.replies == self.data_reply && reply.code != 354 {
            self.sides[direction.reversed().index()].text = false;
        }
        if self.app == App::Pop3 && !reply.is_error() && std::mem::take(&mut self.many_lines) {
            self.sides[direction.index()].text = true;
        }
        announced
    }
}

impl Detect for Session {
    const APPS: &'static [App] = &[App::Smtp, App::Pop3, App::Imap, App::Ftp];

    fn begin(start: &Start) -> Self {
        Self {
            app: start.app,
            server: None,
            sides: Default::default(),
            banner: None,
            client_name: None,
            kinds: Codes::default(),
            commands: 0,
            errors: 0,
            authenticates: false,
            upgraded: false,
            recipients: 0,
            replies: 0,
            due: 0,
            data_reply: u32::MAX,
            many_lines: false,
        }
    }
}

impl Dissector for Session {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        let number = chunk.direction.index();
        // Where bytes are lost, lines are found again after the next line end.
        self.sides[number].rest_of_line |= chunk.gap;
        let mut at = 0;
        let mut skip = 0;
        // Each turn but the last takes one byte at least.
        while let Some(rest) = chunk.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let side = &mut self.sides[number];
            if !side.rest_of_line && !side.text {
                match handshake(rest) {
                    Next::Handshake => {
                        self.upgraded = true;
                        return Taken::then(at, Wants::Become(App::Tls));
                    }
                    Next::Short => break,
                    _ => {}
                }
            }
            let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                if rest.len() > LINE_MAX || side.rest_of_line {
                    side.rest_of_line = true;
                    at = chunk.bytes.len();
                }
                break;
            };
            at += end + 1;
            if std::mem::take(&mut side.rest_of_line) || end > LINE_MAX {
                continue;
            }
            let line = rest.get(..end).unwrap_or_default();
            skip = self.line(chunk.direction, line.strip_suffix(b"\r").unwrap_or(line));
            if skip > 0 {
                break;
            }
        }
        let read = &mut self.sides[number].read;
        *read += at as u64;
        if *read > SESSION_BYTES_MAX {
            return Taken::enough();
        }
        Taken::skip(at, skip)
    }

    fn heap_bytes(&self) -> usize {
        let texts = [&self.banner, &self.client_name];
        texts.into_iter().flatten().map(|text| text.len()).sum()
    }
}
