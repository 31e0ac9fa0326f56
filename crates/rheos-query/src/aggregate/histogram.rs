//! How the values of one number are spread: exact sums, and counts by buckets of less than 1 % width.

use super::values::{Cell, Moment, Sums, bucket, middle, quantile};

/// Buckets that there can be.
const BUCKETS: usize = bucket(u64::MAX) as usize + 1;

/// Values of one number.
#[derive(Clone, Debug)]
pub struct Histogram {
    sums: Sums,
    counts: Vec<u64>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { sums: Sums::default(), counts: vec![0; BUCKETS] }
    }
}

impl Histogram {
    /// Counts a value.
    pub fn add(&mut self, value: u64) {
        self.sums.add(value);
        if let Some(count) = self.counts.get_mut(usize::from(bucket(value))) {
            *count += 1;
        }
    }

    /// Adds what another one has counted.
    pub fn merge(&mut self, other: &Self) {
        self.sums.merge(&other.sums);
        self.counts.iter_mut().zip(&other.counts).for_each(|(ours, theirs)| *ours += theirs);
    }

    /// The middles of the buckets that have values, in rising order, with how many.
    pub fn buckets(&self) -> impl DoubleEndedIterator<Item = (u64, u64)> {
        let counted = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        counted.map(|(bucket, &count)| (middle(bucket as u16), count))
    }

    /// The count of every bucket.
    pub(crate) fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// A figure of all values.
    pub fn tell(&self, moment: Moment) -> Cell {
        match moment {
            Moment::Quantile(percent) => {
                let counted = (0_u16..).zip(&self.counts).filter(|(_, count)| **count > 0);
                let buckets: Vec<(u16, u64)> = counted.map(|(b, &count)| (b, count)).collect();
                // The middle of an outer bucket may lie beyond the values.
                match quantile(&buckets, percent) {
                    Cell::Count(value) => Cell::Count(self.sums.within(value)),
                    other => other,
                }
            }
            plain => self.sums.tell(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_add_up() {
        let (mut all, mut even, mut odd) =
            (Histogram::default(), Histogram::default(), Histogram::default());
        for value in 0..1000_u64 {
            all.add(value * value);
            (if value % 2 == 0 { &mut even } else { &mut odd }).add(value * value);
        }
        even.merge(&odd);
        assert_eq!(even.counts, all.counts);
        assert_eq!(even.tell(Moment::Mean), all.tell(Moment::Mean));
        let Cell::Count(median) = all.tell(Moment::Quantile(50.0)) else { panic!("a number") };
        assert!(median.abs_diff(499 * 499) < 499 * 499 / 100);
        assert_eq!(all.buckets().map(|(_, count)| count).sum::<u64>(), 1000);
        all.add(u64::MAX);
    }
}
