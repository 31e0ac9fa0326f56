//! Rows of any columns as a table for people.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampNanosecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use rheos_core::Timestamp;
use rheos_core::units::human;
use serde_json::Value;

use crate::table::{Align, Cell, Table};

/// Gathers batches.
#[derive(Debug, Default)]
pub(crate) struct RowTable {
    table: Option<Table>,
    rows: usize,
}

impl RowTable {
    /// Adds the rows of a batch; all have the same columns.
    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        let table = self.table.get_or_insert_with(|| {
            let schema = batch.schema();
            let column = |field: &std::sync::Arc<arrow_schema::Field>| {
                let is_number = field.data_type().is_numeric();
                let align = if is_number { Align::Right } else { Align::Left };
                (field.name().clone(), align)
            };
            Table::with_columns(schema.fields().iter().map(column).collect())
        });
        for row in 0..batch.num_rows() {
            table.row(batch.columns().iter().map(|column| cell(column.as_ref(), row)));
        }
        self.rows += batch.num_rows();
    }

    /// How many rows there are.
    pub(crate) const fn len(&self) -> usize {
        self.rows
    }

    /// The table of all batches.
    pub(crate) fn into_table(self) -> Table {
        self.table.unwrap_or_default()
    }
}

/// With three decimals for people, unless they would hide it.
fn real(value: f64) -> Cell {
    let cell = Cell::from(value);
    let is_seen = value == 0.0 || (0.001..1e15).contains(&value.abs());
    if is_seen { cell.shown(format!("{value:.3}")) } else { cell }
}

/// A value as programs have it, and times as people read them.
fn cell(column: &dyn Array, row: usize) -> Cell {
    if column.is_null(row) {
        return Cell::from(Value::Null);
    }
    match column.data_type() {
        DataType::Boolean => Cell::from(column.as_boolean().value(row)),
        DataType::Int8 => Cell::from(column.as_primitive::<Int8Type>().value(row)),
        DataType::Int16 => Cell::from(column.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => Cell::from(column.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => Cell::from(column.as_primitive::<Int64Type>().value(row)),
        DataType::UInt8 => Cell::from(column.as_primitive::<UInt8Type>().value(row)),
        DataType::UInt16 => Cell::from(column.as_primitive::<UInt16Type>().value(row)),
        DataType::UInt32 => Cell::from(column.as_primitive::<UInt32Type>().value(row)),
        DataType::UInt64 => Cell::from(column.as_primitive::<UInt64Type>().value(row)),
        DataType::Float32 => real(column.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => real(column.as_primitive::<Float64Type>().value(row)),
        DataType::Timestamp(..) => {
            let nanos = column.as_primitive::<TimestampNanosecondType>().value(row);
            let time = u64::try_from(nanos).map(Timestamp::from_nanos);
            let shown = time.map_or_else(|_| nanos.to_string(), |t| human::rfc3339(t).to_string());
            Cell::from(nanos).shown(shown)
        }
        _ => Cell::from(column.as_string::<i32>().value(row)),
    }
}
