//! What each leaf's flows are like: protocol, ports, and where the tables of its sizes and gaps lie.

#![expect(clippy::inline_always, reason = "loops over a chunk become vectors only as a whole")]

use super::distribution::{Distribution, Shares};
use super::quantiles::{ENTRIES, Quantiles, Spot};
use super::service::{self, Kind, has_ports};
use super::talk::DNS_PORT;
use super::{SizeModel, TCP, UDP, agh};
use crate::flows::config::FlowConfig;
use crate::flows::pattern::Pattern;
use crate::flows::plan::Leaf;

/// Most packets of a flow; the longest IP packet, and the longest in Ethernet.
const PACKETS_MAX: f64 = 1e9;
const PACKET_MAX: f64 = 65_535.0;
const ETHERNET_MAX: f64 = 1500.0;

/// Most nanoseconds between two packets: a day.
const GAP_MAX: f64 = 86_400e9;

/// Shortest packets: headers of IPv4 alone, with UDP's, with TCP's.
const fn least_bytes(protocol: u8) -> f64 {
    match protocol {
        TCP => 40.0,
        UDP => 28.0,
        _ => 20.0,
    }
}

/// What is drawn for the flows of one leaf.
#[expect(clippy::struct_excessive_bools, reason = "each picks values without a branch")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Shape {
    /// First entries of the tables: packets and bytes of the client, then of the server.
    pub(super) packets: [u32; 2],
    pub(super) bytes: [u32; 2],
    pub(super) gap: u32,
    /// Where no model tells sizes.
    pub(super) size: u32,
    pub(super) size_count: u32,
    pub(super) port_count: u32,
    pub(super) port: u16,
    pub(super) protocol: u8,
    pub(super) pattern: u8,
    pub(super) tos: u8,
    /// Bytes are per packet and drawn apart from the number of packets; else of the whole flow, and the longer the
    /// more.
    pub(super) apart: bool,
    /// The gap is the duration, whatever the number of packets.
    pub(super) gap_of_all: bool,
    /// No model tells sizes: one packet.
    pub(super) plain: bool,
    /// Both directions have the one distribution of `agh_2015`.
    pub(super) campus: bool,
    /// Clients have ports of their own.
    pub(super) has_ports: bool,
}

impl Shape {
    pub(super) const NONE: Self = Self {
        packets: [0; 2],
        bytes: [0; 2],
        gap: 0,
        size: 0,
        size_count: 0,
        port_count: 0,
        port: 0,
        protocol: 0,
        pattern: 0,
        tos: 0,
        apart: false,
        gap_of_all: false,
        plain: true,
        campus: false,
        has_ports: false,
    };

    /// Whether flows of both have the same sizes and gaps, and neither or both are those of DNS.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let of = |shape: &Self| {
            let Self { packets, bytes, gap, protocol, pattern, .. } = *shape;
            (packets, bytes, gap, protocol, pattern, shape.port == DNS_PORT)
        };
        of(self) == of(other)
    }
}

/// The tables of all leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shapes {
    /// One for each slot of the leaves' choice.
    of_leaf: Vec<Shape>,
    /// All tables, one after the other.
    entries: Vec<f32>,
    /// Mean bytes of a leaf's flows from client and server, where a model tells them.
    means: Vec<Option<[f64; 2]>>,
    any: bool,
    any_plain: bool,
    any_apart: bool,
}

/// Where the tables of a kind of flow lie, and its mean bytes.
#[derive(Clone, Copy, Debug)]
struct Tables {
    shape: Shape,
    mean: Option<[f64; 2]>,
}

impl Shapes {
    /// For leaves of the patterns and services of a configuration.
    pub(super) fn new(config: &FlowConfig, leaves: &[Leaf]) -> Self {
        let mut shapes = Self::default();
        // Leaves of one pattern and protocol share their tables.
        let mut known: Vec<((u8, u8), Tables)> = Vec::new();
        for leaf in leaves {
            let of = (leaf.pattern, leaf.protocol);
            let tables = known.iter().find(|(known, _)| *known == of).map(|&(_, tables)| tables);
            let Tables { shape, mean } = tables.unwrap_or_else(|| {
                let tables = shapes.tables(config, leaf);
                known.push((of, tables));
                tables
            });
            // What only fills the table of leaves is never drawn.
            let is_drawn = leaf.port_count > 0;
            shapes.any |= !shape.plain;
            shapes.any_plain |= shape.plain && is_drawn;
            shapes.any_apart |= shape.apart;
            shapes.means.push(mean);
            shapes.of_leaf.push(Shape {
                size: leaf.size,
                size_count: leaf.size_count,
                port_count: leaf.port_count,
                port: leaf.port,
                protocol: leaf.protocol,
                pattern: leaf.pattern,
                has_ports: has_ports(leaf.protocol),
                ..shape
            });
        }
        shapes
    }

