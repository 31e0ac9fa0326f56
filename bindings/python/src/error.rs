//! Errors as Python raises them, each with the next step.

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyMemoryError};
use pyo3::prelude::*;
use rheos_core::filter::FilterError;

create_exception!(rheos, RheosError, PyException, "What can go wrong in Rheos.");
create_exception!(rheos, ConfigError, RheosError, "An option, column or filter that cannot be.");
create_exception!(rheos, CaptureError, RheosError, "A capture that cannot be read.");

/// `message`, and on a line of its own what to do.
fn with_hint(message: &str, hint: Option<String>) -> String {
    hint.map_or_else(|| message.to_owned(), |hint| format!("{message}\nhint: {hint}"))
}

/// A wrong option.
pub(crate) fn config(message: &str, hint: Option<String>) -> PyErr {
    ConfigError::new_err(with_hint(message, hint))
}

/// A capture that cannot be read.
pub(crate) fn capture(error: &rheos_capture::Error) -> PyErr {
    CaptureError::new_err(with_hint(&error.to_string(), error.hint()))
}

/// A wrong choice of columns.
pub(crate) fn features(error: &rheos_features::Error) -> PyErr {
    config(&error.to_string(), Some("`rheos.columns()` lists every column".to_owned()))
}

/// A filter that is not understood, with its place marked.
pub(crate) fn filter(error: &FilterError, text: &str) -> PyErr {
    ConfigError::new_err(format!("wrong filter: {}\n{}", error.kind, error.render(text)))
}

/// Something wrong with made flows, as `rheos.flowgen.FlowError`: a class of Python's, because it has two bases.
pub(crate) fn flows(py: Python<'_>, message: &str, hint: Option<String>) -> PyErr {
    let message = with_hint(message, hint);
    let class = py.import("rheos.flowgen").and_then(|module| module.getattr("FlowError"));
    match class.and_then(|class| class.call1((message,))) {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// A configuration of flows that cannot be.
pub(crate) fn flow_config(py: Python<'_>, error: &rheos_gen::flows::FlowError) -> PyErr {
    flows(py, &error.to_string(), error.hint())
}

/// Not enough memory for so many records.
pub(crate) fn memory(records: usize) -> PyErr {
    PyMemoryError::new_err(format!("no memory for {records} flow records"))
}
