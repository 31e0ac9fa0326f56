//! Flow records as a router or a generator tells them: one direction, fixed size, plain fields.
//!
//! Both are `#[repr(C)]` without padding, so that C, C++ and NumPy share them without a copy. A layout never
//! changes; [`RECORD_ABI`] would count a new one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytemuck::{Pod, Zeroable};

/// The version of both layouts.
pub const RECORD_ABI: u32 = 1;

/// One generated IPv4 flow in 32 bytes: two to a cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(C)]
pub struct FlowRecord {
    /// Nanoseconds since the Unix epoch.
    pub timestamp: u64,
    /// IPv4 address as a number in host order: `192.168.1.1` is `0xc0a8_0101`.
    pub source_ip: u32,
    /// IPv4 address as a number in host order.
    pub destination_ip: u32,
    /// TCP or UDP port.
    pub source_port: u16,
    /// TCP or UDP port.
    pub destination_port: u16,
    /// Length in bytes.
    pub packet_length: u32,
    /// IANA protocol number.
    pub protocol: u8,
    /// Bits of `RecordFlags`.
    pub flags: u8,
    /// Which of the generator's patterns made it: an index into its configuration.
    pub pattern: u8,
    /// TCP flags seen, as in the TCP header (RFC 9293 §3.1); 0 where unknown.
    pub tcp_flags: u8,
    /// Which generator or exporter made it.
    pub stream_id: u32,
}

/// One direction of a flow with its totals, IPv4 or IPv6, in 96 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(C)]
pub struct WideRecord {
    /// First packet: nanoseconds since the Unix epoch.
    pub first: u64,
    /// Last packet: nanoseconds since the Unix epoch, not before `first`.
    pub last: u64,
    /// Octets of all IP packets.
    pub bytes: u64,
    /// Number of packets.
    pub packets: u64,
    /// The same for both directions and all parts of one conversation; 0 where unknown.
    pub flow_id: u64,
    /// Source address in network order; IPv4 as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2), see `flags`.
    pub source_ip: [u8; 16],
    /// Destination address, like the source's.
    pub destination_ip: [u8; 16],
    /// Which generator or exporter made it.
    pub stream_id: u32,
    /// SNMP index of the interface it came in by.
    pub input_interface: u16,
    /// SNMP index of the interface it left by.
    pub output_interface: u16,
    /// TCP, UDP or SCTP port; 0 for others.
    pub source_port: u16,
    /// TCP, UDP or SCTP port; type * 256 + code for ICMP.
    pub destination_port: u16,
    /// IANA protocol number.
    pub protocol: u8,
    /// All TCP flags of its packets, by OR.
    pub tcp_flags: u8,
    /// Type of service (IPv4) or traffic class (IPv6).
    pub tos: u8,
    /// Bits of `RecordFlags`.
    pub flags: u8,
    /// Which of the generator's patterns made it: an index into its configuration.
    pub pattern: u8,
    /// Index of the ground-truth label; 0 is background.
    pub label: u8,
    /// Why it ended: IPFIX flowEndReason (IANA element 136); 0 where unknown.
    pub end_reason: u8,
    /// Length of the source network's prefix; 0 where unknown.
    pub source_prefix: u8,
    /// Autonomous system of the source; 0 where unknown.
    pub source_as: u32,
}

const _: () = {
    assert!(size_of::<FlowRecord>() == 32);
    assert!(align_of::<FlowRecord>() == 8);
    assert!(size_of::<WideRecord>() == 96);
    assert!(align_of::<WideRecord>() == 8);
};

/// Bits of the `flags` of both records.
#[derive(Clone, Copy, Debug)]
pub struct RecordFlags;

/// The C header has its own names for these.
///
/// cbindgen:ignore
impl RecordFlags {
    /// It runs against the direction that its pattern drew: from the server.
    pub const REVERSED: u8 = 1;
    /// Its addresses are IPv6.
    pub const IPV6: u8 = 1 << 1;
    /// A later part of a flow that the active timeout has cut.
    pub const CONTINUED: u8 = 1 << 2;
}

