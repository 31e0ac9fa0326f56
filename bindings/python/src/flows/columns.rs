//! Records as Arrow columns.

use std::sync::{Arc, LazyLock};

use arrow_array::{
    ArrayRef, FixedSizeBinaryArray, RecordBatch, TimestampNanosecondArray, UInt8Array, UInt16Array,
    UInt32Array, UInt64Array,
};
use arrow_buffer::Buffer;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use rheos_core::{FlowRecord, WideRecord};
use rheos_gen::flows::{FlowColumns, FlowGenerator};

/// The columns, named as the records' fields. `tcp_flags` is left out: these records have none.
static NARROW: LazyLock<SchemaRef> = LazyLock::new(|| {
    schema(&[
        ("timestamp", moment()),
        ("source_ip", DataType::UInt32),
        ("destination_ip", DataType::UInt32),
        ("source_port", DataType::UInt16),
        ("destination_port", DataType::UInt16),
        ("packet_length", DataType::UInt32),
        ("protocol", DataType::UInt8),
        ("flags", DataType::UInt8),
        ("pattern", DataType::UInt8),
        ("stream_id", DataType::UInt32),
    ])
});

/// The columns of wide records; addresses are 16 octets, those of IPv4 mapped (RFC 4291 section 2.5.5.2).
static WIDE: LazyLock<SchemaRef> = LazyLock::new(|| {
    schema(&[
        ("first", moment()),
        ("last", moment()),
        ("bytes", DataType::UInt64),
        ("packets", DataType::UInt64),
        ("flow_id", DataType::UInt64),
        ("source_ip", DataType::FixedSizeBinary(16)),
        ("destination_ip", DataType::FixedSizeBinary(16)),
        ("stream_id", DataType::UInt32),
        ("input_interface", DataType::UInt16),
        ("output_interface", DataType::UInt16),
        ("source_port", DataType::UInt16),
        ("destination_port", DataType::UInt16),
        ("protocol", DataType::UInt8),
        ("tcp_flags", DataType::UInt8),
        ("tos", DataType::UInt8),
        ("flags", DataType::UInt8),
        ("pattern", DataType::UInt8),
        ("label", DataType::UInt8),
        ("end_reason", DataType::UInt8),
        ("source_prefix", DataType::UInt8),
        ("source_as", DataType::UInt32),
    ])
});

/// The columns of narrow or of wide records.
pub(super) fn schema_of(is_narrow: bool) -> &'static SchemaRef {
    if is_narrow { &NARROW } else { &WIDE }
}

fn moment() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
    let fields = columns.iter().map(|(name, kind)| Field::new(*name, kind.clone(), false));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Columns that records are laid into.
pub(super) struct Columns {
    /// Arrow's timestamps are signed; ours fit until the year 2262.
    timestamp: Vec<i64>,
    source_ip: Vec<u32>,
    destination_ip: Vec<u32>,
    source_port: Vec<u16>,
    destination_port: Vec<u16>,
    packet_length: Vec<u32>,
    protocol: Vec<u8>,
    flags: Vec<u8>,
    pattern: Vec<u8>,
    stream_id: Vec<u32>,
}

fn zeros<T: bytemuck::Zeroable>(count: usize) -> Option<Vec<T>> {
    bytemuck::allocation::try_zeroed_vec(count).ok()
}

impl Columns {
    /// Room for so many records; `None` if there is not the memory.
    pub(super) fn new(count: usize) -> Option<Self> {
        Some(Self {
            timestamp: zeros(count)?,
            source_ip: zeros(count)?,
            destination_ip: zeros(count)?,
            source_port: zeros(count)?,
            destination_port: zeros(count)?,
            packet_length: zeros(count)?,
            protocol: zeros(count)?,
            flags: zeros(count)?,
            pattern: zeros(count)?,
            stream_id: zeros(count)?,
        })
    }

    /// Fills the places from `from` to `to` with the next records; how many there were.
    pub(super) fn fill(&mut self, made: &mut FlowGenerator, from: usize, to: usize) -> usize {
        let timestamps = self.timestamp.get_mut(from..to);
        let mut out = FlowColumns {
            timestamp: timestamps.map(bytemuck::cast_slice_mut),
            source_ip: self.source_ip.get_mut(from..to),
            destination_ip: self.destination_ip.get_mut(from..to),
            source_port: self.source_port.get_mut(from..to),
            destination_port: self.destination_port.get_mut(from..to),
            packet_length: self.packet_length.get_mut(from..to),
            protocol: self.protocol.get_mut(from..to),
            flags: self.flags.get_mut(from..to),
            pattern: self.pattern.get_mut(from..to),
            stream_id: self.stream_id.get_mut(from..to),
        };
        made.fill_columns(&mut out)
    }

