//! Laws of dissectors: however a stream is cut into segments they read the same, and no bytes make them panic or
//! keep more than their limits.

use proptest::collection::vec;
use proptest::prelude::*;
use rheos_core::{Direction, Timestamp};
use rheos_features::dissect::bittorrent::BitTorrent;
use rheos_features::dissect::dns::Dns;
use rheos_features::dissect::kerberos::Kerberos;
use rheos_features::dissect::openvpn::OpenVpn;
use rheos_features::dissect::rtp::Rtp;
use rheos_features::dissect::ssh::Ssh;
use rheos_features::dissect::stun::Stun;
use rheos_features::dissect::wireguard::WireGuard;
use rheos_features::dissect::{Chunk, Datagram, Detect, Dissector, Start, Wants};
use rheos_wire::App;
use rheos_wire::ssh::Role;

use super::dns_talk::{message, name, opt, prefixed, query, question, record};
use super::rows::{B, F};
use super::ssh_talk;

/// Hands a dissector its bytes as reassembly does: what it leaves is offered again with what follows, what it skips is
/// not offered.
#[derive(Debug, Default)]
struct Feeder {
    waiting: [Vec<u8>; 2],
    skip: [u64; 2],
    over: [bool; 2],
}

impl Feeder {
    fn feed(
        &mut self,
        dissector: &mut impl Dissector,
        direction: Direction,
        bytes: &[u8],
        gap: bool,
    ) {
        let side = direction.index();
        let skipped = self.skip[side].min(bytes.len() as u64);
        self.skip[side] -= skipped;
        self.waiting[side].extend(&bytes[skipped as usize..]);
        if self.over[side] || self.waiting[side].is_empty() {
            return;
        }
        let ts = Timestamp::from_nanos(1);
        let taken = dissector.on_stream(Chunk { direction, ts, bytes: &self.waiting[side], gap });
        assert!(taken.consumed <= self.waiting[side].len(), "consumed more than there was");
        self.waiting[side].drain(..taken.consumed);
        let skipped = taken.skip.min(self.waiting[side].len() as u64);
        self.waiting[side].drain(..skipped as usize);
        self.skip[side] = taken.skip - skipped;
        match taken.wants {
            Wants::More => {}
            Wants::Nothing => self.over[side] = true,
            _ => self.over = [true; 2],
        }
    }
}

fn start<D: Detect>(datagrams: bool) -> D {
    D::begin(&Start { app: D::APPS[0], datagrams, ports: [40_000, 4_000], tls_message_max: 4096 })
}

/// What a dissector knows after both sides said all, cut at these places.
fn read<D: Detect>(says: [&[u8]; 2], cuts: &[usize]) -> D {
    let mut dissector = start(false);
    let mut feeder = Feeder::default();
    for (direction, bytes) in [(F, says[0]), (B, says[1])] {
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        for pair in places.windows(2) {
            feeder.feed(&mut dissector, direction, &bytes[pair[0]..pair[1]], false);
        }
    }
    dissector
}

/// All that it knows but for how many pieces there were.
fn ssh_told(ssh: &Ssh) -> String {
    let text = format!("{ssh:?}");
    let pieces = |end: Direction| format!("encrypted_pieces: {},", ssh.end(end).encrypted_pieces);
    text.replace(&pieces(F), "").replace(&pieces(B), "")
}

fn dns_says() -> [Vec<u8>; 2] {
    let asked = [question("www.example.com", 1)];
    let address = record(&[0xc0, 12], 1, 60, &[192, 0, 2, 1]);
    let answer = message(1, 0x8180, [&asked, &[address], &[], &[opt(512, 0, &[])]]);
    let other = message(2, 0x8183, [&[question("x.example", 28)], &[], &[], &[]]);
    let queries = [query(1, "www.example.com", 1), query(2, "x.example", 28), query(3, "y", 16)];
    let stream = |messages: &[Vec<u8>]| messages.iter().flat_map(|it| prefixed(it)).collect();
    [stream(&queries), stream(&[answer, other, name("zz")])]
}

