//! Which flows `rheos flows collect` makes: the older statistics tool's flags over a configuration or the tool's own.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use rheos_core::units::{BitRate, Count, UnitError, human};
use rheos_core::{Timestamp, WideRecord};
use rheos_gen::flows::{FlowConfig, FlowTotals, Pattern, Rate, Sizes, Subnet, Subnets};

use crate::cli::GlobalArgs;
use crate::data_progress::{DataProgress, DataProgressStyle, Reached};
use crate::failure::Misuse;
use crate::flow_plan::variables_of;
use crate::output::{Output, Tone};
use crate::summary;
use crate::threads::threads;

/// Flows of each stream where nothing says how many.
const FLOWS_PER_STREAM: u64 = 10_000;
/// Flows that are made at once.
const BATCH: usize = 32 << 10;

/// Flags that say which flows are made.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Flows")]
pub(crate) struct CollectedArgs {
    /// Streams that the flows are of, 1 to 100; the flows are the same for any number.
    #[arg(
        short = 'n',
        long = "num-threads",
        value_name = "COUNT",
        default_value = "10",
        value_parser = clap::value_parser!(u32).range(1..=100)
    )]
    streams: u32,
    /// Flows of each stream; 10 000 if nothing says how many.
    #[arg(short, long, value_name = "COUNT")]
    flows_per_thread: Option<Count>,
    /// Flows of all streams together, in place of `--flows-per-thread`.
    #[arg(short, long, value_name = "COUNT")]
    total_flows: Option<Count>,
    /// A generator's configuration (YAML, JSON or TOML); without it: 10 Gbit/s of web, DNS, database and other flows.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A value for `${NAME}` in the configuration; may be given several times.
    #[arg(long = "var", value_name = "NAME=VALUE", hide_short_help = true)]
    variables: Vec<String>,
    /// The moment of the first flow: nanoseconds since 1970, or RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    start_timestamp: Option<Timestamp>,
    /// Flows up to this moment, however many there are; 0 for none such.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    end_timestamp: Option<Timestamp>,
    /// All randomness follows from it.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Show no progress.
    #[arg(long, conflicts_with = "progress_style")]
    no_progress: bool,
    /// How to show progress; without it, a bar if standard error is a terminal.
    #[arg(long, value_name = "STYLE")]
    progress_style: Option<DataProgressStyle>,
}

/// The older tool's nanoseconds, or as moments are told everywhere else.
fn moment(text: &str) -> Result<Timestamp, UnitError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { format!("{text}ns").parse() } else { text.parse() }
}

/// The fixed configuration of the older tool.
fn older() -> FlowConfig {
    let net = |a, b, length| Subnet::new([a, b, 0, 0].into(), length);
    FlowConfig {
        stream_id: 1,
        rate: Rate::Bandwidth(BitRate(10_000_000_000)),
        patterns: vec![
            (Pattern::Web, 40.0),
            (Pattern::Dns, 20.0),
            (Pattern::Database, 20.0),
            (Pattern::Random, 20.0),
        ],
        sources: Subnets::even([net(192, 168, 16), net(10, 10, 16)].into_iter().flatten()),
        destinations: Subnets::even([net(10, 100, 16), net(172, 16, 12)].into_iter().flatten()),
        sizes: Sizes { min: 64, max: 1500, average: Some(800) },
        ..FlowConfig::default()
    }
}

impl CollectedArgs {
    fn config(&self, output: &Output) -> Result<FlowConfig> {
        let mut config = match &self.config {
            // Settings of the program may be named by a variable of its own: they are no generator's.
            Some(path) if std::env::var_os("RHEOS_CONFIG").as_deref() != Some(path.as_os_str()) => {
                let config = FlowConfig::load(path, &variables_of(&self.variables)?)?;
                FlowConfig { stream_id: config.stream_id.max(1), ..config }
            }
            _ => older(),
        };
        config.start = self.start_timestamp.unwrap_or(config.start);
        config.seed = self.seed.unwrap_or(config.seed);
        let per_stream =
            self.flows_per_thread.map(|flows| flows.0.saturating_mul(self.streams.into()));
        let told = self.total_flows.map(|flows| flows.0).or(per_stream);
        if let Some(end) = self.end_timestamp.filter(|end| *end != Timestamp::ZERO) {
            if end <= config.start {
                let message = format!(
                    "`--end-timestamp` is {}, and the first flow is at {}",
                    human::rfc3339(end),
                    human::rfc3339(config.start)
                );
                return Err(Misuse::new(
                    message,
                    "give a later end, or an earlier `--start-timestamp`",
                )
                .into());
            }
            if told.is_some() {
                let label = output.paint_err(Tone::Warn, "warning:");
                output.talk(&format!("{label} `--end-timestamp` says how many flows there are"));
            }
            (config.max_flows, config.duration, config.end) = (None, None, Some(end));
        } else if let Some(flows) = told {
            if flows == 0 {
                return Err(Misuse::new("no flows were asked for", "ask for 1 at least").into());
            }
            (config.max_flows, config.duration, config.end) = (Some(flows), None, None);
        } else if config.max_flows.is_none() && config.duration.is_none() && config.end.is_none() {
            config.max_flows = Some(FLOWS_PER_STREAM * u64::from(self.streams));
        }
        Ok(config)
    }

