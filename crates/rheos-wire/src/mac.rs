//! The hardware addresses around a packet: of the Ethernet or Wi-Fi header that directly carries its IP header.
//!
//! A packet in a tunnel has those of the Ethernet frame within the tunnel, if the tunnel carries frames, and
//! none if it carries IP. Other links (PPP, cooked capture, raw IP) have none that tell both ends.

use crate::walk::be16;
use crate::{Layer, Packet};

/// An EUI-48 address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// `ff:ff:ff:ff:ff:ff`.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// Whether it names a group of stations (the I/G bit of IEEE 802), as the broadcast address does too.
    #[inline]
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// Whether somebody chose it rather than a maker's registry (the U/L bit of IEEE 802).
    #[inline]
    pub const fn is_local(self) -> bool {
        self.0[0] & 2 != 0
    }

    /// The maker's three octets; none of a group or a locally chosen address.
    pub const fn oui(self) -> Option<[u8; 3]> {
        let [a, b, c, ..] = self.0;
        if self.is_group() || self.is_local() { None } else { Some([a, b, c]) }
    }
}

/// What an Ethernet or Wi-Fi header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkHeader {
    /// The station that sent it (in Wi-Fi the original one, not the access point).
    pub src: MacAddr,
    /// The station that it is for (in Wi-Fi the final one).
    pub dst: MacAddr,
    /// The Ethernet protocol number: of the header itself, or behind an IEEE 802.3 length or a Wi-Fi header of
    /// the SNAP header. 0x8100 and the like when a VLAN tag follows.
    pub protocol: Option<u16>,
}

/// The link header directly around `packet`, within the `bytes` it was decoded from; `None` where there is none:
/// other links, tunnels that carry IP, datagrams put together from fragments.
#[inline]
pub fn link_header(packet: &Packet, bytes: &[u8]) -> Option<LinkHeader> {
    let layer = carrier(packet.layers.as_slice())?;
    // The bytes of a reassembled datagram begin with its own IP header.
    if packet.reassembled && packet.l2_offset == 0 {
        return None;
    }
    let header = bytes.get(packet.l2_offset as usize..)?;
    if layer == Layer::Wifi { wifi(header) } else { ethernet(header) }
}

/// The link layer that carries the last IP header, with nothing between but tags, labels and PPP.
#[inline]
fn carrier(layers: &[Layer]) -> Option<Layer> {
    let ip = layers.iter().rposition(|layer| matches!(layer, Layer::Ipv4 | Layer::Ipv6))?;
    let between = |layer: &&Layer| {
        !matches!(layer, Layer::Vlan | Layer::Mpls | Layer::Pppoe | Layer::Ppp | Layer::Pbb)
    };
    let carrier = *layers.get(..ip)?.iter().rev().find(between)?;
    matches!(carrier, Layer::Ethernet | Layer::Wifi).then_some(carrier)
}

#[inline]
fn ethernet(header: &[u8]) -> Option<LinkHeader> {
    /// Below this the field is a length.
    const PROTOCOL_MIN: u16 = 0x0600;
    let (head, rest) = header.split_first_chunk::<14>()?;
    let number = be16(head, 12);
    let protocol = if number < PROTOCOL_MIN { snap(rest) } else { Some(number) };
    Some(LinkHeader { src: address(header, 6)?, dst: address(header, 0)?, protocol })
}

/// IEEE 802.11-2020 §9.3.2.1, table 9-30: where the ends are depends on the way over access points.
fn wifi(header: &[u8]) -> Option<LinkHeader> {
    const FIRST: usize = 4;
    const SECOND: usize = 10;
    const THIRD: usize = 16;
    const FOURTH: usize = 24;
    let &[control, flags] = header.first_chunk::<2>()?;
    let qos = control & 0x80 != 0;
    let (dst, src) = match flags & 3 {
        0 => (FIRST, SECOND),
        1 => (THIRD, SECOND),
        2 => (FIRST, THIRD),
        _ => (THIRD, FOURTH),
    };
    let mut len = if flags & 3 == 3 { 30 } else { 24 };
    let aggregate = qos && header.get(len)? & 0x80 != 0;
    if qos {
        len += if flags & 0x80 == 0 { 2 } else { 6 };
    }
    // Some radios align what follows to four bytes, which only their own header tells.
    let starts = [len, len.next_multiple_of(4)];
    if aggregate {
        // Subframes have addresses of their own: destination, source, length.
        let (at, protocol) =
            starts.into_iter().find_map(|at| Some((at, snap(header.get(at + 14..)?)?)))?;
        let (src, dst) = (address(header, at + 6)?, address(header, at)?);
        return Some(LinkHeader { src, dst, protocol: Some(protocol) });
    }
    let protocol = starts.into_iter().find_map(|at| snap(header.get(at..)?));
    Some(LinkHeader { src: address(header, src)?, dst: address(header, dst)?, protocol })
}

