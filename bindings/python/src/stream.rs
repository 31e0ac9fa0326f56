//! Rows as they come, and all of them at once.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};
use rheos_capture::{CaptureReader, Input};
use rheos_features::RowShape;

use crate::error::{self, RheosError};
use crate::options::Plan;
use crate::rows::{Batch, Rows, schema_capsule, stream_capsule, summary};
use crate::run::Run;

/// What to read and what to tell of it.
struct Order {
    run: Run,
    schema: SchemaRef,
}

impl Order {
    fn new(
        paths: Vec<PathBuf>,
        profile: &str,
        groups: &[String],
        columns: &[String],
        exclude: &[String],
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let shape = RowShape::combined(profile, groups, columns, exclude);
        let shape = shape.map_err(|error| error::features(&error))?;
        let plan = Plan::new(shape, options)?;
        let schema = plan.shape.schema();
        let inputs = paths.into_iter().map(Input::Path);
        let reader = CaptureReader::open(inputs, plan.read.clone())
            .map_err(|error| error::capture(&error))?;
        Ok(Self { run: Run::start(plan, reader)?, schema })
    }
}

/// Rows of captures as they come: an iterator over [`Batch`], or an Arrow C stream.
///
/// Memory stays flat however long the captures are.
#[pyclass(frozen, module = "rheos")]
pub(crate) struct Stream {
    run: Arc<Mutex<Run>>,
    schema: SchemaRef,
}

/// The next rows of a shared run.
fn next_of(run: &Mutex<Run>, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
    // A poisoned lock is that of a run which is over.
    run.lock().unwrap_or_else(PoisonError::into_inner).next(py)
}

#[pymethods]
impl Stream {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Batch>> {
        Ok(next_of(&self.run, py)?.map(Batch))
    }

    /// The stream itself.
    fn __enter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    /// Ends the run, as `close`.
    #[pyo3(signature = (*_args))]
    fn __exit__(&self, py: Python<'_>, _args: &Bound<'_, PyAny>) {
        self.close(py);
    }

    /// Ends the run; what was not taken is lost.
    fn close(&self, py: Python<'_>) {
        self.run.lock().unwrap_or_else(PoisonError::into_inner).close(py);
    }

    /// Names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The accounts of the run once all rows were taken, else None.
    #[getter]
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        run.outcome.as_ref().map(|outcome| summary(py, outcome)).transpose()
    }

    /// Where captures were damaged, in words, once all rows were taken.
    #[getter]
    fn damage(&self) -> Vec<String> {
        let run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        run.outcome.as_ref().map(|outcome| outcome.damage.clone()).unwrap_or_default()
    }

    /// (bytes read, bytes of all captures or None, packets read) so far.
    #[getter]
    fn progress(&self) -> (u64, Option<u64>, u64) {
        let run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        let (bytes, frames) = run.course.so_far();
        (bytes, run.bytes_total, frames)
    }

    /// The rows that are left as an Arrow C stream, by the PyCapsule interface.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let run = Arc::clone(&self.run);
        let rows = std::iter::from_fn(move || {
            Python::attach(|py| next_of(&run, py))
                .map_err(|error| ArrowError::ExternalError(error.to_string().into()))
                .transpose()
        });
        stream_capsule(py, &self.schema, rows)
    }

    /// The schema, by the Arrow PyCapsule interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.schema)
    }

    fn __repr__(&self) -> String {
        let state = match self.run.lock() {
            Ok(run) if run.is_closed() => "closed",
            _ => "open",
        };
        format!("<rheos.Stream: {} columns, {state}>", self.schema.fields().len())
    }
}

/// Rows of captures as they come.
#[pyfunction]
#[pyo3(signature = (paths, profile, groups, columns, exclude, options=None))]
pub(crate) fn stream(
    paths: Vec<PathBuf>,
    profile: &str,
    groups: Vec<String>,
    columns: Vec<String>,
    exclude: Vec<String>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Stream> {
    let order = Order::new(paths, profile, &groups, &columns, &exclude, options)?;
    Ok(Stream { run: Arc::new(Mutex::new(order.run)), schema: order.schema })
}

/// All rows of captures. `progress` is called with (bytes read, bytes of all captures or None, packets read).
#[pyfunction]
#[pyo3(signature = (paths, profile, groups, columns, exclude, options=None, progress=None))]
#[allow(clippy::too_many_arguments, reason = "the Python function in front of it has them by name")]
pub(crate) fn extract(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    profile: &str,
    groups: Vec<String>,
    columns: Vec<String>,
    exclude: Vec<String>,
    options: Option<&Bound<'_, PyDict>>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Rows> {
    let Order { mut run, schema } =
        Order::new(paths, profile, &groups, &columns, &exclude, options)?;
    let total = run.bytes_total;
    let mut batches = Vec::new();
    let mut told = None;
    while let Some(rows) = run.next_with(py, |course| {
        let (bytes, frames) = course.so_far();
        if let Some(progress) = &progress
            && told != Some(bytes)
        {
            told = Some(bytes);
            progress.call1(py, (bytes, total, frames))?;
        }
        Ok(())
    })? {
        batches.push(rows);
    }
    let outcome = run.outcome.take();
    let outcome = outcome.ok_or_else(|| RheosError::new_err("the run was closed"))?;
    Ok(Rows { schema, batches, outcome })
}
