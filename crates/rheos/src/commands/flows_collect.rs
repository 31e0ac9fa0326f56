//! `rheos flows collect`: flows are made and told, each with its packets and bytes, or port by port.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use rheos_core::units::Count;
use rheos_core::{Nanos, WideRecord};
use rheos_query::FlowBlock;
use rheos_query::analyze::PortCounter;

use crate::cli::GlobalArgs;
use crate::collect_order::{SortKey, Sorter};
use crate::collected::{self, Collected, CollectedArgs};
use crate::exit::ExitStatus;
use crate::failure::Misuse;
use crate::flow_file::{OLDER_COLUMNS, chosen};
use crate::flow_rows::{AddressForm, FlowFormat, FlowRows, FlowRowsPlan};
use crate::output::Output;
use crate::port_rows::{self, PortSortChoice};

const EXAMPLES: &str = "\
Examples:
  rheos flows collect -n 4 -f 5
  rheos flows collect -t 1M -s bytes -o csv | head
  rheos flows collect -c examples/flows/example_config.yaml --output flows.parquet
  rheos flows collect port --top 10 -s flows

The same seed gives the same flows for any `-n`: flow by flow, they belong to stream 1, 2, ... in turn, and all streams
together have the bandwidth. `-s` sorts the whole result; with `-w`, each window of time by itself.";

const PORT_EXAMPLES: &str = "\
Examples:
  rheos flows collect port --top 10
  rheos flows collect port -t 1M -n 4 -s tx_packets -o csv
  rheos flows collect port -c examples/flows/example_config.yaml -s port -o json-pretty

A flow counts once per port: its source port sends, its destination port receives.";

/// Sorted flows that are made again at once.
const GATHERED: usize = 16 << 10;

/// Arguments of `rheos flows collect`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct CollectArgs {
    #[command(subcommand)]
    what: Option<CollectWhat>,
    #[command(flatten)]
    made: CollectedArgs,
    /// Sort by this; bytes and packets fall, equal flows are in order of time.
    #[arg(short, long, value_name = "KEY", help_heading = "Output")]
    sort_by: Option<SortKey>,
    /// Sort within windows of so much time only, in milliseconds or like `10ms`.
    #[arg(
        short = 'w',
        long,
        value_name = "SPAN",
        value_parser = window,
        requires = "sort_by",
        help_heading = "Output"
    )]
    time_window: Option<Nanos>,
    /// How to write it; `text` if no name of a file tells.
    #[arg(short, long, value_name = "FORMAT", help_heading = "Output")]
    output_format: Option<CollectFormat>,
    /// Leave the header line out.
    #[arg(long, help_heading = "Output")]
    no_header: bool,
    /// Where to write; the name tells the format. `-` is standard output.
    #[arg(long, value_name = "FILE", default_value = "-", help_heading = "Output")]
    output: PathBuf,
    /// Overwrite an existing file.
    #[arg(long, help_heading = "Output")]
    force: bool,
}

/// What is told of the flows.
#[derive(Debug, Subcommand)]
enum CollectWhat {
    /// What each port sends and receives.
    Port(CollectPortArgs),
}

/// Arguments of `rheos flows collect port`.
#[derive(Debug, Args)]
#[command(after_long_help = PORT_EXAMPLES)]
struct CollectPortArgs {
    #[command(flatten)]
    made: CollectedArgs,
    /// Rank ports by this.
    #[arg(short, long, value_name = "KEY", default_value = "total_bytes", help_heading = "Output")]
    sort_by: PortSortChoice,
    /// Tell this many ports; 0 for all.
    #[arg(long, value_name = "N", default_value = "0", help_heading = "Output")]
    top: Count,
    /// How to print it.
    #[arg(short, long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    output_format: PortFormat,
    /// Leave the header line out.
    #[arg(long, help_heading = "Output")]
    no_header: bool,
}

/// `--output-format` of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CollectFormat {
    /// Columns of fixed widths.
    #[value(alias = "plain")]
    Text,
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON list on one line.
    Json,
    /// One JSON list, indented.
    #[value(alias = "pretty")]
    JsonPretty,
    /// One JSON object per line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow IPC file.
    Arrow,
}

impl CollectFormat {
    fn choose(told: Option<Self>, path: &Path) -> Result<FlowFormat> {
        Ok(match told {
            Some(Self::Text) => FlowFormat::Table,
            Some(Self::Csv) => FlowFormat::Csv,
            Some(Self::Json) => FlowFormat::Json,
            Some(Self::JsonPretty) => FlowFormat::JsonPretty,
            Some(Self::Jsonl) => FlowFormat::Jsonl,
            Some(Self::Parquet) => FlowFormat::Parquet,
            Some(Self::Arrow) => FlowFormat::Arrow,
            None if path == Path::new("-") => FlowFormat::Table,
            None if path.extension().is_some_and(|ending| ending == "txt") => FlowFormat::Table,
            None => FlowFormat::choose(None, path).map_err(|_| {
                Misuse::new(
                    format!("`{}` tells no format by its name", path.display()),
                    "end it with `.csv`, `.json`, `.jsonl`, `.parquet`, `.arrow` or `.txt`, or give `--output-format`",
                )
            })?,
        })
    }
}

/// `--output-format` of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PortFormat {
    /// Columns of fixed widths.
    #[value(alias = "plain")]
    Text,
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON list on one line.
    Json,
    /// One JSON list, indented.
    #[value(alias = "pretty")]
    JsonPretty,
}

