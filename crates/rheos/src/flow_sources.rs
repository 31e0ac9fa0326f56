//! Flow files that are no table: our raw records, IPFIX messages, captures, and files of nfcapd.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use rheos_capture::NfcapdReader;
use rheos_core::{FlowRecord, Timestamp, WideRecord};
use rheos_gen::flows::{RAW_HEADER_BYTES, RawHeader, RawRecord};
use rheos_query::read::{Bytes, OpenRecords, Opened, RecordSource, Unknown};
use rheos_wire::export::{Collector, CollectorConfig, Scaling, ipfix_message_len};

use crate::flow_packets::Captured;

/// Opens what the columnar engine does not know.
pub(crate) const SOURCES: OpenRecords = OpenRecords(|unknown| open(unknown, Scaling::AsTold));
/// The same, with counters of sampled exports multiplied.
pub(crate) const SCALED_SOURCES: OpenRecords =
    OpenRecords(|unknown| open(unknown, Scaling::Multiplied));

/// Most bytes of a file of nfcapd that has to be held in memory, as it came through a pipe or a compressor.
const HELD_BYTES_MAX: u64 = 4 << 30;
/// Records that are read at once.
const RECORDS: usize = 16 << 10;
/// First bytes of captures: pcap in four ways, pcapng, and what else may only be one: LZ4, which captures are read
/// through.
const CAPTURES: [[u8; 4]; 6] = [
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0x4d, 0x3c, 0xb2, 0xa1],
    [0xa1, 0xb2, 0x3c, 0x4d],
    [0x0a, 0x0d, 0x0d, 0x0a],
    [0x04, 0x22, 0x4d, 0x18],
];

fn open(unknown: Unknown<'_>, scaling: Scaling) -> Opened {
    let Unknown { first, path, bytes } = unknown;
    let opened = match first {
        b"RHEOSFLW" => Raw::open(bytes),
        [0, 10, ..] => Ok(Box::new(Messages::new(bytes, scaling)) as Box<dyn RecordSource>),
        [0x0c, 0xa5, ..] | [0xa5, 0x0c, ..] => Nfcapd::open(path, bytes),
        [a, b, c, d, ..] if CAPTURES.contains(&[*a, *b, *c, *d]) => {
            let captured = Captured::open(bytes, scaling);
            captured.map(|captured| Box::new(captured) as Box<dyn RecordSource>)
        }
        _ => return Opened::Unknown(bytes),
    };
    match opened {
        Ok(source) => Opened::Records(source),
        Err(reason) => Opened::Failed(reason),
    }
}

type Opening = Result<Box<dyn RecordSource>, String>;

/// An error with its cause.
pub(crate) fn told(error: impl std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// As many bytes as there are, up to the buffer's length.
fn fill(bytes: &mut Bytes, buffer: &mut [u8]) -> Result<usize, String> {
    let mut filled = 0;
    while filled < buffer.len() {
        match bytes.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(told(error)),
        }
    }
    Ok(filled)
}

/// Records as they lie in memory.
struct Raw {
    bytes: Bytes,
    length: usize,
    /// What the header promised and is still to come.
    left: Option<u64>,
    buffer: Vec<u8>,
}

impl Raw {
    fn open(mut bytes: Bytes) -> Opening {
        let mut start = [0; RAW_HEADER_BYTES];
        let got = fill(&mut bytes, &mut start)?;
        let (header, _) = RawHeader::from_bytes(&start[..got]).map_err(told)?;
        let length = header.record_bytes;
        if length != FlowRecord::BYTES && length != WideRecord::BYTES {
            return Err(format!("its records have {length} bytes, known are 32 and 96"));
        }
        let length = length as usize;
        Ok(Box::new(Self { bytes, length, left: header.count, buffer: vec![0; RECORDS * length] }))
    }
}

impl RecordSource for Raw {
    fn read(&mut self, out: &mut Vec<WideRecord>) -> Result<bool, String> {
        let got = fill(&mut self.bytes, &mut self.buffer)?;
        let (whole, rest) = (got / self.length, got % self.length);
        if rest > 0 {
            return Err(format!("its last record has {rest} of {} bytes", self.length));
        }
        let records = self.buffer[..got].chunks_exact(self.length);
        if self.length == FlowRecord::BYTES as usize {
            let record = |bytes| bytemuck::pod_read_unaligned::<FlowRecord>(bytes).little_endian();
            out.extend(records.map(|bytes| WideRecord::from(&record(bytes))));
        } else {
            let record = |bytes| bytemuck::pod_read_unaligned::<WideRecord>(bytes).little_endian();
            out.extend(records.map(record));
        }
        if let Some(left) = &mut self.left {
            let missing = left.checked_sub(whole as u64);
            *left = missing.ok_or("it has more records than its header says")?;
            if got == 0 && *left > 0 {
                return Err(format!("{left} records that its header promises are missing"));
            }
        }
        Ok(got > 0)
    }
}

/// IPFIX messages one behind the other (RFC 5655).
struct Messages {
    bytes: Bytes,
    collector: Collector,
    buffer: Vec<u8>,
}

impl Messages {
    fn new(bytes: Bytes, scaling: Scaling) -> Self {
        let collector = Collector::new(CollectorConfig { scaling, ..CollectorConfig::default() });
        Self { bytes, collector, buffer: vec![0; 1 << 16] }
    }
}

impl RecordSource for Messages {
    fn read(&mut self, out: &mut Vec<WideRecord>) -> Result<bool, String> {
        match fill(&mut self.bytes, &mut self.buffer[..4])? {
            0 => return Ok(false),
            4 => {}
            got => return Err(format!("its last message has {got} bytes")),
        }
        let length = ipfix_message_len(&self.buffer[..4]).map_err(told)?;
        let got = fill(&mut self.bytes, &mut self.buffer[4..length])? + 4;
        if got < length {
            return Err(format!("its last message has {got} of {length} bytes"));
        }
        let from = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let read = self.collector.read(from, Timestamp::ZERO, &self.buffer[..length], out);
        read.map_err(told)?;
        Ok(true)
    }

    fn left_out(&self) -> Option<(u64, String)> {
        lost(&self.collector)
    }
}

/// What a collector could not read.
pub(crate) fn lost(collector: &Collector) -> Option<(u64, String)> {
    let counters = collector.counters();
    let sets = counters.sets_unknown;
    (sets > 0).then(|| (sets, "sets of records whose template is not there".to_owned()))
}

/// A file that nfcapd wrote.
struct Nfcapd<R>(NfcapdReader<R>);

impl Nfcapd<()> {
    fn open(path: Option<&Path>, bytes: Bytes) -> Opening {
        if let Some(path) = path {
            return Ok(Box::new(Nfcapd(NfcapdReader::open(path).map_err(told)?)));
        }
        let mut held = Vec::new();
        let read = bytes.take(HELD_BYTES_MAX + 1).read_to_end(&mut held);
        read.map_err(told)?;
        if held.len() as u64 > HELD_BYTES_MAX {
            return Err("it is larger than 4 GiB and no plain file".to_owned());
        }
        let reader = NfcapdReader::new(std::io::Cursor::new(held), Path::new("-"));
        Ok(Box::new(Nfcapd(reader.map_err(told)?)))
    }
}

impl<R: Read + std::io::Seek + Send> RecordSource for Nfcapd<R> {
    fn read(&mut self, out: &mut Vec<WideRecord>) -> Result<bool, String> {
        self.0.read_block(out).map_err(told)
    }
}
