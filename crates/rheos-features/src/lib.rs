//! From flows to rows of typed features.
//!
//! One static [`table`] says what every column is. [`groups`] compute them: a [`FlowFeatures`] is what a flow table
//! keeps per flow, and at a flow's end becomes a row of a [`RowBuffer`], which becomes an Arrow record batch.
//! [`pipeline::run`] is the whole road from frame batches to record batches, on one thread or several with the same
//! result.
//!
//! What cannot be known of a flow is null, never 0; standard deviations are those of the population (ddof = 0).

pub mod anonymize;
mod cells;
pub mod column;
pub mod compare;
pub mod dissect;
pub mod distinct;
pub mod docs;
pub mod error;
pub mod gaps;
pub mod groups;
pub mod labels;
pub mod lengths;
pub mod log;
pub mod moments;
mod nearest;
pub mod pipeline;
pub mod plan;
mod ports;
pub mod quantile;
pub mod removed;
pub mod row;
pub mod select;
pub mod shape;
pub mod smallest;
pub mod table;
mod tcp;
mod value;
pub mod views;
mod words;

pub use column::{Column, Emitted, GroupInfo, Identity, Kind, Privacy, Profile, Scope};
pub use error::Error;
pub use groups::{FlowFeatures, GROUPS};
pub use pipeline::{ExtractConfig, RunError, Summary};
pub use plan::{ConnectionMode, FeatureConfig, FeaturePlan, ShardPlan};
pub use row::{Layout, RowBuffer};
pub use select::Selection;
pub use shape::RowShape;
pub use views::{VIEWS, View, ViewColumn};
