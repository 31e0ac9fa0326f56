//! The tables of known differences and what is wrong with them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Where two tools disagree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Difference {
    /// The test or capture.
    pub(crate) case: String,
    /// The connection, as both name it.
    pub(crate) connection: String,
    /// What is compared.
    pub(crate) field: &'static str,
    /// Our value.
    pub(crate) ours: String,
    /// The other tool's.
    pub(crate) theirs: String,
}

impl Difference {
    fn line(&self) -> String {
        [&*self.case, &*self.connection, self.field, &*self.ours, &*self.theirs].join("\t")
    }
}

/// A table of the tests' folder.
pub(crate) fn path(table: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential").join(table)
}

/// The rows of a tab-separated table, without its header and comments.
pub(crate) fn table(name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path(name)).unwrap_or_default();
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).skip(1);
    rows.map(|row| row.split('\t').map(str::to_owned).collect()).collect()
}

/// Compares what was found with the committed table, and fails on what is not listed, not explained, or gone.
pub(crate) fn judge(table_name: &str, theirs: &str, found: &[Difference]) {
    let listed: BTreeMap<String, String> = table(table_name)
        .into_iter()
        .map(|mut row| {
            let reason = if row.len() > 5 { row.pop() } else { None };
            (row.join("\t"), reason.unwrap_or_default())
        })
        .collect();
    if std::env::var("RHEOS_DIFFERENCES").is_ok_and(|mode| mode == "write") {
        write(table_name, theirs, found, &listed);
        return;
    }
    let found: BTreeMap<String, &Difference> = found.iter().map(|d| (d.line(), d)).collect();
    let mut complaints = Vec::new();
    for line in found.keys() {
        match listed.get(line).map(String::as_str) {
            None => complaints.push(format!("not listed: {line}")),
            Some("") => complaints.push(format!("no reason: {line}")),
            Some(_) => {}
        }
    }
    complaints
        .extend(listed.keys().filter(|l| !found.contains_key(*l)).map(|l| format!("gone: {l}")));
    assert!(
        complaints.is_empty(),
        "{} lines of {table_name} are not as they are:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}

fn write(name: &str, theirs: &str, found: &[Difference], listed: &BTreeMap<String, String>) {
    let mut lines: Vec<String> = found
        .iter()
        .map(Difference::line)
        .map(|line| format!("{line}\t{}\n", listed.get(&line).map_or("", String::as_str)))
        .collect();
    lines.sort();
    lines.dedup();
    let mut text = format!(
        "# Written by RHEOS_DIFFERENCES=write; the reasons are ours.\ncase\tconnection\tfield\tours\t{theirs}\treason\n"
    );
    for line in lines {
        let _ = write!(text, "{line}");
    }
    std::fs::write(path(name), text).expect("the tests' folder can be written");
}

/// Counts of agreement, by field.
#[derive(Debug, Default)]
pub(crate) struct Agreement {
    by_field: BTreeMap<&'static str, (u64, u64)>,
}

impl Agreement {
    /// Notes one comparison.
    pub(crate) fn note(&mut self, field: &'static str, agrees: bool) {
        let (same, all) = self.by_field.entry(field).or_default();
        *same += u64::from(agrees);
        *all += 1;
    }

    /// Adds another's counts.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (field, (same, all)) in &other.by_field {
            let mine = self.by_field.entry(field).or_default();
            mine.0 += same;
            mine.1 += all;
        }
    }

    /// The share of comparisons that agree, over all fields, in percent.
    pub(crate) fn percent(&self) -> f64 {
        let sum = |of: fn(&(u64, u64)) -> u64| self.by_field.values().map(of).sum();
        percent(sum(|(same, _)| *same), sum(|(_, all)| *all))
    }

    /// Prints a table of the fields.
    pub(crate) fn print(&self, title: &str) {
        println!("{title}\n  {:<16}{:>8}{:>8}{:>9}", "field", "agree", "of", "percent");
        for (field, (same, all)) in &self.by_field {
            println!("  {field:<16}{same:>8}{all:>8}{:>9.2}", percent(*same, *all));
        }
    }
}

/// `part` of `whole` in percent; all of nothing is 100.
pub(crate) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 100.0 } else { 100.0 * part as f64 / whole as f64 }
}
