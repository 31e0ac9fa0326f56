//! TLS and DTLS handshakes by hand, and what their columns tell.

use rheos_features::table;

use super::frames::{FrameCase, rows};
use super::rows::{B, F, NULL, Value, b, l, n, t};
use super::talks::{Talk, datagrams};

/// A vector after its length in two bytes.
pub(crate) fn vec16(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

/// A vector after its length in three bytes.
fn vec24(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat()
}

fn u16s(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

pub(crate) fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vec16(data)].concat()
}

pub(crate) fn server_name(name: &[u8]) -> Vec<u8> {
    extension(0, &vec16(&[&[0][..], &vec16(name)].concat()))
}

fn key_share(shares: &[(u16, usize)]) -> Vec<u8> {
    let share = |&(group, len): &(u16, usize)| [u16s(&[group]), vec16(&vec![7; len])].concat();
    extension(51, &vec16(&shares.iter().flat_map(share).collect::<Vec<_>>()))
}

pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &vec24(body)].concat()
}

pub(crate) fn record(content: u8, bytes: &[u8]) -> Vec<u8> {
    [&[content, 3, 3][..], &vec16(bytes)].concat()
}

/// The body of a ClientHello; `cookie` is empty but in DTLS.
pub(crate) fn client(
    version: u16,
    session_id: &[u8],
    cookie: &[u8],
    ciphers: &[u16],
    extensions: &[Vec<u8>],
) -> Vec<u8> {
    let mut body = u16s(&[version]);
    body.extend([1; 32]);
    body.push(session_id.len() as u8);
    body.extend(session_id);
    body.extend(cookie);
    body.extend(vec16(&u16s(ciphers)));
    body.extend([1, 0]);
    body.extend(vec16(&extensions.concat()));
    body
}

fn server(
    version: u16,
    random: [u8; 32],
    session_id: &[u8],
    cipher: u16,
    extensions: &[Vec<u8>],
) -> Vec<u8> {
    let mut body = u16s(&[version]);
    body.extend(random);
    body.push(session_id.len() as u8);
    body.extend(session_id);
    body.extend(u16s(&[cipher]));
    body.push(0);
    body.extend(vec16(&extensions.concat()));
    body
}

const CHANGE: [u8; 6] = [20, 3, 3, 0, 1, 1];

/// P-256, self-signed, for `*.example.org`, `example.org` and 10.0.0.1, valid from 2026-11-21 to 2027-02-19.
const CERTIFICATE: &[u8] = include_bytes!("certificate.der");

/// SHA-256 of `HelloRetryRequest`.
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

pub(crate) fn cases() -> Vec<FrameCase> {
    vec![full_12(), retried_13(), refused(), dtls(), no_tls()]
}

fn client_12() -> Vec<u8> {
    let extensions = [
        server_name(b"www.example.org"),
        extension(10, &vec16(&u16s(&[0x1a1a, 29, 23]))),
        extension(11, &[1, 0]),
        extension(13, &vec16(&u16s(&[0x0403, 0x0804]))),
        extension(16, &vec16(b"\x02h2\x08http/1.1")),
        extension(35, &[]),
        extension(43, &[2, 3, 3]),
    ];
    client(0x0303, &[5; 4], &[], &[0x2a2a, 0xc02f, 0x009c], &extensions)
}

fn talk_12() -> Talk {
    let list = [vec24(CERTIFICATE), vec24(&[0x30; 10])].concat();
    let flight = [
        message(
            2,
            &server(
                0x0303,
                [2; 32],
                &[9; 32],
                0xc02f,
                &[extension(0xff01, &[0]), extension(16, &vec16(b"\x02h2"))],
            ),
        ),
        message(11, &vec24(&list)),
        message(12, &[&[3, 0, 29, 32][..], &[4; 32], &[4, 3, 0, 2, 8, 8]].concat()),
        message(13, &[1, 1, 0, 2, 4, 3, 0, 0]),
        message(14, &[]),
    ];
    let answer = [message(11, &[0, 0, 0]), message(16, &[8; 33])].concat();
    Talk::new()
        .say(F, &record(22, &message(1, &client_12())))
        .say_in(B, &record(22, &flight.concat()), 500)
        .say(F, &[record(22, &answer), CHANGE.to_vec(), record(22, &[0x55; 40])].concat())
        .say(B, &[record(22, &message(4, &[0; 30])), CHANGE.to_vec()].concat())
        .say(F, &record(23, &[0x16; 300]))
}

