//! `rheos demo`: the whole road in one run, on traffic that it makes itself. No privileges, no network, no input.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use arrow_array::RecordBatch;
use clap::Args;
use rheos_capture::{CaptureReader, CaptureWriter, Input, ReadOptions, Source, WriteOptions};
use rheos_core::units::human;
use rheos_features::pipeline::{self, Summary};
use rheos_features::{ExtractConfig, FeatureConfig, table as feature_table};
use rheos_flow::Ingest;
use rheos_flow::aggregate::{Groups, RankBy};
use rheos_gen::{Plan, Preset, SynthesisConfig};
use rheos_sink::{Format, Sink, SinkOptions, Target};

use super::gen_packets::{self, TruthFile};
use crate::analysis::Analysis;
use crate::anomalies::{self, FlowId};
use crate::exit::ExitStatus;
use crate::failure::Misuse;
use crate::output::{Output, Tone};
use crate::report::flows::FlowFigures;
use crate::report::{self, Block, Report, Section, traffic};
use crate::summary::plural;
use crate::table::Table;
use crate::threads::threads;

const EXAMPLES: &str = "\
Examples:
  rheos demo
  rheos demo -o tour --seed 7
  rheos demo -q && ls rheos-demo";

/// Arguments of `rheos demo`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct DemoArgs {
    /// Folder for the capture, the rows and the report.
    #[arg(short, long, value_name = "DIR", default_value = "rheos-demo")]
    output: PathBuf,
    /// All traffic follows from it.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

/// What the tour leaves behind.
const CAPTURE: &str = "capture.pcapng";
const TRUTH: &str = "truth.csv";
const ROWS: &str = "flows.parquet";
const REPORT: &str = "report.html";

/// Rows and groups that are shown.
const SHOWN: usize = 5;

/// The tour, station by station.
pub(crate) fn run(args: &DemoArgs, output: &Output) -> Result<ExitStatus> {
    let started = Instant::now();
    let folder = args.output.as_path();
    prepare(folder)?;
    let say = |text: &str| output.data(text).context("cannot write to standard output");

    say("From packets to feature rows, on traffic made here and now.\n")?;
    let config = SynthesisConfig { seed: args.seed, ..Preset::Demo.config() };
    say(&station(output, 1, "make", "conversations of an office, a port scan and a SYN flood"))?;
    let (made, labels) = make(gen_packets::plan_of(&config)?, folder)?;
    say(&made)?;

    say(&station(output, 2, "read", "decode every packet, count protocols and talkers"))?;
    let (ingest, analysis) = read(folder)?;
    say(&format!("\n{}", analysis.protocols().aligned(output)))?;
    for (heading, table) in analysis.tops(SHOWN, RankBy::IpBytes).into_iter().take(1) {
        say(&format!("\n{heading}\n{}", table.aligned(output)))?;
    }

    say(&station(output, 3, "extract", "packets to flows, flows to rows of typed columns"))?;
    let (rows, summary) = extract(folder)?;
    say(&extracted(&rows, &summary, folder))?;

    say(&station(output, 4, "find", "the anomalies as the columns show them"))?;
    let kinds = anomalies::by_kind(&rows, &labels);
    say(&format!("\n{}", kinds.aligned(output)))?;
    say(&format!("\nfive rows, six of {} columns\n", columns(&rows)))?;
    say(&anomalies::sample(&rows, &labels, SHOWN).aligned(output))?;

    write_report(folder, &analysis, &ingest, &rows, &labels, kinds)?;
    say(&station(output, 5, "look", "everything is in the folder"))?;
    say(&farewell(folder, started, output))?;
    Ok(ExitStatus::Done)
}

/// `\n2  read     decode ...`
fn station(output: &Output, number: u8, verb: &str, what: &str) -> String {
    let verb = output.paint_out(Tone::Strong, &format!("{verb:<8}"));
    format!("\n{number}  {verb} {what}\n")
}

/// Makes the folder. One that holds anything but an earlier tour is left alone.
fn prepare(folder: &Path) -> Result<()> {
    let cannot = || format!("cannot make the folder `{}`", folder.display());
    if folder.exists() {
        for entry in folder.read_dir().with_context(cannot)? {
            let name = entry.with_context(cannot)?.file_name();
            if ![CAPTURE, TRUTH, ROWS, REPORT].iter().any(|own| name == *own) {
                return Err(Misuse::new(
                    format!("`{}` holds files that are not the demo's", folder.display()),
                    "name another folder with `-o`",
                )
                .into());
            }
        }
    }
    std::fs::create_dir_all(folder).with_context(cannot)
}

/// The labels of the flows that are no background.
type Labels = HashMap<FlowId, String>;

