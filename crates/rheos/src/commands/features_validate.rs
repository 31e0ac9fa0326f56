//! `rheos features validate`: the rows of captures beside those that were expected.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use arrow_schema::SchemaRef;
use clap::Args;
use rheos_core::units::{Count, human};
use rheos_features::compare::{CompareConfig, Comparison, Findings, KEY_COLUMNS, START_COLUMNS};
use rheos_features::{RowShape, Selection, table};
use rheos_sink::read::{ReadLimits, read_rows};

use crate::cli::GlobalArgs;
use crate::config::keys::Key;
use crate::config::{Origin, Settings};
use crate::environment;
use crate::exit::ExitStatus;
use crate::extraction::{Extraction, ExtractionArgs};
use crate::failure::Misuse;
use crate::inputs::InputArgs;
use crate::labels;
use crate::output::{Output, Tone};
use crate::reading::{self, Reading};
use crate::selection;
use crate::summary;
use crate::table::{ListFormat, Table};

const EXAMPLES: &str = "\
Examples:
  rheos features validate capture.pcap --expected rows.csv
  rheos features validate capture.pcap --expected rows.parquet --tolerance 1e-6 --columns duration,iat_mean
  rheos features validate captures/ --expected rows.jsonl --format json | jq .

Expected rows are CSV with a header line, JSON objects or Parquet. They are matched by the
columns of the five-tuple that they have, and by the nearest start (within 1 ms) where they tell it; without
addresses, by order. Every column that both sides have is compared: numbers with a fraction may differ by the
tolerance (relative above 1, absolute below), moments by as many seconds, everything else must be equal. Null
and the empty text are equal. Any difference gives exit code 1.";

/// Arguments of `rheos features validate`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    extraction: ExtractionArgs,
    /// The rows that are expected: CSV, JSON or Parquet; `-` is standard input.
    #[arg(long, value_name = "FILE", help_heading = "Comparison")]
    expected: PathBuf,
    /// By how much numbers with a fraction may differ.
    #[arg(long, value_name = "NUMBER", default_value = "1e-9", help_heading = "Comparison")]
    tolerance: f64,
    /// How many differences to list; all are counted.
    #[arg(long, value_name = "N", default_value = "20", help_heading = "Comparison")]
    show: Count,
    /// How to print the differences.
    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = "Comparison")]
    format: ListFormat,
}

/// Extracts, compares and tells.
pub(crate) fn run(args: &ValidateArgs, global: &GlobalArgs, output: &Output) -> Result<ExitStatus> {
    let started = Instant::now();
    if !(args.tolerance.is_finite() && args.tolerance >= 0.0) {
        let message = format!("wrong value of `--tolerance`: `{}`", args.tolerance);
        return Err(Misuse::new(message, "give a number from 0 up, such as `1e-9`").into());
    }
    let mut flags = args.input.overrides();
    flags.extend(args.extraction.overrides());
    let settings = Settings::load(global.config.as_deref(), environment::variables(), &flags)?;
    let (expected, _) = read_rows(&args.expected, ReadLimits::default())?;
    let mut extraction = Extraction::new(&settings, columns(&settings, &expected.schema())?)?;
    let config = CompareConfig {
        tolerance: args.tolerance,
        kept_max: usize::try_from(args.show.0).unwrap_or(usize::MAX),
    };
    let mut comparison = Comparison::new(&expected, extraction.schema(), config);
    if comparison.columns().next().is_none() {
        return Err(nothing_to_compare(args));
    }
    let matched_by = if comparison.has_key() { "five-tuple" } else { "order" };
    let compared = comparison.columns().count();
    let ignored = comparison.ignored().join(", ");

    let reader = reading::open(&args.input, &settings)?;
    let mut reading = Reading::new(reader, args.extraction.count(), global.progress, output);
    let summary = extraction.run(&mut reading, |rows| {
        comparison.add(&rows);
        Ok(())
    })?;
    let finished = reading.finish()?;
    let findings = comparison.finish();

    output.data(&listed(&findings).render(args.format, output))?;
    summary::read(output, finished.info(), &summary.ingest);
    summary::drops(output, &summary.ingest);
    summary::flows(output, &summary.table);
    labels::tell(extraction.labels(), output);
    if !ignored.is_empty() {
        summary::line(output, "left", Tone::Warn, &format!("not compared: {ignored}"));
    }
    let columns = summary::plural(compared as u64, "column");
    let text = format!("{columns} of rows matched by {matched_by}");
    summary::line(output, "check", Tone::Strong, &text);
    tell(&findings, output);
    summary::done(output, started.elapsed(), &summary.ingest);
    let status = finished.report(output);
    Ok(if findings.is_equal() { status } else { ExitStatus::CheckFailed })
}

