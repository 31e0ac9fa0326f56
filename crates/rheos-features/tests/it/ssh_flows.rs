//! SSH flows with every column computed by hand.

use super::frames::FrameCase;
use super::rows::{B, F, NULL, Value, b, n, t};
use super::ssh_talk::{CLIENT, SERVER, client, kexinit, newkeys, packet, reply, server};
use super::talks::Talk;

pub(crate) fn cases() -> Vec<FrameCase> {
    vec![whole(), version_1(), one_sided(), swapped(), not_ssh()]
}

/// Both sides in segments of 100 bytes, turn by turn where it matters.
fn whole() -> FrameCase {
    let (client, server) = (client(), server());
    // 40 and 64 encrypted bytes, in one segment and in two.
    let (from_client, from_server) = (client.len() - 40, server.len() - 64);
    let talk = Talk::new()
        .say_in(B, &server[..40], 11)
        .say_in(F, &client[..from_client], 100)
        .say_in(B, &server[40..from_server], 100)
        .say(B, &server[from_server..from_server + 24])
        .say(F, &client[from_client..])
        .say(B, &server[from_server + 24..]);
    let mut want = identification_wants();
    want.extend(choice_wants());
    FrameCase { name: "a whole greeting", frames: talk.close(), want }
}

fn identification_wants() -> Vec<(&'static str, Value)> {
    vec![
        ("app", t("ssh")),
        ("app_confidence", n(1.0)),
        ("ssh_detected", b(true)),
        ("ssh_version", t("2.0")),
        ("ssh_client_software", t("Cl_1.0")),
        ("ssh_server_software", t("Srv\\xe9_2")),
        ("ssh_client_version", t("2.0")),
        ("ssh_server_version", t("2.0")),
        // Python: hashlib.md5(";".join([kex, cipher, mac, compression])) of what each side sends
        ("ssh_hassh", t("60e47d8332bb447959b841681a124e41")),
        ("ssh_hassh_server", t("caa161e9bde6ee6612c7765e625906ad")),
        // KEXINIT twice, 30, 31, NEWKEYS twice
        ("ssh_kex_packets", n(6.0)),
        ("ssh_encrypted_packets", n(3.0)),
        ("ssh_negotiated_version", n(2.0)),
        ("ssh_client_comments", t("hello there")),
        ("ssh_server_comments", NULL),
        ("ssh_lines_before", n(2.0)),
        ("ssh_initiator_is_server", b(false)),
    ]
}

fn choice_wants() -> Vec<(&'static str, Value)> {
    let length = |lists: [&str; 10]| {
        let lists: usize = lists.iter().map(|list| 4 + list.len()).sum();
        n((1 + 16 + lists + 5) as f64)
    };
    vec![
        ("ssh_kex_algorithm", t("curve25519-sha256")),
        ("ssh_host_key_algorithm", t("ssh-ed25519")),
        ("ssh_cipher_to_server", t("aes128-ctr")),
        ("ssh_cipher_to_client", t("chacha20-poly1305@openssh.com")),
        ("ssh_mac_to_server", t("hmac-sha2-256")),
        ("ssh_mac_to_client", NULL),
        ("ssh_compression_to_server", t("zlib")),
        ("ssh_compression_to_client", t("none")),
        ("ssh_client_guesses", b(true)),
        ("ssh_server_guesses", b(false)),
        ("ssh_guess_wrong", b(true)),
        ("ssh_client_kexinit_bytes", length(CLIENT)),
        ("ssh_server_kexinit_bytes", length(SERVER)),
        ("ssh_client_kex_offers", n(4.0)),
        ("ssh_client_cipher_offers", n(2.0)),
        ("ssh_client_mac_offers", n(3.0)),
        ("ssh_server_kex_offers", n(3.0)),
        ("ssh_server_cipher_offers", n(2.0)),
        ("ssh_server_mac_offers", n(2.0)),
        ("ssh_strict_kex", b(true)),
        ("ssh_client_ext_info", b(true)),
        ("ssh_host_key_type", t("ssh-ed25519")),
        // Python: base64.b64encode(hashlib.sha256(key).digest())
        ("ssh_host_key_fingerprint", t("SHA256:gNSIRW+2Iyiuvsdp/bgjy38bvWHw6wQm3tuoXrl3WjQ")),
        ("ssh_client_newkeys", b(true)),
        ("ssh_server_newkeys", b(true)),
        ("ssh_client_encrypted_bytes", n(40.0)),
        ("ssh_server_encrypted_bytes", n(64.0)),
        (
            "ssh_hassh_algorithms",
            t("curve25519-sha256,ecdh-sha2-nistp256,ext-info-c,kex-strict-c-v00@openssh.com;\
               aes128-ctr,aes256-ctr;hmac-sha1,hmac-sha2-256,hmac-md5;none,zlib"),
        ),
        (
            "ssh_hassh_server_algorithms",
            t("ecdh-sha2-nistp256,curve25519-sha256,kex-strict-s-v00@openssh.com;\
               aes256-ctr,chacha20-poly1305@openssh.com;hmac-sha2-512,hmac-sha2-256;none"),
        ),
        ("ssh_client_host_key_algorithms", t("ssh-ed25519,rsa-sha2-512")),
        ("ssh_server_host_key_algorithms", t("rsa-sha2-512,ssh-ed25519")),
    ]
}

