//! What can go wrong when rows are written, said with the file's or column's name and the next step.

use std::io;
use std::path::{Path, PathBuf};

use rheos_core::suggest::nearest;

use crate::{Compression, Format};

/// Why rows cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The output is there already and must not be overwritten.
    #[error("`{}` exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The folder of the output is not there.
    #[error("there is no folder `{}` for `{}`", folder.display(), path.display())]
    NoFolder {
        /// The missing folder.
        folder: PathBuf,
        /// The file that was to be written in it.
        path: PathBuf,
    },
    /// The output is a folder.
    #[error("`{}` is a folder", path.display())]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// No format has this name.
    #[error("unknown output format `{name}`")]
    UnknownFormat {
        /// As written.
        name: String,
    },
    /// A file name whose ending tells no format.
    #[error("`{}` does not tell an output format by its ending", path.display())]
    UnknownExtension {
        /// The file.
        path: PathBuf,
    },
    /// A compression that this format does not have.
    #[error("{format} has no {compression} compression")]
    Compression {
        /// The format.
        format: Format,
        /// The compression.
        compression: Compression,
    },
    /// A compression level that does not exist.
    #[error("{compression} has no level {level}")]
    Level {
        /// The compression.
        compression: Compression,
        /// The level.
        level: i32,
    },
    /// A column whose type the format does not have.
    #[error("column `{column}` of type {data_type} cannot be written as {format}")]
    UnsupportedType {
        /// The column's name.
        column: String,
        /// Its Arrow type.
        data_type: String,
        /// The format.
        format: Format,
    },
    /// Two columns have the same name.
    #[error("two columns are named `{column}`")]
    DuplicateColumn {
        /// The name.
        column: String,
    },
    /// A batch that does not have the columns that were announced.
    #[error("a batch has {found} where the output has {expected}")]
    SchemaMismatch {
        /// The output's column, or number of columns.
        expected: String,
        /// The batch's.
        found: String,
    },
    /// The reader of the output has gone: for a program, no failure.
    #[error("the reader of the output has gone")]
    BrokenPipe,
    /// The system refuses.
    #[error("cannot {action} {target}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file in backticks, or `standard output`.
        target: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file that was to give rows gives none.
    #[error("`{}` cannot be read as rows: {}{why}", path.display(), at_line(*line))]
    NotRows {
        /// The file.
        path: PathBuf,
        /// The line of the mistake, counted from 1, in text.
        line: Option<usize>,
        /// What is wrong.
        why: String,
    },
    /// A file of rows that is too large to be held.
    #[error("`{}` has more than {limit}", path.display())]
    TooManyRows {
        /// The file.
        path: PathBuf,
        /// How much may be: a number and its unit.
        limit: String,
    },
    /// The format's encoder refuses.
    #[error("cannot encode rows for {target}: {message}")]
    Encode {
        /// The file in backticks, or `standard output`.
        target: String,
        /// What the encoder said.
        message: String,
    },
}

/// `line 3: `, if there are lines.
fn at_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!("line {line}: "))
}

impl Error {
    /// What to do next, if there is something to do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Exists { .. } => "overwrite it with `--force`, or choose another name".to_owned(),
            Self::NoFolder { folder, .. } => format!("run `mkdir -p {}`", folder.display()),
            Self::IsFolder { path } => {
                format!("name a file in it: `{}`", path.join("rows.parquet").display())
            }
            Self::UnknownFormat { name } => match nearest(name, Format::ALL.iter().flat_map(|f| f.spellings()).copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("formats are {}", Format::names()),
            },
            Self::UnknownExtension { .. } => {
                "end it with .csv, .jsonl, .parquet, .arrow or .arrows, or use `--format`".to_owned()
            }
            Self::Compression { format, .. } if format.is_text() => {
                "use gzip (`.gz`) or zstd (`.zst`)".to_owned()
            }
            Self::Compression { format: Format::Parquet, .. } => {
                "Parquet is compressed inside: use zstd, snappy or none, and no `.gz` or `.zst` ending"
                    .to_owned()
            }
            Self::Compression { .. } => {
                "Arrow IPC is compressed inside: use zstd or none, and no `.gz` or `.zst` ending"
                    .to_owned()
            }
            Self::Level { compression, .. } => match compression {
                Compression::Gzip => "gzip has the levels 0 to 9".to_owned(),
                _ => "zstd has the levels 1 to 22".to_owned(),
            },
            Self::UnsupportedType { format: Format::Parquet, .. } => {
                "leave the column out, or write Arrow IPC (`.arrow`)".to_owned()
            }
            Self::UnsupportedType { .. } => "leave the column out, or write Parquet".to_owned(),
            Self::NotRows { .. } => {
                "rows are CSV with a header line, JSON objects or Parquet".to_owned()
            }
            Self::TooManyRows { .. } => "split it, or leave columns and rows out".to_owned(),
            Self::DuplicateColumn { .. } => "give each column once".to_owned(),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "free space, or write to another disk".to_owned()
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "write to a folder of your own".to_owned()
            }
            Self::Io { action: "read", source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "check the name, or give the whole path".to_owned()
            }
            _ => return None,
        })
    }

    #[cold]
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, target: format!("`{}`", path.display()), source }
    }
}
