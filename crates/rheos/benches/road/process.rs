//! What the kernel says of this process: time on the processors, memory.

use std::time::Instant;

use anyhow::{Context, Result};

/// Linux tells processor time in ticks of this many per second, whatever its own clock (proc(5), `USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

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

/// User and system time, fields 14 and 15 of proc(5); the second field, the name in brackets, may hold spaces.
fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(") ").context("no name in /proc/self/stat")?.1;
    let mut fields = after_name.split(' ').skip(11);
    let mut ticks = || fields.next().and_then(|ticks| ticks.parse::<f64>().ok());
    let (user, system) = ticks().zip(ticks()).context("no times in /proc/self/stat")?;
    Ok((user + system) / TICKS_PER_SECOND)
}

/// The clocks start here.
pub(crate) fn now() -> Result<Start> {
    Ok(Start { cpu: cpu_seconds()?, wall: Instant::now() })
}

impl Start {
    /// What has been spent since.
    pub(crate) fn spent(&self) -> Result<Spent> {
        let wall = self.wall.elapsed().as_secs_f64();
        Ok(Spent { wall, cpu: cpu_seconds()? - self.cpu })
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
