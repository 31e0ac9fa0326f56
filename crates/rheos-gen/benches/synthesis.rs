//! Frames per second of each preset, on one thread.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rheos_gen::{Preset, SynthesisConfig, Synthesizer};

fn synthesis(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("synthesis");
    group.sample_size(10);
    for preset in Preset::ALL {
        let config = SynthesisConfig { conversations: Some(5_000), ..preset.config() };
        let Ok(plan) = config.plan() else { continue };
        let mut made = Synthesizer::new(plan.clone());
        let mut frame = Vec::new();
        while made.next_into(&mut frame).is_some() {}
        group.throughput(Throughput::Elements(made.counters().frames));
        group.bench_function(preset.name(), |bencher| {
            bencher.iter(|| {
                let mut made = Synthesizer::new(plan.clone());
                while let Some(info) = made.next_into(&mut frame) {
                    black_box((info, &frame));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, synthesis);
criterion_main!(benches);
