//! The extension headers of a decoded IPv6 packet, one by one.
//!
//! Decoding walks over them to the transport header; this goes the same way again for who wants to know what
//! they say, and ends where decoding ended.

use rheos_core::IpVersion;

use crate::Packet;
use crate::ipv6::EXTENSIONS_MAX;
use crate::transport::protocols;
use crate::walk::be32;

const HEADER: usize = 40;

/// What kind of extension header it is (IANA "IPv6 Extension Header Types").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ipv6Extension {
    /// Options for every router (RFC 8200 §4.3).
    HopByHop,
    /// RFC 8200 §4.4.
    Routing,
    /// RFC 8200 §4.5. In whole packets only an atomic one (RFC 6946).
    Fragment,
    /// RFC 4302.
    Authentication,
    /// Options for the destination (RFC 8200 §4.6).
    Destination,
    /// RFC 6275.
    Mobility,
    /// Host identity protocol or shim6 (RFC 7401, RFC 5533).
    Other,
}

impl Ipv6Extension {
    const fn of(number: u8) -> Self {
        match number {
            protocols::HOP_BY_HOP => Self::HopByHop,
            protocols::ROUTING => Self::Routing,
            protocols::FRAGMENT => Self::Fragment,
            protocols::AH => Self::Authentication,
            protocols::DESTINATION => Self::Destination,
            protocols::MOBILITY => Self::Mobility,
            _ => Self::Other,
        }
    }

    /// Short upper-case name: `HOP`, `RTG`, `FRAG`, `AH`, `DST`, `MOB`, `EXT`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HopByHop => "HOP",
            Self::Routing => "RTG",
            Self::Fragment => "FRAG",
            Self::Authentication => "AH",
            Self::Destination => "DST",
            Self::Mobility => "MOB",
            Self::Other => "EXT",
        }
    }
}

/// One extension header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6ExtHeader<'a> {
    /// Its kind.
    pub kind: Ipv6Extension,
    /// All of it, at least 8 bytes.
    pub bytes: &'a [u8],
}

impl<'a> Ipv6ExtHeader<'a> {
    /// The options within a hop-by-hop or destination options header; none in others.
    pub fn options(&self) -> Ipv6Options<'a> {
        let with = matches!(self.kind, Ipv6Extension::HopByHop | Ipv6Extension::Destination);
        Ipv6Options { rest: if with { self.bytes.get(2..).unwrap_or(&[]) } else { &[] } }
    }

    /// The type of a routing header: 0 source route (deprecated), 2 mobile, 3 RPL, 4 segment routing.
    pub fn routing_type(&self) -> Option<u8> {
        let routing = self.kind == Ipv6Extension::Routing;
        self.bytes.get(2).copied().filter(|_| routing)
    }

    /// How many listed nodes a routing header has still to visit.
    pub fn segments_left(&self) -> Option<u8> {
        let routing = self.kind == Ipv6Extension::Routing;
        self.bytes.get(3).copied().filter(|_| routing)
    }
}

/// Type-length-value options (RFC 8200 §4.2), padding left out. Ends at the first that does not fit.
#[derive(Clone, Debug)]
pub struct Ipv6Options<'a> {
    rest: &'a [u8],
}

/// Option types of [`Ipv6Options`] (IANA "Destination Options and Hop-by-Hop Options").
pub mod ipv6_options {
    /// RFC 2675.
    pub const JUMBO_PAYLOAD: u8 = 0xc2;
    /// RFC 2711.
    pub const ROUTER_ALERT: u8 = 0x05;
    /// RFC 6275.
    pub const HOME_ADDRESS: u8 = 0xc9;
}

impl<'a> Iterator for Ipv6Options<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        const PAD_1: u8 = 0;
        const PAD_N: u8 = 1;
        // Each turn takes at least one byte of a header of at most 2048.
        loop {
            match self.rest {
                [PAD_1, rest @ ..] => self.rest = rest,
                [kind, len, rest @ ..] => {
                    let Some((value, rest)) = rest.split_at_checked(usize::from(*len)) else {
                        self.rest = &[];
                        return None;
                    };
                    self.rest = rest;
                    if *kind != PAD_N {
                        return Some((*kind, value));
                    }
                }
                _ => return None,
            }
        }
    }
}

/// The extension headers of a packet, in wire order.
#[derive(Clone, Debug)]
pub struct Ipv6ExtHeaders<'a> {
    bytes: &'a [u8],
    pos: usize,
    end: usize,
    next: u8,
    left: usize,
}

impl<'a> Ipv6ExtHeaders<'a> {
    /// Those between the keyed IP header and the transport header of `packet`, within the `bytes` that it was
    /// decoded from. None of an IPv4 packet.
    #[inline]
    pub fn new(packet: &Packet, bytes: &'a [u8]) -> Self {
        let start = packet.l3_offset as usize;
        let end = packet.l4_offset as usize;
        let none = packet.tuple.version != IpVersion::V6 || end <= start + HEADER;
        let next = bytes.get(start + 6).copied().unwrap_or(protocols::NO_NEXT);
        let left = if none { 0 } else { EXTENSIONS_MAX };
        Self { bytes, pos: start + HEADER, end, next, left }
    }
}

