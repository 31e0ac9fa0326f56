//! The `rheos` binary: the definition of the command line, and the glue between the crates below it.
//!
//! Each command is one file under `commands/`; what commands share has a file by its topic.

mod accounts;
mod analysis;
mod anomalies;
mod capture_out;
mod cli;
mod collect_order;
mod collected;
mod commands;
mod config;
mod data_progress;
mod each;
mod environment;
mod examples;
mod exit;
mod extract_plan;
mod extraction;
mod failure;
mod filter;
mod fit_config;
mod flow_capture;
mod flow_file;
mod flow_input;
mod flow_makers;
mod flow_narrow;
mod flow_packets;
mod flow_plan;
mod flow_rotation;
mod flow_rows;
mod flow_sources;
mod flow_table;
mod graph_out;
mod inputs;
mod interrupt;
mod labels;
mod output;
mod port_rows;
mod privacy;
mod progress;
mod provenance;
mod reading;
mod report;
mod result_out;
#[cfg(feature = "sql")]
mod row_table;
mod rows_out;
mod selection;
mod summary;
mod table;
mod threads;
mod usage;
mod watch_folder;
mod whole_file;

use std::process::ExitCode;

use clap::Parser;
use rheos_sink::read::READER_THREAD;

use crate::cli::Cli;
use crate::output::Output;

fn main() -> ExitCode {
    quiet_about_damaged_rows();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::report(&error).into(),
    };
    let output = Output::new(cli.global.color, cli.global.verbosity());
    let status = match interrupt::install() {
        Ok(()) => commands::run(cli, &output),
        Err(error) => Err(error),
    };
    match status {
        Ok(status) => status,
        Err(error) => failure::report(&output, &error),
    }
    .into()
}

/// Decoders that panic over damaged files do so on a thread of their own, and what that means is told as an error.
fn quiet_about_damaged_rows() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(READER_THREAD) {
            before(panic);
        }
    }));
}
