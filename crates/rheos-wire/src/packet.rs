//! A decoded frame: a typed summary plus offsets into the bytes it was read from.

use rheos_core::{Addr, DropReason, FiveTuple, IpVersion, Timestamp};

/// A header that was walked on the way to the packet's key, in wire order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Layer {
    /// No layer: fills the unused places of [`Layers`].
    #[default]
    None = 0,
    /// Ethernet II or IEEE 802.3.
    Ethernet,
    /// IEEE 802.1Q or 802.1ad tag.
    Vlan,
    /// IEEE 802.1ah backbone service tag.
    Pbb,
    /// MPLS label stack entry.
    Mpls,
    /// PPP over Ethernet (RFC 2516).
    Pppoe,
    /// PPP (RFC 1661).
    Ppp,
    /// Cisco HDLC.
    Chdlc,
    /// Linux cooked capture, either version.
    Cooked,
    /// BSD or OpenBSD loopback header.
    Loopback,
    /// IEEE 802.11 data frame.
    Wifi,
    /// RFC 791.
    Ipv4,
    /// RFC 8200.
    Ipv6,
    /// IPsec authentication header (RFC 4302).
    Ah,
    /// IPsec encapsulating security payload (RFC 4303).
    Esp,
    /// RFC 2784, 2890 and version 1 (RFC 2637).
    Gre,
    /// ERSPAN types I to III.
    Erspan,
    /// RFC 7348.
    Vxlan,
    /// RFC 8926.
    Geneve,
    /// 3GPP TS 29.281.
    GtpU,
    /// RFC 4380.
    Teredo,
    /// RFC 2661 and 3931.
    L2tp,
    /// AYIYA (SixXS).
    Ayiya,
    /// RFC 3378.
    EtherIp,
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
    /// RFC 3828.
    UdpLite,
    /// RFC 9260.
    Sctp,
    /// RFC 792.
    Icmp,
    /// RFC 4443.
    Icmpv6,
    /// RFC 3376 and its elders.
    Igmp,
    /// Any other IP protocol.
    Other,
}

impl Layer {
    /// Short upper-case name as header descriptions print it: `ETH`, `VLAN`, `IP`, `IP6`, `TCP`, ...
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Ethernet => "ETH",
            Self::Vlan => "VLAN",
            Self::Pbb => "PBB",
            Self::Mpls => "MPLS",
            Self::Pppoe => "PPPOE",
            Self::Ppp => "PPP",
            Self::Chdlc => "CHDLC",
            Self::Cooked => "SLL",
            Self::Loopback => "LOOP",
            Self::Wifi => "WLAN",
            Self::Ipv4 => "IP",
            Self::Ipv6 => "IP6",
            Self::Ah => "AH",
            Self::Esp => "ESP",
            Self::Gre => "GRE",
            Self::Erspan => "ERSPAN",
            Self::Vxlan => "VXLAN",
            Self::Geneve => "GENEVE",
            Self::GtpU => "GTPU",
            Self::Teredo => "TEREDO",
            Self::L2tp => "L2TP",
            Self::Ayiya => "AYIYA",
            Self::EtherIp => "ETHERIP",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::UdpLite => "UDPLITE",
            Self::Sctp => "SCTP",
            Self::Icmp => "ICMP",
            Self::Icmpv6 => "ICMP6",
            Self::Igmp => "IGMP",
            Self::Other => "PROTO",
        }
    }
}

/// How many layers one packet can name; deeper ones are walked but not named.
pub const LAYERS_MAX: usize = 15;

/// The headers of a packet in wire order, at most [`LAYERS_MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Layers {
    kinds: [Layer; LAYERS_MAX],
    len: u8,
}

impl Layers {
    /// These headers, at most [`LAYERS_MAX`].
    pub(crate) const fn of<const N: usize>(layers: [Layer; N]) -> Self {
        let mut kinds = [Layer::None; LAYERS_MAX];
        let mut at = 0;
        while at < N {
            kinds[at] = layers[at];
            at += 1;
        }
        Self { kinds, len: N as u8 }
    }

    /// Adds the next header; beyond [`LAYERS_MAX`] it is forgotten.
    #[inline]
    pub fn push(&mut self, layer: Layer) {
        if let Some(place) = self.kinds.get_mut(self.len as usize) {
            *place = layer;
            self.len += 1;
        }
    }