/// A full handshake of TLS 1.2: ClientHello at 3 ms, the server's flight at 4 and 5, the client's at 6, the
/// server's last at 7 ms.
fn full_12() -> FrameCase {
    let mut want = vec![
        ("app", t("tls")),
        ("tls_detected", b(true)),
        ("tls_version", n(771.0)),
        ("tls_version_str", t("TLS 1.2")),
        ("tls_cipher_suite", n(f64::from(0xc02f))),
        ("tls_cipher_name", t("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")),
        ("tls_cipher_count", n(3.0)),
        ("tls_extension_count", n(7.0)),
        ("tls_sni", t("www.example.org")),
        ("tls_alpn", t("h2")),
        ("tls_alpn_offered", t("h2,http/1.1")),
        ("tls_alpn_chosen", t("h2")),
        ("tls_handshake_packets", n(5.0)),
        ("tls_session_id_len", n(4.0)),
        ("tls_session_ticket_ext", b(true)),
        ("tls_session_ticket_length", n(0.0)),
        ("tls_session_resumed", b(false)),
        ("tls_psk_ext", b(false)),
        ("tls_early_data_ext", b(false)),
        ("tls_key_exchange_group", n(29.0)),
        ("tls_key_exchange_group_name", t("x25519")),
        ("tls_key_exchange_length", n(256.0)),
        ("tls_is_dtls", b(false)),
        ("tls_record_version", n(771.0)),
        ("tls_client_version", n(771.0)),
        ("tls_client_version_max", n(771.0)),
        ("tls_server_version", n(771.0)),
        // 4 + 2 + 32 + 1 + 4 + 2 + 6 + 2 + 2, and extensions 24 + 12 + 6 + 10 + 18 + 4 + 7
        ("tls_client_hello_length", n(55.0 + 81.0)),
        // 4 + 2 + 32 + 1 + 32 + 2 + 1 + 2, and extensions 5 + 9
        ("tls_server_hello_length", n(76.0 + 14.0)),
        ("tls_server_extension_count", n(2.0)),
        ("tls_group_count", n(3.0)),
        ("tls_signature_count", n(2.0)),
        ("tls_key_share_count", n(0.0)),
        ("tls_key_share_group", NULL),
        ("tls_post_quantum_offered", b(false)),
        ("tls_post_quantum", b(false)),
        ("tls_grease", b(true)),
        ("tls_ech_ext", b(false)),
        ("tls_client_hello_count", n(1.0)),
        ("tls_hello_retry", b(false)),
        ("tls_hello_retry_group", NULL),
        ("tls_hello_verify", b(false)),
        ("tls_new_session_ticket", b(true)),
        ("tls_certificate_status", b(false)),
        ("tls_certificate_request", b(true)),
        ("tls_client_cert_count", n(0.0)),
        ("tls_alert_count", n(0.0)),
        ("tls_alert_name", NULL),
        ("tls_malformed", n(0.0)),
        ("tls_gaps", n(0.0)),
        ("tls_handshake_complete", b(true)),
        ("tls_server_hello_delay", n(0.001)),
        ("tls_handshake_duration", n(0.004)),
    ];
    want.extend(certificates_12());
    want.extend(fingerprints_12());
    FrameCase { name: "a full handshake of TLS 1.2", frames: talk_12().close(), want }
}

