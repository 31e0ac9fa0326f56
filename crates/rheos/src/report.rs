//! Reports: one self-contained HTML file that opens without a network, with plots as inline SVG.
//!
//! A report is a list of [`Section`]s; what they say is the commands' business.

pub(crate) mod flows;
mod page;
pub(crate) mod plot;
pub(crate) mod traffic;

use std::path::Path;

use anyhow::{Context, Result};

use crate::failure::Misuse;
use crate::interrupt::Unfinished;

/// A report before it is written.
#[derive(Debug)]
pub(crate) struct Report {
    /// Heading of the page.
    pub(crate) title: String,
    /// One line under the heading.
    pub(crate) subtitle: String,
    /// The content, top to bottom.
    pub(crate) sections: Vec<Section>,
}

/// A headed part of a report.
#[derive(Debug)]
pub(crate) struct Section {
    /// Heading; also the entry in the page's index.
    pub(crate) heading: String,
    /// One or two sentences that say how to read what follows.
    pub(crate) note: String,
    /// What follows.
    pub(crate) blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Debug)]
pub(crate) enum Block {
    /// Figures side by side: label and value.
    Figures(Vec<(String, String)>),
    /// A table.
    Table(Table),
    /// A drawing made by [`plot`], already SVG.
    Plot(String),
}

/// Rows and columns of text.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Column headings, and whether the column holds numbers (aligned right).
    pub(crate) columns: Vec<(String, bool)>,
    /// Cells, one per column in each row.
    pub(crate) rows: Vec<Vec<String>>,
}

/// Refuses, before the work is done, to overwrite a file without `--force`, or to write where there is no folder.
pub(crate) fn check_target(path: &Path, force: bool) -> Result<()> {
    if !force && path.exists() {
        return Err(Misuse::new(
            format!("`{}` exists", path.display()),
            "`--force` overwrites it, or choose another name",
        )
        .into());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(Misuse::new(
            format!("there is no folder `{}` for `{}`", folder.display(), path.display()),
            format!("run `mkdir -p {}`", folder.display()),
        )
        .into());
    }
    Ok(())
}

/// Writes the page; the file appears when it is whole.
pub(crate) fn write(report: &Report, path: &Path) -> Result<()> {
    let cannot = || format!("cannot write the report `{}`", path.display());
    let page = page::html(report, &format!("made by rheos {}", env!("CARGO_PKG_VERSION")));
    // Named so that an interrupt finds it, see `interrupt`.
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let part = path.with_file_name(format!(".{name}.{}-report.part", std::process::id()));
    let _unfinished = Unfinished::new(path);
    std::fs::write(&part, page).with_context(cannot)?;
    std::fs::rename(&part, path).with_context(cannot)
}

impl Table {
    /// A table with these columns: heading, and whether it holds numbers.
    pub(crate) fn new(columns: &[(&str, bool)]) -> Self {
        Self {
            columns: columns.iter().map(|&(name, number)| (name.to_owned(), number)).collect(),
            rows: Vec::new(),
        }
    }
}
