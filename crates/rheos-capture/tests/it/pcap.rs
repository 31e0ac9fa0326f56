//! The pcap header variants, from bytes written by hand.

use std::sync::Arc;

use rheos_capture::info::{ByteOrder, Format, Resolution};
use rheos_capture::{CaptureReader, DamageKind, Error, Input, ReadOptions, Source};
use rheos_core::{FrameBatch, LinkType};

/// A file of one record `abc` (5 bytes on the wire) at 1.000002 s or 1.000000002 s.
fn pcap(magic: u32, big: bool, version: (u16, u16), network: u32, lengths: (u32, u32)) -> Vec<u8> {
    let u16b = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let u32b = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let mut file = Vec::new();
    file.extend(u32b(magic));
    file.extend(u16b(version.0));
    file.extend(u16b(version.1));
    for n in [0, 0, 1234, network] {
        file.extend(u32b(n));
    }
    if magic & 0xffff_0000 == 0x1c00_0000 {
        file.extend(u32b(19));
    }
    for n in [1, 2, lengths.0, lengths.1] {
        file.extend(u32b(n));
    }
    if magic == 0xa1b2_cd34 {
        file.extend([0; 8]);
    }
    file.extend(b"abc");
    file
}

fn read(file: Vec<u8>) -> (FrameBatch, CaptureReader) {
    let mut reader = CaptureReader::from_memory(Arc::new(file), ReadOptions::default()).unwrap();
    let batch = reader.next_batch().unwrap().unwrap();
    assert!(reader.next_batch().unwrap().is_none());
    (batch, reader)
}

#[test]
fn every_magic_in_both_byte_orders() {
    for (magic, nanos, decimals) in [
        (0xa1b2_c3d4, 1_000_002_000, 6),
        (0xa1b2_3c4d, 1_000_000_002, 9),
        (0xa1b2_cd34, 1_000_002_000, 6),
        (0x1c00_01ac, 1_000_000_002, 9),
        (0x1c00_01ab, 1_000_002_000, 6),
    ] {
        for big in [false, true] {
            let (batch, reader) = read(pcap(magic, big, (2, 4), 1, (3, 5)));
            let frame = batch.iter().next().unwrap();
            assert_eq!(frame.ts.as_nanos(), nanos);
            assert_eq!((frame.data, frame.wire_len), (&b"abc"[..], 5));
            assert_eq!(frame.link, LinkType::ETHERNET);
            let file = &reader.info().files[0];
            assert_eq!((file.format, file.version), (Format::Pcap, (2, 4)));
            assert_eq!(file.byte_order, if big { ByteOrder::Big } else { ByteOrder::Little });
            assert_eq!(file.interfaces[0].resolution, Resolution::Decimal(decimals));
            assert_eq!((file.frames, file.truncated_frames, file.snap_len()), (1, 1, 1234));
            assert!(reader.damage().is_empty());
        }
    }
}

#[test]
fn old_versions_have_the_lengths_the_other_way_round() {
    for (version, lengths) in
        [((2, 2), (5, 3)), ((543, 0), (5, 3)), ((2, 3), (5, 3)), ((2, 3), (3, 5))]
    {
        let (batch, _) = read(pcap(0xa1b2_c3d4, false, version, 1, lengths));
        let frame = batch.iter().next().unwrap();
        assert_eq!((frame.data, frame.wire_len), (&b"abc"[..], 5));
    }
}

#[test]
fn upper_bits_of_the_link_type_tell_the_frame_check_sequence() {
    let (batch, reader) = read(pcap(0xa1b2_c3d4, false, (2, 4), 0x2400_0069, (3, 3)));
    assert_eq!(batch.frames[0].link, LinkType::IEEE802_11);
    assert_eq!(reader.info().files[0].interfaces[0].fcs_len, Some(4));
    let (_, reader) = read(pcap(0xa1b2_c3d4, false, (2, 4), 1, (3, 3)));
    assert_eq!(reader.info().files[0].interfaces[0].fcs_len, None);
}

#[test]
fn an_unknown_version_is_an_error() {
    let file = pcap(0xa1b2_c3d4, false, (3, 9), 1, (3, 3));
    let mut reader = CaptureReader::from_memory(Arc::new(file), ReadOptions::default()).unwrap();
    let error = reader.next_batch().unwrap_err();
    assert!(matches!(error, Error::UnknownVersion { major: 3, minor: 9, .. }));
    assert_eq!(error.to_string(), "`memory` is pcap version 3.9, which is not known");
}

#[test]
fn a_header_alone_is_a_capture_without_packets() {
    let file = pcap(0xa1b2_c3d4, false, (2, 4), 1, (3, 3))[..24].to_vec();
    let mut reader = CaptureReader::from_memory(Arc::new(file), ReadOptions::default()).unwrap();
    assert!(reader.next_batch().unwrap().is_none());
    assert!(reader.damage().is_empty());
    assert_eq!(reader.info().files[0].interfaces[0].link, LinkType::ETHERNET);
}

#[test]
fn every_cut_is_damage_at_the_record_that_is_cut() {
    let mut whole = pcap(0xa1b2_c3d4, false, (2, 4), 1, (3, 3));
    let record = whole[24..].to_vec();
    whole.extend(record);
    for cut in 4..whole.len() {
        let (frames, at) = match cut {
            0..24 => (0, 0),
            24..43 => (0, 24),
            43..62 => (1, 43),
            _ => unreachable!(),
        };
        let input = Input::memory("cut", Arc::new(whole[..cut].to_vec()));
        let mut reader = CaptureReader::open([input], ReadOptions::default()).unwrap();
        let batch = reader.next_batch().unwrap();
        assert_eq!(batch.map_or(0, |b| b.frames.len()), frames);
        assert!(reader.next_batch().unwrap().is_none());
        if cut == 24 || cut == 43 {
            assert!(reader.damage().is_empty());
            continue;
        }
        let [damage] = reader.damage() else { panic!("one damage at cut {cut}") };
        assert_eq!((damage.offset, damage.frames), (at, frames as u64));
        let missing = match cut {
            0..24 => 24 - cut,
            24..40 => 40 - cut,
            40..43 => 43 - cut,
            43..59 => 59 - cut,
            _ => 62 - cut,
        };
        assert!(
            matches!(damage.kind, DamageKind::Truncated { missing: m, .. } if m == missing as u64)
        );
    }
}

#[test]
fn a_length_beyond_the_limit_is_damage() {
    let file = pcap(0xa1b2_c3d4, false, (2, 4), 1, (u32::MAX, 3));
    let mut reader = CaptureReader::from_memory(Arc::new(file), ReadOptions::default()).unwrap();
    assert!(reader.next_batch().unwrap().is_none());
    assert_eq!(
        reader.damage()[0].to_string(),
        "`memory` is damaged at byte 24: a packet of 4294967295 bytes is longer than the limit of \
         16777216; 0 packets before it were read"
    );
}
