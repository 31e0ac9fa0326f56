//! SSH, as far as it is said in clear: the greeting of both versions, and of version 2 the packets up to the new
//! keys (RFC 4253).
//!
//! Each side begins with a line that names what it speaks, `SSH-2.0-OpenSSH_9.7 comments`; a server may send other
//! lines before it. Then both send packets: lists of algorithms, the exchange of keys, and a message after which
//! all that this side sends is encrypted.

mod kexinit;
mod packet;

pub use kexinit::{KexInit, List, Role, authenticates_itself, chosen, guess_is_wrong, hassh};
pub use packet::{HostKey, PacketHeader, PacketStart, message};

/// Longest line that is read; OpenSSH takes 8192 bytes, RFC 4253 §4.2 allows 255 for the identification.
pub const LINE_MAX: usize = 8192;

/// So many lines before the identification are read; OpenSSH takes 1024.
pub const LINES_BEFORE_MAX: u32 = 1024;

/// So many bytes of other lines the detector looks past.
const DETECT_MAX: usize = 1024;

/// A line of the greeting, or what is missing of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// The line without its end, and how many bytes it takes with it.
    Whole(&'a [u8], usize),
    /// Its end has not arrived.
    Partial,
    /// It is longer than [`LINE_MAX`].
    TooLong,
}

impl<'a> Line<'a> {
    /// The first line of `bytes`. It ends with CR LF, or with LF alone as old servers send (RFC 4253 §5).
    pub fn first(bytes: &'a [u8]) -> Self {
        let window = bytes.get(..LINE_MAX).unwrap_or(bytes);
        match window.iter().position(|&byte| byte == b'\n') {
            Some(end) => {
                let text = window.get(..end).unwrap_or_default();
                Self::Whole(text.strip_suffix(b"\r").unwrap_or(text), end + 1)
            }
            None if bytes.len() >= LINE_MAX => Self::TooLong,
            None => Self::Partial,
        }
    }
}

/// The identification of one side (RFC 4253 §4.2): `SSH-protoversion-softwareversion comments`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identification<'a> {
    /// The protocol version: digits and points, `2.0`, `1.99`, `1.5`.
    pub version: &'a [u8],
    /// The software, up to the first space.
    pub software: &'a [u8],
    /// All after that space; `None` where there is no space.
    pub comments: Option<&'a [u8]>,
}

/// Which versions of the protocol a side offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offers {
    /// Only version 1.
    One,
    /// Only version 2.
    Two,
    /// Either: `1.99` (RFC 4253 §5.1).
    Both,
}

impl<'a> Identification<'a> {
    /// Reads a line without its end; `None` if it is another line.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_prefix(MARK)?;
        let dash = rest.iter().position(|&byte| byte == b'-')?;
        let (version, rest) = rest.split_at_checked(dash)?;
        if !version.first()?.is_ascii_digit() || version.iter().any(|b| !is_of_version(*b)) {
            return None;
        }
        let rest = rest.get(1..)?;
        let (software, comments) = match rest.iter().position(|&byte| byte == b' ') {
            Some(space) => (rest.get(..space)?, rest.get(space + 1..)),
            None => (rest, None),
        };
        Some(Self { version, software, comments })
    }

    /// Which versions of the protocol it offers; `None` for a version that does not exist.
    pub fn offers(&self) -> Option<Offers> {
        match self.version {
            b"1.99" => Some(Offers::Both),
            [b'1', b'.', ..] => Some(Offers::One),
            [b'2', b'.', ..] => Some(Offers::Two),
            _ => None,
        }
    }
}

fn is_of_version(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'.'
}

/// The version of the protocol that two sides come to speak: 1 or 2; `None` if they have none together.
pub fn agreed_version(one: Offers, other: Offers) -> Option<u8> {
    match (one, other) {
        (Offers::One, Offers::Two) | (Offers::Two, Offers::One) => None,
        (Offers::One, _) | (_, Offers::One) => Some(1),
        _ => Some(2),
    }
}

/// Whether the first bytes of one side of a TCP connection are SSH: its identification begins with `SSH-`, a
/// version and a dash, either at once or after at most 1024 bytes of whole lines of text. `None`: these are too
/// few bytes to tell.
pub fn detect(bytes: &[u8]) -> Option<bool> {
    let mut rest = bytes;
    loop {
        if let Some(after) = rest.strip_prefix(MARK) {
            return begins_with_version(after);
        }
        if MARK.starts_with(rest) {
            return None;
        }
        let passed = bytes.len() - rest.len();
        let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
            let open = bytes.len() < DETECT_MAX && is_text(rest);
            return if open { None } else { Some(false) };
        };
        let (line, after) = rest.split_at_checked(end + 1)?;
        if !is_text(line) || passed + line.len() > DETECT_MAX {
            return Some(false);
        }
        rest = after;
    }
}

