//! Rows of others in: small files with labels or expected values, as one record batch.
//!
//! The content tells the format, not the name: Parquet by its magic, JSON (an array of objects, or one object per line)
//! by its first character, everything else is CSV; gzip and zstd around text are undone. The whole file is held in
//! memory, so its size is [bounded](ReadLimits).

mod csv;
mod json;
mod types;

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::Builder;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use flate2::read::MultiGzDecoder;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

pub use types::typed;

use crate::Error;

/// Name of the threads that decode Parquet files. They may panic over damaged files, which is told as
/// [`Error::NotRows`]: a program's panic hook can be silent about them.
pub const READER_THREAD: &str = "rows-in";

/// How much is read at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Bytes of the file after decompression.
    pub bytes_max: u64,
    /// Rows times columns.
    pub cells_max: u64,
}

impl Default for ReadLimits {
    /// 1 GiB, 64 Mi cells.
    fn default() -> Self {
        Self { bytes_max: 1 << 30, cells_max: 64 << 20 }
    }
}

/// What a file of rows was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowsFormat {
    /// Comma-separated values: every column is text.
    Csv,
    /// JSON Lines, or an array of objects.
    Json,
    /// Parquet.
    Parquet,
}

/// Reads all rows of a file; `-` is standard input, for text only.
///
/// Columns of CSV are text, an empty field is null and `""` is the empty string: [`typed`] makes numbers and truth
/// values of them. Columns of JSON have the type of all their values, or are text.
///
/// # Errors
/// If the file cannot be read, is no such file, or is beyond the limits.
pub fn read_rows(path: &Path, limits: ReadLimits) -> Result<(RecordBatch, RowsFormat), Error> {
    let source = Source { path, limits };
    if path == Path::new("-") {
        return source.text(std::io::stdin());
    }
    let mut file = File::open(path).map_err(|error| Error::io("read", path, error))?;
    let mut magic = Vec::new();
    file.by_ref()
        .take(8)
        .read_to_end(&mut magic)
        .map_err(|error| Error::io("read", path, error))?;
    let opened = || File::open(path).map_err(|error| Error::io("read", path, error));
    match magic.as_slice() {
        [b'P', b'A', b'R', b'1', ..] => {
            let file = opened()?;
            Ok((source.apart(|| source.parquet(file))?, RowsFormat::Parquet))
        }
        // The decoder believes lengths that damaged files tell, and asks for that much memory.
        b"ARROW1\0\0" => Err(source.wrong(None, "Arrow IPC files are written, but not read")),
        [0x1f, 0x8b, ..] => source.text(MultiGzDecoder::new(Cursor::new(magic).chain(file))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let zstd = zstd::stream::read::Decoder::new(Cursor::new(magic).chain(file));
            source.text(zstd.map_err(|error| Error::io("read", path, error))?)
        }
        _ => source.text(Cursor::new(magic).chain(file)),
    }
}

/// A file that is being read, for messages and limits.
#[derive(Clone, Copy)]
struct Source<'a> {
    path: &'a Path,
    limits: ReadLimits,
}

impl Source<'_> {
    fn text(self, reader: impl Read) -> Result<(RecordBatch, RowsFormat), Error> {
        let mut bytes = Vec::new();
        BufReader::new(reader)
            .take(self.limits.bytes_max.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| Error::io("read", self.path, error))?;
        self.check_bytes(bytes.len() as u64)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = line_of(error.as_bytes(), error.utf8_error().valid_up_to());
            self.wrong(Some(line), "the text is not UTF-8")
        })?;
        // Spreadsheets put a byte order mark in front.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        if text.trim_start().starts_with(['{', '[']) {
            Ok((json::rows(self, text)?, RowsFormat::Json))
        } else {
            Ok((csv::rows(self, text)?, RowsFormat::Csv))
        }
    }

    /// Reads on a thread of its own: the decoder of Parquet panics over some damaged files, which is to be an
    /// error here.
    fn apart(
        self,
        read: impl FnOnce() -> Result<RecordBatch, Error> + Send,
    ) -> Result<RecordBatch, Error> {
        std::thread::scope(|scope| {
            let thread = Builder::new().name(READER_THREAD.to_owned()).spawn_scoped(scope, read);
            let thread = thread.map_err(|error| Error::io("read", self.path, error))?;
            thread.join().unwrap_or_else(|_| Err(self.wrong(None, "its contents are damaged")))
        })
    }

    fn parquet(self, file: File) -> Result<RecordBatch, Error> {
        let failed = |error: &dyn std::fmt::Display| self.wrong(None, &error.to_string());
        // Without the writer's own schema there are no dictionaries and other encodings of the same values.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
            .map_err(|error| failed(&error))?;
        let metadata = builder.metadata();
        let rows = metadata.file_metadata().num_rows().max(0).unsigned_abs();
        self.check_cells(rows, builder.schema().fields().len())?;
        let bytes = metadata.row_groups().iter().map(|g| g.total_byte_size().max(0).unsigned_abs());
        self.check_bytes(bytes.fold(0, u64::saturating_add))?;
        let schema = Arc::clone(builder.schema());
        let reader = builder.build().map_err(|error| failed(&error))?;
        self.collect(&schema, reader)
    }

    fn collect(
        self,
        schema: &SchemaRef,
        batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    ) -> Result<RecordBatch, Error> {
        let (mut all, mut rows) = (Vec::new(), 0);
        for batch in batches {
            let batch = batch.map_err(|error| self.wrong(None, &error.to_string()))?;
            rows += batch.num_rows() as u64;
            self.check_cells(rows, batch.num_columns())?;
            all.push(batch);
        }
        concat_batches(schema, &all).map_err(|error| self.wrong(None, &error.to_string()))
    }

    /// Named columns as a batch.
    fn batch(self, columns: Vec<(String, ArrayRef)>, rows: usize) -> Result<RecordBatch, Error> {
        let field = |(name, array): &(String, ArrayRef)| {
            Field::new(name.as_str(), array.data_type().clone(), true)
        };
        let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options)
            .map_err(|error| self.wrong(None, &error.to_string()))
    }

    fn check_cells(self, rows: u64, columns: usize) -> Result<(), Error> {
        if rows.saturating_mul(columns as u64) > self.limits.cells_max {
            let limit = format!("{} cells", self.limits.cells_max);
            return Err(Error::TooManyRows { path: self.path.to_owned(), limit });
        }
        Ok(())
    }

    fn check_bytes(self, bytes: u64) -> Result<(), Error> {
        if bytes > self.limits.bytes_max {
            let limit = format!("{} bytes", self.limits.bytes_max);
            return Err(Error::TooManyRows { path: self.path.to_owned(), limit });
        }
        Ok(())
    }

    #[cold]
    fn wrong(self, line: Option<usize>, why: &str) -> Error {
        Error::NotRows { path: PathBuf::from(self.path), line, why: why.to_owned() }
    }
}

