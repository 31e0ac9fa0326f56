//! What 64 flows are made of, column by column: random words, leaves, ports, addresses, sizes, durations.
//!
//! Each loop does one thing for all 64, so that the processor has many independent ones in flight and the compiler can
//! make vectors of those that are arithmetic. All of it is integers and exactly specified floating point, so every
//! kernel makes the same bytes.

#![expect(clippy::inline_always, reason = "loops over a chunk become vectors only as a whole")]
#![expect(clippy::needless_range_loop, reason = "all columns are as long as the loops")]

use std::hint::select_unpredictable;

use super::popularity::Popularity;
use super::quantiles::{Spot, spot, whole};
use super::shape::{Shape, Shapes};
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

/// Places of distributions as tables have them.
#[derive(Clone, Debug)]
pub(super) struct Spots {
    entry: Column<u32>,
    within: Column<f64>,
}

impl Spots {
    pub(super) const EMPTY: Self = Self { entry: [0; LANES], within: [0.0; LANES] };

    /// Where the places of a column lie.
    #[inline(always)]
    fn find(&mut self, places: &Column<u64>) {
        for k in 0..LANES {
            Spot { entry: self.entry[k], within: self.within[k] } = spot(places[k]);
        }
    }

    #[inline(always)]
    fn at(&self, k: usize) -> Spot {
        Spot { entry: self.entry[k], within: self.within[k] }
    }
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
    pub(super) source_net: Column<u32>,
    pub(super) destination_net: Column<u32>,
    /// High and low half of the addresses as numbers.
    pub(super) client: [Column<u64>; 2],
    pub(super) server: [Column<u64>; 2],
    pub(super) shape: Column<Shape>,
    /// Places of the distribution of sizes.
    pub(super) place: Column<u64>,
    /// More random words, for what conversations draw.
    pub(super) more: Column<u64>,
    pub(super) packets: Column<u64>,
    pub(super) bytes: Column<u64>,
    /// Mean gap between packets in nanoseconds; with few packets, all of the duration.
    pub(super) gap: Column<f64>,
    size_half: Column<u32>,
    client_half: Column<u32>,
    server_half: Column<u32>,
    server_net_half: Column<u32>,
    spots: Spots,
}

impl Chunk {
    pub(super) const EMPTY: Self = Self {
        back: [0; LANES],
        ephemeral: [0; LANES],
        port: [0; LANES],
        ipv6: [0; LANES],
        source_net: [0; LANES],
        destination_net: [0; LANES],
        client: [[0; LANES]; 2],
        server: [[0; LANES]; 2],
        shape: [Shape::NONE; LANES],
        place: [0; LANES],
        more: [0; LANES],
        packets: [0; LANES],
        bytes: [0; LANES],
        gap: [0.0; LANES],
        size_half: [0; LANES],
        client_half: [0; LANES],
        server_half: [0; LANES],
        server_net_half: [0; LANES],
        spots: Spots::EMPTY,
    };

    /// Draws the flows from `first` on.
    #[inline(always)]
    pub(super) fn draw(&mut self, plan: &FlowPlan, real: &RealPlan, first: u64) {
        self.draw_leaves(plan, &real.shapes, first);
        self.draw_hosts(plan, real, first);
        self.draw_sizes(plan, &real.shapes, first);
    }

    /// Leaves, directions, ports and the source's subnet: the same words as those of narrow records.
    #[inline(always)]
    fn draw_leaves(&mut self, plan: &FlowPlan, shapes: &Shapes, first: u64) {
        let counter = draw::counter(plan.key, first);
        let (mut leaf_half, mut leaf) = ([0_u32; LANES], [0_u32; LANES]);
        let mut source_half = [0_u32; LANES];
        let reversed = plan.reversed;
        let mut port_half = [0_u32; LANES];
        for k in 0..LANES {
            let state = draw::state_of(counter.wrapping_add((k as u64).wrapping_mul(draw::STEP)));
            (leaf_half[k], self.size_half[k]) = draw::word(state, 0);
            (self.client_half[k], self.server_half[k]) = draw::word(state, 1);
            let (direction, port) = draw::word(state, 2);
            (source_half[k], self.server_net_half[k]) = draw::word(state, 3);
            port_half[k] = port;
            let back = reversed.possible && direction <= reversed.at_most;
            self.back[k] = 0_u64.wrapping_sub(u64::from(back));
            self.ephemeral[k] = EPHEMERAL + (port >> 18);
        }
        for k in 0..LANES {
            leaf[k] = plan.leaf_choice.pick(leaf_half[k]);
            self.source_net[k] = plan.sources.choice.pick(source_half[k]);
        }
        for k in 0..LANES {
            self.shape[k] = shapes.of(leaf[k]);
        }
        for k in 0..LANES {
            let Shape { port, port_count, has_ports, .. } = self.shape[k];
            self.ephemeral[k] = select_unpredictable(has_ports, self.ephemeral[k], 0);
            // The 18 bits that the other port leaves.
            self.port[k] = u32::from(port) + draw::below(port_half[k] << 14, port_count);
        }
    }

