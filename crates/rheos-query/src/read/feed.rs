//! The files in order, cut into pieces of work.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use rheos_core::WideRecord;

use super::csv::Header;
use super::ipc::IpcFeed;
use super::parquet::{ParquetFile, RowGroup};
use super::paths::Paths;
use super::records::{Opened, RecordSource, Unknown};
use super::{ReadStats, Request, json};
use crate::error::name_of;
use crate::{BLOCK_ROWS, Error};

/// Text that is cut into one piece of work.
const TEXT_BYTES: usize = 512 * 1024;
/// Longest line or object.
const LINE_MAX: usize = 16 << 20;
/// Largest file that is held in memory, where it must be: Parquet on standard input.
const HELD_BYTES_MAX: u64 = 8 << 30;

/// A piece of work, and where it is from.
pub(super) struct Piece {
    pub(super) name: String,
    pub(super) work: Work,
}

pub(super) enum Work {
    RowGroup(RowGroup),
    Batch(RecordBatch),
    /// Whole lines, the first of which begins at this offset of the uncompressed text.
    Csv {
        header: Arc<Header>,
        text: Vec<u8>,
        offset: u64,
    },
    /// Whole objects.
    Json {
        text: Vec<u8>,
        offset: u64,
    },
    Records(Vec<WideRecord>),
}

impl Piece {
    pub(super) fn place(&self) -> String {
        match &self.work {
            Work::RowGroup(group) => format!("row group {}", group.number + 1),
            Work::Batch(_) => "a record batch".to_owned(),
            Work::Records(_) => "a record".to_owned(),
            Work::Csv { offset, .. } | Work::Json { offset, .. } => format!("byte {}", offset + 1),
        }
    }

    #[cold]
    pub(super) fn damaged(&self, reason: &dyn ToString) -> Error {
        Error::damaged(&self.name, self.place(), reason)
    }
}

/// What is left to read.
pub(super) struct Feed<'a> {
    request: &'a Request,
    paths: Paths,
    current: Option<Current>,
    stats: ReadStats,
}

/// The file that is being read.
struct Current {
    name: String,
    source: Source,
    /// Nothing came of it yet, and it was found in a folder: it may be no file of flows.
    may_be_other: bool,
}

enum Source {
    Parquet { file: Arc<ParquetFile>, next: usize },
    Ipc(IpcFeed),
    Text(TextFeed),
    Records(Box<dyn RecordSource>),
}

impl<'a> Feed<'a> {
    pub(super) fn new(paths: &[PathBuf], request: &'a Request) -> Self {
        Self { request, paths: Paths::new(paths), current: None, stats: ReadStats::default() }
    }

    /// What only the feed knows: files and bytes.
    pub(super) fn stats(&self) -> ReadStats {
        self.stats.clone()
    }

