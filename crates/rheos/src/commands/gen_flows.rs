//! `rheos gen flows`: flow records from a seed, into files or to a collector.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use rheos_core::units::{BitRate, Bytes, Count, human};
use rheos_core::{Nanos, Timestamp, WideRecord};
use rheos_gen::flows::{
    AttackTally, FlowConfig, FlowGenerator, FlowPlan, PacketSampler, TruthFormat,
};
use rheos_gen::send::{FlowSender, Pace, Reach, SendError, SystemClock, UdpWire};
use rheos_wire::export::{ExportConfig, Protocol, Refused};

use crate::cli::GlobalArgs;
use crate::exit::ExitStatus;
use crate::failure::Misuse;
use crate::flow_capture::{self, EXPORTERS_MAX, Told};
use crate::flow_file::{FileOptions, MadeFormat, Records};
use crate::flow_makers::Makers;
use crate::flow_plan::FlowPlanArgs;
use crate::flow_rotation::{FlowFiles, RotationArgs};
use crate::output::{Output, Tone};
use crate::threads::threads;
use crate::{report, summary, whole_file};

const EXAMPLES: &str = "\
Examples:
  rheos gen flows -n 5
  rheos gen flows --plan examples/flows/example_config.yaml -o flows.parquet
  rheos gen flows --bandwidth 40Gbps --duration 10s --patterns web_traffic=70,dns_traffic=30 -o flows.csv.gz
  rheos gen flows -n 1M --to 127.0.0.1:2055 --protocol netflow9 --pace 100k
  rheos gen flows --plan examples/flows/attacks.yaml -o flows.parquet --truth truth.csv
  rheos gen flows -n 10k -o packets.pcap
  rheos gen flows -n 10k -o exports.pcap --protocol netflow5

The same seed and flags give the same bytes, on any number of threads. Time is the records' own: nothing waits, but
for `--pace`.";

/// How often `--watch-config` looks whether the configuration has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Arguments of `rheos gen flows`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct FlowsArgs {
    #[command(flatten)]
    plan: FlowPlanArgs,
    /// Leave out the first records; costs nothing.
    #[arg(long, value_name = "COUNT", help_heading = "Traffic", hide_short_help = true)]
    skip: Option<Count>,
    /// Read the configuration again when its file has changed; a wrong one is told and not taken.
    #[arg(long, requires = "plan", help_heading = "Traffic", hide_short_help = true)]
    watch_config: bool,
    /// Where to write; the name tells the format. `-` is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-", help_heading = "Output")]
    output: PathBuf,
    /// How to write it, if the name does not tell.
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    format: Option<MadeFormat>,
    /// Leave the header line of CSV out.
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    no_header: bool,
    /// Packets of one record in a capture at most; what is cut is told.
    #[arg(
        long,
        value_name = "COUNT",
        default_value = "1000",
        help_heading = "Output",
        hide_short_help = true
    )]
    packets_per_flow: Count,
    /// Also write what was made of each attack: label, name, type, times, counts, who and whom; as CSV, or as JSON
    /// Lines by name.
    #[arg(long, value_name = "FILE", help_heading = "Output", conflicts_with = "watch_config")]
    truth: Option<PathBuf>,
    /// Overwrite files that exist.
    #[arg(long, help_heading = "Output")]
    force: bool,
    #[command(flatten)]
    rotation: RotationArgs,
    #[command(flatten)]
    send: SendArgs,
    /// Threads that make records ahead of the one that writes; 0: all. 1 makes them where they are written.
    #[arg(long, value_name = "COUNT", default_value = "1")]
    threads: usize,
}

