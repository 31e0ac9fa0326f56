//! HTTP/1.0 and HTTP/1.1 messages (RFC 9112): start lines, fields, and how long a body is.
//!
//! A head is looked at once it is whole: [`head_len`] tells where it ends. Lines may end in LF alone (RFC 9112 §2.2).

/// How a message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// RFC 9112 §3.
    Request {
        /// Such as `GET`.
        method: &'a [u8],
        /// What comes after it, as sent.
        target: &'a [u8],
        /// The digit after `HTTP/1.`.
        minor: u8,
    },
    /// RFC 9112 §4.
    Status {
        /// The digit after `HTTP/1.`.
        minor: u8,
        /// From 100 to 999.
        status: u16,
    },
}

/// How the end of a body is told (RFC 9112 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// By its length in bytes.
    Length(u64),
    /// By its chunks.
    Chunked,
    /// By the connection's end.
    UntilClose,
}

/// What the bytes at the beginning of a message could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// No message of HTTP/1.
    No,
    /// Not told yet.
    Short,
    /// A request, by its method and a space; the line goes on.
    Method,
    /// A whole request line.
    Request,
    /// A status line.
    Status,
}

const VERSION: &[u8] = b"HTTP/1.";
/// Longest method that is believed; the registered ones have at most 17 letters.
const METHOD_MAX: usize = 20;

/// Splits the first line from the rest, without its end; none while it has none.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    let (line, rest) = bytes.split_at(end);
    Some((line.strip_suffix(b"\r").unwrap_or(line), &rest[1..]))
}

/// Length of a head with the empty line that ends it; `from` bytes were looked at before, when there was less of it.
pub fn head_len(bytes: &[u8], from: usize) -> Option<usize> {
    // The end may begin in what was looked at: CR LF CR LF.
    let start = from.saturating_sub(3);
    let rest = bytes.get(start..)?;
    let mut ends = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    ends.find_map(|(at, _)| match rest.get(at + 1..) {
        Some([b'\n', ..]) => Some(start + at + 2),
        Some([b'\r', b'\n', ..]) => Some(start + at + 3),
        _ => None,
    })
}

/// Length of the line ends before a start line, which are ignored (RFC 9112 §2.2).
pub fn leading_line_ends(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

/// What a connection's or a message's first bytes could be.
pub fn beginning(bytes: &[u8]) -> Beginning {
    if bytes.starts_with(VERSION) {
        return match line(bytes).map_or(bytes, |(line, _)| line) {
            line if status_line(line).is_some() => Beginning::Status,
            line if line.len() < 12 && line.len() == bytes.len() => Beginning::Short,
            _ => Beginning::No,
        };
    }
    if VERSION.starts_with(bytes) {
        return Beginning::Short;
    }
    let letters = bytes.iter().take_while(|byte| is_method_letter(**byte)).count();
    match bytes.get(letters) {
        _ if letters > METHOD_MAX => return Beginning::No,
        None => return Beginning::Short,
        Some(b' ') if letters >= 3 => {}
        Some(_) => return Beginning::No,
    }
    match line(bytes) {
        Some((line, _)) if request_line(line).is_some() => Beginning::Request,
        None if bytes[letters..].iter().all(|byte| is_line_byte(*byte)) => Beginning::Method,
        _ => Beginning::No,
    }
}

/// Methods are in capitals, but for `M-SEARCH` and such.
fn is_method_letter(byte: u8) -> bool {
    byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_')
}

/// Printable, or beyond ASCII as some clients send it raw, or the CR of an end that is not whole.
fn is_line_byte(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7f || matches!(byte, b'\r' | b'\t')
}

/// Parses a whole head's first line.
pub fn start_line(head: &[u8]) -> Option<StartLine<'_>> {
    let (line, _) = line(head)?;
    status_line(line).or_else(|| request_line(line))
}

fn status_line(line: &[u8]) -> Option<StartLine<'_>> {
    let rest = line.strip_prefix(VERSION)?;
    let &[minor, b' ', a @ b'1'..=b'9', b, c, ref rest @ ..] = rest else { return None };
    let digits = [minor, a, b, c].iter().all(u8::is_ascii_digit);
    if !digits || !matches!(rest.first(), None | Some(b' ')) {
        return None;
    }
    let status = [a, b, c].iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    Some(StartLine::Status { minor: minor - b'0', status })
}

