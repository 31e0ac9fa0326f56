//! What 64 flows are made of, column by column: random words, leaves, ports, addresses, sizes, durations.
//!
//! Each loop does one thing for all 64, so that the processor has many independent ones in flight and the compiler can
//! make vectors of those that are arithmetic. All of it is integers and exactly specified floating point, so every
//! kernel makes the same bytes.

#![expect(clippy::inline_always, reason = "loops over a chunk become vectors only as a whole")]
#![expect(clippy::needless_range_loop, reason = "all columns are as long as the loops")]

use super::popularity::Popularity;
use super::quantiles::{Entry, Spot, spot, whole};
use super::shape::{Shapes, Tables, Traits};
use super::{RealPlan, affinity};
use crate::flows::draw;
use crate::flows::plan::{FlowPlan, Side};
use crate::flows::record::EPHEMERAL;

/// Flows of a chunk.
pub(super) const LANES: usize = 64;

/// One number of each flow.
pub(super) type Column<T> = [T; LANES];

/// Counters of words of these kinds have keys that differ in these bits.
const HOST_WORDS: u64 = 1 << 63;
const SIZE_WORDS: u64 = 1 << 62;

/// Longest duration: 52 bits of nanoseconds are 52 days.
pub(super) const SPAN_MAX: f64 = 4.5e15;

/// What words of so many flows come from.
#[derive(Clone, Debug)]
pub(super) struct States(Column<u64>);

impl States {
    #[inline(always)]
    pub(super) fn new(key: u64, first: u64) -> Self {
        let counter = draw::counter(key, first);
        let mut states = [0; LANES];
        for k in 0..LANES {
            let step = (k as u64).wrapping_mul(draw::STEP);
            states[k] = draw::state_of(counter.wrapping_add(step));
        }
        Self(states)
    }

    /// Word `which` of each flow: high and low halves.
    #[inline(always)]
    pub(super) fn words(&self, which: usize) -> [Column<u32>; 2] {
        let mut halves = [[0; LANES]; 2];
        for k in 0..LANES {
            (halves[0][k], halves[1][k]) = draw::word(self.0[k], which);
        }
        halves
    }

    /// Word `which` of each flow, whole.
    #[inline(always)]
    pub(super) fn long(&self, which: usize, out: &mut Column<u64>) {
        for k in 0..LANES {
            out[k] = draw::long(draw::word(self.0[k], which));
        }
    }
}

/// Packets and bytes of flows.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    pub(super) packets: Column<u64>,
    pub(super) bytes: Column<u64>,
}

/// The columns that every flow has.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    /// All ones where a flow runs from server to client.
    pub(super) back: Column<u64>,
    pub(super) ephemeral: Column<u32>,
    pub(super) port: Column<u32>,
    /// 1 for IPv6.
    pub(super) ipv6: Column<u32>,
    pub(super) destination_net: Column<u32>,
    /// High and low half of the addresses as numbers.
    pub(super) client: [Column<u64>; 2],
    pub(super) server: [Column<u64>; 2],
    pub(super) tables: Column<Tables>,
    pub(super) traits: Column<Traits>,
    /// Places of the distribution of sizes.
    pub(super) place: Column<u32>,
    /// Of leaves without a model of sizes: bytes of requests and replies.
    pub(super) plain_bytes: [Column<u32>; 2],
    pub(super) counts: Counts,
    /// Mean gap between packets in nanoseconds; with few packets, all of the duration.
    pub(super) gap: Column<f32>,
    source_net: Column<u32>,
    leaf: Column<u32>,
}

impl Chunk {
    pub(super) const EMPTY: Self = Self {
        back: [0; LANES],
        ephemeral: [0; LANES],
        port: [0; LANES],
        ipv6: [0; LANES],
        destination_net: [0; LANES],
        client: [[0; LANES]; 2],
        server: [[0; LANES]; 2],
        tables: [Tables::NONE; LANES],
        traits: [Traits::NONE; LANES],
        place: [0; LANES],
        plain_bytes: [[0; LANES]; 2],
        counts: Counts { packets: [1; LANES], bytes: [0; LANES] },
        gap: [0.0; LANES],
        source_net: [0; LANES],
        leaf: [0; LANES],
    };

    /// Draws the flows from `first` on. What the plan does not need stays as it is.
    #[inline(always)]
    pub(super) fn draw(&mut self, plan: &FlowPlan, real: &RealPlan, first: u64) {
        let states = States::new(plan.key, first);
        let sizes = States::new(plan.key ^ SIZE_WORDS, first);
        let [choice, size] = states.words(0);
        self.draw_leaves(plan, &real.shapes, &choice);
        self.draw_directions(plan, &states);
        self.draw_nets(plan, &states);
        self.draw_hosts(plan, real, &states, first);
        if real.shapes.any_plain() {
            self.draw_plain(&real.shapes, [&size, &sizes.words(3)[0]]);
        }
        if real.shapes.any() {
            self.draw_sizes(&real.shapes, &sizes);
        }
    }

