//! Private networks, computed by hand.

use super::super::frames::FrameCase;
use super::super::rows::{B, F, NULL, n, t};
use super::super::talks::{Talk, datagrams};
use super::hex;

pub(super) fn cases() -> Vec<FrameCase> {
    vec![wireguard(), wireguard_midway(), openvpn(), openvpn_signed(), openvpn_stream()]
}

/// A message of WireGuard with one byte for all that is random.
fn message(kind: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![kind, 0, 0, 0];
    bytes.resize(len, 0x5a);
    bytes
}

fn wireguard() -> FrameCase {
    let frames = datagrams(&[
        (F, &message(1, 148)),
        (B, &message(3, 64)),
        (F, &message(1, 148)),
        (B, &message(2, 92)),
        (F, &message(4, 32)),
        (B, &message(4, 96)),
        // Of no kind: not 16 bytes more.
        (B, &message(4, 97)),
        (F, &message(5, 64)),
    ]);
    let want = vec![
        ("app", t("wireguard")),
        ("wireguard_initiations", n(2.0)),
        ("wireguard_responses", n(1.0)),
        ("wireguard_cookies", n(1.0)),
        ("wireguard_data_messages", n(2.0)),
        ("wireguard_keep_alives", n(1.0)),
        ("openvpn_opcodes", NULL),
    ];
    FrameCase { name: "a tunnel", frames, want }
}

/// The first packet of the tunnel does not tell what it is, and is not counted.
fn wireguard_midway() -> FrameCase {
    let data = |counter: u8| {
        let mut bytes = message(4, 80);
        bytes[8..16].copy_from_slice(&[counter, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    };
    let frames = datagrams(&[(F, &data(7)), (F, &data(8)), (F, &data(9))]);
    let want = vec![
        ("app", t("wireguard")),
        ("wireguard_initiations", n(0.0)),
        ("wireguard_data_messages", n(2.0)),
        ("wireguard_keep_alives", n(0.0)),
    ];
    FrameCase { name: "a tunnel from its middle on", frames, want }
}

const CLIENT_RESET: &str = "38 0102030405060708 00 00000000";

fn openvpn() -> FrameCase {
    let server = hex("40 1112131415161718 01 00000000 0102030405060708 00000000");
    let frames = datagrams(&[
        (F, &hex(CLIENT_RESET)),
        (B, &server),
        (F, &hex("28 0102030405060708 01 00000000 1112131415161718")),
        (F, &hex("20 0102030405060708 00 00000001 160301")),
        (B, &hex("48 000001 aabbccdd")),
        (F, &hex("49 000001 aabbccdd")),
        // No opcode.
        (F, &hex("ff 00")),
    ]);
    let want = vec![
        ("app", t("openvpn")),
        ("openvpn_opcodes", t("hard-reset-client-2,hard-reset-server-2,ack,control,data-2")),
        ("openvpn_reset_version", n(2.0)),
        ("openvpn_key_ids", n(2.0)),
        ("openvpn_control_messages", n(4.0)),
        ("openvpn_data_messages", n(2.0)),
        ("wireguard_initiations", NULL),
        ("wireguard_responses", NULL),
        ("wireguard_cookies", NULL),
        ("wireguard_data_messages", NULL),
        ("wireguard_keep_alives", NULL),
    ];
    FrameCase { name: "another tunnel", frames, want }
}

/// With `tls-auth` only the server's answer tells what it is.
fn openvpn_signed() -> FrameCase {
    let mut client = hex("38 0102030405060708");
    client.extend([0xaa; 20]);
    client.extend(hex("00000001 60000000 00 00000000"));
    let mut server = hex("40 1112131415161718");
    server.extend([0xbb; 20]);
    server.extend(hex("00000001 60000000 01 00000000 0102030405060708 00000000"));
    let frames = datagrams(&[(F, &client), (B, &server), (F, &hex("30 aabbccdd"))]);
    let want = vec![
        ("app", t("openvpn")),
        ("openvpn_opcodes", t("hard-reset-server-2,data-1")),
        ("openvpn_reset_version", n(2.0)),
        ("openvpn_key_ids", n(1.0)),
        ("openvpn_control_messages", n(1.0)),
        ("openvpn_data_messages", n(1.0)),
    ];
    FrameCase { name: "a signed tunnel", frames, want }
}

/// However the packets are cut into segments.
fn openvpn_stream() -> FrameCase {
    let mut said = vec![0, 14];
    said.extend(hex(CLIENT_RESET));
    said.extend(hex("0004 20010203 0009 49 0102030405060708"));
    let frames = Talk::new().say_in(F, &said, 5).close();
    let want = vec![
        ("app", t("openvpn")),
        ("openvpn_opcodes", t("hard-reset-client-2,control,data-2")),
        ("openvpn_reset_version", n(2.0)),
        ("openvpn_key_ids", n(2.0)),
        ("openvpn_control_messages", n(2.0)),
        ("openvpn_data_messages", n(1.0)),
    ];
    FrameCase { name: "a tunnel over TCP", frames, want }
}
