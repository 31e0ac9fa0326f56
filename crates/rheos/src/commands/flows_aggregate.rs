//! `rheos flows aggregate`: groups of flows by any keys, ranked by any value, several reports in one pass.

use std::time::Instant;

use anyhow::Result;
use clap::Args;
use rheos_core::Nanos;
use rheos_core::units::{Count, human};
use rheos_query::aggregate::{Grouper, Groups, Key, Limit, Query, Ranking, Report, Value};
use rheos_query::read::{Watched, scan};
use rheos_query::{FlowBlock, FlowColumns};
use rheos_sink::Format;

use crate::cli::GlobalArgs;
use crate::exit::ExitStatus;
use crate::failure::Misuse;
use crate::flow_input::{self, FlowInputArgs};
use crate::flow_table;
use crate::interrupt::Unfinished;
use crate::output::{Output, Tone};
use crate::result_out::{ResultArgs, ResultFormat};
use crate::summary;
use crate::table::ListFormat;

const EXAMPLES: &str = "\
Examples:
  rheos flows aggregate flows.parquet --by srcip --top 20
  rheos flows aggregate flows.parquet --by srcip/24,dstport --values flows,bytes,p95:duration,distinct:dstip
  rheos flows aggregate flows.csv.gz --by proto --by dstport --window 1m --sort flows
  rheos flows aggregate flows.parquet --by biflow --top 0 -o conversations.parquet

Keys:    srcip dstip (with /24, or /24/64 for IPv4 and IPv6), srcport dstport proto flags tos inif outif
         srcas dstas stream pattern label time/1m 5tuple biflow
Values:  flows packets bytes pps bps bpp first last duration; min: max: mean: stddev: p50: p95: p99.9: of
         bytes packets duration pps bps bpp; distinct: of any column, approx_distinct: in bounded memory, exactly up to 1024,
         then within 1.6 % (standard error)";

/// Arguments of `rheos flows aggregate`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct AggregateArgs {
    #[command(flatten)]
    input: FlowInputArgs,
    /// Group by these keys; given several times, as many reports come from one pass.
    #[arg(long, value_name = "KEYS", default_value = "5tuple", help_heading = "What to tell")]
    by: Vec<String>,
    /// Tell this of each group.
    #[arg(
        long,
        value_name = "VALUES",
        default_value = "flows,packets,bytes",
        help_heading = "What to tell"
    )]
    values: String,
    /// Group also by steps of time, this wide.
    #[arg(long, value_name = "SPAN", help_heading = "What to tell")]
    window: Option<Nanos>,
    /// Rank groups by this value, else by the last plain sum of the values; `key` for the order of keys.
    #[arg(short, long, value_name = "VALUE", help_heading = "What to tell")]
    sort: Option<String>,
    /// Tell this many groups, 0 for all; by default 10, or all with `--window`.
    #[arg(long, value_name = "N", help_heading = "What to tell")]
    top: Option<Count>,
    /// Tell the groups with the least, in place of the most.
    #[arg(long, help_heading = "What to tell")]
    bottom: bool,
    /// Tell every group whose value is at least this.
    #[arg(
        long,
        value_name = "VALUE",
        conflicts_with = "percentage",
        help_heading = "What to tell"
    )]
    threshold: Option<Count>,
    /// Tell every group that has at least this percentage of the whole.
    #[arg(long, value_name = "PERCENT", help_heading = "What to tell")]
    percentage: Option<f64>,
    /// How many groups may be told apart; more are an error.
    #[arg(long, value_name = "N", help_heading = "What to tell", hide_short_help = true)]
    groups_max: Option<Count>,
    #[command(flatten)]
    out: ResultArgs,
}

impl AggregateArgs {
    fn queries(&self) -> Result<Vec<Query>> {
        let mut queries = Vec::new();
        for by in &self.by {
            let mut query = Query::parse(by, &self.values)?;
            if let Some(step) = self.window {
                if step.0 == 0 {
                    return Err(Misuse::new("a window of no time", "give one such as `1m`").into());
                }
                query.keys.parts.insert(0, Key::Time { step });
            }
            if let Some(max) = self.groups_max {
                query.groups_max = usize::try_from(max.0).unwrap_or(usize::MAX);
            }
            // What groups are ranked by must be counted, too.
            if let Some(value) = self.rank(&query)?
                && !query.values.contains(&value)
            {
                query.values.push(value);
            }
            queries.push(query);
        }
        Ok(queries)
    }

