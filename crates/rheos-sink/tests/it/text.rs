//! CSV and JSON Lines: what the `csv` and `serde_json` crates read is what was written.

use std::io::Read as _;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float64Array, Int32Array, NullArray, RecordBatch, StringArray,
    TimestampMillisecondArray, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema};
use proptest::prelude::*;
use rheos_sink::{Compression, Error, Format, JsonNulls, Sink, SinkOptions};
use serde_json::Value;

use super::batches::{Memory, NAMES, Row, batch, narrow_words, rows, written};

/// A batch from named columns.
fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true)))
        .unwrap()
}

fn text_of(batch: &RecordBatch, options: SinkOptions) -> String {
    let (bytes, _) = written(&batch.schema(), std::slice::from_ref(batch), options).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn csv_tells_null_from_empty_and_quotes_what_needs_it() {
    let batch = table(vec![
        ("a,b", Arc::new(StringArray::from(vec![Some("x"), Some(""), None, Some("say \"hi\"\n")]))),
        ("n", Arc::new(Float64Array::from(vec![Some(0.1), Some(f64::NAN), None, Some(1e21)]))),
        ("w", narrow_words(&["b", "a", "b", ""])),
    ]);
    let text = text_of(&batch, SinkOptions::new(Format::Csv));
    assert_eq!(text, "\"a,b\",n,w\nx,0.1,b\n\"\",,a\n,,b\n\"say \"\"hi\"\"\n\",1e+21,\"\"\n");
    let mut options = SinkOptions::new(Format::Csv);
    options.csv_header = false;
    assert!(text_of(&batch, options).starts_with("x,0.1"));
}

#[test]
fn json_lines_write_or_omit_nulls() {
    let batch = table(vec![
        ("q\"", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]))),
        ("f", Arc::new(Float64Array::from(vec![Some(f64::INFINITY), Some(-0.5)]))),
        ("t", Arc::new(TimestampMillisecondArray::from(vec![Some(1), None]).with_timezone("UTC"))),
        ("z", Arc::new(NullArray::new(2))),
    ]);
    let mut options = SinkOptions::new(Format::JsonLines);
    assert_eq!(
        text_of(&batch, options.clone()),
        concat!(
            r#"{"q\"":18446744073709551615,"f":null,"t":"1970-01-01T00:00:00.001Z","z":null}"#,
            "\n",
            r#"{"q\"":null,"f":-0.5,"t":null,"z":null}"#,
            "\n"
        )
    );
    options.json_nulls = JsonNulls::Omit;
    assert_eq!(
        text_of(&batch, options.clone()),
        concat!(
            r#"{"q\"":18446744073709551615,"t":"1970-01-01T00:00:00.001Z"}"#,
            "\n",
            r#"{"f":-0.5}"#,
            "\n"
        )
    );
    let nothing = table(vec![("z", Arc::new(NullArray::new(1)))]);
    assert_eq!(text_of(&nothing, options), "{}\n");
}

#[test]
fn compressed_text_is_the_same_text() {
    let batch = table(vec![("n", Arc::new(Int32Array::from_iter_values(0..100_000)))]);
    let plain = text_of(&batch, SinkOptions::new(Format::Csv));
    for (compression, level) in [
        (Compression::Gzip, None),
        (Compression::Gzip, Some(1)),
        (Compression::Zstd, None),
        (Compression::Zstd, Some(19)),
    ] {
        let mut options = SinkOptions::new(Format::Csv);
        (options.compression, options.level) = (compression, level);
        let (bytes, counts) =
            written(&batch.schema(), std::slice::from_ref(&batch), options).unwrap();
        assert_eq!(counts.rows, 100_000);
        assert!(bytes.len() < plain.len(), "{compression} {level:?}");
        let mut text = String::new();
        if compression == Compression::Gzip {
            flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
        } else {
            text = String::from_utf8(zstd::decode_all(&*bytes).unwrap()).unwrap();
        }
        assert!(text == plain);
    }
}

#[test]
fn types_without_text_are_refused_before_anything_is_written() {
    for data_type in [DataType::Date32, DataType::Duration(arrow_schema::TimeUnit::Second)] {
        let schema = Arc::new(Schema::new(vec![Field::new("when", data_type, true)]));
        for format in [Format::Csv, Format::JsonLines] {
            let memory = Memory::default();
            let options = SinkOptions::new(format);
            let error = Sink::to_writer(memory.clone(), schema.clone(), options).unwrap_err();
            assert!(matches!(&error, Error::UnsupportedType { column, .. } if column == "when"));
            assert!(error.hint().unwrap().contains("Parquet") && memory.bytes().is_empty());
        }
    }
}

#[test]
fn wrong_batches_and_double_names_are_refused() {
    let batch = table(vec![("n", Arc::new(Int32Array::from(vec![1])))]);
    let other = table(vec![("n", Arc::new(UInt64Array::from(vec![1])))]);
    let wider = table(vec![
        ("n", Arc::new(Int32Array::from(vec![1]))),
        ("m", Arc::new(Int32Array::from(vec![1]))),
    ]);
    for format in Format::ALL {
        let mut sink =
            Sink::to_writer(Memory::default(), batch.schema(), SinkOptions::new(format)).unwrap();
        let error = sink.write(&other).unwrap_err().to_string();
        assert!(error.contains("`n` of type UInt64") && error.contains("Int32"), "{error}");
        assert!(sink.write(&wider).unwrap_err().to_string().contains("2 columns"));
        // The same columns of another schema object are welcome.
        let schema = Arc::new(batch.schema().as_ref().clone());
        sink.write(&RecordBatch::try_new(schema, batch.columns().to_vec()).unwrap()).unwrap();
        assert_eq!(sink.finish().unwrap().rows, 1);

        let field = Field::new("n", DataType::Int32, true);
        let double = Arc::new(Schema::new(vec![field.clone(), field]));
        let error = Sink::to_writer(Memory::default(), double, SinkOptions::new(format));
        assert!(matches!(error, Err(Error::DuplicateColumn { .. })));
    }
}