    /// Leaves: the same words as those of narrow records, like all up to the hosts.
    #[inline(always)]
    fn draw_leaves(&mut self, plan: &FlowPlan, shapes: &Shapes, choice: &Column<u32>) {
        plan.leaf_choice.pick_all(choice, &mut self.leaf);
        shapes.words(&self.leaf, &mut self.tables, &mut self.traits);
    }

    /// Directions and ports.
    #[inline(always)]
    fn draw_directions(&mut self, plan: &FlowPlan, states: &States) {
        let [direction, port] = states.words(2);
        for k in 0..LANES {
            let own = EPHEMERAL + (port[k] >> 18);
            self.ephemeral[k] = if self.traits[k].has_ports() { own } else { 0 };
            // The 18 bits that the other port leaves.
            let (first, count) = self.traits[k].ports();
            self.port[k] = first + draw::below(port[k] << 14, count);
        }
        if plan.reversed.possible {
            for k in 0..LANES {
                let back = u64::from(direction[k] <= plan.reversed.at_most);
                self.back[k] = 0_u64.wrapping_sub(back);
                self.tables[k] = self.tables[k].turned(self.back[k]);
            }
        }
    }

    /// Subnets, if there are several.
    #[inline(always)]
    fn draw_nets(&mut self, plan: &FlowPlan, states: &States) {
        let (sources, destinations) = (&plan.sources, &plan.destinations);
        if sources.nets.len() == 1 && destinations.nets.len() == 1 {
            self.ipv6 = [u32::from(plan.has_ipv6()); LANES];
            return;
        }
        let [source, destination] = states.words(3);
        for k in 0..LANES {
            self.source_net[k] = sources.choice.pick(source[k]);
            let ipv6 = sources.nets.get(self.source_net[k] as usize).is_some_and(|net| net.ipv6);
            self.ipv6[k] = u32::from(ipv6);
            let matching = destinations.of_version.get(usize::from(ipv6)).and_then(Option::as_ref);
            self.destination_net[k] = matching.map_or(0, |c| c.pick(destination[k]));
        }
    }

    #[inline(always)]
    fn draw_hosts(&mut self, plan: &FlowPlan, real: &RealPlan, states: &States, first: u64) {
        let (sources, destinations) = (&plan.sources, &plan.destinations);
        // Host bits of IPv6 that are not those of ranks: four half words each.
        let mut random = [[[0_u64; LANES]; 2]; 2];
        if plan.has_ipv6() {
            let states = States::new(plan.key ^ HOST_WORDS, first);
            for (which, out) in random.iter_mut().flatten().enumerate() {
                states.long(which, out);
            }
        }
        let [client, server] = states.words(1);
        let nets = &self.source_net;
        hosts(sources, real.sources.as_ref(), nets, &client, &random[0], &mut self.client);
        let nets = &self.destination_net;
        if real.affinity {
            affinity::servers(destinations, nets, &server, &self.port, &mut self.server);
        } else {
            let popular = real.destinations.as_ref();
            hosts(destinations, popular, nets, &server, &random[1], &mut self.server);
        }
    }

    /// Bytes by the leaf's own sizes, each way.
    #[inline(always)]
    fn draw_plain(&mut self, shapes: &Shapes, halves: [&Column<u32>; 2]) {
        for (out, halves) in self.plain_bytes.iter_mut().zip(halves) {
            for k in 0..LANES {
                let (size, count) = shapes.sizes(self.leaf[k]);
                out[k] = size.wrapping_add(draw::below(halves[k], count));
            }
        }
        self.counts.packets = [1; LANES];
        for k in 0..LANES {
            self.counts.bytes[k] = self.plain_bytes[0][k].into();
        }
    }

    #[inline(always)]
    fn draw_sizes(&mut self, shapes: &Shapes, states: &States) {
        let [place, gap_place] = states.words(0);
        self.place = place;
        let bytes_place = if shapes.any_apart() { &states.words(1)[0] } else { &place };
        let plain = &self.plain_bytes[0];
        let kinds = (&self.tables, &self.traits, 0);
        draw_counts(shapes, kinds, (&place, bytes_place), plain, &mut self.counts);
        let (mut entries, mut within) = ([Entry::NONE; LANES], [0.0; LANES]);
        let mut at = [0; LANES];
        for k in 0..LANES {
            let spot = spot(gap_place[k]);
            at[k] = self.tables[k].gap() + spot.entry;
            within[k] = spot.within;
        }
        shapes.entries(&at, &mut entries);
        for k in 0..LANES {
            self.gap[k] = entries[k].value(within[k]);
        }
    }
}

