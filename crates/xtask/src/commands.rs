//! The commands that the texts show exist: each `rheos ...` of a code block is given `--help` as its
//! last word, so that its subcommand, its options and their values are all read by the real parser.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use clap::CommandFactory;

/// Complains about commands that do not parse; gives how many were tried.
pub(crate) fn check(
    root: &Path,
    files: &[PathBuf],
    rheos: &Path,
    complaints: &mut Vec<String>,
) -> Result<usize> {
    let mut tried = 0;
    let generated = Path::new("docs/reference");
    let texts = files.iter().filter(|f| f.extension().is_some_and(|e| e == "md"));
    for file in texts.filter(|f| !f.starts_with(generated)) {
        let text = std::fs::read_to_string(root.join(file))?;
        for command in commands(&text) {
            tried += 1;
            if let Some(complaint) = complaint(&command, rheos)? {
                complaints.push(format!(
                    "{}: `{}`: {complaint}",
                    file.display(),
                    command.join(" ")
                ));
            }
        }
    }
    Ok(tried)
}

fn complaint(command: &[String], rheos: &Path) -> Result<Option<String>> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["rheos", args @ ..] => {
            let mut run = Command::new(rheos);
            let out = run.args(args).arg("--help").stdin(Stdio::null()).output();
            let out = out.with_context(|| format!("cannot start `{}`", rheos.display()))?;
            let told = String::from_utf8_lossy(&out.stderr);
            let first = told.lines().next().unwrap_or("failed without a word").to_owned();
            Ok((!out.status.success()).then_some(first))
        }
        ["cargo", "xtask", door, ..] => {
            let cli = crate::Cli::command();
            Ok(cli.find_subcommand(door).is_none().then(|| "there is no such door".into()))
        }
        _ => Ok(None),
    }
}

/// The `rheos` and `cargo xtask` commands in the code blocks of a Markdown text, cut at pipes,
/// redirections and comments, each once.
fn commands(text: &str) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    let mut inside = false;
    let mut continued = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
            continue;
        }
        if !inside {
            continue;
        }
        let line = line.trim_start().trim_start_matches("$ ");
        // Two spaces begin a second column, which says what the command does.
        let line =
            format!("{continued}{}", line.split_once("  ").map_or(line, |(command, _)| command));
        continued.clear();
        if let Some(head) = line.strip_suffix('\\') {
            head.clone_into(&mut continued);
            continue;
        }
        found.extend(stages(&line).into_iter().filter_map(ours));
    }
    found
}

/// A command line's stages, each as words; quotes keep words together.
fn stages(line: &str) -> Vec<Vec<String>> {
    let mut stages = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut skip_target = false;
    for c in line.chars().chain([' ']) {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, '|' | ';' | '&' | '>' | '<' | ' ') => {
                let done = word.take();
                let last = stages.len() - 1;
                match done {
                    Some(_) if skip_target => skip_target = false,
                    Some(done) => stages[last].push(done),
                    None => {}
                }
                match c {
                    '|' | ';' | '&' => stages.push(Vec::new()),
                    '>' | '<' => skip_target = true,
                    _ => {}
                }
            }
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    stages
}

/// A stage's words from `rheos` or `cargo xtask` on; nothing if it is another program's.
fn ours(mut words: Vec<String>) -> Option<Vec<String>> {
    while words.first().is_some_and(|w| w == "sudo" || (w.contains('=') && !w.starts_with('-'))) {
        words.remove(0);
    }
    if words.first()?.rsplit('/').next()? == "rheos" {
        words[0] = "rheos".into();
        return Some(words);
    }
    if words.first()? == "cargo" && words.get(1)? == "run" {
        let args = words.iter().position(|w| w == "--")?;
        return Some([vec!["rheos".to_owned()], words[args + 1..].to_vec()].concat());
    }
    (words.first()? == "cargo" && words.get(1)? == "xtask").then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_in_blocks_only_and_cut_into_stages() {
        let text = "rheos not this\n```sh\n$ tcpdump -w - | rheos features extract - --format csv > x.csv # why\n\
                    cargo run --release -- demo     what it does\nsudo ./target/release/rheos pcap info 'a b.pcap'\n\
                    rheos features extract \\\n  a.pcap -o b.parquet\ncargo xtask test && ls\nls rheos\n```\n";
        let found: Vec<String> = commands(text).iter().map(|words| words.join(" ")).collect();
        assert_eq!(
            found,
            [
                "cargo xtask test",
                "rheos demo",
                "rheos features extract - --format csv",
                "rheos features extract a.pcap -o b.parquet",
                "rheos pcap info a b.pcap",
            ]
        );
    }

    #[test]
    fn an_unknown_door_is_told() -> Result<()> {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let rheos = Path::new("rheos");
        assert!(complaint(&words("cargo xtask tidy"), rheos)?.is_none());
        assert!(complaint(&words("cargo xtask tidily"), rheos)?.is_some());
        Ok(())
    }
}
