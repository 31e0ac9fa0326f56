//! A model of traffic learned from its flow records: what a generator needs to make more like them.
//!
//! | step | type | file |
//! |---|---|---|
//! | a bounded sample | [`FlowSample`] | `sample` |
//! | services with sizes and gaps, by direction | [`Service`] | `service` |
//! | networks of clients and servers, how unequal hosts are | [`Networks`] | `network` |
//! | whether servers own their services | [`FlowModel::servers_own_ports`] | `ownership` |
//! | the rate, its bursts and its day | [`Arrivals`] | `arrivals` |
//!
//! Nothing in it grows with the number of flows beyond the sample's limit.

mod arrivals;
mod network;
mod ownership;
mod sample;
mod service;

pub use arrivals::{Arrivals, DAY_HOURS};
pub use network::{NETWORKS_MAX, Network, Networks};
pub use sample::{FlowSample, SAMPLE_DEFAULT};
pub use service::{Direction, Quantiles, SERVICES_MAX, Service};

use rheos_core::{Nanos, Timestamp};

/// Traffic in a few hundred numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowModel {
    /// Records it was learned from.
    pub records: u64,
    /// Those of them that were looked at one by one.
    pub sampled: u64,
    /// When the first record began.
    pub start: Timestamp,
    /// From the first beginning to the last.
    pub span: Nanos,
    /// Bytes of all records.
    pub bytes: u64,
    /// Packets of all records.
    pub packets: u64,
    /// What is talked, the most frequent first; shares of flows sum to 1.
    pub services: Vec<Service>,
    /// Where clients are.
    pub clients: Networks,
    /// Where servers are.
    pub servers: Networks,
    /// Whether each server has its services, and few servers have each.
    pub servers_own_ports: bool,
    /// The share of requests that were answered by a record of the other direction.
    pub answered: f64,
    /// From the first packet of a request to that of its answer, in milliseconds; no pieces where none was answered.
    pub answer_ms: Quantiles,
    /// Spearman's rank correlation of the packets of requests and answers, within services.
    pub correlation: f64,
    /// How flows are spread over time.
    pub arrivals: Arrivals,
}

impl FlowModel {
    /// Learns from a sample; `None` if it has no records.
    pub fn new(sample: &FlowSample) -> Option<Self> {
        let conversations = sample.conversations();
        if conversations.is_empty() {
            return None;
        }
        let answered = conversations.iter().filter(|c| c.reply.is_some()).count();
        let waits = conversations.iter().filter_map(|one| {
            let reply = one.reply.filter(|reply| reply.first >= one.request.first)?;
            Some((reply.first - one.request.first) as f64 / 1e6)
        });
        let starts = conversations.iter().map(|one| one.request.first);
        let clients = conversations.iter().map(|c| c.client);
        let servers = Networks::learn(conversations.iter().map(|c| c.server));
        Some(Self {
            records: sample.records(),
            sampled: sample.len() as u64,
            start: sample.start(),
            span: sample.span(),
            bytes: sample.bytes(),
            packets: sample.packets(),
            services: service::learn(&conversations),
            clients: Networks::learn(clients),
            servers_own_ports: ownership::is_owned(&conversations, servers.networks.len()),
            servers,
            answered: answered as f64 / conversations.len() as f64,
            answer_ms: Quantiles::of(waits.collect()),
            correlation: service::correlation(&conversations),
            arrivals: Arrivals::learn(starts.collect(), sample.kept()),
        })
    }

    /// Records a second: of requests, and of their answers.
    pub fn flows_per_second(&self) -> f64 {
        (self.arrivals.per_second * (1.0 + self.answered)).clamp(1e-6, 1e12)
    }
}