/// Packets and bytes of one way (0 or 1) by their tables, at places of their distributions; `plain` are the bytes of
/// leaves without tables.
#[inline(always)]
pub(super) fn draw_counts(
    shapes: &Shapes,
    (tables, traits, way): (&Column<Tables>, &Column<Traits>, u32),
    (places, bytes_places): (&Column<u32>, &Column<u32>),
    plain: &Column<u32>,
    Counts { packets, bytes }: &mut Counts,
) {
    let (mut at, mut bytes_at) = ([0; LANES], [0; LANES]);
    let (mut within, mut bytes_within) = ([0.0; LANES], [0.0; LANES]);
    for k in 0..LANES {
        let Spot { entry, within: rest } = spot(places[k]);
        at[k] = tables[k].packets(way) + entry;
        bytes_at[k] = tables[k].bytes(way) + entry;
        (within[k], bytes_within[k]) = (rest, rest);
    }
    if shapes.any_apart() {
        for k in 0..LANES {
            let Spot { entry, within: rest } = spot(bytes_places[k]);
            let apart = traits[k].apart();
            bytes_at[k] = if apart { tables[k].bytes(way) + entry } else { bytes_at[k] };
            bytes_within[k] = if apart { rest } else { bytes_within[k] };
        }
    }
    let mut entries = [[Entry::NONE; LANES]; 2];
    shapes.entries(&at, &mut entries[0]);
    shapes.entries(&bytes_at, &mut entries[1]);
    let mut factors = [1.0; LANES];
    for k in 0..LANES {
        let (count, float) = whole(entries[0][k].value(within[k]).into());
        packets[k] = count;
        factors[k] = if traits[k].apart() { float } else { 1.0 };
    }
    for k in 0..LANES {
        bytes[k] = whole(f64::from(entries[1][k].value(bytes_within[k])) * factors[k]).0;
    }
    if shapes.any_plain() {
        for k in 0..LANES {
            let is_plain = traits[k].plain();
            bytes[k] = if is_plain { plain[k].into() } else { bytes[k] };
            packets[k] = if is_plain { 1 } else { packets[k] };
        }
    }
}

/// How long flows with these gaps and packets last, in nanoseconds.
#[inline(always)]
pub(super) fn spans(
    gap: &Column<f32>,
    packets: &Column<u64>,
    traits: &Column<Traits>,
    out: &mut Column<u64>,
) {
    for k in 0..LANES {
        // Fewer than 2^52 packets, and at least one, so that the bits of the sum are the number.
        let gaps = f64::from_bits(0x4330_0000_0000_0000 | packets[k]) - 4_503_599_627_370_497.0;
        let gaps = if traits[k].gap_of_all() && gaps > 1.0 { 1.0 } else { gaps };
        let span = f64::from(gap[k]) * gaps;
        out[k] = whole(if span < SPAN_MAX { span } else { SPAN_MAX }).0;
    }
}

/// The hosts that half words choose in their subnets. Of IPv6 hosts without ranks all host bits are random, but never
/// all zeros, the subnet-router anycast address (RFC 4291 §2.6.1), unless the subnet is a single address or a /127
/// (RFC 6164).
#[inline(always)]
fn hosts(
    side: &Side,
    popularity: Option<&Popularity>,
    nets: &Column<u32>,
    halves: &Column<u32>,
    random: &[Column<u64>; 2],
    [high, low]: &mut [Column<u64>; 2],
) {
    if let Some(popularity) = popularity {
        if let [only] = *side.nets {
            popularity.hosts_of_one(halves, low);
            *high = [only.high; LANES];
            for k in 0..LANES {
                low[k] |= only.low;
            }
            return;
        }
        for k in 0..LANES {
            let net = side.nets.get(nets[k] as usize).copied().unwrap_or_default();
            high[k] = net.high;
            low[k] = net.low | popularity.host(nets[k], halves[k]);
        }
        return;
    }
    for k in 0..LANES {
        let net = side.nets.get(nets[k] as usize).copied().unwrap_or_default();
        let bits = (random[0][k] & net.mask[0], random[1][k] & net.mask[1]);
        let router = (bits.0 | bits.1 == 0) & net.has_router;
        high[k] = net.high | bits.0;
        let number = u64::from(net.first) + u64::from(draw::below(halves[k], net.count));
        low[k] = net.low + number + (bits.1 | u64::from(router));
    }
}
