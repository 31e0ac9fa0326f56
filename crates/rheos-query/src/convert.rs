//! Arrow record batches into blocks and back.
//!
//! A column whose type is ours is shared, not copied. Narrower and wider integers, times of other units and
//! addresses as text are converted; null is 0; a value that does not fit is a defect, counted and read as 0.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, FixedSizeBinaryArray, PrimitiveArray, RecordBatch, RecordBatchOptions,
    UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow_buffer::{ArrowNativeType, Buffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::block::MAPPED;
use crate::{Column, FlowBlock, FlowColumn, FlowColumns, Kind};

/// A column of a type that is not understood: its name and its type.
#[derive(Debug)]
pub(crate) struct UnknownType {
    pub(crate) column: String,
    pub(crate) data_type: String,
}

/// The wanted columns of a batch, and how many values did not fit.
pub(crate) fn block(
    batch: &RecordBatch,
    wanted: FlowColumns,
) -> Result<(FlowBlock, u64), UnknownType> {
    let mut block = FlowBlock::new(batch.num_rows());
    let mut defects = 0;
    for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let Some(name) = FlowColumn::named(field.name()).filter(|name| wanted.contains(*name))
        else {
            continue;
        };
        if block.column(name).is_some() {
            continue;
        }
        let values = match name.kind() {
            Kind::Address => addresses(array, &mut defects),
            kind => numbers(array, kind, &mut defects),
        };
        let values = values.ok_or_else(|| UnknownType {
            column: field.name().clone(),
            data_type: field.data_type().to_string(),
        })?;
        block = block.with(name, values);
    }
    Ok((block, defects))
}

/// Whether a file with this type has values that can be read.
pub(crate) fn is_readable(name: FlowColumn, data_type: &DataType) -> bool {
    let is_text = matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    match (name.kind(), data_type) {
        (Kind::Address, DataType::UInt32 | DataType::Int64 | DataType::FixedSizeBinary(16))
        | (Kind::U64, DataType::Timestamp(..)) => true,
        (Kind::Address, _) => is_text,
        _ => data_type.is_integer(),
    }
}

/// The values with null as 0, shared where nothing is null.
fn values<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>) -> ScalarBuffer<T::Native> {
    if array.null_count() == 0 {
        return array.values().clone();
    }
    let rows = array.iter().map(Option::unwrap_or_default);
    rows.collect::<Vec<T::Native>>().into()
}

/// The same bytes under another type of the same size.
fn reinterpreted<A: ArrowNativeType, B: ArrowNativeType>(
    values: ScalarBuffer<A>,
) -> ScalarBuffer<B> {
    let len = values.len();
    let buffer: Buffer = values.into_inner();
    ScalarBuffer::new(buffer, 0, len)
}

fn numbers(array: &ArrayRef, kind: Kind, defects: &mut u64) -> Option<Column> {
    Some(match (kind, array.data_type()) {
        (Kind::U8, DataType::UInt8) => Column::U8(values::<UInt8Type>(array.as_primitive())),
        (Kind::U16, DataType::UInt16) => Column::U16(values::<UInt16Type>(array.as_primitive())),
        (Kind::U32, DataType::UInt32) => Column::U32(values::<UInt32Type>(array.as_primitive())),
        (Kind::U64, DataType::UInt64) => Column::U64(values::<UInt64Type>(array.as_primitive())),
        (_, other) => {
            let wide = match other {
                DataType::UInt8 => widened::<UInt8Type>(array),
                DataType::UInt16 => widened::<UInt16Type>(array),
                DataType::UInt32 => widened::<UInt32Type>(array),
                DataType::UInt64 => values::<UInt64Type>(array.as_primitive()),
                DataType::Int8 => signed::<Int8Type>(array, 1, defects),
                DataType::Int16 => signed::<Int16Type>(array, 1, defects),
                DataType::Int32 => signed::<Int32Type>(array, 1, defects),
                DataType::Int64 => signed::<Int64Type>(array, 1, defects),
                DataType::Timestamp(unit, _) => match unit {
                    TimeUnit::Nanosecond => signed::<TimestampNanosecondType>(array, 1, defects),
                    TimeUnit::Microsecond => {
                        signed::<TimestampMicrosecondType>(array, 1_000, defects)
                    }
                    TimeUnit::Millisecond => {
                        signed::<TimestampMillisecondType>(array, 1_000_000, defects)
                    }
                    TimeUnit::Second => {
                        signed::<TimestampSecondType>(array, 1_000_000_000, defects)
                    }
                },
                _ => return None,
            };
            narrowed(wide, kind, defects)
        }
    })
}

fn widened<T: ArrowPrimitiveType>(array: &ArrayRef) -> ScalarBuffer<u64>
where
    T::Native: Into<u64>,
{
    values::<T>(array.as_primitive()).iter().map(|&value| value.into()).collect()
}

