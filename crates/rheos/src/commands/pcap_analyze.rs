//! `rheos pcap analyze`: who talks to whom, in which protocols, how much and when; every packet counted.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::{Args, ValueEnum};
use rheos_core::units::{Count, human};
use rheos_flow::Ingest;
use rheos_flow::aggregate::{Groups, KeyFields, RankBy};

use crate::analysis::Analysis;
use crate::cli::GlobalArgs;
use crate::config::Settings;
use crate::config::keys::{CHECKSUM_WORDS, Key, TUNNEL_WORDS};
use crate::environment;
use crate::exit::ExitStatus;
use crate::extract_plan;
use crate::failure::Misuse;
use crate::inputs::InputArgs;
use crate::output::{Output, Tone};
use crate::reading::{self, Reading};
use crate::report::{self, traffic};
use crate::summary;
use crate::table::ListFormat;

const EXAMPLES: &str = "\
Examples:
  rheos pcap analyze capture.pcap
  rheos pcap analyze captures/ --by src,dport --top 20 -f 'tcp'
  rheos pcap analyze capture.pcap --format json | jq .protocols
  rheos pcap analyze capture.pcap --report traffic.html";

/// Arguments of `rheos pcap analyze`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct AnalyzeArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Only packets that match this expression.
    #[arg(short, long, value_name = "EXPR", help_heading = "What to count")]
    filter: Option<String>,
    /// Group by these parts of the five-tuple only: any of `src,dst,sport,dport,proto`, or `5tuple`.
    #[arg(long, value_name = "FIELDS", help_heading = "What to count")]
    by: Option<KeyFields>,
    /// How many groups to show; the others are summed up as `other`.
    #[arg(long, value_name = "N", default_value = "10", help_heading = "What to count")]
    top: Count,
    /// What groups are ranked by.
    #[arg(long, value_name = "WHAT", default_value = "bytes", help_heading = "What to count")]
    rank: RankChoice,
    /// How many groups are told apart at most; what comes later counts as `other`.
    #[arg(long, value_name = "N", help_heading = "What to count", hide_short_help = true)]
    groups_max: Option<Count>,
    /// Read at most this many packets.
    #[arg(short = 'n', long, value_name = "N", help_heading = "What to count")]
    count: Option<Count>,
    /// Which packet counts when packets travel in tunnels.
    #[arg(long, value_name = "LAYER", value_parser = TUNNEL_WORDS.to_vec(),
          help_heading = "What to count", hide_short_help = true)]
    tunnels: Option<String>,
    /// What to do with wrong checksums.
    #[arg(long, value_name = "POLICY", value_parser = CHECKSUM_WORDS.to_vec(),
          help_heading = "What to count", hide_short_help = true)]
    checksums: Option<String>,
    /// How to print it; `csv` and `md` print one table and need `--by`.
    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = "Output")]
    format: ListFormat,
    /// Also write a self-contained HTML page with plots.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    report: Option<PathBuf>,
    /// Overwrite an existing report.
    #[arg(long, requires = "report", help_heading = "Output")]
    force: bool,
}

/// `--rank`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RankChoice {
    /// Packets.
    Packets,
    /// Bytes from the IP header on.
    Bytes,
    /// Bytes on the wire.
    Wire,
}

impl AnalyzeArgs {
    fn overrides(&self) -> Vec<(Key, String)> {
        let mut flags: Vec<(Key, String)> = [
            (Key::DecodeFilter, &self.filter),
            (Key::DecodeTunnels, &self.tunnels),
            (Key::DecodeChecksums, &self.checksums),
        ]
        .into_iter()
        .filter_map(|(key, text)| Some((key, text.clone()?)))
        .collect();
        flags.extend(self.input.overrides());
        flags
    }

    fn rank(&self) -> RankBy {
        match self.rank {
            RankChoice::Packets => RankBy::Packets,
            RankChoice::Bytes => RankBy::IpBytes,
            RankChoice::Wire => RankBy::WireBytes,
        }
    }
}

/// Reads, counts and prints.
pub(crate) fn run(args: &AnalyzeArgs, global: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    if matches!(args.format, ListFormat::Csv | ListFormat::Md) && args.by.is_none() {
        return Err(Misuse::new(
            "this format holds one table, the overview has several",
            "choose the table with `--by`, such as `--by src`, or use `--format json`",
        )
        .into());
    }
    let started = Instant::now();
    let settings =
        Settings::load(global.config.as_deref(), environment::variables(), &args.overrides())?;
    let mut ingest = Ingest::new(extract_plan::ingest(&settings)?);
    if let Some(path) = &args.report {
        report::check_target(path, args.force)?;
    }
    let reader = reading::open(&args.input, &settings)?;
    let mut reading = Reading::new(reader, args.count.map(|c| c.0), global.progress, output);
    let groups_max = args.groups_max.map_or(Groups::GROUPS_MAX, |n| n.0 as usize);
    let mut analysis = Analysis::new(args.by, groups_max);
    while let Some(batch) = reading.next_batch() {
        ingest.batch(&batch, |packet, _| analysis.add(packet));
    }
    ingest.finish();
    let finished = reading.finish()?;

    output.data(&render(&analysis, &ingest, args, output))?;
    summary::read(output, finished.info(), &ingest.counters);
    summary::drops(output, &ingest.counters);
    if let Some(path) = &args.report {
        let page =
            traffic::report(&analysis, finished.info(), &ingest.counters, args.top.0 as usize);
        report::write(&page, path)?;
        summary::line(output, "report", Tone::Strong, &path.display().to_string());
    }
    summary::done(output, started.elapsed(), &ingest.counters);
    Ok(finished.report(output))
}

fn render(analysis: &Analysis, ingest: &Ingest, args: &AnalyzeArgs, output: &Output) -> String {
    let top = usize::try_from(args.top.0).unwrap_or(usize::MAX);
    let tops = analysis.tops(top, args.rank());
    match args.format {
        ListFormat::Json => {
            let all = analysis.json(ingest, top, args.rank());
            serde_json::to_string_pretty(&all).unwrap_or_default() + "\n"
        }
        _ if args.by.is_some() => {
            tops.iter().map(|(_, table)| table.render(args.format, output)).collect()
        }
        _ => {
            let mut text = headline(analysis);
            let parts = [("protocols", analysis.protocols()), ("packet sizes", analysis.sizes())];
            for (heading, table) in parts.into_iter().chain(tops) {
                let heading = output.paint_out(Tone::Strong, heading);
                text.push_str(&format!("\n{heading}\n{}", table.aligned(output)));
            }
            text
        }
    }
}

/// `1 873 packets, 1.2 MB on the wire in 12 s from 2026-...`
fn headline(analysis: &Analysis) -> String {
    let totals = &analysis.traffic.totals;
    let mut text = format!(
        "{}, {} on the wire",
        summary::plural(totals.packets, "packet"),
        human::bytes(totals.wire_bytes)
    );
    if totals.packets > 0 {
        let span = totals.last.since(totals.first);
        text.push_str(&format!(
            " in {} from {}",
            human::duration(span),
            human::rfc3339(totals.first)
        ));
    }
    text + "\n"
}
