use proptest::prelude::*;

use super::*;

const F: Direction = Direction::Forward;
const B: Direction = Direction::Backward;

fn vec16(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vec16(data)].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &(body.len() as u32).to_be_bytes()[1..], body].concat()
}

/// Content in records of at most `max` bytes.
fn records(content: u8, bytes: &[u8], max: usize) -> Vec<u8> {
    bytes.chunks(max).flat_map(|part| [&[content, 3, 3][..], &vec16(part)].concat()).collect()
}

fn client_hello(session_id: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([1; 32]);
    body.push(session_id.len() as u8);
    body.extend(session_id);
    body.extend([0, 4, 0x13, 0x01, 0xc0, 0x2b, 1, 0]);
    body.extend(vec16(&extensions.concat()));
    message(1, &body)
}

fn server_hello(session_id: &[u8], cipher: u16, extensions: &[Vec<u8>]) -> Vec<u8> {
    server_hello_with([2; 32], session_id, cipher, extensions)
}

fn server_hello_with(
    random: [u8; 32],
    session_id: &[u8],
    cipher: u16,
    extensions: &[Vec<u8>],
) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(random);
    body.push(session_id.len() as u8);
    body.extend(session_id);
    body.extend(cipher.to_be_bytes());
    body.push(0);
    body.extend(vec16(&extensions.concat()));
    message(2, &body)
}

fn server_name(name: &[u8]) -> Vec<u8> {
    extension(0, &vec16(&[&[0][..], &vec16(name)].concat()))
}

fn certificates(list: &[&[u8]]) -> Vec<u8> {
    let vec24 = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat();
    message(11, &vec24(&list.iter().flat_map(|der| vec24(der)).collect::<Vec<_>>()))
}

const CHANGE: &[u8] = &[20, 3, 3, 0, 1, 1];

/// What one side says until the other speaks, with the time in ms at which all of it has arrived.
type Flight = (Direction, u64, Vec<u8>);

/// A full handshake of TLS 1.2: ECDHE with secp256r1, two certificates.
fn full_12(max: usize) -> Vec<Flight> {
    let hello = client_hello(&[], &[server_name(b"example.org"), extension(35, &[])]);
    let mut server = server_hello(&[9; 32], 0xc02b, &[extension(16, &vec16(b"\x02h2"))]);
    server.extend(certificates(&[&[0x30; 900], &[0x31; 1200]]));
    server.extend(message(12, &[&[3, 0, 23, 65][..], &[4; 65], &[4, 3, 0, 2, 8, 8]].concat()));
    server.extend(message(13, &[1, 1, 0, 2, 4, 3, 0, 0]));
    server.extend(message(14, &[]));
    let mut client = records(22, &[certificates(&[]), message(16, &[65; 66])].concat(), max);
    client.extend(CHANGE);
    client.extend(records(22, &[0x55; 40], max));
    let finish =
        [&records(22, &message(4, &[0; 30]), max)[..], CHANGE, &records(22, &[0x56; 40], max)];
    vec![
        (F, 0, records(22, &hello, max)),
        (B, 20, records(22, &server, max)),
        (F, 30, client),
        (B, 50, finish.concat()),
        (F, 60, records(23, &[0x57; 5000], 2000)),
    ]
}

/// TLS 1.3 with a HelloRetryRequest; the client changes ciphers before its second hello.
fn retried_13(max: usize) -> Vec<Flight> {
    use sha2::{Digest, Sha256};
    let versions = extension(43, &[4, 3, 4, 3, 3]);
    let share = |group: u16, len: usize| {
        let key = vec16(&vec![7; len]);
        extension(51, &vec16(&[&group.to_be_bytes()[..], &key].concat()))
    };
    let first = client_hello(&[5; 32], &[versions.clone(), share(4588, 1216)]);
    let retry = server_hello_with(
        Sha256::digest(b"HelloRetryRequest").into(),
        &[5; 32],
        0x1301,
        &[extension(43, &[3, 4]), extension(51, &[0, 29])],
    );
    let second = client_hello(&[5; 32], &[versions, share(29, 32)]);
    let chosen = [0, 29, 0, 32].into_iter().chain([8; 32]).collect::<Vec<_>>();
    let server = server_hello(&[5; 32], 0x1301, &[extension(43, &[3, 4]), extension(51, &chosen)]);
    let tail = [&records(22, &server, max)[..], CHANGE, &records(23, &[0x42; 900], 300)].concat();
    vec![
        (F, 0, records(22, &first, max)),
        (B, 10, [&records(22, &retry, max)[..], CHANGE].concat()),
        (F, 20, [CHANGE, &records(22, &second, max)[..]].concat()),
        (B, 35, tail),
        (F, 45, records(23, &[0x43; 60], 60)),
        (B, 47, records(23, &[0x44; 60], 60)),
    ]
}

