//! Parquet and Arrow IPC: what Arrow's own readers read is what was written.

use std::io::Cursor;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{DataType, Field, Schema, SchemaRef, UnionFields, UnionMode};
use arrow_select::concat::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::basic::Encoding;
use parquet::file::metadata::RowGroupMetaData;
use proptest::prelude::*;
use rheos_core::Seed;
use rheos_sink::{Compression, Error, Format, Sink, SinkOptions};

use super::batches::{Memory, batch, rows, written};

/// All rows of a file in memory, as one batch.
fn read(format: Format, bytes: Vec<u8>) -> RecordBatch {
    let (schema, batches): (SchemaRef, Vec<RecordBatch>) = match format {
        Format::Parquet => {
            let builder =
                ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
            let schema = Arc::clone(builder.schema());
            (schema, builder.build().unwrap().collect::<Result<_, _>>().unwrap())
        }
        Format::ArrowFile => {
            let reader = FileReader::try_new(Cursor::new(bytes), None).unwrap();
            (reader.schema(), reader.collect::<Result<_, _>>().unwrap())
        }
        _ => {
            let reader = StreamReader::try_new(Cursor::new(bytes), None).unwrap();
            (reader.schema(), reader.collect::<Result<_, _>>().unwrap())
        }
    };
    concat_batches(&schema, &batches).unwrap()
}

fn columnar() -> impl Strategy<Value = SinkOptions> {
    let choices = [
        (Format::Parquet, Compression::Zstd),
        (Format::Parquet, Compression::Snappy),
        (Format::Parquet, Compression::None),
        (Format::ArrowFile, Compression::None),
        (Format::ArrowFile, Compression::Zstd),
        (Format::ArrowStream, Compression::None),
        (Format::ArrowStream, Compression::Zstd),
    ];
    prop::sample::select(choices.to_vec()).prop_map(|(format, compression)| {
        let mut options = SinkOptions::new(format);
        options.compression = compression;
        options.metadata.insert("seed".to_owned(), "7".to_owned());
        options
    })
}

