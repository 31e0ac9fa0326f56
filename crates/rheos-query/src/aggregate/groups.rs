//! Finished groups: ranked, cut, with shares, and what is left as one.

use std::cmp::Ordering;
use std::ops::Range;

use rheos_core::Timestamp;

use super::table::{Kept, Slot};
use super::values::{Cell, Moment, Sums, Value, quantile};
use super::{KeyValue, Query, Tables, with_table};
use crate::{FlowColumn, Rate};

/// Which groups are told, and in which order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranking {
    /// By this value; by keys if there is none.
    pub by: Option<Value>,
    /// The least first.
    pub ascending: bool,
    /// How many.
    pub limit: Limit,
}

/// How many groups are told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// All.
    All,
    /// So many.
    Count(usize),
    /// Those whose value is at least this.
    Threshold(f64),
    /// Those with at least this percentage of the sum of all values.
    Percentage(f64),
}

impl Ranking {
    /// The `count` groups with the greatest values.
    pub const fn top(by: Value, count: usize) -> Self {
        Self { by: Some(by), ascending: false, limit: Limit::Count(count) }
    }
}

/// Some groups in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Numbers of the groups that are told.
    pub rows: Vec<u32>,
    /// Percent of the whole that each has of the value it is ranked by, if that adds up.
    pub percents: Vec<f64>,
    /// How many groups are not told.
    pub others: u64,
    /// The values of those together, in the order of the query's; `None` where they do not add up.
    pub other: Vec<Cell>,
    /// The values of all groups together.
    pub total: Vec<Cell>,
}

/// What was counted, by groups with numbers from 0 on.
#[derive(Debug)]
pub struct Groups {
    query: Query,
    kept: Kept,
    tables: Tables,
    is_wide: bool,
    /// Of each quantile's measure: group and bucket in order, with counts.
    buckets: Vec<Vec<(u32, u16, u64)>>,
    /// Of each distinct column: the count by group.
    distinct: Vec<Vec<u64>>,
}

impl Groups {
    pub(super) fn new(query: Query, kept: Kept, tables: Tables, is_wide: bool) -> Self {
        let count = tables.len();
        let (buckets, distinct) = with_table!(&tables, table => {
            let buckets = table.quantiles.iter().map(|nested| {
                let mut all: Vec<(u32, u16, u64)> = nested
                    .iter()
                    .map(|(key, count)| ((key >> 16) as u32, key as u16, count))
                    .collect();
                all.sort_unstable();
                all
            });
            let distinct = table.distinct.iter().map(|nested| {
                let mut counts = vec![0; count];
                nested.iter().for_each(|(key, _)| counts[key[0] as usize] += 1);
                counts
            });
            (buckets.collect(), distinct.collect())
        });
        Self { query, kept, tables, is_wide, buckets, distinct }
    }

