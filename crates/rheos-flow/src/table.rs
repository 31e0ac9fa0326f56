//! The flow table.

use rheos_core::{Nanos, Timestamp};
use rheos_wire::Packet;

use crate::{Flow, FlowState};

/// How packets become flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowConfig {
    /// A flow without a packet for this long has ended.
    pub idle_timeout: Nanos,
    /// A flow that lasts this long is cut; zero: never.
    pub active_timeout: Nanos,
    /// How long a closed TCP flow waits for its tail packets.
    pub tcp_linger: Nanos,
    /// Most flows held at once; at the limit the least recently seen one is ended.
    pub flows_max: usize,
    /// VLAN ids are part of the key.
    pub key_vlan: bool,
    /// The tunnel id is part of the key.
    pub key_tunnel: bool,
    /// Seed of the table's hash; live tables take a random one.
    pub hash_seed: u64,
}

impl Default for FlowConfig {
    fn default() -> Self {
        Self {
            idle_timeout: Nanos::from_secs(60),
            active_timeout: Nanos::from_secs(1800),
            tcp_linger: Nanos::from_secs(5),
            flows_max: 1_000_000,
            key_vlan: true,
            key_tunnel: true,
            hash_seed: 0,
        }
    }
}

/// What happened in the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableCounters {
    /// Flows begun.
    pub created: u64,
    /// Flows ended, by [`crate::EndReason`] as index.
    pub ended: [u64; 8],
    /// Most flows held at once.
    pub live_max: u64,
}

/// Bidirectional flows by key.
#[derive(Debug)]
pub struct FlowTable<S: FlowState> {
    /// What happened so far.
    pub counters: TableCounters,
    _config: (FlowConfig, S::Config),
}

impl<S: FlowState> FlowTable<S> {
    /// An empty table.
    pub fn new(config: FlowConfig, state_config: S::Config) -> Self {
        Self { counters: TableCounters::default(), _config: (config, state_config) }
    }

    /// Takes in one packet; flows that its time or content ends go to `ended`, oldest first.
    pub fn on_packet(
        &mut self,
        _packet: &Packet,
        _bytes: &[u8],
        _ended: &mut impl FnMut(&Flow<S>),
    ) {
    }

    /// Ends what has timed out by `now`.
    pub fn advance_to(&mut self, _now: Timestamp, _ended: &mut impl FnMut(&Flow<S>)) {}

    /// Ends all flows, by first packet.
    pub fn finish(&mut self, _ended: &mut impl FnMut(&Flow<S>)) {}

    /// Flows held now.
    pub fn len(&self) -> usize {
        0
    }

    /// Whether no flow is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
