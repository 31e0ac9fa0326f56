//! Flow files as column blocks: read, filter, aggregate, analyse.
//!
//! | file | what it knows |
//! |---|---|
//! | [`FlowColumn`] | the columns of flow files and all their names |
//! | [`FlowBlock`] | rows as columns that share memory with Arrow arrays |
//! | [`filter`] | the flow filter language as tests of whole columns |
//! | [`read`] | flow files of all formats, on several threads |
//! | [`aggregate`] | groups of flows and what is told of them |
//! | [`fit`] | a model of traffic learned from its records |
//! | [`analyze`] | an overview, ports, traffic over time, two sets compared |
//! | `sql` | queries in SQL, with the feature `sql` |

pub mod aggregate;
pub mod analyze;
mod block;
mod column;
mod convert;
mod error;
pub mod filter;
pub mod fit;
mod rate;
pub mod read;
#[cfg(feature = "sql")]
pub mod sql;

pub use block::{BLOCK_ROWS, Column, FlowBlock, address_of};
pub use column::{FlowColumn, FlowColumns, Kind};
pub use convert::schema_of;
pub use error::Error;
pub use rate::Rate;
