//! Ports as the older program counts them: what a port sends (it is the source) and receives. A flow counts
//! once per port, also if both of its ends have that port.

use crate::{Column, Error, FlowBlock, FlowColumn, FlowColumns};

const PORTS: usize = 1 << 16;

/// One port's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortRow {
    /// The port.
    pub port: u16,
    /// Flows that have it at either end.
    pub flows: u64,
    /// Bytes of flows from it.
    pub tx_bytes: u64,
    /// Bytes of flows to it.
    pub rx_bytes: u64,
    /// Packets of flows from it.
    pub tx_packets: u64,
    /// Packets of flows to it.
    pub rx_packets: u64,
}

impl PortRow {
    /// Both ways.
    pub const fn total_bytes(&self) -> u64 {
        self.tx_bytes.saturating_add(self.rx_bytes)
    }

    /// Both ways.
    pub const fn total_packets(&self) -> u64 {
        self.tx_packets.saturating_add(self.rx_packets)
    }
}

/// What ports are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortSort {
    /// The port, in rising order.
    Port,
    /// Flows; this and all others in falling order, equal ones by port.
    Flows,
    /// Bytes from it.
    TxBytes,
    /// Bytes to it.
    RxBytes,
    /// Bytes both ways.
    TotalBytes,
    /// Packets from it.
    TxPackets,
    /// Packets to it.
    RxPackets,
    /// Packets both ways.
    TotalPackets,
}

/// Counts flows by their ports.
#[derive(Clone, Debug)]
pub struct PortCounter {
    rows: Vec<PortRow>,
}

impl Default for PortCounter {
    fn default() -> Self {
        let rows = (0..=u16::MAX).map(|port| PortRow { port, ..PortRow::default() });
        Self { rows: rows.collect() }
    }
}

impl PortCounter {
    /// The columns that it needs.
    pub fn columns() -> FlowColumns {
        use FlowColumn::{Bytes, DstPort, Packets, SrcPort};
        FlowColumns::of(&[SrcPort, DstPort, Packets, Bytes])
    }

    /// Counts a block.
    ///
    /// # Errors
    /// If the block lacks a column.
    pub fn add(&mut self, block: &FlowBlock) -> Result<(), Error> {
        let ports = |name| match block.column(name) {
            Some(Column::U16(values)) => Some(values),
            _ => None,
        };
        let columns = (ports(FlowColumn::SrcPort), ports(FlowColumn::DstPort));
        let counts = (block.u64s(FlowColumn::Packets), block.u64s(FlowColumn::Bytes));
        let ((Some(src), Some(dst)), (Some(packets), Some(bytes))) = (columns, counts) else {
            let found = block.columns();
            let missing = Self::columns().without(found);
            return Err(Error::MissingColumns { name: "a block".to_owned(), missing, found });
        };
        let rows = self.rows.as_mut_slice();
        for (((&src, &dst), &packets), &bytes) in src.iter().zip(dst.iter()).zip(packets).zip(bytes)
        {
            let from = &mut rows[usize::from(src) % PORTS];
            from.flows += 1;
            from.tx_bytes = from.tx_bytes.saturating_add(bytes);
            from.tx_packets = from.tx_packets.saturating_add(packets);
            let to = &mut rows[usize::from(dst) % PORTS];
            to.flows += u64::from(src != dst);
            to.rx_bytes = to.rx_bytes.saturating_add(bytes);
            to.rx_packets = to.rx_packets.saturating_add(packets);
        }
        Ok(())
    }

    /// Adds what another one has counted.
    pub fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.rows.iter_mut().zip(&other.rows) {
            ours.flows += theirs.flows;
            ours.tx_bytes = ours.tx_bytes.saturating_add(theirs.tx_bytes);
            ours.rx_bytes = ours.rx_bytes.saturating_add(theirs.rx_bytes);
            ours.tx_packets = ours.tx_packets.saturating_add(theirs.tx_packets);
            ours.rx_packets = ours.rx_packets.saturating_add(theirs.rx_packets);
        }
    }

    /// The ports that any flow has, ranked.
    pub fn rows(&self, by: PortSort) -> Vec<PortRow> {
        let mut rows: Vec<PortRow> =
            self.rows.iter().filter(|row| row.flows > 0).copied().collect();
        let rank = |row: &PortRow| match by {
            PortSort::Port => 0,
            PortSort::Flows => row.flows,
            PortSort::TxBytes => row.tx_bytes,
            PortSort::RxBytes => row.rx_bytes,
            PortSort::TotalBytes => row.total_bytes(),
            PortSort::TxPackets => row.tx_packets,
            PortSort::RxPackets => row.rx_packets,
            PortSort::TotalPackets => row.total_packets(),
        };
        rows.sort_by_key(|row| std::cmp::Reverse(rank(row)));
        rows
    }
}

#[cfg(test)]
mod tests {
    use rheos_core::WideRecord;

    use super::*;

    #[test]
    fn a_flow_counts_once_per_port_and_ports_are_ranked() {
        let record = |source_port, destination_port, bytes| WideRecord {
            source_port,
            destination_port,
            bytes,
            packets: 2,
            ..WideRecord::default()
        };
        let block = FlowBlock::from_wide(&[record(1, 2, 10), record(2, 2, 5), record(3, 1, 7)]);
        let mut counter = PortCounter::default();
        counter.add(&block.slice(0, 1)).unwrap();
        let mut rest = PortCounter::default();
        rest.add(&block.slice(1, 2)).unwrap();
        counter.merge(&rest);
        // The older program put the ranked list back in the order of ports.
        let rows = counter.rows(PortSort::TotalBytes);
        let shown: Vec<_> = rows
            .iter()
            .map(|r| (r.port, r.flows, r.tx_bytes, r.rx_bytes, r.total_packets()))
            .collect();
        assert_eq!(shown, [(2, 2, 5, 15, 6), (1, 2, 10, 7, 4), (3, 1, 7, 0, 2)]);
        let ports = |by| counter.rows(by).iter().map(|r| r.port).collect::<Vec<_>>();
        assert_eq!(ports(PortSort::Port), [1, 2, 3]);
        assert_eq!(ports(PortSort::TxBytes), [1, 3, 2]);
        assert!(counter.add(&FlowBlock::new(1)).is_err());
    }
}
