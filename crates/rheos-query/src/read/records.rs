//! Formats that this crate does not know: whoever calls may bring a reader of records.

use std::fmt;
use std::io::Read;
use std::path::Path;

use rheos_core::WideRecord;

/// Bytes of a file, from its beginning.
pub type Bytes = Box<dyn Read + Send>;

/// Reads records of a format that this crate does not know.
pub trait RecordSource: Send {
    /// Appends the next records; false at the end. The error says what is wrong and where.
    fn read(&mut self, out: &mut Vec<WideRecord>) -> Result<bool, String>;

    /// What was left out so far: how much, and what it was.
    fn left_out(&self) -> Option<(u64, String)> {
        None
    }
}

/// A file that is none of the formats of this crate, or text.
pub struct Unknown<'a> {
    /// Its first bytes, at most 8.
    pub first: &'a [u8],
    /// Where it lies, if it is an uncompressed file.
    pub path: Option<&'a Path>,
    /// All of it, the first bytes too.
    pub bytes: Bytes,
}

/// What became of an unknown file.
pub enum Opened {
    /// Its records.
    Records(Box<dyn RecordSource>),
    /// It is of no format that the caller knows.
    Unknown(Bytes),
    /// It is, but cannot be read: why.
    Failed(String),
}

/// Looks at unknown files.
#[derive(Clone, Copy)]
pub struct OpenRecords(pub fn(Unknown<'_>) -> Opened);

impl fmt::Debug for OpenRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenRecords")
    }
}
