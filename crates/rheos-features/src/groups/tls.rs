//! TLS and DTLS handshakes, as far as they are in the clear.
//!
//! QUIC carries TLS, too: that is told by the group `quic`.

mod columns;

use std::borrow::Cow;
use std::fmt::Write as _;

pub use columns::COLUMNS;
use rheos_core::Timestamp;
use rheos_wire::text::push_hex;
use rheos_wire::tls::extension::kinds;
use rheos_wire::tls::{Carrier, ClientFacts, ServerFacts, ciphers, groups, is_grease, versions};
use rheos_wire::x509::CertificateFacts;

use crate::column::GroupInfo;
use crate::dissect::Dissection;
use crate::dissect::tls::{CertificateChain, Handshake};
use crate::groups::{Ended, Group};
use crate::row::RowBuffer;

const SECONDS_PER_DAY: f64 = 86_400.0;

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Tls;

/// What there is to tell of a flow.
#[derive(Clone, Copy)]
struct Told<'a> {
    handshake: Option<&'a Handshake>,
    client: Option<&'a ClientFacts>,
    server: Option<&'a ServerFacts>,
    chain: Option<&'a CertificateChain>,
    leaf: Option<&'a CertificateFacts>,
    /// When the flow began.
    first: Timestamp,
}

impl Group for Tls {
    type State = ();
    const INFO: GroupInfo = GroupInfo {
        name: "tls",
        meaning: "TLS and DTLS handshakes: what is offered, chosen and certified, and fingerprints",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) {}

    fn finish((): &(), ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let Some(dissector) = ended.dissection.and_then(Dissection::tls) else {
            row.bool("tls_detected", false);
            return row.rest_is_null();
        };
        let handshake = Some(dissector.handshake());
        let chain = handshake.and_then(Handshake::chain);
        let told = Told {
            handshake,
            client: handshake.and_then(Handshake::client),
            server: handshake.and_then(Handshake::server),
            chain,
            leaf: chain.and_then(|chain| chain.leaf.as_ref()),
            first: ended.head.first,
        };
        told.older(row);
        told.offered_and_chosen(row);
        told.course(row);
        told.certificate(row);
        told.fingerprints(row);
        told.lists(row);
    }
}

impl<'a> Told<'a> {
    /// The columns of JoyfulJay 0.1, in its order.
    fn older(&self, row: &mut RowBuffer) {
        let Self { handshake, client, server, chain, .. } = *self;
        let (group, bits) = handshake.map_or((None, None), Handshake::key_exchange);
        let offers = |kind| client.map(|client| client.has_extension(kind));
        let version = server.map(|server| server.chosen_version);
        row.bool("tls_detected", handshake.is_some());
        row.u16("tls_version", version);
        text_of(row, "tls_version_str", version, versions::name);
        row.u16("tls_cipher_suite", server.map(|server| server.cipher_suite));
        row.u16("tls_cipher_count", client.map(|client| client.cipher_count));
        row.u16("tls_extension_count", client.map(|client| client.extension_count));
        row.str("tls_sni", client.and_then(|client| client.server_name.as_deref()));
        row.text("tls_alpn", |out| push(out, client.and_then(|client| client.alpn().next())));
        row.text("ja3_hash", |out| hex(out, client.map(|client| &client.ja3[..])));
        row.text("ja3s_hash", |out| hex(out, server.map(|server| &server.ja3s[..])));
        row.u32("tls_handshake_packets", handshake.map(Handshake::packets));
        row.u32("tls_cert_count", chain.map(|chain| chain.count));
        row.u32("tls_cert_total_length", chain.map(|chain| chain.total_len));
        row.u32("tls_cert_first_length", chain.filter(|c| c.count > 0).map(|c| c.first_len));
        row.u32("tls_cert_chain_length", chain.map(|chain| chain.count));
        row.u8("tls_session_id_len", client.map(|client| client.session_id.len()));
        row.bool("tls_session_ticket_ext", offers(kinds::SESSION_TICKET));
        row.bool("tls_session_resumed", handshake.and_then(Handshake::is_resumed));
        row.bool("tls_psk_ext", offers(kinds::PRE_SHARED_KEY));
        row.bool("tls_early_data_ext", offers(kinds::EARLY_DATA));
        row.u16("tls_key_exchange_group", group);
        text_of(row, "tls_key_exchange_group_name", group, groups::name);
        row.u32("tls_key_exchange_length", bits);
    }

