//! Where captures come from: files, folders, standard input, memory.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use rheos_core::Timestamp;

use crate::block::{Feed, Pool};
use crate::digest::{Digested, FileDigest};
use crate::error::Error;
use crate::info::{CaptureInfo, Compression, FileInfo, Format, Skipped};
use crate::reader::{ReadOptions, first_packet};
use crate::sniff::{Content, SNIFF_LEN};
use crate::unpack::{Counted, RawRead, unpack};

/// Folders inside each other that are entered at most.
const MAX_DEPTH: usize = 64;

/// Compressions inside each other that are undone at most.
const MAX_LAYERS: usize = 2;

/// One input of a reader.
pub enum Input {
    /// A file, a named pipe, or a folder of captures.
    Path(PathBuf),
    /// Standard input.
    Stdin,
    /// A capture file that is wholly in memory.
    Memory {
        /// Its name in messages.
        name: PathBuf,
        /// The file's bytes.
        bytes: Arc<Vec<u8>>,
    },
    /// A capture file that comes out of something else.
    Reader {
        /// Its name in messages.
        name: PathBuf,
        /// Gives the file's bytes.
        reader: Box<dyn Read + Send>,
    },
}

impl Input {
    /// What a command-line argument names: `-` is standard input.
    pub fn from_arg(arg: impl AsRef<OsStr>) -> Self {
        let arg = arg.as_ref();
        if arg == "-" { Self::Stdin } else { Self::Path(arg.into()) }
    }

    /// A capture file that is wholly in memory.
    pub fn memory(name: impl Into<PathBuf>, bytes: Arc<Vec<u8>>) -> Self {
        Self::Memory { name: name.into(), bytes }
    }

    /// A capture file that comes out of something else.
    pub fn reader(name: impl Into<PathBuf>, reader: impl Read + Send + 'static) -> Self {
        Self::Reader { name: name.into(), reader: Box::new(reader) }
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, path) = match self {
            Self::Path(path) => ("Path", path.as_path()),
            Self::Stdin => ("Stdin", Path::new("-")),
            Self::Memory { name, .. } => ("Memory", name.as_path()),
            Self::Reader { name, .. } => ("Reader", name.as_path()),
        };
        f.debug_tuple(kind).field(&path).finish()
    }
}

/// One capture: an input after folders were looked into.
pub(crate) struct Origin {
    input: Input,
    size: Option<u64>,
}

impl Origin {
    pub(crate) fn file_info(&self) -> FileInfo {
        let path = match &self.input {
            Input::Path(path) => path.clone(),
            Input::Stdin => PathBuf::from("-"),
            Input::Memory { name, .. } | Input::Reader { name, .. } => name.clone(),
        };
        FileInfo { path, size: self.size, ..FileInfo::default() }
    }
}

/// Replaces folders by the captures in them and looks at what every file is.
pub(crate) fn expand(
    inputs: impl IntoIterator<Item = Input>,
    options: &ReadOptions,
    info: &mut CaptureInfo,
) -> Result<Vec<Origin>, Error> {
    let mut origins = Vec::new();
    let mut stdin = false;
    for input in inputs {
        match input {
            Input::Path(path) => {
                let meta = fs::metadata(&path).map_err(|e| Error::reading(&path, e))?;
                if meta.is_dir() {
                    expand_folder(&path, options, info, &mut origins)?;
                } else if meta.is_file() {
                    check(&path)?;
                    origins.push(Origin { size: Some(meta.len()), input: Input::Path(path) });
                } else {
                    origins.push(Origin { input: Input::Path(path), size: None });
                }
            }
            Input::Stdin if stdin => return Err(Error::StdinTwice),
            Input::Stdin => {
                stdin = true;
                origins.push(Origin { input, size: None });
            }
            Input::Memory { ref name, ref bytes } => {
                sniff_layers(name, Box::new(Cursor::new(Shared(Arc::clone(bytes)))))?;
                origins.push(Origin { size: Some(bytes.len() as u64), input });
            }
            Input::Reader { .. } => origins.push(Origin { input, size: None }),
        }
    }
    if origins.is_empty() { Err(Error::NoInput) } else { Ok(origins) }
}

/// What was found in a folder so far.
#[derive(Default)]
struct Found {
    files: usize,
    folders: usize,
}

