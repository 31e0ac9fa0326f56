//! Joins to rows, in their order, the columns that other flows tell.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use rheos_flow::{FlowEdge, HostCounters, Hosts};

use crate::groups::connection;
use crate::plan::FeaturePlan;
use crate::row::{Layout, RowBuffer};
use crate::table;

/// What is known of the hosts of all rows so far.
#[derive(Debug)]
pub(super) struct Company {
    hosts: Hosts,
    /// Of the columns that are joined.
    layout: Arc<Layout>,
    /// Of whole rows.
    schema: SchemaRef,
}

impl Company {
    /// Nothing if no column needs it.
    pub(super) fn new(plan: &FeaturePlan) -> Option<Self> {
        let layout = Arc::clone(plan.connection.as_ref()?);
        let schema = Arc::new(table::arrow_schema(plan.config.selection.columns()));
        Some(Self { hosts: Hosts::new(plan.config.hosts), layout, schema })
    }

    /// What happened at the limits.
    pub(super) fn counters(&self) -> HostCounters {
        self.hosts.counters()
    }

    /// The next rows, with what all flows up to each of them tell of its ends.
    pub(super) fn join(&mut self, rows: &RecordBatch, edges: &[FlowEdge]) -> RecordBatch {
        let mut joined = RowBuffer::new(Arc::clone(&self.layout));
        let first = table::len() - connection::INFO.columns.len();
        for edge in edges {
            joined.begin();
            joined.seek(first);
            connection::write(&self.hosts.add(edge), &mut joined);
        }
        let joined = joined.take_batch();
        let own = |name| joined.column_by_name(name).or_else(|| rows.column_by_name(name));
        let columns = self.schema.fields().iter().filter_map(|field| own(field.name()).cloned());
        RecordBatch::try_new(Arc::clone(&self.schema), columns.collect())
            .expect("every row has an edge, and every column is of one of both")
    }
}
