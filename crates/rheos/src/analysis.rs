//! What `pcap analyze` counts, as tables that every format is made from.

use rheos_core::FiveTuple;
use rheos_core::units::human;
use rheos_flow::aggregate::{Groups, KeyFields, RankBy};
use rheos_flow::traffic::TrafficSummary;
use rheos_flow::{Ingest, IngestCounters};
use rheos_wire::Packet;
use serde_json::{Value, json};

use crate::table::{Cell, Table};

/// Sums over all packets of a run.
pub(crate) struct Analysis {
    /// Totals, protocols, sizes and rates.
    pub(crate) traffic: TrafficSummary,
    /// Groups by chosen fields, each with the words for its heading.
    groups: Vec<(&'static str, Groups)>,
}

/// What an overview groups by, and under which heading.
fn overview() -> [(&'static str, KeyFields); 4] {
    [
        ("top senders", KeyFields::SRC),
        ("top receivers", KeyFields::DST),
        ("top destination ports", KeyFields::PROTO | KeyFields::DPORT),
        ("top conversations", KeyFields::ALL),
    ]
}

impl Analysis {
    /// Groups by `fields` only, or the overview.
    pub(crate) fn new(fields: Option<KeyFields>, groups_max: usize) -> Self {
        let groups = match fields {
            Some(fields) => vec![("groups", Groups::new(fields, groups_max))],
            None => overview()
                .map(|(heading, fields)| (heading, Groups::new(fields, groups_max)))
                .into(),
        };
        Self { traffic: TrafficSummary::default(), groups }
    }

    /// Counts one packet.
    #[inline]
    pub(crate) fn add(&mut self, packet: &Packet) {
        self.traffic.add(packet);
        for (_, groups) in &mut self.groups {
            groups.add(packet);
        }
    }

    /// The largest groups, a table for each grouping under its heading.
    pub(crate) fn tops(&self, count: usize, by: RankBy) -> Vec<(&'static str, Table)> {
        self.groups.iter().map(|(heading, g)| (*heading, top(g, count, by))).collect()
    }

    /// Senders with their bytes, for a plot.
    pub(crate) fn senders(&self, count: usize) -> Vec<(String, f64)> {
        let senders = self.groups.iter().find(|(_, g)| g.fields() == KeyFields::SRC);
        let top = senders.map(|(_, g)| g.top(count, RankBy::IpBytes)).unwrap_or_default();
        top.iter().map(|g| (g.key.src_ip().to_string(), g.totals.ip_bytes as f64)).collect()
    }

    /// Packets and bytes by IP version and protocol, largest first.
    pub(crate) fn protocols(&self) -> Table {
        let mut all: Vec<_> = self.traffic.protocols.iter().collect();
        all.sort_by_key(|(.., volume)| std::cmp::Reverse(volume.packets));
        let totals = &self.traffic.totals;
        let mut table =
            Table::new(&["ip", "protocol", ">packets", ">packets share", ">bytes", ">bytes share"]);
        for (version, number, volume) in all {
            table.row([
                Cell::from(version as u8),
                protocol_name(number).into(),
                grouped(volume.packets),
                share(volume.packets, totals.packets),
                grouped(volume.bytes),
                share(volume.bytes, totals.ip_bytes),
            ]);
        }
        table
    }

    /// Packets by their length on the wire, in bins that double.
    pub(crate) fn sizes(&self) -> Table {
        let mut table = Table::new(&[">from", ">to", ">packets", ">share"]);
        for (low, high, packets) in self.traffic.sizes.iter() {
            let all = self.traffic.sizes.count();
            table.row([low.into(), high.into(), grouped(packets), share(packets, all)]);
        }
        table
    }

    /// Everything, for programs. Times are nanoseconds since the epoch, lengths bytes.
    pub(crate) fn json(&self, ingest: &Ingest, count: usize, by: RankBy) -> Value {
        let totals = &self.traffic.totals;
        let told = totals.packets > 0;
        let rates: Vec<Value> = (self.traffic.rates.iter())
            .map(|(at, v)| json!({"start_ns": at.as_nanos(), "packets": v.packets, "bytes": v.bytes}))
            .collect();
        let tops: serde_json::Map<String, Value> = (self.tops(count, by).into_iter())
            .map(|(heading, table)| (heading.replace(' ', "_"), table.json()))
            .collect();
        json!({
            "packets": totals.packets,
            "ip_bytes": totals.ip_bytes,
            "wire_bytes": totals.wire_bytes,
            "first_ns": told.then(|| totals.first.as_nanos()),
            "last_ns": told.then(|| totals.last.as_nanos()),
            "accounts": accounts(&ingest.counters),
            "protocols": self.protocols().json(),
            "sizes": self.sizes().json(),
            "rate_bin_ns": self.traffic.rates.bin_width().0,
            "rates": rates,
            "groups": tops,
        })
    }
}

/// Where every frame went: frames = packets + absorbed + dropped.
pub(crate) fn accounts(counters: &IngestCounters) -> Value {
    let by_label = |counters: &rheos_core::DropCounters| {
        counters
            .iter()
            .map(|(reason, n)| (reason.label().to_owned(), n.into()))
            .collect::<serde_json::Map<_, _>>()
    };
    json!({
        "frames": counters.frames,
        "packets": counters.packets,
        "fragments_absorbed": counters.absorbed,
        "dropped": counters.drops.total(),
        "drops": by_label(&counters.drops),
        "cut_by_snap_length": counters.cut,
        "checksums_wrong": by_label(&counters.checksums_wrong),
        "checksums_offloaded": counters.checksums_offloaded,
        "subframes_not_read": counters.subframes_unread,
    })
}

/// The largest groups, what the others come to, and the sum of all.
fn top(groups: &Groups, count: usize, by: RankBy) -> Table {
    let fields = groups.fields();
    let all = groups.total();
    let mut columns: Vec<&str> = fields.names().collect();
    columns.extend([">packets", ">bytes", ">bytes share", ">wire bytes", ">seconds"]);
    let mut table = Table::new(&columns);
    let mut row = |key: Vec<Cell>, t: &rheos_flow::aggregate::Totals| {
        let seconds = t.last.since(t.first).as_secs_f64();
        let values = [
            grouped(t.packets),
            grouped(t.ip_bytes),
            share(t.ip_bytes, all.ip_bytes),
            grouped(t.wire_bytes),
            Cell::from(seconds).shown(format!("{seconds:.3}")),
        ];
        table.row(key.into_iter().chain(values));
    };
    let mut shown = rheos_flow::aggregate::Totals::default();
    for group in groups.top(count, by) {
        shown.merge(&group.totals);
        row(cells(fields, &group.key), &group.totals);
    }
    if shown.packets < all.packets {
        let mut others = rheos_flow::aggregate::Totals { first: all.first, last: all.last, ..all };
        others.packets -= shown.packets;
        others.ip_bytes -= shown.ip_bytes;
        others.wire_bytes -= shown.wire_bytes;
        let mut key = vec![Cell::from("other")];
        key.resize_with(fields.names().count(), || Cell::from(Value::Null));
        row(key, &others);
    }
    table
}

/// The chosen parts of a key, in the order of [`KeyFields::names`].
fn cells(fields: KeyFields, key: &FiveTuple) -> Vec<Cell> {
    let of_name = |name: &str| match name {
        "src" => Cell::from(key.src_ip().to_string()),
        "dst" => key.dst_ip().to_string().into(),
        "sport" => key.src_port.into(),
        "dport" => key.dst_port.into(),
        _ => protocol_name(key.protocol).into(),
    };
    fields.names().map(of_name).collect()
}

/// The IANA keyword of a protocol in lower case, or its number.
pub(crate) fn protocol_name(number: u8) -> String {
    match rheos_core::filter::protocol_name(number) {
        Some(name) => name.to_owned(),
        None => number.to_string(),
    }
}

fn grouped(n: u64) -> Cell {
    Cell::from(n).shown(human::grouped(n).to_string())
}

fn share(part: u64, whole: u64) -> Cell {
    if whole == 0 {
        return Cell::from(Value::Null);
    }
    let share = part as f64 / whole as f64;
    Cell::from(share).shown(human::percent(share).to_string())
}
