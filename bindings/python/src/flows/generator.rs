//! The generator as Python drives it.

use std::ops::ControlFlow;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict, PyType};
use rheos_core::{FlowRecord, WideRecord};
use rheos_gen::flows::{Checkpoint, FlowGenerator};

use super::batch::{FlowBatch, Rows, needs};
use super::columns::{self, Columns, schema_of};
use super::memory::{Borrowed, Pool, Room};
use super::record::Record;
use super::stats::Stats;
use super::wide::Wide;
use super::{BLOCK, in_blocks, settings};
use crate::error;
use crate::rows::{Batch, of_arrow, schema_capsule, stream_capsule};

/// Records of a batch in an Arrow stream.
const STREAM_ROWS: usize = 1 << 16;

/// Most threads that fill one batch.
const THREADS_MAX: usize = 1024;
/// Wide records that a thread takes at once: about 1 MiB of them.
const WIDE_PART: usize = 1 << 13;

/// Makes flow records from a configuration.
///
/// Record `i` depends on the configuration, its seed and `i` only: any number of threads makes the same records, and
/// going to any of them costs nothing. Time is simulated, nothing waits. An object is for one thread at a time; `split()`
/// gives more of them.
///
/// >>> from rheos.flowgen import FlowGenerator
/// >>> generator = FlowGenerator()
/// >>> generator.initialize("example.yaml")
/// True
/// >>> flows = list(generator)
/// >>> len(flows), generator.flow_count, generator.is_done()
/// (100000, 100000, True)
/// >>> generator.seek(7)
/// >>> next(generator) == flows[7]
/// True
/// >>> generator.current_timestamp_ns == flows[8].timestamp
/// True
#[pyclass(module = "rheos.flowgen", name = "FlowGenerator")]
pub(crate) struct Generator {
    made: Option<FlowGenerator>,
    narrow: Pool<FlowRecord>,
    wide: Pool<WideRecord>,
}

impl Generator {
    /// What has been initialized.
    pub(super) fn ready(&mut self, py: Python<'_>) -> PyResult<&mut FlowGenerator> {
        self.made.as_mut().ok_or_else(|| not_ready(py))
    }

    fn look(&self, py: Python<'_>) -> PyResult<&FlowGenerator> {
        self.made.as_ref().ok_or_else(|| not_ready(py))
    }

    fn of(made: FlowGenerator) -> Self {
        Self { made: Some(made), narrow: Pool::default(), wide: Pool::default() }
    }
}

#[cold]
fn not_ready(py: Python<'_>) -> PyErr {
    let hint = "call `initialize(path)`, or use `FlowGenerator.from_config(...)`";
    error::flows(py, "the generator has no configuration yet", Some(hint.to_owned()))
}

#[cold]
fn too_wide(py: Python<'_>) -> PyErr {
    let hint = "use an array of `rheos.flowgen.WIDE_DTYPE`";
    let message =
        "records of 32 bytes do not hold IPv6 addresses, or flows of models of a real network";
    error::flows(py, message, Some(hint.to_owned()))
}

/// At most so many of the records that are left.
fn at_most(made: &FlowGenerator, count: usize) -> usize {
    usize::try_from(made.remaining()).map_or(count, |left| left.min(count))
}

#[pymethods]
impl Generator {
    /// Without a configuration; `initialize` gives it one.
    #[new]
    fn new() -> Self {
        Self { made: None, narrow: Pool::default(), wide: Pool::default() }
    }

