//! The command tree. Each command's arguments live beside the command.

use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Style};
use clap::{ArgAction, Args, Parser, Subcommand};

use crate::commands::{
    completions, config_check, config_init, config_show, demo, doctor, features_describe,
    features_extract, features_graph, features_list, features_profiles, features_schema,
    features_validate, features_watch, flows_aggregate, flows_analyze, flows_collect,
    flows_compare, flows_filter, flows_port, flows_query, gen_fit, gen_flows, gen_packets, man,
    pcap_analyze, pcap_info, pcap_merge, pcap_slice, reference,
};
use crate::output::ColorChoice;
use crate::progress::ProgressStyle;

const STYLES: Styles = Styles::styled()
    .header(Style::new().bold())
    .usage(Style::new().bold())
    .literal(AnsiColor::Cyan.on_default())
    .error(AnsiColor::Red.on_default().bold())
    .valid(AnsiColor::Cyan.on_default())
    .invalid(AnsiColor::Yellow.on_default());

const EXAMPLES: &str = "\
Examples:
  rheos features extract capture.pcap -o flows.parquet
  tcpdump -w - | rheos features extract - | head
  rheos features describe duration

Exit codes:
  0    done; also when the reader of a pipe had enough
  1    finished, but a check failed: a damaged capture, rows that differ, a failed `doctor` check
  2    wrong usage, wrong input or an unfit environment
  130  interrupted";

/// One toolkit for everything that flows on a network: read packets, make flows, rows and reports.
///
/// Data goes to standard output, talk to standard error; `-` is standard input or output.
#[derive(Debug, Parser)]
#[command(
    name = "rheos",
    bin_name = "rheos",
    version,
    long_version = long_version(),
    styles = STYLES,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = EXAMPLES,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Say less: errors only.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to use colour; `NO_COLOR` is respected.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_short_help = true,
        hide_possible_values = false
    )]
    pub(crate) color: ColorChoice,
    /// How to show progress, on standard error.
    #[arg(
        long,
        global = true,
        value_name = "STYLE",
        default_value = "auto",
        env = "RHEOS_PROGRESS",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub(crate) progress: ProgressStyle,
    /// Configuration file, YAML or TOML (`rheos config init` prints one).
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        env = "RHEOS_CONFIG",
        hide_env_values = true
    )]
    pub(crate) config: Option<PathBuf>,
}

impl GlobalArgs {
    /// -1 errors only, 0 summaries, 1 and more details.
    pub(crate) fn verbosity(&self) -> i8 {
        if self.quiet { -1 } else { i8::try_from(self.verbose).unwrap_or(i8::MAX) }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "parsed once")]
pub(crate) enum Command {
    /// See the whole tool work in a minute: no privileges, no network, no input.
    Demo(demo::DemoArgs),
    /// Make traffic.
    #[command(subcommand)]
    Gen(GenCommand),
    /// Look into capture files, cut and join them.
    #[command(subcommand)]
    Pcap(PcapCommand),
    /// Make, filter, group and analyse flow records and flow files.
    #[command(subcommand)]
    Flows(FlowsCommand),
    /// Flows as rows of typed features for machine learning.
    #[command(subcommand)]
    Features(FeaturesCommand),
    /// Look for what this machine lacks or slows down.
    Doctor(doctor::DoctorArgs),
    /// Make, check and explain the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the completion script of a shell.
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write all of them to a folder.
    Man(man::ManArgs),
    /// Write the reference pages to a folder.
    #[command(hide = true)]
    Reference(reference::ReferenceArgs),
}

/// `rheos gen`.
#[derive(Debug, Subcommand)]
pub(crate) enum GenCommand {
    /// Make flow records from a seed, into files or to a collector.
    Flows(gen_flows::FlowsArgs),
    /// Make whole conversations from a seed, as a capture.
    Packets(gen_packets::PacketsArgs),
    /// Learn from recorded flows a configuration that makes more like them.
    Fit(gen_fit::FitArgs),
}

/// `rheos pcap`.
#[derive(Debug, Subcommand)]
pub(crate) enum PcapCommand {
    /// Tell what captures hold: format, interfaces, times, losses.
    Info(pcap_info::InfoArgs),
    /// Count who talks to whom, in which protocols, how much and when.
    Analyze(pcap_analyze::AnalyzeArgs),
    /// Keep the packets that are wanted.
    Slice(pcap_slice::SliceArgs),
    /// Join captures in order of time.
    Merge(pcap_merge::MergeArgs),
}

/// `rheos flows`.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one value in a run")]
pub(crate) enum FlowsCommand {
    /// Make flows with their packets and bytes, and tell them or their ports.
    #[command(visible_alias = "flows")]
    Collect(flows_collect::CollectArgs),
    /// Keep the flows that match, in any format.
    Filter(flows_filter::FilterArgs),
    /// Group flows by anything and tell the groups with the most of anything.
    Aggregate(flows_aggregate::AggregateArgs),
    /// Tell what flows are like: protocols, services, talkers, sizes, concentration, traffic over time.
    Analyze(flows_analyze::AnalyzeArgs),
    /// Tell how alike two sets of flows are, or which rows only one of them has.
    Compare(flows_compare::CompareArgs),
    /// Count what each port sends and receives.
    Port(flows_port::PortArgs),
    /// Ask about flow files in SQL.
    Query(flows_query::QueryArgs),
}

/// `rheos features`.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one value in a run")]
pub(crate) enum FeaturesCommand {
    /// Turn captures into one row per flow.
    Extract(features_extract::ExtractArgs),
    /// Watch a folder and turn each capture that comes into it into a file of rows.
    Watch(features_watch::WatchArgs),
    /// Compare the rows of captures with expected ones.
    Validate(features_validate::ValidateArgs),
    /// List the columns.
    List(features_list::ListArgs),
    /// Explain one column or group.
    Describe(features_describe::DescribeArgs),
    /// Tell what profiles there are, and the columns of each.
    #[command(subcommand)]
    Profiles(ProfilesCommand),
    /// Print the schema of the rows that `extract` would write.
    Schema(features_schema::SchemaArgs),
    /// Tell who spoke to whom: degrees, centralities and communities, as a table and as a graph file.
    Graph(features_graph::GraphArgs),
}

/// `rheos features profiles`.
#[derive(Debug, Subcommand)]
pub(crate) enum ProfilesCommand {
    /// List the profiles: ours, and those with the columns of other tools.
    List(features_profiles::ListArgs),
    /// Show the columns of a profile; of another tool's also what they are made of and what is missing.
    Show(features_profiles::ShowArgs),
}

/// `rheos config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a configuration file with every key, its default and its meaning.
    Init(config_init::InitArgs),
    /// Check a configuration file.
    Check(config_check::CheckArgs),
    /// Show the settings in force.
    Show(config_show::ShowArgs),
}

/// Version, target and what was compiled in.
fn long_version() -> String {
    format!(
        "{}\ntarget: {}-{}\nbuild: {}\nformats: csv, jsonl, parquet, arrow; captures: pcap, pcapng; compressed: gzip, zstd, lz4",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS,
        if cfg!(debug_assertions) { "debug" } else { "release" },
    )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }
}
