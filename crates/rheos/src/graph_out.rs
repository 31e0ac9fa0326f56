//! Graphs as files: GraphML (graphml.graphdrawing.org) and node-link JSON, both as NetworkX reads them.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use rheos_flow::graph::{Edge, FlowGraph, FlowTotals, Measures};
use serde_json::{Value, json};

use crate::failure::Misuse;
use crate::interrupt::Unfinished;

/// In which format a graph is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GraphFormat {
    /// XML for Gephi, yEd, Cytoscape, NetworkX.
    GraphMl,
    /// Lists of nodes and edges.
    Json,
}

impl GraphFormat {
    /// The format that a file's name ends in.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase());
        match extension.as_deref() {
            Some("graphml") => Ok(Self::GraphMl),
            Some("json") => Ok(Self::Json),
            _ => Err(Misuse::new(
                format!("`{}` does not tell the format of the graph", path.display()),
                "let the name end in `.graphml` or `.json`",
            )
            .into()),
        }
    }
}

/// What a node's or an edge's value is.
type Values = Vec<(&'static str, Value)>;

fn totals(names: [&'static str; 3], totals: FlowTotals) -> Values {
    names.into_iter().zip([totals.flows, totals.packets, totals.bytes].map(Value::from)).collect()
}

fn node_values(graph: &FlowGraph, measures: &Measures, number: usize) -> Values {
    let node = &graph.nodes()[number];
    let mut values =
        totals(["flows_initiated", "packets_initiated", "bytes_initiated"], node.initiated);
    values.extend(totals(["flows_received", "packets_received", "bytes_received"], node.received));
    values.extend([
        ("out_degree", measures.out_degree[number].into()),
        ("in_degree", measures.in_degree[number].into()),
        ("betweenness", measures.betweenness[number].into()),
        ("clustering", measures.clustering[number].into()),
        ("pagerank", measures.page_rank[number].into()),
        ("community", measures.community[number].into()),
    ]);
    values
}

fn edge_values(edge: &Edge) -> Values {
    totals(["flows", "packets", "bytes"], edge.totals)
}

/// Writes the graph; the file appears when it is whole.
pub(crate) fn write(
    graph: &FlowGraph,
    measures: &Measures,
    seed: u64,
    format: GraphFormat,
    path: &Path,
) -> Result<()> {
    let cannot = || format!("cannot write the graph `{}`", path.display());
    // Named so that an interrupt finds it, see `interrupt`.
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let part = path.with_file_name(format!(".{name}.{}-report.part", std::process::id()));
    let _unfinished = Unfinished::new(path);
    let mut out = BufWriter::new(File::create(&part).with_context(cannot)?);
    let written = match format {
        GraphFormat::GraphMl => graphml(&mut out, graph, measures),
        GraphFormat::Json => node_link(&mut out, graph, measures, seed),
    };
    written.and_then(|()| out.flush()).with_context(cannot)?;
    std::fs::rename(&part, path).with_context(cannot)
}

fn graphml(out: &mut impl Write, graph: &FlowGraph, measures: &Measures) -> io::Result<()> {
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<graphml xmlns="http://graphml.graphdrawing.org/xmlns">"#)?;
    let edges = graph.edges();
    let of_nodes = (!graph.nodes().is_empty()).then(|| node_values(graph, measures, 0));
    let of_edges = edges.first().map(edge_values);
    for (domain, values) in [("node", of_nodes), ("edge", of_edges)] {
        for (name, value) in values.unwrap_or_default() {
            let kind = if value.is_f64() { "double" } else { "long" };
            writeln!(
                out,
                r#"  <key id="{domain}_{name}" for="{domain}" attr.name="{name}" attr.type="{kind}"/>"#
            )?;
        }
    }
    writeln!(out, r#"  <graph edgedefault="directed">"#)?;
    // Names are addresses and ports: nothing in them needs to be escaped.
    for (number, node) in graph.nodes().iter().enumerate() {
        write!(out, r#"    <node id="{}">"#, node.name)?;
        data(out, "node", &node_values(graph, measures, number))?;
        writeln!(out, "</node>")?;
    }
    for edge in &edges {
        let [from, to] = [edge.from, edge.to].map(|number| graph.nodes()[number as usize].name);
        write!(out, r#"    <edge source="{from}" target="{to}">"#)?;
        data(out, "edge", &edge_values(edge))?;
        writeln!(out, "</edge>")?;
    }
    writeln!(out, "  </graph>\n</graphml>")
}

fn data(out: &mut impl Write, domain: &str, values: &Values) -> io::Result<()> {
    values
        .iter()
        .try_for_each(|(name, value)| write!(out, r#"<data key="{domain}_{name}">{value}</data>"#))
}

fn node_link(
    out: &mut impl Write,
    graph: &FlowGraph,
    measures: &Measures,
    seed: u64,
) -> io::Result<()> {
    let about = json!({
        "communities": measures.communities,
        "modularity": measures.modularity,
        "betweenness_pivots": measures.pivots,
        "seed": seed,
    });
    write!(out, "{{\"directed\":true,\"multigraph\":false,\"graph\":{about},\n\"nodes\":[")?;
    for (number, node) in graph.nodes().iter().enumerate() {
        let mut values = vec![("id", Value::from(node.name.to_string()))];
        values.extend(node_values(graph, measures, number));
        object(out, number, values)?;
    }
    write!(out, "],\n\"edges\":[")?;
    for (number, edge) in graph.edges().iter().enumerate() {
        let name = |node: u32| Value::from(graph.nodes()[node as usize].name.to_string());
        let mut values = vec![("source", name(edge.from)), ("target", name(edge.to))];
        values.extend(edge_values(edge));
        object(out, number, values)?;
    }
    writeln!(out, "]}}")
}

fn object(out: &mut impl Write, number: usize, values: Values) -> io::Result<()> {
    let members = values.into_iter().map(|(name, value)| (name.to_owned(), value));
    let object = Value::Object(members.collect());
    let comma = if number == 0 { "" } else { "," };
    write!(out, "{comma}\n{object}")
}
