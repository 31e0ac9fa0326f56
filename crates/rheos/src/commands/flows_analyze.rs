//! `rheos flows analyze`: what flows are like, in one pass.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::{Args, ValueEnum};
use rheos_core::Nanos;
use rheos_core::units::{Count, human};
use rheos_query::aggregate::{Cell as Told, Moment};
use rheos_query::analyze::{
    Concentration, Distribution, LoadScheme, Overview, OverviewCounter, OverviewPlan, Ranked,
};
use rheos_query::read::{Watched, scan};
use rheos_query::{FlowColumns, Rate};
use serde_json::{Map, Value as Json, json};

use crate::cli::GlobalArgs;
use crate::exit::ExitStatus;
use crate::failure::Misuse;
use crate::flow_input::{self, FlowInputArgs};
use crate::flow_table;
use crate::output::{Output, Tone};
use crate::report::plot::{self, Axes, Series};
use crate::report::{self, Block, Report, Section};
use crate::summary;
use crate::table::{Cell, Table};

const EXAMPLES: &str = "\
Examples:
  rheos flows analyze flows.parquet
  rheos flows analyze flows.csv.gz -f 'src net 10.0.0.0/8' --top 5 --bin 1m
  rheos flows analyze flows.parquet --format json | jq .distributions
  rheos flows analyze flows.parquet --report flows.html";

/// Steps of time that a table or a plot shows.
const STEPS_SHOWN: u64 = 24;

/// Arguments of `rheos flows analyze`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct AnalyzeArgs {
    #[command(flatten)]
    input: FlowInputArgs,
    /// How many protocols, services, talkers and networks to tell.
    #[arg(long, value_name = "N", default_value = "10", help_heading = "What to tell")]
    top: Count,
    /// Width of the steps of time; tables and plots join them until they fit.
    #[arg(long, value_name = "SPAN", default_value = "1s", help_heading = "What to tell")]
    bin: Nanos,
    /// Where in time the packets and bytes of a flow count.
    #[arg(long, value_name = "SCHEME", default_value = "start", help_heading = "What to tell")]
    load_scheme: SchemeChoice,
    /// Leading bits of the networks of IPv4 addresses.
    #[arg(long, value_name = "BITS", default_value = "24", value_parser = clap::value_parser!(u8).range(0..=32),
          help_heading = "What to tell", hide_short_help = true)]
    prefix4: u8,
    /// Leading bits of the networks of IPv6 addresses.
    #[arg(long, value_name = "BITS", default_value = "64", value_parser = clap::value_parser!(u8).range(0..=128),
          help_heading = "What to tell", hide_short_help = true)]
    prefix6: u8,
    /// How to print it.
    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = "Output")]
    format: AnalysisFormat,
    /// Also write a self-contained HTML page with plots.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    report: Option<PathBuf>,
    /// Overwrite an existing report.
    #[arg(long, requires = "report", help_heading = "Output")]
    force: bool,
}

/// `--load-scheme`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SchemeChoice {
    /// In the step in which the flow begins.
    Start,
    /// Evenly over the flow's duration.
    Proportional,
}

/// `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AnalysisFormat {
    /// Tables for reading.
    #[value(alias = "text")]
    Table,
    /// One JSON document on one line.
    Json,
    /// One JSON document, indented.
    #[value(alias = "pretty")]
    JsonPretty,
}

/// Reads, counts and prints.
pub(crate) fn run(args: &AnalyzeArgs, _: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let started = Instant::now();
    if args.bin.0 == 0 {
        return Err(Misuse::new("steps of no time", "give `--bin` a width such as `1s`").into());
    }
    if let Some(path) = &args.report {
        report::check_target(path, args.force)?;
    }
    let plan = OverviewPlan {
        top: usize::try_from(args.top.0).unwrap_or(usize::MAX),
        bin: args.bin,
        scheme: match args.load_scheme {
            SchemeChoice::Start => LoadScheme::Start,
            SchemeChoice::Proportional => LoadScheme::Proportional,
        },
        prefixes: (args.prefix4, args.prefix6),
    };
    let request = args.input.choice.request(OverviewCounter::columns(), FlowColumns::NONE)?;
    let (counters, stats) = scan(
        &args.input.files,
        &request,
        &Watched::default(),
        || OverviewCounter::new(plan),
        |counter, block| counter.add(&block),
    )?;
    let mut whole = OverviewCounter::new(plan);
    for counter in counters {
        whole.merge(counter)?;
    }
    let overview = whole.finish()?;
    flow_input::tell(output, &args.input.files, &stats);
    let text = match args.format {
        AnalysisFormat::Table => tables(&overview, output),
        AnalysisFormat::Json => document(&overview).to_string() + "\n",
        AnalysisFormat::JsonPretty => {
            serde_json::to_string_pretty(&document(&overview)).unwrap_or_default() + "\n"
        }
    };
    output.data(&text)?;
    if let Some(path) = &args.report {
        report::write(&page(&overview), path)?;
        summary::line(output, "report", Tone::Strong, &path.display().to_string());
    }
    flow_input::done(output, &stats, started.elapsed());
    Ok(ExitStatus::Done)
}

