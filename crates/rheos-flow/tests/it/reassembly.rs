//! Byte streams put together from segments, against a model that knows every position.

use proptest::prelude::*;
use rheos_core::Direction::{Backward, Forward};
use rheos_flow::reassembly::AHEAD_MAX;
use rheos_flow::{Piece, Read, StreamBudget, Streams};
use rheos_wire::Packet;
use rheos_wire::tcp_flags::{ACK, FIN, RST, SYN};

use super::packets::tcp;

const ISN: u32 = u32::MAX - 500;
const FLOW_BYTES: usize = 256 << 10;

fn ample() -> StreamBudget {
    StreamBudget::new(FLOW_BYTES, FLOW_BYTES)
}

/// A segment of the client whose first byte is at this position.
fn at(position: u32, payload: &[u8]) -> (Packet, Vec<u8>) {
    let seq = ISN.wrapping_add(1).wrapping_add(position);
    (tcp(0, true, ACK, seq, 1, payload.len() as u32), payload.to_vec())
}

fn syn() -> (Packet, Vec<u8>) {
    (tcp(0, true, SYN, ISN, 0, 0), Vec::new())
}

/// Takes in all that it is offered and notes it; `GAP` marks where bytes are missing.
#[derive(Default)]
struct Taker {
    got: Vec<u16>,
}

const GAP: u16 = 256;

impl Taker {
    fn take(&mut self, piece: Piece<'_>, consumed: usize) -> Read {
        if piece.gap && consumed > 0 {
            self.got.push(GAP);
        }
        self.got.extend(piece.bytes[..consumed].iter().map(|&byte| u16::from(byte)));
        Read { consumed, skip: 0, stop: false }
    }
}

struct Run {
    streams: Streams,
    budget: StreamBudget,
    taker: Taker,
}

impl Run {
    fn new(budget: StreamBudget) -> Self {
        Self { streams: Streams::default(), budget, taker: Taker::default() }
    }

    fn client(&mut self, (packet, bytes): &(Packet, Vec<u8>)) {
        let taker = &mut self.taker;
        let mut read = |piece: Piece<'_>| taker.take(piece, piece.bytes.len());
        self.streams.on_packet(Forward, packet, bytes, &self.budget, &mut read);
    }

    fn server_acks(&mut self, position: u32) {
        let ack = ISN.wrapping_add(1).wrapping_add(position);
        let packet = tcp(0, false, ACK, 1, ack, 0);
        let taker = &mut self.taker;
        let mut read = |piece: Piece<'_>| taker.take(piece, piece.bytes.len());
        self.streams.on_packet(Backward, &packet, &[], &self.budget, &mut read);
    }

    fn finish(&mut self) {
        let taker = &mut self.taker;
        let mut read = |piece: Piece<'_>| taker.take(piece, piece.bytes.len());
        self.streams.finish(&self.budget, &mut read);
        self.streams.close(&self.budget);
        assert_eq!(self.budget.held_bytes(), 0, "an ended flow holds nothing");
    }
}

fn wide(bytes: &[u8]) -> Vec<u16> {
    bytes.iter().map(|&byte| u16::from(byte)).collect()
}

#[test]
fn bytes_in_order_pass_through_without_a_copy() {
    let mut run = Run::new(ample());
    run.client(&syn());
    run.client(&at(0, b"abc"));
    run.client(&at(3, b"def"));
    assert_eq!(run.taker.got, wide(b"abcdef"));
    assert_eq!(run.budget.counters().held_max, 0);
}

#[test]
fn a_segment_that_was_overtaken_is_waited_for() {
    let mut run = Run::new(ample());
    run.client(&syn());
    run.client(&at(3, b"def"));
    run.client(&at(9, b"jkl"));
    assert!(run.taker.got.is_empty());
    run.client(&at(0, b"abc"));
    assert_eq!(run.taker.got, wide(b"abcdef"));
    run.client(&at(6, b"ghi"));
    assert_eq!(run.taker.got, wide(b"abcdefghijkl"));
}

