//! The overview: totals, protocols, services, talkers, networks, sizes, concentration and traffic over time.

use rheos_core::{Nanos, Timestamp};

use super::series::{LoadScheme, Series};
use super::spread;
use crate::aggregate::{
    Cell, Grouper, Groups, Histogram, Key, Keys, Measure, Moment, Query, Ranking, Report, Value,
};
use crate::{Column, Error, FlowBlock, FlowColumn, FlowColumns, Rate};

/// Beginnings that are kept for the times between them; with more flows those are not told.
const FIRSTS_MAX: usize = 64 << 20;
/// The share of the largest values by which tails are judged.
const TAIL_SHARE: f64 = 0.01;
/// Quantiles that are told of each distribution, in percent.
pub(crate) const QUANTILES: [f64; 7] = [1.0, 10.0, 25.0, 50.0, 75.0, 90.0, 99.0];

/// What is to be told.
#[derive(Clone, Copy, Debug)]
pub struct OverviewPlan {
    /// How many protocols, services, talkers and networks.
    pub top: usize,
    /// Width of the steps of time.
    pub bin: Nanos,
    /// Where in time packets and bytes count.
    pub scheme: LoadScheme,
    /// Leading bits of networks, of IPv4 and of IPv6.
    pub prefixes: (u8, u8),
}

impl Default for OverviewPlan {
    /// Ten of each, seconds, networks of 24 and 64 bits.
    fn default() -> Self {
        Self { top: 10, bin: Nanos::from_secs(1), scheme: LoadScheme::Start, prefixes: (24, 64) }
    }
}

/// One table of groups: what they are called, the groups and those that are told.
#[derive(Debug)]
pub struct Ranked {
    /// `protocols`, `services`, ...
    pub name: &'static str,
    /// All of them.
    pub groups: Groups,
    /// Those that are told.
    pub report: Report,
}

/// How the values of one number are spread.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// `bytes`, `packets`, `duration`, `gap`, ...
    pub name: &'static str,
    /// Whether values are nanoseconds.
    pub is_time: bool,
    /// All values.
    pub histogram: Histogram,
    /// Percents and values.
    pub quantiles: Vec<(f64, Cell)>,
    /// Hill's estimate of the tail index of the largest hundredth.
    pub tail_index: Option<f64>,
}

/// How unevenly flows are spread over the values of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Concentration {
    /// Which.
    pub column: FlowColumn,
    /// How many values it has.
    pub distinct: u64,
    /// Shannon entropy in bits, of flows.
    pub entropy: f64,
    /// The entropy if all values had as many flows.
    pub entropy_max: f64,
    /// Gini coefficient of flows.
    pub gini: Option<f64>,
    /// Zipf exponent of flows by rank.
    pub zipf: Option<f64>,
}

/// Everything.
#[derive(Debug)]
pub struct Overview {
    /// Flows, packets, bytes.
    pub flows: u64,
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// When the first flow began and the last one ended.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Protocols, services, sources, destinations, networks, and fan-out.
    pub ranked: Vec<Ranked>,
    /// Bytes, packets, duration, bytes per packet, and gaps between beginnings.
    pub distributions: Vec<Distribution>,
    /// Of addresses and ports.
    pub concentrations: Vec<Concentration>,
    /// Traffic over time.
    pub series: Series,
}

impl Overview {
    /// A rate of all flows together over their whole time.
    pub fn rate(&self, rate: Rate) -> u64 {
        let span = self.span.map_or(0, |(first, last)| last.since(first).0);
        rate.of(self.packets, self.bytes, span)
    }
}

const TABLES: [&str; 8] = [
    "protocols",
    "services",
    "sources",
    "destinations",
    "source networks",
    "destination networks",
    "source ports",
    "destination ports",
];
const PLACES: [(usize, FlowColumn); 4] = [
    (2, FlowColumn::SrcIp),
    (3, FlowColumn::DstIp),
    (6, FlowColumn::SrcPort),
    (7, FlowColumn::DstPort),
];
const MEASURES: [(&str, Measure); 4] = [
    ("bytes", Measure::Column(FlowColumn::Bytes)),
    ("packets", Measure::Column(FlowColumn::Packets)),
    ("duration", Measure::Rate(Rate::Duration)),
    ("bytes per packet", Measure::Rate(Rate::Bpp)),
];

/// Counts blocks for an [`Overview`].
#[derive(Debug)]
pub struct OverviewCounter {
    plan: OverviewPlan,
    groupers: Vec<Grouper>,
    histograms: Vec<Histogram>,
    series: Series,
    firsts: Vec<u64>,
    are_firsts_whole: bool,
}

impl OverviewCounter {
    /// Ready to count.
    pub fn new(plan: OverviewPlan) -> Self {
        Self {
            plan,
            groupers: queries(plan).iter().map(Grouper::new).collect(),
            histograms: vec![Histogram::default(); MEASURES.len()],
            series: Series::new(plan.bin, plan.scheme),
            firsts: Vec::new(),
            are_firsts_whole: true,
        }
    }

