//! Help: short fits a screen, long has examples, for every command there is.

use crate::run::{Sandbox, assert_run};

/// Lines that a terminal of common size shows, less the prompt.
const SCREEN_LINES: usize = 55;

/// Every command of the tree, as the words after `rheos`.
fn commands() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![Vec::<String>::new()];
    while let Some(words) = open.pop() {
        for name in listed(&help(&words, "-h")) {
            let mut below = words.clone();
            below.push(name);
            open.push(below);
        }
        found.push(words);
    }
    found
}

fn help(words: &[String], flag: &str) -> String {
    let output = Sandbox::new().command("").args(words).arg(flag).output().expect("it runs");
    assert!(output.status.success(), "{words:?} {flag}");
    assert!(output.stderr.is_empty(), "{words:?} {flag}");
    String::from_utf8(output.stdout).expect("text")
}

/// The names under `Commands:`.
fn listed(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| line.starts_with("  "));
    // A wrapped description is indented deeper than a name.
    lines
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(ToOwned::to_owned))
        .collect()
}

#[test]
fn short_help_fits_a_screen_and_long_help_has_examples() {
    let commands = commands();
    assert!(commands.len() > 15, "the tree was not found: {commands:?}");
    for words in commands {
        let short = help(&words, "-h");
        assert!(short.lines().count() <= SCREEN_LINES, "{words:?}: {}", short.lines().count());
        assert!(short.lines().all(|line| line.chars().count() <= 100), "{words:?}");
        let long = help(&words, "--help");
        let leaf = listed(&short).is_empty();
        let examples = long.lines().skip_while(|line| *line != "Examples:").skip(1);
        let examples =
            examples.take_while(|line| line.starts_with("  ")).filter(|l| l.contains("rheos"));
        assert!(!leaf || examples.count() >= 3, "{words:?} has fewer than three examples");
    }
}

#[test]
fn help_of_the_main_road() {
    assert_run("help_extract_short", &help(&["features".into(), "extract".into()], "-h"));
    assert_run("help_extract_long", &help(&["features".into(), "extract".into()], "--help"));
    assert_run("help_root_short", &help(&[], "-h"));
}

#[test]
fn without_a_command_help_is_shown_as_a_mistake() {
    let sandbox = Sandbox::new();
    let output = sandbox.command("").output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Usage: rheos"));
}

#[test]
fn version_tells_target_and_build() {
    let sandbox = Sandbox::new();
    let long = sandbox.run("--version");
    assert!(long.starts_with("exit 0"), "{long}");
    for part in ["rheos ", "target: ", "build: ", "formats: "] {
        assert!(long.contains(part), "{long}");
    }
    assert_eq!(sandbox.run("-V").lines().count(), 3, "one line beside status and heading");
}
