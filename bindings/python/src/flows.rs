//! Flow records made for Python: the generator, its records one by one and in batches, and files of them.
//!
//! | to Python | file |
//! |---|---|
//! | `FlowRecord`, `WideRecord` | `record`, `wide` |
//! | `FlowGenerator` | `generator`, `settings` |
//! | `FlowBatch` | `batch`, `memory` |
//! | Arrow columns | `columns` |
//! | `GeneratorStats` | `stats` |
//! | CSV and JSON files | `export` |
//!
//! Work that takes long is done without the interpreter's lock, in blocks; between them Ctrl-C is looked for.

pub(crate) mod batch;
mod columns;
pub(crate) mod export;
pub(crate) mod generator;
mod memory;
pub(crate) mod record;
pub(crate) mod settings;
pub(crate) mod stats;
pub(crate) mod wide;

use std::ops::ControlFlow;

use pyo3::prelude::*;

/// Records between two looks for an interrupt: milliseconds of work.
const BLOCK: usize = 1 << 20;

/// Does work in blocks of at most [`BLOCK`] records without the interpreter's lock, until there is no more; `work` gets
/// how many records are done.
fn in_blocks(
    py: Python<'_>,
    mut work: impl FnMut(usize) -> ControlFlow<(), usize> + Send,
) -> PyResult<usize> {
    let mut done = 0;
    while let ControlFlow::Continue(more) = py.detach(|| work(done)) {
        done += more;
        py.check_signals()?;
    }
    Ok(done)
}
