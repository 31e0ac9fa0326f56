//! Which protocol flows speak, and how far they were read, computed by hand.

use rheos_features::{ExtractConfig, FeatureConfig, Selection};

use super::frames::{FrameCase, Timed, batches, config, extract, rows, rows_with};
use super::quic_packets::{Attempt, V1, crypto};
use super::rows::{B, F, NULL, b, n, t};
use super::talks::{Talk, datagrams};
use super::tls_flows::{client, message, record, server_name};

/// A version 1 header of the PROXY protocol: 41 bytes.
const PROXY: &[u8] = b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 443\r\n";

pub(crate) fn cases() -> Vec<FrameCase> {
    vec![proxied(), of_no_known_protocol(), with_a_hole(), in_datagrams(), silent()]
}

/// A PROXY header in two segments, then what nobody knows.
fn proxied() -> FrameCase {
    let talk = Talk::new().say(F, &PROXY[..20]).say(F, &PROXY[20..]).say(F, b"\x01\x02\x03");
    let want = vec![
        ("app", t("proxy")),
        ("app_stack", t("proxy")),
        ("app_confidence", n(1.0)),
        ("app_rule", t("proxy.line")),
        // The three bytes after it were looked at, and left.
        ("app_bytes_read_fwd", n(41.0)),
        ("app_bytes_read_bwd", n(0.0)),
        ("app_gaps_fwd", n(0.0)),
        ("app_gap_bytes_fwd", n(0.0)),
        ("app_overlap_conflicts", n(0.0)),
        ("app_reading_limited", b(false)),
    ];
    FrameCase { name: "behind a proxy", frames: talk.close(), want }
}

fn of_no_known_protocol() -> FrameCase {
    let talk = Talk::new().say(F, b"\x00\x01\x02\x03").say(B, b"\xff\xfe");
    let want = vec![
        ("app", t("unknown")),
        ("app_stack", NULL),
        ("app_confidence", NULL),
        ("app_rule", NULL),
        ("app_bytes_read_fwd", n(0.0)),
        ("app_gaps_bwd", n(0.0)),
        ("app_gap_bytes_bwd", n(0.0)),
    ];
    FrameCase { name: "of no known protocol", frames: talk.close(), want }
}

/// Ten bytes within the header were not captured, and once other bytes came for the same place.
fn with_a_hole() -> FrameCase {
    let talk = Talk::new()
        .say(F, &PROXY[..8])
        .ahead(F, 10, b"XX")
        .ahead(F, 10, b"XY")
        .lose(F, 10)
        .ack(B)
        .close();
    let want = vec![
        ("app", t("unknown")),
        ("app_gaps_fwd", n(1.0)),
        ("app_gap_bytes_fwd", n(10.0)),
        ("app_gaps_bwd", n(0.0)),
        ("app_overlap_conflicts", n(1.0)),
        ("app_reading_limited", b(false)),
    ];
    FrameCase { name: "with a hole", frames: talk, want }
}

fn in_datagrams() -> FrameCase {
    let frames = datagrams(&[(F, b"\x00\x00\x00"), (B, b"\x00\x00\x00\x00"), (F, b"\x00")]);
    let want = vec![
        ("app", t("unknown")),
        ("app_stack", NULL),
        // Nobody wanted more than the first.
        ("app_bytes_read_fwd", n(3.0)),
        ("app_bytes_read_bwd", n(0.0)),
        ("app_gaps_fwd", NULL),
        ("app_gaps_bwd", NULL),
        ("app_gap_bytes_fwd", NULL),
        ("app_gap_bytes_bwd", NULL),
        ("app_overlap_conflicts", NULL),
        ("app_reading_limited", b(false)),
    ];
    FrameCase { name: "in datagrams", frames, want }
}

fn silent() -> FrameCase {
    let want = ["app", "app_stack", "app_confidence", "app_rule", "app_bytes_read_fwd"]
        .into_iter()
        .chain(["app_bytes_read_bwd", "app_gaps_fwd", "app_reading_limited"])
        .map(|name| (name, NULL));
    FrameCase { name: "without payload", frames: Talk::new().close(), want: want.collect() }
}

#[test]
fn every_flow_speaks_as_computed_by_hand() {
    cases().iter().for_each(FrameCase::check);
}

/// So many flows, each of which sends the beginning of a header and then what lies far beyond it, without end.
fn half_open(flows: u8, segments: u32) -> Vec<(u64, Vec<u8>)> {
    let mut frames = Vec::new();
    for flow in 0..flows {
        let mut talk = Talk::new().say(F, &PROXY[..5]);
        for step in 0..segments {
            talk = talk.ahead(F, 100 + step * 1000, &[7; 500]);
        }
        frames.extend(of_host(flow, talk.frames));
    }
    frames.sort_by_key(|(ms, _)| *ms);
    frames
}

