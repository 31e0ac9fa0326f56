//! The demo's look at rows: what sets labelled flows apart, by columns that know nothing of labels.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use rheos_core::FiveTuple;
use rheos_core::units::human;
use serde_json::Value;

use crate::analysis::protocol_name;
use crate::report::flows::numbers;
use crate::table::{Cell, Table};

/// A flow's tuple as rows tell it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FlowId {
    src: String,
    dst: String,
    src_port: u16,
    dst_port: u16,
}

impl FlowId {
    /// Of a tuple as its initiator sends it.
    pub(crate) fn of(tuple: &FiveTuple) -> Self {
        Self {
            src: tuple.src_ip().to_string(),
            dst: tuple.dst_ip().to_string(),
            src_port: tuple.src_port,
            dst_port: tuple.dst_port,
        }
    }
}

/// What the tour reads of a batch of rows, column by column.
struct Columns<'a> {
    batch: &'a RecordBatch,
    numbers: HashMap<&'static str, Vec<f64>>,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Self {
        let names = [
            "src_port",
            "dst_port",
            "protocol",
            "packets_bwd",
            "total_packets",
            "payload_bytes_total",
            "tcp_complete_handshake",
        ];
        let numbers = names.into_iter().filter_map(|n| Some((n, numbers(batch, n)?))).collect();
        Self { batch, numbers }
    }

    /// A value that is there and not null.
    fn number(&self, name: &str, row: usize) -> Option<f64> {
        self.numbers.get(name).map(|values| values[row]).filter(|value| !value.is_nan())
    }

    fn port(&self, name: &str, row: usize) -> u16 {
        self.number(name, row).unwrap_or_default() as u16
    }

    fn text(&self, name: &str, row: usize) -> String {
        let column = self.batch.column_by_name(name).and_then(|c| c.as_string_opt::<i32>());
        column.filter(|c| c.is_valid(row)).map_or_else(String::new, |c| c.value(row).to_owned())
    }

    fn id(&self, row: usize) -> FlowId {
        FlowId {
            src: self.text("src_ip", row),
            dst: self.text("dst_ip", row),
            src_port: self.port("src_port", row),
            dst_port: self.port("dst_port", row),
        }
    }

    fn kind<'l>(&self, row: usize, labels: &'l HashMap<FlowId, String>) -> &'l str {
        labels.get(&self.id(row)).map_or(BACKGROUND, String::as_str)
    }
}

/// The label of flows that have none.
const BACKGROUND: &str = "background";

/// The label of each row's flow.
pub(crate) fn kinds<'l>(batch: &RecordBatch, labels: &'l HashMap<FlowId, String>) -> Vec<&'l str> {
    let columns = Columns::of(batch);
    (0..batch.num_rows()).map(|row| columns.kind(row, labels)).collect()
}

/// What is summed up per kind of flow.
#[derive(Default)]
struct Kind {
    flows: u64,
    answered: u64,
    tcp: u64,
    handshakes: u64,
    packets: Vec<f64>,
    payload: Vec<f64>,
    sources: HashSet<String>,
    ports: HashSet<u16>,
}

/// A row per kind: how its flows differ from the others'.
pub(crate) fn by_kind(rows: &[RecordBatch], labels: &HashMap<FlowId, String>) -> Table {
    let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
    for batch in rows {
        let columns = Columns::of(batch);
        for row in 0..batch.num_rows() {
            let value = |name| columns.number(name, row).unwrap_or_default();
            let kind = kinds.entry(columns.kind(row, labels)).or_default();
            kind.flows += 1;
            kind.answered += u64::from(value("packets_bwd") > 0.0);
            if let Some(complete) = columns.number("tcp_complete_handshake", row) {
                kind.tcp += 1;
                kind.handshakes += u64::from(complete > 0.0);
            }
            kind.packets.push(value("total_packets"));
            kind.payload.push(value("payload_bytes_total"));
            kind.sources.insert(columns.text("src_ip", row));
            kind.ports.insert(columns.port("dst_port", row));
        }
    }
    let mut table = Table::new(&[
        "label",
        ">flows",
        ">answered",
        ">handshakes",
        ">packets",
        ">payload",
        ">sources",
        ">ports",
    ]);
    for (label, mut kind) in kinds {
        let median = |values: &mut Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).map_or(Cell::from(Value::Null), |&v| Cell::from(v as u64))
        };
        table.row([
            label.into(),
            Cell::from(kind.flows).shown(human::grouped(kind.flows).to_string()),
            share(kind.answered, kind.flows),
            share(kind.handshakes, kind.tcp),
            median(&mut kind.packets),
            median(&mut kind.payload),
            Cell::from(kind.sources.len()),
            Cell::from(kind.ports.len()),
        ]);
    }
    table
}

/// The first row of every kind, then further ones, `count` in all.
pub(crate) fn sample(
    rows: &[RecordBatch],
    labels: &HashMap<FlowId, String>,
    count: usize,
) -> Table {
    let batches: Vec<Columns<'_>> = rows.iter().map(Columns::of).collect();
    let places = || {
        batches
            .iter()
            .flat_map(|columns| (0..columns.batch.num_rows()).map(move |row| (columns, row)))
    };
    let mut seen = HashSet::new();
    let mut chosen: Vec<(&Columns<'_>, usize)> =
        places().filter(|&(c, row)| seen.insert(c.kind(row, labels))).take(count).collect();
    let of_background = places().filter(|&(c, row)| c.kind(row, labels) == BACKGROUND);
    let missing = count.saturating_sub(chosen.len());
    chosen.extend(of_background.skip(1).take(missing));

    let mut table =
        Table::new(&["src_ip", "dst_ip", ">dst_port", "protocol", ">total_packets", "conn_state"]);
    for (columns, row) in chosen {
        let value = |name| columns.number(name, row).unwrap_or_default();
        table.row([
            columns.text("src_ip", row).into(),
            columns.text("dst_ip", row).into(),
            Cell::from(columns.port("dst_port", row)),
            protocol_name(value("protocol") as u8).into(),
            Cell::from(value("total_packets") as u64),
            columns.text("conn_state", row).into(),
        ]);
    }
    table
}

fn share(part: u64, whole: u64) -> Cell {
    if whole == 0 {
        return Cell::from(Value::Null).shown("-");
    }
    let share = part as f64 / whole as f64;
    Cell::from(share).shown(human::percent(share).to_string())
}
