//! The bytes of one frame, from the Ethernet header to the transport header, and the checksums over them.
//!
//! A frame is written once from front to back, every length known before; only transport checksums are
//! filled in at the end, by [`Layout::seal`].

use rheos_core::Addr;
use rheos_wire::checksum::internet_sum;

use super::tunnel::{Outer, TunnelPath};

pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const ICMP: u8 = 1;
pub(crate) const ICMP6: u8 = 58;

/// The router between the clients' network and the rest.
pub(crate) const GATEWAY_MAC: [u8; 6] = [0x02, 0x00, 0x00, 0x00, 0x00, 0xfe];

/// The two ends of a conversation and the way between them. Side 0 is the client, side 1 the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    pub(crate) v6: bool,
    pub(crate) addrs: [Addr; 2],
    pub(crate) ports: [u16; 2],
    pub(crate) macs: [[u8; 6]; 2],
    pub(crate) ttls: [u8; 2],
    /// Next IPv4 identification of each side; counts up.
    pub(crate) ip_ids: [u16; 2],
    /// One-way nanoseconds between each side and the capture.
    pub(crate) delays: [u64; 2],
    /// Outer and inner VLAN id; 0 where there is none.
    pub(crate) vlans: [u16; 2],
    pub(crate) tunnel: Option<TunnelPath>,
    /// Largest IP packet that fits into the tunnel or link.
    pub(crate) mtu: u16,
}

impl Path {
    pub(crate) const fn ip_header_len(&self) -> usize {
        if self.v6 { 40 } else { 20 }
    }

    /// Round trip time of the two ends in nanoseconds.
    pub(crate) const fn rtt(&self) -> u64 {
        2 * (self.delays[0] + self.delays[1])
    }
}

/// Where a fragment lies in its datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FragmentPart {
    pub(crate) offset: u16,
    pub(crate) more: bool,
    pub(crate) id: u32,
}

/// An IP header's content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ip {
    pub(crate) v6: bool,
    pub(crate) src: Addr,
    pub(crate) dst: Addr,
    pub(crate) protocol: u8,
    pub(crate) ttl: u8,
    pub(crate) id: u16,
    pub(crate) payload_len: usize,
    pub(crate) fragment: Option<FragmentPart>,
}

impl Ip {
    /// Length of the packet: headers and payload.
    pub(crate) const fn total_len(&self) -> usize {
        let header = match (self.v6, self.fragment.is_some()) {
            (false, _) => 20,
            (true, false) => 40,
            (true, true) => 48,
        };
        header + self.payload_len
    }

    pub(crate) fn push(&self, out: &mut Vec<u8>) {
        if self.v6 { self.push_v6(out) } else { self.push_v4(out) }
    }

    /// RFC 791.
    fn push_v4(&self, out: &mut Vec<u8>) {
        let (flags, id) = match self.fragment {
            Some(part) => ((u16::from(part.more) << 13) | (part.offset / 8), part.id as u16),
            None => (0x4000, self.id),
        };
        let mut h = [0u8; 20];
        h[0] = 0x45;
        h[2..4].copy_from_slice(&(self.total_len() as u16).to_be_bytes());
        h[4..6].copy_from_slice(&id.to_be_bytes());
        h[6..8].copy_from_slice(&flags.to_be_bytes());
        h[8] = self.ttl;
        h[9] = self.protocol;
        h[12..16].copy_from_slice(&self.src.v4_bytes());
        h[16..20].copy_from_slice(&self.dst.v4_bytes());
        let sum = checksum(ones_sum(&h));
        h[10..12].copy_from_slice(&sum);
        out.extend_from_slice(&h);
    }

    /// RFC 8200, with a fragment header where there is a fragment.
    fn push_v6(&self, out: &mut Vec<u8>) {
        let mut h = [0u8; 48];
        let len = if self.fragment.is_some() { 48 } else { 40 };
        h[0] = 0x60;
        h[4..6].copy_from_slice(&((self.total_len() - 40) as u16).to_be_bytes());
        h[6] = self.protocol;
        h[7] = self.ttl;
        h[8..24].copy_from_slice(&self.src.0);
        h[24..40].copy_from_slice(&self.dst.0);
        if let Some(part) = self.fragment {
            h[6] = 44;
            h[40] = self.protocol;
            h[42..44].copy_from_slice(&(part.offset | u16::from(part.more)).to_be_bytes());
            h[44..48].copy_from_slice(&part.id.to_be_bytes());
        }
        out.extend_from_slice(&h[..len]);
    }
}

