//! Link headers: from the first byte of a frame to the Ethernet protocol number, or to IP directly.
//!
//! Link types are those of the tcpdump group's `LINKTYPE_` list. What carries no IP ends here.

use rheos_core::{DropReason, LinkType};

use crate::walk::{Step, Walk, be16, be32};
use crate::{Layer, Packet, ppp, wifi};

/// Ethernet protocol numbers (IANA "IEEE 802 Numbers").
pub(crate) mod ethertypes {
    pub(crate) const IPV4: u16 = 0x0800;
    pub(crate) const ARP: u16 = 0x0806;
    pub(crate) const TRANSPARENT_ETHERNET: u16 = 0x6558;
    pub(crate) const RARP: u16 = 0x8035;
    pub(crate) const VLAN: u16 = 0x8100;
    pub(crate) const IPV6: u16 = 0x86dd;
    pub(crate) const PPP: u16 = 0x880b;
    pub(crate) const MPLS: u16 = 0x8847;
    pub(crate) const MPLS_MULTICAST: u16 = 0x8848;
    pub(crate) const PPPOE_SESSION: u16 = 0x8864;
    pub(crate) const PROVIDER_BRIDGE: u16 = 0x88a8;
    pub(crate) const BACKBONE_BRIDGE: u16 = 0x88e7;
    pub(crate) const VN_TAG: u16 = 0x8926;
    pub(crate) const E_TAG: u16 = 0x893f;
    pub(crate) const SERVICE_HEADER: u16 = 0x894f;
    pub(crate) const QINQ_9100: u16 = 0x9100;
    pub(crate) const QINQ_9200: u16 = 0x9200;
    /// Below this the field is a length, and an IEEE 802.2 header follows.
    pub(crate) const LENGTH_BELOW: u16 = 0x0600;
}

const TRUNCATED: Step = Step::Fail(DropReason::LinkTruncated);

/// Link types that are read but that the vocabulary has no name for.
mod more {
    pub(super) const SLIP: u16 = 8;
    pub(super) const ATM_RFC1483: u16 = 100;
    pub(super) const FRAME_RELAY: u16 = 107;
    pub(super) const ENC: u16 = 109;
    pub(super) const PPP_PPPD: u16 = 166;
    pub(super) const PPI: u16 = 192;
    pub(super) const MPLS: u16 = 219;
    pub(super) const IPNET: u16 = 226;
    pub(super) const NFLOG: u16 = 239;
    pub(super) const PKTAP: u16 = 258;
    /// `DLT_USER2`, under which Apple's systems once wrote pktap.
    pub(super) const PKTAP_APPLE: u16 = 149;
}

/// Reads what a frame of this link type begins with.
#[inline]
pub(crate) fn link(walk: &mut Walk<'_>, out: &mut Packet, link: u16) -> Step {
    if link == LinkType::ETHERNET.0 { ethernet(walk, out) } else { other_link(walk, out, link) }
}

fn other_link(walk: &mut Walk<'_>, out: &mut Packet, link: u16) -> Step {
    match LinkType(link) {
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => Step::Ip,
        LinkType::IPV4 => Step::Ipv4,
        LinkType::IPV6 => Step::Ipv6,
        LinkType::NULL | LinkType::LOOP => loopback(walk, out),
        LinkType::LINUX_SLL => cooked(walk, out),
        LinkType::LINUX_SLL2 => cooked_v2(walk, out),
        LinkType::PPP | LinkType(more::PPP_PPPD) => Step::Ppp,
        LinkType::PPP_HDLC | LinkType::C_HDLC => ppp::hdlc_or_ppp(walk, out),
        LinkType::PPP_ETHER => ppp::pppoe(walk, out),
        LinkType::IEEE802_11 => wifi::wifi(walk, out),
        LinkType::IEEE802_11_RADIOTAP => wifi::radiotap(walk, out),
        LinkType(more::SLIP) => skip(walk, 16, Step::Ip),
        LinkType(more::ATM_RFC1483) => Step::Llc,
        LinkType(more::FRAME_RELAY) => frame_relay(walk, out),
        LinkType(more::ENC) => skip(walk, 12, Step::Ip),
        LinkType(more::MPLS) => Step::Mpls,
        LinkType(more::IPNET) => skip(walk, 24, Step::Ip),
        LinkType(more::NFLOG) => nflog(walk),
        LinkType(more::PPI) => ppi(walk),
        LinkType(more::PKTAP | more::PKTAP_APPLE) => pktap(walk),
        _ => Step::Fail(DropReason::LinkUnsupported),
    }
}

/// Goes over a header of fixed length that tells nothing of need.
fn skip(walk: &mut Walk<'_>, len: usize, next: Step) -> Step {
    if walk.bytes.len() < walk.pos + len {
        return TRUNCATED;
    }
    walk.pos += len;
    next
}

/// IP whose version only the first nibble tells.
#[inline]
pub(crate) fn ip(walk: &Walk<'_>) -> Step {
    match walk.header::<1>() {
        Some([first]) if first >> 4 == 4 => Step::Ipv4,
        Some([first]) if first >> 4 == 6 => Step::Ipv6,
        Some(_) => Step::Fail(DropReason::IpVersion),
        None => TRUNCATED,
    }
}

