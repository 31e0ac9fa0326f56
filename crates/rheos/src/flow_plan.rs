//! Which flow records are wanted: the flags of `rheos gen flows` over a configuration file or the defaults.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use rheos_core::units::{BitRate, Bytes, Count, Percent};
use rheos_core::{Nanos, Timestamp};
use rheos_gen::flows::{FlowConfig, FlowRate, Pattern, Rate, Subnets, Variables};

use crate::failure::Misuse;

/// Records where nothing says how many.
const COUNT: u64 = 1000;

/// Flags that say which records are made.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Traffic")]
pub(crate) struct FlowPlanArgs {
    /// A configuration file (YAML, JSON or TOML); the flags below change single values of it.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// A value for `${NAME}` in the configuration; may be given several times.
    #[arg(long = "var", value_name = "NAME=VALUE", requires = "plan", hide_short_help = true)]
    variables: Vec<String>,
    /// Kinds of traffic with their percentages: `web_traffic=70,dns_traffic=30`.
    #[arg(long, value_name = "KIND=PERCENT,...", value_delimiter = ',')]
    patterns: Vec<String>,
    /// Subnets of clients, IPv4 or IPv6, with percentages or without: `10.0.0.0/8=70,192.168.0.0/16=30`.
    #[arg(long, value_name = "CIDR[=PERCENT],...", value_delimiter = ',')]
    sources: Vec<String>,
    /// Subnets of servers, like `--sources`.
    #[arg(long, value_name = "CIDR[=PERCENT],...", value_delimiter = ',')]
    destinations: Vec<String>,
    /// The clock goes so that the records' lengths come to this bandwidth: `40Gbps`.
    #[arg(long, value_name = "RATE", conflicts_with = "rate")]
    bandwidth: Option<BitRate>,
    /// The clock goes at so many records per second: `1.5M`.
    #[arg(long, value_name = "COUNT")]
    rate: Option<Count>,
    /// How many records.
    #[arg(short = 'n', long, value_name = "COUNT")]
    count: Option<Count>,
    /// Records of so much time, by their clock: `10s`.
    #[arg(long, value_name = "SPAN")]
    duration: Option<Nanos>,
    /// The moment of the first record: RFC 3339, seconds, or nanoseconds with `ns`.
    #[arg(long, value_name = "TIME")]
    start: Option<Timestamp>,
    /// Only records before this moment.
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    end: Option<Timestamp>,
    /// All randomness follows from it.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Goes into every record; streams of one seed differ by it.
    #[arg(long, value_name = "NUMBER", hide_short_help = true)]
    stream_id: Option<u32>,
    /// Lengths from MIN to MAX bytes.
    #[arg(long, value_name = "MIN-MAX", hide_short_help = true)]
    sizes: Option<String>,
    /// The mean of all lengths; without it each pattern has its own.
    #[arg(long, value_name = "BYTES", hide_short_help = true)]
    average_size: Option<Bytes>,
    /// Share of records that run from server to client.
    #[arg(long, value_name = "PERCENT")]
    reversed: Option<Percent>,
}

