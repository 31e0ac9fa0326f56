//! Many records in one piece of memory, for NumPy, Arrow and whatever reads buffers.

use std::ffi::c_int;

use arrow_array::ffi::FFI_ArrowArray;
use arrow_array::{Array, StructArray};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyImportError, PyIndexError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};
use rheos_core::{FlowRecord, WideRecord};

use super::columns;
use super::memory::{self, Records};
use super::record::Record;
use super::wide::Wide;
use crate::rows::{of_arrow, schema_capsule};

/// Records in one piece of memory, for reading: 32 bytes each, or 96 where the configuration has IPv6 subnets or models
/// of a real network.
///
/// NumPy, `memoryview` and others see it by the buffer protocol without a copy; the memory lives as long as any of them
/// needs it. Arrow, pandas and polars get columns.
///
/// >>> from rheos.flowgen import FlowGenerator
/// >>> batch = FlowGenerator.from_config("example.yaml", seed=42).next_batch(1000)
/// >>> len(batch), memoryview(batch).nbytes
/// (1000, 32000)
/// >>> batch[0]
/// FlowRecord(192.168.1.14:57284 -> 172.23.229.208:443, proto=6, len=1469B, ts=1704067200000000000)
/// >>> batch.to_numpy().dtype.itemsize
/// 32
/// >>> batch.to_arrow().num_columns
/// 10
#[pyclass(frozen, sequence, module = "rheos.flowgen")]
pub(crate) struct FlowBatch(pub(super) Rows);

/// Records of a batch.
pub(super) enum Rows {
    Narrow(Records<FlowRecord>),
    Wide(Records<WideRecord>),
}

impl FlowBatch {
    /// The records of 32 bytes, if it is those that it holds.
    pub(super) fn narrow(&self) -> Option<&[FlowRecord]> {
        match &self.0 {
            Rows::Narrow(records) => Some(records.as_slice()),
            Rows::Wide(_) => None,
        }
    }

    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Rows::Narrow(records) => bytemuck::cast_slice(records.as_slice()),
            Rows::Wide(records) => bytemuck::cast_slice(records.as_slice()),
        }
    }
}

/// A module of Python's, or an error that says how to get it.
pub(super) fn needs<'py>(
    py: Python<'py>,
    module: &str,
    what: &str,
) -> PyResult<Bound<'py, PyModule>> {
    py.import(module).map_err(|cause| {
        let error =
            PyImportError::new_err(format!("{what} needs {module}: `pip install {module}`"));
        error.set_cause(py, Some(cause));
        error
    })
}

#[pymethods]
impl FlowBatch {
    /// Number of records.
    fn __len__(&self) -> usize {
        match &self.0 {
            Rows::Narrow(records) => records.as_slice().len(),
            Rows::Wide(records) => records.as_slice().len(),
        }
    }

    /// A record by its place; negative places count from the end.
    fn __getitem__<'py>(&self, py: Python<'py>, place: isize) -> PyResult<Bound<'py, PyAny>> {
        let from_start = if place < 0 { place + self.__len__().cast_signed() } else { place };
        let at = usize::try_from(from_start).unwrap_or(usize::MAX);
        let found = match &self.0 {
            Rows::Narrow(records) => {
                let record = records.as_slice().get(at);
                record.map(|&record| Record(record).into_bound_py_any(py))
            }
            Rows::Wide(records) => {
                let record = records.as_slice().get(at);
                record.map(|&record| Wide(record).into_bound_py_any(py))
            }
        };
        found.unwrap_or_else(|| {
            let message = format!("record {place} of {} does not exist", self.__len__());
            Err(PyIndexError::new_err(message))
        })
    }

    /// The memory itself, for reading.
    #[allow(unsafe_code, reason = "the buffer protocol is one of pointers")]
    unsafe fn __getbuffer__(
        this: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let owner = this.clone().into_any();
        match &this.get().0 {
            // SAFETY: Python gives the view; the records are those of this frozen object, which the view keeps alive.
            Rows::Narrow(r) => unsafe { memory::lend(owner, r.as_slice(), view, flags) },
            // SAFETY: as above.
            Rows::Wide(r) => unsafe { memory::lend(owner, r.as_slice(), view, flags) },
        }
    }

    #[allow(unsafe_code, reason = "the buffer protocol is one of pointers")]
    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: Python gives back a view that `__getbuffer__` has filled.
        unsafe { memory::give_back(view) }
    }

    /// The records as bytes, a copy.
    fn tobytes<'py>(&self, py: Python<'py>) -> Bound<'py, pyo3::types::PyBytes> {
        pyo3::types::PyBytes::new(py, self.bytes())
    }

    /// A structured NumPy array of `RECORD_DTYPE` (or `WIDE_DTYPE`) over the same memory, for reading.
    fn to_numpy(this: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        let py = this.py();
        let numpy = needs(py, "numpy", "to_numpy()")?;
        let dtype = match &this.get().0 {
            Rows::Narrow(_) => "RECORD_DTYPE",
            Rows::Wide(_) => "WIDE_DTYPE",
        };
        let dtype = py.import("rheos.flowgen")?.getattr(dtype)?;
        if this.get().bytes().is_empty() {
            return numpy.call_method1("empty", (0, dtype));
        }
        numpy.call_method1("frombuffer", (this, dtype))
    }

    /// The records as a `pyarrow.RecordBatch`.
    fn to_arrow(this: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        needs(this.py(), "pyarrow", "to_arrow()")?.call_method1("record_batch", (this,))
    }

    /// The records as a `pandas.DataFrame`; options are those of `pyarrow.RecordBatch.to_pandas`.
    #[pyo3(signature = (**options))]
    fn to_pandas<'py>(
        this: Bound<'py, Self>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        needs(this.py(), "pandas", "to_pandas()")?;
        Self::to_arrow(this)?.call_method("to_pandas", (), options)
    }

    /// The records as a `polars.DataFrame`.
    fn to_polars(this: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        needs(this.py(), "polars", "to_polars()")?.call_method1("DataFrame", (this,))
    }

    /// Schema and columns, by the Arrow PyCapsule interface.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // The interface lets a producer keep its own types.
        let _ = requested_schema;
        let batch = py.detach(|| match &self.0 {
            Rows::Narrow(records) => columns::of_records(records.as_slice()),
            Rows::Wide(records) => columns::of_wide(records.as_slice()),
        });
        let batch = batch.map_err(of_arrow)?;
        let schema = batch.schema();
        let rows = StructArray::from(batch).into_data();
        let array = PyCapsule::new_with_value(py, FFI_ArrowArray::new(&rows), c"arrow_array")?;
        Ok((schema_capsule(py, &schema)?, array))
    }

    /// The schema, by the Arrow PyCapsule interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, columns::schema_of(self.narrow().is_some()))
    }

    fn __repr__(&self) -> String {
        format!("<rheos.flowgen.FlowBatch: {} records>", self.__len__())
    }
}