/// Ethernet II, or IEEE 802.3 when the type field is a length.
#[inline]
pub(crate) fn ethernet(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    let Some(header) = walk.header::<14>() else { return TRUNCATED };
    out.layers.push(Layer::Ethernet);
    out.l2_offset = walk.pos as u32;
    walk.pos += 14;
    ethertype(walk, out, be16(header, 12))
}

/// What follows an Ethernet protocol number; walks through any number of VLAN tags.
#[inline]
pub(crate) fn ethertype(walk: &mut Walk<'_>, out: &mut Packet, ethertype: u16) -> Step {
    match ethertype {
        ethertypes::IPV4 => Step::Ipv4,
        ethertypes::IPV6 => Step::Ipv6,
        _ => other_ethertype(walk, out, ethertype),
    }
}

fn other_ethertype(walk: &mut Walk<'_>, out: &mut Packet, mut ethertype: u16) -> Step {
    loop {
        match ethertype {
            ethertypes::IPV4 => return Step::Ipv4,
            ethertypes::IPV6 => return Step::Ipv6,
            ethertypes::VLAN
            | ethertypes::PROVIDER_BRIDGE
            | ethertypes::QINQ_9100
            | ethertypes::QINQ_9200 => {
                let Some(tag) = walk.header::<4>() else { return TRUNCATED };
                push_vlan(out, be16(tag, 0) & 0xfff);
                walk.pos += 4;
                ethertype = be16(tag, 2);
            }
            // Cisco VN-Tag: four bytes about virtual interfaces, then the next protocol number.
            ethertypes::VN_TAG => {
                let Some(tag) = walk.header::<6>() else { return TRUNCATED };
                walk.pos += 6;
                ethertype = be16(tag, 4);
            }
            // IEEE 802.1BR: six bytes about bridge ports.
            ethertypes::E_TAG => {
                let Some(tag) = walk.header::<8>() else { return TRUNCATED };
                walk.pos += 8;
                ethertype = be16(tag, 6);
            }
            ethertypes::SERVICE_HEADER => return service_header(walk),
            // The service tag (IEEE 802.1ah) ends before the customer's addresses: a whole Ethernet header.
            ethertypes::BACKBONE_BRIDGE => {
                out.layers.push(Layer::Pbb);
                return skip(walk, 4, Step::Ethernet);
            }
            ethertypes::TRANSPARENT_ETHERNET => return Step::Ethernet,
            ethertypes::MPLS | ethertypes::MPLS_MULTICAST => return Step::Mpls,
            ethertypes::PPPOE_SESSION => return ppp::pppoe(walk, out),
            ethertypes::PPP => return Step::Ppp,
            ethertypes::ARP | ethertypes::RARP => return Step::Fail(DropReason::Arp),
            0..ethertypes::LENGTH_BELOW => return Step::Llc,
            _ => return Step::Fail(DropReason::NonIp),
        }
    }
}

/// The network service header (RFC 8300 §2.2): its length in words, and its own numbers for what follows.
fn service_header(walk: &mut Walk<'_>) -> Step {
    let Some(header) = walk.header::<4>() else { return TRUNCATED };
    let len = usize::from(header[1] & 0x3f) * 4;
    if len < 8 {
        return Step::Fail(DropReason::LinkMalformed);
    }
    match header[3] {
        1 => skip(walk, len, Step::Ipv4),
        2 => skip(walk, len, Step::Ipv6),
        3 => skip(walk, len, Step::Ethernet),
        5 => skip(walk, len, Step::Mpls),
        _ => Step::Fail(DropReason::NonIp),
    }
}

fn push_vlan(out: &mut Packet, id: u16) {
    out.layers.push(Layer::Vlan);
    if let Some(place) = out.vlan.get_mut(usize::from(out.vlan_count)) {
        *place = id;
    }
    out.vlan_count = out.vlan_count.saturating_add(1);
}

/// IEEE 802.2 and SNAP (RFC 1042), also the bridged Ethernet of RFC 2684.
pub(crate) fn llc(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    let Some(llc) = walk.header::<3>() else { return TRUNCATED };
    match *llc {
        [0xaa, 0xaa, 0x03] => {
            walk.pos += 3;
            snap(walk, out)
        }
        // The service access point of IP itself.
        [0x06, 0x06, 0x03] => {
            walk.pos += 3;
            Step::Ipv4
        }
        _ => Step::Fail(DropReason::NonIp),
    }
}

fn snap(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    let Some(snap) = walk.header::<5>() else { return TRUNCATED };
    walk.pos += 5;
    let number = be16(snap, 3);
    match [snap[0], snap[1], snap[2]] {
        // A length cannot follow here, so that SNAP never nests in itself.
        [0, 0, 0 | 0xf8] if number >= ethertypes::LENGTH_BELOW => ethertype(walk, out, number),
        // RFC 2684: Ethernet with (1) or without (7) its check sequence, after two bytes of padding on ATM.
        [0, 0x80, 0xc2] if matches!(number, 1 | 7) => Step::Ethernet,
        _ => Step::Fail(DropReason::NonIp),
    }
}

