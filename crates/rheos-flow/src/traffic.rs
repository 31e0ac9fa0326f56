//! Traffic at a glance: protocols, sizes, and rates over time, in memory that does not grow.

use rheos_core::{IpVersion, Nanos, Timestamp};
use rheos_wire::Packet;

use crate::aggregate::Totals;

/// Everything below together.
#[derive(Clone, Debug, Default)]
pub struct TrafficSummary {
    /// All packets.
    pub totals: Totals,
    /// By IP version and protocol.
    pub protocols: ProtocolMix,
    /// Lengths on the wire.
    pub sizes: SizeHistogram,
    /// Over time.
    pub rates: RateSeries,
}

impl TrafficSummary {
    /// Counts one packet.
    #[inline]
    pub fn add(&mut self, packet: &Packet) {
        self.totals.add(packet);
        self.protocols.add(packet);
        self.sizes.add(packet.wire_len);
        self.rates.add(packet.ts, packet.wire_len);
    }

    /// Adds another worker's packets.
    pub fn merge(&mut self, other: &Self) {
        self.totals.merge(&other.totals);
        self.protocols.merge(&other.protocols);
        self.sizes.merge(&other.sizes);
        self.rates.merge(&other.rates);
    }
}

/// Packets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Packets.
    pub packets: u64,
    /// Bytes: from the IP header on in [`ProtocolMix`], on the wire in [`RateSeries`].
    pub bytes: u64,
}

impl Volume {
    #[inline]
    fn add(&mut self, packets: u64, bytes: u64) {
        self.packets += packets;
        self.bytes += bytes;
    }
}

/// Packets and IP bytes by IP version and protocol number.
#[derive(Clone, Debug)]
pub struct ProtocolMix {
    by_protocol: Box<[[Volume; 256]; 2]>,
}

impl Default for ProtocolMix {
    fn default() -> Self {
        Self { by_protocol: Box::new([[Volume::default(); 256]; 2]) }
    }
}

impl ProtocolMix {
    /// Counts one packet.
    #[inline]
    pub fn add(&mut self, packet: &Packet) {
        let version = usize::from(packet.tuple.version == IpVersion::V6);
        self.by_protocol[version][usize::from(packet.tuple.protocol)]
            .add(1, u64::from(packet.ip_len));
    }

    /// Adds another worker's packets.
    pub fn merge(&mut self, other: &Self) {
        let theirs = other.by_protocol.iter().flatten();
        for (mine, theirs) in self.by_protocol.iter_mut().flatten().zip(theirs) {
            mine.add(theirs.packets, theirs.bytes);
        }
    }

    /// What occurred, by version and number.
    pub fn iter(&self) -> impl Iterator<Item = (IpVersion, u8, Volume)> + '_ {
        let versions = [IpVersion::V4, IpVersion::V6].into_iter().zip(self.by_protocol.iter());
        versions
            .flat_map(|(version, volumes)| {
                (0..=255_u8).zip(volumes).map(move |(number, volume)| (version, number, *volume))
            })
            .filter(|(_, _, volume)| volume.packets > 0)
    }
}

/// Lengths in bins that double: 0, 1, 2-3, 4-7, ..., 1024-2047, ...
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeHistogram {
    bins: [u64; 33],
    sum: u64,
    min: u32,
    max: u32,
}

impl Default for SizeHistogram {
    fn default() -> Self {
        Self { bins: [0; 33], sum: 0, min: u32::MAX, max: 0 }
    }
}

impl SizeHistogram {
    /// Counts one length in bytes.
    #[inline]
    pub fn add(&mut self, length: u32) {
        self.bins[(u32::BITS - length.leading_zeros()) as usize] += 1;
        self.sum += u64::from(length);
        self.min = self.min.min(length);
        self.max = self.max.max(length);
    }

    /// Adds another worker's counts.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.bins.iter_mut().zip(other.bins) {
            *mine += theirs;
        }
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// How many lengths were counted.
    pub fn count(&self) -> u64 {
        self.bins.iter().sum()
    }

    /// The mean in bytes; `None` without lengths.
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum as f64 / count as f64)
    }

    /// The smallest and the largest; `None` without lengths.
    pub fn range(&self) -> Option<(u32, u32)> {
        (self.min <= self.max).then_some((self.min, self.max))
    }

    /// From the first bin in use to the last: smallest and largest length of the bin, and how many there were.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32, u64)> + '_ {
        let used = |count: &u64| *count > 0;
        let first = self.bins.iter().position(used).unwrap_or(0);
        let end = self.bins.iter().rposition(used).map_or(0, |last| last + 1);
        (first..end.max(first)).map(|bin| {
            let low = if bin == 0 { 0 } else { 1_u32 << (bin - 1) };
            let high = if bin == 0 { 0 } else { low - 1 + low };
            (low, high, self.bins[bin])
        })
    }
}

