//! How far a run over simulated time is, on standard error, in the words of the older statistics tool.
//!
//! Percent and time left go by the flows' clock, flows per second by ours, and bits per second by the
//! flows' again: they tell what the traffic is, whatever the speed that it is made at.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use rheos_core::units::human;
use rheos_core::{Nanos, Timestamp};

use crate::output::Output;
use crate::progress::ProgressStyle;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DataProgressStyle {
    /// A bar with percent, data time, time left, flows per second and bandwidth.
    Bar,
    /// A line now and then: for logs.
    Simple,
    /// A turning sign with percent and counts.
    Spinner,
    /// Nothing.
    None,
}

/// Characters of the bar.
const BAR_WIDTH: usize = 40;
const BAR_WIDTH_MIN: usize = 5;
/// Time between two bars or lines.
const EVERY: Duration = Duration::from_secs(1);
/// Time between two turns of the spinner.
const TURN_EVERY: Duration = Duration::from_millis(100);
const TURNS: [char; 4] = ['/', '-', '\\', '|'];

/// Where a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Reached {
    /// How much of the range of time is done, 0 to 1.
    pub(crate) share: f64,
    /// The moment that has been reached.
    pub(crate) now: Timestamp,
    /// Flows so far.
    pub(crate) flows: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Simulated time that they took.
    pub(crate) span: Nanos,
}

/// One run's progress.
#[derive(Debug)]
pub(crate) struct DataProgress {
    style: DataProgressStyle,
    started: Instant,
    /// When something was shown last.
    shown: Option<Instant>,
    turn: usize,
    /// Characters of the line that stands there now.
    drawn: usize,
    /// What a line may have, on a terminal.
    width: usize,
}

impl DataProgress {
    /// As told here or by `--progress`; where nothing is told, a bar on a terminal only.
    pub(crate) fn new(
        told: Option<DataProgressStyle>,
        global: ProgressStyle,
        output: &Output,
    ) -> Self {
        let style = match (told, global) {
            _ if output.verbosity < 0 => DataProgressStyle::None,
            (Some(style), _) => style,
            (None, ProgressStyle::Auto) if output.stderr_tty => DataProgressStyle::Bar,
            (None, ProgressStyle::Auto | ProgressStyle::None) => DataProgressStyle::None,
            (None, ProgressStyle::Bar) => DataProgressStyle::Bar,
            (None, ProgressStyle::Simple) => DataProgressStyle::Simple,
            (None, ProgressStyle::Spinner) => DataProgressStyle::Spinner,
        };
        let width = if output.stderr_tty { output.width.saturating_sub(1) } else { usize::MAX };
        Self { style, started: Instant::now(), shown: None, turn: 0, drawn: 0, width }
    }

    /// Shows where the run is, if it is time to.
    pub(crate) fn update(&mut self, reached: &Reached) {
        let every = match self.style {
            DataProgressStyle::None => return,
            DataProgressStyle::Spinner => TURN_EVERY,
            DataProgressStyle::Bar | DataProgressStyle::Simple => EVERY,
        };
        if self.shown.unwrap_or(self.started).elapsed() >= every {
            self.shown = Some(Instant::now());
            self.show(reached);
        }
    }

    /// Shows the end, and goes to a line of its own.
    pub(crate) fn finish(mut self, reached: &Reached) {
        if self.style != DataProgressStyle::None {
            self.show(&Reached { share: 1.0, ..*reached });
            if self.style != DataProgressStyle::Simple {
                let _ = writeln!(io::stderr().lock());
            }
        }
    }

    fn show(&mut self, reached: &Reached) {
        let elapsed = self.started.elapsed();
        let mut error = io::stderr().lock();
        let line = match self.style {
            DataProgressStyle::Bar => bar(reached, elapsed, self.width),
            DataProgressStyle::Spinner => {
                self.turn = (self.turn + 1) % TURNS.len();
                spinner(reached, elapsed, TURNS[self.turn])
            }
            DataProgressStyle::Simple => {
                let _ = writeln!(error, "{}", simple(reached, elapsed));
                return;
            }
            DataProgressStyle::None => return,
        };
        let line: String = line.chars().take(self.width).collect();
        let blanks = self.drawn.saturating_sub(line.len());
        self.drawn = line.len();
        let _ = write!(error, "\r{line}{:blanks$}", "");
        let _ = error.flush();
    }
}

