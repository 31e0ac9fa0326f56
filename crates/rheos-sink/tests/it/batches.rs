//! Batches with every supported type, and writing them to memory.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use arrow_array::builder::{
    BinaryBuilder, FixedSizeBinaryBuilder, Float64Builder, Int64Builder, ListBuilder,
    StringBuilder, StringDictionaryBuilder,
};
use arrow_array::types::{Int32Type, UInt8Type};
use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array,
    Int64Array, LargeStringArray, RecordBatch, StringArray, TimestampNanosecondArray, UInt8Array,
    UInt16Array, UInt32Array, UInt64Array,
};
use arrow_schema::{Field, Schema, SchemaRef};
use proptest::prelude::*;
use rheos_sink::{Error, Sink, SinkOptions, Written};

/// One row, each value possibly null.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) flag: Option<bool>,
    pub(crate) signed: Option<i64>,
    pub(crate) unsigned: Option<u64>,
    pub(crate) double: Option<f64>,
    pub(crate) single: Option<f32>,
    pub(crate) text: Option<String>,
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) moment: Option<i64>,
    pub(crate) word: Option<u8>,
    pub(crate) list: Option<Vec<Option<i64>>>,
    pub(crate) doubles: Option<Vec<f64>>,
    pub(crate) texts: Option<Vec<String>>,
}

/// Texts with everything that a format must escape.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,6}", "[ ,;\"'\\\\\r\n\t\u{0}\u{1f}\u{7f}\u{20ac}a]{0,8}", any::<String>(),]
}

fn row() -> impl Strategy<Value = Row> {
    let numbers = (
        any::<Option<bool>>(),
        any::<Option<i64>>(),
        any::<Option<u64>>(),
        prop::option::of(prop_oneof![any::<f64>(), Just(f64::NAN), Just(-0.0), Just(1e300)]),
        any::<Option<f32>>(),
        any::<Option<i64>>(),
        prop::option::of(0..4_u8),
    );
    let others = (
        prop::option::of(texts()),
        prop::option::of(prop::collection::vec(any::<u8>(), 0..5)),
        prop::option::of(prop::collection::vec(any::<Option<i64>>(), 0..4)),
        prop::option::of(prop::collection::vec(any::<f64>(), 0..4)),
        prop::option::of(prop::collection::vec(texts(), 0..3)),
    );
    (numbers, others).prop_map(|(numbers, others)| {
        let (flag, signed, unsigned, double, single, moment, word) = numbers;
        let (text, bytes, list, doubles, texts) = others;
        Row {
            flag,
            signed,
            unsigned,
            double,
            single,
            text,
            bytes,
            moment,
            word,
            list,
            doubles,
            texts,
        }
    })
}

pub(crate) fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(row(), 0..30)
}

/// The names of [`batch`]'s columns, in order.
pub(crate) const NAMES: [&str; 20] = [
    "flag", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "text", "large",
    "bytes", "fixed", "moment", "word", "list", "doubles", "texts",
];

pub(crate) fn batch(rows: &[Row]) -> RecordBatch {
    let signed = || rows.iter().map(|r| r.signed);
    let unsigned = || rows.iter().map(|r| r.unsigned);
    let texts = || rows.iter().map(|r| r.text.as_deref());
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|r| r.flag).collect::<BooleanArray>()),
        Arc::new(signed().map(|v| v.map(|v| v as i8)).collect::<Int8Array>()),
        Arc::new(signed().map(|v| v.map(|v| v as i16)).collect::<Int16Array>()),
        Arc::new(signed().map(|v| v.map(|v| v as i32)).collect::<Int32Array>()),
        Arc::new(signed().collect::<Int64Array>()),
        Arc::new(unsigned().map(|v| v.map(|v| v as u8)).collect::<UInt8Array>()),
        Arc::new(unsigned().map(|v| v.map(|v| v as u16)).collect::<UInt16Array>()),
        Arc::new(unsigned().map(|v| v.map(|v| v as u32)).collect::<UInt32Array>()),
        Arc::new(unsigned().collect::<UInt64Array>()),
        Arc::new(rows.iter().map(|r| r.single).collect::<Float32Array>()),
        Arc::new(rows.iter().map(|r| r.double).collect::<Float64Array>()),
        Arc::new(texts().collect::<StringArray>()),
        Arc::new(texts().collect::<LargeStringArray>()),
        bytes(rows),
        fixed(rows),
        Arc::new(
            rows.iter()
                .map(|r| r.moment)
                .collect::<TimestampNanosecondArray>()
                .with_timezone("UTC"),
        ),
        words(rows),
        list(rows),
        doubles(rows),
        text_lists(rows),
    ];
    let fields: Vec<Field> = NAMES
        .iter()
        .zip(&columns)
        .map(|(name, array)| {
            let doc = HashMap::from([("description".to_owned(), format!("the {name}"))]);
            Field::new(*name, array.data_type().clone(), true).with_metadata(doc)
        })
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn bytes(rows: &[Row]) -> ArrayRef {
    let mut builder = BinaryBuilder::new();
    for row in rows {
        builder.append_option(row.bytes.as_deref());
    }
    Arc::new(builder.finish())
}

fn fixed(rows: &[Row]) -> ArrayRef {
    let mut builder = FixedSizeBinaryBuilder::new(8);
    for row in rows {
        match row.unsigned {
            Some(value) => builder.append_value(value.to_be_bytes()).unwrap(),
            None => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

/// A dictionary whose entries have another order in every batch.
fn words(rows: &[Row]) -> ArrayRef {
    let mut builder = StringDictionaryBuilder::<Int32Type>::new();
    for row in rows {
        match row.word {
            Some(word) => builder.append_value(format!("word \"{word}\"")),
            None => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

fn list(rows: &[Row]) -> ArrayRef {
    let mut builder = ListBuilder::new(Int64Builder::new());
    for row in rows {
        for value in row.list.iter().flatten() {
            builder.values().append_option(*value);
        }
        builder.append(row.list.is_some());
    }
    Arc::new(builder.finish())
}

fn doubles(rows: &[Row]) -> ArrayRef {
    let mut builder = ListBuilder::new(Float64Builder::new());
    for row in rows {
        builder.values().append_slice(row.doubles.as_deref().unwrap_or_default());
        builder.append(row.doubles.is_some());
    }
    Arc::new(builder.finish())
}

fn text_lists(rows: &[Row]) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for row in rows {
        for value in row.texts.iter().flatten() {
            builder.values().append_value(value);
        }
        builder.append(row.texts.is_some());
    }
    Arc::new(builder.finish())
}

/// Dictionary keys of one byte, for the narrowest key type.
pub(crate) fn narrow_words(words: &[&str]) -> ArrayRef {
    let mut builder = StringDictionaryBuilder::<UInt8Type>::new();
    for word in words {
        builder.append_value(word);
    }
    Arc::new(builder.finish())
}

/// A writer whose bytes can be read after the sink has taken it.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn written(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    options: SinkOptions,
) -> Result<(Vec<u8>, Written), Error> {
    let memory = Memory::default();
    let mut sink = Sink::to_writer(memory.clone(), Arc::clone(schema), options)?;
    for batch in batches {
        sink.write(batch)?;
    }
    let written = sink.finish()?;
    let bytes = memory.bytes();
    assert_eq!(written.bytes, bytes.len() as u64);
    Ok((bytes, written))
}
