//! `rheos features profiles`: what one word chooses, of our columns or of another tool's.

use std::collections::BTreeSet;

use anyhow::Result;
use clap::Args;
use rheos_core::suggest::nearest;
use rheos_features::{RowShape, View, ViewColumn, docs, table};
use serde_json::{Value, json};

use crate::commands::features_list::{cells, table_of_columns};
use crate::config::keys::PROFILE_WORDS;
use crate::exit::ExitStatus;
use crate::failure::Misuse;
use crate::output::{Output, Tone};
use crate::table::{Cell, ListFormat, Table, wrap};

const LIST_EXAMPLES: &str = "\
Examples:
  rheos features profiles list
  rheos features profiles list --format json
  rheos features profiles list --format csv > profiles.csv";

const SHOW_EXAMPLES: &str = "\
Examples:
  rheos features profiles show nfstream
  rheos features profiles show cicflowmeter --format csv > columns.csv
  rheos features extract capture.pcap --profile nfstream -o flows.parquet";

/// Arguments of `rheos features profiles list`.
#[derive(Debug, Args)]
#[command(after_long_help = LIST_EXAMPLES)]
pub(crate) struct ListArgs {
    /// How to print the list.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: ListFormat,
}

/// Arguments of `rheos features profiles show`.
#[derive(Debug, Args)]
#[command(after_long_help = SHOW_EXAMPLES)]
pub(crate) struct ShowArgs {
    /// The profile.
    name: String,
    /// How to print it; what a profile lacks of its tool is not in CSV.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: ListFormat,
}

/// What a word chooses.
fn meaning(word: &str) -> &'static str {
    match word {
        "default" => "core; or, of groups that are named, all columns but optional ones",
        "core" => "cheap, and meaningful for every flow",
        "extended" => "core, and columns that need more state or a certain protocol",
        "experimental" => "extended, and columns that may still change their definition",
        "all" => "every column, optional ones too",
        _ => rheos_features::views::find(word).map_or("", |view| view.meaning),
    }
}

/// The columns of a profile alone.
fn shape(word: &str) -> Result<RowShape> {
    let none: &[&str] = &[];
    Ok(RowShape::combined(word, none, none, none)?)
}

/// Prints the profiles with how much they hold.
pub(crate) fn list(args: &ListArgs, output: &Output) -> Result<ExitStatus> {
    let mut list = Table::new(&["name", ">columns", ">groups", "meaning"]);
    for word in PROFILE_WORDS {
        let shape = shape(word)?;
        let groups: BTreeSet<&str> =
            shape.selection().columns().map(|column| table::group_of(column).name).collect();
        list.row([
            Cell::from(*word).tone(Tone::Literal),
            shape.schema().fields().len().into(),
            groups.len().into(),
            meaning(word).into(),
        ]);
    }
    output.data(&list.render(args.format, output))?;
    if args.format == ListFormat::Table && output.stdout_tty {
        output.talk("`rheos features profiles show NAME` tells the columns of one");
    }
    Ok(ExitStatus::Done)
}

/// Prints the columns of a profile.
pub(crate) fn show(args: &ShowArgs, output: &Output) -> Result<ExitStatus> {
    let Some(word) = PROFILE_WORDS.iter().find(|word| **word == args.name) else {
        let message = format!("no profile named `{}`", args.name);
        let near = nearest(&args.name, PROFILE_WORDS.iter().copied());
        let list = "`rheos features profiles list` lists them";
        let hint = near.map_or(list.to_owned(), |near| format!("did you mean `{near}`? {list}"));
        return Err(Misuse::new(message, hint).into());
    };
    let shape = shape(word)?;
    let text = match (shape.view(), args.format) {
        (_, ListFormat::Json) => serde_json::to_string_pretty(&document(word, &shape))? + "\n",
        (Some((view, columns)), format) => view_text(view, columns, format, output),
        (None, format) => {
            let mut list = table_of_columns(format);
            for column in shape.selection().columns() {
                list.row(cells(table::group_of(column), column, format));
            }
            list.render(format, output)
        }
    };
    output.data(&text)?;
    if args.format == ListFormat::Table && output.stdout_tty {
        let columns = shape.schema().fields().len();
        output.talk(&format!("{columns} columns; `--profile {word}` gives them"));
    }
    Ok(ExitStatus::Done)
}

fn document(word: &str, shape: &RowShape) -> Value {
    let Some((view, columns)) = shape.view() else {
        let columns = docs::json(shape.selection().columns());
        return json!({"name": word, "meaning": meaning(word), "columns": columns});
    };
    let missing = view.missing.iter();
    let missing: Value = missing.map(|it| json!({"name": it.name, "reason": it.reason})).collect();
    json!({
        "name": view.name,
        "tool": view.tool,
        "meaning": view.meaning,
        "flows": view.flows,
        "columns": docs::json_view(columns),
        "missing": missing,
    })
}

fn view_text(view: &View, columns: &[ViewColumn], format: ListFormat, output: &Output) -> String {
    let list = view_table(columns, format).render(format, output);
    if format == ListFormat::Csv {
        return list;
    }
    let mut missing = Table::new(&["not there", "reason"]);
    for it in view.missing {
        missing.row([Cell::from(it.name).tone(Tone::Literal), it.reason.into()]);
    }
    let missing = missing.render(format, output);
    let about = format!("{}: {}. {}.", view.tool, view.meaning, view.flows);
    let about =
        if format == ListFormat::Table { wrap(&about, output.width).join("\n") } else { about };
    format!("{about}\n\n{list}\n{missing}")
}

/// The columns of a view as a list: what there is room for on a terminal, else all that is known.
pub(crate) fn view_table(columns: &[ViewColumn], format: ListFormat) -> Table {
    let short = matches!(format, ListFormat::Table | ListFormat::Md);
    let mut list = if short {
        Table::new(&["name", "type", "unit", "from", "note"])
    } else {
        Table::new(&[
            "name",
            "type",
            "unit",
            "direction",
            "from",
            "null",
            "privacy",
            "meaning",
            "note",
        ])
    };
    for column in columns {
        let optional = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
        let name = Cell::from(column.name).tone(Tone::Literal);
        let kind = Cell::from(column.kind().name());
        let unit = Cell::from(optional(column.unit_name()));
        let from = Cell::from(column.expr.to_string());
        let note = Cell::from(optional(column.note.unwrap_or("")));
        if short {
            list.row([name, kind, unit, from, note]);
            continue;
        }
        let direction = Cell::from(column.scope().name());
        let privacy = Cell::from(column.privacy().name());
        let nulls = Cell::from(column.nulls());
        list.row([
            name,
            kind,
            unit,
            direction,
            from,
            nulls,
            privacy,
            column.meaning().into(),
            note,
        ]);
    }
    list
}

#[cfg(test)]
mod tests {
    use rheos_features::VIEWS;

    use super::*;

    #[test]
    fn every_profile_has_a_meaning_and_columns() {
        for word in PROFILE_WORDS {
            assert!(!meaning(word).is_empty(), "{word}");
            assert!(!shape(word).expect("columns").schema().fields().is_empty());
        }
        assert_eq!(PROFILE_WORDS.len(), rheos_features::select::WORDS.len() + VIEWS.len());
    }
}