/// A server of both versions and a client of version 1, whose packets have another form.
fn version_1() -> FrameCase {
    let packet = [&[0, 0, 1, 11, 0, 0, 0, 0, 0, 2][..], &[5; 266]].concat();
    let talk = Talk::new()
        .say(B, b"SSH-1.99-Old_3 Debian-1\n")
        .say(F, b"SSH-1.5-Older\n")
        .say(B, &packet)
        .say(F, &packet);
    let want = vec![
        ("ssh_detected", b(true)),
        ("ssh_version", t("1.5")),
        ("ssh_client_software", t("Older")),
        ("ssh_server_software", t("Old_3")),
        ("ssh_client_version", t("1.5")),
        ("ssh_server_version", t("1.99")),
        ("ssh_negotiated_version", n(1.0)),
        ("ssh_client_comments", NULL),
        ("ssh_server_comments", t("Debian-1")),
        ("ssh_lines_before", n(0.0)),
        ("ssh_hassh", NULL),
        ("ssh_kex_packets", NULL),
        ("ssh_encrypted_packets", NULL),
        ("ssh_client_kexinit_bytes", NULL),
        ("ssh_client_newkeys", NULL),
        ("ssh_server_encrypted_bytes", NULL),
    ];
    FrameCase { name: "version 1", frames: talk.close(), want }
}

/// Only what the client says was captured, and it ends within its KEXINIT.
fn one_sided() -> FrameCase {
    let said = [&b"SSH-2.0-Alone\r\n"[..], &kexinit(CLIENT, false)[..200]].concat();
    let want = vec![
        ("ssh_version", t("2.0")),
        ("ssh_server_software", NULL),
        ("ssh_server_version", NULL),
        ("ssh_negotiated_version", NULL),
        ("ssh_server_comments", NULL),
        ("ssh_kex_packets", n(0.0)),
        ("ssh_encrypted_packets", n(0.0)),
        ("ssh_hassh", NULL),
        ("ssh_hassh_server", NULL),
        ("ssh_kex_algorithm", NULL),
        ("ssh_guess_wrong", NULL),
        ("ssh_server_kexinit_bytes", NULL),
        ("ssh_host_key_type", NULL),
        ("ssh_client_newkeys", b(false)),
        ("ssh_client_encrypted_bytes", n(0.0)),
    ];
    FrameCase { name: "one side", frames: Talk::new().say(F, &said).close(), want }
}

