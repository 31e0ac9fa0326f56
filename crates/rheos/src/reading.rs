//! The reading side of a run: captures with progress, a limit on packets, and failures that come late.

use anyhow::Result;
use rheos_capture::info::Skipped;
use rheos_capture::{CaptureInfo, CaptureReader, Damage, Error, ReadOptions, Source};
use rheos_core::FrameBatch;

use crate::exit::ExitStatus;
use crate::inputs::{self, InputArgs};
use crate::output::{Output, Tone};
use crate::progress::{Progress, ProgressStyle};

/// Captures that are being read.
pub(crate) struct Reading {
    reader: CaptureReader,
    progress: Progress,
    /// Packets that may still be read.
    left: u64,
    frames: u64,
    /// Inputs that could not be read when their turn came.
    failed: Vec<Error>,
}

impl Reading {
    /// Begins to read, at most `count` packets.
    pub(crate) fn new(
        reader: CaptureReader,
        count: Option<u64>,
        style: ProgressStyle,
        output: &Output,
    ) -> Self {
        let progress = Progress::new(style, output, reader.progress().bytes_total);
        Self { reader, progress, left: count.unwrap_or(u64::MAX), frames: 0, failed: Vec::new() }
    }

    /// The next frames, from the next inputs too if one fails.
    pub(crate) fn next_batch(&mut self) -> Option<FrameBatch> {
        while self.left > 0 {
            match self.reader.next_batch() {
                Ok(Some(mut batch)) => {
                    let wanted = usize::try_from(self.left).unwrap_or(usize::MAX);
                    batch.frames.truncate(wanted);
                    self.left -= batch.frames.len() as u64;
                    self.frames += batch.frames.len() as u64;
                    self.progress.update(self.reader.progress().bytes_read, self.frames);
                    return Some(batch);
                }
                Ok(None) => return None,
                Err(error) => self.failed.push(error),
            }
        }
        None
    }

    /// Nothing more is wanted: removes the progress bar. An error if no input could be read at all.
    pub(crate) fn finish(self) -> Result<Finished> {
        self.progress.finish();
        let mut failed = self.failed;
        if self.frames == 0 && self.reader.damage().is_empty() && !failed.is_empty() {
            return Err(failed.remove(0).into());
        }
        Ok(Finished { info: self.reader.info().clone(), failed })
    }
}

/// Captures that were read.
pub(crate) struct Finished {
    info: CaptureInfo,
    failed: Vec<Error>,
}

impl Finished {
    /// Nothing yet but what was skipped in folders.
    pub(crate) fn of_skipped(skipped: Vec<Skipped>, skipped_total: u64) -> Self {
        let info = CaptureInfo { skipped, skipped_total, ..CaptureInfo::default() };
        Self { info, failed: Vec::new() }
    }

    /// What is known of the files.
    pub(crate) fn info(&self) -> &CaptureInfo {
        &self.info
    }

    /// Adds captures that were read after these.
    pub(crate) fn merge(&mut self, other: Self) {
        let before = self.info.files.len();
        self.info.files.extend(other.info.files);
        let damage = other.info.damage.into_iter();
        self.info.damage.extend(damage.map(|at| Damage { file: at.file + before, ..at }));
        self.failed.extend(other.failed);
    }

    /// Adds a capture that could not be read; any other error is given back.
    pub(crate) fn add_failure(&mut self, error: anyhow::Error) -> Result<()> {
        self.failed.push(error.downcast::<Error>()?);
        Ok(())
    }

    /// An error if no capture could be read at all.
    pub(crate) fn unless_all_failed(mut self) -> Result<Self> {
        if self.info.files.is_empty() && !self.failed.is_empty() {
            return Err(self.failed.remove(0).into());
        }
        Ok(self)
    }

    /// Tells what was damaged, failed or skipped, and what that makes of the run.
    pub(crate) fn report(&self, output: &Output) -> ExitStatus {
        for error in &self.failed {
            output.complain(&format!("{} {error}", output.paint_err(Tone::Bad, "error:")));
        }
        let status = inputs::report_damage(&self.info, output);
        if self.failed.is_empty() { status } else { ExitStatus::CheckFailed }
    }
}

/// Opens what `args` name, in the order and depth that the settings say.
pub(crate) fn open(args: &InputArgs, settings: &crate::config::Settings) -> Result<CaptureReader> {
    open_as(args, inputs::options_of(settings))
}

/// Opens what `args` name.
pub(crate) fn open_as(args: &InputArgs, options: ReadOptions) -> Result<CaptureReader> {
    Ok(CaptureReader::open(args.names().map(rheos_capture::Input::from_arg), options)?)
}