/// The columns that are extracted: those of the view, if the settings name one; else those that the settings name, or
/// all that the expected rows have; and of ours in either case those by which rows are matched.
fn columns(settings: &Settings, expected: &SchemaRef) -> Result<RowShape> {
    let known = |name: &str| table::columns().any(|column| column.name == name);
    let names = expected.fields().iter().map(|field| field.name().as_str());
    let names: Vec<&str> = names.filter(|name| known(name)).collect();
    let chosen = [Key::FeaturesProfile, Key::FeaturesGroups, Key::FeaturesColumns]
        .iter()
        .any(|&key| settings.get(key).origin != Origin::Default);
    let mut with: Vec<&str> = Vec::new();
    let selected;
    if chosen {
        selected = selection::of_settings(settings)?;
        if selected.view().is_some() {
            return Ok(selected);
        }
        with.extend(
            selected.selection().columns().map(|column| column.name).filter(|n| names.contains(n)),
        );
        let matching = KEY_COLUMNS.iter().chain(START_COLUMNS).copied();
        with.extend(matching.filter(|name| names.contains(name)));
    } else {
        with.extend(&names);
    }
    if with.is_empty() {
        // A selection of nothing stands for all: any one column will do, as none is compared.
        with.push("protocol");
    }
    let exclude: Vec<&str> =
        settings.list(Key::FeaturesExclude).iter().map(String::as_str).collect();
    Ok(Selection::new(&with, &exclude)?.into())
}

#[cold]
fn nothing_to_compare(args: &ValidateArgs) -> anyhow::Error {
    let message = format!("`{}` has no column of the rows", args.expected.display());
    Misuse::new(message, "`rheos features list` lists every column; names must be equal").into()
}

fn listed(findings: &Findings) -> Table {
    let mut table = Table::new(&["row", "column", "expected", "found"]);
    for difference in &findings.differences {
        let cells = [&difference.row, &difference.column, &difference.expected, &difference.found];
        table.row(cells.map(|text| text.as_str().into()));
    }
    table
}

/// The counts, and how many of the differences are not listed.
fn tell(findings: &Findings, output: &Output) {
    let number = human::grouped;
    let values = summary::plural(findings.values, "value");
    if findings.is_equal() {
        let rows = summary::plural(findings.rows_found, "row");
        summary::line(output, "equal", Tone::Good, &format!("{rows}, {values}"));
        return;
    }
    let rows = format!(
        "{} expected, {} found: {} differ, {} missing, {} extra",
        number(findings.rows_expected),
        number(findings.rows_found),
        number(findings.rows_different),
        number(findings.rows_missing),
        number(findings.rows_extra),
    );
    summary::line(output, "rows", Tone::Warn, &rows);
    if findings.values_different > 0 {
        let columns: Vec<String> = findings
            .by_column
            .iter()
            .take(8)
            .map(|(name, times)| format!("{} {name}", number(*times)))
            .collect();
        let more = findings.by_column.len().saturating_sub(columns.len());
        let more = if more > 0 { format!(", {more} more columns") } else { String::new() };
        let text = format!(
            "{} of {values} differ: {}{more}",
            number(findings.values_different),
            columns.join(", "),
        );
        summary::line(output, "values", Tone::Warn, &text);
    }
    let unlisted = findings.total() - findings.differences.len() as u64;
    if unlisted > 0 {
        let text = format!("{} not listed: see `--show`", summary::plural(unlisted, "difference"));
        summary::line(output, "", Tone::Faint, &text);
    }
}
