//! DHCP messages (RFC 2131 §2) and those of their options that tell what a client is (RFC 2132).

use crate::detect::dhcp::{DhcpOptions, options};

/// Option code: how long a lease holds, in seconds (RFC 2132 §9.2).
const LEASE_TIME: u8 = 51;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// A client asks; else a server answers.
    pub from_client: bool,
    /// The client's Ethernet address.
    pub client_mac: Option<[u8; 6]>,
    /// RFC 2132 §9.6; none in BOOTP.
    pub kind: Option<u8>,
    /// Option 12.
    pub host_name: Option<&'a [u8]>,
    /// Option 55: the options that the client wants, in its order.
    pub parameters: Option<&'a [u8]>,
    /// Option 60.
    pub vendor_class: Option<&'a [u8]>,
    /// Option 50.
    pub requested_address: Option<[u8; 4]>,
    /// Option 51, in seconds.
    pub lease_s: Option<u32>,
}

impl<'a> Message<'a> {
    /// Reads a datagram; `None` if it has no options of DHCP.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        const ETHERNET: [u8; 2] = [1, 6];
        let head = bytes.first_chunk::<240>()?;
        let mut message = Self {
            from_client: head[0] == 1,
            client_mac: (head[1..3] == ETHERNET)
                .then(|| [head[28], head[29], head[30], head[31], head[32], head[33]]),
            kind: None,
            host_name: None,
            parameters: None,
            vendor_class: None,
            requested_address: None,
            lease_s: None,
        };
        let mut any = false;
        for (code, value) in DhcpOptions::new(bytes) {
            any = true;
            match code {
                options::MESSAGE_TYPE => message.kind = value.first().copied(),
                options::HOST_NAME => message.host_name = Some(value),
                options::PARAMETERS => message.parameters = Some(value),
                options::VENDOR_CLASS => message.vendor_class = Some(value),
                options::REQUESTED_ADDRESS => message.requested_address = value.try_into().ok(),
                LEASE_TIME => message.lease_s = value.try_into().ok().map(u32::from_be_bytes),
                _ => {}
            }
        }
        any.then_some(message)
    }
}

/// What a message of this type is called (RFC 2132 §9.6, RFC 3203, RFC 4388, RFC 6926, RFC 7724).
pub const fn kind_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "discover",
        2 => "offer",
        3 => "request",
        4 => "decline",
        5 => "ack",
        6 => "nak",
        7 => "release",
        8 => "inform",
        9 => "force-renew",
        10 => "lease-query",
        11 => "lease-unassigned",
        12 => "lease-unknown",
        13 => "lease-active",
        14 => "bulk-lease-query",
        15 => "lease-query-done",
        16 => "active-lease-query",
        17 => "lease-query-status",
        18 => "tls",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_discover() {
        let mut bytes = vec![1, 1, 6, 0];
        bytes.resize(28, 0);
        bytes.extend([2, 0, 0, 0, 0, 9]);
        bytes.resize(236, 0);
        bytes.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 55, 2, 1, 3, 50, 4, 10, 0, 0, 7, 255]);
        let message = Message::parse(&bytes).unwrap();
        assert!(message.from_client);
        assert_eq!(message.client_mac, Some([2, 0, 0, 0, 0, 9]));
        assert_eq!(message.kind.and_then(kind_name), Some("discover"));
        assert_eq!(message.parameters, Some(&[1, 3][..]));
        assert_eq!(message.requested_address, Some([10, 0, 0, 7]));
        assert_eq!((message.lease_s, message.host_name), (None, None));
        assert_eq!(Message::parse(&bytes[..240]), None, "no option");
        assert_eq!(kind_name(19), None);
    }
}