proptest! {
    #[test]
    fn ssh_reads_the_same_however_it_is_cut(cuts in vec(any::<usize>(), 0..40)) {
        let (client, server) = (ssh_talk::client(), ssh_talk::server());
        let whole: Ssh = read([&client, &server], &[]);
        let cut: Ssh = read([&client, &server], &cuts);
        prop_assert_eq!(ssh_told(&cut), ssh_told(&whole));
        prop_assert!(whole.end(B).newkeys && whole.end(F).encrypted_bytes == 40);
    }

    #[test]
    fn dns_reads_the_same_however_it_is_cut(cuts in vec(any::<usize>(), 0..40)) {
        let [client, server] = dns_says();
        let whole: Dns = read([&client, &server], &[]);
        let cut: Dns = read([&client, &server], &cuts);
        prop_assert_eq!(format!("{cut:?}"), format!("{whole:?}"));
        prop_assert_eq!((whole.queries.messages, whole.malformed), (3, 1));
    }

    #[test]
    fn damaged_streams_do_no_harm(
        flips in vec((any::<usize>(), any::<u8>()), 0..20),
        cuts in vec((any::<usize>(), any::<bool>(), any::<bool>()), 0..20),
        dns in any::<bool>(),
    ) {
        let [mut client, mut server] =
            if dns { dns_says() } else { [ssh_talk::client(), ssh_talk::server()] };
        for (place, byte) in flips {
            let side = if place % 2 == 0 { &mut client } else { &mut server };
            let at = place / 2 % side.len();
            side[at] = byte;
        }
        let mut ssh: Ssh = start(false);
        let mut messages: Dns = start(false);
        let mut feeders = [Feeder::default(), Feeder::default()];
        let mut rest = [&client[..], &server[..]];
        for (place, forward, gap) in cuts {
            let direction = if forward { F } else { B };
            let (now, later) = rest[direction.index()].split_at(place % (rest[direction.index()].len() + 1));
            rest[direction.index()] = later;
            feeders[0].feed(&mut ssh, direction, now, gap);
            feeders[1].feed(&mut messages, direction, now, gap);
        }
        prop_assert!(ssh.heap_bytes() < 4096 && messages.heap_bytes() < 16_384);
    }

    #[test]
    fn random_datagrams_do_no_harm(says in vec((any::<bool>(), vec(any::<u8>(), 1..80), any::<u16>()), 0..100)) {
        let mut dns: Dns = start(true);
        for (forward, mut bytes, more) in says {
            // Small counts, so that records are read.
            for (place, byte) in bytes.iter_mut().enumerate().take(12).skip(4) {
                *byte &= if place % 2 == 0 { 0 } else { 3 };
            }
            let direction = if forward { F } else { B };
            let sent_len = bytes.len() as u32 + u32::from(more % 7 == 0);
            dns.on_datagram(Datagram { direction, ts: Timestamp::from_nanos(5), bytes: &bytes, sent_len });
        }
        prop_assert!(dns.heap_bytes() < 16_384);
    }
}

/// What a dissector of messages with lengths knows after these bytes, whole and cut.
fn cut_and_whole<D: Detect>(bytes: &[u8], cuts: &[usize]) -> [String; 2] {
    [cuts, &[]].map(|cuts| {
        let dissector: D = read([bytes, b""], cuts);
        assert!(dissector.heap_bytes() < 4096);
        format!("{dissector:?}")
    })
}

