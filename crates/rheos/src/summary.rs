//! What a run did, in a few aligned lines on standard error: one fact per line, drops never hidden.

use std::path::Path;
use std::time::Duration;

use rheos_capture::CaptureInfo;
use rheos_core::units::human;
use rheos_core::{DropCounters, DropReason, Nanos};
use rheos_flow::{EndReason, IngestCounters, TableCounters};

use crate::output::{Output, Tone};

/// Prints a line with its label.
pub(crate) fn line(output: &Output, label: &str, tone: Tone, text: &str) {
    output.talk(&format!(" {} {text}", output.paint_err(tone, &format!("{label:<6}"))));
}

/// ` read   capture.pcap  1.24 GB  1 873 201 packets`, and what the capture lacks.
pub(crate) fn read(output: &Output, info: &CaptureInfo, counters: &IngestCounters) {
    let names = match info.files.as_slice() {
        [only] => shown(&only.path),
        files => format!("{} files", files.len()),
    };
    let size: Option<u64> = info.files.iter().map(|f| f.size).sum();
    let size = size.unwrap_or_else(|| info.files.iter().map(|f| f.uncompressed_bytes).sum());
    let mut text =
        format!("{names}  {}  {}", human::bytes(size), plural(counters.frames, "packet"));
    let mut notes = Vec::new();
    let backward = info.files.iter().map(|f| f.backward_frames).sum();
    let lost: u64 = info
        .files
        .iter()
        .map(|f| f.dropped_between.max(f.interface_drops() + f.system_drops()))
        .sum();
    for (n, what) in [
        (counters.cut, "cut by the snap length"),
        (backward, "out of order"),
        (lost, "lost while capturing"),
    ] {
        if n > 0 {
            notes.push(format!("{} {what}", human::grouped(n)));
        }
    }
    if !notes.is_empty() {
        text.push_str(&format!("  ({})", notes.join(", ")));
    }
    line(output, "read", Tone::Strong, &text);
}

/// ` drops  12: 10 ipv4.header_len, 2 tcp.offset`, and wrong checksums; nothing where there are none.
pub(crate) fn drops(output: &Output, counters: &IngestCounters) {
    let unwanted = counters.drops.get(DropReason::Filter);
    if unwanted > 0 {
        let verb = if unwanted == 1 { "does" } else { "do" };
        let text = format!("{} {verb} not match", plural(unwanted, "packet"));
        line(output, "filter", Tone::Strong, &text);
    }
    let unsampled = counters.drops.get(DropReason::Sampling);
    if unsampled > 0 {
        let text = format!("{} left out", plural(unsampled, "packet"));
        line(output, "sample", Tone::Strong, &text);
    }
    if dropped(counters) > 0 {
        let text = format!("{}: {}", human::grouped(dropped(counters)), reasons(&counters.drops));
        line(output, "drops", Tone::Warn, &text);
    }
    for (link, frames) in &counters.unsupported_links.by_number {
        let text = format!("link type {} is not read: {}", link.0, plural(*frames, "packet"));
        line(output, "", Tone::Faint, &text);
    }
    if counters.subframes_unread > 0 {
        let n = plural(counters.subframes_unread, "further subframe");
        line(output, "", Tone::Faint, &format!("802.11 aggregates: {n} not read"));
    }
    let wrong = counters.checksums_wrong.total();
    if wrong > 0 || counters.checksums_offloaded > 0 {
        let mut parts = Vec::new();
        if wrong > 0 {
            parts.push(format!(
                "{} wrong: {}",
                human::grouped(wrong),
                reasons(&counters.checksums_wrong)
            ));
        }
        if counters.checksums_offloaded > 0 {
            let n = human::grouped(counters.checksums_offloaded);
            parts.push(format!("{n} left to the sender's network card"));
        }
        line(output, "sums", Tone::Warn, &parts.join("; "));
    }
}

/// Frames that were wanted and became no packet.
fn dropped(counters: &IngestCounters) -> u64 {
    counters.drops.iter().filter(|&(reason, _)| !is_wish(reason)).map(|(_, n)| n).sum()
}

/// Whether frames are dropped for this reason because somebody asked for it.
fn is_wish(reason: DropReason) -> bool {
    matches!(reason, DropReason::Filter | DropReason::Sampling)
}

/// The reasons but for those that were asked for.
fn reasons(counters: &DropCounters) -> String {
    let parts: Vec<String> = counters
        .iter()
        .filter(|&(reason, _)| !is_wish(reason))
        .map(|(reason, n)| format!("{} {}", human::grouped(n), reason.label()))
        .collect();
    parts.join(", ")
}

/// ` flows  28 471  ended 21 020 idle, 5 112 fin, 2 339 end of input`.
pub(crate) fn flows(output: &Output, counters: &TableCounters) {
    let parts: Vec<String> = EndReason::ALL
        .iter()
        .map(|&reason| (counters.ended[reason as usize], reason))
        .filter(|&(n, _)| n > 0)
        .map(|(n, reason)| format!("{} {}", human::grouped(n), reason.label().replace('_', " ")))
        .collect();
    let mut text = human::grouped(counters.created).to_string();
    if !parts.is_empty() {
        text.push_str(&format!("  ended {}", parts.join(", ")));
    }
    line(output, "flows", Tone::Strong, &text);
}

/// ` wrote  flows.parquet  28 471 rows x 136 columns  18.3 MB`.
pub(crate) fn wrote(output: &Output, target: &Path, rows: u64, columns: usize, bytes: Option<u64>) {
    let name = shown_output(target);
    let size = bytes.map_or_else(String::new, |n| format!("  {}", human::bytes(n)));
    let text =
        format!("{name}  {} x {}{size}", plural(rows, "row"), plural(columns as u64, "column"));
    line(output, "wrote", Tone::Strong, &text);
}

/// ` done   in 6.1 s  307 k packets/s  no drops`.
pub(crate) fn done(output: &Output, elapsed: Duration, counters: &IngestCounters) {
    let drops = match dropped(counters) {
        0 => "no drops".to_owned(),
        n => plural(n, "drop"),
    };
    let text = format!("{}  {drops}", rate(counters.frames, "packets", elapsed));
    line(output, "done", Tone::Good, &text);
}

/// `in 6.1 s  307 k packets/s`.
pub(crate) fn rate(n: u64, what: &str, elapsed: Duration) -> String {
    let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
    let rate = n as f64 / elapsed.as_secs_f64().max(1e-9);
    format!("in {}  {} {what}/s", human::duration(Nanos(nanos)), human::count(rate))
}

/// `1 packet`, `2 packets`.
pub(crate) fn plural(n: u64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {what}{s}", human::grouped(n))
}

/// A path as summaries show it: `-` is standard input.
pub(crate) fn shown(path: &Path) -> String {
    if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() }
}

/// A path as summaries show it: `-` is standard output.
pub(crate) fn shown_output(path: &Path) -> String {
    if path == Path::new("-") { "stdout".to_owned() } else { path.display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_listed_with_their_counts() {
        let mut counters = DropCounters::default();
        counters.add_many(DropReason::Arp, 1234);
        counters.add(DropReason::TcpOffset);
        counters.add(DropReason::Filter);
        counters.add(DropReason::Sampling);
        assert_eq!(reasons(&counters), "1 234 arp, 1 tcp.offset");
        assert_eq!(plural(1, "row"), "1 row");
        assert_eq!(plural(0, "row"), "0 rows");
    }
}