/// What the server's two certificates say, by openssl x509.
fn certificates_12() -> Vec<(&'static str, Value)> {
    let name = "CN=*.example.org,O=Rheos\\, Ltd.,C=US";
    vec![
        ("tls_cert_count", n(2.0)),
        ("tls_cert_total_length", n(508.0)),
        ("tls_cert_first_length", n(498.0)),
        ("tls_cert_chain_length", n(2.0)),
        ("tls_cert_subject", t(name)),
        ("tls_cert_issuer", t(name)),
        ("tls_cert_serial", t("0f1234567890abcdef")),
        // Since 1 700 000 000, when the flows begin
        ("tls_cert_not_before", n(95_262_529e9)),
        ("tls_cert_not_after", n(103_038_529e9)),
        ("tls_cert_validity_days", n(90.0)),
        ("tls_cert_age_days", n(-95_262_529.0 / 86_400.0)),
        ("tls_cert_days_left", n(103_038_529.0 / 86_400.0)),
        ("tls_cert_key_type", t("ec")),
        ("tls_cert_key_bits", n(256.0)),
        ("tls_cert_signature", t("ecdsa-with-SHA384")),
        ("tls_cert_san_count", n(3.0)),
        ("tls_cert_self_signed", b(true)),
        ("tls_cert_is_ca", b(true)),
        ("tls_cert_matches_sni", b(true)),
        (
            "tls_cert_fingerprint",
            t("fe3d207fed8da36763d349be7c5c7a41a9c13cdc8da91156def7850137c792d0"),
        ),
    ]
}

/// MD5 and SHA-256 computed with Python's hashlib.
fn fingerprints_12() -> Vec<(&'static str, Value)> {
    vec![
        ("ja3", t("771,49199-156,0-10-11-13-16-35-43,29-23,0")),
        ("ja3_hash", t("93058f65c7c60407a6a5efe9a4ecc42e")),
        ("ja3s", t("771,49199,65281-16")),
        ("ja3s_hash", t("7bee5c1d424b7e5f943b06983bb11422")),
        ("ja4", t("t12d0207h2_08dfa304a768_26e77cb6a56c")),
        ("ja4_r", t("t12d0207h2_009c,c02f_000a,000b,000d,0023,002b_0403,0804")),
        ("ja4_ro", t("t12d0207h2_c02f,009c_0000,000a,000b,000d,0010,0023,002b_0403,0804")),
        ("tls_ciphers_offered", l(&[10_794.0, 49_199.0, 156.0])),
        ("tls_extensions_offered", l(&[0.0, 10.0, 11.0, 13.0, 16.0, 35.0, 43.0])),
        ("tls_groups_offered", l(&[6682.0, 29.0, 23.0])),
        ("tls_signatures_offered", l(&[1027.0, 2052.0])),
        ("tls_versions_offered", l(&[771.0])),
        ("tls_extensions_chosen", l(&[65_281.0, 16.0])),
    ]
}

fn hellos_13() -> [Vec<u8>; 4] {
    let offer = |shares: &[(u16, usize)]| {
        let extensions = [
            extension(10, &vec16(&u16s(&[4588, 29]))),
            extension(43, &[6, 0x7a, 0x7a, 3, 4, 3, 3]),
            key_share(shares),
            extension(42, &[]),
            extension(0xfe0d, &[0; 8]),
            extension(41, &[0; 40]),
        ];
        client(0x0303, &[5; 32], &[], &[0x1301], &extensions)
    };
    let version = || extension(43, &[3, 4]);
    let retry = server(0x0303, RETRY, &[5; 32], 0x1301, &[version(), extension(51, &u16s(&[29]))]);
    let share = [u16s(&[29]), vec16(&[8; 32])].concat();
    let chosen = [version(), extension(51, &share), extension(41, &[0, 0])];
    let answer = server(0x0303, [3; 32], &[5; 32], 0x1301, &chosen);
    let share = &[(0x2a2a, 1), (4588, 1216)];
    [offer(share), retry, offer(&[(29, 32)]), answer]
}

