//! When a datagram is due.
//!
//! The schedule is a fraction of whole numbers: the n-th unit is due at `start + n / rate`, however many went
//! before, so that no rounding adds up. What comes late is not made up for by waiting less than zero: later
//! datagrams follow at once until the schedule is met again.

use std::time::{Duration, Instant};

use rheos_core::{Nanos, Timestamp};

use super::SendError;

/// How fast to send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As fast as the kernel takes it.
    #[default]
    Unlimited,
    /// Datagrams per second.
    DatagramsPerSec(u64),
    /// Flow records (or samples) per second.
    RecordsPerSec(u64),
    /// Bits per second of IP packets: datagrams with their UDP and IP headers.
    BitsPerSec(u64),
}

/// A clock that can wait. Its zero is its own.
pub trait Clock {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Comes back at this time or soon after.
    fn sleep_until(&self, time: Timestamp);
}

/// The monotonic clock of the system, from zero.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock that is zero now.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }
}

/// Sleeping wakes up late by some tens of microseconds: the last of a wait is spent looking at the clock.
const SPIN: Duration = Duration::from_micros(100);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn sleep_until(&self, time: Timestamp) {
        let end = Duration::from_nanos(time.as_nanos());
        loop {
            let left = end.saturating_sub(self.start.elapsed());
            if left.is_zero() {
                return;
            }
            if left > SPIN {
                std::thread::sleep(left.saturating_sub(SPIN));
            } else {
                std::hint::spin_loop();
            }
        }
    }
}

/// The schedule of one sender.
#[derive(Clone, Debug)]
pub(super) struct Pacer {
    pace: Pace,
    start: Timestamp,
    /// Units before the next datagram.
    units: u64,
    header_len: usize,
}

impl Pacer {
    pub(super) fn new(pace: Pace, start: Timestamp, header_len: usize) -> Result<Self, SendError> {
        match pace {
            Pace::DatagramsPerSec(0) | Pace::RecordsPerSec(0) | Pace::BitsPerSec(0) => {
                Err(SendError::Rate { rate: 0 })
            }
            _ => Ok(Self { pace, start, units: 0, header_len }),
        }
    }

    /// When the next datagram is due; nothing when it need not wait.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let rate = match self.pace {
            Pace::Unlimited => return None,
            Pace::DatagramsPerSec(rate) | Pace::RecordsPerSec(rate) | Pace::BitsPerSec(rate) => {
                rate
            }
        };
        let nanos = u128::from(self.units) * 1_000_000_000 / u128::from(rate.max(1));
        Some(self.start + Nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    /// Counts a datagram.
    pub(super) fn charge(&mut self, records: u64, len: usize) {
        let units = match self.pace {
            Pace::Unlimited => 0,
            Pace::DatagramsPerSec(_) => 1,
            Pace::RecordsPerSec(_) => records,
            Pace::BitsPerSec(_) => (len + self.header_len) as u64 * 8,
        };
        self.units = self.units.saturating_add(units);
    }
}
