//! A plan's tables as vector registers hold them.

use super::alias::Alias;
use super::plan::{FlowPlan, LEAF_BITS, SUBNET_BITS, Side};

/// Slots of the leaves' choice: two registers.
pub(super) const LEAVES: usize = 1 << LEAF_BITS;
/// Slots of a subnets' choice: one register.
pub(super) const SUBNETS: usize = 1 << SUBNET_BITS;

/// A table of 32 entries.
pub(super) type LeafTable = [u32; LEAVES];

/// The tables of a small plan, one for each field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lanes {
    pub(super) threshold: LeafTable,
    pub(super) alias: LeafTable,
    /// The first port, and the number of ports times 2^16.
    pub(super) ports: LeafTable,
    /// Protocol and pattern where the record has them.
    pub(super) meta: LeafTable,
    pub(super) size: LeafTable,
    pub(super) size_count: LeafTable,
    pub(super) sources: SideLanes,
    pub(super) destinations: SideLanes,
}

/// The tables of one side.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SideLanes {
    pub(super) threshold: [u32; SUBNETS],
    pub(super) alias: [u32; SUBNETS],
    pub(super) first: [u32; SUBNETS],
    pub(super) count: [u32; SUBNETS],
}

/// A field of every slot, where there are as many slots as places.
fn column<T, const N: usize>(rows: &[T], field: impl Fn(&T) -> u32) -> Option<[u32; N]> {
    rows.iter().map(field).collect::<Vec<_>>().try_into().ok()
}

impl SideLanes {
    fn new(side: &Side) -> Option<Self> {
        let choice: &Alias = &side.choice;
        Some(Self {
            threshold: column(choice.slots(), |s| s.threshold)?,
            alias: column(choice.slots(), |s| s.alias)?,
            first: column(&side.hosts, |h| h.first)?,
            count: column(&side.hosts, |h| h.count)?,
        })
    }
}

impl Lanes {
    /// `None` for plans with more leaves or subnets than registers hold, or wide records.
    pub(super) fn new(plan: &FlowPlan) -> Option<Self> {
        if !plan.is_narrow() {
            return None;
        }
        let slots = plan.leaf_choice.slots();
        let leaves = &plan.leaves;
        Some(Self {
            threshold: column(slots, |s| s.threshold)?,
            alias: column(slots, |s| s.alias)?,
            ports: column(leaves, |l| u32::from(l.port) | l.port_count << 16)?,
            meta: column(leaves, |l| u32::from(l.protocol) | u32::from(l.pattern) << 16)?,
            size: column(leaves, |l| l.size)?,
            size_count: column(leaves, |l| l.size_count)?,
            sources: SideLanes::new(&plan.sources)?,
            destinations: SideLanes::new(&plan.destinations)?,
        })
    }
}
