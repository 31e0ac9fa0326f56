//! Fewer packets, or fewer flows, chosen by a seed: what is left out is counted as [`DropReason::Sampling`].
//!
//! Both kinds decide without state, so that the choice depends on the seed and on the packet or flow alone, not on
//! threads, batches or what came before. Packets are chosen each for itself (uniform probabilistic sampling, RFC 5475
//! section 5.2.2), before they are decoded. Flows are chosen by a keyed hash of their two endpoints and protocol: both
//! directions stay together, in whatever VLAN or tunnel, and so do the rows of a flow that timeouts cut.
//!
//! [`DropReason::Sampling`]: rheos_core::DropReason::Sampling

use rheos_core::seed::{Chance, Seed, mix};
use rheos_core::{FiveTuple, FlowKey};

use crate::key::key_hash;

/// How many packets and flows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplingConfig {
    /// How likely a frame is kept.
    pub packets: Chance,
    /// How likely a flow is kept, of the packets that are.
    pub flows: Chance,
    /// What the choice depends on.
    pub seed: u64,
}

impl Default for SamplingConfig {
    /// Everything is kept.
    fn default() -> Self {
        Self { packets: Chance::ALWAYS, flows: Chance::ALWAYS, seed: 0 }
    }
}

/// Decides what is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sampler {
    packets: Option<(Chance, Seed)>,
    flows: Option<(Chance, Seed)>,
}

impl Sampler {
    pub(crate) fn new(config: SamplingConfig) -> Self {
        let seed = |name| Seed(config.seed).named(name);
        let some = |chance, name| (chance != Chance::ALWAYS).then(|| (chance, seed(name)));
        Self {
            packets: some(config.packets, "sampled packets"),
            flows: some(config.flows, "sampled flows"),
        }
    }

    /// Whether frame number `index` of the stream is kept.
    #[inline]
    pub(crate) fn keeps_frame(&self, index: u64) -> bool {
        self.packets.is_none_or(|(chance, seed)| chance.hit_by(seed.bits(index)))
    }

    /// Whether the packets between these endpoints are kept.
    #[inline]
    pub(crate) fn keeps_flow(&self, tuple: FiveTuple) -> bool {
        self.flows.is_none_or(|(chance, seed)| {
            let (key, _) = FlowKey::new(tuple, 0, 0);
            chance.hit_by(mix(key_hash(&key, seed.0)))
        })
    }
}

#[cfg(test)]
mod tests {
    use rheos_core::{Addr, IpVersion};

    use super::*;

    fn tuple(n: u32) -> FiveTuple {
        FiveTuple {
            src: Addr::v4((0x0a00_0000 + n / 64).to_be_bytes()),
            dst: Addr::v4([192, 168, 0, 1]),
            src_port: 1024 + (n % 64) as u16,
            dst_port: 443,
            protocol: 6,
            version: IpVersion::V4,
        }
    }

    fn sampler(packets: f64, flows: f64, seed: u64) -> Sampler {
        let (packets, flows) = (Chance::from_share(packets), Chance::from_share(flows));
        Sampler::new(SamplingConfig { packets, flows, seed })
    }

    #[test]
    fn shares_come_out_and_seeds_differ() {
        let of = |sampler: Sampler| {
            let frames = (0..100_000).filter(|&n| sampler.keeps_frame(n)).count();
            let flows = (0..100_000).filter(|&n| sampler.keeps_flow(tuple(n))).count();
            (frames, flows)
        };
        assert_eq!(of(Sampler::new(SamplingConfig::default())), (100_000, 100_000));
        assert_eq!(of(sampler(0.0, 0.0, 1)), (0, 0));
        // Five standard deviations of 100 000 draws.
        let (frames, flows) = of(sampler(0.01, 0.1, 1));
        assert!(frames.abs_diff(1_000) < 160, "{frames}");
        assert!(flows.abs_diff(10_000) < 480, "{flows}");
        let same = |n| sampler(0.5, 0.5, 1).keeps_frame(n) == sampler(0.5, 0.5, 2).keeps_frame(n);
        assert!((0..10_000).filter(|&n| same(n)).count().abs_diff(5_000) < 250);
        let same = |n| {
            sampler(0.5, 0.5, 1).keeps_flow(tuple(n)) == sampler(0.5, 0.5, 2).keeps_flow(tuple(n))
        };
        assert!((0..10_000).filter(|&n| same(n)).count().abs_diff(5_000) < 250);
    }

    #[test]
    fn both_directions_are_kept_or_not() {
        let sampler = sampler(1.0, 0.3, 7);
        for n in 0..1_000 {
            assert_eq!(sampler.keeps_flow(tuple(n)), sampler.keeps_flow(tuple(n).reversed()));
        }
    }
}
