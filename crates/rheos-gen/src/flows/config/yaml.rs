//! YAML as a tree.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::document::{DEPTH_MAX, Node, Value};

/// The tree of a text; the error has a line.
pub(super) fn parse(text: &str, file: &Arc<str>) -> Result<Node, (u32, String)> {
    if text.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('#')) {
        return Ok(Node { value: Value::Nothing, file: file.clone(), line: 1 });
    }
    let root: Spanned<Yaml> = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map_or(1, |at| at.line());
        let told = error.without_snippet().to_string();
        (u32::try_from(line).unwrap_or(u32::MAX), told.lines().next().unwrap_or("").to_owned())
    })?;
    node(text, file, root, 0)
}

/// A value as the parser gives it. It has turned numbers into floating point, so only their place is kept.
enum Yaml {
    Nothing,
    Number(String),
    Text(String),
    List(Vec<Spanned<Yaml>>),
    Section(Vec<(Spanned<String>, Spanned<Yaml>)>),
}

fn node(
    text: &str,
    file: &Arc<str>,
    yaml: Spanned<Yaml>,
    depth: usize,
) -> Result<Node, (u32, String)> {
    let line = u32::try_from(yaml.referenced.line()).unwrap_or(u32::MAX);
    if depth > DEPTH_MAX {
        return Err((line, "it is nested deeper than 32 levels".to_owned()));
    }
    let value = match yaml.value {
        Yaml::Nothing => Value::Nothing,
        Yaml::Text(text) => Value::Text(text),
        Yaml::Number(read) => {
            let span = yaml.defined.span();
            let written = span.byte_offset().zip(span.byte_len()).and_then(|(from, length)| {
                let from = usize::try_from(from).ok()?;
                text.get(from..from.checked_add(usize::try_from(length).ok()?)?)
            });
            // Where the place is lost (merged keys), the number as it was read must do.
            let written = written.map(str::trim).filter(|w| is_number(w));
            Value::Text(written.map_or(read, str::to_owned))
        }
        Yaml::List(items) => Value::List(
            items.into_iter().map(|i| node(text, file, i, depth + 1)).collect::<Result<_, _>>()?,
        ),
        Yaml::Section(members) => Value::Section(
            members
                .into_iter()
                .map(|(key, member)| {
                    let line = u32::try_from(key.referenced.line()).unwrap_or(u32::MAX);
                    Ok((key.value, Node { line, ..node(text, file, member, depth + 1)? }))
                })
                .collect::<Result<_, (u32, String)>>()?,
        ),
    };
    Ok(Node { value, file: file.clone(), line })
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && text.bytes().all(|b| b.is_ascii_digit() || b"+-._eE".contains(&b))
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a section")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Yaml, E> {
        Ok(Yaml::Number(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Yaml, E> {
        Ok(Yaml::Number(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Yaml, E> {
        Ok(Yaml::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Yaml, E> {
        Ok(Yaml::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Yaml, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Yaml::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Yaml, A::Error> {
        let mut members: Vec<(Spanned<String>, Spanned<Yaml>)> = Vec::new();
        while let Some((key, value)) = map.next_entry::<Spanned<String>, _>()? {
            if members.iter().any(|(known, _)| known.value == key.value) {
                return Err(A::Error::custom(format_args!("`{}` comes twice", key.value)));
            }
            members.push((key, value));
        }
        Ok(Yaml::Section(members))
    }
}
