//! Analyses of flows: an overview in one pass, ports as the older program counts them, and two sets compared.
//!
//! Each analysis is a counter that takes blocks, can be merged with that of another thread, and ends as a plain
//! structure. What is computed from counts is in [`spread`].

mod compare;
mod overview;
mod ports;
mod series;
pub mod spread;

pub use compare::{Comparison, FieldComparison, RowDifference, RowSet, Sample};
pub use overview::{Concentration, Distribution, Overview, OverviewCounter, OverviewPlan, Ranked};
pub use ports::{PortCounter, PortRow, PortSort};
pub use series::{BINS_MAX, LoadScheme, Series, SeriesBin};
