//! Sending exported records over UDP: paced exactly or as fast as it goes, many datagrams per system call.
//!
//! [`FlowSender`] fills a batch of datagrams with an [`Exporter`] and hands it to a [`Wire`] when it is full, or when
//! the next datagram is not due yet. Nothing is dropped without being counted, and nothing leaves this machine unless
//! [`Reach::Anywhere`] says so: a generator of made records has no business with other people's collectors.
//!
//! ```no_run
//! use rheos_core::{Timestamp, WideRecord};
//! use rheos_gen::send::{FlowSender, Pace, Reach, SystemClock, UdpWire};
//! use rheos_wire::export::{ExportConfig, Exporter};
//!
//! let wire = UdpWire::connect("127.0.0.1:4739".parse()?, Reach::Loopback)?;
//! let exporter = Exporter::new(ExportConfig::default())?;
//! let mut sender = FlowSender::new(exporter, Pace::RecordsPerSec(100_000), wire, SystemClock::start())?;
//! sender.send(Timestamp::from_secs(1_704_110_400), &[WideRecord::default()])?;
//! sender.flush()?;
//! println!("{:?}", sender.counters());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod pace;
mod udp;

use std::io;
use std::net::SocketAddr;

use rheos_core::Timestamp;
use rheos_wire::export::{ExportRecord, Exporter};

pub use pace::{Clock, Pace, SystemClock};
pub use udp::{Reach, UdpWire, Wire};

use pace::Pacer;

/// Datagrams that go to the kernel with one call.
const BATCH: usize = 64;
/// How often a datagram is tried before it is counted as dropped. The first try may fail for the one before it:
/// "connection refused" tells of an earlier datagram.
const TRIES_MAX: u32 = 3;
/// Failures in a row, each of a whole datagram, after which sending is given up.
const FAILURES_MAX: u64 = 1000;

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The target is another machine, which was not allowed.
    #[error("`{target}` is not on this machine")]
    Remote {
        /// Where to send.
        target: SocketAddr,
    },
    /// A rate of zero, or one that no clock can keep.
    #[error("a rate of {rate} per second cannot be kept")]
    Rate {
        /// What was asked for.
        rate: u64,
    },
    /// No socket for the target.
    #[error("cannot open a socket to `{target}`")]
    Socket {
        /// Where to send.
        target: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// One datagram after the other could not be sent.
    #[error("sending failed {failures} times in a row")]
    GivenUp {
        /// How often.
        failures: u64,
        /// What the system said last.
        source: io::Error,
    },
}

impl SendError {
    /// The next step for a person, without the word `hint:`.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Remote { .. } => {
                Some("records are made: allow other machines only if their owner expects them")
            }
            Self::Rate { .. } => Some("leave the rate out to send as fast as it goes"),
            Self::GivenUp { .. } => Some("is the collector's network up?"),
            Self::Socket { .. } => None,
        }
    }
}

/// What was sent, and what was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendCounters {
    /// Datagrams that the kernel took.
    pub datagrams: u64,
    /// Their bytes, without IP and UDP headers.
    pub bytes: u64,
    /// Flow records or samples in them.
    pub records: u64,
    /// Datagrams that the kernel refused for good.
    pub dropped: u64,
    /// Flow records or samples in those.
    pub dropped_records: u64,
    /// Errors of the kernel, also those that a second try made good.
    pub errors: u64,
    /// Calls that took fewer datagrams than they were given.
    pub short_calls: u64,
    /// Calls to send.
    pub calls: u64,
    /// Nanoseconds that datagrams left later than they were due, at most.
    pub late_ns_max: u64,
}

/// A datagram of the batch.
#[derive(Clone, Copy, Debug, Default)]
struct Filled {
    len: usize,
    records: u64,
}

/// Sends records as an [`Exporter`] writes them.
#[derive(Debug)]
pub struct FlowSender<W, C> {
    exporter: Exporter,
    pacer: Pacer,
    wire: W,
    clock: C,
    /// Room for [`BATCH`] datagrams, one behind the other.
    buffer: Box<[u8]>,
    batch: [Filled; BATCH],
    pending: usize,
    failures: u64,
    counters: SendCounters,
}

impl<W: Wire, C: Clock> FlowSender<W, C> {
    /// A sender that starts its schedule now.
    pub fn new(exporter: Exporter, pace: Pace, wire: W, clock: C) -> Result<Self, SendError> {
        let pacer = Pacer::new(pace, clock.now(), wire.header_len())?;
        let buffer = vec![0; exporter.datagram_len_max() * BATCH].into();
        Ok(Self {
            exporter,
            pacer,
            wire,
            clock,
            buffer,
            batch: [Filled::default(); BATCH],
            pending: 0,
            failures: 0,
            counters: SendCounters::default(),
        })
    }

