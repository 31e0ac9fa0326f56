//! Rows beside the rows that were expected: which are missing, which are extra, and which values differ.
//!
//! Rows are matched by those columns of the five-tuple that both sides have, and among rows with the same five-tuple
//! by the nearest start; where there are no addresses, by order. Numbers with a fraction may differ by the tolerance,
//! relative above 1 and absolute below; moments by the tolerance in seconds. Everything else must be equal; null and
//! the empty text are equal, since many formats cannot tell them apart.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};

use crate::value::Value;

/// Starts of rows that are one and the same, in nanoseconds apart: files with floating-point seconds, or microseconds,
/// keep no more.
const SAME_START_NS: i128 = 1_000_000;

/// The columns that rows are matched by, beside their start.
pub const KEY_COLUMNS: &[&str] = &["src_ip", "dst_ip", "src_port", "dst_port", "protocol"];

/// The columns that tell when a row starts, the exact one first.
pub const START_COLUMNS: &[&str] = &["start_time", "time_first"];

/// One value that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which row: its key, or its number.
    pub row: String,
    /// The column; empty if the whole row is missing or extra.
    pub column: String,
    /// What was expected; empty for null or nothing.
    pub expected: String,
    /// What was found; empty for null or nothing.
    pub found: String,
}

/// What a comparison has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Rows that were expected.
    pub rows_expected: u64,
    /// Rows that were found.
    pub rows_found: u64,
    /// Values that were compared.
    pub values: u64,
    /// Those of them that differ.
    pub values_different: u64,
    /// Rows that were matched and have a value that differs.
    pub rows_different: u64,
    /// Rows that were expected and not found.
    pub rows_missing: u64,
    /// Rows that were found and not expected.
    pub rows_extra: u64,
    /// How often each column differs, most often first.
    pub by_column: Vec<(String, u64)>,
    /// The first differences: missing rows last.
    pub differences: Vec<Difference>,
}

impl Findings {
    /// Whether everything is as expected.
    pub fn is_equal(&self) -> bool {
        self.values_different + self.rows_missing + self.rows_extra == 0
    }

    /// How many differences there are: values, missing and extra rows.
    pub fn total(&self) -> u64 {
        self.values_different + self.rows_missing + self.rows_extra
    }
}

/// What may differ, and how much is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompareConfig {
    /// Of numbers with a fraction: relative above 1, absolute below; of moments, in seconds.
    pub tolerance: f64,
    /// Differences that are kept.
    pub kept_max: usize,
}

impl Default for CompareConfig {
    fn default() -> Self {
        Self { tolerance: 1e-9, kept_max: 20 }
    }
}

/// A comparison of rows as they come with those that were expected.
#[derive(Debug)]
pub struct Comparison {
    config: CompareConfig,
    expected: Expected,
    /// The compared columns.
    columns: Vec<Compared>,
    /// Columns that only the expected rows have.
    ignored: Vec<String>,
    differing: Vec<u64>,
    findings: Findings,
}

/// A column on both sides.
#[derive(Debug)]
struct Compared {
    name: String,
    expected: ArrayRef,
    found_at: usize,
    found_type: DataType,
}

impl Compared {
    fn expected(&self, row: usize) -> Value {
        Value::of(&self.expected, row).into_type(&self.found_type)
    }
}

/// The expected rows that were not found yet.
#[derive(Debug)]
struct Expected {
    by_key: HashMap<String, BTreeMap<i128, VecDeque<usize>>>,
    key: Vec<Compared>,
    start: Option<Compared>,
    /// Number of the next row, where rows are matched by order.
    next: usize,
    rows: usize,
}

