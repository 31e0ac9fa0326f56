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

/// Files to remove when the run is interrupted.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Starts to wait for signals.
pub(crate) fn install() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot wait for signals")?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            if signals.forever().next().is_some() {
                for path in with_unfinished(std::mem::take) {
                    let _ = std::fs::remove_file(path);
                }
                let _ = writeln!(io::stderr().lock(), "\ninterrupted");
                std::process::exit(i32::from(ExitStatus::Interrupted.code()));
            }
        })
        .context("cannot start a thread")?;
    Ok(())
}

/// A file that is not whole yet; forgotten when this is dropped.
#[derive(Debug)]
pub(crate) struct Unfinished(PathBuf);

impl Unfinished {
    /// Remembers `path` until the value is dropped.
    pub(crate) fn new(path: &Path) -> Self {
        with_unfinished(|all| all.push(path.to_owned()));
        Self(path.to_owned())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        with_unfinished(|all| all.retain(|path| *path != self.0));
    }
}

fn with_unfinished<T>(change: impl FnOnce(&mut Vec<PathBuf>) -> T) -> T {
    // A panic elsewhere leaves the list as it was: it is still the right list.
    let mut all = UNFINISHED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    change(&mut all)
}
