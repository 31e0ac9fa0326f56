//! The groups of columns, and the frame that runs the chosen ones.
//!
//! To add a group: write `groups/<name>.rs` with its table rows and an `impl Group`, and add one line to the
//! list below: under `told` if it keeps nothing and tells what dissection found, else as a rule under `deep`.
//! (`connection` alone tells of many flows; the pipeline computes it where it puts rows in order.)
//! Everything else (schema, selection, reference, rows) follows from the table.

use rheos_flow::{Arrival, FlowHead, FlowState};
use rheos_wire::Packet;

use crate::column::{Column, GroupInfo};
use crate::dissect::{Dissection, Spoken};
use crate::log::{Logged, PacketLog, Scratch};
use crate::plan::{FeaturePlan, ShardPlan};
use crate::row::RowBuffer;
use crate::tcp::{TcpAnalysis, Topics};

/// IP protocol number.
const TCP: u8 = 6;

/// A packet as a group sees it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What all flows share.
    pub plan: &'a FeaturePlan,
    /// The flow, which counts the packet already.
    pub head: &'a FlowHead,
    /// How it arrives in the flow.
    pub arrival: &'a Arrival,
    /// The flow's packets, this one included, as far as they are remembered.
    pub log: &'a PacketLog,
    /// The packet.
    pub packet: &'a Packet,
    /// What its offsets point into.
    pub bytes: &'a [u8],
}

impl Seen<'_> {
    /// The packet as the log would tell it, had it been logged; only for flows that have outgrown their log.
    #[inline]
    pub fn logged(&self) -> Logged {
        Logged {
            offset: self.log.offset(self.packet.ts),
            gap: self.arrival.gap.map(|gap| gap.0),
            gap_same: self.arrival.gap_same_direction.map(|gap| gap.0),
            len: self.packet.ip_len,
            direction: self.arrival.direction,
        }
    }
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
    /// What was said inside it: none without payload, and where no selected group wants to know.
    pub dissection: Option<&'a Dissection>,
    /// Room to sort in.
    pub scratch: &'a mut Scratch,
    /// What the groups of TCP share; nothing in other protocols, and where none of them is selected.
    pub(crate) tcp: Option<&'a TcpAnalysis>,
}

/// Computes one group of columns.
///
/// The state of an `inline` group lies in every flow, so it is small; that of a `deep` group lies in a box which is
/// made with a flow's first packet when any deep group is selected. A group under `told` has no state: it writes what
/// the flow's [`Dissection`] holds, which is made when any such group is selected. What few flows need (a handshake, a list) belongs
/// in a box of its own that the first packet makes which needs it.
pub trait Group {
    /// What is kept per flow.
    type State: std::fmt::Debug;
    /// Name, meaning and columns.
    const INFO: GroupInfo;

    /// The state before the first packet.
    fn new(plan: &FeaturePlan) -> Self::State;

    /// Takes in one packet. No allocation but the first box, no division.
    fn on_packet(state: &mut Self::State, seen: &Seen<'_>) {
        let _ = (state, seen);
    }

    /// The flow has outgrown its log: sums up what the log holds, all packets so far. From here on
    /// [`Self::on_packet`] has to sum up the rest.
    fn outgrow(_: &mut Self::State, _: &FeaturePlan, _: &PacketLog) {}

