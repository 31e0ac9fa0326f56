//! Properties: what is written reads back, and no input of any kind panics or never ends.

use std::sync::Arc;

use proptest::prelude::*;
use rheos_capture::info::{ByteOrder, Compression, Format};
use rheos_capture::{CaptureReader, Input, ReadOptions, Source};
use rheos_core::FrameBatch;

use super::made::{Owned, Trickle, made, packed, pcap, pcapng, read_all};

fn owned(links: impl Strategy<Value = u16>) -> impl Strategy<Value = Owned> {
    let nanos = 0..u64::from(u32::MAX) * 1_000_000_000;
    (nanos, any::<u16>(), links, prop::collection::vec(any::<u8>(), 0..300)).prop_map(
        |(nanos, more, link, data)| Owned {
            nanos,
            wire_len: data.len() as u32 + u32::from(more),
            link,
            data,
        },
    )
}

fn order() -> impl Strategy<Value = ByteOrder> {
    prop_oneof![Just(ByteOrder::Little), Just(ByteOrder::Big)]
}

fn compression() -> impl Strategy<Value = Option<Compression>> {
    prop_oneof![
        Just(None),
        Just(Some(Compression::Gzip)),
        Just(Some(Compression::Zstd)),
        Just(Some(Compression::Lz4)),
    ]
}

fn limits() -> impl Strategy<Value = ReadOptions> {
    (1usize..20, 1usize..2000, 4096usize..9000).prop_map(
        |(batch_frames, batch_bytes, block_bytes)| ReadOptions {
            batch_frames,
            batch_bytes,
            block_bytes,
            max_record: 1 << 16,
            max_text: 1000,
            ..ReadOptions::default()
        },
    )
}

/// Reads to the end; returns the frames, and fails if that takes more turns than there are bytes.
fn drain(input: Input, options: ReadOptions, bytes: usize) -> u64 {
    let Ok(mut reader) = CaptureReader::open([input], options) else { return 0 };
    let mut batch = FrameBatch::default();
    let mut frames = 0;
    for _ in 0..=bytes + 1 {
        match reader.read_batch(&mut batch) {
            Ok(true) => {
                // Every frame lies within its batch.
                frames += batch.iter().filter(|f| f.data.len() < usize::MAX).count() as u64;
            }
            Ok(false) => return frames,
            Err(_) => {}
        }
    }
    panic!("more turns than bytes");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() })]

    #[test]
    fn pcap_reads_back(frames in prop::collection::vec(owned(Just(113)), 0..60), order in order(),
        kind in compression(), limits in limits(), step in 1usize..3000) {
        let file = pcap(&frames, order);
        let file = kind.map_or(file.clone(), |kind| packed(kind, &file));
        let memory = read_all([Input::memory("a", Arc::new(file.clone()))], limits.clone());
        prop_assert_eq!(memory.frames(), frames);
        prop_assert!(memory.reader.damage().is_empty());
        let stream = read_all([Input::reader("a", Trickle::new(file, step))], limits);
        prop_assert_eq!(memory.sizes(), stream.sizes());
        prop_assert_eq!(memory.batches, stream.batches);
    }

    #[test]
    fn pcapng_reads_back(frames in prop::collection::vec(owned(0u16..4), 0..60), order in order(),
        kind in compression(), limits in limits(), step in 1usize..3000) {
        let file = pcapng(&frames, order);
        let file = kind.map_or(file.clone(), |kind| packed(kind, &file));
        let memory = read_all([Input::memory("a", Arc::new(file.clone()))], limits.clone());
        prop_assert_eq!(memory.frames(), frames);
        prop_assert!(memory.reader.damage().is_empty());
        let stream = read_all([Input::reader("a", Trickle::new(file, step))], limits);
        prop_assert_eq!(memory.batches, stream.batches);
    }

    #[test]
    fn any_bytes_after_any_magic_end_without_a_panic(magic in 0usize..9,
        bytes in prop::collection::vec(any::<u8>(), 0..2000), limits in limits(),
        step in 1usize..3000) {
        const MAGICS: [&[u8]; 9] = [
            b"", b"\xd4\xc3\xb2\xa1\x02\0\x04\0", b"\xa1\xb2\x3c\x4d\0\x02\0\x04",
            b"\x34\xcd\xb2\xa1\x02\0\x04\0", b"\n\r\r\n\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0",
            b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"\x50\x2a\x4d\x18",
        ];
        let file = [MAGICS[magic], &bytes].concat();
        let memory = drain(Input::memory("a", Arc::new(file.clone())), limits.clone(), file.len());
        let len = file.len();
        let stream = drain(Input::reader("a", Trickle::new(file, step)), limits, len);
        prop_assert_eq!(memory, stream);
    }

    #[test]
    fn changed_bytes_end_without_a_panic(frames in prop::collection::vec(owned(Just(1)), 1..20),
        order in order(), pcapng in any::<bool>(), kind in compression(), limits in limits(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(), step in 1usize..3000) {
        let format = if pcapng { Format::Pcapng } else { Format::Pcap };
        let mut file = made(format, &frames, order);
        for (at, byte) in &changes {
            let at = at.index(file.len());
            file[at] = *byte;
        }
        let mut file = kind.map_or(file.clone(), |kind| packed(kind, &file));
        if let (Some(_), Some((at, byte))) = (kind, changes.first()) {
            let at = at.index(file.len());
            file[at] ^= *byte;
        }
        if changes.len() % 2 == 0 {
            file.truncate(cut.index(file.len()));
        }
        // Unpacked data may be longer than what it came from, but a frame has a header of 16 bytes.
        let turns = 100_000;
        let memory = drain(Input::memory("a", Arc::new(file.clone())), limits.clone(), turns);
        let stream = drain(Input::reader("a", Trickle::new(file, step)), limits, turns);
        prop_assert_eq!(memory, stream);
    }
}
