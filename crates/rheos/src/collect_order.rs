//! The order that flows are told in: a flow is made again from its index, so that only keys are held in memory.

use anyhow::Result;
use clap::ValueEnum;
use rheos_core::WideRecord;

use crate::failure::Misuse;

/// What flows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum SortKey {
    /// The moment of the first packet, the earliest first.
    Timestamp,
    /// The stream.
    StreamId,
    /// The source address.
    SrcIp,
    /// The destination address.
    DstIp,
    /// Bytes, the most first.
    Bytes,
    /// Packets, the most first.
    Packets,
}

impl SortKey {
    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::StreamId => "stream_id",
            Self::SrcIp => "src_ip",
            Self::DstIp => "dst_ip",
            Self::Bytes => "bytes",
            Self::Packets => "packets",
        }
    }

    const fn short(self, flow: &WideRecord) -> u64 {
        match self {
            Self::Timestamp => flow.first,
            Self::StreamId => flow.stream_id as u64,
            Self::SrcIp => u128::from_be_bytes(flow.source_ip) as u64,
            Self::DstIp => u128::from_be_bytes(flow.destination_ip) as u64,
            Self::Bytes => !flow.bytes,
            Self::Packets => !flow.packets,
        }
    }

    const fn long(self, flow: &WideRecord) -> u128 {
        match self {
            Self::SrcIp => u128::from_be_bytes(flow.source_ip),
            Self::DstIp => u128::from_be_bytes(flow.destination_ip),
            _ => self.short(flow) as u128,
        }
    }
}

/// Most flows that are sorted at once: 1 GiB of keys, twice as much for IPv6 addresses.
pub(crate) const SORTED_MAX: usize = 64 << 20;

/// Puts flows into an order. Equal ones are in order of time.
pub(crate) struct Sorter {
    by: SortKey,
    keys: Keys,
    max: usize,
}

/// Keys with the flows' indices; addresses of IPv6 need more room.
enum Keys {
    Short(Vec<(u64, u64)>),
    Long(Vec<(u128, u64)>),
}

impl Sorter {
    /// For flows that may have IPv6 addresses, or not.
    pub(crate) const fn new(by: SortKey, ipv6: bool) -> Self {
        let is_address = matches!(by, SortKey::SrcIp | SortKey::DstIp);
        let keys =
            if ipv6 && is_address { Keys::Long(Vec::new()) } else { Keys::Short(Vec::new()) };
        Self { by, keys, max: SORTED_MAX }
    }

    /// Takes flows whose first one has this index.
    pub(crate) fn add(&mut self, index: u64, flows: &[WideRecord]) -> Result<()> {
        if self.len() + flows.len() > self.max {
            let message = format!("more than {} flows cannot be sorted at once", self.max);
            let hint =
                "sort within windows of time such as `--time-window 10`, or leave `--sort-by` out";
            return Err(Misuse::new(message, hint).into());
        }
        let by = self.by;
        match &mut self.keys {
            Keys::Short(keys) => keys.extend((index..).zip(flows).map(|(i, f)| (by.short(f), i))),
            Keys::Long(keys) => keys.extend((index..).zip(flows).map(|(i, f)| (by.long(f), i))),
        }
        Ok(())
    }

    pub(crate) const fn len(&self) -> usize {
        match &self.keys {
            Keys::Short(keys) => keys.len(),
            Keys::Long(keys) => keys.len(),
        }
    }

    /// Sorts what was taken. Indices are in order of time, so that they settle ties.
    pub(crate) fn sort(&mut self) {
        match &mut self.keys {
            Keys::Short(keys) => keys.sort_unstable(),
            Keys::Long(keys) => keys.sort_unstable(),
        }
    }

    /// The indices of some of the sorted flows.
    pub(crate) fn indices(&self, from: usize, count: usize) -> Vec<u64> {
        let to = (from + count).min(self.len());
        match &self.keys {
            Keys::Short(keys) => {
                keys.get(from..to).unwrap_or_default().iter().map(|k| k.1).collect()
            }
            Keys::Long(keys) => {
                keys.get(from..to).unwrap_or_default().iter().map(|k| k.1).collect()
            }
        }
    }

    /// Forgets all flows.
    pub(crate) fn clear(&mut self) {
        match &mut self.keys {
            Keys::Short(keys) => keys.clear(),
            Keys::Long(keys) => keys.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(stream_id: u32, bytes: u64, source: u8) -> WideRecord {
        WideRecord { stream_id, bytes, source_ip: [source; 16], ..WideRecord::default() }
    }

    #[test]
    fn ties_are_in_order_of_time_and_counts_fall() {
        let flows = [flow(2, 10, 9), flow(1, 30, 1), flow(2, 30, 200), flow(1, 10, 1)];
        let order = |by, ipv6| {
            let mut sorter = Sorter::new(by, ipv6);
            sorter.add(0, &flows[..1]).expect("room");
            sorter.add(1, &flows[1..]).expect("room");
            sorter.sort();
            [sorter.indices(0, 3), sorter.indices(3, 3)].concat()
        };
        assert_eq!(order(SortKey::Bytes, false), [1, 2, 0, 3]);
        assert_eq!(order(SortKey::StreamId, false), [1, 3, 0, 2]);
        assert_eq!(order(SortKey::SrcIp, true), [1, 3, 0, 2]);
        assert_eq!(order(SortKey::Timestamp, true), [0, 1, 2, 3]);
        let mut full = Sorter { max: 3, ..Sorter::new(SortKey::Bytes, false) };
        assert!(full.add(0, &flows).is_err());
        full.clear();
        assert_eq!(full.len(), 0);
    }
}
