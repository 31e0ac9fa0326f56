//! Rows as Python sees them: one batch, or all of a run.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::types::{
    Float64Type, Int64Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch, RecordBatchIterator, StructArray};
use arrow_schema::{ArrowError, DataType, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyCapsule, PyDict};

use crate::error::RheosError;
use crate::run::Outcome;

/// An Arrow error is a defect of ours, or a shortage.
pub(crate) fn of_arrow(error: ArrowError) -> PyErr {
    RheosError::new_err(error.to_string())
}

/// Hands batches over as an Arrow C stream, without a copy.
pub(crate) fn stream_capsule<'py>(
    py: Python<'py>,
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send + 'static,
) -> PyResult<Bound<'py, PyCapsule>> {
    let reader = RecordBatchIterator::new(batches, Arc::clone(schema));
    let stream = FFI_ArrowArrayStream::new(Box::new(reader));
    PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
}

/// Hands a schema over.
pub(crate) fn schema_capsule<'py>(
    py: Python<'py>,
    schema: &SchemaRef,
) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema.as_ref()).map_err(of_arrow)?;
    PyCapsule::new_with_value(py, schema, c"arrow_schema")
}

/// A record batch, for whatever takes Arrow by the PyCapsule interface.
#[pyclass(frozen, module = "rheos")]
pub(crate) struct Batch(pub(crate) RecordBatch);

#[pymethods]
impl Batch {
    /// Number of rows.
    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    /// Number of rows.
    #[getter]
    fn num_rows(&self) -> usize {
        self.0.num_rows()
    }

    /// Names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        names(&self.0.schema())
    }

    /// Schema and rows, by the Arrow PyCapsule interface.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // The interface lets a producer keep its own types.
        let _ = requested_schema;
        let rows = StructArray::from(self.0.clone()).into_data();
        let array = PyCapsule::new_with_value(py, FFI_ArrowArray::new(&rows), c"arrow_array")?;
        Ok((schema_capsule(py, &self.0.schema())?, array))
    }

    /// The schema, by the Arrow PyCapsule interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.0.schema())
    }

    /// The numeric columns; see [`Rows::numeric`].
    fn numeric<'py>(&self, py: Python<'py>) -> PyResult<(Vec<String>, Bound<'py, PyByteArray>)> {
        numeric(py, &self.0.schema(), std::slice::from_ref(&self.0))
    }

    fn __repr__(&self) -> String {
        format!("<rheos.Batch: {} rows, {} columns>", self.0.num_rows(), self.0.num_columns())
    }
}

/// All rows of a run.
#[pyclass(frozen, module = "rheos")]
pub(crate) struct Rows {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) outcome: Outcome,
}

#[pymethods]
impl Rows {
    /// Number of rows.
    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Number of rows.
    #[getter]
    fn num_rows(&self) -> usize {
        self.__len__()
    }

    /// Names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        names(&self.schema)
    }

    /// The batches the rows came in.
    fn batches(&self) -> Vec<Batch> {
        self.batches.iter().cloned().map(Batch).collect()
    }

    /// The accounts of the run.
    #[getter]
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        summary(py, &self.outcome)
    }

    /// Where captures were damaged, in words; empty when all is well.
    #[getter]
    fn damage(&self) -> Vec<String> {
        self.outcome.damage.clone()
    }

    /// The rows as an Arrow C stream, by the PyCapsule interface.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        stream_capsule(py, &self.schema, self.batches.clone().into_iter().map(Ok))
    }

    /// The schema, by the Arrow PyCapsule interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.schema)
    }

    /// Names of the numeric columns, and their values as doubles, column after column; null is NaN, true 1, false 0, and
    /// times are seconds since the epoch.
    fn numeric<'py>(&self, py: Python<'py>) -> PyResult<(Vec<String>, Bound<'py, PyByteArray>)> {
        numeric(py, &self.schema, &self.batches)
    }

    fn __repr__(&self) -> String {
        format!("<rheos.Rows: {} rows, {} columns>", self.__len__(), self.schema.fields().len())
    }
}

fn names(schema: &SchemaRef) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

/// The accounts as a dictionary of numbers.
pub(crate) fn summary<'py>(py: Python<'py>, outcome: &Outcome) -> PyResult<Bound<'py, PyDict>> {
    let summary = &outcome.summary;
    let accounts = PyDict::new(py);
    accounts.set_item("frames", summary.ingest.frames)?;
    accounts.set_item("packets", summary.ingest.packets)?;
    accounts.set_item("absorbed", summary.ingest.absorbed)?;
    accounts.set_item("captured_bytes", summary.ingest.captured_bytes)?;
    accounts.set_item("wire_bytes", summary.ingest.wire_bytes)?;
    accounts.set_item("rows", summary.rows)?;
    let drops = PyDict::new(py);
    for (reason, count) in summary.ingest.drops.iter().filter(|&(_, count)| count > 0) {
        drops.set_item(reason.label(), count)?;
    }
    accounts.set_item("drops", drops)?;
    Ok(accounts)
}

fn is_numeric(kind: &DataType) -> bool {
    kind.is_numeric() || matches!(kind, DataType::Boolean | DataType::Timestamp(_, _))
}

fn numeric<'py>(
    py: Python<'py>,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> PyResult<(Vec<String>, Bound<'py, PyByteArray>)> {
    let fields = schema.fields().iter().enumerate();
    let chosen: Vec<(usize, String)> = fields
        .filter(|(_, field)| is_numeric(field.data_type()))
        .map(|(column, field)| (column, field.name().clone()))
        .collect();
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let values = PyByteArray::new_with(py, rows * chosen.len() * size_of::<f64>(), |bytes| {
        let mut places = bytes.chunks_exact_mut(size_of::<f64>());
        for (column, _) in &chosen {
            for batch in batches {
                let column = batch.column(*column);
                for (value, place) in doubles(column.as_ref()).zip(&mut places) {
                    place.copy_from_slice(&value.to_ne_bytes());
                }
            }
        }
        Ok(())
    })?;
    Ok((chosen.into_iter().map(|(_, name)| name).collect(), values))
}

/// A numeric column's values, null as NaN.
fn doubles(column: &dyn Array) -> Box<dyn Iterator<Item = f64> + '_> {
    macro_rules! of {
        ($type:ty, $value:ident => $double:expr) => {
            Box::new(
                column
                    .as_primitive::<$type>()
                    .iter()
                    .map(|value| value.map_or(f64::NAN, |$value| $double)),
            )
        };
    }
    match column.data_type() {
        DataType::UInt8 => of!(UInt8Type, value => f64::from(value)),
        DataType::UInt16 => of!(UInt16Type, value => f64::from(value)),
        DataType::UInt32 => of!(UInt32Type, value => f64::from(value)),
        DataType::UInt64 => of!(UInt64Type, value => value as f64),
        DataType::Int64 => of!(Int64Type, value => value as f64),
        DataType::Float64 => of!(Float64Type, value => value),
        DataType::Timestamp(_, _) => of!(TimestampNanosecondType, value => value as f64 / 1e9),
        DataType::Boolean => Box::new(column.as_boolean().iter().map(|value| match value {
            Some(value) => f64::from(u8::from(value)),
            None => f64::NAN,
        })),
        _ => Box::new(std::iter::repeat_n(f64::NAN, column.len())),
    }
}