impl<'a> Iterator for Ipv6ExtHeaders<'a> {
    type Item = Ipv6ExtHeader<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 || self.pos >= self.end {
            return None;
        }
        self.left -= 1;
        let kind = Ipv6Extension::of(self.next);
        let head = self.bytes.get(self.pos..)?.first_chunk::<8>()?;
        let len = match kind {
            Ipv6Extension::Fragment => 8,
            Ipv6Extension::Authentication => (usize::from(head[1]) + 2) * 4,
            _ => (usize::from(head[1]) + 1) * 8,
        };
        let bytes = self.bytes.get(self.pos..self.pos + len)?;
        self.pos += len;
        self.next = head[0];
        Some(Ipv6ExtHeader { kind, bytes })
    }
}

/// The flow label of an IPv6 packet (RFC 6437): 20 bits, 0 where the sender did not label.
#[inline]
pub fn flow_label(packet: &Packet, bytes: &[u8]) -> Option<u32> {
    if packet.tuple.version != IpVersion::V6 {
        return None;
    }
    let head = bytes.get(packet.l3_offset as usize..)?.first_chunk::<4>()?;
    Some(be32(head, 0) & 0xf_ffff)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rheos_core::{Frame, LinkType, Timestamp};

    use super::*;
    use crate::{DecodeConfig, Decoded, decode};

    /// An IPv6 packet of these extension headers and 8 bytes of UDP.
    fn packet(first: u8, extensions: &[&[u8]]) -> Vec<u8> {
        let payload = [&extensions.concat()[..], &[0, 7, 0, 9, 0, 8, 0xff, 0xff]].concat();
        let mut bytes = vec![0x6a, 0xb1, 0x23, 0x45];
        bytes.extend((payload.len() as u16).to_be_bytes());
        bytes.extend([first, 64]);
        bytes.extend([0x20; 32]);
        bytes.extend(payload);
        bytes
    }

    fn decoded(bytes: &[u8]) -> Packet {
        let wire_len = bytes.len() as u32;
        let ts = Timestamp::from_nanos(0);
        let frame = Frame { ts, link: LinkType::RAW, wire_len, data: bytes };
        let mut packet = Packet::default();
        assert_eq!(decode(frame, 0, &DecodeConfig::default(), &mut packet), Decoded::Packet);
        packet
    }

    #[test]
    fn all_headers_up_to_the_transport() {
        let hop = [43, 0, 5, 2, 0, 0, 1, 0];
        let routing = [51, 2, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2];
        let ah = [60, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        let dst = [44, 0, 1, 4, 0, 0, 0, 0];
        let atomic = [17, 0, 0, 0, 0, 0, 0, 9];
        let bytes = packet(0, &[&hop, &routing, &ah, &dst, &atomic]);
        let packet = decoded(&bytes);
        assert_eq!(packet.tuple.protocol, 17);
        let headers: Vec<_> = Ipv6ExtHeaders::new(&packet, &bytes).collect();
        let names: Vec<_> = headers.iter().map(|h| h.kind.name()).collect();
        assert_eq!(names, ["HOP", "RTG", "AH", "DST", "FRAG"]);
        let alerts: Vec<_> = headers[0].options().collect();
        assert_eq!(alerts, [(ipv6_options::ROUTER_ALERT, &[0_u8, 0][..])]);
        assert_eq!(headers[1].routing_type(), Some(0));
        assert_eq!(headers[1].segments_left(), Some(0));
        assert_eq!(headers[2].bytes.len(), 12);
        assert_eq!(headers[3].options().count(), 0, "padding");
        assert_eq!(headers[3].routing_type(), None);
        assert_eq!(flow_label(&packet, &bytes), Some(0x1_2345));
    }

    #[test]
    fn a_packet_without_extensions_has_none() {
        let bytes = packet(17, &[]);
        assert_eq!(Ipv6ExtHeaders::new(&decoded(&bytes), &bytes).count(), 0);
        let four = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2];
        let four = [&four[..], &[0, 7, 0, 9, 0, 8, 0, 0]].concat();
        let packet = decoded(&four);
        assert_eq!(Ipv6ExtHeaders::new(&packet, &four).count(), 0);
        assert_eq!(flow_label(&packet, &four), None);
    }

    #[test]
    fn options_that_do_not_fit_end_the_list() {
        let bytes = [0, 0, 0x05, 2, 0, 0, 0xc2, 9];
        let header = Ipv6ExtHeader { kind: Ipv6Extension::HopByHop, bytes: &bytes };
        assert_eq!(header.options().count(), 1);
    }

    proptest! {
        #[test]
        fn never_panics_and_ends(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            l3 in 0_u32..220,
            l4 in 0_u32..220,
        ) {
            let mut packet = Packet { l3_offset: l3, l4_offset: l4, ..Packet::default() };
            packet.tuple.version = IpVersion::V6;
            let headers = Ipv6ExtHeaders::new(&packet, &bytes);
            prop_assert!(headers.clone().count() <= EXTENSIONS_MAX);
            for header in headers {
                prop_assert!(header.bytes.len() >= 8 && header.options().count() <= 2048);
            }
            let _ = flow_label(&packet, &bytes);
        }
    }
}
