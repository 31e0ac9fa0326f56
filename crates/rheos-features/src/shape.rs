//! What rows look like to whoever gets them: the columns of a selection, or those that a view makes of one.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema, SchemaRef};

use crate::column::{Column, Identity};
use crate::error::Error;
use crate::nearest::nearest;
use crate::select::Selection;
use crate::table;
use crate::views::{self, View, ViewColumn};

/// The columns of rows, and what has to be computed for them.
#[derive(Clone, Debug, PartialEq)]
pub struct RowShape {
    selection: Selection,
    view: Option<Shown>,
}

/// The chosen columns of a view, and ours behind them.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    view: &'static View,
    columns: Vec<ViewColumn>,
}

impl From<Selection> for RowShape {
    fn from(selection: Selection) -> Self {
        Self { selection, view: None }
    }
}

impl RowShape {
    /// As [`Selection::combined`], where `profile` can also be the name of a [`View`]: then the rows have the view's
    /// columns and behind them the columns that are named, without what is excluded: columns of the view, and those
    /// made of an excluded column or group of ours. A view has no groups.
    ///
    /// # Errors
    /// Those of [`Selection::combined`], [`Error::ViewHasNoGroups`], [`Error::ViewHasColumn`].
    pub fn combined<S: AsRef<str>>(
        profile: &str,
        groups: &[S],
        columns: &[S],
        exclude: &[S],
    ) -> Result<Self, Error> {
        let Some(view) = views::find(profile) else {
            return Selection::combined(profile, groups, columns, exclude).map(Self::from);
        };
        if !groups.is_empty() {
            return Err(Error::ViewHasNoGroups { view: view.name });
        }
        let mut chosen = view.columns.to_vec();
        for name in columns {
            let column = table::find(name.as_ref())?;
            let own = ViewColumn::same(column.name, column.name);
            match chosen.iter().find(|known| known.name == column.name) {
                None => chosen.push(own),
                Some(known) if known.expr == own.expr => {}
                Some(_) => return Err(Error::ViewHasColumn { view: view.name, name: column.name }),
            }
        }
        for name in exclude {
            leave_out(name.as_ref(), &mut chosen)?;
        }
        Self::shown(view, chosen)
    }

    fn shown(view: &'static View, columns: Vec<ViewColumn>) -> Result<Self, Error> {
        let names: Vec<&str> = columns.iter().flat_map(|column| column.expr.names()).collect();
        if names.is_empty() {
            return Err(Error::EmptySelection);
        }
        let selection = Selection::new(&names, &[])?;
        Ok(Self { selection, view: Some(Shown { view, columns }) })
    }

    /// Without the columns that identify what `which` names.
    ///
    /// # Errors
    /// [`Error::EmptySelection`].
    pub fn without(self, which: impl Fn(Identity) -> bool) -> Result<Self, Error> {
        let Some(Shown { view, mut columns }) = self.view else {
            return self.selection.without(which).map(Self::from);
        };
        columns.retain(|column| !column.sources().any(|source| which(source.identity)));
        Self::shown(view, columns)
    }

    /// Our columns that have to be computed, each once.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// The view, and its columns that rows have, in order.
    pub fn view(&self) -> Option<(&'static View, &[ViewColumn])> {
        self.view.as_ref().map(|shown| (shown.view, &shown.columns[..]))
    }

    /// The Arrow schema of the rows; each field's metadata tells what is known of it.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(match &self.view {
            None => table::arrow_schema(self.selection.columns()),
            Some(shown) => Schema::new(shown.columns.iter().map(field).collect::<Vec<_>>()),
        })
    }

    /// The rows with these columns, given those of the selection.
    pub fn rows(&self, computed: RecordBatch) -> RecordBatch {
        let Some(shown) = &self.view else { return computed };
        let values = shown.columns.iter().map(|column| column.expr.values(&computed));
        let values: Vec<ArrayRef> = values.collect();
        let options = RecordBatchOptions::new().with_row_count(Some(computed.num_rows()));
        RecordBatch::try_new_with_options(self.schema(), values, &options)
            .expect("every expression gives one value of its kind per row of the selection")
    }
}

/// Takes out the columns of this name, or made of the column or group of this name.
fn leave_out(name: &str, chosen: &mut Vec<ViewColumn>) -> Result<(), Error> {
    if chosen.iter().any(|column| column.name == name) {
        chosen.retain(|column| column.name != name);
        return Ok(());
    }
    let ours: Vec<&Column> = match (table::find(name), table::group(name)) {
        (Ok(column), _) => vec![column],
        (_, Ok(group)) => group.columns.iter().collect(),
        (Err(_), Err(_)) => {
            let known = chosen.iter().map(|column| column.name);
            let known = known.chain(table::columns().map(|column| column.name));
            return Err(Error::unknown_name(name, &nearest(name, known)));
        }
    };
    let made_of = |source: &Column| ours.iter().any(|column| column.name == source.name);
    chosen.retain(|column| !column.sources().any(made_of));
    Ok(())
}

