//! The columns of flow files: their names, the names that others give them, and sets of them.

use std::fmt;
use std::ops::{BitAnd, BitOr};

/// How a column's values are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 8 bits.
    U8,
    /// 16 bits.
    U16,
    /// 32 bits.
    U32,
    /// 64 bits.
    U64,
    /// An IPv4 or IPv6 address.
    Address,
}

/// A column of flow records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum FlowColumn {
    /// Which generator or exporter made it.
    StreamId,
    /// First packet, nanoseconds since the Unix epoch.
    First,
    /// Last packet, nanoseconds since the Unix epoch.
    Last,
    /// Source address.
    SrcIp,
    /// Destination address.
    DstIp,
    /// Source port.
    SrcPort,
    /// Destination port; type * 256 + code for ICMP.
    DstPort,
    /// IANA protocol number.
    Protocol,
    /// Number of packets.
    Packets,
    /// Octets of all packets.
    Bytes,
    /// All TCP flags, by OR.
    TcpFlags,
    /// Type of service or traffic class.
    Tos,
    /// SNMP index of the interface it came in by.
    InputInterface,
    /// SNMP index of the interface it left by.
    OutputInterface,
    /// Number of the conversation; 0 where unknown.
    FlowId,
    /// Index of the generator's pattern.
    Pattern,
    /// Index of the ground-truth label; 0 is background.
    Label,
    /// IPFIX flowEndReason.
    EndReason,
    /// Autonomous system of the source.
    SrcAs,
    /// Autonomous system of the destination.
    DstAs,
    /// Length of the source's prefix.
    SrcMask,
    /// Length of the destination's prefix.
    DstMask,
}

/// A column's line of the table.
struct Row {
    column: FlowColumn,
    kind: Kind,
    /// Its name in files that we write, then what else it is called in files that we read.
    names: &'static [&'static str],
}

const fn row(column: FlowColumn, kind: Kind, names: &'static [&'static str]) -> Row {
    Row { column, kind, names }
}

/// In the order of the enum. Other names are those of the older schemas, of goflow2's JSON and of nfdump's CSV.
const TABLE: [Row; FlowColumn::COUNT] = [
    row(FlowColumn::StreamId, Kind::U32, &["stream_id"]),
    row(
        FlowColumn::First,
        Kind::U64,
        &["first_timestamp", "timestamp", "time_flow_start_ns", "first", "first_ns"],
    ),
    row(FlowColumn::Last, Kind::U64, &["last_timestamp", "time_flow_end_ns", "last", "last_ns"]),
    row(FlowColumn::SrcIp, Kind::Address, &["src_ip", "src_addr", "source_ip", "sa"]),
    row(FlowColumn::DstIp, Kind::Address, &["dst_ip", "dst_addr", "destination_ip", "da"]),
    row(FlowColumn::SrcPort, Kind::U16, &["src_port", "source_port", "sp"]),
    row(FlowColumn::DstPort, Kind::U16, &["dst_port", "destination_port", "dp"]),
    row(FlowColumn::Protocol, Kind::U8, &["protocol", "proto", "pr"]),
    row(FlowColumn::Packets, Kind::U64, &["packet_count", "packets", "ipkt"]),
    row(FlowColumn::Bytes, Kind::U64, &["byte_count", "bytes", "length", "packet_length", "ibyt"]),
    row(FlowColumn::TcpFlags, Kind::U8, &["tcp_flags"]),
    row(FlowColumn::Tos, Kind::U8, &["tos", "ip_tos"]),
    row(FlowColumn::InputInterface, Kind::U16, &["input_interface", "in_if"]),
    row(FlowColumn::OutputInterface, Kind::U16, &["output_interface", "out_if"]),
    row(FlowColumn::FlowId, Kind::U64, &["flow_id"]),
    row(FlowColumn::Pattern, Kind::U8, &["pattern"]),
    row(FlowColumn::Label, Kind::U8, &["label"]),
    row(FlowColumn::EndReason, Kind::U8, &["end_reason"]),
    row(FlowColumn::SrcAs, Kind::U32, &["src_as", "source_as"]),
    row(FlowColumn::DstAs, Kind::U32, &["dst_as", "destination_as"]),
    row(FlowColumn::SrcMask, Kind::U8, &["src_mask", "src_net", "source_prefix"]),
    row(FlowColumn::DstMask, Kind::U8, &["dst_mask", "dst_net"]),
];

impl FlowColumn {
    /// How many there are.
    pub const COUNT: usize = 22;

    /// Those of the files that we write, in their order.
    pub const CANONICAL: usize = 18;

    /// Every column.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.column)
    }

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Its name in files that we write.
    pub fn name(self) -> &'static str {
        self.row().names[0]
    }

    /// How its values are held.
    pub fn kind(self) -> Kind {
        self.row().kind
    }

    /// The column that a file calls so; upper and lower case are the same.
    pub fn named(name: &str) -> Option<Self> {
        let row = TABLE.iter().find(|row| row.names.iter().any(|n| n.eq_ignore_ascii_case(name)));
        row.map(|row| row.column)
    }
}

impl fmt::Display for FlowColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FlowColumns(u32);

impl FlowColumns {
    /// None.
    pub const NONE: Self = Self(0);
    /// All.
    pub const ALL: Self = Self((1 << FlowColumn::COUNT) - 1);

    /// These.
    pub fn of(columns: &[FlowColumn]) -> Self {
        columns.iter().copied().collect()
    }

    /// Whether the column is one of them.
    pub const fn contains(self, column: FlowColumn) -> bool {
        self.0 >> column as u8 & 1 == 1
    }

    /// With this one too.
    #[must_use]
    pub const fn with(self, column: FlowColumn) -> Self {
        Self(self.0 | 1 << column as u8)
    }

    /// Those of `self` that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The columns in their order.
    pub fn iter(self) -> impl Iterator<Item = FlowColumn> {
        FlowColumn::all().filter(move |column| self.contains(*column))
    }
}

impl BitOr for FlowColumns {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for FlowColumns {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl FromIterator<FlowColumn> for FlowColumns {
    fn from_iter<T: IntoIterator<Item = FlowColumn>>(columns: T) -> Self {
        columns.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Display for FlowColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, column) in self.iter().enumerate() {
            write!(f, "{}`{column}`", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum_and_names_are_distinct() {
        let mut names = std::collections::HashSet::new();
        for (i, row) in TABLE.iter().enumerate() {
            assert_eq!(row.column as usize, i);
            assert!(row.names.iter().all(|name| names.insert(*name)), "{}", row.column);
            assert_eq!(FlowColumn::named(&row.column.name().to_uppercase()), Some(row.column));
        }
        assert_eq!(FlowColumn::named("length"), Some(FlowColumn::Bytes));
        assert_eq!(FlowColumn::named("colour"), None);
        assert_eq!(FlowColumn::all().nth(FlowColumn::CANONICAL - 1), Some(FlowColumn::EndReason));
    }

    #[test]
    fn sets_have_the_usual_laws() {
        let ports = FlowColumns::of(&[FlowColumn::DstPort, FlowColumn::SrcPort]);
        assert_eq!(ports.to_string(), "`src_port`, `dst_port`");
        assert_eq!((ports | FlowColumns::ALL).without(ports) | ports, FlowColumns::ALL);
        assert!(FlowColumns::NONE.is_empty() && !ports.contains(FlowColumn::Bytes));
    }
}
