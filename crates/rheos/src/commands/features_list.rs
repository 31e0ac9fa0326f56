//! `rheos features list`.

use anyhow::Result;
use clap::Args;
use rheos_features::{Column, Emitted, GROUPS, GroupInfo};
use serde_json::Value;

use crate::exit::ExitStatus;
use crate::output::{Output, Tone};
use crate::selection::SelectionArgs;
use crate::table::{Cell, ListFormat, Table};

const EXAMPLES: &str = "\
Examples:
  rheos features list --groups timing
  rheos features list --profile core --format csv > columns.csv
  rheos features list --format json | jq -r '.[] | select(.unit == \"s\").name'";

/// Arguments of `rheos features list`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// How to print the list.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: ListFormat,
}

/// Prints the chosen columns, or all of them.
pub(crate) fn run(args: &ListArgs, output: &Output) -> Result<ExitStatus> {
    let selection = args.selection.of_list()?;
    let mut table = table_of_columns();
    let mut columns = 0;
    for group in GROUPS {
        for column in group.columns.iter().filter(|c| selection.contains(c.name)) {
            table.row(cells(group, column, args.format));
            columns += 1;
        }
    }
    output.data(&table.render(args.format, output))?;
    if args.format == ListFormat::Table && output.stdout_tty {
        output.talk(&format!("{columns} columns; `rheos features describe NAME` tells all of one"));
    }
    Ok(ExitStatus::Done)
}

/// An empty table with the head of [`cells`].
pub(crate) fn table_of_columns() -> Table {
    Table::new(&["name", "group", "type", "unit", "direction", "profile", "emitted", "meaning"])
}

/// A column in one row.
pub(crate) fn cells(group: &GroupInfo, column: &Column, format: ListFormat) -> Vec<Cell> {
    let unit = if column.unit.is_empty() { Value::Null } else { column.unit.into() };
    // A terminal's line holds the first sentence; the others are for `describe` and for programs.
    let meaning = match format {
        ListFormat::Table => first_sentence(column.meaning),
        _ => column.meaning,
    };
    vec![
        Cell::from(column.name).tone(Tone::Literal),
        group.name.into(),
        column.kind.name().into(),
        Cell::from(unit),
        column.scope.name().into(),
        column.profile.name().into(),
        emitted(column).into(),
        meaning.into(),
    ]
}

/// Whether the column is there by default.
pub(crate) fn emitted(column: &Column) -> &'static str {
    match column.emitted {
        Emitted::Default => "default",
        Emitted::Option => "option",
    }
}

/// Up to the first full stop or semicolon.
fn first_sentence(text: &str) -> &str {
    let end = text.find(". ").into_iter().chain(text.find("; ")).min();
    text[..end.unwrap_or(text.len())].trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_ends_at_a_stop_with_a_blank() {
        assert_eq!(first_sentence("one 0.5 s; two. three"), "one 0.5 s");
        assert_eq!(first_sentence("one."), "one");
    }
}
