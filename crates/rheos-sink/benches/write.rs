//! Rows per second of every format, for batches of 136 columns that look like rows of flow features.

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::builder::{Float64Builder, ListBuilder, UInt32Builder};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, TimestampNanosecondArray,
    UInt16Array, UInt64Array,
};
use arrow_schema::{Field, Schema};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rheos_core::{Rng, Seed};
use rheos_sink::{Compression, Format, Sink, SinkOptions};

const ROWS: usize = 8_192;
const BATCHES: u64 = 8;

/// Takes everything and forgets it: measures encoding, not the disk.
struct Nowhere;

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        black_box(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// 5 texts, 2 moments, 2 ports, 58 counters, 10 flags, 56 statistics and 3 lists.
fn batch(seed: u64) -> RecordBatch {
    let mut rng = Seed(seed).rng();
    // Half of all flows have one or two packets: their statistics are null or repeat.
    let packets: Vec<u64> = (0..ROWS).map(|_| rng.pareto(1.0, 1.0, 1e6) as u64).collect();
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for (name, values) in
        [("src", 4_000), ("dst", 1_000), ("protocol", 4), ("end", 5), ("history", 80)]
    {
        let text = (0..ROWS).map(|_| match (name, rng.below(values)) {
            ("src" | "dst", n) => format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255),
            (name, n) => format!("{name}{n}"),
        });
        columns.push((name.to_owned(), Arc::new(text.map(Some).collect::<StringArray>())));
    }
    for name in ["first", "last"] {
        let mut now = 1_700_000_000_000_000_000_i64;
        let times = (0..ROWS).map(|_| {
            now += rng.exponential(300_000.0) as i64;
            now
        });
        let times = TimestampNanosecondArray::from_iter_values(times).with_timezone("UTC");
        columns.push((name.to_owned(), Arc::new(times)));
    }
    for name in ["src_port", "dst_port"] {
        let ports = (0..ROWS).map(|_| match rng.below(2) {
            0 => 443,
            _ => rng.below(65_536) as u16,
        });
        columns.push((name.to_owned(), Arc::new(UInt16Array::from_iter_values(ports))));
    }
    for i in 0..58 {
        columns.push((format!("counter_{i}"), counters(&mut rng, &packets, i)));
    }
    for i in 0..10 {
        let flags: BooleanArray = (0..ROWS).map(|_| Some(rng.below(10) < i)).collect();
        columns.push((format!("flag_{i}"), Arc::new(flags)));
    }
    for i in 0..56 {
        columns.push((format!("statistic_{i}"), statistics(&mut rng, &packets)));
    }
    columns.extend(lists(&mut rng, &packets));
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(name, array.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns of one length")
}

fn counters(rng: &mut Rng, packets: &[u64], column: u64) -> ArrayRef {
    let values = packets.iter().map(|&n| match column % 4 {
        0 => n,
        1 => n * rng.between(40, 1500),
        2 => rng.below(n + 1).min(3),
        _ => 0,
    });
    Arc::new(UInt64Array::from_iter_values(values))
}

fn statistics(rng: &mut Rng, packets: &[u64]) -> ArrayRef {
    let values = packets.iter().map(|&n| match n {
        1 => None,
        2 => Some(0.0),
        _ => Some(rng.exponential(0.01)),
    });
    Arc::new(values.collect::<Float64Array>())
}

fn lists(rng: &mut Rng, packets: &[u64]) -> Vec<(String, ArrayRef)> {
    let mut sizes = ListBuilder::new(UInt32Builder::new());
    let mut ways = ListBuilder::new(UInt32Builder::new());
    let mut gaps = ListBuilder::new(Float64Builder::new());
    for &n in packets {
        for _ in 0..n.min(20) {
            sizes.values().append_value(rng.between(40, 1500) as u32);
            ways.values().append_value(rng.below(2) as u32);
            gaps.values().append_value(rng.exponential(0.01));
        }
        sizes.append(true);
        ways.append(true);
        gaps.append(true);
    }
    vec![
        ("sizes".to_owned(), Arc::new(sizes.finish())),
        ("ways".to_owned(), Arc::new(ways.finish())),
        ("gaps".to_owned(), Arc::new(gaps.finish())),
    ]
}

fn write(batches: &[RecordBatch], options: &SinkOptions) -> u64 {
    let mut sink = Sink::to_writer(Nowhere, batches[0].schema(), options.clone()).expect("a sink");
    for batch in batches {
        sink.write(batch).expect("rows written");
    }
    sink.finish().expect("a whole output").bytes
}

fn rows(c: &mut Criterion) {
    let batches: Vec<RecordBatch> = (0..BATCHES).map(batch).collect();
    assert_eq!(batches[0].num_columns(), 136);
    let rows = BATCHES * ROWS as u64;
    let mut group = c.benchmark_group("write_136_columns");
    group.throughput(Throughput::Elements(rows)).sample_size(10);
    for (name, format, compression) in [
        ("csv", Format::Csv, Compression::None),
        ("jsonl", Format::JsonLines, Compression::None),
        ("csv_zstd", Format::Csv, Compression::Zstd),
        ("parquet_zstd", Format::Parquet, Compression::Zstd),
        ("parquet_snappy", Format::Parquet, Compression::Snappy),
        ("parquet", Format::Parquet, Compression::None),
        ("arrow", Format::ArrowFile, Compression::None),
        ("arrows_zstd", Format::ArrowStream, Compression::Zstd),
    ] {
        let mut options = SinkOptions::new(format);
        options.compression = compression;
        group.bench_function(name, |b| b.iter(|| write(&batches, &options)));
    }
    group.finish();
}

criterion_group!(benches, rows);
criterion_main!(benches);