    /// The columns as Arrow's, without a copy.
    pub(super) fn batch(self) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(TimestampNanosecondArray::from(self.timestamp).with_timezone("UTC")),
            Arc::new(UInt32Array::from(self.source_ip)),
            Arc::new(UInt32Array::from(self.destination_ip)),
            Arc::new(UInt16Array::from(self.source_port)),
            Arc::new(UInt16Array::from(self.destination_port)),
            Arc::new(UInt32Array::from(self.packet_length)),
            Arc::new(UInt8Array::from(self.protocol)),
            Arc::new(UInt8Array::from(self.flags)),
            Arc::new(UInt8Array::from(self.pattern)),
            Arc::new(UInt32Array::from(self.stream_id)),
        ];
        RecordBatch::try_new(Arc::clone(&NARROW), columns)
    }
}

/// Records that lie in memory as columns: the one copy on this way.
pub(super) fn of_records(records: &[FlowRecord]) -> Result<RecordBatch, ArrowError> {
    let column = Columns {
        timestamp: records.iter().map(|r| r.timestamp.cast_signed()).collect(),
        source_ip: records.iter().map(|r| r.source_ip).collect(),
        destination_ip: records.iter().map(|r| r.destination_ip).collect(),
        source_port: records.iter().map(|r| r.source_port).collect(),
        destination_port: records.iter().map(|r| r.destination_port).collect(),
        packet_length: records.iter().map(|r| r.packet_length).collect(),
        protocol: records.iter().map(|r| r.protocol).collect(),
        flags: records.iter().map(|r| r.flags).collect(),
        pattern: records.iter().map(|r| r.pattern).collect(),
        stream_id: records.iter().map(|r| r.stream_id).collect(),
    };
    column.batch()
}

/// Wide records as columns.
pub(super) fn of_wide(records: &[WideRecord]) -> Result<RecordBatch, ArrowError> {
    fn of<T, A: From<Vec<T>> + arrow_array::Array + 'static>(
        records: &[WideRecord],
        field: impl Fn(&WideRecord) -> T,
    ) -> ArrayRef {
        Arc::new(A::from(records.iter().map(field).collect::<Vec<T>>()))
    }
    let moments = |field: fn(&WideRecord) -> u64| -> ArrayRef {
        let moments: Vec<i64> = records.iter().map(|r| field(r).cast_signed()).collect();
        Arc::new(TimestampNanosecondArray::from(moments).with_timezone("UTC"))
    };
    let addresses = |field: fn(&WideRecord) -> [u8; 16]| -> Result<ArrayRef, ArrowError> {
        let octets: Vec<u8> = records.iter().flat_map(field).collect();
        Ok(Arc::new(FixedSizeBinaryArray::try_new(16, Buffer::from_vec(octets), None)?))
    };
    let columns: Vec<ArrayRef> = vec![
        moments(|r| r.first),
        moments(|r| r.last),
        of::<_, UInt64Array>(records, |r| r.bytes),
        of::<_, UInt64Array>(records, |r| r.packets),
        of::<_, UInt64Array>(records, |r| r.flow_id),
        addresses(|r| r.source_ip)?,
        addresses(|r| r.destination_ip)?,
        of::<_, UInt32Array>(records, |r| r.stream_id),
        of::<_, UInt16Array>(records, |r| r.input_interface),
        of::<_, UInt16Array>(records, |r| r.output_interface),
        of::<_, UInt16Array>(records, |r| r.source_port),
        of::<_, UInt16Array>(records, |r| r.destination_port),
        of::<_, UInt8Array>(records, |r| r.protocol),
        of::<_, UInt8Array>(records, |r| r.tcp_flags),
        of::<_, UInt8Array>(records, |r| r.tos),
        of::<_, UInt8Array>(records, |r| r.flags),
        of::<_, UInt8Array>(records, |r| r.pattern),
        of::<_, UInt8Array>(records, |r| r.label),
        of::<_, UInt8Array>(records, |r| r.end_reason),
        of::<_, UInt8Array>(records, |r| r.source_prefix),
        of::<_, UInt32Array>(records, |r| r.source_as),
    ];
    RecordBatch::try_new(Arc::clone(&WIDE), columns)
}
