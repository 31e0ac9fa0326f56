//! The Python package: built and installed as a user would do it, its tests and the notebooks run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::guard::Counts;
use crate::steps;

/// Where the package lies.
const PACKAGE: &str = "bindings/python";
/// Where the notebooks lie, with what they need and what runs them.
const EXAMPLES: &str = "examples";
/// Texts whose Python code runs, from there.
const GUIDES: &[&str] = &["../docs/guides/pcap-to-model.md"];

/// Installs the package into an environment of its own, runs its tests and every notebook.
pub(crate) fn test(root: &Path) -> Result<Counts> {
    let python = install(root)?;
    let mut pytest = Command::new(&python);
    pytest.current_dir(root.join(PACKAGE)).args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]);
    let text = steps::shown(&pytest);
    println!("$ {text}");
    let out = pytest.output().with_context(|| format!("cannot start `{text}`"))?;
    let told = String::from_utf8_lossy(&out.stdout);
    println!("{}", told.trim_end());
    if !out.status.success() {
        bail!("`{text}` failed: {}\n{}", out.status, String::from_utf8_lossy(&out.stderr));
    }
    let counts = told.lines().last().map(counts_of).unwrap_or_default();
    if counts.passed == 0 {
        bail!("`{text}` ran no test");
    }
    notebooks(root, &python)?;
    Ok(counts)
}

/// Runs each notebook on the public captures, if they are there, and on captures that it makes, and the guides' code.
fn notebooks(root: &Path, python: &Path) -> Result<()> {
    let folder = root.join(EXAMPLES);
    let mut pip = Command::new(python);
    pip.current_dir(&folder).args(["-m", "pip", "install", "--quiet"]);
    steps::run(pip.args(["--disable-pip-version-check", "-r", "requirements.txt"]))?;
    let rheos = steps::rheos(root)?;
    let programs = std::env::var_os("PATH").unwrap_or_default();
    let folders = rheos.parent().map(Path::to_path_buf).into_iter();
    let path = std::env::join_paths(folders.chain(std::env::split_paths(&programs)))?;
    let execute = |name: &Path, made: bool| -> Result<()> {
        let mut run = Command::new(python);
        run.current_dir(&folder).env("PATH", &path).arg("execute.py").arg(name);
        if made {
            run.env("RHEOS_CORPUS", "no-such-folder");
        }
        let corpus = if made { "RHEOS_CORPUS=no-such-folder " } else { "" };
        let text = format!("{corpus}python execute.py {}", name.display());
        println!("$ {text}");
        let out = run.output().with_context(|| format!("cannot start `{text}`"))?;
        if !out.status.success() {
            bail!("`{text}` failed: {}\n{}", out.status, String::from_utf8_lossy(&out.stderr));
        }
        let told = String::from_utf8_lossy(&out.stdout);
        println!("{}", told.lines().last().unwrap_or_default());
        Ok(())
    };
    let names = std::fs::read_dir(&folder)?.map(|entry| Ok(PathBuf::from(entry?.file_name())));
    let mut names: Vec<PathBuf> = names.collect::<Result<_>>()?;
    names.retain(|name| name.extension().is_some_and(|extension| extension == "ipynb"));
    names.sort();
    if names.is_empty() {
        bail!("`{EXAMPLES}` has no notebook");
    }
    for name in &names {
        execute(name, false)?;
        execute(name, true)?;
    }
    GUIDES.iter().try_for_each(|guide| execute(Path::new(guide), false))
}

/// `pip install .` into a fresh environment, with the dev profile so that nothing is built twice; gives its Python.
fn install(root: &Path) -> Result<PathBuf> {
    let venv = root.join("target/python");
    if venv.exists() {
        std::fs::remove_dir_all(&venv)?;
    }
    let python = environment(&venv)?;
    let mut pip = Command::new(&python);
    pip.current_dir(root.join(PACKAGE)).env("MATURIN_PEP517_ARGS", "--profile dev");
    pip.env("CARGO_TARGET_DIR", target(root));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ".[test]"]);
    steps::run(&mut pip)?;
    Ok(python)
}

/// A virtual environment in this folder, made if it is not there yet; gives its Python.
pub(crate) fn environment(venv: &Path) -> Result<PathBuf> {
    let python = venv.join("bin/python");
    if !python.is_file() {
        steps::run(Command::new("python3").args(["-m", "venv"]).arg(venv))?;
    }
    Ok(python)
}

/// The folder that cargo builds into.
fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// The counts of pytest's last line: `33 passed, 1 skipped in 4.2s`.
fn counts_of(line: &str) -> Counts {
    let mut counts = Counts::default();
    let words: Vec<&str> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    for pair in words.windows(2) {
        let Ok(n) = pair[0].trim_start_matches('=').parse::<u64>() else { continue };
        match pair[1] {
            "passed" => counts.passed += n,
            "failed" | "error" | "errors" => counts.failed += n,
            "skipped" => counts.ignored += n,
            _ => {}
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runners_last_line_is_read() {
        let counts = counts_of("2 failed, 33 passed, 1 skipped in 4.23s");
        assert_eq!(counts, Counts { passed: 33, failed: 2, ignored: 1 });
        assert_eq!(counts_of("no tests ran in 0.01s"), Counts::default());
    }
}
