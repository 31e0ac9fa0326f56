//! Blocks: up to some ten thousand flow records as columns, which share memory with Arrow arrays.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use arrow_buffer::{ArrowNativeType, ScalarBuffer};
use rheos_core::{FlowRecord, RecordFlags, WideRecord};

use crate::{FlowColumn, FlowColumns};

/// How many rows readers put into a block.
pub const BLOCK_ROWS: usize = 64 * 1024;

/// Values of one column, all present.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// 8 bits.
    U8(ScalarBuffer<u8>),
    /// 16 bits.
    U16(ScalarBuffer<u16>),
    /// 32 bits.
    U32(ScalarBuffer<u32>),
    /// 64 bits.
    U64(ScalarBuffer<u64>),
    /// IPv4 addresses as numbers in host order.
    V4(ScalarBuffer<u32>),
    /// Addresses as 128-bit numbers, IPv4 as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2).
    V6(Arc<[u128]>),
}

/// The bits above those of an IPv4 address that is mapped into IPv6.
pub(crate) const MAPPED: u128 = 0xffff_u128 << 32;

/// Whether it is an IPv4 address.
#[inline]
pub(crate) const fn is_v4(address: u128) -> bool {
    address >> 32 == 0xffff
}

/// The address of 128 bits: those that are mapped into IPv6 are IPv4.
pub fn address_of(bits: u128) -> IpAddr {
    if is_v4(bits) {
        IpAddr::V4(Ipv4Addr::from_bits(bits as u32))
    } else {
        IpAddr::V6(Ipv6Addr::from_bits(bits))
    }
}

impl Column {
    /// How many values.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::U16(values) => values.len(),
            Self::U32(values) | Self::V4(values) => values.len(),
            Self::U64(values) => values.len(),
            Self::V6(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn slice(&self, start: usize, len: usize) -> Self {
        match self {
            Self::U8(values) => Self::U8(values.slice(start, len)),
            Self::U16(values) => Self::U16(values.slice(start, len)),
            Self::U32(values) => Self::U32(values.slice(start, len)),
            Self::V4(values) => Self::V4(values.slice(start, len)),
            Self::U64(values) => Self::U64(values.slice(start, len)),
            Self::V6(values) => Self::V6(values[start..start + len].into()),
        }
    }

    fn take(&self, rows: &[u32]) -> Self {
        match self {
            Self::U8(values) => Self::U8(gather(values, rows)),
            Self::U16(values) => Self::U16(gather(values, rows)),
            Self::U32(values) => Self::U32(gather(values, rows)),
            Self::V4(values) => Self::V4(gather(values, rows)),
            Self::U64(values) => Self::U64(gather(values, rows)),
            Self::V6(values) => Self::V6(rows.iter().map(|&row| values[row as usize]).collect()),
        }
    }

    /// A value as a number; addresses as 128 bits.
    #[inline]
    pub fn value(&self, row: usize) -> u128 {
        match self {
            Self::U8(values) => values[row].into(),
            Self::U16(values) => values[row].into(),
            Self::U32(values) => values[row].into(),
            Self::V4(values) => MAPPED | u128::from(values[row]),
            Self::U64(values) => values[row].into(),
            Self::V6(values) => values[row],
        }
    }
}

fn gather<T: ArrowNativeType>(values: &[T], rows: &[u32]) -> ScalarBuffer<T> {
    rows.iter().map(|&row| values[row as usize]).collect::<Vec<T>>().into()
}

/// Flow records as columns of one length.
#[derive(Clone, Debug, Default)]
pub struct FlowBlock {
    len: usize,
    columns: [Option<Column>; FlowColumn::COUNT],
}

impl FlowBlock {
    /// Rows without columns.
    pub fn new(len: usize) -> Self {
        Self { len, columns: Default::default() }
    }

    /// With this column, which must have as many values as the block rows, of the column's kind.
    #[must_use]
    pub fn with(mut self, name: FlowColumn, values: Column) -> Self {
        assert_eq!(values.len(), self.len, "columns of one length");
        self.columns[name as usize] = Some(values);
        self
    }

    /// Number of rows.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no rows.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The values of a column, if it is there.
    pub const fn column(&self, name: FlowColumn) -> Option<&Column> {
        self.columns[name as usize].as_ref()
    }

