//! What names and contents of files may not hold.

use std::path::Path;

use toml::Table;

/// Names that say nothing of what a file knows.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "mod"];

/// What no file may contain. In two halves, so that this file passes its own rule.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("/ho", "me/", "a path of one machine"),
    ("/ro", "ot/", "a path of one machine"),
    ("/Us", "ers/", "a path of one machine"),
    ("/wo", "rk/", "a path of one machine"),
    ("/tm", "p/", "a path of one machine"),
    ("to", "do!", "unfinished work"),
    ("unimple", "mented!", "unfinished work"),
    ("FIX", "ME", "unfinished work"),
    ("TO", "DO", "unfinished work"),
    ("XX", "X:", "unfinished work"),
    ("crates", ".io", "a registry's host"),
    ("py", "pi.org", "a registry's host"),
    ("registry.npm", "js.org", "a registry's host"),
    ("proxy.gol", "ang.org", "a registry's host"),
];

/// Complains about a name that is a drawer.
pub(crate) fn check_name(path: &Path, complaints: &mut Vec<String>) {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let words = stem.split(['_', '-', '.']);
    let source = path.extension().is_some_and(|e| e == "rs");
    let drawer =
        |word: &&str| EMPTY_NAMES.contains(word) && (*word != "mod" || source && stem == "mod");
    if let Some(word) = words.into_iter().find(drawer) {
        complaints.push(format!("{}: `{word}` says nothing of what is in it", path.display()));
    }
}

/// Complains about forbidden words; `Cargo.lock` names its registry and is let through.
pub(crate) fn check_text(path: &Path, text: &str, complaints: &mut Vec<String>) {
    if path.file_name().is_some_and(|name| name == "Cargo.lock") {
        return;
    }
    for (number, line) in (1..).zip(text.lines()) {
        for (head, tail, what) in FORBIDDEN {
            if line.match_indices(head).any(|(at, _)| line[at + head.len()..].starts_with(tail)) {
                let path = path.display();
                complaints.push(format!("{path}:{number}: `{head}{tail}` is {what}"));
            }
        }
    }
}

/// Crates with lints of their own: memory of other languages is a matter of pointers, and `unsafe_code = "forbid"` of
/// the workspace's cannot be taken back.
const OWN_LINTS: [&str; 2] = ["bindings/c/Cargo.toml", "bindings/python/Cargo.toml"];

/// Complains about a crate without the workspace's lints or licence.
pub(crate) fn check_manifest(path: &Path, text: &str, complaints: &mut Vec<String>) {
    let manifest: Table = match text.parse() {
        Ok(manifest) => manifest,
        Err(error) => {
            complaints.push(format!("{}: no TOML: {error}", path.display()));
            return;
        }
    };
    let inherits = |table: Option<&toml::Value>| {
        table.and_then(|t| t.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
    };
    let Some(package) = manifest.get("package") else { return };
    let own = OWN_LINTS.iter().any(|own| path == Path::new(own))
        && manifest.get("lints").and_then(|l| l.get("clippy")).is_some();
    if !own && !inherits(manifest.get("lints")) {
        complaints.push(format!("{}: `lints.workspace = true` is missing", path.display()));
    }
    for key in ["license", "edition", "rust-version", "version"] {
        if !inherits(package.get(key)) {
            complaints.push(format!("{}: `{key}.workspace = true` is missing", path.display()));
        }
    }
}

/// Complains unless the workspace has its licence, by SPDX identifier and by text.
pub(crate) fn check_licence(root: &Path, complaints: &mut Vec<String>) {
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_default();
    let manifest: Table = read("Cargo.toml").parse().unwrap_or_default();
    let spdx =
        manifest.get("workspace").and_then(|w| w.get("package")).and_then(|p| p.get("license"));
    if spdx.and_then(toml::Value::as_str) != Some("Apache-2.0") {
        complaints.push("Cargo.toml: `workspace.package.license` is not `Apache-2.0`".into());
    }
    let licence = read("LICENSE");
    if !licence.contains("Apache License") || !licence.contains("Version 2.0") {
        complaints.push("LICENSE: is not the text of the Apache License 2.0".into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawers_are_refused_and_topics_pass() {
        let told = |name: &str| {
            let mut complaints = Vec::new();
            check_name(Path::new(name), &mut complaints);
            complaints.len()
        };
        for name in ["src/utils.rs", "src/mod.rs", "test_helpers.rs", "docs/common.md", "misc.rs"] {
            assert_eq!(told(name), 1, "{name}");
        }
        for name in ["src/model.rs", "modulo.rs", "commonality.rs", "docs/mod-security.md"] {
            assert_eq!(told(name), 0, "{name}");
        }
    }

    #[test]
    fn forbidden_words_are_told_with_their_line() {
        let told = |name: &str, text: &str| {
            let mut complaints = Vec::new();
            check_text(Path::new(name), text, &mut complaints);
            complaints
        };
        let path = format!("fine\nsee /ho{}x", "me/");
        assert_eq!(
            told("a.rs", &path),
            [format!("a.rs:2: `/ho{}` is a path of one machine", "me/")]
        );
        assert!(told("Cargo.lock", &format!("crates{}", ".io")).is_empty());
        assert!(told("a.md", "the home of flows\n").is_empty());
    }

    #[test]
    fn a_manifest_inherits() {
        let told = |text: &str| {
            let mut complaints = Vec::new();
            check_manifest(Path::new("Cargo.toml"), text, &mut complaints);
            complaints.len()
        };
        let keys = "license.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
                    version.workspace = true\n";
        assert_eq!(told(&format!("[package]\n{keys}[lints]\nworkspace = true\n")), 0);
        assert_eq!(told(&format!("[package]\n{keys}")), 1);
        assert_eq!(told("[package]\nname = \"x\"\n[lints]\nworkspace = true\n"), 4);
        assert_eq!(told("[package"), 1);
        assert_eq!(told("[workspace]\n"), 0);
    }

    #[test]
    fn a_binding_has_lints_of_its_own() {
        let keys = "license.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
                    version.workspace = true\n";
        let own = format!("[package]\n{keys}[lints.clippy]\npedantic = \"warn\"\n");
        for (path, expected) in [(OWN_LINTS[1], 0), ("crates/rheos-gen/Cargo.toml", 1)] {
            let mut complaints = Vec::new();
            check_manifest(Path::new(path), &own, &mut complaints);
            assert_eq!(complaints.len(), expected, "{path}");
        }
        let mut complaints = Vec::new();
        check_manifest(Path::new(OWN_LINTS[1]), &format!("[package]\n{keys}"), &mut complaints);
        assert_eq!(complaints.len(), 1, "none at all");
    }
}
