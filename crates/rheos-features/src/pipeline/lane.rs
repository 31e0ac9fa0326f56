//! The shards of one thread: their flow tables, and the rows that wait for the end of their epoch.

use std::sync::Arc;

use rheos_core::Timestamp;
use rheos_flow::{Flow, FlowConfig, FlowTable, Keyed, StreamCounters, TableCounters};
use rheos_wire::Packet;

use super::{Boundary, ExtractConfig, SHARD_ROWS_MAX, SHARDS};
use crate::groups::FlowFeatures;
use crate::log::Scratch;
use crate::plan::FeaturePlan;
use crate::row::RowBuffer;

/// Where a row belongs within its epoch: what ended its flow, then the shard. Rows that tie are of one shard, in
/// the order in which it made them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowKey {
    pub(super) at: u64,
    pub(super) shard: u8,
}

/// Rows of one lane's epoch, with their keys.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) rows: RowBuffer,
    pub(super) keys: Vec<RowKey>,
}

/// Rows that go out before the end of their epoch: all of one shard.
#[derive(Debug)]
pub(super) struct Chunk {
    /// When it was full: chunks of an epoch go out in this order.
    pub(super) full_at: RowKey,
    pub(super) rows: RowBuffer,
}

/// What a lane has counted.
#[derive(Debug, Default)]
pub(super) struct LaneTotals {
    pub(super) table: TableCounters,
    pub(super) streams: StreamCounters,
    pub(super) state_bytes: u64,
    pub(super) lengths_folded: u64,
}

#[derive(Debug)]
pub(super) struct Lane {
    flow: FlowConfig,
    /// By shard; none where the shard is another lane's.
    tables: Vec<Option<FlowTable<FlowFeatures>>>,
    pending: Pending,
}

impl Lane {
    /// The lane of every `lanes`th shard from `number` on.
    pub(super) fn new(
        config: &ExtractConfig,
        plan: &Arc<FeaturePlan>,
        number: usize,
        lanes: usize,
    ) -> Self {
        let flows_max = config.flow.flows_max.div_ceil(SHARDS).max(1);
        let flow = FlowConfig { flows_max, ..config.flow.clone() };
        let table = |shard| {
            (shard % lanes == number).then(|| FlowTable::new(flow.clone(), Arc::clone(plan).into()))
        };
        Self { tables: (0..SHARDS).map(table).collect(), pending: Pending::new(plan), flow }
    }

    /// Takes in a packet, if it belongs to one of this lane's shards; `clock` is the latest time up to it.
    #[inline]
    pub(super) fn packet(
        &mut self,
        packet: &Packet,
        bytes: &[u8],
        clock: Timestamp,
        emit: &mut impl FnMut(Chunk),
    ) {
        let keyed = Keyed::of(packet, &self.flow);
        let shard = keyed.shard(SHARDS);
        let Some(table) = &mut self.tables[shard] else { return };
        let pending = &mut self.pending;
        let full_at = RowKey { at: packet.index, shard: shard as u8 };
        let mut ended = |flow: &Flow<FlowFeatures>| pending.add(flow, full_at, full_at, emit);
        table.advance_to(clock, &mut ended);
        table.on_packet_hashed(packet, bytes, &keyed, &mut ended);
    }

    /// Ends what has timed out by the boundary, and the epoch.
    pub(super) fn end_epoch(&mut self, boundary: Boundary, emit: &mut impl FnMut(Chunk)) -> Part {
        for (shard, table) in self.tables.iter_mut().enumerate() {
            let Some(table) = table else { continue };
            let pending = &mut self.pending;
            let full_at = RowKey { at: boundary.key, shard: shard as u8 };
            table.advance_to(boundary.clock, &mut |flow: &Flow<FlowFeatures>| {
                pending.add(flow, full_at, full_at, emit);
            });
        }
        self.pending.take_part()
    }

    /// Ends all flows: an epoch of its own, by first packet.
    pub(super) fn finish(&mut self, emit: &mut impl FnMut(Chunk)) -> Part {
        for (shard, table) in self.tables.iter_mut().enumerate() {
            let Some(table) = table else { continue };
            let pending = &mut self.pending;
            let shard = shard as u8;
            let full_at = RowKey { at: u64::MAX, shard };
            table.finish(&mut |flow: &Flow<FlowFeatures>| {
                pending.add(flow, RowKey { at: flow.head.first_index, shard }, full_at, emit);
            });
        }
        self.pending.take_part()
    }

    /// What was counted so far.
    pub(super) fn totals(&self) -> LaneTotals {
        let mut table = TableCounters::default();
        let mut streams = StreamCounters::default();
        for shard in self.tables.iter().flatten() {
            table.merge(&shard.counters);
            streams.merge(&shard.state_config().streams.counters());
        }
        LaneTotals {
            table,
            streams,
            state_bytes: self.pending.state_bytes,
            lengths_folded: self.pending.lengths_folded,
        }
    }
}

/// Rows that wait for the end of their epoch.
#[derive(Debug)]
struct Pending {
    plan: Arc<FeaturePlan>,
    rows: RowBuffer,
    keys: Vec<RowKey>,
    /// How many of the rows are each shard's.
    waiting: [usize; SHARDS],
    scratch: Scratch,
    state_bytes: u64,
    lengths_folded: u64,
}

impl Pending {
    fn new(plan: &Arc<FeaturePlan>) -> Self {
        Self {
            rows: RowBuffer::new(Arc::clone(&plan.layout)),
            plan: Arc::clone(plan),
            keys: Vec::new(),
            waiting: [0; SHARDS],
            scratch: Scratch::default(),
            state_bytes: 0,
            lengths_folded: 0,
        }
    }

    fn add(
        &mut self,
        flow: &Flow<FlowFeatures>,
        key: RowKey,
        full_at: RowKey,
        emit: &mut impl FnMut(Chunk),
    ) {
        flow.state.write_row(&flow.head, &self.plan, &mut self.scratch, &mut self.rows);
        self.keys.push(key);
        self.state_bytes += (size_of_val(&flow.head) + flow.state.state_bytes()) as u64;
        self.lengths_folded += flow.state.lengths_folded();
        let waiting = &mut self.waiting[usize::from(key.shard)];
        *waiting += 1;
        if *waiting == SHARD_ROWS_MAX {
            *waiting = 0;
            emit(Chunk { full_at, rows: self.take_shard(key.shard) });
        }
    }

    /// Takes out the rows of one shard.
    #[cold]
    fn take_shard(&mut self, shard: u8) -> RowBuffer {
        let pick = |wanted: bool| -> Vec<(u32, u32)> {
            let rows = self.keys.iter().zip(0..);
            rows.filter(|(key, _)| (key.shard == shard) == wanted)
                .map(|(_, row)| (0, row))
                .collect()
        };
        let (of_shard, of_others) = (pick(true), pick(false));
        let all = std::mem::replace(&mut self.rows, RowBuffer::new(Arc::clone(&self.plan.layout)));
        let parts = [all];
        let mut taken = RowBuffer::new(Arc::clone(&self.plan.layout));
        taken.gather(&parts, &of_shard);
        self.rows.gather(&parts, &of_others);
        self.keys.retain(|key| key.shard != shard);
        taken
    }

    fn take_part(&mut self) -> Part {
        self.waiting = [0; SHARDS];
        let empty = RowBuffer::new(Arc::clone(&self.plan.layout));
        Part {
            rows: std::mem::replace(&mut self.rows, empty),
            keys: std::mem::take(&mut self.keys),
        }
    }
}
