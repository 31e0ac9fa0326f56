//! Subnets and the hosts in them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An IPv4 or IPv6 subnet; a single address is one of full length. Host bits are cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subnet {
    address: IpAddr,
    length: u8,
}

impl Subnet {
    /// The subnet of an address; `None` if the prefix is too long for it.
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        let address = match address {
            IpAddr::V4(v4) => {
                let host_bits = 32_u32.checked_sub(length.into())?;
                let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
            }
            IpAddr::V6(v6) => {
                let host_bits = 128_u32.checked_sub(length.into())?;
                let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
        };
        Some(Self { address, length })
    }

    /// Its first address.
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// Length of its prefix in bits.
    pub const fn prefix_length(self) -> u8 {
        self.length
    }

    /// Its first and its last address, IPv4 mapped to IPv6.
    pub(super) fn bounds(self) -> (u128, u128) {
        let (first, bits) = match self.address {
            IpAddr::V4(v4) => (v4.to_ipv6_mapped().to_bits(), 32),
            IpAddr::V6(v6) => (v6.to_bits(), 128),
        };
        let host_bits = bits - u32::from(self.length);
        (first, first | !u128::MAX.checked_shl(host_bits).unwrap_or(0))
    }

    /// Its first host as a subnet of its own.
    pub(super) fn first_host(self) -> Self {
        match (self.hosts_v4(), self.address) {
            (Some(hosts), _) => {
                Self { address: Ipv4Addr::from_bits(hosts.first).into(), length: 32 }
            }
            (None, IpAddr::V6(v6)) => {
                // Not the address of all zeros (RFC 4291 §2.6.1), unless there are only two (RFC 6164).
                let bits = v6.to_bits() + u128::from(self.length < 127);
                Self { address: Ipv6Addr::from_bits(bits).into(), length: 128 }
            }
            (None, IpAddr::V4(_)) => self,
        }
    }

    /// Whether it is IPv6.
    pub const fn is_ipv6(self) -> bool {
        self.address.is_ipv6()
    }

    /// The first host and how many there are. Network and broadcast address are no hosts, except of a /31
    /// (RFC 3021), where both are, and of a /32, which is its own host.
    pub(super) fn hosts_v4(self) -> Option<Hosts> {
        let IpAddr::V4(v4) = self.address else { return None };
        let base = v4.to_bits();
        Some(match self.length {
            32 => Hosts { first: base, count: 1 },
            31 => Hosts { first: base, count: 2 },
            length => Hosts {
                first: base.wrapping_add(1),
                // 2^32 - 2 of a /0 still fits.
                count: ((1_u64 << (32 - u32::from(length))) - 2) as u32,
            },
        })
    }
}

/// IPv4 hosts in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hosts {
    pub(super) first: u32,
    pub(super) count: u32,
}

/// `10.0.0.0/8`, `2001:db8::/32` or an address alone. The error says what is wrong.
impl FromStr for Subnet {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| "there is no address before the `/`")?;
        let most = if address.is_ipv6() { 128 } else { 32 };
        let length = match length {
            None => most,
            Some(length) if length.bytes().all(|b| b.is_ascii_digit()) => {
                length.parse().map_err(|_| "the prefix length is no number")?
            }
            Some(_) => return Err("the prefix length is no number"),
        };
        Self::new(address, length).ok_or("the prefix is longer than the address")
    }
}

/// `10.0.0.0/8`
impl std::fmt::Display for Subnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(text: &str) -> Hosts {
        text.parse::<Subnet>().expect("a subnet").hosts_v4().expect("IPv4")
    }

    /// The older generator gave base + 1 for both, which lies outside of a /32.
    #[test]
    fn defect_1_short_subnets_hold_their_own_addresses() {
        assert_eq!(hosts("192.0.2.7/32"), Hosts { first: 0xc000_0207, count: 1 });
        assert_eq!(hosts("192.0.2.7"), Hosts { first: 0xc000_0207, count: 1 });
        assert_eq!(hosts("192.0.2.7/31"), Hosts { first: 0xc000_0206, count: 2 });
        assert_eq!(hosts("192.0.2.7/30"), Hosts { first: 0xc000_0205, count: 2 });
        assert_eq!(hosts("192.0.2.77/24"), Hosts { first: 0xc000_0201, count: 254 });
    }

    /// 2^32 - 1 as a signed number was -1.
    #[test]
    fn defect_2_the_whole_internet_is_a_subnet() {
        assert_eq!(hosts("0.0.0.0/0"), Hosts { first: 1, count: u32::MAX - 1 });
    }

    #[test]
    fn what_is_no_subnet_is_told() {
        for (text, part) in [
            ("10.0.0.0/33", "longer"),
            ("::/129", "longer"),
            ("10.0.0.0/x", "no number"),
            ("10.0.0.0/+8", "no number"),
            ("10.0.0.0/", "no number"),
            ("10.0.0/8", "no address"),
            ("", "no address"),
            ("10.0.0.0/300", "no number"),
        ] {
            let error = text.parse::<Subnet>().expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
        let v6: Subnet = "2001:db8::7/64".parse().expect("a subnet");
        assert_eq!((v6.to_string(), v6.hosts_v4()), ("2001:db8::/64".to_owned(), None));
    }
}
