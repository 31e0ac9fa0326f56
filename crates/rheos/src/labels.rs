//! Labels of flows from a file: the flags, the file, and what became of its rows.

use std::path::Path;

use anyhow::Result;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{Field, Schema};
use clap::Args;
use rheos_core::units::human;
use rheos_features::Selection;
use rheos_features::labels::{LabelUse, Labels, MATCH_COLUMNS, NEEDED_COLUMNS};
use rheos_sink::read::{ReadLimits, read_rows, typed};

use crate::config::Settings;
use crate::config::keys::Key;
use crate::failure::Misuse;
use crate::output::{Output, Tone};
use crate::summary;

/// Flags that join labels.
#[derive(Debug, Args)]
#[command(next_help_heading = "Labels")]
pub(crate) struct LabelArgs {
    /// Join the columns of this file (CSV, JSON, Parquet) by five-tuple and time, such as `label`.
    #[arg(long, value_name = "FILE")]
    labels: Option<String>,
    /// Join only these columns of the labels, not all.
    #[arg(long, value_name = "NAME,...", hide_short_help = true)]
    labels_columns: Option<String>,
    /// Labels are for flows whose initiator is their source only, not also for the other way round.
    #[arg(long, hide_short_help = true)]
    labels_directed: bool,
}

impl LabelArgs {
    /// What the command line says, for the settings.
    pub(crate) fn overrides(&self) -> Vec<(Key, String)> {
        let file = self.labels.clone().map(|file| (Key::LabelsFile, file));
        let directed = self.labels_directed.then(|| (Key::LabelsDirected, "true".to_owned()));
        let columns = self.labels_columns.clone().map(|names| (Key::LabelsColumns, names));
        file.into_iter().chain(columns).chain(directed).collect()
    }
}

/// Labels on their way into rows.
#[derive(Debug)]
pub(crate) struct Labelling {
    labels: Labels,
    uses: LabelUse,
}

impl Labelling {
    /// As the settings say; an error if a label has the name of a column of the rows.
    pub(crate) fn new(settings: &Settings, rows: &Schema) -> Result<Option<Self>> {
        let file = settings.text(Key::LabelsFile);
        if file.is_empty() {
            return Ok(None);
        }
        let (told, _) = read_rows(Path::new(file), ReadLimits::default())?;
        let told = chosen(&typed(&told), settings.list(Key::LabelsColumns), file)?;
        let labels = Labels::new(&told, settings.switch(Key::LabelsDirected))
            .map_err(|error| Misuse::new(format!("`{file}`: {error}"), HOW))?;
        let is_there = |field: &&Field| rows.field_with_name(field.name()).is_ok();
        if let Some(clash) = labels.fields().iter().find(is_there) {
            let message = format!("`{file}` has a column `{}`, and so have the rows", clash.name());
            let hint = format!(
                "name the columns to be joined with `--labels-columns`, or leave the rows' own out with `--exclude {}`",
                clash.name()
            );
            return Err(Misuse::new(message, hint).into());
        }
        let uses = labels.unused();
        Ok(Some(Self { labels, uses }))
    }

    /// The columns that are joined.
    pub(crate) fn fields(&self) -> &[Field] {
        self.labels.fields()
    }

    /// The values of the joined columns for these rows.
    pub(crate) fn join(&mut self, rows: &RecordBatch) -> Vec<ArrayRef> {
        self.labels.join(rows, &mut self.uses)
    }

    /// Begins to count anew.
    pub(crate) fn forget_uses(&mut self) {
        self.uses = self.labels.unused();
    }

    /// What became of labels and rows.
    pub(crate) const fn uses(&self) -> &LabelUse {
        &self.uses
    }
}

/// The columns that tell flows, and of the others those that were named, if any were.
fn chosen(labels: &RecordBatch, names: &[String], file: &str) -> Result<RecordBatch> {
    if names.is_empty() {
        return Ok(labels.clone());
    }
    let schema = labels.schema();
    if let Some(name) = names.iter().find(|name| schema.index_of(name).is_err()) {
        let columns: Vec<&str> =
            schema.fields().iter().map(|field| field.name().as_str()).collect();
        let hint = format!("it has: {}", columns.join(", "));
        return Err(Misuse::new(format!("`{file}` has no column `{name}`"), hint).into());
    }
    let is_chosen = |name: &str| MATCH_COLUMNS.contains(&name) || names.iter().any(|it| it == name);
    let places: Vec<usize> =
        (0..labels.num_columns()).filter(|&place| is_chosen(schema.field(place).name())).collect();
    Ok(labels.project(&places)?)
}

const HOW: &str = "a label row names flows by any of src_ip, dst_ip (addresses or prefixes), src_port, dst_port, \
                   protocol, start, end (seconds or RFC 3339); its other columns are joined";

/// The columns with those after them by which labels are found.
pub(crate) fn with_needed(selection: &Selection) -> Result<Selection> {
    let names = selection.columns().map(|column| column.name);
    let names: Vec<&str> = names.chain(NEEDED_COLUMNS.iter().copied()).collect();
    Ok(Selection::new(&names, &[])?)
}

/// ` labels 2 of 3 rows labelled, 1 label of 4 not used`.
pub(crate) fn tell(uses: Option<&LabelUse>, output: &Output) {
    let Some(uses) = uses else { return };
    let rows = uses.labelled + uses.unlabelled;
    let labels = uses.labels_used() + uses.labels_unused();
    let text = format!(
        "{} of {} labelled, {} of {} not used",
        human::grouped(uses.labelled),
        summary::plural(rows, "row"),
        human::grouped(uses.labels_unused()),
        summary::plural(labels, "label"),
    );
    let tone = if uses.labels_unused() == 0 { Tone::Strong } else { Tone::Warn };
    summary::line(output, "labels", tone, &text);
}
