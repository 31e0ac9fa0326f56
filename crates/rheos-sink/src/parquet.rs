//! Apache Parquet, tuned for wide rows of numbers.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema, SchemaRef};
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression as Codec, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};

use crate::output::Output;
use crate::sample::{Layout, layouts};
use crate::{Compression, SinkOptions};

/// Uncompressed bytes of a page: large enough that its header does not count, small enough that the pages and
/// compression windows of hundreds of columns stay in the cache.
const PAGE_BYTES: usize = 64 << 10;

/// Rows of a page, for columns whose values take next to nothing.
const PAGE_ROWS: usize = 64 << 10;

/// Row groups do not get smaller than this, since a file can have 32 767 of them.
const GROUP_BYTES_MIN: usize = 64 << 10;
const GROUP_ROWS_MIN: usize = 1 << 10;

/// A dictionary that outgrows this is given up by the writer.
const DICTIONARY_BYTES: usize = 256 << 10;

/// Values that the writer handles at once. The default of 1024 costs more calls than it saves memory.
const CHUNK: usize = 4096;

/// Begins to write with the first batch, whose values tell how to encode the columns.
pub(crate) struct ParquetEncoder {
    schema: SchemaRef,
    options: SinkOptions,
    state: State,
}

enum State {
    Waiting(Output),
    Writing(Box<ArrowWriter<Output>>),
    /// Only while the writer is made.
    Between,
}

impl ParquetEncoder {
    pub(crate) fn new(
        output: Output,
        schema: &SchemaRef,
        options: SinkOptions,
    ) -> Result<Self, ParquetError> {
        // What else Parquet cannot have is refused before any work is done.
        ArrowSchemaConverter::new().convert(schema)?;
        // Readers that know Arrow take the schema's metadata and leave the file's own aside.
        let mut metadata = schema.metadata().clone();
        metadata.extend(options.metadata.iter().map(|(k, v)| (k.clone(), v.clone())));
        let schema = Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata));
        Ok(Self { schema, options, state: State::Waiting(output) })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.writer(batch)?.write(batch)
    }

    pub(crate) fn finish(mut self) -> Result<Output, ParquetError> {
        let empty = RecordBatch::new_empty(Arc::clone(&self.schema));
        self.writer(&empty)?;
        match self.state {
            State::Writing(writer) => writer.into_inner(),
            State::Waiting(_) | State::Between => Err(no_writer()),
        }
    }

    fn writer(&mut self, first: &RecordBatch) -> Result<&mut ArrowWriter<Output>, ParquetError> {
        if let State::Waiting(_) = self.state {
            let State::Waiting(output) = std::mem::replace(&mut self.state, State::Between) else {
                return Err(no_writer());
            };
            let properties = properties(&self.schema, first, &self.options)?;
            let schema = Arc::clone(&self.schema);
            let writer = ArrowWriter::try_new(output, schema, Some(properties))?;
            self.state = State::Writing(Box::new(writer));
        }
        match &mut self.state {
            State::Writing(writer) => Ok(writer),
            State::Waiting(_) | State::Between => Err(no_writer()),
        }
    }
}

/// Whether Parquet has a type for it, inside lists and structs too.
pub(crate) fn has_type(data_type: &DataType) -> bool {
    match data_type {
        DataType::Union(..) | DataType::RunEndEncoded(..) | DataType::Interval(_) => false,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::Map(item, _) => has_type(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| has_type(field.data_type())),
        DataType::Dictionary(_, value) => has_type(value),
        _ => true,
    }
}

/// After a failure to begin, every further call fails too.
#[cold]
fn no_writer() -> ParquetError {
    ParquetError::General("the file could not be begun".to_owned())
}

fn properties(
    schema: &Schema,
    first: &RecordBatch,
    options: &SinkOptions,
) -> Result<WriterProperties, ParquetError> {
    let codec = match options.compression {
        Compression::Zstd => Codec::ZSTD(ZstdLevel::try_new(options.level.unwrap_or(1))?),
        Compression::Snappy => Codec::SNAPPY,
        Compression::None | Compression::Gzip => Codec::UNCOMPRESSED,
    };
    let metadata = options.metadata.iter();
    let metadata = metadata.map(|(k, v)| KeyValue::new(k.clone(), v.clone())).collect();
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("rheos version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(codec)
        .set_key_value_metadata(Some(metadata))
        .set_max_row_group_bytes(Some(options.row_group_bytes.max(GROUP_BYTES_MIN)))
        .set_max_row_group_row_count(Some(options.row_group_rows.max(GROUP_ROWS_MIN)))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_write_batch_size(CHUNK)
        // Row groups are what readers skip; page indexes of wide rows cost more than they save.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    let descriptor = ArrowSchemaConverter::new().convert(schema)?;
    let layouts = layouts(schema, first);
    // A struct has several leaves; its columns keep the writer's defaults.
    if descriptor.num_columns() == layouts.len() {
        for (column, layout) in descriptor.columns().iter().zip(layouts) {
            builder = with_layout(builder, column.path().clone(), layout);
        }
    }
    Ok(builder.build())
}

fn with_layout(
    builder: WriterPropertiesBuilder,
    path: parquet::schema::types::ColumnPath,
    layout: Layout,
) -> WriterPropertiesBuilder {
    let builder = builder.set_column_dictionary_enabled(path.clone(), layout == Layout::Dictionary);
    match layout {
        Layout::Dictionary | Layout::Plain => builder,
        Layout::Delta => builder.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
    }
}
