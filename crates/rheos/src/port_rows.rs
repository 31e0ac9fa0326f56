//! Ports with what they send and receive: ranked, and laid out for people, for programs and as the older tool did.

use clap::ValueEnum;
use rheos_core::filter::service_name;
use rheos_core::units::human;
use rheos_query::analyze::{PortCounter, PortRow, PortSort};

use crate::table::{Cell, Table};

/// What ports are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum PortSortChoice {
    /// The port, in rising order.
    Port,
    /// Flows.
    Flows,
    /// Bytes that it sends.
    TxBytes,
    /// Bytes that it receives.
    RxBytes,
    /// Bytes both ways.
    #[value(alias = "bytes")]
    TotalBytes,
    /// Packets that it sends.
    TxPackets,
    /// Packets that it receives.
    RxPackets,
    /// Packets both ways.
    #[value(alias = "packets")]
    TotalPackets,
}

impl From<PortSortChoice> for PortSort {
    fn from(choice: PortSortChoice) -> Self {
        match choice {
            PortSortChoice::Port => Self::Port,
            PortSortChoice::Flows => Self::Flows,
            PortSortChoice::TxBytes => Self::TxBytes,
            PortSortChoice::RxBytes => Self::RxBytes,
            PortSortChoice::TotalBytes => Self::TotalBytes,
            PortSortChoice::TxPackets => Self::TxPackets,
            PortSortChoice::RxPackets => Self::RxPackets,
            PortSortChoice::TotalPackets => Self::TotalPackets,
        }
    }
}

/// The ports that come first; all with a `top` of 0.
pub(crate) fn ranked(counter: &PortCounter, by: PortSortChoice, top: u64) -> Vec<PortRow> {
    let mut rows = counter.rows(by.into());
    if top > 0 {
        rows.truncate(usize::try_from(top).unwrap_or(usize::MAX));
    }
    rows
}

const COLUMNS: [&str; 8] = [
    "port",
    "flows",
    "tx_bytes",
    "rx_bytes",
    "total_bytes",
    "tx_packets",
    "rx_packets",
    "total_packets",
];
/// Widths of the older tool's columns but for the last, which has 12.
const WIDTHS: [usize; 7] = [8, 12, 16, 16, 16, 12, 12];

fn numbers(row: &PortRow) -> [u64; 8] {
    [
        row.port.into(),
        row.flows,
        row.tx_bytes,
        row.rx_bytes,
        row.total_bytes(),
        row.tx_packets,
        row.rx_packets,
        row.total_packets(),
    ]
}

/// With names of services for people.
pub(crate) fn table(rows: &[PortRow]) -> Table {
    let mut table = Table::with_columns(
        COLUMNS.map(|name| (name.to_owned(), crate::table::Align::Right)).into(),
    );
    for row in rows {
        let name = service_name(row.port).unwrap_or_default();
        let port = Cell::from(row.port).shown(format!("{name} {}", row.port).trim().to_owned());
        let counts = numbers(row).into_iter().skip(1);
        let number = |n: u64| Cell::from(n).shown(human::grouped(n).to_string());
        table.row([port].into_iter().chain(counts.map(number)));
    }
    table
}

/// The older tool's text: columns on the left, of fixed widths.
pub(crate) fn older_text(rows: &[PortRow], header: bool) -> String {
    let mut text = String::new();
    let mut line = |cells: [String; 8]| {
        // One blank at least between columns, also where a number is longer than its own.
        for (cell, width) in cells.iter().zip(WIDTHS) {
            text.push_str(&format!("{cell:<0$} ", width - 1));
        }
        text.push_str(&format!("{:<12}", cells[COLUMNS.len() - 1]));
        text.push('\n');
    };
    if header {
        line(COLUMNS.map(str::to_uppercase));
    }
    for row in rows {
        line(numbers(row).map(|n| n.to_string()));
    }
    text
}

/// The older tool's CSV.
pub(crate) fn older_csv(rows: &[PortRow], header: bool) -> String {
    let mut text = if header { COLUMNS.join(",") + "\n" } else { String::new() };
    for row in rows {
        text.push_str(&(numbers(row).map(|n| n.to_string()).join(",") + "\n"));
    }
    text
}

/// The older tool's JSON: keys in the order of the columns, no comma behind the last object.
pub(crate) fn older_json(rows: &[PortRow], pretty: bool) -> String {
    let (open, between, colon, close) =
        if pretty { ("{\n    ", ",\n    ", ": ", "\n  }") } else { ("{", ",", ":", "}") };
    let objects = rows.iter().map(|row| {
        let members = COLUMNS.iter().zip(numbers(row)).map(|(k, v)| format!("\"{k}\"{colon}{v}"));
        format!("{open}{}{close}", members.collect::<Vec<_>>().join(between))
    });
    let objects: Vec<String> = objects.collect();
    match (pretty, objects.is_empty()) {
        (false, _) => format!("[{}]", objects.join(",")),
        (true, true) => "[]\n".to_owned(),
        (true, false) => format!("[\n  {}\n]\n", objects.join(",\n  ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_those_of_the_older_tool() {
        let row = PortRow {
            port: 443,
            flows: 3,
            tx_bytes: 100,
            rx_bytes: 20,
            tx_packets: 7,
            rx_packets: 1,
        };
        assert_eq!(
            older_text(&[row], true),
            "PORT    FLOWS       TX_BYTES        RX_BYTES        TOTAL_BYTES     TX_PACKETS  RX_PACKETS  TOTAL_PACKETS\n\
             443     3           100             20              120             7           1           8           \n"
        );
        assert_eq!(older_csv(&[row], false), "443,3,100,20,120,7,1,8\n");
        let json = older_json(&[row, row], false);
        assert!(
            json.starts_with("[{\"port\":443,\"flows\":3,\"tx_bytes\":100,")
                && json.ends_with("8}]")
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&json).map(|v| v[1]["flows"].clone()).ok(),
            Some(3.into())
        );
        let pretty = older_json(&[row], true);
        assert!(pretty.starts_with("[\n  {\n    \"port\": 443,\n    \"flows\": 3,"), "{pretty}");
        assert!(pretty.ends_with("\"total_packets\": 8\n  }\n]\n"), "{pretty}");
        assert_eq!((older_json(&[], false), older_json(&[], true)), ("[]".into(), "[]\n".into()));
    }
}
