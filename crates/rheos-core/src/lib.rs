//! The vocabulary of Rheos: the nouns that every other crate speaks.
//!
//! Nothing here does I/O, reads a clock or knows a protocol's bytes.
//!
//! | module | nouns |
//! |---|---|
//! | [`time`] | [`Timestamp`], [`Nanos`] |
//! | [`frame`] | [`Frame`], [`FrameBatch`], [`LinkType`] |
//! | [`mod@tuple`] | [`Addr`], [`FiveTuple`], [`FlowKey`], [`Direction`] |
//! | [`record`] | [`FlowRecord`], [`WideRecord`]: one direction of a flow, as generated or exported |
//! | [`seed`] | [`Seed`], [`Rng`], [`Chance`] |
//! | [`filter`] | [`filter::Filter`]: the filter language's expression and parser |
//! | [`units`] | [`units::Count`], [`units::Bytes`], [`units::BitRate`], [`units::Percent`], formats for people |
//! | [`suggest`] | the nearest known word to a mistyped one |
//! | [`drops`] | [`DropReason`], [`DropCounters`] |

pub mod drops;
pub mod filter;
pub mod frame;
pub mod record;
pub mod seed;
pub mod suggest;
pub mod time;
pub mod tuple;
pub mod units;

pub use drops::{DropCounters, DropReason};
pub use frame::{Frame, FrameBatch, FrameMeta, LinkType};
pub use record::{FlowRecord, RecordFlags, WideRecord};
pub use seed::{Chance, Rng, Seed};
pub use time::{Nanos, Timestamp};
pub use tuple::{Addr, Direction, FiveTuple, FlowKey, IpVersion};
