//! What is wrong with a filter text, where, and what to write instead.

use std::fmt;
use std::fmt::Write as _;
use std::ops::Range;

use super::{DEPTH_MAX, TEXT_MAX};

/// How many characters of a long filter are shown on each side of the mistake.
const CONTEXT: usize = 40;

/// A filter text that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// What is wrong.
    pub kind: FilterErrorKind,
    /// Where, in bytes of the text; empty at its end when something is missing.
    pub span: Range<usize>,
    /// What to write instead.
    pub hint: Option<String>,
}

/// What is wrong with a filter text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterErrorKind {
    /// More than [`TEXT_MAX`] bytes.
    #[error("the filter has {bytes} bytes, more than the {TEXT_MAX} that are read")]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// More than [`DEPTH_MAX`] levels.
    #[error("more than {DEPTH_MAX} levels of `not`, parentheses, or `and` mixed with `or`")]
    TooDeep,
    /// A character that has no meaning.
    #[error("unexpected `{sign}`")]
    UnknownSign {
        /// The character.
        sign: char,
    },
    /// The text ends too early.
    #[error("the filter ends where {expected} is expected")]
    Ends {
        /// What should follow.
        expected: &'static str,
    },
    /// Something else stands where this is expected.
    #[error("`{found}` where {expected} is expected")]
    Expected {
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A parenthesis without its partner.
    #[error("`(` without its `)`")]
    Unclosed,
    /// A word that is neither a keyword nor, here, a value.
    #[error("unknown word `{word}`")]
    UnknownWord {
        /// The word.
        word: String,
    },
    /// A value without a type, and no primitive before it to take one from.
    #[error("`{value}` has no type")]
    NoType {
        /// The value.
        value: String,
    },
    /// A word of pcap-filter(7) that this language does not have.
    #[error("`{word}` is not supported here: {reason}")]
    Unsupported {
        /// The word.
        word: String,
        /// Why.
        reason: &'static str,
    },
    /// `tcp[13]` and the like.
    #[error("byte access `{text}` is not supported: filters test decoded fields")]
    ByteAccess {
        /// As written.
        text: String,
    },
    /// A number beyond its range.
    #[error("{what} `{value}` is not between 0 and {max}")]
    OutOfRange {
        /// Of what.
        what: &'static str,
        /// As written.
        value: String,
        /// Highest value.
        max: u32,
    },
    /// A network with bits beyond its prefix length.
    #[error("`{net}` has bits set beyond its prefix")]
    HostBits {
        /// As written.
        net: String,
    },
    /// Words that do not go together.
    #[error("`{qualifier}` does not go with `{kind}`")]
    Qualifier {
        /// The word in front.
        qualifier: &'static str,
        /// What it is in front of.
        kind: &'static str,
    },
}

impl FilterError {
    #[cold]
    pub(super) fn new(kind: FilterErrorKind, span: Range<usize>) -> Self {
        Self { kind, span, hint: None }
    }

    #[cold]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A hint if there is one, else the error as it is.
    #[cold]
    pub(super) fn maybe_hint(self, hint: Option<String>) -> Self {
        Self { hint: hint.or(self.hint), ..self }
    }

    /// The mistake as three or two lines for a terminal: the text with a caret under the mistake, the
    /// message, and the hint. `text` must be the text that was parsed.
    ///
    /// ```text
    /// tcp and prot 80
    ///         ^^^^ unknown word `prot`
    /// hint: did you mean `port`?
    /// ```
    pub fn render(&self, text: &str) -> String {
        let start = text.floor_char_boundary(self.span.start);
        let end = text.floor_char_boundary(self.span.end).max(start);
        let before: Vec<char> = text[..start].chars().collect();
        let marked: Vec<char> = text[start..end].chars().take(2 * CONTEXT).collect();
        let after: Vec<char> = text[end..].chars().take(CONTEXT).collect();
        let skipped = before.len().saturating_sub(CONTEXT);

        let mut line = String::from(if skipped > 0 { "..." } else { "" });
        line.extend(before[skipped..].iter().copied().map(printable));
        let column = line.chars().count();
        line.extend(marked.iter().chain(&after).copied().map(printable));
        if text[end..].chars().nth(CONTEXT).is_some() {
            line.push_str("...");
        }
        let carets = "^".repeat(marked.len().max(1));
        let mut out = format!("{line}\n{:column$}{carets} {}", "", self.kind);
        if let Some(hint) = &self.hint {
            let _ = write!(out, "\nhint: {hint}");
        }
        out
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} of the filter", self.kind, self.span.start + 1)?;
        match &self.hint {
            Some(hint) => write!(f, ": {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FilterError {}

fn printable(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}
