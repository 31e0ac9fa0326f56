//! `rheos features extract`: captures in, one row per flow out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use arrow_array::RecordBatch;
use clap::Args;
use rheos_capture::ReadOptions;

use crate::accounts;
use crate::cli::GlobalArgs;
use crate::config::Settings;
use crate::config::keys::{COMPRESSION_WORDS, FORMAT_WORDS, Key};
use crate::each::{self, EachPlan};
use crate::environment;
use crate::exit::ExitStatus;
use crate::extraction::{Extraction, ExtractionArgs};
use crate::inputs::{self, InputArgs};
use crate::labels;
use crate::output::{Output, Tone};
use crate::provenance::{self, Run};
use crate::reading::{self, Reading};
use crate::report::{self, flows, flows::FlowFigures};
use crate::rows_out;
use crate::selection;
use crate::summary;

const EXAMPLES: &str = "\
Examples:
  rheos features extract capture.pcap -o flows.parquet
  tcpdump -w - | rheos features extract - --groups flow_meta,timing | head
  rheos features extract captures/ -f 'tcp port 443' --idle-timeout 30s --format jsonl
  rheos features extract capture.pcap --profile nfstream -o flows.csv
  rheos features extract capture.pcap --labels attacks.csv -o labelled.parquet
  rheos features extract captures/ --each --jobs 4 -o flows.parquet

Labels are rows with any of the columns src_ip, dst_ip (addresses or prefixes), src_port, dst_port, protocol,
start and end (seconds or RFC 3339; flows that overlap the span match); every other column is joined. The
label that fixes the most bits of the five-tuple wins, then the first one.

Beside a file of rows, FILE.provenance.json tells what made it: version, settings and their hash, size and
SHA-256 of each capture, columns, counts. The same run writes the same bytes.

Rows do not depend on the number of threads, nor on how a capture is stored or compressed. A damaged
capture gives all rows up to the damage and exit code 1.";

/// Arguments of `rheos features extract`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ExtractArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) each: EachArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) extraction: ExtractionArgs,
}

/// Where rows go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// File to write; `-` is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-", hide_default_value = true)]
    pub(crate) output: PathBuf,
    /// Format of the rows; auto: by the name of the file, else CSV.
    #[arg(long, value_name = "FORMAT", value_parser = FORMAT_WORDS.to_vec())]
    pub(crate) format: Option<String>,
    /// Compression inside Parquet and Arrow files.
    #[arg(long, value_name = "METHOD", value_parser = COMPRESSION_WORDS.to_vec(), hide_short_help = true)]
    pub(crate) compression: Option<String>,
    /// Also write a self-contained HTML page with plots of the rows.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Also write the accounts of the run as JSON: frames, packets, drops by reason, flows.
    #[arg(long, value_name = "FILE")]
    pub(crate) summary: Option<PathBuf>,
    /// Overwrite existing files.
    #[arg(long)]
    pub(crate) force: bool,
    /// Do not write `FILE.provenance.json`, which tells what made the rows.
    #[arg(long, hide_short_help = true)]
    pub(crate) no_provenance: bool,
}

/// Several captures.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct EachArgs {
    /// Each capture for itself: flows end with it, and the column `source` names it.
    #[arg(long, hide_short_help = true)]
    each: bool,
    /// Captures that are read at a time with `--each`; 0: as many as threads.
    #[arg(long, value_name = "COUNT", requires = "each", hide_short_help = true)]
    jobs: Option<String>,
}

impl ExtractArgs {
    /// What the command line says, for the settings.
    fn overrides(&self) -> Vec<(Key, String)> {
        let mut flags: Vec<(Key, String)> = [
            (Key::OutputFormat, &self.output.format),
            (Key::OutputCompression, &self.output.compression),
            (Key::CaptureJobs, &self.each.jobs),
        ]
        .into_iter()
        .filter_map(|(key, text)| Some((key, text.clone()?)))
        .collect();
        let switches = [
            (self.each.each, Key::CaptureEach, "true"),
            (self.output.no_provenance, Key::OutputProvenance, "false"),
        ];
        let said = switches.into_iter().filter(|&(said, ..)| said);
        flags.extend(said.map(|(_, key, value)| (key, value.to_owned())));
        flags.extend(self.input.overrides());
        flags.extend(self.extraction.overrides());
        flags
    }
}

/// Runs the whole road.
pub(crate) fn run(args: &ExtractArgs, global: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let started = Instant::now();
    let settings =
        Settings::load(global.config.as_deref(), environment::variables(), &args.overrides())?;
    let each = settings.switch(Key::CaptureEach);
    let extraction = Extraction::new(&settings, selection::of_settings(&settings)?)?;
    let mut extraction = if each { extraction.with_source()? } else { extraction };
    let schema = Arc::clone(extraction.schema());
    let options = ReadOptions {
        sha256: provenance::path(&args.output.output, &settings).is_some(),
        ..inputs::options_of(&settings)
    };
    let reader = reading::open_as(&args.input, options.clone())?;
    output.detail(&format!("settings hash {}", settings.rows_hash()));
    let (files, threads) = (reader.info().files.len(), extraction.plan.threads);
    output.detail(&format!("{files} files, {threads} threads"));

    let path = &args.output.output;
    for beside in [&args.output.report, &args.output.summary].into_iter().flatten() {
        report::check_target(beside, args.output.force)?;
    }
    let made_by = rows_out::provenance(&settings, args.input.names());
    let (mut sink, unfinished) =
        rows_out::create(path, args.output.force, schema, &settings, made_by, output)?;
    let mut figures = FlowFigures::default();
    let take = |rows: RecordBatch| {
        if args.output.report.is_some() {
            figures.add(&rows, flows::protocols_of(&rows));
        }
        Ok(sink.write(&rows)?)
    };
    let count = args.extraction.count();
    let (summary, finished) = if each {
        let jobs = settings.number(Key::CaptureJobs) as usize;
        let how = EachPlan { options, count, jobs };
        each::run(&mut extraction, reader.info(), &how, output, take)?
    } else {
        let mut reading = Reading::new(reader, count, global.progress, output);
        let summary = extraction.run(&mut reading, take)?;
        (summary, reading.finish()?)
    };
    let written = sink.finish()?;
    drop(unfinished);

    let run = Run {
        settings: &settings,
        schema: extraction.schema(),
        captures: finished.info(),
        summary: &summary,
        labels: extraction.labels(),
        written,
    };
    provenance::write(path, run)?;
    tell(args, run, &figures, output)?;
    summary::done(output, started.elapsed(), &summary.ingest);
    Ok(finished.report(output))
}

/// The summary for people, and the files that were asked for beside the rows.
fn tell(args: &ExtractArgs, run: Run<'_>, figures: &FlowFigures, output: &Output) -> Result<()> {
    let (path, ingest) = (&args.output.output, &run.summary.ingest);
    summary::read(output, run.captures, ingest);
    summary::drops(output, ingest);
    summary::flows(output, &run.summary.table);
    labels::tell(run.labels, output);
    let columns = run.schema.fields().len();
    summary::wrote(output, path, run.written.rows, columns, Some(run.written.bytes));
    if let Some(path) = &args.output.report {
        let page = flows::report(figures, run.captures, ingest);
        report::write(&page, path)?;
        summary::line(output, "report", Tone::Strong, &path.display().to_string());
    }
    if let Some(path) = &args.output.summary {
        accounts::write(run.summary, run.labels, path)?;
    }
    Ok(())
}
