//! Settings: one table of keys, four layers, and where each value came from.
//!
//! Defaults, then a YAML or TOML file, then `RHEOS_SECTION_KEY` variables, then flags; a later layer wins.
//! The table in [`keys`] drives the default file, `config show`, the environment, the reference page and
//! the parsing of every layer, so that none of them can say something else than another.

pub(crate) mod file;
pub(crate) mod keys;
pub(crate) mod value;

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use rheos_core::Nanos;
use rheos_wire::text::push_hex;
use sha2::{Digest, Sha256};

use keys::{KEYS, Key, KeyInfo};
use rheos_core::suggest::nearest;
use value::Value;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The table of keys.
    Default,
    /// A line of the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// An environment variable.
    Env(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Env(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// What is wrong with a layer of the settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration file `{}`", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("`{}` is neither YAML nor TOML by its name", path.display())]
    Extension { path: PathBuf },
    #[error("{message}\n  --> {}:{line}", path.display())]
    Syntax { path: PathBuf, line: usize, message: String },
    #[error("unknown section `{name}`\n  --> {}:{line}", path.display())]
    UnknownSection { path: PathBuf, line: usize, name: String },
    #[error("unknown key `{name}`\n  --> {}:{line}", path.display())]
    UnknownKey { path: PathBuf, line: usize, name: String },
    #[error("unknown setting in the environment: `{name}`")]
    UnknownEnv { name: String },
    #[error("{}: {why}{}", wrong_at(key, origin), arrow(origin))]
    Value { key: &'static KeyInfo, why: String, origin: Origin },
}

impl ConfigError {
    /// The next step.
    pub(crate) fn hints(&self) -> Vec<String> {
        let did_you_mean = |found: Option<String>, otherwise: &str| {
            vec![
                found
                    .map_or_else(|| otherwise.to_owned(), |name| format!("did you mean `{name}`?")),
            ]
        };
        match self {
            Self::Read { .. } => Vec::new(),
            Self::Extension { .. } => vec!["name it `.yaml`, `.yml` or `.toml`".to_owned()],
            Self::Syntax { .. } => {
                vec!["`rheos config init` prints a file to start from".to_owned()]
            }
            Self::UnknownSection { name, .. } => did_you_mean(
                nearest(name, keys::sections()).map(ToOwned::to_owned),
                &format!("known sections: {}", quoted(keys::sections())),
            ),
            Self::UnknownKey { name, .. } => {
                did_you_mean(nearest_key(name), "`rheos config show` lists every key")
            }
            Self::UnknownEnv { name } => {
                let all: Vec<String> = KEYS.iter().map(KeyInfo::env).collect();
                did_you_mean(
                    nearest(name, all.iter().map(String::as_str)).map(ToOwned::to_owned),
                    "`rheos config show` lists every key",
                )
            }
            Self::Value { key, .. } => vec![format!("`{}`: {}", key.dotted(), key.meaning)],
        }
    }
}

/// The place of a wrong value, in the words of the layer it came from.
fn wrong_at(key: &KeyInfo, origin: &Origin) -> String {
    match origin {
        Origin::Default | Origin::File { .. } => format!("wrong value of `{}`", key.dotted()),
        Origin::Env(name) => format!("wrong value of `{name}`"),
        Origin::Flag(flag) => format!("wrong value of `{flag}`"),
    }
}

/// The line of the file, if it came from one.
fn arrow(origin: &Origin) -> String {
    match origin {
        Origin::File { .. } => format!("\n  --> {origin}"),
        _ => String::new(),
    }
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

/// The nearest key: in its own section first, then by its bare name in any.
fn nearest_key(dotted: &str) -> Option<String> {
    let all: Vec<String> = KEYS.iter().map(KeyInfo::dotted).collect();
    if let Some(found) = nearest(dotted, all.iter().map(String::as_str)) {
        return Some(found.to_owned());
    }
    let (_, bare) = dotted.split_once('.')?;
    let name = nearest(bare, KEYS.iter().map(|k| k.name))?;
    KEYS.iter().find(|k| k.name == name).map(KeyInfo::dotted)
}

/// One key's value and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The value in force.
    pub(crate) value: Value,
    /// The layer that said so.
    pub(crate) origin: Origin,
}

/// The value of every key.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    by_key: Vec<Setting>,
}

impl Settings {
    /// The defaults alone.
    pub(crate) fn defaults() -> Self {
        let by_key = KEYS
            .iter()
            .map(|info| Setting {
                value: info.kind.parse(info.default).expect("the table's defaults parse: tested"),
                origin: Origin::Default,
            })
            .collect();
        Self { by_key }
    }

    /// All four layers. `flags` holds what the command line said, as text.
    pub(crate) fn load(
        config: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
        flags: &[(Key, String)],
    ) -> Result<Self, ConfigError> {
        let mut settings = Self::defaults();
        if let Some(path) = config {
            for entry in file::read(path)? {
                let origin = Origin::File { path: path.to_owned(), line: entry.line };
                settings.set(entry.key, &entry.text, origin)?;
            }
        }
        // Sorted, so that of two wrong variables always the same one is named.
        let mut env: Vec<_> = env.into_iter().filter(|(name, _)| is_setting(name)).collect();
        env.sort();
        for (name, text) in env {
            let Some(info) = KEYS.iter().find(|k| k.env() == name) else {
                return Err(ConfigError::UnknownEnv { name });
            };
            settings.set(info, &text, Origin::Env(name))?;
        }
        for (key, text) in flags {
            let info = key.info();
            settings.set(info, text, Origin::Flag(info.flag.unwrap_or("command line")))?;
        }
        Ok(settings)
    }

    fn set(
        &mut self,
        info: &'static KeyInfo,
        text: &str,
        origin: Origin,
    ) -> Result<(), ConfigError> {
        match info.kind.parse(text) {
            Ok(value) => {
                self.by_key[info.key as usize] = Setting { value, origin };
                Ok(())
            }
            Err(why) => Err(ConfigError::Value { key: info, why, origin }),
        }
    }

    /// Every key with its value, in the order of the table.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static KeyInfo, &Setting)> {
        KEYS.iter().zip(&self.by_key)
    }

    /// One key's value and origin.
    pub(crate) fn get(&self, key: Key) -> &Setting {
        &self.by_key[key as usize]
    }

    /// A switch.
    pub(crate) fn switch(&self, key: Key) -> bool {
        matches!(self.get(key).value, Value::Switch(true))
    }

    /// A count or size.
    pub(crate) fn number(&self, key: Key) -> u64 {
        match self.get(key).value {
            Value::Count(n) | Value::Size(n) => n,
            _ => 0,
        }
    }

    /// A part of a whole, between 0 and 1.
    pub(crate) fn share(&self, key: Key) -> f64 {
        match self.get(key).value {
            Value::Share(billionths) => billionths as f64 / 1e9,
            _ => 1.0,
        }
    }

    /// A span of time.
    pub(crate) fn duration(&self, key: Key) -> Nanos {
        match self.get(key).value {
            Value::Duration(span) => span,
            _ => Nanos::ZERO,
        }
    }

    /// A choice or free text.
    pub(crate) fn text(&self, key: Key) -> &str {
        match &self.get(key).value {
            Value::Choice(text) => text,
            Value::Text(text) | Value::Secret(text) => text,
            _ => "",
        }
    }

    /// A list of names.
    pub(crate) fn list(&self, key: Key) -> &[String] {
        match &self.get(key).value {
            Value::List(names) => names,
            _ => &[],
        }
    }

    /// The keys that can change a row, in the order of the table, as `section.key=value` lines. Of a secret
    /// they only tell whether it is set: they are written into files that are passed on.
    pub(crate) fn rows_text(&self) -> String {
        let mut text = String::new();
        for (info, setting) in self.iter().filter(|(info, _)| info.changes_rows) {
            let _ = writeln!(text, "{}={}", info.dotted(), setting.value);
        }
        text
    }

    /// SHA-256, in hex, of [`Self::rows_text`]: two files of rows with the same hash were made by the same rules.
    pub(crate) fn rows_hash(&self) -> String {
        let mut hex = String::with_capacity(64);
        push_hex(&mut hex, &Sha256::digest(self.rows_text()));
        hex
    }
}

