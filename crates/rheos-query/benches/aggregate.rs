//! Flows per second of CPU time on one thread: filter and groups, from memory, Parquet and CSV.
//!
//! `RHEOS_BENCH_FLOWS` names a Parquet file in place of five million synthetic rows, and `RHEOS_BENCH_CSV` a CSV
//! file, so that other engines can be measured on the same rows.

use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rheos_core::filter::FlowFilter;
use rheos_core::{Seed, WideRecord};
use rheos_query::aggregate::{Grouper, Query, Ranking, Value};
use rheos_query::filter::BlockFilter;
use rheos_query::read::{Request, Watched, scan};
use rheos_query::{FlowBlock, FlowColumn, FlowColumns, schema_of};
use rustix::time::{ClockId, clock_gettime};

const ROWS: usize = 5_000_000;
const BLOCK: usize = 1 << 16;
const FILTER: &str = "proto tcp and dst port 443 and bytes > 100k";
const QUERIES: [(&str, &str); 4] = [
    ("srcip", "srcip"),
    ("dstport", "dstport"),
    ("srcip_dstport", "srcip,dstport"),
    ("5tuple", "5tuple"),
];

/// What all threads of this process have computed so far: the machine may be shared.
fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

/// 64 Ki sources and destinations of falling popularity, few services, nearly as many five-tuples as rows.
fn blocks() -> Vec<FlowBlock> {
    let mut rng = Seed(1).rng();
    let mut now = 1_704_067_200_000_000_000;
    let mut record = || {
        now += 200;
        let bytes = rng.pareto(60.0, 1.2, 1e9) as u64;
        WideRecord {
            first: now,
            last: now + rng.below(1_000_000_000),
            bytes,
            packets: 1 + bytes / 800,
            source_ip: WideRecord::mapped(0xc0a8_0000 + rng.pareto(1.0, 0.5, 65_535.0) as u32),
            destination_ip: WideRecord::mapped(0x0a00_0000 + rng.pareto(1.0, 0.4, 65_535.0) as u32),
            source_port: 1024 + rng.below(64_000) as u16,
            destination_port: match rng.below(10) {
                0..4 => 443,
                4..6 => 80,
                6 => 53,
                _ => 1024 + rng.below(60_000) as u16,
            },
            protocol: if rng.below(5) == 0 { 17 } else { 6 },
            ..WideRecord::default()
        }
    };
    (0..ROWS / BLOCK)
        .map(|_| FlowBlock::from_wide(&(0..BLOCK).map(|_| record()).collect::<Vec<_>>()))
        .collect()
}

fn write_parquet(path: &Path, blocks: &[FlowBlock]) {
    let columns = FlowColumn::all().take(FlowColumn::CANONICAL).collect();
    let schema = schema_of(columns, false);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(1 << 18))
        .build();
    let file = File::create(path).expect("a file");
    let mut writer =
        ArrowWriter::try_new(file, schema.clone(), Some(properties)).expect("a writer");
    for block in blocks {
        writer.write(&block.to_batch(&schema)).expect("rows");
    }
    writer.close().expect("a file");
}

/// The columns of the queries, from a file.
fn load(path: &Path) -> Vec<FlowBlock> {
    let columns = QUERIES.iter().fold(FlowColumns::NONE, |all, (_, keys)| {
        all | Query::parse(keys, "flows,packets,bytes").expect("a query").columns()
    });
    let each = |blocks: &mut Vec<FlowBlock>, block: FlowBlock| {
        blocks.push(block);
        Ok(())
    };
    let request = Request::new(columns);
    let (mut parts, _) = scan(&[path.to_owned()], &request, &Watched::default(), Vec::new, each)
        .expect("a file of flows");
    parts.pop().unwrap_or_default()
}

fn top(query: &Query, blocks: impl FnOnce(&mut Grouper)) {
    let mut grouper = Grouper::new(query);
    blocks(&mut grouper);
    let groups = grouper.finish().expect("groups");
    black_box(groups.report(&Ranking::top(Value::Bytes, 10)));
}

fn measured(mut run: impl FnMut()) -> impl FnMut(u64) -> Duration {
    move |times| {
        let before = cpu_time();
        (0..times).for_each(|_| run());
        cpu_time().saturating_sub(before)
    }
}

fn memory(criterion: &mut Criterion, blocks: &[FlowBlock]) {
    let mut group = criterion.benchmark_group("memory");
    group.sample_size(10);
    let rows: usize = blocks.iter().map(FlowBlock::len).sum();
    group.throughput(Throughput::Elements(rows as u64));
    let filter = BlockFilter::new(&FlowFilter::parse(FILTER).expect("a filter"));
    group.bench_function("filter", |bencher| {
        bencher.iter_custom(measured(|| {
            black_box(blocks.iter().map(|block| filter.count(block)).sum::<u64>());
        }));
    });
    for (name, keys) in QUERIES {
        let query = Query::parse(keys, "flows,packets,bytes").expect("a query");
        group.bench_function(name, |bencher| {
            bencher.iter_custom(measured(|| {
                top(&query, |grouper| {
                    for block in blocks {
                        grouper.add(block).expect("room");
                    }
                });
            }));
        });
    }
    group.finish();
}

fn file(criterion: &mut Criterion, name: &str, path: &Path, rows: usize) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10);
    group.throughput(Throughput::Elements(rows as u64));
    let paths = [path.to_owned()];
    let request = |columns| Request {
        filter: BlockFilter::new(&FlowFilter::default()),
        ..Request::new(columns)
    };
    group.bench_function("filter", |bencher| {
        let filter = BlockFilter::new(&FlowFilter::parse(FILTER).expect("a filter"));
        let request = Request { filter, ..Request::new(FlowColumns::NONE) };
        bencher.iter_custom(measured(|| {
            black_box(
                scan(&paths, &request, &Watched::default(), || (), |(), _| Ok(())).expect("rows"),
            );
        }));
    });
    for (name, keys) in QUERIES {
        let query = Query::parse(keys, "flows,packets,bytes").expect("a query");
        let request = request(query.columns());
        group.bench_function(name, |bencher| {
            bencher.iter_custom(measured(|| {
                let state = || Grouper::new(&query);
                let each = |grouper: &mut Grouper, block| grouper.add(&block);
                let (parts, _) =
                    scan(&paths, &request, &Watched::default(), state, each).expect("rows");
                for part in parts {
                    let groups = part.finish().expect("groups");
                    black_box(groups.report(&Ranking::top(Value::Bytes, 10)));
                }
            }));
        });
    }
    group.finish();
}

fn aggregate(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let told = std::env::var_os("RHEOS_BENCH_FLOWS").map(PathBuf::from);
    let (path, blocks) = if let Some(path) = told {
        let blocks = load(&path);
        (path, blocks)
    } else {
        let path = folder.path().join("flows.parquet");
        let blocks = blocks();
        write_parquet(&path, &blocks);
        (path, blocks)
    };
    let rows = blocks.iter().map(FlowBlock::len).sum();
    memory(criterion, &blocks);
    drop(blocks);
    file(criterion, "parquet", &path, rows);
    if let Some(csv) = std::env::var_os("RHEOS_BENCH_CSV") {
        file(criterion, "csv", Path::new(&csv), rows);
    }
}

criterion_group!(benches, aggregate);
criterion_main!(benches);
