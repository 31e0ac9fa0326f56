//! What the exit code says.

use std::process::ExitCode;

/// How a run ended. The numbers are a promise: `docs/reference/cli.md` prints this table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Everything asked for was done. A closed pipe counts as done: the reader had enough.
    Done,
    /// The run finished, but a check failed: a damaged capture, a doctor's finding.
    CheckFailed,
    /// Nothing useful was done: wrong usage, wrong input or an unfit environment.
    Unusable,
    /// The user or a supervisor interrupted the run.
    Interrupted,
}

impl ExitStatus {
    /// Every status, for the reference page.
    pub(crate) const ALL: [Self; 4] =
        [Self::Done, Self::CheckFailed, Self::Unusable, Self::Interrupted];

    /// The number that the shell sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::CheckFailed => 1,
            Self::Unusable => 2,
            Self::Interrupted => 130,
        }
    }

    /// One line for help and reference pages.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, or the reader of a pipe had enough",
            Self::CheckFailed => {
                "finished, but a check failed: a damaged capture, rows that differ, a failed `doctor` check"
            }
            Self::Unusable => "wrong usage, wrong input or an unfit environment",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
