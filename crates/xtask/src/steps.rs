//! Running commands: what is run is printed first, so that a person can repeat it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The workspace's root folder.
pub(crate) fn root() -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest
        .ancestors()
        .nth(2)
        .filter(|root| root.join("Cargo.lock").is_file())
        .map(Path::to_path_buf)
        .with_context(|| format!("no workspace above `{}`", manifest.display()))
}

/// The cargo that runs us, so that a pinned toolchain stays pinned.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// A command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let envs = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let mut words: Vec<String> = envs
        .map(|(name, value)| {
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            if value.contains(' ') {
                format!("{name}='{value}'")
            } else {
                format!("{name}={value}")
            }
        })
        .collect();
    words.push(program.to_string_lossy().into_owned());
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}

/// Runs a command with our own output, and fails if it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let text = shown(command);
    println!("$ {text}");
    let status = command.status().with_context(|| format!("cannot start `{text}`"))?;
    if !status.success() {
        bail!("`{text}` failed: {status}");
    }
    Ok(())
}

/// Runs a command silently and gives its standard output; on failure its standard error is told.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let text = shown(command);
    let out = command.stdin(Stdio::null()).output();
    let out = out.with_context(|| format!("cannot start `{text}`"))?;
    if !out.status.success() {
        let told = String::from_utf8_lossy(&out.stderr);
        bail!("`{text}` failed: {}\n{}", out.status, told.trim_end());
    }
    String::from_utf8(out.stdout).with_context(|| format!("`{text}` wrote no UTF-8"))
}

/// Builds a binary of the workspace and tells where it is.
pub(crate) fn built(root: &Path, args: &[&str], target: &str) -> Result<PathBuf> {
    let mut build = cargo(root);
    build.args(["build", "--quiet", "--message-format", "json-render-diagnostics"]).args(args);
    build.stderr(Stdio::inherit());
    let messages = output(&mut build)?;
    let mut executable = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let named = message["target"]["name"].as_str()? == target;
        named.then(|| message["executable"].as_str().map(PathBuf::from))?
    });
    executable.next_back().with_context(|| format!("`{}` made no `{target}`", shown(&build)))
}

/// The dev build of `rheos`.
pub(crate) fn rheos(root: &Path) -> Result<PathBuf> {
    built(root, &["--package", "rheos", "--bin", "rheos"], "rheos")
}

/// The files that git tracks or would track, relative to the root.
pub(crate) fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let names = output(&mut git)?;
    let mut files: Vec<PathBuf> = names
        .split_terminator('\0')
        .map(PathBuf::from)
        .filter(|f| root.join(f).is_file())
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// Whether a program lies on the search path.
pub(crate) fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(OsStr::new(program)).is_file())
    })
}
