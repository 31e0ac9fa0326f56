//! Joins to rows, in their order, the columns that other flows tell.
//!
//! Streaming, a row tells of the flows up to its own and goes on at once. Exact, rows wait for the end of the capture
//! and tell of all its flows; then also the graph of all hosts is known.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use rheos_flow::graph::{FlowGraph, GraphConfig, Measures};
use rheos_flow::{FlowEdge, HostCounters, Hosts};

use crate::error::Error;
use crate::groups::connection::{self, GraphFacts};
use crate::plan::{ConnectionMode, FeatureConfig, FeaturePlan};
use crate::row::{Layout, RowBuffer};
use crate::table;

/// Decides between equally good communities; what `rheos features graph` takes by default.
const GRAPH_SEED: u64 = 1;

/// What is known of the hosts of all rows so far.
#[derive(Debug)]
pub(super) struct Company {
    hosts: Hosts,
    /// Of the columns that are joined.
    layout: Arc<Layout>,
    /// Of whole rows.
    schema: SchemaRef,
    /// Where rows wait for the end.
    waiting: Option<Waiting>,
}

/// Rows that wait, and the graph of their flows.
#[derive(Debug)]
struct Waiting {
    config: FeatureConfig,
    graph: FlowGraph,
    batches: Vec<(RecordBatch, Vec<FlowEdge>)>,
    rows: usize,
}

impl Waiting {
    fn new(config: &FeatureConfig) -> Self {
        let graph = GraphConfig {
            by_port: false,
            // As many as are known of; then one is forgotten, which is told.
            nodes_max: config.hosts.hosts_max.max(2),
            edges_max: config.hosts.pairs_max,
        };
        Self { config: config.clone(), graph: FlowGraph::new(graph), batches: Vec::new(), rows: 0 }
    }

    /// Keeps rows until the end.
    fn keep(&mut self, rows: RecordBatch, edges: Vec<FlowEdge>) -> Result<(), Error> {
        self.rows += edges.len();
        if self.rows > self.config.exact_rows_max {
            return Err(Error::exact_rows(self.config.exact_rows_max));
        }
        for edge in &edges {
            self.graph.add(edge);
        }
        self.batches.push((rows, edges));
        Ok(())
    }

    /// An error if something of the capture is not known any more.
    fn complete(&self, counters: HostCounters) -> Result<(), Error> {
        let limits = self.config.hosts;
        if counters.hosts_evicted > 0 {
            return Err(Error::exact_hosts(limits.hosts_max));
        }
        if counters.pairs_beyond > 0 || self.graph.beyond() > 0 {
            return Err(Error::exact_pairs(limits.pairs_max));
        }
        Ok(())
    }
}

impl Company {
    /// Nothing if no column needs it.
    pub(super) fn new(plan: &FeaturePlan) -> Option<Self> {
        let layout = Arc::clone(plan.connection.as_ref()?);
        let schema = Arc::new(table::arrow_schema(plan.config.selection.columns()));
        let exact = plan.config.connection == ConnectionMode::Exact;
        let waiting = exact.then(|| Waiting::new(&plan.config));
        Some(Self { hosts: Hosts::new(plan.config.hosts), layout, schema, waiting })
    }

    /// What happened at the limits.
    pub(super) fn counters(&self) -> HostCounters {
        self.hosts.counters()
    }

    /// The next rows, with what all flows up to each of them tell of its ends; nothing where they wait.
    pub(super) fn join(
        &mut self,
        rows: RecordBatch,
        edges: Vec<FlowEdge>,
    ) -> Result<Option<RecordBatch>, Error> {
        let Some(waiting) = &mut self.waiting else {
            let mut joined = self.columns();
            for edge in &edges {
                let standing = self.hosts.add(edge);
                begin(&mut joined);
                connection::write(&standing, None, &mut joined);
            }
            return Ok(Some(self.whole(&rows, joined)));
        };
        for edge in &edges {
            self.hosts.add(edge);
        }
        waiting.keep(rows, edges)?;
        waiting.complete(self.hosts.counters())?;
        Ok(None)
    }

    /// The rows that wait, with what the whole capture tells, one batch after the other to `out`.
    pub(super) fn release(&mut self, mut out: impl FnMut(RecordBatch)) {
        let Some(waiting) = self.waiting.take() else { return };
        let Waiting { graph, batches, .. } = waiting;
        let measures = graph.measures(GRAPH_SEED);
        for (rows, edges) in batches {
            let mut joined = self.columns();
            for edge in &edges {
                let standing = self.hosts.of(edge).expect("no host was forgotten");
                let ends = graph.ends(edge).expect("the graph has all flows");
                begin(&mut joined);
                connection::write(&standing, Some(&graph_facts(&measures, ends)), &mut joined);
            }
            out(self.whole(&rows, joined));
        }
    }

    fn columns(&self) -> RowBuffer {
        RowBuffer::new(Arc::clone(&self.layout))
    }

    fn whole(&self, rows: &RecordBatch, mut joined: RowBuffer) -> RecordBatch {
        let joined = joined.take_batch();
        let own = |name| joined.column_by_name(name).or_else(|| rows.column_by_name(name));
        let columns = self.schema.fields().iter().filter_map(|field| own(field.name()).cloned());
        RecordBatch::try_new(Arc::clone(&self.schema), columns.collect())
            .expect("every row has an edge, and every column is of one of both")
    }
}

fn begin(joined: &mut RowBuffer) {
    joined.begin();
    joined.seek(table::len() - connection::INFO.columns.len());
}

fn graph_facts(measures: &Measures, ends: [usize; 2]) -> GraphFacts {
    GraphFacts {
        betweenness: ends.map(|node| measures.betweenness[node]),
        community: ends.map(|node| measures.community[node]),
        clustering: ends.map(|node| measures.clustering[node]),
    }
}
