//! From an IP protocol number to ports and payload, or into a tunnel.

use rheos_core::IpVersion;

use crate::walk::{Step, Walk, be16};
use crate::{Layer, Packet, gre, icmp, sctp, tcp, tunnel, udp};

/// IANA "Assigned Internet Protocol Numbers", as far as they are told apart.
pub(crate) mod protocols {
    pub(crate) const HOP_BY_HOP: u8 = 0;
    pub(crate) const ICMP: u8 = 1;
    pub(crate) const IGMP: u8 = 2;
    pub(crate) const IPV4: u8 = 4;
    pub(crate) const TCP: u8 = 6;
    pub(crate) const UDP: u8 = 17;
    pub(crate) const DCCP: u8 = 33;
    pub(crate) const IPV6: u8 = 41;
    pub(crate) const ROUTING: u8 = 43;
    pub(crate) const FRAGMENT: u8 = 44;
    pub(crate) const GRE: u8 = 47;
    pub(crate) const ESP: u8 = 50;
    pub(crate) const AH: u8 = 51;
    pub(crate) const ICMPV6: u8 = 58;
    pub(crate) const NO_NEXT: u8 = 59;
    pub(crate) const DESTINATION: u8 = 60;
    pub(crate) const ETHERIP: u8 = 97;
    pub(crate) const L2TP: u8 = 115;
    pub(crate) const SCTP: u8 = 132;
    pub(crate) const MOBILITY: u8 = 135;
    pub(crate) const UDP_LITE: u8 = 136;
    pub(crate) const MPLS: u8 = 137;
    pub(crate) const HIP: u8 = 139;
    pub(crate) const SHIM6: u8 = 140;
}

/// Reads the header at the walk's position as what `protocol` says it is.
#[inline]
pub(crate) fn transport(walk: &mut Walk<'_>, out: &mut Packet, protocol: u8) -> Step {
    out.tuple.protocol = protocol;
    out.l4_offset = walk.pos as u32;
    match protocol {
        protocols::TCP => tcp::tcp(walk, out),
        protocols::UDP => udp::udp(walk, out),
        _ => other_transport(walk, out, protocol),
    }
}

fn other_transport(walk: &mut Walk<'_>, out: &mut Packet, protocol: u8) -> Step {
    match protocol {
        protocols::ICMP if out.tuple.version == IpVersion::V4 => icmp::icmp(walk, out),
        protocols::ICMPV6 if out.tuple.version == IpVersion::V6 => icmp::icmpv6(walk, out),
        protocols::UDP_LITE => udp::udp_lite(walk, out),
        protocols::SCTP => sctp::sctp(walk, out),
        protocols::DCCP => dccp(walk, out),
        protocols::AH => authentication(walk, out),
        protocols::IGMP => opaque(walk, out, Layer::Igmp),
        protocols::ESP => opaque(walk, out, Layer::Esp),
        protocols::GRE => {
            opaque(walk, out, Layer::Gre);
            gre::gre(walk, out)
        }
        protocols::IPV4 => {
            opaque(walk, out, Layer::Other);
            tunnel::ip_in_ip(walk, out, Step::Ipv4)
        }
        protocols::IPV6 => {
            opaque(walk, out, Layer::Other);
            tunnel::ip_in_ip(walk, out, Step::Ipv6)
        }
        protocols::L2TP => {
            opaque(walk, out, Layer::L2tp);
            tunnel::l2tp_over_ip(walk, out)
        }
        protocols::ETHERIP => {
            opaque(walk, out, Layer::EtherIp);
            tunnel::ether_ip(walk, out)
        }
        protocols::MPLS => {
            opaque(walk, out, Layer::Other);
            tunnel::mpls_over_ip(walk, out)
        }
        _ => opaque(walk, out, Layer::Other),
    }
}

/// A protocol without a known header: everything behind IP is payload.
fn opaque(walk: &Walk<'_>, out: &mut Packet, layer: Layer) -> Step {
    out.layers.push(layer);
    walk.set_payload(out, walk.pos);
    Step::Done
}

/// DCCP (RFC 4340 §5.1): ports, and the header's length in words. Without those it is only a number.
fn dccp(walk: &Walk<'_>, out: &mut Packet) -> Step {
    opaque(walk, out, Layer::Other);
    if let Some(header) = walk.header::<12>() {
        out.tuple.src_port = be16(header, 0);
        out.tuple.dst_port = be16(header, 2);
        let len = usize::from(header[4]) * 4;
        if (12..=walk.remaining()).contains(&len) {
            walk.set_payload(out, walk.pos + len);
        }
    }
    Step::Done
}

/// The authentication header behind IPv4 (RFC 4302): gone over, as it hides nothing. Behind IPv6 it is
/// among the extension headers. One that does not fit leaves a packet of protocol 51.
fn authentication(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    opaque(walk, out, Layer::Ah);
    let Some(header) = walk.header::<12>() else { return Step::Done };
    let len = (usize::from(header[1]) + 2) * 4;
    if len < 12 || walk.rest().len() < len {
        return Step::Done;
    }
    walk.pos += len;
    Step::Transport(header[0])
}
