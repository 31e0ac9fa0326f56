//! Small lists for people and programs: aligned text, Markdown, CSV and JSON from the same cells.

use std::borrow::Cow;

use clap::ValueEnum;
use serde_json::{Map, Value};

use crate::output::{Output, Tone};
use crate::report;

/// How a small list is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// Aligned columns for reading.
    Table,
    /// One JSON document.
    Json,
    /// Comma-separated values with a header line.
    Csv,
    /// A Markdown table to paste into a mail or a page.
    Md,
}

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Align {
    /// Texts.
    #[default]
    Left,
    /// Numbers.
    Right,
}

/// One cell: a value for programs and, where it differs, a text for people.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    value: Value,
    text: Option<String>,
    tone: Option<Tone>,
}

impl Cell {
    /// Shown to people as `text`.
    #[must_use]
    pub(crate) fn shown(self, text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..self }
    }

    /// Coloured in the aligned table.
    #[must_use]
    pub(crate) fn tone(self, tone: Tone) -> Self {
        Self { tone: Some(tone), ..self }
    }

    fn plain(&self) -> String {
        match &self.value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    fn for_people(&self) -> String {
        self.text.clone().unwrap_or_else(|| self.plain())
    }
}

impl<T: Into<Value>> From<T> for Cell {
    fn from(value: T) -> Self {
        Self { value: value.into(), text: None, tone: None }
    }
}

/// A list with named columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    columns: Vec<(Cow<'static, str>, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these columns; `>name` stands on the right.
    pub(crate) fn new(columns: &[&'static str]) -> Self {
        let columns = columns
            .iter()
            .map(|&name| match name.strip_prefix('>') {
                Some(name) => (Cow::Borrowed(name), Align::Right),
                None => (Cow::Borrowed(name), Align::Left),
            })
            .collect();
        Self { columns, rows: Vec::new() }
    }

    /// A table whose columns are known at run time only.
    pub(crate) fn with_columns(columns: Vec<(String, Align)>) -> Self {
        let columns = columns.into_iter().map(|(name, align)| (Cow::Owned(name), align)).collect();
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row with as many cells as there are columns.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells: Vec<Cell> = cells.into_iter().collect();
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// The whole table as text in `format`, with a line end.
    pub(crate) fn render(&self, format: ListFormat, output: &Output) -> String {
        match format {
            ListFormat::Table => self.aligned(output),
            ListFormat::Json => {
                serde_json::to_string_pretty(&self.json()).unwrap_or_default() + "\n"
            }
            ListFormat::Csv => self.csv(),
            ListFormat::Md => self.markdown(),
        }
    }

    /// The rows as a list of objects.
    pub(crate) fn json(&self) -> Value {
        let object = |row: &Vec<Cell>| {
            let members = self.columns.iter().zip(row);
            Value::Object(
                members
                    .map(|((name, _), cell)| (name.replace(' ', "_"), cell.value.clone()))
                    .collect::<Map<_, _>>(),
            )
        };
        Value::Array(self.rows.iter().map(object).collect())
    }

    /// Aligned columns, two spaces between; the last column is wrapped to the terminal's width.
    pub(crate) fn aligned(&self, output: &Output) -> String {
        let rows: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(Cell::for_people).collect()).collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|c| {
                let cells = rows.iter().map(|row| row[c].chars().count());
                cells.chain([self.columns[c].0.chars().count()]).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        let header: Vec<String> = self.columns.iter().map(|(n, _)| n.to_string()).collect();
        let tones = vec![Some(Tone::Strong); self.columns.len()];
        self.line(&mut text, &header, &widths, &tones, output);
        for (cells, row) in self.rows.iter().zip(&rows) {
            let tones: Vec<_> = cells.iter().map(|c| c.tone).collect();
            self.line(&mut text, row, &widths, &tones, output);
        }
        text
    }

    fn line(
        &self,
        text: &mut String,
        cells: &[String],
        widths: &[usize],
        tones: &[Option<Tone>],
        output: &Output,
    ) {
        let before_last: usize = widths[..widths.len() - 1].iter().map(|w| w + 2).sum();
        let last_width = output.width.saturating_sub(before_last).max(30);
        let paint = |tone: Option<Tone>, text: String| match tone {
            Some(tone) => output.paint_out(tone, &text),
            None => text,
        };
        for (place, cell) in cells.iter().enumerate() {
            let last = place + 1 == cells.len();
            let pad = " ".repeat(widths[place].saturating_sub(cell.chars().count()));
            let painted = |part: &str| paint(tones[place], part.to_owned());
            match self.columns[place].1 {
                Align::Right => text.push_str(&format!("{pad}{}", painted(cell))),
                Align::Left if last => {
                    let lines = wrap(cell, last_width);
                    let indent = format!("\n{}", " ".repeat(before_last));
                    let lines: Vec<String> = lines.iter().map(|l| painted(l)).collect();
                    text.push_str(&lines.join(&indent));
                }
                Align::Left => text.push_str(&format!("{}{pad}", painted(cell))),
            }
            if !last {
                text.push_str("  ");
            }
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }

    fn csv(&self) -> String {
        let quote = |cell: String| {
            if cell.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell
            }
        };
        let names = self.columns.iter().map(|(n, _)| n.replace(' ', "_")).collect::<Vec<_>>();
        let mut text = names.join(",") + "\n";
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|c| quote(c.plain())).collect();
            text.push_str(&(cells.join(",") + "\n"));
        }
        text
    }

    /// A Markdown table.
    pub(crate) fn markdown(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(n, _)| n.as_ref()).collect();
        let rule = self.columns.iter().map(|(_, align)| match align {
            Align::Left => "---",
            Align::Right => "---:",
        });
        let rule: Vec<&str> = rule.collect();
        let mut text = format!("| {} |\n|{}|\n", names.join(" | "), rule.join("|"));
        for row in &self.rows {
            let cells: Vec<String> =
                row.iter().map(|c| c.for_people().replace('|', "\\|").replace('\n', " ")).collect();
            text.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        text
    }
}

