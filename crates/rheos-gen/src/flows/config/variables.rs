//! `${NAME}` and `${NAME:-default}` in the values of a configuration.
//!
//! Values are filled in after parsing: no value can change the structure of the text around it.

use std::collections::BTreeMap;

use super::document::{DEPTH_MAX, Node, Value};
use crate::flows::error::{FlowError, FlowProblem};

/// Longest value after filling in.
const VALUE_MAX: usize = 4096;

/// Variables and their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Variables {
    /// No variables: only those with a default can be used.
    pub const NONE: Self = Self(BTreeMap::new());

    /// Gives a variable a value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// Fills in all values below `node`.
    pub(super) fn expand(&self, node: &mut Node, depth: usize) -> Result<(), FlowError> {
        if depth > DEPTH_MAX {
            // The parsers have refused this already.
            return Ok(());
        }
        let place = node.place();
        match &mut node.value {
            Value::Nothing => Ok(()),
            Value::Text(text) => {
                if text.contains("${") {
                    *text = self.filled(text).map_err(|error| error.at(place))?;
                }
                Ok(())
            }
            Value::List(items) => items.iter_mut().try_for_each(|n| self.expand(n, depth + 1)),
            Value::Section(members) => {
                members.iter_mut().try_for_each(|(_, n)| self.expand(n, depth + 1))
            }
        }
    }

    fn filled(&self, text: &str) -> Result<String, FlowError> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((inside, behind)) = after.split_once('}') else {
                return Err(wrong(after, "there is no `}` behind it"));
            };
            let (name, default) = match inside.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (inside, None),
            };
            let letters = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            if name.is_empty() || !name.bytes().all(letters) {
                return Err(wrong(name, "a name has letters, digits and `_` only"));
            }
            let value = self.0.get(name).map(String::as_str).or(default);
            out.push_str(value.ok_or_else(|| wrong(name, "it has no value and no default"))?);
            if out.len() > VALUE_MAX {
                return Err(wrong(name, "the value becomes longer than 4096 bytes"));
            }
            rest = behind;
        }
        out.push_str(rest);
        Ok(out)
    }
}

#[cold]
fn wrong(name: &str, reason: &'static str) -> FlowError {
    let name = name.chars().take(super::SHOWN).collect();
    FlowError::new("", FlowProblem::Variable { name, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_and_defaults_are_filled_in() {
        let given: Variables = [("NET", "10.0.0.0/8"), ("EMPTY", "")].into_iter().collect();
        for (text, expected) in [
            ("${NET}", "10.0.0.0/8"),
            ("a${NET}b${EMPTY}c", "a10.0.0.0/8bc"),
            ("${NO:-7}", "7"),
            ("${NET:-7}", "10.0.0.0/8"),
            ("${NO:-}", ""),
            ("$NET {NET} $", "$NET {NET} $"),
            ("${NO:-a:-b}", "a:-b"),
        ] {
            assert_eq!(given.filled(text).as_deref(), Ok(expected), "{text}");
        }
        for (text, part) in [
            ("${NO}", "no value and no default"),
            ("${NET", "no `}`"),
            ("${}", "letters"),
            ("${A B}", "letters"),
        ] {
            let error = given.filled(text).expect_err(text).to_string();
            assert!(error.contains(part), "{error}");
        }
        let long: Variables = [("A", "x".repeat(3000))].into_iter().collect();
        assert!(long.filled("${A}${A}").is_err());
    }
}
