//! Numbers that follow from a record's columns: duration, rates, bytes per packet.
//!
//! All are whole numbers, rounded down, so that sums over them do not depend on their order.

use crate::{FlowBlock, FlowColumn, FlowColumns};

/// A number that is computed from several columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rate {
    /// Nanoseconds from first to last.
    Duration,
    /// Packets per second of duration; 0 without duration.
    Pps,
    /// Bits per second of duration; 0 without duration.
    Bps,
    /// Bytes per packet; 0 without packets.
    Bpp,
}

impl Rate {
    /// The columns that it needs.
    pub fn columns(self) -> FlowColumns {
        use FlowColumn::{Bytes, First, Last, Packets};
        match self {
            Self::Duration => FlowColumns::of(&[First, Last]),
            Self::Pps => FlowColumns::of(&[Packets, First, Last]),
            Self::Bps => FlowColumns::of(&[Bytes, First, Last]),
            Self::Bpp => FlowColumns::of(&[Bytes, Packets]),
        }
    }

    /// Its value for totals.
    pub fn of(self, packets: u64, bytes: u64, duration_ns: u64) -> u64 {
        match self {
            Self::Duration => duration_ns,
            Self::Pps => per_second(packets.into(), duration_ns),
            Self::Bps => per_second(u128::from(bytes) * 8, duration_ns),
            Self::Bpp => bytes.checked_div(packets).unwrap_or(0),
        }
    }

    /// Its value for a row of a block; missing columns count as 0.
    pub fn at(self, block: &FlowBlock, row: usize) -> u64 {
        let get = |name| block.u64s(name).and_then(|values| values.get(row)).copied().unwrap_or(0);
        let duration = get(FlowColumn::Last).saturating_sub(get(FlowColumn::First));
        self.of(get(FlowColumn::Packets), get(FlowColumn::Bytes), duration)
    }
}

fn per_second(amount: u128, duration_ns: u64) -> u64 {
    let rate = (amount * 1_000_000_000).checked_div(duration_ns.into()).unwrap_or(0);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_by_hand() {
        assert_eq!(Rate::Pps.of(10, 0, 500_000_000), 20);
        assert_eq!(Rate::Bps.of(0, 1000, 2_000_000_000), 4000);
        assert_eq!(Rate::Bps.of(1, 1000, 0), 0);
        assert_eq!(Rate::Bpp.of(3, 1000, 1), 333);
        assert_eq!(Rate::Bps.of(0, u64::MAX, 1), u64::MAX);
    }
}
