//! Fragments through the ingest stage: from frames to whole packets.

use std::ops::Range;

use proptest::prelude::*;
use rheos_core::{DropReason, Frame, LinkType, Nanos, Timestamp};
use rheos_flow::{FragmentConfig, Ingest, IngestConfig, OverlapPolicy};
use rheos_wire::Packet;

use super::packets::{SECOND, START};

/// IP version of a made datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ip {
    V4,
    /// With a hop-by-hop header before the fragment header.
    V6,
}

/// What of a datagram one frame holds.
struct Piece<'a> {
    ip: Ip,
    id: u16,
    datagram: &'a [u8],
    range: Range<usize>,
    more: bool,
}

/// A UDP datagram from port 5 to port 53 whose payload counts up from `seed`.
fn udp_datagram(payload: usize, seed: u8) -> Vec<u8> {
    let len = 8 + payload;
    let mut bytes = vec![0, 5, 0, 53, (len >> 8) as u8, len as u8, 0, 0];
    bytes.extend((0..payload).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed)));
    bytes
}

/// RFC 1071: one's complement sum of the 16-bit words.
fn ones_sum(bytes: &[u8], start: u32) -> u16 {
    let words = bytes.as_chunks::<2>().0.iter();
    let sum = start + words.map(|word| u32::from(u16::from_be_bytes(*word))).sum::<u32>();
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

/// The checksum of a UDP datagram of even length over the IPv6 pseudo-header.
fn v6_checksum(datagram: &[u8]) -> u16 {
    let addresses = 8 * 0xfdfd + 8 * 0xfefe;
    !ones_sum(datagram, addresses + datagram.len() as u32 + 17)
}

/// A raw IP frame with one fragment.
fn frame(piece: &Piece<'_>) -> Vec<u8> {
    let data = &piece.datagram[piece.range.clone()];
    let offset = piece.range.start as u16;
    let mut bytes = Vec::new();
    match piece.ip {
        Ip::V4 => {
            let total = 20 + data.len() as u16;
            let offset = (offset / 8) | if piece.more { 0x2000 } else { 0 };
            bytes.extend([0x45, 0]);
            bytes.extend(total.to_be_bytes());
            bytes.extend(piece.id.to_be_bytes());
            bytes.extend(offset.to_be_bytes());
            bytes.extend([64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
            let sum = !ones_sum(&bytes, 0);
            bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        Ip::V6 => {
            bytes.extend([0x60, 0, 0, 0]);
            bytes.extend((16 + data.len() as u16).to_be_bytes());
            bytes.extend([0, 64]);
            bytes.extend([0xfd; 16]);
            bytes.extend([0xfe; 16]);
            bytes.extend([44, 0, 1, 4, 0, 0, 0, 0]);
            bytes.extend([17, 0]);
            bytes.extend((offset | u16::from(piece.more)).to_be_bytes());
            bytes.extend(u32::from(piece.id).to_be_bytes());
        }
    }
    bytes.extend_from_slice(data);
    bytes
}

/// A whole packet as handed on, with its payload.
type Got = (Packet, Vec<u8>);

/// An ingest stage with the packets it handed on.
struct Bench {
    ingest: Ingest,
    got: Vec<Got>,
    next: u64,
}

impl Bench {
    fn new(fragments: FragmentConfig) -> Self {
        let config = IngestConfig { fragments, ..IngestConfig::default() };
        Self { ingest: Ingest::new(config), got: Vec::new(), next: 0 }
    }

    /// Puts in a frame of which `cut` bytes at the end were not captured.
    fn put_cut(&mut self, at: u64, bytes: &[u8], cut: usize) {
        let frame = Frame {
            ts: Timestamp::from_nanos(START + at),
            wire_len: bytes.len() as u32,
            link: LinkType::RAW,
            data: &bytes[..bytes.len() - cut],
        };
        let got = &mut self.got;
        self.ingest.frame(frame, self.next, &mut |packet, bytes| {
            got.push((*packet, packet.payload(bytes).to_vec()));
        });
        self.next += 1;
    }

    fn put(&mut self, at: u64, piece: &Piece<'_>) {
        self.put_cut(at, &frame(piece), 0);
    }

    /// Ends the input, checks the accounts, and gives the drops by reason.
    fn finish(&mut self) -> Vec<(DropReason, u64)> {
        self.ingest.finish();
        let counters = &self.ingest.counters;
        assert_eq!(counters.frames, self.next);
        assert_eq!(counters.packets, self.got.len() as u64);
        assert_eq!(counters.frames, counters.packets + counters.absorbed + counters.drops.total());
        counters.drops.iter().collect()
    }
}

fn piece(ip: Ip, datagram: &[u8], range: Range<usize>) -> Piece<'_> {
    let more = range.end < datagram.len();
    Piece { ip, id: 7, datagram, range, more }
}

#[test]
fn defect_11_fragments_become_one_packet_of_the_port_flow() {
    for ip in [Ip::V4, Ip::V6] {
        let mut datagram = udp_datagram(3000, 1);
        if ip == Ip::V6 {
            let sum = v6_checksum(&datagram);
            datagram[6..8].copy_from_slice(&sum.to_be_bytes());
        }
        let mut bench = Bench::new(FragmentConfig::default());
        for (i, range) in [0..1480, 1480..2960, 2960..3008].into_iter().enumerate() {
            bench.put(i as u64 * 1000, &piece(ip, &datagram, range));
        }
        assert_eq!(bench.finish(), [], "{ip:?}");
        let (packet, payload) = &bench.got[0];
        assert_eq!((packet.tuple.src_port, packet.tuple.dst_port), (5, 53), "{ip:?}");
        assert_eq!(payload, &datagram[8..]);
        assert_eq!(packet.payload_len, 3000);
        let header = if ip == Ip::V4 { 20 } else { 48 };
        assert_eq!(packet.ip_len, 3008 + header);
        assert_eq!((packet.index, packet.ts), (2, Timestamp::from_nanos(START + 2000)));
        assert_eq!((packet.fragments, packet.reassembled), (3, true));
        assert_eq!(packet.checksum.wrong, None);
        let frames = if ip == Ip::V4 { 3 * 20 } else { 3 * 56 };
        assert_eq!(packet.wire_len, 3008 + frames, "the frames' wire lengths");
        assert_eq!(bench.ingest.counters.absorbed, 2);
        assert_eq!(bench.ingest.fragment_counters().datagrams, 1);
    }
}

#[test]
fn copies_are_tolerated_and_absorbed() {
    for ip in [Ip::V4, Ip::V6] {
        let datagram = udp_datagram(56, 1);
        let mut bench = Bench::new(FragmentConfig::default());
        for range in [0..32, 0..32, 32..64] {
            bench.put(0, &piece(ip, &datagram, range));
        }
        assert_eq!(bench.finish(), []);
        assert_eq!(bench.got[0].1, &datagram[8..]);
        assert_eq!(bench.got[0].0.fragments, 3);
        assert_eq!(bench.ingest.fragment_counters().copies, 1);
    }
}

#[test]
fn a_copy_may_tell_that_it_was_the_last() {
    let datagram = udp_datagram(56, 1);
    let mut bench = Bench::new(FragmentConfig::default());
    bench.put(0, &piece(Ip::V4, &datagram, 0..32));
    bench.put(1, &Piece { more: true, ..piece(Ip::V4, &datagram, 32..64) });
    bench.put(2, &piece(Ip::V4, &datagram, 32..64));
    assert_eq!(bench.finish(), []);
    assert_eq!(bench.got[0].1, &datagram[8..]);
}

/// Three fragments of which the middle one overlaps both others with other bytes.
fn overlapping(policy: OverlapPolicy) -> (Bench, Vec<(DropReason, u64)>) {
    let config = FragmentConfig { overlap_v4: policy, ..FragmentConfig::default() };
    let (ours, theirs) = (udp_datagram(56, 1), udp_datagram(56, 77));
    let mut bench = Bench::new(config);
    bench.put(0, &piece(Ip::V4, &ours, 0..32));
    bench.put(1, &Piece { more: true, ..piece(Ip::V4, &theirs, 24..48) });
    bench.put(2, &piece(Ip::V4, &ours, 40..64));
    let drops = bench.finish();
    (bench, drops)
}

#[test]
fn the_overlap_policy_says_whose_bytes_hold() {
    let (ours, theirs) = (udp_datagram(56, 1), udp_datagram(56, 77));
    let join = |parts: &[&[u8]]| parts.concat();

    let (first, drops) = overlapping(OverlapPolicy::First);
    assert_eq!(drops, []);
    assert_eq!(first.got[0].1, join(&[&ours[8..32], &theirs[32..48], &ours[48..]]));
    assert_eq!(first.ingest.fragment_counters().overlaps, 2);

    let (last, drops) = overlapping(OverlapPolicy::Last);
    assert_eq!(drops, []);
    assert_eq!(last.got[0].1, join(&[&ours[8..24], &theirs[24..40], &ours[40..]]));

    let (none, drops) = overlapping(OverlapPolicy::Drop);
    assert_eq!(drops, [(DropReason::FragmentOverlap, 3)], "also the one that comes after");
    assert!(none.got.is_empty());
}

#[test]
fn ends_that_contradict_each_other_are_malformed() {
    let datagram = udp_datagram(56, 1);
    let mut bench = Bench::new(FragmentConfig::default());
    bench.put(0, &Piece { more: true, ..piece(Ip::V4, &datagram, 0..48) });
    // Teardrop: the last fragment ends within what is there.
    bench.put(1, &Piece { more: false, ..piece(Ip::V4, &datagram, 24..32) });
    bench.put(2, &piece(Ip::V4, &datagram, 48..64));
    assert_eq!(bench.finish(), [(DropReason::FragmentMalformed, 1)]);
    assert_eq!(bench.got[0].1, &datagram[8..]);
}

#[test]
fn a_datagram_longer_than_ip_allows_is_malformed() {
    let datagram = vec![0; 65_600];
    let mut bench = Bench::new(FragmentConfig::default());
    bench.put(0, &Piece { more: false, ..piece(Ip::V4, &datagram, 65_528..65_544) });
    assert_eq!(bench.finish(), [(DropReason::FragmentMalformed, 1)], "the ping of death");
}

#[test]
fn the_timeout_is_exact_and_frees_the_memory() {
    for (gap, whole) in [(30 * SECOND, 1), (30 * SECOND + 1, 0)] {
        let datagram = udp_datagram(56, 1);
        let mut bench = Bench::new(FragmentConfig::default());
        bench.put(0, &piece(Ip::V4, &datagram, 0..32));
        bench.put(gap, &piece(Ip::V4, &datagram, 32..64));
        let drops = bench.finish();
        assert_eq!(bench.got.len(), whole, "gap {gap}");
        let expected = if whole == 1 { vec![] } else { vec![(DropReason::FragmentIncomplete, 2)] };
        assert_eq!(drops, expected);
    }
}

#[test]
fn other_identifications_are_other_datagrams() {
    let datagram = udp_datagram(56, 1);
    let mut bench = Bench::new(FragmentConfig::default());
    bench.put(0, &piece(Ip::V4, &datagram, 0..32));
    bench.put(0, &Piece { id: 8, ..piece(Ip::V4, &datagram, 32..64) });
    assert_eq!(bench.finish(), [(DropReason::FragmentIncomplete, 2)]);
}

#[test]
fn memory_is_bounded_and_the_oldest_goes() {
    let config = FragmentConfig { bytes_max: 128 << 10, ..FragmentConfig::default() };
    let datagram = udp_datagram(8000, 1);
    let mut bench = Bench::new(config);
    for id in 0..1000 {
        bench.put(u64::from(id), &Piece { id, ..piece(Ip::V4, &datagram, 0..1480) });
    }
    assert!(bench.ingest.fragment_counters().bytes_held_max <= (128 << 10) + 2000);
    for range in [1480..2960, 2960..4440, 4440..5920, 5920..7400, 7400..8008] {
        bench.put(2000, &Piece { id: 999, ..piece(Ip::V4, &datagram, range) });
    }
    let drops = bench.finish();
    assert_eq!(bench.got.len(), 1, "the youngest is still there");
    let evicted = bench.ingest.fragment_counters().evicted;
    assert!(evicted > 900);
    assert_eq!(
        drops,
        [(DropReason::FragmentIncomplete, 999 - evicted), (DropReason::FragmentLimit, evicted)]
    );
}

#[test]
fn the_number_of_datagrams_is_bounded() {
    let config = FragmentConfig { datagrams_max: 2, ..FragmentConfig::default() };
    let datagram = udp_datagram(56, 1);
    let mut bench = Bench::new(config);
    for id in 0..3 {
        bench.put(0, &Piece { id, ..piece(Ip::V4, &datagram, 0..32) });
    }
    for id in 1..3 {
        bench.put(0, &Piece { id, ..piece(Ip::V4, &datagram, 32..64) });
    }
    assert_eq!(bench.finish(), [(DropReason::FragmentLimit, 1)]);
    assert_eq!(bench.got.len(), 2);
}

#[test]
fn a_cut_fragment_leaves_the_lengths_and_ends_the_bytes() {
    let datagram = udp_datagram(56, 1);
    let mut bench = Bench::new(FragmentConfig::default());
    bench.put(0, &piece(Ip::V4, &datagram, 0..24));
    bench.put_cut(1, &frame(&piece(Ip::V4, &datagram, 24..48)), 10);
    bench.put(2, &piece(Ip::V4, &datagram, 48..64));
    assert_eq!(bench.finish(), []);
    let (packet, payload) = &bench.got[0];
    assert_eq!((packet.payload_len, packet.ip_len), (56, 84));
    assert_eq!(payload, &datagram[8..38]);
}

#[test]
fn time_is_that_of_the_packets_and_may_run_back() {
    let datagram = udp_datagram(56, 1);
    let config = FragmentConfig { timeout_v4: Nanos(0), ..FragmentConfig::default() };
    let mut bench = Bench::new(config);
    bench.put(1000, &piece(Ip::V4, &datagram, 32..64));
    bench.put(0, &piece(Ip::V4, &datagram, 0..32));
    assert_eq!(bench.finish(), []);
    assert_eq!(bench.got.len(), 1);
}

/// A datagram cut into fragments at multiples of 8, and the order in which they come.
fn any_pieces() -> impl Strategy<Value = (Vec<u8>, Vec<Range<usize>>)> {
    (1_usize..400, any::<u8>(), prop::collection::btree_set(1_usize..50, 0..10)).prop_flat_map(
        |(payload, seed, cuts)| {
            let datagram = udp_datagram(payload, seed);
            let mut bounds = vec![0];
            bounds.extend(cuts.into_iter().map(|cut| cut * 8).filter(|&cut| cut < datagram.len()));
            bounds.push(datagram.len());
            let ranges: Vec<_> = bounds.windows(2).map(|pair| pair[0]..pair[1]).collect();
            (Just(datagram), Just(ranges).prop_shuffle())
        },
    )
}

proptest! {
    #![proptest_config(super::packets::cases())]

    #[test]
    fn any_order_of_fragments_gives_the_same_bytes(
        (datagram, ranges) in any_pieces(),
        v6 in any::<bool>(),
    ) {
        let mut bench = Bench::new(FragmentConfig::default());
        let ip = if v6 { Ip::V6 } else { Ip::V4 };
        for range in &ranges {
            bench.put(0, &piece(ip, &datagram, range.clone()));
        }
        prop_assert_eq!(bench.finish(), []);
        prop_assert_eq!(bench.got.len(), 1);
        prop_assert_eq!(&bench.got[0].1, &datagram[8..]);
    }

    #[test]
    fn any_fragments_keep_the_accounts(
        pieces in prop::collection::vec(
            (0_usize..60, 1_usize..60, any::<bool>(), 0_u16..3, any::<bool>(), 0_u64..40, 0_usize..30),
            0..60,
        ),
        policy in prop_oneof![
            Just(OverlapPolicy::First), Just(OverlapPolicy::Last), Just(OverlapPolicy::Drop),
        ],
    ) {
        let config = FragmentConfig {
            overlap_v4: policy,
            overlap_v6: policy,
            datagrams_max: 3,
            ..FragmentConfig::default()
        };
        let datagram = udp_datagram(1000, 9);
        let mut bench = Bench::new(config);
        for (from, len, more, id, v6, secs, cut) in pieces {
            let ip = if v6 { Ip::V6 } else { Ip::V4 };
            let piece = Piece { ip, id, datagram: &datagram, range: from * 8..from * 8 + len * 8, more };
            bench.put_cut(secs * SECOND, &frame(&piece), cut.min(len * 8));
        }
        bench.finish();
    }
}