/// BSD loopback: an address family in the byte order of the capturing host, or of the network.
fn loopback(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    let Some(header) = walk.header::<4>() else { return TRUNCATED };
    out.layers.push(Layer::Loopback);
    walk.pos += 4;
    let family = be32(header, 0);
    // Families are small numbers: whichever order makes it small is the right one.
    match family.min(family.swap_bytes()) {
        2 => Step::Ipv4,
        // Linux; NetBSD and OpenBSD; FreeBSD; macOS.
        10 | 24 | 28 | 30 => Step::Ipv6,
        _ => Step::Fail(DropReason::NonIp),
    }
}

/// Linux cooked capture, version 1.
fn cooked(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    let Some(header) = walk.header::<16>() else { return TRUNCATED };
    out.layers.push(Layer::Cooked);
    walk.pos += 16;
    cooked_protocol(walk, out, be16(header, 2), be16(header, 14))
}

/// Linux cooked capture, version 2.
fn cooked_v2(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    let Some(header) = walk.header::<20>() else { return TRUNCATED };
    out.layers.push(Layer::Cooked);
    walk.pos += 20;
    cooked_protocol(walk, out, be16(header, 8), be16(header, 0))
}

/// The protocol field is an Ethernet protocol number but for a few devices (`linux/if_arp.h`) and for
/// numbers below 0x600 (`linux/if_ether.h`).
fn cooked_protocol(walk: &mut Walk<'_>, out: &mut Packet, device: u16, protocol: u16) -> Step {
    const ARPHRD_NETLINK: u16 = 824;
    const ETH_P_802_2: u16 = 4;
    match protocol {
        _ if device == ARPHRD_NETLINK => Step::Fail(DropReason::NonIp),
        ETH_P_802_2 => Step::Llc,
        0..ethertypes::LENGTH_BELOW => Step::Fail(DropReason::NonIp),
        _ => ethertype(walk, out, protocol),
    }
}

/// Frame relay (RFC 2427): an address that ends at the first odd byte, control, and a protocol number.
fn frame_relay(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    let address = walk.rest();
    let Some(last) = address.iter().take(4).position(|byte| byte & 1 == 1) else {
        return TRUNCATED;
    };
    walk.pos += last + 1;
    let Some([control, first]) = walk.header::<2>() else { return TRUNCATED };
    if *control != 0x03 {
        // Cisco's own encapsulation: an Ethernet protocol number follows the address.
        walk.pos += 2;
        return match u16::from_be_bytes([*control, *first]) {
            ethertypes::IPV4 => Step::Ipv4,
            ethertypes::IPV6 => Step::Ipv6,
            _ => Step::Fail(DropReason::NonIp),
        };
    }
    // One byte of padding may stand before the protocol number.
    walk.pos += if *first == 0 { 2 } else { 1 };
    let Some([number]) = walk.header::<1>() else { return TRUNCATED };
    walk.pos += 1;
    match number {
        0xcc => Step::Ipv4,
        0x8e => Step::Ipv6,
        0x80 => snap(walk, out),
        0xcf => Step::Ppp,
        _ => Step::Fail(DropReason::NonIp),
    }
}

/// Linux netfilter log: attributes, one of which is the packet.
fn nflog(walk: &mut Walk<'_>) -> Step {
    const PAYLOAD: u16 = 9;
    walk.pos += 4;
    while let Some([l0, l1, t0, t1]) = walk.header::<4>() {
        let len = usize::from(u16::from_le_bytes([*l0, *l1]));
        if len < 4 {
            return Step::Fail(DropReason::LinkMalformed);
        }
        if u16::from_le_bytes([*t0, *t1]) & 0x7fff == PAYLOAD {
            walk.set_end(walk.pos + len);
            walk.pos += 4;
            return Step::Ip;
        }
        walk.pos += len.next_multiple_of(4);
    }
    TRUNCATED
}

/// Per-packet information (CACE): header length and the link type of what follows, little endian.
fn ppi(walk: &mut Walk<'_>) -> Step {
    let Some(header) = walk.header::<8>() else { return TRUNCATED };
    let len = usize::from(u16::from_le_bytes([header[2], header[3]]));
    let link = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
    nested(walk, len, link, 8)
}

/// Apple's pktap: header length and the link type of what follows, little endian.
fn pktap(walk: &mut Walk<'_>) -> Step {
    let Some(header) = walk.header::<12>() else { return TRUNCATED };
    let len = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
    let link = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
    nested(walk, len as usize, link, 12)
}

fn nested(walk: &mut Walk<'_>, len: usize, link: u32, len_min: usize) -> Step {
    if len < len_min {
        return Step::Fail(DropReason::LinkMalformed);
    }
    let Ok(link) = u16::try_from(link) else { return Step::Fail(DropReason::LinkUnsupported) };
    if walk.rest().len() < len {
        return TRUNCATED;
    }
    walk.pos += len;
    Step::Link(link)
}
