//! Flow files on the command line: which, which of their rows, and what the run tells of them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use rheos_core::filter::FlowFilter;
use rheos_core::units::{Count, human};
use rheos_query::FlowColumns;
use rheos_query::filter::BlockFilter;
use rheos_query::read::{ReadStats, Request};

use crate::failure::Misuse;
use crate::filter::parse_flow;
use crate::flow_sources::{SCALED_SOURCES, SOURCES};
use crate::output::{Output, Tone};
use crate::summary;
use crate::threads::threads;

/// Which flows.
#[derive(Clone, Debug, Args)]
pub(crate) struct FlowInputArgs {
    /// Flow files, told by their content: Parquet, Arrow IPC, CSV, JSON, nfcapd, IPFIX, raw records, captures of
    /// exports or of any packets; gzip and zstd; `-` is standard input. Of a folder, or of a pattern in quotes, all that
    /// are.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) choice: FlowChoiceArgs,
}

/// Which rows of them.
#[derive(Clone, Debug, Args)]
pub(crate) struct FlowChoiceArgs {
    /// Only flows that match, in nfdump's words: `src net 10.0.0.0/8 and dst port 443 and bytes > 1m`.
    #[arg(short, long, value_name = "EXPR", help_heading = "Which flows")]
    filter: Option<String>,
    /// Only flows of this protocol: a name or a number.
    #[arg(long, value_name = "PROTOCOL", help_heading = "Which flows")]
    protocol: Option<String>,
    /// Only flows with this port, or one of a range, at either end.
    #[arg(long, value_name = "PORT", help_heading = "Which flows")]
    port: Option<String>,
    /// Only flows from this network.
    #[arg(long, value_name = "NET", help_heading = "Which flows")]
    src_subnet: Option<String>,
    /// Only flows to this network.
    #[arg(long, value_name = "NET", help_heading = "Which flows")]
    dst_subnet: Option<String>,
    /// Only flows that began from START on and before END: `2026-01-01T00:00:00Z..2026-01-02T00:00:00Z`.
    #[arg(long, value_name = "START..END", help_heading = "Which flows")]
    time_range: Option<String>,
    /// Multiply packets and bytes of exports by the sampling interval that their exporter has told; those of sFlow
    /// always are.
    #[arg(long, help_heading = "Which flows", hide_short_help = true)]
    scaled: bool,
    /// Take a row that is not understood for an error, in place of counting it.
    #[arg(long, help_heading = "Which flows")]
    strict: bool,
    /// Threads that read and count; 0 for one per processor. Results do not depend on it.
    #[arg(
        long,
        value_name = "N",
        default_value = "0",
        help_heading = "Which flows",
        hide_short_help = true
    )]
    threads: Count,
}

impl FlowChoiceArgs {
    /// The filter of all flags together.
    pub(crate) fn flow_filter(&self) -> Result<FlowFilter> {
        let mut filter = parse_flow(self.filter.as_deref().unwrap_or_default())?;
        let short = [
            ("proto", "--protocol", &self.protocol),
            ("port", "--port", &self.port),
            ("src net", "--src-subnet", &self.src_subnet),
            ("dst net", "--dst-subnet", &self.dst_subnet),
        ];
        for (word, flag, value) in short {
            if let Some(value) = value {
                let one = parse_flow(&format!("{word} {value}"));
                filter = filter.and(one.with_context(|| format!("wrong value of `{flag}`"))?);
            }
        }
        if let Some(range) = &self.time_range {
            filter = filter.and(time_range(range)?);
        }
        Ok(filter)
    }

    /// The compiled filter, and what to read for it and for both sides of it: every row.
    pub(crate) fn both_sides(&self) -> Result<(BlockFilter, Request)> {
        let request = self.request(FlowColumns::NONE, FlowColumns::ALL)?;
        let filter = request.filter.clone();
        let all = Request::new(filter.columns());
        Ok((filter, Request { required: all.required, filter: all.filter, ..request }))
    }

    /// What to read for `required` columns, and those of `optional` that are there.
    pub(crate) fn request(&self, required: FlowColumns, optional: FlowColumns) -> Result<Request> {
        let threads = threads(usize::try_from(self.threads.0).unwrap_or(usize::MAX)).min(256);
        Ok(Request {
            optional,
            filter: BlockFilter::new(&self.flow_filter()?),
            strict: self.strict,
            threads,
            records: Some(if self.scaled { SCALED_SOURCES } else { SOURCES }),
            ..Request::new(required)
        })
    }
}

/// `START..END`, either of which may be left out; two numbers of seconds may have a `-` between them.
fn time_range(range: &str) -> Result<FlowFilter> {
    let ends = range.split_once("..").or_else(|| {
        let plain = range.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
        range.split_once('-').filter(|(_, end)| plain && !end.contains('-'))
    });
    let Some((start, end)) = ends else {
        return Err(Misuse::new(
            format!("wrong value of `--time-range`: `{range}`"),
            "write it like `2026-01-01T00:00:00Z..2026-01-02T00:00:00Z`",
        )
        .into());
    };
    let one = |word: &str, time: &str| {
        let text = if time.is_empty() { String::new() } else { format!("{word} {time}") };
        parse_flow(&text).context("wrong value of `--time-range`")
    };
    Ok(one("first >=", start)?.and(one("first <", end)?))
}

/// What was read, what matched and what was not understood.
pub(crate) fn tell(output: &Output, files: &[PathBuf], stats: &ReadStats) {
    let names = match files {
        [only] if stats.files > 1 => format!("{} files of {}", stats.files, summary::shown(only)),
        [only] => summary::shown(only),
        _ => format!("{} files", stats.files),
    };
    let examined = stats.examined + stats.skipped;
    let size = human::bytes(stats.bytes);
    let text = format!("{names}  {size}  {}", summary::plural(examined, "flow"));
    summary::line(output, "read", Tone::Strong, &text);
    if stats.matched < examined {
        let share = human::percent(stats.matched as f64 / examined as f64);
        let verb = if stats.matched == 1 { "matches" } else { "match" };
        let text = format!(
            "{} of {} {verb} ({share})",
            human::grouped(stats.matched),
            human::grouped(examined)
        );
        summary::line(output, "filter", Tone::Strong, &text);
    }
    if let Some(first) = &stats.first_left_out {
        let text = format!("{} left out: {first}", summary::plural(stats.files_left_out, "file"));
        summary::line(output, "files", Tone::Warn, &text);
    }
    if let Some(first) = &stats.first_bad {
        let mut parts = Vec::new();
        if stats.bad_rows > 0 {
            parts.push(format!("{} left out", summary::plural(stats.bad_rows, "row")));
        }
        if stats.bad_values > 0 {
            parts.push(format!("{} read as 0", summary::plural(stats.bad_values, "value")));
        }
        let text = format!("{}, such as {first}", parts.join(", "));
        summary::line(output, "bad", Tone::Warn, &text);
    }
}

/// ` done   in 0.2 s  25 M flows/s`.
pub(crate) fn done(output: &Output, stats: &ReadStats, elapsed: Duration) {
    let text = summary::rate(stats.examined + stats.skipped, "flows", elapsed);
    summary::line(output, "done", Tone::Good, &text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_time_have_two_ends() {
        let filter = |text: &str| time_range(text).map(|f| f.to_string()).unwrap_or_default();
        assert_eq!(filter("1-2.5"), "first >= 1000000000ns and first < 2500000000ns");
        assert_eq!(filter("2024-01-01T00:00:00Z.."), "first >= 1704067200000000000ns");
        assert_eq!(filter("1"), "");
        assert!(time_range("x..y").is_err());
    }
}
