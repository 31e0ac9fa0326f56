//! The PROXY protocol (HAProxy, "The PROXY protocol, versions 1 & 2"): a header with the true addresses that a
//! proxy puts before a connection's own first bytes, which then begin as if there were no proxy.

use rheos_wire::App;

use super::{Chunk, Detect, Dissector, Sides, Start, Taken, Verdict, Wants};

/// How a version 1 header begins: a line of text.
const TEXT: &[u8] = b"PROXY ";
/// Longest line of version 1, with its line end (section 2.1).
const TEXT_MAX: usize = 107;
/// How a version 2 header begins (section 2.2).
const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes of a version 2 header before its addresses.
const BINARY_FIXED: usize = 16;

/// Steps over the header.
#[derive(Debug, Default)]
pub struct Proxy {
    /// 1 or 2, once the header was read.
    pub version: Option<u8>,
}

/// What a connection's first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    /// There is none.
    None,
    /// There may be one.
    Short,
    /// A whole one of this version and length.
    Whole { version: u8, len: u64 },
}

fn header(bytes: &[u8]) -> Header {
    if bytes.starts_with(TEXT) {
        let line = bytes.get(..TEXT_MAX).unwrap_or(bytes);
        let families: [&[u8]; 3] = [b"TCP4 ", b"TCP6 ", b"UNKNOWN"];
        let rest = &line[TEXT.len()..];
        let known =
            families.iter().any(|family| rest.starts_with(family) || family.starts_with(rest));
        return match line.windows(2).position(|pair| pair == b"\r\n") {
            _ if !known => Header::None,
            Some(end) => Header::Whole { version: 1, len: end as u64 + 2 },
            None if line.len() < TEXT_MAX => Header::Short,
            None => Header::None,
        };
    }
    if bytes.starts_with(BINARY) {
        let Some(&[version, _, high, low]) =
            bytes.get(12..BINARY_FIXED).and_then(|b| b.first_chunk())
        else {
            return Header::Short;
        };
        // Version 2 in the upper half, LOCAL or PROXY in the lower.
        if version >> 4 != 2 || version & 15 > 1 {
            return Header::None;
        }
        let addresses = u64::from(u16::from_be_bytes([high, low]));
        return Header::Whole { version: 2, len: BINARY_FIXED as u64 + addresses };
    }
    let begins = TEXT.starts_with(bytes) || BINARY.starts_with(bytes);
    if begins { Header::Short } else { Header::None }
}

impl Detect for Proxy {
    const APPS: &'static [App] = &[App::Proxy];

    fn begin(_: &Start) -> Self {
        Self::default()
    }

    fn detect_stream(sides: &Sides<'_>) -> Verdict {
        let [first, _] = sides.bytes;
        match header(first) {
            Header::Whole { version: 1, .. } => Verdict::yes(App::Proxy, "proxy.line", 1.0),
            Header::Whole { .. } => Verdict::yes(App::Proxy, "proxy.signature", 1.0),
            Header::Short if !first.is_empty() => Verdict::More,
            _ => Verdict::No,
        }
    }
}

impl Dissector for Proxy {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        match header(chunk.bytes) {
            Header::Whole { version, len } => {
                self.version = Some(version);
                let there = usize::try_from(len).unwrap_or(usize::MAX).min(chunk.bytes.len());
                let skip = len - there as u64;
                Taken { consumed: there, skip, wants: Wants::Detect }
            }
            Header::Short => Taken::first(0),
            Header::None => Taken::enough(),
        }
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_both_versions() {
        let line = b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 443\r\n";
        assert_eq!(header(line), Header::Whole { version: 1, len: 41 });
        let more = [&line[..], b"GET / HTTP/1.1\r\n"].concat();
        assert_eq!(header(&more), Header::Whole { version: 1, len: 41 });
        assert_eq!(header(b"PROXY UNKNOWN\r\n"), Header::Whole { version: 1, len: 15 });
        let binary = [BINARY, &[0x21, 0x11, 0, 12], &[0; 12]].concat();
        assert_eq!(header(&binary), Header::Whole { version: 2, len: 28 });
        for cut in 1..41 {
            assert_eq!(header(&line[..cut]), Header::Short, "{cut}");
        }
        for cut in 1..16 {
            assert_eq!(header(&binary[..cut]), Header::Short, "{cut}");
        }
    }

    #[test]
    fn what_only_begins_so_is_none() {
        assert_eq!(header(b"PROXY TCP5 1"), Header::None);
        assert_eq!(header(b"PUT /"), Header::None);
        assert_eq!(header(&[b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat()), Header::None);
        assert_eq!(header(&[BINARY, &[0x11, 0x11, 0, 12]].concat()), Header::None);
    }
}
