use super::*;
use crate::flows::{FlowConfig, FlowGenerator};

fn file(count: Option<u64>) -> (Vec<FlowRecord>, Vec<u8>) {
    let plan = FlowConfig::default().plan().expect("a plan");
    let header = RawHeader { record_bytes: 32, count, seed: 1, plan: plan.hash() };
    let records: Vec<_> = FlowGenerator::new(plan).take(100).collect();
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend_from_slice(&raw_bytes(&records));
    (records, bytes)
}

#[test]
fn records_come_back() {
    for count in [None, Some(100)] {
        let (records, bytes) = file(count);
        assert_eq!(bytes.len(), 64 + 3200);
        let (header, read) = read_raw::<FlowRecord>(&bytes).expect("records");
        assert_eq!((header.count, header.seed), (count, 1));
        assert_eq!(read, records);
        // From any place in memory, not only where numbers of 64 bits may lie.
        let shifted: Vec<u8> = [0].into_iter().chain(bytes).collect();
        assert_eq!(read_raw::<FlowRecord>(&shifted[1..]).map(|r| r.1), Ok(records));
    }
}

#[test]
fn wide_records_come_back() {
    let wide = [WideRecord { bytes: 7, source_as: 9, ..WideRecord::default() }; 3];
    let header = RawHeader { record_bytes: 96, count: Some(3), seed: 0, plan: 0 };
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend_from_slice(&raw_bytes(&wide));
    assert_eq!(read_raw::<WideRecord>(&bytes), Ok((header, wide.to_vec())));
    assert_eq!(
        read_raw::<FlowRecord>(&bytes).map(|r| r.1),
        Err(RawError::Record { got: 96, expected: 32 })
    );
}

#[test]
fn the_layout_is_the_documented_one() {
    let header = RawHeader { record_bytes: 32, count: Some(0x0102), seed: 3, plan: 4 };
    let bytes = header.to_bytes();
    assert_eq!(&bytes[..16], b"RHEOSFLW\x01\0\0\0\x20\0\0\0");
    assert_eq!(&bytes[16..24], b"\x02\x01\0\0\0\0\0\0");
    assert_eq!((bytes[24], bytes[32], &bytes[40..56]), (3, 4, &[0; 16][..]));
    let record = FlowRecord { timestamp: 0x0102, source_port: 0x0304, ..FlowRecord::default() };
    let out = raw_bytes(std::slice::from_ref(&record));
    assert_eq!((&out[..3], &out[16..18], out.len()), (&[2, 1, 0][..], &[4, 3][..], 32));
}

#[test]
fn damage_is_told() {
    let (_, good) = file(Some(100));
    for length in 0..64 {
        let error = read_raw::<FlowRecord>(&good[..length]).expect_err("short");
        assert_eq!(error, RawError::Short { got: length });
    }
    for at in 0..64 {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        let error = read_raw::<FlowRecord>(&bad).expect_err("damaged");
        assert_eq!(error, if at < 8 { RawError::Magic } else { RawError::Checksum }, "byte {at}");
    }
    let cut = read_raw::<FlowRecord>(&good[..good.len() - 1]).expect_err("cut");
    assert_eq!(cut, RawError::Length { got: 3199, expected: 3200 });
    let (_, open) = file(None);
    let cut = read_raw::<FlowRecord>(&open[..open.len() - 1]).expect_err("cut");
    assert_eq!(cut, RawError::Length { got: 3199, expected: 3200 });
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(0_u8.., 0..300)) {
        let _ = read_raw::<FlowRecord>(&bytes);
        let _ = read_raw::<WideRecord>(&bytes);
    }
}