/// Where the layers of a frame begin, counted from the start of the output buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// The frame.
    pub(crate) start: usize,
    /// The innermost IP header.
    pub(crate) l3: usize,
    /// What follows that header (and an IPv6 fragment header).
    pub(crate) l4: usize,
    /// Length of the innermost IP packet.
    pub(crate) ip_len: usize,
    pub(crate) v6: bool,
    pub(crate) protocol: u8,
    outer: Option<Outer>,
}

/// Begins a frame from side `from`: link, tunnel and IP headers for `payload_len` bytes of `protocol`.
pub(crate) fn open(
    out: &mut Vec<u8>,
    path: &mut Path,
    from: usize,
    protocol: u8,
    payload_len: usize,
    fragment: Option<FragmentPart>,
) -> Layout {
    let start = out.len();
    let to = 1 - from;
    let ip = Ip {
        v6: path.v6,
        src: path.addrs[from],
        dst: path.addrs[to],
        protocol,
        ttl: path.ttls[from],
        id: path.ip_ids[from],
        payload_len,
        fragment,
    };
    if fragment.is_none() {
        path.ip_ids[from] = path.ip_ids[from].wrapping_add(1);
    }
    out.extend_from_slice(&path.macs[to]);
    out.extend_from_slice(&path.macs[from]);
    push_vlans(out, path.vlans);
    let outer = match &mut path.tunnel {
        None => {
            out.extend_from_slice(&ether_type(path.v6));
            None
        }
        Some(tunnel) => {
            out.extend_from_slice(&ether_type(tunnel.v6));
            Some(tunnel.push(out, from, path.v6, ip.total_len(), [path.macs[to], path.macs[from]]))
        }
    };
    let l3 = out.len();
    ip.push(out);
    Layout { start, l3, l4: out.len(), ip_len: ip.total_len(), v6: path.v6, protocol, outer }
}

fn push_vlans(out: &mut Vec<u8>, vlans: [u16; 2]) {
    let [outer, inner] = vlans;
    if outer != 0 && inner != 0 {
        out.extend_from_slice(&[0x88, 0xa8]);
        out.extend_from_slice(&outer.to_be_bytes());
        out.extend_from_slice(&[0x81, 0x00]);
        out.extend_from_slice(&inner.to_be_bytes());
    } else if outer != 0 {
        out.extend_from_slice(&[0x81, 0x00]);
        out.extend_from_slice(&outer.to_be_bytes());
    }
}

pub(crate) const fn ether_type(v6: bool) -> [u8; 2] {
    if v6 { [0x86, 0xdd] } else { [0x08, 0x00] }
}

impl Layout {
    /// Fills in the transport checksum at `at` bytes into the transport header, then the tunnel's.
    pub(crate) fn seal(&self, out: &mut [u8], at: Option<usize>, pseudo: bool) {
        if let Some(at) = at {
            let mut sum = ones_sum(&out[self.l4..]);
            if pseudo {
                sum += self.pseudo_sum(out, out.len() - self.l4);
            }
            let mut bytes = checksum(sum);
            if self.protocol == UDP && bytes == [0, 0] {
                bytes = [0xff, 0xff];
            }
            out[self.l4 + at..self.l4 + at + 2].copy_from_slice(&bytes);
        }
        if let Some(outer) = &self.outer {
            outer.seal(out);
        }
    }

    fn pseudo_sum(&self, out: &[u8], len: usize) -> u64 {
        pseudo_sum(&out[self.l3..], self.v6, self.protocol, len)
    }
}

/// Sum over the pseudo header (RFC 9293 §3.1, RFC 8200 §8.1) of the IP header that `ip` begins with.
pub(crate) fn pseudo_sum(ip: &[u8], v6: bool, protocol: u8, len: usize) -> u64 {
    let addresses = if v6 { &ip[8..40] } else { &ip[12..20] };
    let mut rest = [0u8; 8];
    rest[..4].copy_from_slice(&(len as u32).to_be_bytes());
    rest[7] = protocol;
    ones_sum(addresses) + ones_sum(&rest)
}

/// Sum of 16-bit words in network order, not yet complemented; sums may be added.
#[inline]
pub(crate) fn ones_sum(bytes: &[u8]) -> u64 {
    u64::from(internet_sum(bytes))
}

/// Folds a sum and complements it: the two bytes to write.
#[inline]
pub(crate) const fn checksum(mut sum: u64) -> [u8; 2] {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_rfc_1071s() {
        // The example of RFC 1071 §3: the sum is ddf2.
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(ones_sum(&bytes)), [!0xdd, !0xf2]);
        // An odd byte counts as the high half of a word.
        assert_eq!(checksum(ones_sum(&[0x12])), [!0x12, 0xff]);
    }
}