/// The frames of one flow, between another host and 10.0.0.2.
fn of_host(flow: u8, frames: Vec<Timed>) -> impl Iterator<Item = Timed> {
    frames.into_iter().map(move |(ms, mut frame)| {
        let host = if frame[26..30] == [10, 0, 0, 1] { 29 } else { 33 };
        frame[host] = 10 + flow;
        (ms, frame)
    })
}

fn bounded(threads: usize) -> ExtractConfig {
    let features = FeatureConfig {
        selection: Selection::new(&["application", "src_ip"], &[]).unwrap(),
        reassembly_flow_bytes: 20_000,
        reassembly_total_bytes: 16 * 30_000,
        ..FeatureConfig::default()
    };
    ExtractConfig { features, threads, ..config(threads) }
}

#[test]
fn half_open_beginnings_stay_within_the_limits_on_any_number_of_threads() {
    let frames = half_open(200, 60);
    let (first, summary) = extract(&bounded(1), &batches(&frames, 100));
    let streams = summary.streams;
    assert!(streams.total_limited > 0, "{streams:?}");
    assert!(streams.held_max <= 16 * 30_000, "{streams:?}");
    assert!(streams.held_max > 8 * 30_000, "the limit was put to the test: {streams:?}");
    for threads in [2, 5] {
        let (again, summary) = extract(&bounded(threads), &batches(&frames, 33));
        assert_eq!(summary.streams, streams);
        assert_eq!(rows_of(&again), rows_of(&first), "{threads} threads");
    }
}

#[test]
fn hellos_of_quic_with_gaps_stay_within_the_limits() {
    let attempt = Attempt::new(V1);
    // The first bytes of the hello never come.
    let pieces: Vec<_> = (0..16_u16)
        .map(|number| (F, attempt.client(number, &crypto(3000 + number * 800, &[7; 700]))))
        .collect();
    let pieces: Vec<_> = pieces.iter().map(|(side, piece)| (*side, &piece[..])).collect();
    let one = datagrams(&pieces);
    let mut frames: Vec<Timed> = (0..200).flat_map(|flow| of_host(flow, one.clone())).collect();
    frames.sort_by_key(|(ms, _)| *ms);
    let (first, summary) = extract(&bounded(1), &batches(&frames, 100));
    let streams = summary.streams;
    assert!(streams.total_limited > 0, "{streams:?}");
    assert!(streams.held_max <= 16 * 30_000, "{streams:?}");
    assert!(streams.held_max > 8 * 30_000, "the limit was put to the test: {streams:?}");
    let limited = |row: &String| row.contains("quic") && row.ends_with("true");
    assert!(rows_of(&first).iter().any(limited), "a limit is told in the row");
    let (again, summary) = extract(&bounded(2), &batches(&frames, 33));
    assert_eq!(summary.streams, streams);
    assert_eq!(rows_of(&again), rows_of(&first));
}

#[test]
fn giant_messages_of_tls_stay_within_the_limits() {
    // One ClientHello that says to be 16 MiB long, in records as long as they can be.
    let mut hello = vec![1, 0xff, 0xff, 0xff, 3, 3];
    hello.resize(100_000, 7);
    let records = hello.chunks(16_384).flat_map(|content| {
        let mut record = vec![22, 3, 1];
        record.extend((content.len() as u16).to_be_bytes());
        record.extend(content);
        record
    });
    let bytes: Vec<u8> = records.collect();
    let mut frames = Vec::new();
    for flow in 0..100 {
        let talk = bytes.chunks(1400).fold(Talk::new(), |talk, segment| talk.say(F, segment));
        frames.extend(of_host(flow, talk.frames));
    }
    frames.sort_by_key(|(ms, _)| *ms);
    let (first, summary) = extract(&bounded(1), &batches(&frames, 100));
    assert!(summary.streams.held_max <= 16 * 30_000, "{:?}", summary.streams);
    assert_eq!(rows_of(&first).len(), 100);
    let (again, _) = extract(&bounded(2), &batches(&frames, 100));
    assert_eq!(rows_of(&again), rows_of(&first));
}

#[test]
fn what_the_active_timeout_cuts_is_still_called_what_it_is() {
    let hello = record(
        22,
        &message(1, &client(0x0303, &[], &[], &[0x1301], &[server_name(b"www.example.org")])),
    );
    let mut talk = Talk::new().say(F, &hello);
    for _ in 0..6 {
        // Nobody could tell what this is.
        talk = talk.say(B, &[0x55; 90]);
    }
    let mut frames = talk.close();
    for (place, (ms, _)) in frames.iter_mut().enumerate() {
        *ms = 400 * place as u64;
    }
    let mut cut = config(1);
    cut.flow.active_timeout = rheos_core::Nanos::from_millis(1500);
    let rows = rows_with(&cut, &frames);
    assert!(rows.len() >= 3, "{} rows", rows.len());
    let with_payload = rows.iter().filter(|row| row.get("app") != NULL);
    for (place, row) in with_payload.enumerate() {
        assert_eq!(row.get("app"), t("tls"), "part {place}");
        let rule = row.get("app_rule");
        assert_eq!(rule == t("continued"), place > 0, "part {place}: {rule}");
        assert_eq!(row.get("tls_detected"), b(place == 0), "part {place}");
    }
    // Without the cut it is one flow, and that of another connection later knows nothing of it.
    assert_eq!(rows_with(&config(1), &frames).len(), 1);
}

