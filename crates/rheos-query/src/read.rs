//! Flow files into blocks: Parquet, Arrow IPC, CSV and JSON, plain or compressed, from files and standard input.
//!
//! The content tells the format, not the name. Threads take pieces of work from one `Feed`: a row group, a
//! record batch, or some hundred kilobytes of whole lines; what they make of them are blocks of at most
//! [`BLOCK_ROWS`](crate::BLOCK_ROWS) rows with the wanted columns, already filtered. Rows of text that are not
//! understood are counted and left out, or are an error if asked for.

mod csv;
mod feed;
mod ipc;
mod json;
mod parquet;
mod paths;
mod records;
mod rows;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use arrow_array::RecordBatch;

use crate::filter::BlockFilter;
use crate::{Error, FlowBlock, FlowColumn, FlowColumns};
use feed::{Feed, Piece, Work};
use parquet::RowGroup;

pub use records::{Bytes, OpenRecords, Opened, RecordSource, Unknown};

/// Name of the threads that decode. Decoders of Parquet may panic over damaged files, which is told as
/// [`Error::Damaged`]: a program's panic hook can be silent about threads of this name.
pub const READER_THREAD: &str = "rows-in";

/// Rows of a row group up to which the columns of its filter are held, until it is known which others are needed.
const LATE_ROWS_MAX: usize = 4 << 20;

/// What is to be read.
#[derive(Clone, Debug)]
pub struct Request {
    /// Columns that every file must have.
    pub required: FlowColumns,
    /// Columns that are read where they are.
    pub optional: FlowColumns,
    /// Rows that pass.
    pub filter: BlockFilter,
    /// A row that is not understood is an error.
    pub strict: bool,
    /// Threads that decode; rows of one thread come in the order of the files.
    pub threads: usize,
    /// Opens files of formats that this crate does not know.
    pub records: Option<OpenRecords>,
}

impl Request {
    /// All rows, on one thread.
    pub fn new(required: FlowColumns) -> Self {
        Self {
            required,
            optional: FlowColumns::NONE,
            filter: BlockFilter::new(&rheos_core::filter::FlowFilter::default()),
            strict: false,
            threads: 1,
            records: None,
        }
    }

    /// The columns that must be there, with those of the filter.
    pub(crate) fn needed(&self) -> FlowColumns {
        self.required | self.filter.columns()
    }

    /// Every column that is read.
    pub(crate) fn wanted(&self) -> FlowColumns {
        with_first(self.needed() | self.optional)
    }

    /// Whether a file with these columns has what is needed.
    pub(crate) fn check(&self, name: &str, found: FlowColumns) -> Result<(), Error> {
        let mut given = found.with(FlowColumn::Packets);
        if found.contains(FlowColumn::First) {
            given = given.with(FlowColumn::Last);
        }
        let missing = self.needed().without(given);
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::MissingColumns { name: name.to_owned(), missing, found })
    }
}

