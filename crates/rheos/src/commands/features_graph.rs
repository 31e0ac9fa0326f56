//! `rheos features graph`: who spoke to whom, with what the whole graph tells of every node.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use rheos_core::units::{Count, human};
use rheos_flow::graph::{FlowGraph, GraphConfig, Measures};
use rheos_flow::{Flow, FlowEdge, FlowTable, Ingest};

use crate::cli::GlobalArgs;
use crate::config::Settings;
use crate::config::keys::Key;
use crate::environment;
use crate::exit::ExitStatus;
use crate::extract_plan;
use crate::graph_out::{self, GraphFormat};
use crate::inputs::InputArgs;
use crate::output::{Output, Tone};
use crate::privacy::Veil;
use crate::reading::{self, Reading};
use crate::report;
use crate::summary;
use crate::table::{Cell, Table};

const EXAMPLES: &str = "\
Examples:
  rheos features graph capture.pcap
  rheos features graph captures/ -o hosts.graphml -f 'tcp'
  rheos features graph capture.pcap -o services.json --ports --top 20

An edge leads from the initiator of flows to their responder. GraphML is for Gephi, yEd, Cytoscape and
NetworkX; JSON is the node-link format of NetworkX and D3. Measures are without weights; the same seed
gives the same communities.";

/// Arguments of `rheos features graph`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct GraphArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Only packets that match this expression.
    #[arg(short, long, value_name = "EXPR", help_heading = "Graph")]
    filter: Option<String>,
    /// Read at most this many packets.
    #[arg(short = 'n', long, value_name = "N", help_heading = "Graph")]
    count: Option<Count>,
    /// Nodes are addresses with ports, not hosts.
    #[arg(long, help_heading = "Graph")]
    ports: bool,
    /// Decides between equally good communities, and where betweenness is estimated.
    #[arg(long, value_name = "NUMBER", default_value = "1", help_heading = "Graph")]
    seed: u64,
    /// A flow without a packet for this long has ended.
    #[arg(long, value_name = "SPAN", help_heading = "Graph", hide_short_help = true)]
    idle_timeout: Option<String>,
    /// A flow that lasts this long is cut, and counts again; 0: never.
    #[arg(long, value_name = "SPAN", help_heading = "Graph", hide_short_help = true)]
    active_timeout: Option<String>,
    /// Replace addresses by keyed pseudonyms, which keep their common prefixes.
    #[arg(long, help_heading = "Privacy")]
    anonymize: bool,
    /// File with the key of the pseudonyms, 16 bytes or more; else `RHEOS_PRIVACY_KEY`.
    #[arg(long, value_name = "FILE", help_heading = "Privacy", hide_short_help = true)]
    key_file: Option<String>,
    /// File to write; its name ends in `.graphml` or `.json`.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// How many nodes each table shows.
    #[arg(long, value_name = "N", default_value = "10", help_heading = "Output")]
    top: Count,
    /// Overwrite an existing file.
    #[arg(long, requires = "output", help_heading = "Output")]
    force: bool,
}

impl GraphArgs {
    fn overrides(&self) -> Vec<(Key, String)> {
        let mut flags: Vec<(Key, String)> = [
            (Key::DecodeFilter, &self.filter),
            (Key::FlowIdleTimeout, &self.idle_timeout),
            (Key::FlowActiveTimeout, &self.active_timeout),
            (Key::PrivacyKeyFile, &self.key_file),
        ]
        .into_iter()
        .filter_map(|(key, text)| Some((key, text.clone()?)))
        .collect();
        flags.extend(self.anonymize.then(|| (Key::PrivacyAnonymize, "true".to_owned())));
        flags.extend(self.input.overrides());
        flags
    }
}