/// What reassembly does: keeps what is not consumed, steps over what is not wanted.
struct Feeder {
    tls: Tls,
    waiting: [Vec<u8>; 2],
    skip: [u64; 2],
    deaf: [bool; 2],
    enough: bool,
    mistaken: bool,
    most_waiting: usize,
}

impl Default for Feeder {
    fn default() -> Self {
        Self {
            tls: Tls::new(Carrier::Tls, MESSAGE_MAX),
            waiting: Default::default(),
            skip: [0; 2],
            deaf: [false; 2],
            enough: false,
            mistaken: false,
            most_waiting: 0,
        }
    }
}

impl Feeder {
    fn feed(&mut self, direction: Direction, ms: u64, bytes: &[u8]) {
        self.feed_with(direction, ms, bytes, false);
    }

    fn feed_with(&mut self, direction: Direction, ms: u64, bytes: &[u8], gap: bool) {
        let side = direction.index();
        let stepped = self.skip[side].min(bytes.len() as u64);
        self.skip[side] -= stepped;
        self.waiting[side].extend(&bytes[stepped as usize..]);
        let mut gap = gap;
        while !self.waiting[side].is_empty() && !self.enough && !self.deaf[side] {
            let chunk = Chunk {
                direction,
                ts: Timestamp::from_nanos(ms * 1_000_000),
                bytes: &self.waiting[side],
                gap,
            };
            let taken = self.tls.on_stream(chunk);
            gap = false;
            assert!(taken.consumed <= self.waiting[side].len());
            self.waiting[side].drain(..taken.consumed);
            let stepped = taken.skip.min(self.waiting[side].len() as u64);
            self.waiting[side].drain(..stepped as usize);
            self.skip[side] = taken.skip - stepped;
            self.mistaken = taken.wants == Wants::Mistaken;
            self.enough = matches!(taken.wants, Wants::Enough | Wants::Mistaken);
            self.deaf[side] = taken.wants == Wants::Nothing;
            if taken.consumed == 0 && taken.skip == 0 {
                break;
            }
        }
        if self.enough || self.deaf[side] {
            self.waiting[side].clear();
        }
        self.most_waiting = self.most_waiting.max(self.waiting.iter().map(Vec::len).sum());
    }

    fn all(flights: &[Flight]) -> Self {
        let mut feeder = Self::default();
        for (direction, ms, bytes) in flights {
            feeder.feed(*direction, *ms, bytes);
        }
        feeder
    }

    fn handshake(&self) -> &Handshake {
        self.tls.handshake()
    }
}

fn ms(at: Option<Timestamp>) -> Option<u64> {
    at.map(|at| at.as_nanos() / 1_000_000)
}

#[test]
fn a_full_handshake_of_12() {
    let feeder = Feeder::all(&full_12(16_384));
    let handshake = feeder.handshake();
    assert!(feeder.enough);
    let client = handshake.client().unwrap();
    assert_eq!(client.server_name.as_deref(), Some("example.org"));
    let server = handshake.server().unwrap();
    assert_eq!((server.chosen_version, server.cipher_suite), (0x303, 0xc02b));
    assert_eq!(server.alpn.as_deref(), Some("h2"));
    let chain = handshake.chain().unwrap();
    assert_eq!((chain.count, chain.total_len, chain.first_len), (2, 2100, 900));
    assert_eq!(chain.leaf, None, "not DER");
    assert_eq!(handshake.key_exchange(), (Some(23), Some(8 * 65)));
    assert_eq!(handshake.is_resumed(), Some(false));
    assert!(handshake.is_certificate_requested() && handshake.has_new_ticket());
    assert_eq!(handshake.client_certificates(), Some(0));
    assert_eq!(handshake.client_side(), Some(F));
    assert_eq!(handshake.record_version(), Some(0x303));
    assert_eq!((ms(handshake.client_at()), ms(handshake.server_at())), (Some(0), Some(20)));
    assert_eq!((ms(handshake.protected_at(F)), ms(handshake.completed_at())), (Some(30), Some(50)));
    assert_eq!((handshake.malformed(), handshake.alerts(), handshake.gaps()), (1, 0, 0));
    assert_eq!(handshake.packets(), 4);
}