impl FlowPlanArgs {
    /// The configuration. `endless` is for outputs that need no end: they get one only if it was asked for.
    pub(crate) fn config(&self, endless: bool) -> Result<FlowConfig> {
        let mut config = self.loaded()?;
        if !self.patterns.is_empty() {
            config.patterns =
                self.patterns.iter().map(|text| pattern(text)).collect::<Result<_>>()?;
        }
        if !self.sources.is_empty() {
            config.sources = subnets("--sources", &self.sources)?;
        }
        if !self.destinations.is_empty() {
            config.destinations = subnets("--destinations", &self.destinations)?;
        }
        if let Some(bandwidth) = self.bandwidth {
            config.rate = Rate::Bandwidth(bandwidth);
        }
        if let Some(rate) = self.rate {
            let micros = rate.0.checked_mul(1_000_000).ok_or_else(|| {
                Misuse::new(
                    "`--rate` is more than a clock of nanoseconds can tell",
                    "write less than 10T",
                )
            })?;
            config.rate = Rate::Flows(FlowRate { micros });
        }
        config.max_flows = self.count.map(|count| count.0).or(config.max_flows);
        config.duration = self.duration.or(config.duration);
        config.start = self.start.unwrap_or(config.start);
        config.end = self.end.or(config.end);
        config.seed = self.seed.unwrap_or(config.seed);
        config.stream_id = self.stream_id.unwrap_or(config.stream_id);
        if let Some(sizes) = &self.sizes {
            (config.sizes.min, config.sizes.max) = range(sizes)?;
        }
        if let Some(average) = self.average_size {
            config.sizes.average = Some(u32::try_from(average.0).unwrap_or(u32::MAX));
        }
        if let Some(share) = self.reversed {
            config.reversed_share = share.percent() / 100.0;
        }
        let has_end =
            config.max_flows.is_some() || config.duration.is_some() || config.end.is_some();
        if !has_end && !endless {
            config.max_flows = Some(COUNT);
        }
        Ok(config)
    }

    fn loaded(&self) -> Result<FlowConfig> {
        let Some(path) = &self.plan else { return Ok(FlowConfig::default()) };
        Ok(FlowConfig::load(path, &variables_of(&self.variables)?)?)
    }
}

/// `web_traffic=70`.
fn pattern(text: &str) -> Result<(Pattern, f64)> {
    let (name, percent) = text.split_once(['=', ':']).ok_or_else(|| {
        Misuse::new(
            format!("`{text}` of `--patterns` has no percentage"),
            "write it like `web_traffic=70,dns_traffic=30`",
        )
    })?;
    let pattern: Pattern = name.parse().map_err(|unknown: rheos_gen::flows::UnknownPattern| {
        let names: Vec<&str> = Pattern::ALL.iter().map(|pattern| pattern.name()).collect();
        let near = unknown.nearest.map(|near| format!("did you mean `{near}`?"));
        let hint = near.unwrap_or_else(|| format!("there are {}", names.join(", ")));
        Misuse::new(format!("no pattern named `{name}`"), hint)
    })?;
    Ok((pattern, percentage("--patterns", text, percent)?))
}

/// `10.0.0.0/8` or `10.0.0.0/8=70`, all in one way.
fn subnets(flag: &str, texts: &[String]) -> Result<Subnets> {
    let mut list = Subnets::even([]);
    for text in texts {
        let (cidr, percent) =
            text.split_once('=').map_or((text.as_str(), None), |(c, p)| (c, Some(p)));
        let subnet = cidr.parse().map_err(|why: &str| {
            Misuse::new(
                format!("`{cidr}` of `{flag}` is no subnet: {why}"),
                "write it like `10.0.0.0/8` or `2001:db8::/32`",
            )
        })?;
        list.subnets.push(subnet);
        if let Some(percent) = percent {
            list.weights.push(percentage(flag, text, percent)?);
        }
    }
    Ok(list)
}

fn percentage(flag: &str, text: &str, percent: &str) -> Result<f64> {
    percent.trim_end_matches('%').parse().map_err(|_| {
        let message = format!("`{percent}` in `{text}` of `{flag}` is not a number");
        Misuse::new(message, "percentages are numbers from 0 to 100, and sum to 100").into()
    })
}

/// `64-1500`.
fn range(text: &str) -> Result<(u32, u32)> {
    let parts =
        text.split_once('-').and_then(|(min, max)| Some((min.parse().ok()?, max.parse().ok()?)));
    parts.ok_or_else(|| {
        Misuse::new(format!("`--sizes {text}` is not a range"), "write it like `--sizes 64-1500`")
            .into()
    })
}

/// The variables of `--var NAME=VALUE`.
pub(crate) fn variables_of(told: &[String]) -> Result<Variables> {
    let mut variables = Variables::default();
    for text in told {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Misuse::new(format!("`--var {text}` has no value"), "write it like `--var SITE=lab`")
        })?;
        variables.set(name, value);
    }
    Ok(variables)
}
