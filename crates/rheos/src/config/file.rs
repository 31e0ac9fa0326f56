//! Configuration files: YAML or TOML, two levels, every key known.
//!
//! Both are read into a flat list of `section.key` entries with the line each was found on.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::keys::{self, KEYS, KeyInfo};

/// One setting of a file.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Which key.
    pub(crate) key: &'static KeyInfo,
    /// Its value as text; lists with commas between.
    pub(crate) text: String,
    /// The line it was found on, counted from 1.
    pub(crate) line: usize,
}

/// A value of either format before its key is known.
enum Node {
    Scalar(String),
    Section(Vec<(String, Node, usize)>),
}

/// Reads a file by its extension.
pub(crate) fn read(path: &Path) -> Result<Vec<Entry>, ConfigError> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    let parse = match extension.as_deref() {
        Some("yaml" | "yml") => parse_yaml,
        Some("toml") => parse_toml,
        _ => return Err(ConfigError::Extension { path: path.to_owned() }),
    };
    let text = fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let sections = parse(&text).map_err(|(line, message)| ConfigError::Syntax {
        path: path.to_owned(),
        line,
        message,
    })?;
    resolve(path, sections)
}

/// Looks every key up in the table.
fn resolve(path: &Path, sections: Vec<(String, Node, usize)>) -> Result<Vec<Entry>, ConfigError> {
    let mut entries = Vec::new();
    for (section, node, line) in sections {
        if !keys::sections().any(|known| known == section) {
            return Err(ConfigError::UnknownSection { path: path.to_owned(), line, name: section });
        }
        let members = match node {
            Node::Section(members) => members,
            // `flow:` with nothing below it is an empty section in YAML.
            Node::Scalar(text) if text.is_empty() => continue,
            Node::Scalar(_) => {
                return Err(ConfigError::Syntax {
                    path: path.to_owned(),
                    line,
                    message: format!("`{section}` is a section and takes keys, not a value"),
                });
            }
        };
        for (name, node, line) in members {
            let Some(key) = KEYS.iter().find(|k| k.section == section && k.name == name) else {
                let name = format!("{section}.{name}");
                return Err(ConfigError::UnknownKey { path: path.to_owned(), line, name });
            };
            let Node::Scalar(text) = node else {
                let message = format!("`{}` takes a value, not a section", key.dotted());
                return Err(ConfigError::Syntax { path: path.to_owned(), line, message });
            };
            entries.push(Entry { key, text, line });
        }
    }
    Ok(entries)
}

type Parsed = Result<Vec<(String, Node, usize)>, (usize, String)>;

fn parse_toml(text: &str) -> Parsed {
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(1, |span| line_of(text, span.start));
        (at, format!("not valid TOML: {}", error.message()))
    })?;
    Ok(toml_members(text, table.get_ref()))
}

fn toml_members(text: &str, table: &DeTable<'_>) -> Vec<(String, Node, usize)> {
    let mut members: Vec<_> = table
        .iter()
        .map(|(key, value)| {
            let line = line_of(text, key.span().start);
            let node = match value.get_ref() {
                DeValue::Table(table) => Node::Section(toml_members(text, table)),
                value => Node::Scalar(toml_scalar(value)),
            };
            (key.get_ref().to_string(), node, line)
        })
        .collect();
    // In the order of the file, so that the first mistake is named first.
    members.sort_by_key(|&(_, _, line)| line);
    members
}

fn toml_scalar(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(on) => on.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(items) => {
            items.iter().map(|i| toml_scalar(i.get_ref())).collect::<Vec<_>>().join(",")
        }
        DeValue::Table(_) => String::new(),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&b| b == b'\n').count()
}

