//! The groups of columns, and the frame that runs the chosen ones.
//!
//! To add a group: write `groups/<name>.rs` with its table rows and an `impl Group`, and add one line to the
//! list below. Everything else (schema, selection, reference, rows) follows from the table.

use std::sync::Arc;

use rheos_flow::{Arrival, FlowHead, FlowState};
use rheos_wire::Packet;

use crate::column::{Column, GroupInfo};
use crate::log::{PacketLog, Scratch};
use crate::plan::FeaturePlan;
use crate::row::RowBuffer;

/// A packet as a group sees it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What all flows share.
    pub plan: &'a FeaturePlan,
    /// The flow, which counts the packet already.
    pub head: &'a FlowHead,
    /// How it arrives in the flow.
    pub arrival: &'a Arrival,
    /// The packet.
    pub packet: &'a Packet,
    /// What its offsets point into.
    pub bytes: &'a [u8],
}

/// A finished flow as a group sees it.
#[derive(Debug)]
pub struct Ended<'a> {
    /// What all flows share.
    pub plan: &'a FeaturePlan,
    /// The flow.
    pub head: &'a FlowHead,
    /// Its packets, as far as they are remembered.
    pub log: &'a PacketLog,
    /// Room to sort in.
    pub scratch: &'a mut Scratch,
}

/// Computes one group of columns.
///
/// A state is inline in every flow, also where its group is not selected: what is larger than about a hundred
/// bytes belongs in a box that the first packet makes which needs it.
pub trait Group {
    /// What is kept per flow.
    type State: std::fmt::Debug;
    /// Name, meaning and columns.
    const INFO: GroupInfo;

    /// The state before the first packet.
    fn new(plan: &FeaturePlan) -> Self::State;

    /// Takes in one packet. No allocation but the first box, no division.
    fn on_packet(state: &mut Self::State, seen: &Seen<'_>);

    /// Writes the value of every column, in table order.
    fn finish(state: &Self::State, ended: &mut Ended<'_>, row: &mut RowBuffer);

    /// Makes the state as new, keeping its memory where that is worth it.
    fn reset(state: &mut Self::State, plan: &FeaturePlan) {
        *state = Self::new(plan);
    }
}

macro_rules! groups {
    ($($module:ident: $group:ident,)+) => {
        $(pub mod $module;)+

        /// Every group, in output order.
        pub static GROUPS: &[GroupInfo] = &[$(<$module::$group as Group>::INFO,)+];

        /// Which groups have a selected column.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct Enabled { $($module: bool,)+ }

        impl Enabled {
            pub(crate) fn new(chosen: impl Fn(&Column) -> bool) -> Self {
                Self { $($module: <$module::$group as Group>::INFO.columns.iter().any(&chosen),)+ }
            }
        }

        /// The state of every group.
        #[derive(Debug)]
        struct States { $($module: <$module::$group as Group>::State,)+ }

        impl States {
            fn new(plan: &FeaturePlan) -> Self {
                Self { $($module: $module::$group::new(plan),)+ }
            }

            #[inline]
            fn on_packet(&mut self, seen: &Seen<'_>) {
                $(if seen.plan.enabled.$module {
                    $module::$group::on_packet(&mut self.$module, seen);
                })+
            }

            fn finish(&self, ended: &mut Ended<'_>, row: &mut RowBuffer) {
                let mut next = 0;
                $(next += <$module::$group as Group>::INFO.columns.len();
                if ended.plan.enabled.$module {
                    $module::$group::finish(&self.$module, ended, row);
                    debug_assert_eq!(row.cursor(), next, concat!(stringify!($module), " wrote too few columns"));
                } else {
                    row.seek(next);
                })+
            }

            fn reset(&mut self, plan: &FeaturePlan) {
                $(if plan.enabled.$module {
                    $module::$group::reset(&mut self.$module, plan);
                })+
            }
        }
    };
}

groups! {
    flow_meta: FlowMeta,
    flow_state: FlowLife,
    timing: Timing,
    size: Size,
    tcp: Tcp,
}

/// All that the groups keep of one flow.
#[derive(Debug)]
pub struct FlowFeatures {
    log: PacketLog,
    states: States,
}

impl FlowFeatures {
    /// Writes the flow's row; `scratch` is room to sort in.
    pub fn write_row(
        &self,
        head: &FlowHead,
        plan: &FeaturePlan,
        scratch: &mut Scratch,
        rows: &mut RowBuffer,
    ) {
        rows.begin();
        let mut ended = Ended { plan, head, log: &self.log, scratch };
        self.states.finish(&mut ended, rows);
    }

    /// Packets whose length was counted as a lower one because the flow had too many distinct lengths.
    pub fn lengths_folded(&self) -> u64 {
        self.log.folded()
    }

    /// Memory in bytes, without the allocator's own.
    pub fn state_bytes(&self) -> usize {
        size_of::<Self>() + self.log.heap_bytes()
    }
}

impl FlowState for FlowFeatures {
    type Config = Arc<FeaturePlan>;

    fn new(plan: &Self::Config) -> Self {
        Self { log: PacketLog::default(), states: States::new(plan) }
    }

    #[inline]
    fn on_packet(
        &mut self,
        plan: &Self::Config,
        head: &FlowHead,
        arrival: &Arrival,
        packet: &Packet,
        bytes: &[u8],
    ) {
        self.log.push(plan.log, arrival, packet);
        self.states.on_packet(&Seen { plan, head, arrival, packet, bytes });
    }

    fn reset(&mut self, plan: &Self::Config) {
        self.log.reset();
        self.states.reset(plan);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_flow_stays_small() {
        // Adding a group with a large state makes every flow pay for it: box it instead.
        assert!(size_of::<FlowFeatures>() <= 448, "{} bytes", size_of::<FlowFeatures>());
    }
}
