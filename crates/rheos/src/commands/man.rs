//! `rheos man`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Command, CommandFactory};

use crate::cli::Cli;
use crate::exit::ExitStatus;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  rheos man | man -l -
  rheos man ~/.local/share/man/man1
  rheos man ./man1 && man ./man1/rheos-features-extract.1";

/// Arguments of `rheos man`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ManArgs {
    /// Write one page per command into this folder instead of printing the first.
    dir: Option<PathBuf>,
}

/// Prints or writes the pages.
pub(crate) fn run(args: &ManArgs, output: &Output) -> Result<ExitStatus> {
    let mut root = Cli::command();
    root.build();
    let Some(dir) = &args.dir else {
        output.data(&page(&root)?)?;
        return Ok(ExitStatus::Done);
    };
    fs::create_dir_all(dir)
        .with_context(|| format!("cannot make the folder `{}`", dir.display()))?;
    let mut pages = 0;
    write(&root, dir, &mut pages)?;
    output.talk(&format!("wrote {pages} pages to {}", dir.display()));
    Ok(ExitStatus::Done)
}

fn write(command: &Command, dir: &Path, pages: &mut usize) -> Result<()> {
    let path = dir.join(format!("{}.1", command.get_display_name().unwrap_or("rheos")));
    fs::write(&path, page(command)?)
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    *pages += 1;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        write(sub, dir, pages)?;
    }
    Ok(())
}

fn page(command: &Command) -> Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
