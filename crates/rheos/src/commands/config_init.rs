//! `rheos config init`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::config::keys::{KEYS, sections};
use crate::config::value::Kind;
use crate::exit::ExitStatus;
use crate::failure::Misuse;
use crate::output::Output;
use crate::table::wrap;

const EXAMPLES: &str = "\
Examples:
  rheos config init > rheos.yaml
  rheos config init rheos.toml
  rheos config init --format toml | less";

/// Arguments of `rheos config init`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct InitArgs {
    /// Write this file instead of printing; the extension decides the format.
    file: Option<PathBuf>,
    /// Format when printing.
    #[arg(long, value_name = "FORMAT")]
    format: Option<ConfigFormat>,
    /// Overwrite an existing file.
    #[arg(long)]
    force: bool,
}

/// The two formats of configuration files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConfigFormat {
    /// YAML.
    Yaml,
    /// TOML.
    Toml,
}

/// Prints or writes the file.
pub(crate) fn run(args: &InitArgs, output: &Output) -> Result<ExitStatus> {
    let Some(path) = &args.file else {
        output.data(&default_file(args.format.unwrap_or(ConfigFormat::Yaml)))?;
        return Ok(ExitStatus::Done);
    };
    let by_name = match path.extension().and_then(|e| e.to_str()) {
        Some("yaml" | "yml") => ConfigFormat::Yaml,
        Some("toml") => ConfigFormat::Toml,
        _ => {
            let message = format!("`{}` is neither YAML nor TOML by its name", path.display());
            return Err(Misuse::new(message, "name it `.yaml`, `.yml` or `.toml`").into());
        }
    };
    let mut open = OpenOptions::new();
    if args.force {
        open.write(true).create(true).truncate(true)
    } else {
        open.write(true).create_new(true)
    };
    let file = match open.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let message = format!("`{}` exists", path.display());
            let hint = "`--force` overwrites it, or choose another name";
            return Err(Misuse::new(message, hint).into());
        }
        opened => opened,
    };
    file.and_then(|mut f| f.write_all(default_file(by_name).as_bytes()))
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    output.talk(&format!(" wrote  {}  {} keys", path.display(), KEYS.len()));
    Ok(ExitStatus::Done)
}

/// Every key with its meaning as a comment and its default.
pub(crate) fn default_file(format: ConfigFormat) -> String {
    let mut text = String::from(
        "# Settings of rheos. Every section and every key is optional; what is shown is the default.\n\
         # A variable RHEOS_SECTION_KEY wins over this file, a flag wins over both.\n",
    );
    for section in sections() {
        let indent = match format {
            ConfigFormat::Yaml => {
                text.push_str(&format!("\n{section}:\n"));
                "  "
            }
            ConfigFormat::Toml => {
                text.push_str(&format!("\n[{section}]\n"));
                ""
            }
        };
        for info in KEYS.iter().filter(|k| k.section == section) {
            let choices = match info.kind {
                Kind::Choice(words) => format!(" ({})", words.join(", ")),
                _ => String::new(),
            };
            let comment = format!("{}{choices}", info.meaning);
            for line in wrap(&comment, 96 - indent.len()) {
                text.push_str(&format!("{indent}# {line}\n"));
            }
            let value = info.kind.parse(info.default).map(|v| v.literal()).unwrap_or_default();
            let assign = match format {
                ConfigFormat::Yaml => ": ",
                ConfigFormat::Toml => " = ",
            };
            text.push_str(&format!("{indent}{}{assign}{value}\n", info.name));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn the_default_file_says_the_defaults() {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, format) in [("a.yaml", ConfigFormat::Yaml), ("a.toml", ConfigFormat::Toml)] {
            let path = dir.path().join(name);
            std::fs::write(&path, default_file(format)).expect("written");
            let settings = Settings::load(Some(&path), [], &[]).expect(name);
            for info in KEYS {
                let default = Settings::defaults();
                assert_eq!(settings.get(info.key).value, default.get(info.key).value, "{name}");
            }
            assert_eq!(settings.rows_hash(), Settings::defaults().rows_hash());
        }
    }
}