fn parse_yaml(text: &str) -> Parsed {
    if text.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('#')) {
        return Ok(Vec::new());
    }
    let root: YamlNode = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map_or(1, |at| at.line() as usize);
        let told = error.without_snippet().to_string();
        (line, format!("not valid YAML: {}", told.lines().next().unwrap_or("")))
    })?;
    match root {
        YamlNode::Section(members) => Ok(members.into_iter().map(YamlMember::plain).collect()),
        YamlNode::Scalar(_) => Err((1, "a configuration file holds sections".to_owned())),
    }
}

enum YamlNode {
    Scalar(String),
    Section(Vec<YamlMember>),
}

struct YamlMember {
    key: Spanned<String>,
    node: YamlNode,
}

impl YamlMember {
    fn plain(self) -> (String, Node, usize) {
        let line = self.key.referenced.line() as usize;
        let node = match self.node {
            YamlNode::Scalar(text) => Node::Scalar(text),
            YamlNode::Section(members) => {
                Node::Section(members.into_iter().map(Self::plain).collect())
            }
        };
        (self.key.value, node, line)
    }
}

impl<'de> Deserialize<'de> for YamlNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = YamlNode;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value, a list or a section")
    }

    fn visit_bool<E>(self, value: bool) -> Result<YamlNode, E> {
        Ok(YamlNode::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<YamlNode, E> {
        Ok(YamlNode::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<YamlNode, E> {
        Ok(YamlNode::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<YamlNode, E> {
        Ok(YamlNode::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<YamlNode, E> {
        Ok(YamlNode::Scalar(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<YamlNode, E> {
        Ok(YamlNode::Scalar(String::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<YamlNode, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<YamlNode>()? {
            match item {
                YamlNode::Scalar(text) => items.push(text),
                YamlNode::Section(_) => {
                    return Err(serde::de::Error::custom("a list holds names, not sections"));
                }
            }
        }
        Ok(YamlNode::Scalar(items.join(",")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<YamlNode, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            members.push(YamlMember { key, node: map.next_value()? });
        }
        Ok(YamlNode::Section(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(name: &str, text: &str) -> Result<Vec<(String, String, usize)>, ConfigError> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(name);
        fs::write(&path, text).expect("written");
        read(&path).map(|all| all.into_iter().map(|e| (e.key.dotted(), e.text, e.line)).collect())
    }

    #[test]
    fn both_formats_give_the_same_entries_with_lines() {
        let yaml = "# mine\nflow:\n  idle_timeout: 5s\n  key_vlan: false\nfeatures:\n  groups: [tcp, size]\noutput:\n";
        let toml = "# mine\n[flow]\nidle_timeout = \"5s\"\nkey_vlan = false\n[features]\ngroups = [\"tcp\", \"size\"]\n";
        let expected = [
            ("flow.idle_timeout".to_owned(), "5s".to_owned(), 3),
            ("flow.key_vlan".to_owned(), "false".to_owned(), 4),
            ("features.groups".to_owned(), "tcp,size".to_owned(), 6),
        ];
        assert_eq!(entries("a.yaml", yaml).expect("yaml"), expected);
        assert_eq!(entries("a.toml", toml).expect("toml"), expected);
    }

    #[test]
    fn mistakes_name_their_line() {
        for (name, text, line) in [
            ("a.yaml", "flow:\n  idle_timeout: 5s\n  idel: 1\n", 3),
            ("a.toml", "[flow]\nidle_timeout = \"5s\"\nidel = 1\n", 3),
            ("a.yaml", "flow:\n  idle_timeout: 5s\nflwo:\n  x: 1\n", 3),
            ("a.toml", "[flow]\n\n[flwo]\nx = 1\n", 3),
            ("a.yaml", "\nflow: 3\n", 2),
            ("a.toml", "[flow]\nidle_timeout = = 3\n", 2),
            ("a.yaml", "flow:\n  idle_timeout: {a: 1}\n", 2),
        ] {
            let error = entries(name, text).expect_err(text).to_string();
            assert!(error.ends_with(&format!(":{line}")), "{text}: {error}");
        }
    }
}
