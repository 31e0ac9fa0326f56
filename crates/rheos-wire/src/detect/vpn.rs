//! Private networks: WireGuard (its protocol's description), OpenVPN, IKE (RFC 2408, RFC 7296) and ESP in UDP
//! (RFC 3948).

use super::{Look, Said, Shot};
use crate::walk::{be16, be32};

/// WireGuard: messages of exact lengths with three zero bytes; data only where the counter goes on.
pub fn wireguard(shot: &Shot<'_>) -> Look {
    let [kind @ 1..=4, 0, 0, 0, ..] = shot.bytes else { return Look::No };
    match (kind, shot.sent_len) {
        (1, 148) => Look::sure("wireguard.initiation"),
        (2, 92) => Look::sure("wireguard.response"),
        (3, 64) => Look::likely("wireguard.cookie"),
        (4, 32..) if shot.sent_len.is_multiple_of(16) => {
            let counter =
                |bytes: &[u8]| Some(u64::from_le_bytes(*bytes.get(8..)?.first_chunk::<8>()?));
            let Some(now) = counter(shot.bytes) else { return Look::No };
            match shot.before {
                Some(before @ [4, 0, 0, 0, ..]) if before.get(4..8) == shot.bytes.get(4..8) => {
                    let step = counter(before).map(|before| now.wrapping_sub(before));
                    Look::sure("wireguard.data").when(matches!(step, Some(1..=64)))
                }
                Some(_) => Look::No,
                // Nobody sends 2^48 packets.
                None => Look::More.when(now < 1 << 48),
            }
        }
        _ => Look::No,
    }
}

/// What an OpenVPN control packet without authentication around it looks like: an opcode in five bits, a key number
/// of 0, a session, acknowledgements, the packet's number 0. With authentication (`tls-auth`, `tls-crypt`) the first
/// packet proves nothing, but the second side's answers it.
fn openvpn_packet(bytes: &[u8], len: usize, rule: &'static str) -> Look {
    const CLIENT_RESET: u8 = 7 << 3;
    const CLIENT_RESET_3: u8 = 10 << 3;
    const SERVER_RESET: u8 = 8 << 3;
    let Some((&opcode, rest)) = bytes.split_first() else { return Look::More };
    if !matches!(opcode, CLIENT_RESET | CLIENT_RESET_3 | SERVER_RESET) {
        return Look::No;
    }
    let Some((session, rest)) = rest.split_first_chunk::<8>() else {
        return Look::More.when(bytes.len() < len);
    };
    if session.iter().all(|&byte| byte == 0) {
        return Look::No;
    }
    if bytes.len() < len {
        return Look::More.when(len <= 98);
    }
    match (opcode, len, rest) {
        (CLIENT_RESET, 14, [0, 0, 0, 0, 0, ..]) => Look::sure(rule),
        // It acknowledges the client's packet 0 and repeats its session.
        (SERVER_RESET, 26, [1, 0, 0, 0, 0, ..]) if bytes.get(22..26) == Some(&[0; 4]) => {
            Look::sure(rule)
        }
        // HMAC of SHA-1, SHA-256 or SHA-512, or a wrapped packet: number and time of the packet follow it.
        (CLIENT_RESET, 42 | 54 | 86, _) => Look::More,
        (SERVER_RESET, 54 | 66 | 98, _) => authenticated(bytes, len, rule),
        _ => Look::No,
    }
}

/// A reset with an HMAC: behind it a packet number that is small, and a time since 2001.
fn authenticated(bytes: &[u8], len: usize, rule: &'static str) -> Look {
    // 9 bytes before, then 26 - 9 after number and time.
    let hmac = len.saturating_sub(26 + 8);
    let Some(tail) = bytes.get(9 + hmac..).and_then(<[u8]>::first_chunk::<8>) else {
        return Look::No;
    };
    Look::likely(rule).when((1..=16).contains(&be32(tail, 0)) && be32(tail, 4) > 1_000_000_000)
}

/// OpenVPN in datagrams.
pub fn openvpn(shot: &Shot<'_>) -> Look {
    openvpn_packet(shot.bytes, shot.sent_len, "openvpn.reset")
}

/// OpenVPN over TCP: each packet after its length in two bytes.
pub fn openvpn_stream(said: &Said<'_>) -> Look {
    let side = |bytes: &[u8]| {
        let Some((len, rest)) = bytes.split_first_chunk::<2>() else {
            return Look::More.when(bytes.first().is_none_or(|&byte| byte == 0));
        };
        openvpn_packet(rest, usize::from(be16(len, 0)), "openvpn.reset")
    };
    match side(said.client) {
        Look::More if !said.server.is_empty() => side(said.server),
        look => look,
    }
}

