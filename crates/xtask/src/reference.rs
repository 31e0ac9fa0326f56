//! The generated pages under docs/reference: the binary writes them, git keeps them, this compares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::steps;

/// Where the generated pages lie, from the root.
const FOLDER: &str = "docs/reference";

/// Writes the pages anew.
pub(crate) fn write(root: &Path) -> Result<()> {
    let rheos = steps::rheos(root)?;
    let folder = root.join(FOLDER);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty `{FOLDER}`"))?;
    }
    generate(&rheos, &folder)?;
    println!("wrote {} pages into {FOLDER}", pages(&folder)?.len());
    Ok(())
}

/// Fails if a page is not what the binary would write.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut complaints = Vec::new();
    compare(root, &steps::rheos(root)?, &mut complaints)?;
    for complaint in &complaints {
        eprintln!("docs: {complaint}");
    }
    if !complaints.is_empty() {
        bail!("{} generated pages are stale; run `cargo xtask docs`", complaints.len());
    }
    println!("docs: {FOLDER} is fresh");
    Ok(())
}

/// Complains about each page that is not what `rheos` writes.
pub(crate) fn compare(root: &Path, rheos: &Path, complaints: &mut Vec<String>) -> Result<()> {
    let fresh = tempfile::tempdir()?;
    generate(rheos, fresh.path())?;
    let fresh = pages(fresh.path())?;
    if fresh.is_empty() {
        bail!("`rheos reference` wrote no page");
    }
    let kept = pages(&root.join(FOLDER))?;
    for (name, text) in &fresh {
        match kept.get(name) {
            None => complaints
                .push(format!("{FOLDER}/{}: missing, run `cargo xtask docs`", name.display())),
            Some(old) if old != text => {
                complaints
                    .push(format!("{FOLDER}/{}: stale, run `cargo xtask docs`", name.display()));
            }
            Some(_) => {}
        }
    }
    for name in kept.keys().filter(|name| !fresh.contains_key(*name)) {
        complaints.push(format!(
            "{FOLDER}/{}: no longer generated, run `cargo xtask docs`",
            name.display()
        ));
    }
    Ok(())
}

fn generate(rheos: &Path, folder: &Path) -> Result<()> {
    steps::output(Command::new(rheos).arg("reference").arg(folder)).map(drop)
}

/// The files of a folder and its subfolders with their contents, by path within it.
fn pages(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut pages = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read(&path).with_context(|| path.display().to_string())?;
                pages.insert(path.strip_prefix(folder)?.to_path_buf(), text);
            }
        }
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_found_in_subfolders_and_a_missing_folder_has_none() -> Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("deep"))?;
        std::fs::write(folder.path().join("deep/a.md"), "a")?;
        std::fs::write(folder.path().join("b.md"), "b")?;
        let found = pages(folder.path())?;
        assert_eq!(found.keys().collect::<Vec<_>>(), [Path::new("b.md"), Path::new("deep/a.md")]);
        assert!(pages(&folder.path().join("gone"))?.is_empty());
        Ok(())
    }
}