#[test]
fn a_hole_that_the_peer_acknowledges_is_given_up_once_bytes_wait_behind_it() {
    let mut run = Run::new(ample());
    run.client(&syn());
    run.client(&at(0, b"ab"));
    run.server_acks(5);
    run.client(&at(5, b"fg"));
    assert_eq!(run.taker.got, wide(b"ab"));
    run.server_acks(4);
    assert_eq!(run.taker.got, wide(b"ab"), "part of the hole is not acknowledged");
    run.server_acks(7);
    assert_eq!(run.taker.got, [wide(b"ab"), vec![GAP], wide(b"fg")].concat());
    let totals = run.streams.totals(Forward);
    assert_eq!((totals.gaps, totals.gap_bytes, totals.bytes), (1, 3, 4));
}

#[test]
fn the_flows_end_gives_up_all_holes() {
    let mut run = Run::new(ample());
    run.client(&syn());
    run.client(&at(2, b"c"));
    run.client(&at(4, b"e"));
    run.finish();
    assert_eq!(run.taker.got, [GAP, u16::from(b'c'), GAP, u16::from(b'e')]);
}

#[test]
fn what_a_cut_capture_left_out_is_a_hole_at_once() {
    let mut run = Run::new(ample());
    run.client(&syn());
    for position in [0, 4] {
        let (mut packet, bytes) = at(position, b"abcd");
        packet.payload_cap_len = 2;
        run.client(&(packet, bytes));
    }
    assert_eq!(run.taker.got, [wide(b"ab"), vec![GAP], wide(b"ab")].concat());
    assert_eq!(run.streams.totals(Forward).gap_bytes, 4);
}

#[test]
fn the_first_bytes_hold_and_others_are_counted() {
    let mut run = Run::new(ample());
    run.client(&syn());
    run.client(&at(2, b"cdef"));
    run.client(&at(1, b"XYZ"));
    run.client(&at(0, b"ab"));
    assert_eq!(run.taker.got, wide(b"aXcdef"));
    // "YZ" against "cd", then "b" against "X".
    assert_eq!(run.streams.totals(Forward).conflicts, 2);
    run.client(&at(0, b"old"));
    assert_eq!(run.taker.got, wide(b"aXcdef"), "what was read is not read again");
}

#[test]
fn a_stream_without_a_syn_begins_with_its_first_sequence_number() {
    let mut run = Run::new(ample());
    run.client(&at(100, b"cd"));
    run.client(&at(98, b"ab"));
    run.client(&at(101, b"def"));
    assert_eq!(run.taker.got, wide(b"cdef"));
}

#[test]
fn the_answer_to_a_lost_syn_tells_where_the_stream_begins() {
    let mut run = Run::new(ample());
    let answer = tcp(0, false, SYN | ACK, 7, ISN.wrapping_add(1), 0);
    run.streams.on_packet(Backward, &answer, &[], &run.budget, &mut |_| Read::LATER);
    run.client(&at(2, b"cd"));
    run.client(&at(0, b"ab"));
    assert_eq!(run.taker.got, wide(b"abcd"));
}

#[test]
fn data_in_a_syn_and_beside_a_fin_is_read_and_that_of_a_reset_is_not() {
    let mut run = Run::new(ample());
    run.client(&(tcp(0, true, SYN, ISN, 0, 2), b"ab".to_vec()));
    run.client(&(tcp(0, true, FIN | ACK, ISN.wrapping_add(3), 1, 2), b"cd".to_vec()));
    run.client(&(tcp(0, true, RST | ACK, ISN.wrapping_add(5), 1, 2), b"no".to_vec()));
    assert_eq!(run.taker.got, wide(b"abcd"));
}