/// What CSV shows of a row, as `csv` reads it: null and the empty string look alike to it.
fn check_csv(record: &csv::StringRecord, row: &Row) -> Result<(), TestCaseError> {
    let field = |name: &str| &record[NAMES.iter().position(|n| *n == name).unwrap()];
    let float = |name| field(name).parse::<f64>().ok().map(f64::to_bits);
    let list = |name| serde_json::from_str::<Value>(field(name)).ok();
    prop_assert_eq!(field("flag").parse().ok(), row.flag);
    prop_assert_eq!(field("i8").parse().ok(), row.signed.map(|v| v as i8));
    prop_assert_eq!(field("i64").parse().ok(), row.signed);
    prop_assert_eq!(field("u16").parse().ok(), row.unsigned.map(|v| v as u16));
    prop_assert_eq!(field("u64").parse().ok(), row.unsigned);
    prop_assert_eq!(float("f64"), row.double.filter(|v| v.is_finite()).map(f64::to_bits));
    let single = field("f32").parse::<f32>().ok().map(f32::to_bits);
    prop_assert_eq!(single, row.single.filter(|v| v.is_finite()).map(f32::to_bits));
    prop_assert_eq!(field("text"), row.text.as_deref().unwrap_or(""));
    prop_assert_eq!(field("large"), row.text.as_deref().unwrap_or(""));
    prop_assert_eq!(field("bytes"), hex(row.bytes.as_deref().unwrap_or_default()));
    prop_assert_eq!(field("word"), row.word.map_or(String::new(), |w| format!("word \"{w}\"")));
    prop_assert_eq!(list("list"), row.list.as_ref().map(|v| serde_json::json!(v)));
    prop_assert_eq!(list("texts"), row.texts.as_ref().map(|v| serde_json::json!(v)));
    // serde_json makes NaN and the infinities null as well.
    prop_assert_eq!(list("doubles"), row.doubles.as_ref().map(|v| serde_json::json!(v)));
    Ok(())
}

fn check_json(line: &str, row: &Row) -> Result<(), TestCaseError> {
    let value: Value =
        serde_json::from_str(line).map_err(|e| TestCaseError::fail(e.to_string()))?;
    let object = value.as_object().ok_or_else(|| TestCaseError::fail("no object"))?;
    // Every name is there, nulls included.
    prop_assert_eq!(object.len(), NAMES.len());
    let expected = serde_json::json!({
        "flag": row.flag,
        "i8": row.signed.map(|v| v as i8),
        "i16": row.signed.map(|v| v as i16),
        "i32": row.signed.map(|v| v as i32),
        "i64": row.signed,
        "u8": row.unsigned.map(|v| v as u8),
        "u16": row.unsigned.map(|v| v as u16),
        "u32": row.unsigned.map(|v| v as u32),
        "u64": row.unsigned,
        "f64": row.double,
        "text": row.text,
        "large": row.text,
        "bytes": row.bytes.as_deref().map(hex),
        "fixed": row.unsigned.map(|v| hex(&v.to_be_bytes())),
        "word": row.word.map(|w| format!("word \"{w}\"")),
        "list": row.list,
        "doubles": row.doubles,
        "texts": row.texts,
    });
    for (name, expected) in expected.as_object().into_iter().flatten() {
        prop_assert_eq!(&value[name], expected, "{}", name);
    }
    prop_assert_eq!(value["moment"].is_null(), row.moment.is_none());
    let single = value["f32"].as_f64().map(|v| (v as f32).to_bits());
    prop_assert_eq!(single, row.single.filter(|v| v.is_finite()).map(f32::to_bits));
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|b| [b >> 4, b & 15]);
    digits.filter_map(|d| char::from_digit(u32::from(d), 16)).collect()
}

proptest! {
    #[test]
    fn csv_reads_back(rows in rows()) {
        let text = text_of(&batch(&rows), SinkOptions::new(Format::Csv));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        prop_assert_eq!(reader.headers().unwrap(), NAMES.as_slice());
        let records: Vec<_> = reader.records().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(records.len(), rows.len());
        for (record, row) in records.iter().zip(&rows) {
            check_csv(record, row)?;
        }
    }

    #[test]
    fn json_lines_read_back(rows in rows()) {
        let text = text_of(&batch(&rows), SinkOptions::new(Format::JsonLines));
        prop_assert_eq!(text.matches('\n').count(), rows.len());
        for (line, row) in text.lines().zip(&rows) {
            check_json(line, row)?;
        }
    }

    #[test]
    fn slices_are_written_from_where_they_begin(rows in rows(), skip in 0..30_usize) {
        let whole = batch(&rows);
        let skip = skip.min(rows.len());
        let slice = whole.slice(skip, rows.len() - skip);
        for format in [Format::Csv, Format::JsonLines] {
            let mut options = SinkOptions::new(format);
            options.csv_header = false;
            let rest = text_of(&batch(&rows[skip..]), options.clone());
            prop_assert_eq!(text_of(&slice, options), rest);
        }
    }
}
