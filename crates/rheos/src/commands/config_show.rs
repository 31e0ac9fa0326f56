//! `rheos config show`.

use anyhow::Result;
use clap::Args;

use crate::cli::GlobalArgs;
use crate::config::{Origin, Settings};
use crate::environment;
use crate::exit::ExitStatus;
use crate::output::{Output, Tone};
use crate::table::{Cell, ListFormat, Table};

const EXAMPLES: &str = "\
Examples:
  rheos config show
  rheos config show --origin -c rheos.yaml
  RHEOS_FLOW_IDLE_TIMEOUT=5s rheos config show --origin --format json";

/// Arguments of `rheos config show`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ShowArgs {
    /// Also tell where each value came from: default, file and line, variable or flag.
    #[arg(long)]
    origin: bool,
    /// How to print the list.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: ListFormat,
}

/// Prints every key with its value.
pub(crate) fn run(args: &ShowArgs, global: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let settings = Settings::load(global.config.as_deref(), environment::variables(), &[])?;
    let columns: &[&str] =
        if args.origin { &["key", "origin", "value"] } else { &["key", "value"] };
    let mut table = Table::new(columns);
    for (info, setting) in settings.iter() {
        let mut cells: Vec<Cell> = vec![info.dotted().into()];
        if args.origin {
            let tone = match setting.origin {
                Origin::Default => Tone::Faint,
                _ => Tone::Literal,
            };
            cells.push(Cell::from(setting.origin.to_string()).tone(tone));
        }
        let value = setting.value.to_string();
        // Lists can be wrapped between their items.
        cells.push(Cell::from(value.as_str()).shown(value.replace(',', ", ")));
        table.row(cells);
    }
    output.data(&table.render(args.format, output))?;
    Ok(ExitStatus::Done)
}