/// Flags of records that are sent.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Export")]
struct SendArgs {
    /// Send to a collector instead: `127.0.0.1:4739`.
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["output", "format"])]
    to: Option<String>,
    /// What exporters speak, IPFIX by default; captures hold their datagrams then.
    #[arg(long, value_name = "NAME")]
    protocol: Option<ProtocolName>,
    /// Records per second that are sent; as fast as it goes without.
    #[arg(long, value_name = "COUNT", requires = "to")]
    pace: Option<Count>,
    /// Bandwidth of what is sent, instead of `--pace`.
    #[arg(
        long,
        value_name = "RATE",
        requires = "to",
        conflicts_with = "pace",
        hide_short_help = true
    )]
    pace_bandwidth: Option<BitRate>,
    /// Send to other machines, too: collectors take made records for real ones.
    #[arg(long, requires = "to")]
    allow_remote: bool,
    /// Observation domain or source id; the stream's number without.
    #[arg(long, value_name = "NUMBER", hide_short_help = true)]
    domain: Option<u32>,
    /// Bytes of a datagram or message at most.
    #[arg(long, value_name = "BYTES", default_value = "1452", hide_short_help = true)]
    datagram_size: Bytes,
    /// Two records that are the directions of one flow, one behind the other, become one (RFC 5103); IPFIX only.
    #[arg(long, hide_short_help = true)]
    biflow: bool,
    /// Exporters that tell the records of a capture in turn, 1 to 250.
    #[arg(
        long,
        value_name = "COUNT",
        default_value = "1",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(EXPORTERS_MAX)),
        conflicts_with = "to",
        hide_short_help = true
    )]
    exporters: u32,
    /// Count one packet in so many only, and tell the collector so, which multiplies by it.
    #[arg(long, value_name = "COUNT", default_value = "1", hide_short_help = true)]
    sampling: u32,
}

/// A protocol as it is written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProtocolName {
    /// NetFlow version 5: IPv4 only.
    Netflow5,
    /// NetFlow version 9 (RFC 3954).
    Netflow9,
    /// IPFIX (RFC 7011).
    Ipfix,
    /// sFlow version 5: samples of packets.
    Sflow,
}

impl ProtocolName {
    const fn protocol(self) -> Protocol {
        match self {
            Self::Netflow5 => Protocol::NetFlow5,
            Self::Netflow9 => Protocol::NetFlow9,
            Self::Ipfix => Protocol::Ipfix,
            Self::Sflow => Protocol::Sflow5,
        }
    }
}

impl SendArgs {
    fn export(&self, config: &FlowConfig) -> ExportConfig {
        ExportConfig {
            protocol: self.protocol.map_or(Protocol::Ipfix, ProtocolName::protocol),
            biflows: self.biflow,
            domain: self.domain.unwrap_or(config.stream_id),
            datagram_len_max: usize::try_from(self.datagram_size.0).unwrap_or(usize::MAX),
            sampling: self.sampling,
            // A start before the first record, so that uptimes can tell it.
            boot: Some(config.start - Nanos::from_secs(3600)),
            ..ExportConfig::default()
        }
    }

    /// Whether the flags of exporters have a meaning in this format.
    fn fit(&self, format: MadeFormat) -> Result<()> {
        let told =
            self.protocol.is_some() || self.biflow || self.exporters > 1 || self.sampling > 1;
        match (format, self.protocol) {
            (MadeFormat::Pcap | MadeFormat::Pcapng, None) if told => Err(Misuse::new(
                "a capture of the records' packets has no exporters",
                "give `--protocol` for the datagrams that tell the records",
            )
            .into()),
            (MadeFormat::Pcap | MadeFormat::Pcapng, _) => Ok(()),
            (MadeFormat::Ipfix, None | Some(ProtocolName::Ipfix)) if self.exporters == 1 => Ok(()),
            (MadeFormat::Ipfix, _) => Err(Misuse::new(
                "a file of IPFIX messages is one exporter's, and of no other protocol",
                "write a capture of the datagrams: `-o exports.pcap`",
            )
            .into()),
            _ if told => Err(Misuse::new(
                "this format has nothing of exporters in it",
                "write a capture of the datagrams (`-o exports.pcap`), or send them with `--to`",
            )
            .into()),
            _ => Ok(()),
        }
    }

    fn target(to: &str) -> Result<SocketAddr> {
        let mut found = to.to_socket_addrs().with_context(|| {
            Misuse::new(
                format!("`{to}` is no collector's address"),
                "write it like `127.0.0.1:4739`",
            )
        })?;
        let none =
            || Misuse::new(format!("`{to}` has no address"), "write it like `127.0.0.1:4739`");
        Ok(found.next().ok_or_else(none)?)
    }

    fn pace(&self) -> Pace {
        match (self.pace, self.pace_bandwidth) {
            (Some(count), _) => Pace::RecordsPerSec(count.0),
            (None, Some(rate)) => Pace::BitsPerSec(rate.0),
            (None, None) => Pace::Unlimited,
        }
    }
}

