//! Why a frame became no packet of a flow: a closed list, so that each reason is a counter and a
//! metric label. Malformed traffic is a counted outcome, never an error.

/// Declares the enum, its labels and its meanings in one table.
macro_rules! drop_reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $label:literal,)+) => {
        /// Why a frame became no packet of a flow.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum DropReason { $($(#[doc = $doc])+ $name,)+ }

        impl DropReason {
            /// Every reason, in the order of the layers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The reason as metric label and in summaries: `layer.what`.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            /// What it means, for the reference page.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc,)+).trim_ascii(),)+ }
            }
        }
    };
}

drop_reasons! {
    /// The link type is one that Rheos does not read.
    LinkUnsupported = "link.unsupported",
    /// The frame ends inside a link-layer header (Ethernet, VLAN, MPLS, PPP, PPPoE, cooked, 802.11).
    LinkTruncated = "link.truncated",
    /// The link-layer header contradicts itself.
    LinkMalformed = "link.malformed",
    /// An 802.11 frame that carries no data (management, control, null).
    WifiNoData = "wifi.no_data",
    /// An 802.11 data frame whose payload is encrypted, or is a fragment.
    WifiProtected = "wifi.protected",
    /// ARP or RARP.
    Arp = "arp",
    /// A link-layer protocol that carries no IP (LLDP, STP, IPX, loopback tests, PPP control, ...).
    NonIp = "non_ip",
    /// Raw IP whose first nibble is neither 4 nor 6, or disagrees with the layer below.
    IpVersion = "ip.version",
    /// The captured bytes end inside the IPv4 header.
    Ipv4Truncated = "ipv4.truncated",
    /// The IPv4 header length is under 20 bytes or beyond the packet.
    Ipv4HeaderLen = "ipv4.header_len",
    /// The IPv4 total length is smaller than its header.
    Ipv4TotalLen = "ipv4.total_len",
    /// The captured bytes end inside the IPv6 header.
    Ipv6Truncated = "ipv6.truncated",
    /// An IPv6 extension header runs past the packet, or the chain is longer than the limit.
    Ipv6Extension = "ipv6.extension",
    /// A fragment whose offset and length cannot be part of a datagram.
    FragmentMalformed = "fragment.malformed",
    /// Fragments overlap and the policy drops such datagrams (RFC 5722).
    FragmentOverlap = "fragment.overlap",
    /// The rest of the datagram did not come in time, or not before the end of the input.
    FragmentIncomplete = "fragment.incomplete",
    /// The reassembly memory was full and the oldest datagram had to go.
    FragmentLimit = "fragment.limit",
    /// The bytes end inside the TCP header.
    TcpTruncated = "tcp.truncated",
    /// The TCP data offset is under 20 bytes or beyond the packet.
    TcpOffset = "tcp.offset",
    /// The bytes end inside the UDP or UDP-Lite header.
    UdpTruncated = "udp.truncated",
    /// The UDP length is under 8 bytes or beyond the packet.
    UdpLength = "udp.length",
    /// The bytes end inside the ICMP or ICMPv6 header.
    IcmpTruncated = "icmp.truncated",
    /// The bytes end inside the SCTP common header.
    SctpTruncated = "sctp.truncated",
    /// A wrong IPv4 header checksum, with `--checksums drop`.
    ChecksumIpv4 = "checksum.ipv4",
    /// A wrong TCP checksum, with `--checksums drop`.
    ChecksumTcp = "checksum.tcp",
    /// A wrong UDP checksum, with `--checksums drop`.
    ChecksumUdp = "checksum.udp",
    /// A wrong ICMP or ICMPv6 checksum, with `--checksums drop`.
    ChecksumIcmp = "checksum.icmp",
    /// A wrong SCTP checksum, with `--checksums drop`.
    ChecksumSctp = "checksum.sctp",
    /// The packet does not match the filter.
    Filter = "filter",
    /// The packet was not sampled.
    Sampling = "sampling",
}

/// One count per [`DropReason`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropCounters([u64; DropReason::ALL.len()]);

impl Default for DropCounters {
    fn default() -> Self {
        Self([0; DropReason::ALL.len()])
    }
}

impl DropCounters {
    /// Counts one more.
    #[inline]
    pub fn add(&mut self, reason: DropReason) {
        self.0[reason as usize] += 1;
    }

    /// Counts `n` more.
    pub fn add_many(&mut self, reason: DropReason, n: u64) {
        self.0[reason as usize] += n;
    }

    /// How many there were for `reason`.
    pub fn get(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// How many there were for all reasons together.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The reasons that occurred, with their counts, in the order of the layers.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.iter().map(|&r| (r, self.get(r))).filter(|&(_, n)| n > 0)
    }

    /// Adds another worker's counts to these.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn labels_are_distinct_and_meanings_are_told() {
        let labels: HashSet<_> = DropReason::ALL.iter().map(|r| r.label()).collect();
        assert_eq!(labels.len(), DropReason::ALL.len());
        assert!(DropReason::ALL.iter().all(|r| r.meaning().len() > 10));
    }

    #[test]
    fn counters_merge() {
        let mut a = DropCounters::default();
        a.add(DropReason::Arp);
        let mut b = DropCounters::default();
        b.add_many(DropReason::Arp, 2);
        b.add(DropReason::Filter);
        a.merge(&b);
        assert_eq!(a.total(), 4);
        assert_eq!(a.iter().collect::<Vec<_>>(), [(DropReason::Arp, 3), (DropReason::Filter, 1)]);
    }
}
