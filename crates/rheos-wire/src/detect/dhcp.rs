//! DHCP (RFC 2131, RFC 2132) and DHCPv6 (RFC 8415).

use super::{Look, Shot};
use crate::walk::{be16, be32};

/// Before the options of a DHCP message.
const FIXED: usize = 240;
/// First four bytes of the options (RFC 1497).
const COOKIE: u32 = 0x6382_5363;

/// DHCP option codes.
pub mod options {
    /// Name of the client's host.
    pub const HOST_NAME: u8 = 12;
    /// The address that is asked for.
    pub const REQUESTED_ADDRESS: u8 = 50;
    /// What message it is.
    pub const MESSAGE_TYPE: u8 = 53;
    /// Which options the client wants, in its order.
    pub const PARAMETERS: u8 = 55;
    /// What kind of client it is.
    pub const VENDOR_CLASS: u8 = 60;
}

/// A DHCP message's options (RFC 2132), padding left out; ends at the end option or the first that does not fit.
#[derive(Clone, Debug)]
pub struct DhcpOptions<'a> {
    rest: &'a [u8],
}

impl<'a> DhcpOptions<'a> {
    /// Those of the message in `bytes`; none where it is no DHCP message.
    pub fn new(bytes: &'a [u8]) -> Self {
        let cookie = bytes.get(FIXED - 4..).and_then(<[u8]>::first_chunk::<4>);
        let is = cookie.is_some_and(|cookie| be32(cookie, 0) == COOKIE);
        Self { rest: if is { bytes.get(FIXED..).unwrap_or_default() } else { &[] } }
    }

    /// The value of the first option with this code.
    pub fn get(&self, code: u8) -> Option<&'a [u8]> {
        self.clone().find(|&(own, _)| own == code).map(|(_, value)| value)
    }
}

impl<'a> Iterator for DhcpOptions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        const PAD: u8 = 0;
        const END: u8 = 255;
        loop {
            match self.rest {
                [PAD, rest @ ..] => self.rest = rest,
                [END, ..] | [] | [_] => return None,
                [code, len, rest @ ..] => {
                    let Some((value, rest)) = rest.split_at_checked(usize::from(*len)) else {
                        self.rest = &[];
                        return None;
                    };
                    self.rest = rest;
                    return Some((*code, value));
                }
            }
        }
    }
}

/// DHCP: a request or reply with a sound hardware address, the cookie, and a message type; BOOTP without one.
pub fn dhcp(shot: &Shot<'_>) -> Look {
    let Some(head) = shot.bytes.first_chunk::<FIXED>() else { return Look::No };
    let cookie = be32(head, FIXED - 4) == COOKIE;
    if !matches!(head[0], 1 | 2) || head[2] > 16 || !cookie {
        return Look::No;
    }
    match DhcpOptions::new(shot.bytes).get(options::MESSAGE_TYPE) {
        Some([1..=18]) => Look::sure("dhcp.message"),
        Some(_) => Look::No,
        None => Look::likely("dhcp.bootp"),
    }
}

/// DHCPv6: a known message, and options that fill it exactly, one of which names a client, a server, or relays.
pub fn dhcpv6(shot: &Shot<'_>) -> Look {
    let bytes = shot.bytes;
    let fixed = match bytes.first() {
        Some(1..=11) => 4,
        // Relays: hops, link and peer address.
        Some(12 | 13) => 34,
        _ => return Look::No,
    };
    let mut known = false;
    let Some(mut rest) = bytes.get(fixed..).filter(|rest| !rest.is_empty()) else {
        return Look::No;
    };
    // Each turn takes four bytes at least.
    while let Some((head, after)) = rest.split_first_chunk::<4>() {
        let (code, len) = (be16(head, 0), usize::from(be16(head, 2)));
        // Assigned up to 147.
        if code == 0 || code > 160 {
            return Look::No;
        }
        known |= match code {
            // A DHCP unique identifier of type 1 to 4.
            1 | 2 => matches!(after, [0, 1..=4, ..]) && len > 2,
            9 => fixed == 34 && len > 4,
            _ => false,
        };
        match after.get(len..) {
            Some(after) => rest = after,
            None if !shot.is_whole() => return Look::likely("dhcpv6.options").when(known),
            None => return Look::No,
        }
    }
    let ports = shot.has_port(546) || shot.has_port(547);
    let look = if ports { Look::sure("dhcpv6.options") } else { Look::likely("dhcpv6.options") };
    look.when(known && rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hex, rule, shot};
    use super::*;

    fn discover() -> Vec<u8> {
        let mut bytes = vec![1, 1, 6, 0];
        bytes.resize(236, 0);
        bytes
            .extend(hex("63825363 350101 0c03 61 62 63 00 3c04 4d534654 3704 01 03 06 0f ff 0000"));
        bytes
    }

    #[test]
    fn leases() {
        let bytes = discover();
        assert_eq!(rule(dhcp(&shot(&bytes))), "dhcp.message");
        let found = DhcpOptions::new(&bytes);
        assert_eq!(found.get(options::HOST_NAME), Some(&b"abc"[..]));
        assert_eq!(found.get(options::VENDOR_CLASS), Some(&b"MSFT"[..]));
        assert_eq!(found.get(options::PARAMETERS), Some(&[1, 3, 6, 15][..]));
        assert_eq!(found.get(options::REQUESTED_ADDRESS), None);
        assert_eq!(found.count(), 4);
        let mut bootp = bytes.clone();
        bootp.truncate(240);
        assert_eq!(rule(dhcp(&shot(&bootp))), "dhcp.bootp");
        let mut other = bytes;
        other[236] = 0;
        assert_eq!(rule(dhcp(&shot(&other))), "no");
        assert_eq!(DhcpOptions::new(&other).count(), 0);
    }

    #[test]
    fn leases_version_6() {
        let solicit = hex(
            "01 100874 0001000e 0001 0001 1c39cf88 080027fe8f95 0006 0004 0017 0018 0008 0002 0000",
        );
        assert_eq!(rule(dhcpv6(&shot(&solicit))), "dhcpv6.options");
        assert_eq!(rule(dhcpv6(&shot(&solicit[..solicit.len() - 1]))), "no");
        assert_eq!(rule(dhcpv6(&shot(&[&solicit[..], &[0]].concat()))), "no");
        assert_eq!(rule(dhcpv6(&shot(&hex("01 100874 0008 0002 0000")))), "no", "nobody is named");
    }
}