    fn rank(&self, query: &Query) -> Result<Option<Value>> {
        match self.sort.as_deref() {
            Some("key") => Ok(None),
            Some(value) => Ok(Some(value.parse()?)),
            // Windows are read in order of time.
            None if self.window.is_some() => Ok(None),
            None => {
                let sums = query.values.iter().rev().copied();
                Ok(sums.clone().find(|value| value.is_additive()).or(query.values.first().copied()))
            }
        }
    }

    fn ranking(&self, query: &Query) -> Result<Ranking> {
        let limit = match (self.threshold, self.percentage) {
            (Some(least), _) => Limit::Threshold(least.0 as f64),
            (_, Some(percent)) => Limit::Percentage(percent),
            _ => match (self.top.map(|top| top.0), self.window) {
                (Some(0), _) | (None, Some(_)) => Limit::All,
                (top, _) => Limit::Count(usize::try_from(top.unwrap_or(10)).unwrap_or(usize::MAX)),
            },
        };
        Ok(Ranking { by: self.rank(query)?, ascending: self.bottom, limit })
    }
}

/// Reads, counts and prints.
pub(crate) fn run(args: &AggregateArgs, _: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let started = Instant::now();
    let format = args.out.format(output)?;
    let queries = args.queries()?;
    if queries.len() > 1 && (format.sink().is_some()) {
        return Err(Misuse::new(
            "this format holds one table, several were asked for",
            "use `--format table`, `json` or `md`, or one `--by`",
        )
        .into());
    }
    let needed = queries.iter().fold(FlowColumns::NONE, |all, query| all | query.columns());
    let request = args.input.choice.request(needed, FlowColumns::NONE)?;
    let state = || queries.iter().map(Grouper::new).collect::<Vec<_>>();
    let each = |groupers: &mut Vec<Grouper>, block: FlowBlock| {
        groupers.iter_mut().try_for_each(|grouper| grouper.add(&block))
    };
    let (states, stats) = scan(&args.input.files, &request, &Watched::default(), state, each)?;
    let mut states = states.into_iter();
    let mut whole = states.next().unwrap_or_else(state);
    for part in states {
        for (ours, theirs) in whole.iter_mut().zip(part) {
            ours.merge(theirs)?;
        }
    }
    let mut reports = Vec::new();
    for (grouper, query) in whole.into_iter().zip(&queries) {
        let groups = grouper.finish_on(request.threads)?;
        let report = groups.report(&args.ranking(query)?);
        reports.push((groups, report));
    }
    flow_input::tell(output, &args.input.files, &stats);
    for (groups, report) in &reports {
        let text = format!(
            "{}, {} told",
            summary::plural(groups.len() as u64, "group"),
            human::grouped(report.rows.len() as u64)
        );
        summary::line(output, "groups", Tone::Strong, &text);
    }
    write(args, format, &reports, output)?;
    flow_input::done(output, &stats, started.elapsed());
    Ok(ExitStatus::Done)
}

fn write(
    args: &AggregateArgs,
    format: ResultFormat,
    reports: &[(Groups, Report)],
    output: &Output,
) -> Result<()> {
    if let (Some(sink), [(groups, report)]) = (format.sink(), reports) {
        return write_columns(args, sink, groups, report, output);
    }
    let text = match format {
        ResultFormat::Json | ResultFormat::JsonPretty => {
            let mut all: Vec<_> = reports.iter().map(|(g, r)| flow_table::json(g, r)).collect();
            let json = if all.len() == 1 { all.remove(0) } else { all.into() };
            let pretty = format == ResultFormat::JsonPretty;
            let text = if pretty {
                serde_json::to_string_pretty(&json)
            } else {
                serde_json::to_string(&json)
            };
            text.unwrap_or_default() + "\n"
        }
        format => {
            let list = if format == ResultFormat::Md { ListFormat::Md } else { ListFormat::Table };
            let tables =
                reports.iter().map(|(g, r)| flow_table::table(g, r, true).render(list, output));
            tables.collect::<Vec<_>>().join("\n")
        }
    };
    args.out.text(&text, output)
}

fn write_columns(
    args: &AggregateArgs,
    format: Format,
    groups: &Groups,
    report: &Report,
    output: &Output,
) -> Result<()> {
    let schema = flow_table::schema(groups, report);
    let _unfinished = Unfinished::new(args.out.path());
    let mut sink = args.out.sink(format, &schema)?;
    for from in (0..report.rows.len()).step_by(flow_table::BATCH_ROWS) {
        sink.write(&flow_table::batch(groups, report, &schema, from))?;
    }
    let written = sink.finish()?;
    let columns = schema.fields().len();
    summary::wrote(output, args.out.path(), written.rows, columns, Some(written.bytes));
    Ok(())
}