    /// The next piece of the current file, or of the next one.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, Error> {
        loop {
            if let Some(mut current) = self.current.take() {
                match self.work(&mut current) {
                    Ok(Some(work)) => {
                        let name = current.name.clone();
                        self.current = Some(Current { may_be_other: false, ..current });
                        return Ok(Some(Piece { name, work }));
                    }
                    Ok(None) => {}
                    Err(error) => {
                        self.left_out(error, current.may_be_other)?;
                        self.stats.files -= 1;
                    }
                }
            }
            let Some((path, is_found)) = self.paths.next()? else {
                return self.end().map(|()| None);
            };
            let name = name_of(&path);
            match self.open(&path, &name) {
                Ok(source) => {
                    self.stats.files += 1;
                    self.current = Some(Current { name, source, may_be_other: is_found });
                }
                Err(error) => self.left_out(error, is_found)?,
            }
        }
    }

    fn work(&mut self, current: &mut Current) -> Result<Option<Work>, Error> {
        let name = &current.name;
        Ok(match &mut current.source {
            Source::Parquet { file, next } => {
                *next += 1;
                let group = file.row_group(*next - 1);
                self.stats.bytes += group.as_ref().map_or(0, RowGroup::bytes);
                group.map(Work::RowGroup)
            }
            Source::Ipc(feed) => {
                let batch = feed.next(name)?;
                self.stats.bytes += feed.take_bytes();
                if let Some(batch) = &batch {
                    self.request.check(name, super::ipc::columns(batch))?;
                }
                batch.map(Work::Batch)
            }
            Source::Text(feed) => {
                let work = feed.next(name, self.request)?;
                self.stats.bytes += feed.take_bytes();
                work
            }
            Source::Records(source) => records(name, source.as_mut(), &mut self.stats)?,
        })
    }

    /// What lies in a folder beside files of flows is no mistake.
    fn left_out(&mut self, error: Error, may_be_other: bool) -> Result<(), Error> {
        if !may_be_other || !matches!(error, Error::NotFlows { .. }) {
            return Err(error);
        }
        self.stats.files_left_out += 1;
        self.stats.first_left_out.get_or_insert_with(|| error.to_string());
        Ok(())
    }

    /// A folder of nothing but other files is a mistake.
    fn end(&self) -> Result<(), Error> {
        match &self.stats.first_left_out {
            Some(first) if self.stats.files == 0 => {
                let reason = format!("no file of it is, such as: {first}");
                Err(Error::not_flows("what was named", reason))
            }
            _ => Ok(()),
        }
    }

    fn open(&self, path: &Path, name: &str) -> Result<Source, Error> {
        let io = |error| Error::io("read", name, error);
        if path == Path::new("-") {
            return self.stream(Box::new(std::io::stdin()), None, None, name);
        }
        let mut file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        let mut magic = Vec::new();
        file.by_ref().take(8).read_to_end(&mut magic).map_err(io)?;
        if magic.starts_with(b"PAR1") && metadata.is_file() {
            return self.parquet(ParquetFile::open(file, metadata.len(), name)?, name);
        }
        let size = metadata.is_file().then_some(metadata.len());
        let path = metadata.is_file().then_some(path);
        self.stream(Box::new(Cursor::new(magic).chain(file)), size, path, name)
    }

    fn parquet(&self, file: ParquetFile, name: &str) -> Result<Source, Error> {
        self.request.check(name, file.columns())?;
        Ok(Source::Parquet { file: Arc::new(file), next: 0 })
    }

    /// What is read from front to end. `size` is that of a file that can tell; `path` leads to one.
    fn stream(
        &self,
        reader: Reader,
        size: Option<u64>,
        path: Option<&Path>,
        name: &str,
    ) -> Result<Source, Error> {
        let mut reader = reader;
        let mut magic = first_bytes(&mut reader, name)?;
        let mut plain_size = size;
        if magic.starts_with(&[0x1f, 0x8b]) {
            reader = Box::new(MultiGzDecoder::new(Cursor::new(magic).chain(reader)));
            magic = first_bytes(&mut reader, name)?;
            plain_size = None;
        } else if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            let decoder = zstd::stream::read::Decoder::new(Cursor::new(magic).chain(reader));
            reader = Box::new(decoder.map_err(|error| Error::io("read", name, error))?);
            magic = first_bytes(&mut reader, name)?;
            plain_size = None;
        }
        let mut reader: Reader = Box::new(Cursor::new(magic.clone()).chain(reader));
        if magic.starts_with(b"PAR1") {
            return self.parquet(ParquetFile::held(held(reader, name)?, name)?, name);
        }
        if magic.starts_with(b"ARROW1") {
            return Ok(Source::Ipc(IpcFeed::of_file(reader)));
        }
        if magic.starts_with(&[0xff; 4]) {
            return Ok(Source::Ipc(IpcFeed::of_stream(reader)));
        }
        if let Some(open) = self.request.records {
            let path = path.filter(|_| plain_size.is_some());
            match (open.0)(Unknown { first: &magic, path, bytes: reader }) {
                Opened::Records(source) => return Ok(Source::Records(source)),
                Opened::Failed(reason) => return Err(Error::not_flows(name, &reason)),
                Opened::Unknown(bytes) => reader = bytes,
            }
        }
        if magic.starts_with(&[0xef, 0xbb, 0xbf]) {
            let mut mark = [0; 3];
            reader.read_exact(&mut mark).map_err(|error| Error::io("read", name, error))?;
        }
        Ok(Source::Text(TextFeed::new(reader)))
    }
}