/// Signed numbers times `scale`; those below 0 or too large are defects.
fn signed<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    scale: u64,
    defects: &mut u64,
) -> ScalarBuffer<u64>
where
    T::Native: Into<i64>,
{
    let values = values::<T>(array.as_primitive());
    // The sign bits of all values at once: almost always none is set, and nothing is to be converted.
    let any_negative = values.iter().fold(0_i64, |bits, &value| bits | value.into()) < 0;
    if !any_negative && scale == 1 && size_of::<T::Native>() == 8 {
        return reinterpreted(values);
    }
    values
        .iter()
        .map(|&value| {
            let scaled = u64::try_from(value.into()).ok().and_then(|v| v.checked_mul(scale));
            scaled.unwrap_or_else(|| {
                *defects += 1;
                0
            })
        })
        .collect()
}

fn narrowed(wide: ScalarBuffer<u64>, kind: Kind, defects: &mut u64) -> Column {
    fn cut<T: TryFrom<u64> + Default + ArrowNativeType>(
        wide: &[u64],
        defects: &mut u64,
    ) -> ScalarBuffer<T> {
        let values = wide.iter().map(|&value| {
            T::try_from(value).unwrap_or_else(|_| {
                *defects += 1;
                T::default()
            })
        });
        values.collect::<Vec<T>>().into()
    }
    match kind {
        Kind::U8 => Column::U8(cut(&wide, defects)),
        Kind::U16 => Column::U16(cut(&wide, defects)),
        Kind::U32 => Column::U32(cut(&wide, defects)),
        Kind::U64 | Kind::Address => Column::U64(wide),
    }
}

fn addresses(array: &ArrayRef, defects: &mut u64) -> Option<Column> {
    Some(match array.data_type() {
        DataType::UInt32 => Column::V4(values::<UInt32Type>(array.as_primitive())),
        DataType::Int64 => {
            let wide = signed::<Int64Type>(array, 1, defects);
            match narrowed(wide, Kind::U32, defects) {
                Column::U32(values) => Column::V4(values),
                other => other,
            }
        }
        DataType::FixedSizeBinary(16) => {
            let array = array.as_fixed_size_binary();
            let octets = |row: usize| <[u8; 16]>::try_from(array.value(row)).unwrap_or_default();
            let number = |row: usize| {
                if array.is_null(row) { MAPPED } else { u128::from_be_bytes(octets(row)) }
            };
            packed((0..array.len()).map(number).collect())
        }
        DataType::Utf8 => texts(array.as_string::<i32>().iter(), defects),
        DataType::LargeUtf8 => texts(array.as_string::<i64>().iter(), defects),
        DataType::Utf8View => texts(array.as_string_view().iter(), defects),
        _ => return None,
    })
}

fn texts<'a>(texts: impl Iterator<Item = Option<&'a str>>, defects: &mut u64) -> Column {
    let numbers = texts.map(|text| match text {
        None | Some("") => MAPPED,
        Some(text) => address(text).unwrap_or_else(|| {
            *defects += 1;
            MAPPED
        }),
    });
    packed(numbers.collect())
}

/// An address as text.
pub(crate) fn address(text: &str) -> Option<u128> {
    match text.parse().ok()? {
        std::net::IpAddr::V4(v4) => Some(MAPPED | u128::from(v4.to_bits())),
        std::net::IpAddr::V6(v6) => Some(v6.to_bits()),
    }
}

/// As 32 bits each if all are IPv4.
pub(crate) fn packed(numbers: Vec<u128>) -> Column {
    if numbers.iter().all(|&number| crate::block::is_v4(number)) {
        Column::V4(numbers.iter().map(|&number| number as u32).collect())
    } else {
        Column::V6(numbers.into())
    }
}

