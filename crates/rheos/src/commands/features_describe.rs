//! `rheos features describe`.

use anyhow::Result;
use clap::{Args, ValueEnum};
use rheos_features::{Column, GroupInfo, View, ViewColumn, docs, table, views};
use serde_json::Value;

use crate::commands::features_list::emitted;
use crate::exit::ExitStatus;
use crate::output::{Output, Tone};
use crate::table::wrap;

const EXAMPLES: &str = "\
Examples:
  rheos features describe iat_mean
  rheos features describe timing
  rheos features describe src2dst_packets
  rheos features describe iat_mean --format json";

/// Arguments of `rheos features describe`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct DescribeArgs {
    /// A column or a group of columns; or a column of another tool, as its profile names it.
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
        (Err(error), Err(_), format) => {
            let found = in_views(&args.name);
            match (found.is_empty(), format) {
                (true, _) => return Err(error.into()),
                (false, DescribeFormat::Text) => {
                    found.iter().map(|(view, column)| view_text(view, column, output)).collect()
                }
                (false, DescribeFormat::Json) => {
                    pretty(&found.iter().map(|(view, column)| view_json(view, column)).collect())
                }
            }
        }
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

/// The columns of that name in the profiles that are another tool's.
fn in_views(name: &str) -> Vec<(&'static View, &'static ViewColumn)> {
    let columns = views::VIEWS.iter().flat_map(|view| {
        let columns = view.columns.iter().filter(move |column| column.name == name);
        columns.map(move |column| (*view, column))
    });
    columns.collect()
}

fn view_json(view: &View, column: &ViewColumn) -> Value {
    let mut json = docs::json_view(&[*column])[0].take();
    json["profile"] = view.name.into();
    json
}

fn view_text(view: &View, column: &ViewColumn, output: &Output) -> String {
    let facts = [
        ("meaning", Some(column.meaning())),
        ("profile", Some(view.name.to_owned())),
        ("made of", Some(column.expr.to_string())),
        ("type", Some(column.kind().name().to_owned())),
        ("unit", Some(column.unit_name().to_owned()).filter(|unit| !unit.is_empty())),
        ("direction", Some(column.scope().name().to_owned())),
        ("null", Some(column.nulls())),
        ("privacy", Some(column.privacy().name().to_owned())),
        ("differs", column.note.map(str::to_owned)),
    ];
    let facts = facts.into_iter().filter_map(|(label, fact)| Some((label, fact?)));
    labelled(column.name, facts, output)
}

fn column_text(column: &Column, output: &Output) -> String {
    let facts = facts(column).into_iter().map(|(label, fact)| (label, fact.to_owned()));
    labelled(column.name, facts, output)
}

fn labelled(
    name: &str,
    facts: impl Iterator<Item = (&'static str, String)>,
    output: &Output,
) -> String {
    let mut text = format!("{}\n", output.paint_out(Tone::Strong, name));
    for (label, fact) in facts {
        let lines = wrap(&fact, output.width.saturating_sub(13).max(30));
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
