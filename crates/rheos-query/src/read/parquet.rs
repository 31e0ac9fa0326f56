//! Parquet: only the wanted columns, a row group at a time, and only those that may match.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatchReader;
use arrow_schema::{ArrowError, DataType, TimeUnit};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;

use crate::convert::is_readable;
use crate::filter::BlockFilter;
use crate::{Error, FlowColumn, FlowColumns};

/// Rows that are decoded at once: their columns stay in the second-level cache, and in memory that is used again.
const BATCH_ROWS: usize = 16 << 10;

/// Where the bytes are. A file is read at places, not from its position, which threads would share.
#[derive(Clone)]
enum Store {
    File(Arc<File>, u64),
    Held(Bytes),
}

/// Reads on from a place.
struct ReadFrom {
    store: Store,
    at: u64,
}

impl Length for Store {
    fn len(&self) -> u64 {
        match self {
            Self::File(_, len) => *len,
            Self::Held(bytes) => bytes.len() as u64,
        }
    }
}

impl ChunkReader for Store {
    type T = io::BufReader<ReadFrom>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(io::BufReader::new(ReadFrom { store: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // Damaged files name places that they do not have.
        let end = start.checked_add(length as u64).filter(|end| *end <= self.len());
        let end = end.ok_or_else(|| ParquetError::EOF("a part lies beyond the end".to_owned()))?;
        match self {
            Self::File(file, _) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, start)?;
                Ok(bytes.into())
            }
            Self::Held(bytes) => Ok(bytes.slice(start as usize..end as usize)),
        }
    }
}

impl Read for ReadFrom {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &self.store {
            Store::File(file, _) => file.read_at(buffer, self.at)?,
            Store::Held(bytes) => {
                let start = usize::try_from(self.at).unwrap_or(usize::MAX).min(bytes.len());
                (&bytes[start..]).read(buffer)?
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}

/// An opened file.
pub(super) struct ParquetFile {
    store: Store,
    metadata: ArrowReaderMetadata,
    /// The leaf of each column of flows.
    leaves: Vec<(FlowColumn, usize)>,
}

/// A part of a file.
pub(super) struct RowGroup {
    file: Arc<ParquetFile>,
    pub(super) number: usize,
}

impl ParquetFile {
    pub(super) fn open(file: File, size: u64, name: &str) -> Result<Self, Error> {
        Self::new(Store::File(Arc::new(file), size), name)
    }

    pub(super) fn held(bytes: Bytes, name: &str) -> Result<Self, Error> {
        Self::new(Store::Held(bytes), name)
    }

    fn new(store: Store, name: &str) -> Result<Self, Error> {
        // What Arrow noted of dictionaries and the like does not matter to us.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        // The library checks lengths, but not everything that it multiplies and subtracts.
        let load = AssertUnwindSafe(|| ArrowReaderMetadata::load(&store, options));
        let metadata = catch_unwind(load);
        let metadata = metadata
            .map_err(|_| Error::damaged(name, "its end", &"the decoder gave up"))?
            .map_err(|error| Error::damaged(name, "its end", &error))?;
        let mut leaves: Vec<(FlowColumn, usize)> = Vec::new();
        for (leaf, descriptor) in metadata.parquet_schema().columns().iter().enumerate() {
            // A field within a struct has a longer path.
            let [field] = descriptor.path().parts() else { continue };
            let column = FlowColumn::named(field);
            if let Some(column) = column.filter(|c| leaves.iter().all(|(known, _)| known != c)) {
                leaves.push((column, leaf));
            }
        }
        Ok(Self { store, metadata, leaves })
    }

    /// The columns of flows that it has.
    pub(super) fn columns(&self) -> FlowColumns {
        self.leaves.iter().map(|(column, _)| *column).collect()
    }

    pub(super) fn row_group(self: &Arc<Self>, number: usize) -> Option<RowGroup> {
        let exists = number < self.metadata.metadata().num_row_groups();
        exists.then(|| RowGroup { file: Arc::clone(self), number })
    }
}

impl RowGroup {
    /// Its share of the file.
    pub(super) fn bytes(&self) -> u64 {
        let group = self.file.metadata.metadata().row_groups().get(self.number);
        group.map_or(0, |group| u64::try_from(group.compressed_size()).unwrap_or(0))
    }