/// An end that is not told is the beginning.
fn with_first(columns: FlowColumns) -> FlowColumns {
    if columns.contains(FlowColumn::Last) { columns.with(FlowColumn::First) } else { columns }
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadStats {
    /// Files.
    pub files: u64,
    /// Files of folders that are no files of flows.
    pub files_left_out: u64,
    /// The first of these, and why.
    pub first_left_out: Option<String>,
    /// Bytes of the files as they are stored.
    pub bytes: u64,
    /// Rows that were looked at.
    pub examined: u64,
    /// Rows that passed the filter.
    pub matched: u64,
    /// Rows that were not looked at, since their part of the file cannot match.
    pub skipped: u64,
    /// Rows that were not understood and left out.
    pub bad_rows: u64,
    /// Values that did not fit their column and were read as 0.
    pub bad_values: u64,
    /// Where the first of these was, as far as one thread saw, and what.
    pub first_bad: Option<String>,
}

impl ReadStats {
    pub(crate) fn merge(&mut self, other: Self) {
        self.files += other.files;
        self.files_left_out += other.files_left_out;
        self.first_left_out = self.first_left_out.take().or(other.first_left_out);
        self.bytes += other.bytes;
        self.examined += other.examined;
        self.matched += other.matched;
        self.skipped += other.skipped;
        self.bad_rows += other.bad_rows;
        self.bad_values += other.bad_values;
        self.first_bad = self.first_bad.take().or(other.first_bad);
    }
}

/// How far reading is, for another thread to look at.
#[derive(Debug, Default)]
pub struct Watched {
    /// Bytes of the files that were taken up.
    pub bytes: AtomicU64,
    /// Rows that were looked at.
    pub rows: AtomicU64,
    /// Set to stop early; what was read so far counts.
    pub stop: AtomicBool,
}

/// The files that are named, and those of folders and patterns, with whether they were found rather than named.
#[cfg(feature = "sql")]
pub(crate) fn found(paths: &[PathBuf]) -> impl Iterator<Item = Result<(PathBuf, bool), Error>> {
    let mut paths = paths::Paths::new(paths);
    std::iter::from_fn(move || paths.next().transpose())
}

/// Reads files, and those of folders and of patterns such as `flows/*.csv`; `-` is standard input. Each thread has a
/// state of its own and gives every block to `each`.
///
/// # Errors
/// If a file cannot be read, is no file of flows, lacks a column, or `each` fails.
pub fn scan<W: Send>(
    paths: &[PathBuf],
    request: &Request,
    watched: &Watched,
    state: impl Fn() -> W + Sync,
    each: impl Fn(&mut W, FlowBlock) -> Result<(), Error> + Sync,
) -> Result<(Vec<W>, ReadStats), Error> {
    let feed = Mutex::new(Feed::new(paths, request));
    let (feed, state, each) = (&feed, &state, &each);
    let worker = move || {
        let mut worker = Worker {
            request,
            watched,
            stats: ReadStats::default(),
            rows: Vec::new(),
            state: state(),
        };
        let result = worker.run(feed, each);
        if result.is_err() {
            watched.stop.store(true, Ordering::Relaxed);
        }
        result.map(|()| (worker.state, worker.stats))
    };
    let results: Vec<Result<(W, ReadStats), Error>> = thread::scope(|scope| {
        let spawn = |_| {
            thread::Builder::new()
                .name(READER_THREAD.to_owned())
                .spawn_scoped(scope, worker)
                .map_err(|error| Error::io("start a thread for", "reading", error))
        };
        let threads: Vec<_> = (0..request.threads.max(1)).map(spawn).collect();
        let joined = threads.into_iter().map(|thread| match thread?.join() {
            Ok(result) => result,
            Err(_) => Err(Error::damaged("a file", "an unknown place", &"a decoder gave up")),
        });
        joined.collect()
    });
    let mut stats = feed.lock().unwrap_or_else(PoisonError::into_inner).stats();
    let mut states = Vec::new();
    for result in results {
        let (state, part) = result?;
        stats.merge(part);
        states.push(state);
    }
    Ok((states, stats))
}

struct Worker<'a, W> {
    request: &'a Request,
    watched: &'a Watched,
    stats: ReadStats,
    /// Rows that pass, reused.
    rows: Vec<u32>,
    state: W,
}

