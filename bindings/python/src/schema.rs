//! The table of columns as Python reads it.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rheos_features::{GROUPS, RowShape, ViewColumn, table};

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
    let shape = RowShape::combined(profile, &groups, &names, &exclude);
    let shape = shape.map_err(|error| error::features(&error))?;
    if let Some((_, columns)) = shape.view() {
        return columns.iter().map(|column| view_column(py, column)).collect();
    }
    let columns = shape.selection().columns().map(|column| {
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

/// What is known of a column with another tool's name.
fn view_column<'py>(py: Python<'py>, column: &ViewColumn) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    told.set_item("name", column.name)?;
    told.set_item("type", column.kind().name())?;
    told.set_item("unit", column.unit_name())?;
    told.set_item("direction", column.scope().name())?;
    told.set_item("privacy", column.privacy().name())?;
    told.set_item("from", column.expr.to_string())?;
    told.set_item("null", column.nulls())?;
    told.set_item("meaning", column.meaning())?;
    told.set_item("note", column.note)?;
    Ok(told)
}

/// The groups of columns: name, meaning, number of columns.
#[pyfunction]
pub(crate) fn groups() -> Vec<(&'static str, &'static str, usize)> {
    GROUPS.iter().map(|group| (group.name, group.meaning, group.columns.len())).collect()
}
