//! Services of office networks: LDAP, Kerberos, SMB, RDP.

use rheos_wire::service::kerberos;
use rheos_wire::service::ldap::{Authentication, operation_name};
use rheos_wire::service::rdp::push_protocols;
use rheos_wire::service::smb::{Dialect, command_name};

use super::{bytes, column};
use crate::column::{Column, Identity, Kind};
use crate::dissect::Dissection;
use crate::row::RowBuffer;

use Kind::{Bool, Str, U8, U32};

const NOT_LDAP: &str = "no LDAP was found";
const NO_BIND: &str = "no LDAP bind request was found";
const NOT_KERBEROS: &str = "no Kerberos was found, or no message in clear says it";
const NOT_SMB: &str = "no SMB was found";
const NO_DIALECT: &str = "no answer to an SMB negotiation was seen";

pub(super) const COLUMNS: &[Column] = &[
    column("ldap_version", U8, "", "version of the first bind request").null(NO_BIND),
    column("ldap_authentication", Str, "", "how the first bind request tells who the client is: `anonymous` (no name or no password), `simple` (a password in clear), `sasl` or `sicily` (NTLM)").null(NO_BIND),
    column("ldap_operations", Str, "", "distinct operations in order of their first appearance, joined by `,`; up to where the connection is encrypted").null(NOT_LDAP),
    column("ldap_messages", U32, "count", "messages, up to where the connection is encrypted").null(NOT_LDAP),
    column("ldap_errors", U32, "count", "responses with a result code other than success and saslBindInProgress").bwd().null(NOT_LDAP),
    column("kerberos_message_types", Str, "", "distinct messages (RFC 4120 §5.10) in order of their first appearance, joined by `,`").null("no Kerberos was found"),
    column("kerberos_realm", Str, "", "first realm: of the server that is asked for, in replies with a ticket of the client; at most 255 bytes").identity(Identity::Name).null(NOT_KERBEROS),
    column("kerberos_client", Str, "", "first name of who asks, its parts joined by `/`; 255 bytes as they are encoded at most").identity(Identity::Name).null(NOT_KERBEROS),
    column("kerberos_service", Str, "", "first name of the service that a ticket is for, its parts joined by `/`; 255 bytes as they are encoded at most").identity(Identity::Name).null(NOT_KERBEROS),
    column("kerberos_error_codes", Str, "", "distinct codes of errors (RFC 4120 §7.5.9) in order of their first appearance, joined by `,`: 25 only asks who it is").null("no error of Kerberos was found"),
    column("kerberos_ticket_key", U8, "", "with which kind of key the first ticket is encrypted (RFC 3961 §8): 17 and 18 AES, 23 RC4").null("no ticket of Kerberos was found"),
    column("smb_dialect", Str, "", "version that was agreed: `1`, `2.0.2`, `2.1`, `3.0`, `3.0.2` or `3.1.1`").null(NO_DIALECT),
    column("smb_signing_required", Bool, "", "the server wants all messages signed").null(NO_DIALECT),
    column("smb_commands", Str, "", "distinct commands in order of their first appearance, those of version 1 first, joined by `,`; those of version 1 that have no name here as numbers").null("no SMB message in clear was found"),
    column("smb_messages", U32, "count", "messages in clear, compounded ones one by one where they begin in the first 1024 bytes").null(NOT_SMB),
    column("smb_errors", U32, "count", "responses with a status of severity error; a further step of authentication is none").bwd().null(NOT_SMB),
    column("smb_ntlm", Bool, "", "a session is set up with NTLM").null(NOT_SMB),
    column("smb_encrypted_messages", U32, "count", "messages of version 3 that are encrypted").null(NOT_SMB),
    column("rdp_cookie", Str, "", "user's name in the cookie of the connection request; at most 255 bytes").identity(Identity::Name).null("no RDP connection request with such a cookie was found"),
    column("rdp_requested_protocols", Str, "", "what the client can do, joined by `,`: `tls`, `credssp`, `rdstls`, `credssp-early`, `aad`; `rdp` for only RDP's own security").fwd().null("no RDP connection request was found"),
    column("rdp_selected_protocol", Str, "", "what the server chose of these").bwd().null("no RDP connection confirm was found, or it tells of a failure"),
];

pub(super) fn write(read: Option<&Dissection>, row: &mut RowBuffer) {
    let ldap = read.and_then(Dissection::ldap);
    let bind = ldap.and_then(|ldap| ldap.bind);
    row.u8("ldap_version", bind.map(|(version, _)| version));
    row.str("ldap_authentication", bind.map(|(_, how)| Authentication::name(how)));
    row.text("ldap_operations", |out| {
        ldap.is_some_and(|ldap| ldap.operations.push_names(out, operation_name))
    });
    row.u32("ldap_messages", ldap.map(|ldap| ldap.messages));
    row.u32("ldap_errors", ldap.map(|ldap| ldap.errors));
    write_kerberos(read, row);
    let smb = read.and_then(Dissection::smb);
    let dialect = smb.and_then(|smb| smb.dialect);
    row.str("smb_dialect", dialect.and_then(Dialect::name));
    row.bool("smb_signing_required", dialect.map(|dialect| dialect.signing_required));
    row.text("smb_commands", |out| {
        smb.is_some_and(|smb| {
            let one = smb.commands_1.push_names(out, |code| command_name(1, code));
            if one && !smb.commands_2.as_slice().is_empty() {
                out.push(',');
            }
            smb.commands_2.push_names(out, |code| command_name(2, code)) || one
        })
    });
    row.u32("smb_messages", smb.map(|smb| smb.messages));
    row.u32("smb_errors", smb.map(|smb| smb.errors));
    row.bool("smb_ntlm", smb.map(|smb| smb.ntlm));
    row.u32("smb_encrypted_messages", smb.map(|smb| smb.encrypted));
    let rdp = read.and_then(Dissection::rdp);
    bytes(row, "rdp_cookie", rdp.and_then(|rdp| rdp.user.as_deref()));
    let mut protocols = |name, bits: Option<u32>| {
        row.text(name, |out| {
            bits.is_some_and(|bits| {
                push_protocols(out, bits);
                true
            })
        });
    };
    protocols("rdp_requested_protocols", rdp.and_then(|rdp| rdp.requested));
    protocols("rdp_selected_protocol", rdp.and_then(|rdp| rdp.selected));
}

fn write_kerberos(read: Option<&Dissection>, row: &mut RowBuffer) {
    let found = read.and_then(Dissection::kerberos);
    row.text("kerberos_message_types", |out| {
        found.is_some_and(|found| found.kinds.push_names(out, kerberos::kind_name))
    });
    bytes(row, "kerberos_realm", found.and_then(|found| found.realm.as_deref()));
    let mut principal = |name, parts: Option<&[u8]>| {
        row.text(name, |out| {
            parts.is_some_and(|parts| {
                kerberos::push_principal(out, parts);
                true
            })
        });
    };
    principal("kerberos_client", found.and_then(|found| found.client.as_deref()));
    principal("kerberos_service", found.and_then(|found| found.service.as_deref()));
    row.text("kerberos_error_codes", |out| {
        found.is_some_and(|found| found.errors.push_names(out, |_| None))
    });
    row.u8("kerberos_ticket_key", found.and_then(|found| found.ticket_key));
}