impl<W> Worker<'_, W> {
    fn run(
        &mut self,
        feed: &Mutex<Feed<'_>>,
        each: &impl Fn(&mut W, FlowBlock) -> Result<(), Error>,
    ) -> Result<(), Error> {
        while !self.watched.stop.load(Ordering::Relaxed) {
            let piece = {
                let mut feed = feed.lock().unwrap_or_else(PoisonError::into_inner);
                let piece = feed.next();
                self.watched.bytes.store(feed.stats().bytes, Ordering::Relaxed);
                piece?
            };
            let Some(piece) = piece else { return Ok(()) };
            let decoded = catch_unwind(AssertUnwindSafe(|| self.decode(&piece, each)));
            decoded.unwrap_or_else(|_| {
                Err(Error::damaged(&piece.name, piece.place(), &"the decoder gave up"))
            })?;
        }
        Ok(())
    }

    fn decode(
        &mut self,
        piece: &Piece,
        each: &impl Fn(&mut W, FlowBlock) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match &piece.work {
            Work::RowGroup(group) => {
                if let Some(rows) = group.excluded(&self.request.filter) {
                    self.stats.skipped += rows;
                    return Ok(());
                }
                let (wanted, tested) =
                    (self.request.wanted(), with_first(self.request.filter.columns()));
                let is_late = !self.request.filter.matches_all()
                    && !wanted.without(tested).is_empty()
                    && group.rows() <= LATE_ROWS_MAX;
                if is_late {
                    return self.late(piece, group, each);
                }
                for batch in group.read(wanted, None).map_err(|e| piece.damaged(&e))? {
                    let batch = batch.map_err(|error| piece.damaged(&error))?;
                    self.batch(piece, &batch, each)?;
                    if self.watched.stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
                Ok(())
            }
            Work::Batch(batch) => self.batch(piece, batch, each),
            Work::Records(records) => {
                let block = FlowBlock::from_wide_of(records, self.request.wanted());
                self.deliver(block, each)
            }
            Work::Csv { header, text, offset } => {
                let mut rows = rows::Rows::new(self.request.wanted() & header.columns());
                header.parse(text, *offset, &mut rows);
                self.rows(piece, rows, each)
            }
            Work::Json { text, offset } => {
                let mut rows = rows::Rows::new(self.request.wanted());
                json::parse(text, *offset, &mut rows);
                let (found, any) = (rows.found, rows.len() > 0);
                // Objects need not have all names, but what none has is missing.
                if any {
                    self.request.check(&piece.name, found)?;
                }
                rows.columns.retain(|(column, _)| found.contains(*column));
                self.rows(piece, rows, each)
            }
        }
    }

    /// Tests first, and reads the other columns only of batches with rows that pass.
    fn late(
        &mut self,
        piece: &Piece,
        group: &RowGroup,
        each: &impl Fn(&mut W, FlowBlock) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let tested = with_first(self.request.filter.columns());
        let mut kept: Vec<(usize, FlowBlock, Vec<u32>)> = Vec::new();
        let batches = group.read(tested, None).map_err(|error| piece.damaged(&error))?;
        for (n, batch) in batches.enumerate() {
            let batch = batch.map_err(|error| piece.damaged(&error))?;
            let block = self.converted(piece, &batch, tested)?.with_defaults(tested);
            self.stats.examined += block.len() as u64;
            self.watched.rows.fetch_add(block.len() as u64, Ordering::Relaxed);
            self.request.filter.select(&block, &mut self.rows);
            if !self.rows.is_empty() {
                kept.push((n, block, self.rows.clone()));
            }
            if self.watched.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
        if kept.is_empty() {
            return Ok(());
        }
        let others = self.request.wanted().without(tested);
        let numbers: Vec<usize> = kept.iter().map(|(n, ..)| *n).collect();
        let mut batches =
            group.read(others, Some(&numbers)).map_err(|error| piece.damaged(&error))?;
        for (_, mut block, rows) in kept {
            let batch = batches.next().ok_or_else(|| piece.damaged(&"columns of other lengths"))?;
            let batch = batch.map_err(|error| piece.damaged(&error))?;
            let more = self.converted(piece, &batch, others)?;
            if more.len() != block.len() {
                return Err(piece.damaged(&"columns of other lengths"));
            }
            for column in others.iter() {
                if let Some(values) = more.column(column) {
                    block = block.with(column, values.clone());
                }
            }
            let block = block.with_defaults(self.request.needed());
            let block = block.take(&rows, self.request.required | self.request.optional);
            self.stats.matched += block.len() as u64;
            each(&mut self.state, block)?;
            if self.watched.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        Ok(())
    }

    fn batch(
        &mut self,
        piece: &Piece,
        batch: &RecordBatch,
        each: &impl Fn(&mut W, FlowBlock) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let block = self.converted(piece, batch, self.request.wanted())?;
        self.deliver(block, each)
    }

    /// A batch as a block; values that do not fit are counted.
    fn converted(
        &mut self,
        piece: &Piece,
        batch: &RecordBatch,
        wanted: FlowColumns,
    ) -> Result<FlowBlock, Error> {
        let converted = crate::convert::block(batch, wanted);
        let (block, defects) = converted.map_err(|unknown| Error::ColumnType {
            name: piece.name.clone(),
            column: unknown.column,
            data_type: unknown.data_type,
        })?;
        if defects > 0 {
            let what = "values that do not fit their column";
            if self.request.strict {
                return Err(piece.damaged(&format_args!("{defects} {what}")));
            }
            self.stats.bad_values += defects;
            self.stats
                .first_bad
                .get_or_insert_with(|| format!("{} {}: {what}", piece.name, piece.place()));
        }
        Ok(block)
    }

    fn rows(
        &mut self,
        piece: &Piece,
        rows: rows::Rows,
        each: &impl Fn(&mut W, FlowBlock) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if let Some((offset, reason)) = &rows.first_bad {
            let place = format!("byte {}", offset + 1);
            if self.request.strict {
                return Err(Error::damaged(&piece.name, place, reason));
            }
            self.stats.bad_rows += rows.bad;
            self.stats.first_bad.get_or_insert_with(|| format!("{} {place}: {reason}", piece.name));
        }
        self.deliver(rows.into_block(), each)
    }

    /// Filters a block and hands it over.
    fn deliver(
        &mut self,
        block: FlowBlock,
        each: &impl Fn(&mut W, FlowBlock) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let block = block.with_defaults(self.request.needed());
        self.stats.examined += block.len() as u64;
        self.watched.rows.fetch_add(block.len() as u64, Ordering::Relaxed);
        let block = if self.request.filter.matches_all() {
            block
        } else {
            self.request.filter.select(&block, &mut self.rows);
            if self.rows.len() == block.len() {
                block
            } else {
                block.take(&self.rows, self.request.required | self.request.optional)
            }
        };
        self.stats.matched += block.len() as u64;
        if block.is_empty() { Ok(()) } else { each(&mut self.state, block) }
    }
}

/// Blocks in memory in place of files: the same filter and the same counts.
///
/// # Errors
/// If `each` fails.
pub fn scan_blocks(
    blocks: impl IntoIterator<Item = FlowBlock>,
    filter: &BlockFilter,
    mut each: impl FnMut(FlowBlock) -> Result<(), Error>,
) -> Result<ReadStats, Error> {
    let mut stats = ReadStats::default();
    let mut rows = Vec::new();
    for block in blocks {
        stats.examined += block.len() as u64;
        let block = if filter.matches_all() {
            block
        } else {
            filter.select(&block, &mut rows);
            block.take(&rows, block.columns())
        };
        stats.matched += block.len() as u64;
        if !block.is_empty() {
            each(block)?;
        }
    }
    Ok(stats)
}
