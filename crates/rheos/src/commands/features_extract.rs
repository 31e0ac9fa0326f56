//! `rheos features extract`: captures in, one row per flow out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use crate::accounts;
use crate::cli::GlobalArgs;
use crate::config::Settings;
use crate::config::keys::{COMPRESSION_WORDS, FORMAT_WORDS, Key};
use crate::environment;
use crate::exit::ExitStatus;
use crate::extraction::{Extraction, ExtractionArgs};
use crate::inputs::InputArgs;
use crate::labels;
use crate::output::{Output, Tone};
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

Labels are rows with any of the columns src_ip, dst_ip (addresses or prefixes), src_port, dst_port, protocol,
start and end (seconds or RFC 3339; flows that overlap the span match); every other column is joined. The
label that fixes the most bits of the five-tuple wins, then the first one.

Rows do not depend on the number of threads, nor on how a capture is stored or compressed. A damaged
capture gives all rows up to the damage and exit code 1.";

/// Arguments of `rheos features extract`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ExtractArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
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
}

impl ExtractArgs {
    /// What the command line says, for the settings.
    fn overrides(&self) -> Vec<(Key, String)> {
        let mut flags: Vec<(Key, String)> = [
            (Key::OutputFormat, &self.output.format),
            (Key::OutputCompression, &self.output.compression),
        ]
        .into_iter()
        .filter_map(|(key, text)| Some((key, text.clone()?)))
        .collect();
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
    let mut extraction = Extraction::new(&settings, selection::of_settings(&settings)?)?;
    let schema = Arc::clone(extraction.schema());
    let columns = schema.fields().len();
    let reader = reading::open(&args.input, &settings)?;
    output.detail(&format!("settings hash {}", settings.rows_hash()));
    let (files, threads) = (reader.info().files.len(), extraction.plan.threads);
    output.detail(&format!("{files} files, {threads} threads"));
    let mut reading = Reading::new(reader, args.extraction.count(), global.progress, output);

    let path = &args.output.output;
    for beside in [&args.output.report, &args.output.summary].into_iter().flatten() {
        report::refuse_existing(beside, args.output.force)?;
    }
    let made_by = rows_out::provenance(&settings, args.input.names());
    let (mut sink, unfinished) =
        rows_out::create(path, args.output.force, schema, &settings, made_by, output)?;
    let mut figures = FlowFigures::default();
    let summary = extraction.run(&mut reading, |rows| {
        if args.output.report.is_some() {
            figures.add(&rows, flows::protocols_of(&rows));
        }
        Ok(sink.write(&rows)?)
    })?;
    let finished = reading.finish()?;
    let written = sink.finish()?;
    drop(unfinished);

    let ingest = &summary.ingest;
    summary::read(output, finished.info(), ingest);
    summary::drops(output, ingest);
    summary::flows(output, &summary.table);
    labels::tell(extraction.labels(), output);
    summary::wrote(output, path, written.rows, columns, Some(written.bytes));
    if let Some(path) = &args.output.report {
        let page = flows::report(&figures, finished.info(), ingest);
        report::write(&page, path)?;
        summary::line(output, "report", Tone::Strong, &path.display().to_string());
    }
    if let Some(path) = &args.output.summary {
        accounts::write(&summary, extraction.labels(), path)?;
    }
    summary::done(output, started.elapsed(), ingest);
    Ok(finished.report(output))
}
