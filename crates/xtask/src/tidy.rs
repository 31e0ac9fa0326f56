//! The structure rules, all in one go: every complaint is told, not only the first.

use std::path::Path;

use anyhow::{Result, bail};

use crate::{codegen, commands, content, floors, reference, sizes, steps};

/// Fails if the project breaks one of its own rules.
pub(crate) fn tidy(root: &Path) -> Result<()> {
    let mut complaints = Vec::new();
    floors::check(root, &mut complaints)?;
    content::check_licence(root, &mut complaints);
    let files = steps::files(root)?;
    for path in &files {
        content::check_name(path, &mut complaints);
        let Ok(text) = std::fs::read_to_string(root.join(path)) else { continue };
        content::check_text(path, &text, &mut complaints);
        if path.extension().is_some_and(|e| e == "rs") {
            sizes::check(path, &text, &mut complaints);
        }
        if path.file_name().is_some_and(|name| name == "Cargo.toml") {
            content::check_manifest(path, &text, &mut complaints);
        }
    }
    codegen::compare(root, &mut complaints)?;
    // What the text alone tells is told before the binary is built.
    tell(&complaints);
    let before = complaints.len();
    let rheos = steps::rheos(root)?;
    reference::compare(root, &rheos, &mut complaints)?;
    let commands = commands::check(root, &files, &rheos, &mut complaints)?;
    tell(&complaints[before..]);
    if !complaints.is_empty() {
        bail!("{} things are not tidy", complaints.len());
    }
    println!(
        "tidy: {} files, {commands} commands of the texts, floors and pages are in order",
        files.len()
    );
    Ok(())
}

fn tell(complaints: &[String]) {
    for complaint in complaints {
        eprintln!("tidy: {complaint}");
    }
}
