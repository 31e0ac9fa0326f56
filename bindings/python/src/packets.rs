//! Packets as rows: what their headers say, one row per packet.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::types::{ArrowPrimitiveType, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{ArrayRef, PrimitiveArray, RecordBatch, TimestampNanosecondArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rheos_capture::{CaptureReader, Input, Source};
use rheos_features::{Selection, Summary};
use rheos_flow::Ingest;
use rheos_wire::Packet;

use crate::error;
use crate::options::Plan;
use crate::rows::{Rows, of_arrow};
use crate::run::Outcome;

/// Rows of a batch at most.
const BATCH_ROWS: usize = 65_536;

/// The columns that are being gathered.
#[derive(Default)]
struct Columns {
    ts: Vec<i64>,
    index: Vec<u64>,
    src_ip: StringBuilder,
    dst_ip: StringBuilder,
    src_port: Vec<u16>,
    dst_port: Vec<u16>,
    protocol: Vec<u8>,
    wire_len: Vec<u32>,
    ip_len: Vec<u32>,
    payload_len: Vec<u32>,
    ttl: Vec<u8>,
    tcp_flags: Vec<u16>,
    tcp_seq: Vec<u32>,
    tcp_ack: Vec<u32>,
    tcp_window: Vec<u16>,
    payload: BinaryBuilder,
}

fn numbers<T: ArrowPrimitiveType>(values: &mut Vec<T::Native>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::from_iter_values(std::mem::take(values)))
}

impl Columns {
    fn push(&mut self, packet: &Packet, payload: Option<&[u8]>) {
        let tuple = &packet.tuple;
        // 584 years from 1970 do not fit into a signed timestamp: such times are told as the last that does.
        self.ts.push(i64::try_from(packet.ts.as_nanos()).unwrap_or(i64::MAX));
        self.index.push(packet.index);
        self.src_ip.append_value(tuple.src_ip().to_string());
        self.dst_ip.append_value(tuple.dst_ip().to_string());
        self.src_port.push(tuple.src_port);
        self.dst_port.push(tuple.dst_port);
        self.protocol.push(tuple.protocol);
        self.wire_len.push(packet.wire_len);
        self.ip_len.push(packet.ip_len);
        self.payload_len.push(packet.payload_len);
        self.ttl.push(packet.ttl);
        self.tcp_flags.push(packet.tcp.flags);
        self.tcp_seq.push(packet.tcp.seq);
        self.tcp_ack.push(packet.tcp.ack);
        self.tcp_window.push(packet.tcp.window);
        if let Some(payload) = payload {
            self.payload.append_value(payload);
        }
    }

    fn take(&mut self, schema: &SchemaRef, payload: bool) -> PyResult<RecordBatch> {
        let times = TimestampNanosecondArray::from(std::mem::take(&mut self.ts));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(times.with_timezone("UTC")),
            numbers::<UInt64Type>(&mut self.index),
            Arc::new(self.src_ip.finish()),
            Arc::new(self.dst_ip.finish()),
            numbers::<UInt16Type>(&mut self.src_port),
            numbers::<UInt16Type>(&mut self.dst_port),
            numbers::<UInt8Type>(&mut self.protocol),
            numbers::<UInt32Type>(&mut self.wire_len),
            numbers::<UInt32Type>(&mut self.ip_len),
            numbers::<UInt32Type>(&mut self.payload_len),
            numbers::<UInt8Type>(&mut self.ttl),
            numbers::<UInt16Type>(&mut self.tcp_flags),
            numbers::<UInt32Type>(&mut self.tcp_seq),
            numbers::<UInt32Type>(&mut self.tcp_ack),
            numbers::<UInt16Type>(&mut self.tcp_window),
        ];
        if payload {
            columns.push(Arc::new(self.payload.finish()));
        }
        RecordBatch::try_new(Arc::clone(schema), columns).map_err(of_arrow)
    }
}

fn schema(payload: bool) -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let mut fields: Vec<Field> = [
        ("time", time),
        ("index", DataType::UInt64),
        ("src_ip", DataType::Utf8),
        ("dst_ip", DataType::Utf8),
        ("src_port", DataType::UInt16),
        ("dst_port", DataType::UInt16),
        ("protocol", DataType::UInt8),
        ("wire_len", DataType::UInt32),
        ("ip_len", DataType::UInt32),
        ("payload_len", DataType::UInt32),
        ("ttl", DataType::UInt8),
        ("tcp_flags", DataType::UInt16),
        ("tcp_seq", DataType::UInt32),
        ("tcp_ack", DataType::UInt32),
        ("tcp_window", DataType::UInt16),
    ]
    .map(|(name, kind)| Field::new(name, kind, false))
    .into();
    if payload {
        fields.push(Field::new("payload", DataType::Binary, false));
    }
    Arc::new(Schema::new(fields))
}

/// Every packet of captures as a row; with `payload`, also so many first bytes of its payload.
#[pyfunction]
#[pyo3(signature = (paths, payload=0, options=None))]
pub(crate) fn packets(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    payload: usize,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Rows> {
    let mut plan = Plan::new(Selection::default().into(), options)?;
    if plan.anonymizer.is_some() {
        return Err(error::config("packets are not anonymized", None));
    }
    let inputs = paths.into_iter().map(Input::Path);
    let mut reader =
        CaptureReader::open(inputs, plan.read.clone()).map_err(|error| error::capture(&error))?;
    let schema = schema(payload > 0);
    let mut ingest = Ingest::new(plan.extract.ingest.clone());
    let mut columns = Columns::default();
    let mut batches = Vec::new();
    while plan.count > 0 {
        let next = py.detach(|| reader.next_batch()).map_err(|error| error::capture(&error))?;
        let Some(mut frames) = next else { break };
        frames.frames.truncate(usize::try_from(plan.count).unwrap_or(usize::MAX));
        plan.count -= frames.frames.len() as u64;
        py.detach(|| {
            ingest.batch(&frames, |packet, bytes| {
                let told = packet.payload(bytes);
                let told = (payload > 0).then(|| &told[..told.len().min(payload)]);
                columns.push(packet, told);
            });
        });
        if columns.ts.len() >= BATCH_ROWS {
            batches.push(columns.take(&schema, payload > 0)?);
        }
        py.check_signals()?;
    }
    ingest.finish();
    batches.push(columns.take(&schema, payload > 0)?);
    let rows = batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64;
    let summary = Summary { ingest: ingest.counters.clone(), rows, ..Summary::default() };
    let damage = reader.damage().iter().map(ToString::to_string).collect();
    Ok(Rows { schema, batches, outcome: Outcome { summary, damage } })
}
