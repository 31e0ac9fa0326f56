//! Remote desktops: RDP ([MS-RDPBCGR]) and VNC (RFC 6143).

use super::{Look, Said, mentions};
use crate::walk::be16;

/// An X.224 connection request or confirm in TPKT (RFC 1006, [MS-RDPBCGR] 2.2.1.1): its type and what follows.
fn connection(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let head = bytes.first_chunk::<11>()?;
    let len = usize::from(be16(head, 2));
    let [version, reserved, _, _, indicator, kind, ..] = *head;
    let sound = version == 3 && reserved == 0 && len >= 11 && usize::from(indicator) + 5 == len;
    let class = head[10];
    let body = bytes.get(11..len).unwrap_or(bytes.get(11..)?);
    (sound && class == 0).then_some((kind & 0xf0, body))
}

/// RDP: a connection request with a cookie or a request to negotiate; without either, other protocols over TPKT
/// begin alike, and the confirm tells.
pub fn rdp(said: &Said<'_>) -> Look {
    const REQUEST: u8 = 0xe0;
    const CONFIRM: u8 = 0xd0;
    const NEGOTIATION: [[u8; 4]; 3] = [[1, 0, 8, 0], [1, 1, 8, 0], [1, 8, 8, 0]];
    let answer = connection(said.server);
    let Some((REQUEST, body)) = connection(said.client) else {
        let may = |bytes: &[u8]| bytes.len() < 11 && [3, 0].iter().zip(bytes).all(|(a, b)| a == b);
        let confirms =
            matches!(answer, Some((CONFIRM, body)) if body.first() == Some(&2) && body.len() >= 8);
        return match (may(said.client), confirms) {
            (true, true) => Look::likely("rdp.confirm"),
            (true, false) if may(said.server) => Look::More,
            _ => Look::No,
        };
    };
    let begins = |body: &[u8]| NEGOTIATION.iter().any(|request| body.starts_with(request));
    let negotiates = begins(body)
        || body.windows(8).any(|part| part.ends_with(b"\x01\x00\x08\x00") || begins(part));
    if mentions(body, b"Cookie: mstshash=") || mentions(body, b"Cookie: msts=") {
        return Look::sure("rdp.cookie");
    }
    if negotiates {
        return Look::sure("rdp.negotiation");
    }
    let whole =
        said.client.get(2..).and_then(<[u8]>::first_chunk::<2>).map_or(0, |len| be16(len, 0));
    if said.client.len() < usize::from(whole) && said.client.len() < 300 {
        return Look::More;
    }
    match answer {
        Some((CONFIRM, _)) if body.is_empty() => Look::likely("rdp.connection"),
        _ if body.is_empty() && said.server.len() < 11 => Look::More,
        _ => Look::No,
    }
}

/// VNC: the server names its version, such as `RFB 003.008`.
pub fn vnc(said: &Said<'_>) -> Look {
    let version = |bytes: &[u8]| {
        bytes
            .iter()
            .zip(b"RFB 000.000\n")
            .all(|(&byte, &like)| if like == b'0' { byte.is_ascii_digit() } else { byte == like })
    };
    if !version(said.server) || !version(said.client) {
        return Look::No;
    }
    if said.server.len() >= 12 { Look::sure("vnc.version") } else { Look::More }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hex, rule, said};
    use super::*;

    #[test]
    fn rdp_connections() {
        let mut cookie = hex("0300002b 26e00000000000");
        cookie.extend(b"Cookie: mstshash=eltons\r\n");
        cookie.extend(hex("0100080000000000"));
        cookie[3] = cookie.len() as u8;
        cookie[4] = cookie.len() as u8 - 5;
        assert_eq!(rule(rdp(&said(&cookie, b""))), "rdp.cookie");
        let negotiation = hex("03000013 0ee00000000000 0100080003000000");
        assert_eq!(rule(rdp(&said(&negotiation, b""))), "rdp.negotiation");
        let bare = hex("0300000b 06e00000000000");
        assert_eq!(rule(rdp(&said(&bare, b""))), "more");
        let confirm = hex("0300000b 06d00000123400");
        assert_eq!(rule(rdp(&said(&bare, &confirm))), "rdp.connection");
        // A programmable controller: transport selectors behind the request.
        let other = hex("03000016 11e00000000100 c1020100c2020102c0010a");
        assert_eq!(rule(rdp(&said(&other, b""))), "no");
    }

    #[test]
    fn vnc_versions() {
        assert_eq!(rule(vnc(&said(b"", b"RFB 003.008\n"))), "vnc.version");
        assert_eq!(rule(vnc(&said(b"", b"RFB 003"))), "more");
        assert_eq!(rule(vnc(&said(b"GET ", b"RFB 003.008\n"))), "no");
    }
}
