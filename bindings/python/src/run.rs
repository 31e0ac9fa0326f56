//! A run on a thread of its own: captures in, record batches out through a bounded channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arrow_array::RecordBatch;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use pyo3::prelude::*;
use rheos_capture::{CaptureReader, Source};
use rheos_core::FrameBatch;
use rheos_features::pipeline::RunError;
use rheos_features::{Summary, pipeline};

use crate::error::{self, RheosError};
use crate::options::Plan;

/// Batches that wait for Python at most, of at most 8192 rows each.
const WAITING_MAX: usize = 4;

/// How often an interrupt is looked for.
const PATIENCE: Duration = Duration::from_millis(50);

/// How far a run is.
#[derive(Debug, Default)]
pub(crate) struct Course {
    bytes_read: AtomicU64,
    frames: AtomicU64,
    stopped: AtomicBool,
}

impl Course {
    /// Bytes read and frames read so far.
    pub(crate) fn so_far(&self) -> (u64, u64) {
        (self.bytes_read.load(Ordering::Relaxed), self.frames.load(Ordering::Relaxed))
    }
}

/// What became of a run.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) summary: Summary,
    /// Places where captures were damaged, in words.
    pub(crate) damage: Vec<String>,
}

/// Why the pipeline stopped.
enum Stop {
    Capture(rheos_capture::Error),
    /// Nobody takes rows any more.
    Closed,
}

enum Message {
    Rows(RecordBatch),
    Done(Result<Box<Outcome>, PyErr>),
}

/// A run that goes on.
#[derive(Debug)]
pub(crate) struct Run {
    messages: Option<Receiver<Message>>,
    pub(crate) course: Arc<Course>,
    pub(crate) bytes_total: Option<u64>,
    worker: Option<JoinHandle<()>>,
    /// Set when all rows were taken.
    pub(crate) outcome: Option<Outcome>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message(..)")
    }
}

impl Run {
    /// Begins: `reader` is read by the plan.
    pub(crate) fn start(plan: Plan, reader: CaptureReader) -> PyResult<Self> {
        let (sender, messages) = bounded(WAITING_MAX);
        let course = Arc::new(Course::default());
        let bytes_total = reader.progress().bytes_total;
        let of_worker = Arc::clone(&course);
        let worker = std::thread::Builder::new()
            .name("rheos".to_owned())
            .spawn(move || work(plan, reader, &of_worker, &sender))
            .map_err(|error| RheosError::new_err(format!("no thread could be started: {error}")))?;
        let (messages, worker) = (Some(messages), Some(worker));
        Ok(Self { messages, course, bytes_total, worker, outcome: None })
    }

    /// The next rows; none when all were taken. Python runs on meanwhile, and an interrupt ends the run.
    pub(crate) fn next(&mut self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        self.next_with(py, |_| Ok(()))
    }

    /// As [`Self::next`]; `meanwhile` is called while there is nothing to take.
    pub(crate) fn next_with(
        &mut self,
        py: Python<'_>,
        mut meanwhile: impl FnMut(&Course) -> PyResult<()>,
    ) -> PyResult<Option<RecordBatch>> {
        let Some(messages) = &self.messages else { return Ok(None) };
        loop {
            let received = py.detach(|| messages.recv_timeout(PATIENCE));
            let asked = py.check_signals().and_then(|()| meanwhile(&self.course));
            if let Err(error) = asked {
                self.close(py);
                return Err(error);
            }
            match received {
                Ok(Message::Rows(rows)) => return Ok(Some(rows)),
                Ok(Message::Done(result)) => {
                    self.close(py);
                    self.outcome = Some(*result?);
                    return Ok(None);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.close(py);
                    return Err(RheosError::new_err("the run ended by a panic"));
                }
            }
        }
    }

    /// Ends the run, whether or not rows are left.
    pub(crate) fn close(&mut self, py: Python<'_>) {
        self.course.stopped.store(true, Ordering::Relaxed);
        self.messages = None;
        if let Some(worker) = self.worker.take() {
            // A panic of the worker was told by the closed channel.
            let _ = py.detach(|| worker.join());
        }
    }

    /// Whether it was closed or has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.messages.is_none()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // The worker notices at its next batch; nobody waits for it.
        self.course.stopped.store(true, Ordering::Relaxed);
    }
}

fn work(plan: Plan, mut reader: CaptureReader, course: &Course, sender: &Sender<Message>) {
    let Plan { extract, shape, mut anonymizer, mut count, .. } = plan;
    let result = pipeline::run(
        &extract,
        || next_frames(&mut reader, course, &mut count).map_err(Stop::Capture),
        |rows| {
            let rows = match &mut anonymizer {
                Some(anonymizer) => anonymizer.apply(&rows),
                None => rows,
            };
            sender.send(Message::Rows(shape.rows(rows))).map_err(|_| Stop::Closed)
        },
    );
    let result = match result {
        Ok(summary) => {
            let damage = reader.damage().iter().map(ToString::to_string).collect();
            Ok(Box::new(Outcome { summary, damage }))
        }
        // Nobody listens.
        Err(RunError::Out(_)) => return,
        Err(RunError::Source { error: Stop::Capture(error), .. }) => Err(error::capture(&error)),
        Err(RunError::Features(error)) => Err(RheosError::new_err(error.to_string())),
        Err(_) => Err(RheosError::new_err("the run failed")),
    };
    // A closed channel means that nobody listens.
    let _ = sender.send(Message::Done(result));
}

/// The next frames, unless the run was stopped or enough were read.
fn next_frames(
    reader: &mut CaptureReader,
    course: &Course,
    count: &mut u64,
) -> Result<Option<FrameBatch>, rheos_capture::Error> {
    if *count == 0 || course.stopped.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let mut batch = reader.next_batch()?;
    if let Some(batch) = &mut batch {
        batch.frames.truncate(usize::try_from(*count).unwrap_or(usize::MAX));
        *count -= batch.frames.len() as u64;
        course.frames.fetch_add(batch.frames.len() as u64, Ordering::Relaxed);
    }
    course.bytes_read.store(reader.progress().bytes_read, Ordering::Relaxed);
    Ok(batch)
}
