//! Where bytes go. A file is written under a temporary name beside its place and gets its own name when
//! it is whole, so that nobody ever reads half of it and a failed run leaves nothing behind.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::Error;
use crate::blocks::Blocks;

/// What a sink writes to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// A file. One that is no regular file (a device, a named pipe) is written as it is.
    File(PathBuf),
}

impl Target {
    /// `-` is standard output, everything else a file.
    pub fn parse(name: impl Into<PathBuf>) -> Self {
        let path = name.into();
        if path.as_os_str() == "-" { Self::Stdout } else { Self::File(path) }
    }

    /// For messages: the file in backticks, or `standard output`.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Stdout => "standard output".to_owned(),
            Self::File(path) => format!("`{}`", path.display()),
        }
    }
}

/// What the encoders' buffers do not tell: bytes that went out, and the first failure.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    bytes: AtomicU64,
    failure: OnceLock<(io::ErrorKind, Option<i32>)>,
}

impl Progress {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The failure to write, if there was one; otherwise the encoder's own complaint.
    #[cold]
    pub(crate) fn error(&self, target: &str, message: &dyn std::fmt::Display) -> Error {
        match self.failure.get() {
            Some(&(kind, os)) => {
                let source = os.map_or_else(|| kind.into(), io::Error::from_raw_os_error);
                write_error(target, source)
            }
            None => Error::Encode { target: target.to_owned(), message: message.to_string() },
        }
    }

    fn record<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            let _ = self.failure.set((error.kind(), error.raw_os_error()));
        }
        result
    }
}

#[cold]
fn write_error(target: &str, source: io::Error) -> Error {
    if source.kind() == io::ErrorKind::BrokenPipe {
        return Error::BrokenPipe;
    }
    Error::Io { action: "write", target: target.to_owned(), source }
}

/// Bytes on their way to a target. Dropped without [`commit`](Self::commit), it leaves no file.
pub(crate) struct Output {
    writer: Writer,
    partial: Option<Partial>,
    progress: Arc<Progress>,
}

enum Writer {
    /// A file that nobody sees before it is whole.
    Partial(Blocks<File>),
    /// Standard output, a device or a pipe: others wait for the bytes.
    Stream(File),
    Other(Box<dyn Write + Send>),
}

impl Output {
    pub(crate) fn open(target: &Target, force: bool) -> Result<Self, Error> {
        let (file, partial) = match target {
            Target::Stdout => (stdout()?, None),
            Target::File(path) => open_file(path, force)?,
        };
        let writer = if partial.is_some() {
            Writer::Partial(Blocks::new(file))
        } else {
            Writer::Stream(file)
        };
        Ok(Self { writer, partial, progress: Arc::default() })
    }

    pub(crate) fn to_writer(writer: Box<dyn Write + Send>) -> Self {
        Self { writer: Writer::Other(writer), partial: None, progress: Arc::default() }
    }

    pub(crate) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Hands everything to the system and gives the file its name.
    pub(crate) fn commit(self, target: &str) -> Result<(), Error> {
        // The file is closed before it gets its name.
        let written = match self.writer {
            Writer::Partial(blocks) => blocks.finish(),
            Writer::Stream(mut file) => file.flush(),
            Writer::Other(mut other) => other.flush(),
        };
        written.map_err(|source| write_error(target, source))?;
        self.partial.map_or(Ok(()), Partial::rename)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = match &mut self.writer {
            Writer::Partial(blocks) => blocks.write_all(bytes).map(|()| bytes.len()),
            Writer::Stream(file) => file.write(bytes),
            Writer::Other(other) => other.write(bytes),
        };
        let written = self.progress.record(result)?;
        self.progress.bytes.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = match &mut self.writer {
            // Encoders flush at their end at the latest; the last block goes out when the file is named.
            Writer::Partial(_) => Ok(()),
            Writer::Stream(file) => file.flush(),
            Writer::Other(other) => other.flush(),
        };
        self.progress.record(result)
    }
}

/// Standard output without the line buffer of the standard library: sinks write large blocks.
fn stdout() -> Result<File, Error> {
    let descriptor = io::stdout().as_fd().try_clone_to_owned();
    descriptor.map(File::from).map_err(|source| Error::Io {
        action: "open",
        target: Target::Stdout.describe(),
        source,
    })
}

fn open_file(path: &Path, force: bool) -> Result<(File, Option<Partial>), Error> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(Error::IsFolder { path: path.to_owned() }),
        Ok(found) if !found.is_file() => {
            let file = OpenOptions::new().write(true).open(path);
            return file.map(|f| (f, None)).map_err(|e| Error::io("open", path, e));
        }
        Ok(_) if !force => return Err(Error::Exists { path: path.to_owned() }),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io("look at", path, error)),
    }
    // With `force`, a link stays a link and the file that it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    if !folder.is_dir() {
        return Err(Error::NoFolder { folder, path });
    }
    let (file, temporary) = create_temporary(&folder, &path)?;
    Ok((file, Some(Partial { temporary, path, force })))
}

/// A new file in `folder`, hidden, with a name that tells whose beginning it is.
fn create_temporary(folder: &Path, path: &Path) -> Result<(File, PathBuf), Error> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // File names may have 255 bytes; the rest is for the numbers.
    let name = &name[..name.floor_char_boundary(180)];
    loop {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!(".{name}.{}-{n}.part", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((file, temporary)),
            // Left by a process of the same number that was killed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io("create", path, error)),
        }
    }
}

/// A file under its temporary name.
struct Partial {
    temporary: PathBuf,
    path: PathBuf,
    force: bool,
}

impl Partial {
    fn rename(self) -> Result<(), Error> {
        if !self.force {
            // Unlike a rename, a link does not replace a file that has appeared in the meantime.
            match fs::hard_link(&self.temporary, &self.path) {
                // The drop removes the temporary name.
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(Error::Exists { path: self.path.clone() });
                }
                // A file system without hard links.
                Err(_) => {}
            }
        }
        fs::rename(&self.temporary, &self.path)
            .map_err(|error| Error::io("rename the finished file to", &self.path, error))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = fs::remove_file(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_is_standard_output() {
        assert_eq!(Target::parse("-"), Target::Stdout);
        assert_eq!(Target::parse("./-").describe(), "`./-`");
    }

    #[test]
    fn failures_of_the_writer_are_told_apart_from_those_of_the_encoder() {
        let progress = Progress::default();
        let encode = progress.error("`x`", &"odd");
        assert_eq!(encode.to_string(), "cannot encode rows for `x`: odd");
        let _ = progress.record::<()>(Err(io::ErrorKind::Interrupted.into()));
        let _ = progress.record::<()>(Err(io::ErrorKind::StorageFull.into()));
        let _ = progress.record::<()>(Err(io::ErrorKind::BrokenPipe.into()));
        let full = progress.error("`x`", &"odd");
        assert_eq!(full.to_string(), "cannot write `x`");
        assert!(full.hint().unwrap().contains("free space"));
    }
}
