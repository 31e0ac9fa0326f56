//! `rheos config check`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::config::file;
use crate::config::{Origin, Settings};
use crate::exit::ExitStatus;
use crate::output::{Output, Tone};

const EXAMPLES: &str = "\
Examples:
  rheos config check rheos.yaml
  rheos config check rheos.toml && rheos features extract -c rheos.toml capture.pcap
  rheos config init > rheos.yaml && rheos config check rheos.yaml";

/// Arguments of `rheos config check`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// The file.
    file: PathBuf,
}

/// Reads the file and says how many keys it sets.
pub(crate) fn run(args: &CheckArgs, output: &Output) -> Result<ExitStatus> {
    let keys = file::read(&args.file)?.len();
    // The environment has its own mistakes; this is about the file.
    let settings = Settings::load(Some(&args.file), [], &[])?;
    let changed = settings
        .iter()
        .filter(|(info, setting)| {
            matches!(setting.origin, Origin::File { .. })
                && info.kind.parse(info.default).as_ref() != Ok(&setting.value)
        })
        .count();
    let good = output.paint_err(Tone::Good, "ok");
    output.talk(&format!(
        "{good}  {}  {keys} keys, {changed} other than the default",
        args.file.display()
    ));
    Ok(ExitStatus::Done)
}
