//! Flow records per second on one thread: by kernel, as columns, one by one, wide; and as text.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rheos_core::{FlowRecord, Nanos, WideRecord};
use rheos_gen::flows::{
    Arrivals, Conversations, FlowColumns, FlowConfig, FlowGenerator, FlowPlan, FlowText, Kernel,
    Realism, Sessions, SizeModel, Subnets, TextFormat,
};

/// Records of a buffer that stays in the first cache: 32 KiB.
const RECORDS: usize = 1024;

/// The mix of the recorded figures: five patterns, two subnets each way, half of it reversed.
fn plan() -> Option<FlowPlan> {
    let nets = |texts: [&str; 2]| Subnets::even(texts.iter().filter_map(|t| t.parse().ok()));
    let config = FlowConfig {
        sources: nets(["192.168.0.0/16", "10.10.0.0/16"]),
        destinations: nets(["10.100.0.0/16", "203.0.113.0/24"]),
        reversed_share: 0.5,
        ..FlowConfig::default()
    };
    config.plan().ok()
}

/// Full realism: flows one by one as on a campus, and both directions of conversations cut by timeouts.
fn real_plans() -> Vec<(&'static str, FlowPlan)> {
    let realism = Realism {
        sizes: SizeModel::Agh2015,
        arrivals: Arrivals::Poisson,
        host_exponent: Some(1.0),
    };
    let campus = FlowConfig { realism, ..FlowConfig::default() };
    let sessions = Sessions {
        conversations: Some(Conversations::default()),
        service_affinity: true,
        active_timeout: Some(Nanos::from_secs(300)),
        inactive_timeout: Some(Nanos::from_secs(15)),
    };
    let realism = Realism { sizes: SizeModel::Services, ..realism };
    let office = FlowConfig { realism, sessions, ..FlowConfig::default() };
    let plans = [("campus", campus.plan()), ("office", office.plan())];
    plans.into_iter().filter_map(|(name, plan)| Some((name, plan.ok()?))).collect()
}

fn records(criterion: &mut Criterion) {
    let Some(plan) = plan() else { return };
    let mut group = criterion.benchmark_group("flows");
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(RECORDS as u64));
    let mut out = vec![FlowRecord::default(); RECORDS];
    for kernel in Kernel::all() {
        let mut made = FlowGenerator::with_kernel(plan.clone(), kernel);
        group.bench_function(format!("fill_{}", kernel.name()), |bencher| {
            bencher.iter(|| {
                made.fill(&mut out);
                black_box(&out);
            });
        });
    }
    let mut made = FlowGenerator::new(plan.clone());
    group.bench_function("next", |bencher| {
        bencher.iter(|| {
            let sum = |sum: u64, r: FlowRecord| sum + u64::from(r.packet_length) + r.timestamp;
            black_box(made.by_ref().take(RECORDS).fold(0, sum))
        });
    });
    group.bench_function("columns", |bencher| {
        let (mut times, mut lengths) = (vec![0_u64; RECORDS], vec![0_u32; RECORDS]);
        let (mut sources, mut destinations) = (vec![0_u32; RECORDS], vec![0_u32; RECORDS]);
        let (mut from, mut to) = (vec![0_u16; RECORDS], vec![0_u16; RECORDS]);
        let mut protocols = vec![0_u8; RECORDS];
        bencher.iter(|| {
            let made = made.fill_columns(&mut FlowColumns {
                timestamp: Some(&mut times),
                source_ip: Some(&mut sources),
                destination_ip: Some(&mut destinations),
                source_port: Some(&mut from),
                destination_port: Some(&mut to),
                packet_length: Some(&mut lengths),
                protocol: Some(&mut protocols),
                ..FlowColumns::default()
            });
            black_box((made, &times, &sources, &destinations, &from, &to, &lengths, &protocols)).0
        });
    });
    let mut wide = vec![WideRecord::default(); RECORDS];
    group.bench_function("wide", |bencher| {
        bencher.iter(|| {
            made.fill_wide(&mut wide);
            black_box(&wide);
        });
    });
    for (name, plan) in real_plans() {
        for kernel in Kernel::all() {
            let mut made = FlowGenerator::with_kernel(plan.clone(), kernel);
            group.bench_function(format!("{name}_{}", kernel.name()), |bencher| {
                bencher.iter(|| {
                    made.fill_wide(&mut wide);
                    black_box(&wide);
                });
            });
        }
    }
    group.finish();
}

fn texts(criterion: &mut Criterion) {
    let Some(plan) = plan() else { return };
    let mut records = vec![FlowRecord::default(); RECORDS];
    FlowGenerator::new(plan).fill(&mut records);
    let mut group = criterion.benchmark_group("text");
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(RECORDS as u64));
    for (name, format) in [
        ("csv", TextFormat::CsvWithoutHeader),
        ("json_lines", TextFormat::JsonLines),
        ("json_pretty", TextFormat::JsonPretty),
    ] {
        let mut text = FlowText::new(format);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                text.parts(&records, |part| {
                    black_box(part);
                    Ok::<(), Infallible>(())
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, records, texts);
criterion_main!(benches);
