//! What a setting can hold, and how it is written.

use std::fmt;

use rheos_core::Nanos;
use rheos_core::units::{Bytes, Count, human};

/// What a key takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Switch,
    /// A whole number within limits, with `k`, `M`, `G`.
    Count {
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// Bytes within limits, with `KiB`, `MiB`, `GiB`.
    Size {
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// A part of a whole, above none and up to all: `1/100`, `1%` or `0.01`.
    Share,
    /// A span of time, with `ms`, `s`, `m`, `h`.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Anything.
    Text,
    /// Anything, never shown again.
    Secret,
    /// Names with commas between.
    List,
}

/// A setting's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// See [`Kind::Switch`].
    Switch(bool),
    /// See [`Kind::Count`].
    Count(u64),
    /// See [`Kind::Size`].
    Size(u64),
    /// See [`Kind::Share`]; in billionths.
    Share(u64),
    /// See [`Kind::Duration`].
    Duration(Nanos),
    /// See [`Kind::Choice`].
    Choice(&'static str),
    /// See [`Kind::Text`].
    Text(String),
    /// See [`Kind::Secret`].
    Secret(String),
    /// See [`Kind::List`].
    List(Vec<String>),
}

impl Kind {
    /// Reads a value, or says in one clause why the text is none.
    pub(crate) fn parse(self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        let within = |n: u64, min: u64, max: u64| {
            if (min..=max).contains(&n) {
                Ok(n)
            } else {
                Err(format!("`{text}` is not {}", self.expected()))
            }
        };
        match self {
            Self::Switch => match text {
                "true" | "yes" | "on" => Ok(Value::Switch(true)),
                "false" | "no" | "off" => Ok(Value::Switch(false)),
                _ => Err(format!("`{text}` is not {}", self.expected())),
            },
            Self::Count { min, max } => {
                let Count(n) = text.parse().map_err(text_of)?;
                within(n, min, max).map(Value::Count)
            }
            Self::Size { min, max } => {
                let Bytes(n) = text.parse().map_err(text_of)?;
                within(n, min, max).map(Value::Size)
            }
            Self::Share => share(text)
                .map(Value::Share)
                .ok_or_else(|| format!("`{text}` is not {}", self.expected())),
            Self::Duration => text.parse().map(Value::Duration).map_err(text_of),
            Self::Choice(words) => words
                .iter()
                .find(|&&word| word == text)
                .map(|&word| Value::Choice(word))
                .ok_or_else(|| format!("`{text}` is not {}", self.expected())),
            Self::Secret => Ok(Value::Secret(text.to_owned())),
            Self::Text => Ok(Value::Text(text.to_owned())),
            Self::List => Ok(Value::List(
                text.split(',')
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                    .map(ToOwned::to_owned)
                    .collect(),
            )),
        }
    }

    /// What is expected, for errors: `a number from 1 to 64`.
    pub(crate) fn expected(self) -> String {
        match self {
            Self::Switch => "`true` or `false`".to_owned(),
            Self::Count { min, max: u64::MAX } => format!("a number from {min} up"),
            Self::Count { min, max } => format!("a number from {min} to {}", human::grouped(max)),
            Self::Size { min, max } => format!("a size from {} to {}", Bytes(min), Bytes(max)),
            Self::Share => "a share such as `1/100`, `1%` or `0.01`, at most all".to_owned(),
            Self::Duration => "a span of time".to_owned(),
            Self::Choice(words) => {
                let words: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
                format!("one of {}", words.join(", "))
            }
            Self::Text | Self::Secret => "text".to_owned(),
            Self::List => "a list of names".to_owned(),
        }
    }

    /// The kind in one or two words, for the reference page.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Switch => "true or false".to_owned(),
            Self::Count { .. } => "count".to_owned(),
            Self::Size { .. } => "size".to_owned(),
            Self::Share => "share".to_owned(),
            Self::Duration => "duration".to_owned(),
            Self::Choice(words) => words.join(", "),
            Self::Text => "text".to_owned(),
            Self::Secret => "secret text".to_owned(),
            Self::List => "list of names".to_owned(),
        }
    }
}