    /// What was asked for.
    pub const fn query(&self) -> &Query {
        &self.query
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.tables.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether an address of a key may be IPv6.
    pub const fn is_wide(&self) -> bool {
        self.is_wide
    }

    /// The key of a group.
    pub fn key(&self, group: u32) -> Vec<KeyValue> {
        let values = self.key_numbers(group).into_iter();
        self.query.keys.parts.iter().zip(values).map(|(part, value)| part.value(value)).collect()
    }

    /// The key of a group as numbers; addresses have 128 bits.
    pub fn key_numbers(&self, group: u32) -> Vec<u128> {
        with_table!(&self.tables, table => {
            let key = table.index.keys()[group as usize];
            self.query.keys.unpack(key, self.is_wide)
        })
    }

    /// A value of a group.
    pub fn value(&self, group: u32, value: Value) -> Cell {
        let group = group as usize;
        match value {
            Value::Moment(Moment::Quantile(percent), measure) => {
                let place = self.kept.quantiles.iter().position(|known| *known == measure);
                let Some(all) = place.and_then(|place| self.buckets.get(place)) else {
                    return Cell::None;
                };
                let start = all.partition_point(|(g, ..)| (*g as usize) < group);
                let mine = all.iter().skip(start).take_while(|(g, ..)| *g as usize == group);
                let mine: Vec<(u16, u64)> = mine.map(|&(_, bucket, n)| (bucket, n)).collect();
                quantile(&mine, percent)
            }
            Value::Moment(moment, measure) => {
                let place = self.kept.measures.iter().position(|known| *known == measure);
                let Some(place) = place else { return Cell::None };
                let at = group * self.kept.measures.len() + place;
                with_table!(&self.tables, table => table.sums[at].tell(moment))
            }
            Value::Distinct(column) => {
                let place = self.kept.distinct.iter().position(|known| *known == column);
                place.map_or(Cell::None, |place| Cell::Count(self.distinct[place][group]))
            }
            Value::ApproxDistinct(column) => {
                let place = self.kept.sketches.iter().position(|known| *known == column);
                let sketch = with_table!(&self.tables, table => {
                    place.and_then(|place| table.sketches.get(place)?.get(group))
                });
                sketch.map_or(Cell::None, |sketch| Cell::Count(sketch.count()))
            }
            plain => {
                let stride = self.kept.slots.len();
                let slots = with_table!(&self.tables, table => {
                    &table.slots[group * stride..(group + 1) * stride]
                });
                self.plain(slots, plain)
            }
        }
    }

    /// A sum, a bound or a rate of what is kept.
    fn plain(&self, slots: &[u64], value: Value) -> Cell {
        let get = |slot| self.kept.slot(slot).and_then(|place| slots.get(place)).copied();
        let sum = |column| get(Slot::Sum(column));
        let count = |found: Option<u64>| found.map_or(Cell::None, Cell::Count);
        let first = || get(Slot::Min(FlowColumn::First)).filter(|first| *first != u64::MAX);
        let last = || get(Slot::Max(FlowColumn::Last));
        match value {
            Value::Flows => count(get(Slot::Flows)),
            Value::Packets => count(sum(FlowColumn::Packets)),
            Value::Bytes => count(sum(FlowColumn::Bytes)),
            Value::First => first().map_or(Cell::None, |t| Cell::Time(Timestamp::from_nanos(t))),
            Value::Last => last().map_or(Cell::None, |t| Cell::Time(Timestamp::from_nanos(t))),
            Value::Rate(rate) => {
                let span = last().unwrap_or(0).saturating_sub(first().unwrap_or(u64::MAX));
                let of = |column| sum(column).unwrap_or(0);
                let (packets, bytes) = (of(FlowColumn::Packets), of(FlowColumn::Bytes));
                Cell::Count(if rate == Rate::Bpp {
                    rate.of(packets, bytes, 0)
                } else {
                    rate.of(packets, bytes, span)
                })
            }
            Value::Moment(..) | Value::Distinct(_) | Value::ApproxDistinct(_) => Cell::None,
        }
    }

    /// The groups that are told, in order; those of equal value in order of their keys.
    pub fn report(&self, ranking: &Ranking) -> Report {
        let ranks = self.ranks(ranking.by);
        let order = |a: &u32, b: &u32| {
            let by_value = ranks.get(*a).rank(ranks.get(*b));
            let by_value = if ranking.ascending { by_value } else { by_value.reverse() };
            by_value.then_with(|| self.compare_keys(*a, *b))
        };
        let all = 0..self.len() as u32;
        // Of values that do not add up, too, a share is that of their sum.
        let whole = || all.clone().map(|group| ranks.get(group).as_f64().max(0.0)).sum::<f64>();
        let mut rows: Vec<u32> = match ranking.limit {
            Limit::Count(count) if count < self.len() => first_of(all.clone(), count, order),
            Limit::All | Limit::Count(_) => all.clone().collect(),
            Limit::Threshold(least) => {
                all.clone().filter(|&group| ranks.is_at_least(group, least)).collect()
            }
            Limit::Percentage(percent) => {
                let least = whole() * percent / 100.0;
                all.clone().filter(|&group| ranks.is_at_least(group, least)).collect()
            }
        };
        rows.sort_unstable_by(order);
        let (other, total) = self.rest(&rows);
        let place = self.query.values.iter().position(|value| Some(*value) == ranking.by);
        let whole = match place.and_then(|place| total.get(place)) {
            Some(Cell::Count(whole)) if ranking.by.is_some_and(Value::is_additive) => *whole as f64,
            _ => 0.0,
        };
        let percent = |&group: &u32| ranks.get(group).as_f64() * 100.0 / whole;
        let percents = if whole > 0.0 { rows.iter().map(percent).collect() } else { Vec::new() };
        Report { others: (self.len() - rows.len()) as u64, rows, percents, other, total }
    }

    /// What groups are ranked by; sums are looked up where they are.
    fn ranks(&self, by: Option<Value>) -> Ranks<'_> {
        let Some(value) = by else { return Ranks::None };
        let slot = match value {
            Value::Flows => Some(Slot::Flows),
            Value::Packets => Some(Slot::Sum(FlowColumn::Packets)),
            Value::Bytes => Some(Slot::Sum(FlowColumn::Bytes)),
            _ => None,
        };
        match slot.and_then(|slot| self.kept.slot(slot)) {
            Some(place) => {
                let slots = with_table!(&self.tables, table => &table.slots);
                Ranks::Slots { slots, stride: self.kept.slots.len(), place }
            }
            None => {
                Ranks::Cells((0..self.len() as u32).map(|group| self.value(group, value)).collect())
            }
        }
    }

    fn compare_keys(&self, a: u32, b: u32) -> Ordering {
        with_table!(&self.tables, table => {
            let keys = table.index.keys();
            keys[a as usize].cmp(&keys[b as usize])
        })
    }