impl Default for WideRecord {
    /// All zero, of IPv4 addresses `0.0.0.0`.
    fn default() -> Self {
        Self {
            first: 0,
            last: 0,
            bytes: 0,
            packets: 0,
            flow_id: 0,
            source_ip: Self::mapped(0),
            destination_ip: Self::mapped(0),
            stream_id: 0,
            input_interface: 0,
            output_interface: 0,
            source_port: 0,
            destination_port: 0,
            protocol: 0,
            tcp_flags: 0,
            tos: 0,
            flags: 0,
            pattern: 0,
            label: 0,
            end_reason: 0,
            source_prefix: 0,
            source_as: 0,
        }
    }
}

impl FlowRecord {
    /// The source address.
    pub const fn source(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.source_ip)
    }

    /// The destination address.
    pub const fn destination(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.destination_ip)
    }

    /// Whether it runs against the direction that its pattern drew.
    pub const fn is_reversed(&self) -> bool {
        self.flags & RecordFlags::REVERSED != 0
    }
}

impl WideRecord {
    /// An IPv4 address (a number in host order) as the records hold it.
    #[inline]
    pub const fn mapped(v4: u32) -> [u8; 16] {
        ((0xffff_u128 << 32) | v4 as u128).to_be_bytes()
    }

    /// Whether its addresses are IPv6.
    #[inline]
    pub const fn is_ipv6(&self) -> bool {
        self.flags & RecordFlags::IPV6 != 0
    }

    /// The source address.
    pub const fn source(&self) -> IpAddr {
        self.address(self.source_ip)
    }

    /// The destination address.
    pub const fn destination(&self) -> IpAddr {
        self.address(self.destination_ip)
    }

    const fn address(&self, octets: [u8; 16]) -> IpAddr {
        if self.is_ipv6() {
            IpAddr::V6(Ipv6Addr::from_octets(octets))
        } else {
            IpAddr::V4(Ipv4Addr::from_bits(u128::from_be_bytes(octets) as u32))
        }
    }
}

/// One record as a flow of one packet.
impl From<&FlowRecord> for WideRecord {
    fn from(record: &FlowRecord) -> Self {
        Self {
            first: record.timestamp,
            last: record.timestamp,
            bytes: record.packet_length.into(),
            packets: 1,
            source_ip: Self::mapped(record.source_ip),
            destination_ip: Self::mapped(record.destination_ip),
            stream_id: record.stream_id,
            source_port: record.source_port,
            destination_port: record.destination_port,
            protocol: record.protocol,
            tcp_flags: record.tcp_flags,
            flags: record.flags,
            pattern: record.pattern,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_wide_one_of_one_packet() {
        let record = FlowRecord {
            timestamp: 1_704_067_200_000_000_001,
            source_ip: 0xc0a8_0101,
            destination_ip: 0x0a00_0001,
            source_port: 50_000,
            destination_port: 443,
            packet_length: 800,
            protocol: 6,
            flags: RecordFlags::REVERSED,
            pattern: 3,
            tcp_flags: 0x12,
            stream_id: 7,
        };
        let wide = WideRecord::from(&record);
        assert!(record.is_reversed() && !wide.is_ipv6());
        assert_eq!(wide.source(), IpAddr::V4(record.source()));
        assert_eq!(wide.destination().to_string(), "10.0.0.1");
        assert_eq!(wide.source_ip, Ipv4Addr::new(192, 168, 1, 1).to_ipv6_mapped().octets());
        assert_eq!((wide.first, wide.last), (record.timestamp, record.timestamp));
        assert_eq!((wide.packets, wide.bytes), (1, 800));
        assert_eq!((wide.pattern, wide.tcp_flags, wide.stream_id), (3, 0x12, 7));
    }

    #[test]
    fn an_ipv6_record_tells_ipv6_addresses() {
        let documentation = "2001:db8::1".parse::<Ipv6Addr>();
        let octets = documentation.map(|a| a.octets()).unwrap_or_default();
        let wide =
            WideRecord { source_ip: octets, flags: RecordFlags::IPV6, ..WideRecord::default() };
        assert_eq!(wide.source().to_string(), "2001:db8::1");
    }
}
