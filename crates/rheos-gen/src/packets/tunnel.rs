//! Encapsulations around a conversation.

use rheos_core::Addr;

use super::config::TunnelChoice;
use super::headers::{Ip, UDP, checksum, ether_type, ones_sum, pseudo_sum};

const GRE: u8 = 47;

/// The tunnel a conversation travels in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TunnelPath {
    pub(crate) kind: TunnelChoice,
    /// The outer packets are IPv6.
    pub(crate) v6: bool,
    /// Tunnel endpoint on either side.
    pub(crate) ends: [Addr; 2],
    /// VNI, TEID, GRE key, session.
    pub(crate) id: u32,
    /// Outer source port of UDP tunnels that spread by it (RFC 7348 §5).
    pub(crate) entropy: u16,
    /// GRE sequence number (ERSPAN) and IPv4 identification of the outer packets.
    pub(crate) sequence: u32,
}

/// What of a tunnel is filled in last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outer {
    l3: usize,
    udp: Option<usize>,
    v6: bool,
}

impl TunnelChoice {
    /// Its name in truth and summaries, the same as the decoder's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::Gre => "gre",
            Self::Ipip => "ipip",
            Self::Gtpu => "gtpu",
            Self::Erspan => "erspan",
            Self::L2tp => "l2tp",
        }
    }

    /// Bytes between the outer and the inner IP header.
    const fn shim_len(self) -> usize {
        match self {
            Self::Vxlan | Self::Geneve | Self::Erspan => 8 + 8 + 14,
            Self::Gre => 8,
            Self::Ipip => 0,
            Self::Gtpu => 8 + 8,
            Self::L2tp => 8 + 8 + 4,
        }
    }

    const fn udp_port(self) -> Option<u16> {
        match self {
            Self::Vxlan => Some(4789),
            Self::Geneve => Some(6081),
            Self::Gtpu => Some(2152),
            Self::L2tp => Some(1701),
            Self::Gre | Self::Ipip | Self::Erspan => None,
        }
    }
}

impl TunnelPath {
    /// Bytes that the tunnel takes from the MTU.
    pub(crate) const fn overhead(&self) -> u16 {
        (if self.v6 { 40 } else { 20 }) + self.kind.shim_len() as u16
    }

    /// Writes the outer IP header and everything up to the inner one. `macs` are the inner frame's
    /// destination and source.
    pub(crate) fn push(
        &mut self,
        out: &mut Vec<u8>,
        from: usize,
        inner_v6: bool,
        inner_len: usize,
        macs: [[u8; 6]; 2],
    ) -> Outer {
        // A mirror session always goes from the switch to the collector.
        let side = if self.kind == TunnelChoice::Erspan { 0 } else { from };
        let protocol = match (self.kind, inner_v6) {
            (TunnelChoice::Gre | TunnelChoice::Erspan, _) => GRE,
            (TunnelChoice::Ipip, false) => 4,
            (TunnelChoice::Ipip, true) => 41,
            _ => UDP,
        };
        let ip = Ip {
            v6: self.v6,
            src: self.ends[side],
            dst: self.ends[1 - side],
            protocol,
            ttl: 63,
            id: self.sequence as u16,
            payload_len: self.kind.shim_len() + inner_len,
            fragment: None,
        };
        let l3 = out.len();
        ip.push(out);
        let udp = self.kind.udp_port().map(|port| {
            let at = out.len();
            let source = match self.kind {
                TunnelChoice::Vxlan | TunnelChoice::Geneve => self.entropy,
                _ => port,
            };
            out.extend_from_slice(&source.to_be_bytes());
            out.extend_from_slice(&port.to_be_bytes());
            out.extend_from_slice(&(ip.payload_len as u16).to_be_bytes());
            out.extend_from_slice(&[0, 0]);
            at
        });
        self.push_shim(out, inner_v6, inner_len, macs);
        self.sequence = self.sequence.wrapping_add(1);
        // Without a checksum of its own over IPv4, as these encapsulations are sent (RFC 7348 §5).
        let unchecked = !self.v6 && matches!(self.kind, TunnelChoice::Vxlan | TunnelChoice::Geneve);
        Outer { l3, udp: udp.filter(|_| !unchecked), v6: self.v6 }
    }

    fn push_shim(&self, out: &mut Vec<u8>, inner_v6: bool, inner_len: usize, macs: [[u8; 6]; 2]) {
        let id = self.id.to_be_bytes();
        let ethernet = |out: &mut Vec<u8>| {
            out.extend_from_slice(&macs[0]);
            out.extend_from_slice(&macs[1]);
            out.extend_from_slice(&ether_type(inner_v6));
        };
        match self.kind {
            TunnelChoice::Vxlan => {
                out.extend_from_slice(&[0x08, 0, 0, 0, id[1], id[2], id[3], 0]);
                ethernet(out);
            }
            TunnelChoice::Geneve => {
                out.extend_from_slice(&[0, 0, 0x65, 0x58, id[1], id[2], id[3], 0]);
                ethernet(out);
            }
            TunnelChoice::Gre => {
                out.extend_from_slice(&[0x20, 0]);
                out.extend_from_slice(&ether_type(inner_v6));
                out.extend_from_slice(&id);
            }
            TunnelChoice::Ipip => {}
            TunnelChoice::Gtpu => {
                out.extend_from_slice(&[0x30, 0xff]);
                out.extend_from_slice(&(inner_len as u16).to_be_bytes());
                out.extend_from_slice(&id);
            }
            TunnelChoice::Erspan => {
                out.extend_from_slice(&[0x10, 0, 0x88, 0xbe]);
                out.extend_from_slice(&self.sequence.to_be_bytes());
                out.extend_from_slice(&[0x10, 0x00, id[2] & 0x03, id[3], 0, 0, 0, 1]);
                ethernet(out);
            }
            TunnelChoice::L2tp => {
                out.extend_from_slice(&[0x40, 0x02]);
                out.extend_from_slice(&((inner_len + 12) as u16).to_be_bytes());
                out.extend_from_slice(&id);
                out.extend_from_slice(&[0xff, 0x03, 0x00, if inner_v6 { 0x57 } else { 0x21 }]);
            }
        }
    }
}

impl Outer {
    /// Fills in the outer UDP checksum where the encapsulation has one.
    pub(crate) fn seal(&self, out: &mut [u8]) {
        let Some(udp) = self.udp else { return };
        let len = out.len() - udp;
        let sum = ones_sum(&out[udp..]) + pseudo_sum(&out[self.l3..], self.v6, UDP, len);
        let bytes = match checksum(sum) {
            [0, 0] => [0xff, 0xff],
            bytes => bytes,
        };
        out[udp + 6..udp + 8].copy_from_slice(&bytes);
    }
}