/// Reads, follows flows, measures, prints and writes.
pub(crate) fn run(args: &GraphArgs, global: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let started = Instant::now();
    let settings =
        Settings::load(global.config.as_deref(), environment::variables(), &args.overrides())?;
    let target =
        args.output.as_deref().map(|path| Ok::<_, anyhow::Error>((path, GraphFormat::of(path)?)));
    let target = target.transpose()?;
    if let Some((path, _)) = target {
        report::check_target(path, args.force)?;
    }
    let veil = Veil::of_settings(&settings)?;
    let mut ingest = Ingest::new(extract_plan::ingest(&settings)?);
    let mut table = FlowTable::<()>::new(extract_plan::flow(&settings), ());
    let mut graph = FlowGraph::new(GraphConfig { by_port: args.ports, ..GraphConfig::default() });
    let reader = reading::open(&args.input, &settings)?;
    let mut reading = Reading::new(reader, args.count.map(|c| c.0), global.progress, output);
    let mut ended = |flow: &Flow<()>| {
        graph.add(&veil.over_edge(FlowEdge::from(&flow.head)));
    };
    while let Some(batch) = reading.next_batch() {
        ingest.batch(&batch, |packet, bytes| table.on_packet(packet, bytes, &mut ended));
    }
    ingest.finish();
    table.finish(&mut ended);
    let finished = reading.finish()?;

    let measures = graph.measures(args.seed);
    output.data(&render(&graph, &measures, args, output))?;
    summary::read(output, finished.info(), &ingest.counters);
    summary::drops(output, &ingest.counters);
    summary::flows(output, &table.counters);
    if graph.beyond() > 0 {
        let text =
            format!("{} found no room in the graph", summary::plural(graph.beyond(), "flow"));
        summary::line(output, "full", Tone::Warn, &text);
    }
    if let Some((path, format)) = target {
        graph_out::write(&graph, &measures, args.seed, format, path)?;
        summary::line(output, "wrote", Tone::Strong, &path.display().to_string());
    }
    summary::done(output, started.elapsed(), &ingest.counters);
    Ok(finished.report(output))
}

fn render(graph: &FlowGraph, measures: &Measures, args: &GraphArgs, output: &Output) -> String {
    let mut text = headline(graph, measures);
    if graph.nodes().is_empty() {
        return text;
    }
    let top = usize::try_from(args.top.0).unwrap_or(usize::MAX);
    let degree = |node: usize| measures.out_degree[node] + measures.in_degree[node];
    let tables = [
        ("top by degree", ranked(graph, top, |node| degree(node) as f64)),
        ("top by bytes", ranked(graph, top, |node| bytes(graph, node) as f64)),
        ("top by betweenness", ranked(graph, top, |node| measures.betweenness[node])),
    ];
    for (heading, nodes) in tables {
        // A graph without ways over others has no such order.
        if heading.ends_with("betweenness")
            && measures.betweenness.iter().all(|&value| value <= 0.0)
        {
            continue;
        }
        let heading = output.paint_out(Tone::Strong, heading);
        let table = listed(graph, measures, &nodes);
        text.push_str(&format!("\n{heading}\n{}", table.aligned(output)));
    }
    text
}

/// `5 nodes, 6 edges, 2 communities (modularity 0.31)`, and whether betweenness is estimated.
fn headline(graph: &FlowGraph, measures: &Measures) -> String {
    let nodes = graph.nodes().len();
    let communities = u64::from(measures.communities);
    let words = if communities == 1 { "community" } else { "communities" };
    let mut text = format!(
        "{}, {}, {} {words} (modularity {:.2})\n",
        summary::plural(nodes as u64, "node"),
        summary::plural(graph.edges().len() as u64, "edge"),
        human::grouped(communities),
        measures.modularity,
    );
    if measures.pivots < nodes {
        let error = 0.5 / (measures.pivots as f64).sqrt();
        text.push_str(&format!(
            "betweenness is estimated from {} of them (standard error at most {error:.4})\n",
            human::grouped(measures.pivots as u64),
        ));
    }
    text
}

fn bytes(graph: &FlowGraph, node: usize) -> u64 {
    let node = &graph.nodes()[node];
    node.initiated.bytes + node.received.bytes
}

/// The `top` nodes with the highest values; among equals those that came first.
fn ranked(graph: &FlowGraph, top: usize, value: impl Fn(usize) -> f64) -> Vec<usize> {
    let mut nodes: Vec<usize> = (0..graph.nodes().len()).collect();
    nodes.sort_by(|&a, &b| value(b).total_cmp(&value(a)));
    nodes.truncate(top);
    nodes
}

fn listed(graph: &FlowGraph, measures: &Measures, nodes: &[usize]) -> Table {
    let mut table = Table::new(&[
        "node",
        ">out",
        ">in",
        ">flows",
        ">packets",
        ">bytes",
        ">betweenness",
        ">clustering",
        ">pagerank",
        ">community",
    ]);
    let share = |value: f64| Cell::from(value).shown(format!("{value:.4}"));
    let number = |value: u64| Cell::from(value).shown(human::grouped(value).to_string());
    for &number_of in nodes {
        let node = &graph.nodes()[number_of];
        let total = bytes(graph, number_of);
        table.row([
            node.name.to_string().into(),
            number(measures.out_degree[number_of]),
            number(measures.in_degree[number_of]),
            number(node.initiated.flows + node.received.flows),
            number(node.initiated.packets + node.received.packets),
            Cell::from(total).shown(human::bytes(total).to_string()),
            share(measures.betweenness[number_of]),
            share(measures.clustering[number_of]),
            share(measures.page_rank[number_of]),
            u64::from(measures.community[number_of]).into(),
        ]);
    }
    table
}
