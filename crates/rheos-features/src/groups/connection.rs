//! What other flows tell of a flow's ends: how often, with how many, in which part of the network.
//!
//! These columns are computed where rows are put in order, not where flows are followed: a row tells the flows of all
//! rows before it and its own, so it does not depend on the number of threads and knows nothing of the future. In the
//! exact mode all rows wait for the end of the capture and tell all its flows.

use rheos_flow::{HostFacts, Standing};

use crate::column::experimental as column;
use crate::column::{Column, GroupInfo, Kind, Privacy};
use crate::row::RowBuffer;

use Kind::{Bool, F64, U64};

const PAIRS: &str = "the table of pairs was full when the pair first came";
const WHOLE: &str = "the group is not told by the whole capture (`features.connection: exact`)";
const SO_FAR: &str = "over all flows up to this row's, not over the whole capture with the flows that come later, unless `features.connection` is `exact`";
const GRAPH: &str =
    "null unless `features.connection` is `exact`: it cannot be told before the end of the capture";

const fn so_far(name: &'static str, unit: &'static str, meaning: &'static str) -> Column {
    column(name, U64, unit, meaning).changed(SO_FAR)
}

const fn whole(name: &'static str, kind: Kind, meaning: &'static str) -> Column {
    column(name, kind, "", meaning).null(WHOLE)
}

const COLUMNS: &[Column] = &[
    so_far("conn_src_unique_dsts", "count", "distinct responders of the flows that this flow's initiator initiated; exact while the table of pairs has room, beyond it estimated by HyperLogLog (2.6 % of the part beyond)"),
    so_far("conn_dst_unique_srcs", "count", "distinct initiators of the flows that this flow's responder received; exact and estimated likewise"),
    so_far("conn_src_dst_flows", "count", "flows with the same initiator and responder").null(PAIRS),
    so_far("conn_src_port_flows", "count", "flows with the same initiator, responder and responder's port, of any protocol with ports")
        .null("protocols without ports; or the table of pairs was full when the pair first came"),
    so_far("conn_src_total_flows", "count", "flows that this flow's initiator initiated"),
    so_far("conn_dst_total_flows", "count", "flows that this flow's responder received"),
    so_far("conn_src_total_packets", "count", "packets, both directions, of the flows that the initiator initiated"),
    so_far("conn_src_total_bytes", "bytes", "bytes from the IP header on, both directions, of the flows that the initiator initiated"),
    so_far("conn_dst_total_packets", "count", "packets, both directions, of the flows that the responder received"),
    so_far("conn_dst_total_bytes", "bytes", "bytes from the IP header on, both directions, of the flows that the responder received"),
    so_far("conn_src_unique_ports", "count", "distinct responder's ports of the flows that the initiator initiated; exact and estimated like conn_src_unique_dsts"),
    so_far("conn_src_out_degree", "count", "out-degree of the initiator in the directed graph of hosts")
        .alias("conn_src_unique_dsts"),
    so_far("conn_dst_in_degree", "count", "in-degree of the responder in the directed graph of hosts")
        .alias("conn_dst_unique_srcs"),
    whole("conn_src_betweenness", F64, "normalised betweenness of the initiator in the directed graph of hosts, without weights (Brandes 2001); of large graphs estimated from as many pivots as a thousand million steps allow (standard error at most half of one by the root of their number)")
        .changed(GRAPH),
    whole("conn_dst_betweenness", F64, "normalised betweenness of the responder").changed(GRAPH),
    whole("conn_src_community", U64, "number of the initiator's community (Louvain, seeded); the largest is 0")
        .privacy(Privacy::Sensitive)
        .changed("the seed makes it the same in every run; null, not -1, where it is not told"),
    whole("conn_dst_community", U64, "number of the responder's community")
        .privacy(Privacy::Sensitive)
        .changed("the seed makes it the same in every run; null, not -1, where it is not told"),
    whole("conn_same_community", Bool, "both ends are of one community")
        .changed("null, not false, where communities are not told"),
    whole("conn_src_clustering", F64, "local clustering coefficient of the initiator in the undirected graph; 0 with fewer than two neighbours")
        .changed(GRAPH),
    whole("conn_dst_clustering", F64, "local clustering coefficient of the responder").changed(GRAPH),
    column("conn_src_flow_rate", F64, "flows/s", "flows that the initiator initiated, by the time from the first to the last packet of all its flows, in whatever role")
        .option()
        .null("all its packets have one time")
        .changed("up to this row's flow, not over the whole capture unless `features.connection` is `exact`; null, not 0, without a span"),
    column("conn_temporal_spread", F64, "s", "population standard deviation of the start times of the initiator's flows, in whatever role")
        .option()
        .null("its first flow")
        .changed("up to this row's flow, not over the whole capture unless `features.connection` is `exact`; null, not 0, with one flow"),
    so_far("conn_burst_connections", "count", "most of the initiator's flows, in whatever role, of which each starts at most a second after the one before; of a host's runs the latest 16 can still grow by flows that come late")
        .option(),
];

/// The group. It has no state per flow.
pub const INFO: GroupInfo = GroupInfo {
    name: "connection",
    meaning: "what other flows tell of a flow's hosts",
    columns: COLUMNS,
};

/// What the graph of the whole capture tells of a flow's ends, of the initiator before the responder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GraphFacts {
    /// Normalised betweenness.
    pub(crate) betweenness: [f64; 2],
    /// Number of the community.
    pub(crate) community: [u32; 2],
    /// Local clustering coefficient.
    pub(crate) clustering: [f64; 2],
}

/// Writes the row of a flow whose ends are known so; `row` is at the group's first column.
pub(crate) fn write(standing: &Standing, graph: Option<&GraphFacts>, row: &mut RowBuffer) {
    let Standing { initiator, responder, pair_flows, port_flows } = standing;
    let (from, to) = (initiator.initiated, responder.received);
    row.u64("conn_src_unique_dsts", from.peers);
    row.u64("conn_dst_unique_srcs", to.peers);
    row.u64("conn_src_dst_flows", *pair_flows);
    row.u64("conn_src_port_flows", *port_flows);
    row.u64("conn_src_total_flows", from.flows);
    row.u64("conn_dst_total_flows", to.flows);
    row.u64("conn_src_total_packets", from.packets);
    row.u64("conn_src_total_bytes", from.bytes);
    row.u64("conn_dst_total_packets", to.packets);
    row.u64("conn_dst_total_bytes", to.bytes);
    row.u64("conn_src_unique_ports", initiator.ports);
    row.u64("conn_src_out_degree", from.peers);
    row.u64("conn_dst_in_degree", to.peers);
    row.f64("conn_src_betweenness", graph.map(|graph| graph.betweenness[0]));
    row.f64("conn_dst_betweenness", graph.map(|graph| graph.betweenness[1]));
    row.u64("conn_src_community", graph.map(|graph| graph.community[0].into()));
    row.u64("conn_dst_community", graph.map(|graph| graph.community[1].into()));
    row.bool("conn_same_community", graph.map(|graph| graph.community[0] == graph.community[1]));
    row.f64("conn_src_clustering", graph.map(|graph| graph.clustering[0]));
    row.f64("conn_dst_clustering", graph.map(|graph| graph.clustering[1]));
    row.f64("conn_src_flow_rate", flow_rate(initiator));
    row.f64("conn_temporal_spread", initiator.start_spread);
    row.u64("conn_burst_connections", initiator.longest_run);
}

fn flow_rate(host: &HostFacts) -> Option<f64> {
    let span = host.last.since(host.first).as_secs_f64();
    (span > 0.0).then(|| host.initiated.flows as f64 / span)
}
