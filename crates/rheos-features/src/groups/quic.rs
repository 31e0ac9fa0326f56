//! QUIC: versions, packets by type, the hellos of opened Initial packets, connection ids and the spin bit.

use std::fmt::Write;

use rheos_core::Nanos;
use rheos_wire::quic::Version;
use rheos_wire::text::push_hex;
use rheos_wire::tls::{ClientFacts, ServerFacts, ciphers, groups};

use super::{Ended, Group};
use crate::column::Kind::{Bool, F64, Str, U8, U16, U32, U64};
use crate::column::{Column, GroupInfo, Identity, Kind, Privacy, Profile};
use crate::dissect::quic::{LongStart, PacketKind, Parameters, Quic as Read};
use crate::row::RowBuffer;

const NOT_QUIC: &str = "not QUIC";
const NO_LONG: &str = "not QUIC, or only a list of versions was seen";
const NO_HELLO: &str = "no whole TLS ClientHello was read";
const NO_SERVER_HELLO: &str = "no whole ServerHello was read";
const NO_PARAMETER: &str = "the client did not send it, or no whole ClientHello was read";
const NO_SPIN: &str = "fewer than two packets with short headers in this direction";
const NO_PERIOD: &str = "fewer than two changes of the bit in this direction";
const NO_IDS: &str = "no packet with a short header in this direction, or without a connection id, or the handshake that tells its length was not seen";
const NO_SERVER: &str = "the server sent no long header but Retry and lists of versions";
const NO_CLIENT: &str = "no long header of the client was seen";
const OPENED: &str = "Initial packets are decrypted, their CRYPTO frames put in order; the older tool searched the encrypted bytes";
const NULLS: &str = "null, not 0 or false, in other flows";

const fn column(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    Column::new(name, kind, unit, meaning).profile(Profile::Extended).null(NOT_QUIC)
}

const fn packets(name: &'static str, meaning: &'static str) -> Column {
    column(name, U64, "packets", meaning)
}

const fn fingerprint(name: &'static str, meaning: &'static str) -> Column {
    column(name, Str, "", meaning).privacy(Privacy::Sensitive).null(NO_HELLO)
}

const fn parameter(name: &'static str, unit: &'static str, meaning: &'static str) -> Column {
    column(name, U64, unit, meaning).null(NO_PARAMETER)
}

const fn id(name: &'static str, meaning: &'static str) -> Column {
    column(name, Str, "", meaning).privacy(Privacy::Sensitive).option()
}

