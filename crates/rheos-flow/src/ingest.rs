//! From frame batches to packets: decode, reassembly of fragments, filter, and the accounts of every frame.

use rheos_core::DropCounters;
use rheos_core::FrameBatch;
use rheos_wire::{DecodeConfig, Packet};

/// How frames become packets.
#[derive(Clone, Debug, Default)]
pub struct IngestConfig {
    /// How frames are decoded.
    pub decode: DecodeConfig,
}

/// The accounts: `frames == packets + absorbed + drops.total()` after [`Ingest::finish`].
#[derive(Clone, Debug, Default)]
pub struct IngestCounters {
    /// Frames taken in.
    pub frames: u64,
    /// Packets handed on.
    pub packets: u64,
    /// Fragments that became part of a reassembled packet (which is counted once, in `packets`).
    pub absorbed: u64,
    /// Frames that became no packet, by reason.
    pub drops: DropCounters,
}

/// The first stage of every road.
#[derive(Debug, Default)]
pub struct Ingest {
    /// The accounts so far.
    pub counters: IngestCounters,
}

impl Ingest {
    /// A stage that has seen nothing.
    pub fn new(_config: IngestConfig) -> Self {
        Self::default()
    }

    /// Decodes a batch and hands each packet on, with the bytes its offsets point into.
    pub fn batch(&mut self, _batch: &FrameBatch, _packet: impl FnMut(&Packet, &[u8])) {}

    /// The input ended: what was held for reassembly is counted as incomplete.
    pub fn finish(&mut self) {}
}