    /// The columns that it needs.
    pub fn columns() -> FlowColumns {
        use FlowColumn::{Bytes, DstIp, DstPort, First, Last, Packets, Protocol, SrcIp, SrcPort};
        FlowColumns::of(&[First, Last, SrcIp, DstIp, SrcPort, DstPort, Protocol, Packets, Bytes])
    }

    /// Counts a block.
    ///
    /// # Errors
    /// If there are more groups or steps of time than may be.
    pub fn add(&mut self, block: &FlowBlock) -> Result<(), Error> {
        let services = with_service_ports(block);
        for (grouper, name) in self.groupers.iter_mut().zip(TABLES) {
            grouper.add(if name == "services" { &services } else { block })?;
        }
        for (histogram, (_, measure)) in self.histograms.iter_mut().zip(MEASURES) {
            for row in 0..block.len() {
                histogram.add(measure.at(block, row));
            }
        }
        self.series.add(block)?;
        let firsts = block.u64s(FlowColumn::First).unwrap_or_default();
        if self.firsts.len() + firsts.len() > FIRSTS_MAX {
            self.are_firsts_whole = false;
        } else {
            self.firsts.extend_from_slice(firsts);
        }
        Ok(())
    }

    /// Adds what another one with the same plan has counted.
    ///
    /// # Errors
    /// If there are more groups or steps of time than may be.
    pub fn merge(&mut self, other: Self) -> Result<(), Error> {
        for (ours, theirs) in self.groupers.iter_mut().zip(other.groupers) {
            ours.merge(theirs)?;
        }
        self.histograms.iter_mut().zip(&other.histograms).for_each(|(a, b)| a.merge(b));
        self.series.merge(&other.series)?;
        self.are_firsts_whole &=
            other.are_firsts_whole && self.firsts.len() + other.firsts.len() <= FIRSTS_MAX;
        if self.are_firsts_whole {
            self.firsts.extend(other.firsts);
        }
        Ok(())
    }

    /// The overview.
    ///
    /// # Errors
    /// If there are more groups than may be.
    pub fn finish(mut self) -> Result<Overview, Error> {
        let mut ranked = Vec::new();
        let ranking = Ranking::top(Value::Bytes, self.plan.top);
        for (grouper, name) in self.groupers.into_iter().zip(TABLES) {
            let groups = grouper.finish()?;
            let report = groups.report(&ranking);
            ranked.push(Ranked { name, groups, report });
        }
        let concentrations = PLACES
            .iter()
            .filter_map(|&(place, column)| Some(concentration(&ranked.get(place)?.groups, column)))
            .collect();
        let total = ranked.first().map(|table| table.report.total.clone()).unwrap_or_default();
        let count = |place: usize| match total.get(place) {
            Some(Cell::Count(count)) => *count,
            _ => 0,
        };
        let time = |place: usize| match total.get(place) {
            Some(Cell::Time(time)) => Some(*time),
            _ => None,
        };
        let mut distributions: Vec<Distribution> = self
            .histograms
            .into_iter()
            .zip(MEASURES)
            .map(|(histogram, (name, _))| distribution(name, name == "duration", histogram))
            .collect();
        if self.are_firsts_whole {
            self.firsts.sort_unstable();
            let mut gaps = Histogram::default();
            self.firsts.windows(2).for_each(|pair| gaps.add(pair[1] - pair[0]));
            distributions.push(distribution("gap", true, gaps));
        }
        Ok(Overview {
            flows: count(0),
            packets: count(1),
            bytes: count(2),
            span: time(3).zip(time(4)),
            ranked,
            distributions,
            concentrations,
            series: self.series,
        })
    }
}

/// In the order of [`TABLES`].
fn queries(plan: OverviewPlan) -> Vec<Query> {
    let (v4, v6) = plan.prefixes;
    let network = |column| Key::Network { column, v4, v6 };
    let parts = [
        vec![Key::Column(FlowColumn::Protocol)],
        vec![Key::Column(FlowColumn::Protocol), Key::Column(FlowColumn::DstPort)],
        vec![Key::Column(FlowColumn::SrcIp)],
        vec![Key::Column(FlowColumn::DstIp)],
        vec![network(FlowColumn::SrcIp)],
        vec![network(FlowColumn::DstIp)],
        vec![Key::Column(FlowColumn::SrcPort)],
        vec![Key::Column(FlowColumn::DstPort)],
    ];
    let mut values = vec![Value::Flows, Value::Packets, Value::Bytes];
    let queries = parts.into_iter().zip(TABLES).map(|(parts, name)| {
        let mut values = match name {
            "protocols" => {
                values.extend([Value::First, Value::Last]);
                let all = values.clone();
                values.truncate(3);
                all
            }
            name if name.ends_with("networks") => [&values[..], &[Value::Rate(Rate::Bps)]].concat(),
            _ => values.clone(),
        };
        if name == "sources" {
            values.push(Value::Distinct(FlowColumn::DstIp));
        }
        let keys = Keys { parts, both_directions: false };
        Query { keys, values, groups_max: crate::aggregate::GROUPS_MAX }
    });
    queries.collect()
}

