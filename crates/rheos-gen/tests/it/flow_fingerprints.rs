//! Same seed, same bytes: SHA-256 of the records of each pattern and of mixes, for every kernel and number of threads.
//! A change here is a change that users see.

use std::fmt::Write as _;
use std::path::Path;

use rheos_core::{FlowRecord, WideRecord};
use rheos_gen::flows::{
    Arrivals, FlowConfig, FlowGenerator, FlowPlan, Kernel, Pattern, Realism, SizeModel, Sizes,
    Subnets, Variables,
};
use sha2::{Digest, Sha256};

const RECORDS: usize = 100_003;

fn nets(texts: &[&str]) -> Subnets {
    Subnets::even(texts.iter().map(|t| t.parse().expect("a net")))
}

fn plans() -> Vec<(String, FlowPlan)> {
    let base = FlowConfig { seed: 42, reversed_share: 0.5, ..FlowConfig::default() };
    let mut all: Vec<(String, FlowConfig)> = Pattern::ALL
        .iter()
        .map(|&p| (p.to_string(), FlowConfig { patterns: vec![(p, 100.0)], ..base.clone() }))
        .collect();
    let sizes = Sizes { average: Some(800), ..base.sizes };
    all.push(("mix".to_owned(), base.clone()));
    all.push((
        "mix_of_800_bytes".to_owned(),
        FlowConfig {
            sizes,
            sources: Subnets { weights: vec![70.0, 30.0], ..nets(&["192.168.0.0/16", "10.0.0.7"]) },
            destinations: nets(&["10.100.0.0/16", "203.0.113.0/31", "0.0.0.0/0"]),
            stream_id: 3,
            ..base.clone()
        },
    ));
    let many = (0..40).map(|i| format!("10.{i}.0.0/16").parse().expect("a net"));
    all.push(("many_subnets".to_owned(), FlowConfig { sources: Subnets::even(many), ..base }));
    all.into_iter().map(|(name, c)| (name, c.plan().expect("a plan"))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn hash(records: &[FlowRecord]) -> String {
    hex(&Sha256::digest(bytemuck::cast_slice::<FlowRecord, u8>(records)))
}

/// Wide records, each thread's share by a generator of its own.
fn in_parts(made: &mut FlowGenerator, threads: usize) -> Vec<WideRecord> {
    let mut wide = vec![WideRecord::default(); RECORDS];
    std::thread::scope(|scope| {
        let part = RECORDS.div_ceil(threads);
        for (number, out) in wide.chunks_mut(part).enumerate() {
            let mut own = made.clone();
            own.seek((number * part) as u64);
            scope.spawn(move || own.fill_wide(out));
        }
    });
    wide
}

#[test]
fn records_are_the_recorded_ones() {
    let mut told = String::new();
    for (name, plan) in plans() {
        let mut hashes = Vec::new();
        for kernel in Kernel::all() {
            for threads in [1, 2, 7] {
                let mut made = FlowGenerator::with_kernel(plan.clone(), kernel);
                let mut out = vec![FlowRecord::default(); RECORDS];
                assert_eq!(made.fill_parallel(&mut out, threads), RECORDS);
                hashes.push(hash(&out));
            }
        }
        let one_by_one: Vec<_> = FlowGenerator::new(plan).take(RECORDS).collect();
        hashes.push(hash(&one_by_one));
        hashes.dedup();
        assert_eq!(hashes.len(), 1, "{name}: kernels or threads differ");
        let _ = writeln!(told, "{name} {}", hashes[0]);
    }
    let realism = Realism {
        sizes: SizeModel::Agh2015,
        arrivals: Arrivals::Poisson,
        host_exponent: Some(1.0),
    };
    let mut plans = Vec::new();
    for (name, realism) in [("wide", Realism::default()), ("campus", realism)] {
        let config = FlowConfig {
            seed: 42,
            sources: nets(&["10.0.0.0/8", "2001:db8::/32"]),
            destinations: nets(&["192.0.2.0/24", "2001:db8:1::/64"]),
            realism,
            ..FlowConfig::default()
        };
        plans.push((name, config.plan().expect("a plan")));
    }
    let office = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/flows/office.yaml");
    let office = FlowConfig::load(&office, &Variables::NONE).expect("the example");
    plans.push(("office", office.plan().expect("a plan")));
    for (name, plan) in plans {
        let mut hashes = Vec::new();
        for kernel in Kernel::all() {
            for threads in [1, 2, 7] {
                let mut made = FlowGenerator::with_kernel(plan.clone(), kernel);
                hashes.push(hex(&Sha256::digest(bytemuck::cast_slice::<WideRecord, u8>(
                    &in_parts(&mut made, threads),
                ))));
            }
        }
        hashes.dedup();
        assert_eq!(hashes.len(), 1, "{name}: kernels or threads differ");
        let _ = writeln!(told, "{name} {}", hashes[0]);
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fingerprints/flows.txt");
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(told == expected, "the records made are not those of {}:\n{told}", file.display());
}
