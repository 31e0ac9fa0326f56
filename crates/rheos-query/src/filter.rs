//! The flow filter on blocks: every test runs over a whole column, and only rows that are still in go on.
//!
//! A piece of a block has one byte per row, 1 while the row is in. A test clears bytes; `and` lets its parts
//! clear one after the other, the cheapest first, and stops when no row is left. All comparisons of numbers and
//! addresses become sorted ranges, so that a list of a thousand networks is one test.

mod compile;
mod test;

use rheos_core::filter::{Expr, FlowFilter};

use crate::{FlowBlock, FlowColumns};
use test::Test;

/// Rows that are tested together: their bytes stay in the first-level cache.
const PIECE: usize = 1024;

/// A filter, ready to test blocks.
///
/// ```
/// use rheos_core::{FlowRecord, filter::FlowFilter};
/// use rheos_query::{FlowBlock, filter::BlockFilter};
/// let records = [53, 443, 53].map(|port| FlowRecord {
///     destination_port: port,
///     protocol: 17,
///     ..FlowRecord::default()
/// });
/// let filter = BlockFilter::new(&FlowFilter::parse("udp and dst port 53").unwrap());
/// let mut rows = Vec::new();
/// filter.select(&FlowBlock::from_records(&records), &mut rows);
/// assert_eq!(rows, [0, 2]);
/// ```
#[derive(Clone, Debug)]
pub struct BlockFilter {
    root: Node,
}

#[derive(Clone, Debug)]
enum Node {
    All,
    Test(Test),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
}

impl BlockFilter {
    /// Compiles the filter.
    pub fn new(filter: &FlowFilter) -> Self {
        Self { root: filter.expr().map_or(Node::All, compile::node) }
    }

    /// Compiles an expression of either filter language. What a flow record does not tell (VLANs, tunnels,
    /// lengths of frames) never matches.
    pub fn of_expr(expr: &Expr) -> Self {
        Self { root: compile::node(expr) }
    }

    /// What passes both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.root, other.root) {
            (Node::All, root) | (root, Node::All) => Self { root },
            (ours, theirs) => Self { root: Node::And(vec![ours, theirs]) },
        }
    }

    /// Whether every row passes, so that testing can be left out.
    pub const fn matches_all(&self) -> bool {
        matches!(self.root, Node::All)
    }

    /// The columns that it tests.
    pub fn columns(&self) -> FlowColumns {
        self.root.columns()
    }

    /// Puts the numbers of the rows that pass into `rows`, in order; columns that are missing count as 0.
    pub fn select(&self, block: &FlowBlock, rows: &mut Vec<u32>) {
        rows.clear();
        let mut bytes = [0_u8; PIECE];
        let mut found = [0_u32; PIECE];
        let mut start = 0;
        while start < block.len() {
            let len = PIECE.min(block.len() - start);
            let piece = &mut bytes[..len];
            piece.fill(1);
            self.root.refine(block, start, piece);
            // Every row is written, but only those that are in move the end on: no branch to guess.
            let mut end = 0;
            for (i, &byte) in piece.iter().enumerate() {
                found[end & (PIECE - 1)] = (start + i) as u32;
                end += usize::from(byte);
            }
            rows.extend_from_slice(&found[..end]);
            start += len;
        }
    }

    /// How many rows pass.
    pub fn count(&self, block: &FlowBlock) -> u64 {
        let mut bytes = [0_u8; PIECE];
        let mut count = 0;
        let mut start = 0;
        while start < block.len() {
            let len = PIECE.min(block.len() - start);
            let piece = &mut bytes[..len];
            piece.fill(1);
            self.root.refine(block, start, piece);
            // A piece has fewer rows than 16 bits can count.
            count += u64::from(piece.iter().map(|&b| u16::from(b)).sum::<u16>());
            start += len;
        }
        count
    }

    /// Whether no row can pass, if a column's values lie between these: for skipping parts of files.
    pub fn excludes(&self, bounds: &dyn Fn(crate::FlowColumn) -> Option<(u64, u64)>) -> bool {
        self.root.excludes(bounds)
    }
}

impl Node {
    /// Clears the bytes of rows that do not pass.
    fn refine(&self, block: &FlowBlock, start: usize, bytes: &mut [u8]) {
        match self {
            Self::All => {}
            Self::Test(test) => test.refine(block, start, bytes),
            Self::And(all) => {
                for node in all {
                    node.refine(block, start, bytes);
                    if !any_left(bytes) {
                        return;
                    }
                }
            }
            Self::Not(inner) => {
                let mut passed = [0_u8; PIECE];
                let passed = &mut passed[..bytes.len()];
                passed.copy_from_slice(bytes);
                inner.refine(block, start, passed);
                bytes.iter_mut().zip(passed).for_each(|(byte, passed)| *byte &= *passed ^ 1);
            }
            Self::Or(any) => {
                let mut passed = [0_u8; PIECE];
                let mut one = [0_u8; PIECE];
                let (passed, one) = (&mut passed[..bytes.len()], &mut one[..bytes.len()]);
                for node in any {
                    // Rows that have passed need no other test.
                    for ((one, byte), passed) in one.iter_mut().zip(&*bytes).zip(&*passed) {
                        *one = byte & (passed ^ 1);
                    }
                    node.refine(block, start, one);
                    passed.iter_mut().zip(&*one).for_each(|(passed, one)| *passed |= one);
                }
                bytes.copy_from_slice(passed);
            }
        }
    }

    fn columns(&self) -> FlowColumns {
        match self {
            Self::All => FlowColumns::NONE,
            Self::Test(test) => test.columns(),
            Self::Not(inner) => inner.columns(),
            Self::And(list) | Self::Or(list) => {
                list.iter().fold(FlowColumns::NONE, |all, node| all | node.columns())
            }
        }
    }

    fn excludes(&self, bounds: &dyn Fn(crate::FlowColumn) -> Option<(u64, u64)>) -> bool {
        match self {
            Self::All | Self::Not(_) => false,
            Self::Test(test) => test.excludes(bounds),
            Self::And(list) => list.iter().any(|node| node.excludes(bounds)),
            Self::Or(list) => list.iter().all(|node| node.excludes(bounds)),
        }
    }

    /// What a row costs, for the order of `and`.
    fn cost(&self) -> u32 {
        match self {
            Self::All => 0,
            Self::Test(test) => test.cost(),
            Self::Not(inner) => inner.cost() + 1,
            Self::And(list) | Self::Or(list) => list.iter().map(Self::cost).sum(),
        }
    }
}

fn any_left(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |any, byte| any | byte) != 0
}

#[cfg(test)]
mod tests;
