//! One file per command: its arguments, its help and what it does.

pub(crate) mod completions;
pub(crate) mod config_check;
pub(crate) mod config_init;
pub(crate) mod config_show;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod features_describe;
pub(crate) mod features_extract;
pub(crate) mod features_graph;
pub(crate) mod features_list;
pub(crate) mod features_profiles;
pub(crate) mod features_schema;
pub(crate) mod features_validate;
pub(crate) mod features_watch;
pub(crate) mod flows_aggregate;
pub(crate) mod flows_analyze;
pub(crate) mod flows_collect;
pub(crate) mod flows_compare;
pub(crate) mod flows_filter;
pub(crate) mod flows_port;
pub(crate) mod flows_query;
pub(crate) mod gen_fit;
pub(crate) mod gen_flows;
pub(crate) mod gen_packets;
pub(crate) mod man;
pub(crate) mod pcap_analyze;
pub(crate) mod pcap_info;
pub(crate) mod pcap_merge;
pub(crate) mod pcap_slice;
pub(crate) mod reference;

use anyhow::Result;

use crate::cli::{
    Cli, Command, ConfigCommand, FeaturesCommand, FlowsCommand, GenCommand, PcapCommand,
    ProfilesCommand,
};
use crate::exit::ExitStatus;
use crate::output::Output;

/// Runs the command.
pub(crate) fn run(cli: Cli, output: &Output) -> Result<ExitStatus> {
    let global = &cli.global;
    match cli.command {
        Command::Demo(args) => demo::run(&args, output),
        Command::Gen(GenCommand::Flows(args)) => gen_flows::run(&args, global, output),
        Command::Gen(GenCommand::Packets(args)) => gen_packets::run(&args, global, output),
        Command::Gen(GenCommand::Fit(args)) => gen_fit::run(&args, global, output),
        Command::Pcap(PcapCommand::Info(args)) => pcap_info::run(&args, global, output),
        Command::Pcap(PcapCommand::Analyze(args)) => pcap_analyze::run(&args, global, output),
        Command::Pcap(PcapCommand::Slice(args)) => pcap_slice::run(&args, global, output),
        Command::Pcap(PcapCommand::Merge(args)) => pcap_merge::run(&args, global, output),
        Command::Features(FeaturesCommand::Extract(args)) => {
            features_extract::run(&args, global, output)
        }
        Command::Features(FeaturesCommand::Graph(args)) => {
            features_graph::run(&args, global, output)
        }
        Command::Features(FeaturesCommand::Watch(args)) => {
            features_watch::run(&args, global, output)
        }
        Command::Features(FeaturesCommand::Validate(args)) => {
            features_validate::run(&args, global, output)
        }
        Command::Features(FeaturesCommand::List(args)) => features_list::run(&args, output),
        Command::Features(FeaturesCommand::Describe(args)) => features_describe::run(&args, output),
        Command::Features(FeaturesCommand::Profiles(ProfilesCommand::List(args))) => {
            features_profiles::list(&args, output)
        }
        Command::Features(FeaturesCommand::Profiles(ProfilesCommand::Show(args))) => {
            features_profiles::show(&args, output)
        }
        Command::Features(FeaturesCommand::Schema(args)) => {
            features_schema::run(&args, global, output)
        }
        Command::Flows(FlowsCommand::Filter(args)) => flows_filter::run(&args, global, output),
        Command::Flows(FlowsCommand::Analyze(args)) => flows_analyze::run(&args, global, output),
        Command::Flows(FlowsCommand::Collect(args)) => flows_collect::run(&args, global, output),
        Command::Flows(FlowsCommand::Compare(args)) => flows_compare::run(&args, global, output),
        Command::Flows(FlowsCommand::Port(args)) => flows_port::run(&args, global, output),
        Command::Flows(FlowsCommand::Query(args)) => flows_query::run(&args, global, output),
        Command::Flows(FlowsCommand::Aggregate(args)) => {
            flows_aggregate::run(&args, global, output)
        }
        Command::Doctor(args) => doctor::run(&args, output),
        Command::Config(ConfigCommand::Init(args)) => config_init::run(&args, output),
        Command::Config(ConfigCommand::Check(args)) => config_check::run(&args, output),
        Command::Config(ConfigCommand::Show(args)) => config_show::run(&args, global, output),
        Command::Completions(args) => completions::run(&args, output),
        Command::Man(args) => man::run(&args, output),
        Command::Reference(args) => reference::run(&args, output),
    }
}