/// Dictionaries become the texts they stand for.
fn plain(batch: &RecordBatch) -> RecordBatch {
    let at = batch.schema().index_of("word").unwrap();
    let words = batch.column(at);
    let words = match words.as_any_dictionary_opt() {
        Some(dictionary) => {
            arrow_select::take::take(dictionary.values(), dictionary.keys(), None).unwrap()
        }
        None => Arc::clone(words),
    };
    let mut columns = batch.columns().to_vec();
    columns[at] = words;
    let old = batch.schema();
    let fields = columns.iter().zip(old.fields()).map(|(array, field)| {
        Field::new(field.name(), array.data_type().clone(), true)
            .with_metadata(field.metadata().clone())
    });
    let schema = Schema::new(fields.collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

proptest! {
    #[test]
    fn rows_types_nulls_and_metadata_read_back(
        parts in prop::collection::vec(rows(), 0..4),
        options in columnar(),
    ) {
        let batches: Vec<_> = parts.iter().map(|rows| batch(rows)).collect();
        let schema = batch(&[]).schema();
        let format = options.format;
        let (bytes, counts) = written(&schema, &batches, options).unwrap();
        prop_assert_eq!(counts.rows, parts.iter().map(|p| p.len() as u64).sum::<u64>());
        let back = read(format, bytes);
        let read_schema = back.schema();
        prop_assert_eq!(read_schema.metadata().get("seed").map(String::as_str), Some("7"));
        let expected = concat_batches(&schema, &batches).unwrap();
        prop_assert_eq!(plain(&back), plain(&expected));
        let is_file = format == Format::ArrowFile;
        prop_assert_eq!(back.schema().field_with_name("word").unwrap().data_type().is_dictionary(), !is_file);
    }
}

trait IsDictionary {
    fn is_dictionary(&self) -> bool;
}

impl IsDictionary for DataType {
    fn is_dictionary(&self) -> bool {
        matches!(self, Self::Dictionary(..))
    }
}

/// Columns whose best encodings differ.
fn mixed(rows: u64, seed: u64) -> RecordBatch {
    let mut rng = Seed(seed).rng();
    let mut noise = || (0..rows).map(|_| rng.unit()).collect::<Vec<f64>>();
    RecordBatch::try_from_iter(vec![
        ("noise", Arc::new(Float64Array::from(noise())) as _),
        (
            "repeated",
            Arc::new(Float64Array::from_iter_values((0..rows).map(|i| (i % 3) as f64))) as _,
        ),
        ("counter", Arc::new(UInt64Array::from_iter_values(0..rows)) as _),
        (
            "word",
            Arc::new(StringArray::from_iter_values((0..rows).map(|i| format!("w{}", i % 5)))) as _,
        ),
    ])
    .unwrap()
}

#[test]
fn parquet_has_metadata_statistics_and_fitting_encodings() {
    let batch = mixed(5_000, 1);
    let mut options = SinkOptions::new(Format::Parquet);
    options.metadata.insert("rheos.config".to_owned(), "abc".to_owned());
    let (bytes, _) = written(&batch.schema(), std::slice::from_ref(&batch), options).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
    let file = builder.metadata().file_metadata();
    assert!(file.created_by().unwrap().starts_with("rheos version "));
    let pairs = file.key_value_metadata().unwrap();
    assert!(pairs.iter().any(|kv| kv.key == "rheos.config" && kv.value.as_deref() == Some("abc")));

    // Readers that know Arrow take its schema and leave the file's own pairs aside.
    let arrow: Vec<_> = pairs.iter().filter(|pair| pair.key == "ARROW:schema").cloned().collect();
    let schema = parquet_to_arrow_schema(file.schema_descr(), Some(&arrow)).unwrap();
    assert_eq!(schema.metadata().get("rheos.config").map(String::as_str), Some("abc"));
    let group = builder.metadata().row_group(0);
    let encodings: Vec<Vec<Encoding>> =
        group.columns().iter().map(|c| c.encodings().collect()).collect();
    assert!(!encodings[0].contains(&Encoding::RLE_DICTIONARY), "{encodings:?}");
    assert!(encodings[1].contains(&Encoding::RLE_DICTIONARY), "{encodings:?}");
    assert!(encodings[2].contains(&Encoding::DELTA_BINARY_PACKED), "{encodings:?}");
    assert!(encodings[3].contains(&Encoding::RLE_DICTIONARY), "{encodings:?}");
    assert!(group.columns().iter().all(|c| c.statistics().is_some()));
    assert!(group.compressed_size() < group.total_byte_size());
}

#[test]
fn row_groups_end_by_bytes_and_by_rows() {
    let batches: Vec<_> = (0..10).map(|i| mixed(4_096, i)).collect();
    let groups = |change: fn(&mut SinkOptions)| {
        let mut options = SinkOptions::new(Format::Parquet);
        change(&mut options);
        let (bytes, counts) = written(&batches[0].schema(), &batches, options).unwrap();
        assert_eq!(counts.rows, 40_960);
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
        builder.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect::<Vec<_>>()
    };
    assert_eq!(groups(|_| {}), [40_960]);
    assert_eq!(groups(|o| o.row_group_rows = 16_384), [16_384, 16_384, 8_192]);
    assert!(groups(|o| o.row_group_bytes = 100_000).len() > 2);
    // A file can have 32 767 row groups: they do not get arbitrarily small.
    let smallest = groups(|o| (o.row_group_bytes, o.row_group_rows) = (0, 0));
    assert!(smallest.iter().all(|&rows| rows == 1_024), "{smallest:?}");
}

#[test]
fn no_rows_make_a_valid_file() {
    let schema = batch(&[]).schema();
    for format in [Format::Parquet, Format::ArrowFile, Format::ArrowStream] {
        for batches in [vec![], vec![batch(&[])]] {
            let (bytes, counts) = written(&schema, &batches, SinkOptions::new(format)).unwrap();
            assert_eq!(counts.rows, 0);
            assert_eq!(read(format, bytes).num_rows(), 0);
        }
    }
}

#[test]
fn memory_is_flat_because_bytes_leave_while_rows_come() {
    let batch = mixed(8_192, 3);
    for format in Format::ALL {
        let memory = Memory::default();
        let mut options = SinkOptions::new(format);
        options.row_group_bytes = 1 << 20;
        let mut sink = Sink::to_writer(memory, batch.schema(), options).unwrap();
        for _ in 0..100 {
            sink.write(&batch).unwrap();
        }
        let before = sink.written().bytes;
        let total = sink.finish().unwrap().bytes;
        assert!(total > 4 << 20, "{format}: {total}");
        assert!(total - before < 3 << 20, "{format}: {before} of {total}");
    }
}

#[test]
fn types_that_parquet_lacks_are_refused_at_the_start() {
    let union = DataType::Union(UnionFields::empty(), UnionMode::Sparse);
    let list = DataType::List(Arc::new(Field::new_list_field(union, true)));
    let schema = Arc::new(Schema::new(vec![Field::new("odd", list, true)]));
    let error = Sink::to_writer(Memory::default(), schema, SinkOptions::new(Format::Parquet));
    let error = error.unwrap_err();
    assert!(matches!(&error, Error::UnsupportedType { column, .. } if column == "odd"), "{error}");
    assert!(error.hint().unwrap().contains(".arrow"));
}

#[test]
fn integers_keep_all_bits() {
    let edges = Int64Array::from(vec![i64::MIN, -1, 0, 1, i64::MAX]);
    let large = UInt64Array::from(vec![0, 1, u64::MAX - 1, u64::MAX, 1 << 63]);
    let batch =
        RecordBatch::try_from_iter(vec![("i", Arc::new(edges) as _), ("u", Arc::new(large) as _)])
            .unwrap();
    for format in [Format::Parquet, Format::ArrowFile, Format::ArrowStream] {
        let options = SinkOptions::new(format);
        let (bytes, _) = written(&batch.schema(), std::slice::from_ref(&batch), options).unwrap();
        assert_eq!(read(format, bytes).columns(), batch.columns());
    }
}