/// Where records go.
enum Outlet {
    Files(Box<FlowFiles>),
    Collector(Box<FlowSender<UdpWire, SystemClock>>),
}

/// What a router counts of the records, if it samples.
struct Sampled {
    sampler: Option<PacketSampler>,
    counted: Vec<WideRecord>,
}

impl Sampled {
    /// sFlow's exporters sample themselves: nothing else is told by it.
    fn new(args: &SendArgs) -> Self {
        let samples = args.sampling > 1 && args.protocol != Some(ProtocolName::Sflow);
        let sampler = samples.then(|| PacketSampler::new(args.sampling));
        Self { sampler, counted: Vec::new() }
    }

    fn of<'a>(&'a mut self, batch: Records<'a>) -> Records<'a> {
        let Some(sampler) = &mut self.sampler else { return batch };
        self.counted.clear();
        match batch {
            Records::Narrow(records) => {
                let wide = records.iter().map(WideRecord::from);
                self.counted.extend(wide.filter_map(|record| sampler.sample(&record)));
            }
            Records::Wide(records) => {
                self.counted.extend(records.iter().filter_map(|record| sampler.sample(record)));
            }
        }
        Records::Wide(&self.counted)
    }

    fn tell(&self, output: &Output) {
        if let Some(sampler) = &self.sampler {
            let text = format!(
                "1 in {}: {} of {}, of {}",
                sampler.every(),
                human::grouped(sampler.counted()),
                summary::plural(sampler.packets(), "packet"),
                summary::plural(sampler.records(), "record"),
            );
            summary::line(output, "sample", Tone::Strong, &text);
        }
    }
}

/// What was made.
struct Made {
    records: u64,
    octets: u64,
    last: Timestamp,
    attacks: AttackTally,
}

impl Made {
    fn new(plan: &FlowPlan) -> Self {
        let attacks = AttackTally::new(plan);
        Self { records: 0, octets: 0, last: Timestamp::ZERO, attacks }
    }

    fn add(&mut self, batch: Records<'_>) {
        self.records += batch.len() as u64;
        self.octets += batch.octets();
        self.last = batch.last();
        if let Records::Wide(records) = batch {
            self.attacks.add(records);
        }
    }
}

/// Writes what was made of each attack; the name tells the format.
fn write_truth(path: &Path, attacks: &AttackTally, output: &Output) -> Result<()> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let format = match ending.as_deref() {
        Some("jsonl" | "ndjson") => TruthFormat::JsonLines,
        _ => TruthFormat::Csv,
    };
    let mut text = Vec::new();
    attacks.write(format, &mut text)?;
    whole_file::write(path, &text)?;
    let records: u64 = attacks.sums().iter().map(|sums| sums.records).sum();
    let text = format!(
        "{}  {} of {}",
        path.display(),
        summary::plural(records, "record"),
        summary::plural(attacks.sums().len() as u64, "attack")
    );
    summary::line(output, "truth", Tone::Strong, &text);
    Ok(())
}

/// Makes, writes or sends, and tells.
pub(crate) fn run(args: &FlowsArgs, _: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let started = Instant::now();
    let endless = args.send.to.is_some() || (args.output == Path::new("-") && !output.stdout_tty);
    let config = args.plan.config(endless && args.plan.plan.is_some())?;
    let mut outlet = open(args, &config, output)?;
    if let Some(path) = &args.truth {
        report::check_target(path, args.force)?;
    }
    let mut source = Source::new(args, config)?;
    let mut made = Made::new(source.generator().plan());
    let mut sampled = Sampled::new(&args.send);
    loop {
        source.look(args, output)?;
        if !source.makers.advance()? {
            break;
        }
        let batch = source.makers.batch();
        made.add(batch);
        let batch = sampled.of(batch);
        match &mut outlet {
            Outlet::Files(files) => {
                let made = source.generator();
                let left = made.plan().count().map(|_| made.remaining());
                files.write(made.plan(), source.config.seed, batch, left)?;
            }
            Outlet::Collector(sender) => match batch {
                Records::Narrow(records) => sender.send(made.last, records)?,
                Records::Wide(records) => sender.send(made.last, records)?,
            },
        }
    }
    tell(&source, &made, output);
    sampled.tell(output);
    if let Some(path) = &args.truth {
        write_truth(path, &made.attacks, output)?;
    }
    match outlet {
        Outlet::Files(files) => {
            let files = files.finish(source.generator().plan(), source.config.seed)?;
            let lost = left_out(&files.told, output);
            let name = summary::shown_output(&args.output);
            let text = match files.count {
                1 => format!("{name}  {}", human::bytes(files.bytes)),
                n => format!("{}  {}", summary::plural(n, "file"), human::bytes(files.bytes)),
            };
            summary::line(output, "wrote", Tone::Strong, &text);
            done(made.records, started, output);
            Ok(if lost > 0 { ExitStatus::CheckFailed } else { ExitStatus::Done })
        }
        Outlet::Collector(mut sender) => {
            sender.flush()?;
            Ok(sent(&sender, started, output))
        }
    }
}

