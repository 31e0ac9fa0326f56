//! The report of `pcap analyze`.

use rheos_capture::CaptureInfo;
use rheos_core::units::human;
use rheos_flow::IngestCounters;
use rheos_flow::aggregate::RankBy;

use super::plot::{self, Axes, Series};
use super::{Block, Report, Section};
use crate::analysis::Analysis;
use crate::summary;

/// Bars that stay readable in one plot.
const BARS_MAX: usize = 12;

/// All that was counted, as a page.
pub(crate) fn report(
    analysis: &Analysis,
    info: &CaptureInfo,
    counters: &IngestCounters,
    top: usize,
) -> Report {
    let names: Vec<String> = info.files.iter().map(|f| summary::shown(&f.path)).collect();
    let mut sections = vec![overview(analysis, counters), protocols(analysis), sizes(analysis)];
    for (heading, table) in analysis.tops(top, RankBy::IpBytes) {
        let mut blocks = Vec::new();
        if heading == "top senders" {
            let senders = analysis.senders(BARS_MAX);
            blocks.push(Block::Plot(plot::bars(Axes { x: "bytes sent", y: "sender" }, &senders)));
        }
        blocks.push(Block::Table(table.into()));
        sections.push(Section {
            heading: heading.to_owned(),
            note: "Exact sums, the largest first; `other` is all the rest.".to_owned(),
            blocks,
        });
    }
    Report { title: "Traffic analysis".to_owned(), subtitle: names.join(", "), sections }
}

/// Totals, where frames went, and the load over time.
pub(crate) fn overview(analysis: &Analysis, counters: &IngestCounters) -> Section {
    let totals = &analysis.traffic.totals;
    let span = totals.last.since(totals.first);
    let mut figures = vec![
        ("packets".to_owned(), human::grouped(totals.packets).to_string()),
        ("bytes on the wire".to_owned(), human::bytes(totals.wire_bytes).to_string()),
        ("duration".to_owned(), human::duration(span).to_string()),
        ("frames dropped".to_owned(), human::grouped(counters.drops.total()).to_string()),
    ];
    for (reason, n) in counters.drops.iter().chain(counters.checksums_wrong.iter()) {
        figures.push((reason.label().to_owned(), human::grouped(n).to_string()));
    }
    let width = analysis.traffic.rates.bin_width().as_secs_f64();
    let series = |name: &str, value: fn(&rheos_flow::traffic::Volume) -> u64, scale: f64| Series {
        name: name.to_owned(),
        points: (analysis.traffic.rates.iter())
            .map(|(at, v)| (at.since(totals.first).as_secs_f64(), value(&v) as f64 * scale / width))
            .collect(),
    };
    let packets = series("packets", |v| v.packets, 1.0);
    let bits = series("bits", |v| v.bytes, 8.0);
    Section {
        heading: "Overview".to_owned(),
        note: "Every frame is either a packet here or counted by the reason for which it is not."
            .to_owned(),
        blocks: vec![
            Block::Figures(figures),
            Block::Plot(plot::lines(Axes { x: "seconds", y: "packets per second" }, &[packets])),
            Block::Plot(plot::lines(Axes { x: "seconds", y: "bits per second" }, &[bits])),
        ],
    }
}

/// The protocol mix.
pub(crate) fn protocols(analysis: &Analysis) -> Section {
    Section {
        heading: "Protocols".to_owned(),
        note: "By IP version and the protocol after IP.".to_owned(),
        blocks: vec![Block::Table(analysis.protocols().into())],
    }
}

fn sizes(analysis: &Analysis) -> Section {
    let bars: Vec<(String, f64)> = (analysis.traffic.sizes.iter())
        .map(|(low, high, n)| (format!("{low} to {high}"), n as f64))
        .collect();
    Section {
        heading: "Packet sizes".to_owned(),
        note: "Bytes on the wire, in bins that double.".to_owned(),
        blocks: vec![Block::Plot(plot::bars(Axes { x: "packets", y: "bytes" }, &bars))],
    }
}
