//! Flow rows as pictures: sums of any number of rows, and a bounded sample of points.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use rheos_capture::CaptureInfo;
use rheos_core::units::human;
use rheos_flow::IngestCounters;

use super::plot::{self, Axes, Series};
use super::{Block, Report, Section, Table};
use crate::analysis::protocol_name;
use crate::summary;

/// Points of a scatter plot at most; beyond, every second row is left out, then every fourth, and so on.
const POINTS_MAX: usize = 4000;

/// Upper ends of the duration bins in seconds, with their names; the last bin has no end.
const DURATIONS: [(f64, &str); 8] = [
    (0.0, "one moment"),
    (0.001, "under 1 ms"),
    (0.01, "1 to 10 ms"),
    (0.1, "10 to 100 ms"),
    (1.0, "0.1 to 1 s"),
    (10.0, "1 to 10 s"),
    (60.0, "10 to 60 s"),
    (f64::INFINITY, "over 1 min"),
];

/// Sums over rows. Columns that were not selected are missing in the report, which says so.
#[derive(Debug, Default)]
pub(crate) struct FlowFigures {
    rows: u64,
    packets: f64,
    bytes: f64,
    /// Flows, packets and bytes per protocol.
    protocols: BTreeMap<u8, [f64; 3]>,
    ends: BTreeMap<String, u64>,
    durations: [u64; DURATIONS.len()],
    has_durations: bool,
    /// Kind, packets and bytes of every `stride`-th row.
    points: Vec<(String, f64, f64)>,
    stride: u64,
}

impl FlowFigures {
    /// Takes in rows; `kind_of` names the kind of a row, which gives its point a colour.
    pub(crate) fn add(&mut self, batch: &RecordBatch, kind_of: impl Fn(usize) -> String) {
        let protocol = numbers(batch, "protocol");
        let packets = numbers(batch, "total_packets");
        let bytes = numbers(batch, "total_bytes");
        let duration = numbers(batch, "duration");
        self.has_durations |= duration.is_some();
        let at = |column: &Option<Vec<f64>>, row: usize| column.as_ref().map(|c| c[row]);
        for row in 0..batch.num_rows() {
            let p = at(&packets, row).unwrap_or_default();
            let b = at(&bytes, row).unwrap_or_default();
            self.packets += p;
            self.bytes += b;
            if let Some(number) = at(&protocol, row) {
                let sums = self.protocols.entry(number as u8).or_default();
                sums.iter_mut().zip([1.0, p, b]).for_each(|(sum, add)| *sum += add);
            }
            if let Some(seconds) = at(&duration, row) {
                let bin = DURATIONS.iter().position(|&(end, _)| seconds <= end);
                self.durations[bin.unwrap_or(DURATIONS.len() - 1)] += 1;
            }
            if packets.is_some() && bytes.is_some() {
                self.point(p, b, || kind_of(row));
            }
            self.rows += 1;
        }
        if let Some(ends) =
            batch.column_by_name("end_reason").and_then(|c| c.as_string_opt::<i32>())
        {
            for reason in ends.iter().flatten() {
                *self.ends.entry(reason.replace('_', " ")).or_default() += 1;
            }
        }
    }

    fn point(&mut self, packets: f64, bytes: f64, kind: impl FnOnce() -> String) {
        let stride = self.stride.max(1);
        if !self.rows.is_multiple_of(stride) {
            return;
        }
        self.points.push((kind(), packets, bytes));
        if self.points.len() >= POINTS_MAX {
            let mut place = 0;
            self.points.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.stride = stride * 2;
        }
    }

