//! `rheos features list`.

use anyhow::Result;
use clap::Args;
use rheos_features::{Column, Emitted, GROUPS, GroupInfo};
use serde_json::Value;

use crate::commands::features_profiles::view_table;
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
    let shape = args.selection.of_list()?;
    if let Some((_, columns)) = shape.view() {
        output.data(&view_table(columns, args.format).render(args.format, output))?;
        return Ok(ExitStatus::Done);
    }
    let selection = shape.selection();
    let mut table = table_of_columns(args.format);
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
pub(crate) fn table_of_columns(format: ListFormat) -> Table {
    match format {
        ListFormat::Table => Table::new(&["name", "group", "type", "unit", "meaning"]),
        _ => Table::new(&[
            "name",
            "group",
            "type",
            "unit",
            "direction",
            "profile",
            "emitted",
            "meaning",
        ]),
    }
}

/// A column in one row. A terminal's line has room for what it is in a few words; the rest is for
/// `describe` and for programs.
pub(crate) fn cells(group: &GroupInfo, column: &Column, format: ListFormat) -> Vec<Cell> {
    let unit = if column.unit.is_empty() { Value::Null } else { column.unit.into() };
    let mut cells = vec![
        Cell::from(column.name).tone(Tone::Literal),
        group.name.into(),
        column.kind.name().into(),
        Cell::from(unit),
    ];
    if format == ListFormat::Table {
        cells.push(first_sentence(column.meaning).into());
        return cells;
    }
    cells.push(column.scope.name().into());
    cells.push(column.profile.name().into());
    cells.push(emitted(column).into());
    cells.push(column.meaning.into());
    cells
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