    /// The values of the groups that are not among `rows`, and of all.
    fn rest(&self, rows: &[u32]) -> (Vec<Cell>, Vec<Cell>) {
        let mut told = rows.to_vec();
        told.sort_unstable();
        let (mut total, mut other) = (Whole::new(&self.kept), Whole::new(&self.kept));
        let mut start = 0;
        for group in told.into_iter().map(|group| group as usize) {
            total.add(self, group..group + 1);
            other.add(self, start..group);
            start = group + 1;
        }
        other.add(self, start..self.len());
        total.merge(&self.kept, &other);
        let tell = |whole: &Whole| {
            self.query.values.iter().map(|value| whole.tell(self, *value)).collect()
        };
        (tell(&other), tell(&total))
    }
}

/// What groups are ranked by.
enum Ranks<'a> {
    /// Nothing: all are equal.
    None,
    /// One of the numbers that are kept of each.
    Slots { slots: &'a [u64], stride: usize, place: usize },
    /// Computed for each.
    Cells(Vec<Cell>),
}

impl Ranks<'_> {
    fn get(&self, group: u32) -> Cell {
        match self {
            Self::None => Cell::None,
            Self::Slots { slots, stride, place } => {
                let slot = slots.get(group as usize * stride + place);
                slot.map_or(Cell::None, |&number| Cell::Count(number))
            }
            Self::Cells(cells) => cells.get(group as usize).copied().unwrap_or(Cell::None),
        }
    }

    fn is_at_least(&self, group: u32, least: f64) -> bool {
        matches!(self, Self::None) || self.get(group).as_f64() >= least
    }
}

/// The first `count` in this order, unordered: most are compared once, with the last of those so far.
fn first_of(
    all: impl Iterator<Item = u32>,
    count: usize,
    order: impl Fn(&u32, &u32) -> Ordering,
) -> Vec<u32> {
    let mut first: Vec<u32> = Vec::new();
    if count == 0 {
        return first;
    }
    let mut last: Option<u32> = None;
    for group in all {
        if last.is_some_and(|last| order(&group, &last) == Ordering::Greater) {
            continue;
        }
        first.push(group);
        // Room for as many again, so that each is moved a few times at most.
        if first.len() >= count.saturating_mul(2).max(1024) {
            let (_, nth, _) = first.select_nth_unstable_by(count - 1, &order);
            last = Some(*nth);
            first.truncate(count);
        }
    }
    if first.len() > count {
        first.select_nth_unstable_by(count - 1, &order);
        first.truncate(count);
    }
    first
}

/// Several groups as one; what does not add up is not told.
struct Whole {
    slots: Vec<u64>,
    sums: Vec<Sums>,
    any: bool,
}

impl Whole {
    fn new(kept: &Kept) -> Self {
        let start = |slot: &Slot| if matches!(slot, Slot::Min(_)) { u64::MAX } else { 0 };
        let sums = vec![Sums::default(); kept.measures.len()];
        Self { slots: kept.slots.iter().map(start).collect(), sums, any: false }
    }

    fn add(&mut self, groups: &Groups, range: Range<usize>) {
        let kept = &groups.kept;
        self.any |= !range.is_empty();
        let (stride, measures) = (kept.slots.len(), kept.measures.len());
        with_table!(&groups.tables, table => {
            let theirs = &table.slots[range.start * stride..range.end * stride];
            // What is asked for most: with three numbers side by side, the loop has no inner one.
            if let (&[Slot::Flows, Slot::Sum(_), Slot::Sum(_)], [a, b, c]) =
                (kept.slots.as_slice(), self.slots.as_mut_slice())
            {
                for theirs in theirs.as_chunks::<3>().0 {
                    *a = a.saturating_add(theirs[0]);
                    *b = b.saturating_add(theirs[1]);
                    *c = c.saturating_add(theirs[2]);
                }
            } else {
                for theirs in theirs.chunks_exact(stride) {
                    for ((ours, &theirs), slot) in self.slots.iter_mut().zip(theirs).zip(&kept.slots) {
                        *ours = slot.combine(*ours, theirs);
                    }
                }
            }
            let sums = table.sums[range.start * measures..range.end * measures].iter();
            sums.enumerate().for_each(|(at, theirs)| self.sums[at % measures].merge(theirs));
        });
    }

    fn merge(&mut self, kept: &Kept, other: &Self) {
        self.any |= other.any;
        for (place, slot) in kept.slots.iter().enumerate() {
            self.slots[place] = slot.combine(self.slots[place], other.slots[place]);
        }
        self.sums.iter_mut().zip(&other.sums).for_each(|(ours, theirs)| ours.merge(theirs));
    }

    fn tell(&self, groups: &Groups, value: Value) -> Cell {
        match value {
            Value::Moment(Moment::Quantile(_), _)
            | Value::Distinct(_)
            | Value::ApproxDistinct(_) => Cell::None,
            Value::Moment(moment, measure) => {
                let place = groups.kept.measures.iter().position(|known| *known == measure);
                place.map_or(Cell::None, |place| self.sums[place].tell(moment))
            }
            plain if self.any || plain.is_additive() => groups.plain(&self.slots, plain),
            _ => Cell::None,
        }
    }
}
