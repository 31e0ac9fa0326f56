//! Where the real captures lie, and how work on them is spread over the cores.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The captures' folder: `RHEOS_CORPUS`, else beside the project. `None`, and a line that says so, without one.
pub(crate) fn root() -> Option<PathBuf> {
    let root = std::env::var_os("RHEOS_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    if root.is_dir() {
        return Some(root);
    }
    println!("skipped: no captures in `{}`; set RHEOS_CORPUS to their folder", root.display());
    None
}

/// The captures of one folder of the corpus, by name.
pub(crate) fn captures(root: &Path, folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root.join(folder)).expect("the corpus has this folder");
    let mut captures: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder can be listed").path())
        .filter(|path| path.is_file() && !path.extension().is_some_and(|e| e == "tsv" || e == "md"))
        .collect();
    captures.sort();
    assert!(!captures.is_empty(), "the corpus has captures in `{folder}`");
    captures
}

/// A capture's name within the corpus: `folder/file`.
pub(crate) fn name(capture: &Path) -> String {
    let last = |path: Option<&Path>| {
        path.and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    };
    format!("{}/{}", last(capture.parent()), last(Some(capture)))
}

/// Whether a tool is there. Where the guard has installed them all, a missing one fails the test.
pub(crate) fn has_tool(program: &str, package: &str) -> bool {
    let run =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if run.is_ok_and(|status| status.success()) {
        return true;
    }
    assert!(
        std::env::var_os("RHEOS_REQUIRE_TOOLS").is_none(),
        "`{program}` is missing; install it: `apt-get install -y {package}`"
    );
    println!("skipped: `{program}` is missing; install it: `apt-get install -y {package}`");
    false
}

/// Does `work` for every item on all cores and gives the results in the items' order.
pub(crate) fn on_all_cores<I: Sync, R: Send>(items: &[I], work: impl Fn(&I) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some((place, item)) = {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    items.get(place).map(|item| (place, item))
                } {
                    let result = work(item);
                    done.lock().expect("no worker panicked").push((place, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no worker panicked");
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}
