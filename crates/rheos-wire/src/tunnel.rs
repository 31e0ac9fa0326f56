//! Tunnels over UDP and IP, and how a walk enters them.
//!
//! The packet around a tunnel is complete before the tunnel is looked into, and is kept: a port number
//! proves nothing, so every header is checked for what its protocol promises, and if what is inside makes
//! no packet after all, the packet around it is the result.
//!
//! VLAN ids are those of the frame that directly carries the keyed packet: an Ethernet frame in a tunnel
//! begins without any, an IP packet in a tunnel keeps those of the frame around it.

use crate::link::ethertypes;
use crate::transport::protocols;
use crate::walk::{Step, Walk, be16, be32};
use crate::{Layer, Packet, Tunnel, TunnelKind, gre, l2tp};

/// How many ports a [`TunnelPorts`] holds at most.
pub const TUNNEL_PORTS_MAX: usize = 32;

/// Which UDP ports carry which tunnels. Bytes are checked too, so a wrong port costs time and no packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TunnelPorts {
    ports: [(u16, TunnelKind); TUNNEL_PORTS_MAX],
    len: u8,
    /// Bit `p % 512` is set when some port `p` is listed: nearly all packets need no more than this.
    seen: [u64; 8],
}

/// The ports that IANA assigned, and Linux's first choice for VXLAN.
impl Default for TunnelPorts {
    fn default() -> Self {
        let mut ports = Self::none();
        for (port, kind) in [
            (4789, TunnelKind::Vxlan),
            (8472, TunnelKind::Vxlan),
            (4790, TunnelKind::Vxlan),
            (6081, TunnelKind::Geneve),
            (2152, TunnelKind::GtpU),
            (3544, TunnelKind::Teredo),
            (1701, TunnelKind::L2tp),
            (4754, TunnelKind::Gre),
            (5072, TunnelKind::Ayiya),
            (6635, TunnelKind::Mpls),
        ] {
            ports.add(port, kind);
        }
        ports
    }
}

impl TunnelPorts {
    /// No tunnels over UDP.
    pub const fn none() -> Self {
        Self { ports: [(0, TunnelKind::Vxlan); TUNNEL_PORTS_MAX], len: 0, seen: [0; 8] }
    }

    /// Adds a port; `false` when [`TUNNEL_PORTS_MAX`] are listed already or `kind` does not travel over UDP.
    pub fn add(&mut self, port: u16, kind: TunnelKind) -> bool {
        let over_udp =
            !matches!(kind, TunnelKind::Erspan | TunnelKind::IpInIp | TunnelKind::EtherIp);
        let Some(place) = self.ports.get_mut(usize::from(self.len)).filter(|_| over_udp) else {
            return false;
        };
        *place = (port, kind);
        self.len += 1;
        self.seen[usize::from(port / 64 % 8)] |= 1 << (port % 64);
        true
    }

    /// The tunnel that this port carries.
    #[inline]
    pub fn get(&self, port: u16) -> Option<TunnelKind> {
        if self.seen[usize::from(port / 64 % 8)] >> (port % 64) & 1 == 0 {
            return None;
        }
        self.listed(port)
    }

    #[cold]
    fn listed(&self, port: u16) -> Option<TunnelKind> {
        self.iter().find(|(listed, _)| *listed == port).map(|(_, kind)| kind)
    }

    /// All ports with their tunnels.
    pub fn iter(&self) -> impl Iterator<Item = (u16, TunnelKind)> + '_ {
        self.ports.iter().copied().take(usize::from(self.len))
    }
}

/// What was read of a tunnel's header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Which encapsulation.
    pub(crate) kind: TunnelKind,
    /// The header to name, unless it has been named.
    pub(crate) layer: Option<Layer>,
    /// Network, endpoint, key or session.
    pub(crate) id: u32,
    /// Bytes of the tunnel's header.
    pub(crate) len: usize,
    /// What follows it.
    pub(crate) next: Step,
}

/// Whether one more tunnel may be looked into.
pub(crate) const fn may_enter(walk: &Walk<'_>) -> bool {
    walk.depth < walk.depth_max
}