/// The Arrow schema of these columns as we write them; addresses are 32 bits, or 16 octets if `is_wide`.
pub fn schema_of(columns: FlowColumns, is_wide: bool) -> SchemaRef {
    let field = |column: FlowColumn| {
        let data_type = match (column, column.kind()) {
            (FlowColumn::First | FlowColumn::Last, _) => {
                DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
            }
            (_, Kind::U8) => DataType::UInt8,
            (_, Kind::U16) => DataType::UInt16,
            (_, Kind::U64) => DataType::UInt64,
            (_, Kind::Address) if is_wide => DataType::FixedSizeBinary(16),
            (_, Kind::U32 | Kind::Address) => DataType::UInt32,
        };
        Field::new(column.name(), data_type, false)
    };
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

impl FlowBlock {
    /// As an Arrow batch of the columns in `schema`, which must be one of [`schema_of`]; missing ones are 0.
    pub fn to_batch(&self, schema: &SchemaRef) -> RecordBatch {
        let arrays = schema.fields().iter().map(|field| self.array(field)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.len()));
        RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)
            .expect("arrays were made for the schema")
    }

    pub(crate) fn array(&self, field: &Field) -> ArrayRef {
        let rows = 0..self.len();
        let column = FlowColumn::named(field.name()).and_then(|name| self.column(name));
        let zeros = Column::U64(vec![0; self.len()].into());
        let column = column.unwrap_or(&zeros);
        match (field.data_type(), column) {
            (DataType::UInt8, Column::U8(v)) => Arc::new(UInt8Array::new(v.clone(), None)),
            (DataType::UInt16, Column::U16(v)) => Arc::new(UInt16Array::new(v.clone(), None)),
            (DataType::UInt32, Column::U32(v) | Column::V4(v)) => {
                Arc::new(UInt32Array::new(v.clone(), None))
            }
            (DataType::UInt64, Column::U64(v)) => Arc::new(UInt64Array::new(v.clone(), None)),
            (DataType::Timestamp(..), _) => {
                let times = rows.map(|row| i64::try_from(column.value(row)).unwrap_or(i64::MAX));
                let times = PrimitiveArray::<TimestampNanosecondType>::from_iter_values(times);
                Arc::new(times.with_timezone("UTC"))
            }
            (DataType::FixedSizeBinary(_), _) => {
                let octets: Vec<u8> =
                    rows.flat_map(|row| column.value(row).to_be_bytes()).collect();
                Arc::new(FixedSizeBinaryArray::new(16, Buffer::from_vec(octets), None))
            }
            (DataType::UInt8, _) => Arc::new(UInt8Array::from(vec![0; self.len()])),
            (DataType::UInt16, _) => Arc::new(UInt16Array::from(vec![0; self.len()])),
            (DataType::UInt32, _) => {
                Arc::new(UInt32Array::from_iter_values(rows.map(|row| column.value(row) as u32)))
            }
            _ => Arc::new(UInt64Array::from(vec![0; self.len()])),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, StringArray, TimestampMillisecondArray};

    use super::*;

    #[test]
    fn foreign_types_are_converted_and_misfits_counted() {
        let schema = Schema::new(vec![
            Field::new("timestamp", DataType::Timestamp(TimeUnit::Millisecond, None), false),
            Field::new("src_ip", DataType::Utf8, true),
            Field::new("dst_port", DataType::Int64, true),
            Field::new("length", DataType::Int64, true),
            Field::new("colour", DataType::Utf8, true),
        ]);
        let text = |a, b, c| -> ArrayRef { Arc::new(StringArray::from(vec![a, b, c])) };
        let ports = Int64Array::from(vec![Some(443), None, Some(70_000)]);
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(TimestampMillisecondArray::from(vec![1, 2, 3])),
            text(Some("10.0.0.1"), Some("2001:db8::1"), Some("x")),
            Arc::new(ports),
            Arc::new(Int64Array::from(vec![1, -1, 3])),
            text(None, None, None),
        ];
        let batch = RecordBatch::try_new(Arc::new(schema), arrays).unwrap();
        let (block, defects) = block(&batch, FlowColumns::ALL).unwrap();
        assert_eq!(defects, 3, "a port, a length and an address");
        assert!(block.is_wide());
        assert_eq!(block.value(FlowColumn::First, 1), 2_000_000);
        let ports = [0, 1, 2].map(|row| block.value(FlowColumn::DstPort, row));
        assert_eq!(ports, [443, 0, 0]);
        assert_eq!(block.value(FlowColumn::Bytes, 2), 3);
    }

    #[test]
    fn what_is_ours_is_shared_and_goes_back_unchanged() {
        let record = rheos_core::WideRecord { bytes: 7, first: 5, last: 9, ..Default::default() };
        let before = FlowBlock::from_wide(&[record, record]);
        for is_wide in [false, true] {
            let schema = schema_of(before.columns(), is_wide);
            let batch = before.to_batch(&schema);
            let (after, defects) = block(&batch, FlowColumns::ALL).unwrap();
            assert_eq!((defects, after.columns()), (0, before.columns()));
            for name in before.columns().iter() {
                assert_eq!(after.column(name), before.column(name), "{name}");
            }
        }
        let (Some(Column::U64(a)), batch) = (
            before.column(FlowColumn::Bytes),
            before.to_batch(&schema_of(FlowColumns::ALL, false)),
        ) else {
            panic!("64 bits")
        };
        let (after, _) = block(&batch, FlowColumns::of(&[FlowColumn::Bytes])).unwrap();
        let shared = after.u64s(FlowColumn::Bytes).map(<[u64]>::as_ptr);
        assert_eq!(shared, Some(a.as_ptr()));
    }
}
