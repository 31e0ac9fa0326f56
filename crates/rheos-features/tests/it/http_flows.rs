//! HTTP/1 and HTTP/2 in clear text, computed by hand.

use proptest::prelude::*;
use rheos_core::Direction;

use super::frames::{FrameCase, rows};
use super::rows::{B, F, NULL, Row, Value, b, n, t};
use super::talks::Talk;

const GET: &[u8] =
    b"GET /a?b=c HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n";
const OK: &[u8] =
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello";

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame of HTTP/2 with a payload of zeros.
fn frame(len: u8, kind: u8, flags: u8, stream: u8) -> Vec<u8> {
    let mut frame = vec![0, 0, len, kind, flags, 0, 0, 0, stream];
    frame.resize(9 + usize::from(len), 0);
    frame
}

pub(crate) fn cases() -> Vec<FrameCase> {
    vec![answered(), many(), answer_only(), tunnel(), clear_http2(), upgraded(), not_http()]
}

fn answered() -> FrameCase {
    let frames = Talk::new().say(F, GET).say(B, OK).close();
    let want = vec![
        ("app", t("http")),
        ("app_stack", t("http")),
        ("app_rule", t("http.request_line")),
        ("app_confidence", n(1.0)),
        ("http_method", t("GET")),
        ("http_host", t("www.example.org")),
        ("http_target_length", n(6.0)),
        ("http_user_agent", t("curl/8.5.0")),
        ("http_status", n(200.0)),
        ("http_content_type", t("text/html")),
        ("http_server", t("nginx")),
        ("http_response_time", n(0.001)),
        ("http_requests", n(1.0)),
        ("http_responses", n(1.0)),
        ("http_error_responses", n(0.0)),
        ("http_pipelined_max", n(1.0)),
        ("http_request_header_bytes", n(GET.len() as f64)),
        ("http_response_header_bytes", n(OK.len() as f64 - 5.0)),
        ("http_request_body_bytes", n(0.0)),
        ("http_response_body_bytes", n(5.0)),
        ("http_switched_to", NULL),
        ("http_version", t("1.1")),
        ("http2_detected", b(false)),
        ("http3_detected", b(false)),
        ("http2_preface_seen", NULL),
        ("http2_frame_count", NULL),
        ("http2_data_frames", NULL),
        ("http2_headers_frames", NULL),
        ("http2_settings_frames", NULL),
        ("http2_push_promise_frames", NULL),
        ("http2_goaway_frames", NULL),
        ("http2_window_update_frames", NULL),
        ("http2_streams_estimate", NULL),
        ("http2_server_push", NULL),
        ("http2_multiplexed", NULL),
        ("http2_rst_stream_frames", NULL),
        ("http2_ping_frames", NULL),
        ("http2_data_bytes", NULL),
        // The body is stepped over.
        ("app_bytes_read_bwd", n(OK.len() as f64 - 5.0)),
    ];
    FrameCase { name: "a request and its answer", frames, want }
}