    /// Takes the last header back.
    #[inline]
    pub fn pop(&mut self) {
        self.truncate(usize::from(self.len.saturating_sub(1)));
    }

    /// The headers, outermost first.
    #[inline]
    pub fn as_slice(&self) -> &[Layer] {
        &self.kinds[..self.len as usize]
    }

    /// Forgets all but the first `len` headers.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        if let Some(forgotten) = self.kinds.get_mut(len..usize::from(self.len)) {
            // So that equal layers are equal values.
            forgotten.fill(Layer::None);
            self.len = len as u8;
        }
    }
}

/// What a tunnel is, for the outer tuple that is kept and for the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TunnelKind {
    /// GRE without ERSPAN, id = key.
    Gre = 1,
    /// ERSPAN, id = session.
    Erspan,
    /// VXLAN, id = VNI.
    Vxlan,
    /// GENEVE, id = VNI.
    Geneve,
    /// GTP-U, id = TEID.
    GtpU,
    /// Teredo.
    Teredo,
    /// IP in IP, all four mixes.
    IpInIp,
    /// L2TP, id = tunnel and session.
    L2tp,
    /// AYIYA.
    Ayiya,
    /// Ethernet in IP.
    EtherIp,
    /// MPLS in IP or UDP, id = label on top of the stack.
    Mpls,
}

impl TunnelKind {
    /// Lower-case name for columns and summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::GtpU => "gtpu",
            Self::Teredo => "teredo",
            Self::IpInIp => "ipip",
            Self::L2tp => "l2tp",
            Self::Ayiya => "ayiya",
            Self::EtherIp => "etherip",
            Self::Mpls => "mpls",
        }
    }
}

/// The tunnel directly around the packet that keys the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tunnel {
    /// Which encapsulation.
    pub kind: TunnelKind,
    /// How many tunnels lie around the packet; 1 when this is the only one.
    pub depth: u8,
    /// VNI, TEID, GRE key, ERSPAN or L2TP session, MPLS label; 0 where there is none.
    pub id: u32,
    /// The tuple of the packet that carries this tunnel.
    pub outer: FiveTuple,
}

/// What is worth knowing of a TCP header; zero in other packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpHeader {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Window as sent, without scaling.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// The nine flags: AE (NS) in bit 8, then CWR ECE URG ACK PSH RST SYN FIN.
    pub flags: u16,
    /// Header length in bytes, options included: 20 to 60.
    pub header_len: u8,
}

/// TCP flag bits of [`TcpHeader::flags`] (RFC 9293 §3.1, RFC 3168, RFC 3540).
pub mod tcp_flags {
    /// No more data from the sender.
    pub const FIN: u16 = 0x001;
    /// Synchronise sequence numbers.
    pub const SYN: u16 = 0x002;
    /// Reset.
    pub const RST: u16 = 0x004;
    /// Push.
    pub const PSH: u16 = 0x008;
    /// The acknowledgement number is meant.
    pub const ACK: u16 = 0x010;
    /// The urgent pointer is meant.
    pub const URG: u16 = 0x020;
    /// ECN echo.
    pub const ECE: u16 = 0x040;
    /// Congestion window reduced.
    pub const CWR: u16 = 0x080;
    /// Accurate ECN, once the nonce sum.
    pub const AE: u16 = 0x100;
}

/// What was found by verifying checksums; nothing is set where verification was off or impossible
/// (cut capture, fragment, segmentation offload).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChecksumState {
    /// The wrong checksum, as the reason under which it is counted: the lowest layer's first.
    pub wrong: Option<DropReason>,
    /// The transport checksum is wrong but equals the bare pseudo-header sum: the sender's network
    /// card was to fill it in; or the IPv4 header checksum is 0 for the same reason. Not counted as wrong.
    pub offloaded: bool,
}

