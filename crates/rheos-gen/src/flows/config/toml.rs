//! TOML as a tree.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{DEPTH_MAX, Node, Value};

/// The tree of a text; the error has a line.
pub(super) fn parse(text: &str, file: &Arc<str>) -> Result<Node, (u32, String)> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        (line, error.message().to_owned())
    })?;
    let value = section(text, file, table.get_ref(), 0)?;
    Ok(Node { value, file: file.clone(), line: 1 })
}

fn section(
    text: &str,
    file: &Arc<str>,
    table: &DeTable<'_>,
    depth: usize,
) -> Result<Value, (u32, String)> {
    let mut members: Vec<(String, Node)> = Vec::new();
    for (key, value) in table {
        let line = line_of(text, key.span().start);
        let node = Node { line, ..node(text, file, value, depth + 1)? };
        members.push((key.get_ref().to_string(), node));
    }
    // In the order of the file, so that the first mistake is named first.
    members.sort_by_key(|(_, node)| node.line);
    Ok(Value::Section(members))
}

fn node(
    text: &str,
    file: &Arc<str>,
    value: &Spanned<DeValue<'_>>,
    depth: usize,
) -> Result<Node, (u32, String)> {
    let line = line_of(text, value.span().start);
    if depth > DEPTH_MAX {
        return Err((line, "it is nested deeper than 32 levels".to_owned()));
    }
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Value::Text(number.as_str().to_owned()),
        DeValue::Integer(number) => {
            let read = u64::from_str_radix(number.as_str(), number.radix());
            Value::Text(read.map_err(|error| (line, error.to_string()))?.to_string())
        }
        DeValue::Float(number) => Value::Text(number.as_str().to_owned()),
        DeValue::Boolean(on) => Value::Text(on.to_string()),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(items) => Value::List(
            items.iter().map(|i| node(text, file, i, depth + 1)).collect::<Result<_, _>>()?,
        ),
        DeValue::Table(table) => section(text, file, table, depth)?,
    };
    Ok(Node { value, file: file.clone(), line })
}

fn line_of(text: &str, offset: usize) -> u32 {
    let lines = text.bytes().take(offset).filter(|&b| b == b'\n').count();
    u32::try_from(lines + 1).unwrap_or(u32::MAX)
}
