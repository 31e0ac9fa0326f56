use rheos_core::units::BitRate;

use super::*;
use crate::flows::{FlowConfig, FlowGenerator, Pattern, Rate, Subnets};

fn plans() -> Vec<(&'static str, FlowPlan)> {
    let all = Pattern::ALL.iter().map(|&p| (p, 100.0 / 7.0)).collect();
    let nets = |texts: &[&str]| Subnets::even(texts.iter().map(|t| t.parse().expect("a subnet")));
    let configs = [
        ("default", FlowConfig::default()),
        (
            "all patterns",
            FlowConfig { patterns: all, reversed_share: 0.5, ..FlowConfig::default() },
        ),
        ("always reversed", FlowConfig { reversed_share: 1.0, ..FlowConfig::default() }),
        (
            "edges",
            FlowConfig {
                sources: nets(&["0.0.0.0/0", "255.255.255.255/32", "192.0.2.0/31"]),
                destinations: nets(&["255.255.255.254/31", "10.0.0.0/30"]),
                rate: Rate::Bandwidth(BitRate(999_999_999_999)),
                stream_id: u32::MAX,
                seed: u64::MAX,
                reversed_share: 0.25,
                ..FlowConfig::default()
            },
        ),
        (
            "slow",
            FlowConfig { rate: Rate::Bandwidth(BitRate(7)), stream_id: 9, ..FlowConfig::default() },
        ),
    ];
    configs.into_iter().map(|(name, c)| (name, c.plan().expect(name))).collect()
}

#[test]
fn every_kernel_makes_the_same_bytes() {
    for (name, plan) in plans() {
        for kernel in Kernel::all() {
            for (from, count) in [(0, 1000), (1, 17), (5, 15), (1_u64 << 33, 64), (12_345, 1)] {
                let mut scalar = FlowGenerator::with_kernel(plan.clone(), Kernel::SCALAR);
                let mut other = FlowGenerator::with_kernel(plan.clone(), kernel);
                let mut made = [vec![FlowRecord::default(); count], vec![]];
                made[1] = made[0].clone();
                for (generator, out) in [&mut scalar, &mut other].into_iter().zip(&mut made) {
                    generator.seek(from);
                    // In two steps, so that the moment after the first is the right one, too.
                    let (first, second) = out.split_at_mut(count / 3);
                    let done = generator.fill(first) + generator.fill(second);
                    assert_eq!(done as u64, scalar_count(&plan, from, count));
                }
                let [scalar, other] = made;
                for (i, (a, b)) in scalar.iter().zip(&other).enumerate() {
                    assert_eq!(a, b, "{name}: {} at {from} + {i}", kernel.name());
                }
            }
        }
    }
}

fn scalar_count(plan: &FlowPlan, from: u64, count: usize) -> u64 {
    plan.bound().saturating_sub(from).min(count as u64)
}

#[test]
fn plans_beyond_the_registers_are_scalar() {
    let many: Vec<_> = (0..17).map(|i| format!("10.{i}.0.0/16").parse().expect("a net")).collect();
    let config = FlowConfig { sources: Subnets::even(many), ..FlowConfig::default() };
    let made = FlowGenerator::new(config.plan().expect("a plan"));
    assert_eq!(made.kernel().name(), "scalar");
}

#[test]
fn a_processor_with_vectors_uses_them() {
    let made = FlowGenerator::new(FlowConfig::default().plan().expect("a plan"));
    assert_eq!(made.kernel().name(), Kernel::best().name());
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512vbmi2") {
        assert_eq!(made.kernel().name(), "avx512");
    }
}