    /// Writes the value of every column, in table order, or the first ones and then that
    /// the rest is null (`RowBuffer::rest_is_null`).
    fn finish(state: &Self::State, ended: &mut Ended<'_>, row: &mut RowBuffer);

    /// Memory in bytes beyond the state itself.
    fn heap_bytes(_: &Self::State) -> usize {
        0
    }

    /// Makes the state as new, keeping its memory where that is worth it.
    fn reset(state: &mut Self::State, plan: &FeaturePlan) {
        *state = Self::new(plan);
    }
}

/// One struct with the states of some groups, and what is done with all of them.
macro_rules! states {
    ($name:ident { $($module:ident: $group:ident,)* }) => {
        #[derive(Debug)]
        struct $name { $($module: <$module::$group as Group>::State,)* }

        impl $name {
            fn new(plan: &FeaturePlan) -> Self {
                Self { $($module: $module::$group::new(plan),)* }
            }

            #[inline]
            fn on_packet(&mut self, seen: &Seen<'_>) {
                $(if seen.plan.enabled.$module {
                    $module::$group::on_packet(&mut self.$module, seen);
                })*
            }

            fn outgrow(&mut self, plan: &FeaturePlan, log: &PacketLog) {
                $(if plan.enabled.$module {
                    $module::$group::outgrow(&mut self.$module, plan, log);
                })*
            }

            fn heap_bytes(&self) -> usize {
                0 $(+ $module::$group::heap_bytes(&self.$module))*
            }

            /// Writes the columns of these groups, of which the first has the number `next`.
            fn finish(&self, mut next: usize, ended: &mut Ended<'_>, row: &mut RowBuffer) -> usize {
                $(next += <$module::$group as Group>::INFO.columns.len();
                if ended.plan.enabled.$module {
                    row.enter_group(next);
                    $module::$group::finish(&self.$module, ended, row);
                    debug_assert_eq!(row.cursor(), next, concat!(stringify!($module), " wrote too few columns"));
                } else {
                    row.seek(next);
                })*
                next
            }

            fn reset(&mut self, plan: &FeaturePlan) {
                $(if plan.enabled.$module {
                    $module::$group::reset(&mut self.$module, plan);
                })*
            }
        }
    };
}

macro_rules! groups {
    (
        inline { $($inline:ident: $inline_group:ident,)+ }
        deep { $($deep:ident: $deep_group:ident,)* }
        told { $($told:ident: $told_group:ident,)* }
    ) => {
        $(pub mod $inline;)+
        $(pub mod $deep;)*
        $(pub mod $told;)*

        pub mod connection;

        /// Every group, in output order.
        pub static GROUPS: &[GroupInfo] = &[
            $(<$inline::$inline_group as Group>::INFO,)+
            $(<$deep::$deep_group as Group>::INFO,)*
            $(<$told::$told_group as Group>::INFO,)*
            // The last: its columns are joined to the rows of the others.
            connection::INFO,
        ];

        /// Which groups have a selected column.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct Enabled {
            $($inline: bool,)+
            $($deep: bool,)*
            $($told: bool,)*
            /// Whether rows are joined with what other flows tell.
            pub(crate) connection: bool,
            any_deep: bool,
            any_told: bool,
        }

        impl Enabled {
            pub(crate) fn new(chosen: impl Fn(&Column) -> bool) -> Self {
                let has = |info: GroupInfo| info.columns.iter().any(&chosen);
                Self {
                    $($inline: has(<$inline::$inline_group as Group>::INFO),)+
                    $($deep: has(<$deep::$deep_group as Group>::INFO),)*
                    $($told: has(<$told::$told_group as Group>::INFO),)*
                    connection: has(connection::INFO),
                    any_deep: false $(|| has(<$deep::$deep_group as Group>::INFO))*,
                    any_told: false $(|| has(<$told::$told_group as Group>::INFO))*,
                }
            }
        }

        states!(InlineStates { $($inline: $inline_group,)+ });
        states!(DeepStates { $($deep: $deep_group,)* });

        /// Writes the columns of the groups without state, of which the first has the number `next`.
        fn tell(mut next: usize, ended: &mut Ended<'_>, row: &mut RowBuffer) {
            row.seek(next);
            $(next += <$told::$told_group as Group>::INFO.columns.len();
            if ended.plan.enabled.$told {
                row.enter_group(next);
                <$told::$told_group as Group>::finish(&(), ended, row);
                debug_assert_eq!(row.cursor(), next, concat!(stringify!($told), " wrote too few columns"));
            } else {
                row.seek(next);
            })*
        }

        /// Columns of the groups whose state lies in a box.
        const DEEP_COLUMNS: usize = 0 $(+ <$deep::$deep_group as Group>::INFO.columns.len())*;
    };
}

groups! {
    inline {
        flow_meta: FlowMeta,
        flow_state: FlowLife,
        timing: Timing,
        size: Size,
        tcp: Tcp,
    }
    deep {
        padding: Padding,
        entropy: Entropy,
        mac: Mac,
        ip_extended: IpExtended,
        ipv6_options: Ipv6Options,
        tcp_sequence: TcpSequence,
        tcp_window: TcpWindow,
        tcp_options: TcpOptions,
        tcp_mptcp: TcpMptcp,
        tcp_rtt: TcpRtt,
        tcp_fingerprint: TcpFingerprint,
        icmp: Icmp,
        directions: Directions,
        activity: Activity,
    }
    told {
        application: Application,
        tls: Tls,
        quic: Quic,
        ssh: Ssh,
        dns: Dns,
        http: Http,
        http2: Http2,
        fingerprint: Fingerprint,
        services: Services,
    }
}

impl Enabled {
    /// What is needed of the TCP analysis.
    #[inline]
    fn tcp(self) -> Topics {
        Topics {
            sequence: self.tcp_sequence,
            window: self.tcp_window,
            options: self.tcp_options,
            mptcp: self.tcp_mptcp,
            rtt: self.tcp_rtt,
            fingerprint: self.tcp_fingerprint,
        }
    }
}