/// The capture begins with the server's answer: the sides are told apart by what they say. They have no method of
/// key exchange together, and a cipher to the server that authenticates itself.
fn swapped() -> FrameCase {
    let mut lists = SERVER;
    (lists[0], lists[2], lists[3]) = ("ecdh-sha2-nistp521", "aes128-gcm@openssh.com", "aes256-ctr");
    let from_server = [&b"SSH-2.0-Server\r\n"[..], &kexinit(lists, false), &reply()].concat();
    let mut lists = CLIENT;
    lists[2] = "aes128-gcm@openssh.com,aes256-ctr";
    let from_client = [&b"SSH-2.0-Client\r\n"[..], &kexinit(lists, true), &newkeys()].concat();
    let talk = Talk::midway().say(F, &from_server).say_in(B, &from_client, 300);
    let want = vec![
        ("ssh_initiator_is_server", b(true)),
        ("ssh_client_software", t("Client")),
        ("ssh_server_software", t("Server")),
        ("ssh_kex_algorithm", NULL),
        ("ssh_cipher_to_server", t("aes128-gcm@openssh.com")),
        ("ssh_cipher_to_client", t("aes256-ctr")),
        ("ssh_mac_to_server", NULL),
        ("ssh_mac_to_client", t("hmac-sha2-256")),
        ("ssh_strict_kex", b(false)),
        ("ssh_client_newkeys", b(true)),
        ("ssh_server_newkeys", b(false)),
        ("ssh_client_guesses", b(true)),
        ("ssh_kex_packets", n(4.0)),
    ];
    FrameCase { name: "swapped roles", frames: talk.close(), want }
}

fn not_ssh() -> FrameCase {
    let columns = rheos_features::groups::ssh::COLUMNS;
    let nulls = columns.iter().skip(1).map(|column| (column.name, NULL));
    let mut want = vec![("ssh_detected", b(false))];
    want.extend(nulls);
    let talk = Talk::new().say(F, b"HELO SSH-2.0-x\r\n").say(B, b"SSH two\r\n");
    FrameCase { name: "not SSH", frames: talk.close(), want }
}

#[test]
fn hand_computed_ssh_flows() {
    cases().iter().for_each(FrameCase::check);
}

/// The older tool kept 256 bytes of a payload, and a KEXINIT is longer: it found no HASSH at all.
#[test]
fn defect_2_hassh_of_lists_over_many_segments() {
    let long: Vec<String> = (0..200).map(|i| format!("method-number-{i}@example.org")).collect();
    let long = long.join(",");
    let mut lists = CLIENT;
    lists[0] = &long;
    let said = [&b"SSH-2.0-Long\r\n"[..], &kexinit(lists, false)].concat();
    assert!(said.len() > 5000);
    for size in [1448, 256, 61, 8000] {
        let talk = Talk::new().say_in(F, &said, size);
        let rows = super::frames::rows(&talk.close());
        // Python: hashlib.md5 of the lists
        assert_eq!(rows[0].get("ssh_hassh"), t("d6d71a569f007c013565e20868f7c224"), "{size}");
        assert_eq!(rows[0].get("ssh_client_kex_offers"), n(200.0));
    }
}

/// Rows 195 and 196 of the older table: IP packets were counted that looked like SSH packets, and what is encrypted
/// hardly ever does.
#[test]
fn defect_of_rows_195_and_196_packets_in_clear_and_encrypted_ones_are_told_apart() {
    // Two packets in one segment, one packet in two, and encrypted bytes that look like a packet in clear.
    let first = [&b"SSH-2.0-x\r\n"[..], &kexinit(CLIENT, false), &packet(&[30, 1, 2])].concat();
    let keys = newkeys();
    let talk = Talk::new()
        .say(F, &first)
        .say(F, &keys[..7])
        .say(F, &keys[7..])
        .say(F, &packet(&[30, 1, 2]))
        .say(F, &[0xff; 100]);
    let rows = super::frames::rows(&talk.close());
    assert_eq!(rows[0].get("ssh_kex_packets"), n(3.0));
    assert_eq!(rows[0].get("ssh_encrypted_packets"), n(2.0));
    assert_eq!(rows[0].get("ssh_client_encrypted_bytes"), n(116.0));
}
