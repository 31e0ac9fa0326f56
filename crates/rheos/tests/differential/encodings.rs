//! The same capture in other clothes: compressed, and as pcapng.
//!
//! The pcapng writer here is the test's own, made from the file formats' texts, so that reader and writer
//! cannot share an error.

use std::io::Write;

/// What a classic pcap file holds, as far as it is whole.
pub(crate) struct Pcap<'a> {
    link: u32,
    snap_len: u32,
    nanos: bool,
    /// Seconds, fraction, wire length and bytes of each record.
    pub(crate) records: Vec<(u32, u32, u32, &'a [u8])>,
}

impl<'a> Pcap<'a> {
    /// Reads a classic pcap file of either byte order up to its first cut record; `None` for anything else.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (big, nanos) = match *bytes.first_chunk::<4>()? {
            [0xa1, 0xb2, 0xc3, 0xd4] => (true, false),
            [0xa1, 0xb2, 0x3c, 0x4d] => (true, true),
            [0xd4, 0xc3, 0xb2, 0xa1] => (false, false),
            [0x4d, 0x3c, 0xb2, 0xa1] => (false, true),
            _ => return None,
        };
        let word = |at: usize| {
            let word = *bytes.get(at..)?.first_chunk::<4>()?;
            Some(if big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) })
        };
        let mut pcap = Self { snap_len: word(16)?, link: word(20)?, nanos, records: Vec::new() };
        let mut at = 24;
        while let (Some(sec), Some(part), Some(cap), Some(wire)) =
            (word(at), word(at + 4), word(at + 8), word(at + 12))
        {
            let Some(data) = bytes.get(at + 16..at + 16 + cap as usize) else { break };
            pcap.records.push((sec, part, wire, data));
            at += 16 + cap as usize;
        }
        Some(pcap)
    }

    /// The same records as one section of one interface.
    pub(crate) fn to_pcapng(&self) -> Vec<u8> {
        let mut out = Vec::new();
        block(&mut out, 0x0a0d_0d0a, |body| {
            body.extend(0x1a2b_3c4d_u32.to_le_bytes());
            body.extend([1, 0, 0, 0]);
            body.extend(u64::MAX.to_le_bytes());
        });
        block(&mut out, 1, |body| {
            body.extend((self.link as u16).to_le_bytes());
            body.extend([0, 0]);
            body.extend(self.snap_len.to_le_bytes());
            // if_tsresol: code 9, one byte; then the end of the options.
            body.extend([9, 0, 1, 0, if self.nanos { 9 } else { 6 }, 0, 0, 0, 0, 0, 0, 0]);
        });
        let per_second = if self.nanos { 1_000_000_000 } else { 1_000_000 };
        for (sec, part, wire, data) in &self.records {
            let ts = u64::from(*sec) * per_second + u64::from(*part);
            block(&mut out, 6, |body| {
                for word in [0, (ts >> 32) as u32, ts as u32, data.len() as u32, *wire] {
                    body.extend(word.to_le_bytes());
                }
                body.extend(*data);
            });
        }
        out
    }
}

/// Writes one block: type, length, body padded to 32 bits, length again.
fn block(out: &mut Vec<u8>, kind: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut body = Vec::new();
    fill(&mut body);
    body.resize(body.len().next_multiple_of(4), 0);
    let length = (body.len() as u32 + 12).to_le_bytes();
    out.extend(kind.to_le_bytes());
    out.extend(length);
    out.extend(body);
    out.extend(length);
}

/// gzip.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// Zstandard.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("memory takes it")
}

/// LZ4 frames.
pub(crate) fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

#[test]
fn a_capture_is_read_up_to_its_cut_and_written_as_pcapng() {
    let mut file = Vec::new();
    file.extend(0xa1b2_c3d4_u32.to_le_bytes());
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(65535_u32.to_le_bytes());
    file.extend(1_u32.to_le_bytes());
    for (sec, data) in [(1_u32, &b"abc"[..]), (2, b"de")] {
        for word in [sec, 5, data.len() as u32, 9] {
            file.extend(word.to_le_bytes());
        }
        file.extend(data);
    }
    let whole = Pcap::read(&file).unwrap();
    assert_eq!(whole.records, [(1, 5, 9, &b"abc"[..]), (2, 5, 9, b"de")]);
    assert_eq!(Pcap::read(&file[..file.len() - 1]).unwrap().records.len(), 1);
    assert!(Pcap::read(b"\n\r\r\n").is_none());
    let blocks = whole.to_pcapng();
    assert_eq!(blocks.len(), 28 + 32 + 36 + 36);
    assert_eq!(
        blocks[28 + 32 + 12..28 + 32 + 20],
        [0x00, 0x00, 0x00, 0x00, 0x45, 0x42, 0x0f, 0x00]
    );
}
