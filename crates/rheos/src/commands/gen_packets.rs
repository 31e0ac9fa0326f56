//! `rheos gen packets`: whole conversations from a seed, as a capture.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use clap::builder::PossibleValuesParser;
use rheos_capture::info::Format;
use rheos_capture::{CaptureWriter, Written};
use rheos_core::units::{Count, Percent, human};
use rheos_core::{Frame, LinkType, Nanos};
use rheos_gen::packets::{
    Counters, FlowTruth, Mix, Plan, Preset, Scenario, ScenarioKind, SynthesisConfig, Synthesizer,
    TunnelChoice,
};

use crate::capture_out::{self, CaptureOutArgs};
use crate::cli::GlobalArgs;
use crate::exit::ExitStatus;
use crate::failure::Misuse;
use crate::output::{Output, Tone};
use crate::progress::Progress;
use crate::summary;

const EXAMPLES: &str = "\
Examples:
  rheos gen packets -o made.pcapng --seed 7 --conversations 10k
  rheos gen packets --preset web --loss 1% --reorder 0.5% | rheos features extract - | head
  rheos gen packets -o scan.pcap --scenario port_scan --truth scan.csv

The same seed and flags give the same bytes. In pcapng, packets of scenarios carry their label as a comment.";

/// Arguments of `rheos gen packets`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct PacketsArgs {
    /// What kind of network: `web`, `mixed`, `dns`, `iot` or `demo`.
    #[arg(long, value_name = "NAME", default_value = "mixed",
          value_parser = names(Preset::ALL.iter().map(|p| p.name())), help_heading = "Traffic")]
    preset: String,
    /// A file (YAML or TOML) with any field of the synthesis, instead of a preset.
    #[arg(long, value_name = "FILE", conflicts_with = "preset", help_heading = "Traffic")]
    plan: Option<PathBuf>,
    /// All randomness follows from it.
    #[arg(long, value_name = "NUMBER", help_heading = "Traffic")]
    seed: Option<u64>,
    /// How many background conversations.
    #[arg(long, value_name = "N", help_heading = "Traffic")]
    conversations: Option<Count>,
    /// The time over which conversations begin.
    #[arg(long, value_name = "SPAN", help_heading = "Traffic")]
    duration: Option<Nanos>,
    /// Stop after this many packets.
    #[arg(short = 'n', long, value_name = "N", help_heading = "Traffic")]
    count: Option<Count>,
    /// Weights of the kinds of conversation, the others get none: `http=3,dns=1`.
    #[arg(long, value_name = "KIND=WEIGHT,...", value_delimiter = ',', help_heading = "Traffic")]
    mix: Vec<String>,
    /// Share of conversations over IPv6.
    #[arg(long, value_name = "PERCENT", help_heading = "Traffic")]
    ipv6: Option<Percent>,
    /// VLAN ids that all clients are spread over.
    #[arg(long, value_name = "ID,...", value_delimiter = ',', help_heading = "Traffic",
          value_parser = clap::value_parser!(u16).range(1..4095))]
    vlan: Vec<u16>,
    /// Outer tag around every VLAN tag.
    #[arg(long, value_name = "ID", requires = "vlan", help_heading = "Traffic",
          value_parser = clap::value_parser!(u16).range(1..4095), hide_short_help = true)]
    qinq: Option<u16>,
    /// Encapsulations that conversations travel in.
    #[arg(long, value_name = "KIND,...", value_delimiter = ',', help_heading = "Traffic",
          value_parser = names(TUNNELS.iter().map(|t| t.0)))]
    tunnel: Vec<String>,
    /// Share of conversations in a tunnel.
    #[arg(
        long,
        value_name = "PERCENT",
        requires = "tunnel",
        help_heading = "Traffic",
        hide_short_help = true
    )]
    tunnel_share: Option<Percent>,
    /// A labelled anomaly beside the background; may be given several times.
    #[arg(long, value_name = "KIND", help_heading = "Traffic",
          value_parser = names(ScenarioKind::ALL.iter().map(|k| k.name())))]
    scenario: Vec<String>,
    #[command(flatten)]
    faults: FaultArgs,
    #[command(flatten)]
    out: CaptureOutArgs,
    /// Also write what each flow really was, as CSV: tuple, label, packets and bytes both ways.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    truth: Option<PathBuf>,
}

