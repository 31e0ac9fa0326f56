//! Packets by hand, the rows they make, and what is expected of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float64Type, Int8Type, Int64Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use rheos_core::{Addr, Direction, FiveTuple, IpVersion, Timestamp};
use rheos_features::log::Scratch;
use rheos_features::{FeatureConfig, FeaturePlan, FlowFeatures, Kind, RowBuffer, Selection, table};
use rheos_flow::{Flow, FlowConfig, FlowTable};
use rheos_wire::{Layer, Layers, Packet, TcpHeader};

pub(crate) const F: Direction = Direction::Forward;
pub(crate) const B: Direction = Direction::Backward;

/// 2023-11-14T22:13:20Z, where the traces begin.
pub(crate) const START_NS: u64 = 1_700_000_000_000_000_000;

/// The tuple of the traces: 10.0.0.1:40000 > 10.0.0.2:80.
pub(crate) fn tuple(protocol: u8) -> FiveTuple {
    FiveTuple {
        src: Addr::v4([10, 0, 0, 1]),
        dst: Addr::v4([10, 0, 0, 2]),
        src_port: 40_000,
        dst_port: 80,
        protocol,
        version: IpVersion::V4,
    }
}

/// A packet `ns` after the start; `header` bytes of IP and transport header before `payload`.
pub(crate) fn packet(
    tuple: FiveTuple,
    ns: u64,
    direction: Direction,
    header: u32,
    payload: u32,
) -> Packet {
    let tuple = if direction == F { tuple } else { tuple.reversed() };
    Packet {
        ts: Timestamp::from_nanos(START_NS + ns),
        tuple,
        ip_len: header + payload,
        payload_len: payload,
        payload_cap_len: payload,
        ..Packet::default()
    }
}

/// A UDP packet.
pub(crate) fn udp(ms: u64, direction: Direction, payload: u32) -> Packet {
    let packet = packet(tuple(17), ms * 1_000_000, direction, 28, payload);
    layered(packet, &[Layer::Ethernet, Layer::Ipv4, Layer::Udp])
}

/// A TCP segment with 52 bytes of headers (timestamp option).
pub(crate) fn tcp(ms: u64, direction: Direction, flags: u16, payload: u32) -> Packet {
    let mut packet = packet(tuple(6), ms * 1_000_000, direction, 52, payload);
    packet.tcp = TcpHeader { flags, header_len: 32, window: 1000, ..TcpHeader::default() };
    layered(packet, &[Layer::Ethernet, Layer::Ipv4, Layer::Tcp])
}

/// A TCP segment with sequence and acknowledgement numbers.
pub(crate) fn segment(packet: Packet, seq: u32, ack: u32) -> Packet {
    Packet { tcp: TcpHeader { seq, ack, ..packet.tcp }, ..packet }
}

pub(crate) fn layered(mut packet: Packet, layers: &[Layer]) -> Packet {
    packet.layers = Layers::default();
    for &layer in layers {
        packet.layers.push(layer);
    }
    packet
}

/// A value of a row, or what one is expected to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Number(f64),
    Bool(bool),
    Text(String),
    List(Vec<f64>),
}

impl Value {
    /// Equal, numbers but for the last bits of a double.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let close = |a: f64, b: f64| (a - b).abs() <= 4.0 * f64::EPSILON * a.abs().max(b.abs());
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => close(*a, *b),
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| close(a, b))
            }
            _ => self == other,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Number(value) => write!(f, "{value:?}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{value:?}"),
            Self::List(values) => write!(f, "{values:?}"),
        }
    }
}

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    batch: RecordBatch,
    row: usize,
}

impl Row {
    pub(crate) fn all(batch: &RecordBatch) -> Vec<Self> {
        (0..batch.num_rows()).map(|row| Self { batch: batch.clone(), row }).collect()
    }

    /// The batch that the row is in.
    pub(crate) fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    pub(crate) fn get(&self, name: &str) -> Value {
        let array = self.batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}"));
        value(array, self.row, KINDS[name])
    }

    /// Every column's name and value. To look up all of them by name takes long: there are hundreds.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, Value)> {
        let schema = self.batch.schema_ref();
        schema.fields().iter().zip(self.batch.columns()).map(move |(field, array)| {
            (field.name().as_str(), value(array, self.row, KINDS[field.name().as_str()]))
        })
    }

    pub(crate) fn number(&self, name: &str) -> f64 {
        match self.get(name) {
            Value::Number(value) => value,
            other => panic!("{name} is {other}"),
        }
    }
}