/// About a block of records; what was left out is told at the end.
fn records(
    name: &str,
    source: &mut dyn RecordSource,
    stats: &mut ReadStats,
) -> Result<Option<Work>, Error> {
    let mut all = Vec::new();
    let mut more = true;
    while more && all.len() < BLOCK_ROWS {
        let read = source.read(&mut all);
        more = read.map_err(|reason| Error::damaged(name, "a record".to_owned(), &reason))?;
    }
    if !more && let Some((count, what)) = source.left_out() {
        stats.bad_rows += count;
        stats.first_bad.get_or_insert_with(|| format!("{name}: {what}"));
    }
    stats.bytes += (all.len() * size_of::<WideRecord>()) as u64;
    Ok((!all.is_empty()).then_some(Work::Records(all)))
}

pub(super) type Reader = Box<dyn Read + Send>;

fn first_bytes(reader: &mut Reader, name: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = reader.by_ref().take(8).read_to_end(&mut bytes);
    read.map_err(|error| Error::io("read", name, error))?;
    Ok(bytes)
}

/// Everything, in memory.
fn held(reader: Reader, name: &str) -> Result<Bytes, Error> {
    let mut bytes = Vec::new();
    let read = reader.take(HELD_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| Error::io("read", name, error))?;
    if bytes.len() as u64 > HELD_BYTES_MAX {
        return Err(Error::not_flows(name, "it is larger than 8 GiB and cannot be read in order"));
    }
    Ok(bytes.into())
}

/// Text in pieces of whole lines or objects.
struct TextFeed {
    reader: Reader,
    /// What was read beyond the last piece.
    rest: Vec<u8>,
    /// Of the first byte of `rest`.
    offset: u64,
    kind: Option<Kind>,
    bytes: u64,
    at_end: bool,
}

#[derive(Clone)]
enum Kind {
    Csv(Arc<Header>),
    Json,
}

impl TextFeed {
    fn new(reader: Reader) -> Self {
        Self { reader, rest: Vec::new(), offset: 0, kind: None, bytes: 0, at_end: false }
    }

    fn take_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.bytes)
    }

    fn fill(&mut self, name: &str, wanted: usize) -> Result<(), Error> {
        while self.rest.len() < wanted && !self.at_end {
            let more = (wanted - self.rest.len()) as u64;
            let read = self.reader.by_ref().take(more).read_to_end(&mut self.rest);
            let read = read.map_err(|error| Error::io("read", name, error))?;
            self.bytes += read as u64;
            self.at_end = read == 0;
        }
        Ok(())
    }

    fn next(&mut self, name: &str, request: &Request) -> Result<Option<Work>, Error> {
        let mut wanted = TEXT_BYTES;
        self.fill(name, wanted)?;
        if self.kind.is_none() {
            self.kind = Some(self.begin(name, request)?);
        }
        let Some(kind) = self.kind.clone() else { return Ok(None) };
        loop {
            if self.rest.is_empty() && self.at_end {
                return Ok(None);
            }
            let end = match (&kind, self.at_end) {
                (_, true) => Some(self.rest.len()),
                (Kind::Csv(_), _) => self.rest.iter().rposition(|&b| b == b'\n').map(|at| at + 1),
                (Kind::Json, _) => json::last_end(&self.rest),
            };
            if let Some(end) = end {
                let tail = self.rest.split_off(end);
                let text = std::mem::replace(&mut self.rest, tail);
                let offset = self.offset;
                self.offset += text.len() as u64;
                return Ok(Some(match kind {
                    Kind::Csv(header) => Work::Csv { header, text, offset },
                    Kind::Json => Work::Json { text, offset },
                }));
            }
            if wanted >= LINE_MAX {
                let place = format!("byte {}", self.offset + 1);
                return Err(Error::damaged(name, place, &"a line is longer than 16 MiB"));
            }
            wanted *= 2;
            self.fill(name, wanted)?;
        }
    }

    /// Looks at the first line.
    fn begin(&mut self, name: &str, request: &Request) -> Result<Kind, Error> {
        let first = self.rest.iter().find(|b| !b.is_ascii_whitespace());
        match first {
            None => return Err(Error::not_flows(name, "it is empty")),
            Some(b'{' | b'[') => return Ok(Kind::Json),
            Some(_) => {}
        }
        let end = self.rest.iter().position(|&b| b == b'\n').map_or(self.rest.len(), |at| at + 1);
        let tail = self.rest.split_off(end);
        let line = std::mem::replace(&mut self.rest, tail);
        self.offset = line.len() as u64;
        let header = Header::read(&line, name)?;
        request.check(name, header.columns())?;
        Ok(Kind::Csv(Arc::new(header)))
    }
}
