//! The straight way for the frames that most captures are made of: Ethernet with at most one VLAN tag, IPv4
//! without options or IPv6 without extension headers, and TCP or UDP outside tunnels.
//!
//! Such a frame needs few checks, and every field of its packet is written once, as soon as it is read. Whatever
//! is odd in any way is left to the walk, which reads these frames too and must give the same packet: the tests
//! compare the two.

#![allow(clippy::inline_always, reason = "constants meet only where all of this is one function")]

use rheos_core::{DropReason, Frame, IpVersion, LinkType};

use crate::checksum::{self, Covered};
use crate::decode::{ChecksumPolicy, DecodeConfig, Decoded};
use crate::link::ethertypes;
use crate::transport::protocols;
use crate::walk::{be16, be32};
use crate::{ChecksumState, Layer, Layers, Packet, TcpHeader, ipv4, ipv6, tcp, udp};

/// Decodes a frame whose headers are as plain as they can be. `None` is any other; then `out` holds remains.
#[inline]
pub(crate) fn decode(
    frame: Frame<'_>,
    index: u64,
    config: &DecodeConfig,
    out: &mut Packet,
) -> Option<Decoded> {
    if frame.link != LinkType::ETHERNET {
        return None;
    }
    let plain = Plain { data: frame.data, config };
    let ethernet = plain.header::<14>(0)?;
    out.ts = frame.ts;
    out.index = index;
    out.wire_len = frame.wire_len;
    out.subframes_unread = 0;
    match be16(ethernet, 12) {
        ethertypes::IPV4 => plain.ipv4::<false>(out),
        ethertypes::IPV6 => plain.ipv6::<false>(out),
        ethertypes::VLAN => {
            let tag = plain.header::<4>(14)?;
            out.vlan = [be16(tag, 0) & 0xfff, 0];
            match be16(tag, 2) {
                ethertypes::IPV4 => plain.ipv4::<true>(out),
                ethertypes::IPV6 => plain.ipv6::<true>(out),
                _ => None,
            }
        }
        _ => None,
    }
}

struct Plain<'a> {
    data: &'a [u8],
    config: &'a DecodeConfig,
}

/// Where the IP header begins.
const fn ip_start(tagged: bool) -> usize {
    if tagged { 18 } else { 14 }
}

const fn layers(tagged: bool, version: IpVersion, transport: Layer) -> Layers {
    let network = match version {
        IpVersion::V4 => Layer::Ipv4,
        IpVersion::V6 => Layer::Ipv6,
    };
    if tagged {
        Layers::of([Layer::Ethernet, Layer::Vlan, network, transport])
    } else {
        Layers::of([Layer::Ethernet, network, transport])
    }
}

