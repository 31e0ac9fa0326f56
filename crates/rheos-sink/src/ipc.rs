//! Arrow IPC, file and stream.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use crate::output::Output;
use crate::{Compression, Format, SinkOptions};

pub(crate) struct IpcEncoder {
    schema: SchemaRef,
    writer: Writer,
}

enum Writer {
    File(Box<FileWriter<Output>>),
    Stream(Box<StreamWriter<Output>>),
}

impl IpcEncoder {
    pub(crate) fn new(
        output: Output,
        schema: &Schema,
        options: &SinkOptions,
    ) -> Result<Self, ArrowError> {
        let mut metadata = schema.metadata().clone();
        metadata.extend(options.metadata.iter().map(|(k, v)| (k.clone(), v.clone())));
        let is_file = options.format == Format::ArrowFile;
        let fields: Vec<Field> = schema
            .fields()
            .iter()
            .map(|field| if is_file { without_dictionary(field) } else { field.as_ref().clone() })
            .collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
        let mut write = IpcWriteOptions::default();
        if options.compression == Compression::Zstd {
            write = write
                .try_with_compression(Some(CompressionType::ZSTD))?
                .try_with_compression_level(Some(options.level.unwrap_or(1)))?;
        }
        let writer = if is_file {
            Writer::File(Box::new(FileWriter::try_new_with_options(output, &schema, write)?))
        } else {
            Writer::Stream(Box::new(StreamWriter::try_new_with_options(output, &schema, write)?))
        };
        Ok(Self { schema, writer })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns: Vec<ArrayRef> = columns
            .map(|(array, field)| {
                if array.data_type() == field.data_type() {
                    Ok(Arc::clone(array))
                } else {
                    decoded(array)
                }
            })
            .collect::<Result<_, _>>()?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        match &mut self.writer {
            Writer::File(writer) => writer.write(&batch),
            Writer::Stream(writer) => writer.write(&batch),
        }
    }

    pub(crate) fn finish(self) -> Result<Output, ArrowError> {
        match self.writer {
            Writer::File(writer) => writer.into_inner(),
            Writer::Stream(writer) => writer.into_inner(),
        }
    }
}

/// A dictionary column as a column of its values: in an IPC file all batches must share one dictionary,
/// which would have to be known before the first batch.
fn without_dictionary(field: &Field) -> Field {
    match field.data_type() {
        DataType::Dictionary(_, value) => field.clone().with_data_type(value.as_ref().clone()),
        _ => field.clone(),
    }
}

fn decoded(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let dictionary = array.as_any_dictionary();
    arrow_select::take::take(dictionary.values(), dictionary.keys(), None)
}
