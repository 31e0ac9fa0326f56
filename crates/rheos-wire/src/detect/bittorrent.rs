//! BitTorrent: peers (BEP 3), distributed hash table (BEP 5), trackers over UDP (BEP 15), uTP (BEP 29).

use super::{Look, Said, Shot};
use crate::walk::{be16, be32};

/// How a peer's handshake begins.
const HANDSHAKE: &[u8] = b"\x13BitTorrent protocol";

/// How a request to connect to a tracker begins.
const TRACKER: [u8; 8] = 0x0000_0417_2710_1980_u64.to_be_bytes();

/// Peers over TCP.
pub fn peers(said: &Said<'_>) -> Look {
    let bytes = if said.client.is_empty() { said.server } else { said.client };
    if bytes.starts_with(HANDSHAKE) {
        return Look::sure("bittorrent.handshake");
    }
    Look::More.when(HANDSHAKE.starts_with(bytes))
}

/// Datagrams of hash tables, trackers and uTP.
pub fn datagrams(shot: &Shot<'_>) -> Look {
    let bytes = shot.bytes;
    if bytes.first() == Some(&b'd') {
        return hash_table(shot);
    }
    // A magic connection number, then the action to connect.
    if shot.sent_len == 16 && bytes.starts_with(&TRACKER) && bytes.get(8..12) == Some(&[0; 4]) {
        return Look::sure("bittorrent.tracker");
    }
    transport(shot)
}

/// A bencoded dictionary with a transaction and a kind: query, response or error.
fn hash_table(shot: &Shot<'_>) -> Look {
    let has = |part: &[u8]| shot.bytes.windows(part.len()).any(|window| window == part);
    let kinds: [&[u8]; 3] = [b"1:y1:q", b"1:y1:r", b"1:y1:e"];
    let begins = matches!(shot.bytes, [b'd', b'1'..=b'9', b':' | b'0'..=b'9', ..]);
    let ends = shot.bytes.last() == Some(&b'e') || !shot.is_whole();
    Look::sure("bittorrent.dht")
        .when(begins && ends && has(b"1:t") && kinds.iter().any(|kind| has(kind)))
}

/// uTP: a SYN, whose fields are mostly fixed; or two packets of one connection in order.
fn transport(shot: &Shot<'_>) -> Look {
    let Some((head, rest)) = shot.bytes.split_first_chunk::<20>() else { return Look::No };
    let (kind, version) = (head[0] >> 4, head[0] & 15);
    // Extensions are selective acknowledgements and bits.
    if version != 1 || kind > 4 || head[1] > 2 {
        return Look::No;
    }
    let extension = match (head[1], rest) {
        (0, _) => true,
        (_, [0..=2, len, ..]) => {
            *len >= 4 && len % 4 == 0 && usize::from(*len) + 22 <= shot.sent_len
        }
        _ => false,
    };
    if !extension {
        return Look::No;
    }
    let (sequence, acknowledged) = (be16(head, 16), be16(head, 18));
    if kind == 4 {
        // The first packet: number 1, nothing acknowledged, no delay measured, a window of some size.
        let window = be32(head, 12);
        let first = sequence == 1 && acknowledged == 0 && be32(head, 8) == 0;
        return Look::likely("bittorrent.utp").when(first && (1 << 10..=1 << 26).contains(&window));
    }
    let Some(before) = shot.before.and_then(<[u8]>::first_chunk::<20>) else { return Look::No };
    let same = before[0] & 15 == 1 && be16(before, 2).abs_diff(be16(head, 2)) <= 1;
    let step = sequence.wrapping_sub(be16(before, 16));
    let time = be32(head, 4).wrapping_sub(be32(before, 4));
    // Microseconds: at most a minute.
    Look::likely("bittorrent.utp")
        .when(same && step < 64 && (1..60_000_000).contains(&time) && kind != 0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hex, rule, said, shot};
    use super::*;

    #[test]
    fn peers_tables_and_trackers() {
        let mut handshake = HANDSHAKE.to_vec();
        handshake.extend([0; 48]);
        assert_eq!(rule(peers(&said(&handshake, b""))), "bittorrent.handshake");
        assert_eq!(rule(peers(&said(&handshake[..5], b""))), "more");
        assert_eq!(rule(peers(&said(b"\x13Bit torrent", b""))), "no");
        let ping = b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe";
        assert_eq!(rule(datagrams(&shot(ping))), "bittorrent.dht");
        assert_eq!(rule(datagrams(&shot(b"d1:ad2:id20:abce"))), "no");
        let connect = hex("0000041727101980 00000000 12345678");
        assert_eq!(rule(datagrams(&shot(&connect))), "bittorrent.tracker");
    }

    #[test]
    fn micro_transport() {
        let syn = hex("41 00 1234 00112233 00000000 00100000 0001 0000");
        assert_eq!(rule(datagrams(&shot(&syn))), "bittorrent.utp");
        let state = hex("21 00 1235 00112299 00000005 00100000 0002 0007");
        assert_eq!(rule(datagrams(&shot(&state))), "no", "nothing before it");
        assert_eq!(rule(datagrams(&Shot { before: Some(&syn), ..shot(&state) })), "bittorrent.utp");
    }
}
