//! HTTP/2 in clear text, and which version of HTTP a flow speaks at all.

use rheos_wire::App;
use rheos_wire::http2::frame_type;

use crate::column::extended as column;
use crate::column::{Column, GroupInfo, Kind};
use crate::dissect::Dissection;
use crate::groups::{Ended, Group};
use crate::row::RowBuffer;

const fn count(name: &'static str, meaning: &'static str) -> Column {
    column(name, U64, "count", meaning).null(NOT_CLEAR).changed(FRAMES)
}

const NOT_CLEAR: &str = "no HTTP/2 in clear text";
const FRAMES: &str = "frames are read from the byte stream after the preface, each once and all of them; null, not 0, in flows without";

use Kind::{Bool, Str, U64};

const COLUMNS: &[Column] = &[
    column("http2_detected", Bool, "", "HTTP/2: in clear text by the client's preface or an upgrade, or in TLS where ALPN tells h2 (in TLS 1.3 it tells only where the client offers nothing else)")
        .changed("bytes that could be a frame's header are no evidence: no TLS flow is taken for clear HTTP/2"),
    column("http3_detected", Bool, "", "HTTP/3: QUIC whose ALPN is h3 or a draft of it")
        .changed("read from the decrypted ClientHello"),
    column("http2_preface_seen", Bool, "", "the client's preface (RFC 9113, section 3.4) was seen whole")
        .null(NOT_CLEAR)
        .changed("whole, and at the beginning; null, not false, in flows without"),
    count("http2_frame_count", "frames of any type, of both sides"),
    count("http2_data_frames", "DATA frames"),
    count("http2_headers_frames", "HEADERS frames"),
    count("http2_settings_frames", "SETTINGS frames, acknowledgements too"),
    count("http2_push_promise_frames", "PUSH_PROMISE frames"),
    count("http2_goaway_frames", "GOAWAY frames"),
    count("http2_window_update_frames", "WINDOW_UPDATE frames"),
    column("http2_streams_estimate", U64, "count", "streams that a HEADERS frame opened, by either side")
        .null(NOT_CLEAR)
        .changed("the connection itself (stream 0) and streams that nothing opened do not count"),
    column("http2_server_push", Bool, "", "some frame was a PUSH_PROMISE").null(NOT_CLEAR),
    column("http2_multiplexed", Bool, "", "at some time more than one stream was open")
        .null(NOT_CLEAR)
        .changed("streams one after the other are not multiplexed, nor is stream 0 beside one"),
    column("http_version", Str, "", "version of HTTP: `1.0` or `1.1` of the first message, `h2`, `h3`; the last where a flow changes it")
        .null("no HTTP was found")
        .changed("HTTP/1 is told too; null, not empty, in flows without"),
    column("http2_rst_stream_frames", U64, "count", "RST_STREAM frames").null(NOT_CLEAR),
    column("http2_ping_frames", U64, "count", "PING frames, answers too").null(NOT_CLEAR),
    column("http2_data_bytes", U64, "bytes", "payload of DATA frames, by the frames' headers").null(NOT_CLEAR),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Http2;

impl Group for Http2 {
    type State = ();
    const INFO: GroupInfo = GroupInfo {
        name: "http2",
        meaning: "HTTP/2 in clear text, and the version of HTTP",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) {}

    fn finish((): &(), ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let version = ended.dissection.and_then(version);
        let http = ended.dissection.and_then(|read| read.http2());
        let frames = |kind: u8| http.map(|http| http.by_type[usize::from(kind)]);
        row.bool("http2_detected", http.is_some() || version == Some("h2"));
        row.bool("http3_detected", version == Some("h3"));
        if http.is_none() && version.is_none() {
            return row.rest_is_null();
        }
        row.bool("http2_preface_seen", http.map(|http| http.preface));
        row.u64("http2_frame_count", http.map(|http| http.frames));
        row.u64("http2_data_frames", frames(frame_type::DATA));
        row.u64("http2_headers_frames", frames(frame_type::HEADERS));
        row.u64("http2_settings_frames", frames(frame_type::SETTINGS));
        row.u64("http2_push_promise_frames", frames(frame_type::PUSH_PROMISE));
        row.u64("http2_goaway_frames", frames(frame_type::GOAWAY));
        row.u64("http2_window_update_frames", frames(frame_type::WINDOW_UPDATE));
        row.u64("http2_streams_estimate", http.map(|http| http.streams));
        row.bool("http2_server_push", frames(frame_type::PUSH_PROMISE).map(|count| count > 0));
        row.bool("http2_multiplexed", http.map(|http| http.open_max > 1));
        row.str("http_version", version);
        row.u64("http2_rst_stream_frames", frames(frame_type::RST_STREAM));
        row.u64("http2_ping_frames", frames(frame_type::PING));
        row.u64("http2_data_bytes", http.map(|http| http.data_bytes));
    }
}

/// The version of HTTP that a flow speaks in the end.
fn version(read: &Dissection) -> Option<&'static str> {
    let of_alpn = |alpn: &str| match alpn {
        "h2" => Some("h2"),
        "http/1.1" => Some("1.1"),
        "http/1.0" => Some("1.0"),
        _ if alpn == "h3" || alpn.starts_with("h3-") => Some("h3"),
        _ => None,
    };
    match read.app()? {
        App::Http2 => Some("h2"),
        App::Tls | App::Quic => read.alpn().and_then(|alpn| of_alpn(&alpn)),
        _ => {
            let http = read.http1()?;
            let response = http.response.as_ref().map(|response| response.minor);
            let minor = http.request.as_ref().map(|request| request.minor).or(response)?;
            Some(if minor == 0 { "1.0" } else { "1.1" })
        }
    }
}
