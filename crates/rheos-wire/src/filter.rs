//! The filter language on decoded packets.
//!
//! The expression becomes a flat list of tests, each with the place to go on when it holds and when it
//! does not: the shape of a BPF program. So an evaluation touches only the tests that decide, allocates
//! nothing and ends after at most one pass over the list.

use rheos_core::filter::{
    Comparison, Expr, Filter, NeedsFlow, Network, PortProtocol, Primitive, Side, TunnelWord,
};
use rheos_core::{Addr, IpVersion};

use crate::{Layer, Packet, TunnelKind};

/// The end of the list: the packet matches.
const ACCEPT: u32 = u32::MAX;
/// The end of the list: the packet does not match.
const REJECT: u32 = u32::MAX - 1;

const AH: u8 = 51;
const GRE: u8 = 47;

/// A filter, ready to test packets.
///
/// Addresses, ports and protocol are those of the layer that keys the flow; `len` is the frame's length on
/// the wire; `vlan N` looks at the outer two tags; a tunnel word finds every tunnel around the packet, and
/// with an id only the innermost.
///
/// ```
/// use rheos_core::filter::Filter;
/// use rheos_wire::{Packet, filter::PacketFilter};
/// let filter = PacketFilter::new(&Filter::parse("udp port 53").unwrap()).unwrap();
/// let mut packet = Packet::default();
/// assert!(!filter.matches(&packet));
/// packet.tuple.protocol = 17;
/// packet.tuple.dst_port = 53;
/// assert!(filter.matches(&packet));
/// ```
#[derive(Clone, Debug)]
pub struct PacketFilter {
    /// Every jump goes to a lower place, so that evaluation ends.
    program: Box<[Instruction]>,
    entry: u32,
}

#[derive(Clone, Copy, Debug)]
struct Instruction {
    test: Test,
    if_true: u32,
    if_false: u32,
}

#[derive(Clone, Copy, Debug)]
enum Test {
    Version(IpVersion),
    Protocol { version: Option<IpVersion>, number: u8 },
    Net { side: Side, version: IpVersion, addr: u128, mask: u128 },
    Port { protocol: Option<PortProtocol>, side: Side, first: u16, last: u16 },
    AnyVlan,
    Vlan(u16),
    Layer(Layer),
    AnyTunnel,
    Tunnel(TunnelKind),
    TunnelId { kind: TunnelKind, id: u32 },
    Length { comparison: Comparison, bytes: u32 },
    Never,
}

impl PacketFilter {
    /// Compiles `filter`; an empty filter matches every packet.
    ///
    /// # Errors
    /// If it tests what only a flow record tells. What [`Filter::parse`] gives never does.
    pub fn new(filter: &Filter) -> Result<Self, NeedsFlow> {
        let mut program = Vec::new();
        let entry = match filter.expr() {
            Some(expr) => {
                expr.check_packet()?;
                emit(expr, ACCEPT, REJECT, &mut program)
            }
            None => ACCEPT,
        };
        Ok(Self { program: program.into(), entry })
    }

    /// Whether the packet passes.
    #[inline]
    pub fn matches(&self, packet: &Packet) -> bool {
        let mut at = self.entry;
        while let Some(instruction) = self.program.get(at as usize) {
            at = if instruction.test.holds(packet) {
                instruction.if_true
            } else {
                instruction.if_false
            };
        }
        at == ACCEPT
    }

    /// Whether every packet passes, so that testing can be left out.
    pub const fn matches_all(&self) -> bool {
        self.entry == ACCEPT
    }
}

/// Appends the tests of `expr` and returns where it begins. What comes after a test is appended before it,
/// so its place is known when the test needs it.
fn emit(expr: &Expr, if_true: u32, if_false: u32, program: &mut Vec<Instruction>) -> u32 {
    match expr {
        Expr::Primitive(primitive) => {
            program.push(Instruction { test: Test::new(primitive), if_true, if_false });
            // The parser's limit on text keeps this far below REJECT.
            program.len() as u32 - 1
        }
        Expr::Not(inner) => emit(inner, if_false, if_true, program),
        Expr::And(all) => {
            all.iter().rev().fold(if_true, |next, expr| emit(expr, next, if_false, program))
        }
        Expr::Or(any) => {
            any.iter().rev().fold(if_false, |next, expr| emit(expr, if_true, next, program))
        }
    }
}

impl Test {
    fn new(primitive: &Primitive) -> Self {
        match *primitive {
            Primitive::Version(version) => Self::Version(version),
            Primitive::Protocol { version, number } => Self::Protocol { version, number },
            Primitive::Net { side, net } => Self::net(side, net),
            Primitive::Port { protocol, side, first, last } => {
                Self::Port { protocol, side, first, last }
            }
            Primitive::Vlan(None) => Self::AnyVlan,
            Primitive::Vlan(Some(id)) => Self::Vlan(id),
            Primitive::Mpls => Self::Layer(Layer::Mpls),
            Primitive::Pppoe => Self::Layer(Layer::Pppoe),
            Primitive::Tunnel { kind: None, .. } => Self::AnyTunnel,
            Primitive::Tunnel { kind: Some(word), id: None } => Self::Tunnel(tunnel_kind(word)),
            Primitive::Tunnel { kind: Some(word), id: Some(id) } => {
                Self::TunnelId { kind: tunnel_kind(word), id }
            }
            Primitive::Length { comparison, bytes } => Self::Length { comparison, bytes },
            // `PacketFilter::new` has refused it.
            Primitive::Flow(_) => Self::Never,
        }
    }

