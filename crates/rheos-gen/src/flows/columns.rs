//! Records as columns: one caller's slice for each field.

use rheos_core::FlowRecord;

use super::generator::FlowGenerator;

/// Where the fields of records go; a field without a slice is left out.
#[derive(Debug, Default)]
pub struct FlowColumns<'a> {
    /// Nanoseconds since the Unix epoch.
    pub timestamp: Option<&'a mut [u64]>,
    /// IPv4 address in host order.
    pub source_ip: Option<&'a mut [u32]>,
    /// IPv4 address in host order.
    pub destination_ip: Option<&'a mut [u32]>,
    /// TCP or UDP port.
    pub source_port: Option<&'a mut [u16]>,
    /// TCP or UDP port.
    pub destination_port: Option<&'a mut [u16]>,
    /// Length in bytes.
    pub packet_length: Option<&'a mut [u32]>,
    /// IANA protocol number.
    pub protocol: Option<&'a mut [u8]>,
    /// [`RecordFlags`](rheos_core::RecordFlags).
    pub flags: Option<&'a mut [u8]>,
    /// Index of the pattern.
    pub pattern: Option<&'a mut [u8]>,
    /// Which stream made it.
    pub stream_id: Option<&'a mut [u32]>,
}

/// Records between the generator and the columns: 16 KiB, which stay in the first cache.
const BLOCK: usize = 512;

impl FlowColumns<'_> {
    /// The length of the shortest slice; 0 without any.
    pub fn room(&self) -> usize {
        let lengths = [
            self.timestamp.as_ref().map(|c| c.len()),
            self.source_ip.as_ref().map(|c| c.len()),
            self.destination_ip.as_ref().map(|c| c.len()),
            self.source_port.as_ref().map(|c| c.len()),
            self.destination_port.as_ref().map(|c| c.len()),
            self.packet_length.as_ref().map(|c| c.len()),
            self.protocol.as_ref().map(|c| c.len()),
            self.flags.as_ref().map(|c| c.len()),
            self.pattern.as_ref().map(|c| c.len()),
            self.stream_id.as_ref().map(|c| c.len()),
        ];
        lengths.into_iter().flatten().min().unwrap_or(0)
    }

    /// Lays records down from `at` on.
    fn put(&mut self, at: usize, records: &[FlowRecord]) {
        put(self.timestamp.as_deref_mut(), at, records, |r| r.timestamp);
        put(self.source_ip.as_deref_mut(), at, records, |r| r.source_ip);
        put(self.destination_ip.as_deref_mut(), at, records, |r| r.destination_ip);
        put(self.source_port.as_deref_mut(), at, records, |r| r.source_port);
        put(self.destination_port.as_deref_mut(), at, records, |r| r.destination_port);
        put(self.packet_length.as_deref_mut(), at, records, |r| r.packet_length);
        put(self.protocol.as_deref_mut(), at, records, |r| r.protocol);
        put(self.flags.as_deref_mut(), at, records, |r| r.flags);
        put(self.pattern.as_deref_mut(), at, records, |r| r.pattern);
        put(self.stream_id.as_deref_mut(), at, records, |r| r.stream_id);
    }
}

fn put<T>(
    column: Option<&mut [T]>,
    at: usize,
    records: &[FlowRecord],
    field: impl Fn(&FlowRecord) -> T,
) {
    if let Some(places) = column.and_then(|c| c.get_mut(at..)) {
        for (place, record) in places.iter_mut().zip(records) {
            *place = field(record);
        }
    }
}

/// Fills the first `count` places.
pub(super) fn fill(made: &mut FlowGenerator, out: &mut FlowColumns<'_>, count: usize) -> usize {
    let mut block = [FlowRecord::default(); BLOCK];
    let mut done = 0;
    while done < count {
        let wanted = BLOCK.min(count - done);
        let records = made.fill(&mut block[..wanted]);
        if records == 0 {
            break;
        }
        out.put(done, &block[..records]);
        done += records;
    }
    done
}
