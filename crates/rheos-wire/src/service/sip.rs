//! Heads of SIP messages (RFC 3261 §7), with the short names of fields (§7.3.3).

/// Longest head that is looked at, in bytes.
pub const HEAD_MAX: usize = 8192;

/// A request or a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    /// With this method.
    Request(&'a [u8]),
    /// With this status.
    Response(u16),
}

/// The head of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its first line.
    pub start: Start<'a>,
    /// Which call or registration it belongs to.
    pub call_id: Option<&'a [u8]>,
    /// The software of who sent it: `User-Agent` of a request, `Server` or `User-Agent` of a response.
    pub software: Option<&'a [u8]>,
    /// The body describes media (`application/sdp`).
    pub media: bool,
    /// Length of the body, where it is told.
    pub body_len: Option<u32>,
}

/// Bytes up to the end of the empty line after the head; `None` until that is there.
pub fn head_len(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4)
}

impl<'a> Message<'a> {
    /// Reads the head at the beginning of `bytes`, as far as it is there.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let bytes = bytes.get(..HEAD_MAX).unwrap_or(bytes);
        let mut lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let first = lines.next()?;
        let start = if let Some(status) = first.strip_prefix(b"SIP/2.0 ") {
            Start::Response(number(status.get(..3)?)?.try_into().ok()?)
        } else {
            first.strip_suffix(b" SIP/2.0")?;
            let method = first.split(|&byte| byte == b' ').next()?;
            let letters = method.iter().all(u8::is_ascii_uppercase);
            (letters && (1..=16).contains(&method.len())).then_some(Start::Request(method))?
        };
        let mut message =
            Self { start, call_id: None, software: None, media: false, body_len: None };
        for line in lines.take_while(|line| !line.is_empty()) {
            let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
            let (name, value) = line.split_at(colon);
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            message.field(name.trim_ascii(), value);
        }
        Some(message)
    }

    fn field(&mut self, name: &[u8], value: &'a [u8]) {
        let is = |names: [&str; 2]| names.iter().any(|it| name.eq_ignore_ascii_case(it.as_bytes()));
        if is(["Call-ID", "i"]) {
            self.call_id.get_or_insert(value);
        } else if is(["User-Agent", "Server"]) {
            self.software.get_or_insert(value);
        } else if is(["Content-Type", "c"]) {
            const SDP: &[u8] = b"application/sdp";
            self.media |= value.get(..SDP.len()).is_some_and(|it| it.eq_ignore_ascii_case(SDP));
        } else if is(["Content-Length", "l"]) {
            self.body_len = number(value);
        }
    }
}

/// A decimal number of at most nine digits.
fn number(text: &[u8]) -> Option<u32> {
    let sound = (1..=9).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    sound.then(|| text.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_responses() {
        let invite = b"INVITE sip:bob@example.org SIP/2.0\r\nCall-ID: a84b@pc\r\nUser-Agent: Phone 1\r\nc: application/SDP\r\nl: 4\r\n\r\nv=0\n";
        let message = Message::parse(invite).unwrap();
        assert_eq!(message.start, Start::Request(b"INVITE"));
        assert_eq!(message.call_id, Some(&b"a84b@pc"[..]));
        assert_eq!(message.software, Some(&b"Phone 1"[..]));
        assert_eq!((message.media, message.body_len), (true, Some(4)));
        assert_eq!(head_len(invite), Some(invite.len() - 4));
        let ok = Message::parse(b"SIP/2.0 200 OK\r\ni: x\r\n").unwrap();
        assert_eq!((ok.start, ok.call_id), (Start::Response(200), Some(&b"x"[..])));
        assert_eq!(Message::parse(b"INVITE sip:x HTTP/1.1\r\n"), None);
        assert_eq!(Message::parse(b"SIP/2.0 2x0 OK\r\n"), None);
    }
}
