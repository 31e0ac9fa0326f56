//! One file per command: its arguments, its help and what it does.

pub(crate) mod completions;
pub(crate) mod config_check;
pub(crate) mod config_init;
pub(crate) mod config_show;
pub(crate) mod doctor;
pub(crate) mod man;

use anyhow::Result;

use crate::cli::{Cli, Command, ConfigCommand};
use crate::exit::ExitStatus;
use crate::output::Output;

/// Runs the command.
pub(crate) fn run(cli: Cli, output: &Output) -> Result<ExitStatus> {
    let global = &cli.global;
    match cli.command {
        Command::Doctor(args) => doctor::run(&args, output),
        Command::Config(ConfigCommand::Init(args)) => config_init::run(&args, output),
        Command::Config(ConfigCommand::Check(args)) => config_check::run(&args, output),
        Command::Config(ConfigCommand::Show(args)) => config_show::run(&args, global, output),
        Command::Completions(args) => completions::run(&args, output),
        Command::Man(args) => man::run(&args, output),
    }
}