/// Tells what records are not in the files, and how many.
fn left_out(told: &Told, output: &Output) -> u64 {
    let refused: Vec<_> = told.refused.iter().filter(|(_, count)| *count > 0).collect();
    for (reason, count) in &refused {
        let text = format!("{}: {reason}", summary::plural(*count, "record"));
        summary::line(output, "refused", Tone::Warn, &text);
    }
    if told.cut > 0 {
        let text = format!("{} beyond `--packets-per-flow`", summary::plural(told.cut, "packet"));
        summary::line(output, "cut", Tone::Warn, &text);
    }
    if told.frames > 0 {
        summary::line(output, "frames", Tone::Strong, &human::grouped(told.frames).to_string());
    }
    refused.iter().map(|(_, count)| *count).sum()
}

fn open(args: &FlowsArgs, config: &FlowConfig, output: &Output) -> Result<Outlet> {
    let export = args.send.export(config);
    if let Some(to) = &args.send.to {
        let reach = if args.send.allow_remote { Reach::Anywhere } else { Reach::Loopback };
        let wire = UdpWire::connect(SendArgs::target(to)?, reach).map_err(|error| match error {
            SendError::Remote { .. } => Misuse::new(
                error.to_string(),
                "if its owner expects made records, `--allow-remote` sends them there",
            )
            .into(),
            other => anyhow::Error::from(other),
        })?;
        let sender = FlowSender::new(
            flow_capture::exporter(export)?,
            args.send.pace(),
            wire,
            SystemClock::start(),
        )?;
        return Ok(Outlet::Collector(Box::new(sender)));
    }
    let (format, compression) = MadeFormat::choose(args.format, &args.output)?;
    args.send.fit(format)?;
    if args.output == Path::new("-") && output.stdout_tty && !format.is_text() {
        return Err(Misuse::new(
            "bytes are not written to a terminal",
            "name a file with `-o`, or pipe the output into another program",
        )
        .into());
    }
    let header = !args.no_header;
    let options = FileOptions {
        format,
        compression,
        header,
        force: args.force,
        export,
        exported: args.send.protocol.is_some(),
        exporters: args.send.exporters,
        packets_max: args.packets_per_flow.0,
    };
    Ok(Outlet::Files(Box::new(FlowFiles::new(&args.output, options, args.rotation)?)))
}

/// The generator, and the file that it follows.
struct Source {
    config: FlowConfig,
    makers: Makers,
    changed: Option<SystemTime>,
    looked: Instant,
}

impl Source {
    fn new(args: &FlowsArgs, config: FlowConfig) -> Result<Self> {
        let mut made = FlowGenerator::new(config.plan()?);
        if let Some(skip) = args.skip {
            made.seek(skip.0);
        }
        let makers = Makers::new(made, threads(args.threads))?;
        Ok(Self { config, makers, changed: changed(args), looked: Instant::now() })
    }

    const fn generator(&self) -> &FlowGenerator {
        self.makers.generator()
    }

    /// Takes over a configuration that has changed, from the moment on that has been reached.
    fn look(&mut self, args: &FlowsArgs, output: &Output) -> Result<()> {
        if !args.watch_config || self.looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        self.looked = Instant::now();
        let now = changed(args);
        if now == self.changed {
            return Ok(());
        }
        self.changed = now;
        let path = args.plan.plan.as_deref().unwrap_or(Path::new(""));
        match self.taken_over(args) {
            Ok((config, made)) => {
                (self.config, self.makers) = (config, Makers::new(made, threads(args.threads))?);
                let text = format!("{}  read again", path.display());
                summary::line(output, "config", Tone::Strong, &text);
            }
            Err(error) => {
                output.complain(&format!("{} {error:#}", output.paint_err(Tone::Warn, "warning:")));
                output.complain("going on with the configuration as it was");
            }
        }
        Ok(())
    }

