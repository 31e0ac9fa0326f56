//! What can go wrong here that a caller should hear of.

use thiserror::Error;

/// An error of this crate.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A column that does not exist was asked for.
    #[error("no column named `{name}`{}", did_you_mean(.nearest))]
    UnknownColumn {
        /// As it was given.
        name: String,
        /// Names it may be a mistyping of, nearest first.
        nearest: Vec<String>,
    },
    /// A group that does not exist was asked for.
    #[error("no feature group named `{name}`{}", did_you_mean(.nearest))]
    UnknownGroup {
        /// As it was given.
        name: String,
        /// Names it may be a mistyping of, nearest first.
        nearest: Vec<String>,
    },
    /// What was given to a selection is neither a column nor a group nor a profile.
    #[error("no column, feature group or profile named `{name}`{}", did_you_mean(.nearest))]
    UnknownName {
        /// As it was given.
        name: String,
        /// Names it may be a mistyping of, nearest first.
        nearest: Vec<String>,
    },
    /// Everything that was selected was taken out again.
    #[error("the selection leaves no column")]
    EmptySelection,
    /// Groups were asked for together with the columns of another tool.
    #[error("the profile `{view}` has no groups")]
    ViewHasNoGroups {
        /// Its name.
        view: &'static str,
    },
    /// A column was asked for whose name means something else in the columns of another tool.
    #[error("the profile `{view}` has another column named `{name}`")]
    ViewHasColumn {
        /// The profile's name.
        view: &'static str,
        /// The column's name.
        name: &'static str,
    },
    /// A key for pseudonyms that is soon guessed.
    #[error("the key has {bytes} bytes, at least {least} are needed")]
    KeyTooShort {
        /// Its length, line ends around it left out.
        bytes: usize,
        /// The least length.
        least: usize,
    },
    /// Labels without a column that could tell flows apart.
    #[error("the labels have none of the columns {}", .known.join(", "))]
    LabelsMatchNothing {
        /// The columns that tell which flows a label is for.
        known: Vec<&'static str>,
    },
    /// Labels with nothing to say.
    #[error("the labels have no column beside those that tell which flows they are for")]
    LabelsSayNothing,
    /// A value of a label row that tells no flows.
    #[error("row {row} of the labels: `{text}` is no {what}")]
    LabelValue {
        /// Number of the row, from 1.
        row: usize,
        /// As it was given.
        text: String,
        /// What was expected.
        what: &'static str,
    },
    /// More combinations of columns and prefix lengths than are looked up for each flow.
    #[error("the labels have more than {limit} combinations of columns and prefix lengths")]
    LabelShapes {
        /// How many there may be.
        limit: usize,
    },
    /// Rows that tell of the whole capture need more than a limit allows.
    #[error("the exact group `connection` needs more than {limit} {what} (`{setting}`)")]
    ExactLimit {
        /// Of what there are too many.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// The setting with the limit.
        setting: &'static str,
    },
    /// A worker thread ended by a panic: a defect of Rheos.
    #[error("a worker thread stopped: {message}")]
    WorkerPanicked {
        /// What it said.
        message: String,
    },
    /// A worker thread could not be started.
    #[error("no thread could be started for worker {worker}: {message}")]
    WorkerNotStarted {
        /// Its number, from 0.
        worker: usize,
        /// What the system said.
        message: String,
    },
}

fn did_you_mean(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        names => {
            let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            format!(" (did you mean {}?)", quoted.join(" or "))
        }
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

impl Error {
    #[cold]
    pub(crate) fn unknown_column(name: &str, nearest: &[&str]) -> Self {
        Self::UnknownColumn { name: name.to_owned(), nearest: owned(nearest) }
    }

    #[cold]
    pub(crate) fn unknown_group(name: &str, nearest: &[&str]) -> Self {
        Self::UnknownGroup { name: name.to_owned(), nearest: owned(nearest) }
    }

    #[cold]
    pub(crate) fn exact_rows(limit: usize) -> Self {
        Self::ExactLimit { what: "rows", limit, setting: "features.exact_rows_max" }
    }

    #[cold]
    pub(crate) fn exact_hosts(limit: usize) -> Self {
        Self::ExactLimit { what: "hosts", limit, setting: "features.hosts_max" }
    }

    #[cold]
    pub(crate) fn exact_pairs(limit: usize) -> Self {
        let what = "pairs of hosts, or of hosts and ports";
        Self::ExactLimit { what, limit, setting: "features.host_pairs_max" }
    }

    #[cold]
    pub(crate) fn unknown_name(name: &str, nearest: &[&str]) -> Self {
        Self::UnknownName { name: name.to_owned(), nearest: owned(nearest) }
    }
}
