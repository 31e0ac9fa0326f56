//! Flows as a router tells them that counts one packet in N only.
//!
//! Systematic count-based sampling (RFC 5477 §8.2.1): of all packets in the order of the records, every N-th
//! is counted. What is counted, multiplied by N, is what there was, but for less than N packets at the end; a flow of few
//! packets is seen by chance only, as on a router.

use rheos_core::WideRecord;

/// Samples the packets of records.
///
/// ```
/// use rheos_core::WideRecord;
/// use rheos_gen::flows::PacketSampler;
///
/// let record = WideRecord { packets: 25, bytes: 2500, ..WideRecord::default() };
/// let mut sampler = PacketSampler::new(10);
/// let counted = sampler.sample(&record).expect("two packets");
/// assert_eq!((counted.packets, counted.bytes), (2, 200));
/// assert_eq!(sampler.sample(&record).map(|r| r.packets), Some(3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketSampler {
    every: u64,
    packets: u64,
    records: u64,
}

impl PacketSampler {
    /// Counts one packet in `every`; 0 is 1.
    pub const fn new(every: u32) -> Self {
        let every = if every == 0 { 1 } else { every as u64 };
        Self { every, packets: 0, records: 0 }
    }

    /// The record of those packets that are counted, with their part of its bytes; `None` if there are none.
    pub fn sample(&mut self, record: &WideRecord) -> Option<WideRecord> {
        let before = self.counted();
        self.packets = self.packets.saturating_add(record.packets);
        let packets = self.counted() - before;
        if packets == 0 {
            return None;
        }
        self.records += 1;
        // Not more than the record's: not more packets are counted than it has.
        let bytes =
            u128::from(record.bytes) * u128::from(packets) / u128::from(record.packets.max(1));
        Some(WideRecord { packets, bytes: bytes as u64, ..*record })
    }

    /// One packet in how many is counted.
    pub const fn every(&self) -> u64 {
        self.every
    }

    /// Packets of all records so far.
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// Packets of them that were counted.
    pub const fn counted(&self) -> u64 {
        self.packets / self.every
    }

    /// Records that had any.
    pub const fn records(&self) -> u64 {
        self.records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nth_packet_is_counted_whatever_flow_it_is_of() {
        for every in [1, 2, 7, 100, u32::MAX] {
            let mut sampler = PacketSampler::new(every);
            let (mut packets, mut bytes, mut all, mut all_bytes) = (0, 0, 0, 0);
            for i in 0..10_000_u64 {
                let record =
                    WideRecord { packets: i % 13, bytes: (i % 13) * 700, ..WideRecord::default() };
                all += record.packets;
                all_bytes += record.bytes;
                if let Some(counted) = sampler.sample(&record) {
                    assert!(counted.packets <= record.packets && counted.bytes <= record.bytes);
                    packets += counted.packets;
                    bytes += counted.bytes;
                }
            }
            let every = u64::from(every);
            assert_eq!((packets, bytes), (all / every, all / every * 700));
            assert_eq!((sampler.counted(), sampler.packets()), (packets, all));
            assert!(every > 1 || (packets, bytes) == (all, all_bytes));
        }
        let whole = WideRecord { packets: 3, bytes: 100, ..WideRecord::default() };
        assert_eq!(PacketSampler::new(0).sample(&whole), Some(whole));
        // Sums stay where they are at the end of what can be counted.
        let mut sampler = PacketSampler::new(1);
        let huge = WideRecord { packets: u64::MAX, bytes: u64::MAX, ..WideRecord::default() };
        assert_eq!(sampler.sample(&huge), Some(huge));
        assert_eq!(sampler.sample(&huge), None);
    }
}