fn expand_folder(
    path: &Path,
    options: &ReadOptions,
    info: &mut CaptureInfo,
    origins: &mut Vec<Origin>,
) -> Result<(), Error> {
    let before = origins.len();
    let mut found = Found::default();
    walk(path, options, MAX_DEPTH, info, origins, &mut found)?;
    if origins.len() == before {
        let Found { files, folders } = found;
        return Err(Error::NoCaptures { path: path.into(), files, folders });
    }
    Ok(())
}

fn walk(
    folder: &Path,
    options: &ReadOptions,
    depth: usize,
    info: &mut CaptureInfo,
    origins: &mut Vec<Origin>,
    found: &mut Found,
) -> Result<(), Error> {
    let entries = fs::read_dir(folder).map_err(|e| Error::reading(folder, e))?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(|e| Error::reading(folder, e))?.file_name());
    }
    names.sort_by(|a, b| natural_order(&a.to_string_lossy(), &b.to_string_lossy()));
    for name in names {
        // Hidden files are none of the reader's business, such as captures that are being written.
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let path = folder.join(name);
        // A link to a folder is not entered: it may lead back.
        let linked = fs::symlink_metadata(&path).is_ok_and(|m| m.is_symlink());
        let Ok(meta) = fs::metadata(&path) else { continue };
        if meta.is_dir() {
            if options.recursive && depth > 0 && !linked {
                walk(&path, options, depth - 1, info, origins, found)?;
            } else {
                found.folders += 1;
            }
        } else if meta.is_file() {
            found.files += 1;
            match check(&path) {
                Ok(()) => origins.push(Origin { size: Some(meta.len()), input: Input::Path(path) }),
                Err(why) => {
                    info.skipped_total += 1;
                    if info.skipped.len() < CaptureInfo::SKIPPED_KEPT {
                        info.skipped.push(Skipped { path, why });
                    }
                }
            }
        }
    }
    Ok(())
}

/// Whether a file is a capture, by its first bytes.
fn check(path: &Path) -> Result<(), Error> {
    let file = File::open(path).map_err(|e| Error::reading(path, e))?;
    sniff_layers(path, Box::new(file)).map(|_| ())
}

/// Bytes in memory as something to read from.
struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A stream whose compressions are undone, with its first bytes and what they tell.
struct Sniffed {
    first: Vec<u8>,
    format: Format,
    compression: Vec<Compression>,
    rest: RawRead,
}

fn sniff_layers(path: &Path, mut raw: RawRead) -> Result<Sniffed, Error> {
    let mut compression = Vec::new();
    loop {
        let (first, failed) = read_first(&mut raw);
        let content = match (failed, Content::of(&first)) {
            // Broken or cut compressed data that gives no byte is damage inside, not a failure to read.
            (Some(e), _) if compression.is_empty() => return Err(Error::reading(path, e)),
            (Some(e), Content::Empty) => return Err(Error::reading(path, e)),
            (_, content) => content,
        };
        let format = match content {
            Content::Pcap => Format::Pcap,
            Content::Pcapng => Format::Pcapng,
            Content::Compressed(kind) if compression.len() < MAX_LAYERS => {
                let inner = Box::new(Cursor::new(first).chain(raw));
                raw = unpack(kind, inner).map_err(|e| Error::reading(path, e))?;
                compression.push(kind);
                continue;
            }
            Content::Compressed(_) => return Err(Error::CompressedTooOften { path: path.into() }),
            Content::Empty => return Err(Error::Empty { path: path.into() }),
            content => return Err(Error::NotACapture { path: path.into(), content }),
        };
        return Ok(Sniffed { first, format, compression, rest: raw });
    }
}

/// Reads enough to tell what it is: a capture from a pipe must not wait for more than its magic.
fn read_first(raw: &mut RawRead) -> (Vec<u8>, Option<io::Error>) {
    let mut first = vec![0; SNIFF_LEN];
    let mut len = 0;
    let mut failed = None;
    while len < first.len() && Content::of_capture(&first[..len]).is_none() {
        match raw.read(&mut first[len..]) {
            Ok(0) => break,
            Ok(n) => len += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => {
                failed = Some(e);
                break;
            }
        }
    }
    first.truncate(len);
    (first, failed)
}

/// A capture that is ready to be parsed.
pub(crate) struct Opened {
    pub(crate) feed: Feed,
    pub(crate) format: Format,
    pub(crate) compression: Vec<Compression>,
}