/// `[====>   ] 52.3% | Time: 2024-01-01 00:00:05 | ETA: 2m 15s | 156250 flows/s | 10.05 Gbps`.
/// On narrow terminals the bar itself is shorter.
fn bar(reached: &Reached, elapsed: Duration, line: usize) -> String {
    let time = human::rfc3339(reached.now).to_string();
    let time = time.get(..19).unwrap_or(&time).replace('T', " ");
    let text = format!(
        "{:.1}% | Time: {time} | ETA: {} | {} flows/s | {:.2} Gbps",
        reached.share * 100.0,
        eta(reached.share, elapsed),
        per_second(reached.flows, elapsed),
        gbps(reached),
    );
    let width = line.saturating_sub(text.len() + 3).clamp(BAR_WIDTH_MIN, BAR_WIDTH);
    let filled = ((reached.share * width as f64) as usize).min(width);
    let head = if filled < width { ">" } else { "" };
    format!("[{:<width$}] {text}", "=".repeat(filled) + head)
}

/// `Progress: 67.8% - 234K flows - ETA: 1m 30s`.
fn simple(reached: &Reached, elapsed: Duration) -> String {
    let (flows, eta) = (short(reached.flows), eta(reached.share, elapsed));
    format!("Progress: {:.1}% - {flows} flows - ETA: {eta}", reached.share * 100.0)
}

/// `/ 45.2% - 150K flows - 45678 flows/s`.
fn spinner(reached: &Reached, elapsed: Duration, turn: char) -> String {
    let (flows, rate) = (short(reached.flows), per_second(reached.flows, elapsed));
    format!("{turn} {:.1}% - {flows} flows - {rate} flows/s", reached.share * 100.0)
}

/// The time that is left if it goes on like this: `45s`, `2m 15s`, `1h 5m`.
fn eta(share: f64, elapsed: Duration) -> String {
    if share <= 0.0 {
        return "?".to_owned();
    }
    let seconds = (elapsed.as_secs_f64() * (1.0 - share.min(1.0)) / share).ceil() as u64;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
    }
}

fn per_second(flows: u64, elapsed: Duration) -> u64 {
    (flows as f64 / elapsed.as_secs_f64().max(1e-9)) as u64
}

fn gbps(reached: &Reached) -> f64 {
    let seconds = reached.span.as_secs_f64();
    if seconds > 0.0 { reached.bytes as f64 * 8.0 / seconds / 1e9 } else { 0.0 }
}

/// `999`, `234K`, `1.5M`.
fn short(flows: u64) -> String {
    match flows {
        0..1000 => flows.to_string(),
        1000..1_000_000 => format!("{}K", flows / 1000),
        _ => format!("{:.1}M", flows as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_older_tool() {
        let reached = Reached {
            share: 0.523,
            now: Timestamp::from_nanos(1_704_067_205_999_999_999),
            flows: 234_500,
            bytes: 1_256_250_000,
            span: Nanos::from_secs(1),
        };
        let elapsed = Duration::from_secs(2);
        assert_eq!(
            bar(&reached, elapsed, usize::MAX),
            "[====================>                   ] 52.3% | Time: 2024-01-01 00:00:05 | ETA: 2s | \
             117250 flows/s | 10.05 Gbps"
        );
        assert_eq!(simple(&reached, elapsed), "Progress: 52.3% - 234K flows - ETA: 2s");
        assert_eq!(spinner(&reached, elapsed, '/'), "/ 52.3% - 234K flows - 117250 flows/s");
        let narrow = bar(&reached, elapsed, 99);
        assert!(narrow.len() == 99 && narrow.ends_with(" | 10.05 Gbps"), "{narrow}");
        let whole = bar(&Reached { share: 1.0, ..reached }, elapsed, usize::MAX);
        assert!(whole.starts_with(&format!("[{}] 100.0% | ", "=".repeat(40))), "{whole}");
        assert!(whole.contains("ETA: 0s"));
    }

    #[test]
    fn times_left_and_counts_are_short() {
        let hour = Duration::from_hours(1);
        assert_eq!(eta(0.0, hour), "?");
        assert_eq!(eta(0.5, Duration::from_secs(135)), "2m 15s");
        assert_eq!(eta(0.48, hour), "1h 5m");
        assert_eq!(
            [0, 999, 1000, 999_999, 1_540_000].map(short),
            ["0", "999", "1K", "999K", "1.5M"]
        );
        assert!((gbps(&Reached::default())).abs() < f64::EPSILON);
    }
}