impl From<Table> for report::Table {
    fn from(table: Table) -> Self {
        let number = |align: &Align| *align == Align::Right;
        Self {
            columns: table.columns.iter().map(|(n, a)| (n.to_string(), number(a))).collect(),
            rows: table.rows.iter().map(|r| r.iter().map(Cell::for_people).collect()).collect(),
        }
    }
}

/// Breaks text between words into lines of at most `width` characters (longer words stay whole).
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        let Some(line) = lines.last_mut() else { continue };
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::ColorChoice;

    fn table() -> Table {
        let mut table = Table::new(&["name", ">packets", "what it is"]);
        table.row(["a,b".into(), Cell::from(1200).shown("1 200"), "say \"hi\"".into()]);
        table.row(["c".into(), Cell::from(3), Cell::from(Value::Null)]);
        table
    }

    #[test]
    fn the_same_cells_in_four_formats() {
        let output = Output::new(ColorChoice::Never, 0);
        let aligned = table().render(ListFormat::Table, &output);
        assert_eq!(
            aligned,
            "name  packets  what it is\na,b     1 200  say \"hi\"\nc           3\n"
        );
        let csv = table().render(ListFormat::Csv, &output);
        assert_eq!(csv, "name,packets,what_it_is\n\"a,b\",1200,\"say \"\"hi\"\"\"\nc,3,\n");
        let md = table().render(ListFormat::Md, &output);
        assert_eq!(md.lines().nth(1), Some("|---|---:|---|"));
        let json: Value =
            serde_json::from_str(&table().render(ListFormat::Json, &output)).expect("json");
        assert_eq!(json[0]["packets"], 1200);
        assert_eq!(json[1]["what_it_is"], Value::Null);
    }

    #[test]
    fn text_is_wrapped_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcdefghij", "k"]);
    }
}