fn rows_of(batches: &[arrow_array::RecordBatch]) -> Vec<String> {
    let rows = batches.iter().flat_map(super::rows::Row::all);
    let names = ["src_ip", "app", "app_gaps_fwd", "app_gap_bytes_fwd", "app_reading_limited"];
    rows.map(|row| names.map(|name| row.get(name).to_string()).join(" ")).collect()
}

#[test]
fn a_limit_is_told_in_the_row() {
    let frames = half_open(1, 60);
    let rows = rows_with(&bounded(1), &frames);
    assert_eq!(rows[0].get("app_reading_limited"), b(true));
    let (_, summary) = extract(&bounded(1), &batches(&frames, 100));
    assert!(summary.streams.flow_limited > 0 && summary.streams.held_max <= 20_000);
}

#[test]
fn fragments_and_streams_are_put_together_before_they_are_read() {
    // The header's second half comes in two fragments.
    let talk = Talk::new().say(F, &PROXY[..20]).say(F, &PROXY[20..]);
    let mut frames = talk.frames;
    let (ms, whole) = frames.pop().unwrap();
    let (head, data) = whole[14..].split_at(20);
    for (part, offset, more) in [(&data[..24], 0_u16, 0x2000_u16), (&data[24..], 3, 0)] {
        let mut frame = whole[..14].to_vec();
        frame.extend(head);
        frame[16..18].copy_from_slice(&(20 + part.len() as u16).to_be_bytes());
        frame[20..22].copy_from_slice(&(more | offset).to_be_bytes());
        frame.extend(part);
        frames.push((ms, frame));
    }
    assert_eq!(rows(&frames)[0].get("app"), t("proxy"));
}

#[test]
fn a_first_segment_that_was_overtaken_is_still_the_first() {
    let talk = Talk::new().ahead(F, 20, &PROXY[20..]).say(F, &PROXY[..20]);
    assert_eq!(rows(&talk.frames)[0].get("app"), t("proxy"));
}

#[test]
fn runs_without_such_columns_read_nothing() {
    let selection = Selection::new(&["tcp", "src_ip"], &[]).unwrap();
    let features = FeatureConfig { selection, ..FeatureConfig::default() };
    let config = ExtractConfig { features, ..ExtractConfig::default() };
    let (_, summary) = extract(&config, &batches(&half_open(3, 10), 10));
    assert_eq!(summary.streams.held_max, 0);
}

#[test]
fn defect_1_a_beginning_is_read_however_it_is_cut() {
    for size in 1..=PROXY.len() {
        let row = &rows(&Talk::new().say_in(F, PROXY, size).close())[0];
        assert_eq!(row.get("app"), t("proxy"), "in segments of {size} bytes");
        assert_eq!(row.get("app_bytes_read_fwd"), n(41.0));
    }
}

/// A connection of so many requests and answers, in which every answer's packets are overtaken by others, and
/// some of its bytes are lost.
fn exchange(count: usize) -> Vec<(u64, Vec<u8>)> {
    let answer =
        [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n".as_slice(), &[b'x'; 900]].concat();
    let mut talk = Talk::new();
    for _ in 0..count {
        talk = talk.say(F, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        talk = talk.ahead(B, 300, &answer[300..600]).ahead(B, 20, &answer[20..300]);
        talk = talk.say(B, &answer[..20]).lose(B, answer.len() - 20).ack(F);
    }
    talk.close()
}

#[test]
fn memory_stays_flat_on_a_stream_fifty_times_longer() {
    let features = FeatureConfig {
        selection: Selection::new(&["application", "http"], &[]).unwrap(),
        ..FeatureConfig::default()
    };
    let config = ExtractConfig { features, ..ExtractConfig::default() };
    let of = |count| {
        let (out, summary) = extract(&config, &batches(&exchange(count), 100));
        let row = super::rows::Row::all(&out[0]).remove(0);
        (row.number("http_responses"), summary.state_bytes, summary.streams.held_max)
    };
    let (short, long) = (of(40), of(2_000));
    assert_eq!((short.0, long.0), (40.0, 2_000.0), "all answers were read");
    assert!(short.2 > 0, "bytes had to wait");
    assert_eq!((short.1, short.2), (long.1, long.2), "state and streams at their most");
}