    #[inline(always)]
    fn draw_hosts(&mut self, plan: &FlowPlan, real: &RealPlan, first: u64) {
        let (sources, destinations) = (&plan.sources, &plan.destinations);
        for k in 0..LANES {
            let ipv6 = sources.nets.get(self.source_net[k] as usize).is_some_and(|net| net.ipv6);
            self.ipv6[k] = u32::from(ipv6);
            let matching = destinations.of_version.get(usize::from(ipv6)).and_then(Option::as_ref);
            self.destination_net[k] = matching.map_or(0, |c| c.pick(self.server_net_half[k]));
        }
        // Host bits of IPv6 that are not those of ranks: four half words each.
        let mut random = [[[0_u64; LANES]; 2]; 2];
        if plan.has_ipv6() {
            let counter = draw::counter(plan.key ^ HOST_WORDS, first);
            for k in 0..LANES {
                let step = (k as u64).wrapping_mul(draw::STEP);
                let state = draw::state_of(counter.wrapping_add(step));
                let words = [0, 1, 2, 3].map(|which| draw::word(state, which));
                let [a, b, c, d] = words.map(draw::long);
                (random[0][0][k], random[0][1][k]) = (a, b);
                (random[1][0][k], random[1][1][k]) = (c, d);
            }
        }
        let halves = &self.client_half;
        let nets = &self.source_net;
        hosts(sources, real.sources.as_ref(), nets, halves, &random[0], &mut self.client);
        let (halves, nets) = (&self.server_half, &self.destination_net);
        if real.affinity {
            affinity::servers(destinations, nets, halves, &self.port, &mut self.server);
        } else {
            let popular = real.destinations.as_ref();
            hosts(destinations, popular, nets, halves, &random[1], &mut self.server);
        }
    }

    #[inline(always)]
    fn draw_sizes(&mut self, plan: &FlowPlan, shapes: &Shapes, first: u64) {
        let counter = draw::counter(plan.key ^ SIZE_WORDS, first);
        let mut bytes_place = [0_u64; LANES];
        let mut gap_place = [0_u64; LANES];
        for k in 0..LANES {
            let state = draw::state_of(counter.wrapping_add((k as u64).wrapping_mul(draw::STEP)));
            let long = |which| draw::long(draw::word(state, which));
            (self.place[k], bytes_place[k]) = (long(0), long(1));
            (gap_place[k], self.more[k]) = (long(2), long(3));
        }
        if !shapes.any() {
            // One packet of the leaf's length.
            for k in 0..LANES {
                let Shape { size, size_count, .. } = self.shape[k];
                let over = draw::below(self.size_half[k], size_count);
                self.bytes[k] = u64::from(size.wrapping_add(over));
            }
            (self.packets, self.gap) = ([1; LANES], [0.0; LANES]);
            return;
        }
        let (places, shape) = (&self.place, &self.shape);
        let sizes = (&mut self.packets, &mut self.bytes);
        draw_counts(shapes, shape, &self.back, (places, &bytes_place), &mut self.spots, sizes);
        self.spots.find(&gap_place);
        for k in 0..LANES {
            self.gap[k] = shapes.value(self.shape[k].gap, self.spots.at(k));
        }
        if shapes.any_plain() {
            for k in 0..LANES {
                let Shape { size, size_count, plain, .. } = self.shape[k];
                let own = u64::from(size.wrapping_add(draw::below(self.size_half[k], size_count)));
                self.bytes[k] = select_unpredictable(plain, own, self.bytes[k]);
                self.packets[k] = select_unpredictable(plain, 1, self.packets[k]);
            }
        }
    }
}

/// Packets and bytes by their tables at places of their distributions; from the server where `back` is all ones.
#[inline(always)]
pub(super) fn draw_counts(
    shapes: &Shapes,
    shape: &Column<Shape>,
    back: &Column<u64>,
    (places, bytes_places): (&Column<u64>, &Column<u64>),
    spots: &mut Spots,
    (packets, bytes): (&mut Column<u64>, &mut Column<u64>),
) {
    spots.find(places);
    let mut values = [0.0; LANES];
    let mut factors = [0.0; LANES];
    for k in 0..LANES {
        values[k] = shapes.value(shape[k].packets[(back[k] & 1) as usize], spots.at(k));
    }
    for k in 0..LANES {
        (packets[k], factors[k]) = whole(values[k]);
    }
    if shapes.any_apart() {
        for k in 0..LANES {
            let own = spot(bytes_places[k]);
            let apart = shape[k].apart;
            spots.entry[k] = select_unpredictable(apart, own.entry, spots.entry[k]);
            spots.within[k] = select_unpredictable(apart, own.within, spots.within[k]);
            factors[k] = select_unpredictable(apart, factors[k], 1.0);
        }
    } else {
        factors = [1.0; LANES];
    }
    for k in 0..LANES {
        values[k] = shapes.value(shape[k].bytes[(back[k] & 1) as usize], spots.at(k));
    }
    for k in 0..LANES {
        bytes[k] = whole(values[k] * factors[k]).0;
    }
}

/// How long flows with these gaps and packets last, in nanoseconds.
#[inline(always)]
pub(super) fn spans(
    gap: &Column<f64>,
    packets: &Column<u64>,
    shape: &Column<Shape>,
    out: &mut Column<u64>,
) {
    for k in 0..LANES {
        // Fewer than 2^52 packets, so that the bits of the sum are the number.
        let gaps = f64::from_bits(0x4330_0000_0000_0000 | packets[k].saturating_sub(1))
            - 4_503_599_627_370_496.0;
        let gaps = if shape[k].gap_of_all { gaps.min(1.0) } else { gaps };
        out[k] = whole((gap[k] * gaps).min(SPAN_MAX)).0;
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
