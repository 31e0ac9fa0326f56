//! The table of columns as Python reads it.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rheos_features::{GROUPS, Selection, table};

use crate::error;

/// What is known of the columns of a selection: one dictionary per column.
#[pyfunction]
pub(crate) fn columns<'py>(
    py: Python<'py>,
    profile: &str,
    groups: Vec<String>,
    names: Vec<String>,
    exclude: Vec<String>,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let selection = Selection::combined(profile, &groups, &names, &exclude);
    let selection = selection.map_err(|error| error::features(&error))?;
    let columns = selection.columns().map(|column| {
        let told = PyDict::new(py);
        told.set_item("name", column.name)?;
        told.set_item("group", table::group_of(column).name)?;
        told.set_item("type", column.kind.name())?;
        told.set_item("unit", column.unit)?;
        told.set_item("direction", column.scope.name())?;
        told.set_item("profile", column.profile.name())?;
        told.set_item("privacy", column.privacy.name())?;
        told.set_item("alias_of", column.alias_of)?;
        told.set_item("null", column.nulls)?;
        told.set_item("meaning", column.meaning)?;
        Ok(told)
    });
    columns.collect()
}

/// The groups of columns: name, meaning, number of columns.
#[pyfunction]
pub(crate) fn groups() -> Vec<(&'static str, &'static str, usize)> {
    GROUPS.iter().map(|group| (group.name, group.meaning, group.columns.len())).collect()
}