/// The columns of the group.
#[rustfmt::skip]
pub static COLUMNS: &[Column] = &[
    Column::new("quic_detected", Bool, "", "some of the flow's first datagrams is QUIC by its bytes: a long header of a known version whose Initial packet opens with the key that follows from its connection id, or, where that key is not in the capture, whose packets fill a datagram exactly; or a server's list of versions. Ports and short headers tell nothing")
        .profile(Profile::Extended)
        .changed("DNS and other datagrams whose first byte looks like a header are not QUIC: the older tool asked for no more than that"),
    column("quic_version", U32, "", "version number of the client's first long header, or of the server's where none of the client was seen")
        .null(NO_LONG).changed(NULLS),
    column("quic_version_str", Str, "", "its name: `QUIC v1`, `QUIC v2`, `QUIC draft-29`, `QUIC mvfst-02`, `QUIC Q050`, or `Unknown (0x1a2a3a4a)`; numbers of the form 0x?a?a?a?a are reserved to make servers list their versions")
        .null(NO_LONG).changed("also mvfst, Google's versions and the drafts of version 2"),
    column("quic_dcid_len", U8, "bytes", "length of the destination connection id in the long header of quic_version")
        .null(NO_LONG).changed(NULLS),
    column("quic_scid_len", U8, "bytes", "length of the source connection id in the long header of quic_version")
        .null(NO_LONG).changed(NULLS),
    column("quic_pn_length", U8, "bytes", "bytes of the packet number in the first Initial packet that was opened, header protection removed: 1 to 4")
        .null("no Initial packet was opened").changed("header protection is removed: without that the bits are random"),
    packets("quic_initial_packets", "Initial packets of both sides")
        .changed("type bits by version, and every packet of a datagram; null, not 0, in other flows"),
    column("quic_0rtt_detected", Bool, "", "some packet is a 0-RTT packet").changed("any packet, not only the first with a long header"),
    column("quic_retry_detected", Bool, "", "a Retry packet was seen whose integrity tag is right or cannot be checked")
        .changed("any packet, not only the first with a long header, which is the client's"),
    column("quic_spin_bit", Bool, "", "the spin bit changed between packets with short headers of one direction")
        .null("fewer than two packets with short headers in either direction")
        .changed("each direction on its own: the directions' bits differ by design"),
    column("quic_alpn", Str, "", "first protocol of the ALPN list that the client offers; the server's choice is encrypted")
        .null("no whole TLS ClientHello was read, or it offers none").changed(OPENED),
    column("quic_sni", Str, "", "name of the server that the client asks for")
        .identity(Identity::Name).null("no whole ClientHello was read, or it names none").changed(OPENED),
    column("quic_decrypted", Bool, "", "an Initial packet was opened, which proves that the flow is QUIC"),
    column("quic_server_version", U32, "", "version number of the server's first long header, Retry and lists of versions left out").bwd().null(NO_SERVER),
    column("quic_versions_offered", Str, "", "versions that the client offers in its transport parameters (RFC 9368), in its order, joined by `,`; reserved ones included").null(NO_PARAMETER),
    column("quic_vn_detected", Bool, "", "a server's list of versions was seen"),
    column("quic_vn_versions", Str, "", "versions of the first such list, joined by `,`; at most 32").null("not QUIC, or no list was seen"),
    column("quic_connection_attempts", U32, "count", "how often the client began before the server's hello: more than once after a list of versions, or when it gave up and began anew; a Retry packet is no new beginning; 0 if no Initial packet was opened"),
    packets("quic_0rtt_packets", "0-RTT packets"),
    packets("quic_handshake_packets", "Handshake packets of both sides"),
    packets("quic_retry_packets", "Retry packets, those with a wrong integrity tag left out"),
    packets("quic_vn_packets", "lists of versions"),
    packets("quic_1rtt_packets_fwd", "packets with short headers from the initiator").fwd(),
    packets("quic_1rtt_packets_bwd", "packets with short headers from the responder").bwd(),
    packets("quic_unread_packets", "packets with long headers of versions that are not read: reserved and unknown ones"),
    column("quic_coalesced_datagrams", U64, "count", "datagrams of more than one packet"),
    column("quic_malformed_datagrams", U64, "count", "datagrams that are no sequence of packets to their end, Retry packets with a wrong tag among them"),
    packets("quic_sealed_initials", "whole Initial packets that no key opened, because the client's first one was not captured or they were changed"),
    column("quic_retry_valid", Bool, "", "the integrity tag of the first Retry packet fits the client's packet before it; packets with a wrong tag are not followed")
        .null("not QUIC, no Retry packet, or of a version without a published key, or the packet before it was not captured"),
    column("quic_token_len", U32, "bytes", "longest token in an Initial packet of the client: of a Retry packet or of an earlier connection; 0 if all are empty").null("no Initial packet of the client was seen"),
    column("quic_handshake_seen", Bool, "", "Handshake packets and packets with short headers of both sides were seen"),
    column("quic_response_time", F64, "s", "from the client's first Initial packet to the server's").null("no Initial packet of one of the sides was seen"),
    column("quic_handshake_time", F64, "s", "from the client's first Initial packet to its first packet with a short header").null("the client sent none of one of them"),
    column("quic_spin_flips_fwd", U64, "count", "changes of the spin bit from packet to packet from the initiator, in order of arrival").fwd().null(NO_SPIN),
    column("quic_spin_flips_bwd", U64, "count", "changes of the spin bit from packet to packet from the responder, in order of arrival").bwd().null(NO_SPIN),
    column("quic_spin_period_fwd", F64, "s", "mean time between those changes of quic_spin_flips_fwd: a round trip where both sides spin, and meaningless where they set the bit at random").fwd().profile(Profile::Experimental).null(NO_PERIOD),
    column("quic_spin_period_bwd", F64, "s", "mean time between those changes of quic_spin_flips_bwd: a round trip where both sides spin, and meaningless where they set the bit at random").bwd().profile(Profile::Experimental).null(NO_PERIOD),
    column("quic_dcid_changes_fwd", U64, "count", "new destination connection ids in packets with short headers from the initiator, after the one of the handshake; of the handshake's length").fwd().null(NO_IDS),
    column("quic_dcid_changes_bwd", U64, "count", "new destination connection ids in packets with short headers from the responder, after the one of the handshake; of the handshake's length").bwd().null(NO_IDS),
    column("quic_server_scid_len", U8, "bytes", "length of the connection id that the server gives itself in its first long header, Retry and lists of versions left out").bwd().null(NO_SERVER),
    id("quic_client_dcid", "destination connection id of the client's first long header, which the client made up, in hexadecimal").null(NO_CLIENT),
    id("quic_client_scid", "source connection id of the client's first long header, in hexadecimal; empty if it gives itself none").null(NO_CLIENT),
    id("quic_server_scid", "source connection id of the server's first long header, Retry and lists of versions left out, in hexadecimal").null(NO_SERVER),
    column("quic_crypto_bytes_fwd", U64, "bytes", "bytes of CRYPTO frames in opened Initial packets from the initiator, repeated ones included").fwd(),
    column("quic_crypto_bytes_bwd", U64, "bytes", "bytes of CRYPTO frames in opened Initial packets from the responder, repeated ones included").bwd(),
    column("quic_crypto_refused", U64, "count", "CRYPTO frames that were refused because a stream had more than 32 pieces beyond gaps or more than 64 KiB"),
    column("quic_client_hello_packets", U32, "packets", "opened Initial packets of the client up to the one that made its ClientHello whole").null(NO_HELLO),
    column("quic_client_hello_length", U32, "bytes", "length of the ClientHello with its header of four bytes").null(NO_HELLO),
    column("quic_client_hello_incomplete", Bool, "", "some of the ClientHello was read, and the rest never came"),
    column("quic_alpn_offered", Str, "", "all protocols of the client's ALPN list in its order, joined by `,`").null("no whole TLS ClientHello was read, or it offers none"),
    fingerprint("quic_ja4", "JA4 of the ClientHello, which begins with `q`"),
    fingerprint("quic_ja3", "JA3 of the ClientHello: MD5 in hexadecimal"),
    fingerprint("quic_ja3s", "JA3S of the ServerHello: MD5 in hexadecimal").null(NO_SERVER_HELLO),
    column("quic_tls_version", U16, "", "TLS version that the server chose: 772 is TLS 1.3").null(NO_SERVER_HELLO),
    column("quic_cipher_suite", U16, "", "cipher suite that the server chose").null(NO_SERVER_HELLO),
    column("quic_cipher_suite_name", Str, "", "its name (IANA)").null("no whole ServerHello was read, or the suite has no name"),
    column("quic_group", U16, "", "key exchange group that the server chose").null("no whole ServerHello was read, or it has no key share"),
    column("quic_group_name", Str, "", "its name (IANA)").null("no whole ServerHello was read, it has no key share, or the group has no name"),
    column("quic_hello_retry", Bool, "", "the server asked for another ClientHello (HelloRetryRequest)"),
    column("quic_resumed", Bool, "", "the server took a pre-shared key that the client offered").null(NO_SERVER_HELLO),
    column("quic_ech", Bool, "", "the client sends an encrypted ClientHello, or the extension with random content, which looks the same").null(NO_HELLO),
    parameter("quic_max_idle_timeout", "ms", "the client's transport parameter max_idle_timeout"),
    parameter("quic_max_udp_payload_size", "bytes", "the client's transport parameter max_udp_payload_size"),
    parameter("quic_initial_max_data", "bytes", "the client's transport parameter initial_max_data"),
    parameter("quic_initial_max_streams_bidi", "count", "the client's transport parameter initial_max_streams_bidi"),
    parameter("quic_active_cid_limit", "count", "the client's transport parameter active_connection_id_limit"),
    parameter("quic_max_datagram_frame_size", "bytes", "the client's transport parameter max_datagram_frame_size (RFC 9221)"),
    column("quic_transport_parameters", Str, "", "identifiers of the client's transport parameters in ascending order, reserved ones left out, joined by `-`; at most 64").privacy(Privacy::Sensitive).null(NO_PARAMETER),
    column("quic_user_agent", Str, "", "what the client calls itself in Google's transport parameter or handshake").identity(Identity::Name).null("the client does not say it, or no whole ClientHello was read"),
    column("quic_close_code", U64, "", "error code of the first CONNECTION_CLOSE frame in an opened Initial packet; 256 and more are TLS alerts").null("not QUIC, or no such frame was seen"),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Quic;

impl Group for Quic {
    type State = ();
    const INFO: GroupInfo =
        GroupInfo { name: "quic", meaning: "QUIC and its TLS handshake", columns: COLUMNS };

    fn new(_: &crate::FeaturePlan) {}

    fn finish((): &(), ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let quic = ended.dissection.and_then(|dissection| dissection.quic());
        row.bool("quic_detected", quic.is_some());
        if quic.is_none() {
            return row.rest_is_null();
        }
        older(quic, row);
        versions(quic, row);
        counts(quic, row);
        times(quic, row);
        ids(quic, row);
        hello(quic, row);
        answer(quic, row);
        parameters(quic, row);
    }
}

/// The rest of the older columns.
fn older(quic: Option<&Read>, row: &mut RowBuffer) {
    let first = quic.and_then(Read::first);
    row.u32("quic_version", first.map(|first| first.version.0));
    row.text("quic_version_str", |out| first.is_some_and(|first| name(first.version, out)));
    row.u8("quic_dcid_len", first.map(|first| first.dcid.len()));
    row.u8("quic_scid_len", first.map(|first| first.scid.len()));
    row.u8("quic_pn_length", quic.and_then(Read::number_len));
    row.u64("quic_initial_packets", quic.map(|quic| sum(quic, PacketKind::Initial)));
    let seen = |kind| quic.map(|quic| sum(quic, kind) > 0);
    row.bool("quic_0rtt_detected", seen(PacketKind::ZeroRtt));
    row.bool("quic_retry_detected", seen(PacketKind::Retry));
    let flips = quic.map(Read::spin_flips).unwrap_or_default();
    let told = flips.iter().any(Option::is_some);
    row.bool("quic_spin_bit", told.then(|| flips.iter().flatten().any(|flips| *flips > 0)));
    let hello = quic.and_then(Read::client_hello);
    row.text("quic_alpn", |out| {
        let first = hello.and_then(|hello| hello.alpn().next());
        first.is_some_and(|first| write!(out, "{first}").is_ok())
    });
    row.str("quic_sni", quic.and_then(Read::server_name));
}

fn versions(quic: Option<&Read>, row: &mut RowBuffer) {
    row.bool("quic_decrypted", quic.map(Read::is_opened));
    let server = quic.and_then(Read::first_of_server);
    row.u32("quic_server_version", server.map(|first| first.version.0));
    let offered = quic.and_then(Read::parameters).map(|parameters| &*parameters.versions);
    let offered = offered.unwrap_or_default();
    row.text("quic_versions_offered", |out| join(offered, ",", out));
    let listed = quic.and_then(Read::negotiated);
    row.bool("quic_vn_detected", quic.map(|_| listed.is_some()));
    row.text("quic_vn_versions", |out| join(listed.unwrap_or_default(), ",", out));
    row.u32("quic_connection_attempts", quic.map(Read::attempts));
}

fn counts(quic: Option<&Read>, row: &mut RowBuffer) {
    let all = |kind| quic.map(|quic| sum(quic, kind));
    row.u64("quic_0rtt_packets", all(PacketKind::ZeroRtt));
    row.u64("quic_handshake_packets", all(PacketKind::Handshake));
    row.u64("quic_retry_packets", all(PacketKind::Retry));
    row.u64("quic_vn_packets", all(PacketKind::Negotiation));
    let [fwd, bwd] = quic.map(|quic| quic.packets(PacketKind::OneRtt)).unwrap_or_default();
    row.u64("quic_1rtt_packets_fwd", quic.map(|_| u64::from(fwd)));
    row.u64("quic_1rtt_packets_bwd", quic.map(|_| u64::from(bwd)));
    row.u64("quic_unread_packets", all(PacketKind::Unread));
    row.u64("quic_coalesced_datagrams", quic.map(|quic| u64::from(quic.coalesced())));
    row.u64("quic_malformed_datagrams", quic.map(|quic| u64::from(quic.malformed())));
    row.u64("quic_sealed_initials", quic.map(|quic| u64::from(quic.sealed_initials())));
    row.bool("quic_retry_valid", quic.and_then(Read::retry_genuine));
    row.u32("quic_token_len", quic.and_then(Read::token_len));
    row.bool("quic_handshake_seen", quic.map(Read::is_established));
}

fn times(quic: Option<&Read>, row: &mut RowBuffer) {
    let seconds = |span: Option<Nanos>| span.map(Nanos::as_secs_f64);
    row.f64("quic_response_time", seconds(quic.and_then(Read::response_time)));
    row.f64("quic_handshake_time", seconds(quic.and_then(Read::handshake_time)));
    let [fwd, bwd] = quic.map(Read::spin_flips).unwrap_or_default();
    row.u64("quic_spin_flips_fwd", fwd.map(u64::from));
    row.u64("quic_spin_flips_bwd", bwd.map(u64::from));
    let [fwd, bwd] = quic.map(Read::spin_period).unwrap_or_default();
    row.f64("quic_spin_period_fwd", seconds(fwd));
    row.f64("quic_spin_period_bwd", seconds(bwd));
}

fn ids(quic: Option<&Read>, row: &mut RowBuffer) {
    let [fwd, bwd] = quic.map(Read::id_changes).unwrap_or_default();
    row.u64("quic_dcid_changes_fwd", fwd.map(u64::from));
    row.u64("quic_dcid_changes_bwd", bwd.map(u64::from));
    let client: Option<&LongStart> = quic.and_then(Read::first_of_client);
    let server = quic.and_then(Read::first_of_server);
    row.u8("quic_server_scid_len", server.map(|first| first.scid.len()));
    let mut hex = |column, id: Option<_>| {
        row.text(column, |out| id.is_some_and(|id| write!(out, "{id}").is_ok()));
    };
    hex("quic_client_dcid", client.map(|first| first.dcid));
    hex("quic_client_scid", client.map(|first| first.scid));
    hex("quic_server_scid", server.map(|first| first.scid));
    let [fwd, bwd] = quic.map(Read::crypto_bytes).unwrap_or_default();
    row.u64("quic_crypto_bytes_fwd", quic.map(|_| fwd));
    row.u64("quic_crypto_bytes_bwd", quic.map(|_| bwd));
    row.u64("quic_crypto_refused", quic.map(|quic| u64::from(quic.refused_frames())));
}

fn hello(quic: Option<&Read>, row: &mut RowBuffer) {
    let hello = quic.and_then(Read::client_hello);
    row.u32("quic_client_hello_packets", hello.and(quic).and_then(Read::hello_packets));
    row.u32("quic_client_hello_length", hello.map(|hello| hello.message_len));
    row.bool("quic_client_hello_incomplete", quic.map(Read::has_hello_gap));
    row.text("quic_alpn_offered", |out| {
        let names = hello.into_iter().flat_map(ClientFacts::alpn);
        join(names, ",", out)
    });
    row.text("quic_ja4", |out| hello.is_some_and(|hello| write!(out, "{}", hello.ja4).is_ok()));
    row.text("quic_ja3", |out| hello.is_some_and(|hello| hex(&hello.ja3, out)));
    let server = quic.and_then(Read::server_hello);
    row.text("quic_ja3s", |out| server.is_some_and(|server| hex(&server.ja3s, out)));
}

fn answer(quic: Option<&Read>, row: &mut RowBuffer) {
    let server: Option<&ServerFacts> = quic.and_then(Read::server_hello);
    row.u16("quic_tls_version", server.map(|server| server.chosen_version));
    let cipher = server.map(|server| server.cipher_suite);
    row.u16("quic_cipher_suite", cipher);
    row.str("quic_cipher_suite_name", cipher.and_then(ciphers::name));
    let group = server.and_then(|server| server.key_share).map(|share| share.group);
    row.u16("quic_group", group);
    row.str("quic_group_name", group.and_then(groups::name));
    row.bool("quic_hello_retry", quic.map(Read::asks_again));
    row.bool("quic_resumed", server.map(|server| server.chosen_psk.is_some()));
    let hello = quic.and_then(Read::client_hello);
    row.bool("quic_ech", hello.map(ClientFacts::has_encrypted_hello));
}

fn parameters(quic: Option<&Read>, row: &mut RowBuffer) {
    let list: Option<&Parameters> = quic.and_then(Read::parameters);
    row.u64("quic_max_idle_timeout", list.and_then(|list| list.max_idle_timeout_ms));
    row.u64("quic_max_udp_payload_size", list.and_then(|list| list.max_udp_payload_size));
    row.u64("quic_initial_max_data", list.and_then(|list| list.initial_max_data));
    row.u64("quic_initial_max_streams_bidi", list.and_then(|list| list.initial_max_streams_bidi));
    row.u64("quic_active_cid_limit", list.and_then(|list| list.active_connection_id_limit));
    row.u64("quic_max_datagram_frame_size", list.and_then(|list| list.max_datagram_frame_size));
    let ids = list.map(|list| &*list.ids).unwrap_or_default();
    row.text("quic_transport_parameters", |out| join(ids, "-", out));
    row.str("quic_user_agent", quic.and_then(Read::user_agent));
    row.u64("quic_close_code", quic.and_then(Read::closed).map(|closed| closed.error));
}

/// Packets of a kind in both directions.
fn sum(quic: &Read, kind: PacketKind) -> u64 {
    quic.packets(kind).into_iter().map(u64::from).sum()
}

/// The name of a version; true, so that the text is told.
fn name(version: Version, out: &mut String) -> bool {
    let told = if version.is_read() {
        write!(out, "QUIC {version}")
    } else {
        write!(out, "Unknown ({version})")
    };
    told.is_ok()
}

/// All items with `separator` between them; false if there is none.
fn join<T: std::fmt::Display>(
    items: impl IntoIterator<Item = T>,
    separator: &str,
    out: &mut String,
) -> bool {
    let mut any = false;
    for item in items {
        if std::mem::replace(&mut any, true) {
            out.push_str(separator);
        }
        any &= write!(out, "{item}").is_ok();
    }
    any
}

fn hex(bytes: &[u8], out: &mut String) -> bool {
    push_hex(out, bytes);
    true
}
