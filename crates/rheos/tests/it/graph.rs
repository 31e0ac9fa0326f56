//! `rheos features graph`, and the rows that tell the same graph.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::fixture;
use crate::run::{Sandbox, assert_run};

fn sandbox() -> Sandbox {
    Sandbox::new()
        .with("hosts.pcap", fixture::cliques())
        .with("none.pcap", fixture::no_packets())
        .with("a.key", "a secret of enough bytes\n")
}

fn json(sandbox: &Sandbox, name: &str) -> Value {
    serde_json::from_str(&sandbox.text(name)).expect("JSON")
}

/// The nodes of a graph in JSON by name.
fn nodes(graph: &Value) -> BTreeMap<String, Value> {
    let nodes = graph["nodes"].as_array().expect("nodes").iter();
    nodes.map(|node| (node["id"].as_str().expect("a name").to_owned(), node.clone())).collect()
}

#[test]
fn who_spoke_to_whom_is_told_in_tables() {
    let sandbox = sandbox();
    assert_run("graph", &sandbox.run("features graph hosts.pcap --top 3"));
    assert_run("graph_ports", &sandbox.run("features graph hosts.pcap --ports --top 2"));
    assert_run("graph_empty", &sandbox.run("features graph none.pcap"));
}

#[test]
fn graphs_are_written_as_graphml_and_json() {
    let sandbox = sandbox();
    for name in ["hosts.graphml", "hosts.json"] {
        let shown = sandbox.run(&format!("features graph hosts.pcap -o {name} -q"));
        assert!(shown.starts_with("exit 0\n"), "{shown}");
        assert_run(&format!("graph_{}", name.replace('.', "_")), &sandbox.text(name));
    }
    let graph = json(&sandbox, "hosts.json");
    let nodes = nodes(&graph);
    // By hand: of 6 * 5 pairs of others, the ways of three lead over host 4; the larger community is 0.
    let four = &nodes["10.0.0.4"];
    assert_eq!(four["betweenness"], 0.1);
    assert_eq!((&four["clustering"], &four["community"]), (&0.5.into(), &0.into()));
    assert_eq!((&four["out_degree"], &four["in_degree"]), (&3.into(), &1.into()));
    assert_eq!(nodes["10.0.0.1"]["community"], 1);
    assert_eq!((nodes.len(), graph["edges"].as_array().expect("edges").len()), (7, 10));
}

#[test]
fn the_same_seed_gives_the_same_file() {
    let sandbox = sandbox();
    for name in ["one.json", "two.json"] {
        sandbox.run(&format!("features graph hosts.pcap --seed 7 -o {name}"));
    }
    assert_eq!(sandbox.text("one.json"), sandbox.text("two.json"));
    assert_eq!(json(&sandbox, "one.json")["graph"]["seed"], 7);
}

#[test]
fn mistakes_are_told_with_the_next_step() {
    let sandbox = sandbox().with("there.json", "{}");
    for (name, flags) in [
        ("extension", "-o hosts.png"),
        ("exists", "-o there.json"),
        ("no_key", "--anonymize"),
        ("folder", "-o nowhere/hosts.json"),
    ] {
        let shown = sandbox.run(&format!("features graph hosts.pcap {flags}"));
        assert_run(&format!("error_graph_{name}"), &shown);
    }
    assert_eq!(sandbox.text("there.json"), "{}");
    assert_eq!(sandbox.files(), ["a.key", "hosts.pcap", "none.pcap", "there.json"]);
}