    /// Reads and checks a configuration, and begins with its first record. Always True; what is wrong is raised.
    ///
    /// The configuration is a path, a text, a dictionary, a `GeneratorConfig` or a `FlowGenConfig`. `seed` goes before the
    /// configuration's own; `format` ('yaml', 'json', 'toml') before what the ending or the text tells; `variables` fill
    /// `${NAME}`.
    #[pyo3(signature = (config_path, *, seed=None, format=None, variables=None))]
    fn initialize(
        &mut self,
        config_path: &Bound<'_, PyAny>,
        seed: Option<u64>,
        format: Option<&str>,
        variables: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<bool> {
        let py = config_path.py();
        let mut config = settings::read(config_path, format, variables)?;
        config.seed = seed.unwrap_or(config.seed);
        let plan = config.plan().map_err(|error| error::flow_config(py, &error))?;
        self.made = Some(FlowGenerator::new(plan));
        Ok(true)
    }

    /// A generator of this configuration; arguments are those of `initialize`.
    #[classmethod]
    #[pyo3(signature = (config, *, seed=None, format=None, variables=None))]
    fn from_config<'py>(
        class: &Bound<'py, PyType>,
        config: &Bound<'py, PyAny>,
        seed: Option<u64>,
        format: Option<&str>,
        variables: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let new = class.call0()?;
        let generator = new.cast::<Self>()?;
        generator.borrow_mut().initialize(config, seed, format, variables)?;
        Ok(new)
    }

