//! Flow files as a table: which columns it has, and its rows as a stream.

use std::fmt::{self, Debug};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::builder::StringViewBuilder;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result as PlanResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};

use super::{Source, pushdown};
use crate::filter::BlockFilter;
use crate::read::{ReadStats, Request, Watched, found, scan};
use crate::{Column, Error, FlowBlock, FlowColumn, FlowColumns, Kind, address_of, schema_of};

/// Batches that wait between the readers and the query.
const WAITING_BATCHES: usize = 4;

/// Flow files under one name.
pub(super) struct FlowTable {
    files: Arc<Files>,
    request: Request,
    /// Columns that any file has, and those that all have.
    any: FlowColumns,
    all: FlowColumns,
    schema: SchemaRef,
}

/// What all readings of a table share.
#[derive(Debug)]
struct Files {
    name: String,
    paths: Vec<PathBuf>,
    stats: Mutex<ReadStats>,
    /// Of files that are pipes: whether they were read.
    pipes_read: Option<AtomicBool>,
}

/// A reader's error on its way through the query.
#[derive(Debug)]
pub(super) struct Shared(Mutex<Option<Error>>);

impl Shared {
    /// The error; a second time that there was one.
    pub(super) fn take(&self) -> Error {
        let mut error = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        error.take().unwrap_or_else(|| Error::Sql { reason: "a file could not be read".to_owned() })
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a file could not be read")
    }
}

impl std::error::Error for Shared {}

impl FlowTable {
    /// Looks into the files for their columns.
    pub(super) fn open(source: &Source, request: &Request) -> Result<Self, Error> {
        let (mut any, mut all) = (FlowColumns::NONE, FlowColumns::ALL);
        let mut pipes_read = None;
        for found in found(&source.files) {
            let (file, is_found) = found?;
            let (may, must) = match columns_of(&file, request) {
                // What lies in a folder beside files of flows is left out, and counted when it is read.
                Err(Error::NotFlows { .. }) if is_found => continue,
                told => told?,
            };
            (any, all) = (any | may, all & must);
            if is_pipe(&file) {
                pipes_read = Some(AtomicBool::new(false));
            }
        }
        if any == FlowColumns::NONE {
            any = FlowColumns::ALL;
        }
        let (name, paths) = (source.name.clone(), source.files.clone());
        let files = Arc::new(Files { name, paths, stats: Mutex::default(), pipes_read });
        Ok(Self { files, request: request.clone(), any, all, schema: schema(any, all) })
    }

    /// As the query calls it.
    pub(super) fn name(&self) -> &str {
        &self.files.name
    }

    /// What all scans of the table have read.
    pub(super) fn stats(&self) -> ReadStats {
        self.files.stats.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether it can be read only once.
fn is_pipe(file: &Path) -> bool {
    file == Path::new("-") || (file.exists() && !file.is_file())
}

/// The columns that a file may have, and those that it surely has. Its first rows tell, if there are any; a pipe can
/// be read only once.
fn columns_of(file: &Path, request: &Request) -> Result<(FlowColumns, FlowColumns), Error> {
    if is_pipe(file) {
        return Ok((FlowColumns::ALL, FlowColumns::NONE));
    }
    let look = Request {
        optional: FlowColumns::ALL,
        threads: 1,
        records: request.records,
        strict: request.strict,
        ..Request::new(FlowColumns::NONE)
    };
    let watched = Watched::default();
    let each = |found: &mut Option<FlowColumns>, block: FlowBlock| {
        found.get_or_insert(block.columns());
        watched.stop.store(true, Ordering::Relaxed);
        Ok(())
    };
    let (found, _) = scan(&[file.to_owned()], &look, &watched, || None, each)?;
    let columns = found.into_iter().flatten().next().unwrap_or_default();
    Ok((columns, columns))
}

/// Addresses as text, times in UTC; null where a file may lack the column.
fn schema(any: FlowColumns, all: FlowColumns) -> SchemaRef {
    let typed = schema_of(any, false);
    let field = |(column, field): (FlowColumn, &Arc<Field>)| {
        let data_type = match column.kind() {
            Kind::Address => DataType::Utf8View,
            _ => field.data_type().clone(),
        };
        Field::new(column.name(), data_type, !all.contains(column))
    };
    Arc::new(Schema::new(any.iter().zip(typed.fields()).map(field).collect::<Vec<_>>()))
}

impl Debug for FlowTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlowTable({:?})", self.files.paths)
    }
}

