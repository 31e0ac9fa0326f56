//! What is in a watched folder, and what of it was taken already.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use rheos_capture::input::natural_order;
use serde::{Deserialize, Serialize};

use crate::failure::Misuse;
use crate::whole_file;

/// Captures in the folder at most: each is looked at every time, and remembered.
const CAPTURES_MAX: usize = 100_000;

/// A larger state file is none of ours.
const STATE_BYTES_MAX: u64 = 64 << 20;

const STATE_NAME: &str = "rheos-watch.json";

/// How taking a capture went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// All of it was read.
    Done,
    /// It was read up to a damaged place.
    Damaged,
    /// It could not be read.
    Failed,
}

impl Outcome {
    /// For the summary's lines.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Done => "took",
            Self::Damaged => "damage",
            Self::Failed => "failed",
        }
    }
}

/// What became of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Taken {
    /// How it went.
    pub(crate) outcome: Outcome,
    /// Rows that were written.
    pub(crate) rows: u64,
}

/// By what a file is known to be the same as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    modified_ns: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    #[serde(flatten)]
    stamp: Stamp,
    #[serde(flatten)]
    taken: Taken,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    config_hash: String,
    captures: BTreeMap<String, Remembered>,
}

/// A folder that is watched.
#[derive(Debug)]
pub(crate) struct WatchFolder {
    folder: PathBuf,
    state_path: PathBuf,
    state: State,
    /// What the last look saw.
    seen: HashMap<String, Stamp>,
    unsettled: usize,
}

impl WatchFolder {
    /// Goes on where the watch that wrote into `rows` ended, if there was one.
    pub(crate) fn open(folder: &Path, rows: &Path, config_hash: &str) -> Result<Self> {
        let state_path = rows.join(STATE_NAME);
        let state = match std::fs::metadata(&state_path) {
            Ok(found) if found.len() > STATE_BYTES_MAX => return Err(no_state(&state_path)),
            Ok(_) => {
                let text = std::fs::read(&state_path)
                    .with_context(|| format!("cannot read `{}`", state_path.display()))?;
                serde_json::from_slice(&text).map_err(|_| no_state(&state_path))?
            }
            Err(_) => State { config_hash: config_hash.to_owned(), ..State::default() },
        };
        if state.config_hash != config_hash {
            let message =
                format!("`{}` has rows that were made with other settings", rows.display());
            let hint = "name another folder with `-o`, or watch with the settings of before";
            return Err(Misuse::new(message, hint).into());
        }
        let folder = folder.to_owned();
        Ok(Self { folder, state_path, state, seen: HashMap::new(), unsettled: 0 })
    }

    /// Looks at the folder: captures that are as they were at the last look, and were not taken as they are, in order
    /// of their names.
    pub(crate) fn look(&mut self) -> Result<Vec<String>> {
        let now = self.list()?;
        // What has gone may come back under the same name as something else.
        self.state.captures.retain(|name, _| now.contains_key(name));
        let open = now.iter().filter(|(name, stamp)| {
            self.state.captures.get(*name).is_none_or(|known| known.stamp != **stamp)
        });
        let (settled, moving): (Vec<_>, Vec<_>) =
            open.partition(|(name, stamp)| self.seen.get(*name) == Some(stamp));
        self.unsettled = moving.len();
        let mut ready: Vec<String> = settled.into_iter().map(|(name, _)| name.clone()).collect();
        ready.sort_by(|a, b| natural_order(a, b));
        self.seen = now;
        Ok(ready)
    }

    /// Captures that have changed between the last two looks.
    pub(crate) const fn unsettled(&self) -> usize {
        self.unsettled
    }

    /// Writes down that a capture was taken as the last look saw it.
    pub(crate) fn remember(&mut self, name: &str, taken: Taken) -> Result<()> {
        let Some(&stamp) = self.seen.get(name) else { return Ok(()) };
        self.state.captures.insert(name.to_owned(), Remembered { stamp, taken });
        let mut text = serde_json::to_string_pretty(&self.state)?;
        text.push('\n');
        whole_file::write(&self.state_path, text.as_bytes())
    }

