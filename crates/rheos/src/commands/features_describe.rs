//! `rheos features describe`.

use anyhow::Result;
use clap::{Args, ValueEnum};
use rheos_features::{Column, GroupInfo, docs, table};
use serde_json::Value;

use crate::commands::features_list::emitted;
use crate::exit::ExitStatus;
use crate::output::{Output, Tone};
use crate::table::wrap;

const EXAMPLES: &str = "\
Examples:
  rheos features describe iat_mean
  rheos features describe timing
  rheos features describe iat_mean --format json";

/// Arguments of `rheos features describe`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct DescribeArgs {
    /// A column or a group of columns.
    name: String,
    /// How to print it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: DescribeFormat,
}

/// How one column is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DescribeFormat {
    /// Labels and texts.
    Text,
    /// One JSON document.
    Json,
}

/// Prints all that the table knows.
pub(crate) fn run(args: &DescribeArgs, output: &Output) -> Result<ExitStatus> {
    let column = table::find(&args.name);
    let text = match (column, table::group(&args.name), args.format) {
        (Ok(column), _, DescribeFormat::Text) => column_text(column, output),
        (Ok(column), _, DescribeFormat::Json) => pretty(&docs::json([column].into_iter())[0]),
        (_, Ok(group), DescribeFormat::Text) => group_text(group, output),
        (_, Ok(group), DescribeFormat::Json) => pretty(&docs::json(group.columns.iter())),
        (Err(error), Err(_), _) => return Err(error.into()),
    };
    output.data(&text)?;
    Ok(ExitStatus::Done)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// The column's facts as labels and texts, in the order people ask for them.
fn facts(column: &Column) -> Vec<(&'static str, &'static str)> {
    let optional = |text: &'static str| Some(text).filter(|t| !t.is_empty());
    [
        ("meaning", Some(column.meaning)),
        ("group", Some(table::group_of(column).name)),
        ("type", Some(column.kind.name())),
        ("unit", optional(column.unit)),
        ("direction", Some(column.scope.name())),
        ("null", Some(column.nulls)),
        ("profile", Some(column.profile.name())),
        ("emitted", Some(emitted(column))),
        ("privacy", Some(column.privacy.name())),
        ("alias_of", column.alias_of),
        ("changed", column.changed),
    ]
    .into_iter()
    .filter_map(|(label, text)| Some((label, text?)))
    .collect()
}

fn column_text(column: &Column, output: &Output) -> String {
    let mut text = format!("{}\n", output.paint_out(Tone::Strong, column.name));
    for (label, fact) in facts(column) {
        let lines = wrap(fact, output.width.saturating_sub(13).max(30));
        let label = format!("{:<9}", label.replace('_', " "));
        let label = output.paint_out(Tone::Faint, &label);
        text.push_str(&format!("  {label}  {}\n", lines.join("\n             ")));
    }
    text
}

fn group_text(group: &GroupInfo, output: &Output) -> String {
    let mut text = format!("{}\n", output.paint_out(Tone::Strong, group.name));
    text.push_str(&format!("  {}\n\n", wrap(group.meaning, output.width - 2).join("\n  ")));
    let names: Vec<&str> = group.columns.iter().map(|c| c.name).collect();
    for line in wrap(&names.join(" "), output.width.saturating_sub(2)) {
        text.push_str(&format!("  {line}\n"));
    }
    text
}