/// A decoded frame.
///
/// Offsets count from the start of the bytes that were decoded: the frame, or the reassembled
/// datagram when `reassembled` is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Packet {
    /// Capture time.
    pub ts: Timestamp,
    /// Number of the frame in its stream, counted from 0.
    pub index: u64,
    /// Addresses, ports and protocol of the layer that keys the flow.
    pub tuple: FiveTuple,
    /// Bytes of the frame on the wire, link header and padding included.
    pub wire_len: u32,
    /// Bytes from the IP header on, by the IP header's own length: no link padding.
    /// By the frame's wire length when that field is 0 (segmentation offload, jumbograms without option).
    pub ip_len: u32,
    /// Transport payload by the IP length; for protocols without a known header, all after IP.
    pub payload_len: u32,
    /// Where the link header that directly carries the keyed IP packet begins (0 when there is none).
    pub l2_offset: u32,
    /// Where the keyed IP header begins.
    pub l3_offset: u32,
    /// Where the transport header begins.
    pub l4_offset: u32,
    /// Where the payload begins.
    pub payload_offset: u32,
    /// Payload bytes that were captured: at most `payload_len`.
    pub payload_cap_len: u32,
    /// The TCP header when `tuple.protocol` is 6.
    pub tcp: TcpHeader,
    /// IPv4 identification, or that of an IPv6 fragment header.
    pub ip_id: u32,
    /// ICMP or ICMPv6 type; the ports hold what keys it.
    pub icmp_type: u8,
    /// ICMP or ICMPv6 code.
    pub icmp_code: u8,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Type of service, or traffic class.
    pub tos: u8,
    /// The three IPv4 flag bits: reserved 4, DF 2, MF 1.
    pub ip_flags: u8,
    /// This datagram was put together from this many fragments; 0 when it came whole.
    pub fragments: u16,
    /// Offsets point into a reassembled datagram, not into the frame.
    pub reassembled: bool,
    /// The IP length field was 0 and `ip_len` comes from the wire length.
    pub offload_len: bool,
    /// VLAN ids outermost first; 0 where there is no tag. Of the layers around the keyed packet.
    pub vlan: [u16; 2],
    /// How many VLAN tags there were, also beyond two.
    pub vlan_count: u8,
    /// The tunnel directly around this packet.
    pub tunnel: Option<Tunnel>,
    /// The walked headers.
    pub layers: Layers,
    /// What verification said.
    pub checksum: ChecksumState,
    /// Further subframes of an 802.11 aggregate (A-MSDU), which are not read: one frame gives one packet. Set whatever
    /// became of the frame.
    pub subframes_unread: u8,
}

impl Packet {
    /// The captured payload within the bytes this packet was decoded from.
    #[inline]
    pub fn payload<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.payload_offset as usize;
        bytes.get(start..start + self.payload_cap_len as usize).unwrap_or(&[])
    }

    /// The TCP options within the bytes this packet was decoded from; empty for other protocols.
    #[inline]
    pub fn tcp_options<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.l4_offset as usize;
        if self.tcp.header_len <= 20 {
            return &[];
        }
        bytes.get(start + 20..start + usize::from(self.tcp.header_len)).unwrap_or(&[])
    }

    /// Whether all of `flags` are set in the TCP header.
    #[inline]
    pub const fn has_tcp_flags(&self, flags: u16) -> bool {
        self.tcp.flags & flags == flags
    }
}

/// One fragment, as far as it can be told before reassembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Source address.
    pub src: Addr,
    /// Destination address.
    pub dst: Addr,
    /// Version of both.
    pub version: IpVersion,
    /// Protocol (IPv4) or next header after the fragment header (IPv6).
    pub protocol: u8,
    /// Identification.
    pub id: u32,
    /// Offset of this fragment's data in the datagram's payload, in bytes.
    pub offset: u32,
    /// More fragments follow.
    pub more: bool,
    /// Where the IP header begins in the decoded bytes.
    pub l3_offset: u32,
    /// Bytes of the unfragmentable part: IPv4 header, or IPv6 header and the extensions before the fragment header.
    pub header_len: u32,
    /// Where this fragment's data begins in the decoded bytes.
    pub data_offset: u32,
    /// This fragment's data by the IP length.
    pub data_len: u32,
    /// Captured bytes of it: less than `data_len` when the capture cut it.
    pub data_cap_len: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_that_were_taken_back_leave_no_trace() {
        let mut one = Layers::default();
        one.push(Layer::Ethernet);
        let mut two = one;
        two.push(Layer::Ipv4);
        two.push(Layer::Udp);
        two.pop();
        two.truncate(1);
        two.truncate(7);
        assert_eq!(one, two);
        assert_eq!(two.as_slice(), [Layer::Ethernet]);
    }

    #[test]
    fn layers_beyond_the_limit_are_forgotten() {
        let mut layers = Layers::default();
        for _ in 0..LAYERS_MAX + 3 {
            layers.push(Layer::Mpls);
        }
        assert_eq!(layers.as_slice().len(), LAYERS_MAX);
    }
}
