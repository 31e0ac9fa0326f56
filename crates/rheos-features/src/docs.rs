//! The table of columns for people and for programs: Markdown, JSON, JSON Schema.

pub mod changes;
mod sources;

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::column::{Column, Emitted, GroupInfo, Kind};
use crate::table;

/// The reference page of a group; `example` gives a value of a column as it is written for people, if there is one.
pub fn markdown(group: &GroupInfo, example: impl Fn(&Column) -> Option<String>) -> String {
    let mut page = format!("# `{}`: {}\n\n", group.name, group.meaning);
    let optional = group.columns.iter().filter(|c| c.emitted == Emitted::Option).count();
    let _ = writeln!(
        page,
        "{} columns, {optional} of them only when asked for. Standard deviations and variances are those of the \
         population (ddof 0).\n",
        group.columns.len()
    );
    if let Some(source) = sources::of(group.name) {
        let _ = writeln!(page, "Read from, and defined by: {source}.\n");
    }
    page.push_str("| column | type | unit | direction | null when |\n|---|---|---|---|---|\n");
    for column in group.columns {
        let _ = writeln!(
            page,
            "| [`{0}`](#{0}) | {1} | {2} | {3} | {4} |",
            column.name,
            cell(column.kind.name()),
            cell(column.unit),
            column.scope.name(),
            cell(column.nulls),
        );
    }
    for column in group.columns {
        markdown_column(&mut page, column, example(column));
    }
    page
}

fn markdown_column(page: &mut String, column: &Column, example: Option<String>) {
    let _ = write!(page, "\n## `{}`\n\n{}.\n", column.name, upper_first(column.meaning));
    let mut facts = vec![
        format!("Profile `{}`", column.profile.name()),
        format!("privacy `{}`", column.privacy.name()),
    ];
    if column.emitted == Emitted::Option {
        facts.push("only when asked for".to_owned());
    }
    if let Some(of) = column.alias_of {
        facts.push(format!("tells the same as `{of}`"));
    }
    let _ = writeln!(page, "\n{}.", facts.join(", "));
    let mut terms = vec![format!("type {}", cell(column.kind.name()))];
    if !column.unit.is_empty() {
        terms.push(format!("unit {}", column.unit));
    }
    terms.push(format!("direction {}", column.scope.name()));
    terms.push(format!("null when: {}", column.nulls));
    let _ = writeln!(page, "\n{}.", upper_first(&terms.join("; ")));
    if let Some(example) = example {
        let _ = writeln!(page, "\nExample: `{}`.", example.replace('`', "'"));
    }
    if let Some(changed) = column.changed {
        let _ = writeln!(page, "\nUnlike JoyfulJay's column of this name: {changed}.");
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// A sentence begins with a capital, but a name stays as it is.
fn upper_first(text: &str) -> String {
    let word = text.split([' ', ',', ';']).next().unwrap_or_default();
    if word.contains(['_', '.', '/', '(']) || table::find(word).is_ok() {
        return text.to_owned();
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Columns as a JSON array of objects, one per column.
pub fn json<'a>(columns: impl Iterator<Item = &'a Column>) -> Value {
    columns.map(json_column).collect()
}

fn json_column(column: &Column) -> Value {
    json!({
        "name": column.name,
        "group": table::group_of(column).name,
        "type": column.kind.name(),
        "unit": column.unit,
        "direction": column.scope.name(),
        "default": column.emitted == Emitted::Default,
        "profile": column.profile.name(),
        "privacy": column.privacy.name(),
        "alias_of": column.alias_of,
        "null": column.nulls,
        "meaning": column.meaning,
        "changed": column.changed,
    })
}

/// The JSON Schema (draft 2020-12) of one row as an object, as JSON Lines have it.
pub fn json_schema<'a>(columns: impl Iterator<Item = &'a Column>) -> Value {
    let mut properties = Map::new();
    for column in columns {
        let mut schema = json_type(column.kind);
        schema["description"] = column.meaning.into();
        schema["x-null"] = column.nulls.into();
        if !column.unit.is_empty() {
            schema["x-unit"] = column.unit.into();
        }
        properties.insert(column.name.to_owned(), schema);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rheos flow features",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

fn json_type(kind: Kind) -> Value {
    let unsigned = |max: u64| json!({"type": ["integer", "null"], "minimum": 0, "maximum": max});
    let list = |item: Value| json!({"type": ["array", "null"], "items": item});
    match kind {
        Kind::U8 => unsigned(u64::from(u8::MAX)),
        Kind::U16 => unsigned(u64::from(u16::MAX)),
        Kind::U32 => unsigned(u64::from(u32::MAX)),
        Kind::U64 => unsigned(u64::MAX),
        Kind::I64 => json!({"type": ["integer", "null"]}),
        Kind::F64 => json!({"type": ["number", "null"]}),
        Kind::Bool => json!({"type": ["boolean", "null"]}),
        Kind::Str => json!({"type": ["string", "null"]}),
        Kind::Timestamp => json!({"type": ["string", "null"], "format": "date-time"}),
        Kind::ListU32 => list(json!({"type": "integer", "minimum": 0})),
        Kind::ListI64 => list(json!({"type": "integer"})),
        Kind::ListI8 => list(json!({"type": "integer", "minimum": -128, "maximum": 127})),
        Kind::ListF64 => list(json!({"type": "number"})),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::GROUPS;

    #[test]
    fn pages_name_every_column_once_in_the_table_and_once_below() {
        for group in GROUPS {
            let page = markdown(group, |column| (column.name == "app").then(|| "a`b".to_owned()));
            assert_eq!(page.contains("\nExample: `a'b`.\n"), group.name == "application");
            assert!(sources::of(group.name).is_some(), "`{}` has no source", group.name);
            for column in group.columns {
                assert_eq!(page.matches(&format!("| [`{}`]", column.name)).count(), 1);
                assert_eq!(page.matches(&format!("\n## `{}`\n", column.name)).count(), 1);
            }
            assert!(page.ends_with(".\n"));
        }
        let page = |group| markdown(group, |_| None);
        assert!(page(&GROUPS[0]).contains("| str |"));
        assert!(!GROUPS.iter().map(page).any(|page| page.contains("<f64>")), "escaped");
    }

    #[test]
    fn sentences_begin_with_a_capital_and_names_do_not() {
        assert_eq!(upper_first("packets with FIN"), "Packets with FIN");
        assert_eq!(upper_first("tor_confidence is at least 0.5"), "tor_confidence is at least 0.5");
        assert_eq!(upper_first("duration, in ms"), "duration, in ms");
    }

    #[test]
    fn schema_has_a_property_per_column() {
        let schema = json_schema(table::columns());
        assert_eq!(schema["properties"].as_object().unwrap().len(), table::len());
        assert_eq!(schema["properties"]["iat_mean"]["x-unit"], "s");
        assert_eq!(json(table::columns()).as_array().unwrap().len(), table::len());
    }
}
