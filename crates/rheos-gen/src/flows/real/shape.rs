//! What each leaf's flows are like: protocol, ports, and where the tables of its sizes and gaps lie.

#![expect(clippy::inline_always, reason = "loops over a chunk become vectors only as a whole")]

use super::distribution::{Distribution, Shares};
use super::quantiles::{Quantiles, Spot};
use super::{SizeModel, TCP, agh};
use crate::flows::pattern::Pattern;
use crate::flows::plan::Leaf;

/// Most nanoseconds between two packets: a day.
const GAP_MAX: f64 = 86_400e9;

/// What is drawn for the flows of one leaf.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Shape {
    /// First entries of the tables.
    pub(super) packets: u32,
    pub(super) bytes: u32,
    pub(super) gap: u32,
    /// Where no model tells sizes.
    pub(super) size: u32,
    pub(super) size_count: u32,
    pub(super) port_count: u32,
    pub(super) port: u16,
    pub(super) protocol: u8,
    pub(super) pattern: u8,
    /// Bytes are per packet and drawn apart from the number of packets; else of the whole flow, and the longer the
    /// more.
    pub(super) apart: bool,
    /// The gap is the duration, whatever the number of packets.
    pub(super) gap_of_all: bool,
}

impl Shape {
    pub(super) const NONE: Self = Self {
        packets: 0,
        bytes: 0,
        gap: 0,
        size: 0,
        size_count: 0,
        port_count: 0,
        port: 0,
        protocol: 0,
        pattern: 0,
        apart: false,
        gap_of_all: false,
    };
}

/// The tables of all leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shapes {
    /// One for each slot of the leaves' choice.
    of_leaf: Vec<Shape>,
    /// All tables, one after the other.
    entries: Vec<f32>,
    /// Mean bytes of a leaf's flows, where a model tells them.
    means: Vec<Option<f64>>,
    any: bool,
    any_apart: bool,
}

impl Shapes {
    pub(super) fn new(
        model: SizeModel,
        leaves: &[Leaf],
        pattern: impl Fn(u8) -> Option<Pattern>,
    ) -> Self {
        let mut shapes = Self { any: model != SizeModel::Patterns, ..Self::default() };
        // Tables that are there already, by what they are of.
        let mut known: Vec<((Option<Pattern>, bool), Shape)> = Vec::new();
        for leaf in leaves {
            let plain = Shape {
                size: leaf.size,
                size_count: leaf.size_count,
                port_count: leaf.port_count,
                port: leaf.port,
                protocol: leaf.protocol,
                pattern: leaf.pattern,
                ..Shape::default()
            };
            if model == SizeModel::Patterns {
                shapes.push(plain, None);
                continue;
            }
            let tcp = leaf.protocol == TCP;
            let kind = (pattern(leaf.pattern), tcp);
            let sizes = agh::sizes(tcp);
            let tables = known.iter().find(|(of, _)| *of == kind).map(|&(_, tables)| tables);
            let tables = tables.unwrap_or_else(|| {
                let gaps = gaps(kind.0, tcp);
                let tables = Shape {
                    packets: shapes.table(&sizes.packets),
                    bytes: shapes.table(&sizes.bytes),
                    gap: shapes.table(&gaps),
                    gap_of_all: kind.0 == Some(Pattern::Dns),
                    ..Shape::default()
                };
                known.push((kind, tables));
                tables
            });
            let Shape { packets, bytes, gap, gap_of_all, .. } = tables;
            let shape = Shape { packets, bytes, gap, gap_of_all, ..plain };
            shapes.push(shape, Some(sizes.bytes.mean_whole()));
        }
        shapes
    }

    fn push(&mut self, shape: Shape, mean: Option<f64>) {
        self.any_apart |= shape.apart;
        self.of_leaf.push(shape);
        self.means.push(mean);
    }

    /// Where a table lies; the same one is kept once.
    fn table(&mut self, table: &Quantiles) -> u32 {
        let entries = table.entries();
        let known = self.entries.chunks_exact(entries.len()).position(|own| own == entries);
        let at = known.map_or(self.entries.len(), |at| at * entries.len());
        if known.is_none() {
            self.entries.extend_from_slice(entries);
        }
        // At most five tables for each of 4096 leaves: 2^27 entries.
        at as u32
    }

    /// Whether a model tells sizes; else flows have one packet of their leaf's sizes.
    #[inline(always)]
    pub(super) fn any(&self) -> bool {
        self.any
    }

    /// Whether bytes of any leaf are drawn apart from packets.
    #[inline(always)]
    pub(super) fn any_apart(&self) -> bool {
        self.any_apart
    }

    /// Mean bytes of a leaf's flows, if a model says it.
    pub(super) fn mean_bytes(&self, leaf: usize) -> Option<f64> {
        self.means.get(leaf).copied().flatten()
    }

    /// What the flows of a leaf are like.
    #[inline(always)]
    pub(super) fn of(&self, leaf: u32) -> Shape {
        self.of_leaf.get(leaf as usize).copied().unwrap_or_default()
    }

    /// The value at a place of a table.
    #[inline(always)]
    pub(super) fn value(&self, table: u32, Spot { entry, within }: Spot) -> f64 {
        let at = (table + entry) as usize;
        let Some(&[from, to]) = self.entries.get(at..at + 2) else { return 0.0 };
        f64::from(from) + within * (f64::from(to) - f64::from(from))
    }
}

/// The gap between packets in nanoseconds: even in the range that the older generator's statistics have for the
/// service; for DNS all packets together.
fn gaps(pattern: Option<Pattern>, tcp: bool) -> Quantiles {
    let (from, to) = match pattern {
        Some(Pattern::Web) => (10.0, 100.0),
        Some(Pattern::Ssh | Pattern::Dns) => (1.0, 50.0),
        Some(Pattern::Database) => (1.0, 20.0),
        _ if tcp => (5.0, 50.0),
        _ => (0.1, 10.0),
    };
    milliseconds(&Distribution::Uniform { from, to })
}

/// A table in nanoseconds of a distribution in milliseconds.
pub(super) fn milliseconds(of: &Distribution) -> Quantiles {
    Quantiles::new(&Shares::new(of), |value| (value * 1e6).min(GAP_MAX))
}
