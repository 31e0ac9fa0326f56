//! From frame to packet.

use rheos_core::{DropReason, Frame};

use crate::{Fragment, Packet};

/// Which layer keys the flow when packets travel in tunnels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TunnelPolicy {
    /// The innermost IP packet within [`DecodeConfig::tunnel_depth_max`]; the tuple around it is kept in [`Packet::tunnel`].
    #[default]
    Inner,
    /// The outermost IP packet; tunnels are not looked into.
    Outer,
}

/// What to do with checksums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChecksumPolicy {
    /// Do not verify.
    Ignore,
    /// Verify and count.
    #[default]
    Count,
    /// Verify, and make no packet of a frame whose checksum is wrong (and not left to the network card).
    Drop,
}

/// How frames are decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeConfig {
    /// Which layer keys the flow.
    pub tunnels: TunnelPolicy,
    /// How many tunnels are looked into at most; the packet at that depth keys the flow.
    pub tunnel_depth_max: u8,
    /// What to do with checksums.
    pub checksums: ChecksumPolicy,
}

impl Default for DecodeConfig {
    fn default() -> Self {
        Self { tunnels: TunnelPolicy::Inner, tunnel_depth_max: 4, checksums: ChecksumPolicy::Count }
    }
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// `out` is a whole packet.
    Packet,
    /// An IP fragment at some depth: `out` holds what is known of the layers around it. Hand its data to a
    /// reassembler and the whole datagram to [`decode_datagram`] with the same `out`.
    Fragment(Fragment),
    /// No packet, and why.
    Dropped(DropReason),
}

/// Decodes `frame` into `out`, which is overwritten; `index` is the frame's number in its stream.
pub fn decode(
    _frame: Frame<'_>,
    _index: u64,
    _config: &DecodeConfig,
    _out: &mut Packet,
) -> Decoded {
    Decoded::Dropped(DropReason::LinkUnsupported)
}

/// Goes on with a reassembled datagram (IP header first, its length fields made whole), keeping from
/// `out` the layers, tunnel and VLANs that lay around its fragments. Offsets then point into `datagram`.
pub fn decode_datagram(_datagram: &[u8], _config: &DecodeConfig, _out: &mut Packet) -> Decoded {
    Decoded::Dropped(DropReason::LinkUnsupported)
}
