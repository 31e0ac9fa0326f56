//! Flow records by the hundred million: from a configuration to records, at any place of their row.
//!
//! | step | type | file |
//! |---|---|---|
//! | what is wanted | [`FlowConfig`], [`GeneratorConfig`] | `config` |
//! | kinds of traffic | [`Pattern`] | `pattern` |
//! | what will be made, checked and flattened | [`FlowPlan`] | `plan`, `alias`, `clock` |
//! | randomness of record `i` | words | `draw` |
//! | record `i` | `FlowRecord`, `WideRecord` | `record`, `wide`; `scalar`, `avx512` for `kernel` |
//! | records in order | [`FlowGenerator`], [`FlowColumns`] | `generator`, `columns` |
//! | when, and which record stands where | moments, blocks | `row` |
//! | like a real network | [`Realism`] | `real` |
//! | whose addresses are, and by which interface | [`Route`] | `routes` |
//! | attacks with labels | [`Attack`], [`AttackTally`] | `attack` |
//! | like the older statistics tool's flows | [`FlowTotals`] | `totals` |
//! | as a router that samples tells it | [`PacketSampler`] | `sampler` |
//! | where it stands | [`Checkpoint`] | `checkpoint` |
//! | as text, as files | [`FlowText`], [`RawHeader`] | `text`, `raw` |
//!
//! A record depends on the plan and its index only. So any number of threads makes the same bytes, and going to any
//! record costs nothing. Time is simulated: nothing waits.

mod alias;
mod attack;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod checkpoint;
mod clock;
mod columns;
mod config;
mod draw;
mod error;
mod generator;
mod kernel;
mod lanes;
mod pattern;
mod plan;
mod raw;
mod real;
mod record;
mod routes;
mod row;
mod sampler;
mod scalar;
mod subnet;
mod text;
mod totals;
mod wide;

pub use attack::{Attack, AttackKind, AttackSums, AttackTally, TruthFormat};
pub use checkpoint::{CHECKPOINT_BYTES, Checkpoint};
pub use columns::FlowColumns;
pub use config::{
    CONFIG_KEYS, ConfigKey, ConfigKeys, Diurnal, Document, FlowConfig, FlowRate, Format,
    GeneratorConfig, Rate, Sizes, Step, Subnets, Timing, TrafficPattern, Variables,
};
pub use error::{FlowError, FlowProblem, Place};
pub use generator::{FlowGenerator, FlowStats};
pub use kernel::Kernel;
pub use pattern::{Pattern, UnknownPattern};
pub use plan::FlowPlan;
pub use raw::{RAW_HEADER_BYTES, RawError, RawHeader, RawRecord, raw_bytes, read_raw};
pub use real::{
    Arrivals, Conversations, Distribution, Realism, Reply, Service, Sessions, SizeModel,
};
pub use routes::Route;
pub use sampler::PacketSampler;
pub use subnet::Subnet;
pub use text::{CSV_HEADER, FlowText, JsonTimestamps, TextFormat};
pub use totals::FlowTotals;