/// Bins of a [`RateSeries`] at most.
const BINS_MAX: usize = 240;

/// Widths that people read easily, each a multiple of the one before, so that bins can be joined.
const WIDTHS: [u64; 34] = {
    // To the second, to the minute, to the hour, to the day, and to the end of a 64-bit clock.
    let factors = [
        [2, 5, 2, 5, 2, 5, 2, 5, 2, 5, 2].as_slice(),
        &[5, 2, 5, 2],
        &[3, 2, 5, 2],
        &[3, 2, 6, 2],
        &[2; 10],
    ];
    let mut widths = [1_000; 34];
    let (mut i, mut part) = (1, 0);
    while part < factors.len() {
        let mut k = 0;
        while k < factors[part].len() {
            widths[i] = widths[i - 1] * factors[part][k];
            i += 1;
            k += 1;
        }
        part += 1;
    }
    widths
};

/// Packets and wire bytes over time, in at most 240 bins of equal width.
///
/// The width is the smallest of 1, 2, 10, 20, 100, ... microseconds, 1, 2, 10, 20 seconds, 1, 2, 10, 20 minutes,
/// 1, 2, 12, 24 hours, 2, 4, 8, ... days with which all packets fit. It depends on the earliest and the latest
/// packet only, and bins begin at multiples of it since the epoch: so the order of packets changes nothing.
#[derive(Clone, Debug, Default)]
pub struct RateSeries {
    /// Place in [`WIDTHS`].
    level: usize,
    /// Number of the first bin, in widths since the epoch.
    base: u64,
    bins: Vec<Volume>,
    /// Bounds of the bin of the packet before, so that most packets need no division.
    latest: (u64, u64, usize),
}

impl RateSeries {
    /// Counts one packet of `bytes` on the wire.
    #[inline]
    pub fn add(&mut self, ts: Timestamp, bytes: u32) {
        self.add_volume(ts.as_nanos(), 1, u64::from(bytes));
    }

    #[inline]
    fn add_volume(&mut self, nanos: u64, packets: u64, bytes: u64) {
        let (start, end, mut bin) = self.latest;
        if nanos < start || nanos >= end {
            bin = self.make_room(nanos);
        }
        self.bins[bin].add(packets, bytes);
    }

    /// Widens the series so that it covers `nanos`, and gives its bin.
    fn make_room(&mut self, nanos: u64) -> usize {
        if self.bins.is_empty() {
            self.base = nanos / self.width();
            self.bins.push(Volume::default());
        }
        loop {
            let number = nanos / self.width();
            let first = self.base.min(number);
            let last = (self.base + self.bins.len() as u64 - 1).max(number);
            if last - first < BINS_MAX as u64 {
                let before = (self.base - first) as usize;
                self.bins.splice(0..0, std::iter::repeat_n(Volume::default(), before));
                self.base = first;
                self.bins.resize((last - first + 1) as usize, Volume::default());
                let bin = (number - first) as usize;
                let start = number * self.width();
                self.latest = (start, start.saturating_add(self.width()), bin);
                return bin;
            }
            self.coarsen();
        }
    }

    /// Goes to the next width.
    fn coarsen(&mut self) {
        let factor = WIDTHS[self.level + 1] / self.width();
        self.level += 1;
        let base = self.base / factor;
        let last = (self.base + self.bins.len() as u64 - 1) / factor;
        let mut joined = vec![Volume::default(); (last - base + 1) as usize];
        for (number, bin) in (self.base..).zip(&self.bins) {
            joined[(number / factor - base) as usize].add(bin.packets, bin.bytes);
        }
        self.base = base;
        self.bins = joined;
    }

    fn width(&self) -> u64 {
        WIDTHS[self.level]
    }

    /// How much time one bin covers.
    pub fn bin_width(&self) -> Nanos {
        Nanos(self.width())
    }

