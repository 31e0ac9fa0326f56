//! How failures are told: `error:`, `caused by:`, `hint:`, and what exit code they give.

use std::io;

use anyhow::Error;

use crate::config::ConfigError;
use crate::exit::ExitStatus;
use crate::filter::FilterMistake;
use crate::output::{Output, Tone};

/// A mistake of the caller that only the front end can see, with the next step.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Misuse {
    message: String,
    hints: Vec<String>,
}

impl Misuse {
    /// `message` says what is wrong; `hint` says what to do.
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hints: vec![hint.into()] }
    }
}

/// The user or a supervisor asked to stop.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// An error that knows the next step.
trait Hint {
    fn hints(&self) -> Vec<String>;
}

impl Hint for Misuse {
    fn hints(&self) -> Vec<String> {
        self.hints.clone()
    }
}

impl Hint for ConfigError {
    fn hints(&self) -> Vec<String> {
        Self::hints(self)
    }
}

impl Hint for io::Error {
    fn hints(&self) -> Vec<String> {
        let hint = match self.kind() {
            io::ErrorKind::StorageFull => "free some space, or write to another folder with `-o`",
            io::ErrorKind::QuotaExceeded => "your quota is used up: write elsewhere with `-o`",
            io::ErrorKind::ReadOnlyFilesystem => "choose a writable folder with `-o`",
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

impl Hint for rheos_capture::Error {
    fn hints(&self) -> Vec<String> {
        let formats = "captures are pcap or pcapng files, plain or compressed by gzip, zstd or lz4";
        let otherwise = match self {
            Self::NotACapture { .. } => Some(formats.to_owned()),
            Self::StdinTwice => Some("give `-` once".to_owned()),
            _ => None,
        };
        self.hint().or(otherwise).into_iter().collect()
    }
}

impl Hint for rheos_sink::Error {
    fn hints(&self) -> Vec<String> {
        self.hint().into_iter().collect()
    }
}

impl Hint for rheos_query::Error {
    fn hints(&self) -> Vec<String> {
        self.hint().into_iter().collect()
    }
}

impl Hint for rheos_gen::flows::FlowError {
    fn hints(&self) -> Vec<String> {
        self.hint().into_iter().collect()
    }
}

impl Hint for rheos_gen::send::SendError {
    fn hints(&self) -> Vec<String> {
        self.hint().map(str::to_owned).into_iter().collect()
    }
}

impl Hint for FilterMistake {
    fn hints(&self) -> Vec<String> {
        let more = "`--help` shows examples of filters".to_owned();
        vec![self.hint().unwrap_or(more)]
    }
}

impl Hint for rheos_features::Error {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::UnknownColumn { nearest, .. }
            | Self::UnknownGroup { nearest, .. }
            | Self::UnknownName { nearest, .. } => {
                let list = "`rheos features list` lists every column with its group".to_owned();
                let near: Vec<String> = nearest.iter().map(|name| format!("`{name}`")).collect();
                if near.is_empty() {
                    vec![list]
                } else {
                    vec![format!("did you mean {}?", near.join(" or ")), list]
                }
            }
            Self::EmptySelection => {
                vec!["name `--columns` or `--groups`, or leave out `--exclude`".to_owned()]
            }
            Self::ViewHasNoGroups { .. } => {
                vec!["leave out `--groups`, or name further columns with `--columns`".to_owned()]
            }
            Self::ViewHasColumn { name, .. } => {
                vec![format!(
                    "leave it out, or extract ours in a run of its own: `--columns {name}`"
                )]
            }
            Self::ExactLimit { setting, .. } => vec![
                format!("raise `{setting}`, if there is memory for it"),
                "`--connection streaming` needs no more than its limits, and tells of flows so far"
                    .to_owned(),
            ],
            _ => Vec::new(),
        }
    }
}

/// The hints of every error in the chain, outermost first, each once.
fn hints(error: &Error) -> Vec<String> {
    // A misuse that is the context of another error is no link of the chain.
    let mut all: Vec<String> = error.downcast_ref().map(Misuse::hints).unwrap_or_default();
    for cause in error.chain() {
        let found = None
            .or_else(|| cause.downcast_ref::<Misuse>().map(Hint::hints))
            .or_else(|| cause.downcast_ref::<ConfigError>().map(Hint::hints))
            .or_else(|| cause.downcast_ref::<rheos_capture::Error>().map(Hint::hints))
            .or_else(|| cause.downcast_ref::<rheos_features::Error>().map(Hint::hints))
            .or_else(|| cause.downcast_ref::<rheos_sink::Error>().map(Hint::hints))
            .or_else(|| cause.downcast_ref::<rheos_query::Error>().map(Hint::hints))
            .or_else(|| cause.downcast_ref::<rheos_gen::flows::FlowError>().map(Hint::hints))
            .or_else(|| cause.downcast_ref::<rheos_gen::send::SendError>().map(Hint::hints))
            .or_else(|| cause.downcast_ref::<FilterMistake>().map(Hint::hints))
            .or_else(|| cause.downcast_ref::<io::Error>().map(Hint::hints));
        for hint in found.into_iter().flatten() {
            if !all.contains(&hint) {
                all.push(hint);
            }
        }
    }
    all
}

/// Whether the reader of our output went away, at any depth of the chain.
fn is_broken_pipe(error: &Error) -> bool {
    error.chain().any(|cause| {
        matches!(cause.downcast_ref(), Some(rheos_sink::Error::BrokenPipe))
            || cause
                .downcast_ref::<io::Error>()
                .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Prints the error, if it is one to tell, and says how the run ended.
pub(crate) fn report(output: &Output, error: &Error) -> ExitStatus {
    if is_broken_pipe(error) {
        return ExitStatus::Done;
    }
    if error.downcast_ref::<Interrupted>().is_some() {
        output.complain(&output.paint_err(Tone::Warn, "interrupted"));
        return ExitStatus::Interrupted;
    }
    for (depth, cause) in error.chain().enumerate() {
        let text = in_our_voice(cause);
        let line = match depth {
            0 => format!("{} {text}", output.paint_err(Tone::Bad, "error:")),
            _ => format!("  caused by: {text}"),
        };
        output.complain(&line);
    }
    for hint in hints(error) {
        complain_hint(output, &hint);
    }
    ExitStatus::Unusable
}

/// The system begins its messages with a capital, and suggestions are told as hints: not so here.
fn in_our_voice(cause: &(dyn std::error::Error + 'static)) -> String {
    let mut text = cause.to_string();
    if cause.is::<rheos_features::Error>() {
        text.truncate(text.find(" (did you mean").unwrap_or(text.len()));
    }
    if cause.is::<io::Error>()
        && let Some(first) = text.get_mut(..1)
    {
        first.make_ascii_lowercase();
    }
    text
}

/// Prints one hint.
pub(crate) fn complain_hint(output: &Output, hint: &str) {
    output.complain(&format!("{} {hint}", output.paint_err(Tone::Literal, "hint:")));
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn hints_are_found_below_contexts_and_told_once() {
        let error = Err::<(), _>(Misuse::new("a", "do b"))
            .context("while c")
            .context(Misuse::new("d", "do e"))
            .expect_err("an error");
        assert_eq!(hints(&error), ["do e", "do b"]);
        let twice = Err::<(), _>(Misuse::new("a", "do b")).context(Misuse::new("d", "do b"));
        assert_eq!(hints(&twice.expect_err("an error")), ["do b"]);
    }

    #[test]
    fn a_closed_pipe_is_found_below_contexts() {
        let error = Err::<(), _>(io::Error::from(io::ErrorKind::BrokenPipe))
            .context("cannot write rows")
            .expect_err("an error");
        assert!(is_broken_pipe(&error));
    }
}