/// TLS 1.3 with a HelloRetryRequest, resumed by a pre-shared key: the packets come at 3, 4 and 5 ms, the server's
/// encrypted ones at 6, the client's at 7 ms.
fn retried_13() -> FrameCase {
    let [first, retry, second, answer] = hellos_13();
    let changed =
        |hello: &[u8], kind| [record(22, &message(kind, hello)), CHANGE.to_vec()].concat();
    let frames = Talk::new()
        .say(F, &record(22, &message(1, &first)))
        .say(B, &changed(&retry, 2))
        .say(F, &[CHANGE.to_vec(), record(22, &message(1, &second))].concat())
        .say(B, &[record(22, &message(2, &answer)), record(23, &[9; 100])].concat())
        .say(F, &record(23, &[9; 60]))
        .close();
    let want = vec![
        ("tls_version", n(772.0)),
        ("tls_version_str", t("TLS 1.3")),
        ("tls_client_version", n(771.0)),
        ("tls_client_version_max", n(772.0)),
        ("tls_server_version", n(771.0)),
        ("tls_cipher_name", t("TLS_AES_128_GCM_SHA256")),
        ("tls_sni", NULL),
        ("tls_alpn", NULL),
        ("tls_alpn_offered", NULL),
        ("tls_alpn_chosen", NULL),
        ("tls_handshake_packets", n(4.0)),
        ("tls_session_id_len", n(32.0)),
        ("tls_session_ticket_ext", b(false)),
        ("tls_session_ticket_length", NULL),
        ("tls_session_resumed", b(true)),
        ("tls_psk_ext", b(true)),
        ("tls_early_data_ext", b(true)),
        ("tls_key_exchange_group", n(29.0)),
        ("tls_key_exchange_length", n(256.0)),
        ("tls_key_share_count", n(2.0)),
        ("tls_key_share_group", n(4588.0)),
        ("tls_post_quantum_offered", b(true)),
        ("tls_post_quantum", b(false)),
        ("tls_ech_ext", b(true)),
        ("tls_client_hello_count", n(2.0)),
        ("tls_hello_retry", b(true)),
        ("tls_hello_retry_group", n(29.0)),
        ("tls_cert_count", NULL),
        ("tls_cert_matches_sni", NULL),
        ("tls_client_cert_count", NULL),
        ("tls_handshake_complete", b(true)),
        ("tls_server_hello_delay", n(0.003)),
        ("tls_handshake_duration", n(0.004)),
        ("ja3", t("771,4865,10-43-51-42-65037-41,4588-29,")),
        ("ja3s", t("771,4865,43-51-41")),
        ("ja4_r", t("t13i010600_1301_000a,0029,002a,002b,0033,fe0d")),
        ("tls_versions_offered", l(&[31_354.0, 772.0, 771.0])),
    ];
    FrameCase { name: "a retried handshake of TLS 1.3", frames, want }
}

/// The server refuses with an alert; it has no name.
fn refused() -> FrameCase {
    let hello = client(0x0301, &[], &[], &[0xcafe], &[]);
    let talk =
        Talk::new().say(F, &record(22, &message(1, &hello))).say(B, &[21, 3, 1, 0, 2, 2, 40]);
    let want = vec![
        ("tls_detected", b(true)),
        ("tls_version", NULL),
        ("tls_client_version_max", n(769.0)),
        ("tls_session_resumed", NULL),
        ("tls_alert_count", n(1.0)),
        ("tls_alert_level", t("fatal")),
        ("tls_alert_description", n(40.0)),
        ("tls_alert_name", t("handshake_failure")),
        ("tls_alert_from_client", b(false)),
        ("tls_handshake_complete", b(false)),
        ("tls_handshake_duration", NULL),
        ("tls_grease", b(false)),
        ("tls_group_count", n(0.0)),
        ("ja3", t("769,51966,,,")),
        ("ja4_r", t("t10i010000_cafe_")),
    ];
    FrameCase { name: "a ClientHello that is refused", frames: talk.close(), want }
}

/// A fragment that is a whole handshake message, in a record of DTLS 1.2.
fn datagram(kind: u8, sequence: u16, body: &[u8]) -> Vec<u8> {
    let mut fragment = vec![kind];
    fragment.extend(&(body.len() as u32).to_be_bytes()[1..]);
    fragment.extend(sequence.to_be_bytes());
    fragment.extend([0; 3]);
    fragment.extend(vec24(body));
    [&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0][..], &vec16(&fragment)].concat()
}

fn dtls() -> FrameCase {
    let hello = |cookie: &[u8]| client(0xfefd, &[], cookie, &[0xc0ac], &[server_name(b"a.b")]);
    let verify = datagram(3, 0, &[0xfe, 0xff, 2, 8, 8]);
    let answer = datagram(2, 1, &server(0xfefd, [2; 32], &[], 0xc0ac, &[]));
    let (first, second) = (datagram(1, 0, &hello(&[0])), datagram(1, 1, &hello(&[2, 8, 8])));
    let frames = datagrams(&[(F, &first), (B, &verify), (F, &second), (B, &answer)]);
    let want = vec![
        ("app", t("dtls")),
        ("tls_detected", b(true)),
        ("tls_is_dtls", b(true)),
        ("tls_version", n(65_277.0)),
        ("tls_version_str", t("DTLS 1.2")),
        ("tls_cipher_name", t("TLS_ECDHE_ECDSA_WITH_AES_128_CCM")),
        ("tls_sni", t("a.b")),
        ("tls_hello_verify", b(true)),
        ("tls_client_hello_count", n(2.0)),
        ("tls_handshake_packets", n(4.0)),
        ("tls_server_hello_delay", n(0.003)),
        ("ja4_r", t("dd2d010100_c0ac_")),
        ("ja3", t("65277,49324,0,,")),
    ];
    FrameCase { name: "DTLS 1.2", frames, want }
}