/// The deep groups, and what some of them share.
#[derive(Debug)]
struct Deep {
    states: DeepStates,
    /// Made by the first TCP packet; one of an earlier flow in this place is as new.
    tcp: Option<Box<TcpAnalysis>>,
}

impl Deep {
    #[inline]
    fn on_packet(&mut self, seen: &Seen<'_>) {
        self.states.on_packet(seen);
        let topics = seen.plan.enabled.tcp();
        if seen.packet.tuple.protocol == TCP && topics.any() {
            self.tcp.get_or_insert_default().on_packet(topics, seen);
        }
    }

    fn reset(&mut self, plan: &FeaturePlan) {
        self.states.reset(plan);
        if let Some(tcp) = &mut self.tcp {
            **tcp = TcpAnalysis::default();
        }
    }

    fn bytes(&self) -> usize {
        let tcp = self.tcp.as_deref().map_or(0, TcpAnalysis::bytes);
        size_of::<Self>() + self.states.heap_bytes() + tcp
    }
}

/// All that the groups keep of one flow.
#[derive(Debug)]
pub struct FlowFeatures {
    log: PacketLog,
    inline: InlineStates,
    deep: Option<Box<Deep>>,
    spoken: Spoken,
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
        let tcp = self.deep.as_ref().and_then(|deep| deep.tcp.as_deref());
        let tcp = tcp.filter(|_| head.tuple.protocol == TCP);
        let dissection = self.spoken.get();
        let mut ended = Ended { plan, head, log: &self.log, dissection, scratch, tcp };
        let next = self.inline.finish(0, &mut ended, rows);
        if let Some(deep) = &self.deep {
            deep.states.finish(next, &mut ended, rows);
        }
        tell(next + DEEP_COLUMNS, &mut ended, rows);
        if plan.enabled.connection {
            rows.edge(head.into());
        }
    }

    #[cold]
    fn outgrow_log(&mut self, plan: &FeaturePlan) {
        self.inline.outgrow(plan, &self.log);
        if let Some(deep) = &mut self.deep {
            deep.states.outgrow(plan, &self.log);
        }
        self.log.outgrow(plan.log);
    }

    /// Packets whose length was counted as a lower one because the flow had too many distinct lengths.
    pub fn lengths_folded(&self) -> u64 {
        self.log.folded()
    }

    /// Memory in bytes, without the allocator's own.
    pub fn state_bytes(&self) -> usize {
        let deep = self.deep.as_deref().map_or(0, Deep::bytes);
        let spoken = self.spoken.get().map_or(0, Dissection::memory_bytes);
        let sums = self.inline.heap_bytes();
        size_of::<Self>() + self.log.heap_bytes() + sums + deep + spoken
    }
}

impl FlowState for FlowFeatures {
    type Config = ShardPlan;

    fn new(plan: &Self::Config) -> Self {
        Self {
            log: PacketLog::default(),
            inline: InlineStates::new(plan),
            deep: None,
            spoken: Spoken::default(),
        }
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
        if self.log.has_room(plan.log) {
            self.log.push(plan.log, arrival, packet);
        } else {
            if !self.log.is_outgrown() {
                self.outgrow_log(plan);
            }
            self.log.count(arrival, packet);
        }
        let seen = Seen { plan, head, arrival, log: &self.log, packet, bytes };
        self.inline.on_packet(&seen);
        if plan.enabled.any_deep {
            let deep = self
                .deep
                .get_or_insert_with(|| Box::new(Deep { states: DeepStates::new(plan), tcp: None }));
            deep.on_packet(&seen);
        }
        if plan.enabled.any_told {
            self.spoken.on_packet(plan, &seen);
        }
    }

    fn on_end(&mut self, plan: &Self::Config, _: &FlowHead) {
        self.spoken.on_end(plan);
    }

    fn release(&mut self, plan: &Self::Config) {
        self.spoken.release(plan);
    }

    fn go_on(&mut self, plan: &Self::Config) {
        self.spoken.go_on(plan);
        self.reset(plan);
    }

    fn reset(&mut self, plan: &Self::Config) {
        self.log.reset();
        self.inline.reset(plan);
        if let Some(deep) = &mut self.deep {
            deep.reset(plan);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_flow_stays_small() {
        // An inline group with a large state makes every flow pay for it: it belongs among the deep ones.
        assert!(size_of::<FlowFeatures>() <= 208, "{} bytes", size_of::<FlowFeatures>());
    }
}
