//! The files that are named: each by itself, all of a folder, or those that a pattern matches.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::error::name_of;

/// How deep folders may lie within each other: more is a loop of links.
const DEPTH_MAX: u32 = 16;
/// Most files of one folder.
const FILES_MAX: usize = 1 << 20;

/// What is still to be read.
pub(super) struct Paths {
    queue: VecDeque<Entry>,
}

/// A file, or a folder on its way to become files.
struct Entry {
    path: PathBuf,
    /// How many folders it was found in; 0 where it was named.
    depth: u32,
}

impl Paths {
    pub(super) fn new(paths: &[PathBuf]) -> Self {
        let entry = |path: &PathBuf| Entry { path: path.clone(), depth: 0 };
        Self { queue: paths.iter().map(entry).collect() }
    }

    /// The next file, and whether it was found rather than named: folders are read in order of names, and so are
    /// those within them.
    pub(super) fn next(&mut self) -> Result<Option<(PathBuf, bool)>, Error> {
        while let Some(Entry { path, depth }) = self.queue.pop_front() {
            if path == Path::new("-") || path.is_file() {
                return Ok(Some((path, depth > 0)));
            }
            let found = if path.is_dir() {
                if depth >= DEPTH_MAX {
                    let reason = format!("it lies in more than {DEPTH_MAX} folders");
                    return Err(Error::not_flows(&name_of(&path), reason));
                }
                listed(&path, |name| !name.starts_with('.'))?
            } else if let Some(pattern) = pattern(&path) {
                let folder = path.parent().filter(|folder| *folder != Path::new(""));
                listed(folder.unwrap_or(Path::new(".")), |name| matches(pattern, name))?
            } else {
                // A pipe, or nothing: whoever opens it will see.
                return Ok(Some((path, depth > 0)));
            };
            if found.is_empty() && depth == 0 {
                let reason =
                    if path.is_dir() { "it is a folder without files" } else { "no file matches" };
                return Err(Error::not_flows(&name_of(&path), reason));
            }
            for path in found.into_iter().rev() {
                self.queue.push_front(Entry { path, depth: depth + 1 });
            }
        }
        Ok(None)
    }
}

/// What of a folder has a wanted name, in order.
fn listed(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, Error> {
    let name = name_of(folder);
    let io = |error| Error::io("read", &name, error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        if !wanted(&entry.file_name().to_string_lossy()) {
            continue;
        }
        if paths.len() >= FILES_MAX {
            return Err(Error::not_flows(&name, format!("it has more than {FILES_MAX} files")));
        }
        paths.push(entry.path());
    }
    paths.sort_unstable();
    Ok(paths)
}

/// The last part of a path, if it is a pattern.
fn pattern(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    (name.contains(['*', '?']) && !path.exists()).then_some(name)
}

/// `*` stands for any text, `?` for one character. As in shells, a point at the beginning is written out.
fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // The last star, and what it may have taken of the name so far.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match &mut star {
                Some((at, taken)) => {
                    *taken += 1;
                    (p, n) = (*at + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_shells() {
        for (pattern, name, does) in [
            ("*.parquet", "a.parquet", true),
            ("*.parquet", ".parquet", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("nfcapd.2024??", "nfcapd.202401", true),
            ("nfcapd.2024??", "nfcapd.20240", false),
            ("*", "", true),
            ("?", "", false),
        ] {
            assert_eq!(matches(pattern, name), does, "{pattern} {name}");
        }
    }

    #[test]
    fn folders_are_read_in_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("b/c")).unwrap();
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        for name in ["d.csv", "a.csv", "b/c/2.csv", "b/1.csv", ".hidden"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let all = |path: PathBuf| {
            let mut paths = Paths::new(&[path]);
            let mut found = Vec::new();
            while let Some((path, is_found)) = paths.next()? {
                assert!(is_found);
                let path = path.strip_prefix(folder.path()).unwrap_or(&path);
                found.push(path.display().to_string());
            }
            Ok::<_, Error>(found.join(" "))
        };
        assert_eq!(all(folder.path().to_owned()).unwrap(), "a.csv b/1.csv b/c/2.csv d.csv");
        assert_eq!(all(folder.path().join("?.csv")).unwrap(), "a.csv d.csv");
        let error = all(folder.path().join("*.json")).unwrap_err().to_string();
        assert!(error.ends_with("*.json` is no file of flows: no file matches"), "{error}");
        let error = all(folder.path().join("empty")).unwrap_err().to_string();
        assert!(error.ends_with("it is a folder without files"), "{error}");
    }
}
