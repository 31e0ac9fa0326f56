//! QUIC flows with every column computed by hand, and what the older tool got wrong.

use rheos_core::Direction;

use super::frames::{FrameCase, rows, udp_frame};
use super::quic_packets::{
    Attempt, Long, ORIGIN, SERVER, V1, V2, client_hello, crypto, hello_of, hello_retry, hex,
    sealed, server_hello, short, versions,
};
use super::rows::{B, F, NULL, Value, b, n, t};
use super::talks::datagrams;

pub(crate) fn cases() -> Vec<FrameCase> {
    vec![connection(), with_everything(), list_first(), nothing_opens(), midway(), not_quic()]
}

fn case(
    name: &'static str,
    says: &[(Direction, Vec<u8>)],
    want: Vec<(&'static str, Value)>,
) -> FrameCase {
    let says: Vec<_> = says.iter().map(|(from, bytes)| (*from, &**bytes)).collect();
    FrameCase { name, frames: datagrams(&says), want }
}

/// The connection of RFC 9001, appendix A, and what would follow. One datagram per millisecond:
///
/// | ms | way | packets |
/// |---|---|---|
/// | 0 | > | Initial with the ClientHello |
/// | 1 | < | Initial with ACK and ServerHello, Handshake, short |
/// | 2 | > | Handshake, short |
/// | 3 to 8 | > < | short: spin 0 0 1 1 0 0 |
fn connection() -> FrameCase {
    let attempt = Attempt::new(V1);
    let answer = [&[2, 0, 0, 0, 0][..], &crypto(0, &server_hello())].concat();
    let none: &[u8] = &[];
    let first = [
        attempt.server(1, &answer),
        sealed(Long::Handshake, V1, (none, &SERVER), 700),
        short(none, false),
    ];
    let second = [sealed(Long::Handshake, V1, (&SERVER, none), 60), short(&SERVER, false)];
    let says = [
        (F, attempt.client(2, &crypto(0, &client_hello()))),
        (B, first.concat()),
        (F, second.concat()),
        (F, short(&SERVER, false)),
        (B, short(none, false)),
        (F, short(&SERVER, true)),
        (B, short(none, true)),
        (F, short(&[9; 8], false)),
        (B, short(none, false)),
    ];
    let mut want = packet_wants();
    want.extend(hello_wants());
    case("the published connection", &says, want)
}

fn packet_wants() -> Vec<(&'static str, Value)> {
    vec![
        ("app", t("quic")),
        ("app_rule", t("quic.initial_opened")),
        ("app_confidence", n(1.0)),
        ("quic_detected", b(true)),
        ("quic_version", n(1.0)),
        ("quic_version_str", t("QUIC v1")),
        ("quic_dcid_len", n(8.0)),
        ("quic_scid_len", n(0.0)),
        ("quic_pn_length", n(2.0)),
        ("quic_initial_packets", n(2.0)),
        ("quic_0rtt_detected", b(false)),
        ("quic_retry_detected", b(false)),
        ("quic_spin_bit", b(true)),
        ("quic_alpn", t("alpn")),
        ("quic_sni", t("example.com")),
        ("quic_decrypted", b(true)),
        ("quic_server_version", n(1.0)),
        ("quic_versions_offered", NULL),
        ("quic_vn_detected", b(false)),
        ("quic_vn_versions", NULL),
        ("quic_connection_attempts", n(1.0)),
        ("quic_0rtt_packets", n(0.0)),
        ("quic_handshake_packets", n(2.0)),
        ("quic_retry_packets", n(0.0)),
        ("quic_vn_packets", n(0.0)),
        ("quic_1rtt_packets_fwd", n(4.0)),
        ("quic_1rtt_packets_bwd", n(4.0)),
        ("quic_unread_packets", n(0.0)),
        ("quic_coalesced_datagrams", n(2.0)),
        ("quic_malformed_datagrams", n(0.0)),
        ("quic_sealed_initials", n(0.0)),
        ("quic_retry_valid", NULL),
        ("quic_token_len", n(0.0)),
        ("quic_handshake_seen", b(true)),
        ("quic_response_time", n(0.001)),
        ("quic_handshake_time", n(0.002)),
        // Forward at 2, 3, 5 and 7 ms, backward at 1, 4, 6 and 8.
        ("quic_spin_flips_fwd", n(2.0)),
        ("quic_spin_flips_bwd", n(2.0)),
        ("quic_spin_period_fwd", n(0.002)),
        ("quic_spin_period_bwd", n(0.002)),
        ("quic_dcid_changes_fwd", n(1.0)),
        ("quic_dcid_changes_bwd", NULL),
        ("quic_server_scid_len", n(8.0)),
        ("quic_client_dcid", t("8394c8f03e515708")),
        ("quic_client_scid", t("")),
        ("quic_server_scid", t("f067a5502a4262b5")),
    ]
}

fn hello_wants() -> Vec<(&'static str, Value)> {
    vec![
        ("quic_crypto_bytes_fwd", n(241.0)),
        ("quic_crypto_bytes_bwd", n(90.0)),
        ("quic_crypto_refused", n(0.0)),
        ("quic_client_hello_packets", n(1.0)),
        ("quic_client_hello_length", n(241.0)),
        ("quic_client_hello_incomplete", b(false)),
        ("quic_alpn_offered", t("alpn")),
        // Hashed with Python's hashlib: 771,4865-4866,0-65281-10-16-5-51-43-13-45-28-57,29-23-24,
        ("quic_ja3", t("41bc9ae914d6cb3bd0bd0a5453ab7d7f")),
        // 1301,1302 and 0005,000a,000d,001c,002b,002d,0033,0039,ff01_0403,0503,0603,0203,0804,0805,0806
        ("quic_ja4", t("q13d0211an_62ed6f6ca7ad_4d634acda6c0")),
        // 771,4865,51-43
        ("quic_ja3s", t("eb1d94daa7e0344597e756a1fb6e7054")),
        ("quic_tls_version", n(772.0)),
        ("quic_cipher_suite", n(4865.0)),
        ("quic_cipher_suite_name", t("TLS_AES_128_GCM_SHA256")),
        ("quic_group", n(29.0)),
        ("quic_group_name", t("x25519")),
        ("quic_hello_retry", b(false)),
        ("quic_resumed", b(false)),
        ("quic_ech", b(false)),
        ("quic_max_idle_timeout", n(30_000.0)),
        ("quic_max_udp_payload_size", NULL),
        ("quic_initial_max_data", n(((1_u64 << 62) - 1) as f64)),
        ("quic_initial_max_streams_bidi", n(16.0)),
        ("quic_active_cid_limit", NULL),
        ("quic_max_datagram_frame_size", NULL),
        ("quic_transport_parameters", t("1-4-5-6-7-8-9-15")),
        ("quic_user_agent", NULL),
        ("quic_close_code", NULL),
    ]
}

/// What the first flow has not: a list of versions, a second attempt, early data, a Retry packet, an answer in version 2,
/// another ClientHello asked for, and an alert.
fn with_everything() -> FrameCase {
    let hello = rich_hello();
    let mut unknown = Attempt::new(V1).client(0, &[1]);
    unknown[1..5].copy_from_slice(&[0x1a, 0x2a, 0x3a, 0x4a]);
    // The Retry packet of RFC 9001, appendix A.
    let retry = hex("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba");
    let first = Attempt::new(V1);
    let retried = Attempt { origin: SERVER.to_vec(), token: b"token".to_vec(), ..Attempt::new(V1) };
    let in_v2 = Attempt { origin: SERVER.to_vec(), ..Attempt::new(V2) };
    let answer = [hello_retry(), server_hello()].concat();
    let alert = [&[0x1c, 0x41, 0x28, 6, 0][..], &[0; 20]].concat();
    let says = [
        (F, unknown),
        (B, versions(&[0x0a1a_2a3a, V1, V2])),
        (F, first.client(0, &crypto(90, &hello[90..]))),
        (F, sealed(Long::ZeroRtt, V1, (&ORIGIN, &[]), 300)),
        (B, retry),
        (F, retried.client(1, &crypto(0, &hello[..50]))),
        (F, retried.client(2, &crypto(40, &hello[40..95]))),
        (B, in_v2.server(0, &crypto(0, &answer))),
        (F, in_v2.client_to(&SERVER, 3, &alert)),
        // The end is no packet.
        (F, [short(&SERVER, false), vec![]].concat()),
        (F, vec![0xc1, 0, 0]),
    ];
    case("with everything else", &says, rich_wants(&hello))
}

fn rich_wants(hello: &[u8]) -> Vec<(&'static str, Value)> {
    vec![
        // A reserved version, and that only.
        ("app_rule", t("quic.lengths")),
        ("app_confidence", n(1.0)),
        ("quic_version", n(f64::from(0x1a2a_3a4a_u32))),
        ("quic_version_str", t("Unknown (0x1a2a3a4a)")),
        ("quic_pn_length", n(2.0)),
        ("quic_initial_packets", n(5.0)),
        ("quic_0rtt_detected", b(true)),
        ("quic_retry_detected", b(true)),
        ("quic_spin_bit", NULL),
        ("quic_alpn", t("h3")),
        ("quic_sni", NULL),
        ("quic_server_version", n(f64::from(V2))),
        ("quic_versions_offered", t("0x1a2a3a4a,v2,v1")),
        ("quic_vn_detected", b(true)),
        ("quic_vn_versions", t("0x0a1a2a3a,v1,v2")),
        ("quic_connection_attempts", n(1.0)),
        ("quic_0rtt_packets", n(1.0)),
        ("quic_handshake_packets", n(0.0)),
        ("quic_retry_packets", n(1.0)),
        ("quic_vn_packets", n(1.0)),
        ("quic_unread_packets", n(1.0)),
        ("quic_1rtt_packets_fwd", n(1.0)),
        ("quic_1rtt_packets_bwd", n(0.0)),
        ("quic_coalesced_datagrams", n(0.0)),
        ("quic_malformed_datagrams", n(1.0)),
        ("quic_retry_valid", b(true)),
        ("quic_token_len", n(5.0)),
        ("quic_handshake_seen", b(false)),
        ("quic_response_time", n(0.005)),
        ("quic_spin_flips_fwd", NULL),
        ("quic_spin_flips_bwd", NULL),
        ("quic_spin_period_fwd", NULL),
        ("quic_spin_period_bwd", NULL),
        ("quic_dcid_changes_fwd", n(0.0)),
        ("quic_client_hello_packets", n(3.0)),
        ("quic_client_hello_length", n(hello.len() as f64)),
        ("quic_alpn_offered", t("h3,hq")),
        ("quic_hello_retry", b(true)),
        ("quic_tls_version", n(772.0)),
        ("quic_group", n(29.0)),
        ("quic_ech", b(true)),
        ("quic_max_idle_timeout", NULL),
        ("quic_max_udp_payload_size", n(1472.0)),
        ("quic_initial_max_data", NULL),
        ("quic_initial_max_streams_bidi", NULL),
        ("quic_active_cid_limit", n(4.0)),
        ("quic_max_datagram_frame_size", n(256.0)),
        ("quic_transport_parameters", t("3-14-17-32-12585")),
        ("quic_user_agent", t("ua")),
        ("quic_close_code", n(296.0)),
    ]
}

/// A hello with a list of versions, Google's name of the client and a reserved parameter.
fn rich_hello() -> Vec<u8> {
    let parameters = [
        &[0x03, 2, 0x45, 0xc0, 0x0e, 1, 4, 0x20, 2, 0x41, 0x00, 0x11, 16][..],
        &[0x6b, 0x33, 0x43, 0xcf, 0x1a, 0x2a, 0x3a, 0x4a, 0x6b, 0x33, 0x43, 0xcf, 0, 0, 0, 1],
        &[0x71, 0x29, 2, b'u', b'a', 27, 0],
    ];
    let parameters = parameters.concat();
    hello_of(&[
        (16, &[0, 6, 2, b'h', b'3', 2, b'h', b'q']),
        (43, &[2, 3, 4]),
        (0xfe0d, &[0]),
        (57, &parameters),
    ])
}

/// The client was not captured: a list of versions, and no long header after it.
fn list_first() -> FrameCase {
    let says = [(B, versions(&[V1])), (B, short(&[], false))];
    let want = vec![
        ("quic_detected", b(true)),
        ("quic_version", NULL),
        ("quic_version_str", NULL),
        ("quic_dcid_len", NULL),
        ("quic_scid_len", NULL),
        ("quic_vn_detected", b(true)),
        ("quic_server_version", NULL),
        ("quic_server_scid_len", NULL),
        ("quic_client_dcid", NULL),
        ("quic_client_scid", NULL),
        ("quic_server_scid", NULL),
        ("quic_token_len", NULL),
        ("quic_response_time", NULL),
        ("quic_handshake_time", NULL),
    ];
    case("a list of versions first", &says, want)
}

/// The client's first packet was not captured; what came of its hello is not whole.
fn nothing_opens() -> FrameCase {
    let attempt = Attempt::new(V1);
    let answer = [&crypto(0, &server_hello())[..], &[0; 1100]].concat();
    let says = [
        (B, attempt.server(0, &answer)),
        (F, attempt.client_to(&SERVER, 1, &crypto(0, &client_hello()[..90]))),
    ];
    let want = vec![
        ("quic_detected", b(true)),
        ("app_rule", t("quic.lengths")),
        ("app_confidence", n(0.9)),
        ("quic_decrypted", b(false)),
        ("quic_pn_length", NULL),
        ("quic_sealed_initials", n(2.0)),
        ("quic_connection_attempts", n(0.0)),
        ("quic_alpn", NULL),
        ("quic_client_hello_packets", NULL),
        ("quic_client_hello_length", NULL),
        ("quic_alpn_offered", NULL),
        ("quic_ja4", NULL),
        ("quic_ja3", NULL),
        ("quic_ja3s", NULL),
        ("quic_tls_version", NULL),
        ("quic_cipher_suite", NULL),
        ("quic_cipher_suite_name", NULL),
        ("quic_group", NULL),
        ("quic_group_name", NULL),
        ("quic_resumed", NULL),
        ("quic_ech", NULL),
        ("quic_transport_parameters", NULL),
        ("quic_dcid_changes_fwd", NULL),
    ];
    case("that nothing opens", &says, want)
}

/// Captured from the middle of its handshake on; the server soon sends to another id of the client, then to the first.
fn midway() -> FrameCase {
    let (client, other) = ([1, 2, 3, 4], [4, 3, 2, 1]);
    let says = [
        (F, sealed(Long::Handshake, V1, (&SERVER, &client), 60)),
        (B, short(&client, true)),
        (B, short(&other, true)),
        (B, short(&client, true)),
    ];
    let want = vec![
        ("app_rule", t("quic.lengths")),
        ("quic_dcid_changes_fwd", NULL),
        ("quic_dcid_changes_bwd", n(1.0)),
        ("quic_spin_bit", b(false)),
        ("quic_spin_flips_bwd", n(0.0)),
        ("quic_client_dcid", t("f067a5502a4262b5")),
        ("quic_client_scid", t("01020304")),
    ];
    case("from its middle on", &says, want)
}

/// Null where a flow is not QUIC and nowhere else.
const ONLY_ELSEWHERE: &[&str] = &[
    "quic_initial_packets",
    "quic_0rtt_detected",
    "quic_retry_detected",
    "quic_decrypted",
    "quic_vn_detected",
    "quic_connection_attempts",
    "quic_0rtt_packets",
    "quic_handshake_packets",
    "quic_retry_packets",
    "quic_vn_packets",
    "quic_1rtt_packets_fwd",
    "quic_1rtt_packets_bwd",
    "quic_unread_packets",
    "quic_coalesced_datagrams",
    "quic_malformed_datagrams",
    "quic_sealed_initials",
    "quic_handshake_seen",
    "quic_crypto_bytes_fwd",
    "quic_crypto_bytes_bwd",
    "quic_crypto_refused",
    "quic_client_hello_incomplete",
    "quic_hello_retry",
];

fn not_quic() -> FrameCase {
    let mut want = vec![("quic_detected", b(false))];
    want.extend(ONLY_ELSEWHERE.iter().map(|name| (*name, NULL)));
    case("short headers alone", &[(F, short(&SERVER, true)), (B, short(&[], true))], want)
}

#[test]
fn hand_computed_flows_of_quic() {
    cases().iter().for_each(FrameCase::check);
}

/// The older tool asked for the upper bits of the first byte only, which half of all DNS identifiers have.
#[test]
fn defect_4_dns_flows_are_not_quic() {
    for first in [0x40, 0x7f, 0xc0, 0xff] {
        let mut query = vec![first, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        query.extend(b"\x07example\x03com\0\0\x01\0\x01");
        let mut answer = query.clone();
        (answer[2], answer[3]) = (0x81, 0x80);
        let frames = [
            (0, udp_frame(1, 2, (40_000, 53), &query)),
            (1, udp_frame(2, 1, (53, 40_000), &answer)),
        ];
        let rows = rows(&frames);
        assert_eq!(rows[0].get("quic_detected"), b(false), "identifier {first:02x}00");
        assert_eq!(rows[0].get("quic_initial_packets"), NULL);
    }
}

/// The older tool searched the encrypted bytes of the first packet for the names.
#[test]
fn defect_6_names_are_read_from_opened_packets() {
    let hello = client_hello();
    let attempt = Attempt::new(V1);
    // The name lies in the second packet, which comes first.
    let says =
        [attempt.client(1, &crypto(60, &hello[60..])), attempt.client(0, &crypto(0, &hello[..60]))];
    let frames = datagrams(&[(F, &says[0]), (F, &says[1])]);
    let rows = rows(&frames);
    assert_eq!(rows[0].get("quic_sni"), t("example.com"));
    assert_eq!(rows[0].get("quic_alpn"), t("alpn"));
    assert_eq!(rows[0].get("quic_client_hello_packets"), n(2.0));
}

/// The type bits of version 2 are not those of version 1, and packets share datagrams.
#[test]
fn packets_are_counted_by_their_version_and_within_datagrams() {
    let attempt = Attempt::new(V2);
    let first = attempt.client(0, &crypto(0, &client_hello()));
    let answer = [
        attempt.server(0, &crypto(0, &server_hello())),
        attempt.server(1, &[1; 8]),
        sealed(Long::Handshake, V2, (&[], &SERVER), 90),
    ];
    let answer = answer.concat();
    let rows = rows(&datagrams(&[(F, &first), (B, &answer)]));
    assert_eq!(rows[0].get("quic_version_str"), t("QUIC v2"));
    assert_eq!(rows[0].get("quic_initial_packets"), n(3.0));
    assert_eq!(rows[0].get("quic_handshake_packets"), n(1.0));
    assert_eq!(rows[0].get("quic_sni"), t("example.com"));
    assert_eq!(rows[0].get("quic_cipher_suite"), n(4865.0));
}

/// Header protection hides the length of the packet number.
#[test]
fn the_length_of_the_packet_number_is_not_the_protected_bits() {
    for origin in 0..16 {
        let attempt = Attempt { origin: vec![origin; 8], ..Attempt::new(V1) };
        let first = attempt.client(0, &crypto(0, &client_hello()));
        let rows = rows(&datagrams(&[(F, &first)]));
        assert_eq!(rows[0].get("quic_pn_length"), n(2.0));
    }
}
