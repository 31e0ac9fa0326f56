//! Two sets of flows compared: how alike their distributions are, and which rows only one of them has.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::spread;
use crate::aggregate::{Cell, Grouper, Histogram, Key, Keys, Measure, Moment, Query, Value};
use crate::{Error, FlowBlock, FlowColumn, FlowColumns, Rate};

/// Numbers whose distributions are compared by their size.
const NUMBERS: [(&str, Measure); 4] = [
    ("bytes", Measure::Column(FlowColumn::Bytes)),
    ("packets", Measure::Column(FlowColumn::Packets)),
    ("duration", Measure::Rate(Rate::Duration)),
    ("bytes per packet", Measure::Rate(Rate::Bpp)),
];

const NETWORK: (u8, u8) = (24, 64);

/// Values that are compared by their names only.
const NAMES: [(&str, FlowColumn); 6] = [
    ("protocol", FlowColumn::Protocol),
    ("src_port", FlowColumn::SrcPort),
    ("dst_port", FlowColumn::DstPort),
    ("tcp_flags", FlowColumn::TcpFlags),
    ("src_ip/24", FlowColumn::SrcIp),
    ("dst_ip/24", FlowColumn::DstIp),
];

/// The distributions of one set of flows.
#[derive(Debug)]
pub struct Sample {
    histograms: Vec<Histogram>,
    groupers: Vec<Grouper>,
    /// Columns that every block had.
    columns: FlowColumns,
    flows: u64,
}

impl Default for Sample {
    fn default() -> Self {
        let (v4, v6) = NETWORK;
        let grouper = |(name, column): (&str, FlowColumn)| {
            let key = if name.contains('/') {
                Key::Network { column, v4, v6 }
            } else {
                Key::Column(column)
            };
            let keys = Keys { parts: vec![key], both_directions: false };
            let groups_max = crate::aggregate::GROUPS_MAX;
            Grouper::new(&Query { keys, values: vec![Value::Flows], groups_max })
        };
        Self {
            histograms: vec![Histogram::default(); NUMBERS.len()],
            groupers: NAMES.map(grouper).into(),
            columns: FlowColumns::ALL,
            flows: 0,
        }
    }
}

impl Sample {
    /// The columns that are compared where they are.
    pub fn columns() -> FlowColumns {
        use FlowColumn::{Bytes, First, Last, Packets};
        let numbers = FlowColumns::of(&[Bytes, First, Last, Packets]);
        numbers | NAMES.iter().map(|(_, column)| *column).collect()
    }

    /// Counts a block.
    ///
    /// # Errors
    /// If there are more groups than may be.
    pub fn add(&mut self, block: &FlowBlock) -> Result<(), Error> {
        self.columns = self.columns & block.columns();
        self.flows += block.len() as u64;
        for (histogram, (_, measure)) in self.histograms.iter_mut().zip(NUMBERS) {
            (0..block.len()).for_each(|row| histogram.add(measure.at(block, row)));
        }
        self.groupers.iter_mut().try_for_each(|grouper| grouper.add(block))
    }

    /// Adds what another one has counted.
    ///
    /// # Errors
    /// If there are more groups than may be.
    pub fn merge(&mut self, other: Self) -> Result<(), Error> {
        self.columns = self.columns & other.columns;
        self.flows += other.flows;
        self.histograms.iter_mut().zip(&other.histograms).for_each(|(a, b)| a.merge(b));
        let pairs = self.groupers.iter_mut().zip(other.groupers);
        pairs.into_iter().try_for_each(|(ours, theirs)| ours.merge(theirs))
    }
}

/// How alike two sets are in one field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldComparison {
    /// Which.
    pub field: &'static str,
    /// Jensen-Shannon divergence in bits: 0 equal, 1 nothing in common. Numbers are compared by buckets of less
    /// than 1 % width.
    pub divergence: f64,
    /// Kolmogorov-Smirnov distance, of numbers.
    pub ks: Option<f64>,
    /// Earth mover's distance in the field's unit, of numbers.
    pub emd: Option<f64>,
    /// The means, of numbers.
    pub means: Option<(f64, f64)>,
    /// How many values there are, of names.
    pub distinct: Option<(u64, u64)>,
}

/// How alike two sets of flows are.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Flows in both sets.
    pub flows: (u64, u64),
    /// Each field that both have.
    pub fields: Vec<FieldComparison>,
}

impl Comparison {
    /// Compares two sets; fields that one of them lacks are left out.
    ///
    /// # Errors
    /// If there are more groups than may be.
    pub fn new(a: Sample, b: Sample) -> Result<Self, Error> {
        let mut fields = Vec::new();
        let both = a.columns & b.columns;
        for (i, (field, measure)) in NUMBERS.into_iter().enumerate() {
            let needed = match measure {
                Measure::Column(column) => FlowColumns::of(&[column]),
                Measure::Rate(rate) => rate.columns(),
            };
            let (Some(a), Some(b)) = (a.histograms.get(i), b.histograms.get(i)) else { continue };
            if needed.without(both).is_empty() {
                fields.extend(numbers(field, a, b));
            }
        }
        for ((a, b), (field, column)) in a.groupers.into_iter().zip(b.groupers).zip(NAMES) {
            if both.contains(column) {
                fields.extend(names(field, a, b)?);
            }
        }
        Ok(Self { flows: (a.flows, b.flows), fields })
    }
}