/// The line, counted from 1, on which byte `at` of `text` lies.
fn line_of(text: &[u8], at: usize) -> usize {
    1 + text.iter().take(at).filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use arrow_array::cast::AsArray as _;
    use arrow_array::types::Int64Type;
    use arrow_schema::DataType;
    use proptest::prelude::*;

    use super::*;
    use crate::{Format, Sink, SinkOptions, Target};

    fn read(bytes: &[u8]) -> Result<(RecordBatch, RowsFormat), Error> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        read_rows(file.path(), ReadLimits::default())
    }

    #[test]
    fn the_content_tells_the_format() {
        let csv = b"name,packets\nweb,3\n\"\",\n";
        let (batch, format) = read(csv).unwrap();
        assert_eq!((batch.num_rows(), format), (2, RowsFormat::Csv));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(csv).unwrap();
        assert_eq!(read(&gzip.finish().unwrap()).unwrap().0, batch);
        let zstd = zstd::encode_all(&csv[..], 1).unwrap();
        assert_eq!(read(&zstd).unwrap().0, batch);
        assert_eq!(read(&[b"\xef\xbb\xbf", &csv[..]].concat()).unwrap().0, batch);
        let (lines, format) = read(b"{\"name\":\"web\",\"packets\":3}\n").unwrap();
        assert_eq!((lines.num_rows(), format), (1, RowsFormat::Json));
        assert_eq!(read(b"[{\"name\":\"web\",\"packets\":3}]").unwrap().0, lines);
    }

    #[test]
    fn what_sinks_write_reads_back() {
        let (rows, _) = read(b"name,packets\nweb,3\n\"\",\n").unwrap();
        let rows = typed(&rows);
        let folder = tempfile::tempdir().unwrap();
        for format in [Format::Csv, Format::JsonLines, Format::Parquet] {
            let path = folder.path().join(format.name());
            let mut sink =
                Sink::create(&Target::File(path.clone()), rows.schema(), SinkOptions::new(format))
                    .unwrap();
            sink.write(&rows).unwrap();
            sink.finish().unwrap();
            let (back, _) = read_rows(&path, ReadLimits::default()).unwrap();
            let back = typed(&back);
            assert_eq!(back.column(0), rows.column(0), "{format}");
            assert_eq!(back.column(1), rows.column(1), "{format}");
        }
        assert_eq!(rows.column(1).as_primitive::<Int64Type>().value(0), 3);
        assert_eq!(rows.column(0).data_type(), &DataType::Utf8);
    }

    #[test]
    fn limits_and_damage_are_errors() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"a,b\n1,2\n3,4\n").unwrap();
        let with = |bytes_max, cells_max| {
            read_rows(file.path(), ReadLimits { bytes_max, cells_max }).map(|_| ())
        };
        assert!(with(12, 4).is_ok());
        assert!(with(11, 4).unwrap_err().to_string().contains("more than 11 bytes"));
        assert!(with(12, 3).unwrap_err().to_string().contains("more than 3 cells"));
        assert!(read(b"PAR1 and nothing").is_err());
        assert!(read(b"ARROW1\0\0").is_err());
        assert!(read(b"\x1f\x8b\x08").is_err());
        let error = read(b"a\nb\n\xff\n").unwrap_err().to_string();
        assert!(error.contains("line 3"), "{error}");
        assert!(read_rows(Path::new("/nonexistent"), ReadLimits::default()).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn damaged_files_are_errors_or_rows(
            format in 0..3_usize,
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in proptest::option::of(any::<prop::sample::Index>()),
        ) {
            let rows = typed(&read(b"name,packets,share\nweb,3,0.5\n\"\",,\nmail,7,1e-9\n").unwrap().0);
            let format = [Format::Csv, Format::JsonLines, Format::Parquet][format];
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("rows");
            let target = Target::File(path.clone());
            let mut sink = Sink::create(&target, rows.schema(), SinkOptions::new(format)).unwrap();
            sink.write(&rows).unwrap();
            sink.finish().unwrap();
            let mut bytes = std::fs::read(&path).unwrap();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            let limits = ReadLimits { bytes_max: 1 << 20, cells_max: 1 << 16 };
            std::fs::write(&path, &bytes).unwrap();
            if let Ok((rows, _)) = read_rows(&path, limits) {
                prop_assert!(typed(&rows).num_rows() <= 1 << 16);
            }
        }
    }
}
