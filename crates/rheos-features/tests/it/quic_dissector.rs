//! The QUIC dissector alone: keys that change, packets that lie, limits.

use proptest::prelude::*;
use rheos_core::{Direction, Timestamp};
use rheos_features::dissect::quic::{Closed, PacketKind, Quic};
use rheos_features::dissect::{Datagram, Dissector, Wants};

use super::quic_packets::{
    Attempt, Long, ORIGIN, SERVER, V1, V2, client_hello, crypto, hello_of, hex, sealed,
    server_hello, short, versions,
};
use super::rows::{B, F};

fn say(quic: &mut Quic, direction: Direction, bytes: &[u8]) {
    let sent_len = bytes.len() as u32;
    let ts = Timestamp::from_secs(1);
    let wants = quic.on_datagram(Datagram { direction, ts, bytes, sent_len });
    assert_eq!(wants, Wants::More);
}

fn after(says: &[(Direction, Vec<u8>)]) -> Quic {
    let mut quic = Quic::default();
    for (from, bytes) in says {
        say(&mut quic, *from, bytes);
    }
    quic
}

#[test]
fn the_client_may_be_who_did_not_speak_first() {
    let attempt = Attempt::new(V1);
    let quic = after(&[
        (B, attempt.client(0, &crypto(0, &client_hello()))),
        (F, attempt.server(0, &crypto(0, &server_hello()))),
    ]);
    assert_eq!(quic.client(), B);
    assert_eq!(quic.first_of_client().unwrap().dcid.as_slice(), ORIGIN);
    assert_eq!(quic.first_of_server().unwrap().scid.as_slice(), SERVER);
    assert!(quic.server_hello().is_some() && quic.is_certain());
    assert_eq!(quic.crypto_bytes(), [90, 241]);
}

#[test]
fn a_list_of_versions_makes_the_client_begin_anew() {
    let old = hello_of(&[(16, &[0, 3, 2, b'h', b'3'])]);
    let new = hello_of(&[(16, &[0, 6, 5, b'h', b'3', b'-', b'2', b'9'])]);
    let second = Attempt { origin: vec![7; 8], ..Attempt::new(V1) };
    let quic = after(&[
        (F, Attempt::new(V2).client(0, &crypto(0, &old))),
        (B, versions(&[V1])),
        (F, second.client(0, &crypto(0, &new))),
        (B, second.server(0, &crypto(0, &server_hello()))),
        // The first one once more, late.
        (F, Attempt::new(V2).client(1, &crypto(0, &old))),
    ]);
    assert_eq!((quic.attempts(), quic.sealed_initials()), (2, 1));
    let alpn: Vec<_> = quic.client_hello().unwrap().alpn().collect();
    assert_eq!(alpn, ["h3-29"]);
    assert_eq!(quic.offers_http3(), Some(true));
    assert!(quic.server_hello().is_some());
    assert_eq!(quic.first().unwrap().version.0, V2);
    assert_eq!(quic.first_of_server().unwrap().version.0, V1);
}

#[test]
fn a_retry_packet_with_a_wrong_tag_is_not_followed() {
    let mut retry = hex("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba");
    let first = Attempt::new(V1).client(0, &crypto(0, &client_hello()[..80]));
    let retried = Attempt { origin: SERVER.to_vec(), ..Attempt::new(V1) };
    let rest = retried.client(1, &crypto(80, &client_hello()[80..]));
    let genuine = after(&[(F, first.clone()), (B, retry.clone()), (F, rest.clone())]);
    assert_eq!((genuine.attempts(), genuine.retry_genuine()), (1, Some(true)));
    assert_eq!(genuine.server_name(), Some("example.com"), "the hello goes on");
    retry[17] ^= 1;
    let forged = after(&[(F, first), (B, retry), (F, rest)]);
    assert_eq!((forged.packets(PacketKind::Retry), forged.malformed()), ([0, 0], 1));
    assert_eq!((forged.attempts(), forged.server_name()), (2, None), "another connection");
}

#[test]
fn googles_own_handshake_names_the_server() {
    let version = u32::from_be_bytes(*b"Q050");
    let mut hello = b"CHLO\x02\0\0\0SNI\0\x05\0\0\0UAID\x08\0\0\0".to_vec();
    hello.extend(b"a.comua!");
    let mut frame = vec![8, 0, hello.len() as u8];
    frame.extend(&hello);
    let quic = after(&[(F, Attempt::new(version).client(0, &frame))]);
    assert_eq!((quic.server_name(), quic.user_agent()), (Some("a.com"), Some("ua!")));
    assert!(quic.client_hello().is_none() && quic.is_opened());
}

/// A capture of the first 256 bytes of each packet has the server's hello whole, and of the client's its connection id.
#[test]
fn a_cut_packet_of_the_client_opens_the_servers() {
    let cut = |quic: &mut Quic, attempt: &Attempt| {
        let bytes = &attempt.client(0, &crypto(0, &client_hello()))[..256];
        let ts = Timestamp::from_secs(1);
        quic.on_datagram(Datagram { direction: F, ts, bytes, sent_len: 1200 });
        assert!(!quic.is_opened());
    };
    let retry = hex("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba");
    let (first, retried) =
        (Attempt::new(V1), Attempt { origin: SERVER.to_vec(), ..Attempt::new(V1) });
    for with_retry in [false, true] {
        let mut quic = Quic::default();
        cut(&mut quic, &first);
        if with_retry {
            say(&mut quic, B, &retry);
            cut(&mut quic, &retried);
        }
        let answering = if with_retry { &retried } else { &first };
        say(&mut quic, B, &answering.server(0, &crypto(0, &server_hello())));
        assert_eq!(quic.server_hello().unwrap().cipher_suite, 0x1301);
        assert_eq!((quic.client(), quic.attempts(), quic.sealed_initials()), (F, 1, 0));
        assert!(quic.client_hello().is_none());
    }
}

