//! What the kernel says of this process: time on the processors, memory.

use std::time::Instant;

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};

/// A moment on both clocks.
pub(crate) struct Start {
    wall: Instant,
    cpu: f64,
}

/// Seconds since a [`Start`].
pub(crate) struct Spent {
    /// By the clock.
    pub(crate) wall: f64,
    /// On processors, all threads together.
    pub(crate) cpu: f64,
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The clocks start here.
pub(crate) fn now() -> Start {
    Start { cpu: cpu_seconds(), wall: Instant::now() }
}

impl Start {
    /// What has been spent since.
    pub(crate) fn spent(&self) -> Spent {
        Spent { wall: self.wall.elapsed().as_secs_f64(), cpu: cpu_seconds() - self.cpu }
    }
}

/// Resident memory.
pub(crate) struct Memory {
    /// The most since the start, or since [`forget_peak`].
    pub(crate) peak_bytes: u64,
}

/// What `/proc/self/status` says.
pub(crate) fn memory() -> Result<Memory> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak
        .and_then(|text| text.trim().strip_suffix(" kB"))
        .context("no VmHWM in /proc/self/status")?;
    Ok(Memory { peak_bytes: peak.trim().parse::<u64>()? * 1024 })
}

/// Makes the present resident memory the peak, so that what went before does not count.
pub(crate) fn forget_peak() -> Result<()> {
    std::fs::write("/proc/self/clear_refs", "5").context("cannot reset the peak of resident memory")
}