    /// What was sent so far; what waits in the batch is not.
    pub const fn counters(&self) -> &SendCounters {
        &self.counters
    }

    /// What was encoded so far.
    pub const fn exporter(&self) -> &Exporter {
        &self.exporter
    }

    /// The wire, for what it alone knows.
    pub const fn wire(&self) -> &W {
        &self.wire
    }

    /// Sends records as exported at `now`; the last of them may wait for the batch to fill, see [`Self::flush`].
    pub fn send<R: ExportRecord>(
        &mut self,
        now: Timestamp,
        mut records: &[R],
    ) -> Result<(), SendError> {
        while !records.is_empty() {
            let taken = self.add(now, records)?;
            records = records.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// Sends what waits.
    pub fn flush(&mut self) -> Result<(), SendError> {
        let pending = std::mem::take(&mut self.pending);
        let mut done = 0;
        let mut tries = 0;
        while done < pending {
            let stride = self.exporter.datagram_len_max();
            let lens = &self.batch[done..pending];
            let mut slices: [&[u8]; BATCH] = [&[]; BATCH];
            for (slice, (place, filled)) in
                slices.iter_mut().zip(self.buffer[done * stride..].chunks(stride).zip(lens))
            {
                *slice = &place[..filled.len];
            }
            self.counters.calls += 1;
            match self.wire.send(&slices[..lens.len()]) {
                Ok(sent) => {
                    let sent = sent.min(lens.len());
                    self.counters.short_calls += u64::from(sent < lens.len());
                    for filled in &lens[..sent] {
                        self.counters.datagrams += 1;
                        self.counters.bytes += filled.len as u64;
                        self.counters.records += filled.records;
                    }
                    done += sent;
                    if sent > 0 {
                        (tries, self.failures) = (0, 0);
                        continue;
                    }
                    // A call that takes nothing and says nothing is a failure too, or this would never end.
                    tries += 1;
                    self.fail(&mut done, &mut tries, io::ErrorKind::WriteZero.into())?;
                }
                Err(error) => {
                    self.counters.errors += 1;
                    tries += 1;
                    self.fail(&mut done, &mut tries, error)?;
                }
            }
        }
        Ok(())
    }

    /// After a failure: the first datagram is tried again, dropped, or all is given up.
    fn fail(
        &mut self,
        done: &mut usize,
        tries: &mut u32,
        error: io::Error,
    ) -> Result<(), SendError> {
        if *tries < TRIES_MAX {
            return Ok(());
        }
        self.counters.dropped += 1;
        self.counters.dropped_records += self.batch[*done].records;
        self.failures += 1;
        *done += 1;
        *tries = 0;
        if self.failures >= FAILURES_MAX {
            return Err(SendError::GivenUp { failures: self.failures, source: error });
        }
        Ok(())
    }

    /// Encodes one datagram into the batch, when it is due. Returns how many records it took.
    fn add<R: ExportRecord>(&mut self, now: Timestamp, records: &[R]) -> Result<usize, SendError> {
        if self.pending == BATCH {
            self.flush()?;
        }
        let stride = self.exporter.datagram_len_max();
        let place = &mut self.buffer[self.pending * stride..(self.pending + 1) * stride];
        let filled =
            self.exporter.encode(now, records, place).expect("the place is as long as it asks for");
        if filled.len > 0 {
            self.wait()?;
            // Its place is still the first free one, also when the batch went off meanwhile.
            self.batch[self.pending] = Filled { len: filled.len, records: filled.written as u64 };
            self.pending += 1;
            self.pacer.charge(filled.written as u64, filled.len);
        }
        Ok(filled.taken)
    }

    /// Waits until the next datagram is due. What was due before leaves first.
    fn wait(&mut self) -> Result<(), SendError> {
        let Some(due) = self.pacer.due() else { return Ok(()) };
        let mut time = self.clock.now();
        if time < due {
            self.flush_keeping_next()?;
            self.clock.sleep_until(due);
            time = self.clock.now();
        }
        let late = time.since(due);
        self.counters.late_ns_max = self.counters.late_ns_max.max(late.0);
        Ok(())
    }

    /// Sends what waits while a new datagram lies behind it, and moves that one to the front.
    fn flush_keeping_next(&mut self) -> Result<(), SendError> {
        let next = self.pending;
        self.flush()?;
        let stride = self.exporter.datagram_len_max();
        self.buffer.copy_within(next * stride..(next + 1) * stride, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
