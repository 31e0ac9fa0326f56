//! How far a run is, on standard error, and only when someone is looking.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle as BarStyle};
use rheos_core::Nanos;
use rheos_core::units::human;

use crate::output::Output;

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressStyle {
    /// A bar on a terminal, nothing elsewhere.
    #[default]
    Auto,
    /// A bar with percent by bytes, rate and time left.
    Bar,
    /// A line now and then: for logs.
    Simple,
    /// A spinner with counts.
    Spinner,
    /// Nothing.
    None,
}

/// How long a simple line is worth.
const SIMPLE_EVERY: Duration = Duration::from_secs(2);
/// Redraws per second.
const REDRAW_HZ: u8 = 8;

/// One run's progress by bytes.
#[derive(Debug)]
pub(crate) struct Progress {
    show: Show,
    /// Bytes to come, if that is known.
    total: Option<u64>,
    started: Instant,
}

#[derive(Debug)]
enum Show {
    Nothing,
    Bar { bar: ProgressBar, packets: Arc<AtomicU64> },
    Lines { last: Instant },
}

impl Progress {
    /// Progress towards `total` bytes, or without an end that is known.
    pub(crate) fn new(style: ProgressStyle, output: &Output, total: Option<u64>) -> Self {
        let style = match style {
            _ if output.verbosity < 0 => ProgressStyle::None,
            ProgressStyle::Auto if output.stderr_tty => match total {
                Some(_) => ProgressStyle::Bar,
                None => ProgressStyle::Spinner,
            },
            ProgressStyle::Auto => ProgressStyle::None,
            // A bar redraws its line, which only a terminal can.
            ProgressStyle::Bar | ProgressStyle::Spinner if !output.stderr_tty => {
                ProgressStyle::Simple
            }
            style => style,
        };
        let started = Instant::now();
        let show = match style {
            ProgressStyle::Bar if total.is_some() => bar(total, BAR),
            ProgressStyle::Bar | ProgressStyle::Spinner => bar(total, SPINNER),
            ProgressStyle::Simple => Show::Lines { last: started },
            ProgressStyle::None | ProgressStyle::Auto => Show::Nothing,
        };
        Self { show, total, started }
    }

    /// `bytes` of the input were read, which held `packets`.
    pub(crate) fn update(&mut self, bytes: u64, packets: u64) {
        match &mut self.show {
            Show::Bar { bar, packets: shown } => {
                shown.store(packets, Ordering::Relaxed);
                bar.set_position(bytes);
            }
            Show::Lines { last } if last.elapsed() >= SIMPLE_EVERY => {
                *last = Instant::now();
                let line = simple_line(bytes, self.total, packets, self.started.elapsed());
                let _ = writeln!(io::stderr().lock(), "{line}");
            }
            Show::Lines { .. } | Show::Nothing => {}
        }
    }

    /// Removes the bar, before the summary is printed.
    pub(crate) fn finish(self) {
        if let Show::Bar { bar, .. } = self.show {
            bar.finish_and_clear();
        }
    }
}

const BAR: &str = "[{bar:30}] {percent:>3}% | {read} | {packets} packets | {rate} | {eta} left";
const SPINNER: &str = "{spinner} {read} | {packets} packets | {rate}";

fn bar(total: Option<u64>, template: &str) -> Show {
    let packets = Arc::new(AtomicU64::new(0));
    let shown = Arc::clone(&packets);
    let target = ProgressDrawTarget::stderr_with_hz(REDRAW_HZ);
    let bar = ProgressBar::with_draw_target(total, target);
    let style = BarStyle::with_template(template).expect("the templates are constants: tested");
    bar.set_style(
        style
            .progress_chars("=> ")
            .tick_chars("|/-\\ ")
            .with_key("read", |state: &ProgressState, w: &mut dyn std::fmt::Write| {
                let _ = write!(w, "{}", human::bytes(state.pos()));
            })
            .with_key("packets", move |_: &ProgressState, w: &mut dyn std::fmt::Write| {
                let _ = write!(w, "{}", human::grouped(shown.load(Ordering::Relaxed)));
            })
            .with_key("rate", |state: &ProgressState, w: &mut dyn std::fmt::Write| {
                let _ = write!(w, "{}/s", human::bytes(state.per_sec() as u64));
            }),
    );
    Show::Bar { bar, packets }
}

fn simple_line(bytes: u64, total: Option<u64>, packets: u64, elapsed: Duration) -> String {
    let percent = total
        .filter(|&t| t > 0)
        .map_or_else(String::new, |t| format!("{:>3}%  ", bytes.min(t).saturating_mul(100) / t));
    let read = human::bytes(bytes);
    format!(
        "{percent}{read}  {} packets  {}",
        human::grouped(packets),
        human::duration(Nanos(elapsed.as_nanos() as u64))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_accepted() {
        for template in [BAR, SPINNER] {
            assert!(BarStyle::with_template(template).is_ok());
        }
    }

    #[test]
    fn a_simple_line_tells_percent_only_when_the_end_is_known() {
        let second = Duration::from_secs(1);
        assert_eq!(simple_line(500, Some(1000), 7, second), " 50%  500 B  7 packets  1.0 s");
        assert_eq!(simple_line(500, None, 7, second), "500 B  7 packets  1.0 s");
        assert_eq!(simple_line(500, Some(0), 7, second), "500 B  7 packets  1.0 s");
    }
}
