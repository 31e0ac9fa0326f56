//! The road on several threads: one reads and decodes, several follow flows, the caller's takes the rows.
//!
//! Everything travels in batches over bounded channels, so that a slow taker of rows slows the reader. The stages
//! form a line, so nobody waits for somebody who waits for him. When a stage ends early its channels close, which
//! ends the stages before and behind it.

use std::any::Any;
use std::sync::Arc;
use std::thread::{Builder, Scope, ScopedJoinHandle, scope};

use arrow_array::RecordBatch;
use crossbeam_channel::{Receiver, Sender, bounded};
use rheos_core::{FrameBatch, Timestamp};
use rheos_flow::{FlowConfig, Ingest, IngestCounters, Keyed};
use rheos_wire::Packet;

use super::collect::Collector;
use super::lane::{Chunk, Lane, LaneTotals, Part, RowKey};
use super::{Boundary, Course, ExtractConfig, RunError, SHARD_ROWS_MAX, SHARDS, Summary};
use crate::error::Error;
use crate::plan::FeaturePlan;
use crate::row::{Layout, RowBuffer};

/// Batches of packets that wait for a worker at most.
const BATCHES_WAITING: usize = 8;
/// Batches of rows that wait for the caller at most.
const ROWS_WAITING: usize = 4;
/// Packets of a batch at most.
const BATCH_PACKETS: usize = 1_024;

/// Packets on their way to a worker.
#[derive(Debug, Default)]
struct PacketBatch {
    items: Vec<Item>,
    /// What most packets point into.
    frames: Arc<Vec<u8>>,
    /// What packets of reassembled datagrams point into.
    datagrams: Vec<u8>,
}

#[derive(Debug)]
struct Item {
    packet: Packet,
    /// The latest time of any packet up to this one.
    clock: Timestamp,
    start: usize,
    len: usize,
}

impl Item {
    fn bytes<'a>(&self, batch: &'a PacketBatch) -> &'a [u8] {
        let bytes = if self.packet.reassembled { &batch.datagrams } else { &*batch.frames };
        bytes.get(self.start..self.start + self.len).unwrap_or_default()
    }
}

enum ToWorker {
    Packets(PacketBatch),
    EpochEnd(Boundary),
    Finish,
}

enum FromWorker {
    Full(Chunk),
    EpochEnd(Part),
    /// Rows after the last epoch, in order.
    Last(Part),
    Done(Box<LaneTotals>),
}

/// The end of a worker's channels that the reader holds.
struct WorkerLink {
    to: Sender<ToWorker>,
    /// Emptied batches come back here.
    back: Receiver<PacketBatch>,
    open: PacketBatch,
}

/// The end of a worker's channels that the worker holds.
struct WorkerEnd {
    lane: Lane,
    from: Receiver<ToWorker>,
    back: Sender<PacketBatch>,
    rows: Sender<FromWorker>,
    /// Parts whose rows were taken come back here.
    parts: Receiver<Part>,
    layout: Arc<Layout>,
}

/// The end of a worker's channels that the taker of rows holds.
struct RowsEnd {
    from: Receiver<FromWorker>,
    back: Sender<Part>,
}

