//! The table of columns for people and for programs: Markdown, JSON, JSON Schema.

pub mod changes;
mod sources;

use std::fmt::Write;

use arrow_schema::{DataType, Field, Schema};
use serde_json::{Map, Value, json};

use crate::column::{Column, Emitted, GroupInfo};
use crate::table;
use crate::views::{View, ViewColumn};

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

/// The reference page of a view.
pub fn view_markdown(view: &View) -> String {
    let mut page = format!("# Profile `{}`: {}\n\n", view.name, view.meaning);
    let _ = writeln!(
        page,
        "{} columns with the names and units of {}. {}.\n\n| column | type | unit | from | note |\n|---|---|---|---|---|",
        view.columns.len(),
        view.tool,
        view.flows,
    );
    for column in view.columns {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} |",
            column.name,
            cell(column.kind().name()),
            cell(column.unit_name()),
            cell(&column.expr.to_string()),
            cell(column.note.unwrap_or("")),
        );
    }
    page.push_str("\n## Not there\n\n| column | reason |\n|---|---|\n");
    for missing in view.missing {
        let _ = writeln!(page, "| `{}` | {} |", missing.name, cell(missing.reason));
    }
    page
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

/// Columns of a view as a JSON array of objects, one per column.
pub fn json_view(columns: &[ViewColumn]) -> Value {
    let one = |column: &ViewColumn| {
        json!({
            "name": column.name,
            "type": column.kind().name(),
            "unit": column.unit_name(),
            "direction": column.scope().name(),
            "from": column.expr.to_string(),
            "privacy": column.privacy().name(),
            "null": column.nulls(),
            "meaning": column.meaning(),
            "note": column.note,
        })
    };
    columns.iter().map(one).collect()
}

/// What a field's metadata tell of it, and the keywords that say so in a JSON Schema.
const KEYWORDS: &[(&str, &str)] = &[
    ("description", "description"),
    ("null", "x-null"),
    ("unit", "x-unit"),
    ("from", "x-from"),
    ("note", "$comment"),
];

/// The JSON Schema (draft 2020-12) of one row as an object, as JSON Lines have it, with nulls written out.
pub fn json_schema(rows: &Schema) -> Value {
    let mut properties = Map::new();
    for field in rows.fields() {
        let mut schema = json_type(field);
        for (key, keyword) in KEYWORDS {
            if let Some(text) = field.metadata().get(*key) {
                schema[*keyword] = text.as_str().into();
            }
        }
        properties.insert(field.name().clone(), schema);
    }
    let required: Vec<&str> = rows.fields().iter().map(|field| field.name().as_str()).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rheos flow features",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// A null is allowed unless the column says that it never is.
fn json_type(field: &Field) -> Value {
    let never = field.metadata().get("null").is_some_and(|when| when == "never");
    let mut schema = json_value(field.data_type());
    if !never {
        schema["type"] = json!([schema["type"].take(), "null"]);
    }
    schema
}

fn json_value(data_type: &DataType) -> Value {
    let unsigned = |max: u64| json!({"type": "integer", "minimum": 0, "maximum": max});
    let signed = |min: i64, max: i64| json!({"type": "integer", "minimum": min, "maximum": max});
    match data_type {
        DataType::UInt8 => unsigned(u64::from(u8::MAX)),
        DataType::UInt16 => unsigned(u64::from(u16::MAX)),
        DataType::UInt32 => unsigned(u64::from(u32::MAX)),
        DataType::UInt64 => unsigned(u64::MAX),
        DataType::Int8 => signed(i64::from(i8::MIN), i64::from(i8::MAX)),
        DataType::Int64 => signed(i64::MIN, i64::MAX),
        DataType::Float64 => json!({"type": "number"}),
        DataType::Boolean => json!({"type": "boolean"}),
        DataType::Timestamp(..) => json!({"type": "string", "format": "date-time"}),
        DataType::List(item) => json!({"type": "array", "items": json_value(item.data_type())}),
        _ => json!({"type": "string"}),
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
    fn pages_of_views_name_every_column_and_what_is_missing() {
        for view in crate::VIEWS {
            let page = view_markdown(view);
            let names = view.columns.iter().map(|column| column.name);
            for name in names.chain(view.missing.iter().map(|missing| missing.name)) {
                assert_eq!(page.matches(&format!("\n| `{name}` |")).count(), 1, "{name}");
            }
            assert_eq!(json_view(view.columns).as_array().unwrap().len(), view.columns.len());
        }
    }

    #[test]
    fn schema_has_a_property_per_column() {
        let schema = json_schema(&table::arrow_schema(table::columns()));
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(properties.len(), table::len());
        assert_eq!(properties["iat_mean"]["x-unit"], "s");
        assert_eq!(properties["iat_mean"]["type"], json!(["number", "null"]));
        assert_eq!(
            properties["protocol"],
            json!({
                "type": "integer", "minimum": 0, "maximum": 255,
                "description": table::find("protocol").unwrap().meaning, "x-null": "never",
            })
        );
        assert_eq!(properties["splt_directions"]["items"]["minimum"], -128);
        assert_eq!(properties["start_time"]["format"], "date-time");
        assert_eq!(schema["required"].as_array().unwrap().len(), table::len());
        assert_eq!(json(table::columns()).as_array().unwrap().len(), table::len());
    }
}
