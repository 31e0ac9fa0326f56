//! `rheos reference`: the pages under docs/reference, written from the same tables as everything else.
//!
//! The same build writes the same bytes: nothing here looks at the machine or the clock.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Arg, Args, Command, CommandFactory};
use rheos_core::DropReason;
use rheos_features::{GROUPS, VIEWS, docs};
use rheos_flow::EndReason;
use rheos_gen::flows::CONFIG_KEYS;

use crate::cli::Cli;
use crate::config::keys::{KEYS, KeyInfo, sections};
use crate::examples::{self, Examples};
use crate::exit::ExitStatus;
use crate::output::Output;
use crate::table::Table;

/// Arguments of `rheos reference`.
#[derive(Debug, Args)]
pub(crate) struct ReferenceArgs {
    /// The folder, made if it is not there.
    dir: PathBuf,
}

const GENERATED: &str =
    "<!-- written by `cargo xtask docs`: change the tables in the source instead -->\n\n";

/// Writes every page.
pub(crate) fn run(args: &ReferenceArgs, output: &Output) -> Result<ExitStatus> {
    let mut pages = vec![
        ("cli.md".to_owned(), cli_page()),
        ("config.md".to_owned(), config_page()),
        ("flow-plans.md".to_owned(), plans_page()),
        ("drops.md".to_owned(), drops_page()),
        ("changes.md".to_owned(), docs::changes::markdown()),
        ("features/README.md".to_owned(), features_index()),
    ];
    let examples = Examples::made()?;
    for group in GROUPS {
        let page = docs::markdown(group, |column| examples.value(column));
        pages.push((format!("features/{}.md", group.name), page));
    }
    for view in VIEWS {
        pages.push((format!("profiles/{}.md", view.name), docs::view_markdown(view)));
    }
    for (name, text) in &pages {
        write(&args.dir.join(name), &format!("{GENERATED}{text}"))?;
    }
    output.talk(&format!("wrote {} pages to {}", pages.len(), args.dir.display()));
    Ok(ExitStatus::Done)
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

fn cli_page() -> String {
    let mut page = String::from("# Command line\n\n");
    let mut root = Cli::command();
    root.build();
    let global: Vec<&str> =
        root.get_arguments().filter(|a| a.is_global_set()).map(|a| a.get_id().as_str()).collect();
    command_section(&root, &global, 0, &mut page);
    page.push_str("## Exit codes\n\n");
    let mut table = Table::new(&[">code", "meaning"]);
    for status in ExitStatus::ALL {
        table.row([status.code().into(), status.meaning().into()]);
    }
    page.push_str(&table.markdown());
    page
}

fn command_section(command: &Command, global: &[&str], depth: usize, page: &mut String) {
    let name = command.get_bin_name().unwrap_or("rheos");
    let about = command.get_long_about().or(command.get_about());
    let _ =
        write!(page, "## `{name}`\n\n{}\n\n", about.map(ToString::to_string).unwrap_or_default());
    let mut usage = command.clone();
    let usage = usage.render_usage().to_string();
    let _ = write!(page, "```text\n{}\n```\n\n", usage.trim_start_matches("Usage:").trim());
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|a| !a.is_hide_set() && !["help", "version"].contains(&a.get_id().as_str()))
        // What every command takes is told once.
        .filter(|a| depth == 0 || !global.contains(&a.get_id().as_str()))
        .collect();
    if !arguments.is_empty() {
        let mut table = Table::new(&["argument", "default", "meaning"]);
        for argument in arguments {
            table.row([
                argument_name(argument).into(),
                argument_default(argument).into(),
                argument_meaning(argument).into(),
            ]);
        }
        page.push_str(&table.markdown());
        page.push('\n');
    }
    if depth > 0
        && let Some(examples) = command.get_after_long_help()
    {
        let _ = write!(page, "```text\n{examples}\n```\n\n");
    }
    for sub in command.get_subcommands().filter(|s| !s.is_hide_set() && s.get_name() != "help") {
        command_section(sub, global, depth + 1, page);
    }
}

fn argument_name(argument: &Arg) -> String {
    let value = argument
        .get_value_names()
        .filter(|_| argument.get_action().takes_values())
        .map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    let short = argument.get_short().map(|c| format!("-{c}"));
    let long = argument.get_long().map(|l| format!("--{l}"));
    let flags: Vec<String> = short.into_iter().chain(long).collect();
    match (flags.is_empty(), value) {
        (true, value) => format!("`{}`", value.unwrap_or_default()),
        (false, Some(value)) => format!("`{} {value}`", flags.join(", ")),
        (false, None) => format!("`{}`", flags.join(", ")),
    }
}

