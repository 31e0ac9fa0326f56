//! Generated records of IPv4 as columns: the older generator's fields with their types, and what ours add.

use std::mem;
use std::sync::Arc;

use anyhow::Result;
use arrow_array::types::{
    ArrowPrimitiveType, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type,
};
use arrow_array::{Array as _, ArrayRef, PrimitiveArray, RecordBatch, TimestampNanosecondArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use rheos_core::FlowRecord;

/// Rows of a batch: columns of 64 to 512 KiB, which readers and the system like better than shorter ones.
const ROWS: usize = 64 << 10;
/// Records that are taken apart at once: 16 KiB, which stay in the first cache while each column takes its field.
const CHUNK: usize = 512;

/// Rows on their way into a batch.
#[derive(Debug)]
pub(crate) struct NarrowColumns {
    schema: SchemaRef,
    timestamp: Vec<i64>,
    source_ip: Vec<u32>,
    destination_ip: Vec<u32>,
    source_port: Vec<u16>,
    destination_port: Vec<u16>,
    protocol: Vec<u8>,
    packet_length: Vec<u32>,
    pattern: Vec<u8>,
    stream_id: Vec<u32>,
}

impl NarrowColumns {
    pub(crate) fn new() -> Self {
        let time = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        let fields = [
            ("timestamp", time),
            ("src_ip", DataType::UInt32),
            ("dst_ip", DataType::UInt32),
            ("src_port", DataType::UInt16),
            ("dst_port", DataType::UInt16),
            ("protocol", DataType::UInt8),
            ("length", DataType::UInt32),
            ("pattern", DataType::UInt8),
            ("stream_id", DataType::UInt32),
        ];
        let fields = fields.map(|(name, kind)| Field::new(name, kind, false));
        Self {
            schema: Arc::new(Schema::new(fields.to_vec())),
            timestamp: Vec::new(),
            source_ip: Vec::new(),
            destination_ip: Vec::new(),
            source_port: Vec::new(),
            destination_port: Vec::new(),
            protocol: Vec::new(),
            packet_length: Vec::new(),
            pattern: Vec::new(),
            stream_id: Vec::new(),
        }
    }

    pub(crate) const fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Bytes of the rows that wait.
    pub(crate) const fn bytes(&self) -> u64 {
        /// Of all columns in a row.
        const ROW: u64 = 30;
        self.timestamp.len() as u64 * ROW
    }

    /// Takes records; hands batches on as they become whole.
    pub(crate) fn push(
        &mut self,
        records: &[FlowRecord],
        mut whole: impl FnMut(&RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let mut rest = records;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(ROWS - self.timestamp.len()));
            now.chunks(CHUNK).for_each(|chunk| self.put(chunk));
            rest = later;
            if self.timestamp.len() == ROWS {
                let batch = self.take()?;
                whole(&batch)?;
                self.reuse(batch);
            }
        }
        Ok(())
    }

    fn put(&mut self, records: &[FlowRecord]) {
        fn put<T>(column: &mut Vec<T>, records: &[FlowRecord], of: impl Fn(&FlowRecord) -> T) {
            if column.capacity() == 0 {
                column.reserve_exact(ROWS);
            }
            column.extend(records.iter().map(of));
        }
        // Moments after the year 2262, which Arrow cannot tell, are its last one.
        put(&mut self.timestamp, records, |r| i64::try_from(r.timestamp).unwrap_or(i64::MAX));
        put(&mut self.source_ip, records, |r| r.source_ip);
        put(&mut self.destination_ip, records, |r| r.destination_ip);
        put(&mut self.source_port, records, |r| r.source_port);
        put(&mut self.destination_port, records, |r| r.destination_port);
        put(&mut self.protocol, records, |r| r.protocol);
        put(&mut self.packet_length, records, |r| r.packet_length);
        put(&mut self.pattern, records, |r| r.pattern);
        put(&mut self.stream_id, records, |r| r.stream_id);
    }

    /// Takes the memory of a batch back: fresh pages cost as much as filling them.
    fn reuse(&mut self, batch: RecordBatch) {
        fn emptied<T: ArrowPrimitiveType>(
            arrays: &mut impl Iterator<Item = ArrayRef>,
        ) -> Vec<T::Native> {
            let buffer = arrays.next().and_then(|array| array.to_data().buffers().first().cloned());
            let mut values: Vec<T::Native> =
                buffer.and_then(|buffer| buffer.into_vec().ok()).unwrap_or_default();
            values.clear();
            values
        }
        let mut arrays = batch.into_parts().1.into_iter();
        self.timestamp = emptied::<TimestampNanosecondType>(&mut arrays);
        self.source_ip = emptied::<UInt32Type>(&mut arrays);
        self.destination_ip = emptied::<UInt32Type>(&mut arrays);
        self.source_port = emptied::<UInt16Type>(&mut arrays);
        self.destination_port = emptied::<UInt16Type>(&mut arrays);
        self.protocol = emptied::<UInt8Type>(&mut arrays);
        self.packet_length = emptied::<UInt32Type>(&mut arrays);
        self.pattern = emptied::<UInt8Type>(&mut arrays);
        self.stream_id = emptied::<UInt32Type>(&mut arrays);
    }

    /// The rows that wait, as a batch.
    pub(crate) fn take(&mut self) -> Result<RecordBatch> {
        fn column<T: ArrowPrimitiveType>(values: &mut Vec<T::Native>) -> ArrayRef {
            Arc::new(PrimitiveArray::<T>::new(mem::take(values).into(), None))
        }
        let times = TimestampNanosecondArray::new(mem::take(&mut self.timestamp).into(), None);
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(times.with_timezone("UTC")),
            column::<UInt32Type>(&mut self.source_ip),
            column::<UInt32Type>(&mut self.destination_ip),
            column::<UInt16Type>(&mut self.source_port),
            column::<UInt16Type>(&mut self.destination_port),
            column::<UInt8Type>(&mut self.protocol),
            column::<UInt32Type>(&mut self.packet_length),
            column::<UInt8Type>(&mut self.pattern),
            column::<UInt32Type>(&mut self.stream_id),
        ];
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray as _;

    use super::*;

    #[test]
    fn the_memory_of_batches_is_used_again() {
        let records = vec![FlowRecord::default(); ROWS];
        let (mut columns, mut places) = (NarrowColumns::new(), Vec::new());
        for _ in 0..3 {
            let look = |batch: &RecordBatch| {
                let of = |array: &ArrayRef| array.to_data().buffers()[0].as_ptr() as usize;
                places.push(batch.columns().iter().map(of).collect::<Vec<_>>());
                Ok(())
            };
            columns.push(&records, look).unwrap();
        }
        assert_eq!(places.len(), 3);
        assert_eq!(places[0], places[1]);
        assert_eq!(places[0], places[2]);
    }

    #[test]
    fn batches_are_whole_and_keep_the_order() {
        let record = |n: u32| FlowRecord {
            timestamp: if n == 5 { u64::MAX } else { n.into() },
            source_ip: n,
            destination_ip: !n,
            source_port: n as u16,
            destination_port: !n as u16,
            packet_length: n / 3,
            protocol: n as u8,
            pattern: !n as u8,
            stream_id: n ^ 0x55,
            ..FlowRecord::default()
        };
        let records: Vec<FlowRecord> = (0..150_000).map(record).collect();
        let (mut columns, mut batches) = (NarrowColumns::new(), Vec::new());
        let fields = columns.schema().fields();
        let width: usize = fields.iter().filter_map(|f| f.data_type().primitive_width()).sum();
        assert_eq!(width, 30);
        for part in records.chunks(70_001) {
            let keep = |batch: &RecordBatch| {
                batches.push(batch.clone());
                Ok(())
            };
            columns.push(part, keep).unwrap();
        }
        assert_eq!(columns.bytes(), (150_000 - 2 * ROWS as u64) * 30);
        batches.push(columns.take().unwrap());
        assert_eq!(columns.bytes(), 0);
        let rows: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(rows, [ROWS, ROWS, 150_000 - 2 * ROWS]);
        let mut expected = records.iter();
        for batch in &batches {
            let u32s = |i: usize| batch.column(i).as_primitive::<UInt32Type>().values();
            let u16s = |i: usize| batch.column(i).as_primitive::<UInt16Type>().values();
            let u8s = |i: usize| batch.column(i).as_primitive::<UInt8Type>().values();
            let times = batch.column(0).as_primitive::<TimestampNanosecondType>().values();
            for row in 0..batch.num_rows() {
                let r = expected.next().unwrap();
                assert_eq!(times[row] as u64, r.timestamp.min(i64::MAX as u64));
                let found = [u32s(1), u32s(2), u32s(6), u32s(8)].map(|column| column[row]);
                assert_eq!(found, [r.source_ip, r.destination_ip, r.packet_length, r.stream_id]);
                let found = [u16s(3), u16s(4)].map(|column| column[row]);
                assert_eq!(found, [r.source_port, r.destination_port]);
                assert_eq!([u8s(5), u8s(7)].map(|column| column[row]), [r.protocol, r.pattern]);
            }
        }
        assert!(expected.next().is_none());
    }
}
