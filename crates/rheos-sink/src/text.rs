//! Rows as text, in a reusable buffer.

use std::io;

use arrow_array::RecordBatch;
use arrow_schema::Schema;

use crate::columns::Column;
use crate::json::Names;
use crate::output::Output;
use crate::stream::Stream;
use crate::{Format, SinkOptions, csv};

/// The buffer goes out when it has this many bytes.
const BLOCK: usize = 128 << 10;

pub(crate) struct TextEncoder {
    /// JSON Lines if there are names, else CSV.
    json: Option<Names>,
    block: Vec<u8>,
    stream: Stream,
}

impl TextEncoder {
    pub(crate) fn new(output: Output, schema: &Schema, options: &SinkOptions) -> io::Result<Self> {
        let names = || schema.fields().iter().map(|field| field.name().as_str());
        let mut block = Vec::with_capacity(BLOCK + BLOCK / 4);
        let is_json = options.format == Format::JsonLines;
        let json = is_json.then(|| Names::new(names(), options.json_nulls));
        if !is_json && options.csv_header {
            csv::header(&mut block, names());
        }
        Ok(Self { json, block, stream: Stream::new(output, options.compression, options.level)? })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        // The sink has refused schemas with other types.
        let columns: Vec<Column<'_>> =
            batch.columns().iter().filter_map(|array| Column::new(array.as_ref())).collect();
        for row in 0..batch.num_rows() {
            match &self.json {
                Some(names) => names.row(&mut self.block, &columns, row),
                None => csv::row(&mut self.block, &columns, row),
            }
            if self.block.len() >= BLOCK {
                self.stream.write_all(&self.block)?;
                self.block.clear();
            }
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<Output> {
        self.stream.write_all(&self.block)?;
        self.stream.finish()
    }
}
