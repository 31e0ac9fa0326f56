//! The graph of who spoke to whom: nodes are hosts, or hosts with ports; an edge leads from initiator to responder.
//!
//! [`FlowGraph`] gathers it from ended flows within limits; [`FlowGraph::measures`] computes what only the whole graph
//! tells: betweenness, clustering, PageRank and communities. All are without weights, and agree with NetworkX
//! (`betweenness_centrality`, `clustering` of the undirected graph, `pagerank`).

mod adjacency;
mod betweenness;
mod clustering;
mod louvain;
mod page_rank;

use std::collections::HashMap;
use std::fmt;

use rheos_core::seed::Seed;
use rheos_core::{Addr, IpVersion};

use crate::hosts::FlowEdge;

use adjacency::Adjacency;

/// A node: a host, or one of its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName {
    /// The host's address.
    pub addr: Addr,
    /// Its version.
    pub version: IpVersion,
    /// The port, if nodes have ports and the flow's protocol does.
    pub port: Option<u16>,
}

/// `10.0.0.1`, `10.0.0.1:80`, `2001:db8::1` or `[2001:db8::1]:80`.
impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ip = self.addr.to_std(self.version);
        match (self.port, self.version) {
            (None, _) => write!(f, "{ip}"),
            (Some(port), IpVersion::V4) => write!(f, "{ip}:{port}"),
            (Some(port), IpVersion::V6) => write!(f, "[{ip}]:{port}"),
        }
    }
}

/// What a graph is made of, and how large it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphConfig {
    /// Nodes are addresses with ports.
    pub by_port: bool,
    /// Nodes at most.
    pub nodes_max: usize,
    /// Edges at most.
    pub edges_max: usize,
}

impl Default for GraphConfig {
    fn default() -> Self {
        Self { by_port: false, nodes_max: 1_000_000, edges_max: 4_000_000 }
    }
}

/// Flows, packets and bytes of an edge, or of a node in one role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowTotals {
    /// Flows.
    pub flows: u64,
    /// Packets of both directions.
    pub packets: u64,
    /// Bytes of both directions, from the IP header on.
    pub bytes: u64,
}

impl FlowTotals {
    fn add(&mut self, flow: &FlowEdge) {
        self.flows += 1;
        self.packets += flow.packets;
        self.bytes += flow.bytes;
    }
}

/// A node and its flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Who it is.
    pub name: NodeName,
    /// Of the flows that it initiated.
    pub initiated: FlowTotals,
    /// Of the flows that it received.
    pub received: FlowTotals,
}

/// All flows from one node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Number of the initiator's node.
    pub from: u32,
    /// Number of the responder's node.
    pub to: u32,
    /// Of these flows.
    pub totals: FlowTotals,
}

/// What the whole graph tells of its nodes; every list has one entry per node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measures {
    /// Distinct nodes at the other end of initiated flows.
    pub out_degree: Vec<u64>,
    /// Distinct nodes at the other end of received flows.
    pub in_degree: Vec<u64>,
    /// Normalised betweenness in the directed graph (Brandes, J. Math. Sociol. 25, 2001).
    pub betweenness: Vec<f64>,
    /// From how many nodes' shortest paths betweenness was computed: all, or as many pivots as
    /// [`BETWEENNESS_STEPS_MAX`] allows. With k pivots a value's standard error is at most 0.5 / sqrt(k).
    pub pivots: usize,
    /// Local clustering coefficient in the undirected graph; 0 with fewer than two neighbours.
    pub clustering: Vec<f64>,
    /// PageRank in the directed graph, damping 0.85.
    pub page_rank: Vec<f64>,
    /// Number of the community (Louvain in the undirected graph); the largest is 0.
    pub community: Vec<u32>,
    /// How many communities there are.
    pub communities: u32,
    /// Modularity of these communities.
    pub modularity: f64,
}

/// Nodes and edges that the computation of betweenness visits at most: about ten seconds of one core.
pub const BETWEENNESS_STEPS_MAX: u64 = 1_000_000_000;

/// The graph of all flows that were added.
#[derive(Debug)]
pub struct FlowGraph {
    config: GraphConfig,
    nodes: Vec<Node>,
    numbers: HashMap<NodeName, u32>,
    edges: HashMap<(u32, u32), FlowTotals>,
    beyond: u64,
}

