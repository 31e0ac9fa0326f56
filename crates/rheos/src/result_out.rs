//! How results are printed: as a table for people, or as rows for programs.

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;
use rheos_sink::Format;

/// `--format` of what is told about flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResultFormat {
    /// Aligned columns for reading.
    #[value(alias = "text")]
    Table,
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object per line.
    Jsonl,
    /// One JSON document on one line.
    Json,
    /// One JSON document, indented.
    JsonPretty,
    /// A Markdown table.
    Md,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow IPC file.
    Arrow,
}

impl ResultFormat {
    /// What the name of the output tells, if nothing else does; on standard output a table.
    pub(crate) fn choose(told: Option<Self>, path: &Path) -> Result<Self> {
        if let Some(format) = told {
            return Ok(format);
        }
        let ending = path.extension().and_then(|ending| ending.to_str());
        match ending {
            _ if path == Path::new("-") => return Ok(Self::Table),
            Some("json") => return Ok(Self::JsonPretty),
            Some("md") => return Ok(Self::Md),
            Some("txt") => return Ok(Self::Table),
            _ => {}
        }
        Ok(match Format::from_path(path)?.0 {
            Format::Csv => Self::Csv,
            Format::JsonLines => Self::Jsonl,
            Format::Parquet => Self::Parquet,
            Format::ArrowFile | Format::ArrowStream => Self::Arrow,
        })
    }

    /// The format of a sink, for rows that are written as they come.
    pub(crate) const fn sink(self) -> Option<Format> {
        match self {
            Self::Csv => Some(Format::Csv),
            Self::Jsonl => Some(Format::JsonLines),
            Self::Parquet => Some(Format::Parquet),
            Self::Arrow => Some(Format::ArrowFile),
            _ => None,
        }
    }
}