    fn list(&self) -> Result<HashMap<String, Stamp>> {
        let cannot = || format!("cannot read the folder `{}`", self.folder.display());
        let mut found = HashMap::new();
        for entry in std::fs::read_dir(&self.folder).with_context(cannot)? {
            let entry = entry.with_context(cannot)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !is_capture(&name) {
                continue;
            }
            // A file that went away in the meantime is none; one without bytes has not begun.
            let Ok(meta) = std::fs::metadata(entry.path()) else { continue };
            if !meta.is_file() || meta.len() == 0 {
                continue;
            }
            let modified = meta.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let modified_ns =
                modified.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0);
            found.insert(name, Stamp { size: meta.len(), modified_ns });
            if found.len() > CAPTURES_MAX {
                let message =
                    format!("`{}` has more than {CAPTURES_MAX} captures", self.folder.display());
                return Err(Misuse::new(message, "move those that are done elsewhere").into());
            }
        }
        Ok(found)
    }
}

#[cold]
fn no_state(path: &Path) -> anyhow::Error {
    let message = format!("`{}` is no state of a watch", path.display());
    Misuse::new(message, "remove it to take all captures again, or name another folder").into()
}

/// Whether a file's name is that of a capture: by its ending, as a file that has just begun has no content to tell.
fn is_capture(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    if name.starts_with('.') {
        return false;
    }
    let plain = [".gz", ".zst", ".lz4"].iter().find_map(|ending| name.strip_suffix(ending));
    let Some((_, ending)) = plain.unwrap_or(&name).rsplit_once('.') else { return false };
    // tcpdump numbers its files: web.pcap, web.pcap1, web.pcap2.
    let bare = ending.trim_end_matches(|c: char| c.is_ascii_digit());
    matches!(ending, "pcapng" | "cap") || bare == "pcap"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_are_known_by_their_endings() {
        for name in ["a.pcap", "a.PCAPNG", "a.cap", "a.pcap12", "a.pcap.gz", "a.b.pcap3.zst"] {
            assert!(is_capture(name), "{name}");
        }
        for name in ["a", ".a.pcap", "pcap", "a.pcap.part", "a.gz", "a.csv", "a.pcapx", "a.cap1"] {
            assert!(!is_capture(name), "{name}");
        }
    }

    #[test]
    fn a_capture_is_ready_once_when_it_grows_no_more_and_again_when_it_has_changed() {
        let (from, to) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
        let open = |hash: &str| WatchFolder::open(from.path(), to.path(), hash);
        let put = |bytes: &[u8]| std::fs::write(from.path().join("a.pcap"), bytes).expect("a file");
        let taken = Taken { outcome: Outcome::Done, rows: 1 };
        let none = Vec::<String>::new();
        let mut folder = open("one").expect("a folder");
        put(b"");
        assert_eq!((folder.look().expect("a look"), folder.unsettled()), (none.clone(), 0));
        put(b"begun");
        assert_eq!((folder.look().expect("a look"), folder.unsettled()), (none.clone(), 1));
        put(b"begun and grown");
        assert_eq!((folder.look().expect("a look"), folder.unsettled()), (none.clone(), 1));
        assert_eq!(folder.look().expect("a look"), ["a.pcap"]);
        folder.remember("a.pcap", taken).expect("written");
        assert_eq!((folder.look().expect("a look"), folder.unsettled()), (none.clone(), 0));

        let mut again = open("one").expect("a folder");
        assert_eq!(again.look().expect("a look"), none);
        assert_eq!(again.look().expect("a look"), none, "it was taken before");
        put(b"something else");
        assert_eq!(again.look().expect("a look"), none);
        assert_eq!(again.look().expect("a look"), ["a.pcap"]);
        assert!(open("two").is_err(), "other settings");
        std::fs::write(to.path().join(STATE_NAME), b"no state").expect("a file");
        assert!(open("one").is_err());
    }
}