impl FlowGraph {
    /// No nodes.
    pub fn new(config: GraphConfig) -> Self {
        let nodes_max = config.nodes_max.min(u32::MAX as usize);
        Self {
            config: GraphConfig { nodes_max, ..config },
            nodes: Vec::new(),
            numbers: HashMap::new(),
            edges: HashMap::new(),
            beyond: 0,
        }
    }

    /// Adds a flow; false if the graph is full, and the flow is not in it.
    pub fn add(&mut self, flow: &FlowEdge) -> bool {
        let names = self.names(flow);
        let new = |name: &NodeName| usize::from(!self.numbers.contains_key(name));
        let more = if names[0] == names[1] { new(&names[0]) } else { names.iter().map(new).sum() };
        let known = names.map(|name| self.numbers.get(&name).copied());
        let edge_known = match known {
            [Some(from), Some(to)] => self.edges.contains_key(&(from, to)),
            _ => false,
        };
        let room = self.nodes.len() + more <= self.config.nodes_max
            && (edge_known || self.edges.len() < self.config.edges_max);
        if !room {
            self.beyond += 1;
            return false;
        }
        let [from, to] = names.map(|name| self.number(name));
        self.nodes[from as usize].initiated.add(flow);
        self.nodes[to as usize].received.add(flow);
        self.edges.entry((from, to)).or_default().add(flow);
        true
    }

    fn names(&self, flow: &FlowEdge) -> [NodeName; 2] {
        let ports = flow.ports.filter(|_| self.config.by_port);
        let name = |addr, side: usize| NodeName {
            addr,
            version: flow.version,
            port: ports.map(|ports| ports[side]),
        };
        [name(flow.initiator, 0), name(flow.responder, 1)]
    }

    fn number(&mut self, name: NodeName) -> u32 {
        let next = self.nodes.len() as u32;
        let number = *self.numbers.entry(name).or_insert(next);
        if number == next {
            let totals = FlowTotals::default();
            self.nodes.push(Node { name, initiated: totals, received: totals });
        }
        number
    }

    /// The nodes, in the order in which they came.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The numbers of a flow's nodes, if the graph has them.
    pub fn ends(&self, flow: &FlowEdge) -> Option<[usize; 2]> {
        let [from, to] = self.names(flow).map(|name| self.numbers.get(&name));
        Some([*from? as usize, *to? as usize])
    }

    /// The edges, in order of their nodes.
    pub fn edges(&self) -> Vec<Edge> {
        let edge = |(&(from, to), &totals): (&(u32, u32), &FlowTotals)| Edge { from, to, totals };
        let mut edges: Vec<Edge> = self.edges.iter().map(edge).collect();
        edges.sort_unstable_by_key(|edge| (edge.from, edge.to));
        edges
    }

    /// Flows that found no room.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// What the whole graph tells. `seed` decides between equal communities, and which nodes are pivots where
    /// betweenness is not exact; the same seed gives the same values.
    pub fn measures(&self, seed: u64) -> Measures {
        let mut pairs: Vec<(u32, u32)> = self.edges.keys().copied().collect();
        pairs.sort_unstable();
        measures(self.nodes.len(), &pairs, Seed(seed))
    }
}

/// The measures of a graph of so many nodes with these edges, which are sorted and distinct.
fn measures(nodes: usize, edges: &[(u32, u32)], seed: Seed) -> Measures {
    let out = Adjacency::directed(nodes, edges);
    let mut in_degree = vec![0; nodes];
    for &(_, to) in edges {
        in_degree[to as usize] += 1;
    }
    let around = Adjacency::undirected(nodes, edges);
    let pivots = betweenness::pivots(&out, BETWEENNESS_STEPS_MAX, seed.named("pivots"));
    let (community, communities) = louvain::communities(&around, edges, seed.named("louvain"));
    Measures {
        out_degree: (0..nodes).map(|node| out.of(node).len() as u64).collect(),
        in_degree,
        betweenness: betweenness::betweenness(&out, &pivots),
        pivots: pivots.len(),
        clustering: clustering::clustering(&around),
        page_rank: page_rank::page_rank(&out),
        modularity: louvain::modularity(&around, edges, &community),
        community,
        communities,
    }
}

#[cfg(test)]
mod tests;
