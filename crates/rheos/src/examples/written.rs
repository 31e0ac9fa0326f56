//! Flows that the maker of traffic does not make, from the examples of the standards: QUIC (RFC 9001 appendix A: the
//! client's Initial packet, and the server's after an empty line) and HTTP/2 in clear text (RFC 9113 section 3.4, with
//! the first request of RFC 7541 appendix C.3.1).
//!
//! Checksums are 0, as in a capture of a host whose network card computes them.

use std::sync::Arc;

use rheos_core::{FrameBatch, FrameMeta, LinkType, Nanos, Timestamp};

const QUIC: &str = include_str!("rfc9001.hex");
const CLIENT: [u8; 4] = [192, 0, 2, 1];
const SERVER: [u8; 4] = [198, 51, 100, 1];
/// From one packet to the next.
const STEP: Nanos = Nanos::from_millis(10);

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const PSH_ACK: u8 = 0x18;
const FIN_ACK: u8 = 0x11;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// SETTINGS: 100 streams at most, windows of 1 MiB.
const SETTINGS: &[u8] = &[0, 0, 12, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100, 0, 4, 0, 16, 0, 0];
const SETTINGS_ACK: &[u8] = &[0, 0, 0, 4, 1, 0, 0, 0, 0];
/// HEADERS of stream 1, its end: GET / of `http://www.example.com`.
const REQUEST: &[u8] = b"\x00\x00\x14\x01\x05\x00\x00\x00\x01\x82\x86\x84\x41\x0fwww.example.com";
/// HEADERS of stream 1: status 200; DATA, its end.
const RESPONSE: &[u8] =
    b"\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88\x00\x00\x05\x00\x01\x00\x00\x00\x01hello";

/// All packets, the first at this time and with this number.
pub(super) fn batch(start: Timestamp, first_index: u64) -> FrameBatch {
    let packets = [quic(), http2()].concat();
    let mut bytes = Vec::new();
    let mut frames = Vec::new();
    let mut ts = start;
    for packet in &packets {
        frames.push(FrameMeta {
            ts,
            offset: bytes.len(),
            cap_len: packet.len() as u32,
            wire_len: packet.len() as u32,
            link: LinkType::RAW,
            interface: 0,
        });
        bytes.extend_from_slice(packet);
        ts = ts + STEP;
    }
    FrameBatch { bytes: Arc::new(bytes), frames, first_index }
}

fn quic() -> Vec<Vec<u8>> {
    let datagrams = QUIC.split("\n\n").zip([true, false]);
    datagrams.map(|(hex, forth)| ip(forth, 17, &udp(forth, &from_hex(hex)))).collect()
}

fn http2() -> Vec<Vec<u8>> {
    let hello = [PREFACE, SETTINGS].concat();
    let answer = [SETTINGS, SETTINGS_ACK].concat();
    let mut next = [1000_u32, 5000];
    let talk: [(bool, u8, &[u8]); 9] = [
        (true, SYN, b""),
        (false, SYN | ACK, b""),
        (true, ACK, b""),
        (true, PSH_ACK, &hello),
        (false, PSH_ACK, &answer),
        (true, PSH_ACK, REQUEST),
        (false, PSH_ACK, RESPONSE),
        (true, FIN_ACK, b""),
        (false, FIN_ACK, b""),
    ];
    let mut packets: Vec<Vec<u8>> = Vec::new();
    for (forth, flags, data) in talk {
        let (mine, other) = if forth { (0, 1) } else { (1, 0) };
        let acknowledged = if flags & ACK == 0 { 0 } else { next[other] };
        packets.push(ip(forth, 6, &tcp(forth, flags, [next[mine], acknowledged], data)));
        next[mine] += data.len() as u32 + u32::from(flags & (SYN | 1) != 0);
    }
    packets
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn ports(forth: bool, client: u16, server: u16) -> [u8; 4] {
    let [source, destination] = if forth { [client, server] } else { [server, client] };
    let ([a, b], [c, d]) = (source.to_be_bytes(), destination.to_be_bytes());
    [a, b, c, d]
}

fn ip(forth: bool, protocol: u8, inside: &[u8]) -> Vec<u8> {
    let [source, destination] = if forth { [CLIENT, SERVER] } else { [SERVER, CLIENT] };
    let [high, low] = (20 + inside.len() as u16).to_be_bytes();
    let head = [0x45, 0, high, low, 0, 0, 0x40, 0, 64, protocol, 0, 0];
    [&head[..], &source, &destination, inside].concat()
}

fn udp(forth: bool, data: &[u8]) -> Vec<u8> {
    let [high, low] = (8 + data.len() as u16).to_be_bytes();
    [&ports(forth, 50_000, 443)[..], &[high, low, 0, 0], data].concat()
}

fn tcp(forth: bool, flags: u8, [seq, ack]: [u32; 2], data: &[u8]) -> Vec<u8> {
    let rest = [5 << 4, flags, 0x72, 0x10, 0, 0, 0, 0];
    let numbers = [seq.to_be_bytes(), ack.to_be_bytes()].concat();
    [&ports(forth, 50_001, 8080)[..], &numbers, &rest, data].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_bytes_are_whole() {
        let quic = quic();
        assert_eq!([quic[0].len(), quic[1].len()], [20 + 8 + 1200, 20 + 8 + 135]);
        assert_eq!(quic[0][28..33], [0xc0, 0, 0, 0, 1], "a long header of version 1");
        assert_eq!(SETTINGS.len(), 9 + 12);
        assert_eq!(REQUEST.len(), 9 + 20);
        assert_eq!(RESPONSE.len(), 9 + 1 + 9 + 5);
        let http2 = http2();
        assert_eq!(http2[5][24..28], 1046_u32.to_be_bytes(), "1000, SYN, preface and settings");
        assert_eq!(batch(Timestamp::from_nanos(5), 7).frames.len(), 11);
    }
}
