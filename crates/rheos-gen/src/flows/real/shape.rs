//! What each leaf's flows are like: protocol, ports, and where the tables of its sizes and gaps lie.

#![expect(clippy::inline_always, reason = "loops over a chunk become vectors only as a whole")]

use super::chunk::Column;
use super::distribution::{Distribution, Shares};
use super::layout;
use super::quantiles::{ENTRIES, ENTRY_BITS, Entry, Quantiles, look_up};
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
    /// Numbers of the tables: packets and bytes of the client, then of the server.
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

/// Numbers of tables take 12 bits each of a word.
const TABLE_BITS: u32 = 12;
const TABLE_MASK: u64 = (1 << TABLE_BITS) - 1;

/// The tables of a leaf's flows as one word: packets and bytes of the client, then of the server; gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tables(u64);

impl Tables {
    pub(super) const NONE: Self = Self(0);

    const fn new(shape: &Shape) -> Self {
        let [client, server] = shape.packets;
        let [client_bytes, server_bytes] = shape.bytes;
        let all = [client, client_bytes, server, server_bytes, shape.gap];
        let (mut word, mut at) = (0, 0);
        while at < all.len() {
            word |= (all[at] as u64) << (TABLE_BITS * at as u32);
            at += 1;
        }
        Self(word)
    }

    /// Where the entries of table `at` begin.
    #[inline(always)]
    const fn begin(self, at: u32) -> u32 {
        ((self.0 >> (TABLE_BITS * at) & TABLE_MASK) as u32) << ENTRY_BITS
    }

    #[inline(always)]
    pub(super) const fn packets(self, way: u32) -> u32 {
        self.begin(2 * way)
    }

    #[inline(always)]
    pub(super) const fn bytes(self, way: u32) -> u32 {
        self.begin(2 * way + 1)
    }

    #[inline(always)]
    pub(super) const fn gap(self) -> u32 {
        self.begin(4)
    }

    /// Client and server change places where `back` is all ones.
    #[inline(always)]
    pub(super) const fn turned(self, back: u64) -> Self {
        let ways = 2 * TABLE_BITS;
        let other = (self.0 ^ self.0 >> ways) & ((1 << ways) - 1) & back;
        Self(self.0 ^ other ^ other << ways)
    }
}

/// The rest of a leaf's shape as one word: what records have of it stands where they have it in their word of ports.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Traits(u64);

const APART: u32 = layout::FLAGS;
const GAP_OF_ALL: u32 = layout::FLAGS + 1;
const PLAIN: u32 = layout::FLAGS + 2;
const CAMPUS: u32 = layout::FLAGS + 3;
const HAS_PORTS: u32 = layout::FLAGS + 4;

impl Traits {
    pub(super) const NONE: Self = Self(0);

    const fn new(shape: &Shape) -> Self {
        Self(
            // At most 2^16 ports; at least one, where a leaf is drawn at all.
            (shape.port_count.saturating_sub(1) as u64) << layout::SOURCE_PORT
                | (shape.port as u64) << layout::DESTINATION_PORT
                | (shape.protocol as u64) << layout::PROTOCOL
                | (shape.pattern as u64) << layout::TCP_FLAGS
                | (shape.tos as u64) << layout::TOS
                | (shape.apart as u64) << APART
                | (shape.gap_of_all as u64) << GAP_OF_ALL
                | (shape.plain as u64) << PLAIN
                | (shape.campus as u64) << CAMPUS
                | (shape.has_ports as u64) << HAS_PORTS,
        )
    }

    #[inline(always)]
    const fn is(self, trait_bit: u32) -> bool {
        self.0 >> trait_bit & 1 == 1
    }

    #[inline(always)]
    pub(super) const fn apart(self) -> bool {
        self.is(APART)
    }

    #[inline(always)]
    pub(super) const fn gap_of_all(self) -> bool {
        self.is(GAP_OF_ALL)
    }

    #[inline(always)]
    pub(super) const fn plain(self) -> bool {
        self.is(PLAIN)
    }

    #[inline(always)]
    pub(super) const fn campus(self) -> bool {
        self.is(CAMPUS)
    }

    #[inline(always)]
    pub(super) const fn has_ports(self) -> bool {
        self.is(HAS_PORTS)
    }

    /// The server's first port, and how many there are.
    #[inline(always)]
    pub(super) fn ports(self) -> (u32, u32) {
        let port = |shift: u32| u32::from((self.0 >> shift) as u16);
        (port(layout::DESTINATION_PORT), port(layout::SOURCE_PORT) + 1)
    }

    #[inline(always)]
    pub(super) const fn protocol(self) -> u8 {
        (self.0 >> layout::PROTOCOL) as u8
    }