fn request_line(line: &[u8]) -> Option<StartLine<'_>> {
    let (rest, minor) = match line.split_last_chunk::<9>() {
        Some((rest, [b' ', version @ .., minor])) if version == VERSION => (rest, *minor),
        _ => return None,
    };
    let space = rest.iter().position(|&byte| byte == b' ')?;
    let (method, target) = rest.split_at(space);
    let sound = (1..=METHOD_MAX).contains(&method.len())
        && method.iter().all(|byte| is_method_letter(*byte))
        && minor.is_ascii_digit();
    sound.then(|| StartLine::Request { method, target: target.trim_ascii(), minor: minor - b'0' })
}

/// The fields of a whole head: names as sent, values without the white space around them. Lines that are none are
/// left out.
pub fn fields(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = line(head).map_or(&[][..], |(_, rest)| rest);
    std::iter::from_fn(move || {
        while let Some((field, after)) = line(rest) {
            rest = after;
            if field.is_empty() {
                return None;
            }
            if let Some(colon) = field.iter().position(|&byte| byte == b':').filter(|at| *at > 0) {
                let (name, value) = field.split_at(colon);
                return Some((name.trim_ascii(), value[1..].trim_ascii()));
            }
        }
        None
    })
}

/// How a message's fields tell the end of its body; `otherwise` if they do not. `Transfer-Encoding` overrides
/// `Content-Length` (RFC 9112 §6.3); of several lengths the first holds.
pub fn body(head: &[u8], otherwise: Body) -> Body {
    let mut length = None;
    for (name, value) in fields(head) {
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let last = value.rsplit(|&byte| byte == b',').next().unwrap_or(value).trim_ascii();
            if last.eq_ignore_ascii_case(b"chunked") {
                return Body::Chunked;
            }
            if !last.eq_ignore_ascii_case(b"identity") {
                return Body::UntilClose;
            }
        } else if name.eq_ignore_ascii_case(b"content-length") && length.is_none() {
            length = decimal(value.split(|&byte| byte == b',').next().unwrap_or(value));
        }
    }
    match length {
        Some(0) => Body::None,
        Some(length) => Body::Length(length),
        None => otherwise,
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits.then(|| {
        text.iter().fold(0_u64, |sum, digit| {
            sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
        })
    })
}

/// A chunk's first line (RFC 9112 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkLine {
    /// Not whole.
    Short,
    /// None.
    Wrong,
    /// The line's length with its end, and that of the chunk's data; 0 for the last chunk.
    Size(usize, u64),
}

/// Longest line of a chunk: extensions are rare and short.
pub const CHUNK_LINE_MAX: usize = 1024;