/// Station 1: the capture and its ground truth.
fn make(plan: Plan, folder: &Path) -> Result<(String, Labels)> {
    let mut labels = Labels::new();
    let mut truth = TruthFile::create(&folder.join(TRUTH), true)?;
    let options = WriteOptions { force: true, ..WriteOptions::default() };
    let writer = CaptureWriter::create(folder.join(CAPTURE), &options)?;
    let mut take = |plan: &Plan, flows: &[rheos_gen::FlowTruth]| {
        for flow in flows {
            let label = plan.labels().get(usize::from(flow.label.0));
            if let Some(label) = label.filter(|label| label.anomaly) {
                labels.insert(FlowId::of(&flow.tuple), label.name.clone());
            }
        }
        truth.write(plan, flows)
    };
    let made = gen_packets::write(plan, writer, u64::MAX, Some(&mut take), |_| ())?;
    truth.finish()?;
    let text = format!(
        "   {}  {} of {}, {}\n",
        folder.join(CAPTURE).display(),
        plural(made.counters.frames, "packet"),
        plural(made.counters.conversations, "conversation"),
        human::bytes(made.written.file_bytes)
    );
    Ok((text, labels))
}

/// Station 2: every packet counted.
fn read(folder: &Path) -> Result<(Ingest, Analysis)> {
    let mut reader = open(folder)?;
    let mut ingest = Ingest::default();
    let mut analysis = Analysis::new(None, Groups::GROUPS_MAX);
    while let Some(batch) = reader.next_batch()? {
        ingest.batch(&batch, |packet, _| analysis.add(packet));
    }
    ingest.finish();
    Ok((ingest, analysis))
}

fn open(folder: &Path) -> Result<CaptureReader> {
    Ok(CaptureReader::open([Input::from_arg(folder.join(CAPTURE))], ReadOptions::default())?)
}

/// Station 3: rows into Parquet, and kept for the rest of the tour.
fn extract(folder: &Path) -> Result<(Vec<RecordBatch>, Summary)> {
    let mut reader = open(folder)?;
    let features = FeatureConfig::default();
    let schema = feature_table::arrow_schema(features.selection.columns());
    let options = SinkOptions { force: true, ..SinkOptions::new(Format::Parquet) };
    let mut sink = Sink::create(&Target::parse(folder.join(ROWS)), schema.into(), options)?;
    let config = ExtractConfig { features, threads: threads(0), ..ExtractConfig::default() };
    let mut rows = Vec::new();
    let summary = pipeline::run::<anyhow::Error>(
        &config,
        || Ok(reader.next_batch()?),
        |batch| {
            sink.write(&batch)?;
            rows.push(batch);
            Ok(())
        },
    )
    .map_err(crate::extract_plan::run_error)?;
    sink.finish()?;
    Ok((rows, summary))
}

fn columns(rows: &[RecordBatch]) -> usize {
    rows.first().map_or(0, RecordBatch::num_columns)
}

fn extracted(rows: &[RecordBatch], summary: &Summary, folder: &Path) -> String {
    format!(
        "   {}  {} x {}, {} of {} packets dropped\n",
        folder.join(ROWS).display(),
        plural(summary.rows, "flow"),
        plural(columns(rows) as u64, "column"),
        human::grouped(summary.ingest.drops.total()),
        human::grouped(summary.ingest.frames)
    )
}

/// Station 5's page.
fn write_report(
    folder: &Path,
    analysis: &Analysis,
    ingest: &Ingest,
    rows: &[RecordBatch],
    labels: &Labels,
    kinds: Table,
) -> Result<()> {
    let mut figures = FlowFigures::default();
    for batch in rows {
        let kinds = anomalies::kinds(batch, labels);
        figures.add(batch, |row| kinds[row].to_owned());
    }
    let mut sections =
        vec![traffic::overview(analysis, &ingest.counters), traffic::protocols(analysis)];
    sections.push(Section {
        heading: "Anomalies".to_owned(),
        note: "The labels come from the maker of the traffic; every other column from the packets alone."
            .to_owned(),
        blocks: vec![Block::Table(kinds.into())],
    });
    sections.extend(figures.sections());
    let page = Report {
        title: "Rheos demo".to_owned(),
        subtitle: "A minute of made traffic with a port scan and a SYN flood".to_owned(),
        sections,
    };
    report::write(&page, &folder.join(REPORT))
}

/// The next three commands.
fn farewell(folder: &Path, started: Instant, output: &Output) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    let nanos = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let mut text = format!(
        "   {}, with plots: open it in a browser\n\ndone in {}. Try next:\n",
        at(REPORT),
        human::duration(rheos_core::Nanos(nanos))
    );
    for command in [
        format!("rheos features extract {} -f 'tcp port 443' | head -3", at(CAPTURE)),
        format!("rheos pcap analyze {} --by dst,dport --rank packets", at(CAPTURE)),
        "rheos features describe tcp_complete_handshake".to_owned(),
    ] {
        text.push_str(&format!("  {}\n", output.paint_out(Tone::Literal, &command)));
    }
    text
}