#[test]
fn a_segment_far_ahead_is_not_believed_unless_the_peer_acknowledges_so_far() {
    let far = AHEAD_MAX as u32 + 10;
    let mut run = Run::new(ample());
    run.client(&syn());
    run.server_acks(far);
    run.client(&at(0, b"ab"));
    run.client(&at(far, b"xy"));
    run.client(&at(2, b"cd"));
    assert_eq!(run.taker.got, wide(b"abcd"), "an acknowledgement alone, a segment alone");
    assert_eq!(run.budget.counters().wild, 1);
    run.server_acks(far + 2);
    run.client(&at(far + 2, b"z"));
    assert_eq!(run.taker.got, [wide(b"abcd"), vec![GAP], wide(b"z")].concat());
}

#[test]
fn skipped_bytes_need_not_arrive() {
    let mut streams = Streams::default();
    let budget = ample();
    let mut seen = Vec::new();
    let mut read = |piece: Piece<'_>| {
        seen.push((piece.bytes.to_vec(), piece.gap));
        Read { consumed: 1, skip: 1 << 32, stop: false }
    };
    let (packet, bytes) = syn();
    streams.on_packet(Forward, &packet, &bytes, &budget, &mut read);
    let (packet, bytes) = at(0, b"abc");
    streams.on_packet(Forward, &packet, &bytes, &budget, &mut read);
    // 4 GiB on, by few packets: the others were lost.
    for step in 1..=256_u64 {
        let (packet, bytes) = at((step << 24) as u32, b"b");
        streams.on_packet(Forward, &packet, &bytes, &budget, &mut read);
    }
    let (packet, bytes) = at(1, b"cd");
    streams.on_packet(Forward, &packet, &bytes, &budget, &mut read);
    // Position 2^32 + 1 is the first of interest; "cd" lies there.
    assert_eq!(seen, [(b"abc".to_vec(), false), (b"cd".to_vec(), false)]);
    assert_eq!(budget.counters().held_max, 0);
}

#[test]
fn a_reader_that_wants_no_more_is_let_alone() {
    let mut streams = Streams::default();
    let budget = ample();
    let mut calls = 0;
    for position in [0, 3, 9, 6] {
        let (packet, bytes) = at(position, b"abc");
        let mut read = |_: Piece<'_>| {
            calls += 1;
            Read::STOP
        };
        streams.on_packet(Forward, &packet, &bytes, &budget, &mut read);
    }
    assert_eq!((calls, budget.held_bytes()), (1, 0));
}

#[test]
fn bytes_left_by_the_reader_come_again_with_what_follows() {
    let mut streams = Streams::default();
    let budget = ample();
    let mut seen = Vec::new();
    for (position, payload) in [(0, &b"ab"[..]), (2, b"cd"), (6, b"gh"), (4, b"ef")] {
        let (packet, bytes) = at(position, payload);
        let mut read = |piece: Piece<'_>| {
            seen.push(piece.bytes.to_vec());
            Read { consumed: piece.bytes.len() / 4 * 4, skip: 0, stop: false }
        };
        streams.on_packet(Forward, &packet, &bytes, &budget, &mut read);
    }
    assert_eq!(seen, [&b"ab"[..], b"abcd", b"efgh"]);
}

#[test]
fn a_reader_that_waits_for_too_much_gets_no_more() {
    let mut streams = Streams::default();
    let budget = StreamBudget::new(10_000, 1 << 20);
    for step in 0..100 {
        let (packet, bytes) = at(step * 500, &[7; 500]);
        streams.on_packet(Forward, &packet, &bytes, &budget, &mut |_| Read::LATER);
        assert!(budget.held_bytes() <= 10_000);
    }
    assert_eq!(budget.held_bytes(), 0);
    assert_eq!(budget.counters().flow_limited, 1);
}