fn field(column: &ViewColumn) -> Field {
    let of_source = |column: &ViewColumn| {
        let mut sources = column.sources();
        let first = sources.next().map(table::group_of);
        let same =
            |other: &'static Column| Some(table::group_of(other).name) == first.map(|g| g.name);
        first.filter(|_| sources.all(same)).map_or("", |group| group.name).to_owned()
    };
    let facts = [
        ("description", column.meaning()),
        ("from", column.expr.to_string()),
        ("group", of_source(column)),
        ("null", column.nulls()),
        ("unit", column.unit_name().to_owned()),
        ("direction", column.scope().name().to_owned()),
        ("privacy", column.privacy().name().to_owned()),
        ("identity", column.identity().name().trim_matches('-').to_owned()),
        ("note", column.note.unwrap_or("").to_owned()),
    ];
    let told = facts.into_iter().filter(|(_, value)| !value.is_empty());
    let metadata = told.map(|(key, value)| (key.to_owned(), value)).collect();
    Field::new(column.name, column.kind().data_type(), true).with_metadata(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::VIEWS;

    const NONE: &[&str] = &[];

    fn names(shape: &RowShape) -> Vec<String> {
        shape.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    #[test]
    fn without_a_view_rows_are_the_selection() {
        let shape = RowShape::combined("core", NONE, &["src_ip", "duration"], NONE).unwrap();
        assert_eq!(names(&shape), ["src_ip", "duration"]);
        assert!(shape.view().is_none());
        let rows = RecordBatch::new_empty(shape.schema());
        assert_eq!(shape.rows(rows.clone()), rows);
    }

    #[test]
    fn a_view_has_its_columns_in_order_and_ours_behind_them() {
        for view in VIEWS {
            let shape = RowShape::combined(view.name, NONE, &["ja4", "app_rule"], NONE).unwrap();
            let listed: Vec<&str> = view.columns.iter().map(|column| column.name).collect();
            let names = names(&shape);
            assert_eq!(names[..listed.len()], listed);
            assert_eq!(names[listed.len()..], ["ja4", "app_rule"]);
            let computed =
                RecordBatch::new_empty(table::arrow_schema(shape.selection().columns()).into());
            assert_eq!(shape.rows(computed).schema(), shape.schema());
        }
    }

    #[test]
    fn what_is_excluded_is_left_out_by_either_name() {
        let of = |exclude: &[&str]| {
            let shape = RowShape::combined("nfstream", NONE, NONE, exclude).unwrap();
            (names(&shape), shape)
        };
        let all = of(&[]).0.len();
        let (names, shape) = of(&["bidirectional_bytes", "iat_mean", "vlan_inner_id"]);
        assert_eq!(names.len(), all - 3);
        assert!(!names.iter().any(|name| name == "vlan_id"), "made of an excluded column");
        assert!(!shape.selection().contains("iat_mean"), "nobody needs it");
        assert_eq!(of(&["timing"]).0.len(), all - 12);
        let error =
            RowShape::combined("nfstream", NONE, NONE, &["bidirectional_byte"]).unwrap_err();
        assert!(error.to_string().contains("`bidirectional_bytes`"), "{error}");
    }

    #[test]
    fn mistakes_are_told() {
        let groups = RowShape::combined("nfstream", &["timing"], NONE, NONE);
        assert_eq!(groups, Err(Error::ViewHasNoGroups { view: "nfstream" }));
        let taken = RowShape::combined("nfstream", NONE, &["vlan_id"], NONE);
        assert_eq!(taken, Err(Error::ViewHasColumn { view: "nfstream", name: "vlan_id" }));
        assert!(RowShape::combined("nfstream", NONE, &["src_ip"], NONE).is_ok(), "the same thing");
        assert!(RowShape::combined("nfstreem", NONE, NONE, NONE).is_err());
    }

    #[test]
    fn identities_are_left_out_of_views_too() {
        let shape = RowShape::combined("nfstream", NONE, NONE, NONE).unwrap();
        let kept = shape.without(|identity| identity != Identity::Nothing).unwrap();
        let names = names(&kept);
        for gone in ["src_ip", "src_mac", "dst_port", "requested_server_name", "user_agent"] {
            assert!(!names.iter().any(|name| name == gone), "{gone}");
        }
        assert!(names.iter().any(|name| name == "bidirectional_bytes"));
    }

    #[test]
    fn fields_carry_what_is_known() {
        let schema = RowShape::combined("cicflowmeter", NONE, NONE, NONE).unwrap().schema();
        let field = schema.field_with_name("Flow IAT Mean").unwrap();
        assert_eq!(field.metadata()["from"], "iat_mean * 1000000");
        assert_eq!(field.metadata()["unit"], "us");
        assert_eq!(field.metadata()["group"], "timing");
        let ip = schema.field_with_name("Src IP").unwrap();
        assert_eq!(ip.metadata()["identity"], "address");
    }
}