    /// Everything that is made, and how to tell of it.
    pub(crate) fn open(&self, global: &GlobalArgs, output: &Output) -> Result<Collected> {
        let config = self.config(output)?;
        let totals = FlowTotals::new(&config, self.streams)?;
        let style =
            if self.no_progress { Some(DataProgressStyle::None) } else { self.progress_style };
        Ok(Collected {
            progress: DataProgress::new(style, global.progress, output),
            threads: threads(0).min(totals.streams() as usize),
            totals,
            seed: config.seed,
            reached: Reached::default(),
        })
    }
}

/// Flows that are being made.
pub(crate) struct Collected {
    totals: FlowTotals,
    threads: usize,
    seed: u64,
    progress: DataProgress,
    reached: Reached,
}

impl Collected {
    pub(crate) const fn totals(&self) -> &FlowTotals {
        &self.totals
    }

    /// All flows in order of time, batch by batch. `part` is the part of the whole work that this pass is, from the
    /// share of it that is done before.
    pub(crate) fn pass(
        &mut self,
        (from, to): (f64, f64),
        mut each: impl FnMut(&mut Self, u64, &[WideRecord]) -> Result<()>,
    ) -> Result<()> {
        let mut batch = vec![WideRecord::default(); BATCH];
        let mut index = 0;
        loop {
            let count = self.totals.fill(index, &mut batch, self.threads);
            let Some(made) = batch.get(..count).filter(|made| !made.is_empty()) else {
                return Ok(());
            };
            index += count as u64;
            self.reached.flows = index;
            self.reached.bytes += made.iter().map(|flow| flow.bytes).sum::<u64>();
            self.reached.now = Timestamp::from_nanos(made.last().map_or(0, |flow| flow.first));
            let plan = self.totals.plan();
            self.reached.span = plan.moment(index).since(plan.start());
            let whole = plan.moment(plan.bound()).since(plan.start());
            let share = self.reached.span.0 as f64 / (whole.0 as f64).max(1.0);
            self.reached.share = from + (to - from) * share.min(1.0);
            each(self, index - count as u64, made)?;
            self.progress.update(&self.reached);
        }
    }

    /// The flows with these indices, in this order.
    pub(crate) fn gather(&self, indices: &[u64], out: &mut Vec<WideRecord>) {
        out.clear();
        out.resize(indices.len(), WideRecord::default());
        let part = indices.len().div_ceil(self.threads).max(1);
        std::thread::scope(|scope| {
            for (indices, out) in indices.chunks(part).zip(out.chunks_mut(part)) {
                scope.spawn(move || {
                    for (&index, slot) in indices.iter().zip(out) {
                        self.totals.fill(index, std::slice::from_mut(slot), 1);
                    }
                });
            }
        });
    }

    /// So much of the whole work is done.
    pub(crate) fn done_share(&mut self, share: f64) {
        self.reached.share = share;
        self.progress.update(&self.reached);
    }

    /// Ends the progress and tells what was made, with the older tool's labels.
    pub(crate) fn tell(self, order: Option<&str>, output: &Output) {
        let Self { totals, seed, progress, reached, .. } = self;
        progress.finish(&reached);
        let (start, span) = (totals.plan().start(), reached.span);
        let line = |label: &str, text: &str| {
            let label = output.paint_err(Tone::Strong, &format!("{:<17}", format!("{label}:")));
            output.talk(&format!("{label} {text}"));
        };
        line("Threads", &totals.streams().to_string());
        line("Flows processed", &human::grouped(reached.flows).to_string());
        line("Total bytes", &human::grouped(reached.bytes).to_string());
        let rate = reached.bytes as f64 * 8.0 / span.as_secs_f64().max(1e-9);
        let range = format!(
            "{} to {}  ({})",
            human::rfc3339(start),
            human::rfc3339(reached.now),
            human::bit_rate(rate)
        );
        line("Timestamp range", &range);
        if let Some(order) = order {
            line("Sorted by", order);
        }
        line("Seed", &seed.to_string());
    }
}

/// ` done   in 0.1 s  1.2 M flows/s`.
pub(crate) fn done(flows: u64, elapsed: std::time::Duration, output: &Output) {
    summary::line(output, "done", Tone::Good, &summary::rate(flows, "flows", elapsed));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_numbers_are_the_older_tools_nanoseconds() {
        let start = Timestamp::from_secs(1_704_067_200);
        for text in ["1704067200000000000", "2024-01-01T00:00:00Z", "1704067200.0", "1704067200s"] {
            assert_eq!(moment(text), Ok(start), "{text}");
        }
        assert!(moment("").is_err() && moment("soon").is_err());
    }

    #[test]
    fn the_fixed_configuration_is_sound() {
        let totals = FlowTotals::new(&older(), 10);
        assert!(totals.is_ok_and(|made| made.plan().flows_per_second() > 1.0));
    }
}