/// Whether a variable is meant as a setting: `RHEOS_` and a known section.
fn is_setting(name: &str) -> bool {
    name.strip_prefix("RHEOS_").is_some_and(|rest| {
        keys::sections().any(|section| {
            rest.strip_prefix(&section.to_uppercase()).is_some_and(|rest| rest.starts_with('_'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn later_layers_win() {
        let settings = Settings::load(
            None,
            env(&[("RHEOS_FLOW_IDLE_TIMEOUT", "5s"), ("RHEOS_FLOW_FLOWS_MAX", "7")]),
            &[(Key::FlowIdleTimeout, "6s".to_owned())],
        )
        .expect("settings");
        assert_eq!(settings.duration(Key::FlowIdleTimeout), Nanos::from_secs(6));
        assert_eq!(settings.get(Key::FlowIdleTimeout).origin, Origin::Flag("--idle-timeout"));
        assert_eq!(settings.number(Key::FlowFlowsMax), 7);
        assert_eq!(settings.get(Key::FlowActiveTimeout).origin, Origin::Default);
    }

    #[test]
    fn unknown_variables_of_known_sections_are_errors() {
        let error = Settings::load(None, env(&[("RHEOS_FLOW_IDEL_TIMEOUT", "5s")]), &[])
            .expect_err("unknown");
        assert_eq!(error.hints(), ["did you mean `RHEOS_FLOW_IDLE_TIMEOUT`?"]);
        assert!(Settings::load(None, env(&[("RHEOS_PROGRESS", "none")]), &[]).is_ok());
    }

    #[test]
    fn the_hash_changes_with_rows_only() {
        let plain = Settings::defaults().rows_hash();
        let with = |key, text: &str| {
            Settings::load(None, [], &[(key, text.to_owned())]).expect("settings").rows_hash()
        };
        assert_eq!(plain, with(Key::FlowThreads, "3"));
        assert_eq!(plain, with(Key::FlowIdleTimeout, "60s"));
        assert_ne!(plain, with(Key::FlowIdleTimeout, "61s"));
        let salted = with(Key::FeaturesFlowIdSalt, "pepper");
        assert_ne!(plain, salted);
        assert_eq!(salted, with(Key::FeaturesFlowIdSalt, "paprika"), "a secret leaves no trace");
    }
}
