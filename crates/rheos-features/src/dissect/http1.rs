//! HTTP/1.0 and HTTP/1.1: heads are read, bodies are stepped over by their framing (RFC 9112 §6), so that messages are
//! counted right however many a connection carries. After CONNECT or an upgrade another protocol begins.

use rheos_core::Timestamp;
use rheos_wire::App;
use rheos_wire::http1::{
    self, Beginning, Body, ChunkLine, StartLine, beginning, leading_line_ends,
};
use rheos_wire::text::push_printable;

use super::{Chunk, Detect, Dissector, Sides, Start, Taken, Verdict, Wants};

/// Longest head that is read; servers allow 8 to 64 KiB.
pub const HEAD_MAX: usize = 64 << 10;
/// A text of a field is cut to this length.
pub const TEXT_MAX: usize = 512;
/// Requests that wait for their response at most; how further ones were asked is not remembered.
pub const ASKED_MAX: u8 = 64;

/// What HTTP/1 said in a flow.
#[derive(Debug, Default)]
pub struct Http1 {
    /// The first request.
    pub request: Option<Box<Request>>,
    /// The first response that is not an interim one (1xx), but a switch of protocols is.
    pub response: Option<Box<Response>>,
    /// Counts of requests.
    pub requests: Messages,
    /// Counts of responses; interim ones only in the bytes.
    pub responses: Messages,
    /// Responses with a status of 400 or higher.
    pub errors: u32,
    /// Most requests that waited for their response at once.
    pub pipelined_max: u8,
    /// What the connection became: `connect`, or what was upgraded to, in lower case.
    pub switched_to: Option<Box<str>>,
    sides: [Side; 2],
    /// Whether the last head of a side was that of a request.
    asks: [bool; 2],
    asked: Asked,
}

/// The first request.
#[derive(Debug)]
pub struct Request {
    /// When its head was whole.
    pub ts: Timestamp,
    /// Its method.
    pub method: Box<str>,
    /// Length of its target in bytes.
    pub target_len: u32,
    /// Its target's authority (of CONNECT and of absolute targets), else its `Host`.
    pub host: Option<Box<str>>,
    /// Its `User-Agent`.
    pub user_agent: Option<Box<str>>,
    /// The digit after `HTTP/1.`.
    pub minor: u8,
}

/// The first response.
#[derive(Debug)]
pub struct Response {
    /// When its head was whole.
    pub ts: Timestamp,
    /// Its status.
    pub status: u16,
    /// Its `Content-Type`.
    pub content_type: Option<Box<str>>,
    /// Its `Server`.
    pub server: Option<Box<str>>,
    /// The digit after `HTTP/1.`.
    pub minor: u8,
}

/// Counts of the messages of one kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Messages {
    /// Messages.
    pub count: u32,
    /// Bytes of their heads.
    pub head_bytes: u64,
    /// Bytes of their bodies: by `Content-Length` or the chunks' sizes, else as seen.
    pub body_bytes: u64,
}

/// Where one side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Before or in a head, of which so many bytes were searched for its end.
    Head(usize),
    /// Before a chunk's first line.
    Chunk,
    /// In the fields after the last chunk.
    Trailer,
    /// In a body that the connection's end ends.
    UntilClose,
    /// After a request to become a tunnel.
    Held,
    /// In what cannot be told; a message may begin with any piece.
    Lost,
}

impl Default for Side {
    fn default() -> Self {
        Self::Head(0)
    }
}

/// How a request was asked, as far as it decides about its response's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Other,
    Head,
    Connect,
}

/// Requests without response, oldest first, two bits each.
#[derive(Debug, Default)]
struct Asked {
    bits: u128,
    len: u8,
}

impl Asked {
    fn push(&mut self, method: Method) {
        if self.len < ASKED_MAX {
            self.bits |= (method as u128) << (2 * self.len);
            self.len += 1;
        }
    }

    fn pop(&mut self) -> Method {
        let oldest = match self.bits & 3 {
            1 => Method::Head,
            2 => Method::Connect,
            _ => Method::Other,
        };
        self.bits >>= 2;
        self.len = self.len.saturating_sub(1);
        oldest
    }
}

impl Detect for Http1 {
    const APPS: &'static [App] = &[App::Http];

    fn begin(_: &Start) -> Self {
        Self::default()
    }

