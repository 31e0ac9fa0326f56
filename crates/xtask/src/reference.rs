//! The generated pages under docs/reference: the binary writes them, git keeps them, this compares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::steps;

/// Where the generated pages lie, from the root.
const FOLDER: &str = "docs/reference";
/// The generated page that says how many columns there are.
const COUNTED: &str = "features/README.md";
/// Texts that say it, too, between two marks.
const TEXTS: &[&str] = &["README.md", "docs/comparison.md"];
const BEGIN: &str = "<!-- counts: begin -->";
const END: &str = "<!-- counts: end -->";

/// Writes the pages anew.
pub(crate) fn write(root: &Path) -> Result<()> {
    let rheos = steps::rheos(root)?;
    let folder = root.join(FOLDER);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty `{FOLDER}`"))?;
    }
    generate(&rheos, &folder)?;
    let pages = pages(&folder)?;
    for (path, text) in counted(root, &pages)? {
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    println!("wrote {} pages into {FOLDER}", pages.len());
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
    for (path, text) in counted(root, &fresh)? {
        if std::fs::read_to_string(&path)? != text {
            let name = path.strip_prefix(root).unwrap_or(&path).display();
            complaints.push(format!("{name}: counts are stale, run `cargo xtask docs`"));
        }
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

/// The texts with the counts of the generated page.
fn counted(root: &Path, pages: &BTreeMap<PathBuf, Vec<u8>>) -> Result<Vec<(PathBuf, String)>> {
    let page = pages.get(Path::new(COUNTED)).map(|page| String::from_utf8_lossy(page));
    let page = page.with_context(|| format!("`{COUNTED}` was not generated"))?;
    let counts = counts(&page).with_context(|| format!("`{COUNTED}` tells no counts"))?;
    let texts = TEXTS.iter().map(|name| {
        let path = root.join(name);
        let text = std::fs::read_to_string(&path).with_context(|| (*name).to_owned())?;
        let text = marked(&text, counts).with_context(|| format!("`{name}` has no `{BEGIN}`"))?;
        Ok((path, text))
    });
    texts.collect()
}

/// `N columns in M groups`.
fn counts(page: &str) -> Option<&str> {
    let line = page.lines().find(|line| line.contains(" columns in "))?;
    line.split_once('.').map(|(counts, _)| counts)
}

/// The text with this between all pairs of marks; none if there is no pair.
fn marked(text: &str, counts: &str) -> Option<String> {
    let mut parts = text.split(BEGIN);
    let mut out = parts.next()?.to_owned();
    let mut any = false;
    for part in parts {
        let (_, after) = part.split_once(END)?;
        out += &[BEGIN, counts, END, after].concat();
        any = true;
    }
    any.then_some(out)
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
    fn counts_go_between_the_marks() {
        let page = "# Columns\n\n832 columns in 27 groups. What cannot be known\n";
        assert_eq!(counts(page), Some("832 columns in 27 groups"));
        let text = format!("a {BEGIN}1 column{END} b {BEGIN}{END}");
        let due = format!("a {BEGIN}2{END} b {BEGIN}2{END}");
        assert_eq!(marked(&text, "2"), Some(due));
        assert_eq!(marked("no marks", "2"), None);
        assert_eq!(marked(BEGIN, "2"), None);
    }

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
