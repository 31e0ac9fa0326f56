//! The shards of one thread: their flow tables, and the rows that wait for the end of their epoch.

use std::sync::Arc;

use rheos_core::Timestamp;
use rheos_flow::{Flow, FlowConfig, FlowTable, Keyed, StreamCounters, TableCounters};
use rheos_wire::Packet;

use super::{Boundary, ExtractConfig, SHARD_ROWS_MAX, SHARDS};
use crate::groups::FlowFeatures;
use crate::log::Scratch;
use crate::plan::FeaturePlan;
use crate::row::{Layout, RowBuffer};

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

impl Part {
    pub(super) fn new(layout: &Arc<Layout>) -> Self {
        Self { rows: RowBuffer::new(Arc::clone(layout)), keys: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.keys.clear();
    }
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
        let key = RowKey { at: packet.index, shard: shard as u8 };
        let mut ended = |flow: &Flow<FlowFeatures>| pending.add(flow, key, emit);
        table.advance_to(clock, &mut ended);
        table.on_packet_hashed(packet, bytes, &keyed, &mut ended);
    }

    /// Ends what has timed out by the boundary. Then the rows of the epoch are to be [taken](Self::swap_part) or
    /// [kept](Self::keep_rows).
    pub(super) fn end_epoch(&mut self, boundary: Boundary, emit: &mut impl FnMut(Chunk)) {
        for (shard, table) in self.tables.iter_mut().enumerate() {
            let Some(table) = table else { continue };
            let pending = &mut self.pending;
            let key = RowKey { at: boundary.key, shard: shard as u8 };
            table.advance_to(boundary.clock, &mut |flow: &Flow<FlowFeatures>| {
                pending.add(flow, key, emit);
            });
        }
    }

    /// Ends all flows, by first packet; `full` takes the rows whenever there are `rows_max`, and the last ones.
    pub(super) fn finish(&mut self, rows_max: usize, full: &mut impl FnMut(&mut Part)) {
        let mut live: Vec<(u64, usize, u32)> = Vec::new();
        for (shard, table) in self.tables.iter().enumerate() {
            let flows = table.iter().flat_map(FlowTable::by_first_packet);
            live.extend(flows.map(|(first_index, place)| (first_index, shard, place)));
        }
        live.sort_unstable();
        for (first_index, shard, place) in live {
            let Some(table) = &mut self.tables[shard] else { continue };
            let key = RowKey { at: first_index, shard: shard as u8 };
            table
                .end_of_input(place, &mut |flow: &Flow<FlowFeatures>| self.pending.push(flow, key));
            if self.pending.part.rows.len() >= rows_max {
                full(&mut self.pending.part);
                self.pending.part.clear();
            }
        }
        full(&mut self.pending.part);
        self.pending.part.clear();
        self.tables.iter_mut().flatten().for_each(FlowTable::clear);
    }

    /// Takes the rows of the epoch that has ended and gives an empty part for the next.
    pub(super) fn swap_part(&mut self, empty: Part) -> Part {
        self.pending.waiting = [0; SHARDS];
        std::mem::replace(&mut self.pending.part, empty)
    }

    /// The rows of this and earlier epochs, those that are not taken wait on.
    pub(super) fn keep_rows(&mut self) -> &mut RowBuffer {
        self.pending.waiting = [0; SHARDS];
        debug_assert!(self.pending.part.keys.is_sorted(), "the rows of one lane are in order");
        self.pending.part.keys.clear();
        &mut self.pending.part.rows
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
    /// The last rows have keys: those of this epoch. Earlier ones have none any more.
    part: Part,
    /// How many of the epoch's rows are each shard's.
    waiting: [usize; SHARDS],
    scratch: Scratch,
    state_bytes: u64,
    lengths_folded: u64,
}

impl Pending {
    fn new(plan: &Arc<FeaturePlan>) -> Self {
        Self {
            part: Part::new(&plan.layout),
            plan: Arc::clone(plan),
            waiting: [0; SHARDS],
            scratch: Scratch::default(),
            state_bytes: 0,
            lengths_folded: 0,
        }
    }

    fn push(&mut self, flow: &Flow<FlowFeatures>, key: RowKey) {
        flow.state.write_row(&flow.head, &self.plan, &mut self.scratch, &mut self.part.rows);
        self.part.keys.push(key);
        self.state_bytes += (size_of_val(&flow.head) + flow.state.state_bytes()) as u64;
        self.lengths_folded += flow.state.lengths_folded();
    }

    fn add(&mut self, flow: &Flow<FlowFeatures>, key: RowKey, emit: &mut impl FnMut(Chunk)) {
        self.push(flow, key);
        let waiting = &mut self.waiting[usize::from(key.shard)];
        *waiting += 1;
        if *waiting == SHARD_ROWS_MAX {
            *waiting = 0;
            self.emit_shard(key, emit);
        }
    }

    /// Takes out the rows of one shard, before them those of earlier epochs.
    #[cold]
    fn emit_shard(&mut self, full_at: RowKey, emit: &mut impl FnMut(Chunk)) {
        let Part { rows: all, keys } =
            std::mem::replace(&mut self.part, Part::new(&self.plan.layout));
        let earlier = all.len() - keys.len();
        let pick = |which: &dyn Fn(&RowKey) -> bool| -> Vec<(u32, u32)> {
            let rows = keys.iter().zip(earlier as u32..);
            rows.filter(|(key, _)| which(key)).map(|(_, row)| (0, row)).collect()
        };
        let copy = |order: &[(u32, u32)]| {
            let mut rows = RowBuffer::new(Arc::clone(&self.plan.layout));
            rows.gather(&[&all], order);
            rows
        };
        if earlier > 0 {
            let order: Vec<(u32, u32)> = (0..earlier as u32).map(|row| (0, row)).collect();
            emit(Chunk { full_at, rows: copy(&order) });
        }
        emit(Chunk { full_at, rows: copy(&pick(&|key| key.shard == full_at.shard)) });
        self.part.rows = copy(&pick(&|key| key.shard != full_at.shard));
        self.part.keys = keys;
        self.part.keys.retain(|key| key.shard != full_at.shard);
    }
}