#[test]
fn endless_holes_stay_within_the_limits() {
    let budget = StreamBudget::new(10_000, 25_000);
    let mut flows = vec![Streams::default(); 5];
    let mut read = 0;
    for step in 0..2_000_u32 {
        for (number, streams) in flows.iter_mut().enumerate() {
            // Every third segment is missing; sizes differ between the flows.
            let (packet, bytes) = at(step * 900, &vec![7; 300 + 100 * number]);
            let mut take = |piece: Piece<'_>| {
                read += piece.bytes.len();
                Read { consumed: piece.bytes.len(), skip: 0, stop: false }
            };
            if step % 3 != 1 {
                streams.on_packet(Forward, &packet, &bytes, &budget, &mut take);
            }
            assert!(streams.held_bytes() <= 10_000);
        }
        let held: usize = flows.iter().map(Streams::held_bytes).sum();
        assert_eq!(held, budget.held_bytes());
        assert!(held <= 25_000);
    }
    let counters = budget.counters();
    assert!(counters.total_limited > 0 && counters.held_max <= 25_000);
    assert!(read > 1_000_000, "what lies behind holes is read: {read}");
    for streams in &mut flows {
        streams.close(&budget);
    }
    assert_eq!(budget.held_bytes(), 0);
}

/// One stream of bytes, the segments that carry it, in the order in which they arrive.
#[derive(Clone, Debug)]
struct Transfer {
    bytes: Vec<u8>,
    segments: Vec<(usize, Vec<u8>)>,
}

/// Cuts at any places; some segments come twice, some again with other bounds, some lie (when `lies`), all move by
/// a few places.
fn transfer(lies: bool) -> impl Strategy<Value = Transfer> {
    let bytes = prop::collection::vec(any::<u8>(), 1..1500);
    let cuts = prop::collection::vec(1_usize..60, 40);
    let more = prop::collection::vec((0_usize..1500, 1_usize..80, any::<bool>()), 0..30);
    (bytes, cuts, more, prop::collection::vec(0_usize..12, 300)).prop_map(
        move |(bytes, cuts, more, moves)| {
            let mut segments = Vec::new();
            let mut from = 0;
            for cut in cuts.iter().cycle() {
                let to = (from + cut).min(bytes.len());
                segments.push((from, bytes[from..to].to_vec()));
                from = to;
                if from == bytes.len() {
                    break;
                }
            }
            for (from, len, lie) in more {
                let from = from % bytes.len();
                let mut part = bytes[from..(from + len).min(bytes.len())].to_vec();
                if lie && lies {
                    for byte in &mut part {
                        *byte = !*byte;
                    }
                }
                segments.insert(from * segments.len() / bytes.len(), (from, part));
            }
            let mut keyed: Vec<_> = segments.into_iter().enumerate().collect();
            keyed.sort_by_key(|(i, _)| i + moves[i % moves.len()]);
            let segments = keyed.into_iter().map(|(_, segment)| segment).collect();
            Transfer { bytes, segments }
        },
    )
}

