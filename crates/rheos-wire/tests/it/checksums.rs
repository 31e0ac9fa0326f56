//! Checksums that are right, wrong, left out, left to the network card, or not to be verified.

use rheos_core::{DropReason, LinkType};
use rheos_wire::{ChecksumPolicy, ChecksumState, DecodeConfig, Decoded};

use crate::it::build::{
    A, A6, B, B6, cat, complement, decode_as, decode_with, ipv4, ipv6, packet, tcp, udp,
};
use crate::it::captures::{corpus, frames};

/// The pseudo-header between `A` and `B`, or `A6` and `B6`.
fn pseudo(version: u8, protocol: u8, len: usize) -> Vec<u8> {
    let mut bytes = if version == 4 { [A, B].concat() } else { [A6, B6].concat() };
    bytes.extend((len as u32).to_be_bytes());
    bytes.extend([0, 0, 0, protocol]);
    bytes
}

/// Puts the right checksum at `at` of a transport packet.
fn summed(version: u8, protocol: u8, at: usize, mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = complement(&[&pseudo(version, protocol, bytes.len()), &bytes]);
    bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// A SCTP packet of one cookie acknowledgement and three bytes of data, its checksum bit by bit (RFC 9260, appendix A).
fn sctp() -> Vec<u8> {
    let header = [0, 1, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0];
    let mut bytes = cat(&[&header, &[11, 0, 0, 4], &[0, 3, 0, 19], &[0; 12], &[7, 8, 9], &[0]]);
    let mut remainder = u32::MAX;
    for byte in &bytes {
        remainder ^= u32::from(*byte);
        for _ in 0..8 {
            let low = remainder & 1;
            remainder = (remainder >> 1) ^ (low * 0x82f6_3b78);
        }
    }
    bytes[8..12].copy_from_slice(&(!remainder).to_le_bytes());
    bytes
}

/// Every transport protocol with a right checksum, with the reason for a wrong one.
fn right_ones() -> Vec<(Vec<u8>, DropReason)> {
    let odd = [7, 8, 9];
    let mut icmp = vec![8, 0, 0, 0, 0, 1, 0, 1, 9];
    let sum = complement(&[&icmp]);
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut lite = udp(1, 2, &odd);
    lite[5] = 8;
    let sum = complement(&[&pseudo(4, 136, 11), &lite[..8]]);
    lite[6..8].copy_from_slice(&sum.to_be_bytes());
    vec![
        (ipv4(6, &summed(4, 6, 16, tcp(2, &odd))), DropReason::ChecksumTcp),
        (ipv6(6, &summed(6, 6, 16, tcp(2, &odd))), DropReason::ChecksumTcp),
        (ipv4(17, &summed(4, 17, 6, udp(1, 2, &odd))), DropReason::ChecksumUdp),
        (ipv6(17, &summed(6, 17, 6, udp(1, 2, &odd))), DropReason::ChecksumUdp),
        (ipv4(136, &lite), DropReason::ChecksumUdp),
        (ipv4(1, &icmp), DropReason::ChecksumIcmp),
        (ipv4(132, &sctp()), DropReason::ChecksumSctp),
        (ipv6(132, &sctp()), DropReason::ChecksumSctp),
        (ipv6(58, &summed(6, 58, 2, vec![128, 0, 0, 0, 0, 1, 0, 1])), DropReason::ChecksumIcmp),
    ]
}

fn state(bytes: &[u8]) -> ChecksumState {
    packet(decode_as(LinkType::RAW, bytes)).checksum
}

fn policy(checksums: ChecksumPolicy) -> DecodeConfig {
    DecodeConfig { checksums, ..DecodeConfig::default() }
}

#[test]
fn right_checksums_are_not_wrong_and_one_flipped_bit_is() {
    for (bytes, reason) in right_ones() {
        assert_eq!(state(&bytes), ChecksumState::default(), "{reason:?}");
        let transport = if bytes[0] >> 4 == 4 { 20 } else { 40 };
        let mut flipped = bytes.clone();
        // In the first port, or the sequence number of an echo.
        let at = if reason == DropReason::ChecksumIcmp { transport + 7 } else { transport };
        flipped[at] ^= 0x10;
        assert_eq!(state(&flipped).wrong, Some(reason));
        let len = flipped.len() as u32;
        let drop = decode_with(&policy(ChecksumPolicy::Drop), LinkType::RAW, &flipped, len);
        assert_eq!(drop.0, Decoded::Dropped(reason));
        let ignore = decode_with(&policy(ChecksumPolicy::Ignore), LinkType::RAW, &flipped, len);
        assert_eq!((ignore.0, ignore.1.checksum), (Decoded::Packet, ChecksumState::default()));
    }
}

/// `tshark -o 'sctp.checksum:CRC 32c' -T fields -e sctp.checksum.status` calls all of these good.
#[test]
fn sctp_checksums_of_the_corpus_are_right() {
    let Some(root) = corpus() else { return };
    let captures = ["zeek/communityid__sctp.pcap", "tcpdump/forces1.pcap", "tcpdump/forces3.pcap"];
    let mut counts = [0; 3];
    for (capture, count) in captures.iter().zip(&mut counts) {
        for frame in frames(&root.join(capture)) {
            let config = DecodeConfig::default();
            let decoded = decode_with(&config, frame.link, &frame.data, frame.wire_len);
            if decoded.0 == Decoded::Packet && decoded.1.tuple.protocol == 132 {
                assert_eq!(decoded.1.checksum, ChecksumState::default(), "{capture}");
                *count += 1;
            }
        }
    }
    assert_eq!(counts, [74, 20, 154]);
}

#[test]
fn sctp_checksum_of_zero_was_left_to_the_network_card() {
    let mut bytes = sctp();
    bytes[8..12].fill(0);
    assert_eq!(state(&ipv4(132, &bytes)), ChecksumState { wrong: None, offloaded: true });
}

#[test]
fn udp_lite_covers_only_so_much() {
    let (mut bytes, _) = right_ones().swap_remove(4);
    let last = bytes.len() - 1;
    bytes[last] ^= 0xff;
    assert_eq!(state(&bytes).wrong, None);
}

#[test]
fn ipv4_header_checksum() {
    let mut bytes = right_ones().swap_remove(0).0;
    bytes[8] -= 1;
    assert_eq!(state(&bytes).wrong, Some(DropReason::ChecksumIpv4));
    let len = bytes.len() as u32;
    let drop = decode_with(&policy(ChecksumPolicy::Drop), LinkType::RAW, &bytes, len);
    assert_eq!(drop.0, Decoded::Dropped(DropReason::ChecksumIpv4));
    bytes[10..12].fill(0);
    assert_eq!(state(&bytes), ChecksumState { wrong: None, offloaded: true });
}

#[test]
fn lowest_layers_wrong_checksum_is_the_one_that_counts() {
    let mut bytes = ipv4(6, &tcp(2, &[]));
    bytes[8] -= 1;
    bytes[36] = 1;
    assert_eq!(state(&bytes).wrong, Some(DropReason::ChecksumIpv4));
    let inner = ipv4(6, &tcp(2, &[1]));
    let mut outer = ipv4(4, &inner);
    assert_eq!(state(&outer).wrong, Some(DropReason::ChecksumTcp));
    outer[8] -= 1;
    assert_eq!(state(&outer).wrong, Some(DropReason::ChecksumIpv4));
}

#[test]
fn udp_without_checksum_is_right_over_ipv4_and_wrong_over_ipv6_outside_tunnels() {
    assert_eq!(state(&ipv4(17, &udp(1, 2, b"x"))), ChecksumState::default());
    assert_eq!(state(&ipv6(17, &udp(1, 2, b"x"))).wrong, Some(DropReason::ChecksumUdp));
    assert_eq!(state(&ipv6(17, &udp(1, 4789, b"x"))).wrong, None, "RFC 6935");
}

#[test]
fn bare_pseudo_header_sum_was_left_to_the_network_card() {
    let segment = tcp(2, &[5; 40]);
    for len in [segment.len(), 0] {
        let mut offloaded = segment.clone();
        let sum = !complement(&[&pseudo(4, 6, len)]);
        offloaded[16..18].copy_from_slice(&sum.to_be_bytes());
        let bytes = ipv4(6, &offloaded);
        assert_eq!(state(&bytes), ChecksumState { wrong: None, offloaded: true });
        let len = bytes.len() as u32;
        let drop = decode_with(&policy(ChecksumPolicy::Drop), LinkType::RAW, &bytes, len);
        assert_eq!(drop.0, Decoded::Packet);
    }
}

#[test]
fn what_was_not_captured_whole_is_not_verified() {
    for (bytes, _) in right_ones() {
        let cut = &bytes[..bytes.len() - 1];
        let decoded = decode_with(&policy(ChecksumPolicy::Drop), LinkType::RAW, cut, 100);
        if decoded.0 == Decoded::Packet {
            assert_eq!(decoded.1.checksum, ChecksumState::default());
        }
        assert!(
            !matches!(decoded.0, Decoded::Dropped(reason) if reason.label().starts_with("checksum"))
        );
    }
    let mut offload_len = ipv6(6, &tcp(2, &[5; 40]));
    offload_len[4..6].fill(0);
    assert_eq!(state(&offload_len), ChecksumState::default());
}
