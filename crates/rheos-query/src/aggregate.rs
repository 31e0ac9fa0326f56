//! Groups of flows: any keys, sums, rates, moments, quantiles and distinct counts, in one pass.
//!
//! Keys are packed into 64, 128 or 512 bits ([`Keys`]); an index gives each its group's number, and what is kept
//! of groups are arrays by that number. Once groups are too many for the cache, rows are dealt out by their keys
//! first (`parts`). While a block has IPv4 addresses only, keys are narrow; groups of wide
//! blocks are kept apart and joined at the end. All that is kept are whole numbers, so that partial results of
//! several threads add up to the same, whatever each of them saw; ranks with equal values are in order of keys.
//!
//! ```
//! use rheos_core::FlowRecord;
//! use rheos_query::FlowBlock;
//! use rheos_query::aggregate::{Grouper, Query, Ranking};
//! let records = [443, 53, 443].map(|port| FlowRecord {
//!     destination_port: port,
//!     packet_length: 100,
//!     ..FlowRecord::default()
//! });
//! let query = Query::parse("dstport", "flows,bytes").unwrap();
//! let mut grouper = Grouper::new(&query);
//! grouper.add(&FlowBlock::from_records(&records)).unwrap();
//! let groups = grouper.finish().unwrap();
//! let report = groups.report(&Ranking::top("bytes".parse().unwrap(), 1));
//! assert_eq!(groups.key(report.rows[0])[0].to_string(), "443");
//! ```

mod groups;
mod histogram;
mod index;
mod keys;
mod parts;
mod sketch;
mod table;
mod values;

use crate::{Error, FlowBlock, FlowColumns};
use index::{Full, PackedKey};
use table::{Kept, PARTS_FROM, Table};

pub use groups::{Groups, Limit, Ranking, Report};
pub use histogram::Histogram;
pub use keys::{Key, KeyValue, Keys};
pub(crate) use values::middle as middle_of;
pub use values::{Cell, Measure, Moment, Value};

/// Groups that are told apart at most, unless told otherwise.
pub const GROUPS_MAX: usize = 64 << 20;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What flows are grouped by.
    pub keys: Keys,
    /// What is told of each group.
    pub values: Vec<Value>,
    /// Groups that are told apart at most; more are an error.
    pub groups_max: usize,
}

impl Query {
    /// Of comma-separated keys and values.
    ///
    /// # Errors
    /// If a word is not known, or the keys are too wide.
    pub fn parse(keys: &str, values: &str) -> Result<Self, Error> {
        let words = values.split(',').filter(|word| !word.trim().is_empty());
        let values = words.map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { keys: keys.parse()?, values, groups_max: GROUPS_MAX })
    }

    /// The columns that it needs.
    pub fn columns(&self) -> FlowColumns {
        self.values.iter().fold(self.keys.columns(), |all, value| all | value.columns())
    }
}

/// A table of the narrowest keys that hold the parts.
#[derive(Debug)]
enum Tables {
    U64(Table<u64>),
    U128(Table<u128>),
    U512(Table<[u64; 8]>),
}

/// Does the same with the table of whichever width.
macro_rules! with_table {
    ($tables:expr, $table:ident => $body:expr) => {
        match $tables {
            Tables::U64($table) => $body,
            Tables::U128($table) => $body,
            Tables::U512($table) => $body,
        }
    };
}
use with_table;

impl Tables {
    fn new(query: &Query, kept: &Kept, is_wide: bool, parts_from: usize) -> Self {
        let (bits, max) = (query.keys.bits(is_wide), query.groups_max);
        match bits {
            0..=64 => Self::U64(Table::new(bits, kept, max, parts_from)),
            65..=128 => Self::U128(Table::new(bits, kept, max, parts_from)),
            _ => Self::U512(Table::new(bits, kept, max, parts_from)),
        }
    }

    /// Takes over what others for the same keys have counted.
    fn join(&mut self, kept: &Kept, other: Self) -> Result<(), Full> {
        match (self, other) {
            (Self::U64(ours), Self::U64(theirs)) => ours.join(kept, theirs),
            (Self::U128(ours), Self::U128(theirs)) => ours.join(kept, theirs),
            (Self::U512(ours), Self::U512(theirs)) => ours.join(kept, theirs),
            _ => unreachable!("the keys of one query have one width"),
        }
    }

