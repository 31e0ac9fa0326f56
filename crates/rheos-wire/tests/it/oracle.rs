//! Plain Ethernet, IPv4, IPv6, TCP and UDP frames of the corpus as `etherparse` reads them.

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use rheos_core::{Addr, LinkType};
use rheos_wire::{ChecksumPolicy, DecodeConfig, Decoded, Packet, TunnelPolicy};

use crate::it::captures::{Captured, corpus, files, frames};
use crate::it::corpus::check;

/// Addresses, TTL, ports, TCP header length and payload length as the other decoder tells them.
type Told = (Addr, Addr, u8, u16, u16, u8, usize);

/// `None` for what this comparison leaves out: fragments, other protocols, lengths that contradict, extension
/// headers that change the addresses.
fn other_decoder(frame: &Captured) -> Option<Told> {
    let sliced = SlicedPacket::from_ethernet(&frame.data).ok()?;
    let (src, dst, ttl) = match sliced.net? {
        NetSlice::Ipv4(ip) if !ip.is_payload_fragmented() && ip.header().total_len() > 0 => {
            let header = ip.header();
            (Addr::v4(header.source()), Addr::v4(header.destination()), header.ttl())
        }
        NetSlice::Ipv6(ip)
            if !ip.is_payload_fragmented()
                && ip.extensions().is_empty()
                && ip.header().payload_length() > 0 =>
        {
            let header = ip.header();
            (Addr(header.source()), Addr(header.destination()), header.hop_limit())
        }
        _ => return None,
    };
    Some(match sliced.transport? {
        TransportSlice::Tcp(tcp) => {
            let header_len = tcp.data_offset() * 4;
            let payload = tcp.payload().len();
            (src, dst, ttl, tcp.source_port(), tcp.destination_port(), header_len, payload)
        }
        TransportSlice::Udp(udp) if udp.length() > 0 => {
            (src, dst, ttl, udp.source_port(), udp.destination_port(), 0, udp.payload().len())
        }
        _ => return None,
    })
}

#[test]
fn plain_frames_as_etherparse_reads_them() {
    let Some(root) = corpus() else { return };
    let config = DecodeConfig {
        tunnels: TunnelPolicy::Outer,
        checksums: ChecksumPolicy::Ignore,
        ..DecodeConfig::default()
    };
    let mut out = Packet::default();
    let mut compared = 0_u64;
    for path in files(&root, &["zeek", "ja4", "suricata", "tcpdump"]) {
        let whole = |frame: &Captured| {
            frame.link == LinkType::ETHERNET && frame.wire_len as usize == frame.data.len()
        };
        for (number, frame) in frames(&path).iter().enumerate().filter(|(_, frame)| whole(frame)) {
            let Some(told) = other_decoder(frame) else { continue };
            let place = format!("{} frame {}", path.display(), number + 1);
            assert_eq!(check(frame, &config, &mut out), Decoded::Packet, "{place}");
            let tuple = out.tuple;
            let ours = (
                tuple.src,
                tuple.dst,
                out.ttl,
                tuple.src_port,
                tuple.dst_port,
                out.tcp.header_len,
                out.payload_len as usize,
            );
            assert_eq!(ours, told, "{place}");
            compared += 1;
        }
    }
    println!("{compared} frames compared");
    assert!(compared > 40_000, "{compared} frames");
}
