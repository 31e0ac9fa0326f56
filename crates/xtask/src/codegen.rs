//! The C header: cbindgen writes it from the sources of the C interface and its records, git keeps it, this compares.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// What the header declares, from the root. Files and not crates: what is not here cannot get into it.
const SOURCES: &[&str] = &[
    "crates/rheos-core/src/record.rs",
    // And its modules.
    "bindings/c/src/lib.rs",
];
const RULES: &str = "bindings/c/cbindgen.toml";
const HEADER: &str = "bindings/c/include/rheos.h";

/// Writes the header anew.
pub(crate) fn write(root: &Path) -> Result<()> {
    std::fs::write(path(root), header(root)?)
        .with_context(|| format!("cannot write `{HEADER}`"))?;
    println!("wrote {HEADER}");
    Ok(())
}

/// Fails if the header is not what the sources say.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut complaints = Vec::new();
    compare(root, &mut complaints)?;
    if let Some(complaint) = complaints.first() {
        bail!("{complaint}");
    }
    println!("codegen: {HEADER} is fresh");
    Ok(())
}

/// Complains if the header is not what the sources say.
pub(crate) fn compare(root: &Path, complaints: &mut Vec<String>) -> Result<()> {
    let kept = std::fs::read(path(root)).unwrap_or_default();
    if kept != header(root)? {
        complaints.push(format!("{HEADER}: stale, run `cargo xtask codegen`"));
    }
    Ok(())
}

fn path(root: &Path) -> PathBuf {
    root.join(HEADER)
}

fn header(root: &Path) -> Result<Vec<u8>> {
    let rules = cbindgen::Config::from_file(root.join(RULES))
        .map_err(|error| anyhow::anyhow!("cannot read `{RULES}`: {error}"))?;
    let builder = cbindgen::Builder::new().with_config(rules);
    let builder = SOURCES.iter().fold(builder, |builder, file| builder.with_src(root.join(file)));
    let bindings = builder.generate().context("cbindgen cannot read the sources")?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    Ok(text)
}