#[test]
fn a_retried_handshake_of_13() {
    let feeder = Feeder::all(&retried_13(16_384));
    let handshake = feeder.handshake();
    assert!(feeder.enough);
    assert!(handshake.is_retried());
    assert_eq!(handshake.retry_group(), Some(29));
    assert_eq!(handshake.client_hellos(), 2);
    let shares = handshake.client().unwrap().key_shares();
    assert_eq!((shares[0].group, shares[0].len), (4588, 1216), "of the first hello");
    assert_eq!(handshake.server().unwrap().chosen_version, 0x304);
    assert_eq!(handshake.key_exchange(), (Some(29), Some(256)));
    assert_eq!(handshake.is_resumed(), Some(false), "an echoed session id says nothing");
    assert_eq!((ms(handshake.server_at()), ms(handshake.completed_at())), (Some(35), Some(45)));
}

#[test]
fn resumption_is_told_by_version() {
    let resumed = |client: Vec<u8>, server: Vec<u8>, then: &[u8]| {
        let server = [&records(22, &server, 16_384)[..], then].concat();
        Feeder::all(&[(F, 0, records(22, &client, 16_384)), (B, 1, server)])
            .handshake()
            .is_resumed()
    };
    let ticket = |len: usize| extension(35, &vec![1; len]);
    let psk = || vec![extension(43, &[3, 4]), extension(41, &[0, 0])];
    // TLS 1.2, session id.
    let client = || client_hello(&[5; 32], &[]);
    assert_eq!(resumed(client(), server_hello(&[5; 32], 0xc02b, &[]), CHANGE), Some(true));
    assert_eq!(resumed(client(), server_hello(&[5; 32], 0xc02b, &[]), &[]), Some(true));
    let full = [server_hello(&[6; 32], 0xc02b, &[]), certificates(&[&[0x30; 9]])].concat();
    assert_eq!(resumed(client(), full, &[]), Some(false));
    assert_eq!(resumed(client(), server_hello(&[6; 32], 0xc02b, &[]), &[]), None, "not seen");
    // TLS 1.2, ticket without session id: the short handshake tells.
    let client = || client_hello(&[], &[ticket(160)]);
    assert_eq!(resumed(client(), server_hello(&[], 0xc02b, &[]), CHANGE), Some(true));
    let renewed = [server_hello(&[], 0xc02b, &[ticket(0)]), message(4, &[0; 20])].concat();
    assert_eq!(resumed(client(), renewed, CHANGE), Some(true));
    // Nothing offered, nothing resumed: an empty ticket extension only asks for one.
    let client = || client_hello(&[], &[ticket(0)]);
    assert_eq!(resumed(client(), server_hello(&[7; 32], 0xc02b, &[]), &[]), Some(false));
    // TLS 1.3.
    let client = || client_hello(&[5; 32], &[extension(43, &[2, 3, 4])]);
    assert_eq!(resumed(client(), server_hello(&[5; 32], 0x1301, &psk()), CHANGE), Some(true));
    let without = server_hello(&[5; 32], 0x1301, &psk()[..1]);
    assert_eq!(resumed(client(), without, CHANGE), Some(false));
    // No server.
    assert_eq!(Feeder::all(&[(F, 0, records(22, &client(), 99))]).handshake().is_resumed(), None);
}

#[test]
fn alerts_in_the_clear() {
    let hello = records(22, &client_hello(&[], &[]), 16_384);
    let alerts = [21, 3, 3, 0, 2, 1, 112, 21, 3, 3, 0, 2, 2, 40].to_vec();
    let feeder = Feeder::all(&[(F, 0, hello), (B, 5, alerts)]);
    let first = feeder.handshake().first_alert().unwrap();
    assert_eq!((first.from, first.alert.level, first.alert.description), (B, 1, 112));
    assert_eq!(feeder.handshake().alerts(), 2);
}

