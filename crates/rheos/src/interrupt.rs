//! Interrupts: half-written files go away, and the exit code says what happened.
//!
//! Output is written under a temporary name and renamed when it is whole, so that on SIGINT or SIGTERM the
//! only thing to do is to remove those temporary files. A thread waits for the signals, so that
//! nothing on the data's way has to look whether one came, and a blocked read does not delay it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::ExitStatus;

/// Folders that something is being written to.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Starts to wait for signals.
pub(crate) fn install() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot wait for signals")?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            if signals.forever().next().is_some() {
                for folder in with_unfinished(std::mem::take) {
                    remove_partial(&folder);
                }
                let _ = writeln!(io::stderr().lock(), "\ninterrupted");
                std::process::exit(i32::from(ExitStatus::Interrupted.code()));
            }
        })
        .context("cannot start a thread")?;
    Ok(())
}

/// Removes this process's partial files, which are named `.<name>.<process>-<number>.part`.
fn remove_partial(folder: &Path) {
    let ours = format!(".{}-", std::process::id());
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(".part") && name.contains(&ours) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// An output that is not whole yet; forgotten when this is dropped.
#[derive(Debug)]
pub(crate) struct Unfinished(PathBuf);

impl Unfinished {
    /// Remembers where `output` is written until the value is dropped.
    pub(crate) fn new(output: &Path) -> Self {
        let output = std::fs::canonicalize(output).unwrap_or_else(|_| output.to_owned());
        let folder = match output.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        with_unfinished(|all| all.push(folder.clone()));
        Self(folder)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        with_unfinished(|all| {
            if let Some(place) = all.iter().position(|folder| *folder == self.0) {
                all.swap_remove(place);
            }
        });
    }
}

fn with_unfinished<T>(change: impl FnOnce(&mut Vec<PathBuf>) -> T) -> T {
    // A panic elsewhere leaves the list as it was: it is still the right list.
    let mut all = UNFINISHED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    change(&mut all)
}
