//! `rheos flows compare`: how alike two sets of flows are, or which rows only one of them has.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use rheos_core::units::{Count, human};
use rheos_query::analyze::{Comparison, RowSet, Sample};
use rheos_query::read::{ReadStats, Request, Watched, scan};
use rheos_query::{FlowBlock, FlowColumn, FlowColumns};
use serde_json::Value as Json;

use crate::cli::GlobalArgs;
use crate::exit::ExitStatus;
use crate::failure::Misuse;
use crate::flow_input::{self, FlowChoiceArgs};
use crate::flow_table::TableFormat;
use crate::output::{Output, Tone};
use crate::summary;
use crate::table::{Cell, Table};

const EXAMPLES: &str = "\
Examples:
  rheos flows compare real.parquet generated.parquet
  rheos flows compare yesterday.csv today.csv -f 'dst port 443' --format json
  rheos flows compare expected.parquet found.csv --rows

Divergence is Jensen-Shannon's, in bits: 0 where both are alike, 1 where they have nothing in common.
With `--rows` the exit code is 1 if any row differs; rows are compared in the columns that both files have.";

/// Arguments of `rheos flows compare`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct CompareArgs {
    /// The first file of flows.
    #[arg(value_name = "FIRST")]
    first: PathBuf,
    /// The second one.
    #[arg(value_name = "SECOND")]
    second: PathBuf,
    #[command(flatten)]
    choice: FlowChoiceArgs,
    /// Compare row by row, whatever their order, in place of distributions.
    #[arg(long, help_heading = "What to tell")]
    rows: bool,
    /// With `--rows`: list at most this many differing rows of each file.
    #[arg(
        long,
        value_name = "N",
        default_value = "10",
        requires = "rows",
        help_heading = "What to tell"
    )]
    show: Count,
    /// How to print it.
    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = "Output")]
    format: TableFormat,
    /// Leave the header line out.
    #[arg(long, help_heading = "Output")]
    no_header: bool,
}

/// Reads both, compares and prints.
pub(crate) fn run(args: &CompareArgs, _: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let started = Instant::now();
    if args.rows {
        return rows(args, output, started);
    }
    let request = args.choice.request(FlowColumns::NONE, Sample::columns())?;
    let mut samples = Vec::new();
    let mut all = ReadStats::default();
    for path in [&args.first, &args.second] {
        let (parts, stats) = scan(
            std::slice::from_ref(path),
            &request,
            &Watched::default(),
            Sample::default,
            |sample, block| sample.add(&block),
        )?;
        let mut whole = Sample::default();
        for part in parts {
            whole.merge(part)?;
        }
        flow_input::tell(output, std::slice::from_ref(path), &stats);
        all.examined += stats.examined + stats.skipped;
        samples.push(whole);
    }
    let (Some(second), Some(first)) = (samples.pop(), samples.pop()) else {
        return Ok(ExitStatus::Done);
    };
    let comparison = Comparison::new(first, second)?;
    if comparison.fields.is_empty() {
        return Err(Misuse::new(
            "there is nothing to compare",
            "both files need flows that match, and a column in common",
        )
        .into());
    }
    output.data(&args.format.render(&fields(&comparison), !args.no_header, output))?;
    flow_input::done(output, &all, started.elapsed());
    Ok(ExitStatus::Done)
}

fn fields(comparison: &Comparison) -> Table {
    let mut table = Table::new(&[
        "field",
        ">divergence",
        ">ks",
        ">emd",
        ">mean first",
        ">mean second",
        ">values first",
        ">values second",
    ]);
    let real = |value: Option<f64>, decimals: usize| {
        value.map_or(Cell::from(Json::Null), |x| Cell::from(x).shown(format!("{x:.decimals$}")))
    };
    let count = |value: Option<u64>| {
        value.map_or(Cell::from(Json::Null), |n| Cell::from(n).shown(human::grouped(n).to_string()))
    };
    for field in &comparison.fields {
        table.row([
            Cell::from(field.field),
            real(Some(field.divergence), 4),
            real(field.ks, 4),
            real(field.emd, 1),
            real(field.means.map(|m| m.0), 1),
            real(field.means.map(|m| m.1), 1),
            count(field.distinct.map(|d| d.0)),
            count(field.distinct.map(|d| d.1)),
        ]);
    }
    table
}

