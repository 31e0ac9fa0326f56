//! Several captures, each for itself: flows do not go on from one to the next, and each row tells its capture.
//!
//! Some captures are read at a time. Their rows come out in the order of the captures: rows of later ones wait in
//! bounded channels, so that neither order nor memory depends on how many are read at a time.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, anyhow};
use arrow_array::RecordBatch;
use rheos_capture::{CaptureInfo, CaptureReader, Input, ReadOptions};
use rheos_features::{ExtractConfig, Summary, pipeline};

use crate::extract_plan;
use crate::extraction::Extraction;
use crate::output::Output;
use crate::progress::ProgressStyle;
use crate::reading::{Finished, Reading};

/// Batches of one capture's rows that wait for their turn at most.
const BATCHES_WAITING: usize = 4;

/// How captures are read each for itself.
#[derive(Clone, Debug)]
pub(crate) struct EachPlan {
    /// How files are read.
    pub(crate) options: ReadOptions,
    /// Packets of each that are read at most.
    pub(crate) count: Option<u64>,
    /// Captures at a time; 0: as many as there are threads.
    pub(crate) jobs: usize,
}

enum FromFile {
    Rows(RecordBatch),
    End(Box<Result<(Summary, Finished)>>),
}

/// What the jobs share.
struct Work<'a> {
    files: &'a [PathBuf],
    plan: ExtractConfig,
    each: &'a EachPlan,
    output: &'a Output,
    next: AtomicUsize,
    stopped: AtomicBool,
    /// Whoever takes a file's sender reads the file.
    senders: Vec<Mutex<Option<SyncSender<FromFile>>>>,
}

/// Reads the files of `info` and hands on their rows, file by file.
pub(crate) fn run(
    extraction: &mut Extraction,
    info: &CaptureInfo,
    each: &EachPlan,
    output: &Output,
    mut take: impl FnMut(RecordBatch) -> Result<()>,
) -> Result<(Summary, Finished)> {
    let files: Vec<PathBuf> = info.files.iter().map(|file| file.path.clone()).collect();
    let (plan, finish) = extraction.parts();
    let threads = plan.threads.max(1);
    let jobs = if each.jobs == 0 { threads } else { each.jobs }.clamp(1, files.len().max(1));
    let plan = ExtractConfig { threads: (threads / jobs).max(1), ..plan.clone() };
    let (senders, receivers): (Vec<_>, Vec<Receiver<FromFile>>) = files
        .iter()
        .map(|_| sync_channel(BATCHES_WAITING))
        .map(|(sender, receiver)| (Mutex::new(Some(sender)), receiver))
        .unzip();
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let work = Work { files: &files, plan, each, output, next, stopped, senders };
    let mut all = Summary::default();
    let skipped = (info.skipped.clone(), info.skipped_total);
    let mut finished = Finished::of_skipped(skipped.0, skipped.1);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| work.run());
        }
        // Taken apart here, so that jobs which still send notice that nobody listens.
        let mut collect = |receiver: Receiver<FromFile>, path: &PathBuf| -> Result<()> {
            let source = path.display().to_string();
            loop {
                match receiver.recv() {
                    Ok(FromFile::Rows(rows)) => take(finish.over(&rows, &source)?)?,
                    Ok(FromFile::End(result)) => match *result {
                        Ok((summary, file)) => {
                            all.merge(&summary);
                            finished.merge(file);
                            return Ok(());
                        }
                        Err(error) => return finished.add_failure(error),
                    },
                    Err(_) => return Err(anyhow!("reading `{source}` stopped")),
                }
            }
        };
        let result = receivers.into_iter().zip(&files).try_for_each(|(r, path)| collect(r, path));
        work.stopped.store(true, Ordering::Relaxed);
        result
    })?;
    Ok((all, finished.unless_all_failed()?))
}

impl Work<'_> {
    fn run(&self) {
        while !self.stopped.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let (Some(path), Some(sender)) = (self.files.get(number), self.senders.get(number))
            else {
                return;
            };
            let Some(to) = sender.lock().unwrap_or_else(PoisonError::into_inner).take() else {
                return;
            };
            let result = self.read(path, &to);
            // Nobody listens if the rows could not be written: then there is nothing to tell.
            let _ = to.send(FromFile::End(Box::new(result)));
        }
    }

    fn read(&self, path: &PathBuf, to: &SyncSender<FromFile>) -> Result<(Summary, Finished)> {
        let reader = CaptureReader::open([Input::from_arg(path)], self.each.options.clone())?;
        let mut reading = Reading::new(reader, self.each.count, ProgressStyle::None, self.output);
        let summary = pipeline::run(
            &self.plan,
            || Ok::<_, anyhow::Error>(reading.next_batch()),
            |rows| to.send(FromFile::Rows(rows)).map_err(|_| anyhow!("nobody takes the rows")),
        );
        let summary = summary.map_err(extract_plan::run_error)?;
        Ok((summary, reading.finish()?))
    }
}