pub(super) fn run<E: Send>(
    config: &ExtractConfig,
    threads: usize,
    source: impl FnMut() -> Result<Option<FrameBatch>, E> + Send,
    out: impl FnMut(RecordBatch) -> Result<(), E>,
) -> Result<Summary, RunError<E>> {
    let plan = Arc::new(FeaturePlan::new(config.features.clone()));
    let mut collector = Collector::new(&plan, out);
    let (read, totals) = scope(|scope| {
        let mut handles = Vec::new();
        let mut links = Vec::new();
        let mut rows = Vec::new();
        for number in 0..threads {
            let lane = Lane::new(config, &plan, number, threads);
            let (link, end, from) = connect(lane, &plan.layout);
            handles.push(spawn(scope, number, move || work(end))?);
            links.push(link);
            rows.push(from);
        }
        let reader = Reader::new(config, links);
        let reader = spawn(scope, threads, move || reader.run(source))?;
        let totals = collect(&rows, &mut collector);
        // A taker that failed takes no more: the workers end.
        drop(rows);
        let read = reader.join().map_err(|panic| panicked(&*panic));
        // All are joined before any error is told: a scope panics over threads that were not.
        let ended: Vec<_> = handles.into_iter().map(ScopedJoinHandle::join).collect();
        for end in ended {
            end.map_err(|panic| panicked(&*panic))?;
        }
        Ok::<_, Error>((read?, totals))
    })?;
    collector.finish();
    if let Some(error) = collector.failed {
        return Err(error);
    }
    let mut summary = Summary {
        ingest: read.counters,
        hosts: collector.company.map(|company| company.counters()).unwrap_or_default(),
        rows: collector.rows,
        first: read.course.first,
        last: read.course.last(),
        ..Summary::default()
    };
    for lane in totals {
        summary.table.merge(&lane.table);
        summary.streams.merge(&lane.streams);
        summary.state_bytes += lane.state_bytes;
        summary.lengths_folded += lane.lengths_folded;
    }
    match read.failed {
        Some(error) => Err(RunError::Source { error, summary: Box::new(summary) }),
        None => Ok(summary),
    }
}

fn connect(lane: Lane, layout: &Arc<Layout>) -> (WorkerLink, WorkerEnd, RowsEnd) {
    let (to, from) = bounded(BATCHES_WAITING);
    let (back_to, back) = bounded(BATCHES_WAITING);
    let (rows_to, rows) = bounded(ROWS_WAITING);
    let (parts_to, parts) = bounded(ROWS_WAITING);
    let link = WorkerLink { to, back, open: PacketBatch::default() };
    let layout = Arc::clone(layout);
    let end = WorkerEnd { lane, from, back: back_to, rows: rows_to, parts, layout };
    (link, end, RowsEnd { from: rows, back: parts_to })
}

fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    worker: usize,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, Error> {
    let thread = Builder::new().name(format!("rheos-flow-{worker}"));
    thread
        .spawn_scoped(scope, work)
        .map_err(|error| Error::WorkerNotStarted { worker, message: error.to_string() })
}

#[cold]
fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().map(|&text| text.to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Error::WorkerPanicked { message: text.unwrap_or_default() }
}

/// What the reading thread leaves.
struct ReadOutcome<E> {
    counters: IngestCounters,
    course: Course,
    failed: Option<E>,
}

/// Reads, decodes and deals packets out to the workers.
struct Reader {
    ingest: Ingest,
    dealer: Dealer,
}

struct Dealer {
    flow: FlowConfig,
    course: Course,
    links: Vec<WorkerLink>,
    /// A worker is gone: nothing more need be read.
    stopped: bool,
}

impl Reader {
    fn new(config: &ExtractConfig, links: Vec<WorkerLink>) -> Self {
        let flow = config.flow.clone();
        let dealer = Dealer { flow, course: Course::default(), links, stopped: false };
        Self { ingest: Ingest::new(config.ingest.clone()), dealer }
    }