/// The block with the service's port as destination port: the lower one of both, since clients take high ones.
fn with_service_ports(block: &FlowBlock) -> FlowBlock {
    let (src, dst) = (block.column(FlowColumn::SrcPort), block.column(FlowColumn::DstPort));
    let (Some(Column::U16(src)), Some(Column::U16(dst))) = (src, dst) else { return block.clone() };
    let lower = src.iter().zip(dst.iter()).map(|(src, dst)| *src.min(dst)).collect();
    block.clone().with(FlowColumn::DstPort, Column::U16(lower))
}

fn distribution(name: &'static str, is_time: bool, histogram: Histogram) -> Distribution {
    let quantile = |percent| (percent, histogram.tell(Moment::Quantile(percent)));
    let buckets: Vec<(u64, u64)> = histogram.buckets().collect();
    Distribution {
        name,
        is_time,
        quantiles: QUANTILES.map(quantile).to_vec(),
        tail_index: spread::hill(&buckets, TAIL_SHARE),
        histogram,
    }
}

fn concentration(groups: &Groups, column: FlowColumn) -> Concentration {
    let flows = |group| match groups.value(group, Value::Flows) {
        Cell::Count(count) => count,
        _ => 0,
    };
    let mut counts: Vec<u64> = (0..groups.len() as u32).map(flows).collect();
    counts.sort_unstable();
    let entropy = spread::entropy(counts.iter().copied());
    let gini = spread::gini(&counts);
    counts.reverse();
    Concentration {
        column,
        distinct: counts.len() as u64,
        entropy,
        entropy_max: (counts.len().max(1) as f64).log2(),
        gini,
        zipf: spread::zipf_slope(&counts),
    }
}

#[cfg(test)]
mod tests {
    use rheos_core::WideRecord;

    use super::*;

    fn records() -> Vec<WideRecord> {
        (0..1000_u64)
            .map(|n| WideRecord {
                first: n * 1_000_000,
                last: n * 1_000_000 + 500,
                source_ip: WideRecord::mapped(0x0a00_0000 | (n % 10) as u32),
                destination_ip: WideRecord::mapped(0x0b00_0000 | (n % 20) as u32),
                source_port: if n % 2 == 0 { 443 } else { 40_000 + n as u16 },
                destination_port: if n % 2 == 0 { 50_000 } else { 443 },
                protocol: if n % 4 == 0 { 17 } else { 6 },
                packets: 2,
                bytes: 100 + n,
                ..WideRecord::default()
            })
            .collect()
    }

    fn overview(cuts: &[usize]) -> Overview {
        let block = FlowBlock::from_wide(&records());
        let plan = OverviewPlan { bin: Nanos::from_millis(100), ..OverviewPlan::default() };
        let mut whole = OverviewCounter::new(plan);
        let mut start = 0;
        for &end in cuts {
            let mut part = OverviewCounter::new(plan);
            part.add(&block.slice(start, end - start)).unwrap();
            whole.merge(part).unwrap();
            start = end;
        }
        whole.finish().unwrap()
    }

    #[test]
    fn the_overview_by_hand() {
        let all = overview(&[1000]);
        assert_eq!((all.flows, all.packets, all.bytes), (1000, 2000, 599_500));
        assert_eq!(all.span.map(|(_, last)| last.as_nanos()), Some(999_000_500));
        assert_eq!(all.rate(Rate::Bpp), 299);
        let services = &all.ranked[1];
        assert_eq!(services.groups.len(), 2, "port 443 of TCP and UDP, whichever end has it");
        let sources = &all.ranked[2];
        assert_eq!(sources.groups.value(0, Value::Distinct(FlowColumn::DstIp)), Cell::Count(2));
        assert!((all.concentrations[0].entropy - 10_f64.log2()).abs() < 1e-9);
        assert_eq!(all.concentrations[0].gini.map(|g| g < 1e-9), Some(true));
        let gaps = all.distributions.last().unwrap();
        let Cell::Count(median) = gaps.quantiles[3].1 else { panic!("a number") };
        assert_eq!((gaps.name, median.abs_diff(1_000_000) < 10_000), ("gap", true));
        assert_eq!(all.series.bins().count(), 10);
    }

    #[test]
    fn parts_add_up_to_the_same() {
        let (one, many) = (overview(&[1000]), overview(&[1, 400, 999, 1000]));
        for (a, b) in one.ranked.iter().zip(&many.ranked) {
            let told =
                |r: &Ranked| r.report.rows.iter().map(|&g| r.groups.key(g)).collect::<Vec<_>>();
            assert_eq!(told(a), told(b), "{}", a.name);
            assert_eq!(a.report.total, b.report.total);
        }
        assert_eq!(one.concentrations, many.concentrations);
        for (a, b) in one.distributions.iter().zip(&many.distributions) {
            assert_eq!(a.quantiles, b.quantiles, "{}", a.name);
        }
    }
}
