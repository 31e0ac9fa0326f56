//! `rheos flows filter`: the flows that match, in any format.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use rheos_core::units::Count;
use rheos_query::read::{Request, Watched, scan};
use rheos_query::{FlowBlock, FlowColumns};

use crate::cli::GlobalArgs;
use crate::exit::ExitStatus;
use crate::failure::Misuse;
use crate::flow_input::{self, FlowInputArgs};
use crate::flow_rows::{AddressForm, FlowFormat, FlowRows, FlowRowsPlan};
use crate::output::Output;
use crate::summary;

const EXAMPLES: &str = "\
Examples:
  rheos flows filter flows.parquet -f 'proto tcp and dst port 443 and bytes > 100k'
  rheos flows filter flows.csv.gz --src-subnet 10.0.0.0/8 -o inside.parquet
  rheos flows filter flows/ -f 'flags S and packets < 3' --pass scans.parquet --fail rest.parquet
  rheos flows filter day1.parquet day2.parquet -f 'flags S and not flags AFRPU' -n 10 --format table

Filters:
  In nfdump's words: ip, net, port, proto, flags, bytes, packets, duration, pps, bps, bpp, tos, if, as, ...
  `and` binds tighter than `or`; lists are `port in [80 443]`, ranges `port 8000-8100`, `ip 10.0.0.1-10.0.0.9`.";

/// Arguments of `rheos flows filter`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct FilterArgs {
    #[command(flatten)]
    input: FlowInputArgs,
    /// Write at most this many flows.
    #[arg(short = 'n', long, value_name = "N", help_heading = "Which flows")]
    count: Option<Count>,
    /// Where to write; the name tells the format. `-` is standard output.
    #[arg(
        short,
        long,
        visible_alias = "pass",
        value_name = "FILE",
        default_value = "-",
        help_heading = "Output"
    )]
    output: PathBuf,
    /// Where to write the flows that do not match; the name tells the format.
    #[arg(long, value_name = "FILE", conflicts_with = "count", help_heading = "Output")]
    fail: Option<PathBuf>,
    /// How to write it.
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    format: Option<FlowFormat>,
    /// Leave the header line out.
    #[arg(long, help_heading = "Output")]
    no_header: bool,
    /// How addresses stand in Parquet and Arrow.
    #[arg(
        long,
        value_name = "FORM",
        default_value = "auto",
        help_heading = "Output",
        hide_short_help = true
    )]
    addresses: AddressForm,
    /// Overwrite an existing file.
    #[arg(long, help_heading = "Output")]
    force: bool,
}

impl FilterArgs {
    fn rows(&self, path: &Path, format: Option<FlowFormat>, output: &Output) -> Result<FlowRows> {
        let plan = FlowRowsPlan {
            format: FlowFormat::choose(format, path)?,
            path: path.to_owned(),
            header: !self.no_header,
            force: self.force,
            addresses: self.addresses,
        };
        FlowRows::new(plan, output)
    }
}

/// Reads, tests and writes.
pub(crate) fn run(args: &FilterArgs, _: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    if let Some(fail) = &args.fail {
        return split(args, fail, output);
    }
    let started = Instant::now();
    // The output has the order of the input: one thread reads.
    let request =
        Request { threads: 1, ..args.input.choice.request(FlowColumns::NONE, FlowColumns::ALL)? };
    let left = args.count.map_or(u64::MAX, |count| count.0);
    let rows = Mutex::new((args.rows(&args.output, args.format, output)?, left, None));
    let watched = Watched { stop: AtomicBool::new(left == 0), ..Watched::default() };
    let each = |(): &mut (), block: FlowBlock| {
        let mut guard = rows.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (rows, left, failure) = &mut *guard;
        let len = usize::try_from(*left).unwrap_or(usize::MAX).min(block.len());
        if failure.is_none() && len > 0 {
            let written = rows.write(&block.slice(0, len));
            *failure = written.err();
        }
        *left -= len as u64;
        if *left == 0 || failure.is_some() {
            watched.stop.store(true, Ordering::Relaxed);
        }
        Ok(())
    };
    let (_, stats) = scan(&args.input.files, &request, &watched, || (), each)?;
    let (rows, _, failure) = rows.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(failure) = failure {
        return Err(failure);
    }
    let columns = rows.columns();
    let (written, bytes) = rows.finish()?;
    flow_input::tell(output, &args.input.files, &stats);
    summary::wrote(output, &args.output, written, columns, bytes);
    flow_input::done(output, &stats, started.elapsed());
    Ok(ExitStatus::Done)
}

/// Writes the flows that match to one file and the others to another.
fn split(args: &FilterArgs, fail: &Path, output: &Output) -> Result<ExitStatus> {
    let started = Instant::now();
    if fail == args.output {
        return Err(Misuse::new(
            "`--pass` and `--fail` name the same file",
            "give each a file of its own",
        )
        .into());
    }
    let (filter, request) = args.input.choice.both_sides()?;
    let sides = [args.rows(&args.output, args.format, output)?, args.rows(fail, None, output)?];
    let state = Mutex::new((sides, None));
    let watched = Watched::default();
    let each = |passing: &mut Vec<u32>, block: FlowBlock| {
        filter.select(&block, passing);
        let failing = without(passing, block.len());
        let mut guard = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (sides, failure) = &mut *guard;
        for (side, rows) in sides.iter_mut().zip([&*passing, &failing]) {
            if failure.is_none() && !rows.is_empty() {
                *failure = side.write(&block.take(rows, block.columns())).err();
            }
        }
        watched.stop.store(failure.is_some(), Ordering::Relaxed);
        Ok(())
    };
    // Both have the order of the input: one thread reads.
    let request = Request { threads: 1, ..request };
    let (_, mut stats) = scan(&args.input.files, &request, &watched, Vec::new, each)?;
    let (sides, failure) = state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(failure) = failure {
        return Err(failure);
    }
    let mut told = Vec::new();
    for (rows, path) in sides.into_iter().zip([args.output.as_path(), fail]) {
        let columns = rows.columns();
        let (written, bytes) = rows.finish()?;
        told.push((path, written, columns, bytes));
    }
    stats.matched = told.first().map_or(0, |(_, written, ..)| *written);
    flow_input::tell(output, &args.input.files, &stats);
    for (path, written, columns, bytes) in told {
        summary::wrote(output, path, written, columns, bytes);
    }
    flow_input::done(output, &stats, started.elapsed());
    Ok(ExitStatus::Done)
}

/// The rows up to `len` that are not among these, which are in order.
fn without(rows: &[u32], len: usize) -> Vec<u32> {
    let mut others = Vec::with_capacity(len - rows.len());
    let mut start = 0;
    for &row in rows {
        others.extend(start..row);
        start = row + 1;
    }
    others.extend(start..len as u32);
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_on_one_side() {
        assert_eq!(without(&[0, 3, 4], 6), [1, 2, 5]);
        assert_eq!(without(&[], 2), [0, 1]);
        assert_eq!(without(&[0, 1], 2), [0_u32; 0]);
    }
}
