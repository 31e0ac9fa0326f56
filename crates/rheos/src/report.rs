//! Reports: one self-contained HTML file that opens without a network, with plots as inline SVG.
//!
//! A report is a list of [`Section`]s; what they say is the commands' business.

pub(crate) mod page;
pub(crate) mod plot;

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

impl Table {
    /// A table with these columns: heading, and whether it holds numbers.
    pub(crate) fn new(columns: &[(&str, bool)]) -> Self {
        Self {
            columns: columns.iter().map(|&(name, number)| (name.to_owned(), number)).collect(),
            rows: Vec::new(),
        }
    }
}
