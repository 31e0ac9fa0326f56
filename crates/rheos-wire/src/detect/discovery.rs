//! Small services: SSDP (UPnP device architecture), syslog (RFC 3164, RFC 5424), TFTP (RFC 1350), ONC RPC (RFC 5531).

use super::{Look, Said, Shot, begins, first_line, is_text};
use crate::walk::{be16, be32};

/// SSDP: HTTP's lines in a datagram.
pub fn ssdp(shot: &Shot<'_>) -> Look {
    let Some(line) = first_line(shot.bytes) else { return Look::No };
    if line == b"M-SEARCH * HTTP/1.1" {
        return Look::sure("ssdp.search");
    }
    if line == b"NOTIFY * HTTP/1.1" {
        return Look::sure("ssdp.notify");
    }
    let named = ["\nST:", "\nUSN:", "\nNT:"].iter().any(|field| {
        shot.bytes.windows(field.len()).any(|part| part.eq_ignore_ascii_case(field.as_bytes()))
    });
    Look::sure("ssdp.response").when(begins(line, b"HTTP/1.1 200") && named)
}

/// Whether this is the head of a syslog message, a priority up to 191 in angle brackets, and what follows it.
fn priority(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"<")?;
    let digits = rest.iter().take(4).position(|&byte| byte == b'>').filter(|&len| len > 0)?;
    let number = rest.get(..digits)?.iter().try_fold(0_u16, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u16::from(byte - b'0'))
    })?;
    rest.get(digits + 1..).filter(|_| number <= 191)
}

/// A version (RFC 5424) or a month's name (RFC 3164).
fn dated(after: &[u8]) -> bool {
    const MONTHS: [&[u8]; 12] = [
        b"Jan ", b"Feb ", b"Mar ", b"Apr ", b"May ", b"Jun ", b"Jul ", b"Aug ", b"Sep ", b"Oct ",
        b"Nov ", b"Dec ",
    ];
    matches!(after, [b'1'..=b'9', b' ', b'0'..=b'9' | b'-', ..])
        || MONTHS.iter().any(|month| after.starts_with(month))
}

/// Syslog in a datagram.
pub fn syslog(shot: &Shot<'_>) -> Look {
    let Some(after) = priority(shot.bytes) else { return Look::No };
    if dated(after) {
        return Look::sure("syslog.header");
    }
    Look::likely("syslog.priority").when(shot.has_port(514) && is_text(after))
}

/// Syslog over TCP (RFC 6587): plain lines, or each message after its length in digits.
pub fn syslog_stream(said: &Said<'_>) -> Look {
    let bytes = said.client;
    let digits = bytes.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    let message = match (digits, bytes.get(digits)) {
        (0, _) => bytes,
        (1..=5, Some(b' ')) => bytes.get(digits + 1..).unwrap_or_default(),
        (1..=5, None) => return Look::More,
        _ => return Look::No,
    };
    if !said.server.is_empty() {
        // A receiver says nothing.
        return Look::No;
    }
    match priority(message) {
        Some(after) if dated(after) => Look::sure("syslog.header"),
        Some(after) => Look::More.when(after.len() < 4 && is_text(after)),
        None => Look::More.when(
            message.len() < 5
                && message.first().is_none_or(|&byte| byte == b'<')
                && is_text(message),
        ),
    }
}

/// TFTP: a request to read or write, with a name and a mode.
pub fn tftp(shot: &Shot<'_>) -> Look {
    let [0, 1 | 2, rest @ ..] = shot.bytes else { return Look::No };
    let mut texts = rest.split(|&byte| byte == 0);
    let (Some(name), Some(mode)) = (texts.next(), texts.next()) else { return Look::No };
    let printable = !name.is_empty() && name.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let known = ["netascii", "octet", "mail"]
        .iter()
        .any(|known| mode.eq_ignore_ascii_case(known.as_bytes()));
    Look::sure("tftp.request").when(printable && known)
}

