//! Protocols of Windows networks: SMB ([MS-SMB], [MS-SMB2]), NetBIOS (RFC 1001, RFC 1002), DCE/RPC (C706).

use super::{Look, Said, Shot};
use crate::walk::be16;

/// A NetBIOS session message or its bare TCP form: type, length in three bytes, then the message.
fn message(bytes: &[u8]) -> Option<(u8, usize, &[u8])> {
    let (&[kind, high, middle, low], rest) = bytes.split_first_chunk::<4>()?;
    Some((kind, usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low), rest))
}

/// SMB of any version, with or without a NetBIOS session before it.
pub fn smb(said: &Said<'_>) -> Look {
    match side(said.client) {
        Look::More if !said.server.is_empty() => side(said.server),
        Look::No if said.client.is_empty() && !said.server.is_empty() => side(said.server),
        look => look,
    }
}

fn side(bytes: &[u8]) -> Look {
    const MESSAGE: u8 = 0;
    const REQUEST: u8 = 0x81;
    if bytes.is_empty() {
        return Look::More;
    }
    let Some((kind, len, rest)) = message(bytes) else {
        return Look::More.when(matches!(bytes, [MESSAGE | REQUEST | 0x82, ..]));
    };
    match (kind, rest) {
        (MESSAGE, [0xff, b'S', b'M', b'B', ..]) => Look::sure("smb.version_1").when(len >= 32),
        (MESSAGE, [0xfe, b'S', b'M', b'B', ..]) => Look::sure("smb.version_2").when(len >= 64),
        (MESSAGE, [0xfd, b'S', b'M', b'B', ..]) => Look::sure("smb.encrypted"),
        (MESSAGE, [0xfc, b'S', b'M', b'B', ..]) => Look::sure("smb.compressed"),
        (MESSAGE, _) => {
            let short = rest.len() < 4 && rest.iter().skip(1).zip(b"SMB").all(|(a, b)| a == b);
            let first = rest.first().is_none_or(|&byte| byte >= 0xfc);
            Look::More.when(short && first && len >= 32)
        }
        // A session request: called and calling name, both encoded.
        (REQUEST, _) if len == 68 => match rest {
            [32, name @ ..] if is_encoded(name) && name.len() >= 32 => {
                Look::sure("smb.session_request")
            }
            [] => Look::More,
            [32, name @ ..] if is_encoded(name) => Look::More,
            _ => Look::No,
        },
        _ => Look::No,
    }
}

/// Whether these are first-level encoded letters of a name (RFC 1001 §14.1), as far as they are there.
fn is_encoded(name: &[u8]) -> bool {
    name.iter().take(32).all(|byte| (b'A'..=b'P').contains(byte))
}

/// NetBIOS names (RFC 1002 §4.2): like DNS, with an encoded name of 32 letters, and the types NB or NBSTAT.
pub fn netbios_names(shot: &Shot<'_>) -> Look {
    let Some((head, rest)) = shot.bytes.split_first_chunk::<12>() else { return Look::No };
    let opcode = be16(head, 2) >> 11 & 15;
    let counts = [4, 6, 8, 10].map(|at| be16(head, at));
    let few = counts.iter().all(|&count| count <= 16) && counts.iter().any(|&count| count > 0);
    // Query, registration, release, wait, refresh.
    if !few || !matches!(opcode, 0 | 5..=9) {
        return Look::No;
    }
    let Some((&[32], rest)) = rest.split_first_chunk::<1>() else { return Look::No };
    let Some((name, rest)) = rest.split_first_chunk::<32>() else { return Look::No };
    // The scope after the name is labels up to an empty one.
    let mut rest = rest;
    for _ in 0..8 {
        let Some((&len, after)) = rest.split_first() else { return Look::No };
        rest = after.get(usize::from(len)..).unwrap_or_default();
        if len == 0 {
            break;
        }
    }
    let kind = rest.first_chunk::<4>().map(|kind| (be16(kind, 0), be16(kind, 2) & 0x7fff));
    Look::sure("nbns.name").when(is_encoded(name) && matches!(kind, Some((0x20 | 0x21 | 0x0a, 1))))
}

/// NetBIOS datagrams (RFC 1002 §4.4): the sender's own address and port are in the header.
pub fn netbios_datagrams(shot: &Shot<'_>) -> Look {
    let Some((head, rest)) = shot.bytes.split_first_chunk::<14>() else { return Look::No };
    let direct = matches!(head[0], 0x10..=0x12);
    let len = usize::from(be16(head, 10));
    let sound = head[1] & 0xf0 == 0 && len + 14 == shot.sent_len && be16(head, 12) < 1500;
    let named = matches!(rest, [32, name @ ..] if name.len() >= 32 && is_encoded(name));
    Look::sure("nbdgm.header").when(direct && sound && named)
}