    /// How many rows it has, if by its statistics none can pass the filter.
    pub(super) fn excluded(&self, filter: &BlockFilter) -> Option<u64> {
        let group = self.file.metadata.metadata().row_groups().get(self.number)?;
        let bounds = |column: FlowColumn| {
            let (_, leaf) = self.file.leaves.iter().find(|(known, _)| *known == column)?;
            let descriptor = self.file.metadata.parquet_schema().column(*leaf);
            let field = self.file.metadata.schema().field_with_name(descriptor.name()).ok()?;
            let chunk = group.columns().get(*leaf)?;
            let statistics = chunk.statistics()?;
            // Nulls are read as 0, which is within no bounds.
            (statistics.null_count_opt() == Some(0))
                .then(|| bounds(statistics, field.data_type()))?
        };
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        filter.excludes(&bounds).then_some(rows)
    }

    /// How many rows it says it has.
    pub(super) fn rows(&self) -> usize {
        let group = self.file.metadata.metadata().row_groups().get(self.number);
        group.map_or(0, |group| usize::try_from(group.num_rows()).unwrap_or(0))
    }

    /// Its rows in batches; of some numbers of batches only, if they are told.
    pub(super) fn read(
        &self,
        wanted: FlowColumns,
        batches: Option<&[usize]>,
    ) -> Result<Box<dyn Iterator<Item = Result<arrow_array::RecordBatch, ArrowError>>>, ParquetError>
    {
        let file = &self.file;
        let leaves = file.leaves.iter().filter(|(column, _)| wanted.contains(*column));
        let leaves: Vec<usize> = leaves.map(|(_, leaf)| *leaf).collect();
        let mask = ProjectionMask::leaves(file.metadata.parquet_schema(), leaves);
        let metadata = file.metadata.clone();
        let store = file.store.clone();
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(store, metadata)
            .with_projection(mask)
            .with_row_groups(vec![self.number])
            .with_batch_size(BATCH_ROWS);
        if let Some(batches) = batches {
            let rows = self.rows();
            let range = |&n: &usize| (n * BATCH_ROWS).min(rows)..((n + 1) * BATCH_ROWS).min(rows);
            let ranges = batches.iter().map(range);
            builder =
                builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges, rows));
        }
        let reader = builder.build()?;
        let schema = reader.schema();
        for field in schema.fields() {
            let column = FlowColumn::named(field.name());
            if column.is_some_and(|column| !is_readable(column, field.data_type())) {
                let what = format!("column `{}` has type {}", field.name(), field.data_type());
                return Err(ParquetError::General(what));
            }
        }
        Ok(Box::new(reader))
    }
}

/// The least and the greatest value, if they are whole numbers in our units.
fn bounds(statistics: &Statistics, data_type: &DataType) -> Option<(u64, u64)> {
    let is_ours = data_type.is_unsigned_integer()
        || data_type.is_signed_integer()
        || matches!(data_type, DataType::Timestamp(TimeUnit::Nanosecond, _));
    if !is_ours {
        return None;
    }
    // Parquet keeps unsigned numbers in signed ones of the same size.
    let (low, high) = match statistics {
        Statistics::Int32(values) => {
            let number = |value: i32| {
                if data_type.is_unsigned_integer() {
                    Some(u64::from(value.cast_unsigned()))
                } else {
                    u64::try_from(value).ok()
                }
            };
            (number(*values.min_opt()?)?, number(*values.max_opt()?)?)
        }
        Statistics::Int64(values) => {
            let number = |value: i64| {
                if data_type.is_unsigned_integer() {
                    Some(value.cast_unsigned())
                } else {
                    u64::try_from(value).ok()
                }
            };
            (number(*values.min_opt()?)?, number(*values.max_opt()?)?)
        }
        _ => return None,
    };
    (low <= high).then_some((low, high))
}