#[test]
fn a_message_beyond_the_limit_is_stepped_over() {
    for (max, segment) in [(16_384, 100_000), (16_384, 1400), (500, 700)] {
        let mut feeder = Feeder { tls: Tls::new(Carrier::Tls, 2000), ..Feeder::default() };
        let mut server = server_hello(&[], 0xc02b, &[]);
        server.extend(certificates(&[&[0x30; 1500], &[0x30; 1500]]));
        server.extend(message(14, &[]));
        feeder.feed(F, 0, &records(22, &client_hello(&[], &[]), 16_384));
        for part in records(22, &server, max).chunks(segment) {
            feeder.feed(B, 1, part);
        }
        feeder.feed(B, 2, CHANGE);
        let handshake = feeder.handshake();
        assert_eq!((handshake.chain(), handshake.is_resumed()), (None, Some(false)));
        assert!(handshake.protected_at(B).is_some(), "what follows is read");
        assert_eq!(handshake.malformed(), 0);
    }
}

#[test]
fn after_lost_bytes_only_a_record_is_believed() {
    let flights = full_12(16_384);
    let mut feeder = Feeder::default();
    feeder.feed(F, 0, &flights[0].2);
    // The ServerHello is lost; what follows begins within a record.
    feeder.feed_with(B, 1, &flights[1].2[700..], true);
    assert!(feeder.deaf[1]);
    assert_eq!(feeder.handshake().gaps(), 1);
    let mut feeder = Feeder::default();
    feeder.feed(F, 0, &flights[0].2);
    feeder.feed_with(B, 1, &flights[3].2, true);
    assert!(!feeder.deaf[1]);
    assert!(feeder.handshake().has_new_ticket());
}

#[test]
fn defect_1_a_client_hello_over_many_records_and_segments() {
    // 2 KiB of padding before the name, as with post-quantum key shares: the older tool cut payloads at 256 bytes.
    let hello = client_hello(&[5; 32], &[extension(21, &[0; 2048]), server_name(b"late.example")]);
    let whole = Feeder::all(&[(F, 0, records(22, &hello, 16_384))]);
    let client = whole.handshake().client().unwrap();
    assert_eq!(client.server_name.as_deref(), Some("late.example"));
    for (record, segment) in [(16_384, 256), (100, 1400), (300, 7), (17, 1)] {
        let mut feeder = Feeder::default();
        for part in records(22, &hello, record).chunks(segment) {
            feeder.feed(F, 0, part);
        }
        assert_eq!(feeder.handshake().client(), Some(client), "{record} {segment}");
    }
}

#[test]
fn defect_7_tls_13_certificates_and_resumption_are_told_rightly() {
    let retried = Feeder::all(&retried_13(16_384));
    assert_eq!(retried.handshake().server().unwrap().chosen_version, record_13());
    assert_eq!(retried.handshake().is_resumed(), Some(false));
    assert_eq!(Feeder::all(&full_12(16_384)).handshake().chain().unwrap().count, 2);
}

fn record_13() -> u16 {
    rheos_wire::tls::versions::TLS13
}

#[test]
fn early_data_is_no_end_of_the_handshake() {
    let hello = client_hello(&[5; 32], &[extension(42, &[])]);
    let early = [&records(22, &hello, 16_384)[..], CHANGE, &records(23, &[1; 900], 300)].concat();
    let feeder = Feeder::all(&[(F, 0, early), (B, 1, retried_13(16_384)[3].2.clone())]);
    assert_eq!(feeder.handshake().protected_at(F), None);
    assert!(feeder.handshake().protected_at(B).is_some() && !feeder.enough);
}

#[test]
fn one_side_alone_is_not_read_for_ever() {
    let flood: Vec<u8> = (0..100).flat_map(|_| records(23, &[1; 100], 100)).collect();
    let feeder = Feeder::all(&[(F, 0, flood)]);
    assert!(feeder.deaf[0]);
    let junk = Feeder::all(&[(F, 0, vec![0; 100])]);
    assert!(junk.mistaken);
}

/// What must not depend on how bytes were cut.
fn told(feeder: &Feeder) -> String {
    let all = format!("{:?} {} {:?}", feeder.handshake(), feeder.enough, feeder.deaf);
    // How many packets it took does.
    let (before, after) = all.split_once(", packets: ").unwrap();
    format!("{before}{}", after.split_once(", seen").unwrap().1)
}

