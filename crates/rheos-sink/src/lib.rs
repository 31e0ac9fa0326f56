//! Arrow record batches out: CSV, JSON Lines, Parquet, Arrow IPC.
//!
//! A [`Sink`] takes record batches of one schema and writes them to a file, to standard output or to any
//! writer, with memory that does not grow with the input. It knows no feature: names, types, nulls and
//! metadata come from the schema and from [`SinkOptions`].
//!
//! ```
//! use std::sync::Arc;
//! use arrow_array::{Float64Array, RecordBatch, StringArray};
//! use arrow_schema::{DataType, Field, Schema};
//! use rheos_sink::{Format, Sink, SinkOptions, Target};
//!
//! let schema = Arc::new(Schema::new(vec![
//!     Field::new("name", DataType::Utf8, true),
//!     Field::new("mean", DataType::Float64, true),
//! ]));
//! let names = StringArray::from(vec![Some("a"), None, Some("")]);
//! let means = Float64Array::from(vec![Some(0.1), Some(f64::NAN), None]);
//! let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(names), Arc::new(means)]).unwrap();
//!
//! let folder = tempfile::tempdir().unwrap();
//! let path = folder.path().join("rows.csv");
//! let options = SinkOptions::new(Format::Csv);
//! let mut sink = Sink::create(&Target::File(path.clone()), schema, options).unwrap();
//! sink.write(&batch).unwrap();
//! assert!(!path.exists(), "it gets its name when it is whole");
//! let written = sink.finish().unwrap();
//! assert_eq!(written.rows, 3);
//! assert_eq!(std::fs::read_to_string(path).unwrap(), "name,mean\na,0.1\n,\n\"\",\n");
//! ```
//!
//! | file | what it knows |
//! |---|---|
//! | [`Sink`] | which encoder a format has |
//! | `output`, `blocks` | where bytes go: temporary names, renaming, standard output, whole blocks |
//! | [`ByteSink`] | bytes that are formatted already |
//! | `text`, `csv`, `json`, `columns`, `moment` | rows as text |
//! | `parquet`, `sample`, `ipc` | columnar formats |
//! | [`read`] | rows of others in: labels, expected values |

mod blocks;
mod columns;
mod csv;
mod error;
mod format;
mod ipc;
mod json;
mod moment;
mod options;
mod output;
mod parquet;
pub mod read;
mod sample;
mod sink;
mod stream;
mod text;

pub use error::Error;
pub use format::{Compression, Format};
pub use options::{JsonNulls, SinkOptions};
pub use output::Target;
pub use sink::{Sink, Written};
pub use stream::ByteSink;
