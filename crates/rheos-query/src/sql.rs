//! SQL over flow files: `DataFusion` plans and computes, our readers feed it.
//!
//! | what | file |
//! |---|---|
//! | flow files as tables of a query | `table` |
//! | conditions of SQL that readers can test | `pushdown` |
//! | functions of addresses, ports and protocols | `functions` |
//!
//! A table has the columns that any of its files has, under our names; where a file lacks one, its rows are null
//! there. Addresses are text, times are UTC. A query only reads: statements that would change anything are refused.

mod functions;
mod pushdown;
mod table;

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::compute::cast;
use datafusion::common::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use futures::StreamExt;

use crate::Error;
use crate::read::{ReadStats, Request};
use table::FlowTable;

/// The name of the table when only one is given.
pub const TABLE: &str = "flows";

/// How much memory sorting, joining and grouping may take before they go on in temporary files.
pub const MEMORY_DEFAULT: u64 = 4 << 30;

/// Rows that one step hands to the next.
const STEP_ROWS: usize = 8192;

/// Flow files under a name.
#[derive(Clone, Debug)]
pub struct Source {
    /// As the query calls it.
    pub name: String,
    /// The files; `-` is standard input.
    pub files: Vec<PathBuf>,
}

/// A query and what it may use.
#[derive(Clone, Debug)]
pub struct SqlQuery {
    /// One statement.
    pub text: String,
    /// The tables.
    pub sources: Vec<Source>,
    /// Which rows are read, how strictly and on how many threads; its columns are not looked at.
    pub request: Request,
    /// Bytes that sorting, joining and grouping may take before they go on in temporary files.
    pub memory: u64,
}

impl SqlQuery {
    /// Runs the query; `each` gets the result batch by batch, at least one, perhaps without rows.
    ///
    /// Columns of the result are numbers, truth values, text, and times in UTC: everything else comes as text.
    ///
    /// # Errors
    /// If the statement is not understood or changes anything, a file cannot be read, or `each` fails.
    pub fn run<E: From<Error>>(
        &self,
        mut each: impl FnMut(&RecordBatch) -> Result<(), E>,
    ) -> Result<ReadStats, E> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(self.request.threads.max(1))
            .build()
            .map_err(|error| Error::io("start threads for", "the query", error))?;
        let open = |source| FlowTable::open(source, &self.request).map(Arc::new);
        let tables = self.sources.iter().map(open).collect::<Result<Vec<_>, Error>>()?;
        runtime.block_on(async {
            let context = self.context(&tables)?;
            let options = SQLOptions::new()
                .with_allow_ddl(false)
                .with_allow_dml(false)
                .with_allow_statements(false);
            let frame =
                context.sql_with_options(&self.text, options).await.map_err(|e| told(&e))?;
            let mut rows = frame.execute_stream().await.map_err(|e| told(&e))?;
            let schema = plain_schema(&rows.schema());
            let mut any = false;
            while let Some(batch) = rows.next().await {
                let batch = plain(&batch.map_err(|e| told(&e))?, &schema)?;
                any = true;
                each(&batch)?;
            }
            if !any {
                each(&RecordBatch::new_empty(Arc::clone(&schema)))?;
            }
            Ok::<(), E>(())
        })?;
        // Readers that were told to stop tell first how far they came.
        drop(runtime);
        let mut stats = ReadStats::default();
        for table in &tables {
            stats.merge(table.stats());
        }
        Ok(stats)
    }

    fn context(&self, tables: &[Arc<FlowTable>]) -> Result<SessionContext, Error> {
        let config = SessionConfig::new()
            .with_target_partitions(self.request.threads.max(1))
            .with_batch_size(STEP_ROWS)
            .with_information_schema(true);
        let memory = usize::try_from(self.memory).unwrap_or(usize::MAX);
        let environment = RuntimeEnvBuilder::new()
            .with_memory_limit(memory, 1.0)
            .build_arc()
            .map_err(|e| told(&e))?;
        let context = SessionContext::new_with_config_rt(config, environment);
        functions::register(&context);
        for table in tables {
            context
                .register_table(table.name(), Arc::<FlowTable>::clone(table))
                .map_err(|e| told(&e))?;
        }
        Ok(context)
    }
}

/// What is wrong, as ours where a reader of ours said it.
#[cold]
fn told(error: &DataFusionError) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(this) = cause {
        if let Some(shared) = this.downcast_ref::<table::Shared>() {
            return shared.take();
        }
        cause = this.source();
    }
    let root = error.find_root();
    let reason = plainly(&root.strip_backtrace());
    match root {
        DataFusionError::ResourcesExhausted(_) => Error::OutOfMemory { reason },
        _ => Error::Sql { reason },
    }
}

/// The library's words on one line, without what only its authors need.
fn plainly(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join(" ");
    // `SQL error: ParserError("...")` is how its parser tells.
    let within = line.split_once("ParserError(\"").and_then(|(_, rest)| rest.rsplit_once("\")"));
    let mut reason = within.map_or(line.as_str(), |(within, _)| within);
    for kind in ["Error during planning: ", "Schema error: ", "Execution error: "] {
        reason = reason.strip_prefix(kind).unwrap_or(reason);
    }
    for refused in ["DDL", "DML", "Statement"] {
        let what = reason.strip_prefix(refused).and_then(|r| r.strip_prefix(" not supported: "));
        if let Some(what) = what {
            return format!("queries only read, this is {what}");
        }
    }
    reason.to_owned()
}

/// The types that results have outside of a query.
fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Boolean | DataType::Float32 | DataType::Float64 => data_type.clone(),
        number if number.is_integer() => number.clone(),
        number if number.is_decimal() => DataType::Float64,
        DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        _ => DataType::Utf8,
    }
}

fn plain_schema(schema: &Schema) -> SchemaRef {
    let plain = |field: &Arc<Field>| Field::new(field.name(), plain_type(field.data_type()), true);
    Arc::new(Schema::new(schema.fields().iter().map(plain).collect::<Vec<_>>()))
}

fn plain(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, Error> {
    let columns = batch.columns().iter().zip(schema.fields());
    let arrays = columns.map(|(array, field)| cast(array, field.data_type()));
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let arrays = arrays.collect::<Result<Vec<_>, _>>();
    arrays
        .and_then(|arrays| RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options))
        .map_err(|error| Error::Sql { reason: format!("a column of the result: {error}") })
}