/// A call of RPC version 2, or a reply, at the beginning of `bytes`.
fn rpc(bytes: &[u8]) -> Look {
    let Some(head) = bytes.first_chunk::<24>() else { return Look::No };
    match be32(head, 4) {
        // Version of RPC, program, version of the program, procedure.
        0 => {
            let program = be32(head, 12);
            let assigned = matches!(program, 100_000..=399_999 | 0x2000_0000..=0x5fff_ffff);
            let sound =
                be32(head, 8) == 2 && assigned && be32(head, 16) < 32 && be32(head, 20) < 256;
            Look::sure("rpc.call").when(sound)
        }
        // Accepted, with a verifier that fits; or denied.
        1 => {
            let flavor = be32(head, 12);
            let sound = be32(head, 8) == 0
                && (flavor < 8 || flavor == 300_000)
                && be32(head, 16) <= 400
                && be32(head, 20) < 6;
            Look::maybe("rpc.reply").when(sound)
        }
        _ => Look::No,
    }
}

/// ONC RPC in a datagram.
pub fn onc_rpc(shot: &Shot<'_>) -> Look {
    rpc(shot.bytes)
}

/// ONC RPC over TCP: each message after its length, with a bit that says it is the last part.
pub fn onc_rpc_stream(said: &Said<'_>) -> Look {
    let bytes = if said.client.is_empty() { said.server } else { said.client };
    let Some((mark, rest)) = bytes.split_first_chunk::<4>() else {
        return Look::More.when(bytes.first().is_none_or(|&byte| byte == 0x80));
    };
    let len = be32(mark, 0) & 0x7fff_ffff;
    if mark[0] != 0x80 || be16(mark, 0) & 0x7f == 0x7f || len < 24 {
        return Look::No;
    }
    if rest.len() >= 24 {
        rpc(rest)
    } else {
        Look::More.when(rest.get(4..7).is_none_or(|zero| zero == [0; 3]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hex, rule, said, shot};
    use super::*;

    #[test]
    fn searches() {
        let search =
            b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nST: upnp:rootdevice\r\n\r\n";
        assert_eq!(rule(ssdp(&shot(search))), "ssdp.search");
        let answer = b"HTTP/1.1 200 OK\r\nCACHE-CONTROL: x\r\nST: upnp:rootdevice\r\n\r\n";
        assert_eq!(rule(ssdp(&shot(answer))), "ssdp.response");
        assert_eq!(rule(ssdp(&shot(b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n"))), "no");
    }

    #[test]
    fn logs() {
        assert_eq!(rule(syslog(&shot(b"<34>Oct 11 22:14:15 host su: failed"))), "syslog.header");
        assert_eq!(
            rule(syslog(&shot(b"<165>1 2003-10-11T22:14:15Z host app - - -"))),
            "syslog.header"
        );
        assert_eq!(rule(syslog(&shot(b"<34>hello"))), "no");
        assert_eq!(
            rule(syslog(&Shot { ports: [5000, 514], ..shot(b"<34>hello") })),
            "syslog.priority"
        );
        assert_eq!(rule(syslog(&shot(b"<192>Oct 11"))), "no");
        assert_eq!(rule(syslog_stream(&said(b"<34>1 2003-", b""))), "syslog.header");
        assert_eq!(rule(syslog_stream(&said(b"42 <34>1 2003-", b""))), "syslog.header");
        assert_eq!(rule(syslog_stream(&said(b"<html>", b""))), "no");
        assert_eq!(rule(syslog_stream(&said(b"<3", b""))), "more");
    }

    #[test]
    fn files_and_calls() {
        assert_eq!(rule(tftp(&shot(b"\0\x01boot.img\0octet\0"))), "tftp.request");
        assert_eq!(rule(tftp(&shot(b"\0\x01boot.img\0other\0"))), "no");
        let call = hex("00001234 00000000 00000002 000186a0 00000002 00000003 0000000000000000");
        assert_eq!(rule(onc_rpc(&shot(&call))), "rpc.call");
        let stream = [&hex("80000020")[..], &call].concat();
        assert_eq!(rule(onc_rpc_stream(&said(&stream, b""))), "rpc.call");
        assert_eq!(rule(onc_rpc_stream(&said(&stream[..8], b""))), "more");
        let reply = hex("00001234 00000001 00000000 00000000 00000000 00000000");
        assert_eq!(rule(onc_rpc(&shot(&reply))), "rpc.reply");
    }
}