    /// The generator itself.
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    /// The next record: a `FlowRecord`, or a `WideRecord` where the configuration has IPv6 subnets or models of a real
    /// network.
    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(record) = self.made.as_mut().and_then(Iterator::next) {
            return Record(record).into_bound_py_any(py).map(Some);
        }
        // Told apart only here, at the end.
        let made = self.ready(py)?;
        let mut one = [WideRecord::default()];
        if made.is_narrow() || made.fill_wide(&mut one) == 0 {
            return Ok(None);
        }
        let [record] = one;
        Wide(record).into_bound_py_any(py).map(Some)
    }

    /// How many records are left, for `list()` to make room; 0 where there is no limit.
    fn __length_hint__(&self) -> usize {
        let left = self.made.as_ref().map_or(0, FlowGenerator::remaining);
        usize::try_from(left).ok().filter(|&left| left < 1 << 32).unwrap_or(0)
    }

    /// Whether the limits are reached.
    fn is_done(&self, py: Python<'_>) -> PyResult<bool> {
        self.look(py).map(FlowGenerator::is_done)
    }

    /// Back to the first record: the same records again.
    fn reset(&mut self, py: Python<'_>) -> PyResult<()> {
        self.ready(py).map(FlowGenerator::reset)
    }

    /// What has been made so far.
    fn get_stats(&self, py: Python<'_>) -> PyResult<Stats> {
        self.look(py).map(Stats::new)
    }

    /// How many records have been given: the index of the next.
    #[getter]
    fn flow_count(&self) -> u64 {
        self.made.as_ref().map_or(0, FlowGenerator::index)
    }

    /// How many records are left before the limits; None where there is no limit but the end of time.
    #[getter]
    fn remaining(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        let made = self.look(py)?;
        // Without a limit they go on to the last moment of 64 bits; that is no number that anyone has asked for.
        Ok(made.plan().count().is_some().then(|| made.remaining()))
    }

    /// The moment of the next record in nanoseconds since the Unix epoch.
    #[getter]
    fn current_timestamp_ns(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(self.look(py)?.stats().current.as_nanos())
    }

    /// The moment of the next record in seconds since the Unix epoch. A float holds 53 bits: it is rounded, today to
    /// about 200 ns; `current_timestamp_ns` is exact.
    #[getter]
    fn current_timestamp(&self, py: Python<'_>) -> PyResult<f64> {
        Ok(self.look(py)?.stats().current.as_secs_f64())
    }

    /// Goes to record `index`, or to the end if that is earlier; costs nothing.
    fn seek(&mut self, py: Python<'_>, index: u64) -> PyResult<()> {
        self.ready(py).map(|made| made.seek(index))
    }

    /// Where it stands, in 32 bytes: for `restore`, here or elsewhere.
    fn checkpoint<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.look(py)?.checkpoint().to_bytes()))
    }

    /// Goes on from a checkpoint of the same configuration and seed.
    fn restore(&mut self, py: Python<'_>, checkpoint: &[u8]) -> PyResult<()> {
        let made = self.ready(py)?;
        let restored = Checkpoint::from_bytes(checkpoint).and_then(|found| made.restore(found));
        restored.map_err(|error| error::flow_config(py, &error))
    }

    /// `parts` generators for the records that are left, one run after the other, about equally long.
    fn split(&self, py: Python<'_>, parts: u32) -> PyResult<Vec<Self>> {
        if !(1..=PARTS_MAX).contains(&parts) {
            let message = format!("cannot split into {parts} parts");
            return Err(error::flows(py, &message, Some(format!("use 1 to {PARTS_MAX}"))));
        }
        Ok(self.look(py)?.split(parts).into_iter().map(Self::of).collect())
    }

    /// A generator that stands at the same record.
    fn copy(&self, py: Python<'_>) -> PyResult<Self> {
        self.look(py).cloned().map(Self::of)
    }

    /// The next `count` records in one piece of memory; fewer only at the end. Made on up to `threads` threads: the same
    /// records for any number.
    #[pyo3(signature = (count, *, threads=1))]
    fn next_batch(&mut self, py: Python<'_>, count: usize, threads: usize) -> PyResult<FlowBatch> {
        let (narrow, wide) = (self.narrow.clone(), self.wide.clone());
        let made = self.ready(py)?;
        let count = at_most(made, count);
        let from = made.index();
        let filled = if made.is_narrow() {
            let mut records = narrow.room(count).ok_or_else(|| error::memory(count))?;
            blocks_of(py, records.as_mut_slice(), |part| made.fill_parallel(part, threads)).map(
                |filled| {
                    records.truncate(filled);
                    Rows::Narrow(records)
                },
            )
        } else {
            let mut records = wide.room(count).ok_or_else(|| error::memory(count))?;
            blocks_of(py, records.as_mut_slice(), |part| fill_wide(made, part, threads)).map(
                |filled| {
                    records.truncate(filled);
                    Rows::Wide(records)
                },
            )
        };
        // What an interrupt leaves is not lost.
        filled.map(FlowBatch).inspect_err(|_| made.seek(from))
    }

    /// Batches of `count` records up to the limits: `for batch in generator.batches(65536)`.
    #[pyo3(signature = (count=65536, *, threads=1))]
    fn batches(this: Bound<'_, Self>, count: usize, threads: usize) -> PyResult<Bound<'_, PyAny>> {
        let py = this.py();
        if count == 0 {
            let hint = Some("use 1 or more".to_owned());
            return Err(error::flows(py, "a batch of 0 records has no end", hint));
        }
        this.borrow().look(py)?;
        py.import("rheos.flowgen")?.getattr("_batches")?.call1((this, count, threads))
    }

    /// Fills memory with the next records and says how many: a NumPy array of `RECORD_DTYPE` (or `WIDE_DTYPE`, for
    /// IPv6, too), a bytearray, or anything else that lends memory for writing. Fewer than there is room for only at the
    /// end.
    #[pyo3(signature = (buffer, *, threads=1))]
    fn fill(
        &mut self,
        py: Python<'_>,
        buffer: &Bound<'_, PyAny>,
        threads: usize,
    ) -> PyResult<usize> {
        let made = self.ready(py)?;
        let mut borrowed = Borrowed::new(buffer)?;
        let from = made.index();
        let filled = match borrowed.room() {
            Room::Narrow(_) if !made.is_narrow() => Err(too_wide(py)),
            Room::Narrow(out) => blocks_of(py, out, |part| made.fill_parallel(part, threads)),
            Room::Wide(out) => blocks_of(py, out, |part| fill_wide(made, part, threads)),
        };
        filled.inspect_err(|_| made.seek(from))
    }

    /// The next `count` records as Arrow columns: a `rheos.Batch`, for pyarrow, pandas and polars without a copy.
    fn next_columns<'py>(&mut self, py: Python<'py>, count: usize) -> PyResult<Bound<'py, PyAny>> {
        let made = self.ready(py)?;
        let count = at_most(made, count);
        let from = made.index();
        let batch = columns_of(py, made, count).inspect_err(|_| made.seek(from))?;
        let batch = Batch(batch);
        py.import("rheos")?.getattr("Batch")?.call1((batch,))
    }

    /// The next `count` records as a `pyarrow.RecordBatch`.
    fn to_arrow<'py>(&mut self, py: Python<'py>, count: usize) -> PyResult<Bound<'py, PyAny>> {
        needs(py, "pyarrow", "to_arrow()")?;
        self.next_columns(py, count)?.call_method0("to_arrow")
    }

    /// The records that are left as an Arrow C stream, by the PyCapsule interface: `polars.DataFrame(generator)`. The
    /// generator itself stays where it is.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &mut self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let mut made = self.ready(py)?.clone();
        let schema = schema_of(made.is_narrow());
        if made.plan().count().is_none() {
            let hint = "set `max_flows`, or take so many with `to_arrow(count)`".to_owned();
            return Err(error::flows(
                py,
                "the configuration sets no end to this stream",
                Some(hint),
            ));
        }
        let batches = std::iter::from_fn(move || {
            let count = at_most(&made, STREAM_ROWS);
            if count == 0 {
                return None;
            }
            Some(block_of_columns(&mut made, count))
        });
        stream_capsule(py, schema, batches)
    }

    /// The schema of the columns, by the Arrow PyCapsule interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, schema_of(self.look(py)?.is_narrow()))
    }

    fn __repr__(&self) -> String {
        match &self.made {
            None => "<rheos.flowgen.FlowGenerator: no configuration yet>".to_owned(),
            Some(made) => format!("<rheos.flowgen.FlowGenerator: at record {}>", made.index()),
        }
    }
}

