//! Flow files as other programs write them.

#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

#[path = "it/formats.rs"]
mod formats;
#[cfg(feature = "sql")]
#[path = "it/sql.rs"]
mod sql;
