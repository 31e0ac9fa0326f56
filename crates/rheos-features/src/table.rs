//! The static table of all columns: the one place from which schema, selection, reference and rows follow.

use std::collections::HashMap;

use arrow_schema::{Field, Schema};

use crate::column::{Column, GroupInfo};
use crate::error::Error;
use crate::groups::GROUPS;
use crate::nearest::nearest;

/// Number of the set of columns: raised when a column changes its meaning, type or name, or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// All columns in output order: group by group.
pub fn columns() -> impl Iterator<Item = &'static Column> {
    GROUPS.iter().flat_map(|group| group.columns)
}

/// How many columns there are.
pub fn len() -> usize {
    GROUPS.iter().map(|group| group.columns.len()).sum()
}

/// The column with this number in output order.
pub fn at(number: usize) -> Option<&'static Column> {
    columns().nth(number)
}

/// The column of this name.
///
/// # Errors
/// [`Error::UnknownColumn`] with the nearest names.
pub fn find(name: &str) -> Result<&'static Column, Error> {
    columns().find(|c| c.name == name).ok_or_else(|| {
        let near = nearest(name, columns().map(|c| c.name));
        Error::unknown_column(name, &near)
    })
}

/// The group of this name.
///
/// # Errors
/// [`Error::UnknownGroup`] with the nearest names.
pub fn group(name: &str) -> Result<&'static GroupInfo, Error> {
    GROUPS.iter().find(|g| g.name == name).ok_or_else(|| {
        let near = nearest(name, GROUPS.iter().map(|g| g.name));
        Error::unknown_group(name, &near)
    })
}

/// The group that a column belongs to.
pub fn group_of(column: &Column) -> &'static GroupInfo {
    GROUPS.iter().find(|g| g.columns.iter().any(|c| c.name == column.name)).unwrap_or(&GROUPS[0])
}

/// The Arrow schema of these columns; each field's metadata tells what the table knows of it.
pub fn arrow_schema(columns: impl Iterator<Item = &'static Column>) -> Schema {
    Schema::new(columns.map(arrow_field).collect::<Vec<_>>())
}

fn arrow_field(column: &'static Column) -> Field {
    let mut metadata: HashMap<String, String> = [
        ("description", column.meaning),
        ("group", group_of(column).name),
        ("null", column.nulls),
        ("direction", column.scope.name()),
        ("profile", column.profile.name()),
        ("privacy", column.privacy.name()),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    let optional = [
        ("unit", Some(column.unit).filter(|unit| !unit.is_empty())),
        ("identity", Some(column.identity.name()).filter(|name| *name != "-")),
        ("alias_of", column.alias_of),
        ("changed", column.changed),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            metadata.insert(key.to_owned(), value.to_owned());
        }
    }
    Field::new(column.name, column.kind.data_type(), true).with_metadata(metadata)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::select::WORDS;

    #[test]
    fn names_are_unique_over_columns_groups_and_profile_words() {
        let mut seen = HashSet::new();
        let names = columns().map(|c| c.name);
        for name in names.chain(GROUPS.iter().map(|g| g.name)).chain(WORDS.iter().copied()) {
            assert!(seen.insert(name), "`{name}` is used twice");
        }
    }

    #[test]
    fn the_four_groups_have_the_columns_of_the_older_tool() {
        let count = |name: &str| group(name).unwrap().columns.len();
        assert_eq!(
            [count("flow_meta"), count("timing"), count("size"), count("tcp")],
            [30, 37, 43, 26]
        );
    }

    #[test]
    fn every_column_is_described() {
        for column in columns() {
            assert!(column.meaning.len() > 10, "{}", column.name);
            assert!(!column.nulls.is_empty(), "{}", column.name);
            let named = column.identity != crate::column::Identity::Nothing;
            assert!(named || column.privacy != crate::column::Privacy::High, "{}", column.name);
            if let Some(of) = column.alias_of {
                let original = find(of).unwrap();
                assert!(original.alias_of.is_none(), "{} is an alias of an alias", column.name);
            }
        }
    }

    #[test]
    fn unknown_names_come_with_the_nearest() {
        let error = find("iat_maen").unwrap_err().to_string();
        assert_eq!(error, "no column named `iat_maen` (did you mean `iat_mean`?)");
        assert!(group("timeing").unwrap_err().to_string().contains("`timing`"));
    }

    #[test]
    fn fields_carry_what_the_table_knows() {
        let schema = arrow_schema(columns());
        let field = schema.field_with_name("iat_mean").unwrap();
        assert_eq!(field.metadata()["unit"], "s");
        assert_eq!(field.metadata()["group"], "timing");
        assert_eq!(schema.fields().len(), len());
    }
}
