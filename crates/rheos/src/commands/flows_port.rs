//! `rheos flows port`: what each port sends and receives.

use std::time::Instant;

use anyhow::Result;
use clap::{Args, ValueEnum};
use rheos_core::filter::service_name;
use rheos_core::units::{Count, human};
use rheos_query::FlowColumns;
use rheos_query::analyze::{PortCounter, PortSort};
use rheos_query::read::{Watched, scan};

use crate::cli::GlobalArgs;
use crate::exit::ExitStatus;
use crate::flow_input::{self, FlowInputArgs};
use crate::flow_table::TableFormat;
use crate::output::Output;
use crate::table::{Cell, Table};

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
    sort: SortChoice,
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

/// `--sort`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum SortChoice {
    /// The port, in rising order.
    Port,
    /// Flows.
    Flows,
    /// Bytes that it sends.
    TxBytes,
    /// Bytes that it receives.
    RxBytes,
    /// Bytes both ways.
    #[value(alias = "bytes")]
    TotalBytes,
    /// Packets that it sends.
    TxPackets,
    /// Packets that it receives.
    RxPackets,
    /// Packets both ways.
    #[value(alias = "packets")]
    TotalPackets,
}

impl From<SortChoice> for PortSort {
    fn from(choice: SortChoice) -> Self {
        match choice {
            SortChoice::Port => Self::Port,
            SortChoice::Flows => Self::Flows,
            SortChoice::TxBytes => Self::TxBytes,
            SortChoice::RxBytes => Self::RxBytes,
            SortChoice::TotalBytes => Self::TotalBytes,
            SortChoice::TxPackets => Self::TxPackets,
            SortChoice::RxPackets => Self::RxPackets,
            SortChoice::TotalPackets => Self::TotalPackets,
        }
    }
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
    let top = match usize::try_from(args.top.0).unwrap_or(usize::MAX) {
        0 => usize::MAX,
        top => top,
    };
    let mut table = Table::new(&[
        ">port",
        ">flows",
        ">tx_bytes",
        ">rx_bytes",
        ">total_bytes",
        ">tx_packets",
        ">rx_packets",
        ">total_packets",
    ]);
    for row in whole.rows(args.sort.into()).iter().take(top) {
        let number = |n: u64| Cell::from(n).shown(human::grouped(n).to_string());
        let name = service_name(row.port).unwrap_or_default();
        let port = Cell::from(row.port).shown(format!("{name} {}", row.port).trim().to_owned());
        table.row([
            port,
            number(row.flows),
            number(row.tx_bytes),
            number(row.rx_bytes),
            number(row.total_bytes()),
            number(row.tx_packets),
            number(row.rx_packets),
            number(row.total_packets()),
        ]);
    }
    flow_input::tell(output, &args.input.files, &stats);
    output.data(&args.format.render(&table, !args.no_header, output))?;
    flow_input::done(output, &stats, started.elapsed());
    Ok(ExitStatus::Done)
}
