//! From frame to packet: the loop that takes one header after the other.
//!
//! Each kind of header has a function that reads it at the walk's position, notes what it says and names
//! the next step. There is no recursion, the loop has a limit, and every header moves the position on, so
//! the work is bounded by the frame's length.

use rheos_core::{DropReason, Frame};

use crate::walk::{Step, Walk};
use crate::{Fragment, Packet, TunnelPorts};
use crate::{ipv4, ipv6, link, mpls, plain, ppp, transport};

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
    /// Which UDP ports carry tunnels.
    pub tunnel_ports: TunnelPorts,
}

impl Default for DecodeConfig {
    fn default() -> Self {
        Self {
            tunnels: TunnelPolicy::Inner,
            tunnel_depth_max: 4,
            checksums: ChecksumPolicy::Count,
            tunnel_ports: TunnelPorts::default(),
        }
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

/// Headers walked at most; a real frame has fewer than twenty.
const STEPS_MAX: usize = 128;

/// Decodes `frame` into `out`, which is overwritten; `index` is the frame's number in its stream.
///
/// What is inside a tunnel never makes a frame drop: when it is no IP packet, or a damaged one, the packet
/// around the tunnel is the result. An IPv4 total length or IPv6 payload length beyond the frame is believed
/// in [`Packet::ip_len`] and [`Packet::payload_len`]; [`Packet::payload_cap_len`] counts what is there.
pub fn decode(frame: Frame<'_>, index: u64, config: &DecodeConfig, out: &mut Packet) -> Decoded {
    if let Some(decoded) = plain::decode(frame, index, config, out) {
        return decoded;
    }
    walk(frame, index, config, out)
}

/// [`decode`] without the straight way: whatever the frame is.
pub(crate) fn walk(
    frame: Frame<'_>,
    index: u64,
    config: &DecodeConfig,
    out: &mut Packet,
) -> Decoded {
    *out = Packet { ts: frame.ts, index, wire_len: frame.wire_len, ..Packet::default() };
    let mut walk = Walk::new(frame.data, frame.wire_len as usize, config);
    run(&mut walk, Step::Link(frame.link.0), out)
}

/// Goes on with a reassembled datagram (IP header first, its length fields made whole), keeping from
/// `out` the layers, tunnel and VLANs that lay around its fragments. Offsets then point into `datagram`.
///
/// The first header's checksum is not verified, as the reassembler wrote it anew.
pub fn decode_datagram(datagram: &[u8], config: &DecodeConfig, out: &mut Packet) -> Decoded {
    let mut walk = Walk::new(datagram, datagram.len(), config);
    walk.depth = out.tunnel.map_or(0, |tunnel| tunnel.depth);
    walk.header_rebuilt = true;
    out.l2_offset = 0;
    out.offload_len = false;
    out.reassembled = true;
    run(&mut walk, Step::Ip, out)
}

/// Walks until there is nothing more to walk.
#[inline]
fn run(walk: &mut Walk<'_>, first: Step, out: &mut Packet) -> Decoded {
    let mut step = first;
    for _ in 0..STEPS_MAX {
        step = match step {
            Step::Link(link) => link::link(walk, out, link),
            Step::Ethernet => link::ethernet(walk, out),
            Step::Ethertype(ethertype) => link::ethertype(walk, out, ethertype),
            Step::Llc => link::llc(walk, out),
            Step::Ppp => ppp::ppp(walk, out),
            Step::Mpls => mpls::mpls(walk, out),
            Step::Ip => link::ip(walk),
            Step::Ipv4 => ipv4::ipv4(walk, out),
            Step::Ipv6 => ipv6::ipv6(walk, out),
            Step::Transport(protocol) => transport::transport(walk, out, protocol),
            Step::Done => return Decoded::Packet,
            Step::Fragment => return fragment(walk, out),
            Step::Fail(reason) => return fail(walk, out, reason),
            Step::Reject(reason) => return Decoded::Dropped(reason),
        };
    }
    fail(walk, out, DropReason::LinkMalformed)
}

#[cold]
fn fragment(walk: &mut Walk<'_>, out: &mut Packet) -> Decoded {
    match walk.fragment.take() {
        Some(fragment) => Decoded::Fragment(fragment),
        None => fail(walk, out, DropReason::FragmentMalformed),
    }
}

/// The packet around the tunnel, or the reason why there is none.
#[cold]
fn fail(walk: &mut Walk<'_>, out: &mut Packet, reason: DropReason) -> Decoded {
    match walk.around.take() {
        Some(around) => {
            *out = around;
            Decoded::Packet
        }
        None => Decoded::Dropped(reason),
    }
}
