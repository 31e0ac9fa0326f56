//! Records like those of a real network, in the wide layout: sizes with heavy tails, arrivals at random, hosts of
//! unequal popularity. All of it follows from the seed and the index, like everything here.
//!
//! | what | model | source |
//! |---|---|---|
//! | packets and bytes | mixtures fitted to 4 billion flows; each service's own | `agh`; `service` |
//! | any number | [`Distribution`], as a table of its quantiles | `distribution`, `quantiles` |
//! | moments | Poisson process, its number of records in each block of 256 fixed | `row` |
//! | hosts | Zipf's law, ranks scattered over the subnet; servers that own ports | `popularity`; `affinity` |
//! | duration | gaps between packets by service, as in the older generator's statistics | `shape`, `service` |
//! | both directions | answers, correlated sizes, round trips, TCP flags | `sessions`, `talk` |
//! | parts of long flows | active and inactive timeout | `parts` |
//!
//! Records are made 64 at a time, column by column (`chunk`), and laid down as words (`layout`): one for each flow
//! (`fill`), or one conversation after the other (`sequence`, `pairs`). What is arithmetic becomes vectors; look-ups in
//! tables and the writing of rows are functions that are never inlined, so that they stay plain loads and stores.
//! `expect` tells how many bytes a record has on average.

mod affinity;
mod agh;
mod chunk;
mod distribution;
mod expect;
mod fill;
mod layout;
mod pairs;
mod parts;
mod popularity;
mod quantiles;
mod sequence;
mod service;
mod sessions;
mod shape;
mod talk;

use fearless_simd::Level;
use rheos_core::WideRecord;

use super::config::FlowConfig;
use super::plan::{FlowPlan, Leaf};
use super::row::Moments;

pub use distribution::Distribution;
use popularity::Popularity;
pub(super) use quantiles::Quantiles;
pub use service::{Reply, Service};
use sessions::SessionPlan;
pub use sessions::{Conversations, Sessions};
use shape::Shapes;

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
    /// Each pattern's own: connections of that fit for web, mail, database, SSH and FTP sessions, one or two packets
    /// for DNS, with packets of the length that each side sends. Random traffic is like all of the campus.
    Services,
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
    /// Like Poisson within each 256 records, which themselves come in bursts at many scales of time (`row::cascade`).
    /// Every 262,144 records take exactly as long as they would at equal distances.
    Bursty,
}

impl Arrivals {
    /// Its name in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Poisson => "poisson",
            Self::Bursty => "bursty",
        }
    }
}

/// A checked [`Realism`] with its tables.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RealPlan {
    shapes: Shapes,
    sources: Option<Popularity>,
    destinations: Option<Popularity>,
    affinity: bool,
    /// Where flows take more than one record.
    sessions: Option<SessionPlan>,
}

/// IANA: TCP, and flowEndReason (IPFIX element 136).
const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;
const IDLE_TIMEOUT: u8 = 1;
const ACTIVE_TIMEOUT: u8 = 2;
const END_OF_FLOW: u8 = 3;

/// A router's usual limit on the time that one record tells of: 300 s.
pub(super) const ACTIVE_TIMEOUT_NS: u64 = 300_000_000_000;

/// TCP flags of a flow: a SYN alone, one that was refused, and a whole connection (RFC 9293 §3.1).
const UNANSWERED: u8 = 0x02;
const REFUSED: u8 = 0x16;
const COMPLETE: u8 = 0x1b;

impl RealPlan {
    /// `None` where nothing is drawn from a model. There is one leaf for each slot of the leaves' choice.
    pub(super) fn new(config: &FlowConfig, leaves: &[Leaf]) -> Option<Self> {
        let realism = &config.realism;
        if !config.is_modelled() {
            return None;
        }
        let popularity = |subnets: &[_]| realism.host_exponent.map(|s| Popularity::new(subnets, s));
        Some(Self {
            shapes: Shapes::new(config, leaves),
            sources: popularity(&config.sources.subnets),
            destinations: popularity(&config.destinations.subnets),
            affinity: config.sessions.service_affinity,
            sessions: SessionPlan::new(&config.sessions),
        })
    }

    /// Mean bytes of a flow of this leaf from client and server, if a model says it.
    pub(super) fn mean_bytes(&self, leaf: usize) -> Option<[f64; 2]> {
        self.shapes.mean_bytes(leaf)
    }

    /// Mean bytes of a record, where flows take more than one; leaves with their shares of all.
    pub(super) fn mean_record_bytes(
        &self,
        config: &FlowConfig,
        leaves: (&[Leaf], &[u64]),
        ipv6: f64,
    ) -> Option<f64> {
        self.sessions.as_ref().map(|_| expect::mean_record_bytes(config, self, leaves, ipv6))
    }

    /// Fills `out` with the records of a block from its record `from` on.
    pub(super) fn fill(
        &self,
        level: Level,
        plan: &FlowPlan,
        block: u64,
        moments: &Moments,
        from: usize,
        out: &mut [WideRecord],
    ) {
        match &self.sessions {
            Some(sessions) => {
                sequence::fill(level, (plan, self, sessions), block, moments, from, out);
            }
            None => fill::fill(level, (plan, self), block, moments, from, out),
        }
    }
}

#[cfg(test)]
mod tests;