proptest! {
    #[test]
    fn any_cuts_copies_overlaps_and_orders_give_the_same_bytes(
        transfer in transfer(false),
        steps in prop::collection::vec(0_usize..200, 1..20),
        isn in any::<u32>(),
    ) {
        let mut streams = Streams::default();
        let budget = ample();
        let mut got: Vec<u8> = Vec::new();
        let mut steps = steps.iter().cycle();
        let packet = tcp(0, true, SYN, isn, 0, 0);
        streams.on_packet(Forward, &packet, &[], &budget, &mut |_| Read::LATER);
        for (from, payload) in &transfer.segments {
            let seq = isn.wrapping_add(1).wrapping_add(*from as u32);
            let packet = tcp(0, true, ACK, seq, 1, payload.len() as u32);
            let mut read = |piece: Piece<'_>| {
                assert!(!piece.gap && !piece.bytes.is_empty());
                let consumed = piece.bytes.len().min(*steps.next().unwrap());
                got.extend(&piece.bytes[..consumed]);
                Read { consumed, skip: 0, stop: false }
            };
            streams.on_packet(Forward, &packet, payload, &budget, &mut read);
        }
        let mut rest = |piece: Piece<'_>| {
            got.extend(piece.bytes);
            Read { consumed: piece.bytes.len(), skip: 0, stop: false }
        };
        streams.offer(Forward, &budget, &mut rest);
        prop_assert_eq!(&got, &transfer.bytes);
        prop_assert_eq!(streams.totals(Forward).conflicts, 0);
        prop_assert_eq!(streams.totals(Forward).bytes, got.len() as u64);
        streams.finish(&budget, &mut |_| unreachable!("all was read"));
        streams.close(&budget);
        prop_assert_eq!(budget.held_bytes(), 0);
    }

    #[test]
    fn lost_and_lying_segments_give_what_the_first_of_each_byte_says(
        transfer in transfer(true),
        lost in prop::collection::vec(any::<bool>(), 1..40),
    ) {
        let mut run = Run::new(ample());
        run.client(&syn());
        let mut model: Vec<Option<u8>> = vec![None; transfer.bytes.len()];
        for ((from, payload), _) in
            transfer.segments.iter().zip(lost.iter().cycle()).filter(|(_, lost)| !**lost)
        {
            run.client(&at(*from as u32, payload));
            for (place, &byte) in model[*from..].iter_mut().zip(payload) {
                place.get_or_insert(byte);
            }
        }
        let whole = model.iter().take_while(|byte| byte.is_some()).count();
        let so_far: Vec<u16> = model[..whole].iter().flatten().map(|&b| u16::from(b)).collect();
        prop_assert_eq!(&run.taker.got, &so_far);
        run.finish();
        let mut want: Vec<u16> = Vec::new();
        let mut hole = false;
        for byte in &model {
            match byte {
                None => hole = true,
                Some(byte) => {
                    want.extend(hole.then_some(GAP));
                    want.push(u16::from(*byte));
                    hole = false;
                }
            }
        }
        prop_assert_eq!(&run.taker.got, &want);
    }

    #[test]
    fn no_packets_panic_or_break_the_limits(
        packets in prop::collection::vec(
            (any::<bool>(), any::<u16>(), any::<u32>(), any::<u32>(), 0_u32..3000, 0_u32..3000),
            1..300,
        ),
        near in any::<bool>(),
        reads in prop::collection::vec((0_usize..2000, 0_u64..2000, 0_u8..100), 1..50),
    ) {
        let budget = StreamBudget::new(20_000, 30_000);
        let mut flows = vec![Streams::default(); 3];
        let mut reads = reads.iter().cycle();
        for (i, &(client, flags, seq, ack, len, cut)) in packets.iter().enumerate() {
            let narrow = |value: u32| if near { value % 30_000 } else { value };
            let mut packet = tcp(0, client, flags % 512, narrow(seq), narrow(ack), len);
            packet.payload_cap_len = len.min(cut);
            let direction = if client { Forward } else { Backward };
            let bytes = vec![flags as u8; len.min(cut) as usize];
            let streams = &mut flows[i % 3];
            let mut read = |_: Piece<'_>| {
                let &(consumed, skip, stop) = reads.next().unwrap();
                let skip = if stop == 1 { u64::MAX } else { skip };
                Read { consumed, skip, stop: stop == 0 }
            };
            streams.on_packet(direction, &packet, &bytes, &budget, &mut read);
            prop_assert!(streams.held_bytes() <= 20_000);
            let held: usize = flows.iter().map(Streams::held_bytes).sum();
            prop_assert_eq!(held, budget.held_bytes());
            prop_assert!(held <= 30_000);
        }
        for streams in &mut flows {
            streams.finish(&budget, &mut |_| Read::LATER);
            streams.close(&budget);
        }
        prop_assert_eq!(budget.held_bytes(), 0);
    }
}
