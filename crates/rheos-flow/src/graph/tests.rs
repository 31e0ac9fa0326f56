use proptest::prelude::*;
use rheos_core::Timestamp;

use super::*;

fn measured(nodes: usize, edges: &[(u32, u32)]) -> Measures {
    let mut edges = edges.to_vec();
    edges.sort_unstable();
    edges.dedup();
    measures(nodes, &edges, Seed(1))
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// The graph of `fixtures/measures.py`.
fn fixture_edges() -> Vec<(u32, u32)> {
    let edge = |i: u32, k: u32| (i, (i * k * k + 7 * k + i / 3) % 40);
    let all = (0..40).flat_map(|i| (1..5).map(move |k| (k, edge(i, k))));
    all.filter(|&(k, (i, j))| i < 30 || (j < i && k == 2)).map(|(_, edge)| edge).collect()
}

#[test]
fn measures_agree_with_networkx() {
    let got = measured(40, &fixture_edges());
    let mut lines = include_str!("fixtures/networkx.tsv").lines();
    let head = lines.next().unwrap();
    let mut compared = 0;
    for line in lines {
        let want: Vec<f64> = line.split('\t').map(|value| value.parse().unwrap()).collect();
        let node = want[0] as usize;
        assert_eq!(got.in_degree[node], want[1] as u64, "node {node}");
        assert_eq!(got.out_degree[node], want[2] as u64, "node {node}");
        assert!(close(got.betweenness[node], want[3]), "{node}: {}", got.betweenness[node]);
        assert!(close(got.clustering[node], want[4]), "{node}: {}", got.clustering[node]);
        assert!(close(got.page_rank[node], want[5]), "{node}: {}", got.page_rank[node]);
        compared += 1;
    }
    assert_eq!((compared, got.pivots), (40, 40));
    // Communities are a heuristic's: as good as theirs, not the same.
    let theirs: f64 = head.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(got.modularity > theirs - 0.03, "{} against {theirs}", got.modularity);
}

#[test]
fn a_path_by_hand() {
    // 0 > 1 > 2 > 3: of the 6 ordered pairs of other nodes, 0>2 and 0>3 lead over 1; 0>3 and 1>3 over 2.
    let got = measured(4, &[(0, 1), (1, 2), (2, 3)]);
    assert_eq!(got.betweenness, [0.0, 2.0 / 6.0, 2.0 / 6.0, 0.0]);
    assert_eq!(got.clustering, [0.0; 4]);
    assert_eq!(got.out_degree, [1, 1, 1, 0]);
    assert!(close(got.page_rank.iter().sum(), 1.0));
}

#[test]
fn two_cliques_with_a_bridge_are_two_communities() {
    let clique =
        |from: u32, to: u32| (from..to).flat_map(move |a| (a + 1..to).map(move |b| (a, b)));
    let edges: Vec<_> = clique(0, 4).chain(clique(4, 9)).chain([(0, 4)]).collect();
    for seed in 0..20 {
        let mut edges = edges.clone();
        edges.sort_unstable();
        let got = measures(9, &edges, Seed(seed));
        // The larger is 0.
        assert_eq!(got.community, [1, 1, 1, 1, 0, 0, 0, 0, 0], "seed {seed}");
        assert_eq!(got.communities, 2);
        // 17 edges, 6 and 10 of them inside; ends: 13 and 21 of 34.
        let want = 16.0 / 17.0 - (13.0_f64 / 34.0).powi(2) - (21.0_f64 / 34.0).powi(2);
        assert!(close(got.modularity, want), "{}", got.modularity);
    }
}

#[test]
fn defect_of_unseeded_communities_the_same_seed_gives_the_same() {
    let edges = fixture_edges();
    let first = measured(40, &edges);
    for _ in 0..5 {
        assert_eq!(measured(40, &edges), first);
    }
}

#[test]
fn pivots_estimate_betweenness() {
    let mut edges = fixture_edges();
    edges.sort_unstable();
    edges.dedup();
    let out = Adjacency::directed(40, &edges);
    let steps = (40 + edges.len()) as u64;
    let pivots = betweenness::pivots(&out, 20 * steps, Seed(3));
    assert_eq!(pivots.len(), 20);
    assert!(pivots.is_sorted_by(|a, b| a < b), "none twice");
    let exact = betweenness::betweenness(&out, &(0..40).collect::<Vec<_>>());
    let estimated = betweenness::betweenness(&out, &pivots);
    let bound = 4.0 * 0.5 / 20.0_f64.sqrt();
    for (exact, estimated) in exact.iter().zip(&estimated) {
        assert!((exact - estimated).abs() < bound, "{exact} and {estimated}");
    }
    // Over all pivots once, estimates are right in the mean: here by two halves.
    let others: Vec<usize> = (0..40).filter(|node| !pivots.contains(node)).collect();
    let rest = betweenness::betweenness(&out, &others);
    for node in 0..40 {
        assert!(close(f64::midpoint(estimated[node], rest[node]), exact[node]), "node {node}");
    }
}

#[test]
fn a_graph_of_nothing_has_no_measures() {
    let got = measured(0, &[]);
    assert_eq!(got, Measures::default());
    let alone = measured(1, &[(0, 0)]);
    assert_eq!((alone.communities, alone.betweenness[0], alone.clustering[0]), (1, 0.0, 0.0));
}

fn flow(from: u8, to: u8, port: u16) -> FlowEdge {
    FlowEdge {
        initiator: Addr::v4([10, 0, 0, from]),
        responder: Addr::v4([10, 0, 0, to]),
        version: IpVersion::V4,
        ports: Some([40_000, port]),
        packets: 2,
        bytes: 100,
        first: Timestamp::ZERO,
        last: Timestamp::ZERO,
    }
}

#[test]
fn flows_are_summed_by_node_and_edge() {
    let mut graph = FlowGraph::new(GraphConfig::default());
    for (from, to, port) in [(1, 2, 80), (1, 2, 443), (2, 1, 80), (3, 3, 1)] {
        assert!(graph.add(&flow(from, to, port)));
    }
    let two = FlowTotals { flows: 2, packets: 4, bytes: 200 };
    assert_eq!(graph.nodes().len(), 3);
    assert_eq!((graph.nodes()[0].initiated, graph.nodes()[1].received), (two, two));
    let pairs: Vec<_> = graph.edges().iter().map(|e| (e.from, e.to, e.totals.flows)).collect();
    assert_eq!(pairs, [(0, 1, 2), (1, 0, 1), (2, 2, 1)]);
    assert_eq!(graph.ends(&flow(2, 1, 9)), Some([1, 0]));
    let mut ports = FlowGraph::new(GraphConfig { by_port: true, ..GraphConfig::default() });
    ports.add(&flow(1, 2, 80));
    ports.add(&flow(1, 2, 443));
    let names: Vec<_> = ports.nodes().iter().map(|node| node.name.to_string()).collect();
    assert_eq!(names, ["10.0.0.1:40000", "10.0.0.2:80", "10.0.0.2:443"]);
}

#[test]
fn a_full_graph_takes_flows_of_known_edges_only() {
    let mut graph = FlowGraph::new(GraphConfig { nodes_max: 3, edges_max: 2, by_port: false });
    assert!(graph.add(&flow(1, 2, 80)));
    assert!(graph.add(&flow(1, 3, 80)));
    assert!(!graph.add(&flow(1, 4, 80)), "a node too many");
    assert!(!graph.add(&flow(2, 3, 80)), "an edge too many");
    assert!(graph.add(&flow(1, 2, 443)));
    assert_eq!((graph.nodes().len(), graph.edges().len(), graph.beyond()), (3, 2, 2));
}

proptest! {
    #[test]
    fn measures_keep_their_bounds(edges in prop::collection::vec((0_u32..12, 0_u32..12), 0..60)) {
        let got = measured(12, &edges);
        prop_assert!(got.betweenness.iter().all(|value| (0.0..=1.0 + 1e-12).contains(value)));
        prop_assert!(got.clustering.iter().all(|value| (0.0..=1.0).contains(value)));
        prop_assert!((got.page_rank.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        prop_assert!(got.community.iter().all(|&own| own < got.communities));
        prop_assert!((-0.5..=1.0).contains(&got.modularity));
        // Every node alone would be no better.
        let own: Vec<u32> = (0..12).collect();
        let mut sorted = edges.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let around = Adjacency::undirected(12, &sorted);
        prop_assert!(got.modularity >= louvain::modularity(&around, &sorted, &own) - 1e-9);
    }
}
