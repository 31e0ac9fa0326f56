//! Where results go, and how: as a table for people, or as rows for programs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use arrow_schema::Schema;
use clap::{Args, ValueEnum};
use rheos_sink::{Format, Sink, SinkOptions, Target};

use crate::failure::Misuse;
use crate::output::Output;
use crate::report::check_target;
use crate::whole_file;

/// The flags of all that tell a result.
#[derive(Debug, Args)]
pub(crate) struct ResultArgs {
    /// How to print it.
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    format: Option<ResultFormat>,
    /// Where to write; the name tells the format. `-` is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-", help_heading = "Output")]
    output: PathBuf,
    /// Leave the header line of CSV out.
    #[arg(long, help_heading = "Output")]
    no_header: bool,
    /// Overwrite an existing file.
    #[arg(long, help_heading = "Output")]
    force: bool,
}

impl ResultArgs {
    /// The format, if the file may be written.
    pub(crate) fn format(&self, output: &Output) -> Result<ResultFormat> {
        let format = ResultFormat::choose(self.format, &self.output)?;
        let is_stdout = self.output == Path::new("-");
        if let Some(sink) = format.sink()
            && is_stdout
            && output.stdout_tty
            && !sink.is_text()
        {
            let hint = "name a file with `-o`, or pipe the output into another program";
            return Err(Misuse::new(format!("{sink} is not written to a terminal"), hint).into());
        }
        if !is_stdout {
            check_target(&self.output, self.force)?;
        }
        Ok(format)
    }

    /// Where it is written.
    pub(crate) fn path(&self) -> &Path {
        &self.output
    }

    /// For rows with these columns.
    pub(crate) fn sink(&self, format: Format, schema: &Arc<Schema>) -> Result<Sink> {
        let by_name = Format::from_path(&self.output);
        let options = SinkOptions {
            force: self.force,
            csv_header: !self.no_header,
            compression: by_name.map_or(format.default_compression(), |(_, c)| c),
            ..SinkOptions::new(format)
        };
        Ok(Sink::create(&Target::parse(&self.output), Arc::clone(schema), options)?)
    }

    /// Writes what is told as a whole.
    pub(crate) fn text(&self, text: &str, output: &Output) -> Result<()> {
        if self.output == Path::new("-") {
            Ok(output.data(text)?)
        } else {
            whole_file::write(&self.output, text.as_bytes())
        }
    }
}

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
    fn choose(told: Option<Self>, path: &Path) -> Result<Self> {
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