#[test]
fn pseudonyms_keep_the_shape_of_the_graph_and_are_those_of_rows() {
    let sandbox = sandbox();
    sandbox.run("features graph hosts.pcap -o open.json");
    let hidden = "--anonymize --key-file a.key";
    let shown = sandbox.run(&format!("features graph hosts.pcap {hidden} -o hidden.json"));
    assert!(shown.starts_with("exit 0\n") && !shown.contains("10.0.0."), "{shown}");
    assert!(!sandbox.text("hidden.json").contains("10.0.0."));
    let shape = |name: &str| {
        let graph = json(&sandbox, name);
        let nodes = graph["nodes"].as_array().expect("nodes").clone();
        let without_name =
            nodes.into_iter().map(|mut node| node["id"].take().is_string().then_some(node));
        without_name.collect::<Option<Vec<Value>>>().expect("names")
    };
    assert_eq!(shape("open.json"), shape("hidden.json"));
    let rows =
        sandbox.run(&format!("features extract hosts.pcap {hidden} --columns src_ip,dst_ip -q"));
    for name in nodes(&json(&sandbox, "hidden.json")).keys() {
        assert!(rows.contains(name), "{name} is not in\n{rows}");
    }
}

/// `--connection exact`: rows tell what the graph tells.
#[test]
fn exact_rows_tell_the_graph() {
    let sandbox = sandbox();
    sandbox.run("features graph hosts.pcap -o hosts.json");
    let nodes = nodes(&json(&sandbox, "hosts.json"));
    let line = "features extract hosts.pcap --groups flow_meta,connection --format jsonl -q";
    let rows = |flags: &str| {
        let output = sandbox.command(&format!("{line} {flags}")).output().expect("it runs");
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).expect("text");
        let rows = text.lines().map(|row| serde_json::from_str(row).expect("JSON"));
        rows.collect::<Vec<Value>>()
    };
    let exact = rows("--connection exact");
    assert_eq!(exact.len(), 10);
    for row in &exact {
        for (end, prefix) in [("src_ip", "conn_src"), ("dst_ip", "conn_dst")] {
            let node = &nodes[row[end].as_str().expect("an address")];
            for name in ["betweenness", "clustering", "community"] {
                assert_eq!(row[format!("{prefix}_{name}")], node[name], "{name} of {}", row[end]);
            }
        }
    }
    assert!(rows("").iter().all(|row| row["conn_src_betweenness"].is_null()));
    let small = sandbox.with("small.yaml", "features:\n  hosts_max: 3\n");
    let shown = small
        .run("-c small.yaml features extract hosts.pcap --groups connection --connection exact");
    assert_run("error_exact_limit", &shown);
}

/// NetworkX reads both files, and its own measures are those in them. Passed over where Python has no NetworkX.
#[test]
fn networkx_reads_the_graphs_and_agrees() {
    const READ: &str = "
import json, networkx as nx
graphml = nx.read_graphml('hosts.graphml')
data = json.load(open('hosts.json'))
link = nx.node_link_graph(data, edges='edges')
for graph in (graphml, link):
    assert graph.is_directed() and len(graph) == 7 and graph.number_of_edges() == 10, graph
    told = lambda name: nx.get_node_attributes(graph, name)
    def agrees(own, name):
        for node, value in told(name).items():
            assert abs(own[node] - value) < 1e-9, (name, node, own[node], value)
    agrees(nx.betweenness_centrality(graph), 'betweenness')
    agrees(nx.clustering(graph.to_undirected()), 'clustering')
    agrees(dict(graph.out_degree()), 'out_degree')
    community = told('community')
    parts = [{n for n in graph if community[n] == c} for c in set(community.values())]
    modularity = nx.community.modularity(nx.Graph(graph.to_undirected()), parts, weight=None)
    assert abs(modularity - data['graph']['modularity']) < 1e-9, modularity
assert sorted(graphml.edges(data=True)) == sorted(link.edges(data=True))
print('agrees')
";
    let has = Command::new("python3").args(["-c", "import networkx"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        eprintln!("passed over: python3 has no networkx");
        return;
    }
    let sandbox = sandbox();
    for name in ["hosts.graphml", "hosts.json"] {
        sandbox.run(&format!("features graph hosts.pcap -o {name}"));
    }
    let folder = sandbox.path("");
    let output =
        Command::new("python3").args(["-c", READ]).current_dir(folder).output().expect("python3");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "agrees\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
