//! Traffic over time: flows, packets and bytes in steps of time, by one of two load schemes.

use std::collections::BTreeMap;

use rheos_core::{Nanos, Timestamp};

use crate::{Error, FlowBlock, FlowColumn, FlowColumns};

/// Steps that are told apart at most; more are an error.
pub const BINS_MAX: usize = 1 << 20;

/// Where in time the packets and bytes of a flow count; the flow itself counts where it begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadScheme {
    /// All in the step in which the flow begins.
    #[default]
    Start,
    /// Spread over the time from its first to its last packet, as if it were even.
    Proportional,
}

/// What one step of time has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeriesBin {
    /// Flows that begin in it.
    pub flows: u64,
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Steps of time with traffic.
#[derive(Clone, Debug)]
pub struct Series {
    step: u64,
    scheme: LoadScheme,
    bins: BTreeMap<u64, SeriesBin>,
}

impl Series {
    /// Steps of this width, at least 1 ns.
    pub fn new(step: Nanos, scheme: LoadScheme) -> Self {
        Self { step: step.0.max(1), scheme, bins: BTreeMap::new() }
    }

    /// The columns that it needs.
    pub fn columns() -> FlowColumns {
        use FlowColumn::{Bytes, First, Last, Packets};
        FlowColumns::of(&[First, Last, Packets, Bytes])
    }

    /// Counts a block.
    ///
    /// # Errors
    /// If there are more steps than [`BINS_MAX`].
    pub fn add(&mut self, block: &FlowBlock) -> Result<(), Error> {
        let get = |name, row: usize| {
            block.u64s(name).and_then(|values| values.get(row)).copied().unwrap_or(0)
        };
        // Flows mostly come in order of time, so that many after each other count in one step.
        let mut run = (0, SeriesBin::default());
        for row in 0..block.len() {
            let (first, last) = (get(FlowColumn::First, row), get(FlowColumn::Last, row));
            let (packets, bytes) = (get(FlowColumn::Packets, row), get(FlowColumn::Bytes, row));
            let begin = first / self.step;
            let end = last.max(first) / self.step;
            if begin != run.0 {
                self.take_run(&mut run)?;
                run.0 = begin;
            }
            run.1.flows += 1;
            if self.scheme == LoadScheme::Start || begin == end {
                run.1.packets = run.1.packets.saturating_add(packets);
                run.1.bytes = run.1.bytes.saturating_add(bytes);
            } else {
                self.spread((first, last), (begin, end), packets, bytes)?;
            }
        }
        self.take_run(&mut run)
    }

    fn take_run(&mut self, run: &mut (u64, SeriesBin)) -> Result<(), Error> {
        let counts = std::mem::take(&mut run.1);
        if counts.flows > 0 {
            self.bin(run.0)?.flows += counts.flows;
            self.load(run.0, counts.packets, counts.bytes)?;
        }
        Ok(())
    }

    /// Whole packets and bytes by the time that has passed at the end of each step, so that nothing is lost.
    fn spread(
        &mut self,
        (first, last): (u64, u64),
        (begin, end): (u64, u64),
        packets: u64,
        bytes: u64,
    ) -> Result<(), Error> {
        if usize::try_from(end - begin).unwrap_or(usize::MAX) >= BINS_MAX {
            return Err(self.too_many());
        }
        let span = u128::from(last - first);
        let (mut told_packets, mut told_bytes) = (0, 0);
        for bin in begin..=end {
            let until = (u128::from(bin) + 1) * u128::from(self.step);
            let passed = until.min(u128::from(last)) - u128::from(first);
            let by_then = |amount: u64| (u128::from(amount) * passed / span) as u64;
            let (packets, bytes) = (by_then(packets), by_then(bytes));
            self.load(bin, packets - told_packets, bytes - told_bytes)?;
            (told_packets, told_bytes) = (packets, bytes);
        }
        Ok(())
    }

    fn load(&mut self, bin: u64, packets: u64, bytes: u64) -> Result<(), Error> {
        let bin = self.bin(bin)?;
        bin.packets = bin.packets.saturating_add(packets);
        bin.bytes = bin.bytes.saturating_add(bytes);
        Ok(())
    }

    fn bin(&mut self, bin: u64) -> Result<&mut SeriesBin, Error> {
        if self.bins.len() >= BINS_MAX && !self.bins.contains_key(&bin) {
            return Err(self.too_many());
        }
        Ok(self.bins.entry(bin).or_default())
    }