/// What goes wrong, in percent of the frames it can happen to.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Faults")]
struct FaultArgs {
    /// Packets lost on the way; TCP and questions are sent again.
    #[arg(long, value_name = "PERCENT")]
    loss: Option<Percent>,
    /// Packets that come late, behind others.
    #[arg(long, value_name = "PERCENT")]
    reorder: Option<Percent>,
    /// Packets that come twice.
    #[arg(long, value_name = "PERCENT")]
    duplicate: Option<Percent>,
    /// Packets captured only in part.
    #[arg(long, value_name = "PERCENT")]
    truncate: Option<Percent>,
    /// Packets with a wrong length field.
    #[arg(long, value_name = "PERCENT")]
    bad_length: Option<Percent>,
    /// Packets with a wrong checksum.
    #[arg(long, value_name = "PERCENT")]
    bad_checksum: Option<Percent>,
}

/// Encapsulations by name.
const TUNNELS: [(&str, TunnelChoice); 7] = [
    ("vxlan", TunnelChoice::Vxlan),
    ("geneve", TunnelChoice::Geneve),
    ("gre", TunnelChoice::Gre),
    ("ipip", TunnelChoice::Ipip),
    ("gtpu", TunnelChoice::Gtpu),
    ("erspan", TunnelChoice::Erspan),
    ("l2tp", TunnelChoice::L2tp),
];

fn names(names: impl Iterator<Item = &'static str>) -> PossibleValuesParser {
    PossibleValuesParser::new(names.collect::<Vec<_>>())
}

impl PacketsArgs {
    /// The preset or file with what the flags say laid over it.
    fn config(&self) -> Result<SynthesisConfig> {
        let mut config = match &self.plan {
            Some(path) => read_plan(path)?,
            None => Preset::named(&self.preset).unwrap_or_default().config(),
        };
        config.seed = self.seed.unwrap_or(config.seed);
        if let Some(count) = self.conversations {
            config.conversations = Some(count.0);
        }
        if let Some(span) = self.duration {
            config.duration_ms = span.0 / 1_000_000;
        }
        if !self.mix.is_empty() {
            config.mix = mix_of(&self.mix)?;
        }
        if let Some(share) = self.ipv6 {
            config.addresses.ipv6_percent = share.percent();
        }
        if !self.vlan.is_empty() {
            config.link.vlan_ids.clone_from(&self.vlan);
            config.link.vlan_percent = 100.0;
            config.link.qinq_outer = self.qinq;
        }
        if !self.tunnel.is_empty() {
            let chosen = |name: &String| TUNNELS.iter().find(|t| t.0 == name).map(|t| t.1);
            config.tunnel.kinds = self.tunnel.iter().filter_map(chosen).collect();
            config.tunnel.percent = self.tunnel_share.map_or(100.0, Percent::percent);
        }
        for name in &self.scenario {
            let kind = ScenarioKind::ALL.iter().find(|k| k.name() == name);
            config.scenarios.extend(kind.map(|&kind| Scenario::new(kind, config.duration_ms / 4)));
        }
        self.faults.lay_over(&mut config);
        Ok(config)
    }
}

impl FaultArgs {
    fn lay_over(self, config: &mut SynthesisConfig) {
        let faults = &mut config.faults;
        for (flag, field) in [
            (self.loss, &mut faults.loss_percent),
            (self.reorder, &mut faults.reorder_percent),
            (self.duplicate, &mut faults.duplicate_percent),
            (self.truncate, &mut faults.truncate_percent),
            (self.bad_length, &mut faults.bad_length_percent),
            (self.bad_checksum, &mut faults.bad_checksum_percent),
        ] {
            if let Some(share) = flag {
                *field = share.percent();
            }
        }
    }
}

/// Reads a synthesis from a file.
fn read_plan(path: &Path) -> Result<SynthesisConfig> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the plan `{}`", path.display()))?;
    let wrong = || format!("the plan `{}` is not understood", path.display());
    match path.extension().and_then(|e| e.to_str()) {
        Some("toml") => toml::from_str(&text).with_context(wrong),
        Some("yaml" | "yml") => serde_saphyr::from_str(&text).with_context(wrong),
        _ => Err(Misuse::new(
            format!("`{}` is neither YAML nor TOML by its name", path.display()),
            "name it `.yaml`, `.yml` or `.toml`",
        )
        .into()),
    }
}

