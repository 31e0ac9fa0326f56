//! Views: the columns of other tools, under their names and in their units, made of ours.
//!
//! A view is a static list. Each of its columns is one of our columns, or a small total expression over a few of them,
//! with a note where its value differs from the other tool's because an error of theirs is not repeated. What cannot be
//! filled is left out and named with its reason, never made up.
//!
//! To add a view: write `views/<tool>.rs` and add it to [`VIEWS`].

mod cicflowmeter;
mod expr;
mod nfstream;

pub use expr::Expr;

use crate::column::{Column, Identity, Kind, Privacy, Scope};
use crate::table;

/// Every view, by name.
pub static VIEWS: &[&View] = &[&cicflowmeter::VIEW, &nfstream::VIEW];

/// The view of this name.
pub fn find(name: &str) -> Option<&'static View> {
    VIEWS.iter().copied().find(|view| view.name == name)
}

/// The columns of another tool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// As it is written on the command line.
    pub name: &'static str,
    /// The other tool and its version.
    pub tool: &'static str,
    /// What it gives, in one clause.
    pub meaning: &'static str,
    /// How to get the same flows.
    pub flows: &'static str,
    /// Its columns, in the other tool's order.
    pub columns: &'static [ViewColumn],
    /// Columns of the other tool that are not there.
    pub missing: &'static [Missing],
}

/// A column of another tool that a view does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its name there.
    pub name: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// One column of a view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ViewColumn {
    /// The other tool's name.
    pub name: &'static str,
    /// What it is made of.
    pub expr: Expr,
    /// Its unit, where it is not that of the column it is made of.
    unit: Option<&'static str>,
    /// How its value differs from the other tool's, and why.
    pub note: Option<&'static str>,
}

impl ViewColumn {
    /// A column that is one of ours.
    pub const fn same(name: &'static str, column: &'static str) -> Self {
        Self::new(name, Expr::Same(column))
    }

    /// A column made of ours.
    pub const fn new(name: &'static str, expr: Expr) -> Self {
        Self { name, expr, unit: None, note: None }
    }

    /// In this unit.
    #[must_use]
    pub const fn unit(self, unit: &'static str) -> Self {
        Self { unit: Some(unit), ..self }
    }

    /// Differs from the other tool's by.
    #[must_use]
    pub const fn note(self, note: &'static str) -> Self {
        Self { note: Some(note), ..self }
    }