    fn taken_over(&self, args: &FlowsArgs) -> Result<(FlowConfig, FlowGenerator)> {
        let (config, made) = self.next(args)?;
        if args.send.to.is_none() && !self.is_like(&made) {
            bail!(
                "{}: its records have other columns or labels than the file that was begun; start anew for this one",
                args.plan.plan.as_deref().unwrap_or(Path::new("")).display()
            );
        }
        Ok((config, made))
    }

    /// Whether records of another generator may follow in the same file.
    fn is_like(&self, next: &FlowGenerator) -> bool {
        let made = self.generator();
        made.is_narrow() == next.is_narrow() && made.plan().labels().eq(next.plan().labels())
    }

    /// What the configuration makes now, from the moment on that has been reached.
    fn next(&self, args: &FlowsArgs) -> Result<(FlowConfig, FlowGenerator)> {
        let mut config = args.plan.config(true)?;
        let made = self.generator();
        let (index, reached) = (made.index(), made.stats().current);
        if !config.attacks.is_empty() || !config.timing.schedule.is_empty() {
            // What is told from the start on keeps its times: going on in the row does it.
            let from = config.plan()?.index_at(reached);
            let left = |max: u64| from.saturating_add(max.saturating_sub(index).max(1));
            config.max_flows = config.max_flows.map(left);
            let mut made = FlowGenerator::new(config.plan()?);
            made.seek(from);
            return Ok((config, made));
        }
        // What was made counts against the limits of the new one.
        config.max_flows = config.max_flows.map(|max| max.saturating_sub(index).max(1));
        let gone = reached.since(config.start);
        config.duration = config.duration.map(|span| Nanos(span.0.saturating_sub(gone.0).max(1)));
        config.start = reached;
        let made = FlowGenerator::new(config.plan()?);
        Ok((config, made))
    }
}

fn changed(args: &FlowsArgs) -> Option<SystemTime> {
    std::fs::metadata(args.plan.plan.as_ref()?).and_then(|file| file.modified()).ok()
}

fn tell(source: &Source, made: &Made, output: &Output) {
    let span = made.last.since(source.config.start);
    let mut text = format!(
        "{}  {} of traffic  {}",
        summary::plural(made.records, "record"),
        human::bytes(made.octets),
        human::duration(span),
    );
    if span.0 > 0 {
        let bits = made.octets as f64 * 8.0 / span.as_secs_f64();
        text.push_str(&format!("  {}", human::bit_rate(bits)));
    }
    text.push_str(&format!("  seed {}", source.config.seed));
    summary::line(output, "made", Tone::Strong, &text);
}

fn done(records: u64, started: Instant, output: &Output) {
    let text = summary::rate(records, "records", started.elapsed());
    summary::line(output, "done", Tone::Good, &text);
}

/// Tells what was sent; dropped datagrams are a failure.
fn sent(
    sender: &FlowSender<UdpWire, SystemClock>,
    started: Instant,
    output: &Output,
) -> ExitStatus {
    let (counters, exported) = (sender.counters(), sender.exporter().counters());
    let text = format!(
        "{} to {}  {}  {}  {}",
        sender.exporter().protocol().name(),
        sender.wire().target(),
        summary::plural(counters.records, "record"),
        summary::plural(counters.datagrams, "datagram"),
        human::bytes(counters.bytes)
    );
    summary::line(output, "sent", Tone::Strong, &text);
    let mut lost = 0;
    for reason in Refused::ALL {
        let refused = exported.refused(reason);
        lost += refused;
        if refused > 0 {
            let text = format!("{} {}", human::grouped(refused), reason.label());
            summary::line(output, "refused", Tone::Warn, &text);
        }
    }
    if counters.dropped > 0 {
        let text = format!(
            "{} with {}",
            summary::plural(counters.dropped, "datagram"),
            summary::plural(counters.dropped_records, "record")
        );
        summary::line(output, "drops", Tone::Warn, &text);
    }
    done(counters.records, started, output);
    if lost + counters.dropped > 0 { ExitStatus::CheckFailed } else { ExitStatus::Done }
}