    fn run<E>(
        mut self,
        mut source: impl FnMut() -> Result<Option<FrameBatch>, E>,
    ) -> ReadOutcome<E> {
        let mut failed = None;
        while !self.dealer.stopped {
            match source() {
                Ok(Some(batch)) => {
                    let dealer = &mut self.dealer;
                    self.ingest.batch(&batch, |packet, bytes| dealer.deal(packet, bytes, &batch));
                    dealer.flush();
                }
                Ok(None) => break,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        self.ingest.finish();
        self.dealer.finish();
        ReadOutcome { counters: self.ingest.counters, course: self.dealer.course, failed }
    }
}

impl Dealer {
    #[inline]
    fn deal(&mut self, packet: &Packet, bytes: &[u8], batch: &FrameBatch) {
        if let Some(boundary) = self.course.step(packet) {
            self.flush();
            self.tell_all(|| ToWorker::EpochEnd(boundary));
        }
        let shard = Keyed::of(packet, &self.flow).shard(SHARDS);
        let number = shard % self.links.len();
        let open = &mut self.links[number].open;
        if open.items.is_empty() {
            open.frames = Arc::clone(&batch.bytes);
        }
        let start = if packet.reassembled {
            let start = open.datagrams.len();
            open.datagrams.extend_from_slice(bytes);
            start
        } else {
            let frame = packet.index.saturating_sub(batch.first_index) as usize;
            batch.frames.get(frame).map_or(0, |meta| meta.offset)
        };
        let clock = self.course.latest;
        open.items.push(Item { packet: *packet, clock, start, len: bytes.len() });
        if open.items.len() >= BATCH_PACKETS {
            self.send(number);
        }
    }

    /// Sends what is open.
    fn flush(&mut self) {
        for number in 0..self.links.len() {
            if !self.links[number].open.items.is_empty() {
                self.send(number);
            }
        }
    }

    fn send(&mut self, number: usize) {
        let link = &mut self.links[number];
        let empty = link.back.try_recv().unwrap_or_default();
        let full = std::mem::replace(&mut link.open, empty);
        self.stopped |= link.to.send(ToWorker::Packets(full)).is_err();
    }

    fn tell_all(&mut self, message: impl Fn() -> ToWorker) {
        for link in &self.links {
            self.stopped |= link.to.send(message()).is_err();
        }
    }

    fn finish(&mut self) {
        let boundary = self.course.boundary();
        self.flush();
        self.tell_all(|| ToWorker::EpochEnd(boundary));
        self.tell_all(|| ToWorker::Finish);
    }
}

/// A worker: ends when its work is done, or when nobody takes its rows or sends it packets any more.
fn work(mut end: WorkerEnd) {
    let rows = end.rows;
    // Once the taker is gone, sending fails at once and the loop below ends at its next message.
    let mut emit = |chunk: Chunk| drop(rows.send(FromWorker::Full(chunk)));
    while let Ok(message) = end.from.recv() {
        match message {
            ToWorker::Packets(mut batch) => {
                for item in &batch.items {
                    end.lane.packet(&item.packet, item.bytes(&batch), item.clock, &mut emit);
                }
                batch.items.clear();
                batch.datagrams.clear();
                // Lets the source have its buffer back.
                batch.frames = Arc::default();
                // A full return channel means there are batches enough.
                let _ = end.back.try_send(batch);
            }
            ToWorker::EpochEnd(boundary) => {
                end.lane.end_epoch(boundary, &mut emit);
                let empty = end.parts.try_recv().unwrap_or_else(|_| Part::new(&end.layout));
                let part = end.lane.swap_part(empty);
                if rows.send(FromWorker::EpochEnd(part)).is_err() {
                    return;
                }
            }
            ToWorker::Finish => {
                end.lane.finish(SHARD_ROWS_MAX, &mut |part| {
                    let full = std::mem::replace(part, Part::new(&end.layout));
                    let _ = rows.send(FromWorker::Last(full));
                });
                let totals = Box::new(end.lane.totals());
                let _ = rows.send(FromWorker::Done(totals));
                return;
            }
        }
    }
}

/// Takes the rows of all workers, epoch by epoch, until all are done, one is gone, or the taker fails.
fn collect<E, O: FnMut(RecordBatch) -> Result<(), E>>(
    workers: &[RowsEnd],
    collector: &mut Collector<O, E>,
) -> Vec<LaneTotals> {
    while collector.failed.is_none() {
        let mut heads = Vec::with_capacity(workers.len());
        for worker in workers {
            let Ok(head) = worker.from.recv() else { return Vec::new() };
            heads.push(head);
        }
        if !hand_out_full(workers, &mut heads, collector) {
            return Vec::new();
        }
        if !heads.iter().all(|head| matches!(head, FromWorker::EpochEnd(_))) {
            return collect_last(workers, heads, collector);
        }
        let part = |head| match head {
            FromWorker::EpochEnd(part) => Some(part),
            _ => None,
        };
        let parts: Vec<Part> = heads.into_iter().filter_map(part).collect();
        collector.merge(&parts);
        for (mut part, worker) in parts.into_iter().zip(workers) {
            part.clear();
            // A full return channel means there are parts enough.
            let _ = worker.back.try_send(part);
        }
    }
    Vec::new()
}

/// Takes the rows after the last epoch, in order over all workers, and then what the workers have counted.
fn collect_last<E, O: FnMut(RecordBatch) -> Result<(), E>>(
    workers: &[RowsEnd],
    heads: Vec<FromWorker>,
    collector: &mut Collector<O, E>,
) -> Vec<LaneTotals> {
    let layout = collector.layout();
    let mut tails: Vec<Tail> = heads.into_iter().map(|head| Tail::new(&layout, head)).collect();
    while collector.failed.is_none() {
        for (tail, worker) in tails.iter_mut().zip(workers) {
            if !tail.refill(&worker.from) {
                return Vec::new();
            }
        }
        // Whatever comes after these parts comes after this key.
        let Some(bound) = tails.iter().filter_map(|tail| tail.part.keys.last()).min().copied()
        else {
            collector.hand_out_ready();
            return tails.into_iter().filter_map(|tail| tail.totals).collect();
        };
        let mut order: Vec<(RowKey, u32, u32)> = Vec::new();
        for (number, tail) in tails.iter_mut().enumerate() {
            let end = tail.part.keys.partition_point(|&key| key <= bound);
            let rows = (tail.next..end).map(|row| (tail.part.keys[row], number as u32, row as u32));
            order.extend(rows);
            tail.next = end;
        }
        order.sort_unstable();
        let order: Vec<(u32, u32)> = order.iter().map(|&(_, part, row)| (part, row)).collect();
        let parts: Vec<&RowBuffer> = tails.iter().map(|tail| &tail.part.rows).collect();
        collector.append(&parts, &order);
    }
    Vec::new()
}

/// The rows of one worker after the last epoch.
struct Tail {
    part: Part,
    /// The first row that was not handed out.
    next: usize,
    totals: Option<LaneTotals>,
}

impl Tail {
    fn new(layout: &Arc<Layout>, head: FromWorker) -> Self {
        let mut tail = Self { part: Part::new(layout), next: 0, totals: None };
        tail.take(head);
        tail
    }

    fn take(&mut self, message: FromWorker) {
        match message {
            FromWorker::Last(part) => (self.part, self.next) = (part, 0),
            FromWorker::Done(totals) => self.totals = Some(*totals),
            FromWorker::Full(_) | FromWorker::EpochEnd(_) => {}
        }
    }

    /// Sees to it that there are rows unless the worker is done; false if it is gone.
    fn refill(&mut self, from: &Receiver<FromWorker>) -> bool {
        while self.next == self.part.keys.len() && self.totals.is_none() {
            let Ok(message) = from.recv() else { return false };
            self.take(message);
        }
        if self.next == self.part.keys.len() {
            self.part.clear();
            self.next = 0;
        }
        true
    }
}

/// Hands out full chunks in order until every head is something else; false if a worker is gone.
fn hand_out_full<E, O: FnMut(RecordBatch) -> Result<(), E>>(
    workers: &[RowsEnd],
    heads: &mut [FromWorker],
    collector: &mut Collector<O, E>,
) -> bool {
    loop {
        let full = heads.iter().enumerate().filter_map(|(number, head)| match head {
            FromWorker::Full(chunk) => Some((chunk.full_at, number)),
            _ => None,
        });
        let Some((_, number)) = full.min() else { return true };
        let Ok(next) = workers[number].from.recv() else { return false };
        if let FromWorker::Full(mut chunk) = std::mem::replace(&mut heads[number], next) {
            // Rows of earlier epochs come first.
            collector.hand_out_ready();
            collector.hand_out(&mut chunk.rows);
        }
    }
}