    fn detect_stream(sides: &Sides<'_>) -> Verdict {
        let begins = sides.bytes.map(|bytes| {
            let text = bytes.get(leading_line_ends(bytes)..).unwrap_or_default();
            (beginning(text), text)
        });
        let is = |wanted| begins.iter().any(|(beginning, _)| *beginning == wanted);
        let names_method = |text: &[u8]| METHODS.iter().any(|known| text.starts_with(known));
        let known = |(beginning, text): &(Beginning, &[u8])| {
            *beginning == Beginning::Method && names_method(text)
        };
        // A line that only begins like a request: the answer will tell.
        let odd = |(beginning, text): &(Beginning, &[u8])| {
            *beginning == Beginning::No && !names_method(text)
        };
        let silent = sides.bytes.iter().any(|bytes| bytes.is_empty());
        if is(Beginning::Request) {
            Verdict::yes(App::Http, "http.request_line", 0.98)
        } else if is(Beginning::Status) {
            Verdict::yes(App::Http, "http.status_line", 0.98)
        } else if begins.iter().any(odd) || is(Beginning::No) && !silent {
            Verdict::No
        } else if sides.last && begins.iter().any(known) {
            Verdict::yes(App::Http, "http.method", 0.8)
        } else {
            Verdict::More
        }
    }
}

/// Methods that are known without the rest of their line.
const METHODS: &[&[u8]] = &[
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"CONNECT ",
    b"PATCH ",
    b"PROPFIND ",
];

impl Dissector for Http1 {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        let side = &mut self.sides[chunk.direction.index()];
        if chunk.gap && *side != Side::UntilClose {
            *side = Side::Lost;
        }
        match *side {
            Side::Head(searched) => self.on_head(&chunk, searched),
            Side::Chunk => self.on_chunk(&chunk),
            Side::Trailer => on_trailer(side, &chunk),
            Side::UntilClose => {
                self.add_body(&chunk, chunk.bytes.len() as u64);
                Taken::all(&chunk)
            }
            Side::Held => Taken::first(0),
            Side::Lost => match beginning(chunk.bytes) {
                Beginning::Request | Beginning::Status | Beginning::Method => {
                    *side = Side::Head(0);
                    self.on_head(&chunk, 0)
                }
                Beginning::No | Beginning::Short => Taken::all(&chunk),
            },
        }
    }

    fn is_certain(&self) -> bool {
        self.request.is_some() && self.response.is_some()
    }

    fn heap_bytes(&self) -> usize {
        let len = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        let request = self.request.as_ref().map_or(0, |it| {
            size_of::<Request>() + it.method.len() + len(&it.host) + len(&it.user_agent)
        });
        let response = self
            .response
            .as_ref()
            .map_or(0, |it| size_of::<Response>() + len(&it.content_type) + len(&it.server));
        request + response + len(&self.switched_to)
    }
}

impl Http1 {
    fn on_head(&mut self, chunk: &Chunk<'_>, searched: usize) -> Taken {
        let Chunk { bytes, direction, .. } = *chunk;
        let side = direction.index();
        let ends = leading_line_ends(bytes);
        if ends > 0 {
            return Taken::first(ends);
        }
        let Some(len) = http1::head_len(bytes, searched) else {
            if bytes.len() > HEAD_MAX || beginning(bytes) == Beginning::No {
                return self.lose(chunk, bytes.len() > HEAD_MAX);
            }
            self.sides[side] = Side::Head(bytes.len());
            return Taken::first(0);
        };
        let head = bytes.get(..len).unwrap_or(bytes);
        match http1::start_line(head) {
            Some(StartLine::Request { method, target, minor }) => {
                self.asks[side] = true;
                self.on_request(chunk, head, &RequestLine { method, target, minor })
            }
            Some(StartLine::Status { status, minor }) => {
                self.asks[side] = false;
                self.on_status(chunk, head, status, minor)
            }
            None => self.lose(chunk, false),
        }
    }

    /// What comes is no message. Where there is far too much of it and no message came before, it is another protocol.
    fn lose(&mut self, chunk: &Chunk<'_>, endless: bool) -> Taken {
        if endless && self.requests.count == 0 && self.responses.head_bytes == 0 {
            return Taken::then(0, Wants::Mistaken);
        }
        self.sides[chunk.direction.index()] = Side::Lost;
        Taken::all(chunk)
    }

    fn on_request(&mut self, chunk: &Chunk<'_>, head: &[u8], line: &RequestLine<'_>) -> Taken {
        self.requests.count = self.requests.count.saturating_add(1);
        self.requests.head_bytes += head.len() as u64;
        let asked = match line.method {
            b"HEAD" => Method::Head,
            b"CONNECT" => Method::Connect,
            _ => Method::Other,
        };
        self.asked.push(asked);
        self.pipelined_max = self.pipelined_max.max(self.asked.len);
        if self.request.is_none() {
            let host = authority(line.method, line.target).or_else(|| field(head, b"host"));
            self.request = Some(Box::new(Request {
                ts: chunk.ts,
                method: text(line.method),
                target_len: line.target.len() as u32,
                host: host.map(text),
                user_agent: field(head, b"user-agent").map(text),
                minor: line.minor,
            }));
        }
        if asked == Method::Connect {
            self.sides[chunk.direction.index()] = Side::Held;
            return Taken::first(head.len());
        }
        self.step_over(chunk, head.len(), http1::body(head, Body::None))
    }