fn dtls(records: &[(u8, u16, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (content, epoch, data) in records {
        bytes.extend([*content, 0xfe, 0xfd]);
        bytes.extend(epoch.to_be_bytes());
        bytes.extend([0; 6]);
        bytes.extend(vec16(data));
    }
    bytes
}

/// The body of a message in fragments of at most `max` bytes.
fn fragments(kind: u8, sequence: u16, body: &[u8], max: usize) -> Vec<Vec<u8>> {
    let mut offset = 0;
    let part = |part: &[u8]| {
        let mut bytes = vec![kind];
        bytes.extend(&(body.len() as u32).to_be_bytes()[1..]);
        bytes.extend(sequence.to_be_bytes());
        bytes.extend(&(offset as u32).to_be_bytes()[1..]);
        bytes.extend(&(part.len() as u32).to_be_bytes()[1..]);
        bytes.extend(part);
        offset += part.len();
        bytes
    };
    body.chunks(max).map(part).collect()
}

/// Takes a DTLS 1.2 handshake's datagrams in; `max` is the length of fragments.
fn feed_dtls(max: usize, shuffled: bool) -> Tls {
    let mut tls = Tls::new(Carrier::Dtls, MESSAGE_MAX);
    let mut hello = client_hello(&[], &[server_name(b"dtls.example")]).split_off(4);
    hello.insert(35, 0);
    hello[..2].copy_from_slice(&[0xfe, 0xfd]);
    let mut server = server_hello(&[], 0xc02b, &[]).split_off(4);
    server[..2].copy_from_slice(&[0xfe, 0xfd]);
    let chain = certificates(&[&[0x30; 700]]).split_off(4);
    let flights = [
        (F, fragments(1, 0, &hello, max)),
        (B, fragments(3, 0, &[0xfe, 0xff, 1, 9], max)),
        (F, fragments(1, 1, &hello, max)),
        (B, [fragments(2, 1, &server, max), fragments(11, 2, &chain, max)].concat()),
    ];
    for (direction, mut parts) in flights {
        if shuffled {
            parts.reverse();
        }
        for part in parts {
            let bytes = dtls(&[(22, 0, part)]);
            let sent_len = bytes.len() as u32;
            let ts = Timestamp::from_nanos(0);
            tls.on_datagram(Datagram { direction, ts, bytes: &bytes, sent_len });
        }
    }
    tls
}

#[test]
fn dtls_in_fragments() {
    let tls = feed_dtls(2000, false);
    let handshake = tls.handshake();
    assert_eq!(handshake.client().unwrap().server_name.as_deref(), Some("dtls.example"));
    assert!(handshake.client().unwrap().ja4.to_string().starts_with("dd2d0201"));
    assert!(handshake.is_verified());
    assert_eq!((handshake.client_hellos(), handshake.chain().unwrap().first_len), (2, 700));
    assert_eq!(handshake.server().unwrap().chosen_version, 0xfefd);
    for max in [300, 40] {
        let cut = feed_dtls(max, true);
        assert_eq!(format!("{:?}", cut.handshake()), format!("{handshake:?}"), "{max}");
        assert_eq!(
            cut.datagrams.as_ref().unwrap().held(),
            feed_dtls(max, true).datagrams.unwrap().held()
        );
    }
}

#[test]
fn dtls_ends_when_both_sides_are_encrypted() {
    let mut tls = feed_dtls(2000, false);
    let mut send = |direction, bytes: Vec<u8>| {
        let sent_len = bytes.len() as u32;
        let ts = Timestamp::from_nanos(7);
        tls.on_datagram(Datagram { direction, ts, bytes: &bytes, sent_len })
    };
    assert_eq!(send(F, b"\x00\x01\x00\x00 no record".to_vec()), Wants::More);
    assert_eq!(send(F, dtls(&[(20, 0, vec![1]), (22, 1, vec![8; 30])])), Wants::More);
    assert_eq!(send(B, dtls(&[(23, 1, vec![8; 30])])), Wants::Enough);
    assert!(tls.datagrams.is_none());
    assert!(tls.handshake().completed_at().is_some());
}

fn stream(forward: &[u8], backward: &[u8]) -> Verdict {
    Tls::detect_stream(&Sides { bytes: [forward, backward], ports: [5, 6], last: false })
}

#[test]
fn streams_are_detected_by_their_first_record() {
    let hello = &full_12(16_384)[0].2[..];
    let answer = &full_12(16_384)[1].2[..];
    let by = |rule, confidence| Verdict::yes(App::Tls, rule, confidence);
    assert_eq!(stream(hello, b""), by("tls.hello", 0.95));
    assert_eq!(stream(&hello[..6], b""), by("tls.hello", 0.95));
    assert_eq!(stream(hello, b"HTTP/1.1 400"), by("tls.hello", 0.95));
    assert_eq!(stream(b"", answer), by("tls.hello", 0.95));
    assert_eq!(stream(&[21, 3, 1, 0, 2, 2, 70], b""), by("tls.alert", 0.7));
    for cut in 0..6 {
        assert_eq!(stream(&hello[..cut], b""), Verdict::More);
    }
    assert_eq!(stream(b"GET / HTTP/1.1", b""), Verdict::No);
    assert_eq!(stream(b"\x16\x03\x01", b"220 mail"), Verdict::No);
    // From the middle.
    let data = records(23, &[7; 700], 300);
    assert_eq!(stream(&data, b""), by("tls.records", 0.9));
    assert_eq!(stream(&data[..200], b""), by("tls.records", 0.6));
    assert_eq!(stream(&[&data[..305], b"x"].concat(), b""), Verdict::More);
    assert_eq!(stream(&[&data[..305], b"xxxxxx"].concat(), b""), Verdict::No);
}

#[test]
fn datagrams_are_detected_by_their_records() {
    let look = |bytes: &[u8]| {
        Tls::detect_datagram(&Opening {
            direction: F,
            bytes,
            sent_len: bytes.len() as u32,
            before: None,
            ports: [5, 6],
            number: 0,
        })
    };
    let hello = dtls(&[(22, 0, fragments(1, 0, &[0; 60], 60).remove(0))]);
    assert_eq!(look(&hello), Verdict::yes(App::Dtls, "dtls.hello", 0.95));
    let data = dtls(&[(23, 1, vec![1; 50]), (23, 1, vec![2; 50])]);
    assert_eq!(look(&data), Verdict::yes(App::Dtls, "dtls.records", 0.8));
    assert_eq!(look(&data[..data.len() - 1]), Verdict::No);
    // What DTLS 1.3 encrypts begins like half of everything.
    assert_eq!(look(&[0b0010_1100, 1, 2, 0, 2, 9, 9]), Verdict::No);
    assert_eq!(look(b"\x00\x01\x00\x00\x21\x12\xa4\x42"), Verdict::No);
}

fn cuts(max: usize) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..max, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_segments_and_records_tell_the_same(
        which in 0..2_usize,
        record in prop_oneof![Just(16_384_usize), 60..3000_usize],
        cuts in prop_oneof![cuts(8), cuts(200), cuts(4000)],
    ) {
        let flights = |max| if which == 0 { full_12(max) } else { retried_13(max) };
        let want = told(&Feeder::all(&flights(16_384)));
        let mut feeder = Feeder::default();
        let mut cuts = cuts.iter().cycle();
        for (direction, ms, bytes) in flights(record) {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let len = rest.len().min(*cuts.next().unwrap());
                let (part, after) = rest.split_at(len);
                feeder.feed(direction, ms, part);
                rest = after;
            }
        }
        prop_assert_eq!(told(&feeder), want);
        prop_assert!(feeder.most_waiting <= MESSAGE_MAX + 2 * HEADER_LEN * RECORDS_MAX);
    }

    #[test]
    fn damaged_conversations_never_panic(
        which in 0..2_usize,
        record in 20..3000_usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cuts in cuts(900),
        gaps in prop::collection::vec(prop::bool::weighted(0.05), 1..50),
    ) {
        let mut flights = if which == 0 { full_12(record) } else { retried_13(record) };
        for (place, value) in damage {
            let flight = place.index(flights.len());
            let bytes = &mut flights[flight].2;
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let mut feeder = Feeder::default();
        let (mut cuts, mut gaps) = (cuts.iter().cycle(), gaps.iter().cycle());
        for (direction, ms, bytes) in flights {
            for part in bytes.chunks(*cuts.next().unwrap()) {
                feeder.feed_with(direction, ms, part, *gaps.next().unwrap());
            }
        }
        prop_assert!(feeder.tls.heap_bytes() <= 16 << 10);
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        parts in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 1..80), any::<bool>()), 0..20),
        datagrams in any::<bool>(),
    ) {
        let mut feeder = Feeder::default();
        for (forward, bytes, gap) in parts {
            let direction = if forward { F } else { B };
            if datagrams {
                let (ts, sent_len) = (Timestamp::from_nanos(1), bytes.len() as u32);
                feeder.tls.on_datagram(Datagram { direction, ts, bytes: &bytes, sent_len });
            } else {
                feeder.feed_with(direction, 0, &bytes, gap);
            }
        }
    }
}
