//! Small files that appear when they are whole: written under a temporary name that an interrupt finds, then renamed.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};

use crate::interrupt::Unfinished;

/// Writes `bytes` to `path`, in place of what was there.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let cannot = || format!("cannot write `{}`", path.display());
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let part = path.with_file_name(format!(".{name}.{}-w{number}.part", std::process::id()));
    let _unfinished = Unfinished::new(path);
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        // What is half written is of use to nobody.
        let _ = std::fs::remove_file(&part);
    }
    written.with_context(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_file_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        write(&path, b"one").expect("written");
        write(&path, b"two").expect("written again");
        assert_eq!(std::fs::read(&path).expect("a file"), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
        assert!(write(&folder.path().join("none/state.json"), b"x").is_err());
    }
}