/// Goes on inside a tunnel. `out` is the complete packet around it.
pub(crate) fn enter(walk: &mut Walk<'_>, out: &mut Packet, entry: Entry) -> Step {
    if !may_enter(walk) {
        return Step::Done;
    }
    walk.around = Some(*out);
    walk.depth += 1;
    walk.pos += entry.len;
    out.tunnel =
        Some(Tunnel { kind: entry.kind, depth: walk.depth, id: entry.id, outer: out.tuple });
    if let Some(layer) = entry.layer {
        out.layers.push(layer);
    }
    out.l2_offset = 0;
    out.checksum.offloaded = false;
    if entry.next == Step::Ethernet {
        out.vlan = [0; 2];
        out.vlan_count = 0;
    }
    entry.next
}

/// Looks into a UDP payload, at which the walk stands; the UDP packet itself when it is no tunnel.
#[cold]
pub(crate) fn over_udp(walk: &mut Walk<'_>, out: &mut Packet, kind: TunnelKind) -> Step {
    if !may_enter(walk) {
        return Step::Done;
    }
    let entry = match kind {
        TunnelKind::Vxlan => vxlan(walk),
        TunnelKind::Geneve => geneve(walk),
        TunnelKind::GtpU => gtp_u(walk),
        TunnelKind::Teredo => teredo(walk),
        TunnelKind::L2tp => l2tp::over_udp(walk),
        TunnelKind::Ayiya => ayiya(walk),
        // RFC 8086.
        TunnelKind::Gre => gre::header(walk),
        // RFC 7510.
        TunnelKind::Mpls => mpls(walk),
        TunnelKind::Erspan | TunnelKind::IpInIp | TunnelKind::EtherIp => None,
    };
    let Some(entry) = entry else { return Step::Done };
    if kind != TunnelKind::Gre {
        return enter(walk, out, entry);
    }
    // The layer belongs to the inside: the packet around stays one of UDP.
    let around = *out;
    out.layers.push(Layer::Gre);
    let step = enter(walk, out, entry);
    walk.around = Some(around);
    step
}

/// IP directly in IP (RFC 2003, RFC 2473, RFC 4213).
pub(crate) fn ip_in_ip(walk: &mut Walk<'_>, out: &mut Packet, next: Step) -> Step {
    let nibble = if next == Step::Ipv4 { 4 } else { 6 };
    if !may_enter(walk) || walk.header::<1>().is_none_or(|[first]| first >> 4 != nibble) {
        return Step::Done;
    }
    let entry = Entry { kind: TunnelKind::IpInIp, layer: None, id: 0, len: 0, next };
    let step = enter(walk, out, entry);
    // Protocols 4 and 41 are named by the IP header that follows.
    out.layers.pop();
    step
}

/// Ethernet directly over IP (RFC 3378 §3): version 3, and twelve bits that must be zero.
pub(crate) fn ether_ip(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    if !may_enter(walk) || walk.header() != Some(&[0x30, 0]) {
        return Step::Done;
    }
    let (kind, next) = (TunnelKind::EtherIp, Step::Ethernet);
    enter(walk, out, Entry { kind, layer: None, id: 0, len: 2, next })
}

/// MPLS directly over IP (RFC 4023).
pub(crate) fn mpls_over_ip(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    let Some(entry) = mpls(walk).filter(|_| may_enter(walk)) else { return Step::Done };
    let step = enter(walk, out, entry);
    // Protocol 137 is named by the label stack that follows.
    out.layers.pop();
    step
}

/// A label stack, which is its own header.
fn mpls(walk: &Walk<'_>) -> Option<Entry> {
    let id = be32(walk.header::<4>()?, 0) >> 12;
    Some(Entry { kind: TunnelKind::Mpls, layer: None, id, len: 0, next: Step::Mpls })
}

/// L2TP version 3 directly over IP.
pub(crate) fn l2tp_over_ip(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    if !may_enter(walk) {
        return Step::Done;
    }
    l2tp::over_ip(walk).map_or(Step::Done, |entry| enter(walk, out, entry))
}

