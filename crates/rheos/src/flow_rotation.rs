//! Generated records into a row of files: when the next one begins, and what it is called.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use rheos_core::units::{Bytes, Count};
use rheos_core::{Nanos, Timestamp};
use rheos_gen::flows::FlowPlan;

use crate::failure::Misuse;
use crate::flow_capture::Told;
use crate::flow_file::{FileOptions, FlowFile, Records};
use crate::interrupt::Unfinished;

/// When the next file begins.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct RotationArgs {
    /// Begin another file after so many records: `flows-00000.csv`, `flows-00001.csv`, ...
    #[arg(long = "rotate-rows", value_name = "COUNT", hide_short_help = true)]
    rows: Option<Count>,
    /// Begin another file when this one has so many bytes; it may have some more.
    #[arg(long = "rotate-size", value_name = "SIZE", hide_short_help = true)]
    size: Option<Bytes>,
    /// Begin another file after so much time, by the records' clock.
    #[arg(long = "rotate-time", value_name = "SPAN", hide_short_help = true)]
    time: Option<Nanos>,
}

impl RotationArgs {
    fn is_used(&self) -> bool {
        self.rows.is_some() || self.size.is_some() || self.time.is_some()
    }
}

/// What was written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
    pub(crate) told: Told,
}

/// Writes one file after the other.
pub(crate) struct FlowFiles {
    path: PathBuf,
    options: FileOptions,
    rotation: RotationArgs,
    current: Option<Current>,
    done: Files,
}

struct Current {
    file: FlowFile,
    rows: u64,
    /// The moment from which on records belong into the next file.
    until: Option<Timestamp>,
    _unfinished: Unfinished,
}

impl FlowFiles {
    pub(crate) fn new(path: &Path, options: FileOptions, rotation: RotationArgs) -> Result<Self> {
        if rotation.is_used() && path == Path::new("-") {
            return Err(Misuse::new(
                "standard output is one file and cannot be rotated",
                "name a file with `-o`",
            )
            .into());
        }
        let zero = [
            ("rotate-rows", rotation.rows.map(|count| count.0)),
            ("rotate-size", rotation.size.map(|bytes| bytes.0)),
            ("rotate-time", rotation.time.map(|span| span.0)),
        ];
        if let Some((flag, _)) = zero.into_iter().find(|(_, value)| *value == Some(0)) {
            let hint = "leave it out for one file";
            return Err(Misuse::new(format!("`--{flag}` must be above 0"), hint).into());
        }
        let done = Files::default();
        Ok(Self { path: path.to_owned(), options, rotation, current: None, done })
    }

    /// Writes records; `left` is how many come behind them, if that is known.
    pub(crate) fn write(
        &mut self,
        plan: &FlowPlan,
        seed: u64,
        records: Records<'_>,
        left: Option<u64>,
    ) -> Result<()> {
        let mut rest = records;
        while rest.len() > 0 {
            let first = rest.first();
            let mut current = match self.current.take() {
                Some(current) if !self.is_full(&current, first) => current,
                full => {
                    self.end(full)?;
                    let count = left.filter(|_| !self.rotation.is_used());
                    self.begin(plan, seed, first, count.map(|left| left + rest.len() as u64))?
                }
            };
            let room = self.room(&current, &rest);
            let (now, later) = rest.split(room);
            current.file.write(now)?;
            current.rows += now.len() as u64;
            self.current = Some(current);
            rest = later;
        }
        Ok(())
    }

    fn is_full(&self, current: &Current, next: Timestamp) -> bool {
        self.rotation.rows.is_some_and(|rows| current.rows >= rows.0)
            || self.rotation.size.is_some_and(|size| current.file.written() >= size.0)
            || current.until.is_some_and(|until| next >= until)
    }

    /// How many of the records belong into the current file.
    fn room(&self, current: &Current, records: &Records<'_>) -> usize {
        let rows = self.rotation.rows.map_or(u64::MAX, |rows| rows.0 - current.rows);
        let rows = usize::try_from(rows).unwrap_or(usize::MAX).min(records.len());
        current.until.map_or(rows, |until| rows.min(records.before(until)))
    }

    fn begin(
        &self,
        plan: &FlowPlan,
        seed: u64,
        first: Timestamp,
        count: Option<u64>,
    ) -> Result<Current> {
        let path = if self.rotation.is_used() {
            numbered(&self.path, self.done.count)
        } else {
            self.path.clone()
        };
        let unfinished = Unfinished::new(&path);
        let file = FlowFile::create(&path, &self.options, plan, seed, count)?;
        let until = self.rotation.time.map(|span| {
            // Files end at whole spans since the first record, whatever gaps there are.
            let gone = first.since(plan.start()).0 / span.0;
            plan.start() + Nanos(gone.saturating_add(1).saturating_mul(span.0))
        });
        Ok(Current { file, rows: 0, until, _unfinished: unfinished })
    }

    fn end(&mut self, current: Option<Current>) -> Result<()> {
        if let Some(current) = current {
            let (bytes, told) = current.file.finish()?;
            self.done.bytes += bytes;
            self.done.told.add(&told);
            self.done.count += 1;
        }
        Ok(())
    }

    /// Writes the end of the last file; one without records, if there were none.
    pub(crate) fn finish(mut self, plan: &FlowPlan, seed: u64) -> Result<Files> {
        let last = match self.current.take() {
            None if self.done.count == 0 => Some(self.begin(plan, seed, plan.start(), Some(0))?),
            last => last,
        };
        self.end(last)?;
        Ok(self.done)
    }
}

/// `flows-00003.csv.gz` of `flows.csv.gz`.
fn numbered(path: &Path, number: u64) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (stem, endings) = match name.split_once('.') {
        Some((stem, endings)) if !stem.is_empty() => (stem, format!(".{endings}")),
        _ => (&*name, String::new()),
    };
    path.with_file_name(format!("{stem}-{number:05}{endings}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_before_all_endings() {
        assert_eq!(numbered(Path::new("a/flows.csv.gz"), 3), Path::new("a/flows-00003.csv.gz"));
        assert_eq!(numbered(Path::new("flows"), 100_000), Path::new("flows-100000"));
        assert_eq!(numbered(Path::new(".hidden"), 0), Path::new(".hidden-00000"));
    }
}