impl Comparison {
    /// Compares with `expected` rows of `found` columns; those that only one side has are left out.
    pub fn new(expected: &RecordBatch, found: &Schema, config: CompareConfig) -> Self {
        let compared = |name: &str| {
            let (found_at, field) = found.column_with_name(name)?;
            let expected = expected.column_by_name(name)?.clone();
            let name = name.to_owned();
            Some(Compared { name, expected, found_at, found_type: field.data_type().clone() })
        };
        let schema = expected.schema();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let columns: Vec<Compared> = names.clone().filter_map(compared).collect();
        let both: HashSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let ignored = names.filter(|name| !both.contains(name)).map(str::to_owned).collect();
        let mut key: Vec<Compared> = KEY_COLUMNS.iter().filter_map(|name| compared(name)).collect();
        let has = |name: &str| key.iter().any(|column| column.name == name);
        if !has("src_ip") || !has("dst_ip") {
            key.clear();
        }
        let start = START_COLUMNS.iter().find_map(|name| compared(name));
        let findings =
            Findings { rows_expected: expected.num_rows() as u64, ..Findings::default() };
        let expected = Expected::new(key, start, expected.num_rows());
        let differing = vec![0; columns.len()];
        Self { config, expected, columns, ignored, differing, findings }
    }

    /// The columns that are compared.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The columns that only the expected rows have.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Whether rows are matched by their five-tuple, not by order.
    pub fn has_key(&self) -> bool {
        !self.expected.key.is_empty()
    }

    /// Takes in the next rows, which have the columns that were announced.
    pub fn add(&mut self, rows: &RecordBatch) {
        for row in 0..rows.num_rows() {
            self.findings.rows_found += 1;
            if let Some(place) = self.expected.take(rows, row) {
                self.compare(rows, row, place);
            } else {
                self.findings.rows_extra += 1;
                let row = self.expected.name_found(rows, row, self.findings.rows_found);
                self.keep(row, "", String::new(), "an extra row".to_owned());
            }
        }
    }

    fn compare(&mut self, rows: &RecordBatch, row: usize, place: usize) {
        let before = self.findings.values_different;
        for number in 0..self.columns.len() {
            let column = &self.columns[number];
            let expected = column.expected(place);
            let found = Value::of(rows.column(column.found_at), row);
            self.findings.values += 1;
            if expected.equals(&found, self.config.tolerance) {
                continue;
            }
            self.findings.values_different += 1;
            self.differing[number] += 1;
            if self.findings.differences.len() < self.config.kept_max {
                let name = column.name.clone();
                let named = self.expected.name_found(rows, row, self.findings.rows_found);
                self.keep(named, &name, expected.to_string(), found.to_string());
            }
        }
        self.findings.rows_different += u64::from(self.findings.values_different > before);
    }

    fn keep(&mut self, row: String, column: &str, expected: String, found: String) {
        if self.findings.differences.len() < self.config.kept_max {
            let column = column.to_owned();
            self.findings.differences.push(Difference { row, column, expected, found });
        }
    }

    /// All rows were taken in: the rows that are left are missing.
    pub fn finish(mut self) -> Findings {
        let left = self.expected.left();
        self.findings.rows_missing = left.len() as u64;
        for place in left {
            if self.findings.differences.len() == self.config.kept_max {
                break;
            }
            let named = self.expected.name_expected(place);
            self.keep(named, "", "a row".to_owned(), String::new());
        }
        let mut by_column: Vec<(String, u64)> = self
            .columns
            .iter()
            .zip(&self.differing)
            .filter(|&(_, &times)| times > 0)
            .map(|(column, &times)| (column.name.clone(), times))
            .collect();
        by_column.sort_by_key(|&(_, times)| std::cmp::Reverse(times));
        self.findings.by_column = by_column;
        self.findings
    }
}

impl Expected {
    fn new(key: Vec<Compared>, start: Option<Compared>, rows: usize) -> Self {
        let mut expected = Self { by_key: HashMap::new(), key, start, next: 0, rows };
        if !expected.key.is_empty() {
            for row in 0..rows {
                let key = expected.key_of(|column| column.expected(row));
                let start = expected.start_of(|column| column.expected(row));
                let starts = expected.by_key.entry(key).or_default();
                starts.entry(start).or_default().push_back(row);
            }
        }
        expected
    }

