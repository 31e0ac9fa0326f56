//! `rheos completions`.

use anyhow::Result;
use clap::{Args, Command, CommandFactory};
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
    clap_complete::generate(args.shell, &mut visible(), "rheos", &mut script);
    output.data(&String::from_utf8_lossy(&script))?;
    Ok(ExitStatus::Done)
}

/// The tree without its hidden commands, which the generators would complete.
fn visible() -> Command {
    let root = Cli::command();
    let commands = root.get_subcommands().filter(|sub| !sub.is_hide_set()).cloned();
    Command::new("rheos")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .args(root.get_arguments().cloned())
        .subcommands(commands.collect::<Vec<_>>())
}
