//! What can go wrong, with its subject and the next step.

use std::io;
use std::path::{Path, PathBuf};

use rheos_core::Nanos;

use crate::FlowColumns;

/// Why flows could not be read or counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused.
    #[error("cannot {action} {name}")]
    Io {
        /// What was tried: `read`.
        action: &'static str,
        /// The file in backticks, or `standard input`.
        name: String,
        /// Why not.
        source: io::Error,
    },
    /// It is no file of flows.
    #[error("{name} is no file of flows: {reason}")]
    NotFlows {
        /// The file in backticks, or `standard input`.
        name: String,
        /// What tells.
        reason: String,
    },
    /// A column that the query needs is not there.
    #[error("{name} has no column {missing}")]
    MissingColumns {
        /// The file in backticks, or `standard input`.
        name: String,
        /// What is missing.
        missing: FlowColumns,
        /// What is there.
        found: FlowColumns,
    },
    /// A column has values of a type that is not understood.
    #[error("column `{column}` of {name} has type {data_type}")]
    ColumnType {
        /// The file in backticks, or `standard input`.
        name: String,
        /// As the file calls it.
        column: String,
        /// Its Arrow type.
        data_type: String,
    },
    /// Damaged or malformed content.
    #[error("{name} is damaged at {place}: {reason}")]
    Damaged {
        /// The file in backticks, or `standard input`.
        name: String,
        /// `line 7, byte 512`, `row group 3`.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// More groups than may be held.
    #[error("more than {max} groups")]
    TooManyGroups {
        /// The limit.
        max: usize,
    },
    /// More steps of time than may be held.
    #[error("more than {max} steps of {step}")]
    TooManyBins {
        /// The limit.
        max: usize,
        /// Their width.
        step: Nanos,
    },
    /// Keys that together are too wide.
    #[error("the keys have {bits} bits, more than {max}")]
    KeysTooWide {
        /// How many.
        bits: u32,
        /// The limit.
        max: u32,
    },
    /// A statement of SQL that cannot be run.
    #[cfg(feature = "sql")]
    #[error("wrong SQL: {reason}")]
    Sql {
        /// What is wrong with it.
        reason: String,
    },
    /// A query that reads a table twice whose rows come from a pipe.
    #[cfg(feature = "sql")]
    #[error("the query reads `{table}` more than once, and a pipe gives its rows only once")]
    OnlyOnce {
        /// The table.
        table: String,
    },
    /// A query needs more memory than it may take.
    #[cfg(feature = "sql")]
    #[error("the query needs more memory: {reason}")]
    OutOfMemory {
        /// Which step of it.
        reason: String,
    },
    /// A word of a query that is not known.
    #[error("unknown {what} `{word}`")]
    UnknownWord {
        /// What it should be: `key`.
        what: &'static str,
        /// As written.
        word: String,
        /// The nearest one, or where they are listed.
        hint: String,
    },
}

impl Error {
    #[cold]
    pub(crate) fn io(action: &'static str, name: &str, source: io::Error) -> Self {
        Self::Io { action, name: name.to_owned(), source }
    }

    #[cold]
    pub(crate) fn not_flows(name: &str, reason: impl Into<String>) -> Self {
        Self::NotFlows { name: name.to_owned(), reason: reason.into() }
    }

    #[cold]
    pub(crate) fn damaged(name: &str, place: impl Into<String>, reason: &dyn ToString) -> Self {
        Self::Damaged { name: name.to_owned(), place: place.into(), reason: reason.to_string() }
    }

    /// The next step.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFlows { .. } => "flow files are Parquet, Arrow IPC, CSV with a header line, JSON \
                Lines, IPFIX, raw records, or of nfcapd, plain or compressed by gzip or zstd"
                .to_owned(),
            Self::MissingColumns { found, .. } if found.is_empty() => {
                "name the columns in a header line: `timestamp,src_ip,dst_ip,...`".to_owned()
            }
            Self::MissingColumns { found, .. } => format!("it has {found}"),
            Self::ColumnType { .. } => {
                "numbers are integers, addresses UInt32, FixedSizeBinary(16) or text".to_owned()
            }
            Self::Damaged { .. } => "leave `--strict` out to count such rows and go on, if the file \
                is text; else write the file anew"
                .to_owned(),
            Self::TooManyGroups { .. } => {
                "raise `--groups-max`, use fewer keys or prefixes such as `srcip/24`, or filter first"
                    .to_owned()
            }
            Self::TooManyBins { .. } => "give wider steps with `--bin`".to_owned(),
            Self::KeysTooWide { .. } => "use fewer keys".to_owned(),
            #[cfg(feature = "sql")]
            Self::Sql { .. } => "the table is `flows`; `DESCRIBE flows` lists its columns".to_owned(),
            #[cfg(feature = "sql")]
            Self::OnlyOnce { .. } => "write the rows into a file first".to_owned(),
            #[cfg(feature = "sql")]
            Self::OutOfMemory { .. } => "raise `--memory`, or ask for less".to_owned(),
            Self::UnknownWord { hint, .. } => hint.clone(),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "look with `ls`, or give the whole path".to_owned()
            }
            Self::Io { .. } => return None,
        })
    }
}

/// A path as errors name it.
pub(crate) fn name_of(path: &Path) -> String {
    if path == PathBuf::from("-").as_path() {
        "standard input".to_owned()
    } else {
        format!("`{}`", path.display())
    }
}
