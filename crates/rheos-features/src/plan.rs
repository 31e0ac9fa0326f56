//! From what a user asks for to what the extractors need.

use std::ops::Deref;
use std::sync::Arc;

use rheos_core::Nanos;
use rheos_flow::{HostLimits, StreamBudget};

use crate::column::{Column, Needs};
use crate::dissect::tls;
use crate::groups::{Enabled, connection, size, timing};
use crate::log::LogLimits;
use crate::pipeline::SHARDS;
use crate::row::Layout;
use crate::select::Selection;

/// Which flows the columns of the group `connection` tell of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConnectionMode {
    /// Those up to a row's own: rows go on at once, and know nothing of the future. What only the whole graph tells
    /// is null.
    #[default]
    Streaming,
    /// All of the capture: rows wait for its end, within [`FeatureConfig::exact_rows_max`].
    Exact,
}

/// How rows are made of flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureConfig {
    /// The columns.
    pub selection: Selection,
    /// A gap of this length or longer ends a burst and is idle time.
    pub burst_threshold: Nanos,
    /// How many of a flow's first packets the sequence columns tell; at most [`Self::SEQUENCE_MAX`].
    pub sequence_packets: usize,
    /// Up to so many packets quantiles of gaps are exact; at least `sequence_packets` and at most
    /// [`Self::SEQUENCE_MAX`] are logged.
    pub exact_packets: usize,
    /// How many payload bytes of each direction are sampled for entropies; at most [`Self::ENTROPY_MAX`].
    pub entropy_sample_bytes: usize,
    /// Keys `flow_id`, so that ids of equal flows differ between data sets with different salts.
    pub flow_id_salt: Vec<u8>,
    /// Bytes of TCP streams that are held for one flow at most, until a hole is filled or a message is whole.
    pub reassembly_flow_bytes: usize,
    /// Bytes of TCP streams that are held in all at most. Each of the [`SHARDS`] shards has its part of it, so that
    /// what one flow gets does not depend on the number of threads.
    pub reassembly_total_bytes: usize,
    /// How much is kept of hosts for the group `connection`.
    pub hosts: HostLimits,
    /// Which flows that group tells of.
    pub connection: ConnectionMode,
    /// Rows that wait for the end of the capture at most, where that group is exact.
    pub exact_rows_max: usize,
    /// Longest handshake message of TLS that is read, in bytes; longer ones are stepped over.
    pub tls_message_max: usize,
}

impl FeatureConfig {
    /// Most packets that are logged per flow: 48 KiB.
    pub const SEQUENCE_MAX: usize = 4096;
    /// Most bytes that are sampled per direction: counts are 16 bits wide.
    pub const ENTROPY_MAX: usize = u16::MAX as usize;
}

impl Default for FeatureConfig {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            burst_threshold: Nanos::from_millis(50),
            sequence_packets: 20,
            exact_packets: 64,
            entropy_sample_bytes: 256,
            flow_id_salt: Vec::new(),
            reassembly_flow_bytes: 256 << 10,
            reassembly_total_bytes: 256 << 20,
            hosts: HostLimits::default(),
            connection: ConnectionMode::default(),
            exact_rows_max: 4_000_000,
            tls_message_max: tls::MESSAGE_MAX,
        }
    }
}

/// What all flows share: checked, ready to run.
#[derive(Debug)]
pub struct FeaturePlan {
    /// As given, within limits.
    pub config: FeatureConfig,
    /// Of the rows as flows tell them one by one.
    pub layout: Arc<Layout>,
    /// Of the columns that the pipeline joins to them: the group `connection`, if one of its columns is selected.
    pub(crate) connection: Option<Arc<Layout>>,
    pub(crate) enabled: Enabled,
    pub(crate) log: LogLimits,
}

impl FeaturePlan {
    /// The plan for `config`.
    pub fn new(mut config: FeatureConfig) -> Self {
        config.sequence_packets = config.sequence_packets.min(FeatureConfig::SEQUENCE_MAX);
        config.exact_packets = config.exact_packets.min(FeatureConfig::SEQUENCE_MAX);
        config.entropy_sample_bytes = config.entropy_sample_bytes.min(FeatureConfig::ENTROPY_MAX);
        let quantiles = config.selection.needs(Needs::Quantiles);
        let sequence = config.selection.needs(Needs::Sequence);
        let chosen = |c: &Column| config.selection.contains(c.name);
        // These groups sum up no flow that the log holds.
        let summed = timing::COLUMNS.iter().chain(size::COLUMNS).any(chosen);
        let packets = match (quantiles || summed, sequence) {
            (true, true) => config.exact_packets.max(config.sequence_packets),
            (true, false) => config.exact_packets,
            (false, true) => config.sequence_packets,
            (false, false) => 0,
        };
        let enabled = Enabled::new(chosen);
        let joined = |c: &&'static Column| connection::INFO.columns.contains(*c);
        let (of_others, of_flows): (Vec<_>, Vec<_>) = config.selection.columns().partition(joined);
        let connection = enabled.connection.then(|| Arc::new(Layout::new(of_others.into_iter())));
        Self {
            layout: Arc::new(Layout::new(of_flows.into_iter())),
            connection,
            enabled,
            log: LogLimits {
                packets,
                kept: if sequence { config.sequence_packets } else { 0 },
                beyond: quantiles,
            },
            config,
        }
    }
}

impl Default for FeaturePlan {
    fn default() -> Self {
        Self::new(FeatureConfig::default())
    }
}

/// The plan as the flows of one table share it: with what these may hold.
#[derive(Debug)]
pub struct ShardPlan {
    plan: Arc<FeaturePlan>,
    /// For the streams of this table's flows.
    pub streams: StreamBudget,
}

impl From<Arc<FeaturePlan>> for ShardPlan {
    fn from(plan: Arc<FeaturePlan>) -> Self {
        let config = &plan.config;
        let streams =
            StreamBudget::new(config.reassembly_flow_bytes, config.reassembly_total_bytes / SHARDS);
        Self { plan, streams }
    }
}

impl Deref for ShardPlan {
    type Target = FeaturePlan;

    fn deref(&self) -> &FeaturePlan {
        &self.plan
    }
}