/// Calls `each` with every block of a file.
fn blocks(path: &Path, request: &Request, each: impl FnMut(FlowBlock) + Send) -> Result<ReadStats> {
    let each = Mutex::new(each);
    let call = |(): &mut (), block: FlowBlock| {
        let mut each = each.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        (*each)(block);
        Ok(())
    };
    let paths = [path.to_owned()];
    Ok(scan(&paths, request, &Watched::default(), || (), call)?.1)
}

fn rows(args: &CompareArgs, output: &Output, started: Instant) -> Result<ExitStatus> {
    let files = [(&args.first, true), (&args.second, false)];
    if files.iter().any(|(path, _)| path.as_os_str() == "-") {
        return Err(Misuse::new("rows are read twice", "name files in place of `-`").into());
    }
    let request =
        Request { threads: 1, ..args.choice.request(FlowColumns::NONE, FlowColumns::ALL)? };
    let mut common = FlowColumns::ALL;
    let mut examined = ReadStats::default();
    for (path, _) in files {
        // The columns first, since rows are compared in those that both have.
        let stats = blocks(path, &request, |block| common = common & block.columns())?;
        flow_input::tell(output, std::slice::from_ref(path), &stats);
        examined.examined += stats.examined;
    }
    let mut set = RowSet::new(common);
    for (path, is_first) in files {
        blocks(path, &request, |block| set.add(&block, is_first))?;
    }
    let difference = set.difference();
    let limit = usize::try_from(args.show.0).unwrap_or(usize::MAX);
    let columns: Vec<FlowColumn> = common.iter().collect();
    let names = columns.iter().map(|column| (column.name().to_owned(), crate::table::Align::Left));
    let names = std::iter::once(("only in".to_owned(), crate::table::Align::Left)).chain(names);
    let mut table = Table::with_columns(names.collect());
    for (path, is_first) in files {
        let mut listed = 0;
        blocks(path, &request, |block| {
            for row in 0..block.len() {
                if listed < limit && set.take(&block, row, is_first) {
                    listed += 1;
                    let place = if is_first { "first" } else { "second" };
                    let values = columns.iter().map(|column| cell(&block, *column, row));
                    table.row(std::iter::once(Cell::from(place)).chain(values));
                }
            }
        })?;
    }
    output.data(&args.format.render(&table, !args.no_header, output))?;
    let lost: BTreeSet<&str> =
        FlowColumns::ALL.without(common).iter().map(FlowColumn::name).collect();
    let is_equal = difference.only_first + difference.only_second == 0;
    if is_equal {
        let text = format!(
            "{} in {} columns",
            summary::plural(examined.examined / 2, "row"),
            columns.len()
        );
        summary::line(output, "equal", Tone::Good, &text);
    } else {
        let text = format!(
            "{} only in the first, {} only in the second",
            human::grouped(difference.only_first),
            human::grouped(difference.only_second)
        );
        summary::line(output, "rows", Tone::Warn, &text);
    }
    output.detail(&format!(" not in both: {}", lost.into_iter().collect::<Vec<_>>().join(", ")));
    flow_input::done(output, &examined, started.elapsed());
    Ok(if is_equal { ExitStatus::Done } else { ExitStatus::CheckFailed })
}

fn cell(block: &FlowBlock, column: FlowColumn, row: usize) -> Cell {
    let value = block.value(column, row);
    if column.kind() == rheos_query::Kind::Address {
        Cell::from(rheos_query::address_of(value).to_string())
    } else {
        Cell::from(value as u64)
    }
}
