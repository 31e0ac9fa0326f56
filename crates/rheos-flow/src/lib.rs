//! From packets to flows.
//!
//! [`Ingest`] turns frame batches into packets: decode, fragment reassembly, filter, and the
//! counters that account for every frame. [`FlowTable`] turns packets into bidirectional
//! [`Flow`]s, judged by packet time only, so that offline, live and test runs of the same packets give the
//! same flows. [`Groups`] and [`TrafficSummary`] sum packets up without flows.

pub mod aggregate;
pub mod flow;
pub mod fragments;
pub mod graph;
pub mod history;
pub mod hosts;
pub mod ingest;
pub mod key;
mod lifetime;
pub mod reassembly;
mod recency;
pub mod sampling;
mod slab;
pub mod table;
mod tracker;
pub mod traffic;

pub use aggregate::{Group, Groups, KeyFields, RankBy, Totals, UnknownField};
pub use flow::{Arrival, DirectionTotals, EndReason, Flow, FlowHead, FlowState, InitiatorEvidence};
pub use fragments::{FragmentConfig, FragmentCounters, OverlapPolicy};
pub use history::{ConnState, History};
pub use hosts::{FlowEdge, HostCounters, HostFacts, HostLimits, Hosts, RoleFacts, Standing};
pub use ingest::{Ingest, IngestConfig, IngestCounters, UnsupportedLinks};
pub use key::{Keyed, key_hash, key_of, shard_of};
pub use reassembly::{Piece, Read, StreamBudget, StreamCounters, StreamTotals, Streams};
pub use sampling::SamplingConfig;
pub use table::{FlowConfig, FlowTable, TableCounters};
pub use traffic::{ProtocolMix, RateSeries, SizeHistogram, TrafficSummary, Volume};