/// Milliseconds, as the older tool had it, or a span.
fn window(text: &str) -> Result<Nanos, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let span = if is_number { format!("{text}ms").parse() } else { text.parse::<Nanos>() };
    match span {
        Ok(Nanos(0)) => Err("a window of no time: give one such as `10`".to_owned()),
        Ok(span) => Ok(span),
        Err(error) => Err(error.to_string()),
    }
}

/// Makes, orders and writes, or counts ports.
pub(crate) fn run(args: &CollectArgs, global: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    if let Some(CollectWhat::Port(args)) = &args.what {
        return ports(args, global, output);
    }
    let started = Instant::now();
    let mut made = args.made.open(global, output)?;
    let is_wide = made.totals().plan().has_ipv6();
    let plan = FlowRowsPlan {
        path: args.output.clone(),
        format: CollectFormat::choose(args.output_format, &args.output)?,
        header: !args.no_header,
        force: args.force,
        addresses: if is_wide { AddressForm::Wide } else { AddressForm::Auto },
    };
    let mut rows = FlowRows::new(plan, output)?;
    // Flows come in order of time.
    match args.sort_by.filter(|by| *by != SortKey::Timestamp) {
        None => made.pass((0.0, 1.0), |_, _, flows| rows.write(&block(flows)))?,
        Some(by) => {
            let sorter = Sorter::new(by, is_wide);
            match args.time_window {
                Some(window) => by_window(&mut made, sorter, window, &mut rows)?,
                None => whole(&mut made, sorter, &mut rows)?,
            }
        }
    }
    let columns = rows.columns();
    let (written, bytes) = rows.finish()?;
    let order = args.sort_by.map(|by| match args.time_window {
        Some(window) if by != SortKey::Timestamp => {
            format!("{}, in windows of {}", by.name(), rheos_core::units::human::duration(window))
        }
        _ => format!("{}, the whole result", by.name()),
    });
    made.tell(order.as_deref(), output);
    if args.output != Path::new("-") {
        crate::summary::wrote(output, &args.output, written, columns, bytes);
    }
    collected::done(written, started.elapsed(), output);
    Ok(ExitStatus::Done)
}

/// The columns that the older tool told.
fn block(flows: &[WideRecord]) -> FlowBlock {
    chosen(&FlowBlock::from_wide(flows), OLDER_COLUMNS)
}

/// Keys of all flows in one pass, then the flows in their order.
fn whole(made: &mut Collected, mut sorter: Sorter, rows: &mut FlowRows) -> Result<()> {
    made.pass((0.0, 0.5), |_, index, flows| sorter.add(index, flows))?;
    sorter.sort();
    let mut flows = Vec::new();
    for from in (0..sorter.len()).step_by(GATHERED) {
        made.gather(&sorter.indices(from, GATHERED), &mut flows);
        rows.write(&block(&flows))?;
        made.done_share(0.5 + 0.5 * (from + flows.len()) as f64 / sorter.len() as f64);
    }
    Ok(())
}

/// Windows of time, counted from the first flow's moment, each in its order.
fn by_window(
    made: &mut Collected,
    mut sorter: Sorter,
    window: Nanos,
    rows: &mut FlowRows,
) -> Result<()> {
    let start = made.totals().plan().start().as_nanos();
    let number = |flow: &WideRecord| flow.first.saturating_sub(start) / window.0;
    let mut current = 0;
    let mut sorted = Vec::new();
    made.pass((0.0, 1.0), |made, index, flows| {
        let mut index = index;
        for part in flows.chunk_by(|a, b| number(a) == number(b)) {
            let of_part = part.first().map_or(current, number);
            if of_part != current {
                flush(made, &mut sorter, &mut sorted, rows)?;
                current = of_part;
            }
            sorter.add(index, part)?;
            index += part.len() as u64;
        }
        Ok(())
    })?;
    flush(made, &mut sorter, &mut sorted, rows)
}

fn flush(
    made: &Collected,
    sorter: &mut Sorter,
    flows: &mut Vec<WideRecord>,
    rows: &mut FlowRows,
) -> Result<()> {
    sorter.sort();
    for from in (0..sorter.len()).step_by(GATHERED) {
        made.gather(&sorter.indices(from, GATHERED), flows);
        rows.write(&block(flows))?;
    }
    sorter.clear();
    Ok(())
}

/// `rheos flows collect port`.
fn ports(args: &CollectPortArgs, global: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let started = Instant::now();
    let mut made = args.made.open(global, output)?;
    let mut counter = PortCounter::default();
    let mut flows = 0;
    made.pass((0.0, 1.0), |_, _, batch| {
        flows += batch.len() as u64;
        Ok(counter.add(&block(batch))?)
    })?;
    let rows = port_rows::ranked(&counter, args.sort_by, args.top.0);
    let header = !args.no_header;
    let text = match args.output_format {
        PortFormat::Text => port_rows::older_text(&rows, header),
        PortFormat::Csv => port_rows::older_csv(&rows, header),
        PortFormat::Json => port_rows::older_json(&rows, false),
        PortFormat::JsonPretty => port_rows::older_json(&rows, true),
    };
    output.data(&text)?;
    made.tell(None, output);
    collected::done(flows, started.elapsed(), output);
    Ok(ExitStatus::Done)
}