/// An IKE header: version, exchange and length that go together.
fn ike_header(bytes: &[u8], sent_len: usize) -> bool {
    let Some(head) = bytes.first_chunk::<28>() else { return false };
    let initiator = head[..8].iter().any(|&byte| byte != 0);
    let exchange = match head[17] {
        0x10 => matches!(head[18], 1 | 2 | 4 | 5 | 6 | 32 | 33),
        0x20..=0x2f => matches!(head[18], 34..=39 | 43 | 44),
        _ => false,
    };
    initiator && exchange && be32(head, 24) as usize == sent_len
}

/// IKE, on its own port or behind the four zero bytes that tell it from ESP (RFC 3948 §2.2).
pub fn ike(shot: &Shot<'_>) -> Look {
    if ike_header(shot.bytes, shot.sent_len) {
        let rule =
            if shot.bytes.get(17) == Some(&0x10) { "ike.version_1" } else { "ike.version_2" };
        return Look::sure(rule);
    }
    match shot.bytes {
        [0, 0, 0, 0, rest @ ..] if ike_header(rest, shot.sent_len.saturating_sub(4)) => {
            Look::sure("ike.nat_traversal")
        }
        // A keep-alive says nothing of its own.
        [0xff] if shot.sent_len == 1 && shot.has_port(4500) => Look::More,
        _ => Look::No,
    }
}

/// ESP in UDP: one security parameter index, and numbers that go on; only between the ports of NAT traversal.
pub fn esp_in_udp(shot: &Shot<'_>) -> Look {
    if !shot.has_port(4500) {
        return Look::No;
    }
    let Some(head) = shot.bytes.first_chunk::<8>() else {
        return Look::More.when(shot.bytes == [0xff] && shot.sent_len == 1);
    };
    let index = be32(head, 0);
    if index < 256 {
        return Look::No;
    }
    let Some(before) = shot.before.and_then(<[u8]>::first_chunk::<8>) else { return Look::More };
    let step = be32(head, 4).wrapping_sub(be32(before, 4));
    if before[0] == 0xff && before[1..] == [0; 7] {
        return Look::More;
    }
    Look::likely("esp.sequence").when(be32(before, 0) == index && (1..=64).contains(&step))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hex, rule, said, shot};
    use super::*;

    #[test]
    fn wireguard_messages() {
        let mut bytes = hex("01000000 12345678");
        bytes.resize(148, 0x5a);
        assert_eq!(rule(wireguard(&shot(&bytes))), "wireguard.initiation");
        bytes.push(0);
        assert_eq!(rule(wireguard(&shot(&bytes))), "no");
        let data = |counter: u8| {
            let mut data = vec![4, 0, 0, 0, 1, 2, 3, 4, counter, 0, 0, 0, 0, 0, 0, 0];
            data.resize(32, 7);
            data
        };
        assert_eq!(rule(wireguard(&shot(&data(0)))), "more");
        let first = data(0);
        assert_eq!(
            rule(wireguard(&Shot { before: Some(&first), ..shot(&data(1)) })),
            "wireguard.data"
        );
        assert_eq!(rule(wireguard(&Shot { before: Some(&first), ..shot(&data(0)) })), "no");
    }

    #[test]
    fn openvpn_resets() {
        let client = hex("38 0102030405060708 00 00000000");
        assert_eq!(rule(openvpn(&shot(&client))), "openvpn.reset");
        let server = hex("40 1112131415161718 01 00000000 0102030405060708 00000000");
        assert_eq!(rule(openvpn(&shot(&server))), "openvpn.reset");
        let stream = [&[0, 14][..], &client].concat();
        assert_eq!(rule(openvpn_stream(&said(&stream, b""))), "openvpn.reset");
        assert_eq!(rule(openvpn_stream(&said(&stream[..5], b""))), "more");
        let mut signed = hex("40 1112131415161718");
        signed.extend([0xaa; 20]);
        signed.extend(hex("00000001 60000000 01 00000000 0102030405060708 00000000"));
        assert_eq!(rule(openvpn(&shot(&signed))), "openvpn.reset");
        assert_eq!(rule(openvpn(&shot(&hex("38 0000000000000000 00 00000000")))), "no");
    }

    #[test]
    fn keys_are_exchanged() {
        let header = hex("0102030405060708 0000000000000000 21 20 22 08 00000000 0000001c");
        assert_eq!(rule(ike(&shot(&header))), "ike.version_2");
        let behind = [&[0; 4][..], &header].concat();
        assert_eq!(rule(ike(&shot(&behind))), "ike.nat_traversal");
        let mut elder = header.clone();
        elder[17] = 0x10;
        elder[18] = 2;
        assert_eq!(rule(ike(&shot(&elder))), "ike.version_1");
        elder[27] = 99;
        assert_eq!(rule(ike(&shot(&elder))), "no");
        let ports = [4500, 4500];
        let first = hex("c0ffee00 00000001 aaaa");
        let second = hex("c0ffee00 00000002 bbbb");
        assert_eq!(rule(esp_in_udp(&Shot { ports, ..shot(&first) })), "more");
        let second = Shot { ports, before: Some(&first), ..shot(&second) };
        assert_eq!(rule(esp_in_udp(&second)), "esp.sequence");
    }
}