/// Reads a chunk's first line.
pub fn chunk_line(bytes: &[u8]) -> ChunkLine {
    let Some((text, rest)) = line(bytes) else {
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let begins = bytes.is_empty() || digits > 0 && digits <= 16;
        let short = begins && bytes.len() < CHUNK_LINE_MAX;
        return if short { ChunkLine::Short } else { ChunkLine::Wrong };
    };
    let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let after = text.get(digits).copied();
    if !(1..=16).contains(&digits) || !matches!(after, None | Some(b';' | b' ' | b'\t')) {
        return ChunkLine::Wrong;
    }
    let size = text[..digits]
        .iter()
        .fold(0_u64, |sum, &digit| sum << 4 | u64::from((digit as char).to_digit(16).unwrap_or(0)));
    ChunkLine::Size(bytes.len() - rest.len(), size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_end_at_the_empty_line_however_it_is_written() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody";
        assert_eq!(head_len(head, 0), Some(27));
        for seen in 0..=27 {
            assert_eq!(head_len(head, seen.min(26)), Some(27), "{seen} bytes were seen");
            assert_eq!(head_len(&head[..seen], 0), (seen == 27).then_some(27));
        }
        assert_eq!(head_len(b"GET / HTTP/1.1\nHost: a\n\nbody", 0), Some(24));
        assert_eq!(head_len(b"", 7), None);
    }

    #[test]
    fn start_lines() {
        let request = |line| start_line(line);
        assert_eq!(
            request(b"GET /a b HTTP/1.1\r\n"),
            Some(StartLine::Request { method: b"GET", target: b"/a b", minor: 1 })
        );
        assert_eq!(
            request(b"HTTP/1.0 404 Not Found\r\n"),
            Some(StartLine::Status { minor: 0, status: 404 })
        );
        assert_eq!(request(b"HTTP/1.1 200\n"), Some(StartLine::Status { minor: 1, status: 200 }));
        for wrong in [
            &b"HTTP/1.1 20 OK\r\n"[..],
            b"HTTP/1.1 2000\r\n",
            b"HTTP/1.1 abc\r\n",
            b"GET /\r\n",
            b"OPTIONS * RTSP/1.0\r\n",
            b"PRI * HTTP/2.0\r\n",
            b"get / HTTP/1.1\r\n",
            b"GET / HTTP/1.1",
            b" / HTTP/1.1\r\n",
        ] {
            assert_eq!(request(wrong), None, "{}", String::from_utf8_lossy(wrong));
        }
    }

    #[test]
    fn beginnings_are_told_as_early_as_they_can_be() {
        let cases: [(&[u8], Beginning); 17] = [
            (b"", Beginning::Short),
            (b"G", Beginning::Short),
            (b"GET", Beginning::Short),
            (b"GET ", Beginning::Method),
            (b"GET /index.html HTT", Beginning::Method),
            (b"GET / HTTP/1.1\r", Beginning::Method),
            (b"GET / HTTP/1.1\r\n", Beginning::Request),
            (b"GET / \x01", Beginning::No),
            (b"NOTIFY * SIP/2.0\r\n", Beginning::No),
            (b"EHLO", Beginning::Short),
            (b"EHLO a\r\n", Beginning::No),
            (b"HTTP", Beginning::Short),
            (b"HTTP/1.1 2", Beginning::Short),
            (b"HTTP/1.1 200", Beginning::Status),
            (b"HTTP/1.1 200 OK\r\n", Beginning::Status),
            (b"HTTP/1.1 x00 OK\r\n", Beginning::No),
            (b"\x16\x03\x01", Beginning::No),
        ];
        for (bytes, want) in cases {
            assert_eq!(beginning(bytes), want, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn fields_without_white_space_around_them() {
        let head = b"GET / HTTP/1.1\r\nHost:  a \r\nnone\r\n: x\r\nEmpty:\r\n\r\nBody: no\r\n";
        let got: Vec<_> = fields(head).collect();
        assert_eq!(got, [(&b"Host"[..], &b"a"[..]), (b"Empty", b"")]);
    }

    #[test]
    fn bodies_by_their_fields() {
        let of = |fields: &str| {
            body(format!("HTTP/1.1 200 OK\r\n{fields}\r\n").as_bytes(), Body::UntilClose)
        };
        assert_eq!(of(""), Body::UntilClose);
        assert_eq!(of("content-length: 42\r\n"), Body::Length(42));
        assert_eq!(of("Content-Length: 42, 42\r\n"), Body::Length(42));
        assert_eq!(of("Content-Length: 0\r\n"), Body::None);
        assert_eq!(of("Content-Length: -1\r\n"), Body::UntilClose);
        assert_eq!(of("Content-Length: 99999999999999999999999\r\n"), Body::Length(u64::MAX));
        assert_eq!(of("Content-Length: 5\r\nTransfer-Encoding: gzip, Chunked\r\n"), Body::Chunked);
        assert_eq!(of("Content-Length: 5\r\nTransfer-Encoding: gzip\r\n"), Body::UntilClose);
        assert_eq!(of("Transfer-Encoding: identity\r\nContent-Length: 5\r\n"), Body::Length(5));
    }

    #[test]
    fn chunks_begin_with_their_size() {
        assert_eq!(chunk_line(b"1aF\r\ndata"), ChunkLine::Size(5, 0x1af));
        assert_eq!(chunk_line(b"0\n"), ChunkLine::Size(2, 0));
        assert_eq!(chunk_line(b"5;name=value\r\n"), ChunkLine::Size(14, 5));
        assert_eq!(chunk_line(b"5"), ChunkLine::Short);
        assert_eq!(chunk_line(b""), ChunkLine::Short);
        for wrong in
            [&b"\r\n"[..], b"x\r\n", b"5x\r\n", b"12345678123456781\r\n", b"x", &[b'1'; 2000]]
        {
            assert_eq!(chunk_line(wrong), ChunkLine::Wrong, "{}", String::from_utf8_lossy(wrong));
        }
    }
}