    /// The tables of a leaf's pattern or service.
    fn tables(&mut self, config: &FlowConfig, leaf: &Leaf) -> Tables {
        let index = usize::from(leaf.pattern);
        let plain = Tables { shape: Shape::NONE, mean: None };
        if leaf.port_count == 0 {
            // It only fills the table of leaves.
            return plain;
        }
        let Some(&(pattern, _)) = config.patterns.get(index) else {
            let service = index.checked_sub(config.patterns.len());
            let Some((service, _)) = service.and_then(|index| config.services.get(index)) else {
                return plain;
            };
            let mut tables = self.kind(&Kind::from(service), leaf.protocol, PACKET_MAX);
            tables.shape.tos = service.dscp << 2;
            return tables;
        };
        match (config.realism.sizes, service::of_pattern(pattern)) {
            (SizeModel::Patterns, _) => plain,
            (SizeModel::Services, Some(kind)) => self.kind(&kind, leaf.protocol, ETHERNET_MAX),
            (SizeModel::Services, None) | (SizeModel::Agh2015, _) => self.campus(pattern, leaf),
        }
    }

    /// Packets and bytes of the whole flow at the same place of their distributions: longer flows have longer packets,
    /// as measured.
    fn campus(&mut self, pattern: Pattern, leaf: &Leaf) -> Tables {
        let tcp = leaf.protocol == TCP;
        let sizes = agh::sizes(tcp);
        let (packets, bytes) = (self.table(&sizes.packets), self.table(&sizes.bytes));
        let shape = Shape {
            packets: [packets; 2],
            bytes: [bytes; 2],
            gap: self.table(&gaps(pattern, tcp)),
            gap_of_all: pattern == Pattern::Dns,
            plain: false,
            campus: true,
            ..Shape::NONE
        };
        Tables { shape, mean: Some([sizes.bytes.mean_whole(); 2]) }
    }

    /// Packets, and bytes per packet.
    fn kind(&mut self, kind: &Kind, protocol: u8, most: f64) -> Tables {
        let least = least_bytes(protocol);
        let packets = |of| Quantiles::new(&Shares::new(of), |value| value.clamp(1.0, PACKETS_MAX));
        let bytes = |of| Quantiles::new(&Shares::new(of), |value| value.clamp(least, most));
        let Kind { reply, .. } = kind;
        let packets = [packets(&kind.packets), packets(&reply.packets)];
        let bytes = [bytes(&kind.bytes_per_packet), bytes(&reply.bytes_per_packet)];
        let mean = |way: usize| packets[way].mean_whole() * bytes[way].mean();
        let shape = Shape {
            packets: packets.each_ref().map(|table| self.table(table)),
            bytes: bytes.each_ref().map(|table| self.table(table)),
            gap: self.table(&milliseconds(&kind.gap_ms)),
            apart: true,
            plain: false,
            ..Shape::NONE
        };
        Tables { shape, mean: Some([mean(0), mean(1)]) }
    }

    /// Where a table lies; the same one is kept once.
    fn table(&mut self, table: &Quantiles) -> u32 {
        let entries = table.entries();
        let known = self.entries.chunks_exact(entries.len()).position(|own| own == entries);
        let at = known.map_or(self.entries.len(), |at| at * entries.len());
        if known.is_none() {
            self.entries.extend_from_slice(entries);
        }
        // At most five tables for each of 256 patterns and two protocols: 2^24 entries.
        at as u32
    }

    /// Whether a model tells sizes; else flows have one packet of their leaf's sizes.
    #[inline(always)]
    pub(super) fn any(&self) -> bool {
        self.any
    }

    /// Whether some leaves have no model of sizes.
    #[inline(always)]
    pub(super) fn any_plain(&self) -> bool {
        self.any_plain
    }

    /// Whether bytes of any leaf are drawn apart from packets.
    #[inline(always)]
    pub(super) fn any_apart(&self) -> bool {
        self.any_apart
    }

    /// Mean bytes of a leaf's flows from client and server, if a model says it.
    pub(super) fn mean_bytes(&self, leaf: usize) -> Option<[f64; 2]> {
        self.means.get(leaf).copied().flatten()
    }

    /// A table alone.
    pub(super) fn quantiles(&self, table: u32) -> Quantiles {
        let entries = self.entries.get(table as usize..).unwrap_or_default();
        Quantiles::from_entries(entries.get(..ENTRIES).unwrap_or_default())
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
fn gaps(pattern: Pattern, tcp: bool) -> Quantiles {
    let (from, to) = match pattern {
        Pattern::Web => (10.0, 100.0),
        Pattern::Ssh | Pattern::Dns => (1.0, 50.0),
        Pattern::Database => (1.0, 20.0),
        _ if tcp => (5.0, 50.0),
        _ => (0.1, 10.0),
    };
    milliseconds(&Distribution::Uniform { from, to })
}

/// A table in nanoseconds of a distribution in milliseconds.
pub(super) fn milliseconds(of: &Distribution) -> Quantiles {
    Quantiles::new(&Shares::new(of), |value| (value * 1e6).min(GAP_MAX))
}