#[async_trait::async_trait]
impl TableProvider for FlowTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> PlanResult<Vec<TableProviderFilterPushDown>> {
        let told = |filter: &&Expr| match pushdown::filter(filter, self.all) {
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(told).collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let every: Vec<FlowColumn> = self.any.iter().collect();
        let wanted: Vec<FlowColumn> = match projection {
            Some(places) => places.iter().filter_map(|&place| every.get(place).copied()).collect(),
            None => every,
        };
        let parts = filters.iter().filter_map(|part| pushdown::filter(part, self.all));
        let filter = parts
            .fold(self.request.filter.clone(), |filter, part| filter.and(BlockFilter::new(&part)));
        let schema = match projection {
            Some(places) => Arc::new(self.schema.project(places)?),
            None => Arc::clone(&self.schema),
        };
        let rows = FlowRows {
            files: Arc::clone(&self.files),
            request: Request {
                required: FlowColumns::NONE,
                optional: wanted.iter().copied().collect(),
                filter,
                ..self.request.clone()
            },
            wanted,
            schema: Arc::clone(&schema),
        };
        let rows: Arc<dyn PartitionStream> = Arc::new(rows);
        Ok(Arc::new(StreamingTableExec::try_new(schema, vec![rows], None, [], false, limit)?))
    }
}

/// One reading of a table.
struct FlowRows {
    files: Arc<Files>,
    request: Request,
    wanted: Vec<FlowColumn>,
    schema: SchemaRef,
}

impl Debug for FlowRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlowRows({:?}, {:?})", self.files.paths, self.wanted)
    }
}

impl PartitionStream for FlowRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut stream =
            RecordBatchReceiverStream::builder(Arc::clone(&self.schema), WAITING_BATCHES);
        let sender = stream.tx();
        let (files, request) = (Arc::clone(&self.files), self.request.clone());
        let (wanted, schema) = (self.wanted.clone(), Arc::clone(&self.schema));
        stream.spawn_blocking(move || {
            let shared =
                |error| DataFusionError::External(Box::new(Shared(Mutex::new(Some(error)))));
            if files.pipes_read.as_ref().is_some_and(|read| read.swap(true, Ordering::Relaxed)) {
                return Err(shared(Error::OnlyOnce { table: files.name.clone() }));
            }
            let watched = Watched::default();
            let each = |(): &mut (), block: FlowBlock| {
                // Whoever asked may have enough rows: then nothing more is read.
                if sender.blocking_send(Ok(batch(&block, &wanted, &schema))).is_err() {
                    watched.stop.store(true, Ordering::Relaxed);
                }
                Ok(())
            };
            let (_, read) = scan(&files.paths, &request, &watched, || (), each).map_err(shared)?;
            files.stats.lock().unwrap_or_else(PoisonError::into_inner).merge(read);
            Ok(())
        });
        stream.build()
    }
}

/// A block's columns as the query has them.
fn batch(block: &FlowBlock, wanted: &[FlowColumn], schema: &SchemaRef) -> RecordBatch {
    let columns = wanted.iter().zip(schema.fields());
    let arrays = columns.map(|(&column, field)| match block.column(column) {
        None => new_null_array(field.data_type(), block.len()),
        Some(values) if column.kind() == Kind::Address => addresses(values),
        Some(_) => block.array(field),
    });
    let options = RecordBatchOptions::new().with_row_count(Some(block.len()));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays.collect(), &options)
        .expect("arrays were made for the schema")
}

fn addresses(values: &Column) -> ArrayRef {
    use std::fmt::Write;
    let mut builder = StringViewBuilder::with_capacity(values.len());
    let mut text = String::new();
    for row in 0..values.len() {
        text.clear();
        let _ = write!(text, "{}", address_of(values.value(row)));
        builder.append_value(&text);
    }
    Arc::new(builder.finish())
}