    fn offered_and_chosen(&self, row: &mut RowBuffer) {
        let Self { handshake, client, server, .. } = *self;
        let (group, _) = handshake.map_or((None, None), Handshake::key_exchange);
        row.bool("tls_is_dtls", handshake.map(|it| it.carrier() == Carrier::Dtls));
        text_of(row, "tls_cipher_name", server.map(|it| it.cipher_suite), ciphers::name);
        row.str("tls_alpn_chosen", server.and_then(|server| server.alpn.as_deref()));
        row.text("tls_alpn_offered", |out| {
            let names = client.into_iter().flat_map(ClientFacts::alpn).enumerate();
            let push = |(place, name): (usize, Cow<'_, str>)| {
                out.push_str(if place == 0 { "" } else { "," });
                out.push_str(&name);
            };
            names.map(push).count() > 0
        });
        row.u16("tls_record_version", handshake.and_then(Handshake::record_version));
        row.u16("tls_client_version", client.map(|client| client.version));
        row.u16("tls_client_version_max", client.map(ClientFacts::newest_version));
        row.u16("tls_server_version", server.map(|server| server.version));
        row.u32("tls_client_hello_length", client.map(|client| client.message_len));
        row.u32("tls_server_hello_length", server.map(|server| server.message_len));
        row.u16("tls_server_extension_count", server.map(|server| server.extension_count));
        row.u16("tls_group_count", count(client.map(ClientFacts::groups)));
        row.u16("tls_signature_count", count(client.map(ClientFacts::signature_algorithms)));
        let shares = client.map(ClientFacts::key_shares);
        row.u16("tls_key_share_count", shares.map(|shares| shares.len() as u16));
        let sound = |shares: &[rheos_wire::tls::KeyShare]| {
            shares.iter().map(|share| share.group).find(|group| !is_grease(*group))
        };
        row.u16("tls_key_share_group", shares.and_then(sound));
        let withstands = |client: &ClientFacts| {
            client.groups().iter().any(|group| groups::is_post_quantum(*group))
        };
        row.bool("tls_post_quantum_offered", client.map(withstands));
        row.bool("tls_post_quantum", group.map(groups::is_post_quantum));
        row.bool("tls_grease", client.map(ClientFacts::has_grease));
        row.bool("tls_ech_ext", client.map(ClientFacts::has_encrypted_hello));
        row.u16("tls_session_ticket_length", client.and_then(|client| client.ticket_len));
    }

    fn course(&self, row: &mut RowBuffer) {
        let Self { handshake, .. } = *self;
        row.u32("tls_client_hello_count", handshake.map(Handshake::client_hellos));
        row.bool("tls_hello_retry", handshake.map(Handshake::is_retried));
        row.u16("tls_hello_retry_group", handshake.and_then(Handshake::retry_group));
        row.bool("tls_hello_verify", handshake.map(Handshake::is_verified));
        row.bool("tls_new_session_ticket", handshake.map(Handshake::has_new_ticket));
        row.bool("tls_certificate_status", handshake.map(Handshake::has_certificate_status));
        row.bool("tls_certificate_request", handshake.map(Handshake::is_certificate_requested));
        row.u32("tls_client_cert_count", handshake.and_then(Handshake::client_certificates));
        let alert = handshake.and_then(Handshake::first_alert);
        row.u32("tls_alert_count", handshake.map(Handshake::alerts));
        row.str("tls_alert_level", alert.map(|first| first.alert.level_name()));
        row.u8("tls_alert_description", alert.map(|first| first.alert.description));
        row.text("tls_alert_name", |out| {
            let Some(first) = alert else { return false };
            let name = first.alert.name();
            push_named(out, name, u16::from(first.alert.description))
        });
        let client_side = handshake.and_then(Handshake::client_side);
        let from_client = alert.and_then(|first| client_side.map(|side| side == first.from));
        row.bool("tls_alert_from_client", from_client);
        row.u32("tls_malformed", handshake.map(Handshake::malformed));
        row.u32("tls_gaps", handshake.map(Handshake::gaps));
        let (asked, answered) =
            (handshake.and_then(Handshake::client_at), handshake.and_then(Handshake::server_at));
        let completed = handshake.and_then(Handshake::completed_at);
        let after_asking = |moment: Option<Timestamp>| {
            let (asked, moment) = (asked?, moment?);
            (moment >= asked).then(|| moment.since(asked).as_secs_f64())
        };
        row.bool("tls_handshake_complete", handshake.map(|_| completed.is_some()));
        row.f64("tls_server_hello_delay", after_asking(answered));
        row.f64("tls_handshake_duration", after_asking(completed));
    }

