//! `rheos gen fit`: a model of recorded traffic as a configuration of the generator.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use rheos_core::units::{Count, human};
use rheos_gen::flows::{FlowConfig, FlowGenerator, Format, Variables};
use rheos_query::analyze::{Comparison, Sample};
use rheos_query::fit::{FlowModel, FlowSample};
use rheos_query::read::{Watched, scan};
use rheos_query::{FlowBlock, FlowColumns};

use crate::cli::GlobalArgs;
use crate::exit::ExitStatus;
use crate::failure::Misuse;
use crate::fit_config;
use crate::flow_input::{self, FlowInputArgs};
use crate::output::{Output, Tone};
use crate::summary;

const EXAMPLES: &str = "\
Examples:
  rheos gen fit flows.parquet -o like-mine.yaml && rheos gen flows --plan like-mine.yaml -o made.parquet
  rheos gen fit monday.pcap tuesday.pcap -o office.yaml
  rheos gen fit nfcapd.202601011200 --filter 'src net 10.0.0.0/8' -o inside.yaml
  rheos flows compare flows.parquet made.parquet

What is learned: services by protocol and port with packets, lengths and gaps of either direction, networks of clients
and servers, how unequal hosts are, the share of answered requests, the rate, its bursts and its day. Addresses of
hosts are not kept, those of networks are.";

/// Records that are made to tell how alike they are.
const MADE: u64 = 200_000;

/// Arguments of `rheos gen fit`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct FitArgs {
    #[command(flatten)]
    input: FlowInputArgs,
    /// Look at this many records one by one, chosen by flow; counts are of all.
    #[arg(long, value_name = "COUNT", default_value = "1M", hide_short_help = true)]
    sample: Count,
    /// Seed of the configuration.
    #[arg(long, value_name = "NUMBER", default_value = "1", hide_short_help = true)]
    seed: u64,
    /// Where to write the configuration. `-` is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-", help_heading = "Output")]
    output: PathBuf,
    /// Overwrite an existing file.
    #[arg(long, help_heading = "Output")]
    force: bool,
}

/// What is gathered in one pass.
struct Seen {
    sample: FlowSample,
    compared: Sample,
}

/// Reads, learns, writes, and tells how alike generated records are.
pub(crate) fn run(args: &FitArgs, _: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let started = Instant::now();
    let is_stdout = args.output == Path::new("-");
    if !is_stdout {
        crate::report::check_target(&args.output, args.force)?;
    }
    let max = usize::try_from(args.sample.0).unwrap_or(usize::MAX);
    let state = || Seen { sample: FlowSample::new(max), compared: Sample::default() };
    let each = |seen: &mut Seen, block: FlowBlock| {
        seen.sample.add(&block);
        seen.compared.add(&block)
    };
    let needed = FlowSample::columns();
    let optional = Sample::columns() | FlowColumns::of(&[rheos_query::FlowColumn::Last]);
    let request = args.input.choice.request(needed, optional)?;
    let (states, stats) = scan(&args.input.files, &request, &Watched::default(), state, each)?;
    let mut whole = state();
    for part in states {
        whole.sample.merge(part.sample);
        whole.compared.merge(part.compared)?;
    }
    flow_input::tell(output, &args.input.files, &stats);
    let Some(model) = FlowModel::new(&whole.sample) else {
        return Err(Misuse::new(
            "there are no flows to learn from",
            "look at the input with `rheos flows analyze`, or widen the filter",
        )
        .into());
    };
    tell(output, &model);
    let text = fit_config::yaml(&model, args.seed, &named(&args.input.files));
    let config = FlowConfig::parse(&text, Format::Yaml, &Variables::default())
        .context("the model is no configuration that the generator takes")?;
    alike(output, &config, whole.compared)?;
    if is_stdout {
        output.data(&text)?;
    } else {
        crate::whole_file::write(&args.output, text.as_bytes())?;
        summary::line(output, "wrote", Tone::Good, &summary::shown(&args.output));
    }
    flow_input::done(output, &stats, started.elapsed());
    Ok(ExitStatus::Done)
}

/// The names of files without their folders, which are nobody's business.
fn named(files: &[PathBuf]) -> String {
    let name = |path: &PathBuf| match path.file_name() {
        Some(name) => name.to_string_lossy().replace(['\n', '\r'], " "),
        None => "standard input".to_owned(),
    };
    match files {
        [one] => name(one),
        [first, rest @ ..] => {
            format!("{} and {} more", name(first), summary::plural(rest.len() as u64, "file"))
        }
        [] => String::new(),
    }
}

fn tell(output: &Output, model: &FlowModel) {
    let services: Vec<String> = model
        .services
        .iter()
        .take(5)
        .map(|service| format!("{} {}", service.name, human::percent(service.share)))
        .collect();
    let more = model.services.len().saturating_sub(services.len());
    let more = if more > 0 { format!(", {more} more") } else { String::new() };
    summary::line(output, "talks", Tone::Strong, &format!("{}{more}", services.join(", ")));
    let text = format!(
        "{} answered, {} flows/s",
        human::percent(model.answered),
        human::grouped(model.flows_per_second().round() as u64)
    );
    summary::line(output, "flows", Tone::Strong, &text);
    for (side, networks) in [("clients", &model.clients), ("servers", &model.servers)] {
        let text = format!(
            "{} in {} of {} flows",
            summary::plural(networks.hosts, "host"),
            summary::plural(networks.networks.len() as u64, "network"),
            human::percent(networks.covered)
        );
        let tone = if networks.covered < 0.9 { Tone::Warn } else { Tone::Strong };
        summary::line(output, side, tone, &text);
    }
}

/// Makes records by the configuration and says how far they are from those that it was learned from.
fn alike(output: &Output, config: &FlowConfig, original: Sample) -> Result<()> {
    let plan = config.plan()?;
    let mut generator = FlowGenerator::new(plan);
    let mut made = Sample::default();
    let mut records = vec![rheos_core::WideRecord::default(); 4096];
    let mut left = MADE;
    while left > 0 {
        let count = generator.fill_wide(&mut records);
        let Some(some) = records.get(..count).filter(|some| !some.is_empty()) else { break };
        made.add(&FlowBlock::from_wide(some))?;
        left = left.saturating_sub(count as u64);
    }
    let comparison = Comparison::new(original, made)?;
    let fields = comparison.fields.iter().map(|field| {
        let distance = field.ks.unwrap_or(field.divergence);
        format!("{} {distance:.3}", field.field)
    });
    let text = format!(
        "{} (0 is the same, 1 has nothing in common)",
        fields.collect::<Vec<_>>().join(", ")
    );
    summary::line(output, "distance", Tone::Strong, &text);
    Ok(())
}