    /// What was summed up, as parts of a page.
    pub(crate) fn sections(&self) -> Vec<Section> {
        let mut sections = vec![Section {
            heading: "Flows".to_owned(),
            note: self.note(),
            blocks: vec![Block::Figures(self.figures())],
        }];
        if !self.points.is_empty() {
            sections.push(Section {
                heading: "Packets and bytes".to_owned(),
                note: "Each point is a flow; both axes are logarithmic.".to_owned(),
                blocks: vec![Block::Plot(plot::scatter(
                    Axes { x: "packets", y: "bytes" },
                    &self.series(),
                ))],
            });
        }
        let mut bars = |heading: &str, note: &str, y: &str, bars: Vec<(String, f64)>| {
            if !bars.is_empty() {
                let plot = plot::bars(Axes { x: "flows", y }, &bars);
                sections.push(Section {
                    heading: heading.to_owned(),
                    note: note.to_owned(),
                    blocks: vec![Block::Plot(plot)],
                });
            }
        };
        let ends = self.ends.iter().map(|(reason, &n)| (reason.clone(), n as f64)).collect();
        bars("How flows ended", "The column `end_reason`.", "reason", ends);
        if self.has_durations {
            let spans = DURATIONS.iter().zip(self.durations);
            let spans = spans.map(|((_, name), n)| ((*name).to_owned(), n as f64)).collect();
            bars("How long flows lasted", "The column `duration`.", "duration", spans);
        }
        if !self.protocols.is_empty() {
            sections.push(Section {
                heading: "Flows by protocol".to_owned(),
                note: "Flows, packets and bytes, by the protocol after IP.".to_owned(),
                blocks: vec![Block::Table(self.protocol_table())],
            });
        }
        sections
    }

    fn note(&self) -> String {
        let missing: Vec<&str> = [
            ("total_packets`, `total_bytes", self.points.is_empty()),
            ("protocol", self.protocols.is_empty()),
            ("duration", !self.has_durations),
            ("end_reason", self.ends.is_empty()),
        ]
        .into_iter()
        .filter(|&(_, missing)| missing && self.rows > 0)
        .map(|(name, _)| name)
        .collect();
        if missing.is_empty() {
            return "One row is one flow, both directions together.".to_owned();
        }
        format!("Columns that were not selected are not drawn: `{}`.", missing.join("`, `"))
    }

    fn figures(&self) -> Vec<(String, String)> {
        let mut figures = vec![("flows".to_owned(), human::grouped(self.rows).to_string())];
        if self.rows > 0 && self.packets > 0.0 {
            let rows = self.rows as f64;
            figures.push(("packets".to_owned(), human::grouped(self.packets as u64).to_string()));
            figures.push(("bytes".to_owned(), human::bytes(self.bytes as u64).to_string()));
            figures.push(("packets per flow".to_owned(), format!("{:.1}", self.packets / rows)));
        }
        figures
    }

    fn series(&self) -> Vec<Series> {
        let mut by_kind: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
        for (kind, packets, bytes) in &self.points {
            by_kind.entry(kind).or_default().push((*packets, *bytes));
        }
        let mut series: Vec<Series> = by_kind
            .into_iter()
            .map(|(name, points)| Series { name: name.to_owned(), points })
            .collect();
        // The largest first, so that small kinds are drawn over it.
        series.sort_by_key(|s| std::cmp::Reverse(s.points.len()));
        series
    }

    fn protocol_table(&self) -> Table {
        let mut table =
            Table::new(&[("protocol", false), ("flows", true), ("packets", true), ("bytes", true)]);
        for (&number, sums) in &self.protocols {
            let mut row = vec![protocol_name(number)];
            row.extend(sums.map(|sum| human::grouped(sum as u64).to_string()));
            table.rows.push(row);
        }
        table
    }
}

