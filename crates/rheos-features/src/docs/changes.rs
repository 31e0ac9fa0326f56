//! The page of changes: what became of the names of JoyfulJay, and which mean something else here.

use std::fmt::Write;

use super::cell;
use crate::column::Column;
use crate::groups::GROUPS;
use crate::removed::REMOVED;
use crate::table;

/// The names of all columns of JoyfulJay (its code at commit 7f27a18, with all options on), one per line.
const JOYFULJAY: &str = include_str!("joyfuljay_names.txt");

/// Whether JoyfulJay has a column of this name.
pub fn is_older(name: &str) -> bool {
    JOYFULJAY.lines().any(|older| older == name)
}

fn changed() -> impl Iterator<Item = &'static Column> {
    table::columns().filter(|column| column.changed.is_some())
}

/// The page.
pub fn markdown() -> String {
    let older = JOYFULJAY.lines().count();
    let kept = JOYFULJAY.lines().filter(|name| table::find(name).is_ok()).count();
    let new = table::columns().filter(|column| !is_older(column.name)).count();
    let altered = changed().filter(|column| is_older(column.name)).count();
    let mut page = format!(
        "# What became of the older names\n\n\
         JoyfulJay (its code of 2026, with all options on) has {older} columns. {kept} of these names are columns here; \
         {altered} of them differ in what they say, most often null where there was a 0 that meant \"not there\". \
         {new} columns are new. Which of the older definitions were wrong, and beside those of other tools, is told in \
         [comparison.md](../comparison.md).\n\n\
         ## Names that are no columns\n\n\
         | name | why, and what to take instead |\n|---|---|\n"
    );
    for removed in REMOVED {
        let _ = writeln!(page, "| `{}` | {} |", removed.name, cell(removed.reason));
    }
    for group in GROUPS {
        let mut columns =
            group.columns.iter().filter(|c| c.changed.is_some() && is_older(c.name)).peekable();
        if columns.peek().is_none() {
            continue;
        }
        let _ = write!(
            page,
            "\n## Changed in [`{0}`](features/{0}.md)\n\n| column | how it differs |\n|---|---|\n",
            group.name
        );
        for column in columns {
            let link = format!("[`{1}`](features/{0}.md#{1})", group.name, column.name);
            let _ = writeln!(page, "| {link} | {} |", cell(column.changed.unwrap_or_default()));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_older_name_is_a_column_or_told_of() {
        assert_eq!(JOYFULJAY.lines().count(), 412);
        let gone: Vec<&str> = JOYFULJAY
            .lines()
            .filter(|name| table::find(name).is_err())
            .filter(|name| !REMOVED.iter().any(|removed| removed.name == *name))
            .collect();
        assert!(gone.is_empty(), "neither columns nor in the table of what was removed: {gone:?}");
    }

    #[test]
    fn the_page_has_a_line_for_each_change_and_each_name_that_is_gone() {
        let page = markdown();
        for removed in REMOVED {
            assert_eq!(page.matches(&format!("\n| `{}` |", removed.name)).count(), 1);
        }
        for column in changed().filter(|column| is_older(column.name)) {
            assert_eq!(page.matches(&format!("\n| [`{}`](", column.name)).count(), 1);
        }
        assert!(is_older("iat_mean") && !is_older("ja4"));
    }
}
