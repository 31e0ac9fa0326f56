//! The extension module `rheos._rheos`: what of the Python package is written in Rust.
//!
//! Rows cross the border as Arrow record batches by the Arrow PyCapsule interface, without a copy. Captures are read
//! and flows are followed on threads of their own, while Python runs on. Flow records are made in place.

#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
#![allow(
    clippy::wrong_self_convention,
    clippy::unused_self,
    reason = "methods are Python's, and named as there"
)]

mod error;
mod flows;
mod options;
mod packets;
mod rows;
mod run;
mod schema;
mod stream;

/// Names of the module.
#[pyo3::pymodule]
mod _rheos {
    #[pymodule_export]
    use crate::error::{CaptureError, ConfigError, RheosError};
    #[pymodule_export]
    use crate::flows::batch::FlowBatch;
    #[pymodule_export]
    use crate::flows::export::export_flows;
    #[pymodule_export]
    use crate::flows::generator::Generator;
    #[pymodule_export]
    use crate::flows::record::Record;
    #[pymodule_export]
    use crate::flows::settings::flow_settings;
    #[pymodule_export]
    use crate::flows::stats::Stats;
    #[pymodule_export]
    use crate::flows::wide::Wide;
    #[pymodule_export]
    use crate::options::option_names;
    #[pymodule_export]
    use crate::packets::packets;
    #[pymodule_export]
    use crate::rows::{Batch, Rows};
    #[pymodule_export]
    use crate::schema::{columns, groups};
    #[pymodule_export]
    use crate::stream::{Stream, extract, stream};

    /// Version of Rheos.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