    #[cold]
    fn too_many(&self) -> Error {
        Error::TooManyBins { max: BINS_MAX, step: Nanos(self.step) }
    }

    /// Adds what another one with the same steps has counted.
    ///
    /// # Errors
    /// If there are more steps than [`BINS_MAX`].
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        for (&bin, theirs) in &other.bins {
            self.bin(bin)?.flows += theirs.flows;
            self.load(bin, theirs.packets, theirs.bytes)?;
        }
        Ok(())
    }

    /// The steps that have any traffic, in order, with the width of each.
    pub fn bins(&self) -> impl Iterator<Item = (Timestamp, SeriesBin)> {
        self.bins.iter().map(|(&bin, &counts)| (Timestamp::from_nanos(bin * self.step), counts))
    }

    /// Width of the steps.
    pub const fn step(&self) -> Nanos {
        Nanos(self.step)
    }

    /// The same with steps so many times as wide that there are at most `count` from the first to the last.
    #[must_use]
    pub fn coarser(&self, count: u64) -> Self {
        let ends = self.bins.first_key_value().zip(self.bins.last_key_value());
        let Some(((&first, _), (&last, _))) = ends else { return self.clone() };
        let mut factor = 1;
        while factor < 1 << 63 && last / factor - first / factor >= count.max(1) {
            factor *= 2;
        }
        let mut coarse = Self::new(Nanos(self.step.saturating_mul(factor)), self.scheme);
        for (&bin, counts) in &self.bins {
            let into = coarse.bins.entry(bin / factor).or_default();
            into.flows += counts.flows;
            into.packets = into.packets.saturating_add(counts.packets);
            into.bytes = into.bytes.saturating_add(counts.bytes);
        }
        coarse
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rheos_core::WideRecord;

    use super::*;

    fn record(first: u64, last: u64, bytes: u64) -> WideRecord {
        WideRecord { first, last, bytes, packets: 10, ..WideRecord::default() }
    }

    #[test]
    fn load_schemes_by_hand() {
        let block = FlowBlock::from_wide(&[record(5, 25, 200), record(11, 11, 1)]);
        let bytes = |scheme| {
            let mut series = Series::new(Nanos(10), scheme);
            series.add(&block).unwrap();
            series.bins().map(|(t, bin)| (t.as_nanos(), bin.flows, bin.bytes)).collect::<Vec<_>>()
        };
        assert_eq!(bytes(LoadScheme::Start), [(0, 1, 200), (10, 1, 1)]);
        assert_eq!(bytes(LoadScheme::Proportional), [(0, 1, 50), (10, 1, 101), (20, 0, 50)]);
    }

    #[test]
    fn all_of_time_fits_into_few_steps() {
        let mut series = Series::new(Nanos(1), LoadScheme::Start);
        series
            .add(&FlowBlock::from_wide(&[record(0, 0, 1), record(u64::MAX, u64::MAX, 2)]))
            .unwrap();
        assert_eq!(series.coarser(24).bins().count(), 2);
        assert_eq!(series.coarser(0).bins().map(|(_, bin)| bin.bytes).sum::<u64>(), 3);
    }

    #[test]
    fn too_many_steps_are_an_error() {
        let mut series = Series::new(Nanos(1), LoadScheme::Proportional);
        let error = series.add(&FlowBlock::from_wide(&[record(0, u64::MAX, 5)])).unwrap_err();
        assert!(error.hint().unwrap().contains("--bin"), "{error}");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(flows in proptest::collection::vec((0..1000_u64, 0..500_u64, 0..1000_u64), 1..50), step in 1..200_u64) {
            let records: Vec<_> = flows.iter().map(|&(a, b, c)| record(a, a + b, c)).collect();
            let mut series = Series::new(Nanos(step), LoadScheme::Proportional);
            series.add(&FlowBlock::from_wide(&records)).unwrap();
            for series in [series.coarser(7), series] {
                let sums = series.bins().fold((0, 0, 0), |s, (_, b)| (s.0 + b.flows, s.1 + b.packets, s.2 + b.bytes));
                let bytes: u64 = flows.iter().map(|f| f.2).sum();
                prop_assert_eq!(sums, (flows.len() as u64, 10 * flows.len() as u64, bytes));
            }
        }
    }
}
