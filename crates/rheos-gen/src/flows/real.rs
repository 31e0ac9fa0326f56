//! Records like those of a real network, in the wide layout: sizes with heavy tails, arrivals at random, hosts of
//! unequal popularity. All of it follows from the seed and the index, like everything here.
//!
//! | what | model | source |
//! |---|---|---|
//! | packets and bytes | mixtures fitted to 4 billion flows | `agh` |
//! | moments | Poisson process, its number of records in each block of 256 fixed | `row` |
//! | hosts | Zipf's law, ranks scattered over the subnet | `popularity` |
//! | duration | gaps between packets by service, as in the older generator's statistics | `gap` |

mod agh;
mod popularity;
mod quantiles;

use rheos_core::WideRecord;

use super::draw;
use super::pattern::Pattern;
use super::plan::{FlowPlan, Leaf};

use agh::Sizes;
pub(super) use popularity::Popularity;
pub(super) use quantiles::{Part, Quantiles};

/// What is drawn from a model of a real network; the default draws nothing from one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Realism {
    /// Packets and bytes of flows.
    pub sizes: SizeModel,
    /// When flows begin.
    pub arrivals: Arrivals,
    /// The exponent of Zipf's law for hosts, 0.5 to 2; without it all hosts of a subnet are equal.
    pub host_exponent: Option<f64>,
}

/// Packets and bytes of flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SizeModel {
    /// The patterns' lengths, one packet each.
    #[default]
    Patterns,
    /// The mixtures of Jurkiewicz, Rzym and Borylo, "Flow length and size distributions in campus Internet traffic",
    /// Computer Communications 167 (2021): half of the flows have one packet, 0.2 % carry most of the bytes.
    Agh2015,
}

/// When flows begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// At equal distances.
    #[default]
    Even,
    /// At distances that are exponentially distributed. Every 256 records take exactly as long as they would at equal
    /// distances: so the rate is exact, and any place of the row is reached at once.
    Poisson,
}

/// A checked [`Realism`] with its tables.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RealPlan {
    sizes: Option<Sizes>,
    pub(super) sources: Option<Popularity>,
    pub(super) destinations: Option<Popularity>,
}

/// Words of sizes have a key that differs in this bit.
const SIZE_WORDS: u64 = 1 << 62;

/// A router's usual limit on the time that one record tells of: 300 s.
const ACTIVE_TIMEOUT_NS: u64 = 300_000_000_000;

/// IANA: TCP, and flowEndReason (IPFIX element 136).
const TCP: u8 = 6;
const IDLE_TIMEOUT: u8 = 1;
const ACTIVE_TIMEOUT: u8 = 2;
const END_OF_FLOW: u8 = 3;

/// TCP flags of a flow: a SYN alone, one that was refused, and a whole connection (RFC 9293 §3.1).
const UNANSWERED: u8 = 0x02;
const REFUSED: u8 = 0x16;
const COMPLETE: u8 = 0x1b;

impl RealPlan {
    /// `None` where nothing is drawn from a model.
    pub(super) fn new(
        realism: Realism,
        sources: &[super::Subnet],
        destinations: &[super::Subnet],
    ) -> Option<Self> {
        if realism == Realism::default() {
            return None;
        }
        let popularity = |subnets| realism.host_exponent.map(|s| Popularity::new(subnets, s));
        Some(Self {
            sizes: (realism.sizes == SizeModel::Agh2015).then(Sizes::new),
            sources: popularity(sources),
            destinations: popularity(destinations),
        })
    }

    /// Mean bytes of a flow of this leaf, if a model says it.
    pub(super) fn mean_bytes(&self, leaf: &Leaf) -> Option<f64> {
        self.sizes.as_ref().map(|sizes| sizes.of(leaf.protocol == TCP).mean_bytes())
    }

    /// Gives a record of one packet its size and duration.
    pub(super) fn grow(&self, plan: &FlowPlan, index: u64, record: &mut WideRecord) {
        let Some(sizes) = &self.sizes else { return };
        let tcp = record.protocol == TCP;
        let state = draw::state(plan.key ^ SIZE_WORDS, index);
        let (high, low) = draw::word(state, 0);
        let (packets, bytes) = sizes.of(tcp).draw(u64::from(high) << 32 | u64::from(low));
        record.packets = packets;
        record.bytes = bytes;
        let pattern = plan.patterns().get(usize::from(record.pattern)).map(|p| p.0);
        let gap = gap(pattern, tcp, packets, draw::word(state, 1).0);
        let span = gap.saturating_mul(packets - 1).min(ACTIVE_TIMEOUT_NS);
        record.last = record.first.saturating_add(span);
        record.end_reason = match (span, tcp) {
            (ACTIVE_TIMEOUT_NS, _) => ACTIVE_TIMEOUT,
            (_, true) => END_OF_FLOW,
            (_, false) => IDLE_TIMEOUT,
        };
        record.tcp_flags = match (tcp, packets) {
            (false, _) => 0,
            (true, 1) => UNANSWERED,
            (true, 2) => REFUSED,
            (true, _) => COMPLETE,
        };
    }
}

/// The gap between packets in nanoseconds: even in the range that the older generator's statistics have for the
/// service; for DNS all packets together.
fn gap(pattern: Option<Pattern>, tcp: bool, packets: u64, half: u32) -> u64 {
    const US: u64 = 1_000;
    const MS: u64 = 1_000_000;
    let (least, most) = match pattern {
        Some(Pattern::Web) => (10 * MS, 100 * MS),
        Some(Pattern::Ssh) => (MS, 50 * MS),
        Some(Pattern::Database) => (MS, 20 * MS),
        Some(Pattern::Dns) => {
            let parts = packets.saturating_sub(1).max(1);
            (MS / parts, 50 * MS / parts)
        }
        _ if tcp => (5 * MS, 50 * MS),
        _ => (100 * US, 10 * MS),
    };
    least + (((most - least) as u128 * u128::from(half)) >> 32) as u64
}

#[cfg(test)]
mod tests;
