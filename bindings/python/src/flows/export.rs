//! Records as files of CSV and JSON, written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rheos_core::FlowRecord;
use rheos_gen::flows::{FlowText, JsonTimestamps, TextFormat};

use super::batch::FlowBatch;
use super::generator::Generator;
use super::record::Record;
use crate::error;

/// Records that become text at once: their text stays in the second cache.
const ROWS: usize = 2048;
/// Rows between two looks for an interrupt, as multiples of [`ROWS`].
const ROUNDS: usize = 128;
/// Most records that are gathered before they are written.
const GATHERED_MAX: usize = 1 << 20;

/// A file under a temporary name beside its own, which it gets when it is whole.
struct WholeFile {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
}

impl WholeFile {
    fn create(path: &Path) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // A link stays a link, and the file that it leads to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let Some(name) = path.file_name() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a file needs a name"));
        };
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let name = name.to_string_lossy();
        // File names may have 255 bytes; the rest is for the numbers.
        let name = &name[..name.floor_char_boundary(180)];
        loop {
            let n = NEXT.fetch_add(1, Ordering::Relaxed);
            let own = format!(".{name}.{}-{n}.part", std::process::id());
            let temporary = path.with_file_name(own);
            match OpenOptions::new().write(true).create_new(true).open(&temporary) {
                Ok(file) => return Ok(Self { file, temporary, path }),
                // Left by a process of the same number that was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        fs::rename(&self.temporary, &self.path)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        // After the rename there is nothing left to remove.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Text on its way into a file.
struct Output {
    text: FlowText,
    bytes: Vec<u8>,
    file: WholeFile,
    count: u64,
}

impl Output {
    fn rows(&mut self, records: &[FlowRecord]) -> io::Result<()> {
        for chunk in records.chunks(ROWS) {
            self.text.rows(chunk, &mut self.bytes);
            self.write()?;
        }
        self.count += records.len() as u64;
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.file.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<u64> {
        self.text.end(&mut self.bytes);
        self.write()?;
        self.file.finish()?;
        Ok(self.count)
    }
}

/// Writes flows into a file and says how many. `flows` is a generator (then no Python object is made for a record), a
/// batch, or anything that gives records, batches or dictionaries with the keys of `to_dict`. Formats are `csv`,
/// `csv-without-header`, `json`, `json-pretty` and `jsonl`; with `strings`, JSON tells timestamps as strings. So many
/// records as `batch_size` says are gathered before they are written.
#[pyfunction]
#[pyo3(signature = (flows, filename, format, *, strings=false, batch_size=4096))]
pub(crate) fn export_flows(
    flows: &Bound<'_, PyAny>,
    filename: PathBuf,
    format: &str,
    strings: bool,
    batch_size: usize,
) -> PyResult<u64> {
    let py = flows.py();
    let format = match format {
        "csv" => TextFormat::Csv,
        "csv-without-header" => TextFormat::CsvWithoutHeader,
        "json" => TextFormat::Json,
        "json-pretty" => TextFormat::JsonPretty,
        "jsonl" => TextFormat::JsonLines,
        _ => return Err(error::flows(py, "there is no such format of text", None)),
    };
    let timestamps = if strings { JsonTimestamps::Strings } else { JsonTimestamps::Numbers };
    let mut text = FlowText::new(format).with_timestamps(timestamps);
    let mut bytes = Vec::new();
    text.begin(&mut bytes);
    let failed = |error: io::Error| of_file(&filename, &error);
    let file = WholeFile::create(&filename).map_err(failed)?;
    let mut out = Output { text, bytes, file, count: 0 };
    if let Ok(generator) = flows.cast::<Generator>() {
        made(py, &mut generator.borrow_mut(), &mut out, &filename)?;
    } else if let Ok(batch) = flows.cast::<FlowBatch>() {
        let records = narrow(py, batch.get())?;
        py.detach(|| out.rows(records)).map_err(failed)?;
    } else {
        gathered(flows, &mut out, batch_size.clamp(1, GATHERED_MAX), &filename)?;
    }
    py.detach(|| out.finish()).map_err(failed)
}

fn narrow<'a>(py: Python<'_>, batch: &'a FlowBatch) -> PyResult<&'a [FlowRecord]> {
    batch.narrow().ok_or_else(|| too_wide(py))
}

#[cold]
fn too_wide(py: Python<'_>) -> PyErr {
    let hint = "take Arrow's way: `pyarrow.csv.write_csv(pyarrow.table(generator), path)`";
    let message = "these formats have no place for wide records (IPv6, models of a real network)";
    error::flows(py, message, Some(hint.to_owned()))
}

/// An error of the file, with its name, as Python's own functions raise it.
fn of_file(path: &Path, error: &io::Error) -> PyErr {
    match error.raw_os_error() {
        Some(number) => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or_default().to_owned();
            pyo3::exceptions::PyOSError::new_err((number, text, path.to_path_buf()))
        }
        None => pyo3::exceptions::PyOSError::new_err(format!("{error}: {}", path.display())),
    }
}

/// The records that a generator has left.
fn made(py: Python<'_>, generator: &mut Generator, out: &mut Output, path: &Path) -> PyResult<()> {
    let made = generator.ready(py)?;
    if !made.is_narrow() {
        return Err(too_wide(py));
    }
    if made.plan().count().is_none() {
        let hint = "set `max_flows`, or export batches: `generator.next_batch(count)`".to_owned();
        return Err(error::flows(py, "the configuration sets no end to this file", Some(hint)));
    }
    let mut room = vec![FlowRecord::default(); ROWS];
    loop {
        let round = || -> io::Result<ControlFlow<()>> {
            for _ in 0..ROUNDS {
                let count = made.fill(&mut room);
                out.rows(room.get(..count).unwrap_or_default())?;
                if count == 0 {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        };
        let more = py.detach(round).map_err(|error| of_file(path, &error))?;
        py.check_signals()?;
        if more.is_break() {
            return Ok(());
        }
    }
}

/// Records of any iterable.
fn gathered(
    flows: &Bound<'_, PyAny>,
    out: &mut Output,
    batch_size: usize,
    path: &Path,
) -> PyResult<()> {
    let py = flows.py();
    let mut room = Vec::with_capacity(batch_size.min(ROWS));
    let mut write = |records: &[FlowRecord]| -> PyResult<()> {
        py.detach(|| out.rows(records)).map_err(|error| of_file(path, &error))?;
        py.check_signals()
    };
    for flow in flows.try_iter()? {
        let flow = flow?;
        if let Ok(record) = flow.cast::<Record>() {
            room.push(record.get().0);
        } else if let Ok(batch) = flow.cast::<FlowBatch>() {
            write(&room)?;
            room.clear();
            write(narrow(py, batch.get())?)?;
        } else if let Ok(dict) = flow.cast::<PyDict>() {
            room.push(Record::of_dict(dict)?);
        } else {
            let kind = flow.get_type().name()?;
            let hint = "give FlowRecord, FlowBatch, or dictionaries as `to_dict()` gives them";
            let message = format!("a flow is no {kind}");
            return Err(error::flows(py, &message, Some(hint.to_owned())));
        }
        if room.len() >= batch_size {
            write(&room)?;
            room.clear();
        }
    }
    write(&room)
}
