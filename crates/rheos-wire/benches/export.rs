//! Flow records into datagrams and back: records per second of one core.
//!
//! `cargo bench -p rheos-wire --bench export`. On a busy machine count instructions instead:
//! `EXPORT_ONCE=ipfix valgrind --tool=callgrind <the bench's binary>` encodes 10 million records.

#![allow(missing_docs, clippy::print_stdout, reason = "the macros of the framework; a bench talks")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use rheos_core::{Rng, Seed, Timestamp, WideRecord};
use rheos_wire::export::{Collector, CollectorConfig, ExportConfig, Exporter, Protocol, Times};

const RECORDS: usize = 4096;
const NOW: Timestamp = Timestamp::from_secs(1_704_110_400);

fn record(rng: &mut Rng) -> WideRecord {
    let packets = 1 + rng.below(100);
    let first = NOW.as_nanos() - rng.below(1_000_000_000_000);
    WideRecord {
        first,
        last: first + rng.below(1_000_000_000),
        packets,
        bytes: packets * (60 + rng.below(1400)),
        flow_id: rng.bits(),
        source_ip: WideRecord::mapped(rng.bits() as u32),
        destination_ip: WideRecord::mapped(rng.bits() as u32),
        source_port: rng.bits() as u16,
        destination_port: 443,
        protocol: 6,
        tcp_flags: 0x1b,
        ..WideRecord::default()
    }
}

fn records() -> Vec<WideRecord> {
    let mut rng = Seed(1).rng();
    (0..RECORDS).map(|_| record(&mut rng)).collect()
}

/// Name, protocol and times of what is measured.
const CASES: [(&str, Protocol, Times); 6] = [
    ("netflow5", Protocol::NetFlow5, Times::Millis),
    ("netflow9", Protocol::NetFlow9, Times::Uptime),
    ("netflow9-millis", Protocol::NetFlow9, Times::Millis),
    ("ipfix", Protocol::Ipfix, Times::Millis),
    ("ipfix-nanos", Protocol::Ipfix, Times::Nanos),
    ("sflow5", Protocol::Sflow5, Times::Millis),
];

fn exporter(protocol: Protocol, times: Times) -> Exporter {
    Exporter::new(ExportConfig { protocol, times, ..ExportConfig::default() })
        .expect("a sound configuration")
}

fn encode(exporter: &mut Exporter, mut records: &[WideRecord], buffer: &mut [u8]) -> usize {
    let mut bytes = 0;
    while !records.is_empty() {
        let filled = exporter.encode(NOW, records, buffer).expect("the buffer is long enough");
        black_box(&buffer[..filled.len]);
        bytes += filled.len;
        records = &records[filled.taken..];
    }
    bytes
}

fn benches(criterion: &mut Criterion) {
    let records = records();
    let mut group = criterion.benchmark_group("export");
    group.throughput(Throughput::Elements(RECORDS as u64));
    for (name, protocol, times) in CASES {
        let mut exporter = exporter(protocol, times);
        let mut buffer = vec![0; exporter.datagram_len_max()];
        group.bench_function(BenchmarkId::new("encode", name), |bencher| {
            bencher.iter(|| encode(&mut exporter, black_box(&records), &mut buffer));
        });
    }
    for (name, protocol, times) in CASES {
        let mut exporter = exporter(protocol, times);
        let mut buffer = vec![0; exporter.datagram_len_max()];
        let mut datagrams = Vec::new();
        let mut rest = &records[..];
        while !rest.is_empty() {
            let filled = exporter.encode(NOW, rest, &mut buffer).expect("long enough");
            datagrams.push(buffer[..filled.len].to_vec());
            rest = &rest[filled.taken..];
        }
        let mut collector = Collector::new(CollectorConfig::default());
        let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut out = Vec::with_capacity(2 * RECORDS);
        group.bench_function(BenchmarkId::new("decode", name), |bencher| {
            bencher.iter(|| {
                out.clear();
                for datagram in &datagrams {
                    let read = collector.read(from, NOW, datagram, &mut out);
                    assert!(read.is_ok());
                }
                black_box(out.len())
            });
        });
    }
    group.finish();
}

/// Encodes ten million records of one case, for counting instructions.
fn once(name: &str) {
    let records = records();
    let case = CASES.iter().find(|case| case.0 == name);
    let Some((_, protocol, times)) = case else {
        println!("no such case: {name}");
        return;
    };
    let mut exporter = exporter(*protocol, *times);
    let mut buffer = vec![0; exporter.datagram_len_max()];
    let mut bytes = 0;
    for _ in 0..10_000_000 / RECORDS {
        bytes += encode(&mut exporter, &records, &mut buffer);
    }
    println!("{name}: {} records, {bytes} bytes", exporter.counters().records);
}

criterion_group! {
    name = exporting;
    config = Criterion::default().without_plots().sample_size(30);
    targets = benches
}

fn main() {
    if let Ok(name) = std::env::var("EXPORT_ONCE") {
        once(&name);
        return;
    }
    exporting();
    Criterion::default().configure_from_args().final_summary();
}