/// Every column of the group that can be null is.
fn no_tls() -> FrameCase {
    let group = table::group("tls").unwrap();
    let nullable = group.columns.iter().filter(|column| column.nulls != "never");
    let mut want: Vec<(&'static str, Value)> = nullable.map(|column| (column.name, NULL)).collect();
    want.push(("tls_detected", b(false)));
    want.push(("tls_ciphers_offered", l(&[])));
    let talk = Talk::new().say(F, b"GET / HTTP/1.1\r\n\r\n").say(B, b"HTTP/1.1 200 OK\r\n\r\n");
    FrameCase { name: "no TLS", frames: talk.close(), want }
}

#[test]
fn every_handshake_is_told_as_computed_by_hand() {
    cases().iter().for_each(FrameCase::check);
}

#[test]
fn defect_1_fingerprints_do_not_depend_on_segments() {
    let hello = record(22, &message(1, &client_12()));
    let want = fingerprints_12();
    for size in [1, 7, 60, 100] {
        let row = &rows(&Talk::new().say_in(F, &hello, size).close())[0];
        for (name, value) in &want[..2] {
            assert_eq!(row.get(name), *value, "{name} in segments of {size} bytes");
        }
        assert_eq!(row.get("tls_sni"), t("www.example.org"));
    }
}

#[test]
fn defect_3_no_tls_flow_is_called_http2() {
    let row = &rows(&talk_12().close())[0];
    assert_eq!((row.get("app"), row.get("app_stack")), (t("tls"), t("tls")));
}

#[test]
fn defect_7_version_certificates_and_resumption() {
    let full = &rows(&full_12().frames)[0];
    assert_eq!(full.get("tls_cert_count"), n(2.0));
    assert_eq!(full.get("tls_session_resumed"), b(false));
    let row = &rows(&retried_13().frames)[0];
    assert_eq!(row.get("tls_version_str"), t("TLS 1.3"));
    // Without a pre-shared key chosen, nothing is resumed, though the session id comes back and no certificate is
    // seen.
    let [first, ..] = hellos_13();
    let chosen =
        [extension(43, &[3, 4]), extension(51, &[&u16s(&[29])[..], &vec16(&[8; 32])].concat())];
    let answer = server(0x0303, [3; 32], &[5; 32], 0x1301, &chosen);
    let talk = Talk::new()
        .say(F, &record(22, &message(1, &first)))
        .say(B, &record(22, &message(2, &answer)));
    assert_eq!(rows(&talk.close())[0].get("tls_session_resumed"), b(false));
}

#[test]
fn the_first_key_share_is_not_the_chosen_group() {
    // The older tool told the client's first share, GREASE or not, as the key exchange.
    let row = &rows(&retried_13().frames)[0];
    assert_eq!(row.get("tls_key_exchange_group_name"), t("x25519"));
}

#[test]
fn encrypted_packets_are_no_handshake_packets() {
    // What begins with byte 22 after encryption began is not counted.
    let quiet = talk_12();
    let loud = talk_12().say(F, &[22; 50]).say(B, &record(22, &[22; 50]));
    let count = |talk: Talk| rows(&talk.close())[0].get("tls_handshake_packets");
    assert_eq!(count(quiet), count(loud));
}

#[test]
fn a_name_beyond_256_bytes_of_the_packet_is_found() {
    let late = [extension(21, &[0; 600]), server_name(b"late.example")];
    let hello = client(0x0303, &[], &[], &[0x1301], &late);
    let talk = Talk::new().say(F, &record(22, &message(1, &hello)));
    assert_eq!(rows(&talk.close())[0].get("tls_sni"), t("late.example"));
}