/// `5 flows, 38 packets, 166 kB in 62 s from 2024-01-01T00:00:00Z`
fn headline(overview: &Overview) -> String {
    let mut text = format!(
        "{}, {}, {}",
        summary::plural(overview.flows, "flow"),
        summary::plural(overview.packets, "packet"),
        human::bytes(overview.bytes)
    );
    if let Some((first, last)) = overview.span {
        let span = last.since(first);
        text.push_str(&format!(" in {} from {}", human::duration(span), human::rfc3339(first)));
        text.push_str(&format!(
            "; {}, {} packets/s, {} bytes per packet",
            human::bit_rate(overview.rate(Rate::Bps) as f64),
            human::count(overview.rate(Rate::Pps) as f64),
            human::grouped(overview.rate(Rate::Bpp))
        ));
    }
    text
}

fn ranked(table: &Ranked) -> Table {
    flow_table::table(&table.groups, &table.report, true)
}

fn tables(overview: &Overview, output: &Output) -> String {
    let mut text = headline(overview) + "\n";
    let mut add = |heading: &str, table: &Table| {
        let heading = output.paint_out(Tone::Strong, heading);
        text.push_str(&format!("\n{heading}\n{}", table.aligned(output)));
    };
    for table in &overview.ranked {
        add(table.name, &ranked(table));
    }
    add("distributions", &distributions(overview));
    add("concentration", &concentrations(overview));
    add("over time", &over_time(overview));
    text
}

fn distributions(overview: &Overview) -> Table {
    let mut table = Table::new(&[
        "of",
        ">min",
        ">p1",
        ">p10",
        ">p25",
        ">median",
        ">p75",
        ">p90",
        ">p99",
        ">max",
        ">mean",
        ">stddev",
        ">tail index",
    ]);
    for d in &overview.distributions {
        let told = |told: Told| number(d, told);
        let mut cells = vec![Cell::from(d.name), told(d.histogram.tell(Moment::Min))];
        cells.extend(d.quantiles.iter().map(|(_, value)| told(*value)));
        let rest = [Moment::Max, Moment::Mean, Moment::Deviation];
        cells.extend(rest.map(|moment| told(d.histogram.tell(moment))));
        cells.push(real(d.tail_index));
        table.row(cells);
    }
    table
}

fn number(distribution: &Distribution, told: Told) -> Cell {
    match told {
        Told::None | Told::Time(_) => Cell::from(Json::Null),
        Told::Count(n) if distribution.is_time => {
            Cell::from(n).shown(human::duration(Nanos(n)).to_string())
        }
        Told::Count(n) => Cell::from(n).shown(human::grouped(n).to_string()),
        Told::Real(x) if distribution.is_time => {
            Cell::from(x).shown(human::duration(Nanos(x as u64)).to_string())
        }
        Told::Real(x) => Cell::from(x).shown(format!("{x:.1}")),
    }
}

fn real(value: Option<f64>) -> Cell {
    value.map_or(Cell::from(Json::Null), |x| Cell::from(x).shown(format!("{x:.2}")))
}

fn concentrations(overview: &Overview) -> Table {
    let mut table =
        Table::new(&["of", ">values", ">entropy bits", ">of at most", ">gini", ">zipf exponent"]);
    for c in &overview.concentrations {
        let distinct = Cell::from(c.distinct).shown(human::grouped(c.distinct).to_string());
        table.row([
            Cell::from(c.column.name()),
            distinct,
            real(Some(c.entropy)),
            real(Some(c.entropy_max)),
            real(c.gini),
            real(c.zipf),
        ]);
    }
    table
}

fn over_time(overview: &Overview) -> Table {
    let series = overview.series.coarser(STEPS_SHOWN);
    let mut table = Table::new(&["from", ">flows", ">packets", ">bytes", ">bit rate"]);
    for (time, bin) in series.bins() {
        let count = |n: u64| Cell::from(n).shown(human::grouped(n).to_string());
        let rate = Rate::Bps.of(bin.packets, bin.bytes, series.step().0);
        table.row([
            Cell::from(time.as_nanos()).shown(human::rfc3339(time).to_string()),
            count(bin.flows),
            count(bin.packets),
            count(bin.bytes),
            Cell::from(rate).shown(human::bit_rate(rate as f64).to_string()),
        ]);
    }
    table
}

