//! Sessions in text: SMTP, POP3, IMAP, FTP, SIP.

use rheos_wire::App;
use rheos_wire::service::session::commands;

use super::{bytes, column};
use crate::column::{Column, Identity, Kind};
use crate::dissect::Dissection;
use crate::row::RowBuffer;

use Kind::{Bool, Str, U16, U32};

const NO_SESSION: &str = "neither SMTP, POP3, IMAP nor FTP was found";
const NOT_SMTP: &str = "no SMTP was found";
const NOT_SIP: &str = "no SIP was found";

pub(super) const COLUMNS: &[Column] = &[
    column("session_banner", Str, "", "greeting of an SMTP, POP3, IMAP or FTP server: its first line without the code; at most 255 bytes").identity(Identity::Name).null("no such server was found, or its greeting was not seen"),
    column("session_command_list", Str, "", "distinct commands of the client (SMTP, POP3, IMAP, FTP) in order of their first appearance, joined by `,`; at most 24. Of each side 1 MiB of lines and mail is looked at").null("no such session was found, or no command"),
    column("session_commands", U32, "count", "commands of the client (SMTP, POP3, IMAP, FTP); words of mail do not count").fwd().null(NO_SESSION),
    column("session_errors", U32, "count", "replies of the server that say no: codes from 400 to 599, `-ERR`, `NO`, `BAD`").bwd().null(NO_SESSION),
    column("session_clear_login", Bool, "", "the client sent credentials, or began to, before any encryption: AUTH, PASS, APOP, LOGIN, AUTHENTICATE").null(NO_SESSION),
    column("session_starttls", Bool, "", "the client began a TLS handshake within the session").null(NO_SESSION),
    column("smtp_helo", Str, "", "what the client calls itself: first argument of HELO, EHLO or LHLO; at most 255 bytes").identity(Identity::Name).null("no SMTP was found, or no such command"),
    column("smtp_recipients", U32, "count", "recipients that the client named").null(NOT_SMTP),
    column("sip_method", Str, "", "method of the first request").null("no SIP request was found"),
    column("sip_status", U16, "", "first final status: 200 or above").null("no final SIP response was found"),
    column("sip_user_agent", Str, "", "User-Agent field of the first request that has one; at most 255 bytes").identity(Identity::Name).null("no SIP request with such a field was found"),
    column("sip_server", Str, "", "Server or User-Agent field of the first response that has one; at most 255 bytes").identity(Identity::Name).null("no SIP response with such a field was found"),
    column("sip_requests", U32, "count", "requests, also repeated ones").null(NOT_SIP),
    column("sip_responses", U32, "count", "responses, also interim and repeated ones").null(NOT_SIP),
    column("sip_calls", U32, "count", "distinct Call-IDs; 64 stands for more").null(NOT_SIP),
    column("sip_media_described", Bool, "", "a message describes media (`application/sdp`)").null(NOT_SIP),
];

pub(super) fn write(read: Option<&Dissection>, row: &mut RowBuffer) {
    let session = read.and_then(Dissection::session);
    bytes(row, "session_banner", session.and_then(|session| session.banner.as_deref()));
    row.text("session_command_list", |out| {
        session.is_some_and(|session| {
            let names = commands(session.app());
            session.kinds.push_names(out, |number| names.get(usize::from(number)).copied())
        })
    });
    row.u32("session_commands", session.map(|session| session.commands));
    row.u32("session_errors", session.map(|session| session.errors));
    row.bool("session_clear_login", session.map(|session| session.authenticates));
    row.bool("session_starttls", session.map(|session| session.upgraded));
    let smtp = session.filter(|session| session.app() == App::Smtp);
    bytes(row, "smtp_helo", smtp.and_then(|session| session.client_name.as_deref()));
    row.u32("smtp_recipients", smtp.map(|session| session.recipients));
    let sip = read.and_then(Dissection::sip);
    bytes(row, "sip_method", sip.and_then(|sip| sip.method.as_deref()));
    row.u16("sip_status", sip.and_then(|sip| sip.status));
    bytes(row, "sip_user_agent", sip.and_then(|sip| sip.user_agent.as_deref()));
    bytes(row, "sip_server", sip.and_then(|sip| sip.server.as_deref()));
    row.u32("sip_requests", sip.map(|sip| sip.requests));
    row.u32("sip_responses", sip.map(|sip| sip.responses));
    row.u32("sip_calls", sip.map(|sip| sip.calls() as u32));
    row.bool("sip_media_described", sip.map(|sip| sip.media));
}