/// Opens a capture; counts in `raw_bytes` what is read from it as it lies on disk, and hashes it.
pub(crate) fn begin(
    origin: Origin,
    path: &Path,
    raw_bytes: &Arc<AtomicU64>,
    digest: Option<&FileDigest>,
    pool: &mut Pool,
) -> Result<Opened, Error> {
    let raw: RawRead = match origin.input {
        Input::Path(path) => Box::new(File::open(&path).map_err(|e| Error::reading(&path, e))?),
        Input::Stdin => Box::new(io::stdin()),
        Input::Reader { reader, .. } => reader,
        Input::Memory { bytes, .. } => {
            let format = match Content::of_capture(&bytes) {
                Some(Content::Pcap) => Some(Format::Pcap),
                Some(Content::Pcapng) => Some(Format::Pcapng),
                _ => None,
            };
            if let Some(format) = format {
                return Ok(Opened { feed: Feed::whole(bytes), format, compression: Vec::new() });
            }
            Box::new(Cursor::new(Shared(bytes)))
        }
    };
    let raw: RawRead = match digest {
        Some(digest) => Box::new(Digested::new(raw, digest.clone())),
        None => raw,
    };
    let raw = Box::new(Counted::new(raw, Arc::clone(raw_bytes)));
    let Sniffed { first, format, compression, rest } = sniff_layers(path, raw)?;
    Ok(Opened { feed: Feed::stream(&first, rest, pool), format, compression })
}

/// Sorts files by the time of their first packet.
pub(crate) fn order_by_first_packet(
    origins: Vec<Origin>,
    options: &ReadOptions,
) -> Result<Vec<Origin>, Error> {
    if origins.len() < 2 {
        return Ok(origins);
    }
    let mut timed = Vec::with_capacity(origins.len());
    for origin in origins {
        let first = match &origin.input {
            Input::Path(path) if origin.size.is_some() => {
                first_packet(Input::Path(path.clone()), options)?
            }
            Input::Memory { name, bytes } => {
                first_packet(Input::memory(name.clone(), Arc::clone(bytes)), options)?
            }
            _ => return Err(Error::Order { path: origin.file_info().path }),
        };
        timed.push((first.unwrap_or(Timestamp::MAX), origin));
    }
    timed.sort_by_key(|(first, _)| *first);
    Ok(timed.into_iter().map(|(_, origin)| origin).collect())
}

/// Compares names so that `cap2` comes before `cap10`: runs of digits by their value.
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while let (Some(p), Some(q)) = (left.chars().next(), right.chars().next()) {
        if p.is_ascii_digit() && q.is_ascii_digit() {
            let (number, left_rest) = left.split_at(digits(left));
            let (other, right_rest) = right.split_at(digits(right));
            let (number, other) = (number.trim_start_matches('0'), other.trim_start_matches('0'));
            match number.len().cmp(&other.len()).then_with(|| number.cmp(other)) {
                Ordering::Equal => (left, right) = (left_rest, right_rest),
                unequal => return unequal,
            }
        } else if p == q {
            (left, right) = (&left[p.len_utf8()..], &right[q.len_utf8()..]);
        } else {
            return p.cmp(&q);
        }
    }
    // Equal by value, such as `cap02` and `cap2`: the plain order decides, so that it is total.
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

fn digits(s: &str) -> usize {
    s.bytes().take_while(u8::is_ascii_digit).count()
}

/// A file in the folder of `path` whose name differs from it by little: for `did you mean`.
pub(crate) fn nearest_name(path: &Path) -> Option<PathBuf> {
    let wanted = path.file_name()?.to_string_lossy().to_lowercase();
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let mut best: Option<(usize, String)> = None;
    for entry in fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?.flatten().take(1000) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let distance = edit_distance(&wanted, &name.to_lowercase());
        let limit = (wanted.len() / 4).clamp(1, 3);
        let nearer = best.as_ref().is_none_or(|(d, n)| (distance, &name) < (*d, n));
        if distance <= limit && nearer {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| folder.map_or_else(|| PathBuf::from(&name), |f| f.join(&name)))
}

/// Insertions, deletions and replacements between two names (Levenshtein), rows of one dimension.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, p) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &q) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(p != q);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_people_count() {
        let mut names = vec!["cap10", "cap2", "cap", "cap02", "cap1b", "cap1", "dump", "Cap3"];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(names, ["Cap3", "cap", "cap1", "cap1b", "cap02", "cap2", "cap10", "dump"]);
        assert_eq!(
            natural_order("a99999999999999999999999", "a100000000000000000000000"),
            Ordering::Less
        );
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(edit_distance("capture.pcap", "captrue.pcap"), 2);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("abc", "abc"), 0);
    }
}