/// Canonical: what parses to the same value prints the same. Secrets only tell whether they are set.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(on) => write!(f, "{on}"),
            Self::Count(n) => write!(f, "{n}"),
            Self::Size(n) => write!(f, "{}", Bytes(*n)),
            // As decimal digits: floating point would tell a third differently.
            Self::Share(part) => {
                let (whole, rest) = (part / 10_000_000, part % 10_000_000);
                let rest = format!("{rest:07}");
                let rest = rest.trim_end_matches('0');
                let point = if rest.is_empty() { "" } else { "." };
                write!(f, "{whole}{point}{rest}%")
            }
            Self::Duration(span) => write!(f, "{span}"),
            Self::Choice(word) => f.write_str(word),
            Self::Text(text) => f.write_str(text),
            Self::Secret(text) => f.write_str(if text.is_empty() { "" } else { "(secret)" }),
            Self::List(names) => f.write_str(&names.join(",")),
        }
    }
}

impl Value {
    /// The value as TOML text and as YAML text (which is the same for all kinds).
    pub(crate) fn literal(&self) -> String {
        match self {
            Self::Switch(_) | Self::Count(_) => self.to_string(),
            Self::Size(_)
            | Self::Share(_)
            | Self::Duration(_)
            | Self::Choice(_)
            | Self::Text(_)
            | Self::Secret(_) => quote(&self.to_string()),
            Self::List(names) => {
                let names: Vec<String> = names.iter().map(|n| quote(n)).collect();
                format!("[{}]", names.join(", "))
            }
        }
    }
}

/// Billionths of a whole; nothing unless it is above none and at most all.
fn share(text: &str) -> Option<u64> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let part = if let Some((part, of)) = text.split_once('/') {
        number(part)? / number(of)?
    } else if let Some(percent) = text.strip_suffix('%') {
        number(percent)? / 100.0
    } else {
        number(text)?
    };
    let billionths = (part * 1e9).round();
    (1.0..=1e9).contains(&billionths).then_some(billionths as u64)
}

fn text_of(error: impl fmt::Display) -> String {
    error.to_string()
}

/// A double-quoted string that TOML and YAML read alike.
fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_kept_and_told() {
        let kind = Kind::Count { min: 1, max: 64 };
        assert_eq!(kind.parse("64"), Ok(Value::Count(64)));
        assert_eq!(kind.parse("65"), Err("`65` is not a number from 1 to 64".to_owned()));
        let kind = Kind::Size { min: 1 << 10, max: 1 << 30 };
        assert_eq!(kind.parse("4MiB"), Ok(Value::Size(4 << 20)));
        assert_eq!(kind.parse("2GiB"), Err("`2GiB` is not a size from 1KiB to 1GiB".to_owned()));
        let wrong = Kind::Duration.parse("5 parsecs").expect_err("a unit that is none");
        assert!(wrong.contains("unknown unit `parsecs`"), "{wrong}");
    }

    #[test]
    fn shares_are_fractions_percentages_or_numbers() {
        let shown = |text: &str| Kind::Share.parse(text).map(|value| value.to_string());
        for text in ["1/100", "1%", "0.01", " 1 / 100 ", "1.0 %"] {
            assert_eq!(shown(text).as_deref(), Ok("1%"), "{text}");
        }
        assert_eq!(shown("1/3").as_deref(), Ok("33.3333333%"));
        assert_eq!(Kind::Share.parse("33.3333333%"), Kind::Share.parse("1/3"));
        assert_eq!(shown("1").as_deref(), Ok("100%"));
        for text in ["0", "2", "101%", "1/0", "-1%", "nan", "", "1/", "many"] {
            assert!(shown(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lists_lose_blanks() {
        let value = Kind::List.parse(" a, b,,").expect("a list");
        assert_eq!(value.literal(), r#"["a", "b"]"#);
        assert_eq!(value.to_string(), "a,b");
    }
}
