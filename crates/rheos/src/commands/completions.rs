//! `rheos completions`.

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::ExitStatus;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  rheos completions bash > ~/.local/share/bash-completion/completions/rheos
  rheos completions zsh > ~/.zfunc/_rheos
  rheos completions fish > ~/.config/fish/completions/rheos.fish";

/// Arguments of `rheos completions`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// Which shell.
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(args: &CompletionsArgs, output: &Output) -> Result<ExitStatus> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "rheos", &mut script);
    output.data(&String::from_utf8_lossy(&script))?;
    Ok(ExitStatus::Done)
}