    /// Start and content of every bin from the first packet's to the last one's, also of empty ones.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, Volume)> + '_ {
        let numbered = self.bins.iter().zip(self.base..);
        numbered.map(|(bin, number)| (Timestamp::from_nanos(number * self.width()), *bin))
    }

    /// Adds another worker's packets.
    pub fn merge(&mut self, other: &Self) {
        let (Some(first), Some(last)) = (other.iter().next(), other.iter().last()) else { return };
        if self.bins.is_empty() {
            *self = other.clone();
            return;
        }
        while self.level < other.level {
            self.coarsen();
        }
        self.latest = (0, 0, 0);
        self.make_room(first.0.as_nanos());
        self.make_room(last.0.as_nanos());
        for (start, volume) in other.iter().filter(|(_, volume)| volume.packets > 0) {
            self.add_volume(start.as_nanos(), volume.packets, volume.bytes);
        }
    }
}

// The widest bins cover all of a 64-bit nanosecond clock.
const _: () = assert!(WIDTHS[33] > u64::MAX / BINS_MAX as u64 && WIDTHS[12] == 1_000_000_000);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn series(times: &[u64]) -> RateSeries {
        let mut series = RateSeries::default();
        for &time in times {
            series.add(Timestamp::from_nanos(time), 10);
        }
        series
    }

    fn bins(series: &RateSeries) -> Vec<(u64, u64)> {
        series.iter().map(|(start, v)| (start.as_nanos(), v.packets)).filter(|b| b.1 > 0).collect()
    }

    #[test]
    fn sizes_fall_into_doubling_bins() {
        let mut sizes = SizeHistogram::default();
        assert_eq!((sizes.mean(), sizes.range(), sizes.iter().count()), (None, None, 0));
        for length in [60, 64, 127, 1514, 1514] {
            sizes.add(length);
        }
        let used: Vec<_> = sizes.iter().filter(|bin| bin.2 > 0).collect();
        assert_eq!(used, [(32, 63, 1), (64, 127, 2), (1024, 2047, 2)]);
        assert_eq!(sizes.iter().count(), 6, "with the empty ones between");
        assert_eq!(sizes.range(), Some((60, 1514)));
        assert!((sizes.mean().unwrap() - 655.8).abs() < 1e-9);
        sizes.add(u32::MAX);
        assert_eq!(sizes.iter().last(), Some((1 << 31, u32::MAX, 1)));
    }

    #[test]
    fn bins_widen_to_readable_widths() {
        let second = 1_000_000_000;
        let start = 1_700_000_000 * second;
        for (span, width) in
            [(second, 10_000_000), (100 * second, second), (3600 * second, 20 * second)]
        {
            let series = series(&[start, start + span]);
            assert_eq!(series.bin_width(), Nanos(width), "span {span}");
            assert_eq!(series.iter().map(|b| b.1.packets).sum::<u64>(), 2);
        }
        assert!(series(&[0, u64::MAX]).iter().count() <= BINS_MAX);
    }

    #[test]
    fn protocols_are_told_by_version_and_number() {
        let mut mix = ProtocolMix::default();
        let mut packet = Packet { ip_len: 100, ..Packet::default() };
        packet.tuple.protocol = 6;
        mix.add(&packet);
        packet.tuple.version = IpVersion::V6;
        mix.add(&packet);
        mix.merge(&mix.clone());
        let volume = Volume { packets: 2, bytes: 200 };
        assert_eq!(
            mix.iter().collect::<Vec<_>>(),
            [(IpVersion::V4, 6, volume), (IpVersion::V6, 6, volume)]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn order_and_parts_change_no_bin(
            times in prop::collection::vec(prop_oneof![0_u64..1 << 34, any::<u64>()], 1..40),
            cut in 0_usize..40,
        ) {
            let whole = series(&times);
            let mut reversed = times.clone();
            reversed.reverse();
            prop_assert_eq!(bins(&series(&reversed)), bins(&whole));
            let (one, two) = times.split_at(cut.min(times.len()));
            let mut merged = series(one);
            merged.merge(&series(two));
            prop_assert_eq!(merged.iter().map(|b| b.1.packets).sum::<u64>(), times.len() as u64);
            prop_assert_eq!(bins(&merged), bins(&whole));
            prop_assert!(whole.iter().count() <= BINS_MAX);
        }
    }
}
