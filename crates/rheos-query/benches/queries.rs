//! The queries by which we are compared with other engines, on flows in memory or from a file.
//!
//! `queries [FILE] [--scan] [--threads N] [--runs N] [--only QUERY]`: the flows of FILE, or five million made ones, are
//! brought into memory before the clock starts; with `--scan`, every run reads the file. Each query is one line of
//! JSON: the least time of its runs, on the clock and of all threads together, and the answer.

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark talks")]

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rheos_core::filter::FlowFilter;
use rheos_core::{Seed, WideRecord};
use rheos_query::aggregate::{Grouper, Groups, Query, Ranking, Value};
use rheos_query::filter::BlockFilter;
use rheos_query::read::{Request, Watched, scan};
use rheos_query::{BLOCK_ROWS, FlowBlock, FlowColumns};
use rustix::time::{ClockId, clock_gettime};

const ROWS: usize = 5_000_000;
const FILTER: &str = "proto tcp and dst port 443 and bytes > 100k";
const VALUES: &str = "flows,packets,bytes";
const QUERIES: [(&str, &str); 4] = [
    ("srcip", "srcip"),
    ("dstport", "dstport"),
    ("srcip_dstport", "srcip,dstport"),
    ("5tuple", "5tuple"),
];

/// Where flows come from.
enum Flows {
    Memory(Vec<FlowBlock>),
    File(PathBuf),
}

struct Options {
    file: Option<PathBuf>,
    scan: bool,
    threads: usize,
    runs: usize,
    only: Option<String>,
}

impl Options {
    fn parse() -> Self {
        let mut options = Self { file: None, scan: false, threads: 1, runs: 5, only: None };
        let mut words = std::env::args().skip(1);
        let number = |words: &mut dyn Iterator<Item = String>| {
            words.next().and_then(|word| word.parse().ok()).expect("a number")
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--scan" => options.scan = true,
                "--threads" => options.threads = number(&mut words),
                "--runs" => options.runs = number(&mut words),
                "--only" => options.only = words.next(),
                // `cargo bench` says so.
                "--bench" => {}
                file => options.file = Some(file.into()),
            }
        }
        options
    }
}

/// What all threads of this process have computed so far: the machine may be shared.
fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

/// 64 Ki sources and destinations of falling popularity, few services, nearly as many five-tuples as rows.
fn made() -> Vec<FlowBlock> {
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
    (0..ROWS / BLOCK_ROWS)
        .map(|_| FlowBlock::from_wide(&(0..BLOCK_ROWS).map(|_| record()).collect::<Vec<_>>()))
        .collect()
}

fn filter() -> BlockFilter {
    BlockFilter::new(&FlowFilter::parse(FILTER).expect("a filter"))
}

/// The columns of all queries, from a file.
fn load(path: &Path) -> Vec<FlowBlock> {
    let columns = QUERIES.iter().fold(filter().columns(), |all, (_, keys)| {
        all | Query::parse(keys, VALUES).expect("a query").columns()
    });
    let each = |blocks: &mut Vec<FlowBlock>, block: FlowBlock| {
        blocks.push(block);
        Ok(())
    };
    let request = Request::new(columns);
    let (parts, _) = scan(&[path.to_owned()], &request, &Watched::default(), Vec::new, each)
        .expect("a file of flows");
    parts.concat()
}

/// How many rows pass.
fn count(flows: &Flows, threads: usize) -> String {
    let filter = filter();
    let matched: u64 = match flows {
        Flows::Memory(blocks) => thread::scope(|scope| {
            let share = blocks.len().div_ceil(threads);
            let counted = blocks.chunks(share).map(|blocks| {
                let filter = &filter;
                scope.spawn(move || blocks.iter().map(|block| filter.count(block)).sum::<u64>())
            });
            let counted: Vec<_> = counted.collect();
            counted.into_iter().map(|thread| thread.join().expect("a count")).sum()
        }),
        Flows::File(path) => {
            let request = Request { filter, threads, ..Request::new(FlowColumns::NONE) };
            let paths = [path.clone()];
            let read = scan(&paths, &request, &Watched::default(), || (), |(), _| Ok(()));
            read.expect("rows").1.matched
        }
    };
    format!("[[\"{matched}\"]]")
}

/// The groups with the most bytes.
fn top(flows: &Flows, threads: usize, keys: &str) -> String {
    let query = Query::parse(keys, VALUES).expect("a query");
    let state = || Grouper::new(&query);
    let parts: Vec<Grouper> = match flows {
        Flows::Memory(blocks) => thread::scope(|scope| {
            let share = blocks.len().div_ceil(threads);
            let counted = blocks.chunks(share).map(|blocks| {
                scope.spawn(move || {
                    let mut grouper = state();
                    for block in blocks {
                        grouper.add(block).expect("room");
                    }
                    grouper
                })
            });
            let counted: Vec<_> = counted.collect();
            counted.into_iter().map(|thread| thread.join().expect("groups")).collect()
        }),
        Flows::File(path) => {
            let request = Request { threads, ..Request::new(query.columns()) };
            let each = |grouper: &mut Grouper, block| grouper.add(&block);
            scan(std::slice::from_ref(path), &request, &Watched::default(), state, each)
                .expect("rows")
                .0
        }
    };
    let mut parts = parts.into_iter();
    let mut whole = parts.next().unwrap_or_else(state);
    parts.for_each(|part| whole.merge(part).expect("room"));
    told(&whole.finish_on(threads).expect("groups"))
}

fn told(groups: &Groups) -> String {
    let report = groups.report(&Ranking::top(Value::Bytes, 10));
    let row = |&group: &u32| {
        let keys = groups.key(group).into_iter().map(|key| format!("\"{key}\""));
        let values = groups.query().values.iter().map(|value| match groups.value(group, *value) {
            rheos_query::aggregate::Cell::Count(count) => format!("\"{count}\""),
            _ => "null".to_owned(),
        });
        format!("[{}]", keys.chain(values).collect::<Vec<_>>().join(","))
    };
    format!("[{}]", report.rows.iter().map(row).collect::<Vec<_>>().join(","))
}

fn main() {
    let options = Options::parse();
    let flows = match (&options.file, options.scan) {
        (Some(path), true) => Flows::File(path.clone()),
        (Some(path), false) => Flows::Memory(load(path)),
        (None, _) => Flows::Memory(made()),
    };
    let names = [("filter", None)].into_iter();
    for (name, keys) in names.chain(QUERIES.map(|(name, keys)| (name, Some(keys)))) {
        if options.only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let (mut wall, mut cpu, mut answer) = (Duration::MAX, Duration::MAX, String::new());
        for _ in 0..options.runs.max(1) {
            let (started, before) = (Instant::now(), cpu_time());
            answer = match keys {
                None => count(&flows, options.threads),
                Some(keys) => top(&flows, options.threads, keys),
            };
            wall = wall.min(started.elapsed());
            cpu = cpu.min(cpu_time().saturating_sub(before));
        }
        println!(
            "{{\"query\":\"{name}\",\"seconds\":{:.6},\"cpu_seconds\":{:.6},\"answer\":{answer}}}",
            wall.as_secs_f64(),
            cpu.as_secs_f64(),
        );
    }
}
