//! Addresses, five-tuples and the key that both directions of a flow share.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IP version 4 or 6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum IpVersion {
    /// RFC 791.
    #[default]
    V4 = 4,
    /// RFC 8200.
    V6 = 6,
}

/// An IP address in 16 bytes, network order; IPv4 lies in the last four, the rest zero.
///
/// The version is told by the tuple or packet that holds it, so that an IPv4-mapped IPv6 address
/// never equals the IPv4 address it maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Addr(pub [u8; 16]);

impl Addr {
    /// From four bytes in network order.
    #[inline]
    pub const fn v4(b: [u8; 4]) -> Self {
        // One shift of one number: compilers take an array of single bytes apart.
        Self(((u32::from_le_bytes(b) as u128) << 96).to_le_bytes())
    }

    /// The last four bytes: an IPv4 address in network order.
    #[inline]
    pub const fn v4_bytes(self) -> [u8; 4] {
        [self.0[12], self.0[13], self.0[14], self.0[15]]
    }

    /// Whether it names a group of hosts (RFC 5771, RFC 4291 §2.7).
    #[inline]
    pub const fn is_multicast(self, version: IpVersion) -> bool {
        match version {
            IpVersion::V4 => self.0[12] >> 4 == 0xe,
            IpVersion::V6 => self.0[0] == 0xff,
        }
    }

    /// As the standard library's address of the given version.
    pub const fn to_std(self, version: IpVersion) -> IpAddr {
        match version {
            IpVersion::V4 => {
                let b = self.v4_bytes();
                IpAddr::V4(Ipv4Addr::new(b[0], b[1], b[2], b[3]))
            }
            IpVersion::V6 => IpAddr::V6(Ipv6Addr::from_octets(self.0)),
        }
    }
}

impl From<IpAddr> for Addr {
    fn from(addr: IpAddr) -> Self {
        match addr {
            IpAddr::V4(v4) => Self::v4(v4.octets()),
            IpAddr::V6(v6) => Self(v6.octets()),
        }
    }
}

/// Directed addresses, ports and protocol.
///
/// Ports are 0 where the protocol has none. ICMP and `ICMPv6` put what tells one exchange from another
/// there, see `rheos-wire`'s `icmp`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FiveTuple {
    /// Source address.
    pub src: Addr,
    /// Destination address.
    pub dst: Addr,
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// IANA protocol number of the header that follows IP (and its extension headers).
    pub protocol: u8,
    /// Version of both addresses.
    pub version: IpVersion,
}

impl FiveTuple {
    /// The same tuple seen from the other end.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self {
            src: self.dst,
            dst: self.src,
            src_port: self.dst_port,
            dst_port: self.src_port,
            ..self
        }
    }

    /// Source address for people and standard-library calls.
    pub const fn src_ip(&self) -> IpAddr {
        self.src.to_std(self.version)
    }

    /// Destination address for people and standard-library calls.
    pub const fn dst_ip(&self) -> IpAddr {
        self.dst.to_std(self.version)
    }
}

/// `10.0.0.1:1234 > 10.0.0.2:80 proto 6`, IPv6 addresses in brackets.
impl fmt::Display for FiveTuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |f: &mut fmt::Formatter<'_>, ip: IpAddr, port: u16| match ip {
            IpAddr::V4(v4) => write!(f, "{v4}:{port}"),
            IpAddr::V6(v6) => write!(f, "[{v6}]:{port}"),
        };
        side(f, self.src_ip(), self.src_port)?;
        f.write_str(" > ")?;
        side(f, self.dst_ip(), self.dst_port)?;
        write!(f, " proto {}", self.protocol)
    }
}

/// Which way a packet goes, as seen from a [`FlowKey`] or from a flow's initiator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Direction {
    /// From the key's lower endpoint, or from the flow's initiator.
    #[default]
    Forward = 0,
    /// The other way.
    Backward = 1,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Forward => Self::Backward,
            Self::Backward => Self::Forward,
        }
    }

    /// 0 forward, 1 backward: for arrays with one entry per direction.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// The two endpoints in order, so that both directions of a flow have the same key,
/// with what policy adds to it (VLAN, tunnel).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey {
    /// The five-tuple with the lower (address, port) as source.
    pub tuple: FiveTuple,
    /// Outer VLAN id in the high, inner in the low 16 bits; 0 when VLANs do not key.
    pub vlan: u32,
    /// Tunnel id (VNI, TEID, GRE key, ...) mixed with its kind; 0 when tunnels do not key.
    pub tunnel: u64,
}

impl FlowKey {
    /// Orders the endpoints of `tuple`; the direction tells whether its source is the lower one.
    #[inline]
    pub fn new(tuple: FiveTuple, vlan: u32, tunnel: u64) -> (Self, Direction) {
        if (tuple.src, tuple.src_port) <= (tuple.dst, tuple.dst_port) {
            (Self { tuple, vlan, tunnel }, Direction::Forward)
        } else {
            (Self { tuple: tuple.reversed(), vlan, tunnel }, Direction::Backward)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple() -> FiveTuple {
        FiveTuple {
            src: Addr::v4([10, 0, 0, 2]),
            dst: Addr::v4([10, 0, 0, 1]),
            src_port: 1234,
            dst_port: 80,
            protocol: 6,
            version: IpVersion::V4,
        }
    }

    #[test]
    fn both_directions_share_the_key() {
        let (there, d1) = FlowKey::new(tuple(), 7, 9);
        let (back, d2) = FlowKey::new(tuple().reversed(), 7, 9);
        assert_eq!(there, back);
        assert_eq!(d1, Direction::Backward);
        assert_eq!(d2, Direction::Forward);
    }

    #[test]
    fn mapped_ipv6_is_not_ipv4() {
        let v4: Addr = "1.2.3.4".parse::<IpAddr>().unwrap().into();
        let mapped: Addr = "::ffff:1.2.3.4".parse::<IpAddr>().unwrap().into();
        assert_ne!(v4, mapped);
        assert_eq!(v4.to_std(IpVersion::V4).to_string(), "1.2.3.4");
    }

    #[test]
    fn display_names_both_ends() {
        assert_eq!(tuple().to_string(), "10.0.0.2:1234 > 10.0.0.1:80 proto 6");
    }
}
