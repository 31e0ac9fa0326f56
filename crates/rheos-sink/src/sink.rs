//! The sink: one schema, one format, one target.

use std::collections::HashSet;
use std::fmt;
use std::io::Write;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};

use crate::columns::has_text;
use crate::ipc::IpcEncoder;
use crate::output::{Output, Progress};
use crate::parquet::{self, ParquetEncoder};
use crate::text::TextEncoder;
use crate::{Error, Format, SinkOptions, Target};

/// What a sink has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows.
    pub rows: u64,
    /// Bytes that went to the target, after compression.
    pub bytes: u64,
}

/// Writes record batches. Without [`finish`](Self::finish) there is no output file.
pub struct Sink {
    encoder: Encoder,
    schema: SchemaRef,
    target: String,
    progress: Arc<Progress>,
    rows: u64,
}

enum Encoder {
    Text(Box<TextEncoder>),
    Parquet(Box<ParquetEncoder>),
    Ipc(Box<IpcEncoder>),
}

impl Sink {
    /// Opens the target. Nothing is touched when the schema or the options cannot be had.
    pub fn create(target: &Target, schema: SchemaRef, options: SinkOptions) -> Result<Self, Error> {
        check(&schema, &options)?;
        let output = Output::open(target, options.force)?;
        Self::begin(output, target.describe(), schema, options)
    }

    /// Writes to any writer, which is flushed at the end.
    pub fn to_writer(
        writer: impl Write + Send + 'static,
        schema: SchemaRef,
        options: SinkOptions,
    ) -> Result<Self, Error> {
        check(&schema, &options)?;
        Self::begin(Output::to_writer(Box::new(writer)), "the writer".to_owned(), schema, options)
    }

    fn begin(
        output: Output,
        target: String,
        schema: SchemaRef,
        options: SinkOptions,
    ) -> Result<Self, Error> {
        let progress = output.progress();
        let encoder = match options.format {
            Format::Csv | Format::JsonLines => TextEncoder::new(output, &schema, &options)
                .map(|encoder| Encoder::Text(Box::new(encoder)))
                .map_err(|e| progress.error(&target, &e))?,
            Format::Parquet => ParquetEncoder::new(output, &schema, options)
                .map(|encoder| Encoder::Parquet(Box::new(encoder)))
                .map_err(|e| progress.error(&target, &e))?,
            Format::ArrowFile | Format::ArrowStream => IpcEncoder::new(output, &schema, &options)
                .map(|encoder| Encoder::Ipc(Box::new(encoder)))
                .map_err(|e| progress.error(&target, &e))?,
        };
        Ok(Self { encoder, schema, target, progress, rows: 0 })
    }

    /// Writes the batch's rows; its columns must be those of the sink's schema.
    ///
    /// After an error the sink is of no more use, and its output is not kept.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        if !Arc::ptr_eq(&self.schema, batch.schema_ref()) {
            same_columns(&self.schema, batch.schema_ref())?;
        }
        let (progress, target) = (&self.progress, &self.target);
        match &mut self.encoder {
            Encoder::Text(text) => text.write(batch).map_err(|e| progress.error(target, &e))?,
            Encoder::Parquet(p) => p.write(batch).map_err(|e| progress.error(target, &e))?,
            Encoder::Ipc(ipc) => ipc.write(batch).map_err(|e| progress.error(target, &e))?,
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Writes the end of the format and gives the file its name.
    pub fn finish(self) -> Result<Written, Error> {
        let (progress, target) = (&self.progress, &self.target);
        let output = match self.encoder {
            Encoder::Text(text) => text.finish().map_err(|e| progress.error(target, &e))?,
            Encoder::Parquet(p) => p.finish().map_err(|e| progress.error(target, &e))?,
            Encoder::Ipc(ipc) => ipc.finish().map_err(|e| progress.error(target, &e))?,
        };
        output.commit(target)?;
        Ok(Written { rows: self.rows, bytes: progress.bytes() })
    }

    /// What has gone out so far: all rows that were handed over, and those bytes that have left the buffers.
    pub fn written(&self) -> Written {
        Written { rows: self.rows, bytes: self.progress.bytes() }
    }

    /// The columns that batches must have.
    pub const fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink")
            .field("target", &self.target)
            .field("written", &self.written())
            .finish_non_exhaustive()
    }
}

fn check(schema: &Schema, options: &SinkOptions) -> Result<(), Error> {
    options.check()?;
    let mut names = HashSet::new();
    for field in schema.fields() {
        if !names.insert(field.name()) {
            return Err(Error::DuplicateColumn { column: field.name().clone() });
        }
        let is_supported = match options.format {
            Format::Csv | Format::JsonLines => has_text(field.data_type()),
            Format::Parquet => parquet::has_type(field.data_type()),
            Format::ArrowFile | Format::ArrowStream => true,
        };
        if !is_supported {
            return Err(Error::UnsupportedType {
                column: field.name().clone(),
                data_type: field.data_type().to_string(),
                format: options.format,
            });
        }
    }
    Ok(())
}

fn same_columns(expected: &Schema, found: &Schema) -> Result<(), Error> {
    let (ours, theirs) = (expected.fields(), found.fields());
    if ours.len() != theirs.len() {
        return Err(Error::SchemaMismatch {
            expected: format!("{} columns", ours.len()),
            found: format!("{} columns", theirs.len()),
        });
    }
    let same = |a: &Field, b: &Field| a.name() == b.name() && a.data_type() == b.data_type();
    match ours.iter().zip(theirs).find(|(a, b)| !same(a, b)) {
        None => Ok(()),
        Some((a, b)) => Err(Error::SchemaMismatch {
            expected: format!("`{}` of type {}", a.name(), a.data_type()),
            found: format!("`{}` of type {}", b.name(), b.data_type()),
        }),
    }
}
