//! What a generator has made so far, as attributes and as a dictionary.

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator};
use rheos_gen::flows::FlowGenerator;

/// What a generator has made so far. Attributes are keys, too: `stats["flows_generated"]`, `dict(stats)`.
#[pyclass(frozen, module = "rheos.flowgen", name = "GeneratorStats")]
pub(crate) struct Stats {
    /// Records so far.
    #[pyo3(get)]
    flows_generated: u64,
    /// Simulated seconds from the start to the next record.
    #[pyo3(get)]
    elapsed_time_seconds: f64,
    /// Records per simulated second; before the first record, those that the configuration asks for.
    #[pyo3(get)]
    flows_per_second: f64,
    /// The moment of the next record in seconds since the Unix epoch: rounded, see `current_timestamp_ns`.
    #[pyo3(get)]
    current_timestamp: f64,
    /// The moment of the first record in seconds since the Unix epoch: rounded, see `start_timestamp_ns`.
    #[pyo3(get)]
    start_timestamp: f64,
    /// The moment of the next record in nanoseconds since the Unix epoch.
    #[pyo3(get)]
    current_timestamp_ns: u64,
    /// The moment of the first record in nanoseconds since the Unix epoch.
    #[pyo3(get)]
    start_timestamp_ns: u64,
    /// Mean length in bytes of all records that the configuration makes.
    #[pyo3(get)]
    mean_packet_length: f64,
}

impl Stats {
    pub(crate) fn new(made: &FlowGenerator) -> Self {
        let (stats, plan) = (made.stats(), made.plan());
        let start = plan.start();
        let rate = if stats.flows == 0 { plan.flows_per_second() } else { stats.flows_per_second };
        Self {
            flows_generated: stats.flows,
            elapsed_time_seconds: stats.elapsed.as_secs_f64(),
            flows_per_second: rate,
            current_timestamp: stats.current.as_secs_f64(),
            start_timestamp: start.as_secs_f64(),
            current_timestamp_ns: stats.current.as_nanos(),
            start_timestamp_ns: start.as_nanos(),
            mean_packet_length: plan.mean_size(),
        }
    }

    /// As a dictionary, in order.
    fn dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("flows_generated", self.flows_generated)?;
        dict.set_item("elapsed_time_seconds", self.elapsed_time_seconds)?;
        dict.set_item("flows_per_second", self.flows_per_second)?;
        dict.set_item("current_timestamp", self.current_timestamp)?;
        dict.set_item("start_timestamp", self.start_timestamp)?;
        dict.set_item("current_timestamp_ns", self.current_timestamp_ns)?;
        dict.set_item("start_timestamp_ns", self.start_timestamp_ns)?;
        dict.set_item("mean_packet_length", self.mean_packet_length)?;
        Ok(dict)
    }
}

#[pymethods]
impl Stats {
    /// The value of a key.
    fn __getitem__<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Bound<'py, PyAny>> {
        self.dict(py)?.get_item(key)?.ok_or_else(|| PyKeyError::new_err(key.to_owned()))
    }

    /// Whether there is such a key.
    fn __contains__(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.dict(py)?.contains(key)
    }

    /// The keys, one after the other.
    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.dict(py)?.try_iter()
    }

    /// Number of keys.
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.dict(py)?.len())
    }

    /// The keys.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.dict(py)?.call_method0("keys")
    }

    /// The values, in the order of the keys.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.dict(py)?.call_method0("values")
    }

    /// Keys and values.
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.dict(py)?.call_method0("items")
    }

    /// The value of a key, or `default` where there is no such key.
    #[pyo3(signature = (key, default=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.dict(py)?.get_item(key)?.or(default))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("GeneratorStats({})", self.dict(py)?.repr()?))
    }
}