/// What both sides say in [`many`], and where responses begin.
fn many_sides() -> (Vec<u8>, Vec<u8>) {
    let requests = [
        &b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
        b"POST /form HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"3\r\nGET\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n",
        b"PUT /p HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"GET /last HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    let responses = [
        // To HEAD: the length is that of a body that does not come.
        &b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"[..],
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"4\r\nHTTP\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.0 500 Oh\r\n\r\nuntil the end",
    ];
    (requests.concat(), responses.concat())
}

/// Four requests in one go, and bodies of every kind.
fn many() -> FrameCase {
    let (requests, responses) = many_sides();
    let frames = Talk::new().say(F, &requests).say(B, &responses).close();
    let want = vec![
        ("http_method", t("HEAD")),
        ("http_user_agent", NULL),
        ("http_status", n(200.0)),
        ("http_content_type", NULL),
        ("http_server", NULL),
        ("http_requests", n(4.0)),
        ("http_responses", n(4.0)),
        ("http_error_responses", n(2.0)),
        ("http_pipelined_max", n(4.0)),
        // 28 + 60 + 48 + 31
        ("http_request_header_bytes", n(167.0)),
        // 41 + 25 + 54 + 27 + 19
        ("http_response_header_bytes", n(166.0)),
        // 3 + 10 + 18
        ("http_request_body_bytes", n(31.0)),
        // 4 + 13
        ("http_response_body_bytes", n(17.0)),
    ];
    FrameCase { name: "many messages", frames, want }
}

fn answer_only() -> FrameCase {
    let frames = Talk::midway().say(B, b"HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n").frames;
    let want = vec![
        ("app", t("http")),
        ("app_rule", t("http.status_line")),
        ("app_confidence", n(0.98)),
        ("http_method", NULL),
        ("http_host", NULL),
        ("http_target_length", NULL),
        ("http_status", n(302.0)),
        ("http_response_time", NULL),
        ("http_requests", n(0.0)),
        ("http_version", t("1.0")),
    ];
    // The first packet is the server's: it counts as the initiator.
    FrameCase { name: "an answer alone", frames, want }
}

/// A tunnel through a proxy, in which HTTP/2 is spoken.
fn tunnel() -> FrameCase {
    let frames = Talk::new()
        .say(F, b"CONNECT example.org:443 HTTP/1.1\r\nHost: proxy\r\n\r\n")
        .say(B, b"HTTP/1.1 200 Connection established\r\n\r\n")
        .say(F, &PREFACE[..10])
        .say(F, &PREFACE[10..])
        .close();
    let want = vec![
        ("app", t("http2")),
        ("app_stack", t("http>http2")),
        ("app_rule", t("http2.preface")),
        ("http_method", t("CONNECT")),
        ("http_host", t("example.org:443")),
        ("http_switched_to", t("connect")),
        ("http_version", t("h2")),
        ("http2_preface_seen", b(true)),
        ("http2_frame_count", n(0.0)),
    ];
    FrameCase { name: "a tunnel", frames, want }
}

fn clear_http2() -> FrameCase {
    let client = [
        PREFACE.to_vec(),
        frame(18, 4, 0, 0),
        frame(4, 8, 0, 0),
        frame(20, 1, 5, 1),
        frame(20, 1, 4, 3),
        frame(7, 0, 1, 3),
    ];
    let server = [
        frame(0, 4, 0, 0),
        frame(0, 4, 1, 0),
        frame(8, 6, 0, 0),
        frame(10, 5, 4, 1),
        frame(10, 1, 4, 1),
        frame(200, 0, 1, 1),
        frame(10, 1, 4, 2),
        frame(4, 3, 0, 3),
        frame(8, 7, 0, 0),
        // Of no registered type.
        frame(3, 99, 0, 1),
    ];
    let frames = Talk::new().say(F, &client.concat()).say(B, &server.concat()).close();
    let want = vec![
        ("app", t("http2")),
        ("app_rule", t("http2.preface")),
        ("app_confidence", n(1.0)),
        ("http2_detected", b(true)),
        ("http3_detected", b(false)),
        ("http2_preface_seen", b(true)),
        ("http2_frame_count", n(15.0)),
        ("http2_data_frames", n(2.0)),
        ("http2_headers_frames", n(4.0)),
        ("http2_settings_frames", n(3.0)),
        ("http2_push_promise_frames", n(1.0)),
        ("http2_goaway_frames", n(1.0)),
        ("http2_window_update_frames", n(1.0)),
        ("http2_streams_estimate", n(3.0)),
        ("http2_server_push", b(true)),
        ("http2_multiplexed", b(true)),
        ("http2_rst_stream_frames", n(1.0)),
        ("http2_ping_frames", n(1.0)),
        ("http2_data_bytes", n(207.0)),
        ("http_version", t("h2")),
        ("http_requests", NULL),
        ("http_responses", NULL),
        ("http_error_responses", NULL),
        ("http_pipelined_max", NULL),
        ("http_request_header_bytes", NULL),
        ("http_response_header_bytes", NULL),
        ("http_request_body_bytes", NULL),
        ("http_response_body_bytes", NULL),
        ("http_status", NULL),
    ];
    FrameCase { name: "HTTP/2 in clear text", frames, want }
}

fn upgraded() -> FrameCase {
    let ask = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    let switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    let server = [frame(0, 4, 0, 0), frame(10, 1, 4, 1), frame(5, 0, 1, 1)].concat();
    let client = [PREFACE, &frame(0, 4, 0, 0)].concat();
    let frames =
        Talk::new().say(F, ask).say(B, &[&switch[..], &server].concat()).say(F, &client).close();
    let want = vec![
        ("app_stack", t("http>http2")),
        ("app_rule", t("handover")),
        ("http_switched_to", t("h2c")),
        ("http_status", n(101.0)),
        ("http2_detected", b(true)),
        ("http2_frame_count", n(4.0)),
        ("http2_streams_estimate", n(1.0)),
        ("http2_multiplexed", b(false)),
        ("http2_server_push", b(false)),
        ("http_version", t("h2")),
    ];
    FrameCase { name: "upgraded to HTTP/2", frames, want }
}

fn not_http() -> FrameCase {
    let frames = Talk::new().say(F, b"GET rid of it\r\n").say(B, b"no\r\n").close();
    let want = vec![
        ("app", t("unknown")),
        ("http_version", NULL),
        ("http_requests", NULL),
        ("http2_detected", b(false)),
    ];
    FrameCase { name: "neither", frames, want }
}

#[test]
fn every_flow_says_what_was_computed_by_hand() {
    cases().iter().for_each(FrameCase::check);
}

/// A TLS record of application data or handshake: the older tool took its header for a frame of HTTP/2.
#[test]
fn defect_3_no_tls_flow_is_http2() {
    for kind in [0x14, 0x15, 0x16, 0x17] {
        for len in [0_u8, 1, 40, 100, 255] {
            let mut record = vec![kind, 3, 3, 0, len];
            record.resize(5 + usize::from(len), 1);
            let row = &rows(&Talk::new().say(F, &record).say(B, &record).close())[0];
            assert_eq!(row.get("http2_detected"), b(false), "{kind:#x}, {len} bytes");
            assert_eq!(row.get("http2_frame_count"), NULL);
        }
    }
}

#[test]
fn frames_alone_are_no_http2() {
    let frames = [frame(18, 4, 0, 0), frame(20, 1, 5, 1)].concat();
    let row = &rows(&Talk::midway().say(F, &frames).say(B, &frames).close())[0];
    assert_eq!(row.get("http2_detected"), b(false));
    assert_eq!(row.get("app"), t("unknown"));
}

#[test]
fn a_server_that_sends_its_settings_first_is_waited_for() {
    let settings = frame(18, 4, 0, 0);
    let client = [PREFACE, &settings].concat();
    let row = &rows(&Talk::new().say(B, &settings).say(F, &client).close())[0];
    assert_eq!(row.get("app"), t("http2"));
    assert_eq!(row.get("http2_settings_frames"), n(2.0));
}

#[test]
fn holes_in_a_body_lose_no_message_and_holes_in_a_head_only_theirs() {
    let response = b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n";
    let talk = Talk::new().say(F, GET).say(B, response).lose(B, 10_000).ack(F);
    // The second request's head has a hole; the third begins with a segment.
    let talk = talk.say(F, &GET[..20]).lose(F, GET.len() - 20).say(F, GET).ack(B);
    let row = &rows(&talk.say(B, OK).say(B, OK).close())[0];
    assert_eq!(row.get("http_requests"), n(2.0));
    assert_eq!(row.get("http_responses"), n(3.0));
    assert_eq!(row.get("app_gaps_fwd"), n(1.0));
    assert_eq!(row.get("app_gaps_bwd"), n(0.0));
    assert_eq!(row.get("http_response_body_bytes"), n(10_010.0));
}

#[test]
fn an_answer_tells_what_a_broken_request_does_not() {
    let talk = Talk::new().say(F, b"GET /HTTP/1.1\nHost: a\n\n");
    let row = &rows(&talk.say(B, OK).say(F, GET).say(B, OK).close())[0];
    assert_eq!(row.get("app_rule"), t("http.status_line"));
    assert_eq!(row.get("http_responses"), n(2.0));
    assert_eq!(row.get("http_requests"), n(1.0), "the broken one does not count");
}

#[test]
fn a_head_without_an_end_is_let_go() {
    let mut talk = Talk::new().say(F, b"GET / HTTP/1.1\r\n");
    for _ in 0..100 {
        talk = talk.say(F, &[b"X-Fill: ".as_slice(), &[b'a'; 1000], b"\r\n"].concat());
    }
    let row = &rows(&talk.frames)[0];
    assert_eq!(row.get("http_requests"), NULL, "the detector was mistaken");
    assert_eq!(row.get("app"), t("unknown"));
}

/// Columns that tell the time or how bytes were cut.
const OF_SEGMENTS: &[&str] = &["http_response_time"];

fn told(row: &Row) -> Vec<(&'static str, Value)> {
    let columns = ["application", "http", "http2"]
        .iter()
        .flat_map(|group| rheos_features::table::group(group).unwrap().columns);
    let names = columns.map(|column| column.name).filter(|name| !OF_SEGMENTS.contains(name));
    names.map(|name| (name, row.get(name))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_segments_tell_the_same(
        sizes in prop::collection::vec(1_usize..200, 1..20),
        swaps in prop::collection::vec(any::<bool>(), 1..20),
    ) {
        let (requests, responses) = many_sides();
        let whole = &rows(&Talk::new().say(F, &requests).say(B, &responses).close())[0];
        let mut talk = Talk::new();
        for (from, bytes) in [(F, &requests), (B, &responses)] {
            talk = cut(talk, from, bytes, &sizes, &swaps);
        }
        let cut = &rows(&talk.close())[0];
        prop_assert_eq!(told(cut), told(whole));
    }

    #[test]
    fn no_bytes_panic(
        says in prop::collection::vec((any::<bool>(), 0_usize..8, any::<u8>(), 1_usize..300), 1..12),
        flips in prop::collection::vec((any::<u16>(), any::<u8>()), 0..6),
    ) {
        let (requests, responses) = many_sides();
        let parts = [
            GET, OK, &requests, &responses, PREFACE, b"\r\n", b"0\r\n", b"PROXY TCP4 ",
        ];
        let mut talk = Talk::new();
        for (client, part, byte, len) in says {
            let mut bytes = parts[part].to_vec();
            for &(at, flip) in &flips {
                let at = usize::from(at) % bytes.len();
                bytes[at] ^= flip;
            }
            bytes.resize(len.max(bytes.len() / 2), byte);
            talk = talk.say(if client { F } else { B }, &bytes);
        }
        prop_assert_eq!(rows(&talk.close()).len(), 1);
    }
}

/// Says `bytes` in segments of the given sizes, of which some pairs are swapped.
fn cut(mut talk: Talk, from: Direction, bytes: &[u8], sizes: &[usize], swaps: &[bool]) -> Talk {
    let mut rest = bytes;
    let mut sizes = sizes.iter().cycle();
    for swap in swaps.iter().cycle() {
        let mut next = || {
            let (part, after) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            rest = after;
            part
        };
        let (first, second) = (next(), next());
        if *swap && !second.is_empty() {
            talk = talk.ahead(from, first.len() as u32, second).say(from, first);
            talk = talk.lose(from, second.len());
        } else {
            talk = talk.say(from, first).say(from, second);
        }
        if rest.is_empty() {
            break;
        }
    }
    talk
}