/// Most parts of a split.
const PARTS_MAX: u32 = 1 << 16;

/// Fills memory block after block; how many records.
fn blocks_of<T: Send>(
    py: Python<'_>,
    out: &mut [T],
    mut fill: impl FnMut(&mut [T]) -> usize + Send,
) -> PyResult<usize> {
    let mut rest = out;
    in_blocks(py, |_| {
        let whole = std::mem::take(&mut rest);
        let (part, behind) = whole.split_at_mut(whole.len().min(BLOCK));
        rest = behind;
        match fill(part) {
            0 => ControlFlow::Break(()),
            count => ControlFlow::Continue(count),
        }
    })
}

/// Wide records on up to `threads` threads: the same in the same places.
fn fill_wide(made: &mut FlowGenerator, out: &mut [WideRecord], threads: usize) -> usize {
    let parts = threads.clamp(1, THREADS_MAX).min(out.len().div_ceil(WIDE_PART));
    if parts <= 1 {
        return made.fill_wide(out);
    }
    let (from, count) = (made.index(), at_most(made, out.len()));
    let part = out.len().div_ceil(parts);
    let out = out.get_mut(..count).unwrap_or_default();
    std::thread::scope(|scope| {
        for (start, part_out) in (from..).step_by(part).zip(out.chunks_mut(part)) {
            let mut own = made.clone();
            scope.spawn(move || {
                own.seek(start);
                own.fill_wide(part_out)
            });
        }
    });
    made.seek(from + count as u64);
    count
}

/// The next `count` records as columns, of which there are that many.
fn columns_of(py: Python<'_>, made: &mut FlowGenerator, count: usize) -> PyResult<RecordBatch> {
    if !made.is_narrow() {
        let mut records = Pool::default().room(count).ok_or_else(|| error::memory(count))?;
        blocks_of(py, records.as_mut_slice(), |part| made.fill_wide(part))?;
        return py.detach(|| columns::of_wide(records.as_slice())).map_err(of_arrow);
    }
    let mut columns = Columns::new(count).ok_or_else(|| error::memory(count))?;
    in_blocks(py, |done| {
        let to = count.min(done + BLOCK);
        if done == to {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(columns.fill(made, done, to))
    })?;
    columns.batch().map_err(of_arrow)
}

/// As [`columns_of`], for a consumer that is no Python.
fn block_of_columns(made: &mut FlowGenerator, count: usize) -> Result<RecordBatch, ArrowError> {
    let memory = || ArrowError::MemoryError("flow records".to_owned());
    if made.is_narrow() {
        let mut columns = Columns::new(count).ok_or_else(memory)?;
        columns.fill(made, 0, count);
        columns.batch()
    } else {
        let mut records = Pool::default().room(count).ok_or_else(memory)?;
        made.fill_wide(records.as_mut_slice());
        columns::of_wide(records.as_slice())
    }
}