/// Everything as one JSON document; times are nanoseconds.
fn document(overview: &Overview) -> Json {
    let tables: Map<String, Json> = overview
        .ranked
        .iter()
        .map(|table| (table.name.replace(' ', "_"), flow_table::json(&table.groups, &table.report)))
        .collect();
    let plain = |told: Told| match told {
        Told::Count(n) => n.into(),
        Told::Real(x) => x.into(),
        Told::Time(time) => time.as_nanos().into(),
        Told::None => Json::Null,
    };
    let distribution = |d: &Distribution| {
        let quantiles = d.quantiles.iter().map(|(p, value)| (format!("p{p}"), plain(*value)));
        let doublings =
            d.histogram.buckets().fold(Vec::<(u64, u64)>::new(), |mut all, (value, n)| {
                let low = if value == 0 { 0 } else { 1 << value.ilog2() };
                match all.last_mut() {
                    Some((known, count)) if *known == low => *count += n,
                    _ => all.push((low, n)),
                }
                all
            });
        let told = |moment| plain(d.histogram.tell(moment));
        let body = json!({
            "unit": if d.is_time { "ns" } else { "1" },
            "min": told(Moment::Min),
            "max": told(Moment::Max),
            "mean": told(Moment::Mean),
            "stddev": told(Moment::Deviation),
            "quantiles": quantiles.collect::<Map<_, _>>(),
            "tail_index": d.tail_index,
            "histogram": doublings.iter().map(|(low, n)| json!({"from": low, "flows": n})).collect::<Vec<_>>(),
        });
        (d.name.replace(' ', "_"), body)
    };
    let concentration = |c: &Concentration| {
        let body = json!({
            "values": c.distinct, "entropy_bits": c.entropy, "entropy_bits_max": c.entropy_max,
            "gini": c.gini, "zipf_exponent": c.zipf,
        });
        (c.column.name().to_owned(), body)
    };
    let steps = overview.series.bins().map(|(time, bin)| {
        json!({"from": time.as_nanos(), "flows": bin.flows, "packets": bin.packets, "bytes": bin.bytes})
    });
    json!({
        "flows": overview.flows,
        "packets": overview.packets,
        "bytes": overview.bytes,
        "first": overview.span.map(|(first, _)| first.as_nanos()),
        "last": overview.span.map(|(_, last)| last.as_nanos()),
        "bits_per_second": overview.rate(Rate::Bps),
        "packets_per_second": overview.rate(Rate::Pps),
        "bytes_per_packet": overview.rate(Rate::Bpp),
        "tables": tables,
        "distributions": overview.distributions.iter().map(distribution).collect::<Map<_, _>>(),
        "concentration": overview.concentrations.iter().map(concentration).collect::<Map<_, _>>(),
        "over_time": {
            "step_ns": overview.series.step().0,
            "steps": steps.collect::<Vec<_>>(),
        },
    })
}

/// The same as a page.
fn page(overview: &Overview) -> Report {
    let section = |heading: &str, note: &str, blocks| Section {
        heading: heading.to_owned(),
        note: note.to_owned(),
        blocks,
    };
    let mut sections = Vec::new();
    let series = overview.series.coarser(200);
    let start = overview.span.map_or(0, |(first, _)| first.as_nanos());
    let points = series.bins().map(|(time, bin)| {
        let seconds = time.as_nanos().saturating_sub(start) as f64 / 1e9;
        (seconds, Rate::Bps.of(0, bin.bytes, series.step().0) as f64)
    });
    let rate = Series { name: "bits per second".to_owned(), points: points.collect() };
    let axes = Axes { x: "seconds from the first flow", y: "bits per second" };
    let plot = Block::Plot(plot::lines(axes, &[rate]));
    let note = "Bytes count by the load scheme that was asked for.";
    sections.push(section(
        "Traffic over time",
        note,
        vec![plot, Block::Table(over_time(overview).into())],
    ));
    for table in &overview.ranked {
        let note = "By bytes; the others together, and all.";
        sections.push(section(table.name, note, vec![Block::Table(ranked(table).into())]));
    }
    let note = "Quantiles are within 1 %; the tail index is Hill's, of the largest hundredth: below 2 the variance \
        has no bound.";
    sections.push(section(
        "distributions",
        note,
        vec![Block::Table(distributions(overview).into())],
    ));
    let note = "Entropy of flows over the values, Gini coefficient (0: all have as many) and Zipf exponent.";
    sections.push(section(
        "concentration",
        note,
        vec![Block::Table(concentrations(overview).into())],
    ));
    Report { title: "Flows".to_owned(), subtitle: headline(overview), sections }
}
