//! Files of nfdump, made by hand. Those that nfcapd itself makes are read in the tests of the exporters.

use std::io::Cursor;
use std::path::Path;

use proptest::prelude::*;
use rheos_capture::{Error, NfcapdReader};
use rheos_core::WideRecord;

const FLOWS: usize = 500;

/// A flow with that number of packets: generic element and IPv4 addresses.
fn flow(packets: u64) -> Vec<u8> {
    let mut record = vec![11, 0, 76, 0, 2, 0, 0, 0, 1, 0, 0, 5, 1, 0, 52, 0];
    for word in [1_704_110_390_000, 1_704_110_399_000, 0, packets, packets * 100] {
        record.extend_from_slice(&word.to_le_bytes());
    }
    record.extend([0x50, 0xc3, 0xbb, 1, 6, 0x1b, 0, 0, 2, 0, 12, 0, 1, 0, 0, 10, 2, 0, 0, 10]);
    record
}

fn block(content: &[u8], flags: u16) -> Vec<u8> {
    let mut block = (FLOWS as u32).to_le_bytes().to_vec();
    block.extend((content.len() as u32).to_le_bytes());
    block.extend([3, 0]);
    block.extend(flags.to_le_bytes());
    block.extend(content);
    block
}

/// Two blocks of flows and an appendix; the second block is not packed.
fn file(compression: u8, pack: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let content = |from: u64| -> Vec<u8> { (from..from + FLOWS as u64).flat_map(flow).collect() };
    let blocks = [block(&pack(&content(0)), 0), block(&content(500), 1)].concat();
    let mut appendix = vec![1, 0x80, 10, 0, b'e', b'd', b'g', b'e', 0, 0, 2, 0x80, 148, 0];
    for word in [1000_u64, 5, 6, 1000, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9, 10, 11] {
        appendix.extend(word.to_le_bytes());
    }
    let mut file = vec![0x0c, 0xa5, 2, 0, 0, 1, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, compression, 0, 1, 0];
    file.extend([0; 4]);
    file.extend((40 + blocks.len() as u64).to_le_bytes());
    file.extend([0, 0, 0, 0, 2, 0, 0, 0]);
    file.extend(blocks);
    file.extend(block(&pack(&appendix), 0));
    file
}

fn open(bytes: &[u8]) -> Result<NfcapdReader<Cursor<&[u8]>>, Error> {
    NfcapdReader::new(Cursor::new(bytes), Path::new("nfcapd.now"))
}

fn read(bytes: &[u8]) -> Result<Vec<WideRecord>, Error> {
    let mut reader = open(bytes)?;
    let mut records = Vec::new();
    while reader.read_block(&mut records)? {}
    Ok(records)
}

#[test]
fn plain_lz4_and_zstd_hold_the_same() {
    let lz4 = |bytes: &[u8]| lz4_flex::block::compress(bytes);
    let zstd = |bytes: &[u8]| zstd::bulk::compress(bytes, 1).unwrap();
    for bytes in [file(0, <[u8]>::to_vec), file(3, lz4), file(4, zstd)] {
        let reader = open(&bytes).unwrap();
        assert_eq!((reader.ident(), reader.header().blocks), ("edge", 2));
        let told = reader.statistics().unwrap();
        assert_eq!((told.all.flows, told.tcp.packets, told.sequence_failures), (1000, 8, 11));
        let records = read(&bytes).unwrap();
        assert_eq!(records.len(), 1000);
        assert!((0..).zip(&records).all(|(i, r)| (r.packets, r.bytes) == (i, i * 100)));
        assert_eq!(records[7].destination().to_string(), "10.0.0.2");
    }
}

#[test]
fn only_what_is_asked_for_is_read() {
    let bytes = file(0, <[u8]>::to_vec);
    let mut reader = open(&bytes).unwrap();
    let mut records = 0;
    while let Some(block) = reader.next_block().unwrap() {
        records += block.count();
    }
    assert_eq!(records, 1000);
}

#[test]
fn what_is_not_read_names_the_remedy() {
    for (compression, name) in [(2, "bzip2"), (9, "unknown")] {
        let error = read(&file(compression, <[u8]>::to_vec)).unwrap_err();
        let told = format!("`nfcapd.now` is compressed with {name}, which is not read");
        assert_eq!(error.to_string(), told);
        let hint = "`nfdump -y -r nfcapd.now -w nfcapd.now.lz4` writes it with LZ4, which is read";
        assert_eq!(error.hint().as_deref(), Some(hint));
    }
    let mut old = file(0, <[u8]>::to_vec);
    old[2] = 1;
    let error = read(&old).unwrap_err();
    let told = "`nfcapd.now` is not read as a file of nfdump: it has layout version 1";
    assert_eq!(error.to_string(), told);
    assert!(error.hint().is_some());
}

#[test]
fn a_cut_file_gives_the_blocks_before_the_cut() {
    let mut bytes = file(0, <[u8]>::to_vec);
    bytes[24..32].fill(0); // no appendix yet, as while nfcapd writes
    bytes.truncate(40 + 12 + FLOWS * 76 + 1000);
    let mut reader = open(&bytes).unwrap();
    assert!(reader.statistics().is_none());
    let mut records = Vec::new();
    assert!(reader.read_block(&mut records).unwrap());
    let error = reader.read_block(&mut records).unwrap_err();
    assert_eq!(error.to_string(), "`nfcapd.now` is damaged in the block at byte 38052");
    assert_eq!(records.len(), FLOWS);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damage_is_an_error_or_other_records(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..10),
        compression in prop::sample::select(&[0_u8, 1, 3, 4][..]),
        headers in any::<bool>(),
    ) {
        let mut bytes = file(compression, |bytes| match compression {
            3 => lz4_flex::block::compress(bytes),
            4 => zstd::bulk::compress(bytes, 1).unwrap(),
            _ => bytes.to_vec(),
        });
        for (place, value) in damage {
            let reach = if headers { 100 } else { bytes.len() };
            bytes[place.index(reach)] = value;
        }
        if let Ok(records) = read(&bytes) {
            prop_assert!(records.len() <= bytes.len() * 1000);
        }
    }
}