/// What an identification begins with, and no line before it does.
const MARK: &[u8] = b"SSH-";

/// Whether a version and a dash stand here.
fn begins_with_version(bytes: &[u8]) -> Option<bool> {
    /// The longest version that is believed.
    const VERSION_MAX: usize = 8;
    let digits = bytes.iter().take_while(|byte| is_of_version(**byte)).count();
    if digits > VERSION_MAX || bytes.first().is_some_and(|byte| !byte.is_ascii_digit()) {
        return Some(false);
    }
    bytes.get(digits).map(|byte| *byte == b'-')
}

/// Printable ASCII, UTF-8 and the ends of lines.
fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~' | 0x80..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_cr_lf_or_lf_alone() {
        assert_eq!(Line::first(b"SSH-2.0-x\r\nrest"), Line::Whole(b"SSH-2.0-x", 11));
        assert_eq!(Line::first(b"SSH-1.5-x\nrest"), Line::Whole(b"SSH-1.5-x", 10));
        assert_eq!(Line::first(b"\n"), Line::Whole(b"", 1));
        assert_eq!(Line::first(b"SSH-2.0-x\r"), Line::Partial);
        assert_eq!(Line::first(&[b'a'; LINE_MAX - 1]), Line::Partial);
        assert_eq!(Line::first(&[b'a'; LINE_MAX]), Line::TooLong);
    }

    #[test]
    fn the_parts_of_an_identification() {
        let of = |line| Identification::parse(line).map(|i| (i.version, i.software, i.comments));
        let parts = of(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u5");
        let wanted: (&[u8], &[u8], Option<&[u8]>) =
            (b"2.0", b"OpenSSH_9.2p1", Some(b"Debian-2+deb12u5"));
        assert_eq!(parts, Some(wanted));
        let (_, software, comments) = of(b"SSH-2.0-OpenSSH_6.6p1-hpn14v4").unwrap();
        assert_eq!((software, comments), (&b"OpenSSH_6.6p1-hpn14v4"[..], None));
        let (_, software, comments) = of(b"SSH-1.99- ").unwrap();
        assert_eq!((software, comments), (&b""[..], Some(&b""[..])));
        for other in [&b"SSH-2.0"[..], b"SSH-two-x", b"SSH--x", b"ssh-2.0-x", b"", b" SSH-2.0-x"] {
            assert_eq!(of(other), None, "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn versions_that_two_sides_come_to_speak() {
        let of = |version: &[u8]| {
            let line = [b"SSH-", version, b"-x"].concat();
            Identification::parse(&line).unwrap().offers()
        };
        assert_eq!(of(b"2.0"), Some(Offers::Two));
        assert_eq!(of(b"1.99"), Some(Offers::Both));
        assert_eq!([of(b"1.5"), of(b"1.3")], [Some(Offers::One); 2]);
        assert_eq!([of(b"3.0"), of(b"12.0"), of(b"2")], [None; 3]);
        assert_eq!(agreed_version(Offers::Two, Offers::Both), Some(2));
        assert_eq!(agreed_version(Offers::Both, Offers::Both), Some(2));
        assert_eq!(agreed_version(Offers::One, Offers::Both), Some(1));
        assert_eq!(agreed_version(Offers::Two, Offers::One), None);
    }

    #[test]
    fn bytes_tell_ssh() {
        for yes in [&b"SSH-2.0-x"[..], b"SSH-1.99-", b"hello\r\nthere\nSSH-2.0-OpenSSH\r\n"] {
            assert_eq!(detect(yes), Some(true), "{}", String::from_utf8_lossy(yes));
        }
        for open in [&b""[..], b"S", b"SSH-", b"SSH-2.0", b"hello", b"hello\r\nSS"] {
            assert_eq!(detect(open), None, "{}", String::from_utf8_lossy(open));
        }
        let zero = b"hello\0\nSSH-2.0-x\r\n";
        let late = [&[b'a'; 1024][..], b"\nSSH-2.0-x"].concat();
        for no in [&zero[..], &late, b"\x16\x03\x01", b"SSH-x", b"SSH-2.0 x", b"SSH-123456789"] {
            assert_eq!(detect(no), Some(false), "{}", String::from_utf8_lossy(no));
        }
    }
}
