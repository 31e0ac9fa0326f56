//! Calls and media: STUN and TURN (RFC 8489, RFC 8656), RTP and RTCP (RFC 3550), SIP (RFC 3261), RTSP (RFC 7826).

use super::{Look, Said, Shot, first_line, is_text, may_begin};
use crate::walk::{be16, be32};

/// Bytes of a STUN header.
const STUN_HEADER: usize = 20;
/// What tells STUN from its elder, RFC 3489.
const MAGIC: u32 = 0x2112_a442;

/// Whether attributes fill exactly what follows the header, as far as it is there.
fn attributes_fit(mut rest: &[u8]) -> bool {
    // Each turn takes four bytes at least.
    while let Some((head, after)) = rest.split_first_chunk::<4>() {
        let len = usize::from(be16(head, 2)).next_multiple_of(4);
        match after.get(len..) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

/// Which rule a method comes under: relaying is TURN's.
const fn stun_rule(kind: u16) -> &'static str {
    // The class lies in bits 4 and 8.
    match kind & 0xfeef {
        3 | 4 | 6..=9 => "stun.turn",
        _ => "stun.message",
    }
}

/// STUN in a datagram.
pub fn stun(shot: &Shot<'_>) -> Look {
    let Some((head, rest)) = shot.bytes.split_first_chunk::<STUN_HEADER>() else { return Look::No };
    let (kind, len) = (be16(head, 0), usize::from(be16(head, 2)));
    if kind & 0xc000 != 0 || len % 4 != 0 || len + STUN_HEADER != shot.sent_len {
        return Look::No;
    }
    let fits = attributes_fit(rest) || !shot.is_whole();
    if be32(head, 4) == MAGIC {
        return Look::sure(stun_rule(kind)).when(fits);
    }
    // The elder: binding and secret alone, with attributes that are known.
    let elder = matches!(kind, 1 | 2 | 0x101 | 0x102 | 0x111 | 0x112);
    let known = rest
        .first_chunk::<2>()
        .is_some_and(|kind| matches!(be16(kind, 0), 1..=0x20 | 0x8020..=0x8028));
    let port = shot.has_port(3478) || shot.has_port(3479);
    Look::likely("stun.classic").when(elder && fits && (known || port && len == 0))
}

/// STUN over TCP.
pub fn stun_stream(said: &Said<'_>) -> Look {
    let bytes = if said.client.is_empty() { said.server } else { said.client };
    let Some(head) = bytes.first_chunk::<8>() else {
        return Look::More.when(bytes.first().is_none_or(|&byte| byte < 2));
    };
    let (kind, len) = (be16(head, 0), be16(head, 2));
    Look::sure(stun_rule(kind)).when(kind & 0xc000 == 0 && len % 4 == 0 && be32(head, 4) == MAGIC)
}

/// RTP: this datagram and the one before it are of one source, and its number follows.
pub fn rtp(shot: &Shot<'_>) -> Look {
    let Some(head) = shot.bytes.first_chunk::<12>() else { return Look::No };
    let payload_type = head[1] & 0x7f;
    let fixed = 12 + 4 * usize::from(head[0] & 0xf);
    // Types 72 to 76 would look like RTCP.
    if head[0] >> 6 != 2 || matches!(payload_type, 64..=95) || shot.sent_len < fixed {
        return Look::No;
    }
    let Some(before) = shot.before.and_then(<[u8]>::first_chunk::<12>) else { return Look::More };
    let source = before[0] >> 6 == 2 && be32(head, 8) == be32(before, 8);
    let step = be16(head, 2).wrapping_sub(be16(before, 2));
    let time = be32(head, 4).wrapping_sub(be32(before, 4));
    // At most some seconds of a 90 kHz clock.
    let sound = source && (1..=64).contains(&step) && time < 90_000 * 60;
    Look::sure("rtp.sequence").when(sound)
}

/// RTCP: reports whose lengths fill the datagram exactly.
pub fn rtcp(shot: &Shot<'_>) -> Look {
    let mut rest = shot.bytes;
    let mut kinds = 0_u32;
    let mut parts = 0;
    // Each turn takes four bytes at least.
    while let Some(head) = rest.first_chunk::<4>() {
        let kind = head[1];
        if head[0] >> 6 != 2 || !matches!(kind, 200..=207) {
            // SRTCP: all behind the first report is encrypted.
            break;
        }
        let len = (usize::from(be16(head, 2)) + 1) * 4;
        kinds |= 1 << (kind - 200);
        parts += 1;
        match rest.get(len..) {
            Some(after) => rest = after,
            None => return Look::No,
        }
    }
    let reports = kinds & 3 != 0;
    match (rest.is_empty(), parts) {
        (true, 2..) if reports => Look::sure("rtcp.compound"),
        (true, 1) if shot.sent_len >= 8 && shot.is_whole() => {
            let again = shot.before.and_then(<[u8]>::first_chunk::<8>);
            let now = shot.bytes.first_chunk::<8>();
            let same = again.zip(now).is_some_and(|(a, b)| a[4..] == b[4..] && a[0] >> 6 == 2);
            // A feedback message alone is too little to be sure.
            if same || shot.has_port(5005) { Look::likely("rtcp.report") } else { Look::More }
        }
        _ => Look::No,
    }
}

const SIP_METHODS: &[&[u8]] = &[
    b"INVITE ",
    b"ACK ",
    b"BYE ",
    b"CANCEL ",
    b"REGISTER ",
    b"OPTIONS ",
    b"PRACK ",
    b"SUBSCRIBE ",
    b"NOTIFY ",
    b"PUBLISH ",
    b"INFO ",
    b"REFER ",
    b"MESSAGE ",
    b"UPDATE ",
];
const RTSP_METHODS: &[&[u8]] = &[
    b"OPTIONS ",
    b"DESCRIBE ",
    b"SETUP ",
    b"PLAY ",
    b"PAUSE ",
    b"TEARDOWN ",
    b"ANNOUNCE ",
    b"RECORD ",
    b"GET_PARAMETER ",
    b"SET_PARAMETER ",
    b"REDIRECT ",
];

/// A request line or status line of a protocol in the manner of HTTP; `version` ends the one and begins the other.
fn message(bytes: &[u8], methods: &[&[u8]], version: &[u8], rules: [&'static str; 2]) -> Look {
    if bytes.is_empty() {
        return Look::More;
    }
    if bytes.starts_with(version) {
        let digits = bytes.get(version.len()..).unwrap_or_default();
        let sound = digits.iter().take(5).enumerate().all(|(at, byte)| match at {
            0 | 4 => *byte == b' ',
            _ => byte.is_ascii_digit(),
        });
        return match (sound, digits.len()) {
            (true, 5..) => Look::sure(rules[1]),
            (true, _) => Look::More,
            _ => Look::No,
        };
    }
    if !methods.iter().any(|method| may_begin(bytes, method)) && !may_begin(bytes, version) {
        return Look::No;
    }
    match first_line(bytes) {
        Some(line) => {
            let named = methods.iter().any(|method| line.starts_with(method));
            Look::sure(rules[0]).when(named && line.ends_with(version))
        }
        None if bytes.len() < 512 && is_text(bytes) => Look::More,
        None => Look::No,
    }
}

/// SIP in a datagram.
pub fn sip(shot: &Shot<'_>) -> Look {
    match message(shot.bytes, SIP_METHODS, b"SIP/2.0", ["sip.request", "sip.response"]) {
        Look::More => Look::No,
        look => look,
    }
}

/// SIP over TCP.
pub fn sip_stream(said: &Said<'_>) -> Look {
    let bytes = if said.client.is_empty() { said.server } else { said.client };
    message(bytes, SIP_METHODS, b"SIP/2.0", ["sip.request", "sip.response"])
}

/// RTSP over TCP.
pub fn rtsp(said: &Said<'_>) -> Look {
    let bytes = if said.client.is_empty() { said.server } else { said.client };
    message(bytes, RTSP_METHODS, b"RTSP/1.0", ["rtsp.request", "rtsp.response"])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hex, rule, said, shot};
    use super::*;

    #[test]
    fn traversal() {
        let binding = hex("0001 0008 2112a442 000102030405060708090a0b 8022 0004 61626364");
        assert_eq!(rule(stun(&shot(&binding))), "stun.message");
        let allocate = hex("0003 0000 2112a442 000102030405060708090a0b");
        assert_eq!(rule(stun(&shot(&allocate))), "stun.turn");
        assert_eq!(rule(stun_stream(&said(&allocate, b""))), "stun.turn");
        let elder = hex("0001 0008 00112233 000102030405060708090a0b 0003 0004 00000000");
        assert_eq!(rule(stun(&shot(&elder))), "stun.classic");
        assert_eq!(rule(stun(&shot(&elder[..24]))), "no");
    }

    #[test]
    fn streams_of_media() {
        let first = hex("80 00 0001 00000000 deadbeef aaaaaaaa");
        let second = hex("80 00 0002 000000a0 deadbeef bbbbbbbb");
        assert_eq!(rule(rtp(&shot(&first))), "more");
        assert_eq!(rule(rtp(&Shot { before: Some(&first), ..shot(&second) })), "rtp.sequence");
        let other = hex("80 00 0002 000000a0 deadbee0 bbbbbbbb");
        assert_eq!(rule(rtp(&Shot { before: Some(&first), ..shot(&other) })), "no");
        let compound = hex("80c90001 deadbeef 81ca0003 deadbeef 010461626364 0000");
        assert_eq!(rule(rtcp(&shot(&compound))), "rtcp.compound");
        assert_eq!(rule(rtcp(&shot(&compound[..8]))), "more");
        assert_eq!(rule(rtcp(&shot(&compound[..7]))), "no");
    }

    #[test]
    fn calls() {
        let invite = b"INVITE sip:bob@example.org SIP/2.0\r\nVia: x\r\n";
        assert_eq!(rule(sip(&shot(invite))), "sip.request");
        assert_eq!(rule(sip(&shot(b"SIP/2.0 200 OK\r\n"))), "sip.response");
        assert_eq!(rule(sip_stream(&said(&invite[..20], b""))), "more");
        assert_eq!(rule(sip_stream(&said(b"OPTIONS / HTTP/1.1\r\n", b""))), "no");
        assert_eq!(rule(rtsp(&said(b"OPTIONS rtsp://x RTSP/1.0\r\n", b""))), "rtsp.request");
        assert_eq!(rule(rtsp(&said(b"OPTIONS / HTTP/1.1\r\n", b""))), "no");
    }
}