    fn on_status(&mut self, chunk: &Chunk<'_>, head: &[u8], status: u16, minor: u8) -> Taken {
        self.responses.head_bytes += head.len() as u64;
        if status < 200 && status != 101 {
            self.sides[chunk.direction.index()] = Side::Head(0);
            return Taken::first(head.len());
        }
        self.responses.count = self.responses.count.saturating_add(1);
        self.errors = self.errors.saturating_add(u32::from(status >= 400));
        if self.response.is_none() {
            self.response = Some(Box::new(Response {
                ts: chunk.ts,
                status,
                content_type: field(head, b"content-type").map(text),
                server: field(head, b"server").map(text),
                minor,
            }));
        }
        let asked = self.asked.pop();
        if status == 101 {
            return self.switch(head);
        }
        if asked == Method::Connect {
            if status < 300 {
                self.switched_to = Some("connect".into());
                return Taken::then(head.len(), Wants::Detect);
            }
            // No tunnel: the client goes on with requests.
            self.sides[chunk.direction.reversed().index()] = Side::Head(0);
        }
        let body = match status {
            204 | 304 => Body::None,
            _ if asked == Method::Head => Body::None,
            _ => http1::body(head, Body::UntilClose),
        };
        self.step_over(chunk, head.len(), body)
    }

    /// The connection becomes what the response's `Upgrade` says (RFC 9110 §7.8).
    fn switch(&mut self, head: &[u8]) -> Taken {
        let token = field(head, b"upgrade").map(text).unwrap_or_default().to_lowercase();
        let wants = match token.as_str() {
            "h2c" => Wants::Become(App::Http2),
            "websocket" => Wants::Become(App::WebSocket),
            _ if token.starts_with("tls/") => Wants::Become(App::Tls),
            _ => Wants::Detect,
        };
        self.switched_to = Some(token.into());
        Taken::then(head.len(), wants)
    }

    /// A head of `len` bytes is done with; what follows is its body.
    fn step_over(&mut self, chunk: &Chunk<'_>, len: usize, body: Body) -> Taken {
        let (next, skip) = match body {
            Body::None => (Side::Head(0), 0),
            Body::Length(length) => (Side::Head(0), length),
            Body::Chunked => (Side::Chunk, 0),
            Body::UntilClose => (Side::UntilClose, 0),
        };
        self.add_body(chunk, skip);
        self.sides[chunk.direction.index()] = next;
        Taken::skip(len, skip)
    }

    fn on_chunk(&mut self, chunk: &Chunk<'_>) -> Taken {
        match http1::chunk_line(chunk.bytes) {
            ChunkLine::Short => Taken::first(0),
            ChunkLine::Wrong => self.lose(chunk, false),
            ChunkLine::Size(len, 0) => {
                self.sides[chunk.direction.index()] = Side::Trailer;
                Taken::first(len)
            }
            ChunkLine::Size(len, size) => {
                self.add_body(chunk, size);
                // The data is followed by a line end.
                Taken::skip(len, size.saturating_add(2))
            }
        }
    }

    fn add_body(&mut self, chunk: &Chunk<'_>, bytes: u64) {
        let asks = self.asks[chunk.direction.index()];
        let messages = if asks { &mut self.requests } else { &mut self.responses };
        messages.body_bytes = messages.body_bytes.saturating_add(bytes);
    }
}

/// A request's first line.
struct RequestLine<'a> {
    method: &'a [u8],
    target: &'a [u8],
    minor: u8,
}

/// Steps over one line of the fields after the last chunk; the empty one ends them.
fn on_trailer(side: &mut Side, chunk: &Chunk<'_>) -> Taken {
    match chunk.bytes.iter().position(|&byte| byte == b'\n') {
        Some(end) => {
            if chunk.bytes.iter().take(end).all(|&byte| byte == b'\r') {
                *side = Side::Head(0);
            }
            Taken::first(end + 1)
        }
        None if chunk.bytes.len() < HEAD_MAX => Taken::first(0),
        None => Taken::all(chunk),
    }
}

/// The first field of this name, which is given in lower case.
fn field<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    http1::fields(head).find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The authority that a request's target names (RFC 9112 §3.2): all of CONNECT's, and what lies between `//` and
/// the path of an absolute one, without the user before `@`.
fn authority<'a>(method: &[u8], target: &'a [u8]) -> Option<&'a [u8]> {
    if method == b"CONNECT" {
        return Some(target).filter(|target| !target.starts_with(b"/"));
    }
    let scheme = target.windows(3).take(16).position(|part| part == b"://")?;
    let rest = target.get(scheme + 3..)?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    authority.rsplit(|&byte| byte == b'@').next()
}

/// A field's value, cut to [`TEXT_MAX`].
fn text(bytes: &[u8]) -> Box<str> {
    let mut out = String::new();
    push_printable(&mut out, bytes.get(..TEXT_MAX).unwrap_or(bytes));
    out.into_boxed_str()
}
