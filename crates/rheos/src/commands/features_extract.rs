//! `rheos features extract`: captures in, one row per flow out.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use rheos_core::units::Count;
use rheos_features::{Summary, pipeline, table};

use crate::accounts;
use crate::cli::GlobalArgs;
use crate::config::Settings;
use crate::config::keys::{CHECKSUM_WORDS, COMPRESSION_WORDS, FORMAT_WORDS, Key, TUNNEL_WORDS};
use crate::environment;
use crate::exit::ExitStatus;
use crate::extract_plan;
use crate::inputs::InputArgs;
use crate::output::{Output, Tone};
use crate::privacy::{self, PrivacyArgs, Veil};
use crate::reading::{self, Reading};
use crate::report::{self, flows, flows::FlowFigures};
use crate::rows_out;
use crate::selection::{self, SelectionArgs};
use crate::summary;

const EXAMPLES: &str = "\
Examples:
  rheos features extract capture.pcap -o flows.parquet
  tcpdump -w - | rheos features extract - --groups flow_meta,timing | head
  rheos features extract captures/ -f 'tcp port 443' --idle-timeout 30s --format jsonl

Rows do not depend on the number of threads, nor on how a capture is stored or compressed. A damaged
capture gives all rows up to the damage and exit code 1.";

/// Arguments of `rheos features extract`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ExtractArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) packets: PacketArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) flow: FlowArgs,
    #[command(flatten)]
    pub(crate) privacy: PrivacyArgs,
}

/// Which packets.
#[derive(Debug, Args)]
#[command(next_help_heading = "Packets")]
pub(crate) struct PacketArgs {
    /// Only packets that match this expression, such as `tcp port 443 and not net 10.0.0.0/8`.
    #[arg(short, long, value_name = "EXPR")]
    pub(crate) filter: Option<String>,
    /// Stop after this many packets.
    #[arg(short = 'n', long, value_name = "COUNT")]
    pub(crate) count: Option<Count>,
    /// Which packet keys a flow in a tunnel.
    #[arg(long, value_name = "LAYER", value_parser = TUNNEL_WORDS.to_vec())]
    pub(crate) tunnels: Option<String>,
    /// What to do with wrong checksums.
    #[arg(long, value_name = "POLICY", value_parser = CHECKSUM_WORDS.to_vec())]
    pub(crate) checksums: Option<String>,
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

/// What a flow is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Flows")]
pub(crate) struct FlowArgs {
    /// A flow without a packet for this long has ended.
    #[arg(long, value_name = "SPAN")]
    idle_timeout: Option<String>,
    /// A flow that lasts this long is cut; 0: never.
    #[arg(long, value_name = "SPAN")]
    active_timeout: Option<String>,
    /// How long a closed TCP flow waits for its tail packets.
    #[arg(long, value_name = "SPAN", hide_short_help = true)]
    tcp_linger: Option<String>,
    /// Most flows held at once.
    #[arg(long, value_name = "COUNT", hide_short_help = true)]
    max_flows: Option<String>,
    /// Whether packets of different VLANs are different flows.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_short_help = true)]
    key_vlan: Option<String>,
    /// Whether packets of different tunnels are different flows.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_short_help = true)]
    key_tunnel: Option<String>,
    /// How many first packets the sequence columns hold.
    #[arg(long, value_name = "COUNT", hide_short_help = true)]
    sequence_packets: Option<String>,
    /// Threads that follow flows; 0: one per core.
    #[arg(long, value_name = "COUNT")]
    threads: Option<String>,
    /// Seed of the flow tables' hash.
    #[arg(long, value_name = "NUMBER", hide_short_help = true)]
    seed: Option<String>,
}

impl ExtractArgs {
    /// What the command line says, for the settings.
    fn overrides(&self) -> Vec<(Key, String)> {
        let flow = &self.flow;
        let mut flags: Vec<(Key, String)> = [
            (Key::FlowIdleTimeout, &flow.idle_timeout),
            (Key::FlowActiveTimeout, &flow.active_timeout),
            (Key::FlowTcpLinger, &flow.tcp_linger),
            (Key::FlowFlowsMax, &flow.max_flows),
            (Key::DecodeTunnels, &self.packets.tunnels),
            (Key::DecodeChecksums, &self.packets.checksums),
            (Key::FlowKeyVlan, &flow.key_vlan),
            (Key::FlowKeyTunnel, &flow.key_tunnel),
            (Key::FeaturesSequencePackets, &flow.sequence_packets),
            (Key::FlowThreads, &flow.threads),
            (Key::FlowSeed, &flow.seed),
            (Key::DecodeFilter, &self.packets.filter),
            (Key::OutputFormat, &self.output.format),
            (Key::OutputCompression, &self.output.compression),
        ]
        .into_iter()
        .filter_map(|(key, text)| Some((key, text.clone()?)))
        .collect();
        flags.extend(self.input.overrides());
        flags.extend(self.selection.overrides());
        flags.extend(self.privacy.overrides());
        flags
    }
}

/// Runs the whole road.
pub(crate) fn run(args: &ExtractArgs, global: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let started = Instant::now();
    let settings =
        Settings::load(global.config.as_deref(), environment::variables(), &args.overrides())?;
    let selection = privacy::of_selection(selection::of_settings(&settings)?, &settings)?;
    let schema = table::arrow_schema(selection.columns());
    let columns = schema.fields().len();
    let mut plan = extract_plan::of_settings(&settings, selection)?;
    let mut veil = Veil::new(&settings, &mut plan)?;
    let reader = reading::open(&args.input, &settings)?;
    output.detail(&format!("settings hash {}", settings.rows_hash()));
    output.detail(&format!("{} files, {} threads", reader.info().files.len(), plan.threads));
    let count = args.packets.count.map(|Count(n)| n);
    let mut reading = Reading::new(reader, count, global.progress, output);

    let path = &args.output.output;
    for beside in [&args.output.report, &args.output.summary].into_iter().flatten() {
        report::refuse_existing(beside, args.output.force)?;
    }
    let made_by = rows_out::provenance(&settings, args.input.names());
    let (mut sink, unfinished) =
        rows_out::create(path, args.output.force, schema, &settings, made_by, output)?;
    let mut figures = FlowFigures::default();
    let summary = pipeline::run(
        &plan,
        || Ok::<_, rheos_sink::Error>(reading.next_batch()),
        |rows| {
            let rows = veil.over(rows);
            if args.output.report.is_some() {
                figures.add(&rows, flows::protocols_of(&rows));
            }
            sink.write(&rows)
        },
    );
    let summary: Summary = summary.map_err(extract_plan::run_error)?;
    let finished = reading.finish()?;
    let written = sink.finish()?;
    drop(unfinished);

    let ingest = &summary.ingest;
    summary::read(output, finished.info(), ingest);
    summary::drops(output, ingest);
    summary::flows(output, &summary.table);
    summary::wrote(output, path, written.rows, columns, Some(written.bytes));
    if let Some(path) = &args.output.report {
        let page = flows::report(&figures, finished.info(), ingest);
        report::write(&page, path)?;
        summary::line(output, "report", Tone::Strong, &path.display().to_string());
    }
    if let Some(path) = &args.output.summary {
        accounts::write(&summary, path)?;
    }
    summary::done(output, started.elapsed(), ingest);
    Ok(finished.report(output))
}