    /// Which columns are there.
    pub fn columns(&self) -> FlowColumns {
        FlowColumn::all().filter(|name| self.column(*name).is_some()).collect()
    }

    /// Whether an address of it may be IPv6.
    pub fn is_wide(&self) -> bool {
        [FlowColumn::SrcIp, FlowColumn::DstIp]
            .iter()
            .any(|name| matches!(self.column(*name), Some(Column::V6(_))))
    }

    /// Some of its rows.
    #[must_use]
    pub fn slice(&self, start: usize, len: usize) -> Self {
        assert!(start + len <= self.len, "rows that are there");
        let columns = self.columns.each_ref().map(|c| c.as_ref().map(|c| c.slice(start, len)));
        Self { len, columns }
    }

    /// The rows with these numbers, of the columns that are wanted.
    #[must_use]
    pub fn take(&self, rows: &[u32], wanted: FlowColumns) -> Self {
        let mut block = Self::new(rows.len());
        for name in wanted.iter() {
            block.columns[name as usize] = self.column(name).map(|column| column.take(rows));
        }
        block
    }

    /// The values of an 8-bit column.
    pub(crate) fn u8s(&self, name: FlowColumn) -> Option<&[u8]> {
        match self.column(name) {
            Some(Column::U8(values)) => Some(values),
            _ => None,
        }
    }

    /// The values of a 64-bit column.
    pub(crate) fn u64s(&self, name: FlowColumn) -> Option<&[u64]> {
        match self.column(name) {
            Some(Column::U64(values)) => Some(values),
            _ => None,
        }
    }

    /// A value as a number, 0 where there is no such column.
    #[inline]
    pub fn value(&self, name: FlowColumn, row: usize) -> u128 {
        self.column(name).map_or(0, |column| column.value(row))
    }

    /// Records of the generator: flows of one packet.
    pub fn from_records(records: &[FlowRecord]) -> Self {
        let u8s = |of: fn(&FlowRecord) -> u8| Column::U8(records.iter().map(of).collect());
        let u16s = |of: fn(&FlowRecord) -> u16| Column::U16(records.iter().map(of).collect());
        let times: ScalarBuffer<u64> = records.iter().map(|r| r.timestamp).collect();
        Self::new(records.len())
            .with(FlowColumn::StreamId, Column::U32(records.iter().map(|r| r.stream_id).collect()))
            .with(FlowColumn::First, Column::U64(times.clone()))
            .with(FlowColumn::Last, Column::U64(times))
            .with(FlowColumn::SrcIp, Column::V4(records.iter().map(|r| r.source_ip).collect()))
            .with(FlowColumn::DstIp, Column::V4(records.iter().map(|r| r.destination_ip).collect()))
            .with(FlowColumn::SrcPort, u16s(|r| r.source_port))
            .with(FlowColumn::DstPort, u16s(|r| r.destination_port))
            .with(FlowColumn::Protocol, u8s(|r| r.protocol))
            .with(FlowColumn::Packets, Column::U64(vec![1; records.len()].into()))
            .with(
                FlowColumn::Bytes,
                Column::U64(records.iter().map(|r| r.packet_length.into()).collect()),
            )
            .with(FlowColumn::TcpFlags, u8s(|r| r.tcp_flags))
            .with(FlowColumn::Pattern, u8s(|r| r.pattern))
    }

    /// Records of exporters and collectors.
    pub fn from_wide(records: &[WideRecord]) -> Self {
        Self::from_wide_of(records, FlowColumns::ALL)
    }