    fn certificate(&self, row: &mut RowBuffer) {
        let Self { chain, leaf, first, .. } = *self;
        let first = first.as_secs_f64();
        let (from, to) = (leaf.and_then(|it| it.not_before), leaf.and_then(|it| it.not_after));
        let days = |seconds: f64| seconds / SECONDS_PER_DAY;
        row.str("tls_cert_subject", leaf.map(|leaf| &*leaf.subject));
        row.str("tls_cert_issuer", leaf.map(|leaf| &*leaf.issuer));
        row.str("tls_cert_serial", leaf.map(|leaf| &*leaf.serial));
        row.timestamp("tls_cert_not_before", from.and_then(moment));
        row.timestamp("tls_cert_not_after", to.and_then(moment));
        let whole = from.zip(to).map(|(from, to)| to.saturating_sub(from) as f64);
        row.f64("tls_cert_validity_days", whole.map(days));
        row.f64("tls_cert_age_days", from.map(|from| days(first - from as f64)));
        row.f64("tls_cert_days_left", to.map(|to| days(to as f64 - first)));
        row.str("tls_cert_key_type", leaf.map(|leaf| leaf.key.name()));
        row.u32("tls_cert_key_bits", leaf.and_then(|leaf| leaf.key_bits));
        row.str("tls_cert_signature", leaf.and_then(|leaf| leaf.signature));
        row.u32("tls_cert_san_count", leaf.map(|leaf| leaf.alternative_name_count));
        row.bool("tls_cert_self_signed", leaf.map(|leaf| leaf.self_issued));
        row.bool("tls_cert_is_ca", leaf.map(|leaf| leaf.authority.unwrap_or(false)));
        row.bool("tls_cert_matches_sni", chain.and_then(|chain| chain.names_server));
        let print = chain.filter(|chain| chain.count > 0).map(|chain| &chain.fingerprint[..]);
        row.text("tls_cert_fingerprint", |out| hex(out, print));
    }

    fn fingerprints(&self, row: &mut RowBuffer) {
        let Self { client, server, .. } = *self;
        let own = |text: Option<String>| text.map(Cow::Owned);
        row.text("ja3", |out| push(out, own(client.and_then(ClientFacts::ja3_text))));
        row.text("ja3s", |out| push(out, own(server.and_then(ServerFacts::ja3s_text))));
        row.text("ja4", |out| client.is_some_and(|client| write!(out, "{}", client.ja4).is_ok()));
        let raw = |sorted: bool| {
            let client = client?;
            let lists = client.ja4_lists()?;
            let text =
                if sorted { client.ja4.raw(&lists.sorted()) } else { client.ja4.raw(&lists) };
            Some(Cow::Owned(text))
        };
        row.text("ja4_r", |out| push(out, raw(true)));
        row.text("ja4_ro", |out| push(out, raw(false)));
    }

    fn lists(&self, row: &mut RowBuffer) {
        let Self { client, server, .. } = *self;
        let all = |list: Option<&'a [u16]>| list.unwrap_or_default().iter().copied().map(u32::from);
        row.list_u32("tls_ciphers_offered", all(client.map(ClientFacts::cipher_suites)));
        row.list_u32("tls_extensions_offered", all(client.map(ClientFacts::extensions)));
        row.list_u32("tls_groups_offered", all(client.map(ClientFacts::groups)));
        let signatures = client.map(ClientFacts::signature_algorithms);
        row.list_u32("tls_signatures_offered", all(signatures));
        row.list_u32("tls_versions_offered", all(client.map(ClientFacts::offered_versions)));
        row.list_u32("tls_extensions_chosen", all(server.map(ServerFacts::extensions)));
    }
}

fn count(list: Option<&[u16]>) -> Option<u16> {
    list.map(|list| list.len() as u16)
}

/// A moment from 1970 on.
fn moment(seconds: i64) -> Option<Timestamp> {
    let nanos = u64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?;
    Some(Timestamp::from_nanos(nanos))
}

fn push(out: &mut String, text: Option<Cow<'_, str>>) -> bool {
    let Some(text) = text else { return false };
    out.push_str(&text);
    true
}

fn hex(out: &mut String, bytes: Option<&[u8]>) -> bool {
    bytes.inspect(|bytes| push_hex(out, bytes)).is_some()
}

/// A registered name, or the number.
fn push_named(out: &mut String, name: Option<&str>, number: u16) -> bool {
    match name {
        Some(name) => out.push_str(name),
        None => return write!(out, "unknown(0x{number:04x})").is_ok(),
    }
    true
}

fn text_of(
    row: &mut RowBuffer,
    column: &str,
    number: Option<u16>,
    name: fn(u16) -> Option<&'static str>,
) {
    row.text(column, |out| {
        let Some(number) = number else { return false };
        push_named(out, name(number), number)
    });
}
