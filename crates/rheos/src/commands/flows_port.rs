//! `rheos flows port`: what each port sends and receives.

use std::time::Instant;

use anyhow::Result;
use clap::Args;
use rheos_core::units::Count;
use rheos_query::FlowColumns;
use rheos_query::analyze::PortCounter;
use rheos_query::read::{Watched, scan};

use crate::cli::GlobalArgs;
use crate::exit::ExitStatus;
use crate::flow_input::{self, FlowInputArgs};
use crate::flow_table::TableFormat;
use crate::output::Output;
use crate::port_rows::{self, PortSortChoice};

const EXAMPLES: &str = "\
Examples:
  rheos flows port flows.parquet --top 20
  rheos flows port flows.csv --sort flows --format csv
  rheos flows port flows.csv -f 'proto udp' --format json-pretty

A flow counts once per port: its source port sends, its destination port receives.";

/// Arguments of `rheos flows port`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct PortArgs {
    #[command(flatten)]
    input: FlowInputArgs,
    /// Rank ports by this.
    #[arg(
        short,
        long,
        visible_alias = "sort-by",
        value_name = "WHAT",
        default_value = "total_bytes",
        help_heading = "What to tell"
    )]
    sort: PortSortChoice,
    /// Tell this many ports; 0 for all.
    #[arg(long, value_name = "N", default_value = "0", help_heading = "What to tell")]
    top: Count,
    /// How to print it.
    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = "Output")]
    format: TableFormat,
    /// Leave the header line out.
    #[arg(long, help_heading = "Output")]
    no_header: bool,
}

/// Reads, counts and prints.
pub(crate) fn run(args: &PortArgs, _: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let started = Instant::now();
    let request = args.input.choice.request(PortCounter::columns(), FlowColumns::NONE)?;
    let (counters, stats) = scan(
        &args.input.files,
        &request,
        &Watched::default(),
        PortCounter::default,
        |counter, block| counter.add(&block),
    )?;
    let mut whole = PortCounter::default();
    for counter in &counters {
        whole.merge(counter);
    }
    let table = port_rows::table(&port_rows::ranked(&whole, args.sort, args.top.0));
    flow_input::tell(output, &args.input.files, &stats);
    output.data(&args.format.render(&table, !args.no_header, output))?;
    flow_input::done(output, &stats, started.elapsed());
    Ok(ExitStatus::Done)
}