    fn key_of(&self, value: impl Fn(&Compared) -> Value) -> String {
        let values: Vec<String> = self.key.iter().map(|column| value(column).to_string()).collect();
        values.join(" ")
    }

    /// 0 where rows do not tell when they start: then the first of equal rows is taken first.
    fn start_of(&self, value: impl Fn(&Compared) -> Value) -> i128 {
        self.start.as_ref().and_then(|column| value(column).moment()).unwrap_or(0)
    }

    /// The expected row for a found one, which then is expected no more.
    fn take(&mut self, rows: &RecordBatch, row: usize) -> Option<usize> {
        if self.key.is_empty() {
            let place = self.next;
            self.next += 1;
            return (place < self.rows).then_some(place);
        }
        let found = |column: &Compared| Value::of(rows.column(column.found_at), row);
        let (key, start) = (self.key_of(found), self.start_of(found));
        let starts = self.by_key.get_mut(&key)?;
        let before = starts.range(..=start).next_back().map(|(&at, _)| at);
        let after = starts.range(start..).next().map(|(&at, _)| at);
        let nearest = before.into_iter().chain(after).min_by_key(|at| (at - start).abs())?;
        if (nearest - start).abs() > SAME_START_NS {
            return None;
        }
        let same = starts.get_mut(&nearest)?;
        let place = same.pop_front();
        if same.is_empty() {
            starts.remove(&nearest);
        }
        place
    }

    /// The rows that nobody took, in order.
    fn left(&self) -> Vec<usize> {
        if self.key.is_empty() {
            return (self.next.min(self.rows)..self.rows).collect();
        }
        let rows = self.by_key.values().flat_map(BTreeMap::values).flatten();
        let mut rows: Vec<usize> = rows.copied().collect();
        rows.sort_unstable();
        rows
    }

    fn name_found(&self, rows: &RecordBatch, row: usize, number: u64) -> String {
        self.name(|column| Value::of(rows.column(column.found_at), row), number)
    }

    fn name_expected(&self, row: usize) -> String {
        self.name(|column| column.expected(row), row as u64 + 1)
    }

    fn name(&self, value: impl Fn(&Compared) -> Value, number: u64) -> String {
        if self.key.is_empty() {
            return format!("row {number}");
        }
        let key = self.key_of(&value);
        match &self.start {
            Some(start) => format!("{key} {}", value(start)),
            None => key,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Float64Array, StringArray, UInt16Array, UInt64Array};

    use super::*;

    type Row = (&'static str, u16, f64, u64, Option<f64>);

    /// Rows of source, port, start in seconds, packets, duration.
    fn rows(of: &[Row]) -> RecordBatch {
        let texts = |value: fn(&Row) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(of.iter().map(value)))
        };
        RecordBatch::try_from_iter([
            ("src_ip", texts(|row| row.0.to_owned())),
            ("dst_ip", texts(|_| "10.0.0.9".to_owned())),
            ("src_port", Arc::new(UInt16Array::from_iter_values(of.iter().map(|r| r.1)))),
            ("time_first", Arc::new(Float64Array::from_iter_values(of.iter().map(|r| r.2)))),
            ("packets", Arc::new(UInt64Array::from_iter_values(of.iter().map(|r| r.3)))),
            ("duration", Arc::new(of.iter().map(|r| r.4).collect::<Float64Array>()) as ArrayRef),
        ])
        .unwrap()
    }

    fn compare(expected: &RecordBatch, found: &RecordBatch, tolerance: f64) -> Findings {
        let config = CompareConfig { tolerance, kept_max: 3 };
        let mut comparison = Comparison::new(expected, &found.schema(), config);
        comparison.add(found);
        comparison.finish()
    }

    const A: Row = ("10.0.0.1", 1, 100.0, 7, Some(0.5));
    const LATER: Row = ("10.0.0.1", 1, 200.0, 8, None);
    const B: Row = ("10.0.0.2", 1, 100.0, 9, Some(2.0));