    #[inline(always)]
    pub(super) const fn pattern(self) -> u8 {
        (self.0 >> layout::TCP_FLAGS) as u8
    }

    #[inline(always)]
    pub(super) const fn tos(self) -> u8 {
        (self.0 >> layout::TOS) as u8
    }

    /// Protocol and type of service, where records have them.
    #[inline(always)]
    pub(super) const fn protocol_and_tos(self) -> u64 {
        self.0 & (0xff << layout::PROTOCOL | 0xff << layout::TOS)
    }
}

impl Shape {
    const NONE: Self = Self {
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
    /// The same as words.
    words: Vec<(Tables, Traits)>,
    /// All tables, one after the other.
    entries: Vec<Entry>,
    /// Mean bytes of a leaf's flows from client and server, where a model tells them.
    means: Vec<Option<[f64; 2]>>,
    any: bool,
    any_plain: bool,
    any_apart: bool,
}

/// Where the tables of a kind of flow lie, and its mean bytes.
#[derive(Clone, Copy, Debug)]
struct Kept {
    shape: Shape,
    mean: Option<[f64; 2]>,
}

impl Shapes {
    /// For leaves of the patterns and services of a configuration.
    pub(super) fn new(config: &FlowConfig, leaves: &[Leaf]) -> Self {
        let mut shapes = Self::default();
        // Leaves of one pattern and protocol share their tables.
        let mut known: Vec<((u8, u8), Kept)> = Vec::new();
        for leaf in leaves {
            let of = (leaf.pattern, leaf.protocol);
            let tables = known.iter().find(|(known, _)| *known == of).map(|&(_, tables)| tables);
            let Kept { shape, mean } = tables.unwrap_or_else(|| {
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
            let shape = Shape {
                size: leaf.size,
                size_count: leaf.size_count,
                port_count: leaf.port_count,
                port: leaf.port,
                protocol: leaf.protocol,
                pattern: leaf.pattern,
                has_ports: has_ports(leaf.protocol),
                ..shape
            };
            shapes.words.push((Tables::new(&shape), Traits::new(&shape)));
            shapes.of_leaf.push(shape);
        }
        shapes
    }

    /// The tables of a leaf's pattern or service.
    fn tables(&mut self, config: &FlowConfig, leaf: &Leaf) -> Kept {
        let index = usize::from(leaf.pattern);
        let plain = Kept { shape: Shape::NONE, mean: None };
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
    fn campus(&mut self, pattern: Pattern, leaf: &Leaf) -> Kept {
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
        Kept { shape, mean: Some([sizes.bytes.mean_whole(); 2]) }
    }

    /// Packets, and bytes per packet.
    fn kind(&mut self, kind: &Kind, protocol: u8, most: f64) -> Kept {
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
        Kept { shape, mean: Some([mean(0), mean(1)]) }
    }

    /// The number of a table; the same one is kept once.
    fn table(&mut self, table: &Quantiles) -> u32 {
        let entries = table.entries();
        let known = self.entries.chunks_exact(ENTRIES).position(|own| own == entries);
        let number = known.unwrap_or(self.entries.len() / ENTRIES);
        if known.is_none() {
            self.entries.extend_from_slice(entries);
        }
        // At most five for each of 256 patterns and two protocols, so 12 bits hold it.
        number as u32
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
        let mut tables = self.entries.chunks_exact(ENTRIES);
        Quantiles::from_entries(tables.nth(table as usize).unwrap_or_default())
    }

    /// What the flows of a leaf are like.
    pub(super) fn of(&self, leaf: u32) -> Shape {
        self.of_leaf.get(leaf as usize).copied().unwrap_or_default()
    }

    /// Where no model tells sizes: the least, and how many there are.
    #[inline(always)]
    pub(super) fn sizes(&self, leaf: u32) -> (u32, u32) {
        self.of_leaf.get(leaf as usize).map_or((0, 0), |shape| (shape.size, shape.size_count))
    }

    /// The words of leaves. Like all look-ups a function of its own: gathers into vectors would be slower.
    #[inline(never)]
    pub(super) fn words(
        &self,
        leaves: &Column<u32>,
        tables: &mut Column<Tables>,
        traits: &mut Column<Traits>,
    ) {
        for ((leaf, tables), traits) in leaves.iter().zip(tables).zip(traits) {
            (*tables, *traits) = self.words.get(*leaf as usize).copied().unwrap_or_default();
        }
    }

    /// Entries of all tables.
    pub(super) fn entries(&self, at: &Column<u32>, out: &mut Column<Entry>) {
        look_up(&self.entries, at, out);
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
