//! The columns of the group.

use crate::column::Kind::{self, Bool, F64, ListU32, Str, U8, U16, U32};
use crate::column::extended as ours;
use crate::column::{Column, Identity, Privacy};

const NO_TLS: &str = "no TLS or DTLS was found";
const NO_CLIENT: &str = "no ClientHello was seen";
const NO_SERVER: &str = "no ServerHello was seen";
const NO_CHAIN: &str =
    "no certificate of the server was seen in the clear, as in TLS 1.3 and resumed sessions";
const NO_LEAF: &str = "no certificate of the server was seen in the clear, or it cannot be read";
const NO_ALERT: &str = "no alert was seen in the clear";
const NOT_0: &str =
    "null, not 0, where no hello was seen; read over any number of records and segments";
const NOT_EMPTY: &str =
    "null, not empty, where no hello was seen; read over any number of records and segments";

/// A column of JoyfulJay 0.1.
const fn older(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    Column::new(name, kind, unit, meaning).changed(NOT_0)
}

const fn list(name: &'static str, meaning: &'static str) -> Column {
    ours(name, ListU32, "", meaning).option().privacy(Privacy::Sensitive)
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    Column::new("tls_detected", Bool, "", "TLS or DTLS was found by its bytes, at the flow's beginning or after a proxy or STARTTLS")
        .changed("DTLS counts; a ClientHello may be cut over segments, and need not be the first thing said"),
    older("tls_version", U16, "", "the version that the server chose: by the supported_versions extension of its ServerHello, else by its version field; DTLS counts down from 0xfeff")
        .null(NO_SERVER)
        .changed("the chosen version, so 772 for TLS 1.3, not the ClientHello's version field, which is tls_client_version; null, not 0, without ServerHello"),
    older("tls_version_str", Str, "", "tls_version by name: `TLS 1.3`, `DTLS 1.2`, `SSL 3.0`, `TLS 1.3 (draft)`; `unknown(0x....)` where it has none")
        .null(NO_SERVER)
        .changed("of the chosen version, so that TLS 1.3 is told; null, not empty, without ServerHello"),
    older("tls_cipher_suite", U16, "", "the cipher suite that the server chose (IANA number)").null(NO_SERVER),
    older("tls_cipher_count", U16, "count", "cipher suites offered in the first ClientHello, GREASE included").null(NO_CLIENT),
    older("tls_extension_count", U16, "count", "extensions of the first ClientHello, GREASE included").null(NO_CLIENT),
    older("tls_sni", Str, "", "the first host name of the server_name extension, as sent, at most 255 bytes; bytes that are no UTF-8 are replaced by U+FFFD")
        .null("no ClientHello with a host name was seen")
        .identity(Identity::Name)
        .changed("found wherever in the ClientHello it lies; other bytes than ASCII are not dropped"),
    older("tls_alpn", Str, "", "the first protocol that the client offers by ALPN")
        .null("no ClientHello with ALPN was seen")
        .changed(NOT_EMPTY),
    older("ja3_hash", Str, "", "JA3 of the first ClientHello: MD5 of `version,ciphers,extensions,groups,formats` without GREASE (RFC 8701)")
        .null(NO_CLIENT)
        .privacy(Privacy::Sensitive)
        .changed("of the whole ClientHello, over any number of records and segments; null, not empty, without one"),
    older("ja3s_hash", Str, "", "JA3S of the ServerHello, not of HelloRetryRequests: MD5 of `version,cipher,extensions` without GREASE")
        .null(NO_SERVER)
        .privacy(Privacy::Sensitive)
        .changed("of the whole ServerHello, over any number of records and segments; null, not empty, without one"),
    older("tls_handshake_packets", U32, "packets", "packets of both sides with which a handshake message in the clear became whole")
        .null(NO_TLS)
        .changed("encrypted packets that happen to begin with byte 22 do not count, packets that begin with another record do; null, not 0, without TLS"),
    older("tls_cert_count", U32, "count", "certificates in the server's Certificate message, at most 64 are counted").null(NO_CHAIN)
        .changed("counted over any number of records and segments; null, not 0, where none can be seen"),
    older("tls_cert_total_length", U32, "bytes", "sum of the lengths of these certificates").null(NO_CHAIN)
        .changed("null, not 0, where none can be seen"),
    older("tls_cert_first_length", U32, "bytes", "length of the server's own certificate, the first one").null("no certificate of the server was seen in the clear, or the list is empty")
        .changed("null, not 0, where none can be seen"),
    older("tls_cert_chain_length", U32, "count", "the same as tls_cert_count").null(NO_CHAIN).alias("tls_cert_count")
        .changed("null, not 0, where none can be seen"),
    older("tls_session_id_len", U8, "bytes", "length of the ClientHello's session id").null(NO_CLIENT),
    older("tls_session_ticket_ext", Bool, "", "the ClientHello has the session_ticket extension").null(NO_CLIENT),
    older("tls_session_resumed", Bool, "", "an earlier session goes on. TLS 1.3: the ServerHello has pre_shared_key. Before: the server changed ciphers without certificate, key exchange or ServerHelloDone; where its ChangeCipherSpec was not seen, it sent back the client's session id")
        .null("no ServerHello was seen, or in TLS 1.2 and older not enough after it to tell")
        .changed("what the server did, by version, not what the client offered: false for a full handshake, also in TLS 1.3, where no certificate can be seen"),
    older("tls_psk_ext", Bool, "", "the ClientHello has the pre_shared_key extension").null(NO_CLIENT),
    older("tls_early_data_ext", Bool, "", "the ClientHello has the early_data extension").null(NO_CLIENT),
    older("tls_key_exchange_group", U16, "", "the group in which keys were agreed on: of the ServerHello's key share, before TLS 1.3 of the ServerKeyExchange (IANA number)")
        .null("no group was chosen in the clear: no ServerHello, a key exchange without one, or a prime instead of a name")
        .changed("what the server chose, never the client's first share, which may be GREASE and is tls_key_share_group; plain Diffie-Hellman has no group, not 0x0100"),
    older("tls_key_exchange_group_name", Str, "", "tls_key_exchange_group by name: `x25519`, `X25519MLKEM768`; `unknown(0x....)` where it has none")
        .null("tls_key_exchange_group is null")
        .changed("names of all registered groups; plain Diffie-Hellman has no group, its prime's length is tls_key_exchange_length"),
    older("tls_key_exchange_length", U32, "bits", "length of the server's share: key share or point as sent; before TLS 1.3 with plain Diffie-Hellman, of the prime")
        .null("no key exchange was seen in the clear")
        .changed("of the server's share, not the client's; null, not 0, without one"),
    ours("tls_is_dtls", Bool, "", "DTLS, not TLS").null(NO_TLS),
    ours("tls_cipher_name", Str, "", "tls_cipher_suite by name (IANA); `unknown(0x....)` where it has none").null(NO_SERVER),
    ours("tls_alpn_chosen", Str, "", "the protocol that the server chose by ALPN").null("no ServerHello with ALPN was seen; TLS 1.3 encrypts it"),
    ours("tls_alpn_offered", Str, "", "all protocols that the client offers by ALPN, joined by `,`").null("no ClientHello with ALPN was seen"),
    ours("tls_record_version", U16, "", "the version field of the client's first record").null("no record of the client was seen before the ServerHello"),
    ours("tls_client_version", U16, "", "the ClientHello's version field: 771 for TLS 1.2 and 1.3").null(NO_CLIENT),
    ours("tls_client_version_max", U16, "", "the newest version that the client takes: of its supported_versions extension, else its version field").null(NO_CLIENT),
    ours("tls_server_version", U16, "", "the ServerHello's version field: 771 for TLS 1.2 and 1.3").null(NO_SERVER),
    ours("tls_client_hello_length", U32, "bytes", "length of the first ClientHello with its header of four bytes").null(NO_CLIENT),
    ours("tls_server_hello_length", U32, "bytes", "length of the ServerHello with its header of four bytes").null(NO_SERVER),
    ours("tls_server_extension_count", U16, "count", "extensions of the ServerHello").null(NO_SERVER),
    ours("tls_group_count", U16, "count", "groups of the ClientHello's supported_groups, GREASE included, at most 256").null(NO_CLIENT),
    ours("tls_signature_count", U16, "count", "algorithms of the ClientHello's signature_algorithms, GREASE included, at most 256").null(NO_CLIENT),
    ours("tls_key_share_count", U16, "count", "key shares of the first ClientHello, GREASE included, at most 16").null(NO_CLIENT),
    ours("tls_key_share_group", U16, "", "group of the client's first key share that is no GREASE").null("no ClientHello with a key share was seen"),
    ours("tls_post_quantum_offered", Bool, "", "the client supports a group that withstands quantum computers: ML-KEM, alone or beside a curve, or its drafts").null(NO_CLIENT),
    ours("tls_post_quantum", Bool, "", "tls_key_exchange_group withstands quantum computers").null("tls_key_exchange_group is null"),
    ours("tls_grease", Bool, "", "the first ClientHello has GREASE values (RFC 8701), as those of most browsers").null(NO_CLIENT),
    ours("tls_ech_ext", Bool, "", "the first ClientHello has the encrypted_client_hello extension (RFC 9849) or its forerunner encrypted_server_name; some clients send it with random content to every server, which looks the same").null(NO_CLIENT),
    ours("tls_session_ticket_length", U16, "bytes", "length of the ClientHello's session ticket; 0 where it only asks for one").null("no ClientHello with the session_ticket extension was seen"),
    ours("tls_client_hello_count", U32, "count", "ClientHellos in the clear: two after a HelloRetryRequest or HelloVerifyRequest").null(NO_TLS),
    ours("tls_hello_retry", Bool, "", "the server asked for another ClientHello by a HelloRetryRequest (TLS 1.3)").null(NO_TLS),
    ours("tls_hello_retry_group", U16, "", "the group that the HelloRetryRequest asks for").null("no HelloRetryRequest that asks for a group was seen"),
    ours("tls_hello_verify", Bool, "", "the server of DTLS asked for a cookie by a HelloVerifyRequest").null(NO_TLS),
    ours("tls_new_session_ticket", Bool, "", "the server sent a new session ticket in the clear (TLS 1.2 and older)").null(NO_TLS),
    ours("tls_certificate_status", Bool, "", "the server sent its certificate's status in the clear (OCSP stapling, TLS 1.2 and older)").null(NO_TLS),
    ours("tls_certificate_request", Bool, "", "the server asked for the client's certificate in the clear (TLS 1.2 and older)").null(NO_TLS),
    ours("tls_client_cert_count", U32, "count", "certificates that the client sent in the clear (TLS 1.2 and older); 0 where it was asked for one and has none").null("no Certificate message of the client was seen in the clear"),
    ours("tls_alert_count", U32, "count", "alerts of both sides in the clear, up to where encryption begins").null(NO_TLS),
    ours("tls_alert_level", Str, "", "level of the first alert: `warning` or `fatal`").null(NO_ALERT),
    ours("tls_alert_description", U8, "", "description of the first alert (IANA number)").null(NO_ALERT),
    ours("tls_alert_name", Str, "", "tls_alert_description by name: `handshake_failure`; `unknown(0x....)` where it has none").null(NO_ALERT),
    ours("tls_alert_from_client", Bool, "", "the first alert came from the client").null("no alert was seen in the clear, or no hello that tells who is the client"),
    ours("tls_malformed", U32, "count", "records and messages that do not say what they should, and certificates that cannot be read").null(NO_TLS),
    ours("tls_gaps", U32, "count", "times that bytes of the streams were lost while the handshake was read").null(NO_TLS),
    ours("tls_handshake_complete", Bool, "", "both sides began to encrypt after the ServerHello: by ChangeCipherSpec or an encrypted record").null(NO_TLS),
    ours("tls_server_hello_delay", F64, "s", "from the packet that completed the first ClientHello to the one that completed the ServerHello").null("not both were seen"),
    ours("tls_handshake_duration", F64, "s", "from the packet that completed the first ClientHello to the one with which the second side began to encrypt").null("no ClientHello was seen, or the handshake not to its end"),
    ours("tls_cert_subject", Str, "", "whose the server's certificate is (RFC 4514), at most 1024 bytes").null(NO_LEAF).identity(Identity::Name),
    ours("tls_cert_issuer", Str, "", "who signed the server's certificate (RFC 4514), at most 1024 bytes").null(NO_LEAF).identity(Identity::Name),
    ours("tls_cert_serial", Str, "", "serial number of the server's certificate, hexadecimal").null(NO_LEAF).identity(Identity::Name),
    ours("tls_cert_not_before", Kind::Timestamp, "", "from when the server's certificate is valid").null("no certificate of the server could be read, or the time is before 1970 or after 2262").privacy(Privacy::Sensitive),
    ours("tls_cert_not_after", Kind::Timestamp, "", "until when the server's certificate is valid").null("no certificate of the server could be read, or the time is before 1970 or after 2262").privacy(Privacy::Sensitive),
    ours("tls_cert_validity_days", F64, "d", "days from tls_cert_not_before to tls_cert_not_after, whatever their years").null(NO_LEAF),
    ours("tls_cert_age_days", F64, "d", "days from tls_cert_not_before to the flow's first packet; negative where it is not valid yet").null(NO_LEAF),
    ours("tls_cert_days_left", F64, "d", "days from the flow's first packet to tls_cert_not_after; negative where it has expired").null(NO_LEAF),
    ours("tls_cert_key_type", Str, "", "kind of the key in the server's certificate: `rsa`, `ec`, `dsa`, `ed25519`, `ed448`, `ml-dsa`, `other`").null(NO_LEAF),
    ours("tls_cert_key_bits", U32, "bits", "length of that key: of the modulus, the prime or the curve's field").null("no certificate of the server could be read, or its key is of another kind"),
    ours("tls_cert_signature", Str, "", "algorithm with which the server's certificate is signed: `sha256WithRSAEncryption`").null("no certificate of the server could be read, or the algorithm has no name here"),
    ours("tls_cert_san_count", U32, "count", "alternative names of the server's certificate, of all kinds").null(NO_LEAF),
    ours("tls_cert_self_signed", Bool, "", "issuer and subject of the server's certificate are the same name; the signature is not checked").null(NO_LEAF),
    ours("tls_cert_is_ca", Bool, "", "the server's certificate may sign others").null(NO_LEAF),
    ours("tls_cert_matches_sni", Bool, "", "the server's certificate is for the name in tls_sni (RFC 9525): by an alternative name or, without any DNS name, by its common name").null("no certificate of the server could be read, or the client asked for no name"),
    ours("tls_cert_fingerprint", Str, "", "SHA-256 of the server's certificate, hexadecimal").null("no certificate of the server was seen in the clear").identity(Identity::Name),
    ours("ja3", Str, "", "the text that ja3_hash hashes").null("no ClientHello was seen, or one of its lists has more than 256 values").option().privacy(Privacy::Sensitive),
    ours("ja3s", Str, "", "the text that ja3s_hash hashes").null("no ServerHello was seen, or it has more than 256 extensions").option().privacy(Privacy::Sensitive),
    ours("ja4", Str, "", "JA4 of the first ClientHello (FoxIO's specification of 2026; `t` over TLS, `d` over DTLS): survives shuffled extensions, leaves GREASE out").null(NO_CLIENT).privacy(Privacy::Sensitive),
    ours("ja4_r", Str, "", "ja4 with its sorted lists instead of their hashes").null("no ClientHello was seen, or one of its lists has more than 256 values").option().privacy(Privacy::Sensitive),
    ours("ja4_ro", Str, "", "ja4 with its lists as sent instead of hashes").null("no ClientHello was seen, or one of its lists has more than 256 values").option().privacy(Privacy::Sensitive),
    list("tls_ciphers_offered", "cipher suites of the first ClientHello in its order, at most 256; empty without one"),
    list("tls_extensions_offered", "types of the extensions of the first ClientHello in its order, at most 256; empty without one"),
    list("tls_groups_offered", "groups of the first ClientHello's supported_groups, at most 256; empty without them"),
    list("tls_signatures_offered", "algorithms of the first ClientHello's signature_algorithms, at most 256; empty without them"),
    list("tls_versions_offered", "versions of the first ClientHello's supported_versions, at most 256; empty without them"),
    list("tls_extensions_chosen", "types of the extensions of the ServerHello in its order, at most 256; empty without one"),
];
