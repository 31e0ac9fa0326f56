//! Frames around datagrams that somebody else has made, such as those of flow exporters.

use std::net::SocketAddrV4;

use rheos_core::Addr;

use super::headers::{self, Path, UDP};
use super::udp;

/// Most bytes of a datagram in one IPv4 packet: what 16 bits leave behind the headers of IPv4 and UDP.
pub const DATAGRAM_LEN_MAX: usize = u16::MAX as usize - 28;

/// A way of UDP datagrams from one end to the other.
///
/// ```
/// use rheos_gen::packets::DatagramFrames;
///
/// let ends = ["192.0.2.1:50000", "192.0.2.254:2055"].map(|end| end.parse().unwrap());
/// let mut frame = Vec::new();
/// assert!(DatagramFrames::new(ends).frame(b"datagram", &mut frame));
/// assert_eq!(frame.len(), 14 + 20 + 8 + 8);
/// ```
#[derive(Clone, Debug)]
pub struct DatagramFrames {
    path: Path,
}

impl DatagramFrames {
    /// From the first end to the second.
    pub fn new(ends: [SocketAddrV4; 2]) -> Self {
        // Locally administered, told by the address.
        let mac = |end: SocketAddrV4| {
            let [a, b, c, d] = end.ip().octets();
            [0x02, 0x00, a, b, c, d]
        };
        let path = Path {
            v6: false,
            addrs: ends.map(|end| {
                let [a, b, c, d] = end.ip().octets();
                Addr::v4([a, b, c, d])
            }),
            ports: ends.map(|end| end.port()),
            macs: ends.map(mac),
            ttls: [64; 2],
            ip_ids: [0; 2],
            delays: [0; 2],
            vlans: [0; 2],
            tunnel: None,
            mtu: u16::MAX,
        };
        Self { path }
    }

    /// Writes the Ethernet frame of the next datagram into `out`, which is cleared. `false` if it is longer than
    /// [`DATAGRAM_LEN_MAX`]: nothing is written then.
    pub fn frame(&mut self, datagram: &[u8], out: &mut Vec<u8>) -> bool {
        out.clear();
        if datagram.len() > DATAGRAM_LEN_MAX {
            return false;
        }
        let layout = headers::open(out, &mut self.path, 0, UDP, 8 + datagram.len(), None);
        udp::push_header(out, layout.l3, self.path.ports, false, datagram);
        out.extend_from_slice(datagram);
        true
    }
}

#[cfg(test)]
mod tests {
    use rheos_core::{Frame, LinkType, Timestamp};
    use rheos_wire::{DecodeConfig, Decoded, Packet, decode};

    use super::*;

    #[test]
    fn frames_are_read_back_with_right_checksums() {
        let ends = ["192.0.2.1:50000", "198.51.100.7:4739"].map(|end| end.parse().expect("an end"));
        let mut frames = DatagramFrames::new(ends);
        let mut out = Vec::new();
        for length in [0, 1, 1452, DATAGRAM_LEN_MAX] {
            let datagram: Vec<u8> = (0..length).map(|i| i as u8).collect();
            assert!(frames.frame(&datagram, &mut out));
            let (ts, wire_len) = (Timestamp::ZERO, out.len() as u32);
            let frame = Frame { ts, wire_len, link: LinkType::ETHERNET, data: &out };
            let mut packet = Packet::default();
            let config = DecodeConfig::default();
            assert!(matches!(decode(frame, 0, &config, &mut packet), Decoded::Packet), "{length}");
            assert_eq!(packet.payload(&out), datagram);
            assert_eq!(packet.tuple.src_ip().to_string(), "192.0.2.1");
            let sum = headers::ones_sum(&out[34..])
                + headers::pseudo_sum(&out[14..], false, UDP, out.len() - 34);
            assert_eq!(headers::checksum(sum), [0, 0], "{length}");
        }
        assert!(!frames.frame(&vec![0; DATAGRAM_LEN_MAX + 1], &mut out) && out.is_empty());
    }
}
