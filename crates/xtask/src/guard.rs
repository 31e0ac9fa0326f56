//! Everything that guards the project, in the order of the cost of a failure: text, lints, structure,
//! documentation, the main job, and last the tests, so that their summary ends the output.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{format, oracles, python, steps, tidy};

/// All crates with all that is left out by default. The demo's build is the one without.
const EVERYTHING: [&str; 3] = ["--workspace", "--features", "rheos/sql"];

/// Runs the guard.
pub(crate) fn test(root: &Path) -> Result<()> {
    let started = Instant::now();
    let step = |name: &str| println!("\n== {name} ({} s)", started.elapsed().as_secs());

    step("format");
    format::format(root, true)?;
    step("lints");
    let mut lints = steps::cargo(root);
    lints.arg("clippy").args(EVERYTHING).args(["--all-targets", "--quiet", "--", "-D", "warnings"]);
    steps::run(&mut lints)?;
    step("tidy");
    tidy::tidy(root)?;
    step("documentation");
    let mut doc = steps::cargo(root);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    steps::run(doc.arg("doc").args(EVERYTHING).args(["--no-deps", "--quiet"]))?;
    step("demo");
    demo(root)?;
    step("oracles");
    oracles::install()?;
    step("python");
    let counts = python::test(root)?;
    step("tests");
    tests(root, started, counts)
}

/// The main job, as a person on a fresh machine would see it, from the dev build.
fn demo(root: &Path) -> Result<()> {
    let rheos = steps::rheos(root)?;
    left_out(&rheos)?;
    let folder = tempfile::tempdir()?;
    let mut demo = Command::new(&rheos);
    demo.current_dir(folder.path()).arg("demo").stdin(Stdio::null());
    let text = steps::shown(&demo);
    println!("$ {text}");
    let out = demo.output().with_context(|| format!("cannot start `{text}`"))?;
    let told = [out.stdout, out.stderr].concat();
    if !out.status.success() {
        bail!("`{text}` failed: {}\n{}", out.status, String::from_utf8_lossy(&told));
    }
    println!("it said {} lines", String::from_utf8_lossy(&told).lines().count());
    Ok(())
}

/// What the usual build leaves out tells how to get it: the tests are of the build with everything.
fn left_out(rheos: &Path) -> Result<()> {
    let mut query = Command::new(rheos);
    query.args(["flows", "query", "SELECT 1", "flows.csv"]).stdin(Stdio::null());
    let out = query.output().with_context(|| format!("cannot start `{}`", rheos.display()))?;
    let told = String::from_utf8_lossy(&out.stderr);
    if out.status.code() != Some(2) || !told.contains("--features sql") {
        bail!("a build without SQL said ({}): {told}", out.status);
    }
    Ok(())
}

/// What the test runners counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl Counts {
    /// Adds a runner's line: `test result: ok. 3 passed; 0 failed; 1 ignored; ...`.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let after_verdict = result.split_once(". ").map_or("", |(_, counts)| counts);
        for part in after_verdict.split("; ") {
            let Some((n, what)) = part.split_once(' ') else { continue };
            let n: u64 = n.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += n,
                "failed" => self.failed += n,
                "ignored" => self.ignored += n,
                _ => {}
            }
        }
    }
}

/// All tests of all crates; a test whose tool is missing fails instead of skipping. `counts` are those before.
fn tests(root: &Path, started: Instant, mut counts: Counts) -> Result<()> {
    let mut tests = steps::cargo(root);
    tests.env("RHEOS_REQUIRE_TOOLS", "1");
    tests.arg("test").args(EVERYTHING).arg("--no-fail-fast").stdout(Stdio::piped());
    let text = steps::shown(&tests);
    println!("$ {text}");
    let mut child = tests.spawn().with_context(|| format!("cannot start `{text}`"))?;
    let out = child.stdout.take().context("the tests have no output")?;
    for line in BufReader::new(out).lines() {
        let line = line?;
        counts.add(&line);
        println!("{line}");
    }
    let status = child.wait()?;
    let Counts { passed, failed, ignored } = counts;
    println!("\nthe guard took {} s", started.elapsed().as_secs());
    println!("{passed} passed, {failed} failed, {ignored} ignored");
    if !status.success() || failed > 0 {
        bail!("`{text}` failed: {status}");
    }
    if passed == 0 {
        bail!("`{text}` ran no test");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runners_lines_are_added_up() {
        let mut counts = Counts::default();
        counts.add("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        counts.add("test a::b ... ok");
        counts
            .add("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out");
        assert_eq!(counts, Counts { passed: 15, failed: 2, ignored: 1 });
    }
}