/// `http=3,dns=1`, checked against the fields of [`Mix`].
fn mix_of(weights: &[String]) -> Result<Mix> {
    let known: Vec<String> = match serde_json::to_value(Mix::default())? {
        serde_json::Value::Object(fields) => fields.keys().cloned().collect(),
        _ => Vec::new(),
    };
    let mut fields = serde_json::Map::new();
    for text in weights {
        let (name, weight) = text.split_once('=').unwrap_or((text, "1"));
        let weight: u32 = weight.parse().map_err(|_| {
            Misuse::new(
                format!("the weight in `{text}` is not a whole number"),
                "write it like `http=3,dns=1`",
            )
        })?;
        if !known.iter().any(|k| k == name) {
            let near = rheos_core::suggest::nearest(name, known.iter().map(String::as_str));
            let hint = near.map_or_else(
                || format!("there are {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(Misuse::new(format!("no kind of conversation named `{name}`"), hint).into());
        }
        fields.insert(name.to_owned(), weight.into());
    }
    Ok(serde_json::from_value(serde_json::Value::Object(fields))?)
}

/// Checks a synthesis; the error carries its next step.
pub(crate) fn plan_of(config: &SynthesisConfig) -> Result<Plan> {
    config.plan().map_err(|error| Misuse::new(error.to_string(), error.hint()).into())
}

/// Makes, writes and tells.
pub(crate) fn run(args: &PacketsArgs, global: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let config = args.config()?;
    let plan = plan_of(&config)?;
    let mut truth =
        args.truth.as_deref().map(|p| TruthFile::create(p, args.out.force)).transpose()?;
    let (writer, _unfinished) = args.out.create(Format::Pcap)?;
    let mut progress = Progress::new(global.progress, output, None);
    let frames_max = args.count.map_or(u64::MAX, |count| count.0);
    let told = |counters: &Counters| progress.update(counters.wire_bytes, counters.frames);
    let made = match &mut truth {
        Some(file) => write(plan, writer, frames_max, Some(&mut |p, f| file.write(p, f)), told),
        None => write(plan, writer, frames_max, None, told),
    }?;
    progress.finish();
    let counters = &made.counters;
    let text = format!(
        "{}  {}  seed {}",
        summary::plural(counters.frames, "packet"),
        summary::plural(counters.conversations, "conversation"),
        config.seed
    );
    summary::line(output, "made", Tone::Strong, &text);
    if let Some(faults) = fault_words(counters) {
        summary::line(output, "faults", Tone::Warn, &faults);
    }
    capture_out::talk_of(&made.written, output);
    if let Some(file) = truth {
        let path = file.path.display().to_string();
        let text = format!("{path}  {}", summary::plural(file.finish()?, "flow"));
        summary::line(output, "truth", Tone::Strong, &text);
    }
    Ok(ExitStatus::Done)
}

fn fault_words(counters: &Counters) -> Option<String> {
    let words: Vec<String> = [
        (counters.lost, "lost"),
        (counters.reordered, "late"),
        (counters.duplicated, "doubled"),
        (counters.truncated, "cut"),
        (counters.bad_length, "with a wrong length"),
        (counters.bad_checksum, "with a wrong checksum"),
        (counters.held_full, "in time after all: too many were late"),
    ]
    .into_iter()
    .filter(|&(n, _)| n > 0)
    .map(|(n, what)| format!("{} {what}", human::grouped(n)))
    .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// What a run of [`write()`] made.
pub(crate) struct Made {
    pub(crate) counters: Counters,
    pub(crate) written: Written,
}

/// Takes the truth about flows that have ended.
pub(crate) type TakeTruth<'a> = &'a mut dyn FnMut(&Plan, &[FlowTruth]) -> Result<()>;

/// Frames made between two looks at progress and truth.
const FRAMES_AT_ONCE: u64 = 4096;

/// Writes the frames of `plan`, at most `frames_max`; the truth about them goes to `truth`.
pub(crate) fn write(
    plan: Plan,
    mut writer: CaptureWriter,
    frames_max: u64,
    mut truth: Option<TakeTruth<'_>>,
    mut told: impl FnMut(&Counters),
) -> Result<Made> {
    let mut made = Synthesizer::new(plan);
    if truth.is_some() {
        made = made.keeping_truth();
    }
    let mut bytes = Vec::new();
    let mut flows = Vec::new();
    let mut more = true;
    while more {
        let until = made.counters().frames.saturating_add(FRAMES_AT_ONCE).min(frames_max);
        while more && made.counters().frames < until {
            more = write_next(&mut made, &mut bytes, &mut writer)?;
        }
        more &= until < frames_max;
        told(made.counters());
        if let Some(take) = &mut truth {
            made.take_truth(&mut flows);
            take(made.plan(), &flows)?;
            flows.clear();
        }
    }
    Ok(Made { counters: *made.counters(), written: writer.finish()? })
}

/// Writes one frame, with the label of its scenario as a comment; `false` if there is none.
fn write_next(
    made: &mut Synthesizer,
    bytes: &mut Vec<u8>,
    writer: &mut CaptureWriter,
) -> Result<bool> {
    let Some(info) = made.next_into(bytes) else { return Ok(false) };
    let frame =
        Frame { ts: info.ts, wire_len: info.wire_len, link: LinkType::ETHERNET, data: bytes };
    let label = made.plan().labels().get(usize::from(info.label.0));
    let comment = label.filter(|label| label.anomaly).map(|label| label.name.as_str());
    writer.write_commented(&frame, comment)?;
    Ok(true)
}

/// The ground truth as CSV, a line per flow, in order of their ends.
pub(crate) struct TruthFile {
    path: PathBuf,
    file: BufWriter<File>,
    flows: u64,
}

impl TruthFile {
    const HEADER: &str = "label,anomaly,src_ip,dst_ip,src_port,dst_port,protocol,first_ns,last_ns,\
        packets_fwd,packets_bwd,bytes_fwd,bytes_bwd,payload_bytes_fwd,payload_bytes_bwd";

    /// Begins the file; replaces one that exists only with `force`.
    pub(crate) fn create(path: &Path, force: bool) -> Result<Self> {
        let cannot = || format!("cannot write `{}`", path.display());
        if path.exists() && !force {
            return Err(Misuse::new(
                format!("`{}` exists", path.display()),
                "`--force` overwrites it, or choose another name",
            )
            .into());
        }
        let mut file = BufWriter::new(File::create(path).with_context(cannot)?);
        writeln!(file, "{}", Self::HEADER).with_context(cannot)?;
        Ok(Self { path: path.to_owned(), file, flows: 0 })
    }

    /// A line for each of `flows`.
    pub(crate) fn write(&mut self, plan: &Plan, flows: &[FlowTruth]) -> Result<()> {
        self.flows += flows.len() as u64;
        for flow in flows {
            self.line(plan, flow)
                .with_context(|| format!("cannot write `{}`", self.path.display()))?;
        }
        Ok(())
    }

    fn line(&mut self, plan: &Plan, flow: &FlowTruth) -> std::io::Result<()> {
        let label = plan.labels().get(usize::from(flow.label.0));
        let [fwd, bwd] = &flow.directions;
        writeln!(
            self.file,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            plan.label(flow.label),
            label.is_some_and(|label| label.anomaly),
            flow.tuple.src_ip(),
            flow.tuple.dst_ip(),
            flow.tuple.src_port,
            flow.tuple.dst_port,
            flow.tuple.protocol,
            flow.first.as_nanos(),
            flow.last.as_nanos(),
            fwd.packets,
            bwd.packets,
            fwd.ip_bytes,
            bwd.ip_bytes,
            fwd.payload_bytes,
            bwd.payload_bytes,
        )
    }

    /// Writes what is left; returns how many flows there are.
    pub(crate) fn finish(mut self) -> Result<u64> {
        self.file.flush().with_context(|| format!("cannot write `{}`", self.path.display()))?;
        Ok(self.flows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_read_and_unknown_kinds_get_a_suggestion() {
        let words = |text: &str| text.split(',').map(ToOwned::to_owned).collect::<Vec<_>>();
        let mix = mix_of(&words("http=3,dns")).expect("known kinds");
        assert_eq!((mix.http, mix.dns, mix.tls), (3, 1, 0));
        let error = mix_of(&words("htpp=3")).expect_err("a typing mistake");
        assert_eq!(error.to_string(), "no kind of conversation named `htpp`");
        assert!(mix_of(&words("http=many")).is_err());
    }
}