fn numbers(field: &'static str, a: &Histogram, b: &Histogram) -> Option<FieldComparison> {
    let counts = a.counts().iter().copied().zip(b.counts().iter().copied());
    let rising: Vec<(u64, u64, u64)> = counts
        .clone()
        .enumerate()
        .filter(|(_, (a, b))| a + b > 0)
        .map(|(bucket, (a, b))| (crate::aggregate::middle_of(bucket as u16), a, b))
        .collect();
    let (ks, emd) = spread::distances(&rising)?;
    let mean = |h: &Histogram| h.tell(Moment::Mean).as_f64();
    Some(FieldComparison {
        field,
        divergence: spread::jensen_shannon(counts)?,
        ks: Some(ks),
        emd: Some(emd),
        means: Some((mean(a), mean(b))),
        distinct: None,
    })
}

fn names(field: &'static str, a: Grouper, b: Grouper) -> Result<Option<FieldComparison>, Error> {
    let (a, b) = (a.finish()?, b.finish()?);
    let mut counts: HashMap<Vec<u128>, (u64, u64)> = HashMap::new();
    for (side, groups) in [&a, &b].into_iter().enumerate() {
        for group in 0..groups.len() as u32 {
            let Cell::Count(flows) = groups.value(group, Value::Flows) else { continue };
            let pair = counts.entry(groups.key_numbers(group)).or_default();
            *(if side == 0 { &mut pair.0 } else { &mut pair.1 }) += flows;
        }
    }
    // In order of values, so that the sum is the same each time.
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable();
    let divergence = spread::jensen_shannon(counts.iter().map(|(_, pair)| *pair));
    Ok(divergence.map(|divergence| FieldComparison {
        field,
        divergence,
        ks: None,
        emd: None,
        means: None,
        distinct: Some((a.len() as u64, b.len() as u64)),
    }))
}

/// Which rows two sets have, whatever their order: rows are equal if a 128-bit hash of all their columns is.
#[derive(Clone, Debug)]
pub struct RowSet {
    columns: FlowColumns,
    /// By hash: how many more the first set has.
    surplus: HashMap<u128, i64>,
}

/// How the rows of two sets differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowDifference {
    /// Rows that only the first set has.
    pub only_first: u64,
    /// Rows that only the second set has.
    pub only_second: u64,
}

impl RowSet {
    /// Of rows with these columns.
    pub fn new(columns: FlowColumns) -> Self {
        Self { columns, surplus: HashMap::new() }
    }

    /// Counts the rows of the first or the second set.
    pub fn add(&mut self, block: &FlowBlock, is_first: bool) {
        for row in 0..block.len() {
            let hash = self.hash(block, row);
            let surplus = self.surplus.entry(hash).or_default();
            *surplus += if is_first { 1 } else { -1 };
            if *surplus == 0 {
                self.surplus.remove(&hash);
            }
        }
    }

    /// How many rows only one set has.
    pub fn difference(&self) -> RowDifference {
        let mut difference = RowDifference::default();
        for &surplus in self.surplus.values() {
            let count = surplus.unsigned_abs();
            if surplus > 0 {
                difference.only_first += count;
            } else {
                difference.only_second += count;
            }
        }
        difference
    }

    /// Whether only this set has the row: for a second reading, in which each such row is found once.
    pub fn take(&mut self, block: &FlowBlock, row: usize, is_first: bool) -> bool {
        let hash = self.hash(block, row);
        let Some(surplus) = self.surplus.get_mut(&hash) else { return false };
        let (is_mine, step) = if is_first { (*surplus > 0, -1) } else { (*surplus < 0, 1) };
        if is_mine {
            *surplus += step;
        }
        is_mine
    }

    fn hash(&self, block: &FlowBlock, row: usize) -> u128 {
        let (mut low, mut high) = (DefaultHasher::new(), DefaultHasher::new());
        high.write_u8(1);
        for column in self.columns.iter() {
            let value = block.value(column, row);
            value.hash(&mut low);
            value.hash(&mut high);
        }
        u128::from(high.finish()) << 64 | u128::from(low.finish())
    }
}

#[cfg(test)]
mod tests {
    use rheos_core::WideRecord;

    use super::*;

    fn block(bytes: &[u64], port: u16) -> FlowBlock {
        let record = |&bytes: &u64| WideRecord {
            bytes,
            packets: 1,
            destination_port: port,
            ..WideRecord::default()
        };
        FlowBlock::from_wide(&bytes.iter().map(record).collect::<Vec<_>>())
    }

    #[test]
    fn fields_are_compared() {
        let sample = |bytes: &[u64], port| {
            let mut sample = Sample::default();
            sample.add(&block(bytes, port)).unwrap();
            sample
        };
        let comparison =
            Comparison::new(sample(&[10, 20], 1), sample(&[10, 30, 30, 10], 2)).unwrap();
        assert_eq!(comparison.flows, (2, 4));
        let field = |name: &str| comparison.fields.iter().find(|f| f.field == name).unwrap();
        let bytes = field("bytes");
        assert_eq!((bytes.ks, bytes.emd, bytes.means), (Some(0.5), Some(5.0), Some((15.0, 20.0))));
        assert_eq!((field("dst_port").divergence, field("protocol").divergence), (1.0, 0.0));
        assert_eq!(field("dst_port").distinct, Some((1, 1)));
    }

    #[test]
    fn rows_are_compared_as_multisets() {
        let mut rows = RowSet::new(FlowColumns::of(&[FlowColumn::Bytes]));
        let (a, b) = (block(&[1, 2, 2, 3], 0), block(&[3, 2, 4], 9));
        rows.add(&a, true);
        rows.add(&b, false);
        assert_eq!(rows.difference(), RowDifference { only_first: 2, only_second: 1 });
        let taken = |rows: &mut RowSet, block: &FlowBlock, first| {
            (0..block.len()).filter(|&row| rows.take(block, row, first)).collect::<Vec<_>>()
        };
        assert_eq!(taken(&mut rows, &a, true), [0, 1]);
        assert_eq!(taken(&mut rows, &b, false), [2]);
    }
}
