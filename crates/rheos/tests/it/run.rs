//! Running the binary in a folder of its own, and what of its output differs from run to run.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

/// A folder with captures in it, in which the binary runs.
pub(crate) struct Sandbox {
    dir: TempDir,
}

impl Sandbox {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    /// With a file in it; folders are made.
    pub(crate) fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
        self
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file's text.
    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a text file")
    }

    /// The files that are there now.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path()).expect("the folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// The binary with the arguments in `line`, which are separated by blanks; quotes keep blanks.
    pub(crate) fn command(&self, line: &str) -> Command {
        rheos(self.dir.path(), line)
    }

    /// Runs it and shows how it ended.
    pub(crate) fn run(&self, line: &str) -> String {
        shown(&mut self.command(line))
    }
}

/// What a run that succeeds writes to standard output.
pub(crate) fn stdout(sandbox: &Sandbox, line: &str) -> String {
    let output = sandbox.command(line).output().expect("it runs");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The binary with the environment's own settings out of the way.
fn rheos(dir: &Path, line: &str) -> Command {
    let mut command = Command::cargo_bin("rheos").expect("the binary");
    command.current_dir(dir).args(words(line));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RHEOS_") {
            command.env_remove(name);
        }
    }
    command.env("COLUMNS", "100").env_remove("NO_COLOR");
    command
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (n, part) in line.split('\'').enumerate() {
        if n % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(ToOwned::to_owned));
        }
    }
    words
}

/// Status, standard output and standard error of a finished run.
pub(crate) fn shown(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    let status = output.status.code().map_or("killed".to_owned(), |code| code.to_string());
    let part = |name: &str, bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        if text.is_empty() { String::new() } else { format!("--- {name}\n{}\n", text.trim_end()) }
    };
    format!("exit {status}\n{}{}", part("stdout", &output.stdout), part("stderr", &output.stderr))
}

/// Compares with the snapshot file of this name, with times, rates and versions taken out.
pub(crate) fn assert_run(name: &str, shown: &str) {
    let mut settings = insta::Settings::clone_current();
    for (pattern, instead) in FILTERS {
        settings.add_filter(pattern, *instead);
    }
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

/// What differs from run to run.
const FILTERS: &[(&str, &str)] = &[
    (r"in [0-9.]+ (?:ns|us|ms|s)  [0-9.]+ ?k?M? packets/s", "in [time]  [rate] packets/s"),
    (r"in [0-9.]+ (?:ns|us|ms|s)  [0-9.]+ ?[kM]? (flows|records)/s", "in [time]  [rate] $1/s"),
    (r"rheos \d+\.\d+\.\d+", "rheos [version]"),
    (r"/(?:[^ `/]+/)*\.tmp[^ `/]+", "[dir]"),
];
