//! The road from frame batches to record batches of feature rows.
//!
//! Packets are spread by their key's hash over a fixed number of logical shards, each a flow table of its own;
//! threads share the shards among them. What a flow holds, when it ends and where its row comes out depend on the
//! packets only, not on the number of threads nor on how frames were batched: every shard is given the stream's
//! clock with each packet, and rows are put in order per epoch, which is a fixed stretch of frame numbers.
//!
//! Order of rows: within an epoch by the number of the frame that ended the flow; flows that the end of the input
//! ends come last, by first packet, however many they are. Should a shard end more than [`SHARD_ROWS_MAX`] flows in
//! one epoch before that, its rows go out at once, before the others of the epoch: so memory stays bounded whatever
//! times the packets have.

mod collect;
mod company;
mod inline;
mod lane;
mod threads;

use arrow_array::RecordBatch;
use rheos_core::{FrameBatch, Timestamp};
use rheos_flow::{
    FlowConfig, HostCounters, IngestConfig, IngestCounters, StreamCounters, TableCounters,
};
use rheos_wire::Packet;
use thiserror::Error;

use crate::error::Error as FeatureError;
use crate::plan::FeatureConfig;

/// Logical shards: more than any sensible number of threads, few enough to advance all at every epoch.
pub const SHARDS: usize = 16;

/// Frames per epoch.
pub const EPOCH_FRAMES: u64 = 16_384;

/// Rows of one shard that wait for the end of their epoch at most.
pub const SHARD_ROWS_MAX: usize = 2_048;

/// Rows that wait for more at the end of an epoch, so that batches get not too small.
pub const BATCH_ROWS_MIN: usize = 4_096;

/// Rows of a record batch at most.
pub const BATCH_ROWS_MAX: usize = 8_192;

/// How frames become rows.
#[derive(Clone, Debug, Default)]
pub struct ExtractConfig {
    /// How frames become packets.
    pub ingest: IngestConfig,
    /// How packets become flows. `flows_max` is divided among [`SHARDS`] shards.
    pub flow: FlowConfig,
    /// How flows become rows.
    pub features: FeatureConfig,
    /// Threads that follow flows, at most [`SHARDS`]. With 0 or 1 everything happens on the caller's thread; with
    /// more, one further thread reads and decodes, and the caller's takes the rows.
    pub threads: usize,
}

/// The accounts of a run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Frames and what became of them.
    pub ingest: IngestCounters,
    /// Flows and why they ended; `live_max` is the sum over shards.
    pub table: TableCounters,
    /// TCP streams that were put together, and what happened at their limits; `held_max` is the sum over shards.
    pub streams: StreamCounters,
    /// Hosts of the group `connection`, and what happened at their limits; zero if none of its columns is selected.
    pub hosts: HostCounters,
    /// Rows handed out.
    pub rows: u64,
    /// Time of the earliest packet.
    pub first: Option<Timestamp>,
    /// Time of the latest packet.
    pub last: Option<Timestamp>,
    /// Sum over the rows' flows of the bytes that each flow's state took at its end.
    pub state_bytes: u64,
    /// Packets whose length was counted as a lower one (more than 2048 distinct lengths in one flow).
    pub lengths_folded: u64,
}

impl Summary {
    /// Adds the accounts of a run of its own, such as that of another capture.
    pub fn merge(&mut self, other: &Self) {
        self.ingest.merge(&other.ingest);
        self.table.merge(&other.table);
        self.streams.merge(&other.streams);
        self.hosts.flows += other.hosts.flows;
        self.hosts.hosts_evicted += other.hosts.hosts_evicted;
        self.hosts.pairs_beyond += other.hosts.pairs_beyond;
        self.rows += other.rows;
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.max(other.last);
        self.state_bytes += other.state_bytes;
        self.lengths_folded += other.lengths_folded;
    }

    /// The mean size of a flow's state at its end, in bytes.
    pub fn state_bytes_mean(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.state_bytes as f64 / self.rows as f64)
    }
}

/// Why a run ended early.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError<E> {
    /// The source failed. What came before it was made into rows, all of which were handed out.
    #[error("{error}")]
    Source {
        /// What the source said.
        error: E,
        /// The accounts up to there.
        summary: Box<Summary>,
    },
    /// The taker of rows failed; nothing was handed to it after that.
    #[error("{0}")]
    Out(E),
    /// A defect or a shortage on our side.
    #[error(transparent)]
    Features(#[from] FeatureError),
}

/// Takes frame batches from `source` until it has no more, and hands rows to `out`.
///
/// # Errors
/// See [`RunError`].
pub fn run<E: Send>(
    config: &ExtractConfig,
    source: impl FnMut() -> Result<Option<FrameBatch>, E> + Send,
    out: impl FnMut(RecordBatch) -> Result<(), E>,
) -> Result<Summary, RunError<E>> {
    match config.threads {
        0 | 1 => inline::run(config, source, out),
        threads => threads::run(config, threads.min(SHARDS), source, out),
    }
}

/// The stream's clock and its epochs.
#[derive(Debug, Default)]
struct Course {
    epoch: u64,
    first: Option<Timestamp>,
    latest: Timestamp,
}

/// The end of an epoch.
#[derive(Clone, Copy, Debug)]
struct Boundary {
    /// Sorts after every frame of the epoch.
    key: u64,
    /// The latest time of any packet so far.
    clock: Timestamp,
}

impl Course {
    /// Takes in the next packet; returns the boundary that lies before it, if one does.
    #[inline]
    fn step(&mut self, packet: &Packet) -> Option<Boundary> {
        let epoch = packet.index / EPOCH_FRAMES;
        let boundary = (epoch > self.epoch).then(|| self.boundary());
        self.epoch = self.epoch.max(epoch);
        self.first = Some(self.first.map_or(packet.ts, |first| first.min(packet.ts)));
        self.latest = self.latest.max(packet.ts);
        boundary
    }

    /// The end of the epoch that goes on.
    fn boundary(&self) -> Boundary {
        Boundary { key: (self.epoch + 1).saturating_mul(EPOCH_FRAMES), clock: self.latest }
    }

    fn last(&self) -> Option<Timestamp> {
        self.first.map(|_| self.latest)
    }
}