/// The report of `features extract`.
pub(crate) fn report(
    figures: &FlowFigures,
    info: &CaptureInfo,
    counters: &IngestCounters,
) -> Report {
    let names: Vec<String> = info.files.iter().map(|f| summary::shown(&f.path)).collect();
    let mut accounts = vec![
        ("frames".to_owned(), human::grouped(counters.frames).to_string()),
        ("packets in flows".to_owned(), human::grouped(counters.packets).to_string()),
        ("fragments put together".to_owned(), human::grouped(counters.absorbed).to_string()),
    ];
    for (reason, n) in counters.drops.iter().chain(counters.checksums_wrong.iter()) {
        accounts.push((reason.label().to_owned(), human::grouped(n).to_string()));
    }
    let mut sections = vec![Section {
        heading: "Accounts".to_owned(),
        note: "Every frame is in a flow, part of a reassembled packet, or dropped for a reason."
            .to_owned(),
        blocks: vec![Block::Figures(accounts)],
    }];
    sections.extend(figures.sections());
    Report { title: "Flows".to_owned(), subtitle: names.join(", "), sections }
}

/// The names of the rows' protocols, as the kinds of their points.
pub(crate) fn protocols_of(batch: &RecordBatch) -> impl Fn(usize) -> String {
    let protocols = numbers(batch, "protocol");
    move |row| protocols.as_ref().map_or_else(|| "flow".to_owned(), |p| protocol_name(p[row] as u8))
}

/// A numeric column as floating point, nulls as not-a-number; none if it is not there or no number.
pub(crate) fn numbers(batch: &RecordBatch, name: &str) -> Option<Vec<f64>> {
    let column = batch.column_by_name(name)?;
    macro_rules! read {
        ($kind:ty) => {
            column
                .as_primitive_opt::<$kind>()?
                .iter()
                .map(|v| v.map_or(f64::NAN, |v| v as f64))
                .collect()
        };
    }
    Some(match column.data_type() {
        DataType::UInt8 => read!(UInt8Type),
        DataType::UInt16 => read!(UInt16Type),
        DataType::UInt32 => read!(UInt32Type),
        DataType::UInt64 => read!(UInt64Type),
        DataType::Float64 => read!(Float64Type),
        DataType::Boolean => column
            .as_boolean()
            .iter()
            .map(|v| v.map_or(f64::NAN, |v| f64::from(u8::from(v))))
            .collect(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Float64Array, StringArray, UInt8Array, UInt64Array};

    use super::*;

    fn rows(count: u64) -> RecordBatch {
        let per_row = |value: fn(u64) -> u64| UInt64Array::from_iter_values((0..count).map(value));
        RecordBatch::try_from_iter([
            ("protocol", Arc::new(UInt8Array::from_iter_values((0..count).map(|_| 6))) as _),
            ("total_packets", Arc::new(per_row(|i| i + 1)) as _),
            ("total_bytes", Arc::new(per_row(|i| 100 * (i + 1))) as _),
            ("duration", Arc::new(Float64Array::from_iter_values((0..count).map(|_| 0.5))) as _),
            (
                "end_reason",
                Arc::new(StringArray::from_iter_values((0..count).map(|_| "idle"))) as _,
            ),
        ])
        .expect("columns of one length")
    }

    #[test]
    fn points_are_bounded_and_sums_are_whole() {
        let mut figures = FlowFigures::default();
        for _ in 0..10 {
            let batch = rows(1500);
            figures.add(&batch, protocols_of(&batch));
        }
        assert!(figures.points.len() < POINTS_MAX && figures.points.len() > POINTS_MAX / 4);
        assert_eq!(figures.rows, 15_000);
        assert!((figures.protocols[&6][0] - 15_000.0).abs() < 0.5);
        assert_eq!(figures.durations[4], 15_000);
        assert_eq!(figures.ends["idle"], 15_000);
        assert_eq!(figures.sections().len(), 5);
    }

    #[test]
    fn missing_columns_are_said() {
        let mut figures = FlowFigures::default();
        let only = rows(3).project(&[0]).expect("a column");
        figures.add(&only, protocols_of(&only));
        let sections = figures.sections();
        assert_eq!(sections.len(), 2);
        assert!(sections[0].note.contains("`duration`"), "{}", sections[0].note);
    }
}