    /// Our columns that it is made of.
    pub fn sources(&self) -> impl Iterator<Item = &'static Column> + use<> {
        self.expr.names().filter_map(|name| table::find(name).ok())
    }

    /// Its type.
    pub fn kind(&self) -> Kind {
        self.expr.kind()
    }

    /// Its unit; empty for pure numbers, texts and truth values.
    pub fn unit_name(&self) -> &'static str {
        let of_source = || self.sources().next().map_or("", |column| column.unit);
        self.unit.unwrap_or_else(of_source)
    }

    /// What it is, in words.
    pub fn meaning(&self) -> String {
        let first = self.sources().next().map_or("", |column| column.meaning);
        match self.expr {
            Expr::Same(_) | Expr::Times(..) | Expr::Millis(_) | Expr::First(_) => first.to_owned(),
            Expr::Sum(_) | Expr::Ratio(..) => self.expr.to_string(),
            Expr::SampleStd { .. } | Expr::SampleVariance { .. } => {
                format!("{} (ddof 1): {}", self.expr.what(), self.expr)
            }
        }
    }

    /// When it is null.
    pub fn nulls(&self) -> String {
        let of_source = self.sources().next().map_or("never", |column| column.nulls);
        match self.expr {
            Expr::Same(_) | Expr::Times(..) | Expr::Millis(_) | Expr::Sum(_) => {
                of_source.to_owned()
            }
            Expr::Ratio(over, under) => format!("`{over}` is null, or `{under}` is null or 0"),
            Expr::First(names) => format!("all of {} are null", names.join(", ")),
            Expr::SampleStd { .. } | Expr::SampleVariance { .. } => {
                "fewer than 2 values: a sample of one has no deviation".to_owned()
            }
        }
    }

    /// Which packets it looks at.
    pub fn scope(&self) -> Scope {
        let mut scopes = self.sources().map(|column| column.scope);
        let first = scopes.next().unwrap_or(Scope::Bidirectional);
        // A rate or share of one direction is over what counts for both.
        let own = scopes.all(|scope| scope == first || scope == Scope::Bidirectional);
        if own { first } else { Scope::Bidirectional }
    }

    /// What it says about people: as much as the most private of its sources.
    pub fn privacy(&self) -> Privacy {
        self.sources().map(|column| column.privacy).max().unwrap_or(Privacy::Safe)
    }

    /// Whom it identifies.
    pub fn identity(&self) -> Identity {
        let mut identities = self.sources().map(|column| column.identity);
        identities.find(|identity| *identity != Identity::Nothing).unwrap_or(Identity::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::groups::GROUPS;
    use crate::select::WORDS;

    #[test]
    fn views_are_made_of_columns_of_the_right_type() {
        for column in VIEWS.iter().flat_map(|view| view.columns) {
            let names: Vec<_> = column.expr.names().collect();
            assert_eq!(names.len(), column.sources().count(), "`{}`", column.name);
            column.expr.check().unwrap_or_else(|error| panic!("`{}`: {error}", column.name));
            if matches!(column.expr, Expr::Times(..) | Expr::Ratio(..) | Expr::Millis(_)) {
                let of_source = column.sources().next().map(|source| source.unit);
                let same =
                    matches!(column.expr, Expr::Ratio(..)) || Some(column.unit_name()) != of_source;
                assert!(same, "`{}` has another unit than its source", column.name);
            }
            assert!(!column.meaning().is_empty() && !column.nulls().is_empty());
        }
    }

    #[test]
    fn names_are_unique_in_a_view_and_not_missing_from_it() {
        for view in VIEWS {
            let mut seen = HashSet::new();
            let missing = view.missing.iter().map(|missing| missing.name);
            for name in view.columns.iter().map(|column| column.name).chain(missing) {
                assert!(seen.insert(name), "`{name}` twice in {}", view.name);
            }
            assert!(view.missing.iter().all(|missing| missing.reason.len() > 20));
            let taken = GROUPS.iter().any(|group| group.name == view.name)
                || table::find(view.name).is_ok()
                || WORDS.contains(&view.name);
            assert!(!taken, "`{}` is another thing's name", view.name);
        }
    }

    #[test]
    fn counts_are_those_of_the_tools() {
        let all = |name| {
            let view = find(name).unwrap();
            view.columns.len() + view.missing.len()
        };
        // The header of CICFlowMeter 4.0 has 84 columns; NFStream 6.6.0 has 86 with statistics and nDPI, 3 with
        // `splt_analysis` and 3 of live processes.
        assert_eq!(all("cicflowmeter"), 84);
        assert_eq!(all("nfstream"), 86 + 3 + 3);
        assert!(find("joy").is_none());
    }

    #[test]
    fn what_a_view_column_is_follows_from_its_sources() {
        let view = find("cicflowmeter").unwrap();
        let column = |name| *view.columns.iter().find(|column| column.name == name).unwrap();
        assert_eq!(column("Src IP").identity(), Identity::Address);
        assert_eq!(column("Src IP").privacy(), Privacy::High);
        assert_eq!(column("Fwd Packets/s").scope(), Scope::Forward);
        assert_eq!(column("Down/Up Ratio").scope(), Scope::Bidirectional);
        assert_eq!(column("Flow Duration").unit_name(), "us");
        assert_eq!(column("Total Fwd Packet").unit_name(), "packets");
        assert_eq!(column("Total Fwd Packet").kind(), Kind::U64);
    }
}
