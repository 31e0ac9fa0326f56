//! Peers that share, computed by hand.

use super::super::frames::FrameCase;
use super::super::rows::{B, F, NULL, n, t};
use super::super::talks::{Talk, datagrams};
use super::hex;

pub(super) fn cases() -> Vec<FrameCase> {
    vec![peers(), elder_peer(), table(), answers_alone()]
}

fn handshake(hash: &[u8; 20], peer: &[u8; 20]) -> Vec<u8> {
    [b"\x13BitTorrent protocol\0\0\0\0\0\x10\0\x05", &hash[..], peer].concat()
}

/// However the handshakes are cut into segments.
fn peers() -> FrameCase {
    let hash = b"\x01\x23\x45\x67\x89\xab\xcd\xef\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\xff";
    let mut opened = handshake(hash, b"-qB4250-xyzxyzxyzxyz");
    // What follows is not looked at.
    opened.extend([0, 0, 0, 1, 2]);
    let frames = Talk::new()
        .say_in(F, &opened, 30)
        .say_in(B, &handshake(hash, b"-TR3000-abcabcabcabc"), 67)
        .close();
    let want = vec![
        ("app", t("bittorrent")),
        ("bittorrent_info_hash", t("0123456789abcdef000102030405060708090aff")),
        ("bittorrent_client_fwd", t("qB4250")),
        ("bittorrent_client_bwd", t("TR3000")),
        ("bittorrent_dht_queries", NULL),
        ("bittorrent_dht_messages", NULL),
    ];
    FrameCase { name: "peers", frames, want }
}

/// A name of another form, and an answer that is cut by the end of the connection.
fn elder_peer() -> FrameCase {
    let first = handshake(b"abcdefghijabcdefghij", b"M7-9-2--xyzxyzxyzxyz");
    let frames = Talk::new().say(F, &first).say(B, &first[..50]).close();
    let want = vec![
        ("app", t("bittorrent")),
        ("bittorrent_info_hash", t("6162636465666768696a6162636465666768696a")),
        ("bittorrent_client_fwd", NULL),
        ("bittorrent_client_bwd", NULL),
    ];
    FrameCase { name: "a peer of elder name", frames, want }
}

fn table() -> FrameCase {
    let ping = b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe";
    let answer = b"d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re";
    let wanted = b"d1:ad2:id20:abcdefghij01234567899:info_hash20:jjjjjjjjjjjjjjjjjjjje1:q9:get_peers1:t2:ab1:y1:qe";
    let vote = b"d1:ad2:id20:abcdefghij0123456789e1:q4:vote1:t2:ac1:y1:qe";
    let refused = b"d1:eli204e14:Method Unknowne1:t2:ac1:y1:ee";
    let tracker = hex("0000041727101980 00000000 12345678");
    let frames = datagrams(&[
        (F, ping),
        (B, answer),
        (F, wanted),
        (F, wanted),
        (F, vote),
        (B, refused),
        // No message of the table.
        (F, &tracker),
    ]);
    let want = vec![
        ("app", t("bittorrent")),
        ("bittorrent_info_hash", t("6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a")),
        ("bittorrent_client_fwd", NULL),
        ("bittorrent_client_bwd", NULL),
        ("bittorrent_dht_queries", t("ping,get_peers,other")),
        ("bittorrent_dht_messages", n(6.0)),
    ];
    FrameCase { name: "a distributed table", frames, want }
}

fn answers_alone() -> FrameCase {
    let answer = b"d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re";
    let want = vec![
        ("app", t("bittorrent")),
        ("bittorrent_info_hash", NULL),
        ("bittorrent_dht_queries", NULL),
        ("bittorrent_dht_messages", n(1.0)),
    ];
    FrameCase { name: "an answer alone", frames: datagrams(&[(B, answer)]), want }
}