impl<'a> Plain<'a> {
    #[inline(always)]
    fn header<const N: usize>(&self, at: usize) -> Option<&'a [u8; N]> {
        self.data.get(at..)?.first_chunk()
    }

    /// An IPv4 header without options, of a packet that is no fragment and tells its length.
    #[inline(always)]
    fn ipv4<const TAGGED: bool>(&self, out: &mut Packet) -> Option<Decoded> {
        use ipv4::field;
        let start = ip_start(TAGGED);
        let header = self.header::<20>(start)?;
        let len = usize::from(be16(header, field::TOTAL_LEN));
        let flags_offset = be16(header, field::FLAGS_OFFSET);
        if header[field::VERSION_IHL] != 0x45 || len < 20 || flags_offset & 0x3fff != 0 {
            return None;
        }
        out.tuple.src = ipv4::address(header, field::SRC);
        out.tuple.dst = ipv4::address(header, field::DST);
        out.tuple.version = IpVersion::V4;
        out.ip_len = len as u32;
        out.tos = header[field::TOS];
        out.ttl = header[field::TTL];
        out.ip_id = u32::from(be16(header, field::ID));
        out.ip_flags = (flags_offset >> 13) as u8;
        out.checksum = ChecksumState::default();
        let policy = self.config.checksums;
        let stored = be16(header, field::CHECKSUM);
        let verdict = checksum::ipv4_header(policy, header, stored);
        if let Some(reason) = verdict.note(policy, &mut out.checksum) {
            return Some(Decoded::Dropped(reason));
        }
        self.transport::<TAGGED>(IpVersion::V4, header[field::PROTOCOL], start + len, out)
    }

    /// An IPv6 header that tells its length and is followed by a transport header.
    #[inline(always)]
    fn ipv6<const TAGGED: bool>(&self, out: &mut Packet) -> Option<Decoded> {
        use ipv6::field;
        let start = ip_start(TAGGED);
        let header = self.header::<40>(start)?;
        let len = usize::from(be16(header, field::PAYLOAD_LEN));
        if header[field::VERSION_CLASS] >> 4 != 6 || len == 0 {
            return None;
        }
        out.tuple.src = ipv6::address(header, field::SRC);
        out.tuple.dst = ipv6::address(header, field::DST);
        out.tuple.version = IpVersion::V6;
        out.ip_len = 40 + len as u32;
        out.tos = (be16(header, field::VERSION_CLASS) >> 4) as u8;
        out.ttl = header[field::HOP_LIMIT];
        out.ip_id = 0;
        out.ip_flags = 0;
        out.checksum = ChecksumState::default();
        self.transport::<TAGGED>(IpVersion::V6, header[field::NEXT_HEADER], start + 40 + len, out)
    }

    /// What follows an IP header; the packet ends at `end` by its own length, maybe beyond what was captured.
    #[inline(always)]
    fn transport<const TAGGED: bool>(
        &self,
        version: IpVersion,
        protocol: u8,
        end: usize,
        out: &mut Packet,
    ) -> Option<Decoded> {
        let start = ip_start(TAGGED)
            + match version {
                IpVersion::V4 => 20,
                IpVersion::V6 => 40,
            };
        out.tuple.protocol = protocol;
        out.l3_offset = ip_start(TAGGED) as u32;
        out.l4_offset = start as u32;
        out.vlan_count = u8::from(TAGGED);
        if !TAGGED {
            out.vlan = [0; 2];
        }
        match protocol {
            protocols::TCP => {
                out.layers = layers(TAGGED, version, Layer::Tcp);
                self.tcp(start, end, out)
            }
            protocols::UDP => {
                out.layers = layers(TAGGED, version, Layer::Udp);
                self.udp(start, end, version, out)
            }
            _ => None,
        }
    }

    #[inline(always)]
    fn tcp(&self, start: usize, end: usize, out: &mut Packet) -> Option<Decoded> {
        use tcp::field;
        let header = self.header::<20>(start)?;
        let offset_flags = be16(header, field::OFFSET_FLAGS);
        let header_len = usize::from(offset_flags >> 12) * 4;
        if header_len < 20 || start + header_len > end {
            return None;
        }
        out.tuple.src_port = be16(header, field::SRC_PORT);
        out.tuple.dst_port = be16(header, field::DST_PORT);
        out.tcp.seq = be32(header, field::SEQ);
        out.tcp.ack = be32(header, field::ACK);
        out.tcp.window = be16(header, field::WINDOW);
        out.tcp.urgent = be16(header, field::URGENT);
        out.tcp.flags = offset_flags & 0x1ff;
        out.tcp.header_len = header_len as u8;
        let covered = Covered {
            len: end - start,
            pseudo_len: end - start,
            stored: be16(header, field::CHECKSUM),
            reason: DropReason::ChecksumTcp,
        };
        Some(self.finish(Some(&covered), start + header_len, end, out))
    }

    /// UDP on ports that carry no tunnel, in a datagram that tells its length.
    #[inline(always)]
    fn udp(
        &self,
        start: usize,
        end: usize,
        version: IpVersion,
        out: &mut Packet,
    ) -> Option<Decoded> {
        use udp::field;
        let header = self.header::<8>(start)?;
        let (src_port, dst_port) = (be16(header, field::SRC_PORT), be16(header, field::DST_PORT));
        let len = usize::from(be16(header, field::LENGTH));
        let tunnels = &self.config.tunnel_ports;
        if len < 8
            || start + len > end
            || tunnels.get(src_port).is_some()
            || tunnels.get(dst_port).is_some()
        {
            return None;
        }
        out.tuple.src_port = src_port;
        out.tuple.dst_port = dst_port;
        out.tcp = TcpHeader::default();
        let stored = be16(header, field::CHECKSUM);
        let covered = Covered { len, pseudo_len: len, stored, reason: DropReason::ChecksumUdp };
        let summed = stored != 0 || version == IpVersion::V6;
        Some(self.finish(summed.then_some(&covered), start + 8, start + len, out))
    }

    /// Sets the payload and what plain packets have not, and verifies what is `covered`.
    #[inline(always)]
    fn finish(
        &self,
        covered: Option<&Covered>,
        payload: usize,
        end: usize,
        out: &mut Packet,
    ) -> Decoded {
        out.payload_offset = payload as u32;
        out.payload_len = (end - payload) as u32;
        out.payload_cap_len = end.min(self.data.len()).saturating_sub(payload) as u32;
        out.l2_offset = 0;
        out.icmp_type = 0;
        out.icmp_code = 0;
        out.fragments = 0;
        out.reassembled = false;
        out.offload_len = false;
        out.tunnel = None;
        let policy = self.config.checksums;
        if policy != ChecksumPolicy::Ignore
            && let Some(covered) = covered
            && let Some(bytes) = self.data.get(end - covered.len..end)
        {
            let tuple = &out.tuple;
            let bare = checksum::bare_pseudo(&tuple.src.0, &tuple.dst.0, tuple.protocol);
            if let Some(reason) = covered.verify(bytes, bare).note(policy, &mut out.checksum) {
                return Decoded::Dropped(reason);
            }
        }
        Decoded::Packet
    }
}