    /// Those columns of records that are wanted, as far as records have them.
    pub(crate) fn from_wide_of(records: &[WideRecord], wanted: FlowColumns) -> Self {
        let u8s = |of: fn(&WideRecord) -> u8| Column::U8(records.iter().map(of).collect());
        let u16s = |of: fn(&WideRecord) -> u16| Column::U16(records.iter().map(of).collect());
        let u32s = |of: fn(&WideRecord) -> u32| Column::U32(records.iter().map(of).collect());
        let u64s = |of: fn(&WideRecord) -> u64| Column::U64(records.iter().map(of).collect());
        let is_wide = records.iter().any(|r| r.flags & RecordFlags::IPV6 != 0);
        let addresses = |of: fn(&WideRecord) -> [u8; 16]| {
            let bits = records.iter().map(|r| u128::from_be_bytes(of(r)));
            if is_wide {
                Column::V6(bits.collect())
            } else {
                Column::V4(bits.map(|b| b as u32).collect())
            }
        };
        let column = |name| {
            Some(match name {
                FlowColumn::StreamId => u32s(|r| r.stream_id),
                FlowColumn::First => u64s(|r| r.first),
                FlowColumn::Last => u64s(|r| r.last),
                FlowColumn::SrcIp => addresses(|r| r.source_ip),
                FlowColumn::DstIp => addresses(|r| r.destination_ip),
                FlowColumn::SrcPort => u16s(|r| r.source_port),
                FlowColumn::DstPort => u16s(|r| r.destination_port),
                FlowColumn::Protocol => u8s(|r| r.protocol),
                FlowColumn::Packets => u64s(|r| r.packets),
                FlowColumn::Bytes => u64s(|r| r.bytes),
                FlowColumn::TcpFlags => u8s(|r| r.tcp_flags),
                FlowColumn::Tos => u8s(|r| r.tos),
                FlowColumn::InputInterface => u16s(|r| r.input_interface),
                FlowColumn::OutputInterface => u16s(|r| r.output_interface),
                FlowColumn::FlowId => u64s(|r| r.flow_id),
                FlowColumn::Pattern => u8s(|r| r.pattern),
                FlowColumn::Label => u8s(|r| r.label),
                FlowColumn::EndReason => u8s(|r| r.end_reason),
                FlowColumn::SrcAs => u32s(|r| r.source_as),
                FlowColumn::SrcMask => u8s(|r| r.source_prefix),
                FlowColumn::DstAs | FlowColumn::DstMask => return None,
            })
        };
        wanted.iter().fold(Self::new(records.len()), |block, name| match column(name) {
            Some(values) => block.with(name, values),
            None => block,
        })
    }

    /// What is not told but follows: one packet where packets are not counted, and an end at the beginning.
    #[must_use]
    pub(crate) fn with_defaults(mut self, wanted: FlowColumns) -> Self {
        if wanted.contains(FlowColumn::Packets) && self.column(FlowColumn::Packets).is_none() {
            let ones = Column::U64(vec![1; self.len].into());
            self.columns[FlowColumn::Packets as usize] = Some(ones);
        }
        if wanted.contains(FlowColumn::Last) && self.column(FlowColumn::Last).is_none() {
            self.columns[FlowColumn::Last as usize] = self.column(FlowColumn::First).cloned();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_columns() {
        let record = FlowRecord {
            source_ip: 0x0a00_0001,
            packet_length: 99,
            protocol: 6,
            ..FlowRecord::default()
        };
        let block = FlowBlock::from_records(&[record, record]);
        assert_eq!((block.len(), block.is_wide()), (2, false));
        assert_eq!(block.value(FlowColumn::Bytes, 1), 99);
        assert_eq!(block.value(FlowColumn::Packets, 1), 1);
        assert_eq!(block.value(FlowColumn::SrcIp, 0), MAPPED | 0x0a00_0001);
        let wide = WideRecord::from(&record);
        let same = FlowBlock::from_wide(&[wide]);
        let some = FlowColumns::of(&[FlowColumn::Bytes, FlowColumn::DstAs]);
        let bytes = FlowBlock::from_wide_of(&[wide], some);
        assert_eq!(bytes.columns(), FlowColumns::of(&[FlowColumn::Bytes]));
        assert_eq!(bytes.column(FlowColumn::Bytes), same.column(FlowColumn::Bytes));
        assert!(!same.is_wide());
        let v6 = WideRecord { flags: RecordFlags::IPV6, source_ip: [1; 16], ..wide };
        let mixed = FlowBlock::from_wide(&[wide, v6]);
        assert!(mixed.is_wide() && is_v4(mixed.value(FlowColumn::SrcIp, 0)));
        let second = mixed.take(&[1], FlowColumns::of(&[FlowColumn::SrcIp]));
        assert_eq!(second.value(FlowColumn::SrcIp, 0), u128::from_be_bytes([1; 16]));
        assert_eq!(second.columns(), FlowColumns::of(&[FlowColumn::SrcIp]));
        assert_eq!(mixed.slice(1, 1).value(FlowColumn::Bytes, 0), 99);
    }
}
