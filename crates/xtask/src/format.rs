//! Formatting of every Rust file.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::steps;

/// Formats all files, or tells which are not formatted.
pub(crate) fn format(root: &Path, check: bool) -> Result<()> {
    let mut files = steps::files(root)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.current_dir(root).args(["--edition", "2024"]);
    if check {
        rustfmt.arg("--check");
    }
    println!("$ {} ({} files)", steps::shown(&rustfmt), files.len());
    if !rustfmt.args(files).status()?.success() {
        bail!("not all files are formatted: run `cargo xtask format`");
    }
    Ok(())
}
