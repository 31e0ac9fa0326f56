//! Where text goes: data to standard output, talk to standard error.
//!
//! The one place that knows whether the two are terminals, how wide they are and whether they
//! take colour. Colour is a second channel only: every message reads the same without it.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Also into pipes and files.
    Always,
    /// Not at all.
    Never,
}

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It worked.
    Good,
    /// It failed.
    Bad,
    /// Look at this.
    Warn,
    /// The next step, or a literal to type.
    Literal,
    /// A label or heading.
    Strong,
    /// Less important than its neighbours.
    Faint,
}

impl Tone {
    const fn ansi(self) -> &'static str {
        match self {
            Self::Good => "\x1b[32m",
            Self::Bad => "\x1b[1;31m",
            Self::Warn => "\x1b[33m",
            Self::Literal => "\x1b[36m",
            Self::Strong => "\x1b[1m",
            Self::Faint => "\x1b[2m",
        }
    }
}

/// Columns assumed where there is no terminal to ask.
const WIDTH_DEFAULT: usize = 100;

/// The two streams.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "two facts of each of two streams")]
pub(crate) struct Output {
    /// Standard output is a terminal.
    pub(crate) stdout_tty: bool,
    /// Standard error is a terminal.
    pub(crate) stderr_tty: bool,
    /// Width of the terminal in columns, or 100.
    pub(crate) width: usize,
    /// How much to say: -1 errors only, 0 summaries, 1 and more details.
    pub(crate) verbosity: i8,
    color_stdout: bool,
    color_stderr: bool,
}

impl Output {
    /// Looks at the two streams and at `NO_COLOR`, `TERM` and `COLUMNS`.
    pub(crate) fn new(color: ColorChoice, verbosity: i8) -> Self {
        let stdout_tty = io::stdout().is_terminal();
        let stderr_tty = io::stderr().is_terminal();
        let refused = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
            || std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        let on = |tty: bool| match color {
            ColorChoice::Auto => tty && !refused,
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        };
        Self {
            stdout_tty,
            stderr_tty,
            width: width(),
            verbosity,
            color_stdout: on(stdout_tty),
            color_stderr: on(stderr_tty),
        }
    }

    /// Writes data as it is to standard output.
    #[expect(
        clippy::unused_self,
        reason = "all text goes through the value that knows the streams"
    )]
    pub(crate) fn data(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Writes one line of talk to standard error, unless `--quiet`. A closed standard error is no
    /// reason to stop.
    pub(crate) fn talk(&self, line: &str) {
        if self.verbosity >= 0 {
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }

    /// Writes one line of detail to standard error, with `--verbose`.
    pub(crate) fn detail(&self, line: &str) {
        if self.verbosity >= 1 {
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }

    /// Writes one line to standard error even when quiet: errors and what belongs to them.
    #[expect(
        clippy::unused_self,
        reason = "all text goes through the value that knows the streams"
    )]
    pub(crate) fn complain(&self, line: &str) {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// `text` in the colour of `tone`, for standard error.
    pub(crate) fn paint_err(&self, tone: Tone, text: &str) -> String {
        paint(self.color_stderr, tone, text)
    }

    /// `text` in the colour of `tone`, for standard output.
    pub(crate) fn paint_out(&self, tone: Tone, text: &str) -> String {
        paint(self.color_stdout, tone, text)
    }
}

fn paint(on: bool, tone: Tone, text: &str) -> String {
    if on { format!("{}{text}\x1b[0m", tone.ansi()) } else { text.to_owned() }
}

fn width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|v| v.parse().ok());
    told.or_else(|| terminal_size::terminal_size().map(|(w, _)| usize::from(w.0)))
        .filter(|&w| w >= 20)
        .unwrap_or(WIDTH_DEFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_added_around_and_only_when_on() {
        assert_eq!(paint(false, Tone::Good, "done"), "done");
        assert_eq!(paint(true, Tone::Good, "done"), "\x1b[32mdone\x1b[0m");
    }
}