proptest! {
    #[test]
    fn messages_with_lengths_read_the_same_however_they_are_cut(
        messages in vec((0_usize..4, 0_u8..40, any::<u8>()), 1..12),
        cuts in vec(any::<usize>(), 0..40),
    ) {
        let mut said: [Vec<u8>; 3] = Default::default();
        for (kind, len, fill) in messages {
            let body = vec![fill; usize::from(len)];
            said[0].extend([0, len + 1, [0x38, 0x20, 0x49, 0x28][kind]]);
            said[0].extend(&body);
            let begin = [0x60 | [10, 11, 21, 30][kind], len + 2, 0x30, len];
            said[1].extend([0, 0, 0, len + 4]);
            said[1].extend([&begin[..], &body].concat());
            said[2].extend([[0, 1, 0x40, 0x41][kind], 3, 0, len]);
            // The rest of a header, or of a channel's last four bytes.
            let more = if kind < 2 { 16 } else { usize::from(len.next_multiple_of(4) - len) };
            said[2].extend([vec![7; more], body].concat());
        }
        let [openvpn, whole] = cut_and_whole::<OpenVpn>(&said[0], &cuts);
        prop_assert_ne!(&whole, &format!("{:?}", start::<OpenVpn>(false)));
        prop_assert_eq!(openvpn, whole);
        let [kerberos, whole] = cut_and_whole::<Kerberos>(&said[1], &cuts);
        prop_assert_ne!(&whole, &format!("{:?}", start::<Kerberos>(false)));
        prop_assert_eq!(kerberos, whole);
        let [stun, whole] = cut_and_whole::<Stun>(&said[2], &cuts);
        prop_assert_eq!(stun, whole);
    }

    #[test]
    fn random_bytes_do_no_harm_to_small_protocols(
        says in vec((any::<bool>(), any::<u8>(), vec(any::<u8>(), 1..100), any::<bool>()), 0..60),
    ) {
        fn feed<D: Detect>(says: &[(bool, u8, Vec<u8>, bool)], begins: &[&[u8]]) -> usize {
            let (mut streamed, mut shot): (D, D) = (start(false), start(true));
            let mut feeder = Feeder::default();
            for (forward, begin, bytes, gap) in says {
                let direction = if *forward { F } else { B };
                let begin = begins[usize::from(*begin) % begins.len()];
                let bytes = [begin, bytes].concat();
                feeder.feed(&mut streamed, direction, &bytes, *gap && begin.is_empty());
                let (ts, sent_len) = (Timestamp::from_nanos(5), bytes.len() as u32);
                shot.on_datagram(Datagram { direction, ts, bytes: &bytes, sent_len });
            }
            streamed.heap_bytes().max(shot.heap_bytes())
        }
        let held = [
            feed::<WireGuard>(&says, &[b"", b"\x04\0\0\0", b"\x01\0\0\0"]),
            feed::<OpenVpn>(&says, &[b"", b"\0\x09\x38", b"\x48"]),
            feed::<Rtp>(&says, &[b"", b"\x80\0", b"\x80\x08\0"]),
            feed::<Kerberos>(&says, &[b"", b"\0\0\0\x20", b"\x6a\x20\x30\x1e\xa4\x1c\x30"]),
            feed::<BitTorrent>(&says, &[b"", b"d1:y1:q1:q", b"\x13BitTorrent protocol"]),
            feed::<Stun>(&says, &[b"", b"\0\x01\0\x20"]),
        ];
        prop_assert!(held.into_iter().all(|held| held < 4096), "{:?}", held);
    }
}

/// A tunnel's flow: a hundred thousand names, each asked for once, and never answered.
#[test]
fn an_endless_flow_of_names_stays_small() {
    let mut dns: Dns = start(true);
    for number in 0..100_000_u32 {
        let bytes = query(number as u16, &format!("{number:08x}.t{number}.example.com"), 16);
        let ts = Timestamp::from_nanos(u64::from(number));
        let sent_len = bytes.len() as u32;
        let datagram = Datagram { direction: F, ts, bytes: &bytes, sent_len };
        assert_eq!(dns.on_datagram(datagram), Wants::More);
    }
    assert_eq!(dns.app, App::Dns);
    assert_eq!(dns.exchanges.unanswered(), 100_000);
    // three standard errors of 4.4 %
    let names = dns.names.distinct.count() as f64;
    assert!((names - 100_000.0).abs() < 13_300.0, "{names}");
    assert!(dns.heap_bytes() < 16_384, "{}", dns.heap_bytes());
}

/// A KEXINIT of more than 16 KiB is not kept, but for its hash; one of more than 64 KiB is only told by its length.
#[test]
fn giant_offers_are_passed_over() {
    let told = |list: &str| {
        let mut lists = ssh_talk::CLIENT;
        lists[0] = list;
        let begin = b"SSH-2.0-Giant\r\n";
        let said = [&begin[..], &ssh_talk::kexinit(lists, false), &ssh_talk::newkeys()].concat();
        let ssh: Ssh = read([&said, b""], &[100, 5_000, 100_000]);
        assert!(ssh.end(F).newkeys && ssh.end(F).kexinit_len as usize > list.len());
        assert!(ssh.offers(F).is_none() && ssh.heap_bytes() < 100);
        ssh.hassh(F, Role::Client)
    };
    assert!(told(&"x,".repeat(10_000)).is_some());
    assert!(told(&"x,".repeat(100_000)).is_none());
}

/// After lost bytes the messages of a TCP connection are found again where a segment begins with one.
#[test]
fn dns_goes_on_after_a_hole() {
    let mut dns: Dns = start(false);
    let mut feeder = Feeder::default();
    feeder.feed(&mut dns, F, &prefixed(&query(1, "a.example", 1)), false);
    feeder.feed(&mut dns, F, b"the rest of a message that is lost for the most part", true);
    feeder.feed(&mut dns, F, &prefixed(&query(2, "b.example", 1)), false);
    assert_eq!((dns.queries.messages, dns.malformed), (2, 0));
}
