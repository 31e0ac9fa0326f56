//! The same capture gives the same batches in every format, compression and way of arriving.

use std::sync::Arc;

use rheos_capture::info::{ByteOrder, Compression, Format};
use rheos_capture::{CaptureReader, DamageKind, Error, Input, ReadOptions, Source};
use rheos_core::FrameBatch;

use super::made::{Owned, Trickle, frames, made, packed, packed_twice, read_all, read_bytes};

const KINDS: [Compression; 3] = [Compression::Gzip, Compression::Zstd, Compression::Lz4];

fn small() -> ReadOptions {
    ReadOptions { batch_frames: 100, batch_bytes: 60_000, block_bytes: 4096, ..Default::default() }
}

#[test]
fn batches_are_the_same_everywhere() {
    let frames = frames(3000);
    let file = made(Format::Pcap, &frames, ByteOrder::Little);
    let expected = read_all([Input::memory("made", Arc::new(file))], small());
    assert!(expected.frames() == frames);
    assert!(expected.batches.len() > 30);
    let same = |name: &str, inputs: Vec<Input>, options: ReadOptions| {
        let all = read_all(inputs, options);
        assert_eq!(all.sizes(), expected.sizes(), "{name}");
        assert!(all.batches == expected.batches, "{name}");
        assert!(all.reader.damage().is_empty(), "{name}");
    };
    for format in [Format::Pcap, Format::Pcapng] {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let file = made(format, &frames, order);
            same("memory", vec![Input::memory("a", Arc::new(file.clone()))], small());
            for step in [7, 5000] {
                let trickle = Trickle::new(file.clone(), step);
                same("trickle", vec![Input::reader("a", trickle)], small());
            }
            let large = ReadOptions { block_bytes: 1 << 20, ..small() };
            same("large", vec![Input::reader("a", std::io::Cursor::new(file.clone()))], large);
            for kind in KINDS {
                let one = Input::memory("a", Arc::new(packed(kind, &file)));
                same("packed", vec![one], small());
                let members = Trickle::new(packed_twice(kind, &file), 3000);
                same("members", vec![Input::reader("a", members)], small());
                let nested = packed(Compression::Zstd, &packed(kind, &file));
                same("nested", vec![Input::memory("a", Arc::new(nested))], small());
            }
        }
    }
}

#[test]
fn three_compressions_around_each_other_are_refused() {
    let file = made(Format::Pcap, &frames(1), ByteOrder::Little);
    let file = KINDS.iter().fold(file, |file, &kind| packed(kind, &file));
    let error = CaptureReader::from_memory(Arc::new(file), ReadOptions::default()).err().unwrap();
    assert!(matches!(error, Error::CompressedTooOften { .. }));
}

#[test]
fn compressed_files_say_what_they_are() {
    let file = made(Format::Pcapng, &frames(5), ByteOrder::Big);
    for kind in KINDS {
        let all = read_bytes(packed(kind, &file));
        let info = &all.reader.info().files[0];
        assert_eq!((info.format, info.byte_order), (Format::Pcapng, ByteOrder::Big));
        assert_eq!(info.compression, [kind]);
        assert_eq!(info.uncompressed_bytes, file.len() as u64);
    }
}

#[test]
fn padding_and_skippable_frames_are_passed_over() {
    let frames = frames(20);
    let file = made(Format::Pcap, &frames, ByteOrder::Little);
    let mut gzip = packed_twice(Compression::Gzip, &file);
    gzip.extend([0; 1000]);
    let skippable = b"\x53\x2a\x4d\x18\x03\0\0\0abc".to_vec();
    let zstd = [skippable.clone(), packed(Compression::Zstd, &file), skippable.clone()].concat();
    let lz4 = [skippable.clone(), packed(Compression::Lz4, &file), skippable].concat();
    for file in [gzip, zstd, lz4] {
        let all = read_bytes(file);
        assert!(all.frames() == frames);
        assert_eq!(all.reader.damage(), []);
    }
}

#[test]
fn a_cut_anywhere_in_a_compressed_file_is_seen_and_costs_no_frame_before_it() {
    let frames = frames(300);
    let file = made(Format::Pcap, &frames, ByteOrder::Little);
    for kind in KINDS {
        let packed = packed_twice(kind, &file);
        for cut in (packed.len() / 2..packed.len()).step_by(997) {
            let all = read_bytes(packed[..cut].to_vec());
            let read = all.frames();
            assert!(frames.starts_with(&read));
            let [damage] = all.reader.damage() else { panic!("{kind}: one damage at {cut}") };
            assert!(damage.compressed);
            assert!(matches!(damage.kind, DamageKind::Stream { .. }), "{kind}: {damage}");
            assert_eq!(damage.frames, read.len() as u64);
            assert!(damage.to_string().contains("of the uncompressed capture"), "{damage}");
        }
    }
}

#[test]
fn broken_bytes_in_a_compressed_file_are_damage() {
    // Bytes that do not compress, so that three quarters of the file are as many of the frames.
    let mut state = 1u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    let frames: Vec<Owned> = (0..2000)
        .map(|i| Owned::new(i, &(0..1000).map(|_| noise()).collect::<Vec<u8>>()))
        .collect();
    let file = made(Format::Pcap, &frames, ByteOrder::Little);
    for kind in KINDS {
        let mut packed = packed(kind, &file);
        let at = packed.len() * 3 / 4;
        packed[at..at + 40].fill(0xff);
        let all = read_bytes(packed);
        let read = all.frames();
        assert_eq!(all.reader.damage().len(), 1, "{kind}");
        // Up to the broken bytes all is there; a checksum may tell only later.
        let sound = read.iter().zip(&frames).take_while(|(a, b)| a == b).count();
        assert!(sound > 1000, "{kind}: {sound} of {}", read.len());
    }
}

#[test]
fn a_steady_reader_uses_its_blocks_again() {
    let file = made(Format::Pcap, &frames(20_000), ByteOrder::Little);
    let options =
        ReadOptions { batch_bytes: 100_000, block_bytes: 256 << 10, ..Default::default() };
    let input = Input::reader("made", std::io::Cursor::new(file));
    let mut reader = CaptureReader::open([input], options).unwrap();
    let mut batch = FrameBatch::default();
    let mut blocks = std::collections::HashSet::new();
    let mut batches = 0;
    while reader.read_batch(&mut batch).unwrap() {
        blocks.insert(batch.bytes.as_ptr());
        batches += 1;
    }
    assert!(batches > 100);
    assert!(blocks.len() <= 3, "{} blocks for {batches} batches", blocks.len());
}
