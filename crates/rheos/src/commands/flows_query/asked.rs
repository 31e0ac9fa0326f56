//! A query of flow files: from the arguments to the rows of the answer.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use arrow_array::RecordBatch;
use rheos_query::FlowColumns;
use rheos_query::sql::{Source, SqlQuery, TABLE};
use rheos_sink::Sink;

use super::QueryArgs;
use crate::cli::GlobalArgs;
use crate::exit::ExitStatus;
use crate::failure::Misuse;
use crate::flow_input;
use crate::interrupt::Unfinished;
use crate::output::Output;
use crate::result_out::ResultFormat;
use crate::row_table::RowTable;
use crate::summary;
use crate::table::ListFormat;

/// Rows of the formats that are printed as a whole.
const TABLE_ROWS_MAX: usize = 10_000;

/// Length of a file with a statement.
const SQL_BYTES_MAX: u64 = 1 << 20;

impl QueryArgs {
    fn statement(&self) -> Result<String> {
        let Some(path) = self.sql.strip_prefix('@') else { return Ok(self.sql.clone()) };
        let length = std::fs::metadata(path).map_or(0, |about| about.len());
        if length > SQL_BYTES_MAX {
            return Err(Misuse::new(
                format!("`{path}` has more than {SQL_BYTES_MAX} bytes"),
                "is it a flow file? `@` names a file with a statement",
            )
            .into());
        }
        std::fs::read_to_string(path).with_context(|| format!("cannot read `{path}`"))
    }

    fn sources(&self) -> Result<Vec<Source>> {
        let mut sources = Vec::new();
        if !self.files.is_empty() {
            sources.push(Source { name: TABLE.to_owned(), files: self.files.clone() });
        }
        for table in &self.table {
            let Some((name, file)) = table.split_once('=') else {
                return Err(Misuse::new(
                    format!("`--table {table}` has no name"),
                    "write it like `--table before=yesterday.parquet`",
                )
                .into());
            };
            match sources.iter_mut().find(|source: &&mut Source| source.name == name) {
                Some(source) => source.files.push(file.into()),
                None => {
                    sources.push(Source { name: name.to_owned(), files: vec![file.into()] });
                }
            }
        }
        Ok(sources)
    }
}

/// Reads, computes and prints.
pub(crate) fn run(args: &QueryArgs, _: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let started = Instant::now();
    let format = args.out.format(output)?;
    let query = SqlQuery {
        text: args.statement()?,
        sources: args.sources()?,
        request: args.choice.request(FlowColumns::NONE, FlowColumns::NONE)?,
        memory: args.memory.0,
    };
    let mut rows = Rows::new(args, format);
    let stats = query.run(|batch| rows.write(batch))?;
    let files: Vec<PathBuf> =
        query.sources.iter().flat_map(|source| source.files.clone()).collect();
    // Some questions are answered by the names of the columns.
    if stats.files > 0 {
        flow_input::tell(output, &files, &stats);
    }
    rows.finish(output)?;
    flow_input::done(output, &stats, started.elapsed());
    Ok(ExitStatus::Done)
}

/// Where the result goes.
struct Rows<'a> {
    args: &'a QueryArgs,
    format: ResultFormat,
    _unfinished: Unfinished,
    sink: Option<Sink>,
    table: RowTable,
    columns: usize,
}

impl<'a> Rows<'a> {
    fn new(args: &'a QueryArgs, format: ResultFormat) -> Self {
        let unfinished = Unfinished::new(args.out.path());
        let table = RowTable::default();
        Self { args, format, _unfinished: unfinished, sink: None, table, columns: 0 }
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.columns = batch.num_columns();
        let Some(format) = self.format.sink() else {
            self.table.add(batch);
            if self.table.len() > TABLE_ROWS_MAX {
                return Err(Misuse::new(
                    format!("the result has more than {TABLE_ROWS_MAX} rows"),
                    "add `LIMIT`, or write it with `--format csv` or `-o rows.parquet`",
                )
                .into());
            }
            return Ok(());
        };
        let sink = match &mut self.sink {
            Some(sink) => sink,
            none => none.insert(self.args.out.sink(format, &batch.schema())?),
        };
        sink.write(batch)?;
        Ok(())
    }

    fn finish(self, output: &Output) -> Result<()> {
        if let Some(sink) = self.sink {
            let written = sink.finish()?;
            let path = self.args.out.path();
            summary::wrote(output, path, written.rows, self.columns, Some(written.bytes));
            return Ok(());
        }
        let table = self.table.into_table();
        let text = match self.format {
            ResultFormat::Json => table.json().to_string() + "\n",
            ResultFormat::JsonPretty => table.render(ListFormat::Json, output),
            ResultFormat::Md => table.render(ListFormat::Md, output),
            _ => table.render(ListFormat::Table, output),
        };
        self.args.out.text(&text, output)
    }
}