/// The value in this row of a column.
pub(crate) fn value(array: &dyn Array, row: usize, kind: Kind) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    let list = |item| {
        let items = array.as_list::<i32>().value(row);
        let number = |i| match value(&items, i, item) {
            Value::Number(number) => number,
            other => panic!("{other} in a list"),
        };
        Value::List((0..items.len()).map(number).collect())
    };
    match kind {
        Kind::U8 => Value::Number(f64::from(array.as_primitive::<UInt8Type>().value(row))),
        Kind::U16 => Value::Number(f64::from(array.as_primitive::<UInt16Type>().value(row))),
        Kind::U32 => Value::Number(f64::from(array.as_primitive::<UInt32Type>().value(row))),
        Kind::U64 => Value::Number(array.as_primitive::<UInt64Type>().value(row) as f64),
        Kind::I64 => match array.as_primitive_opt::<Int64Type>() {
            Some(array) => Value::Number(array.value(row) as f64),
            None => Value::Number(f64::from(array.as_primitive::<Int8Type>().value(row))),
        },
        Kind::F64 => Value::Number(array.as_primitive::<Float64Type>().value(row)),
        Kind::Bool => Value::Bool(array.as_boolean().value(row)),
        Kind::Str => Value::Text(array.as_string::<i32>().value(row).to_owned()),
        Kind::Timestamp => {
            let nanos = array.as_primitive::<TimestampNanosecondType>().value(row);
            Value::Number((nanos - START_NS.cast_signed()) as f64)
        }
        Kind::ListU32 => list(Kind::U32),
        Kind::ListI64 | Kind::ListI8 => list(Kind::I64),
        Kind::ListF64 => list(Kind::F64),
    }
}

/// Every column, optional ones too.
pub(crate) fn all_columns() -> FeatureConfig {
    FeatureConfig { selection: Selection::all(), ..FeatureConfig::default() }
}

/// The types of all columns.
static KINDS: LazyLock<HashMap<&str, Kind>> =
    LazyLock::new(|| table::columns().map(|column| (column.name, column.kind)).collect());

/// The rows of packets that are given in order of arrival.
pub(crate) fn rows_with(packets: &[Packet], flow: FlowConfig, features: FeatureConfig) -> Vec<Row> {
    let plan = Arc::new(FeaturePlan::new(features));
    let mut rows = RowBuffer::new(Arc::clone(&plan.layout));
    let mut scratch = Scratch::default();
    let mut table = FlowTable::<FlowFeatures>::new(flow, Arc::clone(&plan).into());
    let mut ended = |flow: &Flow<FlowFeatures>| {
        flow.state.write_row(&flow.head, &plan, &mut scratch, &mut rows);
    };
    for (packet, index) in packets.iter().zip(0..) {
        table.on_packet(&Packet { index, ..*packet }, &[], &mut ended);
    }
    table.finish(&mut ended);
    Row::all(&rows.take_batch())
}

/// The one row of packets of one flow.
pub(crate) fn row_of(packets: &[Packet]) -> Row {
    let mut rows = rows_with(packets, FlowConfig::default(), all_columns());
    assert_eq!(rows.len(), 1, "one flow");
    rows.remove(0)
}

/// A flow with what its columns must be.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) packets: Vec<Packet>,
    pub(crate) want: Vec<(&'static str, Value)>,
}

impl Case {
    pub(crate) fn check(&self) {
        check(self.name, &row_of(&self.packets), &self.want);
    }
}

/// Tells all columns of a row that are not as wanted.
pub(crate) fn check(name: &str, row: &Row, want: &[(&str, Value)]) {
    let mut wrong = Vec::new();
    for (name, want) in want {
        let got = row.get(name);
        if !got.agrees(want) {
            wrong.push(format!("{name}: {got}, not {want}"));
        }
    }
    assert!(wrong.is_empty(), "{name}:\n  {}", wrong.join("\n  "));
}

pub(crate) fn n(value: f64) -> Value {
    Value::Number(value)
}

pub(crate) fn b(value: bool) -> Value {
    Value::Bool(value)
}

pub(crate) fn t(value: &str) -> Value {
    Value::Text(value.to_owned())
}

pub(crate) fn l(values: &[f64]) -> Value {
    Value::List(values.to_vec())
}

pub(crate) const NULL: Value = Value::Null;
