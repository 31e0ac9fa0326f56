//! The state of one walk through a frame: where the next header begins, where the bytes of the layer
//! that holds it end, and what to do next.
//!
//! Two ends are kept apart. `end` is where the layer ends by what the lengths in the headers say, and may
//! lie beyond what was captured. `bytes` holds what was captured of it and never reaches beyond `end`, so
//! padding and trailers of outer layers are out of sight.

use rheos_core::DropReason;

use crate::decode::{ChecksumPolicy, DecodeConfig, TunnelPolicy};
use crate::{Fragment, Packet, TunnelPorts};

/// What comes next at [`Walk::pos`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A link header of this pcap link type.
    Link(u16),
    /// An Ethernet header.
    Ethernet,
    /// What this Ethernet protocol number names.
    Ethertype(u16),
    /// An IEEE 802.2 header.
    Llc,
    /// A PPP header.
    Ppp,
    /// An MPLS label stack.
    Mpls,
    /// An IP header whose version only its first nibble tells.
    Ip,
    /// An IPv4 header.
    Ipv4,
    /// An IPv6 header.
    Ipv6,
    /// What this IP protocol number names.
    Transport(u8),
    /// Nothing: the packet is complete.
    Done,
    /// Nothing: it is a fragment, left in [`Walk::fragment`].
    Fragment,
    /// These bytes make no packet; the packet around the tunnel does, should there be one.
    Fail(DropReason),
    /// The packet is whole but policy wants it dropped, whatever lies around it.
    Reject(DropReason),
}

/// One walk; see the module's description.
pub(crate) struct Walk<'a> {
    /// Captured bytes from the start of the frame to where the current layer ends.
    pub(crate) bytes: &'a [u8],
    /// Where the next header begins.
    pub(crate) pos: usize,
    /// Where the current layer ends by the lengths in the headers; at least `bytes.len()`.
    pub(crate) end: usize,
    /// What to do with checksums.
    pub(crate) checksums: ChecksumPolicy,
    /// Which UDP ports carry tunnels.
    pub(crate) ports: &'a TunnelPorts,
    /// Tunnels walked so far.
    pub(crate) depth: u8,
    /// Tunnels to walk at most.
    pub(crate) depth_max: u8,
    /// The next IP header was put together by a reassembler, so its checksum says nothing.
    pub(crate) header_rebuilt: bool,
    /// Set with [`Step::Fragment`].
    pub(crate) fragment: Option<Fragment>,
    /// The packet around the current tunnel, complete, for when the inside makes no packet.
    pub(crate) around: Option<Packet>,
}

impl<'a> Walk<'a> {
    /// At the start of `bytes`, of which there were `wire_len` on the wire.
    #[inline]
    pub(crate) fn new(bytes: &'a [u8], wire_len: usize, config: &'a DecodeConfig) -> Self {
        Self {
            bytes,
            pos: 0,
            end: wire_len.max(bytes.len()),
            checksums: config.checksums,
            ports: &config.tunnel_ports,
            depth: 0,
            depth_max: match config.tunnels {
                TunnelPolicy::Inner => config.tunnel_depth_max,
                TunnelPolicy::Outer => 0,
            },
            header_rebuilt: false,
            fragment: None,
            around: None,
        }
    }

    /// The next `N` bytes, if they were captured.
    #[inline]
    pub(crate) fn header<const N: usize>(&self) -> Option<&'a [u8; N]> {
        self.bytes.get(self.pos..)?.first_chunk()
    }

    /// The `N` bytes that lie `ahead` bytes after the current position, if they were captured.
    #[inline]
    pub(crate) fn header_at<const N: usize>(&self, ahead: usize) -> Option<&'a [u8; N]> {
        self.bytes.get(self.pos + ahead..)?.first_chunk()
    }

    /// How many bytes follow by the lengths in the headers.
    #[inline]
    pub(crate) fn remaining(&self) -> usize {
        self.end.saturating_sub(self.pos)
    }

    /// The captured bytes that follow.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.pos..).unwrap_or(&[])
    }

    /// The layer ends at `end` by its own length, which may lie beyond the layer around it.
    #[inline]
    pub(crate) fn set_end(&mut self, end: usize) {
        self.end = end;
        if let Some(within) = self.bytes.get(..end) {
            self.bytes = within;
        }
    }

    /// The payload begins at `offset` and ends with the layer.
    #[inline]
    pub(crate) fn set_payload(&self, out: &mut Packet, offset: usize) {
        out.payload_offset = offset as u32;
        out.payload_len = self.end.saturating_sub(offset) as u32;
        out.payload_cap_len = self.bytes.len().saturating_sub(offset) as u32;
    }
}

/// The two bytes at `at` as a number in network order.
#[inline]
pub(crate) const fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// The four bytes at `at` as a number in network order.
#[inline]
pub(crate) const fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