    #[test]
    fn rows_are_matched_by_five_tuple_and_start_in_any_order() {
        let findings = compare(&rows(&[A, LATER, B]), &rows(&[B, LATER, A]), 0.0);
        assert!(findings.is_equal(), "{findings:?}");
        assert_eq!((findings.rows_expected, findings.rows_found, findings.values), (3, 3, 18));
    }

    #[test]
    fn differing_values_missing_and_extra_rows_are_told() {
        let expected = rows(&[A, B]);
        let found = rows(&[(A.0, A.1, A.2, 8, Some(0.5)), ("10.0.0.3", 1, 100.0, 1, None)]);
        let findings = compare(&expected, &found, 1e-9);
        assert_eq!((findings.values_different, findings.rows_different), (1, 1));
        assert_eq!((findings.rows_missing, findings.rows_extra, findings.total()), (1, 1, 3));
        assert_eq!(findings.by_column, [("packets".to_owned(), 1)]);
        let told: Vec<[&str; 3]> = findings
            .differences
            .iter()
            .map(|d| [d.column.as_str(), d.expected.as_str(), d.found.as_str()])
            .collect();
        assert_eq!(told, [["packets", "7", "8"], ["", "", "an extra row"], ["", "a row", ""]]);
        assert_eq!(findings.differences[2].row, "10.0.0.2 10.0.0.9 1 100.0");
    }

    #[test]
    fn the_list_is_bounded_and_the_count_is_not() {
        let all: Vec<_> = (0..9).map(|port| ("10.0.0.1", port, 0.0, 1, None)).collect();
        let more: Vec<_> = all.iter().map(|row| (row.0, row.1, 0.0, 2, Some(1.0))).collect();
        let findings = compare(&rows(&all), &rows(&more), 0.0);
        assert_eq!((findings.differences.len(), findings.values_different), (3, 18));
    }

    #[test]
    fn the_tolerance_is_of_numbers_with_a_fraction() {
        let near = |value| compare(&rows(&[B]), &rows(&[(B.0, B.1, B.2, 9, Some(value))]), 1e-3);
        assert!(near(2.001).is_equal() && near(1.999).is_equal());
        assert!(!near(2.003).is_equal());
        let packets = compare(&rows(&[B]), &rows(&[(B.0, B.1, B.2, 10, B.4)]), 0.5);
        assert_eq!(packets.values_different, 1, "whole numbers are equal or not");
        let null = compare(&rows(&[B]), &rows(&[(B.0, B.1, B.2, 9, None)]), 0.5);
        assert_eq!(null.values_different, 1, "null is no number");
    }

    #[test]
    fn a_start_that_is_too_far_is_another_row() {
        let findings = compare(&rows(&[A]), &rows(&[(A.0, A.1, 100.1, 7, A.4)]), 1.0);
        assert_eq!((findings.rows_missing, findings.rows_extra), (1, 1));
        let findings = compare(&rows(&[A]), &rows(&[(A.0, A.1, 100.0005, 7, A.4)]), 1e-2);
        assert!(findings.is_equal(), "{findings:?}");
    }

    #[test]
    fn without_addresses_the_order_counts_and_other_columns_are_left_out() {
        let only = |batch: &RecordBatch, names: &[&str]| {
            let places: Vec<usize> =
                names.iter().map(|name| batch.schema().index_of(name).unwrap()).collect();
            batch.project(&places).unwrap()
        };
        let expected = only(&rows(&[A, B]), &["packets"]);
        let found = rows(&[A, B, LATER]);
        let mut comparison = Comparison::new(&expected, &found.schema(), CompareConfig::default());
        assert!(!comparison.has_key());
        assert_eq!(comparison.columns().collect::<Vec<_>>(), ["packets"]);
        comparison.add(&found);
        let findings = comparison.finish();
        assert_eq!((findings.values_different, findings.rows_extra), (0, 1));
        assert_eq!(findings.differences[0].row, "row 3");
        let found = only(&rows(&[A]), &["duration"]);
        let comparison = Comparison::new(&expected, &found.schema(), CompareConfig::default());
        assert_eq!(comparison.ignored(), ["packets"]);
    }
}