#[test]
fn both_sides_may_close() {
    let attempt = Attempt::new(V1);
    let close = |code: u8| [&[0x1c, code, 0, 0][..], &[0; 30]].concat();
    let quic = after(&[
        (F, attempt.client(0, &crypto(0, &client_hello()))),
        (B, attempt.server(0, &close(2))),
        (F, attempt.client(1, &close(11))),
    ]);
    assert_eq!(quic.closed(), Some(Closed { by: B, error: 2 }));
}

#[test]
fn keys_and_streams_are_let_go_when_the_handshake_is_over() {
    let attempt = Attempt::new(V1);
    let mut quic = after(&[
        (F, attempt.client(0, &crypto(0, &client_hello()))),
        (B, attempt.server(0, &crypto(0, &server_hello()[..50]))),
    ]);
    let during = quic.heap_bytes();
    for (from, to, scid) in [(F, &SERVER[..], &[][..]), (B, &[][..], &SERVER[..])] {
        say(&mut quic, from, &sealed(Long::Handshake, V1, (to, scid), 50));
        say(&mut quic, from, &short(to, false));
    }
    assert!(quic.is_established());
    assert!(quic.heap_bytes() + 1000 < during, "{} of {during}", quic.heap_bytes());
    assert!(quic.client_hello().is_some());
    assert!(size_of::<Quic>() <= 1024, "{} bytes", size_of::<Quic>());
}

/// The most that a flow may hold: keys and two streams, each of 64 KiB in at most twice that capacity.
const MEMORY_MAX: usize = 2 * 2 * 64 * 1024 + 64 * 1024;

#[test]
fn endless_gaps_take_no_more_than_the_limits() {
    let attempt = Attempt::new(V1);
    let mut quic = Quic::default();
    for number in 0..2000_u16 {
        // Three bytes at every fourth place: none touches another.
        let offset = |i: u16| 4 + i * 160 + number % 40 * 4;
        let frames: Vec<u8> = (0..100).flat_map(|i| crypto(offset(i), b"xyz")).collect();
        say(&mut quic, F, &attempt.client(number, &frames));
        say(&mut quic, B, &attempt.server(number, &frames));
        assert!(quic.heap_bytes() <= MEMORY_MAX, "{} bytes", quic.heap_bytes());
    }
    // 64 packets are opened; of each side's first one, 32 frames find room.
    assert!(quic.has_hello_gap());
    assert_eq!(quic.refused_frames(), 64 * 100 - 64);
    assert_eq!(quic.packets(PacketKind::Initial), [2000, 2000]);
}

#[test]
fn a_message_longer_than_a_stream_is_given_up() {
    let attempt = Attempt::new(V1);
    let mut quic = after(&[(F, attempt.client(0, &crypto(0, &[1, 0xff, 0xff, 0xff, 3, 3])))]);
    let before = quic.heap_bytes();
    say(&mut quic, F, &attempt.client(1, &crypto(6, &[0; 1000])));
    assert_eq!(quic.heap_bytes(), before);
    assert!(quic.client_hello().is_none() && !quic.has_hello_gap());
}

#[test]
fn packets_that_nothing_opens_cost_only_so_many_keys() {
    let mut quic = Quic::default();
    for i in 0..100_u8 {
        let mut packet = Attempt::new(V1).client(0, &[1]);
        packet[600] ^= 1 | i;
        say(&mut quic, F, &packet);
    }
    assert_eq!((quic.attempts(), quic.sealed_initials()), (0, 8), "then no more are tried");
    assert_eq!(quic.packets(PacketKind::Initial), [100, 0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_datagrams_panic(
        says in prop::collection::vec(
            (any::<bool>(), 0..8_u8, 0..40_usize, any::<u8>(), 0..1300_usize, any::<[u8; 9]>()),
            0..40,
        )
    ) {
        let attempt = Attempt::new(V1);
        let mut quic = Quic::default();
        for (back, kind, place, value, keep, random) in says {
            let frames = crypto(u16::from(random[0]), &random);
            let mut bytes = match kind {
                0 => attempt.client(u16::from(random[1]), &frames),
                1 => attempt.server(u16::from(random[1]), &[frames, vec![0; 30]].concat()),
                2 => versions(&[V1, u32::from(random[2])]),
                3 => sealed(Long::ZeroRtt, V1, (&random, &SERVER), 30),
                4 => sealed(Long::Handshake, V2, (&SERVER, &random), 30),
                5 => short(&random, back),
                6 => hex("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba"),
                _ => random.to_vec(),
            };
            let sent_len = bytes.len() as u32;
            if let Some(byte) = bytes.get_mut(place) && value > 200 {
                *byte = value;
            }
            if keep < 200 {
                bytes.truncate(keep.max(1));
            }
            let direction = if back { B } else { F };
            let ts = Timestamp::from_nanos(u64::from(value));
            let _ = quic.on_datagram(Datagram { direction, ts, bytes: &bytes, sent_len });
            prop_assert!(quic.heap_bytes() <= MEMORY_MAX);
            let _ = (quic.spin_period(), quic.handshake_time(), quic.response_time());
        }
    }
}
