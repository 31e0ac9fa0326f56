//! `rheos features schema`.

use anyhow::Result;
use clap::{Args, ValueEnum};
use rheos_features::{RowShape, docs, table};

use crate::cli::GlobalArgs;
use crate::commands::features_list::{cells, table_of_columns};
use crate::commands::features_profiles::view_table;
use crate::config::Settings;
use crate::environment;
use crate::exit::ExitStatus;
use crate::output::Output;
use crate::selection::{self, SelectionArgs};
use crate::table::{ListFormat, Table};

const EXAMPLES: &str = "\
Examples:
  rheos features schema
  rheos features schema --groups tcp --format md
  rheos features schema --profile nfstream --format csv
  rheos features schema --profile all --format json-schema > row.schema.json";

/// Arguments of `rheos features schema`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct SchemaArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// How to print it.
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    format: SchemaFormat,
}

/// How a schema is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SchemaFormat {
    /// A list of columns.
    Json,
    /// Comma-separated values.
    Csv,
    /// A Markdown table.
    #[value(alias = "markdown")]
    Md,
    /// JSON Schema (draft 2020-12) of one line of JSON Lines output.
    JsonSchema,
}

/// Prints the columns that `extract` would write with the same settings.
pub(crate) fn run(args: &SchemaArgs, global: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let flags = args.selection.overrides();
    let settings = Settings::load(global.config.as_deref(), environment::variables(), &flags)?;
    let shape = selection::of_settings(&settings)?;
    let document = |value| serde_json::to_string_pretty(&value).map(|text| text + "\n");
    let text = match (args.format, shape.view()) {
        (SchemaFormat::Json, None) => document(docs::json(shape.selection().columns()))?,
        (SchemaFormat::Json, Some((_, columns))) => document(docs::json_view(columns))?,
        (SchemaFormat::JsonSchema, _) => document(docs::json_schema(&shape.schema()))?,
        (SchemaFormat::Csv, _) => list(&shape, ListFormat::Csv).render(ListFormat::Csv, output),
        (SchemaFormat::Md, _) => list(&shape, ListFormat::Md).render(ListFormat::Md, output),
    };
    output.data(&text)?;
    Ok(ExitStatus::Done)
}

fn list(shape: &RowShape, format: ListFormat) -> Table {
    if let Some((_, columns)) = shape.view() {
        return view_table(columns, format);
    }
    let mut list = table_of_columns(ListFormat::Csv);
    for column in shape.selection().columns() {
        list.row(cells(table::group_of(column), column, ListFormat::Csv));
    }
    list
}
