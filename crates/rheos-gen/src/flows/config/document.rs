//! Configuration text of any format as one tree, in which every value knows its line.

use std::path::Path;
use std::sync::Arc;

use super::{FlowConfig, Variables, include, json, schema, toml, yaml};
use crate::flows::error::{FlowError, FlowProblem, Place};

/// Longest text of a configuration.
pub(super) const TEXT_MAX: usize = 1 << 20;
/// Deepest nesting.
pub(super) const DEPTH_MAX: usize = 32;

/// How a configuration is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// YAML 1.2.
    Yaml,
    /// RFC 8259.
    Json,
    /// TOML 1.0.
    Toml,
}

/// A value of any format.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) file: Arc<str>,
    pub(super) line: u32,
}

/// What a value is. Numbers stay text, so that none is rounded before its unit is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Null, or nothing behind the key.
    Nothing,
    Text(String),
    List(Vec<Node>),
    Section(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn place(&self) -> Place {
        Place { file: self.file.to_string(), line: self.line }
    }

    /// What lies under this key, if it is a section that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Value::Section(members) = &self.value else { return None };
        members.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The place of a dotted key, or of what of it there is.
    pub(super) fn place_of(&self, key: &str) -> Place {
        let mut node = self;
        for part in key.split('.') {
            match node.get(part) {
                Some(next) => node = next,
                None => break,
            }
        }
        node.place()
    }
}

impl Format {
    /// By a file's ending: `.yaml`, `.yml`, `.json` or `.toml`.
    pub fn of_path(path: &Path) -> Result<Self, FlowError> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("yaml" | "yml") => Ok(Self::Yaml),
            Some("json") => Ok(Self::Json),
            Some("toml") => Ok(Self::Toml),
            _ => {
                let name = path.to_string_lossy().chars().take(super::SHOWN).collect();
                Err(FlowError::new("", FlowProblem::Format { name }))
            }
        }
    }

    /// `YAML`, `JSON` or `TOML`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yaml => "YAML",
            Self::Json => "JSON",
            Self::Toml => "TOML",
        }
    }

    /// The tree of a text.
    pub(super) fn parse(self, text: &str, file: &Arc<str>) -> Result<Node, FlowError> {
        if text.len() > TEXT_MAX {
            return Err(self.error(file, 1, "it is longer than 1 MiB".to_owned()));
        }
        let parsed = match self {
            Self::Yaml => yaml::parse(text, file),
            Self::Json => json::parse(text, file),
            Self::Toml => toml::parse(text, file),
        };
        let root = parsed.map_err(|(line, message)| self.error(file, line, message))?;
        match root.value {
            Value::Section(_) => Ok(root),
            Value::Nothing => Ok(Node { value: Value::Section(Vec::new()), ..root }),
            _ => Err(self.error(file, root.line, "a configuration holds sections".to_owned())),
        }
    }

    #[cold]
    fn error(self, file: &Arc<str>, line: u32, message: String) -> FlowError {
        let place = Place { file: file.to_string(), line };
        FlowError::new("", FlowProblem::Syntax { format: self.name(), message }).at(place)
    }
}

/// A configuration as it is written, with variables and included files in their places; not checked yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Document(Node);

impl Document {
    /// From text. Text has no folder, so it can include no files.
    pub fn parse(text: &str, format: Format, variables: &Variables) -> Result<Self, FlowError> {
        let mut root = format.parse(text, &Arc::from(""))?;
        variables.expand(&mut root, 0)?;
        if let Some(node) = root.get("include") {
            let problem = FlowProblem::Include {
                name: "include".to_owned(),
                reason: "text without a file has no folder to look in",
            };
            return Err(FlowError::new("", problem).at(node.place()));
        }
        Ok(Self(root))
    }

    /// From a file and what it includes. Without a format the ending tells it, as of included files always.
    pub fn load(
        path: &Path,
        format: Option<Format>,
        variables: &Variables,
    ) -> Result<Self, FlowError> {
        include::load(path, format, variables).map(Self)
    }

    /// What it says, checked.
    pub fn config(&self) -> Result<FlowConfig, FlowError> {
        schema::read(&self.0)
    }

    /// As JSON in one line; numbers are texts, so that none is rounded, and read back the same.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        json::write(&self.0, &mut text);
        text
    }
}

impl FlowConfig {
    /// Reads a configuration from text, and checks it. Text has no folder, so it can include no files.
    pub fn parse(text: &str, format: Format, variables: &Variables) -> Result<Self, FlowError> {
        Document::parse(text, format, variables)?.config()
    }

    /// Reads a configuration file and what it includes, and checks it. The ending tells the format.
    pub fn load(path: &Path, variables: &Variables) -> Result<Self, FlowError> {
        Document::load(path, None, variables)?.config()
    }

    /// Like [`load`](Self::load), with the format of the file told; of what it includes, the endings tell it.
    pub fn load_as(path: &Path, format: Format, variables: &Variables) -> Result<Self, FlowError> {
        Document::load(path, Some(format), variables)?.config()
    }
}

#[cfg(test)]
mod tests;