/// The protocol number of a SNAP header (RFC 1042).
fn snap(bytes: &[u8]) -> Option<u16> {
    match bytes {
        [0xaa, 0xaa, 3, _, _, _, high, low, ..] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

#[inline]
fn address(header: &[u8], at: usize) -> Option<MacAddr> {
    header.get(at..)?.first_chunk().map(|octets| MacAddr(*octets))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rheos_core::{Frame, LinkType, Timestamp};

    use super::*;
    use crate::{DecodeConfig, Decoded, decode};

    const A: MacAddr = MacAddr([0x00, 0x1b, 0x21, 1, 2, 3]);
    const B: MacAddr = MacAddr([0x52, 0x54, 0x00, 4, 5, 6]);
    const POINT: MacAddr = MacAddr([0x00, 0x0c, 0x41, 7, 8, 9]);

    /// An empty UDP datagram in IPv4.
    fn datagram() -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend([0, 7, 0, 9, 0, 8, 0, 0]);
        packet
    }

    fn read(link: LinkType, bytes: &[u8]) -> Option<LinkHeader> {
        let frame =
            Frame { ts: Timestamp::from_nanos(0), link, wire_len: bytes.len() as u32, data: bytes };
        let mut packet = Packet::default();
        assert_eq!(decode(frame, 0, &DecodeConfig::default(), &mut packet), Decoded::Packet);
        link_header(&packet, bytes)
    }

    fn ethernet_frame(src: MacAddr, dst: MacAddr, after: &[u8]) -> Vec<u8> {
        [&dst.0[..], &src.0, after, &datagram()].concat()
    }

    #[test]
    fn ethernet_with_and_without_tags() {
        let plain = ethernet_frame(A, B, &[8, 0]);
        let want = LinkHeader { src: A, dst: B, protocol: Some(0x0800) };
        assert_eq!(read(LinkType::ETHERNET, &plain), Some(want));
        let tagged = ethernet_frame(A, B, &[0x81, 0, 0, 5, 8, 0]);
        let want = LinkHeader { protocol: Some(0x8100), ..want };
        assert_eq!(read(LinkType::ETHERNET, &tagged), Some(want));
        let snap = ethernet_frame(A, B, &[0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0]);
        let want = LinkHeader { protocol: Some(0x0800), ..want };
        assert_eq!(read(LinkType::ETHERNET, &snap), Some(want));
        let saps = ethernet_frame(A, B, &[0, 31, 6, 6, 3]);
        assert_eq!(read(LinkType::ETHERNET, &saps), Some(LinkHeader { protocol: None, ..want }));
    }

    #[test]
    fn a_frame_in_a_tunnel_has_its_own_and_a_packet_in_a_tunnel_has_none() {
        let inner = ethernet_frame(A, B, &[8, 0]);
        let vxlan = [&[8, 0, 0, 0, 0, 0, 7, 0][..], &inner].concat();
        let mut udp = vec![0xc0, 0, 0x12, 0xb5];
        udp.extend((vxlan.len() as u16 + 8).to_be_bytes());
        udp.extend([0, 0]);
        udp.extend(vxlan);
        let ip = |protocol: u8, payload: &[u8]| {
            let mut header = datagram();
            header.truncate(20);
            header[2..4].copy_from_slice(&(20 + payload.len() as u16).to_be_bytes());
            header[9] = protocol;
            header.extend(payload);
            header
        };
        let outer = [&[0xee; 12][..], &[8, 0], &ip(17, &udp)].concat();
        let want = LinkHeader { src: A, dst: B, protocol: Some(0x0800) };
        assert_eq!(read(LinkType::ETHERNET, &outer), Some(want));
        let in_ip = [&[0xee; 12][..], &[8, 0], &ip(4, &datagram())].concat();
        assert_eq!(read(LinkType::ETHERNET, &in_ip), None);
        assert_eq!(read(LinkType::RAW, &datagram()), None);
    }

    #[test]
    fn wifi_ends_depend_on_the_way() {
        let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &datagram()].concat();
        let frame = |flags: u8, addresses: [MacAddr; 3], fourth: &[u8]| {
            let mut frame = vec![0x08, flags, 0, 0];
            frame.extend(addresses.iter().flat_map(|a| a.0));
            frame.extend([0, 0]);
            frame.extend(fourth);
            frame.extend(&snap);
            frame
        };
        let want = Some(LinkHeader { src: A, dst: B, protocol: Some(0x0800) });
        let cases = [
            frame(0, [B, A, POINT], &[]),
            frame(1, [POINT, A, B], &[]),
            frame(2, [B, POINT, A], &[]),
            frame(3, [POINT, POINT, B], &A.0),
        ];
        for bytes in cases {
            assert_eq!(read(LinkType::IEEE802_11, &bytes), want);
        }
        // Aggregated: addresses of the subframe.
        let mut bytes = vec![0x88, 2, 0, 0];
        bytes.extend([POINT; 3].iter().flat_map(|a| a.0));
        bytes.extend([0, 0, 0x80, 0]);
        bytes.extend(B.0);
        bytes.extend(A.0);
        bytes.extend((snap.len() as u16).to_be_bytes());
        bytes.extend(&snap);
        assert_eq!(read(LinkType::IEEE802_11, &bytes), want);
    }

    #[test]
    fn bits_of_addresses() {
        assert_eq!(A.oui(), Some([0x00, 0x1b, 0x21]));
        assert!(B.is_local() && B.oui().is_none());
        assert!(MacAddr::BROADCAST.is_group());
        assert!(MacAddr([1, 0, 0x5e, 0, 0, 1]).is_group());
    }

    proptest! {
        #[test]
        fn never_panics(
            bytes in prop::collection::vec(any::<u8>(), 0..120),
            offset in 0_u32..140,
            wifi: bool,
        ) {
            let mut packet = Packet { l2_offset: offset, ..Packet::default() };
            packet.layers.push(if wifi { Layer::Wifi } else { Layer::Ethernet });
            packet.layers.push(Layer::Ipv4);
            let _ = link_header(&packet, &bytes);
        }
    }
}