    /// IPv4 lies in the last 32 of an [`Addr`]'s 128 bits.
    fn net(side: Side, net: Network) -> Self {
        let version = net.version();
        let host_bits = match version {
            IpVersion::V4 => 32 - u32::from(net.prefix()),
            IpVersion::V6 => 128 - u32::from(net.prefix()),
        };
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        Self::Net { side, version, addr: bits(Addr::from(net.addr())), mask }
    }

    #[inline]
    fn holds(&self, packet: &Packet) -> bool {
        let tuple = &packet.tuple;
        match *self {
            Self::Never => false,
            Self::Version(version) => tuple.version == version,
            Self::Protocol { version, number } => {
                version.is_none_or(|v| v == tuple.version)
                    && (tuple.protocol == number
                        || number == AH && packet.layers.as_slice().contains(&Layer::Ah))
            }
            Self::Net { side, version, addr, mask } => {
                tuple.version == version
                    && on_side(side, tuple.src, tuple.dst, |a| bits(a) & mask == addr)
            }
            Self::Port { protocol, side, first, last } => {
                let has_ports = match protocol {
                    Some(protocol) => tuple.protocol == protocol.number(),
                    None => PortProtocol::ALL.iter().any(|p| p.number() == tuple.protocol),
                };
                has_ports
                    && on_side(side, tuple.src_port, tuple.dst_port, |p| first <= p && p <= last)
            }
            Self::AnyVlan => packet.vlan_count > 0,
            Self::Vlan(id) => {
                let tags = usize::from(packet.vlan_count).min(packet.vlan.len());
                packet.vlan[..tags].contains(&id)
            }
            Self::Layer(layer) => packet.layers.as_slice().contains(&layer),
            Self::AnyTunnel => packet.tunnel.is_some(),
            Self::Tunnel(kind) => has_tunnel(packet, kind),
            Self::TunnelId { kind, id } => {
                packet.tunnel.is_some_and(|tunnel| (tunnel.kind, tunnel.id) == (kind, id))
            }
            Self::Length { comparison, bytes } => {
                comparison.holds(packet.wire_len.into(), bytes.into())
            }
        }
    }
}

#[inline]
const fn bits(addr: Addr) -> u128 {
    u128::from_be_bytes(addr.0)
}

#[inline]
fn on_side<T>(side: Side, src: T, dst: T, test: impl Fn(T) -> bool) -> bool {
    match side {
        Side::Either => test(src) || test(dst),
        Side::Src => test(src),
        Side::Dst => test(dst),
        Side::Both => test(src) && test(dst),
    }
}

const fn tunnel_kind(word: TunnelWord) -> TunnelKind {
    match word {
        TunnelWord::Gre => TunnelKind::Gre,
        TunnelWord::Erspan => TunnelKind::Erspan,
        TunnelWord::Vxlan => TunnelKind::Vxlan,
        TunnelWord::Geneve => TunnelKind::Geneve,
        TunnelWord::GtpU => TunnelKind::GtpU,
        TunnelWord::Teredo => TunnelKind::Teredo,
        TunnelWord::IpInIp => TunnelKind::IpInIp,
        TunnelWord::L2tp => TunnelKind::L2tp,
        TunnelWord::Ayiya => TunnelKind::Ayiya,
        TunnelWord::EtherIp => TunnelKind::EtherIp,
    }
}

/// Whether such a tunnel lies around the packet, at any depth that its layers name.
fn has_tunnel(packet: &Packet, kind: TunnelKind) -> bool {
    let layer = match kind {
        TunnelKind::Gre => Layer::Gre,
        TunnelKind::Erspan => Layer::Erspan,
        TunnelKind::Vxlan => Layer::Vxlan,
        TunnelKind::Geneve => Layer::Geneve,
        TunnelKind::GtpU => Layer::GtpU,
        TunnelKind::Teredo => Layer::Teredo,
        TunnelKind::L2tp => Layer::L2tp,
        TunnelKind::Ayiya => Layer::Ayiya,
        TunnelKind::EtherIp => Layer::EtherIp,
        TunnelKind::Mpls => Layer::Mpls,
        // There is no header between the two IP headers that a layer could stand for.
        TunnelKind::IpInIp => return packet.tunnel.is_some_and(|t| t.kind == kind),
    };
    packet.tunnel.is_some_and(|tunnel| tunnel.kind == kind)
        || packet.layers.as_slice().contains(&layer)
        || kind == TunnelKind::Gre && packet.tuple.protocol == GRE
}

#[cfg(test)]
mod tests;