/// VXLAN (RFC 7348), with group policy, and with the next protocol of its generic extension.
fn vxlan(walk: &Walk<'_>) -> Option<Entry> {
    const VNI_VALID: u8 = 0x08;
    const NEXT_PROTOCOL: u8 = 0x04;
    const OPERATIONS: u8 = 0x01;
    let header = walk.header::<8>()?;
    let flags = header[0];
    if flags & VNI_VALID == 0 || header[7] != 0 {
        return None;
    }
    let next = if flags & NEXT_PROTOCOL == 0 {
        Step::Ethernet
    } else {
        match header[3] {
            _ if flags & OPERATIONS != 0 => return None,
            1 => Step::Ipv4,
            2 => Step::Ipv6,
            3 => Step::Ethernet,
            4 => Step::Ethertype(ethertypes::SERVICE_HEADER),
            _ => return None,
        }
    };
    let id = be32(header, 4) >> 8;
    Some(Entry { kind: TunnelKind::Vxlan, layer: Some(Layer::Vxlan), id, len: 8, next })
}

/// GENEVE (RFC 8926); options are gone over.
fn geneve(walk: &Walk<'_>) -> Option<Entry> {
    let header = walk.header::<8>()?;
    let len = 8 + usize::from(header[0] & 0x3f) * 4;
    if header[0] >> 6 != 0 || len > walk.remaining() {
        return None;
    }
    let next = Step::Ethertype(be16(header, 2));
    let next = if next == Step::Ethertype(ethertypes::TRANSPARENT_ETHERNET) {
        Step::Ethernet
    } else {
        next
    };
    let id = be32(header, 4) >> 8;
    Some(Entry { kind: TunnelKind::Geneve, layer: Some(Layer::Geneve), id, len, next })
}

/// GTP-U version 1 (3GPP TS 29.281 §5): user packets only, extension headers are gone over.
fn gtp_u(walk: &mut Walk<'_>) -> Option<Entry> {
    const VERSION_AND_TYPE: u8 = 0xf0;
    const VERSION_1_GTP: u8 = 0x30;
    const EXTENSION: u8 = 0x04;
    const OPTIONAL: u8 = 0x07;
    const USER_PACKET: u8 = 0xff;
    let header = walk.header::<8>()?;
    if header[0] & VERSION_AND_TYPE != VERSION_1_GTP || header[1] != USER_PACKET {
        return None;
    }
    let end = 8 + usize::from(be16(header, 2));
    if end > walk.remaining() {
        return None;
    }
    let mut len = 8;
    if header[0] & OPTIONAL != 0 {
        len = 12;
        let mut next = *walk.rest().get(11)?;
        while header[0] & EXTENSION != 0 && next != 0 {
            let units = usize::from(*walk.rest().get(len)?);
            if units == 0 {
                return None;
            }
            len += units * 4;
            next = *walk.rest().get(len - 1)?;
        }
    }
    if len > end {
        return None;
    }
    walk.set_end(walk.pos + end);
    let id = be32(header, 4);
    Some(Entry { kind: TunnelKind::GtpU, layer: Some(Layer::GtpU), id, len, next: Step::Ip })
}

/// Teredo (RFC 4380 §5.1.1): authentication and origin indication may stand before the IPv6 packet.
fn teredo(walk: &Walk<'_>) -> Option<Entry> {
    let bytes = walk.rest();
    let mut len = 0;
    if let [0, 1, id_len, auth_len, ..] = *bytes {
        len = 13 + usize::from(id_len) + usize::from(auth_len);
    }
    if let Some([0, 0, ..]) = bytes.get(len..) {
        len += 8;
    }
    let header = walk.header_at::<8>(len)?;
    let packet_len = 40 + usize::from(be16(header, 4));
    if header[0] >> 4 != 6 || len + packet_len > walk.remaining() {
        return None;
    }
    let (kind, layer) = (TunnelKind::Teredo, Some(Layer::Teredo));
    Some(Entry { kind, layer, id: 0, len, next: Step::Ipv6 })
}

/// AYIYA (draft-massar-v6ops-ayiya-02 §4): identity and signature lengths, then IP by its protocol number.
fn ayiya(walk: &Walk<'_>) -> Option<Entry> {
    const FORWARD: u8 = 1;
    let header = walk.header::<8>()?;
    let identity = 1_usize << (header[0] >> 4);
    let signature = usize::from(header[1] >> 4) * 4;
    let next = match header[3] {
        _ if header[2] & 0xf != FORWARD => return None,
        protocols::IPV4 => Step::Ipv4,
        protocols::IPV6 => Step::Ipv6,
        _ => return None,
    };
    let (kind, layer, len) = (TunnelKind::Ayiya, Some(Layer::Ayiya), 8 + identity + signature);
    Some(Entry { kind, layer, id: 0, len, next })
}