/// DCE/RPC over TCP: version 5, a bind or another first message, and a length that holds it.
pub fn dce_rpc(said: &Said<'_>) -> Look {
    let bytes = if said.client.is_empty() { said.server } else { said.client };
    let Some(head) = bytes.first_chunk::<16>() else {
        let may = [5, 0].iter().zip(bytes).all(|(a, b)| a == b);
        return Look::More.when(may);
    };
    let little = head[4] == 0x10;
    let number = |at: usize| {
        let pair = [head[at], head[at + 1]];
        usize::from(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    let sound =
        head[0] == 5 && head[1] <= 1 && matches!(head[4], 0x10 | 0x00) && head[5..8] == [0; 3];
    // Bind, bind_ack, bind_nak, alter_context, request, response.
    let kind = matches!(head[2], 11..=14 | 0 | 2);
    let lengths = number(8) >= 24 && number(10) < number(8);
    Look::sure("dcerpc.header").when(sound && kind && lengths)
}

/// DCE/RPC over UDP: version 4, an activity, and a length of the body that holds.
pub fn dce_rpc_datagram(shot: &Shot<'_>) -> Look {
    let Some(head) = shot.bytes.first_chunk::<80>() else { return Look::No };
    let little = head[4] == 0x10;
    let pair = [head[74], head[75]];
    let len = usize::from(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) });
    let sound = head[0] == 4 && head[1] <= 9 && matches!(head[4], 0x10 | 0x00) && head[5] == 0;
    // Without an identifier of the activity it may be anything: keepalives of WireGuard begin so too.
    let sound = sound && head[40..56] != [0; 16];
    Look::sure("dcerpc.datagram").when(sound && len + 80 == shot.sent_len && head[78] <= 13)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hex, rule, said, shot};
    use super::*;

    #[test]
    fn file_sharing() {
        let mut one = hex("00000054 ff534d42 72000000");
        assert_eq!(rule(smb(&said(&one, b""))), "smb.version_1");
        one[4] = 0xfe;
        assert_eq!(rule(smb(&said(&one, b""))), "smb.version_2");
        assert_eq!(rule(smb(&said(&one[..6], b""))), "more");
        assert_eq!(rule(smb(&said(&hex("00000054 01020304"), b""))), "no");
        let mut request = vec![0x81, 0, 0, 68, 32];
        request.extend(b"CKFDENECFDEFFCFGEFFCCACACACACACA");
        assert_eq!(rule(smb(&said(&request, b""))), "smb.session_request");
    }

    #[test]
    fn names_and_datagrams() {
        let mut query = hex("1234 0110 0001 0000 0000 0000 20");
        query.extend(b"CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        query.extend(hex("00 0021 0001"));
        assert_eq!(rule(netbios_names(&shot(&query))), "nbns.name");
        query[13] = b'x';
        assert_eq!(rule(netbios_names(&shot(&query))), "no");
        let mut datagram = hex("11 02 abcd c0a80001 008a 0022 0000 20");
        datagram.extend(b"FDEFFCFGEFFCCACACACACACACACACACA");
        datagram.push(0);
        assert_eq!(rule(netbios_datagrams(&shot(&datagram))), "nbdgm.header");
        datagram.push(0);
        assert_eq!(rule(netbios_datagrams(&shot(&datagram))), "no", "the length does not hold");
    }

    #[test]
    fn remote_calls() {
        let bind = hex("05000b03 10000000 4800 0000 01000000");
        assert_eq!(rule(dce_rpc(&said(&bind, b""))), "dcerpc.header");
        assert_eq!(rule(dce_rpc(&said(&bind[..4], b""))), "more");
        assert_eq!(rule(dce_rpc(&said(&hex("05000b03 10010000 4800 0000 01000000"), b""))), "no");
        let mut call = vec![0; 100];
        call[..8].copy_from_slice(&[4, 0, 0x28, 0, 0x10, 0, 0, 0]);
        call[74] = 20;
        assert_eq!(rule(dce_rpc_datagram(&shot(&call))), "no", "a datagram of zeros is no call");
        call[40..56].fill(7);
        assert_eq!(rule(dce_rpc_datagram(&shot(&call))), "dcerpc.datagram");
    }
}