    fn len(&self) -> usize {
        with_table!(self, table => table.index.len())
    }
}

/// Counts blocks into groups. Several, on several threads, can be merged.
#[derive(Debug)]
pub struct Grouper {
    query: Query,
    kept: Kept,
    /// Groups of blocks with IPv4 addresses only.
    narrow: Tables,
    /// Groups of blocks with IPv6 addresses.
    wide: Option<Tables>,
    parts_from: usize,
}

impl Grouper {
    /// Ready to count.
    pub fn new(query: &Query) -> Self {
        Self::with_parts_from(query, PARTS_FROM)
    }

    /// With rows dealt out from so many groups on.
    fn with_parts_from(query: &Query, parts_from: usize) -> Self {
        let kept = Kept::of(&query.values);
        let narrow = Tables::new(query, &kept, false, parts_from);
        Self { query: query.clone(), kept, narrow, wide: None, parts_from }
    }

    /// Counts a block's rows.
    ///
    /// # Errors
    /// If there are more groups than may be.
    pub fn add(&mut self, block: &FlowBlock) -> Result<(), Error> {
        let ordered;
        let block = if self.query.keys.both_directions {
            ordered = keys::with_ends_in_order(block);
            &ordered
        } else {
            block
        };
        let is_wide = block.is_wide();
        let tables = if is_wide {
            let wide = || Tables::new(&self.query, &self.kept, true, self.parts_from);
            self.wide.get_or_insert_with(wide)
        } else {
            &mut self.narrow
        };
        let (keys, kept) = (&self.query.keys, &self.kept);
        with_table!(tables, table => table.add(keys, kept, block, is_wide))
            .map_err(|full| self.too_many(&full))
    }

    /// Adds what another one has counted for the same query.
    ///
    /// # Errors
    /// If there are more groups than may be.
    pub fn merge(&mut self, other: Self) -> Result<(), Error> {
        let kept = &self.kept;
        let mut result = self.narrow.join(kept, other.narrow);
        if let Some(theirs) = other.wide {
            match &mut self.wide {
                Some(ours) if result.is_ok() => result = ours.join(kept, theirs),
                ours => *ours = Some(theirs),
            }
        }
        result.map_err(|full| self.too_many(&full))
    }

    /// All groups.
    ///
    /// # Errors
    /// If there are more groups than may be.
    pub fn finish(self) -> Result<Groups, Error> {
        self.finish_on(1)
    }

    /// All groups; this many threads work on them, if they are many.
    ///
    /// # Errors
    /// If there are more groups than may be.
    pub fn finish_on(mut self, threads: usize) -> Result<Groups, Error> {
        let is_wide = self.wide.is_some();
        let result = self.settle(threads);
        result.map_err(|full| self.too_many(&full))?;
        Ok(Groups::new(self.query, self.kept, self.narrow, is_wide))
    }

    /// Makes one table of groups of all that was counted.
    fn settle(&mut self, threads: usize) -> Result<(), Full> {
        let kept = &self.kept;
        with_table!(&mut self.narrow, table => table.settle(kept, threads))?;
        if let Some(mut wide) = self.wide.take() {
            if !with_table!(&self.narrow, table => table.is_empty()) {
                absorb(&mut wide, &self.narrow, &self.query.keys, kept)?;
            }
            with_table!(&mut wide, table => table.settle(kept, threads))?;
            self.narrow = wide;
        }
        Ok(())
    }

    #[cold]
    fn too_many(&self, _: &Full) -> Error {
        Error::TooManyGroups { max: self.query.groups_max }
    }
}

/// Takes over groups of narrow keys into a table of wide ones.
fn absorb(wide: &mut Tables, narrow: &Tables, keys: &Keys, kept: &Kept) -> Result<(), Full> {
    fn rekey<L: PackedKey, K: PackedKey>(keys: &Keys, key: L) -> K {
        let mut wide = K::default();
        for (part, value) in keys.parts.iter().zip(keys.unpack(key, false)) {
            wide.push(part.bits(true), value);
        }
        wide
    }
    with_table!(wide, wide => with_table!(narrow, narrow => {
        wide.absorb(kept, narrow, |key| rekey(keys, key))
    }))
}

#[cfg(test)]
mod tests;
