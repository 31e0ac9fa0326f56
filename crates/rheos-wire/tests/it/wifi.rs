//! IEEE 802.11 data frames.

use rheos_core::{DropReason, LinkType};
use rheos_wire::{Decoded, Layer};

use crate::it::build::{assert_small, cat, decode_as, small};

const SNAP_IPV4: [u8; 8] = [0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0];

/// Frame control, 22 bytes of duration, addresses and sequence control, and what follows.
fn data(control: [u8; 2], rest: &[u8]) -> Vec<u8> {
    cat(&[&control, &[0; 20], &[0x10, 0], rest])
}

fn assert_is_small(frame: &[u8]) {
    let packet = assert_small(frame, decode_as(LinkType::IEEE802_11, frame));
    assert_eq!(packet.layers.as_slice()[0], Layer::Wifi);
}

#[test]
fn data_to_and_from_an_access_point() {
    for distribution in [0, 1, 2] {
        assert_is_small(&data([0x08, distribution], &cat(&[&SNAP_IPV4, &small()])));
    }
}

#[test]
fn data_between_access_points_has_four_addresses() {
    assert_is_small(&data([0x08, 3], &cat(&[&[0; 6], &SNAP_IPV4, &small()])));
}

#[test]
fn quality_of_service_and_high_throughput_control() {
    assert_is_small(&data([0x88, 1], &cat(&[&[0, 0], &SNAP_IPV4, &small()])));
    assert_is_small(&data([0x88, 0x81], &cat(&[&[0, 0], &[0; 4], &SNAP_IPV4, &small()])));
    assert_is_small(&data([0x88, 3], &cat(&[&[0; 6], &[0, 0], &SNAP_IPV4, &small()])));
}

#[test]
fn first_subframe_of_an_aggregate() {
    let len = (8 + small().len()) as u16;
    let subframe = cat(&[&[0; 12], &len.to_be_bytes(), &SNAP_IPV4, &small()]);
    let two = cat(&[&[0x80, 0], &subframe, &[0, 0], &subframe]);
    assert_is_small(&data([0x88, 1], &two));
}

#[test]
fn further_subframes_of_an_aggregate_are_counted() {
    let subframe = |payload: &[u8]| {
        let len = (8 + payload.len()) as u16;
        cat(&[&[0; 12], &len.to_be_bytes(), &SNAP_IPV4, payload])
    };
    // 22 + 30 bytes need no padding, 22 + 31 need three.
    let (even, odd) = (subframe(&small()), subframe(&cat(&[&small(), &[0]])));
    for (parts, unread) in [
        (cat(&[&even]), 0),
        (cat(&[&even, &even]), 1),
        (cat(&[&odd, &[0; 3], &even, &odd]), 2),
        // A check sequence, and a header that was cut.
        (cat(&[&even, &even, &[9; 4]]), 1),
        (cat(&[&even, &even[..13]]), 0),
        (cat(&[&even, &even[..14]]), 1),
    ] {
        let frame = data([0x88, 1], &cat(&[&[0x80, 0], &parts]));
        let (decoded, packet) = decode_as(LinkType::IEEE802_11, &frame);
        assert_eq!((decoded, packet.subframes_unread), (Decoded::Packet, unread), "{parts:02x?}");
    }
    let plain = data([0x88, 1], &cat(&[&[0, 0], &SNAP_IPV4, &small()]));
    assert_eq!(decode_as(LinkType::IEEE802_11, &plain).1.subframes_unread, 0);
}

#[test]
fn frames_without_data_and_unreadable_frames_are_told_apart() {
    let reason = |frame: &[u8]| decode_as(LinkType::IEEE802_11, frame).0;
    let beacon = data([0x80, 0], &[0; 12]);
    let acknowledgement = [0xd4, 0, 0, 0, 1, 2, 3, 4, 5, 6];
    let null = data([0x48, 1], &[]);
    for frame in [&beacon[..], &acknowledgement, &null] {
        assert_eq!(reason(frame), Decoded::Dropped(DropReason::WifiNoData));
    }
    let body = cat(&[&SNAP_IPV4, &small()]);
    let protected = data([0x08, 0x41], &body);
    let more_fragments = data([0x08, 0x05], &body);
    let mut second_fragment = data([0x08, 0x01], &body);
    second_fragment[22] = 0x11;
    for frame in [protected, more_fragments, second_fragment] {
        assert_eq!(reason(&frame), Decoded::Dropped(DropReason::WifiProtected));
    }
    assert_eq!(reason(&data([0x08, 1], &[])), Decoded::Dropped(DropReason::LinkTruncated));
}

#[test]
fn radiotap_flags_tell_check_sequence_and_padding() {
    // IP total length 0: what the check sequence takes away shows in the IP length.
    let mut open = small();
    open[2..4].fill(0);
    let body = data([0x08, 1], &cat(&[&SNAP_IPV4, &open, &[1, 2, 3, 4]]));
    let clock_and_flags =
        |flags: u8| cat(&[&[0, 0, 17, 0], &3_u32.to_le_bytes(), &[9; 8], &[flags]]);
    let extended = cat(&[&[0, 0, 13, 0, 2, 0, 0, 0x80, 0, 0, 0, 0], &[0x10]]);
    for (head, ip_len) in [(clock_and_flags(0x10), 30), (clock_and_flags(0), 34), (extended, 30)] {
        let frame = cat(&[&head, &body]);
        let (decoded, packet) = decode_as(LinkType::IEEE802_11_RADIOTAP, &frame);
        assert_eq!((decoded, packet.ip_len), (Decoded::Packet, ip_len));
    }
    let padded = data([0x88, 1], &cat(&[&[0, 0], &[0; 2], &SNAP_IPV4, &small()]));
    let frame = cat(&[&clock_and_flags(0x20), &padded]);
    assert_small(&frame, decode_as(LinkType::IEEE802_11_RADIOTAP, &frame));
    let short = decode_as(LinkType::IEEE802_11_RADIOTAP, &[0, 0, 7, 0, 0, 0, 0, 0]);
    assert_eq!(short.0, Decoded::Dropped(DropReason::LinkMalformed));
}