fn argument_default(argument: &Arg) -> String {
    let values: Vec<String> = argument
        .get_default_values()
        .iter()
        .map(|v| format!("`{}`", v.to_string_lossy()))
        .collect();
    // A switch's default says nothing.
    if argument.get_action().takes_values() { values.join(", ") } else { String::new() }
}

fn argument_meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    let mut text = help.map(ToString::to_string).unwrap_or_default();
    let possible: Vec<String> = argument
        .get_possible_values()
        .iter()
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if argument.get_action().takes_values() && !possible.is_empty() {
        let _ = write!(text, " ({})", possible.join(", "));
    }
    if let Some(env) = argument.get_env() {
        let _ = write!(text, " [variable `{}`]", env.to_string_lossy());
    }
    text
}

fn config_page() -> String {
    let mut page = String::from(
        "# Settings\n\n\
         One YAML or TOML file (`-c FILE` or `RHEOS_CONFIG`), every section and key optional; unknown keys are errors.\n\
         Precedence: defaults < file < environment < flags. `rheos config init` prints this table as a file,\n\
         `rheos config show --origin` tells what is in force and why.\n\n\
         The configuration hash that Parquet and Arrow files carry is the SHA-256 of the settings marked in the\n\
         column *rows*, as `section.key=value` lines in this order; a secret counts as set or not.\n",
    );
    for section in sections() {
        let _ = write!(page, "\n## `[{section}]`\n\n");
        let mut table =
            Table::new(&["key", "type", "default", "flag", "variable", "rows", "meaning"]);
        for info in KEYS.iter().filter(|k| k.section == section) {
            table.row([
                format!("`{}`", info.name).into(),
                info.kind.name().into(),
                default_of(info).into(),
                info.flag.map_or_else(String::new, |f| format!("`{f}`")).into(),
                format!("`{}`", info.env()).into(),
                (if info.changes_rows { "yes" } else { "" }).into(),
                info.meaning.into(),
            ]);
        }
        page.push_str(&table.markdown());
    }
    page
}

fn plans_page() -> String {
    let mut page = String::from(
        "# Plans of flow records\n\nWhat `rheos gen flows --plan FILE` reads, and `rheos gen fit` writes.\n",
    );
    for section in CONFIG_KEYS {
        let title = if section.path.is_empty() { "top" } else { section.path };
        let _ = write!(page, "\n## `{title}`\n\n");
        if !section.about.is_empty() {
            let _ = write!(page, "{}\n\n", section.about);
        }
        let mut table = Table::new(&["key", "value", "default", "meaning"]);
        for key in section.keys {
            let name = format!("`{}`", key.name);
            table.row([name.into(), key.value.into(), key.default.into(), key.meaning.into()]);
        }
        page.push_str(&table.markdown());
    }
    page
}

fn default_of(info: &KeyInfo) -> String {
    if info.default.is_empty() { String::new() } else { format!("`{}`", info.default) }
}

fn drops_page() -> String {
    let mut page = String::from(
        "# Counted outcomes\n\n\
         Malformed or unwanted traffic is counted, never an error. Each label is the same in summaries, JSON and metrics;\n\
         frames in = packets + fragments that were put together + the sum of these.\n\n",
    );
    let mut table = Table::new(&["label", "meaning"]);
    for &reason in DropReason::ALL {
        table.row([format!("`{}`", reason.label()).into(), reason.meaning().into()]);
    }
    page.push_str(&table.markdown());
    page.push_str("\n## Why flows end\n\n");
    let mut table = Table::new(&["label"]);
    for &reason in EndReason::ALL {
        table.row([format!("`{}`", reason.label()).into()]);
    }
    page.push_str(&table.markdown());
    page
}

fn features_index() -> String {
    let columns: usize = GROUPS.iter().map(|g| g.columns.len()).sum();
    let mut page = format!(
        "# Columns\n\n{columns} columns in {} groups. What cannot be known of a flow is null, never 0. \
         What differs from older tools' columns of the same name is in [changes.md](../changes.md).\n\n\
         Example values are of flows of a capture that anybody can make, one flow per group where it has the column, \
         else of the first flow that has. Those of QUIC and of HTTP/2 in clear text are of the standards' own examples \
         (RFC 9001 appendix A, RFC 7541 appendix C.3.1). A column without one is of traffic that is neither there:\n\n\
         ```text\n{}\nrheos features extract made.pcap --profile all --connection exact -o rows.jsonl\n```\n\n",
        GROUPS.len(),
        examples::COMMAND,
    );
    let mut table = Table::new(&["group", ">columns", "meaning"]);
    for group in GROUPS {
        let link = format!("[`{0}`]({0}.md)", group.name);
        table.row([link.into(), group.columns.len().into(), group.meaning.into()]);
    }
    page.push_str(&table.markdown());
    page
}
