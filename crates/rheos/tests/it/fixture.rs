//! Captures made by hand, small enough to check by hand: one TCP conversation, one DNS exchange, one ping, one ARP.

/// Seconds of the first packet: 2023-11-14T22:13:20Z.
const START: u32 = 1_700_000_000;

/// The file header of a little-endian pcap in microseconds with Ethernet frames.
const HEADER: [u8; 24] =
    [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];
const FIN: u8 = 1;
const SYN: u8 = 2;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// A capture of twelve packets: eight of TCP, two of DNS, one ping, one ARP.
pub(crate) fn capture() -> Vec<u8> {
    pcap(START, &packets())
}

/// The same conversations an hour later: the next file of a rotated capture.
pub(crate) fn later_capture() -> Vec<u8> {
    pcap(START + 3600, &packets())
}

/// The same with its last packet cut in half, as when the disk was full.
pub(crate) fn cut_capture() -> Vec<u8> {
    let mut bytes = capture();
    bytes.truncate(bytes.len() - 10);
    bytes
}

/// A capture without packets.
pub(crate) fn no_packets() -> Vec<u8> {
    HEADER.to_vec()
}

/// A capture of one UDP packet from each of `n` ports.
pub(crate) fn many_flows(n: u16) -> Vec<u8> {
    let packets: Vec<Vec<u8>> =
        (0..n).map(|port| udp(CLIENT, SERVER, 10_000 + port, 9, b"hello")).collect();
    pcap(START, &packets)
}

/// Everybody in 10.0.0.1 to 3 spoke to those with a higher number, and so did everybody in 4 to 7; and 1 to 4.
pub(crate) fn cliques() -> Vec<u8> {
    let pairs = [(1, 2), (1, 3), (2, 3), (4, 5), (4, 6), (4, 7), (5, 6), (5, 7), (6, 7), (1, 4)];
    let packet = |(from, to)| udp([10, 0, 0, from], [10, 0, 0, to], 1000, 53, b"hello");
    pcap(START, &pairs.map(packet))
}

fn packets() -> Vec<Vec<u8>> {
    let up =
        |flags, seq, ack, payload: &[u8]| tcp(CLIENT, SERVER, 40_000, 80, flags, seq, ack, payload);
    let down =
        |flags, seq, ack, payload: &[u8]| tcp(SERVER, CLIENT, 80, 40_000, flags, seq, ack, payload);
    let request = b"GET / HTTP/1.1\r\n\r\n";
    let reply = b"HTTP/1.1 204 No Content\r\n\r\n";
    let (r, p) = (request.len() as u32, reply.len() as u32);
    vec![
        up(SYN, 100, 0, b""),
        down(SYN | ACK, 500, 101, b""),
        up(ACK, 101, 501, b""),
        up(PSH | ACK, 101, 501, request),
        down(PSH | ACK, 501, 101 + r, reply),
        up(FIN | ACK, 101 + r, 501 + p, b""),
        down(FIN | ACK, 501 + p, 102 + r, b""),
        up(ACK, 102 + r, 502 + p, b""),
        udp(CLIENT, SERVER, 50_000, 53, &[7; 30]),
        udp(SERVER, CLIENT, 53, 50_000, &[8; 60]),
        arp(),
        ping(),
    ]
}

/// One packet each 10 ms.
fn pcap(start: u32, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = HEADER.to_vec();
    for (n, packet) in packets.iter().enumerate() {
        let len = packet.len() as u32;
        let micros = n as u32 * 10_000;
        for word in [start + micros / 1_000_000, micros % 1_000_000, len, len] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(packet);
    }
    bytes
}

fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    frame.extend(ether_type.to_be_bytes());
    frame.extend(payload);
    // Ethernet pads to 60 bytes: padding that no payload length may count.
    frame.resize(frame.len().max(60), 0);
    frame
}

fn arp() -> Vec<u8> {
    let mut body = vec![0, 1, 8, 0, 6, 4, 0, 1];
    body.extend([0; 20]);
    ethernet(0x0806, &body)
}

fn ping() -> Vec<u8> {
    let mut icmp = vec![8, 0, 0, 0, 0, 9, 0, 1];
    icmp.extend([b'a'; 8]);
    let sum = checksum(&icmp).to_be_bytes();
    icmp[2..4].copy_from_slice(&sum);
    ipv4(CLIENT, SERVER, 1, &icmp)
}

fn udp(src: [u8; 4], dst: [u8; 4], src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::new();
    for word in [src_port, dst_port, 8 + payload.len() as u16, 0] {
        segment.extend(word.to_be_bytes());
    }
    segment.extend(payload);
    let sum = pseudo_checksum(src, dst, 17, &segment).to_be_bytes();
    segment[6..8].copy_from_slice(&sum);
    ipv4(src, dst, 17, &segment)
}

#[expect(clippy::too_many_arguments, reason = "a header has that many fields")]
fn tcp(
    src: [u8; 4],
    dst: [u8; 4],
    src_port: u16,
    dst_port: u16,
    flags: u8,
    seq: u32,
    ack: u32,
    payload: &[u8],
) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend(src_port.to_be_bytes());
    segment.extend(dst_port.to_be_bytes());
    segment.extend(seq.to_be_bytes());
    segment.extend(ack.to_be_bytes());
    segment.extend([5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(payload);
    let sum = pseudo_checksum(src, dst, 6, &segment).to_be_bytes();
    segment[16..18].copy_from_slice(&sum);
    ipv4(src, dst, 6, &segment)
}

fn ipv4(src: [u8; 4], dst: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let len = (20 + payload.len() as u16).to_be_bytes();
    let mut packet = vec![0x45, 0, len[0], len[1], 0, 1, 0x40, 0, 64, protocol, 0, 0];
    packet.extend(src);
    packet.extend(dst);
    let sum = checksum(&packet).to_be_bytes();
    packet[10..12].copy_from_slice(&sum);
    packet.extend(payload);
    ethernet(0x0800, &packet)
}

fn pseudo_checksum(src: [u8; 4], dst: [u8; 4], protocol: u8, segment: &[u8]) -> u16 {
    let mut bytes = [src, dst].concat();
    bytes.extend([0, protocol]);
    bytes.extend((segment.len() as u16).to_be_bytes());
    bytes.extend(segment);
    checksum(&bytes)
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
